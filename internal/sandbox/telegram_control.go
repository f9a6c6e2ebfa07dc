package sandbox

import (
	"net/http"
	"strconv"
)

// handleTelegram adds the requests by which somebody is people in Telegram. Each takes the fields of its type.
//
//	GET  /_sandbox/telegram/bots        {"bots":[…]}
//	POST /_sandbox/telegram/bots        TelegramBot {"username","name","reads_all"} → 201 with "id" and "token"
//	POST /_sandbox/telegram/people      TelegramPerson {"first_name","last_name","username"} → 201 with "id"
//	POST /_sandbox/telegram/groups      TelegramGroup {"title","type","people"} → 201 {"chat"}
//	POST /_sandbox/telegram/say         TelegramSaying {"chat" or "bot","person","text","reply_to","kind","edit"} → 201 {"message_id"}
//	POST /_sandbox/telegram/press       TelegramPress {"chat" or "bot","person","message_id","data"} → 201 {"callback_query_id"}
//	POST /_sandbox/telegram/members     TelegramMembership {"chat","by","bot" or "person","status"}, or without chat {"bot","person",
//	                                    "status": "kicked" or "member"} to block a bot and let it in again → 204
//	POST /_sandbox/telegram/migrate     {"chat","by"} → 201 {"chat"}, the new one
//	POST /_sandbox/telegram/redeliver   {"bot","update_id"}, the last update where it is 0 → 204
//	GET  /_sandbox/telegram/chats       {"chats":[TelegramView…]}; with ?chat= and, for a person's, &bot=, that one
func (s *Sandbox) handleTelegram(handle func(string, http.HandlerFunc)) {
	handle("GET /_sandbox/telegram/bots", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"bots": s.TelegramBots()})
	})
	handle("POST /_sandbox/telegram/bots", made(s.AddTelegramBot, nil))
	handle("POST /_sandbox/telegram/people", made(s.AddTelegramPerson, nil))
	handle("POST /_sandbox/telegram/groups", made(s.AddTelegramGroup, func(id int64) any { return map[string]int64{"chat": id} }))
	handle("POST /_sandbox/telegram/say", made(s.TelegramSay, func(id int) any { return map[string]int{"message_id": id} }))
	handle("POST /_sandbox/telegram/press", made(s.TelegramPress, func(id string) any { return map[string]string{"callback_query_id": id} }))
	handle("POST /_sandbox/telegram/members", func(w http.ResponseWriter, r *http.Request) {
		var in TelegramMembership
		if readJSON(w, r, &in) {
			writeChanged(w, s.TelegramMember(in))
		}
	})
	type move struct {
		Chat int64 `json:"chat"`
		By   int64 `json:"by"`
	}
	handle("POST /_sandbox/telegram/migrate", made(func(in move) (int64, error) { return s.TelegramMigrate(in.Chat, in.By) },
		func(id int64) any { return map[string]int64{"chat": id} }))
	handle("POST /_sandbox/telegram/redeliver", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Bot      int64 `json:"bot"`
			UpdateID int64 `json:"update_id"`
		}
		if readJSON(w, r, &in) {
			writeChanged(w, s.TelegramRedeliver(in.Bot, in.UpdateID))
		}
	})
	handle("GET /_sandbox/telegram/chats", s.getTelegramChats)
}

// made answers 201 with what was made of a body, in the shape that show gives it.
func made[In, Out any](make func(In) (Out, error), show func(Out) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !readJSON(w, r, &in) {
			return
		}
		out, err := make(in)
		switch {
		case err != nil:
			writeChanged(w, err)
		case show != nil:
			writeJSON(w, http.StatusCreated, show(out))
		default:
			writeJSON(w, http.StatusCreated, out)
		}
	}
}

func (s *Sandbox) getTelegramChats(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("chat") {
		writeJSON(w, http.StatusOK, map[string]any{"chats": s.TelegramChats()})
		return
	}
	bot, _ := strconv.ParseInt(r.URL.Query().Get("bot"), 10, 64)
	chat, _ := strconv.ParseInt(r.URL.Query().Get("chat"), 10, 64)
	view, ok := s.TelegramChat(bot, chat)
	if !ok {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "there is no such chat"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"chats": []TelegramView{view}})
}
