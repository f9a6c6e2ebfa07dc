package vault

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// openHCVault opens a key of the transit engine of HashiCorp Vault or OpenBao.
//
// URI: hcvault://<host>:<port>/<mount>/keys/<name>, always over HTTPS; or hcvault:///<mount>/keys/<name>
// for the server that VAULT_ADDR (or VAULT_AGENT_ADDR) names, which must be HTTPS unless it is on this
// machine, since Create sends the new key set there to be wrapped. The key must not be derived
// (derived=false, the default), because the wrapping has no associated data.
//
// Credentials: VAULT_TOKEN, required. It is read when the key set is opened and not renewed; the
// running process does not need Vault again. The client also honours VAULT_NAMESPACE, VAULT_CACERT,
// VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, VAULT_TLS_SERVER_NAME and VAULT_CLIENT_TIMEOUT. Open needs the
// update capability on <mount>/decrypt/<name>, Create also on <mount>/encrypt/<name>.
// https://developer.hashicorp.com/vault/api-docs/secret/transit
func openHCVault(_ context.Context, uri string) (tink.AEAD, error) {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("want hcvault://host:port/mount/keys/name")
	}
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return nil, err
	}
	if u.Host != "" {
		if err := client.SetAddress("https://" + u.Host); err != nil {
			return nil, err
		}
	}
	if err := requirePrivate(client.Address()); err != nil {
		return nil, err
	}
	if client.Token() == "" {
		return nil, errors.New("VAULT_TOKEN is not set")
	}
	return hcvault.NewAEAD(u.EscapedPath(), client.Logical())
}

// requirePrivate refuses an address whose traffic others could read. A unix socket appears here as
// http://localhost.
func requirePrivate(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("VAULT_ADDR is not a URL")
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); u.Scheme == "https" || host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("VAULT_ADDR must be HTTPS, or on this machine")
}
