package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what the dashboard consists of, and whom it may reach besides the server that it comes from.
type Config struct {
	// Files are those of Files, or a test's.
	Files fs.FS
	// Connect are the origins that it may send requests to, such as that of the issuer of tokens.
	Connect []string
	// Images are the origins from which it may show images and videos, besides all that speak HTTPS.
	Images []string
}

// file is one of the dashboard's, in the encodings that it was compressed to.
type file struct {
	kind    string // media type
	etag    string // without quotes
	encoded map[string][]byte
	lasting bool // its name changes with what it holds
}

const (
	index    = "index.html"
	identity = ""
)

// compressed are the encodings in the order in which they are preferred, with the ends of their files' names.
var compressed = []struct{ coding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// kinds are the media types of what a dashboard consists of. They do not depend on the machine, as those of package mime do.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".gif": "image/gif", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".jpg": "image/jpeg",
	".js": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json", ".png": "image/png", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff2": "font/woff2",
}

// Pages serve the dashboard's files, and its page at / and wherever a browser asks for a page that the API does not have. The page's own
// script finds out what to show there. All else is left to unknown, which is whatever answers paths that are not there.
type Pages func(unknown http.Handler) http.Handler

// New reads the files and makes what serves them.
func New(config Config) (Pages, error) {
	files, err := read(config.Files)
	if err != nil {
		return nil, fmt.Errorf("read the dashboard: %w", err)
	}
	policy := policy(config)
	return func(unknown http.Handler) http.Handler { return serve(files, policy, unknown) }, nil
}

func serve(files map[string]*file, policy string, unknown http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Method == http.MethodGet || r.Method == http.MethodHead
		page := !Reserved(r.URL.Path) && accepts(r.Header.Values("Accept"), "text/html")
		if asked && page && r.URL.Path != "//" && path.Clean(r.URL.Path)+"/" == r.URL.Path {
			withoutSlash(w, r)
			return
		}
		if !asked || path.Clean(r.URL.Path) != r.URL.Path {
			unknown.ServeHTTP(w, r)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		found := files[name]
		if name == index {
			found = nil // it is at /
		}
		if found == nil && (name == "" || page) {
			found = files[index]
			if found == nil {
				notBuilt(w, r)
				return
			}
		}
		if found == nil {
			unknown.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		found.serve(w, r)
	})
}

// withoutSlash leads to the page at the same path without the slash at its end. The path begins with one slash: browsers would take two for the
// beginning of another host.
func withoutSlash(w http.ResponseWriter, r *http.Request) {
	to := url.URL{Path: strings.TrimSuffix(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusPermanentRedirect)
}

// reserved are the first parts of paths under which there are no pages of the dashboard: those of the API, where what is not there answers
// with a problem, and those of files.
var reserved = []string{
	".well-known", "assets", "client", "connect", "dev", "docs", "generate_post", "health", "hooks", "livez", "mcp", "oauth", "openapi", "readyz", "river", "search_images",
	"telegram", "v1",
}

// Reserved tells whether a path can be of no page of the dashboard. What is reserved, is so with all that a - or a . joins to it.
func Reserved(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.ContainsFunc(reserved, func(name string) bool {
		rest, found := strings.CutPrefix(first, name)
		return found && (rest == "" || rest[0] == '-' || rest[0] == '.')
	})
}

// read reads all files, but those whose names begin with a dot.
func read(files fs.FS) (map[string]*file, error) {
	all := map[string]*file{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") || isCompressed(name) {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(content)
		f := &file{kind: kinds[path.Ext(name)], etag: hex.EncodeToString(digest[:16]), encoded: map[string][]byte{identity: content}, lasting: strings.HasPrefix(name, "assets/")}
		if f.kind == "" {
			f.kind = "application/octet-stream"
		}
		for _, c := range compressed {
			if content, err := fs.ReadFile(files, name+c.suffix); err == nil {
				f.encoded[c.coding] = content
			}
		}
		all[name] = f
		return nil
	})
	return all, err
}

func isCompressed(name string) bool {
	return path.Ext(name) == ".br" || path.Ext(name) == ".gz"
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	header, coding := w.Header(), identity
	if len(f.encoded) > 1 {
		header.Add("Vary", "Accept-Encoding")
		if r.Header.Get("Range") == "" { // parts are of the file as it is
			coding = f.choose(r.Header.Values("Accept-Encoding"))
		}
	}
	etag := f.etag
	if coding != identity {
		etag += "-" + coding
		header.Set("Content-Encoding", coding)
	}
	header.Set("ETag", strconv.Quote(etag))
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", "no-cache")
	if f.lasting {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.encoded[coding]))
}

// choose gives the encoding that is liked best among those that the file has.
func (f *file) choose(accepted []string) string {
	best, most := identity, 0.0
	for _, c := range compressed {
		if liked := weight(accepted, c.coding, "*"); f.encoded[c.coding] != nil && liked > most {
			best, most = c.coding, liked
		}
	}
	if most < weight(accepted, "identity", "") {
		return identity
	}
	return best
}

// accepts tells whether a media type is named among those that are accepted. Programs accept anything, and are to be told that there is no such path.
func accepts(headers []string, kind string) bool { return weight(headers, kind, "") > 0 }

// weight is how much one of a list is liked, from 0 to 1 (RFC 9110, section 12.4.2). What is not named, is liked as much as others, if they are.
func weight(headers []string, name, others string) float64 {
	of := 0.0
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			named, parameters, _ := strings.Cut(item, ";")
			named = strings.TrimSpace(named)
			exact := strings.EqualFold(named, name)
			if !exact && (others == "" || named != others) {
				continue
			}
			liked := 1.0
			for parameter := range strings.SplitSeq(parameters, ";") {
				if key, value, found := strings.Cut(strings.TrimSpace(parameter), "="); found && strings.EqualFold(key, "q") {
					q, err := strconv.ParseFloat(value, 64)
					if err != nil || q < 0 || q > 1 {
						q = 0
					}
					liked = q
				}
			}
			if exact {
				return liked
			}
			of = liked
		}
	}
	return of
}

// policy lets the page run its own scripts and no others, and reach nobody but those who are named. Styles may stand in the page: its components
// place things by them.
func policy(config Config) string {
	with := func(directive string, origins []string) string {
		return strings.Join(append([]string{directive}, origins...), " ")
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "font-src 'self'", "manifest-src 'self'",
		with("img-src 'self' data: blob: https:", config.Images), with("media-src 'self' blob: https:", config.Images), with("connect-src 'self'", config.Connect),
		"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
}

const notBuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fanfare</title>
<h1>The dashboard is not in this program</h1>
<p>It is built with Node.js: run <code>make web</code>, then build the program again (<code>make build</code>) and start it. <code>make run</code> does all of it.</p>
<p>The API works without it: <a href="/docs">its documentation</a>.</p>
`

func notBuilt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(notBuiltPage)) // who is gone does not read it
	}
}
