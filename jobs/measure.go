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
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// MetricsQueue is the queue of questions how posts did. They have one to themselves: numbers can wait, posts cannot.
const MetricsQueue = "metrics"

const (
	// measureCall bounds one question to a platform.
	measureCall = 30 * time.Second
	// metricsConcurrency is how many questions a worker asks at once.
	metricsConcurrency = 20
	// measureEvery is how often posts are looked for that are to be asked about, measureAtOnce how many of them, over all
	// customers, wait in the queue at most.
	measureEvery, measureAtOnce = time.Minute, 500
	// measureAgain is when a question is asked again that a passing reason left without an answer.
	measureAgain = time.Hour
)

// MeasureArgs name a platform post of which its platform is to be asked how it did. There is one at a time for a post.
type MeasureArgs struct {
	CustomerID     uuid.UUID `json:"customer_id"`
	PlatformPostID uuid.UUID `json:"platform_post_id"`
}

// Kind is the job's name in the queue.
func (MeasureArgs) Kind() string { return "measure" }

// InsertOpts are the job's defaults. What could not be asked is found again by whoever looks for what is due.
func (MeasureArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MetricsQueue, MaxAttempts: 5, UniqueOpts: oneAtATime}
}

// measureWorker asks platforms how posts did, and keeps what they say by day.
type measureWorker struct {
	river.WorkerDefaults[MeasureArgs]
	db         *tenant.DB
	vault      *vault.Vault
	publishers map[platform.Name]platform.Publisher
	renewer    *renewer
	queue      *Client
	lease      *lease
	log        *slog.Logger
}

// Timeout bounds the job: a renewal that is waited for, and the question.
func (*measureWorker) Timeout(*river.Job[MeasureArgs]) time.Duration {
	return renewPatience + measureCall + recordTimeout
}

// Work asks about the job's post, or finds that there is nothing to ask.
func (w *measureWorker) Work(ctx context.Context, job *river.Job[MeasureArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	m := &measurement{measureWorker: w, job: job}
	err := m.run(ctx)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the platform post is gone"))
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(time.Second) // it was broken off by us
	}
	return err
}

// measurement is one run of the job.
type measurement struct {
	*measureWorker
	job *river.Job[MeasureArgs]
	row queries.PlatformPostForMeasureRow
}

func (m *measurement) request() tenant.Request {
	return tenant.Request{Job: m.job.ID, Operation: m.job.Kind}
}

func (m *measurement) scope() tenant.Scope {
	return tenant.Worker(m.job.Args.CustomerID, m.request())
}

// run asks, and sets when the next question is due.
func (m *measurement) run(ctx context.Context) (err error) {
	if m.row, err = queries.New(m.db.Read(m.scope())).PlatformPostForMeasure(ctx, m.job.Args.PlatformPostID); err != nil {
		return fmt.Errorf("read platform post: %w", err)
	}
	measurer, measures := m.publishers[platform.Name(m.row.Platform)].(platform.Measurer)
	switch {
	case !m.row.Due:
		return nil
	case !measures || m.row.State != "published" || m.row.ExternalID == nil || m.row.PublishedAt == nil:
		return m.next(ctx, nil, nil)
	case m.row.IntegrationState != "active":
		return m.next(ctx, m.regular(), nil)
	case m.row.PausedUntil.After(m.row.DatabaseNow):
		return m.next(ctx, &m.row.PausedUntil, nil) // what the platform still takes is for posts
	}
	metrics, err := m.ask(ctx, measurer)
	if err == nil {
		return m.next(ctx, m.regular(), &metrics)
	}
	var problem *platform.Error
	if errors.Is(err, errNotSetUp) {
		problem = &platform.Error{Class: platform.Transient, Code: codeNotSetUp, Err: err}
	} else if !errors.As(err, &problem) || ctx.Err() != nil {
		return err
	}
	log := m.log.With("customer_id", m.job.Args.CustomerID, "platform_post_id", m.job.Args.PlatformPostID, "platform", m.row.Platform, "job_id", m.job.ID)
	log.WarnContext(ctx, "a post's numbers could not be had", "class", problem.Class, "status", problem.Status, "code", problem.Code, "error", problem)
	switch problem.Class {
	case platform.Invalid:
		return m.next(ctx, nil, nil) // it is gone, or there are no numbers
	case platform.Credential, platform.PaymentRequired:
		return m.next(ctx, m.regular(), nil)
	default:
		return m.next(ctx, m.again(problem.RetryAt), nil)
	}
}

// ask asks the platform. That it refuses the account's credential is not believed at once: the account is checked.
func (m *measurement) ask(ctx context.Context, measurer platform.Measurer) (platform.Metrics, error) {
	if id := m.row.AuthorizationID; id != nil {
		if err := m.renewer.Fresh(ctx, grant{m.job.Args.CustomerID, *id, m.request()}); err != nil {
			return platform.Metrics{}, err
		}
	}
	var used queries.IntegrationUseRow
	err := m.db.TxRetry(ctx, m.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		used, err = queries.New(tx).IntegrationUse(ctx, queries.IntegrationUseParams{ID: m.row.IntegrationID, Purpose: "measure"})
		return err
	})
	if err != nil {
		return platform.Metrics{}, fmt.Errorf("read credential: %w", err)
	}
	if used.Credential == nil {
		return platform.Metrics{}, &platform.Error{Class: platform.Credential, Message: "The account is not connected."}
	}
	credential, _, err := credentialOpener{db: m.db, vault: m.vault, log: m.log}.open(ctx, m.scope(), foundCredential{
		customerID: m.job.Args.CustomerID, integrationID: m.row.IntegrationID, platform: m.row.Platform,
		sealed: used.Credential, oldID: used.OldCredentialID, deadline: used.Deadline,
	})
	if err != nil {
		return platform.Metrics{}, later("The account's credential could not be read on this server.", err)
	}
	callCtx, cancel := context.WithTimeout(ctx, measureCall)
	defer cancel()
	metrics, err := measurer.Measure(callCtx, credential, *m.row.ExternalID)
	if err == nil {
		return metrics, nil
	}
	problem := platform.AsError(err)
	if problem.Class == platform.Credential {
		err := m.db.TxRetry(ctx, m.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := m.queue.InsertTx(ctx, tx, CheckIntegrationArgs{CustomerID: m.job.Args.CustomerID, IntegrationID: m.row.IntegrationID}, nil)
			return err
		})
		if err != nil {
			return platform.Metrics{}, fmt.Errorf("have an account checked: %w", err)
		}
	}
	return platform.Metrics{}, problem
}

// next sets when the platform is asked again, nil for never, and keeps the numbers if there are any.
func (m *measurement) next(ctx context.Context, at *time.Time, metrics *platform.Metrics) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := m.db.TxRetry(ctx, m.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if metrics != nil {
			if err := q.PostMetricsStore(ctx, queries.PostMetricsStoreParams{
				PlatformPostID: m.job.Args.PlatformPostID, Impressions: metrics.Impressions, Reach: metrics.Reach, Likes: metrics.Likes,
				Comments: metrics.Comments, Shares: metrics.Shares, Clicks: metrics.Clicks,
			}); err != nil {
				return err
			}
		}
		_, err := q.PlatformPostMeasureAt(ctx, queries.PlatformPostMeasureAtParams{ID: m.job.Args.PlatformPostID, MeasureAt: at})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a post's numbers: %w", err)
	}
	return nil
}

// regular is when the post is asked about next.
func (m *measurement) regular() *time.Time {
	return nextMeasurement(*m.row.PublishedAt, m.row.DatabaseNow)
}

// again is when a question is repeated: for an older post later, and not at all where it is too old by then.
func (m *measurement) again(at time.Time) *time.Time {
	age := m.row.DatabaseNow.Sub(*m.row.PublishedAt)
	at = latest(at, m.row.DatabaseNow.Add(max(measureAgain, age/10)))
	if at.Sub(*m.row.PublishedAt) > lastMeasurement {
		return nil
	}
	return &at
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

const (
	day  = 24 * time.Hour
	week = 7 * day
	// month is what comes after the weeks; of them there are twelve.
	month           = 30 * day
	lastMeasurement = 12 * month
)

// nextMeasurement is when a post is asked about next, less and less often: an hour after publishing, six hours, each day of the
// first week, each week of the first month, each month of the first year; nil: never again.
func nextMeasurement(published, now time.Time) *time.Time {
	age := now.Sub(published)
	var due time.Duration
	switch {
	case age < time.Hour:
		due = time.Hour
	case age < 6*time.Hour:
		due = 6 * time.Hour
	case age < week:
		due = age - age%day + day
	case age < 4*week:
		due = age - age%week + week
	default:
		due = max(age-age%month+month, 2*month)
	}
	if due > lastMeasurement {
		return nil
	}
	at := published.Add(due)
	return &at
}

// dispatchMeasurements has platforms asked about the posts that are due.
func (w *Worker) dispatchMeasurements(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.PlatformPostListToMeasure(ctx, measureAtOnce)
	if err != nil {
		return fmt.Errorf("look for posts to ask about: %w", err)
	}
	var all error
	for _, p := range todo {
		all = errors.Join(all, w.enqueue(ctx, p.CustomerID, MeasureArgs{CustomerID: p.CustomerID, PlatformPostID: p.PlatformPostID}, nil))
	}
	return all
}
