package platform_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// campaignBundle is an audience in a sandbox, the adapter for it, and a post with its kept checkpoint.
type campaignBundle struct {
	*connectBundle
	mailchimp  *platform.MailchimpPublisher
	credential json.RawMessage
	token      string
	post       platform.Post
	checkpoint json.RawMessage
	stopping   chan struct{}

	mu    sync.Mutex
	steps []string
}

func setupMailchimp(t *testing.T) *campaignBundle {
	t.Helper()
	b := &campaignBundle{connectBundle: setupConnect(t)}
	tokens := b.connect(platform.Mailchimp, "30001")
	b.token = tokens.AccessToken
	b.credential = b.login(platform.Mailchimp, tokens).Accounts[0].Credential
	b.mailchimp = platform.NewMailchimp(platform.MailchimpConfig{APIURL: b.base + "/mailchimp-api/{dc}"})
	b.post = platform.Post{
		ID: uuid.New(), Title: "Fresh bread", Text: "Every morning.\n\nSee https://bakery.example/?a=1&b=2.",
		Media:   []platform.Media{picture(t, 200, `A loaf & "more"`)},
		Options: platform.Options{PreviewText: "From six on"},
	}
	b.box.OnRequest(func(info sandbox.RequestInfo) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = append(b.steps, strings.TrimPrefix(info.Step, "mailchimp."))
	})
	return b
}

// attempt is one that keeps checkpoints in the bundle, as a job keeps them in its row.
func (b *campaignBundle) attempt() platform.Attempt {
	return platform.Attempt{FirstStarted: time.Now(), Checkpoint: b.checkpoint, Stopping: b.stopping,
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			b.checkpoint = checkpoint
			return nil
		},
		Taken:   func(context.Context, string) (bool, error) { return false, nil },
		Observe: func(platform.Quota) {},
	}
}

func (b *campaignBundle) publish() (platform.Published, error) {
	return b.mailchimp.Publish(b.t.Context(), b.credential, b.post, b.attempt())
}

func (b *campaignBundle) reconcile() (*platform.Published, error) {
	return b.mailchimp.Reconcile(b.t.Context(), b.credential, b.post, b.attempt())
}

// takeSteps gives the requests since the last call.
func (b *campaignBundle) takeSteps() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps := strings.Join(b.steps, " ")
	b.steps = nil
	return steps
}

// byHand is what a person does in Mailchimp.
func (b *campaignBundle) byHand(method, path, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/mailchimp-api/us6/3.0"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	resp, err := platform.NewEgress(loopback).Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode > 299 {
		b.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

func (b *campaignBundle) campaigns(n int) []sandbox.MailchimpCampaign {
	b.t.Helper()
	campaigns := b.box.MailchimpCampaigns()
	if len(campaigns) != n {
		b.t.Fatalf("%d campaigns, want %d: %+v", len(campaigns), n, campaigns)
	}
	return campaigns
}

// wantOnce checks that the campaign was sent, once, and that there is none beside it.
func (b *campaignBundle) wantOnce() {
	b.t.Helper()
	published := b.box.Published()
	if len(b.campaigns(1)) != 1 || len(published) != 1 || published[0].TimesPublished != 1 || len(b.box.Doubles()) != 0 {
		b.t.Errorf("not exactly once: %+v", published)
	}
}

// wantClass checks an error: its class, that a person can read it, and that it holds no secret.
func (b *campaignBundle) wantClass(err error, want platform.Class) *platform.Error {
	b.t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) {
		b.t.Fatalf("no *Error but %v; want %s", err, want)
	}
	if e.Class != want {
		b.t.Errorf("class %s, want %s: %v", e.Class, want, err)
	}
	noSecret(b.t, e, ":"+b.token)
	return e
}

var errKilled = errors.New("killed")
