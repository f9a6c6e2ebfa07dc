package sandbox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a model writes that was not told what to say: texts about what it was asked for, in the shape that was asked for, always the
// same for the same question.

// writeAnswer writes the answer to a question. tooLong: with texts that are longer than X, LinkedIn, Mailchimp
// and Ghost take.
func writeAnswer(q LLMRequest, tooLong bool) string {
	var schema map[string]any
	if json.Unmarshal(q.Schema, &schema) != nil || schema == nil {
		schema = schemaIn(q.System)
	}
	w := writer{topic: topicOf(q), tooLong: tooLong}
	if schema == nil {
		return encoded(map[string]any{"text": w.text("", "")})
	}
	return encoded(w.value(schema, "", ""))
}

// schemaIn finds the JSON Schema that instructions hold, for servers that take none elsewhere.
func schemaIn(instructions string) map[string]any {
	_, rest, found := strings.Cut(instructions, "JSON Schema")
	if start := strings.Index(rest, "{"); found && start >= 0 {
		var schema map[string]any
		if json.NewDecoder(strings.NewReader(rest[start:])).Decode(&schema) == nil {
			return schema
		}
	}
	return nil
}

// requestLine is where a question says what it is about.
var requestLine = regexp.MustCompile(`(?m)^Request:\s*\n?(.+)$`)

// topicOf is what a question is about, in at most 80 characters: what follows "Request:" in its last message, or that message.
func topicOf(q LLMRequest) string {
	text := ""
	if len(q.Messages) > 0 {
		text = q.Messages[len(q.Messages)-1].Text
	}
	if found := requestLine.FindStringSubmatch(text); found != nil {
		text = found[1]
	}
	text = strings.Join(strings.Fields(text), " ")
	if end := strings.IndexAny(text, ".!?"); end > 0 {
		text = text[:end]
	}
	if utf8.RuneCountInString(text) > 80 {
		runes := []rune(text)[:80]
		text = string(runes)
		if space := strings.LastIndex(text, " "); space > 0 {
			text = text[:space]
		}
	}
	for _, verb := range []string{"write a post about ", "write about ", "post about ", "announce ", "please "} {
		if len(text) > len(verb) && strings.EqualFold(text[:len(verb)], verb) {
			text = text[len(verb):]
		}
	}
	if text == "" {
		return "our news"
	}
	return text
}

type writer struct {
	topic   string
	tooLong bool
}

// value writes a value of the schema. name is the property's, within that of the object around it.
func (w writer) value(schema map[string]any, name, within string) any {
	if choices, _ := schema["enum"].([]any); len(choices) > 0 {
		return choices[0]
	}
	switch schema["type"] {
	case "object":
		properties, _ := schema["properties"].(map[string]any)
		object := map[string]any{}
		for key, property := range properties {
			inner, _ := property.(map[string]any)
			object[key] = w.value(inner, key, name)
		}
		return object
	case "array":
		items, _ := schema["items"].(map[string]any)
		if name == "tags" {
			return []any{"News"}
		}
		return []any{w.value(items, name, within)}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	default:
		return w.text(name, within)
	}
}

// capital is the topic as a sentence begins.
func (w writer) capital() string {
	first, size := utf8.DecodeRuneInString(w.topic)
	return strings.ToUpper(string(first)) + w.topic[size:]
}

// text writes a text for a property within an object, which are named as what they are for.
func (w writer) text(name, within string) string {
	short := w.capital() + ": see what is new, and tell us what you think."
	switch {
	case w.tooLong && within == "linkedin":
		return strings.TrimSpace(strings.Repeat(short+" ", 3200/len(short)+1))
	case w.tooLong && (within == "twitter" || name == "subject" || name == "preview_text" || name == "excerpt"):
		return strings.TrimSpace(strings.Repeat(short+" ", 400/len(short)+1))
	case name == "title", name == "subject":
		return w.capital()
	case slices.Contains([]string{"preview_text", "excerpt"}, name):
		return "What is new about " + w.topic + "."
	case within == "twitter" || name == "twitter":
		return short
	case within == "linkedin" || within == "facebook":
		return w.capital() + ".\n\nWe have worked on this for a while, and today we can show it. Here is what it means for you, and why we think it matters.\n\nHave a look, and tell us what you think."
	default:
		return fmt.Sprintf("Hello,\n\n%s: that is what this is about. We have worked on it for a while, and today we can show it.\n\nHere is what it means for you. It is simple to try, it costs nothing to look, and we are glad about every question.\n\nUntil soon", w.capital())
	}
}
