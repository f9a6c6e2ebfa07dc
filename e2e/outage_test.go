package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fanfare/internal/sandbox"
)

// newSystemOn installs Fanfare on a server of its own as an operator would.
func newSystemOn(t testing.TB, server ownServer, opts options) *system {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.superURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create database fanfare"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	opts.superURL = withDatabase(t, server.superURL, "fanfare")
	opts.loginURL = withRole(t, opts.superURL, "fanfare_login", "login's password")
	opts.workerURL = withRole(t, opts.superURL, "fanfare_worker", "worker's password")
	env := []string{"MIGRATE_DATABASE_URL=" + opts.superURL, "DATABASE_URL=" + opts.loginURL, "WORKER_DATABASE_URL=" + opts.workerURL}
	command(t, env, "migrate")
	command(t, env, "migrate") // a second time changes nothing
	return newSystem(t, opts)
}

// PostgreSQL goes away and comes back. Meanwhile the API says so; afterwards everything works without a
// restart, and what fell due or was under way is published once. In the first outage River is still trying to
// write down how the job under way has ended, in the second it has given that up, in the third the worker's lease
// is over as well.
func TestOutageOfPostgres(t *testing.T) {
	t.Parallel()
	server := newOwnServer(t)
	s := newSystemOn(t, server, options{workerArgs: []string{"--lease", "20s"}})
	b := s.newBrand(t)
	for _, outage := range pick(whole(), []time.Duration{time.Second, 14 * time.Second, 25 * time.Second}, []time.Duration{3 * time.Second}) {
		t.Logf("away for %s", outage)
		// One post is with the platform when the database goes away, one is due meanwhile.
		underWay, due := b.draft(t, draft{}), b.draft(t, draft{})
		s.fault(t, b.site, sandbox.Fault{Kind: sandbox.FaultSlow, Step: "ghost.publish", DelayMS: 1000})
		b.publish(t, underWay.ID)
		eventually(t, 10*time.Second, "the fault is met", func() bool { return len(s.box.Faults()) == 0 })
		b.schedule(t, due.ID, time.Now().Add(2*time.Second))

		server.stop(t)
		gone := time.Now()
		s.checkAway(t, b)
		late := s.launchWorkerIf(t, outage > 20*time.Second)
		time.Sleep(time.Until(gone.Add(outage)))
		server.resume(t)
		back := time.Now()

		eventually(t, 20*time.Second, "the API answers again", func() bool {
			return b.owner.do(t, http.MethodGet, b.path, nil).status == http.StatusOK
		})
		for _, post := range []postAnswer{underWay, due} {
			b.checkPublished(t, b.await(t, post.ID, "published"))
		}
		t.Logf("away for %s: everything is published %s after its return", outage, time.Since(back).Round(100*time.Millisecond))
		if late != nil {
			late.message(t, "worker is working")
			late.stop(t)
		}
		eventually(t, 20*time.Second, "ready again", func() bool {
			return s.nobody().do(t, http.MethodGet, "/readyz", nil).status == http.StatusOK
		})
		fresh := b.draft(t, draft{})
		b.publish(t, fresh.ID)
		b.checkPublished(t, b.await(t, fresh.ID, "published"))
		s.checkSettled(t)
	}
	fmt.Printf("%s: %d posts, %d doubles\n", t.Name(), len(s.box.Published()), len(s.box.Doubles()))
}

// launchWorkerIf starts a worker while the database is away: it must wait for it.
func (s *system) launchWorkerIf(t testing.TB, wanted bool) *process {
	t.Helper()
	if !wanted {
		return nil
	}
	return s.launchWorker(t)
}

// checkAway expects what the API answers without its database.
func (s *system) checkAway(t *testing.T, b *brand) {
	t.Helper()
	for _, request := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, b.path + "/posts", nil},
		{http.MethodGet, "/v1/me", nil},
		{http.MethodPost, "/v1/customers", map[string]any{"name": "Nobody will see it"}},
		{http.MethodPost, b.path + "/posts", map[string]any{"text": "Nobody will see it"}},
	} {
		r := b.owner.do(t, request.method, request.path, request.body)
		if r.status != http.StatusServiceUnavailable {
			t.Errorf("%s %s without a database: %d %s", request.method, request.path, r.status, r.body)
		}
		if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 {
			t.Errorf("%s %s without a database: Retry-After %q", request.method, request.path, r.header.Get("Retry-After"))
		}
		if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s %s without a database: %s", request.method, request.path, kind)
		}
	}
	s.nobody().expect(t, http.StatusServiceUnavailable, http.MethodGet, "/readyz", nil)
	s.nobody().expect(t, http.StatusServiceUnavailable, http.MethodGet, "/health", nil)
	s.nobody().expect(t, http.StatusOK, http.MethodGet, "/livez", nil)
	if !s.serve.runs() {
		t.Fatal("the API has ended")
	}
}
