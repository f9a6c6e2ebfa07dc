package emailtemplate

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSanitise(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`<p style="color: red; text-align: center">Hi</p>`:                                                           `<p style="color: red; text-align: center">Hi</p>`,
		`<p style="color: #ff0000; padding: 0 10px 2.5em">x</p>`:                                                     `<p style="color: #ff0000; padding: 0 10px 2.5em">x</p>`,
		`<p style="font-family: Georgia, 'Times New Roman', serif">x</p>`:                                            `<p style="font-family: Georgia, &#39;Times New Roman&#39;, serif">x</p>`,
		`<p style="background-color: rgb(1, 2, 3)">x</p>`:                                                            `<p style="background-color: rgb(1, 2, 3)">x</p>`,
		`<p style="background: url(https://evil.example/x)">x</p>`:                                                   `<p>x</p>`,
		`<p style="color: url(https://evil.example/x)">x</p>`:                                                        `<p>x</p>`,
		`<p style="width: expression(alert(1))">x</p>`:                                                               `<p>x</p>`,
		`<p style="position: fixed; color: red">x</p>`:                                                               `<p style="color: red">x</p>`,
		`<style>@import url(https://evil.example)</style><p>x</p>`:                                                   `<p>x</p>`,
		`<script>alert(1)</script><p onclick="alert(1)">x</p>`:                                                       `<p>x</p>`,
		`<form action="https://evil.example"><input name="q"></form>x`:                                               `x`,
		`<iframe src="https://evil.example"></iframe><object data="x"></object>x`:                                    `x`,
		`<a href="javascript:alert(1)">x</a>`:                                                                        `<a>x</a>`,
		`<a href="java&#x0a;script:alert(1)">x</a>`:                                                                  `<a>x</a>`,
		`<a href="data:text/html,x">x</a>`:                                                                           `<a>x</a>`,
		`<a href="/relative">x</a>`:                                                                                  `<a>x</a>`,
		`<a href="https://a.example/?a=1&amp;b={{id}}">x</a>`:                                                        `<a href="https://a.example/?a=1&amp;b={{id}}">x</a>`,
		`<a href="{{link}}">x</a>`:                                                                                   `<a href="{{link}}">x</a>`,
		`<a href='{{ link }}?x=1'>x</a>`:                                                                             `<a href="{{link}}?x=1">x</a>`,
		`<a href="mailto:a@b.example">x</a>`:                                                                         `<a href="mailto:a@b.example">x</a>`,
		`<img src="https://a.example/x.png" alt="A" width="600" onerror="x">`:                                        `<img src="https://a.example/x.png" alt="A" width="600">`,
		`<img src="http://a.example/x.png">`:                                                                         ``,
		`<img src="data:image/png;base64,AAAA">`:                                                                     ``,
		`<img src="{{picture}}" alt="x">`:                                                                            `<img src="{{picture}}" alt="x">`,
		`<table width="100%" cellpadding="0"><tr><td bgcolor="#fff">x</td></tr></table>`:                             `<table width="100%" cellpadding="0"><tr><td bgcolor="#fff">x</td></tr></table>`,
		`<base href="https://evil.example"><meta http-equiv="refresh" content="0"><link rel="stylesheet" href="x">x`: `x`,
		`<svg onload="alert(1)"><a xlink:href="javascript:alert(1)">x</a></svg>`:                                     `<a>x</a>`,
		`<!--[if mso]><p>x</p><![endif]-->y`:                                                                         `y`,
		`Hello {{title}}`:                                                                                            `Hello {{title}}`,
	} {
		got := Sanitise(source)
		if got != want {
			t.Errorf("%s\n is %s\nwant %s", source, got, want)
		}
		if again := Sanitise(got); again != got {
			t.Errorf("%s becomes %s the second time", got, again)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	template := Template{
		Subject: "{{title}} from {{customer}}", PreviewText: "{{teaser}}",
		HTML: Sanitise(`<h1>{{title}}</h1>{{text}}<p><a href="{{link}}">{{label}}</a> <a href="https://a.example/?q={{label}}">more</a></p>`),
	}
	if got := template.Variables(); !slices.Equal(got, []string{"customer", "label", "link", "teaser", "text", "title"}) {
		t.Errorf("variables %q", got)
	}
	if problems := template.Check(); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
	email := template.Render(Values{
		Title: `<b>"Big" & bold</b>`, Text: "One", TextHTML: "<p>One</p>", Customer: "Blue\r\nBottle",
		Variables: map[string]string{"link": "https://x.example/ab?c=1&d", "label": `"><script>alert(1)</script>`, "teaser": "Now", "title": "another", "unused": "x"},
	})
	if email.Subject != `<b>"Big" & bold</b> from Blue Bottle` || email.PreviewText != "Now" || len(email.Missing) != 0 {
		t.Errorf("%+v", email)
	}
	if want := `<h1>&lt;b&gt;&#34;Big&#34; &amp; bold&lt;/b&gt;</h1><p>One</p><p><a href="https://x.example/ab?c=1&amp;d">&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</a> <a href="https://a.example/?q=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E">more</a></p>`; !strings.HasPrefix(email.HTML, want) {
		t.Errorf("html %s\nwant %s", email.HTML, want)
	}
	if strings.Contains(email.HTML, "<script") {
		t.Errorf("a script in %s", email.HTML)
	}
	if !strings.HasPrefix(email.Text, "<b>\"Big\" & bold</b>\n\nOne\n\n\"><script>alert(1)</script> (https://x.example/ab?c=1&d) more") {
		t.Errorf("text %q", email.Text)
	}
	email = template.Render(Values{Title: "T", Text: "x", TextHTML: "<p>x</p>", Customer: "C", Variables: map[string]string{"link": "javascript:alert(1)", "label": " "}})
	if !slices.Equal(email.Missing, []string{"label", "link", "teaser"}) {
		t.Errorf("missing %q", email.Missing)
	}
	if strings.Contains(email.HTML, "javascript") || !strings.Contains(email.HTML, "{{label}}") {
		t.Errorf("html %s", email.HTML)
	}
	large := Template{HTML: strings.Repeat("{{x}}", 1000)}.Render(Values{Variables: map[string]string{"x": strings.Repeat("x", 1000)}})
	if !large.TooLarge || large.HTML != "" {
		t.Error("an e-mail of a megabyte is made")
	}
	// A value is one, and no template.
	email = Template{HTML: Sanitise(`<a href="{{link}}">x</a>{{link}}`)}.Render(Values{
		Title: "T", Text: "x", TextHTML: "<p>x</p>", Variables: map[string]string{"link": "https://a.example/{{title}}"},
	})
	if want := `<a href="https://a.example/%7B%7Btitle%7D%7D">x</a>https://a.example/{{title}}`; email.HTML != want {
		t.Errorf("html %s\nwant %s", email.HTML, want)
	}
}

// However often a large value stands in a template, no more is written than an e-mail may have.
func TestRenderLarge(t *testing.T) { // alone, since it measures the process's memory
	values := Values{Text: "x", Variables: map[string]string{
		"x": "https://a.example/" + strings.Repeat("x", 1<<20), "blank": strings.Repeat(" ", 1<<20), "edge": strings.Repeat(" ", 1<<20) + "https://a.example/",
	}}
	values.TextHTML = values.Variables["x"]
	for name, template := range map[string]Template{
		"html":         {HTML: strings.Repeat("{{x}}", MaxHTML/5)},
		"addresses":    {HTML: Sanitise(strings.Repeat(`<a href="{{x}}">`, MaxHTML/20))},
		"in addresses": {HTML: `<a href="https://a.example/` + strings.Repeat("{{x}}", MaxHTML/6) + `">x</a>`},
		"text":         {HTML: strings.Repeat("{{text}}", MaxHTML/8)},
		"subject":      {HTML: "x", Subject: strings.Repeat("{{x}}", MaxLine/5)},
		"preview text": {HTML: "x", PreviewText: strings.Repeat("{{x}}", MaxLine/5)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if email := template.Render(values); !email.TooLarge || email.Subject+email.PreviewText+email.HTML+email.Text != "" {
			t.Errorf("%s: an e-mail of %d bytes", name, len(email.Subject+email.PreviewText+email.HTML))
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
			t.Errorf("%s: takes %d bytes of memory", name, used)
		}
	}
	began := time.Now()
	email := Template{HTML: strings.Repeat("{{blank}}", MaxHTML/10)}.Render(values)
	if !slices.Equal(email.Missing, []string{"blank"}) {
		t.Errorf("missing %q", email.Missing)
	}
	email = Template{HTML: Sanitise(strings.Repeat(`<a href="{{edge}}"></a>`, 5000))}.Render(values)
	if email.TooLarge || len(email.Missing) > 0 || !strings.Contains(email.HTML, `<a href="https://a.example/"></a>`) {
		t.Errorf("too large %t, missing %q", email.TooLarge, email.Missing)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a value is looked at each time it stands there: %s", took)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for want, template := range map[string]Template{
		"subject: has {{":      {Subject: "{{a b}}", HTML: "x"},
		"preview_text: has {{": {PreviewText: "}} x", HTML: "x"},
		"html: has {{ or":      {HTML: "{{#if x}}"},
		"subject: must be one": {Subject: "a\nb", HTML: "x"},
		"html: has {{text}}":   {HTML: `<a title="{{ text }}" href="https://a.example">x</a>`},
		"html: has nothing":    {HTML: " "},
		"html: must be at":     {HTML: strings.Repeat("x", MaxHTML+1)},
	} {
		problems := template.Check()
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Part+": "+problems[0].Message, want) {
			t.Errorf("%s: %v", want, problems)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add(`<a href="{{x}}" style="color:{{x}}">{{x}}</a>`, `" onmouseover="alert(1)`)
	f.Add(`<img src='{{x}}'>`, `javascript:alert(1)`)
	f.Add(`<p {{x}}>`, `onclick=alert(1)`)
	f.Fuzz(func(t *testing.T, source, value string) {
		late := time.AfterFunc(5*time.Second, func() { panic(fmt.Sprintf("%q with %q takes for ever", source, value)) })
		email := Template{HTML: Sanitise(source)}.Render(Values{Variables: map[string]string{"x": value}})
		late.Stop()
		lower := strings.ToLower(email.HTML)
		for _, bad := range []string{"<script", "<iframe", "<style", "<form", `href="javascript:`, `href="data:`, "url("} {
			if strings.Contains(lower, bad) && !strings.Contains(strings.ToLower(email.Text), bad) {
				t.Errorf("%q with %q has %s: %s", source, value, bad, email.HTML)
			}
		}
	})
}
