package chat

import "strings"

// maxID bounds an id of a platform, in bytes.
const maxID = 255

// IsID tells whether a text can be an id of a platform: printable ASCII without space. What begins with agent: is none, as the
// people of agent tokens are called so.
func IsID(text string) bool {
	return text != "" && len(text) <= maxID && !strings.HasPrefix(text, "agent:") && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// IsButtonData tells whether a text can be the data of one of our buttons.
func IsButtonData(text string) bool {
	return text != "" && len(text) <= MaxButtonData && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// WithoutNUL takes out of a text the character that Postgres stores in none.
func WithoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }
