package jobs

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// linkedinWorld is a world with an organization on LinkedIn, the real adapter, and files.
type linkedinWorld struct {
	*world
	organization dbtest.Integration
	person       dbtest.Integration
	files        *bucket.Bucket
}

func newLinkedInWorld(t *testing.T) *linkedinWorld {
	t.Helper()
	w := newWorld(t)
	w.publishers[platform.LinkedIn] = platform.NewLinkedIn(platform.LinkedInConfig{
		SiteURL: w.base + "/linkedin", APIURL: w.base + "/linkedin-api", Version: time.Now().UTC().Format("200601")})
	files, err := bucket.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	made := &linkedinWorld{world: w, files: files}
	for _, account := range w.connect(w.customer, platform.LinkedIn, "ada-lindqvist").accounts {
		switch account.ExternalID {
		case "urn:li:organization:1001":
			made.organization = account
		case "urn:li:person:ada-lindqvist":
			made.person = account
		}
	}
	return made
}

func (w *linkedinWorld) linkedinWorker() *Worker {
	w.t.Helper()
	made, err := NewWorker(Deps{
		Pool: w.Worker, Vault: w.vault, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Publishers: w.publishers, Connectors: w.connectors, Bucket: w.files,
	}, WorkerConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// file puts a file into the bucket and on the post.
func (w *linkedinWorld) file(post dbtest.Post, position int, contentType, altText string, content []byte) {
	w.t.Helper()
	id := dbtest.NewID(w.t)
	key := bucket.Media(w.customer.ID) + id.String()
	if err := w.files.Write(w.t.Context(), key, contentType, func(out io.Writer) error {
		_, err := out.Write(content)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	w.exec("insert into media (customer_id, id, path, content_type, bytes, alt_text) values ($1, $2, $3, $4, $5, $6)", w.customer.ID, id, key, contentType, len(content), altText)
	w.exec("insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, $4)", w.customer.ID, post.ID, id, position)
}

// send puts a post on its way now.
func (w *linkedinWorld) send(post dbtest.Post, options string) {
	w.t.Helper()
	w.exec("update platform_posts set options = $2 where post_id = $1", post.ID, options)
	now := time.Now()
	w.schedule(post, now)
	w.enqueue(post, now)
}

func (w *linkedinWorld) draft(account dbtest.Integration, text string) dbtest.Post {
	w.t.Helper()
	return w.Post(w.t, dbtest.Post{CustomerID: w.customer.ID, Text: text, Integrations: []dbtest.Integration{account}})
}

func video(size int) []byte {
	return append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte("v"), size-24)...)
}

// TestLinkedInByTheQueue: images, a first comment and a video go out through the queue, a worker that ends in the middle of the
// video hands it over, and the numbers that LinkedIn has come back.
func TestLinkedInByTheQueue(t *testing.T) {
	w := newLinkedInWorld(t)
	w.box.SetLinkedIn(sandbox.LinkedInSettings{PartBytes: 64 << 10, ImagePolls: 1})
	first := w.linkedinWorker()
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	images := w.draft(w.organization, "Two loaves (fresh) #bread")
	for i := range 2 {
		var content bytes.Buffer
		picture := image.NewGray(image.Rect(0, 0, 10+i, 10))
		if err := png.Encode(&content, picture); err != nil {
			t.Fatal(err)
		}
		w.file(images, i, "image/png", fmt.Sprintf("Loaf %d", i+1), content.Bytes())
	}
	w.send(images, `{"first_comment": "Order at https://example.com"}`)
	eventually(w.bundle, "published", stateOf, images.PlatformPosts[0])

	parts := 0
	reached := make(chan struct{})
	w.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "linkedin.upload_part" {
			if parts++; parts == 2 {
				close(reached)
			}
		}
	})
	movie := w.draft(w.organization, "A video")
	w.file(movie, 0, "video/mp4", "", video(2_000_000))
	w.send(movie, `{}`)
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if state := scan[string](w.bundle, stateOf, movie.PlatformPosts[0]); state != "scheduled" {
		t.Errorf("after the handover the video is %s", state)
	}
	sent := parts
	second := w.linkedinWorker()
	w.start(second)
	eventually(w.bundle, "published", stateOf, movie.PlatformPosts[0])
	if want := (2_000_000 + 64<<10 - 1) / (64 << 10); parts != want || sent == want {
		t.Errorf("%d parts were sent before the handover and %d in all, want %d", sent, parts, want)
	}

	posts := w.box.Published()
	if len(posts) != 2 || len(w.box.Doubles()) != 0 {
		t.Fatalf("%+v", posts)
	}
	if p := posts[1]; p.Text != "Two loaves (fresh) #bread" || len(p.Files) != 2 || p.Files[1].AltText != "Loaf 2" || strings.Join(p.Parts, "") != "Order at https://example.com" {
		t.Errorf("%+v", p)
	}
	if p := posts[0]; len(p.Files) != 1 || p.Files[0].Bytes != 2_000_000 {
		t.Errorf("%+v", p)
	}

	w.box.SetLinkedInStatistics(posts[1].ID, sandbox.LinkedInStatistics{ImpressionCount: 90, UniqueImpressionsCount: 70, LikeCount: 8, ClickCount: 3})
	w.exec("update platform_posts set published_at = now() - interval '61 minutes', measure_at = now() where id = $1", images.PlatformPosts[0])
	w.look(second)
	eventually(w.bundle, "90 70 8 1 0 3", "select concat_ws(' ', impressions, reach, likes, comments, shares, clicks) from post_metrics where platform_post_id = $1", images.PlatformPosts[0])
	eventually(w.bundle, 6, "select round(extract(epoch from measure_at - published_at) / 3600)::int from platform_posts where id = $1", images.PlatformPosts[0])
}

// TestLinkedInPersonHasNoNumbers: a person's post is asked about once.
func TestLinkedInPersonHasNoNumbers(t *testing.T) {
	w := newLinkedInWorld(t)
	worker := w.linkedinWorker()
	w.start(worker)
	post := w.draft(w.person, "Mine")
	w.send(post, `{"visibility": "connections"}`)
	eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
	w.exec("update platform_posts set measure_at = now() where id = $1", post.PlatformPosts[0])
	w.look(worker)
	eventually(w.bundle, true, "select measure_at is null from platform_posts where id = $1", post.PlatformPosts[0])
	if n := w.box.Count("linkedin.statistics"); n != 0 {
		t.Errorf("LinkedIn was asked %d times", n)
	}
}

// TestLinkedInLostAnswer: where nobody can know, a person is asked, and nothing is sent again.
func TestLinkedInLostAnswer(t *testing.T) {
	w := newLinkedInWorld(t)
	w.start(w.linkedinWorker())
	w.fault(sandbox.Fault{Step: "linkedin.post", Kind: sandbox.FaultDropAfter})
	post := w.draft(w.organization, "Lost")
	w.send(post, `{}`)
	eventually(w.bundle, "needs_attention", stateOf, post.PlatformPosts[0])
	if n := w.box.Count("linkedin.post"); n != 1 || len(w.box.Published()) != 1 {
		t.Errorf("it was sent %d times", n)
	}
}
