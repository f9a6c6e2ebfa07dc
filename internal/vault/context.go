package vault

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ErrContext says that a Context lacks a part. It is a mistake of the caller, never of the data.
var ErrContext = errors.New("vault: incomplete context")

// associatedDataVersion names the encoding below. A change of the encoding takes a new version, a
// fallback to the old one in Unseal, and a run of the job that re-encrypts.
const associatedDataVersion = "fanfare.vault.v1"

// Installation stands in a Context where a secret belongs to the installation and to no customer. It is the
// database's tenancy.installation_id() too.
var Installation = uuid.MustParse("fa0fa0e0-0000-7000-8000-000000000000")

// Context says which secret a sealed value is. It is bound to the ciphertext but not stored in it:
// the caller must know it again to unseal. All four parts are required, and compared byte for byte.
type Context struct {
	CustomerID    uuid.UUID
	IntegrationID uuid.UUID
	// Platform is the name of the platform, such as "linkedin".
	Platform string
	// Field is the name of the secret within the integration, such as "refresh_token".
	Field string
}

// associatedData encodes c so that no two contexts share an encoding: the version, then each part in
// order, every one preceded by its length in bytes as a big-endian uint32.
func (c Context) associatedData() ([]byte, error) {
	switch {
	case c.CustomerID == uuid.Nil:
		return nil, fmt.Errorf("%w: no customer id", ErrContext)
	case c.IntegrationID == uuid.Nil:
		return nil, fmt.Errorf("%w: no integration id", ErrContext)
	case c.Platform == "":
		return nil, fmt.Errorf("%w: no platform", ErrContext)
	case c.Field == "":
		return nil, fmt.Errorf("%w: no field", ErrContext)
	}
	parts := [...]string{
		associatedDataVersion,
		string(c.CustomerID[:]),
		string(c.IntegrationID[:]),
		c.Platform,
		c.Field,
	}
	var encoded []byte
	for _, part := range parts {
		encoded = binary.BigEndian.AppendUint32(encoded, uint32(len(part)))
		encoded = append(encoded, part...)
	}
	return encoded, nil
}
