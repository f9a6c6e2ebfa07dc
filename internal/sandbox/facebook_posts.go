package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Facebook's limits, and how long it keeps a photo that no post shows.
const (
	facebookMaxMessage = 63206   // characters of a post
	facebookMaxComment = 8000    // characters of a comment
	facebookMaxPhoto   = 4000000 // bytes
	facebookPhotoLife  = 24 * time.Hour
)

// Codes of Graph API errors that posts can meet.
const (
	graphPageToken = 210
	graphNoFile    = 324
	graphDuplicate = 506
	graphVideo     = 6000

	graphBadPhoto = 1366046
)

// facebookState is what Facebook has of its pages' posts.
type facebookState struct {
	// Posts and comments are in the order in which they were made.
	Posts  []*facebookPost           `json:"posts,omitempty"`
	Photos map[string]*facebookPhoto `json:"photos,omitempty"`
	Videos map[string]*facebookVideo `json:"videos,omitempty"`
}

// facebookPost is a post on a page.
type facebookPost struct {
	ID       string             `json:"id"` // <page>_<number>
	Page     string             `json:"page"`
	Message  string             `json:"message,omitempty"`
	Link     string             `json:"link,omitempty"`
	Photos   []string           `json:"photos,omitempty"`
	Video    string             `json:"video,omitempty"`
	At       time.Time          `json:"at"`
	Comments []*facebookComment `json:"comments,omitempty"`
}

type facebookComment struct {
	ID      string    `json:"id"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// facebook gives the state. The caller holds s.mu.
func (s *Sandbox) facebook() *facebookState {
	if s.state.Facebook == nil {
		s.state.Facebook = &facebookState{}
	}
	fb := s.state.Facebook
	if fb.Photos == nil {
		fb.Photos = map[string]*facebookPhoto{}
	}
	if fb.Videos == nil {
		fb.Videos = map[string]*facebookVideo{}
	}
	return fb
}

func (fb *facebookState) post(id string) *facebookPost {
	for _, post := range fb.Posts {
		if post.ID == id {
			return post
		}
	}
	return nil
}

// facebookIDLength is the length of ids that facebookID makes; those of pages and people are shorter.
const facebookIDLength = 15

// facebookID makes a number as the ids of the Graph API are.
func facebookID() string {
	return strconv.FormatInt(100_000_000_000_000+rand.Int64N(800_000_000_000_000), 10) //nolint:gosec // no secret
}

// facebookText is what Facebook keeps of a text: without space at its ends, with line ends of one kind.
func facebookText(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))
}

var facebookEmptyLines = regexp.MustCompile(`\n\n+`)

// facebookKept is a text as Facebook keeps it with these settings.
func facebookKept(text string, settings OAuthSettings) string {
	if settings.RewriteTexts {
		text = facebookEmptyLines.ReplaceAllString(text, "\n")
	}
	return text
}

// facebookStamp is a time as the Graph API writes it.
func facebookStamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05-0700") }

// facebookPageOf finds the page of that id, whoever administers it.
func facebookPageOf(id string) *oauthPage {
	for i := range facebookService.people {
		if page := facebookService.people[i].page(id); page != nil {
			return page
		}
	}
	return nil
}

// facebookMissing is the answer for an object that is not there, or not for this token.
func facebookMissing(method, id string) answer {
	return graphError(graphParameter, graphNoObject, "Unsupported "+strings.ToLower(method)+" request. Object with ID '"+id+"' does not exist, "+
		"cannot be loaded due to missing permissions, or does not support this operation.")
}

// facebookPublisher judges the token of a request that acts as a page: it must be the page's own, and the person must have
// allowed all of the permissions.
func facebookPublisher(s *Sandbox, st *oauthState, r *oauthRequest, page string, permissions ...string) *answer {
	token, grant, refusal := facebookGrant(s, st, r, accessToken, pageToken)
	if refusal != nil {
		return refusal
	}
	var refused answer
	switch {
	case facebookPageOf(page) == nil, token.Kind == pageToken && token.Page != page:
		refused = facebookMissing(r.Method, page)
	case token.Kind != pageToken:
		refused = graphError(graphPageToken, 0, "(#210) A page access token is required to request this resource.")
	default:
		for _, permission := range permissions {
			if !grant.allows(permission) {
				refused = graphError(graphPermission, 0, "(#200) Requires "+permission+" permission")
				return &refused
			}
		}
		return nil
	}
	return &refused
}

func (s *Sandbox) routeFacebookPosts(graph func(string, oauthStep, func(*Sandbox, *oauthState, *oauthRequest) answer)) {
	graph("POST /{page}/feed", always("post"), facebookPublish)
	graph("GET /{page}/feed", always("feed"), facebookFeed)
	graph("POST /{object}/comments", always("comment"), facebookAddComment)
	graph("GET /{object}/comments", always("comments"), facebookComments)
	graph("GET /{object}/insights", always("insights"), facebookInsights)
	s.routeFacebookMedia()
	s.mux.HandleFunc("GET /facebook/{handle}/posts/{number}", s.showFacebookPost)
	s.mux.HandleFunc("GET /facebook/{handle}/videos/{number}/{$}", s.showFacebookPost)
	s.mux.HandleFunc("GET /facebook/{number}", s.showFacebookPost)
}

// facebookNodeStep tells what kind of object is asked for.
var facebookNodeStep = oauthStep{names: []string{"page", "read", "video"}, of: func(_ *oauthState, r *oauthRequest) string {
	switch id := r.PathValue("page"); {
	case strings.Contains(id, "_"):
		return "read"
	case len(id) == facebookIDLength:
		return "video"
	default:
		return "page"
	}
}}

// facebookNode tells about a page, a post or a video.
func facebookNode(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	changed := s.facebookTick()
	var a answer
	switch facebookNodeStep.of(st, r) {
	case "read":
		a = facebookReadPost(s, st, r)
	case "video":
		a = facebookReadVideo(s, st, r)
	default:
		a = facebookPage(s, st, r)
	}
	a.changed = a.changed || changed
	return a
}

// facebookPublish is POST /{page}/feed: https://developers.facebook.com/docs/graph-api/reference/page/feed
func facebookPublish(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	page := r.PathValue("page")
	if refusal := facebookPublisher(s, st, r, page, "pages_manage_posts", "pages_read_engagement"); refusal != nil {
		return *refusal
	}
	message, link := facebookText(r.param("message")), r.param("link")
	photos, refusal := s.facebookAttached(page, r)
	if refusal != nil {
		return *refusal
	}
	switch u, err := url.Parse(link); {
	case message == "" && link == "" && len(photos) == 0:
		return graphError(graphParameter, 0, "(#100) Missing message or attachment")
	case utf8.RuneCountInString(message) > facebookMaxMessage:
		return graphError(graphParameter, 0, "(#100) The message is too long")
	case link != "" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == ""):
		return graphError(graphParameter, 1500, "(#100) url should represent a valid URL")
	case link != "" && len(photos) > 0:
		return graphError(graphParameter, 0, "(#100) Cannot specify both link and attached_media")
	case r.param("published") != "" && r.param("published") != "true":
		return graphError(graphParameter, 0, "(#100) The sandbox has no posts that are not published at once")
	}
	post := &facebookPost{Message: facebookKept(message, st.Settings), Link: link, Photos: photos}
	if st.Settings.RefuseDuplicates && s.facebookHas(page, post) {
		return graphError(graphDuplicate, 0, "(#506) Duplicate status message")
	}
	s.facebookPublishPost(page, post, r.base)
	a := graphAnswer(http.StatusOK, map[string]any{"id": post.ID})
	a.changed = true
	return a
}

// facebookHas tells whether the page's newest post says the same.
func (s *Sandbox) facebookHas(page string, post *facebookPost) bool {
	for _, known := range slices.Backward(s.facebook().Posts) {
		if known.Page == page {
			return known.Message == post.Message && known.Link == post.Link && len(known.Photos) == 0 && len(post.Photos) == 0 && known.Video == ""
		}
	}
	return false
}

// facebookPublishPost makes a post visible.
func (s *Sandbox) facebookPublishPost(page string, post *facebookPost, base string) {
	fb := s.facebook()
	post.ID, post.Page, post.At = page+"_"+facebookID(), page, s.now().UTC().Truncate(time.Second)
	fb.Posts = append(fb.Posts, post)
	published := Post{
		Platform: "facebook", Account: page, ID: post.ID, Text: post.Message, PostLink: post.Link, URL: base + "/facebook" + s.facebookPath(post), PublishedAt: post.At,
	}
	for _, id := range post.Photos {
		fb.Photos[id].Post = post.ID
		published.Files = append(published.Files, fb.Photos[id].File)
	}
	if video := fb.Videos[post.Video]; video != nil {
		published.Files = append(published.Files, video.File)
	}
	s.recordPublished(published)
}

// facebookPath is where a post is below the site.
func (s *Sandbox) facebookPath(post *facebookPost) string {
	handle := facebookPageOf(post.Page).Handle
	if post.Video != "" {
		return "/" + handle + "/videos/" + post.Video + "/"
	}
	_, number, _ := strings.Cut(post.ID, "_")
	return "/" + handle + "/posts/" + number
}

var facebookAttachedMedia = regexp.MustCompile(`^attached_media(?:\[(\d{1,3})\])?$`)

// facebookAttached gives the photos that a request attaches, in order.
func (s *Sandbox) facebookAttached(page string, r *oauthRequest) ([]string, *answer) {
	type media struct {
		ID string `json:"media_fbid"`
	}
	found := map[int]media{}
	for _, form := range []oauthForm{r.query, r.form} {
		for name, value := range form {
			match := facebookAttachedMedia.FindStringSubmatch(name)
			if match == nil {
				continue
			}
			var list []media
			if match[1] != "" {
				value = "[" + value + "]"
			}
			if err := json.Unmarshal([]byte(value), &list); err != nil {
				refusal := graphError(graphParameter, 0, "(#100) Param "+name+" must be an array of objects with media_fbid")
				return nil, &refusal
			}
			for i, one := range list {
				found[number(match[1], 0)+i] = one
			}
		}
	}
	var photos []string
	for i := range 1000 {
		one, ok := found[i]
		if !ok {
			continue
		}
		photo := s.facebook().Photos[one.ID]
		if photo == nil || photo.Page != page || s.now().After(photo.At.Add(facebookPhotoLife)) {
			refusal := facebookMissing("post", one.ID)
			return nil, &refusal
		}
		if photo.Post != "" || slices.Contains(photos, one.ID) {
			refusal := graphError(graphParameter, 0, "(#100) Photo is already attached to a post")
			return nil, &refusal
		}
		photos = append(photos, one.ID)
	}
	return photos, nil
}

// graphFieldNames gives the names of a list of fields, without what is asked of each: "id,comments.limit(0){id}" is id and comments.
func graphFieldNames(fields string) []string {
	var names []string
	depth, begin := 0, 0
	for i, c := range fields + "," {
		switch {
		case c == '(' || c == '{':
			depth++
		case c == ')' || c == '}':
			depth--
		case c == ',' && depth == 0:
			name := strings.TrimSpace(fields[begin:min(i, len(fields))])
			if end := strings.IndexAny(name, ".({"); end >= 0 {
				name = name[:end]
			}
			if name != "" {
				names = append(names, name)
			}
			begin = i + 1
		}
	}
	return names
}

// facebookFields picks what is asked for of a node.
func facebookFields(r *oauthRequest, node string, all map[string]any, otherwise ...string) (map[string]any, *answer) {
	names := otherwise
	if r.query["fields"] != "" {
		names = append([]string{"id"}, graphFieldNames(r.query["fields"])...)
	}
	picked := map[string]any{}
	for _, name := range names {
		value, ok := all[name]
		if !ok {
			refusal := graphError(graphParameter, 0, fmt.Sprintf("(#100) Tried accessing nonexistent field (%s) on node type (%s)", name, node))
			return nil, &refusal
		}
		if value != nil {
			picked[name] = value // the Graph API leaves out what is empty
		}
	}
	return picked, nil
}

// facebookPostFields are all that the sandbox tells of a post.
func (s *Sandbox) facebookPostFields(post *facebookPost, base string) map[string]any {
	page := facebookPageOf(post.Page)
	numbers := facebookNumbers(post, s.now())
	fields := map[string]any{
		"id": post.ID, "message": nil, "created_time": facebookStamp(post.At), "permalink_url": base + "/facebook" + s.facebookPath(post),
		"from": map[string]any{"id": page.ID, "name": page.Name}, "is_published": true, "attachments": nil, "shares": nil,
		"reactions": map[string]any{"data": []any{}, "summary": map[string]any{"total_count": numbers.reactions, "viewer_reaction": "NONE"}},
		"comments":  map[string]any{"data": []any{}, "summary": map[string]any{"order": "ranked", "total_count": len(post.Comments), "can_comment": true}},
	}
	if numbers.shares > 0 {
		fields["shares"] = map[string]any{"count": numbers.shares}
	}
	if post.Message != "" {
		fields["message"] = post.Message
	}
	photo := func(id string) map[string]any {
		return map[string]any{"media_type": "photo", "type": "photo", "target": map[string]any{"id": id}, "url": base + s.facebook().Photos[id].File.Path()}
	}
	var attachment map[string]any
	switch {
	case len(post.Photos) == 1:
		attachment = photo(post.Photos[0])
	case len(post.Photos) > 1:
		parts := []any{}
		for _, id := range post.Photos {
			parts = append(parts, photo(id))
		}
		attachment = map[string]any{"media_type": "album", "type": "album", "target": map[string]any{"id": facebookID()}, "subattachments": map[string]any{"data": parts}}
	case post.Video != "":
		attachment = map[string]any{"media_type": "video", "type": "video_inline", "target": map[string]any{"id": post.Video}}
	case post.Link != "":
		attachment = map[string]any{
			"media_type": "link", "type": "share", "unshimmed_url": post.Link, "url": "https://l.facebook.com/l.php?u=" + url.QueryEscape(post.Link),
		}
	default:
		attachment = facebookPreview(post.Message)
	}
	if attachment != nil {
		fields["attachments"] = map[string]any{"data": []any{attachment}}
	}
	return fields
}

var facebookAddress = regexp.MustCompile(`(?i)\b(https?://)?((?:[a-z0-9-]+\.)+(?:com|org|net|example)\b(?:/\S*)?)`)

// facebookPreview is what Facebook shows by itself of a text's first address, with or without https://; nil where there is none.
func facebookPreview(text string) map[string]any {
	match := facebookAddress.FindStringSubmatch(text)
	if match == nil {
		return nil
	}
	preview := map[string]any{"media_type": "link", "type": "share", "unshimmed_url": cmp.Or(match[1], "http://") + match[2]}
	if strings.HasPrefix(match[2], "www.youtube.com/") {
		preview["media_type"], preview["type"] = "video", "video_share_youtube"
	}
	return preview
}

// facebookNumbersOf are how a post did.
type facebookNumbersOf struct{ views, viewers, clicks, reactions, shares int }

// facebookNumbers are how a post did: the sandbox's people see each post 120 times an hour, in its first day.
func facebookNumbers(post *facebookPost, now time.Time) facebookNumbersOf {
	minutes := int(min(max(now.Sub(post.At), 0), 24*time.Hour) / time.Minute)
	return facebookNumbersOf{views: 2 * minutes, viewers: minutes, clicks: minutes / 5, reactions: minutes / 10, shares: minutes / 30}
}

func facebookReadPost(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	post := s.facebook().post(r.PathValue("page"))
	page, _, _ := strings.Cut(r.PathValue("page"), "_")
	if refusal := facebookPublisher(s, st, r, page, "pages_read_engagement"); refusal != nil {
		return *refusal
	}
	if post == nil {
		return facebookMissing("get", r.PathValue("page"))
	}
	picked, refusal := facebookFields(r, "Post", s.facebookPostFields(post, r.base), "id", "message", "created_time")
	if refusal != nil {
		return *refusal
	}
	return graphAnswer(http.StatusOK, picked)
}

// facebookFeed is GET /{page}/feed, the newest first.
func facebookFeed(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	changed := s.facebookTick()
	page := r.PathValue("page")
	if refusal := facebookPublisher(s, st, r, page, "pages_read_engagement"); refusal != nil {
		refusal.changed = changed
		return *refusal
	}
	since, until := time.Unix(int64(number(r.query["since"], 0)), 0), s.now().Add(time.Hour)
	if r.query["until"] != "" {
		until = time.Unix(int64(number(r.query["until"], 0)), 0)
	}
	var list []map[string]any
	for _, post := range slices.Backward(s.facebook().Posts) {
		if post.Page != page || post.At.Before(since) || post.At.After(until) {
			continue
		}
		picked, refusal := facebookFields(r, "Post", s.facebookPostFields(post, r.base), "created_time", "message", "id")
		if refusal != nil {
			return *refusal
		}
		list = append(list, picked)
	}
	a := facebookList(r, list)
	a.changed = changed
	return a
}

// facebookList answers with a part of a list: 25 unless limit says otherwise, 100 at most.
func facebookList(r *oauthRequest, all []map[string]any) answer {
	limit, start := min(max(number(r.query["limit"], 25), 1), 100), 0
	if after, err := base64.RawURLEncoding.DecodeString(r.query["after"]); err == nil {
		start = number(string(after), 0)
	}
	data := window(all, start, limit)
	if len(data) == 0 {
		return graphAnswer(http.StatusOK, map[string]any{"data": []any{}})
	}
	cursor := func(at int) string { return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(at))) }
	paging := map[string]any{"cursors": map[string]string{"before": cursor(start), "after": cursor(start + len(data))}}
	if start+len(data) < len(all) {
		next := url.Values{"limit": {strconv.Itoa(limit)}, "after": {cursor(start + len(data))}}
		for _, name := range []string{"fields", "since", "until", "access_token"} {
			if r.query[name] != "" {
				next.Set(name, r.query[name])
			}
		}
		paging["next"] = r.base + r.URL.Path + "?" + next.Encode()
	}
	return graphAnswer(http.StatusOK, map[string]any{"data": data, "paging": paging})
}

// facebookObject finds the post that an id means, a video's included, and checks the token.
func facebookObject(s *Sandbox, st *oauthState, r *oauthRequest, permissions ...string) (*facebookPost, *answer) {
	id := r.PathValue("object")
	page, _, _ := strings.Cut(id, "_")
	post := s.facebook().post(id)
	if video := s.facebook().Videos[id]; video != nil {
		page, post = video.Page, s.facebook().post(video.Post)
	}
	if refusal := facebookPublisher(s, st, r, page, permissions...); refusal != nil {
		return nil, refusal
	}
	if post == nil {
		refusal := facebookMissing(r.Method, id)
		return nil, &refusal
	}
	return post, nil
}

// facebookAddComment is POST /{object}/comments: https://developers.facebook.com/docs/graph-api/reference/object/comments
func facebookAddComment(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	post, refusal := facebookObject(s, st, r, "pages_manage_engagement")
	if refusal != nil {
		return *refusal
	}
	message := facebookText(r.param("message"))
	switch length := utf8.RuneCountInString(message); {
	case length == 0:
		return graphError(graphParameter, 0, "(#100) Missing message or attachment")
	case length > facebookMaxComment:
		return graphError(graphParameter, 0, "(#100) The message is too long")
	}
	message = facebookKept(message, st.Settings)
	if count := len(post.Comments); st.Settings.RefuseDuplicates && count > 0 && post.Comments[count-1].Message == message {
		return graphError(graphDuplicate, 0, "(#506) Duplicate status message")
	}
	_, postNumber, _ := strings.Cut(post.ID, "_")
	comment := &facebookComment{ID: postNumber + "_" + facebookID(), Message: message, At: s.now().UTC().Truncate(time.Second)}
	post.Comments = append(post.Comments, comment)
	if known := s.record("facebook", post.Page, post.ID); known != nil {
		edited := *known
		edited.Parts = append(slices.Clone(known.Parts), message)
		s.recordEdited(edited)
	}
	a := graphAnswer(http.StatusOK, map[string]any{"id": comment.ID})
	a.changed = true
	return a
}

// facebookComments is GET /{object}/comments.
func facebookComments(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	post, refusal := facebookObject(s, st, r, "pages_read_engagement")
	if refusal != nil {
		return *refusal
	}
	page := facebookPageOf(post.Page)
	var list []map[string]any
	for _, comment := range post.Comments {
		picked, refusal := facebookFields(r, "Comment", map[string]any{
			"id": comment.ID, "message": comment.Message, "created_time": facebookStamp(comment.At), "from": map[string]any{"id": page.ID, "name": page.Name},
		}, "created_time", "from", "message", "id")
		if refusal != nil {
			return *refusal
		}
		list = append(list, picked)
	}
	if r.query["order"] == "reverse_chronological" {
		slices.Reverse(list)
	}
	return facebookList(r, list)
}

// facebookInsights is GET /{object}/insights. The metrics are those of v26.0, which has no impressions any more:
// https://developers.facebook.com/docs/graph-api/changelog/version25.0
func facebookInsights(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	post, refusal := facebookObject(s, st, r, "pages_read_engagement", "read_insights")
	if refusal != nil {
		return *refusal
	}
	numbers := facebookNumbers(post, s.now())
	known := map[string]int{"post_media_view": numbers.views, "post_total_media_view_unique": numbers.viewers, "post_clicks": numbers.clicks}
	data := []any{}
	for _, metric := range words(r.query["metric"], ",") {
		value, ok := known[metric]
		if !ok {
			return graphError(graphParameter, 0, "(#100) The value must be a valid insights metric")
		}
		data = append(data, map[string]any{
			"name": metric, "period": "lifetime", "values": []any{map[string]any{"value": value}}, "id": post.ID + "/insights/" + metric + "/lifetime",
		})
	}
	if len(data) == 0 {
		return graphError(graphParameter, 0, "(#100) The parameter metric is required")
	}
	return graphAnswer(http.StatusOK, map[string]any{"data": data})
}

// showFacebookPost shows a post by itself.
func (s *Sandbox) showFacebookPost(w http.ResponseWriter, r *http.Request) {
	for _, post := range s.Published() {
		u, err := url.Parse(post.URL)
		if err == nil && post.Platform == "facebook" && (u.Path == r.URL.Path || post.ID == r.PathValue("number")) {
			render(w, http.StatusOK, "index", map[string]any{"Title": facebookPageOf(post.Account).Name, "Site": post.Account, "Posts": shown([]Post{post})})
			return
		}
	}
	render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
}
