package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

const mailchimpFirst = "upload page find create content checklist send"

func TestMailchimpPublish(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.takeSteps()
	b.post.Media = append(b.post.Media, picture(t, 90, "The oven"))
	got, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	if steps := b.takeSteps(); steps != "upload "+mailchimpFirst {
		t.Errorf("steps %s", steps)
	}
	b.wantOnce()
	seen, campaign := b.box.Published()[0], b.campaigns(1)[0]
	if got.ExternalID != seen.ID || got.URL != seen.URL || time.Since(got.At) > time.Minute || seen.Account != "30001/a1b2c3d4e5" ||
		seen.Audience != "Bakery newsletter (120 contacts)" {
		t.Errorf("got %+v, seen %+v", got, seen)
	}
	if len(seen.Files) != 2 || seen.Files[0].AltText != `A loaf & "more"` || seen.Files[1].AltText != "The oven" || seen.Files[0].ContentType != "image/png" ||
		int64(seen.Files[0].Bytes) != b.post.Media[0].Bytes {
		t.Errorf("files %+v", seen.Files)
	}
	if campaign.Subject != "Fresh bread" || campaign.Preview != "From six on" || campaign.FromName != "Bakery newsletter" ||
		campaign.ReplyTo != "letters@example.com" || campaign.Title != "Fresh bread [fanfare-"+b.post.ID.String()+"]" {
		t.Errorf("campaign %+v", campaign)
	}
	for _, want := range []string{
		`<a href="https://bakery.example/?a=1&amp;b=2">https://bakery.example/?a=1&amp;b=2</a>.</p>`, "*|UNSUB|*", "*|LIST:ADDRESSLINE|*",
		"*|MC_PREVIEW_TEXT|*", "<title>Fresh bread</title>",
	} {
		if !strings.Contains(campaign.HTML, want) {
			t.Errorf("the e-mail lacks %s: %s", want, campaign.HTML)
		}
	}
	if loaf, text, oven := strings.Index(campaign.HTML, "A loaf"), strings.Index(campaign.HTML, "Every"), strings.Index(campaign.HTML, "The oven"); loaf > text || text > oven {
		t.Errorf("images are not above and below the text: %s", campaign.HTML)
	}
	page, err := http.Get(got.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	shown, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK || !strings.Contains(string(shown), "Every morning.") || !strings.Contains(string(shown), "From six on") {
		t.Errorf("page: %s %s", page.Status, shown)
	}
	for _, wait := range []time.Duration{0, 2 * time.Second} { // sending, sent
		b.clock.advance(wait)
		found, err := b.reconcile()
		if err != nil || found == nil || found.ExternalID != got.ExternalID || found.URL != got.URL || found.At.Sub(got.At).Abs() > 2*time.Second {
			t.Errorf("reconcile: %+v %v", found, err)
		}
	}
	b.takeSteps()
	again, err := b.publish()
	if err != nil || again.ExternalID != got.ExternalID || b.takeSteps() != "read" {
		t.Errorf("publishing again: %+v %v", again, err)
	}
	b.wantOnce()
}

// TestMailchimpExchanges compares what is sent with what Mailchimp's reference has.
func TestMailchimpExchanges(t *testing.T) {
	t.Parallel()
	server := replay(t, "mailchimp/publish.json")
	mailchimp := platform.NewMailchimp(platform.MailchimpConfig{APIURL: server.URL + "/{dc}"})
	got, err := mailchimp.Publish(t.Context(), mailchimpCredential(t, server), platform.Post{
		ID: uuid.MustParse("6f2f6a0e-5f8c-4d3c-9a57-1d1d6a3f0c11"), Title: "Ignored", HTML: "<!doctype html><html><body><p>Every morning.</p></body></html>",
		Options: platform.Options{Subject: "Fresh bread", PreviewText: "From six o'clock on", ReplyTo: "hello@bakery.example"},
	}, platform.Attempt{
		FirstStarted: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			if string(checkpoint) != `{"campaign_id":"42694e9e57"}` {
				t.Errorf("kept %s", checkpoint)
			}
			return nil
		},
	})
	if err != nil || got.ExternalID != "42694e9e57" || got.URL != "https://mailchi.mp/bakery/fresh-bread" {
		t.Errorf("%+v %v", got, err)
	}
}

func mailchimpCredential(t *testing.T, server *httptest.Server) json.RawMessage {
	t.Helper()
	return asJSON(t, platform.MailchimpCredential{AccessToken: "token", Endpoint: server.URL + "/us6", AccountID: "1", ListID: "a1b2c3d4e5"})
}

// TestMailchimpErrors judges Mailchimp's errors as its reference has them.
func TestMailchimpErrors(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name   string
		Status int
		Class  platform.Class
		Code   string
		Says   string
		Answer any
	}
	readFixture(t, "mailchimp/errors.json", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.Status)
				if c.Answer != nil {
					_ = json.NewEncoder(w).Encode(c.Answer)
				}
			}))
			t.Cleanup(server.Close)
			mailchimp := platform.NewMailchimp(platform.MailchimpConfig{APIURL: server.URL + "/{dc}"})
			_, err := mailchimp.Reconcile(t.Context(), mailchimpCredential(t, server), platform.Post{ID: uuid.New()}, platform.Attempt{})
			if e := platform.AsError(err); e.Class != c.Class || e.Code != c.Code || e.Status != c.Status || !strings.Contains(e.Message, c.Says) {
				t.Errorf("%s %q: %v", e.Class, e.Code, e)
			}
		})
	}
}

// TestMailchimpFaults fails every step of Publish in every way. Each time the class must be right, Reconcile must tell the
// truth, and going on must end with the campaign sent once.
func TestMailchimpFaults(t *testing.T) {
	t.Parallel()
	faults := []failure{
		{"dropped", sandbox.Fault{Kind: sandbox.FaultDropBefore}, platform.Transient, platform.UnknownOutcome},
		{"answer lost", sandbox.Fault{Kind: sandbox.FaultDropAfter}, platform.Transient, platform.UnknownOutcome},
		{"slow", sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 30_000}, platform.Transient, platform.UnknownOutcome},
		{"web page", sandbox.Fault{Kind: sandbox.FaultBody, Body: "<h1>Welcome</h1>"}, platform.Transient, platform.UnknownOutcome},
		{"500", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, platform.Transient, platform.UnknownOutcome},
		{"502 by a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: "<h1>Bad gateway</h1>"}, platform.Transient, platform.UnknownOutcome},
		{"503", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, platform.Transient, platform.UnknownOutcome},
		{"408", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 408}, platform.Transient, platform.UnknownOutcome},
		{"413 by a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 413, Body: "<h1>No</h1>"}, platform.Transient, platform.UnknownOutcome},
		{"429", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, platform.RateLimited, platform.RateLimited},
		{"403 without a body", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, BodyBytes: 1}, platform.RateLimited, platform.RateLimited},
		{"403 as a page", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: "<h1>Access denied</h1>"}, platform.RateLimited, platform.RateLimited},
		{"403", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, platform.Credential, platform.Credential},
		{"401", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401}, platform.Credential, platform.Credential},
		{"402", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 402}, platform.PaymentRequired, platform.PaymentRequired},
		{"400", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400}, platform.Invalid, platform.Invalid},
		{"sending stopped", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, ErrorType: "Compliance Related"}, platform.Invalid, platform.Invalid},
	}
	for _, step := range append(strings.Fields(mailchimpFirst), "read", "update") {
		for _, f := range faults {
			t.Run(step+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				b := setupMailchimp(t)
				if step == "read" || step == "update" {
					// These are for a campaign that an earlier attempt has made.
					b.fault(sandbox.Fault{Step: "mailchimp.content", Kind: sandbox.FaultDropBefore})
					_, err := b.publish()
					b.wantClass(err, platform.Transient)
				}
				b.failAt(step, step == "send", f)
				b.wantOnce()
			})
		}
	}
}

func TestMailchimpResume(t *testing.T) {
	t.Parallel()
	t.Run("killed before the campaign was kept", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.takeSteps()
		attempt := b.attempt()
		attempt.Keep = func(_ context.Context, checkpoint json.RawMessage) error {
			if strings.Contains(string(checkpoint), "campaign_id") {
				return errKilled
			}
			b.checkpoint = checkpoint
			return nil
		}
		_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
		b.wantClass(err, platform.Transient)
		if steps := b.takeSteps(); steps != "upload page find create" || len(b.box.Published()) != 0 {
			t.Errorf("went on after Keep failed: %s", steps)
		}
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "find" {
			t.Errorf("reconcile: %v %v", found, err)
		}
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		if steps := b.takeSteps(); steps != "page find update content checklist send" {
			t.Errorf("steps %s", steps)
		}
		b.wantOnce()
	})
	t.Run("edited before the next attempt", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.fault(sandbox.Fault{Step: "mailchimp.send", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		b.takeSteps()
		b.post.Title, b.post.Text = "Stale bread", "Never mind."
		b.post.Media = []platform.Media{picture(t, 10, "Crumbs")}
		b.post.Options = platform.Options{FromName: "Ada", ReplyTo: "ada@bakery.example"}
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		if steps := b.takeSteps(); steps != "read upload read update content checklist send" {
			t.Errorf("steps %s", steps)
		}
		b.wantOnce()
		seen, campaign := b.box.Published()[0], b.campaigns(1)[0]
		if len(seen.Files) != 1 || seen.Files[0].AltText != "Crumbs" || !strings.Contains(seen.Text, "Never mind.") || strings.Contains(seen.Text, "morning") ||
			campaign.Subject != "Stale bread" || campaign.Preview != "" || campaign.FromName != "Ada" || campaign.ReplyTo != "ada@bakery.example" {
			t.Errorf("seen %+v, campaign %+v", seen, campaign)
		}
	})
	t.Run("stopping between two files", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.post.Media = append(b.post.Media, picture(t, 5, ""))
		b.takeSteps()
		attempt := b.attempt()
		stopping := make(chan struct{})
		attempt.Stopping = stopping
		keep := attempt.Keep
		attempt.Keep = func(ctx context.Context, checkpoint json.RawMessage) error {
			close(stopping)
			return keep(ctx, checkpoint)
		}
		_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
		if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || b.takeSteps() != "upload" {
			t.Errorf("%v", e)
		}
		if _, err := b.publish(); err != nil || b.takeSteps() != mailchimpFirst {
			t.Errorf("going on: %v", err)
		}
		b.wantOnce()
	})
	t.Run("a file that cannot be read", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.takeSteps()
		b.post.Media[0].Open = func(context.Context, int64, int64) (io.ReadCloser, error) { return nil, errKilled }
		_, err := b.publish()
		if b.wantClass(err, platform.Transient); b.takeSteps() != "" {
			t.Error("something was sent")
		}
	})
	t.Run("sent between the checklist and the request that sends", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.box.OnApplied(func(info sandbox.RequestInfo) {
			if info.Step == "mailchimp.checklist" {
				b.byHand("POST", "/campaigns/"+b.campaigns(1)[0].ID+"/actions/send", "")
			}
		})
		got, err := b.publish()
		if err != nil || got.ExternalID != b.campaigns(1)[0].ID {
			t.Errorf("%+v %v", got, err)
		}
		b.wantOnce()
	})
	t.Run("killed during the request that sends", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.killDuring("send")
		b.wantOnce()
	})
}

// TestMailchimpByHand: what people do with the campaign in Mailchimp is seen, and not undone.
func TestMailchimpByHand(t *testing.T) {
	t.Parallel()
	left := func(t *testing.T) (*campaignBundle, string) {
		t.Helper()
		b := setupMailchimp(t)
		b.fault(sandbox.Fault{Step: "mailchimp.send", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		return b, b.campaigns(1)[0].ID
	}
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("sent, kept %t", kept), func(t *testing.T) {
			t.Parallel()
			b, id := left(t)
			b.byHand("POST", "/campaigns/"+id+"/actions/send", "")
			if !kept {
				b.checkpoint = nil
			}
			found, err := b.reconcile()
			if err != nil || found == nil || found.ExternalID != id {
				t.Errorf("reconcile: %v %v", found, err)
			}
			if got, err := b.publish(); err != nil || got.ExternalID != id {
				t.Error(err)
			}
			b.wantOnce()
		})
	}
	for name, act := range map[string]func(*campaignBundle, string){
		"scheduled": func(b *campaignBundle, id string) {
			at := time.Now().Add(2 * time.Hour).UTC().Truncate(15 * time.Minute).Format(time.RFC3339)
			b.byHand("POST", "/campaigns/"+id+"/actions/schedule", `{"schedule_time":"`+at+`"}`)
		},
		"deleted": func(b *campaignBundle, id string) { b.byHand("DELETE", "/campaigns/"+id, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, id := left(t)
			act(b, id)
			found, err := b.reconcile()
			if b.wantClass(err, platform.UnknownOutcome); found != nil {
				t.Errorf("found %+v", found)
			}
			_, err = b.publish()
			b.wantClass(err, platform.UnknownOutcome)
			if len(b.box.Published()) != 0 {
				t.Error("sent")
			}
		})
	}
	for _, step := range []string{"upload", "read", "page", "update", "content", "checklist"} {
		t.Run("scheduled after "+step, func(t *testing.T) {
			t.Parallel()
			b, id := left(t)
			// Another picture is to be uploaded, and the audience to be asked for the sender.
			b.post.Media = append(b.post.Media, picture(t, 90, "The oven"))
			var once sync.Once
			b.box.OnApplied(func(info sandbox.RequestInfo) {
				if info.Step == "mailchimp."+step {
					once.Do(func() {
						at := time.Now().Add(2 * time.Hour).UTC().Truncate(15 * time.Minute).Format(time.RFC3339)
						b.byHand("POST", "/campaigns/"+id+"/actions/schedule", `{"schedule_time":"`+at+`"}`)
					})
				}
			})
			b.takeSteps()
			_, err := b.publish()
			if e := b.wantClass(err, platform.UnknownOutcome); e.Code != "schedule" || !strings.Contains(e.Message, "scheduled") {
				t.Errorf("%v", e)
			}
			if steps := b.takeSteps(); step == "upload" && steps != "read upload schedule read page" {
				t.Errorf("steps %s", steps)
			}
			if len(b.box.Published()) != 0 {
				t.Error("sent")
			}
		})
	}
	t.Run("the audience is gone", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.box.RemovePage("mailchimp", "a1b2c3d4e5")
		_, err := b.publish()
		b.wantClass(err, platform.Credential)
	})
	t.Run("the checklist finds something", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.box.OnApplied(func(info sandbox.RequestInfo) {
			if info.Step == "mailchimp.content" {
				b.box.RemovePage("mailchimp", "a1b2c3d4e5")
			}
		})
		_, err := b.publish()
		if e := b.wantClass(err, platform.Invalid); !strings.Contains(e.Message, "Audience: You haven't chosen an audience") {
			t.Errorf("%v", e)
		}
		if len(b.box.Published()) != 0 {
			t.Error("sent")
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		t.Parallel()
		b := setupMailchimp(t)
		b.box.Withdraw("mailchimp", "30001")
		_, err := b.publish()
		b.wantClass(err, platform.Credential)
		_, err = b.reconcile()
		b.wantClass(err, platform.Credential)
		_, err = b.measure("abc")
		b.wantClass(err, platform.Credential)
	})
}

// TestMailchimpNoTime: nothing is sent that our own deadline could cut off.
func TestMailchimpNoTime(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.takeSteps()
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	_, err := b.publishIn(ctx)
	if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || b.takeSteps() != "upload page find create content checklist" {
		t.Errorf("%v", e)
	}
	if _, err := b.publish(); err != nil {
		t.Error(err)
	}
	b.wantOnce()
}

func TestMailchimpUnreadable(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.takeSteps()
	for _, checkpoint := range []string{`[]`, `{"campaign_id":"../x"}`, `{"files":{"6f2f6a0e-5f8c-4d3c-9a57-1d1d6a3f0c11":"javascript:x"}}`} {
		b.checkpoint = json.RawMessage(checkpoint)
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		_, err = b.reconcile()
		b.wantClass(err, platform.UnknownOutcome)
	}
	b.checkpoint = nil
	for _, credential := range []string{`{`, `{}`, `{"endpoint":"https://evil.example","list_id":"a"}`, `{"endpoint":"` + b.base + `/mailchimp-api/us6","list_id":"../x"}`} {
		b.credential = json.RawMessage(credential)
		_, err := b.publish()
		b.wantClass(err, platform.Credential)
	}
	if steps := b.takeSteps(); steps != "" {
		t.Errorf("called Mailchimp: %s", steps)
	}
}

func TestMailchimpTwoWorkers(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.post.Media = nil
	b.publishAtOnce()
}

// TestMailchimpLongEmail: Mailchimp repeats the content in its answer, which is then too large to be read.
func TestMailchimpLongEmail(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.post.HTML = "<p>" + strings.Repeat("long ", 99_000) + "</p>"
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	b.wantOnce()
}

func TestMailchimpMeasure(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	got, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := b.measure(got.ExternalID)
	number := func(n int64) *int64 { return &n }
	want := platform.Metrics{Impressions: number(119), Reach: number(60), Clicks: number(24), Shares: number(2)}
	if diff := cmp.Diff(want, metrics); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, id := range []string{"0000000000", "../../x", ""} {
		_, err = b.measure(id)
		b.wantClass(err, platform.Invalid)
	}
	b.fault(sandbox.Fault{Step: "mailchimp.report", Kind: sandbox.FaultStatus, Status: 500})
	_, err = b.measure(got.ExternalID)
	b.wantClass(err, platform.Transient)
}

// TestMailchimpTemplate: files stand where a template's HTML names them.
func TestMailchimpTemplate(t *testing.T) {
	t.Parallel()
	b := setupMailchimp(t)
	b.post.Media = append(b.post.Media, picture(t, 7, "Named"))
	b.post.HTML = `<html><body class="x"><h1>Hello</h1><img width="9" src="media:2"><img src="media:3"><p>Bye</p></body></html>`
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	sent := b.campaigns(1)[0].HTML
	if !strings.HasPrefix(sent, `<html><body class="x"><p style=`) || strings.Contains(sent, "media:") || strings.Count(sent, "<img") != 2 ||
		!strings.HasSuffix(sent, "<p>Bye</p></body></html>") {
		t.Errorf("sent %s", sent)
	}
	if seen := b.box.Published()[0]; len(seen.Files) != 2 || seen.Files[1].AltText != "Named" {
		t.Errorf("files %+v", seen.Files)
	}
}

func TestMailchimpCheck(t *testing.T) {
	t.Parallel()
	good := platform.Post{Title: "Title", Text: "Text"}
	if report := platform.Check(platform.Mailchimp, good); len(report.Violations) != 0 || report.Length != 4 {
		t.Errorf("%+v", report)
	}
	long := strings.Repeat("é", 151)
	bad := platform.Post{
		HTML: strings.Repeat("x", 500_001), Title: "ignored",
		Options: platform.Options{Subject: long, PreviewText: long, FromName: long, ReplyTo: "nobody", Tags: []string{"x"}},
		Media: []platform.Media{
			{ContentType: "video/mp4"}, {ContentType: "image/webp"}, {ContentType: "image/png", Bytes: 10<<20 + 1}, {ContentType: "image/gif", Bytes: 10 << 20},
		},
	}
	got := []string{}
	for _, v := range platform.Check(platform.Mailchimp, bad).Violations {
		got = append(got, fmt.Sprintf("%s %s %d %d", v.Field, v.Rule, v.Limit, v.Actual))
	}
	want := []string{
		"options.tags unsupported 0 0", "text too_large 500000 500001", "options.subject too_long 150 151", "options.preview_text too_long 150 151",
		"options.from_name too_long 100 151", "options.reply_to invalid 0 0", "media[0] unsupported 0 0", "media[1] unsupported 0 0",
		"media[2] too_large 10485760 10485761",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for _, v := range platform.Check(platform.Mailchimp, platform.Post{Text: " "}).Violations {
		got = append(got, v.Field+" "+v.Rule)
	}
	if diff := cmp.Diff([]string{"text required", "options.subject required"}, got); diff != "" {
		t.Error(diff)
	}
}
