package jobs

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
	"fanfare/internal/workspace"
)

// files is a bucket with the directory that it is in.
func files(t testing.TB) (*bucket.Bucket, string) {
	t.Helper()
	dir := t.TempDir()
	b, err := bucket.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

// workspaces is a store with the directory that it is in.
func workspaces(t testing.TB) (*workspace.Store, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := workspace.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, dir
}

// workerWith makes a worker that has a bucket.
func (b *bundle) workerWith(files *bucket.Bucket, config WorkerConfig) *Worker {
	return b.workerThatHas(Deps{Bucket: files}, config)
}

// workerThatHas makes a worker that has what deps names, besides what each has.
func (b *bundle) workerThatHas(deps Deps, config WorkerConfig) *Worker {
	b.t.Helper()
	w, err := NewWorker(Deps{
		Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)),
		Bucket: deps.Bucket, Workspaces: deps.Workspaces, Backups: deps.Backups,
		Publishers: map[platform.Name]platform.Publisher{platform.Ghost: b.platform},
	}, config)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

const exportState = "select state from exports where id = $1"

// askForExport makes an export as its customer's owner would.
func (b *bundle) askForExport() uuid.UUID {
	b.t.Helper()
	id := dbtest.NewID(b.t)
	b.exec("insert into exports (customer_id, id) values ($1, $2)", b.customer.ID, id)
	return id
}

// unzip reads an export's archive, and holds it against what the database and its own manifest say of it.
func (b *bundle) unzip(files *bucket.Bucket, id uuid.UUID) map[string]string {
	b.t.Helper()
	r, err := files.Read(b.t.Context(), bucket.Export(b.customer.ID, id))
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	whole, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256(whole)
	if got := scan[string](b, "select sha256 || ' ' || size_bytes from exports where id = $1", id); got != hex.EncodeToString(sum[:])+" "+jsonOf(b.t, len(whole)) {
		b.t.Errorf("the export says %s of its archive", got)
	}
	archive, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		b.t.Fatal(err)
	}
	content := map[string]string{}
	for _, f := range archive.File {
		open, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(open)
		if err != nil {
			b.t.Fatal(err)
		}
		content[f.Name] = string(text)
	}
	var m manifest
	if err := json.Unmarshal([]byte(content["manifest.json"]), &m); err != nil {
		b.t.Fatal(err)
	}
	if m.Format != "fanfare-export" || m.Version != 1 || m.CustomerID != b.customer.ID || m.ExportID != id || len(m.Files) != len(content)-1 {
		b.t.Errorf("the manifest: %s", content["manifest.json"])
	}
	for _, f := range m.Files {
		sum := sha256.Sum256([]byte(content[f.Name]))
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != int64(len(content[f.Name])) ||
			(f.Rows != nil) != strings.HasPrefix(f.Name, "data/") || f.Rows != nil && int(*f.Rows) != strings.Count(content[f.Name], "\n") {
			b.t.Errorf("the manifest says %+v of a file with %d bytes", f, len(content[f.Name]))
		}
	}
	return content
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// rows reads a table's file.
func rows(t testing.TB, content string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(content) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, row)
	}
	return all
}

// What a customer has is in the archive, each row with every field but the secrets, and nothing of others.
func TestExport(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	text := "Line one\nline two \"quoted\" \\ \u2028 ü 漢字 🎉"
	var posts []string
	for range 2*exportPage + 3 { // more than two pages
		posts = append(posts, b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "Ours", Text: text, Integrations: []dbtest.Integration{b.integration}}).ID.String())
	}
	campaign := b.Campaign(t, dbtest.Campaign{CustomerID: b.customer.ID, Name: "Winter"})
	owner := b.Member(t, b.customer.ID, "owner")
	b.exec("insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'a/b.png', 'image/png', 3)", b.customer.ID, campaign.ID)
	b.exec("insert into post_media (customer_id, post_id, media_id, position) select customer_id, id, $2, 0 from posts where customer_id = $1", b.customer.ID, campaign.ID)
	b.exec("insert into publish_attempts (customer_id, platform_post_id, number, job_id) select customer_id, id, n, 1 from platform_posts, generate_series(1, 2) n where customer_id = $1", b.customer.ID)
	b.exec("insert into post_metrics (customer_id, platform_post_id, day) select customer_id, id, date '2030-01-01' + n from platform_posts, generate_series(1, 3) n where customer_id = $1", b.customer.ID)
	// more than a page, of which some is not added up yet
	b.exec("insert into usage_days (customer_id, day, kind, count) select $1, date '2030-01-01' + n, 'x', 1 from generate_series(1, 110) n", b.customer.ID)
	b.exec("insert into usage_entries (customer_id, day, kind, platform, count) select $1, date '2030-01-01' + n, 'x', p, 2 from generate_series(100, 115) n, unnest(array['', 'ghost']) p", b.customer.ID)
	if err := store.Write(t.Context(), bucket.Media(b.customer.ID)+"a/b.png", "image/png", func(w io.Writer) error {
		_, err := io.WriteString(w, "png")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	other := b.Customer(t, dbtest.Customer{Name: "Theirs"})
	b.Post(t, dbtest.Post{CustomerID: other.ID, Title: "Theirs", Text: "Theirs"})

	id := b.askForExport()
	b.start(b.workerWith(store, WorkerConfig{}))
	eventually(b, "ready", exportState, id)
	content := b.unzip(store, id)
	if !strings.Contains(content["README.txt"], "posts") || content["media/a/b.png"] != "png" {
		t.Errorf("files: %q, %q", content["README.txt"], content["media/a/b.png"])
	}
	for name, want := range map[string]int{
		"posts": len(posts), "platform_posts": len(posts), "publish_attempts": 2 * len(posts), "post_metrics": 3 * len(posts), "post_media": len(posts),
		"usage_days": 110 + 5 + 16, "media": 1, "campaigns": 1, "integrations": 1, "memberships": 1, "customers": 1,
	} {
		if got := len(rows(t, content["data/"+name+".ndjson"])); got != want {
			t.Errorf("%s: %d rows, want %d", name, got, want)
		}
		if !strings.Contains(content["README.txt"], name) {
			t.Errorf("README.txt does not explain %s", name)
		}
	}
	var got []string
	for _, row := range rows(t, content["data/posts.ndjson"]) {
		got = append(got, row["id"].(string))
		if row["text"] != text || row["title"] != "Ours" {
			t.Errorf("a post: %v", row)
		}
	}
	slices.Sort(posts)
	if diff := cmp.Diff(posts, got); diff != "" {
		t.Errorf("posts (-there +exported):\n%s", diff)
	}
	if member := rows(t, content["data/memberships.ndjson"])[0]; member["email"] != owner.Email || member["role"] != "owner" {
		t.Errorf("a member: %v", member)
	}
	used := 0.0
	for _, row := range rows(t, content["data/usage_days.ndjson"]) {
		used += row["count"].(float64)
	}
	if used != 110+2*32 {
		t.Errorf("the archive says that %v was used", used)
	}
	for name, text := range content {
		text = strings.ReplaceAll(text, `"credential": {"changed": true}`, "") // the audit log tells that it was set
		for _, secret := range []string{"s3cret", `"credential"`, "Theirs", other.ID.String(), "key_hash"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
	if left := scan[int](b, "select extract(epoch from expires_at - now())::int from exports where id = $1", id); left < 86000 || left > 86400 {
		t.Errorf("it ends in %d seconds", left)
	}
}

// Every table with customer_id is in the archive, with every column but the secret ones, or is left out for a reason.
func TestExportIsWhole(t *testing.T) {
	b := setup(t)
	b.Member(t, b.customer.ID, "owner")
	exported := map[string]bool{"public.customers": true}
	for _, table := range exportedTables {
		exported["public."+table.name] = true
	}
	tables, err := b.Super.Query(t.Context(), `select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	found := 0
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found++
		_, left := notExported[name]
		if exported[name] == left {
			t.Errorf("%s: exported %v, left out %v: it must be one of the two", name, exported[name], left)
		}
	}
	if err := tables.Err(); err != nil || found < 10 {
		t.Fatalf("%d tables: %v", found, err)
	}
	// The columns: of every table with a row.
	b.Campaign(t, dbtest.Campaign{CustomerID: b.customer.ID})
	post := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	b.exec("insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'x', 'image/png', 3)", b.customer.ID, post.ID)
	b.exec("insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $2, 0)", b.customer.ID, post.ID)
	b.exec("insert into platform_post_media (customer_id, platform_post_id, media_id, position) values ($1, $3, $2, 0)", b.customer.ID, post.ID, post.PlatformPosts[0])
	b.exec("insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment, content) values ($1, $2, $2, 1, 'comment', 'x', '{}')", b.customer.ID, post.ID)
	b.exec("insert into email_templates (customer_id, id, name, html) values ($1, $2, 'x', 'x')", b.customer.ID, post.ID)
	b.exec("insert into publish_attempts (customer_id, platform_post_id, number, job_id) values ($1, $2, 1, 1)", b.customer.ID, post.PlatformPosts[0])
	b.exec("insert into post_metrics (customer_id, platform_post_id, day, likes) values ($1, $2, '2030-01-01', 1)", b.customer.ID, post.PlatformPosts[0])
	b.exec("insert into usage_days (customer_id, day, kind) values ($1, '2030-01-01', 'x')", b.customer.ID)
	b.QueueSlot(t, b.customer.ID)
	recurring := b.RecurringPost(t, b.customer.ID, post.ID)
	b.exec("update recurring_posts set state = 'paused' where id = $1", recurring) // else the worker makes copies, if it gets to it before the export
	b.chatted()
	b.exec("delete from usage_entries where customer_id = $1", b.customer.ID) // of what was said: one row of usage is enough
	b.exec("insert into memories (customer_id, id, space_id, text) select customer_id, $2, id, 'x' from spaces where customer_id = $1", b.customer.ID, post.ID)
	b.exec("insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, gen_random_uuid(), 'telegram', '1', 'x', 1)", b.customer.ID)
	b.exec("insert into mcp_servers (customer_id, id, space_id, name, url, next_check_at, created_by) select customer_id, $2, id, 'x', 'https://example.com', null, paired_by from spaces where customer_id = $1", b.customer.ID, post.ID)
	b.exec("insert into credentials (customer_id, id, kind, name, provider, model, credential, key_id, created_by) values ($1, $2, 'llm', 'x', 'openai', 'x', 'x', 1, null)", b.customer.ID, post.ID)
	b.exec("insert into credentials (customer_id, id, space_id, kind, person, name, provider, model, credential, key_id, created_by) select customer_id, gen_random_uuid(), id, 'llm', '1', 'x', 'openai', 'x', 'x', 1, paired_by from spaces where customer_id = $1",
		b.customer.ID) // somebody's alone: it is not exported
	b.exec("insert into webhook_endpoints (customer_id, id, url) values ($1, gen_random_uuid(), 'https://example.com')", b.customer.ID)
	b.exec("insert into invitations (customer_id, id, email, role, token_hash, invited_by) select $1, gen_random_uuid(), 'x@example.com', 'viewer', sha256('x'), user_id from memberships limit 1", b.customer.ID)
	b.exec("insert into api_keys (customer_id, id, name, prefix, key_hash, permissions, created_by) select $1, gen_random_uuid(), 'x', 'ffk_ABCDEF', sha256('x'), '{posts:read}', user_id from memberships limit 1", b.customer.ID)
	b.exec("insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id) values ($1, gen_random_uuid(), 'twitter', 'x', 'x', 'x', 1)", b.customer.ID)
	b.exec("delete from workspaces where space_id is not null") // one row is enough
	b.exec("insert into workspace_policies (customer_id, quota) values ($1, 1)", b.customer.ID)
	b.exec("insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at) values ($1, $2, 'ready', $2, repeat('a', 64), '[]', 1, 1, now())", b.customer.ID, post.ID)
	b.exec("insert into restores (customer_id, id, backup_id, state, problem) select customer_id, id, id, 'failed', 'x' from backups where customer_id = $1", b.customer.ID)
	b.exec("insert into drills (customer_id, id, backup_id, state, problem) select customer_id, id, id, 'failed', 'x' from backups where customer_id = $1", b.customer.ID)
	store, _ := files(t)
	id := b.askForExport()
	b.start(b.workerWith(store, WorkerConfig{}))
	eventually(b, "ready", exportState, id)
	content := b.unzip(store, id)
	leftOut := []string{"archive_sha256", "archive_asked_on", "archive_asked", "object_id", "manifest_sha256", "uses", "losses", "customer_id", "credential", "key_id", "job_id", "erasing_at", "media_quota", "key_hash", "token_hash", "sealed_token", "invited_as_system", "lease", "lease_until", "unanswered", "old_credential_id", "code_hash", "link_hash", "asked", "search", "embedding", "embedding_model", "registration", "metadata", "hint", "failures", "next_check_at", "renew_at", "withdrawn_at"} // whose it is, says the archive as a whole; the others are ours
	for _, table := range exportedTables {
		lines := rows(t, content["data/"+table.name+".ndjson"])
		if len(lines) != 1 && (table.name != "audit_log" || len(lines) == 0) { // everything that was made above is in the log
			t.Errorf("%s: %d rows", table.name, len(lines))
			continue
		}
		columns := scan[[]string](b, "select array_agg(attname::text) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped", table.name)
		for _, column := range columns {
			if _, there := lines[0][column]; !there && !slices.Contains(leftOut, column) {
				t.Errorf("%s.%s is not exported", table.name, column)
			}
		}
	}
}

// The files of workspaces are in the archive, by their places; it names what programs have put there that is no file, and what is in no directory now. A
// worker that has no workspaces leaves it to one that has.
func TestExportOfWorkspaces(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	dirs, at := workspaces(t)
	owner := b.Member(t, b.customer.ID, "owner")
	used := b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: owner.ID})
	archived := b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: owner.ID})
	b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: owner.ID}) // of which nobody has used the workspace
	other := b.Customer(t, dbtest.Customer{})
	ofSpace := uuid.NullUUID{UUID: used.ID, Valid: true}
	for _, err := range []error{dirs.Create(b.customer.ID, uuid.NullUUID{}), dirs.Create(b.customer.ID, ofSpace), dirs.Create(other.ID, uuid.NullUUID{})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ours := filepath.Join(at, b.customer.ID.String())
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for path, text := range map[string]string{
		"shared/briefs/ü june.md": "in June", "shared/big": big, "shared/.fanfare/half": "half a file", "shared/empty": "",
		"spaces/" + used.ID.String() + "/note": "of the space",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(ours, path)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(ours, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(at, other.ID.String(), "shared", "secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(ours, "shared", "link")); err != nil {
		t.Fatal(err)
	}
	b.exec("update workspaces set state = 'active' where customer_id = $1 and (space_id is null or space_id = $2)", b.customer.ID, used.ID)
	b.exec("update workspaces set state = 'archived', archived_at = now(), archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64) where space_id = $1", archived.ID)

	id := b.askForExport()
	poor := b.workerWith(store, WorkerConfig{})
	if err := poor.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(b, true, "select coalesce(metadata ->> 'snoozes', '0') >= '1' from river.river_job where kind = 'export'")
	if err := poor.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec("update river.river_job set scheduled_at = now()")
	b.start(b.workerThatHas(Deps{Bucket: store, Workspaces: dirs}, WorkerConfig{}))
	eventually(b, "ready", exportState, id)
	content := b.unzip(store, id)
	got := map[string]string{}
	for name, text := range content {
		if strings.HasPrefix(name, "files/") {
			got[name] = text
		}
		if strings.Contains(text, "s3cret") {
			t.Errorf("%s holds what is another customer's", name)
		}
	}
	want := map[string]string{
		"files/shared/briefs/ü june.md": "in June", "files/shared/big": big, "files/shared/empty": "", "files/spaces/" + used.ID.String() + "/note": "of the space",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-there +exported):\n%.2000s", diff)
	}
	var m manifest
	if err := json.Unmarshal([]byte(content["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, l := range m.LeftOut {
		left = append(left, l.Name)
		if l.Reason == "" {
			t.Errorf("%s is left out for no reason", l.Name)
		}
	}
	slices.Sort(left)
	if diff := cmp.Diff([]string{"files/shared/link", "files/spaces/" + archived.ID.String() + "/"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if n := len(rows(t, content["data/workspaces.ndjson"])); n != 4 {
		t.Errorf("%d rows of workspaces", n)
	}
}

// A bucket that fails is tried again, and in the end the export says so.
func TestExportFails(t *testing.T) {
	b := setup(t)
	store, dir := files(t)
	w := b.workerWith(store, WorkerConfig{})
	id := b.askForExport()
	// A directory stands where the file is to be, so that it never gets its name.
	if err := store.Write(t.Context(), bucket.Export(b.customer.ID, id)+"/in-the-way", "text/plain", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	b.exec(`create function hurry() returns trigger language plpgsql as 'begin new.scheduled_at := now(); return new; end';
		create trigger hurry before update on river.river_job for each row when (new.state = 'retryable') execute function hurry()`)
	b.start(w)
	eventually(b, "failed", exportState, id)
	if problem := scan[string](b, "select problem from exports where id = $1", id); !strings.Contains(problem, "several times") || strings.Contains(problem, dir) {
		t.Errorf("the problem is told as %q", problem)
	}
	eventually(b, "cancelled", "select state::text from river.river_job where kind = 'export'")
	if n := scan[int](b, "select attempt::int from river.river_job where kind = 'export'"); n != exportFailures {
		t.Errorf("given up after %d tries", n)
	}
	again := b.askForExport()
	eventually(b, "ready", exportState, again)
}

// An export whose worker has died is written anew by another; what is left of the first is gone.
func TestExportIsTakenOver(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	id := b.askForExport()
	b.exec("update exports set state = 'running' where id = $1", id)
	b.exec("insert into workers (id, lease_until) values ('dead', now() - interval '1 second')")
	b.exec(`insert into river.river_job (customer_id, args, kind, queue, max_attempts, state, attempt, attempted_at, attempted_by)
		values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'export_id', $2::uuid::text), 'export', 'export', 40, 'running', 1, now(), '{dead}')`, b.customer.ID, id)
	half := bucket.Export(b.customer.ID, id) + ".18abc.tmp"
	if err := store.Write(t.Context(), half, "application/zip", func(w io.Writer) error { _, err := io.WriteString(w, "half"); return err }); err != nil {
		t.Fatal(err)
	}
	b.start(b.workerWith(store, WorkerConfig{Lease: time.Second}))
	eventually(b, "ready", exportState, id)
	b.unzip(store, id)
	if _, err := store.Read(t.Context(), half); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("the half file: %v", err)
	}
}

// Of an export that is deleted while it is written nothing stays; nor of one whose day is over, nor of one that
// was cancelled with all of a customer's jobs.
func TestExportEnds(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	w := b.workerWith(store, WorkerConfig{})

	deleted := b.askForExport()
	if err := w.dispatchExports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.dispatchExports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](b, "select count(*)::int from river.river_job where kind = 'export'"); n != 1 {
		t.Fatalf("%d jobs for one export", n)
	}
	b.exec("delete from exports where id = $1", deleted)
	b.start(w)
	eventually(b, "cancelled", "select state::text from river.river_job where kind = 'export'")

	id := b.askForExport()
	eventually(b, "ready", exportState, id)
	b.exec("update exports set expires_at = now() where id = $1", id)
	eventually(b, "expired", exportState, id)
	if n, err := store.Count(context.Background(), "customers/"); err != nil || n != 0 {
		t.Errorf("%d files are left: %v", n, err)
	}

	// Archiving cancels jobs; an export goes on with another.
	b.exec("insert into river.river_job (customer_id, args, kind, queue, max_attempts, state, finalized_at) select customer_id, args, kind, queue, max_attempts, 'cancelled', now() from river.river_job limit 1")
	eventually(b, "ready", exportState, b.askForExport())
}
