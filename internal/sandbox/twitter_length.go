package sandbox

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

var (
	linkCandidate = regexp.MustCompile(`(?i)(?:https?://)?[\p{L}\p{N}][\p{L}\p{N}_.-]*\.[\p{L}][\p{L}\p{N}-]*(?::\d+)?(?:[/?][^\s"<>]*)?`)
	withProtocol  = regexp.MustCompile(`(?i)^https?://`)
)

// findLinks finds what X makes links of, as beginnings and ends in bytes. It knows the plain forms only: an address with http://
// or https://, and a domain of a registry by itself.
func findLinks(text string) [][2]int {
	var found [][2]int
	for _, at := range linkCandidate.FindAllStringIndex(text, -1) {
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?'*~)")
		if open := strings.Count(link, "(") - strings.Count(link, ")"); open > 0 && strings.HasPrefix(text[at[0]+len(link):], strings.Repeat(")", open)) {
			link += strings.Repeat(")", open)
		}
		before := strings.LastIndexAny(text[:at[0]], "@#$")
		if before >= 0 && before == at[0]-1 {
			continue
		}
		host := withProtocol.ReplaceAllString(link, "")
		host, _, _ = strings.Cut(host, "/")
		host, _, _ = strings.Cut(host, "?")
		host, _, _ = strings.Cut(host, ":")
		suffix, registered := publicsuffix.PublicSuffix(strings.ToLower(host))
		if !registered && !strings.Contains(suffix, ".") || suffix == strings.ToLower(host) && !strings.Contains(host, ".") {
			continue
		}
		found = append(found, [2]int{at[0], at[0] + len(link)})
	}
	return found
}

// plainLength is how X counts a text, in a simple way of its own: 23 for a link, 2 for an emoji with all that is joined to it, 1
// for letters up to Georgian and for spaces and dashes, 2 for the rest.
func plainLength(text string, links [][2]int) int {
	length, end := 0, 0
	for _, at := range links {
		length += charactersLength(text[end:at[0]]) + 23
		end = at[1]
	}
	return length + charactersLength(text[end:])
}

func charactersLength(text string) int {
	length, joined, flag := 0, false, false
	var previous rune
	for _, c := range text {
		regional := c >= 0x1F1E6 && c <= 0x1F1FF
		switch {
		case pictograph(previous) && (c == 0xFE0F || c == 0x200D || c >= 0x1F3FB && c <= 0x1F3FF || c >= 0xE0020 && c <= 0xE007F),
			joined && pictograph(c), flag && regional:
			// It belongs to the one before.
			joined, flag = c == 0x200D, false
			if c == 0x200D || c == 0xFE0F || c >= 0xE0020 && c <= 0xE007F {
				continue // what is before it goes on
			}
		case c < 0x1100, c >= 0x2000 && c <= 0x200D, c >= 0x2010 && c <= 0x201F, c >= 0x2032 && c <= 0x2037:
			length, joined, flag = length+1, false, false
		default:
			length, joined, flag = length+2, false, regional
		}
		previous = c
	}
	return length
}

// pictograph tells whether a character is drawn as a picture.
func pictograph(c rune) bool {
	return c >= 0x1F000 && c <= 0x1FAFF || c >= 0x2600 && c <= 0x27BF && unicode.Is(unicode.So, c)
}
