package llm

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
)

// openaiAsker asks by chat completions (https://developers.openai.com/api/reference/resources/chat), which many other servers speak
// too. The answer's shape is set by response_format json_schema; a server that does not know it gets json_object, and the schema with
// the instructions.
type openaiAsker struct {
	Config
	// custom: it is another server than OpenAI's.
	custom bool
	// simple: the server is known to know only the older fields.
	simple atomic.Bool
}

func (a *openaiAsker) ask(ctx context.Context, client *http.Client, request Request, said func(string)) (Usage, error) {
	simple := a.simple.Load()
	usage, err := a.askOnce(ctx, client, request, simple, said)
	if simple || !a.custom {
		return usage, err
	}
	// Nothing was written yet where the request's form was refused, so this is no second call.
	t, _ := client.Transport.(*transport)
	if t == nil || !t.refusedForm() {
		return usage, err
	}
	usage, err = a.askOnce(ctx, client, request, true, said)
	if err == nil {
		a.simple.Store(true)
	}
	return usage, err
}

// refusedForm tells whether the request was refused for its form, and forgets that it was.
func (t *transport) refusedForm() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil || t.refused.Class != Invalid || (t.refused.Status != http.StatusBadRequest && t.refused.Status != http.StatusUnprocessableEntity) {
		return false
	}
	t.refused = nil
	return true
}

func (a *openaiAsker) askOnce(ctx context.Context, client *http.Client, request Request, simple bool, said func(string)) (Usage, error) {
	options := []option.RequestOption{option.WithBaseURL(a.BaseURL), option.WithHTTPClient(client), option.WithMaxRetries(0)}
	if a.APIKey != "" {
		options = append(options, option.WithAPIKey(a.APIKey))
	}
	// The service is made without a client around it, which would take settings from the environment.
	completions := openai.NewChatCompletionService(options...)
	params := openai.ChatCompletionNewParams{Model: a.Model, StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}}
	system := request.system()
	if simple {
		system += "\n\nAnswer with one JSON object of this JSON Schema and nothing else:\n" + string(request.Schema)
		params.MaxTokens = openai.Int(request.MaxOutput)
		params.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	} else {
		params.MaxCompletionTokens = openai.Int(request.MaxOutput)
		params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: "answer", Strict: openai.Bool(true), Schema: request.Schema,
		}}
	}
	params.Messages = append(params.Messages, openai.SystemMessage(system))
	for i := range request.Material {
		params.Messages = append(params.Messages, openai.UserMessage(request.shown(i)))
	}
	params.Messages = append(params.Messages, openai.UserMessage(request.Task))
	stream := completions.NewStreaming(ctx, params)
	defer func() { _ = stream.Close() }()
	var usage Usage
	finish, refused := "", false
	for stream.Next() {
		chunk := stream.Current()
		if chunk.Usage.TotalTokens > 0 {
			usage = Usage{chunk.Usage.PromptTokens, chunk.Usage.CompletionTokens}
		}
		for _, choice := range chunk.Choices {
			if choice.Index != 0 {
				continue
			}
			said(choice.Delta.Content)
			refused = refused || choice.Delta.Refusal != ""
			if choice.FinishReason != "" {
				finish = choice.FinishReason
			}
		}
	}
	if err := stream.Err(); err != nil {
		var failed *ssestream.StreamError
		if errors.As(err, &failed) {
			return usage, a.refusal(openaiStatus(readRefusal(failed.Event.Data)), nil, failed.Event.Data, time.Now())
		}
		return usage, err
	}
	switch {
	case refused || finish == "content_filter":
		return usage, a.ended(Refused, "refusal")
	case finish == "length":
		return usage, a.ended(Truncated, finish)
	case finish == "stop":
		return usage, nil
	case finish == "":
		return usage, errBrokeOff
	default:
		return usage, a.badAnswer("one that was stopped")
	}
}

// openaiStatus is the status that goes with an error that comes after the answer has begun.
func openaiStatus(r refusal) int {
	switch {
	case slices.ContainsFunc(r.codes, func(code string) bool { return strings.HasPrefix(code, "rate_limit") }):
		return http.StatusTooManyRequests
	case slices.Contains(r.codes, "invalid_request_error"):
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}
