package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"fanfare/web"
)

const script = "console.log('hello, hello, hello')"

func built() fstest.MapFS {
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	return fstest.MapFS{
		"index.html": file("<!doctype html>page"), "index.html.br": file("brotli page"), "index.html.gz": file("gzip page"),
		"assets/app-1a2b.js": file(script), "assets/app-1a2b.js.br": file("brotli script"), "assets/app-1a2b.js.gz": file("gzip script"),
		"assets/font.woff2": file("font"), "icon.svg": file("<svg/>"), ".gitkeep": file(""), "assets/.secret": file("secret"), "odd.xyz": file("odd"),
	}
}

// server serves files as the API does, with 418 for what it is left.
func server(t *testing.T, config web.Config) func(method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	pages, err := web.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(pages(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })))
	t.Cleanup(s.Close)
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return func(method, path string, headers ...string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Opaque = path // as it is written here
		for i := 0; i < len(headers); i += 2 {
			request.Header.Add(headers[i], headers[i+1])
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestWhichPathsArePages(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: built()})
	for _, c := range []struct {
		method, path, accept string
		status               int
		body                 string
	}{
		{"GET", "/", "", 200, "<!doctype html>page"},
		{"GET", "/", browser, 200, "<!doctype html>page"},
		{"HEAD", "/", browser, 200, ""},
		{"POST", "/", browser, 418, ""},
		{"GET", "/customers/1/calendar", browser, 200, "<!doctype html>page"},
		{"HEAD", "/customers/1/calendar", browser, 200, ""},
		{"GET", "/customers/1/calendar", "*/*", 418, ""},
		{"GET", "/customers/1/calendar", "application/json", 418, ""},
		{"GET", "/customers/1/calendar", "text/html;q=0", 418, ""},
		{"GET", "/customers/1/calendar", "", 418, ""},
		{"DELETE", "/customers/1/calendar", browser, 418, ""},
		{"GET", "/v1", browser, 418, ""},
		{"GET", "/v1/customers/1/calendar", browser, 418, ""},
		{"GET", "/v1beta", browser, 200, "<!doctype html>page"},
		{"GET", "/oauth/x", browser, 418, ""},
		{"GET", "/health", browser, 418, ""},
		{"GET", "/docs/x", browser, 418, ""},
		{"GET", "/dev/people", browser, 418, ""},
		{"GET", "/river/jobs", browser, 418, ""},
		{"GET", "/openapi-3.1.json", browser, 418, ""},
		{"GET", "/openapi.json", browser, 418, ""},
		{"GET", "/.well-known/security.txt", browser, 418, ""},
		{"GET", "/assets/app-1a2b.js", "*/*", 200, script},
		{"GET", "/assets/app-0000.js", browser, 418, ""},
		{"GET", "/assets", browser, 418, ""},
		{"GET", "/assets/app-1a2b.js.br", "*/*", 418, ""},
		{"GET", "/assets/.secret", browser, 418, ""},
		{"GET", "/.gitkeep", "*/*", 418, ""},
		{"GET", "/index.html", "*/*", 418, ""},
		{"GET", "/icon.svg", "image/*", 200, "<svg/>"},
		{"GET", "/../web.go", browser, 418, ""},
		{"GET", "/assets/../index.html", browser, 418, ""},
		{"GET", "/%2e%2e/web.go", browser, 418, ""},
		{"GET", "/assets/..%2f..%2fweb.go", browser, 418, ""},
		{"GET", "/..%5c..%5cweb.go", browser, 200, "<!doctype html>page"}, // no path of any kind here
		{"GET", "//icon.svg", browser, 418, ""},
		{"GET", "/customers/", "*/*", 418, ""},
		{"GET", "/customers/", "application/json", 418, ""},
		{"POST", "/customers/", browser, 418, ""},
		{"GET", "/customers//", browser, 418, ""},
		{"GET", "/customers/../x/", browser, 418, ""},
		{"GET", "/v1/", browser, 418, ""},
		{"GET", "/river/", browser, 418, ""},
		{"GET", "/assets/", browser, 418, ""},
		{"GET", "/%2fevil.example/", browser, 418, ""},
	} {
		response, body := ask(c.method, c.path, "Accept", c.accept)
		if response.StatusCode != c.status || body != c.body {
			t.Errorf("%s %s, which accepts %s: %d %q, want %d %q", c.method, c.path, c.accept, response.StatusCode, body, c.status, c.body)
		}
	}
}

func TestSlashAtTheEnd(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: built()})
	for path, want := range map[string]string{
		"/customers/":                               "/customers",
		"/customers/1/calendar/":                    "/customers/1/calendar",
		"/customers/1/calendar/?view=week&q=a%2Fb/": "/customers/1/calendar?view=week&q=a%2Fb/",
		"/customers/?to=//evil.example/":            "/customers?to=//evil.example/",
		"/a%20b/":                                   "/a%20b",
		"/a%3Fb/":                                   "/a%3Fb",
		"/%5cevil.example/":                         "/%5Cevil.example",
		"/%09/evil.example/":                        "/%09/evil.example",
		"/%0d%0aX-Evil:%201/":                       "/%0D%0AX-Evil:%201",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			response, body := ask(method, path, "Accept", browser)
			if got := response.Header.Get("Location"); response.StatusCode != http.StatusPermanentRedirect || got != want || body != "" {
				t.Errorf("%s %s: %d to %q %q, want one to %q", method, path, response.StatusCode, got, body, want)
			}
		}
	}
}

// Browsers take what begins with two slashes for another host: nothing leads there.
func TestNoWayToOtherHosts(t *testing.T) {
	t.Parallel()
	pages, err := web.New(web.Config{Files: built()})
	if err != nil {
		t.Fatal(err)
	}
	handler := pages(http.NotFoundHandler())
	for _, path := range []string{"//", "///", "//evil.example/", "///evil.example/", "//evil.example/customers/", "//evil.example//", "/%2fevil.example/", "/./evil.example/", "/.//evil.example/", "/..//evil.example/"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		request.Header.Set("Accept", browser)
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		if response.Code != http.StatusNotFound || response.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, response.Code, response.Header().Get("Location"))
		}
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: built()})
	for accepted, want := range map[string]string{
		"": "", "gzip, deflate, br, zstd": "br", "gzip": "gzip", "br;q=0": "", "br;q=0, gzip": "gzip", "br;q=0.5, gzip;q=0.8": "gzip", "br ; q=0.8,gzip;q=0.8": "br",
		"BR": "br", "*": "br", "*;q=0": "", "*, br;q=0": "gzip", "identity": "", "identity;q=1, br;q=0.5": "", "identity;q=0.2, br;q=0.5": "br",
		"deflate": "", "brotli": "", "x-br": "", "br;q=none": "", "br;q=-1": "", "br;q=7": "", ";;,,=": "",
	} {
		response, body := ask(http.MethodGet, "/assets/app-1a2b.js", "Accept-Encoding", accepted)
		wanted := map[string]string{"": script, "br": "brotli script", "gzip": "gzip script"}[want]
		if got := response.Header.Get("Content-Encoding"); got != want || body != wanted || response.Header.Get("Vary") != "Accept-Encoding" || response.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%q: %q %q %v, want %q", accepted, got, body, response.Header, want)
		}
	}
	if response, body := ask(http.MethodGet, "/", "Accept-Encoding", "gzip;q=0.1", "Accept-Encoding", "br;q=0.5"); body != "brotli page" {
		t.Errorf("two headers: %v %q", response.Header, body)
	}
	if response, body := ask(http.MethodGet, "/assets/font.woff2", "Accept-Encoding", "br"); body != "font" || response.Header.Get("Content-Encoding") != "" || response.Header.Get("Vary") != "" {
		t.Errorf("a file that is not compressed: %v %q", response.Header, body)
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: built()})
	for path, want := range map[string]string{"/": "no-cache", "/customers": "no-cache", "/icon.svg": "no-cache", "/assets/app-1a2b.js": "public, max-age=31536000, immutable"} {
		seen := map[string]bool{}
		for _, coding := range []string{"br", "gzip", "identity"} {
			headers := []string{"Accept", browser, "Accept-Encoding", coding}
			first, _ := ask(http.MethodGet, path, headers...)
			etag := first.Header.Get("ETag")
			if got := first.Header.Get("Cache-Control"); got != want || !strings.HasPrefix(etag, `"`) || path != "/icon.svg" && seen[etag] {
				t.Errorf("%s in %s: Cache-Control %q, ETag %s", path, coding, got, etag)
			}
			seen[etag] = true
			for _, known := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
				if again, body := ask(http.MethodGet, path, append(headers, "If-None-Match", known)...); again.StatusCode != http.StatusNotModified || body != "" || again.Header.Get("ETag") != etag || again.Header.Get("Cache-Control") != want {
					t.Errorf("%s in %s with %s: %d %q %v", path, coding, known, again.StatusCode, body, again.Header)
				}
			}
			if again, _ := ask(http.MethodGet, path, append(headers, "If-None-Match", `"x"`)...); again.StatusCode != http.StatusOK {
				t.Errorf("%s in %s with another tag: %d", path, coding, again.StatusCode)
			}
			if head, body := ask(http.MethodHead, path, headers...); head.StatusCode != http.StatusOK || body != "" || head.Header.Get("ETag") != etag {
				t.Errorf("HEAD %s in %s: %d %v", path, coding, head.StatusCode, head.Header)
			}
		}
	}
	part, body := ask(http.MethodGet, "/assets/app-1a2b.js", "Accept-Encoding", "br", "Range", "bytes=0-6")
	if part.StatusCode != http.StatusPartialContent || body != "console" || part.Header.Get("Content-Encoding") != "" {
		t.Errorf("a part: %d %q %v", part.StatusCode, body, part.Header)
	}
	if beyond, _ := ask(http.MethodGet, "/assets/app-1a2b.js", "Range", "bytes=900-"); beyond.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a part beyond the end: %d", beyond.StatusCode)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: built(), Connect: []string{"https://id.example"}, Images: []string{"http://127.0.0.1:9"}})
	const want = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; manifest-src 'self'; img-src 'self' data: blob: https: http://127.0.0.1:9; " +
		"media-src 'self' blob: https: http://127.0.0.1:9; connect-src 'self' https://id.example; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	for _, path := range []string{"/", "/customers", "/icon.svg", "/odd.xyz"} {
		if response, _ := ask(http.MethodGet, path, "Accept", browser); response.Header.Get("Content-Security-Policy") != want {
			t.Errorf("%s: %s", path, response.Header.Get("Content-Security-Policy"))
		}
	}
	if response, _ := ask(http.MethodGet, "/odd.xyz"); response.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("an odd file is %s", response.Header.Get("Content-Type"))
	}
	if response, _ := ask(http.MethodGet, "/v1/x"); response.Header.Get("Content-Security-Policy") != "" {
		t.Error("the API's policy is changed")
	}
}

func TestNotBuilt(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: fstest.MapFS{".gitkeep": {}}})
	for _, path := range []string{"/", "/customers"} {
		response, body := ask(http.MethodGet, path, "Accept", browser)
		if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make web") || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %v %s", path, response.StatusCode, response.Header, body)
		}
	}
	if response, body := ask(http.MethodHead, "/"); response.StatusCode != http.StatusServiceUnavailable || body != "" {
		t.Errorf("HEAD: %d %q", response.StatusCode, body)
	}
	if response, _ := ask(http.MethodGet, "/assets/app.js", "Accept", browser); response.StatusCode != http.StatusTeapot {
		t.Errorf("a file: %d", response.StatusCode)
	}
}

// What is built into the program can be served, whatever was built.
func TestFiles(t *testing.T) {
	t.Parallel()
	ask := server(t, web.Config{Files: web.Files()})
	_, err := os.Stat("dist/index.html")
	want := http.StatusOK
	if err != nil {
		want = http.StatusServiceUnavailable
	}
	if response, _ := ask(http.MethodGet, "/"); response.StatusCode != want {
		t.Errorf("the page: %d, want %d", response.StatusCode, want)
	}
}
