package cmd

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fanfare/internal/vault"
)

// TestPromotePrimary: the key that is primary already is left so, and nothing is begun. There is no database at the address.
func TestPromotePrimary(t *testing.T) {
	t.Parallel()
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	v, err := vault.Create(t.Context(), vault.Config{KeySet: keyset})
	if err != nil {
		t.Fatal(err)
	}
	promote := func(id uint32) (status int, said string) {
		var out bytes.Buffer
		status = Run(t.Context(), []string{"keys", "promote", strconv.FormatUint(uint64(id), 10), "--keyset", keyset,
			"--worker-database-url", "postgres://fanfare_worker:x@127.0.0.1:1/x"}, &out, &out)
		return status, out.String()
	}
	if status, said := promote(v.PrimaryKeyID()); status != 0 || !strings.Contains(said, "is the primary key already") || strings.Contains(said, "begins") {
		t.Errorf("status %d\n%s", status, said)
	}
	added, err := vault.AddKey(t.Context(), vault.Config{KeySet: keyset})
	if err != nil {
		t.Fatal(err)
	}
	if status, said := promote(added); status != 1 || !strings.Contains(said, "WORKER_DATABASE_URL") {
		t.Errorf("another one: status %d\n%s", status, said)
	}
}
