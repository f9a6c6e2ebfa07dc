package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// requireRotation walks the key set of cfg through add, promote and retire. running has it open
// meanwhile, and reads at each step what was sealed in any other.
func requireRotation(t *testing.T, cfg Config, running *Vault) {
	t.Helper()
	ctx, c := t.Context(), newContext()
	first := running.PrimaryKeyID()
	seal := func(v *Vault, want uint32) []byte {
		t.Helper()
		sealed, id, err := v.SealWithID([]byte("secret-token"), c)
		if err != nil || id != int64(want) {
			t.Fatalf("sealed with key %d, %v; want %d", id, err, want)
		}
		return sealed
	}
	requireOpens := func(sealed []byte, opens bool) {
		t.Helper()
		plaintext, err := running.Unseal(sealed, c)
		if opens && (err != nil || string(plaintext) != "secret-token") || !opens && !errors.Is(err, ErrUnseal) {
			t.Errorf("Unseal = %q, %v; want it to open: %t", plaintext, err, opens)
		}
	}
	requireKeys := func(want ...KeyInfo) {
		t.Helper()
		if infos, err := KeyInfos(ctx, cfg); err != nil || !slices.Equal(infos, want) {
			t.Errorf("keys = %+v, %v; want %+v", infos, err, want)
		}
	}
	old := seal(running, first)
	second, err := AddKey(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	requireKeys(KeyInfo{first, true, "enabled"}, KeyInfo{second, false, "enabled"})
	for range 2 { // again changes nothing
		if err := Promote(ctx, cfg, second); err != nil {
			t.Fatal(err)
		}
	}
	requireKeys(KeyInfo{first, false, "enabled"}, KeyInfo{second, true, "enabled"})
	promoted, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	fresh := seal(promoted, second)
	requireOpens(fresh, true) // though it has not heard of the key
	requireOpens(old, true)
	seal(running, second)
	requireError(t, Retire(ctx, cfg, second), "it is the primary key; promote another one first")
	if err := Retire(ctx, cfg, first); err != nil {
		t.Fatal(err)
	}
	if err := running.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	requireKeys(KeyInfo{second, true, "enabled"})
	requireOpens(old, false)
	requireOpens(fresh, true)
	requireError(t, Retire(ctx, cfg, first), fmt.Sprintf("the key set has no key %d; it has %d", first, second))
	requireError(t, Promote(ctx, cfg, first), fmt.Sprintf("the key set has no key %d; it has %d", first, second))
}

func TestRotate(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	created, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	requireRotation(t, cfg, created)
	info, err := os.Stat(cfg.KeySet)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	requireAlone(t, cfg.KeySet)
}

// requireAlone fails if there is anything beside the key set: it would hold keys.
func requireAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the key set alone", entries, err)
	}
}

func TestRotateKeepsModeOwnerAndLink(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	cfg.KEK, cfg.KMS = "fake-kms://one", fakeKMS(t)
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cfg.KeySet, 0o640); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0 && runtime.GOOS == "linux"
	if root { // as an operator who is root, and processes that are not
		if err := os.Chown(cfg.KeySet, 12345, 54321); err != nil {
			t.Fatal(err)
		}
	}
	link := cfg
	link.KeySet = filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(cfg.KeySet, link.KeySet); err != nil {
		t.Fatal(err)
	}
	id, err := AddKey(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link.KeySet); err != nil || target != cfg.KeySet {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	info, err := os.Stat(cfg.KeySet)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if owner := fmt.Sprintf("%+v", info.Sys()); root && !strings.Contains(owner, "Uid:12345 Gid:54321") {
		t.Errorf("owner = %s", owner)
	}
	if infos, err := KeyInfos(t.Context(), cfg); err != nil || len(infos) != 2 || infos[1].ID != id {
		t.Errorf("keys = %v, %v", infos, err)
	}
}

// Two operators at once: nobody's key is lost.
func TestRotateAtOnce(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	added := make([]uint32, 20)
	var operators sync.WaitGroup
	for i := range added {
		operators.Go(func() {
			var err error
			if added[i], err = AddKey(t.Context(), cfg); err != nil {
				t.Error(err)
				return
			}
			if i%2 == 0 {
				if err := Promote(t.Context(), cfg, added[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	operators.Wait()
	infos, err := KeyInfos(t.Context(), cfg)
	if err != nil || len(infos) != 1+len(added) {
		t.Fatalf("%d keys, %v", len(infos), err)
	}
	for _, id := range added {
		if !slices.ContainsFunc(infos, func(k KeyInfo) bool { return k.ID == id }) {
			t.Errorf("key %d is lost", id)
		}
	}
	requireAlone(t, cfg.KeySet)
}

func TestRotateWaitsForTheLock(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockKeySetFile(t.Context(), cfg.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := AddKey(t.Context(), cfg)
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("AddKey did not wait: %v", err)
	case <-time.After(5 * lockPause):
	}
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Somebody who knows no lock, such as a tool that copies files, replaces the key set in the middle.
func TestRotateSeesAnotherHand(t *testing.T) {
	t.Parallel()
	cfg, other := newConfig(t), newConfig(t)
	for _, c := range []Config{cfg, other} {
		if _, err := Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	replacement, err := os.ReadFile(other.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	err = change(t.Context(), cfg, func(manager *keyset.Manager, _ *keys) error {
		writeFile(t, cfg.KeySet, string(replacement), 0o600)
		_, err := manager.Add(keyTemplate())
		return err
	})
	requireError(t, err, "was changed by somebody else meanwhile; nothing was done")
	if after, err := os.ReadFile(cfg.KeySet); err != nil || string(after) != string(replacement) {
		t.Errorf("the other's key set is gone: %v", err)
	}
	requireAlone(t, cfg.KeySet)
}

// What a change leaves that was broken off after each of its steps: the file is the old one or the new
// one, and the next change goes through and clears away what held keys.
func TestRotateBrokenOff(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]struct {
		do   func(path, draft string, raw []byte, was fs.FileInfo) error
		keys int
	}{
		"draft begun":   {func(_, draft string, raw []byte, _ fs.FileInfo) error { return os.WriteFile(draft, raw[:7], 0o600) }, 1},
		"draft written": {func(_, draft string, raw []byte, was fs.FileInfo) error { return writeDraft(draft, raw, was) }, 1},
		"renamed": {func(path, draft string, raw []byte, was fs.FileInfo) error {
			return errors.Join(writeDraft(draft, raw, was), os.Rename(draft, path))
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t)
			if _, err := Create(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			errCrash := errors.New("crash")
			err := change(t.Context(), cfg, func(manager *keyset.Manager, _ *keys) error {
				if _, err := manager.Add(keyTemplate()); err != nil {
					return err
				}
				raw, err := encodeManaged(t.Context(), manager, nil)
				if err != nil {
					return err
				}
				was, err := os.Stat(cfg.KeySet)
				if err != nil {
					return err
				}
				return errors.Join(step.do(cfg.KeySet, draftPath(cfg.KeySet), raw, was), errCrash)
			})
			if !errors.Is(err, errCrash) || err.Error() != "crash" {
				t.Fatal(err)
			}
			if infos, err := KeyInfos(t.Context(), cfg); err != nil || len(infos) != step.keys {
				t.Errorf("keys = %v, %v", infos, err)
			}
			if _, err := AddKey(t.Context(), cfg); err != nil {
				t.Error(err)
			}
			requireAlone(t, cfg.KeySet)
		})
	}
}

// rotateForever names the key set that a child of TestRotateSurvivesKill rotates, in a process of its own.
const rotateForever = "FANFARE_TEST_ROTATE"

func TestMain(m *testing.M) {
	if keySet := os.Getenv(rotateForever); keySet != "" {
		fmt.Fprintln(os.Stderr, rotateUntilKilled(Config{KeySet: keySet}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// rotateUntilKilled returns only the error that stopped it, or the end of a minute if nobody kills it.
func rotateUntilKilled(cfg Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		infos, err := KeyInfos(ctx, cfg)
		if err != nil {
			return err
		}
		id, err := AddKey(ctx, cfg)
		if err == nil {
			err = Promote(ctx, cfg, id)
		}
		for _, old := range infos {
			if err == nil && len(infos) > 3 {
				err = Retire(ctx, cfg, old.ID)
			}
		}
		if err != nil {
			return err
		}
	}
}

// kill -9 of whoever rotates, at any time: the key set can be opened always, and rotated again.
func TestRotateSurvivesKill(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	v, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 15 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), rotateForever+"="+cfg.KeySet)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		before := v.PrimaryKeyID()
		deadline := time.Now().Add(30 * time.Second)
		for v.PrimaryKeyID() == before && time.Now().Before(deadline) { // until it is at work
			if err := v.Reload(t.Context()); err != nil {
				t.Errorf("while it is rotated: %v", err)
			}
		}
		time.Sleep(time.Duration(round) * 300 * time.Microsecond) // at another step each time
		_ = child.Process.Kill()                                  // it is ours and has not been waited for
		_ = child.Wait()                                          // it was killed
		if v.PrimaryKeyID() == before {
			t.Fatal("nothing was rotated")
		}
		if _, err := KeyInfos(t.Context(), cfg); err != nil {
			t.Errorf("after a kill: %v", err)
		}
	}
	if _, err := AddKey(t.Context(), cfg); err != nil {
		t.Error(err)
	}
	requireAlone(t, cfg.KeySet)
}
