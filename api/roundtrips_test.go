package api_test

import (
	"math"
	"testing"
	"time"

	"fanfare/db/dbtest"
)

// How often a request waits for Postgres. A number that grows here is felt by everybody. A read is charged to its
// rate limit in the round trip that it makes anyway; what has a transaction is charged in one of its own.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	pool, trips := dbtest.CountingPool(t, w.LoginURL)
	w.serve(t, options{pool: pool})
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	second := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	fresh := func() string {
		return c.path("/posts/%s", w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account, second}}).ID)
	}
	work := w.workspace(t, c.customer.ID)
	one := fresh()
	at := m{"scheduled_at": time.Now().Add(time.Hour)}
	for _, test := range []struct {
		name, method string
		path         func() string
		body         any
		want         int
	}{
		{"me", "GET", func() string { return "/v1/me" }, nil, 2},
		{"customers", "GET", func() string { return "/v1/customers" }, nil, 1},
		{"the health of customers", "GET", func() string { return "/v1/customer-health" }, nil, 1},
		{"a customer", "GET", func() string { return c.path("") }, nil, 1},
		{"a post", "GET", func() string { return one }, nil, 1},
		{"posts", "GET", func() string { return c.path("/posts") }, nil, 1},
		{"posts in a state", "GET", func() string { return c.path("/posts?state=draft") }, nil, 1},
		{"posts found", "GET", func() string { return c.path("/posts?q=a&order=scheduled") }, nil, 1},
		{"jobs", "GET", func() string { return c.path("/jobs") }, nil, 1},
		{"a check", "POST", func() string { return c.path("/posts/check") }, m{"text": "A", "platforms": []m{{"integration_id": account.ID}, {"integration_id": second.ID}}}, 1},
		{"a check of a post", "GET", func() string { return one + "/check" }, nil, 1},
		{"a context", "GET", func() string { return c.path("/context") }, nil, 5},
		{"a file of a workspace", "GET", func() string { return c.path("/workspaces/%s/files/content?path=forged", work) }, nil, 1},
		{"a file of a workspace written", "PUT", func() string { return c.path("/workspaces/%s/files/content?path=forged", work) }, "x", 7},
		{"draft", "POST", func() string { return c.path("/posts") }, m{"text": "A"}, 4},
		{"change", "PATCH", fresh, m{"text": "B"}, 5},
		{"schedule", "POST", func() string { return fresh() + "/schedule" }, at, 9},
		{"publish", "POST", func() string { return fresh() + "/publish" }, nil, 9},
		{"cancel", "POST", func() string { return fresh() + "/cancel" }, nil, 6},
	} {
		for range 2 { // prepares the statements
			w.call(t, c.owner, test.method, test.path(), test.body)
		}
		// The fewest of a few: where the server answers the first part of a batch before the last one is written, as
		// on a busy machine it may, one trip is counted as two.
		got := math.MaxInt
		for range 3 {
			path := test.path()
			got = min(got, trips.During(func() { w.call(t, c.owner, test.method, path, test.body) }))
		}
		if got != test.want {
			t.Errorf("%s: %d round trips, want %d", test.name, got, test.want)
		}
	}
}
