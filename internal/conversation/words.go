package conversation

import (
	"regexp"
	"strings"

	"fanfare/internal/platform"
)

// wishKind is what somebody wants, as far as their words tell.
type wishKind int

const (
	wishUnclear wishKind = iota
	wishHelp
	wishStatus
	wishWrite
	wishCancel
	wishPair
	wishRemember
)

// wish is what somebody wants.
type wish struct {
	kind wishKind
	// about is what a post is to be about, or what is to be remembered.
	about string
	// platforms are those that were named; none: all.
	platforms []platform.Name
	// code and link are with what a chat is to be paired.
	code, link string
}

var (
	command = regexp.MustCompile(`(?is)^/([a-z_]{1,32})(?:@[a-z0-9_]{1,64})?(?:\s+(.*))?$`)
	// write is "write a post about …" in English and German.
	write = regexp.MustCompile(`(?is)^(?:please\s+|bitte\s+)?(?:write|draft|create|make|compose|schreib|schreibe|schreiben sie|verfasse|erstelle|entwirf)\s+` +
		`(?:(?:me|us|mir|uns)\s+)?(?:(?:a|an|the|some|ein|eine|einen)\s+)?(?:(?:new|short|neuen|kurzen)\s+)?` +
		`(post|posts|tweet|newsletter|article|text|beitrag|artikel|posting)\b\s*(?:,|:|-)?\s*(?:(about|on|for|that|saying|über|zum thema|zu|für|auf|dass)\b)?\s*:?\s*(.*)$`)
	// remember is "remember that …" in English and German.
	remember = regexp.MustCompile(`(?is)^(?:please\s+|bitte\s+)?(?:remember|merk dir|merke dir|merken sie sich)\b\s*(?:,|:)?\s*(?:(?:that|dass)\b)?\s*:?\s*(.+)$`)
	// named are platforms as people name them: "X and LinkedIn". X is written large, since x may be anything.
	named = `((?:(?i:twitter|linkedin|facebook|mailchimp|ghost)|X)(?:(?:\s*,\s*|\s+(?:and|und|&)\s+)(?:(?i:twitter|linkedin|facebook|mailchimp|ghost)|X))*)`
	// namedFirst and namedLast are "for LinkedIn about …" and "… on LinkedIn".
	namedFirst = regexp.MustCompile(`(?s)^(?i:for|on|für|auf)\s+` + named + `\s*(?:[,:-]|(?i:about|that|saying|über|zum thema|zu|dass)\s)\s*(.+)$`)
	namedLast  = regexp.MustCompile(`(?s)^(.+?),?\s+(?i:for|on|für|auf)\s+` + named + `\s*[.!]?$`)
	code       = regexp.MustCompile(`^\s*(\d{3})[ -]?(\d{3})\s*$`)
	token      = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	// pair is "pair 123456" without a slash, which Slack would take for a command of its own.
	pair = regexp.MustCompile(`(?i)^(?:pair|code)\s+(\d{3}[ -]?\d{3})\s*$`)
)

// understand reads what somebody said.
func understand(text string) wish {
	if parts := command.FindStringSubmatch(text); parts != nil {
		rest := strings.TrimSpace(parts[2])
		switch strings.ToLower(parts[1]) {
		case "help":
			return wish{kind: wishHelp}
		case "start":
			if token.MatchString(rest) {
				return wish{kind: wishPair, link: rest}
			}
			if digits := codeIn(rest); digits != "" {
				return wish{kind: wishPair, code: digits}
			}
			return wish{kind: wishHelp}
		case "pair", "code":
			return wish{kind: wishPair, code: codeIn(rest)}
		case "status", "posts":
			return wish{kind: wishStatus}
		case "cancel", "stop":
			return wish{kind: wishCancel}
		case "write", "post", "draft":
			if rest == "" {
				return wish{kind: wishHelp}
			}
			if w, written := wishToWrite(rest); written {
				return w
			}
			about, platforms := platformsIn(rest)
			return wish{kind: wishWrite, about: about, platforms: platforms}
		case "remember":
			if rest == "" {
				return wish{kind: wishHelp}
			}
			return wish{kind: wishRemember, about: rest}
		}
		return wish{}
	}
	if digits := codeIn(text); digits != "" {
		return wish{kind: wishPair, code: digits}
	}
	if parts := pair.FindStringSubmatch(text); parts != nil {
		return wish{kind: wishPair, code: codeIn(parts[1])}
	}
	switch strings.ToLower(strings.Trim(text, " .!?")) {
	case "help", "hilfe":
		return wish{kind: wishHelp}
	case "status":
		return wish{kind: wishStatus}
	case "cancel", "abbrechen", "never mind":
		return wish{kind: wishCancel}
	}
	if w, written := wishToWrite(text); written {
		return w
	}
	if parts := remember.FindStringSubmatch(text); parts != nil {
		return wish{kind: wishRemember, about: strings.TrimSpace(parts[1])}
	}
	return wish{}
}

// wishToWrite reads "write a post about …".
func wishToWrite(text string) (wish, bool) {
	parts := write.FindStringSubmatch(text)
	if parts == nil || strings.TrimSpace(parts[3]) == "" {
		return wish{}, false
	}
	about, platforms := platformsIn(parts[2] + " " + strings.TrimSpace(parts[3]))
	if len(platforms) == 0 {
		about = strings.TrimSpace(parts[3])
		if strings.EqualFold(parts[1], "tweet") {
			platforms = []platform.Name{platform.Twitter}
		}
	} else if parts[2] != "" { // the word before what it is about, where that does not name the platforms
		about = strings.TrimSpace(strings.TrimPrefix(about, parts[2]+" "))
	}
	return wish{kind: wishWrite, about: about, platforms: platforms}, true
}

// platformsIn takes the platforms off a text for which, or on which, something is to be written.
func platformsIn(text string) (rest string, platforms []platform.Name) {
	text = strings.TrimSpace(text)
	var names string
	if parts := namedFirst.FindStringSubmatch(text); parts != nil {
		names, rest = parts[1], parts[2]
	} else if parts := namedLast.FindStringSubmatch(text); parts != nil {
		rest, names = parts[1], parts[2]
	} else {
		return text, nil
	}
	for _, name := range platform.Names {
		if strings.Contains(strings.ToLower(names), string(name)) || name == platform.Twitter && strings.Contains(names, "X") {
			platforms = append(platforms, name)
		}
	}
	return strings.TrimSpace(rest), platforms
}

// codeIn is the code of six digits that a text is, "" where it is none.
func codeIn(text string) string {
	parts := code.FindStringSubmatch(text)
	if parts == nil {
		return ""
	}
	return parts[1] + parts[2]
}

// Pairing tells with what somebody wants to pair a chat: a code or a link's token; both "" where they do not. In a chat that is paired,
// six digits alone may be anything.
func Pairing(text string, paired bool) (code, link string) {
	text = strings.TrimSpace(text)
	w := understand(text)
	if w.kind != wishPair || paired && codeIn(text) != "" {
		return "", ""
	}
	return w.code, w.link
}
