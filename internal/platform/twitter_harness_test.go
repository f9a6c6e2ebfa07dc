package platform_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
)

const baker = "2244994945" // who posts in these tests

// twitterBundle is a publishBundle of X.
type twitterBundle struct{ *publishBundle }

func setupTwitter(t *testing.T) *twitterBundle {
	t.Helper()
	c := setupConnect(t)
	login := c.login(platform.Twitter, c.connect(platform.Twitter, baker))
	b := &twitterBundle{newPublish(c, platform.Twitter)}
	b.credential = login.Accounts[0].Credential
	b.publishAfter(time.Nanosecond) // what a request has done is to be seen at once here
	b.post = platform.Post{ID: uuid.New(), Text: "Fresh bread & rolls <3 from 7: https://example.org/a?b=1&c=2 and bakery.example.com!"}
	b.started = b.clock.now().Add(-time.Second)
	return b
}

// publishAfter sets how long X may not show yet what came of a request; 0 is what it is by default.
func (b *twitterBundle) publishAfter(settle time.Duration) {
	b.publisher = platform.NewTwitter(platform.TwitterConfig{SiteURL: b.base + "/twitter", APIURL: b.base + "/twitter-api", Settle: settle})
}

// finish goes on as the worker does, until the post is there.
func (b *twitterBundle) finish() platform.Published {
	b.t.Helper()
	for range 20 {
		found, err := b.reconcile()
		if err != nil && platform.AsError(err).Code == "incomplete" {
			continue
		}
		if err != nil {
			b.t.Fatalf("reconcile: %v", err)
		}
		if found != nil {
			return *found
		}
		published, err := b.publish()
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

// wantOnce checks that the post and all of its thread are there once.
func (b *twitterBundle) wantOnce(got platform.Published) {
	b.t.Helper()
	seen := b.only()
	var parts []string
	for _, part := range b.post.Options.Thread {
		parts = append(parts, part.Text)
	}
	if seen.ID != got.ExternalID || seen.Text != b.post.Text || !slices.Equal(seen.Parts, parts) || len(seen.Files) != len(b.post.Media) {
		b.t.Errorf("got %+v, seen %+v", got, seen)
	}
}

func photo(t *testing.T, shade uint8, alt string) platform.Media {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 16, 16))
	picture.Set(1, 1, color.Gray{shade})
	return pngFile(t, picture, alt)
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
