// Package telegram is the adapter for Telegram bots (https://core.telegram.org/bots/api): it turns updates into those of
// package chat, speaks in chats, and gets updates by webhook or long polling.
//
// It stores nothing: who calls it stores an update before it is handled, and tells Telegram that it was received only then.
// The token of a bot is part of every address of the API, so no error of net/http leaves this package as it is.
package telegram

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"fanfare/internal/chat"
)

const (
	// defaultBaseURL is where the Bot API is.
	defaultBaseURL = "https://api.telegram.org"
	// defaultLinkURL is where links to bots lead.
	defaultLinkURL = "https://t.me"
)

// Options says where Telegram is.
type Options struct {
	// BaseURL is the Bot API's address, of the configuration; "" is Telegram's own.
	BaseURL string
	// LinkURL is the address of links to bots; "" is Telegram's own.
	LinkURL string
}

// Account is a bot as Telegram knows it.
type Account struct {
	// ID is what chat.Chat calls Bot.
	ID string
	// Username is without @.
	Username string
	Name     string
}

// Bot speaks in the chats of one bot, and gets its updates. It is safe for concurrent use, but Telegram allows one Updates
// at a time.
type Bot struct {
	id     string
	api    *bot.Bot
	client *client
	// address gives the API's address of a method. It holds the token, which a field would show when a Bot is printed.
	address func(method string) string
}

var _ chat.Bot = (*Bot)(nil)

var tokenPattern = regexp.MustCompile(`^([1-9][0-9]{0,18}):[A-Za-z0-9_-]{20,128}$`)

// ErrToken says that something has not the form of a bot's token.
var ErrToken = errors.New("telegram: not a bot's token: digits, a colon, and at least 20 letters, digits, _ or -")

// New makes the bot of a token. It sends nothing; Me tells whether Telegram knows the token. Errors are ErrToken, and those
// of the options.
func New(token string, opts Options) (*Bot, error) {
	parts := tokenPattern.FindStringSubmatch(token)
	if parts == nil {
		return nil, ErrToken
	}
	base, err := baseURL(opts.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	b := &Bot{id: parts[1], client: newClient()}
	b.address = func(method string) string { return base + "/bot" + token + "/" + method }
	b.api, err = bot.New(token, bot.WithSkipGetMe(), bot.WithServerURL(base), bot.WithHTTPClient(pollTime, b.client),
		// What the library has to say is in the errors that it returns, too.
		bot.WithErrorsHandler(func(error) {}), bot.WithDebugHandler(func(string, ...any) {}))
	if err != nil {
		return nil, ErrToken
	}
	return b, nil
}

// baseURL checks an address of the configuration and takes the slash from its end.
func baseURL(given, fallback string) (string, error) {
	if given == "" {
		return fallback, nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("telegram: the address must be http or https, without user, query and fragment")
	}
	return strings.TrimRight(given, "/"), nil
}

// ID is the bot's id, which is the token's first part.
func (b *Bot) ID() string { return b.id }

// Me asks Telegram who the bot is. Class Credential says that there is no bot of this token.
func (b *Bot) Me(ctx context.Context) (Account, error) {
	me, err := b.api.GetMe(ctx)
	if err != nil {
		return Account{}, failure(err)
	}
	if id := strconv.FormatInt(me.ID, 10); id != b.id || !me.IsBot || me.Username == "" {
		return Account{}, &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("getMe names another bot")}
	}
	return Account{ID: b.id, Username: me.Username, Name: strings.TrimSpace(me.FirstName + " " + me.LastName)}, nil
}

// allowedUpdates are the kinds that Read has a use for. chat_member has to be asked for.
var allowedUpdates = []string{"message", "channel_post", "callback_query", "my_chat_member", "chat_member"}

// SetWebhook has updates delivered to an address, with the secret (1 to 256 of A-Z, a-z, 0-9, _ and -) in each: see Verify.
// Those that wait are kept.
func (b *Bot) SetWebhook(ctx context.Context, to, secret string) error {
	if !secretPattern.MatchString(secret) {
		return &chat.Error{Class: chat.Invalid, Err: errors.New("the secret has not 1 to 256 of A-Z, a-z, 0-9, _ and -")}
	}
	_, err := b.api.SetWebhook(ctx, &bot.SetWebhookParams{URL: to, SecretToken: secret, AllowedUpdates: allowedUpdates})
	return failure(err)
}

// DeleteWebhook ends the delivery to an address, after which Updates may be used. Those that wait are kept.
func (b *Bot) DeleteWebhook(ctx context.Context) error {
	_, err := b.api.DeleteWebhook(ctx, &bot.DeleteWebhookParams{})
	return failure(err)
}

// SetCommands sets what the menu of the bot's chats offers.
func (b *Bot) SetCommands(ctx context.Context, commands []chat.Command) error {
	params := &bot.SetMyCommandsParams{}
	for _, c := range commands {
		params.Commands = append(params.Commands, models.BotCommand{Command: c.Name, Description: c.Does})
	}
	_, err := b.api.SetMyCommands(ctx, params)
	return failure(err)
}

var secretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// Verify tells whether a delivery holds the secret that SetWebhook was given. Without a secret nothing is right.
func Verify(header http.Header, secret string) error {
	given := header.Values("X-Telegram-Bot-Api-Secret-Token")
	if secret == "" || len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte(secret)) != 1 {
		return chat.ErrForged
	}
	return nil
}

var (
	startPattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	usernamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{3,31}$`)
)

// ChatLink is a link that opens a person's chat with the bot.
func ChatLink(opts Options, username string) (string, error) {
	base, err := baseURL(opts.LinkURL, defaultLinkURL)
	switch {
	case err != nil:
		return "", err
	case !usernamePattern.MatchString(username):
		return "", errors.New("telegram: not a username")
	}
	return base + "/" + username, nil
}

// StartLink is a link that opens a person's chat with the bot; there a button says "/start <payload>". The payload is 1 to
// 64 of A-Z, a-z, 0-9, _ and - (https://core.telegram.org/bots/features#deep-linking).
func StartLink(opts Options, username, payload string) (string, error) {
	link, err := ChatLink(opts, username)
	switch {
	case err != nil:
		return "", err
	case !startPattern.MatchString(payload):
		return "", errors.New("telegram: a link's payload is 1 to 64 of A-Z, a-z, 0-9, _ and -")
	}
	return link + "?start=" + payload, nil
}
