package sandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ghostScheduleAhead is how far in the future a post must at least be scheduled.
const ghostScheduleAhead = 2 * time.Minute

// ghostSegment is what the sandbox knows of filters of members: "all", or conditions such as status:free and label:[a,b],
// joined with + or a comma.
var ghostSegment = regexp.MustCompile(`^(all|(status|label|subscribed|email_disabled):-?[^+,]+([+,][a-z_]+:-?[^+,]+)*)$`)

// checkQuery refuses values of source and formats that Ghost does not know.
func (r *ghostRequest) checkQuery() *ghostError {
	query := r.URL.Query()
	if source := query.Get("source"); source != "" && source != "html" {
		return ghostInvalid("source", "Validation (AllowedValues) failed for source")
	}
	if formats := query.Get("formats"); formats != "" {
		for _, format := range strings.Split(formats, ",") {
			if !slices.Contains([]string{"html", "plaintext", "mobiledoc", "lexical"}, format) {
				return ghostInvalid("formats", "Validation (AllowedValues) failed for formats")
			}
		}
	}
	return nil
}

// addGhostPost is POST posts/.
func (s *Sandbox) addGhostPost(r *ghostRequest) answer {
	input, refusal := ghostDecode(r.body)
	if refusal == nil {
		refusal = r.checkQuery()
	}
	if refusal == nil && input.Title == nil {
		refusal = ghostInvalid("title", "Validation failed for title: it is required.")
	}
	if refusal != nil {
		return refusal.answer()
	}
	now := s.ghostNow()
	post := &GhostPost{ID: newGhostID(), UUID: newGhostUUID(), Status: "draft", CreatedAt: now, UpdatedAt: now}
	r.set(post, input)
	if post.Slug == "" {
		post.Slug = r.site.ghostSlug(post.Title, post.ID)
	}
	if refusal := s.settle(r, post, &GhostPost{Status: "draft"}, input); refusal != nil {
		return refusal.answer()
	}
	// A newsletter is for the publishing PUT only; here Ghost ignores it.
	r.site.Posts = append(r.site.Posts, post)
	if post.live() {
		s.recordPublished(r.publicPost(post))
	}
	return r.changed(http.StatusCreated, post)
}

// editGhostPost is PUT posts/{id}/.
func (s *Sandbox) editGhostPost(r *ghostRequest, at int) answer {
	input, refusal := ghostDecode(r.body)
	if refusal == nil {
		refusal = r.checkQuery()
	}
	if refusal == nil && input.updatedAt == nil {
		refusal = ghostInvalid("updated_at", "Validation failed for updated_at: it is required.")
	}
	if refusal == nil && at < 0 {
		refusal = ghostNotFound("Resource could not be found.")
	}
	if refusal != nil {
		return refusal.answer()
	}
	before := r.site.Posts[at]
	post := *before
	r.set(&post, input)
	if refusal := s.settle(r, &post, before, input); refusal != nil {
		return refusal.answer()
	}
	fields := changedFields(before, &post)
	if len(fields) == 0 {
		return r.post(http.StatusOK, before)
	}
	if !input.updatedAt.Equal(before.UpdatedAt) {
		collision := ghostRefusal(http.StatusConflict, "UpdateCollisionError", "UPDATE_COLLISION",
			"Saving failed! Someone else is editing this post.")
		collision.details = map[string]any{"changedFields": fields,
			"clientUpdatedAt": ghostStamp(*input.updatedAt), "serverUpdatedAt": ghostStamp(before.UpdatedAt)}
		return collision.answer()
	}
	becameLive := post.live() && !before.live()
	if newsletter := r.URL.Query().Get("newsletter"); newsletter != "" && becameLive {
		if newsletter != ghostNewsletter {
			return ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "The newsletter parameter doesn't match any active newsletter.").answer()
		}
		segment := cmp.Or(r.URL.Query().Get("email_segment"), "all")
		if !ghostSegment.MatchString(segment) {
			return ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "The email segment parameter doesn't contain a valid filter").answer()
		}
		if post.Newsletter == "" { // a post is sent once, however often it is published
			post.Newsletter, post.EmailStatus, post.EmailSegment = newsletter, "pending", segment
		}
	}
	post.UpdatedAt = s.ghostNow()
	*before = post
	switch {
	case becameLive:
		s.recordPublished(r.publicPost(before))
	case post.live():
		s.recordEdited(r.publicPost(before))
	}
	return r.changed(http.StatusOK, before)
}

// set puts the input's fields into the post. Without source=html the html field is ignored.
func (r *ghostRequest) set(post *GhostPost, input *ghostInput) {
	for _, field := range []struct{ to, from *string }{
		{&post.Title, input.Title}, {&post.Status, input.Status}, {&post.CustomExcerpt, input.CustomExcerpt.pointer()},
		{&post.MetaTitle, input.MetaTitle}, {&post.MetaDescription, input.MetaDescription},
		{&post.FeatureImage, input.FeatureImage.pointer()}, {&post.FeatureImageAlt, input.FeatureImageAlt.pointer()},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if input.Tags != nil {
		post.Tags = nil
		for _, tag := range *input.Tags {
			if !slices.Contains(post.Tags, tag.Name) {
				post.Tags = append(post.Tags, tag.Name)
			}
		}
	}
	if post.Title = strings.TrimSpace(post.Title); post.Title == "" {
		post.Title = "(Untitled)"
	}
	if input.Slug != nil && *input.Slug != "" && *input.Slug != post.Slug {
		post.Slug = r.site.ghostSlug(*input.Slug, post.ID)
	}
	if input.HTML != nil && *input.HTML != "" && r.URL.Query().Get("source") == "html" {
		post.HTML = ghostStoredHTML(*input.HTML)
	}
	if input.publishedAt != nil {
		post.PublishedAt = input.publishedAt
	}
}

// settle applies the rules between status and dates, and the address that follows from them.
func (s *Sandbox) settle(r *ghostRequest, post, before *GhostPost, input *ghostInput) *ghostError {
	now := s.ghostNow()
	if post.Status == "scheduled" {
		moved := before.PublishedAt == nil || post.PublishedAt == nil || !post.PublishedAt.Equal(*before.PublishedAt)
		switch {
		case before.live():
			return ghostInvalid("status", "Your post is already published, please reload your page.")
		case post.PublishedAt == nil:
			return ghostInvalid("published_at", "Value in published_at cannot be blank.")
		case moved && post.PublishedAt.Before(now.Add(ghostScheduleAhead)):
			return ghostInvalid("published_at", "Date must be at least 2 minutes in the future.")
		}
	}
	if post.live() && !before.live() && (post.PublishedAt == nil || input.publishedAt == nil && before.Status == "scheduled") {
		post.PublishedAt = &now
	}
	post.Path = ghostPath(r.name) + "/p/" + post.UUID + "/"
	if post.live() {
		post.Path = ghostPath(r.name) + "/" + post.Slug + "/"
	}
	return nil
}

// changedFields names what differs; Ghost looks for a collision only then.
func changedFields(a, b *GhostPost) []string {
	fields := []string{}
	for _, field := range []struct {
		name   string
		differ bool
	}{
		{"title", a.Title != b.Title}, {"slug", a.Slug != b.Slug}, {"lexical", a.HTML != b.HTML},
		{"status", a.Status != b.Status}, {"custom_excerpt", a.CustomExcerpt != b.CustomExcerpt},
		{"feature_image", a.FeatureImage != b.FeatureImage}, {"feature_image_alt", a.FeatureImageAlt != b.FeatureImageAlt},
		{"tags", !slices.Equal(a.Tags, b.Tags)},
		{"meta_title", a.MetaTitle != b.MetaTitle}, {"meta_description", a.MetaDescription != b.MetaDescription},
		{"published_at", (a.PublishedAt == nil) != (b.PublishedAt == nil) ||
			a.PublishedAt != nil && !a.PublishedAt.Equal(*b.PublishedAt)},
	} {
		if field.differ {
			fields = append(fields, field.name)
		}
	}
	return fields
}

// ghostNow is the time as Ghost stores it.
func (s *Sandbox) ghostNow() time.Time { return s.now().UTC().Truncate(time.Second) }

func ghostStamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
