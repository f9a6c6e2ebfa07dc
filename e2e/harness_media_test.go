package e2e

import (
	"bytes"
	wire "encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// upload uploads a file, as people do, and gives its id.
func (b *brand) upload(t testing.TB, name, contentType string, content []byte, altText string) (id string) {
	t.Helper()
	query := url.Values{"name": {name}, "alt_text": {altText}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.owner.base()+b.path+"/media?"+query.Encode(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+b.owner.token)
	answer, err := b.owner.http.Do(request)
	if err != nil {
		t.Fatalf("upload: %v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("upload: %d %s %v", answer.StatusCode, body, err)
	}
	return decode[struct{ ID string }](t, response{status: answer.StatusCode, body: body}).ID
}

// testPNG is a picture in one color that follows from its size.
func testPNG(t testing.TB, width, height int) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		picture.Set(i%width, i/width, color.RGBA{uint8(width), uint8(height), uint8(i), 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// box is a box of an MP4 file: its length, its type and its content.
func box(kind string, content ...[]byte) []byte {
	inside := bytes.Join(content, nil)
	return append(append(wire.BigEndian.AppendUint32(nil, uint32(8+len(inside))), kind...), inside...)
}

// testMP4 is a film of five seconds in 640 × 360 without a picture in it: the boxes that tell what a file is, and data.
func testMP4(t testing.TB) []byte {
	t.Helper()
	return longMP4(t, 240_000)
}

// longMP4 is testMP4 with so many bytes of data.
func longMP4(t testing.TB, bytesOfData int) []byte {
	t.Helper()
	numbers := func(values ...uint32) []byte {
		var out []byte
		for _, v := range values {
			out = wire.BigEndian.AppendUint32(out, v)
		}
		return out
	}
	matrix := numbers(0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000)
	const timescale, duration = 1000, 5000
	movieHeader := box("mvhd", numbers(0, 0, 0, timescale, duration, 0x00010000, 0x01000000, 0, 0), matrix, numbers(0, 0, 0, 0, 0, 0, 2))
	trackHeader := box("tkhd", numbers(3, 0, 0, 1, 0, duration, 0, 0, 0, 0), matrix, numbers(640<<16, 360<<16))
	media := box("mdia",
		box("mdhd", numbers(0, 0, 0, timescale, duration, 0x55c40000)),
		box("hdlr", numbers(0, 0), []byte("vide"), numbers(0, 0, 0), []byte("video\x00")))
	return bytes.Join([][]byte{
		box("ftyp", []byte("isom"), numbers(0x200), []byte("isomiso2avc1mp41")),
		box("moov", movieHeader, box("trak", trackHeader, media)),
		box("mdat", bytes.Repeat([]byte("film"), bytesOfData/4)),
	}, nil)
}
