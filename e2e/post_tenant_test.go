package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
)

var postOperations = tested(map[string]any{
	"list-posts":            nil,
	"create-post":           map[string]any{"text": "Not mine"},
	"generate-post":         map[string]any{"prompt": "Not mine", "platforms": []string{"twitter"}},
	"get-post":              nil,
	"get-post-metrics":      nil,
	"update-post":           map[string]any{"text": "Taken over"},
	"publish-post":          nil,
	"schedule-post":         map[string]any{"scheduled_at": time.Now().Add(time.Hour)},
	"cancel-post":           nil,
	"submit-post":           map[string]any{"comment": "Not mine"},
	"withdraw-post":         nil,
	"approve-post":          map[string]any{"comment": "Not mine"},
	"reject-post":           map[string]any{"comment": "Not mine"},
	"list-post-reviews":     nil,
	"get-post-review":       nil,
	"create-post-review":    map[string]any{"comment": "Not mine"},
	"check-draft":           map[string]any{"text": "Not mine"},
	"check-post":            nil,
	"confirm-platform-post": map[string]any{"external_url": "https://blog.example.com/not-mine/"},
	"retry-platform-post":   nil,
	"list-publish-attempts": nil,
})

func TestPostTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, postOperations)
	w.hidesList(t, "posts")

	platforms := func(id string) any {
		return []any{map[string]any{"integration_id": id}}
	}
	withOwn := func(id string) any {
		return []any{map[string]any{"integration_id": w.b.integration}, map[string]any{"integration_id": id}}
	}
	bodies := map[string]struct {
		foreign string
		body    func(id string) any
	}{
		"a campaign":                  {w.a.ids["campaign_id"], func(id string) any { return map[string]any{"text": "x", "campaign_id": id} }},
		"an account":                  {w.a.integration, func(id string) any { return map[string]any{"text": "x", "platforms": platforms(id)} }},
		"an account beside one's own": {w.a.integration, func(id string) any { return map[string]any{"text": "x", "platforms": withOwn(id)} }},
	}
	for name, b := range bodies {
		t.Run(name, func(t *testing.T) {
			w.sameForBody(t, http.StatusNotFound, "create-post", b.foreign, b.body)
			if name != "a campaign" { // which has no rules
				w.sameForBody(t, http.StatusNotFound, "check-draft", b.foreign, b.body)
			}
			w.sameForBody(t, http.StatusNotFound, "update-post", b.foreign, b.body)
		})
	}

	for name, b := range map[string]struct {
		foreign string
		body    func(id string) any
	}{
		"a campaign": {w.a.ids["campaign_id"], func(id string) any {
			return map[string]any{"prompt": "x", "platforms": []string{"twitter"}, "campaign_id": id}
		}},
		"an account": {w.a.integration, func(id string) any { return map[string]any{"prompt": "x", "integration_ids": []string{id}} }},
		"a file": {w.a.ids["media_id"], func(id string) any {
			return map[string]any{"prompt": "x", "platforms": []string{"twitter"}, "media_ids": []string{id}}
		}},
		"a template": {w.a.ids["email_template_id"], func(id string) any {
			return map[string]any{"prompt": "x", "platforms": []string{"ghost"}, "template_id": id}
		}},
	} {
		t.Run("written with "+name, func(t *testing.T) { w.sameForBody(t, http.StatusNotFound, "generate-post", b.foreign, b.body) })
	}

	// A's platform post below B's own post is as one that nobody has.
	for _, id := range []string{"confirm-platform-post", "retry-platform-post"} {
		below := func(platformPost string) map[string]string {
			return map[string]string{"customer_id": w.b.id, "post_id": w.b.ids["post_id"], "platform_post_id": platformPost}
		}
		w.same(t, w.ops[id], tenantOperations[id], "A's platform post below B's post", below(w.a.ids["platform_post_id"]), below(randomID()), below(uuid.Nil.String()))
	}

	// So is what was said about A's.
	review := func(id string) map[string]string {
		return map[string]string{"customer_id": w.b.id, "post_id": w.b.ids["post_id"], "review_id": id}
	}
	w.same(t, w.ops["get-post-review"], nil, "A's review below B's post", review(w.a.ids["review_id"]), review(randomID()), review(uuid.Nil.String()))

	// Filtered by A's campaign, B's list is as empty as by one that nobody has.
	var answers []string
	for _, id := range []string{w.a.ids["campaign_id"], randomID(), uuid.Nil.String()} {
		answers = append(answers, told(t, w.b.owner.expect(t, http.StatusOK, http.MethodGet, w.b.path+"/posts?campaign_id="+id, nil)))
	}
	if answers[0] != answers[1] || answers[0] != answers[2] {
		t.Errorf("lists by campaign: %q", answers)
	}

	// All that B has done has published nothing.
	if n := len(w.s.box.Published()); n != 2 {
		t.Errorf("%d posts are published, two were meant to be", n)
	}
}

// A platform post has no address of its own: it is reached through its post, and its id opens nothing.
func TestPlatformPostTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	post := w.a.post(t, w.a.ids["post_id"])
	asPost := map[string]string{"customer_id": w.b.id, "post_id": post.PlatformPosts[0].ID}
	before := w.s.checksum(t, w.a.id)
	for _, id := range postOperations {
		o := w.ops[id]
		if _, found := pathNames(o.path)["post_id"]; found {
			w.same(t, o, tenantOperations[id], "a platform post's id", asPost, map[string]string{"customer_id": w.b.id})
		}
	}
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("something of A's has changed")
	}
}

func pathNames(path string) map[string]bool {
	names := map[string]bool{}
	for _, match := range pathParameter.FindAllStringSubmatch(path, -1) {
		names[match[1]] = true
	}
	return names
}
