package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// One request tells how each of the caller's customers stands, and of nobody else's.
func TestCustomerHealth(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, other, archived := w.cast(t), w.cast(t), w.cast(t)
	for _, one := range []cast{other, archived} {
		w.exec(t, "insert into memberships (customer_id, user_id, role) values ($1, $2, 'viewer')", one.customer.ID, c.viewer.ID)
	}
	w.exec(t, "update customers set archived_at = now() where id = $1", archived.customer.ID)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	lost := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	w.exec(t, "update integrations set state = 'needs_reauth' where id = $1", lost.ID)
	post := func(accounts ...dbtest.Integration) uuid.UUID {
		return w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: accounts}).ID
	}
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	late, next, failed, old := post(account), post(account), post(account, lost), post(account)
	for id, when := range map[uuid.UUID]time.Time{late: at.Add(time.Hour), next: at, failed: at.Add(-24 * time.Hour), old: at.Add(-24 * time.Hour)} {
		w.exec(t, "update posts set scheduled_at = $2 where id = $1", id, when)
		w.exec(t, "update platform_posts set state = 'scheduled' where post_id = $1", id)
	}
	for _, id := range []uuid.UUID{failed, old} {
		w.exec(t, "update platform_posts set state = 'publishing' where post_id = $1", id)
		w.exec(t, "update platform_posts set state = 'failed', problem = 'x', problem_class = 'invalid' where post_id = $1", id)
	}
	w.exec(t, "alter table platform_posts disable trigger platform_posts_touch")
	w.exec(t, "update platform_posts set updated_at = now() - interval '31 days' where post_id = $1", old)
	w.exec(t, "alter table platform_posts enable trigger platform_posts_touch")
	w.exec(t, "update platform_posts set state = 'pending_approval' where post_id = $1", post(account, lost))

	mine := api.CustomerHealth{CustomerID: c.customer.ID, Waiting: 1, Problems: 1, Accounts: 1, NextPostAt: &at}
	theirs := api.CustomerHealth{CustomerID: other.customer.ID}
	for name, test := range map[string]struct {
		who  dbtest.User
		want []api.CustomerHealth
	}{
		"viewer of both": {c.viewer, []api.CustomerHealth{theirs, mine}}, "member of one": {c.member, []api.CustomerHealth{mine}}, "owner of the other": {other.owner, []api.CustomerHealth{theirs}},
		"nobody": {w.User(t, dbtest.User{}), nil}, "system viewer": {w.User(t, dbtest.User{SystemRole: "viewer"}), []api.CustomerHealth{theirs, mine}},
	} {
		got := into[api.Page[api.CustomerHealth]](t, w.call(t, test.who, "GET", "/v1/customer-health?limit=100", nil).want(t, 200)).Items
		if name == "system viewer" { // who sees all others, too
			got = slices.DeleteFunc(got, func(h api.CustomerHealth) bool {
				return h.CustomerID != c.customer.ID && h.CustomerID != other.customer.ID
			})
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i, want := range test.want {
			if g := got[i]; g.CustomerID != want.CustomerID || g.Waiting != want.Waiting || g.Problems != want.Problems || g.Accounts != want.Accounts ||
				(g.NextPostAt == nil) != (want.NextPostAt == nil) || want.NextPostAt != nil && !g.NextPostAt.Equal(*want.NextPostAt) || g.Name == "" || g.TimeZone != "UTC" {
				t.Errorf("%s: %+v, want %+v", name, g, want)
			}
		}
	}
	w.callWith(t, w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID}).Key, "GET", "/v1/customer-health", nil).want(t, 403)
	first := into[api.Page[api.CustomerHealth]](t, w.call(t, c.viewer, "GET", "/v1/customer-health?limit=1", nil).want(t, 200))
	second := into[api.Page[api.CustomerHealth]](t, w.call(t, c.viewer, "GET", "/v1/customer-health?limit=1&cursor="+*first.NextCursor, nil).want(t, 200))
	if len(second.Items) != 1 || second.Items[0].CustomerID != c.customer.ID || second.NextCursor != nil {
		t.Errorf("the second page: %+v", second)
	}
}
