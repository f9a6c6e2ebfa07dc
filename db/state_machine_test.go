package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// The state machine of requirement C2, written down a second time: from each state, where it may go. Staying
// is always allowed.
var (
	platformPostMoves = map[string]string{
		"draft":            "pending_approval approved scheduled cancelled",
		"pending_approval": "draft approved cancelled",
		"approved":         "draft pending_approval scheduled cancelled",
		"scheduled":        "draft pending_approval approved publishing needs_attention cancelled",
		"publishing":       "scheduled published failed needs_attention",
		"published":        "",
		"failed":           "draft pending_approval scheduled cancelled",
		"needs_attention":  "published scheduled pending_approval cancelled",
		"cancelled":        "draft",
	}
	postMoves = map[string]string{
		"draft":               "pending_approval approved scheduled cancelled",
		"pending_approval":    "draft approved scheduled cancelled",
		"approved":            "draft pending_approval scheduled cancelled",
		"scheduled":           "draft pending_approval approved publishing needs_attention cancelled",
		"publishing":          "draft pending_approval approved scheduled published partially_published failed needs_attention cancelled",
		"published":           "",
		"partially_published": "publishing published needs_attention",
		"failed":              "draft pending_approval approved scheduled publishing cancelled",
		"needs_attention":     "draft pending_approval approved scheduled publishing published partially_published failed cancelled",
		"cancelled":           "draft",
	}
)

func mayMove(moves map[string]string, from, to string) bool {
	return from == to || slices.Contains(strings.Fields(moves[from]), to)
}

// mayBeOut: these are for people only where nothing is out, and everything of the machine's posts is. See
// TestWhatMayBeOut.
func mayBeOut(from, to string) bool {
	return (from == "cancelled" && to == "draft") || (from == "needs_attention" && to == "pending_approval")
}

// personMayMove: what a person may do of what a platform post may do. Only the worker begins and reports.
func personMayMove(from, to string) bool {
	if from == to {
		return true
	}
	return mayMove(platformPostMoves, from, to) && !mayBeOut(from, to) && from != "publishing" && to != "publishing" && to != "failed" && to != "needs_attention" &&
		(to != "published" || from == "needs_attention")
}

// follows is the state of a post whose platform posts are in the given states; empty when it has none.
func follows(states []string) string {
	has := func(any ...string) bool {
		return slices.ContainsFunc(states, func(s string) bool { return slices.Contains(any, s) })
	}
	switch {
	case len(states) == 0:
		return ""
	case has("publishing"), has("scheduled") && has("published", "failed", "needs_attention"):
		return "publishing"
	case has("scheduled"):
		return "scheduled"
	case has("needs_attention"):
		return "needs_attention"
	case has("published") && has("failed", "draft", "pending_approval", "approved"):
		return "partially_published"
	}
	for _, state := range []string{"published", "failed", "draft", "pending_approval", "approved"} {
		if has(state) {
			return state
		}
	}
	return "cancelled"
}

// postFrozen: the states in which a post's words and files may not change.
var postFrozen = []string{"publishing", "published", "partially_published", "needs_attention"}

// TestStateTables compares the database's functions with the tables above, for every input.
func TestStateTables(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	for entity, moves := range map[string]map[string]string{"platform_post": platformPostMoves, "post": postMoves} {
		for _, from := range keys(moves) {
			for _, to := range keys(moves) {
				got := one[bool](ctx, t, d.Super, "select tenancy.transition_allowed($1, $2, $3)", entity, from, to)
				if want := mayMove(moves, from, to); got != want {
					t.Errorf("%s %s to %s: %v, want %v", entity, from, to, got, want)
				}
			}
		}
	}
	states := keys(platformPostMoves)
	for set := range 1 << len(states) {
		chosen := []string{}
		for i, state := range states {
			if set&(1<<i) != 0 {
				chosen = append(chosen, state)
			}
		}
		if got := one[string](ctx, t, d.Super, "select coalesce(tenancy.post_state($1), '')", chosen); got != follows(chosen) {
			t.Errorf("post of %v: %q, want %q", chosen, got, follows(chosen))
		}
	}
}

// TestStatesAreClosed: whatever up to three platform posts of one post do in one statement, the post may do
// what follows. (Three suffice: what follows depends on the set of states, and on no more than three of it.)
func TestStatesAreClosed(t *testing.T) {
	t.Parallel()
	states := keys(platformPostMoves)
	next := func(s string) []string { return append(strings.Fields(platformPostMoves[s]), s) }
	failing := map[string]string{}
	check := func(before, after []string) {
		from, to := follows(before), follows(after)
		if from == "" {
			from = "draft"
		}
		if to == "" || mayMove(postMoves, from, to) {
			return
		}
		// The one exception is refused at the platform post: a published post stays published.
		if from == "published" && to == "partially_published" {
			return
		}
		failing[from+" to "+to] = fmt.Sprintf("%v to %v", before, after)
	}
	for _, a := range states {
		for _, b := range states {
			for _, c := range states {
				for _, x := range next(a) {
					for _, y := range next(b) {
						for _, z := range next(c) {
							check([]string{a, b, c}, []string{x, y, z})
						}
					}
				}
				check([]string{a, b, c}, []string{a, b, c, "draft"}) // one is added
				if slices.Contains([]string{"draft", "pending_approval", "approved", "cancelled"}, c) {
					check([]string{a, b, c}, []string{a, b}) // one is taken off
				}
			}
		}
	}
	for _, move := range keys(failing) {
		t.Errorf("a post must be able to go from %s: %s", move, failing[move])
	}
}

// machine is a customer with five accounts and people who move posts.
type machine struct {
	d        *dbtest.DB
	customer uuid.UUID
	accounts []dbtest.Integration
	member   tenant.Scope
	admin    tenant.Scope // a system admin
	worker   tenant.Scope
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	d := dbtest.New(t)
	m := &machine{d: d, customer: d.Customer(t, dbtest.Customer{}).ID}
	for range 5 {
		m.accounts = append(m.accounts, d.Integration(t, dbtest.Integration{CustomerID: m.customer}))
	}
	m.member = d.Member(t, m.customer, "member").Scope().In(m.customer)
	m.admin = d.User(t, dbtest.User{SystemRole: "admin"}).Scope().In(m.customer)
	m.worker = tenant.Worker(m.customer, tenant.Request{})
	return m
}

// post makes a due post with n platform posts that lack nothing that any state asks for.
func (m *machine) post(t testing.TB, n int) dbtest.Post {
	t.Helper()
	p := m.d.Post(t, dbtest.Post{CustomerID: m.customer, Integrations: m.accounts[:n]})
	m.complete(t, p.ID)
	return p
}

func (m *machine) complete(t testing.TB, post uuid.UUID) {
	t.Helper()
	ctx := context.Background()
	if _, err := m.d.Super.Exec(ctx, "update posts set scheduled_at = now() where id = $1", post); err != nil {
		t.Fatal(err)
	}
	if _, err := m.d.Super.Exec(ctx, `update platform_posts set external_id = id, published_at = now(), problem = 'x', problem_class = 'transient'
		where post_id = $1 and external_id is null`, post); err != nil {
		t.Fatal(err)
	}
	// What takes approval back takes the problem, too.
	if _, err := m.d.Super.Exec(ctx, "update platform_posts set problem = 'x', problem_class = 'transient' where post_id = $1 and state = 'draft' and problem is null", post); err != nil {
		t.Fatal(err)
	}
}

// force puts a post's platform posts, and with them the post, into states past all triggers.
func (m *machine) force(t testing.TB, p dbtest.Post, post string, platformPosts ...string) {
	t.Helper()
	ctx := context.Background()
	tx, err := m.d.Super.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "set local session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "update posts set state = $1 where id = $2", post, p.ID); err != nil {
		t.Fatal(err)
	}
	for i, state := range platformPosts {
		if _, err := tx.Exec(ctx, "update platform_posts set state = $1, external_id = coalesce(external_id, id::text) where id = $2", state, p.PlatformPosts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

var errUndone = errors.New("undone")

// try runs a statement in a scope and takes it back. It gives the number of rows.
func (m *machine) try(db *tenant.DB, scope tenant.Scope, sql string, args ...any) (rows int64, err error) {
	err = db.Tx(context.Background(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err != nil {
			return err
		}
		rows = tag.RowsAffected()
		return errUndone
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return rows, err
}

// TestEveryMove tries every pair of states of a platform post as everybody, and of a post without platform
// posts as a member.
func TestEveryMove(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine(t)
	p := m.post(t, 1)
	for _, from := range keys(platformPostMoves) {
		m.force(t, p, follows([]string{from}), from)
		for _, to := range keys(platformPostMoves) {
			const sql = "update platform_posts set state = $1 where id = $2"
			errs := map[string]error{}
			tx, err := m.d.Super.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_, errs["superuser"] = tx.Exec(ctx, sql, to, p.PlatformPosts[0])
			if err := tx.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
			_, errs["worker"] = m.try(m.d.TenantWorker(), m.worker, sql, to, p.PlatformPosts[0])
			_, errs["member"] = m.try(m.d.Tenant(), m.member, sql, to, p.PlatformPosts[0])
			_, errs["system admin"] = m.try(m.d.Tenant(), m.admin, sql, to, p.PlatformPosts[0])
			for who, err := range errs {
				want := refusal{}
				switch {
				case !mayMove(platformPostMoves, from, to):
					want = refusal{badCheck, "platform_posts_state_transition"}
				case (who == "member" || who == "system admin") && mayBeOut(from, to):
					want = refusal{badCheck, "platform_posts_state_transition"}
				case (who == "member" || who == "system admin") && !personMayMove(from, to):
					want = refusal{Code: denied}
				}
				if got := refused(err); got != want || (err != nil && got == refusal{}) {
					t.Errorf("platform post %s to %s as %s: %v (%v), want %v", from, to, who, got, err, want)
				}
			}
		}
	}
	alone := m.post(t, 0)
	noPlatform := []string{"scheduled", "publishing", "published", "partially_published", "failed", "needs_attention"}
	for _, from := range keys(postMoves) {
		m.force(t, alone, from)
		for _, to := range keys(postMoves) {
			want := refusal{}
			switch {
			case !mayMove(postMoves, from, to):
				want = refusal{badCheck, "posts_state_transition"}
			case from != to && slices.Contains(noPlatform, to):
				want = refusal{badCheck, "posts_names_platform"}
			}
			_, err := m.try(m.d.Tenant(), m.member, "update posts set state = $1 where id = $2", to, alone.ID)
			if got := refused(err); got != want || (err != nil && got == refusal{}) {
				t.Errorf("post %s to %s: %v (%v), want %v", from, to, got, err, want)
			}
		}
	}
	// With platform posts, a post's state is theirs and no other, whoever asks.
	for _, state := range keys(platformPostMoves) {
		own := follows([]string{state})
		m.force(t, p, own, state)
		for _, to := range keys(postMoves) {
			_, err := m.try(m.d.TenantWorker(), m.worker, "update posts set state = $1 where id = $2", to, p.ID)
			if (err == nil) != (to == own) {
				t.Errorf("post whose platform post is %s set to %s: %v", state, to, err)
			}
		}
	}
	for _, sql := range []string{
		"insert into posts (customer_id, id, text, state) values ($1, $2, 'x', 'approved')",
		"insert into platform_posts (customer_id, id, post_id, integration_id, state) values ($1, gen_random_uuid(), $2, (select id from integrations limit 1), 'approved')",
	} {
		_, err := m.d.Super.Exec(ctx, sql, m.customer, newID(t))
		expectRefused(t, sql, err, badCheck)
	}
}

// TestPublishedStays: no account joins a published post, and none comes back to it.
func TestPublishedStays(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	p := m.post(t, 2)
	m.force(t, p, "published", "published", "cancelled")
	_, err := m.try(m.d.Tenant(), m.member, "update platform_posts set state = 'draft' where id = $1", p.PlatformPosts[1])
	if got, want := refused(err), (refusal{badCheck, "platform_posts_state_transition"}); got != want {
		t.Errorf("an account that was cancelled comes back: %v (%v), want %v", got, err, want)
	}
	_, err = m.try(m.d.Tenant(), m.member, "insert into platform_posts (id, post_id, integration_id) values ($1, $2, $3)", newID(t), p.ID, m.accounts[2].ID)
	if got, want := refused(err), (refusal{badCheck, "platform_posts_state_transition"}); got != want {
		t.Errorf("an account is added: %v (%v), want %v", got, err, want)
	}
}

// TestFrozenContent: what is being published, or is out, keeps its words, its files and its time.
func TestFrozenContent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine(t)
	p := m.post(t, 2)
	// out says whether readers have part of what is not wholly published.
	out := func(partly bool) {
		if _, err := m.d.Super.Exec(ctx, "update platform_posts set external_id = case when $2 or state = 'published' then id::text end where post_id = $1", p.ID, partly); err != nil {
			t.Fatal(err)
		}
	}
	out(false)
	for i := range 2 {
		if _, err := m.d.Super.Exec(ctx, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/png', 1)",
			m.customer, newID(t), fmt.Sprint("file", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.d.Super.Exec(ctx, "insert into post_media (customer_id, post_id, media_id, position) select $1, $2, id, 0 from media where path = 'file0'", m.customer, p.ID); err != nil {
		t.Fatal(err)
	}
	for _, first := range keys(platformPostMoves) {
		for _, second := range keys(platformPostMoves) {
			state := follows([]string{first, second})
			m.force(t, p, state, first, second)
			out(false)
			for what, sql := range map[string]string{
				"title":        "update posts set title = title || 'x' where id = $1",
				"text":         "update posts set text = text || 'x' where id = $1",
				"file added":   "insert into post_media (post_id, media_id, position) select $1, id, 1 from media where path = 'file1'",
				"file removed": "delete from post_media where post_id = $1",
			} {
				rows, err := m.try(m.d.Tenant(), m.member, sql, p.ID)
				want := refusal{}
				if slices.Contains(postFrozen, state) {
					want = refusal{badCheck, "posts_content_frozen"}
				}
				if got := refused(err); got != want || (err == nil && rows != 1) {
					t.Errorf("%s of a post that is %s: %v, %d rows (%v), want %v", what, state, got, rows, err, want)
				}
			}
			if !slices.Contains(postFrozen, state) {
				out(true)
				for what, sql := range map[string]string{
					"title":        "update posts set title = title || 'x' where id = $1",
					"text":         "update posts set text = text || 'x' where id = $1",
					"file added":   "insert into post_media (post_id, media_id, position) select $1, id, 1 from media where path = 'file1'",
					"file removed": "delete from post_media where post_id = $1",
					"options":      "update platform_posts set options = '{\"reply\": \"x\"}' where post_id = $1",
					"own files":    "update platform_posts set own_media = true where post_id = $1",
					"its file":     "insert into platform_post_media (platform_post_id, media_id, position) select pp.id, m.id, 0 from platform_posts pp, media m where pp.post_id = $1 and m.path = 'file1'",
				} {
					_, err := m.try(m.d.Tenant(), m.member, sql, p.ID)
					if got := refused(err); got.Code != badCheck || !strings.HasSuffix(got.Constraint, "_content_frozen") {
						t.Errorf("%s of a post that is %s and partly out: %v (%v)", what, state, got, err)
					}
				}
				out(false)
			}
			_, err := m.try(m.d.Tenant(), m.member, "update platform_posts set text = coalesce(text, '') || 'x' where id = $1", p.PlatformPosts[0])
			want := refusal{}
			if slices.Contains([]string{"publishing", "published", "needs_attention"}, first) {
				want = refusal{badCheck, "platform_posts_content_frozen"}
			}
			if got := refused(err); got != want {
				t.Errorf("text of a platform post that is %s: %v (%v), want %v", first, got, err, want)
			}
			// The worker may have to put it back to scheduled, for which there must be a time.
			_, err = m.try(m.d.Tenant(), m.member, "update posts set scheduled_at = null where id = $1", p.ID)
			want = refusal{}
			if state == "scheduled" || state == "publishing" {
				want = refusal{badCheck, "posts_scheduled_has_time"}
			}
			if got := refused(err); got != want {
				t.Errorf("time of a post that is %s: %v (%v), want %v", state, got, err, want)
			}
		}
	}
}

// TestRandomWalks: on any way through the states, no allowed step of a platform post fails because of its
// post, the post's state is always the one that follows, and its version always grows.
func TestRandomWalks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine(t)
	type row struct {
		id    uuid.UUID
		state string
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := m.post(t, rapid.IntRange(0, 5).Draw(rt, "platform posts"))
		rows := []row{}
		for _, id := range p.PlatformPosts {
			rows = append(rows, row{id, "draft"})
		}
		states := func() []string {
			all := []string{}
			for _, r := range rows {
				all = append(all, r.state)
			}
			return all
		}
		version := one[int64](ctx, t, m.d.Super, "select version from posts where id = $1", p.ID)
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			before := follows(states())
			switch action := rapid.IntRange(0, 9).Draw(rt, "action"); {
			case action == 0 && len(rows) < 5 && before != "published": // add an account
				used := column[uuid.UUID](ctx, t, m.d.Super, "select integration_id from platform_posts where post_id = $1", p.ID)
				free := slices.IndexFunc(m.accounts, func(a dbtest.Integration) bool { return !slices.Contains(used, a.ID) })
				id := newID(t)
				if err := m.d.Tenant().Tx(ctx, m.member, func(ctx context.Context, tx *tenant.Tx) error {
					return queries.New(tx).PlatformPostCreate(ctx, queries.PlatformPostCreateParams{ID: id, PostID: p.ID, IntegrationID: m.accounts[free].ID, Options: []byte("{}")})
				}); err != nil {
					rt.Fatalf("add an account to %v: %v", states(), err)
				}
				m.complete(t, p.ID)
				// What somebody approved was something else.
				for i := range rows {
					if rows[i].state == "approved" {
						rows[i].state = "draft"
					}
				}
				rows = append(rows, row{id, "draft"})
			case action == 1 && len(rows) > 0: // take an account off
				i := rapid.IntRange(0, len(rows)-1).Draw(rt, "which")
				if !slices.Contains([]string{"draft", "pending_approval", "approved", "cancelled"}, rows[i].state) {
					continue
				}
				if err := m.d.Tenant().Tx(ctx, m.member, func(ctx context.Context, tx *tenant.Tx) error {
					_, err := tx.Exec(ctx, "delete from platform_posts where id = $1", rows[i].id)
					return err
				}); err != nil {
					rt.Fatalf("take %s off %v: %v", rows[i].state, states(), err)
				}
				rows = slices.Delete(rows, i, i+1)
				m.complete(t, p.ID)
				// Without it, it is something else, too.
				for i := range rows {
					if rows[i].state == "approved" {
						rows[i].state = "draft"
					}
				}
			case action == 2 && len(rows) > 0: // several at once
				to := rapid.SampledFrom(keys(platformPostMoves)).Draw(rt, "to")
				moved := 0
				var ids []uuid.UUID
				for i := range rows {
					if mayMove(platformPostMoves, rows[i].state, to) && (before != "published" || rows[i].state != "cancelled") {
						ids = append(ids, rows[i].id)
						moved++
					}
				}
				if err := m.d.TenantWorker().Tx(ctx, m.worker, func(ctx context.Context, tx *tenant.Tx) error {
					_, err := tx.Exec(ctx, "update platform_posts set state = $1 where id = any ($2)", to, ids)
					return err
				}); err != nil {
					rt.Fatalf("%d of %v to %s: %v", moved, states(), to, err)
				}
				for i := range rows {
					if slices.Contains(ids, rows[i].id) {
						rows[i].state = to
					}
				}
			case len(rows) > 0:
				i := rapid.IntRange(0, len(rows)-1).Draw(rt, "which")
				choices := strings.Fields(platformPostMoves[rows[i].state])
				if len(choices) == 0 || (before == "published" && rows[i].state == "cancelled") {
					continue
				}
				to := rapid.SampledFrom(choices).Draw(rt, "to")
				db, scope := m.d.TenantWorker(), m.worker
				if personMayMove(rows[i].state, to) && rapid.Bool().Draw(rt, "by a person") {
					db, scope = m.d.Tenant(), m.member
				}
				if err := db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
					_, err := tx.Exec(ctx, "update platform_posts set state = $1 where id = $2", to, rows[i].id)
					return err
				}); err != nil {
					rt.Fatalf("%s of %v to %s: %v", rows[i].state, states(), to, err)
				}
				rows[i].state = to
			default:
				continue
			}
			var state string
			var now int64
			if err := m.d.Super.QueryRow(ctx, "select state, version from posts where id = $1", p.ID).Scan(&state, &now); err != nil {
				rt.Fatal(err)
			}
			if want := follows(states()); want != "" && state != want {
				rt.Fatalf("post of %v is %s, want %s", states(), state, want)
			}
			if now < version || (follows(states()) != before && now == version) {
				rt.Fatalf("version went from %d to %d", version, now)
			}
			version = now
			if before == "published" && state != "published" {
				rt.Fatalf("a published post became %s", state)
			}
		}
	})
}

// TestMovesAtOnce: a worker and two people at one post do not deadlock when each locks the post first, as
// they all do (PostLock), and none of them is refused for what another did meanwhile.
func TestMovesAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m := newMachine(t)
	p := m.post(t, 4)
	if _, err := m.d.Super.Exec(ctx, "update platform_posts set external_id = null where post_id = $1", p.ID); err != nil {
		t.Fatal(err)
	}
	const rounds = 40
	var wait sync.WaitGroup
	actor := func(name string, db *tenant.DB, scope tenant.Scope, act func(ctx context.Context, q *queries.Queries, tx *tenant.Tx, round int) error) {
		wait.Go(func() {
			for round := range rounds {
				err := db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
					q := queries.New(tx)
					if _, err := q.PostLock(ctx, p.ID); err != nil {
						return err
					}
					return act(ctx, q, tx, round)
				})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	for w := range 2 {
		actor("worker", m.d.TenantWorker(), m.worker, func(ctx context.Context, q *queries.Queries, _ *tenant.Tx, round int) error {
			row, err := q.PlatformPostLock(ctx, queries.PlatformPostLockParams{ID: p.PlatformPosts[(round+w)%4]})
			switch {
			case err != nil:
				return err
			case row.State == "scheduled":
				_, err = q.PlatformPostStartAttempt(ctx, queries.PlatformPostStartAttemptParams{ID: row.ID, AttemptsSoFar: row.Attempt})
			case row.State == "publishing":
				why, class := "no", "invalid"
				_, err = q.PlatformPostStop(ctx, queries.PlatformPostStopParams{ID: row.ID, Attempt: row.Attempt, State: "failed", Problem: &why, ProblemClass: &class})
			}
			return err
		})
	}
	actor("member", m.d.Tenant(), m.member, func(ctx context.Context, q *queries.Queries, _ *tenant.Tx, _ int) error {
		_, err := q.PlatformPostQueueByPost(ctx, p.ID)
		return err
	})
	actor("system admin", m.d.Tenant(), m.admin, func(ctx context.Context, q *queries.Queries, tx *tenant.Tx, _ int) error {
		if _, err := q.PlatformPostCancelByPost(ctx, p.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "update platform_posts set state = 'draft' where post_id = $1 and state = 'cancelled'", p.ID)
		return err
	})
	wait.Wait()
	state := one[string](context.Background(), t, m.d.Super, "select state from posts where id = $1", p.ID)
	if want := follows(column[string](context.Background(), t, m.d.Super, "select state from platform_posts where post_id = $1", p.ID)); state != want {
		t.Errorf("the post is %s, want %s", state, want)
	}
}

// TestTwoOutcomesAtOnce: two platform posts of one post finish at the same moment, each seeing the other.
func TestTwoOutcomesAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine(t)
	for round := range 20 {
		p := m.post(t, 2)
		m.force(t, p, "publishing", "publishing", "publishing")
		var wait sync.WaitGroup
		for i, id := range p.PlatformPosts {
			wait.Go(func() {
				if err := m.d.TenantWorker().Tx(ctx, m.worker, func(ctx context.Context, tx *tenant.Tx) error {
					_, err := tx.Exec(ctx, "update platform_posts set state = $1 where id = $2", []string{"published", "failed"}[(i+round)%2], id)
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if state := one[string](ctx, t, m.d.Super, "select state from posts where id = $1", p.ID); state != "partially_published" {
			t.Fatalf("round %d: the post is %s, want partially_published", round, state)
		}
	}
}

// TestLockOrder: who locks the post first, as PostLock does, waits for whoever holds it and then goes on. Who
// locks a platform post first deadlocks with them, because a platform post's change goes on to its post: that
// is why every transaction that changes platform posts begins with PostLock.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	for _, postFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("post first %v", postFirst), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			m := newMachine(t)
			p := m.post(t, 1)
			m.force(t, p, "scheduled", "scheduled")
			memberPID, locked, other := make(chan int32, 1), make(chan struct{}), make(chan struct{})
			errs := make([]error, 2)
			var wait sync.WaitGroup
			wait.Go(func() {
				errs[0] = m.d.Tenant().Tx(ctx, m.member, func(ctx context.Context, tx *tenant.Tx) error {
					q := queries.New(tx)
					memberPID <- one[int32](ctx, t, tx, "select pg_backend_pid()")
					_, err := q.PostLock(ctx, p.ID)
					close(locked)
					<-other
					if err == nil {
						_, err = q.PlatformPostQueueByPost(ctx, p.ID)
					}
					return err
				})
			})
			wait.Go(func() {
				errs[1] = m.d.TenantWorker().Tx(ctx, m.worker, func(ctx context.Context, tx *tenant.Tx) error {
					q := queries.New(tx)
					pid, member := one[int32](ctx, t, tx, "select pg_backend_pid()"), <-memberPID
					<-locked
					if postFirst {
						go func() {
							defer close(other)
							awaitLock(ctx, t, m.d, pid)
						}()
						if _, err := q.PostLock(ctx, p.ID); err != nil {
							return err
						}
					}
					row, err := q.PlatformPostLock(ctx, queries.PlatformPostLockParams{ID: p.PlatformPosts[0]})
					if err != nil {
						return err
					}
					if !postFirst {
						close(other)
						awaitLock(ctx, t, m.d, member)
					}
					_, err = q.PlatformPostStartAttempt(ctx, queries.PlatformPostStartAttemptParams{ID: row.ID, AttemptsSoFar: row.Attempt})
					return err
				})
			})
			wait.Wait()
			deadlocked := refused(errs[0]).Code == deadlock || refused(errs[1]).Code == deadlock
			if postFirst && (errs[0] != nil || errs[1] != nil) {
				t.Errorf("the member: %v; the worker: %v", errs[0], errs[1])
			}
			if !postFirst && !deadlocked {
				t.Errorf("no deadlock: the comments on PostLock are out of date; the member: %v; the worker: %v", errs[0], errs[1])
			}
		})
	}
}
