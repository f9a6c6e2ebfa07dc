package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Limits of a request to a host that a customer named.
const (
	egressTimeout     = 20 * time.Second // from dialling to the last byte of the answer
	egressDialTimeout = 10 * time.Second
	egressMaxHeader   = 64 << 10 // bytes
	// egressMaxBody is how much of an answer is read, in bytes. Reading past it fails with a
	// *http.MaxBytesError.
	egressMaxBody = 4 << 20
)

// CodeAddressRefused is the Code of an *Error about an address that Egress does not talk to.
const CodeAddressRefused = "address_refused"

// Egress sends requests to hosts that customers name. It refuses every address that is not on the
// public internet, so that a customer cannot reach what only this server can reach. The address is
// checked when it is dialled, after name resolution: neither a name that resolves to a private
// address nor one that changes between a check and the request gets round it.
//
// It sends a request once. Redirects are not followed and connections are not reused; net/http
// repeats a request by itself only when a reused connection breaks (http.Transport, "Transport only
// retries a request upon encountering a network error if the connection has been already been used
// successfully"), or on HTTP/2.
type Egress struct {
	allow           []netip.Prefix
	client, uploads *http.Client
}

// NewEgress makes an Egress for the public internet plus the prefixes in allow. Addresses in allow
// are reached on any port and without TLS too: they are for a sandbox on loopback and for a company
// network that the operator names.
func NewEgress(allow []netip.Prefix) *Egress {
	e := &Egress{}
	for _, prefix := range allow {
		e.allow = append(e.allow, prefix.Masked())
	}
	transport := &egressTransport{
		egress: e,
		secure: newEgressTransport(e.guard(ssrf.New(ssrf.WithAnyPort()))),
		plain:  newEgressTransport(e.guard(nil)),
	}
	e.client = &http.Client{Timeout: egressTimeout, CheckRedirect: noRedirects, Transport: transport}
	e.uploads = &http.Client{CheckRedirect: noRedirects, Transport: transport}
	return e
}

// Client gives the guarded client. A refused address is an *Error in the chain of the error it
// returns.
func (e *Egress) Client() *http.Client { return e.client }

// Uploads gives the guarded client for requests that carry a file. How long one may take is for its context to say.
func (e *Egress) Uploads() *http.Client { return e.uploads }

// Check refuses what can be refused from the URL alone, without name resolution or any request. A nil
// error does not mean that the address will be dialled.
func (e *Egress) Check(u *url.URL) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refused("The site address must begin with https://.", nil)
	case host == "":
		return refused("The site address has no host name.", nil)
	case u.User != nil:
		return refused("The site address must not hold a user name or password.", nil)
	case u.Scheme == "http" && len(e.allow) == 0:
		return refused("The site address must begin with https://.", nil)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if u.Scheme == "http" && !e.allowed(addr) {
			return refused("The site address must begin with https://.", nil)
		}
		return e.checkAddr(addr)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		if !e.allowed(netip.MustParseAddr("127.0.0.1")) && !e.allowed(netip.IPv6Loopback()) {
			return refused(messagePrivate, nil)
		}
	}
	return nil
}

const messagePrivate = "The site address points to a private network or to this machine. " +
	"Give the address under which the site is reached from the internet."

func refused(message string, cause error) *Error {
	return &Error{Class: Invalid, Code: CodeAddressRefused, Message: message, Err: cause}
}

// allowed tells whether the operator allowed the address. An address with a zone never is.
func (e *Egress) allowed(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, prefix := range e.allow {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// checkAddr refuses an address that is neither allowed nor public. An IPv4 address written as IPv6
// (::ffff:0:0/96) is judged as the IPv4 address that the system would connect to. Other ways to wrap
// IPv4 (NAT64, 6to4, Teredo) are refused as a whole by the guard's list.
func (e *Egress) checkAddr(addr netip.Addr) error {
	if e.allowed(addr) {
		return nil
	}
	if err := ssrf.New(ssrf.WithAnyPort()).SafeAddr(addr.Unmap()); err != nil {
		return refused(messagePrivate, err)
	}
	return nil
}

// guard makes the dialler's last check, on the address that is about to be connected to. With a nil
// public guardian only allowed addresses pass: that is the rule for requests without TLS.
//
// Ports of public addresses: 443 and everything from 1024 up, since sites on a port of their own use
// one of those. Ports below 1024 belong to other services (SSH, SMTP, DNS), which no customer needs
// this server to knock at.
func (e *Egress) guard(public *ssrf.Guardian) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, network, address string, raw syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return refused(messagePrivate, fmt.Errorf("parse %q: %w", address, err))
		}
		target = netip.AddrPortFrom(target.Addr().Unmap(), target.Port())
		if e.allowed(target.Addr()) {
			return nil
		}
		if public == nil {
			return refused("The site address must begin with https://.", nil)
		}
		if err := public.Safe(network, target.String(), raw); err != nil {
			return refused(messagePrivate, err)
		}
		if port := target.Port(); port != 443 && port < 1024 {
			return refused(fmt.Sprintf("The site address names port %d. Use 443 or one from 1024 up.", port), nil)
		}
		return nil
	}
}

// newEgressTransport has no proxy: that would do the dialling, out of the guard's sight.
func newEgressTransport(control func(context.Context, string, string, syscall.RawConn) error) *http.Transport {
	return newOnceTransport(egressDialTimeout, egressMaxHeader, control)
}

// egressTransport picks the rules by scheme, and limits answers.
type egressTransport struct {
	egress        *Egress
	secure, plain *http.Transport
}

// RoundTrip sends the request once.
func (t *egressTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.egress.Check(req.URL); err != nil {
		if req.Body != nil {
			err = errors.Join(err, req.Body.Close())
		}
		return nil, err
	}
	transport := t.secure
	if req.URL.Scheme == "http" {
		transport = t.plain
	}
	return sendOnce(transport, req, egressMaxBody)
}

type limitedBody struct {
	io.Reader
	io.Closer
}
