package platform_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"fanfare/internal/platform"
)

// TestCredentialFields: the fields that are named are those that a credential is stored with.
func TestCredentialFields(t *testing.T) {
	t.Parallel()
	for name, credential := range map[platform.Name]any{
		platform.Twitter: platform.TwitterCredential{}, platform.LinkedIn: platform.LinkedInCredential{},
		platform.Facebook: platform.FacebookCredential{}, platform.Mailchimp: platform.MailchimpCredential{}, platform.Ghost: platform.GhostCredential{},
	} {
		text, err := json.Marshal(credential)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]any{}
		if err := json.Unmarshal(text, &stored); err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Sorted(slices.Values(platform.CredentialFields(name))), slices.Sorted(maps.Keys(stored)); !slices.Equal(got, want) {
			t.Errorf("%s has the fields %s, want %s", name, got, want)
		}
		if !slices.Contains(platform.Names, name) {
			t.Errorf("%s is not listed", name)
		}
		_, err = platform.ParseCredential(name, "x", []byte(`{"s3cret": "s3cret"}`))
		if err == nil || !strings.Contains(err.Error(), strings.Join(platform.CredentialFields(name), ", ")) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
