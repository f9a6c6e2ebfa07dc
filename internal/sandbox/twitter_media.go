package sandbox

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // what X takes
	_ "image/jpeg" // what X takes
	_ "image/png"  // what X takes
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// X's limits of files: https://docs.x.com/x-api/media/quickstart/best-practices.
const (
	twitterMaxImage    = 5 << 20
	twitterMaxGIF      = 15 << 20
	twitterMaxVideo    = 512 << 20
	twitterMaxSegment  = 5 << 20
	twitterMaxSeconds  = 140
	twitterMediaLife   = 24 * time.Hour
	twitterMediaChecks = 2 // how often the state of a video is asked before it is done
)

// twitterMedia is an uploaded file.
type twitterMedia struct {
	ID, Key, Owner, Type, Category string
	TotalBytes                     int64
	Ends                           time.Time
	// Segments are the files of the pieces, by their index.
	Segments map[int]PostFile
	Finished bool
	// Checks is how often the state is still to be asked; Failure why X cannot use it.
	Checks  int
	Failure string
	File    PostFile
}

// showable tells whether a post can show the files together.
func (t *twitterState) showable(person string, ids []string, now time.Time) bool {
	photos, others := 0, 0
	for i, id := range ids {
		m := t.Media[id]
		if m == nil || m.Owner != person || !now.Before(m.Ends) || !m.Finished || m.Checks > 0 || m.Failure != "" || slices.Contains(ids[:i], id) {
			return false
		}
		if m.Category == "tweet_image" {
			photos++
		} else {
			others++
		}
	}
	return others == 0 || others == 1 && photos == 0
}

func (s *Sandbox) routeTwitterMedia(handle func(string, apiEndpoint)) {
	handle("POST /twitter-api/2/media/upload", apiEndpoint{judge: uploadTwitterImage, step: "upload", maxBody: twitterMaxImage + 1<<20})
	handle("GET /twitter-api/2/media/upload", apiEndpoint{judge: twitterMediaStatus, step: "media_status"})
	handle("POST /twitter-api/2/media/upload/initialize", apiEndpoint{judge: startTwitterMedia, step: "media_start"})
	handle("POST /twitter-api/2/media/upload/{id}/append", apiEndpoint{judge: appendTwitterMedia, step: "media_append", maxBody: twitterMaxSegment + 1<<20})
	handle("POST /twitter-api/2/media/upload/{id}/finalize", apiEndpoint{judge: finishTwitterMedia, step: "media_finish"})
	handle("POST /twitter-api/2/media/metadata", apiEndpoint{judge: describeTwitterMedia, step: "media_metadata"})
}

// twitterMediaRequest answers a request about files within the limits.
func twitterMediaRequest(s *Sandbox, st *oauthState, r *apiRequest, within func(person string) answer) answer {
	grant, refusal := twitterAccess(s, st, r, "media.write")
	if refusal != nil {
		return *refusal
	}
	return s.limited("media "+grant.Person, cmp.Or(st.Settings.MediaRequests, twitterMediaLimit), func() answer { return within(grant.Person) })
}

// readMultipart reads a form with one file named media.
func readMultipart(r *apiRequest) (fields map[string]string, file []byte, ok bool) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, nil, false
	}
	fields = map[string]string{}
	reader := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, file, file != nil
		}
		if err != nil {
			return nil, nil, false
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, false
		}
		if part.FormName() == "media" {
			file = content
			continue
		}
		fields[part.FormName()] = string(content)
	}
}

// imageProblem says why X does not take an image; "" where it does.
func imageProblem(content []byte) string {
	if bytes.HasPrefix(content, []byte("RIFF")) && len(content) > 16 && string(content[8:12]) == "WEBP" {
		return ""
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	switch {
	case err != nil:
		return "media type unrecognized."
	case min(config.Width, config.Height) < 4 || max(config.Width, config.Height) > 8192:
		return "Image dimensions must be >= 4x4 and <= 8192x8192"
	}
	return ""
}

func uploadTwitterImage(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		fields, content, ok := readMultipart(r)
		switch {
		case !ok:
			return twitterInvalidRequest("media", "", "$.media: is missing but it is required")
		case fields["media_category"] != "tweet_image":
			return twitterInvalidRequest("media_category", fields["media_category"], "$.media_category: does not have a value in the enumeration [tweet_image]")
		case len(content) > twitterMaxImage:
			return twitterInvalidRequest("media", "", fmt.Sprintf("Image file size must be <= %d bytes", twitterMaxImage))
		}
		if problem := imageProblem(content); problem != "" {
			return twitterInvalidRequest("media", "", problem)
		}
		return s.storeTwitterMedia(s.newTwitterMedia(person, http.DetectContentType(content), "tweet_image", int64(len(content))), content)
	})
}

func (s *Sandbox) newTwitterMedia(person, kind, category string, total int64) *twitterMedia {
	t := s.twitter()
	prefix := map[string]string{"tweet_image": "3_", "tweet_gif": "16_", "tweet_video": "7_"}[category]
	m := &twitterMedia{ID: t.newID(s.now()), Owner: person, Type: kind, Category: category, TotalBytes: total, Ends: s.now().Add(twitterMediaLife), Segments: map[int]PostFile{}}
	m.Key = prefix + m.ID
	t.Media[m.ID] = m
	return m
}

// storeTwitterMedia keeps the whole file.
func (s *Sandbox) storeTwitterMedia(m *twitterMedia, content []byte) answer {
	file, err := s.keepBlob(content)
	if err != nil {
		return twitterProblem(http.StatusInternalServerError, "Internal Server Error", "The file could not be stored.")
	}
	file.ID, file.ContentType = m.ID, m.Type
	m.File, m.Finished, m.Segments = file, true, nil
	return s.mediaAnswer(m)
}

// mediaAnswer tells of a file.
func (s *Sandbox) mediaAnswer(m *twitterMedia) answer {
	data := map[string]any{"id": m.ID, "media_key": m.Key, "expires_after_secs": int(m.Ends.Sub(s.now()).Seconds())}
	if m.Finished {
		data["size"] = m.File.Bytes
	}
	if m.Finished && m.Category != "tweet_image" {
		switch {
		case m.Checks > 0:
			state := "in_progress"
			if m.Checks == s.mediaChecks() {
				state = "pending"
			}
			data["processing_info"] = map[string]any{"state": state, "check_after_secs": 1}
		case m.Failure != "":
			data["processing_info"] = map[string]any{"state": "failed", "progress_percent": 50, "error": map[string]any{"code": 1, "name": "InvalidMedia", "message": m.Failure}}
		default:
			data["processing_info"] = map[string]any{"state": "succeeded", "progress_percent": 100}
		}
	}
	a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"data": data})
	a.changed = true
	return a
}

func (s *Sandbox) mediaChecks() int {
	if set := s.oauth(twitterService).Settings.MediaChecks; set > 0 {
		return set
	}
	return twitterMediaChecks
}

func startTwitterMedia(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		var body struct {
			MediaType     string `json:"media_type"`
			TotalBytes    int64  `json:"total_bytes"`
			MediaCategory string `json:"media_category"`
		}
		decoder := json.NewDecoder(bytes.NewReader(r.body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil || !r.isJSON() {
			return twitterInvalidRequest("$", "", "The body is no JSON object of the fields that are known.")
		}
		types, limit := map[string][]string{
			"tweet_image": {"image/jpeg", "image/png", "image/webp", "image/gif"}, "tweet_gif": {"image/gif"}, "tweet_video": {"video/mp4", "video/quicktime"},
		}[body.MediaCategory], map[string]int64{"tweet_image": twitterMaxImage, "tweet_gif": twitterMaxGIF, "tweet_video": twitterMaxVideo}[body.MediaCategory]
		switch {
		case types == nil:
			return twitterInvalidRequest("media_category", body.MediaCategory, "$.media_category: does not have a value in the enumeration [tweet_image, tweet_gif, tweet_video]")
		case !slices.Contains(types, body.MediaType):
			return twitterInvalidRequest("media_type", body.MediaType, "$.media_type: does not fit to the category")
		case body.TotalBytes <= 0 || body.TotalBytes > limit:
			return twitterInvalidRequest("total_bytes", strconv.FormatInt(body.TotalBytes, 10), fmt.Sprintf("File size must be from 1 to %d bytes", limit))
		}
		return s.mediaAnswer(s.newTwitterMedia(person, body.MediaType, body.MediaCategory, body.TotalBytes))
	})
}

// ownTwitterMedia finds a file of a person's that is still there.
func (s *Sandbox) ownTwitterMedia(person, id string) *twitterMedia {
	m := s.twitter().Media[id]
	if m == nil || m.Owner != person || !s.now().Before(m.Ends) {
		return nil
	}
	return m
}

func appendTwitterMedia(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		m := s.ownTwitterMedia(person, r.PathValue("id"))
		fields, content, ok := readMultipart(r)
		index, err := strconv.Atoi(fields["segment_index"])
		switch {
		case m == nil || m.Finished:
			return twitterProblem(http.StatusNotFound, "Not Found", "There is no such upload.")
		case !ok || err != nil || index < 0 || index > 999:
			return twitterInvalidRequest("segment_index", fields["segment_index"], "$.segment_index: must be from 0 to 999, with a media")
		case len(content) > twitterMaxSegment:
			return twitterProblem(http.StatusRequestEntityTooLarge, "Request Entity Too Large", "A segment has 5 MB at most.")
		}
		file, err := s.keepBlob(content)
		if err != nil {
			return twitterProblem(http.StatusInternalServerError, "Internal Server Error", "The segment could not be stored.")
		}
		m.Segments[index] = file
		a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"data": map[string]any{"expires_at": m.Ends.Unix()}})
		a.changed = true
		return a
	})
}

func finishTwitterMedia(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		m := s.ownTwitterMedia(person, r.PathValue("id"))
		if m == nil {
			return twitterProblem(http.StatusNotFound, "Not Found", "There is no such upload.")
		}
		if m.Finished {
			return twitterInvalidRequest("id", m.ID, "The upload is finalized already.")
		}
		var content []byte
		for index := range len(m.Segments) {
			segment, ok := m.Segments[index]
			if !ok {
				return twitterInvalidRequest("id", m.ID, "Segments do not add up to provided total file size.")
			}
			content = append(content, s.keptBlob(segment.SHA256)...)
		}
		if int64(len(content)) != m.TotalBytes {
			return twitterInvalidRequest("id", m.ID, "Segments do not add up to provided total file size.")
		}
		switch m.Category {
		case "tweet_video":
			m.Checks = s.mediaChecks()
			if len(content) < 12 || string(content[4:8]) != "ftyp" {
				m.Failure = "file is currently unsupported"
			} else if videoSeconds(content) > twitterMaxSeconds {
				m.Failure = fmt.Sprintf("Duration too long, maximum:%d000 actual:%.0f (MediaId: snf:%s)", twitterMaxSeconds, videoSeconds(content)*1000, m.ID)
			}
		default:
			if problem := imageProblem(content); problem != "" {
				return twitterInvalidRequest("media", "", problem)
			}
			if m.Category == "tweet_gif" {
				m.Checks = 1
			}
		}
		return s.storeTwitterMedia(m, content)
	})
}

// videoSeconds reads the length in an MP4 or MOV file's header (ISO 14496-12, 8.2.2); 0 where there is none.
func videoSeconds(content []byte) float64 {
	at := bytes.Index(content, []byte("mvhd"))
	if at < 0 || len(content) < at+36 {
		return 0
	}
	box := content[at+4:]
	if box[0] == 1 {
		return float64(binary.BigEndian.Uint64(box[24:])) / max(1, float64(binary.BigEndian.Uint32(box[20:])))
	}
	return float64(binary.BigEndian.Uint32(box[16:])) / max(1, float64(binary.BigEndian.Uint32(box[12:])))
}

func twitterMediaStatus(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		query := r.URL.Query()
		if refusal := unknownParameter(query, "command", "media_id"); refusal != nil {
			return *refusal
		}
		m := s.ownTwitterMedia(person, query.Get("media_id"))
		switch {
		case query.Get("command") != "STATUS":
			return twitterInvalidRequest("command", query.Get("command"), "The `command` query parameter value is not one of [STATUS]")
		case m == nil:
			return twitterProblem(http.StatusNotFound, "Not Found", "There is no such upload.")
		case !m.Finished:
			return twitterInvalidRequest("media_id", m.ID, "The upload is not finalized.")
		}
		m.Checks = max(0, m.Checks-1)
		return s.mediaAnswer(m)
	})
}

func describeTwitterMedia(s *Sandbox, st *oauthState, r *apiRequest) answer {
	return twitterMediaRequest(s, st, r, func(person string) answer {
		var body struct {
			ID       string `json:"id"`
			Metadata struct {
				AltText *struct {
					Text string `json:"text"`
				} `json:"alt_text"`
			} `json:"metadata"`
		}
		decoder := json.NewDecoder(bytes.NewReader(r.body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil || !r.isJSON() || body.Metadata.AltText == nil {
			return twitterInvalidRequest("$", "", "The body is no JSON object of the fields that are known.")
		}
		text, m := body.Metadata.AltText.Text, s.ownTwitterMedia(person, body.ID)
		switch {
		case m == nil || !m.Finished:
			return twitterProblem(http.StatusNotFound, "Not Found", "There is no such upload.")
		case text == "" || utf8.RuneCountInString(text) > twitterMaxAltText:
			return twitterInvalidRequest("metadata.alt_text.text", text, fmt.Sprintf("$.metadata.alt_text.text: must have from 1 to %d characters", twitterMaxAltText))
		case m.Category == "tweet_video":
			return twitterInvalidRequest("id", m.ID, "A video has no alt text.")
		}
		m.File.AltText = text
		a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"data": map[string]any{
			"id": m.ID, "associated_metadata": map[string]any{"alt_text": map[string]string{"text": text}},
		}})
		a.changed = true
		return a
	})
}
