package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Facts of the Ghost that is stood in for.
const (
	ghostVersion = "5.130"
	// ghostMaxBody is Ghost's limit for a JSON body, in bytes.
	ghostMaxBody = 50 << 20
	// ghostMaxUpload bounds a request with a file, in bytes. Ghost itself has no limit.
	ghostMaxUpload = 300 << 20
	// ghostNewsletter is the slug of the one newsletter that every site has.
	ghostNewsletter = "default-newsletter"
)

// ghostSite is one Ghost installation.
type ghostSite struct {
	Title  string       `json:"title"`
	KeyID  string       `json:"key_id"`
	Secret string       `json:"secret"` // hex
	Posts  []*GhostPost `json:"posts"`
	// Files are the images and videos that were uploaded.
	Files []ghostFile `json:"files,omitempty"`
}

// ghostFile is a file on a site.
type ghostFile struct {
	URL string `json:"url"`
	PostFile
}

// GhostPost is a post on a Ghost site, in any status. Times have Ghost's resolution of one second.
type GhostPost struct {
	ID              string     `json:"id"`
	UUID            string     `json:"uuid"`
	Title           string     `json:"title"`
	Slug            string     `json:"slug"`
	HTML            string     `json:"html"`
	Status          string     `json:"status"` // draft, published, scheduled or sent
	CustomExcerpt   string     `json:"custom_excerpt,omitempty"`
	FeatureImage    string     `json:"feature_image,omitempty"`
	FeatureImageAlt string     `json:"feature_image_alt,omitempty"`
	Tags            []string   `json:"tags,omitempty"`
	MetaTitle       string     `json:"meta_title,omitempty"`
	MetaDescription string     `json:"meta_description,omitempty"`
	Newsletter      string     `json:"newsletter,omitempty"`
	EmailSegment    string     `json:"email_segment,omitempty"`
	EmailStatus     string     `json:"email_status,omitempty"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
	PublishedAt     *time.Time `json:"published_at"`
	// Path is the public path below the sandbox's address, for drafts the preview's.
	Path string `json:"path"`
}

func (p *GhostPost) live() bool { return p.Status == "published" || p.Status == "sent" }

var (
	errSiteName     = errors.New("a site's name has 1 to 63 of a-z, 0-9 and -, and does not begin with -")
	siteNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

// AddGhostSite makes a Ghost site, <base>/ghost-sites/<name>, and gives its Admin API key. A site that
// exists keeps its key and title. It panics if the name is not fit for a path or the state cannot be
// saved.
func (s *Sandbox) AddGhostSite(name, title string) (adminAPIKey string) {
	key, err := s.addGhostSite(name, title)
	if err != nil {
		panic(fmt.Sprintf("sandbox: add Ghost site %q: %v", name, err))
	}
	return key
}

func (s *Sandbox) addGhostSite(name, title string) (string, error) {
	if !siteNamePattern.MatchString(name) {
		return "", errSiteName
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.state.Ghost[name]
	if site == nil {
		if title == "" {
			title = name
		}
		site = &ghostSite{Title: title, KeyID: randomHex(12), Secret: s.issueHex(32)}
		s.state.Ghost[name] = site
		if err := s.save(); err != nil {
			delete(s.state.Ghost, name)
			return "", err
		}
	}
	return site.KeyID + ":" + site.Secret, nil
}

// RotateGhostKey gives the site a new key; the old one is refused from then on. As in Ghost, the key's
// id stays and its secret changes. It panics if there is no such site.
func (s *Sandbox) RotateGhostKey(name string) (adminAPIKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.state.Ghost[name]
	if site == nil {
		panic(fmt.Sprintf("sandbox: no Ghost site %q", name))
	}
	site.Secret = s.issueHex(32)
	if err := s.save(); err != nil {
		panic(fmt.Sprintf("sandbox: rotate Ghost key: %v", err))
	}
	return site.KeyID + ":" + site.Secret
}

// GhostPosts lists the posts of a site in any status, drafts too, the oldest first. A site that does
// not exist has none.
func (s *Sandbox) GhostPosts(name string) []GhostPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.state.Ghost[name]
	if site == nil {
		return nil
	}
	posts := make([]GhostPost, 0, len(site.Posts))
	for _, post := range site.Posts {
		posts = append(posts, *post)
	}
	return posts
}

func ghostPath(name string) string { return "/ghost-sites/" + name }

func (s *Sandbox) routeGhost() {
	for _, name := range ghostSteps {
		s.addStep("ghost", name)
	}
	s.mux.HandleFunc("/ghost-sites/{site}/ghost/api/admin/{path...}", s.serveGhost)
}

// ghostRequest is a request to the Admin API of one site.
type ghostRequest struct {
	*http.Request
	name string
	site *ghostSite
	path string // below /ghost/api/admin/, with a slash at its end
	body []byte
	base string
}

func (s *Sandbox) serveGhost(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("site")
	s.mu.Lock()
	site := s.state.Ghost[name]
	s.mu.Unlock()
	if site == nil {
		http.Error(w, "There is no such site.", http.StatusNotFound)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		// Ghost's prettyUrls
		target := *r.URL
		target.Path += "/"
		http.Redirect(w, r, target.String(), http.StatusMovedPermanently) //nolint:gosec // to this same path on this same host
		return
	}
	limit := int64(ghostMaxBody)
	if path := r.PathValue("path"); path == ghostImagesPath || path == ghostMediaPath {
		limit = ghostMaxUpload
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		ghostRefusal(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeError", "", "Request was too big for the server.").answer().write(w)
		return
	}
	req := &ghostRequest{Request: r, name: name, site: site, path: r.PathValue("path"), body: body, base: baseURL(r)}
	s.serve(w, r, exchange{
		info:   RequestInfo{Platform: "ghost", Account: name, Method: r.Method, Path: r.URL.Path, Step: req.step()},
		apply:  func() answer { return s.answerGhost(req) },
		refuse: ghostFault,
	})
}

var ghostPostPath = regexp.MustCompile(`^posts/([0-9a-f]{24})/$`)

// ghostSteps are all that ghostRequest.step can give, without the platform.
var ghostSteps = []string{"site", "browse", "find", "create_draft", "create_published", "read", "publish", "update", "delete", "upload", "newsletters", "other"}

// step names the request for hooks and faults, before anything is judged.
func (r *ghostRequest) step() string {
	one := ghostPostPath.MatchString(r.path)
	status := "" // a file is no JSON, and has none
	if input, refusal := ghostDecode(r.body); refusal == nil && input.Status != nil {
		status = *input.Status
	}
	switch {
	case r.path == "site/" && r.Method == http.MethodGet:
		return "ghost.site"
	case (r.path == ghostImagesPath || r.path == ghostMediaPath) && r.Method == http.MethodPost:
		return "ghost.upload"
	case r.path == "newsletters/" && r.Method == http.MethodGet:
		return "ghost.newsletters"
	case r.path == "posts/" && r.Method == http.MethodGet && r.URL.Query().Has("filter"):
		return "ghost.find"
	case r.path == "posts/" && r.Method == http.MethodGet:
		return "ghost.browse"
	case r.path == "posts/" && r.Method == http.MethodPost && status == "published":
		return "ghost.create_published"
	case r.path == "posts/" && r.Method == http.MethodPost:
		return "ghost.create_draft"
	case one && r.Method == http.MethodGet:
		return "ghost.read"
	case one && r.Method == http.MethodPut && status == "published":
		return "ghost.publish"
	case one && r.Method == http.MethodPut:
		return "ghost.update"
	case one && r.Method == http.MethodDelete:
		return "ghost.delete"
	}
	return "ghost.other"
}

// ghostOpen lists what Ghost opens to integrations (its admin middleware, "notImplemented"). Anything
// else is 501 for a key.
var ghostOpen = map[string][]string{
	"site": {"GET"}, "posts": {"GET", "PUT", "DELETE", "POST"}, "images": {"POST"}, "media": {"POST"}, "newsletters": {"GET"},
}

// answerGhost judges and carries out a request. It runs with s.mu held.
func (s *Sandbox) answerGhost(r *ghostRequest) answer {
	s.publishDue(r)
	entity, _, _ := strings.Cut(r.path, "/")
	if r.path == "site/" && r.Method == http.MethodGet {
		return ghostAnswer(http.StatusOK, map[string]any{"site": map[string]any{
			"title": r.site.Title, "description": "", "logo": nil, "icon": nil, "accent_color": "#15171a",
			"locale": "en", "url": r.base + ghostPath(r.name) + "/", "version": ghostVersion,
		}})
	}
	if refusal := r.authenticate(s.now()); refusal != nil {
		return refusal.answer()
	}
	// The sandbox has posts, files and newsletters only; what else Ghost offers (members, tags by themselves) is closed.
	if !slices.Contains(ghostOpen[entity], r.Method) {
		return ghostRefusal(http.StatusNotImplemented, "NotImplementedError", "",
			"The server does not support the functionality required to fulfill the request.").answer()
	}
	switch r.path {
	case ghostImagesPath, ghostMediaPath:
		return s.addGhostFile(r)
	case "newsletters/":
		return r.newsletters()
	}
	if r.path == "posts/" {
		switch r.Method {
		case http.MethodGet:
			return r.browse()
		case http.MethodPost:
			return s.addGhostPost(r)
		}
	}
	if rest, ok := strings.CutPrefix(r.path, "posts/"); ok && strings.Count(rest, "/") == 1 {
		return s.answerGhostPost(r, strings.TrimSuffix(rest, "/"))
	}
	return ghostNotFound("Resource not found").answer()
}

// answerGhostPost carries out a request to one post.
func (s *Sandbox) answerGhostPost(r *ghostRequest, id string) answer {
	at := slices.IndexFunc(r.site.Posts, func(p *GhostPost) bool { return p.ID == id })
	switch r.Method {
	case http.MethodGet:
		return r.read(at)
	case http.MethodPut:
		return s.editGhostPost(r, at)
	case http.MethodDelete:
		if at < 0 {
			return ghostNotFound("Resource could not be found.").answer()
		}
		r.site.Posts = slices.Delete(r.site.Posts, at, at+1)
		return answer{status: http.StatusNoContent, header: http.Header{"Content-Version": {"v" + ghostVersion}}, changed: true}
	}
	return ghostNotFound("Resource not found").answer()
}

// publishDue publishes scheduled posts whose time has come, as Ghost's own scheduler would have. It
// is saved with the next change; until then a restart comes to the same result.
func (s *Sandbox) publishDue(r *ghostRequest) {
	for _, post := range r.site.Posts {
		if post.Status == "scheduled" && post.PublishedAt != nil && !post.PublishedAt.After(s.now()) {
			post.Status = "published"
			post.Path = ghostPath(r.name) + "/" + post.Slug + "/"
			s.recordPublished(r.publicPost(post))
		}
	}
}

// publicPost is the post as readers see it.
func (r *ghostRequest) publicPost(p *GhostPost) Post {
	post := Post{
		Platform: "ghost", Account: r.name, ID: p.ID, Title: p.Title,
		Text: textOf(p.HTML), HTML: p.HTML, URL: r.base + p.Path,
	}
	if p.PublishedAt != nil {
		post.PublishedAt = *p.PublishedAt
	}
	if p.Newsletter != "" {
		post.Audience = p.Newsletter + " (" + p.EmailSegment + ")"
	}
	shown := append([]shownFile{{url: p.FeatureImage, alt: p.FeatureImageAlt}}, shownFiles(p.HTML)...)
	for _, one := range shown {
		for _, file := range r.site.Files {
			if file.URL == one.url {
				file.AltText = one.alt
				post.Files = append(post.Files, file.PostFile)
				break
			}
		}
	}
	return post
}

func newGhostID() string { return randomHex(12) }

func newGhostUUID() string { return uuid.NewString() }
