package api_test

import (
	"strings"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	blog := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "ghost"})
	x := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"})
	w.exec(t, "update integrations set is_default = true where id = $1", x.ID)
	theirs := w.Integration(t, dbtest.Integration{CustomerID: c.elsewhere.ID})
	file, foreign := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into media (customer_id, id, path, name, content_type, bytes) values ($1, $2, 'a', 'a.png', 'image/png', 10)", c.customer.ID, file)
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'b', 'image/png', 10)", c.elsewhere.ID, foreign)
	type checks struct {
		Platforms []api.PlatformCheck `json:"platforms"`
	}
	body := m{"text": "No title", "media_ids": []any{file}, "platforms": []m{
		{"platform": "twitter", "options": m{"newsletter": "weekly"}}, {"integration_id": blog.ID, "media_ids": []any{}}}}
	before := w.stored(t)
	got := into[checks](t, w.call(t, c.member, "POST", c.path("/posts/check"), body).want(t, 200)).Platforms
	if len(got) != 2 || got[0].IntegrationID != x.ID || got[0].Platform != "twitter" || got[1].IntegrationID != blog.ID {
		t.Fatalf("checked %+v", got)
	}
	has := func(check api.PlatformCheck, field, rule string) bool {
		for _, v := range check.Violations {
			if v.Field == field && v.Rule == rule && v.Message != "" {
				return true
			}
		}
		return false
	}
	if !has(got[0], "options.newsletter", "unsupported") || !has(got[1], "title", "required") || len(got[1].Violations) != 1 {
		t.Errorf("found %+v", got)
	}
	if w.stored(t) != before {
		t.Error("something was stored")
	}
	w.call(t, c.member, "POST", c.path("/posts/check"), m{"text": "x", "platforms": []m{{"integration_id": theirs.ID}}}).want(t, 404)
	w.call(t, c.member, "POST", c.path("/posts/check"), m{"text": "x", "media_ids": []any{foreign}, "platforms": []m{{"integration_id": blog.ID}}}).want(t, 404)
	w.call(t, c.member, "POST", c.path("/posts/check"), m{"text": "x", "platforms": []m{{"platform": "linkedin"}}}).wantAt(t, "body.platforms[0].platform")

	// The same of what is stored, and the same again as a refusal to publish it.
	post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), body).want(t, 201))
	path := c.path("/posts/%s", post.ID)
	stored := into[checks](t, w.call(t, c.viewer, "GET", path+"/check", nil).want(t, 200)).Platforms
	refused := w.call(t, c.member, "POST", path+"/publish", nil).want(t, 422).problem(t)
	total := 0
	for i, check := range stored {
		total += len(check.Violations)
		if len(check.Violations) != len(got[i].Violations) || check.Length != got[i].Length {
			t.Errorf("stored %+v, before %+v", check, got[i])
		}
	}
	if total != len(refused.Errors) {
		t.Errorf("%d violations, and %d are told when it is published", total, len(refused.Errors))
	}
	w.call(t, c.member, "POST", c.path("/posts"), m{"text": "x", "media_ids": []any{foreign}}).want(t, 404)
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	x := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"})
	fresh := func() (string, dbtest.Post) {
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{x}})
		return c.path("/posts/%s/platform-posts/%s/confirm", post.ID, post.PlatformPosts[0]), post
	}
	one, first := fresh()
	good := m{"external_url": "https://x.com/bluebottle/status/20"}
	w.call(t, c.member, "POST", one, good).want(t, 409)
	w.needsAttention(t, c, "unknown_outcome")
	for _, bad := range []string{"javascript:alert(1)", "x.com/a/status/1", "https://", "https://me:secret@x.com/a/status/1", "ftp://x.com/1"} {
		w.call(t, c.member, "POST", one, m{"external_url": bad}).wantAt(t, "body.external_url")
	}
	for _, bad := range []string{time.Now().Add(time.Hour).Format(time.RFC3339), "1999-01-01T00:00:00Z"} {
		w.call(t, c.member, "POST", one, m{"external_url": good["external_url"], "published_at": bad}).wantAt(t, "body.published_at")
	}
	_, other := fresh()
	w.call(t, c.member, "POST", c.path("/posts/%s/platform-posts/%s/confirm", first.ID, other.PlatformPosts[0]), good).want(t, 404)
	w.call(t, c.viewer, "POST", one, good).want(t, 403)
	w.callWith(t, w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID}).Key, "POST", one, good).want(t, 403)
	w.call(t, c.member, "POST", one, good, "If-Match", `"v1"`).want(t, 412)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	got := into[api.Post](t, w.call(t, c.member, "POST", one, m{"external_url": good["external_url"], "published_at": at}).want(t, 200))
	if pp := got.PlatformPosts[0]; got.State != "published" || *pp.ExternalURL != good["external_url"] || !pp.PublishedAt.Equal(at) || pp.Problem != nil || pp.ProblemClass != nil {
		t.Errorf("confirmed %+v", got)
	}
	if n := w.count(t, "select count(*) from platform_posts where external_id = '20'"); n != 1 {
		t.Errorf("%d have the status's id", n)
	}
	w.call(t, c.member, "POST", one, good).want(t, 409)

	// Of two posts that say the same only one can be the one that is there.
	second, _ := fresh()
	w.exec(t, "update platform_posts set state = 'draft' where state = 'cancelled'")
	w.exec(t, "update posts set scheduled_at = now() where state = 'draft'")
	for _, state := range []string{"scheduled", "publishing"} {
		w.exec(t, "update platform_posts set state = $1, attempt = 1 where state in ('draft', 'scheduled')", state)
	}
	w.exec(t, "update platform_posts set state = 'needs_attention', problem = 'Look.', problem_class = 'unknown_outcome' where state = 'publishing'")
	if p := w.call(t, c.member, "POST", second, good).want(t, 409).problem(t); !strings.Contains(p.Detail, "Another post") {
		t.Errorf("refused with %s", p.Detail)
	}
	// What is known of it, because part of it is there, is kept.
	w.exec(t, "update platform_posts set external_id = '7' where state = 'needs_attention' and id = (select id from platform_posts where state = 'needs_attention' order by id desc limit 1)")
	w.call(t, c.member, "POST", second, good).want(t, 200)
	if n := w.count(t, "select count(*) from platform_posts where external_id = '7' and state = 'published' and published_at is not null"); n != 1 {
		t.Error("the id is another one")
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID}).Key
	accounts := []dbtest.Integration{w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}), w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})}
	make := func(class string) (api.Post, string) {
		t.Helper()
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: accounts})
		w.call(t, c.member, "POST", c.path("/posts/%s/publish", post.ID), nil).want(t, 202)
		w.exec(t, "delete from river.river_job")
		w.exec(t, "update platform_posts set state = 'publishing', attempt = 1 where post_id = $1", post.ID)
		w.exec(t, "insert into publish_attempts (customer_id, platform_post_id, number, job_id, finished_at, outcome, status, message) values ($1, $2, 1, 1, now(), 'invalid', 400, 'No.')", c.customer.ID, post.PlatformPosts[1])
		w.exec(t, "update platform_posts set state = 'published', external_id = id, external_url = 'https://x.example/1', published_at = now() where id = $1", post.PlatformPosts[0])
		state := "needs_attention"
		if class == "invalid" {
			state = "failed"
		}
		w.exec(t, "update platform_posts set state = $2, problem = 'No.', problem_class = $3 where id = $1", post.PlatformPosts[1], state, class)
		return into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", post.ID), nil)), c.path("/posts/%s/platform-posts/%s/retry", post.ID, post.PlatformPosts[1])
	}
	check := func(what string, before api.Post, a answer) {
		t.Helper()
		got := into[api.Post](t, a.want(t, 202))
		if got.State != "publishing" || got.PlatformPosts[1].State != "scheduled" || got.PlatformPosts[1].Problem != nil {
			t.Errorf("%s: %+v", what, got)
		}
		if got.PlatformPosts[0].State != "published" || !got.PlatformPosts[0].PublishedAt.Equal(*before.PlatformPosts[0].PublishedAt) {
			t.Errorf("%s: what is published is %+v", what, got.PlatformPosts[0])
		}
		if n := w.count(t, "select count(*) from river.river_job where args ->> 'platform_post_id' = $1 and scheduled_at <= now()", got.PlatformPosts[1].ID.String()); n != 1 {
			t.Errorf("%s: %d jobs", what, n)
		}
		if n := w.count(t, "select first_attempt from platform_posts where id = $1", got.PlatformPosts[1].ID); n != 2 {
			t.Errorf("%s: the round begins with attempt %d", what, n)
		}
	}
	failed, path := make("invalid")
	w.call(t, c.viewer, "POST", path, nil).want(t, 403)
	w.call(t, c.member, "POST", strings.Replace(path, failed.PlatformPosts[1].ID.String(), failed.PlatformPosts[0].ID.String(), 1), nil).want(t, 409)
	w.exec(t, "update integrations set state = 'needs_reauth' where id = $1", accounts[1].ID)
	w.call(t, c.member, "POST", path, nil).want(t, 409)
	w.exec(t, "update integrations set state = 'active' where id = $1", accounts[1].ID)
	check("failed", failed, w.call(t, c.member, "POST", path, nil))
	w.call(t, c.member, "POST", path, nil).want(t, 409)

	failed, path = make("invalid")
	check("failed, by a key", failed, w.callWith(t, key, "POST", path, nil))

	asked, path := make("unknown_outcome")
	if p := w.callWith(t, key, "POST", path, nil).want(t, 403).problem(t); !strings.Contains(p.Detail, "A person must look") {
		t.Errorf("a key is refused with %s", p.Detail)
	}
	w.call(t, c.member, "POST", c.path("/posts/%s/publish", asked.ID), nil).want(t, 409)
	check("needs attention", asked, w.call(t, c.member, "POST", path, nil))

	lost, path := make("credential")
	check("never sent, by a key", lost, w.callWith(t, key, "POST", path, nil))

	// Where approval is needed, what has failed goes out again only as it was approved; what needs attention is frozen.
	w.approval(t, c, m{"approval_required": true})
	_, path = func() (api.Post, string) {
		w.approval(t, c, m{"approval_required": false})
		defer w.approval(t, c, m{"approval_required": true})
		return make("invalid")
	}()
	w.call(t, c.owner, "POST", path, nil).want(t, 409)

	// The attempts are told.
	type attempts struct {
		PlatformPosts []api.PlatformPostAttempts `json:"platform_posts"`
	}
	got := into[attempts](t, w.call(t, c.viewer, "GET", c.path("/posts/%s/attempts", lost.ID), nil).want(t, 200)).PlatformPosts
	if len(got) != 2 || len(got[0].Attempts) != 0 || len(got[1].Attempts) != 1 || *got[1].Attempts[0].Outcome != "invalid" || *got[1].Attempts[0].Status != 400 ||
		*got[1].Attempts[0].Message != "No." || got[1].Attempts[0].Code != nil || got[1].Attempts[0].StartedAt.Location() != time.UTC {
		t.Errorf("attempts %+v", got)
	}
}
