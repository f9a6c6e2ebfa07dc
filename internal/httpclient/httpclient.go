// Package httpclient has what HTTP clients share that speak to hosts which the operator's configuration names. It must not be used for
// hosts that customers name: those are reached by platform.Egress.
package httpclient

import (
	"net"
	"net/http"
	"time"
)

// maxHeader bounds an answer's header, in bytes.
const maxHeader = 64 << 10

// NewTransport makes a transport that uses the proxies of the environment. dialTimeout bounds dialling, and the handshake of TLS.
func NewTransport(dialTimeout time.Duration) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // that is what it is
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = dialTimeout
	t.MaxResponseHeaderBytes = maxHeader
	return t
}

// NoRedirects makes a client give a redirect as the answer that it is, as its CheckRedirect.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
