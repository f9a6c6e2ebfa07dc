package dbbackup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"fanfare/internal/bucket"
)

// Repository is where base backups and WAL are, in a bucket below database/:
//
//	database/base/<id>/<n>         the parts of what pg_basebackup wrote (tar), compressed and encrypted as a whole
//	database/base/<id>/manifest    says what is in them; a backup without it is not whole
//	database/wal/<tli+log>/<name>  a file of WAL: a line about it, and its content compressed and encrypted
//
// A repository is of one cluster.
type Repository struct {
	Bucket *bucket.Bucket
	// Recipients encrypt what is written; without any, nothing is encrypted. Identities decrypt what is read.
	Recipients []age.Recipient
	Identities []age.Identity
}

const (
	basePrefix = "database/base/"
	walPrefix  = "database/wal/"
)

// Base is a base backup that is whole.
type Base struct {
	ID string `json:"id"`
	// FinishedAt is when the last part was stored. The backup can be restored to this moment and to any later one.
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	// System is the cluster's identifier; Version is that of its server, such as 15.4.
	System  string `json:"system"`
	Version string `json:"version"`
	// Timeline and WAL between StartLSN and EndLSN are what it needs at least.
	Timeline     uint32 `json:"timeline"`
	StartLSN     string `json:"start_lsn"`
	EndLSN       string `json:"end_lsn"`
	SegmentBytes uint64 `json:"segment_bytes"`
	// Bytes and SHA256 are of the tar; Parts are what is stored.
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Parts     []Part `json:"parts"`
	Encrypted bool   `json:"encrypted"`
}

// Part is one file of a base backup, as it is stored.
type Part struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Stored is how much room the parts take, in bytes.
func (b *Base) Stored() (sum int64) {
	for _, p := range b.Parts {
		sum += p.Bytes
	}
	return sum
}

func (b *Base) part(n int) string { return fmt.Sprintf("%s%s/%06d", basePrefix, b.ID, n) }

func manifestKey(id string) string { return basePrefix + id + "/manifest" }

// idLayout begins the id of a base backup: when it was begun.
const idLayout = "20060102T150405Z"

var baseID = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{4}$`)

// List gives the base backups that are whole, the oldest first. Where manifests are damaged, it gives the others and an
// error that is ErrDamaged.
func (r *Repository) List(ctx context.Context) (bases []*Base, err error) {
	ids, _, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		b, baseErr := r.base(ctx, id)
		switch {
		case errors.Is(baseErr, ErrDamaged):
			err = errors.Join(err, baseErr)
		case baseErr != nil:
			return nil, baseErr
		default:
			bases = append(bases, b)
		}
	}
	return bases, err
}

// ids lists the base backups with a manifest, and those without.
func (r *Repository) ids(ctx context.Context) (whole, half []string, err error) {
	manifests := map[string]bool{}
	err = r.Bucket.Each(ctx, basePrefix, func(key string) error {
		id, name, _ := strings.Cut(strings.TrimPrefix(key, basePrefix), "/")
		if baseID.MatchString(id) {
			manifests[id] = manifests[id] || name == "manifest"
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list base backups: %w", err)
	}
	for id, there := range manifests {
		if there {
			whole = append(whole, id)
		} else {
			half = append(half, id)
		}
	}
	slices.Sort(whole)
	slices.Sort(half)
	return whole, half, nil
}

// base reads the manifest of a base backup.
func (r *Repository) base(ctx context.Context, id string) (*Base, error) {
	if !baseID.MatchString(id) {
		return nil, fmt.Errorf("%q is not the id of a base backup; see 'fanfare backup list'", id)
	}
	file, err := r.Bucket.Read(ctx, manifestKey(id))
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, fmt.Errorf("there is no whole base backup %s; see 'fanfare backup list'", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", id, err)
	}
	defer file.Close()
	b := &Base{}
	if err := readChecked(bufio.NewReader(file), b); err != nil {
		return nil, fmt.Errorf("the manifest of %s: %w", id, err)
	}
	if b.ID != id {
		return nil, fmt.Errorf("the manifest of %s: %w: it is of %s", id, ErrDamaged, b.ID)
	}
	return b, nil
}

// lsn reads a place in the WAL such as 0/3000028.
func lsn(text string) (uint64, error) {
	high, low, found := strings.Cut(text, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	if !found || err != nil || err2 != nil {
		return 0, fmt.Errorf("%q is not a place in the WAL", text)
	}
	return h<<32 | l, nil
}

// segmentName is how the file of a segment is named.
func segmentName(timeline uint32, segment, segmentBytes uint64) string {
	perLog := uint64(1) << 32 / segmentBytes
	return fmt.Sprintf("%08X%08X%08X", timeline, segment/perLog, segment%perLog)
}

// segmentNumber is the inverse of segmentName.
func segmentNumber(name string, segmentBytes uint64) (timeline uint32, segment uint64) {
	t, _ := strconv.ParseUint(name[:8], 16, 32) // the name was matched before
	log, _ := strconv.ParseUint(name[8:16], 16, 32)
	low, _ := strconv.ParseUint(name[16:24], 16, 32)
	return uint32(t), log*(uint64(1)<<32/segmentBytes) + low
}

// copyBuffered copies with memory that does not grow.
func copyBuffered(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 256<<10))
}
