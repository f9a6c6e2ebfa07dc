package platform

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// X's limits: https://docs.x.com/x-api/media/quickstart/best-practices for files.
const (
	// twitterMaxText is the longest text, as X counts it.
	twitterMaxText = 280
	// twitterMaxRead is from where on a text is too long whatever it holds, in bytes: finding its links would take long.
	twitterMaxRead   = 20_000
	twitterMaxPhotos = 4
	twitterMaxAlt    = 1000     // characters
	twitterMaxImage  = 5 << 20  // bytes
	twitterMaxGIF    = 15 << 20 // bytes
	twitterMaxVideo  = 512 << 20
	// Pixels on a side of an image.
	twitterMinSide, twitterMaxSide = 4, 8192
	twitterMaxLength               = 140 * time.Second
)

// What X charges for a post, and for one with a link, in thousandths of a US dollar (April 2026).
const twitterPrice, twitterLinkPrice = 15, 200

// twitterPart is one post of a thread.
type twitterPart struct {
	// field is where its text is, files where its files are said to be, as a Violation names them.
	field, files string
	text         string
	media        []Media
	// The labels of the post stand on each of its thread.
	madeWithAI, paidPartnership bool
}

// twitterParts divides a post into the posts of its thread, in order. missing are the files that parts name and the post has not,
// by the field.
func twitterParts(post Post) (parts []twitterPart, missing map[string]uuid.UUID) {
	missing = map[string]uuid.UUID{}
	byID := make(map[uuid.UUID]Media, len(post.Media))
	for _, m := range post.Media {
		byID[m.ID] = m
	}
	named := map[uuid.UUID]bool{}
	parts = append(parts, twitterPart{field: "text", files: "media", text: post.Text})
	for i, part := range post.Options.Thread {
		field := fmt.Sprintf("options.thread[%d]", i)
		next := twitterPart{field: field + ".text", files: field + ".media_ids", text: part.Text}
		for j, id := range part.MediaIDs {
			m, ok := byID[id]
			if !ok {
				missing[fmt.Sprintf("%s[%d]", next.files, j)] = id
				continue
			}
			named[id] = true
			next.media = append(next.media, m)
		}
		parts = append(parts, next)
	}
	for _, m := range post.Media {
		if !named[m.ID] {
			parts[0].media = append(parts[0].media, m)
		}
	}
	for i := range parts {
		parts[i].madeWithAI, parts[i].paidPartnership = post.Options.MadeWithAI, post.Options.PaidPartnership
	}
	return parts, missing
}

// checkTwitter holds a post against X's rules.
func checkTwitter(r *Report, post Post) {
	r.Limit = twitterMaxText
	parts, missing := twitterParts(post)
	price := 0
	for i, part := range parts {
		var text twitterText
		length := utf8.RuneCountInString(part.text)
		if len(part.text) <= twitterMaxRead {
			text = readTwitterText(part.text)
			length = text.length()
		}
		if i == 0 {
			r.Length = length
		} else {
			r.Parts = append(r.Parts, length)
		}
		price += twitterPrice
		if len(text.links) > 0 {
			price += twitterLinkPrice - twitterPrice
		}
		checkTwitterPart(r, part, length)
		if i > 0 {
			for j := range post.Options.Thread[i-1].MediaIDs {
				if field := fmt.Sprintf("%s[%d]", part.files, j); missing[field] != uuid.Nil {
					r.violate(field, "unknown", 0, 0, "The post has no such file. Attach it to the post, or leave it out of the thread.")
				}
			}
		}
	}
	r.Price = &Price{Currency: "USD", Amount: dollars(price)}
	for i, m := range post.Media {
		checkTwitterFile(r, fmt.Sprintf("media[%d]", i), m)
	}
}

// checkTwitterPart checks one post of a thread.
func checkTwitterPart(r *Report, part twitterPart, length int) {
	if length > twitterMaxText {
		r.violate(part.field, "too_long", twitterMaxText, int64(length), "The text has %d characters as X counts them; %d are allowed. Shorten it by %d.", length, twitterMaxText, length-twitterMaxText)
	}
	if strings.ContainsAny(part.text, twitterInvalidRunes) {
		r.violate(part.field, "invalid", 0, 0, "The text has a character that X does not take (U+FFFE, U+FEFF or U+FFFF). Write it anew.")
	}
	if strings.TrimSpace(part.text) == "" && len(part.media) == 0 {
		r.violate(part.field, "required", 0, 0, "A post on X needs a text or a file. Add one.")
	}
	photos, gifs, videos := 0, 0, 0
	for _, m := range part.media {
		switch {
		case m.IsVideo():
			videos++
		case m.Animated:
			gifs++
		default:
			photos++
		}
	}
	switch moving := gifs + videos; {
	case moving > 0 && photos > 0:
		r.violate(part.files, "mixed", 0, 0, "X shows photos, or one GIF, or one video, but not together. Leave some out.")
	case moving > 1:
		r.violate(part.files, "too_many", 1, int64(moving), "X shows one GIF or one video in a post; there are %d. Leave some out.", moving)
	case photos > twitterMaxPhotos:
		r.violate(part.files, "too_many", twitterMaxPhotos, int64(photos), "X shows %d photos in a post; there are %d. Leave some out.", twitterMaxPhotos, photos)
	}
}

// checkTwitterFile checks one file by itself.
func checkTwitterFile(r *Report, field string, m Media) {
	limit := int64(twitterMaxImage)
	switch m.ContentType {
	case "image/jpeg", "image/png", "image/webp":
	case "image/gif":
		if m.Animated {
			limit = twitterMaxGIF
		}
	case "video/mp4", "video/quicktime":
		limit = twitterMaxVideo
	default:
		r.violate(field, "unsupported", 0, 0, "X takes JPEG, PNG, WebP and GIF images, and MP4 and MOV videos, but no %s. Use another file.", m.ContentType)
		return
	}
	if m.Bytes > limit {
		r.violate(field, "too_large", limit, m.Bytes, "The file has %d bytes; X takes %d MB (%d bytes). Make it smaller.", m.Bytes, limit>>20, limit)
	}
	if smallest, largest := min(m.Width, m.Height), max(m.Width, m.Height); !m.IsVideo() && smallest > 0 {
		if smallest < twitterMinSide {
			r.violate(field, "too_small", twitterMinSide, int64(smallest), "The image is %d × %d pixels; X takes %d on each side at least. Use a larger one.", m.Width, m.Height, twitterMinSide)
		}
		if largest > twitterMaxSide {
			r.violate(field, "too_large", twitterMaxSide, int64(largest), "The image is %d × %d pixels; X takes %d on each side at most. Make it smaller.", m.Width, m.Height, twitterMaxSide)
		}
	}
	if m.IsVideo() && m.Duration > twitterMaxLength {
		r.violate(field, "too_long", int64(twitterMaxLength/time.Second), int64((m.Duration+time.Second-1)/time.Second),
			"The video is %d seconds long; X takes %d. Shorten it.", (m.Duration+time.Second-1)/time.Second, twitterMaxLength/time.Second)
	}
	if length := utf8.RuneCountInString(m.AltText); length > twitterMaxAlt {
		r.violate(field+".alt_text", "too_long", twitterMaxAlt, int64(length), "The alt text has %d characters; X takes %d. Shorten it.", length, twitterMaxAlt)
	}
}

// dollars writes thousandths with at least two decimals.
func dollars(thousandths int) string {
	return strings.TrimSuffix(fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000), "0")
}
