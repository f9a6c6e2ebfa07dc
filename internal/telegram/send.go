package telegram

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"fanfare/internal/chat"
)

// maxText is how long a message may be (https://core.telegram.org/bots/api#sendmessage), in UTF-16 code units.
const maxText = 4096

// keyboard is an inline keyboard. The library's own type gives each button an empty copy_text, too.
type keyboard struct {
	Rows [][]button `json:"inline_keyboard"`
}

type button struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Send says something and gives the message's id. A text longer than maxText becomes several messages; the buttons are
// below the last, whose id it gives. Where the earlier message cannot be changed any more, a new one takes its place.
// A chat that became a supergroup is an error with NewID.
func (b *Bot) Send(ctx context.Context, to chat.Chat, m chat.Message) (id string, err error) {
	chatID, err := strconv.ParseInt(to.ID, 10, 64)
	if err != nil || to.Platform != chat.Telegram || to.Bot != b.id {
		return "", &chat.Error{Class: chat.Invalid, Err: errors.New("not a chat of this bot")}
	}
	parts := chat.Split(strings.ToValidUTF8(m.Text, "\uFFFD"), maxText, utf16.RuneLen)
	if len(parts) == 0 {
		return "", &chat.Error{Class: chat.Invalid, Err: errors.New("telegram: a message needs a text")}
	}
	for i, part := range parts {
		var markup models.ReplyMarkup
		if i == len(parts)-1 {
			markup = markupOf(m.Buttons)
		}
		replaces := ""
		if i == 0 {
			replaces = m.Replaces
		}
		if id, err = b.sendPart(ctx, chatID, part, markup, replaces); err != nil {
			return "", b.explain(ctx, chatID, err)
		}
	}
	return id, nil
}

func markupOf(rows [][]chat.Button) models.ReplyMarkup {
	markup := keyboard{}
	for _, row := range rows {
		buttons := []button{}
		for _, one := range row {
			if one.URL != "" {
				one.Data = ""
			}
			buttons = append(buttons, button{Text: one.Text, Data: one.Data, URL: one.URL})
		}
		if len(buttons) > 0 {
			markup.Rows = append(markup.Rows, buttons)
		}
	}
	if markup.Rows == nil {
		return nil
	}
	return markup
}

// Telegram fetches the pages of links for its previews, and so would tell others of a post that is not published yet.
var noPreview = &models.LinkPreviewOptions{IsDisabled: bot.True()}

// sendPart sends one message, or changes the one that it replaces.
func (b *Bot) sendPart(ctx context.Context, chatID int64, text string, markup models.ReplyMarkup, replaces string) (string, error) {
	if messageID, err := strconv.Atoi(replaces); err == nil && messageID > 0 {
		_, err := b.api.EditMessageText(ctx, &bot.EditMessageTextParams{
			ChatID: chatID, MessageID: messageID, Text: text, LinkPreviewOptions: noPreview, ReplyMarkup: markup,
		})
		var e *chat.Error
		if err = failure(err); err == nil || notModified(err) {
			return replaces, nil
		} else if errors.As(err, &e) && e.Class != chat.Invalid {
			return "", err
		}
		// The message is gone, or too old to be changed.
	}
	sent, err := b.api.SendMessage(ctx, &bot.SendMessageParams{
		ChatID: chatID, Text: text, LinkPreviewOptions: noPreview, ReplyMarkup: markup,
	})
	if err != nil {
		return "", failure(err)
	}
	if sent.ID < 1 {
		return "", &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("the answer names no message")}
	}
	return strconv.Itoa(sent.ID), nil
}

// notModified: the message is already as it is to be, which a repetition finds. It has no code of its own; if its words
// changed, a new message would be sent.
func notModified(err error) bool {
	var e *chat.Error
	var words *refusal
	return errors.As(err, &e) && e.Class == chat.Invalid && errors.As(e.Err, &words) && strings.Contains(words.description, "message is not modified")
}

// explain finds out whether a message is refused because there is no such chat for the bot: then the chat itself is
// refused, too, with the same status.
func (b *Bot) explain(ctx context.Context, chatID int64, err error) error {
	var e *chat.Error
	if !errors.As(err, &e) || e.Class != chat.Invalid {
		return err
	}
	_, asked := b.api.GetChat(ctx, &bot.GetChatParams{ChatID: chatID})
	var missing *chat.Error
	if errors.As(failure(asked), &missing) && (missing.Class == chat.Invalid || missing.Class == chat.Gone) {
		e.Class = chat.Gone
	}
	return err
}

// Acknowledge ends the waiting that a pressed button shows. A press that is too old to be answered waits no more.
func (b *Bot) Acknowledge(ctx context.Context, callback string) error {
	if callback == "" {
		return nil
	}
	_, err := b.api.AnswerCallbackQuery(ctx, &bot.AnswerCallbackQueryParams{CallbackQueryID: callback})
	var e *chat.Error
	if err = failure(err); errors.As(err, &e) && e.Class == chat.Invalid {
		return nil
	}
	return err
}
