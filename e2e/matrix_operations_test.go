package e2e

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/bots"
	"fanfare/internal/bucket"
	"fanfare/internal/mcpclient"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// act is how an operation is tried: a request that succeeds if whoever makes it may make it.
type act struct {
	success int
	// query follows the path.
	query string
	// action is what the audit log says of it, "" for what changes nothing.
	action string
	body   func(c *cell) any
	// prepare changes the cell's customer, beyond what every cell has.
	prepare func(t testing.TB, c *cell)
	// keyAlso is what a key needs besides, because of what is asked for.
	keyAlso []string
	// elsewhere: it changes something, but not in the customer that the cell is about.
	elsewhere bool
	// queues: it changes nothing but the queue, of which the audit log does not tell.
	queues bool
}

// changes tells whether the operation changes something where it succeeds.
func (a act) changes() bool { return a.action != "" || a.queues }

// with is a body that is always the same.
func with(body map[string]any) func(*cell) any { return func(*cell) any { return body } }

// acts are all operations. What an operation needs to exist is in newCell, by the name that its id has in paths.
var acts = map[string]act{
	"get-health":    {success: http.StatusOK},
	"get-liveness":  {success: http.StatusOK},
	"get-readiness": {success: http.StatusOK},

	"get-dashboard-settings": {success: http.StatusOK},

	"get-me":               {success: http.StatusOK},
	"get-access":           {success: http.StatusOK},
	"list-customers":       {success: http.StatusOK},
	"list-customer-health": {success: http.StatusOK},
	"create-customer": {success: http.StatusCreated, action: "customer.create", elsewhere: true,
		body: with(map[string]any{"name": "Made by the matrix"})},

	"get-customer":         {success: http.StatusOK},
	"get-customer-context": {success: http.StatusOK},
	"get-overview":         {success: http.StatusOK},
	"watch-changes":        {success: http.StatusOK, query: "?seconds=1"},
	"update-customer":      {success: http.StatusOK, action: "customer.update", body: with(map[string]any{"name": "Changed"})},
	"archive-customer":     {success: http.StatusOK, action: "customer.update"},
	"restore-customer":     {success: http.StatusOK, action: "customer.update", prepare: archived},

	// It is archived first, and named once more.
	"erase-customer": {success: http.StatusAccepted, action: "customer.update", prepare: archived, body: func(c *cell) any {
		return map[string]any{"name": c.name}
	}},
	"list-erasures": {success: http.StatusOK},
	"get-erasure": {success: http.StatusOK, prepare: func(t testing.TB, c *cell) {
		c.ids["erasure_id"] = dbtest.NewID(t).String()
		asker := c.person.ID
		if asker == uuid.Nil {
			asker = c.m.inviter.ID
		}
		c.exec(t, "insert into erasures (id, subject_id, requested_by, has_files) values ($1, $2, $3, false)", c.ids["erasure_id"], dbtest.NewID(t), asker)
	}},

	"list-audit-entries":              {success: http.StatusOK},
	"export-audit-entries":            {success: http.StatusOK},
	"list-installation-audit-entries": {success: http.StatusOK},

	"list-exports":  {success: http.StatusOK},
	"get-export":    {success: http.StatusOK},
	"create-export": {success: http.StatusAccepted, action: "export.create"},
	"delete-export": {success: http.StatusNoContent, action: "export.update"}, // it ends now
	"download-export": {success: http.StatusOK, prepare: func(t testing.TB, c *cell) {
		if err := c.m.bucket.Write(t.Context(), bucket.Export(c.customer, uuid.MustParse(c.ids["export_id"])), "application/zip", func(out io.Writer) error {
			_, err := io.WriteString(out, "An archive.")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}},

	"list-members":  {success: http.StatusOK},
	"get-member":    {success: http.StatusOK},
	"update-member": {success: http.StatusOK, action: "member.update", body: with(map[string]any{"role": "member"})},
	"remove-member": {success: http.StatusNoContent, action: "member.delete"},

	"list-invitations": {success: http.StatusOK},
	"get-invitation":   {success: http.StatusOK},
	"create-invitation": {success: http.StatusCreated, action: "invitation.create",
		body: with(map[string]any{"email": "somebody@example.com", "role": "viewer"})},
	"revoke-invitation": {success: http.StatusNoContent, action: "invitation.update"},
	// Into another customer than the cell's, where many are members already.
	"accept-invitation": {success: http.StatusOK, action: "member.create", elsewhere: true, body: func(c *cell) any {
		return map[string]any{"token": c.invitation}
	}, prepare: func(t testing.TB, c *cell) {
		elsewhere := c.m.db.Customer(t, dbtest.Customer{})
		c.m.db.Join(t, elsewhere.ID, c.m.inviter.ID, "owner")
		r := c.m.send(t, http.MethodPost, "/v1/customers/"+elsewhere.ID.String()+"/invitations",
			map[string]any{"email": cmp.Or(c.person.Email, "nobody@example.com"), "role": "viewer"}, c.m.bearer(t, c.m.inviter))
		_, c.invitation, _ = strings.Cut(decode[invitationAnswer](t, r).Link, "token=")
	}},

	"list-api-keys": {success: http.StatusOK},
	"get-api-key":   {success: http.StatusOK},
	"create-api-key": {success: http.StatusCreated, action: "api_key.create",
		body: with(map[string]any{"name": "Made by the matrix", "permissions": []string{"customer:read"}})},
	"update-api-key": {success: http.StatusOK, action: "api_key.update", body: with(map[string]any{"name": "Changed"})},
	"revoke-api-key": {success: http.StatusNoContent, action: "api_key.update"},

	"list-agent-tokens": {success: http.StatusOK},
	"get-agent-token":   {success: http.StatusOK},
	"create-agent-token": {success: http.StatusCreated, action: "agent_token.create", keyAlso: []string{"customer:read"},
		body: with(map[string]any{"name": "Made by the matrix", "permissions": []string{"customer:read"}})},
	"revoke-agent-token": {success: http.StatusNoContent, action: "agent_token.update"},

	"list-campaigns":   {success: http.StatusOK},
	"get-campaign":     {success: http.StatusOK},
	"create-campaign":  {success: http.StatusCreated, action: "campaign.create", body: with(map[string]any{"name": "Made by the matrix"})},
	"update-campaign":  {success: http.StatusOK, action: "campaign.update", body: with(map[string]any{"name": "Changed"})},
	"archive-campaign": {success: http.StatusOK, action: "campaign.update"},
	"delete-campaign":  {success: http.StatusNoContent, action: "campaign.delete"},

	"list-posts":        {success: http.StatusOK},
	"get-post":          {success: http.StatusOK},
	"get-post-metrics":  {success: http.StatusOK},
	"list-calendar":     {success: http.StatusOK, query: "?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"},
	"get-report":        {success: http.StatusOK},
	"list-report-posts": {success: http.StatusOK},
	"export-report":     {success: http.StatusOK},
	"create-post":       {success: http.StatusCreated, action: "post.create", body: with(map[string]any{"text": "Made by the matrix"})},
	// The installation's model writes it: what is stored of the customer's cannot be opened.
	"generate-post": {success: http.StatusCreated, action: "post.create", prepare: withoutCredentials,
		body: with(map[string]any{"prompt": "Made by the matrix", "platforms": []string{"twitter"}})},
	"update-post":  {success: http.StatusOK, action: "post.update", body: with(map[string]any{"text": "Changed"})},
	"publish-post": {success: http.StatusAccepted, action: "post.update"},
	"schedule-post": {success: http.StatusAccepted, action: "post.update", body: func(*cell) any {
		return map[string]any{"scheduled_at": time.Now().Add(24 * time.Hour)}
	}},
	"cancel-post": {success: http.StatusOK, action: "post.update", prepare: submitted},

	"submit-post":        {success: http.StatusOK, action: "post.update"},
	"withdraw-post":      {success: http.StatusOK, action: "post.update", prepare: submitted},
	"approve-post":       {success: http.StatusOK, action: "post.update", prepare: submitted},
	"reject-post":        {success: http.StatusOK, action: "post_review.create", prepare: submitted, body: with(map[string]any{"comment": "No."})},
	"list-post-reviews":  {success: http.StatusOK},
	"get-post-review":    {success: http.StatusOK},
	"create-post-review": {success: http.StatusCreated, action: "post_review.create", body: with(map[string]any{"comment": "From the matrix"})},
	"check-draft":        {success: http.StatusOK, body: with(map[string]any{"text": "From the matrix"})},
	"check-post":         {success: http.StatusOK},
	"confirm-platform-post": {success: http.StatusOK, action: "platform_post.update", prepare: ended("needs_attention"),
		body: with(map[string]any{"external_url": "https://blog.example.com/there/"})},
	"retry-platform-post":   {success: http.StatusAccepted, action: "platform_post.update", prepare: ended("failed")},
	"list-publish-attempts": {success: http.StatusOK},
	"list-media":            {success: http.StatusOK},
	"get-media":             {success: http.StatusOK},
	"get-media-content":     {success: http.StatusOK, prepare: storedFile},
	"create-media":          {success: http.StatusCreated, action: "media.create", body: func(*cell) any { return onePixel }},
	"update-media":          {success: http.StatusOK, action: "media.update", body: with(map[string]any{"alt_text": "Changed"})},
	"search-images":         {success: http.StatusOK, query: "?query=bakery"},
	"use-image": {success: http.StatusCreated, action: "media.create", body: func(c *cell) any {
		return map[string]any{"image_id": c.m.photo}
	}},
	"delete-media": {success: http.StatusNoContent, action: "media.delete", prepare: storedFile},

	"list-workspaces":              {success: http.StatusOK},
	"get-workspace":                {success: http.StatusOK},
	"create-river-session":         {success: http.StatusNoContent},
	"list-installation-workspaces": {success: http.StatusOK},
	"archive-workspace":            {success: http.StatusAccepted, action: "workspace.update"},
	"get-workspace-policy":         {success: http.StatusOK},
	"update-workspace-policy":      {success: http.StatusOK, action: "workspace_policy.create", body: with(map[string]any{"unused_days": 7})},
	"list-files":                   {success: http.StatusOK, prepare: withFiles},
	"get-file":                     {success: http.StatusOK, query: "?path=notes/there.md", prepare: withFiles},
	"read-file":                    {success: http.StatusOK, query: "?path=notes/there.md", prepare: withFiles},
	"read-file-text":               {success: http.StatusOK, query: "?path=notes/there.md", prepare: withFiles},
	"write-file": {success: http.StatusOK, action: "file.write", query: "?path=notes/made.md", prepare: withFiles,
		body: func(*cell) any { return rawBody("Made by the matrix") }},
	"write-file-text": {success: http.StatusOK, action: "file.write", prepare: withFiles,
		body: with(map[string]any{"path": "notes/there.md", "content": "Made by the matrix"})},
	"move-file": {success: http.StatusOK, action: "file.move", prepare: withFiles,
		body: with(map[string]any{"from": "notes/there.md", "to": "notes/moved.md"})},
	"delete-file":      {success: http.StatusNoContent, action: "file.delete", query: "?path=notes/there.md", prepare: withFiles},
	"create-directory": {success: http.StatusOK, action: "file.make_directory", prepare: withFiles, body: with(map[string]any{"path": "made"})},
	"use-file": {success: http.StatusCreated, action: "media.create", prepare: withFiles, keyAlso: []string{"files:read"},
		body: with(map[string]any{"path": "picture.gif"})},

	"list-backups":      {success: http.StatusOK},
	"get-backup":        {success: http.StatusOK},
	"create-backup":     {success: http.StatusAccepted, queues: true, body: with(map[string]any{})},
	"get-backup-status": {success: http.StatusOK},
	"list-restores":     {success: http.StatusOK},
	"get-restore":       {success: http.StatusOK},
	"create-restore":    {success: http.StatusAccepted, action: "restore.create", body: with(map[string]any{})},
	"start-restore":     {success: http.StatusAccepted, action: "restore.update"},
	"delete-restore":    {success: http.StatusNoContent, action: "restore.delete"},
	"list-drills":       {success: http.StatusOK},

	"list-messages":   {success: http.StatusOK},
	"delete-messages": {success: http.StatusOK, action: "message.delete"},
	"list-memories":   {success: http.StatusOK},
	"get-memory":      {success: http.StatusOK},
	"create-memory":   {success: http.StatusCreated, action: "memory.create", body: with(map[string]any{"text": "Made by the matrix"})},
	"update-memory":   {success: http.StatusOK, action: "memory.update", body: with(map[string]any{"text": "Changed by the matrix"})},
	"delete-memory":   {success: http.StatusNoContent, action: "memory.delete"},

	"list-email-templates":   {success: http.StatusOK},
	"get-email-template":     {success: http.StatusOK},
	"preview-email-template": {success: http.StatusOK, body: with(map[string]any{"title": "Made by the matrix"})},
	"create-email-template": {success: http.StatusCreated, action: "email_template.create",
		body: with(map[string]any{"name": "Made by the matrix", "html": "<p>Hello</p>"})},
	"update-email-template": {success: http.StatusOK, action: "email_template.update", body: with(map[string]any{"html": "<p>Changed</p>"})},
	"delete-email-template": {success: http.StatusNoContent, action: "email_template.delete"},
	"queue-post":            {success: http.StatusAccepted, action: "post.update"},
	"list-queue-slots":      {success: http.StatusOK},
	"list-upcoming-slots":   {success: http.StatusOK},
	"create-queue-slot":     {success: http.StatusCreated, action: "queue_slot.create", body: with(map[string]any{"weekday": "friday", "local_time": "17:45"})},
	"delete-queue-slot":     {success: http.StatusNoContent, action: "queue_slot.delete"},

	"list-recurring-posts":  {success: http.StatusOK},
	"get-recurring-post":    {success: http.StatusOK},
	"list-post-occurrences": {success: http.StatusOK},
	"create-recurring-post": {success: http.StatusCreated, action: "recurring_post.create", body: func(c *cell) any {
		return map[string]any{"post_id": c.ids["post_id"], "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"}
	}},
	"update-recurring-post": {success: http.StatusOK, action: "recurring_post.update", body: with(map[string]any{"rrule": "FREQ=MONTHLY"})},
	"delete-recurring-post": {success: http.StatusNoContent, action: "recurring_post.delete"},
	"pause-recurring-post":  {success: http.StatusOK, action: "recurring_post.update"},
	"resume-recurring-post": {success: http.StatusOK, action: "recurring_post.update", prepare: paused},

	"list-integrations": {success: http.StatusOK},
	"get-integration":   {success: http.StatusOK},
	"create-integration": {success: http.StatusCreated, action: "integration.create", body: func(c *cell) any {
		return map[string]any{"platform": "ghost", "site_url": c.m.siteURL, "admin_api_key": c.m.siteKey}
	}},
	"disconnect-integration": {success: http.StatusNoContent, action: "integration.update"},
	"update-integration":     {success: http.StatusOK, action: "integration.update", body: with(map[string]any{"is_default": true}), prepare: secondAccount},
	"check-integration":      {success: http.StatusAccepted, queues: true},

	"connect-integration": {success: http.StatusOK, action: "connect_session.create"},
	"oauth-callback":      {success: http.StatusSeeOther},
	"get-connect-session": {success: http.StatusOK, prepare: choosing},
	"choose-accounts": {success: http.StatusOK, action: "integration.create", prepare: choosing,
		body: with(map[string]any{"external_ids": []string{"2244994945"}})},

	"list-spaces":          {success: http.StatusOK},
	"get-space":            {success: http.StatusOK},
	"update-space":         {success: http.StatusOK, action: "space.update", body: with(map[string]any{"title": "Changed"})},
	"release-space":        {success: http.StatusNoContent, action: "space.update"},
	"list-space-people":    {success: http.StatusOK},
	"list-chat-identities": {success: http.StatusOK},
	"delete-chat-identity": {success: http.StatusNoContent, action: "chat_identity.delete"},
	"list-pairings":        {success: http.StatusOK},
	"get-pairing":          {success: http.StatusOK},
	// A key gives away no more than it has.
	"create-pairing": {success: http.StatusCreated, action: "pairing.create", keyAlso: []string{"posts:read"},
		body: with(map[string]any{"platform": "telegram", "permissions": []string{"posts:read"}})},
	"confirm-pairing": {success: http.StatusOK, action: "pairing.update", prepare: claimed},
	"deny-pairing":    {success: http.StatusOK, action: "pairing.update", prepare: claimed},
	"revoke-pairing":  {success: http.StatusNoContent, action: "pairing.update"},

	"list-bots": {success: http.StatusOK},
	"get-bot":   {success: http.StatusOK},
	"create-bot": {success: http.StatusCreated, action: "bot.create", body: func(c *cell) any {
		bot, err := c.m.s.box.AddTelegramBot(sandbox.TelegramBot{Username: "m" + strings.ReplaceAll(c.customer.String(), "-", "")[:24] + "_bot"})
		if err != nil {
			panic(err)
		}
		return map[string]any{"platform": "telegram", "token": bot.Token}
	}},
	"update-bot": {success: http.StatusOK, action: "bot.update", prepare: sealedBot, body: func(c *cell) any {
		return map[string]any{"token": c.botToken}
	}},
	"delete-bot": {success: http.StatusNoContent, action: "bot.delete"},

	"list-credentials": {success: http.StatusOK},
	"create-credential": {success: http.StatusCreated, action: "credential.create", prepare: withoutCredentials,
		body: with(map[string]any{"name": "Key", "provider": "anthropic", "model": "claude", "key": "sk-of-the-matrix"})},
	"update-credential":      {success: http.StatusOK, action: "credential.update", body: with(map[string]any{"name": "Changed"})},
	"delete-credential":      {success: http.StatusNoContent, action: "credential.update"}, // a worker deletes it
	"list-space-credentials": {success: http.StatusOK},
	"create-space-credential": {success: http.StatusCreated, action: "credential.create", prepare: withoutCredentials, body: func(c *cell) any {
		return map[string]any{"name": "Key", "provider": "anthropic", "model": "claude", "key": "sk-of-the-matrix", "owner": c.ids["owner"]}
	}},
	// To take consent back takes no permission to write.
	"update-space-credential": {success: http.StatusOK, action: "credential.update", prepare: inSpace, body: func(c *cell) any {
		return pick(c.ids["owner"] == "me", map[string]any{"shared": false}, map[string]any{"name": "Changed"})
	}},
	"delete-space-credential": {success: http.StatusNoContent, action: "credential.update", prepare: inSpace},

	"list-mcp-servers": {success: http.StatusOK},
	"get-mcp-server":   {success: http.StatusOK},
	"create-mcp-server": {success: http.StatusCreated, action: "mcp_server.create",
		body: with(map[string]any{"name": "Server", "url": "https://mcp.example.com/matrix"})},
	"update-mcp-server": {success: http.StatusOK, action: "mcp_server.update", body: with(map[string]any{"name": "Changed"})},
	"delete-mcp-server": {success: http.StatusNoContent, action: "mcp_server.delete"},
	"check-mcp-server":  {success: http.StatusAccepted, queues: true},
	"set-mcp-login": {success: http.StatusOK, action: "credential.update", body: func(c *cell) any {
		return map[string]any{"owner": c.ids["owner"], "token": "a-token-of-the-matrix"}
	}},
	"delete-mcp-login":   {success: http.StatusNoContent, action: "credential.update", query: "?owner={owner}"},
	"set-mcp-client":     {success: http.StatusOK, action: "mcp_server.update", body: with(map[string]any{"client_id": "of the matrix"})},
	"connect-mcp-server": {success: http.StatusOK, action: "connect_session.create", query: "?owner={owner}"},
	"mcp-callback":       {success: http.StatusSeeOther},

	"list-webhooks":           {success: http.StatusOK},
	"get-webhook":             {success: http.StatusOK},
	"create-webhook":          {success: http.StatusCreated, action: "webhook.create", body: with(map[string]any{"url": "https://hooks.example.com/matrix"})},
	"update-webhook":          {success: http.StatusOK, action: "webhook.update", body: with(map[string]any{"description": "Changed"})},
	"delete-webhook":          {success: http.StatusNoContent, action: "webhook.delete"},
	"rotate-webhook-secret":   {success: http.StatusOK, action: "webhook_secret.create"},
	"test-webhook":            {success: http.StatusAccepted, queues: true},
	"list-webhook-deliveries": {success: http.StatusOK},
	"get-webhook-delivery":    {success: http.StatusOK},
	"resend-webhook-delivery": {success: http.StatusAccepted, queues: true},

	"list-jobs": {success: http.StatusOK, prepare: scheduled},

	"earlier-create-client": {success: http.StatusCreated, action: "customer.create", elsewhere: true,
		body: with(map[string]any{"name": "Made by the matrix"})},
	"earlier-get-client-context":    {success: http.StatusOK},
	"earlier-generate-pairing-code": {success: http.StatusCreated, action: "pairing.create", keyAlso: []string{"posts:read"}},
	"earlier-pair": {success: http.StatusOK, body: func(c *cell) any {
		return map[string]any{"client_id": c.ids["customer_id"], "code": "000000", "chat_id": 7}
	}},
	"earlier-generate-post": {success: http.StatusCreated, action: "post.create", prepare: withoutCredentials, body: func(c *cell) any {
		return map[string]any{"client_id": c.ids["customer_id"], "prompt": "Made by the matrix", "platforms": []string{"twitter"}}
	}},
	"earlier-search-images": {success: http.StatusOK, body: func(c *cell) any {
		return map[string]any{"client_id": c.ids["customer_id"], "query": "bakery"}
	}},
	"earlier-authorize":       {success: http.StatusOK, action: "connect_session.create"},
	"earlier-oauth-callback":  {success: http.StatusSeeOther},
	"get-usage":               {success: http.StatusOK},
	"export-usage":            {success: http.StatusOK},
	"list-installation-usage": {success: http.StatusOK},
	"get-llm-budget":          {success: http.StatusOK},
	"set-llm-budget":          {success: http.StatusOK, action: "llm_budget.update", body: with(map[string]any{"monthly_tokens": 7, "monthly_cost_microusd": 77})},
	"reset-llm-budget":        {success: http.StatusNoContent, action: "llm_budget.delete"},

	"list-rate-limits": {success: http.StatusOK},
	"get-rate-limit":   {success: http.StatusOK},
	"set-rate-limit":   {success: http.StatusOK, action: "rate_limit_rule.update", body: with(map[string]any{"quota": 7, "window_seconds": 77})},
	"reset-rate-limit": {success: http.StatusNoContent, action: "rate_limit_rule.delete"},
}

// onePixel is a picture.
const onePixel = rawBody("GIF89a\x01\x00\x01\x00\x00\x00\x00\x2C\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3B")

// storedFile puts the bytes of the cell's file into the bucket.
func storedFile(t testing.TB, c *cell) {
	if err := c.m.bucket.Write(t.Context(), bucket.Media(c.customer)+c.ids["media_id"], "image/gif", func(out io.Writer) error {
		_, err := io.WriteString(out, string(onePixel))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// withFiles puts files into the cell's workspace.
func withFiles(t testing.TB, c *cell) {
	at := filepath.Join(c.m.s.workspaces, c.customer.String(), "shared")
	if err := os.MkdirAll(filepath.Join(at, "notes"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"notes/there.md": "There.", "picture.gif": string(onePixel)} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sealedBot lets the cell's bot be one of the sandbox's, whose token is sealed as the API does.
func sealedBot(t testing.TB, c *cell) {
	bot, err := c.m.s.box.AddTelegramBot(sandbox.TelegramBot{Username: "s" + strings.ReplaceAll(c.customer.String(), "-", "")[:24] + "_bot"})
	if err != nil {
		t.Fatal(err)
	}
	c.botToken = bot.Token
	sealed, keyID := c.seal(t, bots.Secrets{Token: bot.Token, WebhookSecret: bots.NewSecret()}, vault.BotCredential(c.customer, uuid.MustParse(c.ids["bot_id"]), "telegram"))
	c.exec(t, "update bots set bot = $2, credential = $3, key_id = $4 where id = $1", c.ids["bot_id"], strconv.FormatInt(bot.ID, 10), sealed, keyID)
	c.exec(t, "update bots set given_by = $2 where id = $1", c.ids["bot_id"], c.m.members["owner"].ID)
}

// seal gives a secret as it is stored.
func (c *cell) seal(t testing.TB, secret any, of vault.Context) (sealed []byte, keyID int64) {
	t.Helper()
	plain, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = c.m.keys.Seal(plain, of); err != nil {
		t.Fatal(err)
	}
	return sealed, int64(c.m.keys.PrimaryKeyID())
}

func withoutCredentials(t testing.TB, c *cell) {
	c.exec(t, "delete from credentials where customer_id = $1 and kind = 'llm'", c.customer)
}

// inSpace lets the cell's credential be one of its space: of the space or, for somebody in it, their own.
func inSpace(_ testing.TB, c *cell) { c.ids["credential_id"] = c.ids["space_credential_id"] }

// secondAccount lets the cell's account not be the default of its platform.
func secondAccount(t testing.TB, c *cell) {
	other := c.m.db.Integration(t, dbtest.Integration{CustomerID: c.customer})
	c.exec(t, "update integrations set is_default = false where customer_id = $1", c.customer)
	c.exec(t, "update integrations set is_default = true where id = $1", other.ID)
}

// choosing makes a connect session of the caller's, whose accounts are to be chosen.
func choosing(t testing.TB, c *cell) {
	id, who := dbtest.NewID(t), c.person.ID
	if who == uuid.Nil {
		who = c.m.inviter.ID
	}
	secret, err := json.Marshal(map[string]any{
		"Tokens": map[string]any{"access_token": "from the matrix", "issued_at": time.Now()},
		"Login": map[string]any{"ExternalID": "2244994945", "Name": "Blue Bottle Bakery", "Accounts": []any{map[string]any{
			"ExternalID": "2244994945", "Name": "Blue Bottle Bakery", "Kind": "user", "Credential": map[string]any{"access_token": "t", "user_id": "2244994945"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := c.m.keys.Seal(secret, vault.ConnectSession(c.customer, id, "twitter"))
	if err != nil {
		t.Fatal(err)
	}
	c.ids["connect_session_id"] = id.String()
	c.exec(t, `insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id, state)
		values ($1, $2, 'twitter', $3, sha256($4), sha256($4), 'http://127.0.0.1/', 'http://127.0.0.1/', $5, $6, 'choosing')`,
		c.customer, id, who, []byte(id.String()), sealed, int64(c.m.keys.PrimaryKeyID()))
}

func archived(t testing.TB, c *cell) {
	c.exec(t, "update customers set archived_at = now() where id = $1", c.customer)
}

// paused pauses what recurs in the cell's customer.
func paused(t testing.TB, c *cell) {
	c.exec(t, "update recurring_posts set state = 'paused' where id = $1", c.ids["recurring_post_id"])
}

// scheduled puts the cell's post into the queue.
func scheduled(t testing.TB, c *cell) {
	r := c.m.send(t, http.MethodPost, "/v1/customers/"+c.customer.String()+"/posts/"+c.ids["post_id"]+"/schedule",
		map[string]any{"scheduled_at": time.Now().Add(24 * time.Hour)}, c.m.bearer(t, c.m.members["owner"]))
	if r.status != http.StatusAccepted {
		t.Fatalf("schedule a post: %d %s", r.status, r.body)
	}
}

// submitted lets the cell's post wait for approval, and the caller name the version that they have seen.
func submitted(t testing.TB, c *cell) {
	r := c.m.send(t, http.MethodPost, "/v1/customers/"+c.customer.String()+"/posts/"+c.ids["post_id"]+"/submit", nil, c.m.bearer(t, c.m.members["owner"]))
	if r.status != http.StatusOK {
		t.Fatalf("submit a post: %d %s", r.status, r.body)
	}
	c.headers["If-Match"] = r.header.Get("ETag")
}

// claimed lets a chat use the cell's pairing by its code.
func claimed(t testing.TB, c *cell) {
	c.exec(t, `update pairings set state = 'claimed', claimed_by = 'code', claimed_at = now(), team = '', kind = 'user', external_id = 'chat', person_id = 'person'
		where id = $1`, c.ids["pairing_id"])
	if c.operation == "confirm-pairing" {
		c.headers["If-Match"] = `"v2"`
	}
}

// ended lets the cell's platform post end in a state, as the worker does.
func ended(state string) func(t testing.TB, c *cell) {
	return func(t testing.TB, c *cell) {
		c.exec(t, "update posts set scheduled_at = now() where id = $1", c.ids["post_id"])
		for _, step := range []string{"scheduled", "publishing", state} {
			c.exec(t, "update platform_posts set state = $2, attempt = 1, problem = 'Look.', problem_class = 'unknown_outcome' where id = $1", c.ids["platform_post_id"], step)
		}
	}
}

// cell is one operation tried by one caller, in a customer of its own.
type cell struct {
	m         *matrix
	operation string
	customer  uuid.UUID
	name      string            // of the customer
	ids       map[string]string // by the names that they have in paths
	headers   map[string]string

	person     dbtest.User    // who calls; zero if it is no person
	key        *dbtest.APIKey // with which the caller acts
	invitation string         // the token of one for the person
	botToken   string         // of the cell's bot
}

// newCell makes a customer with one of everything, in which everybody has the role that they are named after.
func (m *matrix) newCell(t testing.TB, operation string) *cell {
	t.Helper()
	customer := m.db.Customer(t, dbtest.Customer{})
	for role, who := range m.members {
		m.db.Join(t, customer.ID, who.ID, role)
	}
	colleague := m.db.Member(t, customer.ID, "viewer")
	campaign := m.db.Campaign(t, dbtest.Campaign{CustomerID: customer.ID})
	account := m.db.Integration(t, dbtest.Integration{CustomerID: customer.ID})
	post := m.db.Post(t, dbtest.Post{CustomerID: customer.ID, Integrations: []dbtest.Integration{account}})
	weekly := m.db.Post(t, dbtest.Post{CustomerID: customer.ID, Integrations: []dbtest.Integration{account}})
	key := m.db.APIKey(t, dbtest.APIKey{CustomerID: customer.ID, CreatedBy: m.members["owner"].ID})
	c := &cell{m: m, operation: operation, customer: customer.ID, name: customer.Name, headers: map[string]string{}, ids: map[string]string{
		"customer_id": customer.ID.String(), "user_id": colleague.ID.String(), "campaign_id": campaign.ID.String(),
		"integration_id": account.ID.String(), "post_id": post.ID.String(), "platform_post_id": post.PlatformPosts[0].String(), "api_key_id": key.ID.String(),
		"invitation_id": dbtest.NewID(t).String(), "export_id": dbtest.NewID(t).String(), "operation": "list-jobs",
		"platform": "twitter", "connect_session_id": dbtest.NewID(t).String(),
		"media_id": dbtest.NewID(t).String(), "email_template_id": dbtest.NewID(t).String(),
		"review_id": dbtest.NewID(t).String(),
		"bot_id":    dbtest.NewID(t).String(), "webhook_id": dbtest.NewID(t).String(), "delivery_id": dbtest.NewID(t).String(),
		"queue_slot_id": m.db.QueueSlot(t, customer.ID).String(), "recurring_post_id": m.db.RecurringPost(t, customer.ID, weekly.ID).String(),
	}}
	c.exec(t, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/gif', 35)",
		c.customer, c.ids["media_id"], bucket.Media(c.customer)+c.ids["media_id"])
	c.exec(t, "insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment, content) values ($1, $2, $3, 1, 'rejected', 'Said', jsonb_build_object('text', 'Said'))",
		c.customer, c.ids["review_id"], post.ID)
	space := m.db.Space(t, dbtest.Space{CustomerID: customer.ID, PairedBy: m.members["owner"].ID})
	c.ids["space_id"], c.ids["memory_id"] = space.ID.String(), dbtest.NewID(t).String()
	c.exec(t, "insert into messages (customer_id, id, space_id, direction, text) values ($1, $2, $3, 'in', 'Said')", c.customer, dbtest.NewID(t), space.ID)
	m.db.Speaks(t, space, speaker)
	c.addMCP(t)
	c.exec(t, "insert into memories (customer_id, id, text) values ($1, $2, 'Remembered')", c.customer, c.ids["memory_id"])
	c.exec(t, "insert into email_templates (customer_id, id, name, html) values ($1, $2, 'Letter', '<p>{{title}}</p>')", c.customer, c.ids["email_template_id"])
	c.exec(t, "insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'telegram', $3, 'x', 1)", c.customer, c.ids["bot_id"], c.ids["bot_id"])
	c.exec(t, "insert into webhook_endpoints (customer_id, id, url) values ($1, $2, 'https://127.0.0.1:1/')", c.customer, c.ids["webhook_id"])
	c.exec(t, "insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, state, next_at) values ($1, $2, $3, 'webhook.test', '{}', 'failed', null)",
		c.customer, c.ids["delivery_id"], c.ids["webhook_id"])
	c.exec(t, "insert into exports (customer_id, id, state, size_bytes, sha256, expires_at) values ($1, $2, 'ready', 11, repeat('a', 64), now() + interval '1 day')",
		c.customer, c.ids["export_id"])
	c.exec(t, "insert into invitations (customer_id, id, email, role, token_hash, invited_by) values ($1, $2, 'guest@example.com', 'viewer', sha256($4), $3)",
		c.customer, c.ids["invitation_id"], m.members["owner"].ID, []byte(c.ids["invitation_id"]))
	c.ids["workspace_id"], c.ids["backup_id"], c.ids["restore_id"] = m.db.Workspace(t, c.customer, nil).String(), dbtest.NewID(t).String(), dbtest.NewID(t).String()
	c.exec(t, "update workspaces set state = 'active', bytes = 41, entries = 3 where id = $1", c.ids["workspace_id"])
	c.exec(t, "insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at) values ($1, $2, 'ready', $2, repeat('a', 64), '[]', 1, 1, now())",
		c.customer, c.ids["backup_id"])
	c.exec(t, "insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'planned', '{}')", c.customer, c.ids["restore_id"], c.ids["backup_id"])
	c.ids["chat_identity_id"] = m.db.Identify(t, space, "colleague", colleague.ID).String()
	c.ids["pairing_id"] = m.db.Pairing(t, dbtest.Pairing{CustomerID: customer.ID, CreatedBy: m.members["owner"].ID}).ID.String()
	c.exec(t, "insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, $2, 1000, 60)", c.customer, c.ids["operation"])
	c.exec(t, "insert into llm_budgets (customer_id, monthly_tokens) values ($1, 1000000)", c.customer)
	return c
}

// addMCP adds credentials of the customer, of its space and of somebody in it, and an MCP server into which both get.
func (c *cell) addMCP(t testing.TB) {
	t.Helper()
	c.ids["owner"] = "space"
	for _, name := range []string{"credential_id", "space_credential_id", "own_credential_id", "mcp_server_id"} {
		c.ids[name] = dbtest.NewID(t).String()
	}
	server := uuid.MustParse(c.ids["mcp_server_id"])
	at := mcpclient.Metadata{Resource: "https://mcp.example.com/", Issuer: "https://mcp.example.com", AuthorizationEndpoint: "https://mcp.example.com/authorize",
		TokenEndpoint: "https://mcp.example.com/token"}
	client, err := at.ClientOf("fanfare", "")
	if err != nil {
		t.Fatal(err)
	}
	sealed, keyID := c.seal(t, client, vault.MCPRegistration(c.customer, server))
	c.exec(t, "insert into mcp_servers (customer_id, id, space_id, name, url, login, metadata, registration, key_id, created_by) values ($1, $2, $3, 'Server', 'https://mcp.example.com/', 'oauth', $4, $5, $6, null)",
		c.customer, server, c.ids["space_id"], at, sealed, keyID)
	const llm = `insert into credentials (customer_id, id, space_id, kind, person, name, provider, model, credential, key_id, created_by, shared_at, shared_by)
		values ($1, $2::uuid, $3, 'llm', $4::text, 'Key', 'anthropic', 'claude', 'x', 1, null, case when $4::text is not null then now() end, case when $4::text is not null then $2::uuid end)`
	c.exec(t, llm, c.customer, c.ids["credential_id"], nil, nil)
	c.exec(t, llm, c.customer, c.ids["space_credential_id"], c.ids["space_id"], nil)
	c.exec(t, llm, c.customer, c.ids["own_credential_id"], c.ids["space_id"], speakers)
	for _, person := range []any{nil, speakers} {
		c.exec(t, "insert into credentials (customer_id, id, space_id, kind, person, name, mcp_server_id, login, credential, key_id, created_by) values ($1, $2, $3, 'mcp', $4, 'Server', $5, 'token', 'x', 1, null)",
			c.customer, dbtest.NewID(t), c.ids["space_id"], person, server)
	}
}

// again is the cell for its next caller.
func (c *cell) again() *cell {
	return &cell{m: c.m, operation: c.operation, customer: c.customer, name: c.name, headers: map[string]string{}, ids: maps.Clone(c.ids)}
}

// arrange makes what depends on who calls, and what the operation wants to be different.
func (c *cell) arrange(t testing.TB, a act) {
	t.Helper()
	token := dbtest.AgentToken{CustomerID: c.customer}
	if c.key != nil {
		token.KeyID = &c.key.ID // a key deals with its own tokens
	} else {
		owner := c.m.members["owner"].ID
		token.CreatedBy = &owner
	}
	c.ids["agent_token_id"] = c.m.db.AgentToken(t, token).ID.String()
	if a.prepare != nil {
		a.prepare(t, c)
	}
}

func (c *cell) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := c.m.s.super.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
