package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// desk is somebody at the dashboard, in a browser of their own. What is on the page is found as screen readers find it: by its role and its name.
type desk struct {
	*browser
	base string

	mu       sync.Mutex
	problems []string // errors in the browser's console
}

// watched starts somebody's browser. Nothing may go wrong in the scripts of the dashboard, and nothing be refused by its policies, while the test runs.
func watched(t testing.TB, person, base string) *desk {
	t.Helper()
	k := &desk{browser: newBrowser(t), base: base}
	console := chromedp.Console(k.ctx)
	go func() {
		for message, err := range console {
			if err != nil {
				return
			}
			// What the API refuses is for the page to tell; the browser notes it as well.
			if slices.Contains([]chromedp.ConsoleType{chromedp.ConsoleError, chromedp.ConsoleException, chromedp.ConsoleWarning}, message.Type) && message.Source != "network" {
				k.mu.Lock()
				k.problems = append(k.problems, message.String())
				k.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			at, _ := chromedp.Run(k.ctx, chromedp.Location())
			text, _ := chromedp.Run(k.ctx, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
			t.Logf("%s is at %s:\n%.3000s", person, at, text)
			if picture, err := chromedp.Run(k.ctx, chromedp.CaptureScreenshot()); err == nil && os.Getenv("FANFARE_FAILURES") != "" {
				_ = os.WriteFile(filepath.Join(os.Getenv("FANFARE_FAILURES"), strings.ReplaceAll(t.Name(), "/", "-")+"-"+person+".png"), picture, 0o600)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, problem := range k.problems {
			t.Errorf("in the browser of %s: %s", person, problem)
		}
	})
	return k
}

// newDesk opens the dashboard for somebody of the demo data.
func (d *dev) newDesk(t testing.TB, person string) *desk {
	t.Helper()
	k := watched(t, person, d.ready.API)
	browse(t, k.browser, chromedp.EmulateViewport(1280, 900))
	k.open(t, "/")
	k.click(t, "button", person)
	k.see(t, "navigation", "Pages")
	return k
}

// open goes to a page.
func (k *desk) open(t testing.TB, path string) {
	t.Helper()
	browse(t, k.browser, chromedp.Navigate(k.base+path))
}

// nodes are those of a role whose names begin so.
func (k *desk) nodes(role, name string) (found []*accessibility.Node, err error) {
	ctx, cancel := context.WithTimeout(k.ctx, 30*time.Second)
	defer cancel()
	document, err := chromedp.Call(ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return nil, err
	}
	result, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{NodeID: document.Root.NodeID, Role: role})
	if err != nil {
		return nil, err
	}
	for _, node := range result.Nodes {
		var text string
		if node.Name != nil {
			_ = jsonv2.Unmarshal(node.Name.Value, &text) // no name is an empty one
		}
		if !node.Ignored && strings.HasPrefix(text, name) {
			found = append(found, node)
		}
	}
	return found, nil
}

// see waits until something is on the page that has the role, and a name that begins so.
func (k *desk) see(t testing.TB, role, name string) (node *accessibility.Node) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("the page has a %s %q", role, name), func() bool {
		found, err := k.nodes(role, name)
		if err != nil || len(found) == 0 {
			return false // the page may be changing just now
		}
		node = found[0]
		return true
	})
	return node
}

// gone waits until nothing on the page has the role and a name that begins so.
func (k *desk) gone(t testing.TB, role, name string) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("the page has no %s %q", role, name), func() bool {
		found, err := k.nodes(role, name)
		return err == nil && len(found) == 0
	})
}

// says waits until the page says so.
func (k *desk) says(t testing.TB, text string) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("the page says %q", text), func() bool { return strings.Contains(k.text(t), text) })
}

// center scrolls something into view and gives its middle.
func (k *desk) center(ctx context.Context, node *accessibility.Node) (x, y float64, err error) {
	if _, err = chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: node.BackendDOMNodeID}); err != nil {
		return 0, 0, err
	}
	var before dom.Quad
	for { // what slides in is waited for
		place, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: node.BackendDOMNodeID})
		if err != nil {
			return 0, 0, err
		}
		if len(place.Quads) == 0 {
			return 0, 0, errors.New("it has no place on the page")
		}
		quad := place.Quads[0]
		if slices.Equal(quad, before) {
			return (quad[0] + quad[4]) / 2, (quad[1] + quad[5]) / 2, nil
		}
		before = quad
		if err := chromedp.Do(ctx, chromedp.Sleep(50*time.Millisecond)); err != nil {
			return 0, 0, err
		}
	}
}

// click presses the mouse where something is.
func (k *desk) click(t testing.TB, role, name string) {
	t.Helper()
	var problem error
	eventually(t, 30*time.Second, fmt.Sprintf("the page lets one click the %s %q", role, name), func() bool {
		node := k.see(t, role, name)
		ctx, cancel := context.WithTimeout(k.ctx, 10*time.Second)
		defer cancel()
		x, y, err := k.center(ctx, node)
		if err == nil {
			err = chromedp.Do(ctx, chromedp.MouseClickXY(x, y))
		}
		problem = err
		return err == nil // it may have gone while it was looked for
	})
	if problem != nil {
		t.Fatal(problem)
	}
}

// confirm presses a button of the dialog that asks whether something is to be done.
func (k *desk) confirm(t testing.TB, name string) {
	t.Helper()
	k.see(t, "dialog", "")
	browse(t, k.browser, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`[...document.querySelectorAll("[role=dialog] button")].findLast(b => b.innerText === %q).click()`, name)))
	k.gone(t, "dialog", "")
}

// write puts a text in place of what a field says.
func (k *desk) write(t testing.TB, role, name, text string) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("the page lets one write into the %s %q", role, name), func() bool {
		node := k.see(t, role, name)
		ctx, cancel := context.WithTimeout(k.ctx, 10*time.Second)
		defer cancel()
		if _, err := chromedp.Call(ctx, dom.Focus, dom.FocusParams{BackendNodeID: node.BackendDOMNodeID}); err != nil {
			return false
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(kb.Delete)); err != nil {
			return false
		}
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err == nil
	})
}

// drag pulls something onto something else with the mouse, as a hand does.
func (k *desk) drag(t testing.TB, fromRole, from, toRole, to string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(k.ctx, 30*time.Second)
	defer cancel()
	source, target := k.see(t, fromRole, from), k.see(t, toRole, to)
	x, y, err := k.center(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	toX, toY, err := k.center(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.DragAndDropXY(x, y, toX, toY, 20)); err != nil {
		t.Fatalf("drag %q to %q: %v", from, to, err)
	}
}

// theme shows the page as somebody sees it whose system is light or dark, and whose window is so wide.
func (k *desk) theme(t testing.TB, scheme string, width int64) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(k.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
	browse(t, k.browser, chromedp.EmulateViewport(width, 900))
}

// settled waits until the page has its heading and all that it fetches, in the theme that its viewer prefers, and nothing is being faded in.
func (k *desk) settled(t testing.TB) {
	t.Helper()
	quiet := 0 // parts of a page are loaded when they are needed: it must stay so for a while
	eventually(t, 30*time.Second, "the page has all that it shows", func() bool {
		busy, err := k.nodes("status", "Loading")
		if err == nil && len(busy) == 0 && browse(t, k.browser, chromedp.Evaluate[bool](`document.querySelector("h1")?.innerText.trim() > "" && document.getAnimations().every(a => a.playState !== "running") &&
			document.documentElement.dataset.mantineColorScheme === (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")`)) {
			quiet++
		} else {
			quiet = 0
		}
		return quiet >= 15
	})
}
