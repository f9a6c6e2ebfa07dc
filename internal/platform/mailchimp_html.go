package platform

import (
	"html"
	"strings"
)

// mailchimpFrame is a plain e-mail: one column of 600 pixels, which is what mail programs show well, with what the law wants
// below it. The marks between *| and |* are Mailchimp's (https://mailchimp.com/help/all-the-merge-tags-cheat-sheet/):
// preview text, the way to the archive and to unsubscribe, the sender's postal address.
const mailchimpFrame = `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{subject}</title>
</head>
<body style="margin:0;padding:0;background:#f4f4f6">
<!--*|IF:MC_PREVIEW_TEXT|*--><div style="display:none;max-height:0;overflow:hidden">*|MC_PREVIEW_TEXT|*</div><!--*|END:IF|*-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:600px;background:#ffffff"><tr>
<td style="padding:24px;font:16px/1.5 Helvetica,Arial,sans-serif;color:#1b1b1f">
{content}
</td></tr></table>
<p style="font:12px/1.5 Helvetica,Arial,sans-serif;color:#65656d"><a href="*|ARCHIVE|*">View in your browser</a> · <a href="*|UNSUB|*">Unsubscribe</a><br>*|LIST:ADDRESSLINE|*</p>
</td></tr></table>
</body>
</html>
`

// mailchimpHTML is the e-mail. HTML of a template that is a whole document stays one. A file stands where the HTML names it;
// of the others the first is above the text, the rest below it.
func mailchimpHTML(post Post, files hosted) string {
	content := files.place(post)
	if content == "" {
		content = textHTML(post.Text)
	}
	above, below := "", ""
	if rest := unnamed(post); len(rest) > 0 {
		above = mailchimpImage(rest[0], files) + "\n"
		var images strings.Builder
		for _, media := range rest[1:] {
			images.WriteString("\n" + mailchimpImage(media, files))
		}
		below = images.String()
	}
	if !isDocument(content) {
		return strings.NewReplacer("{subject}", html.EscapeString(mailchimpSubject(post)), "{content}", above+content+below).Replace(mailchimpFrame)
	}
	return intoBody(content, above, below)
}

func mailchimpImage(media Media, files hosted) string {
	return `<p style="margin:0 0 16px"><img src="` + html.EscapeString(files[media.ID]) + `" alt="` + html.EscapeString(media.AltText) +
		`" width="552" style="display:block;width:100%;max-width:552px;height:auto;border:0"></p>`
}

// isDocument tells a whole HTML document from a piece of one.
func isDocument(source string) bool {
	start := strings.ToLower(firstRunes(strings.TrimSpace(source), 20))
	return strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html")
}

// intoBody puts something at the beginning and at the end of a document's body.
func intoBody(document, above, below string) string {
	lower := strings.ToLower(document)
	if len(lower) != len(document) {
		return above + document + below // rare letters change their length; mail programs read it all the same
	}
	start, end := 0, len(document)
	if at := strings.Index(lower, "<body"); at >= 0 {
		if length := strings.IndexByte(lower[at:], '>'); length >= 0 {
			start = at + length + 1
		}
	}
	if at := strings.LastIndex(lower, "</body"); at >= start {
		end = at
	}
	return document[:start] + above + document[start:end] + below + document[end:]
}
