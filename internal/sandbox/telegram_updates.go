package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

const (
	// telegramPast is how many past updates of a bot are kept, for another delivery.
	telegramPast = 1000
	// telegramKeeps is how long an update waits (https://core.telegram.org/bots/api#getting-updates).
	telegramKeeps = 24 * time.Hour
	// telegramMaxPoll is the longest wait of getUpdates.
	telegramMaxPoll = 50 * time.Second
	// telegramMaxWait is the longest wait between two deliveries to a webhook that fails.
	telegramMaxWait = 5 * time.Second
)

// telegramKinds are the kinds of updates that the sandbox has; those that are false are sent to bots that ask for them only.
var telegramKinds = map[string]bool{
	"message": true, "edited_message": true, "channel_post": true, "edited_channel_post": true, "callback_query": true,
	"my_chat_member": true, "chat_member": false,
}

// telegramLine is what of a bot's updates is not kept.
type telegramLine struct {
	// woken is closed when there is something new, and replaced.
	woken chan struct{}
	// poll is the getUpdates that waits.
	poll       *telegramPoll
	delivering bool
}

// line gives a bot's. The caller holds s.mu.
func (s *Sandbox) telegramLine(bot *telegramBot) *telegramLine {
	line := s.telegramLines[bot.ID]
	if line == nil {
		line = &telegramLine{woken: make(chan struct{})}
		s.telegramLines[bot.ID] = line
	}
	return line
}

// addTelegramUpdate puts an update in the bot's queue, if the bot wants its kind. The caller holds s.mu.
func (s *Sandbox) addTelegramUpdate(bot *telegramBot, kind string, object any) {
	wanted := telegramKinds[kind]
	if len(bot.Allowed) > 0 {
		wanted = slices.Contains(bot.Allowed, kind)
	}
	if !wanted {
		return
	}
	if bot.LastUpdate == 0 {
		bot.LastUpdate = 870_000_000 // they start from some positive number
	}
	bot.LastUpdate++
	body, err := json.Marshal(map[string]any{"update_id": bot.LastUpdate, kind: object})
	if err != nil {
		panic(err) // maps of plain values only
	}
	bot.Queue = append(bot.Queue, telegramUpdate{ID: bot.LastUpdate, Kind: kind, Body: body, At: s.now()})
	s.wakeTelegram(bot)
}

// wakeTelegram tells who waits for the bot's updates, and has them delivered. The caller holds s.mu.
func (s *Sandbox) wakeTelegram(bot *telegramBot) {
	line := s.telegramLine(bot)
	close(line.woken)
	line.woken = make(chan struct{})
	if bot.Webhook != nil && len(bot.Queue) > 0 && !line.delivering {
		line.delivering = true
		go s.deliverTelegram(bot)
	}
}

// settle takes the update at place i from the queue. The caller holds s.mu.
func (b *telegramBot) settle(i int) {
	update := b.Queue[i]
	b.Queue = slices.Delete(b.Queue, i, i+1)
	if !update.Again {
		b.Past = append(b.Past, update)
	}
	if over := len(b.Past) - telegramPast; over > 0 {
		b.Past = slices.Delete(b.Past, 0, over)
	}
}

// forget drops what has waited too long. The caller holds s.mu.
func (b *telegramBot) forget(now time.Time) {
	b.Queue = slices.DeleteFunc(b.Queue, func(u telegramUpdate) bool { return now.Sub(u.At) > telegramKeeps })
}

// telegramPoll is one getUpdates (https://core.telegram.org/bots/api#getupdates).
type telegramPoll struct {
	bot     *telegramBot
	params  telegramParams
	ended   bool // by another request
	refusal *telegramRefusal
}

var errTelegramPoll = telegramRefusal{status: http.StatusConflict,
	description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}

// awaitTelegram confirms what the request confirms, and waits until there are updates, its time is over, or another
// request takes its place.
func (s *Sandbox) awaitTelegram(ctx context.Context, poll *telegramPoll) {
	bot, p := poll.bot, poll.params
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.telegramLine(bot)
	if bot.Webhook != nil {
		poll.refusal = &telegramRefusal{status: http.StatusConflict,
			description: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
		return
	}
	allowed, refusal := telegramAllowed(p)
	if refusal != nil {
		poll.refusal = refusal
		return
	}
	if allowed != nil {
		bot.Allowed = *allowed
	}
	if line.poll != nil {
		line.poll.ended = true
	}
	line.poll = poll
	s.wakeTelegram(bot)
	offset := p.number("offset")
	if offset < 0 { // from the end of the queue
		offset = bot.LastUpdate + 1 + offset
	}
	for i := 0; i < len(bot.Queue); {
		if !bot.Queue[i].Again && bot.Queue[i].ID < offset {
			bot.settle(i)
			continue
		}
		i++
	}
	if err := s.save(); err != nil {
		poll.refusal = &telegramRefusal{status: http.StatusInternalServerError, description: "Internal Server Error: " + err.Error()}
		return
	}
	timer := time.NewTimer(min(time.Duration(max(p.number("timeout"), 0))*time.Second, telegramMaxPoll))
	defer timer.Stop()
	for over := false; !over && !poll.ended && bot.Webhook == nil && len(bot.Queue) == 0; {
		woken := line.woken
		s.mu.Unlock()
		select {
		case <-woken:
		case <-timer.C:
			over = true
		case <-ctx.Done():
			over = true
		}
		s.mu.Lock()
	}
}

// collectTelegram gives what a getUpdates has waited for. It runs with s.mu held.
func (s *Sandbox) collectTelegram(poll *telegramPoll) (any, bool, *telegramRefusal) {
	bot, line := poll.bot, s.telegramLine(poll.bot)
	switch {
	case poll.refusal != nil:
		return nil, false, poll.refusal
	case poll.ended:
		return nil, false, &errTelegramPoll
	}
	if line.poll == poll {
		line.poll = nil
	}
	if bot.Webhook != nil {
		return nil, false, &telegramRefusal{status: http.StatusConflict, description: "Conflict: terminated by setWebhook request"}
	}
	limit := int(poll.params.number("limit"))
	if limit < 1 || limit > 100 {
		limit = 100
	}
	bot.forget(s.now())
	updates, changed := []json.RawMessage{}, false
	for i := 0; i < len(bot.Queue) && len(updates) < limit; {
		updates = append(updates, bot.Queue[i].Body)
		if bot.Queue[i].Again {
			bot.settle(i)
			changed = true
			continue
		}
		i++
	}
	return updates, changed, nil
}

// telegramAllowed reads allowed_updates; nil where it is not given.
func telegramAllowed(p telegramParams) (*[]string, *telegramRefusal) {
	if p["allowed_updates"] == "" {
		return nil, nil
	}
	allowed := []string{}
	if err := json.Unmarshal([]byte(p["allowed_updates"]), &allowed); err != nil {
		return nil, telegramBad("can't parse allowed updates JSON object")
	}
	return &allowed, nil
}

var telegramSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// telegramSetWebhook is https://core.telegram.org/bots/api#setwebhook, as a Bot API server on one's own machine has it: the
// address may be http, and of this machine. It may be of no other: nothing leaves it.
func (s *Sandbox) telegramSetWebhook(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	if p["url"] == "" {
		return s.telegramDeleteWebhook(bot, p)
	}
	to, err := url.Parse(p["url"])
	switch {
	case err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" || to.User != nil:
		return nil, false, telegramBad("bad webhook: An HTTPS URL must be provided for webhook")
	case !loopback(to.Hostname()):
		return nil, false, telegramBad("bad webhook: the sandbox delivers on this machine only")
	case p["secret_token"] != "" && !telegramSecret.MatchString(p["secret_token"]):
		return nil, false, telegramBad("secret token contains unallowed characters")
	}
	connections := p.number("max_connections")
	if connections == 0 {
		connections = 40
	}
	allowed, refusal := telegramAllowed(p)
	if refusal != nil {
		return nil, false, refusal
	}
	if allowed != nil {
		bot.Allowed = *allowed
	}
	if p.flag("drop_pending_updates") {
		bot.Queue = nil
	}
	if p["secret_token"] != "" {
		s.noteSecret(p["secret_token"])
	}
	bot.Webhook = &telegramWebhook{URL: p["url"], Secret: p["secret_token"], MaxConnections: int(min(max(connections, 1), 100))}
	s.wakeTelegram(bot)
	return true, true, nil
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// telegramDeleteWebhook is https://core.telegram.org/bots/api#deletewebhook.
func (s *Sandbox) telegramDeleteWebhook(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	bot.Webhook = nil
	if p.flag("drop_pending_updates") {
		bot.Queue = nil
	}
	s.wakeTelegram(bot)
	return true, true, nil
}

// telegramWebhookInfo is https://core.telegram.org/bots/api#getwebhookinfo.
func (s *Sandbox) telegramWebhookInfo(bot *telegramBot, _ telegramParams) (any, bool, *telegramRefusal) {
	info := map[string]any{"url": "", "has_custom_certificate": false, "pending_update_count": len(bot.Queue)}
	if hook := bot.Webhook; hook != nil {
		info["url"], info["max_connections"] = hook.URL, hook.MaxConnections
		if hook.LastError != "" {
			info["last_error_date"], info["last_error_message"] = hook.LastErrorAt.Unix(), hook.LastError
		}
	}
	if len(bot.Allowed) > 0 {
		info["allowed_updates"] = bot.Allowed
	}
	return info, false, nil
}

// telegramDelivery sends to webhooks. It follows no redirect, as Telegram does not.
var telegramDelivery = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// deliverTelegram delivers a bot's updates to its webhook, one after the other, each until it is answered with 2xx.
func (s *Sandbox) deliverTelegram(bot *telegramBot) {
	wait := 100 * time.Millisecond
	for {
		s.mu.Lock()
		bot.forget(s.now())
		if bot.Webhook == nil || len(bot.Queue) == 0 {
			s.telegramLine(bot).delivering = false
			s.mu.Unlock()
			return
		}
		hook, update, woken := bot.Webhook, bot.Queue[0], s.telegramLine(bot).woken
		s.mu.Unlock()
		failure := postTelegram(hook.URL, hook.Secret, update.Body)
		s.mu.Lock()
		// What changed in the meantime is not undone: another webhook, and a queue that was dropped.
		if failure == "" {
			if len(bot.Queue) > 0 && bot.Queue[0].ID == update.ID && bot.Queue[0].Again == update.Again {
				bot.settle(0)
			}
		} else {
			hook.LastError, hook.LastErrorAt = failure, s.now()
		}
		if err := s.save(); err != nil {
			s.log.Error("sandbox state not saved", "err", err)
		}
		s.mu.Unlock()
		if failure == "" {
			wait = 100 * time.Millisecond
			continue
		}
		s.log.Info("sandbox delivery failed", "platform", "telegram", "account", bot.ID, "failure", failure)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			wait = min(2*wait, telegramMaxWait)
		case <-woken:
			timer.Stop()
		}
	}
}

// postTelegram delivers one update, and says why it failed in the words of getWebhookInfo.
func postTelegram(to, secret string, body []byte) (failure string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return "Wrong URL"
	}
	req.Header.Set("Content-Type", "application/json")
	if secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	resp, err := telegramDelivery.Do(req)
	if err != nil {
		return "Connection failed"
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "Wrong response from the webhook: " + resp.Status
	}
	return ""
}
