package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// OAuthSettings change how a platform's OAuth server behaves from now on. Zero values are the platform's own ways.
type OAuthSettings struct {
	// CodeSeconds, AccessSeconds and RefreshSeconds are lives. On facebook AccessSeconds is the life of long-lived tokens.
	CodeSeconds    int `json:"code_seconds,omitempty"`
	AccessSeconds  int `json:"access_seconds,omitempty"`
	RefreshSeconds int `json:"refresh_seconds,omitempty"`
	// RefreshTokens tells that the application is approved for refresh tokens. Only linkedin asks; nil is no.
	RefreshTokens *bool `json:"refresh_tokens,omitempty"`
	// RefreshReuse says what using a replaced refresh token does on twitter. "" and "revoke": it is refused and ends the
	// grant, the newest tokens included. "grace": the newest predecessor is accepted until the tokens made from it have
	// been used, and gives fresh ones in their place; anything older ends the grant.
	RefreshReuse string `json:"refresh_reuse,omitempty"`
	// MeRequests is how often one person may be asked for at twitter's /2/users/me in 15 minutes.
	MeRequests int `json:"me_requests,omitempty"`
	// VideoSeconds is how long facebook works on a video, 1 by default; VideoFails: that comes to nothing.
	VideoSeconds int  `json:"video_seconds,omitempty"`
	VideoFails   bool `json:"video_fails,omitempty"`
	// RefuseDuplicates: facebook refuses (506) a post that says the same as the page's newest, and a comment that says the same as
	// the post's newest. It does not say when it does.
	RefuseDuplicates bool `json:"refuse_duplicates,omitempty"`
	// RewriteTexts: facebook keeps the texts of posts and comments without empty lines.
	RewriteTexts bool `json:"rewrite_texts,omitempty"`
	// SendingSeconds is how long a campaign of mailchimp's is "sending" before it is "sent"; 0 is one second.
	SendingSeconds int `json:"sending_seconds,omitempty"`
	// PostRequests is how often one person may post on twitter in 15 minutes, ReadRequests how often their posts may be read,
	// MediaRequests how many requests about files they may make, AppPosts how often the application may post in a day, MediaChecks how often the state of a video is asked there before it
	// is done.
	PostRequests  int `json:"post_requests,omitempty"`
	ReadRequests  int `json:"read_requests,omitempty"`
	MediaRequests int `json:"media_requests,omitempty"`
	AppPosts      int `json:"app_posts,omitempty"`
	MediaChecks   int `json:"media_checks,omitempty"`
}

func (o OAuthSettings) check() error {
	if min(o.CodeSeconds, o.AccessSeconds, o.RefreshSeconds, o.MeRequests, o.SendingSeconds, o.VideoSeconds, o.PostRequests, o.ReadRequests, o.MediaRequests, o.AppPosts, o.MediaChecks) < 0 {
		return errors.New("a setting is negative")
	}
	if !slices.Contains([]string{"", "revoke", "grace"}, o.RefreshReuse) {
		return fmt.Errorf("refresh_reuse %q is neither revoke nor grace", o.RefreshReuse)
	}
	return nil
}

// AddOAuthApp makes the application by which clients speak to a platform, one per platform, and gives its id and secret.
// Redirect addresses are compared exactly; those of later calls are added. It panics if the platform has no OAuth, an
// address is not absolute or the state cannot be saved.
func (s *Sandbox) AddOAuthApp(platform string, redirectURIs ...string) (clientID, clientSecret string) {
	app, err := s.addOAuthApp(platform, redirectURIs)
	if err != nil {
		panic(fmt.Sprintf("sandbox: add application at %q: %v", platform, err))
	}
	return app.ID, app.Secret
}

var (
	errPlatform = errors.New("the platform is none of twitter, linkedin, facebook, mailchimp")
	errRedirect = errors.New("a redirect address is absolute, http or https, without a fragment")
	errPerson   = errors.New("the platform has no such person")
	errPage     = errors.New("the platform has no such page")
	errInput    = errors.New("invalid")
)

func (s *Sandbox) addOAuthApp(platform string, redirectURIs []string) (oauthApp, error) {
	svc := oauthServiceOf(platform)
	if svc == nil {
		return oauthApp{}, errPlatform
	}
	for _, address := range redirectURIs {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Contains(address, "#") {
			return oauthApp{}, fmt.Errorf("%w: %q", errRedirect, address)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.oauth(svc)
	if st.App == nil {
		st.App = &oauthApp{ID: newClientID(platform), Secret: s.issueHex(20)}
	}
	for _, address := range redirectURIs {
		if !slices.Contains(st.App.RedirectURIs, address) {
			st.App.RedirectURIs = append(st.App.RedirectURIs, address)
		}
	}
	return *st.App, s.save()
}

// newClientID makes a client id as the platform's look.
func newClientID(platform string) string {
	switch platform {
	case "twitter": // base64 that ends in ":1:ci", for a confidential client
		return base64.RawURLEncoding.EncodeToString([]byte(randomHex(10) + ":1:ci"))
	case "linkedin":
		return "77" + randomHex(6)
	}
	digits := regexp.MustCompile(`[a-f]`).ReplaceAllString(randomHex(16), "")
	return "1" + (digits + "00000000000")[:11]
}

// OAuthSettings sets how a platform's OAuth server behaves. It panics if the platform has no OAuth, a setting is invalid
// or the state cannot be saved.
func (s *Sandbox) OAuthSettings(platform string, settings OAuthSettings) {
	if err := s.setOAuthSettings(platform, settings); err != nil {
		panic(fmt.Sprintf("sandbox: settings of %q: %v", platform, err))
	}
}

func (s *Sandbox) setOAuthSettings(platform string, settings OAuthSettings) error {
	if err := settings.check(); err != nil {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	return s.changeOAuth(platform, func(_ *oauthService, st *oauthState) error {
		st.Settings = settings
		return nil
	})
}

// changeOAuth changes and saves the state of a platform.
func (s *Sandbox) changeOAuth(platform string, change func(*oauthService, *oauthState) error) error {
	svc := oauthServiceOf(platform)
	if svc == nil {
		return errPlatform
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := change(svc, s.oauth(svc)); err != nil {
		return err
	}
	return s.save()
}

// Withdraw takes back at the platform what a person has allowed: every grant of theirs ends. It panics if there is no
// such person or the state cannot be saved.
func (s *Sandbox) Withdraw(platform, person string) {
	if err := s.withdraw(platform, person); err != nil {
		panic(fmt.Sprintf("sandbox: withdraw %q at %q: %v", person, platform, err))
	}
}

func (s *Sandbox) withdraw(platform, person string) error {
	return s.changeOAuth(platform, func(svc *oauthService, st *oauthState) error {
		if svc.person(person) == nil {
			return errPerson
		}
		st.endPerson(person, s.now())
		return nil
	})
}

// RemovePage takes a page, organization or list away from the person who administers it; the login stays. It panics if
// the platform has no such page or the state cannot be saved.
func (s *Sandbox) RemovePage(platform, page string) { s.mustSetPage(platform, page, true) }

// RestorePage gives back what RemovePage took.
func (s *Sandbox) RestorePage(platform, page string) { s.mustSetPage(platform, page, false) }

func (s *Sandbox) mustSetPage(platform, page string, lost bool) {
	if err := s.setPage(platform, page, lost); err != nil {
		panic(fmt.Sprintf("sandbox: page %q of %q: %v", page, platform, err))
	}
}

func (s *Sandbox) setPage(platform, page string, lost bool) error {
	return s.changeOAuth(platform, func(svc *oauthService, st *oauthState) error {
		if !slices.ContainsFunc(svc.people, func(p oauthPerson) bool {
			return slices.ContainsFunc(p.Pages, func(known oauthPage) bool { return known.ID == page })
		}) {
			return errPage
		}
		st.Lost = slices.DeleteFunc(st.Lost, func(id string) bool { return id == page })
		if lost {
			st.Lost = append(st.Lost, page)
		}
		return nil
	})
}

// Secrets lists every secret that was issued: client secrets, codes, access, refresh and page tokens, tokens of MCP
// servers, Unsplash's access key, and the secret halves of Ghost's Admin API keys. Of those issued before a restart it knows
// what is still remembered.
func (s *Sandbox) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// loadSecrets fills the list of secrets from a loaded state.
func (s *Sandbox) loadSecrets() {
	if key := s.state.Unsplash.AccessKey; key != "" {
		s.secrets = append(s.secrets, key)
	}
	for _, site := range s.state.Ghost {
		s.secrets = append(s.secrets, site.Secret)
	}
	if s.state.Telegram != nil {
		for _, bot := range s.state.Telegram.Bots {
			s.secrets = append(s.secrets, bot.Token)
			if bot.Webhook != nil && bot.Webhook.Secret != "" {
				s.secrets = append(s.secrets, bot.Webhook.Secret)
			}
		}
	}
	states := slices.Collect(maps.Values(s.state.OAuth))
	for _, server := range s.state.MCP {
		if server.Token != "" {
			s.secrets = append(s.secrets, server.Token)
		}
		for _, client := range server.Clients {
			if client.Secret != "" {
				s.secrets = append(s.secrets, client.Secret)
			}
		}
		states = append(states, &server.OAuth)
	}
	for _, number := range s.state.WhatsApp.Numbers {
		s.secrets = append(s.secrets, number.Token, number.Secret, number.VerifyToken)
	}
	for _, app := range s.state.Slack.Apps {
		s.secrets = append(s.secrets, app.Secret)
		for _, install := range app.Installs {
			s.secrets = append(s.secrets, install.Token)
		}
	}
	for _, st := range states {
		if st.App != nil {
			s.secrets = append(s.secrets, st.App.Secret)
		}
		s.secrets = slices.AppendSeq(s.secrets, maps.Keys(st.Codes))
		s.secrets = slices.AppendSeq(s.secrets, maps.Keys(st.Tokens))
	}
}

// Count tells how many requests of a step reached the services, refused and failed ones included, since the sandbox was
// opened.
func (s *Sandbox) Count(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[step]
}

// Counts gives Count for every step.
func (s *Sandbox) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}
