package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxTokenBytes is the size of the largest token that is looked at.
const maxTokenBytes = 16 << 10

// header is what is used of a token's protected header. Keys and key addresses in it (jwk, jku, x5c,
// x5u) are never read: a token cannot bring its own key.
type header struct {
	algorithm string
	keyID     string // empty if there is none
}

// readHeader checks the token's outer form and reads its header. Nothing of it is trusted yet.
func readHeader(token string) (header, error) {
	if strings.Count(token, ".") != 2 || strings.ContainsFunc(token, notInToken) {
		return header{}, refuse(ErrMalformed, "This is neither a token of the issuer (a compact JWS) nor a key (which begins with ffk_).")
	}
	encoded, _, _ := strings.Cut(token, ".")
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return header{}, refuse(ErrMalformed, "The token's header is not base64url.")
	}
	fields, err := readObject(decoded)
	if err != nil {
		return header{}, refuse(ErrMalformed, "The token's header is not a JSON object with unique names.")
	}
	// RFC 7515 section 4.1.11: what a header calls critical must be understood or the token refused.
	// No extension is understood here, b64 (RFC 7797) included.
	for _, name := range []string{"crit", "b64"} {
		if _, found := fields[name]; found {
			return header{}, refuse(ErrMalformed, "The token's header uses an extension that is not supported.")
		}
	}
	var h header
	var typ string
	for name, target := range map[string]*string{"alg": &h.algorithm, "kid": &h.keyID, "typ": &typ} {
		raw, found := fields[name]
		if found && (raw[0] != '"' || json.Unmarshal(raw, target) != nil) {
			return header{}, refuse(ErrMalformed, "The token's header has a field of the wrong type.")
		}
	}
	if _, found := fields["typ"]; found && !acceptableType(typ) {
		return header{}, refuse(ErrMalformed, "The token is of another type than JWT or at+jwt.")
	}
	return h, nil
}

// acceptableType compares as RFC 7515 section 4.1.9 says: media types, case-insensitive, with
// "application/" left out or not.
func acceptableType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "jwt" || typ == "at+jwt"
}

func notInToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// readObject reads one JSON object. Unlike decoding into a struct it tells "Alg" from "alg", and it
// refuses a name that stands twice, so that no two readers can see different values.
func readObject(data []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	fields := make(map[string]json.RawMessage)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("a name is not a string")
		}
		if _, found := fields[name]; found {
			return nil, errors.New("a name stands twice")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		fields[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the object")
	}
	return fields, nil
}

// ClaimedIssuer is the `iss` that a token states, or "". Nothing of the token has been verified: it serves to choose
// who is to verify it.
func ClaimedIssuer(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxTokenBytes {
		return ""
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(decoded, &claims) != nil {
		return ""
	}
	return claims.Issuer
}
