package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// Every POST can be repeated: the same key gives the same answer and changes nothing more.
func TestEveryPostIsIdempotent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, o := range operations() {
		if o.Method != http.MethodPost || o.storesNothing() {
			continue
		}
		t.Run(o.OperationID, func(t *testing.T) {
			c := w.cast(t)
			path, body, who, headers := w.posting(t, o, c)
			headers = append(headers, "Idempotency-Key", "a-key")
			first := w.call(t, who, o.Method, path, body, headers...)
			if first.status >= 300 {
				t.Fatalf("a good request: %d %s", first.status, first.body)
			}
			before := w.stored(t)
			again := w.call(t, who, o.Method, path, body, headers...).want(t, first.status)
			if string(again.body) != string(first.body) || again.etag() != first.etag() {
				t.Errorf("the second answer is\n%s %s, the first\n%s %s", again.etag(), again.body, first.etag(), first.body)
			}
			if after := w.stored(t); after != before {
				t.Errorf("the repetition has changed something: %s, before %s", after, before)
			}
			var sealed []byte
			mustDo(t, w.Super.QueryRow(t.Context(), "select answer from idempotency_keys where operation = $1", o.OperationID).Scan(&sealed))
			if strings.Contains(string(sealed), "created_at") {
				t.Error("the answer is kept in plain text")
			}
		})
	}
}

// posting gives a good request of a POST operation, which succeeds once.
func (w *world) posting(t *testing.T, o operation, c cast) (path string, body any, who dbtest.User, headers []string) {
	t.Helper()
	path = w.everything(t, c).fill(t, o.template)
	body = o.body(t)
	if o.namesInBody() {
		body = o.in(t, c.customer.ID)
	}
	switch o.OperationID {
	case "create-integration":
		body = m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}
	case "create-bot":
		body = m{"platform": "telegram", "token": w.telegramBot(t).Token}
	case "create-space-credential":
		w.exec(t, "delete from credentials where customer_id = $1", c.customer.ID) // there is one of the space
	case "use-image":
		body = m{"image_id": w.box.UnsplashPhotoIDs()[3]}
	case "accept-invitation":
		link := into[api.NewInvitation](t, w.invite(t, c, c.owner, c.outsider.Email, "member")).Link
		_, token, _ := strings.Cut(*link, "#token=")
		return path, m{"token": token}, c.outsider, nil
	case "restore-customer":
		w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
	case "erase-customer":
		w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
		body = m{"name": c.customer.Name}
	case "create-recurring-post":
		account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
		body = m{"post_id": post.ID, "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"}
	case "cancel-post":
		w.call(t, c.owner, http.MethodPost, strings.TrimSuffix(path, "/cancel")+"/publish", nil).want(t, 202)
	case "withdraw-post", "approve-post", "reject-post":
		submitted := w.call(t, c.owner, http.MethodPost, path[:strings.LastIndex(path, "/")]+"/submit", m{}).want(t, 200)
		headers = []string{"If-Match", submitted.etag()}
	case "confirm-pairing", "deny-pairing":
		w.claimed(t, path)
		headers = []string{"If-Match", `"v2"`}
	case "confirm-platform-post", "retry-platform-post":
		w.needsAttention(t, c, "unknown_outcome")
	}
	return path, body, c.owner, headers
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()

	t.Run("another request with the same key is refused", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 201)
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "Two"}, "Idempotency-Key", "k").wantAt(t, "header.Idempotency-Key")
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One", "title": "T"}, "Idempotency-Key", "k").want(t, 422)
		if n := w.count(t, "select count(*) from posts"); n != 1 {
			t.Errorf("there are %d posts", n)
		}
		// Another operation, another person and another key are free.
		w.call(t, c.owner, http.MethodPost, c.path("/campaigns"), m{"name": "One"}, "Idempotency-Key", "k").want(t, 201)
		w.call(t, c.member, http.MethodPost, c.path("/posts"), m{"text": "Two"}, "Idempotency-Key", "k").want(t, 201)
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "Two"}, "Idempotency-Key", "l").want(t, 201)
	})

	t.Run("the same text in another customer is another request", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.Join(t, c.elsewhere.ID, c.owner.ID, "member")
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 201)
		w.call(t, c.owner, http.MethodPost, "/v1/customers/"+c.elsewhere.ID.String()+"/posts", m{"text": "One"}, "Idempotency-Key", "k").want(t, 422)
	})

	t.Run("a refused request may be sent again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID})
		path := c.path("/posts/%s/publish", post.ID)
		w.call(t, c.owner, http.MethodPost, path, nil, "Idempotency-Key", "k").want(t, 409) // names no platform
		account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		w.call(t, c.owner, http.MethodPatch, c.path("/posts/%s", post.ID), m{"platforms": []m{{"integration_id": account.ID}}}).want(t, 200)
		w.call(t, c.owner, http.MethodPost, path, nil, "Idempotency-Key", "k").want(t, 202)
	})

	t.Run("who has left gets no answer again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.call(t, c.member, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 201)
		w.exec(t, "delete from memberships where user_id = $1", c.member.ID)
		w.call(t, c.member, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 404)
	})

	t.Run("an answer is forgotten after a day", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		first := w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 201)
		w.exec(t, "update idempotency_keys set created_at = now() - interval '24 hours 1 second'")
		second := w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "Two"}, "Idempotency-Key", "k").want(t, 201)
		third := w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "Two"}, "Idempotency-Key", "k").want(t, 201)
		if string(first.body) == string(second.body) || string(second.body) != string(third.body) {
			t.Errorf("answers %s, %s, %s", first.body, second.body, third.body)
		}
		w.exec(t, "update idempotency_keys set created_at = now() - interval '24 hours 1 second'")
		if n := w.count(t, "select tenancy.delete_expired_idempotency_keys(100)"); n != 1 {
			t.Errorf("%d answers were forgotten", n)
		}
	})

	t.Run("a key must be visible ASCII", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		for _, key := range []string{"", "with space", "ä", strings.Repeat("k", 256), "tab\there"} {
			w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", key).wantAt(t, "header.Idempotency-Key")
		}
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", strings.Repeat("k", 255)).want(t, 201)
	})

	t.Run("a new API key is answered again and kept nowhere in plain text", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		body := m{"name": "CI", "permissions": []string{"posts:read"}}
		first := into[struct{ Key string }](t, w.call(t, c.owner, http.MethodPost, c.path("/api-keys"), body, "Idempotency-Key", "k").want(t, 201))
		again := into[struct{ Key string }](t, w.call(t, c.owner, http.MethodPost, c.path("/api-keys"), body, "Idempotency-Key", "k").want(t, 201))
		if first.Key == "" || first.Key != again.Key {
			t.Errorf("keys %q and %q", first.Key, again.Key)
		}
		if n := w.count(t, "select count(*) from idempotency_keys k where k::text like '%' || $1 || '%' or position($1::text::bytea in answer) > 0", first.Key); n > 0 {
			t.Error("the key can be read in the database")
		}
	})

	t.Run("two at once do it once", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		const callers = 12
		answers := make([]answer, callers)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() {
				answers[i] = w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k")
			})
		}
		wait.Wait()
		for _, a := range answers {
			if a.status != 201 || string(a.body) != string(answers[0].body) {
				t.Errorf("%d %s, another %s", a.status, a.body, answers[0].body)
			}
		}
		if n := w.count(t, "select count(*) from posts"); n != 1 {
			t.Errorf("there are %d posts", n)
		}
	})

	t.Run("one that stays under way is a conflict", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		tx, err := w.Super.Begin(t.Context())
		mustDo(t, err)
		defer func() { _ = tx.Rollback(t.Context()) }()
		_, err = tx.Exec(t.Context(), "insert into idempotency_keys (actor_id, operation, key, fingerprint) values ($1, 'create-post', 'k', sha256('x'))", c.owner.ID)
		mustDo(t, err)
		start := time.Now()
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "One"}, "Idempotency-Key", "k").want(t, 409)
		if waited := time.Since(start); waited < 4*time.Second {
			t.Errorf("gave up after %s", waited)
		}
	})

	t.Run("a site is not asked again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		body := m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}
		w.call(t, c.owner, http.MethodPost, c.path("/integrations"), body, "Idempotency-Key", "k").want(t, 201)
		hits := w.siteHits.count()
		w.call(t, c.owner, http.MethodPost, c.path("/integrations"), body, "Idempotency-Key", "k").want(t, 201)
		if w.siteHits.count() != hits {
			t.Error("the site was asked again")
		}
	})
}

// A POST that documents the key, and every other operation that does not.
func TestIdempotencyKeyIsDescribed(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		encoded := string(must(json.Marshal(o.Parameters)))
		if has := strings.Contains(encoded, `"Idempotency-Key"`); has != (o.Method == http.MethodPost && !o.storesNothing()) {
			t.Errorf("%s %s: documents Idempotency-Key: %t", o.Method, o.OperationID, has)
		}
	}
}
