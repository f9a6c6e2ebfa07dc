package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/dbtest"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// keyring is a key set that can be rotated, and the worker that re-encrypts with it.
type keyring struct {
	*bundle
	config vault.Config
	worker *resealWorker
	log    bytes.Buffer
}

func setupKeyring(t *testing.T) *keyring {
	t.Helper()
	k := &keyring{bundle: setup(t), config: vault.Config{KeySet: t.TempDir() + "/keyset.json"}}
	v, err := vault.Create(t.Context(), k.config)
	if err != nil {
		t.Fatal(err)
	}
	k.vault = v
	k.exec("update integrations set state = 'disconnected', credential = null, key_id = null") // sealed with another key set
	k.worker = &resealWorker{
		pool: k.Worker, vault: v, lease: newLease("w", time.Minute, queries.New(k.Worker)), batch: 3,
		log: slog.New(slog.NewTextHandler(&k.log, nil)),
	}
	return k
}

// rotate adds a key, promotes it, and gives its id.
func (k *keyring) rotate() int64 {
	k.t.Helper()
	id, err := vault.AddKey(k.t.Context(), k.config)
	if err == nil {
		err = vault.Promote(k.t.Context(), k.config, id)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return int64(id)
}

func (k *keyring) work(ctx context.Context, key int64, age time.Duration) error {
	return k.worker.Work(ctx, &river.Job[ResealArgs]{
		JobRow: &rivertype.JobRow{ID: 5, CreatedAt: time.Now().Add(-age)}, Args: ResealArgs{KeyID: key},
	})
}

func (k *keyring) mustWork(key int64) {
	k.t.Helper()
	if err := k.work(k.t.Context(), key, 0); err != nil {
		k.t.Fatalf("%v\n%s", err, k.log.String())
	}
}

func (k *keyring) seal(text string, c vault.Context) (sealed []byte, keyID int64) {
	k.t.Helper()
	sealed, keyID, err := k.vault.SealWithID([]byte(text), c)
	if err != nil {
		k.t.Fatal(err)
	}
	return sealed, keyID
}

// account makes an account whose credential is text.
func (k *keyring) account(text string) uuid.UUID {
	k.t.Helper()
	id := dbtest.NewID(k.t)
	sealed, keyID := k.seal(text, vault.Credential(k.customer.ID, id, "ghost"))
	k.Integration(k.t, dbtest.Integration{CustomerID: k.customer.ID, ID: id, ExternalID: id.String(), Credential: sealed, KeyID: keyID})
	return id
}

// credential opens the credential of an account with what the file of the key set holds.
func (k *keyring) credential(id uuid.UUID) string {
	k.t.Helper()
	v, err := vault.Open(k.t.Context(), k.config)
	if err != nil {
		k.t.Fatal(err)
	}
	plain, err := v.Unseal(scan[[]byte](k.bundle, "select credential from integrations where id = $1", id), vault.Credential(k.customer.ID, id, "ghost"))
	if err != nil {
		k.t.Errorf("credential of %s: %v", id, err)
	}
	return string(plain)
}

// under gives how many rows of which table are under which key.
func (k *keyring) under(key int64) map[string]int64 {
	k.t.Helper()
	rows, err := queries.New(k.Worker).SealedCount(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, row := range rows {
		if row.KeyID == key {
			counts[row.TableName] = row.SealedRows
		}
	}
	return counts
}

// What the database lists as sealed, this package knows how to open.
func TestResealKnowsEveryColumn(t *testing.T) {
	b := setup(t)
	tables := scan[[]string](b, "select array_agg(table_name order by table_name) from tenancy.sealed_columns()")
	if known := slices.Sorted(maps.Keys(sealedContexts)); !slices.Equal(known, tables) {
		t.Errorf("the database has %v, jobs/reseal.go %v", tables, known)
	}
}

// After a rotation, whatever is stored in any table opens with the new key alone.
func TestResealEverything(t *testing.T) {
	k := setupKeyring(t)
	user, hash := k.User(t, dbtest.User{}), make([]byte, 32)
	type value struct {
		table, column, where string
		context              vault.Context
	}
	values := map[string]value{}
	old := int64(k.vault.PrimaryKeyID())
	for i := range 7 { // more than two batches
		id, customer := dbtest.NewID(t), k.customer.ID
		hash[0] = byte(i)
		where := fmt.Sprintf("id = '%s'", id)
		put := func(table, column string, c vault.Context, sql string, args ...any) {
			t.Helper()
			text := fmt.Sprint(table, i)
			sealed, keyID := k.seal(text, c)
			k.exec(sql, append([]any{sealed, keyID}, args...)...)
			values[text] = value{table, column, where, c}
		}
		put("integrations", "credential", vault.Credential(customer, id, "linkedin"),
			"insert into integrations (credential, key_id, customer_id, id, platform, external_id, name) values ($1, $2, $3, $4, 'linkedin', $4::uuid::text, 'A')", customer, id)
		put("authorizations", "credential", vault.Authorization(customer, id, "twitter"),
			"insert into authorizations (credential, key_id, customer_id, id, platform, external_id, name) values ($1, $2, $3, $4, 'twitter', $4::uuid::text, 'A')", customer, id)
		put("connect_sessions", "secret", vault.ConnectSession(customer, id, "facebook"),
			`insert into connect_sessions (secret, key_id, customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to)
			values ($1, $2, $3, $4, 'facebook', $5, $6, $6, '', '')`, customer, id, user.ID, hash)
		put("invitations", "sealed_token", vault.InvitationToken(customer, id),
			`insert into invitations (sealed_token, key_id, customer_id, id, email, role, token_hash, invited_by)
			values ($1, $2, $3, $4, $4::uuid::text || '@example.com', 'viewer', $5, $6)`, customer, id, hash, user.ID)
		put("old_credentials", "credential", vault.OldCredential(id, "ghost"),
			"insert into old_credentials (credential, key_id, id, owner_id, platform, external_id, name) values ($1, $2, $3, $4, 'ghost', $3::uuid::text, 'A')", id, user.ID)
		space := k.Space(t, dbtest.Space{CustomerID: customer, PairedBy: user.ID})
		put("bots", "credential", vault.BotCredential(customer, id, "telegram"),
			"insert into bots (credential, key_id, customer_id, id, platform, bot) values ($1, $2, $3, $4, 'telegram', $4::uuid::text)", customer, id)
		put("mcp_servers", "registration", vault.MCPRegistration(customer, id),
			"insert into mcp_servers (registration, key_id, customer_id, id, space_id, name, url, created_by) values ($1, $2, $3, $4, $5, 'A', 'https://example.com', null)", customer, id, space.ID)
		put("credentials", "credential", vault.SpaceCredential(customer, id),
			`insert into credentials (credential, key_id, customer_id, id, space_id, kind, name, mcp_server_id, login, created_by)
			values ($1, $2, $3, $4, $5, 'mcp', 'A', $4, 'oauth', null)`, customer, id, space.ID)
		put("agent_token_keys", "sealed", vault.AgentTokenKey(id), "insert into agent_token_keys (sealed, key_id, id) values ($1, $2, $3)", id)
		endpoint := dbtest.NewID(t)
		k.exec("insert into webhook_endpoints (customer_id, id, url) values ($1, $2, 'https://example.com')", customer, endpoint)
		put("webhook_secrets", "sealed", vault.WebhookSecret(customer, id),
			"insert into webhook_secrets (sealed, key_id, customer_id, id, endpoint_id) values ($1, $2, $3, $4, $5)", customer, id, endpoint)
		// Half of the answers were asked for outside of the customer that they concern.
		within := []uuid.UUID{customer, vault.Installation}[i%2]
		key := `a key, with {"every"} sign \ ` + id.String()
		where = fmt.Sprintf("key = '%s'", key)
		put("idempotency_keys", "answer", vault.Answer(within, "create-post", key),
			`insert into idempotency_keys (answer, key_id, actor_id, operation, key, fingerprint, acted_as, subject_id) values ($1, $2, $3, 'create-post', $4, $5, '', $6)`,
			user.ID, key, hash, customer)
	}
	if got := k.under(old); len(got) != len(sealedContexts) || got["integrations"] != 7 {
		t.Errorf("before: %v", got)
	}
	fresh := k.rotate()
	k.mustWork(fresh)
	if got := k.under(old); len(got) > 0 {
		t.Errorf("still under the old key: %v", got)
	}
	if err := vault.Retire(t.Context(), k.config, uint32(old)); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), k.config)
	if err != nil {
		t.Fatal(err)
	}
	for text, at := range values {
		sealed := scan[[]byte](k.bundle, fmt.Sprintf("select %s from %s where %s and key_id = $1", at.column, at.table, at.where), fresh)
		if plain, err := v.Unseal(sealed, at.context); err != nil || string(plain) != text {
			t.Errorf("%s: %q, %v", text, plain, err)
		}
	}
	// Once more: there is nothing to do, and so nothing is used.
	const uses = "select count(*)::integer from audit_log where action like '%.credential_use' and changes = '{\"purpose\": \"reseal\"}' and job_id = 5"
	if n := scan[int](k.bundle, uses); n != 42 {
		t.Errorf("%d uses on record, want 42", n)
	}
	k.mustWork(fresh)
	if n := scan[int](k.bundle, uses); n != 42 {
		t.Errorf("%d uses after another run", n)
	}
}

// What cannot be opened is named in the log, stays as it is, and keeps nothing else from being done.
func TestResealLeavesWhatIsLost(t *testing.T) {
	k := setupKeyring(t)
	var accounts []uuid.UUID
	for i := range 8 {
		accounts = append(accounts, k.account(fmt.Sprint(i)))
	}
	lost, damaged := accounts[1], accounts[4]
	k.exec(`update integrations set credential = '\x0100000007'::bytea || substr(credential, 6), key_id = 7 where id = $1`, lost)
	k.exec(`update integrations set credential = set_byte(credential, 20, get_byte(credential, 20) # 1) where id = $1`, damaged)
	of := func(id uuid.UUID) string {
		return scan[string](k.bundle, "select encode(credential, 'hex') || key_id from integrations where id = $1", id)
	}
	before := of(lost) + of(damaged)
	fresh := k.rotate()
	k.mustWork(fresh)
	if of(lost)+of(damaged) != before {
		t.Error("what cannot be opened was changed")
	}
	if diff := cmp.Diff(map[string]int64{"integrations": 6}, k.under(fresh)); diff != "" {
		t.Errorf("under the new key: -want +got:\n%s", diff)
	}
	for _, id := range []uuid.UUID{lost, damaged} {
		if n := strings.Count(k.log.String(), id.String()); n != 1 {
			t.Errorf("%s is named %d times:\n%s", id, n, k.log.String())
		}
	}
	if !strings.Contains(k.log.String(), "lost=2") {
		t.Errorf("log:\n%s", k.log.String())
	}
	// The key is found again: another run does what this one could not.
	k.exec("update integrations set credential = decode($2, 'hex') where id = $1", damaged, func() string {
		sealed, _ := k.seal("4", vault.Credential(k.customer.ID, damaged, "ghost"))
		return fmt.Sprintf("%x", sealed)
	}())
	k.mustWork(fresh)
	if got := k.credential(damaged); got != "4" {
		t.Errorf("credential = %q", got)
	}
}

// People reconnect accounts while they are re-encrypted: what they wrote last is what is there.
func TestResealAgainstChanges(t *testing.T) {
	k := setupKeyring(t)
	var accounts []uuid.UUID
	for range 40 {
		accounts = append(accounts, k.account("old"))
	}
	fresh := k.rotate()
	late, err := vault.Open(t.Context(), k.config) // a process that already has the new key
	if err != nil {
		t.Fatal(err)
	}
	early := k.vault // and one that goes on sealing with the old one for a while
	k.worker.vault = late
	k.worker.settle = 300 * time.Millisecond
	var people sync.WaitGroup
	last := make([]string, len(accounts))
	began := time.Now()
	for person := range 4 {
		people.Go(func() {
			for round := 0; time.Since(began) < 200*time.Millisecond; round++ {
				for i := person; i < len(accounts); i += 4 {
					v := []*vault.Vault{early, late}[round%2]
					text := fmt.Sprintf("%d of %d", round, i)
					sealed, keyID, err := v.SealWithID([]byte(text), vault.Credential(k.customer.ID, accounts[i], "ghost"))
					if err == nil {
						_, err = k.Super.Exec(context.Background(), "update integrations set credential = $2, key_id = $3 where id = $1", accounts[i], sealed, keyID)
					}
					if err != nil {
						t.Error(err)
						return
					}
					last[i] = text
				}
			}
		})
	}
	k.mustWork(fresh)
	people.Wait()
	if got := k.under(fresh)["integrations"]; got != int64(len(accounts)) {
		t.Errorf("%d of %d are under the new key", got, len(accounts))
	}
	for i, id := range accounts {
		if got := k.credential(id); got != last[i] {
			t.Errorf("credential = %q, written last was %q", got, last[i])
		}
	}
}

// A worker that is stopped in the middle leaves the rest to the next one.
func TestResealBrokenOff(t *testing.T) {
	k := setupKeyring(t)
	for i := range 30 {
		k.account(fmt.Sprint(i))
	}
	k.worker.batch = 1
	fresh := k.rotate()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		for k.t.Context().Err() == nil {
			if n, err := queryOne[int](k.bundle, "select count(*) from integrations where key_id = $1", fresh); err != nil || n > 3 {
				return
			}
		}
	})
	err := k.work(ctx, fresh, 0)
	watching.Wait()
	if snoozed := new(rivertype.JobSnoozeError); !errors.As(err, &snoozed) {
		t.Fatalf("Work = %v", err)
	}
	if n := k.under(fresh)["integrations"]; n <= 3 || n >= 30 {
		t.Errorf("%d are done", n)
	}
	k.mustWork(fresh)
	if n := k.under(fresh)["integrations"]; n != 30 {
		t.Errorf("%d are done", n)
	}
}

// A worker whose key set is behind waits, and one whose key is not the primary one any more gives up.
func TestResealWaitsForItsKey(t *testing.T) {
	k := setupKeyring(t)
	id := k.account("x")
	added, err := vault.AddKey(t.Context(), k.config)
	if err != nil {
		t.Fatal(err)
	}
	snoozed, cancelled := new(rivertype.JobSnoozeError), new(rivertype.JobCancelError)
	if err := k.work(t.Context(), int64(added), 0); !errors.As(err, &snoozed) {
		t.Errorf("before it is promoted: %v", err)
	}
	if err := k.work(t.Context(), int64(added), time.Hour); !errors.As(err, &cancelled) {
		t.Errorf("an hour later: %v", err)
	}
	if err := vault.Promote(t.Context(), k.config, added); err != nil {
		t.Fatal(err)
	}
	k.mustWork(int64(added)) // reloads by itself
	if got := k.credential(id); got != "x" || k.under(int64(added))["integrations"] != 1 {
		t.Errorf("credential = %q", got)
	}
}

// The job goes through the queue, and belongs to no customer.
func TestResealFromTheQueue(t *testing.T) {
	k := setupKeyring(t)
	k.account("x")
	fresh := k.rotate()
	w := k.bundle.worker(WorkerConfig{})
	for range 2 { // the second finds the first under way
		if _, err := w.client.Insert(t.Context(), ResealArgs{KeyID: fresh}, nil); err != nil {
			t.Fatal(err)
		}
	}
	// The promotion is long enough ago that nobody seals with the key before.
	k.exec("update river.river_job set created_at = created_at - $1::interval where kind = 'reseal'", resealSettle)
	k.start(w)
	eventually(k.bundle, 1, "select count(*)::integer from integrations where key_id = $1", fresh)
	eventually(k.bundle, "completed", "select string_agg(state::text, ' ') from river.river_job where kind = 'reseal' and customer_id is null")
}
