package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// erasureSteps announces, at each commit that is a step of an erasure, that the step is done.
const erasureSteps = `
create function e2e_step() returns trigger language plpgsql as $$
begin
	perform pg_notify('e2e_step', tg_argv[0]);
	return null;
end $$;
create trigger e2e_fetched after update on river.river_job for each row
	when (old.state <> 'running' and new.state = 'running' and new.kind = 'erase') execute function e2e_step('erasure');
create trigger e2e_completed after update on river.river_job for each row
	when (old.state = 'running' and new.state = 'completed' and new.kind = 'erase') execute function e2e_step('erasure');
create trigger e2e_files after update on erasures for each row
	when (new.files <> old.files) execute function e2e_step('erasure');
create trigger e2e_rows after update on erasures for each row
	when (new.counts <> old.counts) execute function e2e_step('erasure');
create trigger e2e_customer after delete on customers for each row execute function e2e_step('erasure');
create trigger e2e_finished after update on erasures for each row
	when (old.state <> 'finished' and new.state = 'finished') execute function e2e_step('erasure');
`

// traces are everything by which a customer could be recognised.
type traces struct{ ids, texts []string }

// mayBeEmpty are tables in which the API puts nothing at present, or not for long.
var mayBeEmpty = []string{"public.rate_limit_rules", "public.rate_limits", "public.audit_unsealed", "public.usage_entries"}

// tracesOf reads the ids in every row of the customer, people's own left out, who stay.
func (s *system) tracesOf(t testing.TB, customerID string) (ids []string) {
	t.Helper()
	tables, err := s.super.Query(t.Context(), `
		select format('%I.%I', n.nspname, c.relname) from pg_class c
			join pg_namespace n on n.oid = c.relnamespace
			join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id'
		where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil {
		t.Fatal(err)
	}
	ids = []string{customerID}
	for _, name := range names {
		var n int
		var found []string
		if err := s.super.QueryRow(t.Context(), fmt.Sprintf(`select count(distinct r), coalesce(array_agg(distinct v.value) filter (where
				v.value ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' and v.value not in (select id::text from users)), '{}')
			from (select to_jsonb(t) as r from %s t where customer_id = $1 limit 500) r, jsonb_each_text(r.r) v`, name), customerID).Scan(&n, &found); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n == 0 && !slices.Contains(mayBeEmpty, name) {
			t.Errorf("the customer has nothing in %s: make it one, so that its erasure is proved", name)
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// dump is everything that the database holds, as text: by pg_dump where there is one for the server's version.
func (s *system) dump(t testing.TB) string {
	t.Helper()
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if found, err := exec.LookPath("pg_dump"); err == nil {
		programs = append(programs, found)
	}
	for _, program := range slices.Backward(programs) {
		if out, err := exec.Command(program, "--inserts", "--dbname", s.opts.superURL).Output(); err == nil {
			return string(out)
		}
	}
	t.Log("no pg_dump for this server: the tables are read instead")
	var all strings.Builder
	rows, err := s.super.Query(t.Context(), `select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	for _, name := range tables {
		fmt.Fprintf(&all, "INSERT INTO %s %s\n", name, one[string](t, s, fmt.Sprintf("select coalesce(string_agg(replace(t::text, chr(10), ' '), E'\n' || 'INSERT INTO %s '), '') from %s t", name, name)))
	}
	return all.String()
}

var (
	idsInText = regexp.MustCompile(`[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}`)
	// receipts are the lines of a dump that may name an erased customer; pg_dump writes values in quotes.
	receipts  = regexp.MustCompile(`^INSERT INTO public\.(erasures |audit_log_\S+ .*([',]customer\.erase(_request)?[',]|[',]authorization\.credential_use[',].*erasure_id))`)
	hexInText = regexp.MustCompile(`[0-9a-f]{16,}`)
)

// in gives the first trace that a text holds, also in hexadecimal, as bytes are written.
func (tr traces) in(text string) (trace string, found bool) {
	for _, trace := range tr.texts {
		if strings.Contains(text, trace) {
			return trace, true
		}
	}
	for _, id := range idsInText.FindAllString(text, -1) {
		if parsed, err := uuid.Parse(id); err == nil {
			if _, found := slices.BinarySearch(tr.ids, parsed.String()); found {
				return parsed.String(), true
			}
		}
	}
	for _, run := range hexInText.FindAllString(text, -1) {
		if decoded, err := hex.DecodeString(run[:len(run)&^1]); err == nil && len(decoded) < len(text)/2+1 {
			if trace, found := tr.in(string(decoded)); found {
				return trace, true
			}
		}
	}
	return "", false
}

// find gives the lines of the dump and the names and contents of files that hold a trace, the receipt aside.
func (s *system) find(t testing.TB, tr traces) (found []string) {
	t.Helper()
	report := func(where, text string) {
		if trace, there := tr.in(text); there {
			i := max(0, strings.Index(text, trace)-100)
			found = append(found, fmt.Sprintf("%s: %.80s (%.200s)", where, trace, text[i:]))
		}
	}
	for line := range strings.Lines(s.dump(t)) {
		if receipts.MatchString(line) {
			continue
		}
		report("dump", line)
	}
	for what, dir := range map[string]string{"bucket": s.bucket, "workspaces": s.workspaces, "backups": s.backups} {
		if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			report(what, strings.TrimPrefix(path, dir))
			if !entry.IsDir() {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				report(path, string(content))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// markedAgency is an agency with one of everything, all of whose texts hold the mark.
func markedAgency(t testing.TB, s *system, mark string) (agency, traces) {
	t.Helper()
	a := newAgency(t, s)
	name := mark + " customer"
	call[customerAnswer](t, a.owner, http.MethodPatch, a.path, map[string]any{"name": name, "description": mark, "brand_voice": mark, "audience": mark})
	call[campaignAnswer](t, a.owner, http.MethodPost, a.path+"/campaigns", map[string]any{"name": mark + " campaign", "goal": mark})
	published := a.draft(t, draft{title: mark + " title", text: mark + " text", campaign: a.ids["campaign_id"]})
	a.publish(t, published.ID)
	a.await(t, published.ID, "published")
	picture := a.upload(t, mark+".png", "image/png", testPNG(t, 40, 20), mark+" picture")
	illustrated := call[postAnswer](t, a.owner, http.MethodPost, a.path+"/posts", map[string]any{"title": mark + " illustrated", "text": mark, "media_ids": []string{picture},
		"platforms": []map[string]any{{"integration_id": a.integration, "media_ids": []string{picture}}}})
	a.owner.expect(t, http.StatusOK, http.MethodPost, a.postPath(illustrated.ID)+"/submit", map[string]any{"comment": mark})
	a.fillPosts(t, 6_000, mark) // more than is erased at once
	key := a.owner.expect(t, http.StatusCreated, http.MethodPost, a.path+"/api-keys", map[string]any{"name": mark + " key", "permissions": []string{"posts:read"}})
	a.owner.expect(t, http.StatusCreated, http.MethodPost, a.path+"/agent-tokens", map[string]any{"name": mark + " token", "permissions": []string{"posts:read"}})
	// A request that may be repeated, whose answer is kept.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.owner.base()+a.path+"/posts", strings.NewReader(`{"text": "`+mark+` repeatable"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + a.owner.token, "Content-Type": "application/json", "Idempotency-Key": mark} {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("a repeatable request: %v %v", answer, err)
	}
	answer.Body.Close()
	a.export(t)
	a.owner.expect(t, http.StatusOK, http.MethodPut, a.path+"/workspaces/"+a.ids["workspace_id"]+"/files/text", map[string]any{"path": mark + "/notes.md", "content": mark})
	a.owner.expect(t, http.StatusOK, http.MethodPatch, a.path+"/workspace-policy", map[string]any{"unused_days": 7})
	for _, sql := range []string{
		"insert into post_metrics (customer_id, platform_post_id, day, likes) select $1, id, current_date, 3 from platform_posts where customer_id = $1 and state = 'published' and $2 <> ''",
		"insert into account_limits (customer_id, integration_id, quota, remaining, resets_at) select $1, id, 10, 3, now() from integrations where customer_id = $1 and $2 <> ''",
		"insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id) values ($1, gen_random_uuid(), 'twitter', $2, $2, 'tokens', 1)",
		"insert into credential_moves (customer_id, id, old_owner_id, deadline) select $1, gen_random_uuid(), user_id, now() + interval '1 day' from memberships where customer_id = $1 and $2 <> '' limit 1",
		"insert into usage_entries (customer_id, kind, platform) values ($1, 'x', $2)",
		"insert into usage_days (customer_id, day, kind, platform) values ($1, '2030-01-01', 'x', $2)",
		"insert into llm_budgets (customer_id, monthly_tokens) select $1, 5 where $2 <> ''",
		"insert into llm_months (customer_id, month, tokens) select $1, '2030-01-01', 5 where $2 <> ''",
		"insert into llm_reservations (customer_id, id, kind, own_key, tokens, cost_microusd) select $1, gen_random_uuid(), 'x', false, 5, 5 where $2 <> ''",
		`insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
			select $1, gen_random_uuid(), 'twitter', user_id, sha256('x'), sha256('x'), $2, $2, 'verifier', 1 from memberships where customer_id = $1 limit 1`,
		"update spaces set title = $2, bot = 'of nobody' where customer_id = $1",
		"update space_people set name = $2, username = $2 where customer_id = $1",
		"update chat_identities set external_id = $2 where customer_id = $1",
		"insert into messages (customer_id, id, space_id, direction, text) select $1, gen_random_uuid(), id, 'in', $2 from spaces where customer_id = $1",
		"insert into memories (customer_id, id, space_id, text) select $1, gen_random_uuid(), id, $2 from spaces where customer_id = $1",
		"update bots set name = $2, username = $2 where customer_id = $1",
		"update mcp_servers set name = $2, failure = $2 where customer_id = $1",
		"update credentials set name = $2, failure = $2 where customer_id = $1",
		"insert into backup_status (customer_id) select $1 where $2 <> '' on conflict do nothing", // a night makes it, which may not have begun
		"insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at, problem) values ($1, gen_random_uuid(), 'ready', gen_random_uuid(), repeat('a', 64), '[]', 1, 1, now(), $2)",
		"insert into restores (customer_id, id, backup_id, state, problem) select customer_id, gen_random_uuid(), id, 'failed', $2 from backups where customer_id = $1 and problem = $2",
		"insert into drills (customer_id, id, backup_id, state, problem) select customer_id, gen_random_uuid(), id, 'failed', $2 from backups where customer_id = $1 and problem = $2",
		"update backups set state = 'failed' where customer_id = $1 and problem = $2", // there is nothing of it
		"insert into file_changes (customer_id, id, workspace_id, kind, bytes, touched_at) select customer_id, gen_random_uuid(), id, 'write', 5, now() + interval '1 hour' from workspaces where customer_id = $1 and space_id is null and $2 <> ''",
		`insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
			select gen_random_uuid(), platform, bot, team, kind, external_id, customer_id, id, jsonb_build_object('message', $2::text) from spaces where customer_id = $1`,
		`update pairings set state = 'claimed', claimed_by = 'code', claimed_at = now(), team = '', kind = 'user', external_id = $2, title = $2, person_id = $2, person_name = $2
			where customer_id = $1`,
	} {
		if _, err := s.super.Exec(t.Context(), sql, a.id, mark+" login"); err != nil {
			t.Fatal(err)
		}
	}
	var shown struct{ Prefix string }
	if err := json.Unmarshal(key.body, &shown); err != nil || shown.Prefix == "" {
		t.Fatalf("the key: %s", key.body)
	}
	return a, traces{ids: s.tracesOf(t, a.id), texts: []string{mark, shown.Prefix, "/ghost-sites/" + a.site}}
}

// An erased customer is nowhere, in spite of a worker that is killed at every step, and others are as they were.
func TestErasureLeavesNothing(t *testing.T) {
	s := newSystem(t, options{noWorker: true, backups: true, workerArgs: []string{"--lease", "1s"}})
	maker := s.startWorker(t)
	a, gone := markedAgency(t, s, "zqvanishing")
	b, stays := markedAgency(t, s, "zqremaining")
	// A file as an upload that broke off would leave it, and half of another export as a killed worker would.
	for _, name := range []string{"media/picture.png", "exports/" + randomID() + ".zip.18ab.tmp"} {
		path := filepath.Join(s.bucket, "customers", a.id, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("zqvanishing file"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The night of both, so that no other one begins meanwhile: one may have passed before they had files.
	for _, sql := range []string{"update backup_status set night = '-infinity'", "select tenancy.begin_night((now() at time zone 'UTC')::date, 100)"} {
		if _, err := s.super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 2*time.Minute, "both are backed up, and the backups tried", func() bool {
		return one[int](t, s, "select count(*) from backup_status s where last_good_drill_at is not null") == 2 &&
			one[int](t, s, "select (select count(*) from backups where state in ('queued', 'running')) + (select count(*) from drills where state = 'running')") == 0
	})
	s.checkSettledBut(t, "scheduled")
	maker.stop(t)
	stored := 0 // of backups
	if err := filepath.WalkDir(filepath.Join(s.backups, "customers", a.id), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(entry.Name(), ".attrs") {
			stored++
		}
		return err
	}); err != nil || stored < 2 {
		t.Fatalf("%d objects of backups, %v", stored, err)
	}
	if len(s.find(t, gone)) < 1000 {
		t.Fatal("the customer to be erased has left hardly a trace: the search finds nothing")
	}
	before := s.checksum(t, b.id)
	users := one[int](t, s, "select count(*) from users")

	k := &killer{s: s, b: a.brand, byInstant: map[string]int{}}
	k.watchSteps(t, erasureSteps)
	a.owner.expect(t, http.StatusOK, http.MethodPost, a.path+"/archive", nil)
	erasure := call[erasureAnswer](t, a.owner, http.MethodPost, a.path+"/erasure", map[string]any{"name": "zqvanishing customer"})
	for _, who := range []*client{a.owner, a.member} {
		who.expect(t, http.StatusNotFound, http.MethodGet, a.path, nil)
	}
	// In the middle of a transaction, and at a commit after the next, the second, the third one of its run.
	killed, finished := map[string]int{}, func() bool {
		return one[int](t, s, "select count(*) from erasures where state = 'finished'") == 1
	}
	for round, instant := range []string{"erasure", "posts", "commit", "commit", "customer", "commit", "commit", "commit", "commit"} {
		if finished() {
			break
		}
		hit, ready := make(chan struct{}), make(chan struct{})
		var worker *process
		if instant == "commit" {
			k.arm("commit erasure", max(0, round-5), func() {
				<-ready
				_ = worker.cmd.Process.Kill() // it is ours and has not been waited for
				close(hit)
			})
			worker = s.launchWorker(t)
			close(ready)
			eventually(t, 30*time.Second, "a worker is killed at a commit, or done", func() bool {
				select {
				case <-hit:
					return true
				default:
					return finished()
				}
			})
			k.arm("", 0, nil)
			worker.kill()
		} else {
			release, held := k.hold(t, instant, a.id)
			if !held {
				continue
			}
			worker = s.launchWorker(t)
			eventually(t, 20*time.Second, "a worker is inside "+instant, func() bool {
				return one[bool](t, s, `select exists (select from pg_stat_activity where datname = current_database()
					and wait_event_type = 'Lock' and query ~ 'erase_step|update erasures')`)
			})
			worker.kill()
			release()
			if finished() {
				t.Errorf("the receipt is there after a kill inside %s", instant)
			}
		}
		killed[instant]++
	}
	if killed["erasure"] != 1 || killed["posts"] != 1 || killed["commit"] < 2 {
		t.Errorf("killed at %v: too few to prove anything", killed)
	}
	s.startWorker(t)
	receipt := a.awaitErasure(t, erasure.ID)
	eventually(t, 20*time.Second, "no job is left", func() bool {
		return one[int](t, s, "select count(*) from river.river_job where kind = 'erase' and state <> 'completed'") == 0
	})

	for i, line := range s.find(t, gone) {
		if t.Errorf("left: %s", line); i > 20 {
			break
		}
	}
	if len(s.find(t, stays)) < 1000 {
		t.Error("the other customer has lost its traces")
	}
	if after := s.checksum(t, b.id); after != before {
		t.Errorf("the other customer has changed:\n%s\n%s", before, after)
	}
	if n := one[int](t, s, "select count(*) from users"); n != users {
		t.Errorf("%d people are left of %d", n, users)
	}
	// Two exports' files, two pictures, and the two that were put there; the workspace's two files, and its backup; eight posts of the agency's own, and those that were filled in.
	if receipt.Files != int64(6+2+stored) || receipt.Rows["public.posts"] != 6_008 || receipt.Rows["public.customers"] != 1 || receipt.Rows["public.memberships"] != 2 {
		t.Errorf("the receipt: %+v", receipt)
	}
	a.owner.expect(t, http.StatusNotFound, http.MethodGet, a.path, nil)
	if list := a.owner.expect(t, http.StatusOK, http.MethodGet, "/v1/customers?archived=true", nil); strings.Contains(string(list.body), a.id) {
		t.Errorf("the list of customers: %s", list.body)
	}
	b.checkPublished(t, b.post(t, b.draftAndPublish(t)))
	fmt.Printf("%s: killed at %v, %d ids and %d texts searched for\n", t.Name(), killed, len(gone.ids), len(gone.texts))
}

// hold locks a row that the erasing worker needs, so that it waits in the middle of a transaction. held is false
// where there is no such row any more.
func (k *killer) hold(t *testing.T, what, customerID string) (release func(), held bool) {
	t.Helper()
	tx, err := k.s.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = tx.Rollback(context.Background()) } // it only ever held a lock
	t.Cleanup(release)
	lock := map[string]string{
		"erasure":  "select from erasures where subject_id = $1 for update",
		"posts":    "select from posts where customer_id = $1 order by ctid desc limit 1 for update",
		"customer": "select from customers where id = $1 for update",
	}[what]
	tag, err := tx.Exec(t.Context(), lock, customerID)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		release()
	}
	return release, tag.RowsAffected() > 0
}

// draftAndPublish publishes a new post and gives its id.
func (b *brand) draftAndPublish(t testing.TB) string {
	t.Helper()
	post := b.draft(t, draft{})
	b.publish(t, post.ID)
	return b.await(t, post.ID, "published").ID
}

// checkSettledBut waits until the queue is at rest, jobs in one state aside.
func (s *system) checkSettledBut(t testing.TB, state string) {
	t.Helper()
	eventually(t, 20*time.Second, "the queue is at rest", func() bool {
		return one[int](t, s, "select count(*) from river.river_job where state not in ('completed', 'cancelled', $1::text::river.river_job_state)", state) == 0
	})
}
