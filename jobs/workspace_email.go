package jobs

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
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

// WorkspaceEmailArgs name a workspace that will be archived, of which an owner or admin is told.
type WorkspaceEmailArgs struct {
	CustomerID  uuid.UUID `json:"customer_id"`
	UserID      uuid.UUID `json:"user_id"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
}

// Kind is the job's name in the queue.
func (WorkspaceEmailArgs) Kind() string { return "workspace_email" }

// InsertOpts are the job's defaults, as those of an invitation's e-mail.
func (WorkspaceEmailArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: MailQueue, MaxAttempts: 100}
}

// workspaceEmailWorker tells one person of a workspace that will be archived.
type workspaceEmailWorker struct {
	river.WorkerDefaults[WorkspaceEmailArgs]
	db        *tenant.DB
	mail      *mail.Sender
	publicURL string
	rules     WorkspaceRules
	lease     *lease
	log       *slog.Logger
}

// Timeout bounds the job.
func (*workspaceEmailWorker) Timeout(*river.Job[WorkspaceEmailArgs]) time.Duration {
	return mailTimeout
}

// Work sends the job's e-mail, or finds that it says nothing any more.
func (w *workspaceEmailWorker) Work(ctx context.Context, job *river.Job[WorkspaceEmailArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	row, err := queries.New(w.db.Read(tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID}))).WorkspaceForEmail(ctx, queries.WorkspaceForEmailParams{
		UserID: job.Args.UserID, WorkspaceID: job.Args.WorkspaceID,
	})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the customer is gone, or the person does not look after it any more"))
	case err != nil:
		return fmt.Errorf("read what is to be told: %w", err)
	case row.AnnouncedAt == nil || row.Email == nil:
		return nil // somebody has used it meanwhile
	}
	log := w.log.With("customer_id", job.Args.CustomerID, "workspace_id", job.Args.WorkspaceID, "job_id", job.ID, "kind", job.Kind)
	message, err := writeWorkspace(row, row.AnnouncedAt.Add(w.rules.Notice), w.publicURL+"/workspaces")
	if err != nil {
		return err
	}
	return sendNotice(ctx, w.mail, job, job.Args.CustomerID, message, log)
}

// workspaceText is an e-mail about a workspace that will be archived, in one language.
type workspaceText struct {
	subject string // names the customer
	until   func(time.Time) string
	text    *texttemplate.Template
	html    *htmltemplate.Template
}

// writeWorkspace composes the e-mail in the customer's language: German, or else English.
func writeWorkspace(row queries.WorkspaceForEmailRow, at time.Time, link string) (mail.Message, error) {
	language := workspaceEnglish
	if tag, _, _ := strings.Cut(strings.ToLower(row.Language), "-"); tag == "de" {
		language = workspaceGerman
	}
	words := struct {
		Customer, Space, Until, Link string
		OfSpace                      bool
	}{oneLine(row.CustomerName), oneLine(row.Space), language.until(at.UTC()), link, row.OfSpace}
	var text, html strings.Builder
	if err := language.text.Execute(&text, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	if err := language.html.Execute(&html, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	return mail.Message{To: *row.Email, Subject: fmt.Sprintf(language.subject, words.Customer), Text: text.String(), HTML: html.String()}, nil
}

var workspaceEnglish = workspaceText{
	subject: "Files of %s will be archived",
	until:   connectionEnglish.until,
	text: texttemplate.Must(texttemplate.New("").Parse(`Nobody has used the {{if .OfSpace}}workspace of the chat "{{.Space}}"{{else}}workspace{{end}} of "{{.Customer}}" for long. Its files will be archived on {{.Until}}, unless somebody uses it before.

Whoever uses it later brings them back, as long as the archive is kept:
{{.Link}}
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="en">
<body>
<p>Nobody has used the {{if .OfSpace}}workspace of the chat “{{.Space}}”{{else}}workspace{{end}} of “{{.Customer}}” for long. Its files will be archived on {{.Until}}, unless somebody uses it before.</p>
<p>Whoever uses it later brings them back, as long as the archive is kept: <a href="{{.Link}}">workspaces</a>.</p>
</body>
</html>
`)),
}

var workspaceGerman = workspaceText{
	subject: "Dateien von %s werden archiviert",
	until:   connectionGerman.until,
	text: texttemplate.Must(texttemplate.New("").Parse(`{{if .OfSpace}}Der Arbeitsbereich des Chats „{{.Space}}“ von „{{.Customer}}“{{else}}Der Arbeitsbereich von „{{.Customer}}“{{end}} wurde lange nicht benutzt. Seine Dateien werden am {{.Until}} archiviert, wenn ihn bis dahin niemand benutzt.

Wer ihn später benutzt, holt sie zurück, solange das Archiv aufbewahrt wird:
{{.Link}}
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="de">
<body>
<p>{{if .OfSpace}}Der Arbeitsbereich des Chats „{{.Space}}“ von „{{.Customer}}“{{else}}Der Arbeitsbereich von „{{.Customer}}“{{end}} wurde lange nicht benutzt. Seine Dateien werden am {{.Until}} archiviert, wenn ihn bis dahin niemand benutzt.</p>
<p>Wer ihn später benutzt, holt sie zurück, solange das Archiv aufbewahrt wird: <a href="{{.Link}}">Arbeitsbereiche</a>.</p>
</body>
</html>
`)),
}
