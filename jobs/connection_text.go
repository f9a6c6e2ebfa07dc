package jobs

import (
	"cmp"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"fanfare/internal/mail"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// connectionText is an e-mail about accounts that must be connected again, in one language.
type connectionText struct {
	// subject and subjectSoon name the platform and the customer.
	subject, subjectSoon string
	reasons              map[string]string
	until                func(time.Time) string
	text                 *texttemplate.Template
	html                 *htmltemplate.Template
}

// connectionWords are what the templates are filled with. Until is empty where it has ended already.
type connectionWords struct {
	Platform, Customer, Reason, Until, Link string
	Accounts                                []string
}

// writeConnection composes the e-mail in the customer's language: German, or else English. The names in it are other
// people's words; they are one line each, and escaped where they could be anything but text.
func writeConnection(row queries.ConnectionForEmailRow, days int, link string) (mail.Message, error) {
	language := connectionEnglish
	if tag, _, _ := strings.Cut(strings.ToLower(row.Language), "-"); tag == "de" {
		language = connectionGerman
	}
	words := connectionWords{
		Platform: platform.Name(row.Platform).Title(), Customer: oneLine(row.CustomerName),
		Reason: cmp.Or(language.reasons[row.Reason], language.reasons[""]), Link: link,
	}
	for _, name := range row.Accounts {
		words.Accounts = append(words.Accounts, oneLine(name))
	}
	subject := language.subject
	if days > 0 && row.ReconnectBy != nil {
		subject, words.Until = language.subjectSoon, language.until(row.ReconnectBy.UTC())
	}
	var text, html strings.Builder
	if err := language.text.Execute(&text, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	if err := language.html.Execute(&html, words); err != nil {
		return mail.Message{}, fmt.Errorf("write e-mail: %w", err)
	}
	return mail.Message{To: *row.Email, Subject: fmt.Sprintf(subject, words.Platform, words.Customer), Text: text.String(), HTML: html.String()}, nil
}

var connectionEnglish = connectionText{
	subject:     "%s must be connected again for %s",
	subjectSoon: "%s must soon be connected again for %s",
	reasons: map[string]string{
		"":                "The platform does not accept the connection any more.",
		reasonRevoked:     "The permission was withdrawn at the platform, or the platform has ended it.",
		reasonRefused:     "The platform does not accept the connection any more.",
		reasonExpired:     "The connection has run out, and the platform lets nobody but you prolong it.",
		reasonInterrupted: "A renewal of the connection was interrupted, and its answer is lost. Nobody has withdrawn the permission.",
		reasonAccessLost:  "Whoever connected the account does not manage it any more.",
		"moved_out":       "The time of the old connection is over.",
	},
	until: func(t time.Time) string { return t.Format("2 January 2006 at 15:04 UTC") },
	text: texttemplate.Must(texttemplate.New("").Parse(`{{if .Until}}The connection of "{{.Customer}}" to {{.Platform}} in Fanfare ends on {{.Until}}. The platform lets nobody but you prolong it.
{{else}}Fanfare cannot publish on {{.Platform}} for "{{.Customer}}" any more. {{.Reason}}
{{end}}
Accounts:
{{range .Accounts}}- {{.}}
{{end}}
Connect {{if eq (len .Accounts) 1}}it{{else}}them{{end}} again here:
{{.Link}}

{{if .Until}}Do it before then, and nothing is held up.{{else}}What was due meanwhile was not published; the posts say so.{{end}}
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="en">
<body>
{{if .Until}}<p>The connection of “{{.Customer}}” to {{.Platform}} in Fanfare ends on {{.Until}}. The platform lets nobody but you prolong it.</p>
{{else}}<p>Fanfare cannot publish on {{.Platform}} for “{{.Customer}}” any more. {{.Reason}}</p>
{{end}}<ul>{{range .Accounts}}
<li>{{.}}</li>{{end}}
</ul>
<p><a href="{{.Link}}">Connect {{if eq (len .Accounts) 1}}it{{else}}them{{end}} again</a></p>
<p>{{if .Until}}Do it before then, and nothing is held up.{{else}}What was due meanwhile was not published; the posts say so.{{end}}</p>
</body>
</html>
`)),
}

var connectionGerman = connectionText{
	subject:     "%s muss für %s neu verbunden werden",
	subjectSoon: "%s muss für %s bald neu verbunden werden",
	reasons: map[string]string{
		"":                "Die Plattform nimmt die Verbindung nicht mehr an.",
		reasonRevoked:     "Die Erlaubnis wurde auf der Plattform zurückgezogen, oder die Plattform hat sie beendet.",
		reasonRefused:     "Die Plattform nimmt die Verbindung nicht mehr an.",
		reasonExpired:     "Die Verbindung ist abgelaufen, und die Plattform lässt sie nur von Ihnen verlängern.",
		reasonInterrupted: "Eine Verlängerung der Verbindung wurde unterbrochen, und ihre Antwort ist verloren. Niemand hat die Erlaubnis zurückgezogen.",
		reasonAccessLost:  "Wer das Konto verbunden hat, verwaltet es nicht mehr.",
		"moved_out":       "Die Zeit der alten Verbindung ist vorbei.",
	},
	until: func(t time.Time) string { return t.Format("02.01.2006 um 15:04 Uhr (UTC)") },
	text: texttemplate.Must(texttemplate.New("").Parse(`{{if .Until}}Die Verbindung von „{{.Customer}}“ zu {{.Platform}} in Fanfare endet am {{.Until}}. Die Plattform lässt sie nur von Ihnen verlängern.
{{else}}Fanfare kann für „{{.Customer}}“ nicht mehr auf {{.Platform}} veröffentlichen. {{.Reason}}
{{end}}
Konten:
{{range .Accounts}}- {{.}}
{{end}}
Hier verbinden Sie {{if eq (len .Accounts) 1}}es{{else}}sie{{end}} neu:
{{.Link}}

{{if .Until}}Tun Sie es vorher, dann wird nichts aufgehalten.{{else}}Was inzwischen fällig war, wurde nicht veröffentlicht; die Beiträge sagen es.{{end}}
`)),
	html: htmltemplate.Must(htmltemplate.New("").Parse(`<!doctype html>
<html lang="de">
<body>
{{if .Until}}<p>Die Verbindung von „{{.Customer}}“ zu {{.Platform}} in Fanfare endet am {{.Until}}. Die Plattform lässt sie nur von Ihnen verlängern.</p>
{{else}}<p>Fanfare kann für „{{.Customer}}“ nicht mehr auf {{.Platform}} veröffentlichen. {{.Reason}}</p>
{{end}}<ul>{{range .Accounts}}
<li>{{.}}</li>{{end}}
</ul>
<p><a href="{{.Link}}">{{if eq (len .Accounts) 1}}Konto{{else}}Konten{{end}} neu verbinden</a></p>
<p>{{if .Until}}Tun Sie es vorher, dann wird nichts aufgehalten.{{else}}Was inzwischen fällig war, wurde nicht veröffentlicht; die Beiträge sagen es.{{end}}</p>
</body>
</html>
`)),
}
