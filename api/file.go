package api

import (
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// stallTimeout is how long a download may stand still. As a whole it may take as long as it needs, which is
// longer than the server allows any other answer.
const stallTimeout = time.Minute

// serveFile answers with a file, or with the part of it that Range names. Its headers have been set.
func (a *API) serveFile(ctx huma.Context, file io.ReadSeeker) {
	asked, w := humago.Unwrap(ctx)
	request := asked.Clone(asked.Context())
	for _, condition := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		request.Header.Del(condition) // nothing of a customer's is cached, so there is nothing to compare with
	}
	a.serve(w, asked, request, file)
}

// serveFileIfChanged is serveFile for a file that has an ETag, with the conditions that the caller gives.
func (a *API) serveFileIfChanged(ctx huma.Context, file io.ReadSeeker) {
	asked, w := humago.Unwrap(ctx)
	request := asked.Clone(asked.Context())
	request.Header.Del("If-Match") // which was looked at before
	a.serve(w, asked, request, file)
}

func (a *API) serve(w http.ResponseWriter, asked, request *http.Request, file io.ReadSeeker) {
	http.ServeContent(&fileWriter{ResponseWriter: w, a: a, request: asked, control: http.NewResponseController(w)}, request, "", time.Time{}, file)
}

// fileWriter is what a file is written to. It moves the connection's deadline on with every piece, and says in
// the API's own form that a range is none.
type fileWriter struct {
	http.ResponseWriter
	a       *API
	request *http.Request
	control *http.ResponseController
	refused bool
}

// WriteHeader passes the status on.
func (w *fileWriter) WriteHeader(status int) {
	if status != http.StatusRequestedRangeNotSatisfiable {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	for _, name := range []string{"Content-Disposition", "ETag", "Content-Length"} {
		w.Header().Del(name)
	}
	w.a.write(w.ResponseWriter, w.request, problem(status, "The file has no such range; see Content-Range for its size."))
}

// Write writes the next piece.
func (w *fileWriter) Write(piece []byte) (int, error) {
	if w.refused {
		return len(piece), nil // what net/http says of it
	}
	// Where there is no deadline to set, there is none to miss.
	_ = w.control.SetWriteDeadline(time.Now().Add(stallTimeout))
	return w.ResponseWriter.Write(piece)
}
