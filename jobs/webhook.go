package jobs

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/internal/webhook"
	"fanfare/queries"
)

// WebhooksQueue is the queue of messages to webhooks, whose hosts may be as slow as they like.
const WebhooksQueue = "webhooks"

const (
	// webhooksConcurrency is how many messages a worker sends at once.
	webhooksConcurrency = 200
	// webhooksEvery is how often a worker looks for messages that are due.
	webhooksEvery = 250 * time.Millisecond
	// webhooksAtOnce is how many messages there are in the queue at once, over all workers, and webhookCustomerShare and
	// webhookEndpointShare how many of them are one customer's and go to one endpoint. Whoever does not answer holds
	// up no more than that.
	webhooksAtOnce, webhookCustomerShare, webhookEndpointShare = 400, 16, 4
	// webhookTimeout bounds one attempt, from dialling to the last byte of the answer that is read.
	webhookTimeout = 15 * time.Second
	// webhookAnswer is how much of an answer is read, webhookExcerpt how much of it is kept, in bytes.
	webhookAnswer, webhookExcerpt = 4 << 10, 500
	// webhookBrokenOff is after how long an attempt of which nothing is heard is taken for broken off, and the message is
	// sent again. Whoever still works on it, is left to it.
	webhookBrokenOff = webhookTimeout + recordTimeout
	// webhooksKept is how many messages wait for one endpoint. When there are more, the oldest are given up.
	webhooksKept = 10_000
	// webhookPatience is how many messages in a row may be given up before their endpoint is paused.
	webhookPatience = 3

	// webhookTest is a message that somebody sends to try an endpoint. They see what becomes of it; it is sent once.
	webhookTest = "webhook.test"
)

// webhookWaits are how long after each failed attempt the next one follows; after the last the message is given up, about
// 32 hours after it was written. Each is shortened by chance.
var webhookWaits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
}

// WebhookDeliveryArgs name a message that is due. Workers enqueue it themselves.
type WebhookDeliveryArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	EndpointID uuid.UUID `json:"endpoint_id"`
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind is the job's name in the queue.
func (WebhookDeliveryArgs) Kind() string { return "webhook_delivery" }

// InsertOpts are the job's defaults. A message has one job at a time, for one attempt; River's count only covers trouble
// of our own.
func (WebhookDeliveryArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: WebhooksQueue, MaxAttempts: 100, UniqueOpts: oneAtATime}
}

// dispatchWebhooks enqueues the messages that are due.
func (w *Worker) dispatchWebhooks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	due, err := w.q.WebhookListDue(ctx, queries.WebhookListDueParams{
		EndpointShare: webhookEndpointShare, CustomerShare: webhookCustomerShare, MaxRows: webhooksAtOnce,
	})
	if err != nil {
		return fmt.Errorf("look for messages to webhooks: %w", err)
	}
	var all error
	for _, d := range due {
		all = errors.Join(all, w.enqueue(ctx, d.CustomerID, WebhookDeliveryArgs{CustomerID: d.CustomerID, EndpointID: d.EndpointID, DeliveryID: d.ID}, nil))
	}
	return all
}

// giveUpWebhooks gives up what waits for endpoints beyond what is kept for one.
func (w *Worker) giveUpWebhooks(ctx context.Context) error {
	var all int64
	err := repeatedly(ctx, func(ctx context.Context, atOnce int32) (int64, error) {
		n, err := w.q.WebhookGiveUp(ctx, queries.WebhookGiveUpParams{
			Keep: webhooksKept, MaxRows: atOnce,
			Problem: fmt.Sprintf("More than %d messages waited for the webhook, and this was one of the oldest. It is not sent by itself any more.", webhooksKept),
		})
		all += n
		return n, err
	})
	if all > 0 {
		w.deps.Log.WarnContext(ctx, "more messages waited for webhooks than are kept, and the oldest were given up", "messages", all)
	}
	if err != nil {
		return fmt.Errorf("give up messages to webhooks: %w", err)
	}
	return nil
}

// webhookWorker makes one attempt to deliver a message.
//
// A message arrives at least once: the attempt is counted before it is sent, and what became of it is written down
// afterwards. Who dies in between leaves a message that is still due; it is sent again under the same id, by which the
// receiver knows it.
type webhookWorker struct {
	river.WorkerDefaults[WebhookDeliveryArgs]
	db      *tenant.DB
	vault   *vault.Vault
	client  *http.Client
	notices *notices
	lease   *lease
	log     *slog.Logger
}

// Timeout bounds the job.
func (*webhookWorker) Timeout(*river.Job[WebhookDeliveryArgs]) time.Duration {
	return webhookTimeout + 3*recordTimeout
}

// Work sends the job's message, if it is still due.
func (w *webhookWorker) Work(ctx context.Context, job *river.Job[WebhookDeliveryArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	message, secrets, err := w.begin(ctx, job)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return nil // it has arrived, waits for another time, or its endpoint is not active
	case err != nil:
		return fmt.Errorf("begin to deliver: %w", err)
	}
	attempt := w.send(ctx, job.Args.DeliveryID, message, secrets)
	if attempt.Status == 0 && ctx.Err() != nil {
		return fmt.Errorf("the delivery was broken off: %w", context.Cause(ctx))
	}
	if err := w.record(ctx, job, message, attempt); err != nil {
		return fmt.Errorf("record what became of a message: %w", err)
	}
	w.log.DebugContext(ctx, "a message was sent to a webhook", "customer_id", job.Args.CustomerID, "endpoint_id", job.Args.EndpointID,
		"delivery_id", job.Args.DeliveryID, "attempt", attempt.Number, "status", attempt.Status, "problem", attempt.Problem)
	return nil
}

func (w *webhookWorker) scope(job *river.Job[WebhookDeliveryArgs]) tenant.Scope {
	return tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
}

// begin counts the attempt, and gives the message with what signs it.
func (w *webhookWorker) begin(ctx context.Context, job *river.Job[WebhookDeliveryArgs]) (message queries.WebhookDeliveryStartRow, secrets []string, err error) {
	err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		message, err = q.WebhookDeliveryStart(ctx, queries.WebhookDeliveryStartParams{
			ID: job.Args.DeliveryID, Patience: webhookBrokenOff, BrokenOff: "The attempt was broken off. It may have arrived.",
		})
		if err != nil {
			return err
		}
		sealed, err := q.WebhookSecretListValid(ctx, job.Args.EndpointID)
		if err != nil {
			return err
		}
		secrets = nil
		for _, s := range sealed {
			plain, err := w.vault.Unseal(s.Sealed, vault.WebhookSecret(job.Args.CustomerID, s.ID))
			if err != nil {
				return fmt.Errorf("open webhook secret: %w", err)
			}
			secrets = append(secrets, string(plain))
			clear(plain)
		}
		return nil
	})
	return message, secrets, err
}

// webhookAttempt is what is kept of an attempt.
type webhookAttempt struct {
	Number     int32     `json:"number"`
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms"`
	// Status is that of the answer, 0 where there was none.
	Status int32 `json:"status,omitempty"`
	// Problem says why it did not arrive; "" where it has.
	Problem string `json:"problem,omitempty"`
	// Excerpt is the beginning of the answer: foreign text.
	Excerpt string `json:"excerpt,omitempty"`
}

// send makes the request and reads the answer.
func (w *webhookWorker) send(ctx context.Context, id uuid.UUID, message queries.WebhookDeliveryStartRow, secrets []string) (attempt webhookAttempt) {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	attempt = webhookAttempt{Number: message.Attempts, At: time.Now().UTC()}
	defer func() { attempt.DurationMS = time.Since(attempt.At).Milliseconds() }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, message.URL, bytes.NewReader(message.Payload))
	if err != nil {
		attempt.Problem = "The address cannot be read."
		return attempt
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Fanfare")
	if err := webhook.Sign(request.Header, secrets, id.String(), attempt.At, message.Payload); err != nil || len(secrets) == 0 {
		attempt.Problem = "The message could not be signed. Rotate the secret."
		return attempt
	}
	answer, err := w.client.Do(request)
	if err != nil {
		attempt.Problem = whyUnanswered(err)
		return attempt
	}
	defer answer.Body.Close()
	beginning, _ := io.ReadAll(io.LimitReader(answer.Body, webhookAnswer)) // what came counts, and the status has come
	attempt.Status, attempt.Excerpt = int32(answer.StatusCode), excerpt(beginning)
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
	case answer.StatusCode == http.StatusGone:
		attempt.Problem = "It answered 410: the endpoint is gone. Nothing more is sent to it."
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		attempt.Problem = fmt.Sprintf("It answered %d, a redirect, which is not followed. Give the address that it leads to.", answer.StatusCode)
	default:
		attempt.Problem = fmt.Sprintf("It answered %d. Only 200 to 299 say that a message has arrived.", answer.StatusCode)
	}
	return attempt
}

// whyUnanswered says for people why there is no answer. It tells nothing of the network that this process is in.
func whyUnanswered(err error) string {
	var refused *platform.Error
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &refused) && refused.Code == platform.CodeAddressRefused:
		return "The address is not called: it must begin with https:// and lead to the public internet."
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "Nobody knows the host name."
	case errors.As(err, &certificate):
		return "The host's certificate is not valid for it."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("It did not answer within %d seconds.", int(webhookTimeout.Seconds()))
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The connection was refused."
	default:
		return "The connection failed, or was broken off before there was an answer."
	}
}

// excerpt is the beginning of an answer as one line of text.
func excerpt(answer []byte) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(answer), " "))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > webhookExcerpt {
		text = strings.ToValidUTF8(text[:webhookExcerpt], "") + "…"
	}
	return text
}

// record writes the attempt down, also when the job is being cancelled, and what follows from it for the endpoint. One
// that was taken over records nothing.
func (w *webhookWorker) record(ctx context.Context, job *river.Job[WebhookDeliveryArgs], message queries.WebhookDeliveryStartRow, attempt webhookAttempt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	entry, err := json.Marshal(attempt)
	if err != nil {
		return fmt.Errorf("encode attempt: %w", err)
	}
	return w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if attempt.Problem == "" {
			if err := q.WebhookWorks(ctx, job.Args.EndpointID); err != nil {
				return err
			}
			_, err := q.WebhookDelivered(ctx, queries.WebhookDeliveredParams{
				ID: job.Args.DeliveryID, Attempts: message.Attempts, Status: attempt.Status, Entry: entry,
			})
			return err
		}
		gone := attempt.Status == http.StatusGone
		failed := queries.WebhookNotDeliveredParams{ID: job.Args.DeliveryID, Attempts: message.Attempts, Problem: attempt.Problem, Entry: entry}
		if attempt.Status != 0 {
			failed.Status = &attempt.Status
		}
		if n := int(message.Round); !gone && message.Event != webhookTest && n <= len(webhookWaits) {
			wait := shortened(webhookWaits[n-1]).Seconds()
			failed.WaitSeconds = &wait
		}
		if gone || message.Event != webhookTest {
			fails := queries.WebhookFailsParams{ID: job.Args.EndpointID, Gone: gone, Patience: webhookPatience}
			if failed.WaitSeconds == nil {
				fails.GivenUp = 1
			}
			ended, err := q.WebhookFails(ctx, fails)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // somebody has deleted it
			}
			if err != nil {
				return err
			}
			if ended {
				if err := w.notices.webhookEnded(ctx, tx, job.Args.CustomerID, job.Args.EndpointID); err != nil {
					return err
				}
			}
		}
		_, err := q.WebhookNotDelivered(ctx, failed)
		return err
	})
}
