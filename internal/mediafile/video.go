package mediafile

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"time"
)

// Limits on the boxes of a video: what is below them is read, however the file is made.
const (
	maxBoxes = 20_000 // in all that are looked at; a recording in pieces of a second has two for each
	maxDepth = 4      // moov, trak, mdia, hdlr
)

// maxDuration is the longest video that is taken; a longer one says something wrong.
const maxDuration = 24 * time.Hour

// brandType tells by the brands in a file's first box what it is (ISO/IEC 14496-12, section 4.3): a film, or one of the
// images and sounds that come in such boxes too.
func brandType(head []byte) string {
	size := int(min(binary.BigEndian.Uint32(head), uint32(len(head))))
	if size < 12 {
		return ""
	}
	brands := []string{string(head[8:12])}
	for at := 16; at+4 <= size; at += 4 {
		brands = append(brands, string(head[at:at+4]))
	}
	switch brands[0] {
	case "qt  ":
		return MOV
	case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis", "crx ", "jp2 ", "jpm ", "M4A ", "M4B ", "M4P ":
		return ""
	}
	for _, brand := range brands {
		switch brand {
		case "isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "hvc1", "M4V ", "M4VH", "M4VP", "dash", "MSNV", "XAVC", "f4v ":
			return MP4
		}
	}
	return ""
}

// video is what the boxes of a file have told so far.
type video struct {
	file  io.ReadSeeker
	info  *Info
	boxes int

	media                 bool   // there are pictures and sounds
	header                bool   // moov is there
	timescale             uint32 // ticks a second
	duration, inFragments uint64 // in ticks

	// of the track that is being read
	width, height int
	isVideo       bool
}

// probeVideo walks the boxes of a file (ISO/IEC 14496-12, sections 4 and 8): all on the first level, which must fill the
// file, and of those in the box moov the few that say how large and how long the film is. moov often stands at the end.
func probeVideo(file io.ReadSeeker, size int64, info *Info) error {
	v := &video{file: file, info: info}
	if err := v.walk(0, size, 1); err != nil {
		return err
	}
	switch {
	case !v.header:
		return refuse("the video is damaged or cut off: it has no header (moov). Upload it again")
	case !v.media:
		return refuse("the video is damaged or cut off: it holds no pictures. Upload it again")
	case info.Width == 0:
		return refuse("the file holds no pictures that could be shown, perhaps only sound")
	}
	ticks := max(v.duration, v.inFragments)
	if ticks == 0 {
		return nil
	}
	if v.timescale == 0 {
		return refuse("the video is damaged: it does not say how long it is")
	}
	hi, lo := bits.Mul64(ticks, 1000)
	if hi >= uint64(v.timescale) {
		return refuse("the video is damaged: it says that it lasts for years")
	}
	milliseconds, _ := bits.Div64(hi, lo, uint64(v.timescale))
	if milliseconds > uint64(maxDuration/time.Millisecond) {
		return refuse("the video says that it lasts longer than a day")
	}
	info.Duration = time.Duration(milliseconds) * time.Millisecond
	return nil
}

// walk reads the boxes from start to end, on the given level.
func (v *video) walk(start, end int64, depth int) error {
	for at := start; at < end; {
		if v.boxes++; v.boxes > maxBoxes {
			return refuse("the video is made of too many parts. Save it anew as a plain MP4, then upload that")
		}
		kind, content, next, err := v.box(at, end)
		if err != nil {
			return err
		}
		if err := v.take(kind, content, next, depth); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// box reads the header of the box at a place: its kind, where its content begins, and where it ends.
func (v *video) box(at, end int64) (kind string, content, next int64, err error) {
	var header [16]byte
	if end-at < 8 {
		return "", 0, 0, errCutOff()
	}
	if err := v.read(at, header[:8]); err != nil {
		return "", 0, 0, err
	}
	length, head := uint64(binary.BigEndian.Uint32(header[:])), uint64(8)
	switch length {
	case 0: // to the end of what it is in
		length = uint64(end - at)
	case 1:
		if end-at < 16 {
			return "", 0, 0, errCutOff()
		}
		if err := v.read(at+8, header[8:]); err != nil {
			return "", 0, 0, err
		}
		length, head = binary.BigEndian.Uint64(header[8:]), 16
	}
	if length < head {
		return "", 0, 0, refuse("the video is damaged: a part of it has no length")
	}
	if length > uint64(end-at) {
		return "", 0, 0, errCutOff()
	}
	return string(header[4:8]), at + int64(head), at + int64(length), nil
}

func (v *video) read(at int64, into []byte) error {
	if _, err := v.file.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.ReadFull(v.file, into)
	return err
}

// take looks at a box where it stands in the right place.
func (v *video) take(kind string, start, end int64, depth int) error {
	switch {
	case depth == 1 && (kind == "mdat" || kind == "imda"):
		v.media = v.media || end > start
	case depth == 1 && kind == "moov":
		if v.header {
			return refuse("the video is damaged: it has two headers")
		}
		v.header = true
		return v.walk(start, end, depth+1)
	case depth == 2 && kind == "mvhd":
		return v.movieHeader(start, end)
	case depth == 2 && kind == "mvex":
		return v.walk(start, end, depth+1)
	case depth == 3 && kind == "mehd":
		return v.fragmentsHeader(start, end)
	case depth == 2 && kind == "trak":
		v.width, v.height, v.isVideo = 0, 0, false
		if err := v.walk(start, end, depth+1); err != nil {
			return err
		}
		if v.isVideo && v.info.Width == 0 {
			v.info.Width, v.info.Height = v.width, v.height
		}
	case depth == 3 && kind == "tkhd":
		return v.trackHeader(start, end)
	case depth == 3 && kind == "mdia":
		return v.walk(start, end, depth+1)
	case depth == maxDepth && kind == "hdlr":
		var handler [12]byte
		if err := v.content(start, end, handler[:]); err != nil {
			return err
		}
		v.isVideo = v.isVideo || string(handler[8:]) == "vide"
	}
	return nil
}

// content reads the beginning of a box's content.
func (v *video) content(start, end int64, into []byte) error {
	if end-start < int64(len(into)) {
		return refuse("the video is damaged: a part of it is too short")
	}
	return v.read(start, into)
}

// full reads the content of a box that has a version: short bytes of it in version 0, long in version 1.
func (v *video) full(start, end int64, short, long int) (content []byte, wide bool, err error) {
	var version [1]byte
	if err := v.content(start, end, version[:]); err != nil {
		return nil, false, err
	}
	content = make([]byte, short)
	if wide = version[0] == 1; wide {
		content = make([]byte, long)
	}
	return content, wide, v.content(start, end, content)
}

// movieHeader: version and flags, made and changed, timescale, duration. All ones: it is not known.
func (v *video) movieHeader(start, end int64) error {
	b, wide, err := v.full(start, end, 20, 32)
	if err != nil {
		return err
	}
	if wide {
		v.timescale, v.duration = binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint64(b[24:])
	} else {
		v.timescale, v.duration = binary.BigEndian.Uint32(b[12:]), uint64(binary.BigEndian.Uint32(b[16:]))
	}
	if (wide && v.duration == math.MaxUint64) || (!wide && v.duration == math.MaxUint32) {
		v.duration = 0
	}
	return nil
}

// fragmentsHeader: how long a film in fragments is.
func (v *video) fragmentsHeader(start, end int64) error {
	b, wide, err := v.full(start, end, 8, 12)
	if err != nil {
		return err
	}
	if wide {
		v.inFragments = binary.BigEndian.Uint64(b[4:])
	} else {
		v.inFragments = uint64(binary.BigEndian.Uint32(b[4:]))
	}
	return nil
}

// trackHeader ends with a matrix of nine numbers, by which a phone says that it was held upright, then width and height
// with 16 bits behind the point.
func (v *video) trackHeader(start, end int64) error {
	b, _, err := v.full(start, end, 84, 96)
	if err != nil {
		return err
	}
	width, height := b[len(b)-8:], b[len(b)-4:]
	v.width, v.height = int(binary.BigEndian.Uint16(width)), int(binary.BigEndian.Uint16(height))
	matrix := b[len(b)-44:]
	if binary.BigEndian.Uint32(matrix) == 0 && binary.BigEndian.Uint32(matrix[4:]) != 0 {
		v.width, v.height = v.height, v.width // a quarter turn
	}
	return nil
}
