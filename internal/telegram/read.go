package telegram

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-telegram/bot/models"

	"fanfare/internal/chat"
)

// update is what is read of https://core.telegram.org/bots/api#update. The library's type is not used for the whole: it
// refuses an update for the sake of any part of it that it does not know, such as a new kind of forwarded message.
type update struct {
	ID           int64         `json:"update_id"`
	Message      *message      `json:"message"`
	ChannelPost  *message      `json:"channel_post"`
	Callback     *callback     `json:"callback_query"`
	MyChatMember *memberChange `json:"my_chat_member"`
	ChatMember   *memberChange `json:"chat_member"`
	// EditedMessage and EditedPost are there to be known, and ignored.
	EditedMessage *message `json:"edited_message"`
	EditedPost    *message `json:"edited_channel_post"`
}

// message is https://core.telegram.org/bots/api#message.
type message struct {
	ID              int64                  `json:"message_id"`
	From            *models.User           `json:"from"`
	SenderChat      *models.Chat           `json:"sender_chat"`
	Date            int64                  `json:"date"`
	Chat            models.Chat            `json:"chat"`
	AutomaticPost   bool                   `json:"is_automatic_forward"`
	ReplyTo         *repliedTo             `json:"reply_to_message"`
	Text            string                 `json:"text"`
	Entities        []models.MessageEntity `json:"entities"`
	Caption         string                 `json:"caption"`
	CaptionEntities []models.MessageEntity `json:"caption_entities"`
	NewMembers      []models.User          `json:"new_chat_members"`
	LeftMember      *models.User           `json:"left_chat_member"`
	MovedTo         int64                  `json:"migrate_to_chat_id"`
	MovedFrom       int64                  `json:"migrate_from_chat_id"`

	content
}

// content is what a message may hold in place of a text. Everything else without text is a word of Telegram itself, such as
// that a message was pinned.
type content struct {
	Animation json.RawMessage `json:"animation"`
	Audio     json.RawMessage `json:"audio"`
	Contact   json.RawMessage `json:"contact"`
	Dice      json.RawMessage `json:"dice"`
	Document  json.RawMessage `json:"document"`
	Location  json.RawMessage `json:"location"`
	Photo     json.RawMessage `json:"photo"`
	Poll      json.RawMessage `json:"poll"`
	Sticker   json.RawMessage `json:"sticker"`
	Story     json.RawMessage `json:"story"`
	Video     json.RawMessage `json:"video"`
	VideoNote json.RawMessage `json:"video_note"`
	Voice     json.RawMessage `json:"voice"`
}

// holdsMore tells whether there is something.
func (c content) holdsMore() bool {
	return slices.ContainsFunc([]json.RawMessage{
		c.Animation, c.Audio, c.Contact, c.Dice, c.Document, c.Location, c.Photo, c.Poll, c.Sticker, c.Story, c.Video, c.VideoNote, c.Voice,
	}, func(part json.RawMessage) bool { return part != nil })
}

// repliedTo is the message that another answers. In a forum each message answers the one that opened its topic.
type repliedTo struct {
	From         *models.User    `json:"from"`
	TopicCreated json.RawMessage `json:"forum_topic_created"`
}

// callback is https://core.telegram.org/bots/api#callbackquery.
type callback struct {
	ID   string       `json:"id"`
	From *models.User `json:"from"`
	// Message may be one that cannot be read any more, which still has its chat and id.
	Message *message `json:"message"`
	Data    string   `json:"data"`
}

// memberChange is https://core.telegram.org/bots/api#chatmemberupdated.
type memberChange struct {
	Chat models.Chat  `json:"chat"`
	From *models.User `json:"from"`
	Date int64        `json:"date"`
	Old  member       `json:"old_chat_member"`
	New  member       `json:"new_chat_member"`
}

// member is https://core.telegram.org/bots/api#chatmember.
type member struct {
	Status   models.ChatMemberType `json:"status"`
	User     *models.User          `json:"user"`
	IsMember bool                  `json:"is_member"`
}

// Read tells what an update says, for the bot whose update it is. An error is chat.ErrMalformed.
//
// The Person of what is said for a chat (a channel's posts, an anonymous administrator) is the zero one. What holds no
// text, such as a sticker, is Ignored, with Chat, Person, MessageID and Addressed, so that an answer can say so; Addressed
// is false for everything else that is Ignored. A press has no time.
func Read(body []byte, self Account) (chat.Update, error) {
	var in update
	if err := json.Unmarshal(body, &in); err != nil {
		return chat.Update{}, malformed("not an update")
	}
	if in.ID < 1 {
		return chat.Update{}, malformed("no update_id")
	}
	id, err := strconv.ParseInt(self.ID, 10, 64)
	if err != nil || id < 1 {
		return chat.Update{}, fmt.Errorf("telegram: no bot of id %q", self.ID)
	}
	out := chat.Update{ID: strconv.FormatInt(in.ID, 10), Order: in.ID, Event: chat.Ignored}
	r := reader{self: self, id: id, out: out}
	known := 0
	for _, there := range []bool{
		in.Message != nil, in.ChannelPost != nil, in.Callback != nil, in.MyChatMember != nil, in.ChatMember != nil, in.EditedMessage != nil, in.EditedPost != nil,
	} {
		if there {
			known++
		}
	}
	switch {
	case known > 1:
		return chat.Update{}, malformed("more than one thing happened")
	case in.Message != nil:
		err = r.message(in.Message)
	case in.ChannelPost != nil:
		err = r.message(in.ChannelPost)
	case in.Callback != nil:
		err = r.callback(in.Callback)
	case in.MyChatMember != nil:
		err = r.myMember(in.MyChatMember)
	case in.ChatMember != nil:
		err = r.member(in.ChatMember)
	}
	if err != nil {
		return chat.Update{}, err
	}
	return r.out, nil
}

func malformed(why string) error { return fmt.Errorf("%w: %s", chat.ErrMalformed, why) }

// reader reads one update.
type reader struct {
	self Account
	id   int64
	out  chat.Update
}

// chat reads in which chat it happened. Its type is what Telegram says it is.
func (r *reader) chat(in models.Chat) error {
	out := chat.Chat{Platform: chat.Telegram, Bot: r.self.ID, ID: strconv.FormatInt(in.ID, 10), Title: in.Title}
	switch in.Type {
	case models.ChatTypePrivate:
		out.Kind, out.Title = chat.User, name(in.FirstName, in.LastName)
	case models.ChatTypeGroup, models.ChatTypeSupergroup, models.ChatTypeChannel:
		out.Kind = chat.Group
	default:
		return malformed("unknown type of chat")
	}
	if in.ID == 0 {
		return malformed("a chat without id")
	}
	r.out.Chat = out
	return nil
}

func name(first, last string) string { return strings.TrimSpace(first + " " + last) }

func personOf(user models.User) chat.Person {
	return chat.Person{ID: strconv.FormatInt(user.ID, 10), Name: name(user.FirstName, user.LastName), Username: user.Username}
}

// people are those of them who are no bots.
func people(users []models.User) ([]chat.Person, error) {
	var found []chat.Person
	for _, user := range users {
		if user.ID < 1 {
			return nil, malformed("somebody without id")
		}
		if !user.IsBot {
			found = append(found, personOf(user))
		}
	}
	return found, nil
}

// person reads who did it.
func (r *reader) person(user *models.User) error {
	if user == nil || user.ID < 1 {
		return malformed("nobody did it")
	}
	if r.out.Chat.Kind == chat.User && r.out.Chat.ID != strconv.FormatInt(user.ID, 10) {
		return malformed("a private chat of somebody else")
	}
	r.out.Person = personOf(*user)
	return nil
}

// timeOf reads a Unix time. 0 is a message that cannot be read any more.
func timeOf(date int64) time.Time {
	if date <= 0 || date > chat.MaxSeconds {
		return time.Time{}
	}
	return time.Unix(date, 0).UTC()
}

func (r *reader) message(m *message) error {
	if err := r.chat(m.Chat); err != nil {
		return err
	}
	if m.ID < 1 {
		return malformed("a message without id")
	}
	r.out.MessageID, r.out.At = strconv.FormatInt(m.ID, 10), timeOf(m.Date)
	// What Telegram says of the chat comes before who is named as its sender, which may be a bot.
	switch {
	case m.MovedTo != 0:
		if m.MovedTo > 0 || r.out.Chat.Kind != chat.Group {
			return malformed("moved to what is no group")
		}
		r.out.Event, r.out.NewID = chat.Moved, strconv.FormatInt(m.MovedTo, 10)
		return nil
	case m.MovedFrom != 0:
		if m.MovedFrom > 0 || r.out.Chat.Kind != chat.Group {
			return malformed("moved from what is no group")
		}
		r.out.Event, r.out.OldID = chat.Arrived, strconv.FormatInt(m.MovedFrom, 10)
		return nil
	case len(m.NewMembers) > 0 || m.LeftMember != nil:
		return r.members(m)
	}
	if r.out.Chat.Kind == chat.User || m.SenderChat == nil && m.Chat.Type != models.ChatTypeChannel {
		if err := r.person(m.From); err != nil {
			return err
		}
		if m.From.IsBot {
			return nil
		}
	}
	if m.AutomaticPost {
		return nil
	}
	text, entities := m.Text, m.Entities
	if text == "" {
		text, entities = m.Caption, m.CaptionEntities
	}
	if text == "" && !m.holdsMore() {
		return nil
	}
	r.out.Text, r.out.Addressed = r.strip(text, entities)
	r.out.Addressed = r.out.Addressed || r.out.Chat.Kind == chat.User || r.answersUs(m.ReplyTo)
	if text != "" {
		r.out.Event = chat.Said
	}
	return nil
}

func (r *reader) answersUs(to *repliedTo) bool {
	return to != nil && to.TopicCreated == nil && to.From != nil && to.From.ID == r.id
}

// members reads who came or left. Of this bot itself my_chat_member tells.
func (r *reader) members(m *message) error {
	users, event := m.NewMembers, chat.Joined
	if m.LeftMember != nil {
		users, event = []models.User{*m.LeftMember}, chat.Left
	}
	found, err := people(users)
	if err != nil {
		return err
	}
	if m.From != nil && m.From.ID > 0 && !m.From.IsBot {
		r.out.Person = personOf(*m.From)
	}
	if len(found) > 0 {
		r.out.Event, r.out.People = event, found
	}
	return nil
}

func (r *reader) callback(c *callback) error {
	if c.Message == nil { // of a message that was sent by inline mode, in a chat that is not known
		return nil
	}
	if err := r.chat(c.Message.Chat); err != nil {
		return err
	}
	if c.Message.ID < 1 || c.ID == "" {
		return malformed("a press without id")
	}
	if err := r.person(c.From); err != nil {
		return err
	}
	if c.From.IsBot || c.Data == "" { // a game's button has none
		return nil
	}
	r.out.Event, r.out.Addressed = chat.Pressed, true
	r.out.MessageID, r.out.Button, r.out.Callback = strconv.FormatInt(c.Message.ID, 10), c.Data, c.ID
	return nil
}

// inside tells whether somebody is in the chat.
func (m member) inside() (bool, error) {
	switch m.Status {
	case models.ChatMemberTypeOwner, models.ChatMemberTypeAdministrator, models.ChatMemberTypeMember:
		return true, nil
	case models.ChatMemberTypeRestricted:
		return m.IsMember, nil
	case models.ChatMemberTypeLeft, models.ChatMemberTypeBanned:
		return false, nil
	}
	return false, malformed("unknown status of a member")
}

// change reads what both kinds of memberChange have.
func (r *reader) change(c *memberChange) (before, now bool, err error) {
	if err := r.chat(c.Chat); err != nil {
		return false, false, err
	}
	if err := r.person(c.From); err != nil {
		return false, false, err
	}
	if c.New.User == nil || c.New.User.ID < 1 {
		return false, false, malformed("nobody's membership")
	}
	r.out.At = timeOf(c.Date)
	if before, err = c.Old.inside(); err != nil {
		return false, false, err
	}
	now, err = c.New.inside()
	return before, now, err
}

func (r *reader) myMember(c *memberChange) error {
	before, now, err := r.change(c)
	switch {
	case err != nil:
		return err
	case c.New.User.ID != r.id:
		return malformed("the membership of another bot")
	case !now: // also where it was outside before: what is now counts
		r.out.Event = chat.Removed
	case !before:
		r.out.Event = chat.Added
	}
	return nil
}

func (r *reader) member(c *memberChange) error {
	before, now, err := r.change(c)
	switch {
	case err != nil:
		return err
	case c.New.User.IsBot || before == now:
		return nil
	case now:
		r.out.Event = chat.Joined
	default:
		r.out.Event = chat.Left
	}
	r.out.People = []chat.Person{personOf(*c.New.User)}
	return nil
}

// strip takes the bot's name out of a text, and tells whether the text is for it: a mention of it anywhere, or a command at
// the beginning that names it or nobody. Entities are in UTF-16 code units.
func (r *reader) strip(text string, entities []models.MessageEntity) (string, bool) {
	units := utf16.Encode([]rune(text))
	addressed := false
	type span struct{ from, to int }
	var cuts []span
	for _, entity := range entities {
		from, to := entity.Offset, entity.Offset+entity.Length
		if from < 0 || entity.Length < 1 || to < from || to > len(units) {
			continue
		}
		word := string(utf16.Decode(units[from:to]))
		switch entity.Type {
		case models.MessageEntityTypeMention:
			if r.self.Username != "" && strings.EqualFold(word, "@"+r.self.Username) {
				addressed, cuts = true, append(cuts, span{from, to})
			}
		case models.MessageEntityTypeTextMention:
			if entity.User != nil && entity.User.ID == r.id {
				addressed, cuts = true, append(cuts, span{from, to})
			}
		case models.MessageEntityTypeBotCommand:
			command, to, named := strings.Cut(word, "@")
			ours := named && r.self.Username != "" && strings.EqualFold(to, r.self.Username)
			if from == 0 && (ours || !named) {
				addressed = true
			}
			if ours {
				cuts = append(cuts, span{from + len(utf16.Encode([]rune(command))), entity.Offset + entity.Length})
			}
		}
	}
	slices.SortFunc(cuts, func(a, b span) int { return b.from - a.from })
	end := len(units)
	for _, cut := range cuts {
		if cut.to > end { // entities that overlap
			continue
		}
		end = cut.from
		// One of the two spaces around a name goes with it.
		if cut.from > 0 && cut.to < len(units) && units[cut.from-1] == ' ' && units[cut.to] == ' ' {
			cut.to++
		}
		units = slices.Delete(units, cut.from, cut.to)
	}
	return strings.TrimSpace(string(utf16.Decode(units))), addressed
}
