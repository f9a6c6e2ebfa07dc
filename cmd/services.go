package cmd

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/api"
	"fanfare/internal/bots"
	"fanfare/internal/bucket"
	"fanfare/internal/embedding"
	"fanfare/internal/images"
	"fanfare/internal/llm"
	"fanfare/internal/mail"
	"fanfare/internal/telemetry"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/jobs"
	"fanfare/queries"
)

// serviceConfig are the settings that the API and workers share: a worker answers chats through operations of its own.
type serviceConfig struct {
	logConfig
	keyConfig
	platformConfig
	imagesConfig
	bucketConfig
	workspaceConfig
	backupConfig
	mailConfig
	embeddingConfig
	chatConfig
	llmConfig
	llmBudgetConfig
	metricsConfig
	MediaQuota int64 `name:"media-quota" default:"10737418240" env:"FANFARE_MEDIA_QUOTA" help:"How many bytes the images and videos of one customer may have together; the same for the API and workers."`
}

// services are what the API and workers work with, besides the database.
type services struct {
	vault    *vault.Vault
	outside  platforms
	bots     bots.Config
	photos   *images.Unsplash
	files    *bucket.Bucket
	mailer   *mail.Sender
	embedder embedding.Embedder
	model    *llm.Model
	// monthlyTokens and monthlyMicroUSD are as api.Deps has them.
	monthlyTokens, monthlyMicroUSD int64
	mediaQuota                     int64
	workspaces                     *workspace.Store
	workspaceRules                 api.WorkspaceRules
	backups                        *bucket.Bucket
	backupConfig                   jobs.BackupConfig
	publicURL                      string
}

// services checks the settings, and gives what they make. apiURL and delivered are as chatConfig.bots has them.
func (c *serviceConfig) services(ctx context.Context, apiURL string, delivered bool) (s services, err error) {
	if c.MediaQuota <= 0 {
		return services{}, errors.New(named("media-quota") + " must be a number of bytes above 0")
	}
	s = services{mediaQuota: c.MediaQuota, monthlyTokens: c.LLMMonthlyTokens}
	if s.monthlyMicroUSD, err = c.microUSD(); err != nil {
		return services{}, err
	}
	if s.model, err = c.model(); err != nil {
		return services{}, err
	}
	if s.vault, err = c.open(ctx); err != nil {
		return services{}, err
	}
	if s.outside, err = c.platforms(); err != nil {
		return services{}, err
	}
	if s.bots, err = c.bots(apiURL, delivered); err != nil {
		return services{}, err
	}
	if s.photos, err = c.unsplash(); err != nil {
		return services{}, err
	}
	if s.files, err = c.openBucket(ctx); err != nil {
		return services{}, err
	}
	if s.workspaces, err = c.openWorkspaces(); err != nil {
		return services{}, err
	}
	if s.workspaceRules, err = c.rules(); err != nil {
		return services{}, err
	}
	if s.backups, err = c.openBackups(ctx); err != nil {
		return services{}, err
	}
	if s.backupConfig, err = c.jobs(); err != nil {
		return services{}, err
	}
	if s.mailer, err = c.sender(); err != nil {
		return services{}, err
	}
	if s.embedder, err = c.embedder(); err != nil {
		return services{}, err
	}
	s.publicURL = c.PublicURL // which sender has checked
	return s, nil
}

// api is what they are to the API, on a pool of fanfare_login. Who is believed, and where the API is, is left to the caller.
func (s services) api(pool *pgxpool.Pool, log *slog.Logger) (api.Deps, error) {
	queue, err := jobs.NewInserter(log)
	if err != nil {
		return api.Deps{}, err
	}
	registry, err := newBots(pool, s.vault, s.bots, log)
	if err != nil {
		return api.Deps{}, err
	}
	var backupHealth func(context.Context) (telemetry.BackupHealth, error)
	if s.backups != nil {
		backupHealth = askBackups(queries.New(pool), s.backupConfig)
	}
	return api.Deps{
		BackupHealth: backupHealth,
		Pool:         pool, Queue: queue, ChatBots: registry, Log: log, Vault: s.vault, Ghost: s.outside.ghost, Egress: s.outside.egress, Connectors: s.outside.connectors,
		Images: s.photos, Bucket: s.files, MediaQuota: s.mediaQuota, Workspaces: s.workspaces, WorkspaceRules: s.workspaceRules, Backups: s.backups != nil, PublicURL: s.publicURL, MailsInvitations: s.mailer != nil, Embedder: s.embedder,
		LLM: s.model, LLMMonthlyTokens: s.monthlyTokens, LLMMonthlyMicroUSD: s.monthlyMicroUSD,
	}, nil
}
