package jobs

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/mail"
	"fanfare/internal/mail/mailtest"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const invitationState = "select coalesce(send_problem, case when sent_at is not null then 'sent' else 'waiting' end) || case when sealed_token is null then '' else ', sealed' end from invitations where id = $1"

// invite makes an open invitation with its sealed token, and its job.
func (b *bundle) invite(email string) (id uuid.UUID) {
	b.t.Helper()
	id = dbtest.NewID(b.t)
	sealed, err := b.vault.Seal([]byte("token-of-"+id.String()), vault.InvitationToken(b.customer.ID, id))
	if err != nil {
		b.t.Fatal(err)
	}
	inviter := b.Member(b.t, b.customer.ID, "owner")
	b.exec("update users set name = 'Ada <b>Lindqvist</b>' || e'\\r\\nBcc: eve@example.com' where id = $1", inviter.ID)
	hash := sha256.Sum256(id[:])
	b.exec(`insert into invitations (customer_id, id, email, role, token_hash, sealed_token, key_id, invited_by, expires_at)
		values ($1, $2, $3, 'member', $4, $5, $6, $7, '2031-02-03 04:05Z')`, b.customer.ID, id, email, hash[:], sealed, int64(b.vault.PrimaryKeyID()), inviter.ID)
	return id
}

func (b *bundle) enqueueEmail(id uuid.UUID) {
	b.t.Helper()
	queue, err := NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	err = b.TenantWorker().Tx(b.t.Context(), tenant.Worker(b.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queue.InsertTx(ctx, tx, InvitationEmailArgs{CustomerID: b.customer.ID, InvitationID: id}, nil)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// mailWorker starts a worker that sends through the server.
func (b *bundle) mailWorker(server *mailtest.Server) {
	b.t.Helper()
	sender, err := mail.New(mail.Config{URL: "smtp://" + server.Addr, From: "Fanfare <fanfare@agency.example>", Roots: server.Roots})
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := NewWorker(Deps{
		Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)),
		Mail: sender, PublicURL: "https://fanfare.example",
	}, WorkerConfig{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.start(w)
}

func TestInvitationIsSent(t *testing.T) {
	for name, test := range map[string]struct{ language, subject, says, role, until string }{
		"English": {"en", "Invitation to Cat & <Mouse> Bcc: eve@example.com on Fanfare", "invites you to work", "as a member", "3 February 2031 at 04:05 UTC"},
		"German":  {"de-AT", "Einladung zu Cat & <Mouse> Bcc: eve@example.com in Fanfare", "lädt Sie ein", "Ihre Rolle: Mitglied", "03.02.2031 um 04:05 Uhr (UTC)"},
		"another": {"del", "Invitation to Cat & <Mouse> Bcc: eve@example.com on Fanfare", "invites you to work", "as a member", "3 February 2031"},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			server := mailtest.Start(t, mailtest.Options{})
			b.exec("update customers set name = e'Cat & <Mouse>\\r\\nBcc: eve@example.com', language = $1", test.language)
			id := b.invite("kate@example.com")
			b.enqueueEmail(id)
			b.mailWorker(server)
			eventually(b, "sent", invitationState, id)
			eventually(b, "completed", "select state::text from river.river_job")
			messages := server.Messages()
			if len(messages) != 1 {
				t.Fatalf("%d messages", len(messages))
			}
			m := messages[0]
			if m.To != "kate@example.com" || !m.Encrypted || m.Subject != test.subject || m.Header.Get("Message-Id") != "<"+id.String()+"@agency.example>" {
				t.Errorf("%+v", m)
			}
			if strings.Contains(m.Raw, "\nBcc:") {
				t.Errorf("a name has become a header: %s", m.Raw)
			}
			link := "https://fanfare.example/invitations/accept#token=token-of-" + id.String()
			for _, want := range []string{test.says, test.role, test.until, "Ada <b>Lindqvist</b> Bcc: eve@example.com", "\n" + link + "\n"} {
				if !strings.Contains(m.Text, want) {
					t.Errorf("the text does not say %q: %s", want, m.Text)
				}
			}
			for _, want := range []string{test.says, test.role, "Ada &lt;b&gt;Lindqvist&lt;/b&gt;", "Cat &amp; &lt;Mouse&gt;", `href="` + link + `"`} {
				if !strings.Contains(m.HTML, want) {
					t.Errorf("the page does not say %q: %s", want, m.HTML)
				}
			}
			if stored := scan[string](b, "select string_agg(j::text, ' ') from river.river_job j"); strings.Contains(stored, "token-of-") || strings.Contains(stored, "kate") {
				t.Errorf("the job holds the token or the address: %s", stored)
			}
			// The job once more, as after a crash before its end was noted: it finds nothing to send.
			b.enqueueEmail(id)
			eventually(b, int64(2), "select count(*) from river.river_job where state = 'completed'")
			if n := len(server.Messages()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestInvitationIsNotSent(t *testing.T) {
	for name, test := range map[string]struct{ spoil, want string }{
		"revoked":  {"update invitations set revoked_at = now()", "waiting"},
		"accepted": {"update invitations set accepted_at = now(), accepted_by = invited_by", "waiting"},
		"expired":  {"update invitations set expires_at = now()", "The mail server did not take the e-mail before the invitation expired."},
		"archived": {"update customers set archived_at = now()", "The customer was archived before the e-mail was sent."},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			server := mailtest.Start(t, mailtest.Options{})
			id := b.invite("kate@example.com")
			b.exec(test.spoil)
			b.enqueueEmail(id)
			b.mailWorker(server)
			eventually(b, "completed", "select state::text from river.river_job")
			eventually(b, test.want, invitationState, id)
			if server.Asked() != 0 {
				t.Error("the mail server was asked")
			}
		})
	}
	t.Run("another customer's", func(t *testing.T) {
		b := setup(t)
		server := mailtest.Start(t, mailtest.Options{})
		id := b.invite("kate@example.com")
		other := b.Customer(t, dbtest.Customer{})
		b.exec(`insert into river.river_job (customer_id, kind, queue, args, max_attempts) values ($1, 'invitation_email', 'mail', $2, 5)`,
			other.ID, map[string]any{"customer_id": other.ID, "invitation_id": id})
		b.mailWorker(server)
		eventually(b, "cancelled", "select state::text from river.river_job")
		if state := scan[string](b, invitationState, id); state != "waiting, sealed" || server.Asked() != 0 {
			t.Errorf("is %s, the server was asked %d times", state, server.Asked())
		}
	})
	t.Run("by a worker without a mail server", func(t *testing.T) {
		b := setup(t)
		id := b.invite("kate@example.com")
		b.enqueueEmail(id)
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now()) // queued after the e-mail
		eventually(b, "published", stateOf, p.PlatformPosts[0])
		if state := scan[string](b, invitationState, id); state != "waiting, sealed" {
			t.Errorf("is %s", state)
		}
		server := mailtest.Start(t, mailtest.Options{})
		b.mailWorker(server)
		eventually(b, "sent", invitationState, id)
	})
}

func TestInvitationIsRefused(t *testing.T) {
	b := setup(t)
	server := mailtest.Start(t, mailtest.Options{})
	server.Refuse(func(to string) error {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no mailbox " + to}
	})
	id := b.invite("nobody@example.com")
	b.enqueueEmail(id)
	b.mailWorker(server)
	eventually(b, "The mail server refused the e-mail to this address (550).", invitationState, id)
	eventually(b, "completed", "select state::text from river.river_job")
	if server.Asked() != 1 {
		t.Errorf("the server was asked %d times", server.Asked())
	}
}

// A server that is away, or asks to come later, is asked again until it takes the e-mail.
func TestInvitationWaits(t *testing.T) {
	b := setup(t)
	server := mailtest.Start(t, mailtest.Options{})
	server.Leave()
	id := b.invite("kate@example.com")
	b.enqueueEmail(id)
	b.mailWorker(server)
	eventually(b, true, "select metadata ? 'snoozes' from river.river_job")
	if state := scan[string](b, invitationState, id); state != "waiting, sealed" {
		t.Errorf("is %s", state)
	}
	greylisted := make(chan struct{})
	server.Refuse(func(string) error {
		server.Refuse(nil)
		close(greylisted)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later"}
	})
	server.ComeBack()
	select {
	case <-greylisted:
	case <-time.After(time.Minute):
		t.Fatal("the server that came back was not asked")
	}
	eventually(b, "sent", invitationState, id)
	if n := len(server.Messages()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestMailWait(t *testing.T) {
	t.Parallel()
	for snoozes, limits := range map[int][2]time.Duration{0: {time.Second, 2 * time.Second}, 3: {8 * time.Second, 16 * time.Second}, 1000: {15 * time.Minute, 30 * time.Minute}} {
		if wait := mailWait([]byte(fmt.Sprintf(`{"snoozes": %d}`, snoozes))); wait < limits[0] || wait > limits[1] {
			t.Errorf("after %d times: %s", snoozes, wait)
		}
	}
}

// Every role that can be invited to has a name in every language.
func TestInvitationRoles(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "de"} {
		for _, role := range []string{"owner", "admin", "member", "viewer"} {
			m, err := writeInvitation(queries.InvitationForEmailRow{Role: role, Language: language, CustomerName: "X"}, "https://x.example/")
			if err != nil || strings.Contains(m.Text, "as .") || strings.Contains(m.Text, "Rolle: .") {
				t.Errorf("%s, %s: %v: %s", language, role, err, m.Text)
			}
		}
	}
}
