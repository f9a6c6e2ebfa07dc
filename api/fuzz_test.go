package api_test

import (
	"net/http"
	"strings"
	"testing"

	"fanfare/db/dbtest"
)

// FuzzBody sends any bytes as a post's body: the answer is never a 5xx, always fits the document, and nothing
// that is refused is stored.
func FuzzBody(f *testing.F) {
	w := setup(f)
	c := w.cast(f)
	account := w.Integration(f, dbtest.Integration{CustomerID: c.customer.ID})
	post := w.Post(f, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"text": "a"}`, `{"title": "a", "text": "b", "campaign_id": null, "platforms": null}`,
		`{"text": "a", "platforms": [{"integration_id": "` + account.ID.String() + `", "text": null}]}`,
		`{"text": "a", "platforms": [{"integration_id": "` + account.ID.String() + `"}, {"integration_id": "` + account.ID.String() + `"}]}`,
		`{"text": "a", "campaign_id": "00000000-0000-0000-0000-000000000000"}`, `{"campaign_id": "urn:uuid:00000000-0000-0000-0000-000000000000"}`,
		`{"text": "\u0000"}`, `{"text": "\ud800"}`, "{\"text\": \"\xff\"}", `{"Text": "a", "TEXT": "b"}`, `{"text": "a", "text": 1}`,
		`{"platforms": [{"integration_id": "` + account.ID.String() + `"}], "platforms": [{}]}`, `{"campaign_id": 1e400}`, `{"text": {"a": [1, {"b": null}]}}`,
		strings.Repeat(`{"text":`, 100),
	} {
		f.Add(true, []byte(seed))
		f.Add(false, []byte(seed))
	}
	path := c.path("/posts/%s", post.ID)
	f.Fuzz(func(t *testing.T, create bool, body []byte) {
		method, target := http.MethodPatch, path
		if create {
			method, target = http.MethodPost, c.path("/posts")
		}
		before := w.stored(t)
		a := w.call(t, c.member, method, target, string(body))
		if a.status >= 500 {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		if after := w.stored(t); a.status >= 400 && after != before {
			t.Errorf("%d, and yet something changed: %s, before %s", a.status, after, before)
		}
	})
}
