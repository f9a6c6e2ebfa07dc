package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/internal/slack"
)

const (
	// maxDelivery bounds what a platform delivers at once, in bytes. No platform sends as much.
	maxDelivery = 1 << 20
	// deliveryTimeout bounds reading it and writing it down. Slack waits for 3 seconds, and delivers again what took longer.
	deliveryTimeout = 8 * time.Second
	// laterDelivery is after how long what was too much may be delivered again: some of it is taken by then.
	laterDelivery = 15 * time.Second
)

// registerHooks takes what platforms deliver to bots. These are the platforms' protocols and no operations of the API: what was
// signed is the body as it came, in the type that the platform has chosen, and what is answered is theirs to say, too.
func (a *API) registerHooks(mux *http.ServeMux) {
	if a.ChatBots == nil {
		return
	}
	mux.HandleFunc("POST /hooks/telegram/{bot}", a.delivery(chat.Telegram))
	mux.HandleFunc("POST /hooks/whatsapp/{bot}", a.delivery(chat.WhatsApp))
	mux.HandleFunc("GET /hooks/whatsapp/{bot}", a.challenge)
	mux.HandleFunc("POST /hooks/slack/{bot}/events", a.delivery(chat.Slack))
	mux.HandleFunc("POST /hooks/slack/{bot}/actions", a.delivery(chat.Slack))
}

// delivery takes a delivery: it is written down, and a worker does what is to be done. 200 says that all of it is there; after
// 429 and 5xx the platform delivers it again. What is the platform's and cannot be understood is 200 too, or it would come for ever.
func (a *API) delivery(of chat.Platform) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), deliveryTimeout)
		defer cancel()
		deadline, _ := ctx.Deadline()
		if err := http.NewResponseController(w).SetReadDeadline(deadline); err != nil {
			a.log.DebugContext(ctx, "reading has no deadline", "error", err)
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
		if err != nil {
			a.write(w, r, unreadable(err))
			return
		}
		bot, p := a.receiver(ctx, of, r, func(bot *bots.Bot) error { return bot.Verify(r.Header, body) })
		if p != nil {
			a.write(w, r, p)
			return
		}
		if of == chat.Slack {
			if challenge, ok := slack.Challenge(body); ok {
				a.writeText(w, r, challenge)
				return
			}
		}
		log := a.log.With("platform", of, "bot", bot.ID, "request_id", requestID(ctx))
		updates, err := bot.Read(ctx, body)
		switch {
		case errors.Is(err, chat.ErrMalformed):
			log.WarnContext(ctx, "a platform delivers something that is not understood", "error", err)
		case err != nil:
			log.WarnContext(ctx, "a delivery cannot be read at the moment", "error", err)
			a.write(w, r, unavailable())
			return
		}
		switch err := a.ChatBots.Receive(ctx, updates); {
		case errors.Is(err, bots.ErrLater):
			log.WarnContext(ctx, "a delivery is put off", "error", err)
			p := problem(http.StatusTooManyRequests, "The customer's bots have brought more in a minute than is taken of them. Deliver this again later.")
			p.retryAfter = laterDelivery
			a.write(w, r, p)
		case err != nil:
			log.WarnContext(ctx, "a delivery could not be stored", "error", err)
			a.write(w, r, unavailable())
		default:
			w.WriteHeader(http.StatusOK)
		}
	}
}

// challenge answers Meta, who asks whether an address of deliveries is ours.
func (a *API) challenge(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deliveryTimeout)
	defer cancel()
	var challenge string
	_, p := a.receiver(ctx, chat.WhatsApp, r, func(bot *bots.Bot) (err error) {
		challenge, err = bot.Challenge(r.URL.Query())
		return err
	})
	if p != nil {
		a.write(w, r, p)
		return
	}
	a.writeText(w, r, challenge)
}

// receiver finds the bot that a delivery is for, and has it verified. An unknown bot is answered as a forged delivery is, and
// after the same work; both are charged to the address, as refused credentials are.
func (a *API) receiver(ctx context.Context, of chat.Platform, r *http.Request, verify func(*bots.Bot) error) (*bots.Bot, *Problem) {
	bot, err := a.ChatBots.Bot(ctx, of, r.PathValue("bot"))
	if err != nil {
		a.log.WarnContext(ctx, "a bot cannot be looked up", "platform", of, "error", err, "request_id", requestID(ctx))
		return nil, unavailable()
	}
	known := bot != nil
	if !known {
		bot = bots.Nobodys(of)
	}
	err = verify(bot)
	switch {
	case err == nil && known:
		return bot, nil
	case errors.Is(err, chat.ErrMalformed) && known:
		return nil, problem(http.StatusBadRequest, "The request is not what the platform sends.")
	}
	within, cancel := context.WithTimeout(ctx, chargeTimeout)
	defer cancel()
	limit := unauthenticatedLimit.of(unauthenticatedEndpoint)
	if _, err := a.db.ChargeAddress(within, clientAddress(ctx), limit); isLimited(err) {
		return nil, a.explain(ctx, err)
	}
	return nil, problem(http.StatusUnauthorized, "The delivery is not signed by the platform, or there is no such bot.")
}

// unreadable says why a body could not be read.
func unreadable(err error) *Problem {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return problem(http.StatusRequestEntityTooLarge, "A delivery has at most 1 MiB.")
	}
	return problem(http.StatusRequestTimeout, "The delivery did not arrive in time.").cause(err)
}

func (a *API) writeText(w http.ResponseWriter, r *http.Request, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := io.WriteString(w, text); err != nil {
		a.log.DebugContext(r.Context(), "answer was not written", "error", err)
	}
}
