package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// Workspace is a directory of files: the customer's own, or that of one of its spaces.
type Workspace struct {
	ID      uuid.UUID  `json:"id" format:"uuid"`
	SpaceID *uuid.UUID `json:"space_id" format:"uuid" nullable:"true" doc:"The space whose it is; null: the customer's own."`
	State   string     `json:"state" enum:"new,active,archiving,archived,returning,restoring,deleted" doc:"new: nobody has used it yet. active. archiving, archived: nobody has used it for long, and its files are, or are about to be, in an archive; whoever uses it brings it back. returning: it is being brought back. restoring: files of a backup are being put in their places. deleted: nobody came back while its archive was kept; whoever uses it begins anew."`
	Bytes   int64      `json:"bytes" doc:"What its files take."`
	Entries int64      `json:"entries" doc:"How many files and directories are in it."`
	// LastUsedAt is cheap to keep, and so not exact.
	LastUsedAt   time.Time  `json:"last_used_at" doc:"When it was used last, to the hour."`
	AnnouncedAt  *time.Time `json:"announced_at" doc:"Since when it is said that it will be archived unless somebody uses it."`
	ArchivedAt   *time.Time `json:"archived_at"`
	ArchiveBytes *int64     `json:"archive_bytes" doc:"What its archive takes."`
	Problem      *string    `json:"problem" doc:"Why the last step came to nothing."`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

type workspaceOutput struct{ Body Workspace }

// WorkspacePath is the path of a workspace.
type WorkspacePath struct {
	CustomerPath
	WorkspaceID uuid.UUID `path:"workspace_id" format:"uuid" doc:"The workspace, as list-workspaces gives it."`
}

// WorkspaceOfCustomer is a workspace with the customer whose it is.
type WorkspaceOfCustomer struct {
	CustomerID   uuid.UUID `json:"customer_id" format:"uuid"`
	CustomerName string    `json:"customer_name"`
	LegalHold    bool      `json:"legal_hold" doc:"Nothing of the customer is archived, deleted or erased."`
	Workspace
}

// WorkspacePolicy says how long unused workspaces are kept, and how much room they have.
type WorkspacePolicy struct {
	UnusedDays  int32   `json:"unused_days" doc:"After so many days without use, it is announced that a workspace will be archived."`
	NoticeDays  int32   `json:"notice_days" doc:"So many days later it is archived. For all customers alike."`
	ArchiveDays int32   `json:"archive_days" doc:"So many days later its archive is deleted."`
	Own         bool    `json:"own" doc:"Whether any of these numbers, or the quota, is the customer's own; otherwise all are the installation's defaults."`
	LegalHold   bool    `json:"legal_hold" doc:"Nothing of the customer is archived, deleted or erased, and no backup is let go."`
	HoldReason  *string `json:"hold_reason"`
	HoldLocked  bool    `json:"hold_locked" doc:"Whoever runs the installation has set the hold, and they alone change or lift it."`
	Quota       int64   `json:"quota" doc:"How many bytes the files of all its workspaces may have together."`
	Bytes       int64   `json:"bytes" doc:"How many they have, as far as you see them."`
}

// WorkspacePolicyUpdate changes the fields that are given; null goes back to the installation's default.
type WorkspacePolicyUpdate struct {
	UnusedDays  Nullable[int32] `json:"unused_days,omitempty" minimum:"1" maximum:"3650"`
	ArchiveDays Nullable[int32] `json:"archive_days,omitempty" minimum:"1" maximum:"3650"`
	LegalHold   *bool           `json:"legal_hold,omitempty" doc:"Needs hold_reason where it is true."`
	HoldReason  *string         `json:"hold_reason,omitempty" minLength:"1" maxLength:"1000"`
	Quota       Nullable[int64] `json:"quota,omitempty" minimum:"0" doc:"In bytes. Only a system admin changes it."`
}

type workspacePolicyOutput struct {
	ETag string `header:"ETag"`
	Body WorkspacePolicy
}

// WorkspaceRules are the installation's, for customers without a policy of their own.
type WorkspaceRules struct {
	// UnusedDays are the days without use until a workspace's archive is announced, NoticeDays those until it is archived, ArchiveDays those until the
	// archive is deleted.
	UnusedDays, NoticeDays, ArchiveDays int32
	// Quota is how many bytes the files of a customer's workspaces may have together.
	Quota int64
}

// DefaultWorkspaceRules keep what nobody has used for 90 days for a fortnight, and its archive for a year.
var DefaultWorkspaceRules = WorkspaceRules{UnusedDays: 90, NoticeDays: 14, ArchiveDays: 365, Quota: 5 << 30}

func (a *API) workspaceRules() WorkspaceRules {
	return WorkspaceRules{
		UnusedDays: cmp.Or(a.WorkspaceRules.UnusedDays, DefaultWorkspaceRules.UnusedDays), NoticeDays: cmp.Or(a.WorkspaceRules.NoticeDays, DefaultWorkspaceRules.NoticeDays),
		ArchiveDays: cmp.Or(a.WorkspaceRules.ArchiveDays, DefaultWorkspaceRules.ArchiveDays), Quota: cmp.Or(a.WorkspaceRules.Quota, DefaultWorkspaceRules.Quota),
	}
}

func (a *API) registerWorkspaces() {
	tags := []string{"Workspaces"}
	const list, one, policy = "/v1/customers/{customer_id}/workspaces", "/v1/customers/{customer_id}/workspaces/{workspace_id}", "/v1/customers/{customer_id}/workspace-policy"
	reads := needs("files:read", "files:write")
	register(a, huma.Operation{
		OperationID: "list-workspaces", Metadata: reads, Method: http.MethodGet, Path: list, Tags: tags, Summary: "List workspaces",
		Description: "A customer has a workspace, and each of its spaces has one: a directory of files that lasts. The customer's own comes first. Workspaces of spaces are for whoever acts " +
			"in that space, and for owners and admins.",
	}, a.listWorkspaces)
	register(a, huma.Operation{
		OperationID: "get-workspace", Metadata: reads, Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a workspace",
	}, a.getWorkspace)
	register(a, huma.Operation{
		OperationID: "archive-workspace", Method: http.MethodPost, Path: one + "/archive", Tags: tags, Summary: "Archive a workspace now",
		Description:   "Whoever uses it again brings it back. Owners and admins may, five times a day for each.",
		DefaultStatus: http.StatusAccepted,
	}, a.archiveWorkspace)
	register(a, huma.Operation{
		OperationID: "get-workspace-policy", Method: http.MethodGet, Path: policy, Tags: tags, Summary: "Get how long unused workspaces are kept",
	}, a.getWorkspacePolicy)
	register(a, huma.Operation{
		OperationID: "update-workspace-policy", Method: http.MethodPatch, Path: policy, Tags: tags, Summary: "Change how long unused workspaces are kept",
		Description: "Owners may; the quota is for system admins to change. Under a legal hold nothing of the customer is archived, deleted or erased, and no backup is let go.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.updateWorkspacePolicy)
	register(a, huma.Operation{
		OperationID: "list-installation-workspaces", Method: http.MethodGet, Path: "/v1/workspaces", Tags: tags, Summary: "List the workspaces of all customers",
		Description: "Those first that were not used for the longest. For system roles.",
	}, a.listInstallationWorkspaces)
}

func (a *API) listWorkspaces(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Workspace], error) {
	before, err := in.before(listOfWorkspaces)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.WorkspaceListRow, error) {
		return q.WorkspaceList(ctx, queries.WorkspaceListParams{FirstPage: in.Cursor == "", Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.WorkspaceListRow) (Workspace, error) {
		return workspaceFrom(queries.WorkspaceGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.WorkspaceListRow) string {
		if row.SpaceID == nil {
			return cursorOf(listOfWorkspaces, uuid.Max)
		}
		return cursorOf(listOfWorkspaces, *row.SpaceID)
	})
	return &pageOutput[Workspace]{Body: body}, err
}

func (a *API) workspaceRow(ctx context.Context, in WorkspacePath) (queries.WorkspaceGetRow, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.WorkspaceGetRow, error) {
		return q.WorkspaceGet(ctx, in.WorkspaceID)
	})
	return row, noRows(err, "workspace")
}

func (a *API) getWorkspace(ctx context.Context, in *WorkspacePath) (*workspaceOutput, error) {
	row, err := a.workspaceRow(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &workspaceOutput{Body: workspaceFrom(row)}, nil
}

func (a *API) archiveWorkspace(ctx context.Context, in *WorkspacePath) (*workspaceOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*workspaceOutput, error) {
		if err := q.WorkspaceArchive(ctx, in.WorkspaceID); err != nil {
			return nil, err
		}
		row, err := q.WorkspaceGet(ctx, in.WorkspaceID)
		return &workspaceOutput{Body: workspaceFrom(row)}, noRows(err, "workspace")
	})
}

func (a *API) getWorkspacePolicy(ctx context.Context, in *CustomerPath) (*workspacePolicyOutput, error) {
	var out *workspacePolicyOutput
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		out, err = a.workspacePolicy(ctx, q)
		return err
	})
	return out, err
}

func (a *API) workspacePolicy(ctx context.Context, q *queries.Queries) (*workspacePolicyOutput, error) {
	rows, err := q.WorkspacePolicyGet(ctx)
	if err != nil {
		return nil, err
	}
	bytes, err := q.WorkspaceUsage(ctx)
	if err != nil {
		return nil, err
	}
	rules := a.workspaceRules()
	policy := WorkspacePolicy{UnusedDays: rules.UnusedDays, NoticeDays: rules.NoticeDays, ArchiveDays: rules.ArchiveDays, Quota: rules.Quota, Bytes: bytes}
	version := int64(noVersion)
	for _, row := range rows { // one or none
		policy.Own = row.UnusedDays != nil || row.ArchiveDays != nil || row.Quota != nil
		policy.LegalHold, policy.HoldReason, policy.HoldLocked, version = row.LegalHold, row.HoldReason, row.HoldOfInstallation, row.Version
		policy.UnusedDays, policy.ArchiveDays, policy.Quota = or(row.UnusedDays, rules.UnusedDays), or(row.ArchiveDays, rules.ArchiveDays), or(row.Quota, rules.Quota)
	}
	return &workspacePolicyOutput{ETag: etag(version), Body: policy}, nil
}

func (a *API) updateWorkspacePolicy(ctx context.Context, in *struct {
	CustomerPath
	Condition
	Body WorkspacePolicyUpdate
}) (*workspacePolicyOutput, error) {
	if in.Body == (WorkspacePolicyUpdate{}) {
		return nil, nothingToChange()
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*workspacePolicyOutput, error) {
		rows, err := q.WorkspacePolicyGet(ctx)
		if err != nil {
			return nil, err
		}
		row := queries.WorkspacePolicyGetRow{Version: noVersion}
		if len(rows) > 0 {
			row = rows[0]
		}
		b := in.Body
		if b.UnusedDays.Sent {
			row.UnusedDays = b.UnusedDays.Value
		}
		if b.ArchiveDays.Sent {
			row.ArchiveDays = b.ArchiveDays.Value
		}
		if b.Quota.Sent {
			row.Quota = b.Quota.Value
		}
		if b.HoldReason != nil {
			row.HoldReason = b.HoldReason
		}
		if b.LegalHold != nil {
			row.LegalHold = *b.LegalHold
		}
		switch {
		case b.HoldReason != nil && strings.TrimSpace(*b.HoldReason) == "":
			return nil, invalid("body.hold_reason", "must say why there is a legal hold")
		case row.LegalHold && row.HoldReason == nil:
			return nil, invalid("body.hold_reason", "must say why there is a legal hold")
		case !row.LegalHold && b.HoldReason != nil:
			return nil, invalid("body.hold_reason", "is for a legal hold: set legal_hold too")
		case !row.LegalHold:
			row.HoldReason = nil
		}
		if len(rows) == 0 {
			if err := in.check(noVersion); err != nil {
				return nil, err
			}
			made, err := q.WorkspacePolicyCreate(ctx, queries.WorkspacePolicyCreateParams{
				UnusedDays: row.UnusedDays, ArchiveDays: row.ArchiveDays, LegalHold: row.LegalHold, HoldReason: row.HoldReason, SaysHold: b.LegalHold != nil || b.HoldReason != nil, Quota: row.Quota,
			})
			if err == nil && made == 0 {
				err = conflict("Somebody else changed it at this moment. Try again.")
			}
			if err != nil {
				return nil, err
			}
		} else if err := in.change(func(version *int64) (int64, error) {
			return q.WorkspacePolicyUpdate(ctx, queries.WorkspacePolicyUpdateParams{
				UnusedDays: row.UnusedDays, ArchiveDays: row.ArchiveDays, LegalHold: row.LegalHold, HoldReason: row.HoldReason, SaysHold: b.LegalHold != nil || b.HoldReason != nil, Quota: row.Quota, Version: version,
			})
		}, func() error { return nil }); err != nil {
			return nil, err
		}
		return a.workspacePolicy(ctx, q)
	})
}

func (a *API) listInstallationWorkspaces(ctx context.Context, in *struct {
	Limit      int32  `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most."`
	Cursor     string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before."`
	State      string `query:"state" enum:"new,active,archiving,archived,returning,restoring,deleted" doc:"Only those."`
	UnusedDays int32  `query:"unused_days" minimum:"0" maximum:"3650" doc:"Only those that nobody has used for so many days."`
}) (*pageOutput[WorkspaceOfCustomer], error) {
	after, afterID, err := timeCursor(listOfInstallationWorkspaces, in.Cursor)
	if err != nil {
		return nil, err
	}
	params := queries.WorkspaceListOfCustomersParams{After: after, AfterID: afterID, MaxRows: in.Limit + 1}
	if in.State != "" {
		params.State = &in.State
	}
	if in.UnusedDays > 0 {
		since := time.Now().AddDate(0, 0, -int(in.UnusedDays))
		params.UnusedSince = &since
	}
	rows, err := read(ctx, a, scope(ctx), func(q *queries.Queries) ([]queries.WorkspaceListOfCustomersRow, error) {
		return q.WorkspaceListOfCustomers(ctx, params)
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.WorkspaceListOfCustomersRow) (WorkspaceOfCustomer, error) {
		w := Workspace{ID: row.ID, State: row.State, Bytes: row.Bytes, Entries: row.Entries, LastUsedAt: row.LastUsedAt.UTC(), AnnouncedAt: present(row.AnnouncedAt), ArchivedAt: present(row.ArchivedAt)}
		if row.Problem != "" {
			w.Problem = &row.Problem
		}
		if row.SpaceID != uuid.Nil {
			w.SpaceID = &row.SpaceID
		}
		if row.ArchiveBytes > 0 {
			w.ArchiveBytes = &row.ArchiveBytes
		}
		w.CreatedAt, w.UpdatedAt = row.CreatedAt.UTC(), row.UpdatedAt.UTC()
		return WorkspaceOfCustomer{CustomerID: row.CustomerID, CustomerName: row.Customer, LegalHold: row.LegalHold, Workspace: w}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.WorkspaceListOfCustomersRow) string {
		return cursorOfTime(listOfInstallationWorkspaces, row.LastUsedAt, row.ID)
	})
	return &pageOutput[WorkspaceOfCustomer]{Body: body}, err
}

// present is a time of a column where the first day of all stands for none.
func present(t time.Time) *time.Time {
	if t.Year() == 1 {
		return nil
	}
	return utc(&t)
}

// returnPause is when to try again to use a workspace that is being brought back.
const returnPause = 2 * time.Second

func noWorkspaces() *Problem {
	return problem(http.StatusServiceUnavailable, "Workspaces are not set up on this server: it has no place for them. Whoever runs it sets FANFARE_WORKSPACES.")
}

// comesBack is the answer where a workspace is not there yet.
func comesBack(state string, failure *string) *Problem {
	detail := "The workspace was archived. It is being brought back; try again in a moment."
	switch state {
	case "restoring":
		detail = "Files of a backup are being put back in their places. Try again in a moment."
	case "deleted":
		detail = "Nobody used the workspace for long, and its archive is being deleted at this moment. Try again in a moment: it begins anew then."
	}
	if failure != nil && (state == "archived" || state == "returning") {
		detail = "The workspace was archived, and could not be brought back so far. It is tried again. " + *failure
	}
	p := conflict(detail)
	p.retryAfter = returnPause
	return p
}

// openWorkspace opens the directory of a workspace that the caller may read, and notes that it is used. One that is archived is brought back.
func (a *API) openWorkspace(ctx context.Context, in WorkspacePath) (*workspace.Directory, error) {
	row, err := a.workspaceRow(ctx, in)
	if err != nil {
		return nil, err
	}
	if a.Workspaces == nil {
		return nil, noWorkspaces()
	}
	if row.State != "active" || row.Stale {
		err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
			if row.State, err = q.WorkspaceUse(ctx, in.WorkspaceID); err != nil || row.State != "new" {
				return err
			}
			if err := a.Workspaces.Create(in.CustomerID, workspace.OfSpace(row.SpaceID)); err != nil {
				return fmt.Errorf("make directory: %w", err)
			}
			row.State = "active"
			return q.WorkspaceMade(ctx, in.WorkspaceID)
		})
		if err != nil {
			return nil, err
		}
	}
	if row.State != "active" {
		return nil, comesBack(row.State, row.Problem)
	}
	directory, err := a.Workspaces.Open(in.CustomerID, workspace.OfSpace(row.SpaceID))
	if errors.Is(err, workspace.ErrMissing) {
		return nil, unavailable().cause(fmt.Errorf("the directory of workspace %s is missing: is its disk mounted? %w", in.WorkspaceID, err))
	}
	return directory, err
}

func workspaceFrom(row queries.WorkspaceGetRow) Workspace {
	return Workspace{
		ID: row.ID, SpaceID: row.SpaceID, State: row.State, Bytes: row.Bytes, Entries: row.Entries, LastUsedAt: row.LastUsedAt.UTC(),
		AnnouncedAt: utc(row.AnnouncedAt), ArchivedAt: utc(row.ArchivedAt), ArchiveBytes: row.ArchiveBytes, Problem: row.Problem,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
