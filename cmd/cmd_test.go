package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanfare/internal/vault"
)

// TestRefusals: what cannot work is refused at the start, in words that name the setting.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const login, other = "postgres://fanfare_login:x@127.0.0.1:1/x", "postgres://somebody:x@127.0.0.1:1/x"
	const wrongURL = "postgres://u:s3cret@h:x/"
	folder := t.TempDir()
	keyset, readable := filepath.Join(folder, "keyset.json"), filepath.Join(folder, "readable")
	if _, err := vault.Create(t.Context(), vault.Config{KeySet: keyset}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(readable, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	serve := "serve --keyset " + keyset + " --database-url " + login + " --jwt-issuer i --jwt-audience a"
	hs256 := " --jwt-hs256-secret " + strings.Repeat("x", 32)
	worker := "worker --worker-database-url " + login + " --keyset "
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"", 0, "Usage: fanfare <command>"},
		{"help worker", 0, "--lease"},
		{"--version", 0, "fanfare "},
		{"serve", 2, "--keyset (FANFARE_KEYSET)"},
		{"worker --keyset k --worker-database-url x --lease 10ms", 2, "--lease (FANFARE_WORKER_LEASE) must be from 1s to 10m"},
		{"worker --keyset k --worker-database-url x --concurrency 0", 2, "--concurrency (FANFARE_WORKER_CONCURRENCY) must be from 1 to 10000"},
		{"worker --keyset k --worker-database-url x --audit-months=-1", 2, "--audit-months (FANFARE_AUDIT_MONTHS) must be from 0 to 1200"},
		{"migrate --migrate-database-url " + login + " --database-url " + other, 1, "--database-url (DATABASE_URL) must be a URL of the role fanfare_login"},
		{"migrate --migrate-database-url " + login + " --worker-database-url " + login, 1, "--worker-database-url (WORKER_DATABASE_URL) must be a URL of the role fanfare_worker"},
		{"old-credentials import x --keyset k --database-url " + login, 2, "missing settings: --until=YYYY-MM-DD"},
		{"old-credentials import", 2, "missing settings: --database-url (MIGRATE_DATABASE_URL), --keyset (FANFARE_KEYSET), --until=YYYY-MM-DD, <file>"},
		{"old-credentials import x --keyset k --database-url " + login + " --dry-run", 2, "missing settings: --until=YYYY-MM-DD"},
		{"old-credentials import --help", 0, "--until=YYYY-MM-DD"},
		{"old-credentials import --help", 0, "becomes the account's own when the"},
		{"old-credentials import --help", 0, "mailchimp  {access_token, endpoint, account_id, list_id}"},
		{"old-credentials import x --keyset k --database-url " + login + " --until 2020-01-01", 2, "--until is in the past"},
		{"old-credentials import x --keyset k --database-url " + login + " --until 2999-01-01", 2, "--until is more than a year ahead"},
		{"old-credentials import x --keyset k --database-url " + login + " --until tomorrow", 2, `--until: "tomorrow" is not a date such as 2027-03-31`},
		{"old-credentials import x --database-url " + login + " --until " + until(1), 2, "--keyset (FANFARE_KEYSET)"},
		{"old-credentials end xx --owner x --database-url " + login, 2, `<customer-id>: "xx" is not an id such as 019a`},
		{"old-credentials end --help", 0, "cannot be undone"},
		{"workspace clean --database-url " + login, 2, "say what is to be cleaned: --unused-days, --delete-archives-older-than-days, or both"},
		{"workspace clean --unused-days=-1 --database-url " + login, 2, "--unused-days must be from 1 to 3650"},
		{"workspace list --state busy --database-url " + login, 2, "--state must be one of"},
		{"workspace list --customer xx --database-url " + login, 2, `"xx" is not an id such as 019a`},
		{"workspace list", 2, "missing settings: --database-url (MIGRATE_DATABASE_URL)"},
		{"restore files --to " + folder + "/new", 2, "--bucket (FANFARE_BACKUP_BUCKET)"},
		{"restore files --bucket file:///nowhere --customer 019a5c1e-7d3b-7c42-9f60-2b8e4d1a6c05 --to " + folder, 1, "is not empty"},
		{"restore files --bucket file:///nowhere --customer 019a5c1e-7d3b-7c42-9f60-2b8e4d1a6c05 --to " + folder + "/new", 1, "--bucket (FANFARE_BACKUP_BUCKET): "},
		{"old-credentials status", 2, "--database-url (MIGRATE_DATABASE_URL)"},
		{"old-credentials import --help", 0, "moves the deadline of what was imported"},
		{"old-credentials status --help", 0, "it does not mean\nthat the platform accepts it"},
		{serve, 1, "set --jwt-jwks-url (FANFARE_JWT_JWKS_URL), or --jwt-hs256-secret (FANFARE_JWT_HS256_SECRET)"},
		{serve + " --jwt-jwks-url https://x.example --jwt-hs256-secret x", 1, "--jwt-jwks-url (FANFARE_JWT_JWKS_URL) and --jwt-hs256-secret (FANFARE_JWT_HS256_SECRET) are both set"},
		{serve + " --jwt-hs256-secret short", 1, "--jwt-hs256-secret (FANFARE_JWT_HS256_SECRET): the HS256 secret has 5 bytes"},
		{serve + " --jwt-jwks-url http://x.example", 1, "--jwt-jwks-url (FANFARE_JWT_JWKS_URL): the JWKS URL must be https"},
		{serve + hs256 + " --jwt-leeway 1h", 1, "--jwt-leeway (FANFARE_JWT_LEEWAY): "},
		{serve + hs256 + " --jwt-issuer=", 1, "--jwt-issuer (FANFARE_JWT_ISSUER): "},
		{serve + hs256 + " --jwt-audience=", 1, "--jwt-audience (FANFARE_JWT_AUDIENCE): "},
		{serve + hs256 + " --oidc-client-id x", 1, "with --oidc-client-id (FANFARE_OIDC_CLIENT_ID): --jwt-issuer (FANFARE_JWT_ISSUER) must look like https://"},
		{serve + hs256 + " --cors-origins https://app.example.com,null", 1, `--cors-origins (FANFARE_CORS_ORIGINS): "null" is not an origin`},
		{serve + hs256 + " --dashboard maybe", 2, "--dashboard (FANFARE_DASHBOARD) must be one of"},
		{serve + hs256 + " --egress-allow x", 1, `--egress-allow (FANFARE_EGRESS_ALLOW): "x" is not a network`},
		{serve + hs256 + " --unsplash-url http://photos.example", 1, "--unsplash-url (FANFARE_UNSPLASH_URL) must begin with https://"},
		{serve + hs256 + " --unsplash-app a&b", 1, "--unsplash-app (FANFARE_UNSPLASH_APP) must be a name"},
		{serve + hs256 + " --unsplash-access-key ä", 1, "--unsplash-access-key (FANFARE_UNSPLASH_ACCESS_KEY): "},
		{serve + hs256 + " --trusted-proxies x", 1, `--trusted-proxies (FANFARE_TRUSTED_PROXIES): "x" is not a network`},
		{serve + hs256 + " --database-url " + wrongURL, 1, "--database-url (DATABASE_URL) cannot be parsed; it must look like postgres://fanfare_login:"},
		{worker + keyset + " --worker-database-url " + wrongURL, 1, "--worker-database-url (WORKER_DATABASE_URL) cannot be parsed; it must look like postgres://fanfare_worker:"},
		{"keys status --keyset " + keyset + " --worker-database-url " + wrongURL, 1, "--worker-database-url (WORKER_DATABASE_URL) cannot be parsed"},
		{"old-credentials status --database-url " + wrongURL, 1, "--database-url (MIGRATE_DATABASE_URL) cannot be parsed; it must look like postgres://fanfare_owner:"},
		{"old-credentials status --database-url " + login, 1, "connect to the database that --database-url (MIGRATE_DATABASE_URL) names: "},
		{"audit verify --database-url " + wrongURL, 1, "--database-url (MIGRATE_DATABASE_URL) cannot be parsed"},
		{"migrate --migrate-database-url " + wrongURL, 1, "--migrate-database-url (MIGRATE_DATABASE_URL) cannot be parsed"},
		{"migrate --migrate-database-url " + login, 1, "--migrate-database-url (MIGRATE_DATABASE_URL): connect"},
		{worker, 1, "--keyset (FANFARE_KEYSET): open key set: no key set is configured"},
		{serve + hs256 + " --bucket /var/lib/fanfare", 1, "--bucket (FANFARE_BUCKET): the bucket's URL must look like file:///var/lib/fanfare"},
		{worker + keyset + " --bucket s3://key:s3cret@files", 1, "--bucket (FANFARE_BUCKET): the bucket's URL must hold no credentials"},
		{worker + keyset + " --bucket s3://files?secret=s3cret", 1, "--bucket (FANFARE_BUCKET): the bucket's URL has the parameter \"secret\""},
		{serve + hs256 + " --workspaces " + folder + "/nowhere", 1, "--workspaces (FANFARE_WORKSPACES): open the directory of workspaces: open " + folder + "/nowhere: no such file"},
		{worker + keyset + " --workspaces " + keyset, 1, "--workspaces (FANFARE_WORKSPACES): open the directory of workspaces: open " + keyset + ": not a directory"},
		{serve + hs256 + " --workspace-quota 0", 1, "--workspace-quota (FANFARE_WORKSPACE_QUOTA) must be a number of bytes above 0, not 0"},
		{serve + hs256 + " --workspace-quota 5GiB", 2, `--workspace-quota (FANFARE_WORKSPACE_QUOTA): expected a valid 64 bit int but got "5GiB"`},
		{worker + keyset + " --workspace-unused-days 0", 1, "--workspace-unused-days (FANFARE_WORKSPACE_UNUSED_DAYS) must be from 1 to 3650 days, not 0"},
		{worker + keyset + " --workspace-notice-days=-1", 1, "--workspace-notice-days (FANFARE_WORKSPACE_NOTICE_DAYS) must be from 1 to 3650 days, not -1"},
		{serve + hs256 + " --workspace-archive-days 3651", 1, "--workspace-archive-days (FANFARE_WORKSPACE_ARCHIVE_DAYS) must be from 1 to 3650 days, not 3651"},
		{worker + keyset + " --backup-bucket /var/backups", 1, "--backup-bucket (FANFARE_BACKUP_BUCKET): the bucket's URL must look like file:///var/lib/fanfare"},
		{worker + keyset + " --backup-bucket file://" + folder + "/nowhere", 1, "--backup-bucket (FANFARE_BACKUP_BUCKET): open bucket: open " + folder + "/nowhere: no such file"},
		{serve + hs256 + " --backup-bucket s3://key:s3cret@files", 1, "--backup-bucket (FANFARE_BACKUP_BUCKET): the bucket's URL must hold no credentials"},
		{worker + keyset + " --backup-recipient AGE-SECRET-KEY-s3cret", 1, "--backup-recipient (FANFARE_BACKUP_RECIPIENT): a recipient must look like age1"},
		{worker + keyset + " --backup-identity " + folder + "/nowhere", 1, "--backup-identity (FANFARE_BACKUP_IDENTITY): read identities: open " + folder + "/nowhere: no such file"},
		{worker + keyset + " --backup-identity " + readable, 1, "--backup-identity (FANFARE_BACKUP_IDENTITY): " + readable + " does not hold secret keys as age-keygen makes them"},
		{worker + keyset + " --backup-at 25:00", 1, `--backup-at (FANFARE_BACKUP_AT) must be a time such as 02:00, not "25:00"`},
		{worker + keyset + " --backup-keep-daily 0", 1, "--backup-keep-daily (FANFARE_BACKUP_KEEP_DAILY) must be at least 1, not 0"},
		{worker + keyset + " --backup-keep-weekly=-1", 1, "--backup-keep-weekly (FANFARE_BACKUP_KEEP_WEEKLY) must be at least 0, not -1"},
		{worker + keyset + " --backup-keep-monthly=-1", 1, "--backup-keep-monthly (FANFARE_BACKUP_KEEP_MONTHLY) must be at least 0, not -1"},
		{worker + keyset + " --backup-rate=-1", 1, "--backup-rate (FANFARE_BACKUP_RATE) must be a number of bytes a second from 32768, or 0, not -1"},
		{worker + keyset + " --backup-rate 50", 1, "--backup-rate (FANFARE_BACKUP_RATE) must be a number of bytes a second from 32768, or 0, not 50"},
		{worker + keyset + " --drill-every 10s", 1, "--drill-every (FANFARE_DRILL_EVERY) must be at least 1m, not 10s"},
		{worker + keyset + " --drill-every weekly", 2, `--drill-every (FANFARE_DRILL_EVERY): expected duration but got "weekly"`},
		{"restore rows --database-url " + login, 2, "--workspaces (FANFARE_WORKSPACES) is missing"},
		{"restore rows --workspaces " + folder + "/nowhere --database-url " + login, 1, "--workspaces (FANFARE_WORKSPACES): open the directory of workspaces"},
		{worker + "s3://bucket/keyset", 1, "--keyset (FANFARE_KEYSET): open key set: key set has scheme"},
		{worker + keyset + " --kek x", 1, "--kek (FANFARE_KEYSET_KEK): open key set: KEK is not a URI"},
		{"keys add --kek x --keyset " + keyset, 1, "--kek (FANFARE_KEYSET_KEK): add a key: KEK is not a URI"},
		{"keys status --keyset " + readable, 1, readable + ": the file is not a Tink key set"},
		{"worker --log-level loud", 2, "--log-level (FANFARE_LOG_LEVEL) must be one of"},
		{"worker --lease x", 2, "--lease (FANFARE_WORKER_LEASE): expected duration"},
		{"nothing", 2, "unexpected argument nothing\nSee 'fanfare --help'.\n"},
		{"old-credentials", 2, "\nSee 'fanfare old-credentials --help'.\n"},
		{"old-credentials nothing", 2, "unexpected argument nothing\nSee 'fanfare old-credentials --help'.\n"},
		{"keys promote", 2, "<id>\nSee 'fanfare keys promote --help'.\n"},
		{"keys status --nope", 2, "unknown flag --nope\nSee 'fanfare keys status --help'.\n"},
		{"token --email ada@northlight.example --data-dir " + t.TempDir(), 1, "holds no development key"},
		{"dev --addr nowhere --data-dir " + t.TempDir(), 1, "--addr (FANFARE_ADDR)"},
		{"dev --metrics-addr nowhere --data-dir " + t.TempDir(), 1, "--metrics-addr (FANFARE_METRICS_ADDR)"},
		{"dev --return-urls http://app.example.com --data-dir " + t.TempDir(), 1, "--return-urls (FANFARE_RETURN_URLS)"},
		{"sandbox --addr foo", 1, "--addr must look like 127.0.0.1:8081"},
		{"sandbox --addr 0.0.0.0:0", 1, "only listens on this machine"},
	} {
		var out bytes.Buffer
		args := strings.Fields(c.args)
		if c.args == worker {
			args = append(args, "") // as from an empty variable
		}
		if status := Run(context.Background(), args, &out, &out); status != c.status || !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "s3cret") {
			t.Errorf("fanfare %s: status %d, want %d with %q:\n%s", c.args, status, c.status, c.says, out.String())
		}
	}
}
