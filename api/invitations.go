package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/tenant"
	"fanfare/internal/vault"
	"fanfare/jobs"
	"fanfare/queries"
)

// Invitation asks the owner of an e-mail address to become a member.
type Invitation struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	Email       string     `json:"email"`
	Role        string     `json:"role" enum:"owner,admin,member,viewer" doc:"What the person becomes."`
	State       string     `json:"state" enum:"pending,accepted,revoked,expired"`
	InvitedBy   uuid.UUID  `json:"invited_by" format:"uuid" doc:"Who invites. If they may not any more, the invitation cannot be accepted."`
	ExpiresAt   time.Time  `json:"expires_at"`
	SentAt      *time.Time `json:"sent_at" doc:"When the mail server took the e-mail; null before that, and where e-mail is not set up."`
	SendProblem *string    `json:"send_problem" doc:"Why the e-mail will not be sent. Revoke the invitation, and invite again."`
	AcceptedAt  *time.Time `json:"accepted_at"`
	AcceptedBy  *uuid.UUID `json:"accepted_by" format:"uuid" nullable:"true"`
	RevokedAt   *time.Time `json:"revoked_at"`
	CreatedAt   time.Time  `json:"created_at"`
}

// NewInvitation is an invitation that has just been made.
type NewInvitation struct {
	Invitation
	Link *string `json:"link" doc:"Give it to the person. It is shown this once; null where an e-mail is on its way. A path of the dashboard where its address is not configured."`
}

type invitationOutput struct {
	ETag string `header:"ETag"`
	Body Invitation
}

type newInvitationOutput struct {
	ETag string `header:"ETag"`
	Body NewInvitation
}

// InvitationPath is the path of an invitation.
type InvitationPath struct {
	CustomerPath
	InvitationID uuid.UUID `path:"invitation_id" format:"uuid" doc:"The invitation."`
}

// InvitationCreate invites somebody.
type InvitationCreate struct {
	Email string `json:"email" minLength:"3" maxLength:"320" doc:"An address without a name. Only somebody whose own verified address it is can accept." example:"kate@example.com"`
	Role  string `json:"role" enum:"owner,admin,member,viewer"`
}

// InvitationAccept is what the invited person shows.
type InvitationAccept struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"What stands behind token= in the link."`
}

// Joined is the customer that somebody has become a member of.
type Joined struct {
	ID   uuid.UUID `json:"id" format:"uuid"`
	Name string    `json:"name"`
	Role string    `json:"role" enum:"owner,admin,member,viewer"`
}

type joinedOutput struct{ Body Joined }

func (a *API) registerInvitations() {
	tags := []string{"Invitations"}
	const list, one = "/v1/customers/{customer_id}/invitations", "/v1/customers/{customer_id}/invitations/{invitation_id}"
	register(a, huma.Operation{
		OperationID: "list-invitations", Method: http.MethodGet, Path: list, Tags: tags, Summary: "List invitations",
		Description: "Owners and admins only.", Errors: []int{http.StatusForbidden},
	}, a.listInvitations)
	register(a, huma.Operation{
		OperationID: "create-invitation", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Invite a person",
		Description: "Admins invite admins, members and viewers; owners also owners. An invitation is open for 7 days and works once. " +
			"Where e-mail is set up the person gets one; else the answer holds the link to give to them.",
		DefaultStatus: http.StatusCreated,
	}, a.createInvitation)
	register(a, huma.Operation{
		OperationID: "get-invitation", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an invitation",
	}, a.getInvitation)
	register(a, huma.Operation{
		OperationID: "revoke-invitation", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Revoke an invitation",
		Description: "Its link stops working at once. The invitation stays on the list.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.revokeInvitation)
	register(a, huma.Operation{
		OperationID: "accept-invitation", Method: http.MethodPost, Path: "/v1/invitations/accept", Tags: tags, Summary: "Accept an invitation",
		Description: "Makes the caller a member. The caller's own e-mail address must be verified and be the one that was invited. " +
			"404 says that there is no invitation to accept: the token is wrong, used, revoked or expired, it is somebody else's, " +
			"or whoever invited may not invite any more.",
		Errors: []int{http.StatusNotFound},
	}, a.acceptInvitation)
}

func (a *API) listInvitations(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Invitation], error) {
	before, err := in.before(listOfInvitations)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.InvitationListRow, error) {
		return q.InvitationList(ctx, queries.InvitationListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.InvitationListRow) (Invitation, error) {
		return invitationFrom(queries.InvitationGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.InvitationListRow) string { return cursorOf(listOfInvitations, row.ID) })
	return &pageOutput[Invitation]{Body: body}, err
}

func (a *API) createInvitation(ctx context.Context, in *struct {
	CustomerPath
	Body InvitationCreate
}) (*newInvitationOutput, error) {
	if !usableAddress(in.Body.Email) {
		return nil, invalid("body.email", "must be an e-mail address such as kate@example.com, without a name")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	token := randomSecret()
	create := queries.InvitationCreateParams{ID: id, Email: in.Body.Email, Role: in.Body.Role, TokenHash: hashInvitationToken(token)}
	var link *string
	if a.MailsInvitations {
		sealed, keyID, err := a.Vault.SealWithID([]byte(token), vault.InvitationToken(in.CustomerID, id))
		if err != nil {
			return nil, fmt.Errorf("seal token: %w", err)
		}
		create.SealedToken, create.KeyID = sealed, &keyID
	} else {
		text := jobs.InvitationLink(a.PublicURL, token)
		link = &text
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*newInvitationOutput, error) {
		if _, err := q.InvitationReplaceExpired(ctx, in.Body.Email); err != nil {
			return nil, err
		}
		if err := q.InvitationCreate(ctx, create); err != nil {
			return nil, err
		}
		if a.MailsInvitations {
			if _, err := a.Queue.InsertTx(ctx, tx, jobs.InvitationEmailArgs{CustomerID: in.CustomerID, InvitationID: id}, nil); err != nil {
				return nil, fmt.Errorf("enqueue e-mail: %w", err)
			}
		}
		row, err := q.InvitationGet(ctx, id)
		return &newInvitationOutput{ETag: etag(row.Version), Body: NewInvitation{Invitation: invitationFrom(row), Link: link}}, err
	})
}

func (a *API) getInvitation(ctx context.Context, in *InvitationPath) (*invitationOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.InvitationGetRow, error) {
		return q.InvitationGet(ctx, in.InvitationID)
	})
	if err != nil {
		return nil, noRows(err, "invitation")
	}
	return &invitationOutput{ETag: etag(row.Version), Body: invitationFrom(row)}, nil
}

func (a *API) revokeInvitation(ctx context.Context, in *struct {
	InvitationPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.InvitationRevoke(ctx, queries.InvitationRevokeParams{ID: in.InvitationID, Version: version})
		}, func() error {
			row, err := q.InvitationGet(ctx, in.InvitationID)
			if err == nil && row.State != "pending" {
				return conflict("The invitation is not open any more. There is nothing to revoke.")
			}
			return noRows(err, "invitation")
		})
	})
	return nil, err
}

func (a *API) acceptInvitation(ctx context.Context, in *struct{ Body InvitationAccept }) (*joinedOutput, error) {
	// The address may have been verified since the person was last seen: what counts is what the token says now.
	if err := a.registerCaller(ctx); err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*joinedOutput, error) {
		id, err := q.InvitationAccept(ctx, hashInvitationToken(in.Body.Token))
		if noInvitation(err) {
			return nil, notFound("invitation").cause(err)
		}
		if err != nil {
			return nil, err
		}
		row, err := q.CustomerGet(ctx, id)
		return &joinedOutput{Body: Joined{ID: row.ID, Name: row.Name, Role: row.Role}}, err
	})
}

// noInvitation tells whether the database knows of no invitation that could be accepted.
func noInvitation(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "FF007"
}

// hashInvitationToken is what the database keeps. A token is random enough to need no salt.
func hashInvitationToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// maxAddress is how long an address may be, in bytes: RFC 5321, section 4.5.3.1.
const maxAddress = 320

// usableAddress tells whether a text is one plain e-mail address and nothing besides: no name, no comment, no quotes,
// no address of a machine, and no character that cannot be seen.
func usableAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text && len(text) <= maxAddress && utf8.ValidString(text) &&
		!strings.Contains(text, "@[") && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) })
}

func invitationFrom(row queries.InvitationGetRow) Invitation {
	return Invitation{
		ID: row.ID, Email: row.Email, Role: row.Role, State: row.State, InvitedBy: row.InvitedBy, ExpiresAt: row.ExpiresAt.UTC(),
		SentAt: utc(row.SentAt), SendProblem: row.SendProblem, AcceptedAt: utc(row.AcceptedAt), AcceptedBy: row.AcceptedBy,
		RevokedAt: utc(row.RevokedAt), CreatedAt: row.CreatedAt.UTC(),
	}
}
