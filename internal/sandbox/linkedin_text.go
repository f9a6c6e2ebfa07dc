package sandbox

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// linkedinReserved are the characters that mean something in LinkedIn's "little" text format
// (https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format). LinkedIn has been seen
// to cut a text off without a word where one of them stands unescaped; here such a text is refused.
const linkedinReserved = `\|{}@[]()<>#*_~`

var (
	linkedinMention  = regexp.MustCompile(`^@\[((?:\\.|[^\\\[\]])+)\]\(urn:li:(?:person|organization):[A-Za-z0-9_-]+\)`)
	linkedinTemplate = regexp.MustCompile(`^\{hashtag\|\\?([#＃])\|([\p{L}\p{N}\p{M}]+)\}`)
	linkedinHashtag  = regexp.MustCompile(`^[#＃]([\p{L}\p{N}\p{M}]+)`)
)

// linkedinPlain gives the text that readers see of a commentary.
func linkedinPlain(commentary string) (string, error) {
	var plain strings.Builder
	for rest := commentary; rest != ""; {
		if found := linkedinMention.FindStringSubmatch(rest); found != nil {
			plain.WriteString("@" + linkedinUnescaped(found[1]))
			rest = rest[len(found[0]):]
			continue
		}
		if found := linkedinTemplate.FindStringSubmatch(rest); found != nil {
			plain.WriteString(found[1] + found[2])
			rest = rest[len(found[0]):]
			continue
		}
		if found := linkedinHashtag.FindString(rest); found != "" {
			plain.WriteString(found)
			rest = rest[len(found):]
			continue
		}
		switch first := rest[0]; {
		case first == '\\' && len(rest) > 1 && strings.IndexByte(linkedinReserved, rest[1]) >= 0:
			plain.WriteByte(rest[1])
			rest = rest[2:]
		case strings.IndexByte(linkedinReserved, first) >= 0:
			return "", fmt.Errorf("the reserved character %q at byte %d is not escaped", first, len(commentary)-len(rest))
		default:
			plain.WriteByte(first)
			rest = rest[1:]
		}
	}
	return plain.String(), nil
}

var linkedinEscape = regexp.MustCompile(`\\(.)`)

func linkedinUnescaped(text string) string { return linkedinEscape.ReplaceAllString(text, "$1") }

// linkedinLength is a text's length as LinkedIn's servers, which are written in Java, count it.
func linkedinLength(text string) int { return len(utf16.Encode([]rune(text))) }
