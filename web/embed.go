// Package web holds the dashboard as it was built, and serves it: a page that a browser fills with what the API tells. It knows nothing
// of tenants; whoever sees the page sees no more than they could ask of the API.
package web

import (
	"embed"
	"io/fs"
)

// `make web` builds the dashboard into dist; without it there is none in the program.
//
//go:embed all:dist
var dist embed.FS

// Files are the built dashboard; without an index.html where it was not built.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // dist is a valid path
	}
	return files
}
