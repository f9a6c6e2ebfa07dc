package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// What is signed here, the specification's own library verifies, with the secret in use and with the one before it.
func TestSign(t *testing.T) {
	t.Parallel()
	older, newer, other := NewSecret(), NewSecret(), NewSecret()
	body := []byte(`{"type":"post.published","data":{"title":"Grüße"}}`)
	header := http.Header{}
	if err := Sign(header, []string{newer, older}, "0197a5d2", time.Now(), body); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, secret string
		body         []byte
		ok           bool
	}{
		{"the secret in use", newer, body, true},
		{"the one before it", older, body, true},
		{"another", other, body, false},
		{"another body", newer, append([]byte(" "), body...), false},
	} {
		verifier, err := standardwebhooks.NewWebhook(test.secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(test.body, header); (err == nil) != test.ok {
			t.Errorf("%s: the library says %v", test.name, err)
		}
		if err := Verify(header, test.secret, time.Now(), test.body); (err == nil) != test.ok {
			t.Errorf("%s: Verify says %v", test.name, err)
		}
	}
	if err := Verify(header, newer, time.Now().Add(6*time.Minute), body); err == nil {
		t.Error("an old message is taken")
	}
}

// The other way round: Verify takes what the library signs.
func TestVerifyOfTheLibrary(t *testing.T) {
	t.Parallel()
	secret, body, now := NewSecret(), []byte("{}"), time.Now()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	if err := Sign(header, []string{secret}, "msg_1", now, body); err != nil {
		t.Fatal(err)
	}
	if got := header.Get(HeaderSignature); got != signature {
		t.Errorf("signed as %s, by the library as %s", got, signature)
	}
	header.Set(HeaderSignature, "v2,x "+signature)
	if err := Verify(header, secret, now, body); err != nil {
		t.Error(err)
	}
}

func TestSignWithNoSecret(t *testing.T) {
	t.Parallel()
	const broken = "whsec_s3cr%t"
	if err := Sign(http.Header{}, []string{broken}, "x", time.Now(), nil); err == nil || strings.Contains(err.Error(), "s3cr") {
		t.Errorf("a secret that is none: %v", err)
	}
}
