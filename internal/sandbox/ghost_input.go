package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ghostInput is the post of a request's body. A field that was not sent is nil; unknown fields are
// accepted, as Ghost does.
type ghostInput struct {
	Title         *string      `json:"title"`
	Slug          *string      `json:"slug"`
	HTML          *string      `json:"html"`
	Status        *string      `json:"status"`
	UpdatedAt     *string      `json:"updated_at"`
	PublishedAt   *string      `json:"published_at"`
	CustomExcerpt optionalText `json:"custom_excerpt"`
	MetaTitle     *string      `json:"meta_title"`
	// FeatureImage and FeatureImageAlt are taken away by null, and stay when they are not there.
	FeatureImage    optionalText `json:"feature_image"`
	FeatureImageAlt optionalText `json:"feature_image_alt"`
	Tags            *[]ghostTag  `json:"tags"`
	MetaDescription *string      `json:"meta_description"`

	updatedAt, publishedAt *time.Time
}

// ghostTag is a tag of a post, by its name. Ghost makes one that is not there.
type ghostTag struct {
	Name string `json:"name"`
}

// optionalText is a text that can be null.
type optionalText struct {
	given bool
	text  string
}

// UnmarshalJSON notes that it was there.
func (t *optionalText) UnmarshalJSON(data []byte) error {
	t.given, t.text = true, ""
	if string(data) == "null" {
		return nil
	}
	return json.Unmarshal(data, &t.text)
}

func (t *optionalText) pointer() *string {
	if !t.given {
		return nil
	}
	return &t.text
}

// ghostDecode reads a body {"posts":[{…}]} and checks what Ghost's schema checks.
func ghostDecode(body []byte) (*ghostInput, *ghostError) {
	if !json.Valid(body) {
		return nil, ghostRefusal(http.StatusBadRequest, "BadRequestError", "UNEXPECTED_ERROR",
			"Request not understood error, cannot edit post.")
	}
	var root struct {
		Posts []*ghostInput `json:"posts"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&root); err != nil {
		property := "posts"
		var mistyped *json.UnmarshalTypeError
		if errors.As(err, &mistyped) && mistyped.Field != "" {
			property = mistyped.Field[strings.LastIndexByte(mistyped.Field, '.')+1:]
		}
		return nil, ghostInvalid(property, "Validation failed for "+property+".")
	}
	if len(root.Posts) != 1 || root.Posts[0] == nil {
		return nil, ghostInvalid("posts", "Validation failed for posts: exactly one is needed.")
	}
	input := root.Posts[0]
	return input, input.check()
}

// check applies Ghost's limits (its posts schema): lengths in characters, states, dates.
func (in *ghostInput) check() *ghostError {
	limits := []struct {
		property string
		value    *string
		max      int
	}{
		{"title", in.Title, 255}, {"slug", in.Slug, 191}, {"custom_excerpt", in.CustomExcerpt.pointer(), 300},
		{"feature_image", in.FeatureImage.pointer(), 2000}, {"feature_image_alt", in.FeatureImageAlt.pointer(), 125},
		{"meta_title", in.MetaTitle, 300}, {"meta_description", in.MetaDescription, 500},
	}
	for _, limit := range limits {
		if limit.value != nil && utf8.RuneCountInString(*limit.value) > limit.max {
			return ghostInvalid(limit.property, fmt.Sprintf("%s cannot be longer than %d characters.", limit.property, limit.max))
		}
	}
	if in.Tags != nil {
		for _, tag := range *in.Tags {
			switch {
			case tag.Name == "":
				return ghostInvalid("tags", "Validation failed for tags: a name is needed.")
			case utf8.RuneCountInString(tag.Name) > 191:
				return ghostInvalid("tags", "Tag names cannot be longer than 191 characters.")
			case strings.HasPrefix(tag.Name, ","):
				return ghostInvalid("tags", "Tag names can't start with commas.")
			}
		}
	}
	if in.Status != nil && !slices.Contains([]string{"draft", "published", "scheduled", "sent"}, *in.Status) {
		return ghostInvalid("status", "status is none of the allowed values.")
	}
	var refusal *ghostError
	if in.updatedAt, refusal = ghostTime("updated_at", in.UpdatedAt); refusal != nil {
		return refusal
	}
	in.publishedAt, refusal = ghostTime("published_at", in.PublishedAt)
	return refusal
}

// ghostTime reads a date and cuts it to Ghost's resolution.
func ghostTime(property string, value *string) (*time.Time, *ghostError) {
	if value == nil {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, *value)
	if err != nil {
		return nil, ghostInvalid(property, property+" is not a date.")
	}
	at = at.UTC().Truncate(time.Second)
	return &at, nil
}

// ghostSlug makes a slug that no other post of the site has, as Ghost's generateSlug does: safe
// characters, at most 185, "-2" and so on for duplicates.
func (site *ghostSite) ghostSlug(wish, exceptID string) string {
	slug := safeSlug(wish)
	if len(slug) > 185 {
		slug = slug[:185]
	}
	switch {
	case slug == "":
		slug = "post"
	case len(slug) == 1:
		slug = "post-" + slug
	case slug == "ghost" || slug == "rss" || slug == "amp":
		slug += "-post"
	}
	taken := func(slug string) bool {
		return slices.ContainsFunc(site.Posts, func(p *GhostPost) bool { return p.Slug == slug && p.ID != exceptID })
	}
	unique := slug
	for n := 2; taken(unique); n++ {
		unique = fmt.Sprintf("%s-%d", slug, n)
	}
	return unique
}

// safeSlug keeps letters and digits of ASCII, without accents, with a dash for everything between
// them. Ghost also spells other scripts in Latin letters; here they fall away.
func safeSlug(wish string) string {
	var out strings.Builder
	dash := false
	for _, r := range norm.NFKD.String(strings.ToLower(wish)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && out.Len() > 0 {
				out.WriteByte('-')
			}
			dash = false
			out.WriteRune(r)
		case r >= 0x300 && r < 0x370 || r == '\'' || r == '’':
		default:
			dash = true
		}
	}
	return out.String()
}
