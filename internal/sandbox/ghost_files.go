package sandbox

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// Where files are uploaded to, below /ghost/api/admin/.
const (
	ghostImagesPath = "images/upload/"
	ghostMediaPath  = "media/upload/"
)

// The types and endings that Ghost takes (its configuration, "uploads"): both must be among them.
var (
	ghostImageTypes = map[string][]string{
		"image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"}, "image/gif": {".gif"}, "image/webp": {".webp"}, "image/svg+xml": {".svg", ".svgz"},
		"image/x-icon": {".ico"}, "image/vnd.microsoft.icon": {".ico"},
	}
	ghostMediaTypes = map[string][]string{
		"video/mp4": {".mp4"}, "video/webm": {".webm"}, "video/ogg": {".ogv"}, "audio/mpeg": {".mp3"}, "audio/wav": {".wav"}, "audio/ogg": {".ogg"},
		"audio/mp4": {".m4a"},
	}
)

// addGhostFile is POST images/upload/ and media/upload/: a form with the parts file, purpose and ref.
func (s *Sandbox) addGhostFile(r *ghostRequest) answer {
	types, list, missing, invalid := ghostImageTypes, "images", "Please select an image.", "Please select a valid image."
	if r.path == ghostMediaPath {
		types, list, missing, invalid = ghostMediaTypes, "media", "Please select a media file.", "Please select a valid media file."
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return ghostInvalid("", missing).answer()
	}
	var content []byte
	var name, kind, ref string
	purpose := "image"
	form := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	for {
		part, err := form.NextPart()
		if err == io.EOF { //nolint:errorlint // NextPart gives it as it is
			break
		}
		if err != nil {
			return ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "Unexpected end of form").answer()
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return ghostRefusal(http.StatusBadRequest, "BadRequestError", "", "Unexpected end of form").answer()
		}
		switch part.FormName() {
		case "file":
			content, name, kind = data, part.FileName(), part.Header.Get("Content-Type")
		case "purpose":
			purpose = string(data)
		case "ref":
			ref = string(data)
		}
	}
	switch {
	case name == "":
		return ghostInvalid("", missing).answer()
	case !slices.Contains(types[kind], strings.ToLower(path.Ext(name))):
		return ghostRefusal(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeError", "", invalid).answer()
	case !slices.Contains([]string{"image", "profile_image", "icon"}, purpose):
		return ghostInvalid("purpose", "Validation (AllowedValues) failed for purpose").answer()
	}
	stored, err := s.keepBlob(content)
	if err != nil {
		return ghostRefusal(http.StatusInternalServerError, "InternalServerError", "", "The file could not be stored.").answer()
	}
	file := ghostFile{URL: r.base + stored.Path(), PostFile: stored}
	r.site.Files = append(r.site.Files, file)
	fields := map[string]any{"url": file.URL, "ref": nullable(ref)}
	if list == "media" {
		fields["thumbnail_url"] = nil
	}
	result := ghostAnswer(http.StatusCreated, map[string]any{list: []any{fields}})
	result.changed = true
	return result
}
