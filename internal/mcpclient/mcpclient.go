// Package mcpclient speaks to the MCP servers that customers name: it checks what state they are in, and signs people in to
// those behind OAuth. It keeps nothing; what has to be kept, its callers get as values.
//
// The protocol is the official SDK's (github.com/modelcontextprotocol/go-sdk), and so is most of what signing in takes.
// Everything is sent through platform.Egress, within the limits of round: a server is a stranger, and so is whoever it names.
package mcpclient

import (
	"fmt"
	"net/url"
	"time"

	"fanfare/internal/platform"
)

// Limits of one operation: a check, a discovery, a registration, a request for tokens.
const (
	// timeout is from its beginning to its end, however many requests it takes.
	timeout = 10 * time.Second
	// maxRequests bounds those requests.
	maxRequests = 60
	// maxAnswer bounds one answer, maxAnswers all of them together, in bytes.
	maxAnswer  = 1 << 20
	maxAnswers = 4 << 20
)

// Limits of what is kept of a server, in characters and numbers.
const (
	// maxTools is how many tools are kept.
	maxTools       = 200
	maxToolPages   = 20
	maxName        = 128 // a tool's name, as the specification has it
	maxTitle       = 200
	maxDescription = 500
	// MaxURL bounds the address of a server or endpoint, in bytes.
	MaxURL = 2048
)

// Codes of errors, in addition to platform's.
const (
	// CodeUnreachable: the host does not answer, or not in time.
	CodeUnreachable = "unreachable"
	// CodeTLS: the host has no certificate that is good for it.
	CodeTLS = "tls"
	// CodeRedirect: the address leads to another.
	CodeRedirect = "redirect"
	// CodeNotFound: there is nothing at the address.
	CodeNotFound = "not_found"
	// CodeTooLarge: the server says more than is listened to.
	CodeTooLarge = "too_large"
	// CodeForbidden: the server knows the credential, and does not let it in.
	CodeForbidden = "forbidden"
	// CodeMetadata: what the server says of how to sign in is not as the specification demands.
	CodeMetadata = "login_metadata"
	// CodeIssuer: a client or an answer belongs to another authorization server.
	CodeIssuer = "issuer_mismatch"
	// CodeNoRegistration: clients cannot register by themselves.
	CodeNoRegistration = "no_registration"
	// CodeNoRevocation: clients cannot end what people have allowed.
	CodeNoRevocation = "no_revocation"
)

// Client speaks to MCP servers. It is safe for concurrent use.
type Client struct {
	egress  *platform.Egress
	version string
}

// New makes a Client. version is this installation's, which servers are told.
func New(egress *platform.Egress, version string) *Client {
	return &Client{egress: egress, version: version}
}

// CheckURL refuses the address of a server that cannot be one, with an *platform.Error, without any request. Addresses begin
// with https://; http:// is for networks that the operator allows.
func (c *Client) CheckURL(address string) error {
	_, err := c.parse(address, "The server's address")
	return err
}

// parse reads an address that somebody else has named. what begins the message for people.
func (c *Client) parse(address, what string) (*url.URL, error) {
	invalid := func(why string) error {
		return &platform.Error{Class: platform.Invalid, Code: platform.CodeAddressRefused, Message: what + " " + why}
	}
	if len(address) > MaxURL {
		return nil, invalid(fmt.Sprintf("is longer than %d characters.", MaxURL))
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Opaque != "":
		return nil, invalid("cannot be read.")
	case u.Fragment != "":
		return nil, invalid("must not hold a #.")
	}
	if err := c.egress.Check(u); err != nil {
		refused := *platform.AsError(err)
		refused.Message = what + " is refused: " + refused.Message
		return nil, &refused
	}
	return u, nil
}
