package platform_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/internal/platform"
)

func wantRefused(t *testing.T, address string, err error) {
	t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) || e.Class != platform.Invalid || e.Code != platform.CodeAddressRefused || e.Message == "" {
		t.Errorf("%s: %v", address, err)
	}
}

func get(t *testing.T, egress *platform.Egress, address string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := egress.Client().Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestEgressRefuses(t *testing.T) {
	t.Parallel()
	public := platform.NewEgress(nil)
	partly := platform.NewEgress([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
	for _, address := range []string{
		"http://127.0.0.1", "https://127.0.0.1", "http://169.254.169.254/latest/meta-data/", "https://169.254.169.254",
		"https://10.0.0.1", "https://172.16.0.1", "https://192.168.1.1", "https://100.64.0.1", "https://0.0.0.0",
		"https://[::1]", "https://[::]", "https://[::ffff:127.0.0.1]", "https://[::ffff:a9fe:a9fe]", "https://[fd00:ec2::254]",
		"https://[fe80::1]", "https://[64:ff9b::7f00:1]", "https://[64:ff9b::8.8.8.8]", "https://[2002:7f00:1::]", "https://[::127.0.0.1]",
		"https://localhost", "https://LOCALHOST.", "https://sub.localhost", "http://localhost",
		"http://example.com", "http://8.8.8.8", "ftp://example.com", "file:///etc/passwd", "https://user:pw@example.com",
		"https://224.0.0.1", "https://255.255.255.255",
	} {
		for _, egress := range []*platform.Egress{public, partly} {
			if address == "http://example.com" && egress == partly {
				continue // refused when dialled: TestEgressChecksWhatIsDialled
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, address, egress.Check(u))
			_, err = get(t, egress, address)
			wantRefused(t, address, err)
		}
	}
	for _, address := range []string{"https://example.com", "https://8.8.8.8", "https://[2606:4700::1111]:8443", "https://[::ffff:8.8.8.8]"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := public.Check(u); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestEgressChecksWhatIsDialled uses names, which Check cannot judge.
func TestEgressChecksWhatIsDialled(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := get(t, platform.NewEgress(loopback), "http://loopback.test:"+port)
	if err != nil || resp.StatusCode != http.StatusOK || calls.Load() != 1 {
		t.Fatalf("an allowed address: %v", err)
	}
	egress := platform.NewEgress([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
	for _, address := range []string{
		"https://loopback.test:" + port, "http://loopback.test:" + port, "https://private.test", "https://metadata.test",
		"http://public.test",     // without TLS to an address that is not allowed
		"https://public.test:22", // another service's port
		"https://public.test:80", "https://8.8.8.8:25",
	} {
		_, err := get(t, egress, address)
		wantRefused(t, address, err)
	}
	rebindings.Store(0)
	// The name is public when somebody looks and loopback when the request is made.
	if found, err := net.DefaultResolver.LookupHost(t.Context(), "rebind.test"); err != nil || found[0] != "8.8.8.8" {
		t.Fatalf("rebind.test is %v, %v", found, err)
	}
	_, err = get(t, egress, "https://rebind.test:"+port)
	wantRefused(t, "rebind.test", err)
	if calls.Load() != 1 {
		t.Error("a refused address was reached")
	}
}

func TestEgressDoesNotFollow(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(private.Close)
	server := httptest.NewServer(http.RedirectHandler(private.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	b := setupGhost(t)
	b.credential = b.credentialFor(server.URL, b.key)
	_, err := b.publish()
	if e := b.wantClass(err, platform.Invalid); e.Code != platform.CodeSiteMoved {
		t.Errorf("code %s", e.Code)
	}
	if reached.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

// TestEgressSendsOnce drops every connection after the request was read. net/http repeats requests on
// reused connections; here nothing may come twice, whatever the method.
func TestEgressSendsOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var drop atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if calls.Add(1); drop.Load() {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	egress := platform.NewEgress(loopback)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
		for _, dropping := range []bool{false, true} {
			drop.Store(dropping)
			calls.Store(0)
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Idempotency-Key", "x") // makes net/http willing to repeat
			resp, err := egress.Client().Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if (err != nil) != dropping || calls.Load() != 1 {
				t.Errorf("%s, dropping %v: %d calls, %v", method, dropping, calls.Load(), err)
			}
		}
	}
}

func TestEgressIgnoresProxy(t *testing.T) {
	// Not parallel: the environment is the process's. The address is not loopback, for which net/http
	// never uses a proxy, and leads nowhere.
	var calls atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	egress := platform.NewEgress(append([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, loopback...))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://192.0.2.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := egress.Client().Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("an answer from nowhere")
	}
	if calls.Load() != 0 {
		t.Error("the proxy was used")
	}
}

func TestEgressCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	b := setupGhost(t)
	b.credential = b.credentialFor(server.URL, b.key)
	_, err := b.publish()
	if e := b.wantClass(err, platform.Invalid); e.Code != platform.CodeCertificate {
		t.Errorf("code %s: %v", e.Code, err)
	}
}

func TestGhostRefusedSite(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	ghost := platform.NewGhost(platform.NewEgress(nil))
	for _, site := range []string{b.base, "https://10.0.0.1", "https://[::ffff:127.0.0.1]", "https://localhost", "https://169.254.169.254/x"} {
		_, err := ghost.Account(t.Context(), b.credentialFor(site, b.key))
		wantRefused(t, site, err)
		_, err = ghost.Publish(t.Context(), b.credentialFor(site, b.key), b.post, b.attempt())
		wantRefused(t, site, err)
		b.wantClass(err, platform.Invalid)
	}
	for _, site := range []string{"file:///etc/passwd", "https://user:hunter2@example.com"} {
		_, err := ghost.Account(t.Context(), b.credentialFor(site, b.key))
		if e := b.wantClass(err, platform.Invalid); e.Code != platform.CodeSiteURL || strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%s: %v", site, err)
		}
	}
	if steps := b.takeSteps(); steps != "" {
		t.Errorf("the site was called: %s", steps)
	}
}
