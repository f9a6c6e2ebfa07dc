package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Member is a person's role in a customer.
type Member struct {
	UserID    uuid.UUID `json:"user_id" format:"uuid"`
	Role      string    `json:"role" enum:"owner,admin,member,viewer"`
	Email     *string   `json:"email"`
	Name      *string   `json:"name"`
	CreatedAt time.Time `json:"created_at" doc:"Since when."`
}

type memberOutput struct {
	ETag string `header:"ETag"`
	Body Member
}

// MemberPath is the path of a member.
type MemberPath struct {
	CustomerPath
	UserID uuid.UUID `path:"user_id" format:"uuid" doc:"The person."`
}

// MemberUpdate changes a person's role.
type MemberUpdate struct {
	Role string `json:"role" enum:"owner,admin,member,viewer"`
}

func (a *API) registerMembers() {
	tags := []string{"Members"}
	register(a, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/members", Tags: tags,
		Summary: "List the people of a customer",
	}, a.listMembers)
	register(a, huma.Operation{
		OperationID: "get-member", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/members/{user_id}", Tags: tags,
		Summary: "Get a person's role",
	}, a.getMember)
	register(a, huma.Operation{
		OperationID: "update-member", Method: http.MethodPatch, Path: "/v1/customers/{customer_id}/members/{user_id}", Tags: tags,
		Summary: "Change a person's role", Errors: []int{http.StatusPreconditionFailed},
	}, a.updateMember)
	register(a, huma.Operation{
		OperationID: "remove-member", Method: http.MethodDelete, Path: "/v1/customers/{customer_id}/members/{user_id}", Tags: tags,
		Summary: "Remove a person, or leave", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
		Description: "Takes effect on the person's next request. The last owner cannot leave.",
	}, a.removeMember)
}

func (a *API) listMembers(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Member], error) {
	after, err := in.after(listOfMembers)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.MembershipListRow, error) {
		return q.MembershipList(ctx, queries.MembershipListParams{After: after, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.MembershipListRow) (Member, error) {
		return memberFrom(queries.MembershipGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.MembershipListRow) string { return cursorOf(listOfMembers, row.UserID) })
	return &pageOutput[Member]{Body: body}, err
}

func (a *API) getMember(ctx context.Context, in *MemberPath) (*memberOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.MembershipGetRow, error) {
		return q.MembershipGet(ctx, in.UserID)
	})
	if err != nil {
		return nil, noRows(err, "member")
	}
	return memberAnswer(row), nil
}

func (a *API) updateMember(ctx context.Context, in *struct {
	MemberPath
	Condition
	Body MemberUpdate
}) (*memberOutput, error) {
	var row queries.MembershipGetRow
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		get := func() (err error) {
			row, err = q.MembershipGet(ctx, in.UserID)
			return noRows(err, "member")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.MembershipUpdate(ctx, queries.MembershipUpdateParams{UserID: in.UserID, Role: in.Body.Role, Version: version})
		}, get)
		if err != nil {
			return err
		}
		return get()
	})
	if err != nil {
		return nil, err
	}
	return memberAnswer(row), nil
}

func (a *API) removeMember(ctx context.Context, in *struct {
	MemberPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.MembershipDelete(ctx, queries.MembershipDeleteParams{UserID: in.UserID, Version: version})
		}, func() error {
			_, err := q.MembershipGet(ctx, in.UserID)
			return noRows(err, "member")
		})
	})
	return nil, err
}

func memberAnswer(row queries.MembershipGetRow) *memberOutput {
	return &memberOutput{ETag: etag(row.Version), Body: memberFrom(row)}
}

func memberFrom(row queries.MembershipGetRow) Member {
	return Member{UserID: row.UserID, Role: row.Role, Email: row.Email, Name: row.Name, CreatedAt: row.CreatedAt.UTC()}
}

// noRows names what was not found.
func noRows(err error, what string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return notFound(what)
	}
	return err
}
