package cmd

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"fanfare/api"
	"fanfare/web"
)

// TestSignInSettings: what cannot work, or would show everybody a secret, is refused in words that name the setting and do not quote the secret.
func TestSignInSettings(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	key := func(role string) string {
		return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(`{"iss":"supabase","role":"`+role+`","exp":1}`)) + "." + encode([]byte("s3cret"))
	}
	const client, supabase = "--oidc-client-id=dashboard", "--supabase-url=https://x.supabase.co/"
	for name, test := range map[string]struct {
		issuer string
		args   []string
		want   string // what is said of the dashboard, or part of the error
	}{
		"none": {"https://id.example", nil, `{"kind":"","issuer":null,"client_id":null,"scopes":null,"url":null,"anon_key":null}`},
		"OIDC": {"https://id.example/", []string{client},
			`{"kind":"oidc","issuer":"https://id.example/","client_id":"dashboard","scopes":["openid","profile","email","offline_access"],"url":null,"anon_key":null}`},
		"OIDC on this machine": {"http://127.0.0.1:1", []string{client, "--oidc-scopes=openid  api://x/.default"},
			`{"kind":"oidc","issuer":"http://127.0.0.1:1","client_id":"dashboard","scopes":["openid","api://x/.default"],"url":null,"anon_key":null}`},
		"an issuer that is no address": {"urn:x", []string{client}, "--jwt-issuer (FANFARE_JWT_ISSUER) must look like"},
		"an issuer without encryption": {"http://id.example", []string{client}, "--jwt-issuer (FANFARE_JWT_ISSUER) must begin with https://"},
		"no openid":                    {"https://id.example", []string{client, "--oidc-scopes=profile"}, "--oidc-scopes (FANFARE_OIDC_SCOPES) must have openid"},
		"a scope that is none":         {"https://id.example", []string{client, `--oidc-scopes=openid "x"`}, "is not a scope"},
		"a client that is none":        {"https://id.example", []string{"--oidc-client-id=a b"}, "--oidc-client-id (FANFARE_OIDC_CLIENT_ID) must be"},
		"both":                         {"https://id.example", []string{client, supabase}, "--oidc-client-id (FANFARE_OIDC_CLIENT_ID) and --supabase-url (FANFARE_SUPABASE_URL) are both set"},
		"OIDC and a key":               {"https://id.example", []string{client, "--supabase-anon-key=" + key("anon")}, "are both set"},
		"Supabase without a key":       {"x", []string{supabase}, "--supabase-anon-key (FANFARE_SUPABASE_ANON_KEY) belong together"},
		"a key without Supabase":       {"x", []string{"--supabase-anon-key=" + key("anon")}, "belong together"},
		"another origin": {"https://accounts.google.com", []string{client, "--oidc-scopes=openid", "--oidc-origins=https://OAuth2.googleapis.com:443"},
			`{"kind":"oidc","issuer":"https://accounts.google.com","client_id":"dashboard","scopes":["openid"],"url":null,"anon_key":null}`},
		"an origin with a path":          {"https://id.example", []string{client, "--oidc-origins=https://x.example/"}, "--oidc-origins (FANFARE_OIDC_ORIGINS): "},
		"an origin of all":               {"https://id.example", []string{client, "--oidc-origins=*"}, "is not an origin"},
		"an origin of many":              {"https://id.example", []string{client, "--oidc-origins=https://*.example.com"}, "is not an origin"},
		"an origin without encryption":   {"https://id.example", []string{client, "--oidc-origins=http://x.example"}, "must begin with https://"},
		"a directive":                    {"https://id.example", []string{client, "--oidc-origins=https://x.example; script-src *"}, "is not an origin"},
		"an origin without OIDC":         {"https://id.example", []string{"--oidc-origins=https://x.example"}, "--oidc-origins (FANFARE_OIDC_ORIGINS) needs --oidc-client-id"},
		"an anon key":                    {"x", []string{supabase, "--supabase-anon-key=" + key("anon")}, `{"kind":"supabase","issuer":null,"client_id":null,"scopes":null,"url":"https://x.supabase.co","anon_key":"` + key("anon") + `"}`},
		"a publishable key":              {"x", []string{supabase, "--supabase-anon-key=sb_publishable_1"}, `{"kind":"supabase","issuer":null,"client_id":null,"scopes":null,"url":"https://x.supabase.co","anon_key":"sb_publishable_1"}`},
		"the service's key":              {"x", []string{supabase, "--supabase-anon-key=" + key("service_role")}, `a key of the role "service_role"`},
		"a key of no role":               {"x", []string{supabase, "--supabase-anon-key=" + key("")}, `a key of the role ""`},
		"a secret key":                   {"x", []string{supabase, "--supabase-anon-key=sb_secret_s3cret"}, "this is a secret key"},
		"something else":                 {"x", []string{supabase, "--supabase-anon-key=s3cret"}, "neither a publishable key"},
		"Supabase without encryption":    {"x", []string{"--supabase-url=http://x.supabase.co", "--supabase-anon-key=sb_publishable_1"}, "--supabase-url (FANFARE_SUPABASE_URL) must begin with https://"},
		"an address with more behind it": {"x", []string{"--supabase-url=https://x.supabase.co?x", "--supabase-anon-key=sb_publishable_1"}, "--supabase-url (FANFARE_SUPABASE_URL) must look like"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var config struct{ dashboardConfig }
			parser, err := kong.New(&config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(test.args); err != nil {
				t.Fatal(err)
			}
			signIn, err := config.signIn(test.issuer)
			if err != nil {
				if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "eyJ") {
					t.Errorf("%v, want %q and no secret", err, test.want)
				}
				return
			}
			if got, err := json.Marshal(signIn); err != nil || string(got) != test.want {
				t.Errorf("%s (%v), want %s", got, err, test.want)
			}
		})
	}
}

// What the API has answers with the API's own problems, and is no page of the dashboard's.
func TestReservedPaths(t *testing.T) {
	t.Parallel()
	for path := range api.OpenAPI().Paths {
		if !web.Reserved(path) {
			t.Errorf("%s is a page of the dashboard's, where it has no such operation", path)
		}
	}
}

func TestReachedAddresses(t *testing.T) {
	t.Parallel()
	c := dashboardConfig{OIDCClientID: "x", OIDCOrigins: []string{"https://oauth2.googleapis.com"}}
	got := origins(append(c.reached("https://Accounts.Google.com/x"), "https://api.example.com", "https://api.example.com", "", "urn:x"))
	if want := "https://accounts.google.com https://api.example.com https://oauth2.googleapis.com"; strings.Join(got, " ") != want {
		t.Errorf("the dashboard may reach %v, want %s", got, want)
	}
	c = dashboardConfig{SupabaseURL: "https://x.supabase.co"}
	if got := origins(c.reached("https://elsewhere.example/auth/v1")); strings.Join(got, " ") != "https://x.supabase.co" {
		t.Errorf("the dashboard may reach %v", got)
	}
}

func TestCrossOriginSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://app.example.com": "https://app.example.com", " https://App.Example.com:443": "https://app.example.com", "https://app.example.com:8443": "https://app.example.com:8443",
		"http://localhost:5173": "http://localhost:5173", "http://127.0.0.1:80": "http://127.0.0.1", "http://[::1]:5173": "http://[::1]:5173",
		"null": "", "*": "", "https://*": "", "https://*.example.com": "", "http://app.example.com": "", "https://app.example.com/": "", "https://app.example.com?x": "", "https://app.example.com#": "",
		"app.example.com": "", "": "", "https://": "", "https://u@app.example.com": "", "file:///x": "", "https://a b": "", "https://a,b": "",
	} {
		c := dashboardConfig{CORSOrigins: []string{text}}
		got, err := c.crossOrigins()
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "--cors-origins (FANFARE_CORS_ORIGINS): ") {
				t.Errorf("%q gives %v (%v)", text, got, err)
			}
		} else if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q gives %v (%v), want %s", text, got, err, want)
		}
	}
}
