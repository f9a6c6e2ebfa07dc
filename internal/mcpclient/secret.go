package mcpclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"fanfare/internal/platform"
)

// Secret is what lets into a server, as it is sealed: a token that its owner gave out, or what a sign-in gave, with all that
// renewing and ending it takes. Printing or logging it shows nothing.
type Secret struct {
	// Token is the one that was given out; "" after a sign-in.
	Token        string          `json:"token,omitempty"`
	Tokens       platform.Tokens `json:"tokens,omitzero"`
	Metadata     Metadata        `json:"metadata,omitzero"`
	Registration Registration    `json:"registration,omitzero"`
}

// ParseSecret reads what was sealed. Its errors hold nothing of it.
func ParseSecret(plain []byte) (secret Secret, err error) {
	if json.Unmarshal(plain, &secret) != nil || (secret.Token == "") == (secret.Tokens.AccessToken == "") {
		return Secret{}, errors.New("the credential is not what was sealed")
	}
	return secret, nil
}

// Authorization is the value of the Authorization header.
func (s Secret) Authorization() string {
	if s.Token != "" {
		return "Bearer " + s.Token
	}
	return "Bearer " + s.Tokens.AccessToken
}

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credential of an MCP server") }

// LogValue hides the secret from package slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("credential of an MCP server") }
