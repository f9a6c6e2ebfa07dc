package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Measure asks for the numbers of an organization's post, over its whole life:
// https://learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics. Of people's posts LinkedIn tells
// none with the permissions that are asked for.
func (l *LinkedInPublisher) Measure(ctx context.Context, credential json.RawMessage, externalID string) (Metrics, error) {
	s, err := l.open(credential, Post{}, Attempt{})
	if err != nil {
		return Metrics{}, err
	}
	if !strings.HasPrefix(s.credential.Author, linkedInOrganizationURN) {
		return Metrics{}, &Error{Class: Invalid, Code: "no_numbers", Message: "LinkedIn tells no numbers of people's posts."}
	}
	if !linkedInPostPattern.MatchString(externalID) {
		return Metrics{}, &Error{Class: Invalid, Code: "not_found", Message: "LinkedIn has no such post."}
	}
	list := "shares"
	if strings.HasPrefix(externalID, "urn:li:ugcPost:") {
		list = "ugcPosts"
	}
	path := "/organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity=" + url.QueryEscape(s.credential.Author) +
		"&" + list + "=List(" + url.QueryEscape(externalID) + ")"
	var answer struct {
		Elements []struct {
			Share   string `json:"share"`
			UGCPost string `json:"ugcPost"`
			Total   struct {
				Impressions *int64 `json:"impressionCount"`
				Unique      *int64 `json:"uniqueImpressionsCount"`
				Likes       *int64 `json:"likeCount"`
				Comments    *int64 `json:"commentCount"`
				Shares      *int64 `json:"shareCount"`
				Clicks      *int64 `json:"clickCount"`
			} `json:"totalShareStatistics"`
		} `json:"elements"`
	}
	a, err := s.do(ctx, prepares, s.call(http.MethodGet, path, nil), &answer)
	if err != nil {
		return Metrics{}, err
	}
	if answer.Elements == nil {
		return Metrics{}, s.badAnswer(prepares, a.status)
	}
	for _, element := range answer.Elements {
		if element.Share != externalID && element.UGCPost != externalID {
			continue
		}
		total := element.Total
		return Metrics{Impressions: atLeastZero(total.Impressions), Reach: atLeastZero(total.Unique), Likes: atLeastZero(total.Likes),
			Comments: atLeastZero(total.Comments), Shares: atLeastZero(total.Shares), Clicks: atLeastZero(total.Clicks)}, nil
	}
	return Metrics{}, &Error{Class: Invalid, Code: "not_found", Message: "The post is not on LinkedIn any more."}
}

// atLeastZero: a reaction that is taken back can make LinkedIn's count of them negative.
func atLeastZero(n *int64) *int64 {
	if n == nil || *n >= 0 {
		return n
	}
	return new(int64)
}
