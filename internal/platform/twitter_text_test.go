package platform_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"fanfare/internal/platform"
)

// weighted is a text's length on X, and whether X takes it.
func weighted(text string) (length int, valid bool) {
	report := platform.Check(platform.Twitter, platform.Post{Text: text})
	return report.Length, len(report.Violations) == 0
}

// TestWeightedLength has a case for each rule, worked out by hand. FANFARE_TWITTER_TEXT_CONFORMANCE names a file with the
// conformance cases of twitter-text (conformance/validate.yml of its repository), which are tried as well.
func TestWeightedLength(t *testing.T) {
	t.Parallel()
	const joiner = "\u200d"
	family := strings.Join([]string{"👩", "👩", "👧", "👦"}, joiner)
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"nothing", "", 0},
		{"letters", "Good morning", 12},
		{"a letter and its accent are one", "cafe\u0301", 4},
		{"the last light character", "\u10ff", 1},
		{"the first heavy one", "\u1100", 2},
		{"spaces of typography", "\u2000\u200d", 2},
		{"the hyphen between the ranges", "\u200e\u200f", 4},
		{"dashes and quotes", "\u2014\u2018\u201f", 3},
		{"a bullet is heavy", "\u2022", 2},
		{"primes", "\u2032\u2037", 2},
		{"Chinese", "早上好", 6},
		{"Korean in parts is one syllable", "\u1112\u1161\u11ab", 2},
		{"more than thirty marks", "a" + strings.Repeat("\u0316\u0300", 20), 40},
		{"a link is 23", "https://a.de", 23},
		{"a long one too", "https://example.org/" + strings.Repeat("a", 200), 23},
		{"without protocol", "see example.org now", 4 + 23 + 4},
		{"capital letters", "HTTPS://EXAMPLE.ORG", 23},
		{"with port, path and query", "http://example.org:8080/a/b?c=d&e=f", 23},
		{"a query of a bare domain", "example.org?a=b", 23 + 4},
		{"a full stop after a link", "Go to example.org.", 6 + 23 + 1},
		{"brackets around it", "(https://example.org/a)", 25},
		{"brackets in it", "https://example.org/a_(b)", 23},
		{"not after an at sign", "me@example.org", 14},
		{"not after a hash", "#example.org", 12},
		{"after Chinese", "看https://example.org吧", 2 + 23 + 2},
		{"no such domain", "file.txt and v1.2.3", 19},
		{"a domain of a country", "bbc.co.uk", 23},
		{"in another script", "http://example.рф", 23},
		{"in another script, without protocol", "пример.рф", 9},
		{"Punycode", "xn--e1afmkfd.xn--p1ai", 23},
		{"an underscore below the domain", "http://my_shop.example.org", 23},
		{"an underscore in the domain", "http://my_shop.org", 18},
		{"t.co ends after its letters", "https://t.co/abc123/x", 23 + 2},
		{"t.co with too many letters", "https://t.co/" + strings.Repeat("a", 41), 54},
		{"a label that is too long", "http://" + strings.Repeat("a", 64) + ".org", 75},
		{"two links", "example.org example.com", 47},
		{"an emoji", "🎉", 2},
		{"a family", family, 2},
		{"a skin tone", "👍🏿", 2},
		{"a profession with a skin tone", "👩🏽" + joiner + "🚒", 2},
		{"a flag", "🇩🇪", 2},
		{"two letters that are no flag", "🇦🇦", 4},
		{"a flag of tags", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 2},
		{"a keycap", "1\ufe0f\u20e3", 2},
		{"a heart as an emoji", "❤\ufe0f", 2},
		{"a heart as text", "❤\ufe0e", 4},
		{"a copyright sign", "©", 1},
		{"a copyright sign as an emoji", "©\ufe0f", 2},
		{"newer than the rules", "🥲" + joiner + "🥲", 5},
		{"an emoji before a link", "🎉example.org", 25},
	} {
		if got, _ := weighted(c.text); got != c.want {
			t.Errorf("%s: %d, want %d: %q", c.name, got, c.want, c.text)
		}
	}
	for text, want := range map[string]bool{
		strings.Repeat("a", 280): true, strings.Repeat("a", 281): false, strings.Repeat("早", 140): true,
		strings.Repeat("早", 140) + "a": false, "a\ufeffb": false, "a\ufffeb": false, "a\uffffb": false, "\u202aright\u202c": true,
	} {
		if _, got := weighted(text); got != want {
			t.Errorf("valid %t, want %t: %q", got, want, text)
		}
	}
	if file := os.Getenv("FANFARE_TWITTER_TEXT_CONFORMANCE"); file != "" {
		conformance(t, file)
	}
}

// conformance tries the cases of twitter-text that are for the present way of counting. The first section is for the one before
// it, without emoji sequences: where a later section has the same text, that counts.
func conformance(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type expected struct {
		WeightedLength int  `yaml:"weightedLength"`
		Valid          bool `yaml:"valid"`
	}
	var all struct {
		Tests map[string]yaml.Node `yaml:"tests"`
	}
	if err := yaml.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	want, cases := map[string]expected{}, 0
	for _, section := range []string{"WeightedTweetsCounterTest", "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"} {
		node := all.Tests[section]
		var list []struct {
			Text     string   `yaml:"text"`
			Expected expected `yaml:"expected"`
		}
		if err := node.Decode(&list); err != nil || len(list) == 0 {
			t.Fatalf("%s: %d cases, %v", section, len(list), err)
		}
		cases += len(list)
		for _, c := range list {
			want[c.Text] = c.Expected
		}
	}
	wrong := 0
	for text, e := range want {
		if length, valid := weighted(text); length != e.WeightedLength || valid != e.Valid {
			wrong++
			t.Errorf("%d %t, want %d %t: %q", length, valid, e.WeightedLength, e.Valid, text)
		}
	}
	t.Logf("%d conformance cases with %d different texts, %d wrong", cases, len(want), wrong)
}

// twitterText is twitter-text itself, run by Node.
type twitterText struct {
	in  *json.Encoder
	out *bufio.Scanner
}

// startTwitterText starts it, installed as the lock file has it. Nil where this machine has no Node, or cannot get the package.
func startTwitterText(t *testing.T) *twitterText {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("nothing is compared: there is no Node")
		return nil
	}
	folder, err := filepath.Abs("testdata/twitter-text")
	if err != nil {
		t.Fatal(err)
	}
	place := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(place, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = place
	if said, err := install.CombinedOutput(); err != nil {
		t.Logf("nothing is compared: twitter-text cannot be installed: %v\n%s", err, said)
		return nil
	}
	run := exec.CommandContext(t.Context(), node, filepath.Join(folder, "length.js"), place)
	run.Stderr = os.Stderr
	stdin, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = run.Wait()
	})
	return &twitterText{in: json.NewEncoder(stdin), out: bufio.NewScanner(stdout)}
}

func (o *twitterText) weighted(text string) (length int, valid, known bool, err error) {
	if err := o.in.Encode(text); err != nil {
		return 0, false, false, err
	}
	if !o.out.Scan() {
		return 0, false, false, fmt.Errorf("no answer: %w", o.out.Err())
	}
	_, err = fmt.Sscan(o.out.Text(), &length, &valid, &known)
	return length, valid, known, err
}

// TestWeightedLengthAgainstTwitterText compares generated texts with twitter-text 3.1.0. -rapid.checks sets how many.
func TestWeightedLengthAgainstTwitterText(t *testing.T) {
	t.Parallel()
	original := startTwitterText(t)
	if original == nil {
		return
	}
	pieces := []string{
		"a", "Z", "0", "9", "-", "_", ".", ".", ".", "/", "?", "#", "@", "$", ":", "&", "=", "(", ")", "!", "'", "\"", ",", ";", "%", "~", "|", "*", "+", "[", "]", "`", "<",
		" ", "\n", "\u00a0", "\u3000", "\u2028", "http://", "https://", "HTTP://", "hTTps://", "ftp://", "://", "www.", "t.co/", "https://t.co/", "xn--", "xn--p1ai",
		"com", "COM", "co", "org", "de", "uk", "co.uk", "museum", "рф", "한국", "中国", "中文网", "ελ", "ΕΛ", "გე", "გე", "vermögensberatung", "VERMÖGENSBERATUNG", "onion", "dev", "txt",
		"example.com", "example.org/", "a.b.c.de", "foo_bar.com", "foo-.com", "-foo.com", "日本.com", "日本a.com", "é.com", "ñandú.org", "пример.рф", "☺.com", "😀.com", "/path", "/a_(b)", "/(a(b)c)", "/@x/", ":80", "?q=1", "?", "#x",
		"é", "e\u0301", "ß", "ſ", "K", "Å", "ÿ", "Ÿ", "ı", "İ", "ι", "\u0345", "ϵ", "ö", "Ö", "ø", "\u0300", "\u0316", "\u05b0", "\u0344", "\u1e9e", "ȿ", "Ȿ", "ᲀ", "в",
		"\u1100", "\u1161", "\u11a8", "한", "漢", "の", "\u10ff", "\u2000", "\u200b", "\u200d", "\u200e", "\u2010", "\u2013", "\u2022", "\u2032", "\u2038", "\u3002", "\uff0e", "\uff20", "\uff03", "\u202a", "\u2066", "\u061c", "\ufeff", "\ufffe", "\uffff", "\ufb2c", "\u0958", "\u09c7\u09be",
		"\ufe0f", "\ufe0e", "\u20e3", "1\u20e3", "*\ufe0f\u20e3", "©", "®", "™", "♟", "☺", "❤", "♀", "♂", "⚕", "✈", "⛹", "☝", "✊", "🏋", "🕵", "🖐", "👍", "👮", "👯", "🤼", "🧞", "🧟", "👨", "👩", "👦", "👧", "💋", "🌈", "🏳", "🏴", "☠", "👁", "🗨", "🍳", "🦰", "🦸", "🏽", "🏻",
		"🇩", "🇪", "🇦", "🇺", "🇸", "\U000e0067", "\U000e0062", "\U000e0065", "\U000e006e", "\U000e007f", "🥲", "🧑", "😀", "🐱", "\ue50a", "🀄", "🃏", "🈁", "🅰", "\U0001fae0",
		"👨\u200d❤\ufe0f\u200d💋\u200d👨", "👩\u200d❤\ufe0f\u200d👩", "👨\u200d👩\u200d👧\u200d👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏳\ufe0f\u200d🌈", "👩🏽\u200d⚕\ufe0f", "🏋🏽\u200d♀\ufe0f",
		strings.Repeat("a", 62), strings.Repeat("あ", 28), strings.Repeat("é", 30), strings.Repeat("\u0300\u0316", 12), strings.Repeat("a", 41),
	}
	for tld := range strings.FieldsSeq(tlds(t)) {
		if n := len(pieces); n < 400 && len(tld)%3 == 0 {
			pieces = append(pieces, "."+tld)
		}
	}
	text := rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 24), func(all []string) string { return strings.Join(all, "") }),
		rapid.Map(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(1, 3, -1)), 0, 12), func(all []string) string { return strings.Join(all, "") }),
	)
	count := 0
	compare := func(t interface{ Fatalf(string, ...any) }, text string) {
		text = strings.ToValidUTF8(text, "")
		length, valid := weighted(text)
		wantLength, wantValid, known, err := original.weighted(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !known || strings.ContainsFunc(text, unassigned) {
			return // how newer characters are composed, and which letters are the same, depends on the version of Unicode
		}
		count++
		if blank := strings.TrimSpace(text) == ""; length != wantLength || (valid != wantValid && !blank) {
			t.Fatalf("%d %t, twitter-text has %d %t: %+q", length, valid, wantLength, wantValid, text)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		compare(r, text.Draw(r, "text"))
	})
	// Every top-level domain, and every character by itself and in the places where it matters.
	for tld := range strings.FieldsSeq(tlds(t)) {
		for _, form := range []string{"a.%s", "a.%s/b", "http://a.%s", "a.%sx", "a.%s-", "a.%s漢", "A.B%s", "a.%s.%[1]s"} {
			compare(t, fmt.Sprintf(form, tld))
			compare(t, fmt.Sprintf(form, strings.ToUpper(tld)))
		}
	}
	for c := rune(1); c < 0x20000; c++ {
		if c >= 0xd800 && c < 0xe000 || (testing.Short() && c > 0x3000 && c < 0xf900) {
			continue
		}
		s := string(c)
		compare(t, s+s+"\ufe0f"+s+"\ufe0e"+s+"🏽"+s+"\u200d♀\ufe0f"+s+"🏽\u200d♂\ufe0f"+s+"\ufe0f\u200d♂\ufe0f"+"👩\u200d"+s+"\ufe0f")
		compare(t, "http://a"+s+"b.com/c"+s+" "+s+"a.com"+s+" http://a.com/"+s+"d a.com?"+s+"e")
	}
	t.Logf("%d texts compared", count)
}

// FuzzTwitterLength: whatever the text, a length is found, it is that of the text's normal form, and a space keeps texts apart.
func FuzzTwitterLength(f *testing.F) {
	for _, seed := range []string{"", "a", "http://example.org/(a(b))", "x.co?a", "xn--.xn--p1ai", "👨\u200d👩\u200d👧", "1\ufe0f\u20e3", "a\u0300\u0316", "\xff.com", "日本.com/a", "\u1100\u1161", "..com/", "t.co/" + strings.Repeat("a", 41)} {
		f.Add(seed, "and example.com")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		first, _ := weighted(a)
		second, _ := weighted(b)
		both, _ := weighted(a + " " + b)
		if both != first+1+second {
			t.Errorf("%d, %d, together %d: %+q %+q", first, second, both, a, b)
		}
		if length, _ := weighted(norm.NFC.String(a)); strings.IndexFunc(a, func(c rune) bool { return unicode.Is(unicode.M, c) }) < 0 && length != first {
			t.Errorf("%d, normalised %d: %+q", first, length, a)
		}
		if first < 0 || first > 2*len([]rune(a))+22*strings.Count(a, ".") {
			t.Errorf("%d: %+q", first, a)
		}
	})
}

// unassigned tells whether a character is newer than the Unicode of this Go.
func unassigned(c rune) bool {
	return !unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf, unicode.Co) && c != 0xfffe && c != 0xffff
}

func tlds(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("twitter_tlds.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
