package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/emailtemplate"
	"fanfare/internal/platform"
)

// file is a file of a post as the view platform_post_files shows it.
type file struct {
	ID          uuid.UUID `json:"id"`
	Path        string    `json:"path"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Bytes       int64     `json:"bytes"`
	Width       int       `json:"width"`
	Height      int       `json:"height"`
	DurationMS  int64     `json:"duration_ms"`
	Animated    bool      `json:"animated"`
	AltText     string    `json:"alt_text"`
}

// Content makes what a platform post says of how it is stored: options of the column platform_posts.options, files as the view
// platform_post_files shows them. The paths are where in the bucket the files are, in the order of the post's Media.
func Content(id uuid.UUID, title, text string, options, files json.RawMessage) (post platform.Post, paths []string, err error) {
	post = platform.Post{ID: id, Title: title, Text: text}
	if err := json.Unmarshal(options, &post.Options); err != nil {
		return platform.Post{}, nil, fmt.Errorf("read options: %w", err)
	}
	var stored []file
	if err := json.Unmarshal(files, &stored); err != nil {
		return platform.Post{}, nil, fmt.Errorf("read files: %w", err)
	}
	for _, f := range stored {
		post.Media = append(post.Media, platform.Media{
			ID: f.ID, Name: f.Name, ContentType: f.ContentType, Bytes: f.Bytes, Width: f.Width, Height: f.Height,
			Duration: time.Duration(f.DurationMS) * time.Millisecond, Animated: f.Animated, AltText: f.AltText,
		})
		paths = append(paths, f.Path)
	}
	return post, paths, nil
}

// FillIn makes a platform post that names an e-mail template say what the template says: its HTML, and subject and preview text
// where the post has none of its own. template is as the queries of platform posts give it, nil where there is no such
// template. It answers why the post cannot be sent like that; then it is left as it is.
func FillIn(name platform.Name, post *platform.Post, template json.RawMessage) ([]platform.Violation, error) {
	if post.Options.TemplateID == nil || (name != platform.Mailchimp && name != platform.Ghost) {
		return nil, nil // on others the option itself is refused
	}
	if template == nil {
		return []platform.Violation{{
			Field: "options.template_id", Rule: "unknown",
			Message: "There is no such e-mail template. Choose another one, or leave it out.",
		}}, nil
	}
	var stored struct {
		emailtemplate.Template
		Customer string `json:"customer"`
	}
	if err := json.Unmarshal(template, &stored); err != nil {
		return nil, fmt.Errorf("read e-mail template: %w", err)
	}
	email := stored.Render(emailtemplate.Values{
		Title: post.Title, Text: post.Text, TextHTML: platform.TextHTML(post.Text), Customer: stored.Customer, Variables: post.Options.Variables,
	})
	var broken []platform.Violation
	for _, missing := range email.Missing {
		if missing == emailtemplate.Title || missing == emailtemplate.Text {
			broken = append(broken, platform.Violation{Field: missing, Rule: "required", Message: "The e-mail template needs the post's " + missing + ". Give it one."})
			continue
		}
		broken = append(broken, platform.Violation{
			Field: "options.variables." + missing, Rule: "required",
			Message: fmt.Sprintf("The e-mail template needs the variable %s. Give it a value; for an address, one that begins with https://.", missing),
		})
	}
	if email.TooLarge {
		broken = append(broken, platform.Violation{
			Field: "options.template_id", Rule: "too_large", Limit: emailtemplate.MaxRendered,
			Message: fmt.Sprintf("With this template the e-mail is larger than %d bytes. Shorten the text or the variables.", emailtemplate.MaxRendered),
		})
	}
	if len(broken) > 0 {
		return broken, nil
	}
	post.HTML = email.HTML
	if name == platform.Mailchimp {
		post.Options.Subject = cmp.Or(post.Options.Subject, email.Subject)
		post.Options.PreviewText = cmp.Or(post.Options.PreviewText, email.PreviewText)
	}
	return nil, nil
}
