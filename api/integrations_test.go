package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// connection is a good body for connecting the sandbox's site.
func (w *world) connection() m {
	return m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}
}

func TestIntegrationRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	admins := func(done int) statuses { return statuses{done, done, 403, 403, done, 403, 403, 404} }
	one := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/integrations"), nil) })
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/integrations/%s", one.ID), nil)
	})
	c.roles(t, admins(201), func(t *testing.T, who dbtest.User) answer {
		before := w.siteHits.count()
		a := w.call(t, who, "POST", c.path("/integrations"), w.connection())
		if asked := w.siteHits.count() > before; asked != (a.status == 201) {
			t.Errorf("%d, and the site was asked: %v", a.status, asked)
		}
		return a
	})
	fresh := func(t *testing.T) string {
		t.Helper()
		return c.path("/integrations/%s", w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}).ID)
	}
	c.roles(t, admins(412), func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "DELETE", fresh(t), nil, "If-Match", `"v7"`)
	})
	c.roles(t, admins(204), func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "DELETE", fresh(t), nil) })
}

func TestIntegration(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	created := w.call(t, c.admin, "POST", c.path("/integrations"), w.connection()).want(t, 201)
	account := into[api.Integration](t, created)
	if account.Platform != "ghost" || account.Name != "The Blog" || account.State != "active" || account.ExternalID != w.siteURL || account.URL != w.siteURL {
		t.Errorf("made %+v", account)
	}
	path := c.path("/integrations/%s", account.ID)

	sealed := func(t *testing.T) []byte {
		t.Helper()
		var credential []byte
		var keyID uint32
		err := w.Super.QueryRow(context.Background(), "select credential, key_id from integrations where id = $1", account.ID).Scan(&credential, &keyID)
		if err != nil {
			t.Fatal(err)
		}
		if keyID != w.vault.PrimaryKeyID() {
			t.Errorf("key %d", keyID)
		}
		return credential
	}
	bound := vault.Credential(c.customer.ID, account.ID, "ghost")
	opens := func(t *testing.T, key string) {
		t.Helper()
		plain, err := w.vault.Unseal(sealed(t), bound)
		if err != nil {
			t.Fatal(err)
		}
		var credential platform.GhostCredential
		if err := json.Unmarshal(plain, &credential); err != nil || credential.SiteURL != w.siteURL || credential.AdminAPIKey != key {
			t.Errorf("holds %v, %v", credential, err)
		}
	}
	opens(t, w.siteKey)
	for _, wrong := range []func(*vault.Context){
		func(v *vault.Context) { v.CustomerID = c.elsewhere.ID }, func(v *vault.Context) { v.IntegrationID = uuid.New() },
		func(v *vault.Context) { v.Platform = "twitter" }, func(v *vault.Context) { v.Field = "other" },
	} {
		other := bound
		wrong(&other)
		if _, err := w.vault.Unseal(sealed(t), other); err == nil {
			t.Errorf("opens as %+v", other)
		}
	}

	// Connecting again keeps the id, and takes the new key.
	newKey := w.box.RotateGhostKey("blog")
	w.call(t, c.admin, "POST", c.path("/integrations"), w.connection()).wantAt(t, "body.admin_api_key")
	opens(t, w.siteKey)
	body := w.connection()
	body["admin_api_key"] = newKey
	again := w.call(t, c.admin, "POST", c.path("/integrations"), body).want(t, 201)
	if got := into[api.Integration](t, again); got.ID != account.ID || again.etag() == created.etag() {
		t.Errorf("connected again as %s %s", got.ID, again.etag())
	}
	opens(t, newKey)

	w.call(t, c.admin, "DELETE", path, nil, "If-Match", created.etag()).want(t, 412)
	w.call(t, c.admin, "DELETE", path, nil, "If-Match", again.etag()).want(t, 204)
	if got := into[api.Integration](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200)); got.State != "disconnected" {
		t.Errorf("is %s", got.State)
	}
	if n := w.count(t, "select count(*) from integrations where id = $1 and credential is null and key_id is null", account.ID); n != 1 {
		t.Error("the credential is still there")
	}
	back := into[api.Integration](t, w.call(t, c.admin, "POST", c.path("/integrations"), body).want(t, 201))
	if back.ID != account.ID || back.State != "active" {
		t.Errorf("came back as %+v", back)
	}

	// Another customer's connection of the same site is another account.
	theirs := into[api.Integration](t, w.call(t, c.outsider, "POST", "/v1/customers/"+c.elsewhere.ID.String()+"/integrations", body).want(t, 201))
	if theirs.ID == account.ID {
		t.Error("two customers share an account")
	}
	for _, key := range []string{w.siteKey, newKey} {
		secret := key[strings.Index(key, ":")+1:]
		if strings.Contains(w.logs.String(), secret) {
			t.Error("the log holds a key")
		}
	}
}

// No answer of any operation holds a credential, sealed or not.
func TestIntegrationCredentialStaysInside(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := into[api.Integration](t, w.call(t, c.owner, "POST", c.path("/integrations"), w.connection()).want(t, 201))
	post := into[api.Post](t, w.call(t, c.owner, "POST", c.path("/posts"), m{"title": "A", "text": "A", "platforms": []m{{"integration_id": account.ID}}}).want(t, 201))
	w.call(t, c.owner, "POST", c.path("/posts/%s/publish", post.ID), nil).want(t, 202)
	secret := w.siteKey[strings.Index(w.siteKey, ":")+1:]
	ids := w.everything(t, c)
	ids["post_id"], ids["integration_id"] = post.ID.String(), account.ID.String()
	asked := 0
	for _, o := range operations() {
		if o.Method != http.MethodGet {
			continue
		}
		asked++
		path := ids.fill(t, o.template) + o.query()
		for _, who := range []dbtest.User{c.owner, c.sysadmin} {
			got := string(w.call(t, who, "GET", path, nil).body)
			// The audit log tells that it was set.
			got = strings.ReplaceAll(got, `"credential":{"changed":true}`, "")
			// An MCP server says which one lets in, by its id.
			got = strings.ReplaceAll(got, `"credential":{"id":`, "")
			if strings.Contains(got, secret) || strings.Contains(got, "credential\":") || strings.Contains(got, "\"key_id") {
				t.Errorf("%s answers with a credential: %s", o.OperationID, got)
			}
		}
	}
	if asked < 15 {
		t.Errorf("only %d operations were asked", asked)
	}
}

func TestIntegrationRefused(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{noEgress: true})
	c := w.cast(t)
	before := w.stored(t)
	connect := func(site, key string) answer {
		return w.call(t, c.admin, "POST", c.path("/integrations"), m{"platform": "ghost", "site_url": site, "admin_api_key": key})
	}
	for _, site := range []string{
		"https://169.254.169.254", "https://169.254.169.254/latest/meta-data", "https://10.0.0.7", "https://192.168.1.1", "https://172.16.0.1", "https://127.0.0.1",
		"https://localhost", "https://localhost:5432", "https://blog.localhost", "https://[::1]", "https://[::ffff:10.0.0.1]", "https://0.0.0.0", "https://[fd00::1]",
		"http://example.com", "ftp://example.com", "https://user:secret@example.com", "https://example.com?x=1", "not a site", "https://", "//example.com",
		"https://100.64.0.1", "https://2130706433", w.siteURL,
	} {
		a := connect(site, w.siteKey).wantAt(t, "body.site_url")
		if strings.Contains(string(a.body), "secret") || strings.Contains(string(a.body), "169.254") {
			t.Errorf("the answer repeats the address: %s", a.body)
		}
	}
	for _, key := range []string{"short", strings.Repeat("a", 26), strings.Repeat("a", 24) + ":" + strings.Repeat("g", 64), " "} {
		if a := connect("https://blog.example.com", key).wantAt(t, "body.admin_api_key"); strings.Contains(string(a.body), strings.Repeat("a", 24)) {
			t.Errorf("the answer repeats the key: %s", a.body)
		}
	}
	if n := w.siteHits.count(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	if logs := w.logs.String(); strings.Contains(logs, w.siteKey) || strings.Contains(logs, "user:secret") {
		t.Error("the log holds what was refused")
	}
}

// What the site answers, or fails to, is told and nothing is stored.
func TestIntegrationSiteTrouble(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	before := w.stored(t)
	wrong := w.connection()
	wrong["admin_api_key"] = strings.Repeat("a", 24) + ":" + strings.Repeat("b", 64)
	w.call(t, c.admin, "POST", c.path("/integrations"), wrong).wantAt(t, "body.admin_api_key")
	nowhere := w.connection()
	nowhere["site_url"] = strings.Replace(w.siteURL, "/blog", "/nothing", 1)
	w.call(t, c.admin, "POST", c.path("/integrations"), nowhere).wantAt(t, "body.site_url")
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultStatus, Status: 503}, {Kind: sandbox.FaultStatus, Status: 429},
		{Kind: sandbox.FaultDropBefore}, {Kind: sandbox.FaultDropAfter},
	} {
		fault.Platform = "ghost"
		mustDo(t, w.box.AddFault(fault))
		a := w.call(t, c.admin, "POST", c.path("/integrations"), w.connection()).want(t, 503)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%+v: no Retry-After", fault)
		}
		w.box.ClearFaults()
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	gone := w.connection()
	gone["site_url"] = closed.URL
	w.call(t, c.admin, "POST", c.path("/integrations"), gone).want(t, 503)
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
}

// The site is the customer's own and may say anything of itself.
func TestIntegrationOddSite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	var title, address string
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/site/") {
			_ = json.NewEncoder(rw).Encode(m{"site": m{"title": title, "url": address, "version": "5.0"}})
			return
		}
		_ = json.NewEncoder(rw).Encode(m{"posts": []m{}})
	}))
	t.Cleanup(site.Close)
	body := w.connection()
	body["site_url"] = site.URL
	connect := func() answer { return w.call(t, c.admin, "POST", c.path("/integrations"), body) }

	title = "A\x00B\n" + strings.Repeat("ü", 2000)
	if got := into[api.Integration](t, connect().want(t, 201)); len([]rune(got.Name)) != 500 || !strings.HasPrefix(got.Name, "ABü") {
		t.Errorf("is called %.20q, %d long", got.Name, len([]rune(got.Name)))
	}
	title = "\x00\n "
	if got := into[api.Integration](t, connect().want(t, 201)); got.Name != site.URL {
		t.Errorf("is called %q", got.Name)
	}
	address = "https://example.com/" + strings.Repeat("x", 600)
	if got := into[api.Integration](t, connect().want(t, 201)); got.ExternalID != site.URL || got.URL != site.URL {
		t.Errorf("is believed to be %s at %s", got.ExternalID, got.URL)
	}
	body["site_url"] = site.URL + "/" + strings.Repeat("ü", 300) // six characters each, as addresses are written
	connect().wantAt(t, "body.site_url")
}

func TestIntegrationList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	var want []uuid.UUID
	for range 5 {
		want = append(want, w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}).ID)
		w.Integration(t, dbtest.Integration{CustomerID: c.elsewhere.ID})
	}
	ids, pages := w.walk(t, c.viewer, c.path("/integrations"))
	wantIDs(t, ids, want)
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}
