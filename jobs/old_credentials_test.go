package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
)

// oldWay makes the bundle's account one that lives by an old credential until a deadline.
func (b *bundle) oldWay(plain, externalID string, deadline time.Time) (old uuid.UUID) {
	b.t.Helper()
	owner := b.User(b.t, dbtest.User{})
	old = dbtest.NewID(b.t)
	sealed, err := b.vault.Seal([]byte(plain), vault.OldCredential(old, "ghost"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.exec("insert into old_credentials (id, owner_id, platform, external_id, name, credential, key_id) values ($1, $2, 'ghost', $3, 'x', $4, $5)",
		old, owner.ID, externalID, sealed, int64(b.vault.PrimaryKeyID()))
	b.exec("insert into credential_moves (customer_id, id, old_owner_id, deadline) values ($1, $2, $3, $4)", b.customer.ID, dbtest.NewID(b.t), owner.ID, deadline)
	b.integration = dbtest.Integration{CustomerID: b.customer.ID, ID: dbtest.NewID(b.t), Platform: "ghost", ExternalID: externalID}
	// Checked a moment ago, so that no worker does so by itself.
	b.exec("insert into integrations (customer_id, id, platform, external_id, name, old_credential_id, checked_at) values ($1, $2, 'ghost', $3, 'x', $4, now())",
		b.customer.ID, b.integration.ID, externalID, old)
	return old
}

// ownCredential is what the account has of its own, opened as what it must be sealed for.
func (b *bundle) ownCredential() string {
	b.t.Helper()
	sealed := scan[[]byte](b, "select credential from integrations where id = $1", b.integration.ID)
	if sealed == nil {
		return ""
	}
	plain, err := b.vault.Unseal(sealed, vault.Credential(b.customer.ID, b.integration.ID, "ghost"))
	if err != nil {
		b.t.Fatalf("the account's own credential: %v", err)
	}
	return string(plain)
}

// usesOfOld is how often the old way was used, by the move, the old credential and the audit log; usesOfOwn the own one.
const (
	usesOfOld = `select concat_ws(' ', (select uses from credential_moves), (select uses from old_credentials),
		(select count(*) from audit_log where action = 'old_credential.use'))`
	usesOfOwn = "select count(*)::integer from audit_log where action = 'integration.credential_use'"
	moves     = "select count(*)::integer from audit_log where action = 'integration.update' and changes ? 'credential'"
)

// logOf is a log that can be read while it is written to.
type logOf struct {
	sync.Mutex
	bytes.Buffer
}

// Write appends to the log.
func (l *logOf) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logOf) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

// workerLogging is a worker with its log, on the given platform.
func (b *bundle) workerLogging(ghost platform.Publisher) (*Worker, *logOf) {
	b.t.Helper()
	log := &logOf{}
	w, err := NewWorker(Deps{
		Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.NewJSONHandler(log, nil)),
		Publishers: map[platform.Name]platform.Publisher{platform.Ghost: ghost},
	}, WorkerConfig{})
	if err != nil {
		b.t.Fatal(err)
	}
	return w, log
}

// A site whose key was a person's: the first post goes out with it and moves it, the second with the account's own.
func TestOldCredentialIsMoved(t *testing.T) {
	b := setup(t)
	box, server := openSandbox(t)
	key := box.AddGhostSite("news", "The News")
	site := server.URL + "/ghost-sites/news"
	plain, err := json.Marshal(platform.GhostCredential{SiteURL: site, AdminAPIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	b.oldWay(string(plain), site, time.Now().Add(time.Hour))
	w, log := b.workerLogging(platform.NewGhost(platform.NewEgress([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})))
	b.start(w)

	p := b.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if got := scan[string](b, usesOfOld); got != "1 1 1" {
		t.Errorf("after the first post the old way was used %s times", got)
	}
	if got := b.ownCredential(); got != string(plain) {
		t.Errorf("the account has %q of its own", got)
	}
	p = b.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if old, own := scan[string](b, usesOfOld), scan[int](b, usesOfOwn); old != "1 1 1" || own != 1 {
		t.Errorf("after the second post: the old way %s times, the own one %d times", old, own)
	}
	if n := len(box.GhostPosts("news")); n != 2 {
		t.Errorf("the site has %d posts", n)
	}

	var warned int
	for line := range strings.Lines(log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["msg"] == "an account lives by an old credential" {
			warned++
			if entry["level"] != "WARN" || entry["customer_id"] != b.customer.ID.String() || entry["integration_id"] != b.integration.ID.String() ||
				entry["platform"] != "ghost" || entry["deadline"] == nil {
				t.Errorf("the warning is %s", line)
			}
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times", warned)
	}
	if strings.Contains(log.String(), key) || strings.Contains(log.String(), key[25:]) {
		t.Error("the key is in the log")
	}
}

// Two posts that find the old credential at once both use it, and move it once.
func TestOldCredentialIsMovedOnce(t *testing.T) {
	b := setup(t)
	b.oldWay(`{"secret":"s3cret"}`, "x", time.Now().Add(time.Hour))
	hold, err := b.Super.Begin(t.Context()) // keeps both from moving it before the other has found it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Rollback(t.Context()) }()
	if _, err := hold.Exec(t.Context(), "select 1 from integrations where id = $1 for share", b.integration.ID); err != nil {
		t.Fatal(err)
	}
	b.start(b.worker(WorkerConfig{}))
	first, second := b.scheduled(time.Now()), b.scheduled(time.Now())
	eventually(b, "2 2 2", usesOfOld)
	if n := scan[int](b, moves); n != 0 {
		t.Fatalf("moved %d times already", n)
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []dbtest.Post{first, second} {
		eventually(b, "published", stateOf, p.PlatformPosts[0])
		if n := b.platform.times(p.PlatformPosts[0]); n != 1 {
			t.Errorf("published %d times", n)
		}
	}
	if n := scan[int](b, moves); n != 1 {
		t.Errorf("moved %d times", n)
	}
	if got := b.ownCredential(); got != `{"secret":"s3cret"}` {
		t.Errorf("the account has %q of its own", got)
	}
}

// That a credential cannot be stored does no harm to the post; the next one tries again. A credential that the platform
// refuses takes its account along, also one that was moved a moment ago.
func TestOldCredentialThatCannotBeMoved(t *testing.T) {
	b := setup(t)
	b.oldWay(`{"secret":"s3cret"}`, "x", time.Now().Add(time.Hour))
	b.exec(`create function refuse_move() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$`)
	b.exec("create trigger refuse_move before update of credential on integrations for each row execute function refuse_move()")
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if got := b.ownCredential(); got != "" || scan[string](b, usesOfOld) != "1 1 1" {
		t.Errorf("the account has %q of its own", got)
	}
	b.exec("drop trigger refuse_move on integrations")
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		return &platform.Error{Class: platform.Credential, Message: "No."}
	}
	p = b.scheduled(time.Now())
	eventually(b, "failed", stateOf, p.PlatformPosts[0])
	if got := b.ownCredential(); got == "" || scan[string](b, usesOfOld) != "2 2 2" {
		t.Errorf("the account has %q of its own; used %s", got, scan[string](b, usesOfOld))
	}
	if state := scan[string](b, "select state from integrations where id = $1", b.integration.ID); state != "needs_reauth" {
		t.Errorf("the account is %s", state)
	}
}

// When the time is over the account needs a person, its posts fail with that, and the old credential is gone.
func TestOldCredentialsEnd(t *testing.T) {
	b := setup(t)
	b.oldWay(`{"secret":"s3cret"}`, "x", time.Now().Add(24*time.Hour))
	w, log := b.workerLogging(b.platform)
	// Not started: nothing else runs meanwhile.
	for range 2 {
		if err := w.endCredentialMoves(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "the time of old credentials ends soon"); n != 1 {
		t.Errorf("warned %d times of a move that ends tomorrow:\n%s", n, log)
	}
	b.exec("update credential_moves set deadline = now()")
	b.start(w)
	const state = "select concat_ws(' ', state, reason) from integrations where id = $1"
	eventually(b, "needs_reauth moved_out", state, b.integration.ID)
	if n := scan[int](b, "select count(*)::integer from old_credentials"); n != 0 {
		t.Error("the old credential is still there")
	}
	if want := fmt.Sprintf(`"customer_id":"%s"`, b.customer.ID); !strings.Contains(log.String(), "the time of old credentials is over") || !strings.Contains(log.String(), want) {
		t.Errorf("the log does not tell of it:\n%s", log)
	}
	p := b.scheduled(time.Now())
	eventually(b, "failed", stateOf, p.PlatformPosts[0])
	if got := scan[string](b, "select problem_class from platform_posts where id = $1", p.PlatformPosts[0]); got != "credential" {
		t.Errorf("the problem is %s", got)
	}
	if n := b.platform.times(p.PlatformPosts[0]); n != 0 {
		t.Error("the post was published")
	}
	if got := scan[string](b, state, b.integration.ID); got != "needs_reauth moved_out" {
		t.Errorf("after the post the account is %q", got)
	}
}

// A check finds the credential in the same way, and so moves accounts that have no post to send.
func TestOldCredentialIsMovedByACheck(t *testing.T) {
	b := setup(t)
	b.oldWay(`{"secret":"s3cret"}`, "x", time.Now().Add(time.Hour))
	b.exec("update integrations set checked_at = now() - interval '1 year' where id = $1", b.integration.ID)
	w := b.worker(WorkerConfig{})
	if err := b.TenantWorker().Tx(t.Context(), tenant.Worker(b.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := w.client.InsertTx(ctx, tx, CheckIntegrationArgs{CustomerID: b.customer.ID, IntegrationID: b.integration.ID}, nil)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.start(w)
	eventually(b, true, "select checked_at > now() - interval '1 hour' from integrations where id = $1", b.integration.ID)
	if got := b.ownCredential(); got != `{"secret":"s3cret"}` || scan[string](b, usesOfOld) != "1 1 1" {
		t.Errorf("the account has %q of its own; used %s", got, scan[string](b, usesOfOld))
	}
}
