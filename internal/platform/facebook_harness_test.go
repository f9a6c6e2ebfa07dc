package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

const facebookPageID = "20001"

// facebookBundle is a page in a sandbox, the adapter for it, and a post with its kept checkpoint.
type facebookBundle struct {
	*connectBundle
	config     platform.FacebookConfig
	facebook   *platform.FacebookPublisher
	credential json.RawMessage
	post       platform.Post
	started    time.Time
	checkpoint json.RawMessage
	taken      map[string]bool
	quotas     []platform.Quota
	stopping   chan struct{}

	mu        sync.Mutex
	steps     []string
	keepFails error // why nothing can be kept
}

// failKeeping says why nothing can be kept from now on; nil: it can.
func (b *facebookBundle) failKeeping(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepFails = err
}

func setupFacebook(t *testing.T) *facebookBundle {
	t.Helper()
	b := &facebookBundle{connectBundle: setupConnect(t), started: time.Now(), taken: map[string]bool{}, stopping: make(chan struct{})}
	id, secret := b.box.AddOAuthApp("facebook", callback)
	// What a request has done is to be seen at once here.
	b.config = platform.FacebookConfig{
		App: platform.OAuthApp{ClientID: id, ClientSecret: secret}, SiteURL: b.base + "/facebook", GraphURL: b.base + "/facebook-graph",
		Insights: true, Settle: time.Nanosecond,
	}
	b.facebook = platform.NewFacebook(b.config)
	b.connectors[platform.Facebook] = platform.NewFacebookConnector(b.config)
	login := b.login(platform.Facebook, b.connect(platform.Facebook, people[platform.Facebook]))
	b.credential = login.Accounts[0].Credential
	b.post = platform.Post{ID: uuid.New(), Text: "Fresh rolls at seven.\n\nCome early!"}
	b.box.OnRequest(func(info sandbox.RequestInfo) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = append(b.steps, strings.TrimPrefix(info.Step, "facebook."))
	})
	return b
}

func (b *facebookBundle) attempt() platform.Attempt {
	return platform.Attempt{
		FirstStarted: b.started, Checkpoint: b.checkpoint, Stopping: b.stopping,
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.keepFails == nil {
				b.checkpoint = checkpoint
			}
			return b.keepFails
		},
		Taken:   func(_ context.Context, id string) (bool, error) { return b.taken[id], nil },
		Observe: func(quota platform.Quota) { b.quotas = append(b.quotas, quota) },
	}
}

func (b *facebookBundle) publish() (platform.Published, error) {
	return b.facebook.Publish(b.t.Context(), b.credential, b.post, b.attempt())
}

func (b *facebookBundle) reconcile() (*platform.Published, error) {
	return b.facebook.Reconcile(b.t.Context(), b.credential, b.post, b.attempt())
}

// takeSteps gives the requests since the last call.
func (b *facebookBundle) takeSteps() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps := strings.Join(b.steps, " ")
	b.steps = nil
	return steps
}

// goOn does what a worker does until the post is published: it asks for what became of an unknown outcome before it
// publishes again. Time passes in between.
func (b *facebookBundle) goOn(unresolved bool) platform.Published {
	b.t.Helper()
	var last error
	for range 8 {
		b.failKeeping(nil)
		b.clock.advance(2 * time.Second)
		if unresolved {
			found, err := b.reconcile()
			if found != nil {
				return *found
			}
			if err != nil {
				last = err
				continue
			}
		}
		published, err := b.publish()
		if err == nil {
			return published
		}
		var e *platform.Error
		unresolved = errors.As(err, &e) && e.Class == platform.UnknownOutcome
		last = err
	}
	b.t.Fatalf("it does not come to an end: %v", last)
	return platform.Published{}
}

// wantOnce checks that the page has the post, published once, with so many files and the parts.
func (b *facebookBundle) wantOnce(published platform.Published, files int, parts ...string) {
	b.t.Helper()
	posts := b.box.Published()
	if len(posts) != 1 || posts[0].TimesPublished != 1 || len(b.box.Doubles()) != 0 {
		b.t.Fatalf("not exactly once: %+v", posts)
	}
	if got := posts[0]; got.ID != published.ExternalID || (got.URL != published.URL && b.base+"/facebook/"+got.ID != published.URL) || got.Account != facebookPageID || len(got.Files) != files || !slices.Equal(got.Parts, parts) {
		b.t.Errorf("there is %+v; the adapter says %+v", got, published)
	}
}

// facebookFile is one of a post, kept in memory.
func facebookFile(kind string, content []byte) platform.Media {
	return platform.Media{
		ID: uuid.New(), Name: "file", ContentType: kind, Bytes: int64(len(content)),
		Open: func(_ context.Context, offset, length int64) (io.ReadCloser, error) {
			rest := content[offset:]
			if length >= 0 {
				rest = rest[:length]
			}
			return io.NopCloser(bytes.NewReader(rest)), nil
		},
	}
}

// facebookPhotos are images that differ.
func facebookPhotos(t *testing.T, count int) []platform.Media {
	t.Helper()
	var media []platform.Media
	for i := range count {
		var content bytes.Buffer
		if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, 10+i, 10))); err != nil {
			t.Fatal(err)
		}
		m := facebookFile("image/png", content.Bytes())
		m.AltText = fmt.Sprintf("Rolls, basket %d", i+1)
		media = append(media, m)
	}
	return media
}

// facebookVideo is one that the sandbox takes in three pieces.
func facebookVideo() platform.Media {
	content := append([]byte{0, 0, 0, 24}, "ftypmp42"...)
	for len(content) < 5<<19 {
		content = append(content, byte(len(content)*7>>3))
	}
	return facebookFile("video/mp4", content)
}
