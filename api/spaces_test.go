package api_test

import (
	"encoding/base64"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// claimed lets a chat use the pairing in a path by its code, as the worker does.
func (w *world) claimed(t testing.TB, path string) {
	t.Helper()
	_, rest, _ := strings.Cut(path, "/pairings/")
	id, _, _ := strings.Cut(rest, "/")
	w.exec(t, `update pairings set state = 'claimed', claimed_by = 'code', claimed_at = now(), expires_at = now() + interval '1 hour', team = '', kind = 'group',
		external_id = '-100', title = 'Marketing', person_id = '5', person_name = 'Kate' where id = $1`, id)
}

func TestSpaces(t *testing.T) {
	w := setup(t)
	c := w.cast(t)
	base := "/v1/customers/" + c.customer.ID.String()
	group := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, Title: "Marketing"})
	own := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, Kind: "user", Platform: "slack", Team: "T1"})
	w.Space(t, dbtest.Space{CustomerID: c.elsewhere.ID, PairedBy: c.outsider.ID})
	path := base + "/spaces/" + group.ID.String()

	ids := func(who dbtest.User, query string) []string {
		t.Helper()
		var ids []string
		for _, s := range into[api.Page[api.Space]](t, w.call(t, who, "GET", base+"/spaces"+query, nil).want(t, 200)).Items {
			ids = append(ids, s.ID.String())
		}
		return ids
	}
	for query, want := range map[string][]string{
		"": {own.ID.String(), group.ID.String()}, "?platform=slack": {own.ID.String()}, "?state=active": {own.ID.String(), group.ID.String()}, "?state=ended": nil,
	} {
		if got := ids(c.viewer, query); !slices.Equal(got, want) {
			t.Errorf("%s lists %v, want %v", query, got, want)
		}
	}
	first := w.call(t, c.viewer, "GET", path, nil).want(t, 200)
	w.call(t, c.member, "PATCH", path, m{"title": "Mine"}).want(t, 403)
	w.call(t, c.admin, "PATCH", path, m{}).want(t, 422)
	w.call(t, c.admin, "PATCH", path, m{"permissions": []string{"tokens:mint"}}).want(t, 422)
	w.call(t, c.admin, "PATCH", path, m{"permissions": []string{"posts:read", "posts:read"}}).want(t, 422)
	changed := into[api.Space](t, w.call(t, c.admin, "PATCH", path, m{"title": "Team", "permissions": []string{"posts:read"}}, "If-Match", first.etag()).want(t, 200))
	if changed.Title != "Team" || !slices.Equal(changed.Permissions, []string{"posts:read"}) || changed.Kind != "group" || changed.State != "active" {
		t.Errorf("changed to %+v", changed)
	}
	w.call(t, c.admin, "PATCH", path, m{"title": "Late"}, "If-Match", first.etag()).want(t, 412)

	w.Speaks(t, group, "77")
	w.Identify(t, group, "77", c.member.ID)
	people := into[api.Page[api.SpacePerson]](t, w.call(t, c.admin, "GET", path+"/people", nil).want(t, 200)).Items
	if len(people) != 1 || people[0].ExternalID != "77" || people[0].UserID == nil || *people[0].UserID != c.member.ID {
		t.Errorf("people are %+v", people)
	}
	w.call(t, c.member, "GET", path+"/people", nil).want(t, 403)
	w.call(t, c.admin, "GET", base+"/spaces/"+dbtest.NewID(t).String()+"/people", nil).want(t, 404)
	w.call(t, c.outsider, "GET", path, nil).want(t, 404)

	// A key of the space sees it alone, and ends with it.
	key := into[api.APIKeyCreated](t, w.call(t, c.admin, "POST", base+"/api-keys", m{"name": "Space", "permissions": []string{"spaces:read", "tokens:mint"}, "space_id": group.ID}).want(t, 201))
	if key.SpaceID == nil || *key.SpaceID != group.ID {
		t.Errorf("the key is of %v", key.SpaceID)
	}
	seen := into[api.Page[api.Space]](t, w.callWith(t, key.Key, "GET", base+"/spaces", nil).want(t, 200)).Items
	if len(seen) != 1 || seen[0].ID != group.ID {
		t.Errorf("the key of a space sees %+v", seen)
	}
	w.callWith(t, key.Key, "GET", base+"/spaces/"+own.ID.String(), nil).want(t, 404)
	w.callWith(t, key.Key, "POST", base+"/agent-tokens", m{"name": "Elsewhere", "permissions": []string{"spaces:read"}, "space_id": own.ID}).want(t, 403)
	w.callWith(t, key.Key, "POST", base+"/agent-tokens", m{"name": "Nowhere", "permissions": []string{"spaces:read"}, "space_id": dbtest.NewID(t)}).want(t, 403)
	token := into[api.AgentTokenCreated](t, w.callWith(t, key.Key, "POST", base+"/agent-tokens", m{"name": "Here", "permissions": []string{"spaces:read"}}).want(t, 201))
	if token.SpaceID == nil || *token.SpaceID != group.ID {
		t.Errorf("the token is of %v", token.SpaceID)
	}
	claims := must(base64.RawURLEncoding.DecodeString(strings.Split(token.Token, ".")[1]))
	if !strings.Contains(string(claims), `"space_id":"`+group.ID.String()+`"`) {
		t.Errorf("the claims are %s", claims)
	}
	w.call(t, c.admin, "POST", base+"/api-keys", m{"name": "x", "permissions": []string{"spaces:read"}, "space_id": dbtest.NewID(t)}).want(t, 404)
	w.call(t, c.admin, "POST", base+"/agent-tokens", m{"name": "x", "permissions": []string{"spaces:read"}, "space_id": dbtest.NewID(t)}).want(t, 404)
	w.call(t, c.admin, "POST", base+"/agent-tokens", m{"name": "x", "permissions": []string{"spaces:read"}, "person": "77"}).want(t, 422)

	w.call(t, c.member, "DELETE", path, nil).want(t, 403)
	w.call(t, c.admin, "DELETE", path, nil, "If-Match", first.etag()).want(t, 412)
	w.call(t, c.admin, "DELETE", path, nil).want(t, 204)
	w.call(t, c.admin, "DELETE", path, nil).want(t, 409)
	w.call(t, c.admin, "PATCH", path, m{"title": "Back"}).want(t, 409)
	ended := into[api.Space](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200))
	if ended.State != "ended" || ended.EndedBecause == nil || *ended.EndedBecause != "released" || ended.EndedAt == nil {
		t.Errorf("ended as %+v", ended)
	}
	w.callWith(t, key.Key, "GET", base+"/spaces", nil).want(t, 401)
	w.callWith(t, token.Token, "GET", base+"/spaces", nil).want(t, 401)
}

func TestChatIdentities(t *testing.T) {
	w := setup(t)
	c := w.cast(t)
	base := "/v1/customers/" + c.customer.ID.String() + "/chat-identities"
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	owners, members := w.Identify(t, space, "1", c.owner.ID), w.Identify(t, space, "2", c.member.ID)
	for _, test := range []struct {
		who  dbtest.User
		want []uuid.UUID
	}{{c.admin, []uuid.UUID{members, owners}}, {c.member, []uuid.UUID{members}}, {c.viewer, nil}} {
		var got []uuid.UUID
		for _, i := range into[api.Page[api.ChatIdentity]](t, w.call(t, test.who, "GET", base, nil).want(t, 200)).Items {
			got = append(got, i.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("lists %v, want %v", got, test.want)
		}
	}
	w.call(t, c.member, "DELETE", base+"/"+owners.String(), nil).want(t, 403)
	w.call(t, c.member, "DELETE", base+"/"+dbtest.NewID(t).String(), nil).want(t, 403)
	w.call(t, c.admin, "DELETE", base+"/"+dbtest.NewID(t).String(), nil).want(t, 404)
	w.call(t, c.member, "DELETE", base+"/"+members.String(), nil).want(t, 204)
	w.call(t, c.admin, "DELETE", base+"/"+owners.String(), nil).want(t, 204)
	if n := w.count(t, "select count(*) from chat_identities"); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestPairings(t *testing.T) {
	w := setup(t)
	c := w.cast(t)
	base := "/v1/customers/" + c.customer.ID.String() + "/pairings"
	created := w.call(t, c.admin, "POST", base, m{"platform": "telegram", "own": true}).want(t, 201)
	p := into[api.NewPairing](t, created)
	if len(p.Code) != 6 || strings.Trim(p.Code, "0123456789") != "" || p.Link == nil || p.QR == nil || p.State != "open" || !p.Own || p.ChatID != nil {
		t.Fatalf("made %+v", p)
	}
	token := strings.TrimPrefix(*p.Link, w.boxURL+"/telegram-me/fanfare_bot?start=")
	if len(token) != 43 {
		t.Errorf("the link is %s", *p.Link)
	}
	if slices.Contains(p.Permissions, "posts:publish") || !slices.Contains(p.Permissions, "posts:write") {
		t.Errorf("without being asked for it gives %v", p.Permissions)
	}
	image, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.TrimPrefix(*p.QR, "data:image/png;base64,"))))
	if err != nil || image.Bounds().Dx() < 100 {
		t.Errorf("the QR code: %v", err)
	}
	if n := w.count(t, `select count(*) from pairings where code_hash = sha256(uuid_send(id) || convert_to($1, 'UTF8')) and link_hash = sha256(convert_to($2, 'UTF8'))
		and created_by = $3 and expires_at between now() + interval '14 minutes' and now() + interval '15 minutes'`, p.Code, token, c.admin.ID); n != 1 {
		t.Error("it is not kept as it is looked up")
	}
	if n := w.count(t, "select count(*) from river.river_job j join pairings p on p.id::text = j.args ->> 'pairing_id' where j.kind = 'expire_pairing' and j.queue = 'pairings' and j.scheduled_at = p.expires_at"); n != 1 {
		t.Error("nothing ends it")
	}
	// Neither is shown again.
	path := base + "/" + p.ID.String()
	for _, body := range []string{string(w.call(t, c.admin, "GET", path, nil).want(t, 200).body), string(w.call(t, c.admin, "GET", base, nil).want(t, 200).body)} {
		if strings.Contains(body, token) || strings.Contains(body, `"`+p.Code+`"`) {
			t.Errorf("shown again: %s", body)
		}
	}
	for _, body := range []m{{"platform": "whatsapp"}, {"platform": "telegram", "bot": "1"}, {"platform": "telegram", "permissions": []string{}},
		{"platform": "telegram", "permissions": []string{"audit:read"}}, {"platform": "telegram", "permissions": []string{"posts:read", "posts:read"}}} {
		w.call(t, c.admin, "POST", base, body).want(t, 422)
	}
	if slack := into[api.NewPairing](t, w.call(t, c.owner, "POST", base, m{"platform": "slack"}).want(t, 201)); slack.Link != nil || slack.QR != nil || len(slack.Code) != 6 {
		t.Errorf("a platform without links: %+v", slack)
	}
	for _, who := range []dbtest.User{c.member, c.viewer} {
		w.call(t, who, "POST", base, m{"platform": "telegram"}).want(t, 403)
		w.call(t, who, "GET", base, nil).want(t, 403)
	}
	w.call(t, c.outsider, "GET", path, nil).want(t, 404)
	w.call(t, c.sysadmin, "POST", base, m{"platform": "telegram"}, "X-Admin-Reason", "Help").want(t, 403)

	// Nothing is confirmed that no chat has brought, that was not seen, or that has changed since.
	etag := created.etag()
	w.call(t, c.admin, "POST", path+"/confirm", nil, "If-Match", etag).want(t, 409)
	w.call(t, c.admin, "POST", path+"/deny", nil).want(t, 409)
	w.claimed(t, path)
	w.call(t, c.admin, "POST", path+"/confirm", nil).want(t, http.StatusPreconditionRequired)
	w.call(t, c.admin, "POST", path+"/confirm", nil, "If-Match", "*").want(t, http.StatusPreconditionRequired)
	w.call(t, c.admin, "POST", path+"/confirm", nil, "If-Match", etag).want(t, 412)
	w.call(t, c.admin, "DELETE", path, nil).want(t, 409)
	seen := w.call(t, c.owner, "GET", path, nil).want(t, 200)
	if got := into[api.Pairing](t, seen); got.State != "claimed" || got.ChatID == nil || *got.ChatID != "-100" || *got.ChatTitle != "Marketing" || *got.ChatKind != "group" || *got.PersonName != "Kate" {
		t.Errorf("an admin sees %+v", got)
	}
	w.call(t, c.member, "POST", path+"/confirm", nil, "If-Match", seen.etag()).want(t, 403)
	w.call(t, c.sysadmin, "POST", path+"/confirm", nil, "If-Match", seen.etag(), "X-Admin-Reason", "Help").want(t, 403)
	confirmed := w.call(t, c.owner, "POST", path+"/confirm", nil, "If-Match", seen.etag()).want(t, 200)
	if got := into[api.Pairing](t, confirmed); got.ConfirmedAt == nil || got.ConfirmedBy == nil || *got.ConfirmedBy != c.owner.ID {
		t.Errorf("confirmed as %+v", got)
	}
	w.call(t, c.owner, "POST", path+"/confirm", nil, "If-Match", confirmed.etag()).want(t, 409)
	denied := into[api.Pairing](t, w.call(t, c.sysadmin, "POST", path+"/deny", nil, "X-Admin-Reason", "A mistake").want(t, 200))
	if denied.State != "denied" {
		t.Errorf("denied as %+v", denied)
	}
	w.call(t, c.owner, "POST", path+"/deny", nil).want(t, 409)
	if said := w.count(t, "select count(*) from chat_outbox where chat = '-100' and body #>> '{message,Text}' = 'The pairing was not confirmed.'"); said != 1 {
		t.Errorf("the chat was told %d times", said)
	}

	// Ten wait at most; one that is taken back does not.
	for w.count(t, "select count(*) from pairings where state = 'open' and customer_id = $1", c.customer.ID) < 10 {
		w.call(t, c.admin, "POST", base, m{"platform": "telegram"}).want(t, 201)
	}
	w.call(t, c.admin, "POST", base, m{"platform": "telegram"}).want(t, 409)
	open := into[api.Page[api.Pairing]](t, w.call(t, c.admin, "GET", base, nil).want(t, 200)).Items[0]
	w.call(t, c.admin, "DELETE", base+"/"+open.ID.String(), nil).want(t, 204)
	w.call(t, c.admin, "DELETE", base+"/"+open.ID.String(), nil).want(t, 409)

	// A key with spaces:pair pairs in its maker's name, gives no more than it has, and confirms nothing.
	key := w.newKey(t, c, "spaces:pair", "posts:read").Key
	byKey := into[api.NewPairing](t, w.callWith(t, key, "POST", base, m{"platform": "telegram"}).want(t, 201))
	if !slices.Equal(byKey.Permissions, []string{"posts:read"}) {
		t.Errorf("a key gives %v", byKey.Permissions)
	}
	w.exec(t, "update pairings set state = 'revoked' where state = 'open' and id <> $1", byKey.ID)
	w.callWith(t, key, "POST", base, m{"platform": "telegram", "permissions": []string{"posts:write"}}).want(t, 403)
	w.callWith(t, key, "POST", base, m{"platform": "telegram", "own": true}).want(t, 403)
	w.claimed(t, base+"/"+byKey.ID.String())
	w.callWith(t, key, "POST", base+"/"+byKey.ID.String()+"/confirm", nil, "If-Match", `"v2"`).want(t, 403)
	w.exec(t, "update pairings set expires_at = now() where id = $1", byKey.ID)
	late := w.call(t, c.admin, "GET", base+"/"+byKey.ID.String(), nil).want(t, 200)
	if got := into[api.Pairing](t, late); got.State != "expired" {
		t.Errorf("after its time it is %s", got.State)
	}
	w.call(t, c.admin, "POST", base+"/"+byKey.ID.String()+"/confirm", nil, "If-Match", late.etag()).want(t, 409)

	// A key of a space pairs nothing.
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	inSpace := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: &space.ID}).Key
	w.callWith(t, inSpace, "POST", base, m{"platform": "telegram", "permissions": []string{"posts:read"}}).want(t, 403)
	w.callWith(t, inSpace, "GET", base, nil).want(t, 403)
}
