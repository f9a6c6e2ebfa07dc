// Package webhook signs messages by the Standard Webhooks specification, version 1
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), with symmetric secrets.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	// secretPrefix is what the text of a secret begins with.
	secretPrefix = "whsec_"
	// secretBytes is the length of a new secret; the specification asks for 24 to 64 bytes.
	secretBytes = 32
	// tolerance is how far the time of a message may be from that of who verifies it.
	tolerance = 5 * time.Minute
)

// NewSecret makes a secret, as it is given to whoever verifies: whsec_ and 32 random bytes in base64.
func NewSecret() string {
	var secret [secretBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(secret[:])
}

// Sign sets the three headers for a message with the given id and body that is sent at a time. It is signed with each
// of the secrets, of which whoever verifies has at least one.
func Sign(header http.Header, secrets []string, id string, at time.Time, body []byte) error {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		mac, err := sum(secret, id, timestamp, body)
		if err != nil {
			return err
		}
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac)
	}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, strings.Join(signatures, " "))
	return nil
}

// Verify tells what is wrong with a message that came at a time, nil where it is signed with the secret.
func Verify(header http.Header, secret string, at time.Time, body []byte) error {
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return errors.New("the message has no " + HeaderID + " or no " + HeaderTimestamp)
	}
	if at.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return errors.New("the message is not of this time")
	}
	mac, err := sum(secret, id, timestamp, body)
	if err != nil {
		return err
	}
	for signature := range strings.FieldsSeq(header.Get(HeaderSignature)) {
		encoded, ours := strings.CutPrefix(signature, "v1,")
		if given, err := base64.StdEncoding.DecodeString(encoded); ours && err == nil && hmac.Equal(given, mac) {
			return nil
		}
	}
	return errors.New("the message is not signed with this secret")
}

func sum(secret, id, timestamp string, body []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return nil, fmt.Errorf("read webhook secret: %w", errors.New("not base64")) // and not what it holds
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil), nil
}
