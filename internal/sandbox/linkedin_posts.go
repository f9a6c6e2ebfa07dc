package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LinkedInSettings change how LinkedIn takes posts and files from now on. Zero values are LinkedIn's own ways.
type LinkedInSettings struct {
	// PartBytes is how large the parts are in which a video is uploaded.
	PartBytes int64 `json:"part_bytes,omitempty"`
	// UploadSeconds is how long an address to upload to is good.
	UploadSeconds int `json:"upload_seconds,omitempty"`
	// ImagePolls and VideoPolls are how often a file is said to be in work before it can be used.
	ImagePolls int  `json:"image_polls,omitempty"`
	VideoPolls *int `json:"video_polls,omitempty"`
	// PostsPerDay is how many posts one person may publish in a day of UTC.
	PostsPerDay int `json:"posts_per_day,omitempty"`
	// AllowDuplicates takes posts that say the same as an earlier one, so that it can be seen when one is sent twice.
	AllowDuplicates bool `json:"allow_duplicates,omitempty"`
}

const (
	linkedinMaxText    = 3000
	linkedinMaxComment = 1250
	linkedinMaxAltText = 4086
	linkedinMaxTitle   = 400
	// linkedinPostsPerDay: https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/share-on-linkedin
	linkedinPostsPerDay = 150
	linkedinFirstID     = 7_398_000_000_000_000_000
)

// linkedinState is what LinkedIn remembers of posts and files.
type linkedinState struct {
	Settings LinkedInSettings          `json:"settings,omitzero"`
	Media    map[string]*linkedinMedia `json:"media,omitempty"` // by URN
	Posts    map[string]*linkedinPost  `json:"posts,omitempty"` // by URN
	// Days are how many posts a person has published in a day, by "2006-01-02 person".
	Days map[string]int `json:"days,omitempty"`
	Made int64          `json:"made,omitempty"`
}

type linkedinPost struct {
	Author string    `json:"author"`
	Person string    `json:"person"`
	Says   string    `json:"says"` // what makes another post a duplicate of it
	At     time.Time `json:"at"`
	// Numbers are those that SetLinkedInStatistics has given it.
	Numbers  LinkedInStatistics `json:"numbers"`
	Comments int                `json:"comments,omitempty"`
}

// LinkedInStatistics are the numbers of an organization's post, as LinkedIn names them.
type LinkedInStatistics struct {
	ImpressionCount        int64 `json:"impressionCount"`
	UniqueImpressionsCount int64 `json:"uniqueImpressionsCount"`
	ClickCount             int64 `json:"clickCount"`
	LikeCount              int64 `json:"likeCount"`
	CommentCount           int64 `json:"commentCount"`
	ShareCount             int64 `json:"shareCount"`
}

// linkedin gives the state. The caller holds s.mu.
func (s *Sandbox) linkedin() *linkedinState {
	l := &s.state.LinkedIn
	if l.Media == nil {
		l.Media, l.Posts, l.Days = map[string]*linkedinMedia{}, map[string]*linkedinPost{}, map[string]int{}
	}
	return l
}

// nextID makes an id as posts have it.
func (l *linkedinState) nextID() string {
	l.Made++
	return strconv.FormatInt(linkedinFirstID+l.Made, 10)
}

// SetLinkedIn sets how LinkedIn takes posts and files. It panics if the state cannot be saved.
func (s *Sandbox) SetLinkedIn(settings LinkedInSettings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linkedin().Settings = settings
	if err := s.save(); err != nil {
		panic(fmt.Sprintf("sandbox: settings of linkedin: %v", err))
	}
}

// SetLinkedInStatistics sets the numbers of a post. It panics if there is no such post.
func (s *Sandbox) SetLinkedInStatistics(urn string, numbers LinkedInStatistics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linkedin().Posts[urn].Numbers = numbers
}

// DeleteLinkedInPost deletes a post the way its author would, at LinkedIn. What was published stays in the record.
func (s *Sandbox) DeleteLinkedInPost(urn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.linkedin().Posts, urn)
}

func (s *Sandbox) routeLinkedInPosts() {
	route := func(pattern, step string, judge func(*Sandbox, *oauthState, *apiRequest) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" /linkedin-api/rest"+path, s.apiHandler(apiEndpoint{
			svc: linkedinService, step: step, refuse: linkedinFault,
			judge: func(s *Sandbox, st *oauthState, r *apiRequest) answer {
				if refusal := linkedinHeaders(s, st, r); refusal != nil {
					return *refusal
				}
				return judge(s, st, r)
			},
			tooLarge: func() answer {
				return linkedinError(http.StatusRequestEntityTooLarge, 0, "REQUEST_ENTITY_TOO_LARGE", "The body is too large")
			},
		}))
	}
	route("POST /posts", "post", linkedinCreatePost)
	route("POST /socialActions/{urn}/comments", "comment", linkedinComment)
	route("GET /organizationalEntityShareStatistics", "statistics", linkedinStatistics)
	route("POST /images", "init_image", linkedinInitImage)
	route("GET /images/{urn}", "image", linkedinReadMedia)
	route("GET /videos/{urn}", "video", linkedinReadMedia)
	s.mux.HandleFunc("POST /linkedin-api/rest/videos", s.apiHandler(apiEndpoint{
		svc: linkedinService, refuse: linkedinFault, steps: []string{"init_video", "finalize_video"},
		stepOf: func(r *apiRequest) string {
			if r.URL.Query().Get("action") == "finalizeUpload" {
				return "finalize_video"
			}
			return "init_video"
		},
		judge: linkedinVideos,
		tooLarge: func() answer {
			return linkedinError(http.StatusRequestEntityTooLarge, 0, "REQUEST_ENTITY_TOO_LARGE", "The body is too large")
		},
	}))
	s.routeLinkedInUploads()
	s.mux.HandleFunc("GET /linkedin/feed/update/{urn}", s.showLinkedInPost)
}

// linkedinHeaders checks token and versions: https://learn.microsoft.com/linkedin/marketing/versioning. A version is
// supported for a year.
func linkedinHeaders(s *Sandbox, st *oauthState, r *apiRequest) *answer {
	refuse := func(status, number int, code, message string) *answer {
		a := linkedinError(status, number, code, message)
		return &a
	}
	if _, refusal := linkedinGrant(s, st, &oauthRequest{Request: r.Request}); refusal != nil {
		return refusal
	}
	version := r.Header.Get("Linkedin-Version")
	if version == "" {
		return refuse(http.StatusBadRequest, 0, "VERSION_MISSING", "A version must be present. Please specify a version by adding the LinkedIn-Version header.")
	}
	at, err := time.Parse("200601", version)
	if now := s.now().UTC(); err != nil || at.After(now) || at.AddDate(1, 0, 0).Before(now) {
		return refuse(http.StatusUpgradeRequired, 0, "NONEXISTENT_VERSION", "Requested version "+version+" is not active")
	}
	if r.Header.Get("X-Restli-Protocol-Version") != "2.0.0" {
		return refuse(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version 2.0.0 is required")
	}
	if r.Method == http.MethodPost && !r.isJSON() {
		return refuse(http.StatusUnsupportedMediaType, 0, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json")
	}
	return nil
}

// linkedinActs refuses somebody who may not act as a person or an organization.
func linkedinActs(s *Sandbox, st *oauthState, r *apiRequest, urn, field string) *answer {
	grant, refusal := linkedinGrant(s, st, &oauthRequest{Request: r.Request})
	if refusal != nil {
		return refusal
	}
	if urn == "urn:li:person:"+grant.Person && grant.allows("w_member_social") {
		return nil
	}
	if grant.allows("w_organization_social") {
		for _, page := range st.pages(linkedinService.person(grant.Person)) {
			if urn == "urn:li:organization:"+page.ID {
				return nil
			}
		}
	}
	denied := linkedinError(http.StatusForbidden, 100, "ACCESS_DENIED",
		"Field Value validation failed in REQUEST_BODY: Data Processing Exception while processing fields [/"+field+"]")
	return &denied
}

// linkedinBody reads a body in which nothing may stand that is not known.
func linkedinBody(r *apiRequest, into any) *answer {
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		refusal := linkedinError(http.StatusUnprocessableEntity, 0, "UNPROCESSABLE_ENTITY", "ERROR :: "+explainJSON(err, into))
		return &refusal
	}
	return nil
}

// linkedinInvalidField is how content is refused: what is wrong stands in errorDetails.
func linkedinInvalidField(code, message string) answer {
	return jsonAnswer(http.StatusBadRequest, "application/json", map[string]any{
		"errorDetailType": "com.linkedin.common.error.BadRequest",
		"message":         "com.linkedin.content.common.exception.BadRequestResponseException: " + message,
		"errorDetails":    map[string]any{"inputErrors": []any{map[string]any{"description": message, "input": map[string]any{}, "code": code}}},
		"status":          http.StatusBadRequest,
	})
}

type linkedinMediaContent struct {
	ID      string `json:"id"`
	Title   string `json:"title,omitempty"`
	AltText string `json:"altText,omitempty"`
}

// linkedinPostBody is a post as it is sent: https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api.
type linkedinPostBody struct {
	Author       string  `json:"author"`
	Commentary   *string `json:"commentary"`
	Visibility   string  `json:"visibility"`
	Distribution *struct {
		FeedDistribution               string `json:"feedDistribution"`
		TargetEntities                 []any  `json:"targetEntities"`
		ThirdPartyDistributionChannels []any  `json:"thirdPartyDistributionChannels"`
	} `json:"distribution"`
	Content *struct {
		Media      *linkedinMediaContent `json:"media,omitempty"`
		MultiImage *struct {
			Images []linkedinMediaContent `json:"images"`
		} `json:"multiImage,omitempty"`
		Article *struct {
			Source      string `json:"source"`
			Title       string `json:"title"`
			Description string `json:"description,omitempty"`
			Thumbnail   string `json:"thumbnail,omitempty"`
		} `json:"article,omitempty"`
	} `json:"content"`
	LifecycleState            string `json:"lifecycleState"`
	IsReshareDisabledByAuthor bool   `json:"isReshareDisabledByAuthor"`
}

var linkedinAuthor = regexp.MustCompile(`^urn:li:(person|organization):[A-Za-z0-9_-]+$`)

// linkedinPostFields finds what is missing or of the wrong kind in a post.
func linkedinPostFields(body linkedinPostBody) *answer {
	refuse := func(field, message string) *answer {
		a := linkedinError(http.StatusUnprocessableEntity, 0, "UNPROCESSABLE_ENTITY", "ERROR :: /"+field+" :: "+message)
		return &a
	}
	switch {
	case !linkedinAuthor.MatchString(body.Author):
		return refuse("author", "is not a person's or an organization's URN")
	case body.Commentary == nil:
		return refuse("commentary", "field is required but not found and has no default value")
	case body.Visibility != "PUBLIC" && body.Visibility != "CONNECTIONS":
		return refuse("visibility", "\""+body.Visibility+"\" is not an enum symbol")
	case body.Visibility == "CONNECTIONS" && strings.HasPrefix(body.Author, "urn:li:organization:"):
		return refuse("visibility", "an organization's posts are PUBLIC")
	case body.Distribution == nil || body.Distribution.FeedDistribution != "MAIN_FEED":
		return refuse("distribution/feedDistribution", "must be MAIN_FEED")
	case body.LifecycleState != "PUBLISHED":
		return refuse("lifecycleState", "must be PUBLISHED")
	case body.Content == nil:
		return nil
	}
	kinds := 0
	for _, there := range []bool{body.Content.Media != nil, body.Content.MultiImage != nil, body.Content.Article != nil} {
		if there {
			kinds++
		}
	}
	if kinds != 1 {
		return refuse("content", "is a union and needs exactly one member")
	}
	if multi := body.Content.MultiImage; multi != nil && (len(multi.Images) < 2 || len(multi.Images) > 20) {
		return refuse("content/multiImage/images", "needs 2 to 20 images")
	}
	if article := body.Content.Article; article != nil {
		if u, err := url.Parse(article.Source); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			return refuse("content/article/source", "is not a URL")
		}
		if article.Title == "" || linkedinLength(article.Title) > linkedinMaxTitle {
			return refuse("content/article/title", "is required, of at most 400 characters")
		}
	}
	return nil
}

// linkedinCreatePost publishes a post.
func linkedinCreatePost(s *Sandbox, st *oauthState, r *apiRequest) answer {
	var body linkedinPostBody
	if refusal := linkedinBody(r, &body); refusal != nil {
		return *refusal
	}
	if refusal := linkedinPostFields(body); refusal != nil {
		return *refusal
	}
	if refusal := linkedinActs(s, st, r, body.Author, "author"); refusal != nil {
		return *refusal
	}
	l, now := s.linkedin(), s.now().UTC()
	day := now.Format(time.DateOnly) + " " + r.person
	if limit := l.Settings.PostsPerDay; l.Days[day] >= limit && (limit > 0 || l.Days[day] >= linkedinPostsPerDay) {
		return linkedinThrottled()
	}
	text, err := linkedinPlain(*body.Commentary)
	if err != nil {
		return linkedinInvalidField("INVALID_LITTLE_TEXT", err.Error())
	}
	if length := linkedinLength(text); length > linkedinMaxText {
		return linkedinInvalidField("FIELD_ARRAY_SIZE_TOO_HIGH",
			fmt.Sprintf("ShareCommentary text length (%d characters) exceeded the maximum allowed (%d characters)", length, linkedinMaxText))
	}
	post := Post{Platform: "linkedin", Account: body.Author, Text: text, PublishedAt: now, Audience: body.Visibility}
	kind := "share"
	if refusal := s.linkedinContent(body, &post, &kind); refusal != nil {
		return *refusal
	}
	if text == "" && body.Content == nil {
		return linkedinInvalidField("MISSING_FIELD", "The post has neither text nor content")
	}
	says := linkedinSays(post)
	for urn, other := range l.Posts {
		if !l.Settings.AllowDuplicates && other.Author == body.Author && other.Says == says && now.Sub(other.At) < 24*time.Hour {
			return linkedinDuplicate(urn)
		}
	}
	post.ID = "urn:li:" + kind + ":" + l.nextID()
	post.URL = r.base + "/linkedin/feed/update/" + post.ID
	l.Posts[post.ID] = &linkedinPost{Author: body.Author, Person: r.person, Says: says, At: now}
	l.Days[day]++
	s.recordPublished(post)
	return answer{status: http.StatusCreated, changed: true, header: http.Header{"X-Restli-Id": {post.ID}, "X-Linkedin-Id": {post.ID}}}
}

func linkedinThrottled() answer {
	return linkedinError(http.StatusTooManyRequests, 101, "TOO_MANY_REQUESTS",
		"Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached")
}

// linkedinDuplicate names the earlier post in its message only, as LinkedIn does:
// https://github.com/Arisamiga/Linkedin-RSS/issues/5.
func linkedinDuplicate(urn string) answer {
	return jsonAnswer(http.StatusUnprocessableEntity, "application/json", map[string]any{
		"errorDetailType": "com.linkedin.common.error.BadRequest",
		"message":         "com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of " + urn,
		"errorDetails": map[string]any{"inputErrors": []any{map[string]any{
			"description": "Duplicate post is detected", "input": map[string]any{}, "code": "DUPLICATE_POST",
		}}},
		"status": http.StatusUnprocessableEntity,
	})
}

// linkedinSays is what posts are compared by.
func linkedinSays(post Post) string {
	parts := []string{post.Text, post.PostLink}
	for _, file := range post.Files {
		parts = append(parts, file.SHA256)
	}
	return strings.Join(parts, "\n")
}

// linkedinContent fills in what a post shows besides its text.
func (s *Sandbox) linkedinContent(body linkedinPostBody, post *Post, kind *string) *answer {
	if body.Content == nil {
		return nil
	}
	if article := body.Content.Article; article != nil {
		post.PostLink = article.Source
		return nil
	}
	shown, kinds := []linkedinMediaContent{}, []string{"image"}
	if media := body.Content.Media; media != nil {
		shown, kinds = append(shown, *media), []string{"image", "video"}
	} else {
		shown = body.Content.MultiImage.Images
	}
	refuse := func(code, message string) *answer {
		a := linkedinInvalidField(code, message)
		return &a
	}
	for _, one := range shown {
		media := s.linkedin().Media[one.ID]
		switch {
		case media == nil || !slices.Contains(kinds, media.Kind):
			return refuse("INVALID_CONTENT_OWNERSHIP", "There is no such file: "+one.ID)
		case media.Owner != body.Author:
			return refuse("INVALID_CONTENT_OWNERSHIP", "The file belongs to somebody else: "+one.ID)
		case media.Status == linkedinFailed:
			return refuse("MEDIA_ASSET_PROCESSING_FAILED", "The file could not be processed: "+one.ID)
		case media.Status != linkedinAvailable:
			return refuse("MEDIA_ASSET_"+media.Status, "The file is not ready: "+one.ID)
		case linkedinLength(one.AltText) > linkedinMaxAltText:
			return refuse("FIELD_ARRAY_SIZE_TOO_HIGH", "The alt text is too long")
		}
		if media.Kind == "video" {
			*kind = "ugcPost"
		}
		file := media.File
		file.ID, file.AltText = one.ID, one.AltText
		post.Files = append(post.Files, file)
	}
	return nil
}

// linkedinComment adds a comment: https://learn.microsoft.com/linkedin/marketing/community-management/shares/comments-api.
func linkedinComment(s *Sandbox, st *oauthState, r *apiRequest) answer {
	var body struct {
		Actor   string `json:"actor"`
		Object  string `json:"object,omitempty"`
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	}
	if refusal := linkedinBody(r, &body); refusal != nil {
		return *refusal
	}
	if refusal := linkedinActs(s, st, r, body.Actor, "actor"); refusal != nil {
		return *refusal
	}
	urn := r.PathValue("urn")
	l := s.linkedin()
	post := l.Posts[urn]
	switch length := linkedinLength(body.Message.Text); {
	case !encodedURN(r.Request):
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The URN in the path is not encoded")
	case post == nil:
		return linkedinError(http.StatusNotFound, 0, "RESOURCE_NOT_FOUND", "Could not find entity "+urn)
	case body.Object != "" && body.Object != urn:
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The object is not the entity of the path")
	case length == 0 || length > linkedinMaxComment:
		return linkedinInvalidField("FIELD_LENGTH_TOO_LONG", "A comment has 1 to 1250 characters")
	}
	id, at := l.nextID(), s.now().UTC().UnixMilli()
	post.Comments++
	if shown := s.record("linkedin", post.Author, urn); shown != nil {
		changed := *shown
		changed.Parts = append(slices.Clone(shown.Parts), body.Message.Text)
		s.recordEdited(changed)
	}
	a := jsonAnswer(http.StatusCreated, "application/json", map[string]any{
		"id": id, "$URN": "urn:li:comment:(" + urn + "," + id + ")", "object": urn, "actor": body.Actor,
		"message": map[string]any{"attributes": []any{}, "text": body.Message.Text},
		"created": map[string]any{"actor": body.Actor, "time": at}, "lastModified": map[string]any{"actor": body.Actor, "time": at},
	})
	a.header.Set("X-Restli-Id", id)
	a.changed = true
	return a
}

// encodedURN tells whether the URN in a path is written as Rest.li wants it.
func encodedURN(r *http.Request) bool { return !strings.Contains(r.URL.EscapedPath(), "urn:") }

var linkedinList = regexp.MustCompile(`(?:^|&)(shares|ugcPosts)=List\(([^()]+)\)(?:&|$)`)

// linkedinStatistics tells the numbers of an organization's posts to its administrators:
// https://learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics. A post that is not the
// organization's is left out.
func linkedinStatistics(s *Sandbox, st *oauthState, r *apiRequest) answer {
	grant, refusal := linkedinGrant(s, st, &oauthRequest{Request: r.Request})
	if refusal != nil {
		return *refusal
	}
	query := r.URL.Query()
	organization := query.Get("organizationalEntity")
	administers := slices.ContainsFunc(st.pages(linkedinService.person(grant.Person)), func(page oauthPage) bool {
		return organization == "urn:li:organization:"+page.ID
	})
	list := linkedinList.FindStringSubmatch(r.URL.RawQuery)
	switch {
	case query.Get("q") != "organizationalEntity":
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "No query finder \""+query.Get("q")+"\"")
	case !administers || !grant.allows("rw_organization_admin"):
		return linkedinForbidden("FINDER-organizationalEntity /organizationalEntityShareStatistics")
	case list == nil || strings.Contains(list[2], ":"):
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "shares or ugcPosts must be a List() of encoded URNs")
	}
	elements := []any{}
	for _, encoded := range strings.Split(list[2], ",") {
		urn, err := url.QueryUnescape(encoded)
		post := s.linkedin().Posts[urn]
		field, prefix := "share", "urn:li:share:"
		if list[1] == "ugcPosts" {
			field, prefix = "ugcPost", "urn:li:ugcPost:"
		}
		if err != nil || !strings.HasPrefix(urn, prefix) {
			return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "Not a URN of this list: "+urn)
		}
		if post == nil || post.Author != organization {
			continue
		}
		numbers := post.Numbers
		numbers.CommentCount += int64(post.Comments)
		elements = append(elements, map[string]any{field: urn, "organizationalEntity": organization, "totalShareStatistics": numbers})
	}
	return jsonAnswer(http.StatusOK, "application/json", map[string]any{
		"elements": elements, "paging": map[string]any{"start": 0, "count": 10, "links": []any{}},
	})
}

// showLinkedInPost shows a post as its readers see it.
func (s *Sandbox) showLinkedInPost(w http.ResponseWriter, r *http.Request) {
	urn := r.PathValue("urn")
	s.mu.Lock()
	there := s.linkedin().Posts[urn] != nil
	s.mu.Unlock()
	posts := slices.DeleteFunc(s.Published(), func(p Post) bool { return p.Platform != "linkedin" || p.ID != urn })
	if !there || len(posts) == 0 {
		render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
		return
	}
	render(w, http.StatusOK, "index", map[string]any{"Title": "LinkedIn", "Site": urn, "Posts": shown(posts)})
}
