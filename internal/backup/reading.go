package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// reading reads files out of segments.
type reading struct {
	manifest *Manifest
	stage    func(at int64, f *File) (Staging, error)
	damaged  func(*DamageError) error // an error ends the reading

	parts []part
	open  *openFile // the file that goes on in the next segment
}

// part is a part of a file, in a segment.
type part struct {
	segment uint32 // of the manifest
	offset  uint32
	bytes   uint32
	first   bool
	at      int64 // the file's line
}

// openFile is a file of which not all parts were read.
type openFile struct {
	at      int64
	file    *File
	hash    hash.Hash
	staging Staging
	read    int64
}

// run reads the files that come from the function.
func (r *reading) run(ctx context.Context, files func(ctx context.Context, fn func(at int64, f *File) error) error) (err error) {
	defer func() {
		if r.open != nil {
			err = errors.Join(err, r.open.staging.Discard())
		}
	}()
	r.parts = make([]part, 0, len(r.manifest.index))
	if err := files(ctx, func(at int64, f *File) error {
		if len(f.Places) == 0 {
			if err := r.begin(at, f); err != nil {
				return err
			}
			return r.end()
		}
		for i, place := range f.Places {
			n, _ := r.manifest.segment(place.Segment)
			r.parts = append(r.parts, part{uint32(n), uint32(place.Offset), uint32(place.Bytes), i == 0, at})
		}
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(r.parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.offset, b.offset)) })
	fetcher := &fetcher{repo: r.manifest.repo, backup: r.manifest.BackupID, encrypted: len(r.manifest.Recipients) > 0}
	defer fetcher.close()
	for len(r.parts) > 0 {
		n := r.parts[0].segment
		count := slices.IndexFunc(r.parts, func(p part) bool { return p.segment != n })
		if count < 0 {
			count = len(r.parts)
		}
		content, err := fetcher.fetch(ctx, r.manifest.segments[n])
		if damage := (*DamageError)(nil); errors.As(err, &damage) {
			if err := r.damaged(damage); err != nil {
				return err
			}
			content = nil
		} else if err != nil {
			return err
		}
		if err := r.segment(content, r.parts[:count]); err != nil {
			return err
		}
		r.parts = r.parts[count:]
	}
	return nil
}

// segment reads the parts that are in a segment. nil content: it is damaged.
func (r *reading) segment(content []byte, parts []part) error {
	end := uint32(0)
	for _, part := range parts {
		if part.offset < end {
			return r.manifest.bad("has files that lie over each other", nil)
		}
		end = part.offset + part.bytes
		switch {
		case content == nil:
			if r.open != nil {
				if err := r.open.staging.Discard(); err != nil {
					return err
				}
				r.open = nil
			}
			continue
		case part.first:
			l, err := r.manifest.at(part.at)
			if err != nil {
				return err
			}
			if err := r.begin(part.at, l.File); err != nil {
				return err
			}
		case r.open == nil:
			continue // its beginning is damaged
		}
		if r.open.at != part.at {
			return r.manifest.bad("has files that lie over each other", nil)
		}
		piece := content[part.offset:end]
		_, _ = r.open.hash.Write(piece)
		if _, err := r.open.staging.Write(piece); err != nil {
			return fmt.Errorf("stage %s/%s: %w", r.open.file.Source, r.open.file.Path, err)
		}
		if r.open.read += int64(len(piece)); r.open.read == r.open.file.Bytes {
			if err := r.end(); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin begins a file.
func (r *reading) begin(at int64, f *File) error {
	if r.open != nil {
		return r.manifest.bad("has files that lie over each other", nil)
	}
	staging, err := r.stage(at, f)
	if err != nil {
		return fmt.Errorf("stage %s/%s: %w", f.Source, f.Path, err)
	}
	r.open = &openFile{at: at, file: f, hash: sha256.New(), staging: staging}
	return nil
}

// end ends the open file, if its content is the right one.
func (r *reading) end() error {
	o := r.open
	r.open = nil
	if hex.EncodeToString(o.hash.Sum(nil)) != o.file.SHA256 {
		if err := o.staging.Discard(); err != nil {
			return err
		}
		return r.damaged(&DamageError{Backup: r.manifest.BackupID, Source: o.file.Source, File: o.file.Path, What: "has not the content that was stored"})
	}
	if err := o.staging.Close(); err != nil {
		return fmt.Errorf("stage %s/%s: %w", o.file.Source, o.file.Path, err)
	}
	return nil
}

// Verify reads the whole backup and checks everything: each segment as it is stored, that it can be decrypted and decompressed, and
// each file's content. What is damaged is in the list, 100 at most, and counts; the error is for what kept it from looking.
func (m *Manifest) Verify(ctx context.Context) (damaged []*DamageError, err error) {
	r := &reading{
		manifest: m,
		stage:    func(int64, *File) (Staging, error) { return nowhere{}, nil },
		damaged: func(err *DamageError) error {
			if len(damaged) < listed {
				damaged = append(damaged, err)
			}
			return nil
		},
	}
	err = r.run(ctx, func(ctx context.Context, fn func(int64, *File) error) error {
		return m.each(ctx, func(at int64, l *line) error {
			if l.File == nil {
				return nil
			}
			return fn(at, l.File)
		})
	})
	if damage := (*DamageError)(nil); errors.As(err, &damage) { // of the manifest
		return append(damaged, damage), nil
	}
	return damaged, err
}

// nowhere is where verified files go.
type nowhere struct{}

// Write forgets.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// Close does nothing.
func (nowhere) Close() error { return nil }

// Discard does nothing.
func (nowhere) Discard() error { return nil }
