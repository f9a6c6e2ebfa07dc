package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

var errKilled = errors.New("killed")

// adapter is what the adapter of each platform does.
type adapter interface {
	platform.Publisher
	platform.Measurer
}

// publishBundle is an account in a sandbox, the adapter for its platform, and a post with its kept checkpoint.
type publishBundle struct {
	*connectBundle
	name       platform.Name
	publisher  adapter
	credential json.RawMessage
	post       platform.Post
	started    time.Time // when the first attempt began
	checkpoint json.RawMessage
	taken      []string // ids of other posts of the account
	quotas     []platform.Quota
	stopping   chan struct{}

	mu        sync.Mutex
	steps     []string
	keeps     int // how often Keep was called since keepFails was set
	keepFails func(call int) bool
}

// newPublish notes the requests from now on. The rest is for the caller to fill in.
func newPublish(c *connectBundle, name platform.Name) *publishBundle {
	b := &publishBundle{connectBundle: c, name: name, started: time.Now(), stopping: make(chan struct{})}
	b.box.OnRequest(func(info sandbox.RequestInfo) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = append(b.steps, strings.TrimPrefix(info.Step, string(name)+"."))
	})
	return b
}

// failKeeping says which of the coming calls of Keep fail, counted from 0; nil: none.
func (b *publishBundle) failKeeping(fails func(call int) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeps, b.keepFails = 0, fails
}

// always is for failKeeping.
func always(int) bool { return true }

// attempt is one that keeps checkpoints in the bundle, as a job keeps them in its row.
func (b *publishBundle) attempt() platform.Attempt {
	return platform.Attempt{
		FirstStarted: b.started, Checkpoint: b.checkpoint, Stopping: b.stopping,
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			call := b.keeps
			b.keeps++
			if b.keepFails != nil && b.keepFails(call) {
				return errors.New("another attempt has taken over")
			}
			b.checkpoint = slices.Clone(checkpoint)
			return nil
		},
		Taken:   func(_ context.Context, id string) (bool, error) { return slices.Contains(b.taken, id), nil },
		Observe: func(quota platform.Quota) { b.quotas = append(b.quotas, quota) },
	}
}

func (b *publishBundle) publish() (platform.Published, error) {
	return b.publishIn(b.t.Context())
}

func (b *publishBundle) publishIn(ctx context.Context) (platform.Published, error) {
	return b.publisher.Publish(ctx, b.credential, b.post, b.attempt())
}

// publishEnding publishes while the conversation ends: its context does during a call of Keep, counted from 0, which then keeps what
// does not depend on that context.
func (b *publishBundle) publishEnding(during int) (platform.Published, error) {
	ctx, end := context.WithCancel(b.t.Context())
	defer end()
	attempt, calls := b.attempt(), 0
	plain := attempt.Keep
	attempt.Keep = func(ctx context.Context, checkpoint json.RawMessage) error {
		if calls == during {
			end()
		}
		calls++
		if err := ctx.Err(); err != nil {
			return err
		}
		return plain(ctx, checkpoint)
	}
	return b.publisher.Publish(ctx, b.credential, b.post, attempt)
}

func (b *publishBundle) reconcile() (*platform.Published, error) {
	return b.publisher.Reconcile(b.t.Context(), b.credential, b.post, b.attempt())
}

func (b *publishBundle) measure(id string) (platform.Metrics, error) {
	return b.publisher.Measure(b.t.Context(), b.credential, id)
}

// takeSteps gives the requests since the last call.
func (b *publishBundle) takeSteps() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps := strings.Join(b.steps, " ")
	b.steps = nil
	return steps
}

// only gives the one post of the sandbox, which must be there once.
func (b *publishBundle) only() sandbox.Post {
	b.t.Helper()
	posts, doubles := b.box.Published(), b.box.Doubles()
	if len(posts) != 1 || posts[0].TimesPublished != 1 || len(doubles) != 0 {
		b.t.Fatalf("not exactly once: %+v, doubles %+v", posts, doubles)
	}
	return posts[0]
}

// wantClass checks an error: its class, that a person can read it, and that it holds no secret.
func (b *publishBundle) wantClass(err error, want platform.Class) *platform.Error {
	b.t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) {
		b.t.Fatalf("no *Error but %v; want %s", err, want)
	}
	if e.Class != want {
		b.t.Errorf("class %s, want %s: %v", e.Class, want, err)
	}
	if e.Message == "" || strings.Contains(e.Message, "{") {
		b.t.Errorf("not a message for people: %q", e.Message)
	}
	// Every token that an adapter signs itself begins with eyJ.
	hidden(b.t, "error", append(b.box.Secrets(), "eyJ"), e, *e)
	return e
}

// patience is a context that ends while a slow request is waited for. It has no deadline: with one so near nothing would be
// published.
func (b *publishBundle) patience(fault sandbox.Fault) context.Context {
	if fault.Kind != sandbox.FaultSlow {
		return b.t.Context()
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	time.AfterFunc(1500*time.Millisecond, cancel)
	return ctx
}

// failure is a way in which a request fails.
type failure struct {
	name       string
	fault      sandbox.Fault
	before     platform.Class // of a request before anything is published
	publishing platform.Class // of the request that publishes
}

// failAt fails a step of Publish. The class must be right, Reconcile must tell the truth, and going on must work.
func (b *publishBundle) failAt(step string, publishes bool, f failure) {
	b.t.Helper()
	fault, want := f.fault, f.before
	fault.Step = string(b.name) + "." + step
	if publishes {
		want = f.publishing
	}
	b.fault(fault)
	_, err := b.publishIn(b.patience(fault))
	b.wantClass(err, want)

	wentThrough := publishes && fault.Kind == sandbox.FaultDropAfter
	found, err := b.reconcile()
	if err != nil || (found != nil) != wentThrough {
		b.t.Errorf("reconcile: %+v %v", found, err)
	}
	if (len(b.box.Published()) > 0) != wentThrough {
		b.t.Errorf("published %+v", b.box.Published())
	}
	if _, err := b.publish(); err != nil {
		b.t.Errorf("going on: %v", err)
	}
}

// killDuring ends the process while the step that publishes has its effect, and goes on.
func (b *publishBundle) killDuring(step string) {
	b.t.Helper()
	step = string(b.name) + "." + step
	ctx, kill := context.WithCancel(b.t.Context())
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == step {
			kill()
		}
	})
	b.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultDropAfter, DelayMS: 5000})
	_, err := b.publishIn(ctx)
	b.wantClass(err, platform.UnknownOutcome)
	found, err := b.reconcile()
	if err != nil || found == nil || found.URL == "" {
		b.t.Errorf("reconcile: %v %v", found, err)
	}
	if _, err := b.publish(); err != nil {
		b.t.Error(err)
	}
}

// publishAtOnce lets several workers publish the same post at once. One Keep wins, as the database would have it.
func (b *publishBundle) publishAtOnce() {
	b.t.Helper()
	winner := make(chan json.RawMessage, 1)
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			_, err := b.publisher.Publish(b.t.Context(), b.credential, b.post, platform.Attempt{
				Keep: func(_ context.Context, checkpoint json.RawMessage) error {
					select {
					case winner <- checkpoint:
						return nil
					default:
						return errors.New("another attempt has taken over")
					}
				}})
			done <- err
		}()
	}
	for range cap(done) {
		<-done
	}
	b.only()
}

// file is a file of a post with these bytes.
func file(contentType string, content []byte, alt string) platform.Media {
	return platform.Media{ID: uuid.New(), Name: "file", ContentType: contentType, Bytes: int64(len(content)), AltText: alt,
		Open: func(_ context.Context, offset, length int64) (io.ReadCloser, error) {
			end := int64(len(content))
			if length >= 0 {
				end = min(end, offset+length)
			}
			return io.NopCloser(bytes.NewReader(content[offset:end])), nil
		}}
}

// pngFile is a file that shows a canvas.
func pngFile(t *testing.T, canvas image.Image, alt string) platform.Media {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, canvas); err != nil {
		t.Fatal(err)
	}
	return file("image/png", content.Bytes(), alt)
}
