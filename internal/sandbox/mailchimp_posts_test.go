package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// campaigner is somebody who sends campaigns.
type campaigner struct {
	*oauthClient
	token string
}

func setupCampaigns(t *testing.T) *campaigner {
	t.Helper()
	return campaignerOf(setup(t))
}

func campaignerOf(b *bundle) *campaigner {
	c := b.app("mailchimp")
	return &campaigner{oauthClient: c, token: c.connect(c.person).text("access_token")}
}

func (c *campaigner) api(method, path string, body any) reply {
	c.t.Helper()
	return c.request(method, "/mailchimp-api/us6/3.0"+path, "Bearer "+c.token, body)
}

func (c *campaigner) want(r reply, status int, title string) {
	c.t.Helper()
	if r.status != status || r.text("title") != title {
		c.t.Errorf("%d %s, want %d %s", r.status, r.body, status, title)
	}
}

func settings(changes object) object {
	all := object{"subject_line": "Fresh bread", "title": "Inside", "from_name": "Bakery", "reply_to": "letters@example.com"}
	for name, value := range changes {
		all[name] = value
	}
	return object{"type": "regular", "recipients": object{"list_id": "a1b2c3d4e5"}, "settings": all}
}

// campaign makes one with content, and gives its id.
func (c *campaigner) campaign() string {
	c.t.Helper()
	made := c.api("POST", "/campaigns", settings(nil))
	if made.status != 200 || made.text("status") != "save" || !strings.HasPrefix(made.text("long_archive_url"), c.base) {
		c.t.Fatalf("campaign: %d %s", made.status, made.body)
	}
	id := made.text("id")
	if r := c.api("PUT", "/campaigns/"+id+"/content", object{"html": "<p>Every morning.</p>"}); r.status != 200 || r.text("plain_text") != "Every morning." {
		c.t.Fatalf("content: %d %s", r.status, r.body)
	}
	return id
}

func (c *campaigner) status(id string) string {
	c.t.Helper()
	return c.api("GET", "/campaigns/"+id+"?fields=status", nil).text("status")
}

func TestMailchimpCampaignIsSentOnce(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	id := c.campaign()
	page := "/mailchimp-archive/" + id
	if r := c.request("GET", page, "", nil); r.status != 404 {
		t.Errorf("the page of a draft: %d", r.status)
	}
	c.want(c.api("GET", "/reports/"+id, nil), 404, "Resource Not Found")
	if r := c.api("POST", "/campaigns/"+id+"/actions/send", nil); r.status != 204 || r.body != "" {
		t.Fatalf("send: %d %s", r.status, r.body)
	}
	if c.status(id) != "sending" {
		t.Errorf("status %s", c.status(id))
	}
	c.want(c.api("POST", "/campaigns/"+id+"/actions/send", nil), 400, "Bad Request")
	c.want(c.api("PATCH", "/campaigns/"+id, settings(nil)), 400, "Bad Request")
	c.want(c.api("PUT", "/campaigns/"+id+"/content", object{"html": "x"}), 400, "Bad Request")
	c.want(c.api("DELETE", "/campaigns/"+id, nil), 400, "Bad Request")
	c.clock.advance(time.Second)
	if c.status(id) != "sent" {
		t.Errorf("status %s", c.status(id))
	}
	c.want(c.api("POST", "/campaigns/"+id+"/actions/send", nil), 400, "Bad Request")
	if r := c.api("GET", "/reports/"+id, nil); r.status != 200 || r.number("emails_sent") != 120 {
		t.Errorf("report: %d %s", r.status, r.body)
	}
	if r := c.request("GET", page, "", nil); r.status != 200 || !strings.Contains(r.body, "Every morning.") || !strings.Contains(r.body, "unsubscribe") ||
		!strings.HasPrefix(r.header.Get("Content-Security-Policy"), "sandbox;") {
		t.Errorf("page: %d %s", r.status, r.body)
	}
	published := c.box.Published()
	if len(published) != 1 || published[0].Title != "Fresh bread" || published[0].TimesPublished != 1 || published[0].Account != "30001/a1b2c3d4e5" ||
		published[0].Audience != "Bakery newsletter (120 contacts)" {
		t.Errorf("published %+v", published)
	}
	// Nobody else sees it.
	other := c.connect(c.other).text("access_token")
	if r := c.request("GET", "/mailchimp-api/us21/3.0/campaigns/"+id, "Bearer "+other, nil); r.status != 404 {
		t.Errorf("somebody else: %d", r.status)
	}
	c.box.OAuthSettings("mailchimp", sandbox.OAuthSettings{SendingSeconds: 60})
	if c.status(id) != "sending" {
		t.Errorf("status with a longer way %s", c.status(id))
	}
}

func TestMailchimpRefuses(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	long := strings.Repeat("é", 151)
	for name, body := range map[string]any{
		"no type": object{"settings": object{}}, "unknown list": object{"type": "regular", "recipients": object{"list_id": "c3d4e5f6a7"}},
		"long subject": settings(object{"subject_line": long}), "long preview": settings(object{"preview_text": long}),
		"no address": settings(object{"reply_to": "Ada <ada@example.com>"}),
	} {
		r := c.api("POST", "/campaigns", body)
		if c.want(r, 400, "Invalid Resource"); r.json["errors"] == nil {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	c.want(c.api("POST", "/campaigns", "{"), 400, "JSON Parse Error")
	for _, path := range []string{"", "/content", "/send-checklist", "/actions/send", "/actions/schedule", "/actions/unschedule"} {
		for _, method := range []string{"GET", "PUT", "POST", "PATCH", "DELETE"} {
			if r := c.api(method, "/campaigns/none"+path, object{}); r.status != 404 && r.status != 405 {
				t.Errorf("%s %s: %d", method, path, r.status)
			}
		}
	}
	if n := len(c.box.MailchimpCampaigns()); n != 0 {
		t.Errorf("%d campaigns were made", n)
	}
	// What is missing is found before it is sent, not when it is made.
	made := c.api("POST", "/campaigns", object{"type": "regular", "recipients": object{"list_id": "a1b2c3d4e5"}})
	id := made.text("id")
	checklist := c.api("GET", "/campaigns/"+id+"/send-checklist", nil)
	if checklist.json["is_ready"] != false || strings.Count(checklist.body, `"error"`) != 4 {
		t.Errorf("checklist %s", checklist.body)
	}
	if r := c.api("POST", "/campaigns/"+id+"/actions/send", nil); r.text("detail") != "Your Campaign is not ready to send." {
		t.Errorf("send: %d %s", r.status, r.body)
	}
	c.api("PATCH", "/campaigns/"+id, settings(object{"preview_text": "p"}))
	c.api("PUT", "/campaigns/"+id+"/content", object{"html": "x"})
	if r := c.api("GET", "/campaigns/"+id+"/send-checklist", nil); r.json["is_ready"] != true {
		t.Errorf("checklist %s", r.body)
	}
	if r := c.api("DELETE", "/campaigns/"+id, nil); r.status != 204 || len(c.box.MailchimpCampaigns()) != 0 {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
}

func TestMailchimpSchedule(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	id := c.campaign()
	path := "/campaigns/" + id + "/actions/"
	quarter := c.clock.now().UTC().Truncate(15 * time.Minute).Add(30 * time.Minute)
	for _, at := range []string{
		quarter.Add(time.Minute).Format(time.RFC3339), quarter.Add(-time.Hour).Format(time.RFC3339),
		quarter.In(time.FixedZone("", 3600)).Format(time.RFC3339),
	} {
		c.want(c.api("POST", path+"schedule", object{"schedule_time": at}), 400, "Invalid Resource")
	}
	schedule := func() {
		t.Helper()
		if r := c.api("POST", path+"schedule", object{"schedule_time": quarter.Format(time.RFC3339)}); r.status != 204 || c.status(id) != "schedule" {
			t.Fatalf("schedule: %d %s", r.status, r.body)
		}
	}
	schedule()
	c.want(c.api("POST", path+"send", nil), 400, "Bad Request")
	if r := c.api("POST", path+"unschedule", nil); r.status != 204 || c.status(id) != "save" {
		t.Fatalf("unschedule: %d %s", r.status, r.body)
	}
	c.want(c.api("POST", path+"unschedule", nil), 400, "Bad Request")
	schedule()
	c.clock.advance(time.Hour)
	if c.status(id) != "sent" || len(c.box.Published()) != 1 {
		t.Errorf("status %s, published %+v", c.status(id), c.box.Published())
	}
}

func TestMailchimpFind(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	first := c.campaign()
	c.clock.advance(time.Hour)
	second := c.campaign()
	c.api("POST", "/campaigns/"+second+"/actions/send", nil)
	since := c.clock.now().Add(-time.Minute).UTC().Format(time.RFC3339)
	for query, want := range map[string]string{
		"": first + " " + second, "?sort_field=create_time&sort_dir=DESC": second + " " + first, "?count=1": first, "?count=1&offset=1": second,
		"?since_create_time=" + since: second, "?before_create_time=" + since: first, "?status=save": first, "?status=sending": second,
		"?list_id=b2c3d4e5f6": "", "?list_id=a1b2c3d4e5&status=sending": second,
	} {
		ids := []string{}
		for _, campaign := range c.api("GET", "/campaigns"+query, nil).json["campaigns"].([]any) {
			ids = append(ids, campaign.(object)["id"].(string))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	c.want(c.api("GET", "/campaigns?count=1001", nil), 400, "Invalid Resource")
	c.want(c.api("GET", "/campaigns?since_create_time=yesterday", nil), 400, "Invalid Resource")
}

func TestMailchimpFiles(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	data := base64.StdEncoding.EncodeToString(content.Bytes())
	r := c.api("POST", "/file-manager/files", object{"name": "loaf.jpg", "file_data": data})
	if r.status != 200 || r.text("name") != "loaf.png" || r.number("width") != 4 || r.number("height") != 3 || r.text("type") != "image" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if shown := c.request("GET", strings.TrimPrefix(r.text("full_size_url"), c.base), "", nil); shown.status != 200 || shown.body != content.String() {
		t.Errorf("%d", shown.status)
	}
	for _, body := range []object{
		{"name": "", "file_data": data}, {"name": "a.png", "file_data": "*"}, {"name": "a.png"}, {"name": "a.png", "file_data": base64.StdEncoding.EncodeToString([]byte("text"))},
		{"name": "a.png", "file_data": base64.StdEncoding.EncodeToString(append(content.Bytes(), make([]byte, 10<<20)...))},
	} {
		c.want(c.api("POST", "/file-manager/files", body), 400, "Invalid Resource")
	}
}

// TestMailchimpConnections: one user has ten requests at a time, another one is not in their way.
func TestMailchimpConnections(t *testing.T) {
	t.Parallel()
	c := setupCampaigns(t)
	other := c.connect(c.other).text("access_token")
	if err := c.box.AddFault(sandbox.Fault{Step: "mailchimp.me", Kind: sandbox.FaultSlow, DelayMS: 3000, Times: 10}); err != nil {
		t.Fatal(err)
	}
	var slow, arrived sync.WaitGroup
	arrived.Add(10)
	c.box.OnRequest(func(r sandbox.RequestInfo) {
		if r.Step == "mailchimp.me" && r.Account == c.person {
			arrived.Done()
		}
	})
	for range 10 {
		slow.Go(func() {
			if r, err := c.try("GET", "/mailchimp-api/us6/3.0/", "Bearer "+c.token, nil); err != nil || r.status != 200 {
				t.Errorf("%d %v", r.status, err)
			}
		})
	}
	arrived.Wait()
	c.want(c.api("GET", "/campaigns", nil), 429, "Too Many Requests")
	if r := c.request("GET", "/mailchimp-api/us21/3.0/campaigns", "Bearer "+other, nil); r.status != 200 {
		t.Errorf("somebody else: %d", r.status)
	}
	slow.Wait()
	if r := c.api("GET", "/campaigns", nil); r.status != 200 {
		t.Errorf("afterwards: %d %s", r.status, r.body)
	}
}

// TestMailchimpRestart: campaigns, files and what was published are there after a restart.
func TestMailchimpRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := campaignerOf(setupDir(t, dir))
	draft, sent := c.campaign(), c.campaign()
	c.api("POST", "/campaigns/"+sent+"/actions/send", nil)
	again, err := sandbox.New(sandbox.Options{Dir: dir, Now: c.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	campaigns := again.MailchimpCampaigns()
	if len(campaigns) != 2 || campaigns[0].ID != draft || campaigns[0].Status != "save" || campaigns[1].Status != "sending" || campaigns[1].HTML == "" ||
		len(again.Published()) != 1 {
		t.Errorf("campaigns %+v", campaigns)
	}
}
