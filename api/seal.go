package api

import (
	"encoding/json"
	"fmt"

	"fanfare/internal/vault"
)

// seal seals a secret as JSON, and gives the id of the key that is stored beside it. Its errors hold nothing of the secret.
func (a *API) seal(secret any, context vault.Context) (sealed []byte, keyID int64, err error) {
	plain, err := json.Marshal(secret)
	if err != nil {
		return nil, 0, fmt.Errorf("encode %s: %w", context.Field, err)
	}
	defer clear(plain)
	if sealed, keyID, err = a.Vault.SealWithID(plain, context); err != nil {
		return nil, 0, fmt.Errorf("seal %s: %w", context.Field, err)
	}
	return sealed, keyID, nil
}
