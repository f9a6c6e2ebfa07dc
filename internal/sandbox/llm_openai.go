package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// openaiModels are the models behind /openai.
var openaiModels = []string{"sandbox-writer", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-4.1", "gpt-4.1-mini"}

// openaiEmbeddings are the models that make vectors, with how many numbers these have.
var openaiEmbeddings = map[string]int{"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}

// routeOpenAI adds OpenAI's API: chat completions (https://developers.openai.com/api/reference/resources/chat), models and embeddings.
func (s *Sandbox) routeOpenAI() {
	endpoint := func(method, path, step string, judge func(*http.Request, []byte, string) answer) {
		s.mux.HandleFunc(method+" /openai/v1"+path, s.llmHandler(llmEndpoint{
			provider: "openai", step: step, problem: openaiProblem, judge: judge,
			key: func(r *http.Request) string { return bearer(r, "Bearer") },
			limits: func(header http.Header, limit, left int, resets time.Time) {
				header.Set("X-Ratelimit-Limit-Requests", strconv.Itoa(limit))
				header.Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(left))
				header.Set("X-Ratelimit-Reset-Requests", resets.Sub(s.now()).Round(time.Millisecond).String())
			},
		}))
	}
	endpoint("POST", "/chat/completions", "chat", s.openaiChat)
	endpoint("GET", "/models", "models", s.openaiListModels)
	endpoint("POST", "/embeddings", "embeddings", s.openaiEmbed)
}

// openaiProblem is an error of OpenAI's.
func openaiProblem(status int, kind, message string) answer {
	code, name := kind, "invalid_request_error"
	switch {
	case kind != "":
	case status == http.StatusUnauthorized:
		code = "invalid_api_key"
	case status == http.StatusNotFound:
		code = "model_not_found"
	case status == http.StatusTooManyRequests:
		code = "rate_limit_exceeded"
	}
	switch {
	case status == http.StatusTooManyRequests && code == "insufficient_quota":
		name = "insufficient_quota"
	case status == http.StatusTooManyRequests:
		name = "requests"
	case status >= http.StatusInternalServerError:
		name = "server_error"
	}
	var shown any
	if code != "" {
		shown = code
	}
	return jsonAnswer(status, "application/json", map[string]any{"error": map[string]any{"message": message, "type": name, "param": nil, "code": shown}})
}

// openaiWrong refuses a field.
func openaiWrong(param, code, message string) answer {
	return jsonAnswer(http.StatusBadRequest, "application/json", map[string]any{
		"error": map[string]any{"message": message, "type": "invalid_request_error", "param": param, "code": code},
	})
}

// openaiContent is a message's content: a text, or parts.
type openaiContent string

// UnmarshalJSON reads either.
func (c *openaiContent) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = openaiContent(text)
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	for _, part := range parts {
		if part.Type != "text" {
			return fmt.Errorf("content of type %q", part.Type) //nolint:err113 // answered as it is
		}
		*c += openaiContent(part.Text)
	}
	return nil
}

func (s *Sandbox) openaiChat(r *http.Request, body []byte, key string) answer {
	var in struct {
		Model    string `json:"model"`
		Messages []struct {
			Role    string        `json:"role"`
			Content openaiContent `json:"content"`
		} `json:"messages"`
		MaxCompletionTokens int  `json:"max_completion_tokens"`
		MaxTokens           int  `json:"max_tokens"`
		Stream              bool `json:"stream"`
		StreamOptions       *struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
		ResponseFormat *struct {
			Type       string `json:"type"`
			JSONSchema *struct {
				Name   string         `json:"name"`
				Strict bool           `json:"strict"`
				Schema map[string]any `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return openaiWrong("", "", "We could not parse the JSON body of your request: "+err.Error())
	}
	q := LLMRequest{Provider: "openai", Model: in.Model, Stream: in.Stream, MaxTokens: max(in.MaxCompletionTokens, in.MaxTokens), Key: key, Messages: []LLMMessage{}}
	for _, m := range in.Messages {
		if m.Role == "system" || m.Role == "developer" {
			q.System += string(m.Content)
		} else {
			q.Messages = append(q.Messages, LLMMessage{m.Role, string(m.Content)})
		}
	}
	if in.ResponseFormat != nil && in.ResponseFormat.JSONSchema != nil {
		q.Schema, _ = json.Marshal(in.ResponseFormat.JSONSchema.Schema)
	}
	s.remember(q)
	switch {
	case in.Model == "":
		return openaiWrong("model", "missing_required_parameter", "you must provide a model parameter")
	case !slices.Contains(openaiModels, in.Model):
		return openaiProblem(http.StatusNotFound, "", "The model `"+in.Model+"` does not exist or you do not have access to it.")
	case len(in.Messages) == 0:
		return openaiWrong("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	case in.MaxCompletionTokens > 0 && in.MaxTokens > 0:
		return openaiWrong("max_tokens", "invalid_parameter_combination", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	case in.MaxCompletionTokens < 0 || in.MaxTokens < 0:
		return openaiWrong("max_completion_tokens", "integer_below_min_value", "Invalid 'max_completion_tokens': integer below minimum value.")
	case s.llm.settings.Old && in.MaxCompletionTokens > 0:
		return openaiWrong("", "", "Extra inputs are not permitted: max_completion_tokens")
	case in.StreamOptions != nil && !in.Stream:
		return openaiWrong("stream_options", "invalid_value", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	for _, m := range in.Messages {
		switch m.Role {
		case "system", "developer", "user", "assistant":
		default:
			return openaiWrong("messages", "invalid_value", "Invalid value: '"+m.Role+"'.")
		}
	}
	if format := in.ResponseFormat; format != nil {
		if wrong := s.openaiFormat(format.Type, q); wrong != nil {
			return *wrong
		}
		if format.Type == "json_schema" {
			if format.JSONSchema == nil || format.JSONSchema.Name == "" {
				return openaiWrong("response_format.json_schema", "missing_required_parameter", "Missing required parameter: 'response_format.json_schema'.")
			}
			if wrong := checkSchema(format.JSONSchema.Schema, format.JSONSchema.Strict, "response_format.json_schema.schema"); wrong != "" {
				return openaiWrong("response_format", "invalid_json_schema", wrong)
			}
		}
	}
	return s.openaiAnswer(q, in.StreamOptions != nil && in.StreamOptions.IncludeUsage)
}

// openaiFormat judges the type of the answer.
func (s *Sandbox) openaiFormat(kind string, q LLMRequest) *answer {
	var wrong answer
	switch {
	case kind == "json_schema" && s.llm.settings.Old:
		wrong = openaiWrong("", "", "response_format.type must be text or json_object")
	case kind == "json_object":
		named := func(text string) bool { return strings.Contains(strings.ToLower(text), "json") }
		if named(q.System) || slices.ContainsFunc(q.Messages, func(m LLMMessage) bool { return named(m.Text) }) {
			return nil
		}
		wrong = openaiWrong("messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
	case kind == "text", kind == "json_schema":
		return nil
	default:
		wrong = openaiWrong("response_format.type", "invalid_value", "Invalid value: '"+kind+"'.")
	}
	return &wrong
}

func (s *Sandbox) openaiAnswer(q LLMRequest, usage bool) answer {
	said := s.think(q)
	finish := map[string]string{"stop": "stop", "length": "length", "refusal": "stop", "cut": "stop", "error": "stop"}[said.end]
	used := map[string]any{"prompt_tokens": said.input, "completion_tokens": said.output, "total_tokens": said.input + said.output}
	id, created := "chatcmpl-"+randomHex(12), s.now().Unix()
	if !q.Stream {
		message := map[string]any{"role": "assistant", "content": said.text, "refusal": nil}
		if said.end == "refusal" {
			message["content"], message["refusal"] = nil, said.text
		}
		if said.end == "error" || said.end == "cut" {
			return openaiProblem(http.StatusInternalServerError, "", "The server had an error while processing your request.")
		}
		return jsonAnswer(http.StatusOK, "application/json", map[string]any{
			"id": id, "object": "chat.completion", "created": created, "model": q.Model, "usage": used,
			"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": finish, "logprobs": nil}},
		})
	}
	chunk := func(delta map[string]any, finish any) string {
		c := map[string]any{"id": id, "object": "chat.completion.chunk", "created": created, "model": q.Model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": nil}}}
		if usage {
			c["usage"] = nil
		}
		return "data: " + encoded(c) + "\n\n"
	}
	events := []string{chunk(map[string]any{"role": "assistant", "content": ""}, nil)}
	field := "content"
	if said.end == "refusal" {
		field = "refusal"
	}
	for _, piece := range said.pieces() {
		events = append(events, chunk(map[string]any{field: piece}, nil))
	}
	switch said.end {
	case "cut":
		return s.streamed(events, true)
	case "error":
		return s.streamed(append(events, "data: "+encoded(map[string]any{"error": map[string]any{
			"message": "The server had an error while processing your request.", "type": "server_error", "param": nil, "code": nil,
		}})+"\n\n"), false)
	}
	events = append(events, chunk(map[string]any{}, finish))
	if usage {
		events = append(events, "data: "+encoded(map[string]any{"id": id, "object": "chat.completion.chunk", "created": created, "model": q.Model,
			"choices": []any{}, "usage": used})+"\n\n")
	}
	return s.streamed(append(events, "data: [DONE]\n\n"), false)
}

func (s *Sandbox) openaiListModels(*http.Request, []byte, string) answer {
	models := []any{}
	for _, id := range openaiModels {
		models = append(models, map[string]any{"id": id, "object": "model", "created": 1_760_000_000, "owned_by": "sandbox"})
	}
	for _, id := range []string{"text-embedding-3-large", "text-embedding-3-small"} {
		models = append(models, map[string]any{"id": id, "object": "model", "created": 1_760_000_000, "owned_by": "sandbox"})
	}
	return jsonAnswer(http.StatusOK, "application/json", map[string]any{"object": "list", "data": models})
}

// openaiEmbed makes vectors: texts that share words have vectors that are near each other.
func (s *Sandbox) openaiEmbed(_ *http.Request, body []byte, _ string) answer {
	var in struct {
		Model          string          `json:"model"`
		Input          json.RawMessage `json:"input"`
		Dimensions     int             `json:"dimensions"`
		EncodingFormat string          `json:"encoding_format"`
		User           string          `json:"user"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return openaiWrong("", "", "We could not parse the JSON body of your request: "+err.Error())
	}
	var texts []string
	var text string
	if json.Unmarshal(in.Input, &text) == nil {
		texts = []string{text}
	} else if json.Unmarshal(in.Input, &texts) != nil {
		return openaiWrong("input", "invalid_type", "Invalid type for 'input'.")
	}
	size, known := openaiEmbeddings[in.Model]
	switch {
	case !known:
		return openaiProblem(http.StatusNotFound, "", "The model `"+in.Model+"` does not exist or you do not have access to it.")
	case len(texts) == 0 || len(texts) > llmMaxTexts:
		return openaiWrong("input", "invalid_value", "Invalid 'input': must have 1 to 2048 items.")
	case in.Dimensions < 0 || in.Dimensions > size:
		return openaiWrong("dimensions", "invalid_value", "Invalid 'dimensions'.")
	case in.EncodingFormat != "" && in.EncodingFormat != "float" && in.EncodingFormat != "base64":
		return openaiWrong("encoding_format", "invalid_value", "Invalid 'encoding_format'.")
	case in.Dimensions > 0:
		size = in.Dimensions
	}
	data, tokens := []any{}, 0
	for i, text := range texts {
		if text == "" {
			return openaiWrong("input", "invalid_value", "Invalid 'input': an item is empty.")
		}
		tokens += llmTokens(text)
		var vector any = embed(text, size)
		if in.EncodingFormat == "base64" {
			raw := make([]byte, 0, 4*size)
			for _, x := range embed(text, size) {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			vector = raw
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector})
	}
	return jsonAnswer(http.StatusOK, "application/json", map[string]any{
		"object": "list", "data": data, "model": in.Model, "usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens},
	})
}

// embed is a vector of length 1: each word adds to four of its numbers.
func embed(text string, size int) []float32 {
	vector := make([]float64, size)
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < '0' || (r > '9' && r < 'a') || (r > 'z' && r < 128) })
	for _, word := range append(words, "") {
		sum := sha256.Sum256([]byte(word))
		weight := 1.0
		if word == "" {
			weight = 0.01 // so that there is a vector where there is no word
		}
		for i := range 4 {
			at := binary.LittleEndian.Uint32(sum[8*i:]) % uint32(size)
			vector[at] += weight * (1 - 2*float64(sum[8*i+4]&1))
		}
	}
	length := 0.0
	for _, x := range vector {
		length += x * x
	}
	out := make([]float32, size)
	for i, x := range vector {
		out[i] = float32(x / math.Sqrt(math.Max(length, 1e-12)))
	}
	return out
}
