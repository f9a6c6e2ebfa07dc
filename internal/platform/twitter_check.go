package platform

import "unicode/utf8"

// twitterMaxText is the longest text, in characters.
const twitterMaxText = 280

// checkTwitter holds a post against X's rules.
func checkTwitter(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), twitterMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; X allows %d. Shorten it.", r.Length, r.Limit)
	}
}
