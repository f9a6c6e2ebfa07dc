package jobs

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"fanfare/internal/chat"
	"fanfare/internal/slack"
)

// TestDescribeWithoutAnswer: a platform that does not say what a chat and a person are called keeps nobody from pairing.
func TestDescribeWithoutAnswer(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok": false, "error": "missing_scope"}`)
	}))
	defer server.Close()
	w := &chatWork{bot: slack.New(server.URL, "xoxb-1"), log: slog.New(slog.DiscardHandler)}
	in, person := chat.Chat{Platform: chat.Slack, Bot: "A1", Team: "T1", Kind: chat.Group, ID: "C1"}, chat.Person{ID: "U1"}
	if gotIn, gotPerson := w.describe(t.Context(), in, person); gotIn != in || gotPerson != person || asked != 2 {
		t.Errorf("%+v, %+v, asked %d times", gotIn, gotPerson, asked)
	}
	in.Kind, person.Name = chat.User, "Ada"
	if gotIn, _ := w.describe(t.Context(), in, person); gotIn.Title != "Ada" || asked != 2 {
		t.Errorf("%+v, asked %d times", gotIn, asked)
	}
}
