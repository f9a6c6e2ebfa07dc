package workspace

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// badPaths are paths that nothing takes.
var badPaths = map[string]string{
	"empty":              "",
	"the top":            ".",
	"above":              "..",
	"above below":        "a/../b",
	"here":               "a/./b",
	"absolute":           "/etc/passwd",
	"empty component":    "a//b",
	"slash at the end":   "a/",
	"NUL":                "a\x00b",
	"line break":         "a\nb",
	"C1":                 "a\u0085b",
	"DEL":                "a\x7f",
	"backslash":          `..\a`,
	"bidi":               "invoice\u202efdp.exe",
	"line separator":     "a\u2028b",
	"invalid UTF-8":      "a\xff",
	"surrogate":          "\xed\xa0\x80",
	"long name":          strings.Repeat("a", 256),
	"10,000 bytes":       strings.Repeat("a", 10_000),
	"long path":          strings.Repeat(strings.Repeat("a", 200)+"/", 5) + strings.Repeat("a", 20),
	"deep path":          strings.Repeat("a/", 32) + "a",
	"reserved":           ".fanfare",
	"below reserved":     ".fanfare/x",
	"reserved, case":     ".FanFare/x",
	"reserved, unseen":   ".fan\u200cfare",
	"reserved, FE0F":     ".fanfare\ufe0f",
	"reserved, dot":      ".fanfare.",
	"reserved, space":    ".fanfare ",
	"reserved, soft":     "\u00ad.fanfare",
	"many above":         strings.Repeat("../", 100) + "etc/passwd",
	"above at the end":   "a/..",
	"drive, backslash":   `C:\Windows`,
	"only a slash":       "/",
	"only slashes":       "////",
	"carriage return":    "a\rb",
	"escape sequence":    "a\x1b[2Jb",
	"isolate":            "a\u2066b",
	"arabic letter mark": "a\u061cb",
}

// goodPaths are paths that are taken as they are.
var goodPaths = []string{
	"a", "a/b", "...", "..a", "a..", "a.", "a ", " a", "~", "-rf", "*", "a:b", "Überraschung/Käse.md", "日本語", "👩‍👩‍👧.png",
	"a/.fanfare", ".fanfares", "fanfare", ".git/HEAD", "C:", "NUL", "%2e%2e", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt", "a\u00adb", "\ufffd",
	strings.Repeat("a", 255), strings.Repeat("a/", 31) + "a",
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	for name, path := range badPaths {
		clean, err := CheckPath(path)
		expectPath(t, name, err)
		if clean != "" {
			t.Errorf("%s: %q is returned", name, clean)
		}
		if err != nil && len(path) > 1 && strings.Contains(err.Error(), path) && path != ".fanfare" && path != ".." {
			t.Errorf("%s: the error repeats the path: %v", name, err)
		}
	}
	for _, path := range goodPaths {
		if clean, err := CheckPath(path); err != nil || clean != path {
			t.Errorf("%q: %q, %v", path, clean, err)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a b.md": "a b.md", "a\xffb": `a\xffb`, "a\nb": `a\u{a}b`, `a\b`: `a\\b`, `a\xff`: `a\\xff`, "\u202e": `\u{202e}`, "\ufffd": "\ufffd",
	} {
		if got := printable(name); got != want {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.SampledFrom([]byte("a\\xf{}u\xff\xc3\xa9\n2e")), 1, 6)
		a, b := string(bytes.Draw(t, "a")), string(bytes.Draw(t, "b"))
		shownA, shownB := printable(a), printable(b)
		if a != b && shownA == shownB {
			t.Fatalf("%q and %q are both shown as %q", a, b, shownA)
		}
		if _, err := CheckPath(shownA); err == nil && shownA != a {
			t.Fatalf("%q is shown as the path %q", a, shownA)
		}
		if !utf8.ValidString(shownA) || strings.ContainsFunc(strings.ReplaceAll(shownA, `\`, ""), unprintable) {
			t.Fatalf("%q is shown as %q", a, shownA)
		}
	})
}

func TestComparePaths(t *testing.T) {
	t.Parallel()
	order := []string{"a", "a/b", "a/b/c", "a/c", "a-b", "a-b/a", "b"}
	for i, a := range order {
		for j, b := range order {
			if got := ComparePaths(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("ComparePaths(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, path := range badPaths {
		f.Add(path)
	}
	for _, path := range goodPaths {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		clean, err := CheckPath(path)
		if err != nil {
			if _, ok := errors.AsType[*PathError](err); !ok || clean != "" {
				t.Fatalf("%q: %q, %v", path, clean, err)
			}
			return
		}
		if clean != path || len(path) > 1024 || !utf8.ValidString(path) || printable(path) != path {
			t.Fatalf("%q is taken", path)
		}
		names := strings.Split(path, "/")
		if len(names) > 32 || strings.EqualFold(strings.TrimRight(names[0], ". "), ".fanfare") {
			t.Fatalf("%q is taken", path)
		}
		for _, name := range names {
			if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "\x00\r\n\\") {
				t.Fatalf("%q is taken", path)
			}
		}
	})
}
