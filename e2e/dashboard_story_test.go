package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestDashboardStory is a day at an agency, in the browsers of two people: Ada signs in, connects X, writes a post and submits it; Ann, who has been shown what it
// says, approves it; Ada drags it to another day, publishes it and sees it go out without doing anything more; she pairs a chat, and reads in the audit log what happened.
func TestDashboardStory(t *testing.T) {
	t.Parallel()
	d := startDev(t, t.TempDir())
	customer := d.ready.Users[0].Customers[1] // which wants approval by somebody else
	home := "/customers/" + customer.ID
	ada := d.newDesk(t, "Ada")

	ada.open(t, home+"/connections")
	ada.click(t, "button", "Connect an account")
	ada.click(t, "menuitem", "X")
	ada.at(t, d.ready.Sandbox)
	browse(t, ada.browser, chromedp.Click(`input[name="person"][value="2244994945"]`))
	browse(t, ada.browser, chromedp.Click("#allow"))
	ada.at(t, d.ready.API+home+"/connections")
	ada.says(t, "Works")

	// The tenth of the next month, at ten by the customer's clocks: the day after it is in the same month.
	next := time.Now().AddDate(0, 1, 10-time.Now().Day())
	ada.open(t, home+"/posts/new?at="+next.Format("2006-01-02")+"T10:00")
	ada.click(t, "checkbox", "X")
	const text = "Brakes squeal? <script>window.pwned = true</script> We look at them on Friday."
	ada.write(t, "textbox", "Text", text)
	ada.write(t, "textbox", "A word for whoever approves", "Ann, please look.")
	ada.click(t, "button", "Submit for approval")
	ada.says(t, "Waiting for approval")

	ann := d.newDesk(t, "Ann")
	ann.open(t, home+"/approvals")
	ann.says(t, text)
	ann.says(t, "Ann, please look.")
	ann.click(t, "button", "Approve")
	ann.confirm(t, "Approve")
	ann.says(t, "Nothing waits for approval")
	ada.says(t, "Scheduled") // without a reload

	ada.open(t, home+"/calendar?date="+next.Format("2006-01-02"))
	day := func(at time.Time, posts string) string { return at.Format("Monday, January 2") + ", " + posts }
	ada.see(t, "button", day(next, "1 post"))
	ada.drag(t, "button", "Scheduled", "button", day(next.AddDate(0, 0, 1), "0 posts"))
	ada.see(t, "button", day(next.AddDate(0, 0, 1), "1 post"))
	ada.see(t, "button", day(next, "0 posts"))
	ada.says(t, "Moved to")

	ada.click(t, "button", "Scheduled")
	ada.click(t, "link", "Open the post")
	ada.click(t, "button", "Publish now")
	ada.confirm(t, "Publish")
	ada.see(t, "link", "Open at ")
	ada.says(t, "Published")
	if status, record := fetch(t, d.ready.Sandbox+"/_sandbox/published"); status != http.StatusOK || strings.Count(record, "Brakes squeal?") != 1 {
		t.Errorf("the platform has: %d %s", status, record)
	}

	ada.open(t, home+"/spaces")
	ada.click(t, "button", "Pair a chat")
	ada.click(t, "button", "Make a code")
	ada.says(t, "Waiting for somebody to use it")
	code := browse(t, ada.browser, chromedp.Evaluate[string](`document.querySelector("[data-code]").innerText`))
	control := func(path, body string) map[string]any {
		t.Helper()
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		status, answer := send(t, method, d.ready.Sandbox+"/_sandbox/telegram/"+path, body)
		var out map[string]any
		if status/100 != 2 || json.Unmarshal([]byte(answer), &out) != nil {
			t.Fatalf("%s: %d %s", path, status, answer)
		}
		return out
	}
	bot := control("bots", "")["bots"].([]any)[0].(map[string]any)["id"].(float64)
	person := control("people", `{"first_name": "Mia", "username": "mia_rides"}`)["id"].(float64)
	control("say", fmt.Sprintf(`{"bot": %.0f, "person": %.0f, "text": "/pair %s"}`, bot, person, code))
	ada.says(t, "Mia")
	ada.click(t, "button", "Confirm")
	ada.click(t, "link", "Open the space")
	ada.see(t, "heading", "Mia")

	ada.open(t, home+"/audit")
	ada.says(t, "Pairing: changed")
	ada.says(t, "Ann")
	ada.click(t, "button", "Review: made")
	ada.says(t, "Request ID")
	for _, k := range []*desk{ada, ann} {
		if browse(t, k.browser, chromedp.Evaluate[bool]("window.pwned === true")) {
			t.Error("a script in a post was run")
		}
	}
}
