package platform_test

import (
	"encoding/json"
	"image"
	"image/color"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/platform"
)

// recorded is a request and its answer, as a platform's documentation has them.
type recorded struct {
	Method, Path string
	Body         any // JSON; nil: there is none
	Status       int
	Answer       any // JSON; nil: there is none
}

func readFixture(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// replay serves recorded exchanges in their order, and fails the test for any other request.
func replay(t *testing.T, path string) *httptest.Server {
	t.Helper()
	var exchanges []recorded
	readFixture(t, path, &exchanges)
	var mu sync.Mutex
	next := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(exchanges) {
			t.Errorf("a request too many: %s %s", r.Method, r.URL)
			return
		}
		want := exchanges[next]
		next++
		body, err := io.ReadAll(r.Body)
		var got any
		if err == nil && len(body) > 0 && r.Header.Get("Content-Type") == "application/json" {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || r.Method != want.Method || r.URL.RequestURI() != want.Path {
			t.Errorf("sent %s %s (%v), want %s %s", r.Method, r.URL.RequestURI(), err, want.Method, want.Path)
		}
		if diff := cmp.Diff(want.Body, got); diff != "" {
			t.Errorf("%s %s: %s", r.Method, r.URL.RequestURI(), diff)
		}
		w.WriteHeader(want.Status)
		if want.Answer != nil {
			_ = json.NewEncoder(w).Encode(want.Answer)
		}
	}))
	t.Cleanup(func() {
		server.Close()
		if next != len(exchanges) {
			t.Errorf("%d of %d requests were sent", next, len(exchanges))
		}
	})
	return server
}

// picture makes an image of a post, each of another colour.
func picture(t *testing.T, shade uint8, altText string) platform.Media {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 8, 6))
	canvas.Set(1, 1, color.RGBA{R: shade, A: 255})
	m := pngFile(t, canvas, altText)
	m.Name = "A picture, really.jpeg"
	m.Width, m.Height = 8, 6
	return m
}

// film makes the beginning of a video.
func film(altText string) platform.Media {
	m := file("video/mp4", append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), make([]byte, 5000)...), altText)
	m.Name = "film.mp4"
	return m
}
