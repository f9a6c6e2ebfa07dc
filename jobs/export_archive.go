package jobs

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// exportPage is how many rows are read at once. A post may hold 400 KB of text, so a page stays below 40 MB.
const exportPage = 100

// exportedTable is a table of which an archive holds the rows.
type exportedTable struct {
	name  string
	pages func() nextPage
}

// nextPage gives the next lines of a table, none after the last.
type nextPage func(ctx context.Context, q *queries.Queries) ([]string, error)

// exportedTables are the tables in an archive, in its order. Pages are read one after the other while people go
// on working, so what refers to something stands before it: whatever a row names that was there when it was
// read is in the archive too, unless it was deleted since. A table is one query in queries/exports.sql and one
// line here; a table with customer_id that is not here is in notExported.
var exportedTables = []exportedTable{
	{"messages", byID((*queries.Queries).ExportRowsOfMessages)},
	{"space_people", byID((*queries.Queries).ExportRowsOfSpacePeople)},
	{"pairings", byID((*queries.Queries).ExportRowsOfPairings)},
	{"chat_identities", byID((*queries.Queries).ExportRowsOfChatIdentities)},
	{"post_media", byTwo((*queries.Queries).ExportRowsOfPostMedia)},
	{"platform_post_media", byTwo((*queries.Queries).ExportRowsOfPlatformPostMedia)},
	{"post_reviews", byID((*queries.Queries).ExportRowsOfPostReviews)},
	{"post_metrics", byTwo((*queries.Queries).ExportRowsOfPostMetrics)},
	{"publish_attempts", byTwo((*queries.Queries).ExportRowsOfPublishAttempts)},
	{"platform_posts", byID((*queries.Queries).ExportRowsOfPlatformPosts)},
	{"posts", byID((*queries.Queries).ExportRowsOfPosts)},
	{"email_templates", byID((*queries.Queries).ExportRowsOfEmailTemplates)},
	{"recurring_posts", byID((*queries.Queries).ExportRowsOfRecurringPosts)},
	{"memories", byID((*queries.Queries).ExportRowsOfMemories)},
	{"queue_slots", byID((*queries.Queries).ExportRowsOfQueueSlots)},
	{"media", byID((*queries.Queries).ExportRowsOfMedia)},
	{"campaigns", byID((*queries.Queries).ExportRowsOfCampaigns)},
	{"integrations", byID((*queries.Queries).ExportRowsOfIntegrations)},
	{"authorizations", byID((*queries.Queries).ExportRowsOfAuthorizations)},
	{"memberships", byID((*queries.Queries).ExportRowsOfMemberships)},
	{"invitations", byID((*queries.Queries).ExportRowsOfInvitations)},
	{"api_keys", byID((*queries.Queries).ExportRowsOfAPIKeys)},
	{"credentials", byID((*queries.Queries).ExportRowsOfCredentials)},
	{"mcp_servers", byID((*queries.Queries).ExportRowsOfMcpServers)},
	{"spaces", byID((*queries.Queries).ExportRowsOfSpaces)},
	{"restores", byID((*queries.Queries).ExportRowsOfRestores)},
	{"drills", byID((*queries.Queries).ExportRowsOfDrills)},
	{"backups", byID((*queries.Queries).ExportRowsOfBackups)},
	{"workspaces", byID((*queries.Queries).ExportRowsOfWorkspaces)},
	{"workspace_policies", byID((*queries.Queries).ExportRowsOfWorkspacePolicies)},
	{"bots", byID((*queries.Queries).ExportRowsOfBots)},
	{"webhook_endpoints", byID((*queries.Queries).ExportRowsOfWebhookEndpoints)},
	{"usage_days", byText((*queries.Queries).ExportRowsOfUsageDays)},
	{"audit_log", byID((*queries.Queries).ExportRowsOfAuditLog)},
	{"customers", byID((*queries.Queries).ExportRowsOfCustomers)},
}

// notExported are the tables with customer_id that no archive holds, and why.
var notExported = map[string]string{
	"public.account_limits":     "what a platform said of the moment",
	"public.agent_tokens":       "they end within an hour; that they were made stands in the audit log",
	"public.audit_unsealed":     "digests of rows of the log",
	"public.audit_seals":        "prove the log where it is",
	"public.usage_entries":      "part of usage_days",
	"public.llm_budgets":        "how much the installation lets the customer use",
	"public.llm_months":         "what was taken of that; what was used is in usage_days",
	"public.llm_reservations":   "what calls hold that are under way",
	"public.rate_limit_rules":   "how much the installation lets the customer do",
	"public.rate_limits":        "what was used in the last minutes",
	"public.connect_sessions":   "somebody's way to a platform and back, for an hour",
	"public.credential_moves":   "how the installation takes over an earlier one; each use of an account stands in the audit log",
	"public.webhook_secrets":    "what signs messages from here, which whoever verifies them has",
	"public.webhook_deliveries": "messages of the last month, of what else is in the archive",
	"public.file_changes":       "what changes of files hold that are under way",
	"public.backup_status":      "which backup and drill were last; they are in backups and drills",
	"public.exports":            "archives like this one, which end within a day",
	"river.river_job":           "the queue: what is left to do follows from the posts",
}

// byID reads a table whose key is one id.
func byID[
	P ~struct {
		After   uuid.UUID
		MaxRows int32
	},
	R ~struct {
		ID   uuid.UUID
		Line string
	},
](query func(*queries.Queries, context.Context, P) ([]R, error)) func() nextPage {
	type params struct {
		After   uuid.UUID
		MaxRows int32
	}
	type row struct {
		ID   uuid.UUID
		Line string
	}
	return func() nextPage {
		next := params{MaxRows: exportPage}
		return func(ctx context.Context, q *queries.Queries) ([]string, error) {
			rows, err := query(q, ctx, P(next))
			lines := make([]string, len(rows))
			for i, r := range rows {
				lines[i], next.After = row(r).Line, row(r).ID
			}
			return lines, err
		}
	}
}

// byTwo reads a table whose key is an id and something else.
func byTwo[
	K any,
	P ~struct {
		After       uuid.UUID
		AfterSecond K
		MaxRows     int32
	},
	R ~struct {
		ID     uuid.UUID
		Second K
		Line   string
	},
](query func(*queries.Queries, context.Context, P) ([]R, error)) func() nextPage {
	type params struct {
		After       uuid.UUID
		AfterSecond K
		MaxRows     int32
	}
	type row struct {
		ID     uuid.UUID
		Second K
		Line   string
	}
	return func() nextPage {
		next := params{MaxRows: exportPage}
		return func(ctx context.Context, q *queries.Queries) ([]string, error) {
			rows, err := query(q, ctx, P(next))
			lines := make([]string, len(rows))
			for i, r := range rows {
				lines[i], next.After, next.AfterSecond = row(r).Line, row(r).ID, row(r).Second
			}
			return lines, err
		}
	}
}

// byText reads a table whose key is a text.
func byText[
	P ~struct {
		After   string
		MaxRows int32
	},
	R ~struct {
		Key  string
		Line string
	},
](query func(*queries.Queries, context.Context, P) ([]R, error)) func() nextPage {
	type params struct {
		After   string
		MaxRows int32
	}
	type row struct {
		Key  string
		Line string
	}
	return func() nextPage {
		next := params{MaxRows: exportPage}
		return func(ctx context.Context, q *queries.Queries) ([]string, error) {
			rows, err := query(q, ctx, P(next))
			lines := make([]string, len(rows))
			for i, r := range rows {
				lines[i], next.After = row(r).Line, row(r).Key
			}
			return lines, err
		}
	}
}

// exportFormat and exportVersion name the format, for programs that read it.
const (
	exportFormat  = "fanfare-export"
	exportVersion = 1
)

//go:embed export_readme.txt
var exportReadme string

// manifest says what is in an archive. It is the archive's last file.
type manifest struct {
	Format     string         `json:"format"`
	Version    int            `json:"version"`
	CustomerID uuid.UUID      `json:"customer_id"`
	ExportID   uuid.UUID      `json:"export_id"`
	StartedAt  time.Time      `json:"started_at"`
	FinishedAt time.Time      `json:"finished_at"`
	Files      []manifestFile `json:"files"`
	// LeftOut is what is of the customer and not in the archive, or perhaps not as it was at one time.
	LeftOut []leftOut `json:"left_out,omitempty"`
}

// leftOut is a file or workspace that is not in an archive.
type leftOut struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// manifestFile is one file of an archive.
type manifestFile struct {
	Name string `json:"name"`
	// Rows is the number of lines of a table's file; nil for any other file.
	Rows   *int64 `json:"rows,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archive writes one archive. It holds a page of one table in memory at most.
type archive struct {
	reader               *queries.Queries
	bucket               *bucket.Bucket
	workspaces           *workspace.Store
	customerID, exportID uuid.UUID

	zip      *zip.Writer
	manifest manifest
}

func (a *archive) write(ctx context.Context, out io.Writer) error {
	a.zip = zip.NewWriter(out)
	a.manifest = manifest{
		Format: exportFormat, Version: exportVersion, CustomerID: a.customerID, ExportID: a.exportID, StartedAt: time.Now().UTC(),
	}
	if err := a.add("README.txt", zip.Deflate, func(w io.Writer) error {
		_, err := io.WriteString(w, exportReadme)
		return err
	}); err != nil {
		return err
	}
	for _, table := range exportedTables {
		if err := a.addTable(ctx, table); err != nil {
			return fmt.Errorf("export %s: %w", table.name, err)
		}
	}
	if err := a.addMedia(ctx); err != nil {
		return fmt.Errorf("export files: %w", err)
	}
	if err := a.addWorkspaces(ctx); err != nil {
		return fmt.Errorf("export workspaces: %w", err)
	}
	a.manifest.FinishedAt = time.Now().UTC()
	content, err := json.MarshalIndent(a.manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if err := a.add("manifest.json", zip.Deflate, func(w io.Writer) error {
		_, err := w.Write(append(content, '\n'))
		return err
	}); err != nil {
		return err
	}
	return a.zip.Close()
}

// addTable writes a table's rows, a line each.
func (a *archive) addTable(ctx context.Context, table exportedTable) error {
	var rows int64
	next := table.pages()
	err := a.add("data/"+table.name+".ndjson", zip.Deflate, func(w io.Writer) error {
		for {
			lines, err := next(ctx, a.reader)
			if err != nil || len(lines) == 0 {
				return err
			}
			for _, line := range lines {
				if _, err := io.WriteString(w, line+"\n"); err != nil {
					return err
				}
			}
			rows += int64(len(lines))
		}
	})
	a.manifest.Files[len(a.manifest.Files)-1].Rows = &rows
	return err
}

// addMedia copies the customer's files. They are compressed by nature already.
func (a *archive) addMedia(ctx context.Context) error {
	prefix := bucket.Media(a.customerID)
	return a.bucket.Each(ctx, prefix, func(key string) error {
		file, err := a.bucket.Read(ctx, key)
		if errors.Is(err, bucket.ErrNotFound) {
			return nil // deleted meanwhile, or one that was being written
		}
		if err != nil {
			return err
		}
		defer file.Close()
		return a.add("media/"+strings.TrimPrefix(key, prefix), zip.Store, func(w io.Writer) error {
			_, err := io.Copy(w, file)
			return err
		})
	})
}

// addWorkspaces copies the files of the customer's workspaces.
func (a *archive) addWorkspaces(ctx context.Context) error {
	all, err := a.reader.WorkspaceListForWorker(ctx)
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	for _, w := range all {
		name, spaceID := "files/shared/", uuid.NullUUID{}
		if w.SpaceID != nil {
			name, spaceID = "files/spaces/"+w.SpaceID.String()+"/", uuid.NullUUID{UUID: *w.SpaceID, Valid: true}
		}
		switch w.State {
		case "new", "deleted": // nothing is in it
		case "archived", "returning":
			a.leaveOut(name, "nobody has used it for long, so its files are in an archive of their own; list them, and they are in the next export")
		default:
			if a.workspaces == nil {
				return errNoWorkspaces
			}
			directory, err := a.workspaces.Open(a.customerID, spaceID)
			if err != nil {
				return err
			}
			err = a.addWorkspace(ctx, name, directory)
			if err := errors.Join(err, directory.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// addWorkspace copies the files of one workspace, in which programs may write meanwhile.
func (a *archive) addWorkspace(ctx context.Context, prefix string, directory *workspace.Directory) error {
	return directory.Walk(ctx, func(entry workspace.Entry, _ workspace.Stamp) error {
		name := prefix + entry.Path
		switch entry.Kind {
		case workspace.KindDirectory:
			return nil
		case workspace.KindOther:
			a.leaveOut(name, "it is neither a plain file nor a directory")
			return nil
		}
		file, err := directory.Open(entry.Path)
		switch {
		case errors.Is(err, workspace.ErrNotFound), errors.Is(err, workspace.ErrNotDirectory):
			return nil // deleted meanwhile
		case errors.Is(err, workspace.ErrNotServed), errors.Is(err, workspace.ErrIsDirectory), errors.Is(err, workspace.ErrChanged):
			a.leaveOut(name, "it became something else meanwhile")
			return nil
		case err != nil:
			return err
		}
		defer file.Close()
		if err := a.add(name, zip.Deflate, func(w io.Writer) error {
			_, err := io.Copy(w, io.LimitReader(file, file.Entry().Bytes)) // a program may write to it without end
			return err
		}); err != nil {
			return err
		}
		err = file.Unchanged()
		if errors.Is(err, workspace.ErrChanged) {
			a.leaveOut(name, "it was written to while it was read: what is here may be a part of it")
			return nil
		}
		return err
	})
}

func (a *archive) leaveOut(name, reason string) {
	a.manifest.LeftOut = append(a.manifest.LeftOut, leftOut{Name: name, Reason: reason})
}

// add writes one file of the archive and notes it in the manifest.
func (a *archive) add(name string, method uint16, fill func(w io.Writer) error) error {
	entry, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: a.manifest.StartedAt})
	if err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	sum := sha256.New()
	var size counter
	err = fill(io.MultiWriter(entry, sum, &size))
	a.manifest.Files = append(a.manifest.Files, manifestFile{Name: name, Bytes: int64(size), SHA256: hex.EncodeToString(sum.Sum(nil))})
	return err
}
