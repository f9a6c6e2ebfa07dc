package chat

import "github.com/google/uuid"

// BotInfo is a bot whose chats can be paired.
type BotInfo struct {
	Platform Platform
	// ID is the platform's id of the bot, as in Chat.Bot.
	ID string
	// Name is what people find it by there, such as @fanfare_bot.
	Name string
	// Owner is the customer whose own bot it is; nil: the installation's, for all customers.
	Owner *uuid.UUID
	// Link makes the address that opens a chat with the bot and hands it the token, such as
	// https://t.me/fanfare_bot?start=<token>. A token is 43 characters of the URL-safe base64 alphabet, which Telegram takes
	// (64 at most: https://core.telegram.org/bots/features#deep-linking). nil: the platform has no such addresses.
	Link func(token string) string
}
