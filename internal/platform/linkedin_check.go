package platform

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// LinkedIn's limits: https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api, images-api and
// videos-api. Lengths are in UTF-16 code units, of the text as it is read and not as it is escaped: LinkedIn's refusal names the
// "ShareCommentary text length", which is what its servers, written in Java, have after they have read the escapes.
const (
	linkedinMaxText      = 3000
	linkedinMaxComment   = 1250
	linkedinMaxAltText   = 4086
	linkedinMaxLinkTitle = 400
	linkedinMaxImages    = 20
	linkedinMaxPixels    = 36_152_320
	linkedinMinVideo     = 75 << 10  // bytes
	linkedinMaxVideo     = 500 << 20 // bytes
	linkedinMinDuration  = 3 * time.Second
	linkedinMaxDuration  = 30 * time.Minute
)

// linkedinImages are the types of image that LinkedIn takes, linkedinVideo the one of video.
var linkedinImages = []string{"image/jpeg", "image/png", "image/gif"}

const linkedinVideo = "video/mp4"

// linkedinLength is a text's length as LinkedIn counts it.
func linkedinLength(text string) int { return len(utf16.Encode([]rune(lineEnds.Replace(text)))) }

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// checkLinkedIn holds a post against LinkedIn's rules. Whether the account is an organization, whose posts everybody sees,
// is for the adapter to find out.
func checkLinkedIn(r *Report, post Post) {
	r.Length, r.Limit = linkedinLength(post.Text), linkedinMaxText
	options := post.Options
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; LinkedIn allows %d. Shorten it.", r.Length, r.Limit)
	}
	if strings.TrimSpace(post.Text) == "" && len(post.Media) == 0 && options.Link == "" {
		r.violate("text", "required", 0, 0, "A post on LinkedIn needs a text, a file or a link. Add one.")
	}
	checkLinkedInMedia(r, post.Media)
	checkLinkedInLink(r, post)
	if length := linkedinLength(options.FirstComment); length > linkedinMaxComment {
		r.violate("options.first_comment", "too_long", linkedinMaxComment, int64(length), "The first comment has %d characters; LinkedIn allows %d. Shorten it.", length, linkedinMaxComment)
	}
	if !slices.Contains([]string{"", "public", "connections"}, options.Visibility) {
		r.violate("options.visibility", "invalid", 0, 0, "The visibility is neither public nor connections. Choose one of them.")
	}
}

func checkLinkedInLink(r *Report, post Post) {
	options := post.Options
	if options.Link == "" {
		if options.LinkTitle != "" {
			r.violate("options.link", "required", 0, 0, "The link's title stands without a link. Add the link, or leave the title out.")
		}
		return
	}
	if u, err := url.Parse(options.Link); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		r.violate("options.link", "invalid", 0, 0, "The link is no address on the web. It begins with https:// or http://.")
	}
	if len(post.Media) > 0 {
		r.violate("options.link", "mixed", 0, 0, "LinkedIn shows a link's card or files, not both. Leave one of them out; the link can stand in the text.")
	}
	switch length := linkedinLength(options.LinkTitle); {
	case strings.TrimSpace(options.LinkTitle) == "":
		r.violate("options.link_title", "required", 0, 0, "LinkedIn shows the link's card with a title. Add one.")
	case length > linkedinMaxLinkTitle:
		r.violate("options.link_title", "too_long", linkedinMaxLinkTitle, int64(length), "The link's title has %d characters; LinkedIn allows %d. Shorten it.", length, linkedinMaxLinkTitle)
	}
}

func checkLinkedInMedia(r *Report, media []Media) {
	videos := 0
	for i, m := range media {
		field := fmt.Sprintf("media[%d]", i)
		if m.IsVideo() {
			videos++
			checkLinkedInVideo(r, field, m)
		} else {
			checkLinkedInImage(r, field, m)
		}
		if length := linkedinLength(m.AltText); length > linkedinMaxAltText {
			r.violate(field, "too_long", linkedinMaxAltText, int64(length), "The alt text has %d characters; LinkedIn allows %d. Shorten it.", length, linkedinMaxAltText)
		}
	}
	images := len(media) - videos
	switch {
	case videos > 0 && images > 0:
		r.violate("media", "mixed", 0, 0, "LinkedIn shows images or a video, not both. Leave one of them out.")
	case videos > 1:
		r.violate("media", "too_many", 1, int64(videos), "The post has %d videos; LinkedIn allows one.", videos)
	}
	if images > linkedinMaxImages {
		r.violate("media", "too_many", linkedinMaxImages, int64(images), "The post has %d images; LinkedIn allows %d.", images, linkedinMaxImages)
	}
}

func checkLinkedInImage(r *Report, field string, m Media) {
	if !slices.Contains(linkedinImages, m.ContentType) {
		r.violate(field, "unsupported", 0, 0, "LinkedIn does not take images of this type. Use JPEG, PNG or GIF.")
	}
	if pixels := int64(m.Width) * int64(m.Height); pixels > linkedinMaxPixels {
		r.violate(field, "too_large", linkedinMaxPixels, pixels, "The image has %d pixels; LinkedIn allows %d. Make it smaller.", pixels, linkedinMaxPixels)
	}
}

func checkLinkedInVideo(r *Report, field string, m Media) {
	if m.ContentType != linkedinVideo {
		r.violate(field, "unsupported", 0, 0, "LinkedIn does not take videos of this type. Use MP4.")
	}
	switch {
	case m.Bytes < linkedinMinVideo:
		r.violate(field, "too_small", linkedinMinVideo, m.Bytes, "The video has %d bytes; LinkedIn wants at least %d.", m.Bytes, linkedinMinVideo)
	case m.Bytes > linkedinMaxVideo:
		r.violate(field, "too_large", linkedinMaxVideo, m.Bytes, "The video has %d bytes; LinkedIn allows %d. Make it smaller.", m.Bytes, linkedinMaxVideo)
	}
	seconds := int64(m.Duration / time.Second)
	switch {
	case m.Duration == 0:
	case m.Duration < linkedinMinDuration:
		r.violate(field, "too_small", 3, seconds, "The video lasts %d seconds; LinkedIn wants at least 3.", seconds)
	case m.Duration > linkedinMaxDuration:
		r.violate(field, "too_large", 1800, seconds, "The video lasts %d seconds; LinkedIn allows 1800. Shorten it.", seconds)
	}
}
