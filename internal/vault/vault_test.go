package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newConfig(t testing.TB) Config {
	t.Helper()
	return Config{KeySet: filepath.Join(t.TempDir(), "keys.json")}
}

func createVault(t testing.TB) *Vault {
	t.Helper()
	v, err := Create(t.Context(), newConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func writeFile(t testing.TB, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// requireError fails unless err says want.
func requireError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error = %v, want one that says %q", err, want)
	}
}

func TestCreateThenOpen(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	created, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(cfg.KeySet)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(cfg.KeySet))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the key set alone", entries, err)
	}
	c := newContext()
	sealed, err := created.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{cfg.KeySet, "file://" + cfg.KeySet, "file://localhost" + cfg.KeySet} {
		opened, err := Open(t.Context(), Config{KeySet: location})
		if err != nil {
			t.Fatal(err)
		}
		if opened.PrimaryKeyID() != created.PrimaryKeyID() {
			t.Errorf("primary key %d after opening, %d before", opened.PrimaryKeyID(), created.PrimaryKeyID())
		}
		if plaintext, err := opened.Unseal(sealed, c); err != nil || string(plaintext) != "secret-token" {
			t.Errorf("Unseal = %q, %v", plaintext, err)
		}
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	for name, make := range map[string]func(path string) error{
		"key set": func(path string) error {
			_, err := Create(t.Context(), Config{KeySet: path})
			return err
		},
		"empty file":       func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"folder":           func(path string) error { return os.Mkdir(path, 0o700) },
		"dangling symlink": func(path string) error { return os.Symlink(path+"-nowhere", path) },
	} {
		path := cfg.KeySet + strings.ReplaceAll(name, " ", "-")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(path)
		if _, err := Create(t.Context(), Config{KeySet: path}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: Create = %v", name, err)
		}
		// The early look is only a courtesy: the publication itself must refuse too.
		if err := publishKeySetFile(path, []byte("other")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: publish = %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s: the content changed", name)
		}
	}
}

func TestOpenOrCreateAtOnce(t *testing.T) {
	t.Parallel()
	cfg := Config{KeySet: filepath.Join(t.TempDir(), ".fanfare", "keys.json")}
	ids := make([]uint32, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			v, err := OpenOrCreate(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = v.PrimaryKeyID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == 0 {
			t.Fatalf("primary keys = %v, want one", ids)
		}
	}
}

func TestOpenOrCreateKeepsABrokenFile(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	writeFile(t, cfg.KeySet, "broken", 0o600)
	_, err := OpenOrCreate(t.Context(), cfg)
	requireError(t, err, "not a Tink key set")
	if content, _ := os.ReadFile(cfg.KeySet); string(content) != "broken" {
		t.Errorf("content = %q", content)
	}
}

func TestOpenRefusesFiles(t *testing.T) {
	t.Parallel()
	// A typing mistake in a real key set: the value of the key follows where JSON ends.
	const leaky = `{"primaryKeyId":1,"key":[{"keyData":{"value":topsecretkeymaterial}}]}`
	for name, test := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
	}{
		"empty":          {"", 0o600, "the file is empty"},
		"blank":          {" \n\t", 0o600, "the file is empty"},
		"garbage":        {"\x00\xff topsecretkeymaterial", 0o600, "not a Tink key set"},
		"broken JSON":    {leaky, 0o600, "not a Tink key set"},
		"other JSON":     {`{"topsecretkeymaterial": true}`, 0o600, "not a Tink key set"},
		"no keys":        {`{}`, 0o600, "not valid"},
		"too large":      {strings.Repeat(" ", maxKeySetSize+1), 0o600, "too large"},
		"world-readable": {"{}", 0o604, "mode 0604"},
		"group-readable": {"{}", 0o640, "mode 0640"},
		"group-writable": {"{}", 0o620, "chmod 600"},
		// What is no key set holds no keys that somebody could read.
		"garbage for all":   {"root:x:0:0:topsecretkeymaterial", 0o644, "not a Tink key set"},
		"empty for all":     {"", 0o644, "the file is empty"},
		"encrypted for all": {`{"encryptedKeyset": "dG9wc2VjcmV0", "keysetInfo": {"primaryKeyId": 1}}`, 0o644, "no KEK is configured"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t)
			writeFile(t, cfg.KeySet, test.content, test.mode)
			v, err := Open(t.Context(), cfg)
			requireError(t, err, test.want)
			if v != nil || strings.Contains(err.Error(), "topsecret") {
				t.Errorf("Open = %v, %v", v, err)
			}
			if !strings.Contains(err.Error(), cfg.KeySet) {
				t.Errorf("the error does not name %s: %v", cfg.KeySet, err)
			}
		})
	}
}

func TestOpenRefusesLocations(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), newConfig(t))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	for location, want := range map[string]string{
		"":                                "no key set is configured",
		t.TempDir():                       "not a regular file",
		"s3://bucket/keys.json":           `scheme "s3"; accepted are a path and file://`,
		"postgres://fan:topsecret@db/x":   `scheme "postgres"`,
		"file://":                         "file:///absolute/path",
		"file://otherhost/keys.json":      "file:///absolute/path",
		"file:///keys.json?v=1":           "file:///absolute/path",
		"file://user:topsecret@/key.json": "file:///absolute/path",
	} {
		_, err := Open(t.Context(), Config{KeySet: location})
		requireError(t, err, want)
		var wrong *ConfigError
		if setting := errors.As(err, &wrong) && wrong.Field == "KeySet"; setting == filepath.IsAbs(location) {
			t.Errorf("%q: is the setting to blame? %t: %v", location, setting, err)
		}
		if strings.Contains(err.Error(), "topsecret") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

func TestVaultPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	v, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("vault(primary key %d of 1)", v.PrimaryKeyID())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, v); got != want {
			t.Errorf("%s of the pointer = %q", verb, got)
		}
		if got := fmt.Sprintf(verb, *v); got != want {
			t.Errorf("%s of the value = %q", verb, got)
		}
	}
	//nolint:staticcheck // that nothing of it is exported is the point
	if got, err := json.Marshal(v); err != nil || string(got) != "{}" {
		t.Errorf("JSON = %s, %v", got, err)
	}
	for _, logged := range []any{v, *v} {
		var out strings.Builder
		slog.New(slog.NewTextHandler(&out, nil)).Info("opened", "vault", logged)
		if want := fmt.Sprintf("vault.primary_key_id=%d vault.keys=1", v.PrimaryKeyID()); !strings.Contains(out.String(), want) {
			t.Errorf("log = %s", out.String())
		}
	}
}
