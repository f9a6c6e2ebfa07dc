package platform

import (
	"bytes"
	"context"
	"encoding/base64"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Platforms that publish HTML (Mailchimp, Ghost) take files one by one before the post, and give each an address at which
// readers load it.

// hosted is where files are, by the media's id, once they were uploaded.
type hosted map[uuid.UUID]string

// valid tells whether all addresses can be shown to readers, as those of a checkpoint must.
func (h hosted) valid() bool {
	for _, address := range h {
		if foreignURL(address) == "" {
			return false
		}
	}
	return true
}

// upload uploads those of the post's files that are not there yet, and keeps the checkpoint, of which h is a part, after each.
func (h hosted) upload(ctx context.Context, post Post, attempt Attempt, checkpoint any, uploadFile func(context.Context, Media) (address string, err error)) error {
	for _, media := range post.Media {
		if h[media.ID] != "" {
			continue
		}
		if attempt.stopping() {
			return HandedOver()
		}
		address, err := uploadFile(ctx, media)
		if err != nil {
			return err
		}
		h[media.ID] = address
		if err := attempt.keep(ctx, checkpoint); err != nil {
			return err
		}
	}
	return nil
}

// UploadTime is how long sending a file of so many bytes may take: what a slow line needs, and some.
func UploadTime(bytes int64) time.Duration { return 30*time.Second + lineTime(bytes) }

// lineTime is how long so many bytes take on a slow line.
func lineTime(bytes int64) time.Duration { return time.Duration(max(bytes, 0)/250_000) * time.Second }

// mediaImage is how the HTML of a template names an image of its post, whose address is not known before it is uploaded: by
// its place among the post's files, from 1. <img src="media:1"> is the first.
var mediaImage = regexp.MustCompile(`<img\b[^<>]*\bsrc="media:([1-9][0-9]?)"[^<>]*>`)

// namedImage gives the image that an element names; nil if the post has none at that place.
func namedImage(post Post, place string) *Media {
	at, err := strconv.Atoi(place)
	if err != nil || at > len(post.Media) || post.Media[at-1].IsVideo() {
		return nil
	}
	return &post.Media[at-1]
}

// place puts the images where the post's HTML names them, with their alt texts unless it has others. Where the post has no such
// image the element goes.
func (h hosted) place(post Post) string {
	return mediaImage.ReplaceAllStringFunc(post.HTML, func(element string) string {
		name := mediaImage.FindStringSubmatch(element)[1]
		m := namedImage(post, name)
		if m == nil {
			return ""
		}
		attributes := `src="` + html.EscapeString(h[m.ID]) + `"`
		if !strings.Contains(element, ` alt="`) {
			attributes += ` alt="` + html.EscapeString(m.AltText) + `"`
		}
		return strings.Replace(element, `src="media:`+name+`"`, attributes, 1)
	})
}

// unnamed gives the post's files that its HTML does not name, in order.
func unnamed(post Post) []Media {
	named := map[uuid.UUID]bool{}
	for _, found := range mediaImage.FindAllStringSubmatch(post.HTML, -1) {
		if m := namedImage(post, found[1]); m != nil {
			named[m.ID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(post.Media), func(m Media) bool { return named[m.ID] })
}

// extensions are the endings of the types of files that are uploaded.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "video/mp4": ".mp4", "video/webm": ".webm",
}

// hostedName is the name under which a file is uploaded: it stands in an address that readers see, and its ending says what
// the file is. The name that people gave the file is theirs, and may change after the post was approved.
func hostedName(m Media) string { return m.ID.String() + extensions[m.ContentType] }

// uploadBody is a file with what stands before and after it in the request's body.
func uploadBody(contentType string, before []byte, m Media, file io.Reader, after []byte) *upload {
	return &upload{
		contentType: contentType, bytes: int64(len(before)) + m.Bytes + int64(len(after)),
		body: io.MultiReader(bytes.NewReader(before), file, bytes.NewReader(after)),
	}
}

// base64Body is uploadBody with the file in base64 (RFC 4648, section 4).
func base64Body(contentType string, before []byte, m Media, file io.Reader, after []byte) *upload {
	m.Bytes = int64(base64.StdEncoding.EncodedLen(int(m.Bytes)))
	return uploadBody(contentType, before, m, &base64Reader{from: file}, after)
}

// base64Reader encodes what it reads.
type base64Reader struct {
	from  io.Reader
	ready []byte
	err   error
}

func (r *base64Reader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		chunk := make([]byte, 3<<10) // a multiple of three: only the end is padded
		n, err := io.ReadFull(r.from, chunk)
		if err == io.ErrUnexpectedEOF { //nolint:errorlint // io.ReadFull gives it as it is
			err = io.EOF
		}
		r.ready, r.err = base64.StdEncoding.AppendEncode(nil, chunk[:n]), err
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// open opens a file that is to be uploaded. Its error is an *Error.
func (m Media) open(ctx context.Context) (io.ReadCloser, error) {
	file, err := m.Open(ctx, 0, -1)
	if err != nil {
		return nil, &Error{Class: Transient, Err: err, Message: "A file of the post could not be read on this server. Nothing was published."}
	}
	return file, nil
}
