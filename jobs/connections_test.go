package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"golang.org/x/oauth2"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// returnTo is where the platforms of the sandbox send the browser. Nobody listens there.
const returnTo = "http://127.0.0.1:1/callback"

// openSandbox gives a sandbox that answers until the test ends.
func openSandbox(t *testing.T) (*sandbox.Sandbox, *httptest.Server) {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	return box, server
}

// world is a bundle with the sandbox's platforms, and real connectors to them.
type world struct {
	*bundle
	box *sandbox.Sandbox
	// base is the sandbox's address.
	base       string
	connectors map[platform.Name]platform.Connector
	publishers map[platform.Name]platform.Publisher
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b := setup(t)
	box, server := openSandbox(t)
	app := func(name platform.Name) platform.OAuthApp {
		id, secret := box.AddOAuthApp(string(name), returnTo)
		return platform.OAuthApp{ClientID: id, ClientSecret: secret}
	}
	return &world{bundle: b, box: box, base: server.URL, publishers: map[platform.Name]platform.Publisher{platform.Ghost: b.platform}, connectors: map[platform.Name]platform.Connector{
		platform.Twitter: platform.NewTwitterConnector(platform.TwitterConfig{
			App: app(platform.Twitter), SiteURL: server.URL + "/twitter", APIURL: server.URL + "/twitter-api"}),
		platform.LinkedIn: platform.NewLinkedInConnector(platform.LinkedInConfig{
			App: app(platform.LinkedIn), SiteURL: server.URL + "/linkedin", APIURL: server.URL + "/linkedin-api", Version: "202610", Pages: true}),
		platform.Facebook: platform.NewFacebookConnector(platform.FacebookConfig{
			App: app(platform.Facebook), SiteURL: server.URL + "/facebook", GraphURL: server.URL + "/facebook-graph", Version: "v26.0"}),
		platform.Mailchimp: platform.NewMailchimpConnector(platform.MailchimpConfig{
			App: app(platform.Mailchimp), LoginURL: server.URL + "/mailchimp-login", APIURL: server.URL + "/mailchimp-api/{dc}"}),
	}}
}

// login is somebody's sign-in at a platform, as it is stored.
type login struct {
	grant
	platform platform.Name
	person   string
	accounts []dbtest.Integration
}

// consent has a person of the sandbox allow everything, and gives their tokens.
func (w *world) consent(name platform.Name, person string) platform.Tokens {
	w.t.Helper()
	consent := platform.Consent{State: uuid.NewString(), Verifier: oauth2.GenerateVerifier(), RedirectURL: returnTo}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(w.connectors[name].AuthorizeURL(consent), url.Values{"person": {person}, "decision": {"allow"}})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	back, err := response.Location()
	if err != nil {
		w.t.Fatalf("consent: %d, %v", response.StatusCode, err)
	}
	tokens, err := w.connectors[name].Exchange(w.t.Context(), consent, back.Query().Get("code"))
	if err != nil {
		w.t.Fatal(err)
	}
	return tokens
}

func (w *world) sealTokens(tokens platform.Tokens, g grant, name platform.Name) []byte {
	w.t.Helper()
	plain, err := json.Marshal(tokens)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.seal(plain, g.context(string(name)))
}

func (w *world) seal(plain []byte, bound vault.Context) []byte {
	w.t.Helper()
	sealed, err := w.vault.Seal(plain, bound)
	if err != nil {
		w.t.Fatal(err)
	}
	return sealed
}

// connect signs a person in and connects all their accounts to a customer.
func (w *world) connect(customer dbtest.Customer, name platform.Name, person string) *login {
	w.t.Helper()
	tokens := w.consent(name, person)
	who, err := w.connectors[name].Login(w.t.Context(), tokens)
	if err != nil {
		w.t.Fatal(err)
	}
	l := &login{grant: grant{customerID: customer.ID, id: dbtest.NewID(w.t)}, platform: name, person: person}
	w.exec(`insert into authorizations (customer_id, id, platform, external_id, name, scopes, credential, key_id, expires_at, renew_at, reconnect_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, customer.ID, l.id, string(name), who.ExternalID, who.Name, append([]string{}, tokens.Scopes...),
		w.sealTokens(tokens, l.grant, name), int64(w.vault.PrimaryKeyID()), timeOrNil(tokens.ExpiresAt), timeOrNil(tokens.RenewAt()), timeOrNil(tokens.ReconnectBy))
	for _, account := range who.Accounts {
		id := dbtest.NewID(w.t)
		i := w.Integration(w.t, dbtest.Integration{
			CustomerID: customer.ID, ID: id, Platform: string(name), ExternalID: account.ExternalID, KeyID: int64(w.vault.PrimaryKeyID()),
			Credential: w.seal(account.Credential, vault.Credential(customer.ID, id, string(name))),
		})
		w.exec("update integrations set authorization_id = $2 where id = $1", id, l.id)
		l.accounts = append(l.accounts, i)
	}
	return l
}

// reconnect has the person sign in again, as the API stores it.
func (w *world) reconnect(l *login) {
	w.t.Helper()
	tokens := w.consent(l.platform, l.person)
	owner := w.Member(w.t, l.customerID, "owner")
	w.exec("update users set email_verified = false where id = $1", owner.ID) // who is sent nothing
	err := w.Tenant().Tx(w.t.Context(), owner.Scope().In(l.customerID), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queries.New(tx).AuthorizationReconnect(ctx, queries.AuthorizationReconnectParams{
			ID: l.id, Name: "Again", Scopes: append([]string{}, tokens.Scopes...), Credential: w.sealTokens(tokens, l.grant, l.platform), KeyID: ptr(int64(w.vault.PrimaryKeyID())),
			ExpiresAt: timeOrNil(tokens.ExpiresAt), RenewAt: timeOrNil(tokens.RenewAt()), ReconnectBy: timeOrNil(tokens.ReconnectBy),
		})
		return err
	})
	if err != nil {
		w.t.Error(err) // not Fatal: a platform's answer may be waiting for it
	}
}

// renewer is that of another process.
func (w *world) renewer(mails bool) *renewer {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	queue, err := NewInserter(log)
	if err != nil {
		w.t.Fatal(err)
	}
	return &renewer{db: w.TenantWorker(), vault: w.vault, connectors: w.connectors, notices: newNotices(queue, mails, log), log: log}
}

// jobsWorker makes a worker with the sandbox's platforms.
func (w *world) jobsWorker() *Worker {
	w.t.Helper()
	made, err := NewWorker(Deps{
		Pool: w.Worker, Vault: w.vault, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Publishers: w.publishers, Connectors: w.connectors,
	}, WorkerConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) insert(customerID uuid.UUID, args river.JobArgs) {
	w.t.Helper()
	queue, err := NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.TenantWorker().Tx(w.t.Context(), tenant.Worker(customerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queue.InsertTx(ctx, tx, args, nil)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	if err := w.box.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// due makes the access token end in half a minute, with its renewal due.
func (w *world) due(l *login) {
	w.t.Helper()
	w.exec("update authorizations set expires_at = now() + interval '30 seconds', renew_at = now() - interval '1 second' where id = $1", l.id)
}

// again brings the next try of a renewal forward.
func (w *world) again(l *login) {
	w.t.Helper()
	w.exec("update authorizations set renew_at = now() - interval '1 second' where id = $1 and state = 'active'", l.id)
}

const authorizationState = "select state || coalesce(' ' || reason, '') || case when unanswered then ' unanswered' else '' end || case when lease is not null then ' leased' else '' end from authorizations where id = $1"

func (w *world) wantState(l *login, want string) {
	w.t.Helper()
	if got := scan[string](w.bundle, authorizationState, l.id); got != want {
		w.t.Errorf("the authorization is %q, want %q", got, want)
	}
}

func (w *world) wantAccount(id uuid.UUID, want string) {
	w.t.Helper()
	if got := scan[string](w.bundle, "select state || coalesce(' ' || reason, '') from integrations where id = $1", id); got != want {
		w.t.Errorf("the account is %q, want %q", got, want)
	}
}

// wantWorking asks the platform with each account's stored credential.
func (w *world) wantWorking(l *login) {
	w.t.Helper()
	for _, account := range l.accounts {
		sealed := scan[[]byte](w.bundle, "select credential from integrations where id = $1", account.ID)
		credential, err := w.vault.Unseal(sealed, vault.Credential(l.customerID, account.ID, string(l.platform)))
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.Contains(string(credential), "refresh") {
			w.t.Error("a credential for publishing holds a refresh token")
		}
		if _, err := w.connectors[l.platform].Account(w.t.Context(), credential); err != nil {
			w.t.Errorf("the stored credential of %s does not work: %v", account.ExternalID, err)
		}
	}
}

// hooked is a connector that does something at a renewal before it answers, or answers something else.
type hooked struct {
	platform.Connector
	after func() error
}

func (h *hooked) Renew(ctx context.Context, tokens platform.Tokens) (platform.Tokens, error) {
	fresh, err := h.Connector.Renew(ctx, tokens)
	if replaced := h.after(); replaced != nil {
		return platform.Tokens{}, replaced
	}
	return fresh, err
}

func wantClass(t testing.TB, err error, want platform.Class) {
	t.Helper()
	if err == nil || platform.AsError(err).Class != want {
		t.Errorf("got %v, want an error of class %s", err, want)
	}
}

func within(t testing.TB, what string, at, from, to time.Time) {
	t.Helper()
	if at.Before(from) || at.After(to) {
		t.Errorf("%s is %s, want from %s to %s", what, at, from, to)
	}
}
