package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fanfare/internal/mail"
)

// MailQueue is the queue of e-mails. Only workers that can send them serve it.
const MailQueue = "mail"

const (
	// mailConcurrency is how many e-mails a worker sends at once.
	mailConcurrency = 5
	// mailTimeout bounds the whole job: connecting, the conversation, and writing down.
	mailTimeout = 2 * time.Minute
	// mailPause is how long to wait after the first failure for a passing reason, mailPauseLimit at most.
	mailPause, mailPauseLimit = 2 * time.Second, 30 * time.Minute
	// noticeGiveUp bounds the sending of a notice: the dashboard has shown it for long by then.
	noticeGiveUp = 24 * time.Hour
)

// sendNotice sends what a job tells one person of a customer, and waits where the mail server does not take it yet.
// Sent twice, after a crash, it has the same Message-ID: not from the job's number, which is another one then.
func sendNotice[T river.JobArgs](ctx context.Context, sender *mail.Sender, job *river.Job[T], customerID uuid.UUID, message mail.Message, log *slog.Logger) error {
	message.ID = uuid.NewSHA1(customerID, fmt.Appendf(nil, "%s %s %d", job.Kind, job.EncodedArgs, job.CreatedAt.UnixMicro())).String()
	err := sender.Send(ctx, message)
	var refused *mail.Error
	switch {
	case err == nil:
		log.InfoContext(ctx, "notice sent")
		return nil
	case errors.As(err, &refused) && refused.Permanent:
		log.WarnContext(ctx, "a notice was refused", "error", err)
		return river.JobCancel(errors.New("the mail server refused the e-mail"))
	case time.Since(job.CreatedAt) > noticeGiveUp:
		log.WarnContext(ctx, "a notice is given up", "error", err)
		return river.JobCancel(errors.New("the mail server did not take the e-mail within a day"))
	default:
		wait := mailWait(job.Metadata)
		log.WarnContext(ctx, "a notice could not be sent yet", "again_in", wait, "error", err)
		return river.JobSnooze(wait)
	}
}

// mailWait is how long to leave the mail server in peace: longer with each time.
func mailWait(metadata []byte) time.Duration {
	wait := backoff(1+snoozes(metadata), mailPause, mailPauseLimit)
	return wait/2 + rand.N(wait/2) //nolint:gosec // so that they do not all come back at once
}
