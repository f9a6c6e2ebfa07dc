package jobs

import (
	"cmp"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"fanfare/internal/mail"
	"fanfare/queries"
)

// invitationText is an invitation's e-mail in one language.
type invitationText struct {
	subject, somebody string
	roles             map[string]string
	until             func(time.Time) string
	text              *texttemplate.Template
	html              *htmltemplate.Template
}

// invitationWords are what the templates are filled with.
type invitationWords struct{ Inviter, Customer, Role, Until, Link string }

// writeInvitation composes the e-mail in the customer's language: German, or else English. The names in it are
// people's own words; they are one line each, and escaped where they could be anything but text.
func writeInvitation(row queries.InvitationForEmailRow, link string) (mail.Message, error) {
	language := invitationEnglish
	if tag, _, _ := strings.Cut(strings.ToLower(row.Language), "-"); tag == "de" {
		language = invitationGerman
	}
	words := invitationWords{
		Inviter: cmp.Or(oneLine(row.Inviter), language.somebody), Customer: oneLine(row.CustomerName),
		Role: language.roles[row.Role], Until: language.until(row.ExpiresAt.UTC()), Link: link,
	}
	var text, html strings.Builder
	if err := language.text.Execute(&text, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	if err := language.html.Execute(&html, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	return mail.Message{To: row.Email, Subject: fmt.Sprintf(language.subject, words.Customer), Text: text.String(), HTML: html.String()}, nil
}

// oneLine is a name on one line.
func oneLine(name string) string { return strings.Join(strings.Fields(name), " ") }

var invitationEnglish = invitationText{
	subject:  "Invitation to %s on Fanfare",
	somebody: "Somebody",
	roles:    map[string]string{"owner": "an owner", "admin": "an admin", "member": "a member", "viewer": "a viewer"},
	until:    func(t time.Time) string { return t.Format("2 January 2006 at 15:04 UTC") },
	text: texttemplate.Must(texttemplate.New("").Parse(`{{.Inviter}} invites you to work on "{{.Customer}}" in Fanfare, as {{.Role}}.

Accept the invitation here:
{{.Link}}

Sign in with the address that this e-mail was sent to. The invitation ends on {{.Until}} and works once.

If you did not expect this, ignore it: nothing happens until you accept.
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="en">
<body>
<p>{{.Inviter}} invites you to work on “{{.Customer}}” in Fanfare, as {{.Role}}.</p>
<p><a href="{{.Link}}">Accept the invitation</a></p>
<p>Sign in with the address that this e-mail was sent to. The invitation ends on {{.Until}} and works once.</p>
<p>If you did not expect this, ignore it: nothing happens until you accept.</p>
</body>
</html>
`)),
}

var invitationGerman = invitationText{
	subject:  "Einladung zu %s in Fanfare",
	somebody: "Jemand",
	roles:    map[string]string{"owner": "Inhaber", "admin": "Administrator", "member": "Mitglied", "viewer": "Betrachter"},
	until:    func(t time.Time) string { return t.Format("02.01.2006 um 15:04 Uhr (UTC)") },
	text: texttemplate.Must(texttemplate.New("").Parse(`{{.Inviter}} lädt Sie ein, in Fanfare an „{{.Customer}}“ mitzuarbeiten. Ihre Rolle: {{.Role}}.

Hier nehmen Sie die Einladung an:
{{.Link}}

Melden Sie sich mit der Adresse an, an die diese E-Mail ging. Die Einladung gilt bis {{.Until}} und nur einmal.

Falls Sie sie nicht erwartet haben, ignorieren Sie sie: Solange Sie nicht annehmen, geschieht nichts.
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="de">
<body>
<p>{{.Inviter}} lädt Sie ein, in Fanfare an „{{.Customer}}“ mitzuarbeiten. Ihre Rolle: {{.Role}}.</p>
<p><a href="{{.Link}}">Einladung annehmen</a></p>
<p>Melden Sie sich mit der Adresse an, an die diese E-Mail ging. Die Einladung gilt bis {{.Until}} und nur einmal.</p>
<p>Falls Sie sie nicht erwartet haben, ignorieren Sie sie: Solange Sie nicht annehmen, geschieht nichts.</p>
</body>
</html>
`)),
}
