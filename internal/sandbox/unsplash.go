package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unsplashHourly is how many requests an application of Unsplash's may make in an hour once it is approved
// (https://unsplash.com/documentation#rate-limiting; before that it is 50).
const unsplashHourly = 5000

// unsplashState is what the stand-in for Unsplash keeps.
type unsplashState struct {
	// AccessKey is the application's, made when it is asked for.
	AccessKey string `json:"access_key,omitempty"`
	// HourlyRequests is the application's limit; 0 is unsplashHourly.
	HourlyRequests int `json:"hourly_requests,omitempty"`
	// Downloads are how often the use of a photo was reported, by photo.
	Downloads map[string]int `json:"downloads,omitempty"`
}

// AddUnsplashApp gives the access key of the application at Unsplash, the same each time. It panics if the state cannot be saved.
func (s *Sandbox) AddUnsplashApp() string {
	key, err := s.addUnsplashApp()
	if err != nil {
		panic(err)
	}
	return key
}

func (s *Sandbox) addUnsplashApp() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state.Unsplash
	if st.AccessKey == "" {
		st.AccessKey = s.issueHex(22)
	}
	return st.AccessKey, s.save()
}

// UnsplashDownloads tells how often the use of each photo was reported.
func (s *Sandbox) UnsplashDownloads() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for id, n := range s.state.Unsplash.Downloads {
		counts[id] = n
	}
	return counts
}

// UnsplashPhotoIDs are the photos of the library, always the same.
func (s *Sandbox) UnsplashPhotoIDs() []string {
	var ids []string
	for _, photo := range unsplashPhotos() {
		ids = append(ids, photo.id)
	}
	return ids
}

// SetUnsplashHourly sets how many requests the application may make in an hour; 0 is Unsplash's own way. The hour begins anew.
func (s *Sandbox) SetUnsplashHourly(requests int) error {
	if requests < 0 || requests > 1_000_000 {
		return fmt.Errorf("%w: hourly_requests is from 0 to 1000000", errInput)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Unsplash.HourlyRequests = requests
	s.unsplashWindow = rateWindow{}
	return s.save()
}

// routeUnsplash adds the API below /unsplash, and the photos themselves below /unsplash-images, which the API's answers name. Requests
// for photos are not counted.
func (s *Sandbox) routeUnsplash() {
	s.mux.HandleFunc("GET /unsplash/search/photos", s.unsplashHandler("search", unsplashSearch))
	s.mux.HandleFunc("GET /unsplash/photos/{id}", s.unsplashHandler("photo", unsplashOne))
	s.mux.HandleFunc("GET /unsplash/photos/{id}/download", s.unsplashHandler("download", unsplashDownload))
	s.addStep("unsplash", "image")
	s.mux.HandleFunc("GET /unsplash-images/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, exchange{
			info:   RequestInfo{Platform: "unsplash", Method: r.Method, Path: r.URL.Path, Step: "unsplash.image"},
			apply:  func() answer { return unsplashImage(r) },
			refuse: unsplashFault,
		})
	})
}

// unsplashRequest is a request to the API.
type unsplashRequest struct {
	*http.Request
	query url.Values
	base  string // of the sandbox
}

func (s *Sandbox) unsplashHandler(step string, judge func(*Sandbox, *unsplashRequest) answer) http.HandlerFunc {
	s.addStep("unsplash", step)
	return func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: "unsplash", Method: r.Method, Path: r.URL.Path, Step: "unsplash." + step},
			apply: func() answer {
				key := bearer(r, "Client-ID")
				if key == "" {
					key = r.URL.Query().Get("client_id")
				}
				if key == "" || key != s.state.Unsplash.AccessKey {
					return unsplashErrors(http.StatusUnauthorized, "OAuth error: The access token is invalid")
				}
				limit := cmp.Or(s.state.Unsplash.HourlyRequests, unsplashHourly)
				if now := s.now(); !now.Before(s.unsplashWindow.ends) {
					s.unsplashWindow = rateWindow{ends: now.Add(time.Hour)}
				}
				if s.unsplashWindow.used >= limit {
					return unsplashLimited(limit)
				}
				s.unsplashWindow.used++
				result := judge(s, &unsplashRequest{Request: r, query: r.URL.Query(), base: baseURL(r)})
				result.header.Set("X-Ratelimit-Limit", strconv.Itoa(limit))
				result.header.Set("X-Ratelimit-Remaining", strconv.Itoa(limit-s.unsplashWindow.used))
				return result
			},
			refuse: unsplashFault,
		})
	}
}

// unsplashLimited is the answer to an application that has asked too often: in plain text, where everything else is JSON.
func unsplashLimited(limit int) answer {
	return answer{status: http.StatusForbidden, body: []byte("Rate Limit Exceeded"), header: http.Header{
		"Content-Type": {"text/plain"}, "X-Ratelimit-Limit": {strconv.Itoa(limit)}, "X-Ratelimit-Remaining": {"0"},
	}}
}

func unsplashErrors(status int, messages ...string) answer {
	return jsonAnswer(status, "application/json", map[string]any{"errors": messages})
}

// unsplashFault answers a Fault of kind FaultStatus: 429, or 403 with the error type rate_limit, as a limit that is used up.
func unsplashFault(f Fault) answer {
	if f.Status == http.StatusTooManyRequests || f.Status == http.StatusForbidden && f.ErrorType == "rate_limit" {
		limited := unsplashLimited(unsplashHourly)
		limited.status = f.Status
		return f.dress(limited)
	}
	return f.dress(unsplashErrors(f.Status, cmp.Or(f.ErrorType, http.StatusText(f.Status))))
}

// unsplashSearch is GET /search/photos (https://unsplash.com/documentation#search-photos).
func unsplashSearch(s *Sandbox, r *unsplashRequest) answer {
	var wrong []string
	one := func(name, otherwise string, valid ...string) string {
		value := cmp.Or(r.query.Get(name), otherwise)
		if value != "" && !slices.Contains(valid, value) {
			wrong = append(wrong, name+" does not have a valid value")
		}
		return value
	}
	number := func(name string, otherwise int) int {
		text := r.query.Get(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			wrong = append(wrong, name+" is invalid")
		}
		return min(max(n, 1), 1_000_000)
	}
	if _, given := r.query["query"]; !given {
		wrong = append(wrong, "query is missing")
	}
	one("content_filter", "low", "low", "high")
	one("order_by", "relevant", "relevant", "latest")
	one("color", "", "black_and_white", "black", "white", "yellow", "orange", "red", "purple", "magenta", "green", "teal", "blue")
	orientation := one("orientation", "", "landscape", "portrait", "squarish")
	page, perPage := number("page", 1), min(number("per_page", 10), 30)
	if len(wrong) > 0 {
		return unsplashErrors(http.StatusBadRequest, wrong...)
	}
	found := findUnsplashPhotos(r.query.Get("query"), orientation)
	results := []any{}
	for _, photo := range window(found, (page-1)*perPage, perPage) {
		results = append(results, s.unsplashFields(photo, r.base, r.query.Get("query")))
	}
	pages := (len(found) + perPage - 1) / perPage
	result := jsonAnswer(http.StatusOK, "application/json", map[string]any{"total": len(found), "total_pages": pages, "results": results})
	result.header.Set("X-Total", strconv.Itoa(len(found)))
	result.header.Set("X-Per-Page", strconv.Itoa(perPage))
	if links := unsplashLinks(r, page, pages); links != "" {
		result.header.Set("Link", links)
	}
	return result
}

// unsplashLinks leads to other pages.
func unsplashLinks(r *unsplashRequest, page, pages int) string {
	var links []string
	add := func(rel string, to int) {
		query := url.Values{}
		for name, values := range r.query {
			query[name] = values
		}
		query.Del("client_id")
		query.Set("page", strconv.Itoa(to))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel=%q`, r.base, r.URL.Path, query.Encode(), rel))
	}
	if page > 1 {
		add("first", 1)
		add("prev", page-1)
	}
	if page < pages {
		add("last", pages)
		add("next", page+1)
	}
	return strings.Join(links, ", ")
}

// unsplashOne is GET /photos/:id (https://unsplash.com/documentation#get-a-photo).
func unsplashOne(s *Sandbox, r *unsplashRequest) answer {
	photo := unsplashPhotoOf(r.PathValue("id"))
	if photo == nil {
		return unsplashErrors(http.StatusNotFound, "Couldn't find Photo")
	}
	return jsonAnswer(http.StatusOK, "application/json", s.unsplashFields(photo, r.base, ""))
}

// unsplashDownload is GET /photos/:id/download (https://unsplash.com/documentation#track-a-photo-download). Unsplash tells where a photo
// was found by the ixid of the link that it gave: without it, nothing is counted.
func unsplashDownload(s *Sandbox, r *unsplashRequest) answer {
	photo := unsplashPhotoOf(r.PathValue("id"))
	if photo == nil {
		return unsplashErrors(http.StatusNotFound, "Couldn't find Photo")
	}
	fields := map[string]any{"url": r.base + "/unsplash-images/" + photo.id + "?" + url.Values{"ixid": {r.query.Get("ixid")}, "q": {"85"}, "fm": {"jpg"}}.Encode()}
	result := jsonAnswer(http.StatusOK, "application/json", fields)
	if !strings.HasPrefix(r.query.Get("ixid"), s.unsplashLink(photo)) {
		return result
	}
	if s.state.Unsplash.Downloads == nil {
		s.state.Unsplash.Downloads = map[string]int{}
	}
	s.state.Unsplash.Downloads[photo.id]++
	result.changed = true
	return result
}

// unsplashLink is how the ixid of a photo's links begins for the application.
func (s *Sandbox) unsplashLink(photo *unsplashPhoto) string {
	sum := sha256.Sum256([]byte(s.state.Unsplash.AccessKey + "|" + photo.id))
	return "M3w" + hex.EncodeToString(sum[:12])
}

// unsplashFields is a photo as the API describes it.
func (s *Sandbox) unsplashFields(photo *unsplashPhoto, base, query string) map[string]any {
	ixid := s.unsplashLink(photo)
	if query != "" {
		sum := sha256.Sum256([]byte(query))
		ixid += "-" + hex.EncodeToString(sum[:4])
	}
	api, image := base+"/unsplash", base+"/unsplash-images/"+photo.id
	size := func(more string) string {
		return image + "?crop=entropy&cs=tinysrgb&fit=max&fm=jpg&ixid=" + ixid + more
	}
	user := photo.by
	person := api + "/@" + user.username
	var description any
	if photo.description != "" {
		description = photo.description
	}
	return map[string]any{
		"id": photo.id, "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-10-01T08:00:00Z", "promoted_at": nil,
		"width": photo.width, "height": photo.height, "color": photo.color(), "blur_hash": nil, "likes": 0, "liked_by_user": false,
		"description": description, "alt_description": photo.alt, "current_user_collections": []any{},
		"urls": map[string]any{
			"raw": image + "?ixid=" + ixid, "full": size("&q=85"), "regular": size("&q=80&w=1080"), "small": size("&q=80&w=400"), "thumb": size("&q=80&w=200"),
		},
		"links": map[string]any{
			"self": api + "/photos/" + photo.id, "html": person + "#" + photo.id, "download": api + "/photos/" + photo.id + "/download",
			"download_location": api + "/photos/" + photo.id + "/download?ixid=" + ixid,
		},
		"user": map[string]any{
			"id": user.username, "username": user.username, "name": user.name, "portfolio_url": nil, "bio": nil, "location": nil,
			"links": map[string]any{"self": api + "/users/" + user.username, "html": person},
		},
	}
}

// showUnsplash is the page to which credits lead: the photos of everybody or of one photographer, and how often each was used.
func (s *Sandbox) showUnsplash(w http.ResponseWriter, r *http.Request) {
	username, one := strings.CutPrefix(r.PathValue("person"), "@")
	title, shown, used := "Unsplash", []map[string]any{}, s.UnsplashDownloads()
	for _, photo := range unsplashPhotos() {
		if one && photo.by.username != username {
			continue
		}
		if one {
			title = photo.by.name
		}
		shown = append(shown, map[string]any{"ID": photo.id, "Alt": photo.alt, "By": photo.by.name, "Username": photo.by.username, "Used": used[photo.id]})
	}
	if len(shown) == 0 || r.PathValue("person") != "" && !one {
		render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
		return
	}
	render(w, http.StatusOK, "unsplash", map[string]any{"Title": title, "Photos": shown})
}

var unsplashWord = regexp.MustCompile(`[\p{L}\p{N}]+`)

// findUnsplashPhotos gives those that a search finds: first those of which a word is said, then all others, as a large library has
// something for everybody. A search without a word finds nothing.
func findUnsplashPhotos(query, orientation string) []*unsplashPhoto {
	words := unsplashWord.FindAllString(strings.ToLower(query), -1)
	if len(words) == 0 {
		return nil
	}
	var said, others []*unsplashPhoto
	for _, photo := range unsplashPhotos() {
		about := unsplashWord.FindAllString(strings.ToLower(photo.alt+" "+photo.description), -1)
		switch {
		case orientation != "" && photo.orientation() != orientation:
		case slices.ContainsFunc(words, func(word string) bool { return slices.Contains(about, word) }):
			said = append(said, photo)
		default:
			others = append(others, photo)
		}
	}
	return append(said, others...)
}
