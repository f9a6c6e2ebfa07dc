package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// bundle is a database, a key set and a platform whose behaviour a test decides.
type bundle struct {
	*dbtest.DB
	t           testing.TB
	vault       *vault.Vault
	platform    *scripted
	customer    dbtest.Customer
	integration dbtest.Integration
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	v, err := vault.Create(t.Context(), vault.Config{KeySet: t.TempDir() + "/keyset.json"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{DB: dbtest.New(t), t: t, vault: v, platform: &scripted{}}
	b.customer = b.Customer(t, dbtest.Customer{})
	b.integration = b.account(b.customer)
	return b
}

// second is another customer beside the first one, with an account of its own.
func (b *bundle) second() *bundle {
	b.t.Helper()
	other := b.Customer(b.t, dbtest.Customer{})
	return &bundle{DB: b.DB, t: b.t, vault: b.vault, platform: b.platform, customer: other, integration: b.account(other)}
}

// account makes a connected account of a customer, with a credential that can be opened.
func (b *bundle) account(customer dbtest.Customer) dbtest.Integration {
	b.t.Helper()
	id := dbtest.NewID(b.t)
	sealed, err := b.vault.Seal([]byte(`{"secret":"s3cret"}`), vault.Credential(customer.ID, id, "ghost"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Integration(b.t, dbtest.Integration{CustomerID: customer.ID, ID: id, Credential: sealed, KeyID: int64(b.vault.PrimaryKeyID())})
}

// worker makes a worker on the bundle's database; it is stopped with the test.
func (b *bundle) worker(config WorkerConfig) *Worker {
	b.t.Helper()
	w, err := NewWorker(Deps{
		Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)),
		Publishers: map[platform.Name]platform.Publisher{platform.Ghost: b.platform},
	}, config)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bundle) start(w *Worker) {
	b.t.Helper()
	if err := w.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			b.t.Errorf("stop worker: %v", err)
		}
	})
}

// scheduled makes a post that is due at a time, with its job.
func (b *bundle) scheduled(at time.Time) dbtest.Post {
	b.t.Helper()
	p := b.Post(b.t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	b.schedule(p, at)
	b.enqueue(p, at)
	return p
}

func (b *bundle) schedule(p dbtest.Post, at time.Time) {
	b.t.Helper()
	b.exec("update posts set scheduled_at = $2 where id = $1", p.ID, at)
	b.exec("update platform_posts set state = 'scheduled' where post_id = $1", p.ID)
}

func (b *bundle) enqueue(p dbtest.Post, at time.Time) {
	b.t.Helper()
	queue, err := NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	err = b.TenantWorker().Tx(b.t.Context(), tenant.Worker(b.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queue.InsertTx(ctx, tx, b.args(p), insertAt(at))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) args(p dbtest.Post) PublishArgs {
	return PublishArgs{CustomerID: b.customer.ID, PostID: p.ID, PlatformPostID: p.PlatformPosts[0]}
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.Super.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// scan reads one row of anything, as the superuser.
func scan[T any](b *bundle, sql string, args ...any) T {
	b.t.Helper()
	value, err := queryOne[T](b, sql, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func queryOne[T any](b *bundle, sql string, args ...any) (T, error) {
	var value T
	err := b.Super.QueryRow(b.t.Context(), sql, args...).Scan(&value)
	return value, err
}

// eventually waits until a query answers the wanted value.
func eventually[T comparable](b *bundle, want T, sql string, args ...any) {
	b.t.Helper()
	var got T
	await(b.t, func() (bool, string) {
		var err error
		if got, err = queryOne[T](b, sql, args...); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			b.t.Fatalf("%s: %v", sql, err)
		}
		return err == nil && got == want, fmt.Sprintf("%s: %v is still not %v", sql, got, want)
	})
}

// await waits until something is so, or else fails with what is said of it.
func await(t testing.TB, so func() (bool, string)) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		is, instead := so()
		if is {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(instead)
		}
	}
}

const stateOf = "select state from platform_posts where id = $1"

// scripted is a platform that does what the test says. It remembers what was published.
type scripted struct {
	mu        sync.Mutex
	publish   func(ctx context.Context, post platform.Post, attempt platform.Attempt) error
	reconcile func(ctx context.Context, post platform.Post) (*platform.Published, error)
	published map[uuid.UUID]int
	asked     int
}

func (s *scripted) Account(context.Context, json.RawMessage) (platform.Account, error) {
	return platform.Account{ExternalID: "x", Name: "x"}, nil
}

func (s *scripted) Publish(ctx context.Context, credential json.RawMessage, post platform.Post, attempt platform.Attempt) (platform.Published, error) {
	if string(credential) != `{"secret":"s3cret"}` {
		return platform.Published{}, &platform.Error{Class: platform.Credential, Message: "another credential came out than went in"}
	}
	if s.publish != nil {
		if err := s.publish(ctx, post, attempt); err != nil {
			return platform.Published{}, err
		}
	}
	return s.put(post), nil
}

// put publishes at once.
func (s *scripted) put(post platform.Post) platform.Published {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.published == nil {
		s.published = map[uuid.UUID]int{}
	}
	s.published[post.ID]++
	return platform.Published{ExternalID: post.ID.String(), URL: "https://example.com/" + post.ID.String(), At: time.Now()}
}

func (s *scripted) times(id uuid.UUID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.published[id]
}

func (s *scripted) Reconcile(ctx context.Context, _ json.RawMessage, post platform.Post, _ platform.Attempt) (*platform.Published, error) {
	s.mu.Lock()
	s.asked++
	there := s.published[post.ID] > 0
	s.mu.Unlock()
	if s.reconcile != nil {
		return s.reconcile(ctx, post)
	}
	if there {
		return &platform.Published{ExternalID: post.ID.String(), URL: "https://example.com/" + post.ID.String(), At: time.Now()}, nil
	}
	return nil, nil //nolint:nilnil // that is what "certainly not there" looks like
}
