package identity

import (
	"strings"
	"testing"
)

func TestIdentityFromClaims(t *testing.T) {
	t.Parallel()
	strict, lenient := newTestVerifier(t, Config{}), newTestVerifier(t, Config{EmailsVerified: true})
	for _, c := range []struct {
		name     string
		claims   m
		email    string
		verified bool // by a strict configuration
		trusted  bool // with EmailsVerified
		display  string
	}{
		{"nothing", m{}, "", false, false, ""},
		{"verified", m{"email": "a@b.c", "email_verified": true}, "a@b.c", true, true, ""},
		{"verified as text", m{"email": "a@b.c", "email_verified": "true"}, "a@b.c", true, true, ""},
		{"not verified", m{"email": "a@b.c", "email_verified": false}, "a@b.c", false, false, ""},
		{"other text", m{"email": "a@b.c", "email_verified": "TRUE"}, "a@b.c", false, false, ""},
		{"a number", m{"email": "a@b.c", "email_verified": 1}, "a@b.c", false, false, ""},
		{"an object", m{"email": "a@b.c", "email_verified": m{}}, "a@b.c", false, false, ""},
		{"not said", m{"email": "a@b.c"}, "a@b.c", false, true, ""},
		{"said by the user", m{"email": "a@b.c", "user_metadata": m{"email_verified": true}}, "a@b.c", false, true, ""},
		{"Email is not email", m{"Email": "a@b.c", "email_verified": true}, "", false, false, ""},
		{"no address", m{"email": "", "email_verified": true}, "", false, false, ""},
		{"address of another type", m{"email": []string{"a@b.c"}, "email_verified": true}, "", false, false, ""},
		{"address with a line break", m{"email": "a@b.c\n", "email_verified": true}, "", false, false, ""},
		{"address too long", m{"email": strings.Repeat("a", 321), "email_verified": true}, "", false, false, ""},
		{"name", m{"name": " Ada\x00 Lovelace\n", "user_metadata": m{"full_name": "x"}}, "", false, false, "Ada Lovelace"},
		{"full name", m{"user_metadata": m{"full_name": "Ada", "name": "x"}}, "", false, false, "Ada"},
		{"user's name", m{"user_metadata": m{"full_name": 1, "name": "Ada"}}, "", false, false, "Ada"},
		{"metadata of another type", m{"user_metadata": "x", "name": 7}, "", false, false, ""},
		{"long name", m{"name": "x" + strings.Repeat("é", 200)}, "", false, false, "x" + strings.Repeat("é", 127)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			token := signEC(nil, claims(c.claims))
			who := verifyError(t, strict, token, nil)
			if who.Email != c.email || who.EmailVerified != c.verified || who.Name != c.display {
				t.Errorf("got %+v", who)
			}
			if who = verifyError(t, lenient, token, nil); who.EmailVerified != c.trusted {
				t.Errorf("with EmailsVerified got %+v", who)
			}
		})
	}
}
