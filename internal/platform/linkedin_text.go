package platform

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// linkedInReserved are the characters that LinkedIn's "little" text format gives a meaning. LinkedIn cuts a text off where one
// of them is not escaped: https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format.
const linkedInReserved = `\|{}@[]()<>#*_~`

// linkedInHashtag is what LinkedIn's own editor makes a link of: a sign and letters or digits.
var linkedInHashtag = regexp.MustCompile(`[#＃][\p{L}\p{N}\p{M}]+`)

// linkedInText makes the commentary of a plain text: everything is escaped, and a hashtag is said to be one.
func linkedInText(text string) string {
	text = lineEnds.Replace(strings.ToValidUTF8(text, "\uFFFD"))
	links := linkPattern.FindAllStringIndex(text, -1)
	var out strings.Builder
	end := 0
	for _, at := range linkedInHashtag.FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		if at[0] > 0 && (unicode.IsLetter(before) || unicode.IsDigit(before) || strings.ContainsRune("_&#＃/", before)) ||
			!strings.ContainsFunc(text[at[0]:at[1]], unicode.IsLetter) || isWithin(links, at[0]) {
			continue
		}
		sign, size := utf8.DecodeRuneInString(text[at[0]:])
		escapeLinkedIn(&out, text[end:at[0]])
		out.WriteString(`{hashtag|\` + string(sign) + `|` + text[at[0]+size:at[1]] + `}`)
		end = at[1]
	}
	escapeLinkedIn(&out, text[end:])
	return out.String()
}

// isWithin tells whether a position is inside one of the spans.
func isWithin(spans [][]int, position int) bool {
	for _, span := range spans {
		if span[0] <= position && position < span[1] {
			return true
		}
	}
	return false
}

func escapeLinkedIn(out *strings.Builder, text string) {
	for _, r := range text {
		if strings.ContainsRune(linkedInReserved, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
}
