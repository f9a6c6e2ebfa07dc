package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// facebookSettle is how long after a request that publishes its page may not show what came of it.
	facebookSettle = 30 * time.Second
	// facebookLookBack is how long before the first attempt a post may seem to have been made, by the platform's clock.
	facebookLookBack = 2 * time.Minute
	// facebookRepeats is how long before the first attempt a post may have been made that Facebook refuses ours as a repetition of.
	facebookRepeats = 24 * time.Hour
	// facebookLists and facebookListSize bound the lists that are read to find a post: what is on none of so many is not known.
	facebookLists, facebookListSize = 10, 100
	// facebookPhotoLife is how long a photo that no post shows is relied on. Facebook keeps them for a day.
	facebookPhotoLife = 23 * time.Hour
)

// FacebookPublisher publishes on Facebook pages through the Graph API (https://developers.facebook.com/docs/pages-api/posts):
// text, a link or photos as a post of the feed, a video as a post of its own, and below it a first comment.
//
// Photos are uploaded before, unpublished, and a video in pieces; their ids are kept. A mark is kept before the request that
// publishes. With the mark the page's feed tells what became of it, and of a video its own state.
type FacebookPublisher struct {
	rest
	siteURL, graphURL, videoURL string // the latter with the version
	// proves gives the proof that the application sends a request with this token. Nil: there is no application.
	proves func(token string) string
	settle time.Duration
}

var (
	_ Publisher = (*FacebookPublisher)(nil)
	_ Measurer  = (*FacebookPublisher)(nil)
)

// NewFacebook makes the adapter. With an App, each request proves that it is sent by it.
func NewFacebook(config FacebookConfig) *FacebookPublisher {
	version := "/" + cmp.Or(config.Version, "v26.0")
	f := &FacebookPublisher{
		rest: newRest("Facebook", nil), settle: cmp.Or(config.Settle, facebookSettle),
		siteURL:  cmp.Or(config.SiteURL, "https://www.facebook.com"),
		graphURL: cmp.Or(config.GraphURL, "https://graph.facebook.com") + version,
		// Videos have a host of their own: https://developers.facebook.com/docs/video-api/guides/publishing
		videoURL: cmp.Or(config.GraphURL, "https://graph-video.facebook.com") + version,
	}
	if secret := config.App.ClientSecret; secret != "" {
		f.proves = func(token string) string { return facebookProof(secret, token) }
	}
	return f
}

// facebookCheckpoint is what Publish keeps.
type facebookCheckpoint struct {
	// Photos are those that were uploaded, by the file's ID.
	Photos map[uuid.UUID]facebookKeptPhoto `json:"photos,omitempty"`
	Video  *facebookKeptVideo              `json:"video,omitempty"`
	// Sending: the request that publishes may have been sent, for the last time at SentAt, and for the first time, in any round,
	// at FirstSentAt.
	Sending     bool      `json:"sending,omitempty"`
	SentAt      time.Time `json:"sent_at,omitzero"`
	FirstSentAt time.Time `json:"first_sent_at,omitzero"`
	// Refused: Facebook has refused it after it may have been sent, perhaps because it is there, and it was not found.
	Refused bool `json:"refused,omitempty"`
	// Post is the post, once its id is known.
	Post *facebookKeptPost `json:"post,omitempty"`
	// The rest is the same of the first comment.
	Commenting       bool      `json:"commenting,omitempty"`
	CommentedAt      time.Time `json:"commented_at,omitzero"`
	FirstCommentedAt time.Time `json:"first_commented_at,omitzero"`
	CommentRefused   bool      `json:"comment_refused,omitempty"`
	CommentID        string    `json:"comment_id,omitempty"`
}

// facebookKeptPost is a post that readers see.
type facebookKeptPost struct {
	ID  string    `json:"id"`
	URL string    `json:"url"`
	At  time.Time `json:"at"`
}

func (p facebookKeptPost) published() Published {
	return Published{ExternalID: p.ID, URL: p.URL, At: p.At}
}

// facebookPost is the work on one post of one page.
type facebookPost struct {
	*FacebookPublisher
	credential FacebookCredential
	post       Post
	attempt    Attempt
	kept       facebookCheckpoint
}

func (f *FacebookPublisher) open(raw json.RawMessage, post Post, attempt Attempt) (*facebookPost, error) {
	p := &facebookPost{FacebookPublisher: f, post: post, attempt: attempt}
	if err := attempt.kept(&p.kept); err != nil {
		return nil, err
	}
	if json.Unmarshal(raw, &p.credential) != nil || !isToken(p.credential.AccessToken) || !facebookIDPattern.MatchString(p.credential.PageID) {
		return nil, p.partial(f.unreadable())
	}
	return p, nil
}

// Publish uploads what the post shows, publishes it with one request, and comments on it with another.
func (f *FacebookPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	p, err := f.open(credential, post, attempt)
	if err != nil {
		return Published{}, err
	}
	if err := p.publish(ctx); err != nil {
		return Published{}, p.partial(err)
	}
	return p.kept.Post.published(), nil
}

func (p *facebookPost) publish(ctx context.Context) error {
	if err := refuseInvalid(Facebook, p.post); err != nil {
		return err
	}
	if p.kept.Post == nil {
		var err error
		if len(p.post.Media) > 0 && p.post.Media[0].IsVideo() {
			err = p.publishVideo(ctx, p.post.Media[0])
		} else {
			err = p.publishFeed(ctx)
		}
		if err != nil {
			return err
		}
	}
	if p.complete() {
		return nil
	}
	return p.publishComment(ctx)
}

// Reconcile looks for what a marked request has made. A post whose first comment is still to come is kept when it is found,
// and the error says that the work goes on.
func (f *FacebookPublisher) Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	p, err := f.open(credential, post, attempt)
	if err != nil {
		return nil, err
	}
	published, err := p.reconcile(ctx)
	if err != nil {
		return nil, p.partial(err)
	}
	return published, nil
}

func (p *facebookPost) reconcile(ctx context.Context) (*Published, error) {
	if p.kept.Post != nil {
		return p.reconcileComment(ctx)
	}
	if !p.kept.Sending {
		return nil, nil
	}
	var there bool
	var err error
	if p.kept.Video != nil {
		there, err = p.findVideo(ctx)
	} else {
		there, err = p.findPost(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case !there:
		return nil, nil
	case !p.complete():
		// Publish goes on with the comment. It is not said that nothing is there.
		return nil, &Error{Class: Waiting, Code: "incomplete", RetryAt: time.Now().Add(time.Second), Message: "The post is there. Its first comment follows."}
	}
	published := p.kept.Post.published()
	return &published, nil
}

// partial notes on an error what readers see already.
func (p *facebookPost) partial(err error) error {
	e := AsError(err)
	if p.kept.Post != nil {
		published := p.kept.Post.published()
		e.Partial = &published
	}
	return e
}

// complete tells whether nothing is left to do.
func (p *facebookPost) complete() bool {
	return p.kept.Post != nil && (p.kept.CommentID != "" || facebookText(p.post.Options.FirstComment) == "")
}

func (p *facebookPost) keep(ctx context.Context) error { return p.attempt.keep(ctx, p.kept) }

// keepSent is keep for what Facebook has answered.
func (p *facebookPost) keepSent(ctx context.Context) error { return p.attempt.keepSent(ctx, p.kept) }

// mark keeps that the request that publishes may have been sent.
func (p *facebookPost) mark(ctx context.Context) error {
	p.kept.Sending, p.kept.SentAt = true, time.Now().UTC()
	if p.kept.FirstSentAt.IsZero() {
		p.kept.FirstSentAt = p.kept.SentAt
	}
	return p.keep(ctx)
}

// unmark takes back the mark of a request that has certainly published nothing. before is what was kept before it.
func (p *facebookPost) unmark(before facebookCheckpoint) {
	p.kept.Sending, p.kept.SentAt, p.kept.FirstSentAt = before.Sending, before.SentAt, before.FirstSentAt
}

// facebookText is a text as Facebook keeps it: without space at its ends, with line ends of one kind.
func facebookText(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))
}

var facebookPostPattern = regexp.MustCompile(`^[0-9]{1,32}_[0-9]{1,32}$`)

// publishFeed publishes text, a link or photos: https://developers.facebook.com/docs/graph-api/reference/page/feed
func (p *facebookPost) publishFeed(ctx context.Context) error {
	form := url.Values{}
	if text := facebookText(p.post.Text); text != "" {
		form.Set("message", text)
	}
	if link := p.post.Options.Link; link != "" {
		form.Set("link", link)
	}
	reused := false
	for i, m := range p.post.Media {
		_, known := p.kept.Photos[m.ID]
		id, err := p.photo(ctx, m)
		if err != nil {
			return err
		}
		reused = reused || (known && p.kept.Photos[m.ID].ID == id)
		form.Set(fmt.Sprintf("attached_media[%d]", i), fmt.Sprintf(`{"media_fbid":%q}`, id))
	}
	if !canSend(ctx) {
		return HandedOver()
	}
	before := p.kept
	p.kept.Video = nil
	if err := p.mark(ctx); err != nil {
		return err
	}
	var answer struct {
		ID string `json:"id"`
	}
	a, err := p.request(ctx, publishes, call{method: http.MethodPost, url: p.address("/"+p.credential.PageID+"/feed", nil), form: form}, &answer)
	switch e := AsError(err); {
	case err == nil && facebookPostPattern.MatchString(answer.ID):
		return p.published(ctx, answer.ID)
	case err == nil:
		return p.unknown(a.status)
	case e.Class == UnknownOutcome:
		return e
	default:
		return p.notPublished(ctx, e, before, reused)
	}
}

// notPublished judges a refusal of the request that publishes. before is what was kept before it. reused: it showed photos of an
// earlier attempt, which may have expired by now, or be shown by what that attempt has published.
func (p *facebookPost) notPublished(ctx context.Context, refused *Error, before facebookCheckpoint, reused bool) error {
	duplicate := refused.Code == strconv.Itoa(facebookDuplicate)
	stale := reused && refused.Code == strconv.Itoa(facebookParameter)
	if before.Sending && (duplicate || stale) {
		there, err := p.search(ctx)
		if there {
			return err
		}
		p.kept.Refused = true
		if stale {
			p.kept.Photos = nil
		}
		_ = p.keepSent(ctx) // the mark is kept in any case
		return p.refusedBefore(refused)
	}
	// It is certain that this request has published nothing.
	p.unmark(before)
	if stale {
		p.kept.Photos = nil
	}
	// With the mark that stays where this fails, it is looked for without need.
	if err := p.keepSent(ctx); err != nil && stale {
		return err
	}
	switch {
	case stale:
		return &Error{Class: Transient, Status: refused.Status, Code: refused.Code, Err: refused,
			Message: "Facebook does not have the photos any more that were uploaded before. They are uploaded again; nothing was published."}
	case duplicate:
		// Nothing of ours was sent before, so whatever it repeats is another post.
		if address := p.repeated(ctx); address != "" {
			refused.Message = "Facebook refuses it as a repetition of " + address + ". Change the text, then publish again."
		}
	}
	return refused
}

// refusedBefore asks a person to look for what Facebook has refused after it may have been sent. cause may be nil.
func (p *facebookPost) refusedBefore(cause *Error) *Error {
	e := &Error{Class: UnknownOutcome,
		Message: "Facebook refuses the post, perhaps because it is there already, but it was not found on the page. Look there whether it is."}
	if p.kept.Post != nil {
		e.Message = "Facebook refuses the first comment, perhaps because it is there already, but it was not found below the post. Look there whether it is."
	}
	if cause != nil {
		e.Status, e.Code, e.Err = cause.Status, cause.Code, cause
	}
	return e
}

// published keeps a post's id, and then finds out where it is.
func (p *facebookPost) published(ctx context.Context, id string) error {
	post := facebookKeptPost{ID: id, URL: p.siteURL + "/" + id, At: time.Now().UTC()}
	if err := p.found(ctx, post); err != nil {
		return err
	}
	var node facebookFeedPost
	query := url.Values{"fields": {"permalink_url,created_time"}}
	// It is published, whether it can be read or not.
	if _, err := p.request(ctx, prepares, call{method: http.MethodGet, url: p.address("/"+id, query)}, &node); err == nil {
		post = node.keptAs(post)
	}
	return p.found(ctx, post)
}

// found keeps a post that readers see.
func (p *facebookPost) found(ctx context.Context, post facebookKeptPost) error {
	p.kept.Post = &post
	if err := p.keepSent(ctx); err != nil && !p.complete() {
		return err
	}
	return nil
}

// facebookFeedPost is a post as a page's feed has it.
type facebookFeedPost struct {
	ID          string `json:"id"`
	Message     string `json:"message"`
	CreatedTime string `json:"created_time"`
	Permalink   string `json:"permalink_url"`
	From        struct {
		ID string `json:"id"`
	} `json:"from"`
	Attachments struct {
		Data []facebookAttachment `json:"data"`
	} `json:"attachments"`
}

// facebookAttachment is what a post shows: https://developers.facebook.com/docs/graph-api/reference/story-attachment
type facebookAttachment struct {
	MediaType    string `json:"media_type"`
	UnshimmedURL string `json:"unshimmed_url"`
	Target       struct {
		ID string `json:"id"`
	} `json:"target"`
	Subattachments struct {
		Data []facebookAttachment `json:"data"`
	} `json:"subattachments"`
}

// facebookTime reads a time of the Graph API, zero where there is none to be believed.
func facebookTime(text string) time.Time {
	at, err := time.Parse("2006-01-02T15:04:05-0700", text)
	if err != nil || at.Year() < 2004 || at.After(time.Now().Add(24*time.Hour)) {
		return time.Time{}
	}
	return at.UTC()
}

// keptAs fills in what the post says of itself.
func (n facebookFeedPost) keptAs(post facebookKeptPost) facebookKeptPost {
	post.URL = cmp.Or(foreignURL(n.Permalink), post.URL)
	if at := facebookTime(n.CreatedTime); !at.IsZero() {
		post.At = at
	}
	return post
}

// facebookLikeness says how much a post of the feed is like ours.
type facebookLikeness int

const (
	facebookDiffers facebookLikeness = iota
	// facebookResembles: it says the same, and what it shows leaves it open: Facebook makes previews of addresses by itself.
	facebookResembles
	facebookSame
)

// compare holds a post of the feed against ours.
func (p *facebookPost) compare(found facebookFeedPost) facebookLikeness {
	var photos []string
	links, videos := []string{}, 0
	for _, attachment := range found.Attachments.Data {
		for _, one := range append(attachment.Subattachments.Data, attachment) {
			switch one.MediaType {
			case "photo":
				photos = append(photos, one.Target.ID)
			case "video":
				videos++
			case "link":
				links = append(links, one.UnshimmedURL)
			}
		}
	}
	ours := func(id string) bool {
		for _, photo := range p.kept.Photos {
			if id != "" && photo.ID == id {
				return true
			}
		}
		return false
	}
	text, link := facebookText(p.post.Text), p.post.Options.Link
	matching := len(photos) == len(p.post.Media) && videos == 0
	switch {
	case slices.ContainsFunc(photos, ours):
		return facebookSame
	case facebookText(found.Message) != text || (found.From.ID != "" && found.From.ID != p.credential.PageID):
		return facebookDiffers
	case text == "" && link == "" && !matching && len(found.Attachments.Data) > 0:
		return facebookDiffers // nothing but what they show makes them alike
	case !matching || (text == "" && link == ""): // of photos without a word only the ids could tell
		return facebookResembles
	case link != "" && (len(links) != 1 || strings.TrimSuffix(links[0], "/") != strings.TrimSuffix(link, "/")):
		return facebookResembles // Facebook may show another address of the same page
	case link == "" && len(links) > 0 && !linkPattern.MatchString(p.post.Text):
		return facebookResembles // it may have taken a name for an address
	default:
		return facebookSame
	}
}

// findPost looks for the post that a marked request may have made.
func (p *facebookPost) findPost(ctx context.Context) (there bool, err error) {
	there, err = p.search(ctx)
	switch {
	case err != nil || there:
		return there, err
	case p.kept.Refused:
		return false, p.refusedBefore(nil)
	}
	return false, p.settled(p.kept.SentAt)
}

// search reads the page's feed since the first attempt, or the first request, and keeps the post that is ours, if there is one.
func (p *facebookPost) search(ctx context.Context) (there bool, err error) {
	since, doubtful := p.since(p.kept.FirstSentAt), false
	err = p.feed(ctx, since, func(one facebookFeedPost) (stop bool, err error) {
		likeness := p.compare(one)
		if likeness == facebookDiffers || !facebookRecent(one.CreatedTime, since) {
			return false, nil
		}
		taken, err := p.attempt.Taken(ctx, one.ID)
		switch {
		case err != nil:
			return false, &Error{Class: Transient, Err: err, Message: "It could not be looked up which posts are known already."}
		case taken:
			return false, nil
		case likeness == facebookResembles || !facebookPostPattern.MatchString(one.ID):
			doubtful = true
			return false, nil
		}
		there = true
		return true, p.found(ctx, p.keptPost(one))
	})
	if err == nil && !there && doubtful {
		err = &Error{Class: UnknownOutcome, Message: "There is a post on the Facebook page that may be this one. Look there whether it is."}
	}
	return there, err
}

// repeated gives the address of the page's newest post that says the same, "" if none is found.
func (p *facebookPost) repeated(ctx context.Context) (address string) {
	// What it repeats is only told to people, so it does not matter why it is not found.
	_ = p.feed(ctx, p.attempt.FirstStarted.Add(-facebookRepeats), func(one facebookFeedPost) (stop bool, err error) {
		if p.compare(one) == facebookDiffers || !facebookPostPattern.MatchString(one.ID) {
			return false, nil
		}
		address = p.keptPost(one).URL
		return true, nil
	})
	return address
}

// feed reads the page's posts since a time, the newest first.
func (p *facebookPost) feed(ctx context.Context, since time.Time, look func(facebookFeedPost) (stop bool, err error)) error {
	return facebookEach(ctx, p, "/"+p.credential.PageID+"/feed", url.Values{
		"fields": {"id,message,created_time,permalink_url,from,attachments{media_type,unshimmed_url,target,subattachments{media_type,unshimmed_url,target}}"},
		"since":  {strconv.FormatInt(since.Unix(), 10)},
	}, look)
}

// keptPost is a post of the feed as it is kept.
func (p *facebookPost) keptPost(n facebookFeedPost) facebookKeptPost {
	return n.keptAs(facebookKeptPost{ID: n.ID, URL: p.siteURL + "/" + n.ID, At: time.Now().UTC()})
}

// since is from when on something may be there that was first sent at a time, zero where that is not known.
func (p *facebookPost) since(firstSent time.Time) time.Time {
	since := p.attempt.FirstStarted
	if !firstSent.IsZero() && firstSent.Before(since) {
		since = firstSent
	}
	return since.Add(-facebookLookBack).Truncate(time.Second)
}

// facebookRecent tells whether something may have been made since a time. Where it does not say when, it may.
func facebookRecent(created string, since time.Time) bool {
	at := facebookTime(created)
	return at.IsZero() || !at.Before(since)
}

// settled is nil once what was sent at a time would be seen, and else says when that is.
func (p *facebookPost) settled(sent time.Time) error {
	if at := sent.Add(p.settle); time.Now().Before(at) {
		return &Error{Class: Waiting, Code: "settling", RetryAt: at, Message: "Facebook does not show the post yet. It is asked again."}
	}
	return nil
}

// facebookEach reads a list, page by page, until look says that it has seen enough. The next page is asked for by cursor, never
// by the address in the answer. A list of which not all can be read is an UnknownOutcome.
func facebookEach[T any](ctx context.Context, p *facebookPost, path string, query url.Values, look func(T) (stop bool, err error)) error {
	query.Set("limit", strconv.Itoa(facebookListSize))
	for range facebookLists {
		var answer struct {
			Data   []T `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		a, err := p.request(ctx, prepares, call{method: http.MethodGet, url: p.address(path, query)}, &answer)
		if err != nil {
			return err
		}
		if answer.Data == nil {
			return p.badAnswer(prepares, a.status)
		}
		for _, one := range answer.Data {
			if stop, err := look(one); stop || err != nil {
				return err
			}
		}
		if answer.Paging.Next == "" {
			return nil
		}
		if answer.Paging.Cursors.After == "" {
			break // it goes on, and is not said where
		}
		query.Set("after", answer.Paging.Cursors.After)
	}
	return &Error{Class: UnknownOutcome, Message: "There is more on the Facebook page than can be looked through. Look there whether the post is there."}
}

// publishComment posts the first comment: https://developers.facebook.com/docs/graph-api/reference/object/comments
func (p *facebookPost) publishComment(ctx context.Context) error {
	if p.attempt.stopping() || !canSend(ctx) {
		return HandedOver()
	}
	before := p.kept
	p.kept.Commenting, p.kept.CommentedAt = true, time.Now().UTC()
	if p.kept.FirstCommentedAt.IsZero() {
		p.kept.FirstCommentedAt = p.kept.CommentedAt
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	var answer struct {
		ID string `json:"id"`
	}
	a, err := p.request(ctx, publishes, call{
		method: http.MethodPost, url: p.address("/"+p.kept.Post.ID+"/comments", nil), form: url.Values{"message": {facebookText(p.post.Options.FirstComment)}},
	}, &answer)
	if err == nil && answer.ID == "" {
		return p.unknown(a.status)
	}
	if err == nil {
		p.kept.CommentID = answer.ID
		_ = p.keepSent(ctx) // nothing follows that could be done twice
		return nil
	}
	e := AsError(err)
	duplicate := e.Code == strconv.Itoa(facebookDuplicate)
	switch {
	case e.Class == UnknownOutcome:
		return e
	case duplicate && before.Commenting:
		if there, err := p.searchComment(ctx); err == nil && there {
			return nil
		}
		p.kept.CommentRefused = true
		_ = p.keepSent(ctx) // the mark is kept in any case
		return p.refusedBefore(e)
	case duplicate:
		e.Message = "Facebook refuses the first comment as a repetition of another comment. Change it, then publish again."
	}
	p.kept.Commenting, p.kept.CommentedAt, p.kept.FirstCommentedAt = before.Commenting, before.CommentedAt, before.FirstCommentedAt
	_ = p.keepSent(ctx) // with the mark it is looked for, without need
	return e
}

// reconcileComment finds out what became of the comment below a post that is there.
func (p *facebookPost) reconcileComment(ctx context.Context) (*Published, error) {
	published := p.kept.Post.published()
	switch {
	case p.complete():
		return &published, nil
	case !p.kept.Commenting:
		return nil, nil
	}
	there, err := p.searchComment(ctx)
	switch {
	case err != nil:
		return nil, err
	case there:
		return &published, nil
	case p.kept.CommentRefused:
		return nil, p.refusedBefore(nil)
	default:
		return nil, p.settled(p.kept.CommentedAt)
	}
}

// searchComment reads the post's comments and keeps the one that is ours, if there is one.
func (p *facebookPost) searchComment(ctx context.Context) (there bool, err error) {
	since := p.since(p.kept.FirstCommentedAt)
	query := url.Values{"fields": {"id,message,created_time,from"}, "filter": {"toplevel"}, "order": {"reverse_chronological"}}
	err = facebookEach(ctx, p, "/"+p.kept.Post.ID+"/comments", query, func(one facebookFeedPost) (stop bool, err error) {
		if facebookText(one.Message) != facebookText(p.post.Options.FirstComment) || (one.From.ID != "" && one.From.ID != p.credential.PageID) || !facebookRecent(one.CreatedTime, since) {
			return false, nil
		}
		there, p.kept.CommentID = true, one.ID
		_ = p.keep(ctx) // it is found again
		return true, nil
	})
	return there, err
}
