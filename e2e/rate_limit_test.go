package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// exactly is one limited operation that many call at once.
type exactly struct {
	operation    string
	requests     int
	quota        int
	method, path string
	body         any
	status       int // of a request that passes
}

var (
	limitPolicy = regexp.MustCompile(`^"([a-z-]+)";q=([0-9]+);w=([0-9]+)$`)
	limitRate   = regexp.MustCompile(`^"([a-z-]+)";r=([0-9]+);t=([0-9]+)$`)
)

// TestRateLimitIsExact: many requests at once, over several processes, on one limited endpoint: exactly as many pass
// as the limit allows. The others are told when to come back, and nobody else feels it.
func TestRateLimitIsExact(t *testing.T) {
	t.Parallel()
	const processes, window = 4, 86400 // a day: nothing comes back meanwhile
	connections := pick(whole(), 64, 16)
	s := newSystem(t, options{noWorker: true})
	bases := []string{"http://" + s.addr}
	for len(bases) < processes {
		bases = append(bases, "http://"+s.startAnotherServe(t))
	}
	owner, other, admin := s.person(t), s.person(t), s.person(t)
	ids := map[*client]string{}
	for _, who := range []*client{owner, other} {
		ids[who] = call[customerAnswer](t, who, http.MethodPost, "/v1/customers", map[string]any{"name": uniqueName("Customer")}).ID
	}
	path := "/v1/customers/" + ids[owner]
	me := call[meAnswer](t, admin, http.MethodGet, "/v1/me", nil)
	if _, err := s.super.Exec(t.Context(), "insert into system_roles (user_id, role) values ($1, 'admin')", me.ID); err != nil {
		t.Fatal(err)
	}
	admin.reason = "to see that the limit is exact"

	for _, e := range []exactly{
		{"list-campaigns", pick(whole(), 10_000, 1500), pick(whole(), 1234, 333), http.MethodGet, path + "/campaigns", nil, http.StatusOK},
		{"create-campaign", pick(whole(), 4000, 600), pick(whole(), 777, 123), http.MethodPost, path + "/campaigns", map[string]any{"name": "C"}, http.StatusCreated},
	} {
		admin.expect(t, http.StatusOK, http.MethodPut, path+"/rate-limits/"+e.operation, map[string]any{"quota": e.quota, "window_seconds": window})
		var asked, passed, limited atomic.Int64
		seen := make([]atomic.Bool, e.quota) // what was said to remain: each number once
		started := time.Now()
		var working sync.WaitGroup
		for _, base := range bases {
			transport := &http.Transport{MaxIdleConnsPerHost: connections}
			t.Cleanup(transport.CloseIdleConnections)
			caller := &client{base: func() string { return base }, token: owner.token, http: &http.Client{Timeout: time.Minute, Transport: transport}}
			for range connections {
				working.Go(func() {
					for asked.Add(1) <= int64(e.requests) {
						r, err := caller.try(t.Context(), e.method, e.path, e.body)
						if err != nil {
							t.Error(err)
							return
						}
						remaining, err := limitOf(r, e.operation, e.quota, window)
						switch {
						case err != nil:
							t.Errorf("%d: %v", r.status, err)
						case r.status == e.status && seen[remaining].Swap(true):
							t.Errorf("two requests were told that %d remain", remaining)
						case r.status == e.status:
							passed.Add(1)
						case r.status == http.StatusTooManyRequests:
							limited.Add(1)
						default:
							t.Errorf("got %d %s", r.status, r.body)
						}
					}
				})
			}
		}
		working.Wait()
		took := time.Since(started)
		if passed.Load() != int64(e.quota) || limited.Load() != int64(e.requests-e.quota) {
			t.Errorf("%s: %d passed and %d were limited of %d; want exactly %d to pass", e.operation, passed.Load(), limited.Load(), e.requests, e.quota)
		}
		t.Logf("%s: %d requests, %d processes with %d connections each, %s: %d passed, %d limited",
			e.operation, e.requests, processes, connections, took.Round(time.Millisecond), passed.Load(), limited.Load())
	}
	if n := one[int](t, s, "select count(*) from campaigns"); n != pick(whole(), 777, 123) {
		t.Errorf("%d campaigns were made", n)
	}
	other.expect(t, http.StatusOK, http.MethodGet, "/v1/customers/"+ids[other]+"/campaigns", nil)
	owner.expect(t, http.StatusOK, http.MethodGet, path+"/members", nil)

	// Another limit holds from the next request on.
	admin.expect(t, http.StatusOK, http.MethodPut, path+"/rate-limits/list-campaigns", map[string]any{"quota": 1, "window_seconds": 1})
	for range 2 { // a short one: after the time that is named it passes again
		owner.expect(t, http.StatusOK, http.MethodGet, path+"/campaigns", nil)
		retry, err := strconv.Atoi(owner.expect(t, http.StatusTooManyRequests, http.MethodGet, path+"/campaigns", nil).header.Get("Retry-After"))
		if err != nil || retry != 1 {
			t.Fatalf("Retry-After %d, %v", retry, err)
		}
		time.Sleep(time.Duration(retry) * time.Second)
	}
	admin.expect(t, http.StatusNoContent, http.MethodDelete, path+"/rate-limits/list-campaigns", nil)
	if r := owner.expect(t, http.StatusOK, http.MethodGet, path+"/campaigns", nil); r.header.Get("RateLimit-Policy") != `"list-campaigns";q=6000;w=60` {
		t.Errorf("after the rule is gone: %s", r.header.Get("RateLimit-Policy"))
	}
}

// limitOf reads the headers of an answer, and gives how many requests remain.
func limitOf(r response, operation string, quota, window int) (remaining int, err error) {
	policy, rate := r.header.Get("RateLimit-Policy"), limitRate.FindStringSubmatch(r.header.Get("RateLimit"))
	if policy != fmt.Sprintf("%q;q=%d;w=%d", operation, quota, window) || limitPolicy.FindString(policy) == "" || rate == nil || rate[1] != operation {
		return 0, fmt.Errorf("RateLimit-Policy %q, RateLimit %q", policy, r.header.Get("RateLimit"))
	}
	if remaining, err = strconv.Atoi(rate[2]); err != nil || remaining >= quota {
		return 0, fmt.Errorf("RateLimit %q", rate[0])
	}
	if r.status != http.StatusTooManyRequests {
		return remaining, nil
	}
	if remaining != 0 || r.header.Get("Retry-After") != rate[3] || r.header.Get("Content-Type") != "application/problem+json" {
		return 0, fmt.Errorf("limited with RateLimit %q, Retry-After %q: %s", rate[0], r.header.Get("Retry-After"), r.body)
	}
	if retry, err := strconv.Atoi(rate[3]); err != nil || retry < 1 || retry > window/quota+1 {
		return 0, fmt.Errorf("Retry-After %q", rate[3])
	}
	return 0, nil
}
