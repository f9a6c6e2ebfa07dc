// Package agenttoken signs and verifies the tokens with which AI agents act in one customer: JSON Web Tokens
// (RFC 7519) of this installation's own, with ES256. A token names its row in agent_tokens; what it may do, and
// whether it still may, is decided there each time it is used.
//
// The private keys are kept in the database, sealed by the installation's key set, so that every process has the
// same ones without a setting of its own. A new one is made every 90 days.
package agenttoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/internal/identity"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const (
	// Issuer is the `iss` of agent tokens.
	Issuer = "urn:fanfare:agent-tokens"
	// Audience is their `aud`.
	Audience = "urn:fanfare:api"

	// signingPeriod is how long a key signs, as in tenancy.add_agent_token_key.
	signingPeriod = 90 * 24 * time.Hour
	// reloadPause is the least time between two looks for keys that are not known yet.
	reloadPause = 5 * time.Second
)

// Claims are what a token says.
type Claims struct {
	// CustomerID and ID are the token's row; together the `sub`, and ID is the `jti`.
	CustomerID  uuid.UUID
	ID          uuid.UUID
	Permissions []string
	// SpaceID is the space that it acts in; nil: the whole customer. For whoever holds it to know: what counts is the row.
	SpaceID   *uuid.UUID
	ExpiresAt time.Time
}

// Keys are the installation's signing keys. Safe for concurrent use.
type Keys struct {
	queries *queries.Queries
	vault   *vault.Vault
	now     func() time.Time

	mu       sync.Mutex
	loaded   time.Time // zero: never
	newest   jwk.Key   // signs; nil: there is none
	made     time.Time // when the newest was
	verifier *identity.Verifier
	unusable []uuid.UUID // keys that cannot be opened; set by load
}

// New gives the keys that are in the database. They are read when they are first needed.
func New(db queries.DBTX, v *vault.Vault) *Keys {
	return &Keys{queries: queries.New(db), vault: v, now: time.Now}
}

// Sign makes a token.
func (k *Keys) Sign(ctx context.Context, claims Claims) (string, error) {
	key, err := k.signingKey(ctx)
	if err != nil {
		return "", err
	}
	builder := jwt.NewBuilder().Issuer(Issuer).Audience([]string{Audience}).
		JwtID(claims.ID.String()).Subject(claims.CustomerID.String()+"/"+claims.ID.String()).IssuedAt(k.now()).Expiration(claims.ExpiresAt).
		Claim("customer_id", claims.CustomerID.String()).Claim("permissions", claims.Permissions)
	if claims.SpaceID != nil {
		builder = builder.Claim("space_id", claims.SpaceID.String())
	}
	token, err := builder.Build()
	if err != nil {
		return "", fmt.Errorf("build agent token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
	if err != nil {
		return "", fmt.Errorf("sign agent token: %w", err)
	}
	return string(signed), nil
}

// Prepare makes sure that there is a key to sign with, so that Sign needs nothing from the database.
func (k *Keys) Prepare(ctx context.Context) error {
	_, err := k.signingKey(ctx)
	return err
}

// Verify gives the customer and the id of a token that this installation has signed and that has not expired.
// Errors are those of identity.Verifier, and ErrUnavailable also when the keys cannot be read at the moment.
func (k *Keys) Verify(ctx context.Context, token string) (customerID, id uuid.UUID, err error) {
	verifier, err := k.currentVerifier(ctx, false)
	if err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	who, err := verifier.Verify(ctx, token)
	if errors.Is(err, identity.ErrSignature) {
		// Another process may have made a key since.
		newer, loadErr := k.currentVerifier(ctx, true)
		if loadErr == nil && newer != verifier {
			who, err = newer.Verify(ctx, token)
		}
	}
	if err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	customer, token, _ := strings.Cut(who.Subject, "/")
	customerID, customerErr := uuid.Parse(customer)
	id, idErr := uuid.Parse(token)
	if customerErr != nil || idErr != nil {
		return uuid.Nil, uuid.Nil, &identity.Error{Reason: "The agent token names no token.", Err: identity.ErrSubject}
	}
	return customerID, id, nil
}

// currentVerifier gives a verifier of the keys at hand, after having read them if there are none or newer ones
// are wanted.
func (k *Keys) currentVerifier(ctx context.Context, newer bool) (*identity.Verifier, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.verifier == nil || (newer && k.now().Sub(k.loaded) > reloadPause) {
		if err := k.load(ctx); err != nil {
			return nil, &identity.Error{Reason: "Agent tokens cannot be checked at the moment.",
				Err: fmt.Errorf("%w: %w", identity.ErrUnavailable, err)}
		}
	}
	if k.verifier == nil {
		return nil, &identity.Error{Reason: "No such agent token has been made here.", Err: identity.ErrSignature}
	}
	return k.verifier, nil
}

// signingKey gives the key that signs, made now if there is none or it has signed for long enough.
func (k *Keys) signingKey(ctx context.Context) (jwk.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	signs := func() bool { return k.newest != nil && k.now().Sub(k.made) < signingPeriod }
	if !signs() {
		if err := k.load(ctx); err != nil { // another process may have made one
			return nil, err
		}
	}
	if !signs() {
		if err := errors.Join(k.add(ctx), k.load(ctx)); err != nil {
			return nil, err
		}
	}
	if k.newest == nil {
		return nil, errors.New("no key for agent tokens could be made")
	}
	return k.newest, nil
}

// add makes a key, unless another process has just made one.
func (k *Keys) add(ctx context.Context) error {
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key for agent tokens: %w", err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		return fmt.Errorf("make key for agent tokens: %w", err)
	}
	plain, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("encode key for agent tokens: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	sealed, keyID, err := k.vault.SealWithID(plain, vault.AgentTokenKey(id))
	if err != nil {
		return fmt.Errorf("seal key for agent tokens: %w", err)
	}
	err = k.queries.AgentTokenKeyAdd(ctx, queries.AgentTokenKeyAddParams{
		ID: id, Sealed: sealed, KeyID: keyID, Unusable: k.unusable,
	})
	if err != nil {
		return fmt.Errorf("keep key for agent tokens: %w", err)
	}
	return nil
}

// load reads the keys. Without any, there is no verifier.
func (k *Keys) load(ctx context.Context) error {
	rows, err := k.queries.AgentTokenKeyList(ctx)
	if err != nil {
		return fmt.Errorf("read keys for agent tokens: %w", err)
	}
	k.loaded = k.now()
	set := jwk.NewSet()
	k.newest, k.unusable = nil, []uuid.UUID{} // an array of none is not NULL in SQL
	for _, row := range rows {
		key, public, err := k.open(row)
		if err != nil {
			// Its key of the key set is gone, or it was tampered with. The others still serve, or a new one will.
			k.unusable = append(k.unusable, row.ID)
			continue
		}
		if k.newest == nil {
			k.newest, k.made = key, row.CreatedAt
		}
		if err := set.AddKey(public); err != nil {
			return fmt.Errorf("collect keys for agent tokens: %w", err)
		}
	}
	if k.newest == nil {
		k.verifier = nil
		return nil
	}
	// Fixed keys, so nothing runs in the background and the context is not kept.
	verifier, err := identity.New(ctx, identity.Config{Issuer: Issuer, Audience: Audience, KeySet: set, Leeway: time.Second})
	if err != nil {
		return fmt.Errorf("set up agent tokens: %w", err)
	}
	k.verifier = verifier
	return nil
}

func (k *Keys) open(row queries.AgentTokenKeyListRow) (private, public jwk.Key, err error) {
	plain, err := k.vault.Unseal(row.Sealed, vault.AgentTokenKey(row.ID))
	if err != nil {
		return nil, nil, fmt.Errorf("open key for agent tokens: %w", err)
	}
	if private, err = jwk.ParseKey(plain); err != nil {
		return nil, nil, errors.New("a key for agent tokens is damaged")
	}
	for name, value := range map[string]any{jwk.KeyIDKey: row.ID.String(), jwk.AlgorithmKey: jwa.ES256(), jwk.KeyUsageKey: jwk.ForSignature} {
		if err := private.Set(name, value); err != nil {
			return nil, nil, fmt.Errorf("describe key for agent tokens: %w", err)
		}
	}
	if public, err = jwk.PublicKeyOf(private); err != nil {
		return nil, nil, fmt.Errorf("take public part of key for agent tokens: %w", err)
	}
	return private, public, nil
}
