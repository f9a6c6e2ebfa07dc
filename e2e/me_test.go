package e2e

import (
	"net/http"
	"testing"
	"time"
)

// The issuer replaces its signing key: new tokens are good at once, old ones as long as it publishes their
// key, and nobody restarts anything.
func TestIssuerRotatesKeys(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true})
	first := s.person(t)
	me := call[meAnswer](t, first, http.MethodGet, "/v1/me", nil)

	s.issuer.rotate(t)
	second := s.person(t)
	if other := call[meAnswer](t, second, http.MethodGet, "/v1/me", nil); other.ID == me.ID {
		t.Error("two people are one")
	}
	if again := call[meAnswer](t, first, http.MethodGet, "/v1/me", nil); again.ID != me.ID {
		t.Errorf("the same person is %s and then %s", me.ID, again.ID)
	}

	// The third key puts the first out of use. Unknown keys are looked for every few seconds at most.
	s.issuer.rotate(t)
	third := s.person(t)
	eventually(t, 20*time.Second, "the third key is accepted", func() bool {
		return third.do(t, http.MethodGet, "/v1/me", nil).status == http.StatusOK
	})
	first.expect(t, http.StatusUnauthorized, http.MethodGet, "/v1/me", nil)
	call[meAnswer](t, second, http.MethodGet, "/v1/me", nil)
	s.nobody().expect(t, http.StatusUnauthorized, http.MethodGet, "/v1/me", nil)
}
