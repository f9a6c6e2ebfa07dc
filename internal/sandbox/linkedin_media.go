package sandbox

import (
	"bytes"
	"image"
	_ "image/gif"  // what LinkedIn takes of images
	_ "image/jpeg" // what LinkedIn takes of images
	_ "image/png"  // what LinkedIn takes of images
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of a file.
const (
	linkedinWaiting    = "WAITING_UPLOAD"
	linkedinProcessing = "PROCESSING"
	linkedinAvailable  = "AVAILABLE"
	linkedinFailed     = "PROCESSING_FAILED"
)

const (
	linkedinMaxPixels = 36_152_320
	linkedinMinVideo  = 75 << 10
	linkedinMaxVideo  = 500 << 20
	linkedinPartBytes = 4 << 20
	linkedinUploadFor = 24 * time.Hour
)

// linkedinMedia is an image or a video. Its URN is the key that it is stored under.
type linkedinMedia struct {
	Kind   string `json:"kind"` // image or video
	Owner  string `json:"owner"`
	Person string `json:"person"`
	Status string `json:"status"`
	// Bytes is a video's size; Token what names its upload, "" where it has one part only.
	Bytes int64  `json:"bytes,omitempty"`
	Token string `json:"token,omitempty"`
	// Parts are those in which it is uploaded, until Ends.
	Parts []linkedinPart `json:"parts"`
	Ends  time.Time      `json:"ends"`
	// Polls is how often it is still to be said that it is in work, Then what it is afterwards.
	Polls int      `json:"polls,omitempty"`
	Then  string   `json:"then,omitempty"`
	File  PostFile `json:"file,omitzero"`
}

type linkedinPart struct {
	First int64    `json:"first"`
	Last  int64    `json:"last"`
	Sign  string   `json:"sign"`
	ETag  string   `json:"etag,omitempty"`
	File  PostFile `json:"file,omitzero"`
}

// addMedia begins an upload and gives its URN.
func (s *Sandbox) addLinkedInMedia(media *linkedinMedia) string {
	l := s.linkedin()
	urn := "urn:li:" + media.Kind + ":C4E" + strings.ToUpper(randomHex(8))
	life := linkedinUploadFor
	if l.Settings.UploadSeconds > 0 {
		life = time.Duration(l.Settings.UploadSeconds) * time.Second
	}
	media.Status, media.Ends = linkedinWaiting, s.now().Add(life)
	l.Media[urn] = media
	return urn
}

func linkedinUploadURL(base, urn string, part int, sign string) string {
	return base + "/linkedin/dms-uploads/" + urn[strings.LastIndexByte(urn, ':')+1:] + "/uploaded-" + strings.Split(urn, ":")[2] +
		"/" + strconv.Itoa(part) + "?m=" + sign
}

// linkedinInitImage: https://learn.microsoft.com/linkedin/marketing/community-management/shares/images-api.
func linkedinInitImage(s *Sandbox, st *oauthState, r *apiRequest) answer {
	var body struct {
		Request struct {
			Owner string `json:"owner"`
		} `json:"initializeUploadRequest"`
	}
	if r.URL.Query().Get("action") != "initializeUpload" {
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "There is no such action")
	}
	if refusal := linkedinBody(r, &body); refusal != nil {
		return *refusal
	}
	if refusal := linkedinActs(s, st, r, body.Request.Owner, "owner"); refusal != nil {
		return *refusal
	}
	sign := randomHex(12)
	media := &linkedinMedia{Kind: "image", Owner: body.Request.Owner, Person: r.person, Parts: []linkedinPart{{Last: -1, Sign: sign}}}
	urn := s.addLinkedInMedia(media)
	a := jsonAnswer(http.StatusOK, "application/json", map[string]any{"value": map[string]any{
		"uploadUrlExpiresAt": media.Ends.UnixMilli(), "uploadUrl": linkedinUploadURL(r.base, urn, 0, sign), "image": urn,
	}})
	a.changed = true
	return a
}

// linkedinVideos begins or ends the upload of a video:
// https://learn.microsoft.com/linkedin/marketing/community-management/shares/videos-api.
func linkedinVideos(s *Sandbox, st *oauthState, r *apiRequest) answer {
	if refusal := linkedinHeaders(s, st, r); refusal != nil {
		return *refusal
	}
	switch r.URL.Query().Get("action") {
	case "initializeUpload":
		return linkedinInitVideo(s, st, r)
	case "finalizeUpload":
		return linkedinFinalizeVideo(s, st, r)
	}
	return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "There is no such action")
}

func linkedinInitVideo(s *Sandbox, st *oauthState, r *apiRequest) answer {
	var body struct {
		Request struct {
			Owner           string `json:"owner"`
			FileSizeBytes   int64  `json:"fileSizeBytes"`
			UploadCaptions  bool   `json:"uploadCaptions,omitempty"`
			UploadThumbnail bool   `json:"uploadThumbnail,omitempty"`
		} `json:"initializeUploadRequest"`
	}
	if refusal := linkedinBody(r, &body); refusal != nil {
		return *refusal
	}
	if refusal := linkedinActs(s, st, r, body.Request.Owner, "owner"); refusal != nil {
		return *refusal
	}
	size := body.Request.FileSizeBytes
	if size < linkedinMinVideo || size > linkedinMaxVideo {
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "fileSizeBytes must be from 75 KB to 500 MB")
	}
	media := &linkedinMedia{Kind: "video", Owner: body.Request.Owner, Person: r.person, Bytes: size}
	part := int64(linkedinPartBytes)
	if s.linkedin().Settings.PartBytes > 0 {
		part = s.linkedin().Settings.PartBytes
	}
	for first := int64(0); first < size; first += part {
		media.Parts = append(media.Parts, linkedinPart{First: first, Last: min(first+part, size) - 1, Sign: randomHex(12)})
	}
	if len(media.Parts) > 1 {
		media.Token = randomHex(16)
	}
	urn := s.addLinkedInMedia(media)
	instructions := []any{}
	for i, part := range media.Parts {
		instructions = append(instructions, map[string]any{
			"uploadUrl": linkedinUploadURL(r.base, urn, i, part.Sign), "firstByte": part.First, "lastByte": part.Last,
		})
	}
	a := jsonAnswer(http.StatusOK, "application/json", map[string]any{"value": map[string]any{
		"uploadUrlsExpireAt": media.Ends.UnixMilli(), "video": urn, "uploadInstructions": instructions, "uploadToken": media.Token,
	}})
	a.changed = true
	return a
}

func linkedinFinalizeVideo(s *Sandbox, st *oauthState, r *apiRequest) answer {
	var body struct {
		Request struct {
			Video           string   `json:"video"`
			UploadToken     *string  `json:"uploadToken"`
			UploadedPartIDs []string `json:"uploadedPartIds"`
		} `json:"finalizeUploadRequest"`
	}
	if refusal := linkedinBody(r, &body); refusal != nil {
		return *refusal
	}
	media := s.linkedin().Media[body.Request.Video]
	if media == nil || media.Kind != "video" {
		return linkedinError(http.StatusNotFound, 0, "RESOURCE_NOT_FOUND", "There is no such video")
	}
	if refusal := linkedinActs(s, st, r, media.Owner, "video"); refusal != nil {
		return *refusal
	}
	etags := []string{}
	for _, part := range media.Parts {
		etags = append(etags, part.ETag)
	}
	switch {
	case media.Status != linkedinWaiting:
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The upload has been finalized")
	case body.Request.UploadToken == nil || *body.Request.UploadToken != media.Token:
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The uploadToken is not that of the upload")
	case slices.Contains(etags, "") || !slices.Equal(etags, body.Request.UploadedPartIDs):
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The uploadedPartIds are not those of the parts, in their order")
	}
	var whole bytes.Buffer
	for _, part := range media.Parts {
		whole.Write(s.keptBlob(part.File.SHA256))
	}
	then := linkedinAvailable
	if content := whole.Bytes(); int64(len(content)) != media.Bytes || len(content) < 12 || string(content[4:8]) != "ftyp" {
		then = linkedinFailed
	}
	file, err := s.keepBlob(whole.Bytes())
	if err != nil {
		return linkedinError(http.StatusInternalServerError, 0, "INTERNAL_SERVER_ERROR", "The video could not be stored")
	}
	polls := 1
	if s.linkedin().Settings.VideoPolls != nil {
		polls = *s.linkedin().Settings.VideoPolls
	}
	media.File, media.Parts = file, nil
	media.process(polls, then)
	return answer{status: http.StatusOK, changed: true}
}

// process puts a file to work, to be said so often.
func (m *linkedinMedia) process(polls int, then string) {
	m.Status, m.Polls, m.Then = linkedinProcessing, polls, then
	if polls == 0 {
		m.Status = then
	}
}

// linkedinReadMedia tells how far a file is.
func linkedinReadMedia(s *Sandbox, st *oauthState, r *apiRequest) answer {
	urn := r.PathValue("urn")
	media := s.linkedin().Media[urn]
	switch {
	case !encodedURN(r.Request):
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "The URN in the path is not encoded")
	case media == nil || !strings.Contains(r.URL.Path, "/"+media.Kind+"s/"):
		return linkedinError(http.StatusNotFound, 0, "RESOURCE_NOT_FOUND", "Could not find entity "+urn)
	}
	if refusal := linkedinActs(s, st, r, media.Owner, "owner"); refusal != nil {
		return *refusal
	}
	status := media.Status
	if status == linkedinProcessing {
		if media.Polls--; media.Polls <= 0 {
			media.Status = media.Then
		}
	}
	a := jsonAnswer(http.StatusOK, "application/json", map[string]any{"id": urn, "owner": media.Owner, "status": status})
	a.changed = true
	return a
}

func (s *Sandbox) routeLinkedInUploads() {
	for _, one := range []struct{ kind, step string }{{"image", "upload_image"}, {"video", "upload_part"}} {
		s.mux.HandleFunc("PUT /linkedin/dms-uploads/{id}/uploaded-"+one.kind+"/{part}", s.apiHandler(apiEndpoint{
			svc: linkedinService, step: one.step, maxBody: maxUpload, refuse: linkedinFault, judge: linkedinUpload,
			tooLarge: func() answer {
				return linkedinError(http.StatusRequestEntityTooLarge, 0, "REQUEST_ENTITY_TOO_LARGE", "The body is too large")
			},
		}))
	}
}

// linkedinUpload takes an image, or a part of a video. An image needs the token as well as the address, a part the address only.
func linkedinUpload(s *Sandbox, st *oauthState, r *apiRequest) answer {
	kind := "image"
	if strings.Contains(r.URL.Path, "/uploaded-video/") {
		kind = "video"
	}
	media := s.linkedin().Media["urn:li:"+kind+":"+r.PathValue("id")]
	index, err := strconv.Atoi(r.PathValue("part"))
	refuse := func(status int, message string) answer {
		return answer{status: status, body: []byte(message + "\n"), header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
	}
	if media == nil || err != nil || index < 0 || index >= len(media.Parts) || r.URL.Query().Get("m") != media.Parts[index].Sign {
		return refuse(http.StatusForbidden, "The signature is not good")
	}
	if !s.now().Before(media.Ends) {
		return refuse(http.StatusForbidden, "The address has expired")
	}
	if kind == "image" {
		if _, refusal := linkedinGrant(s, st, &oauthRequest{Request: r.Request}); refusal != nil {
			return *refusal
		}
		if r.person != media.Person {
			return refuse(http.StatusForbidden, "The address is somebody else's")
		}
	}
	part := &media.Parts[index]
	if want := part.Last - part.First + 1; kind == "video" && int64(len(r.body)) != want {
		return refuse(http.StatusBadRequest, "The part must have "+strconv.FormatInt(want, 10)+" bytes")
	}
	file, err := s.keepBlob(r.body)
	if err != nil {
		return refuse(http.StatusInternalServerError, "The file could not be stored")
	}
	if kind == "video" {
		part.File, part.ETag = file, "/ambry-video/"+file.SHA256[:24]
		return answer{status: http.StatusOK, changed: true, header: http.Header{"Etag": {part.ETag}}}
	}
	media.File = file
	then := linkedinAvailable
	config, format, err := image.DecodeConfig(bytes.NewReader(r.body))
	if err != nil || !slices.Contains([]string{"jpeg", "png", "gif"}, format) || config.Width*config.Height > linkedinMaxPixels {
		then = linkedinFailed
	}
	media.process(s.linkedin().Settings.ImagePolls, then)
	return answer{status: http.StatusCreated, changed: true}
}
