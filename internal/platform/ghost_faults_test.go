package platform_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// TestGhostFaults fails every step of Publish in every way. Each time the class must be right, Reconcile
// must tell the truth, and going on must end with the post published once.
func TestGhostFaults(t *testing.T) {
	t.Parallel()
	faults := []failure{
		{"dropped", sandbox.Fault{Kind: sandbox.FaultDropBefore}, platform.Transient, platform.UnknownOutcome},
		{"answer lost", sandbox.Fault{Kind: sandbox.FaultDropAfter}, platform.Transient, platform.UnknownOutcome},
		{"slow", sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 30_000}, platform.Transient, platform.UnknownOutcome},
		{"500", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, platform.Transient, platform.UnknownOutcome},
		{"502 by a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: "<h1>Bad gateway</h1>"}, platform.Transient, platform.UnknownOutcome},
		{"503", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, platform.Transient, platform.UnknownOutcome},
		{"408", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 408}, platform.Transient, platform.UnknownOutcome},
		{"429", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, platform.RateLimited, platform.RateLimited},
		{"401", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401}, platform.Credential, platform.Credential},
		{"403", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, platform.Credential, platform.Credential},
		{"403 of the host's plan", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, ErrorType: "HostLimitError"}, platform.PaymentRequired, platform.PaymentRequired},
		{"402", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 402}, platform.PaymentRequired, platform.PaymentRequired},
		{"400", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400}, platform.Invalid, platform.Invalid},
		{"409", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 409}, platform.Transient, platform.Transient},
		{"413", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 413}, platform.Invalid, platform.Invalid},
		{"422", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 422}, platform.Invalid, platform.Invalid},
		{"501", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 501}, platform.Invalid, platform.Invalid},
		{"404 by something else", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 404, Body: "<h1>No</h1>"}, platform.Invalid, platform.UnknownOutcome},
	}
	for _, step := range []string{"find", "create_draft", "read", "publish"} {
		for _, f := range faults {
			t.Run(step+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				b := setupGhost(t)
				b.failAt(step, step == "publish", f)
				b.wantOnce()
			})
		}
	}
}

func TestGhostReconcileFaults(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]platform.Class{500: platform.Transient, 429: platform.RateLimited, 401: platform.Credential} {
		b := setupGhost(t)
		b.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: status})
		found, err := b.reconcile()
		if b.wantClass(err, want); found != nil {
			t.Errorf("%d: %v", status, found)
		}
	}
}

func TestGhostRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for value, want := range map[string]time.Duration{
		"":     -1,
		"soon": -1,
		"-5":   -1,
		"90":   90 * time.Second,
		now.Add(time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"):  time.Hour,
		now.Add(-time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"): 0,
		"4000000000": 24 * time.Hour,
	} {
		b := setupGhost(t)
		b.fault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": value}})
		_, err := b.publish()
		e := b.wantClass(err, platform.RateLimited)
		if want < 0 {
			if !e.RetryAt.IsZero() {
				t.Errorf("%q: retry at %v", value, e.RetryAt)
			}
			continue
		}
		if off := e.RetryAt.Sub(now.Add(want)).Abs(); off > 5*time.Second {
			t.Errorf("%q: retry at %v, off by %v", value, e.RetryAt, off)
		}
	}
}

func TestGhostUnreachable(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	b.credential = b.credentialFor(gone.URL, b.key)
	_, err := b.publish()
	b.wantClass(err, platform.Transient)
	_, err = b.ghost.Account(t.Context(), b.credential)
	b.wantClass(err, platform.Transient)

	// While connecting, a name that nobody has is a mistake; later it is an outage.
	b.credential = b.credentialFor("https://nobody.test", b.key)
	_, err = b.ghost.Account(t.Context(), b.credential)
	b.wantClass(err, platform.Invalid)
	_, err = b.publish()
	b.wantClass(err, platform.Transient)

	// The site goes away between the read and the publishing request: nothing can have been sent.
	b = setupGhost(t)
	server := httptest.NewServer(b.box.Handler())
	b.credential = b.credentialFor(server.URL+"/ghost-sites/news", b.key)
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "ghost.read" {
			_ = server.Listener.Close()
		}
	})
	_, err = b.publish()
	b.wantClass(err, platform.Transient)
	if steps := b.takeSteps(); steps != "find create_draft read" {
		t.Errorf("steps %s", steps)
	}
	server.Close()
}
