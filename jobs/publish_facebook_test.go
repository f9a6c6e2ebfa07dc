package jobs

import (
	"strings"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// TestPublishFacebookParts: the answers to the post and to its first comment are lost, and so is the comment the first time.
// From when the post is there, nobody can edit it as if it were still to come, and each part is published once.
func TestPublishFacebookParts(t *testing.T) {
	w := newWorld(t)
	base, _, _ := strings.Cut(w.connectors[platform.Facebook].AuthorizeURL(platform.Consent{}), "/facebook/")
	w.publishers[platform.Facebook] = platform.NewFacebook(platform.FacebookConfig{
		SiteURL: base + "/facebook", GraphURL: base + "/facebook-graph", Settle: time.Second,
	})
	l := w.connect(w.customer, platform.Facebook, "10001")
	post := w.Post(t, dbtest.Post{CustomerID: w.customer.ID, Text: "Fresh rolls at seven.", Integrations: l.accounts[:1]})
	w.exec(`update platform_posts set options = '{"first_comment": "Until ten."}' where post_id = $1`, post.ID)
	for _, fault := range []sandbox.Fault{
		{Step: "facebook.post", Kind: sandbox.FaultDropAfter},
		{Step: "facebook.comment", Kind: sandbox.FaultDropBefore},
		{Step: "facebook.comment", Kind: sandbox.FaultDropAfter},
	} {
		if err := w.box.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	w.schedule(post, time.Now())
	w.enqueue(post, time.Now())
	w.start(w.jobsWorker())
	eventually(w.bundle, true, "select external_id is not null from platform_posts where id = $1", post.PlatformPosts[0])
	if got := scan[string](w.bundle, stateOf, post.PlatformPosts[0]); got != "publishing" && got != "published" {
		t.Errorf("it is there, and its state is %s", got)
	}
	eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
	posts := w.box.Published()
	if len(posts) != 1 || posts[0].TimesPublished != 1 || strings.Join(posts[0].Parts, "|") != "Until ten." {
		t.Fatalf("%+v", posts)
	}
	if got := scan[string](w.bundle, "select external_id || ' ' || external_url from platform_posts where id = $1", post.PlatformPosts[0]); got != posts[0].ID+" "+posts[0].URL {
		t.Errorf("stored is %s, there is %+v", got, posts[0])
	}
	if n := scan[int](w.bundle, "select count(*) from publish_attempts where platform_post_id = $1 and outcome = 'published'", post.PlatformPosts[0]); n != 1 {
		t.Errorf("%d attempts have published", n)
	}
}
