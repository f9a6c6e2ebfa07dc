package backup

import (
	"context"
	"fmt"
)

// Comparison is what a drill has found.
type Comparison struct {
	Files     int64 // of the backup that were compared
	Bytes     int64 // of those
	Missing   int64 // files and directories of the backup that the restored tree does not have
	Different int64 // files whose content, or whether they can be executed, is not that of the backup
	Extra     int64 // entries that the backup does not have
	// Of the files as they are now, where they were given:
	Same    int64 // those that have the content of the backup
	Changed int64 // those that are new, gone, or look different since
	Damaged int64 // those that look the same, and are not: one of the two is damaged
	// Findings name the first 100 of all but the same and the changed.
	Findings []Finding
}

// Finding is something that is not as it should be.
type Finding struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	What   string `json:"what"`
}

// Good says whether the restored tree is the backup, and nothing that looks unchanged differs from it.
func (c *Comparison) Good() bool { return c.Missing+c.Different+c.Extra+c.Damaged == 0 }

// find notes something.
func (c *Comparison) find(source, path, what string) {
	if len(c.Findings) < listed {
		c.Findings = append(c.Findings, Finding{source, path, what})
	}
}

// Compare compares the backup with trees into which it was restored, by the names of the sources, and with the sources as they are
// now, for those that are given. It reads all files of the restored trees, and those of the sources that look as in the backup.
func (m *Manifest) Compare(ctx context.Context, restored, live map[string]Source) (*Comparison, error) {
	c := &Comparison{}
	for source, tree := range restored {
		if err := m.compareRestored(ctx, c, source, tree); err != nil {
			return nil, fmt.Errorf("compare what was restored of %s: %w", source, err)
		}
	}
	for source, tree := range live {
		if err := m.compareLive(ctx, c, source, tree); err != nil {
			return nil, fmt.Errorf("compare %s: %w", source, err)
		}
	}
	return c, nil
}

// compareRestored compares with a tree in which everything must be as in the backup.
func (m *Manifest) compareRestored(ctx context.Context, c *Comparison, source string, tree Source) error {
	seen := make([]bool, len(m.index))
	err := tree.Walk(ctx, func(e Entry) error {
		l, at, err := m.find(source, e.Path)
		switch {
		case err != nil:
			return err
		case l == nil || e.Kind == Other || (l.Directory != nil) != (e.Kind == Directory):
			c.Extra++
			c.find(source, e.Path, "is not in the backup")
			return nil
		}
		seen[m.position(source, e.Path, at)] = true
		if l.Directory != nil {
			return nil
		}
		c.Files++
		c.Bytes += e.Bytes
		e.Stamp = Stamp{} // it is read in any case
		same, err := m.same(ctx, l.File, tree, e)
		if err == nil && !same {
			c.Different++
			c.find(source, e.Path, "is not what was stored")
		}
		return err
	})
	if err != nil {
		return err
	}
	return m.each(ctx, func(at int64, l *line) error {
		if of, name := l.name(); of == source && name != "" && !seen[m.position(source, name, at)] {
			c.Missing++
			c.find(source, name, "is missing")
		}
		return nil
	})
}

// compareLive compares with a tree that goes on being changed.
func (m *Manifest) compareLive(ctx context.Context, c *Comparison, source string, tree Source) error {
	files := int64(0)
	for _, total := range m.Sources {
		if total.Name == source {
			files = total.Files
		}
	}
	err := tree.Walk(ctx, func(e Entry) error {
		if e.Kind != Regular {
			return nil
		}
		l, _, err := m.find(source, e.Path)
		if err != nil {
			return err
		}
		if l == nil || l.File == nil {
			c.Changed++ // it is new
			return nil
		}
		files--
		f := l.File
		if f.Stamp == (Stamp{}) || e.Stamp != f.Stamp || e.Bytes != f.Bytes || !e.Modified.Equal(f.Modified) || f.Unstable {
			c.Changed++
			return nil
		}
		sum, err := m.repo.sum(ctx, tree, e.Path, f.Bytes)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err == nil && sum == f.SHA256:
			c.Same++
		case err != nil || !m.still(ctx, f, tree):
			c.Changed++ // just now
		default:
			c.Damaged++
			c.find(source, e.Path, "looks unchanged since the backup, and has other content")
		}
		return nil
	})
	c.Changed += max(files, 0) // they are gone
	return err
}

// still says whether a file looks as it did when it was stored.
func (m *Manifest) still(ctx context.Context, f *File, tree Source) bool {
	in, err := tree.Open(ctx, f.Path)
	if err != nil {
		return false
	}
	defer in.Close()
	e, err := in.Stat()
	return err == nil && e.Stamp == f.Stamp && e.Bytes == f.Bytes && e.Modified.Equal(f.Modified)
}
