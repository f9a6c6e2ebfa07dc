package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanfare/db/dbtest"
)

// readyAnswer is the line that `fanfare dev --json` prints.
type readyAnswer struct {
	API, Sandbox, Database string
	WorkerDatabase         string `json:"worker_database"`
	Users                  []struct {
		Email, Token string
		Customers    []struct {
			ID, Name, Role string
			Integrations   []struct{ ID, Platform string }
		}
	}
}

// dev is a running `fanfare dev`.
type dev struct {
	*process
	dir   string
	ready readyAnswer
}

func startDev(t testing.TB, dir string, env ...string) *dev {
	t.Helper()
	return startDevAt(t, "127.0.0.1:0", dir, env...)
}

// startDevAt starts it at an address, such as one that it had before.
func startDevAt(t testing.TB, addr, dir string, env ...string) *dev {
	t.Helper()
	d := &dev{dir: dir, process: start(t, "dev", append(env, "FANFARE_LOG_FORMAT=json"), "dev", "--addr", addr, "--data-dir", dir, "--json")}
	d.waitFor(t, 2*time.Minute, "it is ready", func() bool { return len(d.out) > 0 })
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := json.Unmarshal([]byte(d.out[0]), &d.ready); err != nil {
		t.Fatalf("the line that it prints: %v\n%s", err, d.out[0])
	}
	return d
}

// listening is the address at which it has said to serve something.
func (d *dev) listening(t testing.TB, part string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.log {
		var entry struct{ Msg, Part, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Part == part {
			return entry.Addr
		}
	}
	t.Fatalf("it does not serve the %s", part)
	return ""
}

// client calls as the first user.
func (d *dev) client() *client {
	return &client{base: func() string { return d.ready.API }, token: d.ready.Users[0].Token, http: &http.Client{Timeout: 30 * time.Second}}
}

// customer is the path of the first user's first customer.
func (d *dev) customer() string { return "/v1/customers/" + d.ready.Users[0].Customers[0].ID }

// published reads the sandbox's record.
func (d *dev) published(t testing.TB) (titles []string) {
	t.Helper()
	status, body := fetch(t, d.ready.Sandbox+"/_sandbox/published")
	if status != http.StatusOK {
		t.Fatalf("the sandbox answers %d", status)
	}
	var record struct {
		Posts []struct {
			Title, URL     string
			TimesPublished int `json:"times_published"`
		}
		Doubles []any
	}
	if err := json.Unmarshal([]byte(body), &record); err != nil {
		t.Fatal(err)
	}
	for _, post := range record.Posts {
		titles = append(titles, post.Title)
		if post.TimesPublished != 1 || !visible(t, post.URL, post.Title) {
			t.Errorf("%q was published %d times, at %s", post.Title, post.TimesPublished, post.URL)
		}
	}
	if len(record.Doubles) != 0 {
		t.Errorf("published more than once: %v", record.Doubles)
	}
	return titles
}

// interrupt stops it as Ctrl-C does, and expects that nothing is left.
func (d *dev) interrupt(t testing.TB) {
	t.Helper()
	postmaster := postmasterOf(t, d.dir)
	d.signal(t, syscall.SIGINT)
	if status := d.wait(t, 10*time.Second); status != 0 {
		t.Errorf("status %d after Ctrl-C", status)
	}
	if postmaster != 0 && syscall.Kill(postmaster, 0) == nil {
		t.Errorf("PostgreSQL (pid %d) still runs", postmaster)
	}
	if len(d.out) != 1 {
		t.Errorf("it has printed %d lines on its standard output: %q", len(d.out), d.out)
	}
}

// postmasterOf is the process id of the PostgreSQL in a data directory, 0 if there is none.
func postmasterOf(t testing.TB, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) == 0 {
		found, _ = filepath.Glob(filepath.Join(dir, "postgres", "postmaster.pid"))
	}
	if len(found) == 0 {
		return 0
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(lines(string(content))[0])
	if err != nil {
		t.Fatalf("%s: %v", found[0], err)
	}
	return pid
}

// What somebody sees who runs `fanfare dev` for the first time, twice, and again.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := postgresDir(t)
	first := startDev(t, dir, "FANFARE_METRICS_ADDR=127.0.0.1:0", "FANFARE_RETURN_URLS=https://app.example.com/settings")
	if len(first.ready.Users) < 3 || len(first.ready.Users[0].Customers) < 2 || first.ready.Users[0].Customers[0].Role != "owner" ||
		len(first.ready.Users[0].Customers[0].Integrations) != 1 || first.ready.Users[0].Customers[0].Integrations[0].Platform != "ghost" {
		t.Fatalf("ready says %s", first.out[0])
	}
	var shape map[string]any
	if err := json.Unmarshal([]byte(first.out[0]), &shape); err != nil || len(shape) != 5 {
		t.Errorf("ready has other fields than api, sandbox, database, worker_database, users: %s", first.out[0])
	}
	if !strings.HasPrefix(first.ready.Database, "postgres://") {
		t.Errorf("the database is %q", first.ready.Database)
	}
	if postmasterOf(t, dir) == 0 {
		t.Fatal("its PostgreSQL is not found")
	}
	if titles := first.published(t); len(titles) != 1 {
		t.Fatalf("published at the start: %q", titles)
	}
	if status, page := fetch(t, first.ready.Sandbox); status != http.StatusOK || !strings.Contains(page, first.published(t)[0]) {
		t.Errorf("the sandbox's page (%d) does not show the first post", status)
	}
	t.Run("every token works", func(t *testing.T) {
		for _, user := range first.ready.Users {
			c := first.client()
			c.token = user.Token
			if me := call[meAnswer](t, c, http.MethodGet, "/v1/me", nil); me.Email != user.Email {
				t.Errorf("the token of %s is %s's", user.Email, me.Email)
			}
			for _, customer := range user.Customers {
				call[customerAnswer](t, c, http.MethodGet, "/v1/customers/"+customer.ID, nil)
			}
		}
	})
	t.Run("the dashboard's sign-in", func(t *testing.T) {
		var settings struct {
			SignIn      struct{ Kind string } `json:"sign_in"`
			Development struct {
				SandboxURL string `json:"sandbox_url"`
			}
		}
		if status, said := fetch(t, first.ready.API+"/v1/dashboard"); status != http.StatusOK || json.Unmarshal([]byte(said), &settings) != nil || settings.SignIn.Kind != "development" || settings.Development.SandboxURL != first.ready.Sandbox {
			t.Errorf("settings: %d %s", status, said)
		}
		c := first.client()
		c.token = call[struct{ Token string }](t, c, http.MethodPost, "/dev/sign-in", map[string]any{"person": "ann"}).Token
		customers := call[struct {
			Items []struct {
				Name, Role       string
				ApprovalRequired bool `json:"approval_required"`
				SelfApproval     bool `json:"self_approval"`
			}
		}](t, c, http.MethodGet, "/v1/customers", nil).Items
		if len(customers) != 2 || customers[0].Role != "admin" || customers[1].Role != "admin" || customers[0].ApprovalRequired || !customers[1].ApprovalRequired || customers[1].SelfApproval {
			t.Errorf("her customers are %+v", customers)
		}
	})
	t.Run("the dashboard's page", func(t *testing.T) {
		status, page := fetch(t, first.ready.API+"/")
		if (status != http.StatusOK && status != http.StatusServiceUnavailable) || !strings.HasPrefix(page, "<!doctype html>") {
			t.Errorf("%d %s", status, page)
		}
		if status, said := fetch(t, first.ready.API+"/v1/nothing"); status != http.StatusNotFound || !strings.Contains(said, "problem:not-found") {
			t.Errorf("what is not there: %d %s", status, said)
		}
	})
	t.Run("fanfare token", func(t *testing.T) {
		c := first.client()
		c.token = command(t, nil, "token", "--email", "newcomer@example.com", "--data-dir", dir)
		if me := call[meAnswer](t, c, http.MethodGet, "/v1/me", nil); me.Email != "newcomer@example.com" {
			t.Errorf("the token is %s's", me.Email)
		}
		c.expect(t, http.StatusNotFound, http.MethodGet, first.customer(), nil)
	})
	t.Run("metrics and return addresses", func(t *testing.T) {
		if status, said := fetch(t, "http://"+first.listening(t, "metrics")+"/metrics"); status != http.StatusOK || !strings.Contains(said, "fanfare_old_credentials 0") {
			t.Errorf("metrics: status %d\n%s", status, said)
		}
		connect := first.customer() + "/integrations/twitter/connect?return_to="
		call[any](t, first.client(), http.MethodGet, connect+"https://app.example.com/settings/accounts", nil)
		first.client().expect(t, http.StatusUnprocessableEntity, http.MethodGet, connect+"https://app.example.com/", nil)
	})
	t.Run("fanfare keys", func(t *testing.T) {
		said := command(t, nil, "keys", "status", "--keyset", filepath.Join(dir, "keyset.json"), "--worker-database-url", first.ready.WorkerDatabase)
		if !strings.Contains(said, "integrations ") {
			t.Errorf("the status is:\n%s", said)
		}
	})
	t.Run("a second one beside it", func(t *testing.T) {
		second := startDev(t, postgresDir(t))
		if second.ready.API == first.ready.API || second.ready.Sandbox == first.ready.Sandbox || second.ready.Database == first.ready.Database {
			t.Errorf("two share an address: %s and %s", first.out[0], second.out[0])
		}
		c := first.client()
		c.base = second.client().base
		c.expect(t, http.StatusUnauthorized, http.MethodGet, "/v1/me", nil)
		second.interrupt(t)
	})
	t.Run("not two in one directory", func(t *testing.T) {
		p := start(t, "dev", nil, "dev", "--addr", "127.0.0.1:0", "--data-dir", dir, "--json")
		if status := p.wait(t, 30*time.Second); status != 1 {
			t.Errorf("a second one in the same directory ended with status %d", status)
		}
		call[meAnswer](t, first.client(), http.MethodGet, "/v1/me", nil)
	})

	campaign := call[campaignAnswer](t, first.client(), http.MethodPost, first.customer()+"/campaigns", map[string]any{"name": "Kept"})
	first.interrupt(t)

	again := startDev(t, dir)
	if again.ready.Sandbox != first.ready.Sandbox {
		t.Errorf("the sandbox moved from %s to %s", first.ready.Sandbox, again.ready.Sandbox)
	}
	if kept := call[campaignAnswer](t, again.client(), http.MethodGet, again.customer()+"/campaigns/"+campaign.ID, nil); kept.Name != "Kept" {
		t.Errorf("after a restart the campaign is %+v", kept)
	}
	if titles := again.published(t); len(titles) != 1 {
		t.Errorf("after a restart the sandbox shows %q", titles)
	}
	// A token of the first run is good in the second.
	c := first.client()
	c.base = again.client().base
	call[meAnswer](t, c, http.MethodGet, "/v1/me", nil)

	postmaster := postmasterOf(t, dir)
	again.kill()
	eventually(t, 20*time.Second, "PostgreSQL does not outlive a killed dev", func() bool { return syscall.Kill(postmaster, 0) != nil })
	after := startDev(t, dir)
	call[campaignAnswer](t, after.client(), http.MethodGet, after.customer()+"/campaigns/"+campaign.ID, nil)
	posts := call[struct{ Items []postAnswer }](t, after.client(), http.MethodGet, after.customer()+"/posts", nil)
	fresh := posts.Items[0]
	if fresh.State != "draft" {
		t.Fatalf("the newest demo post is %s", fresh.State)
	}
	call[postAnswer](t, after.client(), http.MethodPost, after.customer()+"/posts/"+fresh.ID+"/publish", nil)
	eventually(t, 30*time.Second, "the second post is published", func() bool {
		return call[postAnswer](t, after.client(), http.MethodGet, after.customer()+"/posts/"+fresh.ID, nil).State == "published"
	})
	if titles := after.published(t); len(titles) != 2 {
		t.Errorf("after a kill the sandbox shows %q", titles)
	}
	after.interrupt(t)
}

// Ctrl-C while it is still starting ends it too, and leaves nothing.
func TestDevInterruptedAtStart(t *testing.T) {
	t.Parallel()
	dir := postgresDir(t)
	p := start(t, "dev", nil, "dev", "--addr", "127.0.0.1:0", "--data-dir", dir, "--json", "--log-format", "json")
	eventually(t, 30*time.Second, "its PostgreSQL starts", func() bool { return postmasterOf(t, dir) != 0 })
	postmaster := postmasterOf(t, dir)
	p.signal(t, syscall.SIGINT)
	p.wait(t, 20*time.Second)
	if syscall.Kill(postmaster, 0) == nil {
		t.Errorf("PostgreSQL (pid %d) still runs", postmaster)
	}
	startDev(t, dir).interrupt(t)
}

// With DATABASE_URL it uses that server and starts none.
func TestDevOnGivenDatabase(t *testing.T) {
	t.Parallel()
	server := newOwnServer(t)
	db := withDatabase(t, server.superURL, "postgres")
	dir := t.TempDir()
	d := startDev(t, dir, "DATABASE_URL="+db)
	if postmasterOf(t, dir) != 0 {
		t.Error("it has started a PostgreSQL of its own")
	}
	pool := dbtest.OpenPool(t, db)
	var customers int
	if err := pool.QueryRow(t.Context(), "select count(*) from customers").Scan(&customers); err != nil || customers < 3 {
		t.Errorf("the given database holds %d customers (%v)", customers, err)
	}
	if titles := d.published(t); len(titles) != 1 {
		t.Errorf("published at the start: %q", titles)
	}
	d.interrupt(t)

	t.Run("again", func(t *testing.T) { startDev(t, dir, "DATABASE_URL="+db).interrupt(t) })
	t.Run("not with another installation's roles", func(t *testing.T) {
		refusedDev(t, db, "another Fanfare uses the roles")
		startDev(t, dir, "DATABASE_URL="+db).interrupt(t) // its passwords are as they were
	})
	t.Run("not with another application's tables", func(t *testing.T) {
		if _, err := pool.Exec(t.Context(), "create database shop"); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), "alter role fanfare_owner password null; alter role fanfare_login password null; alter role fanfare_worker password null"); err != nil {
			t.Fatal(err)
		}
		shop := withDatabase(t, server.superURL, "shop")
		if _, err := dbtest.OpenPool(t, shop).Exec(t.Context(), "create table orders (id int)"); err != nil {
			t.Fatal(err)
		}
		refusedDev(t, shop, "tables of another application (public.orders)")
	})
}

// refusedDev expects that `fanfare dev` ends with an error before it uses the database.
func refusedDev(t *testing.T, databaseURL, want string) {
	t.Helper()
	p := start(t, "dev", []string{"DATABASE_URL=" + databaseURL, "FANFARE_LOG_FORMAT=json"}, "dev", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--json")
	if status := p.wait(t, time.Minute); status != 1 {
		t.Errorf("it ended with status %d", status)
	}
	if said := strings.Join(p.log, "\n"); !strings.Contains(said, want) {
		t.Errorf("it says nothing of %q:\n%s", want, said)
	}
}

// TestConnectDemo: the script that connects accounts by HTTP alone does so, in development mode as it comes.
func TestConnectDemo(t *testing.T) {
	for _, name := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s here", name)
		}
	}
	d := startDev(t, t.TempDir())
	run := func(token string, args ...string) (status int, out string) {
		script := exec.CommandContext(t.Context(), "../tools/connect-demo", args...)
		script.Env = append(os.Environ(), "TOKEN="+token, "FANFARE_DATA_DIR=/nowhere")
		said, err := script.CombinedOutput()
		if err != nil && script.ProcessState == nil {
			t.Fatal(err)
		}
		return script.ProcessState.ExitCode(), string(said)
	}
	token := d.ready.Users[0].Token
	if status, out := run(token, "--help"); status != 0 || !strings.HasPrefix(out, "Usage: ") || !strings.Contains(out, "FANFARE_DATA_DIR") {
		t.Errorf("--help: status %d\n%s", status, out)
	}
	if status, out := run("x", d.ready.API); status != 1 || !strings.Contains(out, "reading the customers: 401 ") || strings.Contains(out, "jq:") {
		t.Errorf("with a bad token: status %d\n%s", status, out)
	}
	if status, out := run(token, d.ready.API, "ada@northlight.example"); status == 0 {
		t.Errorf("an e-mail address does not win over the token:\n%s", out)
	}
	fault := `{"step": "twitter.token", "fault": "status", "status": 503, "times": -1}`
	if status, body := send(t, http.MethodPost, d.ready.Sandbox+"/_sandbox/faults", fault); status != http.StatusNoContent {
		t.Fatalf("the fault is not taken: %d %s", status, body)
	}
	if status, out := run(token, d.ready.API); status != 1 || !strings.Contains(out, "twitter: coming back: platform_unavailable") {
		t.Errorf("when the platform is away: status %d\n%s", status, out)
	}
	if status, _ := send(t, http.MethodDelete, d.ready.Sandbox+"/_sandbox/faults", ""); status != http.StatusNoContent {
		t.Fatalf("the faults stay: %d", status)
	}
	status, out := run(token, d.ready.API)
	if status != 0 {
		t.Fatalf("status %d\n%s", status, out)
	}
	for _, want := range []string{"twitter: connected", "linkedin: connected", "facebook: connected", "mailchimp: connected", "twitter\tBlue Bottle Bakery\tactive\tby Blue Bottle Bakery"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	d.stop(t)
}
