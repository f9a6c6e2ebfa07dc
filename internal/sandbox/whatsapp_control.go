package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// routeWhatsAppControl adds what the control API has for WhatsApp. What is said and done in chats is delivered to the number's
// webhook before it answers, with the deliveries and what their first tries were answered.
//
//	GET  /_sandbox/whatsapp/numbers                                  {"numbers":[…]}
//	POST /_sandbox/whatsapp/numbers                                  {"phone_number_id","display_phone_number","verified_name"} → 201 with the secrets
//	PUT  /_sandbox/whatsapp/numbers/{number}/webhook                 {"url","verify_token","retry_seconds","late_errors"} → 204
//	POST /_sandbox/whatsapp/numbers/{number}/chats                   {"phone","user_id","hides_phone","name","group_id","people"} → 201 {"chat"}
//	GET  /_sandbox/whatsapp/numbers/{number}/chats/{chat}            what the chat shows
//	POST /_sandbox/whatsapp/numbers/{number}/chats/{chat}/say        {"text","type","phone","reply_to"}
//	POST /_sandbox/whatsapp/numbers/{number}/chats/{chat}/press      {"message","button"}
//	POST /_sandbox/whatsapp/numbers/{number}/chats/{chat}/read       {"message"}
//	POST /_sandbox/whatsapp/numbers/{number}/chats/{chat}/block      {"blocked"}
//	POST /_sandbox/whatsapp/numbers/{number}/chats/{chat}/new-phone  {"phone","user_id"}
func (s *Sandbox) routeWhatsAppControl(handle func(string, http.HandlerFunc)) {
	const numbers = "/_sandbox/whatsapp/numbers"
	handle("GET "+numbers, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		list := []map[string]any{}
		for _, n := range s.state.WhatsApp.Numbers {
			list = append(list, map[string]any{"phone_number_id": n.ID, "display_phone_number": n.Display, "verified_name": n.Name, "webhook": n.Webhook})
		}
		s.mu.Unlock()
		slices.SortFunc(list, func(a, b map[string]any) int {
			return cmp.Compare(a["phone_number_id"].(string), b["phone_number_id"].(string))
		})
		writeJSON(w, http.StatusOK, map[string]any{"numbers": list})
	})
	handle("POST "+numbers, s.postWhatsAppNumber)
	handle("PUT "+numbers+"/{number}/webhook", s.putWhatsAppWebhook)
	handle("POST "+numbers+"/{number}/chats", s.postWhatsAppChat)
	handle("GET "+numbers+"/{number}/chats/{chat}", func(w http.ResponseWriter, r *http.Request) {
		var shown []byte
		err := s.inWhatsAppChat(r, func(_ *whatsappNumber, chat *whatsappChat) (err error) {
			shown, err = json.Marshal(chat)
			return err
		})
		if err != nil {
			writeChanged(w, err)
			return
		}
		writeJSON(w, http.StatusOK, json.RawMessage(shown))
	})
	handle("POST "+numbers+"/{number}/chats/{chat}/say", func(w http.ResponseWriter, r *http.Request) {
		var body whatsappSaying
		if readJSON(w, r, &body) {
			result, err := s.whatsappSay(r.Context(), r.PathValue("number"), r.PathValue("chat"), body)
			writeHappened(w, result, err)
		}
	})
	handle("POST "+numbers+"/{number}/chats/{chat}/press", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Message string `json:"message"`
			Button  string `json:"button"`
		}
		if readJSON(w, r, &body) {
			result, err := s.whatsappPress(r.Context(), r.PathValue("number"), r.PathValue("chat"), body.Message, body.Button)
			writeHappened(w, result, err)
		}
	})
	handle("POST "+numbers+"/{number}/chats/{chat}/read", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Message string `json:"message"`
		}
		if !readJSON(w, r, &body) {
			return
		}
		result, err := s.happen(r.Context(), func() (string, []*delivery, error) {
			number, chat, err := s.whatsappChat(r.PathValue("number"), r.PathValue("chat"))
			if err != nil {
				return "", nil, err
			}
			m := chat.message(body.Message)
			if m == nil || m.From != "" {
				return "", nil, fmt.Errorf("%w: the business said no %q there", errInput, body.Message)
			}
			m.Status = "read"
			return "", []*delivery{s.whatsappStatus(number, chat, m.ID, "read", nil)}, nil
		})
		writeHappened(w, result, err)
	})
	handle("POST "+numbers+"/{number}/chats/{chat}/block", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Blocked bool `json:"blocked"`
		}
		if readJSON(w, r, &body) {
			writeChanged(w, s.inWhatsAppChat(r, func(_ *whatsappNumber, chat *whatsappChat) error {
				chat.Blocked = body.Blocked
				return s.save()
			}))
		}
	})
	handle("POST "+numbers+"/{number}/chats/{chat}/new-phone", s.postWhatsAppNewPhone)
}

func (s *Sandbox) postWhatsAppNumber(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID      string `json:"phone_number_id"`
		Display string `json:"display_phone_number"`
		Name    string `json:"verified_name"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := cmp.Or(body.ID, "1"+strconv.Itoa(10_000_000_000_000+len(s.state.WhatsApp.Numbers)))
	if !phoneDigits.MatchString(id) || s.state.WhatsApp.Numbers[id] != nil {
		writeChanged(w, fmt.Errorf("%w: phone_number_id must be 5 to 20 digits that no number has yet", errInput))
		return
	}
	number := &whatsappNumber{
		ID: id, Account: "2" + id, Display: cmp.Or(body.Display, "+1 555 078 "+id[len(id)-4:]), Name: cmp.Or(body.Name, "Northlight"),
		Token: "EAA" + randomHex(40), Secret: randomHex(16), VerifyToken: randomHex(16),
	}
	s.state.WhatsApp.Numbers[id] = number
	s.secrets = append(s.secrets, number.Token, number.Secret, number.VerifyToken)
	writeMade(w, map[string]string{
		"phone_number_id": id, "display_phone_number": number.Display, "verified_name": number.Name,
		"access_token": number.Token, "app_secret": number.Secret, "verify_token": number.VerifyToken,
	}, s.save())
}

// putWhatsAppWebhook asks the address for the challenge, as Meta does, before it is taken
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests).
func (s *Sandbox) putWhatsAppWebhook(w http.ResponseWriter, r *http.Request) {
	var body struct {
		URL          string `json:"url"`
		VerifyToken  string `json:"verify_token"`
		RetrySeconds []int  `json:"retry_seconds"`
		LateErrors   bool   `json:"late_errors"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	number := s.state.WhatsApp.Numbers[r.PathValue("number")]
	if number != nil && body.VerifyToken == "" {
		body.VerifyToken = number.VerifyToken
	}
	s.mu.Unlock()
	if number == nil {
		writeChanged(w, fmt.Errorf("%w: there is no number %q", errInput, r.PathValue("number")))
		return
	}
	if err := verifyWebhook(r.Context(), body.URL, body.VerifyToken); err != nil {
		writeChanged(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	number.Webhook, number.VerifyToken, number.RetrySeconds, number.LateErrors = body.URL, body.VerifyToken, body.RetrySeconds, body.LateErrors
	writeChanged(w, s.save())
}

func verifyWebhook(ctx context.Context, address, token string) error {
	challenge := strconv.FormatInt(time.Now().UnixNano()%1_000_000_000, 10)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%w: url is not an address", errInput)
	}
	query := u.Query()
	query.Set("hub.mode", "subscribe")
	query.Set("hub.challenge", challenge)
	query.Set("hub.verify_token", token)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("%w: url is not an address", errInput)
	}
	resp, err := webhookClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: the address does not answer", errInput)
	}
	defer func() { _ = resp.Body.Close() }()
	answered, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if resp.StatusCode != http.StatusOK || string(answered) != challenge {
		return fmt.Errorf("%w: the address answers %d, and not with the challenge", errInput, resp.StatusCode)
	}
	return nil
}

func (s *Sandbox) postWhatsAppChat(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Phone      string          `json:"phone"`
		UserID     string          `json:"user_id"`
		HidesPhone bool            `json:"hides_phone"`
		Name       string          `json:"name"`
		Group      string          `json:"group_id"`
		People     []whatsappGuest `json:"people"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	number := s.state.WhatsApp.Numbers[r.PathValue("number")]
	var problem string
	switch {
	case number == nil:
		problem = "there is no such number"
	case body.Group == "" && !phoneDigits.MatchString(body.Phone):
		problem = "phone must be 5 to 20 digits"
	case body.Group != "" && (body.Phone != "" || body.UserID != "" || len(body.People) == 0):
		problem = "a group has people, and no phone"
	case body.HidesPhone && body.UserID == "":
		problem = "who hides their phone has a user_id"
	case number.chat(body.Phone) != nil || number.chat(body.UserID) != nil || number.chat(body.Group) != nil:
		problem = "the chat is there already"
	}
	if problem != "" {
		writeChanged(w, fmt.Errorf("%w: %s", errInput, problem))
		return
	}
	chat := &whatsappChat{
		Phone: body.Phone, UserID: body.UserID, HidesPhone: body.HidesPhone, Name: body.Name, Group: body.Group, People: body.People,
		Messages: []*chatMessage{},
	}
	number.Chats = append(number.Chats, chat)
	writeMade(w, map[string]string{"chat": chat.id()}, s.save())
}

// postWhatsAppNewPhone gives a person another number, which renews their user id, too.
func (s *Sandbox) postWhatsAppNewPhone(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Phone  string `json:"phone"`
		UserID string `json:"user_id"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	result, err := s.happen(r.Context(), func() (string, []*delivery, error) {
		number, chat, err := s.whatsappChat(r.PathValue("number"), r.PathValue("chat"))
		if err != nil {
			return "", nil, err
		}
		if chat.Group != "" || !phoneDigits.MatchString(body.Phone) || number.chat(body.Phone) != nil || (body.UserID == "") != (chat.UserID == "") {
			return "", nil, fmt.Errorf("%w: a person gets a number that is free, and another user_id if they have one", errInput)
		}
		system := map[string]any{
			"body": "User " + chat.Name + " changed from " + chat.Phone + " to " + body.Phone, "wa_id": body.Phone, "type": "user_changed_number",
		}
		message := map[string]any{
			"from": chat.Phone, "id": whatsappMessageID(), "timestamp": strconv.FormatInt(s.now().Unix(), 10), "type": "system", "system": system,
		}
		if chat.UserID != "" {
			system["user_id"], system["previous_user_id"], message["from_user_id"] = body.UserID, chat.UserID, body.UserID
		}
		chat.Phone, chat.UserID = body.Phone, body.UserID
		return "", []*delivery{s.whatsappTell(number, "system", map[string]any{"messages": []any{message}})}, nil
	})
	writeHappened(w, result, err)
}

// whatsappChat finds a chat. The caller holds s.mu.
func (s *Sandbox) whatsappChat(number, chat string) (*whatsappNumber, *whatsappChat, error) {
	n := s.state.WhatsApp.Numbers[number]
	if n == nil {
		return nil, nil, fmt.Errorf("%w: there is no number %q", errInput, number)
	}
	c := n.chat(chat)
	if c == nil {
		return nil, nil, fmt.Errorf("%w: there is no chat %q", errInput, chat)
	}
	return n, c, nil
}

func (s *Sandbox) inWhatsAppChat(r *http.Request, f func(*whatsappNumber, *whatsappChat) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, chat, err := s.whatsappChat(r.PathValue("number"), r.PathValue("chat"))
	if err != nil {
		return err
	}
	return f(number, chat)
}

func (c *whatsappChat) message(id string) *chatMessage {
	return messageIn(c.Messages, id)
}

// whatsappSaying is what somebody says.
type whatsappSaying struct {
	Text string `json:"text"`
	// Type is "text" unless it says otherwise; of the others only the type is told.
	Type string `json:"type"`
	// Phone says who of a group it is; empty is the first.
	Phone string `json:"phone"`
	// ReplyTo is the id of the message that it answers.
	ReplyTo string `json:"reply_to"`
}

func (s *Sandbox) whatsappSay(ctx context.Context, number, chat string, said whatsappSaying) (delivered, error) {
	return s.happen(ctx, func() (string, []*delivery, error) {
		n, c, err := s.whatsappChat(number, chat)
		if err != nil {
			return "", nil, err
		}
		message := map[string]any{"type": cmp.Or(said.Type, "text")}
		if message["type"] == "text" {
			if strings.TrimSpace(said.Text) == "" || utf16Length(said.Text) > whatsappTextLimit {
				return "", nil, fmt.Errorf("%w: text has 1 to 4096 characters", errInput)
			}
			message["text"] = map[string]any{"body": said.Text}
		} else {
			message[message["type"].(string)] = map[string]any{"id": randomHex(8)}
		}
		if said.ReplyTo != "" {
			message["context"] = c.context(n, said.ReplyTo)
		}
		return s.whatsappArrive(n, c, said.Phone, said.Text, message)
	})
}

// whatsappPress presses a reply button, or a row of a list.
func (s *Sandbox) whatsappPress(ctx context.Context, number, chat, id, button string) (delivered, error) {
	return s.happen(ctx, func() (string, []*delivery, error) {
		n, c, err := s.whatsappChat(number, chat)
		if err != nil {
			return "", nil, err
		}
		shown := c.message(id)
		if shown == nil {
			return "", nil, fmt.Errorf("%w: there is no message %q", errInput, id)
		}
		at := slices.IndexFunc(shown.Buttons, func(b chatButton) bool { return b.ID == button })
		if at < 0 {
			return "", nil, fmt.Errorf("%w: the message has no button %q", errInput, button)
		}
		b := shown.Buttons[at]
		reply := map[string]any{"id": b.ID, "title": b.Text}
		kind := "button_reply"
		if shown.Menu {
			kind = "list_reply"
			reply["description"] = b.Value
		}
		return s.whatsappArrive(n, c, "", b.Text, map[string]any{
			"type": "interactive", "interactive": map[string]any{"type": kind, kind: reply}, "context": c.context(n, id),
		})
	})
}

func (c *whatsappChat) context(number *whatsappNumber, id string) map[string]any {
	from := phoneNoise.Replace(number.Display)
	if m := c.message(id); m != nil && m.From != "" {
		from = m.From
	}
	return map[string]any{"from": from, "id": id}
}

// whatsappArrive lets a message come into a chat, and tells the business. The caller holds s.mu.
func (s *Sandbox) whatsappArrive(n *whatsappNumber, c *whatsappChat, phone, text string, message map[string]any) (string, []*delivery, error) {
	contact, from := map[string]any{"profile": map[string]any{"name": c.Name}}, cmp.Or(c.Phone, c.UserID)
	switch {
	case c.Group != "":
		guest := c.People[0]
		if phone != "" {
			at := slices.IndexFunc(c.People, func(g whatsappGuest) bool { return g.Phone == phone })
			if at < 0 {
				return "", nil, fmt.Errorf("%w: %q is not in the group", errInput, phone)
			}
			guest = c.People[at]
		}
		from = guest.Phone
		message["group_id"], message["from"] = c.Group, guest.Phone
		contact = map[string]any{"profile": map[string]any{"name": guest.Name}, "wa_id": guest.Phone}
	default:
		if c.UserID != "" {
			message["from_user_id"], contact["user_id"] = c.UserID, c.UserID
		}
		if !c.HidesPhone {
			message["from"], contact["wa_id"] = c.Phone, c.Phone
		}
	}
	now := s.now()
	id := whatsappMessageID()
	message["id"], message["timestamp"] = id, strconv.FormatInt(now.Unix(), 10)
	c.LastSaid = now
	c.Messages = append(c.Messages, &chatMessage{ID: id, From: from, Text: text, At: now})
	d := s.whatsappTell(n, message["type"].(string), map[string]any{"contacts": []any{contact}, "messages": []any{message}})
	return id, []*delivery{d}, nil
}

// whatsappStatus tells how far a message of the business is
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status). The caller holds s.mu.
func (s *Sandbox) whatsappStatus(n *whatsappNumber, c *whatsappChat, id, status string, problem map[string]any) *delivery {
	told := map[string]any{"id": id, "status": status, "timestamp": strconv.FormatInt(s.now().Unix(), 10)}
	switch {
	case c.Group != "":
		told["recipient_id"], told["recipient_type"] = c.Group, "group"
	default:
		if !c.HidesPhone {
			told["recipient_id"] = c.Phone
		}
		if c.UserID != "" {
			told["recipient_user_id"] = c.UserID
		}
	}
	if problem != nil {
		told["errors"] = []any{problem}
	}
	return s.whatsappTell(n, "status "+status, map[string]any{"statuses": []any{told}})
}

// whatsappTell begins a delivery to the number's webhook. The caller holds s.mu.
func (s *Sandbox) whatsappTell(n *whatsappNumber, what string, value map[string]any) *delivery {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]any{"display_phone_number": phoneNoise.Replace(n.Display), "phone_number_id": n.ID}
	body, err := json.Marshal(map[string]any{
		"object": "whatsapp_business_account",
		"entry":  []any{map[string]any{"id": n.Account, "changes": []any{map[string]any{"value": value, "field": "messages"}}}},
	})
	if err != nil {
		panic(err) // maps of plain values only
	}
	return s.post(delivery{Platform: "whatsapp", App: n.ID, URL: n.Webhook, ContentType: "application/json", Body: string(body), What: what})
}
