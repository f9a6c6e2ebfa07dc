package db_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
)

// TestMemoriesToEmbed: what the model has not seen is found, the oldest first, and the memories of archived customers, which
// nobody embeds, keep nobody else's from being found.
func TestMemoriesToEmbed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	archived, c := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	mustExec(t, d, "update customers set archived_at = now() where id = $1", archived.ID)
	add := func(customer uuid.UUID, model *string) uuid.UUID {
		id := newID(t)
		mustExec(t, d, "insert into memories (customer_id, id, text, embedding_model) values ($1, $2, 'Soup on Mondays', $3)", customer, id, model)
		return id
	}
	before, now, after := "a", "m", "z"
	for _, model := range []*string{nil, &before, &after} {
		for range 3 {
			add(archived.ID, model)
		}
	}
	first, second, old, other := add(c.ID, nil), add(c.ID, nil), add(c.ID, &before), add(c.ID, &after)
	add(c.ID, &now)
	found := func(limit int) []uuid.UUID {
		t.Helper()
		return column[uuid.UUID](ctx, t, d.Worker, "select id from tenancy.memories_to_embed('m', $1)", limit)
	}
	if got, want := found(10), []uuid.UUID{first, second, old, other}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if got, want := found(1), []uuid.UUID{first}; !slices.Equal(got, want) {
		t.Errorf("found %v first, want %v", got, want)
	}
}
