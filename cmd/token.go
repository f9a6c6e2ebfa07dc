package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	Email   string        `required:"" help:"Whose: a demo user's address (ada, ann, ben or vera@northlight.example, cleo or dan@kite.example, olga@fanfare.example the system admin), or any other for a new person."`
	DataDir string        `default:".fanfare" env:"FANFARE_DATA_DIR" help:"Data directory of the running 'fanfare dev'."`
	TTL     time.Duration `name:"ttl" default:"12h" help:"How long it is valid."`
}

// Run prints a token.
func (c *tokenCommand) Run(s streams) error {
	path := filepath.Join(c.DataDir, "token-key.json")
	// A key made here would be one that no running API believes.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no development key; start `fanfare dev` first, or name its directory with --data-dir", c.DataDir)
	}
	signer, err := identity.LoadOrCreateDevelopmentKey(path)
	if err != nil {
		return fmt.Errorf("load development key: %w", err)
	}
	token, err := devToken(signer, c.Email, demoName(c.Email), c.TTL)
	if err != nil {
		return err
	}
	if demoName(c.Email) == "" {
		fmt.Fprintf(s.err, "%s is nobody of the demo data: a person who was invited to no customer, and made none, belongs to none\n", c.Email)
	}
	fmt.Fprintln(s.out, token)
	return nil
}

// devSubject is the subject of the development user with an address.
func devSubject(email string) string { return "development|" + strings.ToLower(email) }

// demoName is the name of the demo person with an address, empty if there is none.
func demoName(email string) string {
	for _, p := range demoPeople {
		if strings.EqualFold(p.email, email) {
			return p.name
		}
	}
	return ""
}

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
