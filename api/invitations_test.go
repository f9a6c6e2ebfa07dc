package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/identity"
	"fanfare/internal/vault"
)

// invite invites somebody to a cast's customer.
func (w *world) invite(t testing.TB, c cast, by dbtest.User, email, role string) answer {
	t.Helper()
	return w.call(t, by, "POST", c.path("/invitations"), m{"email": email, "role": role}).want(t, 201)
}

// tokenOf is the token in the link that the inviter was given.
func tokenOf(t testing.TB, invited answer) string {
	t.Helper()
	link := into[api.NewInvitation](t, invited).Link
	if link == nil {
		t.Fatalf("there is no link: %s", invited.body)
	}
	_, token, found := strings.Cut(*link, "/invitations/accept#token=")
	if !found || len(token) < 43 {
		t.Fatalf("the link is %s", *link)
	}
	return token
}

func (w *world) accept(t testing.TB, who dbtest.User, token string) answer {
	t.Helper()
	return w.call(t, who, "POST", "/v1/invitations/accept", m{"token": token})
}

func TestInvitationRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	somebody := func() string { return uuid.NewString() + "@example.com" }
	for role, want := range map[string]statuses{
		"owner":  {201, 403, 403, 403, 201, 403, 403, 404},
		"admin":  {201, 201, 403, 403, 201, 403, 403, 404},
		"member": {201, 201, 403, 403, 201, 403, 403, 404},
		"viewer": {201, 201, 403, 403, 201, 403, 403, 404},
	} {
		c.roles(t, want, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "POST", c.path("/invitations"), m{"email": somebody(), "role": role})
		})
	}
	id := into[api.NewInvitation](t, w.invite(t, c, c.owner, somebody(), "viewer")).ID
	list := func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/invitations"), nil) }
	get := func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/invitations/%s", id), nil)
	}
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, list)
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, get)
	revoke := func(headers ...string) func(*testing.T, dbtest.User) answer {
		return func(t *testing.T, who dbtest.User) answer {
			id := into[api.NewInvitation](t, w.invite(t, c, c.owner, somebody(), "admin")).ID
			return w.call(t, who, "DELETE", c.path("/invitations/%s", id), nil, headers...)
		}
	}
	c.roles(t, statuses{204, 204, 403, 403, 204, 403, 403, 404}, revoke())
	c.roles(t, statuses{412, 412, 403, 403, 412, 403, 403, 404}, revoke("If-Match", `"v9"`))
	// Who becomes an owner is the owners' business.
	owner := into[api.NewInvitation](t, w.invite(t, c, c.owner, somebody(), "owner")).ID
	w.call(t, c.admin, "DELETE", c.path("/invitations/%s", owner), nil).want(t, 403)
	w.call(t, c.owner, "DELETE", c.path("/invitations/%s", owner), nil).want(t, 204)

	// In an archived customer there is nothing to do but to read.
	w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, list)
	c.roles(t, statuses{403, 403, 403, 403, 403, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/invitations"), m{"email": somebody(), "role": "viewer"})
	})
	c.roles(t, statuses{403, 403, 403, 403, 403, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "DELETE", c.path("/invitations/%s", id), nil)
	})
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	guest := dbtest.User{Subject: "never seen", Email: "Kate@Example.com"}
	invited := w.invite(t, c, c.admin, "kate@example.com", "member")
	made := into[api.NewInvitation](t, invited)
	if made.State != "pending" || made.InvitedBy != c.admin.ID || made.Role != "member" || made.SentAt != nil || made.SendProblem != nil ||
		time.Until(made.ExpiresAt) < 167*time.Hour || time.Until(made.ExpiresAt) > 169*time.Hour || !strings.HasPrefix(*made.Link, "/invitations/accept#token=") {
		t.Errorf("%+v", made)
	}
	one := c.path("/invitations/%s", made.ID)
	token := tokenOf(t, invited)
	for _, path := range []string{one, c.path("/invitations")} {
		a := w.call(t, c.owner, "GET", path, nil).want(t, 200)
		if !strings.Contains(string(a.body), "kate@example.com") || strings.Contains(string(a.body), token) || strings.Contains(string(a.body), "link") {
			t.Errorf("%s", a.body)
		}
	}
	w.call(t, c.owner, "POST", c.path("/invitations"), m{"email": "KATE@example.com", "role": "viewer"}).want(t, 409)

	joined := into[api.Joined](t, w.accept(t, guest, token).want(t, 200))
	if joined != (api.Joined{ID: c.customer.ID, Name: c.customer.Name, Role: "member"}) {
		t.Errorf("joined %+v", joined)
	}
	if got := into[api.Customer](t, w.call(t, guest, "GET", c.path(""), nil).want(t, 200)); got.Role == nil || *got.Role != "member" {
		t.Errorf("is %v", got.Role)
	}
	got := into[api.Invitation](t, w.call(t, c.owner, "GET", one, nil).want(t, 200))
	me := into[api.Me](t, w.call(t, guest, "GET", "/v1/me", nil))
	if got.State != "accepted" || got.AcceptedAt == nil || got.AcceptedBy == nil || *got.AcceptedBy != me.ID {
		t.Errorf("%+v", got)
	}
	w.call(t, c.owner, "DELETE", one, nil).want(t, 409)
	w.call(t, c.owner, "DELETE", one, nil, "If-Match", `"v9"`).want(t, 409)

	// Who is in already is told so, and the invitation is not used up.
	again := tokenOf(t, w.invite(t, c, c.owner, "kate@example.com", "admin"))
	w.accept(t, guest, again).want(t, 409)
	w.call(t, guest, "DELETE", c.path("/members/%s", me.ID), nil).want(t, 204)
	if got := into[api.Joined](t, w.accept(t, guest, again).want(t, 200)); got.Role != "admin" {
		t.Errorf("joined as %s", got.Role)
	}
	if logs := w.logs.String(); strings.Contains(logs, token) {
		t.Error("the log holds a token")
	}
}

func TestInvitationAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	guest := dbtest.User{Subject: "kate", Email: "kate@example.com"}
	state := func(a answer) string {
		return into[api.Invitation](t, w.call(t, c.owner, "GET", c.path("/invitations/%s", into[api.NewInvitation](t, a).ID), nil).want(t, 200)).State
	}
	first := w.invite(t, c, c.owner, guest.Email, "owner")
	w.exec(t, "update invitations set expires_at = now()")
	if got := state(first); got != "expired" {
		t.Errorf("the first is %s", got)
	}
	w.call(t, c.owner, "DELETE", c.path("/invitations/%s", into[api.NewInvitation](t, first).ID), nil).want(t, 409)
	second := w.invite(t, c, c.admin, guest.Email, "viewer")
	if got := state(first); got != "expired" {
		t.Errorf("the first, replaced, is %s", got)
	}
	w.call(t, c.owner, "DELETE", c.path("/invitations/%s", into[api.NewInvitation](t, second).ID), nil, "If-Match", second.etag()).want(t, 204)
	if got := state(second); got != "revoked" {
		t.Errorf("the second is %s", got)
	}
	third := w.invite(t, c, c.owner, guest.Email, "member")
	for _, old := range []answer{first, second} {
		w.accept(t, guest, tokenOf(t, old)).want(t, 404)
	}
	w.accept(t, guest, tokenOf(t, third)).want(t, 200)
}

// Whatever is wrong with an invitation, the answer is the same and nothing changes.
func TestInvitationRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	refuse := func(t *testing.T, a answer) string {
		t.Helper()
		a.want(t, 404)
		var body map[string]any
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatal(err)
		}
		delete(body, "request_id")
		return string(must(json.Marshal(body)))
	}
	c := w.cast(t)
	want := refuse(t, w.accept(t, c.outsider, "no token"))
	for name, spoil := range map[string]func(t *testing.T, c cast, guest *dbtest.User){
		"expired": func(t *testing.T, c cast, _ *dbtest.User) {
			w.exec(t, "update invitations set expires_at = now() where customer_id = $1", c.customer.ID)
		},
		"revoked": func(t *testing.T, c cast, _ *dbtest.User) {
			w.exec(t, "update invitations set revoked_at = now() where customer_id = $1", c.customer.ID)
		},
		"archived": func(t *testing.T, c cast, _ *dbtest.User) {
			w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
		},
		"inviter left": func(t *testing.T, c cast, _ *dbtest.User) {
			w.call(t, c.owner, "DELETE", c.path("/members/%s", c.admin.ID), nil).want(t, 204)
		},
		"inviter demoted": func(t *testing.T, c cast, _ *dbtest.User) {
			w.call(t, c.owner, "PATCH", c.path("/members/%s", c.admin.ID), m{"role": "member"}).want(t, 200)
		},
		"another address": func(_ *testing.T, c cast, guest *dbtest.User) { *guest = c.outsider },
		"used": func(t *testing.T, c cast, guest *dbtest.User) {
			w.exec(t, "update invitations set accepted_at = now(), accepted_by = invited_by where customer_id = $1", c.customer.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.cast(t)
			guest := w.User(t, dbtest.User{})
			token := tokenOf(t, w.invite(t, c, c.admin, guest.Email, "viewer"))
			spoil(t, c, &guest)
			before := w.stored(t)
			if got := refuse(t, w.accept(t, guest, token)); got != want {
				t.Errorf("%s, and a token of nothing: %s", got, want)
			}
			if after := w.stored(t); after != before {
				t.Errorf("something has changed: %s, before %s", after, before)
			}
		})
	}
	t.Run("not verified, then verified", func(t *testing.T) {
		c := w.cast(t)
		claims := identity.Claims{Issuer: issuer, Audience: audience, Subject: "sub-" + uuid.NewString(), Email: uuid.NewString() + "@example.com"}
		token := tokenOf(t, w.invite(t, c, c.owner, claims.Email, "viewer"))
		ask := func() answer {
			request := w.request(t, http.MethodPost, "/v1/invitations/accept", m{"token": token})
			request.Header.Set("Authorization", "Bearer "+must(w.signer.Sign(claims, time.Hour)))
			return w.do(t, request)
		}
		if got := refuse(t, ask()); got != want {
			t.Errorf("%s, and a token of nothing: %s", got, want)
		}
		// The person was seen before; that the address is verified now is taken from the token.
		claims.EmailVerified = true
		ask().want(t, 200)
	})
}

// Of two sign-ins of one person, and of one sign-in twice, one gets in.
func TestInvitationIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 10 {
		c := w.cast(t)
		email := uuid.NewString() + "@example.com"
		one, other := w.User(t, dbtest.User{Email: email}), w.User(t, dbtest.User{Email: email})
		token := tokenOf(t, w.invite(t, c, c.owner, email, "viewer"))
		var calls []func() answer
		for _, who := range []dbtest.User{one, other, one, other} {
			calls = append(calls, func() answer { return w.accept(t, who, token) })
		}
		accepted := 0
		for _, a := range together(calls...) {
			if a.status == 200 {
				accepted++
			} else {
				a.want(t, 404)
			}
		}
		if n := w.count(t, "select count(*) from memberships where customer_id = $1", c.customer.ID); accepted != 1 || n != 5 {
			t.Errorf("%d were let in, and there are %d members", accepted, n)
		}
	}
}

// With e-mail the inviter gets no link: what is stored is sealed, and the job holds ids alone.
func TestInvitationByEmail(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{mails: true, publicURL: "https://fanfare.example"})
	c := w.cast(t)
	made := into[api.NewInvitation](t, w.invite(t, c, c.admin, "kate@example.com", "viewer"))
	if made.Link != nil {
		t.Errorf("the link is %s", *made.Link)
	}
	var sealed []byte
	var job string
	mustDo(t, w.Super.QueryRow(t.Context(), `select i.sealed_token, j.args::text from invitations i, river.river_job j
		where i.id = $1 and j.kind = 'invitation_email' and j.customer_id = i.customer_id`, made.ID).Scan(&sealed, &job))
	token, err := w.vault.Unseal(sealed, vault.Context{CustomerID: c.customer.ID, IntegrationID: made.ID, Platform: "fanfare", Field: "invitation_token"})
	mustDo(t, err)
	var args map[string]string
	mustDo(t, json.Unmarshal([]byte(job), &args))
	if len(args) != 2 || args["customer_id"] != c.customer.ID.String() || args["invitation_id"] != made.ID.String() {
		t.Errorf("the job's arguments are %s", job)
	}
	guest := w.User(t, dbtest.User{Email: "kate@example.com"})
	w.accept(t, guest, string(token)).want(t, 200)
	if n := w.count(t, "select count(*) from invitations where sealed_token is not null or key_id is not null"); n != 0 {
		t.Error("the token is kept after its use")
	}
	// Nobody who may not invite leaves an e-mail behind.
	jobs := w.count(t, "select count(*) from river.river_job")
	w.call(t, c.member, "POST", c.path("/invitations"), m{"email": "x@example.com", "role": "viewer"}).want(t, 403)
	w.call(t, c.admin, "POST", c.path("/invitations"), m{"email": "x@example.com", "role": "owner"}).want(t, 403)
	if n := w.count(t, "select count(*) from river.river_job"); n != jobs {
		t.Errorf("%d jobs, before %d", n, jobs)
	}

	// Without e-mail the link leads to the dashboard where its address is known, whatever the request calls the host.
	w.serve(t, options{publicURL: "https://fanfare.example/app"})
	request := w.request(t, http.MethodPost, c.path("/invitations"), m{"email": "eve@example.com", "role": "viewer"})
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
	request.Header.Set("X-Forwarded-Host", "evil.example")
	request.Host = "evil.example"
	if link := into[api.NewInvitation](t, w.do(t, request).want(t, 201)).Link; link == nil || !strings.HasPrefix(*link, "https://fanfare.example/app/invitations/accept#token=") {
		t.Errorf("the link is %v", link)
	}
}

func TestInvitationList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.call(t, c.owner, "GET", c.path("/invitations"), nil).want(t, 200)
	w.call(t, c.viewer, "GET", c.path("/invitations"), nil).want(t, 403)
	var want []uuid.UUID
	for range 5 {
		want = append(want, into[api.NewInvitation](t, w.invite(t, c, c.owner, uuid.NewString()+"@example.com", "viewer")).ID)
	}
	ids, pages := w.walk(t, c.admin, c.path("/invitations"))
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	wantIDs(t, ids, want)
}

// An address with letters beyond ASCII is one like any other.
func TestInvitationOfInternationalAddress(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for _, address := range []string{"jürgen@bücher.example", "kate+news@xn--bcher-kva.example", "o'neil@example.com", "用户@例子.example"} {
		w.accept(t, w.User(t, dbtest.User{Email: address}), tokenOf(t, w.invite(t, c, c.owner, address, "viewer"))).want(t, 200)
	}
}
