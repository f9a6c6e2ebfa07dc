package platform

import "unicode/utf8"

// mailchimpMaxText is the longest text, in characters.
const mailchimpMaxText = 100000

// checkMailchimp holds a post against Mailchimp's rules.
func checkMailchimp(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), mailchimpMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", int64(r.Limit), int64(r.Length), "The text has %d characters; Mailchimp allows %d. Shorten it.", r.Length, r.Limit)
	}
}
