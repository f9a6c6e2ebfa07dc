package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// TelegramBot is a bot as its owner knows it.
type TelegramBot struct {
	ID int64 `json:"id"`
	// Token is the key of the Bot API.
	Token string `json:"token"`
	// Username is without @; it ends in "bot".
	Username string `json:"username"`
	Name     string `json:"name"`
	// ReadsAll: its privacy mode is off, so that it sees everything that is said in a group.
	ReadsAll bool `json:"reads_all,omitempty"`
}

// TelegramPerson is somebody in Telegram.
type TelegramPerson struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name,omitempty"`
	Username  string `json:"username,omitempty"`
}

// telegramChat is a chat. One of one person belongs to a bot; the others have any number of people and bots.
type telegramChat struct {
	ID    int64  `json:"id"`
	Type  string `json:"type"` // private, group, supergroup or channel
	Title string `json:"title,omitempty"`
	// Bot is whose private chat it is.
	Bot int64 `json:"bot,omitempty"`
	// Blocked: the person blocked the bot.
	Blocked bool `json:"blocked,omitempty"`
	// People are the members, and Bots those that are or were, by their status: member, administrator, left or kicked.
	People  []int64            `json:"people,omitempty"`
	Bots    map[int64]string   `json:"bots,omitempty"`
	MovedTo int64              `json:"moved_to,omitempty"`
	LastBot int64              `json:"last_bot,omitempty"`
	Said    []*TelegramMessage `json:"said,omitempty"`
}

// TelegramGroup orders a group.
type TelegramGroup struct {
	Title string `json:"title"`
	// Type is "group" (or ""), "supergroup" or "channel".
	Type   string  `json:"type"`
	People []int64 `json:"people"`
}

// TelegramSaying is something that a person says: in the group Chat, or else in their private chat with Bot, which begins
// with it.
type TelegramSaying struct {
	Chat   int64  `json:"chat"`
	Bot    int64  `json:"bot"`
	Person int64  `json:"person"`
	Text   string `json:"text"`
	// ReplyTo is the message that it answers; 0 for none.
	ReplyTo int `json:"reply_to"`
	// Kind is "" for text, "sticker", or "photo" with Text as its caption.
	Kind string `json:"kind"`
	// Edit is a message of theirs whose text it replaces; 0 for a new one.
	Edit int `json:"edit"`
}

// TelegramPress is the press of a button.
type TelegramPress struct {
	Chat      int64  `json:"chat"`
	Bot       int64  `json:"bot"`
	Person    int64  `json:"person"`
	MessageID int    `json:"message_id"`
	Data      string `json:"data"`
}

// TelegramMembership is a change of who is in a group; or, without a group, whether a person blocks a bot.
type TelegramMembership struct {
	Chat int64 `json:"chat"`
	// By is the person who does it.
	By int64 `json:"by"`
	// Bot or Person is whom it is about.
	Bot    int64 `json:"bot"`
	Person int64 `json:"person"`
	// Status is "member", "administrator" (bots), "left" or "kicked".
	Status string `json:"status"`
}

// TelegramView is what a chat shows.
type TelegramView struct {
	Chat     int64             `json:"chat"`
	Type     string            `json:"type"`
	Title    string            `json:"title"`
	Bot      int64             `json:"bot,omitempty"`
	Blocked  bool              `json:"blocked,omitempty"`
	MovedTo  int64             `json:"moved_to,omitempty"`
	Messages []TelegramMessage `json:"messages"`
	// Pressed are the callback queries, the oldest first.
	Pressed []TelegramPressed `json:"pressed"`
}

// TelegramPressed is a callback query.
type TelegramPressed struct {
	ID        string `json:"id"`
	MessageID int    `json:"message_id"`
	Person    int64  `json:"person"`
	Data      string `json:"data"`
	Answered  bool   `json:"answered"`
	Text      string `json:"text,omitempty"`
}

var telegramUsername = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{3,31}$`)

func telegramInput(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errInput, fmt.Errorf(format, args...))
}

// telegramKey finds a chat: ids above 0 are people, whose chat is each bot's own.
func telegramKey(bot, chat int64) string {
	if chat > 0 {
		return fmt.Sprintf("%d:%d", bot, chat)
	}
	return strconv.FormatInt(chat, 10)
}

// AddTelegramBot makes a bot with its token; one of that username stays as it is.
func (s *Sandbox) AddTelegramBot(b TelegramBot) (TelegramBot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.telegram()
	if !telegramUsername.MatchString(b.Username) || !strings.HasSuffix(strings.ToLower(b.Username), "bot") {
		return TelegramBot{}, telegramInput("a bot's username has 5 to 32 of A-Z, a-z, 0-9 and _, and ends in bot")
	}
	for _, other := range st.Bots {
		if strings.EqualFold(other.Username, b.Username) {
			return other.TelegramBot, nil
		}
	}
	if b.Name == "" {
		b.Name = b.Username
	}
	st.Made++
	b.ID = 7_000_000_000 + st.Made
	b.Token = s.noteSecret(fmt.Sprintf("%d:AA%s", b.ID, randomHex(17)[:33]))
	st.Bots[b.ID] = &telegramBot{TelegramBot: b}
	return b, s.save()
}

// AddTelegramPerson makes somebody; one of that username stays as they are.
func (s *Sandbox) AddTelegramPerson(p TelegramPerson) (TelegramPerson, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.telegram()
	switch {
	case p.FirstName == "" || utf8.RuneCountInString(p.FirstName) > 64:
		return TelegramPerson{}, telegramInput("a person has a first_name of 1 to 64 characters")
	case p.Username != "" && !telegramUsername.MatchString(p.Username):
		return TelegramPerson{}, telegramInput("a username has 4 to 32 of A-Z, a-z, 0-9 and _")
	}
	for _, other := range st.People {
		if p.Username != "" && strings.EqualFold(other.Username, p.Username) {
			return *other, nil
		}
	}
	st.Made++
	p.ID = 5_000_000_000 + st.Made // longer than 32 bits, as Telegram's are by now
	st.People[p.ID] = &p
	return p, s.save()
}

// AddTelegramGroup makes a group with people, and gives its id.
func (s *Sandbox) AddTelegramGroup(g TelegramGroup) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.telegram()
	if g.Type == "" {
		g.Type = "group"
	}
	switch {
	case g.Title == "":
		return 0, telegramInput("a group has a title")
	case !slices.Contains([]string{"group", "supergroup", "channel"}, g.Type):
		return 0, telegramInput("type %q is none of group, supergroup, channel", g.Type)
	}
	for _, person := range g.People {
		if st.People[person] == nil {
			return 0, telegramInput("there is no person %d", person)
		}
	}
	st.Made++
	chat := &telegramChat{ID: -4_000_000_000 - st.Made, Type: g.Type, Title: g.Title, People: slices.Clone(g.People), Bots: map[int64]string{}}
	if g.Type != "group" {
		chat.ID = -1_002_000_000_000 - st.Made
	}
	st.Chats[telegramKey(0, chat.ID)] = chat
	return chat.ID, s.save()
}

// telegramPlace finds the chat of a group's id, or a person's with a bot. The caller holds s.mu.
func (s *Sandbox) telegramPlace(chatID, botID, personID int64) (*telegramChat, *TelegramPerson, error) {
	st := s.telegram()
	person := st.People[personID]
	if person == nil {
		return nil, nil, telegramInput("there is no person %d", personID)
	}
	if chatID == 0 {
		if st.Bots[botID] == nil {
			return nil, nil, telegramInput("there is no bot %d", botID)
		}
		chat := st.Chats[telegramKey(botID, personID)]
		if chat == nil {
			chat = &telegramChat{ID: personID, Type: "private", Bot: botID}
		}
		return chat, person, nil
	}
	chat := st.Chats[telegramKey(0, chatID)]
	switch {
	case chat == nil || chatID > 0:
		return nil, nil, telegramInput("there is no group %d", chatID)
	case chat.MovedTo != 0:
		return nil, nil, telegramInput("the group %d is %d now", chatID, chat.MovedTo)
	}
	return chat, person, nil
}

// TelegramSay has a person say something, and gives the message's id.
func (s *Sandbox) TelegramSay(in TelegramSaying) (messageID int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chat, person, err := s.telegramPlace(in.Chat, in.Bot, in.Person)
	if err != nil {
		return 0, err
	}
	switch {
	case chat.Type != "private" && !slices.Contains(chat.People, person.ID):
		return 0, telegramInput("the person is not in the group")
	case chat.Blocked:
		return 0, telegramInput("the person blocks the bot")
	case !slices.Contains([]string{"", "sticker", "photo"}, in.Kind):
		return 0, telegramInput("kind %q is neither sticker nor photo", in.Kind)
	case in.Kind == "" && strings.TrimSpace(in.Text) == "", in.Kind == "sticker" && in.Text != "":
		return 0, telegramInput("a message has a text, and a sticker has none")
	case utf16Length(in.Text) > telegramMaxText:
		return 0, telegramInput("text is longer than %d", telegramMaxText) // people's programs cut it
	case in.ReplyTo != 0 && chat.message(in.ReplyTo) == nil:
		return 0, telegramInput("there is no message %d to answer", in.ReplyTo)
	}
	message := chat.message(in.Edit)
	kind := "message"
	if in.Edit == 0 {
		message = &TelegramMessage{From: person.ID, Text: in.Text, Kind: in.Kind, ReplyTo: in.ReplyTo, Entities: telegramEntities(in.Text)}
		if chat.Type == "channel" {
			message.From = 0
		}
		chat.add(message, s.now())
	} else {
		if message == nil || message.From != person.ID || message.Kind == "service" {
			return 0, telegramInput("there is no message %d of theirs", in.Edit)
		}
		message.Text, message.Entities, message.EditedAt, kind = in.Text, telegramEntities(in.Text), s.now(), "edited_message"
		message.Edits++
	}
	if chat.Type == "private" {
		s.telegram().Chats[telegramKey(chat.Bot, chat.ID)] = chat
	}
	s.spreadTelegram(chat, message, kind)
	return message.ID, s.save()
}

// TelegramPress has a person press a button, and gives the id of the callback query.
func (s *Sandbox) TelegramPress(in TelegramPress) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chat, person, err := s.telegramPlace(in.Chat, in.Bot, in.Person)
	if err != nil {
		return "", err
	}
	message := chat.message(in.MessageID)
	if message == nil || !message.Bot || !slices.ContainsFunc(slices.Concat(message.Buttons...), func(b TelegramButton) bool {
		return b.Data != "" && b.Data == in.Data
	}) {
		return "", telegramInput("the message %d has no button with that data", in.MessageID)
	}
	if chat.Type != "private" && !slices.Contains(chat.People, person.ID) {
		return "", telegramInput("the person is not in the group")
	}
	st := s.telegram()
	bot := st.Bots[message.From]
	st.Made++
	press := &telegramCallback{
		ID: strconv.FormatInt(4_000_000_000_000_000_000+st.Made, 10), Bot: bot.ID, Chat: telegramKey(bot.ID, chat.ID), Message: message.ID,
		Person: person.ID, Data: in.Data, At: s.now(),
	}
	st.Presses[press.ID] = press
	s.addTelegramUpdate(bot, "callback_query", map[string]any{
		"id": press.ID, "from": person.user(), "message": s.telegramShape(chat, message, true),
		"chat_instance": strconv.FormatInt(-chat.ID, 10), "data": press.Data,
	})
	return press.ID, s.save()
}

// TelegramMember changes who is in a group, or blocks a bot and lets it in again.
func (s *Sandbox) TelegramMember(in TelegramMembership) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := in.By
	if in.Chat == 0 {
		by = in.Person
	}
	chat, person, err := s.telegramPlace(in.Chat, in.Bot, by)
	if err != nil {
		return err
	}
	st := s.telegram()
	bot := st.Bots[in.Bot]
	switch {
	case !slices.Contains([]string{"member", "administrator", "left", "kicked"}, in.Status):
		return telegramInput("status %q is none of member, administrator, left, kicked", in.Status)
	case in.Chat == 0:
		blocked := in.Status == "kicked"
		if chat.Said == nil || chat.Blocked == blocked || !blocked && in.Status != "member" {
			return telegramInput("a chat that has begun is blocked with kicked, and let in again with member")
		}
		chat.Blocked = blocked
		from, to := "member", "kicked"
		if !blocked {
			from, to = to, from
		}
		s.addTelegramUpdate(bot, "my_chat_member", s.telegramMemberChange(chat, person.user(), bot.user(), from, to))
	case bot != nil && in.Person == 0:
		if chat.Bots[bot.ID] == in.Status {
			return telegramInput("the bot's status is %s already", in.Status)
		}
		s.setTelegramBot(chat, bot, person.user(), in.Status)
	case st.People[in.Person] != nil && in.Bot == 0:
		return s.setTelegramPerson(chat, st.People[in.Person], person, in.Status)
	default:
		return telegramInput("there is no such bot or person, or both are given")
	}
	return s.save()
}

// setTelegramBot changes a bot's status in a group and tells it. The caller holds s.mu.
func (s *Sandbox) setTelegramBot(chat *telegramChat, bot *telegramBot, by map[string]any, status string) {
	before := chat.Bots[bot.ID]
	if before == "" {
		before = "left"
	}
	chat.Bots[bot.ID] = status
	change := s.telegramMemberChange(chat, by, bot.user(), before, status)
	s.addTelegramUpdate(bot, "my_chat_member", change)
	inBefore, inNow := telegramIn(before), telegramIn(status)
	if inBefore == inNow || chat.Type == "channel" {
		return
	}
	service := &TelegramMessage{Kind: "service", Service: map[string]any{"new_chat_members": []any{bot.user()}}}
	if inBefore {
		service.Service = map[string]any{"left_chat_member": bot.user()}
	}
	service.From, _ = by["id"].(int64)
	service.Bot, _ = by["is_bot"].(bool)
	chat.add(service, s.now())
	s.spreadTelegram(chat, service, "message")
}

func telegramIn(status string) bool { return status == "member" || status == "administrator" }

// setTelegramPerson brings a person into a group or out of it. The caller holds s.mu.
func (s *Sandbox) setTelegramPerson(chat *telegramChat, person, by *TelegramPerson, status string) error {
	at := slices.Index(chat.People, person.ID)
	if status == "administrator" || (at >= 0) == telegramIn(status) {
		return telegramInput("the person's status cannot become %s", status)
	}
	service := &TelegramMessage{Kind: "service", From: by.ID}
	before := "left"
	if at < 0 {
		chat.People = append(chat.People, person.ID)
		service.Service = map[string]any{"new_chat_members": []any{person.user()}}
	} else {
		before = "member"
		chat.People = slices.Delete(chat.People, at, at+1)
		service.Service = map[string]any{"left_chat_member": person.user()}
	}
	if chat.Type != "channel" {
		chat.add(service, s.now())
		s.spreadTelegram(chat, service, "message")
	}
	for id, has := range chat.Bots {
		if bot := s.telegram().Bots[id]; bot != nil && has == "administrator" {
			s.addTelegramUpdate(bot, "chat_member", s.telegramMemberChange(chat, by.user(), person.user(), before, status))
		}
	}
	return s.save()
}

// TelegramMigrate makes a supergroup of a group, and gives its new id.
func (s *Sandbox) TelegramMigrate(chatID, by int64) (newID int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, person, err := s.telegramPlace(chatID, 0, by)
	if err != nil {
		return 0, err
	}
	if old.Type != "group" {
		return 0, telegramInput("only a group becomes a supergroup")
	}
	st := s.telegram()
	st.Made++
	chat := &telegramChat{ID: -1_002_000_000_000 - st.Made, Type: "supergroup", Title: old.Title, People: old.People, Bots: map[int64]string{}}
	for id, status := range old.Bots {
		chat.Bots[id] = status
	}
	st.Chats[telegramKey(0, chat.ID)] = chat
	to := &TelegramMessage{Kind: "service", From: person.ID, Service: map[string]any{"migrate_to_chat_id": chat.ID}}
	old.add(to, s.now())
	s.spreadTelegram(old, to, "message")
	from := &TelegramMessage{Kind: "service", From: person.ID, Service: map[string]any{"migrate_from_chat_id": old.ID}}
	chat.add(from, s.now())
	s.spreadTelegram(chat, from, "message")
	old.MovedTo = chat.ID
	return chat.ID, s.save()
}

// TelegramRedeliver delivers an update of a bot once more: id, or its last one where that is 0. It comes after what waits.
func (s *Sandbox) TelegramRedeliver(botID, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bot := s.telegram().Bots[botID]
	if bot == nil {
		return telegramInput("there is no bot %d", botID)
	}
	if id == 0 {
		id = bot.LastUpdate
	}
	for _, update := range slices.Concat(bot.Past, bot.Queue) {
		if update.ID == id {
			update.Again, update.At = true, s.now()
			bot.Queue = append(bot.Queue, update)
			s.wakeTelegram(bot)
			return s.save()
		}
	}
	return telegramInput("the bot has no update %d", id)
}

// TelegramChat gives what a group shows, or, with a person's id as its chat, their chat with the bot.
func (s *Sandbox) TelegramChat(botID, chatID int64) (TelegramView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chat := s.telegram().Chats[telegramKey(botID, chatID)]
	if chat == nil {
		return TelegramView{}, false
	}
	return s.viewTelegram(chat), true
}

// TelegramChats gives all chats, the busiest last.
func (s *Sandbox) TelegramChats() []TelegramView {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := []TelegramView{}
	for _, chat := range s.telegram().Chats {
		views = append(views, s.viewTelegram(chat))
	}
	last := func(v TelegramView) time.Time {
		if len(v.Messages) == 0 {
			return time.Time{}
		}
		return v.Messages[len(v.Messages)-1].At
	}
	slices.SortFunc(views, func(a, b TelegramView) int {
		if c := last(a).Compare(last(b)); c != 0 {
			return c
		}
		return strings.Compare(telegramKey(a.Bot, a.Chat), telegramKey(b.Bot, b.Chat))
	})
	return views
}

// viewTelegram copies what a chat shows. The caller holds s.mu.
func (s *Sandbox) viewTelegram(chat *telegramChat) TelegramView {
	st := s.telegram()
	view := TelegramView{
		Chat: chat.ID, Type: chat.Type, Title: chat.Title, Bot: chat.Bot, Blocked: chat.Blocked, MovedTo: chat.MovedTo,
		Messages: []TelegramMessage{}, Pressed: []TelegramPressed{},
	}
	if person := st.People[chat.ID]; person != nil {
		view.Title = strings.TrimSpace(person.FirstName + " " + person.LastName)
	}
	for _, message := range chat.Said {
		if !message.Deleted {
			view.Messages = append(view.Messages, *message)
		}
	}
	for _, press := range st.Presses {
		if press.Chat == telegramKey(press.Bot, chat.ID) && (chat.Bot == 0 || chat.Bot == press.Bot) {
			view.Pressed = append(view.Pressed, TelegramPressed{
				ID: press.ID, MessageID: press.Message, Person: press.Person, Data: press.Data, Answered: !press.Answered.IsZero(), Text: press.Text,
			})
		}
	}
	slices.SortFunc(view.Pressed, func(a, b TelegramPressed) int { return strings.Compare(a.ID, b.ID) })
	return view
}

// TelegramPending tells how many updates wait for a bot.
func (s *Sandbox) TelegramPending(botID int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bot := s.telegram().Bots[botID]; bot != nil {
		return len(bot.Queue)
	}
	return 0
}

// add puts a message into the chat and gives it an id.
func (c *telegramChat) add(m *TelegramMessage, now time.Time) {
	m.ID, m.At = len(c.Said)+1, now.UTC().Truncate(time.Second)
	c.Said = append(c.Said, m)
}

// message finds one that is not deleted.
func (c *telegramChat) message(id int) *TelegramMessage {
	if id < 1 || id > len(c.Said) || c.Said[id-1].Deleted {
		return nil
	}
	return c.Said[id-1]
}
