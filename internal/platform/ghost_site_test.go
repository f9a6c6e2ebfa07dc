package platform

import "testing"

// A site is known by where it is, and not by what it says of itself: another one could say that it is this one.
func TestGhostSiteID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reported, reached, want string }{
		{"https://news.example.com/", "https://news.example.com", "https://news.example.com"},
		{"https://news.example.com/", "http://news.example.com", "https://news.example.com"},
		{"https://www.example.com/", "https://example.com", "https://www.example.com"},
		{"https://example.com", "https://www.example.com", "https://example.com"},
		{"https://bank.example/", "https://evil.example", "https://evil.example"},
		{"https://example.com/bank", "https://example.com/evil", "https://example.com/evil"},
		{"https://example.com:8443", "https://example.com", "https://example.com"},
		{"https://news.example.com", "https://news.ghost.example", "https://news.ghost.example"},
		{"", "https://example.com", "https://example.com"},
		{"javascript:alert(1)", "https://example.com", "https://example.com"},
	} {
		if got := ghostSiteID(c.reported, c.reached); got != c.want {
			t.Errorf("%q reached at %q is %q, want %q", c.reported, c.reached, got, c.want)
		}
	}
}
