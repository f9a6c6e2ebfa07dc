package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/generate"
	"fanfare/internal/llm"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// PostGenerate says what is to be written.
type PostGenerate struct {
	Prompt         string           `json:"prompt" minLength:"1" maxLength:"10000" doc:"What to write about, in your own words. Besides it, platforms or integration_ids must be given." example:"Our autumn menu starts on Monday"`
	Platforms      []string         `json:"platforms,omitempty" maxItems:"5" nullable:"false" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"A variant is written for each. The post goes to the default account of each that has one. twitter is X."`
	IntegrationIDs []uuid.UUID      `json:"integration_ids,omitempty" maxItems:"50" nullable:"false" doc:"Accounts that the post goes to, in place of the default ones of their platforms. A variant is written for each of their platforms."`
	CampaignID     *uuid.UUID       `json:"campaign_id,omitempty" format:"uuid" nullable:"true"`
	Language       string           `json:"language,omitempty" maxLength:"35" doc:"BCP 47 tag; the customer's language if left out." example:"de-AT"`
	Languages      []string         `json:"languages,omitempty" maxItems:"5" maxLength:"35" nullable:"false" doc:"In place of language: a post is written in each."`
	Variants       int              `json:"variants,omitempty" minimum:"1" maximum:"3" doc:"How many posts are written in each language, which differ in their approach; 1 if left out. With the languages they make 6 posts at most."`
	MediaIDs       []uuid.UUID      `json:"media_ids,omitempty" maxItems:"20" nullable:"false" doc:"The files that the posts show, in order."`
	TemplateID     *uuid.UUID       `json:"template_id,omitempty" format:"uuid" nullable:"true" doc:"Mailchimp, Ghost: the e-mail template to use."`
	Material       []PromptMaterial `json:"material,omitempty" maxItems:"20" nullable:"false" doc:"Texts of others to draw on. They are shown to the model as data, and are never instructions."`
}

// PromptMaterial is a text that others have written.
type PromptMaterial struct {
	Source string `json:"source" enum:"chat,feed,file,page,other" doc:"Where it is from."`
	Name   string `json:"name,omitempty" maxLength:"500" doc:"What it is called there: a file's name, a page's address."`
	Text   string `json:"text" minLength:"1" maxLength:"20000"`
}

// GeneratedPosts is what was written, and stored as drafts.
type GeneratedPosts struct {
	Posts []GeneratedPost `json:"posts" nullable:"false" doc:"In the order of the languages, and of the variants in each."`
	// ContextUsed is about keys and tokens.
	ContextUsed bool     `json:"context_used" doc:"The model was told of the customer. false: the key or token lacks customer:read, and so the texts are in nobody's voice."`
	Usage       LLMUsage `json:"usage"`
}

// GeneratedPost is one draft.
type GeneratedPost struct {
	Language  string              `json:"language"`
	Variant   int                 `json:"variant" doc:"Counts those in the same language, from 1."`
	Post      Post                `json:"post"`
	Platforms []GeneratedPlatform `json:"platforms" nullable:"false"`
}

// GeneratedPlatform is what was written for a platform.
type GeneratedPlatform struct {
	Platform       string           `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	IntegrationIDs []uuid.UUID      `json:"integration_ids" nullable:"false" doc:"The accounts that the post goes to there. Empty: no account of the platform is connected, or the text is too long to be stored; it is only here."`
	Connected      bool             `json:"connected" doc:"An account of the platform is connected."`
	Title          string           `json:"title,omitempty"`
	Text           string           `json:"text"`
	Options        platform.Options `json:"options"`
	platform.Report
}

// LLMUsage is what the language model took.
type LLMUsage struct {
	Provider     string `json:"provider" enum:"anthropic,gemini,openai" doc:"openai is also any other server that speaks its API."`
	Model        string `json:"model"`
	OwnKey       bool   `json:"own_key" doc:"It was asked with the customer's own key."`
	Calls        int    `json:"calls" doc:"2 where something had to be written anew to keep to its platform's rules."`
	InputTokens  int64  `json:"input_tokens"`
	OutputTokens int64  `json:"output_tokens"`
	CostMicroUSD int64  `json:"cost_microusd" doc:"What it costs this installation, in millionths of a US dollar."`
}

type generateOutput struct{ Body GeneratedPosts }

const (
	// generateKind is what usage counts a generation as.
	generateKind = "generate_post"
	// generateTimeout is for two calls of a model, with what the database does before, between and after them.
	generateTimeout = 2*llm.DefaultTimeout + 30*time.Second
	// maxGenerated is how many posts are written at once.
	maxGenerated = 6
	// maxStoredTitle and maxStoredText are how long a post's title and a text may be that are stored, in characters.
	maxStoredTitle, maxStoredText = 255, 100_000
)

func (a *API) registerPostGeneration() {
	const path = "/v1/customers/{customer_id}/posts/generate"
	metadata := needs("posts:write")
	metadata[classKey], metadata[timeoutKey] = "llm", generateTimeout
	register(a, huma.Operation{
		OperationID: "generate-post", Metadata: metadata, Method: http.MethodPost, Path: path, Tags: []string{"Posts"},
		Summary: "Have a language model write posts",
		Description: "Writes a variant for each platform in the customer's voice and language, from what its context says, and stores them as drafts. " +
			"`platforms` or `integration_ids` says for which. For a platform without an account it is written too, with `connected: false`, and stands in the answer alone: " +
			"a draft holds the texts of its accounts, and where it has none, the first. " +
			"What breaks a platform's rule is given back to the model once; what still does is stored and answered with its violations, and never cut. " +
			"It takes up to some minutes. With `Accept: text/event-stream` it tells how far it is: `started`, `writing` with a platform and its characters so far, " +
			"`checking`, `repairing`, and at the end `done` with the answer, or `problem`. " +
			"What the model's provider refuses or fails at stores nothing and counts for nothing. An answer that cannot be used is counted, " +
			"and so is what was written until the caller went away.",
		DefaultStatus: http.StatusCreated,
		Errors:        []int{http.StatusPaymentRequired, http.StatusBadGateway, http.StatusGatewayTimeout},
	}, a.generatePost)
	a.huma.OpenAPI().Paths[path].Post.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString, Description: "Where it is accepted: server-sent events, the data of each in JSON."}},
	}}
}

func (a *API) generatePost(ctx context.Context, in *struct {
	CustomerPath
	Body PostGenerate
}) (*generateOutput, error) {
	posts, err := in.Body.posts()
	if err != nil {
		return nil, err
	}
	within := scope(ctx).In(in.CustomerID)
	if before, err := answered[generateOutput](ctx, a, within); before != nil || err != nil {
		return before, err
	}
	g := &generation{a: a, customerID: in.CustomerID, scope: within, asked: in.Body, posts: posts}
	if err := g.prepare(ctx); err != nil {
		return nil, err
	}
	// Until the drafts are there: a repetition is refused until then, and afterwards answered.
	defer g.end(ctx)
	if before, err := answered[generateOutput](ctx, a, within); before != nil || err != nil {
		return before, err // it was under way a moment ago
	}
	if !g.model.own {
		if err := a.chargePerson(ctx, in.CustomerID, generationsOfPerson); err != nil {
			return nil, err
		}
	}
	tellEvent(ctx, "started", map[string]any{"platforms": g.brief.Platforms, "posts": len(posts)})
	result, err := g.write(ctx)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, within, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*generateOutput, error) {
		return g.store(ctx, q, result)
	})
}

// posts are the posts that are asked for; their languages are "" for the customer's.
func (b PostGenerate) posts() ([]generate.Post, error) {
	if len(b.Platforms) == 0 && len(b.IntegrationIDs) == 0 {
		return nil, invalid("body.platforms", "must name a platform, or integration_ids an account")
	}
	if err := cmp.Or(eachOnce("body.platforms", b.Platforms), eachOnce("body.integration_ids", b.IntegrationIDs),
		eachOnce("body.media_ids", b.MediaIDs), eachOnce("body.languages", b.Languages)); err != nil {
		return nil, err
	}
	languages := b.Languages
	switch {
	case b.Language != "" && len(languages) > 0:
		return nil, invalid("body.languages", "must be left out where language is given")
	case len(languages) == 0:
		languages = []string{b.Language}
	}
	versions := max(b.Variants, 1)
	if len(languages)*versions > maxGenerated {
		return nil, invalid("body.variants", fmt.Sprintf("makes %d posts with the languages; %d are written at once", len(languages)*versions, maxGenerated))
	}
	var posts []generate.Post
	for i, language := range languages {
		place := "body.language"
		if len(b.Languages) > 0 {
			place = fmt.Sprintf("body.languages[%d]", i)
		}
		if (language != "" || len(b.Languages) > 0) && !languageTag.MatchString(language) {
			return nil, invalid(place, "must be a language tag such as en or de-AT")
		}
		for version := range versions {
			posts = append(posts, generate.Post{Language: language, Version: version + 1})
		}
	}
	return posts, nil
}

// generation is one call of generate-post.
type generation struct {
	a          *API
	customerID uuid.UUID
	scope      tenant.Scope
	asked      PostGenerate
	posts      []generate.Post

	model llmChoice
	brief generate.Brief
	// contextUsed: the caller may see the customer's context.
	contextUsed bool
	// accounts are those that the posts go to, by platform.
	accounts    map[platform.Name][]uuid.UUID
	files       []json.RawMessage
	template    json.RawMessage
	reservation uuid.UUID

	usage    llm.Usage
	microUSD int64
}

// Of what is remembered, the model is told the newest.
const (
	memoriesForPost = 20
	maxMemory       = 500 // characters of each
)

// prepare reads what the model is to know and reserves what it may use, in one transaction. What could not be stored in the end is
// refused here, before it costs anything.
func (g *generation) prepare(ctx context.Context) error {
	return g.a.tx(ctx, g.scope, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		if err := g.read(ctx, q); err != nil {
			return err
		}
		if err := g.tryToStore(ctx, tx); err != nil {
			return err
		}
		var err error
		if g.model, err = g.a.chooseLLM(ctx, q, g.customerID); err != nil {
			return err
		}
		g.reservation, err = g.a.reserveLLM(ctx, q, generateKind, g.model, generate.Bound(g.model.Model, g.brief))
		return err
	})
}

// read reads the customer's context, and what the request names.
func (g *generation) read(ctx context.Context, q *queries.Queries) error {
	// What the caller may not see the model does not see either: a key may be able to write and not to read who for.
	customer, err := q.CustomerGet(ctx, g.customerID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	g.contextUsed = err == nil
	g.brief = generate.Brief{
		Customer: generate.Customer{Name: customer.Name, Description: customer.Description, BrandVoice: customer.BrandVoice, Audience: customer.Audience},
		Request:  g.asked.Prompt, Check: g.check, Posts: slices.Clone(g.posts),
	}
	for i := range g.brief.Posts {
		g.brief.Posts[i].Language = cmp.Or(g.brief.Posts[i].Language, customer.Language, "en")
	}
	if g.asked.CampaignID != nil {
		campaign, err := q.CampaignGet(ctx, *g.asked.CampaignID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // one that is not there cannot be stored with the post
			return err
		}
		g.brief.Campaign = generate.Campaign{Name: campaign.Name, Goal: campaign.Goal}
	}
	recent, err := q.PostList(ctx, queries.PostListParams{Before: uuid.Max, MaxRows: recentPosts})
	if err != nil {
		return err
	}
	for _, post := range recent {
		g.brief.Recent = append(g.brief.Recent, post.Text)
	}
	if g.brief.Memories, err = q.MemoryListForPost(ctx, queries.MemoryListForPostParams{MaxCharacters: maxMemory, MaxRows: memoriesForPost}); err != nil {
		return err
	}
	for _, m := range g.asked.Material {
		text := m.Text
		if m.Name != "" {
			text = m.Name + "\n\n" + text
		}
		g.brief.Material = append(g.brief.Material, llm.Material{Source: m.Source, Text: text})
	}
	return g.readNamed(ctx, q)
}

// readNamed reads accounts, files and the template.
func (g *generation) readNamed(ctx context.Context, q *queries.Queries) error {
	params := queries.PostCheckContextParams{
		IntegrationIds: append([]uuid.UUID{}, g.asked.IntegrationIDs...), Platforms: append([]string{}, g.asked.Platforms...),
		MediaIds: append([]uuid.UUID{}, g.asked.MediaIDs...), TemplateIds: []uuid.UUID{},
	}
	if g.asked.TemplateID != nil {
		params.TemplateIds = append(params.TemplateIds, *g.asked.TemplateID)
	}
	row, err := q.PostCheckContext(ctx, params)
	if err != nil {
		return err
	}
	type account struct {
		ID        uuid.UUID     `json:"id"`
		Platform  platform.Name `json:"platform"`
		IsDefault bool          `json:"is_default"`
	}
	var accounts []account
	var files, templates map[uuid.UUID]json.RawMessage
	if err := errors.Join(json.Unmarshal(row.Integrations, &accounts), json.Unmarshal(row.Files, &files), json.Unmarshal(row.Templates, &templates)); err != nil {
		return fmt.Errorf("decode what the request names: %w", err)
	}
	g.accounts, g.files, g.template = map[platform.Name][]uuid.UUID{}, nil, nil
	for _, id := range g.asked.IntegrationIDs {
		i := slices.IndexFunc(accounts, func(account account) bool { return account.ID == id })
		if i < 0 {
			return notFound("integration")
		}
		g.accounts[accounts[i].Platform] = append(g.accounts[accounts[i].Platform], id)
	}
	for _, account := range accounts {
		if account.IsDefault && len(g.accounts[account.Platform]) == 0 && slices.Contains(g.asked.Platforms, string(account.Platform)) {
			g.accounts[account.Platform] = []uuid.UUID{account.ID}
		}
	}
	for _, name := range platform.Names {
		if len(g.accounts[name]) > 0 || slices.Contains(g.asked.Platforms, string(name)) {
			g.brief.Platforms = append(g.brief.Platforms, name)
		}
	}
	for _, id := range g.asked.MediaIDs {
		file, there := files[id]
		if !there {
			return notFound("file")
		}
		g.files = append(g.files, file)
	}
	if g.asked.TemplateID != nil {
		template, there := templates[*g.asked.TemplateID]
		if !there {
			return notFound("e-mail template")
		}
		g.template = template
	}
	return nil
}

// tryToStore stores a draft as the ones that are to be written, and takes it back.
func (g *generation) tryToStore(ctx context.Context, tx *tenant.Tx) error {
	trial, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	draft := generate.Draft{Title: "Trial", Variants: map[platform.Name]generate.Variant{}}
	for _, name := range g.brief.Platforms {
		draft.Variants[name] = generate.Variant{Text: "Trial"}
	}
	_, err = g.storeOne(ctx, queries.New(trial), draft)
	return errors.Join(err, trial.Rollback(ctx))
}

// options are the platform's part of a variant.
func (g *generation) options(name platform.Name, v generate.Variant) platform.Options {
	options := platform.Options{Subject: v.Subject, PreviewText: v.PreviewText, Excerpt: v.Excerpt}
	if name == platform.Mailchimp || name == platform.Ghost {
		options.TemplateID = g.asked.TemplateID
	}
	return options
}

// check holds a variant against its platform's rules, with the files and the template.
func (g *generation) check(name platform.Name, title string, v generate.Variant) (platform.Report, error) {
	return report(string(name), uuid.Nil, title, v.Text, g.options(name, v), g.files, g.template)
}

// write has the posts written.
func (g *generation) write(ctx context.Context) (generate.Result, error) {
	result, err := generate.Write(ctx, g.model.Model, g.brief, func(e generate.Event) {
		data := map[string]any{}
		if e.Platform != "" {
			data["platform"], data["characters"] = e.Platform, e.Characters
		}
		tellEvent(ctx, e.Kind, data)
	})
	g.usage, g.microUSD = result.Usage, result.MicroUSD
	if err != nil {
		return generate.Result{}, g.modelProblem(err)
	}
	if result.RepairErr != nil {
		g.a.log.WarnContext(ctx, "what broke a platform's rule could not be written anew", "error", result.RepairErr, "request_id", requestID(ctx))
	}
	return result, nil
}

// end settles the reservation, or gives it back where nothing was used, whatever has become of the request meanwhile: what was used
// was used. One that cannot be ended counts as used, whole.
func (g *generation) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := g.a.tx(ctx, g.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		if g.usage == (llm.Usage{}) {
			_, err := q.LLMRelease(ctx, g.reservation)
			return err
		}
		_, err := q.LLMSettle(ctx, queries.LLMSettleParams{
			ID: g.reservation, InputTokens: g.usage.InputTokens, OutputTokens: g.usage.OutputTokens, CostMicrousd: g.microUSD,
		})
		return err
	})
	if err != nil {
		g.a.log.ErrorContext(ctx, "what a language model has used could not be settled", "error", err, "request_id", requestID(ctx))
	}
}

// store stores the drafts.
func (g *generation) store(ctx context.Context, q *queries.Queries, result generate.Result) (*generateOutput, error) {
	out := &generateOutput{Body: GeneratedPosts{Posts: make([]GeneratedPost, 0, len(result.Drafts)), ContextUsed: g.contextUsed, Usage: LLMUsage{
		Provider: string(g.model.Provider()), Model: g.model.Name(), OwnKey: g.model.own, Calls: result.Calls,
		InputTokens: g.usage.InputTokens, OutputTokens: g.usage.OutputTokens, CostMicroUSD: g.microUSD,
	}}}
	for i, draft := range result.Drafts {
		id, err := g.storeOne(ctx, q, draft)
		if err != nil {
			return nil, err
		}
		row, err := q.PostGet(ctx, id)
		if err != nil {
			return nil, err
		}
		post, err := postFrom(row)
		if err != nil {
			return nil, err
		}
		written := GeneratedPost{Language: g.brief.Posts[i].Language, Variant: g.brief.Posts[i].Version, Post: post, Platforms: []GeneratedPlatform{}}
		for _, name := range g.brief.Platforms {
			v := draft.Variants[name]
			p := GeneratedPlatform{
				Platform: string(name), IntegrationIDs: []uuid.UUID{}, Connected: len(g.accounts[name]) > 0, Text: v.Text, Options: g.options(name, v), Report: draft.Reports[name],
			}
			if name == platform.Mailchimp || name == platform.Ghost {
				p.Title = draft.Title
			}
			if storable(v.Text) {
				p.IntegrationIDs = append(p.IntegrationIDs, g.accounts[name]...)
			}
			written.Platforms = append(written.Platforms, p)
		}
		out.Body.Posts = append(out.Body.Posts, written)
	}
	return out, nil
}

// storable tells whether a text can be stored.
func storable(text string) bool { return text != "" && utf8.RuneCountInString(text) <= maxStoredText }

// storeOne stores a draft: the text of its first platform as the post's, and each platform's as its own. A title that is too long
// to be stored is only in the answer.
func (g *generation) storeOne(ctx context.Context, q *queries.Queries, draft generate.Draft) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make id: %w", err)
	}
	text, accounts := "", []postAccount{}
	for _, name := range g.brief.Platforms {
		v := draft.Variants[name]
		if !storable(v.Text) {
			continue
		}
		text = cmp.Or(text, v.Text)
		options, err := json.Marshal(g.options(name, v))
		if err != nil {
			return uuid.Nil, fmt.Errorf("encode options: %w", err)
		}
		for _, integrationID := range g.accounts[name] {
			accounts = append(accounts, postAccount{integrationID: integrationID, text: &v.Text, options: options})
		}
	}
	if text == "" {
		return uuid.Nil, g.modelProblem(g.model.BadAnswer("without a text that can be stored", g.usage))
	}
	title := draft.Title
	if utf8.RuneCountInString(title) > maxStoredTitle {
		title = ""
	}
	if err := q.PostCreate(ctx, queries.PostCreateParams{ID: id, CampaignID: g.asked.CampaignID, Title: title, Text: text}); err != nil {
		return uuid.Nil, err
	}
	if len(g.asked.MediaIDs) > 0 {
		if err := q.PostMediaCreate(ctx, queries.PostMediaCreateParams{PostID: id, MediaIds: g.asked.MediaIDs}); err != nil {
			return uuid.Nil, err
		}
	}
	return id, createPlatformPosts(ctx, q, id, accounts)
}

// modelProblem explains why the model's provider gave no answer.
func (g *generation) modelProblem(err error) error {
	var failed *llm.Error
	if !errors.As(err, &failed) {
		return err
	}
	return fromLLM(failed, g.model.own, g.usage.InputTokens+g.usage.OutputTokens)
}
