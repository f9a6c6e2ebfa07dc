// Package dbbackup backs up the database and restores it: one customer, by pg_dump under row-level security, into a
// file; and the whole server, by base backups and archived WAL in a bucket, to any moment since.
//
// What it writes is compressed (zstd) and, for recipients, encrypted (age), and carries checksums (SHA-256) of all that
// is in it. Passwords reach the programs of PostgreSQL by their environment, never by their arguments.
package dbbackup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// ErrDamaged says that what was read is not what was written.
var ErrDamaged = errors.New("damaged")

// ParseRecipients reads the recipients of backups: age's public keys, with commas or spaces between them. None is none.
func ParseRecipients(text string) ([]age.Recipient, error) {
	keys := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	if len(keys) == 0 {
		return nil, nil
	}
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
	if err != nil {
		return nil, errors.New("a recipient must look like age1…, as age-keygen prints it")
	}
	return recipients, nil
}

// ReadIdentities reads a file of age's secret keys, as age-keygen makes it.
func ReadIdentities(path string) ([]age.Identity, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	defer file.Close()
	identities, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("%s does not hold secret keys as age-keygen makes them", path)
	}
	return identities, nil
}

// sealer compresses, and encrypts where there are recipients: age finds what was changed since. Without recipients the end
// is the SHA-256 of what is before it, in a frame that zstd skips. Closing it does not close what it writes to.
type sealer struct {
	*zstd.Encoder
	encrypted io.WriteCloser
	summed    *summedWriter
}

func seal(w io.Writer, recipients []age.Recipient) (*sealer, error) {
	s := &sealer{}
	if len(recipients) > 0 {
		var err error
		if s.encrypted, err = age.Encrypt(w, recipients...); err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		w = s.encrypted
	} else {
		s.summed = &summedWriter{w: w, sum: sha256.New()}
		w = s.summed
	}
	var err error
	if s.Encoder, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return s, nil
}

// Close writes what is left.
func (s *sealer) Close() error {
	if err := s.Encoder.Close(); err != nil {
		return err
	}
	if s.encrypted != nil {
		return s.encrypted.Close()
	}
	_, err := s.summed.w.Write(sumFrame(s.summed.sum))
	return err
}

// sumFrame is a skippable frame of zstd (RFC 8878, section 3.1.2) with a checksum in it.
func sumFrame(sum hash.Hash) []byte {
	return sum.Sum([]byte{0x50, 0x2A, 0x4D, 0x18, sha256.Size, 0, 0, 0})
}

const sumFrameBytes = 8 + sha256.Size

// summedWriter sums what is written.
type summedWriter struct {
	w   io.Writer
	sum hash.Hash
}

// Write writes and sums.
func (s *summedWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	_, _ = s.sum.Write(p[:n]) // a hash never fails to write
	return n, err
}

// summedReader reads up to the frame with the checksum. Where it does not agree, the end is an error.
type summedReader struct {
	r   *bufio.Reader
	sum hash.Hash
}

// Read reads and sums.
func (s *summedReader) Read(p []byte) (int, error) {
	ahead, err := s.r.Peek(min(len(p)+sumFrameBytes, s.r.Size()))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if len(ahead) <= sumFrameBytes {
		if !bytes.Equal(ahead, sumFrame(s.sum)) {
			return 0, errors.New("it is not what was written")
		}
		return 0, io.EOF
	}
	n, err := s.r.Read(p[:min(len(p), len(ahead)-sumFrameBytes)])
	_, _ = s.sum.Write(p[:n]) // a hash never fails to write
	return n, err
}

// unseal reads what a sealer wrote. Its errors are ErrDamaged, but for those of reading r.
func unseal(r io.Reader, identities []age.Identity) (io.ReadCloser, error) {
	const magic = "age-encryption.org/"
	source := &errorKeeper{r: r}
	buffered := bufio.NewReaderSize(source, 64<<10)
	begin, _ := buffered.Peek(len(magic)) // what is too short is no age file
	var compressed io.Reader = &summedReader{r: buffered, sum: sha256.New()}
	if string(begin) == magic {
		if len(identities) == 0 {
			return nil, errors.New("it is encrypted: the file with the secret key of one of its recipients is needed (--identity)")
		}
		var err error
		if compressed, err = age.Decrypt(buffered, identities...); err != nil {
			if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
				return nil, errors.New("it is encrypted for others: none of the secret keys in the identity file opens it")
			}
			return nil, source.blame(err)
		}
	}
	plain, err := zstd.NewReader(compressed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, source.blame(err)
	}
	return &unsealed{plain: plain, source: source}, nil
}

type unsealed struct {
	plain  *zstd.Decoder
	source *errorKeeper
}

// Read reads what was sealed.
func (u *unsealed) Read(p []byte) (int, error) {
	n, err := u.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.source.blame(err)
	}
	return n, err
}

// Close frees what reading needed.
func (u *unsealed) Close() error { u.plain.Close(); return nil }

// errorKeeper tells errors of reading apart from those of what was read.
type errorKeeper struct {
	r   io.Reader
	err error
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		k.err = err
	}
	return n, err
}

// blame is what err means: that reading failed, or that what was read is damaged.
func (k *errorKeeper) blame(err error) error {
	if k.err != nil {
		return k.err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// checked is a value as a line of JSON after its SHA-256, so that one flipped bit is found.
func checked(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return fmt.Appendf(nil, "%x %s\n", sum, text), nil
}

// readChecked reads the line of a checked value.
func readChecked(r *bufio.Reader, v any) error {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		if errors.Is(err, io.EOF) || len(line) > 64<<20 {
			return fmt.Errorf("%w: its first line does not end", ErrDamaged)
		}
	}
	sum, text, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if want := sha256.Sum256(text); string(sum) != hex.EncodeToString(want[:]) {
		return fmt.Errorf("%w: its first line is not what was written", ErrDamaged)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
