package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/internal/llm"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// languageTag is the form of a tag of BCP 47, as the database has it for customers.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// llmChoice is the language model that a request is answered by.
type llmChoice struct {
	*llm.Model
	// own: it is asked with a key of the customer's own, or of somebody there, and costs the installation nothing.
	own bool
}

// chooseLLM chooses the language model for the caller, and with which key it is asked: their own in the space that they act in, one
// that is shared there, the space's, the customer's, or the installation's. It is the only place that does.
func (a *API) chooseLLM(ctx context.Context, q *queries.Queries, customerID uuid.UUID) (llmChoice, error) {
	found, err := q.CredentialFindLLM(ctx)
	switch {
	case err == nil:
		return a.ownLLM(customerID, found)
	case !errors.Is(err, pgx.ErrNoRows):
		return llmChoice{}, err
	case a.LLM == nil:
		return llmChoice{}, problem(http.StatusServiceUnavailable,
			"No language model is set up on this server. Whoever runs it sets FANFARE_LLM_PROVIDER, FANFARE_LLM_API_KEY and FANFARE_LLM_MODEL; or give a key of your own with create-credential.")
	}
	return llmChoice{Model: a.LLM}, nil
}

// llmKeyNames say whose key a language model is asked with, to the one who asks. What the caller may not see of it is not told.
var llmKeyNames = map[string]string{
	"own": "your own API key in this space", "shared": "the API key that somebody shares in this space", "space": "the space's API key",
	"customer": "the customer's API key", "": "the API key that the customer or its space has given",
}

// ownLLM is a language model that is asked with a key that the customer has given. Where it is, they have said: only the guarded
// client goes there.
func (a *API) ownLLM(customerID uuid.UUID, found queries.CredentialFindLLMRow) (llmChoice, error) {
	plain, err := a.Vault.Unseal(found.Credential, vault.SpaceCredential(customerID, found.ID))
	if errors.Is(err, vault.ErrUnseal) {
		return llmChoice{}, conflict("What is stored of the key of a language model cannot be opened any more. Delete it, and give it again.").cause(err)
	}
	if err != nil {
		return llmChoice{}, fmt.Errorf("open key of a language model: %w", err)
	}
	var secret llmSecret
	if json.Unmarshal(plain, &secret) != nil {
		return llmChoice{}, errors.New("the key of a language model is not what was sealed")
	}
	model, err := llm.New(llm.Config{
		Provider: llm.Provider(found.Provider), APIKey: secret.Key, Model: found.Model, BaseURL: found.BaseUrl, Client: a.Egress.Client(),
		KeyName: llmKeyNames[found.Whose],
		Price:   &llm.Price{}, // it costs the installation nothing
	})
	var wrong *llm.ConfigError
	if errors.As(err, &wrong) {
		return llmChoice{}, conflict("Your own language model cannot be used as it is set up: look at its provider, model and base_url.").cause(err)
	}
	return llmChoice{Model: model, own: true}, err
}

// fromLLM explains a failed call of a language model. own says whose key it was, and counted how many tokens are counted nevertheless.
func fromLLM(err *llm.Error, own bool, counted int64) *Problem {
	nothing := " Nothing was stored, and nothing is counted."
	if counted > 0 {
		nothing = fmt.Sprintf(" Nothing was stored; %d tokens that the model has used are counted.", counted)
	}
	status, text := http.StatusServiceUnavailable, err.Message+nothing
	switch err.Class {
	case llm.Refused:
		return invalid("body.prompt", "was refused by the language model: "+err.Message+nothing).cause(err)
	case llm.TooLarge:
		return invalid("body.material", "makes the request too large: "+err.Message+nothing).cause(err)
	case llm.Credential, llm.Payment, llm.Invalid:
		status = http.StatusBadGateway
		if !own {
			text = "The language model of this server does not take its requests: " + text + " Whoever runs the server has to see to it."
		}
	case llm.BadAnswer, llm.Truncated:
		status = http.StatusBadGateway
	case llm.Timeout:
		status = http.StatusGatewayTimeout
	}
	p := problem(status, text).cause(err)
	if !err.RetryAt.IsZero() {
		p.retryAfter = max(time.Until(err.RetryAt), time.Second)
	}
	return p
}
