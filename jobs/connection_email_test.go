package jobs

import (
	"log/slog"
	"strings"
	"testing"

	"fanfare/db/dbtest"
	"fanfare/internal/mail"
	"fanfare/internal/mail/mailtest"
	"fanfare/internal/platform"
)

// mailing makes a worker that sends through the server.
func (w *world) mailing(server *mailtest.Server) *Worker {
	w.t.Helper()
	sender, err := mail.New(mail.Config{URL: "smtp://" + server.Addr, From: "Fanfare <fanfare@agency.example>", Roots: server.Roots})
	if err != nil {
		w.t.Fatal(err)
	}
	made, err := NewWorker(Deps{
		Pool: w.Worker, Vault: w.vault, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Connectors: w.connectors, Mail: sender, PublicURL: "https://fanfare.example",
	}, WorkerConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// person makes a member with a role and an address.
func (w *world) person(role, email string) dbtest.User {
	w.t.Helper()
	u := w.User(w.t, dbtest.User{Email: email})
	w.Join(w.t, w.customer.ID, u.ID, role)
	return u
}

const sentEmails = "select count(*) from river.river_job where kind = 'connection_email' and state = 'completed'"

// The owner and the admin are told which account it is, why, and what to do; and nobody else is.
func TestConnectionEmail(t *testing.T) {
	for name, test := range map[string]struct{ language, subject, why string }{
		"English": {"en", "Facebook must be connected again for Cat & <Mouse> Bcc: eve@example.com", "The permission was withdrawn at the platform"},
		"German":  {"de-AT", "Facebook muss für Cat & <Mouse> Bcc: eve@example.com neu verbunden werden", "Die Erlaubnis wurde auf der Plattform zurückgezogen"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			server := mailtest.Start(t, mailtest.Options{})
			w.exec("update customers set name = e'Cat & <Mouse>\\r\\nBcc: eve@example.com', language = $1", test.language)
			w.person("owner", "olga@example.com")
			w.person("admin", "ada@example.com")
			w.person("member", "max@example.com")
			unverified := w.person("owner", "nobody@example.com")
			w.exec("update users set email_verified = false where id = $1", unverified.ID)
			w.Join(t, w.Customer(t, dbtest.Customer{}).ID, w.User(t, dbtest.User{Email: "other@example.com"}).ID, "owner")
			l := w.connect(w.customer, platform.Facebook, "10001")
			w.exec("update integrations set name = e'A <b>page</b>\\r\\nSubject: free' where id = $1", l.accounts[0].ID)
			w.due(l)
			w.box.Withdraw("facebook", "10001")
			w.start(w.mailing(server))
			eventually(w.bundle, int64(2), sentEmails)
			messages := server.Messages()
			to := map[string]bool{}
			for _, m := range messages {
				to[m.To] = true
				if m.Subject != test.subject || len(m.Header["Bcc"]) > 0 || len(m.Header["Subject"]) != 1 {
					t.Errorf("subject %q in %s", m.Subject, m.Raw)
				}
				for _, want := range []string{test.why, "- A <b>page</b> Subject: free\n", "- 20002\n", "\nhttps://fanfare.example/integrations\n"} {
					if !strings.Contains(m.Text, want) {
						t.Errorf("the text does not say %q: %s", want, m.Text)
					}
				}
				for _, want := range []string{test.why, "A &lt;b&gt;page&lt;/b&gt;", `href="https://fanfare.example/integrations"`} {
					if !strings.Contains(m.HTML, want) {
						t.Errorf("the page does not say %q: %s", want, m.HTML)
					}
				}
				for _, secret := range w.box.Secrets() {
					if strings.Contains(m.Raw, secret) {
						t.Error("the e-mail holds a secret")
					}
				}
			}
			if len(messages) != 2 || !to["olga@example.com"] || !to["ada@example.com"] {
				t.Errorf("sent to %v", to)
			}
			if stored := scan[string](w.bundle, "select string_agg(j.args::text, ' ') from river.river_job j where kind = 'connection_email'"); strings.Contains(stored, "@") || strings.Contains(stored, "page") {
				t.Errorf("the jobs hold more than ids: %s", stored)
			}
		})
	}
	t.Run("sent twice, after a crash", func(t *testing.T) {
		w := newWorld(t)
		server := mailtest.Start(t, mailtest.Options{})
		w.person("owner", "olga@example.com")
		l := w.connect(w.customer, platform.Facebook, "10001")
		w.due(l)
		w.box.Withdraw("facebook", "10001")
		w.start(w.mailing(server))
		eventually(w.bundle, int64(1), sentEmails)
		// As a job that is taken over, which has another number then.
		w.exec("update river.river_job set id = nextval('river.river_job_id_seq'), state = 'available', finalized_at = null where kind = 'connection_email'")
		eventually(w.bundle, int64(1), sentEmails)
		if m := server.Messages(); len(m) != 2 || m[0].Header.Get("Message-Id") != m[1].Header.Get("Message-Id") {
			t.Errorf("sent %+v", m)
		}
	})
	t.Run("an account alone", func(t *testing.T) {
		w := newWorld(t)
		server := mailtest.Start(t, mailtest.Options{})
		w.person("owner", "olga@example.com")
		l := w.connect(w.customer, platform.Facebook, "10001")
		w.box.RemovePage("facebook", "20002")
		w.due(l)
		w.start(w.mailing(server))
		eventually(w.bundle, int64(1), sentEmails)
		if m := server.Messages(); len(m) != 1 || !strings.Contains(m[0].Text, "- 20002\n") || strings.Contains(m[0].Text, "20001") || !strings.Contains(m[0].Text, "does not manage it any more") {
			t.Errorf("%+v", m)
		}
	})
}

func TestConnectionEmailIsNotSent(t *testing.T) {
	for name, spoil := range map[string]string{
		"connected again":      "update integrations set state = 'active'; update authorizations set state = 'active'",
		"archived":             "update customers set archived_at = now()",
		"not an admin anymore": "update memberships set role = 'member' where role = 'admin'",
		"not their address":    "update users set email_verified = false",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			server := mailtest.Start(t, mailtest.Options{})
			w.Member(t, w.customer.ID, "owner")
			person := w.person("admin", "ada@example.com")
			l := w.connect(w.customer, platform.Twitter, "2244994945")
			w.exec("update authorizations set state = 'needs_reauth', reason = 'revoked'")
			w.exec(spoil)
			w.insert(w.customer.ID, ConnectionEmailArgs{CustomerID: w.customer.ID, UserID: person.ID, AuthorizationID: &l.id})
			w.start(w.mailing(server))
			eventually(w.bundle, true, "select state in ('completed', 'cancelled') from river.river_job where kind = 'connection_email'")
			if server.Asked() != 0 {
				t.Error("the mail server was asked")
			}
		})
	}
}

// Owners are reminded 14, 7 and 1 days before, each time once, whoever looks and however late.
func TestReminders(t *testing.T) {
	w := newWorld(t)
	server := mailtest.Start(t, mailtest.Options{})
	w.person("owner", "olga@example.com")
	l := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
	one, other := w.mailing(server), w.mailing(server)
	mute := w.jobsWorker()
	reminders := func() int {
		t.Helper()
		for _, worker := range []*Worker{mute, one, other, one} {
			if err := worker.remind(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return scan[int](w.bundle, "select count(*) from river.river_job where kind = 'connection_email'")
	}
	for _, step := range []struct {
		in   string
		want int
	}{
		{"15 days", 0}, {"13 days 23 hours", 1}, {"8 days", 1}, {"6 days 23 hours", 2}, {"2 days", 2}, {"23 hours", 3}, {"1 minute", 3},
		{"-1 minute", 3},
	} {
		w.exec("update authorizations set reconnect_by = now() + $1::text::interval, expires_at = now() + interval '1 hour'", step.in)
		if n := reminders(); n != step.want {
			t.Errorf("%s before the end there are %d reminders, want %d", step.in, n, step.want)
		}
	}
	// Signing in again begins anew; a late start skips to what is next.
	w.reconnect(l)
	if n := reminders(); n != 3 {
		t.Errorf("%d reminders after signing in again", n)
	}
	w.exec("update authorizations set reconnect_by = now() + interval '3 days'")
	if n := reminders(); n != 4 || scan[int](w.bundle, "select reminded from authorizations") != 7 {
		t.Errorf("%d reminders after a late start", n)
	}
	w.exec("delete from river.river_job")
	w.exec("update authorizations set reconnect_by = now() + interval '20 hours'")
	if n := reminders(); n != 1 {
		t.Fatalf("%d reminders", n)
	}
	w.start(one)
	eventually(w.bundle, int64(1), sentEmails)
	m := server.Messages()
	if len(m) != 1 || m[0].Subject != "LinkedIn must soon be connected again for "+w.customer.Name || !strings.Contains(m[0].Text, "ends on ") ||
		!strings.Contains(m[0].Text, "- urn:li:organization:1001\n") {
		t.Errorf("%+v", m)
	}
}

// Without e-mail nothing is enqueued, and the state is noted all the same.
func TestNoMail(t *testing.T) {
	w := newWorld(t)
	w.person("owner", "olga@example.com")
	l := w.connect(w.customer, platform.Twitter, "2244994945")
	w.due(l)
	w.box.Withdraw("twitter", l.person)
	w.start(w.jobsWorker())
	eventually(w.bundle, "needs_reauth revoked", authorizationState, l.id)
	if n := scan[int](w.bundle, "select count(*) from river.river_job where kind = 'connection_email'"); n != 0 {
		t.Errorf("%d e-mails wait", n)
	}
}
