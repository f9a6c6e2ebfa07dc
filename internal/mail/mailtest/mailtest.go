// Package mailtest is an SMTP server for tests. It keeps what it is given and refuses what a test says.
package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// User and Password are the login that a server with Login wants.
const (
	User     = "fanfare"
	Password = "correct horse"
)

// Server is a mail server on this machine.
type Server struct {
	// Roots trust its certificate.
	Roots *x509.CertPool
	// Addr is its host and port.
	Addr string

	options  Options
	away     atomic.Bool
	mu       sync.Mutex
	messages []Message
	asked    int
	refuse   func(to string) error
}

// Options say what kind of server it is. The zero value offers STARTTLS and wants no login.
type Options struct {
	NoTLS, ImplicitTLS, Login bool
}

// Message is one that was taken.
type Message struct {
	From, To   string // of the envelope
	Header     netmail.Header
	Subject    string // decoded
	Text, HTML string // decoded
	Raw        string
	Encrypted  bool
}

// Start runs a server until the end of the test.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	// The certificate that net/http/httptest has for this machine's own address.
	web := httptest.NewTLSServer(nil)
	certificate, roots := web.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(web.Certificate())
	web.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is there or it is not
	if err != nil {
		t.Fatalf("start mail server: %v", err)
	}
	s := &Server{Roots: roots, Addr: listener.Addr().String(), options: options}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	server.Domain = "mail.example.com"
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.EnableSMTPUTF8 = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener = &door{listener, &s.away}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	switch {
	case options.ImplicitTLS:
		listener = tls.NewListener(listener, config)
	case !options.NoTLS:
		server.TLSConfig = config
	}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// door shuts everybody out while the server is away. The port is kept, so that nobody else gets it.
type door struct {
	net.Listener
	away *atomic.Bool
}

// Accept gives the next connection of a server that is there.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil || !d.away.Load() {
			return conn, err
		}
		_ = conn.Close() // without a word
	}
}

// Leave takes the server away.
func (s *Server) Leave() { s.away.Store(true) }

// ComeBack brings the server back.
func (s *Server) ComeBack() { s.away.Store(false) }

// Refuse makes the server ask about each recipient; nil takes all of them.
func (s *Server) Refuse(refuse func(to string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// Messages are those that were taken, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Asked is how often somebody wanted to hand over a message.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// session is one connection.
type session struct {
	server   *Server
	conn     *smtp.Conn
	from, to string
	loggedIn bool
}

// AuthMechanisms are those that the server offers.
func (s *session) AuthMechanisms() []string {
	if !s.server.options.Login {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks a login.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

// Mail begins a message.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.Login && !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

// Rcpt asks whether the recipient is taken.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	s.server.asked++
	refuse := s.server.refuse
	s.server.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.to = to
	return nil
}

// Data takes the message.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := parse(string(raw))
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: err.Error()}
	}
	m.From, m.To = s.from, s.to
	_, m.Encrypted = s.conn.TLSConnectionState()
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.messages = append(s.server.messages, m)
	return nil
}

// Reset forgets the message at hand.
func (s *session) Reset() { s.from, s.to = "", "" }

// Logout ends the session.
func (s *session) Logout() error { return nil }

// parse reads a message of two forms, as a mail program does.
func parse(raw string) (Message, error) {
	message, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return Message{}, err
	}
	m := Message{Header: message.Header, Raw: raw}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return m, err
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		if part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			return m, errors.New("a part is not quoted-printable")
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return m, err
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		switch {
		case err != nil:
			return m, err
		case kind == "text/plain":
			m.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
		case kind == "text/html":
			m.HTML = strings.ReplaceAll(string(body), "\r\n", "\n")
		}
	}
}
