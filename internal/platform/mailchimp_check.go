package platform

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mailchimp's limits.
const (
	// mailchimpMaxText (characters) and mailchimpMaxHTML (bytes) are our own. Mail programs cut off e-mails far shorter.
	mailchimpMaxText = 100_000
	mailchimpMaxHTML = 500_000
	// mailchimpMaxSubject is the longest subject and preview text, in characters.
	mailchimpMaxSubject  = 150
	mailchimpMaxFromName = 100
	// mailchimpMaxFile is the file manager's limit, in bytes (https://mailchimp.com/help/upload-and-manage-files-and-images/).
	mailchimpMaxFile = 10 << 20
)

// mailchimpImages are the types that mail programs show, and that Mailchimp asks for.
var mailchimpImages = []string{"image/jpeg", "image/png", "image/gif"}

// checkMailchimp holds a post against Mailchimp's rules.
func checkMailchimp(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), mailchimpMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; Mailchimp allows %d. Shorten it.", r.Length, r.Limit)
	}
	if len(post.HTML) > mailchimpMaxHTML {
		r.violate("text", "too_large", mailchimpMaxHTML, int64(len(post.HTML)),
			"With its template the e-mail has %d bytes; %d are allowed. Shorten it.", len(post.HTML), mailchimpMaxHTML)
	}
	if strings.TrimSpace(post.Text) == "" && strings.TrimSpace(post.HTML) == "" && len(post.Media) == 0 {
		r.violate("text", "required", 0, 0, "An e-mail needs a text. Add one.")
	}
	field := "options.subject"
	if strings.TrimSpace(post.Options.Subject) == "" {
		field = "title"
	}
	switch length := utf8.RuneCountInString(mailchimpSubject(post)); {
	case length == 0:
		r.violate("options.subject", "required", 0, 0, "An e-mail needs a subject. Add one, or give the post a title.")
	case length > mailchimpMaxSubject:
		r.violate(field, "too_long", mailchimpMaxSubject, int64(length), "The subject has %d characters; Mailchimp allows %d. Shorten it.", length, mailchimpMaxSubject)
	}
	if length := utf8.RuneCountInString(post.Options.PreviewText); length > mailchimpMaxSubject {
		r.violate("options.preview_text", "too_long", mailchimpMaxSubject, int64(length),
			"The preview text has %d characters; Mailchimp allows %d. Shorten it.", length, mailchimpMaxSubject)
	}
	if length := utf8.RuneCountInString(post.Options.FromName); length > mailchimpMaxFromName {
		r.violate("options.from_name", "too_long", mailchimpMaxFromName, int64(length),
			"The sender's name has %d characters; %d are allowed. Shorten it.", length, mailchimpMaxFromName)
	}
	if reply := strings.TrimSpace(post.Options.ReplyTo); reply != "" {
		if address, err := mail.ParseAddress(reply); err != nil || address.Address != reply {
			r.violate("options.reply_to", "invalid", 0, 0, "The address for replies is no e-mail address. Correct it.")
		}
	}
	for i, media := range post.Media {
		field := fmt.Sprintf("media[%d]", i)
		switch {
		case media.IsVideo():
			r.violate(field, "unsupported", 0, 0, "An e-mail cannot show a video. Take it out, or link to it.")
		case !slices.Contains(mailchimpImages, media.ContentType):
			r.violate(field, "unsupported", 0, 0, "Mail programs do not show a file of type %s. Use JPEG, PNG or GIF.", media.ContentType)
		case media.Bytes > mailchimpMaxFile:
			r.violate(field, "too_large", mailchimpMaxFile, media.Bytes, "The file has %d bytes; Mailchimp allows %d. Make it smaller.", media.Bytes, mailchimpMaxFile)
		}
	}
}
