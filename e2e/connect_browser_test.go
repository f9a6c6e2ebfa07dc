package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

type connectAnswer struct {
	AuthorizeURL     string    `json:"authorize_url"`
	ConnectSessionID string    `json:"connect_session_id"`
	ExpiresAt        time.Time `json:"expires_at"`
}

type connectSessionAnswer struct {
	State, Result string
	Accounts      []struct {
		ExternalID string `json:"external_id"`
		Name, Kind string
	}
}

// begin asks for the address of a platform's consent page, as a dashboard in the browser does.
func (b *browser) begin(t testing.TB, brand *brand, platform, returnTo string) connectAnswer {
	t.Helper()
	var answer connectAnswer
	b.fetch(t, brand.owner, brand.path+"/integrations/"+platform+"/connect?return_to="+url.QueryEscape(returnTo), &answer)
	return answer
}

// consent chooses who signs in on the platform's page, and what they say to it.
func (b *browser) consent(t testing.TB, address, person, decision string) {
	t.Helper()
	browse(t, b, chromedp.Navigate(address))
	browse(t, b, chromedp.Click(`input[name="person"][value="`+person+`"]`))
	browse(t, b, chromedp.Click("#"+decision))
}

// TestConnectInBrowser: a person connects an account of every platform in a real browser, from the address that the
// API gives over the platform's page and back, and chooses where there are several.
func TestConnectInBrowser(t *testing.T) {
	s := newSystem(t, options{connectors: true})
	brand := s.newBrand(t)
	dashboard := s.landing
	for _, test := range []struct {
		platform, person string
		choices          []string // none: the one account is connected at once
		connected        []string
	}{
		{"twitter", "2244994945", nil, []string{"2244994945"}},
		{"linkedin", "ada-lindqvist", []string{"urn:li:person:ada-lindqvist", "urn:li:organization:1001", "urn:li:organization:1002"},
			[]string{"urn:li:person:ada-lindqvist", "urn:li:organization:1002"}},
		{"facebook", "10001", []string{"20001", "20002"}, []string{"20001", "20002"}},
		{"mailchimp", "30001", []string{"30001/a1b2c3d4e5", "30001/b2c3d4e5f6"}, []string{"30001/b2c3d4e5f6"}},
	} {
		t.Run(test.platform, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			begun := b.begin(t, brand, test.platform, dashboard+"/integrations")
			b.consent(t, begun.AuthorizeURL, test.person, "allow")
			back := b.at(t, dashboard).Query()
			if test.choices == nil {
				if back.Get("connect") != "connected" || back.Get("platform") != test.platform {
					t.Fatalf("the browser returns with %v", back)
				}
			} else {
				if back.Get("connect") != "choose" || back.Get("connect_session") != begun.ConnectSessionID {
					t.Fatalf("the browser returns with %v", back)
				}
				session := brand.path + "/connect-sessions/" + back.Get("connect_session")
				offered := call[connectSessionAnswer](t, brand.owner, http.MethodGet, session, nil)
				var ids []string
				for _, account := range offered.Accounts {
					ids = append(ids, account.ExternalID)
				}
				if strings.Join(ids, " ") != strings.Join(test.choices, " ") {
					t.Fatalf("offered are %v, want %v", ids, test.choices)
				}
				brand.owner.expect(t, http.StatusOK, http.MethodPost, session+"/accounts", map[string]any{"external_ids": test.connected})
			}
			for name := range back {
				if name != "connect" && name != "platform" && name != "connect_session" {
					t.Errorf("the address has %q too", name)
				}
			}
			var connected []string
			for _, i := range call[struct {
				Items []struct {
					Platform, State string
					ExternalID      string `json:"external_id"`
					Health          struct{ Status string }
				}
			}](t, brand.owner, http.MethodGet, brand.path+"/integrations", nil).Items {
				if i.Platform == test.platform && i.State == "active" && i.Health.Status == "active" {
					connected = append([]string{i.ExternalID}, connected...)
				}
			}
			if strings.Join(connected, " ") != strings.Join(test.connected, " ") {
				t.Errorf("connected are %v, want %v", connected, test.connected)
			}
		})
	}
}

// TestConnectRefusedInBrowser: somebody who says no, and a consent page that is opened in another browser than the one
// that began.
func TestConnectRefusedInBrowser(t *testing.T) {
	s := newSystem(t, options{connectors: true, noWorker: true})
	brand := s.newBrand(t)
	mine := newBrowser(t)
	begun := mine.begin(t, brand, "twitter", s.landing+"/integrations")
	mine.consent(t, begun.AuthorizeURL, "2244994945", "deny")
	if back := mine.at(t, s.landing).Query(); back.Get("connect") != "access_denied" {
		t.Errorf("who says no returns with %v", back)
	}

	// An attacker sends their victim the address of a consent page, to get the victim's account into their customer.
	begun = mine.begin(t, brand, "twitter", s.landing+"/integrations")
	victim := newBrowser(t)
	victim.consent(t, begun.AuthorizeURL, "2244994946", "allow")
	back := victim.at(t, s.defaultReturn)
	if back.Query().Get("connect") != "wrong_browser" {
		t.Errorf("another browser returns with %v", back)
	}
	if text := victim.text(t); !strings.Contains(text, "browser") || strings.Contains(text, begun.ConnectSessionID) {
		t.Errorf("the victim is told:\n%s", text)
	}
	if got := call[struct{ Items []integrationAnswer }](t, brand.owner, http.MethodGet, brand.path+"/integrations", nil).Items; len(got) != 1 {
		t.Errorf("%d accounts are connected, want the Ghost site alone", len(got))
	}
}
