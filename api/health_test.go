package api_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/internal/telemetry"
	"fanfare/jobs"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(t *testing.T, path string) (int, api.Health) {
		t.Helper()
		a := w.do(t, w.request(t, http.MethodGet, path, nil))
		return a.status, into[api.Health](t, a)
	}
	for _, path := range []string{"/health", "/readyz"} {
		if status, h := ask(t, path); status != 503 || h.Status != "unhealthy" || h.Checks["worker"] == "ok" || h.Checks["database"] != "ok" {
			t.Errorf("%s without a worker: %d %+v", path, status, h)
		}
	}
	w.exec(t, "insert into workers (id, lease_until) values ('w', now() + interval '1 hour')")
	for _, path := range []string{"/health", "/readyz", "/livez"} {
		if status, h := ask(t, path); status != 200 || h.Status != "ok" || time.Since(h.Timestamp).Abs() > time.Minute {
			t.Errorf("%s: %d %+v", path, status, h)
		}
	}
	w.exec(t, "update workers set lease_until = now() - interval '1 second'")
	if status, _ := ask(t, "/health"); status != 503 {
		t.Errorf("with a dead worker: %d", status)
	}
	w.exec(t, "update workers set lease_until = now() + interval '1 hour'")
	w.exec(t, "delete from schema_migrations where version = (select max(version) from schema_migrations)")
	if status, h := ask(t, "/readyz"); status != 503 || h.Checks["migrations"] == "ok" {
		t.Errorf("with a migration missing: %d %+v", status, h)
	}
	if status, _ := ask(t, "/livez"); status != 200 {
		t.Errorf("/livez asks for more than the process: %d", status)
	}
	w.exec(t, "alter function tenancy.readiness() rename to gone")
	if status, h := ask(t, "/readyz"); status != 503 || h.Checks["database"] != "ok" || !strings.Contains(h.Checks["migrations"], "fanfare migrate") {
		t.Errorf("without the schema: %d %+v", status, h)
	}
}

// TestHealthOfBackups: /health tells how backups stand, makes no check fail of it, and goes on without it.
func TestHealthOfBackups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(t, "insert into workers (id, lease_until) values ('w', now() + interval '1 hour')")
	at := time.Date(2027, 3, 31, 2, 0, 0, 0, time.UTC)
	told, away := telemetry.BackupHealth{NewestGoodAt: at, Late: 3, DrillsLate: 2, Failing: 5}, error(nil)
	handler := api.New(api.Deps{
		Pool: w.Login, Vault: w.vault, Log: slog.New(slog.DiscardHandler), Queue: must(jobs.NewInserter(slog.New(slog.DiscardHandler))),
		BackupHealth: func(context.Context) (telemetry.BackupHealth, error) { return told, away },
	})
	ask := func(path string) string {
		t.Helper()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	const want = `"backups":{"last_good_at":"2027-03-31T02:00:00Z","late":3,"last_good_drill_at":null,"drills_late":2}`
	if got := ask("/health"); !strings.Contains(got, want) {
		t.Errorf("told is %s", got)
	}
	if got := ask("/readyz"); strings.Contains(got, "backups") {
		t.Errorf("/readyz tells of more than it checks: %s", got)
	}
	away = errors.New("away")
	if got := ask("/health"); strings.Contains(got, "backups") {
		t.Errorf("told is %s, where nobody knows", got)
	}
}
