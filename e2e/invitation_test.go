package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fanfare/internal/mail/mailtest"
)

// An invitation reaches its person by e-mail, and what stands in the e-mail lets them in.
func TestInvitationByEmail(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t, mailtest.Options{NoTLS: true})
	s := newSystem(t, options{env: []string{
		"FANFARE_SMTP_URL=smtp://" + server.Addr + "?tls=none", "FANFARE_MAIL_FROM=Fanfare <fanfare@agency.example>", "FANFARE_PUBLIC_URL=https://app.agency.example/",
	}})
	b := s.newBrand(t)
	guest := s.person(t)
	email := call[meAnswer](t, guest, http.MethodGet, "/v1/me", nil).Email
	invited := call[invitationAnswer](t, b.owner, http.MethodPost, b.path+"/invitations", map[string]any{"email": strings.ToUpper(email), "role": "member"})
	if invited.Link != "" {
		t.Errorf("the inviter is given the link, too: %s", invited.Link)
	}
	eventually(t, 30*time.Second, "the e-mail is sent", func() bool {
		got := call[struct {
			SentAt *time.Time `json:"sent_at"`
		}](t, b.owner, http.MethodGet, b.path+"/invitations/"+invited.ID, nil)
		return got.SentAt != nil
	})
	messages := server.Messages()
	if len(messages) != 1 || !strings.EqualFold(messages[0].To, email) {
		t.Fatalf("%d messages: %+v", len(messages), messages)
	}
	_, rest, found := strings.Cut(messages[0].Text, "https://app.agency.example/invitations/accept#token=")
	if !found {
		t.Fatalf("there is no link in %s", messages[0].Text)
	}
	token, _, _ := strings.Cut(rest, "\n")
	call[customerAnswer](t, guest, http.MethodPost, "/v1/invitations/accept", map[string]any{"token": token})
	guest.expect(t, http.StatusOK, http.MethodGet, b.path, nil)
	if n := one[int](t, s, "select count(*) from invitations where sealed_token is not null"); n != 0 {
		t.Error("the token is kept after the e-mail was sent")
	}
}
