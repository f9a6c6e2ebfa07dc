package slack

import (
	"strings"

	"fanfare/internal/chat"
)

// unescaper undoes escaper.
var unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// plainText reads a message's markup as plain text, without the mentions of the bot, and tells whether there was one. Links
// become their addresses, mentions of others and of channels what people see of them
// (https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages).
func plainText(markup, botUser string) (text string, mentioned bool) {
	var b strings.Builder
	for {
		before, rest, opened := strings.Cut(markup, "<")
		b.WriteString(unescaper.Replace(before))
		if !opened {
			break
		}
		inner, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString(unescaper.Replace("<" + rest))
			break
		}
		markup = after
		target, label, _ := strings.Cut(inner, "|")
		if botUser != "" && target == "@"+botUser {
			mentioned = true
			markup = strings.TrimPrefix(after, " ")
			continue
		}
		b.WriteString(unescaper.Replace(shown(target, label)))
	}
	return strings.TrimSpace(chat.WithoutNUL(b.String())), mentioned
}

// shown is what one piece of markup, between < and >, is as plain text.
func shown(target, label string) string {
	if target == "" {
		return label
	}
	switch target[0] {
	case '@':
		if label != "" {
			return "@" + strings.TrimPrefix(label, "@")
		}
		return target
	case '#':
		if label != "" {
			return "#" + label
		}
		return target
	case '!': // <!here>, <!subteam^S1|@writers>, <!date^…|when>
		if label != "" {
			return label
		}
		return "@" + target[1:]
	}
	address := strings.TrimPrefix(target, "mailto:")
	if label == "" || strings.HasSuffix(address, label) {
		return address
	}
	return label + " (" + address + ")"
}
