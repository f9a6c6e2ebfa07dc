package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
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
}

// plannedChange is a change in a scratch file.
type plannedChange struct {
	Change
	Line int64 `json:"line"`
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
}

// Plan is what a restore would do. It must be closed.
type Plan struct {
	Counts  Counts
	Changes []Change // the first 1,000 that change something

	manifest *Manifest
	targets  map[string]Target
	lines    *scratchLines // plannedChange: all removals, then everything else
}

// listedChanges is how many changes a plan lists.
const listedChanges = 1000

// ErrNothingSelected says that the backup has nothing of what was selected.
var ErrNothingSelected = errors.New("the backup has no such source or path")

// Close ends the use of the plan.
func (p *Plan) Close() { p.lines.close() }

// Plan compares a backup with the targets, by their sources' names, and says what a restore would do; it changes nothing. A file
// of the same size is read to see whether it is the same, unless its stamp is.
func (m *Manifest) Plan(ctx context.Context, targets map[string]Target, sel Selection, o RestoreOptions) (_ *Plan, err error) {
	p := &Plan{manifest: m, targets: map[string]Target{}}
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
	blocked := "" // a directory that has to make room for a file
	err := target.Walk(ctx, func(e Entry) error {
		if !sel.has(e.Path) {
			if e.Kind != Directory && strings.HasPrefix(sel.Path, e.Path+"/") {
				return p.add(Change{Source: source, Path: e.Path, Action: Remove, Bytes: e.Bytes})
			}
			return nil
		}
		l, at, err := p.manifest.find(source, e.Path)
		if err != nil {
			return err
		}
		remove := Change{Source: source, Path: e.Path, Action: Remove, Directory: e.Kind == Directory, Bytes: e.Bytes}
		switch {
		case blocked != "" && strings.HasPrefix(e.Path, blocked+"/"), l == nil && o.Exact:
			return p.add(remove)
		case l == nil:
			return nil
		case l.Directory != nil && e.Kind != Directory:
			return p.add(remove)
		case l.File != nil && e.Kind == Directory:
			blocked = e.Path
			return p.add(remove)
		}
		action := Unchanged
		if l.File != nil {
			same, err := p.manifest.same(ctx, l.File, target, e)
			if err != nil {
				return err
			}
			if !same {
				action = Replace
			}
		}
		actions[p.manifest.position(source, e.Path, at)] = action
		return nil
	})
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
	sum, err := m.repo.sum(ctx, tree, e.Path, f.Bytes)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && sum == f.SHA256, nil
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
	return p.lines.add(plannedChange{c, c.Line})
}

// Each calls fn with every change, those of unchanged files included: removals first, then directories and files, a directory before
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
		planned.Change.Line = planned.Line
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

// Stage fetches the content of all files that are to be created or replaced, each segment once, and stages them in their targets.
// When it returns without an error all are there and verified, and none is in its place yet.
func (p *Plan) Stage(ctx context.Context) error {
	r := &reading{
		manifest: p.manifest,
		stage:    func(at int64, f *File) (Staging, error) { return p.targets[f.Source].Stage(ctx, at, *f) },
		damaged:  func(err *DamageError) error { return err },
	}
	return r.run(ctx, p.files)
}

// Apply removes, makes directories, and puts the staged files into their places.
func (p *Plan) Apply(ctx context.Context) error {
	return p.Each(ctx, func(c Change) error {
		target := p.targets[c.Source]
		var err error
		switch {
		case c.Action == Remove:
			err = target.Remove(ctx, c.Path)
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
