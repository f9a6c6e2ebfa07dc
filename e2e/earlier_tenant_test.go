package e2e

import "testing"

var earlierOperations = tested(map[string]any{
	"earlier-get-client-context":    nil,
	"earlier-authorize":             nil,
	"earlier-generate-pairing-code": nil,
	"earlier-pair": naming(func(ids map[string]string) any {
		return map[string]any{"client_id": fill("{customer_id}", ids), "code": "000000", "chat_id": 7}
	}),
	"earlier-generate-post": naming(func(ids map[string]string) any {
		return map[string]any{"client_id": fill("{customer_id}", ids), "prompt": "Not mine", "platforms": []string{"twitter"}}
	}),
	"earlier-search-images": naming(func(ids map[string]string) any {
		return map[string]any{"client_id": fill("{customer_id}", ids), "query": "bakery"}
	}),
})

func TestEarlierTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, earlierOperations)
	if n := len(w.s.box.LLM().Requests); n != 0 {
		t.Errorf("a model was asked %d times for a stranger", n)
	}
	if n := w.s.box.Count("unsplash.search"); n != 0 {
		t.Errorf("Unsplash was asked %d times for a stranger", n)
	}
}
