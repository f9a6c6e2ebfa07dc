package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/db/dbtest"
)

// together makes calls at the same moment and gives their answers.
func together(calls ...func() answer) []answer {
	answers := make([]answer, len(calls))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() {
			<-start
			answers[i] = call()
		})
	}
	close(start)
	all.Wait()
	return answers
}

// Somebody whose role is taken from them cannot win it back with a request that was under way.
func TestRoleIsLostForGood(t *testing.T) {
	t.Parallel()
	w := setup(t)
	owner := w.User(t, dbtest.User{})
	for _, removal := range []bool{false, true} {
		for range 15 {
			c := w.Customer(t, dbtest.Customer{})
			w.Join(t, c.ID, owner.ID, "owner")
			zed := w.Member(t, c.ID, "admin")
			own := "/v1/customers/" + c.ID.String() + "/members/" + zed.ID.String()
			invitations := "/v1/customers/" + c.ID.String() + "/invitations"
			calls := []func() answer{func() answer {
				if removal {
					return w.call(t, owner, "DELETE", own, nil)
				}
				return w.call(t, owner, "PATCH", own, m{"role": "viewer"})
			}}
			for range 3 {
				calls = append(calls,
					func() answer { return w.call(t, zed, "PATCH", own, m{"role": "admin"}) },
					func() answer {
						invited := w.call(t, zed, "POST", invitations, m{"email": zed.Email, "role": "admin"})
						if invited.status != 201 {
							return invited
						}
						return w.call(t, zed, "POST", "/v1/invitations/accept", m{"token": tokenOf(t, invited)})
					})
			}
			answers := together(calls...)
			if answers[0].status >= 300 {
				t.Fatalf("the owner was answered %d: %s", answers[0].status, answers[0].body)
			}
			if n := w.count(t, "select count(*) from memberships where customer_id = $1 and user_id = $2 and role = 'admin'", c.ID, zed.ID); n != 0 {
				t.Fatal("whose role was taken is admin again")
			}
		}
	}
}

// Archiving cancels everything that waits, also what is put on its way at the same moment.
func TestArchivingStopsEverything(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 15 {
		c := w.cast(t)
		i := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		var calls []func() answer
		for range 4 {
			p := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{i}})
			calls = append(calls, func() answer {
				return w.call(t, c.member, "POST", c.path("/posts/%s/schedule", p.ID), m{"scheduled_at": time.Now().Add(time.Hour)})
			})
		}
		calls = append(calls, func() answer { return w.call(t, c.owner, "POST", c.path("/archive"), nil) })
		answers := together(calls...)
		answers[len(answers)-1].want(t, 200)
		if n := w.count(t, "select count(*) from platform_posts where customer_id = $1 and state = 'scheduled'", c.customer.ID); n != 0 {
			t.Errorf("%d posts of an archived customer still wait", n)
		}
		if n := w.count(t, "select count(*) from river.river_job where customer_id = $1 and state in ('available', 'scheduled')", c.customer.ID); n != 0 {
			t.Errorf("%d jobs of an archived customer still wait", n)
		}
	}
}

// What a stranger could use to look different to the validator, to a proxy or to a small memory.
func TestAmbiguousAndOversizedRequests(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	posts := c.path("/posts")

	w.call(t, c.owner, "POST", posts, `{"text": "a", "text": "b"}`).want(t, 400)
	w.call(t, c.owner, "POST", posts, `{"text": "a", "platforms": [{"integration_id": "x", "integration_id": "y"}]}`).want(t, 400)
	w.call(t, c.owner, "POST", posts, `{"text": "a"}`, "Content-Encoding", "gzip").want(t, 415)
	w.call(t, c.owner, "POST", posts, `{"text": "a"}`, "Content-Type", "application/json; charset=utf-16").want(t, 415)
	w.call(t, c.owner, "POST", posts, `{"text": "a"}`, "Content-Type", "application/json; charset=UTF-8").want(t, 201)

	twice := w.request(t, "GET", posts, nil)
	twice.Header.Add("Authorization", "Bearer "+w.token(t, c.owner))
	twice.Header.Add("Authorization", "Bearer "+w.token(t, c.outsider))
	w.do(t, twice).want(t, 401)

	platforms := []m{}
	for range 50 {
		i := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		platforms = append(platforms, m{"integration_id": i.ID})
	}
	before := w.count(t, "select count(*) from posts")
	w.call(t, c.owner, "POST", posts, m{"text": strings.Repeat("a", 100_000), "platforms": platforms}).want(t, 422)
	if after := w.count(t, "select count(*) from posts"); after != before {
		t.Errorf("%d posts were stored", after-before)
	}
	w.call(t, c.owner, "POST", posts, m{"text": strings.Repeat("a", 3_000), "platforms": platforms}).want(t, 201)
}
