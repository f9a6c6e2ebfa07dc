package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

const baker = "2244994945" // who posts in these tests

// twitterBundle is an account of X in a sandbox, the adapter for it, and a post with its kept checkpoint.
type twitterBundle struct {
	*connectBundle
	credential json.RawMessage
	twitter    *platform.TwitterPublisher
	post       platform.Post
	checkpoint json.RawMessage
	// keepFails says which of the calls of Keep fail, counted from 0; keeps is how many there were.
	keepFails func(int) bool
	keeps     int
	taken     []string
	quotas    []platform.Quota
	stopping  chan struct{}

	mu    sync.Mutex
	steps []string
}

func setupTwitter(t *testing.T) *twitterBundle {
	t.Helper()
	b := &twitterBundle{connectBundle: setupConnect(t), stopping: make(chan struct{})}
	login := b.login(platform.Twitter, b.connect(platform.Twitter, baker))
	b.credential = login.Accounts[0].Credential
	b.twitter = platform.NewTwitter(platform.TwitterConfig{SiteURL: b.base + "/twitter", APIURL: b.base + "/twitter-api"})
	b.post = platform.Post{ID: uuid.New(), Text: "Fresh bread & rolls <3 from 7: https://example.org/a?b=1&c=2 and bakery.example.com!"}
	b.box.OnRequest(func(info sandbox.RequestInfo) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = append(b.steps, strings.TrimPrefix(info.Step, "twitter."))
	})
	return b
}

func (b *twitterBundle) attempt() platform.Attempt {
	return platform.Attempt{
		FirstStarted: b.clock.now().Add(-time.Second), Checkpoint: b.checkpoint, Stopping: b.stopping,
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			n := b.keeps
			b.keeps++
			if b.keepFails != nil && b.keepFails(n) {
				return errors.New("the database is away")
			}
			b.checkpoint = checkpoint
			return nil
		},
		Taken:   func(_ context.Context, id string) (bool, error) { return slices.Contains(b.taken, id), nil },
		Observe: func(q platform.Quota) { b.quotas = append(b.quotas, q) },
	}
}

func (b *twitterBundle) publish(ctx context.Context) (platform.Published, error) {
	return b.twitter.Publish(ctx, b.credential, b.post, b.attempt())
}

func (b *twitterBundle) reconcile() (*platform.Published, error) {
	return b.twitter.Reconcile(b.t.Context(), b.credential, b.post, b.attempt())
}

// finish goes on as the worker does, until the post is there.
func (b *twitterBundle) finish() platform.Published {
	b.t.Helper()
	for range 20 {
		found, err := b.reconcile()
		if err != nil {
			b.t.Fatalf("reconcile: %v", err)
		}
		if found != nil {
			return *found
		}
		published, err := b.publish(b.t.Context())
		if err == nil {
			return published
		}
		if class := platform.AsError(err).Class; class != platform.Waiting && class != platform.Transient && class != platform.UnknownOutcome {
			b.t.Fatalf("going on: %v", err)
		}
	}
	b.t.Fatal("it does not end")
	panic("unreachable")
}

func (b *twitterBundle) takeSteps() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps := strings.Join(b.steps, " ")
	b.steps = nil
	return steps
}

// wantOnce checks that the post and all of its thread are there once.
func (b *twitterBundle) wantOnce(got platform.Published) {
	b.t.Helper()
	seen := b.box.Published()
	if len(seen) != 1 || seen[0].ID != got.ExternalID || seen[0].TimesPublished != 1 || len(b.box.Doubles()) != 0 {
		b.t.Fatalf("not exactly once: got %+v, seen %+v, doubles %+v", got, seen, b.box.Doubles())
	}
	var parts []string
	for _, part := range b.post.Options.Thread {
		parts = append(parts, part.Text)
	}
	if seen[0].Text != b.post.Text || !slices.Equal(seen[0].Parts, parts) || len(seen[0].Files) != len(b.post.Media) {
		b.t.Errorf("seen %+v", seen[0])
	}
}

func (b *twitterBundle) wantClass(err error, class platform.Class) *platform.Error {
	b.t.Helper()
	e := platform.AsError(err)
	if err == nil || e.Class != class {
		b.t.Errorf("%v, want %s", err, class)
	}
	hidden(b.t, "error", b.box.Secrets(), e, *e)
	return e
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

func photo(t *testing.T, shade uint8, alt string) platform.Media {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 16, 16))
	picture.Set(1, 1, color.Gray{shade})
	var content bytes.Buffer
	if err := png.Encode(&content, picture); err != nil {
		t.Fatal(err)
	}
	return file("image/png", content.Bytes(), alt)
}

func movingGIF(t *testing.T) platform.Media {
	t.Helper()
	var content bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})
	if err := gif.EncodeAll(&content, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	m := file("image/gif", content.Bytes(), "It moves")
	m.Animated = true
	return m
}

// video has as many bytes, and a length of 12 seconds in its header.
func video(size int) platform.Media {
	content := make([]byte, size)
	copy(content[4:], "ftypisom")
	copy(content[32:], "mvhd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x2e\xe0")
	for i := 4096; i < size; i += 4096 {
		content[i] = byte(i >> 12)
	}
	m := file("video/mp4", content, "")
	m.Duration = 12 * time.Second
	return m
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("testdata/twitter/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
