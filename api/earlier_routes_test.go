package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/chat"
)

// TestEarlierRoutes: the routes of the earlier service do what their successors do, in their own shapes.
func TestEarlierRoutes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	announced := func(a answer, successor string) answer {
		t.Helper()
		links := strings.Split(a.header.Get("Link"), ", ")
		if a.header.Get("Deprecation") != "@1795564800" || !slices.Contains(links, "<"+successor+`>; rel="successor-version"`) {
			t.Errorf("Deprecation %q, Link %q, want %s", a.header.Get("Deprecation"), links, successor)
		}
		return a
	}

	made := into[struct {
		ClientID   uuid.UUID `json:"client_id"`
		Name       string
		BrandVoice string `json:"brand_voice"`
		Language   string
	}](t, announced(w.call(t, c.owner, "POST", "/client", m{"name": "Kite", "brand_voice": "Warm", "audience": "Cyclists"}).want(t, 201).wantRate(t, "create-customer", 100, 3600, 99), "/v1/customers"))
	customer := into[api.Customer](t, w.call(t, c.owner, "GET", "/v1/customers/"+made.ClientID.String(), nil).want(t, 200))
	if made.Name != "Kite" || made.BrandVoice != "Warm" || made.Language != "en" || customer.Audience != "Cyclists" || *customer.Role != "owner" {
		t.Errorf("made %+v, which is %+v", made, customer)
	}
	w.call(t, c.owner, "POST", "/client", m{"name": ""}).wantAt(t, "body.name")

	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}).Platform
	w.call(t, c.owner, "POST", c.path("/posts"), m{"title": "News", "text": "We are open"}).want(t, 201)
	context := "/client/" + c.customer.ID.String() + "/context"
	known := into[m](t, announced(w.call(t, c.viewer, "GET", context, nil).want(t, 200).wantRate(t, "get-customer-context", 6000, 60, someLeft), c.path("/context")))
	posts, _ := known["recent_posts"].([]any)
	if known["client_id"] != c.customer.ID.String() || known["name"] != c.customer.Name || known["brand_voice"] == nil || len(posts) != 1 ||
		posts[0].(m)["text"] != "We are open" || posts[0].(m)["status"] != "draft" || !slices.Equal(known["connected_platforms"].([]any), []any{account}) {
		t.Errorf("context: %v", known)
	}
	if got := w.call(t, c.outsider, "GET", context, nil).want(t, 404); got.header.Get("Link") != `</docs>; rel="deprecation"` || got.header.Get("Deprecation") == "" {
		t.Errorf("a stranger is told %q", got.header.Get("Link"))
	}
	w.callWith(t, w.newKey(t, c, "posts:read").Key, "GET", context, nil).want(t, 403)

	search := m{"client_id": c.customer.ID, "query": "bread", "count": 4}
	found := into[struct {
		Images []struct{ ID, URL, Photographer, Credit string }
		Count  int
	}](t, announced(w.call(t, c.viewer, "POST", "/search_images", search).want(t, 200).wantRate(t, "search-images", 30, 3600, 29), c.path("/images")))
	if found.Count != 4 || len(found.Images) != 4 || !strings.Contains(found.Images[0].Credit, "utm_medium=referral") || found.Images[0].URL == "" {
		t.Errorf("found %+v", found)
	}
	// Both routes have one limit, in the customer that the body names; strangers are charged for themselves.
	w.call(t, c.viewer, "GET", c.path("/images?query=bread"), nil).want(t, 200).wantRate(t, "search-images", 30, 3600, 28)
	theirs := w.call(t, c.outsider, "POST", "/search_images", search, "X-Request-ID", "same").want(t, 404).wantRate(t, "search-images", 30, 3600, 29)
	nobodys := w.call(t, c.outsider, "POST", "/search_images", m{"client_id": uuid.NewString(), "query": "bread"}, "X-Request-ID", "same").want(t, 404)
	if string(theirs.body) != string(nobodys.body) {
		t.Errorf("%s and %s can be told apart", theirs.body, nobodys.body)
	}
	w.call(t, c.owner, "POST", "/search_images", m{"query": "bread"}).wantAt(t, "body")
	w.call(t, c.owner, "POST", "/search_images", m{"client_id": "7", "query": "bread"}).wantAt(t, "body.client_id")
	w.callWith(t, w.newKey(t, c, "campaigns:read").Key, "POST", "/search_images", search).want(t, 403)
	if n := w.count(t, "select count(*) from audit_log where action = 'request.refuse' and operation = 'earlier-search-images' and customer_id = $1", c.customer.ID); n != 1 {
		t.Errorf("the audit log has %d refusals", n)
	}
	w.limit(t, c.customer.ID, "search-images", 1, aDay)
	w.exec(t, "delete from rate_limits")
	w.call(t, c.viewer, "POST", "/search_images", search).want(t, 200)
	w.call(t, c.viewer, "POST", "/search_images", search).wantLimited(t, "search-images")
	if limits := w.call(t, c.owner, "GET", c.path("/rate-limits"), nil).want(t, 200); strings.Contains(string(limits.body), "earlier-") {
		t.Errorf("they have limits of their own: %s", limits.body)
	}

	// A code, and what becomes of it where somebody says that they typed it.
	group := int64(-100)
	coded := announced(w.call(t, c.owner, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil, "Idempotency-Key", "k").want(t, 201), c.path("/pairings"))
	code := into[api.EarlierPairingCode](t, coded)
	if again := w.call(t, c.owner, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil, "Idempotency-Key", "k").want(t, 201); string(again.body) != string(coded.body) ||
		len(code.Code) != 6 || code.ClientID != c.customer.ID || code.Link == nil || !strings.HasPrefix(*code.Link, "https://t.me/") {
		t.Errorf("%s, again %s", coded.body, again.body)
	}
	w.call(t, c.member, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil).want(t, 403)
	pairing := into[api.Page[api.Pairing]](t, w.call(t, c.owner, "GET", c.path("/pairings"), nil).want(t, 200)).Items[0]
	bot := w.newKey(t, c, "spaces:pair").Key
	state := func(code string, chat any, want string) {
		t.Helper()
		for _, body := range []m{{"code": code, "chat_id": chat}, {"client_id": c.customer.ID, "code": code, "chat_id": chat}} {
			got := announced(w.callWith(t, bot, "POST", "/telegram/pair", body).want(t, 200).wantRate(t, "list-pairings", 6000, 60, someLeft), c.path("/pairings"))
			if s := into[api.EarlierPaired](t, got); s.Status != want || s.Paired != (want == "paired") || s.ClientID != c.customer.ID {
				t.Errorf("%v: %s, want %s", body, got.body, want)
			}
		}
	}
	// Whoever names a chat binds nothing by it.
	state(code.Code, group, "unknown")
	w.claimed(t, c.path("/pairings/%s", pairing.ID))
	state(code.Code, group, "waiting")
	state(code.Code, "-100", "waiting")
	state(code.Code, 100, "unknown")
	if code.Code != "000000" {
		state("000000", group, "unknown")
	}
	if n := w.count(t, "select count(*) from spaces where customer_id = $1", c.customer.ID); n != 0 {
		t.Errorf("%d spaces of words alone", n)
	}
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, ExternalID: "-100"})
	w.exec(t, "update pairings set confirmed_at = now(), state = 'done', space_id = $2 where id = $1", pairing.ID, space.ID)
	state(code.Code, group, "paired")
	w.exec(t, "update spaces set external_id = '-1007' where id = $1", space.ID) // it became a supergroup
	state(code.Code, -1007, "paired")
	w.call(t, c.admin, "DELETE", c.path("/spaces/%s", space.ID), nil).want(t, 204)
	state(code.Code, -1007, "unknown")
	// Who has several customers says which, and sees nobody else's.
	w.Join(t, c.elsewhere.ID, c.owner.ID, "owner")
	w.call(t, c.owner, "POST", "/telegram/pair", m{"code": code.Code, "chat_id": group}).wantRate(t, "list-pairings", 6000, 60, someLeft).wantAt(t, "body.client_id")
	if other := into[api.EarlierPaired](t, w.call(t, c.owner, "POST", "/telegram/pair", m{"client_id": c.elsewhere.ID, "code": code.Code, "chat_id": group}).want(t, 200)); other.Status != "unknown" {
		t.Errorf("elsewhere it is %+v", other)
	}
	w.call(t, c.viewer, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": group}).want(t, 403)
	w.call(t, c.outsider, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": group}).want(t, 404)
	w.call(t, c.owner, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": m{}}).wantAt(t, "body.chat_id")
	w.callWith(t, w.newKey(t, c, "posts:read").Key, "POST", "/telegram/pair", m{"code": code.Code, "chat_id": group}).want(t, 403)

	// What is written is a draft, a text for each platform.
	write := m{"client_id": c.customer.ID, "prompt": "Our autumn menu", "platforms": []string{"twitter", "linkedin"}}
	wrote := announced(w.call(t, c.member, "POST", "/generate_post", write, "Idempotency-Key", "k").want(t, 201).wantRate(t, "generate-post", 50, 3600, 49), c.path("/posts/generate"))
	written := into[api.EarlierGeneratedPosts](t, wrote)
	if len(written.Posts) != 2 || written.Posts[0].Platform != "twitter" || written.Posts[1].Text == "" || written.Posts[0].PostID != written.Posts[1].PostID || len(written.Posts[0].Violations) != 0 {
		t.Errorf("wrote %s", wrote.body)
	}
	if draft := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", written.Posts[0].PostID), nil).want(t, 200)); draft.State != "draft" || draft.Text != written.Posts[0].Text {
		t.Errorf("the draft is %+v", draft)
	}
	asked := len(w.box.LLM().Requests)
	if again := w.call(t, c.member, "POST", "/generate_post", write, "Idempotency-Key", "k").want(t, 201); string(again.body) != string(wrote.body) || len(w.box.LLM().Requests) != asked {
		t.Errorf("again it is %s", again.body)
	}
	w.call(t, c.viewer, "POST", "/generate_post", write).want(t, 403)
	w.call(t, c.outsider, "POST", "/generate_post", write).want(t, 404)
	w.call(t, c.member, "POST", "/generate_post", m{"client_id": c.customer.ID, "prompt": "x", "platforms": []string{}}).wantAt(t, "body.platforms")
	if len(w.box.LLM().Requests) != asked {
		t.Error("a model was asked for who may not")
	}

	// The way to a platform and back, where the platform knows the earlier address.
	begun := announced(w.call(t, c.admin, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 200), c.path("/integrations/twitter/connect"))
	way := into[struct {
		ClientID         uuid.UUID `json:"client_id"`
		Platform         string
		AuthorizationURL string `json:"authorization_url"`
	}](t, begun)
	if way.ClientID != c.customer.ID || way.Platform != "twitter" || !strings.HasPrefix(way.AuthorizationURL, w.boxURL+"/twitter/") || begun.header.Get("Set-Cookie") == "" {
		t.Errorf("begun: %s", begun.body)
	}
	w.call(t, c.viewer, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 403)
	w.call(t, c.outsider, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 404)
	sent := must(url.Parse(way.AuthorizationURL)).Query().Get("state")
	request := w.request(t, http.MethodGet, "/oauth/twitter/callback?error=access_denied&state="+url.QueryEscape(sent), nil)
	cookie, _, _ := strings.Cut(begun.header.Get("Set-Cookie"), ";")
	request.Header.Set("Cookie", cookie)
	back := announced(w.do(t, request).want(t, http.StatusSeeOther), "/v1/oauth/twitter/callback")
	if to := must(url.Parse(back.header.Get("Location"))).Query(); to.Get("connect") != "access_denied" || to.Get("platform") != "twitter" {
		t.Errorf("sent on to %s", back.header.Get("Location"))
	}
}

// TestEarlierPairingCodeBot: a client that knows of one bot is given the installation's, whatever others the customer has, and without one
// the customer's own.
func TestEarlierPairingCodeBot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	shared := chat.BotInfo{Platform: chat.Telegram, ID: "7000001"}
	own := func(id string) chat.BotInfo {
		return chat.BotInfo{Platform: chat.Telegram, ID: id, Owner: &c.customer.ID}
	}
	foreign := chat.BotInfo{Platform: chat.Telegram, ID: "7000009", Owner: new(uuid.New())}
	for i, test := range []struct {
		bots []chat.BotInfo
		want string
	}{
		{[]chat.BotInfo{own("7000002"), shared, own("7000003")}, "7000001"},
		{[]chat.BotInfo{own("7000002"), foreign, {Platform: chat.Slack, ID: "A1"}}, "7000002"},
		{[]chat.BotInfo{own("7000002"), own("7000003")}, ""},
		{[]chat.BotInfo{foreign}, ""},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w.serve(t, options{bots: func(context.Context, uuid.UUID) ([]chat.BotInfo, error) { return test.bots, nil }})
			path := "/client/" + c.customer.ID.String() + "/generate_pairing_code"
			if test.want == "" {
				w.call(t, c.owner, "POST", path, nil).want(t, 409)
				return
			}
			w.call(t, c.owner, "POST", path, nil).want(t, 201)
			if made := into[api.Page[api.Pairing]](t, w.call(t, c.owner, "GET", c.path("/pairings"), nil).want(t, 200)).Items[0]; made.Bot != test.want {
				t.Errorf("the chat is one with %s, want %s", made.Bot, test.want)
			}
		})
	}
}
