package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestDashboardLosesNothing: what somebody types is kept and stored although their sign-in ends meanwhile, the server is killed and started again, or somebody else
// changes the same post, whose version they are shown beside their own.
func TestDashboardLosesNothing(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	d := startDevAt(t, addr, dir)
	at := d.customer()
	post := call[postAnswer](t, d.client(), http.MethodPost, at+"/posts", map[string]any{"text": "The first words."})
	path := at + "/posts/" + post.ID
	stored := func(text string) {
		t.Helper()
		eventually(t, 30*time.Second, fmt.Sprintf("the server has %q", text), func() bool {
			return call[struct{ Text string }](t, d.client(), http.MethodGet, path, nil).Text == text
		})
	}
	k := d.newDesk(t, "Ben")
	k.open(t, strings.TrimPrefix(path, "/v1")+"/edit")
	k.write(t, "textbox", "Text", "Typed before it ended.")
	stored("Typed before it ended.")

	// The server does not accept the token any more.
	browse(t, k.browser, chromedp.Evaluate[chromedp.Void](`sessionStorage.setItem("fanfare.development.token", "ended")`))
	k.write(t, "textbox", "Text", "Typed when it had ended.")
	k.see(t, "dialog", "Your sign-in has ended")
	k.click(t, "button", "Ben Okafor Member")
	k.gone(t, "dialog", "Your sign-in has ended")
	stored("Typed when it had ended.")

	d.kill()
	<-d.done
	k.write(t, "textbox", "Text", "Typed while the server was away.")
	k.says(t, "The server cannot be reached")
	d = startDevAt(t, addr, dir)
	stored("Typed while the server was away.")
	eventually(t, 30*time.Second, "the page knows that the server is back", func() bool { return !strings.Contains(k.text(t), "The server cannot be reached") })

	// Somebody else changes it, while this one types: what is typed is stored a moment later.
	eventually(t, time.Minute, "two people change the post at once", func() bool {
		seen := d.client().do(t, http.MethodGet, path, nil).header.Get("ETag")
		k.write(t, "textbox", "Text", "Mine.")
		r, err := d.client().tryIf(t.Context(), seen, http.MethodPatch, path, map[string]any{"text": "Theirs."})
		return err == nil && r.status == http.StatusOK
	})
	k.says(t, "Theirs.")
	k.says(t, "Mine.")
	k.click(t, "button", "Keep mine")
	stored("Mine.")

	// What somebody was writing is shown to nobody who signs in after them.
	k.open(t, "/customers")
	k.click(t, "button", "New customer")
	k.write(t, "textbox", "Name", "A client of ours")
	k.open(t, strings.TrimPrefix(path, "/v1")+"/edit")
	k.write(t, "textbox", "Text", "Typed a moment before.")
	k.click(t, "button", "Ben Okafor ben@northlight.example")
	k.click(t, "menuitem", "Sign out")
	k.click(t, "button", "Cleo Marchetti")
	k.see(t, "navigation", "Pages")
	stored("Typed a moment before.")
	if kept := browse(t, k.browser, chromedp.Evaluate[string](`JSON.stringify({...localStorage})`)); strings.Contains(kept, "client of ours") || strings.Contains(kept, "a moment before") || strings.Contains(kept, d.customer()[len("/v1/customers/"):]) {
		t.Errorf("the browser keeps of who has signed out: %s", kept)
	}
	// A sign-in that ends and goes on as somebody else begins anew.
	k.see(t, "button", "Juniper Hotels")
	browse(t, k.browser, chromedp.Evaluate[chromedp.Void](`sessionStorage.setItem("fanfare.development.token", "ended")`))
	k.click(t, "button", "Juniper Hotels")
	k.see(t, "dialog", "Your sign-in has ended")
	k.click(t, "button", "Ada Lindqvist Owner")
	k.see(t, "button", "Harbour Cycles")
	k.gone(t, "button", "Juniper Hotels")
	k.mu.Lock()
	defer k.mu.Unlock()
	k.problems = nil // the browser notes the connections that broke off
}
