package bots

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"fanfare/internal/chat"
	"fanfare/internal/slack"
	"fanfare/internal/telegram"
	"fanfare/internal/whatsapp"
)

// Config says where the platforms are and which bots are the installation's own.
type Config struct {
	Telegram TelegramConfig
	WhatsApp WhatsAppConfig
	Slack    SlackConfig
	// PublicURL is the API's public address, without a slash at its end, to which platforms deliver; "" where there is none.
	PublicURL string
}

// TelegramConfig is the installation's bot at Telegram; without a Token there is none.
type TelegramConfig struct {
	Token string
	// WebhookSecret comes with each delivery: 1 to 256 of A-Z, a-z, 0-9, _ and -.
	WebhookSecret string
	// Poll: the updates of all bots are fetched, and none delivered.
	Poll bool
	// URL is the Bot API's address, LinkURL that of links to bots; "" is Telegram's own.
	URL, LinkURL string
}

// WhatsAppConfig is the installation's phone number at WhatsApp; without a Token there is none.
type WhatsAppConfig struct {
	Token         string
	PhoneNumberID string
	AppSecret     string
	VerifyToken   string
	// URL is the Cloud API's address with its version; "" is Meta's own.
	URL string
}

// SlackConfig is the installation's application at Slack, in one workspace; without a Token there is none.
type SlackConfig struct {
	Token         string
	SigningSecret string
	AppID         string
	// URL is the Web API's address; "" is Slack's own.
	URL string
}

// Secrets are a bot's, as they are sealed in the database. Which are there depends on the platform.
type Secrets struct {
	Token string `json:"token"`
	// WebhookSecret comes with Telegram's deliveries.
	WebhookSecret string `json:"webhook_secret,omitempty"`
	// SigningSecret signs Slack's deliveries, AppSecret Meta's. VerifyToken is what Meta shows when the address is entered there.
	SigningSecret string `json:"signing_secret,omitempty"`
	AppSecret     string `json:"app_secret,omitempty"`
	VerifyToken   string `json:"verify_token,omitempty"`
	// UserID is Slack's id of the bot user in the workspace, and no secret.
	UserID string `json:"user_id,omitempty"`
}

// ConfigError says which setting is wrong, by its name as a flag, and why.
type ConfigError struct{ Flag, Reason string }

// Error names the flag.
func (e *ConfigError) Error() string { return e.Flag + " " + e.Reason }

var (
	webhookSecretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`)
	idPattern            = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
)

// shared makes the installation's bots.
func (c Config) shared() ([]*Bot, error) {
	var bots []*Bot
	if c.Telegram.Token != "" {
		bot, err := c.bot(chat.Telegram, "", Secrets{Token: c.Telegram.Token, WebhookSecret: c.Telegram.WebhookSecret})
		if errors.Is(err, telegram.ErrToken) {
			return nil, &ConfigError{"telegram-token", "is not a bot's token: digits, a colon, and at least 20 letters, digits, _ or -"}
		}
		if err != nil {
			return nil, fmt.Errorf("set up Telegram: %w", err)
		}
		if !c.Telegram.Poll {
			switch {
			case c.Telegram.WebhookSecret == "":
				return nil, &ConfigError{"telegram-webhook-secret", "is needed with --telegram-token, unless --telegram-poll is set"}
			case !webhookSecretPattern.MatchString(c.Telegram.WebhookSecret):
				return nil, &ConfigError{"telegram-webhook-secret", "must be 16 to 256 of A-Z, a-z, 0-9, _ and -"}
			}
		}
		bots = append(bots, bot)
	}
	if w := c.WhatsApp; w.Token != "" {
		for flag, value := range map[string]string{
			"whatsapp-phone-number-id": w.PhoneNumberID, "whatsapp-app-secret": w.AppSecret, "whatsapp-verify-token": w.VerifyToken,
		} {
			if value == "" {
				return nil, &ConfigError{flag, "is needed with --whatsapp-token"}
			}
		}
		if !idPattern.MatchString(w.PhoneNumberID) {
			return nil, &ConfigError{"whatsapp-phone-number-id", "must be the id that Meta shows, in digits"}
		}
		bot, err := c.bot(chat.WhatsApp, w.PhoneNumberID, Secrets{Token: w.Token, AppSecret: w.AppSecret, VerifyToken: w.VerifyToken})
		if err != nil {
			return nil, err
		}
		bots = append(bots, bot)
	}
	if s := c.Slack; s.Token != "" {
		for flag, value := range map[string]string{"slack-signing-secret": s.SigningSecret, "slack-app-id": s.AppID} {
			if value == "" {
				return nil, &ConfigError{flag, "is needed with --slack-token"}
			}
		}
		if !idPattern.MatchString(s.AppID) {
			return nil, &ConfigError{"slack-app-id", "must be an id such as A0123456789"}
		}
		bot, err := c.bot(chat.Slack, s.AppID, Secrets{Token: s.Token, SigningSecret: s.SigningSecret})
		if err != nil {
			return nil, err
		}
		bots = append(bots, bot)
	}
	return bots, nil
}

// bot makes a bot of its secrets. id is the platform's; Telegram's is part of the token.
func (c Config) bot(platform chat.Platform, id string, secrets Secrets) (*Bot, error) {
	bot := &Bot{Platform: platform, ID: id, secrets: secrets}
	switch platform {
	case chat.Telegram:
		made, err := telegram.New(secrets.Token, c.telegram())
		if err != nil {
			return nil, err
		}
		bot.ID, bot.telegram, bot.Speaker = made.ID(), made, made
	case chat.WhatsApp:
		bot.Speaker = whatsapp.New(cmp.Or(c.WhatsApp.URL, whatsapp.GraphURL), id, secrets.Token)
	case chat.Slack:
		bot.Speaker = slack.New(cmp.Or(c.Slack.URL, slack.APIURL), secrets.Token)
	default:
		return nil, fmt.Errorf("unknown platform %q", platform)
	}
	return bot, nil
}

func (c Config) telegram() telegram.Options {
	return telegram.Options{BaseURL: c.Telegram.URL, LinkURL: c.Telegram.LinkURL}
}
