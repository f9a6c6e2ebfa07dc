package cmd

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"fanfare/api"
	"fanfare/internal/platform"
)

func TestConnectorSettings(t *testing.T) {
	t.Parallel()
	twitter := []string{"--twitter-client-id=id", "--twitter-client-secret=s3cret"}
	for name, test := range map[string]struct {
		args      []string
		platforms string
		err       []string // parts of it
	}{
		"none": {nil, "", nil},
		"one":  {twitter, "twitter", nil},
		"all": {append(slices.Clone(twitter), "--linkedin-client-id=id", "--linkedin-client-secret=s3cret", "--linkedin-pages",
			"--facebook-client-id=id", "--facebook-client-secret=s3cret", "--mailchimp-client-id=id", "--mailchimp-client-secret=s3cret"),
			"facebook linkedin mailchimp twitter", nil},
		"an id alone": {twitter[:1], "", []string{"FANFARE_TWITTER_CLIENT_ID", "FANFARE_TWITTER_CLIENT_SECRET", "--twitter-client-id", "--twitter-client-secret"}},
		"a secret alone": {[]string{"--linkedin-client-secret=s3cret"}, "",
			[]string{"FANFARE_LINKEDIN_CLIENT_ID", "FANFARE_LINKEDIN_CLIENT_SECRET"}},
		"an id alone, Facebook":       {[]string{"--facebook-client-id=id"}, "", []string{"FANFARE_FACEBOOK_CLIENT_SECRET"}},
		"a secret alone, Mailchimp":   {[]string{"--mailchimp-client-secret=s3cret"}, "", []string{"FANFARE_MAILCHIMP_CLIENT_ID"}},
		"a sandbox":                   {append(slices.Clone(twitter), "--twitter-site-url=http://127.0.0.1:9001/twitter/", "--twitter-api-url=http://localhost:9001"), "twitter", nil},
		"no encryption":               {append(slices.Clone(twitter), "--twitter-api-url=http://api.x.com"), "", []string{"FANFARE_TWITTER_API_URL", "https://"}},
		"no encryption, not set up":   {[]string{"--facebook-graph-url=http://graph.facebook.com"}, "", []string{"FANFARE_FACEBOOK_GRAPH_URL"}},
		"a host that begins so":       {[]string{"--facebook-site-url=http://localhost.example.com"}, "", []string{"FANFARE_FACEBOOK_SITE_URL"}},
		"not an address":              {[]string{"--linkedin-site-url=www.linkedin.com"}, "", []string{"FANFARE_LINKEDIN_SITE_URL"}},
		"a query":                     {[]string{"--linkedin-api-url=https://api.linkedin.com?x=1"}, "", []string{"FANFARE_LINKEDIN_API_URL"}},
		"a password":                  {[]string{"--mailchimp-login-url=https://user:s3cret@login.mailchimp.com"}, "", []string{"FANFARE_MAILCHIMP_LOGIN_URL"}},
		"another scheme":              {[]string{"--twitter-site-url=ftp://x.com"}, "", []string{"FANFARE_TWITTER_SITE_URL"}},
		"data centres":                {[]string{"--mailchimp-api-url=http://127.0.0.1:9001/mailchimp-api/{dc}"}, "", nil},
		"no data centre":              {[]string{"--mailchimp-api-url=https://us6.api.mailchimp.com"}, "", []string{"FANFARE_MAILCHIMP_API_URL", "{dc}"}},
		"two data centres":            {[]string{"--mailchimp-api-url=https://{dc}.{dc}.mailchimp.com"}, "", []string{"FANFARE_MAILCHIMP_API_URL"}},
		"data centres in the open":    {[]string{"--mailchimp-api-url=http://{dc}.api.mailchimp.com"}, "", []string{"FANFARE_MAILCHIMP_API_URL", "https://"}},
		"a version":                   {[]string{"--linkedin-version=202701", "--facebook-version=v27.0"}, "", nil},
		"a version of LinkedIn not":   {[]string{"--linkedin-version=2026-10"}, "", []string{"FANFARE_LINKEDIN_VERSION"}},
		"a month that is none":        {[]string{"--linkedin-version=202613"}, "", []string{"FANFARE_LINKEDIN_VERSION"}},
		"a version of Facebook not":   {[]string{"--facebook-version=26"}, "", []string{"FANFARE_FACEBOOK_VERSION"}},
		"a version that is a way out": {[]string{"--facebook-version=v26.0/../x"}, "", []string{"FANFARE_FACEBOOK_VERSION"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var config struct{ platformConfig }
			parser, err := kong.New(&config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(test.args); err != nil {
				t.Fatal(err)
			}
			connectors, err := config.connectors()
			if (err != nil) != (len(test.err) > 0) {
				t.Fatalf("error %v", err)
			}
			var names []string
			for _, name := range slices.Sorted(maps.Keys(connectors)) {
				names = append(names, string(name))
			}
			if got := strings.Join(names, " "); got != test.platforms {
				t.Errorf("platforms %q, want %q", got, test.platforms)
			}
			for _, part := range test.err {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%v has not %q, or a secret", err, part)
				}
			}
			for name, connector := range connectors {
				address := connector.AuthorizeURL(platform.Consent{State: "s", RedirectURL: api.CallbackURL("https://api.example.com", name)})
				if strings.Contains(address, "s3cret") || strings.Contains(address, "//i/") ||
					!strings.Contains(address, "redirect_uri=https%3A%2F%2Fapi.example.com%2Fv1%2Foauth%2F"+string(name)+"%2Fcallback") {
					t.Errorf("%s", address)
				}
			}
		})
	}
}

// TestSettingsAreNamedAlike: errors name a setting by what kong calls it.
func TestSettingsAreNamedAlike(t *testing.T) {
	t.Parallel()
	var config struct {
		connectorConfig
		returnConfig
	}
	parser, err := kong.New(&config)
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	for _, flag := range parser.Model.Flags {
		if flag.Name == "help" {
			continue
		}
		flags++
		if len(flag.Envs) != 1 || named(flag.Name) != "--"+flag.Name+" ("+flag.Envs[0]+")" {
			t.Errorf("--%s is %q", flag.Name, flag.Envs)
		}
	}
	if flags != 22 {
		t.Errorf("%d settings", flags)
	}
}

func TestReturnSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config     returnConfig
		connecting bool
		want       string // the API's address, and the others after a space each
		err        string // a part of it
	}{
		"none":                         {returnConfig{}, false, "", ""},
		"platforms, and no address":    {returnConfig{}, true, "", "FANFARE_API_URL"},
		"an address":                   {returnConfig{APIURL: "https://api.example.com/"}, true, "https://api.example.com", ""},
		"an address below another":     {returnConfig{APIURL: "https://example.com/fanfare/"}, true, "https://example.com/fanfare", ""},
		"on this machine":              {returnConfig{APIURL: "http://[::1]:8080"}, true, "http://[::1]:8080", ""},
		"no encryption":                {returnConfig{APIURL: "http://api.example.com"}, true, "", "FANFARE_API_URL"},
		"no encryption, no platforms":  {returnConfig{APIURL: "http://api.example.com"}, false, "", "FANFARE_API_URL"},
		"no scheme":                    {returnConfig{APIURL: "api.example.com"}, true, "", "FANFARE_API_URL"},
		"no host":                      {returnConfig{APIURL: "https:///v1"}, true, "", "FANFARE_API_URL"},
		"a fragment":                   {returnConfig{APIURL: "https://api.example.com/#"}, true, "", "FANFARE_API_URL"},
		"returning":                    {returnConfig{ReturnURLs: []string{"https://a.example.com/app/", " https://b.example.com"}}, false, " https://a.example.com/app https://b.example.com", ""},
		"returning, in the open":       {returnConfig{ReturnURLs: []string{"https://a.example.com", "http://b.example.com"}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, script":            {returnConfig{ReturnURLs: []string{"javascript:alert(1)"}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, backslash":         {returnConfig{ReturnURLs: []string{`https://a.example.com\@evil.example`}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, with user":         {returnConfig{ReturnURLs: []string{"https://a.example.com@evil.example"}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, an empty one":      {returnConfig{ReturnURLs: []string{""}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, one with a query":  {returnConfig{ReturnURLs: []string{"https://a.example.com/?next="}}, false, "", "FANFARE_RETURN_URLS"},
		"returning, one that is a dot": {returnConfig{ReturnURLs: []string{"https://a.example.com/app/../admin"}}, false, "", "FANFARE_RETURN_URLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.config.check(test.connecting)
			if (err != nil) != (test.err != "") || (err != nil && !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if got := strings.Join(append([]string{test.config.APIURL}, test.config.ReturnURLs...), " "); got != test.want {
				t.Errorf("addresses %q, want %q", got, test.want)
			}
		})
	}
}
