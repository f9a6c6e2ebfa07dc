package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/mail"
	"fanfare/queries"
)

// ConnectionEmailArgs name an account, or an authorization with all its accounts, of which an owner or admin is told
// that somebody must sign in again: at once, or within so many days.
type ConnectionEmailArgs struct {
	CustomerID      uuid.UUID  `json:"customer_id"`
	UserID          uuid.UUID  `json:"user_id"`
	AuthorizationID *uuid.UUID `json:"authorization_id,omitempty"`
	IntegrationID   *uuid.UUID `json:"integration_id,omitempty"`
	Days            int        `json:"days,omitempty"`
}

// Kind is the job's name in the queue.
func (ConnectionEmailArgs) Kind() string { return "connection_email" }

// InsertOpts are the job's defaults, as those of an invitation's e-mail.
func (ConnectionEmailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MailQueue, MaxAttempts: 100}
}

// notices mark what only a person can mend, and have a customer's owners and admins told of it: in one transaction, so
// that neither happens without the other.
type notices struct {
	queue *Client
	mails bool
	log   *slog.Logger

	mu       sync.Mutex
	withheld map[string]bool // reminders of which was said that nobody sends them
}

func newNotices(queue *Client, mails bool, log *slog.Logger) *notices {
	return &notices{queue: queue, mails: mails, log: log, withheld: map[string]bool{}}
}

// authorizationNeedsReauth has it told that an authorization has ended, in the transaction that notes it.
func (n *notices) authorizationNeedsReauth(ctx context.Context, tx *tenant.Tx, g grant) error {
	return n.tell(ctx, tx, ConnectionEmailArgs{CustomerID: g.customerID, AuthorizationID: &g.id})
}

// markAccount notes that an account alone does not work any more, unless it has changed since the given version, and
// has it told. marked is false where it has.
func (n *notices) markAccount(ctx context.Context, tx *tenant.Tx, customerID, id uuid.UUID, version int64, reason string) (marked bool, err error) {
	changed, err := queries.New(tx).IntegrationNeedsReauth(ctx, queries.IntegrationNeedsReauthParams{ID: id, Version: version, Reason: &reason})
	if err != nil || changed == 0 {
		return false, err
	}
	n.log.WarnContext(ctx, "an account does not work any more; somebody must sign in again",
		"customer_id", customerID, "integration_id", id, "reason", reason)
	return true, n.tell(ctx, tx, ConnectionEmailArgs{CustomerID: customerID, IntegrationID: &id})
}

// tell enqueues an e-mail to everybody who looks after the customer. The health of an account is shown anyway.
func (n *notices) tell(ctx context.Context, tx *tenant.Tx, args ConnectionEmailArgs) error {
	if !n.mails {
		n.log.WarnContext(ctx, "nobody is told that an account must be connected again: e-mail is not set up",
			"customer_id", args.CustomerID, "authorization_id", args.AuthorizationID, "integration_id", args.IntegrationID)
		return nil
	}
	return n.enqueue(ctx, tx, func(userID uuid.UUID) river.JobArgs {
		args.UserID = userID
		return args
	})
}

// enqueue enqueues an e-mail to each of those who look after the customer.
func (n *notices) enqueue(ctx context.Context, tx *tenant.Tx, email func(userID uuid.UUID) river.JobArgs) error {
	people, err := queries.New(tx).MembershipListToTell(ctx)
	if err != nil {
		return fmt.Errorf("list who is told: %w", err)
	}
	for _, id := range people {
		if _, err := n.queue.InsertTx(ctx, tx, email(id), nil); err != nil {
			return fmt.Errorf("enqueue e-mail: %w", err)
		}
	}
	return nil
}

// webhookEnded has it told that nothing is sent to an endpoint any more, in the transaction that notes it.
func (n *notices) webhookEnded(ctx context.Context, tx *tenant.Tx, customerID, endpointID uuid.UUID) error {
	n.log.WarnContext(ctx, "nothing is sent to a webhook any more", "customer_id", customerID, "endpoint_id", endpointID, "mails", n.mails)
	if !n.mails {
		return nil
	}
	return n.enqueue(ctx, tx, func(userID uuid.UUID) river.JobArgs {
		return WebhookEmailArgs{CustomerID: customerID, UserID: userID, EndpointID: endpointID}
	})
}

// withhold says once that a reminder is due and cannot be sent by this process.
func (n *notices) withhold(ctx context.Context, customerID, authorizationID uuid.UUID, days int32) {
	key := fmt.Sprintf("%s %s %d", customerID, authorizationID, days)
	n.mu.Lock()
	said := n.withheld[key]
	n.withheld[key] = true
	n.mu.Unlock()
	if !said {
		n.log.WarnContext(ctx, "nobody is reminded that an account must be connected again: e-mail is not set up",
			"customer_id", customerID, "authorization_id", authorizationID, "days", days)
	}
}

// remind has the owners of authorizations reminded that end in 14, 7 or 1 days unless somebody signs in again.
func (w *Worker) remind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	due, err := w.q.AuthorizationListToRemind(ctx, 1000)
	if err != nil {
		return fmt.Errorf("look for reminders: %w", err)
	}
	var all error
	for _, d := range due {
		if !w.notices.mails {
			w.notices.withhold(ctx, d.CustomerID, d.ID, d.Days)
			continue
		}
		err := w.db.TxRetry(ctx, tenant.Worker(d.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			noted, err := queries.New(tx).AuthorizationRemind(ctx, queries.AuthorizationRemindParams{ID: d.ID, Days: d.Days})
			if err != nil || noted == 0 {
				return err // another process was first, or somebody has signed in again
			}
			return w.notices.tell(ctx, tx, ConnectionEmailArgs{CustomerID: d.CustomerID, AuthorizationID: &d.ID, Days: int(d.Days)})
		})
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			all = errors.Join(all, fmt.Errorf("remind owners: %w", err))
		}
	}
	return all
}

// connectionEmailWorker tells one person of an account that must be connected again.
type connectionEmailWorker struct {
	river.WorkerDefaults[ConnectionEmailArgs]
	db        *tenant.DB
	mail      *mail.Sender
	publicURL string
	lease     *lease
	log       *slog.Logger
}

// Timeout bounds the job.
func (*connectionEmailWorker) Timeout(*river.Job[ConnectionEmailArgs]) time.Duration {
	return mailTimeout
}

// Work sends the job's e-mail, or finds that it says nothing any more.
func (w *connectionEmailWorker) Work(ctx context.Context, job *river.Job[ConnectionEmailArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	row, err := queries.New(w.db.Read(tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID}))).ConnectionForEmail(ctx, queries.ConnectionForEmailParams{
		UserID: job.Args.UserID, AuthorizationID: job.Args.AuthorizationID, IntegrationID: job.Args.IntegrationID,
	})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the customer is gone, or the person does not look after it any more"))
	case err != nil:
		return fmt.Errorf("read what is to be told: %w", err)
	case !stillTrue(row, job.Args.Days, time.Now()):
		return nil
	}
	log := w.log.With("customer_id", job.Args.CustomerID, "authorization_id", job.Args.AuthorizationID, "integration_id", job.Args.IntegrationID, "job_id", job.ID, "kind", job.Kind)
	message, err := writeConnection(row, job.Args.Days, w.publicURL+"/integrations")
	if err != nil {
		return err
	}
	return sendNotice(ctx, w.mail, job, job.Args.CustomerID, message, log)
}

// stillTrue tells whether what the e-mail would say is so. Somebody may have signed in again meanwhile.
func stillTrue(row queries.ConnectionForEmailRow, days int, now time.Time) bool {
	if row.Archived || row.Email == nil || len(row.Accounts) == 0 {
		return false
	}
	if days == 0 {
		return row.State == "needs_reauth"
	}
	return row.State == "active" && row.ReconnectBy != nil && row.ReconnectBy.After(now) && !row.ReconnectBy.After(now.AddDate(0, 0, days))
}
