package sandbox_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

// TestSteps: the steps that are listed are those that are served, and those that the manual has.
func TestSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const posts = "/ghost-sites/news/ghost/api/admin/posts/"
	one := posts + strings.Repeat("a", 24) + "/"
	published := object{"posts": []any{object{"status": "published"}}}
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/ghost-sites/news/ghost/api/admin/site/", nil}, {"GET", "/ghost-sites/news/ghost/api/admin/tags/", nil},
		{"GET", posts, nil}, {"GET", posts + "?filter=id:1", nil}, {"POST", posts, nil}, {"POST", posts, published},
		{"POST", "/ghost-sites/news/ghost/api/admin/images/upload/", nil}, {"GET", "/ghost-sites/news/ghost/api/admin/newsletters/", nil},
		{"GET", one, nil}, {"PUT", one, nil}, {"PUT", one, published}, {"DELETE", one, nil},
	} {
		b.request(r.method, r.path, "", r.body)
	}
	for platform, address := range addresses {
		c := b.app(platform)
		b.send("GET", address.authorize, c.params())
		b.send("POST", address.token, url.Values{"grant_type": {"authorization_code"}})
		if platform == "twitter" || platform == "linkedin" {
			b.send("POST", address.token, url.Values{"grant_type": {"refresh_token"}})
			b.send("POST", address.revoke, nil)
		}
	}
	for _, path := range []string{
		"/twitter-api/2/users/me", "/linkedin-api/v2/userinfo", "/linkedin-api/v2/organizationalEntityAcls",
		"/facebook-graph/v26.0/me", "/facebook-graph/v26.0/me/permissions", "/facebook-graph/v26.0/me/accounts", "/facebook-graph/v26.0/20001",
		"/mailchimp-login/oauth2/metadata", "/mailchimp-api/us6/3.0/", "/mailchimp-api/us6/3.0/lists", "/mailchimp-api/us6/3.0/lists/a1b2c3d4e5",
	} {
		b.send("GET", path, nil)
	}
	for _, request := range []string{
		"GET campaigns", "POST campaigns", "GET campaigns/1", "PATCH campaigns/1", "DELETE campaigns/1", "PUT campaigns/1/content",
		"GET campaigns/1/send-checklist", "POST campaigns/1/actions/send", "POST campaigns/1/actions/schedule",
		"POST campaigns/1/actions/unschedule", "GET reports/1", "POST file-manager/files",
	} {
		method, path, _ := strings.Cut(request, " ")
		b.send(method, "/mailchimp-api/us6/3.0/"+path, nil)
	}
	for _, path := range []string{"/twitter-api/2/users/1/tweets", "/twitter-api/2/tweets", "/twitter-api/2/media/upload"} {
		b.send("GET", path, nil)
	}
	b.request("POST", "/twitter-api/2/tweets", "", object{"text": "a"})
	b.request("POST", "/twitter-api/2/tweets", "", object{"text": "a", "reply": object{"in_reply_to_tweet_id": "1"}})
	for _, path := range []string{"upload", "upload/initialize", "upload/1/append", "upload/1/finalize", "metadata"} {
		b.request("POST", "/twitter-api/2/media/"+path, "", object{})
	}
	b.send("DELETE", "/facebook-graph/v26.0/me/permissions", nil)
	for _, path := range []string{
		"POST /linkedin-api/rest/posts", "POST /linkedin-api/rest/socialActions/urn%3Ali%3Ashare%3A1/comments",
		"GET /linkedin-api/rest/organizationalEntityShareStatistics", "POST /linkedin-api/rest/images", "GET /linkedin-api/rest/images/1",
		"GET /linkedin-api/rest/videos/1", "POST /linkedin-api/rest/videos", "POST /linkedin-api/rest/videos?action=finalizeUpload",
		"PUT /linkedin/dms-uploads/1/uploaded-image/0", "PUT /linkedin/dms-uploads/1/uploaded-video/0",
	} {
		method, address, _ := strings.Cut(path, " ")
		b.request(method, address, "", nil)
	}
	for _, path := range []string{"/unsplash/search/photos", "/unsplash/photos/1", "/unsplash/photos/1/download", "/unsplash-images/1"} {
		b.send("GET", path, nil)
	}
	facebook := b.app("facebook")
	facebook.long(facebook.person) // exchanges a short-lived token
	b.send("POST", facebook.token, url.Values{"grant_type": {"fb_exchange_token"}})

	for _, path := range []string{"/20001_1", "/123456789012345", "/20001/feed", "/20001_1/comments", "/20001_1/insights"} {
		b.send("GET", "/facebook-graph/v26.0"+path, nil)
	}
	for _, path := range []string{"/20001/feed", "/20001/photos", "/20001_1/comments"} {
		b.send("POST", "/facebook-graph/v26.0"+path, nil)
	}
	for _, phase := range []string{"start", "transfer", "finish"} {
		b.send("POST", "/facebook-graph/v26.0/20001/videos", url.Values{"upload_phase": {phase}})
	}
	b.send("POST", "/whatsapp-graph/v26.0/1/messages", nil)
	b.send("GET", "/whatsapp-graph/v26.0/1", nil)
	for _, method := range []string{"auth.test", "bots.info", "users.info", "conversations.info", "chat.postMessage", "chat.update"} {
		b.send("POST", "/slack/api/"+method, nil)
	}

	bot, err := b.box.AddTelegramBot(sandbox.TelegramBot{Username: "steps_bot"})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{
		"getMe", "setWebhook", "deleteWebhook", "getWebhookInfo", "getUpdates", "sendMessage", "editMessageText", "deleteMessage",
		"answerCallbackQuery", "sendChatAction", "setMyCommands", "getChat", "leaveChat", "sendInvoice",
	} {
		b.send("POST", "/telegram/bot"+bot.Token+"/"+method, nil)
	}
	for _, method := range []string{"initialize", "tools/list", "tools/call", "ping"} {
		b.request("POST", "/mcp/news", "", object{"jsonrpc": "2.0", "id": 1, "method": method})
	}
	b.send("GET", "/.well-known/oauth-protected-resource/mcp/news", nil)
	b.send("GET", "/.well-known/oauth-authorization-server/mcp-login/news", nil)
	b.send("GET", "/mcp-login/news/authorize", nil)
	b.request("POST", "/mcp-login/news/register", "", object{})
	b.send("POST", "/mcp-login/news/token", nil)
	b.send("POST", "/mcp-login/news/token", url.Values{"grant_type": {"refresh_token"}})
	b.send("POST", "/mcp-login/news/revoke", nil)

	for _, path := range []string{"anthropic/v1/messages", "openai/v1/chat/completions", "openai/v1/embeddings", "gemini/v1beta/models/gemini-2.5-flash:generateContent", "gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"} {
		b.request("POST", "/"+path, "", object{})
	}
	b.send("GET", "/openai/v1/models", nil)

	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for platform, steps := range b.box.Steps() {
		listed = append(listed, steps...)
		names := make([]string, len(steps))
		for i, step := range steps {
			names[i] = "`" + strings.TrimPrefix(step, platform+".") + "`"
		}
		if row := fmt.Sprintf("\n| `%s` | %s |\n", platform, strings.Join(names, ", ")); !strings.Contains(string(manual), row) {
			t.Errorf("docs/operations.md lacks %s", row)
		}
	}
	slices.Sort(listed)
	if served := slices.Sorted(maps.Keys(b.box.Counts())); !slices.Equal(served, listed) {
		t.Errorf("served are %s, listed are %s", served, listed)
	}
}

// TestFaultsThatNeverMatch: a fault for a platform or a step that is not there is refused, with those that are.
func TestFaultsThatNeverMatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	platforms := strings.Join(slices.Sorted(maps.Keys(b.box.Steps())), ", ")
	for _, c := range []struct {
		fault object
		says  string
	}{
		{object{"step": "twitter.metadata"}, "is none of twitter.authorize, twitter.token, twitter.refresh, twitter.revoke, twitter.me"},
		{object{"step": "mailchimp.refresh"}, "is none of mailchimp.authorize, mailchimp.token, mailchimp.metadata, mailchimp.me, mailchimp.pages, mailchimp.page"},
		{object{"step": "twitter.me", "platform": "ghost"}, "is none of ghost.site"},
		{object{"step": "publish"}, "the platforms are " + platforms},
		{object{"platform": "x"}, "is none of " + platforms},
	} {
		c.fault["fault"] = "drop_before"
		if r := b.request("POST", "/_sandbox/faults", "", c.fault); r.status != 422 || !strings.Contains(r.text("error"), c.says) {
			t.Errorf("%v: %d %s", c.fault, r.status, r.body)
		}
	}
	// What it is for comes before what it says.
	if r := b.request("POST", "/_sandbox/faults", "", object{"platform": "x", "fault": "status"}); r.status != 422 || !strings.Contains(r.text("error"), `platform "x" is none of`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if left := b.box.Faults(); len(left) != 0 {
		t.Errorf("kept: %+v", left)
	}
}
