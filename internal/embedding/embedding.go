// Package embedding turns texts into vectors of numbers, of which those of texts that mean much the same are near each other. It
// asks a server that has OpenAI's API for it: https://developers.openai.com/api/reference/resources/embeddings.
package embedding

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"fanfare/internal/httpclient"
)

const (
	// MaxDimensions is how many numbers a vector has at most: as many as the database can compare.
	MaxDimensions = 16_000
	dialTimeout   = 10 * time.Second
	maxAnswer     = 16 << 20 // bytes
)

// ErrRefused says that the server does not take the text and will not take it another time. What it says is not kept, as it may quote the text.
var ErrRefused = errors.New("the embeddings server refuses the text")

// Embedder gives a vector for each text, in their order.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// Model names the model. Vectors of two models cannot be compared.
	Model() string
}

// Config says which server is asked.
type Config struct {
	// URL is the API's address, such as https://api.openai.com/v1.
	URL string
	// Key is sent as a bearer token; "" where the server asks for none.
	Key   string
	Model string
}

// Client asks a server that the configuration names.
type Client struct {
	service openai.EmbeddingService
	model   string
}

// New checks the configuration and makes a client.
func New(config Config) (*Client, error) {
	u, err := url.Parse(config.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL must look like https://api.openai.com/v1")
	}
	if config.Model == "" {
		return nil, errors.New("there must be a model")
	}
	options := []option.RequestOption{
		option.WithBaseURL(strings.TrimRight(config.URL, "/") + "/"),
		option.WithMaxRetries(0), // whoever asks knows when to ask again
		option.WithHTTPClient(&http.Client{Transport: bounded{httpclient.NewTransport(dialTimeout)}, CheckRedirect: httpclient.NoRedirects}),
	}
	if config.Key != "" {
		options = append(options, option.WithAPIKey(config.Key))
	}
	return &Client{service: openai.NewEmbeddingService(options...), model: config.Model}, nil
}

// Model names the model.
func (c *Client) Model() string { return c.model }

// Embed asks for the vectors of all texts at once, and checks what it is told.
func (c *Client) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	answer, err := c.service.New(ctx, openai.EmbeddingNewParams{
		Model: c.model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts}, EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat,
	})
	var refused *openai.Error
	switch {
	case errors.As(err, &refused):
		switch refused.StatusCode {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
			return nil, ErrRefused
		}
		return nil, fmt.Errorf("the embeddings server answered %d", refused.StatusCode)
	case err != nil:
		return nil, fmt.Errorf("ask the embeddings server: %w", err)
	case len(answer.Data) != len(texts):
		return nil, fmt.Errorf("the embeddings server answered %d vectors for %d texts", len(answer.Data), len(texts))
	}
	vectors := make([][]float32, len(texts))
	for _, one := range answer.Data {
		if one.Index < 0 || one.Index >= int64(len(texts)) || vectors[one.Index] != nil {
			return nil, fmt.Errorf("the embeddings server answered a vector for no text, or two for one (%d)", one.Index)
		}
		if vectors[one.Index], err = vector(one.Embedding); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

// vector gives the numbers in the precision that they are kept in.
func vector(numbers []float64) ([]float32, error) {
	if len(numbers) == 0 || len(numbers) > MaxDimensions {
		return nil, fmt.Errorf("the embeddings server answered a vector of %d numbers; it must have 1 to %d", len(numbers), MaxDimensions)
	}
	result := make([]float32, len(numbers))
	for i, n := range numbers {
		if n = float64(float32(n)); math.IsInf(n, 0) || math.IsNaN(n) {
			return nil, errors.New("the embeddings server answered a number that is too large")
		}
		result[i] = float32(n)
	}
	return result, nil
}

// bounded reads so much of an answer.
type bounded struct{ next http.RoundTripper }

// RoundTrip sends a request and bounds the body of the answer.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		answer.Body.Close()
		return nil, fmt.Errorf("the embeddings server answered %d, a redirect, which is not followed", answer.StatusCode)
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	return answer, nil
}
