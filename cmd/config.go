package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/lmittmann/tint"

	"fanfare/internal/bucket"
	"fanfare/internal/embedding"
	"fanfare/internal/identity"
	"fanfare/internal/mail"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
)

// logConfig says how logs look.
type logConfig struct {
	LogFormat string `enum:"json,text" default:"${log_format=json}" env:"FANFARE_LOG_FORMAT" help:"json, or text for people."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" env:"FANFARE_LOG_LEVEL" help:"The least level that is written."`
}

func (c logConfig) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked it
	}
	if c.LogFormat == "text" {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !isTerminal(w)}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: inMilliseconds}))
}

// inMilliseconds writes durations as numbers of milliseconds, under names that say so: duration is duration_ms.
func inMilliseconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_ms", float64(a.Value.Duration().Microseconds())/1000)
	}
	return a
}

// isTerminal tells whether a person reads along.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// keyConfig says where the key set is that seals credentials.
type keyConfig struct {
	Keyset string `required:"" env:"FANFARE_KEYSET" help:"File of the key set that seals credentials; made by 'fanfare keys create'."`
	Kek    string `env:"FANFARE_KEYSET_KEK" help:"Key of a KMS that protects the key set: aws-kms://…, gcp-kms://… or hcvault://…; empty if the file is not encrypted."`
}

func (c keyConfig) open(ctx context.Context) (*vault.Vault, error) {
	v, err := vault.Open(ctx, c.vaultConfig())
	if err != nil {
		return nil, c.blame(err)
	}
	return v, nil
}

// blame puts the setting that is to blame in front of an error of the vault's, which says what was done.
func (c keyConfig) blame(err error) error {
	var wrong *vault.ConfigError
	if !errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("%s: %w", named(map[string]string{"KeySet": "keyset", "KEK": "kek"}[wrong.Field]), err)
}

func (c keyConfig) vaultConfig() vault.Config { return vault.Config{KeySet: c.Keyset, KEK: c.Kek} }

// watchKeys takes changes of the key set over until ctx ends.
func watchKeys(v *vault.Vault, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		v.Watch(ctx, vault.WatchInterval, log)
		return nil
	}
}

// authConfig says whose tokens are believed.
type authConfig struct {
	JwtIssuer         string        `required:"" env:"FANFARE_JWT_ISSUER" help:"The 'iss' of tokens, exactly."`
	JwtAudience       string        `required:"" env:"FANFARE_JWT_AUDIENCE" help:"What the 'aud' of tokens must name."`
	JwtJwksURL        string        `name:"jwt-jwks-url" env:"FANFARE_JWT_JWKS_URL" help:"Where the issuer publishes its keys."`
	JwtHs256Secret    string        `name:"jwt-hs256-secret" env:"FANFARE_JWT_HS256_SECRET" help:"Supabase's shared secret, in place of a JWKS."`
	JwtLeeway         time.Duration `env:"FANFARE_JWT_LEEWAY" default:"30s" help:"How far clocks may differ."`
	JwtEmailsVerified bool          `env:"FANFARE_JWT_EMAILS_VERIFIED" help:"The issuer puts only confirmed addresses into 'email'."`
}

func (c authConfig) verifier(ctx context.Context, log *slog.Logger) (*identity.Verifier, error) {
	switch jwks, secret := named("jwt-jwks-url"), named("jwt-hs256-secret"); {
	case c.JwtJwksURL == "" && c.JwtHs256Secret == "":
		return nil, fmt.Errorf("there is nothing to verify tokens with: set %s, or %s in its place", jwks, secret)
	case c.JwtJwksURL != "" && c.JwtHs256Secret != "":
		return nil, fmt.Errorf("%s and %s are both set; unset one", jwks, secret)
	}
	v, err := identity.New(ctx, identity.Config{
		Issuer: c.JwtIssuer, Audience: c.JwtAudience, JWKSURL: c.JwtJwksURL, HS256Secret: []byte(c.JwtHs256Secret),
		Leeway: c.JwtLeeway, EmailsVerified: c.JwtEmailsVerified, Logger: log,
	})
	var wrong *identity.ConfigError
	if errors.As(err, &wrong) {
		flag := map[string]string{ //nolint:gosec // the names of flags, no secrets
			"Issuer": "jwt-issuer", "Audience": "jwt-audience", "JWKSURL": "jwt-jwks-url", "HS256Secret": "jwt-hs256-secret", "Leeway": "jwt-leeway",
		}[wrong.Field]
		return nil, fmt.Errorf("%s: %w", named(flag), wrong)
	}
	if err != nil {
		return nil, fmt.Errorf("set up authentication: %w", err)
	}
	return v, nil
}

// platformConfig says how platforms are reached.
type platformConfig struct {
	EgressAllow []string `env:"FANFARE_EGRESS_ALLOW" help:"Private networks (CIDR) in which sites and webhooks of customers may be; none by default."`
	GhostAPI    string   `name:"ghost-api-version" env:"FANFARE_GHOST_API_VERSION" default:"${ghost_version=v5.0}" help:"Accept-Version sent to Ghost."`
	connectorConfig
}

// networks reads a list of networks that a setting, named by its flag, holds.
func networks(flag string, texts []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a network such as 10.1.0.0/16", named(flag), text)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// platforms are the ways to the outside.
type platforms struct {
	// publishers are there for every platform: what is connected is published, also where no more accounts can be connected.
	publishers map[platform.Name]platform.Publisher
	// connectors are those of the platforms that have an application.
	connectors map[platform.Name]platform.Connector
	ghost      *platform.GhostPublisher
	// egress reaches hosts that customers name.
	egress *platform.Egress
}

// platforms checks the settings and gives what they make of the platforms.
func (c *platformConfig) platforms() (platforms, error) {
	allow, err := networks("egress-allow", c.EgressAllow)
	if err != nil {
		return platforms{}, err
	}
	connectors, err := c.connectors()
	if err != nil {
		return platforms{}, err
	}
	egress := platform.NewEgress(allow)
	ghost := platform.NewGhost(egress, platform.WithGhostVersion(c.GhostAPI))
	return platforms{connectors: connectors, ghost: ghost, egress: egress, publishers: map[platform.Name]platform.Publisher{
		platform.Facebook: platform.NewFacebook(platform.FacebookConfig{
			App:     platform.OAuthApp{ClientID: c.FacebookClientID, ClientSecret: c.FacebookClientSecret},
			SiteURL: c.FacebookSiteURL, GraphURL: c.FacebookGraphURL, Version: c.FacebookVersion,
		}),
		platform.Ghost:     ghost,
		platform.LinkedIn:  platform.NewLinkedIn(platform.LinkedInConfig{SiteURL: c.LinkedInSiteURL, APIURL: c.LinkedInAPIURL, Version: c.LinkedInVersion}),
		platform.Mailchimp: platform.NewMailchimp(platform.MailchimpConfig{APIURL: c.MailchimpAPIURL}),
		platform.Twitter:   platform.NewTwitter(platform.TwitterConfig{SiteURL: c.TwitterSiteURL, APIURL: c.TwitterAPIURL}),
	}}, nil
}

// bucketConfig says where files are kept.
type bucketConfig struct {
	Bucket string `env:"FANFARE_BUCKET" help:"Where files such as uploads and exports are kept, the same for API and workers: file:///var/lib/fanfare, s3://bucket/prefix?region=eu-central-1 (with endpoint=https://… for servers that are not AWS), gs://bucket/prefix or azblob://container/prefix?storage_account=name. Credentials come from the cloud's own environment variables. Empty: nowhere, and there are no uploads and no exports."`
}

// openBucket gives nil where none is set.
func (c bucketConfig) openBucket(ctx context.Context) (*bucket.Bucket, error) {
	if c.Bucket == "" {
		return nil, nil //nolint:nilnil // that is what "no bucket" looks like
	}
	b, err := bucket.Open(ctx, c.Bucket, bucket.Options{})
	if err != nil {
		return nil, fmt.Errorf("--bucket (FANFARE_BUCKET): %w", err)
	}
	return b, nil
}

// mailConfig says how e-mails leave, and where their links lead.
type mailConfig struct {
	SMTPURL   string `name:"smtp-url" env:"FANFARE_SMTP_URL" help:"Server that sends e-mails: smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465; none by default."`
	MailFrom  string `env:"FANFARE_MAIL_FROM" help:"Sender of e-mails, such as 'Fanfare <fanfare@example.com>'; required with --smtp-url."`
	PublicURL string `name:"public-url" env:"FANFARE_PUBLIC_URL" help:"Address of the dashboard, to which links lead; required with --smtp-url."`
}

// sender makes what sends e-mails, nil where that is not set up. It also checks the public address.
func (c *mailConfig) sender() (*mail.Sender, error) {
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || strings.ContainsAny(c.PublicURL, "?#") {
			return nil, errors.New("--public-url (FANFARE_PUBLIC_URL) must look like https://fanfare.example.com")
		}
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	}
	switch {
	case c.SMTPURL == "":
		return nil, nil //nolint:nilnil // no e-mail is a way to run
	case c.MailFrom == "":
		return nil, errors.New("--smtp-url (FANFARE_SMTP_URL) needs --mail-from (FANFARE_MAIL_FROM)")
	case c.PublicURL == "":
		return nil, errors.New("--smtp-url (FANFARE_SMTP_URL) needs --public-url (FANFARE_PUBLIC_URL)")
	}
	sender, err := mail.New(mail.Config{URL: c.SMTPURL, From: c.MailFrom})
	if err != nil {
		return nil, fmt.Errorf("set up e-mail: %w", err)
	}
	return sender, nil
}

// embeddingConfig says who puts the meaning of memories into numbers.
type embeddingConfig struct {
	EmbeddingsURL   string `name:"embeddings-url" env:"FANFARE_EMBEDDINGS_URL" help:"Server with OpenAI's API for embeddings, such as https://api.openai.com/v1; with it, and the extension vector in the database, memories are also found by what they mean. None by default."`
	EmbeddingsKey   string `name:"embeddings-key" env:"FANFARE_EMBEDDINGS_KEY" help:"Key for it, if it asks for one."`
	EmbeddingsModel string `name:"embeddings-model" env:"FANFARE_EMBEDDINGS_MODEL" help:"Its model, such as text-embedding-3-small; required with --embeddings-url."`
}

// embedder makes what asks it, nil where that is not set up.
func (c *embeddingConfig) embedder() (embedding.Embedder, error) {
	if c.EmbeddingsURL == "" {
		if c.EmbeddingsKey != "" || c.EmbeddingsModel != "" {
			return nil, fmt.Errorf("%s and %s need %s", named("embeddings-key"), named("embeddings-model"), named("embeddings-url"))
		}
		return nil, nil //nolint:nilnil // to find memories by their words alone is a way to run
	}
	if c.EmbeddingsModel == "" {
		return nil, fmt.Errorf("%s needs %s", named("embeddings-url"), named("embeddings-model"))
	}
	client, err := embedding.New(embedding.Config{URL: c.EmbeddingsURL, Key: c.EmbeddingsKey, Model: c.EmbeddingsModel})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named("embeddings-url"), err)
	}
	return client, nil
}

// The settings that hold database URLs.
const (
	loginSetting  = "--database-url (DATABASE_URL)"
	listenSetting = "--listen-database-url (LISTEN_DATABASE_URL)"
	workerSetting = "--worker-database-url (WORKER_DATABASE_URL)"
	backupSetting = "--backup-database-url (BACKUP_DATABASE_URL)"
	ownerSetting  = "--database-url (MIGRATE_DATABASE_URL)"
)

// wrongURL says that a setting holds no database URL. What it holds may be a password, and is not quoted.
func wrongURL(setting, role string) error {
	return fmt.Errorf("%s cannot be parsed; it must look like postgres://%s:password@host:port/database", setting, role)
}

// connectTo makes one connection to the database that ownerSetting names.
func connectTo(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, wrongURL(ownerSetting, "fanfare_owner")
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database that %s names: %w", ownerSetting, err)
	}
	return conn, nil
}

// openPool opens a pool that only ever holds connections of the given role, by the URL that a setting holds. The database
// may be away: the pool connects when it is there.
func openPool(ctx context.Context, databaseURL, setting, role string, size int32, log *slog.Logger) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, wrongURL(setting, role)
	}
	config.MaxConns = size
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = "fanfare"
	params["timezone"] = "UTC"
	params["search_path"] = "public"
	params["statement_timeout"] = "30s"
	// No transaction waits for anything but the database, so one that is idle this long belongs to a process
	// that is paused or cut off, and its locks keep others from taking over.
	params["idle_in_transaction_session_timeout"] = "10s"
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return checkRole(ctx, conn, setting, role) }
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	pingCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := pool.Ping(pingCtx); err != nil {
		var wrong *wrongRoleError
		if errors.As(err, &wrong) {
			pool.Close()
			return nil, wrong
		}
		text := "the database is away; it is tried again with each request"
		if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
			text = "the database refuses the connection; it is tried again with each request"
		}
		log.WarnContext(ctx, text, "error", err)
	}
	return pool, nil
}

// wrongRoleError: a setting names a role for which the policies would not hold.
type wrongRoleError struct{ setting, want, got string }

func (e *wrongRoleError) Error() string {
	return fmt.Sprintf("%s must log in as %s, but logs in as %q; with another role the tenancy policies would not hold", e.setting, e.want, e.got)
}

// checkRole refuses a connection on which row-level security would not hold.
func checkRole(ctx context.Context, conn *pgx.Conn, setting, role string) error {
	var user string
	var unsafe bool
	err := conn.QueryRow(ctx, "select session_user::text, rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = session_user").Scan(&user, &unsafe)
	if err != nil {
		return fmt.Errorf("check database role: %w", err)
	}
	if user != role || unsafe {
		return &wrongRoleError{setting: setting, want: role, got: user}
	}
	return nil
}

// passwordIn is the password that a role's URL holds. A URL of any other role is not ours to take one from.
// setting names where the URL was given.
func passwordIn(databaseURL, role, setting string) (string, error) {
	if databaseURL == "" {
		return "", nil
	}
	u, err := url.Parse(databaseURL)
	if err != nil || u.User == nil {
		return "", wrongURL(setting, role)
	}
	// Some poolers want the project's name after the role's.
	if user := u.User.Username(); user != role && !strings.HasPrefix(user, role+".") {
		return "", fmt.Errorf("%s must be a URL of the role %s, whose password is set from it, but it is one of %q; correct or unset it", setting, role, user)
	}
	password, _ := u.User.Password()
	return password, nil
}

// notMigrated is what a process says that meets an older database than it needs.
const notMigrated = "the database is not migrated; run `fanfare migrate`"
