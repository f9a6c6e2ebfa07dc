package cmd

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestRefusals: what cannot work is refused at the start, in words that name the setting.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const login, other = "postgres://fanfare_login:x@127.0.0.1:1/x", "postgres://somebody:x@127.0.0.1:1/x"
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
		{"old-credentials status", 2, "--database-url (MIGRATE_DATABASE_URL)"},
		{"old-credentials import --help", 0, "moves the deadline of what was imported"},
		{"old-credentials status --help", 0, "it does not mean\nthat the platform accepts it"},
		{"token --email ada@northlight.example --data-dir " + t.TempDir(), 1, "holds no development key"},
		{"dev --addr nowhere --data-dir " + t.TempDir(), 1, "--addr (FANFARE_ADDR)"},
		{"dev --metrics-addr nowhere --data-dir " + t.TempDir(), 1, "--metrics-addr (FANFARE_METRICS_ADDR)"},
		{"dev --return-urls http://app.example.com --data-dir " + t.TempDir(), 1, "--return-urls (FANFARE_RETURN_URLS)"},
		{"sandbox --addr foo", 1, "--addr must look like 127.0.0.1:8081"},
		{"sandbox --addr 0.0.0.0:0", 1, "only listens on this machine"},
	} {
		var out bytes.Buffer
		if status := Run(context.Background(), strings.Fields(c.args), &out, &out); status != c.status || !strings.Contains(out.String(), c.says) {
			t.Errorf("fanfare %s: status %d, want %d with %q:\n%s", c.args, status, c.status, c.says, out.String())
		}
	}
}
