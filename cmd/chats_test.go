package cmd

import (
	"log/slog"
	"strings"
	"testing"
)

func TestChatSettings(t *testing.T) {
	t.Parallel()
	const token, secret = "1:AAAAAAAAAAAAAAAAAAAAAAAAA", "0123456789abcdef"
	const address = "https://api.example.com"
	for name, test := range map[string]struct {
		config chatConfig
		apiURL string
		err    string // part of it
	}{
		"none":                      {chatConfig{}, "", ""},
		"telegram":                  {chatConfig{TelegramToken: token, TelegramWebhookSecret: secret}, address, ""},
		"telegram, fetched":         {chatConfig{TelegramToken: token, TelegramPoll: true}, "", ""},
		"telegram, no address":      {chatConfig{TelegramToken: token, TelegramWebhookSecret: secret}, "", "FANFARE_TELEGRAM_POLL"},
		"telegram, no secret":       {chatConfig{TelegramToken: token}, address, "FANFARE_TELEGRAM_WEBHOOK_SECRET"},
		"telegram, a short secret":  {chatConfig{TelegramToken: token, TelegramWebhookSecret: "short"}, address, "FANFARE_TELEGRAM_WEBHOOK_SECRET"},
		"telegram, no token":        {chatConfig{TelegramWebhookSecret: secret}, address, "FANFARE_TELEGRAM_TOKEN"},
		"telegram, a wrong token":   {chatConfig{TelegramToken: "s3cret", TelegramPoll: true}, address, "FANFARE_TELEGRAM_TOKEN"},
		"telegram, no encryption":   {chatConfig{TelegramURL: "http://telegram.example.com"}, address, "FANFARE_TELEGRAM_URL"},
		"whatsapp":                  {chatConfig{WhatsAppToken: "t", WhatsAppPhoneNumberID: "1", WhatsAppAppSecret: "s", WhatsAppVerifyToken: "v"}, address, ""},
		"whatsapp, no app secret":   {chatConfig{WhatsAppToken: "t", WhatsAppPhoneNumberID: "1", WhatsAppVerifyToken: "v"}, address, "FANFARE_WHATSAPP_APP_SECRET"},
		"whatsapp, no verify token": {chatConfig{WhatsAppToken: "t", WhatsAppPhoneNumberID: "1", WhatsAppAppSecret: "s"}, address, "FANFARE_WHATSAPP_VERIFY_TOKEN"},
		"slack":                     {chatConfig{SlackToken: "t", SlackSigningSecret: "s", SlackAppID: "A1"}, address, ""},
		"slack, no signing secret":  {chatConfig{SlackToken: "t", SlackAppID: "A1"}, address, "FANFARE_SLACK_SIGNING_SECRET"},
		"slack, no address":         {chatConfig{SlackToken: "t", SlackSigningSecret: "s", SlackAppID: "A1"}, "", "FANFARE_API_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := test.config.bots(test.apiURL, true)
			if err == nil {
				_, err = newBots(nil, nil, config, slog.New(slog.DiscardHandler))
			}
			switch {
			case test.err == "" && err != nil:
				t.Error(err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("%v does not name %s", err, test.err)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("%v tells a secret", err)
			}
		})
	}
}
