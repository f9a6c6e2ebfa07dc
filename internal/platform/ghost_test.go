package platform_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

func TestGhostAccount(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	got, err := b.ghost.Account(t.Context(), b.credential)
	want := platform.Account{ExternalID: b.base + "/ghost-sites/news", Name: "The News", URL: b.base + "/ghost-sites/news"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	wrong := b.credentialFor(b.base+"/ghost-sites/news", strings.Repeat("a", 24)+":"+strings.Repeat("b", 64))
	_, err = b.ghost.Account(t.Context(), wrong)
	if e := b.wantClass(err, platform.Credential); e.Code != "UNKNOWN_ADMIN_API_KEY" {
		t.Errorf("code %s", e.Code)
	}
	_, err = b.ghost.Account(t.Context(), b.credentialFor(b.base+"/ghost-sites/nowhere", b.key))
	if e := b.wantClass(err, platform.Invalid); e.Code != platform.CodeNotGhost {
		t.Errorf("code %s", e.Code)
	}
	_, err = b.ghost.Account(t.Context(), json.RawMessage(`{"site_url":`))
	b.wantClass(err, platform.Credential)
	b.box.RotateGhostKey("news")
	_, err = b.ghost.Account(t.Context(), b.credential)
	if e := b.wantClass(err, platform.Credential); e.Code != "INVALID_JWT" {
		t.Errorf("code %s", e.Code)
	}
	_, err = b.publish()
	b.wantClass(err, platform.Credential)
	_, err = b.reconcile()
	b.wantClass(err, platform.Credential)
}

func TestGhostPublish(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	got, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	if steps := b.takeSteps(); steps != "find create_draft read publish" {
		t.Errorf("steps %s", steps)
	}
	b.wantOnce()
	seen := b.box.Published()[0]
	if got.ExternalID != seen.ID || got.URL != b.base+"/ghost-sites/news/big-news/" || got.URL != seen.URL || !got.At.Equal(seen.PublishedAt) {
		t.Errorf("got %+v, seen %+v", got, seen)
	}
	html := `<p>First paragraph.</p><p>See <a href="https://example.com/x?a=1&amp;b=2">https://example.com/x?a=1&amp;b=2</a>.</p>`
	if seen.Title != b.post.Title || seen.HTML != html {
		t.Errorf("seen %+v", seen)
	}
	found, err := b.reconcile()
	if diff := cmp.Diff(&got, found); err != nil || diff != "" {
		t.Errorf("reconcile: %v %s", err, diff)
	}
	b.takeSteps()
	again, err := b.publish()
	if diff := cmp.Diff(got, again); err != nil || diff != "" || b.takeSteps() != "read" {
		t.Errorf("publishing again: %v %s", err, diff)
	}
	b.wantOnce()

	// Another post with the same title is another post.
	b.checkpoint, b.post.ID = nil, [16]byte{1}
	other, err := b.publish()
	if err != nil || other.URL != b.base+"/ghost-sites/news/big-news-2/" {
		t.Errorf("%+v %v", other, err)
	}
}

// TestGhostToken looks at what is sent, as https://ghost.org/docs/admin-api/#token-authentication
// describes it.
func TestGhostToken(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(server.Close)
	b.credential = b.credentialFor(server.URL, b.key)
	if _, err := platform.NewGhost(platform.NewEgress(loopback), platform.WithGhostVersion("v6.0")).
		Reconcile(t.Context(), b.credential, b.post, b.attempt()); err == nil {
		t.Fatal("an empty answer was believed")
	}
	token, isGhost := strings.CutPrefix(got.Get("Authorization"), "Ghost ")
	parts := strings.Split(token, ".")
	if !isGhost || len(parts) != 3 || got.Get("Accept-Version") != "v6.0" || got.Get("Cookie") != "" {
		t.Fatalf("sent %v", got)
	}
	decode := func(part string, into any) {
		t.Helper()
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var header struct{ Alg, Kid string }
	decode(parts[0], &header)
	id, _, _ := strings.Cut(b.key, ":")
	if header.Alg != "HS256" || header.Kid != id {
		t.Errorf("header %+v", header)
	}
	var claims struct {
		Iat, Exp int64
		Aud      string
	}
	decode(parts[1], &claims)
	if claims.Aud != "/admin/" || claims.Exp-claims.Iat != 300 || time.Since(time.Unix(claims.Iat, 0)).Abs() > time.Minute {
		t.Errorf("claims %+v", claims)
	}
}

func TestGhostTitle(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	for _, title := range []string{"", " \n", strings.Repeat("é", 256)} {
		b.post.Title = title
		_, err := b.publish()
		b.wantClass(err, platform.Invalid)
	}
	if steps := b.takeSteps(); steps != "" {
		t.Errorf("called Ghost: %s", steps)
	}
	b.post.Title = strings.Repeat("é", 255)
	if _, err := b.publish(); err != nil {
		t.Error(err)
	}
}

func TestGhostResume(t *testing.T) {
	t.Parallel()
	t.Run("Keep fails", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		attempt := b.attempt()
		attempt.Keep = func(context.Context, json.RawMessage) error { return errors.New("taken over") }
		_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
		b.wantClass(err, platform.Transient)
		if steps := b.takeSteps(); steps != "find create_draft" || len(b.box.Published()) != 0 {
			t.Errorf("went on after Keep failed: %s", steps)
		}
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("reconcile: %v %v", found, err)
		}
		b.takeSteps()
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		if steps := b.takeSteps(); steps != "find read publish" {
			t.Errorf("steps %s", steps)
		}
		b.wantOnce()
	})
	t.Run("killed after Keep, and edited before the next attempt", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		ctx, kill := context.WithCancel(t.Context())
		attempt := b.attempt()
		keep := attempt.Keep
		attempt.Keep = func(ctx context.Context, checkpoint json.RawMessage) error {
			kill()
			return keep(ctx, checkpoint)
		}
		_, err := b.publisher.Publish(ctx, b.credential, b.post, attempt)
		b.wantClass(err, platform.Transient)
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("reconcile: %v %v", found, err)
		}
		b.post.Title, b.post.Text = "Edited", ""
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		b.wantOnce()
		if seen := b.box.Published()[0]; seen.Title != "Edited" || seen.Text != "" {
			t.Errorf("seen %+v", seen)
		}
	})
	t.Run("killed during the publishing request", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		b.killDuring("publish")
		b.wantOnce()
	})
	t.Run("answer lost", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		b.fault(sandbox.Fault{Step: "ghost.publish", Kind: sandbox.FaultDropAfter})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		if _, err := b.publish(); err != nil {
			t.Error(err)
		}
		b.wantOnce()
	})
	t.Run("draft published by a person in Ghost before it was kept", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		attempt := b.attempt()
		attempt.Keep = func(context.Context, json.RawMessage) error { return errors.New("killed") }
		_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
		b.wantClass(err, platform.Transient)
		draft := b.box.GhostPosts("news")[0]
		b.edit(draft, `"status":"published"`)
		found, err := b.reconcile()
		if err != nil || found == nil || found.ExternalID != draft.ID {
			t.Errorf("reconcile: %v %v", found, err)
		}
		if _, err := b.publish(); err != nil {
			t.Error(err)
		}
		b.wantOnce()
	})
	t.Run("deleted in Ghost", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		b.checkpoint = json.RawMessage(`{"draft_id":"` + strings.Repeat("0", 24) + `"}`)
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		found, err := b.reconcile()
		if e := b.wantClass(err, platform.UnknownOutcome); found != nil || !strings.Contains(e.Message, "gone") {
			t.Errorf("reconcile: %v %v", found, err)
		}
	})
	t.Run("nothing made yet", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("reconcile: %v %v", found, err)
		}
	})
	t.Run("unreadable checkpoint", func(t *testing.T) {
		t.Parallel()
		b := setupGhost(t)
		for _, checkpoint := range []string{`{}`, `{"draft_id":"../../x"}`, `[]`} {
			b.checkpoint = json.RawMessage(checkpoint)
			_, err := b.publish()
			b.wantClass(err, platform.UnknownOutcome)
			_, err = b.reconcile()
			b.wantClass(err, platform.UnknownOutcome)
		}
		if steps := b.takeSteps(); steps != "" {
			t.Errorf("called Ghost: %s", steps)
		}
	})
}

// TestGhostNoTime: nothing is published that our own deadline could cut off.
func TestGhostNoTime(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	ctx, cancel := context.WithTimeout(t.Context(), 19*time.Second)
	defer cancel()
	_, err := b.publishIn(ctx)
	if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || b.takeSteps() != "find create_draft read" {
		t.Errorf("%v", e)
	}
	if _, err := b.publish(); err != nil || b.takeSteps() != "read publish" {
		t.Error(err)
	}
	b.wantOnce()
}

func TestGhostTwoWorkers(t *testing.T) {
	t.Parallel()
	setupGhost(t).publishAtOnce()
}

// TestGhostStaleDraft edits the draft between the adapter's read and its PUT.
func TestGhostStaleDraft(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	var once sync.Once
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "ghost.read" {
			once.Do(func() {
				time.Sleep(1100 * time.Millisecond) // Ghost's times have a resolution of one second
				b.edit(b.box.GhostPosts("news")[0], `"title":"Edited in Ghost"`)
			})
		}
	})
	_, err := b.publish()
	if e := b.wantClass(err, platform.Transient); e.Code != "UPDATE_COLLISION" {
		t.Errorf("code %s", e.Code)
	}
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("reconcile: %v %v", found, err)
	}
	if _, err := b.publish(); err != nil {
		t.Error(err)
	}
	b.wantOnce()
}

// TestGhostAnswers plays sites that answer wrongly: what they say must neither be believed nor shown.
func TestGhostAnswers(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef01234567"
	draft := `{"posts":[{"id":"` + id + `","status":"draft","updated_at":"2026-01-01T00:00:00.000Z"}]}`
	cases := []struct {
		name, put string
		status    int
		want      platform.Class
	}{
		{"web page", "<html>", 200, platform.UnknownOutcome},
		{"nothing", "", 200, platform.UnknownOutcome},
		{"still a draft", draft, 200, platform.UnknownOutcome},
		{"another post", `{"posts":[{"id":"ffffffffffffffffffffffff","status":"published"}]}`, 200, platform.UnknownOutcome},
		{"too long", strings.Repeat(" ", 5<<20), 200, platform.UnknownOutcome},
		{"proxy's 403", "<html>", 403, platform.UnknownOutcome},
		{"proxy's 504", "<html>", 504, platform.UnknownOutcome},
		{"redirect", "", 307, platform.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			puts := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPut {
					_, _ = w.Write([]byte(draft))
					return
				}
				puts++
				w.Header().Set("Location", "https://www.example.com/ghost/")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.put))
			}))
			t.Cleanup(server.Close)
			b := setupGhost(t)
			b.credential = b.credentialFor(server.URL, b.key)
			_, err := b.publish()
			e := b.wantClass(err, c.want)
			if puts != 1 {
				t.Errorf("%d publishing requests", puts)
			}
			if c.status == 307 && (e.Code != platform.CodeSiteMoved || !strings.Contains(e.Message, "https://www.example.com)")) {
				t.Errorf("redirect: %v", e)
			}
		})
	}
	t.Run("javascript address", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"posts":[{"id":"` + id + `","status":"published","updated_at":"x","url":"javascript:alert(1)"}]}`))
		}))
		t.Cleanup(server.Close)
		b := setupGhost(t)
		b.credential = b.credentialFor(server.URL, b.key)
		got, err := b.publish()
		if err != nil || got.URL != server.URL+"/" || time.Since(got.At) > time.Minute {
			t.Errorf("%+v %v", got, err)
		}
	})
}
