package e2e

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// What people do to a post at the moment at which it is published is refused or takes effect, and never both: readers see an
// edit that was accepted and none that was refused, and nothing of a post that was cancelled.
func TestChangesWhilePublishing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	s.startWorker(t)
	const before, after = "What it said before.", "What it says after."
	for name, approval := range map[string]bool{"without approval": false, "with approval": true} {
		t.Run(name, func(t *testing.T) {
			b := s.newBrand(t)
			// Every request to the site takes its time, so that there are moments between all of them.
			s.fault(t, b.site, sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 40, Times: -1})
			if approval {
				call[customerAnswer](t, b.owner, http.MethodPatch, b.path, map[string]any{"approval_required": true})
			}
			var lock sync.Mutex
			answers := map[string]int{}
			round := func(seed uint64) {
				random := rand.New(rand.NewPCG(seed, 7))
				post := b.draft(t, draft{text: before})
				path := b.postPath(post.ID)
				if approval {
					submitted := b.owner.expect(t, http.StatusOK, http.MethodPost, path+"/submit", nil)
					b.owner.expectIf(t, http.StatusOK, submitted.header.Get("ETag"), http.MethodPost, path+"/approve", nil)
				}
				edits, cancels := random.IntN(3) != 0, random.IntN(2) == 0
				var edited, cancelled response
				var wait sync.WaitGroup
				act := func(does bool, method, path string, body any, answer *response) {
					moment := time.Duration(random.IntN(600)) * time.Millisecond
					if !does {
						return
					}
					wait.Go(func() {
						time.Sleep(moment) // the moment is what the round tries
						*answer = b.owner.do(t, method, path, body)
					})
				}
				b.schedule(t, post.ID, time.Now().Add(250*time.Millisecond))
				act(edits, http.MethodPatch, path, map[string]any{"text": after}, &edited)
				act(cancels, http.MethodPost, path+"/cancel", nil, &cancelled)
				wait.Wait()
				var last postAnswer
				eventually(t, time.Minute, "the post is at an end", func() bool {
					last = b.post(t, post.ID)
					return last.State == "published" || last.State == "cancelled" || last.State == "pending_approval"
				})
				times, text := s.times(b.site, post.Title), ""
				for _, there := range s.box.Published() {
					if there.Title == post.Title {
						text = there.Text
					}
				}
				lock.Lock()
				defer lock.Unlock()
				for what, r := range map[string]response{"edit": edited, "cancel": cancelled} {
					switch r.status {
					case 0:
					case http.StatusOK, http.StatusConflict:
						answers[what+" "+http.StatusText(r.status)]++
					default:
						t.Errorf("%s: %d %s", what, r.status, r.body)
					}
				}
				accepted := edited.status == http.StatusOK
				switch {
				case times != 0 && times != 1:
					t.Errorf("%q was published %d times", post.Title, times)
				case (last.State == "published") != (times == 1):
					t.Errorf("%q is %s and was published %d times", post.Title, last.State, times)
				case cancelled.status == http.StatusOK && last.State != "cancelled":
					t.Errorf("%q was cancelled and is %s", post.Title, last.State)
				case cancelled.status != http.StatusOK && last.State == "cancelled":
					t.Errorf("%q is cancelled, though that was refused", post.Title)
				case accepted && last.Text != after, !accepted && last.Text != before:
					t.Errorf("%q says %q here, and its edit was answered %d", post.Title, last.Text, edited.status)
				case times == 1 && accepted != (text == after):
					t.Errorf("%q says %q to its readers, and its edit was answered %d", post.Title, text, edited.status)
				case times == 1 && accepted && approval:
					t.Errorf("%q was changed after its approval, and went out", post.Title)
				case last.State == "pending_approval" && (!approval || !accepted):
					t.Errorf("%q waits for approval", post.Title)
				}
			}
			rounds, atOnce := pick(proving(), 400, 30), 6
			var all sync.WaitGroup
			for w := range atOnce {
				all.Go(func() {
					for i := range rounds / atOnce {
						round(uint64(w*rounds + i))
					}
				})
			}
			all.Wait()
			for _, answer := range []string{"edit OK", "edit Conflict", "cancel OK", "cancel Conflict"} {
				if answers[answer] == 0 {
					t.Errorf("no %s among %v: the moments were not met", answer, answers)
				}
			}
			t.Logf("%d rounds: %v", rounds, answers)
		})
	}
	s.checkSettled(t)
}
