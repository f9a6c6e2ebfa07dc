package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/jobs"
	"fanfare/queries"
)

// PlatformCheck is how a post does by the rules of one of its platforms.
type PlatformCheck struct {
	IntegrationID uuid.UUID `json:"integration_id" format:"uuid"`
	Platform      string    `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	platform.Report
}

type postCheckOutput struct {
	Body struct {
		Platforms []PlatformCheck `json:"platforms" nullable:"false" doc:"In the order of the request, or of the post's platform posts."`
	}
}

func (a *API) registerPostChecks() {
	tags := []string{"Posts"}
	reads := needs("posts:read", "posts:write", "posts:publish")
	draft := needs("posts:read", "posts:write", "posts:publish")
	draft[storesNothingKey] = true
	register(a, huma.Operation{
		OperationID: "check-draft", Metadata: draft, Method: http.MethodPost, Path: "/v1/customers/{customer_id}/posts/check", Tags: tags,
		Summary:     "Hold a post against the rules of its platforms",
		Description: "Takes what create-post takes and stores nothing: lengths as each platform counts them, what it charges, and every rule that would be broken. No platform is asked, so it can be called while somebody types.",
	}, a.checkDraft)
	register(a, huma.Operation{
		OperationID: "check-post", Metadata: reads, Method: http.MethodGet, Path: "/v1/customers/{customer_id}/posts/{post_id}/check", Tags: tags,
		Summary: "Hold a stored post against the rules of its platforms",
	}, a.checkPost)
}

func (a *API) checkDraft(ctx context.Context, in *struct {
	CustomerPath
	Body PostCreate
}) (*postCheckOutput, error) {
	if err := checkPlatforms(in.Body.Platforms); err != nil {
		return nil, err
	}
	if err := eachOnce("body.media_ids", in.Body.MediaIDs); err != nil {
		return nil, err
	}
	params := queries.PostCheckContextParams{
		IntegrationIds: []uuid.UUID{}, Platforms: []string{}, MediaIds: append([]uuid.UUID{}, in.Body.MediaIDs...), TemplateIds: []uuid.UUID{},
	}
	for _, p := range in.Body.Platforms {
		if p.IntegrationID != nil {
			params.IntegrationIds = append(params.IntegrationIds, *p.IntegrationID)
		} else {
			params.Platforms = append(params.Platforms, p.Platform)
		}
		if p.MediaIDs != nil {
			params.MediaIds = append(params.MediaIds, *p.MediaIDs...)
		}
		if p.Options.TemplateID != nil {
			params.TemplateIds = append(params.TemplateIds, *p.Options.TemplateID)
		}
	}
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.PostCheckContextRow, error) {
		return q.PostCheckContext(ctx, params)
	})
	if err != nil {
		return nil, err
	}
	var accounts []struct {
		ID        uuid.UUID `json:"id"`
		Platform  string    `json:"platform"`
		IsDefault bool      `json:"is_default"`
	}
	var files, templates map[uuid.UUID]json.RawMessage
	if err := json.Unmarshal(row.Integrations, &accounts); err != nil {
		return nil, fmt.Errorf("decode accounts: %w", err)
	}
	if err := json.Unmarshal(row.Files, &files); err != nil {
		return nil, fmt.Errorf("decode files: %w", err)
	}
	if err := json.Unmarshal(row.Templates, &templates); err != nil {
		return nil, fmt.Errorf("decode e-mail templates: %w", err)
	}
	out := &postCheckOutput{}
	out.Body.Platforms = make([]PlatformCheck, 0, len(in.Body.Platforms))
	for i, p := range in.Body.Platforms {
		check := PlatformCheck{}
		for _, account := range accounts {
			if p.IntegrationID != nil && *p.IntegrationID == account.ID || p.IntegrationID == nil && account.IsDefault && account.Platform == p.Platform {
				check.IntegrationID, check.Platform = account.ID, account.Platform
			}
		}
		if check.IntegrationID == uuid.Nil {
			if p.IntegrationID != nil {
				return nil, notFound("integration")
			}
			return nil, noDefault(i)
		}
		text, mediaIDs := in.Body.Text, in.Body.MediaIDs
		if p.Text != nil {
			text = *p.Text
		}
		if p.MediaIDs != nil {
			mediaIDs = *p.MediaIDs
		}
		shown := make([]json.RawMessage, 0, len(mediaIDs))
		for _, id := range mediaIDs {
			file, there := files[id]
			if !there {
				return nil, notFound("file")
			}
			shown = append(shown, file)
		}
		var template json.RawMessage
		if p.Options.TemplateID != nil {
			template = templates[*p.Options.TemplateID]
		}
		if check.Report, err = report(check.Platform, uuid.Nil, in.Body.Title, text, p.Options, shown, template); err != nil {
			return nil, err
		}
		out.Body.Platforms = append(out.Body.Platforms, check)
	}
	return out, nil
}

func (a *API) checkPost(ctx context.Context, in *PostPath) (*postCheckOutput, error) {
	encoded, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (json.RawMessage, error) { return q.PostContent(ctx, in.PostID) })
	if err != nil {
		return nil, noRows(err, "post")
	}
	var stored []struct {
		ID            uuid.UUID         `json:"id"`
		IntegrationID uuid.UUID         `json:"integration_id"`
		Platform      string            `json:"platform"`
		Title         string            `json:"title"`
		Text          string            `json:"text"`
		Options       json.RawMessage   `json:"options"`
		Files         []json.RawMessage `json:"files"`
		Template      *json.RawMessage  `json:"template"`
	}
	if err := json.Unmarshal(encoded, &stored); err != nil {
		return nil, fmt.Errorf("decode the post's content: %w", err)
	}
	out := &postCheckOutput{}
	out.Body.Platforms = make([]PlatformCheck, 0, len(stored))
	for _, pp := range stored {
		check := PlatformCheck{IntegrationID: pp.IntegrationID, Platform: pp.Platform}
		var template json.RawMessage
		if pp.Template != nil {
			template = *pp.Template
		}
		if check.Report, err = report(pp.Platform, pp.ID, pp.Title, pp.Text, pp.Options, pp.Files, template); err != nil {
			return nil, err
		}
		out.Body.Platforms = append(out.Body.Platforms, check)
	}
	return out, nil
}

// report holds what is said on one platform against its rules. It goes through the same steps as what is published. template
// is nil where there is no such e-mail template.
func report(platformName string, id uuid.UUID, title, text string, options any, files []json.RawMessage, template json.RawMessage) (platform.Report, error) {
	encodedOptions, err := json.Marshal(options)
	if err != nil {
		return platform.Report{}, fmt.Errorf("encode options: %w", err)
	}
	encodedFiles, err := json.Marshal(files)
	if err != nil {
		return platform.Report{}, fmt.Errorf("encode files: %w", err)
	}
	content, _, err := jobs.Content(id, title, text, encodedOptions, encodedFiles)
	if err != nil {
		return platform.Report{}, err
	}
	violations, err := jobs.FillIn(platform.Name(platformName), &content, template)
	if err != nil {
		return platform.Report{}, err
	}
	checked := platform.Check(platform.Name(platformName), content)
	checked.Violations = slices.Insert(checked.Violations, 0, violations...)
	return checked, nil
}
