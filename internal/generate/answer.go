package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"fanfare/internal/platform"
)

// The answer is an object with a post each ("post_1"), which has its title, where posts have titles, and an object for each platform.

func postKey(i int) string { return fmt.Sprintf("post_%d", i+1) }

// variantFields are what a platform's variant has, with what they are for.
var variantFields = map[platform.Name][]field{
	platform.Twitter:   {{"text", "The post."}},
	platform.LinkedIn:  {{"text", "The post."}},
	platform.Facebook:  {{"text", "The post."}},
	platform.Mailchimp: {{"subject", "The e-mail's subject."}, {"preview_text", "What inboxes show after the subject."}, {"text", "The e-mail."}},
	platform.Ghost:     {{"excerpt", "A short summary of the article."}, {"text", "The article."}},
}

type field struct{ name, purpose string }

type schema map[string]any

func object(description string, properties map[string]any, names []string) schema {
	s := schema{"type": "object", "properties": properties, "required": names, "additionalProperties": false}
	if description != "" {
		s["description"] = description
	}
	return s
}

func text(description string) schema { return schema{"type": "string", "description": description} }

// schema is the shape of an answer with what is wanted.
func (w *writing) schema(want []wanted) json.RawMessage {
	posts, keys := map[string]any{}, []string{}
	for i, post := range w.brief.Posts {
		properties, names := map[string]any{}, []string{}
		for _, x := range want {
			switch {
			case x.post != i:
				continue
			case x.name == "":
				properties["title"] = text("The post's title, for its readers: one line of at most 100 characters.")
				names = append(names, "title")
			default:
				fields, order := map[string]any{}, []string{}
				for _, f := range variantFields[x.name] {
					fields[f.name] = text(f.purpose)
					order = append(order, f.name)
				}
				properties[string(x.name)] = object("", fields, order)
				names = append(names, string(x.name))
			}
		}
		if len(names) > 0 {
			posts[postKey(i)] = object(fmt.Sprintf("In the language %s, version %d.", post.Language, post.Version), properties, names)
			keys = append(keys, postKey(i))
		}
	}
	encoded, err := json.Marshal(object("", posts, keys))
	if err != nil {
		panic(err) // plain texts
	}
	return encoded
}

// readAnswer reads an answer that has what is wanted, all of it and nothing else. Its errors do not quote the answer.
func readAnswer(answer json.RawMessage, want []wanted) (map[wanted]Variant, error) {
	posts := map[int][]wanted{}
	for _, x := range want {
		posts[x.post] = append(posts[x.post], x)
	}
	var keys []string
	for i := range posts {
		keys = append(keys, postKey(i))
	}
	byPost, err := exactly(answer, keys)
	if err != nil {
		return nil, err
	}
	written := map[wanted]Variant{}
	for i, wants := range posts {
		var names []string
		for _, x := range wants {
			names = append(names, partName(x))
		}
		parts, err := exactly(byPost[postKey(i)], names)
		if err != nil {
			return nil, err
		}
		for _, x := range wants {
			if written[x], err = readPart(parts[partName(x)], x); err != nil {
				return nil, err
			}
		}
	}
	return written, nil
}

func partName(x wanted) string {
	if x.name == "" {
		return "title"
	}
	return string(x.name)
}

// readPart reads a variant, or a title, which is given as the text.
func readPart(raw json.RawMessage, x wanted) (Variant, error) {
	if x.name == "" {
		line, err := readText(raw)
		return Variant{Text: oneLine(line)}, err
	}
	var names []string
	for _, f := range variantFields[x.name] {
		names = append(names, f.name)
	}
	fields, err := exactly(raw, names)
	if err != nil {
		return Variant{}, err
	}
	var v Variant
	for _, name := range names {
		said, err := readText(fields[name])
		if err != nil {
			return Variant{}, err
		}
		switch name {
		case "text":
			v.Text = said
		case "subject":
			v.Subject = oneLine(said)
		case "preview_text":
			v.PreviewText = oneLine(said)
		case "excerpt":
			v.Excerpt = oneLine(said)
		}
	}
	return v, nil
}

var (
	errShape = errors.New("an object with other fields than were asked for")
	errText  = errors.New("without a text where one was asked for")
)

// exactly reads an object with these fields and no others.
func exactly(raw json.RawMessage, names []string) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(fields) != len(names) {
		return nil, errShape
	}
	for _, name := range names {
		if _, there := fields[name]; !there {
			return nil, errShape
		}
	}
	return fields, nil
}

// readText reads a text that can be stored and shown: without control characters, which a model can write as well.
func readText(raw json.RawMessage) (string, error) {
	var said string
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`)) || json.Unmarshal(raw, &said) != nil {
		return "", errText
	}
	said = strings.ReplaceAll(strings.ReplaceAll(said, "\r\n", "\n"), "\r", "\n")
	said = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, said)
	return strings.TrimSpace(said), nil
}

// oneLine makes a text of several lines one of one.
func oneLine(said string) string { return strings.Join(strings.Fields(said), " ") }

// take puts what was written into the drafts.
func take(drafts []Draft, written map[wanted]Variant) {
	for x, v := range written {
		if x.name == "" {
			drafts[x.post].Title = v.Text
		} else {
			drafts[x.post].Variants[x.name] = v
		}
	}
}
