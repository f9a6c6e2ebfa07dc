package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"rsc.io/qr"

	"fanfare/db/tenant"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/jobs"
	"fanfare/queries"
)

// Pairing binds a chat to the customer: a code of six digits that somebody types there, or a link that they follow.
type Pairing struct {
	ID            uuid.UUID       `json:"id" format:"uuid"`
	Platform      string          `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot           string          `json:"bot" doc:"The platform's id of the bot in whose chats it is used."`
	Permissions   ChatPermissions `json:"permissions" nullable:"false" doc:"What the chat's people may do who are nobody in Fanfare."`
	Own           bool            `json:"own" doc:"Whoever uses it in a chat of their own is the member who made it."`
	State         string          `json:"state" enum:"open,claimed,done,denied,expired,revoked" doc:"open: nobody has used it yet. claimed: a chat has, and waits to be confirmed or to be released by whoever has it. done: the chat is a space."`
	CreatedBy     uuid.UUID       `json:"created_by" format:"uuid" doc:"In whose name the chat's people act then."`
	ExpiresAt     time.Time       `json:"expires_at" doc:"Until when it can be used, and once a chat has used it, until when that must be completed."`
	ClaimedBy     *string         `json:"claimed_by" enum:"code,link" doc:"With what it was used. What a code has brought must be confirmed, as codes can be guessed."`
	ClaimedAt     *time.Time      `json:"claimed_at"`
	ChatKind      *string         `json:"chat_kind" enum:"user,group" doc:"The chat that has used it: of one person with the bot, or of several people. null, as the next five: none has."`
	ChatTeam      *string         `json:"chat_team" doc:"Slack's id of the workspace; empty elsewhere."`
	ChatID        *string         `json:"chat_id" doc:"The platform's id of the chat."`
	ChatTitle     *string         `json:"chat_title"`
	PersonID      *string         `json:"person_id" doc:"The platform's id of who used it there."`
	PersonName    *string         `json:"person_name"`
	ConfirmedAt   *time.Time      `json:"confirmed_at"`
	ConfirmedBy   *uuid.UUID      `json:"confirmed_by" format:"uuid" nullable:"true"`
	HeldElsewhere bool            `json:"held_elsewhere" doc:"The chat is another customer's, who must release it first. They are told that it is wanted, and not by whom."`
	SpaceID       *uuid.UUID      `json:"space_id" format:"uuid" nullable:"true" doc:"The space that came of it."`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// NewPairing is a pairing that has just been made, with what is used.
type NewPairing struct {
	Pairing
	Code string  `json:"code" doc:"Six digits, to be typed in the chat. They are shown this once." example:"042195"`
	Link *string `json:"link" doc:"Opens a chat with the bot and pairs it. It is shown this once: whoever has it can pair a chat of theirs. null: the platform has no such links."`
	QR   *string `json:"qr" doc:"The link as a QR code: a data URI of a PNG."`
}

// PairingCreate asks for a code and a link.
type PairingCreate struct {
	Platform    string           `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot         string           `json:"bot,omitempty" maxLength:"100" doc:"The platform's id of the bot; needed where there are several."`
	Own         bool             `json:"own,omitempty" doc:"The chat is the caller's own: what they say there they do as themselves. For people alone."`
	Permissions *ChatPermissions `json:"permissions,omitempty" minItems:"1" doc:"What the chat's people may do who are nobody in Fanfare, as far as the caller may; if left out, everything but posts:publish and, where an owner pairs, credentials:write, as far as the caller may."`
}

type pairingOutput struct {
	ETag string `header:"ETag"`
	Body Pairing
}

type newPairingOutput struct {
	ETag string `header:"ETag"`
	Body NewPairing
}

// PairingPath is the path of a pairing.
type PairingPath struct {
	CustomerPath
	PairingID uuid.UUID `path:"pairing_id" format:"uuid" doc:"The pairing."`
}

func (a *API) registerPairings() {
	tags := []string{"Spaces"}
	const list, one = "/v1/customers/{customer_id}/pairings", "/v1/customers/{customer_id}/pairings/{pairing_id}"
	register(a, huma.Operation{
		OperationID: "list-pairings", Metadata: needs("spaces:pair"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List pairings",
		Description: "Owners and admins only.",
	}, a.listPairings)
	register(a, huma.Operation{
		OperationID: "create-pairing", Metadata: needs("spaces:pair"), Method: http.MethodPost, Path: list, Tags: tags, Summary: "Pair a chat",
		Description: "Gives a code and a link for 15 minutes, which work once. The link pairs the chat in which it is followed at once. The code, typed into a chat, names that chat " +
			"here, and confirm-pairing pairs it. At most ten pairings wait at a time, five of them made by keys. Owners and admins only, and keys with spaces:pair that are of no space.",
		DefaultStatus: http.StatusCreated,
	}, a.createPairing)
	register(a, huma.Operation{
		OperationID: "get-pairing", Metadata: needs("spaces:pair"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a pairing",
	}, a.getPairing)
	register(a, huma.Operation{
		OperationID: "confirm-pairing", Method: http.MethodPost, Path: one + "/confirm", Tags: tags, Summary: "Confirm what a code has brought",
		Description: "What is confirmed is the chat of the version that If-Match names, so that nobody confirms one that they have not seen. It becomes a space, and the pairing `done`, a moment later, and not with this answer, or once " +
			"whoever has it has released it. Owners and admins only, and of a chat that is somebody's `own`, whoever made the pairing.",
		Errors: []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, a.confirmPairing)
	for _, parameter := range a.huma.OpenAPI().Paths[one+"/confirm"].Post.Parameters {
		parameter.Required = parameter.Required || parameter.Name == "If-Match" // without it the answer is 428, not 422
	}
	register(a, huma.Operation{
		OperationID: "deny-pairing", Method: http.MethodPost, Path: one + "/deny", Tags: tags, Summary: "Deny a chat that has used a pairing",
		Description: "The chat is told that it was not confirmed. Owners and admins only.", Errors: []int{http.StatusPreconditionFailed},
	}, a.denyPairing)
	register(a, huma.Operation{
		OperationID: "revoke-pairing", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Take a pairing back that nobody has used",
		Description: "Its code and link stop working at once. The pairing stays on the list. Owners and admins only.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.revokePairing)
}

func (a *API) listPairings(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Pairing], error) {
	before, err := in.before(listOfPairings)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.PairingListRow, error) {
		return q.PairingList(ctx, queries.PairingListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.PairingListRow) (Pairing, error) { return pairingFrom(queries.PairingGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.PairingListRow) string { return cursorOf(listOfPairings, row.ID) })
	return &pageOutput[Pairing]{Body: body}, err
}

// pairingBots finds the bots of a platform in whose chats a customer's pairings can be used: the installation's, and the customer's own.
func (a *API) pairingBots(ctx context.Context, customerID uuid.UUID, platform chat.Platform) ([]bots.Offer, error) {
	own, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) ([]queries.BotListRow, error) { return q.BotList(ctx) })
	if err != nil || a.ChatBots == nil {
		return nil, err
	}
	return slices.DeleteFunc(a.ChatBots.Offered(ctx, own), func(o bots.Offer) bool { return o.Platform != platform }), nil
}

// pairingBot finds the bot in whose chats a pairing is to be used; id may be "" where there is one.
func (a *API) pairingBot(ctx context.Context, customerID uuid.UUID, platform chat.Platform, id string) (bots.Offer, error) {
	all, err := a.pairingBots(ctx, customerID, platform)
	if err != nil {
		return bots.Offer{}, err
	}
	named := slices.IndexFunc(all, func(o bots.Offer) bool { return o.ID == id })
	switch {
	case named >= 0:
		return all[named], nil
	case id != "":
		return bots.Offer{}, invalid("body.bot", "is no bot of this platform here")
	case len(all) == 0:
		return bots.Offer{}, invalid("body.platform", "has no bot on this server")
	case len(all) > 1:
		return bots.Offer{}, invalid("body.bot", "is needed, as there are several bots on this platform: the platform's id of one, which is bot in the answers of list-bots")
	}
	return all[0], nil
}

// newCode makes six digits, each as likely as the others.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

// qrOf draws an address as a QR code that still reads with 15 % of it covered, as a data URI.
func qrOf(address string) (string, error) {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw QR code: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG()), nil
}

func (a *API) createPairing(ctx context.Context, in *struct {
	CustomerPath
	Body PairingCreate
}) (*newPairingOutput, error) {
	var permissions []string // nil: those that the caller may give
	if in.Body.Permissions != nil {
		permissions = *in.Body.Permissions
		if err := eachOnce("body.permissions", permissions); err != nil {
			return nil, err
		}
	}
	bot, err := a.pairingBot(ctx, in.CustomerID, chat.Platform(in.Body.Platform), in.Body.Bot)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	code, err := newCode()
	if err != nil {
		return nil, err
	}
	token := randomSecret()
	var link, drawn *string
	if bot.Link != nil {
		address := bot.Link(token)
		image, err := qrOf(address)
		if err != nil {
			return nil, err
		}
		link, drawn = &address, &image
	}
	codeHash, linkHash := sha256.Sum256(append(id[:], code...)), sha256.Sum256([]byte(token))
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*newPairingOutput, error) {
		if err := q.PairingCreate(ctx, queries.PairingCreateParams{
			ID: id, Platform: in.Body.Platform, Bot: bot.ID, CodeHash: codeHash[:], LinkHash: linkHash[:], Permissions: permissions, Own: in.Body.Own,
		}); err != nil {
			return nil, err
		}
		row, err := q.PairingGet(ctx, id)
		if err != nil {
			return nil, err
		}
		if _, err := a.Queue.InsertTx(ctx, tx, jobs.ExpirePairingArgs{CustomerID: in.CustomerID, PairingID: id}, &river.InsertOpts{ScheduledAt: row.ExpiresAt}); err != nil {
			return nil, fmt.Errorf("enqueue the pairing's end: %w", err)
		}
		return &newPairingOutput{ETag: etag(row.Version), Body: NewPairing{Pairing: pairingFrom(row), Code: code, Link: link, QR: drawn}}, nil
	})
}

func (a *API) getPairing(ctx context.Context, in *PairingPath) (*pairingOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.PairingGetRow, error) { return q.PairingGet(ctx, in.PairingID) })
	if err != nil {
		return nil, noRows(err, "pairing")
	}
	return &pairingOutput{ETag: etag(row.Version), Body: pairingFrom(row)}, nil
}

// changePairing makes a change under a condition. Where the pairing does not allow it, unfit says why.
func changePairing(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition, unfit func(queries.PairingGetRow) error,
	apply func(version *int64) (int64, error),
) error {
	return condition.change(apply, func() error {
		row, err := q.PairingGet(ctx, id)
		if err != nil {
			return noRows(err, "pairing")
		}
		return unfit(row)
	})
}

func (a *API) confirmPairing(ctx context.Context, in *struct {
	PairingPath
	Condition
}) (*pairingOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*pairingOutput, error) {
		err := changePairing(ctx, q, in.PairingID, in.Condition, func(row queries.PairingGetRow) error {
			switch {
			case row.State == "claimed" && row.ConfirmedAt != nil:
				return conflict("The pairing is confirmed already.")
			case row.State == "claimed" && *row.ClaimedBy != "code":
				return conflict("The pairing was used by its link, which needs no confirmation.")
			case row.State == "open":
				return conflict("No chat has used the pairing yet. There is nothing to confirm.")
			case row.State != "claimed":
				return pairingOver(row)
			}
			return nil
		}, func(version *int64) (int64, error) {
			return q.PairingConfirm(ctx, queries.PairingConfirmParams{ID: in.PairingID, Version: version})
		})
		if err != nil {
			return nil, err
		}
		if in.version() == nil { // which undoes it
			return nil, problem(http.StatusPreconditionRequired, "Give the ETag of the version that you have seen in the If-Match header: the chat of that version is confirmed, and no other.")
		}
		row, err := q.PairingGet(ctx, in.PairingID)
		return &pairingOutput{ETag: etag(row.Version), Body: pairingFrom(row)}, err
	})
}

func (a *API) denyPairing(ctx context.Context, in *struct {
	PairingPath
	Condition
}) (*pairingOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*pairingOutput, error) {
		err := changePairing(ctx, q, in.PairingID, in.Condition, func(row queries.PairingGetRow) error {
			switch row.State {
			case "claimed":
				return nil
			case "open":
				return conflict("No chat has used the pairing yet. Take it back instead.")
			}
			return pairingOver(row)
		}, func(version *int64) (int64, error) {
			return q.PairingDeny(ctx, queries.PairingDenyParams{ID: in.PairingID, Version: version})
		})
		if err != nil {
			return nil, err
		}
		// What was asked of whoever has the chat is taken back.
		if _, err := a.Queue.InsertTx(ctx, tx, jobs.ExpirePairingArgs{CustomerID: in.CustomerID, PairingID: in.PairingID}, nil); err != nil {
			return nil, fmt.Errorf("enqueue the pairing's end: %w", err)
		}
		row, err := q.PairingGet(ctx, in.PairingID)
		return &pairingOutput{ETag: etag(row.Version), Body: pairingFrom(row)}, err
	})
}

func (a *API) revokePairing(ctx context.Context, in *struct {
	PairingPath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return changePairing(ctx, q, in.PairingID, in.Condition, func(row queries.PairingGetRow) error {
			switch row.State {
			case "open":
				return nil
			case "claimed":
				return conflict("A chat has used the pairing. Deny it instead.")
			}
			return pairingOver(row)
		}, func(version *int64) (int64, error) {
			return q.PairingRevoke(ctx, queries.PairingRevokeParams{ID: in.PairingID, Version: version})
		})
	})
}

func pairingOver(row queries.PairingGetRow) *Problem {
	return conflict(fmt.Sprintf("The pairing is %s. Nothing can be changed any more.", row.State))
}

func pairingFrom(row queries.PairingGetRow) Pairing {
	return Pairing{
		ID: row.ID, Platform: row.Platform, Bot: row.Bot, Permissions: row.Permissions, Own: row.Own, State: row.State, CreatedBy: row.CreatedBy,
		ExpiresAt: row.ExpiresAt.UTC(), ClaimedBy: row.ClaimedBy, ClaimedAt: utc(row.ClaimedAt), ConfirmedAt: utc(row.ConfirmedAt), ConfirmedBy: row.ConfirmedBy,
		ChatKind: row.Kind, ChatTeam: row.Team, ChatID: row.ExternalID, ChatTitle: row.Title, PersonID: row.PersonID, PersonName: row.PersonName,
		HeldElsewhere: row.HeldElsewhere, SpaceID: row.SpaceID, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
