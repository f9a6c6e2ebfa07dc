// Package bots knows the bots in whose chats Fanfare is: those of the installation, from its configuration, and customers' own,
// from the database.
//
// It says whose a bot is, whether a delivery is the platform's, and writes down what it tells before anything is done with it. It
// must not answer anybody, nor decide who somebody is in Fanfare.
package bots

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/internal/chat"
	"fanfare/internal/slack"
	"fanfare/internal/telegram"
	"fanfare/internal/vault"
	"fanfare/internal/whatsapp"
	"fanfare/queries"
)

const (
	// believeFor is how long a customer's own bot is believed to be as it was: a removed one stops then.
	believeFor = 2 * time.Second
	// askTimeout bounds asking a platform who a bot is.
	askTimeout = 8 * time.Second
	// askAgain is how long after a failure the platform is not asked again who a bot is.
	askAgain = 5 * time.Second
)

// Registry finds bots. It is safe for concurrent use.
type Registry struct {
	config Config
	pool   *pgxpool.Pool
	q      *queries.Queries
	vault  *vault.Vault
	log    *slog.Logger
	shared []*Bot

	mu  sync.Mutex
	own map[key]*Bot // those that were asked for
}

type key struct {
	platform chat.Platform
	id       string
}

// New makes the registry. pool is the API's login's or the worker's; nil: there are no bots but the installation's. Errors are
// *ConfigError.
func New(pool *pgxpool.Pool, v *vault.Vault, config Config, log *slog.Logger) (*Registry, error) {
	shared, err := config.shared()
	if err != nil {
		return nil, err
	}
	r := &Registry{config: config, pool: pool, vault: v, log: log, shared: shared, own: map[key]*Bot{}}
	if pool != nil {
		r.q = queries.New(pool)
	}
	return r, nil
}

// Bot is a bot that can be spoken as.
type Bot struct {
	Platform chat.Platform
	// ID is the platform's, as in chat.Chat.
	ID string
	// Owner is the customer whose own it is; nil: the installation's.
	Owner *uuid.UUID
	// Archived: its customer is. It is to say nothing, and what it is told is dropped.
	Archived bool
	// Speaker speaks in its chats.
	Speaker chat.Bot

	telegram *telegram.Bot // nil elsewhere
	secrets  Secrets
	rowID    uuid.UUID // of a customer's own
	version  int64
	until    time.Time // as long as the row is believed

	mu      sync.Mutex
	who     *Identity
	failure error
	askedAt time.Time
}

// Identity is who a bot is at its platform.
type Identity struct {
	// Name is for people, and Username without @; WhatsApp's is the phone number as it is written.
	Name, Username string
	// Team is Slack's id of the workspace, and UserID that of the bot user there.
	Team, UserID string
}

// Bot finds a bot; nil: there is none. An error says that the database cannot be asked.
func (r *Registry) Bot(ctx context.Context, platform chat.Platform, id string) (*Bot, error) {
	if b := r.sharedBot(platform, id); b != nil {
		return b, nil
	}
	if r.q == nil || !idPattern.MatchString(id) {
		return nil, nil //nolint:nilnil // that is what "no bot" looks like
	}
	k := key{platform, id}
	r.mu.Lock()
	known := r.own[k]
	fresh := known != nil && time.Now().Before(known.until)
	r.mu.Unlock()
	if fresh {
		return known, nil
	}
	row, err := r.q.BotCredential(ctx, queries.BotCredentialParams{Platform: string(platform), Bot: id})
	if errors.Is(err, pgx.ErrNoRows) {
		r.mu.Lock()
		delete(r.own, k)
		r.mu.Unlock()
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, fmt.Errorf("look up bot: %w", err)
	}
	if known == nil || known.version != row.Version || known.rowID != row.ID || known.Archived != row.Archived {
		if known, err = r.open(platform, id, row); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known.until = time.Now().Add(believeFor)
	r.own[k] = known
	return known, nil
}

// open makes a customer's own bot of its row.
func (r *Registry) open(platform chat.Platform, id string, row queries.BotCredentialRow) (*Bot, error) {
	plain, err := r.vault.Unseal(row.Credential, vault.BotCredential(row.CustomerID, row.ID, string(platform)))
	if err != nil {
		return nil, fmt.Errorf("open a bot's credential: %w", err)
	}
	var secrets Secrets
	err = json.Unmarshal(plain, &secrets)
	clear(plain)
	if err != nil {
		return nil, errors.New("a bot's credential cannot be read") // the error would quote it
	}
	bot, err := r.config.bot(platform, id, secrets)
	if err != nil {
		return nil, err
	}
	bot.Owner, bot.Archived, bot.rowID, bot.version = &row.CustomerID, row.Archived, row.ID, row.Version
	bot.who = &Identity{Name: row.Name, Username: row.Username, Team: row.Team, UserID: secrets.UserID}
	return bot, nil
}

// Check asks the platform whether secrets are a bot's, and which one's: phoneNumberID is WhatsApp's, who asks for it. Errors
// are *chat.Error, and telegram.ErrToken.
func (r *Registry) Check(ctx context.Context, platform chat.Platform, phoneNumberID string, secrets Secrets) (*Bot, Identity, error) {
	bot, err := r.config.bot(platform, phoneNumberID, secrets)
	if err != nil {
		return nil, Identity{}, err
	}
	who, err := bot.ask(ctx)
	return bot, who, err
}

// Shared tells whether a bot is the installation's.
func (r *Registry) Shared(platform chat.Platform, id string) bool {
	return r.sharedBot(platform, id) != nil
}

func (r *Registry) sharedBot(platform chat.Platform, id string) *Bot {
	at := slices.IndexFunc(r.shared, func(b *Bot) bool { return b.Platform == platform && b.ID == id })
	if at < 0 {
		return nil
	}
	return r.shared[at]
}

// Self is who the bot is, of which the platform is asked once.
func (b *Bot) Self(ctx context.Context) (Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.who != nil {
		return *b.who, nil
	}
	if b.failure != nil && time.Since(b.askedAt) < askAgain {
		return Identity{}, b.failure
	}
	who, err := b.ask(ctx)
	b.askedAt, b.failure = time.Now(), err
	if err != nil {
		return Identity{}, err
	}
	b.who = &who
	return who, nil
}

// ask asks the platform who the bot is. A bot without an id takes the one that the platform says.
func (b *Bot) ask(ctx context.Context) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	switch speaker := b.Speaker.(type) {
	case *telegram.Bot:
		me, err := speaker.Me(ctx)
		return Identity{Name: me.Name, Username: me.Username}, err
	case *whatsapp.Bot:
		me, err := speaker.Me(ctx)
		return Identity{Name: me.Name, Username: me.Number}, err
	case *slack.Bot:
		me, err := speaker.Me(ctx)
		if err != nil {
			return Identity{}, err
		}
		if b.ID == "" {
			b.ID = me.AppID
		}
		if b.ID != me.AppID {
			return Identity{}, &chat.Error{Class: chat.Credential, Err: errors.New("the token is of another application")}
		}
		return Identity{Name: me.Name, Team: me.TeamID, UserID: me.UserID}, nil
	}
	return Identity{}, errors.New("a bot of no platform")
}

// Offer is a bot in whose chats a customer's pairings can be used.
type Offer struct {
	Platform chat.Platform
	// ID is the platform's, as in chat.Chat.
	ID string
	// Name is what people find it by there, such as @fanfare_bot.
	Name string
	// Own: it is the customer's own, and else the installation's.
	Own bool
	// Link makes the address that opens a chat with the bot and hands it the token, such as
	// https://t.me/fanfare_bot?start=<token>. A token is 43 characters of the URL-safe base64 alphabet, which Telegram takes
	// (64 at most: https://core.telegram.org/bots/features#deep-linking). nil: the platform has no such addresses.
	Link func(token string) string
	// URL opens a chat with the bot; "" where there is no such address, or where it is not known.
	URL string
}

// Offered gives the bots in whose chats a customer's pairings can be used: the installation's, and the given ones, which are the
// customer's own. A bot of the installation that cannot be asked who it is, is named by its id and has no link.
func (r *Registry) Offered(ctx context.Context, own []queries.BotListRow) []Offer {
	var offered []Offer
	for _, b := range r.shared {
		who, err := b.Self(ctx)
		if err != nil {
			r.log.WarnContext(ctx, "a platform does not say who the bot is", "platform", b.Platform, "bot", b.ID, "error", err)
		}
		offered = append(offered, r.offer(b.Platform, b.ID, who, false))
	}
	for _, row := range own {
		offered = append(offered, r.offer(chat.Platform(row.Platform), row.Bot, Identity{Name: row.Name, Username: row.Username}, true))
	}
	return offered
}

// Introduced gives the installation's bots, and waits no longer than told for platforms to say who they are. One that is not known by then has no name.
func (r *Registry) Introduced(ctx context.Context, wait time.Duration) []Offer {
	offered := make([]Offer, len(r.shared))
	type answer struct {
		at  int
		who Identity
	}
	answers := make(chan answer, len(r.shared))
	for i, b := range r.shared {
		offered[i] = Offer{Platform: b.Platform, ID: b.ID}
		go func() { // which goes on when nobody waits any more: the next who asks is told at once
			who, err := b.Self(context.WithoutCancel(ctx))
			if err != nil {
				r.log.WarnContext(ctx, "a platform does not say who the bot is", "platform", b.Platform, "bot", b.ID, "error", err)
				who = Identity{}
			}
			answers <- answer{i, who}
		}()
	}
	over := time.After(wait)
	for range r.shared {
		select {
		case a := <-answers:
			if a.who != (Identity{}) {
				offered[a.at] = r.offer(r.shared[a.at].Platform, r.shared[a.at].ID, a.who, false)
			}
		case <-over:
			return offered
		}
	}
	return offered
}

func (r *Registry) offer(platform chat.Platform, id string, who Identity, own bool) Offer {
	offer := Offer{Platform: platform, ID: id, Name: who.Name, Own: own}
	switch {
	case platform == chat.Telegram && who.Username != "":
		offer.Name = "@" + who.Username
		offer.Link = func(token string) string {
			link, err := telegram.StartLink(r.config.telegram(), who.Username, token)
			if err != nil {
				return ""
			}
			return link
		}
		offer.URL, _ = telegram.ChatLink(r.config.telegram(), who.Username) // which is "" where the name is none
	case platform == chat.WhatsApp && who.Username != "":
		offer.Name = strings.TrimSpace(who.Name + " " + who.Username)
		offer.Link = func(token string) string { return whatsapp.StartLink(who.Username, token) }
		offer.URL = whatsapp.ChatLink(who.Username)
	}
	offer.Name = cmp.Or(offer.Name, id)
	return offer
}

// Secrets are the bot's.
func (b *Bot) Secrets() Secrets { return b.secrets }

// NewSecret makes a secret that Telegram and Meta take: 52 letters and digits.
func NewSecret() string { return rand.Text() + rand.Text() }

// Forget has a customer's own bot looked up anew.
func (r *Registry) Forget(platform chat.Platform, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.own, key{platform, id})
}
