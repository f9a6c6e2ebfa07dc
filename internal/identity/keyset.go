package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

const (
	// maxTries bounds the work for a token that does not name its key.
	maxTries = 10
	// minRSABits is the least size of an RSA key, RFC 7518 section 3.3.
	minRSABits = 2048
)

// keySet is one state of the issuer's keys, ready for use. Its keys never change: a new state is a
// new keySet.
type keySet struct {
	keys []verificationKey
	// ignoreIDs: there is one key, and Supabase names a kid in HS256 tokens that nobody publishes.
	ignoreIDs bool
	verified  verifiedTokens
}

// verificationKey is a key together with the algorithms it may be used with. The token's header only
// ever chooses among these, so a public key cannot become a shared secret.
type verificationKey struct {
	id         string
	algorithms []jwa.SignatureAlgorithm
	material   any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or []byte
}

// newKeySet takes from a JWKS what can verify a signature with an allowed algorithm. Keys for
// encryption, symmetric, weak and unknown ones are left out, so one odd key does not cost the others.
func newKeySet(source jwk.Set, allowed []jwa.SignatureAlgorithm) *keySet {
	set := &keySet{}
	for i := range source.Len() {
		key, ok := source.Key(i)
		if !ok || !forSignatures(key) {
			continue
		}
		material, fitting := exportPublic(key)
		algorithms := slices.DeleteFunc(fitting, func(a jwa.SignatureAlgorithm) bool {
			return !slices.Contains(allowed, a) || !keyAllows(key, a)
		})
		if len(algorithms) > 0 {
			id, _ := key.KeyID()
			set.keys = append(set.keys, verificationKey{id: id, algorithms: algorithms, material: material})
		}
	}
	return set
}

// equal reports whether both have the same keys for the same uses, in the same order.
func (s *keySet) equal(other *keySet) bool {
	return slices.EqualFunc(s.keys, other.keys, func(a, b verificationKey) bool {
		material, ok := a.material.(interface{ Equal(crypto.PublicKey) bool })
		return ok && a.id == b.id && slices.Equal(a.algorithms, b.algorithms) && material.Equal(b.material)
	})
}

func newSecretKeySet(secret []byte) *keySet {
	return &keySet{
		keys:      []verificationKey{{algorithms: []jwa.SignatureAlgorithm{jwa.HS256()}, material: slices.Clone(secret)}},
		ignoreIDs: true,
	}
}

// forSignatures reads `use` and `key_ops`, RFC 7517 sections 4.2 and 4.3.
func forSignatures(key jwk.Key) bool {
	if use, ok := key.KeyUsage(); ok && use != "" && use != jwk.ForSignature.String() {
		return false
	}
	ops, ok := key.KeyOps()
	return !ok || len(ops) == 0 || slices.Contains(ops, jwk.KeyOpVerify) || slices.Contains(ops, jwk.KeyOpSign)
}

// keyAllows reports whether the key's own `alg`, if it has one, is the algorithm.
func keyAllows(key jwk.Key, algorithm jwa.SignatureAlgorithm) bool {
	own, ok := key.Algorithm()
	return !ok || own.String() == "" || own.String() == algorithm.String()
}

// exportPublic gives the public key and the algorithms of its type and curve, none for a key that
// must not be used.
func exportPublic(key jwk.Key) (any, []jwa.SignatureAlgorithm) {
	if key.KeyType() == jwa.OctetSeq() || jwk.IsUnsupportedKey(key) {
		return nil, nil
	}
	public, err := jwk.PublicKeyOf(key)
	if err != nil || public.Validate() != nil {
		return nil, nil
	}
	var material any
	if err := jwk.Export(public, &material); err != nil {
		return nil, nil
	}
	switch material := material.(type) {
	case *rsa.PublicKey:
		if material.N.BitLen() >= minRSABits {
			return material, []jwa.SignatureAlgorithm{jwa.RS256(), jwa.RS384(), jwa.RS512(), jwa.PS256(), jwa.PS384(), jwa.PS512()}
		}
	case *ecdsa.PublicKey:
		switch material.Curve {
		case elliptic.P256():
			return material, []jwa.SignatureAlgorithm{jwa.ES256()}
		case elliptic.P384():
			return material, []jwa.SignatureAlgorithm{jwa.ES384()}
		case elliptic.P521():
			return material, []jwa.SignatureAlgorithm{jwa.ES512()}
		}
	case ed25519.PublicKey:
		return material, []jwa.SignatureAlgorithm{jwa.EdDSA(), jwa.EdDSAEd25519()}
	}
	return nil, nil
}

// verify gives the signed payload of a token. missing says that no key of the set could be the one,
// so that it may be a new key's.
func (s *keySet) verify(token string, h header, algorithm jwa.SignatureAlgorithm) (payload []byte, missing bool, err error) {
	named := h.keyID != "" && !s.ignoreIDs
	known, tries := false, 0
	for _, key := range s.keys {
		if named && key.id != h.keyID {
			continue
		}
		known = true
		if !slices.Contains(key.algorithms, algorithm) {
			continue
		}
		if tries++; tries > maxTries {
			break
		}
		// It verifies the bytes as received, and refuses crit, b64 and another alg once more.
		if payload, err := jws.VerifyCompactFast(key.material, []byte(token), algorithm); err == nil {
			return payload, false, nil
		}
	}
	switch {
	case named && known && tries == 0:
		return nil, false, refuse(ErrAlgorithm, "The token's algorithm is not the one of its key.")
	case named && known:
		return nil, false, refuse(ErrSignature, "The token's signature is not valid.")
	case named:
		return nil, true, refuse(ErrSignature, "The token is signed with a key that its issuer does not publish.")
	}
	return nil, !s.ignoreIDs, refuse(ErrSignature, "The token's signature is not from a key of its issuer.")
}
