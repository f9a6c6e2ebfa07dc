package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

// user is https://core.telegram.org/bots/api#user.
func (b *telegramBot) user() map[string]any {
	return map[string]any{"id": b.ID, "is_bot": true, "first_name": b.Name, "username": b.Username}
}

// user is https://core.telegram.org/bots/api#user.
func (p *TelegramPerson) user() map[string]any {
	user := map[string]any{"id": p.ID, "is_bot": false, "first_name": p.FirstName, "language_code": "en"}
	if p.LastName != "" {
		user["last_name"] = p.LastName
	}
	if p.Username != "" {
		user["username"] = p.Username
	}
	return user
}

// telegramChatShape is https://core.telegram.org/bots/api#chat. The caller holds s.mu.
func (s *Sandbox) telegramChatShape(chat *telegramChat) map[string]any {
	shape := map[string]any{"id": chat.ID, "type": chat.Type}
	if person := s.telegram().People[chat.ID]; person != nil {
		for _, name := range []string{"first_name", "last_name", "username"} {
			if value, ok := person.user()[name]; ok {
				shape[name] = value
			}
		}
		return shape
	}
	shape["title"] = chat.Title
	if chat.Type == "group" {
		shape["all_members_are_administrators"] = false
	}
	return shape
}

// telegramShape is https://core.telegram.org/bots/api#message; replies are shown in it, but none of theirs. The caller holds s.mu.
func (s *Sandbox) telegramShape(chat *telegramChat, m *TelegramMessage, replies bool) map[string]any {
	shape := map[string]any{"message_id": m.ID, "date": m.At.Unix(), "chat": s.telegramChatShape(chat)}
	st := s.telegram()
	switch {
	case chat.Type == "channel":
		shape["sender_chat"] = s.telegramChatShape(chat)
	case m.Bot && st.Bots[m.From] != nil:
		shape["from"] = st.Bots[m.From].user()
	case st.People[m.From] != nil:
		shape["from"] = st.People[m.From].user()
	}
	if !m.EditedAt.IsZero() {
		shape["edit_date"] = m.EditedAt.Unix()
	}
	if replies && m.ReplyTo != 0 {
		if to := chat.message(m.ReplyTo); to != nil {
			shape["reply_to_message"] = s.telegramShape(chat, to, false)
		}
	}
	text, entities := "text", "entities"
	switch m.Kind {
	case "service":
		for name, value := range m.Service {
			shape[name] = value
		}
	case "sticker":
		shape["sticker"] = map[string]any{
			"file_id": "CAACAgIAAxkBAAM", "file_unique_id": "AgADBQADwDZPE", "type": "regular", "width": 512, "height": 512,
			"is_animated": false, "is_video": false, "emoji": "👍",
		}
	case "photo":
		shape["photo"] = []any{map[string]any{
			"file_id": "AgACAgIAAxkBAAM", "file_unique_id": "AQADAgATqRkz", "width": 90, "height": 60, "file_size": 1024,
		}}
		text, entities = "caption", "caption_entities"
	}
	if m.Text != "" {
		shape[text] = m.Text
		if len(m.Entities) > 0 {
			shape[entities] = m.Entities
		}
	}
	if len(m.Buttons) > 0 {
		shape["reply_markup"] = map[string]any{"inline_keyboard": m.Buttons}
	}
	return shape
}

// telegramMemberChange is https://core.telegram.org/bots/api#chatmemberupdated. The caller holds s.mu.
func (s *Sandbox) telegramMemberChange(chat *telegramChat, by, who map[string]any, before, now string) map[string]any {
	member := func(status string) map[string]any {
		shape := map[string]any{"user": who, "status": status}
		switch status {
		case "kicked":
			shape["until_date"] = 0
		case "administrator":
			for _, right := range []string{
				"can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members",
				"can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
			} {
				shape[right] = false
			}
			if chat.Type == "channel" {
				shape["can_post_messages"] = true
			}
		}
		return shape
	}
	return map[string]any{
		"chat": s.telegramChatShape(chat), "from": by, "date": s.now().Unix(), "old_chat_member": member(before), "new_chat_member": member(now),
	}
}

var (
	telegramCommand = regexp.MustCompile(`(?:^|\s)(/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)`)
	telegramMention = regexp.MustCompile(`(?:^|[\s(])(@[A-Za-z0-9_]{4,32})`)
)

// telegramEntities finds what people's programs and the server mark in a text: commands and mentions.
func telegramEntities(text string) []telegramEntity {
	var found []telegramEntity
	for kind, pattern := range map[string]*regexp.Regexp{"bot_command": telegramCommand, "mention": telegramMention} {
		for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
			found = append(found, telegramEntity{Type: kind, Offset: utf16Length(text[:at[2]]), Length: utf16Length(text[at[2]:at[3]])})
		}
	}
	slices.SortFunc(found, func(a, b telegramEntity) int { return a.Offset - b.Offset })
	return found
}

// spreadTelegram tells a message to the bots that are to see it. The caller holds s.mu.
func (s *Sandbox) spreadTelegram(chat *telegramChat, m *TelegramMessage, kind string) {
	st := s.telegram()
	if chat.Type == "private" {
		s.addTelegramUpdate(st.Bots[chat.Bot], kind, s.telegramShape(chat, m, true))
		return
	}
	if chat.Type == "channel" {
		kind = strings.Replace(kind, "message", "channel_post", 1)
	}
	for id, status := range chat.Bots {
		bot := st.Bots[id]
		if bot == nil || m.Bot && m.Kind != "service" || !telegramIn(status) && !m.about(id) {
			continue
		}
		if chat.Type == "channel" || m.Kind == "service" || status == "administrator" || bot.ReadsAll || bot.meant(chat, m) {
			s.addTelegramUpdate(bot, kind, s.telegramShape(chat, m, true))
		}
	}
}

// about tells whether the message says that this bot left, which it still sees.
func (m *TelegramMessage) about(bot int64) bool {
	who, _ := m.Service["left_chat_member"].(map[string]any)
	return who != nil && who["id"] == bot
}

// meant tells whether a bot in privacy mode sees the message (https://core.telegram.org/bots/features#privacy-mode):
// commands for it, commands for anybody where it spoke last or is alone, mentions, and answers to it.
func (b *telegramBot) meant(chat *telegramChat, m *TelegramMessage) bool {
	if to := chat.message(m.ReplyTo); to != nil && to.Bot && to.From == b.ID {
		return true
	}
	if strings.Contains(strings.ToLower(m.Text), "@"+strings.ToLower(b.Username)) {
		return true
	}
	first := telegramCommand.FindString(m.Text)
	if first == "" || strings.Contains(first, "@") || !strings.HasPrefix(m.Text, "/") {
		return false
	}
	return chat.LastBot == b.ID || chat.LastBot == 0 && len(chat.Bots) == 1
}
