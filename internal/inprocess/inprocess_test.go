package inprocess_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fanfare/internal/inprocess"
)

// An operation's events are told as they come, in whatever pieces they are written, and its answer is as without them.
func TestEvents(t *testing.T) {
	t.Parallel()
	stream := "event: started\ndata: {\"posts\":1}\n\n: it goes on\n\nevent: writing\ndata: {\"platform\":\"twitter\"}\n\n"
	for name, test := range map[string]struct {
		end    string
		status int
		body   string
	}{
		"done":       {"event: done\ndata: {\"id\":7}\n\n", 200, `{"id":7}`},
		"a problem":  {"event: problem\ndata: {\"status\":402,\"title\":\"Payment Required\",\"detail\":\"No budget.\"}\n\n", 402, "No budget."},
		"broken off": {"event: done\ndata: {\"id\"", 500, ""},
	} {
		for _, size := range []int{1, 7, 10_000} {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") != "text/event-stream" {
					t.Errorf("it accepts %q", r.Header.Get("Accept"))
				}
				w.Header().Set("Content-Type", "text/event-stream")
				for chunk := range slices.Chunk([]byte(stream+test.end), size) {
					if _, err := w.Write(chunk); err != nil {
						t.Error(err)
					}
					w.Header().Set("Content-Type", "application/json") // too late to mean anything
				}
			})
			var heard []string
			answer, err := inprocess.Do(t.Context(), handler, inprocess.Call{Method: http.MethodPost, Path: "/", Events: func(name string, data []byte) {
				heard = append(heard, name+string(data))
			}}, nil)
			if !slices.Equal(heard, []string{`started{"posts":1}`, `writing{"platform":"twitter"}`}) {
				t.Errorf("%s in pieces of %d: heard %q", name, size, heard)
			}
			var problem *inprocess.Problem
			if answer.Status != test.status || (err != nil) != (test.status != 200) || errors.As(err, &problem) != (test.status != 200) {
				t.Errorf("%s in pieces of %d: %d %s %v", name, size, answer.Status, answer.Body, err)
			}
			if said := string(answer.Body); !strings.Contains(said, test.body) {
				t.Errorf("%s: %s", name, said)
			}
		}
	}
	// Whoever tells nothing answers at once.
	plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":7}`) })
	if answer, err := inprocess.Do(t.Context(), plain, inprocess.Call{Method: http.MethodPost, Path: "/", Events: func(string, []byte) { t.Error("heard something") }}, nil); err != nil || string(answer.Body) != `{"id":7}` {
		t.Errorf("%s %v", answer.Body, err)
	}
}
