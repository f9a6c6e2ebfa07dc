package cmd

import (
	"errors"
	"math"
)

// llmBudgetConfig says how much customers may use of LLMs that have no budget of their own.
type llmBudgetConfig struct {
	LLMMonthlyTokens int64   `name:"llm-monthly-tokens" env:"FANFARE_LLM_MONTHLY_TOKENS" default:"5000000" help:"Tokens of LLMs that one customer may use in a month, unless it has a budget of its own; 0: none."`
	LLMMonthlyUSD    float64 `name:"llm-monthly-usd" env:"FANFARE_LLM_MONTHLY_USD" default:"20" help:"US dollars that one customer's calls of LLMs may cost in a month, unless it has a budget of its own; 0: none."`
}

// microUSD checks the settings and gives the money in millionths of a US dollar.
func (c llmBudgetConfig) microUSD() (int64, error) {
	if c.LLMMonthlyTokens < 0 || c.LLMMonthlyTokens > 1e12 {
		return 0, errors.New(named("llm-monthly-tokens") + " must be a number of tokens between 0 and 1000000000000")
	}
	if !(c.LLMMonthlyUSD >= 0 && c.LLMMonthlyUSD <= 1e6) { // NaN is neither
		return 0, errors.New(named("llm-monthly-usd") + " must be a number of US dollars between 0 and 1000000")
	}
	return int64(math.Round(c.LLMMonthlyUSD * 1e6)), nil
}
