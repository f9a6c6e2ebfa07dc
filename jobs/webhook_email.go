package jobs

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
	"net/url"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/mail"
	"fanfare/queries"
)

// WebhookEmailArgs name a webhook to which nothing is sent any more, of which an owner or admin is told.
type WebhookEmailArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	UserID     uuid.UUID `json:"user_id"`
	EndpointID uuid.UUID `json:"endpoint_id"`
}

// Kind is the job's name in the queue.
func (WebhookEmailArgs) Kind() string { return "webhook_email" }

// InsertOpts are the job's defaults, as those of an invitation's e-mail.
func (WebhookEmailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MailQueue, MaxAttempts: 100}
}

// webhookEmailWorker tells one person of a webhook that has ended.
type webhookEmailWorker struct {
	river.WorkerDefaults[WebhookEmailArgs]
	db        *tenant.DB
	mail      *mail.Sender
	publicURL string
	lease     *lease
	log       *slog.Logger
}

// Timeout bounds the job.
func (*webhookEmailWorker) Timeout(*river.Job[WebhookEmailArgs]) time.Duration { return mailTimeout }

// Work sends the job's e-mail, or finds that it says nothing any more.
func (w *webhookEmailWorker) Work(ctx context.Context, job *river.Job[WebhookEmailArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	row, err := queries.New(w.db.Read(tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID}))).WebhookForEmail(ctx, queries.WebhookForEmailParams{
		UserID: job.Args.UserID, EndpointID: job.Args.EndpointID,
	})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the customer or the webhook is gone, or the person does not look after it any more"))
	case err != nil:
		return fmt.Errorf("read what is to be told: %w", err)
	case row.Archived || row.Email == nil || row.Reason != webhookFailing && row.Reason != webhookGone:
		return nil // somebody has resumed it, or knows
	}
	log := w.log.With("customer_id", job.Args.CustomerID, "endpoint_id", job.Args.EndpointID, "job_id", job.ID, "kind", job.Kind)
	message, err := writeWebhook(row, w.publicURL+"/webhooks")
	if err != nil {
		return err
	}
	return sendNotice(ctx, w.mail, job, job.Args.CustomerID, message, log)
}

// Why a webhook is not active, besides that somebody has paused it: nothing got through, or it has said that it is gone.
const webhookFailing, webhookGone = "failing", "gone"

// webhookText is an e-mail about a webhook that has ended, in one language.
type webhookText struct {
	subject string // names the customer
	reasons map[string]string
	text    *texttemplate.Template
	html    *htmltemplate.Template
}

// writeWebhook composes the e-mail in the customer's language: German, or else English. It names the host and not the
// whole address, which may hold what only its owner should know.
func writeWebhook(row queries.WebhookForEmailRow, link string) (mail.Message, error) {
	language := webhookEnglish
	if tag, _, _ := strings.Cut(strings.ToLower(row.Language), "-"); tag == "de" {
		language = webhookGerman
	}
	var host string
	if u, err := url.Parse(row.URL); err == nil {
		host = u.Host
	}
	words := struct{ Customer, Host, Description, Reason, Link string }{
		oneLine(row.CustomerName), host, oneLine(row.Description), language.reasons[row.Reason], link,
	}
	var text, html strings.Builder
	if err := language.text.Execute(&text, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	if err := language.html.Execute(&html, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	return mail.Message{To: *row.Email, Subject: fmt.Sprintf(language.subject, words.Customer), Text: text.String(), HTML: html.String()}, nil
}

var webhookEnglish = webhookText{
	subject: "A webhook of %s was stopped",
	reasons: map[string]string{
		webhookFailing: "Nothing has got through to it for more than a day.",
		webhookGone:    "It answered that it is gone (410).",
	},
	text: texttemplate.Must(texttemplate.New("").Parse(`Fanfare sends no more messages of "{{.Customer}}" to the webhook at {{.Host}}{{if .Description}} ({{.Description}}){{end}}. {{.Reason}}

Once it works again, resume it here:
{{.Link}}

Messages that did not arrive are kept for 30 days: those that waited are sent when it is resumed, and each can be sent again.
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="en">
<body>
<p>Fanfare sends no more messages of “{{.Customer}}” to the webhook at {{.Host}}{{if .Description}} ({{.Description}}){{end}}. {{.Reason}}</p>
<p><a href="{{.Link}}">Resume it</a> once it works again.</p>
<p>Messages that did not arrive are kept for 30 days: those that waited are sent when it is resumed, and each can be sent again.</p>
</body>
</html>
`)),
}

var webhookGerman = webhookText{
	subject: "Ein Webhook von %s wurde angehalten",
	reasons: map[string]string{
		webhookFailing: "Seit mehr als einem Tag kam dort nichts an.",
		webhookGone:    "Er hat geantwortet, dass es ihn nicht mehr gibt (410).",
	},
	text: texttemplate.Must(texttemplate.New("").Parse(`Fanfare sendet keine Nachrichten von „{{.Customer}}“ mehr an den Webhook bei {{.Host}}{{if .Description}} ({{.Description}}){{end}}. {{.Reason}}

Wenn er wieder arbeitet, nehmen Sie ihn hier wieder auf:
{{.Link}}

Nachrichten, die nicht ankamen, bleiben 30 Tage erhalten: Was wartet, wird dann gesendet, und jede kann noch einmal gesendet werden.
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="de">
<body>
<p>Fanfare sendet keine Nachrichten von „{{.Customer}}“ mehr an den Webhook bei {{.Host}}{{if .Description}} ({{.Description}}){{end}}. {{.Reason}}</p>
<p><a href="{{.Link}}">Nehmen Sie ihn wieder auf</a>, wenn er wieder arbeitet.</p>
<p>Nachrichten, die nicht ankamen, bleiben 30 Tage erhalten: Was wartet, wird dann gesendet, und jede kann noch einmal gesendet werden.</p>
</body>
</html>
`)),
}
