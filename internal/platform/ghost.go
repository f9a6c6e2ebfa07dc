package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Ghost's limits, in characters.
const (
	ghostMaxTitle = 255
	ghostMaxSlug  = 191
	// ghostMaxText is our own: Ghost has been seen to take 12 MB.
	ghostMaxText = 100_000
	// ghostMaxURL is our own: no site's address of a post is longer.
	ghostMaxURL = 2000
)

// GhostAPIVersion is what adapters send as Accept-Version unless WithGhostVersion says otherwise.
// Ghost answers any version on the routes used here; the header makes it tell when that ends.
const GhostAPIVersion = "v5.0"

// GhostPublisher publishes posts on Ghost sites through the Admin API
// (https://ghost.org/docs/admin-api/).
//
// A post is made as a draft, the draft's id is kept, and only then one PUT publishes it. So whatever
// happens, the kept draft tells what became of the post. A draft whose id could not be kept is found
// by its slug, which is made from the post's id; publishing replaces that slug by a readable one.
type GhostPublisher struct {
	client  *http.Client
	version string
	now     func() time.Time
}

var _ Publisher = (*GhostPublisher)(nil)

// GhostOption changes a GhostPublisher.
type GhostOption func(*GhostPublisher)

// WithGhostVersion sets the Accept-Version header, "v5.0" for example.
func WithGhostVersion(version string) GhostOption {
	return func(g *GhostPublisher) { g.version = version }
}

// NewGhost makes the adapter. All its requests go through egress, since customers name the hosts.
func NewGhost(egress *Egress, opts ...GhostOption) *GhostPublisher {
	g := &GhostPublisher{client: egress.Client(), version: GhostAPIVersion, now: time.Now}
	for _, opt := range opts {
		opt(g)
	}
	return g
}

// Account reads the site's name and address, which Ghost tells anyone, and then one post, which it
// tells only the holder of a valid key.
func (g *GhostPublisher) Account(ctx context.Context, credential json.RawMessage) (Account, error) {
	site, err := g.open(credential)
	if err != nil {
		return Account{}, err
	}
	var answer struct {
		Site *struct {
			Title string `json:"title"`
			URL   string `json:"url"`
		} `json:"site"`
	}
	if err := site.call(ctx, ghostCall{method: http.MethodGet, path: "site/", public: true}, &answer); err != nil {
		return Account{}, connecting(err)
	}
	if answer.Site == nil {
		return Account{}, notGhost(http.StatusOK, nil)
	}
	check := ghostCall{method: http.MethodGet, path: "posts/", query: url.Values{"limit": {"1"}, "fields": {"id"}}}
	if err := site.call(ctx, check, &ghostPosts{}); err != nil {
		return Account{}, connecting(err)
	}
	account := Account{
		ExternalID: ghostSiteID(answer.Site.URL, site.credential.SiteURL),
		Name:       strings.TrimSpace(answer.Site.Title),
	}
	account.URL = account.ExternalID
	if account.Name == "" {
		account.Name = account.URL
	}
	return account, nil
}

// ghostSiteID is what a site is known by: the address it was reached by, in the spelling that the site itself reports,
// which may differ in the scheme and in a leading www. A site that says it is somewhere else is not believed: it could
// take the place of another one that is connected.
func ghostSiteID(reported, reached string) string {
	site, err := parseSiteURL(reported)
	if err == nil && spellingless(site) == spellingless(reached) {
		return site
	}
	return reached
}

// spellingless is a site's address without what may differ in the spellings of one.
func spellingless(site string) string {
	_, rest, _ := strings.Cut(site, "://")
	return strings.TrimPrefix(rest, "www.")
}

// connecting judges a failure while somebody connects an account: there a name that does not resolve
// is a typing error and not an outage.
func connecting(err error) error {
	if e := AsError(err); e.Code == codeHostNotFound {
		e.Class = Invalid
	}
	return err
}

// ghostCheckpoint is what Publish keeps: the draft that is going to be the post.
type ghostCheckpoint struct {
	DraftID string `json:"draft_id"`
}

// ghostPost is the part of a post in Ghost that the adapter reads.
type ghostPost struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Status      string `json:"status"`
	UpdatedAt   string `json:"updated_at"`
	PublishedAt string `json:"published_at"`
}

type ghostPosts struct {
	Posts []ghostPost `json:"posts"`
}

// live tells whether readers have the post: on the site, or by e-mail only.
func (p ghostPost) live() bool { return p.Status == "published" || p.Status == "sent" }

var ghostIDPattern = regexp.MustCompile(`^[0-9a-f]{24}$`)

// Publish makes or finds the draft, keeps its id, and publishes it with one PUT.
func (g *GhostPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	if err := refuseInvalid(Ghost, post); err != nil {
		return Published{}, err
	}
	site, err := g.open(credential)
	if err != nil {
		return Published{}, err
	}
	draft, err := site.draft(ctx, post, attempt)
	if err != nil {
		return Published{}, err
	}
	if draft.live() {
		return site.published(draft), nil
	}
	return site.publish(ctx, post, draft)
}

// Reconcile asks Ghost for the state of the kept draft, or of the draft that carries the post's slug.
func (g *GhostPublisher) Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	site, err := g.open(credential)
	if err != nil {
		return nil, err
	}
	id, err := keptDraft(attempt)
	if err != nil {
		return nil, err
	}
	var found *ghostPost
	if id != "" {
		found, err = site.read(ctx, id)
	} else {
		// Publishing happens only after Keep, so a post without a kept draft was never published by
		// us. Its draft may have been published by a person in Ghost.
		found, err = site.find(ctx, post)
	}
	if err != nil {
		return nil, err
	}
	if found == nil || !found.live() {
		return nil, nil
	}
	published := site.published(*found)
	return &published, nil
}

// checkGhost: Ghost names a post without title "(Untitled)".
func checkGhost(r *Report, post Post) {
	r.Length, r.Limit = utf8.RuneCountInString(post.Text), ghostMaxText
	if r.Length > r.Limit {
		r.violate("text", "too_long", ghostMaxText, int64(r.Length), "The text has %d characters; %d are allowed. Shorten it.", r.Length, r.Limit)
	}
	title := strings.TrimSpace(post.Title)
	switch length := utf8.RuneCountInString(title); {
	case title == "":
		r.violate("title", "required", 0, 0, "A post on Ghost needs a title. Add one.")
	case length > ghostMaxTitle:
		r.violate("title", "too_long", ghostMaxTitle, int64(length), "The title has %d characters; Ghost allows %d. Shorten it.", length, ghostMaxTitle)
	}
}

// keptDraft reads the checkpoint, "" if there is none.
func keptDraft(attempt Attempt) (string, error) {
	if len(attempt.Checkpoint) == 0 || string(attempt.Checkpoint) == "null" {
		return "", nil
	}
	var kept ghostCheckpoint
	if err := json.Unmarshal(attempt.Checkpoint, &kept); err != nil || !ghostIDPattern.MatchString(kept.DraftID) {
		// Going on without it could make a second post.
		return "", &Error{Class: UnknownOutcome, Err: err,
			Message: "What an earlier attempt left behind cannot be read. Look on the Ghost site whether the post is there."}
	}
	return kept.DraftID, nil
}

// draft gives the post in Ghost that is to be published, as it is there now, with its id kept.
func (s *ghostSite) draft(ctx context.Context, post Post, attempt Attempt) (ghostPost, error) {
	id, err := keptDraft(attempt)
	if err != nil {
		return ghostPost{}, err
	}
	if id != "" {
		kept, err := s.read(ctx, id)
		if err != nil {
			return ghostPost{}, err
		}
		return *kept, nil
	}
	// An earlier attempt may have made the draft and died before it was kept. Looking every time
	// costs one request and needs no knowledge of earlier attempts.
	found, err := s.find(ctx, post)
	if err != nil {
		return ghostPost{}, err
	}
	if found == nil {
		if found, err = s.create(ctx, post); err != nil {
			return ghostPost{}, err
		}
	}
	checkpoint, err := json.Marshal(ghostCheckpoint{DraftID: found.ID})
	if err != nil {
		return ghostPost{}, &Error{Class: Transient, Message: "The draft on Ghost could not be recorded.", Err: err}
	}
	if err := attempt.Keep(ctx, checkpoint); err != nil {
		return ghostPost{}, &Error{Class: Transient, Message: "The draft on Ghost could not be recorded; nothing was published.", Err: err}
	}
	// Between Keep and here somebody may have edited or published the draft, so what is published is
	// what Ghost has now.
	kept, err := s.read(ctx, found.ID)
	if err != nil {
		return ghostPost{}, err
	}
	return *kept, nil
}

func draftSlug(post Post) string { return "fanfare-" + post.ID.String() }

// find looks for a post by its draft slug; nil if there is none.
func (s *ghostSite) find(ctx context.Context, post Post) (*ghostPost, error) {
	query := url.Values{"filter": {"slug:" + draftSlug(post)}, "limit": {"1"}}
	var answer ghostPosts
	if err := s.call(ctx, ghostCall{method: http.MethodGet, path: "posts/", query: query}, &answer); err != nil {
		return nil, err
	}
	if answer.Posts == nil {
		return nil, notGhost(http.StatusOK, nil)
	}
	if len(answer.Posts) == 0 {
		return nil, nil
	}
	return checkedPost(answer)
}

// create makes the draft. Nothing is visible to readers yet.
func (s *ghostSite) create(ctx context.Context, post Post) (*ghostPost, error) {
	body := map[string]any{
		"title": strings.TrimSpace(post.Title), "html": textHTML(post.Text), "status": "draft", "slug": draftSlug(post),
	}
	call := ghostCall{method: http.MethodPost, path: "posts/", query: url.Values{"source": {"html"}}, post: body}
	var answer ghostPosts
	if err := s.call(ctx, call, &answer); err != nil {
		return nil, err
	}
	return checkedPost(answer)
}

// read gives a kept draft. Its absence is an UnknownOutcome: it may have been published, seen, and
// deleted, or deleted before it was ever published.
func (s *ghostSite) read(ctx context.Context, id string) (*ghostPost, error) {
	var answer ghostPosts
	call := ghostCall{method: http.MethodGet, path: "posts/" + id + "/", query: url.Values{"formats": {"html"}}}
	if err := s.call(ctx, call, &answer); err != nil {
		return nil, draftGone(err)
	}
	return checkedPost(answer)
}

// publish sends the one request that publishes. Title and text go along because the post may have
// been edited since the draft was made.
func (s *ghostSite) publish(ctx context.Context, post Post, draft ghostPost) (Published, error) {
	title := strings.TrimSpace(post.Title)
	body := map[string]any{
		"updated_at": draft.UpdatedAt, "status": "published",
		"title": title, "html": textHTML(post.Text), "slug": firstRunes(title, ghostMaxSlug),
	}
	call := ghostCall{
		method: http.MethodPut, path: "posts/" + draft.ID + "/", query: url.Values{"source": {"html"}},
		post: body, publishing: true,
	}
	var answer ghostPosts
	if err := s.call(ctx, call, &answer); err != nil {
		return Published{}, draftGone(err)
	}
	if len(answer.Posts) != 1 || answer.Posts[0].ID != draft.ID || !answer.Posts[0].live() {
		return Published{}, unknownAnswer(http.StatusOK, nil)
	}
	return s.published(answer.Posts[0]), nil
}

// published says where a live post is. Addresses come from the site and are shown to people, so only
// http and https pass; Ghost forwards the address by id to the post's own.
func (s *ghostSite) published(post ghostPost) Published {
	result := Published{ExternalID: post.ID, URL: post.URL, At: s.now()}
	if u, err := url.Parse(post.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(post.URL) > ghostMaxURL {
		result.URL = s.credential.SiteURL + "/"
	}
	// A site can say anything; a time that cannot be is not passed on.
	at, err := time.Parse(time.RFC3339, post.PublishedAt)
	if err == nil && at.Year() >= 2000 && at.Before(s.now().Add(24*time.Hour)) {
		result.At = at
	}
	return result
}

// checkedPost gives the one post of an answer, in which id and updated_at can be relied on.
func checkedPost(answer ghostPosts) (*ghostPost, error) {
	if len(answer.Posts) != 1 || !ghostIDPattern.MatchString(answer.Posts[0].ID) || answer.Posts[0].UpdatedAt == "" {
		return nil, notGhost(http.StatusOK, nil)
	}
	return &answer.Posts[0], nil
}

func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
