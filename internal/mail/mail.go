// Package mail sends e-mails through one SMTP server. It composes and delivers a message and says whether trying
// again can help; what is written, to whom and when is its caller's business.
package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// timeout bounds connecting to the server, and again the conversation with it.
const timeout = 30 * time.Second

// Config says how mail leaves.
type Config struct {
	// URL is the server: smtp://user:password@host:587 (STARTTLS is required) or smtps://…:465 (TLS from the start).
	// The ports shown are the defaults. ?tls=none does without encryption, for a server on this machine alone and
	// without a password.
	URL string
	// From is the sender: an address, or a name with one in angle brackets.
	From string
	// Roots are the authorities that the server's certificate may be from; nil means the machine's own.
	Roots *x509.CertPool
}

// Sender sends messages. Safe for concurrent use: each message has a connection of its own.
type Sender struct {
	host    string
	options []gomail.Option
	from    *netmail.Address
}

// Message is what is to be sent.
type Message struct {
	// ID is the left part of the Message-ID. Sent twice under one ID, a message is one in many mailboxes.
	ID string
	// To is one address, without a name.
	To      string
	Subject string
	// Text and HTML are the same in two forms.
	Text, HTML string
}

// Error is why a message was not taken by the server. Its text holds no address and nothing that the server said but
// the code.
type Error struct {
	// Permanent: the server refuses this recipient or this message, and will go on to.
	Permanent bool
	// Code is the server's answer (RFC 5321, section 4.2), 0 where it gave none.
	Code int
	step string
}

// Error names the step that failed.
func (e *Error) Error() string {
	if e.Code == 0 {
		return "mail: " + e.step + " failed"
	}
	return fmt.Sprintf("mail: %s failed: the server answered %d", e.step, e.Code)
}

// New checks the settings and makes a Sender. No server is called yet. An error never quotes the URL, which may hold a
// password.
func New(config Config) (*Sender, error) {
	from, err := netmail.ParseAddress(config.From)
	if err != nil {
		return nil, errors.New("the sender of mail must be an address such as fanfare@example.com or Fanfare <fanfare@example.com>")
	}
	u, err := url.Parse(config.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the mail server must look like smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	port, err := strconv.Atoi(cmp.Or(u.Port(), map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]))
	if err != nil || port < 1 || port > 65535 {
		return nil, errors.New("the mail server's port must be from 1 to 65535")
	}
	s := &Sender{host: u.Hostname(), from: from}
	s.options = []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(timeout), gomail.WithoutNoop(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: config.Roots}),
	}
	encryption, err := encryptionOf(u)
	if err != nil {
		return nil, err
	}
	s.options = append(s.options, encryption)
	if password, _ := u.User.Password(); u.User != nil {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// encryptionOf is what the URL asks for. Without encryption there are no passwords, and no way off this machine.
func encryptionOf(u *url.URL) (gomail.Option, error) {
	query, err := url.ParseQuery(u.RawQuery)
	plain := query.Get("tls") == "none"
	query.Del("tls")
	switch {
	case err != nil || len(query) > 0 || (u.Query().Has("tls") && !plain):
		return nil, errors.New("the mail server's URL takes ?tls=none and nothing else after the question mark")
	case !plain && u.Scheme == "smtps":
		return gomail.WithSSL(), nil
	case !plain:
		return gomail.WithTLSPolicy(gomail.TLSMandatory), nil
	case u.Scheme == "smtps":
		return nil, errors.New("the mail server's URL says both smtps and tls=none")
	case u.User != nil:
		return nil, errors.New("a mail server without encryption (?tls=none) is not given a password")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("only a mail server on this machine itself may be without encryption (?tls=none)")
	}
	return gomail.WithTLSPolicy(gomail.NoTLS), nil
}

// Send hands a message to the server and returns when it has taken it. It is not broken off once the connection
// stands: what was half said may have been heard. Every error is an *Error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	message, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return &Error{step: "setting up"}
	}
	err = client.DialAndSendWithContext(ctx, message)
	if message.IsDelivered() {
		return nil // what went wrong after that was saying goodbye
	}
	return explain(err)
}

func (s *Sender) compose(m Message) (*gomail.Msg, error) {
	to, err := deliverable(m.To)
	if err != nil {
		return nil, &Error{Permanent: true, step: "reading the recipient's address"}
	}
	_, domain := halves(s.from.Address)
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(s.from)
	message.ToMailAddress(&netmail.Address{Address: to})
	message.SetMessageIDWithValue(oneLine(m.ID) + "@" + domain)
	message.SetDate()
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.Subject(oneLine(m.Subject))
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return message, nil
}

// deliverable is an address as SMTP wants it: an international domain in its ASCII form.
func deliverable(address string) (string, error) {
	parsed, err := netmail.ParseAddress(address)
	if err != nil {
		return "", err
	}
	if parsed.Name != "" || parsed.Address != address || oneLine(address) != address {
		return "", errors.New("more than an address")
	}
	local, domain := halves(address)
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", err
	}
	return local + "@" + ascii, nil
}

// halves are what stands before and after the @ of a valid address.
func halves(address string) (local, domain string) {
	i := strings.LastIndexByte(address, '@')
	return address[:i], address[i+1:]
}

// oneLine takes out of a header's text whatever could end its line.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// explain finds out at which step, and for how long, a message was refused.
func explain(err error) *Error {
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return &Error{step: "connecting to the server"} // or logging in: for the operator to mend, so it is tried again
	}
	e := &Error{Code: refused.ErrorCode(), step: refused.Reason.String()}
	switch refused.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		e.Permanent = e.Code >= 500
	default: // before the recipient is named, a refusal is not about them
	}
	return e
}
