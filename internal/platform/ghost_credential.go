package platform

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Codes of the errors about a Ghost credential, each the name of the field to correct.
const (
	CodeSiteURL     = "site_url"
	CodeAdminAPIKey = "admin_api_key"
)

const (
	// maxSiteURL is the longest accepted site address, in bytes.
	maxSiteURL     = 2000
	messageTooLong = "The site address is too long."
)

// GhostCredential is what a Ghost account is reached with. Its JSON form is the credential that the
// Publisher methods take. Printing or logging it shows the site only.
type GhostCredential struct {
	// SiteURL is the site's address without a slash at its end: "https://example.com/blog".
	SiteURL string `json:"site_url"`
	// AdminAPIKey is a secret: the key's id (24 hex digits), a colon, its secret (64 hex digits).
	AdminAPIKey string `json:"admin_api_key"`
}

// String names the site and hides the key.
func (c GhostCredential) String() string { return "Ghost key for " + c.SiteURL }

// Format hides the key from every verb of package fmt, %#v and %x too.
func (c GhostCredential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue hides the key from package slog.
func (c GhostCredential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// keyID gives the id half of the key.
func (c GhostCredential) keyID() string {
	id, _, _ := strings.Cut(c.AdminAPIKey, ":")
	return id
}

// secret gives the bytes that sign tokens: the key's second half, decoded.
func (c GhostCredential) secret() ([]byte, error) {
	_, secret, _ := strings.Cut(c.AdminAPIKey, ":")
	return hex.DecodeString(secret)
}

var (
	ghostKeyPattern        = regexp.MustCompile(`^[0-9a-f]{24}:[0-9a-f]{64}$`)
	ghostContentKeyPattern = regexp.MustCompile(`^[0-9a-f]{26}$`)
)

// ParseGhostCredential checks and normalises what a person entered. Its errors are *Error with class
// Invalid and CodeSiteURL or CodeAdminAPIKey. Whether the address may be reached is for Egress to say.
func ParseGhostCredential(siteURL, key string) (GhostCredential, error) {
	site, err := parseSiteURL(strings.TrimSpace(siteURL))
	if err != nil {
		return GhostCredential{}, err
	}
	key = strings.ToLower(strings.TrimSpace(key))
	switch {
	case key == "":
		return GhostCredential{}, keyError("Enter the Admin API key of the site's integration.")
	case ghostContentKeyPattern.MatchString(key):
		return GhostCredential{}, keyError("This looks like the Content API key. Copy the Admin API key instead: " +
			"in Ghost under Settings, Integrations.")
	case !ghostKeyPattern.MatchString(key):
		return GhostCredential{}, keyError("This is not an Admin API key. It has 24 digits or letters a to f, " +
			"a colon, and 64 more; copy it whole from Ghost under Settings, Integrations.")
	}
	return GhostCredential{SiteURL: site, AdminAPIKey: key}, nil
}

func keyError(message string) *Error {
	return &Error{Class: Invalid, Code: CodeAdminAPIKey, Message: message}
}

func siteError(message string) *Error {
	return &Error{Class: Invalid, Code: CodeSiteURL, Message: message}
}

// parseSiteURL never wraps the parser's error: it quotes its input, which may hold a password.
func parseSiteURL(raw string) (string, error) {
	if raw == "" {
		return "", siteError("Enter the site's address, such as https://example.com.")
	}
	if len(raw) > maxSiteURL { // before anything whose cost grows with the length
		return "", siteError(messageTooLong)
	}
	u, err := url.Parse(raw)
	if err != nil || !utf8.ValidString(raw) {
		return "", siteError("The site address cannot be read. It looks like https://example.com.")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", siteError("The site address must begin with https://.")
	case u.User != nil:
		return "", siteError("The site address must not hold a user name or password.")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return "", siteError("Give the site's own address only, without anything after ? or #.")
	}
	host, err := normalHost(u)
	if err != nil {
		return "", err
	}
	site := url.URL{Scheme: u.Scheme, Host: host}
	if clean := path.Clean("/" + u.Path); clean != "/" {
		site.Path = clean
	}
	normal := site.String()
	if len(normal) > maxSiteURL { // escaping makes it longer
		return "", siteError(messageTooLong)
	}
	return normal, nil
}

// normalHost gives host and port in one spelling, so that the same site is recognised: names in
// lower-case ASCII, no dot at the end, no default port.
func normalHost(u *url.URL) (string, error) {
	name := strings.TrimSuffix(u.Hostname(), ".")
	if addr, err := netip.ParseAddr(name); err == nil {
		if addr.Zone() != "" {
			return "", siteError("The site address must not name a network interface.")
		}
		name = addr.String()
		if addr.Is6() {
			name = "[" + name + "]"
		}
	} else {
		ascii, err := idna.Lookup.ToASCII(name)
		ascii = strings.TrimSuffix(ascii, ".") // there are other dots, which become this one
		// What is a name stays the same a second time. Some input that is none passes the first.
		again, errAgain := idna.Lookup.ToASCII(ascii)
		if err != nil || errAgain != nil || again != ascii || ascii == "" || ascii[0] == '.' ||
			strings.HasSuffix(ascii, ".") || strings.Contains(ascii, "..") || strings.Contains(ascii, ":") {
			return "", siteError("The site address has no valid host name. It looks like https://example.com.")
		}
		name = ascii
	}
	if u.Port() == "" {
		return name, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil || port == 0:
		return "", siteError("The port in the site address is not a number from 1 to 65535.")
	case u.Scheme == "https" && port == 443, u.Scheme == "http" && port == 80:
		return name, nil
	}
	return name + ":" + strconv.FormatUint(port, 10), nil
}

// openGhostCredential reads a stored credential. Its errors do not quote it.
func openGhostCredential(raw json.RawMessage) (GhostCredential, error) {
	var stored GhostCredential
	if err := json.Unmarshal(raw, &stored); err != nil {
		return GhostCredential{}, &Error{Class: Credential, Code: CodeAdminAPIKey,
			Message: "The stored key of this Ghost site cannot be read. Connect the site again."}
	}
	return ParseGhostCredential(stored.SiteURL, stored.AdminAPIKey)
}
