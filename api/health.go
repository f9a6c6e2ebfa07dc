package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db"
	"fanfare/queries"
)

// Health is how the service is.
type Health struct {
	Status    string            `json:"status" enum:"ok,unhealthy"`
	Timestamp time.Time         `json:"timestamp"`
	Checks    map[string]string `json:"checks" doc:"Each check's result: ok, or what is wrong."`
	Backups   *BackupHealth     `json:"backups,omitempty" doc:"How backups of files stand, in answers of /health where backups are made. It makes no check fail."`
}

// BackupHealth is how the backups of all customers' files stand.
type BackupHealth struct {
	LastGoodAt      *time.Time `json:"last_good_at" doc:"When the last good backup of any customer was made; null: none was."`
	Late            int64      `json:"late" doc:"Customers whose last good backup is older than a day and a half."`
	LastGoodDrillAt *time.Time `json:"last_good_drill_at" doc:"When a backup was restored elsewhere last, and was what was stored; null: none was."`
	DrillsLate      int64      `json:"drills_late" doc:"Customers whose backups were not tried like that for too long."`
}

type healthOutput struct {
	Status int
	Body   Health
}

// healthTimeout bounds the checks, so that a probe has its answer before it gives up.
const healthTimeout = 3 * time.Second

func (a *API) registerHealth() {
	tags := []string{"Health"}
	unhealthy := func() map[string]*huma.Response {
		schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Health](), true, "Health")
		return map[string]*huma.Response{"503": {
			Description: "A check has failed.", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
		}}
	}
	register(a, huma.Operation{
		OperationID: "get-health", Method: http.MethodGet, Path: "/health", Tags: tags, Metadata: public,
		Summary: "Is everything well?", Description: "All checks of /readyz; 503 when one fails. Also when the last good backup of files was, where they are made.", Responses: unhealthy(),
	}, a.getHealth)
	register(a, huma.Operation{
		OperationID: "get-liveness", Method: http.MethodGet, Path: "/livez", Tags: tags,
		Metadata: map[string]any{"public": true, unlimitedKey: true},
		Summary:  "Does the process answer?", Description: "Checks nothing else: restarting does not bring a database back.",
	}, a.getLiveness)
	register(a, huma.Operation{
		OperationID: "get-readiness", Method: http.MethodGet, Path: "/readyz", Tags: tags, Metadata: public,
		Summary: "Can the process serve?", Description: "Checks the database, its migrations, a living worker and the key set; 503 when one fails.", Responses: unhealthy(),
	}, a.getReadiness)
}

func (a *API) getLiveness(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{Status: http.StatusOK, Body: Health{Status: "ok", Timestamp: time.Now().UTC(), Checks: map[string]string{}}}, nil
}

func (a *API) getReadiness(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	checks := map[string]string{"database": "ok", "migrations": "ok", "worker": "ok", "keys": "ok"}
	readiness, err := queries.New(a.Pool).Readiness(ctx)
	switch {
	case err != nil:
		a.log.WarnContext(ctx, "health: the database check has failed", "error", err)
		checks["database"], checks["migrations"] = databaseTrouble(err)
		checks["worker"] = checks["migrations"]
		if checks["database"] == "ok" {
			checks["worker"] = "not known before the migrations"
		}
	case readiness.SchemaVersion < db.Version():
		checks["migrations"] = "run `fanfare migrate`: the database is at " + readiness.SchemaVersion + ", this program needs " + db.Version()
	}
	if err == nil && readiness.LiveWorkers == 0 {
		checks["worker"] = "no worker is alive; start `fanfare worker`"
	}
	if a.Vault == nil {
		checks["keys"] = "no key set"
	}
	out := &healthOutput{Status: http.StatusOK, Body: Health{Status: "ok", Timestamp: time.Now().UTC(), Checks: checks}}
	for _, result := range checks {
		if result != "ok" {
			out.Status, out.Body.Status = http.StatusServiceUnavailable, "unhealthy"
		}
	}
	return out, nil
}

func (a *API) getHealth(ctx context.Context, in *struct{}) (*healthOutput, error) {
	out, err := a.getReadiness(ctx, in)
	if err != nil || a.BackupHealth == nil || out.Body.Checks["database"] != "ok" || out.Body.Checks["migrations"] != "ok" {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	told, err := a.BackupHealth(ctx)
	if err != nil {
		a.log.WarnContext(ctx, "health: how backups stand is not known", "error", err)
		return out, nil
	}
	out.Body.Backups = &BackupHealth{LastGoodAt: timeOrNil(told.NewestGoodAt), Late: told.Late, LastGoodDrillAt: timeOrNil(told.NewestGoodDrillAt), DrillsLate: told.DrillsLate}
	return out, nil
}

// databaseTrouble says what an error of the readiness query tells of the database and of its migrations.
func databaseTrouble(err error) (database, migrations string) {
	const unknown = "not known without the database"
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return "cannot be reached", unknown
	}
	if db.Unmigrated(err) {
		return "ok", "run `fanfare migrate`: the database has none of this program's migrations"
	}
	switch pgErr.Code {
	case "28000", "28P01":
		return "refuses the role or the password in DATABASE_URL", unknown
	case "3D000":
		return "there is no database of the name in DATABASE_URL", unknown
	default:
		return "answers with an error (SQLSTATE " + pgErr.Code + ")", unknown
	}
}
