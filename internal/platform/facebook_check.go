package platform

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Facebook's limits. Those of photos are of https://developers.facebook.com/docs/graph-api/reference/page/photos, those of
// videos of https://developers.facebook.com/docs/graph-api/video-uploads. How many photos a post shows is not documented; 10 is
// what its own composer for businesses takes.
const (
	// facebookMaxText is the longest text, facebookMaxComment the longest comment, in characters.
	facebookMaxText    = 63206
	facebookMaxComment = 8000
	facebookMaxPhotos  = 10
	// Bytes.
	facebookMaxPhoto = 4_000_000
	facebookMinVideo = 1 << 10
	facebookMaxVideo = 10 << 30
	// facebookMaxDuration is the longest video.
	facebookMaxDuration = 4 * time.Hour
)

var (
	facebookPhotoTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	facebookVideoTypes = []string{"video/mp4", "video/quicktime", "video/x-m4v", "video/webm", "video/x-matroska", "video/x-msvideo", "video/mpeg"}
)

// checkFacebook holds a post against Facebook's rules.
func checkFacebook(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(facebookText(post.Text)), facebookMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; Facebook allows %d. Shorten it.", r.Length, r.Limit)
	}
	link := post.Options.Link
	if r.Length == 0 && link == "" && len(post.Media) == 0 {
		r.violate("text", "required", 0, 0, "A post on Facebook says or shows something. Add a text, a link or a file.")
	}
	if link != "" {
		if u, err := url.Parse(link); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			r.violate("options.link", "invalid", 0, 0, "The link is no address that begins with https:// or http://. Correct it.")
		}
		if len(post.Media) > 0 {
			r.violate("options.link", "mixed", 0, 0, "A post on Facebook shows a link or files, not both. Put the link into the text, or leave the files out.")
		}
	}
	if comment := post.Options.FirstComment; comment != "" {
		switch length := utf8.RuneCountInString(facebookText(comment)); {
		case length == 0:
			r.violate("options.first_comment", "invalid", 0, 0, "The first comment is empty. Write something, or leave it out.")
		case length > facebookMaxComment:
			r.violate("options.first_comment", "too_long", facebookMaxComment, int64(length), "The first comment has %d characters; Facebook allows %d. Shorten it.", length, facebookMaxComment)
		}
	}
	checkFacebookMedia(r, post.Media)
}

func checkFacebookMedia(r *Report, media []Media) {
	videos := 0
	for i, m := range media {
		field := fmt.Sprintf("media[%d]", i)
		if m.IsVideo() {
			videos++
			checkFacebookVideo(r, field, m)
			continue
		}
		if !slices.Contains(facebookPhotoTypes, m.ContentType) {
			r.violate(field, "unsupported", 0, 0, "Facebook shows no files of the type %s. Take a JPEG, PNG, GIF or WebP image, or a video.", m.ContentType)
		}
		if m.Bytes > facebookMaxPhoto {
			r.violate(field, "too_large", facebookMaxPhoto, m.Bytes, "The image %s has %s; Facebook takes up to %s. Make it smaller.", m.Name, facebookSize(m.Bytes), facebookSize(facebookMaxPhoto))
		}
	}
	switch {
	case videos > 0 && videos < len(media):
		r.violate("media", "mixed", 0, 0, "A post on Facebook shows images or a video, not both. Leave one of them out.")
	case videos > 1:
		r.violate("media", "too_many", 1, int64(videos), "A post on Facebook shows one video; this has %d. Leave the others out.", videos)
	case len(media) > facebookMaxPhotos:
		r.violate("media", "too_many", facebookMaxPhotos, int64(len(media)), "A post on Facebook shows up to %d images; this has %d. Leave some out.", facebookMaxPhotos, len(media))
	}
}

func checkFacebookVideo(r *Report, field string, m Media) {
	if !slices.Contains(facebookVideoTypes, m.ContentType) {
		r.violate(field, "unsupported", 0, 0, "Facebook takes no videos of the type %s. Take an MP4.", m.ContentType)
	}
	switch {
	case m.Bytes < facebookMinVideo:
		r.violate(field, "too_small", facebookMinVideo, m.Bytes, "The video %s has %d bytes; Facebook takes those of %d or more.", m.Name, m.Bytes, facebookMinVideo)
	case m.Bytes > facebookMaxVideo:
		r.violate(field, "too_large", facebookMaxVideo, m.Bytes, "The video %s has %s; Facebook takes up to %s. Make it smaller.", m.Name, facebookSize(m.Bytes), facebookSize(facebookMaxVideo))
	}
	if m.Duration > facebookMaxDuration {
		r.violate(field, "too_long", int64(facebookMaxDuration/time.Second), int64(m.Duration/time.Second), "The video %s lasts %s; Facebook takes up to 4 hours. Shorten it.", m.Name, strings.TrimSuffix(m.Duration.Round(time.Minute).String(), "0s"))
	}
}

// facebookSize writes a number of bytes for people.
func facebookSize(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
