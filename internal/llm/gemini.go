package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"google.golang.org/genai"
)

// geminiAsker asks by the Gemini API (https://ai.google.dev/api/generate-content). The answer's shape is set by responseJsonSchema.
type geminiAsker struct{ Config }

// geminiRefusals are the reasons to end that say that the content is not wanted.
var geminiRefusals = []genai.FinishReason{
	genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonLanguage, genai.FinishReasonBlocklist,
	genai.FinishReasonProhibitedContent, genai.FinishReasonSPII,
}

func (a geminiAsker) ask(ctx context.Context, client *http.Client, request Request, said func(string)) (Usage, error) {
	var schema map[string]any
	if err := json.Unmarshal(request.Schema, &schema); err != nil {
		return Usage{}, fmt.Errorf("read schema: %w", err)
	}
	// What is left out here the library takes from the environment.
	c, err := genai.NewClient(ctx, &genai.ClientConfig{
		APIKey: a.APIKey, Backend: genai.BackendGeminiAPI, HTTPClient: client, HTTPOptions: genai.HTTPOptions{BaseURL: a.BaseURL, APIVersion: "v1beta"},
	})
	if err != nil {
		return Usage{}, errors.New("the client could not be made") // its words hold the key
	}
	config := &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText(request.system(), genai.RoleUser),
		MaxOutputTokens:   int32(min(request.MaxOutput, math.MaxInt32)),
		ResponseMIMEType:  "application/json", ResponseJsonSchema: schema,
		CandidateCount:        1,
		AutomaticContinuation: new(false), // which would be calls that nobody has reserved
	}
	contents := make([]*genai.Content, 0, len(request.Material)+1)
	for i := range request.Material {
		contents = append(contents, genai.NewContentFromText(request.shown(i), genai.RoleUser))
	}
	contents = append(contents, genai.NewContentFromText(request.Task, genai.RoleUser))
	var usage Usage
	var finish genai.FinishReason
	for chunk, err := range c.Models.GenerateContentStream(ctx, a.Model, contents, config) {
		if err != nil {
			var refused genai.APIError
			if errors.As(err, &refused) { // in the stream
				body, _ := json.Marshal(map[string]any{"error": map[string]any{"status": refused.Status, "details": refused.Details}})
				return usage, a.refusal(refused.Code, nil, body, time.Now())
			}
			return usage, err
		}
		if u := chunk.UsageMetadata; u != nil { // of everything so far
			usage = Usage{int64(u.PromptTokenCount) + int64(u.ToolUsePromptTokenCount), int64(u.CandidatesTokenCount) + int64(u.ThoughtsTokenCount)}
		}
		if chunk.PromptFeedback != nil && chunk.PromptFeedback.BlockReason != "" {
			return usage, a.ended(Refused, string(chunk.PromptFeedback.BlockReason))
		}
		for _, candidate := range chunk.Candidates {
			if candidate.Content != nil {
				for _, part := range candidate.Content.Parts {
					if !part.Thought {
						said(part.Text)
					}
				}
			}
			if candidate.FinishReason != "" {
				finish = candidate.FinishReason
			}
		}
	}
	switch {
	case finish == genai.FinishReasonStop:
		return usage, nil
	case finish == genai.FinishReasonMaxTokens:
		return usage, a.ended(Truncated, string(finish))
	case slices.Contains(geminiRefusals, finish):
		return usage, a.ended(Refused, string(finish))
	case finish == "":
		return usage, errBrokeOff
	default:
		return usage, a.badAnswer("one that was stopped")
	}
}
