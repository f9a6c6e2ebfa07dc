package conversation

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/chat"
)

// fakeAPI answers the operations that buttons call, and repetitions of them, as the API does: by operation and key, for the same
// request alone.
type fakeAPI struct {
	id       uuid.UUID
	state    string
	version  int
	required bool
	at       time.Time // when it goes out
	// platforms are the states of what is posted.
	platforms []string
	answers   map[string]string // what was asked and answered, by operation and key
	done      []string
	// may are the person's permissions, all of them if nil; approves: they may approve.
	may      []string
	approves bool
	// refusals are answered in place of operations, each once.
	refusals map[string]map[string]any
	// patched is what a change of the post said last.
	patched map[string]any
}

// account is the one that everything goes to.
func (f *fakeAPI) account() uuid.UUID { return uuid.NewSHA1(f.id, []byte("account")) }

func (f *fakeAPI) post() map[string]any {
	all := []map[string]any{}
	for i, state := range f.platforms {
		one := map[string]any{"id": uuid.NewSHA1(f.id, []byte{byte(i)}), "integration_id": f.account(), "platform": "ghost", "text": "Rye", "state": state}
		switch state {
		case "published":
			one["external_url"] = "https://ghost.test/rye"
		case "failed":
			one["problem"] = "Too long."
		}
		all = append(all, one)
	}
	post := map[string]any{"id": f.id, "text": "What nobody reads", "state": f.state, "time_zone": "UTC", "platform_posts": all}
	if !f.at.IsZero() {
		post["scheduled_local"] = f.at.Format(time.RFC3339)
	}
	return post
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	etag := func() string { return fmt.Sprintf(`"v%d"`, f.version) }
	refuse := func(status int, detail string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "detail": detail})
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method == http.MethodGet && len(parts) == 3 {
		may := f.may
		if may == nil {
			may = []string{"posts:write", "posts:publish"}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"approval_required": f.required, "self_approval": true, "permissions": may, "may_approve": f.approves})
		return
	}
	if r.Method == http.MethodGet && parts[len(parts)-1] == "integrations" {
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []map[string]any{
			{"id": uuid.New(), "platform": "twitter", "name": "@bakery", "state": "active"}, {"id": f.account(), "platform": "ghost", "name": "Bread Weekly", "state": "active"},
		}})
		return
	}
	if r.Method == http.MethodGet && parts[len(parts)-1] == "posts" {
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []any{f.post()}})
		return
	}
	if r.Method == http.MethodGet {
		w.Header().Set("ETag", etag())
		_ = json.NewEncoder(w).Encode(f.post())
		return
	}
	operation := parts[len(parts)-1]
	if r.Method == http.MethodPatch {
		operation = "change"
	}
	body, _ := io.ReadAll(r.Body)
	if refusal := f.refusals[operation]; refusal != nil {
		delete(f.refusals, operation)
		w.WriteHeader(refusal["status"].(int))
		_ = json.NewEncoder(w).Encode(refusal)
		return
	}
	if operation == "generate" || operation == "memories" {
		f.done = append(f.done, operation+" "+string(body))
		_ = json.NewEncoder(w).Encode(map[string]any{"posts": []map[string]any{{"post": map[string]any{"id": f.id}}}})
		return
	}
	key, asked := operation+" "+r.Header.Get("Idempotency-Key"), r.URL.Path+r.Header.Get("If-Match")+string(body)
	if before, known := f.answers[key]; known && r.Header.Get("Idempotency-Key") != "" {
		was, version, _ := strings.Cut(before, "\n")
		if was != asked {
			refuse(http.StatusUnprocessableEntity, "This Idempotency-Key was used for another request.")
			return
		}
		w.Header().Set("ETag", version)
		_ = json.NewEncoder(w).Encode(f.post())
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != etag() {
		refuse(http.StatusPreconditionFailed, "changed")
		return
	}
	from := map[string][]string{"submit": {"draft"}, "approve": {"pending_approval"}, "schedule": {"draft", "approved"}, "publish": {"draft", "approved"}, "retry": {f.state},
		"change": {"draft", "approved", "scheduled", "pending_approval"}, "cancel": {"draft", "scheduled"}}[operation]
	if f.required && operation == "schedule" {
		from = []string{"approved"}
	}
	if !strings.Contains(strings.Join(from, " "), f.state) {
		refuse(http.StatusConflict, "The post is "+f.state+".")
		return
	}
	f.version++
	f.done = append(f.done, operation)
	switch operation {
	case "change":
		f.patched = nil
		_ = json.Unmarshal(body, &f.patched)
		if f.required && f.state != "draft" {
			f.state = "pending_approval"
		}
	case "retry":
		for i := range f.platforms {
			if strings.Contains(r.URL.Path, uuid.NewSHA1(f.id, []byte{byte(i)}).String()) {
				f.platforms[i] = "queued"
			}
		}
	default:
		f.state = map[string]string{"submit": "pending_approval", "approve": "approved", "schedule": "scheduled", "publish": "publishing", "cancel": "cancelled"}[operation]
	}
	f.answers[key] = asked + "\n" + etag()
	w.Header().Set("ETag", etag())
	_ = json.NewEncoder(w).Encode(f.post())
}

// crashing breaks off at the nth call that changes something: after it was done, and before that is known.
type crashing struct {
	*fakeAPI
	after int
}

func (c *crashing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.fakeAPI.ServeHTTP(w, r)
	if r.Method != http.MethodGet {
		if c.after--; c.after == 0 {
			panic("killed")
		}
	}
}

// TestRepeated: an update whose handling was broken off after any of its steps is handled again, and answered as if it had not been.
func TestRepeated(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	pressed := func(verb, rest string) chat.Update {
		b := button("", verb, &post{ID: id})
		return chat.Update{ID: "7", Event: chat.Pressed, Button: b.Data + rest, Person: chat.Person{ID: "1"}, At: time.Now()}
	}
	said := chat.Update{ID: "7", Event: chat.Said, Text: "tomorrow 9:00", Person: chat.Person{ID: "1"}, At: time.Now()}
	asked := &State{Awaiting: awaitsTime, PostID: id, Version: `"v3"`, Until: time.Now().Add(time.Hour)}
	for name, c := range map[string]struct {
		api    fakeAPI
		update chat.Update
		state  *State
		steps  int
		want   string
	}{
		"approve":                  {fakeAPI{state: "draft", required: true, platforms: []string{"draft"}}, pressed(verbApprove, "3"), nil, 2, "Approved."},
		"approve what waits":       {fakeAPI{state: "pending_approval", required: true, platforms: []string{"draft"}}, pressed(verbApprove, "3"), nil, 1, "Approved."},
		"publish":                  {fakeAPI{state: "draft", platforms: []string{"draft"}}, pressed(verbPublish, "3"), nil, 1, "On its way."},
		"schedule":                 {fakeAPI{state: "draft", platforms: []string{"draft"}}, said, asked, 1, "It is scheduled."},
		"schedule by a button":     {fakeAPI{state: "draft", platforms: []string{"draft"}}, pressed(verbAt, "1h.3"), nil, 1, "It is scheduled."},
		"schedule, to be approved": {fakeAPI{state: "draft", required: true, platforms: []string{"draft"}}, said, asked, 1, "It goes out then"},
		"try two again":            {fakeAPI{state: "failed", platforms: []string{"failed", "published", "failed"}}, pressed(verbRetry, "3"), nil, 2, "I try again"},
	} {
		for kill := range c.steps + 1 {
			t.Run(fmt.Sprintf("%s, broken off after %d steps", name, kill), func(t *testing.T) {
				t.Parallel()
				api := c.api
				api.id, api.version, api.answers, api.platforms = id, 3, map[string]string{}, append([]string{}, c.api.platforms...)
				turn := Turn{Update: c.update, State: c.state, Now: time.Now()}
				if kill > 0 {
					func() {
						defer func() { _ = recover() }()
						_, _ = (&Conversation{API: &crashing{&api, kill}}).Answer(t.Context(), turn)
					}()
				}
				answer, err := (&Conversation{API: &api}).Answer(t.Context(), turn)
				if err != nil {
					t.Fatal(err)
				}
				want := c.want
				if name == "try two again" && kill == c.steps {
					want = "There is nothing to try again."
				}
				if len(answer.Messages) != 1 || !strings.HasPrefix(answer.Messages[0].Text, want) {
					t.Errorf("it is answered %+v", answer.Messages)
				}
				if len(api.done) != c.steps {
					t.Errorf("it was done: %v", api.done)
				}
			})
		}
	}
}

// TestScheduleSeen: what goes out is what the person has seen when they were asked for its time.
func TestScheduleSeen(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	api := fakeAPI{id: id, state: "draft", version: 3, platforms: []string{"draft"}, answers: map[string]string{}}
	c := &Conversation{API: &api}
	press := func(b chat.Button) Answer {
		answer, err := c.Answer(t.Context(), Turn{Update: chat.Update{ID: uuid.NewString(), Event: chat.Pressed, Button: b.Data, At: time.Now()}, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	asked := press(button("Schedule", verbSchedule, &post{ID: id, etag: `"v3"`}))
	api.version++ // somebody changes it in the dashboard
	for _, row := range asked.Messages[0].Buttons {
		for _, b := range row {
			if answer := press(b); !strings.HasPrefix(answer.Messages[0].Text, "It has been changed meanwhile") {
				t.Errorf("%s: it is answered %q", b.Text, answer.Messages[0].Text)
			}
			if len(b.Data) > chat.MaxButtonData {
				t.Errorf("%s has %d bytes", b.Text, len(b.Data))
			}
		}
	}
	answer, err := c.Answer(t.Context(), Turn{Update: chat.Update{ID: "9", Event: chat.Said, Text: "tomorrow 9:00", At: time.Now()}, State: asked.State, Now: time.Now()})
	if err != nil || !strings.HasPrefix(answer.Messages[0].Text, "It has been changed meanwhile") {
		t.Errorf("it is answered %+v, %v", answer.Messages, err)
	}
	if len(api.done) > 0 {
		t.Errorf("it was done: %v", api.done)
	}
}

// TestNumbers: where a chat shows no buttons, their numbers are said.
func TestNumbers(t *testing.T) {
	t.Parallel()
	api := fakeAPI{id: uuid.New(), state: "draft", version: 3, platforms: []string{"draft"}, answers: map[string]string{}}
	c := &Conversation{API: &api}
	var state *State
	said := 0
	say := func(text, want string) {
		t.Helper()
		said++
		answer, err := c.Answer(t.Context(), Turn{
			Update: chat.Update{
				ID: fmt.Sprint(said), Event: chat.Said, Text: text, At: time.Now(), Person: chat.Person{ID: "1"},
				Chat: chat.Chat{Platform: chat.WhatsApp, Kind: chat.Group},
			},
			State: state, Now: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range answer.Messages {
			got += m.Text
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q is answered %q, want %q", text, got, want)
		}
		encoded, err := MarshalState(answer.State)
		if err != nil {
			t.Fatal(err)
		}
		state = ParseState(encoded)
	}
	say("1", "")
	state = &State{Awaiting: awaitsChoice, Until: time.Now().Add(-time.Minute), Choices: []string{button("", verbPublish, &post{ID: api.id, etag: `"v3"`}).Data}}
	say("1", "") // too late
	state = &State{Awaiting: awaitsChoice, Until: time.Now().Add(time.Minute), Choices: []string{
		button("", verbPublish, &post{ID: api.id, etag: `"v3"`}).Data, button("", verbSchedule, &post{ID: api.id, etag: `"v3"`}).Data,
	}}
	say("see you at 3", "")
	say("3", "")
	say("2.", "When shall it go out?")
	say("1", "It is scheduled.") // in an hour
	say("2", "Send me the new text")
	if strings.Join(api.done, " ") != "schedule" {
		t.Errorf("it was done: %v", api.done)
	}
	for _, kind := range []chat.Kind{chat.User, chat.Group} {
		message := c.Tell(chat.Chat{Platform: chat.WhatsApp, Kind: kind}, Event{Name: "post.failed", PostID: api.id, Version: `"v3"`})
		if (len(message.Buttons) > 0) != (kind == chat.User) {
			t.Errorf("in a %s it is told %+v", kind, message)
		}
	}
}
