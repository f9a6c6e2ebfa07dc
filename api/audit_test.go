package api_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/identity"
)

type auditPage struct {
	Items      []api.AuditEntry `json:"items"`
	NextCursor *string          `json:"next_cursor"`
}

// audited reads the entries that a query of the log answers.
func (w *world) audited(t testing.TB, who dbtest.User, path string) []api.AuditEntry {
	t.Helper()
	return into[auditPage](t, w.call(t, who, http.MethodGet, path, nil).want(t, 200)).Items
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// What people do is in the log, with who they are and from where; what is secret is not.
func TestAuditOfRequests(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"text": "Hello", "title": "A"}).want(t, 201))
	w.call(t, c.member, "PATCH", c.path("/posts/%s", post.ID), m{"title": "B"}, "X-Request-ID", "r-1", "User-Agent", "spring/1", "X-Forwarded-For", "192.0.2.9").want(t, 200)
	got := w.audited(t, c.owner, c.path("/audit?resource_id=%s&action=post.update", post.ID))
	if len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	e := got[0]
	if e.ActorKind != "user" || e.ActorID == nil || *e.ActorID != c.member.ID || text(e.RequestID) != "r-1" || text(e.UserAgent) != "spring/1" ||
		text(e.Operation) != "update-post" || text(e.IP) != "192.0.2.9" || e.SystemRole != nil || e.ResourceType != "post" {
		t.Errorf("recorded %+v", e)
	}
	if changes := string(must(json.Marshal(e.Changes))); changes != `{"title":{"from":"A","to":"B"}}` {
		t.Errorf("the change is %s", changes)
	}
	// A system role's reason, in one line.
	system := w.User(t, dbtest.User{SystemRole: "admin"})
	w.call(t, system, "PATCH", c.path(""), m{"name": "Renamed"}, "X-Admin-Reason", "  asked by\tphone "+strings.Repeat("x", 600)).want(t, 200)
	e = w.audited(t, c.owner, c.path("/audit?action=customer.update&actor_id=%s", system.ID))[0]
	if text(e.SystemRole) != "admin" || !strings.HasPrefix(text(e.Reason), "asked by") || len(text(e.Reason)) != 500 || strings.ContainsAny(text(e.Reason), "\t\n") {
		t.Errorf("recorded %+v with the reason %q", e, text(e.Reason))
	}
	// An account: neither its key nor the sealed bytes.
	w.call(t, c.admin, "POST", c.path("/integrations"), m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}).want(t, 201)
	secret := w.siteKey[strings.Index(w.siteKey, ":")+1:]
	if n := w.count(t, "select count(*) from audit_log a where a::text like '%' || $1 || '%' or a::text like '%' || (select encode(credential, 'hex') from integrations limit 1) || '%'", secret); n > 0 {
		t.Errorf("%d entries hold a credential", n)
	}
	if n := w.count(t, "select count(*) from audit_log a, users u where a::text like '%' || u.email || '%'"); n > 0 {
		t.Errorf("%d entries hold an address", n)
	}
}

// Refused attempts are in the log of the customer for its own people, and of the installation for everybody else.
func TestAuditOfRefusals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	system := w.User(t, dbtest.User{SystemRole: "viewer"})
	w.call(t, c.viewer, "POST", c.path("/posts"), m{"text": "x"}, "X-Request-ID", "refused-1").want(t, 403)
	refusals := c.path("/audit?action=request.refuse")
	got := w.audited(t, c.owner, refusals)
	if len(got) != 1 || text(got[0].RequestID) != "refused-1" || *got[0].ActorID != c.viewer.ID || text(got[0].Operation) != "create-post" {
		t.Errorf("recorded %+v", got)
	}
	for _, customer := range []string{c.customer.ID.String(), uuid.NewString()} {
		w.call(t, c.outsider, "GET", "/v1/customers/"+customer+"/posts", nil, "X-Request-ID", "refused-2", "X-Forwarded-For", "192.0.2.9").want(t, 404)
	}
	expired := must(w.signer.Sign(identity.Claims{Issuer: issuer, Audience: "somebody-else", Subject: c.owner.Subject}, time.Hour))
	request := w.request(t, "GET", c.path("/posts"), nil)
	request.Header.Set("Authorization", "Bearer "+expired)
	w.do(t, request).want(t, 401)
	request = w.request(t, "GET", c.path("/posts"), nil)
	request.Header.Set("Authorization", "Bearer nonsense")
	w.do(t, request).want(t, 401)
	if again := w.audited(t, c.owner, refusals); len(again) != 1 {
		t.Errorf("the customer's log has %d refusals", len(again))
	}
	got = w.audited(t, system, "/v1/audit?action=request.refuse")
	if len(got) != 3 || got[0].ActorKind != "nobody" || text(got[1].RequestID) != "refused-2" || *got[1].ActorID != c.outsider.ID {
		t.Fatalf("the installation's log has %+v", got)
	}
	got[1].ID, got[1].OccurredAt = got[2].ID, got[2].OccurredAt
	if one, other := string(must(json.Marshal(got[1]))), string(must(json.Marshal(got[2]))); one != other {
		t.Errorf("a customer that is there and one that is not can be told apart:\n%s\n%s", one, other)
	}
	// What is merely not there, or not right, is no refusal.
	w.call(t, c.owner, "GET", c.path("/posts/%s", uuid.New()), nil).want(t, 404)
	w.call(t, c.owner, "POST", c.path("/posts"), m{"text": ""}).want(t, 422)
	if again := w.audited(t, c.owner, refusals); len(again) != 1 {
		t.Errorf("the customer's log has %d refusals", len(again))
	}
	// If it cannot be recorded, the refusal stands and the log says so.
	w.exec(t, "revoke execute on function tenancy.record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text) from fanfare_login")
	w.call(t, c.viewer, "POST", c.path("/posts"), m{"text": "x"}).want(t, 403)
	if !strings.Contains(w.logs.String(), "a refusal was not recorded in the audit log") {
		t.Error("nothing was said")
	}
}

// Who may read the log: owners and admins, also of an archived customer, and system roles.
func TestAuditReaders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	system := w.User(t, dbtest.User{SystemRole: "viewer"})
	w.exec(t, "update customers set name = 'x' where id = $1", c.customer.ID)
	check := func() {
		t.Helper()
		for _, path := range []string{c.path("/audit"), c.path("/audit/export"), c.path("/audit/export?format=csv"), c.path("/audit?until=1999-01-01T00:00:00Z")} {
			for who, status := range map[*dbtest.User]int{&c.owner: 200, &c.admin: 200, &system: 200, &c.member: 403, &c.viewer: 403, &c.outsider: 404} {
				w.call(t, *who, "GET", path, nil).want(t, status)
			}
		}
	}
	check()
	w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
	check()
	w.call(t, system, "GET", "/v1/audit", nil).want(t, 200)
	w.call(t, c.owner, "GET", "/v1/audit", nil).want(t, 403)
	w.call(t, c.outsider, "GET", "/v1/audit", nil).want(t, 403)
	for _, e := range w.audited(t, system, "/v1/audit?limit=100") {
		if strings.Contains(string(must(json.Marshal(e))), c.customer.ID.String()) {
			t.Errorf("the installation's log tells of a customer: %+v", e)
		}
	}
}

// Filters and pages.
func TestAuditFilters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	one := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"text": "1"}).want(t, 201))
	two := into[api.Post](t, w.call(t, c.admin, "POST", c.path("/posts"), m{"text": "2"}).want(t, 201))
	for i := range 5 {
		w.call(t, c.owner, "PATCH", c.path("/posts/%s", one.ID), m{"title": fmt.Sprint(i)}).want(t, 200)
	}
	w.exec(t, "update posts set title = 'by hand' where id = $1", two.ID)
	all := w.audited(t, c.owner, c.path("/audit?limit=100"))
	if !slices.IsSortedFunc(all, func(a, b api.AuditEntry) int { return b.OccurredAt.Compare(a.OccurredAt) }) {
		t.Error("not newest first")
	}
	third := all[2].OccurredAt.Format(time.RFC3339Nano)
	for path, want := range map[string]int{
		"action=post.create": 2, "action=post.create&actor_id=" + c.member.ID.String(): 1, "actor_id=" + c.owner.ID.String(): 5,
		"actor_id=" + c.owner.ID.String() + "&action=post.create": 0, "resource_id=" + one.ID.String(): 6, "resource_id=" + two.ID.String(): 2,
		"resource_id=" + two.ID.String() + "&actor_kind=database": 1, "resource_id=" + one.ID.String() + "&actor_id=" + c.member.ID.String(): 1,
		"resource_type=post": 8, "resource_type=post&actor_kind=user": 7, "action=post.update&resource_type=post&actor_kind=user": 5,
		"actor_kind=worker": 0, "action=nothing": 0, "since=" + third: 3, "until=" + third: len(all) - 3, "since=" + third + "&until=" + third: 0,
		"resource_type=post&since=" + third: 3, "until=2001-01-01T00:00:00Z": 0, "since=2199-01-01T00:00:00Z": 0, "since=2001-01-01T00:00:00Z": len(all),
	} {
		if got := w.audited(t, c.owner, c.path("/audit?limit=100&%s", path)); len(got) != want {
			t.Errorf("%s: %d entries, want %d", path, len(got), want)
		}
		export := w.call(t, c.owner, "GET", c.path("/audit/export?%s", path), nil).want(t, 200)
		if got := strings.Count(string(export.body), "\n"); got != want {
			t.Errorf("export, %s: %d entries, want %d", path, got, want)
		}
	}
	ids, pages := w.walk(t, c.owner, c.path("/audit"))
	if len(ids) != len(all) || pages != (len(all)+1)/2 {
		t.Errorf("%d entries on %d pages, want %d", len(ids), pages, len(all))
	}
	for i, id := range ids {
		if id != all[i].ID.String() {
			t.Errorf("place %d holds %s, want %s", i, id, all[i].ID)
		}
	}
	if ids, _ := w.walk(t, c.owner, c.path("/audit?actor_id=%s", c.owner.ID)); len(ids) != 5 {
		t.Errorf("%d entries of one actor", len(ids))
	}
	const format = "must be RFC 3339, such as 2026-01-02T15:04:05Z"
	for _, query := range []string{"since=yesterday", "until=2026-01-02", "since=2026-01-02T15:04:05", "until=2026-01-02T15:04:05+02:00"} { // a plus is a space
		for _, path := range []string{c.path("/audit"), c.path("/audit/export")} {
			problem := into[api.Problem](t, w.call(t, c.admin, "GET", path+"?"+query, nil).want(t, 422))
			if len(problem.Errors) != 1 || problem.Errors[0].Message != format {
				t.Errorf("%s?%s: %+v", path, query, problem.Errors)
			}
		}
	}
	for query, location := range map[string]string{"since=yesterday": "query.since", "actor_id=x": "query.actor_id", "actor_kind=robot": "query.actor_kind", "cursor=x": "query.cursor", "color=red": "query.color"} {
		w.call(t, c.owner, "GET", c.path("/audit?%s", query), nil).wantAt(t, location)
	}
}

// An export is whole, in the format that was asked for, and no spreadsheet runs what somebody wrote.
func TestAuditExportFormats(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.call(t, c.member, "POST", c.path("/posts"), m{"text": "Line\nbreak, \"quotes\" und Ümläute"}, "User-Agent", "=cmd|' /C calc'!A0;+1;\t-2; 3").want(t, 201)
	ndjson := w.call(t, c.owner, "GET", c.path("/audit/export"), nil).want(t, 200)
	var entries []api.AuditEntry
	for line := range strings.Lines(string(ndjson.body)) {
		var e api.AuditEntry
		mustDo(t, json.Unmarshal([]byte(line), &e))
		entries = append(entries, e)
	}
	answer := w.call(t, c.owner, "GET", c.path("/audit/export?format=csv"), nil).want(t, 200)
	if kind := answer.header.Get("Content-Disposition"); kind != `attachment; filename="audit-`+c.customer.ID.String()+`.csv"` {
		t.Errorf("Content-Disposition %s", kind)
	}
	records := must(csv.NewReader(strings.NewReader(string(answer.body))).ReadAll())
	if len(records) != len(entries)+1 || len(entries) < 5 {
		t.Fatalf("%d records, %d entries", len(records), len(entries))
	}
	column := func(name string) int { return slices.Index(records[0], name) }
	created := slices.IndexFunc(records, func(r []string) bool { return r[column("action")] == "post.create" })
	if got := records[created][column("user_agent")]; got != "'=cmd|' /C calc'!A0;'+1;\t'-2; 3" {
		t.Errorf("the cell of a formula is %q", got)
	}
	var changes map[string]map[string]string
	mustDo(t, json.Unmarshal([]byte(records[created][column("changes")]), &changes))
	if changes["text"]["to"] != "Line\nbreak, \"quotes\" und Ümläute" {
		t.Errorf("the text is %q", changes["text"]["to"])
	}
	for i, e := range entries {
		if records[i+1][0] != e.ID.String() {
			t.Errorf("line %d is %s, want %s", i+1, records[i+1][0], e.ID)
		}
	}
	w.call(t, c.owner, "GET", c.path("/audit/export?format=xml"), nil).wantAt(t, "query.format")
}

// manyEntries fills a customer's log.
func manyEntries(t testing.TB, w *world, customerID uuid.UUID, n int) {
	t.Helper()
	w.exec(t, `insert into audit_log (customer_id, id, occurred_at, actor_kind, action, resource_type, resource_id, changes)
		select $1, tenancy.audit_id(at), at, 'user', 'post.update', 'post', gen_random_uuid()::text, jsonb_build_object('text', jsonb_build_object('to', repeat('x', 500)))
		from (select clock_timestamp() as at from generate_series(1, $2)) x`, customerID, n)
}

// The memory of an export does not grow with what is exported. Not parallel: what others take would be counted.
func TestAuditExportIsFlat(t *testing.T) {
	w := setup(t)
	c := w.cast(t)
	const many = 120_000
	manyEntries(t, w, c.customer.ID, many)
	request := w.request(t, "GET", c.path("/audit/export"), nil)
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
	memory := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := memory()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines, bytes := 0, 0
	most := uint64(0)
	reader := bufio.NewReaderSize(response.Body, 1<<20)
	for {
		line, err := reader.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		mustDo(t, err)
		lines++
		bytes += len(line)
		if lines%20_000 == 0 {
			most = max(most, memory())
		}
	}
	if lines < many || bytes < 50<<20 {
		t.Errorf("%d lines, %d bytes", lines, bytes)
	}
	t.Logf("%d entries, %d MiB; the heap was at %d MiB before and at most at %d MiB", lines, bytes>>20, before>>20, most>>20)
	if most > before+40<<20 {
		t.Errorf("the heap grew from %d to %d MiB", before>>20, most>>20)
	}
}

// An export that cannot be completed does not look complete.
func TestAuditExportBreaksOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	manyEntries(t, w, c.customer.ID, 20_000)
	request := w.request(t, "GET", c.path("/audit/export"), nil)
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	// The reader is removed from the customer while they read.
	reader := bufio.NewReader(response.Body)
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "update memberships set role = 'owner' where user_id = $1", c.admin.ID)
	w.exec(t, "delete from memberships where user_id = $1", c.owner.ID)
	if _, err := io.Copy(io.Discard, reader); err == nil {
		t.Error("the answer ended as if it were whole")
	}
	if !strings.Contains(w.logs.String(), "an export broke off") {
		t.Error("nothing was logged")
	}
}

// The plans of the filters walk along the indexes.
func TestAuditPlans(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	manyEntries(t, w, c.customer.ID, 50_000)
	w.call(t, c.member, "POST", c.path("/posts"), m{"text": "1"}).want(t, 201)
	w.exec(t, "analyze audit_log")
	for _, query := range []string{"", "actor_id=" + c.member.ID.String(), "action=post.create", "resource_id=" + c.member.ID.String(), "since=2026-01-01T00:00:00Z"} {
		for range 7 { // also the generic plan
			w.call(t, c.owner, "GET", c.path("/audit?%s", query), nil).want(t, 200)
		}
		started := time.Now()
		for range 5 {
			w.call(t, c.owner, "GET", c.path("/audit?%s", query), nil).want(t, 200)
		}
		if took := time.Since(started) / 5; took > 250*time.Millisecond {
			t.Errorf("%s takes %s", query, took)
		} else {
			t.Logf("%q takes %s", query, took)
		}
	}
}
