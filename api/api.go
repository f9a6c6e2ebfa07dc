// Package api is the HTTP API: one file per resource, with request and response types, registration and
// handlers together. A handler opens a tenant transaction, runs queries in it and maps the result; who may
// see and do what is the database's decision and is not repeated here.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/tenant"
	"fanfare/internal/agenttoken"
	"fanfare/internal/bots"
	"fanfare/internal/bucket"
	"fanfare/internal/embedding"
	"fanfare/internal/identity"
	"fanfare/internal/images"
	"fanfare/internal/live"
	"fanfare/internal/llm"
	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/telemetry"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/jobs"
	"fanfare/queries"
)

// Version is the API's version, as the OpenAPI document states it.
const Version = "1.0.0"

// Deps are what the API works with.
type Deps struct {
	// Pool is fanfare_login's.
	Pool     *pgxpool.Pool
	Verifier *identity.Verifier
	Vault    *vault.Vault
	// Ghost asks a Ghost site whether a key is good.
	Ghost platform.AccountReader
	// Egress says which addresses webhooks may have; nil: those on the public internet.
	Egress *platform.Egress
	// Connectors are those of the platforms that this installation has an application at.
	Connectors map[platform.Name]platform.Connector
	Queue      *jobs.Client
	// Images finds photos; nil: nowhere, and the operations answer that it is not set up.
	Images *images.Unsplash
	// ChatBots are the bots in whose chats people talk to Fanfare; nil: there are none, and no customer can add one.
	ChatBots *bots.Registry
	// Live tells who looks at a customer that something has changed; nil: nobody is told.
	Live *live.Hub
	// Bucket is where files are kept; nil: nowhere, and exports and uploads answer that they are not set up.
	Bucket *bucket.Bucket
	// MediaQuota is how many bytes the files of a customer may have together that has no quota of its own; 0 means 10 GiB.
	MediaQuota int64
	// Workspaces are the directories of files of customers and spaces; nil: there are none.
	Workspaces *workspace.Store
	// WorkspaceRules say how long unused ones are kept, and how much room they have, where nothing else is said; what is 0 is as in DefaultWorkspaceRules.
	WorkspaceRules WorkspaceRules
	// BackupHealth asks how the backups of all customers stand, not too often however often it is called; nil: /health does not tell.
	BackupHealth func(ctx context.Context) (telemetry.BackupHealth, error)
	// Backups: workers make backups of files.
	Backups bool
	// AdminsMakeCustomers: only system admins make customers, and not everybody who can sign in.
	AdminsMakeCustomers bool
	// LLM is the language model that posts are written by; nil: none is set up.
	LLM *llm.Model
	// LLMMonthlyTokens and LLMMonthlyMicroUSD (millionths of a US dollar) are what a customer may use of LLMs in a month that
	// has no budget of its own; 0: nothing.
	LLMMonthlyTokens, LLMMonthlyMicroUSD int64

	Log *slog.Logger
	// PublicURL is the dashboard's address, without a slash at its end; "" where it is not configured.
	PublicURL string
	// APIURL is the API's own public address, without a slash at its end, to which platforms send browsers back; ""
	// where it is not configured, and then nothing is connected by signing in.
	APIURL string
	// Issuer is the `iss` of people's tokens. Where it is a URL, MCP clients are told that people sign in there.
	Issuer string
	// ReturnURLs are the addresses to which browsers may be sent back once an account is connected, besides those below
	// PublicURL. Each also stands for what is below it.
	ReturnURLs []string
	// MailsInvitations: workers send e-mails, so invitations go out by themselves.
	MailsInvitations bool
	// SignIn is how people get a token in the dashboard; its zero value: in no way that the dashboard knows.
	SignIn SignIn
	// SandboxURL is where the sandbox is that stands in for the platforms; "" where there is none.
	SandboxURL string
	// CORSOrigins are the other origins whose pages may call the API, as browsers write them.
	CORSOrigins []string
	// Pages makes what answers requests that no operation answers from what answers them with a problem, which it hands those on to that it has no page for either;
	// nil: there are no pages.
	Pages func(unknown http.Handler) http.Handler
	// TrustedProxies are the networks of the operator's own reverse proxies, whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Embedder puts what is searched for among memories into numbers, by their meaning; nil: they are searched by their words alone.
	Embedder embedding.Embedder
	// RequestTimeout bounds the reading of a body, and then the work on it; 0 means 15 s.
	RequestTimeout time.Duration
	// UploadStall is how long an upload may stand still; 0 means 30 s.
	UploadStall time.Duration
}

// API serves the operations.
type API struct {
	Deps
	db     *tenant.DB
	tokens *agenttoken.Keys
	mcp    *mcpclient.Client
	// mcpRefusals are the MCP servers that could not be signed in to a moment ago.
	mcpRefusals mcpRefusals
	log         *slog.Logger
	huma        huma.API
	// limits are those of the operations inside a customer, by operation.
	limits map[string]tenant.Limit
}

// New makes the API's handler.
func New(deps Deps) http.Handler {
	a := &API{Deps: deps, db: tenant.New(deps.Pool), tokens: agenttoken.New(deps.Pool, deps.Vault), log: deps.Log}
	a.Egress = cmp.Or(a.Egress, platform.NewEgress(nil))
	a.mcp = mcpclient.New(a.Egress, Version)
	mux := http.NewServeMux()
	a.huma = humago.New(mux, config())
	a.huma.UseMiddleware(a.announceSuccessor, a.authenticate)
	a.registerAll()
	a.registerDocs(mux)
	a.registerConnectResult(mux)
	a.registerHooks(mux)
	a.registerRiverUI(mux)
	var all http.Handler
	operations := a.unknownPaths(mux, eventStreams(mediaTypes(mux)))
	served := a.mcpServer(func() http.Handler { return all }, operations)
	all = a.requestID(a.logRequests(a.recoverPanics(securityHeaders(crossOrigin(a.CORSOrigins, served)))))
	return all
}

// OpenAPI gives the document that describes the API, without anything behind it.
func OpenAPI() *huma.OpenAPI {
	a := &API{log: slog.New(slog.DiscardHandler)}
	a.huma = humago.New(http.NewServeMux(), config())
	a.registerAll()
	return a.huma.OpenAPI()
}

func config() huma.Config {
	config := huma.DefaultConfig("Fanfare", Version)
	config.Info.Description = "The backend for AI-assisted marketing teams: drafts, schedules and publishes posts for many customers. " +
		"Everything under /v1/customers/{customer_id} belongs to one customer; what is not yours answers 404."
	config.CreateHooks = nil // no $schema in bodies
	config.DocsPath = ""     // served by registerDocs, without a foreign host
	config.OpenAPIPath = ""  // served by registerDocs too
	config.SchemasPath = ""
	config.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat} // json is what stands after +
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A person's token of the configured issuer, or an agent token."},
		"apiKey": {Type: "apiKey", In: "header", Name: keyHeader, Description: "An API key of one customer."},
	}
	config.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}}
	return config
}

// registerAll lists every resource.
func (a *API) registerAll() {
	a.registerMe()
	a.registerAccess()
	a.registerCustomers()
	a.registerCustomerContext()
	a.registerMembers()
	a.registerAPIKeys()
	a.registerAgentTokens()
	a.registerInvitations()
	a.registerRateLimits()
	a.registerUsage()
	a.registerLLMBudget()
	a.registerCampaigns()
	a.registerPosts()
	a.registerCalendar()
	a.registerOverview()
	a.registerCustomerHealth()
	a.registerLive()
	a.registerPostPublishing()
	a.registerPostApproval()
	a.registerPostChecks()
	a.registerPostGeneration()
	a.registerPlatformPosts()
	a.registerPostMetrics()
	a.registerReport()
	a.registerMedia()
	a.registerWorkspaces()
	a.registerFiles()
	a.registerBackups()
	a.registerImages()
	a.registerEmailTemplates()
	a.registerQueueSlots()
	a.registerRecurringPosts()
	a.registerIntegrations()
	a.registerIntegrationHealth()
	a.registerConnect()
	a.registerConnectCallback()
	a.registerConnectSessions()
	a.registerCredentials()
	a.registerMCPServers()
	a.registerMCPConnect()
	a.registerWebhooks()
	a.registerBots()
	a.registerSpaces()
	a.registerPairings()
	a.registerJobs()
	a.registerRiver()
	a.registerConversations()
	a.registerMemories()
	a.registerExports()
	a.registerErasures()
	a.registerAudit()
	a.registerDashboard()
	a.registerHealth()
	a.registerEarlierRoutes()
	a.tidyDocument()
}

// tidyDocument corrects what Huma writes into the document otherwise than the standards have it.
func (a *API) tidyDocument() {
	for _, schema := range a.huma.OpenAPI().Components.Schemas.Map() {
		tidyProperties(schema)
	}
	for _, item := range a.huma.OpenAPI().Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if operation == nil {
				continue
			}
			a.documentLimits(operation)
			a.documentDeprecation(operation)
			for _, parameter := range operation.Parameters {
				parameter.Schema.PatternDescription = "" // as in tidyProperties
			}
		}
	}
}

// tidyProperties lets an enum of what may be null have null, which it forbids otherwise, whatever the type says.
func tidyProperties(schema *huma.Schema) {
	for _, property := range schema.Properties {
		property.PatternDescription = "" // no keyword of JSON Schema; the validator has its sentence by now
		if property.Nullable && len(property.Enum) > 0 {
			property.Enum = append(property.Enum, nil)
		}
		tidyProperties(property)
	}
}

// public marks an operation that needs no authentication. Every other one needs it.
var public = map[string]any{"public": true}

// needs says which permissions serve a key or agent token for an operation: one of them must be there. An operation
// that says nothing is for people alone.
func needs(permissions ...string) map[string]any { return map[string]any{metadataNeeds: permissions} }

const metadataNeeds = "permissions"

// storesNothingKey is the metadata of an operation that changes nothing although it is a POST, because what it asks for does
// not fit into an address.
const storesNothingKey = "stores_nothing"

// changes tells whether an operation changes something.
func changes(operation *huma.Operation) bool {
	return operation.Method != http.MethodGet && operation.Metadata[storesNothingKey] != true
}

// timeoutKey is the metadata of an operation that asks somebody else and so may take longer than others.
const timeoutKey = "timeout"

// requestTimeout is the default of Deps.RequestTimeout.
const requestTimeout = 15 * time.Second

// register adds an operation. Errors of the handler are explained in one place.
func register[I, O any](a *API, operation huma.Operation, handler func(context.Context, *I) (*O, error)) {
	for _, name := range operation.Tags { // the documentation shows them in this order: deprecated routes, which are registered last, last
		document := a.huma.OpenAPI()
		if !slices.ContainsFunc(document.Tags, func(tag *huma.Tag) bool { return tag.Name == name }) {
			document.Tags = append(document.Tags, &huma.Tag{Name: name})
		}
	}
	operation.Errors = append(operation.Errors, http.StatusUnprocessableEntity) // of an unknown query parameter at least
	if operation.Metadata["public"] == true {
		operation.Security = []map[string][]string{}
	} else {
		operation.Errors = append(operation.Errors, http.StatusUnauthorized, http.StatusServiceUnavailable)
	}
	if _, hasBody := reflect.TypeFor[I]().FieldByName("Body"); hasBody {
		operation.Errors = append(operation.Errors, http.StatusBadRequest, http.StatusRequestTimeout,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if strings.Contains(operation.Path, "{") {
		operation.Errors = append(operation.Errors, http.StatusNotFound)
	}
	if operation.Metadata["public"] != true {
		operation.Errors = append(operation.Errors, http.StatusForbidden)
		operation.Description = strings.TrimSpace(operation.Description + "\n\n" + forKeys(operation))
	}
	changing := changes(&operation)
	if changing {
		operation.Errors = append(operation.Errors, http.StatusConflict)
	}
	inBody := operation.Metadata[customerInBodyKey] == true
	if changing && (strings.Contains(operation.Path, "{customer_id}") || inBody) {
		operation.Parameters = append(operation.Parameters, reasonParameter)
	}
	if operation.Metadata[unlimitedKey] != true {
		operation.Errors = append(operation.Errors, http.StatusTooManyRequests)
	}
	if strings.Contains(operation.Path, "{customer_id}") && operation.Metadata[successorKey] == nil {
		if a.limits == nil {
			a.limits = map[string]tenant.Limit{}
		}
		a.limits[operation.OperationID] = limitOf(&operation)
	}
	if changing && operation.Method == http.MethodPost {
		operation.Parameters = append(operation.Parameters, idempotencyParameter)
	}
	timeout := cmp.Or(a.RequestTimeout, requestTimeout)
	own, slow := operation.Metadata[timeoutKey].(time.Duration)
	if slow {
		timeout = own
	}
	operation.BodyReadTimeout = timeout
	huma.Register(a.huma, operation, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if slow {
			takeTime(ctx, timeout+time.Minute)
		}
		if inBody {
			var err error
			if ctx, err = a.enterNamed(ctx, in, changing); err != nil {
				return nil, a.explain(ctx, err)
			}
		}
		if changing && operation.Method == http.MethodPost {
			who, _ := ctx.Value(callerKey{}).(caller)
			var err error
			if ctx, err = withIdempotency(ctx, operation.OperationID, who.idempotencyKey, in); err != nil {
				return nil, a.explain(ctx, err)
			}
		}
		out, err := handler(ctx, in)
		if c, _ := ctx.Value(callerKey{}).(caller); c.meter != nil {
			err = c.meter.afterwards(ctx, err)
		}
		if err != nil {
			return nil, a.explain(ctx, err)
		}
		return out, nil
	})
}

// reasonParameter is read with the credential, before the handler.
var reasonParameter = &huma.Param{
	Name: reasonHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
	Description: "Only for people with a system role: why you act by it here. Needed for a change that no membership of yours allows; its first 500 characters are kept in the customer's audit log.",
}

// forKeys says whether an operation is for keys and agent tokens too.
func forKeys(operation huma.Operation) string {
	permissions, _ := operation.Metadata[metadataNeeds].([]string)
	if len(permissions) == 0 {
		return "Not for API keys."
	}
	if len(permissions) == len(anyPermission) {
		return "For API keys and agent tokens with any permission."
	}
	if len(permissions) == 1 && permissions[0] == "tokens:mint" { // which no agent token can have
		return "API keys need tokens:mint. Not for agent tokens."
	}
	return "API keys and agent tokens need " + strings.Join(permissions, " or ") + "."
}

// CustomerPath is the path of everything that belongs to a customer. It and its like are exported because Huma
// looks only at exported fields, of which an embedded type is one.
type CustomerPath struct {
	CustomerID uuid.UUID `path:"customer_id" format:"uuid" doc:"The customer."`
}

func (p CustomerPath) customer() uuid.UUID { return p.CustomerID }

// tx runs fn in a transaction inside the caller's scope. Where Postgres asks for a repetition fn runs again, so
// what it sets outside of itself it sets from scratch.
func (a *API) tx(ctx context.Context, scope tenant.Scope, fn func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error) error {
	return a.registered(ctx, func() error {
		return a.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return fn(ctx, tx, queries.New(tx))
		})
	})
}

// change is tx for an operation whose answer is made inside the transaction: what is answered is what was
// committed, and a request that is repeated with its Idempotency-Key is answered as the first.
func change[O any](ctx context.Context, a *API, scope tenant.Scope, fn func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*O, error)) (out *O, err error) {
	err = a.tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (err error) {
		out, err = once(ctx, a, tx, q, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// read runs one statement inside the caller's scope.
func read[T any](ctx context.Context, a *API, scope tenant.Scope, fn func(q *queries.Queries) (T, error)) (result T, err error) {
	err = a.registered(ctx, func() (err error) {
		result, err = fn(queries.New(a.db.Read(scope)))
		return err
	})
	return result, err
}
