package backup

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// errFault is what a faulty store fails with.
var errFault = errors.New("the bucket is away")

// faulty is a store of which one call fails, or waits until its context ends.
type faulty struct {
	Store
	fail int    // the call that fails, counted from 1; 0: none
	how  string // "before", "midway", "after", "slow"
	// cancel ends the context of the call that is slow, once it waits.
	cancel context.CancelFunc

	mu    sync.Mutex
	calls int
	reads []string
}

// hit counts a call and says whether it is the one that fails.
func (s *faulty) hit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return s.calls == s.fail
}

// around does a call, or fails.
func (s *faulty) around(ctx context.Context, do func() error) error {
	if !s.hit() {
		return do()
	}
	switch s.how {
	case "slow":
		s.cancel()
		<-ctx.Done()
		return ctx.Err()
	case "after":
		return errors.Join(do(), errFault)
	}
	return errFault
}

// Write writes.
func (s *faulty) Write(ctx context.Context, key, contentType string, fn func(io.Writer) error) error {
	if s.how == "midway" && s.hit() {
		return s.Store.Write(ctx, key, contentType, func(w io.Writer) error { return fn(&brokenPipe{to: w, left: 100}) })
	}
	return s.around(ctx, func() error { return s.Store.Write(ctx, key, contentType, fn) })
}

// Read reads.
func (s *faulty) Read(ctx context.Context, key string) (r io.ReadSeekCloser, err error) {
	s.mu.Lock()
	s.reads = append(s.reads, key)
	s.mu.Unlock()
	if s.how == "midway" && s.hit() {
		r, err := s.Store.Read(ctx, key)
		return &brokenRead{r, 100}, err
	}
	if err = s.around(ctx, func() error { r, err = s.Store.Read(ctx, key); return err }); err != nil && r != nil {
		r.Close()
	}
	return r, err
}

// Each lists.
func (s *faulty) Each(ctx context.Context, prefix string, do func(string) error) error {
	return s.around(ctx, func() error { return s.Store.Each(ctx, prefix, do) })
}

// DeleteAll deletes.
func (s *faulty) DeleteAll(ctx context.Context, prefix string) error {
	return s.around(ctx, func() error { return s.Store.DeleteAll(ctx, prefix) })
}

// brokenPipe fails after some bytes.
type brokenPipe struct {
	to   io.Writer
	left int
}

// Write writes, or fails.
func (w *brokenPipe) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFault
	}
	return w.to.Write(p)
}

// brokenRead fails after some bytes.
type brokenRead struct {
	io.ReadSeekCloser
	left int
}

// Read reads, or fails.
func (r *brokenRead) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, errFault
	}
	n, err := r.ReadSeekCloser.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// rotten is a tree of which a file looks as it was, and is not.
type rotten struct {
	*Tree
	file File
}

func (s rotten) look(e Entry) Entry {
	if e.Path == s.file.Path {
		e.Stamp, e.Modified = s.file.Stamp, s.file.Modified
	}
	return e
}

// Walk walks.
func (s rotten) Walk(ctx context.Context, fn func(Entry) error) error {
	return s.Tree.Walk(ctx, func(e Entry) error { return fn(s.look(e)) })
}

// Open opens.
func (s rotten) Open(ctx context.Context, path string) (OpenFile, error) {
	f, err := s.Tree.Open(ctx, path)
	return rottenFile{f, s}, err
}

type rottenFile struct {
	OpenFile
	of rotten
}

// Stat looks as before.
func (f rottenFile) Stat() (Entry, error) {
	e, err := f.OpenFile.Stat()
	return f.of.look(e), err
}

// TestBucketFails lets each call to the bucket fail once, in each way, while a backup is written, read, restored or swept. It is said,
// never called damage, never taken for a success; and what is left is swept.
func TestBucketFails(t *testing.T) {
	for _, how := range []string{"before", "midway", "after", "slow"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := setup(t, true)
			f.put("a/one", []byte("one"))
			f.put("a/two", make([]byte, 6<<10))
			f.put("three", []byte(strings.Repeat("three", 1000)))
			first, firstID := f.write(WriteOptions{})
			m := f.manifest(firstID, first.ManifestSHA256)
			keeping := Keeping{Kept: []Kept{{firstID, first.Uses}}}
			f.put("three", []byte(strings.Repeat("drei", 3000)))
			store := f.Store
			attempt := func(what string, do func(ctx context.Context, fail int) error) {
				t.Helper()
				for fail := 1; ; fail++ {
					ctx, cancel := context.WithCancel(t.Context())
					broken := &faulty{Store: store, fail: fail, how: how, cancel: cancel}
					f.Store = broken
					err := do(ctx, fail)
					cancel()
					f.Store = store
					failed := broken.calls >= fail
					if !failed {
						if err != nil || fail < 2 {
							t.Errorf("%s without a fault, after %d: %v", what, fail-1, err)
						}
						return
					}
					if damaged(err) || !errors.Is(err, errFault) && !errors.Is(err, context.Canceled) {
						t.Errorf("%s, call %d: %v", what, fail, err)
					}
				}
			}
			attempt("write", func(ctx context.Context, fail int) error {
				o := f.options(WriteOptions{Previous: m})
				_, err := f.Write(ctx, o)
				f.Store = store
				if f.sweep(keeping); len(objects(t, f.objects)) != int(first.Totals.Segments)+1 {
					t.Errorf("after call %d there are %v", fail, slices.Collect(maps.Keys(objects(t, f.objects))))
				}
				return err
			})
			attempt("open and verify", func(ctx context.Context, _ int) error {
				m, err := f.Open(ctx, firstID, first.ManifestSHA256)
				if err != nil {
					return err
				}
				defer m.Close()
				list, err := m.Verify(ctx)
				if len(list) > 0 {
					t.Errorf("called damaged are %v", list)
				}
				return err
			})
			attempt("restore", func(ctx context.Context, _ int) error {
				dir := t.TempDir()
				err := restore(ctx, m, f.open(dir), Selection{}, RestoreOptions{})
				if n := len(content(t, dir)); err != nil && n > 0 || err == nil && n != 4 {
					t.Errorf("%d entries were restored: %v", n, err)
				}
				return err
			})
			attempt("sweep", func(ctx context.Context, _ int) error {
				f2 := *f
				f2.Repository = &Repository{Store: store, Prefix: f.Prefix, CustomerID: f.CustomerID, Settle: -1, segmentSize: f.segmentSize, Recipients: f.Recipients}
				f2.sweep(keeping)        // what the try before has left
				f2.write(WriteOptions{}) // two that go
				f2.write(WriteOptions{})
				_, err := f.Sweep(ctx, func(context.Context) (Keeping, error) { return keeping, nil })
				return err
			})
			sound(t, m)
		})
	}
}
