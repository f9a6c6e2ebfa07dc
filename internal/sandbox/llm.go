package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The language models. Each provider has a file with its own form; what they have in common is here. A model answers with what it was
// told to, by SetLLM, and else writes something of its own (llm_write.go).

// llmKeyPrefix is how the API keys begin that the models take.
const llmKeyPrefix = "sandbox-"

// LLMKey is an API key that the models take. So is every other that begins with "sandbox-".
const LLMKey = llmKeyPrefix + "llm-key"

const (
	llmMaxBody     = 8 << 20 // bytes
	llmKept        = 50      // requests that are remembered
	llmDefaultRate = 1000    // requests a minute of a key
	llmMaxTexts    = 2048    // of one request for embeddings
)

// LLMSettings say how the language models behave.
type LLMSettings struct {
	// Answers are given in turn to the next questions. When they are used up, the models write for themselves.
	Answers []LLMAnswer `json:"answers,omitempty"`
	// TooLong is how many of the answers that they write for themselves are longer than X, LinkedIn, Mailchimp and Ghost take.
	TooLong int `json:"too_long,omitempty"`
	// PauseMS is the pause between two pieces of an answer.
	PauseMS int `json:"pause_ms,omitempty"`
	// Old: the server behind /openai knows neither json_schema nor max_completion_tokens, as many that speak OpenAI's API.
	Old bool `json:"old,omitempty"`
	// Requests is how many requests a minute a key has, of each provider; 0: 1000.
	Requests int `json:"requests,omitempty"`
}

// LLMAnswer is one answer.
type LLMAnswer struct {
	Text string `json:"text"`
	// End is how it ends: "stop" (the default), "length" (it ran out of room), "refusal", "cut" (the connection breaks),
	// "error" (the provider fails in the middle).
	End string `json:"end,omitempty"`
}

// LLMRequest is a question as it was received.
type LLMRequest struct {
	Provider string       `json:"provider"`
	Model    string       `json:"model"`
	System   string       `json:"system"`
	Messages []LLMMessage `json:"messages"`
	// MaxTokens is how many the answer may have.
	MaxTokens int `json:"max_tokens"`
	// Schema is the answer's shape, null where only JSON was asked for.
	Schema json.RawMessage `json:"schema"`
	Stream bool            `json:"stream"`
	// Key is the API key that it came with.
	Key string `json:"key"`
}

// LLMMessage is a message of a question.
type LLMMessage struct {
	Role string `json:"role"`
	Text string `json:"text"`
}

// LLMRecord is what the models were asked since it was last forgotten.
type LLMRecord struct {
	// Calls are the questions that were answered, InputTokens and OutputTokens what they took.
	Calls        int `json:"calls"`
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
	// Requests are the last 50, the oldest first, with those that were refused.
	Requests []LLMRequest `json:"requests"`
}

// llmState is kept in memory only.
type llmState struct {
	settings LLMSettings
	record   LLMRecord
	windows  map[string]rateWindow // by provider and key
}

// SetLLM says how the language models behave from now on.
func (s *Sandbox) SetLLM(settings LLMSettings) error {
	for i, a := range settings.Answers {
		if !slices.Contains([]string{"", "stop", "length", "refusal", "cut", "error"}, a.End) {
			return fmt.Errorf("%w: the end of answer %d is none of stop, length, refusal, cut, error", errInput, i+1)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.llm.settings = settings
	return nil
}

// LLM is what the language models were asked.
func (s *Sandbox) LLM() LLMRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.llm.record
	record.Requests = append([]LLMRequest{}, record.Requests...)
	return record
}

// ForgetLLM forgets what the language models were asked, and how they were told to behave.
func (s *Sandbox) ForgetLLM() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.llm = llmState{}
}

// llmEndpoint is one address of a provider.
type llmEndpoint struct {
	provider, step string
	// key reads the API key.
	key func(*http.Request) string
	// problem makes an error in the provider's form. kind is the provider's own name of it, "" for the usual one of the status.
	problem func(status int, kind, message string) answer
	// judge answers. It runs with s.mu held, after the faults.
	judge func(r *http.Request, body []byte, key string) answer
	// limits are the headers that tell the rate limit.
	limits func(header http.Header, limit, left int, resets time.Time)
}

func (s *Sandbox) llmHandler(e llmEndpoint) http.HandlerFunc {
	s.addStep(e.provider, e.step)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, llmMaxBody))
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: e.provider, Method: r.Method, Path: r.URL.Path, Step: e.provider + "." + e.step},
			apply: func() answer {
				if err != nil {
					return e.problem(http.StatusRequestEntityTooLarge, "", "Request exceeds the maximum size")
				}
				key := e.key(r)
				if !strings.HasPrefix(key, llmKeyPrefix) {
					return e.problem(http.StatusUnauthorized, "", "The API key is not valid")
				}
				if !slices.Contains(s.secrets, key) {
					s.secrets = append(s.secrets, key)
				}
				limit, left, resets := s.llmWindow(e.provider + " " + key)
				var a answer
				if left < 0 {
					a = e.problem(http.StatusTooManyRequests, "", "Rate limit reached for requests")
					a.header.Set("Retry-After", strconv.Itoa(int(resets.Sub(s.now())/time.Second)+1))
				} else {
					a = e.judge(r, body, key)
				}
				if e.limits != nil {
					e.limits(a.header, limit, max(0, left), resets)
				}
				return a
			},
			refuse: func(fault Fault) answer {
				return fault.dress(e.problem(fault.Status, fault.ErrorType, "This is a fault that was ordered"))
			},
		})
	}
}

// llmWindow counts a request of a key. left is below 0 where it is one too many.
func (s *Sandbox) llmWindow(of string) (limit, left int, resets time.Time) {
	if s.llm.windows == nil {
		s.llm.windows = map[string]rateWindow{}
	}
	now := s.now()
	window := s.llm.windows[of]
	if !now.Before(window.ends) {
		window = rateWindow{ends: now.Add(time.Minute)}
	}
	limit = cmp.Or(s.llm.settings.Requests, llmDefaultRate)
	window.used++
	s.llm.windows[of] = window
	return limit, limit - window.used, window.ends
}

// remember keeps a question.
func (s *Sandbox) remember(q LLMRequest) {
	s.llm.record.Requests = append(s.llm.record.Requests, q)
	if over := len(s.llm.record.Requests) - llmKept; over > 0 {
		s.llm.record.Requests = slices.Delete(s.llm.record.Requests, 0, over)
	}
}

// llmSaid is what a model answers.
type llmSaid struct {
	text          string
	end           string // as LLMAnswer.End, never ""
	input, output int    // tokens
}

// pieces divides the text as it is streamed.
func (a llmSaid) pieces() []string {
	const size = 24
	var pieces []string
	runes := []rune(a.text)
	for len(runes) > 0 {
		n := min(size, len(runes))
		pieces = append(pieces, string(runes[:n]))
		runes = runes[n:]
	}
	return pieces
}

// think makes the answer to a question, and counts it.
func (s *Sandbox) think(q LLMRequest) llmSaid {
	said := llmSaid{end: "stop", input: llmTokens(q.System)}
	for _, m := range q.Messages {
		said.input += llmTokens(m.Text) + 4
	}
	if scripted := s.llm.settings.Answers; len(scripted) > 0 {
		said.text, said.end = scripted[0].Text, cmp.Or(scripted[0].End, "stop")
		s.llm.settings.Answers = scripted[1:]
	} else {
		tooLong := s.llm.settings.TooLong > 0
		if tooLong {
			s.llm.settings.TooLong--
		}
		said.text = writeAnswer(q, tooLong)
	}
	said.output = llmTokens(said.text)
	if q.MaxTokens > 0 && said.output > q.MaxTokens {
		runes := []rune(said.text)
		said.text, said.end, said.output = string(runes[:min(len(runes), 4*q.MaxTokens)]), "length", q.MaxTokens
	}
	s.llm.record.Calls++
	s.llm.record.InputTokens += said.input
	s.llm.record.OutputTokens += said.output
	return said
}

// llmTokens is about how many tokens a text has: one for four characters.
func llmTokens(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }

// streamed makes the answer that streams events.
func (s *Sandbox) streamed(events []string, cut bool) answer {
	a := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}, "Cache-Control": {"no-cache"}},
		chunks: [][]byte{}, pause: time.Duration(s.llm.settings.PauseMS) * time.Millisecond, cut: cut}
	for _, event := range events {
		a.chunks = append(a.chunks, []byte(event))
	}
	return a
}

// encoded is v in JSON.
func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is our own
	}
	return string(b)
}

// schemaKeywords are those of JSON Schema that all three providers take for structured output.
var schemaKeywords = []string{"type", "properties", "required", "additionalProperties", "items", "enum", "description"}

// checkSchema says what is wrong with the schema of an answer; "" if nothing is. strict: every object names all its properties as
// required and allows no others, as Anthropic and OpenAI want it.
func checkSchema(schema map[string]any, strict bool, place string) string {
	for keyword := range schema {
		if !slices.Contains(schemaKeywords, keyword) {
			return fmt.Sprintf("%s: property '%s' is not supported", place, keyword)
		}
	}
	switch schema["type"] {
	case "object":
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		if strict && schema["additionalProperties"] != false {
			return place + ": 'additionalProperties' is required to be supplied and to be false"
		}
		if strict && len(required) != len(properties) {
			return place + ": 'required' is required to be supplied and to be an array including every key in properties"
		}
		for name, property := range properties {
			if strict && !slices.Contains(required, any(name)) {
				return place + ": missing '" + name + "' in 'required'"
			}
			inner, ok := property.(map[string]any)
			if !ok {
				return place + "." + name + ": not a schema"
			}
			if wrong := checkSchema(inner, strict, place+"."+name); wrong != "" {
				return wrong
			}
		}
	case "array":
		items, ok := schema["items"].(map[string]any)
		if !ok {
			return place + ": array schema missing items"
		}
		return checkSchema(items, strict, place+"[]")
	case "string", "integer", "number", "boolean":
	default:
		return place + ": schema must have a 'type'"
	}
	return ""
}
