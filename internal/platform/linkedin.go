package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// LinkedInPublisher publishes posts of members and organizations on LinkedIn:
// https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api.
//
// Files are uploaded first, each under a URN that is kept. What an author has posted can be read with permissions only that
// LinkedIn hardly gives to anybody, so a mark is kept before the request that publishes: after it, without an answer, nobody
// but a person can tell what became of the post.
type LinkedInPublisher struct {
	rest
	siteURL, apiURL string
	header          http.Header
	now             func() time.Time
}

var (
	_ Publisher = (*LinkedInPublisher)(nil)
	_ Measurer  = (*LinkedInPublisher)(nil)
)

// NewLinkedIn makes the adapter. It needs no application, only addresses and version.
func NewLinkedIn(config LinkedInConfig) *LinkedInPublisher {
	header := http.Header{"X-Restli-Protocol-Version": {"2.0.0"}}
	if config.Version != "" {
		header["Linkedin-Version"] = []string{config.Version}
	}
	l := &LinkedInPublisher{
		siteURL: cmp.Or(config.SiteURL, "https://www.linkedin.com"), apiURL: cmp.Or(config.APIURL, "https://api.linkedin.com"),
		header: header, now: time.Now,
	}
	l.rest = newRest("LinkedIn", l.judge)
	return l
}

// linkedInCheckpoint is what Publish keeps.
type linkedInCheckpoint struct {
	Media map[uuid.UUID]*linkedInUpload `json:"media,omitempty"`
	// Sending: the post may have been sent. Post is its URN once LinkedIn has told it, At when that was.
	Sending bool      `json:"sending,omitempty"`
	Post    string    `json:"post,omitempty"`
	At      time.Time `json:"at,omitzero"`
	// CommentSending: the first comment may have been sent. Commented: LinkedIn has said that it is there.
	CommentSending bool `json:"comment_sending,omitempty"`
	Commented      bool `json:"commented,omitempty"`
}

// linkedInSession is one conversation about one post.
type linkedInSession struct {
	*LinkedInPublisher
	credential LinkedInCredential
	post       Post
	attempt    Attempt
	kept       linkedInCheckpoint
}

var (
	linkedInAuthorPattern = regexp.MustCompile(`^urn:li:(person:[A-Za-z0-9_-]{1,100}|organization:[0-9]{1,20})$`)
	linkedInPostPattern   = regexp.MustCompile(`^urn:li:(share|ugcPost):[0-9]{1,30}$`)
)

// open reads credential and checkpoint. With an error of the credential the session is there all the same.
func (l *LinkedInPublisher) open(raw json.RawMessage, post Post, attempt Attempt) (*linkedInSession, error) {
	s := &linkedInSession{LinkedInPublisher: l, post: post, attempt: attempt}
	if err := attempt.kept(&s.kept); err != nil {
		return s, err
	}
	if s.kept.Media == nil {
		s.kept.Media = map[uuid.UUID]*linkedInUpload{}
	}
	if err := json.Unmarshal(raw, &s.credential); err != nil || !isToken(s.credential.AccessToken) || !linkedInAuthorPattern.MatchString(s.credential.Author) {
		return s, l.unreadable()
	}
	return s, nil
}

func (s *linkedInSession) keep(ctx context.Context) error { return s.attempt.keep(ctx, s.kept) }

func (s *linkedInSession) keepSent(ctx context.Context) error { return s.attempt.keepSent(ctx, s.kept) }

// call is a request to the API.
func (s *linkedInSession) call(method, path string, body any) call {
	return call{method: method, url: s.apiURL + "/rest" + path, authorization: bearer(s.credential.AccessToken), header: s.header, json: body}
}

// Publish uploads the files, publishes the post and comments on it.
func (l *LinkedInPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	s, err := l.open(credential, post, attempt)
	if err != nil {
		return Published{}, s.partial(err)
	}
	if err := s.check(); err != nil {
		return Published{}, s.partial(err)
	}
	if s.kept.Post == "" {
		if err := s.upload(ctx); err != nil {
			return Published{}, err
		}
		if err := s.create(ctx); err != nil {
			return Published{}, err
		}
	}
	if err := s.comment(ctx); err != nil {
		return Published{}, s.partial(err)
	}
	return s.published(), nil
}

// Reconcile knows what is kept. Beyond that only a person can tell.
func (l *LinkedInPublisher) Reconcile(_ context.Context, _ json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	s := &linkedInSession{LinkedInPublisher: l, post: post}
	if err := attempt.kept(&s.kept); err != nil {
		return nil, err
	}
	switch {
	case s.kept.Post == "" && s.kept.Sending:
		return nil, &Error{Class: UnknownOutcome, Message: "LinkedIn gave no clear answer when the post was published, and it does not tell what it has. " +
			"Look on LinkedIn whether the post is there, then say that it is there or post it again."}
	case s.kept.Post == "":
		return nil, nil
	case s.firstComment() == "" || s.kept.Commented:
		published := s.published()
		return &published, nil
	case s.kept.CommentSending:
		return nil, s.partial(&Error{Class: UnknownOutcome, Message: "The post is on LinkedIn; whether its first comment is there too is not known. Look there."})
	default:
		return nil, nil
	}
}

// check refuses what LinkedIn would refuse.
func (s *linkedInSession) check() error {
	if err := refuseInvalid(LinkedIn, s.post); err != nil {
		return err
	}
	if s.post.Options.Visibility == "connections" && !strings.HasPrefix(s.credential.Author, linkedInPersonURN) {
		return &Error{Class: Invalid, Code: "invalid", Message: "An organization's posts on LinkedIn are public. Choose the visibility public, then publish again."}
	}
	return nil
}

// published is the post, as LinkedIn has told of it.
func (s *linkedInSession) published() Published {
	return Published{ExternalID: s.kept.Post, URL: s.siteURL + "/feed/update/" + s.kept.Post, At: s.kept.At}
}

// partial says of an error that the post itself is there, if it is.
func (s *linkedInSession) partial(err error) error {
	if s.kept.Post == "" {
		return err
	}
	e, there := *AsError(err), s.published()
	e.Partial = &there
	return &e
}

func (s *linkedInSession) firstComment() string {
	return strings.TrimSpace(s.post.Options.FirstComment)
}

// create publishes the post. The mark goes when LinkedIn has clearly refused it, unless it tells of an earlier request.
func (s *linkedInSession) create(ctx context.Context) error {
	if s.attempt.stopping() || !canSend(ctx) {
		return HandedOver()
	}
	earlier := s.kept.Sending
	s.kept.Sending = true
	if err := s.keep(ctx); err != nil {
		return err
	}
	a, err := s.do(ctx, publishes, s.call(http.MethodPost, "/posts", s.body()), nil)
	if err != nil {
		problem := AsError(err)
		if problem.Code == linkedInDuplicateCode {
			problem = s.duplicate(a, earlier)
		}
		if problem.Class != UnknownOutcome && !earlier {
			s.kept.Sending = false
			if err := s.keepSent(ctx); err != nil {
				// The mark stays, so that nothing is sent before a person has looked.
				problem.Err = err
			}
		}
		return problem
	}
	urn := a.header.Get("X-Restli-Id")
	if a.status != http.StatusCreated || !linkedInPostPattern.MatchString(urn) {
		return s.unknown(a.status)
	}
	s.kept.Post, s.kept.At = urn, s.now()
	if err := s.keepSent(ctx); err != nil && s.firstComment() != "" {
		return s.partial(err)
	}
	return nil
}

// body is the post as LinkedIn wants it.
func (s *linkedInSession) body() map[string]any {
	visibility := "PUBLIC"
	if s.post.Options.Visibility == "connections" {
		visibility = "CONNECTIONS"
	}
	body := map[string]any{
		"author": s.credential.Author, "commentary": linkedInText(s.post.Text), "visibility": visibility,
		"distribution": map[string]any{
			"feedDistribution": "MAIN_FEED", "targetEntities": []string{}, "thirdPartyDistributionChannels": []string{},
		},
		"lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": false,
	}
	shown := []map[string]any{}
	for _, m := range s.post.Media {
		one := map[string]any{"id": s.kept.Media[m.ID].URN}
		if m.AltText != "" {
			one["altText"] = m.AltText
		}
		shown = append(shown, one)
	}
	switch {
	case len(shown) == 1:
		body["content"] = map[string]any{"media": shown[0]}
	case len(shown) > 1:
		body["content"] = map[string]any{"multiImage": map[string]any{"images": shown}}
	case s.post.Options.Link != "":
		body["content"] = map[string]any{"article": map[string]any{"source": s.post.Options.Link, "title": strings.TrimSpace(s.post.Options.LinkTitle)}}
	}
	return body
}

var linkedInURNPattern = regexp.MustCompile(`urn:li:(?:share|ugcPost):[0-9]{1,30}`)

// duplicate judges the refusal of a post that says the same as another one. LinkedIn names that one in words only, and has been
// seen to name posts that do not exist (https://github.com/ComposioHQ/composio/issues/2710), so the name is good for a person to
// look, and not to believe.
func (s *linkedInSession) duplicate(a answer, earlier bool) *Error {
	where := ""
	if urn := linkedInURNPattern.Find(a.body); urn != nil {
		where = " Look at " + s.siteURL + "/feed/update/" + string(urn) + "."
	}
	if earlier {
		return &Error{Class: UnknownOutcome, Status: a.status, Code: linkedInDuplicateCode,
			Message: "LinkedIn refuses the post because it is there already, which may be the one that was sent before." + where}
	}
	return &Error{Class: Invalid, Status: a.status, Code: linkedInDuplicateCode,
		Message: "LinkedIn refuses the post because the account has posted the same before." + where + " Change the text, or wait a day."}
}

// comment posts the first comment, once: https://learn.microsoft.com/linkedin/marketing/community-management/shares/comments-api.
func (s *linkedInSession) comment(ctx context.Context) error {
	text := s.firstComment()
	if text == "" || s.kept.Commented {
		return nil
	}
	if s.attempt.stopping() || !canSend(ctx) {
		return HandedOver()
	}
	earlier := s.kept.CommentSending
	s.kept.CommentSending = true
	if err := s.keep(ctx); err != nil {
		return err
	}
	a, err := s.do(ctx, publishes, s.call(http.MethodPost, "/socialActions/"+url.QueryEscape(s.kept.Post)+"/comments", map[string]any{
		"actor": s.credential.Author, "object": s.kept.Post, "message": map[string]any{"text": lineEnds.Replace(text)},
	}), nil)
	if err != nil {
		problem := s.commentRefused(AsError(err))
		if problem.Class != UnknownOutcome && !earlier {
			s.kept.CommentSending = false
			if err := s.keepSent(ctx); err != nil {
				problem.Err = err
			}
		}
		return problem
	}
	if a.status != http.StatusCreated {
		return s.unknown(a.status)
	}
	s.kept.Commented = true
	_ = s.keepSent(ctx) // nothing follows that could be done twice
	return nil
}
