package chat_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"fanfare/internal/chat"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	one := func(rune) int { return 1 }
	for _, c := range []struct {
		text  string
		limit int
		size  func(rune) int
		want  []string
	}{
		{"", 5, one, []string{}},
		{" \n ", 5, one, []string{}},
		{"short", 5, one, []string{"short"}},
		{"a paragraph\n\nanother one", 14, one, []string{"a paragraph", "another one"}},
		{"two words here", 9, one, []string{"two words", "here"}},
		{"abcdefghij", 4, one, []string{"abcd", "efgh", "ij"}},
		{"😀😀😀", 4, utf16.RuneLen, []string{"😀😀", "😀"}},
		{"😀😀", 1, utf16.RuneLen, []string{"😀", "😀"}},
		{"0123456789", 10, one, []string{"0123456789"}},
		{"0123456789a", 10, one, []string{"0123456789", "a"}},
		{"0123456789\n\n", 10, one, []string{"0123456789"}},
		{"one two three four", 10, one, []string{"one two", "three four"}},
		{"a\n\nbcdefgh ij", 10, one, []string{"a\n\nbcdefgh", "ij"}},
		{"line one\nnext", 10, one, []string{"line one", "next"}},
		{strings.Repeat(" ", 12) + "a", 10, one, []string{"a"}},
		{"12345678e\u0301\u0301f", 10, one, []string{"12345678", "e\u0301\u0301f"}},
		{"1234567👩\u200D👩", 10, utf16.RuneLen, []string{"1234567", "👩\u200D👩"}},
	} {
		if got := chat.Split(c.text, c.limit, c.size); !slices.Equal(got, c.want) {
			t.Errorf("%q by %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
	for text, want := range map[string]string{"": "", "ten chars.": "ten chars.", "eleven char": "eleven ch…", "é é é é é é é": "é é é é é…"} {
		if got := chat.Shorten(text, 10, one); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("Some text\n\nwith 😀 and more of it.", 7)
	f.Add("\xff\xfe", 1)
	f.Add("😀e\u0301\u200D\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 2 || limit > 10_000 || !utf8.ValidString(text) {
			return
		}
		visible := func(text string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, text)
		}
		pieces := chat.Split(text, limit, utf16.RuneLen)
		for _, piece := range pieces {
			if length := len(utf16.Encode([]rune(piece))); length > limit || length == 0 {
				t.Errorf("%q is %d long", piece, length)
			}
		}
		if got := visible(strings.Join(pieces, "")); got != visible(text) {
			t.Errorf("%q became %q", text, pieces)
		}
		if short := chat.Shorten(text, limit, utf16.RuneLen); len(utf16.Encode([]rune(short))) > limit {
			t.Errorf("%q is longer than %d", short, limit)
		}
	})
}
