package cmd

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"fanfare/internal/identity"
)

// defaultDataDir is where development mode keeps everything unless told otherwise.
const defaultDataDir = ".fanfare"

// Development mode issues its own tokens, under names that no real issuer has.
const (
	devIssuer   = "urn:fanfare:development"
	devAudience = "fanfare-development"
)

type tokenCommand struct {
	Email   string        `required:"" help:"Whose: a demo user's address, or any other for a new person."`
	DataDir string        `default:".fanfare" env:"FANFARE_DATA_DIR" help:"Data directory of the running 'fanfare dev'."`
	TTL     time.Duration `name:"ttl" default:"12h" help:"How long it is valid."`
}

// Run prints a token.
func (c *tokenCommand) Run(s streams) error {
	signer, err := identity.LoadOrCreateDevelopmentKey(filepath.Join(c.DataDir, "token-key.json"))
	if err != nil {
		return fmt.Errorf("load development key: %w", err)
	}
	token, err := devToken(signer, c.Email, "", c.TTL)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, token)
	return nil
}

// devSubject is the subject of the development user with an address.
func devSubject(email string) string { return "development|" + strings.ToLower(email) }

func devToken(signer *identity.Signer, email, name string, ttl time.Duration) (string, error) {
	if !strings.Contains(email, "@") {
		return "", fmt.Errorf("%q is not an e-mail address", email)
	}
	token, err := signer.Sign(identity.Claims{
		Issuer: devIssuer, Audience: devAudience, Subject: devSubject(email), Email: strings.ToLower(email), EmailVerified: true, Name: name,
	}, ttl)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}
