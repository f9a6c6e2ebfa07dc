package identity

import (
	"context"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

func BenchmarkVerify(b *testing.B) {
	supabase := claims(m{"email": "ada@example.com", "role": "authenticated", "session_id": "b2e5a1f0-0000-4000-8000-000000000001",
		"app_metadata":  m{"provider": "email", "providers": []string{"email"}},
		"user_metadata": m{"full_name": "Ada Lovelace", "email_verified": true}})
	for _, c := range []struct {
		name   string
		config Config
		token  string
	}{
		{"ES256", Config{}, sign(jwa.ES256(), ecKey(), nil, supabase)},
		{"RS256", Config{}, sign(jwa.RS256(), rsaKey(), nil, supabase)},
		{"EdDSA", Config{}, sign(jwa.EdDSA(), edKey(), nil, supabase)},
		{"HS256", Config{HS256Secret: testHS}, sign(jwa.HS256(), testHS, nil, supabase)},
	} {
		v := newTestVerifier(b, c.config)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.keys.current().verified.young = nil
				if _, err := v.Verify(context.Background(), c.token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/remembered", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), c.token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
