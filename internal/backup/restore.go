package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
)

// Action is what a restore does to a path.
type Action string

// The actions.
const (
	Create    Action = "create"
	Replace   Action = "replace"
	Unchanged Action = "unchanged"
	Remove    Action = "remove"
)

// Change is one entry of a plan.
type Change struct {
	Source    string `json:"source"`
	Path      string `json:"path"`
	Action    Action `json:"action"`
	Directory bool   `json:"directory,omitempty"`
	Bytes     int64  `json:"bytes"` // of the file that is restored or removed

	Line int64 `json:"-"` // where the manifest has it; the number under which it is staged
	// InWay, of what is removed: something of the backup takes its place.
	InWay bool `json:"-"`
}

// plannedChange is a change in a scratch file.
type plannedChange struct {
	Change
	Line  int64 `json:"line"`
	InWay bool  `json:"in_way"`
}

// Selection is what is to be restored.
type Selection struct {
	Source string // empty: all sources that have a target
	Path   string // a file, or a directory with everything below it; empty: everything
	// Leave says what is not restored all the same, such as what belongs to nothing any more. May be nil.
	Leave func(source, path string) bool
}

// has says whether a path is selected.
func (s Selection) has(name string) bool {
	return s.Path == "" || name == s.Path || strings.HasPrefix(name, s.Path+"/")
}

// RestoreOptions say how to restore.
type RestoreOptions struct {
	// Exact removes what the backup does not have. Else only what stands in the way of something is removed.
	Exact bool
}

// Counts count the changes of a plan. Unchanged counts files only.
type Counts struct {
	Create    int64 `json:"create"`
	Replace   int64 `json:"replace"`
	Unchanged int64 `json:"unchanged"`
	Remove    int64 `json:"remove"`
	Bytes     int64 `json:"bytes"` // of the files that are created or replaced
	// Kept counts what a restore would remove and cannot, since what it is called is no path, and the directories in which that is.
	Kept int64 `json:"kept"`
}

// Growth is the room that a restore takes of a target.
type Growth struct {
	Staged  int64 // bytes of the files that are staged, all of them before any is in its place
	Files   int64 // that are staged
	Bytes   int64 // by how many bytes all files together grow in the end; below zero if they take less
	Entries int64 // how many files and directories there are more
}

// Plan is what a restore would do. It must be closed.
type Plan struct {
	Counts  Counts
	Changes []Change          // the first 1,000 that change something
	Growth  map[string]Growth // of the targets, by the names of their sources

	manifest *Manifest
	targets  map[string]Target
	lines    *scratchLines // plannedChange: all removals, a directory after what is in it, then everything else
	losses   []uint64      // see Losses
}

// listedChanges is how many changes a plan lists.
const listedChanges = 1000

// MaxLosses is how much a restore may remove and replace.
const MaxLosses = 1_000_000

// ErrTooMuch says that a restore would remove or replace more than MaxLosses files and directories.
var ErrTooMuch = errors.New("the restore would remove or replace too much at once")

// ErrNotEmpty says that a directory cannot be removed, as something is in it of which the plan does not tell.
var ErrNotEmpty = errors.New("the directory is not empty")

// ErrNothingSelected says that the backup has nothing of what was selected.
var ErrNothingSelected = errors.New("the backup has no such source or path")

// Close ends the use of the plan.
func (p *Plan) Close() { p.lines.close() }

// Plan compares a backup with the targets, by their sources' names, and says what a restore would do; it changes nothing. A file
// of the same size is read to see whether it is the same, unless its stamp is.
func (m *Manifest) Plan(ctx context.Context, targets map[string]Target, sel Selection, o RestoreOptions) (_ *Plan, err error) {
	p := &Plan{manifest: m, targets: map[string]Target{}, Growth: map[string]Growth{}}
	for _, source := range m.Sources {
		if target := targets[source.Name]; target != nil && (sel.Source == "" || sel.Source == source.Name) {
			p.targets[source.Name] = target
		}
	}
	if p.lines, err = m.repo.scratchLines(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	actions := make([]Action, len(m.index))
	for _, source := range m.Sources {
		if target := p.targets[source.Name]; target != nil {
			if err := p.compare(ctx, source.Name, target, sel, o, actions); err != nil {
				return nil, err
			}
		}
	}
	selected := false
	if err := m.each(ctx, func(at int64, l *line) error {
		source, name := l.name()
		if name == "" || p.targets[source] == nil || !sel.has(name) || sel.Leave != nil && sel.Leave(source, name) {
			return nil
		}
		selected = true
		action := cmp.Or(actions[m.position(source, name, at)], Create)
		change := Change{Source: source, Path: name, Action: action, Directory: l.Directory != nil, Line: at}
		if l.File != nil {
			change.Bytes = l.File.Bytes
		}
		return p.add(change)
	}); err != nil {
		return nil, err
	}
	if !selected && (sel.Path != "" || len(p.targets) == 0) {
		return nil, ErrNothingSelected
	}
	return p, nil
}

// compare looks at what is in a target: what is to be removed, replaced, or can stay.
func (p *Plan) compare(ctx context.Context, source string, target Target, sel Selection, o RestoreOptions, actions []Action) error {
	var removed []removal // directories, each in the one before
	leave := func(name string) error {
		for n := len(removed) - 1; n >= 0 && !strings.HasPrefix(name, removed[n].Path+"/"); n-- {
			if err := p.remove(source, removed[n]); err != nil {
				return err
			}
			removed = removed[:n]
		}
		return nil
	}
	err := target.Walk(ctx, func(e Entry) error {
		if err := leave(e.Path); err != nil {
			return err
		}
		remove := func(inWay bool) error {
			r := removal{e, inWay, false}
			if e.Kind == Directory {
				removed = append(removed, r) // it is removed after what is in it
				return nil
			}
			return p.remove(source, r)
		}
		switch {
		case len(removed) > 0 && e.Unnamed:
			for i := range removed {
				removed[i].kept = true
			}
			p.Counts.Kept++
			return nil
		case len(removed) > 0:
			return remove(false)
		case e.Unnamed:
			if o.Exact && sel.has(e.Path) {
				p.Counts.Kept++
			}
			return nil
		case !sel.has(e.Path):
			if e.Kind != Directory && strings.HasPrefix(sel.Path, e.Path+"/") {
				return remove(true)
			}
			return nil
		}
		l, at, err := p.manifest.find(source, e.Path)
		switch {
		case err != nil:
			return err
		case l == nil && !o.Exact:
			return nil
		case l == nil, (l.Directory != nil) != (e.Kind == Directory), e.Kind == Other: // what is no plain file makes room for one, and is never written through
			return remove(l != nil)
		}
		action := Unchanged
		if l.File != nil {
			same, err := p.manifest.same(ctx, l.File, target, e)
			if err != nil {
				return err
			}
			if !same {
				action = Replace
				if err := p.lose(source, e); err != nil {
					return err
				}
				p.grow(source, Growth{Bytes: -e.Bytes})
			}
		}
		actions[p.manifest.position(source, e.Path, at)] = action
		return nil
	})
	if err == nil {
		err = leave("")
	}
	if err != nil {
		return fmt.Errorf("look at the target %s: %w", source, err)
	}
	return nil
}

// same says whether a file of a tree is the one of the backup. One that cannot be read is not.
func (m *Manifest) same(ctx context.Context, f *File, tree Source, e Entry) (bool, error) {
	if e.Kind != Regular || e.Bytes != f.Bytes || e.Executable != f.Executable {
		return false, nil
	}
	if e.Stamp == f.Stamp && e.Stamp != (Stamp{}) && e.Modified.Equal(f.Modified) && !f.Unstable {
		return true, nil
	}
	key := m.hash(f.Source, f.Path)
	if c, ok := m.compared[key]; ok && e.Stamp != (Stamp{}) && c.stamp == e.Stamp {
		return c.same, nil
	}
	began := time.Now()
	sum, err := m.repo.sum(ctx, tree, e.Path, f.Bytes)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	same := err == nil && sum == f.SHA256
	if e.Stamp != (Stamp{}) && began.Sub(time.Unix(0, e.Stamp.Changed)) > m.repo.settle() {
		if m.compared == nil {
			m.compared = map[uint64]compared{}
		}
		m.compared[key] = compared{e.Stamp, same}
	}
	return same, nil
}

// compared is what was found when a file was read; as long as its stamp stays, it need not be read again.
type compared struct {
	stamp Stamp
	same  bool
}

// sum is the SHA-256 of a file, in hex, if it is not longer than size; else that of its beginning.
func (r *Repository) sum(ctx context.Context, tree Source, path string, size int64) (string, error) {
	in, err := tree.Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, &limited{ctx: ctx, repo: r, from: io.LimitReader(in, size+1)}, make([]byte, min(chunkSize, size+1))); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// add puts a change into the plan.
func (p *Plan) add(c Change) error {
	switch c.Action {
	case Create:
		p.Counts.Create++
		p.Counts.Bytes += c.Bytes
	case Replace:
		p.Counts.Replace++
		p.Counts.Bytes += c.Bytes
	case Remove:
		p.Counts.Remove++
	case Unchanged:
		if c.Directory {
			return nil
		}
		p.Counts.Unchanged++
	}
	if c.Action != Unchanged && len(p.Changes) < listedChanges {
		p.Changes = append(p.Changes, c)
	}
	p.grow(c.Source, growthOf(c))
	return p.lines.add(plannedChange{c, c.Line, c.InWay})
}

// removal is something that is to be removed.
type removal struct {
	Entry
	inWay bool // something of the backup takes its place
	kept  bool // what cannot be removed is in it
}

// remove puts a removal into the plan.
func (p *Plan) remove(source string, r removal) error {
	switch {
	case r.kept && r.inWay:
		return fmt.Errorf("make room for %s/%s: %w", source, r.Path, ErrNotEmpty)
	case r.kept:
		p.Counts.Kept++
		return nil
	}
	if err := p.lose(source, r.Entry); err != nil {
		return err
	}
	return p.add(Change{Source: source, Path: r.Path, Action: Remove, Directory: r.Kind == Directory, Bytes: r.Bytes, InWay: r.inWay})
}

// growthOf is what a change adds. What it replaces is taken off where that is seen.
func growthOf(c Change) Growth {
	switch {
	case c.Action == Remove:
		return Growth{Bytes: -c.Bytes, Entries: -1}
	case c.Action == Unchanged:
		return Growth{}
	case c.Directory:
		return Growth{Entries: 1}
	case c.Action == Create:
		return Growth{Staged: c.Bytes, Files: 1, Bytes: c.Bytes, Entries: 1}
	}
	return Growth{Staged: c.Bytes, Files: 1, Bytes: c.Bytes}
}

// grow adds to the room that a target takes.
func (p *Plan) grow(source string, by Growth) {
	g := p.Growth[source]
	p.Growth[source] = Growth{g.Staged + by.Staged, g.Files + by.Files, g.Bytes + by.Bytes, g.Entries + by.Entries}
}

// lose notes that something which is there now will not be there any more. A file without a stamp is of a target where files never change; only what is damaged is
// replaced there.
func (p *Plan) lose(source string, e Entry) error {
	switch {
	case e.Kind == Regular && e.Stamp == (Stamp{}):
		return nil
	case len(p.losses) >= MaxLosses:
		return ErrTooMuch
	case e.Kind == Directory: // what is in it is noted by itself
		e.Stamp, e.Bytes, e.Modified = Stamp{}, 0, time.Time{}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %+v %d %d", source, e.Path, e.Kind, e.Stamp, e.Bytes, e.Modified.UnixNano()))
	p.losses = append(p.losses, binary.BigEndian.Uint64(sum[:]))
	return nil
}

// Losses tell all that the restore removes or replaces, as it is now: eight bytes for each, which are of the digest of its path and stamp, in order.
func (p *Plan) Losses() []byte {
	slices.Sort(p.losses)
	all := make([]byte, 0, 8*len(p.losses))
	for _, loss := range p.losses {
		all = binary.BigEndian.AppendUint64(all, loss)
	}
	return all
}

// LosesMore says whether the restore removes or replaces anything that is not among the losses of another plan, or is not as it was then.
func (p *Plan) LosesMore(than []byte) bool {
	n := len(than) / 8
	return slices.ContainsFunc(p.losses, func(loss uint64) bool {
		i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(than[8*i:]) >= loss })
		return i == n || binary.BigEndian.Uint64(than[8*i:]) != loss
	})
}

// Each calls fn with every change, those of unchanged files included: removals first, a directory after what is in it, then directories and files, a directory before
// what is in it.
func (p *Plan) Each(ctx context.Context, fn func(Change) error) error {
	in, err := p.lines.rewind()
	if err != nil {
		return err
	}
	for changes := json.NewDecoder(in); ; {
		var planned plannedChange
		if err := changes.Decode(&planned); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read scratch file: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		planned.Change.Line, planned.Change.InWay = planned.Line, planned.InWay
		if err := fn(planned.Change); err != nil {
			return err
		}
	}
}

// files calls fn with every file that is to be restored.
func (p *Plan) files(ctx context.Context, fn func(at int64, f *File) error) error {
	return p.Each(ctx, func(c Change) error {
		if c.Directory || c.Action != Create && c.Action != Replace {
			return nil
		}
		l, err := p.manifest.at(c.Line)
		if err != nil {
			return err
		}
		return fn(c.Line, l.File)
	})
}

// Stage fetches the content of all files that are to be created or replaced, each segment once, and stages them in their targets, but for those that an earlier
// plan has staged there. When it returns without an error all are there and verified, and none is in its place yet.
func (p *Plan) Stage(ctx context.Context) error {
	r := &reading{
		manifest: p.manifest,
		stage:    func(at int64, f *File) (Staging, error) { return p.targets[f.Source].Stage(ctx, at, *f) },
		damaged:  func(err *DamageError) error { return err },
	}
	return r.run(ctx, func(ctx context.Context, fn func(at int64, f *File) error) error {
		return p.files(ctx, func(at int64, f *File) error {
			if target, ok := p.targets[f.Source].(interface{ Staged(number int64) bool }); ok && target.Staged(at) {
				return nil
			}
			return fn(at, f)
		})
	})
}

// Apply removes, makes directories, and puts the staged files into their places. A directory in which there is something since the plan was made stays; ErrNotEmpty if
// something of the backup takes its place.
func (p *Plan) Apply(ctx context.Context) error {
	return p.Each(ctx, func(c Change) error {
		target := p.targets[c.Source]
		var err error
		switch {
		case c.Action == Remove:
			if err = target.Remove(ctx, c.Path); errors.Is(err, ErrNotEmpty) && !c.InWay {
				err = nil
			}
		case c.Action == Unchanged:
		case c.Directory:
			err = target.MakeDirectory(ctx, c.Path)
		default:
			var l *line
			if l, err = p.manifest.at(c.Line); err != nil {
				return err
			}
			if parent := path.Dir(c.Path); parent != "." {
				err = target.MakeDirectory(ctx, parent)
			}
			if err == nil {
				err = target.Place(ctx, c.Line, *l.File)
			}
		}
		if err != nil {
			return fmt.Errorf("restore %s/%s: %w", c.Source, c.Path, err)
		}
		return nil
	})
}
