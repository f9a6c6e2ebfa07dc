package api_test

import (
	"net/http"
	"strings"
	"testing"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/inprocess"
)

// Who is refused in a chat is told so in words of a chat, and what they may do there before.
func TestRefusedInChat(t *testing.T) {
	t.Parallel()
	var speaker inprocess.Speaker
	w := setupWith(t, options{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Test-Chat") != "" {
				r.Header.Del("Authorization")
				r = r.WithContext(inprocess.As(r.Context(), speaker))
			}
			next.ServeHTTP(rw, r)
		})
	}})
	c := w.cast(t)
	may := []string{"customer:read", "posts:read", "posts:write"}
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, Permissions: may})
	w.Speaks(t, space, "77")
	speaker = inprocess.Speaker{CustomerID: c.customer.ID, SpaceID: space.ID, Person: "77"}
	says := func(method, path string, body any, headers ...string) answer {
		return w.call(t, c.owner, method, path, body, append(headers, "X-Test-Chat", "yes")...)
	}
	if got := into[api.CustomerSeen](t, says("GET", c.path(""), nil).want(t, 200)); strings.Join(got.Permissions, " ") != strings.Join(may, " ") || got.MayApprove {
		t.Errorf("told %q, %v", got.Permissions, got.MayApprove)
	}
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := into[api.Post](t, says("POST", c.path("/posts"), m{"text": "Rye.", "platforms": []m{{"integration_id": account.ID}}}).want(t, 201))
	path := c.path("/posts/%s", post.ID)
	for name, refused := range map[string]answer{
		"publish": says("POST", path+"/publish", nil), "remember": says("POST", c.path("/memories"), m{"text": "Rye."}),
		"approve": says("POST", path+"/approve", nil, "If-Match", `"v1"`), "read the log": says("GET", c.path("/audit"), nil),
	} {
		if p := refused.want(t, 403).problem(t); !strings.HasPrefix(p.Detail, "Here, ") || strings.Contains(p.Detail, "token") || strings.Contains(p.Detail, "permission") {
			t.Errorf("%s: refused with %s", name, p.Detail)
		}
	}
	// What they wrote they may discard, until somebody has it on its way.
	for step, status := range map[string]int{"": 200, "/submit": 200, "/publish": 403} {
		one := c.path("/posts/%s", into[api.Post](t, says("POST", c.path("/posts"), m{"title": "Rye", "text": "Rye.", "platforms": []m{{"integration_id": account.ID}}}).want(t, 201)).ID)
		if step != "" {
			if got := w.call(t, c.owner, "POST", one+step, nil); got.status >= 300 {
				t.Fatalf("%s: %d %s", step, got.status, got.body)
			}
		}
		says("POST", one+"/cancel", nil).want(t, status)
	}
}
