package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// forwardedFor is where a proxy writes from whom it has a request, after what stood there before.
const forwardedFor = "X-Forwarded-For"

// addressOf tells from which address a request comes. Where that is one of the operator's own proxies, it is the last
// address in X-Forwarded-For that is not: what stands before it is the sender's own claim. The header of anybody else
// does not count. The zero Addr is one that cannot be told.
func addressOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := plain(peer.Addr())
	entries := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for i := len(entries) - 1; i >= 0 && trusted(address, proxies); i-- {
		before, err := forwarded(strings.TrimSpace(entries[i]))
		if err != nil {
			break // as far as it can be told it was this proxy
		}
		address = before
	}
	return address
}

// forwarded reads an entry of X-Forwarded-For: an address, which some proxies write with its port.
func forwarded(entry string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(entry); err == nil {
		return plain(withPort.Addr()), nil
	}
	address, err := netip.ParseAddr(strings.Trim(entry, "[]"))
	return plain(address), err
}

// plain gives an address one form: no IPv4 inside of IPv6, and no zone, which is the business of one machine.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

func trusted(address netip.Addr, proxies []netip.Prefix) bool {
	for _, prefix := range proxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// clientAddress is clientIP as an address, the zero Addr where it cannot be told.
func clientAddress(ctx context.Context) netip.Addr {
	address, err := netip.ParseAddr(clientIP(ctx))
	if err != nil {
		return netip.Addr{}
	}
	return address
}
