package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// dashboardPages are all pages of the dashboard, below the customer's where they begin with a dot.
var dashboardPages = []struct{ name, person, path string }{
	{"customers", "Ada", "/customers"},
	{"home", "Ada", "."},
	{"calendar-month", "Ada", "./calendar"},
	{"calendar-week", "Ada", "./calendar?view=week"},
	{"calendar-list", "Ada", "./calendar?view=list"},
	{"posts", "Ada", "./posts"},
	{"post-new", "Ada", "./posts/new"},
	{"post", "Ada", "./posts/{published}"},
	{"post-edit", "Ada", "./posts/{draft}/edit"},
	{"approvals", "Ada", "./approvals"},
	{"campaigns", "Ada", "./campaigns"},
	{"media", "Ada", "./media"},
	{"templates", "Ada", "./templates"},
	{"reports", "Ada", "./reports"},
	{"connections", "Ada", "./connections"},
	{"spaces", "Ada", "./spaces"},
	{"agents", "Ada", "./agents"},
	{"webhooks", "Ada", "./webhooks"},
	{"activity", "Ada", "./activity"},
	{"audit", "Ada", "./audit"},
	{"usage", "Ada", "./usage"},
	{"workspaces", "Ada", "./workspaces"},
	{"members", "Ada", "./members"},
	{"settings", "Ada", "./settings"},
	{"preferences", "Ada", "/preferences"},
	{"invitation", "Ada", "/invitations/accept#token=unknown"},
	{"not-found", "Ada", "/nowhere"},
	{"installation", "Olga", "/installation"},
	{"home-of-admin", "Olga", "."},
}

// furnish gives the first customer some of everything, and gives the ids of posts by what they are.
func (d *dev) furnish(t testing.TB) map[string]string {
	t.Helper()
	connect := exec.CommandContext(t.Context(), "../tools/connect-demo", d.ready.API)
	connect.Env = append(os.Environ(), "TOKEN="+d.ready.Users[0].Token, "FANFARE_DATA_DIR=/nowhere")
	if out, err := connect.CombinedOutput(); err != nil {
		t.Fatalf("connect accounts: %v\n%s", err, out)
	}
	c, at := d.client(), d.customer()
	create := func(path string, body any) string {
		t.Helper()
		r := c.do(t, http.MethodPost, at+path, body)
		if r.status/100 != 2 {
			t.Fatalf("POST %s: %d %s", path, r.status, r.body)
		}
		return decode[struct{ ID string }](t, r).ID
	}
	ids := map[string]string{}
	accounts := call[struct {
		Items []struct{ ID, Platform string }
	}](t, c, http.MethodGet, at+"/integrations?limit=100", nil)
	var everywhere []map[string]any
	seen := map[string]bool{}
	for _, account := range accounts.Items {
		if account.Platform != "mailchimp" && !seen[account.Platform] {
			everywhere = append(everywhere, map[string]any{"integration_id": account.ID})
			seen[account.Platform] = true
		}
	}
	campaign := create("/campaigns", map[string]any{"name": "Autumn fair", "goal": "Two hundred people on the square."})
	for i, text := range []string{"The fair opens at nine, with soup.", "Bring a basket: the apples are ripe.", "Thank you all for coming."} {
		post := create("/posts", map[string]any{"title": "Autumn fair " + strconv.Itoa(i+1), "text": text, "campaign_id": campaign, "platforms": everywhere})
		c.expect(t, http.StatusAccepted, http.MethodPost, at+"/posts/"+post+"/schedule", map[string]any{"scheduled_at": time.Now().Add(time.Duration(24*(i+1)) * time.Hour)})
		ids["scheduled"] = post
	}
	ids["draft"] = create("/posts", map[string]any{"title": "Not yet", "text": "We are still writing <b>this</b>.", "platforms": everywhere})
	waiting := create("/posts", map[string]any{"title": "Please look", "text": "Our new oven bakes at 300 degrees.", "platforms": everywhere})
	c.expect(t, http.StatusOK, http.MethodPost, at+"/posts/"+waiting+"/submit", map[string]any{})
	c.expect(t, http.StatusCreated, http.MethodPost, at+"/posts/"+waiting+"/reviews", map[string]any{"comment": "Is it 300 or 250?"})
	ids["waiting"] = waiting
	published := create("/posts", map[string]any{"title": "Out now", "text": "The rye loaf is out now.", "platforms": everywhere})
	c.expect(t, http.StatusAccepted, http.MethodPost, at+"/posts/"+published+"/publish", nil)
	ids["published"] = published
	create("/email-templates", map[string]any{"name": "Newsletter", "html": "<h1>{{title}}</h1><p>{{text}}</p>"})
	create("/webhooks", map[string]any{"url": "https://hooks.example.com/fanfare"})
	create("/api-keys", map[string]any{"name": "Shop", "permissions": []string{"posts:read"}})
	create("/memories", map[string]any{"text": "The bakery closes on Mondays."})
	create("/queue-slots", map[string]any{"weekday": "friday", "local_time": "17:45"})
	create("/recurring-posts", map[string]any{"post_id": ids["draft"], "rrule": "FREQ=WEEKLY", "starts_local": time.Now().AddDate(0, 0, 2).Format("2006-01-02") + "T09:00"})
	create("/pairings", map[string]any{"platform": "telegram", "permissions": []string{"posts:read"}})
	create("/invitations", map[string]any{"email": "new@northlight.example", "role": "member"})
	eventually(t, time.Minute, "the post is out", func() bool {
		return call[postAnswer](t, c, http.MethodGet, at+"/posts/"+published, nil).State == "published"
	})
	return ids
}

// violations are what axe-core finds wrong with the page, by the rules of WCAG 2.2 AA and of good practice.
func (k *desk) violations(t testing.TB, axe string) []string {
	t.Helper()
	browse(t, k.browser, chromedp.Evaluate[chromedp.Void](axe))
	found := browse(t, k.browser, chromedp.Evaluate[string](`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		JSON.stringify(r.violations.map(v => v.id + ": " + v.help + "; " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " (" + n.failureSummary + ")").join("; "))))`, chromedp.EvalAwaitPromise))
	var all []string
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDashboardPages: every page shows what there is without a violation of WCAG 2.2 AA that axe-core finds, in light and dark, wide and narrow, and never
// wider than the screen; light and wide, dark and narrow in the short form. FANFARE_SCREENSHOTS names a directory for pictures of them.
func TestDashboardPages(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile("../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is not installed: run make web: %v", err)
	}
	d := startDev(t, t.TempDir())
	ids := d.furnish(t)
	desks := map[string]*desk{}
	pictures := os.Getenv("FANFARE_SCREENSHOTS")
	for _, p := range dashboardPages {
		k, known := desks[p.person]
		if !known {
			k = d.newDesk(t, p.person)
			desks[p.person] = k
		}
		path := p.path
		if strings.HasPrefix(path, ".") {
			path = "/customers/" + d.ready.Users[0].Customers[0].ID + path[1:]
		}
		for name, id := range ids {
			path = strings.ReplaceAll(path, "{"+name+"}", id)
		}
		t.Run(p.name, func(t *testing.T) {
			for _, width := range []int64{1280, 375} {
				k.theme(t, "light", width)
				k.open(t, path)
				for _, scheme := range []string{"light", "dark"} {
					if !proving() && pictures == "" && (scheme == "light") != (width == 1280) {
						continue // the short form looks at two of the four
					}
					k.theme(t, scheme, width)
					k.settled(t)
					what := p.name + "-" + scheme + "-" + strconv.FormatInt(width, 10)
					for _, violation := range k.violations(t, string(axe)) {
						t.Errorf("%s: %s", what, violation)
					}
					if wide := browse(t, k.browser, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > width {
						t.Errorf("%s is %d px wide", what, wide)
					}
					if pictures != "" {
						picture, err := chromedp.Call(k.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: new(int64(80))})
						if err != nil {
							t.Fatal(err)
						}
						if err := os.WriteFile(filepath.Join(pictures, what+".webp"), picture.Data, 0o644); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		})
	}
}

// TestDashboardSize: what a browser loads to show a customer's home is at most 250 kB of compressed JavaScript.
func TestDashboardSize(t *testing.T) {
	t.Parallel()
	d := startDev(t, t.TempDir())
	k := d.newDesk(t, "Ada")
	k.open(t, "/customers/"+d.ready.Users[0].Customers[0].ID)
	k.settled(t)
	loaded := browse(t, k.browser, chromedp.Evaluate[string](`JSON.stringify(performance.getEntriesByType("resource").filter(e => new URL(e.name).pathname.endsWith(".js")).map(e => [new URL(e.name).pathname, e.encodedBodySize, e.decodedBodySize]))`))
	var files [][3]any
	if err := json.Unmarshal([]byte(loaded), &files); err != nil {
		t.Fatal(err)
	}
	var size, whole float64
	for _, file := range files {
		size, whole = size+file[1].(float64), whole+file[2].(float64)
	}
	t.Logf("%d files, %.0f bytes, %.0f uncompressed", len(files), size, whole)
	if len(files) < 2 || size > 250_000 || size > whole/2 {
		t.Errorf("too much, or not compressed: %s", loaded)
	}
}
