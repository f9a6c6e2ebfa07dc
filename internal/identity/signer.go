package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// Signer makes tokens for development and tests, with ES256. Production configuration must not accept
// its keys; real people's tokens come from their issuer.
type Signer struct {
	private jwk.Key
	public  jwk.Set
}

// Claims are what a development token says.
type Claims struct {
	// Issuer, Audience and Subject are required.
	Issuer, Audience, Subject string
	Email                     string // left out when empty
	EmailVerified             bool
	Name                      string // left out when empty
}

// NewDevelopmentKey makes a Signer whose key is gone when the process ends.
func NewDevelopmentKey() (*Signer, error) {
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the development key: %w", err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		return nil, fmt.Errorf("make the development key: %w", err)
	}
	return newSigner(key)
}

// newSigner accepts a private P-256 key and no other. The key's id is its thumbprint (RFC 7638), so
// it is the same in each process that has the key.
func newSigner(key jwk.Key) (*Signer, error) {
	private, ok := key.(jwk.ECDSAPrivateKey)
	if !ok {
		return nil, errors.New("the development key is not a private EC key")
	}
	if curve, _ := private.Crv(); curve != jwa.P256() {
		return nil, errors.New("the development key is not on the curve P-256")
	}
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("check the development key: %w", err)
	}
	if err := jwk.AssignKeyID(key, jwk.WithForceAssign(true)); err != nil {
		return nil, fmt.Errorf("name the development key: %w", err)
	}
	for name, value := range map[string]any{jwk.AlgorithmKey: jwa.ES256(), jwk.KeyUsageKey: jwk.ForSignature} {
		if err := key.Set(name, value); err != nil {
			return nil, fmt.Errorf("describe the development key: %w", err)
		}
	}
	public, err := jwk.PublicKeyOf(key)
	if err != nil {
		return nil, fmt.Errorf("take the public part of the development key: %w", err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		return nil, fmt.Errorf("take the public part of the development key: %w", err)
	}
	return &Signer{private: key, public: set}, nil
}

// KeySet is the public part of the key, for Config.KeySet or to be served as a JWKS. It must not be
// changed.
func (s *Signer) KeySet() jwk.Set { return s.public }

// Sign makes a token that is valid from now until ttl from now, rounded to seconds.
func (s *Signer) Sign(claims Claims, ttl time.Duration) (string, error) {
	if ttl < time.Second {
		return "", fmt.Errorf("sign a development token: its life of %s is too short", ttl)
	}
	if claims.Issuer == "" || claims.Audience == "" || !usableSubject(claims.Subject) {
		return "", errors.New("sign a development token: issuer, audience and a usable subject are required")
	}
	now := time.Now()
	builder := jwt.NewBuilder().
		Issuer(claims.Issuer).Audience([]string{claims.Audience}).Subject(claims.Subject).
		IssuedAt(now).Expiration(now.Add(ttl))
	if claims.Email != "" {
		builder = builder.Claim("email", claims.Email).Claim("email_verified", claims.EmailVerified)
	}
	if claims.Name != "" {
		builder = builder.Claim("name", claims.Name)
	}
	token, err := builder.Build()
	if err != nil {
		return "", fmt.Errorf("build a development token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), s.private))
	if err != nil {
		return "", fmt.Errorf("sign a development token: %w", err)
	}
	return string(signed), nil
}
