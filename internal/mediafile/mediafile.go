// Package mediafile finds out what an uploaded file is: an image or a video of a kind that can be published, how large it
// is in pixels, how long it lasts. It believes the bytes alone, decodes no pixel, and reads a bounded part of the file into
// memory, whatever the file says of itself.
package mediafile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// The kinds of files that can be uploaded, as media types.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	GIF  = "image/gif"
	WebP = "image/webp"
	MP4  = "video/mp4"
	MOV  = "video/quicktime"
)

// Types lists them.
var Types = []string{JPEG, PNG, GIF, WebP, MP4, MOV}

// The largest files that are taken, in bytes.
const (
	MaxImage = 30 << 20
	MaxVideo = 512 << 20
)

const (
	// maxPixels is how many pixels an image or a frame may have: no platform takes more than a third of it.
	maxPixels = 100_000_000
	// maxFrames is how many images a GIF may hold; X takes 350.
	maxFrames = 5000
)

// HeadSize is how many bytes of a file Sniff wants to see. Where browsers guess what something is, they look no further
// (WHATWG, MIME Sniffing, section 5.2: the resource header).
const HeadSize = 1445

// Info is what a file is.
type Info struct {
	// ContentType is one of Types.
	ContentType string
	// Width and Height are in pixels, as the file is meant to be seen.
	Width, Height int
	// Duration is a video's; 0 where the file does not say.
	Duration time.Duration
	// Animated tells an image that moves.
	Animated bool
}

// Error says in words for people why a file is not taken.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// errCutOff: the file ends before it should.
func errCutOff() error {
	return refuse("the file is cut off: it ends before it should. Upload it again")
}

// cutOff turns the end of the file into what it means, and leaves every other error as it is.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff()
	}
	return err
}

// MaxSize is how large a file of a type may be, in bytes.
func MaxSize(contentType string) int64 {
	if contentType == MP4 || contentType == MOV {
		return MaxVideo
	}
	return MaxImage
}

// Sniff tells a file's type by its first HeadSize bytes, or all that there are. Its error is an *Error.
func Sniff(head []byte) (string, error) {
	if len(head) == 0 {
		return "", refuse("the file is empty")
	}
	contentType := ""
	switch {
	case bytes.HasPrefix(head, []byte("\xFF\xD8\xFF")):
		contentType = JPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1A\n")):
		contentType = PNG
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		contentType = GIF
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		contentType = WebP
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		contentType = brandType(head)
	}
	if contentType == "" {
		return "", refuse("the file is none that can be published: it must be a JPEG, PNG, GIF or WebP image, or an MP4 or MOV video")
	}
	if looksLikeMarkup(head) {
		return "", refuse("the file begins like an image or video and holds a web page. Save it anew with an image editor, then upload that")
	}
	return contentType, nil
}

// markup is how web pages and scripts of pages begin; in lower case.
var markup = [][]byte{
	[]byte("<!doctype"), []byte("<html"), []byte("<head"), []byte("<body"), []byte("<script"), []byte("<iframe"), []byte("<svg"), []byte("<?php"),
}

// looksLikeMarkup tells whether something that shows bytes as what they look like could take them for a web page.
func looksLikeMarkup(data []byte) bool {
	lower := bytes.ToLower(data[:min(len(data), HeadSize)])
	for _, tag := range markup {
		if bytes.Contains(lower, tag) {
			return true
		}
	}
	return false
}

// Probe looks at a file of a type that Sniff has found, size bytes in all. Its error is an *Error where the file is at fault.
func Probe(file io.ReadSeeker, size int64, contentType string) (Info, error) {
	info := Info{ContentType: contentType}
	var err error
	switch contentType {
	case JPEG:
		err = probeJPEG(file, &info)
	case PNG:
		err = probePNG(file, &info)
	case GIF:
		err = probeGIF(file, &info)
	case WebP:
		err = probeWebP(file, size, &info)
	case MP4, MOV:
		err = probeVideo(file, size, &info)
	default:
		err = refuse("the file is of no known type")
	}
	if err != nil {
		return Info{}, cutOff(err)
	}
	if info.Width <= 0 || info.Height <= 0 {
		return Info{}, refuse("the file says that it is %d × %d pixels, and nothing would be seen", info.Width, info.Height)
	}
	if pixels := int64(info.Width) * int64(info.Height); pixels > maxPixels {
		return Info{}, refuse("the file is %d × %d pixels, and at most %d million are taken. Make it smaller", info.Width, info.Height, maxPixels/1_000_000)
	}
	return info, nil
}
