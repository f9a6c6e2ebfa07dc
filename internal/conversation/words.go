package conversation

import (
	"regexp"
	"slices"
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
	wishBadLink
	wishRemember
	wishPress
)

// wish is what somebody wants.
type wish struct {
	kind wishKind
	// about is what a post is to be about, or what is to be remembered.
	about string
	// platforms are those that were named; none: all.
	platforms []platform.Name
	// unknown are words that were named as platforms, and are none.
	unknown []string
	// code and link are with what a chat is to be paired.
	code, link string
}

var (
	command = regexp.MustCompile(`(?is)^/([a-z_]{1,32})(?:@[a-z0-9_]{1,64})?(?:\s+(.*))?$`)
	// write is "write a post about …" in English and German, also "can you …" and "a LinkedIn post …".
	write = regexp.MustCompile(`(?is)^(?:please\s+|bitte\s+|((?:can|could|would|will) you\s+(?:please\s+)?))?(?:write|draft|create|make|compose|schreib|schreibe|schreiben sie|verfasse|erstelle|entwirf)\s+` +
		`(?:(?:me|us|mir|uns)\s+)?(?:(?:a|an|the|some|ein|eine|einen)\s+)?(?:(?:new|short|neuen|kurzen)\s+)?(?:` + names + `[\s-]+)?` +
		`(post|posts|tweet|newsletter|article|text|beitrag|artikel|posting)\b\s*(?:,|:|-)?\s*(?:(about|on|for|that|saying|über|zum thema|zu|für|auf|dass)\b)?\s*:?\s*(.*)$`)
	// remember is "remember that …" in English and German.
	remember = regexp.MustCompile(`(?is)^(?:please\s+|bitte\s+)?(?:remember|merk dir|merke dir|merken sie sich)\b\s*(?:,|:)?\s*(?:(?:that|dass)\b)?\s*:?\s*(.+)$`)
	// names are words that stand together as the names of platforms do: "X, LinkedIn and Ghost".
	names        = `([\p{L}\d-]+(?:` + between + `[\p{L}\d-]+)*)`
	between      = `(?:\s*[,&/]\s*(?:(?:and|und|or|oder)\s+)?|\s+(?:and|und|or|oder)\s+)`
	betweenNames = regexp.MustCompile(`(?i)` + between)
	// elsewhere are well-known places that are no platform of ours. What means something else too is written large.
	elsewhere = regexp.MustCompile(`^(?:(?i:tiktok|instagram|insta|bluesky|mastodon|youtube|pinterest|snapchat|reddit|whatsapp|telegram|slack|discord|xing|tumblr|vimeo|wechat|` +
		`wordpress|substack)|Threads|Medium)$`)
	// namedFirst, namedLast and namedAlone are "for LinkedIn about …", "… on LinkedIn" and "for LinkedIn".
	namedFirst = regexp.MustCompile(`(?is)^(?:for|on|für|auf)\s+` + names + `\s*(?:[,:-]|(?:about|that|saying|über|zum thema|zu|dass)\s)\s*(.+)$`)
	namedLast  = regexp.MustCompile(`(?is)^(.+?),?\s+(?:for|on|für|auf)\s+` + names + `[\s.!]*$`)
	namedAlone = regexp.MustCompile(`(?is)^(?:for|on|für|auf)\s+` + names + `[\s.!]*$`)
	// politely ends what is asked for and says nothing of it; topic begins it.
	politely = regexp.MustCompile(`(?i)(?:(?:^|[\s,]+)(?:please|bitte|thanks|thank you|danke))+[\s.!]*$`)
	topic    = regexp.MustCompile(`(?i)^(?:about|über|zum thema)\s+`)
	// press is what is done with the buttons below a post.
	press = regexp.MustCompile(`(?i)^(?:please\s+|bitte\s+)?(?:publish|schedule|reschedule|approve|submit|edit|change|discard|delete|veröffentliche|plane|ändere|lösche)\s+(?:it|this|that|the post|the draft|es|das|den beitrag)\b`)
	code  = regexp.MustCompile(`^\s*(\d{3})[ -]?(\d{3})\s*$`)
	token = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	// pair is "pair 123456" without a slash, which Slack would take for a command of its own.
	pair = regexp.MustCompile(`(?i)^(?:pair|code)\s+(\d{3}[ -]?\d{3})\s*$`)
)

// understand reads what somebody said.
func understand(text string) wish {
	if parts := command.FindStringSubmatch(text); parts != nil {
		rest := strings.TrimSpace(parts[2])
		switch strings.ToLower(parts[1]) {
		case "help", "hilfe":
			return wish{kind: wishHelp}
		case "start":
			if rest == "" {
				return wish{kind: wishHelp}
			}
			if token.MatchString(rest) {
				return wish{kind: wishPair, link: rest}
			}
			if digits := codeIn(rest); digits != "" {
				return wish{kind: wishPair, code: digits}
			}
			return wish{kind: wishBadLink}
		case "pair", "code":
			return wish{kind: wishPair, code: codeIn(rest)}
		case "status", "posts":
			return wish{kind: wishStatus}
		case "cancel", "stop":
			return wish{kind: wishCancel}
		case "write", "post", "draft":
			if w, written := wishToWrite(rest); written {
				return w
			}
			return wishAbout(rest)
		case "remember":
			return wish{kind: wishRemember, about: rest}
		case "publish", "schedule", "approve", "submit", "edit", "discard", "delete":
			return wish{kind: wishPress}
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
	if press.MatchString(text) {
		return wish{kind: wishPress}
	}
	return wish{}
}

// wishToWrite reads "write a post about …".
func wishToWrite(text string) (wish, bool) {
	parts := write.FindStringSubmatch(text)
	if parts == nil {
		return wish{}, false
	}
	asks, before, kind, word, rest := parts[1], parts[2], strings.ToLower(parts[3]), parts[4], strings.TrimSpace(parts[5])
	if asks != "" {
		rest = strings.TrimRight(rest, " ?")
	}
	w := wishAbout(word + " " + rest)
	if len(w.platforms)+len(w.unknown) == 0 { // the word before what it is about does not name any
		w.about = politely.ReplaceAllString(rest, "")
	} else if word != "" && w.about != "" {
		w.about = strings.TrimSpace(strings.TrimPrefix(w.about, word+" "))
	}
	if before != "" {
		platforms, unknown, named := platformsNamed(before)
		if !named && !strings.EqualFold(before, "x") {
			return wish{}, false
		}
		w.platforms, w.unknown = append(w.platforms, platforms...), append(w.unknown, unknown...)
	}
	if len(w.platforms)+len(w.unknown) == 0 {
		switch kind {
		case "tweet":
			w.platforms = []platform.Name{platform.Twitter}
		case "newsletter":
			w.platforms = []platform.Name{platform.Mailchimp}
		}
	}
	return w, true
}

// wishAbout is the wish for a post about something, whose platforms may be named before it or after.
func wishAbout(text string) wish {
	w := wish{kind: wishWrite, about: politely.ReplaceAllString(strings.TrimSpace(text), "")}
	for _, at := range []struct {
		where       *regexp.Regexp
		names, rest int
	}{{namedAlone, 1, 0}, {namedFirst, 1, 2}, {namedLast, 2, 1}} {
		parts := at.where.FindStringSubmatch(w.about)
		if parts == nil {
			continue
		}
		platforms, unknown, named := platformsNamed(parts[at.names])
		if !named {
			continue
		}
		w.platforms, w.unknown = platforms, unknown
		parts[0] = ""
		w.about = strings.TrimSpace(parts[at.rest])
		break
	}
	w.about = topic.ReplaceAllString(w.about, "")
	return w
}

// platformsNamed reads names of platforms, and which of them are none of ours; false: no name of a platform is among the words.
// X alone is written large, since x may be anything.
func platformsNamed(text string) (platforms []platform.Name, unknown []string, named bool) {
	words := betweenNames.Split(text, -1)
	for _, word := range words {
		known := slices.IndexFunc(platform.Names, func(name platform.Name) bool {
			return strings.EqualFold(word, string(name)) || strings.EqualFold(word, name.Title())
		})
		if known < 0 {
			unknown = append(unknown, word)
		} else if !slices.Contains(platforms, platform.Names[known]) {
			platforms = append(platforms, platform.Names[known])
		}
		named = named || elsewhere.MatchString(word) || known >= 0 && word != "x"
	}
	slices.SortFunc(platforms, func(a, b platform.Name) int { return slices.Index(platform.Names, a) - slices.Index(platform.Names, b) })
	return platforms, unknown, named
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
