package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fanfare/api"
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
