package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/mail"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// InvitationEmailArgs name an invitation whose e-mail is to be sent.
type InvitationEmailArgs struct {
	CustomerID   uuid.UUID `json:"customer_id"`
	InvitationID uuid.UUID `json:"invitation_id"`
}

// Kind is the job's name in the queue.
func (InvitationEmailArgs) Kind() string { return "invitation_email" }

// InsertOpts are the job's defaults. What goes wrong at the mail server is waited out without being counted;
// River's count only covers trouble of our own.
func (InvitationEmailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MailQueue, MaxAttempts: 100}
}

// InvitationLink is where an invitation is accepted: a page of the dashboard at publicURL, or only its path where that
// is empty. The token is in the fragment, which browsers keep to themselves: it reaches no server's log.
func InvitationLink(publicURL, token string) string {
	return publicURL + "/invitations/accept#token=" + token
}

// invitationEmailWorker sends an invitation to whom it is for, and forgets the token.
//
// An e-mail cannot be taken back or asked after. A worker that dies between the server's answer and writing it
// down has it sent again: the same text with the same link, under the same Message-ID.
type invitationEmailWorker struct {
	river.WorkerDefaults[InvitationEmailArgs]
	db        *tenant.DB
	vault     *vault.Vault
	mail      *mail.Sender
	publicURL string
	lease     *lease
	log       *slog.Logger
}

// Timeout bounds the job.
func (w *invitationEmailWorker) Timeout(*river.Job[InvitationEmailArgs]) time.Duration {
	return mailTimeout
}

// Work sends the job's e-mail, or finds that there is nothing to send any more.
func (w *invitationEmailWorker) Work(ctx context.Context, job *river.Job[InvitationEmailArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	invitation, err := queries.New(w.db.Read(w.scope(job))).InvitationForEmail(ctx, job.Args.InvitationID)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the invitation is gone"))
	case err != nil:
		return fmt.Errorf("read invitation: %w", err)
	case !invitation.Open || invitation.SealedToken == nil:
		return nil // accepted, revoked, or sent already
	case invitation.Expired:
		return w.giveUp(ctx, job, "The mail server did not take the e-mail before the invitation expired.")
	case invitation.Archived:
		return w.giveUp(ctx, job, "The customer was archived before the e-mail was sent.")
	}
	log := w.log.With("customer_id", job.Args.CustomerID, "invitation_id", job.Args.InvitationID, "job_id", job.ID)

	token, err := w.vault.Unseal(invitation.SealedToken, vault.InvitationToken(job.Args.CustomerID, job.Args.InvitationID))
	if err != nil {
		log.ErrorContext(ctx, "the invitation's token could not be read on this server; is it the right key set?", "error", err)
		return river.JobSnooze(mailPauseLimit)
	}
	message, err := writeInvitation(invitation, InvitationLink(w.publicURL, string(token)))
	if err != nil {
		return err
	}
	message.ID = job.Args.InvitationID.String()
	err = w.mail.Send(ctx, message)
	var refused *mail.Error
	switch {
	case err == nil:
		err = w.record(ctx, job, func(ctx context.Context, q *queries.Queries) (int64, error) {
			return q.InvitationRecordSent(ctx, job.Args.InvitationID)
		})
		if err == nil {
			log.InfoContext(ctx, "invitation sent")
		}
		return err
	case errors.As(err, &refused) && refused.Permanent:
		log.WarnContext(ctx, "invitation refused", "error", err)
		problem := "The address cannot be written to."
		if refused.Code != 0 {
			problem = fmt.Sprintf("The mail server refused the e-mail to this address (%d).", refused.Code)
		}
		return w.giveUp(ctx, job, problem)
	default:
		wait := mailWait(job.Metadata)
		log.WarnContext(ctx, "invitation could not be sent yet", "again_in", wait, "error", err)
		return river.JobSnooze(wait)
	}
}

func (w *invitationEmailWorker) scope(job *river.Job[InvitationEmailArgs]) tenant.Scope {
	return tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
}

// giveUp notes why the e-mail will not be sent, for the inviter to read, and forgets the token.
func (w *invitationEmailWorker) giveUp(ctx context.Context, job *river.Job[InvitationEmailArgs], problem string) error {
	return w.record(ctx, job, func(ctx context.Context, q *queries.Queries) (int64, error) {
		return q.InvitationRecordProblem(ctx, queries.InvitationRecordProblemParams{ID: job.Args.InvitationID, Problem: problem})
	})
}

// record writes down what became of the e-mail, also when the job is being cancelled. An invitation that has ended
// meanwhile has no token and stays as it is.
func (w *invitationEmailWorker) record(ctx context.Context, job *river.Job[InvitationEmailArgs], write func(context.Context, *queries.Queries) (int64, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := write(ctx, queries.New(tx))
		return err
	})
	if err != nil {
		return fmt.Errorf("record what became of the e-mail: %w", err)
	}
	return nil
}
