package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/internal/bots"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// chatConfig says as which bots people are talked to. Without any, customers can add their own.
type chatConfig struct {
	TelegramToken         string `env:"FANFARE_TELEGRAM_TOKEN" help:"Token of your bot at Telegram, from BotFather; without one customers use bots of their own."`
	TelegramWebhookSecret string `env:"FANFARE_TELEGRAM_WEBHOOK_SECRET" help:"What Telegram shows with each message: 16 to 256 of A-Z, a-z, 0-9, _ and -; needed with --telegram-token, unless messages are fetched."`
	TelegramPoll          bool   `env:"FANFARE_TELEGRAM_POLL" help:"Workers fetch messages from Telegram, for all bots; else it delivers them to --api-url, which must be https."`
	TelegramURL           string `name:"telegram-url" env:"FANFARE_TELEGRAM_URL" help:"Where Telegram has its Bot API, for a sandbox or a server of your own."`
	TelegramLinkURL       string `name:"telegram-link-url" env:"FANFARE_TELEGRAM_LINK_URL" help:"Where links to bots lead, for a sandbox."`

	WhatsAppToken         string `name:"whatsapp-token" env:"FANFARE_WHATSAPP_TOKEN" help:"Access token of your application at Meta; without one customers use phone numbers of their own."`
	WhatsAppPhoneNumberID string `name:"whatsapp-phone-number-id" env:"FANFARE_WHATSAPP_PHONE_NUMBER_ID" help:"Meta's id of your phone number."`
	WhatsAppAppSecret     string `name:"whatsapp-app-secret" env:"FANFARE_WHATSAPP_APP_SECRET" help:"The application's secret, with which Meta signs what it delivers."`
	WhatsAppVerifyToken   string `name:"whatsapp-verify-token" env:"FANFARE_WHATSAPP_VERIFY_TOKEN" help:"A text of your own, which you enter at Meta with the address <--api-url>/hooks/whatsapp/<phone number id>."`
	WhatsAppURL           string `name:"whatsapp-url" env:"FANFARE_WHATSAPP_URL" help:"Where WhatsApp has its Cloud API, with the version, for a sandbox."`

	SlackToken         string `env:"FANFARE_SLACK_TOKEN" help:"Bot token of your application at Slack, in one workspace; without one customers use applications of their own."`
	SlackSigningSecret string `env:"FANFARE_SLACK_SIGNING_SECRET" help:"The application's signing secret."`
	SlackAppID         string `name:"slack-app-id" env:"FANFARE_SLACK_APP_ID" help:"The application's id; its addresses are <--api-url>/hooks/slack/<id>/events and …/actions."`
	SlackURL           string `name:"slack-url" env:"FANFARE_SLACK_URL" help:"Where Slack has its Web API, for a sandbox."`
}

// bots checks the settings. apiURL is the API's public address, "" where there is none; delivered says that it matters to this
// process, which takes what platforms deliver.
func (c *chatConfig) bots(apiURL string, delivered bool) (bots.Config, error) {
	for setting, address := range map[string]*string{
		"telegram-url": &c.TelegramURL, "telegram-link-url": &c.TelegramLinkURL, "whatsapp-url": &c.WhatsAppURL, "slack-url": &c.SlackURL,
	} {
		if *address == "" {
			continue
		}
		checked, err := safeURL(setting, *address)
		if err != nil {
			return bots.Config{}, err
		}
		*address = checked
	}
	for _, one := range []struct {
		token, flag string
		others      map[string]string
	}{
		{c.TelegramToken, "telegram-token", map[string]string{"telegram-webhook-secret": c.TelegramWebhookSecret}},
		{c.WhatsAppToken, "whatsapp-token", map[string]string{
			"whatsapp-phone-number-id": c.WhatsAppPhoneNumberID, "whatsapp-app-secret": c.WhatsAppAppSecret, "whatsapp-verify-token": c.WhatsAppVerifyToken,
		}},
		{c.SlackToken, "slack-token", map[string]string{"slack-signing-secret": c.SlackSigningSecret, "slack-app-id": c.SlackAppID}},
	} {
		for flag, value := range one.others {
			if one.token == "" && value != "" {
				return bots.Config{}, fmt.Errorf("%s needs %s", named(flag), named(one.flag))
			}
		}
		if one.token != "" && apiURL == "" && delivered && (one.flag != "telegram-token" || !c.TelegramPoll) {
			var otherwise string
			if one.flag == "telegram-token" {
				otherwise = ", or " + named("telegram-poll") + " for workers to fetch them"
			}
			return bots.Config{}, fmt.Errorf("%s needs %s, to which the platform delivers messages%s", named(one.flag), named("api-url"), otherwise)
		}
	}
	return bots.Config{
		Telegram: bots.TelegramConfig{
			Token: c.TelegramToken, WebhookSecret: c.TelegramWebhookSecret, Poll: c.TelegramPoll, URL: c.TelegramURL, LinkURL: c.TelegramLinkURL,
		},
		WhatsApp: bots.WhatsAppConfig{
			Token: c.WhatsAppToken, PhoneNumberID: c.WhatsAppPhoneNumberID, AppSecret: c.WhatsAppAppSecret, VerifyToken: c.WhatsAppVerifyToken, URL: c.WhatsAppURL,
		},
		Slack:     bots.SlackConfig{Token: c.SlackToken, SigningSecret: c.SlackSigningSecret, AppID: c.SlackAppID, URL: c.SlackURL},
		PublicURL: apiURL,
	}, nil
}

// newBots makes the registry on a pool.
func newBots(pool *pgxpool.Pool, v *vault.Vault, config bots.Config, log *slog.Logger) (*bots.Registry, error) {
	registry, err := bots.New(pool, v, config, log)
	var wrong *bots.ConfigError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s %s", named(wrong.Flag), wrong.Reason)
	}
	return registry, err
}

// connectBots tells platforms where to deliver, until it is done.
func connectBots(registry *bots.Registry) func(context.Context) error {
	return func(ctx context.Context) error {
		registry.ConnectShared(ctx)
		<-ctx.Done()
		return nil
	}
}

// sandboxChats makes a Telegram bot and somebody to talk to it in a sandbox, the same at every start, and gives the settings with
// which the sandbox stands in for the platforms. Its messages are fetched, so that they are there again after a restart.
func sandboxChats(box *sandbox.Sandbox, boxURL, apiURL string) (bots.Config, error) {
	bot, err := box.AddTelegramBot(sandbox.TelegramBot{Username: "fanfare_bot", Name: "Fanfare"})
	if err != nil {
		return bots.Config{}, fmt.Errorf("make the sandbox's bot: %w", err)
	}
	if _, err := box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: "Ada", Username: "ada_demo"}); err != nil {
		return bots.Config{}, fmt.Errorf("make the sandbox's person: %w", err)
	}
	return bots.Config{
		Telegram:  bots.TelegramConfig{Token: bot.Token, Poll: true, URL: boxURL + "/telegram", LinkURL: boxURL + "/telegram-me"},
		WhatsApp:  bots.WhatsAppConfig{URL: boxURL + "/whatsapp-graph/v26.0"},
		Slack:     bots.SlackConfig{URL: boxURL + "/slack/api"},
		PublicURL: apiURL,
	}, nil
}
