package jobs

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
)

// A worker removes what a crash has left: deletions that were begun, uploads that were broken off, halves of files.
func TestRemoveMedia(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	w := b.workerWith(store, WorkerConfig{})
	add := func(state, age string) uuid.UUID {
		id := dbtest.NewID(t)
		key := bucket.Media(b.customer.ID) + id.String()
		b.exec("insert into media (customer_id, id, path, content_type, bytes, state, updated_at) values ($1, $2, $3, 'image/png', 1, $4, now() - $5::interval)",
			b.customer.ID, id, key, state, age)
		b.put(store, key)
		b.put(store, key+".18c7.tmp")
		return id
	}
	kept := []uuid.UUID{add("ready", "1 year"), add("uploading", "23 hours"), add("deleting", "10 seconds")}
	gone := []uuid.UUID{add("uploading", "25 hours"), add("deleting", "2 minutes")}

	for range 2 { // the second time there is nothing left to do
		if err := w.removeMedia(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range kept {
		if got := scan[int](b, "select count(*)::int from media where id = $1", id); got != 1 {
			t.Errorf("the row of %s is gone", id)
		}
		if n, err := store.Count(t.Context(), bucket.Media(b.customer.ID)+id.String()); err != nil || n != 2 {
			t.Errorf("%d files of %s: %v", n, id, err)
		}
	}
	for _, id := range gone {
		if n, err := store.Count(t.Context(), bucket.Media(b.customer.ID)+id.String()); err != nil || n != 0 {
			t.Errorf("%d files of %s are left: %v", n, id, err)
		}
	}
	if n := scan[int](b, "select count(*)::int from media"); n != len(kept) {
		t.Errorf("%d rows are left", n)
	}
}

// A worker that dies between the bytes and the row has left nothing that the next one does not find.
func TestRemoveMediaAfterCrash(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	id := dbtest.NewID(t)
	b.exec("insert into media (customer_id, id, path, content_type, bytes, state, updated_at) values ($1, $2, 'x', 'image/png', 1, 'deleting', now() - interval '1 hour')",
		b.customer.ID, id)
	b.start(b.workerWith(store, WorkerConfig{})) // its bytes are gone already
	eventually(b, 0, "select count(*)::int from media")
}

func TestFillIn(t *testing.T) {
	t.Parallel()
	template := json.RawMessage(`{"subject": "{{title}} from {{customer}}", "preview_text": "{{teaser}}", "html": "<h1>{{title}}</h1>{{text}}", "customer": "Blue Bottle"}`)
	id := uuid.New()
	post := platform.Post{Title: "Bread", Text: "One\n\nTwo", Options: platform.Options{TemplateID: &id, PreviewText: "Own"}}
	broken, err := FillIn(platform.Mailchimp, &post, template)
	if err != nil || len(broken) != 1 || broken[0].Field != "options.variables.teaser" || broken[0].Rule != "required" || post.HTML != "" {
		t.Errorf("without a variable: %v %v, %+v", broken, err, post)
	}
	post.Options.Variables = map[string]string{"teaser": "Now"}
	if broken, err = FillIn(platform.Mailchimp, &post, template); err != nil || len(broken) != 0 {
		t.Fatal(broken, err)
	}
	if post.HTML != "<h1>Bread</h1><p>One</p><p>Two</p>" || post.Options.Subject != "Bread from Blue Bottle" || post.Options.PreviewText != "Own" {
		t.Errorf("filled in: %+v", post)
	}
	post = platform.Post{Text: "One", Options: platform.Options{TemplateID: &id, Variables: map[string]string{"teaser": "Now"}}}
	if broken, err = FillIn(platform.Ghost, &post, template); err != nil || len(broken) != 1 || broken[0].Field != "title" {
		t.Errorf("without a title: %v %v", broken, err)
	}
	if broken, err = FillIn(platform.Ghost, &post, nil); err != nil || len(broken) != 1 || broken[0].Rule != "unknown" {
		t.Errorf("without the template: %v %v", broken, err)
	}
	if broken, err = FillIn(platform.Twitter, &post, nil); err != nil || len(broken) != 0 {
		t.Errorf("on X: %v %v", broken, err)
	}
	post.Options.TemplateID = nil
	if broken, err = FillIn(platform.Ghost, &post, nil); err != nil || len(broken) != 0 || post.HTML != "" {
		t.Errorf("without one: %v %v", broken, err)
	}
	if _, err := (&publishWorker{}).content(&claim{}); err == nil || errors.As(err, new(*platform.Error)) {
		t.Errorf("what cannot be read is the post's fault: %v", err)
	}
}
