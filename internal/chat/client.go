package chat

import (
	"net/http"
	"time"

	"fanfare/internal/httpclient"
)

// Limits of a request to a platform's own host, which the configuration names.
const (
	clientTimeout = 10 * time.Second // from dialling to the last byte of the answer
	clientDial    = 5 * time.Second
	clientMaxBody = 1 << 20 // bytes
)

// NewClient makes the HTTP client for a platform's own host. A redirect is given as the answer that it is, and reading more
// than 1 MiB of an answer fails with a *http.MaxBytesError. Proxies of the environment are used.
func NewClient() *http.Client {
	return &http.Client{
		Timeout: clientTimeout, CheckRedirect: httpclient.NoRedirects, Transport: limitedTransport{httpclient.NewTransport(clientDial)},
	}
}

type limitedTransport struct{ *http.Transport }

// RoundTrip sends the request and limits the answer's body.
func (t limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, clientMaxBody)
	return resp, nil
}
