package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// checkedPlatforms is what the checks of a post answer.
type checkedPlatforms struct {
	Platforms []api.PlatformCheck `json:"platforms"`
}

// letter makes a template.
func (w *world) letter(t testing.TB, c cast, name, html string) api.EmailTemplate {
	t.Helper()
	return into[api.EmailTemplate](t, w.call(t, c.member, http.MethodPost, c.path("/email-templates"),
		m{"name": name, "subject": "{{title}} from {{customer}}", "html": html}).want(t, 201))
}

func TestEmailTemplates(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	made := w.call(t, c.member, http.MethodPost, c.path("/email-templates"), m{
		"name": "Letter", "subject": "{{title}}", "html": `<script>alert(1)</script><h1 onclick="x">{{title}}</h1>{{text}}<a href="{{link}}">more</a>`,
	}).want(t, 201)
	letter := into[api.EmailTemplate](t, made)
	if letter.HTML != `<h1>{{title}}</h1>{{text}}<a href="{{link}}">more</a>` || !slices.Equal(letter.Variables, []string{"link", "text", "title"}) {
		t.Errorf("made %s", made.body)
	}
	w.call(t, c.member, http.MethodPost, c.path("/email-templates"), m{"name": "Letter", "html": "x"}).want(t, 409)
	w.call(t, c.outsider, http.MethodPost, "/v1/customers/"+c.elsewhere.ID.String()+"/email-templates", m{"name": "Letter", "html": "x"}).want(t, 201)
	w.call(t, c.member, http.MethodPost, c.path("/email-templates"), m{"name": "Broken", "html": "{{#if x}}"}).wantAt(t, "body.html")
	w.call(t, c.member, http.MethodPost, c.path("/email-templates"), m{"name": "Empty", "html": "<script>x</script>"}).wantAt(t, "body.html")
	w.call(t, c.member, http.MethodPost, c.path("/email-templates"), m{"name": "Subject", "subject": "a\r\nBcc: b", "html": "x"}).wantAt(t, "body.subject")

	one := c.path("/email-templates/%s", letter.ID)
	preview := into[api.EmailPreview](t, w.call(t, c.viewer, http.MethodPost, one+"/preview", m{"title": "Fresh <bread>", "text": "One\n\nTwo"}).want(t, 200))
	if preview.Subject != "Fresh <bread>" || !strings.HasPrefix(preview.HTML, "<h1>Fresh &lt;bread&gt;</h1><p>One</p><p>Two</p>") || !slices.Equal(preview.Missing, []string{"link"}) ||
		!strings.HasPrefix(preview.Text, "Fresh <bread>\n\nOne\n\nTwo") {
		t.Errorf("preview %+v", preview)
	}
	preview = into[api.EmailPreview](t, w.call(t, c.viewer, http.MethodPost, one+"/preview", m{"title": "T", "text": "x", "variables": m{"link": "https://a.example/"}}).want(t, 200))
	if len(preview.Missing) != 0 || !strings.Contains(preview.HTML, `<a href="https://a.example/">`) {
		t.Errorf("preview %+v", preview)
	}

	long := m{"link": "https://a.example/" + strings.Repeat("x", 10_000)}
	w.call(t, c.viewer, http.MethodPost, one+"/preview", m{"variables": long}).wantAt(t, "body.variables.link")
	w.call(t, c.member, http.MethodPost, c.path("/posts"), m{
		"title": "T", "text": "x", "platforms": []m{{"platform": "ghost", "options": m{"template_id": letter.ID, "variables": long}}},
	}).wantAt(t, "body.platforms[0].options.variables.link")
	often := w.letter(t, c, "Often", strings.Repeat("{{x}}", 40_000))
	w.call(t, c.viewer, http.MethodPost, c.path("/email-templates/%s/preview", often.ID), m{"variables": m{"x": strings.Repeat("x", 10_000)}}).wantAt(t, "body")

	w.call(t, c.member, http.MethodPatch, one, m{"name": "x"}, "If-Match", `"v9"`).want(t, 412)
	w.call(t, c.member, http.MethodPatch, one, m{}).want(t, 422)
	changed := into[api.EmailTemplate](t, w.call(t, c.member, http.MethodPatch, one, m{"html": `<p style="color: red" onload="x">{{x}}</p>`}, "If-Match", made.etag()).want(t, 200))
	if changed.HTML != `<p style="color: red">{{x}}</p>` || changed.Subject != "{{title}}" {
		t.Errorf("changed %+v", changed)
	}
	c.roles(t, creating, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, http.MethodPost, c.path("/email-templates"), m{"name": who.ID.String(), "html": "x"})
	})
	c.roles(t, working, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, http.MethodPatch, one, m{"subject": who.ID.String()})
	})
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, http.MethodGet, one, nil) })
	c.roles(t, deleting, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, http.MethodDelete, c.path("/email-templates/%s", w.letter(t, c, dbtest.NewID(t).String(), "x").ID), nil)
	})
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 204)
	w.call(t, c.member, http.MethodGet, one, nil).want(t, 404)
}

// A post is held against its template before it goes out, and keeps it from being deleted.
func TestPostWithEmailTemplate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	letter := w.letter(t, c, "Letter", `{{text}}<a href="{{link}}">more</a>`)
	draft := func(options m) string {
		post := into[api.Post](t, w.call(t, c.member, http.MethodPost, c.path("/posts"), m{
			"title": "T", "text": "Text", "platforms": []m{{"integration_id": account.ID, "options": options}},
		}).want(t, 201))
		return c.path("/posts/%s", post.ID)
	}
	elsewhere := into[api.EmailTemplate](t, w.call(t, c.outsider, http.MethodPost, "/v1/customers/"+c.elsewhere.ID.String()+"/email-templates", m{"name": "x", "html": "x"}).want(t, 201))
	for _, wrong := range []struct {
		options    m
		rule, name string
	}{
		{m{"template_id": uuid.New()}, "unknown", "options.template_id"},
		{m{"template_id": elsewhere.ID}, "unknown", "options.template_id"},
		{m{"template_id": letter.ID}, "required", "options.variables.link"},
		{m{"template_id": letter.ID, "variables": m{"link": "javascript:alert(1)"}}, "required", "options.variables.link"},
	} {
		p := w.call(t, c.member, http.MethodPost, draft(wrong.options)+"/publish", nil).want(t, 422).problem(t)
		if len(p.Errors) != 1 || p.Errors[0].Rule != wrong.rule || p.Errors[0].Location != "platform_posts[0]."+wrong.name {
			t.Errorf("%v: %+v", wrong.options, p.Errors)
		}
		// The checks say the same.
		body := m{"title": "T", "text": "Text", "platforms": []m{{"integration_id": account.ID, "options": wrong.options}}}
		for name, checked := range map[string]answer{
			"draft": w.call(t, c.viewer, http.MethodPost, c.path("/posts/check"), body), "post": w.call(t, c.viewer, http.MethodGet, draft(wrong.options)+"/check", nil),
		} {
			if found := into[checkedPlatforms](t, checked.want(t, 200)).Platforms[0].Violations; len(found) != 1 || found[0].Rule != wrong.rule || found[0].Field != wrong.name {
				t.Errorf("check of the %s, %v: %+v", name, wrong.options, found)
			}
		}
	}
	post := draft(m{"template_id": letter.ID, "variables": m{"link": "https://a.example/"}})
	if found := into[checkedPlatforms](t, w.call(t, c.viewer, http.MethodGet, post+"/check", nil).want(t, 200)).Platforms[0].Violations; len(found) != 0 {
		t.Errorf("check of a post that keeps all rules: %+v", found)
	}
	one := c.path("/email-templates/%s", letter.ID)
	scheduled := m{"scheduled_at": "2030-01-02T09:00:00Z"}
	w.call(t, c.member, http.MethodPost, post+"/schedule", scheduled).want(t, 202)
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 409)

	// With approval, what is changed is to be approved again.
	w.exec(t, "update customers set approval_required = true")
	w.exec(t, "update posts set approved_at = now(), approved_by = $1", c.owner.ID)
	w.call(t, c.member, http.MethodPatch, one, m{"name": "Another name"}).want(t, 200)
	if got := into[api.Post](t, w.call(t, c.member, http.MethodGet, post, nil)); got.ApprovedAt == nil || got.State != "scheduled" {
		t.Errorf("another name: %s, approved %v", got.State, got.ApprovedAt)
	}
	writer := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:write"}})
	w.callWith(t, writer.Key, http.MethodPatch, one, m{"html": "<p>Buy</p>"}).want(t, 403)
	w.call(t, c.member, http.MethodPatch, one, m{"html": `{{text}}<a href="{{link}}">less</a>`}).want(t, 200)
	if got := into[api.Post](t, w.call(t, c.member, http.MethodGet, post, nil)); got.ApprovedAt != nil || got.State != "pending_approval" {
		t.Errorf("changed: %s, approved %v", got.State, got.ApprovedAt)
	}
	// The customer's name stands in it.
	w.exec(t, "update posts set approved_at = now(), approved_by = $1", c.owner.ID)
	w.call(t, c.admin, http.MethodPatch, c.path(""), m{"name": "Cheap pills"}).want(t, 200)
	if got := into[api.Post](t, w.call(t, c.member, http.MethodGet, post, nil)); got.ApprovedAt != nil {
		t.Error("another customer's name is still approved")
	}
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 409)
	w.exec(t, "update platform_posts set state = 'cancelled' where state = 'pending_approval'")
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 204)
}

// What a file says to those who cannot see it is not changed by a key that only writes drafts, once a post is on its way.
func TestAltTextOfScheduledPost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	file := w.file(t, c)
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})}})
	w.call(t, c.member, http.MethodPatch, c.path("/posts/%s", post.ID), m{"media_ids": []uuid.UUID{file}}).want(t, 200)
	writer := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:write"}})
	one := c.path("/media/%s", file)
	w.callWith(t, writer.Key, http.MethodPatch, one, m{"alt_text": "A"}).want(t, 200)
	w.call(t, c.member, http.MethodPost, c.path("/posts/%s/schedule", post.ID), m{"scheduled_at": "2030-01-02T09:00:00Z"}).want(t, 202)
	w.callWith(t, writer.Key, http.MethodPatch, one, m{"alt_text": "B"}).want(t, 403)
	w.callWith(t, writer.Key, http.MethodPatch, one, m{"name": "b.png"}).want(t, 200)
	w.call(t, c.member, http.MethodPatch, one, m{"alt_text": "C"}).want(t, 200)
}
