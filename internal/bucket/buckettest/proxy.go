package buckettest

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands before a server: it counts what goes through, and may let it through slowly.
type Proxy struct {
	// URL is the bucket's as reached through the proxy.
	URL string
	// Received are the bytes that came from the server.
	Received atomic.Int64
	// Pause is between pieces of 64 KiB, in both directions.
	Pause time.Duration

	ctx    context.Context
	server string
}

// NewProxy starts a proxy before a server. It ends with the test.
func NewProxy(t testing.TB, s *Server, pause time.Duration) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	server := strings.TrimPrefix(s.Endpoint, "http://")
	p := &Proxy{URL: strings.Replace(s.URL, portOf(server), portOf(listener.Addr().String()), 1), Pause: pause, ctx: t.Context(), server: server}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	for _, side := range []net.Conn{client, server} {
		_ = side.(*net.TCPConn).SetReadBuffer(64 << 10) // else the kernel takes megabytes at once
	}
	go func() {
		_ = p.pass(server, client, &atomic.Int64{})
		_ = server.Close()
	}()
	_ = p.pass(client, server, &p.Received)
}

// pass copies until one side is closed.
func (p *Proxy) pass(to io.Writer, from io.Reader, count *atomic.Int64) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	piece := make([]byte, 64<<10)
	for {
		select {
		case <-p.ctx.Done():
			return p.ctx.Err()
		case <-pause.C:
		}
		n, err := from.Read(piece)
		if err != nil {
			return err
		}
		count.Add(int64(n))
		if _, err := to.Write(piece[:n]); err != nil {
			return err
		}
		pause.Reset(p.Pause)
	}
}
