package platform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"fanfare/internal/platform"
)

var (
	goodID     = strings.Repeat("a1", 12)
	goodSecret = strings.Repeat("b2", 32)
	goodKey    = goodID + ":" + goodSecret
)

func TestParseGhostCredential(t *testing.T) {
	t.Parallel()
	for site, want := range map[string]string{
		"https://example.com":                     "https://example.com",
		" https://EXAMPLE.com:443/ ":              "https://example.com",
		"https://example.com./blog//":             "https://example.com/blog",
		"https://example.com/a/../b/":             "https://example.com/b",
		"https://bücher.example":                  "https://xn--bcher-kva.example",
		"https://example.com:8443/x":              "https://example.com:8443/x",
		"http://127.0.0.1:2368/ghost-sites/demo/": "http://127.0.0.1:2368/ghost-sites/demo",
		"http://[::1]:80":                         "http://[::1]",
	} {
		got, err := platform.ParseGhostCredential(site, " "+strings.ToUpper(goodKey)+"\n")
		if err != nil || got.SiteURL != want || got.AdminAPIKey != goodKey {
			t.Errorf("%q: %q, %v; want %q", site, got.SiteURL, err, want)
		}
	}
	for _, site := range []string{
		"", "example.com", "ftp://example.com", "file:///etc/passwd", "javascript:alert(1)", "https://", "https:///x",
		"https://user:hunter2@example.com", "https://example.com/?x=1", "https://example.com?", "https://example.com/#x",
		"https://example.com/ghost/#/settings", "https://example.com:99999", "https://example.com:0", "https://a b.example",
		"https://exa_mple.com", "https://[fe80::1%25eth0]", "https://" + strings.Repeat("a", 3000), "https://u:hunter2@x:y/%zz",
	} {
		_, err := platform.ParseGhostCredential(site, goodKey)
		wantField(t, site, err, platform.CodeSiteURL)
	}
	for _, key := range []string{
		"", goodID, goodSecret, goodSecret + ":" + goodID, goodKey + "0", "g" + goodKey[1:],
		strings.Repeat("c", 26), strings.ReplaceAll(goodKey, ":", ";"),
	} {
		_, err := platform.ParseGhostCredential("https://example.com", key)
		wantField(t, key, err, platform.CodeAdminAPIKey)
	}
}

func wantField(t *testing.T, input string, err error, code string) {
	t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) || e.Class != platform.Invalid || e.Code != code || e.Message == "" {
		t.Errorf("%q: %v", input, err)
		return
	}
	if len(input) > 12 && strings.Contains(err.Error(), input) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q is quoted in %v", input, err)
	}
}

func TestGhostCredentialHidesKey(t *testing.T) {
	t.Parallel()
	credential, err := platform.ParseGhostCredential("https://example.com", goodKey)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" ", credential)
		fmt.Fprintf(&out, verb+" ", &credential)
		fmt.Fprintf(&out, verb+" ", struct{ C platform.GhostCredential }{credential})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", credential, "p", &credential)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", credential)
	if text := out.String(); strings.Contains(text, goodSecret) || strings.Contains(text, goodID) || strings.Contains(text, fmt.Sprintf("%x", goodSecret)) {
		t.Error(text)
	}
	raw, err := json.Marshal(credential)
	if err != nil || string(raw) != `{"site_url":"https://example.com","admin_api_key":"`+goodKey+`"}` {
		t.Errorf("%s %v", raw, err)
	}
}

func FuzzParseGhostCredential(f *testing.F) {
	for _, site := range []string{"https://example.com/blog/", "http://[::1]:80/", "https://bücher.example:443", "https://u:p@x", "HTTPS://A.b.:8443//c?d#e"} {
		f.Add(site, goodKey)
	}
	f.Fuzz(func(t *testing.T, site, key string) {
		got, err := platform.ParseGhostCredential(site, key)
		if err != nil {
			var e *platform.Error
			if !errors.As(err, &e) || e.Class != platform.Invalid || (e.Code != platform.CodeSiteURL && e.Code != platform.CodeAdminAPIKey) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := platform.ParseGhostCredential(got.SiteURL, got.AdminAPIKey)
		if err != nil || again != got {
			t.Fatalf("%q became %q and then %q, %v", site, got.SiteURL, again.SiteURL, err)
		}
		if strings.HasSuffix(got.SiteURL, "/") || strings.ContainsAny(got.SiteURL, "@?# \n<>\"") && !strings.Contains(got.SiteURL, "/") {
			t.Fatalf("%q", got.SiteURL)
		}
		if strings.Contains(fmt.Sprintf("%v%#v", got, got), got.AdminAPIKey) {
			t.Fatal("the key is printed")
		}
	})
}
