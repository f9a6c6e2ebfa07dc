package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/identity"
)

func (w *world) me(t testing.TB, claims identity.Claims) answer {
	t.Helper()
	claims.Issuer, claims.Audience = issuer, audience
	request := w.request(t, http.MethodGet, "/v1/me", nil)
	request.Header.Set("Authorization", "Bearer "+must(w.signer.Sign(claims, time.Hour)))
	return w.do(t, request)
}

func TestMe(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := into[api.Me](t, w.me(t, identity.Claims{Subject: "ada", Email: "ada@example.com", EmailVerified: true, Name: "Ada"}).want(t, 200))
	if *first.Email != "ada@example.com" || !first.EmailVerified || *first.Name != "Ada" || first.SystemRole != nil {
		t.Errorf("is %+v", first)
	}
	second := into[api.Me](t, w.me(t, identity.Claims{Subject: "ada", Email: "ada@elsewhere.example", Name: "Ada L."}).want(t, 200))
	if second.ID != first.ID || *second.Email != "ada@elsewhere.example" || second.EmailVerified || *second.Name != "Ada L." {
		t.Errorf("is %+v now", second)
	}
	bare := into[api.Me](t, w.me(t, identity.Claims{Subject: "ada"}).want(t, 200))
	if *bare.Email != "ada@elsewhere.example" || bare.EmailVerified || *bare.Name != "Ada L." {
		t.Errorf("is %+v after a token that leaves address and name out", bare)
	}
	nobody := into[api.Me](t, w.me(t, identity.Claims{Subject: "bob"}).want(t, 200))
	if nobody.Email != nil || nobody.Name != nil {
		t.Errorf("is %+v without an address", nobody)
	}
	for _, role := range []string{"admin", "manager", "viewer"} {
		u := w.User(t, dbtest.User{SystemRole: role})
		if got := into[api.Me](t, w.call(t, u, "GET", "/v1/me", nil).want(t, 200)); got.SystemRole == nil || *got.SystemRole != role || got.ID != u.ID {
			t.Errorf("is %+v, want %s", got, role)
		}
	}
	// The longest of everything that a token may hold.
	long := identity.Claims{Subject: strings.Repeat("s", 255), Email: strings.Repeat("e", 308) + "@example.com", Name: strings.Repeat("n", 255)}
	if got := into[api.Me](t, w.me(t, long).want(t, 200)); got.Name == nil || len(*got.Name) != 200 {
		t.Errorf("is called %v", got.Name)
	}
}

// Whatever somebody does first makes their row, and only one, however often they begin at once.
func TestMeIsMadeOnFirstSight(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var wait sync.WaitGroup
	for i, first := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/v1/me", nil, 200}, {"GET", "/v1/customers", nil, 200}, {"GET", "/v1/me", nil, 200}, {"GET", "/v1/customers", nil, 200},
		{"POST", "/v1/customers", m{"name": "First"}, 201}, {"GET", "/v1/customers/" + uuid.NewString(), nil, 404},
	} {
		wait.Go(func() {
			if got := w.call(t, dbtest.User{Subject: "new"}, first.method, first.path, first.body); got.status != first.status {
				t.Errorf("%d: got %d: %s", i, got.status, got.body)
			}
		})
	}
	wait.Wait()
	if n := w.count(t, "select count(*) from users"); n != 1 {
		t.Errorf("%d users", n)
	}
}
