package sandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// read is GET posts/{id}/.
func (r *ghostRequest) read(at int) answer {
	if refusal := r.checkQuery(); refusal != nil {
		return refusal.answer()
	}
	if at < 0 {
		return ghostNotFound("Post not found.").answer()
	}
	post := r.site.Posts[at]
	if post.EmailStatus == "pending" {
		// Sending takes a moment, so the publishing answer says "pending" and the next one "submitted".
		post.EmailStatus = "submitted"
		return r.changed(http.StatusOK, post)
	}
	return r.post(http.StatusOK, post)
}

// browse is GET posts/: filter, order, limit, page, fields, formats.
func (r *ghostRequest) browse() answer {
	query := r.URL.Query()
	refusal := r.checkQuery()
	filter, ok := parseFilter(query.Get("filter"))
	if refusal == nil && !ok {
		refusal = ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "Error parsing filter")
	}
	limit, limitOK := positive(query.Get("limit"), 15)
	page, pageOK := positive(query.Get("page"), 1)
	if query.Get("limit") == "all" {
		limit, limitOK = max(len(r.site.Posts), 1), true
	}
	if refusal == nil && (!limitOK || !pageOK) {
		refusal = ghostInvalid("limit", "Validation (matches) failed for limit")
	}
	order, ok := parseOrder(query.Get("order"))
	if refusal == nil && !ok {
		refusal = ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "Error parsing order")
	}
	if refusal != nil {
		return refusal.answer()
	}
	found := slices.DeleteFunc(slices.Clone(r.site.Posts), func(p *GhostPost) bool { return !filter.matches(p) })
	slices.SortStableFunc(found, order)
	total := len(found)
	pages := (total + limit - 1) / limit
	from := min((page-1)*limit, total)
	posts := []any{}
	for _, post := range found[from:min(from+limit, total)] {
		posts = append(posts, r.fields(post))
	}
	pagination := map[string]any{"page": page, "limit": limit, "pages": max(pages, 1), "total": total, "next": nil, "prev": nil}
	if page < pages {
		pagination["next"] = page + 1
	}
	if page > 1 {
		pagination["prev"] = page - 1
	}
	return ghostAnswer(http.StatusOK, map[string]any{"posts": posts, "meta": map[string]any{"pagination": pagination}})
}

func positive(value string, otherwise int) (int, bool) {
	if value == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(value)
	return n, err == nil && n > 0 && n <= 1_000_000
}

// post answers with one post.
func (r *ghostRequest) post(status int, post *GhostPost) answer {
	return ghostAnswer(status, map[string]any{"posts": []any{r.fields(post)}})
}

// changed answers with a post that was changed and must be saved.
func (r *ghostRequest) changed(status int, post *GhostPost) answer {
	result := r.post(status, post)
	result.changed = true
	return result
}

// fields gives a post as JSON: html and plaintext only where formats asks for them, and only the
// named ones if fields names some.
func (r *ghostRequest) fields(post *GhostPost) map[string]any {
	query := r.URL.Query()
	all := map[string]any{
		"id": post.ID, "uuid": post.UUID, "title": post.Title, "slug": post.Slug, "status": post.Status,
		"url": r.base + post.Path, "visibility": "public", "featured": false,
		"custom_excerpt": nullable(post.CustomExcerpt), "meta_title": nullable(post.MetaTitle),
		"meta_description": nullable(post.MetaDescription), "excerpt": excerpt(textOf(post.HTML)),
		"created_at": ghostStamp(post.CreatedAt), "updated_at": ghostStamp(post.UpdatedAt), "published_at": nil,
		"feature_image": nullable(post.FeatureImage), "feature_image_alt": nullable(post.FeatureImageAlt), "tags": ghostTags(post.Tags), "authors": []any{}, "newsletter": nil, "email": nil, "email_segment": cmp.Or(post.EmailSegment, "all"),
	}
	if post.PublishedAt != nil {
		all["published_at"] = ghostStamp(*post.PublishedAt)
	}
	if post.Newsletter != "" {
		all["newsletter"] = map[string]any{"slug": post.Newsletter}
		// One of the members is gone, and some of the others open and click, once the e-mail was handed over.
		email := map[string]any{
			"status": post.EmailStatus, "recipient_filter": post.EmailSegment, "email_count": ghostMembers, "track_opens": true,
			"delivered_count": 0, "opened_count": 0, "failed_count": 0,
		}
		clicks := 0
		if post.EmailStatus == "submitted" {
			email["delivered_count"], email["opened_count"], email["failed_count"], clicks = ghostMembers-1, ghostMembers/2, 1, ghostMembers/8
		}
		all["email"] = email
		if slices.Contains(strings.Split(query.Get("include"), ","), "count.clicks") {
			all["count"] = map[string]any{"clicks": clicks}
		}
	}
	formats := strings.Split(query.Get("formats"), ",")
	if slices.Contains(formats, "html") {
		all["html"] = post.HTML
	}
	if slices.Contains(formats, "plaintext") {
		all["plaintext"] = textOf(post.HTML)
	}
	names := query.Get("fields")
	if names == "" {
		return all
	}
	some := map[string]any{}
	for _, name := range strings.Split(names, ",") {
		if value, ok := all[name]; ok {
			some[name] = value
		}
	}
	return some
}

// ghostMembers is how many members each site has.
const ghostMembers = 40

func ghostTags(names []string) []any {
	tags := []any{}
	for _, name := range names {
		tags = append(tags, map[string]any{"name": name, "slug": safeSlug(name), "visibility": "public"})
	}
	return tags
}

// newsletters is GET newsletters/.
func (r *ghostRequest) newsletters() answer {
	return ghostAnswer(http.StatusOK, map[string]any{
		"newsletters": []any{map[string]any{
			"id": strings.Repeat("0", 24), "name": r.site.Title, "slug": ghostNewsletter, "status": "active", "subscribe_on_signup": true,
		}},
		"meta": map[string]any{"pagination": map[string]any{"page": 1, "limit": 15, "pages": 1, "total": 1, "next": nil, "prev": nil}},
	})
}

// excerpt is the beginning of a text: at most 500 characters.
func excerpt(text string) string {
	if runes := []rune(text); len(runes) > 500 {
		return string(runes[:500])
	}
	return text
}

// ghostFilter is the part of Ghost's filter language (NQL) that the sandbox knows: conditions
// key:value joined with +, all of which must hold. A value stands bare, in single quotes, or is a list
// in brackets of which one must fit.
type ghostFilter map[string][]string

var filterCondition = regexp.MustCompile(`^(id|slug|title|status):(\[[^\]]*\]|'(?:[^'\\]|\\.)*'|[^+\s'\[\](),]+)`)

// parseFilter reads a filter. A blank counts as +, which is what + becomes in a query string.
func parseFilter(text string) (ghostFilter, bool) {
	filter := ghostFilter{}
	for text != "" {
		match := filterCondition.FindStringSubmatch(text)
		if match == nil || filter[match[1]] != nil {
			return nil, false
		}
		values := []string{match[2]}
		if list, ok := strings.CutPrefix(match[2], "["); ok {
			values = strings.Split(strings.TrimSuffix(list, "]"), ",")
		}
		for _, value := range values {
			if quoted, ok := strings.CutPrefix(value, "'"); ok {
				value = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(strings.TrimSuffix(quoted, "'"))
			}
			filter[match[1]] = append(filter[match[1]], value)
		}
		text = text[len(match[0]):]
		if text != "" {
			if (text[0] != '+' && text[0] != ' ') || len(text) == 1 {
				return nil, false
			}
			text = text[1:]
		}
	}
	return filter, true
}

func (f ghostFilter) matches(p *GhostPost) bool {
	for key, values := range f {
		actual := map[string]string{"id": p.ID, "slug": p.Slug, "title": p.Title, "status": p.Status}[key]
		if !slices.Contains(values, actual) {
			return false
		}
	}
	return true
}

// parseOrder reads "published_at desc, title asc". Without one the newest published come first; drafts
// count as newest.
func parseOrder(text string) (func(a, b *GhostPost) int, bool) {
	if text == "" {
		text = "published_at desc, created_at desc"
	}
	var compares []func(a, b *GhostPost) int
	for _, part := range strings.Split(text, ",") {
		words := strings.Fields(part)
		if len(words) == 1 {
			words = append(words, "asc")
		}
		if len(words) != 2 || (strings.ToLower(words[1]) != "asc" && strings.ToLower(words[1]) != "desc") {
			return nil, false
		}
		key, ok := orderKeys[words[0]]
		if !ok {
			return nil, false
		}
		sign := 1
		if strings.EqualFold(words[1], "desc") {
			sign = -1
		}
		compares = append(compares, func(a, b *GhostPost) int { return sign * cmp.Compare(key(a), key(b)) })
	}
	return func(a, b *GhostPost) int {
		for _, compare := range compares {
			if result := compare(a, b); result != 0 {
				return result
			}
		}
		return 0
	}, true
}

var orderKeys = map[string]func(*GhostPost) string{
	"id":         func(p *GhostPost) string { return p.ID },
	"title":      func(p *GhostPost) string { return p.Title },
	"slug":       func(p *GhostPost) string { return p.Slug },
	"status":     func(p *GhostPost) string { return p.Status },
	"created_at": func(p *GhostPost) string { return ghostStamp(p.CreatedAt) },
	"updated_at": func(p *GhostPost) string { return ghostStamp(p.UpdatedAt) },
	"published_at": func(p *GhostPost) string {
		if p.PublishedAt == nil {
			return "9" // after every date
		}
		return ghostStamp(*p.PublishedAt)
	},
}
