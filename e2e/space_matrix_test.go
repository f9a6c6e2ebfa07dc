package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
)

// elsewhereInCustomer is how an operation answers a key of another space of the same customer.
type elsewhereInCustomer string

const (
	// absent: it belongs to the space, and is not there.
	absent elsewhereInCustomer = "absent"
	// shared: it belongs to the whole customer, or the answer is the caller's own.
	shared elsewhereInCustomer = "shared"
	// listed: a list of what is in spaces, without what is in others.
	listed elsewhereInCustomer = "listed"
	// made: something new, which is of the caller's space.
	made elsewhereInCustomer = "made"
	// denied: it belongs to the whole customer, and is not changed from a space, nor seen where it tells of all.
	denied elsewhereInCustomer = "denied"
)

// fromAnotherSpace says it of every operation for which there is a permission; the others refuse every key.
var fromAnotherSpace = map[string]elsewhereInCustomer{
	"get-customer": shared, "watch-changes": shared, "get-customer-context": shared, "earlier-get-client-context": shared,
	"list-audit-entries": denied, "export-audit-entries": denied, // it tells of all spaces
	"list-agent-tokens": listed, "get-agent-token": absent, "revoke-agent-token": absent, "create-agent-token": made,

	"list-campaigns": shared, "get-campaign": shared, "create-campaign": denied, "update-campaign": denied, "archive-campaign": denied, "delete-campaign": denied,
	"list-posts": listed, "list-calendar": listed, "get-report": listed, "list-report-posts": listed, "export-report": listed, "get-post": absent, "get-post-metrics": absent, "create-post": made, "generate-post": made, "earlier-generate-post": made, "update-post": absent,
	"publish-post": absent, "schedule-post": absent, "cancel-post": absent, "submit-post": absent, "withdraw-post": absent, "queue-post": absent,
	"list-post-reviews": absent, "get-post-review": absent, "create-post-review": absent, "check-draft": shared, "check-post": absent,
	"retry-platform-post": absent, "list-publish-attempts": absent,
	"list-media": listed, "get-media": absent, "get-media-content": absent, "create-media": made, "update-media": absent, "delete-media": absent,
	"search-images": shared, "earlier-search-images": shared, "use-image": made,
	"list-workspaces": listed, "get-workspace": absent, "list-files": absent, "get-file": absent, "read-file": absent, "read-file-text": absent,
	"write-file": absent, "write-file-text": absent, "move-file": absent, "delete-file": absent, "create-directory": absent, "use-file": absent,
	"list-messages": absent, "list-memories": listed, "get-memory": absent, "create-memory": made, "update-memory": absent, "delete-memory": absent,
	"list-email-templates": shared, "get-email-template": shared, "preview-email-template": shared,
	"create-email-template": denied, "update-email-template": denied, "delete-email-template": denied,
	"list-queue-slots": shared, "list-upcoming-slots": listed, "create-queue-slot": denied, "delete-queue-slot": denied,
	"list-recurring-posts": listed, "get-recurring-post": absent, "list-post-occurrences": absent, "create-recurring-post": absent,
	"update-recurring-post": absent, "delete-recurring-post": absent, "pause-recurring-post": absent, "resume-recurring-post": absent,
	"list-integrations": shared, "get-integration": shared, "list-bots": shared, "get-bot": shared,
	"list-spaces": listed, "get-space": absent, "list-pairings": denied, "get-pairing": denied, "create-pairing": denied,
	"earlier-generate-pairing-code": denied, "earlier-pair": denied,

	"list-credentials": listed, "list-space-credentials": absent, "create-space-credential": absent, "update-space-credential": absent, "delete-space-credential": absent,
	"list-mcp-servers": absent, "get-mcp-server": absent, "check-mcp-server": absent, "set-mcp-login": absent, "delete-mcp-login": absent,

	"list-jobs": listed, "get-usage": shared, "export-usage": shared, "get-llm-budget": shared, "list-rate-limits": shared, "get-rate-limit": shared,
}

// inSpaces are the names of ids of what belongs to a space: no answer to somebody in another one holds them.
var inSpaces = []string{"space_id", "post_id", "platform_post_id", "media_id", "memory_id", "review_id", "recurring_post_id", "pairing_id", "agent_token_id",
	"workspace_id", "credential_id", "space_credential_id", "own_credential_id", "mcp_server_id"}

// TestSpacesMeetNowhere tries every operation inside a customer with a key of a space, on everything that is in another space
// of the same customer: it is as if it were not there, and what belongs to the whole customer is not changed from a space. So it
// is with a key that may do everything, of an owner.
func TestSpacesMeetNowhere(t *testing.T) {
	t.Parallel()
	m, rows := newMatrix(t), permissions(t)
	all := operations(t, m.s)
	for id := range fromAnotherSpace {
		if _, found := all[id]; !found {
			t.Errorf("fromAnotherSpace has %s, and there is no such operation", id)
		}
	}
	counted := map[elsewhereInCustomer]int{}
	for id, o := range all {
		rule, found := fromAnotherSpace[id]
		if people := !rows[id].keys.any && len(rows[id].keys.permissions) == 0; people == found {
			t.Errorf("%s: what is there a permission for is in fromAnotherSpace, and nothing else", id)
			continue
		} else if people {
			rule = denied
		}
		counted[rule]++
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			m.tryFromAnotherSpace(t, o, rule)
		})
	}
	fmt.Printf("%s: operations %d, %v\n", t.Name(), len(all), counted)
}

func (m *matrix) tryFromAnotherSpace(t *testing.T, o operation, rule elsewhereInCustomer) {
	t.Helper()
	a := acts[o.id]
	c := m.newCell(t, o.id)
	space := uuid.MustParse(c.ids["space_id"])
	for _, sql := range []string{
		"update posts set space_id = $2, title = $3, text = $3 where customer_id = $1", "update media set space_id = $2, alt_text = $3 where customer_id = $1",
		"update post_reviews set space_id = $2, comment = $3, content = jsonb_build_object('text', $3::text) where customer_id = $1",
		"update memories set space_id = $2, text = $3 where customer_id = $1", "update messages set text = $3 where customer_id = $1 and space_id = $2",
	} {
		if _, err := m.s.super.Exec(t.Context(), sql, c.customer, space, ofAnotherSpace); err != nil {
			t.Fatal(err)
		}
	}
	here := m.db.Space(t, dbtest.Space{CustomerID: c.customer, PairedBy: m.members["owner"].ID})
	owner := m.members["owner"].ID
	mine := dbtest.APIKey{CustomerID: c.customer, CreatedBy: owner, SpaceID: &here.ID}
	c.as(t, m.members["owner"]) // whoever prepares is a person
	c.arrange(t, a)
	if id := c.ids["space_credential_id"]; o.id == "update-space-credential" || o.id == "delete-space-credential" {
		c.ids["credential_id"] = id
	}
	match := c.headers["If-Match"]
	c.headers = map[string]string{}
	c.use(t, mine)
	if match != "" {
		c.headers["If-Match"] = match
	}
	var body any
	if a.body != nil {
		body = a.body(c)
	}
	before := m.s.checksum(t, c.customer.String(), leavesTraces...)
	r := m.send(t, o.method, fill(o.path+a.query, c.ids), body, c.headers)
	changed := before != m.s.checksum(t, c.customer.String(), leavesTraces...)
	want := map[elsewhereInCustomer]int{absent: http.StatusNotFound, denied: http.StatusForbidden}[rule]
	if want == 0 {
		want = a.success
	}
	if r.status != want {
		t.Errorf("%s from another space: %d, want %d: %.300s", o.id, r.status, want, r.body)
	}
	if wanted := rule == made; changed != wanted && rule != shared {
		t.Errorf("%s from another space: changed %t, want %t", o.id, changed, wanted)
	}
	for _, name := range inSpaces {
		id := c.ids[name]
		if name == "credential_id" && o.id == "list-credentials" || !bytes.Contains(r.body, []byte(id)) || rule == made && name == "agent_token_id" {
			continue
		}
		if !slices.Contains([]elsewhereInCustomer{absent, denied}, rule) { // those may name what was asked for
			t.Errorf("%s from another space tells of its %s: %.500s", o.id, name, r.body)
		}
	}
	if bytes.Contains(r.body, []byte(ofAnotherSpace)) {
		t.Errorf("%s from another space tells what is said there: %.500s", o.id, r.body)
	}
	if rule == made && o.id != "create-agent-token" {
		table := map[string]string{"create-post": "posts", "generate-post": "posts", "earlier-generate-post": "posts", "create-media": "media", "use-image": "media", "create-memory": "memories"}[o.id]
		if one[int](t, m.s, fmt.Sprintf("select count(*) from %s where customer_id = $1 and space_id = $2", table), c.customer, here.ID) != 1 {
			t.Errorf("%s: what it makes is not of the caller's space", o.id)
		}
	} else if rule == made && one[int](t, m.s, "select count(*) from agent_tokens where customer_id = $1 and space_id = $2 and created_at > $3",
		c.customer, here.ID, time.Now().Add(-time.Minute)) != 1 {
		t.Error("a token of a key of a space is not of that space")
	}
}

// ofAnotherSpace stands in everything that is said in the other space.
const ofAnotherSpace = "zqelsewhere"
