package cmd

import (
	"strings"
	"testing"
)

// TestLLMConfig: what is set is one model, or it is said what is missing.
func TestLLMConfig(t *testing.T) {
	t.Parallel()
	usd := func(f float64) *float64 { return &f }
	for name, c := range map[string]struct {
		config llmConfig
		says   string // "": a model
	}{
		"a known model":         {llmConfig{LLMProvider: "anthropic", LLMAPIKey: "k", LLMModel: "claude-sonnet-5-5"}, ""},
		"a server of one's own": {llmConfig{LLMProvider: "openai", LLMModel: "llama", LLMBaseURL: "http://llm:11434/v1", LLMInputPrice: usd(0), LLMOutputPrice: usd(0)}, ""},
		"a key alone":           {llmConfig{LLMAPIKey: "k"}, "--llm-api-key (FANFARE_LLM_API_KEY) needs --llm-provider (FANFARE_LLM_PROVIDER)"},
		"no key":                {llmConfig{LLMProvider: "gemini", LLMModel: "gemini-2.5-flash"}, "--llm-api-key (FANFARE_LLM_API_KEY): Gemini needs an API key"},
		"no model":              {llmConfig{LLMProvider: "gemini", LLMAPIKey: "k"}, "--llm-model (FANFARE_LLM_MODEL)"},
		"an unknown price":      {llmConfig{LLMProvider: "openai", LLMAPIKey: "k", LLMModel: "gpt-99"}, "--llm-input-price (FANFARE_LLM_INPUT_PRICE) and --llm-output-price (FANFARE_LLM_OUTPUT_PRICE)"},
		"half a price":          {llmConfig{LLMProvider: "openai", LLMAPIKey: "k", LLMModel: "gpt-99", LLMInputPrice: usd(1)}, "go together"},
		"a price below 0":       {llmConfig{LLMProvider: "openai", LLMAPIKey: "k", LLMModel: "gpt-99", LLMInputPrice: usd(-1), LLMOutputPrice: usd(1)}, "--llm-input-price"},
		"a key in the clear":    {llmConfig{LLMProvider: "openai", LLMAPIKey: "secret-k", LLMModel: "gpt-5.5", LLMBaseURL: "http://llm.example.com/v1"}, "--llm-base-url (FANFARE_LLM_BASE_URL) must begin with https://"},
		"no address":            {llmConfig{LLMProvider: "openai", LLMModel: "llama", LLMBaseURL: "llm:80"}, "--llm-base-url"},
	} {
		model, err := c.config.model()
		if (err == nil) != (c.says == "") || (err == nil) != (model != nil) || (err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret-k"))) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if model, err := (llmConfig{}).model(); model != nil || err != nil {
		t.Errorf("nothing set: %v %v", model, err)
	}
	if micro := microUSD(0.1); micro != 100_000 {
		t.Errorf("0.1 USD are %d", micro)
	}
}
