package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/internal/conversation"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// sharedBot is the platform's id of the installation's bot at Telegram, the first that a sandbox makes.
const sharedBot = "7000000001"

// chatBots are the bots of an API whose platforms the sandbox is: two of the installation, one with links and, at Slack, one without.
func (w *world) chatBots(t testing.TB, o options, apiURL string, log *slog.Logger) *bots.Registry {
	t.Helper()
	config := bots.Config{
		Telegram:  bots.TelegramConfig{URL: w.boxURL + "/telegram", LinkURL: w.boxURL + "/telegram-me"},
		WhatsApp:  bots.WhatsAppConfig{URL: w.boxURL + "/whatsapp-graph/v26.0"},
		Slack:     bots.SlackConfig{URL: w.boxURL + "/slack/api"},
		PublicURL: apiURL,
	}
	if !o.noBots {
		config.Telegram.Token, config.Telegram.WebhookSecret = w.bot.Token, "a-secret-of-the-tests"
		config.Slack.Token, config.Slack.SigningSecret, config.Slack.AppID = "xoxb-1", "a-secret-of-the-tests", "A1"
	}
	registry, err := bots.New(o.pool, w.vault, config, log)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// telegramBot makes a bot in the sandbox.
func (w *world) telegramBot(t testing.TB) sandbox.TelegramBot {
	t.Helper()
	made, err := w.box.AddTelegramBot(sandbox.TelegramBot{Username: "b" + strings.ReplaceAll(uuid.NewString(), "-", "")[:20] + "_bot"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// ownBot gives a customer a Telegram bot, in place of those that it has.
func (w *world) ownBot(t testing.TB, customerID uuid.UUID) uuid.UUID {
	t.Helper()
	made, id := w.telegramBot(t), dbtest.NewID(t)
	plain := must(json.Marshal(bots.Secrets{Token: made.Token, WebhookSecret: bots.NewSecret()}))
	sealed, keyID, err := w.vault.SealWithID(plain, vault.BotCredential(customerID, id, "telegram"))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, "delete from bots where customer_id = $1", customerID) // there can be 20
	w.exec(t, "insert into bots (customer_id, id, platform, bot, name, username, credential, key_id) values ($1, $2, 'telegram', $3, 'Bot', $4, $5, $6)",
		customerID, id, strconv.FormatInt(made.ID, 10), made.Username, sealed, keyID)
	return id
}

// inBox does something in the sandbox that must be answered with the status.
func (w *world) inBox(t testing.TB, method, path string, body any, status int) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.boxURL+"/_sandbox/"+path, bytes.NewReader(must(json.Marshal(body))))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, response.StatusCode, status, text)
	}
	var answered map[string]any
	_ = json.Unmarshal(text, &answered)
	return answered
}

// hook delivers something to the API as anybody could, and gives the status and the body without the request's id.
func (w *world) hook(t testing.TB, path string, body []byte, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, strings.ReplaceAll(string(text), response.Header.Get("X-Request-ID"), "")
}

// updates counts what is written down of a bot.
func (w *world) updates(t testing.TB, bot string) int {
	t.Helper()
	return w.count(t, "select count(*) from chat_updates where bot = $1", bot)
}

func (w *world) awaitUpdates(t testing.TB, bot string, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d updates are written down", want), func() bool { return w.updates(t, bot) == want })
}

func TestTelegramDeliveries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	bot := w.telegramBot(t)
	path := "/v1/customers/" + c.customer.ID.String() + "/bots"
	made := w.call(t, c.owner, http.MethodPost, path, map[string]any{"platform": "telegram", "token": bot.Token})
	if made.status != http.StatusCreated {
		t.Fatalf("%d: %s", made.status, made.body)
	}
	own := into[api.NewBot](t, made)
	id := strconv.FormatInt(bot.ID, 10)
	if own.Bot.Bot != id || own.Username != bot.Username || strings.Contains(string(made.body), bot.Token) {
		t.Errorf("the bot is %s", made.body)
	}
	for _, c := range conversation.Commands {
		if menu := w.box.TelegramCommands(bot.ID); !strings.Contains(menu, c.Does) {
			t.Errorf("the menu %s lacks %s", menu, c.Name)
		}
	}
	person, err := w.box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		t.Helper()
		if _, err := w.box.TelegramSay(sandbox.TelegramSaying{Bot: bot.ID, Person: person.ID, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	say("hello")
	w.awaitUpdates(t, id, 1)
	update := w.count(t, "select update_id::bigint from chat_updates where bot = $1", id)
	if err := w.box.TelegramRedeliver(bot.ID, int64(update)); err != nil {
		t.Fatal(err)
	}
	say("and again")
	w.awaitUpdates(t, id, 2)

	body := []byte(fmt.Sprintf(`{"update_id":99,"message":{"message_id":1,"date":1700000000,"chat":{"id":%d,"type":"private"},"from":{"id":%d,"is_bot":false,"first_name":"A"},"text":"forged"}}`, person.ID, person.ID))
	const secretHeader = "X-Telegram-Bot-Api-Secret-Token"
	forged, forgedBody := w.hook(t, "/hooks/telegram/"+id, body, secretHeader, "wrong")
	unknown, unknownBody := w.hook(t, "/hooks/telegram/123456", body, secretHeader, "wrong")
	if forged != http.StatusUnauthorized || unknown != forged || strings.ReplaceAll(unknownBody, "123456", id) != forgedBody {
		t.Errorf("a forged delivery is answered %d %s, one to an unknown bot %d %s", forged, forgedBody, unknown, unknownBody)
	}
	if status, _ := w.hook(t, "/hooks/telegram/"+id, body); status != http.StatusUnauthorized {
		t.Errorf("without a secret: %d", status)
	}
	if status, _ := w.hook(t, "/hooks/telegram/"+id, bytes.Repeat([]byte("x"), 1<<20+1), secretHeader, "wrong"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 1 MiB: %d", status)
	}
	if n := w.updates(t, id); n != 2 {
		t.Errorf("%d updates are written down, want 2", n)
	}

	// What cannot be written down is told again, and is there then.
	w.exec(t, "revoke execute on function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb) from fanfare_login")
	before := w.box.Count("telegram.get_me")
	say("while the database is away")
	eventually(t, "a delivery is refused", func() bool { return strings.Contains(w.logs.String(), "a delivery could not be stored") })
	w.exec(t, "grant execute on function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb) to fanfare_login")
	w.awaitUpdates(t, id, 3)
	if w.box.Count("telegram.get_me") != before {
		t.Error("a delivery asks Telegram who the bot is")
	}
	for _, secret := range []string{bot.Token, "while the database is away", "and again"} {
		if strings.Contains(w.logs.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}

	// Another customer gets neither the bot nor a sight of it.
	other := w.cast(t)
	there := "/v1/customers/" + other.customer.ID.String() + "/bots"
	if r := w.call(t, other.owner, http.MethodPost, there, map[string]any{"platform": "telegram", "token": bot.Token}); r.status != http.StatusConflict {
		t.Errorf("another customer adds the same bot: %d %s", r.status, r.body)
	}
	if r := w.call(t, other.owner, http.MethodGet, there, nil); r.status != http.StatusOK || strings.Contains(string(r.body), id) {
		t.Errorf("another customer sees %d %s", r.status, r.body)
	}

	// A removed bot takes nothing any more.
	if r := w.call(t, c.owner, http.MethodDelete, path+"/"+own.ID.String(), nil); r.status != http.StatusNoContent {
		t.Fatalf("%d: %s", r.status, r.body)
	}
	if n := w.count(t, "select count(*) from bots where bot = $1", id); n != 0 {
		t.Error("the credential is still there")
	}
	say("is anybody there?")
	if status, _ := w.hook(t, "/hooks/telegram/"+id, body, secretHeader, "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a removed bot answers %d", status)
	}
	if n := w.updates(t, id); n != 0 {
		t.Errorf("%d updates are written down of a removed bot", n)
	}
}

// delivered are the sandbox's deliveries, and again gives one once more and what it was answered.
func (w *world) delivered(t testing.TB) []map[string]any {
	t.Helper()
	var list []map[string]any
	for _, d := range w.inBox(t, http.MethodGet, "deliveries", nil, http.StatusOK)["deliveries"].([]any) {
		list = append(list, d.(map[string]any))
	}
	return list
}

func (w *world) again(t testing.TB, delivery map[string]any, how map[string]any) int {
	t.Helper()
	answered := w.inBox(t, http.MethodPost, fmt.Sprintf("deliveries/%v/again", delivery["id"]), how, http.StatusOK)
	return int(answered["status"].(float64))
}

func TestWhatsAppDeliveries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	number := w.inBox(t, http.MethodPost, "whatsapp/numbers", map[string]any{"verified_name": "Northlight"}, http.StatusCreated)
	id := number["phone_number_id"].(string)
	path := "/v1/customers/" + c.customer.ID.String() + "/bots"
	made := into[api.NewBot](t, w.call(t, c.owner, http.MethodPost, path, map[string]any{
		"platform": "whatsapp", "token": number["access_token"], "phone_number_id": id, "app_secret": number["app_secret"],
	}))
	if made.VerifyToken == nil || made.WebhookURL == nil {
		t.Fatalf("%+v says nothing to be entered", made)
	}
	w.inBox(t, http.MethodPut, "whatsapp/numbers/"+id+"/webhook", map[string]any{"url": *made.WebhookURL, "verify_token": "wrong"}, http.StatusUnprocessableEntity)
	w.inBox(t, http.MethodPut, "whatsapp/numbers/"+id+"/webhook", map[string]any{"url": *made.WebhookURL, "verify_token": *made.VerifyToken}, http.StatusNoContent)
	w.inBox(t, http.MethodPost, "whatsapp/numbers/"+id+"/chats", map[string]any{"phone": "15551234567", "user_id": "US.1349", "name": "Ada"}, http.StatusCreated)
	w.inBox(t, http.MethodPost, "whatsapp/numbers/"+id+"/chats/US.1349/say", map[string]any{"text": "hello"}, http.StatusOK)
	w.awaitUpdates(t, id, 1)
	delivery := w.delivered(t)[0]
	if status := w.again(t, delivery, map[string]any{}); status != http.StatusOK {
		t.Errorf("told again: %d", status)
	}
	if status := w.again(t, delivery, map[string]any{"forged": true}); status != http.StatusUnauthorized {
		t.Errorf("forged: %d", status)
	}
	w.awaitUpdates(t, id, 1)
	// Meta's signature is good for ever, and what was handled a week ago is forgotten.
	message := func(id, from string, at time.Time) string {
		return fmt.Sprintf(`{"id":%q,"from_user_id":%q,"timestamp":"%d","type":"text","text":{"body":"publish it"}}`, id, from, at.Unix())
	}
	deliverAll := func(messages ...string) int {
		t.Helper()
		body := fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":%q},`+
			`"messages":[%s]}}]}]}`, id, strings.Join(messages, ","))
		mac := hmac.New(sha256.New, []byte(number["app_secret"].(string)))
		mac.Write(body)
		status, _ := w.hook(t, "/hooks/whatsapp/"+id, body, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		return status
	}
	deliver := func(id string, at time.Time) int {
		t.Helper()
		return deliverAll(message(id, "US.1349", at))
	}
	if status := deliver("wamid.old", time.Now().Add(-7*24*time.Hour)); status != http.StatusOK || w.updates(t, id) != 1 {
		t.Errorf("of a week ago: %d, %d updates", status, w.updates(t, id))
	}
	if status := deliver("wamid.late", time.Now().Add(-6*24*time.Hour)); status != http.StatusOK || w.updates(t, id) != 2 {
		t.Errorf("six days late: %d, %d updates", status, w.updates(t, id))
	}
	// What is of no time that there is, is not delivered for ever.
	for what, at := range map[string]time.Time{"the year 33658": time.Unix(1_000_000_000_000, 0), "tomorrow": time.Now().Add(24 * time.Hour)} {
		if status := deliver("wamid.later", at); status != http.StatusOK || w.updates(t, id) != 2 {
			t.Errorf("of %s: %d, %d updates", what, status, w.updates(t, id))
		}
	}
	// Very many chats of one bot are answered as ever, and not all written down.
	var flood []string
	for i := range 700 {
		flood = append(flood, message(fmt.Sprintf("wamid.flood%d", i), fmt.Sprintf("US.2%06d", i), time.Now()))
	}
	if status, n := deliverAll(flood...), w.updates(t, id); status != http.StatusOK || n < 290 || n > 350 {
		t.Errorf("a flood: %d, %d updates", status, n)
	}
	// What is said in a space is not lost for it: it is to be delivered again.
	w.exec(t, "delete from caller_rate_limits where caller = $1", "bot:whatsapp:"+id)
	w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, Platform: "whatsapp", Bot: id, Kind: "user", ExternalID: "US.1349"})
	w.exec(t, "update caller_rate_limits set tat = now() + interval '60 seconds' where caller = $1", "bots:"+c.customer.ID.String())
	if status, before := deliver("wamid.much", time.Now()), w.updates(t, id); status != http.StatusTooManyRequests || w.updates(t, id) != before {
		t.Errorf("a space of a customer whose bots are told too much: %d", status)
	}
	w.exec(t, "delete from caller_rate_limits where caller = $1", "bots:"+c.customer.ID.String())
	if status, n := deliver("wamid.much", time.Now()), w.count(t, "select count(*) from chat_updates where update_id = 'wamid.much'"); status != http.StatusOK || n != 1 {
		t.Errorf("delivered again: %d, %d updates", status, n)
	}
	w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
	before := w.updates(t, id)
	if status := deliver("wamid.archived", time.Now()); status != http.StatusOK || w.updates(t, id) != before {
		t.Errorf("to an archived customer's bot: %d, %d updates", status, w.updates(t, id)-before)
	}
	w.exec(t, "update customers set archived_at = null where id = $1", c.customer.ID)
	if status := deliver("wamid.restored", time.Now()); status != http.StatusOK || w.updates(t, id) != before+1 {
		t.Errorf("to a restored customer's bot: %d, %d updates", status, w.updates(t, id)-before)
	}
}

func TestSlackDeliveries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	app := w.inBox(t, http.MethodPost, "slack/apps", map[string]any{"name": "Fanfare"}, http.StatusCreated)
	id := app["app_id"].(string)
	team := w.inBox(t, http.MethodPost, "slack/teams", map[string]any{"name": "Northlight"}, http.StatusCreated)["team_id"].(string)
	installed := w.inBox(t, http.MethodPost, "slack/apps/"+id+"/install", map[string]any{"team": team}, http.StatusCreated)
	path := "/v1/customers/" + c.customer.ID.String() + "/bots"
	made := into[api.NewBot](t, w.call(t, c.owner, http.MethodPost, path, map[string]any{
		"platform": "slack", "token": installed["bot_token"], "signing_secret": app["signing_secret"],
	}))
	if made.WebhookURL == nil || made.ActionsURL == nil || made.Team != team {
		t.Fatalf("%+v says nothing to be entered", made)
	}
	w.inBox(t, http.MethodPut, "slack/apps/"+id+"/webhook", map[string]any{"events": *made.WebhookURL, "interactivity": *made.ActionsURL}, http.StatusNoContent)
	ada := w.inBox(t, http.MethodPost, "slack/teams/"+team+"/people", map[string]any{"name": "Ada", "handle": "ada"}, http.StatusCreated)["user_id"].(string)
	direct := w.inBox(t, http.MethodPost, "slack/teams/"+team+"/channels",
		map[string]any{"type": "im", "members": []any{ada, installed["bot_user_id"]}}, http.StatusCreated)["channel_id"].(string)
	w.inBox(t, http.MethodPost, "slack/teams/"+team+"/channels/"+direct+"/say", map[string]any{"user": ada, "text": "hello"}, http.StatusOK)
	w.awaitUpdates(t, id, 1)
	delivery := w.delivered(t)[0]
	for what, how := range map[string]map[string]any{"forged": {"forged": true}, "10 minutes late": {"late_seconds": 600}} {
		if status := w.again(t, delivery, how); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, status)
		}
	}
	if status := w.again(t, delivery, map[string]any{}); status != http.StatusOK {
		t.Errorf("told again: %d", status)
	}
	w.awaitUpdates(t, id, 1)
	// Whoever has the application's secret speaks for this workspace alone.
	elsewhere := w.inBox(t, http.MethodPost, "slack/teams", map[string]any{"name": "Elsewhere"}, http.StatusCreated)["team_id"].(string)
	other := w.inBox(t, http.MethodPost, "slack/apps/"+id+"/install", map[string]any{"team": elsewhere}, http.StatusCreated)
	ben := w.inBox(t, http.MethodPost, "slack/teams/"+elsewhere+"/people", map[string]any{"name": "Ben", "handle": "ben"}, http.StatusCreated)["user_id"].(string)
	there := w.inBox(t, http.MethodPost, "slack/teams/"+elsewhere+"/channels",
		map[string]any{"type": "im", "members": []any{ben, other["bot_user_id"]}}, http.StatusCreated)["channel_id"].(string)
	w.inBox(t, http.MethodPost, "slack/teams/"+elsewhere+"/channels/"+there+"/say", map[string]any{"user": ben, "text": "hello"}, http.StatusOK)
	w.awaitUpdates(t, id, 1)
	// Taken out of the workspace, it has left all of its chats.
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, ExternalID: "C1"})
	w.exec(t, "update spaces set platform = 'slack', bot = $2, team = $3, kind = 'group' where id = $1", space.ID, id, team)
	w.inBox(t, http.MethodPost, "slack/apps/"+id+"/uninstall", map[string]any{"team": team}, http.StatusOK)
	w.awaitUpdates(t, id, 2)
	if n := w.count(t, "select count(*) from chat_updates where bot = $1 and chat = 'C1' and body ->> 'Event' = $2", id, string(chat.Removed)); n != 1 {
		t.Error("the chats of the workspace are not told")
	}
}

// Of two changes of a bot at once, one is made, and the other told to look again: it would put back the secret that the first has replaced.
func TestBotChangedTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	number := w.inBox(t, http.MethodPost, "whatsapp/numbers", map[string]any{"verified_name": "Northlight"}, http.StatusCreated)
	made := into[api.NewBot](t, w.call(t, c.owner, http.MethodPost, c.path("/bots"), m{
		"platform": "whatsapp", "token": number["access_token"], "phone_number_id": number["phone_number_id"], "app_secret": number["app_secret"],
	}).want(t, http.StatusCreated))
	path := c.path("/bots/%s", made.ID)
	if err := w.box.AddFault(sandbox.Fault{Step: "whatsapp.number", Kind: sandbox.FaultSlow, DelayMS: 3000, Times: 1}); err != nil {
		t.Fatal(err)
	}
	before, slow := w.box.Count("whatsapp.number"), make(chan answer)
	go func() { slow <- w.call(t, c.owner, http.MethodPatch, path, m{"app_secret": "of the slow one"}) }()
	eventually(t, "the slow one asks Meta", func() bool { return w.box.Count("whatsapp.number") > before })
	w.call(t, c.owner, http.MethodPatch, path, m{"token": number["access_token"]}).want(t, http.StatusOK)
	(<-slow).want(t, http.StatusPreconditionFailed)
	w.call(t, c.owner, http.MethodPatch, path, m{"app_secret": "of a later one"}).want(t, http.StatusOK)
}
