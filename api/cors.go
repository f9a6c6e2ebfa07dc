package api

import (
	"net/http"
	"strings"

	"github.com/rs/cors"
)

// crossOrigin lets the pages of a few other origins, such as a dashboard that is served elsewhere, call the API. Browsers ask beforehand what they
// may send, and are answered here: nobody is charged for it and the database is not asked. Cookies say nothing of who calls; they bind the connecting of an
// account to the browser that began it, on another host of the same site as well.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	shared := cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{
			"Authorization", "Content-Type", "If-Match", "If-None-Match", "Last-Event-ID", "Range", "X-Request-ID", keyHeader, reasonHeader, idempotencyHeader,
		},
		ExposedHeaders: []string{
			"Accept-Ranges", "Allow", "Content-Disposition", "Content-Range", "Deprecation", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID",
			policyHeader, rateHeader,
		},
		AllowCredentials: true,
		MaxAge:           2 * 60 * 60, // what browsers keep it for at most
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, riverPath) { // whose cookie does say who calls
			next.ServeHTTP(w, r)
			return
		}
		shared.ServeHTTP(w, r)
	})
}
