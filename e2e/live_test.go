package e2e

import (
	"bufio"
	"context"
	"net/http"
	"testing"
	"time"
)

// watch reads a stream of changes: the moments of its events, until it ends.
func (c *client) watch(t testing.TB, path string) <-chan time.Time {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base()+path+"/changes", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("watch-changes: %s, %v", response.Status, response.Header)
	}
	changes := make(chan time.Time, 1000)
	go func() {
		defer response.Body.Close()
		defer close(changes)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if lines.Text() == "event: change" {
				changes <- time.Now()
			}
		}
	}()
	return changes
}

// toldSince waits for an event that came at a moment or later.
func toldSince(t testing.TB, changes <-chan time.Time, moment time.Time, what string) {
	t.Helper()
	for patience := time.After(20 * time.Second); ; {
		select {
		case at, open := <-changes:
			if !open {
				t.Fatalf("%s: the stream has ended", what)
			}
			if !at.Before(moment) {
				return
			}
		case <-patience:
			t.Fatalf("%s: nothing was told", what)
		}
	}
}

// TestWatchChanges: what a worker does in a process of its own is told by the process of the API, to whoever looks, until they no
// longer belong to the customer; and a process that is asked to end does not wait for those who look.
func TestWatchChanges(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b := s.newBrand(t)
	guest := s.person(t)
	user := b.join(t, guest, "viewer")
	owners, guests := b.owner.watch(t, b.path), guest.watch(t, b.path)

	post := b.draft(t, draft{})
	at := time.Now().Add(3 * time.Second)
	b.schedule(t, post.ID, at)
	toldSince(t, owners, at, "the worker publishes")
	b.await(t, post.ID, "published")
	published := one[time.Time](t, s, "select published_at from platform_posts where post_id = $1", post.ID)
	toldSince(t, guests, published, "the worker has published")

	removed := time.Now()
	b.owner.expect(t, http.StatusNoContent, http.MethodDelete, b.path+"/members/"+user, nil)
	gone := time.Now()
	b.draft(t, draft{})
	toldSince(t, owners, removed, "a member is removed")
	for at := range guests { // until the stream ends
		if at.After(gone.Add(time.Second)) {
			t.Errorf("somebody who was removed is told of a change %s later", at.Sub(gone))
		}
	}
	began := time.Now()
	s.serve.stop(t)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the process took %s to end, while somebody looks", took)
	}
	for range owners { // until the stream ends
	}
}
