package api_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"fanfare/db/dbtest"
)

// From where a request comes is told by the operator's own proxies and by nobody else. What was believed is seen in
// the log.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	w := setup(t)
	somebody := w.User(t, dbtest.User{})
	seen := func(t *testing.T, headers ...string) string {
		t.Helper()
		request := w.request(t, http.MethodGet, "/v1/customers", nil)
		request.Header.Set("Authorization", "Bearer "+w.token(t, somebody))
		request.Header.Del("X-Forwarded-For")
		for _, value := range headers {
			request.Header.Add("X-Forwarded-For", value)
		}
		id := w.do(t, request).want(t, 200).header.Get("X-Request-ID")
		for _, line := range strings.Split(w.logs.String(), "\n") {
			var entry struct {
				Msg       string `json:"msg"`
				RequestID string `json:"request_id"`
				IP        string `json:"ip"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "request" && entry.RequestID == id {
				return entry.IP
			}
		}
		t.Fatalf("request %s is not in the log", id)
		return ""
	}
	const own = "127.0.0.1"

	w.serve(t, options{proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:aaaa::/48")}})
	for _, test := range []struct {
		want    string
		headers []string
	}{
		{own, nil},
		{"192.0.2.7", []string{"192.0.2.7"}},
		{"192.0.2.7", []string{"203.0.113.9, 192.0.2.7"}},            // the first is the sender's own claim
		{"192.0.2.7", []string{"127.0.0.1, 192.0.2.7"}},              // so is this, whatever it claims
		{"192.0.2.7", []string{"203.0.113.9, 192.0.2.7, 10.1.1.1"}},  // through two proxies of ours
		{"192.0.2.7", []string{"203.0.113.9", "192.0.2.7,10.1.1.1"}}, // in two headers, which are one
		{"192.0.2.7", []string{" 192.0.2.7:4711 ,10.1.1.1:80"}},      // with ports
		{"192.0.2.7", []string{"::ffff:192.0.2.7"}},                  // one form for each address
		{"2001:db8::1", []string{"2001:db8::1"}},
		{"2001:db8::1", []string{"[2001:db8::1]:443, 2001:db8:aaaa::5"}},
		{"2001:db8::1", []string{"[2001:db8::1]"}},
		{"fe80::1", []string{"fe80::1%eth0"}},
		{"10.2.2.2", []string{"10.2.2.2, 10.1.1.1"}}, // nobody else: the first of ours
		{"10.1.1.1", []string{"unknown, 10.1.1.1"}},  // not told by whom
		{own, []string{"unknown"}},
		{own, []string{""}},
		{own, []string{"192.0.2.7,"}},
		{own, []string{"192.0.2.7'; drop table users"}},
		{own, []string{strings.Repeat("9", 5000)}},
		{"192.0.2.7", []string{strings.Repeat("10.0.0.1, ", 3000) + "192.0.2.7"}},
	} {
		if got := seen(t, test.headers...); got != test.want {
			t.Errorf("%.60q comes from %s, want %s", test.headers, got, test.want)
		}
	}

	for _, proxies := range [][]netip.Prefix{{}, {netip.MustParsePrefix("10.0.0.0/8")}} {
		w.serve(t, options{proxies: proxies})
		for _, header := range []string{"192.0.2.7", "10.1.1.1", "192.0.2.7, 10.1.1.1"} {
			if got := seen(t, header); got != own {
				t.Errorf("from a peer that is not trusted, %q is believed: %s", header, got)
			}
		}
	}
}
