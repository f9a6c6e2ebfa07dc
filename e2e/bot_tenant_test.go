package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

var botOperations = tested(map[string]any{
	"list-bots":  nil,
	"create-bot": map[string]any{"platform": "telegram", "token": "1:AAAAAAAAAAAAAAAAAAAAAAAAA"},
	"get-bot":    nil,
	"update-bot": map[string]any{"token": "1:AAAAAAAAAAAAAAAAAAAAAAAAA"},
	"delete-bot": nil,
})

func TestBotTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, botOperations)
	if list := w.b.owner.expect(t, http.StatusOK, http.MethodGet, w.b.path+"/bots", nil).body; bytes.Contains(list, []byte(w.a.ids["bot_id"])) || !bytes.Contains(list, []byte(w.b.ids["bot_id"])) {
		t.Errorf("B's bots are %s", list)
	}
}
