package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// idempotencyHeader makes a POST repeatable: whoever does not know what became of a request sends it again with the
// same key, and what is done is not done twice (draft-ietf-httpapi-idempotency-key-header).
const idempotencyHeader = "Idempotency-Key"

var idempotencyParameter = &huma.Param{
	Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(255), Pattern: acceptableIdempotencyKey.String()},
	Description: "Any text of your own, such as a UUID, to send this request again safely: within a day the same request with the same key " +
		"changes nothing more and is answered as the first. Another request with the same key is refused (422); one that is still under way is waited for, or refused (409).",
}

var acceptableIdempotencyKey = regexp.MustCompile(`^[\x21-\x7E]{1,255}$`)

// idempotent is a request that may be repeated.
type idempotent struct {
	operation, key string
	fingerprint    [sha256.Size]byte
	seal           vault.Context
}

type idempotentKey struct{}

// withIdempotency notes in the context that the request may be repeated, if it carries a key. input is all that
// was asked.
func withIdempotency(ctx context.Context, operation string, given *string, input any) (context.Context, error) {
	if given == nil {
		return ctx, nil
	}
	key := *given
	if !acceptableIdempotencyKey.MatchString(key) { // an empty one too: whoever sends it counts on it
		return ctx, invalid("header."+idempotencyHeader, "must be 1 to 255 visible ASCII characters")
	}
	encoded, err := json.Marshal(input)
	if err != nil {
		return ctx, fmt.Errorf("encode request: %w", err)
	}
	within := vault.Installation
	if c, ok := input.(interface{ customer() uuid.UUID }); ok {
		within = c.customer()
	}
	return context.WithValue(ctx, idempotentKey{}, &idempotent{
		operation: operation, key: key, fingerprint: sha256.Sum256(encoded),
		seal: vault.Answer(within, operation, key),
	}), nil
}

// once runs fn in the transaction unless the request has been answered before: then it gives that answer. What fn
// answers is kept in the same transaction.
func once[O any](ctx context.Context, a *API, tx *tenant.Tx, q *queries.Queries, fn func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*O, error)) (*O, error) {
	request, _ := ctx.Value(idempotentKey{}).(*idempotent)
	if request == nil {
		return fn(ctx, tx, q)
	}
	claim, err := q.IdempotencyKeyClaim(ctx, queries.IdempotencyKeyClaimParams{
		Operation: request.operation, Key: request.key, Fingerprint: request.fingerprint[:],
	})
	if err != nil {
		return nil, err
	}
	if !claim.Claimed {
		return replay[O](a, request, claim.Fingerprint, claim.Answer)
	}
	out, err := fn(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	sealed, keyID, err := a.Vault.SealWithID(plain, request.seal)
	if err != nil {
		return nil, fmt.Errorf("seal answer: %w", err)
	}
	kept, err := q.IdempotencyKeyAnswer(ctx, queries.IdempotencyKeyAnswerParams{
		Operation: request.operation, Key: request.key, Answer: sealed, KeyID: &keyID,
	})
	if err == nil && kept != 1 {
		err = errors.New("the idempotency key that was claimed is gone")
	}
	return out, err
}

// answered gives the answer to an earlier request with the same key, nil where there is none, for an operation that
// asks somebody else before its transaction.
func answered[O any](ctx context.Context, a *API, scope tenant.Scope) (*O, error) {
	request, _ := ctx.Value(idempotentKey{}).(*idempotent)
	if request == nil {
		return nil, nil //nolint:nilnil // there is no answer yet
	}
	row, err := read(ctx, a, scope, func(q *queries.Queries) (queries.IdempotencyKeyGetRow, error) {
		return q.IdempotencyKeyGet(ctx, queries.IdempotencyKeyGetParams{Operation: request.operation, Key: request.key})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	return replay[O](a, request, row.Fingerprint, row.Answer)
}

// underWay names the request for what says that it is being worked on, so that the same is not done twice at once; nil where it has no
// key. What is said in a chat has a worker of its own, which begins anew where another has died, and so does not wait for that one.
func underWay(ctx context.Context) *string {
	request, _ := ctx.Value(idempotentKey{}).(*idempotent)
	if kind, _, _, _ := scope(ctx).Caller(); request == nil || kind == "chat" {
		return nil
	}
	name := request.operation + " " + request.key
	return &name
}

// replay opens the answer that was given before, if the same was asked.
func replay[O any](a *API, request *idempotent, fingerprint, answer []byte) (*O, error) {
	if !bytes.Equal(fingerprint, request.fingerprint[:]) {
		return nil, problem(http.StatusUnprocessableEntity, "This Idempotency-Key was used for another request. Use a new key.",
			ProblemDetail{Message: "was used for another request", Location: "header." + idempotencyHeader})
	}
	plain, err := a.Vault.Unseal(answer, request.seal)
	if err != nil {
		return nil, fmt.Errorf("open answer: %w", err)
	}
	out := new(O)
	if err := json.Unmarshal(plain, out); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	return out, nil
}
