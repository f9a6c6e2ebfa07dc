package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// X's limits of requests, and of what is posted: https://docs.x.com/x-api/fundamentals/rate-limits.
const (
	twitterPostLimit     = 100 // a person, in twitterWindow
	twitterReadLimit     = 900
	twitterMediaLimit    = 500
	twitterAppLimit      = 10_000 // the application, in a day
	twitterWindow        = 15 * time.Minute
	twitterMaxText       = 280
	twitterMaxAltText    = 1000
	twitterDuplicateTime = 24 * time.Hour
)

// twitterState is what X remembers.
type twitterState struct {
	Tweets []*tweet                 `json:"tweets,omitempty"`
	Media  map[string]*twitterMedia `json:"media,omitempty"`
	// LastID is the newest id.
	LastID int64 `json:"last_id,omitempty"`
}

// tweet is a post.
type tweet struct {
	ID, Author string
	// Raw is the text as it was sent, Text as X shows it.
	Raw, Text       string
	Links           []tweetLink
	Media           []string
	ReplyTo         string
	MadeWithAI      bool
	PaidPartnership bool
	At              time.Time
}

// tweetLink is a link in a post: its short form and where it leads.
type tweetLink struct {
	Short, Expanded, MediaKey string
}

func (s *Sandbox) twitter() *twitterState {
	if s.state.Twitter == nil {
		s.state.Twitter = &twitterState{}
	}
	if s.state.Twitter.Media == nil {
		s.state.Twitter.Media = map[string]*twitterMedia{}
	}
	return s.state.Twitter
}

// newID makes an id as X's are: the milliseconds since 4 November 2010, and 22 bits.
func (t *twitterState) newID(now time.Time) string {
	id := (now.UnixMilli() - 1288834974657) << 22
	t.LastID = max(id, t.LastID+1)
	return strconv.FormatInt(t.LastID, 10)
}

func (t *twitterState) tweet(id string) *tweet {
	for _, known := range t.Tweets {
		if known.ID == id {
			return known
		}
	}
	return nil
}

func (s *Sandbox) routeTwitterPosts() {
	tooLarge := func() answer {
		return twitterProblem(http.StatusRequestEntityTooLarge, "Request Entity Too Large", "The request is too large.")
	}
	handle := func(pattern string, e apiEndpoint) {
		e.svc, e.refuse, e.tooLarge = twitterService, twitterFault, tooLarge
		s.mux.HandleFunc(pattern, s.apiHandler(e))
	}
	handle("POST /twitter-api/2/tweets", apiEndpoint{judge: postTweet, steps: []string{"publish", "reply"}, stepOf: func(r *apiRequest) string {
		var body tweetBody
		if json.Unmarshal(r.body, &body) == nil && body.Reply != nil {
			return "reply"
		}
		return "publish"
	}})
	handle("GET /twitter-api/2/users/{id}/tweets", apiEndpoint{judge: listTweets, step: "timeline"})
	handle("GET /twitter-api/2/tweets", apiEndpoint{judge: lookUpTweets, step: "metrics"})
	s.routeTwitterMedia(handle)
	s.mux.HandleFunc("GET /twitter/{handle}/status/{id}", s.showTweet)
	s.mux.HandleFunc("GET /twitter/i/web/status/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		found := s.twitter().tweet(r.PathValue("id"))
		s.mu.Unlock()
		if found == nil {
			render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
			return
		}
		http.Redirect(w, r, "/twitter/"+twitterService.person(found.Author).Handle+"/status/"+found.ID, http.StatusFound)
	})
}

// twitterAccess finds whose a token is, and checks that it allows the scopes.
func twitterAccess(s *Sandbox, st *oauthState, r *apiRequest, scopes ...string) (*oauthGrant, *answer) {
	secret := bearer(r.Request, "Bearer")
	_, grant, problem := s.token(st, secret, accessToken)
	if problem != tokenGood {
		refusal := twitterProblem(http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return nil, &refusal
	}
	if secret == grant.Access {
		grant.Previous = ""
	}
	for _, scope := range scopes {
		if !grant.allows(scope) {
			refusal := twitterProblem(http.StatusForbidden, "Forbidden", "Forbidden")
			return nil, &refusal
		}
	}
	return grant, nil
}

// twitterInvalidRequest is X's answer to a parameter that is wrong.
func twitterInvalidRequest(parameter, value, message string) answer {
	return jsonAnswer(http.StatusBadRequest, "application/problem+json", map[string]any{
		"errors": []any{map[string]any{"parameters": map[string][]string{parameter: {value}}, "message": message}},
		"title":  "Invalid Request", "detail": "One or more parameters to your request was invalid.",
		"type": "https://api.twitter.com/2/problems/invalid-request",
	})
}

func twitterForbidden(detail string) answer {
	return twitterProblem(http.StatusForbidden, "Forbidden", detail)
}

// twitterLimit counts a request of a person, and gives what tells of it in the answer's headers. ok is false where it is one too
// many.
func (s *Sandbox) twitterLimit(key, prefix string, limit int, length time.Duration) (header http.Header, ok bool) {
	now := s.now()
	window := s.twitterWindows[key]
	if !now.Before(window.ends) {
		window = rateWindow{ends: now.Add(length)}
	}
	if ok = window.used < limit; ok {
		window.used++
	}
	s.twitterWindows[key] = window
	return http.Header{
		prefix + "-Limit":     {strconv.Itoa(limit)},
		prefix + "-Remaining": {strconv.Itoa(limit - window.used)},
		prefix + "-Reset":     {strconv.FormatInt(window.ends.Unix(), 10)},
	}, ok
}

// limited answers within the limits of a person.
func (s *Sandbox) limited(key string, limit int, within func() answer) answer {
	header, ok := s.twitterLimit(key, "X-Rate-Limit", limit, twitterWindow)
	a := twitterProblem(http.StatusTooManyRequests, "Too Many Requests", "Too Many Requests")
	if ok {
		a = within()
	}
	return a.with(header)
}

func (a answer) with(header http.Header) answer {
	for name, values := range header {
		a.header[name] = values
	}
	return a
}

// tweetBody is the body of POST /2/tweets, as far as the sandbox knows it.
type tweetBody struct {
	Text  string `json:"text"`
	Media *struct {
		MediaIDs []string `json:"media_ids"`
	} `json:"media"`
	Reply *struct {
		InReplyToTweetID string `json:"in_reply_to_tweet_id"`
	} `json:"reply"`
	MadeWithAI      bool `json:"made_with_ai"`
	PaidPartnership bool `json:"paid_partnership"`
}

func postTweet(s *Sandbox, st *oauthState, r *apiRequest) answer {
	grant, refusal := twitterAccess(s, st, r, "tweet.read", "tweet.write", "users.read")
	if refusal != nil {
		return *refusal
	}
	return s.limited("post "+grant.Person, cmp.Or(st.Settings.PostRequests, twitterPostLimit), func() answer {
		header, ok := s.twitterLimit("app", "X-App-Limit-24hour", cmp.Or(st.Settings.AppPosts, twitterAppLimit), 24*time.Hour)
		if !ok {
			return twitterProblem(http.StatusTooManyRequests, "Too Many Requests", "Too Many Requests").with(header)
		}
		return s.addTweet(grant.Person, r).with(header)
	})
}

// addTweet judges a post and publishes it.
func (s *Sandbox) addTweet(person string, r *apiRequest) answer {
	var body tweetBody
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil || !r.isJSON() {
		return twitterInvalidRequest("$", "", "The body is no JSON object of the fields that are known.")
	}
	t, now := s.twitter(), s.now()
	post := &tweet{Author: person, Raw: strings.TrimSpace(norm.NFC.String(body.Text)), At: now.UTC(),
		MadeWithAI: body.MadeWithAI, PaidPartnership: body.PaidPartnership}
	if body.Media != nil {
		if len(body.Media.MediaIDs) == 0 || len(body.Media.MediaIDs) > 4 {
			return twitterInvalidRequest("media.media_ids", fmt.Sprint(body.Media.MediaIDs), "$.media.media_ids: there must be from 1 to 4 items")
		}
		post.Media = body.Media.MediaIDs
		if !t.showable(person, post.Media, now) {
			return twitterInvalidRequest("media.media_ids", fmt.Sprint(post.Media), "Your media IDs are invalid.")
		}
	}
	if post.Raw == "" && len(post.Media) == 0 {
		return twitterInvalidRequest("text", "", "One of text or media must be given.")
	}
	links := findLinks(post.Raw)
	switch {
	case strings.ContainsAny(post.Raw, "\uFFFE\uFEFF\uFFFF"):
		return twitterInvalidRequest("text", "", "The text has invalid characters.")
	case plainLength(post.Raw, links) > twitterMaxText:
		return twitterForbidden("Your Tweet text is too long. For more information on how Twitter determines text length see https://github.com/twitter/twitter-text.")
	}
	if body.Reply != nil {
		post.ReplyTo = body.Reply.InReplyToTweetID
		if t.tweet(post.ReplyTo) == nil {
			return twitterForbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
		}
	}
	for _, old := range t.Tweets {
		if post.Raw != "" && old.Author == person && old.Raw == post.Raw && now.Sub(old.At) < twitterDuplicateTime {
			return twitterForbidden("You are not allowed to create a Tweet with duplicate content.")
		}
	}
	post.ID = t.newID(now)
	handle := twitterService.person(person).Handle
	post.shorten(links, r.base+"/twitter/"+handle+"/status/"+post.ID, t)
	t.Tweets = append(t.Tweets, post)
	s.recordTweet(post, r.base+"/twitter/"+handle+"/status/"+post.ID)
	a := jsonAnswer(http.StatusCreated, "application/json; charset=utf-8", map[string]any{"data": map[string]any{
		"id": post.ID, "text": post.Text, "edit_history_tweet_ids": []string{post.ID},
	}})
	a.changed = true
	return a
}

// shorten puts the links into their short form, and escapes the text, as X stores it.
func (post *tweet) shorten(links [][2]int, address string, t *twitterState) {
	var text strings.Builder
	end := 0
	for _, at := range links {
		link := post.Raw[at[0]:at[1]]
		short := "https://t.co/" + randomHex(5)
		expanded := link
		if !strings.Contains(strings.ToLower(link[:min(8, len(link))]), "://") {
			expanded = "http://" + link
		}
		post.Links = append(post.Links, tweetLink{Short: short, Expanded: expanded})
		text.WriteString(escapeTweet(post.Raw[end:at[0]]) + short)
		end = at[1]
	}
	text.WriteString(escapeTweet(post.Raw[end:]))
	if len(post.Media) > 0 {
		kind := "photo"
		if first := t.Media[post.Media[0]]; strings.HasPrefix(first.Type, "video/") {
			kind = "video"
		}
		link := tweetLink{Short: "https://t.co/" + randomHex(5), Expanded: address + "/" + kind + "/1", MediaKey: t.Media[post.Media[0]].Key}
		post.Links = append(post.Links, link)
		if text.Len() > 0 {
			text.WriteString(" ")
		}
		text.WriteString(link.Short)
	}
	post.Text = text.String()
}

func escapeTweet(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// recordTweet notes a post for people and tests: by itself, or as a part of the thread that it goes on.
func (s *Sandbox) recordTweet(post *tweet, address string) {
	var files []PostFile
	for _, id := range post.Media {
		files = append(files, s.twitter().Media[id].File)
	}
	root := post
	for root.ReplyTo != "" {
		above := s.twitter().tweet(root.ReplyTo)
		if above == nil || above.Author != post.Author {
			break
		}
		root = above
	}
	if known := s.record("twitter", post.Author, root.ID); root != post && known != nil {
		edited := *known
		edited.Parts = append(slices.Clone(edited.Parts), post.Raw)
		edited.Files = append(slices.Clone(edited.Files), files...)
		s.recordEdited(edited)
		return
	}
	s.recordPublished(Post{Platform: "twitter", Account: post.Author, ID: post.ID, Text: post.Raw, Files: files, URL: address, PublishedAt: post.At})
}

// object is a post as the API shows it.
func (post *tweet) object(t *twitterState, fields []string) map[string]any {
	o := map[string]any{"id": post.ID, "text": post.Text, "edit_history_tweet_ids": []string{post.ID}}
	for _, field := range fields {
		switch field {
		case "created_at":
			o[field] = post.At.UTC().Format("2006-01-02T15:04:05.000Z")
		case "author_id":
			o[field] = post.Author
		case "referenced_tweets":
			if post.ReplyTo != "" {
				o[field] = []any{map[string]string{"type": "replied_to", "id": post.ReplyTo}}
			}
		case "attachments":
			if len(post.Media) > 0 {
				keys := make([]string, len(post.Media))
				for i, id := range post.Media {
					keys[i] = t.Media[id].Key
				}
				o[field] = map[string]any{"media_keys": keys}
			}
		case "entities":
			if len(post.Links) > 0 {
				o[field] = map[string]any{"urls": post.entities()}
			}
		case "public_metrics":
			replies := 0
			for _, other := range t.Tweets {
				if other.ReplyTo == post.ID {
					replies++
				}
			}
			id, _ := strconv.ParseInt(post.ID, 10, 64)
			o[field] = map[string]int64{
				"retweet_count": id % 7, "reply_count": int64(replies), "like_count": 3 + id%11, "quote_count": id % 3,
				"bookmark_count": id % 5, "impression_count": 100 + id%900,
			}
		}
	}
	return o
}

// entities are the links with where they stand, in characters.
func (post *tweet) entities() []any {
	var urls []any
	at := 0
	for _, link := range post.Links {
		start := at + strings.Index(post.Text[at:], link.Short)
		at = start + len(link.Short)
		first := utf8.RuneCountInString(post.Text[:start])
		display := strings.TrimPrefix(strings.TrimPrefix(link.Expanded, "https://"), "http://")
		entity := map[string]any{"start": first, "end": first + len(link.Short), "url": link.Short, "expanded_url": link.Expanded, "display_url": display}
		if link.MediaKey != "" {
			entity["media_key"] = link.MediaKey
		}
		urls = append(urls, entity)
	}
	return urls
}

var tweetFields = []string{"attachments", "author_id", "created_at", "entities", "id", "public_metrics", "referenced_tweets", "text"}

// readTweetFields reads tweet.fields.
func readTweetFields(query url.Values) ([]string, *answer) {
	given := query.Get("tweet.fields")
	if given == "" {
		return nil, nil
	}
	fields := strings.Split(given, ",")
	for _, field := range fields {
		if !slices.Contains(tweetFields, field) {
			refusal := twitterInvalidRequest("tweet.fields", given, "The `tweet.fields` query parameter value ["+field+"] is not one of ["+strings.Join(tweetFields, ",")+"]")
			return nil, &refusal
		}
	}
	return fields, nil
}

// unknownParameter refuses a query with a parameter that the sandbox does not know.
func unknownParameter(query url.Values, names ...string) *answer {
	for name := range query {
		if !slices.Contains(names, name) {
			refusal := twitterInvalidRequest(name, query.Get(name), "The query parameter ["+name+"] is not one of ["+strings.Join(names, ",")+"]")
			return &refusal
		}
	}
	return nil
}

func listTweets(s *Sandbox, st *oauthState, r *apiRequest) answer {
	grant, refusal := twitterAccess(s, st, r, "tweet.read", "users.read")
	if refusal != nil {
		return *refusal
	}
	return s.limited("timeline "+grant.Person, cmp.Or(st.Settings.ReadRequests, twitterReadLimit), func() answer {
		query := r.URL.Query()
		if refusal := unknownParameter(query, "start_time", "end_time", "max_results", "pagination_token", "tweet.fields"); refusal != nil {
			return *refusal
		}
		fields, refusal := readTweetFields(query)
		if refusal != nil {
			return *refusal
		}
		person := r.PathValue("id")
		if twitterService.person(person) == nil {
			return twitterNotFound("user", "id", person)
		}
		size := 10
		if given := query.Get("max_results"); given != "" {
			n, err := strconv.Atoi(given)
			if err != nil || n < 5 || n > 100 {
				return twitterInvalidRequest("max_results", given, "The `max_results` query parameter value ["+given+"] is not between 5 and 100")
			}
			size = n
		}
		bounds := [2]time.Time{{}, s.now().Add(time.Second)}
		for i, name := range []string{"start_time", "end_time"} {
			if given := query.Get(name); given != "" {
				at, err := time.Parse("2006-01-02T15:04:05Z", given)
				if err != nil {
					return twitterInvalidRequest(name, given, "The `"+name+"` query parameter value ["+given+"] is not an RFC3339 date")
				}
				bounds[i] = at
			}
		}
		return s.twitter().page(person, bounds, query.Get("pagination_token"), size, fields)
	})
}

// page lists a person's posts, the newest first. The token of a page is the last id of the one before.
func (t *twitterState) page(person string, bounds [2]time.Time, token string, size int, fields []string) answer {
	data, next := []any{}, ""
	before, err := strconv.ParseInt(strings.TrimPrefix(token, "p"), 10, 64)
	if token != "" && err != nil {
		return twitterInvalidRequest("pagination_token", token, "The `pagination_token` query parameter value ["+token+"] is not valid")
	}
	last := ""
	for _, post := range slices.Backward(t.Tweets) {
		id, _ := strconv.ParseInt(post.ID, 10, 64)
		if post.Author != person || (token != "" && id >= before) || post.At.Before(bounds[0]) || !post.At.Before(bounds[1]) {
			continue
		}
		if len(data) == size {
			next = "p" + last
			break
		}
		data = append(data, post.object(t, fields))
		last = post.ID
	}
	meta := map[string]any{"result_count": len(data)}
	body := map[string]any{"meta": meta}
	if len(data) > 0 {
		body["data"] = data
	}
	if next != "" {
		meta["next_token"] = next
	}
	return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", body)
}

// twitterNotFound is X's answer when the one thing that was asked for is not there: a 200.
func twitterNotFound(kind, parameter, id string) answer {
	return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"errors": []any{notFoundError(kind, parameter, id)}})
}

func notFoundError(kind, parameter, id string) map[string]any {
	return map[string]any{
		"value": id, "detail": "Could not find " + kind + " with " + parameter + ": [" + id + "].", "title": "Not Found Error", "resource_type": kind,
		"parameter": parameter, "resource_id": id, "type": "https://api.twitter.com/2/problems/resource-not-found",
	}
}

func lookUpTweets(s *Sandbox, st *oauthState, r *apiRequest) answer {
	grant, refusal := twitterAccess(s, st, r, "tweet.read", "users.read")
	if refusal != nil {
		return *refusal
	}
	return s.limited("lookup "+grant.Person, cmp.Or(st.Settings.ReadRequests, twitterReadLimit), func() answer {
		query := r.URL.Query()
		if refusal := unknownParameter(query, "ids", "tweet.fields"); refusal != nil {
			return *refusal
		}
		fields, refusal := readTweetFields(query)
		if refusal != nil {
			return *refusal
		}
		ids := strings.Split(query.Get("ids"), ",")
		if query.Get("ids") == "" || len(ids) > 100 {
			return twitterInvalidRequest("ids", query.Get("ids"), "The `ids` query parameter must have from 1 to 100 items")
		}
		var data, missing []any
		for _, id := range ids {
			if post := s.twitter().tweet(id); post != nil {
				data = append(data, post.object(s.twitter(), fields))
			} else {
				missing = append(missing, notFoundError("tweet", "ids", id))
			}
		}
		body := map[string]any{}
		if len(data) > 0 {
			body["data"] = data
		}
		if len(missing) > 0 {
			body["errors"] = missing
		}
		return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", body)
	})
}

// shownTweet is a post on its page.
type shownTweet struct {
	Author, Handle, Text string
	At                   time.Time
	Files                []PostFile
	Labels               []string
}

// showTweet shows a post with what was answered to it.
func (s *Sandbox) showTweet(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	t := s.twitter()
	post := t.tweet(r.PathValue("id"))
	var thread []shownTweet
	if post != nil && twitterService.person(post.Author).Handle == r.PathValue("handle") {
		shown := []string{post.ID}
		for _, other := range t.Tweets {
			if other == post || slices.Contains(shown, other.ReplyTo) {
				shown = append(shown, other.ID)
				thread = append(thread, s.shownTweet(other))
			}
		}
	}
	s.mu.Unlock()
	if len(thread) == 0 {
		render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
		return
	}
	render(w, http.StatusOK, "thread", map[string]any{"Title": thread[0].Author + " on X", "Thread": thread})
}

func (s *Sandbox) shownTweet(post *tweet) shownTweet {
	person := twitterService.person(post.Author)
	shown := shownTweet{Author: person.Name, Handle: person.Handle, At: post.At, Text: html.UnescapeString(post.Text)}
	for _, link := range post.Links {
		with := link.Expanded
		if link.MediaKey != "" {
			with = ""
		}
		shown.Text = strings.TrimSpace(strings.Replace(shown.Text, link.Short, with, 1))
	}
	for _, id := range post.Media {
		shown.Files = append(shown.Files, s.twitter().Media[id].File)
	}
	if post.MadeWithAI {
		shown.Labels = append(shown.Labels, "Made with AI")
	}
	if post.PaidPartnership {
		shown.Labels = append(shown.Labels, "Paid partnership")
	}
	return shown
}

var _ = template.Must(pages.New("thread").Parse(`{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft"><a href="/">Everything published</a></p>
{{range .Thread}}<article>
<h2>{{.Author}} <span class="soft">@{{.Handle}}</span></h2>
<p class="soft"><time datetime="{{stamp .At}}">{{when .At}}</time>{{range .Labels}} · {{.}}{{end}}</p>
<p class="text">{{.Text}}</p>
{{range .Files}}{{if image .}}<figure><img src="{{.Path}}" alt="{{.AltText}}"><figcaption class="soft">{{or .AltText "no alt text"}}</figcaption></figure>
{{else}}<p class="soft"><a href="{{.Path}}">{{.ContentType}}, {{.Bytes}} bytes</a></p>
{{end}}{{end}}</article>
{{end}}</main>
{{template "foot"}}`))
