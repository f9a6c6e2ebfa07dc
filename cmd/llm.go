package cmd

import (
	"errors"
	"fmt"
	"math"
	"net/url"

	"fanfare/internal/llm"
	"fanfare/internal/sandbox"
)

// llmConfig says which language model writes posts for customers that have none of their own.
type llmConfig struct {
	LLMProvider    string   `name:"llm-provider" env:"FANFARE_LLM_PROVIDER" enum:"anthropic,gemini,openai," default:"" help:"Who runs the language model that writes posts: anthropic, gemini or openai, which is also any other server that speaks OpenAI's API. Without one posts are written only with customers' own keys; in development, with the sandbox's model."`
	LLMAPIKey      string   `name:"llm-api-key" env:"FANFARE_LLM_API_KEY" help:"Its API key; a server of your own may want none."`
	LLMModel       string   `name:"llm-model" env:"FANFARE_LLM_MODEL" help:"The model, by its provider's name for it, such as claude-sonnet-5-5."`
	LLMBaseURL     string   `name:"llm-base-url" env:"FANFARE_LLM_BASE_URL" help:"Where the API is, if it is not the provider's own, such as http://127.0.0.1:11434/v1."`
	LLMInputPrice  *float64 `name:"llm-input-price" env:"FANFARE_LLM_INPUT_PRICE" help:"US dollars for a million tokens of input, for a model whose price Fanfare does not know, or another price than the list's."`
	LLMOutputPrice *float64 `name:"llm-output-price" env:"FANFARE_LLM_OUTPUT_PRICE" help:"The same for output."`
}

// model checks the settings and gives the model, nil where none is set up.
func (c llmConfig) model() (*llm.Model, error) {
	if c.LLMProvider == "" {
		for flag, set := range map[string]bool{
			"llm-api-key": c.LLMAPIKey != "", "llm-model": c.LLMModel != "", "llm-base-url": c.LLMBaseURL != "",
			"llm-input-price": c.LLMInputPrice != nil, "llm-output-price": c.LLMOutputPrice != nil,
		} {
			if set {
				return nil, fmt.Errorf("%s needs %s", named(flag), named("llm-provider"))
			}
		}
		return nil, nil //nolint:nilnil // that is what "no model" looks like
	}
	config := llm.Config{Provider: llm.Provider(c.LLMProvider), APIKey: c.LLMAPIKey, Model: c.LLMModel, BaseURL: c.LLMBaseURL}
	if u, err := url.Parse(c.LLMBaseURL); c.LLMBaseURL != "" && (c.LLMAPIKey != "" || err != nil || u.Scheme != "http") {
		checked, err := safeURL("llm-base-url", c.LLMBaseURL)
		if err != nil {
			return nil, err
		}
		config.BaseURL = checked
	}
	switch {
	case c.LLMInputPrice != nil && c.LLMOutputPrice != nil:
		const most = 100_000 // US dollars
		for flag, price := range map[string]float64{"llm-input-price": *c.LLMInputPrice, "llm-output-price": *c.LLMOutputPrice} {
			if !(price >= 0 && price <= most) { // NaN is neither
				return nil, fmt.Errorf("%s must be a number of US dollars from 0 to %d", named(flag), most)
			}
		}
		config.Price = &llm.Price{Input: microUSD(*c.LLMInputPrice), Output: microUSD(*c.LLMOutputPrice)}
	case c.LLMInputPrice != nil || c.LLMOutputPrice != nil:
		return nil, fmt.Errorf("%s and %s go together", named("llm-input-price"), named("llm-output-price"))
	}
	model, err := llm.New(config)
	var wrong *llm.ConfigError
	if errors.As(err, &wrong) {
		setting := map[string]string{
			"Provider": named("llm-provider"), "APIKey": named("llm-api-key"), "Model": named("llm-model"), "BaseURL": named("llm-base-url"),
			"Price": named("llm-input-price") + " and " + named("llm-output-price"),
		}[wrong.Field]
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return model, err
}

// microUSD is an amount of US dollars in millionths, rounded up.
func microUSD(usd float64) int64 { return int64(math.Ceil(usd * 1e6)) }

// sandboxLLM is the language model of a sandbox, at prices as real ones have them.
func sandboxLLM(boxURL string) (*llm.Model, error) {
	return llm.New(llm.Config{
		Provider: llm.OpenAI, APIKey: sandbox.LLMKey, Model: "sandbox-writer", BaseURL: boxURL + "/openai/v1",
		Price: &llm.Price{Input: 1_000_000, Output: 5_000_000},
	})
}
