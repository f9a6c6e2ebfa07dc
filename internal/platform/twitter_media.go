package platform

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const (
	// twitterSegment is the size of a piece of a file, in bytes: X takes 5 MB in each of up to 1,000.
	twitterSegment = 4 << 20
	// twitterMediaMargin is how long before its end an upload is not used any more.
	twitterMediaMargin = 10 * time.Minute
	// twitterMediaLife is how long X keeps an upload, where it does not say.
	twitterMediaLife = 24 * time.Hour
)

// twitterUpload is a file at X, or on its way there.
type twitterUpload struct {
	MediaID uuid.UUID `json:"media_id"`
	// ID and Key are X's.
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
	// Segment is the next piece to be sent.
	Segment int `json:"segment,omitempty"`
	// Finishing: X may have been told that all pieces are there. Ready: it can be shown.
	Finishing bool `json:"finishing,omitempty"`
	Ready     bool `json:"ready,omitempty"`
	// AltText is the one that X has.
	AltText string    `json:"alt_text,omitempty"`
	Expires time.Time `json:"expires"`
}

// twitterMediaAnswer is X's answer about a file.
type twitterMediaAnswer struct {
	Data struct {
		ID               string `json:"id"`
		MediaKey         string `json:"media_key"`
		ExpiresAfterSecs int64  `json:"expires_after_secs"`
		ProcessingInfo   *struct {
			State          string `json:"state"`
			CheckAfterSecs int64  `json:"check_after_secs"`
			Error          struct {
				Message string `json:"message"`
			} `json:"error"`
		} `json:"processing_info"`
	} `json:"data"`
}

// uploadOf is what is kept of a file; nil if nothing is.
func (a *twitterAttempt) uploadOf(m Media) *twitterUpload {
	for _, u := range a.kept.Media {
		if u.MediaID == m.ID {
			return u
		}
	}
	return nil
}

func (a *twitterAttempt) mediaIDs(part twitterPart) []string {
	var ids []string
	for _, m := range part.media {
		if u := a.uploadOf(m); u != nil {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// mediaKeys are sorted.
func (a *twitterAttempt) mediaKeys(part twitterPart) []string {
	var keys []string
	for _, m := range part.media {
		if u := a.uploadOf(m); u != nil {
			keys = append(keys, u.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// forget throws an upload away.
func (a *twitterAttempt) forget(u *twitterUpload) {
	a.kept.Media = slices.DeleteFunc(a.kept.Media, func(other *twitterUpload) bool { return other == u })
}

// upload brings a file to X, as far as an earlier attempt has not.
func (a *twitterAttempt) upload(ctx context.Context, m Media) error {
	u := a.uploadOf(m)
	if u != nil && (!a.now().Before(u.Expires.Add(-twitterMediaMargin)) || (u.AltText != "" && m.AltText == "")) {
		a.forget(u) // X has thrown it away, or says of it what is not wanted any more
		u = nil
	}
	if u == nil {
		var err error
		if u, err = a.start(ctx, m); err != nil {
			return err
		}
	}
	if !u.Ready {
		if err := a.finish(ctx, m, u); err != nil {
			return err
		}
	}
	if m.AltText == u.AltText || m.IsVideo() {
		return nil
	}
	body := map[string]any{"id": u.ID, "metadata": map[string]any{"alt_text": map[string]string{"text": m.AltText}}}
	if err := a.aboutUpload(ctx, u, call{method: http.MethodPost, url: a.apiURL + "/2/media/metadata", json: body}, nil); err != nil {
		return err
	}
	u.AltText = m.AltText
	return a.attempt.keep(ctx, a.kept)
}

// start begins an upload. An image is done with it.
func (a *twitterAttempt) start(ctx context.Context, m Media) (*twitterUpload, error) {
	var answered twitterMediaAnswer
	c := call{method: http.MethodPost, url: a.apiURL + "/2/media/upload", authorization: bearer(a.credential.AccessToken)}
	simple := !m.IsVideo() && m.ContentType != "image/gif"
	if simple {
		content, err := m.Open(ctx, 0, m.Bytes)
		if err != nil {
			return nil, unreadableFile(err)
		}
		defer func() { _ = content.Close() }()
		c.upload = twitterForm(m, content, m.Bytes, "media_category", "tweet_image")
	} else {
		c.url += "/initialize"
		category := "tweet_video"
		switch {
		case m.Animated:
			category = "tweet_gif"
		case !m.IsVideo():
			category = "tweet_image"
		}
		c.json = map[string]any{"media_type": m.ContentType, "total_bytes": m.Bytes, "media_category": category}
	}
	began := a.now()
	answer, err := a.ask(ctx, c, &answered)
	if err != nil {
		return nil, err
	}
	if !twitterIDPattern.MatchString(answered.Data.ID) {
		return nil, a.badAnswer(prepares, answer.status)
	}
	life := twitterMediaLife
	if said := time.Duration(answered.Data.ExpiresAfterSecs) * time.Second; said > 0 && said < life {
		life = said
	}
	u := &twitterUpload{MediaID: m.ID, ID: answered.Data.ID, Key: answered.Data.MediaKey, Ready: simple, Expires: began.Add(life).UTC()}
	a.kept.Media = append(a.kept.Media, u)
	return u, a.attempt.keep(ctx, a.kept)
}

// finish sends the pieces that are missing, and sees whether X is done with the file.
func (a *twitterAttempt) finish(ctx context.Context, m Media, u *twitterUpload) error {
	for int64(u.Segment)*twitterSegment < m.Bytes {
		if a.attempt.stopping() {
			return HandedOver()
		}
		if err := a.sendSegment(ctx, m, u); err != nil {
			return err
		}
		u.Segment++
		if err := a.attempt.keep(ctx, a.kept); err != nil {
			return err
		}
	}
	var answered twitterMediaAnswer
	if u.Finishing {
		status := call{method: http.MethodGet, url: a.apiURL + "/2/media/upload?" + url.Values{"command": {"STATUS"}, "media_id": {u.ID}}.Encode()}
		if err := a.aboutUpload(ctx, u, status, &answered); err != nil {
			return err
		}
	} else {
		u.Finishing = true
		if err := a.attempt.keep(ctx, a.kept); err != nil {
			return err
		}
		if err := a.aboutUpload(ctx, u, call{method: http.MethodPost, url: a.apiURL + "/2/media/upload/" + u.ID + "/finalize"}, &answered); err != nil {
			return err
		}
	}
	if answered.Data.ID != u.ID {
		return a.badAnswer(prepares, http.StatusOK)
	}
	switch info := answered.Data.ProcessingInfo; {
	case info == nil || info.State == "succeeded":
		u.Ready = true
		return a.attempt.keep(ctx, a.kept)
	case info.State == "failed":
		a.forget(u)
		if err := a.attempt.keep(ctx, a.kept); err != nil {
			return err
		}
		return a.invalid(0, "media_failed", info.Error.Message)
	default:
		wait := time.Duration(min(max(info.CheckAfterSecs, 1), 600)) * time.Second
		return &Error{Class: Waiting, RetryAt: a.now().Add(wait), Message: "X is still working on the file. The post goes out when it is done."}
	}
}

// sendSegment sends the next piece of a file.
func (a *twitterAttempt) sendSegment(ctx context.Context, m Media, u *twitterUpload) error {
	offset := int64(u.Segment) * twitterSegment
	length := min(twitterSegment, m.Bytes-offset)
	content, err := m.Open(ctx, offset, length)
	if err != nil {
		return unreadableFile(err)
	}
	defer func() { _ = content.Close() }()
	form := twitterForm(m, content, length, "segment_index", strconv.Itoa(u.Segment))
	return a.aboutUpload(ctx, u, call{method: http.MethodPost, url: a.apiURL + "/2/media/upload/" + u.ID + "/append", upload: form}, nil)
}

// aboutUpload asks something of an upload. Where X knows it no more, or not as it should be, it is made anew.
func (a *twitterAttempt) aboutUpload(ctx context.Context, u *twitterUpload, c call, out any) error {
	c.authorization = bearer(a.credential.AccessToken)
	if out == nil {
		out = &struct{}{} // an object all the same: a page of a proxy is no answer
	}
	answer, err := a.ask(ctx, c, out)
	if err == nil || answer.status == http.StatusNoContent {
		return nil
	}
	e := AsError(err)
	gone := e.Status == http.StatusNotFound || e.Status == http.StatusGone
	if !gone && (e.Status != http.StatusBadRequest || !u.Finishing || u.Ready) {
		return e
	}
	a.forget(u)
	if err := a.attempt.keep(ctx, a.kept); err != nil {
		return err
	}
	if !gone && c.method == http.MethodPost {
		return e // it was refused when it was whole
	}
	return &Error{Class: Transient, Status: e.Status, Code: e.Code, Err: e, Message: "X has lost a file that was uploaded for the post. It is uploaded again."}
}

// unreadableFile is for a file of the post that cannot be read here.
func unreadableFile(err error) *Error {
	return &Error{Class: Transient, Err: err, Message: "A file of the post could not be read. Nothing was published."}
}

// twitterForm is a form with one field and a file, which is sent as it is read.
func twitterForm(m Media, content io.Reader, length int64, field, value string) *upload {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	_ = writer.WriteField(field, value) // a bytes.Buffer does not fail
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", `form-data; name="media"; filename="media"`)
	header.Set("Content-Type", m.ContentType)
	_, _ = writer.CreatePart(header)
	begin := bytes.Clone(form.Bytes())
	form.Reset()
	_ = writer.Close()
	end := form.Bytes()
	return &upload{
		contentType: writer.FormDataContentType(), bytes: int64(len(begin)) + length + int64(len(end)),
		body: io.MultiReader(bytes.NewReader(begin), io.LimitReader(content, length), bytes.NewReader(end)),
	}
}
