package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// anthropicAsker asks by the Messages API (https://platform.claude.com/docs/en/api/messages). The answer's shape is set by
// output_config.format: newer models refuse to be forced to use a tool.
type anthropicAsker struct{ Config }

func (a anthropicAsker) ask(ctx context.Context, client *http.Client, request Request, said func(string)) (Usage, error) {
	var schema map[string]any
	if err := json.Unmarshal(request.Schema, &schema); err != nil {
		return Usage{}, fmt.Errorf("read schema: %w", err)
	}
	// The service is made without a client around it, which would take settings from the environment.
	messages := anthropic.NewMessageService(option.WithBaseURL(a.BaseURL), option.WithAPIKey(a.APIKey), option.WithHTTPClient(client), option.WithMaxRetries(0))
	params := anthropic.MessageNewParams{
		Model: a.Model, MaxTokens: request.MaxOutput,
		System:       []anthropic.TextBlockParam{{Text: request.system()}},
		OutputConfig: anthropic.OutputConfigParam{Format: anthropic.JSONOutputFormatParam{Schema: schema}},
	}
	for i := range request.Material {
		params.Messages = append(params.Messages, anthropic.NewUserMessage(anthropic.NewTextBlock(request.shown(i))))
	}
	params.Messages = append(params.Messages, anthropic.NewUserMessage(anthropic.NewTextBlock(request.Task)))
	stream := messages.NewStreaming(ctx, params)
	defer func() { _ = stream.Close() }()
	var usage Usage
	var stop anthropic.StopReason
	ended := false
	for stream.Next() {
		switch event := stream.Current(); event.Type {
		case "message_start":
			u := event.Message.Usage
			usage.InputTokens = sum(max(u.InputTokens, 0), sum(max(u.CacheCreationInputTokens, 0), max(u.CacheReadInputTokens, 0)))
			usage.OutputTokens = u.OutputTokens
		case "content_block_delta":
			if event.Delta.Type == "text_delta" {
				said(event.Delta.Text)
			}
		case "message_delta":
			stop = event.Delta.StopReason
			usage.OutputTokens = event.Usage.OutputTokens // all of them so far
		case "message_stop":
			ended = true
		}
	}
	if err := stream.Err(); err != nil {
		var refused *anthropic.Error
		if errors.As(err, &refused) { // an error event in the stream, with the body of a refusal
			return usage, a.refusal(anthropicStatus(string(refused.Type())), nil, []byte(refused.RawJSON()), time.Now())
		}
		return usage, err
	}
	switch {
	case stop == anthropic.StopReasonRefusal:
		return usage, a.ended(Refused, string(stop))
	case stop == anthropic.StopReasonMaxTokens:
		return usage, a.ended(Truncated, string(stop))
	case stop == anthropic.StopReasonModelContextWindowExceeded:
		return usage, a.ended(TooLarge, string(stop))
	case !ended:
		return usage, errBrokeOff
	case stop != anthropic.StopReasonEndTurn:
		return usage, a.badAnswer("one that was stopped")
	}
	return usage, nil
}

// anthropicStatus is the status that goes with a type of error (https://platform.claude.com/docs/en/api/errors), for those that come
// after the answer has begun.
func anthropicStatus(kind string) int {
	switch kind {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "timeout_error":
		return http.StatusGatewayTimeout
	case "overloaded_error":
		return 529
	default:
		return http.StatusInternalServerError
	}
}
