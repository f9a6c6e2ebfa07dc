package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// routeAnthropic adds Anthropic's Messages API (https://platform.claude.com/docs/en/api/messages, /errors, /rate-limits).
func (s *Sandbox) routeAnthropic() {
	s.mux.HandleFunc("POST /anthropic/v1/messages", s.llmHandler(llmEndpoint{
		provider: "anthropic", step: "messages", problem: anthropicProblem, judge: s.anthropicMessages,
		key: func(r *http.Request) string { return r.Header.Get("X-Api-Key") },
		limits: func(header http.Header, limit, left int, resets time.Time) {
			header.Set("Anthropic-Ratelimit-Requests-Limit", strconv.Itoa(limit))
			header.Set("Anthropic-Ratelimit-Requests-Remaining", strconv.Itoa(left))
			header.Set("Anthropic-Ratelimit-Requests-Reset", resets.UTC().Format(time.RFC3339))
		},
	}))
}

// anthropicProblem is an error of Anthropic's.
func anthropicProblem(status int, kind, message string) answer {
	if kind == "" {
		kind = map[int]string{
			http.StatusBadRequest: "invalid_request_error", http.StatusUnauthorized: "authentication_error", http.StatusPaymentRequired: "billing_error",
			http.StatusForbidden: "permission_error", http.StatusNotFound: "not_found_error", http.StatusRequestEntityTooLarge: "request_too_large",
			http.StatusTooManyRequests: "rate_limit_error", http.StatusGatewayTimeout: "timeout_error", 529: "overloaded_error",
		}[status]
		if kind == "" {
			kind = "api_error"
		}
	}
	id := "req_" + randomHex(12)
	a := jsonAnswer(status, "application/json", map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": id})
	a.header.Set("Request-Id", id)
	return a
}

// anthropicBlocks is a content: a text, or blocks of text.
type anthropicBlocks string

// UnmarshalJSON reads either.
func (c *anthropicBlocks) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = anthropicBlocks(text)
		return nil
	}
	var blocks []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &blocks); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	for _, block := range blocks {
		if block.Type != "text" || block.Text == "" {
			return fmt.Errorf("content: text content blocks must be non-empty") //nolint:err113,perfsprint // answered as it is
		}
		*c += anthropicBlocks(block.Text)
	}
	return nil
}

func (s *Sandbox) anthropicMessages(r *http.Request, body []byte, key string) answer {
	invalid := func(message string) answer { return anthropicProblem(http.StatusBadRequest, "", message) }
	var in struct {
		Model     string `json:"model"`
		MaxTokens *int   `json:"max_tokens"`
		Messages  []struct {
			Role    string          `json:"role"`
			Content anthropicBlocks `json:"content"`
		} `json:"messages"`
		System       anthropicBlocks `json:"system"`
		Stream       bool            `json:"stream"`
		OutputConfig struct {
			Format *struct {
				Type   string         `json:"type"`
				Schema map[string]any `json:"schema"`
			} `json:"format"`
		} `json:"output_config"`
	}
	switch r.Header.Get("Anthropic-Version") {
	case "2023-06-01", "2023-01-01":
	case "":
		return invalid("anthropic-version: header is required")
	default:
		return invalid("anthropic-version: is not a valid version")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return invalid(err.Error())
	}
	q := LLMRequest{Provider: "anthropic", Model: in.Model, System: string(in.System), Stream: in.Stream, Key: key, Messages: []LLMMessage{}}
	for _, m := range in.Messages {
		q.Messages = append(q.Messages, LLMMessage{m.Role, string(m.Content)})
	}
	if in.MaxTokens != nil {
		q.MaxTokens = *in.MaxTokens
	}
	if in.OutputConfig.Format != nil {
		q.Schema, _ = json.Marshal(in.OutputConfig.Format.Schema)
	}
	s.remember(q)
	switch {
	case in.Model == "":
		return invalid("model: Field required")
	case in.MaxTokens == nil:
		return invalid("max_tokens: Field required")
	case *in.MaxTokens < 1:
		return invalid("max_tokens: Input should be greater than or equal to 1")
	case *in.MaxTokens > 128_000:
		return invalid("max_tokens: is more than the maximum allowed number of output tokens of the model")
	case len(in.Messages) == 0:
		return invalid("messages: at least one message is required")
	case !strings.HasPrefix(in.Model, "claude-"):
		return anthropicProblem(http.StatusNotFound, "", "model: "+in.Model)
	}
	for i, m := range in.Messages {
		if m.Role != "user" && m.Role != "assistant" {
			return invalid(fmt.Sprintf("messages.%d.role: Input should be 'user' or 'assistant'", i))
		}
		if m.Content == "" {
			return invalid(fmt.Sprintf("messages.%d.content: must be non-empty", i))
		}
	}
	if format := in.OutputConfig.Format; format != nil {
		if format.Type != "json_schema" {
			return invalid("output_config.format.type: Input should be 'json_schema'")
		}
		if wrong := checkSchema(format.Schema, true, "output_config.format.schema"); wrong != "" {
			return invalid(wrong)
		}
	}
	return s.anthropicAnswer(q)
}

func (s *Sandbox) anthropicAnswer(q LLMRequest) answer {
	said := s.think(q)
	stop := map[string]string{"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "cut": "end_turn", "error": "end_turn"}[said.end]
	id := "msg_" + randomHex(12)
	usage := func(output int) map[string]any {
		return map[string]any{"input_tokens": said.input, "output_tokens": output, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}
	}
	message := map[string]any{"id": id, "type": "message", "role": "assistant", "model": q.Model, "content": []any{}, "stop_reason": nil, "stop_sequence": nil}
	if !q.Stream {
		if said.end == "error" || said.end == "cut" {
			return anthropicProblem(http.StatusInternalServerError, "", "Internal server error")
		}
		message["content"], message["stop_reason"], message["usage"] = []any{map[string]any{"type": "text", "text": said.text}}, stop, usage(said.output)
		return jsonAnswer(http.StatusOK, "application/json", message)
	}
	message["usage"] = usage(1)
	event := func(kind string, data map[string]any) string {
		data["type"] = kind
		return "event: " + kind + "\ndata: " + encoded(data) + "\n\n"
	}
	events := []string{
		event("message_start", map[string]any{"message": message}),
		event("content_block_start", map[string]any{"index": 0, "content_block": map[string]any{"type": "text", "text": ""}}),
		event("ping", map[string]any{}),
	}
	for _, piece := range said.pieces() {
		events = append(events, event("content_block_delta", map[string]any{"index": 0, "delta": map[string]any{"type": "text_delta", "text": piece}}))
	}
	switch said.end {
	case "cut":
		return s.streamed(events, true)
	case "error":
		return s.streamed(append(events, event("error", map[string]any{"error": map[string]any{"type": "overloaded_error", "message": "Overloaded"}})), false)
	}
	return s.streamed(append(events,
		event("content_block_stop", map[string]any{"index": 0}),
		event("message_delta", map[string]any{"delta": map[string]any{"stop_reason": stop, "stop_sequence": nil}, "usage": map[string]any{"output_tokens": said.output}}),
		event("message_stop", map[string]any{}),
	), false)
}
