package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/identity"
	"fanfare/internal/live"
)

// streamPatience is how long a test waits for what must come.
const streamPatience = 20 * time.Second

// listen has a hub hear of changes until stop, or the end of the test.
func (w *world) listen(t testing.TB, hub *live.Hub) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	w.stopListening = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	t.Cleanup(w.stopListening)
	for deadline := time.Now().Add(streamPatience); w.count(t, "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'fanfare live' and query = 'listen fanfare_change' and state = 'idle'") == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the hub does not listen")
		}
	}
}

// stream is an answer of watch-changes.
type stream struct {
	header http.Header
	proto  string
	// changes has the moments of its events, and is closed at its end.
	changes chan time.Time
	close   func()
}

func watch(t testing.TB, client *http.Client, url, credential string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+credential)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("watch-changes: %s", response.Status)
	}
	s := &stream{header: response.Header, proto: response.Proto, changes: make(chan time.Time, 1000), close: cancel}
	go func() {
		defer response.Body.Close()
		defer close(s.changes)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if lines.Text() == "event: change" {
				s.changes <- time.Now()
			}
		}
	}()
	return s
}

// next waits for an event.
func (s *stream) next(t testing.TB, what string) time.Time {
	t.Helper()
	select {
	case at, open := <-s.changes:
		if !open {
			t.Fatalf("%s: the stream has ended", what)
		}
		return at
	case <-time.After(streamPatience):
		t.Fatalf("%s: nothing was told", what)
	}
	return time.Time{}
}

// begin waits for the two events with which a stream begins.
func (s *stream) begin(t testing.TB) *stream {
	t.Helper()
	s.next(t, "the beginning")
	s.next(t, "the beginning, once more")
	return s
}

// ends waits for the end, before which nothing is told.
func (s *stream) ends(t testing.TB, what string) {
	t.Helper()
	select {
	case _, open := <-s.changes:
		if open {
			t.Errorf("%s: something was told", what)
		}
	case <-time.After(streamPatience):
		t.Errorf("%s: the stream goes on", what)
	}
}

func TestWatchChanges(t *testing.T) {
	t.Parallel()
	// Streams last longer than other requests may.
	w := setupWith(t, options{live: true, requestTimeout: 900 * time.Millisecond})
	c := w.cast(t)
	secure := httptest.NewUnstartedServer(w.handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID})
	theirs := "/v1/customers/" + c.elsewhere.ID.String() + "/changes"
	n := 0
	change := func() {
		n++
		w.call(t, c.member, "PATCH", c.path("/posts/%s", post.ID), m{"title": fmt.Sprint("Title ", n)}).want(t, 200)
	}

	for proto, server := range map[string]struct {
		client *http.Client
		url    string
	}{"HTTP/1.1": {http.DefaultClient, w.url}, "HTTP/2.0": {secure.Client(), secure.URL}} {
		t.Run(proto, func(t *testing.T) {
			s := watch(t, server.client, server.url+c.path("/changes"), w.token(t, c.viewer))
			if s.proto != proto || s.header.Get("Content-Type") != "text/event-stream" || s.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %v", s.proto, s.header)
			}
			began := s.next(t, "the beginning")
			if again := s.next(t, "the beginning, once more"); again.Sub(began) < 900*time.Millisecond {
				t.Errorf("the second event comes %s after the first", again.Sub(began))
			}
			elsewhere := watch(t, server.client, server.url+theirs, w.token(t, c.outsider)).begin(t)
			last := began
			for range 3 {
				for range 10 { // which are told once or twice
					change()
				}
				changed := time.Now()
				at := s.next(t, "changes")
				for at.Before(changed) {
					at = s.next(t, "the last of many changes")
				}
				if at.Sub(last) < 900*time.Millisecond {
					t.Errorf("told %s after the last time", at.Sub(last))
				}
				last = at
			}
			changed := time.Now()
			w.call(t, c.outsider, "PATCH", theirs[:len(theirs)-len("/changes")], m{"name": "Changed by " + proto}).want(t, 200)
			if at := elsewhere.next(t, "their change"); at.Before(changed) {
				t.Error("another customer's change is told")
			}
			s.close()
			elsewhere.close()
		})
	}
	goroutinesEnd(t)

	t.Run("who is removed hears no more", func(t *testing.T) {
		s := watch(t, http.DefaultClient, w.url+c.path("/changes"), w.token(t, c.viewer)).begin(t)
		stays := watch(t, http.DefaultClient, w.url+c.path("/changes"), w.token(t, c.owner)).begin(t)
		w.call(t, c.owner, "DELETE", c.path("/members/%s", c.viewer.ID), nil).want(t, 204)
		s.ends(t, "removed")
		stays.next(t, "somebody else was removed")
		w.call(t, c.viewer, "GET", c.path("/changes"), nil).want(t, 404)
	})
	t.Run("a revoked key hears no more", func(t *testing.T) {
		key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"jobs:read"}})
		s := watch(t, http.DefaultClient, w.url+c.path("/changes"), key.Key).begin(t)
		w.call(t, c.owner, "DELETE", c.path("/api-keys/%s", key.ID), nil).want(t, 204)
		s.ends(t, "revoked")
	})
	t.Run("a token ends it", func(t *testing.T) {
		token := must(w.signer.Sign(identity.Claims{Issuer: issuer, Audience: audience, Subject: c.owner.Subject, Email: c.owner.Email, EmailVerified: true}, 3*time.Second))
		watch(t, http.DefaultClient, w.url+c.path("/changes"), token).begin(t).ends(t, "expired")
	})
	t.Run("its time ends it", func(t *testing.T) {
		began := time.Now()
		a := w.call(t, c.owner, "GET", c.path("/changes?seconds=1"), nil).want(t, 200)
		if took := time.Since(began); took < 900*time.Millisecond || took > streamPatience {
			t.Errorf("it took %s", took)
		}
		if body := string(a.body); !strings.HasPrefix(body, "retry: 2000\nevent: change\ndata: {}\n\n") {
			t.Errorf("%q", body)
		}
	})
	for _, query := range []string{"?seconds=0", "?seconds=601"} {
		w.call(t, c.owner, "GET", c.path("/changes%s", query), nil).wantAt(t, "query.seconds")
	}
	if a := w.call(t, c.owner, http.MethodHead, c.path("/changes"), nil).want(t, 200); a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %v", a.header)
	}
	t.Run("the end of the process ends it", func(t *testing.T) {
		s := watch(t, http.DefaultClient, w.url+c.path("/changes"), w.token(t, c.owner)).begin(t)
		began := time.Now()
		w.stopListening()
		s.ends(t, "the process ends")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if p := w.call(t, c.owner, "GET", c.path("/changes"), nil).want(t, 503).problem(t); p.Title == "" {
			t.Errorf("%+v", p)
		}
	})
	goroutinesEnd(t)
}

// goroutinesEnd waits until no stream is served any more.
func goroutinesEnd(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 16<<20)
	for deadline := time.Now().Add(streamPatience); ; time.Sleep(10 * time.Millisecond) {
		n := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "tellChanges(")
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are served still", n)
		}
	}
}

func TestWatchChangesRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/changes"), nil) })
	w.serve(t, options{noLive: true})
	w.call(t, c.owner, "GET", c.path("/changes"), nil).want(t, 503)
}
