package api_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/dbtest"
)

// rate is what the headers of an answer say.
type rate struct {
	name                            string
	quota, window, remaining, again int
}

var (
	policyForm = regexp.MustCompile(`^"([a-z-]+)";q=([0-9]+);w=([0-9]+)$`)
	rateForm   = regexp.MustCompile(`^"([a-z-]+)";r=([0-9]+);t=([0-9]+)$`)
)

// rate reads the headers; ok is false where there are none.
func (a answer) rate(t testing.TB) (r rate, ok bool) {
	t.Helper()
	policies, rates := a.header.Values("RateLimit-Policy"), a.header.Values("RateLimit")
	if len(policies) == 0 && len(rates) == 0 {
		return r, false
	}
	p, l := policyForm.FindStringSubmatch(strings.Join(policies, "|")), rateForm.FindStringSubmatch(strings.Join(rates, "|"))
	if p == nil || l == nil || p[1] != l[1] {
		t.Fatalf("RateLimit-Policy %q, RateLimit %q", policies, rates)
	}
	number := func(text string) int { return must(strconv.Atoi(text)) }
	return rate{p[1], number(p[2]), number(p[3]), number(l[2]), number(l[3])}, true
}

// someLeft is any number: the defaults give back what was used within milliseconds.
const someLeft = -1

// wantRate wants the answer to be charged to the limit, with so much left.
func (a answer) wantRate(t testing.TB, name string, quota, window, remaining int) answer {
	t.Helper()
	r, ok := a.rate(t)
	if !ok || r.name != name || r.quota != quota || r.window != window || (remaining != someLeft && r.remaining != remaining) {
		t.Errorf("%d: charged to %+v (%v), want %s %d/%d with %d left", a.status, r, ok, name, quota, window, remaining)
	}
	return a
}

// wantLimited wants the answer to be 429, and gives the seconds to wait.
func (a answer) wantLimited(t testing.TB, name string) int {
	t.Helper()
	a.want(t, http.StatusTooManyRequests)
	r, ok := a.rate(t)
	retry, err := strconv.Atoi(a.header.Get("Retry-After"))
	if !ok || err != nil || r.name != name || r.remaining != 0 || r.again != retry || retry < 1 {
		t.Errorf("RateLimit %+v (%v), Retry-After %q; want %s", r, ok, a.header.Get("Retry-After"), name)
	}
	p := a.problem(t)
	if p.Type != "urn:fanfare:problem:rate-limited" || !strings.Contains(p.Detail, name) || !strings.Contains(p.Detail, fmt.Sprintf("in %d seconds", retry)) {
		t.Errorf("got %+v", p)
	}
	return retry
}

// limit gives a customer a limit of its own, behind the API's back.
func (w *world) limit(t testing.TB, customerID uuid.UUID, operation string, quota, window int) {
	t.Helper()
	w.exec(t, `insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, $2, $3, $4)
		on conflict (customer_id, endpoint) do update set quota = excluded.quota, window_seconds = excluded.window_seconds`, customerID, operation, quota, window)
}

const aDay = 86400

// rowsOfLimits counts what is kept of how limits were used.
func (w *world) rowsOfLimits(t testing.TB) (customers, callers int) {
	t.Helper()
	return w.count(t, "select count(*) from rate_limits"), w.count(t, "select count(*) from caller_rate_limits")
}

func TestLimits(t *testing.T) {
	t.Parallel()

	t.Run("every operation inside a customer tells its limit", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		for _, o := range operations() {
			if !strings.Contains(o.template, "{customer_id}") || bodies[o.OperationID] == nil && o.RequestBody != nil {
				continue
			}
			a := w.call(t, c.viewer, o.Method, o.path(c.customer.ID.String()), bodies[o.OperationID])
			want := 1200
			if o.Method == http.MethodGet || o.storesNothing() {
				want = 6000
			}
			switch o.OperationID {
			case "create-invitation", "create-export", "connect-integration", "connect-mcp-server", "check-integration", "earlier-authorize":
				continue
			case "get-report":
				a.wantRate(t, o.OperationID, 600, 3600, someLeft)
				continue
			case "export-report":
				a.wantRate(t, o.OperationID, 60, 3600, someLeft)
				continue
			case "search-images", "use-image":
				a.wantRate(t, o.OperationID, 30, 3600, 29)
				continue
			case "earlier-generate-pairing-code":
				a.wantRate(t, "create-pairing", want, 60, someLeft)
				continue
			case "earlier-get-client-context":
				a.wantRate(t, "get-customer-context", want, 60, someLeft)
				continue
			case "test-webhook", "resend-webhook-delivery", "create-bot", "update-bot":
				a.wantRate(t, o.OperationID, 100, 3600, 99)
				continue
			case "generate-post":
				a.wantRate(t, o.OperationID, 50, 3600, 49)
				continue
			}
			a.wantRate(t, o.OperationID, want, 60, want-1)
		}
	})

	t.Run("a request is charged whatever becomes of it", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID})
		one := c.path("/posts/%s", post.ID)
		for _, test := range []struct {
			name, operation, method, path string
			who                           dbtest.User
			body                          any
			headers                       []string
			want                          int
		}{
			{"read", "list-posts", "GET", c.path("/posts"), c.owner, nil, nil, 200},
			{"two reads or more", "get-customer-context", "GET", c.path("/context"), c.owner, nil, nil, 200},
			{"unknown parameter", "list-campaigns", "GET", c.path("/campaigns?color=red"), c.owner, nil, nil, 422},
			{"broken cursor", "list-members", "GET", c.path("/members?cursor=x"), c.owner, nil, nil, 422},
			{"nothing there", "get-campaign", "GET", c.path("/campaigns/%s", uuid.New()), c.owner, nil, nil, 404},
			{"created", "create-post", "POST", c.path("/posts"), c.owner, m{"text": "A"}, nil, 201},
			{"not JSON", "create-campaign", "POST", c.path("/campaigns"), c.owner, "{", nil, 400},
			{"too large", "create-integration", "POST", c.path("/integrations"), c.owner, strings.Repeat("x", 2<<20), nil, 413},
			{"not valid", "schedule-post", "POST", one + "/schedule", c.owner, m{"scheduled_at": "soon"}, nil, 422},
			{"not allowed", "update-customer", "PATCH", c.path(""), c.viewer, m{"name": "B"}, nil, 403},
			{"conflict", "publish-post", "POST", one + "/publish", c.owner, nil, nil, 409},
			{"stale", "update-post", "PATCH", one, c.owner, m{"text": "B"}, []string{"If-Match", `"v999"`}, 412},
		} {
			w.limit(t, c.customer.ID, test.operation, 3, aDay)
			for left := 2; left >= 0; left-- {
				w.call(t, test.who, test.method, test.path, test.body, test.headers...).want(t, test.want).wantRate(t, test.operation, 3, aDay, left)
			}
			before := w.stored(t)
			if retry := w.call(t, test.who, test.method, test.path, test.body, test.headers...).wantLimited(t, test.operation); retry < aDay/3-60 || retry > aDay/3 {
				t.Errorf("%s: retry after %d", test.name, retry)
			}
			if after := w.stored(t); after != before {
				t.Errorf("%s: a limited request has changed something: %s, before %s", test.name, after, before)
			}
			if got := w.count(t, "select round(extract(epoch from tat - now()) / 28800) from rate_limits where endpoint = $1", test.operation); got != 3 {
				t.Errorf("%s: charged %d times for 3 requests", test.name, got)
			}
		}
	})

	t.Run("a read that the database refuses is charged", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.exec(t, "revoke select on posts_with_platforms from fanfare_user")
		w.limit(t, c.customer.ID, "list-posts", 2, aDay)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 403).wantRate(t, "list-posts", 2, aDay, 1)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 403).wantRate(t, "list-posts", 2, aDay, 0)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).wantLimited(t, "list-posts")
	})

	t.Run("a key shares the customer's limit, and without the permission it is charged by its address", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		reading := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:read"}})
		other := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"campaigns:read"}})
		w.limit(t, c.customer.ID, "list-posts", 3, aDay)
		ask := func(key dbtest.APIKey, path string) answer {
			request := w.request(t, "GET", path, nil)
			request.Header.Set("x-api-key", key.Key)
			request.Header.Set("X-Forwarded-For", "192.0.2.1")
			return w.do(t, request)
		}
		for range 3 {
			ask(other, c.path("/posts")).want(t, 403).wantRate(t, "list-posts", 6000, 60, someLeft)
		}
		ask(reading, c.path("/posts")).want(t, 200).wantRate(t, "list-posts", 3, aDay, 2)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 200).wantRate(t, "list-posts", 3, aDay, 1)
		ask(reading, c.path("/posts")).want(t, 200).wantRate(t, "list-posts", 3, aDay, 0)
		ask(reading, c.path("/posts")).wantLimited(t, "list-posts")
		// In a customer that is not its own it is charged for itself.
		ask(reading, "/v1/customers/"+uuid.NewString()+"/posts").want(t, 404).wantRate(t, "list-posts", 6000, 60, 5999)
		if n := w.count(t, "select count(*) from caller_rate_limits where caller = 'key:' || $1::text", reading.ID); n != 1 {
			t.Errorf("the key has %d limits of its own", n)
		}
	})

	t.Run("the customer's people share its limit and nobody else does", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c, other := w.cast(t), w.cast(t)
		for _, id := range []uuid.UUID{c.customer.ID, other.customer.ID} {
			w.limit(t, id, "list-posts", 2, aDay)
		}
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 200)
		w.call(t, c.viewer, "GET", c.path("/posts"), nil).want(t, 200).wantRate(t, "list-posts", 2, aDay, 0)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).wantLimited(t, "list-posts")
		w.call(t, c.owner, "GET", c.path("/campaigns"), nil).want(t, 200)
		w.call(t, other.owner, "GET", other.path("/posts"), nil).want(t, 200).wantRate(t, "list-posts", 2, aDay, 1)
	})

	t.Run("strangers are charged for themselves", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		for _, o := range operations() {
			if !strings.Contains(o.template, "{customer_id}") || bodies[o.OperationID] == nil && o.RequestBody != nil {
				continue
			}
			for range 2 {
				a := w.call(t, c.outsider, o.Method, o.path(c.customer.ID.String()), bodies[o.OperationID]).want(t, 404)
				if _, ok := a.rate(t); !ok {
					t.Errorf("%s: the stranger is not charged", o.OperationID)
				}
			}
			if o.Metadata["afterwards"] == true {
				continue // it also answers where there is no such customer any more, so it is read first
			}
			// Not valid either, but nothing is said of that to strangers.
			w.call(t, c.outsider, o.Method, o.path(c.customer.ID.String())+"?color=red", bodies[o.OperationID]).want(t, 404)
		}
		if customers, callers := w.rowsOfLimits(t); customers != 0 || callers == 0 {
			t.Errorf("%d customers' limits were charged, %d of callers", customers, callers)
		}
		w.exec(t, "update caller_rate_limits set tat = now() + interval '90 seconds' where caller = 'user:' || $1::text", c.outsider.ID)
		theirs := w.call(t, c.outsider, "GET", c.path("/posts"), nil)
		nobodys := w.call(t, c.outsider, "GET", "/v1/customers/"+uuid.NewString()+"/posts", nil)
		theirs.wantLimited(t, "list-posts")
		nobodys.wantLimited(t, "list-posts")
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 200)
	})

	t.Run("nobody uses up for others what takes rights away", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.call(t, c.viewer, "DELETE", c.path("/members/%s", c.member.ID), nil).want(t, 403).wantRate(t, "remove-member", 1200, 60, 1199)
		w.exec(t, "update caller_rate_limits set tat = now() + interval '90 seconds' where caller = 'user:' || $1::text", c.viewer.ID)
		w.call(t, c.viewer, "DELETE", c.path("/members/%s", c.member.ID), nil).wantLimited(t, "remove-member")
		w.call(t, c.owner, "DELETE", c.path("/members/%s", c.viewer.ID), nil).want(t, 204).wantRate(t, "remove-member", 1200, 60, 1199)
	})

	t.Run("nor what takes chats and credentials back", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		for name, of := range map[string]struct {
			method, path string
			body         any
		}{
			"release-space": {"DELETE", "/spaces/%s", nil}, "delete-chat-identity": {"DELETE", "/chat-identities/%s", nil},
			"deny-pairing": {"POST", "/pairings/%s/deny", nil}, "revoke-pairing": {"DELETE", "/pairings/%s", nil},
			"delete-credential": {"DELETE", "/credentials/%s", nil}, "delete-space-credential": {"DELETE", "/spaces/%[1]s/credentials/%[1]s", nil},
			"update-space-credential": {"PATCH", "/spaces/%[1]s/credentials/%[1]s", m{"shared": false}},
			"delete-mcp-server":       {"DELETE", "/spaces/%[1]s/mcp-servers/%[1]s", nil},
			"update-workspace-policy": {"PATCH", "/workspace-policy", m{"legal_hold": true, "hold_reason": "A lawsuit"}},
			"delete-mcp-login":        {"DELETE", "/spaces/%[1]s/mcp-servers/%[1]s/login?owner=me", nil},
		} {
			path := c.path("%s", of.path)
			if strings.Contains(of.path, "%") {
				path = c.path(of.path, dbtest.NewID(t))
			}
			w.call(t, c.viewer, of.method, path, of.body).wantRate(t, name, 1200, 60, 1199)
			w.exec(t, "update caller_rate_limits set tat = now() + interval '90 seconds' where caller = 'user:' || $1::text", c.viewer.ID)
			w.call(t, c.viewer, of.method, path, of.body).wantLimited(t, name)
			w.call(t, c.owner, of.method, path, of.body).wantRate(t, name, 1200, 60, 1199)
		}
	})

	t.Run("who is in no customer is charged for themselves", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		a, b := dbtest.User{Subject: "a"}, w.User(t, dbtest.User{}) // the first has never been seen
		w.call(t, a, "GET", "/v1/me", nil).want(t, 200).wantRate(t, "get-me", 6000, 60, 5999)
		w.call(t, a, "POST", "/v1/customers", m{"name": "A"}).want(t, 201).wantRate(t, "create-customer", 100, 3600, 99)
		w.call(t, a, "POST", "/v1/customers", m{"name": ""}).want(t, 422).wantRate(t, "create-customer", 100, 3600, someLeft)
		w.call(t, a, "GET", "/v1/customers", nil).want(t, 200).wantRate(t, "list-customers", 6000, 60, 5999)
		w.call(t, dbtest.User{Subject: "c"}, "POST", "/v1/customers", m{"name": "C"}).want(t, 201).wantRate(t, "create-customer", 100, 3600, 99)
		w.exec(t, "update caller_rate_limits set tat = now() + case endpoint when 'create-customer' then interval '1 hour' else interval '90 seconds' end")
		w.call(t, a, "POST", "/v1/customers", m{"name": "A"}).wantLimited(t, "create-customer")
		w.call(t, a, "GET", "/v1/me", nil).wantLimited(t, "get-me")
		w.call(t, b, "GET", "/v1/me", nil).want(t, 200)
		if n := w.count(t, "select count(*) from customers"); n != 2 {
			t.Errorf("%d customers", n)
		}
	})

	t.Run("after the time that is named there is room", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.limit(t, c.customer.ID, "list-posts", 1, 2)
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 200)
		retry := w.call(t, c.owner, "GET", c.path("/posts"), nil).wantLimited(t, "list-posts")
		if retry > 2 {
			t.Errorf("retry after %d s of a window of 2 s", retry)
		}
		time.Sleep(time.Duration(retry) * time.Second) // what the caller is told to do
		w.call(t, c.owner, "GET", c.path("/posts"), nil).want(t, 200)
	})

	t.Run("a request is charged once, although its transaction is run again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.limit(t, c.customer.ID, "create-campaign", 10, aDay)
		w.exec(t, `create sequence attempts;
			create function fail_twice() returns trigger language plpgsql security definer as $$ begin
				if nextval('public.attempts') <= 2 then raise serialization_failure; end if;
				return new;
			end $$;
			create trigger fail_twice before insert on campaigns for each row execute function fail_twice()`)
		w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "A"}).want(t, 201).wantRate(t, "create-campaign", 10, aDay, 9)
		if n := w.count(t, "select last_value from attempts"); n != 3 {
			t.Errorf("%d attempts", n)
		}
		w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "A"}).want(t, 201).wantRate(t, "create-campaign", 10, aDay, 8)
	})

	t.Run("a caller who goes away is charged", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.limit(t, c.customer.ID, "list-posts", 10, aDay)
		lock, err := w.Super.Begin(t.Context())
		mustDo(t, err)
		_, err = lock.Exec(t.Context(), "lock table posts")
		mustDo(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		request := w.request(t, "GET", c.path("/posts"), nil).WithContext(ctx)
		request.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		}()
		eventually(t, "it waits for the table", func() bool {
			return w.count(t, "select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'posts' and not l.granted") == 1
		})
		cancel()
		<-gone
		eventually(t, "it is charged", func() bool { return w.count(t, "select count(*) from rate_limits") == 1 })
		mustDo(t, lock.Rollback(t.Context()))
	})
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Nobody is charged by what they say they are: without a credential, or with one that is not valid, by their address.
func TestLimitsOfAddresses(t *testing.T) {
	t.Parallel()

	from := func(w *world, t *testing.T, method, path, address, authorization string) answer {
		t.Helper()
		request := w.request(t, method, path, nil)
		request.Header.Set("X-Forwarded-For", address)
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		return w.do(t, request)
	}

	t.Run("refused credentials", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		good := "Bearer " + w.token(t, c.owner)
		// By whatever path and method, they count together.
		asks := []func(address string) answer{
			func(address string) answer { return from(w, t, "GET", "/v1/me", address, "") },
			func(address string) answer { return from(w, t, "GET", c.path("/posts"), address, "Bearer forged") },
			func(address string) answer {
				return from(w, t, "POST", c.path("/posts/%s/cancel", uuid.New()), address, "Basic x")
			},
			func(address string) answer { return from(w, t, "GET", c.path("/posts"), address, "Bearer ffk_UNKNOWN") },
			func(address string) answer {
				return from(w, t, "POST", c.path("/posts/%s/cancel", uuid.New()), address, "Bearer ffk_UNKNOWN")
			},
			func(address string) answer {
				return from(w, t, "GET", c.path("/posts?color=red"), address, "Bearer ffk_UNKNOWN")
			},
		}
		for i := range 60 {
			a := asks[i%len(asks)]("2001:db8:1:2::"+strconv.Itoa(i+1)).want(t, 401) // all of one network
			if a.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		}
		w.exec(t, "update caller_rate_limits set tat = tat + interval '30 seconds'") // for the time that has passed
		for _, ask := range asks {
			ask("2001:db8:1:2:ffff::1").wantLimited(t, "unauthenticated")
			ask("2001:db8:1:3::1").want(t, 401)
		}
		from(w, t, "GET", "/v1/me", "2001:db8:1:2::1", good).want(t, 200) // who is known is not theirs to limit
		if customers, callers := w.rowsOfLimits(t); customers != 0 || callers != 3 {
			t.Errorf("%d customers' limits were charged, %d of callers; want 0 and 3: two networks and a user", customers, callers)
		}
	})

	t.Run("public operations", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		ready := from(w, t, "GET", "/readyz", "192.0.2.1", "")
		ready.wantRate(t, "get-readiness", 600, 60, 599)
		from(w, t, "GET", "/health", "192.0.2.1", "").wantRate(t, "get-health", 600, 60, 599)
		from(w, t, "GET", "/readyz?color=red", "192.0.2.1", "").want(t, 422).wantRate(t, "get-readiness", 600, 60, someLeft)
		w.exec(t, "update caller_rate_limits set tat = now() + interval '90 seconds'")
		from(w, t, "GET", "/readyz", "192.0.2.1", "").wantLimited(t, "get-readiness")
		from(w, t, "GET", "/readyz", "192.0.2.2", "").want(t, ready.status)
		if _, ok := from(w, t, "GET", "/livez", "192.0.2.1", "").want(t, 200).rate(t); ok {
			t.Error("/livez is limited")
		}
	})

	t.Run("without the database they answer what they are for", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		config := w.Login.Config()
		config.ConnConfig.Port = 1 // nobody listens there
		away, err := pgxpool.NewWithConfig(t.Context(), config)
		mustDo(t, err)
		t.Cleanup(away.Close)
		w.serve(t, options{pool: away})
		for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/health": 503, "/v1/me": 401} {
			a := from(w, t, "GET", path, "192.0.2.1", "").want(t, want)
			if _, ok := a.rate(t); ok {
				t.Errorf("%s tells of a charge that was not made", path)
			}
		}
	})
}

// A key that asks to erase another customer is charged once, though it is looked for twice: two charges would tell how long lay between them.
func TestForeignEraserIsChargedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID})
	request := w.request(t, "POST", "/v1/customers/"+c.elsewhere.ID.String()+"/erasure", m{"name": c.elsewhere.Name})
	request.Header.Set("x-api-key", key.Key)
	a := w.do(t, request)
	a.want(t, 404)
	if r, ok := a.rate(t); !ok || r.remaining != r.quota-1 {
		t.Errorf("%+v, %t", r, ok)
	}
}

// Nothing is asked of the database to say that the process lives.
func TestLivenessAsksNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	pool, trips := dbtest.CountingPool(t, w.LoginURL)
	w.serve(t, options{pool: pool})
	w.do(t, w.request(t, "GET", "/readyz", nil))
	if n := trips.During(func() { w.do(t, w.request(t, "GET", "/livez", nil)).want(t, 200) }); n != 0 {
		t.Errorf("%d round trips", n)
	}
}
