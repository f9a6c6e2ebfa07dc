package mail_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"fanfare/internal/mail"
	"fanfare/internal/mail/mailtest"
)

var good = mail.Message{ID: "0190", To: "kate@example.com", Subject: "Grüße", Text: "Hello\n\nthere", HTML: "<p>Hello</p>"}

func send(t *testing.T, server *mailtest.Server, config mail.Config, m mail.Message) error {
	t.Helper()
	config.Roots = server.Roots
	if config.From == "" {
		config.From = "Fanfare <fanfare@agency.example>"
	}
	sender, err := mail.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return sender.Send(t.Context(), m)
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options   mailtest.Options
		scheme    string
		query     string
		encrypted bool
	}{
		"STARTTLS":           {mailtest.Options{}, "smtp://", "", true},
		"STARTTLS and login": {mailtest.Options{Login: true}, "smtp://fanfare:correct%20horse@", "", true},
		"TLS":                {mailtest.Options{ImplicitTLS: true}, "smtps://", "", true},
		"TLS and login":      {mailtest.Options{ImplicitTLS: true, Login: true}, "smtps://fanfare:correct%20horse@", "", true},
		"loopback":           {mailtest.Options{NoTLS: true}, "smtp://", "?tls=none", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, test.options)
			if err := send(t, server, mail.Config{URL: test.scheme + server.Addr + test.query}, good); err != nil {
				t.Fatal(err)
			}
			messages := server.Messages()
			if len(messages) != 1 {
				t.Fatalf("%d messages", len(messages))
			}
			m := messages[0]
			if m.From != "fanfare@agency.example" || m.To != good.To || m.Subject != good.Subject || m.Text != good.Text || m.HTML != good.HTML || m.Encrypted != test.encrypted {
				t.Errorf("%+v", m)
			}
			for header, want := range map[string]string{
				"From": `"Fanfare" <fanfare@agency.example>`, "To": "<kate@example.com>", "Message-Id": "<0190@agency.example>", "Auto-Submitted": "auto-generated",
			} {
				if got := m.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if m.Header.Get("Date") == "" {
				t.Error("no date")
			}
		})
	}
}

// No message and no password goes over a line that is not encrypted, nor to a server that is not who it says.
func TestSendNeedsTLS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options mailtest.Options
		url     func(addr string) string
		roots   bool
	}{
		"no STARTTLS":           {mailtest.Options{NoTLS: true}, func(addr string) string { return "smtp://" + addr }, true},
		"no STARTTLS for login": {mailtest.Options{NoTLS: true, Login: true}, func(addr string) string { return "smtp://fanfare:correct%20horse@" + addr }, true},
		"unknown authority":     {mailtest.Options{}, func(addr string) string { return "smtp://" + addr }, false},
		"another name":          {mailtest.Options{}, func(addr string) string { return "smtp://" + strings.Replace(addr, "127.0.0.1", "localhost", 1) }, true},
		"no TLS at all":         {mailtest.Options{NoTLS: true}, func(addr string) string { return "smtps://" + addr }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, test.options)
			config := mail.Config{URL: test.url(server.Addr), From: "fanfare@agency.example", Roots: server.Roots}
			if !test.roots {
				config.Roots = nil
			}
			sender, err := mail.New(config)
			if err != nil {
				t.Fatal(err)
			}
			var refused *mail.Error
			if err := sender.Send(t.Context(), good); !errors.As(err, &refused) || refused.Permanent {
				t.Errorf("%v, want a passing error", err)
			}
			if server.Asked() != 0 {
				t.Error("the recipient was named")
			}
		})
	}
}

func TestSendRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err       error
		permanent bool
		code      int
	}{
		"no such recipient": {&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "kate@example.com is unknown"}, true, 550},
		"later":             {&smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "greylisted"}, false, 450},
		"shutting down":     {&smtp.SMTPError{Code: 421, Message: "shutting down"}, false, 421},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, mailtest.Options{})
			server.Refuse(func(string) error { return test.err })
			err := send(t, server, mail.Config{URL: "smtp://" + server.Addr}, good)
			var refused *mail.Error
			if !errors.As(err, &refused) || refused.Permanent != test.permanent || refused.Code != test.code {
				t.Fatalf("%+v", err)
			}
			if strings.Contains(err.Error(), "kate") || strings.Contains(err.Error(), "greylisted") {
				t.Errorf("the error quotes the server or names the recipient: %v", err)
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		server := mailtest.Start(t, mailtest.Options{Login: true})
		err := send(t, server, mail.Config{URL: "smtp://fanfare:wr0ng@" + server.Addr}, good)
		var refused *mail.Error
		if !errors.As(err, &refused) || refused.Permanent || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%v", err)
		}
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		server := mailtest.Start(t, mailtest.Options{})
		server.Leave()
		var refused *mail.Error
		if err := send(t, server, mail.Config{URL: "smtp://" + server.Addr}, good); !errors.As(err, &refused) || refused.Permanent {
			t.Errorf("%v", err)
		}
		server.ComeBack()
		if err := send(t, server, mail.Config{URL: "smtp://" + server.Addr}, good); err != nil {
			t.Error(err)
		}
	})
}

// Nothing in a message becomes a header, a recipient or a command of its own.
func TestSendIsNotMisled(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t, mailtest.Options{})
	config := mail.Config{URL: "smtp://" + server.Addr}
	m := good
	m.ID = "1>\r\nBcc: eve@example.com"
	m.Subject = "Hi\r\nBcc: eve@example.com\r\n\r\nBody\u2028\x00"
	m.Text = "Text\r\n.\r\nMAIL FROM:<eve@example.com>\n.\n"
	if err := send(t, server, config, m); err != nil {
		t.Fatal(err)
	}
	got := server.Messages()
	if len(got) != 1 || got[0].Header.Get("Bcc") != "" || !strings.HasPrefix(got[0].Subject, "HiBcc: ") || got[0].Text != strings.ReplaceAll(m.Text, "\r\n", "\n") {
		t.Errorf("%+v", got)
	}
	if strings.Contains(got[0].Raw, "\nBcc:") {
		t.Errorf("a header came in: %s", got[0].Raw)
	}
	asked := server.Asked()
	for _, to := range []string{
		"", "kate", "kate@example.com, eve@example.com", "kate@example.com>\r\nRCPT TO:<eve@example.com", "kate@example.com\n", "<kate@example.com>",
		"Kate <kate@example.com>", "kate@exa mple.com", "kate@example.com (hi)", "\"a b\"@example.com", "kate@[127.0.0.1]", "kate@example.com\u2028",
	} {
		m := good
		m.To = to
		var refused *mail.Error
		if err := send(t, server, config, m); !errors.As(err, &refused) || !refused.Permanent {
			t.Errorf("%q: %v", to, err)
		}
	}
	if server.Asked() != asked {
		t.Error("a recipient was named that is none")
	}
}

func TestSendToInternationalAddresses(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t, mailtest.Options{})
	for address, want := range map[string]string{"kate@bücher.example": "kate@xn--bcher-kva.example", "jürgen@example.com": "jürgen@example.com"} {
		m := good
		m.To = address
		if err := send(t, server, mail.Config{URL: "smtp://" + server.Addr}, m); err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		messages := server.Messages()
		if got := messages[len(messages)-1].To; got != want {
			t.Errorf("%s was sent to %s, want %s", address, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, config := range []mail.Config{
		{URL: "", From: "a@example.com"},
		{URL: "mail.example.com", From: "a@example.com"},
		{URL: "http://mail.example.com", From: "a@example.com"},
		{URL: "smtp://mail.example.com/path", From: "a@example.com"},
		{URL: "smtp://user:s3cret@mail.example.com:x", From: "a@example.com"},
		{URL: "smtp://mail.example.com:0", From: "a@example.com"},
		{URL: "smtp://mail.example.com:70000", From: "a@example.com"},
		{URL: "smtp://mail.example.com?tls=none", From: "a@example.com"},
		{URL: "smtp://10.0.0.1?tls=none", From: "a@example.com"},
		{URL: "smtp://user:s3cret@127.0.0.1?tls=none", From: "a@example.com"},
		{URL: "smtps://127.0.0.1?tls=none", From: "a@example.com"},
		{URL: "smtp://127.0.0.1?tls=maybe", From: "a@example.com"},
		{URL: "smtp://127.0.0.1?tls=", From: "a@example.com"},
		{URL: "smtp://mail.example.com?insecure=1", From: "a@example.com"},
		{URL: "smtp://mail.example.com", From: ""},
		{URL: "smtp://mail.example.com", From: "nobody"},
	} {
		if _, err := mail.New(config); err == nil {
			t.Errorf("%+v was taken", config)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
	for _, url := range []string{"smtp://mail.example.com", "smtps://u:p@mail.example.com:465", "smtp://localhost:1025?tls=none", "smtp://[::1]:1025?tls=none"} {
		if _, err := mail.New(mail.Config{URL: url, From: "Fanfare <a@example.com>"}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
