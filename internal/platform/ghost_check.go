package platform

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Ghost's limits, in characters (its schema of posts and tags) and bytes.
const (
	ghostMaxTitle   = 255
	ghostMaxSlug    = 191
	ghostMaxExcerpt = 300
	ghostMaxTag     = 191
	// ghostMaxAlt is the longest alt text of the image above a post.
	ghostMaxAlt = 125
	// ghostMaxText is our own: Ghost has been seen to take 12 MB.
	ghostMaxText = 100_000
	ghostMaxHTML = 1_000_000
	// ghostMaxURL is our own: no site's address of a post is longer.
	ghostMaxURL = 2000
	// ghostMaxImage and ghostMaxVideo are our own: Ghost has no limit, the servers before it have.
	ghostMaxImage = 50 << 20
	ghostMaxVideo = 250 << 20
)

// The types of files that Ghost takes (its configuration, "uploads") and browsers show.
var (
	ghostImages = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	ghostVideos = []string{"video/mp4", "video/webm"}
)

// checkGhost holds a post against Ghost's rules. Ghost itself names a post without title "(Untitled)".
func checkGhost(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), ghostMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", ghostMaxText, int64(r.Length), "The text has %d characters; %d are allowed. Shorten it.", r.Length, r.Limit)
	}
	if len(post.HTML) > ghostMaxHTML {
		r.violate("text", "too_large", ghostMaxHTML, int64(len(post.HTML)),
			"With its template the post has %d bytes; %d are allowed. Shorten it.", len(post.HTML), ghostMaxHTML)
	}
	title := strings.TrimSpace(post.Title)
	switch length := utf8.RuneCountInString(title); {
	case title == "":
		r.violate("title", "required", 0, 0, "A post on Ghost needs a title. Add one.")
	case length > ghostMaxTitle:
		r.violate("title", "too_long", ghostMaxTitle, int64(length), "The title has %d characters; Ghost allows %d. Shorten it.", length, ghostMaxTitle)
	}
	checkGhostOptions(r, post.Options)
	checkGhostMedia(r, post)
}

func checkGhostOptions(r *Report, options Options) {
	if length := utf8.RuneCountInString(strings.TrimSpace(options.Excerpt)); length > ghostMaxExcerpt {
		r.violate("options.excerpt", "too_long", ghostMaxExcerpt, int64(length), "The excerpt has %d characters; Ghost allows %d. Shorten it.", length, ghostMaxExcerpt)
	}
	for i, tag := range options.Tags {
		field, tag := fmt.Sprintf("options.tags[%d]", i), strings.TrimSpace(tag)
		switch length := utf8.RuneCountInString(tag); {
		case tag == "" || strings.HasPrefix(tag, ","):
			r.violate(field, "invalid", 0, 0, "A tag's name must not be empty or begin with a comma. Correct it.")
		case length > ghostMaxTag:
			r.violate(field, "too_long", ghostMaxTag, int64(length), "The tag has %d characters; Ghost allows %d. Shorten it.", length, ghostMaxTag)
		}
	}
	if options.EmailSegment != "" && options.Newsletter == "" {
		r.violate("options.newsletter", "required", 0, 0, "Which members get the newsletter is said, but not which newsletter. Name it.")
	}
}

func checkGhostMedia(r *Report, post Post) {
	featured := ghostFeatured(post)
	for i, media := range post.Media {
		field, limit, types := fmt.Sprintf("media[%d]", i), int64(ghostMaxImage), ghostImages
		if media.IsVideo() {
			limit, types = ghostMaxVideo, ghostVideos
		}
		switch {
		case !slices.Contains(types, media.ContentType):
			r.violate(field, "unsupported", 0, 0, "Ghost does not show a file of type %s. Use JPEG, PNG, GIF, WebP, MP4 or WebM.", media.ContentType)
		case media.Bytes > limit:
			r.violate(field, "too_large", limit, media.Bytes, "The file has %d bytes; %d are allowed. Make it smaller.", media.Bytes, limit)
		}
		if length := utf8.RuneCountInString(media.AltText); media.ID == featured && length > ghostMaxAlt {
			r.violate(field, "too_long", ghostMaxAlt, int64(length),
				"The image above the post has an alt text of %d characters; Ghost allows %d. Shorten it.", length, ghostMaxAlt)
		}
	}
}
