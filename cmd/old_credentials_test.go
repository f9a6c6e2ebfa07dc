package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
	"fanfare/jobs"
)

// ghostKey has the form of a key of Ghost's.
var ghostKey = strings.Repeat("ab", 12) + ":" + strings.Repeat("cd", 32)

// oldInstallation is a database and a key set for credentials to be imported into.
type oldInstallation struct {
	*dbtest.DB
	t        *testing.T
	keyset   string
	vault    *vault.Vault
	customer uuid.UUID
	owner    dbtest.User
}

func setupOld(t *testing.T) *oldInstallation {
	t.Helper()
	t.Parallel()
	o := &oldInstallation{DB: dbtest.New(t), t: t, keyset: filepath.Join(t.TempDir(), "keyset.json")}
	var err error
	if o.vault, err = vault.Create(t.Context(), vault.Config{KeySet: o.keyset}); err != nil {
		t.Fatal(err)
	}
	o.customer = o.Customer(t, dbtest.Customer{Name: "Blue Bottle"}).ID
	o.owner = o.User(t, dbtest.User{Subject: "ada", Email: "Ada@northlight.example"})
	return o
}

// until is a day in ten days, as the command takes it.
func until(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

// run runs the command line on the database as its owner.
func (o *oldInstallation) run(args ...string) (status int, said string) {
	o.t.Helper()
	var out bytes.Buffer
	status = Run(o.t.Context(), append([]string{"old-credentials"}, append(args, "--database-url", o.OwnerURL)...), &out, &out)
	return status, out.String()
}

// importing writes lines to a file and imports it.
func (o *oldInstallation) importing(lines []string, args ...string) (status int, said string) {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "old.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return o.run(append([]string{"import", path, "--keyset", o.keyset}, args...)...)
}

func (o *oldInstallation) scan(sql string, args ...any) string {
	o.t.Helper()
	var value string
	if err := o.Super.QueryRow(o.t.Context(), sql, args...).Scan(&value); err != nil {
		o.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// line is a line of the file: a good one for a Ghost site, with some fields replaced (nil: left out).
func (o *oldInstallation) line(replace map[string]any) string {
	fields := map[string]any{
		"owner": "ada", "platform": "ghost", "external_id": "https://news.example.com", "name": "The News", "url": "https://news.example.com",
		"credential": map[string]any{"site_url": "https://news.example.com/", "admin_api_key": ghostKey}, "customers": []string{o.customer.String()},
	}
	for name, value := range replace {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

const importedRows = `select concat_ws(' ', (select count(*) from old_credentials), (select count(*) from credential_moves), (select count(*) from integrations))`

// TestOldCredentialsImport: what is stored opens as what it was, a second run changes nothing, a dry run changes nothing,
// and a new credential replaces the old one.
func TestOldCredentialsImport(t *testing.T) {
	o := setupOld(t)
	other := o.Customer(t, dbtest.Customer{Name: "Kite"}).ID
	connected := o.Integration(t, dbtest.Integration{CustomerID: other, Platform: "twitter", ExternalID: "7"})
	lines := []string{
		o.line(nil), "", "  ",
		o.line(map[string]any{"owner": "ADA@northlight.example", "platform": "twitter", "external_id": "7", "url": nil,
			"credential": map[string]string{"access_token": "tw-s3cret", "user_id": "7"}, "customers": []string{o.customer.String(), other.String(), other.String()}}),
	}
	good := []string{"--until", until(10)}
	if status, said := o.importing(lines, append(good, "--dry-run")...); status != 0 || !strings.Contains(said, "would be stored 2, already there 0, refused 0") {
		t.Errorf("dry run: status %d\n%s", status, said)
	}
	if got := o.scan(importedRows); got != "0 0 1" {
		t.Fatalf("after a dry run there are %s rows", got)
	}
	for run, want := range []string{"stored 2, already there 0, refused 0", "stored 0, already there 2, refused 0"} {
		if status, said := o.importing(lines, good...); status != 0 || !strings.Contains(said, want) {
			t.Errorf("run %d: status %d\n%s", run, status, said)
		}
		if got := o.scan(importedRows); got != "2 2 3" {
			t.Errorf("after run %d there are %s rows", run, got)
		}
	}
	opened := func(platform string) string {
		t.Helper()
		var id uuid.UUID
		var sealed []byte
		if err := o.Super.QueryRow(t.Context(), "select id, credential from old_credentials where platform = $1", platform).Scan(&id, &sealed); err != nil {
			t.Fatal(err)
		}
		plain, err := o.vault.Unseal(sealed, vault.OldCredential(id, platform))
		if err != nil {
			t.Fatal(err)
		}
		return string(plain)
	}
	if got, want := opened("ghost"), fmt.Sprintf(`{"site_url":"https://news.example.com","admin_api_key":%q}`, ghostKey); got != want {
		t.Errorf("stored is %s, want %s", got, want)
	}
	if got := o.scan(`select string_agg(concat_ws(' ', platform, external_id, name, url, state, is_default, credential is null, old_credential_id is not null), ', ' order by platform)
		from integrations where customer_id = $1`, o.customer); got != "ghost https://news.example.com The News https://news.example.com active t t t, twitter 7 The News  active t t t" {
		t.Errorf("the accounts are %s", got)
	}
	if got := o.scan("select concat_ws(' ', credential is not null, old_credential_id is null) from integrations where id = $1", connected.ID); got != "t t" {
		t.Errorf("an account that was connected already: %s", got)
	}
	if got, want := o.scan("select to_char(max(deadline) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') from credential_moves"), until(11)+" 00:00:00"; got != want {
		t.Errorf("the deadline is %s, want %s", got, want)
	}

	again := []string{o.line(map[string]any{"credential": map[string]any{"site_url": "https://news.example.com", "admin_api_key": strings.Repeat("ef", 12) + ghostKey[24:]}})}
	if status, said := o.importing(again, "--until", until(20)); status != 0 || !strings.Contains(said, "stored 1, already there 0, refused 0") {
		t.Errorf("another credential: status %d\n%s", status, said)
	}
	if got := opened("ghost"); !strings.Contains(got, "efef") || o.scan(importedRows) != "2 2 3" {
		t.Errorf("stored is %s", got)
	}
	if got, want := o.scan("select to_char(deadline at time zone 'UTC', 'YYYY-MM-DD') from credential_moves where customer_id = $1", o.customer), until(21); got != want {
		t.Errorf("the deadline is %s, want %s", got, want)
	}
	for table, want := range map[string]string{"old_credential.create": "2", "credential_move.create": "2", "integration.create": "3"} {
		if got := o.scan("select count(*)::text from audit_log where action = $1 and actor_kind = 'database'", table); got != want {
			t.Errorf("%s: %s rows in the log, want %s", table, got, want)
		}
	}
	if n := o.scan("select count(*)::text from audit_log where changes::text ~ '(s3cret|abab|cdcd)'"); n != "0" {
		t.Errorf("%s rows of the log hold a secret", n)
	}
}

// TestOldCredentialsRefused: a bad line is refused by its number and with a reason that quotes no secret, and stops no
// other line.
func TestOldCredentialsRefused(t *testing.T) {
	o := setupOld(t)
	o.User(t, dbtest.User{Email: "twice@example.com"})
	o.User(t, dbtest.User{Email: "Twice@example.com"})
	unverified := o.User(t, dbtest.User{Email: "unverified@example.com"})
	erased := o.Customer(t, dbtest.Customer{}).ID
	ended := o.Customer(t, dbtest.Customer{}).ID
	for sql, id := range map[string]uuid.UUID{
		"update users set email_verified = false where id = $1":                      unverified.ID,
		"update customers set archived_at = now(), erasing_at = now() where id = $1": erased,
		"insert into credential_moves (customer_id, id, old_owner_id, deadline, ended_at) select $1, gen_random_uuid(), id, now() + interval '1 day', now() from users where subject = 'ada'": ended,
	} {
		if _, err := o.Super.Exec(t.Context(), sql, id); err != nil {
			t.Fatal(err)
		}
	}
	const secret = "s3cret-that-nobody-sees"
	twitter := func(credential any) string {
		return o.line(map[string]any{"platform": "twitter", "external_id": "7", "credential": credential})
	}
	cases := []struct{ line, why string }{
		{`{"owner": "ada", "credential": {"access_token": "` + secret, "no JSON object"},
		{secret, "no JSON object"},
		{"[]", "no JSON object"},
		{"null", "owner must have"},
		{o.line(map[string]any{secret: 1}), "has a field that is not one of"},
		{o.line(nil) + " " + secret, "something follows"},
		{o.line(map[string]any{"owner": 5}), "owner is of another type"},
		{o.line(map[string]any{"customers": o.customer.String()}), "customers is of another type"},
		{o.line(map[string]any{"owner": nil}), "owner must have 1 to 320"},
		{o.line(map[string]any{"owner": "nobody@example.com"}), "nobody with this subject"},
		{o.line(map[string]any{"owner": "unverified@example.com"}), "nobody with this subject"},
		{o.line(map[string]any{"owner": "twice@example.com"}), "several people"},
		{o.line(map[string]any{"platform": "myspace"}), "no such platform; it is one of twitter, linkedin, facebook, mailchimp, ghost."},
		{o.line(map[string]any{"external_id": ""}), "external_id must have"},
		{o.line(map[string]any{"external_id": strings.Repeat("x", 501)}), "external_id must have"},
		{o.line(map[string]any{"name": "a\x00b"}), "no control characters"},
		{o.line(map[string]any{"url": "javascript:alert(1)"}), "url is not an address"},
		{o.line(map[string]any{"customers": []string{}}), "customers names nobody"},
		{o.line(map[string]any{"customers": []string{"x"}}), "no id"},
		{o.line(map[string]any{"customers": []string{o.customer.String(), uuid.Nil.String()}}), "there is no customer 00000000"},
		{o.line(map[string]any{"customers": []string{erased.String()}}), "there is no customer"},
		{o.line(map[string]any{"customers": []string{ended.String()}}), "has ended its use"},
		{o.line(map[string]any{"credential": nil}), "no JSON object"},
		{o.line(map[string]any{"credential": secret}), "has the fields site_url, admin_api_key."},
		{o.line(map[string]any{"credential": map[string]any{"site_url": "https://news.example.com", "admin_api_key": secret}}), "not an Admin API key"},
		{o.line(map[string]any{"credential": map[string]any{"site_url": "https://u:" + secret + "@news.example.com", "admin_api_key": ghostKey}}), "must not hold a user name"},
		{o.line(map[string]any{"credential": map[string]any{"access_token": secret, "user_id": "7"}}), "field that is not known"},
		{twitter(map[string]any{"site_url": "https://news.example.com", "admin_api_key": ghostKey}), "field that is not known"},
		{twitter(map[string]any{"access_token": "", "user_id": "7"}), "A credential for twitter has the fields access_token, user_id."},
		{twitter(map[string]any{"access_token": secret + " " + secret, "user_id": "7"}), "access_token is empty, too long, or no token"},
		{twitter(map[string]any{"access_token": secret, "user_id": "8"}), "user_id is not the account's external_id"},
		{twitter(map[string]any{"access_token": 12345678901, "user_id": "7"}), "access_token is of another type"},
		{twitter(map[string]any{"access_token": secret, "user_id": "7", "refresh_token": secret}), "field that is not known"},
		{o.line(map[string]any{"platform": "linkedin", "external_id": "urn:li:person:x", "credential": map[string]any{"access_token": secret, "author": "urn:li:person:y"}}), "has the fields access_token, author."},
		{o.line(map[string]any{"platform": "facebook", "external_id": "1", "credential": map[string]any{"access_token": secret, "page_id": "2"}}), "has the fields access_token, page_id."},
		{o.line(map[string]any{"platform": "mailchimp", "external_id": "a/b", "credential": map[string]any{"access_token": secret, "account_id": "a", "list_id": "b", "endpoint": secret}}), "has the fields access_token, endpoint, account_id, list_id."},
		{o.line(map[string]any{"platform": "mailchimp", "external_id": "a", "credential": map[string]any{"access_token": secret, "account_id": "a", "list_id": "b", "endpoint": "https://us6.api.mailchimp.com"}}), "list_id is not"},
		{o.line(map[string]any{"name": strings.Repeat(secret, 10<<20/len(secret))}), "longer than 1048576 bytes"},
	}
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.line)
	}
	lines = append(lines, o.line(nil))
	status, said := o.importing(lines, "--until", until(1))
	if status != 1 || !strings.Contains(said, fmt.Sprintf("stored 1, already there 0, refused %d", len(cases))) {
		t.Fatalf("status %d\n%s", status, said)
	}
	told := strings.Split(said, "\n")
	for i, c := range cases {
		if prefix := fmt.Sprintf("line %d refused: ", i+1); !strings.HasPrefix(told[i], prefix) || !strings.Contains(told[i], c.why) {
			t.Errorf("%.200s\n\tis told as %q, want %q", c.line, told[i], c.why)
		}
	}
	for _, hidden := range []string{secret, "12345678901", ghostKey[25:]} {
		if strings.Contains(said, hidden) {
			t.Errorf("%q is printed:\n%s", hidden, said)
		}
	}
	if got := o.scan(importedRows); got != "1 2 1" { // with the move that had ended
		t.Errorf("there are %s rows", got)
	}
	o.OwnerURL = o.LoginURL
	if status, said := o.importing([]string{o.line(nil)}, "--until", until(1)); status != 1 || !strings.Contains(said, "as an administrator") {
		t.Errorf("as the login: status %d\n%s", status, said)
	}
	if status, said := o.run("import", filepath.Join(t.TempDir(), "nowhere"), "--keyset", o.keyset, "--until", until(1)); status != 1 || !strings.Contains(said, "nowhere") {
		t.Errorf("without a file: status %d\n%s", status, said)
	}
}

// TestOldCredentialsDeadline: an import with another last day says for how many people and customers it moves the deadline
// of what was imported before.
func TestOldCredentialsDeadline(t *testing.T) {
	o := setupOld(t)
	other := o.Customer(t, dbtest.Customer{Name: "Kite"}).ID
	o.User(t, dbtest.User{Subject: "ben", Email: "ben@northlight.example"})
	both := []string{o.customer.String(), other.String(), other.String()}
	first := []string{o.line(map[string]any{"customers": both}), o.line(map[string]any{"owner": "ben", "external_id": "https://ben.example.com"})}
	later := []string{o.line(map[string]any{"external_id": "https://two.example.com"}), o.line(map[string]any{"external_id": "https://three.example.com"})}
	for i, step := range []struct {
		lines []string
		until int
		says  string // the dry run says the same
		days  string // of ada's and of ben's
	}{
		{first, 30, "refused 0, deadline moved for 0", "30 30 30"},
		{first, 30, "refused 0, deadline moved for 0", "30 30 30"},
		{later, 5, "refused 0, deadline moved for 1\nThe deadline is that of a customer's use", "5 30 30"},
		{append(later, first...), 40, "refused 0, deadline moved for 3\nThe deadline", "40 40 40"},
		{[]string{o.line(map[string]any{"customers": []string{o.customer.String(), uuid.Nil.String()}})}, 50, "refused 1, deadline moved for 0", "40 40 40"},
	} {
		said := func(more ...string) string {
			_, said := o.importing(step.lines, append(more, "--until", until(step.until))...)
			return said
		}
		dry := strings.NewReplacer("would be stored", "stored", "would be moved", "moved").Replace(said("--dry-run"))
		got := said()
		if !strings.Contains(dry, step.says) || !strings.Contains(got, step.says) {
			t.Errorf("step %d says %q, the dry run %q; want %q", i, got, dry, step.says)
		}
		if got := o.scan(`select string_agg(((m.deadline at time zone 'UTC')::date - (now() at time zone 'UTC')::date - 1)::text, ' ' order by u.subject, m.deadline)
			from credential_moves m join users u on u.id = m.old_owner_id`); got != step.days {
			t.Errorf("after step %d there are %s days left, want %s", i, got, step.days)
		}
	}
}

// TestOldCredentialsTwice: an account that stands in a file twice is stored from the first line that is good.
func TestOldCredentialsTwice(t *testing.T) {
	o := setupOld(t)
	o.User(t, dbtest.User{Subject: "ben"})
	other := o.Customer(t, dbtest.Customer{}).ID
	lines := []string{
		o.line(map[string]any{"customers": []string{uuid.Nil.String()}}),
		o.line(nil),
		o.line(map[string]any{"owner": "Ada@northlight.example", "customers": []string{other.String()},
			"credential": map[string]any{"site_url": "https://news.example.com", "admin_api_key": strings.Repeat("ef", 12) + ghostKey[24:]}}),
		o.line(map[string]any{"owner": "ben"}),
	}
	for run, want := range []string{"would be stored 2, already there 0, refused 2", "stored 2, already there 0, refused 2", "stored 0, already there 2, refused 2"} {
		args := []string{"--until", until(10)}
		if run == 0 {
			args = append(args, "--dry-run")
		}
		status, said := o.importing(lines, args...)
		if status != 1 || !strings.Contains(said, want) || !strings.Contains(said, "line 3 refused: the same account stands in line 2") || strings.Contains(said, "line 4") {
			t.Errorf("run %d: status %d, want %q\n%s", run, status, want, said)
		}
	}
	if got := o.scan("select count(*)::text from integrations where customer_id = $1", other); got != "0" {
		t.Errorf("the refused line's customer has %s accounts", got)
	}
}

// TestOldCredentialsKeySet: nothing is imported under a key set that opens nothing of what is stored. One that lacks some
// keys, which may be lost for good, is warned of.
func TestOldCredentialsKeySet(t *testing.T) {
	o := setupOld(t)
	o.Integration(t, dbtest.Integration{CustomerID: o.customer, Platform: "twitter", ExternalID: "7"}) // its credential is no sealed value
	lines := []string{o.line(nil)}
	if status, said := o.importing(lines, "--until", until(10)); status != 0 || strings.Contains(said, "warning") {
		t.Fatalf("into an empty installation: status %d\n%s", status, said)
	}
	own := o.keyset
	o.keyset = filepath.Join(t.TempDir(), "other.json")
	if _, err := vault.Create(t.Context(), vault.Config{KeySet: o.keyset}); err != nil {
		t.Fatal(err)
	}
	two := append(lines, o.line(map[string]any{"external_id": "https://two.example.com"}), "no JSON")
	sealed := fmt.Sprintf("key %d (old_credentials 1)", o.vault.PrimaryKeyID())
	for _, args := range [][]string{{"--until", until(10)}, {"--until", until(20), "--dry-run"}} {
		status, said := o.importing(two, args...)
		if status != 1 || !strings.HasPrefix(said, "fanfare: --keyset (FANFARE_KEYSET): this is not the key set of the installation") || !strings.Contains(said, sealed) ||
			strings.Contains(said, "line ") {
			t.Errorf("with another key set and %v: status %d\n%s", args, status, said)
		}
	}
	if got := o.scan(importedRows); got != "1 1 2" {
		t.Fatalf("there are %s rows", got)
	}

	// A rotation has left something under a key that was lost.
	o.keyset = own
	id, err := vault.AddKey(t.Context(), vault.Config{KeySet: own})
	if err == nil {
		err = vault.Promote(t.Context(), vault.Config{KeySet: own}, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, said := o.importing(two[1:2], "--until", until(10)); status != 0 || strings.Contains(said, "warning") {
		t.Errorf("under the second key: status %d\n%s", status, said)
	}
	if err := vault.Retire(t.Context(), vault.Config{KeySet: own}, o.vault.PrimaryKeyID()); err != nil {
		t.Fatal(err)
	}
	o.OwnerURL = o.SuperURL // an administrator may do it too
	status, said := o.importing(lines, "--until", until(10), "--dry-run")
	if status != 0 || !strings.HasPrefix(said, "warning: ") || !strings.Contains(said, sealed) || !strings.Contains(said, "would be stored 1, ") {
		t.Errorf("without the first key: status %d\n%s", status, said)
	}
}

// TestOldCredentialsStatus: how far the moves are, and their end by hand.
func TestOldCredentialsStatus(t *testing.T) {
	o := setupOld(t)
	if status, said := o.run("status"); status != 0 || !strings.Contains(said, "0 accounts live by") {
		t.Errorf("of nothing: status %d\n%s", status, said)
	}
	lines := []string{o.line(nil), o.line(map[string]any{"external_id": "https://two.example.com"}), o.line(map[string]any{
		"platform": "twitter", "external_id": "7", "credential": map[string]string{"access_token": "s3cret", "user_id": "7"}})}
	if status, said := o.importing(lines, "--until", until(10)); status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	for _, sql := range []string{
		"update integrations set credential = 'own', key_id = 1 where external_id = 'https://two.example.com'",
		"update credential_moves set uses = 3, last_used_at = '2026-01-02 03:04:05+00'",
	} {
		if _, err := o.Super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	type report struct{ Customers []customerStatus }
	read := func() report {
		t.Helper()
		status, said := o.run("status", "--json")
		var r report
		if err := json.Unmarshal([]byte(said), &r); err != nil || status != 0 {
			t.Fatalf("status %d, %v\n%s", status, err, said)
		}
		return r
	}
	r := read()
	if len(r.Customers) != 1 || r.Customers[0].CustomerID != o.customer || fmt.Sprint(r.Customers[0].Platforms) != "[{ghost 1 1 0} {twitter 1 0 0}]" || len(r.Customers[0].Moves) != 1 {
		t.Fatalf("%+v", r)
	}
	m := r.Customers[0].Moves[0]
	if m.Owner != "ada" || m.Uses != 3 || m.LastUsedAt == nil || m.EndedAt != nil || m.DaysLeft == nil || *m.DaysLeft < 10 || *m.DaysLeft > 11 {
		t.Errorf("the move is %+v", m)
	}
	if got := spellLiving(1); !strings.HasPrefix(got, "1 account lives ") {
		t.Errorf("of one: %s", got)
	}
	// Another person's, until another day; and a customer of which nothing is left to move.
	o.User(t, dbtest.User{Subject: "ben"})
	if status, said := o.importing([]string{o.line(map[string]any{"owner": "ben", "external_id": "https://ben.example.com"})}, "--until", until(5)); status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	kite := o.Customer(t, dbtest.Customer{Name: "Kite"}).ID
	if status, said := o.importing([]string{o.line(map[string]any{"owner": "ben", "external_id": "https://kite.example.com", "customers": []string{kite.String()}})}, "--until", until(7)); status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	if _, err := o.Super.Exec(t.Context(), "update integrations set credential = 'own', key_id = 1 where customer_id = $1", kite); err != nil {
		t.Fatal(err)
	}
	table := func() string {
		t.Helper()
		status, said := o.run("status")
		if status != 0 {
			t.Fatalf("status %d\n%s", status, said)
		}
		return strings.Join(strings.Fields(said), " ")
	}
	said := table()
	for _, want := range []string{
		`"Blue Bottle" ghost 2 1 0 ` + o.customer.String() + ` "Blue Bottle" twitter 1 0 0 ` + kite.String() + ` "Kite" ghost 0 1 0 CUSTOMER CREDENTIALS OF`,
		o.customer.String() + ` "ben" 0 never ` + until(5), o.customer.String() + ` "ada" 3 2026-01-02 03:04:05 ` + until(10) + " 1",
		kite.String() + ` "ben" 0 never none needed 3 accounts live by an old credential`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the tables lack %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, until(7)) {
		t.Errorf("there is a last day for a customer who has moved:\n%s", said)
	}
	// From here on it is ada's alone.
	if _, err := o.Super.Exec(t.Context(), `with gone as (delete from integrations where external_id in ('https://ben.example.com', 'https://kite.example.com'))
		delete from credential_moves m using users u where u.id = m.old_owner_id and u.subject = 'ben'`); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Super.Exec(t.Context(), "delete from old_credentials o using users u where u.id = o.owner_id and u.subject = 'ben'"); err != nil {
		t.Fatal(err)
	}

	if status, said := o.run("end", o.customer.String(), "--owner", "nobody"); status != 1 || !strings.Contains(said, "nobody with this subject") {
		t.Errorf("of nobody: status %d\n%s", status, said)
	}
	if status, said := o.run("end", o.customer.String(), "--owner", "ada@northlight.example"); status != 0 || !strings.Contains(said, "cannot be undone") || !strings.Contains(said, "must be reconnected: 2") {
		t.Errorf("status %d\n%s", status, said)
	}
	if status, said := o.run("end", o.customer.String(), "--owner", "ada"); status != 1 || !strings.Contains(said, "any more") {
		t.Errorf("ended twice: status %d\n%s", status, said)
	}
	r = read()
	if c := r.Customers[0]; fmt.Sprint(c.Platforms) != "[{ghost 0 1 1} {twitter 0 0 1}]" || c.Moves[0].EndedAt == nil || c.Moves[0].DaysLeft != nil {
		t.Errorf("after the end: %+v", c)
	}
	if said, want := table(), o.customer.String()+` "ada" 3 2026-01-02 03:04:05 over `; !strings.Contains(said, want) {
		t.Errorf("after the end the tables lack %q:\n%s", want, said)
	}
	if n := o.scan("select count(*)::text from old_credentials"); n != "0" {
		t.Errorf("%s old credentials are left", n)
	}
	if status, said := o.importing(lines[:1], "--until", until(10)); status != 1 || !strings.Contains(said, "has ended its use") {
		t.Errorf("imported after the end: status %d\n%s", status, said)
	}
}

// TestMetrics reads the metrics of a real worker, before and after a post goes out with an old credential.
func TestMetrics(t *testing.T) {
	o := setupOld(t)
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	site := server.URL + "/ghost-sites/news"
	credential := map[string]any{"site_url": site, "admin_api_key": box.AddGhostSite("news", "The News")}
	if status, said := o.importing([]string{o.line(map[string]any{"external_id": site, "credential": credential})}, "--until", until(10)); status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	base := startProcess(t, "metrics", "worker", "--metrics-addr", "127.0.0.1:0", "--keyset", o.keyset, "--worker-database-url", o.WorkerURL, "--egress-allow", "127.0.0.0/8")
	waitForMetrics(t, base, "\nfanfare_old_credentials 1\n")

	id := uuid.MustParse(o.scan("select id::text from integrations"))
	post := o.Post(t, dbtest.Post{CustomerID: o.customer, Integrations: []dbtest.Integration{{ID: id, CustomerID: o.customer}}})
	for _, sql := range []string{"update posts set scheduled_at = now() where id = $1", "update platform_posts set state = 'scheduled' where post_id = $1"} {
		if _, err := o.Super.Exec(t.Context(), sql, post.ID); err != nil {
			t.Fatal(err)
		}
	}
	queue, err := jobs.NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.TenantWorker().Tx(t.Context(), tenant.Worker(o.customer, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queue.InsertTx(ctx, tx, jobs.PublishArgs{CustomerID: o.customer, PostID: post.ID, PlatformPostID: post.PlatformPosts[0]}, nil)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	said := waitForMetrics(t, base, "\nfanfare_old_credentials 0\n")
	if !strings.Contains(said, "\nfanfare_old_credential_uses_total{platform=\"ghost\"} 1\n") {
		t.Errorf("the use is not counted:\n%s", said)
	}
	for line := range strings.Lines(strings.TrimSpace(said)) {
		if !strings.HasPrefix(line, "fanfare_") && !strings.HasPrefix(line, "# ") {
			t.Errorf("what is %q?", line)
		}
	}
	if strings.Contains(said, o.customer.String()) || strings.Contains(said, site) {
		t.Errorf("the metrics name a customer or a site:\n%s", said)
	}
	for _, path := range []string{"/", "/debug/pprof/"} {
		if status, _ := get(t, base+path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}

	// The API's process serves them as well.
	served := startProcess(t, "metrics", "serve", "--metrics-addr", "127.0.0.1:0", "--addr", "127.0.0.1:0", "--keyset", o.keyset, "--database-url", o.LoginURL,
		"--jwt-issuer", "https://issuer.example", "--jwt-audience", "fanfare", "--jwt-hs256-secret", strings.Repeat("x", 40))
	waitForMetrics(t, served, "\nfanfare_old_credentials 0\n")

	// An address that cannot be had is told by its setting, and so is another role's database.
	taken := strings.TrimPrefix(base, "http://")
	worker := []string{"worker", "--keyset", o.keyset, "--worker-database-url", o.WorkerURL}
	serve := []string{"serve", "--keyset", o.keyset, "--database-url", o.LoginURL, "--jwt-issuer", "i", "--jwt-audience", "a", "--jwt-hs256-secret", strings.Repeat("x", 40)}
	for _, c := range []struct {
		args []string
		says string
	}{
		{append(worker, "--metrics-addr", "foo"), "--metrics-addr (FANFARE_METRICS_ADDR): "},
		{append(worker, "--metrics-addr", taken), "--metrics-addr (FANFARE_METRICS_ADDR): listen tcp " + taken},
		{append(serve, "--addr", "foo"), "--addr (FANFARE_ADDR): "},
		{append(serve, "--addr", taken), "--addr (FANFARE_ADDR): listen tcp " + taken},
		{[]string{"sandbox", "--addr", taken}, "--addr: listen tcp " + taken},
		{append(worker, "--worker-database-url", o.LoginURL), "--worker-database-url (WORKER_DATABASE_URL) must log in as fanfare_worker, but logs in as"},
		{append(serve, "--database-url", o.WorkerURL), "--database-url (DATABASE_URL) must log in as fanfare_login, but logs in as"},
	} {
		var out bytes.Buffer
		if status := Run(t.Context(), c.args, &out, &out); status != 1 || !strings.Contains(out.String(), "fanfare: "+c.says) {
			t.Errorf("%v: status %d, want %q:\n%s", c.args[0], status, c.says, out.String())
		}
	}

	// Without a database the rest is told all the same.
	if _, err := o.Super.Exec(t.Context(), "revoke execute on function tenancy.count_old_credentials() from fanfare_worker"); err != nil {
		t.Fatal(err)
	}
	status, said := get(t, base+"/metrics")
	if status != http.StatusOK || strings.Contains(said, "fanfare_old_credentials ") || !strings.Contains(said, "fanfare_old_credential_uses_total") {
		t.Errorf("when it cannot be asked: status %d\n%s", status, said)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

// waitForMetrics reads /metrics until it holds something.
func waitForMetrics(t *testing.T, base, want string) string {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		status, said := get(t, base+"/metrics")
		if status == http.StatusOK && strings.Contains("\n"+said, want) {
			return "\n" + said
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %q in:\n%s", want, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// startProcess runs the program as a process of its own until the test ends, and gives the address of one of its parts.
func startProcess(t *testing.T, part string, args ...string) (base string) {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = []string{"FANFARE_TEST_RUN=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	found, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		scanner := bufio.NewScanner(stderr)
		for scanner.Scan() {
			var entry struct{ Msg, Part, Addr string }
			if json.Unmarshal(scanner.Bytes(), &entry) == nil && entry.Msg == "listening" && entry.Part == part {
				found <- "http://" + entry.Addr
			}
			t.Log(scanner.Text())
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		<-ended
		if err := command.Wait(); err != nil {
			t.Errorf("the process ended with %v", err)
		}
	})
	select {
	case base = <-found:
		return base
	case <-time.After(time.Minute):
		t.Fatalf("the %s of the process are not there", part)
		return ""
	}
}
