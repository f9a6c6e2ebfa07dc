package platform

import "unicode/utf8"

// linkedinMaxText is the longest text, in characters.
const linkedinMaxText = 3000

// checkLinkedIn holds a post against LinkedIn's rules.
func checkLinkedIn(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), linkedinMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; LinkedIn allows %d. Shorten it.", r.Length, r.Limit)
	}
}
