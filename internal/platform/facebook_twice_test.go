package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// wantAsked checks that a person is asked, now and however often the page is looked at, and that nothing else is sent meanwhile.
func (b *facebookBundle) wantAsked(err error, code string) {
	b.t.Helper()
	b.want("publishing", err, platform.UnknownOutcome, code)
	b.takeSteps()
	for range 2 {
		b.clock.advance(time.Hour)
		if found, err := b.reconcile(); found != nil || err == nil {
			b.t.Errorf("found %+v, %v", found, err)
		} else {
			b.want("asking", err, platform.UnknownOutcome, "")
		}
	}
	if steps := b.takeSteps(); strings.Contains(steps, "post") || strings.Contains(steps, "finish") || strings.HasSuffix(steps, "comment") {
		b.t.Errorf("sent %s", steps)
	}
}

// newRound is what a person does who puts the post on its way again.
func (b *facebookBundle) newRound() { b.started = b.started.Add(time.Hour) }

// TestFacebookNewRound: what was sent in an earlier round is found in the next one.
func TestFacebookNewRound(t *testing.T) {
	t.Parallel()
	for step, steps := range map[string]string{"post": "post feed comment", "comment": "comment comments"} {
		b, _, parts := setupFacebookPost(t, "text+comment")
		b.box.OAuthSettings("facebook", sandbox.OAuthSettings{RefuseDuplicates: true})
		b.fault(sandbox.Fault{Step: "facebook." + step, Kind: sandbox.FaultDropAfter})
		_, err := b.publish()
		b.want("answer lost", err, platform.UnknownOutcome, "")
		b.takeSteps()
		b.newRound()
		published, err := b.publish()
		if sent := b.takeSteps(); err != nil || sent != steps {
			t.Fatalf("%s: sent %s, %v", step, sent, err)
		}
		b.wantOnce(published, 0, parts...)
	}
}

// TestFacebookRefusedBefore: Facebook refuses what was sent before, and the page shows it in other words. It is not sent again when
// Facebook would take it again.
func TestFacebookRefusedBefore(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"post", "comment"} {
		b := setupFacebook(t)
		b.post.Options.FirstComment = "Opening hours:\n\nUntil ten."
		b.fault(sandbox.Fault{Step: "facebook." + step, Kind: sandbox.FaultDropAfter})
		b.box.OAuthSettings("facebook", sandbox.OAuthSettings{RefuseDuplicates: true, RewriteTexts: true})
		_, err := b.publish()
		b.want("answer lost", err, platform.UnknownOutcome, "")
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("%s: found %+v, %v", step, found, err)
		}
		_, err = b.publish()
		b.box.OAuthSettings("facebook", sandbox.OAuthSettings{RewriteTexts: true})
		b.wantAsked(err, "506")
		if e := platform.AsError(err); (e.Partial != nil) != (step == "comment") {
			t.Errorf("%s: partial %+v", step, e.Partial)
		}
		if post := b.only(); len(post.Parts) != map[string]int{"post": 0, "comment": 1}[step] {
			t.Errorf("%s: %+v", step, post)
		}
		// A person who has looked decides.
		b.newRound()
		if _, err := b.publish(); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// TestFacebookPhotosTell: a photo of ours tells our post, whatever it says. Where Facebook refuses photos that may be shown already,
// they are not sent anew.
func TestFacebookPhotosTell(t *testing.T) {
	t.Parallel()
	b, files, _ := setupFacebookPost(t, "photos")
	b.box.OAuthSettings("facebook", sandbox.OAuthSettings{RewriteTexts: true})
	b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropAfter})
	_, err := b.publish()
	b.want("answer lost", err, platform.UnknownOutcome, "")
	found, err := b.reconcile()
	if err != nil || found == nil {
		t.Fatalf("%v, %v", found, err)
	}
	b.wantOnce(*found, files)

	b, _, _ = setupFacebookPost(t, "photos")
	b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropBefore})
	_, err = b.publish()
	b.want("dropped", err, platform.UnknownOutcome, "")
	b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "100"})
	_, err = b.publish()
	b.wantAsked(err, "100")
	b.newRound()
	published, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	b.wantOnce(published, files)
}

// TestFacebookPreviews: what Facebook shows of addresses by itself does not make it another post.
func TestFacebookPreviews(t *testing.T) {
	t.Parallel()
	for text, certain := range map[string]bool{
		"Rolls: https://example.com/rolls":                    true,
		"Rolls at example.com, at seven":                      false,
		"How we bake: https://www.youtube.com/watch?v=abcdef": false,
	} {
		b := setupFacebook(t)
		b.post.Text = text
		b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropAfter})
		_, err := b.publish()
		b.want("answer lost", err, platform.UnknownOutcome, "")
		found, err := b.reconcile()
		if certain {
			if err != nil || found == nil {
				t.Errorf("%s: %+v, %v", text, found, err)
			}
			continue
		}
		b.want(text, err, platform.UnknownOutcome, "")
	}
}

// TestFacebookListEnds: a list is read to its end only where it says that it has one.
func TestFacebookListEnds(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"post", "comment"} {
		for body, class := range map[string]platform.Class{
			`{"data":[],"paging":{"next":"https://graph.facebook.com/next"}}`:                   platform.UnknownOutcome,
			`{"data":[],"paging":{"cursors":{"before":"a"},"next":"https://graph.facebook/n"}}`: platform.UnknownOutcome,
			`{"data":[],"paging":{"cursors":{"before":"a","after":"b"}}}`:                       "",
		} {
			b, _, _ := setupFacebookPost(t, "text+comment")
			b.fault(sandbox.Fault{Step: "facebook." + step, Kind: sandbox.FaultDropAfter})
			_, err := b.publish()
			b.want("answer lost", err, platform.UnknownOutcome, "")
			b.fault(sandbox.Fault{Step: map[string]string{"post": "facebook.feed", "comment": "facebook.comments"}[step], Kind: sandbox.FaultBody, Body: body, ContentType: "application/json"})
			found, err := b.reconcile()
			if class != "" {
				b.want(body, err, class, "")
			} else if found != nil || err != nil {
				t.Errorf("%s: %+v, %v", body, found, err)
			}
		}
	}
}

// TestFacebookTimes: what does not say when it was made may be ours.
func TestFacebookTimes(t *testing.T) {
	t.Parallel()
	for made, found := range map[string]bool{"": true, "soon": true, "2005-01-01T00:00:00+0000": false, time.Now().UTC().Format("2006-01-02T15:04:05-0700"): true} {
		b := setupFacebook(t)
		b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.want("dropped", err, platform.UnknownOutcome, "")
		one := fmt.Sprintf(`{"id":"20001_1","message":%s,"created_time":%q,"from":{"id":"20001"}}`, asJSON(t, b.post.Text), made)
		b.fault(sandbox.Fault{Step: "facebook.feed", Kind: sandbox.FaultBody, Body: `{"data":[` + one + `]}`, ContentType: "application/json"})
		if got, err := b.reconcile(); err != nil || (got != nil) != found {
			t.Errorf("%q: %+v, %v", made, got, err)
		}
	}
}

// TestFacebookNoTime: nothing is published that our own deadline could cut off.
func TestFacebookNoTime(t *testing.T) {
	t.Parallel()
	for kind, steps := range map[string]string{
		"text": "", "photos": "photo photo photo", "video": "video_start video_transfer video_transfer video_transfer", "text+comment": "",
	} {
		b, files, parts := setupFacebookPost(t, kind)
		if kind == "text+comment" {
			b.fault(sandbox.Fault{Step: "facebook.comment", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "32"})
			_, err := b.publish()
			b.want("limited", err, platform.RateLimited, "32")
		}
		b.takeSteps()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		_, err := b.publishIn(ctx)
		cancel()
		if e := b.want(kind, err, platform.Waiting, "handed_over"); e != nil && (e.Partial != nil) != (kind == "text+comment") {
			t.Errorf("%s: partial %+v", kind, e.Partial)
		}
		if sent := b.takeSteps(); sent != steps {
			t.Errorf("%s: sent %s", kind, sent)
		}
		b.wantOnce(b.goOn(false), files, parts...)
	}
}

// TestFacebookKeepsTheAnswer: an id that Facebook has given is kept though the work is broken off at that moment.
func TestFacebookKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"post", "read", "comment"} {
		b, _, parts := setupFacebookPost(t, "text+comment")
		ctx, cancel := context.WithCancel(t.Context())
		attempt, keep := b.attempt(), b.attempt().Keep
		attempt.Keep = func(ctx context.Context, checkpoint json.RawMessage) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return keep(ctx, checkpoint)
		}
		b.box.OnRequest(func(info sandbox.RequestInfo) {
			if moment == "read" && info.Step == "facebook.read" {
				cancel()
			}
		})
		attempt.Observe = func(platform.Quota) { // the answer is there
			if counts := b.box.Counts(); moment != "read" && counts["facebook."+moment] > 0 {
				cancel()
			}
		}
		_, err := b.publisher.Publish(ctx, b.credential, b.post, attempt)
		cancel()
		var kept struct {
			Post      *struct{ ID string }
			CommentID string `json:"comment_id"`
		}
		if json.Unmarshal(b.checkpoint, &kept) != nil || kept.Post == nil || kept.Post.ID != b.only().ID || (moment == "comment") != (kept.CommentID != "") {
			t.Errorf("%s: kept is %s", moment, b.checkpoint)
		}
		if moment != "comment" {
			if e := b.want(moment, err, platform.Transient, ""); e != nil && e.Partial == nil {
				t.Errorf("%s: nothing is said of the post", moment)
			}
		}
		b.wantOnce(b.goOn(false), 0, parts...)
	}
}

// TestFacebookVideoDoubtful: a video that may have been finished is not uploaded again because Facebook says that there is none.
func TestFacebookVideoDoubtful(t *testing.T) {
	t.Parallel()
	b, files, _ := setupFacebookPost(t, "video")
	// Trouble with a video may come after its effect.
	b.fault(sandbox.Fault{Step: "facebook.video_finish", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "6000"})
	_, err := b.publish()
	b.want("trouble", err, platform.UnknownOutcome, "6000")
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	b.fault(sandbox.Fault{Step: "facebook.video", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "100"})
	b.takeSteps()
	_, err = b.publish()
	b.want("no such video", err, platform.UnknownOutcome, "")
	if sent := b.takeSteps(); sent != "video" {
		t.Errorf("sent %s", sent)
	}
	b.fault(sandbox.Fault{Step: "facebook.video_finish", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "100"})
	_, err = b.publish()
	b.wantAsked(err, "100")
	// A person who has looked decides.
	decided := b.attempt()
	decided.Decided = true
	b.fault(sandbox.Fault{Step: "facebook.video_finish", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "100"})
	_, err = b.publisher.Publish(t.Context(), b.credential, b.post, decided)
	b.want("it begins again", err, platform.Transient, "100")
	b.wantOnce(b.goOn(false), files)
}
