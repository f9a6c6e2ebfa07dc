package api

import (
	"net/http"

	swgui "github.com/swaggest/swgui/v5emb"
)

// docsPolicy lets the documentation page run its own script and styles, and nothing from elsewhere.
const docsPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

// registerDocs serves the documentation page from this program alone.
func (a *API) registerDocs(mux *http.ServeMux) {
	page := swgui.New("Fanfare API", "/openapi.json", "/docs")
	mux.HandleFunc("GET /docs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		page.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		page.ServeHTTP(w, r)
	})
}
