package cmd

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fanfare/internal/identity"
)

// The dashboard in a browser on this machine becomes somebody of the demo; another site's page in the same browser, and another machine, do not.
func TestDevSignIn(t *testing.T) {
	t.Parallel()
	signer, err := identity.NewDevelopmentKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := identity.New(t.Context(), identity.Config{Issuer: devIssuer, Audience: devAudience, KeySet: signer.KeySet(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	d := &devSignIn{signer: signer, log: slog.New(slog.DiscardHandler)}
	remote := ""
	pages := d.pages(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote != "" {
			r.RemoteAddr = remote
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.addr = server.Listener.Addr().String()
	_, port, _ := strings.Cut(d.addr, ":")

	ask := func(method, path, body string, headers ...string) (int, []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		for i := 0; i < len(headers); i += 2 {
			if headers[i] == "Host" {
				request.Host = headers[i+1]
			}
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if kind := response.Header.Get("Content-Type"); response.StatusCode >= 400 && response.StatusCode != http.StatusTeapot && kind != "application/problem+json" {
			t.Errorf("%s %s: %d is %s", method, path, response.StatusCode, kind)
		}
		return response.StatusCode, content
	}

	var known struct{ People []devPerson }
	status, content := ask(http.MethodGet, "/dev/people", "")
	if err := json.Unmarshal(content, &known); status != 200 || err != nil || len(known.People) != len(demoPeople) {
		t.Fatalf("people: %d %s", status, content)
	}
	about := map[string]string{}
	for _, p := range known.People {
		var signed struct {
			Token     string
			ExpiresIn int `json:"expires_in"`
		}
		status, content := ask(http.MethodPost, "/dev/sign-in", `{"person":"`+p.ID+`"}`, "Sec-Fetch-Site", "same-origin", "Origin", server.URL)
		if err := json.Unmarshal(content, &signed); status != 200 || err != nil || signed.ExpiresIn < 60 {
			t.Fatalf("%s: %d %s", p.ID, status, content)
		}
		if who, err := verifier.Verify(t.Context(), signed.Token); err != nil || who.Email != p.Email || who.Name != p.Name {
			t.Errorf("%s: the token is of %+v (%v)", p.ID, who, err)
		}
		if about[p.ID] != "" || p.About == "" {
			t.Errorf("%s is there twice, or nobody", p.ID)
		}
		about[p.ID] = p.About
	}
	if !strings.HasPrefix(about["ann"], "Admin of Blue Bottle Bakery; Admin of Harbour Cycles, where") || about["olga"] != "System admin of this installation" {
		t.Errorf("they are %v", about)
	}

	const ada = `{"person":"ada"}`
	for name, test := range map[string]struct {
		method, path, body string
		headers            []string
		remote             string
		status             int
	}{
		"by its name":               {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Host", "LocalHost:" + port, "Origin", "http://LocalHost:" + port}, status: 200},
		"HEAD":                      {method: "HEAD", path: "/dev/people", status: 200},
		"another site":              {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Sec-Fetch-Site", "cross-site"}, status: 403},
		"another port's page":       {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Sec-Fetch-Site", "same-site"}, status: 403},
		"another origin":            {method: "GET", path: "/dev/people", headers: []string{"Origin", "http://127.0.0.1:1"}, status: 403},
		"a sandboxed page":          {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Origin", "null"}, status: 403},
		"a name that leads here":    {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Host", "evil.example:" + port, "Origin", "http://evil.example:" + port, "Sec-Fetch-Site", "same-origin"}, status: 403},
		"a name that begins so":     {method: "GET", path: "/dev/people", headers: []string{"Host", "localhost.evil.example:" + port}, status: 403},
		"another port":              {method: "GET", path: "/dev/people", headers: []string{"Host", "127.0.0.1:1"}, status: 403},
		"no port":                   {method: "GET", path: "/dev/people", headers: []string{"Host", "127.0.0.1"}, status: 403},
		"another machine":           {method: "GET", path: "/dev/people", remote: "192.0.2.1:5", status: 403},
		"a form":                    {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Content-Type", "text/plain"}, status: 415},
		"a form that looks like it": {method: "POST", path: "/dev/sign-in", body: ada, headers: []string{"Content-Type", "text/plain; application/json"}, status: 415},
		"no JSON":                   {method: "POST", path: "/dev/sign-in", body: "ada", status: 400},
		"too much":                  {method: "POST", path: "/dev/sign-in", body: `{"person":"` + strings.Repeat("a", 2000) + `"}`, status: 400},
		"nobody":                    {method: "POST", path: "/dev/sign-in", body: `{"person":"zoe"}`, status: 404},
		"an address":                {method: "POST", path: "/dev/sign-in", body: `{"person":"ada@northlight.example"}`, status: 404},
		"nobody at all":             {method: "POST", path: "/dev/sign-in", body: `{}`, status: 404},
		"by a link":                 {method: "GET", path: "/dev/sign-in", status: 405},
		"another method":            {method: "POST", path: "/dev/people", status: 405},
		"another path":              {method: "GET", path: "/dev/people/ada", status: http.StatusTeapot},
	} {
		remote = test.remote
		status, content := ask(test.method, test.path, test.body, test.headers...)
		if status != test.status || status != 200 && strings.Contains(string(content), "token\":") {
			t.Errorf("%s: %d, want %d: %s", name, status, test.status, content)
		}
	}
}
