package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

// ask sends a question as a provider wants it.
func (b *bundle) ask(path string, header map[string]string, body any) (int, http.Header, string) {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, bytes.NewReader(encoded))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func answerSchema() object {
	return object{"type": "object", "properties": object{"text": object{"type": "string"}}, "required": []any{"text"}, "additionalProperties": false}
}

// with gives a copy of an object with one field changed; nil takes it away.
func with(o object, field string, value any) object {
	changed := object{}
	for k, v := range o {
		changed[k] = v
	}
	if changed[field] = value; value == nil {
		delete(changed, field)
	}
	return changed
}

// TestLanguageModels: each provider answers what is right, and refuses in its own form what is not.
func TestLanguageModels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := []any{object{"role": "user", "content": "Request:\nour autumn menu"}}
	loose := answerSchema()
	delete(loose, "additionalProperties")
	minimum := answerSchema()
	minimum["properties"] = object{"text": object{"type": "string", "minLength": 1}}

	anthropic := object{"model": "claude-sonnet-5-5", "max_tokens": 500, "messages": user, "output_config": object{"format": object{"type": "json_schema", "schema": answerSchema()}}}
	anthropicFormat := func(schema object) object { return object{"format": object{"type": "json_schema", "schema": schema}} }
	anthropicHeader := map[string]string{"X-Api-Key": sandbox.LLMKey, "Anthropic-Version": "2023-06-01"}
	openai := object{"model": "gpt-5.4-mini", "max_completion_tokens": 500, "messages": user,
		"response_format": object{"type": "json_schema", "json_schema": object{"name": "answer", "strict": true, "schema": answerSchema()}}}
	openaiHeader := map[string]string{"Authorization": "Bearer " + sandbox.LLMKey}
	gemini := object{"contents": []any{object{"role": "user", "parts": []any{object{"text": "Request:\nour autumn menu"}}}},
		"generationConfig": object{"maxOutputTokens": 500, "responseMimeType": "application/json", "responseJsonSchema": answerSchema()}}
	geminiHeader := map[string]string{"X-Goog-Api-Key": sandbox.LLMKey}
	const geminiPath = "/gemini/v1beta/models/gemini-2.5-flash:"
	for name, c := range map[string]struct {
		path   string
		header map[string]string
		body   object
		status int
		says   string
	}{
		"anthropic":                {"/anthropic/v1/messages", anthropicHeader, anthropic, 200, `"stop_reason":"end_turn"`},
		"anthropic streamed":       {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "stream", true), 200, "event: message_stop"},
		"anthropic no key":         {"/anthropic/v1/messages", map[string]string{"Anthropic-Version": "2023-06-01"}, anthropic, 401, "authentication_error"},
		"anthropic no version":     {"/anthropic/v1/messages", map[string]string{"X-Api-Key": sandbox.LLMKey}, anthropic, 400, "anthropic-version"},
		"anthropic no max":         {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "max_tokens", nil), 400, "max_tokens: Field required"},
		"anthropic no messages":    {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "messages", []any{}), 400, "invalid_request_error"},
		"anthropic model":          {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "model", "gpt-5.5"), 404, "not_found_error"},
		"anthropic unknown field":  {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "max_completion_tokens", 5), 400, "max_completion_tokens"},
		"anthropic loose schema":   {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "output_config", anthropicFormat(loose)), 400, "additionalProperties"},
		"anthropic schema keyword": {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "output_config", anthropicFormat(minimum)), 400, "minLength"},
		"anthropic truncated":      {"/anthropic/v1/messages", anthropicHeader, with(anthropic, "max_tokens", 2), 200, `"stop_reason":"max_tokens"`},
		"openai":                   {"/openai/v1/chat/completions", openaiHeader, openai, 200, `"finish_reason":"stop"`},
		"openai streamed":          {"/openai/v1/chat/completions", openaiHeader, with(openai, "stream", true), 200, "data: [DONE]"},
		"openai no key":            {"/openai/v1/chat/completions", nil, openai, 401, "invalid_api_key"},
		"openai other key":         {"/openai/v1/chat/completions", map[string]string{"Authorization": "Bearer sk-1"}, openai, 401, "invalid_api_key"},
		"openai model":             {"/openai/v1/chat/completions", openaiHeader, with(openai, "model", "claude-sonnet-5-5"), 404, "model_not_found"},
		"openai two limits":        {"/openai/v1/chat/completions", openaiHeader, with(openai, "max_tokens", 5), 400, "max_completion_tokens"},
		"openai stream options":    {"/openai/v1/chat/completions", openaiHeader, with(openai, "stream_options", object{"include_usage": true}), 400, "stream_options"},
		"openai loose schema":      {"/openai/v1/chat/completions", openaiHeader, with(openai, "response_format", object{"type": "json_schema", "json_schema": object{"name": "a", "strict": true, "schema": loose}}), 400, "invalid_json_schema"},
		"openai no word of JSON":   {"/openai/v1/chat/completions", openaiHeader, with(openai, "response_format", object{"type": "json_object"}), 400, "must contain the word"},
		"gemini":                   {geminiPath + "generateContent", geminiHeader, gemini, 200, `"finishReason":"STOP"`},
		"gemini streamed":          {geminiPath + "streamGenerateContent?alt=sse", geminiHeader, gemini, 200, `"finishReason":"STOP"`},
		"gemini no key":            {geminiPath + "generateContent", nil, gemini, 400, "API_KEY_INVALID"},
		"gemini model":             {"/gemini/v1beta/models/other:generateContent", geminiHeader, gemini, 404, "NOT_FOUND"},
		"gemini no contents":       {geminiPath + "generateContent", geminiHeader, with(gemini, "contents", nil), 400, "INVALID_ARGUMENT"},
		"gemini schema, no type":   {geminiPath + "generateContent", geminiHeader, with(gemini, "generationConfig", object{"responseJsonSchema": answerSchema()}), 400, "response mime type"},
		"gemini unknown method":    {geminiPath + "countTokens", geminiHeader, gemini, 404, "NOT_FOUND"},
	} {
		status, _, text := b.ask(c.path, c.header, c.body)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if status == 200 && name != "anthropic truncated" && !strings.HasSuffix(name, "streamed") && !strings.Contains(text, "autumn") {
			t.Errorf("%s is not about what was asked: %s", name, text)
		}
	}
	if status, header, _ := b.ask("/openai/v1/chat/completions", openaiHeader, openai); status != 200 || header.Get("X-Ratelimit-Remaining-Requests") == "" {
		t.Errorf("%d %v", status, header)
	}
}

// TestEmbeddings: vectors of texts that share words are nearer to each other.
func TestEmbeddings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	header := map[string]string{"Authorization": "Bearer " + sandbox.LLMKey}
	body := object{"model": "text-embedding-3-small", "input": []any{"fresh pumpkin soup", "pumpkin soup today", "quarterly tax report"}, "dimensions": 256}
	status, _, text := b.ask("/openai/v1/embeddings", header, body)
	var said struct {
		Data []struct {
			Embedding []float64 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil || status != 200 || len(said.Data) != 3 || len(said.Data[0].Embedding) != 256 {
		t.Fatalf("%d %.300s %v", status, text, err)
	}
	dot := func(i, j int) (sum float64) {
		for k, x := range said.Data[i].Embedding {
			sum += x * said.Data[j].Embedding[k]
		}
		return sum
	}
	if near, far, self := dot(0, 1), dot(0, 2), dot(0, 0); near < far+0.2 || self < 0.999 || self > 1.001 {
		t.Errorf("near %f, far %f, itself %f", near, far, self)
	}
	if status, _, text := b.ask("/openai/v1/embeddings", header, object{"model": "text-embedding-3-small", "input": ""}); status != 400 {
		t.Errorf("%d %s", status, text)
	}
}

// TestLanguageModelControl: how the models behave is set, and what they were asked is told.
func TestLanguageModelControl(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if r := b.request("PUT", "/_sandbox/llm", "", object{"answers": []any{object{"text": "no", "end": "never"}}}); r.status != 422 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.request("PUT", "/_sandbox/llm", "", object{"answers": []any{object{"text": "a script"}}, "requests": 2}); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	header := map[string]string{"X-Goog-Api-Key": sandbox.LLMKey}
	body := object{"contents": []any{object{"parts": []any{object{"text": "hello"}}}}}
	const path = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
	for _, want := range []string{"a script", `\"text\"`, "RESOURCE_EXHAUSTED"} {
		if _, _, text := b.ask(path, header, body); !strings.Contains(text, want) {
			t.Errorf("not %s: %s", want, text)
		}
	}
	if r := b.request("GET", "/_sandbox/llm", "", nil); r.json["calls"] != 2.0 || !strings.Contains(r.body, `"hello"`) {
		t.Errorf("%s", r.body)
	}
	if r := b.request("DELETE", "/_sandbox/llm", "", nil); r.status != 204 {
		t.Errorf("%d", r.status)
	}
	if record := b.box.LLM(); record.Calls != 0 || len(record.Requests) != 0 {
		t.Errorf("%+v", record)
	}
}
