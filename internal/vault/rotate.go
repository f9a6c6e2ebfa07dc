package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"google.golang.org/protobuf/proto"
)

// KeyInfo is what may be known of a key.
type KeyInfo struct {
	ID      uint32 `json:"id"`
	Primary bool   `json:"primary"`
	// Status is enabled; or, of keys that tinkey has changed, disabled or destroyed: these open nothing.
	Status string `json:"status"`
}

// KeyInfos lists the keys of the key set that cfg names, in the order of the file. It fails as Open does.
func KeyInfos(ctx context.Context, cfg Config) ([]KeyInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	read, _, err := load(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open key set: %w", err)
	}
	return read.infos(), nil
}

func (k *keys) infos() []KeyInfo {
	infos := make([]KeyInfo, len(k.info.GetKeyInfo()))
	for i, key := range k.info.GetKeyInfo() {
		infos[i] = KeyInfo{ID: key.GetKeyId(), Primary: key.GetKeyId() == k.primary(), Status: strings.ToLower(key.GetStatus().String())}
	}
	return infos
}

// AddKey adds a fresh key to the key set and gives its id. It opens from now on and seals nothing until
// it is promoted, so that every process has it by then.
//
// This, Promote and Retire replace the file as a whole, with the owner and the mode that it had, wrapped
// with the KEK if there is one and read back before. One of them runs at a time; another waits for it.
// Whatever fails or is broken off leaves the file as it was. Errors are those of Open, and say what could
// not be written.
func AddKey(ctx context.Context, cfg Config) (id uint32, err error) {
	err = change(ctx, cfg, func(manager *keyset.Manager, _ *keys) error {
		if id, err = manager.Add(keyTemplate()); err != nil {
			return errors.New("generate a key")
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("add a key: %w", err)
	}
	return id, nil
}

// Promote makes a key the primary one, with which everything is sealed from now on. Nothing is done if
// it is already.
func Promote(ctx context.Context, cfg Config, id uint32) error {
	err := change(ctx, cfg, func(manager *keyset.Manager, now *keys) error {
		switch {
		case now.primary() == id:
			return errNoChange
		case !slices.Contains(now.ids(), id):
			return now.unknown(id)
		case manager.SetPrimary(id) != nil:
			return errors.New("it is not enabled")
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNoChange) {
		return fmt.Errorf("promote key %d: %w", id, err)
	}
	return nil
}

// Retire takes a key out of the key set for good. What is still sealed with it can never be opened
// again. The primary key is refused.
func Retire(ctx context.Context, cfg Config, id uint32) error {
	err := change(ctx, cfg, func(manager *keyset.Manager, now *keys) error {
		switch {
		case now.primary() == id:
			return errors.New("it is the primary key; promote another one first")
		case !slices.Contains(now.ids(), id):
			return now.unknown(id)
		case manager.Delete(id) != nil:
			return errors.New("the key set does not let it go")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retire key %d: %w", id, err)
	}
	return nil
}

func (k *keys) unknown(id uint32) error {
	var known []string
	for _, id := range k.ids() {
		known = append(known, strconv.FormatUint(uint64(id), 10))
	}
	return fmt.Errorf("the key set has no key %d; it has %s", id, strings.Join(known, ", "))
}

// errNoChange says that the file is as it should be.
var errNoChange = errors.New("nothing to change")

// change replaces the key set by what edit makes of it.
func change(ctx context.Context, cfg Config, edit func(manager *keyset.Manager, now *keys) error) error {
	path, err := cfg.path()
	if err != nil {
		return err
	}
	// A link is followed, not replaced.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	connect, err := cfg.kek()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	unlock, err := lockKeySetFile(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	raw, file, err := readKeySetFile(path, cfg.KEK == "")
	if err != nil {
		return err
	}
	key, err := connect(ctx)
	if err != nil {
		return err
	}
	defer key.close()
	handle, now, err := readKeySet(ctx, path, raw, key)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := edit(manager, now); err != nil {
		return err
	}
	if raw, err = encodeManaged(ctx, manager, key); err != nil {
		return err
	}
	return replaceKeySetFile(path, raw, file)
}

// encodeManaged writes the manager's key set, and reads it back: what could not be opened again must not
// take the place of what can.
func encodeManaged(ctx context.Context, manager *keyset.Manager, key *kek) ([]byte, error) {
	handle, err := manager.Handle()
	if err != nil {
		return nil, errors.New("the key set would not be valid")
	}
	raw, err := encodeKeySet(ctx, handle, key)
	if err != nil {
		return nil, err
	}
	back, err := decodeKeySet(ctx, raw, key)
	if err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	if _, err := newKeys(back); err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	if !proto.Equal(back.KeysetInfo(), handle.KeysetInfo()) {
		return nil, errors.New("read back: another key set came out")
	}
	return raw, nil
}
