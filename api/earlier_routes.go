package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/queries"
)

// The routes of the service that Fanfare replaces, for clients that are not changed yet. Each calls the handler of its successor,
// with the caller's own credential, counts as its successor does, and puts what comes of it in the shape that the route had. GET
// /health is the same route then and now.

// earlierSince is when these routes became deprecated, as RFC 9745 writes it: 2026-11-25T00:00:00Z.
const earlierSince = "@1795564800"

const (
	// successorKey is the metadata of a deprecated operation: the id of the one to be used in its place.
	successorKey = "successor"
	// customerInBodyKey is the metadata of an operation that acts in a customer whom its body names. Its input has a customer().
	customerInBodyKey = "customer_in_body"
)

// earlier registers a route of the earlier service: what is needed for it, how long it may take and what it counts as is as for its
// successor.
func earlier[I, O any](a *API, successor string, operation huma.Operation, handler func(context.Context, *I) (*O, error)) {
	next := a.operation(successor)
	operation.Tags, operation.Deprecated = []string{"Earlier routes"}, true
	operation.Description = strings.TrimSpace(operation.Description + "\n\nUse " + successor + " in its place.")
	operation.DefaultStatus, operation.SkipValidateParams = next.DefaultStatus, next.SkipValidateParams
	metadata := maps.Clone(next.Metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	maps.Copy(metadata, operation.Metadata)
	metadata[successorKey] = successor
	operation.Metadata = metadata
	register(a, operation, handler)
}

// operation finds a registered operation by its id.
func (a *API) operation(id string) *huma.Operation {
	for _, item := range a.huma.OpenAPI().Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if operation != nil && operation.OperationID == id {
				return operation
			}
		}
	}
	panic("there is no operation " + id) // at start-up, and in every test
}

// announceSuccessor says with every answer of a deprecated operation since when it is one (RFC 9745), and where to read about it. What to
// use in its place (RFC 5829) stands beside that, except where its path names a customer: then only answers about that customer tell, so
// that all others are the same.
func (a *API) announceSuccessor(ctx huma.Context, next func(huma.Context)) {
	if id, deprecated := ctx.Operation().Metadata[successorKey].(string); deprecated {
		ctx.SetHeader("Deprecation", earlierSince)
		ctx.SetHeader("Link", a.successorLinks(id, map[string]string{"platform": ctx.Param("platform")}))
	}
	next(ctx)
}

// successorLinks are the links of a deprecated operation's answer, with the values of the successor's path.
// Where one is missing, they lead to the documentation alone.
func (a *API) successorLinks(id string, values map[string]string) string {
	path, links := a.operation(id).Path, `</docs>; rel="deprecation"`
	for name, value := range values {
		if value != "" {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		}
	}
	if !strings.Contains(path, "{") {
		links += ", <" + path + `>; rel="successor-version"`
	}
	return links
}

// documentDeprecation says of the answers of a deprecated operation that they announce the successor.
func (a *API) documentDeprecation(operation *huma.Operation) {
	if !operation.Deprecated {
		return
	}
	headers := a.huma.OpenAPI().Components.Headers
	headers["Deprecation"] = &huma.Param{Description: "Since when the operation is deprecated (RFC 9745).", Schema: &huma.Schema{Type: huma.TypeString}, Example: earlierSince}
	headers["Link"] = &huma.Param{Description: "What to use in its place, as successor-version, and where to read about it, as deprecation.", Schema: &huma.Schema{Type: huma.TypeString}}
	for status, response := range operation.Responses {
		if status >= "400" {
			continue
		}
		if response.Headers == nil {
			response.Headers = map[string]*huma.Param{}
		}
		for _, name := range []string{"Deprecation", "Link"} {
			response.Headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
		}
	}
}

// enterNamed lets the caller act in the customer whom the body names, as if the path named it: what is charged, and what is recorded of a
// refusal, is that customer's.
func (a *API) enterNamed(ctx context.Context, in any, changing bool) (context.Context, error) {
	named, ok := in.(interface{ customer() uuid.UUID })
	who, known := ctx.Value(callerKey{}).(caller)
	if !ok || !known {
		return ctx, fmt.Errorf("%T names no customer, or nobody asks", in)
	}
	id := named.customer()
	if silent, ok := in.(interface{ namesNone() bool }); ok && silent.namesNone() {
		// Whoever asks is charged in the customer, with what follows; or, where it is none, for themselves.
		only, err := read(ctx, a, who.scope.Charging(nil), func(q *queries.Queries) (uuid.UUID, error) { return q.CustomerOnly(ctx) })
		if errors.Is(err, pgx.ErrNoRows) {
			err = invalid("body.client_id", "is needed: the caller has not one customer alone")
		}
		if err != nil {
			return ctx, who.meter.afterwards(ctx, err)
		}
		id = only
	}
	who.customerID = &id
	logCustomer(ctx, id)
	who.meter.scope = who.meter.scope.In(id)
	ctx = context.WithValue(ctx, callerKey{}, who)
	if changing {
		return ctx, a.chargeFirst(ctx, who.meter)
	}
	return ctx, nil
}

// EarlierClient is a customer, as the earlier service called it.
type EarlierClient struct {
	ClientID    uuid.UUID `json:"client_id" format:"uuid"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	BrandVoice  string    `json:"brand_voice"`
	Audience    string    `json:"audience"`
	Language    string    `json:"language"`
	TimeZone    string    `json:"time_zone"`
}

// EarlierClientCreate is a new client.
type EarlierClientCreate struct {
	Name        string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
	Description string `json:"description,omitempty" maxLength:"10000"`
	BrandVoice  string `json:"brand_voice,omitempty" maxLength:"10000"`
	Audience    string `json:"audience,omitempty" maxLength:"10000"`
	Language    string `json:"language,omitempty" maxLength:"35" default:"en"`
	TimeZone    string `json:"time_zone,omitempty" minLength:"1" maxLength:"64" default:"UTC"`
}

// EarlierContext is what a writer needs to know of a client.
type EarlierContext struct {
	EarlierClient
	ConnectedPlatforms []string      `json:"connected_platforms" nullable:"false" doc:"Those with an account that works."`
	RecentPosts        []EarlierPost `json:"recent_posts" nullable:"false" doc:"The newest posts, newest first."`
}

// EarlierPost is a post in a client's context.
type EarlierPost struct {
	PostID    uuid.UUID `json:"post_id" format:"uuid"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	Status    string    `json:"status" doc:"As a post's state."`
	CreatedAt time.Time `json:"created_at"`
}

// EarlierImageSearch is what is looked for.
type EarlierImageSearch struct {
	ClientID    uuid.UUID `json:"client_id" format:"uuid"`
	Query       string    `json:"query" minLength:"1" maxLength:"200"`
	Count       int       `json:"count,omitempty" minimum:"1" maximum:"30" default:"10" doc:"How many images at most."`
	Orientation string    `json:"orientation,omitempty" enum:"landscape,portrait,squarish"`
}

// EarlierImageSearchBody is the input of the earlier search.
type EarlierImageSearchBody struct{ Body EarlierImageSearch }

func (b *EarlierImageSearchBody) customer() uuid.UUID { return b.Body.ClientID }

// EarlierImages are what was found.
type EarlierImages struct {
	Images []EarlierImage `json:"images" nullable:"false"`
	Count  int            `json:"count" doc:"How many images these are."`
}

// EarlierImage is a photo that was found.
type EarlierImage struct {
	ID              string `json:"id"`
	URL             string `json:"url" format:"uri" doc:"1080 pixels wide."`
	SmallURL        string `json:"small_url" format:"uri"`
	ThumbURL        string `json:"thumb_url" format:"uri"`
	Description     string `json:"description"`
	AltText         string `json:"alt_text"`
	Width           int    `json:"width"`
	Height          int    `json:"height"`
	Photographer    string `json:"photographer"`
	PhotographerURL string `json:"photographer_url" format:"uri"`
	Credit          string `json:"credit" doc:"To be shown with the image, in HTML."`
}

// EarlierPairingCode is what pairs a chat with a client.
type EarlierPairingCode struct {
	ClientID  uuid.UUID `json:"client_id" format:"uuid"`
	Code      string    `json:"code" doc:"Six digits, to be typed in a chat with the bot. They are shown this once." example:"042195"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when the code and the link work."`
	Link      *string   `json:"link" doc:"Opens a chat with the bot and pairs it at once. It is shown this once."`
}

// EarlierPair asks what has become of a code in a chat.
type EarlierPair struct {
	ClientID *uuid.UUID    `json:"client_id,omitempty" format:"uuid" nullable:"true" doc:"Left out, it is the caller's only customer: that of a key or token."`
	Code     string        `json:"code" minLength:"1" maxLength:"20" doc:"What was typed in the chat." example:"042195"`
	ChatID   EarlierChatID `json:"chat_id"`
}

// EarlierPairBody is the input of the earlier pairing.
type EarlierPairBody struct{ Body EarlierPair }

func (b *EarlierPairBody) customer() uuid.UUID {
	if b.Body.ClientID == nil {
		return uuid.Nil
	}
	return *b.Body.ClientID
}

func (b *EarlierPairBody) namesNone() bool { return b.Body.ClientID == nil }

// EarlierChatID is Telegram's id of a chat, which Telegram itself writes as a number.
type EarlierChatID string

// Schema lets it be a number or a text.
func (EarlierChatID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "Telegram's id of the chat.",
		AnyOf:       []*huma.Schema{{Type: huma.TypeInteger, Format: "int64"}, {Type: huma.TypeString, MinLength: new(1), MaxLength: new(64)}},
	}
}

// UnmarshalJSON takes a number as its digits.
func (id *EarlierChatID) UnmarshalJSON(data []byte) error {
	if !strings.HasPrefix(string(data), `"`) {
		*id = EarlierChatID(data)
		return nil
	}
	return json.Unmarshal(data, (*string)(id))
}

// EarlierPaired is what has become of a code in a chat.
type EarlierPaired struct {
	Paired   bool          `json:"paired" doc:"The chat is one of the client's."`
	Status   string        `json:"status" enum:"paired,waiting,unknown" doc:"waiting: the code was typed in that chat, and is yet to be confirmed with confirm-pairing. unknown: no code of the client's that still counts was typed there."`
	ClientID uuid.UUID     `json:"client_id" format:"uuid"`
	ChatID   EarlierChatID `json:"chat_id"`
}

// EarlierPostGenerate says what is to be written.
type EarlierPostGenerate struct {
	ClientID  uuid.UUID `json:"client_id" format:"uuid"`
	Prompt    string    `json:"prompt" minLength:"1" maxLength:"10000"`
	Platforms []string  `json:"platforms" minItems:"1" maxItems:"5" nullable:"false" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
}

// EarlierPostGenerateBody is the input of the earlier generation.
type EarlierPostGenerateBody struct{ Body EarlierPostGenerate }

func (b *EarlierPostGenerateBody) customer() uuid.UUID { return b.Body.ClientID }

// EarlierGeneratedPosts are what was written: one for each platform, all of one draft.
type EarlierGeneratedPosts struct {
	ClientID uuid.UUID              `json:"client_id" format:"uuid"`
	Posts    []EarlierGeneratedPost `json:"posts" nullable:"false"`
}

// EarlierGeneratedPost is what was written for a platform.
type EarlierGeneratedPost struct {
	PostID     uuid.UUID `json:"post_id" format:"uuid" doc:"The draft that it is stored in."`
	Platform   string    `json:"platform"`
	Title      string    `json:"title" doc:"Empty where the platform has none."`
	Text       string    `json:"text"`
	Violations []string  `json:"violations" nullable:"false" doc:"What of it the platform would refuse; empty where it would take it."`
}

// EarlierAuthorization is the beginning of somebody's way to a platform.
type EarlierAuthorization struct {
	ClientID         uuid.UUID `json:"client_id" format:"uuid"`
	Platform         string    `json:"platform"`
	AuthorizationURL string    `json:"authorization_url" doc:"The platform's consent page. Send the browser there that got this answer."`
	ExpiresAt        time.Time `json:"expires_at"`
}

type (
	earlierClientOutput  struct{ Body EarlierClient }
	earlierContextOutput struct {
		Link string `header:"Link"`
		Body EarlierContext
	}
	earlierAuthorizationOutput struct {
		Link      string `header:"Link"`
		SetCookie string `header:"Set-Cookie" doc:"Binds the way to this browser."`
		Body      EarlierAuthorization
	}
	earlierImagesOutput struct {
		Link string `header:"Link"`
		Body EarlierImages
	}
	earlierPairingCodeOutput struct {
		Link string `header:"Link"`
		Body EarlierPairingCode
	}
	earlierPairedOutput struct {
		Link string `header:"Link"`
		Body EarlierPaired
	}
	earlierGeneratedOutput struct {
		Link string `header:"Link"`
		Body EarlierGeneratedPosts
	}
)

// registerEarlierRoutes comes after all successors.
func (a *API) registerEarlierRoutes() {
	earlier(a, "create-customer", huma.Operation{
		OperationID: "earlier-create-client", Method: http.MethodPost, Path: "/client", Summary: "Create a client",
	}, a.earlierCreateClient)
	earlier(a, "get-customer-context", huma.Operation{
		OperationID: "earlier-get-client-context", Method: http.MethodGet, Path: "/client/{customer_id}/context", Summary: "Get a client's context",
	}, a.earlierGetContext)
	earlier(a, "create-pairing", huma.Operation{
		OperationID: "earlier-generate-pairing-code", Method: http.MethodPost, Path: "/client/{customer_id}/generate_pairing_code", Summary: "Pair a Telegram chat",
		Description: "The chat is one with the installation's bot, or where there is none, with the only one of the customer's own.",
	}, a.earlierGeneratePairingCode)
	earlier(a, "list-pairings", huma.Operation{
		OperationID: "earlier-pair", Method: http.MethodPost, Path: "/telegram/pair", Summary: "Ask whether a code has paired a Telegram chat",
		Description: "It pairs nothing: a chat is bound by what Telegram says was typed or followed in it, and by an owner's or admin's confirmation, and by nobody who names it.",
		Metadata:    map[string]any{storesNothingKey: true, customerInBodyKey: true}, Errors: []int{http.StatusNotFound},
	}, a.earlierPair)
	earlier(a, "generate-post", huma.Operation{
		OperationID: "earlier-generate-post", Method: http.MethodPost, Path: "/generate_post", Summary: "Have a language model write a post",
		Metadata: map[string]any{customerInBodyKey: true},
		Errors:   []int{http.StatusNotFound, http.StatusPaymentRequired, http.StatusBadGateway, http.StatusGatewayTimeout},
	}, a.earlierGeneratePost)
	earlier(a, "search-images", huma.Operation{
		OperationID: "earlier-search-images", Method: http.MethodPost, Path: "/search_images", Summary: "Find photos",
		Metadata: map[string]any{storesNothingKey: true, customerInBodyKey: true}, Errors: []int{http.StatusNotFound, http.StatusBadGateway},
	}, a.earlierSearchImages)
	earlier(a, "connect-integration", huma.Operation{
		OperationID: "earlier-authorize", Method: http.MethodGet, Path: "/oauth/{platform}/authorize/{customer_id}", Summary: "Connect accounts by signing in at a platform",
		Parameters: []*huma.Param{reasonParameter},
	}, a.earlierAuthorize)
	earlier(a, "oauth-callback", huma.Operation{
		OperationID: "earlier-oauth-callback", Method: http.MethodGet, Path: "/oauth/{platform}/callback", Summary: "Come back from a platform's consent page",
		Description: "For redirect addresses that were registered at a platform for the earlier service.",
	}, a.oauthCallback)
}

func (a *API) earlierCreateClient(ctx context.Context, in *struct{ Body EarlierClientCreate }) (*earlierClientOutput, error) {
	made, err := a.createCustomer(ctx, &struct{ Body CustomerCreate }{CustomerCreate{
		Name: in.Body.Name, Description: in.Body.Description, BrandVoice: in.Body.BrandVoice, Audience: in.Body.Audience,
		Language: in.Body.Language, TimeZone: in.Body.TimeZone,
	}})
	if err != nil {
		return nil, err
	}
	c := made.Body
	return &earlierClientOutput{Body: EarlierClient{
		ClientID: c.ID, Name: c.Name, Description: c.Description, BrandVoice: c.BrandVoice, Audience: c.Audience, Language: c.Language, TimeZone: c.TimeZone,
	}}, nil
}

func (a *API) earlierGetContext(ctx context.Context, in *CustomerPath) (*earlierContextOutput, error) {
	known, err := a.getCustomerContext(ctx, in)
	if err != nil {
		return nil, err
	}
	c := known.Body
	out := &earlierContextOutput{Link: a.successorLinks("get-customer-context", map[string]string{"customer_id": in.CustomerID.String()}), Body: EarlierContext{
		EarlierClient: EarlierClient{
			ClientID: c.ID, Name: c.Name, Description: c.Description, BrandVoice: c.BrandVoice, Audience: c.Audience, Language: c.Language, TimeZone: c.TimeZone,
		},
		ConnectedPlatforms: []string{}, RecentPosts: []EarlierPost{},
	}}
	for _, account := range c.Integrations {
		if account.State == "active" && !slices.Contains(out.Body.ConnectedPlatforms, account.Platform) {
			out.Body.ConnectedPlatforms = append(out.Body.ConnectedPlatforms, account.Platform)
		}
	}
	slices.Sort(out.Body.ConnectedPlatforms)
	for _, post := range c.RecentPosts {
		out.Body.RecentPosts = append(out.Body.RecentPosts, EarlierPost{PostID: post.ID, Title: post.Title, Text: post.Text, Status: post.State, CreatedAt: post.CreatedAt})
	}
	return out, nil
}

// earlierGeneratePairingCode pairs with the bot that the earlier service had, the installation's, since nothing here can name one. Where
// there is none, it is the customer's own.
func (a *API) earlierGeneratePairingCode(ctx context.Context, in *CustomerPath) (*earlierPairingCodeOutput, error) {
	all, err := a.pairingBots(ctx, in.CustomerID, chat.Telegram)
	if err != nil {
		return nil, err
	}
	if shared := slices.IndexFunc(all, func(o bots.Offer) bool { return !o.Own }); shared >= 0 {
		all = all[shared : shared+1]
	}
	switch len(all) {
	case 0:
		return nil, conflict("There is no Telegram bot on this server, and the customer has none of its own: add one with create-bot.")
	case 1:
	default:
		return nil, conflict("The customer has several Telegram bots of its own, and this route cannot say which is meant: name one with create-pairing.")
	}
	made, err := a.createPairing(ctx, &struct {
		CustomerPath
		Body PairingCreate
	}{*in, PairingCreate{Platform: string(chat.Telegram), Bot: all[0].ID}})
	if err != nil {
		return nil, err
	}
	p := made.Body
	return &earlierPairingCodeOutput{
		Link: a.successorLinks("create-pairing", map[string]string{"customer_id": in.CustomerID.String()}),
		Body: EarlierPairingCode{ClientID: in.CustomerID, Code: p.Code, ExpiresAt: p.ExpiresAt, Link: p.Link},
	}, nil
}

// earlierPair answers what there is to know, and believes nothing that it is told: see docs/decisions/0022-earlier-routes.md.
func (a *API) earlierPair(ctx context.Context, in *EarlierPairBody) (*earlierPairedOutput, error) {
	who, _ := ctx.Value(callerKey{}).(caller)
	id := *who.customerID // which enterNamed has found
	state, err := read(ctx, a, scope(ctx).In(id), func(q *queries.Queries) (string, error) {
		return q.PairingStateOfCode(ctx, queries.PairingStateOfCodeParams{Code: in.Body.Code, Chat: string(in.Body.ChatID)})
	})
	if err != nil {
		return nil, err
	}
	return &earlierPairedOutput{
		Link: a.successorLinks("list-pairings", map[string]string{"customer_id": id.String()}),
		Body: EarlierPaired{Paired: state == "paired", Status: state, ClientID: id, ChatID: in.Body.ChatID},
	}, nil
}

func (a *API) earlierGeneratePost(ctx context.Context, in *EarlierPostGenerateBody) (*earlierGeneratedOutput, error) {
	written, err := a.generatePost(ctx, &struct {
		CustomerPath
		Body PostGenerate
	}{CustomerPath{in.Body.ClientID}, PostGenerate{Prompt: in.Body.Prompt, Platforms: in.Body.Platforms}})
	if err != nil {
		return nil, err
	}
	out := &earlierGeneratedOutput{
		Link: a.successorLinks("generate-post", map[string]string{"customer_id": in.Body.ClientID.String()}),
		Body: EarlierGeneratedPosts{ClientID: in.Body.ClientID, Posts: []EarlierGeneratedPost{}},
	}
	for _, post := range written.Body.Posts {
		for _, p := range post.Platforms {
			one := EarlierGeneratedPost{PostID: post.Post.ID, Platform: p.Platform, Title: p.Title, Text: p.Text, Violations: []string{}}
			for _, violation := range p.Violations {
				one.Violations = append(one.Violations, violation.Message)
			}
			out.Body.Posts = append(out.Body.Posts, one)
		}
	}
	return out, nil
}

func (a *API) earlierSearchImages(ctx context.Context, in *EarlierImageSearchBody) (*earlierImagesOutput, error) {
	found, err := a.searchImages(ctx, &ImageSearch{
		CustomerPath: CustomerPath{CustomerID: in.Body.ClientID}, Query: in.Body.Query, Orientation: in.Body.Orientation, Page: 1, PerPage: in.Body.Count,
	})
	if err != nil {
		return nil, err
	}
	out := &earlierImagesOutput{
		Link: a.successorLinks("search-images", map[string]string{"customer_id": in.Body.ClientID.String()}),
		Body: EarlierImages{Images: []EarlierImage{}, Count: len(found.Body.Items)},
	}
	for _, i := range found.Body.Items {
		out.Body.Images = append(out.Body.Images, EarlierImage{
			ID: i.ID, URL: i.URLs.Regular, SmallURL: i.URLs.Small, ThumbURL: i.URLs.Thumb, Description: i.Description, AltText: i.AltText,
			Width: i.Width, Height: i.Height, Photographer: i.Credit.Photographer, PhotographerURL: i.Credit.PhotographerURL, Credit: i.Credit.HTML,
		})
	}
	return out, nil
}

func (a *API) earlierAuthorize(ctx context.Context, in *connectInput) (*earlierAuthorizationOutput, error) {
	begun, err := a.connectIntegration(ctx, in)
	if err != nil {
		return nil, err
	}
	links := a.successorLinks("connect-integration", map[string]string{"customer_id": in.CustomerID.String(), "platform": in.Platform})
	return &earlierAuthorizationOutput{Link: links, SetCookie: begun.SetCookie, Body: EarlierAuthorization{
		ClientID: in.CustomerID, Platform: in.Platform, AuthorizationURL: begun.Body.AuthorizeURL, ExpiresAt: begun.Body.ExpiresAt,
	}}, nil
}
