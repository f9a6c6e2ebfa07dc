package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a real one, with cookies of its own.
type browser struct{ ctx context.Context } //nolint:containedctx // chromedp keeps the browser in it

// newBrowser starts a headless Chromium, which ends with the test.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium here")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended, so that its directory can be removed
		cancel()
		stop()
	})
	// The first run starts the browser, and its context must outlive that of the run.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return &browser{ctx: ctx}
}

// browse lets the browser act, for half a minute at most.
func browse[T any](t testing.TB, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		at, _ := chromedp.Run(b.ctx, chromedp.Location())
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
		t.Fatalf("the browser, at %s: %v\n%.2000s", at, err, text)
	}
	return value
}

// fetch calls the API from a page of its own origin, as a dashboard does, so that what it sets are the browser's own
// cookies.
func (b *browser) fetch(t testing.TB, c *client, path string, into any) {
	t.Helper()
	script := fmt.Sprintf(`fetch(%q, {headers: {Authorization: %q}}).then(async r => r.status + " " + await r.text())`, path, "Bearer "+c.token)
	browse(t, b, chromedp.Navigate(c.base()+"/docs"))
	text := browse(t, b, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	status, body, _ := strings.Cut(text, " ")
	if status != "200" {
		t.Fatalf("GET %s in the browser: %s", path, text)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("GET %s in the browser: %v", path, err)
	}
}

// at waits until the browser has come to an address that begins so, and gives it.
func (b *browser) at(t testing.TB, prefix string) *url.URL {
	t.Helper()
	var now string
	eventually(t, 30*time.Second, "the browser is at "+prefix, func() bool {
		now = browse(t, b, chromedp.Location())
		return strings.HasPrefix(now, prefix)
	})
	u, err := url.Parse(now)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// text is what the page says.
func (b *browser) text(t testing.TB) string {
	t.Helper()
	return browse(t, b, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
}

// landing is a page to which browsers are sent back, such as the dashboard has.
func landing(t testing.TB) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Dashboard</title><p>Back.")
	}))
	t.Cleanup(server.Close)
	return server.URL
}
