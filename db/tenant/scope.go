package tenant

import (
	"encoding/json"
	"strings"

	"github.com/google/uuid"
)

// Request says on whose behalf and from where something is done, for the audit log.
type Request struct {
	ID        string `json:"id,omitempty"`
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	// Job is the id of the River job that acts, 0 for a request.
	Job int64 `json:"job,omitempty"`
	// Operation is the API's operation, by its id in the OpenAPI document.
	Operation string `json:"operation,omitempty"`
	// Reason is what a person with a system role gives as the reason for what they do.
	Reason string `json:"reason,omitempty"`
}

// Scope says as whom a transaction runs and, where it has one, in which customer. It claims nothing: the
// database checks it each time a transaction enters it. The zero Scope enters nothing and is refused.
type Scope struct {
	kind       kind
	subject    string
	customerID *uuid.UUID // nil: in no customer
	request    string
}

// kind is which of the functions tenancy.enter_… is called. It is never taken from a request.
type kind int

const (
	kindNone kind = iota
	kindUser
	kindWorker
)

// User is a person with a verified subject, in no customer: they see themselves and the list of their
// customers.
func User(subject string, request Request) Scope {
	return Scope{kind: kindUser, subject: subject, request: request.encode()}
}

// Worker is the worker at a job of one customer.
func Worker(customerID uuid.UUID, request Request) Scope {
	return Scope{kind: kindWorker, customerID: &customerID, request: request.encode()}
}

// In is the same person inside one customer. Entering fails with ErrNotFound if there is no such customer
// for them.
func (s Scope) In(customerID uuid.UUID) Scope {
	s.customerID = &customerID
	return s
}

// JSON is the request as the functions of the database take it.
func (r Request) JSON() string { return r.encode() }

// encode writes the request as JSON that Postgres takes as text and as jsonb. JSON itself allows a NUL and
// replaces what is not UTF-8; jsonb does not allow a NUL, so it is replaced as well.
func (r Request) encode() string {
	for _, field := range []*string{&r.ID, &r.IP, &r.UserAgent, &r.Operation, &r.Reason} {
		*field = strings.ReplaceAll(*field, "\x00", "\ufffd")
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		panic("tenant: a request of strings cannot fail to encode: " + err.Error())
	}
	return string(encoded)
}

// The statements that enter a tenant. The function checks and answers a role; set_config makes it the
// role of the rest of the transaction, and with it the last column makes a read read-only. The function is
// an argument and not in a FROM clause, which would first store its one row.
const (
	enterUser     = `select set_config('role', tenancy.enter_user($1, $2, $3), true)`
	enterUserRead = `select set_config('role', tenancy.enter_user($1, $2, $3), true), set_config('transaction_read_only', 'on', true)`
	// The worker has no other role to go to: it is what it logs in as.
	enterWorker     = `select tenancy.enter_worker($1, $2)`
	enterWorkerRead = `select tenancy.enter_worker($1, $2), set_config('transaction_read_only', 'on', true)`
)

// entry gives the statement that enters the scope, with its arguments.
func (s Scope) entry(readOnly bool) (statement string, arguments []any, err error) {
	switch s.kind {
	case kindUser:
		return pick(readOnly, enterUserRead, enterUser), []any{s.subject, s.customerID, s.request}, nil
	case kindWorker:
		return pick(readOnly, enterWorkerRead, enterWorker), []any{*s.customerID, s.request}, nil
	default:
		return "", nil, errNoScope
	}
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
