package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestRequestLogCustomer: the line of a request names the customer that its path or body names, in whomever's name it is asked.
func TestRequestLogCustomer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.newKey(t, c, "posts:read", "posts:write")
	id := c.customer.ID.String()
	for _, test := range []struct {
		name string
		got  answer
		want string
	}{
		{"a read", w.call(t, c.owner, http.MethodGet, c.path("/posts"), nil).want(t, 200), id},
		{"a change", w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "Rye"}).want(t, 201), id},
		{"a key", w.callWith(t, key.Key, http.MethodGet, c.path("/posts"), nil).want(t, 200), id},
		{"in the body", w.call(t, c.viewer, http.MethodPost, "/search_images", m{"client_id": c.customer.ID, "query": "rye"}).want(t, 200), id},
		{"refused", w.call(t, c.viewer, http.MethodPost, c.path("/posts"), m{"text": "Rye"}).want(t, 403), id},
		{"of none", w.call(t, c.owner, http.MethodGet, "/v1/customers", nil).want(t, 200), ""},
		{"of nobody", w.callWith(t, "ffk_none", http.MethodGet, "/v1/customers/"+uuid.NewString()+"/nothing", nil).want(t, 404), ""},
	} {
		line, logged := "", struct {
			CustomerID *string `json:"customer_id"`
		}{}
		for _, l := range strings.Split(w.logs.String(), "\n") {
			if strings.Contains(l, `"msg":"request"`) && strings.Contains(l, test.got.header.Get("X-Request-ID")) {
				line = l
			}
		}
		if err := json.Unmarshal([]byte(line), &logged); err != nil || logged.CustomerID == nil || *logged.CustomerID != test.want {
			t.Errorf("%s: %v: want %q: %s", test.name, err, test.want, line)
		}
	}
}
