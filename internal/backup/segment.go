package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"fanfare/internal/bucket"
)

const (
	// encodeWindow and decodeWindow are how far back zstd may refer, when it is written and at most when it is read.
	encodeWindow = 2 << 20
	decodeWindow = 8 << 20
	// maxOverhead is by how much a segment may grow by being stored: encrypted, incompressible, with many recipients.
	maxOverhead = 1 << 20
	contentType = "application/octet-stream"
)

// Segment is an object that holds content.
type Segment struct {
	Segment string `json:"segment"` // its key without the prefix: <backup id>/<number>
	Bytes   int64  `json:"bytes"`   // of content
	Stored  int64  `json:"stored"`  // bytes as it is stored
	SHA256  string `json:"sha256"`  // as it is stored, in hex
}

// segmentKey is the key of a backup's segment, without the prefix. No key is the beginning of another.
func segmentKey(id uuid.UUID, number int) string { return fmt.Sprintf("%s/%08d", id, number) }

// newEncoder makes what compresses: one thread, little memory. What cannot be compressed is stored as it is.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(encodeWindow), zstd.WithLowerEncoderMem(true))
}

// newDecoder makes what decompresses.
func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(decodeWindow))
}

// seal stores an object, compressed and encrypted, and tells its SHA-256 and size as it is stored.
func (r *Repository) seal(ctx context.Context, encoder *zstd.Encoder, key string, content io.Reader) (sum string, stored int64, err error) {
	hash := sha256.New()
	err = r.Store.Write(ctx, key, contentType, func(w io.Writer) error {
		hash.Reset()
		count := &counter{to: io.MultiWriter(w, hash)}
		var out io.Writer = count
		var sealed io.Closer
		if len(r.Recipients) > 0 {
			recipients := make([]age.Recipient, len(r.Recipients))
			for i, recipient := range r.Recipients {
				recipients[i] = recipient
			}
			encrypted, err := age.Encrypt(count, recipients...)
			if err != nil {
				return fmt.Errorf("encrypt: %w", err)
			}
			out, sealed = encrypted, encrypted
		}
		encoder.Reset(out)
		if _, err := io.Copy(encoder, content); err != nil {
			return err
		}
		if err := encoder.Close(); err != nil {
			return err
		}
		if sealed != nil {
			if err := sealed.Close(); err != nil {
				return err
			}
		}
		stored = count.n
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)), stored, err
}

// counter counts what is written.
type counter struct {
	to io.Writer
	n  int64
}

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// unseal decrypts, if it is encrypted, and decompresses.
func (r *Repository) unseal(decoder *zstd.Decoder, sealed io.Reader, encrypted bool) error {
	if encrypted {
		if len(r.Identities) == 0 {
			return ErrIdentity
		}
		plain, err := age.Decrypt(sealed, r.Identities...)
		var none *age.NoIdentityMatchError
		switch {
		case errors.As(err, &none):
			return ErrIdentity
		case err != nil:
			return fmt.Errorf("decrypt: %w", err)
		}
		sealed = plain
	}
	return decoder.Reset(sealed)
}

// fetcher reads segments, one at a time.
type fetcher struct {
	repo      *Repository
	backup    uuid.UUID
	encrypted bool
	decoder   *zstd.Decoder
	stored    bytes.Buffer
	content   []byte
}

// fetch reads a segment and returns its content, until the next call. Nothing is decrypted or decompressed before the
// SHA-256 is found to be right. The error is a *DamageError if the segment is not what the manifest says.
func (f *fetcher) fetch(ctx context.Context, s Segment) ([]byte, error) {
	damage := func(what string, err error) error {
		return &DamageError{Backup: f.backup, Segment: s.Segment, What: what, Err: err}
	}
	object, err := f.repo.Store.Read(ctx, f.repo.Prefix+s.Segment)
	switch {
	case errors.Is(err, bucket.ErrNotFound):
		return nil, damage("is missing", nil)
	case err != nil:
		return nil, fmt.Errorf("read segment %s: %w", s.Segment, err)
	}
	defer object.Close()
	f.stored.Reset()
	f.stored.Grow(int(s.Stored) + 1 + bytes.MinRead)
	n, err := f.stored.ReadFrom(&limited{ctx: ctx, repo: f.repo, from: io.LimitReader(object, s.Stored+1)})
	switch {
	case errors.Is(err, bucket.ErrDamaged):
		return nil, damage("has not the content that was stored", nil)
	case err != nil:
		return nil, fmt.Errorf("read segment %s: %w", s.Segment, err)
	}
	sum := sha256.Sum256(f.stored.Bytes())
	switch {
	case n != s.Stored:
		return nil, damage("has not the size that was stored", nil)
	case hex.EncodeToString(sum[:]) != s.SHA256:
		return nil, damage("has not the content that was stored", nil)
	}
	if f.decoder == nil {
		if f.decoder, err = newDecoder(); err != nil {
			return nil, err
		}
	}
	switch err := f.repo.unseal(f.decoder, &f.stored, f.encrypted); {
	case errors.Is(err, ErrIdentity):
		return nil, err
	case err != nil:
		return nil, damage("cannot be read", err)
	}
	if cap(f.content) < int(s.Bytes)+1 {
		f.content = make([]byte, s.Bytes+1)
	}
	switch n, err := io.ReadFull(f.decoder, f.content[:s.Bytes+1]); {
	case err == nil:
		return nil, damage("holds more than the manifest says", nil)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, damage("cannot be read", err)
	case int64(n) != s.Bytes:
		return nil, damage("holds less than the manifest says", nil)
	}
	return f.content[:s.Bytes], nil
}

// close ends the use of the fetcher.
func (f *fetcher) close() {
	if f.decoder != nil {
		f.decoder.Close()
	}
}
