package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
)

// maxSecret bounds a token, in bytes. The longest known ones, of LinkedIn, have 1,000.
const maxSecret = 10_000

// ParseCredential checks that raw has the shape of the platform's credential for the account (its ExternalID), and gives
// it back in its normal form. It asks nobody whether it works. Its errors are *Error with class Invalid, and never
// quote raw.
func ParseCredential(name Name, externalID string, raw json.RawMessage) (json.RawMessage, error) {
	credential, err := parseCredential(name, externalID, raw)
	var wrong *Error
	if errors.As(err, &wrong) && len(CredentialFields(name)) > 0 {
		return nil, &Error{Class: Invalid, Message: wrong.Message + " A credential for " + string(name) + " has the fields " + strings.Join(CredentialFields(name), ", ") + "."}
	}
	return credential, err
}

// CredentialFields names the fields of a platform's credential, all of which are needed. There are none for a platform
// that is not known.
func CredentialFields(name Name) []string {
	switch name {
	case Twitter:
		return []string{"access_token", "user_id"}
	case LinkedIn:
		return []string{"access_token", "author"}
	case Facebook:
		return []string{"access_token", "page_id"}
	case Mailchimp:
		return []string{"access_token", "endpoint", "account_id", "list_id"}
	case Ghost:
		return []string{"site_url", "admin_api_key"}
	default:
		return nil
	}
}

func parseCredential(name Name, externalID string, raw json.RawMessage) (json.RawMessage, error) {
	switch name {
	case Twitter:
		return parse(raw, func(c *TwitterCredential) error {
			return all(token(c.AccessToken), names("user_id", c.UserID, externalID))
		})
	case LinkedIn:
		return parse(raw, func(c *LinkedInCredential) error {
			return all(token(c.AccessToken), names("author", c.Author, externalID))
		})
	case Facebook:
		return parse(raw, func(c *FacebookCredential) error {
			return all(token(c.AccessToken), names("page_id", c.PageID, externalID))
		})
	case Mailchimp:
		return parse(raw, func(c *MailchimpCredential) error {
			endpoint, err := url.Parse(c.Endpoint)
			if err != nil || (endpoint.Scheme != "https" && endpoint.Scheme != "http") || endpoint.Host == "" {
				return shapeError("its endpoint is not an address such as https://us6.api.mailchimp.com")
			}
			return all(token(c.AccessToken), names("account_id, a slash and list_id", c.AccountID+"/"+c.ListID, externalID))
		})
	case Ghost:
		return parse(raw, func(c *GhostCredential) (err error) {
			*c, err = ParseGhostCredential(c.SiteURL, c.AdminAPIKey)
			return err
		})
	default:
		names := make([]string, len(Names))
		for i, known := range Names {
			names[i] = string(known)
		}
		return nil, &Error{Class: Invalid, Message: "There is no such platform; it is one of " + strings.Join(names, ", ") + "."}
	}
}

func shapeError(what string) *Error {
	return &Error{Class: Invalid, Message: "The credential has not the shape of the platform's: " + what + "."}
}

// parse reads a credential of exactly the fields that T has, checks it and writes it anew.
func parse[T any](raw json.RawMessage, check func(*T) error) (json.RawMessage, error) {
	var c T
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, shapeError(wrong.Field + " is of another type")
		}
		// The decoder's own words may quote what it has read.
		return nil, shapeError("it is no JSON object, or has a field that is not known")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, shapeError("something follows it")
	}
	if err := check(&c); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

func all(errs ...*Error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func token(t string) *Error {
	if t == "" || len(t) > maxSecret || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return shapeError("access_token is empty, too long, or no token")
	}
	return nil
}

// names checks that a credential is the account's and not another one's.
func names(field, got, externalID string) *Error {
	if got != externalID {
		return shapeError(field + " is not the account's external_id")
	}
	return nil
}
