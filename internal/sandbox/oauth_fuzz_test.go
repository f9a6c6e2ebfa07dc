package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

// handle takes a request with any query and body straight to a handler.
func handle(t *testing.T, handler http.Handler, method, path, query, body string) (int, http.Header) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, "http://sandbox.example"+path, strings.NewReader(body))
	req.URL = &url.URL{Path: path, RawQuery: query}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, req)
	return answer.Code, answer.Header()
}

func FuzzAuthorize(f *testing.F) {
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		f.Fatal(err)
	}
	ids := map[string]string{}
	for platform := range addresses {
		ids[platform], _ = box.AddOAuthApp(platform, redirect)
		params := url.Values{
			"response_type": {"code"}, "client_id": {ids[platform]}, "redirect_uri": {redirect}, "state": {"s"}, "scope": {addresses[platform].scope},
			"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}, "person": {addresses[platform].person}, "decision": {"allow"},
		}
		f.Add(platform, params.Encode(), "")
		f.Add(platform, "", params.Encode())
	}
	f.Add("twitter", "client_id=%zz&;&&=", "a=b&a=c")
	handler := box.Handler()
	f.Fuzz(func(t *testing.T, platform, query, body string) {
		address, ok := addresses[platform]
		if !ok {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			status, header := handle(t, handler, method, address.authorize, query, body)
			location := header.Get("Location")
			if status != 200 && status != 302 && status != 400 || (status == 302) != (location != "") ||
				location != "" && !strings.HasPrefix(location, redirect+"&") {
				t.Errorf("%s %s: %d to %q", method, platform, status, location)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for platform := range addresses {
		id, secret := box.AddOAuthApp(platform, redirect)
		f.Add(platform, "client_id="+id+"&client_secret="+secret, "grant_type=authorization_code&code=x&redirect_uri="+url.QueryEscape(redirect))
		f.Add(platform, "", "grant_type=refresh_token&refresh_token=x&client_id="+id+"&client_secret="+secret)
	}
	f.Add("facebook", "grant_type=fb_exchange_token&fb_exchange_token=", "a=%")
	handler := box.Handler()
	f.Fuzz(func(t *testing.T, platform, query, body string) {
		address, ok := addresses[platform]
		if !ok {
			return
		}
		// There is no code and no token to be found.
		if status, _ := handle(t, handler, "POST", address.token, query, body); status < 400 || status >= 500 {
			t.Errorf("%s: %d", platform, status)
		}
	})
}
