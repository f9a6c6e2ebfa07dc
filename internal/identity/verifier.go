package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	config  Config
	allowed map[string]jwa.SignatureAlgorithm
	keys    keySource
	now     func() time.Time
}

// keySource is where keys come from: issuerKeys or fixedKeys.
type keySource interface {
	// current gives the keys at hand without waiting, nil if there have never been any.
	current() *keySet
	// refetch gives the keys after having tried to get newer ones.
	refetch(ctx context.Context) (*keySet, error)
}

// fixedKeys are keys that never change.
type fixedKeys struct{ set *keySet }

func (k fixedKeys) current() *keySet                         { return k.set }
func (k fixedKeys) refetch(context.Context) (*keySet, error) { return k.set, nil }

// New makes a Verifier. With a JWKS URL it fetches the keys in the background until ctx ends, and
// waits at most half a second for the first ones: an issuer that is down does not keep the program
// from starting. An error means that the configuration is wrong.
func New(ctx context.Context, config Config) (*Verifier, error) {
	return newVerifier(ctx, config, defaultPace)
}

func newVerifier(ctx context.Context, config Config, pace pace) (*Verifier, error) {
	config, err := config.checked()
	if err != nil {
		return nil, fmt.Errorf("configure token verification: %w", err)
	}
	v := &Verifier{config: config, allowed: make(map[string]jwa.SignatureAlgorithm), now: time.Now}
	for _, algorithm := range config.Algorithms {
		v.allowed[algorithm.String()] = algorithm
	}
	switch {
	case config.JWKSURL != "":
		keys, err := newIssuerKeys(ctx, config, pace)
		if err != nil {
			return nil, fmt.Errorf("configure token verification: %w", err)
		}
		v.keys = keys
	case config.KeySet != nil:
		source, err := config.KeySet.Clone()
		if err != nil {
			return nil, fmt.Errorf("configure token verification: copy the key set: %w", err)
		}
		set := newKeySet(source, config.Algorithms)
		if len(set.keys) == 0 {
			return nil, errors.New("configure token verification: the key set has no key for an allowed algorithm")
		}
		v.keys = fixedKeys{set}
	default:
		v.keys = fixedKeys{newSecretKeySet(config.HS256Secret)}
	}
	return v, nil
}

// Verify says who a token speaks for. Every error is an *Error. It uses the network only when there
// are no keys yet, or when a token names a key that is not known; then it waits for one fetch, at
// most about 5 s or until ctx ends.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > maxTokenBytes {
		return Identity{}, refuse(ErrMalformed, "The token is larger than 16 KiB.")
	}
	now, digest := v.now(), sha256.Sum256([]byte(token))
	set := v.keys.current()
	if set != nil {
		if who, ok := set.verified.find(digest, now); ok {
			return who, nil
		}
	}
	h, err := readHeader(token)
	if err != nil {
		return Identity{}, err
	}
	algorithm, ok := v.allowed[h.algorithm]
	if !ok {
		return Identity{}, refuse(ErrAlgorithm, "The token's algorithm is not allowed.")
	}
	if set == nil {
		if set, err = v.keys.refetch(ctx); set == nil {
			return Identity{}, &Error{
				Reason: "The keys for verifying tokens cannot be fetched from their issuer at the moment.",
				Err:    fmt.Errorf("%w: %w", ErrUnavailable, err),
			}
		}
	}
	payload, missing, err := set.verify(token, h, algorithm)
	if missing {
		// Whether the fetch failed does not matter: with the keys at hand the token is refused.
		if newer, _ := v.keys.refetch(ctx); newer != set {
			set = newer
			payload, _, err = set.verify(token, h, algorithm)
		}
	}
	if err != nil {
		return Identity{}, err
	}
	who, err := v.readClaims(payload, now)
	if err != nil {
		return Identity{}, err
	}
	set.verified.remember(digest, who, now)
	return who, nil
}
