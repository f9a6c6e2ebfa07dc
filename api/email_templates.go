package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/emailtemplate"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// EmailTemplate is how an e-mail looks, with variables for what each says.
type EmailTemplate struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	Name        string    `json:"name"`
	Subject     string    `json:"subject"`
	PreviewText string    `json:"preview_text" doc:"What inboxes show after the subject."`
	HTML        string    `json:"html" doc:"As it is stored: what does not belong into an e-mail has been taken out."`
	Variables   []string  `json:"variables" nullable:"false" doc:"The names of its variables."`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type emailTemplateOutput struct {
	ETag string `header:"ETag"`
	Body EmailTemplate
}

// EmailTemplatePath is the path of an e-mail template.
type EmailTemplatePath struct {
	CustomerPath
	EmailTemplateID uuid.UUID `path:"email_template_id" format:"uuid" doc:"The e-mail template."`
}

// EmailTemplateCreate is a new template.
type EmailTemplateCreate struct {
	Name        string `json:"name" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space" doc:"No other template of the customer has it."`
	Subject     string `json:"subject,omitempty" maxLength:"255" doc:"For posts that have no subject of their own."`
	PreviewText string `json:"preview_text,omitempty" maxLength:"255" doc:"For posts that have no preview text of their own."`
	HTML        string `json:"html" minLength:"1" maxLength:"200000"`
}

// EmailTemplateUpdate changes the fields that are given.
type EmailTemplateUpdate struct {
	Name        *string `json:"name,omitempty" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space"`
	Subject     *string `json:"subject,omitempty" maxLength:"255"`
	PreviewText *string `json:"preview_text,omitempty" maxLength:"255"`
	HTML        *string `json:"html,omitempty" minLength:"1" maxLength:"200000"`
}

// EmailTemplateValues are what a template is filled in with.
type EmailTemplateValues struct {
	Title     string            `json:"title,omitempty" maxLength:"255" doc:"Stands for {{title}}."`
	Text      string            `json:"text,omitempty" maxLength:"100000" doc:"Stands for {{text}}, in HTML as paragraphs."`
	Variables map[string]string `json:"variables,omitempty" doc:"Stand for the template's other variables, each with at most 10000 characters."`
}

// EmailPreview is a template that is filled in.
type EmailPreview struct {
	Subject     string   `json:"subject"`
	PreviewText string   `json:"preview_text"`
	HTML        string   `json:"html"`
	Text        string   `json:"text" doc:"What the HTML says, as plain text."`
	Missing     []string `json:"missing" nullable:"false" doc:"Variables that have no value, or none that is an address where one is needed. A post for which there are any is not sent."`
}

type emailPreviewOutput struct{ Body EmailPreview }

func (a *API) registerEmailTemplates() {
	tags := []string{"E-mail templates"}
	const list, one = "/v1/customers/{customer_id}/email-templates", "/v1/customers/{customer_id}/email-templates/{email_template_id}"
	reads, writes := needs("posts:read", "posts:write", "posts:publish"), needs("posts:write")
	const format = "Subject, preview text and HTML may hold variables: {{title}}, {{text}} and {{customer}} are the post's and the customer's, others are given " +
		"with the post, in options.variables. In HTML values are escaped; {{text}} becomes paragraphs there. The HTML is sanitised: text, tables, https images, " +
		"links and inline styles stay; scripts, forms, style sheets, comments and what loads anything else are taken out."
	register(a, huma.Operation{
		OperationID: "list-email-templates", Metadata: reads, Method: http.MethodGet, Path: list, Tags: tags, Summary: "List e-mail templates",
	}, a.listEmailTemplates)
	register(a, huma.Operation{
		OperationID: "create-email-template", Metadata: writes, Method: http.MethodPost, Path: list, Tags: tags, Summary: "Create an e-mail template",
		Description: format, DefaultStatus: http.StatusCreated,
	}, a.createEmailTemplate)
	register(a, huma.Operation{
		OperationID: "get-email-template", Metadata: reads, Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an e-mail template",
	}, a.getEmailTemplate)
	register(a, huma.Operation{
		OperationID: "update-email-template", Metadata: writes, Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change an e-mail template",
		Description: format + " A post that uses it and is approved is to be approved again; while one is being published, it cannot be changed.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.updateEmailTemplate)
	register(a, huma.Operation{
		OperationID: "delete-email-template", Metadata: writes, Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete an e-mail template",
		Description:   "Not while a post uses it that waits to be approved or published. A draft that uses it has to name another one before it goes out.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteEmailTemplate)
	preview := needs("posts:read", "posts:write", "posts:publish")
	preview[storesNothingKey] = true
	register(a, huma.Operation{
		OperationID: "preview-email-template", Metadata: preview, Method: http.MethodPost, Path: one + "/preview", Tags: tags, Summary: "Fill an e-mail template in",
		Description: "Shows the e-mail that a post with these values would be. Nothing is stored or sent.",
	}, a.previewEmailTemplate)
}

// checkTemplate refuses a template that cannot be used.
func checkTemplate(t emailtemplate.Template) error {
	problems := t.Check()
	if len(problems) == 0 {
		return nil
	}
	p := problem(http.StatusUnprocessableEntity, "The request is not valid; see errors.")
	for _, wrong := range problems {
		p.Errors = append(p.Errors, ProblemDetail{Message: wrong.Message, Location: "body." + wrong.Part})
	}
	return p
}

// checkVariables refuses values of a template's variables that are too long.
func checkVariables(place string, variables map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if utf8.RuneCountInString(variables[name]) > emailtemplate.MaxVariable {
			return invalid(place+"."+name, fmt.Sprintf("must have at most %d characters", emailtemplate.MaxVariable))
		}
	}
	return nil
}

func (a *API) listEmailTemplates(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[EmailTemplate], error) {
	before, err := in.before(listOfEmailTemplates)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.EmailTemplateListRow, error) {
		return q.EmailTemplateList(ctx, queries.EmailTemplateListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.EmailTemplateListRow) (EmailTemplate, error) {
		return emailTemplateFrom(queries.EmailTemplateGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.EmailTemplateListRow) string { return cursorOf(listOfEmailTemplates, row.ID) })
	return &pageOutput[EmailTemplate]{Body: body}, err
}

func (a *API) createEmailTemplate(ctx context.Context, in *struct {
	CustomerPath
	Body EmailTemplateCreate
}) (*emailTemplateOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	t := emailtemplate.Template{Subject: in.Body.Subject, PreviewText: in.Body.PreviewText, HTML: emailtemplate.Sanitise(in.Body.HTML)}
	if err := checkTemplate(t); err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*emailTemplateOutput, error) {
		if err := q.EmailTemplateCreate(ctx, queries.EmailTemplateCreateParams{
			ID: id, Name: in.Body.Name, Subject: t.Subject, PreviewText: t.PreviewText, Html: t.HTML,
		}); err != nil {
			return nil, err
		}
		row, err := q.EmailTemplateGet(ctx, id)
		return emailTemplateAnswer(row), err
	})
}

func (a *API) getEmailTemplate(ctx context.Context, in *EmailTemplatePath) (*emailTemplateOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.EmailTemplateGetRow, error) {
		return q.EmailTemplateGet(ctx, in.EmailTemplateID)
	})
	if err != nil {
		return nil, noRows(err, "e-mail template")
	}
	return emailTemplateAnswer(row), nil
}

func (a *API) updateEmailTemplate(ctx context.Context, in *struct {
	EmailTemplatePath
	Condition
	Body EmailTemplateUpdate
}) (*emailTemplateOutput, error) {
	if in.Body == (EmailTemplateUpdate{}) {
		return nil, nothingToChange()
	}
	t := emailtemplate.Template{HTML: "."} // for what is not given
	if in.Body.Subject != nil {
		t.Subject = *in.Body.Subject
	}
	if in.Body.PreviewText != nil {
		t.PreviewText = *in.Body.PreviewText
	}
	if in.Body.HTML != nil {
		t.HTML = emailtemplate.Sanitise(*in.Body.HTML)
		in.Body.HTML = &t.HTML
	}
	if err := checkTemplate(t); err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*emailTemplateOutput, error) {
		var row queries.EmailTemplateGetRow
		get := func() (err error) {
			row, err = q.EmailTemplateGet(ctx, in.EmailTemplateID)
			return noRows(err, "e-mail template")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.EmailTemplateUpdate(ctx, queries.EmailTemplateUpdateParams{
				ID: in.EmailTemplateID, Version: version, Name: in.Body.Name, Subject: in.Body.Subject, PreviewText: in.Body.PreviewText, Html: in.Body.HTML,
			})
		}, get)
		if violates(err, "email_templates_in_use") {
			return nil, conflict("A post that uses the template is being published. Try again when it is out.")
		}
		if err == nil {
			err = get()
		}
		return emailTemplateAnswer(row), err
	})
}

func (a *API) deleteEmailTemplate(ctx context.Context, in *struct {
	EmailTemplatePath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.EmailTemplateDelete(ctx, queries.EmailTemplateDeleteParams{ID: in.EmailTemplateID, Version: version})
		}, func() error {
			_, err := q.EmailTemplateGet(ctx, in.EmailTemplateID)
			return noRows(err, "e-mail template")
		})
	})
}

func (a *API) previewEmailTemplate(ctx context.Context, in *struct {
	EmailTemplatePath
	Body EmailTemplateValues
}) (*emailPreviewOutput, error) {
	if err := checkVariables("body.variables", in.Body.Variables); err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*emailPreviewOutput, error) {
		row, err := q.EmailTemplateForPreview(ctx, in.EmailTemplateID)
		if err != nil {
			return nil, noRows(err, "e-mail template")
		}
		email := emailtemplate.Template{Subject: row.Subject, PreviewText: row.PreviewText, HTML: row.Html}.Render(emailtemplate.Values{
			Title: in.Body.Title, Text: in.Body.Text, TextHTML: platform.TextHTML(in.Body.Text), Customer: row.Customer, Variables: in.Body.Variables,
		})
		if email.TooLarge {
			return nil, invalid("body", fmt.Sprintf("would make an e-mail of more than %d bytes", emailtemplate.MaxRendered))
		}
		return &emailPreviewOutput{EmailPreview{
			Subject: email.Subject, PreviewText: email.PreviewText, HTML: email.HTML, Text: email.Text, Missing: email.Missing,
		}}, nil
	})
}

func emailTemplateAnswer(row queries.EmailTemplateGetRow) *emailTemplateOutput {
	return &emailTemplateOutput{ETag: etag(row.Version), Body: emailTemplateFrom(row)}
}

func emailTemplateFrom(row queries.EmailTemplateGetRow) EmailTemplate {
	t := emailtemplate.Template{Subject: row.Subject, PreviewText: row.PreviewText, HTML: row.Html}
	return EmailTemplate{
		ID: row.ID, Name: row.Name, Subject: row.Subject, PreviewText: row.PreviewText, HTML: row.Html, Variables: t.Variables(),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
