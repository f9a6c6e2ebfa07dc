package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// said puts messages into a space, the first one first.
func (w *world) said(t testing.TB, space dbtest.Space, texts ...string) {
	t.Helper()
	for _, text := range texts {
		w.exec(t, "insert into messages (customer_id, id, space_id, direction, person, text) values ($1, $2, $3, 'in', '7', $4)", space.CustomerID, dbtest.NewID(t), space.ID, text)
	}
}

// texts of what a list answers.
func texts[T any](a answer, t testing.TB, text func(T) string) []string {
	t.Helper()
	found := []string{}
	for _, item := range into[api.Page[T]](t, a.want(t, http.StatusOK)).Items {
		found = append(found, text(item))
	}
	return found
}

// as calls as a person, or with a key.
func (w *world) as(t testing.TB, who any, method, path string, body any, headers ...string) answer {
	t.Helper()
	if key, ok := who.(dbtest.APIKey); ok {
		return w.callWith(t, key.Key, method, path, body, headers...)
	}
	person, ok := who.(dbtest.User)
	if !ok {
		t.Fatalf("%T calls nothing", who)
	}
	return w.call(t, person, method, path, body, headers...)
}

func messageText(m api.Message) string { return m.Text }
func memoryText(m api.Memory) string   { return m.Text }

func expect(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestMessagesOfSpaces(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	here, there := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID}), w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	w.said(t, here, "first needle", "Das Café ist auf", "say \"needle one\" twice", "a needle of one")
	w.said(t, there, "needle of there")
	list := func(who any, space dbtest.Space, q string) answer {
		return w.as(t, who, http.MethodGet, c.path("/spaces/%s/messages?q=%s", space.ID, url.QueryEscape(q)), nil)
	}
	key := func(space *uuid.UUID, permissions ...string) any {
		return w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: space, Permissions: permissions})
	}
	for q, want := range map[string][]string{
		"":                         {"a needle of one", "say \"needle one\" twice", "Das Café ist auf", "first needle"},
		"needle":                   {"a needle of one", "say \"needle one\" twice", "first needle"},
		"NEED":                     {"a needle of one", "say \"needle one\" twice", "first needle"},
		`"needle one"`:             {"say \"needle one\" twice"},
		"needle -one":              {"first needle"},
		"-needle":                  {"Das Café ist auf"},
		"cafe or first":            {"Das Café ist auf", "first needle"},
		"café":                     {"Das Café ist auf"},
		"!?&|():*<->\\'":           {},
		"' ; drop table messages;": {},
		"needle' | 'first":         {"first needle"},
		"there":                    {},
	} {
		expect(t, "q="+q, texts(list(c.admin, here, q), t, messageText), want...)
		expect(t, "in the space, q="+q, texts(list(key(&here.ID, "memories:read"), here, q), t, messageText), want...)
	}
	marked := into[api.Page[api.Message]](t, list(c.admin, here, "cafe").want(t, 200)).Items[0].Snippet
	if len(marked) == 0 {
		t.Error("nothing is around what was found")
	}
	if diff := cmp.Diff([]api.SnippetPart{{Text: "Das "}, {Text: "Café", Match: true}, {Text: " ist auf"}},
		into[api.Page[api.Message]](t, list(c.admin, here, "café").want(t, 200)).Items[0].Snippet); diff != "" {
		t.Errorf("snippet (-want +got):\n%s", diff)
	}
	// Pages of what is found.
	first := into[api.Page[api.Message]](t, w.as(t, c.owner, http.MethodGet, c.path("/spaces/%s/messages?q=needle&limit=2", here.ID), nil).want(t, 200))
	expect(t, "second page", texts(w.as(t, c.owner, http.MethodGet, c.path("/spaces/%s/messages?q=needle&limit=2&cursor=%s", here.ID, *first.NextCursor), nil), t, messageText), "first needle")

	list(key(&here.ID, "conversations:read"), there, "needle").want(t, http.StatusNotFound)
	list(key(&here.ID, "conversations:read"), there, "").want(t, http.StatusNotFound)
	expect(t, "in no space, with memories:read alone", texts(list(key(nil, "memories:read"), here, "needle"), t, messageText))
	expect(t, "in no space, with conversations:read", texts(list(key(nil, "conversations:read"), there, "needle"), t, messageText), "needle of there")
	list(key(&here.ID, "posts:read"), here, "").want(t, http.StatusForbidden)
	list(c.member, here, "").want(t, http.StatusForbidden)
	list(c.viewer, here, "needle").want(t, http.StatusForbidden)
	list(c.outsider, here, "needle").want(t, http.StatusNotFound)
	w.as(t, c.outsider, http.MethodGet, "/v1/customers/"+c.elsewhere.ID.String()+"/spaces/"+here.ID.String()+"/messages?q=needle", nil).want(t, http.StatusNotFound)

	// Erasure: of one space, with its memories.
	w.exec(t, "insert into memories (customer_id, id, space_id, text) values ($1, $2, $3, 'gone'), ($1, $4, null, 'stays')", c.customer.ID, dbtest.NewID(t), here.ID, dbtest.NewID(t))
	one := c.path("/spaces/%s/messages", here.ID)
	w.as(t, c.member, http.MethodDelete, one, nil).want(t, http.StatusForbidden)
	w.as(t, key(&here.ID, "conversations:read", "memories:write"), http.MethodDelete, one, nil).want(t, http.StatusForbidden)
	if got := into[api.Erased](t, w.as(t, c.admin, http.MethodDelete, one+"?before=2020-01-01T00:00:00Z&memories=true", nil).want(t, 200)); got != (api.Erased{}) {
		t.Errorf("before it was said: %+v", got)
	}
	if got := into[api.Erased](t, w.as(t, c.admin, http.MethodDelete, one+"?memories=true", nil).want(t, 200)); got != (api.Erased{Messages: 4, Memories: 1}) {
		t.Errorf("erased %+v", got)
	}
	expect(t, "after it", texts(list(c.admin, here, ""), t, messageText))
	expect(t, "there", texts(list(c.admin, there, ""), t, messageText), "needle of there")
	expect(t, "memories", texts(w.as(t, c.admin, http.MethodGet, c.path("/memories"), nil), t, memoryText), "stays")
	var logged string
	if err := w.Super.QueryRow(t.Context(), "select string_agg(to_jsonb(a)::text, ' ') from audit_log a where customer_id = $1 and (action like 'message.%' or action like 'memory.%')", c.customer.ID).Scan(&logged); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged, `"count": 4`) || strings.Contains(logged, "needle") || strings.Contains(logged, "gone") {
		t.Errorf("the log says %s", logged)
	}
}

func TestMemories(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	here, there := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID}), w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	key := func(space *uuid.UUID, permissions ...string) any {
		return w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: space, Permissions: permissions})
	}
	inHere, inThere, nowhere := key(&here.ID, "memories:read", "memories:write"), key(&there.ID, "memories:read", "memories:write"), key(nil, "memories:read", "memories:write")
	write := func(who any, body m) answer { return w.as(t, who, http.MethodPost, c.path("/memories"), body) }
	read := func(who any, query string) []string {
		return texts(w.as(t, who, http.MethodGet, c.path("/memories?%s", query), nil), t, memoryText)
	}
	all := into[api.Memory](t, write(nowhere, m{"text": "Never use emojis"}).want(t, 201))
	made := write(inHere, m{"text": "Kate writes the emojis herself"}).want(t, 201)
	own := into[api.Memory](t, made)
	write(inThere, m{"text": "There is a secret"}).want(t, 201)
	write(c.admin, m{"text": "Emojis, emojis, emojis", "space_id": here.ID}).want(t, 201)
	if all.SpaceID != nil || own.SpaceID == nil || *own.SpaceID != here.ID {
		t.Fatalf("%v and %v", all.SpaceID, own.SpaceID)
	}
	write(inHere, m{"text": "x", "space_id": there.ID}).want(t, http.StatusForbidden)
	write(nowhere, m{"text": "x", "space_id": there.ID}).want(t, http.StatusForbidden)
	write(c.admin, m{"text": "x", "space_id": uuid.New()}).want(t, http.StatusNotFound)
	get := func(rest string) answer { return w.as(t, c.admin, http.MethodGet, c.path("/memories%s", rest), nil) }
	for _, wrong := range []answer{write(c.admin, m{"text": "x", "space_id": "x"}), get("?space_id=x"), get("/x")} {
		if p := wrong.want(t, http.StatusUnprocessableEntity).problem(t); len(p.Errors) != 1 || p.Errors[0].Message != "must be a UUID" {
			t.Errorf("%+v", p)
		}
	}
	write(c.member, m{"text": "x"}).want(t, http.StatusForbidden)
	write(key(&here.ID, "memories:read"), m{"text": "x"}).want(t, http.StatusForbidden)

	expect(t, "here", read(inHere, ""), "Emojis, emojis, emojis", "Kate writes the emojis herself", "Never use emojis")
	expect(t, "there", read(inThere, ""), "There is a secret", "Never use emojis")
	for _, query := range []string{"space_id=", "q=emojis&space_id="} {
		w.as(t, inThere, http.MethodGet, c.path("/memories?%s%s", query, here.ID), nil).want(t, http.StatusNotFound)
		w.as(t, c.admin, http.MethodGet, c.path("/memories?%s%s", query, uuid.New()), nil).want(t, http.StatusNotFound)
	}
	expect(t, "nowhere", read(nowhere, ""), "Never use emojis")
	expect(t, "admin", read(c.admin, ""), "Emojis, emojis, emojis", "There is a secret", "Kate writes the emojis herself", "Never use emojis")
	expect(t, "admin of here", read(c.admin, "space_id="+here.ID.String()), "Emojis, emojis, emojis", "Kate writes the emojis herself", "Never use emojis")
	expect(t, "the best first", read(inHere, "q=emoj"), "Emojis, emojis, emojis", "Never use emojis", "Kate writes the emojis herself")
	expect(t, "punctuation", read(inHere, "q=%27%26%21%28"))
	w.as(t, c.member, http.MethodGet, c.path("/memories"), nil).want(t, http.StatusForbidden)

	one := c.path("/memories/%s", own.ID)
	w.as(t, inThere, http.MethodGet, one, nil).want(t, http.StatusNotFound)
	w.as(t, inThere, http.MethodPatch, one, m{"text": "x"}).want(t, http.StatusNotFound)
	w.as(t, inThere, http.MethodDelete, one, nil).want(t, http.StatusNotFound)
	w.as(t, inHere, http.MethodPatch, c.path("/memories/%s", all.ID), m{"text": "x"}).want(t, http.StatusForbidden)
	w.as(t, inHere, http.MethodDelete, c.path("/memories/%s", all.ID), nil).want(t, http.StatusForbidden)
	w.as(t, inHere, http.MethodPatch, one, m{"text": "Kate does"}, "If-Match", made.etag()).want(t, 200)
	w.as(t, inHere, http.MethodPatch, one, m{"text": "y"}, "If-Match", made.etag()).want(t, http.StatusPreconditionFailed)
	w.as(t, inHere, http.MethodPatch, one, m{}).want(t, http.StatusUnprocessableEntity)
	w.as(t, inHere, http.MethodDelete, one, nil).want(t, http.StatusNoContent)
	w.as(t, inHere, http.MethodGet, one, nil).want(t, http.StatusNotFound)
}

// meanings is an embeddings server that knows what a few words mean.
type meanings map[string][]float32

func (m meanings) Model() string { return "test" }

func (m meanings) Embed(_ context.Context, texts []string) ([][]float32, error) {
	vector, known := m[texts[0]]
	if !known {
		return nil, errors.New("the server is away")
	}
	return [][]float32{vector}, nil
}

// TestMemoriesByMeaning runs with and without the extension vector: with it, what means the same is found too.
func TestMemoriesByMeaning(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{embedder: meanings{"car": {1, 0}}})
	c := w.cast(t)
	var there bool
	if err := w.Super.QueryRow(t.Context(), "select exists (select from pg_available_extensions where name = 'vector')").Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		w.exec(t, "create extension if not exists vector")
	}
	here, other := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID}), w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	for _, memory := range []struct {
		space  *uuid.UUID
		text   string
		vector []float32
		model  string
	}{
		{&here.ID, "the car is red", nil, ""}, {&here.ID, "an automobile", []float32{0.9, 0.1}, "test"}, {nil, "a bicycle", []float32{0.5, 0.5}, "test"},
		{&other.ID, "their automobile", []float32{1, 0}, "test"}, {&here.ID, "of another model", []float32{1, 0}, "old"}, {&here.ID, "of another size", []float32{1, 0, 0}, "test"},
	} {
		w.exec(t, "insert into memories (customer_id, id, space_id, text, embedding, embedding_model) values ($1, $2, $3, $4, $5, nullif($6, ''))",
			c.customer.ID, dbtest.NewID(t), memory.space, memory.text, memory.vector, memory.model)
	}
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: &here.ID, Permissions: []string{"memories:read"}})
	found := texts(w.as(t, key, http.MethodGet, c.path("/memories?q=car"), nil), t, memoryText)
	want := []string{"the car is red"}
	if there {
		want = append(want, "an automobile", "a bicycle")
	}
	expect(t, "by meaning", found, want...)
	expect(t, "the server is away", texts(w.as(t, key, http.MethodGet, c.path("/memories?q=automobile"), nil), t, memoryText), "an automobile")
	if n := w.count(t, "select sum(count) from usage_entries where customer_id = $1 and kind = 'embed_text'", c.customer.ID); n != 1 {
		t.Errorf("usage counts %d texts, want the one that the server has taken", n)
	}
}
