package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// twitterClockMargin is how much X's clock may differ from ours.
	twitterClockMargin = 2 * time.Minute
	// twitterSettle is how long after a request that publishes the account's own posts may not show what came of it. A post without
	// text is given twice as long: X refuses a second one only where the text is the same.
	twitterSettle = 30 * time.Second
	// twitterRepeats is how far back the post is looked for that X says another one repeats. X does not say how far it looks itself.
	twitterRepeats = 24 * time.Hour
	// twitterTimelinePages bounds how far back own posts are looked through, twitterTimelinePage at a time: X gives 3,200.
	twitterTimelinePages, twitterTimelinePage = 32, 100
)

// TwitterPublisher publishes posts and threads on X: https://docs.x.com/x-api/posts/create-post.
//
// X has no field for an id of ours. So for each post of a thread it is kept that its request may have been sent, and what became of
// one is found out from the account's own posts, compared by their text. X refuses a text that the account has posted a short while
// ago: after a request that may have been sent, that confirms that it is there; without one, what is there is another post.
type TwitterPublisher struct {
	rest
	siteURL, apiURL string
	settle          time.Duration
	now             func() time.Time
}

var (
	_ Publisher = (*TwitterPublisher)(nil)
	_ Measurer  = (*TwitterPublisher)(nil)
)

// NewTwitter makes the adapter. Of the configuration it needs addresses and Settle.
func NewTwitter(config TwitterConfig) *TwitterPublisher {
	t := &TwitterPublisher{
		siteURL: cmp.Or(config.SiteURL, "https://x.com"), apiURL: cmp.Or(config.APIURL, "https://api.x.com"),
		settle: cmp.Or(config.Settle, twitterSettle), now: time.Now,
	}
	t.rest = newRest(Twitter.Title(), t.refusal)
	return t
}

// twitterCheckpoint is what Publish keeps.
type twitterCheckpoint struct {
	// Media are the uploads, Parts the posts of the thread in order.
	Media []*twitterUpload `json:"media,omitempty"`
	Parts []twitterSent    `json:"parts,omitempty"`
}

// twitterSent is what is known of one post of a thread.
type twitterSent struct {
	// Sending: the request that publishes it may have been sent, for the last time at SentAt.
	Sending bool      `json:"sending,omitempty"`
	SentAt  time.Time `json:"sent_at,omitzero"`
	// FirstSentAt is when it may have been sent for the first time, in any round.
	FirstSentAt time.Time `json:"first_sent_at,omitzero"`
	// Refused: X has refused it, perhaps because it is there, and it was not found.
	Refused bool `json:"refused,omitempty"`
	// ID is the post's, PublishedAt when it was published.
	ID          string    `json:"id,omitempty"`
	PublishedAt time.Time `json:"published_at,omitzero"`
}

// twitterAttempt is one conversation with X about a post.
type twitterAttempt struct {
	*TwitterPublisher
	credential TwitterCredential
	attempt    Attempt
	parts      []twitterPart
	kept       twitterCheckpoint
}

// begin reads credential and checkpoint. Its error says what readers see already.
func (t *TwitterPublisher) begin(raw json.RawMessage, post Post, attempt Attempt) (*twitterAttempt, error) {
	a := &twitterAttempt{TwitterPublisher: t, attempt: attempt}
	if err := attempt.kept(&a.kept); err != nil {
		return nil, err
	}
	a.parts, _ = twitterParts(post)
	for len(a.kept.Parts) < len(a.parts) {
		a.kept.Parts = append(a.kept.Parts, twitterSent{})
	}
	if json.Unmarshal(raw, &a.credential) != nil || a.credential.AccessToken == "" || !twitterIDPattern.MatchString(a.credential.UserID) {
		return nil, a.partial(t.unreadable())
	}
	return a, nil
}

// Publish uploads the files, and publishes the post and then those of its thread, each as a reply to the one before.
func (t *TwitterPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	a, err := t.begin(credential, post, attempt)
	if err != nil {
		return Published{}, err
	}
	if err := refuseInvalid(Twitter, post); err != nil {
		return Published{}, a.partial(err)
	}
	if err := a.publish(ctx); err != nil {
		return Published{}, a.partial(err)
	}
	return *a.published(), nil
}

func (a *twitterAttempt) publish(ctx context.Context) error {
	// All files first: a thread is not to break off in its middle because of one.
	for i, part := range a.parts {
		if a.kept.Parts[i].ID != "" {
			continue
		}
		for _, m := range part.media {
			if err := a.upload(ctx, m); err != nil {
				return err
			}
		}
	}
	for i := range a.parts {
		if a.kept.Parts[i].ID != "" {
			continue
		}
		if a.attempt.stopping() || !canSend(ctx) {
			return HandedOver()
		}
		if err := a.send(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// published is the first post, nil if it is not there yet.
func (a *twitterAttempt) published() *Published {
	first := a.kept.Parts[0]
	if first.ID == "" {
		return nil
	}
	return &Published{ExternalID: first.ID, URL: a.address(first.ID), At: first.PublishedAt}
}

// address is where people see the post with this id.
func (t *TwitterPublisher) address(id string) string { return t.siteURL + "/i/web/status/" + id }

// complete tells whether every post of the thread is there.
func (a *twitterAttempt) complete() bool {
	return !slices.ContainsFunc(a.kept.Parts[:len(a.parts)], func(sent twitterSent) bool { return sent.ID == "" })
}

// partial adds to an error what readers see already.
func (a *twitterAttempt) partial(err error) error {
	e := AsError(err)
	e.Partial = a.published()
	return e
}

// twitterTweet is the body of POST /2/tweets.
type twitterTweet struct {
	Text            string        `json:"text,omitempty"`
	Media           *twitterFiles `json:"media,omitempty"`
	Reply           *twitterReply `json:"reply,omitempty"`
	MadeWithAI      bool          `json:"made_with_ai,omitempty"`
	PaidPartnership bool          `json:"paid_partnership,omitempty"`
}

type twitterFiles struct {
	MediaIDs []string `json:"media_ids"`
}

type twitterReply struct {
	InReplyToTweetID string `json:"in_reply_to_tweet_id"`
}

// send publishes one post of the thread.
func (a *twitterAttempt) send(ctx context.Context, i int) error {
	sent, part := &a.kept.Parts[i], a.parts[i]
	body := twitterTweet{Text: part.text, MadeWithAI: part.madeWithAI, PaidPartnership: part.paidPartnership}
	if ids := a.mediaIDs(part); len(ids) > 0 {
		body.Media = &twitterFiles{ids}
	}
	if i > 0 {
		body.Reply = &twitterReply{a.kept.Parts[i-1].ID}
	}
	before := *sent
	sent.Sending, sent.SentAt = true, a.now().UTC()
	if sent.FirstSentAt.IsZero() {
		sent.FirstSentAt = sent.SentAt
	}
	if err := a.attempt.keep(ctx, a.kept); err != nil {
		return err
	}
	var answered struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	answer, err := a.do(ctx, publishes, call{method: http.MethodPost, url: a.apiURL + "/2/tweets", authorization: bearer(a.credential.AccessToken), json: body}, &answered)
	a.observe(answer)
	if err == nil && !twitterIDPattern.MatchString(answered.Data.ID) {
		err = a.unknown(answer.status) // errors[] with a status of success, for example
	}
	if err != nil {
		return a.notSent(ctx, i, before, answer, AsError(err))
	}
	sent.ID, sent.PublishedAt = answered.Data.ID, a.now().UTC()
	return a.keepID(ctx, i)
}

// keepID keeps that one post of the thread is there. Where that fails, no other may follow it.
func (a *twitterAttempt) keepID(ctx context.Context, i int) error {
	if err := a.attempt.keepSent(ctx, a.kept); err != nil && i < len(a.parts)-1 {
		return err
	}
	return nil
}

// notSent judges a post that X has not confirmed. before is what was known before its request.
func (a *twitterAttempt) notSent(ctx context.Context, i int, before twitterSent, answer answer, refused *Error) error {
	if refused.Class == UnknownOutcome {
		return refused
	}
	if refused.Status == http.StatusForbidden && refused.Class == Invalid {
		// The account may have posted this text a moment ago: X does not say in a field why it refuses.
		if before.Sending {
			found, err := a.find(ctx, i)
			switch {
			case err != nil:
				return a.maybeThere(ctx, i, err)
			case !found:
				return a.maybeThere(ctx, i, refused)
			}
			return a.keepID(ctx, i)
		}
		refused = a.repeats(ctx, i, refused)
	}
	if refused.Class == Invalid && answer.about("media.media_ids") {
		a.kept.Media = nil
		refused = &Error{Class: Transient, Status: refused.Status, Code: refused.Code, Message: "X has thrown away the files that were uploaded for the post. They are uploaded again."}
	}
	// It is certain that this request has published nothing.
	a.kept.Parts[i] = before
	if err := a.attempt.keepSent(ctx, a.kept); err != nil {
		return err
	}
	return refused
}

// repeats names in a refusal the post that says the same, if the account has one. It is not ours: nothing was sent before.
func (a *twitterAttempt) repeats(ctx context.Context, i int, refused *Error) *Error {
	text, seen, other := comparable(a.parts[i].text), 0, ""
	err := a.timeline(ctx, a.now().Add(-twitterRepeats), func(one twitterFound) (stop bool, err error) {
		if full, _ := one.texts(); text != "" && comparable(full) == text && twitterIDPattern.MatchString(one.ID) {
			other = one.ID
		}
		seen++
		return other != "" || seen == twitterTimelinePage, nil // for a message, one request is enough
	})
	if err != nil || other == "" {
		return refused
	}
	return &Error{Class: Invalid, Status: refused.Status, Code: refused.Code, Err: refused,
		Message: "X refuses it as a duplicate of " + a.address(other) + ". Change the text, then publish again."}
}

// maybeThere is for a post that X refuses, and that an earlier request may have published.
func (a *twitterAttempt) maybeThere(ctx context.Context, i int, cause error) *Error {
	e := AsError(cause)
	a.kept.Parts[i].Refused = true
	if err := a.attempt.keepSent(ctx, a.kept); err != nil {
		return AsError(err)
	}
	return a.refusedBefore(e)
}

// refusedBefore asks a person to look for a post that X has refused. cause may be nil.
func (a *twitterAttempt) refusedBefore(cause *Error) *Error {
	e := &Error{Class: UnknownOutcome,
		Message: "X refuses the post, perhaps because it is there already, but it was not found among the account's own posts. Look on X whether it is there."}
	if cause != nil {
		e.Status, e.Code, e.Err = cause.Status, cause.Code, cause
	}
	return e
}

// Reconcile looks for what an earlier attempt may have published among the account's own posts. When it finds the first post of a
// thread that is not whole, the error says where it is and that the work goes on.
func (t *TwitterPublisher) Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	a, err := t.begin(credential, post, attempt)
	if err != nil {
		return nil, err
	}
	known := a.published() != nil
	if err := a.reconcile(ctx); err != nil {
		return nil, a.partial(err)
	}
	switch {
	case a.complete():
		return a.published(), nil
	case !known && a.published() != nil:
		// Publish goes on with the thread. It is not said that nothing is there.
		return nil, a.partial(&Error{Class: Waiting, Code: "incomplete", RetryAt: a.now().Add(time.Second), Message: "The first post of the thread is there. The rest follows."})
	default:
		return nil, nil
	}
}

// reconcile finds the posts of the thread one after the other, up to the first that is certainly not there.
func (a *twitterAttempt) reconcile(ctx context.Context) error {
	for i := range a.parts {
		sent := &a.kept.Parts[i]
		switch {
		case sent.ID != "":
			continue
		case !sent.Sending:
			return nil
		}
		found, err := a.find(ctx, i)
		if err != nil {
			return err
		}
		if !found {
			if err := a.settled(i); err != nil {
				return err
			}
			if sent.Refused {
				return a.refusedBefore(nil)
			}
			return nil
		}
		if err := a.keepID(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// settled is nil once a post of the thread would be seen that its last request has published, and else says when that is.
func (a *twitterAttempt) settled(i int) error {
	settle := a.settle
	if strings.TrimSpace(a.parts[i].text) == "" {
		settle *= 2
	}
	if at := a.kept.Parts[i].SentAt.Add(settle); a.now().Before(at) {
		return &Error{Class: Waiting, Code: "settling", RetryAt: at, Message: "X gave no clear answer when the post was published, and does not show it yet. It is looked for once more in a moment."}
	}
	return nil
}

// twitterFound is one of the account's own posts.
type twitterFound struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	Entities  struct {
		URLs []struct {
			URL         string `json:"url"`
			ExpandedURL string `json:"expanded_url"`
			MediaKey    string `json:"media_key"`
		} `json:"urls"`
	} `json:"entities"`
	ReferencedTweets []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"referenced_tweets"`
	Attachments struct {
		MediaKeys []string `json:"media_keys"`
	} `json:"attachments"`
}

// replyTo is the id of the post that it answers, "" if none.
func (f twitterFound) replyTo() string {
	for _, referenced := range f.ReferencedTweets {
		if referenced.Type == "replied_to" {
			return referenced.ID
		}
	}
	return ""
}

// since is from when on a post of the thread may be there.
func (a *twitterAttempt) since(i int) time.Time {
	since := a.attempt.FirstStarted
	if sent := a.kept.Parts[i].FirstSentAt; !sent.IsZero() && sent.Before(since) {
		since = sent
	}
	return since.Add(-twitterClockMargin)
}

// timeline goes through the account's own posts since a time, the newest first, until look says that it has seen enough. Its errors
// are *Error.
func (a *twitterAttempt) timeline(ctx context.Context, since time.Time, look func(twitterFound) (stop bool, err error)) error {
	query := url.Values{
		"start_time":  {since.UTC().Format("2006-01-02T15:04:05Z")},
		"max_results": {strconv.Itoa(twitterTimelinePage)}, "tweet.fields": {"attachments,created_at,entities,referenced_tweets"},
	}
	for range twitterTimelinePages {
		var answered struct {
			Data []twitterFound `json:"data"`
			Meta *struct {
				NextToken string `json:"next_token"`
			} `json:"meta"`
		}
		address := a.apiURL + "/2/users/" + a.credential.UserID + "/tweets?" + query.Encode()
		answer, err := a.ask(ctx, call{method: http.MethodGet, url: address, authorization: bearer(a.credential.AccessToken)}, &answered)
		if err != nil {
			return err
		}
		if answered.Meta == nil { // errors[] with a status of success, for example
			return a.badAnswer(prepares, answer.status)
		}
		for _, one := range answered.Data {
			if stop, err := look(one); stop || err != nil {
				return err
			}
		}
		if answered.Meta.NextToken == "" {
			return nil
		}
		query.Set("pagination_token", answered.Meta.NextToken)
	}
	return &Error{Class: UnknownOutcome, Message: "The account has posted so much on X that it cannot be seen whether the post is there. Look on X."}
}

// find looks for one post of the thread among the account's own, and notes its id. Its errors are *Error.
func (a *twitterAttempt) find(ctx context.Context, i int) (bool, error) {
	var same, alike *twitterFound
	err := a.timeline(ctx, a.since(i), func(one twitterFound) (stop bool, err error) {
		likeness := a.compare(one, i)
		if likeness == different {
			return false, nil
		}
		taken, err := a.taken(ctx, one.ID)
		switch {
		case err != nil:
			return false, err
		case taken:
		case likeness == equal:
			same = &one // the oldest, if there are several
		default:
			alike = &one
		}
		return false, nil
	})
	if err != nil {
		return false, err
	}
	switch {
	case same != nil:
		sent := &a.kept.Parts[i]
		sent.ID, sent.PublishedAt = same.ID, a.believable(same.CreatedAt)
		return true, nil
	case alike != nil:
		return false, &Error{Class: UnknownOutcome, Message: "The account has a post on X that says nearly the same. Look there whether it is this one: " + a.address(alike.ID)}
	}
	return false, nil
}

// taken tells whether the post with this id is known to be another one, of the account or of the same thread.
func (a *twitterAttempt) taken(ctx context.Context, id string) (bool, error) {
	if !twitterIDPattern.MatchString(id) || slices.ContainsFunc(a.kept.Parts, func(sent twitterSent) bool { return sent.ID == id }) {
		return true, nil
	}
	taken, err := a.attempt.Taken(ctx, id)
	if err != nil {
		return false, &Error{Class: Transient, Err: err, Message: "What was found on X could not be compared with what is known here. It is looked for again."}
	}
	return taken, nil
}

// believable is X's time of a post, if it can be right.
func (a *twitterAttempt) believable(at time.Time) time.Time {
	if at.Before(a.attempt.FirstStarted.Add(-twitterClockMargin)) || at.After(a.now().Add(twitterClockMargin)) {
		return a.now().UTC()
	}
	return at.UTC()
}

// likeness is how a post that was found compares to one that was sent.
type likeness int

const (
	different likeness = iota
	// similar: they differ in where links lead, or in their files, which X may have written in another way.
	similar
	equal
)

// compare holds a post of the account against one of the thread.
func (a *twitterAttempt) compare(found twitterFound, i int) likeness {
	part := a.parts[i]
	replyTo := ""
	if i > 0 {
		replyTo = a.kept.Parts[i-1].ID
	}
	if found.replyTo() != replyTo || len(found.Attachments.MediaKeys) != len(part.media) {
		return different
	}
	full, outline := found.texts()
	sameText := comparable(full) == comparable(part.text)
	switch {
	case sameText && slices.Equal(slices.Sorted(slices.Values(found.Attachments.MediaKeys)), a.mediaKeys(part)):
		return equal
	case sameText, comparable(outline) == comparable(readTwitterText(part.text).outline()):
		return similar
	}
	return different
}

// linkMark stands for a link in an outline.
const linkMark = "\x00"

// texts are the post's text as it was sent, as far as can be told, and the same with a mark for every link.
func (f twitterFound) texts() (full, outline string) {
	text := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(f.Text)
	full, outline = text, text
	for _, link := range f.Entities.URLs {
		if link.URL == "" {
			continue
		}
		expanded, mark := link.ExpandedURL, linkMark
		if link.MediaKey != "" || (len(f.Attachments.MediaKeys) > 0 && strings.HasSuffix(strings.TrimSpace(text), link.URL) && ofMedia(link.ExpandedURL, f.ID)) {
			expanded, mark = "", "" // X added it, for the files
		}
		full, outline = strings.Replace(full, link.URL, expanded, 1), strings.Replace(outline, link.URL, mark, 1)
	}
	return full, outline
}

// ofMedia tells whether an address is that of a post's files.
func ofMedia(address, id string) bool {
	return strings.HasSuffix(address, "/status/"+id+"/photo/1") || strings.HasSuffix(address, "/status/"+id+"/video/1")
}

// comparable brings a text into the form in which it is compared: in NFC, without what X may write in another way, which is space
// and how an address begins and ends.
func comparable(text string) string {
	words := strings.Fields(normalized(text))
	for i, word := range words {
		for _, protocol := range []string{"http://", "https://"} {
			word = strings.ReplaceAll(word, protocol, "")
		}
		words[i] = strings.TrimRight(word, "/")
	}
	return strings.Join(words, " ")
}

// Measure reads the public numbers of a post.
func (t *TwitterPublisher) Measure(ctx context.Context, raw json.RawMessage, externalID string) (Metrics, error) {
	var credential TwitterCredential
	if json.Unmarshal(raw, &credential) != nil || credential.AccessToken == "" {
		return Metrics{}, t.unreadable()
	}
	var answered struct {
		Data []struct {
			ID            string `json:"id"`
			PublicMetrics *struct {
				Retweets    int64 `json:"retweet_count"`
				Replies     int64 `json:"reply_count"`
				Likes       int64 `json:"like_count"`
				Quotes      int64 `json:"quote_count"`
				Impressions int64 `json:"impression_count"`
			} `json:"public_metrics"`
		} `json:"data"`
		Errors []struct {
			Type string `json:"type"`
		} `json:"errors"`
	}
	query := url.Values{"ids": {externalID}, "tweet.fields": {"public_metrics"}}
	a, err := t.ask(ctx, call{method: http.MethodGet, url: t.apiURL + "/2/tweets?" + query.Encode(), authorization: bearer(credential.AccessToken)}, &answered)
	switch {
	case err != nil:
		return Metrics{}, err
	case len(answered.Data) == 1 && answered.Data[0].ID == externalID && answered.Data[0].PublicMetrics != nil:
		m := answered.Data[0].PublicMetrics
		shares := m.Retweets + m.Quotes
		return Metrics{Impressions: &m.Impressions, Likes: &m.Likes, Comments: &m.Replies, Shares: &shares}, nil
	case len(answered.Errors) > 0 && path.Base(answered.Errors[0].Type) == "resource-not-found":
		return Metrics{}, &Error{Class: Invalid, Status: a.status, Code: "resource_not_found", Message: "The post is not on X any more."}
	default:
		return Metrics{}, t.badAnswer(prepares, a.status)
	}
}

// ask is do for what publishes nothing. A refusal of permission there is not about the post.
func (t *TwitterPublisher) ask(ctx context.Context, c call, out any) (answer, error) {
	a, err := t.do(ctx, prepares, c, out)
	if err == nil {
		return a, nil
	}
	e := AsError(err)
	if e.Status == http.StatusForbidden && e.Class == Invalid {
		e = t.credentialRefused(e.Status, e.Code)
	}
	return a, e
}

// twitterProblem is an error of X: https://docs.x.com/x-api/fundamentals/response-codes-and-errors.
type twitterProblem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// Code and Message are of errors in another shape.
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
	Errors  []struct {
		Message    string                     `json:"message"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	} `json:"errors"`
}

// kind is the problem's own name for what is wrong.
func (p twitterProblem) kind() string {
	if kind := path.Base(p.Type); kind != "." && p.Type != "about:blank" {
		return strings.ReplaceAll(kind, "-", "_")
	}
	return strings.Trim(string(p.Code), `"`)
}

// about tells whether X complains of a parameter.
func (a answer) about(parameter string) bool {
	var problem twitterProblem
	if !a.decode(&problem) {
		return false
	}
	for _, e := range problem.Errors {
		if _, ok := e.Parameters[parameter]; ok {
			return true
		}
	}
	return false
}

// refusal judges X's errors by status and type.
func (t *TwitterPublisher) refusal(a answer) *Error {
	var problem twitterProblem
	if !a.decode(&problem) {
		return nil
	}
	kind := problem.kind()
	switch {
	case a.status == http.StatusPaymentRequired || problem.Title == "CreditsDepleted" || kind == "credits" || kind == "usage_capped":
		return t.unpaid(a.status, cmp.Or(known(kind), "credits"))
	case a.status == http.StatusTooManyRequests:
		return t.rateLimited(a)
	case a.status == http.StatusForbidden && (kind == "client_forbidden" || kind == "oauth1_permissions" || kind == "unsupported_authentication"):
		return &Error{Class: Transient, Status: a.status, Code: CodeInvalidClient,
			Message: "X does not let this installation's application do this. Its operator must check the permissions of the application at X. Nothing was published."}
	case a.status == http.StatusUnauthorized:
		return t.credentialRefused(a.status, known(kind))
	case a.status < 400 || a.status >= 500 || a.status == http.StatusRequestTimeout:
		return nil
	}
	why := cmp.Or(problem.Detail, problem.Message)
	if len(problem.Errors) > 0 && problem.Errors[0].Message != "" {
		why = problem.Errors[0].Message
	}
	return t.invalid(a.status, kind, why)
}

// The headers that tell of limits begin so: of the person in 15 minutes, of the person and the application in a day.
const (
	twitterRateHeader = "X-Rate-Limit"
	twitterUserHeader = "X-User-Limit-24hour"
	twitterAppHeader  = "X-App-Limit-24hour"
)

// twitterQuota reads a limit; ok is false where the answer has none of the name.
func twitterQuota(header http.Header, name string, now time.Time) (q Quota, ok bool) {
	remaining, err := strconv.Atoi(header.Get(name + "-Remaining"))
	reset, err2 := strconv.ParseInt(header.Get(name+"-Reset"), 10, 64)
	if err != nil || err2 != nil || remaining < 0 || reset <= 0 {
		return Quota{}, false
	}
	limit, _ := strconv.Atoi(header.Get(name + "-Limit"))
	at := time.Unix(min(reset, now.Add(2*maxRetryAfter).Unix()), 0)
	return Quota{App: name == twitterAppHeader, Limit: max(limit, 0), Remaining: remaining, Resets: boundedRetry(at, now)}, true
}

// observe passes on what an answer about a post tells of limits: of the account's, the one that is nearest to its end.
func (a *twitterAttempt) observe(answer answer) {
	if a.attempt.Observe == nil {
		return
	}
	var own *Quota
	for _, name := range []string{twitterRateHeader, twitterUserHeader} {
		if quota, ok := twitterQuota(answer.header, name, a.now()); ok && (own == nil || quota.Remaining < own.Remaining) {
			own = &quota
		}
	}
	if own != nil {
		a.attempt.Observe(*own)
	}
	if quota, ok := twitterQuota(answer.header, twitterAppHeader, a.now()); ok {
		a.attempt.Observe(quota)
	}
}

// rateLimited tells which of the limits is used up.
func (t *TwitterPublisher) rateLimited(a answer) *Error {
	now := t.now()
	e := &Error{Class: RateLimited, Status: a.status, RetryAt: resetAt(a.header, now), Message: "X takes no more requests of this account for now. The post goes out when it does."}
	for _, name := range []string{twitterUserHeader, twitterAppHeader} {
		if quota, ok := twitterQuota(a.header, name, now); ok && quota.Remaining == 0 {
			e.RetryAt, e.App = quota.Resets, quota.App
		}
	}
	if e.App {
		e.Message = "X takes no more posts of this installation's application for now. The post goes out when it does."
	}
	return e
}
