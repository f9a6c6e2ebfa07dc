package api

import (
	"net/http"
	"sync"

	swgui "github.com/swaggest/swgui/v5emb"
)

// docsPolicy lets the documentation page run its own script and styles, and nothing from elsewhere.
const docsPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

// registerDocs serves the OpenAPI document, as 3.1 and for older tools as 3.0, and the documentation page, from
// this program alone.
func (a *API) registerDocs(mux *http.ServeMux) {
	document := a.huma.OpenAPI()
	a.serveDocument(mux, "/openapi.json", "application/openapi+json", document.MarshalJSON)
	a.serveDocument(mux, "/openapi.yaml", "application/openapi+yaml", document.YAML)
	a.serveDocument(mux, "/openapi-3.0.json", "application/openapi+json", document.Downgrade)
	a.serveDocument(mux, "/openapi-3.0.yaml", "application/openapi+yaml", document.DowngradeYAML)

	page := swgui.New("Fanfare API", "/openapi.json", "/docs")
	show := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		page.ServeHTTP(&docsWriter{ResponseWriter: w, missing: func() {
			a.write(w, r, problem(http.StatusNotFound, "There is no such path. The operations are listed at /docs."))
		}}, r)
	}
	mux.HandleFunc("GET /docs/", show)
	mux.HandleFunc("GET /docs", show)
}

// serveDocument serves what render makes, which is made when somebody first asks for it.
func (a *API) serveDocument(mux *http.ServeMux, path, contentType string, render func() ([]byte, error)) {
	rendered := sync.OnceValues(render)
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		text, err := rendered()
		if err != nil {
			p := a.explain(r.Context(), err)
			a.write(w, r, p)
			return
		}
		w.Header().Set("Content-Type", contentType)
		if _, err := w.Write(text); err != nil {
			a.log.DebugContext(r.Context(), "answer was not written", "error", err)
		}
	})
}

// docsWriter answers what the page does not have as a problem, where it would answer in plain text.
type docsWriter struct {
	http.ResponseWriter
	missing  func()
	answered bool
}

// WriteHeader passes on every status but 404.
func (w *docsWriter) WriteHeader(status int) {
	if status == http.StatusNotFound {
		w.answered = true
		w.missing()
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes on, unless the problem has been written.
func (w *docsWriter) Write(body []byte) (int, error) {
	if w.answered {
		return len(body), nil
	}
	return w.ResponseWriter.Write(body)
}
