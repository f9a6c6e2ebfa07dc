package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// facebookKeptPhoto is a photo that no post shows yet.
type facebookKeptPhoto struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// photo gives the id of a file at Facebook, uploading it where that has not been done:
// https://developers.facebook.com/docs/graph-api/reference/page/photos
func (p *facebookPost) photo(ctx context.Context, m Media) (string, error) {
	if known, ok := p.kept.Photos[m.ID]; ok && time.Since(known.At) < facebookPhotoLife {
		return known.ID, nil
	}
	if p.attempt.stopping() {
		return "", HandedOver()
	}
	fields := map[string]string{"published": "false"}
	if m.AltText != "" {
		fields["alt_text_custom"] = m.AltText
	}
	content, err := m.Open(ctx, 0, -1)
	if err != nil {
		return "", facebookUnread(err)
	}
	defer func() { _ = content.Close() }()
	var answer struct {
		ID string `json:"id"`
	}
	a, err := p.request(ctx, prepares, call{
		method: http.MethodPost, url: p.address("/"+p.credential.PageID+"/photos", nil), upload: facebookForm(fields, "source", m.ContentType, content, m.Bytes),
	}, &answer)
	if err != nil {
		return "", err
	}
	if !facebookIDPattern.MatchString(answer.ID) {
		return "", p.badAnswer(prepares, a.status)
	}
	if p.kept.Photos == nil {
		p.kept.Photos = map[uuid.UUID]facebookKeptPhoto{}
	}
	p.kept.Photos[m.ID] = facebookKeptPhoto{ID: answer.ID, At: time.Now().UTC()}
	return answer.ID, p.keep(ctx)
}

// facebookUnread is for a file that cannot be read from where it is kept.
func facebookUnread(err error) *Error {
	return &Error{Class: Transient, Err: err, Message: "A file of the post could not be read on this server. Nothing was published."}
}

// facebookForm is a multipart form with a file in it, which is read as it is sent.
func facebookForm(fields map[string]string, name, contentType string, content io.Reader, length int64) *upload {
	var head bytes.Buffer
	form := multipart.NewWriter(&head) // a buffer takes everything
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		_ = form.WriteField(field, fields[field])
	}
	_, _ = form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="` + name + `"; filename="file"`}, "Content-Type": {contentType},
	})
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	return &upload{
		contentType: form.FormDataContentType(), bytes: int64(head.Len()) + length + int64(len(tail)),
		body: io.MultiReader(&head, content, strings.NewReader(tail)),
	}
}

// facebookKeptVideo is a video, from the start of its upload on.
type facebookKeptVideo struct {
	MediaID uuid.UUID `json:"media_id"`
	ID      string    `json:"id"`
	Session string    `json:"session"`
	// Start and End are the bytes that Facebook wants next; they are the same when it has all.
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Finished: the request that publishes it was accepted. Failed: Facebook could not make anything of it.
	Finished bool `json:"finished,omitempty"`
	Failed   bool `json:"failed,omitempty"`
}

// facebookOffsets are the bytes that are wanted next.
type facebookOffsets struct {
	Start facebookInt `json:"start_offset"`
	End   facebookInt `json:"end_offset"`
}

// within tells whether they can be of a file with so many bytes.
func (o facebookOffsets) within(length int64) bool {
	return o.Start >= 0 && o.Start <= o.End && int64(o.End) <= length && (o.Start < o.End || int64(o.End) == length)
}

// facebookInt is a whole number, which the Graph API writes as a text or as a number.
type facebookInt int64

// UnmarshalJSON reads either.
func (n *facebookInt) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	*n = facebookInt(value)
	return err
}

// publishVideo uploads the video in pieces and publishes it: https://developers.facebook.com/docs/video-api/guides/publishing
func (p *facebookPost) publishVideo(ctx context.Context, m Media) error {
	if p.kept.Video != nil && p.kept.Video.MediaID != m.ID {
		p.kept.Video = nil
	}
	earlier := p.kept.Sending && p.kept.Video != nil
	if p.kept.Video != nil && (earlier || p.kept.Video.Failed) {
		// What was sent before may have had its effect since.
		done, err := p.judgeVideo(ctx)
		if done || err != nil {
			return err
		}
	}
	fresh := p.kept.Video == nil
	if fresh {
		if err := p.startVideo(ctx, m); err != nil {
			return err
		}
	}
	if err := p.transferVideo(ctx, m); err != nil {
		return p.videoRefused(ctx, err, fresh)
	}
	if !canSend(ctx) {
		return HandedOver()
	}
	before := p.kept
	if err := p.mark(ctx); err != nil {
		return err
	}
	form := url.Values{"upload_phase": {"finish"}, "upload_session_id": {p.kept.Video.Session}}
	if text := facebookText(p.post.Text); text != "" {
		form.Set("description", text)
	}
	var answer struct {
		Success bool `json:"success"`
	}
	a, err := p.request(ctx, publishes, call{method: http.MethodPost, url: p.videoAddress(), form: form}, &answer)
	switch e := AsError(err); {
	case err == nil && !answer.Success:
		return p.unknown(a.status)
	case err == nil:
	case e.Class == UnknownOutcome:
		return e
	default:
		if earlier {
			// The request before may have had its effect only now.
			if done, err := p.judgeVideo(ctx); done || err != nil {
				return err
			}
		}
		if earlier && !p.attempt.Decided && p.videoExpired(e, fresh) {
			// The upload may be gone because the request before has finished it.
			p.kept.Refused = true
			_ = p.keepSent(ctx) // the mark is kept in any case
			return p.refusedBefore(e)
		}
		p.unmark(before)
		_ = p.keepSent(ctx) // with the mark the video's state is asked for, without need
		return p.videoRefused(ctx, e, fresh)
	}
	p.kept.Video.Finished = true
	_ = p.keepSent(ctx) // the video's state tells it, too
	done, err := p.judgeVideo(ctx)
	if !done && err == nil {
		err = p.unknown(a.status)
	}
	return err
}

// videoAddress is where the page's videos are sent.
func (p *facebookPost) videoAddress() string {
	return p.videoURL + "/" + p.credential.PageID + "/videos" + p.proof(nil)
}

func (p *facebookPost) startVideo(ctx context.Context, m Media) error {
	var answer struct {
		facebookOffsets
		VideoID string `json:"video_id"`
		Session string `json:"upload_session_id"`
	}
	form := url.Values{"upload_phase": {"start"}, "file_size": {strconv.FormatInt(m.Bytes, 10)}}
	a, err := p.request(ctx, prepares, call{method: http.MethodPost, url: p.videoAddress(), form: form}, &answer)
	if err != nil {
		return err
	}
	if !facebookIDPattern.MatchString(answer.VideoID) || answer.Session == "" || !answer.within(m.Bytes) {
		return p.badAnswer(prepares, a.status)
	}
	// Another video may have been marked as sent; this one was not.
	p.unmark(facebookCheckpoint{})
	p.kept.Refused = false
	p.kept.Video = &facebookKeptVideo{MediaID: m.ID, ID: answer.VideoID, Session: answer.Session, Start: int64(answer.Start), End: int64(answer.End)}
	return p.keep(ctx)
}

// transferVideo sends the pieces that Facebook asks for, and keeps after each how far it is.
func (p *facebookPost) transferVideo(ctx context.Context, m Media) error {
	v, corrected := p.kept.Video, 0
	for v.Start < v.End {
		if p.attempt.stopping() {
			return HandedOver()
		}
		next, refused, err := p.transferPiece(ctx, m, v.Start, v.End-v.Start)
		if refused != nil && corrected < 3 {
			// It has more or less of the file than we knew, and says where to go on.
			next, err, corrected = *refused, nil, corrected+1
		}
		switch {
		case err != nil:
			return err
		case !next.within(m.Bytes), refused == nil && int64(next.Start) <= v.Start:
			return p.badAnswer(prepares, http.StatusOK)
		}
		v.Start, v.End = int64(next.Start), int64(next.End)
		if err := p.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// transferPiece sends one piece. next are the bytes that are wanted then; wanted are those instead of which it was refused.
func (p *facebookPost) transferPiece(ctx context.Context, m Media, offset, length int64) (next facebookOffsets, wanted *facebookOffsets, err error) {
	content, err := m.Open(ctx, offset, length)
	if err != nil {
		return next, nil, facebookUnread(err)
	}
	defer func() { _ = content.Close() }()
	fields := map[string]string{"upload_phase": "transfer", "upload_session_id": p.kept.Video.Session, "start_offset": strconv.FormatInt(offset, 10)}
	a, err := p.request(ctx, prepares, call{
		method: http.MethodPost, url: p.videoAddress(), upload: facebookForm(fields, "video_file_chunk", "application/octet-stream", content, length),
	}, &next)
	if problem, ok := facebookProblemOf(a); err != nil && ok && problem.Subcode == facebookVideoOffset {
		var offsets facebookOffsets
		data := []byte(problem.Data)
		var text string
		if json.Unmarshal(data, &text) == nil {
			data = []byte(text) // some versions write the object as a text
		}
		if json.Unmarshal(data, &offsets) == nil {
			return next, &offsets, err
		}
	}
	return next, nil, err
}

// videoExpired tells whether a refusal says that there is no such upload any more. fresh: it was begun just now.
func (p *facebookPost) videoExpired(e *Error, fresh bool) bool {
	return e.Code == facebookVideoCode(facebookVideoTimeout) || (!fresh && e.Code == strconv.Itoa(facebookParameter))
}

// videoRefused judges a refusal while a video is uploaded. An upload that was begun earlier may have expired.
func (p *facebookPost) videoRefused(ctx context.Context, err error, fresh bool) error {
	e := AsError(err)
	if !p.videoExpired(e, fresh) {
		return e
	}
	p.kept.Video = nil
	p.unmark(facebookCheckpoint{})
	if err := p.keep(ctx); err != nil {
		return err
	}
	return &Error{Class: Transient, Status: e.Status, Code: e.Code, Err: e,
		Message: "Facebook does not have the upload of the video any more that was begun. It begins again; nothing was published."}
}

// facebookVideoNode is a video: https://developers.facebook.com/docs/graph-api/reference/video
type facebookVideoNode struct {
	Published   bool   `json:"published"`
	PostID      string `json:"post_id"`
	Permalink   string `json:"permalink_url"`
	CreatedTime string `json:"created_time"`
	Status      struct {
		Video      string             `json:"video_status"`
		Uploading  facebookVideoPhase `json:"uploading_phase"`
		Processing facebookVideoPhase `json:"processing_phase"`
		Publishing facebookVideoPhase `json:"publishing_phase"`
	} `json:"status"`
}

type facebookVideoPhase struct {
	Status string `json:"status"`
}

// live tells whether readers have it.
func (n facebookVideoNode) live() bool { return n.Published && n.Status.Video == "ready" }

// failed tells whether it will never be there.
func (n facebookVideoNode) failed() bool {
	return slices.Contains([]string{"error", "upload_failed", "expired"}, n.Status.Video) ||
		slices.Contains([]string{n.Status.Uploading.Status, n.Status.Processing.Status, n.Status.Publishing.Status}, "error")
}

// unfinished tells whether nobody has asked yet for it to be published.
func (n facebookVideoNode) unfinished() bool {
	return slices.Contains([]string{"uploading", "upload_complete"}, n.Status.Video)
}

func (p *facebookPost) readVideo(ctx context.Context) (facebookVideoNode, error) {
	var node facebookVideoNode
	query := url.Values{"fields": {"status,published,post_id,permalink_url,created_time"}}
	a, err := p.request(ctx, prepares, call{method: http.MethodGet, url: p.address("/"+p.kept.Video.ID, query)}, &node)
	if err == nil && node.Status.Video == "" {
		err = p.badAnswer(prepares, a.status)
	}
	return node, err
}

// foundVideo keeps the post that a live video is.
func (p *facebookPost) foundVideo(ctx context.Context, node facebookVideoNode) error {
	id := p.kept.Video.ID
	switch {
	case facebookPostPattern.MatchString(node.PostID):
		id = node.PostID
	case facebookIDPattern.MatchString(node.PostID):
		id = p.credential.PageID + "_" + node.PostID
	}
	address := foreignURL(node.Permalink)
	if strings.HasPrefix(node.Permalink, "/") {
		address = foreignURL(p.siteURL + node.Permalink)
	}
	if address == "" {
		address = p.siteURL + "/" + p.kept.Video.ID
	}
	return p.found(ctx, facebookKeptPost{ID: id, URL: address, At: time.Now().UTC()})
}

// judgeVideo finds out, while the post is published, what became of a video that may have been finished before: done says
// that readers have it. Neither: it is to be finished, or uploaded where nothing of it is kept any more.
func (p *facebookPost) judgeVideo(ctx context.Context) (done bool, err error) {
	node, err := p.readVideo(ctx)
	switch e := AsError(err); {
	case err != nil && e.Code == strconv.Itoa(facebookParameter) && (p.kept.Video.Failed || p.attempt.Decided):
		p.kept.Video = nil // it came to nothing, or a person has looked
		return false, nil
	case err != nil:
		unknown := p.unknown(e.Status)
		unknown.Err = e
		return false, unknown
	case node.live():
		return true, p.foundVideo(ctx, node)
	case node.failed() || p.kept.Video.Failed:
		p.kept.Video = nil
		p.unmark(facebookCheckpoint{})
		if err := p.keep(ctx); err != nil {
			return false, err
		}
		return false, &Error{Class: Invalid, Code: node.Status.Video, Message: "Facebook cannot make anything of the video. Convert it to MP4 with H.264 and AAC, then publish again."}
	case node.unfinished() && !p.kept.Video.Finished:
		return false, nil
	default:
		return false, &Error{Class: UnknownOutcome, Code: node.Status.Video, Message: "Facebook is working on the video, which appears when that is done."}
	}
}

// findVideo tells whether the video is there that a marked request has published.
func (p *facebookPost) findVideo(ctx context.Context) (there bool, err error) {
	node, err := p.readVideo(ctx)
	switch e := AsError(err); {
	case err != nil && e.Code == strconv.Itoa(facebookParameter):
		return false, &Error{Class: UnknownOutcome, Status: e.Status, Code: e.Code, Err: e,
			Message: "The video has gone from Facebook: somebody deleted it there. Publish it again if it is still wanted."}
	case err != nil:
		return false, err
	case node.live():
		return true, p.foundVideo(ctx, node)
	case node.failed():
		p.kept.Video.Failed = true
		return false, p.keep(ctx)
	case node.unfinished() && p.kept.Refused:
		return false, p.refusedBefore(nil)
	case node.unfinished() && !p.kept.Video.Finished:
		return false, p.settled(p.kept.SentAt)
	default:
		// The longer it takes, the less often it is asked.
		wait := min(max(time.Since(p.kept.SentAt)/4, time.Second), 2*time.Minute)
		return false, &Error{Class: Waiting, Code: node.Status.Video, RetryAt: time.Now().Add(wait), Message: "Facebook is working on the video, which appears when that is done."}
	}
}
