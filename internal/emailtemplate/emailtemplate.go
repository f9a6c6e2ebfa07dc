// Package emailtemplate fills in templates of e-mails. A template has no logic: {{name}} stands for a value, and is escaped
// where it stands in HTML. What leaves this package is sanitised, whatever stands in the template and in the values.
package emailtemplate

import (
	"cmp"
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
	// MaxVariable is how long a variable's value may be, in characters.
	MaxVariable = 10_000
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
	// TooLarge says that a part would have been longer than MaxRendered. Then all of them are left out, and Missing may lack some.
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

// Render fills a template in. It writes no more than MaxRendered bytes of any part, however often a large value stands in it.
func (t Template) Render(values Values) Email {
	f := filler{values: values, missing: map[string]bool{}, written: map[inPlace]string{}}
	inLine := func(int) place { return ofLine }
	email := Email{Subject: f.fill(t.Subject, inLine), PreviewText: f.fill(t.PreviewText, inLine), Missing: []string{}}
	email.HTML = Sanitise(f.fill(t.HTML, placesIn(t.HTML)))
	if f.tooLarge || len(email.HTML) > MaxRendered {
		email.Subject, email.PreviewText, email.HTML, email.TooLarge = "", "", "", true
	} else {
		email.Text = plain(email.HTML)
	}
	for name := range f.missing {
		email.Missing = append(email.Missing, name)
	}
	slices.Sort(email.Missing)
	return email
}

// place is where in an e-mail a variable stands, which decides how its value is written.
type place int

const (
	ofLine    place = iota // in subject or preview text
	ofHTML                 // in HTML, outside of addresses
	ofAddress              // within an address
	ofLink                 // at the beginning of the address of a link (href)
	ofImage                // at the beginning of the address of an image (src)
)

// placesIn tells for sanitised HTML what place it is where a variable begins. It is to be asked from the beginning on.
func placesIn(source string) func(at int) place {
	addresses := address.FindAllStringSubmatchIndex(source, -1)
	return func(at int) place {
		for len(addresses) > 0 && addresses[0][5] <= at {
			addresses = addresses[1:]
		}
		switch {
		case len(addresses) == 0 || at < addresses[0][4]:
			return ofHTML // in text no quote stands as it is
		case at > addresses[0][4]:
			return ofAddress
		case source[addresses[0][2]:addresses[0][3]] == "src":
			return ofImage
		default:
			return ofLink
		}
	}
}

// inPlace is a variable in a place.
type inPlace struct {
	place place
	name  string
}

// filler fills in the parts of one e-mail.
type filler struct {
	values  Values
	missing map[string]bool
	// written are the values as they are written in each place, each made once; empty where there is none.
	written  map[inPlace]string
	tooLarge bool
}

// fill fills one part in. placeAt tells the place of the variable that begins at a byte. What would be larger than MaxRendered
// sets tooLarge, and is left out.
func (f *filler) fill(text string, placeAt func(at int) place) string {
	var out strings.Builder
	rest := 0 // from here on text is not written yet
	for _, found := range variable.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[rest:found[0]])
		out.WriteString(f.write(inPlace{placeAt(found[0]), text[found[2]:found[3]]}, text[found[0]:found[1]]))
		if rest = found[1]; out.Len() > MaxRendered {
			break
		}
	}
	if out.Len()+len(text)-rest > MaxRendered {
		f.tooLarge = true
		return ""
	}
	out.WriteString(text[rest:])
	return out.String()
}

// write is what is written for a placeholder: the variable's value, or the placeholder itself where it has none.
func (f *filler) write(in inPlace, placeholder string) string {
	if written, made := f.written[in]; made {
		return cmp.Or(written, placeholder)
	}
	value, given := f.values.of(in.name)
	if !given {
		f.missing[in.name], f.written[in] = true, ""
		return placeholder
	}
	switch in.place {
	case ofLine:
		value = strings.Join(strings.Fields(value), " ") // of a header
	case ofAddress:
		value = strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	case ofLink, ofImage:
		if value = strings.TrimSpace(value); !addressable(in.place, value) {
			f.missing[in.name] = true
		}
		value = html.EscapeString(value)
	default:
		if in.name == Text {
			value = f.values.TextHTML
		} else {
			value = html.EscapeString(value)
		}
	}
	f.written[in] = value
	return value
}

// addressable tells whether a value can be, or begin, the address of a link (href) or image (src).
func addressable(in place, value string) bool {
	u, err := url.Parse(value)
	switch {
	case err != nil || strings.ContainsAny(value, " \t\r\n"):
		return false
	case in == ofImage:
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
