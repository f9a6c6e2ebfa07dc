package conversation

import (
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
func (c *Conversation) Tell(in chat.Chat, e Event) chat.Message {
	p := &post{ID: e.PostID, State: strings.TrimPrefix(e.Name, "post."), etag: e.Version}
	what := "“" + beginning(firstOf(e.Title, e.Text), 80) + "”"
	var text strings.Builder
	text.WriteString(map[string]string{
		"published": "Published: ", "partially_published": "Published in part: ", "failed": "Not published: ", "needs_attention": "Somebody has to look at ",
	}[p.State] + what)
	for _, o := range e.Outcomes {
		text.WriteString("\n• " + platform.Name(o.Platform).Title() + ": ")
		switch {
		case o.State == "published" && o.URL != "":
			text.WriteString(o.URL)
		case o.Problem != "":
			text.WriteString(o.Problem)
		default:
			text.WriteString(strings.ReplaceAll(o.State, "_", " "))
		}
	}
	message := chat.Message{Text: text.String()}
	switch p.State {
	case "failed", "partially_published":
		if in.Numbered() { // nobody is asked here whose answer a number could be
			message.Text += "\n\n/status shows what can be done about it."
			break
		}
		message.Buttons = [][]chat.Button{{button("Try again", verbRetry, p), button("Show", verbShow, p)}}
	case "needs_attention":
		message.Text += "\n\nNobody knows whether the platform has it. Say in the dashboard whether it is there or is to be posted again."
		if c.DashboardURL != "" {
			message.Text += "\n" + c.DashboardURL
		}
	}
	return message
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
