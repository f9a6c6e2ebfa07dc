package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Customer is one brand that the team works for.
type Customer struct {
	ID               uuid.UUID  `json:"id" format:"uuid"`
	Name             string     `json:"name"`
	Description      string     `json:"description" doc:"What the customer does."`
	BrandVoice       string     `json:"brand_voice" doc:"How its posts should sound."`
	Audience         string     `json:"audience" doc:"Whom its posts are for."`
	Language         string     `json:"language" doc:"BCP 47 tag." example:"en"`
	TimeZone         string     `json:"time_zone" doc:"IANA time zone." example:"Europe/Berlin"`
	ApprovalRequired bool       `json:"approval_required" doc:"Nothing goes out that nobody has approved; what is changed afterwards is to be approved again. What is on its way when this is switched on still goes out, at its time."`
	ApproverRole     string     `json:"approver_role" enum:"member,admin,owner" doc:"Who may approve: people with this role or a higher one."`
	SelfApproval     bool       `json:"self_approval" doc:"Whether somebody may approve what they, or a key or agent token of theirs, changed last or submitted."`
	Role             *string    `json:"role" enum:"owner,admin,member,viewer" doc:"The caller's own role; null for somebody who is here by a system role."`
	ArchivedAt       *time.Time `json:"archived_at" doc:"Since when it is read-only; null while it is in use."`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
}

type customerOutput struct {
	ETag string `header:"ETag"`
	Body Customer
}

// CustomerSeen is a customer, with what whoever asks may do there.
type CustomerSeen struct {
	Customer
	Permissions []string `json:"permissions" nullable:"false" doc:"What the key, the agent token or the person in a chat may do here. Empty for others, whose role says it."`
	MayApprove  bool     `json:"may_approve" doc:"The caller may approve posts here, unless self_approval is off and they had a part in the post."`
}

type customerSeenOutput struct {
	ETag string `header:"ETag"`
	Body CustomerSeen
}

// CustomerCreate is a new customer. Its maker becomes its owner.
type CustomerCreate struct {
	Name        string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
	Description string `json:"description,omitempty" maxLength:"10000"`
	BrandVoice  string `json:"brand_voice,omitempty" maxLength:"10000"`
	Audience    string `json:"audience,omitempty" maxLength:"10000"`
	Language    string `json:"language,omitempty" maxLength:"35" default:"en"`
	TimeZone    string `json:"time_zone,omitempty" minLength:"1" maxLength:"64" default:"UTC"`
	CustomerApproval
}

// CustomerApproval says what is to happen before something goes out.
type CustomerApproval struct {
	ApprovalRequired *bool   `json:"approval_required,omitempty" doc:"Nothing goes out that nobody has approved. false if it was never set."`
	ApproverRole     *string `json:"approver_role,omitempty" enum:"member,admin,owner" doc:"Who may approve: people with this role or a higher one. admin if it was never set."`
	SelfApproval     *bool   `json:"self_approval,omitempty" doc:"Whether somebody may approve what they, or a key or agent token of theirs, changed last or submitted. true if it was never set."`
}

// CustomerUpdate changes the fields that are given; null is as if the field were left out.
type CustomerUpdate struct {
	Name        *string `json:"name,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
	Description *string `json:"description,omitempty" maxLength:"10000"`
	BrandVoice  *string `json:"brand_voice,omitempty" maxLength:"10000"`
	Audience    *string `json:"audience,omitempty" maxLength:"10000"`
	Language    *string `json:"language,omitempty" maxLength:"35"`
	TimeZone    *string `json:"time_zone,omitempty" minLength:"1" maxLength:"64"`
	CustomerApproval
}

func (u CustomerUpdate) empty() bool { return u == CustomerUpdate{} }

func (a *API) registerCustomers() {
	tags := []string{"Customers"}
	register(a, huma.Operation{
		OperationID: "list-customers", Metadata: needs("customer:read"), Method: http.MethodGet, Path: "/v1/customers", Tags: tags,
		Summary: "List the customers you are a member of",
	}, a.listCustomers)
	register(a, huma.Operation{
		OperationID: "create-customer", Method: http.MethodPost, Path: "/v1/customers", Tags: tags,
		Summary: "Create a customer", DefaultStatus: http.StatusCreated,
	}, a.createCustomer)
	register(a, huma.Operation{
		OperationID: "get-customer", Metadata: needs("customer:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}", Tags: tags,
		Summary: "Get a customer",
	}, a.getCustomer)
	register(a, huma.Operation{
		OperationID: "update-customer", Method: http.MethodPatch, Path: "/v1/customers/{customer_id}", Tags: tags,
		Summary: "Change a customer",
		Description: "How posts are approved is changed by whoever may approve them. With the name, posts that use an e-mail template say something else: those that are approved are to be approved again, " +
			"and while one is being published, the name cannot be changed.",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateCustomer)
	register(a, huma.Operation{
		OperationID: "archive-customer", Method: http.MethodPost, Path: "/v1/customers/{customer_id}/archive", Tags: tags,
		Summary:     "Archive a customer",
		Description: "Makes it read-only for everybody and cancels every post that waits to be published. Owners only.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.archiveCustomer)
	register(a, huma.Operation{
		OperationID: "restore-customer", Method: http.MethodPost, Path: "/v1/customers/{customer_id}/restore", Tags: tags,
		Summary:     "Take a customer back into use",
		Description: "Ends archiving. Cancelled posts stay cancelled. Owners only.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.restoreCustomer)
}

func (a *API) listCustomers(ctx context.Context, in *struct {
	PageQuery
	Archived bool `query:"archived" default:"false" doc:"Also the archived ones."`
}) (*pageOutput[Customer], error) {
	before, err := in.before(listOfCustomers)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx), func(q *queries.Queries) ([]queries.CustomerListRow, error) {
		return q.CustomerList(ctx, queries.CustomerListParams{Before: before, MaxRows: in.more(), Archived: in.Archived})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.CustomerListRow) (Customer, error) {
		return customerFrom(queries.CustomerGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.CustomerListRow) string { return cursorOf(listOfCustomers, row.ID) })
	return &pageOutput[Customer]{Body: body}, err
}

func (a *API) createCustomer(ctx context.Context, in *struct{ Body CustomerCreate }) (*customerOutput, error) {
	if err := knownZone(&in.Body.TimeZone); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*customerOutput, error) {
		made, err := q.CustomerCreate(ctx, queries.CustomerCreateParams{
			ID: id, Name: in.Body.Name, Description: in.Body.Description, BrandVoice: in.Body.BrandVoice,
			Audience: in.Body.Audience, Language: in.Body.Language, TimeZone: in.Body.TimeZone, AdminsOnly: a.AdminsMakeCustomers,
		})
		switch {
		case err != nil:
			return nil, err
		case made == 0:
			return nil, problem(http.StatusForbidden, "On this server only system admins make customers. Ask one of them for a customer, or an owner of one to invite you.")
		}
		if approval := in.Body.CustomerApproval; approval != (CustomerApproval{}) {
			if _, err := q.CustomerUpdate(ctx, queries.CustomerUpdateParams{
				ID: id, ApprovalRequired: approval.ApprovalRequired, ApproverRole: approval.ApproverRole, SelfApproval: approval.SelfApproval,
			}); err != nil {
				return nil, err
			}
		}
		row, err := q.CustomerGet(ctx, id)
		return customerAnswer(row), err
	})
}

func (a *API) getCustomer(ctx context.Context, in *CustomerPath) (*customerSeenOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.CustomerSeenRow, error) {
		return q.CustomerSeen(ctx, in.CustomerID)
	})
	if err != nil {
		return nil, noRows(err, "customer")
	}
	customer := customerFrom(queries.CustomerGetRow{
		ID: row.ID, Name: row.Name, Description: row.Description, BrandVoice: row.BrandVoice, Audience: row.Audience, Language: row.Language,
		TimeZone: row.TimeZone, ApprovalRequired: row.ApprovalRequired, ApproverRole: row.ApproverRole, SelfApproval: row.SelfApproval,
		ArchivedAt: row.ArchivedAt, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Role: row.Role,
	})
	return &customerSeenOutput{ETag: etag(row.Version), Body: CustomerSeen{customer, row.Permissions, row.MayApprove}}, nil
}

func (a *API) updateCustomer(ctx context.Context, in *struct {
	CustomerPath
	Condition
	Body CustomerUpdate
}) (*customerOutput, error) {
	if in.Body.empty() {
		return nil, nothingToChange()
	}
	if err := knownZone(in.Body.TimeZone); err != nil {
		return nil, err
	}
	return a.changeCustomer(ctx, in.CustomerID, in.Condition, func(ctx context.Context, q *queries.Queries, version *int64) (int64, error) {
		return q.CustomerUpdate(ctx, queries.CustomerUpdateParams{
			ID: in.CustomerID, Version: version, Name: in.Body.Name, Description: in.Body.Description, BrandVoice: in.Body.BrandVoice,
			Audience: in.Body.Audience, Language: in.Body.Language, TimeZone: in.Body.TimeZone,
			ApprovalRequired: in.Body.ApprovalRequired, ApproverRole: in.Body.ApproverRole, SelfApproval: in.Body.SelfApproval,
		})
	})
}

func (a *API) archiveCustomer(ctx context.Context, in *struct {
	CustomerPath
	Condition
}) (*customerOutput, error) {
	return a.changeCustomer(ctx, in.CustomerID, in.Condition, func(ctx context.Context, q *queries.Queries, version *int64) (int64, error) {
		current, err := q.CustomerGet(ctx, in.CustomerID)
		if err != nil {
			return 0, err
		}
		if current.ArchivedAt != nil {
			if version != nil && *version != current.Version {
				return 0, nil
			}
			// Nothing is left to do, except for the database to refuse whoever may not archive.
			_, err := q.JobCancel(ctx, nil)
			return 1, err
		}
		// The customer first: whoever puts a post on its way holds it, so that afterwards there are no more to come.
		changed, err := q.CustomerArchive(ctx, queries.CustomerArchiveParams{ID: in.CustomerID, Version: version})
		if err != nil || changed == 0 {
			return changed, err
		}
		if err := q.PostLockUnderWay(ctx); err != nil {
			return 0, err
		}
		if _, err := q.PlatformPostCancelScheduled(ctx); err != nil {
			return 0, err
		}
		_, err = q.JobCancel(ctx, nil)
		return changed, err
	})
}

func (a *API) restoreCustomer(ctx context.Context, in *struct {
	CustomerPath
	Condition
}) (*customerOutput, error) {
	return a.changeCustomer(ctx, in.CustomerID, in.Condition, func(ctx context.Context, q *queries.Queries, version *int64) (int64, error) {
		return q.CustomerRestore(ctx, queries.CustomerRestoreParams{ID: in.CustomerID, Version: version})
	})
}

// changeCustomer runs a change and answers the customer as it is then.
func (a *API) changeCustomer(ctx context.Context, id uuid.UUID, condition Condition, apply func(ctx context.Context, q *queries.Queries, version *int64) (int64, error)) (*customerOutput, error) {
	return change(ctx, a, scope(ctx).In(id), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*customerOutput, error) {
		var row queries.CustomerGetRow
		get := func() (err error) {
			row, err = q.CustomerGet(ctx, id)
			return noRows(err, "customer")
		}
		err := condition.change(func(version *int64) (int64, error) { return apply(ctx, q, version) }, get)
		if err == nil {
			err = get()
		}
		return customerAnswer(row), err
	})
}

func customerAnswer(row queries.CustomerGetRow) *customerOutput {
	return &customerOutput{ETag: etag(row.Version), Body: customerFrom(row)}
}

func customerFrom(row queries.CustomerGetRow) Customer {
	c := Customer{
		ID: row.ID, Name: row.Name, Description: row.Description, BrandVoice: row.BrandVoice, Audience: row.Audience,
		Language: row.Language, TimeZone: row.TimeZone, ArchivedAt: utc(row.ArchivedAt),
		ApprovalRequired: row.ApprovalRequired, ApproverRole: row.ApproverRole, SelfApproval: row.SelfApproval,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if row.Role != "" {
		c.Role = &row.Role
	}
	return c
}

// utc gives a moment in the zone in which the API states all of them.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
