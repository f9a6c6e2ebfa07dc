package platform

import (
	"html"
	"regexp"
	"strings"
)

var (
	linkPattern      = regexp.MustCompile(`\bhttps?://[^\s<>"'` + "`" + `]+`)
	paragraphPattern = regexp.MustCompile(`\n(?:[^\S\n]*\n)+`)
)

// TextHTML is a post's text as HTML, in the form in which platforms get it that take HTML.
func TextHTML(text string) string { return textHTML(text) }

// textHTML turns plain text into HTML: an empty line separates paragraphs, a
// single line end is a line break, an address that begins with http:// or https:// is a link, and
// everything else is escaped. Ghost ignores an empty html field, so empty text is an empty
// paragraph: a text that was deleted between two attempts must not leave the old one in the draft.
func textHTML(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var out strings.Builder
	for _, paragraph := range paragraphPattern.Split(text, -1) {
		paragraph = strings.TrimSpace(paragraph)
		if paragraph == "" {
			continue
		}
		out.WriteString("<p>")
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				out.WriteString("<br>")
			}
			writeLinked(&out, line)
		}
		out.WriteString("</p>")
	}
	if out.Len() == 0 {
		return "<p></p>"
	}
	return out.String()
}

// writeLinked writes one line, escaped, with its addresses as links.
func writeLinked(out *strings.Builder, line string) {
	end := 0
	for _, at := range linkPattern.FindAllStringIndex(line, -1) {
		link := trimLink(line[at[0]:at[1]])
		if strings.HasSuffix(link, "://") {
			continue
		}
		out.WriteString(html.EscapeString(line[end:at[0]]))
		escaped := html.EscapeString(link)
		out.WriteString(`<a href="` + escaped + `">` + escaped + `</a>`)
		end = at[0] + len(link)
	}
	out.WriteString(html.EscapeString(line[end:]))
}

// trimLink cuts the punctuation that ends the sentence and not the address, and a closing bracket
// that was opened before the address.
func trimLink(link string) string {
	for {
		trimmed := strings.TrimRight(link, ".,;:!?*…")
		for _, pair := range []string{"()", "[]", "{}"} {
			if strings.HasSuffix(trimmed, pair[1:]) &&
				strings.Count(trimmed, pair[1:]) > strings.Count(trimmed, pair[:1]) {
				trimmed = trimmed[:len(trimmed)-1]
			}
		}
		if trimmed == link {
			return link
		}
		link = trimmed
	}
}

// firstRunes gives the first n characters of a text.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
