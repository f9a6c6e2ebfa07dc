package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"riverqueue.com/riverui"

	"fanfare/db/tenant"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const (
	riverPath = "/river"
	// riverLifetime is how long a browser looks at the queue before it asks anew.
	riverLifetime = time.Hour
	riverCookie   = "fanfare_river"
	// riverPolicy is what River UI works with: scripts of its own alone, and styles that it sets itself.
	riverPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// riverOperation is under what the audit log has what somebody sees there.
	riverOperation = "river-ui"
)

// riverSession is what the cookie holds, sealed.
type riverSession struct {
	Subject string    `json:"subject"`
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until"`
}

type riverSessionOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"For /river alone, and for an hour."`
}

func (a *API) registerRiver() {
	register(a, huma.Operation{
		OperationID: "create-river-session", Metadata: map[string]any{storesNothingKey: true}, Method: http.MethodPost, Path: "/v1/river-session", Tags: []string{"Jobs"},
		Summary: "Look at the queue of all customers",
		Description: "Gives the browser a cookie with which it sees River UI at /river/ for an hour. System admins only, who give a reason; the installation's audit log has it with all that is looked at. " +
			"Nothing can be changed there.",
		DefaultStatus: http.StatusNoContent, Parameters: []*huma.Param{reasonParameter},
	}, a.createRiverSession)
}

func (a *API) createRiverSession(ctx context.Context, _ *struct{}) (*riverSessionOutput, error) {
	allowed, err := read(ctx, a, scope(ctx), func(q *queries.Queries) (bool, error) { return q.JobsMaySeeAll(ctx) })
	if err != nil {
		return nil, err
	}
	if !allowed {
		return nil, forbidden()
	}
	who, _ := ctx.Value(callerKey{}).(caller)
	until := who.until(riverLifetime)
	plain, err := json.Marshal(riverSession{Subject: who.identity.Subject, Reason: who.request.Reason, Until: until})
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	sealed, err := a.Vault.Seal(plain, vault.RiverSession())
	if err != nil {
		return nil, fmt.Errorf("seal session: %w", err)
	}
	return &riverSessionOutput{SetCookie: a.riverCookie(base64.RawURLEncoding.EncodeToString(sealed), int(riverLifetime/time.Second)).String()}, nil
}

// riverCookie is the cookie for so many seconds; below 0 it is taken away.
func (a *API) riverCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the API is reached by TLS
		Name: riverCookie, Value: value, Path: riverPath, MaxAge: maxAge, HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteStrictMode,
	}
}

// registerRiverUI serves River UI to whoever has such a cookie and still is a system admin. Each request runs in a transaction of its own, which
// enters as that person and cannot write; the database shows it what they may see.
func (a *API) registerRiverUI(mux *http.ServeMux) {
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Logger: a.log}) // its tables are found by the search path
	if err != nil {
		panic(err) // nothing that it is given is configured
	}
	mux.HandleFunc(riverPath+"/", func(w http.ResponseWriter, r *http.Request) {
		session, open := a.riverSession(r)
		switch {
		case r.Method == http.MethodDelete && r.URL.Path == riverPath+"/": // whoever signs out
			http.SetCookie(w, a.riverCookie("", -1))
			w.WriteHeader(http.StatusNoContent)
			return
		case !open:
			a.write(w, r, problem(http.StatusUnauthorized, "River is opened from the dashboard, by system admins, and for an hour: open it there again."))
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			a.write(w, r, problem(http.StatusForbidden, "Jobs are only looked at here. Cancel or retry the post that a job is of."))
			return
		}
		request, _ := r.Context().Value(requestKey{}).(tenant.Request)
		request.Operation, request.Reason = riverOperation, session.Reason
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		answered := false
		err := a.db.Tx(ctx, tenant.User(session.Subject, request), func(ctx context.Context, tx *tenant.Tx) error {
			allowed, err := queries.New(tx).JobsMaySeeAll(ctx)
			if err == nil && !allowed {
				err = forbidden()
			}
			if err != nil {
				return err
			}
			for _, statement := range []string{"set transaction read only", "set local search_path = river_seen, river"} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("begin to look: %w", err)
				}
			}
			var inside pgx.Tx = tx
			ui, err := riverui.NewHandler(&riverui.HandlerOpts{Endpoints: riverui.NewEndpoints(client, &riverui.EndpointsOpts[pgx.Tx]{Tx: &inside}), Logger: a.log, Prefix: riverPath})
			if err != nil {
				return fmt.Errorf("make River UI: %w", err)
			}
			w.Header().Set("Content-Security-Policy", riverPolicy)
			answered = true
			ui.ServeHTTP(w, r.WithContext(ctx))
			return nil // what is written down of the look stays
		})
		switch {
		case err != nil && !answered:
			a.write(w, r, a.explain(ctx, err))
		case err != nil:
			a.log.ErrorContext(ctx, "a look at River UI is not in the audit log", "error", err)
		}
	})
}

// riverSession reads the cookie.
func (a *API) riverSession(r *http.Request) (session riverSession, open bool) {
	cookies := r.CookiesNamed(riverCookie)
	if len(cookies) != 1 || a.Vault == nil {
		return riverSession{}, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil {
		return riverSession{}, false
	}
	plain, err := a.Vault.Unseal(sealed, vault.RiverSession())
	if err != nil || json.Unmarshal(plain, &session) != nil {
		return riverSession{}, false
	}
	return session, time.Now().Before(session.Until)
}
