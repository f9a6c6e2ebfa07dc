package sandbox

import (
	"bytes"
	"errors"
	"image"
	_ "image/gif" // the types that photos have
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How Facebook takes videos: https://developers.facebook.com/docs/video-api/guides/publishing
const (
	facebookMinVideo   = 1 << 10  // bytes
	facebookMaxVideo   = 10 << 30 // bytes
	facebookVideoChunk = 1 << 20  // the bytes that it asks for at a time
	// facebookVideoWork is how long it works on a video before that is published, unless the settings say otherwise.
	facebookVideoWork = time.Second
	// facebookSessionLife is how long an upload may take.
	facebookSessionLife = 24 * time.Hour
)

// Subcodes of a video's errors: https://developers.facebook.com/docs/video-api/reference/error-codes
const (
	graphVideoTooSmall   = 1363022
	graphVideoTooLarge   = 1363023
	graphVideoTimeout    = 1363030
	graphVideoNone       = 1363031
	graphVideoIncomplete = 1363033
	graphVideoOffset     = 1363037
)

// facebookPhoto is a photo of a page.
type facebookPhoto struct {
	Page string    `json:"page"`
	File PostFile  `json:"file"`
	At   time.Time `json:"at"`
	Post string    `json:"post,omitempty"` // that shows it
}

// facebookVideo is a video of a page, from the start of its upload on.
type facebookVideo struct {
	Page    string    `json:"page"`
	Session string    `json:"session"`
	At      time.Time `json:"at"`
	Bytes   int64     `json:"bytes"`
	// Chunks are the hashes of the pieces that are there, Received their bytes together.
	Chunks   []string `json:"chunks,omitempty"`
	Received int64    `json:"received"`
	// Ready is when Facebook is done with it, zero until the upload is finished. Failed: it came to nothing.
	Ready       time.Time `json:"ready,omitzero"`
	Failed      bool      `json:"failed,omitempty"`
	Description string    `json:"description,omitempty"`
	Published   bool      `json:"published"` // that was asked for
	Base        string    `json:"base,omitempty"`
	File        PostFile  `json:"file,omitzero"`
	Post        string    `json:"post,omitempty"` // once it is published
}

// facebookTick publishes the videos that Facebook is done with. It tells whether there were any. The caller holds s.mu.
func (s *Sandbox) facebookTick() (changed bool) {
	for id, video := range s.facebook().Videos {
		if video.Post != "" || video.Failed || !video.Published || video.Ready.IsZero() || s.now().Before(video.Ready) {
			continue
		}
		post := &facebookPost{Message: video.Description, Video: id}
		s.facebookPublishPost(video.Page, post, video.Base)
		video.Post, changed = post.ID, true
	}
	return changed
}

func (s *Sandbox) routeFacebookMedia() {
	upload := func(edge string, e apiEndpoint, judge func(*Sandbox, *oauthState, *facebookUpload) answer) {
		e.svc, e.refuse, e.maxBody = facebookService, facebookFault, maxUpload
		e.tooLarge = func() answer { return graphError(graphParameter, 0, "(#100) The request is too large") }
		e.judge = func(s *Sandbox, st *oauthState, r *apiRequest) answer {
			if !graphVersion.MatchString(r.PathValue("version")) {
				return graphError(2635, 0, "(#2635) You are calling a version of the Graph API that does not exist")
			}
			u, problem := readFacebookUpload(r)
			if problem != "" {
				return graphError(graphParameter, 0, "(#100) "+problem)
			}
			if refusal := facebookPublisher(s, st, u.oauthRequest, r.PathValue("page"), "pages_manage_posts", "pages_read_engagement"); refusal != nil {
				return *refusal
			}
			return judge(s, st, u)
		}
		s.mux.HandleFunc("POST /facebook-graph/{version}/{page}/"+edge, s.apiHandler(e))
	}
	upload("photos", apiEndpoint{step: "photo"}, facebookAddPhoto)
	upload("videos", apiEndpoint{steps: []string{"video_start", "video_transfer", "video_finish"}, stepOf: func(r *apiRequest) string {
		u, _ := readFacebookUpload(r)
		if phase := u.param("upload_phase"); phase == "transfer" || phase == "finish" {
			return "video_" + phase
		}
		return "video_start"
	}}, facebookAddVideo)
}

// facebookUpload is a request with a file, in a form of either kind.
type facebookUpload struct {
	*oauthRequest
	files map[string][]byte
}

// readFacebookUpload reads the form; problem says what is wrong with it.
func readFacebookUpload(r *apiRequest) (u *facebookUpload, problem string) {
	u = &facebookUpload{files: map[string][]byte{}, oauthRequest: &oauthRequest{Request: r.Request, svc: facebookService, base: r.base, form: oauthForm{}}}
	var err error
	if u.query, err = parseForm(r.URL.RawQuery); err != nil {
		return u, err.Error()
	}
	mediaType, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "multipart/form-data" {
		if u.form, err = parseForm(string(r.body)); err != nil {
			return u, err.Error()
		}
		return u, ""
	}
	reader := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return u, ""
		}
		if err != nil {
			return u, "The multipart form cannot be read"
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return u, "The multipart form cannot be read"
		}
		if part.FileName() != "" {
			u.files[part.FormName()] = content
		} else {
			u.form[part.FormName()] = string(content)
		}
	}
}

// facebookAddPhoto is POST /{page}/photos: https://developers.facebook.com/docs/graph-api/reference/page/photos
func facebookAddPhoto(s *Sandbox, _ *oauthState, r *facebookUpload) answer {
	content, given := r.files["source"]
	switch {
	case !given && r.param("url") != "":
		return graphError(graphParameter, 0, "(#100) The sandbox reads no other address: send the file as source")
	case !given || len(content) == 0:
		return graphError(graphNoFile, 0, "(#324) Requires upload file")
	}
	if len(content) > facebookMaxPhoto || !facebookIsPhoto(content) {
		return graphError(graphParameter, graphBadPhoto, "Invalid parameter: the photo is too large or of a type that is not taken")
	}
	file, err := s.keepBlob(content)
	if err != nil {
		return graphErrorStatus(http.StatusInternalServerError, graphClient, 0, "The sandbox could not store the photo")
	}
	file.ID, file.AltText = facebookID(), r.param("alt_text_custom")
	s.facebook().Photos[file.ID] = &facebookPhoto{Page: r.PathValue("page"), File: file, At: s.now().UTC()}
	body := map[string]any{"id": file.ID}
	if r.param("published") != "false" {
		post := &facebookPost{Message: facebookText(r.param("caption")), Photos: []string{file.ID}}
		s.facebookPublishPost(r.PathValue("page"), post, r.base)
		body["post_id"] = post.ID
	}
	a := graphAnswer(http.StatusOK, body)
	a.changed = true
	return a
}

// facebookIsPhoto tells whether Facebook takes the bytes as a photo: JPEG, PNG, GIF or WebP, and no ruin of one as far as the
// standard library can tell.
func facebookIsPhoto(content []byte) bool {
	switch http.DetectContentType(content) {
	case "image/jpeg", "image/png", "image/gif":
		_, _, err := image.DecodeConfig(bytes.NewReader(content))
		return err == nil
	case "image/webp", "image/bmp":
		return true
	default:
		return false
	}
}

// facebookAddVideo is POST /{page}/videos in one of its phases.
func facebookAddVideo(s *Sandbox, st *oauthState, r *facebookUpload) answer {
	page := r.PathValue("page")
	if r.param("upload_phase") == "start" {
		return s.startFacebookVideo(page, r)
	}
	var id string
	var video *facebookVideo
	for known, one := range s.facebook().Videos {
		if one.Session == r.param("upload_session_id") && one.Page == page {
			id, video = known, one
		}
	}
	switch phase := r.param("upload_phase"); {
	case phase != "transfer" && phase != "finish":
		return graphError(graphParameter, 0, "(#100) The sandbox takes videos in phases: upload_phase is start, transfer or finish")
	case video == nil || !video.Ready.IsZero():
		return graphError(graphParameter, graphNoObject, "(#100) Invalid upload session")
	case s.now().After(video.At.Add(facebookSessionLife)):
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoTimeout, "Video Upload Timeout")
	case phase == "transfer":
		return s.transferFacebookVideo(video, r)
	default:
		return s.finishFacebookVideo(st, id, video, r)
	}
}

// offsets are the bytes that are wanted next. Both are the size when all are there.
func (v *facebookVideo) offsets() map[string]any {
	end := min(v.Received+facebookVideoChunk, v.Bytes)
	return map[string]any{"start_offset": strconv.FormatInt(v.Received, 10), "end_offset": strconv.FormatInt(end, 10)}
}

func (s *Sandbox) startFacebookVideo(page string, r *facebookUpload) answer {
	size, err := strconv.ParseInt(r.param("file_size"), 10, 64)
	switch {
	case err != nil:
		return graphError(graphParameter, 0, "(#100) Param file_size must be an integer")
	case size < facebookMinVideo:
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoTooSmall, "Video Too Small")
	case size > facebookMaxVideo:
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoTooLarge, "Video Too Large")
	}
	id, video := facebookID(), &facebookVideo{Page: page, Session: facebookID(), At: s.now().UTC(), Bytes: size}
	s.facebook().Videos[id] = video
	body := video.offsets()
	body["upload_session_id"], body["video_id"] = video.Session, id
	a := graphAnswer(http.StatusOK, body)
	a.changed = true
	return a
}

func (s *Sandbox) transferFacebookVideo(video *facebookVideo, r *facebookUpload) answer {
	chunk := r.files["video_file_chunk"]
	start, err := strconv.ParseInt(r.param("start_offset"), 10, 64)
	switch {
	case err != nil:
		return graphError(graphParameter, 0, "(#100) Param start_offset must be an integer")
	case start != video.Received || int64(len(chunk)) > video.Bytes-video.Received:
		fields := map[string]any{
			"message": "There was a problem uploading your video. Please try uploading it again.", "type": "OAuthException", "code": graphVideo,
			"error_subcode": graphVideoOffset, "error_data": video.offsets(), "is_transient": false, "fbtrace_id": "A" + randomHex(10),
		}
		return graphAnswer(http.StatusBadRequest, map[string]any{"error": fields})
	case len(chunk) == 0:
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoIncomplete, "There was a problem uploading your video")
	case start == 0 && !facebookIsVideo(chunk):
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoNone, "No Video Detected")
	}
	file, err := s.keepBlob(chunk)
	if err != nil {
		return graphErrorStatus(http.StatusInternalServerError, graphClient, 0, "The sandbox could not store the video")
	}
	video.Chunks, video.Received = append(video.Chunks, file.SHA256), video.Received+int64(len(chunk))
	a := graphAnswer(http.StatusOK, video.offsets())
	a.changed = true
	return a
}

// facebookIsVideo tells whether a file begins as those of ISO/IEC 14496-12 do.
func facebookIsVideo(content []byte) bool { return len(content) >= 8 && string(content[4:8]) == "ftyp" }

func (s *Sandbox) finishFacebookVideo(st *oauthState, id string, video *facebookVideo, r *facebookUpload) answer {
	if video.Received != video.Bytes {
		return graphErrorStatus(http.StatusBadRequest, graphVideo, graphVideoIncomplete, "There was a problem uploading your video")
	}
	var whole []byte
	for _, hash := range video.Chunks {
		whole = append(whole, s.keptBlob(hash)...)
	}
	file, err := s.keepBlob(whole)
	if err != nil {
		return graphErrorStatus(http.StatusInternalServerError, graphClient, 0, "The sandbox could not store the video")
	}
	file.ID = id
	video.File, video.Description, video.Base = file, facebookText(r.param("description")), r.base
	video.Published, video.Failed = r.param("published") != "false", st.Settings.VideoFails
	video.Ready = s.now().UTC().Add(seconds(st.Settings.VideoSeconds, facebookVideoWork))
	a := graphAnswer(http.StatusOK, map[string]any{"success": true})
	a.changed = true
	return a
}

// facebookReadVideo is GET /{video}: https://developers.facebook.com/docs/graph-api/reference/video
func facebookReadVideo(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	id := r.PathValue("page")
	video := s.facebook().Videos[id]
	if video == nil {
		if _, _, refusal := facebookGrant(s, st, r, accessToken, pageToken); refusal != nil {
			return *refusal
		}
		return facebookMissing("get", id)
	}
	if refusal := facebookPublisher(s, st, r, video.Page, "pages_read_engagement"); refusal != nil {
		return *refusal
	}
	picked, refusal := facebookFields(r, "Video", s.facebookVideoFields(id, video), "id", "description", "created_time")
	if refusal != nil {
		return *refusal
	}
	return graphAnswer(http.StatusOK, picked)
}

// facebookVideoFields are all that the sandbox tells of a video.
func (s *Sandbox) facebookVideoFields(id string, video *facebookVideo) map[string]any {
	phase := func(status string) map[string]any { return map[string]any{"status": status} }
	status := map[string]any{"video_status": "uploading", "uploading_phase": phase("in_progress"), "processing_phase": phase("not_started"), "publishing_phase": phase("not_started")}
	done := !video.Ready.IsZero() && !s.now().Before(video.Ready)
	if video.Received == video.Bytes {
		status["video_status"], status["uploading_phase"] = "upload_complete", phase("complete")
	}
	switch {
	case done && video.Failed:
		status["video_status"] = "error"
		status["processing_phase"] = map[string]any{"status": "error", "errors": []any{map[string]any{"code": 1363008, "message": "Video could not be processed."}}}
	case done:
		status["video_status"], status["processing_phase"] = "ready", phase("complete")
		if video.Published {
			status["publishing_phase"] = map[string]any{"status": "complete", "publish_status": "published", "publish_time": facebookStamp(video.Ready)}
		}
	case !video.Ready.IsZero():
		status["video_status"], status["processing_phase"] = "processing", phase("in_progress")
	}
	fields := map[string]any{
		"id": id, "status": status, "published": video.Post != "", "created_time": facebookStamp(video.At), "description": nil, "post_id": nil,
		"permalink_url": "/" + facebookPageOf(video.Page).Handle + "/videos/" + id + "/",
	}
	if video.Description != "" {
		fields["description"] = video.Description
	}
	if _, number, ok := strings.Cut(video.Post, "_"); ok {
		fields["post_id"] = number
	}
	return fields
}
