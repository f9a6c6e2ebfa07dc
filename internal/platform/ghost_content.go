package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// ghostContent is what a post says, as fields of a post in Ghost. All of them are there, since what was taken out of the post
// must leave the draft too.
func ghostContent(post Post, files hosted) map[string]any {
	content, featured := files.place(post), ghostFeatured(post)
	if content == "" {
		content = textHTML(post.Text)
	}
	fields := map[string]any{
		"title": strings.TrimSpace(post.Title), "feature_image": nil, "feature_image_alt": nil, "custom_excerpt": nil,
	}
	var text strings.Builder
	text.WriteString(content)
	for _, media := range unnamed(post) {
		if media.ID != featured {
			text.WriteString(ghostFigure(media, files[media.ID]))
			continue
		}
		fields["feature_image"] = files[media.ID]
		if media.AltText != "" {
			fields["feature_image_alt"] = media.AltText
		}
	}
	fields["html"] = text.String()
	if excerpt := strings.TrimSpace(post.Options.Excerpt); excerpt != "" {
		fields["custom_excerpt"] = excerpt
	}
	tags := []any{}
	for _, name := range post.Options.Tags {
		tags = append(tags, map[string]string{"name": strings.TrimSpace(name)})
	}
	fields["tags"] = tags
	return fields
}

// ghostFeatured is the image that stands above the post: the first that the HTML does not name; none if there is no such.
func ghostFeatured(post Post) uuid.UUID {
	for _, media := range unnamed(post) {
		if !media.IsVideo() {
			return media.ID
		}
	}
	return uuid.Nil
}

// ghostFigure shows a file in the text. Ghost drops elements that its editor does not know, such as videos, unless they
// stand in an HTML card (https://docs.ghost.org/admin-api/posts/creating-a-post, "Source HTML").
func ghostFigure(media Media, address string) string {
	source, alt := html.EscapeString(address), html.EscapeString(media.AltText)
	if !media.IsVideo() {
		return `<figure><img src="` + source + `" alt="` + alt + `"></figure>`
	}
	return `<!--kg-card-begin: html--><figure><video src="` + source + `" title="` + alt +
		`" controls preload="metadata" style="width:100%"></video></figure><!--kg-card-end: html-->`
}

// uploadFile puts a file on the site, and tells where readers load it: images at
// https://docs.ghost.org/admin-api/images/uploading-an-image, videos in the same way at media/upload/.
func (s *ghostSite) uploadFile(ctx context.Context, media Media) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, UploadTime(media.Bytes))
	defer cancel()
	file, err := media.open(ctx)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var before bytes.Buffer
	form := multipart.NewWriter(&before)
	path, purpose := "images/upload/", "image"
	if media.IsVideo() {
		path, purpose = "media/upload/", ""
	}
	if purpose != "" {
		_ = form.WriteField("purpose", purpose) // writing to memory does not fail
	}
	_, _ = form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + hostedName(media) + `"`}, "Content-Type": {media.ContentType},
	})
	after := []byte("\r\n--" + form.Boundary() + "--\r\n")
	call := ghostCall{
		method: http.MethodPost, path: path, upload: uploadBody(form.FormDataContentType(), before.Bytes(), media, file, after),
	}
	var answer struct {
		Images []ghostFile `json:"images"`
		Media  []ghostFile `json:"media"`
	}
	if err := s.call(ctx, call, &answer); err != nil {
		return "", err
	}
	stored := append(answer.Images, answer.Media...)
	if len(stored) != 1 || foreignURL(stored[0].URL) == "" {
		return "", notGhost(http.StatusOK, nil)
	}
	return foreignURL(stored[0].URL), nil
}

// ghostFile is a file on a site.
type ghostFile struct {
	URL string `json:"url"`
}

// Measure reads how the newsletter did that a post was sent as. Of what is on the site only Ghost knows nothing.
func (g *GhostPublisher) Measure(ctx context.Context, credential json.RawMessage, externalID string) (Metrics, error) {
	site, err := g.open(credential)
	if err != nil {
		return Metrics{}, err
	}
	if !ghostIDPattern.MatchString(externalID) {
		return Metrics{}, ghostNoNumbers(0, "The post is not on the Ghost site any more.")
	}
	var answer struct {
		Posts []struct {
			ID    string `json:"id"`
			Email *struct {
				Delivered *int64 `json:"delivered_count"`
				Opened    *int64 `json:"opened_count"`
				Tracked   *bool  `json:"track_opens"`
			} `json:"email"`
			Count struct {
				Clicks *int64 `json:"clicks"`
			} `json:"count"`
		} `json:"posts"`
	}
	call := ghostCall{
		method: http.MethodGet, path: "posts/" + externalID + "/",
		query: url.Values{"include": {"email,count.clicks"}},
	}
	if err := site.call(ctx, call, &answer); err != nil {
		if e := AsError(err); e.Status == http.StatusNotFound && e.Code != CodeNotGhost {
			return Metrics{}, ghostNoNumbers(e.Status, "The post is not on the Ghost site any more.")
		}
		return Metrics{}, err
	}
	if len(answer.Posts) != 1 || answer.Posts[0].ID != externalID {
		return Metrics{}, notGhost(http.StatusOK, nil)
	}
	email := answer.Posts[0].Email
	if email == nil {
		return Metrics{}, ghostNoNumbers(0, "Ghost has numbers only of posts that were sent as a newsletter.")
	}
	metrics := Metrics{Impressions: email.Delivered, Reach: email.Opened, Clicks: answer.Posts[0].Count.Clicks}
	if email.Tracked != nil && !*email.Tracked {
		metrics.Reach = nil // the site does not count who opens
	}
	return metrics, nil
}

func ghostNoNumbers(status int, message string) *Error {
	return &Error{Class: Invalid, Status: status, Message: message}
}
