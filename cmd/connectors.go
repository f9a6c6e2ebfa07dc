package cmd

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"fanfare/api"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// connectorConfig says as which application each platform is asked for permission. A platform without one cannot be
// connected.
type connectorConfig struct {
	TwitterClientID     string `name:"twitter-client-id" env:"FANFARE_TWITTER_CLIENT_ID" help:"Client ID of your application at X; without one no account of X can be connected."`
	TwitterClientSecret string `env:"FANFARE_TWITTER_CLIENT_SECRET" help:"Its secret."`
	TwitterSiteURL      string `name:"twitter-site-url" env:"FANFARE_TWITTER_SITE_URL" help:"Where X has its consent page, for a sandbox."`
	TwitterAPIURL       string `name:"twitter-api-url" env:"FANFARE_TWITTER_API_URL" help:"Where X has its API, for a sandbox."`

	LinkedInClientID     string `name:"linkedin-client-id" env:"FANFARE_LINKEDIN_CLIENT_ID" help:"Client ID of your application at LinkedIn; without one no account of LinkedIn can be connected."`
	LinkedInClientSecret string `name:"linkedin-client-secret" env:"FANFARE_LINKEDIN_CLIENT_SECRET" help:"Its secret."`
	LinkedInPages        bool   `name:"linkedin-pages" env:"FANFARE_LINKEDIN_PAGES" help:"Also connect pages of organizations, for which LinkedIn must have approved the application."`
	LinkedInVersion      string `name:"linkedin-version" env:"FANFARE_LINKEDIN_VERSION" default:"${linkedin_version=202610}" help:"LinkedIn-Version sent to LinkedIn, YYYYMM."`
	LinkedInSiteURL      string `name:"linkedin-site-url" env:"FANFARE_LINKEDIN_SITE_URL" help:"Where LinkedIn has its consent page and tokens, for a sandbox."`
	LinkedInAPIURL       string `name:"linkedin-api-url" env:"FANFARE_LINKEDIN_API_URL" help:"Where LinkedIn has its API, for a sandbox."`

	FacebookClientID     string `name:"facebook-client-id" env:"FANFARE_FACEBOOK_CLIENT_ID" help:"ID of your app at Meta; without one no Facebook page can be connected."`
	FacebookClientSecret string `env:"FANFARE_FACEBOOK_CLIENT_SECRET" help:"Its secret."`
	FacebookVersion      string `env:"FANFARE_FACEBOOK_VERSION" default:"${facebook_version=v26.0}" help:"Version of Facebook's Graph API."`
	FacebookInsights     bool   `env:"FANFARE_FACEBOOK_INSIGHTS" help:"Also ask for read_insights, for views and clicks of posts, which Meta must have given your app."`
	FacebookSiteURL      string `name:"facebook-site-url" env:"FANFARE_FACEBOOK_SITE_URL" help:"Where Facebook has its consent page, for a sandbox."`
	FacebookGraphURL     string `name:"facebook-graph-url" env:"FANFARE_FACEBOOK_GRAPH_URL" help:"Where Facebook has its Graph API, for a sandbox."`

	MailchimpClientID     string `name:"mailchimp-client-id" env:"FANFARE_MAILCHIMP_CLIENT_ID" help:"Client ID of your application at Mailchimp; without one no audience of Mailchimp can be connected."`
	MailchimpClientSecret string `env:"FANFARE_MAILCHIMP_CLIENT_SECRET" help:"Its secret."`
	MailchimpLoginURL     string `name:"mailchimp-login-url" env:"FANFARE_MAILCHIMP_LOGIN_URL" help:"Where Mailchimp has its consent page and tokens, for a sandbox."`
	MailchimpAPIURL       string `name:"mailchimp-api-url" env:"FANFARE_MAILCHIMP_API_URL" help:"Where Mailchimp has its API, with {dc} for the data centre, for a sandbox."`
}

var (
	linkedInVersionPattern = regexp.MustCompile(`^20[0-9]{2}(0[1-9]|1[0-2])$`)
	facebookVersionPattern = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)
)

// connectors gives a connector for each platform that has an application. It checks what is set for the others too.
func (c *connectorConfig) connectors() (map[platform.Name]platform.Connector, error) {
	for setting, address := range map[string]*string{
		"twitter-site-url": &c.TwitterSiteURL, "twitter-api-url": &c.TwitterAPIURL,
		"linkedin-site-url": &c.LinkedInSiteURL, "linkedin-api-url": &c.LinkedInAPIURL,
		"facebook-site-url": &c.FacebookSiteURL, "facebook-graph-url": &c.FacebookGraphURL,
		"mailchimp-login-url": &c.MailchimpLoginURL,
	} {
		if *address == "" {
			continue
		}
		checked, err := safeURL(setting, *address)
		if err != nil {
			return nil, err
		}
		*address = checked
	}
	if c.MailchimpAPIURL != "" {
		if strings.Count(c.MailchimpAPIURL, "{dc}") != 1 {
			return nil, fmt.Errorf("%s must have {dc} where the data centre stands, as in https://{dc}.api.mailchimp.com", named("mailchimp-api-url"))
		}
		if _, err := safeURL("mailchimp-api-url", strings.Replace(c.MailchimpAPIURL, "{dc}", "us1", 1)); err != nil {
			return nil, err
		}
		c.MailchimpAPIURL = strings.TrimRight(c.MailchimpAPIURL, "/")
	}
	if c.LinkedInVersion != "" && !linkedInVersionPattern.MatchString(c.LinkedInVersion) {
		return nil, fmt.Errorf("%s must be a year and a month such as 202610", named("linkedin-version"))
	}
	if c.FacebookVersion != "" && !facebookVersionPattern.MatchString(c.FacebookVersion) {
		return nil, fmt.Errorf("%s must be a version such as v26.0", named("facebook-version"))
	}
	connectors := map[platform.Name]platform.Connector{}
	for _, app := range []struct {
		name       platform.Name
		id, secret string
		connector  func(platform.OAuthApp) platform.Connector
	}{
		{platform.Twitter, c.TwitterClientID, c.TwitterClientSecret, func(app platform.OAuthApp) platform.Connector {
			return platform.NewTwitterConnector(platform.TwitterConfig{App: app, SiteURL: c.TwitterSiteURL, APIURL: c.TwitterAPIURL})
		}},
		{platform.LinkedIn, c.LinkedInClientID, c.LinkedInClientSecret, func(app platform.OAuthApp) platform.Connector {
			return platform.NewLinkedInConnector(platform.LinkedInConfig{
				App: app, SiteURL: c.LinkedInSiteURL, APIURL: c.LinkedInAPIURL, Version: c.LinkedInVersion, Pages: c.LinkedInPages,
			})
		}},
		{platform.Facebook, c.FacebookClientID, c.FacebookClientSecret, func(app platform.OAuthApp) platform.Connector {
			return platform.NewFacebookConnector(platform.FacebookConfig{
				App: app, SiteURL: c.FacebookSiteURL, GraphURL: c.FacebookGraphURL, Version: c.FacebookVersion, Insights: c.FacebookInsights,
			})
		}},
		{platform.Mailchimp, c.MailchimpClientID, c.MailchimpClientSecret, func(app platform.OAuthApp) platform.Connector {
			return platform.NewMailchimpConnector(platform.MailchimpConfig{App: app, LoginURL: c.MailchimpLoginURL, APIURL: c.MailchimpAPIURL})
		}},
	} {
		idSetting, secretSetting := named(string(app.name)+"-client-id"), named(string(app.name)+"-client-secret")
		switch {
		case app.id == "" && app.secret == "":
			continue
		case app.secret == "":
			return nil, fmt.Errorf("%s needs %s", idSetting, secretSetting)
		case app.id == "":
			return nil, fmt.Errorf("%s needs %s", secretSetting, idSetting)
		}
		connectors[app.name] = app.connector(platform.OAuthApp{ClientID: app.id, ClientSecret: app.secret})
	}
	return connectors, nil
}

// sandboxPlatforms registers an application for each platform in a sandbox, and gives the settings with which the sandbox stands
// in for all of them.
func sandboxPlatforms(box *sandbox.Sandbox, boxURL, apiURL string) *platformConfig {
	app := func(name platform.Name) (id, secret string) {
		return box.AddOAuthApp(string(name), api.CallbackURL(apiURL, name))
	}
	c := connectorConfig{
		TwitterSiteURL: boxURL + "/twitter", TwitterAPIURL: boxURL + "/twitter-api",
		LinkedInSiteURL: boxURL + "/linkedin", LinkedInAPIURL: boxURL + "/linkedin-api", LinkedInPages: true, LinkedInVersion: "202610",
		FacebookSiteURL: boxURL + "/facebook", FacebookGraphURL: boxURL + "/facebook-graph", FacebookVersion: "v26.0", FacebookInsights: true,
		MailchimpLoginURL: boxURL + "/mailchimp-login", MailchimpAPIURL: boxURL + "/mailchimp-api/{dc}",
	}
	c.TwitterClientID, c.TwitterClientSecret = app(platform.Twitter)
	c.LinkedInClientID, c.LinkedInClientSecret = app(platform.LinkedIn)
	c.FacebookClientID, c.FacebookClientSecret = app(platform.Facebook)
	c.MailchimpClientID, c.MailchimpClientSecret = app(platform.Mailchimp)
	return &platformConfig{EgressAllow: []string{"127.0.0.0/8", "::1/128"}, GhostAPI: platform.GhostAPIVersion, connectorConfig: c}
}

// returnConfig says where browsers come back from a platform, and where they are sent on to.
type returnConfig struct {
	APIURL     string   `name:"api-url" env:"FANFARE_API_URL" help:"Address under which browsers reach this API, to which platforms send them back; required where a platform has an application, and for bots, as they are told what is said at WhatsApp, Slack and, unless messages are fetched, Telegram."`
	ReturnURLs []string `name:"return-urls" env:"FANFARE_RETURN_URLS" help:"Addresses to which browsers may be sent once an account is connected, and all below them, besides --public-url."`
}

// check checks and normalises the addresses. connecting says that there is a platform to connect to.
func (c *returnConfig) check(connecting bool) error {
	if c.APIURL == "" && connecting {
		return fmt.Errorf("%s is needed to connect accounts: platforms send browsers back to it", named("api-url"))
	}
	if c.APIURL != "" {
		checked, err := safeURL("api-url", c.APIURL)
		if err != nil {
			return err
		}
		c.APIURL = checked
	}
	for i, address := range c.ReturnURLs {
		checked, err := safeURL("return-urls", strings.TrimSpace(address))
		if err != nil {
			return err
		}
		c.ReturnURLs[i] = checked
	}
	return nil
}

// named is a setting as a flag and as a variable.
func named(flag string) string {
	variable := "FANFARE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	if flag == "kek" {
		variable = "FANFARE_KEYSET_KEK"
	}
	return "--" + flag + " (" + variable + ")"
}

// safeURL checks an address to which secrets are sent: https, unless it is on this machine. It gives it without a slash at
// its end.
func safeURL(setting, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(address, "?# \\") ||
		(u.Scheme != "https" && u.Scheme != "http") || slices.Contains(strings.Split(u.Path, "/"), "..") {
		return "", fmt.Errorf("%s must look like https://fanfare.example.com", named(setting))
	}
	if u.Scheme == "http" && !onThisMachine(u.Hostname()) {
		return "", fmt.Errorf("%s must begin with https://; http:// is for addresses on this machine", named(setting))
	}
	return strings.TrimRight(address, "/"), nil
}

func onThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.Unmap().IsLoopback())
}
