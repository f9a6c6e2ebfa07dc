package cmd

import (
	"strings"
	"testing"
)

// TestMissingForChats: what a worker that answers chats lacks is named by its settings.
func TestMissingForChats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		model, photos bool
		want          []string
	}{
		{false, false, []string{"FANFARE_LLM_PROVIDER", "FANFARE_UNSPLASH_ACCESS_KEY"}},
		{true, false, []string{"FANFARE_UNSPLASH_ACCESS_KEY"}},
		{false, true, []string{"FANFARE_LLM_PROVIDER"}},
		{true, true, nil},
	} {
		got := missingForChats(test.model, test.photos)
		if len(got) != len(test.want) {
			t.Errorf("%v, %v: %q", test.model, test.photos, got)
			continue
		}
		for i, setting := range test.want {
			if !strings.Contains(got[i], setting) {
				t.Errorf("%q does not name %s", got[i], setting)
			}
		}
	}
}
