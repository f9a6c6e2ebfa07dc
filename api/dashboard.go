package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// DashboardSettings are what the dashboard has to know before anybody is signed in. Nothing of it is secret.
type DashboardSettings struct {
	Version                 string           `json:"version" doc:"The API's." example:"1.0.0"`
	Development             *DevelopmentMode `json:"development" doc:"In development mode alone, else null."`
	SignIn                  SignIn           `json:"sign_in"`
	Platforms               []string         `json:"platforms" nullable:"false" enum:"twitter,linkedin,facebook,mailchimp" doc:"Those that are connected by signing in there. Ghost sites are connected by a key, everywhere."`
	Chats                   []DashboardChat  `json:"chats" nullable:"false" doc:"The installation's own bots."`
	Images                  bool             `json:"images" doc:"Photos can be searched for."`
	Generation              bool             `json:"generation" doc:"Posts can be written by the installation's language model."`
	Workspaces              bool             `json:"workspaces" doc:"Customers and spaces have files."`
	Backups                 bool             `json:"backups" doc:"Files are backed up."`
	MailsInvitations        bool             `json:"mails_invitations" doc:"Invitations are sent by e-mail; else who invites hands on the link."`
	EverybodyMakesCustomers bool             `json:"everybody_makes_customers" doc:"Whoever can sign in makes customers; else system admins do."`
}

// DevelopmentMode is what there is in development mode alone.
type DevelopmentMode struct {
	SandboxURL string `json:"sandbox_url" doc:"Where the sandbox shows what was published."`
}

// TransformSchema lets it be null.
func (DevelopmentMode) TransformSchema(_ huma.Registry, schema *huma.Schema) *huma.Schema {
	schema.Nullable = true
	return schema
}

// SignIn is how people get a token in the dashboard.
type SignIn struct {
	Kind     string   `json:"kind" enum:"oidc,supabase,development,none" doc:"oidc: by OpenID Connect, with code and PKCE. supabase: by Supabase Auth. development: as one of the demo people. none: only where the dashboard was given a token."`
	Issuer   *string  `json:"issuer" doc:"oidc: the issuer, below which its configuration is found."`
	ClientID *string  `json:"client_id" doc:"oidc: the dashboard's at the issuer, which is a public client."`
	Scopes   []string `json:"scopes" nullable:"false" doc:"oidc: what is asked for."`
	URL      *string  `json:"url" doc:"supabase: the project's address."`
	AnonKey  *string  `json:"anon_key" doc:"supabase: the project's anon or publishable key, which is no secret."`
}

// DashboardChat is a bot of the installation.
type DashboardChat struct {
	Platform string  `json:"platform" enum:"telegram,whatsapp,slack"`
	Name     *string `json:"name" doc:"What people find it by there; null while the platform does not tell." example:"@fanfare_bot"`
	URL      *string `json:"url" doc:"Opens a chat with it, where there is such an address." example:"https://t.me/fanfare_bot"`
}

// The kinds of SignIn.
const (
	SignInOIDC        = "oidc"
	SignInSupabase    = "supabase"
	SignInDevelopment = "development"
	signInNone        = "none"
)

// introduceWithin is how long the dashboard waits for a platform to tell who a bot is.
const introduceWithin = time.Second

type dashboardOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         DashboardSettings
}

func (a *API) registerDashboard() {
	register(a, huma.Operation{
		OperationID: "get-dashboard-settings", Metadata: public, Method: http.MethodGet, Path: "/v1/dashboard", Tags: []string{"Dashboard"},
		Summary: "Get what a dashboard has to know", Description: "How people sign in, and what this installation has. The same for everybody; may be kept for a minute.",
	}, a.getDashboardSettings)
}

func (a *API) getDashboardSettings(ctx context.Context, _ *struct{}) (*dashboardOutput, error) {
	body := DashboardSettings{
		Version: Version, SignIn: a.SignIn, Platforms: []string{}, Chats: []DashboardChat{},
		Images: a.Images != nil, Generation: a.LLM != nil, Workspaces: a.Workspaces != nil, Backups: a.Backups,
		MailsInvitations: a.MailsInvitations, EverybodyMakesCustomers: !a.AdminsMakeCustomers,
	}
	body.SignIn.Kind = cmp.Or(body.SignIn.Kind, signInNone)
	if body.SignIn.Scopes == nil {
		body.SignIn.Scopes = []string{}
	}
	if a.SandboxURL != "" {
		body.Development = &DevelopmentMode{SandboxURL: a.SandboxURL}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Connectors)) {
		body.Platforms = append(body.Platforms, string(name))
	}
	if a.ChatBots != nil {
		for _, b := range a.ChatBots.Introduced(ctx, introduceWithin) {
			body.Chats = append(body.Chats, DashboardChat{Platform: string(b.Platform), Name: given(b.Name), URL: given(b.URL)})
		}
	}
	return &dashboardOutput{CacheControl: "public, max-age=60", Body: body}, nil
}
