package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/db/dbtest"
	"fanfare/internal/agenttoken"
	"fanfare/internal/bucket"
	"fanfare/internal/vault"
)

// auditInForce says that each change, and each refusal inside a customer, leaves a row in audit_log. Then a matrix
// on a database without that table fails.
const auditInForce = true

// matrix is a system with everybody who calls.
type matrix struct {
	s                *system
	db               *dbtest.DB // its fixtures
	http             *http.Client
	siteURL, siteKey string
	photo            string // the id of one at Unsplash

	members                      map[string]dbtest.User // by role: they have it in the customer of every cell
	outsider, removed, inviter   dbtest.User
	sysviewer, manager, sysadmin dbtest.User
	theirs                       *cell // the other tenant, the outsider's
	theirKey, theirToken         string
	theirPrograms                []uuid.UUID
	agents                       *agenttoken.Keys
	keys                         *vault.Vault
	bucket                       *bucket.Bucket

	cells, surprises, senders atomic.Int64
}

func newMatrix(t testing.TB) *matrix {
	t.Helper()
	s := newSystem(t, options{noWorker: true, backups: true, env: []string{"FANFARE_TRUSTED_PROXIES=127.0.0.0/8"}, boxEnv: func(s *system) []string {
		return []string{"FANFARE_TELEGRAM_URL=" + s.boxURL + "/telegram", "FANFARE_TELEGRAM_POLL=true"}
	}})
	m := &matrix{s: s, db: &dbtest.DB{Super: s.super}, members: map[string]dbtest.User{}, http: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(m.http.CloseIdleConnections)
	m.siteURL, m.siteKey = s.site("matrix")
	m.photo = s.box.UnsplashPhotoIDs()[3] // a small one
	for _, role := range []string{"viewer", "member", "admin", "owner"} {
		m.members[role] = m.user(t, dbtest.User{})
	}
	m.removed, m.inviter = m.user(t, dbtest.User{}), m.user(t, dbtest.User{})
	m.sysviewer, m.manager, m.sysadmin = m.user(t, dbtest.User{SystemRole: "viewer"}), m.user(t, dbtest.User{SystemRole: "manager"}), m.user(t, dbtest.User{SystemRole: "admin"})

	var err error
	if m.keys, err = vault.Open(t.Context(), vault.Config{KeySet: s.keyset}); err != nil {
		t.Fatal(err)
	}

	// The other tenant has one of everything too.
	other := m.newCell(t, "")
	m.outsider = m.user(t, dbtest.User{})
	m.db.Join(t, other.customer, m.outsider.ID, "owner")
	other.arrange(t, act{})
	m.theirs = other
	key := m.db.APIKey(t, dbtest.APIKey{CustomerID: other.customer, CreatedBy: m.outsider.ID})
	m.theirKey = key.Key
	m.theirPrograms = append(m.theirPrograms, key.ID)
	other.exec(t, "update api_keys set last_used_at = now() + interval '1 hour'") // else the first use of one changes it

	if m.bucket, err = bucket.OpenDirectory(s.bucket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.bucket.Close() })
	m.agents = agenttoken.New(dbtest.OpenPool(t, s.opts.loginURL), m.keys)
	m.theirToken = m.agentToken(t, other, m.outsider, time.Hour, agentPermissions)
	m.theirPrograms = append(m.theirPrograms, one[uuid.UUID](t, s, "select id from agent_tokens where customer_id = $1 and created_by = $2", other.customer, m.outsider.ID))
	other.exec(t, "insert into workers (id, lease_until) values ('w', now() + interval '1 hour')") // /readyz is well
	return m
}

// agentPermissions are those that an agent token can have.
var agentPermissions = slices.DeleteFunc(slices.Clone(dbtest.AllPermissions), func(p string) bool { return p == "tokens:mint" })

func (m *matrix) user(t testing.TB, u dbtest.User) dbtest.User {
	t.Helper()
	u.ID = dbtest.NewID(t)
	u.Subject = "e2e|" + u.ID.String()
	return m.db.User(t, u)
}

func (m *matrix) bearer(t testing.TB, who dbtest.User) map[string]string {
	t.Helper()
	return map[string]string{"Authorization": "Bearer " + m.s.issuer.token(t, strings.TrimPrefix(who.Subject, "e2e|"))}
}

// agentToken makes one of the cell's customer, which ends a lifetime from now.
func (m *matrix) agentToken(t testing.TB, c *cell, maker dbtest.User, lifetime time.Duration, permissions []string) string {
	t.Helper()
	return m.signToken(t, dbtest.AgentToken{CustomerID: c.customer, CreatedBy: &maker.ID, Permissions: permissions}, lifetime)
}

func (m *matrix) signToken(t testing.TB, row dbtest.AgentToken, lifetime time.Duration) string {
	t.Helper()
	row = m.db.AgentToken(t, row)
	token, err := m.agents.Sign(t.Context(), agenttoken.Claims{ID: row.ID, CustomerID: row.CustomerID, Permissions: row.Permissions, ExpiresAt: time.Now().Add(lifetime)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// matrixCaller is one kind of caller. enter gives the cell its credential and says what is to be expected; it is
// left out where ok is false.
type matrixCaller struct {
	name  string
	enter func(t testing.TB, m *matrix, c *cell, a act, p permission) (status int, ok bool)
}

const refused, unknown, notThere = http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound

// matrixCallers is the list of callers.
var matrixCallers = []matrixCaller{
	{"nobody", func(_ testing.TB, _ *matrix, _ *cell, a act, p permission) (int, bool) { return nobodys(a, p), true }},
	{"expired token", badToken(nil, func(b *jwt.Builder) { b.Expiration(time.Now().Add(-time.Hour)) })},
	{"forged token", badToken(newKey, func(*jwt.Builder) {})},
	{"token for another audience", badToken(nil, func(b *jwt.Builder) { b.Audience([]string{"somebody-else"}) })},
	{"user of another customer", stranger(func(m *matrix) dbtest.User { return m.outsider })},
	{"removed member", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		m.db.Join(t, c.customer, m.removed.ID, "admin")
		gone := m.send(t, http.MethodDelete, "/v1/customers/"+c.customer.String()+"/members/"+m.removed.ID.String(), nil, m.bearer(t, m.members["owner"]))
		if gone.status != http.StatusNoContent {
			t.Fatalf("remove a member: %d %s", gone.status, gone.body)
		}
		return stranger(func(m *matrix) dbtest.User { return m.removed })(t, m, c, a, p)
	}},
	member("viewer"), member("member"), member("admin"), member("owner"),
	bySystemRole("system viewer", func(m *matrix) dbtest.User { return m.sysviewer }),
	bySystemRole("system manager", func(m *matrix) dbtest.User { return m.manager }),
	bySystemRole("system admin", func(m *matrix) dbtest.User { return m.sysadmin }),
	{"system admin without a reason", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.as(t, m.sysadmin)
		if p.inside && a.changes() || c.operation == "create-river-session" { // which shows all customers' jobs
			return refused, true
		}
		return a.success, true
	}},
	keyWith("key with the permission", 0), keyWith("key with the second permission that is enough", 1), keyWith("key with the third", 2),
	{"key without the permission", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.useKey(t, p.keys.lacks())
		if p.keys.any {
			return a.success, true
		}
		return refused, true
	}},
	{"key where only somebody in a space may", func(t testing.TB, _ *matrix, c *cell, _ act, p permission) (int, bool) {
		if !p.keys.person {
			return 0, false
		}
		c.useKey(t, nil)
		return refused, true
	}},
	{"key of a viewer", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		// A key is not more than who made it.
		c.use(t, dbtest.APIKey{CustomerID: c.customer, CreatedBy: m.members["viewer"].ID})
		return pick(p.keys.any || len(p.keys.permissions) > 0 && !p.keys.person && p.may[pick(p.inside, "viewer", "signed in")], a.success, refused), true
	}},
	{"revoked key", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.useKey(t, nil)
		gone := m.send(t, http.MethodDelete, "/v1/customers/"+c.customer.String()+"/api-keys/"+c.key.ID.String(), nil, m.bearer(t, m.members["owner"]))
		if gone.status != http.StatusNoContent {
			t.Fatalf("revoke a key: %d %s", gone.status, gone.body)
		}
		return nobodys(a, p), true
	}},
	{"key of another customer", func(_ testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.headers["x-api-key"] = m.theirKey
		return foreignProgram(a, p), true
	}},
	{"agent token", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		if p.keys.person {
			c.speak(t, agentPermissions)
			return a.success, true
		}
		c.headers["Authorization"] = "Bearer " + m.agentToken(t, c, m.members["owner"], time.Hour, agentPermissions)
		return pick(p.keys.any || len(p.keys.permissions) > 0 && !slices.Contains(p.keys.permissions, "tokens:mint"), a.success, refused), true
	}},
	{"agent token of another customer", func(_ testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.headers["Authorization"] = "Bearer " + m.theirToken
		return foreignProgram(a, p), true
	}},
	{"expired agent token", func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.headers["Authorization"] = "Bearer " + m.agentToken(t, c, m.members["owner"], -time.Minute, agentPermissions)
		return nobodys(a, p), true
	}},
}

// nobodys is what those are answered who have no valid credential.
func nobodys(a act, p permission) int {
	return pick(!p.inside && p.may["nobody"], a.success, unknown)
}

// foreignProgram is what another customer's key or token with all permissions is answered.
func foreignProgram(a act, p permission) int {
	switch {
	case p.inside:
		return notThere
	case p.keys.any || len(p.keys.permissions) > 0:
		return a.success
	default:
		return refused
	}
}

// badToken is a caller with a token of the owner's in which something is wrong, signed with the issuer's key or
// another.
func badToken(key func(testing.TB) jwk.Key, change func(*jwt.Builder)) func(testing.TB, *matrix, *cell, act, permission) (int, bool) {
	return func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		t.Helper()
		signer := m.s.issuer.own
		if key != nil {
			signer = key(t)
		}
		c.headers["Authorization"] = "Bearer " + signed(t, signer, m.members["owner"].Subject, change)
		return nobodys(a, p), true
	}
}

func stranger(who func(*matrix) dbtest.User) func(testing.TB, *matrix, *cell, act, permission) (int, bool) {
	return func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		t.Helper()
		c.as(t, who(m))
		if p.inside {
			return notThere, true
		}
		return pick(p.may["signed in"], a.success, refused), true
	}
}

func member(role string) matrixCaller {
	return matrixCaller{role, func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.as(t, m.members[role])
		return pick(p.may[pick(p.inside, role, "signed in")], a.success, refused), true
	}}
}

func bySystemRole(column string, who func(*matrix) dbtest.User) matrixCaller {
	return matrixCaller{column, func(t testing.TB, m *matrix, c *cell, a act, p permission) (int, bool) {
		c.as(t, who(m))
		c.headers["X-Admin-Reason"] = "The matrix tries it"
		return pick(p.may[column], a.success, refused), true
	}}
}

// keyWith is a key with one of the least sets of permissions that are enough. Where no key may do it, the first
// has all permissions that there are.
func keyWith(name string, grant int) matrixCaller {
	return matrixCaller{name, func(t testing.TB, _ *matrix, c *cell, a act, p permission) (int, bool) {
		grants := p.keys.grants()
		if len(grants) == 0 && grant == 0 {
			c.useKey(t, nil)
			return pick(p.keys.any, a.success, refused), true
		}
		if grant >= len(grants) {
			return 0, false
		}
		if p.keys.person { // a token of somebody in a space, in the place of a key
			c.speak(t, grants[grant])
			return a.success, true
		}
		c.useKey(t, slices.Concat(grants[grant], a.keyAlso))
		return a.success, true
	}}
}

// as lets the cell's caller be a person.
func (c *cell) as(t testing.TB, who dbtest.User) {
	t.Helper()
	c.headers, c.person = c.m.bearer(t, who), who
}

// useKey lets the cell's caller act with a key of the owner's, with all permissions if none are named.
func (c *cell) useKey(t testing.TB, permissions []string) {
	t.Helper()
	c.use(t, dbtest.APIKey{CustomerID: c.customer, CreatedBy: c.m.members["owner"].ID, Permissions: permissions})
}

// speak lets the cell's caller be somebody in its space, by a token that names them.
func (c *cell) speak(t testing.TB, permissions []string) {
	t.Helper()
	space, owner, person := uuid.MustParse(c.ids["space_id"]), c.m.members["owner"].ID, speaker
	c.headers["Authorization"] = "Bearer " + c.m.signToken(t, dbtest.AgentToken{
		CustomerID: c.customer, CreatedBy: &owner, SpaceID: &space, Person: &person, Permissions: permissions,
	}, time.Hour)
	c.ids["owner"], c.ids["space_credential_id"] = "me", c.ids["own_credential_id"]
}

// speaker is whom agent tokens speak for in the space of every cell, and theirs is what such tokens give there.
const speaker, speakers = "speaker", "agent:speaker"

func (c *cell) use(t testing.TB, key dbtest.APIKey) {
	t.Helper()
	key = c.m.db.APIKey(t, key)
	c.exec(t, "update api_keys set last_used_at = now() where customer_id = $1 and id = $2", c.customer, key.ID) // else its first use changes it
	c.key, c.headers["x-api-key"] = &key, key.Key
}

// sender is an address that no request has come from: how much an address may ask is limited.
func (m *matrix) sender() string {
	n := m.senders.Add(1)
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// rawBody is a body that is sent as it is.
type rawBody string

// send makes a request with these headers, from an address of its own.
func (m *matrix) send(t testing.TB, method, path string, body any, headers map[string]string) response {
	t.Helper()
	var reader io.Reader = http.NoBody
	switch body := body.(type) {
	case nil:
	case rawBody:
		reader = strings.NewReader(string(body))
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+m.s.addr+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Forwarded-For", m.sender())
	answer, err := m.http.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, content}
}

// outcome is what has come of a cell.
type outcome struct {
	want, got                  int
	changes, elsewhere         bool // what the operation does when it succeeds
	oursChanged, theirsChanged bool
	audited                    int // rows that the audit log has of the request
	auditWanted                bool
}

// surprises says what of an outcome is not as it should be.
func (o outcome) surprises() (list []string) {
	if o.got != o.want {
		list = append(list, fmt.Sprintf("answered %d, want %d", o.got, o.want))
	}
	succeeded := o.got < http.StatusMultipleChoices
	if o.theirsChanged {
		list = append(list, "something of the other tenant's has changed")
	}
	switch mayChange := succeeded && o.changes && !o.elsewhere; {
	case o.oursChanged && !mayChange:
		list = append(list, "something has changed in the customer")
	case !o.oursChanged && mayChange:
		list = append(list, "nothing has changed in the customer")
	}
	if o.auditWanted && o.audited == 0 {
		list = append(list, "the audit log does not tell of it")
	}
	return list
}

// tryAll fills the cells of an operation. A customer to whom nothing has happened serves the next caller as well, unless the operation wants it to be different. adapt, if there is
// one, changes what is there and what is expected.
func (m *matrix) tryAll(t testing.TB, o operation, callers []matrixCaller, a act, p permission, adapt func(c *cell, caller string, a act, status int) (act, int)) {
	t.Helper()
	var c *cell
	for _, caller := range callers {
		if c == nil {
			c = m.newCell(t, o.id)
		}
		if untouched := m.try(t, c.again(), caller, o, a, p, adapt); !untouched || a.prepare != nil {
			c = nil
		}
	}
}

// try fills a cell, and tells whether its customer is as it was.
func (m *matrix) try(t testing.TB, c *cell, caller matrixCaller, o operation, a act, p permission, adapt func(c *cell, caller string, a act, status int) (act, int)) (untouched bool) {
	t.Helper()
	status, ok := caller.enter(t, m, c, a, p)
	if !ok {
		return true
	}
	c.arrange(t, a)
	if adapt != nil {
		a, status = adapt(c, caller.name, a, status)
	}
	m.cells.Add(1)
	var body any
	if a.body != nil {
		body = a.body(c)
	}
	ours, theirs := m.s.checksum(t, c.customer.String(), leavesTraces...), m.s.checksum(t, m.theirs.customer.String(), leavesTraces...)
	r := m.send(t, o.method, fill(o.path+a.query, c.ids), body, c.headers)
	result := outcome{
		want: status, got: r.status, changes: a.changes(), elsewhere: a.elsewhere,
		oursChanged:   ours != m.s.checksum(t, c.customer.String(), leavesTraces...),
		theirsChanged: theirs != m.s.checksum(t, m.theirs.customer.String(), leavesTraces...),
	}
	if auditInForce {
		switch {
		case r.status < http.StatusMultipleChoices && a.action != "":
			result.auditWanted = true
			result.audited = one[int](t, m.s, "select count(*) from audit_log where action = $1 and operation = $2 and request_id = $3 and ($4 or customer_id = $5)",
				a.action, o.id, r.header.Get("X-Request-ID"), a.elsewhere, c.customer)
		case r.status == http.StatusForbidden && p.inside:
			result.auditWanted = true
			result.audited = one[int](t, m.s, "select count(*) from audit_log where action = 'request.refuse' and operation = $1 and request_id = $2 and customer_id = $3",
				o.id, r.header.Get("X-Request-ID"), c.customer)
		}
	}
	for _, surprise := range result.surprises() {
		m.surprises.Add(1)
		t.Errorf("%s as %s: %s: %.300s", o.id, caller.name, surprise, r.body)
	}
	return !result.oursChanged
}

// leavesTraces are tables in which also a request that is refused, or only reads, leaves a row.
var leavesTraces = []string{"public.audit_log"}

// TestOperationMatrix tries every operation of the OpenAPI document as every kind of caller, and expects the answer
// that docs/tenancy.md gives. Each cell has a customer that nobody has changed. What is refused changes nothing, what succeeds
// changes something, and nothing ever changes in another tenant.
func TestOperationMatrix(t *testing.T) {
	t.Parallel()
	m, rows := newMatrix(t), permissions(t)
	all := allOperations(t, m.s)
	for _, list := range []struct {
		name string
		ids  []string
	}{{"docs/tenancy.md", slices.Sorted(maps.Keys(rows))}, {"acts", slices.Sorted(maps.Keys(acts))}} {
		for _, id := range list.ids {
			if _, found := all[id]; !found {
				t.Errorf("%s has %s, and there is no such operation", list.name, id)
			}
		}
		for id := range all {
			if !slices.Contains(list.ids, id) {
				t.Errorf("%s has no row for %s", list.name, id)
			}
		}
	}
	if t.Failed() {
		return
	}
	begin := time.Now()
	t.Run("operations", func(t *testing.T) {
		for _, id := range slices.Sorted(maps.Keys(all)) {
			o, a, p := all[id], acts[id], rows[id]
			if p.inside != o.inside() {
				t.Errorf("%s stands in the wrong table of docs/tenancy.md", id)
			}
			// A way to a platform begins by following a link, and what is only to be judged or shown does not fit into one.
			asks := (o.method == http.MethodGet && id != "connect-integration" && id != "earlier-authorize" && id != "connect-mcp-server") ||
				slices.Contains([]string{"check-draft", "preview-email-template", "earlier-search-images", "earlier-pair", "create-river-session"}, id)
			if asks == a.changes() {
				t.Errorf("%s: a change has an audit action, and nothing else has", id)
			}
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				m.tryAll(t, o, matrixCallers, a, p, nil)
			})
		}
	})
	// That their own programs were refused elsewhere stands in their log, and nothing else does.
	if n := one[int](t, m.s, "select count(*) from audit_log where customer_id = $1 and actor_kind <> 'database' and (actor_id <> all ($2) or action <> 'request.refuse')",
		m.theirs.customer, m.theirPrograms); n != 0 {
		t.Errorf("the other tenant's audit log has %d rows about others", n)
	}
	fmt.Printf("%s: operations %d, callers %d, cells %d, unexpected %d (%s)\n", t.Name(), len(all), len(matrixCallers), m.cells.Load(), m.surprises.Load(), time.Since(begin).Round(time.Second))
}

// stillDone are the changes that an archived customer allows, and who makes them.
var stillDone = map[string][]string{
	"restore-customer": {"owner", "system admin"},
	"archive-customer": {"owner", "system admin"}, // it is archived already, and nothing changes
	"erase-customer":   {"owner", "system admin"},
	"create-export":    {"admin", "owner", "system admin"},
	"delete-export":    {"admin", "owner", "system admin"},
	// whoever is to erase it may hold that up, and what is there is backed up
	"update-workspace-policy": {"owner", "system admin"},
	"create-backup":           {"admin", "owner", "system admin"},
	"delete-restore":          {"admin", "owner", "system admin"},
	"revoke-api-key":          {"admin", "owner"},
	"revoke-agent-token":      {"admin", "owner", "key with the permission"},
	// what somebody gave is theirs to take back, and a chat to let go
	"delete-space-credential": {"key with the permission", "agent token"},
	"update-space-credential": {"key with the permission", "agent token"},
	"delete-mcp-login":        {"key with the permission", "agent token"},
	"revoke-pairing":          {"admin", "owner"},
	"delete-chat-identity":    {"admin", "owner"},
	"release-space":           {"admin", "owner"},
}

// TestArchivedIsReadOnly tries every operation in an archived customer: what reads is answered as ever, and nothing
// is changed but what is in stillDone. The short form tries those who may most.
func TestArchivedIsReadOnly(t *testing.T) {
	t.Parallel()
	m, rows := newMatrix(t), permissions(t)
	callers := slices.DeleteFunc(slices.Clone(matrixCallers), func(c matrixCaller) bool {
		of := []string{"owner", "system admin", "key with the permission", "agent token"}
		if proving() {
			of = append(of, insideColumns...)
		}
		return !slices.Contains(of, c.name)
	})
	t.Run("operations", func(t *testing.T) {
		for id, o := range operations(t, m.s) {
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				m.tryAll(t, o, callers, acts[id], rows[id], func(c *cell, caller string, a act, status int) (act, int) {
					c.exec(t, "update customers set archived_at = now() where id = $1 and archived_at is null", c.customer)
					switch {
					case !a.changes():
					case !slices.Contains(stillDone[id], caller):
						status = refused
					case id == "archive-customer":
						a.action = ""
					}
					return a, status
				})
			})
		}
	})
	fmt.Printf("%s: cells %d, unexpected %d\n", t.Name(), m.cells.Load(), m.surprises.Load())
}

// A matrix that judges nothing would be as green.
func TestMatrixIsSurprised(t *testing.T) {
	t.Parallel()
	good := []outcome{
		{want: 200, got: 200}, {want: 404, got: 404, changes: true}, {want: 201, got: 201, changes: true, oursChanged: true},
		{want: 201, got: 201, changes: true, elsewhere: true}, {want: 200, got: 200, changes: true, oursChanged: true, auditWanted: true, audited: 1},
	}
	for _, o := range good {
		if got := o.surprises(); len(got) > 0 {
			t.Errorf("%+v: %q", o, got)
		}
	}
	bad := []outcome{
		{want: 200, got: 403}, {want: 404, got: 403}, {want: 403, got: 200}, {want: 401, got: 500}, {want: 200, got: 200, oursChanged: true},
		{want: 403, got: 403, changes: true, oursChanged: true}, {want: 200, got: 200, changes: true}, {want: 200, got: 200, theirsChanged: true},
		{want: 201, got: 201, changes: true, elsewhere: true, oursChanged: true}, {want: 403, got: 403, auditWanted: true},
		{want: 200, got: 200, changes: true, oursChanged: true, auditWanted: true},
	}
	for _, o := range bad {
		if got := o.surprises(); len(got) != 1 {
			t.Errorf("%+v: %q, want one surprise", o, got)
		}
	}
}
