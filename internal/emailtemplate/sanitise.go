package emailtemplate

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// policy is what an e-mail's HTML may hold: text, tables, images of addresses that begin with https, links that lead to web
// pages and mailboxes, and styles in attributes, of a list. No script, form, frame or style sheet, and nothing that loads
// anything else.
var policy = makePolicy()

func makePolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("html", "head", "body", "div", "span", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "a", "img",
		"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th", "ul", "ol", "li", "dl", "dt", "dd",
		"strong", "b", "em", "i", "u", "s", "small", "sub", "sup", "blockquote", "pre", "code", "center", "font", "abbr", "cite", "q")
	p.AllowNoAttrs().OnElements("html", "head", "body", "span", "font", "a")

	length := regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,3})?(px|%)?$`)
	colour := regexp.MustCompile(`^(#[0-9A-Fa-f]{3,8}|[A-Za-z]{3,25})$`)
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("lang").Matching(bluemonday.Paragraph).Globally()
	p.AllowAttrs("title").Matching(bluemonday.Paragraph).Globally()
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^(presentation|none|img|article)$`)).Globally()
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center|justify)$`)).Globally()
	p.AllowAttrs("valign").Matching(regexp.MustCompile(`^(top|middle|bottom|baseline)$`)).OnElements("table", "thead", "tbody", "tfoot", "tr", "td", "th")
	p.AllowAttrs("bgcolor").Matching(colour).OnElements("body", "table", "tr", "td", "th")
	p.AllowAttrs("color").Matching(colour).OnElements("font")
	p.AllowAttrs("face").Matching(regexp.MustCompile(`^[A-Za-z0-9 ,'-]{1,200}$`)).OnElements("font")
	p.AllowAttrs("size").Matching(regexp.MustCompile(`^[+-]?[1-7]$`)).OnElements("font")
	p.AllowAttrs("width", "height").Matching(length).OnElements("img", "table", "tr", "td", "th", "col", "colgroup", "hr")
	p.AllowAttrs("border", "cellpadding", "cellspacing").Matching(length).OnElements("table", "img")
	p.AllowAttrs("colspan", "rowspan", "span").Matching(bluemonday.Integer).OnElements("td", "th", "col", "colgroup")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")

	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	// media:1 stands for the post's first image, until the platform has it.
	p.AllowURLSchemes("http", "https", "mailto", "media")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^\s*(https?|mailto):`)).OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^(https://|media:[1-9][0-9]?$)`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")

	p.AllowStyles("background-color", "border", "border-top", "border-right", "border-bottom", "border-left", "border-collapse",
		"border-color", "border-radius", "border-spacing", "border-style", "border-width", "color", "direction", "display", "font-family",
		"font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-top",
		"margin-right", "margin-bottom", "margin-left", "max-height", "max-width", "min-height", "min-width", "opacity", "padding",
		"padding-top", "padding-right", "padding-bottom", "padding-left", "table-layout", "text-align", "text-decoration",
		"text-indent", "text-transform", "vertical-align", "white-space", "width", "word-break", "word-wrap").
		MatchingHandler(plainStyle).Globally()
	return p
}

// plainStyle takes values of styles that name no address and call nothing but colours: letters, numbers, units, names of
// fonts.
func plainStyle(value string) bool {
	return styleValue.MatchString(value)
}

var styleValue = regexp.MustCompile(`^(?i:rgba?\([0-9., %]{1,40}\)|hsla?\([0-9., %a-z]{1,40}\)|["']?[a-z][a-z0-9 _-]*["']?,?|[#+-]?[0-9a-f.]+(?:px|em|rem|pt|%|ex|ch|vw|vh|in|cm|mm|pc)?,?|!important|/|\s+)+$`)

// Sanitise takes everything out of HTML that does not belong into an e-mail. Variables stay, also where they stand for an
// address.
func Sanitise(source string) string {
	// An address that is, or begins with, a variable would be taken for a relative one.
	guarded := addressVariable.ReplaceAllString(source, `${1}${2}`+variableHost+`${3}/`)
	clean := policy.Sanitize(guarded)
	return guardedVariable.ReplaceAllString(clean, `{{${1}}}`)
}

// variableHost is a host of no address (RFC 2606), which stands for a variable while HTML is sanitised.
const variableHost = "https://fanfare-variable.invalid/"

var (
	addressVariable = regexp.MustCompile(`(?i)(\b(?:href|src)\s*=\s*)(["'])[ \t\r\n]*\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*\}\}`)
	guardedVariable = regexp.MustCompile(regexp.QuoteMeta(variableHost) + `([A-Za-z_][A-Za-z0-9_]{0,63})/`)
)

// plain is what HTML says, for those who read it as text: a block on lines of its own, links with where they lead.
func plain(source string) string {
	var out strings.Builder
	var links []string
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return tidy(out.String())
		case html.TextToken:
			words := strings.Fields(string(z.Text()))
			if len(words) > 0 {
				out.WriteString(html.UnescapeString(strings.Join(words, " ")) + " ")
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			switch {
			case token.Data == "a":
				links = append(links, attribute(token, "href"))
			case token.Data == "img":
				out.WriteString(attribute(token, "alt") + " ")
			case token.Data == "li":
				out.WriteString("\n- ")
			case blocks[token.Data]:
				out.WriteString(blockEnd[token.Data])
			}
		case html.EndTagToken:
			token := z.Token()
			switch {
			case token.Data == "a" && len(links) > 0:
				link := links[len(links)-1]
				links = links[:len(links)-1]
				if said := strings.TrimSpace(out.String()); link != "" && !strings.HasSuffix(said, link) {
					out.WriteString("(" + link + ") ")
				}
			case blocks[token.Data]:
				out.WriteString(blockEnd[token.Data])
			}
		default:
		}
	}
}

var (
	blockEnd = map[string]string{
		"p": "\n\n", "h1": "\n\n", "h2": "\n\n", "h3": "\n\n", "h4": "\n\n", "h5": "\n\n", "h6": "\n\n", "table": "\n\n", "ul": "\n\n", "ol": "\n\n",
		"blockquote": "\n\n", "hr": "\n\n", "div": "\n", "tr": "\n", "br": "\n", "pre": "\n\n", "center": "\n",
	}
	blocks = func() map[string]bool {
		names := map[string]bool{}
		for name := range blockEnd {
			names[name] = true
		}
		return names
	}()
	manyLines  = regexp.MustCompile(`\n{3,}`)
	spacesLine = regexp.MustCompile(`(?m)^[ \t]+|[ \t]+$`)
)

func tidy(text string) string {
	text = spacesLine.ReplaceAllString(text, "")
	return strings.TrimSpace(manyLines.ReplaceAllString(text, "\n\n"))
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
