package api_test

import (
	"net/http"
	"testing"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestRateLimitRules(t *testing.T) {
	t.Parallel()
	const reason = "X-Admin-Reason"
	find := func(t *testing.T, a answer, operation string) api.RateLimit {
		t.Helper()
		for _, l := range into[api.RateLimits](t, a).Items {
			if l.Operation == operation {
				return l
			}
		}
		t.Fatalf("%s is not listed", operation)
		return api.RateLimit{}
	}
	byDefault := api.RateLimit{Operation: "list-posts", Quota: 6000, WindowSeconds: 60, DefaultQuota: 6000, DefaultWindowSeconds: 60}
	own := api.RateLimit{Operation: "list-posts", Quota: 2, WindowSeconds: aDay, Overridden: true, DefaultQuota: 6000, DefaultWindowSeconds: 60}

	t.Run("a system admin's change holds from the next request on", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c, other := w.cast(t), w.cast(t)
		one := c.path("/rate-limits/list-posts")
		posts := func() answer { return w.call(t, c.viewer, "GET", c.path("/posts"), nil) }
		posts().want(t, 200).wantRate(t, "list-posts", 6000, 60, 5999)

		set := w.call(t, c.sysadmin, "PUT", one, m{"quota": 2, "window_seconds": aDay}, reason, "too much").want(t, 200)
		if got := into[api.RateLimit](t, set); got != own {
			t.Errorf("set %+v", got)
		}
		posts().want(t, 200).wantRate(t, "list-posts", 2, aDay, 1)
		posts().want(t, 200)
		posts().wantLimited(t, "list-posts")
		w.call(t, other.owner, "GET", other.path("/posts"), nil).want(t, 200).wantRate(t, "list-posts", 6000, 60, 5999)
		for _, who := range []dbtest.User{c.viewer, c.owner, c.sysadmin} {
			if got := find(t, w.call(t, who, "GET", c.path("/rate-limits"), nil).want(t, 200), "list-posts"); got != own {
				t.Errorf("listed as %+v", got)
			}
			a := w.call(t, who, "GET", one, nil).want(t, 200)
			if got := into[api.RateLimit](t, a); got != own || a.etag() != set.etag() {
				t.Errorf("got %+v, %s", got, a.etag())
			}
		}
		if got := find(t, w.call(t, other.owner, "GET", other.path("/rate-limits"), nil), "list-posts"); got != byDefault {
			t.Errorf("the other customer has %+v", got)
		}

		w.call(t, c.sysadmin, "PUT", one, m{"quota": 3, "window_seconds": aDay}, reason, "r", "If-Match", set.etag()).want(t, 200)
		posts().want(t, 200).wantRate(t, "list-posts", 3, aDay, 2)
		w.call(t, c.sysadmin, "DELETE", one, nil, reason, "r").want(t, 204)
		posts().want(t, 200).wantRate(t, "list-posts", 6000, 60, 5999)
		if got := into[api.RateLimit](t, w.call(t, c.viewer, "GET", one, nil)); got != byDefault {
			t.Errorf("after the reset: %+v", got)
		}
		w.call(t, c.sysadmin, "DELETE", one, nil, reason, "r").want(t, 404)
	})

	t.Run("nobody else changes it", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		one := c.path("/rate-limits/list-posts")
		body := m{"quota": 2, "window_seconds": 60}
		for _, who := range []dbtest.User{c.viewer, c.member, c.admin, c.owner, c.sysviewer, c.manager} {
			w.call(t, who, "PUT", one, body, reason, "r").want(t, 403)
		}
		w.call(t, c.sysadmin, "PUT", one, body, reason, "").want(t, 403) // does not say why
		w.call(t, c.outsider, "PUT", one, body, reason, "r").want(t, 404)
		if n := w.count(t, "select count(*) from rate_limit_rules"); n != 0 {
			t.Errorf("%d rules", n)
		}
		w.call(t, c.sysadmin, "PUT", one, body, reason, "r").want(t, 200)
		for _, who := range []dbtest.User{c.viewer, c.owner, c.sysviewer, c.manager} {
			w.call(t, who, "PUT", one, m{"quota": 1, "window_seconds": 1}, reason, "r").want(t, 403)
			w.call(t, who, "DELETE", one, nil, reason, "r").want(t, 403)
		}
		if n := w.count(t, "select quota * 1000 + window_seconds from rate_limit_rules"); n != 2060 {
			t.Errorf("the rule has become %d", n)
		}
	})

	t.Run("what is asked for must be right", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		one := c.path("/rate-limits/list-posts")
		set := func(path string, body any, headers ...string) answer {
			return w.call(t, c.sysadmin, "PUT", path, body, append(headers, reason, "r")...)
		}
		for _, operation := range []string{"get-me", "nothing", "create-customer", "List-Posts"} {
			set(c.path("/rate-limits/%s", operation), m{"quota": 1, "window_seconds": 1}).want(t, 404)
			w.call(t, c.sysadmin, "DELETE", c.path("/rate-limits/%s", operation), nil, reason, "r").want(t, 404)
			w.call(t, c.owner, "GET", c.path("/rate-limits/%s", operation), nil).want(t, 404)
		}
		set(one, m{"quota": 0, "window_seconds": 1}).wantAt(t, "body.quota")
		set(one, m{"quota": 1_000_001, "window_seconds": 1}).wantAt(t, "body.quota")
		set(one, m{"quota": 1, "window_seconds": 0}).wantAt(t, "body.window_seconds")
		set(one, m{"quota": 1, "window_seconds": aDay + 1}).wantAt(t, "body.window_seconds")
		nothing := w.call(t, c.owner, "GET", one, nil).want(t, 200)
		set(one, m{"quota": 1, "window_seconds": 60}, "If-Match", `"v1"`).want(t, 412)
		first := set(one, m{"quota": 1_000_000, "window_seconds": 1}, "If-Match", nothing.etag()).want(t, 200)
		set(one, m{"quota": 5, "window_seconds": 60}, "If-Match", nothing.etag()).want(t, 412)
		set(one, m{"quota": 5, "window_seconds": 60}, "If-Match", first.etag()).want(t, 200)
		w.call(t, c.sysadmin, http.MethodDelete, one, nil, reason, "r", "If-Match", first.etag()).want(t, 412)
		if n := w.count(t, "select quota from rate_limit_rules"); n != 5 {
			t.Errorf("quota %d", n)
		}
	})
}
