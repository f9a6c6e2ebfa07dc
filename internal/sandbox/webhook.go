package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keptDeliveries is how many deliveries the state keeps.
const keptDeliveries = 1000

// delivery is what a chat service tells an application by a request to its webhook.
type delivery struct {
	ID string `json:"id"`
	// Platform is "whatsapp" or "slack", and App the number or the application whose webhook it is.
	Platform    string `json:"platform"`
	App         string `json:"app"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
	// What it tells, in the platform's word, such as "messages" or "app_mention".
	What string `json:"what"`
	// Tries are the answers' statuses; 0 is none in time.
	Tries []int `json:"tries"`
	// Next is when it is tried again; nil is never.
	Next *time.Time `json:"next,omitempty"`
}

// disguise is how a delivery is made again other than as it was.
type disguise struct {
	// Forged signs it with another secret.
	Forged bool `json:"forged"`
	// LateSeconds dates it back; only Slack's deliveries have a date.
	LateSeconds int `json:"late_seconds"`
}

// webhookClient delivers. Slack gives an application three seconds (https://docs.slack.dev/apis/events-api/#responding).
var webhookClient = &http.Client{
	Timeout:       3 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post begins a delivery. The caller holds s.mu, and calls attempt when it has let go of it.
func (s *Sandbox) post(d delivery) *delivery {
	d.ID = randomHex(8)
	s.state.Deliveries = append(s.state.Deliveries, &d)
	if over := len(s.state.Deliveries) - keptDeliveries; over > 0 {
		s.state.Deliveries = slices.Delete(s.state.Deliveries, 0, over)
	}
	return &d
}

// attempt makes the delivery's next try and gives the answer's status. Where it fails the platform tries again after its waits.
func (s *Sandbox) attempt(ctx context.Context, d *delivery) int {
	status := s.deliver(ctx, d, disguise{})
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Tries, d.Next = append(d.Tries, status), nil
	if waits := s.waits(d); d.URL != "" && status/100 != 2 && len(d.Tries) <= len(waits) {
		s.later(d, s.now().Add(waits[len(d.Tries)-1]))
	}
	if err := s.save(); err != nil {
		s.log.Error("sandbox state not saved", "err", err)
	}
	return status
}

// attemptAll makes the first tries of deliveries in their order.
func (s *Sandbox) attemptAll(list []*delivery) {
	for _, d := range list {
		s.attempt(context.Background(), d)
	}
}

// later tries the delivery again at a time. The caller holds s.mu.
func (s *Sandbox) later(d *delivery, at time.Time) {
	d.Next = &at
	time.AfterFunc(max(at.Sub(s.now()), 0), func() { s.attempt(context.Background(), d) })
}

// resumeDeliveries goes on with what was to be tried again when the sandbox was closed.
func (s *Sandbox) resumeDeliveries() {
	for _, d := range s.state.Deliveries {
		if d.Next != nil {
			s.later(d, *d.Next)
		}
	}
}

// waits are the times between the tries of a delivery. The caller holds s.mu.
func (s *Sandbox) waits(d *delivery) []time.Duration {
	switch d.Platform {
	case "slack":
		if app := s.state.Slack.Apps[d.App]; app != nil && d.ContentType == "application/json" {
			return retryWaits(app.RetrySeconds, slackRetries)
		}
	case "whatsapp":
		if number := s.state.WhatsApp.Numbers[d.App]; number != nil {
			return retryWaits(number.RetrySeconds, whatsappRetries)
		}
	}
	return nil
}

func retryWaits(ordered []int, usual []time.Duration) []time.Duration {
	if ordered == nil {
		return usual
	}
	waits := make([]time.Duration, len(ordered))
	for i, seconds := range ordered {
		waits[i] = time.Duration(seconds) * time.Second
	}
	return waits
}

// deliver sends a delivery once and gives the answer's status, 0 for none. The caller does not hold s.mu.
func (s *Sandbox) deliver(ctx context.Context, d *delivery, how disguise) int {
	s.mu.Lock()
	secret, now := s.webhookSecret(d), s.now().Add(-time.Duration(how.LateSeconds)*time.Second)
	tries, last := len(d.Tries), 0
	if tries > 0 {
		last = d.Tries[tries-1]
	}
	s.mu.Unlock()
	if how.Forged {
		secret = randomHex(16)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, d.URL, strings.NewReader(d.Body))
	if err != nil {
		s.log.Warn("sandbox delivery has no address", "platform", d.Platform, "app", d.App)
		return 0
	}
	req.Header.Set("Content-Type", d.ContentType)
	switch d.Platform {
	case "slack":
		stamp := strconv.FormatInt(now.Unix(), 10)
		req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
		req.Header.Set("X-Slack-Request-Timestamp", stamp)
		req.Header.Set("X-Slack-Signature", "v0="+signature(secret, "v0:"+stamp+":"+d.Body))
		if tries > 0 && d.ContentType == "application/json" {
			reason := "http_error"
			if last == 0 {
				reason = "http_timeout"
			}
			req.Header.Set("X-Slack-Retry-Num", strconv.Itoa(tries))
			req.Header.Set("X-Slack-Retry-Reason", reason)
		}
	default:
		req.Header.Set("User-Agent", "facebookexternalua")
		req.Header.Set("X-Hub-Signature-256", "sha256="+signature(secret, d.Body))
	}
	resp, err := webhookClient.Do(req)
	if err != nil {
		s.log.Info("sandbox delivery without an answer", "platform", d.Platform, "app", d.App, "what", d.What)
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	s.log.Info("sandbox delivery", "platform", d.Platform, "app", d.App, "what", d.What, "status", resp.StatusCode)
	return resp.StatusCode
}

// webhookSecret is what a delivery is signed with. The caller holds s.mu.
func (s *Sandbox) webhookSecret(d *delivery) string {
	if d.Platform == "slack" {
		if app := s.state.Slack.Apps[d.App]; app != nil {
			return app.Secret
		}
		return ""
	}
	if number := s.state.WhatsApp.Numbers[d.App]; number != nil {
		return number.Secret
	}
	return ""
}

func signature(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// delivered is what the control API answers for something that happened in a chat.
type delivered struct {
	// Message is the id of what was said; "" where nothing was.
	Message    string     `json:"message,omitempty"`
	Deliveries []reported `json:"deliveries"`
}

// reported is a delivery and what its first try was answered; 0 is nothing in time.
type reported struct {
	ID     string `json:"id"`
	What   string `json:"what"`
	Status int    `json:"status"`
}

// happen lets something happen with the state locked, saves it, and delivers what is to be told of it, one after the other.
func (s *Sandbox) happen(ctx context.Context, f func() (string, []*delivery, error)) (delivered, error) {
	s.mu.Lock()
	message, list, err := f()
	if err == nil {
		err = s.save()
	}
	s.mu.Unlock()
	if err != nil {
		return delivered{}, err
	}
	result := delivered{Message: message, Deliveries: []reported{}}
	for _, d := range list {
		result.Deliveries = append(result.Deliveries, reported{ID: d.ID, What: d.What, Status: s.attempt(ctx, d)})
	}
	return result, nil
}

// writeHappened answers the control API with what happened.
func writeHappened(w http.ResponseWriter, result delivered, err error) {
	if err != nil {
		writeChanged(w, err)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// routeWebhooks adds what the control API has for deliveries.
func (s *Sandbox) routeWebhooks(handle func(string, http.HandlerFunc)) {
	handle("GET /_sandbox/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		list := []delivery{}
		for _, d := range s.state.Deliveries {
			one := *d
			one.Tries = slices.Clone(d.Tries)
			list = append(list, one)
		}
		s.mu.Unlock()
		writeJSON(w, http.StatusOK, map[string]any{"deliveries": list})
	})
	handle("POST /_sandbox/deliveries/{id}/again", func(w http.ResponseWriter, r *http.Request) {
		var how disguise
		if !readJSON(w, r, &how) {
			return
		}
		s.mu.Lock()
		at := slices.IndexFunc(s.state.Deliveries, func(d *delivery) bool { return d.ID == r.PathValue("id") })
		var d *delivery
		if at >= 0 {
			d = s.state.Deliveries[at]
		}
		s.mu.Unlock()
		if d == nil {
			writeChanged(w, fmt.Errorf("%w: there is no delivery %q", errInput, r.PathValue("id")))
			return
		}
		writeJSON(w, http.StatusOK, map[string]int{"status": s.deliver(r.Context(), d, how)})
	})
}
