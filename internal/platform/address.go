package platform

import (
	"net/url"
	"regexp"
)

var (
	statusPath  = regexp.MustCompile(`/status(?:es)?/([0-9]{1,19})(?:/|$)`)
	linkedInURN = regexp.MustCompile(`urn:li:(?:share|ugcPost):[0-9]{1,19}`)
	digits      = regexp.MustCompile(`^[0-9]{1,30}$`)
)

// PostIDOf is the id by which a platform knows the post at an address that a person gives, where the address holds it: a
// status of X, a share of LinkedIn, a permalink of a Facebook page. Of any other it is the address itself, which is no
// other post's either.
func PostIDOf(name Name, address *url.URL) string {
	switch name {
	case Twitter:
		if found := statusPath.FindStringSubmatch(address.Path); found != nil {
			return found[1]
		}
	case LinkedIn:
		if found := linkedInURN.FindString(address.Path); found != "" {
			return found
		}
	case Facebook:
		page, story := address.Query().Get("id"), address.Query().Get("story_fbid")
		if digits.MatchString(page) && digits.MatchString(story) {
			return page + "_" + story
		}
	}
	return address.String()
}
