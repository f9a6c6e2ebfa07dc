package api_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// proxy stands between the API and Postgres, and can be taken away.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{listener: listener, target: target}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *proxy) serve(front net.Conn) {
	defer front.Close()
	back, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer back.Close()
	p.mu.Lock()
	if p.away {
		p.mu.Unlock()
		return
	}
	p.conns = append(p.conns, front, back)
	p.mu.Unlock()
	go func() { _, _ = io.Copy(back, front); _ = back.Close() }()
	_, _ = io.Copy(front, back)
}

// leave cuts every connection and takes no new ones.
func (p *proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *proxy) comeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// throughProxy runs an API that reaches its database through a proxy. The database is the world's own.
func throughProxy(t testing.TB) (*world, *proxy) {
	t.Helper()
	w := setup(t)
	config, err := pgxpool.ParseConfig(w.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, net.JoinHostPort(config.ConnConfig.Host, strconv.Itoa(int(config.ConnConfig.Port))))
	config.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", p.listener.Addr().String())
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w.serve(t, options{pool: pool})
	return w, p
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	w, p := throughProxy(t)
	c := w.cast(t)
	w.call(t, c.owner, "GET", c.path(""), nil).want(t, 200)
	p.leave()
	for _, o := range operations() {
		path := o.path(c.customer.ID.String())
		if o.OperationID == "get-liveness" || o.OperationID == "get-dashboard-settings" { // which ask no database
			w.call(t, c.owner, o.Method, path, nil).want(t, 200)
			continue
		}
		if strings.HasSuffix(o.template, "/callback") { // which sends every browser on
			for range 2 {
				where := w.call(t, c.owner, o.Method, path+"?code=c&state="+strings.Repeat("A", 43), nil).want(t, 303).header.Get("Location")
				if !strings.Contains(where, "connect=unavailable") {
					t.Errorf("%s: leads to %s", o.OperationID, where)
				}
			}
			continue
		}
		for range 2 { // on a connection that has died, then on none
			a := w.call(t, c.owner, o.Method, path, o.body(t)).want(t, 503)
			if !o.public() && a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", o.OperationID)
			}
			for _, leak := range []string{"127.0.0.1", "fanfare_login", "dial", "EOF", "pgx"} {
				if strings.Contains(string(a.body), leak) {
					t.Errorf("%s: the answer tells of the inside: %s", o.OperationID, a.body)
				}
			}
		}
	}
	p.comeBack()
	w.call(t, c.owner, "GET", c.path(""), nil).want(t, 200)
	w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Back"}).want(t, 200)
}

// Connections that the server ends, as at its restart, make 503 at most, and the next request is served.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for range 3 {
		w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Before"}).want(t, 200)
		w.exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'fanfare_login'")
		if a := w.call(t, c.owner, "PATCH", c.path(""), m{"name": "During"}); a.status != 503 && a.status != 200 {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		w.call(t, c.owner, "PATCH", c.path(""), m{"name": "After"}).want(t, 200)
	}
}

// A row that somebody else holds for too long is 503 and not a hanging request.
func TestPostgresSlow(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{requestTimeout: 500 * time.Millisecond})
	c := w.cast(t)
	tx, err := w.Super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select from customers where id = $1 for update", c.customer.ID); err != nil {
		t.Fatal(err)
	}
	w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Waits"}).want(t, 503)
	mustDo(t, tx.Rollback(t.Context()))
	w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Runs"}).want(t, 200)
}

// What the database refuses in a way that nobody foresaw is an opaque 500: the cause is in the log, under the
// request id that the answer gives.
func TestUnforeseen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, `create function explode() returns trigger language plpgsql as $$ begin raise exception 'secret % of the inside', new.name; end $$`)
	w.exec(t, "create trigger explode before insert on campaigns for each row execute function explode()")
	a := w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "X"}, "X-Request-ID", "find-me").want(t, 500)
	if strings.Contains(string(a.body), "secret") || strings.Contains(string(a.body), "P0001") {
		t.Errorf("the answer tells of the inside: %s", a.body)
	}
	found := false
	for line := range strings.Lines(w.logs.String()) {
		found = found || strings.Contains(line, "secret") && strings.Contains(line, "find-me") && strings.Contains(line, `"ERROR"`)
	}
	if !found {
		t.Error("the log does not tell the cause under the request's id")
	}
	w.exec(t, "alter table campaigns add constraint unheard_of check (name <> 'Y')")
	w.exec(t, "drop trigger explode on campaigns")
	w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "Y"}).want(t, 500)
}

// A panic is a 500 like any other, and the process goes on.
func TestPanic(t *testing.T) {
	t.Parallel()
	logs := &logBuffer{}
	// An API without a verifier panics at the first token.
	w := &world{signer: developmentKey(), logs: logs}
	server := httptest.NewServer(api.New(api.Deps{Log: slog.New(slog.NewJSONHandler(logs, nil))}))
	t.Cleanup(server.Close)
	w.url = server.URL
	for range 2 {
		a := w.call(t, dbtest.User{Subject: "x"}, http.MethodGet, "/v1/me", nil, "X-Request-ID", "boom").want(t, 500)
		if strings.Contains(string(a.body), "nil pointer") || strings.Contains(string(a.body), ".go:") {
			t.Errorf("the answer tells of the panic: %s", a.body)
		}
	}
	if got := logs.String(); !strings.Contains(got, "panic in a request") || !strings.Contains(got, "authenticate.go") || strings.Count(got, `"boom"`) < 4 {
		t.Errorf("the log does not tell of the panic: %s", got)
	}
}

// Statements that Postgres asks to repeat are repeated.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, `create sequence attempts`)
	w.exec(t, `create function stumble() returns trigger language plpgsql security definer as $$ begin
		if nextval('attempts') <= 2 then raise exception using errcode = '40P01', message = 'deadlock'; end if; return new; end $$`)
	w.exec(t, "create trigger stumble before insert on campaigns for each row execute function stumble()")
	w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "X"}).want(t, 201)
	if n := w.count(t, "select count(*) from campaigns"); n != 1 {
		t.Errorf("%d campaigns", n)
	}
	w.exec(t, "alter sequence attempts minvalue -1000 restart -1000")
	w.call(t, c.owner, "POST", c.path("/campaigns"), m{"name": "Y"}).want(t, 409)
}
