package vault

import (
	"fmt"
	"log/slog"
)

// The methods here have value receivers so that a Vault printed by value is redacted like a pointer.

// String names the primary key and the number of keys, both public, and nothing else.
func (v Vault) String() string {
	k := v.current.Load()
	return fmt.Sprintf("vault(primary key %d of %d)", k.primary(), len(k.ids()))
}

// GoString is String, for %#v.
func (v Vault) GoString() string { return v.String() }

// LogValue is what slog writes for a Vault: the primary key id and the number of keys.
func (v Vault) LogValue() slog.Value {
	k := v.current.Load()
	return slog.GroupValue(slog.Uint64("primary_key_id", uint64(k.primary())), slog.Int("keys", len(k.ids())))
}
