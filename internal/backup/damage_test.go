package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/uuid"
)

// damaged says whether an error is about damage.
func damaged(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage)
}

// found fails the test unless the damage of a backup is found: when it is opened or verified, and when it is restored. A
// restore that does not fail must be right, and one that does leaves the target as it was.
func (f *fixture) found(what string, id uuid.UUID, sum string) {
	f.t.Helper()
	m, err := f.Open(f.t.Context(), id, sum)
	if err != nil {
		if !damaged(err) {
			f.t.Errorf("%s: open: %v", what, err)
		}
		return
	}
	defer m.Close()
	list, err := m.Verify(f.t.Context())
	if err != nil || len(list) == 0 {
		f.t.Errorf("%s: verify has found %v, %v", what, list, err)
	}
	dir := f.t.TempDir()
	if err := restore(f.t.Context(), m, f.open(dir), Selection{}, RestoreOptions{}); !damaged(err) {
		f.t.Errorf("%s: restore: %v", what, err)
	}
	if got := content(f.t, dir); len(got) > 0 {
		f.t.Errorf("%s: a damaged backup was restored: %v", what, slices.Collect(maps.Keys(got)))
	}
}

// TestFlippedBit flips a bit of an object, again and again: it is always found.
func TestFlippedBit(t *testing.T) {
	times := 60
	if whole() {
		times = 500
	}
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprint("encrypted ", encrypted), func(t *testing.T) {
			t.Parallel()
			f := setup(t, encrypted)
			f.fill()
			result, id := f.write(WriteOptions{})
			all := objects(t, f.objects)
			names := slices.Sorted(maps.Keys(all))
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			for i := range times {
				name := names[random.IntN(len(names))]
				b := bytes.Clone(all[name])
				bit := random.IntN(8 * len(b))
				b[bit/8] ^= 1 << (bit % 8)
				f.object(name, b)
				f.found(fmt.Sprintf("seed %d, try %d: bit %d of %s", seed, i, bit, name), id, result.ManifestSHA256)
				f.object(name, all[name])
			}
			m := f.manifest(id, result.ManifestSHA256)
			sound(t, m)
		})
	}
}

// object overwrites an object of the bucket, by its path in the bucket's directory. nil deletes it.
func (f *fixture) object(name string, b []byte) {
	f.t.Helper()
	path := filepath.Join(f.objects, name)
	err := os.RemoveAll(path)
	if b != nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// TestBrokenObjects: objects that are missing, cut off, longer, empty, or another's.
func TestBrokenObjects(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	result, id := f.write(WriteOptions{})
	all := objects(t, f.objects)
	names := slices.Sorted(maps.Keys(all)) // the manifest is the last
	for i, name := range names {
		if !whole() && i%5 != 0 && i != len(names)-1 {
			continue
		}
		b, other := all[name], all[names[(i+1)%len(names)]]
		for what, bad := range map[string][]byte{
			"missing": nil, "empty": {}, "cut off": b[:len(b)-1], "half": b[:len(b)/2], "longer": append(bytes.Clone(b), 0), "another's": other,
		} {
			f.object(name, bad)
			f.found(name+" is "+what, id, result.ManifestSHA256)
			f.object(name, b)
		}
	}
	m := f.manifest(id, result.ManifestSHA256)
	sound(t, m)
	// One damaged segment does not hide another.
	segments := slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "manifest") })
	for _, name := range segments[:3] {
		f.object(name, nil)
	}
	if list, err := m.Verify(t.Context()); err != nil || len(list) != 3 {
		t.Errorf("of three missing segments verify has found %v, %v", list, err)
	} else if !strings.Contains(list[0].Error(), "is missing") || list[0].Segment == "" {
		t.Errorf("it says %v", list[0])
	}
}

// TestIdentities: without the right identity nothing is read, and it is not called damage.
func TestIdentities(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	result, id := f.write(WriteOptions{})
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for what, identities := range map[string][]age.Identity{"none": nil, "another": {other}} {
		f.Identities = identities
		if m, err := f.Open(t.Context(), id, result.ManifestSHA256); m != nil || !errors.Is(err, ErrIdentity) || damaged(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.Identities = []age.Identity{other, f.identity}
	m := f.manifest(id, result.ManifestSHA256)
	sound(t, m)
	// An identity that is lost later: the segments cannot be read either.
	f.Identities = []age.Identity{other}
	if _, err := m.Verify(t.Context()); !errors.Is(err, ErrIdentity) {
		t.Errorf("verify: %v", err)
	}
	// For other recipients nothing is used again: they could not read it.
	f.Recipients = []Recipient{other.Recipient()}
	if second, _ := f.write(WriteOptions{Previous: m}); second.Totals.StoredFiles != second.Totals.Files {
		t.Errorf("for other recipients it has stored %+v", second.Totals)
	}
}

// forge stores a manifest of any lines and returns its SHA-256.
func (f *fixture) forge(id uuid.UUID, lines ...any) string {
	f.t.Helper()
	var text bytes.Buffer
	for _, l := range lines {
		if raw, ok := l.(string); ok {
			text.WriteString(raw)
			continue
		}
		b, err := json.Marshal(l)
		if err != nil {
			f.t.Fatal(err)
		}
		text.Write(append(b, '\n'))
	}
	return f.seals(f.manifestKey(id), &text).SHA256
}

// seals stores an object.
func (f *fixture) seals(key string, content io.Reader) Segment {
	f.t.Helper()
	encoder, err := newEncoder()
	if err != nil {
		f.t.Fatal(err)
	}
	sum, stored, err := f.seal(f.t.Context(), encoder, key, content)
	if err != nil {
		f.t.Fatal(err)
	}
	return Segment{SHA256: sum, Stored: stored}
}

// TestHostileManifest: a manifest with the right SHA-256 that is made to do harm. The first of each kind is good.
func TestHostileManifest(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.CheckPath = func(path string) error {
		if strings.HasPrefix(path, ".fanfare") {
			return errors.New("it is reserved")
		}
		return nil
	}
	id := uuid.New()
	text := []byte("0123456789")
	sum := sha256.Sum256(text)
	segment := func(n int, bytes int64) Segment {
		s := f.seals(f.Prefix+segmentKey(id, n), strings.NewReader(string(text[:bytes])))
		s.Segment, s.Bytes = segmentKey(id, n), bytes
		return s
	}
	first, second := segment(0, 10), segment(1, 10)
	place := func(n int, offset, bytes int64) Place { return Place{segmentKey(id, n), offset, bytes} }
	file := func(path string, places ...Place) *File {
		f := &File{Source: "shared", Path: path, SHA256: hex.EncodeToString(sum[:]), Places: places}
		for _, p := range places {
			f.Bytes += p.Bytes
		}
		return f
	}
	good := func(path string) *File { return file(path, place(0, 0, 10)) }
	head := func(change func(*Head), lines []any) []any {
		h := Head{Format: formatName, Version: formatVersion, BackupID: id, CustomerID: f.CustomerID, Kind: "backup"}
		for _, r := range f.Recipients {
			h.Recipients = append(h.Recipients, r.String())
		}
		total := SourceTotal{Name: "shared"}
		for _, l := range lines {
			if l, ok := l.(line); ok {
				switch {
				case l.Segment != nil:
					h.Totals.Segments++
				case l.Directory != nil:
					total.Directories++
				case l.File != nil:
					total.Files++
					total.Bytes += l.File.Bytes
				case l.LeftOut != nil:
					h.Totals.LeftOut++
				}
			}
		}
		h.Totals.Files, h.Totals.Directories, h.Totals.Bytes = total.Files, total.Directories, total.Bytes
		h.Sources = []SourceTotal{total}
		if change != nil {
			change(&h)
		}
		return append([]any{line{Head: &h}}, lines...)
	}
	both := []any{line{Segment: &first}, line{Segment: &second}}
	with := func(files ...*File) []any {
		lines := slices.Clone(both)
		for _, file := range files {
			lines = append(lines, line{File: file})
		}
		return head(nil, lines)
	}
	changed := func(change func(*Head)) []any {
		return head(change, append(slices.Clone(both), line{File: good("a")}))
	}
	for what, lines := range map[string][]any{
		"good":               with(good("a"), file("empty/file")),
		"differing by case":  with(good("a"), file("A", place(1, 0, 10))),
		"two in one segment": with(file("a", place(0, 0, 10)), file("empty")),
	} {
		for i := range lines { // an empty file has another sum
			if l, ok := lines[i].(line); ok && l.File != nil && l.File.Bytes == 0 {
				none := sha256.Sum256(nil)
				l.File.SHA256 = hex.EncodeToString(none[:])
			}
		}
		m, err := f.Open(t.Context(), id, f.forge(id, lines...))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sound(t, m)
		if got := content(t, f.restore(m)); len(got) < 2 {
			t.Errorf("%s: restored %v", what, got)
		}
		m.Close()
	}
	huge := first
	huge.Bytes = 1 << 40
	none := first
	none.Bytes = 0
	outside := first
	outside.Segment = "../" + first.Segment
	short := first
	short.Segment = strings.TrimSuffix(first.Segment, "0")
	negative := good("a")
	negative.Bytes = -10
	sumless := good("a")
	sumless.SHA256 = "abc"
	lies := good("a")
	lies.Bytes = 11
	foreign := good("a")
	foreign.Source = "other"
	for what, lines := range map[string][]any{
		"nothing":                     {},
		"not JSON":                    {"hello\n"},
		"no head":                     {line{Segment: &first}},
		"no object":                   {"[]\n"},
		"binary":                      {string([]byte{0xff, 0xfe, 0})},
		"a line of 40 MB":             {strings.Repeat(" ", 40<<20)},
		"cut off":                     append(with(good("a")), `{"file":{"source":"sha`),
		"of another format":           changed(func(h *Head) { h.Format = "tar" }),
		"of another backup":           changed(func(h *Head) { h.BackupID = uuid.New() }),
		"of another customer":         changed(func(h *Head) { h.CustomerID = uuid.New() }),
		"too few files":               changed(func(h *Head) { h.Totals.Files = 0 }),
		"too many files":              changed(func(h *Head) { h.Totals.Files = 2 }),
		"very many files":             changed(func(h *Head) { h.Totals.Files = 1 << 61 }),
		"overflowing files":           changed(func(h *Head) { h.Totals.Files, h.Totals.Directories = math.MaxInt64, math.MaxInt64 }),
		"negative files":              changed(func(h *Head) { h.Totals.Files = -1 }),
		"other bytes":                 changed(func(h *Head) { h.Totals.Bytes++ }),
		"other segments":              changed(func(h *Head) { h.Totals.Segments++ }),
		"other left out":              changed(func(h *Head) { h.Totals.LeftOut++ }),
		"other totals of a source":    changed(func(h *Head) { h.Sources[0].Bytes++ }),
		"a source twice":              changed(func(h *Head) { h.Sources = append(h.Sources, h.Sources[0]) }),
		"a source above":              changed(func(h *Head) { h.Sources[0].Name = "../shared" }),
		"no source":                   changed(func(h *Head) { h.Sources = nil }),
		"two heads":                   append(with(good("a")), with()[0]),
		"a line of two kinds":         append(with(good("a")), line{Directory: &Dir{"shared", "d"}, File: good("../../evil")}),
		"an empty line of no kind":    append(with(good("a")), "{}\n"),
		"a segment after files":       head(nil, []any{line{Segment: &first}, line{File: good("a")}, line{Segment: &second}}),
		"segments out of order":       head(nil, []any{line{Segment: &second}, line{Segment: &first}}),
		"a segment twice":             head(nil, []any{line{Segment: &first}, line{Segment: &first}}),
		"a segment of a TB":           head(nil, []any{line{Segment: &huge}}),
		"an empty segment":            head(nil, []any{line{Segment: &none}}),
		"a segment outside":           head(nil, []any{line{Segment: &outside}}),
		"a segment of an odd name":    head(nil, []any{line{Segment: &short}}),
		"a file of another source":    with(foreign),
		"a file without a sum":        with(sumless),
		"a file of negative size":     with(negative),
		"a file longer than it is":    with(lies),
		"a file in no segment":        with(file("a", place(7, 0, 10))),
		"a file past the end":         with(file("a", place(0, 1, 10))),
		"a file before the beginning": with(file("a", place(0, -1, 10))),
		"a file far past the end":     with(file("a", place(0, math.MaxInt64-3, 10))),
		"a part of nothing":           with(file("a", place(0, 0, 0), place(1, 0, 10))),
		"a part of negative size":     with(file("a", place(0, 5, -5), place(1, 0, 10))),
		"a gap between parts":         with(file("a", place(0, 0, 5), place(1, 0, 10))),
		"a gap in front of a part":    with(file("a", place(0, 0, 10), place(1, 5, 5))),
		"parts in reverse":            with(file("a", place(1, 0, 10), place(0, 0, 10))),
		"a part twice":                with(file("a", place(0, 0, 10), place(0, 0, 10))),
		"files over each other":       with(good("a"), good("b")),
		"files that cross":            with(file("a", place(0, 5, 5), place(1, 0, 5)), file("b", place(0, 8, 2), place(1, 0, 10))),
		"the wrong content":           with(file("a", place(0, 0, 9))),
		"a path twice":                with(good("a"), file("a", place(1, 0, 10))),
		"a path twice, a directory":   head(nil, append(slices.Clone(both), line{Directory: &Dir{"shared", "a"}}, line{File: good("a")})),
		"a path below a file":         with(good("a"), file("a/b", place(1, 0, 10))),
		"a path far below a file":     with(good("a"), file("a/b/c/d", place(1, 0, 10))),
		"a path above a file":         with(file("a/b/c", place(1, 0, 10)), good("a")),
		"the path ..":                 with(good("..")),
		"the path ../a":               with(good("../a")),
		"the path a/../../b":          with(good("a/../../b")),
		"the path /etc/passwd":        with(good("/etc/passwd")),
		"the path ./a":                with(good("./a")),
		"the path .":                  with(good(".")),
		"the path a/":                 with(good("a/")),
		"the path a//b":               with(good("a//b")),
		"no path":                     with(good("")),
		"a path with NUL":             with(good("a\x00b")),
		"a name of 10,000 bytes":      with(good(strings.Repeat("a", 10_000))),
		"a path of 10,000 bytes":      with(good(strings.Repeat("a/", 5_000) + "a")),
		"a path that is reserved":     with(good(".fanfare/x")),
		"a directory above":           head(nil, []any{line{Directory: &Dir{"shared", "../d"}}}),
	} {
		f.found(what, id, f.forge(id, lines...))
	}
	later := changed(func(h *Head) { h.Version = 2 })
	if _, err := f.Open(t.Context(), id, f.forge(id, later...)); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("of a later version: %v", err)
	}
}

// TestBomb: a segment that says it has ten bytes, and has gigabytes.
func TestBomb(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	id := uuid.New()
	size := int64(256 << 20)
	if whole() {
		size = 8 << 30
	}
	bomb := f.seals(f.Prefix+segmentKey(id, 0), io.LimitReader(zeros{}, size))
	bomb.Segment, bomb.Bytes = segmentKey(id, 0), 10
	sum := sha256.Sum256(make([]byte, 10))
	file := &File{Source: "shared", Path: "a", Bytes: 10, SHA256: hex.EncodeToString(sum[:]), Places: []Place{{bomb.Segment, 0, 10}}}
	head := &Head{
		Format: formatName, Version: formatVersion, BackupID: id, CustomerID: f.CustomerID,
		Sources: []SourceTotal{{Name: "shared", Files: 1, Bytes: 10}}, Totals: Totals{Files: 1, Bytes: 10, Segments: 1},
	}
	f.found("a bomb", id, f.forge(id, line{Head: head}, line{Segment: &bomb}, line{File: file}))
}

// zeros are without end.
type zeros struct{}

// Read fills with zeros.
func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
