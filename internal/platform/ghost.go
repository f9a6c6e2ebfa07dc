package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// GhostAPIVersion is what adapters send as Accept-Version unless WithGhostVersion says otherwise.
// Ghost answers any version on the routes used here; the header makes it tell when that ends.
const GhostAPIVersion = "v5.0"

// GhostPublisher publishes posts on Ghost sites through the Admin API
// (https://ghost.org/docs/admin-api/).
//
// Files are uploaded first. Then a post is made as a draft, the draft's id is kept, and only then one
// PUT publishes it, and sends it as a newsletter where that is wanted. So whatever
// happens, the kept draft tells what became of the post. A draft whose id could not be kept is found
// by its slug, which is made from the post's id; publishing replaces that slug by a readable one.
type GhostPublisher struct {
	client, uploads *http.Client
	version         string
	now             func() time.Time
}

var (
	_ Publisher = (*GhostPublisher)(nil)
	_ Measurer  = (*GhostPublisher)(nil)
)

// GhostOption changes a GhostPublisher.
type GhostOption func(*GhostPublisher)

// WithGhostVersion sets the Accept-Version header, "v5.0" for example.
func WithGhostVersion(version string) GhostOption {
	return func(g *GhostPublisher) { g.version = version }
}

// NewGhost makes the adapter. All its requests go through egress, since customers name the hosts.
func NewGhost(egress *Egress, opts ...GhostOption) *GhostPublisher {
	g := &GhostPublisher{client: egress.Client(), uploads: egress.Uploads(), version: GhostAPIVersion, now: time.Now}
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

// ghostCheckpoint is what Publish keeps: the draft that is going to be the post, and the files on the site.
type ghostCheckpoint struct {
	DraftID string `json:"draft_id,omitempty"`
	Files   hosted `json:"files,omitempty"`
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

// Publish uploads the files, makes or finds the draft, keeps its id, and publishes it with one PUT.
func (g *GhostPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	if err := refuseInvalid(Ghost, post); err != nil {
		return Published{}, err
	}
	site, err := g.open(credential)
	if err != nil {
		return Published{}, err
	}
	kept, err := keptDraft(attempt)
	if err != nil {
		return Published{}, err
	}
	var draft *ghostPost
	if kept.DraftID != "" {
		draft, err = site.read(ctx, kept.DraftID)
		switch {
		case err != nil && attempt.Decided && gone(err):
			kept.DraftID, draft = "", nil
		case err != nil:
			return Published{}, err
		case draft.live():
			return site.published(*draft), nil
		}
	}
	if err := kept.Files.upload(ctx, post, attempt, &kept, site.uploadFile); err != nil {
		return Published{}, err
	}
	if draft == nil {
		if draft, err = site.draft(ctx, post, attempt, &kept); err != nil {
			return Published{}, err
		}
		if draft.live() {
			return site.published(*draft), nil
		}
	}
	return site.publish(ctx, post, *draft, kept.Files)
}

// Reconcile asks Ghost for the state of the kept draft, or of the draft that carries the post's slug.
func (g *GhostPublisher) Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	site, err := g.open(credential)
	if err != nil {
		return nil, err
	}
	kept, err := keptDraft(attempt)
	if err != nil {
		return nil, err
	}
	var found *ghostPost
	if kept.DraftID != "" {
		found, err = site.read(ctx, kept.DraftID)
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

// keptDraft reads the checkpoint, an empty one if there is none.
func keptDraft(attempt Attempt) (ghostCheckpoint, error) {
	if len(attempt.Checkpoint) == 0 || string(attempt.Checkpoint) == "null" {
		return ghostCheckpoint{Files: hosted{}}, nil
	}
	var kept ghostCheckpoint
	err := json.Unmarshal(attempt.Checkpoint, &kept)
	empty := kept.DraftID == "" && len(kept.Files) == 0
	if err != nil || empty || (kept.DraftID != "" && !ghostIDPattern.MatchString(kept.DraftID)) || !kept.Files.valid() {
		// Going on without it could make a second post.
		return ghostCheckpoint{}, &Error{Class: UnknownOutcome, Err: err,
			Message: "What an earlier attempt left behind cannot be read. Look on the Ghost site whether the post is there."}
	}
	if kept.Files == nil {
		kept.Files = hosted{}
	}
	return kept, nil
}

// draft finds or makes the post in Ghost that is to be published, and gives it as it is there now, with its id kept.
func (s *ghostSite) draft(ctx context.Context, post Post, attempt Attempt, kept *ghostCheckpoint) (*ghostPost, error) {
	// An earlier attempt may have made the draft and died before it was kept. Looking every time
	// costs one request and needs no knowledge of earlier attempts.
	found, err := s.find(ctx, post)
	if err != nil {
		return nil, err
	}
	if found == nil {
		if found, err = s.create(ctx, post, kept.Files); err != nil {
			return nil, err
		}
	}
	kept.DraftID = found.ID
	if err := attempt.keepSent(ctx, kept); err != nil {
		return nil, err
	}
	// Between Keep and here somebody may have edited or published the draft, so what is published is
	// what Ghost has now.
	return s.read(ctx, found.ID)
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
func (s *ghostSite) create(ctx context.Context, post Post, files hosted) (*ghostPost, error) {
	body := ghostContent(post, files)
	body["status"], body["slug"] = "draft", draftSlug(post)
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

// publish sends the one request that publishes, and that sends the newsletter: Ghost does that when a draft becomes public,
// and never again. What the post says goes along because it may have been edited since the draft was made.
func (s *ghostSite) publish(ctx context.Context, post Post, draft ghostPost, files hosted) (Published, error) {
	if !hasTime(ctx, egressTimeout) {
		return Published{}, HandedOver()
	}
	body := ghostContent(post, files)
	body["updated_at"], body["status"] = draft.UpdatedAt, "published"
	body["slug"] = firstRunes(strings.TrimSpace(post.Title), ghostMaxSlug)
	query := url.Values{"source": {"html"}}
	if post.Options.Newsletter != "" {
		query.Set("newsletter", post.Options.Newsletter)
		if post.Options.EmailSegment != "" {
			query.Set("email_segment", post.Options.EmailSegment)
		}
	}
	call := ghostCall{method: http.MethodPut, path: "posts/" + draft.ID + "/", query: query, post: body, publishing: true}
	var answer ghostPosts
	if err := s.call(ctx, call, &answer); err != nil {
		return Published{}, newsletterRefused(post, draftGone(err))
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
