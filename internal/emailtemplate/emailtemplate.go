// Package emailtemplate fills in templates of e-mails. A template has no logic: {{name}} stands for a value, and is escaped
// where it stands in HTML. What leaves this package is sanitised, whatever stands in the template and in the values.
package emailtemplate

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The largest parts of a template: subject and preview text in characters, as they are written, the HTML in bytes.
const (
	MaxLine = 255
	MaxHTML = 200_000
	// MaxRendered is how large an e-mail may become, in bytes: Mailchimp and Ghost take half a megabyte at least.
	MaxRendered = 500_000
)

// The variables that every template has.
const (
	Title    = "title"    // the post's title
	Text     = "text"     // the post's text; in HTML as paragraphs
	Customer = "customer" // the customer's name
)

// Template is an e-mail with variables in it.
type Template struct {
	Subject     string `json:"subject"`
	PreviewText string `json:"preview_text"`
	// HTML is as Sanitise gives it.
	HTML string `json:"html"`
}

// Values are what stands for the variables.
type Values struct {
	Title, Text, Customer string
	// TextHTML is Text as paragraphs in HTML.
	TextHTML string
	// Variables are further ones, by their names. The three above cannot be replaced by them.
	Variables map[string]string
}

// Email is a template that is filled in.
type Email struct {
	Subject, PreviewText, HTML string
	// Text is what the HTML says, without it.
	Text string
	// Missing are the variables that have no value, or none that is an address where one is needed, in the order of the alphabet. Where there are any, the e-mail is not to
	// be sent: they stand in it as in the template.
	Missing []string
	// TooLarge says that the HTML would have been longer than MaxRendered, and is left out.
	TooLarge bool
}

var (
	variable = regexp.MustCompile(`\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*\}\}`)
	// address finds the addresses in sanitised HTML.
	address = regexp.MustCompile(`\b(href|src)="([^"]*)"`)
	// Name is what a variable's name looks like.
	Name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	// textInTag finds {{text}} where it would have to be an attribute's value. In sanitised HTML no < or > stands in one.
	textInTag = regexp.MustCompile(`<[^<>]*\{\{[ \t]*text[ \t]*\}\}[^<>]*>`)
)

// Variables gives the names of a template's variables, in the order of the alphabet.
func (t Template) Variables() []string {
	names := []string{}
	for _, found := range variable.FindAllStringSubmatch(t.Subject+"\n"+t.PreviewText+"\n"+t.HTML, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Problem is what is wrong with one part of a template.
type Problem struct {
	// Part is "subject", "preview_text" or "html".
	Part, Message string
}

// Check says what is wrong with a template whose HTML is sanitised.
func (t Template) Check() (problems []Problem) {
	for _, part := range []struct{ name, text string }{{"subject", t.Subject}, {"preview_text", t.PreviewText}, {"html", t.HTML}} {
		if left := variable.ReplaceAllString(part.text, ""); strings.Contains(left, "{{") || strings.Contains(left, "}}") {
			problems = append(problems, Problem{part.name, "has {{ or }} that is part of no variable: a variable is {{name}}, of letters, digits and _, at most 64"})
		}
		if part.name != "html" && strings.ContainsAny(part.text, "\r\n") {
			problems = append(problems, Problem{part.name, "must be one line"})
		}
	}
	if textInTag.MatchString(t.HTML) {
		problems = append(problems, Problem{"html", "has {{text}} inside of a tag, where no paragraphs can stand"})
	}
	if strings.TrimSpace(t.HTML) == "" {
		problems = append(problems, Problem{"html", "has nothing left once it is sanitised"})
	}
	if len(t.HTML) > MaxHTML {
		problems = append(problems, Problem{"html", fmt.Sprintf("must be at most %d bytes once it is sanitised, not %d", MaxHTML, len(t.HTML))})
	}
	return problems
}

// Render fills a template in.
func (t Template) Render(values Values) Email {
	missing := map[string]bool{}
	fill := func(text string, write func(name, value string) string) string {
		return variable.ReplaceAllStringFunc(text, func(placeholder string) string {
			name := variable.FindStringSubmatch(placeholder)[1]
			value, given := values.of(name)
			if !given {
				missing[name] = true
				return placeholder
			}
			return write(name, value)
		})
	}
	line := func(_, value string) string { return strings.Join(strings.Fields(value), " ") } // of a header
	email := Email{Subject: fill(t.Subject, line), PreviewText: fill(t.PreviewText, line), Missing: []string{}}
	// Addresses first: in text no quote stands as it is.
	filled := address.ReplaceAllStringFunc(t.HTML, func(found string) string {
		parts := address.FindStringSubmatch(found)
		attribute, value := parts[1], parts[2]
		first := variable.FindStringIndex(value)
		begins := first != nil && first[0] == 0
		return attribute + `="` + fill(value, func(name, value string) string {
			if !begins {
				return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
			}
			begins = false
			if value = strings.TrimSpace(value); !addressable(attribute, value) {
				missing[name] = true
			}
			return html.EscapeString(value)
		}) + `"`
	})
	filled = fill(filled, func(name, value string) string {
		if name == Text {
			return values.TextHTML
		}
		return html.EscapeString(value)
	})
	if len(filled) > MaxRendered {
		email.TooLarge = true
	} else {
		email.HTML = Sanitise(filled)
		email.Text = plain(email.HTML)
	}
	for name := range missing {
		email.Missing = append(email.Missing, name)
	}
	slices.Sort(email.Missing)
	return email
}

// addressable tells whether a value can be, or begin, the address of a link (href) or image (src).
func addressable(attribute, value string) bool {
	u, err := url.Parse(value)
	switch {
	case err != nil || strings.ContainsAny(value, " \t\r\n"):
		return false
	case strings.EqualFold(attribute, "src"):
		return u.Scheme == "https" && u.Host != ""
	default:
		return ((u.Scheme == "https" || u.Scheme == "http") && u.Host != "") || (u.Scheme == "mailto" && u.Opaque != "")
	}
}

// of gives a variable's value. An empty one is none: it would leave a hole.
func (v Values) of(name string) (value string, given bool) {
	switch name {
	case Title:
		value = v.Title
	case Text:
		value = v.Text
	case Customer:
		value = v.Customer
	default:
		value = v.Variables[name]
	}
	return value, strings.TrimSpace(value) != ""
}
