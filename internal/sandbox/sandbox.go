// Package sandbox stands in for the outside services that Fanfare publishes on, over real HTTP and as
// strict as the services themselves: what the real one rejects, the sandbox rejects. It is what
// development and tests connect to when there are no real accounts. Faults can be ordered, everything
// published is recorded and shown, and the record tells whether anything was published twice.
//
// One file per platform, plus the parts that all of them share: the state and its file (sandbox.go),
// the way of a request (exchange.go), faults (fault.go), the record (published.go), OAuth (oauth.go)
// with its consent page (oauth_page.go), the HTTP API for people and other processes (control.go)
// and the pages (page.go).
//
// The package must not run in production: its control API lets anyone in, and it keeps the keys it
// hands out in plain text.
package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options says how a Sandbox is made.
type Options struct {
	// Dir is the folder that keeps the state, made if it is missing. Empty keeps it in memory only.
	Dir string
	// Log gets one line per request. Nil is silent.
	Log *slog.Logger
	// Now is the services' clock. Nil is the real one.
	Now func() time.Time
}

// Sandbox is the stand-in for all services. It is safe for concurrent use.
type Sandbox struct {
	log  *slog.Logger
	now  func() time.Time
	file string // "" in memory
	mux  *http.ServeMux

	mu     sync.Mutex
	state  state
	faults []*Fault
	hooks  hooks
	counts map[string]int // requests by step
	// steps are those of each platform. They do not change once the routes are there.
	steps map[string][]string
	// secrets are all that were issued.
	secrets []string
	// meWindows are twitter's limits, by person.
	meWindows map[string]rateWindow
	// mailchimpOpen are the requests to Mailchimp's API that are on their way, by token.
	mailchimpOpen map[string]int
	// twitterWindows are the others of twitter, by kind of request and person.
	twitterWindows map[string]rateWindow
	// llm are the language models.
	llm llmState
	// unsplashWindow is the limit of the application at Unsplash.
	unsplashWindow rateWindow
	// blobs are the files by their SHA-256, where there is no folder for them.
	blobs map[string][]byte
	// telegramLines are what is on its way to Telegram bots, by their ids.
	telegramLines map[int64]*telegramLine
	// mcpHandlers speak the protocol of the MCP servers, by name. They hold the sessions.
	mcpHandlers map[string]http.Handler
}

// state is everything that a restart keeps.
type state struct {
	Ghost     map[string]*ghostSite  `json:"ghost"`
	OAuth     map[string]*oauthState `json:"oauth"` // by platform
	Facebook  *facebookState         `json:"facebook,omitempty"`
	LinkedIn  linkedinState          `json:"linkedin,omitzero"`
	Mailchimp mailchimpState         `json:"mailchimp,omitzero"`
	Twitter   *twitterState          `json:"twitter,omitempty"`
	Telegram  *telegramState         `json:"telegram,omitempty"`
	MCP       map[string]*mcpServer  `json:"mcp,omitempty"` // by name
	WhatsApp  whatsappState          `json:"whatsapp,omitzero"`
	Slack     slackState             `json:"slack,omitzero"`
	Unsplash  unsplashState          `json:"unsplash,omitzero"`
	// Deliveries are what was told to webhooks.
	Deliveries []*delivery `json:"deliveries,omitempty"`
	Published  []*Post     `json:"published"`
}

// New opens the state in opts.Dir, or begins an empty one.
func New(opts Options) (*Sandbox, error) {
	s := &Sandbox{
		log: opts.Log, now: opts.Now, mux: http.NewServeMux(),
		counts: map[string]int{}, steps: map[string][]string{}, meWindows: map[string]rateWindow{}, twitterWindows: map[string]rateWindow{},
		blobs: map[string][]byte{}, mailchimpOpen: map[string]int{}, telegramLines: map[int64]*telegramLine{},
		mcpHandlers: map[string]http.Handler{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if opts.Dir != "" {
		if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make sandbox folder: %w", err)
		}
		s.file = filepath.Join(opts.Dir, "sandbox.json")
		if err := s.load(); err != nil {
			return nil, err
		}
	}
	if s.state.Ghost == nil {
		s.state.Ghost = map[string]*ghostSite{}
	}
	if s.state.OAuth == nil {
		s.state.OAuth = map[string]*oauthState{}
	}
	if s.state.MCP == nil {
		s.state.MCP = map[string]*mcpServer{}
	}
	if s.state.WhatsApp.Numbers == nil {
		s.state.WhatsApp.Numbers = map[string]*whatsappNumber{}
	}
	if s.state.Slack.Apps == nil {
		s.state.Slack = slackState{Apps: map[string]*slackApp{}, Teams: map[string]*slackTeam{}}
	}
	s.loadSecrets()
	s.routeControl()
	s.routePages()
	s.routeGhost()
	s.routeTwitter()
	s.routeLinkedIn()
	s.routeLinkedInPosts()
	s.routeFacebook()
	s.routeMailchimp()
	s.routeAnthropic()
	s.routeGemini()
	s.routeOpenAI()
	s.routeTelegram()
	s.routeMCP()
	s.routeUnsplash()
	s.routeWhatsApp()
	s.routeSlack()
	s.resumeDeliveries()
	return s, nil
}

// Handler serves all services, the control API and the pages. Services live under a path of their
// own: the address of a Ghost site is <base>/ghost-sites/<name>. The others are <base>/twitter and <base>/twitter-api,
// <base>/linkedin and <base>/linkedin-api, <base>/facebook and <base>/facebook-graph,
// <base>/mailchimp-login and <base>/mailchimp-api/<data centre>, and <base>/telegram with <base>/telegram-me in place of t.me.
// WhatsApp is <base>/whatsapp-graph/v26.0, Slack <base>/slack/api; MCP servers are <base>/mcp/<name>, and Unsplash is <base>/unsplash with
// its photos in <base>/unsplash-images.
// The language models are <base>/anthropic, <base>/gemini and <base>/openai/v1.
func (s *Sandbox) Handler() http.Handler { return s.mux }

func (s *Sandbox) load() error {
	data, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read sandbox state: %w", err)
	}
	if err := json.Unmarshal(data, &s.state); err != nil {
		return fmt.Errorf("read sandbox state %s: %w", s.file, err)
	}
	return nil
}

// save writes the state. A kill at any moment leaves the old file or the new one, whole. The caller
// holds s.mu.
func (s *Sandbox) save() error {
	if s.file == "" {
		return nil
	}
	data, err := json.MarshalIndent(s.state, "", "\t")
	if err != nil {
		return fmt.Errorf("encode sandbox state: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(s.file), "sandbox-*.tmp")
	if err != nil {
		return fmt.Errorf("save sandbox state: %w", err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), s.file)
	}
	if err != nil {
		return fmt.Errorf("save sandbox state: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// randomHex makes ids and secrets: two digits per byte.
func randomHex(bytes int) string {
	id := make([]byte, bytes)
	_, _ = rand.Read(id) // never fails, by its documentation
	return hex.EncodeToString(id)
}
