package platform_test

import (
	"context"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestMain puts a name server of its own under all tests of the package, so that names can resolve to
// whatever an attacker's would.
func TestMain(m *testing.M) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go serveNames(conn)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	os.Exit(m.Run())
}

// rebindings counts the questions for rebind.test, which is public for the first one only.
var rebindings atomic.Int32

var testNames = map[string][4]byte{
	"loopback.test.": {127, 0, 0, 1}, "private.test.": {10, 0, 0, 1}, "metadata.test.": {169, 254, 169, 254},
	"public.test.": {8, 8, 8, 8},
}

// serveNames answers A questions; every name it does not know is NXDOMAIN.
func serveNames(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(buffer[:n]) != nil || len(message.Questions) != 1 {
			continue
		}
		question := message.Questions[0]
		name := strings.ToLower(question.Name.String())
		address, known := testNames[name]
		if name == "rebind.test." {
			address, known = [4]byte{127, 0, 0, 1}, true
			if question.Type == dnsmessage.TypeA && rebindings.Add(1) == 1 {
				address = [4]byte{8, 8, 8, 8}
			}
		}
		reply := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: message.ID, Response: true, Authoritative: true, RecursionAvailable: true},
			Questions: message.Questions,
		}
		switch {
		case !known:
			reply.RCode = dnsmessage.RCodeNameError
		case question.Type == dnsmessage.TypeA:
			header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class}
			reply.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: address}}}
		}
		if packed, err := reply.Pack(); err == nil {
			_, _ = conn.WriteTo(packed, from)
		}
	}
}
