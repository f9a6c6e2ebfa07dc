package mediafile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pngOf(w, h int) []byte {
	var b bytes.Buffer
	must(0, png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))))
	return b.Bytes()
}

// jpegOf is a picture with what a camera writes of how it was held.
func jpegOf(w, h int, order binary.AppendByteOrder, orientation uint16) []byte {
	var b bytes.Buffer
	must(0, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil))
	mark := "MM\x00*"
	if order == binary.LittleEndian {
		mark = "II*\x00"
	}
	tiff := order.AppendUint16(order.AppendUint32([]byte(mark), 8), 1)
	tiff = order.AppendUint16(order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 0x0112), 3), 1), orientation)
	segment := append([]byte("Exif\x00\x00"), append(tiff, 0, 0, 0, 0, 0, 0)...)
	app1 := append(binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(segment)+2)), segment...)
	return append(append([]byte{0xFF, 0xD8}, app1...), b.Bytes()[2:]...)
}

func gifOf(frames int) []byte {
	g := &gif.GIF{}
	for range frames {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 5, 7), color.Palette{color.Black, color.White}))
		g.Delay = append(g.Delay, 10)
	}
	var b bytes.Buffer
	must(0, gif.EncodeAll(&b, g))
	return b.Bytes()
}

func box(kind string, content ...[]byte) []byte {
	all := bytes.Join(content, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(all))), append([]byte(kind), all...)...)
}

// film makes a video; turned, long and inFragments vary how its header says what it says.
func film(brand string, turned, long, inFragments bool) []byte {
	var mvhd []byte
	ticks := uint32(90_000 * 61)
	if inFragments {
		ticks = 0
	}
	if long {
		mvhd = make([]byte, 112)
		mvhd[0] = 1
		binary.BigEndian.PutUint32(mvhd[20:], 90_000)
		binary.BigEndian.PutUint64(mvhd[24:], uint64(ticks))
	} else {
		mvhd = make([]byte, 100)
		binary.BigEndian.PutUint32(mvhd[12:], 90_000)
		binary.BigEndian.PutUint32(mvhd[16:], ticks)
	}
	tkhd := make([]byte, 84)
	if turned {
		binary.BigEndian.PutUint32(tkhd[44:], 0x10000)
	} else {
		binary.BigEndian.PutUint32(tkhd[40:], 0x10000)
	}
	binary.BigEndian.PutUint16(tkhd[76:], 1920)
	binary.BigEndian.PutUint16(tkhd[80:], 1080)
	sound := box("trak", box("tkhd", make([]byte, 84)), box("mdia", box("hdlr", []byte("\x00\x00\x00\x00\x00\x00\x00\x00soun"))))
	parts := [][]byte{box("mvhd", mvhd), sound, box("trak", box("tkhd", tkhd), box("mdia", box("hdlr", []byte("\x00\x00\x00\x00mhlrvide"))))}
	if inFragments {
		parts = append(parts, box("mvex", box("mehd", binary.BigEndian.AppendUint32(make([]byte, 4), 90_000*61))))
	}
	return bytes.Join([][]byte{box("ftyp", []byte(brand+"\x00\x00\x00\x00"+brand)), box("moov", parts...), box("mdat", []byte("frames"))}, nil)
}

func find(content []byte) (Info, error) {
	kind, err := Sniff(content[:min(len(content), HeadSize)])
	if err != nil {
		return Info{}, err
	}
	return Probe(bytes.NewReader(content), int64(len(content)), kind)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	// A lossless picture of a pixel, and the header of one that moves.
	webp := []byte("RIFF\x1A\x00\x00\x00WEBPVP8L\x0D\x00\x00\x00\x2F\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xFE\x07\x00")
	moving := []byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0A\x00\x00\x00\x02\x00\x00\x00\x1F\x00\x00\x0F\x00\x00")
	// Behind the header of 25 bytes stands the chunk that tells of an animation; decoders of one picture skip it.
	animated := bytes.Join([][]byte{pngOf(3, 2)[:33], []byte("\x00\x00\x00\x08acTL\x00\x00\x00\x02\x00\x00\x00\x00\xF3\x8D\x93\x70"), pngOf(3, 2)[33:]}, nil)
	minute := 61 * time.Second
	for name, c := range map[string]struct {
		content []byte
		want    Info
	}{
		"PNG":                         {pngOf(3, 2), Info{PNG, 3, 2, 0, false}},
		"PNG that is filled up":       {append(pngOf(3, 2), 0, 0, 0), Info{PNG, 3, 2, 0, false}},
		"APNG":                        {animated, Info{PNG, 3, 2, 0, true}},
		"JPEG":                        {jpegOf(30, 20, binary.BigEndian, 1), Info{JPEG, 30, 20, 0, false}},
		"JPEG, upright":               {jpegOf(30, 20, binary.BigEndian, 6), Info{JPEG, 20, 30, 0, false}},
		"JPEG, upright, Intel":        {jpegOf(30, 20, binary.LittleEndian, 8), Info{JPEG, 20, 30, 0, false}},
		"JPEG with a video behind it": {append(jpegOf(30, 20, binary.BigEndian, 3), film("isom", false, false, false)...), Info{JPEG, 30, 20, 0, false}},
		"GIF":                         {gifOf(1), Info{GIF, 5, 7, 0, false}},
		"GIF that moves":              {gifOf(3), Info{GIF, 5, 7, 0, true}},
		"WebP":                        {webp, Info{WebP, 1, 1, 0, false}},
		"WebP that moves":             {moving, Info{WebP, 32, 16, 0, true}},
		"MP4":                         {film("isom", false, false, false), Info{MP4, 1920, 1080, minute, false}},
		"MP4, upright":                {film("mp42", true, false, false), Info{MP4, 1080, 1920, minute, false}},
		"MP4, version 1":              {film("avc1", false, true, false), Info{MP4, 1920, 1080, minute, false}},
		"MP4 in fragments":            {film("iso5", false, false, true), Info{MP4, 1920, 1080, minute, false}},
		"MOV":                         {film("qt  ", false, false, false), Info{MOV, 1920, 1080, minute, false}},
	} {
		if got, err := find(c.content); err != nil || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
}

// Wherever a file is cut off, somebody is told so, and never that the file could not be read.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"PNG": pngOf(3, 2), "JPEG": jpegOf(30, 20, binary.BigEndian, 6), "GIF": gifOf(3), "MP4": film("isom", false, false, false),
	} {
		for n := range content {
			_, err := find(content[:n])
			var fault *Error
			if !errors.As(err, &fault) {
				t.Fatalf("%s, %d of %d bytes: %v", name, n, len(content), err)
			}
		}
	}
}

// What cannot be read for another reason is not the file's fault.
func TestReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	for _, kind := range Types {
		_, err := Probe(failing{broken}, 1000, kind)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)       { return 0, f.err }
func (f failing) Seek(int64, int) (int64, error) { return 0, nil }

// reading counts what is read of a file.
type reading struct {
	io.ReadSeeker
	n int
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadSeeker.Read(p)
	r.n += n
	return n, err
}

func FuzzProbe(f *testing.F) {
	for _, content := range [][]byte{
		pngOf(3, 2), jpegOf(30, 20, binary.BigEndian, 6), gifOf(3), film("isom", true, true, true), film("qt  ", false, false, false),
		[]byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0A\x00\x00\x00\x02\x00\x00\x00\x1F\x00\x00\x0F\x00\x00"),
	} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		kind, err := Sniff(content[:min(len(content), HeadSize)])
		if err != nil {
			return
		}
		file := &reading{ReadSeeker: bytes.NewReader(content)}
		info, err := Probe(file, int64(len(content)), kind)
		var fault *Error
		switch {
		case err != nil && !errors.As(err, &fault):
			t.Errorf("not the file's fault: %v", err)
		case err != nil && strings.TrimSpace(fault.Message) == "":
			t.Error("says nothing")
		case err == nil && (info.Width <= 0 || info.Height <= 0 || info.Width*info.Height > maxPixels || info.Duration < 0 || info.Duration > maxDuration):
			t.Errorf("found %+v", info)
		}
		if limit := 4*len(content) + 100*maxBoxes; file.n > limit {
			t.Errorf("%d bytes were read of %d", file.n, len(content))
		}
	})
}
