package platform

import "unicode/utf8"

// facebookMaxText is the longest text, in characters.
const facebookMaxText = 63206

// checkFacebook holds a post against Facebook's rules.
func checkFacebook(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), facebookMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; Facebook allows %d. Shorten it.", r.Length, r.Limit)
	}
}
