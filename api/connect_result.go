package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"

	"fanfare/internal/platform"
)

// resultPath is where the API itself tells what came of connecting an account, where there is no dashboard.
const resultPath = "/connect/result"

// resultTexts say for each result what happened and what to do.
var resultTexts = map[string]struct{ title, text string }{
	resultConnected:             {"The account is connected", "You can close this page and go back to where you began."},
	resultChoose:                {"Almost done: choose the accounts", "The sign-in has several accounts. Go back to where you began and choose which of them to connect, within half an hour."},
	resultAccessDenied:          {"Nothing was connected", "You did not allow it at the platform. Begin again if that was a mistake."},
	resultPlatformError:         {"The platform refused", "It did not let you sign in for Fanfare. Begin again later; if it stays so, ask whoever runs this installation."},
	resultStateMissing:          {"This link is not complete", "It does not say what it belongs to. Begin again where you wanted to connect the account."},
	resultStateUnknown:          {"This link is not known", "It was never made here, or it is long over. Begin again where you wanted to connect the account."},
	resultStateUsed:             {"This link was used already", "Each works once. Look whether the account is connected, and begin again if it is not."},
	resultStateExpired:          {"That took too long", "A sign-in has ten minutes. Begin again where you wanted to connect the account."},
	resultWrongPlatform:         {"This answer came from elsewhere", "It belongs to another platform than the one that you were sent to. Begin again."},
	resultWrongBrowser:          {"This is not the browser that began", "Begin and sign in with the same browser, with its cookies allowed."},
	resultIssuerMismatch:        {"This answer came from elsewhere", "It does not come from the platform that you were sent to, so it was not used. Begin again."},
	resultCodeMissing:           {"The platform's answer was not complete", "Nothing was connected. Begin again."},
	resultCodeRefused:           {"The platform did not accept the sign-in", "It may have taken too long or been used already, or somebody has just disconnected. Begin again."},
	resultPlatformUnavailable:   {"The platform cannot be reached", "It did not answer, or answered that it cannot at the moment. Nothing was connected. Begin again in a few minutes."},
	resultPlatformAnswerInvalid: {"The platform answered with nonsense", "Nothing was connected. Begin again later; if it stays so, ask whoever runs this installation."},
	resultPlatformMisconfigured: {"This installation is not set up right", "The platform does not know it as it is configured. Ask whoever runs this installation."},
	resultScopesMissing:         {"Not everything was allowed", "Begin again, and leave every permission on the platform's page switched on."},
	resultNoAccounts:            {"There is nothing to connect", "The sign-in manages no account that can be connected. Sign in as somebody who does."},
	resultNotAllowed:            {"You may not connect accounts here", "Your role does not allow it (any more), or the customer is archived. Ask one of its admins."},
	resultUnavailable:           {"The service cannot answer at the moment", "Look in a minute whether the account is connected, and begin again if it is not."},
	resultInternal:              {"Something went wrong on our side", "Begin again; if it stays so, ask whoever runs this installation."},
}

const resultStyle = `:root{color-scheme:light dark;--ground:#f6f6f4;--card:#fff;--ink:#1d1d1f;--soft:#5b5b60;--line:#dcdcd8}
@media (prefers-color-scheme:dark){:root{--ground:#161618;--card:#212124;--ink:#f1f1f2;--soft:#a9a9b0;--line:#38383d}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:30rem;padding:1.5rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
h1{margin:0 0 .5rem;font-size:1.25rem;line-height:1.3;overflow-wrap:anywhere}
p{margin:0;color:var(--soft)}
p+p{margin-top:1rem;font-size:.875rem}`

var resultPage = template.Must(template.New("result").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}} – Fanfare</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Platform}}<p>Platform: {{.}}</p>
{{end}}</main>
</body>
</html>
`))

// resultPolicy allows the page its own style and nothing else.
var resultPolicy = func() string {
	hash := sha256.Sum256([]byte(resultStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// registerConnectResult serves the page to which browsers are sent back where no dashboard is configured. What stands
// in the query is shown only where it is one of our own words.
func (a *API) registerConnectResult(mux *http.ServeMux) {
	mux.HandleFunc("GET "+resultPath, func(w http.ResponseWriter, r *http.Request) {
		result, known := resultTexts[r.URL.Query().Get("connect")]
		if !known {
			result.title, result.text = "Nothing to tell", "This page says what came of connecting an account. Go back to where you wanted to connect one."
		}
		name := ""
		if given := r.URL.Query().Get("platform"); isOAuthPlatform(given) {
			name = platform.Name(given).Title()
		}
		var page bytes.Buffer
		if err := resultPage.Execute(&page, struct {
			Title, Text, Platform string
			Style                 template.CSS
		}{result.title, result.text, name, template.CSS(resultStyle)}); err != nil { //nolint:gosec // our own style
			a.write(w, r, a.explain(r.Context(), err))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", resultPolicy)
		if _, err := w.Write(page.Bytes()); err != nil {
			a.log.DebugContext(r.Context(), "answer was not written", "error", err)
		}
	})
}
