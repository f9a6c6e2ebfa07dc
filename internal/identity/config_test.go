package identity

import (
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	secret := must(jwk.Import(testHS))
	algorithms := func(list ...jwa.SignatureAlgorithm) []jwa.SignatureAlgorithm { return list }
	for name, c := range map[string]struct {
		config Config
		good   bool
	}{
		"nothing":             {Config{}, false},
		"no issuer":           {Config{Audience: "a", HS256Secret: testHS}, false},
		"no audience":         {Config{Issuer: "i", HS256Secret: testHS}, false},
		"no keys":             {Config{Issuer: "i", Audience: "a"}, false},
		"two sources":         {Config{Issuer: "i", Audience: "a", HS256Secret: testHS, KeySet: testKeySet()}, false},
		"short secret":        {Config{Issuer: "i", Audience: "a", HS256Secret: testHS[:31]}, false},
		"secret":              {Config{Issuer: "i", Audience: "a", HS256Secret: testHS}, true},
		"secret with RS256":   {Config{Issuer: "i", Audience: "a", HS256Secret: testHS, Algorithms: algorithms(jwa.RS256())}, false},
		"keys":                {Config{Issuer: "i", Audience: "a", KeySet: testKeySet()}, true},
		"keys with HS256":     {Config{Issuer: "i", Audience: "a", KeySet: testKeySet(), Algorithms: algorithms(jwa.ES256(), jwa.HS256())}, false},
		"keys with none":      {Config{Issuer: "i", Audience: "a", KeySet: testKeySet(), Algorithms: algorithms(jwa.NoSignature())}, false},
		"keys with PS256":     {Config{Issuer: "i", Audience: "a", KeySet: keySetOf(publicJWK(rsaKey(), nil)), Algorithms: algorithms(jwa.PS256())}, true},
		"no suitable key":     {Config{Issuer: "i", Audience: "a", KeySet: testKeySet(), Algorithms: algorithms(jwa.ES384())}, false},
		"empty set":           {Config{Issuer: "i", Audience: "a", KeySet: jwk.NewSet()}, false},
		"symmetric key":       {Config{Issuer: "i", Audience: "a", KeySet: keySetOf(secret)}, false},
		"long leeway":         {Config{Issuer: "i", Audience: "a", HS256Secret: testHS, Leeway: 121 * time.Second}, false},
		"negative leeway":     {Config{Issuer: "i", Audience: "a", HS256Secret: testHS, Leeway: -1}, false},
		"http":                {Config{Issuer: "i", Audience: "a", JWKSURL: "http://issuer.example/jwks"}, false},
		"http like loopback":  {Config{Issuer: "i", Audience: "a", JWKSURL: "http://localhost.example/jwks"}, false},
		"user as loopback":    {Config{Issuer: "i", Audience: "a", JWKSURL: "http://localhost@issuer.example/jwks"}, false},
		"password in URL":     {Config{Issuer: "i", Audience: "a", JWKSURL: "https://u:p@issuer.example/jwks"}, false},
		"file":                {Config{Issuer: "i", Audience: "a", JWKSURL: "file:///etc/passwd"}, false},
		"no host":             {Config{Issuer: "i", Audience: "a", JWKSURL: "https:///jwks"}, false},
		"loopback over http":  {Config{Issuer: "i", Audience: "a", JWKSURL: "http://127.0.0.1:1/jwks"}, true},
		"loopback IPv6":       {Config{Issuer: "i", Audience: "a", JWKSURL: "http://[::1]:1/jwks"}, true},
		"localhost over http": {Config{Issuer: "i", Audience: "a", JWKSURL: "http://localhost:1/jwks"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := New(t.Context(), c.config)
			if (err == nil) != c.good || (v != nil) != c.good {
				t.Fatalf("got %v", err)
			}
		})
	}
}
