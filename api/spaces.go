package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Space is a chat that is bound to the customer.
type Space struct {
	ID              uuid.UUID       `json:"id" format:"uuid"`
	Platform        string          `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot             string          `json:"bot" doc:"The platform's id of the bot whose chat it is."`
	Team            string          `json:"team" doc:"Slack's id of the workspace; empty elsewhere."`
	Kind            string          `json:"kind" enum:"user,group" doc:"user: of one person with the bot; group: of several people, or a channel. The platform says it."`
	ExternalID      string          `json:"external_id" doc:"The platform's id of the chat."`
	Title           string          `json:"title"`
	Permissions     ChatPermissions `json:"permissions" nullable:"false" doc:"What its people may do who are nobody in Fanfare, as far as whoever paired it may do it at that moment."`
	PairedBy        uuid.UUID       `json:"paired_by" format:"uuid" doc:"In whose name they do it."`
	State           string          `json:"state" enum:"active,unreachable,ended" doc:"unreachable: nothing can be said there, because somebody blocked the bot; it comes back by itself. ended: the chat is not the customer's any more, and what was said in it stays."`
	UnreachableAt   *time.Time      `json:"unreachable_at" doc:"Since when nothing can be said there."`
	MoveRequestedAt *time.Time      `json:"move_requested_at" doc:"Since when another customer, with a code that was used in the chat, waits for it to be released. null: nobody does."`
	EndedAt         *time.Time      `json:"ended_at"`
	EndedBecause    *string         `json:"ended_because" enum:"released,removed,gone" doc:"released: somebody released it here; removed: the bot was removed from the chat; gone: the chat is not there any more."`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

// SpacePerson is somebody in a space's chat, as the platform told of them.
type SpacePerson struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	ExternalID string     `json:"external_id" doc:"The platform's id of them."`
	Name       string     `json:"name"`
	Username   string     `json:"username" doc:"Their handle there, without @; empty where they have none."`
	UserID     *uuid.UUID `json:"user_id" format:"uuid" nullable:"true" doc:"The member that they are known to be; null: nobody in Fanfare."`
	JoinedAt   time.Time  `json:"joined_at"`
	LeftAt     *time.Time `json:"left_at" doc:"When they left; null while they are there."`
}

// ChatIdentity says which member somebody in the chats of a bot is.
type ChatIdentity struct {
	ID         uuid.UUID `json:"id" format:"uuid"`
	Platform   string    `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot        string    `json:"bot" doc:"The platform's id of the bot in whose chats they are known."`
	Team       string    `json:"team" doc:"Slack's id of the workspace; empty elsewhere."`
	ExternalID string    `json:"external_id" doc:"The platform's id of them."`
	UserID     uuid.UUID `json:"user_id" format:"uuid" doc:"The member."`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// SpaceUpdate changes the fields that are given; permissions replaces the whole list.
type SpaceUpdate struct {
	Title       *string          `json:"title,omitempty" maxLength:"300"`
	Permissions *ChatPermissions `json:"permissions,omitempty" minItems:"1"`
}

type spaceOutput struct {
	ETag string `header:"ETag"`
	Body Space
}

// SpacePath is the path of a space.
type SpacePath struct {
	CustomerPath
	SpaceID uuid.UUID `path:"space_id" format:"uuid" doc:"The space."`
}

// ChatIdentityPath is the path of a chat identity.
type ChatIdentityPath struct {
	CustomerPath
	ChatIdentityID uuid.UUID `path:"chat_identity_id" format:"uuid" doc:"The chat identity."`
}

func (a *API) registerSpaces() {
	tags := []string{"Spaces"}
	const list, one = "/v1/customers/{customer_id}/spaces", "/v1/customers/{customer_id}/spaces/{space_id}"
	const identities, identity = "/v1/customers/{customer_id}/chat-identities", "/v1/customers/{customer_id}/chat-identities/{chat_identity_id}"
	register(a, huma.Operation{
		OperationID: "list-spaces", Metadata: needs("spaces:read"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List spaces",
		Description: "A key or agent token of a space sees that one alone.",
	}, a.listSpaces)
	register(a, huma.Operation{
		OperationID: "get-space", Metadata: needs("spaces:read"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a space",
	}, a.getSpace)
	register(a, huma.Operation{
		OperationID: "update-space", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change a space",
		Description: "Owners and admins only.", Errors: []int{http.StatusPreconditionFailed},
	}, a.updateSpace)
	register(a, huma.Operation{
		OperationID: "release-space", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Release a space",
		Description: "The chat is free from then on: whoever pairs it, has it, and where move_requested_at says that somebody waits for it, they get it. Keys and agent tokens of " +
			"the space stop working. What was made and said in it stays. Owners and admins only.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.releaseSpace)
	register(a, huma.Operation{
		OperationID: "list-space-people", Method: http.MethodGet, Path: one + "/people", Tags: tags, Summary: "List the people of a space",
		Description: "Those of whom the platform has told, also who has left. Owners and admins only.",
	}, a.listSpacePeople)
	register(a, huma.Operation{
		OperationID: "list-chat-identities", Method: http.MethodGet, Path: identities, Tags: tags, Summary: "List who members are in chats",
		Description: "Whoever is known acts with their own rights in the customer's chats of the bot through which they were paired. Owners and admins see everybody's, others their own.",
	}, a.listChatIdentities)
	register(a, huma.Operation{
		OperationID: "delete-chat-identity", Method: http.MethodDelete, Path: identity, Tags: tags, Summary: "Forget who a member is in chats",
		Description:   "They are nobody in the customer's chats with the next thing that they say. Anybody forgets their own, owners and admins everybody's.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteChatIdentity)
}

func (a *API) listSpaces(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	Platform string `query:"platform" enum:"telegram,whatsapp,slack" doc:"Only those there."`
	State    string `query:"state" enum:"active,unreachable,ended" doc:"Only those in this state."`
}) (*pageOutput[Space], error) {
	before, err := in.before(listOfSpaces)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.SpaceListRow, error) {
		return q.SpaceList(ctx, queries.SpaceListParams{Before: before, MaxRows: in.more(), Platform: given(in.Platform), State: given(in.State)})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.SpaceListRow) (Space, error) { return spaceFrom(queries.SpaceGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.SpaceListRow) string { return cursorOf(listOfSpaces, row.ID) })
	return &pageOutput[Space]{Body: body}, err
}

func (a *API) getSpace(ctx context.Context, in *SpacePath) (*spaceOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.SpaceGetRow, error) { return q.SpaceGet(ctx, in.SpaceID) })
	if err != nil {
		return nil, noRows(err, "space")
	}
	return &spaceOutput{ETag: etag(row.Version), Body: spaceFrom(row)}, nil
}

// changeSpace makes a change of a space that has not ended, under a condition.
func changeSpace(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition, apply func(version *int64) (int64, error)) error {
	return condition.change(apply, func() error {
		row, err := q.SpaceGet(ctx, id)
		if err == nil && row.EndedAt != nil {
			return conflict("The space has ended. Pair the chat again to have it back.")
		}
		return noRows(err, "space")
	})
}

func (a *API) updateSpace(ctx context.Context, in *struct {
	SpacePath
	Condition
	Body SpaceUpdate
}) (*spaceOutput, error) {
	if in.Body.Title == nil && in.Body.Permissions == nil {
		return nil, nothingToChange()
	}
	var permissions []string // nil: they stay
	if in.Body.Permissions != nil {
		permissions = *in.Body.Permissions
		if err := eachOnce("body.permissions", permissions); err != nil {
			return nil, err
		}
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*spaceOutput, error) {
		if err := changeSpace(ctx, q, in.SpaceID, in.Condition, func(version *int64) (int64, error) {
			return q.SpaceUpdate(ctx, queries.SpaceUpdateParams{ID: in.SpaceID, Version: version, Title: in.Body.Title, Permissions: permissions})
		}); err != nil {
			return nil, err
		}
		row, err := q.SpaceGet(ctx, in.SpaceID)
		return &spaceOutput{ETag: etag(row.Version), Body: spaceFrom(row)}, err
	})
}

func (a *API) releaseSpace(ctx context.Context, in *struct {
	SpacePath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return changeSpace(ctx, q, in.SpaceID, in.Condition, func(version *int64) (int64, error) {
			return q.SpaceRelease(ctx, queries.SpaceReleaseParams{ID: in.SpaceID, Version: version})
		})
	})
}

func (a *API) listSpacePeople(ctx context.Context, in *struct {
	SpacePath
	PageQuery
}) (*pageOutput[SpacePerson], error) {
	before, err := in.before(listOfSpacePeople)
	if err != nil {
		return nil, err
	}
	var rows []queries.SpacePersonListRow
	err = a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		if _, err := q.SpaceGet(ctx, in.SpaceID); err != nil {
			return noRows(err, "space")
		}
		rows, err = q.SpacePersonList(ctx, queries.SpacePersonListParams{SpaceID: in.SpaceID, Before: before, MaxRows: in.more()})
		return err
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.SpacePersonListRow) (SpacePerson, error) {
		return SpacePerson{
			ID: row.ID, ExternalID: row.ExternalID, Name: row.Name, Username: row.Username, UserID: row.UserID,
			JoinedAt: row.JoinedAt.UTC(), LeftAt: utc(row.LeftAt),
		}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.SpacePersonListRow) string { return cursorOf(listOfSpacePeople, row.ID) })
	return &pageOutput[SpacePerson]{Body: body}, err
}

func (a *API) listChatIdentities(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[ChatIdentity], error) {
	before, err := in.before(listOfChatIdentities)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.ChatIdentityListRow, error) {
		return q.ChatIdentityList(ctx, queries.ChatIdentityListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.ChatIdentityListRow) (ChatIdentity, error) {
		return ChatIdentity{
			ID: row.ID, Platform: row.Platform, Bot: row.Bot, Team: row.Team, ExternalID: row.ExternalID, UserID: row.UserID,
			CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.ChatIdentityListRow) string { return cursorOf(listOfChatIdentities, row.ID) })
	return &pageOutput[ChatIdentity]{Body: body}, err
}

func (a *API) deleteChatIdentity(ctx context.Context, in *struct {
	ChatIdentityPath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.ChatIdentityDelete(ctx, queries.ChatIdentityDeleteParams{ID: in.ChatIdentityID, Version: version})
		}, func() error {
			row, err := q.ChatIdentityGet(ctx, in.ChatIdentityID)
			if err != nil || row.Found {
				return err
			}
			if !row.Admin { // who sees only their own is not told whether there are others
				return forbidden()
			}
			return notFound("chat identity")
		})
	})
}

// given is a text that may be missing, such as a query parameter; nil: it is.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func spaceFrom(row queries.SpaceGetRow) Space {
	return Space{
		ID: row.ID, Platform: row.Platform, Bot: row.Bot, Team: row.Team, Kind: row.Kind, ExternalID: row.ExternalID, Title: row.Title,
		Permissions: row.Permissions, PairedBy: row.PairedBy, State: row.State, UnreachableAt: utc(row.UnreachableAt), MoveRequestedAt: utc(row.MoveRequestedAt),
		EndedAt: utc(row.EndedAt), EndedBecause: row.EndedBecause, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
