// Package jobs holds the work that the queue does: one file per job, with its arguments and its worker,
// and the worker process around them. Arguments hold ids only, never a secret and never a tenant's text:
// a job is read under the same policies as everything else, when it runs.
package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/internal/conversation"
	"fanfare/internal/embedding"
	"fanfare/internal/mail"
	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// Schema is where River's tables are.
const Schema = "river"

// Client is River's client on pgx.
type Client = river.Client[pgx.Tx]

// Deps are what jobs work with.
type Deps struct {
	// Pool is fanfare_worker's.
	Pool       *pgxpool.Pool
	Vault      *vault.Vault
	Publishers map[platform.Name]platform.Publisher
	// Connectors are those of the platforms that this installation has an application at.
	Connectors map[platform.Name]platform.Connector
	// Bucket is where files are kept; nil: nowhere, no export is written and no post with files is published.
	Bucket *bucket.Bucket
	// Workspaces are the directories of files of customers and spaces; nil: this worker has none.
	Workspaces *workspace.Store
	// Backups is the bucket of backups and archives of files; nil: none are made.
	Backups *bucket.Bucket
	Log     *slog.Logger
	// Mail sends e-mails; nil where it is not set up. Their jobs then wait for a worker that can.
	Mail *mail.Sender
	// PublicURL is the dashboard's address, to which links in e-mails lead. Needed with Mail.
	PublicURL string
	// Egress reaches the webhooks of customers; nil: those on the public internet.
	Egress *platform.Egress
	// Version is this installation's, which MCP servers are told.
	Version string
	// Embedder puts the meaning of memories into numbers; nil: they are found by their words alone.
	Embedder embedding.Embedder
	// Chats answers chats; nil: another worker does, or there are none.
	Chats *Chats
}

// all lists every job.
func all(deps Deps, config WorkerConfig, holder *lease, renewer *renewer, stopping <-chan struct{}) *river.Workers {
	workers := river.NewWorkers()
	db := tenant.New(deps.Pool)
	river.AddWorker(workers, &publishWorker{
		db:         db,
		vault:      deps.Vault,
		publishers: deps.Publishers,
		renewer:    renewer,
		notices:    renewer.notices,
		bucket:     deps.Bucket,
		lease:      holder,
		shares:     newShares(config.Concurrency),
		stopping:   stopping,
		log:        deps.Log,
	})
	river.AddWorker(workers, &renewWorker{renewer: renewer, lease: holder})
	river.AddWorker(workers, &checkWorker{
		db: db, vault: deps.Vault, publishers: deps.Publishers, connectors: deps.Connectors,
		renewer: renewer, notices: renewer.notices, lease: holder, log: deps.Log, customerLimit: config.CustomerChecks,
	})
	river.AddWorker(workers, &measureWorker{
		db: db, vault: deps.Vault, publishers: deps.Publishers, renewer: renewer, queue: renewer.notices.queue, lease: holder, log: deps.Log,
	})
	river.AddWorker(workers, &revokeWorker{
		db: db, vault: deps.Vault, connectors: deps.Connectors, queue: renewer.notices.queue, lease: holder, log: deps.Log,
	})
	river.AddWorker(workers, &expirePairingWorker{db: db, q: queries.New(deps.Pool), lease: holder})
	mcp := mcpclient.New(cmp.Or(deps.Egress, platform.NewEgress(nil)), deps.Version)
	river.AddWorker(workers, &checkMCPWorker{db: db, vault: deps.Vault, mcp: mcp, lease: holder, log: deps.Log})
	river.AddWorker(workers, &endCredentialWorker{db: db, vault: deps.Vault, mcp: mcp, lease: holder, log: deps.Log})
	places := &fileStores{db: db, workspaces: deps.Workspaces, media: deps.Bucket, backups: deps.Backups, config: config.Backups, log: deps.Log}
	river.AddWorker(workers, &workspaceWorker{fileStores: places, rules: config.Workspaces, notices: renewer.notices, lease: holder})
	river.AddWorker(workers, &backupWorker{fileStores: places, lease: holder})
	river.AddWorker(workers, &restoreWorker{fileStores: places, quota: config.Workspaces.Quota, lease: holder})
	river.AddWorker(workers, &drillWorker{fileStores: places, lease: holder})
	river.AddWorker(workers, &exportWorker{db: db, bucket: deps.Bucket, workspaces: deps.Workspaces, lease: holder, log: deps.Log})
	river.AddWorker(workers, &eraseWorker{
		q: queries.New(deps.Pool), bucket: deps.Bucket, workspaces: deps.Workspaces, backups: deps.Backups, lease: holder, log: deps.Log,
		vault: deps.Vault, connectors: deps.Connectors, mcp: mcp,
	})
	river.AddWorker(workers, &resealWorker{
		pool: deps.Pool, vault: deps.Vault, lease: holder, log: deps.Log, batch: resealBatch, settle: resealSettle,
	})
	river.AddWorker(workers, &webhookWorker{
		db: db, vault: deps.Vault, client: cmp.Or(deps.Egress, platform.NewEgress(nil)).Client(), notices: renewer.notices, lease: holder, log: deps.Log,
	})
	if deps.Embedder != nil {
		river.AddWorker(workers, &embedWorker{db: db, embedder: deps.Embedder, lease: holder, log: deps.Log})
	}
	if deps.Chats != nil {
		river.AddWorker(workers, &chatWorker{
			db: db, pool: deps.Pool, q: queries.New(deps.Pool), chats: *deps.Chats, slots: newChatSlots(chatsConcurrency), lease: holder, log: deps.Log,
			conversation: &conversation.Conversation{API: deps.Chats.API},
		})
	}
	if deps.Mail != nil {
		river.AddWorker(workers, &invitationEmailWorker{
			db: db, vault: deps.Vault, mail: deps.Mail, publicURL: deps.PublicURL, lease: holder, log: deps.Log,
		})
		river.AddWorker(workers, &connectionEmailWorker{db: db, mail: deps.Mail, publicURL: deps.PublicURL, lease: holder, log: deps.Log})
		river.AddWorker(workers, &webhookEmailWorker{db: db, mail: deps.Mail, publicURL: deps.PublicURL, lease: holder, log: deps.Log})
		river.AddWorker(workers, &workspaceEmailWorker{db: db, mail: deps.Mail, publicURL: deps.PublicURL, rules: config.Workspaces, lease: holder, log: deps.Log})
	}
	return workers
}

// NewInserter makes a client that only inserts, in the caller's transaction. It is what the API has.
func NewInserter(log *slog.Logger) (*Client, error) {
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: Schema, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("make queue client: %w", err)
	}
	return client, nil
}

// backoff is how long to wait after the nth failure in a row: doubling from first, at most limit.
func backoff(n int, first, limit time.Duration) time.Duration {
	pause := first
	for range max(n-1, 0) {
		if pause *= 2; pause >= limit {
			return limit
		}
	}
	return pause
}

// snoozes is how often a job has been put off.
func snoozes(metadata []byte) int {
	var waited struct {
		Snoozes int `json:"snoozes"`
	}
	if err := json.Unmarshal(metadata, &waited); err != nil {
		return 0 // River writes it; without it the wait is a short one
	}
	return waited.Snoozes
}

// putOff is how long a job waits for something that passes: longer with each time, at least until the time that is
// named.
func putOff(metadata []byte, at time.Time, first, limit time.Duration) time.Duration {
	wait := shortened(backoff(1+snoozes(metadata), first, limit))
	return max(wait, min(time.Until(at), limit))
}

// shortened is a wait less up to a quarter of it, by chance: those that began to wait together do not all come back at once.
func shortened(wait time.Duration) time.Duration {
	return wait*3/4 + rand.N(wait/4) //nolint:gosec // chance, not secrecy
}
