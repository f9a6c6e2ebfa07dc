package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

func TestTwitterPublish(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.takeSteps()
	if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
		t.Errorf("reconcile before: %v %v", found, err)
	}
	got, err := b.publish()
	if err != nil || b.takeSteps() != "publish" {
		t.Fatal(err)
	}
	b.wantOnce(got)
	if want := b.base + "/twitter/i/web/status/" + got.ExternalID; got.URL != want || time.Since(got.At).Abs() > time.Minute {
		t.Errorf("%+v", got)
	}
	page := fetch(t, got.URL)
	for _, text := range []string{"Fresh bread &amp; rolls &lt;3 from 7: https://example.org/a?b=1&amp;c=2 and http://bakery.example.com!", "Blue Bottle Bakery"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q: %s", text, page)
		}
	}
	// What was kept is enough to know.
	found, err := b.reconcile()
	if diff := cmp.Diff(&got, found); err != nil || diff != "" || b.takeSteps() != "" {
		t.Errorf("reconcile: %v %s", err, diff)
	}
	if again, err := b.publish(); err != nil || again != got || b.takeSteps() != "" {
		t.Errorf("again: %+v %v", again, err)
	}
	want := []platform.Quota{{Limit: 100, Remaining: 99}, {App: true, Limit: 10000, Remaining: 9999}}
	for i := range b.quotas {
		if until := time.Until(b.quotas[i].Resets); until < 14*time.Minute || until > 25*time.Hour {
			t.Errorf("resets in %v", until)
		}
		b.quotas[i].Resets = time.Time{}
	}
	if diff := cmp.Diff(want, b.quotas); diff != "" {
		t.Error(diff)
	}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", address, resp.Status, err)
	}
	return string(body)
}

// full is a thread with every kind of file.
func (b *twitterBundle) full(videoBytes int) {
	one, two, clip, moving := photo(b.t, 1, "A loaf"), photo(b.t, 2, ""), video(videoBytes), movingGIF(b.t)
	b.post.Media = []platform.Media{one, clip, two, moving}
	b.post.Options = platform.Options{MadeWithAI: true, PaidPartnership: true, Thread: []platform.ThreadPart{
		{Text: "How it is made: see https://example.org", MediaIDs: []uuid.UUID{clip.ID}},
		{Text: "And how it moves & shakes", MediaIDs: []uuid.UUID{moving.ID}},
		{Text: "The end 👩‍🍳"},
	}}
}

func TestTwitterThread(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.full(9 << 20)
	b.takeSteps()
	var steps []string
	for {
		published, err := b.publish()
		steps = append(steps, b.takeSteps())
		if err == nil {
			b.wantOnce(published)
			page := fetch(t, published.URL)
			for _, text := range []string{"How it is made", "The end 👩‍🍳", `alt="A loaf"`, "Made with AI", "Paid partnership", "video/mp4"} {
				if !strings.Contains(page, text) {
					t.Errorf("the page lacks %q", text)
				}
			}
			break
		}
		if e := b.wantClass(err, platform.Waiting); time.Until(e.RetryAt) > 2*time.Second || time.Until(e.RetryAt) < 0 || e.Partial != nil {
			t.Fatalf("%+v", e)
		}
	}
	want := []string{
		"upload media_metadata upload media_start media_append media_append media_append media_finish",
		"media_status", // of the video
		"media_status media_start media_append media_finish",
		"media_status media_metadata publish reply reply reply",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
}

// TestTwitterFaults fails every step of a thread with files in every way, and each time goes on as the worker does.
func TestTwitterFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]sandbox.Fault{
		"dropped":        {Kind: sandbox.FaultDropBefore},
		"answer lost":    {Kind: sandbox.FaultDropAfter},
		"slow":           {Kind: sandbox.FaultSlow, DelayMS: 30_000},
		"500":            {Kind: sandbox.FaultStatus, Status: 500},
		"503 of a proxy": {Kind: sandbox.FaultStatus, Status: 503, Body: "<h1>Service unavailable</h1>"},
		"408":            {Kind: sandbox.FaultStatus, Status: 408},
		"429":            {Kind: sandbox.FaultStatus, Status: 429},
		"401":            {Kind: sandbox.FaultStatus, Status: 401},
		"402":            {Kind: sandbox.FaultStatus, Status: 402, ErrorType: "CreditsDepleted"},
		"another page":   {Kind: sandbox.FaultBody, Body: "<h1>Sign in</h1>"},
		"empty":          {Kind: sandbox.FaultBody, Body: "{}", ContentType: "application/json"},
	}
	classes := map[string][2]platform.Class{ // where nothing is published, and where something is
		"429": {platform.RateLimited, platform.RateLimited}, "401": {platform.Credential, platform.Credential}, "402": {platform.PaymentRequired, platform.PaymentRequired},
	}
	for _, step := range []string{"upload", "media_start", "media_append", "media_finish", "media_status", "media_metadata", "publish", "reply"} {
		for name, fault := range faults {
			t.Run(step+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setupTwitter(t)
				b.full(5 << 20)
				fault.Step = "twitter." + step
				b.fault(fault)
				var failure error
				for failure == nil || platform.AsError(failure).Class == platform.Waiting {
					var published platform.Published
					if published, failure = b.publishIn(b.patience(fault)); failure == nil {
						if !slices.Contains([]string{"another page", "empty"}, name) {
							t.Fatal("the fault had no effect")
						}
						b.wantOnce(published) // what was answered is of no importance
						return
					}
				}
				publishing := step == "publish" || step == "reply"
				if step == "media_append" && name == "empty" {
					// It is found out when X is to put the pieces together.
					b.wantClass(failure, platform.Invalid)
					b.wantOnce(b.finish())
					return
				}
				want, known := classes[name]
				if !known {
					want = [2]platform.Class{platform.Transient, platform.UnknownOutcome}
				}
				class := want[0]
				if publishing {
					class = want[1]
				}
				e := b.wantClass(failure, class)
				if (e.Partial != nil) != (step == "reply") {
					t.Errorf("partial %+v", e.Partial)
				}
				b.wantOnce(b.finish())
			})
		}
	}
}

// TestTwitterKills breaks off at every request, before and after its effect, and at every Keep, and goes on from what was kept.
func TestTwitterKills(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"request", "applied", "keep"} {
		for n := range 16 {
			t.Run(fmt.Sprintf("%s %d", moment, n), func(t *testing.T) {
				t.Parallel()
				b := setupTwitter(t)
				b.full(5 << 20)
				b.post.Options.Thread[2].MediaIDs, b.post.Media[2].AltText = []uuid.UUID{b.post.Media[2].ID}, "Crumbs"
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				count := 0
				kill := func(sandbox.RequestInfo) {
					if count == n {
						cancel()
						<-ctx.Done()
						time.Sleep(time.Millisecond) // the client closes its connection meanwhile
					}
					count++
				}
				switch moment {
				case "request":
					b.box.OnRequest(kill)
				case "applied":
					b.box.OnApplied(kill)
				case "keep":
					// Whoever was killed keeps nothing more.
					b.failKeeping(func(call int) bool { return call >= n && call < n+3 })
				}
				for {
					_, err := b.publishIn(ctx)
					if err == nil || platform.AsError(err).Class != platform.Waiting {
						break
					}
				}
				b.failKeeping(nil)
				b.wantOnce(b.finish())
			})
		}
	}
}

// TestTwitterRefusals holds X's errors against what becomes of them, as its documentation has them.
func TestTwitterRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixture string
		status  int
		class   platform.Class
		code    string
		says    string
	}{
		{"credits_depleted", 402, platform.PaymentRequired, "credits", ""},
		{"credits_depleted", 403, platform.PaymentRequired, "credits", ""},
		{"usage_capped", 429, platform.PaymentRequired, "usage_capped", ""},
		{"client_forbidden", 403, platform.Transient, platform.CodeInvalidClient, "operator"},
		{"unsupported_authentication", 403, platform.Transient, platform.CodeInvalidClient, "operator"},
		{"duplicate", 403, platform.Invalid, "", "duplicate content"},
		{"invalid_request", 400, platform.Invalid, "invalid_request", "at least 1 characters"},
		{"invalid_media", 400, platform.Transient, "invalid_request", "uploaded again"},
		{"unauthorized", 401, platform.Credential, "", ""},
		{"too_many_requests", 429, platform.RateLimited, "", ""},
		{"code_message", 400, platform.Invalid, "214", "Bad request"},
		{"internal_error", 500, platform.UnknownOutcome, "", ""},
		{"partial_error", 200, platform.UnknownOutcome, "", ""},
	} {
		t.Run(fmt.Sprintf("%s %d", c.fixture, c.status), func(t *testing.T) {
			t.Parallel()
			b := setupTwitter(t)
			f := sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultStatus, Status: c.status, Body: fixture(t, c.fixture), ContentType: "application/problem+json"}
			if c.status == 200 {
				f.Kind, f.Status = sandbox.FaultBody, 0
			}
			b.fault(f)
			_, err := b.publish()
			if e := b.wantClass(err, c.class); e.Code != c.code || !strings.Contains(e.Message, c.says) {
				t.Errorf("%+v", e)
			}
			b.wantOnce(b.finish())
		})
	}
}

func TestTwitterRateLimits(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.box.OAuthSettings("twitter", sandbox.OAuthSettings{PostRequests: 1})
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	b.checkpoint, b.post.Text = nil, "Another"
	_, err := b.publish()
	if e := b.wantClass(err, platform.RateLimited); e.App || time.Until(e.RetryAt) < 14*time.Minute || time.Until(e.RetryAt) > 15*time.Minute {
		t.Errorf("%+v", e)
	}
	if q := b.quotas[len(b.quotas)-1]; q.Remaining != 0 || q.App || q.Limit != 1 {
		t.Errorf("%+v", q)
	}
	b.box.OAuthSettings("twitter", sandbox.OAuthSettings{AppPosts: 1})
	b.quotas = nil
	_, err = b.publish()
	if e := b.wantClass(err, platform.RateLimited); !e.App || time.Until(e.RetryAt) < 23*time.Hour {
		t.Errorf("%+v", e)
	}
	if len(b.quotas) != 2 || !b.quotas[1].App || b.quotas[1].Remaining != 0 {
		t.Errorf("%+v", b.quotas)
	}
	// The person's own limit of a day.
	b.box.OAuthSettings("twitter", sandbox.OAuthSettings{})
	reset := time.Now().Add(5 * time.Hour)
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{
		"x-user-limit-24hour-limit": "17", "x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": formatSeconds(reset),
		"x-rate-limit-remaining": "5", "x-rate-limit-reset": formatSeconds(time.Now().Add(time.Minute)),
	}})
	_, err = b.publish()
	if e := b.wantClass(err, platform.RateLimited); e.App || e.RetryAt.Sub(reset).Abs() > 2*time.Second {
		t.Errorf("%+v", e)
	}
}

// TestTwitterDuplicate: X refuses a text that is there already.
func TestTwitterDuplicate(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	first, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	// Another post of ours says the same: it was never there.
	// Nor is it, where nothing of ours was sent before, one that nobody here knows, such as one that a person has made on X.
	for _, taken := range [][]string{{first.ExternalID}, nil} {
		b.checkpoint, b.taken = nil, taken
		_, err = b.publish()
		if e := b.wantClass(err, platform.Invalid); e.Status != 403 || e.Message != "X refuses it as a duplicate of "+first.URL+". Change the text, then publish again." {
			t.Errorf("%+v", e)
		}
		// The refused request leaves no doubt behind.
		b.takeSteps()
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
			t.Errorf("%v %v", found, err)
		}
	}
	// Neither does one after which X cannot be asked which post it means.
	b.checkpoint = nil
	b.fault(sandbox.Fault{Step: "twitter.timeline", Kind: sandbox.FaultStatus, Status: 503})
	_, err = b.publish()
	if e := b.wantClass(err, platform.Invalid); !strings.Contains(e.Message, "duplicate content") {
		t.Errorf("%+v", e)
	}
	b.takeSteps()
	if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
		t.Errorf("%v %v", found, err)
	}
	b.taken = []string{first.ExternalID}
	// An earlier request may have published it.
	b.checkpoint = json.RawMessage(`{"parts":[{"sending":true}]}`)
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	// It is not known to be another one's: that is it.
	b.taken = nil
	again, err := b.publish()
	if err != nil || again.ExternalID != first.ExternalID {
		t.Errorf("%+v %v", again, err)
	}
	b.wantOnce(again)
}

// TestTwitterReconcile: what is found must be the post itself.
func TestTwitterReconcile(t *testing.T) {
	t.Parallel()
	sending := json.RawMessage(`{"parts":[{"sending":true}]}`)
	b := setupTwitter(t)
	b.post.Text = "Menu: https://example.org/monday"
	first, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Menu: https://example.org/monday":   "there",
		"Menu:  https://example.org/monday ": "there",
		"Menu: http://example.org/monday/":   "there", // X may write it so
		"Menu: https://example.org/tuesday":  "unknown",
		"Menu of https://example.org/monday": "",
		"Menu:":                              "",
	} {
		b.checkpoint, b.post.Text = sending, text
		found, err := b.reconcile()
		switch {
		case want == "unknown":
			b.wantClass(err, platform.UnknownOutcome)
		case err != nil || (found != nil) != (want == "there") || found != nil && found.ExternalID != first.ExternalID:
			t.Errorf("%q: %+v %v", text, found, err)
		}
	}
	// Another account's, or from before the attempt.
	b.checkpoint, b.post.Text = sending, "Menu: https://example.org/monday"
	attempt := b.attempt()
	attempt.FirstStarted = time.Now().Add(3 * time.Minute)
	if found, err := b.publisher.Reconcile(t.Context(), b.credential, b.post, attempt); found != nil || err != nil {
		t.Errorf("%v %v", found, err)
	}
	for status, class := range map[int]platform.Class{500: platform.Transient, 429: platform.RateLimited, 401: platform.Credential, 403: platform.Credential} {
		b.fault(sandbox.Fault{Step: "twitter.timeline", Kind: sandbox.FaultStatus, Status: status})
		_, err := b.reconcile()
		b.wantClass(err, class)
	}
	b.fault(sandbox.Fault{Step: "twitter.timeline", Kind: sandbox.FaultBody, Body: fixture(t, "partial_error"), ContentType: "application/json"})
	_, err = b.reconcile()
	b.wantClass(err, platform.Transient)
	b.checkpoint = json.RawMessage(`{"parts":7}`)
	_, err = b.reconcile()
	b.wantClass(err, platform.UnknownOutcome)
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	b.checkpoint, b.credential = nil, json.RawMessage(`{}`)
	_, err = b.reconcile()
	b.wantClass(err, platform.Credential)
}

// TestTwitterPages: the post is found behind a hundred others.
func TestTwitterPages(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.box.OAuthSettings("twitter", sandbox.OAuthSettings{PostRequests: 1000})
	first, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	text := b.post.Text
	for i := range 120 {
		b.checkpoint, b.post.Text = nil, fmt.Sprintf("Loaf %d", i)
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
	}
	b.takeSteps()
	b.post.Text, b.checkpoint = text, json.RawMessage(`{"parts":[{"sending":true}]}`)
	found, err := b.reconcile()
	if err != nil || found == nil || found.ExternalID != first.ExternalID || b.takeSteps() != "timeline timeline" {
		t.Errorf("%+v %v", found, err)
	}
}

// TestTwitterSettles: own posts that do not show one yet are not believed, of each post of a thread.
func TestTwitterSettles(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}}
	for _, step := range []string{"publish", "reply"} {
		b.publishAfter(time.Hour)
		b.fault(sandbox.Fault{Step: "twitter." + step, Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		_, err = b.reconcile()
		if e := b.wantClass(err, platform.Waiting); time.Until(e.RetryAt) < 50*time.Minute || e.Code != "settling" || (e.Partial != nil) != (step == "reply") {
			t.Errorf("%s: %+v", step, e)
		}
		b.publishAfter(0)
		_, err = b.reconcile()
		if e := b.wantClass(err, platform.Waiting); time.Until(e.RetryAt) < 10*time.Second || time.Until(e.RetryAt) > 30*time.Second {
			t.Errorf("%s: %+v", step, e)
		}
		b.publishAfter(time.Nanosecond)
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("%s: %v %v", step, found, err)
		}
	}
	b.wantOnce(b.finish())

	// What is there is believed at once.
	b = setupTwitter(t)
	b.publishAfter(time.Hour)
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultDropAfter})
	_, err := b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	found, err := b.reconcile()
	if err != nil || found == nil {
		t.Fatal(err)
	}
	b.wantOnce(*found)

	// Of a thread of which only the first post is there, that is said.
	b = setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}}
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultDropAfter})
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	_, err = b.reconcile()
	if e := b.wantClass(err, platform.Waiting); e.Code != "incomplete" || e.Partial == nil || time.Until(e.RetryAt) > 2*time.Second {
		t.Errorf("%+v", e)
	}
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("%v %v", found, err)
	}
	b.wantOnce(b.finish())
}

// TestTwitterRefusedUnseen: X refuses the post because an earlier request has published it, and does not show it yet.
func TestTwitterRefusedUnseen(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	first, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	b.publishAfter(time.Hour)
	b.taken, b.checkpoint = []string{first.ExternalID}, json.RawMessage(`{"parts":[{"sending":true}]}`)
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	_, err = b.reconcile()
	b.wantClass(err, platform.Waiting)
	b.taken = nil
	if again, err := b.reconcile(); err != nil || again == nil || again.ExternalID != first.ExternalID {
		t.Errorf("%+v %v", again, err)
	}
}

// TestTwitterDeadline: where our own deadline would cut off a request that publishes, it is not begun.
func TestTwitterDeadline(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	handedOver := func(partial bool) {
		t.Helper()
		b.takeSteps()
		_, err := b.publishIn(ctx)
		if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || (e.Partial != nil) != partial || b.takeSteps() != "" {
			t.Errorf("%+v", e)
		}
		// Nothing was sent, so nothing is to be looked for.
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
			t.Errorf("%v %v", found, err)
		}
	}
	handedOver(false)
	b.fault(sandbox.Fault{Step: "twitter.reply", Kind: sandbox.FaultStatus, Status: 429})
	_, err := b.publish()
	b.wantClass(err, platform.RateLimited)
	handedOver(true)
	b.wantOnce(b.finish())
}

// TestTwitterEnds: what X has answered is kept although the conversation ends with it.
func TestTwitterEnds(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	published, err := b.publishEnding(1)
	if found, err2 := b.reconcile(); err != nil || err2 != nil || found == nil || *found != published || b.takeSteps() != "publish" {
		t.Errorf("%+v %v %+v %v", published, err, found, err2)
	}
	b = setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}, {Text: "The end"}}
	b.takeSteps()
	for _, step := range []string{"publish", "reply"} {
		_, err := b.publishEnding(1)
		if e := b.wantClass(err, platform.Transient); e.Partial == nil {
			t.Errorf("%s: %+v", step, e)
		}
		if steps := b.takeSteps(); steps != step {
			t.Errorf("%s: %s", step, steps)
		}
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
			t.Errorf("%s: it had to be looked for: %v %v", step, found, err)
		}
	}
	b.wantOnce(b.finish())

	// The same of a refusal: nothing is left to be looked for.
	b = setupTwitter(t)
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultStatus, Status: 429})
	_, err = b.publishEnding(1)
	b.wantClass(err, platform.RateLimited)
	b.takeSteps()
	if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
		t.Errorf("%v %v", found, err)
	}
}

// TestTwitterPartial: whatever stops a thread whose first post is out, the error tells where that is.
func TestTwitterPartial(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}}
	b.fault(sandbox.Fault{Step: "twitter.reply", Kind: sandbox.FaultStatus, Status: 429})
	_, err := b.publish()
	first := b.wantClass(err, platform.RateLimited).Partial
	if first == nil || first.URL == "" {
		t.Fatalf("%+v", first)
	}
	good := b.post
	b.post.Options.Thread = []platform.ThreadPart{{Text: strings.Repeat("a", 281)}}
	_, err = b.publish()
	if e := b.wantClass(err, platform.Invalid); e.Partial == nil || *e.Partial != *first {
		t.Errorf("what X would refuse: %+v", e)
	}
	b.post = good
	credential := b.credential
	b.credential = json.RawMessage(`{}`)
	for name, work := range map[string]func() error{
		"publish": func() error { _, err := b.publish(); return err }, "reconcile": func() error { _, err := b.reconcile(); return err },
	} {
		if e := b.wantClass(work(), platform.Credential); e.Partial == nil || *e.Partial != *first {
			t.Errorf("%s without a credential: %+v", name, e)
		}
	}
	b.credential = credential
	b.wantOnce(b.finish())
}

// TestTwitterWithoutText: X does not refuse a second post without text, so it is waited for longer until a lost one would have
// appeared.
func TestTwitterWithoutText(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.publishAfter(0)
	b.post.Text, b.post.Media = "", []platform.Media{photo(t, 3, "Rolls")}
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultDropBefore})
	_, err := b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	_, err = b.reconcile()
	if e := b.wantClass(err, platform.Waiting); time.Until(e.RetryAt) < 50*time.Second {
		t.Errorf("%+v", e)
	}
	// The same when its answer was lost: it is there, and known by its file.
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultDropAfter})
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	found, err := b.reconcile()
	if err != nil || found == nil {
		t.Fatal(err)
	}
	b.wantOnce(*found)
	// One with another file is not it, perhaps.
	b.checkpoint = json.RawMessage(strings.Replace(string(b.checkpoint), `"key":"3_`, `"key":"3_9`, 1))
	b.checkpoint = json.RawMessage(strings.Replace(string(b.checkpoint), `"id":"`+found.ExternalID+`"`, `"id":""`, 1))
	_, err = b.reconcile()
	b.wantClass(err, platform.UnknownOutcome)
}

func TestTwitterUploads(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.full(13 << 20)
	stop := b.stopping
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "twitter.media_append" && stop != nil {
			close(stop)
			stop = nil
		}
	})
	b.takeSteps()
	_, err := b.publish()
	if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || b.takeSteps() != "upload media_metadata upload media_start media_append" {
		t.Errorf("%+v", e)
	}
	b.stopping = make(chan struct{})
	_, err = b.publish()
	if steps := b.takeSteps(); steps != "media_append media_append media_append media_finish" {
		t.Errorf("%s %v", steps, err)
	}
	// A day later X has thrown everything away.
	kept := string(b.checkpoint)
	b.checkpoint = json.RawMessage(strings.ReplaceAll(kept, fmt.Sprintf(`"expires":"%d-`, time.Now().Add(24*time.Hour).UTC().Year()), `"expires":"2001-`))
	if string(b.checkpoint) == kept {
		t.Fatal(kept)
	}
	b.wantOnce(b.finish())
	if steps := b.takeSteps(); !strings.HasPrefix(steps, "upload media_metadata upload media_start media_append") {
		t.Errorf("steps %s", steps)
	}

	// X has lost an upload, or does not like the file.
	b = setupTwitter(t)
	b.post.Media = []platform.Media{photo(t, 1, "")}
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultDropBefore})
	_, err = b.publish()
	b.wantClass(err, platform.UnknownOutcome)
	b.fault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultStatus, Status: 400, Body: fixture(t, "invalid_media"), ContentType: "application/problem+json"})
	b.takeSteps()
	b.wantOnce(b.finish())
	if steps := b.takeSteps(); steps != "timeline publish timeline upload publish" {
		t.Errorf("steps %s", steps)
	}
	b = setupTwitter(t)
	broken := video(1 << 20)
	broken.Open = file("video/mp4", make([]byte, 1<<20), "").Open
	b.post.Media = []platform.Media{broken}
	for range 2 {
		_, err = b.publish()
		b.wantClass(err, platform.Waiting)
	}
	_, err = b.publish()
	if e := b.wantClass(err, platform.Invalid); !strings.Contains(e.Message, "unsupported") || e.Code != "media_failed" {
		t.Errorf("%+v", e)
	}
	b.post.Media[0].Open = video(1 << 20).Open
	b.wantOnce(b.finish())
}

// TestTwitterRequests holds the requests against the documented ones.
func TestTwitterRequests(t *testing.T) {
	t.Parallel()
	var got []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/2/media/upload" {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"data":{"id":"11","media_key":"3_11","expires_after_secs":86400}}`)
			return
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/2/tweets" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.URL, err)
		}
		got = append(got, body)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"data":{"id":"%d","text":"x"}}`, 20+len(got))
	}))
	t.Cleanup(server.Close)
	b := setupTwitter(t)
	b.credential = json.RawMessage(`{"access_token":"token","user_id":"1"}`)
	b.publisher = platform.NewTwitter(platform.TwitterConfig{APIURL: server.URL})
	b.post.Text, b.post.Media = "One https://example.org/?a=1&b=2 <3", []platform.Media{photo(t, 1, "")}
	b.post.Options = platform.Options{MadeWithAI: true, PaidPartnership: true, Thread: []platform.ThreadPart{{Text: "Two"}}}
	published, err := b.publish()
	if err != nil || published.URL != "https://x.com/i/web/status/21" {
		t.Fatalf("%+v %v", published, err)
	}
	var want []map[string]any
	documented := strings.Replace(strings.Replace(fixture(t, "request_thread"), `"<id>"`, `"11"`, 1), `"<id>"`, `"21"`, 1)
	if err := json.Unmarshal([]byte(documented), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTwitterMeasure(t *testing.T) {
	t.Parallel()
	b := setupTwitter(t)
	b.post.Options.Thread = []platform.ThreadPart{{Text: "More"}}
	published, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := b.measure(published.ExternalID)
	if err != nil || metrics.Impressions == nil || *metrics.Impressions < 100 || *metrics.Comments != 1 || metrics.Likes == nil || metrics.Shares == nil || metrics.Clicks != nil || metrics.Reach != nil {
		t.Errorf("%+v %v", metrics, err)
	}
	_, err = b.measure("12345")
	b.wantClass(err, platform.Invalid)
	b.fault(sandbox.Fault{Step: "twitter.metrics", Kind: sandbox.FaultStatus, Status: 429})
	_, err = b.measure(published.ExternalID)
	b.wantClass(err, platform.RateLimited)
	b.box.Withdraw("twitter", baker)
	_, err = b.measure(published.ExternalID)
	b.wantClass(err, platform.Credential)
	b.checkpoint, b.post.Text = nil, "Later"
	_, err = b.publish()
	b.wantClass(err, platform.Credential)
}

func TestTwitterCheck(t *testing.T) {
	t.Parallel()
	still, moving := photo(t, 1, ""), movingGIF(t)
	clip := video(8192)
	with := func(m platform.Media, change func(*platform.Media)) platform.Media {
		m.ID = uuid.New()
		change(&m)
		return m
	}
	copied := func(m platform.Media) platform.Media { return with(m, func(*platform.Media) {}) }
	type found struct {
		Field, Rule   string
		Limit, Actual int64
	}
	for _, c := range []struct {
		name string
		post platform.Post
		want []found
	}{
		{"good", platform.Post{Text: "Hello", Media: []platform.Media{still, copied(still), copied(still), copied(still)}}, nil},
		{"only a file", platform.Post{Media: []platform.Media{clip}}, nil},
		{"nothing", platform.Post{Text: " \n"}, []found{{"text", "required", 0, 0}}},
		{"too long", platform.Post{Text: strings.Repeat("早", 141), Options: platform.Options{Thread: []platform.ThreadPart{{Text: "a"}, {Text: strings.Repeat("a", 300)}}}},
			[]found{{"text", "too_long", 280, 282}, {"options.thread[1].text", "too_long", 280, 300}}},
		{"characters", platform.Post{Text: "a\ufeffb"}, []found{{"text", "invalid", 0, 0}}},
		{"five photos", platform.Post{Text: "a", Media: []platform.Media{still, copied(still), copied(still), copied(still), copied(still)}}, []found{{"media", "too_many", 4, 5}}},
		{"five photos in two posts", platform.Post{Text: "a", Media: []platform.Media{still, copied(still), copied(still), copied(still), clip},
			Options: platform.Options{Thread: []platform.ThreadPart{{Text: "b", MediaIDs: []uuid.UUID{clip.ID}}}}}, nil},
		{"mixed", platform.Post{Text: "a", Media: []platform.Media{still, moving}}, []found{{"media", "mixed", 0, 0}}},
		{"two videos", platform.Post{Text: "a", Media: []platform.Media{clip, copied(clip)}}, []found{{"media", "too_many", 1, 2}}},
		{"not of the post", platform.Post{Text: "a", Options: platform.Options{Thread: []platform.ThreadPart{{Text: "b", MediaIDs: []uuid.UUID{clip.ID}}}}},
			[]found{{"options.thread[0].media_ids[0]", "unknown", 0, 0}}},
		{"type", platform.Post{Text: "a", Media: []platform.Media{with(still, func(m *platform.Media) { m.ContentType = "image/bmp" })}}, []found{{"media[0]", "unsupported", 0, 0}}},
		{"sizes", platform.Post{Text: "a", Media: []platform.Media{with(still, func(m *platform.Media) { m.Bytes = 5<<20 + 1 })}}, []found{{"media[0]", "too_large", 5 << 20, 5<<20 + 1}}},
		{"GIF", platform.Post{Text: "a", Media: []platform.Media{with(moving, func(m *platform.Media) { m.Bytes = 15<<20 + 1 })}}, []found{{"media[0]", "too_large", 15 << 20, 15<<20 + 1}}},
		{"video", platform.Post{Text: "a", Media: []platform.Media{with(clip, func(m *platform.Media) {
			m.Bytes, m.Duration = 512<<20+1, 140*time.Second+time.Millisecond
		})}}, []found{{"media[0]", "too_large", 512 << 20, 512<<20 + 1}, {"media[0]", "too_long", 140, 141}}},
		{"pixels", platform.Post{Text: "a", Media: []platform.Media{with(still, func(m *platform.Media) { m.Width, m.Height = 3, 9000 })}},
			[]found{{"media[0]", "too_small", 4, 3}, {"media[0]", "too_large", 8192, 9000}}},
		{"alt text", platform.Post{Text: "a", Media: []platform.Media{with(still, func(m *platform.Media) { m.AltText = strings.Repeat("é", 1001) })}},
			[]found{{"media[0].alt_text", "too_long", 1000, 1001}}},
		{"options", platform.Post{Text: "a", Options: platform.Options{FirstComment: "b"}}, []found{{"options.first_comment", "unsupported", 0, 0}}},
	} {
		var got []found
		for _, v := range platform.Check(platform.Twitter, c.post).Violations {
			got = append(got, found{v.Field, v.Rule, v.Limit, v.Actual})
			if !strings.HasSuffix(v.Message, ".") {
				t.Errorf("%s: %q", c.name, v.Message)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	for amount, post := range map[string]platform.Post{
		"0.015": {Text: "a"}, "0.20": {Text: "see example.org"},
		"0.23": {Text: "a", Options: platform.Options{Thread: []platform.ThreadPart{{Text: "b https://example.org"}, {Text: "c"}}}},
	} {
		report := platform.Check(platform.Twitter, post)
		if *report.Price != (platform.Price{Currency: "USD", Amount: amount}) || len(report.Parts) != len(post.Options.Thread) {
			t.Errorf("%+v, want %s", report, amount)
		}
	}
	b := setupTwitter(t)
	b.takeSteps()
	b.post.Text = ""
	_, err := b.publish()
	if b.wantClass(err, platform.Invalid); b.takeSteps() != "" {
		t.Error("X was asked")
	}
}
