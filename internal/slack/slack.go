// Package slack speaks in Slack's conversations by the Web API, and reads what the Events API and interactive messages tell
// (https://docs.slack.dev/apis/events-api, https://docs.slack.dev/interactivity).
//
// It must not guess: the type of a conversation is told by Slack, or kept in the message whose button was pressed; the shape of
// an id says nothing.
package slack

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"fanfare/internal/chat"
)

// APIURL is the Web API.
const APIURL = "https://slack.com/api"

// Limits of messages, in characters
// (https://docs.slack.dev/reference/block-kit/blocks/section-block, …/actions-block, …/block-elements/button-element).
const (
	maxText       = 3000 // escaped
	maxButtonText = 75
	maxElements   = 25
	maxURL        = 3000
)

// Bot speaks as one application in one workspace. It is safe for concurrent use.
type Bot struct {
	api *slackapi.Client
}

var _ chat.Bot = (*Bot)(nil)

// New makes the bot of a bot token. apiURL is APIURL, or a sandbox's.
func New(apiURL, token string) *Bot {
	client := chat.NewClient()
	client.Transport = statusTransport{client.Transport}
	return &Bot{api: slackapi.New(token, slackapi.OptionAPIURL(strings.TrimRight(apiURL, "/")+"/"), slackapi.OptionHTTPClient(client))}
}

// Identity is who a bot is.
type Identity struct {
	// AppID is chat.Chat.Bot, and TeamID chat.Chat.Team.
	AppID, TeamID string
	// UserID is the bot user's id, which Read needs.
	UserID string
	// Name is the bot's, and Team the workspace's.
	Name, Team string
}

// Me asks who the bot is, which tells whether the token is good. It needs the scope users:read. Errors are *chat.Error.
func (b *Bot) Me(ctx context.Context) (Identity, error) {
	test, err := b.api.AuthTestContext(ctx)
	if err != nil {
		return Identity{}, failure(err)
	}
	if test.BotID == "" && test.UserID != "" {
		return Identity{}, &chat.Error{Class: chat.Credential, Status: http.StatusOK, Err: errors.New("slack: the token is not a bot's")}
	}
	info, err := b.api.GetBotInfoContext(ctx, slackapi.GetBotInfoParameters{Bot: test.BotID})
	if err != nil {
		return Identity{}, failure(err)
	}
	if !chat.IsID(info.AppID) || !chat.IsID(test.TeamID) || !chat.IsID(test.UserID) {
		return Identity{}, unexpected("the answer names no app, workspace or user")
	}
	return Identity{AppID: info.AppID, TeamID: test.TeamID, UserID: test.UserID, Name: info.Name, Team: test.Team}, nil
}

// Describe completes a chat with its kind and title, as Slack has them. It needs the scopes channels:read, groups:read, im:read
// and mpim:read. Errors are *chat.Error, and chat.ErrMalformed for a conversation of no known type.
func (b *Bot) Describe(ctx context.Context, of chat.Chat) (chat.Chat, error) {
	info, err := b.api.GetConversationInfoContext(ctx, &slackapi.GetConversationInfoInput{ChannelID: of.ID})
	if err != nil {
		return chat.Chat{}, failure(err)
	}
	switch {
	case info.ID != of.ID:
		return chat.Chat{}, unexpected("the answer is of another conversation")
	case info.IsIM:
		of.Kind, of.Title = chat.User, ""
	case info.IsChannel, info.IsGroup, info.IsMpIM:
		of.Kind, of.Title = chat.Group, chat.WithoutNUL(info.Name)
	default:
		return chat.Chat{}, fmt.Errorf("%w: a conversation of no known type", chat.ErrMalformed)
	}
	return of, nil
}

// Person tells what somebody in the workspace is called. It needs the scope users:read. Errors are *chat.Error.
func (b *Bot) Person(ctx context.Context, id string) (chat.Person, error) {
	user, err := b.api.GetUserInfoContext(ctx, id)
	if err != nil {
		return chat.Person{}, failure(err)
	}
	if user.ID != id {
		return chat.Person{}, unexpected("the answer is of another person")
	}
	name := cmp.Or(user.Profile.DisplayName, user.Profile.RealName, user.RealName)
	return chat.Person{ID: id, Name: chat.WithoutNUL(name), Username: chat.WithoutNUL(user.Name)}, nil
}

// Send says something and gives the timestamp of its last message, which is its id in the channel.
//
// A text longer than a message is several, sent one after the other: where one of them fails, those before it were sent. The
// buttons are below the last. m.Replaces is replaced by the first, or stays as it is where Slack does not let it be changed any more.
func (b *Bot) Send(ctx context.Context, to chat.Chat, m chat.Message) (string, error) {
	pieces := chat.Split(m.Text, maxText, escapedLength)
	if len(pieces) == 0 {
		return "", &chat.Error{Class: chat.Invalid, Err: errors.New("slack: a message needs a text")}
	}
	id := ""
	for i, piece := range pieces {
		// Slack parses no markup but its entities in a text that is not mrkdwn.
		escaped := escape(piece)
		options := []slackapi.MsgOption{
			slackapi.MsgOptionText(escaped, false), slackapi.MsgOptionDisableMarkdown(),
			slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl(),
		}
		var blocks []slackapi.Block
		if i == len(pieces)-1 {
			blocks = blocksOf(to.Kind, escaped, m.Buttons)
		}
		replaces := ""
		if i == 0 {
			replaces = m.Replaces
		}
		// An empty list takes the blocks of a replaced message away.
		if len(blocks) > 0 || replaces != "" {
			options = append(options, slackapi.MsgOptionBlocks(blocks...))
		}
		var err error
		if id, err = b.say(ctx, to.ID, replaces, options); err != nil {
			return "", err
		}
	}
	return id, nil
}

// say posts a message, or puts it in the place of another.
func (b *Bot) say(ctx context.Context, channel, replaces string, options []slackapi.MsgOption) (string, error) {
	var id string
	var err error
	if replaces != "" {
		_, id, _, err = b.api.UpdateMessageContext(ctx, channel, replaces, options...)
		var refused slackapi.SlackErrorResponse
		if errors.As(err, &refused) && unchangeable[refused.Err] {
			replaces = ""
		}
	}
	if replaces == "" {
		_, id, err = b.api.PostMessageContext(ctx, channel, options...)
	}
	if err != nil {
		return "", failure(err)
	}
	if _, ok := timeOf(id); !ok {
		return "", unexpected("the answer names no message")
	}
	return id, nil
}

// unchangeable are the errors of chat.update for a message that cannot be changed, or not any more
// (https://docs.slack.dev/reference/methods/chat.update).
var unchangeable = map[string]bool{"message_not_found": true, "cant_update_message": true, "edit_window_closed": true}

// Acknowledge does nothing: the answer 200 to the press ends the waiting.
func (b *Bot) Acknowledge(context.Context, string) error { return nil }

// blocksOf gives the blocks for a text with buttons; none without buttons. The kind of the chat is in the ids of the blocks,
// which come back with a press.
func blocksOf(kind chat.Kind, escaped string, rows [][]chat.Button) []slackapi.Block {
	blocks := []slackapi.Block{}
	number := 0
	// A message that is replaced has new ids, as Slack recommends.
	nonce := make([]byte, 4)
	_, _ = rand.Read(nonce) // never fails, by its documentation
	for _, row := range rows {
		for from := 0; from < len(row); from += maxElements {
			elements := []slackapi.BlockElement{}
			for _, button := range row[from:min(from+maxElements, len(row))] {
				element := slackapi.NewButtonBlockElement("button-"+strconv.Itoa(number), button.Data,
					slackapi.NewTextBlockObject(slackapi.PlainTextType, chat.Shorten(button.Text, maxButtonText, one), true, false))
				if button.URL != "" && len(button.URL) <= maxURL {
					element.URL, element.Value = button.URL, ""
				}
				elements = append(elements, element)
				number++
			}
			id := blockPrefix[kind] + hex.EncodeToString(nonce) + "-" + strconv.Itoa(len(blocks))
			blocks = append(blocks, slackapi.NewActionBlock(id, elements...))
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	text := slackapi.NewTextBlockObject(slackapi.MarkdownType, escaped, false, true)
	return append([]slackapi.Block{slackapi.NewSectionBlock(text, nil, nil)}, blocks...)
}

// blockPrefix begins the id of a block with buttons.
var blockPrefix = map[chat.Kind]string{chat.User: "user-", chat.Group: "group-"}

// escaper writes what Slack would read as markup
// (https://docs.slack.dev/messaging/formatting-message-text#escaping).
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(text string) string { return escaper.Replace(text) }

func one(rune) int { return 1 }

func escapedLength(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	}
	return 1
}

// statusTransport gives an answer that Slack did not make as one that fails, whatever its body.
type statusTransport struct{ http.RoundTripper }

// RoundTrip refuses a success that is no JSON, such as the page of a proxy.
func (t statusTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		_ = resp.Body.Close()
		return nil, errNotJSON
	}
	return resp, err
}

var errNotJSON = errors.New("slack: the answer is not JSON")

func unexpected(what string) error {
	return &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("slack: " + what)}
}

// failure makes a *chat.Error of the library's errors.
func failure(err error) error {
	var limited *slackapi.RateLimitedError
	var refused slackapi.SlackErrorResponse
	var status slackapi.StatusCodeError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var address *url.Error
	switch {
	case errors.As(err, &limited):
		e := &chat.Error{Class: chat.RateLimited, Status: http.StatusTooManyRequests, Err: errors.New("slack: ratelimited")}
		if limited.RetryAfter >= 0 && limited.RetryAfter <= 24*time.Hour {
			e.RetryAt = time.Now().Add(limited.RetryAfter)
		}
		return e
	case errors.As(err, &refused):
		return &chat.Error{Class: classOf(refused.Err), Status: http.StatusOK, Err: errors.New("slack: " + code(refused.Err))}
	case errors.As(err, &status):
		return &chat.Error{Class: classOfStatus(status.Code), Status: status.Code, Err: fmt.Errorf("slack: status %d", status.Code)}
	case errors.As(err, &syntax), errors.As(err, &kind):
		return unexpected("the answer is not JSON as documented")
	case errors.As(err, &address):
		return &chat.Error{Class: chat.Transient, Err: address.Err}
	default:
		return &chat.Error{Class: chat.Transient, Err: errors.New("slack: no answer that can be read")}
	}
}

// code keeps an error's code to what is one.
func code(text string) string {
	if len(text) > 100 || strings.ContainsFunc(text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		return "an error without a code"
	}
	return text
}

// classOf says what an error of the Web API means (https://docs.slack.dev/reference/methods/chat.postMessage#errors).
func classOf(code string) chat.Class {
	switch code {
	case "channel_not_found", "not_in_channel", "is_archived", "is_inactive", "messages_tab_disabled", "user_disabled":
		return chat.Gone
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission", "access_denied",
		"not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted", "two_factor_setup_required", "bot_not_found":
		return chat.Credential
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return chat.RateLimited
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited":
		return chat.Transient
	default:
		return chat.Invalid
	}
}

func classOfStatus(status int) chat.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return chat.RateLimited
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return chat.Credential
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return chat.Invalid
	default:
		return chat.Transient
	}
}
