package platform

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const (
	// linkedInMaxParts bounds the parts that LinkedIn may ask for. It asks for parts of 4 MiB.
	linkedInMaxParts = 2000
	// linkedInMaxAsked is how often a file that was uploaded may be said to wait for its upload, before it is uploaded anew.
	linkedInMaxAsked = 6
	// linkedInUploadMargin is how long before their end upload addresses are not used any more.
	linkedInUploadMargin = 5 * time.Minute
)

// linkedInUpload is a file at LinkedIn.
type linkedInUpload struct {
	URN string `json:"urn"`
	// Owner is whose it is; only they can publish it.
	Owner string `json:"owner"`
	// Ends is when the addresses to upload to end.
	Ends time.Time `json:"ends"`
	// Token names the upload of a video; LinkedIn has none for a video in one part.
	Token string         `json:"token,omitempty"`
	Parts []linkedInPart `json:"parts,omitempty"`
	// Done: all bytes are there, and of a video LinkedIn has been told so. Asked is how often it was then asked how far it is.
	Done  bool `json:"done,omitempty"`
	Asked int  `json:"asked,omitempty"`
}

// linkedInPart is a piece of a file, from the byte First to the byte Last.
type linkedInPart struct {
	URL   string `json:"url"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	// ETag is what LinkedIn has called it, once it is there.
	ETag string `json:"etag,omitempty"`
}

// upload brings the files to LinkedIn, whatever is there of them already, and sees to it that they can be shown.
func (s *linkedInSession) upload(ctx context.Context) error {
	for _, m := range s.post.Media {
		up := s.kept.Media[m.ID]
		if up != nil && (up.Owner != s.credential.Author || !up.Done && s.now().After(up.Ends.Add(-linkedInUploadMargin))) {
			up = nil
		}
		if up == nil {
			var err error
			if up, err = s.begin(ctx, m); err != nil {
				return err
			}
			s.kept.Media[m.ID] = up
			if err := s.keep(ctx); err != nil {
				return err
			}
		}
		if err := s.send(ctx, m, up); err != nil {
			return err
		}
	}
	return s.ready(ctx)
}

var (
	linkedInImagePattern = regexp.MustCompile(`^urn:li:image:[A-Za-z0-9_-]{1,100}$`)
	linkedInVideoPattern = regexp.MustCompile(`^urn:li:video:[A-Za-z0-9_-]{1,100}$`)
)

// begin asks where a file is to be sent.
func (s *linkedInSession) begin(ctx context.Context, m Media) (*linkedInUpload, error) {
	var answer struct {
		Value struct {
			Image       string `json:"image"`
			UploadURL   string `json:"uploadUrl"`
			ExpiresAt   int64  `json:"uploadUrlExpiresAt"` // milliseconds since 1970
			Video       string `json:"video"`
			ExpireAt    int64  `json:"uploadUrlsExpireAt"`
			UploadToken string `json:"uploadToken"`
			Parts       []struct {
				UploadURL string `json:"uploadUrl"`
				FirstByte int64  `json:"firstByte"`
				LastByte  int64  `json:"lastByte"`
			} `json:"uploadInstructions"`
		} `json:"value"`
	}
	request, path := map[string]any{"owner": s.credential.Author}, "/images"
	if m.IsVideo() {
		path = "/videos"
		request["fileSizeBytes"], request["uploadCaptions"], request["uploadThumbnail"] = m.Bytes, false, false
	}
	body := map[string]any{"initializeUploadRequest": request}
	a, err := s.do(ctx, prepares, s.call(http.MethodPost, path+"?action=initializeUpload", body), &answer)
	if err != nil {
		return nil, err
	}
	value := answer.Value
	up := &linkedInUpload{URN: value.Image, Owner: s.credential.Author, Token: value.UploadToken,
		Parts: []linkedInPart{{URL: value.UploadURL, Last: m.Bytes - 1}}}
	ends, pattern := value.ExpiresAt, linkedInImagePattern
	if m.IsVideo() {
		up.URN, up.Parts, ends, pattern = value.Video, nil, value.ExpireAt, linkedInVideoPattern
		for _, part := range value.Parts {
			up.Parts = append(up.Parts, linkedInPart{URL: part.UploadURL, First: part.FirstByte, Last: part.LastByte})
		}
	}
	// An answer without an end, or with one that cannot be, is good for an hour.
	up.Ends = time.UnixMilli(ends)
	if now := s.now(); up.Ends.Before(now) || up.Ends.After(now.Add(30*24*time.Hour)) {
		up.Ends = now.Add(time.Hour)
	}
	if !pattern.MatchString(up.URN) || !s.whole(up.Parts, m.Bytes) {
		return nil, s.badAnswer(prepares, a.status)
	}
	return up, nil
}

// whole tells whether the parts are a file, one after the other, and their addresses LinkedIn's.
func (s *linkedInSession) whole(parts []linkedInPart, bytes int64) bool {
	next := int64(0)
	for _, part := range parts {
		if part.First != next || part.Last < part.First || !s.uploadsTo(part.URL) {
			return false
		}
		next = part.Last + 1
	}
	return next == bytes && len(parts) <= linkedInMaxParts
}

// uploadsTo tells whether files may be sent to an address that LinkedIn has named: on its own hosts, or on the one that the
// configuration has in their place.
func (l *LinkedInPublisher) uploadsTo(address string) bool {
	u, err := url.Parse(address)
	api, apiErr := url.Parse(l.apiURL)
	if err != nil || apiErr != nil || u.User != nil || u.Host == "" || len(address) > 8192 {
		return false
	}
	if u.Scheme == api.Scheme && u.Host == api.Host {
		return true
	}
	host := strings.ToLower(u.Host)
	for _, domain := range []string{"linkedin.com", "licdn.com"} {
		if u.Scheme == "https" && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return true
		}
	}
	return false
}

// send brings the parts of a file to LinkedIn that are not there yet.
func (s *linkedInSession) send(ctx context.Context, m Media, up *linkedInUpload) error {
	if up.Done {
		return nil
	}
	for i := range up.Parts {
		part := &up.Parts[i]
		if part.ETag != "" {
			continue
		}
		if s.attempt.stopping() {
			return HandedOver()
		}
		if err := s.sendPart(ctx, m, up, part); err != nil {
			return err
		}
	}
	if m.IsVideo() {
		if err := s.finalize(ctx, m, up); err != nil {
			return err
		}
	}
	up.Done, up.Parts = true, nil
	return s.keep(ctx)
}

func (s *linkedInSession) sendPart(ctx context.Context, m Media, up *linkedInUpload, part *linkedInPart) error {
	length := part.Last - part.First + 1
	body, err := m.Open(ctx, part.First, length)
	if err != nil {
		return &Error{Class: Transient, Err: err, Message: "A file of the post could not be read on this server. Nothing was published."}
	}
	defer func() { _ = body.Close() }()
	c := call{method: http.MethodPut, url: part.URL, upload: &upload{contentType: "application/octet-stream", bytes: length, body: body}}
	if !m.IsVideo() {
		c.authorization = bearer(s.credential.AccessToken) // the addresses of a video's parts are signed
	}
	a, err := s.do(ctx, prepares, c, nil)
	switch {
	case err != nil:
		return s.refusedUpload(ctx, m, AsError(err))
	case !m.IsVideo():
		return nil
	}
	if part.ETag = a.header.Get("ETag"); part.ETag == "" || len(part.ETag) > 1000 {
		part.ETag = ""
		return s.badAnswer(prepares, a.status)
	}
	if part.Last == up.Parts[len(up.Parts)-1].Last {
		return nil // kept with what follows
	}
	return s.keep(ctx)
}

// refusedUpload begins anew with a file whose address LinkedIn does not take any more.
func (s *linkedInSession) refusedUpload(ctx context.Context, m Media, problem *Error) error {
	if problem.Status < 400 || problem.Status >= 500 || problem.Class == Credential && problem.Status == http.StatusUnauthorized || problem.Class == RateLimited {
		return problem
	}
	return s.again(ctx, m, problem)
}

// again forgets a file at LinkedIn, so that the next attempt uploads it anew.
func (s *linkedInSession) again(ctx context.Context, m Media, problem *Error) error {
	delete(s.kept.Media, m.ID)
	if err := s.keep(ctx); err != nil {
		return err
	}
	return &Error{Class: Transient, Status: problem.Status, Code: problem.Code, Err: problem,
		Message: "LinkedIn did not take a file of the post. It is uploaded again; nothing was published."}
}

// finalize tells LinkedIn that all parts of a video are there. An earlier attempt may have done so without an answer.
func (s *linkedInSession) finalize(ctx context.Context, m Media, up *linkedInUpload) error {
	if err := s.keep(ctx); err != nil { // the last part's name
		return err
	}
	status, problem := s.status(ctx, up.URN)
	switch {
	case problem != nil && problem.Status == http.StatusNotFound:
		return s.again(ctx, m, problem)
	case problem != nil:
		return problem
	case status != "WAITING_UPLOAD":
		return nil
	}
	etags := make([]string, 0, len(up.Parts))
	for _, part := range up.Parts {
		etags = append(etags, part.ETag)
	}
	_, err := s.do(ctx, prepares, s.call(http.MethodPost, "/videos?action=finalizeUpload", map[string]any{
		"finalizeUploadRequest": map[string]any{"video": up.URN, "uploadToken": up.Token, "uploadedPartIds": etags},
	}), nil)
	if problem := AsError(err); err != nil {
		if problem.Class == Invalid {
			return s.again(ctx, m, problem)
		}
		return problem
	}
	return nil
}

// status asks how far a file is.
func (s *linkedInSession) status(ctx context.Context, urn string) (string, *Error) {
	path := "/images/"
	if linkedInVideoPattern.MatchString(urn) {
		path = "/videos/"
	}
	var answer struct {
		Status string `json:"status"`
	}
	if a, err := s.do(ctx, prepares, s.call(http.MethodGet, path+url.QueryEscape(urn), nil), &answer); err != nil {
		return "", AsError(err)
	} else if answer.Status == "" {
		return "", s.badAnswer(prepares, a.status)
	}
	return answer.Status, nil
}

// ready asks how far the files are, and waits for those that LinkedIn has at work.
func (s *linkedInSession) ready(ctx context.Context) error {
	var wait time.Duration
	for i, m := range s.post.Media {
		up := s.kept.Media[m.ID]
		status, problem := s.status(ctx, up.URN)
		switch {
		case problem != nil && problem.Status == http.StatusNotFound:
			return s.again(ctx, m, problem)
		case problem != nil:
			return problem
		case status == "AVAILABLE":
			continue
		case status == "PROCESSING_FAILED":
			delete(s.kept.Media, m.ID)
			if err := s.keep(ctx); err != nil {
				return err
			}
			return &Error{Class: Invalid, Code: "processing_failed",
				Message: fmt.Sprintf("LinkedIn cannot show file %d of the post. Replace it, then publish again.", i+1)}
		case status == "WAITING_UPLOAD" && up.Asked >= linkedInMaxAsked:
			return s.again(ctx, m, &Error{Code: "waiting_upload"})
		}
		up.Asked++
		pause := min(time.Second<<min(up.Asked, 6), time.Minute)
		if m.IsVideo() {
			pause = min(2*pause, time.Minute)
		}
		wait = max(wait, pause)
	}
	if wait == 0 {
		return nil
	}
	if err := s.keep(ctx); err != nil {
		return err
	}
	return &Error{Class: Waiting, Code: "processing", RetryAt: s.now().Add(wait), Message: "LinkedIn is working on the post's files. It is published as soon as they are ready."}
}
