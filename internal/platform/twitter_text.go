package platform

import (
	_ "embed" // the lists of top-level domains
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// How X counts a text (https://docs.x.com/fundamentals/counting-characters, twitter-text 3, configuration 3): normalised to
// NFC, a link is 23, an emoji 2, characters of the ranges of lightRunes are 1, all others 2. A weight of 100 is one.
const (
	twitterScale      = 100
	twitterHeavy      = 200
	twitterLinkLength = 23
	twitterMaxLink    = 4096 // UTF-16 units, with the protocol
	twitterMaxShortID = 40   // of a t.co link
	twitterMaxLabel   = 63   // of a domain's label in Punycode
	variantEmoji      = 0xFE0F
	variantText       = 0xFE0E
	skinToneFirst     = 0x1F3FB
	skinToneLast      = 0x1F3FF
	regionalFirst     = 0x1F1E6
	regionalLast      = 0x1F1FF
	blackFlag         = 0x1F3F4
	tagBase           = 0xE0000
	man, woman        = 0x1F468, 0x1F469
	boy, girl         = 0x1F466, 0x1F467
	femaleSign        = 0x2640
	maleSign          = 0x2642
	keycap            = 0x20E3
	heart, kiss       = 0x2764, 0x1F48B
	manyMarks         = 8 // combining marks in a row; package norm leaves 30 as they are
)

// lightRunes weigh one.
var lightRunes = runeRanges{{0, 4351}, {8192, 8205}, {8208, 8223}, {8242, 8247}}

// twitterInvalidRunes are those that X takes in no post.
const twitterInvalidRunes = "\uFFFE\uFEFF\uFFFF"

// twitterLink is a link in a text, in UTF-16 units.
type twitterLink struct {
	start, length int
}

// twitterText is a text as X reads it.
type twitterText struct {
	units []uint16 // in NFC
	links []twitterLink
}

func readTwitterText(text string) twitterText {
	units := utf16.Encode([]rune(normalized(strings.ToValidUTF8(text, "\uFFFD"))))
	return twitterText{units: units, links: twitterLinks(units)}
}

// length is the text's length as X counts it.
func (t twitterText) length() int {
	links := make(map[int]int, len(t.links))
	for _, link := range t.links {
		links[link.start] = link.length
	}
	weight := 0
	emoji := 0 // where the last one found ends
	for i := 0; i < len(t.units); {
		if length, ok := links[i]; ok {
			// An emoji that began before the link's end is not looked at again.
			end := i + length
			for ; i < end; i++ {
				if i >= emoji {
					emoji = max(emoji, i+emojiAt(t.units[i:]))
				}
			}
			weight += twitterLinkLength * twitterScale
			continue
		}
		if i >= emoji {
			if length := emojiAt(t.units[i:]); length > 0 {
				weight += twitterHeavy
				i += length
				emoji = i
				continue
			}
		}
		c, length := unitRune(t.units[i:])
		if lightRunes.has(c) {
			weight += twitterScale
		} else {
			weight += twitterHeavy
		}
		i += length
	}
	return weight / twitterScale
}

// outline is the text with linkMark for each link.
func (t twitterText) outline() string {
	var out []uint16
	end := 0
	for _, link := range t.links {
		if link.start < end {
			continue
		}
		out = append(append(out, t.units[end:link.start]...), utf16.Encode([]rune(linkMark))...)
		end = link.start + link.length
	}
	return string(utf16.Decode(append(out, t.units[end:]...)))
}

// unitRune gives the first character, and how many units it has.
func unitRune(units []uint16) (rune, int) {
	c := rune(units[0])
	if utf16.IsSurrogate(c) && len(units) > 1 {
		if full := utf16.DecodeRune(c, rune(units[1])); full != unicode.ReplacementChar {
			return full, 2
		}
	}
	return c, 1
}

// emojiAt tells how many units the emoji at the beginning has, 0 where there is none.
func emojiAt(units []uint16) int {
	if c := units[0]; c < 0xA9 && c != '#' && c != '*' && (c < '0' || c > '9') {
		return 0
	}
	s := emojiScanner{units: units}
	if s.emoji() {
		return s.at
	}
	return 0
}

type emojiScanner struct {
	units []uint16
	at    int
}

// next gives the next character without passing it; -1 at the end.
func (s *emojiScanner) next() rune {
	if s.at >= len(s.units) {
		return -1
	}
	c, _ := unitRune(s.units[s.at:])
	return c
}

// take passes the characters if they are next, all of them.
func (s *emojiScanner) take(want ...rune) bool {
	began := s.at
	for _, c := range want {
		if s.next() != c {
			s.at = began
			return false
		}
		s.at += utf16.RuneLen(c)
	}
	return true
}

func (s *emojiScanner) takeSkinTone() bool {
	if c := s.next(); c >= skinToneFirst && c <= skinToneLast {
		return s.take(c)
	}
	return false
}

func (s *emojiScanner) emoji() bool {
	c := s.next()
	if s.joined(c) {
		return true
	}
	s.at = 0
	s.take(c)
	switch {
	case c == '#' || c == '*' || (c >= '0' && c <= '9'):
		s.take(variantEmoji)
		return s.take(keycap)
	case c == variantEmoji:
		return true
	case emojiNeedsVariant.has(c):
		return s.take(variantEmoji)
	case emojiTextual.has(c):
		return s.take(variantEmoji) || s.next() != variantText
	case emojiTextualPerson.has(c):
		if !s.take(variantEmoji) && s.next() == variantText {
			return false
		}
		s.takeSkinTone()
		return true
	case emojiPerson.has(c):
		s.takeSkinTone()
		return true
	case c >= regionalFirst && c <= regionalLast:
		if second := s.next(); second >= regionalFirst && second <= regionalLast {
			region := string([]rune{' ', 'A' + c - regionalFirst, 'A' + second - regionalFirst, ' '})
			if strings.Contains(emojiFlags, region) {
				s.take(second)
			}
		}
		return true
	case c == blackFlag:
		for _, nation := range []string{"gbeng", "gbsct", "gbwls"} {
			var tags []rune
			for _, letter := range nation {
				tags = append(tags, tagBase+letter)
			}
			if s.take(append(tags, tagBase+0x7F)...) {
				break
			}
		}
		return true
	default:
		return emojiPlain.has(c)
	}
}

// joined passes emoji that are held together by joiners.
func (s *emojiScanner) joined(c rune) bool {
	gender := func() bool {
		return s.take(zeroWidthJoiner, femaleSign, variantEmoji) || s.take(zeroWidthJoiner, maleSign, variantEmoji)
	}
	s.take(c)
	switch {
	case c == man || c == woman:
		return s.worker() || s.family(c)
	case c == 0x1F3F3: // the rainbow flag
		return s.take(variantEmoji, zeroWidthJoiner, 0x1F308)
	case c == blackFlag: // the pirates'
		return s.take(zeroWidthJoiner, 0x2620, variantEmoji)
	case c == 0x1F441: // the eye in a speech bubble
		return s.take(zeroWidthJoiner, 0x1F5E8)
	case emojiGendered.has(c):
		s.takeSkinTone()
		return gender()
	case emojiGenderedVariant.has(c):
		return (s.takeSkinTone() || s.take(variantEmoji)) && gender()
	case emojiGenderedPlain.has(c):
		return gender()
	default:
		return false
	}
}

// worker passes what makes a man or woman somebody with a profession or a hair.
func (s *emojiScanner) worker() bool {
	began := s.at
	s.takeSkinTone()
	if s.take(zeroWidthJoiner) {
		if c := s.next(); emojiProfession.has(c) {
			s.take(c)
			if c > 0x2708 || s.take(variantEmoji) {
				return true
			}
		}
	}
	s.at = began
	return false
}

// family passes a couple or a family that begins with c.
func (s *emojiScanner) family(c rune) bool {
	began := s.at
	if s.take(zeroWidthJoiner, heart, variantEmoji) {
		s.take(zeroWidthJoiner, kiss)
		if s.take(zeroWidthJoiner, man) || (c == woman && s.take(zeroWidthJoiner, woman)) {
			return true
		}
		s.at = began
		return false
	}
	if !s.take(zeroWidthJoiner, woman) && c == man {
		s.take(zeroWidthJoiner, man)
	}
	switch {
	case s.take(zeroWidthJoiner, girl):
		if !s.take(zeroWidthJoiner, girl) {
			s.take(zeroWidthJoiner, boy)
		}
		return true
	case s.take(zeroWidthJoiner, boy):
		s.take(zeroWidthJoiner, boy)
		return true
	}
	s.at = began
	return false
}

// normalized is the text in NFC. Package norm writes a joiner (U+034F) into long runs of combining marks, which NFC has not: a text
// with such a run is normalised here.
func normalized(text string) string {
	run := 0
	for _, c := range text {
		if !unicode.Is(unicode.M, c) {
			run = 0
		} else if run++; run > manyMarks {
			return normalizedLong(text)
		}
	}
	return norm.NFC.String(text)
}

// normalizedLong is NFC as Unicode Standard Annex 15 describes it.
func normalizedLong(text string) string {
	var all []rune
	for _, c := range text {
		all = append(all, []rune(norm.NFD.String(string(c)))...)
	}
	ccc := func(c rune) uint8 { return norm.NFD.PropertiesString(string(c)).CCC() }
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && ccc(all[j]) != 0 {
			j++
		}
		slices.SortStableFunc(all[i:j], func(a, b rune) int { return int(ccc(a)) - int(ccc(b)) })
		i = j + 1
	}
	var out []rune
	starter, last := -1, uint8(0)
	for _, c := range all {
		class := ccc(c)
		adjacent := starter >= 0 && starter == len(out)-1
		if starter >= 0 && (adjacent || (last != 0 && last < class)) {
			if one := []rune(norm.NFC.String(string(out[starter]) + string(c))); len(one) == 1 {
				out[starter] = one[0]
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, c)
	}
	return string(out)
}

//go:embed twitter_tlds.txt
var twitterTLDs string

// The grammar of links. It is that of twitter-text, written for an engine without lookahead: where a top-level domain must be
// followed by something, that is matched as well, after the end of the link. Matching is by UTF-16 units, and letters match as
// in ECMAScript without its flag u.
type twitterGrammar struct {
	// link has the groups of the constants below.
	link *regexp.Regexp
	// ascii is a domain without foreign letters: the domain, and an empty group after it (one of two).
	ascii *regexp.Regexp
	// short is a link of t.co, with what identifies it as a group.
	short *regexp.Regexp
}

const (
	directional  = `\x{202A}-\x{202E}\x{61C}\x{200E}\x{200F}\x{2066}-\x{2069}`
	noCharacters = `\x{FFFE}\x{FEFF}\x{FFFF}`
	blanks       = `\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}`
	punctuation  = `!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$`
)

var (
	latinAccents = runeRanges{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x24F}, {0x253, 0x254}, {0x256, 0x257}, {0x259, 0x259}, {0x25B, 0x25B}, {0x263, 0x263},
		{0x268, 0x268}, {0x26F, 0x26F}, {0x272, 0x272}, {0x289, 0x289}, {0x28B, 0x28B}, {0x2BB, 0x2BB}, {0x300, 0x36F}, {0x1E00, 0x1EFF},
	}
	cyrillic = runeRanges{{0x400, 0x4FF}}
)

var linkGrammar = sync.OnceValue(func() twitterGrammar {
	generic, country, _ := strings.Cut(twitterTLDs, "\n\n")
	letter := `[^` + punctuation + blanks + noCharacters + directional + `]`
	latin, cyr := latinAccents.folded(), cyrillic.folded()
	tld := `(?:` + foldedWords(generic) + `|` + foldedWords(country) + `)`
	const after = `(?:[^0-9a-zA-Z@+\-]|\z)`
	const punycode = `[xX][nN]--[\-0-9a-zA-Z]+`
	domain := `(?:(?:` + letter + `(?:[_-]|` + letter + `)*)?` + letter + `\.)*(?:(?:` + letter + `(?:-|` + letter + `)*)?` + letter + `\.)`

	general := `[a-zA-Z` + cyr + `0-9!*';:=+,.$/%#\[\]\-\x{2013}_~@|&` + latin + `]`
	parens := `\((?:` + general + `+|(?:` + general + `*\(` + general + `+\)` + general + `*))\)`
	path := `(?:(?:` + general + `*(?:` + parens + general + `*)*[+\-a-zA-Z` + cyr + `0-9=_#/` + latin + `]|(?:` + parens + `))|(?:@` + general + `+/))`
	const query = `\?[a-zA-Z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-zA-Z0-9\-_&=#/]`
	slash := `/` + path + `*`
	// With a port, a path or a query behind it, nothing more need follow the domain.
	tail := `(?::[0-9]+(` + slash + `)?(?:` + query + `)?|(` + slash + `)(?:` + query + `)?|` + query + `)`
	optionalTail := `(?::[0-9]+)?(` + slash + `)?(?:` + query + `)?`
	link := `([hH][tT][tT][pP][sS]?://)?` + domain + `(?:` + tld + `()(?:` + tail + `()|()` + after + `)|` + punycode + `()` + optionalTail + `())`
	before := `[^A-Za-z0-9@\x{FF20}$#\x{FF03}` + noCharacters + `]|[` + directional + `]`
	asciiDomain := `(?:[\-a-zA-Z0-9` + latin + `]+\.)+(?:` + tld + `()` + after + `|` + punycode + `())`
	return twitterGrammar{
		link:  regexp.MustCompile(`(` + before + `|\A)` + `()` + link),
		ascii: regexp.MustCompile(asciiDomain),
		short: regexp.MustCompile(`\A[hH][tT][tT][pP][sS]?://[tT]\.[cC][oO]/([a-zA-Z0-9]+)(?:` + query + `)?`),
	}
})

// Groups of twitterGrammar.link.
const (
	groupBefore = 1 + iota
	groupLink
	groupProtocol
	groupDomainEnd
	groupPathAfterPort
	groupPath
	groupTailEnd
	groupBareEnd
	groupPunycodeEnd
	groupPunycodePath
	groupPunycodeLinkEnd
)

// sameCapitals are the characters of the basic plane by what ECMAScript compares where case does not count, as far as there are
// several: their capital letter, unless that is in ASCII and they are not.
var sameCapitals = sync.OnceValue(func() map[rune][]rune {
	all := map[rune][]rune{}
	for c := rune(0x80); c < 0x10000; c++ {
		if capital := unicode.ToUpper(c); capital != c && capital >= 0x80 && capital < 0x10000 {
			if len(all[capital]) == 0 {
				all[capital] = []rune{capital}
			}
			all[capital] = append(all[capital], c)
		}
	}
	return all
})

// folded writes the ranges as they stand in a class of a regular expression, with whatever has the same capital letters.
func (r runeRanges) folded() string {
	var class strings.Builder
	for _, bounds := range r {
		fmt.Fprintf(&class, `\x{%X}-\x{%X}`, bounds[0], bounds[1])
	}
	for _, same := range sameCapitals() {
		if slices.ContainsFunc(same, r.has) {
			for _, c := range same {
				fmt.Fprintf(&class, `\x{%X}`, c)
			}
		}
	}
	return class.String()
}

// foldedWords is an alternation of the words, in which a longer one comes before its own beginning.
func foldedWords(list string) string {
	words := strings.Fields(list)
	slices.SortFunc(words, func(a, b string) int { return strings.Compare(b, a) })
	for i, word := range words {
		var pattern strings.Builder
		for _, c := range word {
			switch {
			case c >= 0x80:
				same := []rune{c}
				if more := sameCapitals()[unicode.ToUpper(c)]; len(more) > 0 {
					same = more
				}
				pattern.WriteString(`[` + string(same) + `]`)
			case unicode.IsLetter(c):
				fmt.Fprintf(&pattern, `[%c%c]`, c, unicode.ToUpper(c))
			default:
				pattern.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		words[i] = pattern.String()
	}
	return strings.Join(words, `|`)
}

// unitReader gives UTF-16 units to package regexp as if each were a character.
type unitReader struct {
	units []uint16
}

// ReadRune is io.RuneReader's; every size is 1.
func (r *unitReader) ReadRune() (rune, int, error) {
	if len(r.units) == 0 {
		return 0, 0, io.EOF
	}
	c := rune(r.units[0])
	r.units = r.units[1:]
	return c, 1, nil
}

// twitterLinks finds the links in a text.
func twitterLinks(units []uint16) []twitterLink {
	if !slices.Contains(units, '.') {
		return nil
	}
	grammar := linkGrammar()
	var links []twitterLink
	for at := 0; at < len(units); {
		rest, offset := units, 0
		if at > 0 {
			// No link begins here, where another has ended, unless something stands before it.
			rest, offset = append([]uint16{'@'}, units[at:]...), at-1
		}
		m := grammar.link.FindReaderSubmatchIndex(&unitReader{rest})
		if m == nil {
			break
		}
		group := func(n int) (start, end int) { return offset + m[2*n], offset + m[2*n+1] }
		end := func(groups ...int) (end int) {
			for _, n := range groups {
				if m[2*n] >= 0 {
					_, end = group(n)
				}
			}
			return end
		}
		start, _ := group(groupLink)
		found := foundLink{start: start, end: end(groupTailEnd, groupBareEnd, groupPunycodeLinkEnd), domainStart: start}
		if m[2*groupProtocol] >= 0 {
			_, found.domainStart = group(groupProtocol)
		}
		found.domainEnd = end(groupDomainEnd, groupPunycodeEnd)
		found.hasPath = m[2*groupPathAfterPort] >= 0 || m[2*groupPath] >= 0 || m[2*groupPunycodePath] >= 0
		if first, last := group(groupBefore); last > first {
			found.before = units[last-1]
		}
		links = append(links, found.links(grammar, units)...)
		at = found.end
	}
	return links
}

// foundLink is what the grammar takes for a link, before its domain is looked at.
type foundLink struct {
	start, end, domainStart, domainEnd int
	hasPath                            bool
	before                             uint16 // 0 at the beginning of the text
}

// links are those that X makes of it.
func (f foundLink) links(grammar twitterGrammar, units []uint16) []twitterLink {
	domain := units[f.domainStart:f.domainEnd]
	protocol := f.domainStart - f.start
	length := f.end - f.start
	if protocol == 0 {
		length += len("https://")
	} else {
		length += protocol
	}
	if length > twitterMaxLink || !validLabels(grammar, domain) {
		return nil
	}
	if protocol > 0 {
		short := grammar.short.FindReaderSubmatchIndex(&unitReader{units[f.start:f.end]})
		switch {
		case short == nil:
			return []twitterLink{{f.start, f.end - f.start}}
		case short[3]-short[2] > twitterMaxShortID:
			return nil
		default:
			return []twitterLink{{f.start, short[1]}}
		}
	}
	switch f.before {
	case '-', '_', '.', '/':
		return nil
	}
	var links []twitterLink
	for _, found := range asciiDomains(grammar, domain) {
		links = append(links, twitterLink{f.domainStart + found[0], found[1] - found[0]})
	}
	if len(links) > 0 && f.hasPath {
		// What follows the domain belongs to the last of them, whatever is between the two.
		links[len(links)-1].length += f.end - f.domainEnd
	}
	return links
}

// asciiDomains finds the domains without foreign letters, as their beginnings and ends.
func asciiDomains(grammar twitterGrammar, domain []uint16) [][2]int {
	var found [][2]int
	last := 0
	for at := 0; at < len(domain); {
		m := grammar.ascii.FindReaderSubmatchIndex(&unitReader{domain[at:]})
		if m == nil {
			break
		}
		name := domain[at+m[0] : at+max(m[3], m[5])]
		// X looks for where the same text stands first.
		for !slices.Equal(domain[last:last+len(name)], name) {
			last++
		}
		found = append(found, [2]int{last, last + len(name)})
		last += len(name)
		at += m[0] + len(name)
	}
	return found
}

// validLabels tells whether the labels of a domain have a length that a name server takes.
func validLabels(grammar twitterGrammar, domain []uint16) bool {
	if slices.Equal(domain[:min(4, len(domain))], []uint16{'x', 'n', '-', '-'}) && len(asciiDomains(grammar, domain)) == 0 {
		return false
	}
	for begin := 0; begin <= len(domain); {
		end := begin
		for end < len(domain) && domain[end] != '.' {
			end++
		}
		if length := punycodeLength(domain[begin:end]); length < 1 || length > twitterMaxLabel {
			return false
		}
		begin = end + 1
	}
	return true
}

// punycodeLength is how long a label is as a name server sees it (RFC 3492), 0 for none. Full stops of other scripts divide it.
func punycodeLength(units []uint16) int {
	var all []rune
	for i := 0; i < len(units); {
		c, length := unitRune(units[i:])
		switch c {
		case 0x3002, 0xFF0E, 0xFF61:
			c = '.'
		}
		all = append(all, c)
		i += length
	}
	total := 0
	for begin := 0; begin <= len(all); {
		end := begin
		for end < len(all) && all[end] != '.' {
			end++
		}
		total += labelLength(all[begin:end])
		if end < len(all) {
			total++
		}
		begin = end + 1
	}
	return total
}

// labelLength is punycodeLength without full stops.
func labelLength(label []rune) int {
	basic := 0
	for _, c := range label {
		if c < 0x80 {
			basic++
		}
	}
	switch {
	case basic == len(label):
		return basic
	case len(label) > twitterMaxLabel:
		return len(label) // too long in any case: no character becomes shorter
	}
	const base, tMin, tMax, skew, damp = 36, 1, 26, 38, 700
	length := len("xn--") + basic
	if basic > 0 {
		length++
	}
	n, delta, bias := rune(0x80), 0, 72
	for handled := basic; handled < len(label); {
		next := rune(unicode.MaxRune)
		for _, c := range label {
			if c >= n && c < next {
				next = c
			}
		}
		delta += int(next-n) * (handled + 1)
		n = next
		for _, c := range label {
			if c < n {
				delta++
			}
			if c != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				length++
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				q = (q - t) / (base - t)
			}
			// The bias is adapted to what was written.
			if handled == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			delta += delta / (handled + 1)
			k := 0
			for ; delta > (base-tMin)*tMax/2; k += base {
				delta /= base - tMin
			}
			bias = k + (base-tMin+1)*delta/(delta+skew)
			delta = 0
			handled++
		}
		delta++
		n++
	}
	return length
}
