package llm

import (
	"fmt"
	"math"
	"math/bits"
	"regexp"
)

// Usage is what a call took, in the provider's tokens. What a model thinks counts as output.
type Usage struct {
	InputTokens, OutputTokens int64
}

// Add gives the sum of two calls.
func (u Usage) Add(other Usage) Usage {
	return Usage{u.InputTokens + other.InputTokens, u.OutputTokens + other.OutputTokens}
}

// Price is what a model costs, in micro-USD (millionths of a US dollar) per million tokens: 3 USD per million tokens are 3,000,000.
type Price struct {
	Input, Output int64
	// Above is the number of input tokens from which on a call as a whole costs LongInput and LongOutput; 0: it always costs the same.
	Above                 int64
	LongInput, LongOutput int64
}

func (p Price) valid() bool {
	return p.Input >= 0 && p.Output >= 0 && p.Above >= 0 && p.LongInput >= 0 && p.LongOutput >= 0
}

// Cost is what a call has cost, in micro-USD, rounded up.
func (p Price) Cost(u Usage) int64 {
	input, output := p.Input, p.Output
	if p.Above > 0 && u.InputTokens > p.Above {
		input, output = p.LongInput, p.LongOutput
	}
	return sum(perMillion(u.InputTokens, input), perMillion(u.OutputTokens, output))
}

// perMillion is tokens × price ÷ 1,000,000, rounded up, at most the largest number.
func perMillion(tokens, price int64) int64 {
	if tokens <= 0 || price <= 0 {
		return 0
	}
	const million = 1_000_000
	high, low := bits.Mul64(uint64(tokens), uint64(price))
	if high >= million {
		return math.MaxInt64
	}
	quotient, rest := bits.Div64(high, low, million)
	if rest > 0 {
		quotient++
	}
	return int64(min(quotient, math.MaxInt64))
}

func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Bound is what calls can take at most.
type Bound struct {
	InputTokens, OutputTokens int64
	// MicroUSD is what they can cost, in millionths of a US dollar.
	MicroUSD int64
}

// Tokens is input and output together.
func (b Bound) Tokens() int64 { return sum(b.InputTokens, b.OutputTokens) }

// Add gives the bound of two calls.
func (b Bound) Add(other Bound) Bound {
	return Bound{sum(b.InputTokens, other.InputTokens), sum(b.OutputTokens, other.OutputTokens), sum(b.MicroUSD, other.MicroUSD)}
}

// Bound is what a call can take at most.
func (m *Model) Bound(request Request) Bound {
	usage := Usage{request.maxInput(), request.MaxOutput}
	return Bound{usage.InputTokens, usage.OutputTokens, m.price.Cost(usage)}
}

// Cost is what a call has cost, in micro-USD.
func (m *Model) Cost(usage Usage) int64 { return m.price.Cost(usage) }

// Providers put words of their own around what they are sent: for the roles, the boundaries and the form of the answer.
const requestOverhead, materialOverhead = 1500, 300

// maxInput is how many tokens a request can have. The tokenizers of all providers fall back to bytes, so that a text never has more
// tokens than bytes; most have a quarter of that.
func (r Request) maxInput() int64 {
	// The schema is counted twice: where a server has no means for it, it stands in the instructions.
	n := len(r.Instructions) + len(r.Task) + 2*len(r.Schema) + requestOverhead
	for _, m := range r.Material {
		n += len(m.Source) + len(m.Text) + materialOverhead
	}
	return int64(n)
}

// usd is a price per million tokens in cents.
func usd(input, output int64) Price { return Price{Input: input * 10_000, Output: output * 10_000} }

// above adds the price of calls with more input.
func (p Price) above(tokens, input, output int64) Price {
	p.Above, p.LongInput, p.LongOutput = tokens, input*10_000, output*10_000
	return p
}

// prices are the list prices per million tokens, in US cents, as of November 2026, without discounts for cached input or batches:
// https://platform.claude.com/docs/en/about-claude/pricing, https://ai.google.dev/gemini-api/docs/pricing and
// https://developers.openai.com/api/docs/pricing. Where a price is announced to rise, the higher one stands here.
var prices = map[Provider]map[string]Price{
	Anthropic: {
		"claude-fable-5-1":  usd(1000, 5000),
		"claude-opus-5-5":   usd(400, 2000),
		"claude-opus-5":     usd(500, 2500),
		"claude-sonnet-5-5": usd(200, 1000),
		"claude-sonnet-5":   usd(300, 1500),
		"claude-sonnet-4-6": usd(300, 1500).above(200_000, 600, 2250),
		"claude-sonnet-4-5": usd(300, 1500).above(200_000, 600, 2250),
		"claude-haiku-5-5":  usd(10, 50).above(100_000, 50, 250),
		"claude-haiku-4-5":  usd(100, 500),
	},
	Gemini: {
		"gemini-3.8-flash":      usd(150, 750),
		"gemini-2.5-pro":        usd(125, 1000).above(200_000, 250, 1500),
		"gemini-2.5-flash":      usd(30, 250),
		"gemini-2.5-flash-lite": usd(10, 40),
	},
	OpenAI: {
		"gpt-5.5":      usd(500, 3000).above(272_000, 1000, 4500),
		"gpt-5.4":      usd(250, 1500).above(272_000, 500, 2250),
		"gpt-5.4-mini": usd(75, 450),
		"gpt-5.4-nano": usd(20, 125),
		"gpt-4.1":      usd(200, 800),
		"gpt-4.1-mini": usd(40, 160),
	},
}

// datedName is a name with the date of its version: claude-haiku-4-5-20251001, gpt-4.1-2025-04-14.
var datedName = regexp.MustCompile(`^(.+)-(?:\d{8}|\d{4}-\d{2}-\d{2})$`)

// PriceOf is the list price of a model. One that is not known is a *ConfigError: a budget cannot be held without a price.
func PriceOf(provider Provider, model string) (Price, error) {
	if price, known := prices[provider][model]; known {
		return price, nil
	}
	if dated := datedName.FindStringSubmatch(model); dated != nil {
		if price, known := prices[provider][dated[1]]; known {
			return price, nil
		}
	}
	return Price{}, &ConfigError{"Price", fmt.Sprintf("the price of the model %q is not known; say what a million tokens of input and of output cost", model)}
}
