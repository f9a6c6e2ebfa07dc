package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Me is the person who calls.
type Me struct {
	ID            uuid.UUID `json:"id" format:"uuid"`
	Email         *string   `json:"email" doc:"As the token's issuer tells it."`
	EmailVerified bool      `json:"email_verified"`
	Name          *string   `json:"name"`
	SystemRole    *string   `json:"system_role" enum:"admin,manager,viewer" doc:"The role over all customers, null for most people."`
	CreatedAt     time.Time `json:"created_at" doc:"When Fanfare first saw this person."`
}

type meOutput struct{ Body Me }

func (a *API) registerMe() {
	register(a, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/v1/me", Tags: []string{"Me"},
		Summary: "Who am I?",
	}, a.getMe)
}

// getMe also brings the stored address and name up to what the token says.
func (a *API) getMe(ctx context.Context, _ *struct{}) (*meOutput, error) {
	unregistered := a.registerCaller(ctx)
	row, err := read(ctx, a, scope(ctx), func(q *queries.Queries) (queries.UserGetSelfRow, error) { return q.UserGetSelf(ctx) })
	if unregistered != nil && !errors.Is(err, tenant.ErrInvalidKey) { // a key that is not valid is told so first
		return nil, unregistered
	}
	if err != nil {
		return nil, err
	}
	return &meOutput{Body: Me{
		ID: row.ID, Email: row.Email, EmailVerified: row.EmailVerified, Name: row.Name, SystemRole: row.SystemRole,
		CreatedAt: row.CreatedAt.UTC(),
	}}, nil
}
