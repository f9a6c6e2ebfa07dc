package vault

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// WatchInterval is how often Watch looks at the file, and so how long a process may go on sealing
	// with the key that was the primary one before.
	WatchInterval = 5 * time.Second
	// reloadTimeout bounds one reading of the file. It only matters with a KMS.
	reloadTimeout = 10 * time.Second
	// reloadPause is the least time between two readings for a key that is not known. A row whose key is
	// lost must not make each look at it a call to the KMS.
	reloadPause = time.Second
	// warnAgain is how often Watch repeats what it has said already.
	warnAgain = time.Minute
)

// live is the state of a Vault: the keys as they were read last, and from which file.
type live struct {
	cfg     Config
	current atomic.Pointer[keys]

	mu   sync.Mutex  // one reading at a time
	file fs.FileInfo // that current was read from; nil: not known
	last time.Time   // when newerThan has read last
}

func newVault(cfg Config, read *keys, file fs.FileInfo) *Vault {
	v := &Vault{&live{cfg: cfg, file: file}}
	v.current.Store(read)
	return v
}

// Reload takes over what the file holds by now, if it was changed. What cannot be read changes nothing:
// the keys at hand stay, and the error says why.
func (v *Vault) Reload(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reload(ctx)
}

func (l *live) reload(ctx context.Context) error {
	path, err := l.cfg.path()
	if err != nil {
		return fmt.Errorf("reload key set: %w", err)
	}
	file, err := os.Stat(path)
	if err == nil && l.file != nil && sameFile(file, l.file) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	read, file, err := load(ctx, l.cfg)
	if err != nil {
		return fmt.Errorf("reload key set: %w", err)
	}
	l.file = file
	l.current.Store(read)
	return nil
}

// newerThan gives the keys that have come since known, after a look at the file if there was none for a
// while. Why that may have failed is said by Watch, which looks again.
func (l *live) newerThan(known *keys) *keys {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.current.Load(); now != known || time.Since(l.last) < reloadPause {
		return now
	}
	_ = l.reload(context.Background())
	l.last = time.Now()
	return l.current.Load()
}

// Watch looks at the file every interval, takes over what was changed, and logs that, until ctx ends.
// While the file cannot be read, the keys at hand stay in use.
func (v *Vault) Watch(ctx context.Context, interval time.Duration, log *slog.Logger) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	known := v.current.Load()
	var said string
	var saidAt time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := v.Reload(ctx)
		switch {
		case err == nil:
			said = ""
		case ctx.Err() == nil && (err.Error() != said || time.Since(saidAt) >= warnAgain):
			log.WarnContext(ctx, "the key set cannot be read again; the keys read before stay in use", "error", err)
			said, saidAt = err.Error(), time.Now()
		}
		if now := v.current.Load(); now.primary() != known.primary() || !slices.Equal(now.enabled, known.enabled) {
			log.InfoContext(ctx, "the key set was changed", "primary_key_id", now.primary(), "key_ids", now.enabled)
			known = now
		}
	}
}
