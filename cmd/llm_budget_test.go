package cmd

import (
	"math"
	"strings"
	"testing"
)

func TestLLMBudgetSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		config  llmBudgetConfig
		want    int64
		mention string // of what is wrong
	}{
		{config: llmBudgetConfig{LLMMonthlyTokens: 5_000_000, LLMMonthlyUSD: 20}, want: 20_000_000},
		{config: llmBudgetConfig{LLMMonthlyUSD: 0.29}, want: 290_000}, // which has no exact double
		{config: llmBudgetConfig{}, want: 0},
		{config: llmBudgetConfig{LLMMonthlyTokens: -1}, mention: "FANFARE_LLM_MONTHLY_TOKENS"},
		{config: llmBudgetConfig{LLMMonthlyTokens: 1e12 + 1}, mention: "FANFARE_LLM_MONTHLY_TOKENS"},
		{config: llmBudgetConfig{LLMMonthlyUSD: -0.01}, mention: "FANFARE_LLM_MONTHLY_USD"},
		{config: llmBudgetConfig{LLMMonthlyUSD: 1e6 + 1}, mention: "FANFARE_LLM_MONTHLY_USD"},
		{config: llmBudgetConfig{LLMMonthlyUSD: math.NaN()}, mention: "FANFARE_LLM_MONTHLY_USD"},
		{config: llmBudgetConfig{LLMMonthlyUSD: math.Inf(1)}, mention: "FANFARE_LLM_MONTHLY_USD"},
	} {
		got, err := test.config.microUSD()
		if test.mention != "" {
			if err == nil || !strings.Contains(err.Error(), test.mention) {
				t.Errorf("%+v: %d, %v", test.config, got, err)
			}
		} else if err != nil || got != test.want {
			t.Errorf("%+v: %d, %v; want %d", test.config, got, err, test.want)
		}
	}
}
