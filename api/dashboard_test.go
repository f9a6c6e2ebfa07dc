package api_test

import (
	"net/http"
	"slices"
	"testing"

	"fanfare/api"
)

// Everybody may ask what a dashboard has to know, and learns no more than whether something is there.
func TestDashboardSettings(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(t *testing.T) api.DashboardSettings {
		t.Helper()
		a := w.do(t, w.request(t, http.MethodGet, "/v1/dashboard", nil)).want(t, 200)
		if got := a.header.Get("Cache-Control"); got != "public, max-age=60" {
			t.Errorf("Cache-Control is %q", got)
		}
		return into[api.DashboardSettings](t, a)
	}
	s := ask(t)
	if s.Version != api.Version || s.Development != nil || s.SignIn.Kind != "none" || !s.Images || !s.Generation || !s.Workspaces || !s.Backups || s.MailsInvitations || !s.EverybodyMakesCustomers {
		t.Errorf("everything is set up, and it says %+v", s)
	}
	if !slices.Equal(s.Platforms, []string{"facebook", "linkedin", "mailchimp", "twitter"}) {
		t.Errorf("platforms %v", s.Platforms)
	}
	if len(s.Chats) != 2 || s.Chats[1].Platform != "slack" || s.Chats[1].Name != nil || s.Chats[1].URL != nil || s.Chats[0].Platform != "telegram" || s.Chats[0].Name == nil || *s.Chats[0].Name != "@fanfare_bot" || s.Chats[0].URL == nil || *s.Chats[0].URL != w.boxURL+"/telegram-me/fanfare_bot" {
		t.Errorf("chats %+v", s.Chats)
	}
	issuer, client := "https://id.example", "dashboard"
	w.serve(t, options{
		noBots: true, noConnectors: true, noImages: true, noLLM: true, noWorkspaces: true, noBackups: true, mails: true, adminsOnly: true,
		signIn: api.SignIn{Kind: api.SignInOIDC, Issuer: &issuer, ClientID: &client, Scopes: []string{"openid"}}, sandboxURL: w.boxURL,
	})
	s = ask(t)
	if s.Images || s.Generation || s.Workspaces || s.Backups || !s.MailsInvitations || s.EverybodyMakesCustomers || len(s.Platforms) != 0 || len(s.Chats) != 0 {
		t.Errorf("nothing is set up, and it says %+v", s)
	}
	if s.SignIn.Kind != "oidc" || *s.SignIn.Issuer != issuer || *s.SignIn.ClientID != client || s.Development == nil || s.Development.SandboxURL != w.boxURL {
		t.Errorf("it says %+v", s)
	}
}
