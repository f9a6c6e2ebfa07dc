package vault

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Whoever seals and unseals while keys come and go is never disturbed, and the id beside a value is
// always that of its key. Run with -race.
func TestSealWhileRotating(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	vaults := make([]*Vault, 3)
	var background, users sync.WaitGroup
	for i := range vaults {
		var err error
		if vaults[i], err = Open(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		background.Go(func() { vaults[i].Watch(ctx, 2*time.Millisecond, slog.New(slog.DiscardHandler)) })
	}
	c := newContext()
	var exchanged atomic.Int64
	for i := range 6 {
		users.Go(func() {
			mine, other := vaults[i%3], vaults[(i+1)%3]
			for ctx.Err() == nil {
				sealed, id, err := mine.SealWithID([]byte("secret-token"), c)
				if err != nil {
					t.Error(err)
					return
				}
				if of, err := KeyID(sealed); err != nil || int64(of) != id {
					t.Errorf("sealed with %d, said to be with %d, %v", of, id, err)
				}
				if _, err := mine.Unseal(sealed, c); err != nil {
					t.Errorf("one's own value: %v", err)
				}
				_, _ = other.Unseal(sealed, c) // it may be behind by more than the pause between two looks allows
				exchanged.Add(1)
			}
		})
	}
	for range 20 {
		id, err := AddKey(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := Promote(t.Context(), cfg, id); err != nil {
			t.Fatal(err)
		}
		for _, v := range vaults { // before another is retired, all have the new one
			waitFor(t, func() bool { return v.PrimaryKeyID() == id })
		}
	}
	stop()
	users.Wait()
	background.Wait()
	if exchanged.Load() == 0 {
		t.Error("nothing was sealed meanwhile")
	}
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// countedKMS is a KMS that counts how often it is asked, and can be away.
func countedKMS(t *testing.T) (kms map[string]OpenKEK, asked *atomic.Int64, away *atomic.Bool) {
	t.Helper()
	inner := fakeKMS(t)["fake-kms"]
	asked, away = new(atomic.Int64), new(atomic.Bool)
	return map[string]OpenKEK{"fake-kms": func(ctx context.Context, uri string) (tink.AEAD, error) {
		asked.Add(1)
		if away.Load() {
			return nil, errors.New("the KMS is away")
		}
		return inner(ctx, uri)
	}}, asked, away
}

// A key that is not known makes one look at the file per pause, whoever asks and how often; and what is no
// sealed value, or sealed with a known key, makes none.
func TestUnknownKeysAreLookedForNowAndThen(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	var asked *atomic.Int64
	cfg.KEK = "fake-kms://one"
	cfg.KMS, asked, _ = countedKMS(t)
	v, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	unknown := slices.Concat([]byte{1, 0, 0, 0, 7}, sealed[5:])
	began := time.Now()
	asked.Store(0)
	touches := 0
	for range 300 {
		// The file differs each time, so that each look would ask the KMS.
		touches++
		at := time.Now().Add(time.Duration(touches) * time.Second)
		if err := os.Chtimes(cfg.KeySet, at, at); err != nil {
			t.Fatal(err)
		}
		for _, value := range [][]byte{unknown, sealed[:20], nil, []byte("no sealed value")} {
			if _, err := v.Unseal(value, c); !errors.Is(err, ErrUnseal) {
				t.Fatalf("Unseal = %v", err)
			}
		}
		if _, err := v.Unseal(sealed, newContext()); !errors.Is(err, ErrUnseal) {
			t.Fatalf("in another context: %v", err)
		}
	}
	if n, most := asked.Load(), 1+int64(time.Since(began)/reloadPause); n < 1 || n > most {
		t.Errorf("the KMS was asked %d times, want 1 to %d", n, most)
	}
	// While the file is the same, it is not read at all.
	waitFor(t, func() bool { return time.Since(began) > 2*reloadPause })
	if err := v.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked.Store(0)
	if _, err := v.Unseal(unknown, c); !errors.Is(err, ErrUnseal) || asked.Load() != 0 {
		t.Errorf("Unseal = %v; the KMS was asked %d times for the same file", err, asked.Load())
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.out.String(), text)
}

// The KMS, or the file, is away while the key set changes: the keys at hand go on working, that is said
// once, and the change is taken over when it can be.
func TestWatchWhileNothingCanBeRead(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	cfg.KEK = "fake-kms://one"
	kms, asked, away := countedKMS(t)
	cfg.KMS = kms
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	v, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	first := v.PrimaryKeyID()
	second, err := AddKey(t.Context(), cfg)
	if err == nil {
		err = Promote(t.Context(), cfg, second)
	}
	if err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	asked.Store(0)
	log := &logBuffer{}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { v.Watch(ctx, time.Millisecond, slog.New(slog.NewTextHandler(log, nil))) })
	waitFor(t, func() bool { return asked.Load() > 5 })
	c := newContext()
	if sealed, id, err := v.SealWithID([]byte("x"), c); err != nil || id != int64(first) {
		t.Errorf("sealed with %d, %v", id, err)
	} else if _, err := v.Unseal(sealed, c); err != nil {
		t.Error(err)
	}
	if n := log.count("the KMS is away"); n != 1 {
		t.Errorf("said %d times", n)
	}
	away.Store(false)
	waitFor(t, func() bool { return v.PrimaryKeyID() == second })
	if err := os.Rename(cfg.KeySet, cfg.KeySet+".away"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return log.count("no such file") == 1 })
	if sealed, id, err := v.SealWithID([]byte("x"), c); err != nil || id != int64(second) {
		t.Errorf("without a file: sealed with %d, %v, %d bytes", id, err, len(sealed))
	}
	if err := os.Rename(cfg.KeySet+".away", cfg.KeySet); err != nil {
		t.Fatal(err)
	}
	if err := Retire(t.Context(), cfg, first); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return slices.Equal(v.KeyIDs(), []uint32{second}) })
	stop()
	watching.Wait()
	if log.count("the key set was changed") != 2 {
		t.Errorf("log:\n%s", log.out.String())
	}
}
