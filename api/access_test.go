package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.newKey(t, c, "posts:write", "tokens:mint")
	got := into[api.Access](t, w.callWith(t, key.Key, "GET", "/v1/access", nil).want(t, 200))
	if got.Kind != "api_key" || got.ID == nil || *got.ID != key.ID || got.CustomerID == nil || *got.CustomerID != c.customer.ID || got.SpaceID != nil ||
		!slices.Equal(got.Permissions, []string{"posts:write", "tokens:mint"}) {
		t.Errorf("the key is for %+v", got)
	}
	token := w.newToken(t, c, key.Key, "posts:write")
	got = into[api.Access](t, w.callWith(t, token.Token, "GET", "/v1/access", nil).want(t, 200))
	if got.Kind != "agent_token" || got.ID == nil || *got.ID != token.ID || *got.CustomerID != c.customer.ID || !slices.Equal(got.Permissions, []string{"posts:write"}) {
		t.Errorf("the token is for %+v", got)
	}
	got = into[api.Access](t, w.call(t, c.viewer, "GET", "/v1/access", nil).want(t, 200))
	if got.Kind != "person" || got.ID == nil || *got.ID != c.viewer.ID || got.CustomerID != nil || got.SpaceID != nil || len(got.Permissions) != 0 {
		t.Errorf("the viewer's token is for %+v", got)
	}
	w.callWith(t, "ffk_"+uuid.NewString(), "GET", "/v1/access", nil).want(t, 401)
	w.callWith(t, "", "GET", "/v1/access", nil).want(t, 401)

	// A permission that is new is one of any.
	schema := must(json.Marshal(api.OpenAPI().Components.Schemas.Map()["APIKeyCreate"].Properties["permissions"].Items.Enum))
	var all []string
	mustDo(t, json.Unmarshal(schema, &all))
	for _, o := range operations() {
		if listed, _ := o.Metadata["permissions"].([]string); o.OperationID == "get-access" && !slices.Equal(listed, all) {
			t.Errorf("any permission is %v, and keys can have %v", listed, all)
		}
	}
}
