package api_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestMemberRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admins := func(done int) statuses { return statuses{done, done, 403, 403, done, 403, 403, 404} }
	owners := func(done int) statuses { return statuses{done, 403, 403, 403, done, 403, 403, 404} }

	t.Run("read", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/members"), nil) })
		c.roles(t, reading, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "GET", c.path("/members/%s", c.member.ID), nil)
		})
	})
	for role, want := range map[string]func(int) statuses{"owner": owners, "admin": admins, "member": admins, "viewer": admins} {
		t.Run("promote to "+role, func(t *testing.T) {
			t.Parallel()
			c := w.cast(t)
			c.roles(t, want(200), func(t *testing.T, who dbtest.User) answer {
				subject := w.Member(t, c.customer.ID, "member")
				return w.call(t, who, "PATCH", c.path("/members/%s", subject.ID), m{"role": role})
			})
		})
		t.Run("demote a "+role, func(t *testing.T) {
			t.Parallel()
			c := w.cast(t)
			c.roles(t, want(200), func(t *testing.T, who dbtest.User) answer {
				subject := w.Member(t, c.customer.ID, role)
				return w.call(t, who, "PATCH", c.path("/members/%s", subject.ID), m{"role": "viewer"})
			})
			c.roles(t, want(412), func(t *testing.T, who dbtest.User) answer {
				subject := w.Member(t, c.customer.ID, role)
				return w.call(t, who, "PATCH", c.path("/members/%s", subject.ID), m{"role": "viewer"}, "If-Match", `"v9"`)
			})
		})
		t.Run("remove a "+role, func(t *testing.T) {
			t.Parallel()
			c := w.cast(t)
			c.roles(t, want(204), func(t *testing.T, who dbtest.User) answer {
				subject := w.Member(t, c.customer.ID, role)
				return w.call(t, who, "DELETE", c.path("/members/%s", subject.ID), nil)
			})
			c.roles(t, want(412), func(t *testing.T, who dbtest.User) answer {
				subject := w.Member(t, c.customer.ID, role)
				return w.call(t, who, "DELETE", c.path("/members/%s", subject.ID), nil, "If-Match", `"v9"`)
			})
		})
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	newcomer := w.User(t, dbtest.User{})
	w.call(t, newcomer, "GET", c.path(""), nil).want(t, 404)

	w.Join(t, c.customer.ID, newcomer.ID, "viewer")
	added := w.call(t, c.admin, "GET", c.path("/members/%s", newcomer.ID), nil).want(t, 200)
	if got := into[api.Member](t, added); got.UserID != newcomer.ID || got.Role != "viewer" || *got.Email != newcomer.Email {
		t.Errorf("joined as %+v", got)
	}
	w.call(t, newcomer, "GET", c.path(""), nil).want(t, 200)
	w.call(t, newcomer, "POST", c.path("/campaigns"), m{"name": "X"}).want(t, 403)

	path := c.path("/members/%s", newcomer.ID)
	promoted := w.call(t, c.admin, "PATCH", path, m{"role": "member"}, "If-Match", added.etag()).want(t, 200)
	w.call(t, newcomer, "POST", c.path("/campaigns"), m{"name": "X"}).want(t, 201)
	w.call(t, c.admin, "PATCH", path, m{"role": "viewer"}, "If-Match", added.etag()).want(t, 412)
	if got := w.call(t, c.viewer, "GET", path, nil).want(t, 200); got.etag() != promoted.etag() || into[api.Member](t, got).Role != "member" {
		t.Errorf("is %s %s", got.etag(), got.body)
	}

	w.call(t, c.admin, "DELETE", path, nil, "If-Match", promoted.etag()).want(t, 204)
	w.call(t, newcomer, "GET", c.path(""), nil).want(t, 404)
	w.call(t, newcomer, "GET", c.path("/members"), nil).want(t, 404)
	w.call(t, newcomer, "POST", c.path("/campaigns"), m{"name": "X"}).want(t, 404)
	w.call(t, c.admin, "DELETE", path, nil).want(t, 404)
}

func TestMemberLeaves(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for _, who := range []dbtest.User{c.admin, c.member, c.viewer} {
		w.call(t, who, "DELETE", c.path("/members/%s", who.ID), nil).want(t, 204)
		w.call(t, who, "GET", c.path(""), nil).want(t, 404)
	}
	own := c.path("/members/%s", c.owner.ID)
	w.call(t, c.owner, "DELETE", own, nil).want(t, 409)
	w.call(t, c.owner, "PATCH", own, m{"role": "admin"}).want(t, 409)
	w.call(t, c.sysadmin, "DELETE", own, nil).want(t, 409)
	w.call(t, c.owner, "PATCH", own, m{"role": "owner"}).want(t, 200)

	second := w.Member(t, c.customer.ID, "owner")
	w.call(t, c.owner, "PATCH", own, m{"role": "viewer"}).want(t, 200)
	w.call(t, c.owner, "PATCH", own, m{"role": "owner"}).want(t, 403)
	w.call(t, second, "DELETE", c.path("/members/%s", second.ID), nil).want(t, 409)
}

// Two owners who leave at the same moment leave one of them behind.
func TestMemberLastTwoOwnersLeave(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 5 {
		c := w.cast(t)
		second := w.Member(t, c.customer.ID, "owner")
		var wait sync.WaitGroup
		var got [2]int
		for i, who := range []dbtest.User{c.owner, second} {
			wait.Go(func() { got[i] = w.call(t, who, "DELETE", c.path("/members/%s", who.ID), nil).status })
		}
		wait.Wait()
		if n := w.count(t, "select count(*) from memberships where customer_id = $1 and role = 'owner'", c.customer.ID); n != 1 {
			t.Errorf("%d owners are left", n)
		}
		if got[0]+got[1] != 204+409 {
			t.Errorf("answered %v", got)
		}
	}
}

func TestMemberList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	want := []uuid.UUID{c.owner.ID, c.admin.ID, c.member.ID, c.viewer.ID}
	for range 2 {
		want = append(want, w.Member(t, c.customer.ID, "viewer").ID)
	}
	ids, pages := w.walk(t, c.viewer, c.path("/members"))
	if pages != 3 || len(ids) != len(want) {
		t.Fatalf("%d pages, %v", pages, ids)
	}
	for i, id := range ids { // by id, so in the order in which they were made
		if id != want[i].String() {
			t.Errorf("place %d: %s, want %s", i, id, want[i])
		}
	}
}
