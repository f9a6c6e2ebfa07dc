package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// routeGemini adds the Gemini API (https://ai.google.dev/api/generate-content). It has no rate-limit headers; a refusal says in its
// details when to try again.
func (s *Sandbox) routeGemini() {
	handler := func(step string, stream bool) http.HandlerFunc {
		return s.llmHandler(llmEndpoint{
			provider: "gemini", step: step, problem: geminiProblem,
			key: func(r *http.Request) string {
				if key := r.Header.Get("X-Goog-Api-Key"); key != "" {
					return key
				}
				return r.URL.Query().Get("key")
			},
			judge: func(r *http.Request, body []byte, key string) answer {
				model, _, _ := strings.Cut(r.PathValue("call"), ":")
				return s.geminiGenerate(r, body, key, model, stream)
			},
		})
	}
	generate, stream := handler("generate", false), handler("stream", true)
	s.mux.HandleFunc("POST /gemini/v1beta/models/{call}", func(w http.ResponseWriter, r *http.Request) {
		switch _, method, _ := strings.Cut(r.PathValue("call"), ":"); method {
		case "generateContent":
			generate(w, r)
		case "streamGenerateContent":
			stream(w, r)
		default:
			geminiProblem(http.StatusNotFound, "", "There is no such method").write(w)
		}
	})
}

// geminiProblem is an error of the Gemini API. A key that is not valid is a 400 there.
func geminiProblem(status int, kind, message string) answer {
	details := []any{}
	if status == http.StatusUnauthorized && kind == "" {
		status, kind = http.StatusBadRequest, "INVALID_ARGUMENT"
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"})
	}
	if status == http.StatusTooManyRequests {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"})
	}
	if kind == "" {
		kind = map[int]string{
			http.StatusBadRequest: "INVALID_ARGUMENT", http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED",
			http.StatusNotFound: "NOT_FOUND", http.StatusRequestEntityTooLarge: "INVALID_ARGUMENT", http.StatusTooManyRequests: "RESOURCE_EXHAUSTED",
			http.StatusServiceUnavailable: "UNAVAILABLE", http.StatusGatewayTimeout: "DEADLINE_EXCEEDED",
		}[status]
		if kind == "" {
			kind = "INTERNAL"
		}
	}
	problem := map[string]any{"code": status, "message": message, "status": kind}
	if len(details) > 0 {
		problem["details"] = details
	}
	return jsonAnswer(status, "application/json; charset=UTF-8", map[string]any{"error": problem})
}

// geminiContent is a message.
type geminiContent struct {
	Role  string `json:"role"`
	Parts []struct {
		Text string `json:"text"`
	} `json:"parts"`
}

func (c geminiContent) text() string {
	var text strings.Builder
	for _, part := range c.Parts {
		text.WriteString(part.Text)
	}
	return text.String()
}

func (s *Sandbox) geminiGenerate(r *http.Request, body []byte, key, model string, stream bool) answer {
	invalid := func(message string) answer { return geminiProblem(http.StatusBadRequest, "", message) }
	var in struct {
		Contents          []geminiContent `json:"contents"`
		SystemInstruction *geminiContent  `json:"systemInstruction"`
		GenerationConfig  struct {
			MaxOutputTokens    int            `json:"maxOutputTokens"`
			CandidateCount     int            `json:"candidateCount"`
			ResponseMIMEType   string         `json:"responseMimeType"`
			ResponseJSONSchema map[string]any `json:"responseJsonSchema"`
		} `json:"generationConfig"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return invalid("Invalid JSON payload received. " + err.Error())
	}
	config := in.GenerationConfig
	q := LLMRequest{Provider: "gemini", Model: model, Stream: stream, MaxTokens: config.MaxOutputTokens, Key: key, Messages: []LLMMessage{}}
	if in.SystemInstruction != nil {
		q.System = in.SystemInstruction.text()
	}
	for _, c := range in.Contents {
		q.Messages = append(q.Messages, LLMMessage{c.Role, c.text()})
	}
	if config.ResponseJSONSchema != nil {
		q.Schema, _ = json.Marshal(config.ResponseJSONSchema)
	}
	s.remember(q)
	switch {
	case !strings.HasPrefix(model, "gemini-"):
		return geminiProblem(http.StatusNotFound, "", "models/"+model+" is not found for API version v1beta, or is not supported for generateContent.")
	case stream && r.URL.Query().Get("alt") != "sse":
		return invalid("The sandbox streams with alt=sse only.")
	case len(in.Contents) == 0:
		return invalid("* GenerateContentRequest.contents: contents is not specified")
	case config.MaxOutputTokens < 0 || config.MaxOutputTokens > 65_536:
		return invalid("Unable to submit request because it has a maxOutputTokens value out of range.")
	case config.CandidateCount > 1:
		return invalid("Only one candidate can be specified")
	case config.ResponseJSONSchema != nil && config.ResponseMIMEType != "application/json":
		return invalid("* GenerateContentRequest.generation_config.response_json_schema: only allowed when the response mime type is 'application/json'")
	}
	for _, c := range in.Contents {
		if c.Role != "user" && c.Role != "model" && (c.Role != "" || len(in.Contents) > 1) {
			return invalid("Please use a valid role: user, model.")
		}
		if len(c.Parts) == 0 || c.text() == "" {
			return invalid("* GenerateContentRequest.contents.parts: contents.parts must not be empty.")
		}
	}
	if config.ResponseJSONSchema != nil {
		if wrong := checkSchema(config.ResponseJSONSchema, false, "generation_config.response_json_schema"); wrong != "" {
			return invalid(wrong)
		}
	}
	return s.geminiAnswer(q)
}

func (s *Sandbox) geminiAnswer(q LLMRequest) answer {
	said := s.think(q)
	finish := map[string]string{"stop": "STOP", "length": "MAX_TOKENS", "refusal": "PROHIBITED_CONTENT", "cut": "STOP", "error": "STOP"}[said.end]
	usage := map[string]any{"promptTokenCount": said.input, "candidatesTokenCount": said.output, "totalTokenCount": said.input + said.output}
	response := func(text, finish string) map[string]any {
		candidate := map[string]any{"index": 0, "content": map[string]any{"role": "model", "parts": []any{map[string]any{"text": text}}}}
		if finish != "" {
			candidate["finishReason"] = finish
		}
		return map[string]any{"candidates": []any{candidate}, "usageMetadata": usage, "modelVersion": q.Model, "responseId": "sandbox"}
	}
	if !q.Stream {
		if said.end == "error" || said.end == "cut" {
			return geminiProblem(http.StatusInternalServerError, "", "An internal error has occurred.")
		}
		return jsonAnswer(http.StatusOK, "application/json; charset=UTF-8", response(said.text, finish))
	}
	pieces := said.pieces()
	if len(pieces) == 0 {
		pieces = []string{""}
	}
	var events []string
	for i, piece := range pieces {
		end := ""
		if i == len(pieces)-1 && said.end != "cut" && said.end != "error" {
			end = finish
		}
		events = append(events, "data: "+encoded(response(piece, end))+"\r\n\r\n")
	}
	if said.end == "error" {
		events = append(events, "data: "+encoded(map[string]any{"error": map[string]any{"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})+"\r\n\r\n")
	}
	return s.streamed(events, said.end == "cut")
}
