package conversation

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"fanfare/internal/chat"
	"fanfare/internal/platform"
)

// PlatformOutcome is what became of a post on one platform.
type PlatformOutcome struct {
	Platform, State, URL, Problem string
}

// Event is what a space is told by itself: what became of one of its posts.
type Event struct {
	// Name is post.published, post.partially_published, post.failed or post.needs_attention.
	Name     string
	PostID   uuid.UUID
	Version  string // as an ETag
	Title    string
	Text     string
	Outcomes []PlatformOutcome
}

// Tell is what is said of an event in a chat.
func (*Conversation) Tell(in chat.Chat, e Event) chat.Message {
	p := &post{ID: e.PostID, State: strings.TrimPrefix(e.Name, "post."), etag: e.Version}
	what := "“" + beginning(firstOf(e.Title, e.Text), 80) + "”"
	var text strings.Builder
	text.WriteString(map[string]string{
		"published": "Published: ", "partially_published": "Published in part: ", "failed": "Not published: ", "needs_attention": "Somebody has to look at ",
	}[p.State] + what)
	var failed []string
	for _, o := range e.Outcomes {
		text.WriteString("\n" + o.line())
		if o.State == "failed" {
			failed = append(failed, platform.Name(o.Platform).Title())
		}
	}
	message := chat.Message{Text: text.String()}
	switch p.State {
	case "failed", "partially_published":
		if p.State == "partially_published" && len(failed) > 0 {
			message.Text += "\n\n" + anew(failed)
		}
		if in.Numbered() { // nobody is asked here whose answer a number could be
			message.Text += "\n\n/status shows what can be done about it."
			break
		}
		row := []chat.Button{button("Try again", verbRetry, p), button("Show", verbShow, p)}
		if p.State == "failed" {
			row = slices.Insert(row, 1, button("Edit", verbEdit, p))
		}
		message.Buttons = [][]chat.Button{row}
	case "needs_attention":
		message.Text += "\n\nNobody knows whether the platform has it. Say in the dashboard whether it is there or is to be posted again."
	}
	return message
}

// line is the outcome in one line.
func (o PlatformOutcome) line() string {
	said := strings.ReplaceAll(o.State, "_", " ")
	if o.State == "published" && o.URL != "" {
		said = o.URL
	} else if o.Problem != "" {
		said = o.Problem
	}
	return "• " + platform.Name(o.Platform).Title() + ": " + said
}

// anew is what can be done where a post is out in part, and its text cannot be changed any more.
func anew(failed []string) string {
	on := strings.Join(failed, " and ")
	return "Its text cannot be changed any more. “Try again” sends the same to " + on + "; for another text, ask me for a new post: “write a post for " + on + " about …”."
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
