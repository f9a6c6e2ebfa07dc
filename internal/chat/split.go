package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Split cuts text into pieces of at most limit, measured by size for each character, and where it can at the end of a
// paragraph, a line or a word. White space at a cut is dropped; what is blank has no piece. Joined, the pieces hold every
// other character of the text.
func Split(text string, limit int, size func(rune) int) []string {
	pieces := []string{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		end := fits(text, limit, size)
		if end < len(text) {
			end = cut(text, end)
		}
		pieces = append(pieces, strings.TrimSpace(text[:end]))
		text = text[end:]
	}
	return pieces
}

// fits gives how many bytes of text are within limit: at least one character, so that every text comes to its end. A letter
// and what is put upon it (accents, variation selectors, joiners) are not taken apart where there is another place.
func fits(text string, limit int, size func(rune) int) int {
	used, border := 0, 0
	for at, r := range text {
		joined := joins(text[:at], r)
		if used += size(r); used > limit && at > 0 {
			if joined && border > 0 {
				return border
			}
			return at
		}
		if !joined {
			border = at
		}
	}
	return len(text)
}

// joins tells whether a character belongs to the one before it.
func joins(before string, next rune) bool {
	const zeroWidthJoiner = '\u200D'
	last, _ := utf8.DecodeLastRuneInString(before)
	return unicode.In(next, unicode.Mn, unicode.Me) || next == zeroWidthJoiner || last == zeroWidthJoiner || next >= 0x1F3FB && next <= 0x1F3FF
}

// cut gives the best place to cut text at or before end: the last of the widest kind of gap in its second half.
func cut(text string, end int) int {
	for _, gap := range []string{"\n\n", "\n", " "} {
		// The gap itself may lie behind the end, as it is dropped.
		if at := strings.LastIndex(text[:min(end+len(gap), len(text))], gap); at > end/2 {
			return at
		}
	}
	return end
}

// Shorten gives text if it is at most limit, measured by size, and else its beginning with an ellipsis.
func Shorten(text string, limit int, size func(rune) int) string {
	if fits(text, limit, size) == len(text) {
		return text
	}
	return strings.TrimSpace(text[:fits(text, limit-size('…'), size)]) + "…"
}
