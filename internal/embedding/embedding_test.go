package embedding_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/embedding"
)

// server answers as the documentation of POST /v1/embeddings has it, with what a test says.
func server(t *testing.T, status int, body string, check func(*http.Request)) *embedding.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if check != nil {
			check(r)
		}
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusTemporaryRedirect {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	client, err := embedding.New(embedding.Config{URL: s.URL + "/v1", Key: "secret", Model: "small"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	// in no order, as the index says which is whose
	client := server(t, 200, `{"object":"list","model":"small","data":[{"object":"embedding","index":1,"embedding":[0.5,-1]},
		{"object":"embedding","index":0,"embedding":[1,0]}],"usage":{"prompt_tokens":2,"total_tokens":2}}`, func(r *http.Request) {
		var sent map[string]any
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		want := map[string]any{"input": []any{"a", "b"}, "model": "small", "encoding_format": "float"}
		if diff := cmp.Diff(want, sent); diff != "" || r.URL.Path != "/v1/embeddings" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %s (-want +sent):\n%s", r.URL.Path, r.Header.Get("Authorization"), diff)
		}
	})
	got, err := client.Embed(t.Context(), []string{"a", "b"})
	if diff := cmp.Diff([][]float32{{1, 0}, {0.5, -1}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestEmbedBadAnswers(t *testing.T) {
	t.Parallel()
	refusal := `{"error":{"message":"the text is x","type":"invalid_request_error","param":"input","code":null}}`
	for name, c := range map[string]struct {
		status  int
		body    string
		refused bool
	}{
		"refused":          {400, refusal, true},
		"too long":         {413, refusal, true},
		"key":              {401, refusal, false},
		"model":            {404, refusal, false},
		"too many":         {429, refusal, false},
		"broken":           {500, refusal, false},
		"redirect":         {307, "", false},
		"no JSON":          {200, "<html>", false},
		"none":             {200, `{"data":[]}`, false},
		"two":              {200, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`, false},
		"of another":       {200, `{"data":[{"index":7,"embedding":[1]}]}`, false},
		"before the first": {200, `{"data":[{"index":-1,"embedding":[1]}]}`, false},
		"empty":            {200, `{"data":[{"index":0,"embedding":[]}]}`, false},
		"too large":        {200, `{"data":[{"index":0,"embedding":[1e300]}]}`, false},
		"too many numbers": {200, `{"data":[{"index":0,"embedding":[1` + strings.Repeat(",1", embedding.MaxDimensions) + `]}]}`, false},
		"endless":          {200, `{"data":[{"index":0,"embedding":[1` + strings.Repeat(" ", 17<<20) + `]}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := server(t, c.status, c.body, nil).Embed(t.Context(), []string{"x"})
			if err == nil || errors.Is(err, embedding.ErrRefused) != c.refused || strings.Contains(err.Error(), "the text is x") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []embedding.Config{{URL: "ftp://x", Model: "m"}, {URL: "x", Model: "m"}, {URL: "https://u:p@x", Model: "m"}, {URL: "https://x?y=z", Model: "m"}, {URL: "https://x"}} {
		if _, err := embedding.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
