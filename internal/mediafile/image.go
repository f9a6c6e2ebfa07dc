package mediafile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// config asks a decoder for the dimensions that an image's header tells. It decodes no pixel.
func config(file io.ReadSeeker, decode func(io.Reader) (image.Config, error), info *Info) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	noted := &noting{Reader: file}
	found, err := decode(noted)
	if err != nil {
		if noted.err != nil {
			return noted.err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errCutOff()
		}
		return refuse("the image is damaged: its header cannot be read")
	}
	info.Width, info.Height = found.Width, found.Height
	_, err = file.Seek(0, io.SeekStart)
	return err
}

// noting notes why something could not be read, which decoders may put into words of their own.
type noting struct {
	io.Reader
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	read, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return read, err
}

// probePNG walks the chunks to the last one (PNG, third edition, section 5). An animation has the chunk acTL.
func probePNG(file io.ReadSeeker, info *Info) error {
	if err := config(file, png.DecodeConfig, info); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 64<<10)
	if _, err := r.Discard(8); err != nil {
		return err
	}
	var header [8]byte
	for picture := false; ; {
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return err
		}
		switch string(header[4:]) {
		case "IDAT":
			picture = true
		case "acTL":
			info.Animated = true
		}
		if _, err := r.Discard(int(binary.BigEndian.Uint32(header[:])) + 4); err != nil { // the content and its checksum
			return err
		}
		if string(header[4:]) == "IEND" {
			if !picture {
				return refuse("the image is damaged: it holds no picture")
			}
			return onlyZeros(r)
		}
	}
}

// onlyZeros refuses a file that goes on after its image's end, but for zero bytes, with which some programs fill it up.
func onlyZeros(r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case b != 0:
			return refuse("the file goes on after the image's end, with something that is no image. Save it anew with an image editor, then upload that")
		}
	}
}

// probeGIF walks the blocks to the trailer and counts the images (GIF89a, section 17 on). Nothing is decompressed.
func probeGIF(file io.ReadSeeker, info *Info) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReader(file)
	var screen [13]byte
	if _, err := io.ReadFull(r, screen[:]); err != nil {
		return err
	}
	info.Width, info.Height = int(binary.LittleEndian.Uint16(screen[6:])), int(binary.LittleEndian.Uint16(screen[8:]))
	if err := skipColours(r, screen[10]); err != nil {
		return err
	}
	frames := 0
	for {
		block, err := r.ReadByte()
		if err != nil {
			return err
		}
		switch block {
		case 0x21: // an extension: its label, then its parts
			if _, err := r.Discard(1); err != nil {
				return err
			}
			if err := skipParts(r); err != nil {
				return err
			}
		case 0x2C: // an image
			if frames++; frames > maxFrames {
				return refuse("the GIF has more than %d images. Upload a shorter one, or a video", maxFrames)
			}
			var descriptor [9]byte
			if _, err := io.ReadFull(r, descriptor[:]); err != nil {
				return err
			}
			// What counts is what decoders make room for.
			w, h := int(binary.LittleEndian.Uint16(descriptor[4:])), int(binary.LittleEndian.Uint16(descriptor[6:]))
			if int64(w)*int64(h) > maxPixels {
				info.Width, info.Height = w, h
				return nil // refused for it
			}
			if err := skipColours(r, descriptor[8]); err != nil {
				return err
			}
			if _, err := r.Discard(1); err != nil { // of the compression
				return err
			}
			if err := skipParts(r); err != nil {
				return err
			}
		case 0x3B:
			if frames == 0 {
				return refuse("the GIF is damaged: it holds no picture")
			}
			info.Animated = frames > 1
			return onlyZeros(r)
		default:
			return refuse("the GIF is damaged: what follows its header is no part of an image")
		}
	}
}

// skipColours skips the colour table that packed fields announce.
func skipColours(r *bufio.Reader, packed byte) error {
	if packed&0x80 == 0 {
		return nil
	}
	_, err := r.Discard(3 << (packed&7 + 1))
	return err
}

// skipParts skips parts of up to 255 bytes, each after its length, up to one of none.
func skipParts(r *bufio.Reader) error {
	for {
		length, err := r.ReadByte()
		if err != nil || length == 0 {
			return err
		}
		if _, err := r.Discard(int(length)); err != nil {
			return err
		}
	}
}

// probeWebP compares the size that the container tells (RIFF, 8 bytes less than the file), and looks for the flag of an
// animation in the extended header.
func probeWebP(file io.ReadSeeker, size int64, info *Info) error {
	if err := config(file, webp.DecodeConfig, info); err != nil {
		return err
	}
	var header [21]byte
	if _, err := io.ReadFull(file, header[:]); err != nil {
		return err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(header[4:]))
	if end > size {
		return errCutOff()
	}
	info.Animated = string(header[12:16]) == "VP8X" && header[20]&0x02 != 0
	if _, err := file.Seek(end, io.SeekStart); err != nil {
		return err
	}
	return onlyZeros(bufio.NewReader(file))
}

// probeJPEG walks the segments to the picture's data, takes the orientation that a camera has noted, and looks for the
// end of the image (ISO/IEC 10918-1, annex B). Cameras write more behind it, such as a smaller picture or a short video,
// which stays.
func probeJPEG(file io.ReadSeeker, info *Info) error {
	if err := config(file, jpeg.DecodeConfig, info); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 64<<10)
	if _, err := r.Discard(2); err != nil {
		return err
	}
	for {
		marker, err := nextMarker(r)
		if err != nil {
			return err
		}
		switch {
		case marker == 0xD9:
			return refuse("the image is damaged: it holds no picture")
		case marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7):
			continue // these stand alone
		}
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return err
		}
		left := int(binary.BigEndian.Uint16(length[:])) - 2
		if left < 0 {
			return refuse("the image is damaged: a part of it has no length")
		}
		if marker == 0xE1 && left <= 64<<10 {
			segment := make([]byte, left)
			if _, err := io.ReadFull(r, segment); err != nil {
				return err
			}
			if turned(segment) {
				info.Width, info.Height = info.Height, info.Width
			}
			continue
		}
		if _, err := r.Discard(left); err != nil {
			return err
		}
		if marker == 0xDA {
			return findEnd(r)
		}
	}
}

// nextMarker reads a marker, which any number of FF may precede.
func nextMarker(r *bufio.Reader) (byte, error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	if b != 0xFF {
		return 0, refuse("the image is damaged: a part of it is missing")
	}
	for b == 0xFF {
		if b, err = r.ReadByte(); err != nil {
			return 0, err
		}
	}
	return b, nil
}

// findEnd reads a picture's data to the end of the image. In it, a marker is what follows FF and is not 00.
func findEnd(r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		for b == 0xFF {
			if b, err = r.ReadByte(); err != nil {
				return err
			}
			if b == 0xD9 {
				return nil
			}
		}
	}
}

// turned tells whether a camera was held upright, so that width and height change places: tag 0x0112 of the first
// directory is 5 to 8 (Exif 2.32, section 4.6.4).
func turned(segment []byte) bool {
	data, found := bytes.CutPrefix(segment, []byte("Exif\x00\x00"))
	if !found || len(data) < 8 {
		return false
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(data[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return false
	}
	entries := int64(order.Uint16(data[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(data)) {
			return false
		}
		if order.Uint16(data[entry:]) == 0x0112 {
			orientation := order.Uint16(data[entry+8:])
			return orientation >= 5 && orientation <= 8
		}
	}
	return false
}
