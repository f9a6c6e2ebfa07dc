package platform

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

func TestGhostHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "<p></p>",
		" \n\t\n ":              "<p></p>",
		"One":                   "<p>One</p>",
		"One\ntwo\r\nthree":     "<p>One<br>two<br>three</p>",
		"One\n\n\ntwo\n \t\n3":  "<p>One</p><p>two</p><p>3</p>",
		`a < b & "c" <script>`:  "<p>a &lt; b &amp; &#34;c&#34; &lt;script&gt;</p>",
		"See https://a.b/c?d&e": `<p>See <a href="https://a.b/c?d&amp;e">https://a.b/c?d&amp;e</a></p>`,
		"(https://a.b/c).":      `<p>(<a href="https://a.b/c">https://a.b/c</a>).</p>`,
		"https://a.b/c_(d)!":    `<p><a href="https://a.b/c_(d)">https://a.b/c_(d)</a>!</p>`,
		`"http://a.b"`:          `<p>&#34;<a href="http://a.b">http://a.b</a>&#34;</p>`,
		"https://... nothing":   "<p>https://... nothing</p>",
		"javascript:alert(1)":   "<p>javascript:alert(1)</p>",
		"https://a.b<i>":        `<p><a href="https://a.b">https://a.b</a>&lt;i&gt;</p>`,
		"bad \xff utf-8":        "<p>bad \uFFFD utf-8</p>",
	} {
		if got := textHTML(text); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

var writtenTags = regexp.MustCompile(`</?p>|<br>|<a href="https?://[^"<>\s]+">|</a>`)

func FuzzGhostHTML(f *testing.F) {
	for _, text := range []string{"One\n\ntwo", "<script>", `https://a.b/"onclick="x`, "http://a.b/<i>(c)", "a\r\n\r\nb https://x). y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := textHTML(text)
		bare := writtenTags.ReplaceAllString(got, "")
		if strings.ContainsAny(bare, `<>"'`) {
			t.Fatalf("%q became %q", text, got)
		}
		// Apart from white space the reader sees the text, all of it and nothing else.
		words := strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), "")
		if seen := strings.Join(strings.Fields(html.UnescapeString(bare)), ""); seen != words {
			t.Fatalf("%q is seen as %q", words, seen)
		}
	})
}
