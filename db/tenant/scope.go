package tenant

import (
	"encoding/json"
	"fmt"
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
	// Operation is the operationId of what was asked.
	Operation string `json:"operation,omitempty"`
	// Reason is why somebody uses their system role; the database demands it for changes.
	Reason string `json:"reason,omitempty"`
}

// Scope says as whom a transaction runs and, where it has one, in which customer. It claims nothing: the
// database checks it each time a transaction enters it. The zero Scope enters nothing and is refused.
type Scope struct {
	kind       kindOfScope
	subject    string
	keyHash    []byte       // or the hash of a connect session's state
	token      [2]uuid.UUID // customer and id; of a chat the customer and the space
	needs      []string     // of a key or token: one of these permissions
	customerID *uuid.UUID   // nil: in no customer
	request    string
	charge     *Charge // nil: entering is not charged
}

// kindOfScope is which of the functions tenancy.enter_… is called. It is never taken from a request.
type kindOfScope int

const (
	kindNone kindOfScope = iota
	kindUser
	kindKey
	kindToken
	kindChat
	kindConnect
	kindWorker
)

// User is a person with a verified subject, in no customer: they see themselves and the list of their
// customers.
func User(subject string, request Request) Scope {
	return Scope{kind: kindUser, subject: subject, request: request.encode()}
}

// Key is a program with an API key, known by the SHA-256 of the key, in no customer: it sees its own customer in
// the list and nothing else. needs are the permissions of which it must have one; none is for people alone.
func Key(hash [32]byte, needs []string, request Request) Scope {
	return Scope{kind: kindKey, keyHash: hash[:], needs: needs, request: request.encode()}
}

// Token is an agent with a token whose signature has been verified, known by the customer and the id that it
// states; in no customer, as a key is.
func Token(customerID, id uuid.UUID, needs []string, request Request) Scope {
	return Scope{kind: kindToken, token: [2]uuid.UUID{customerID, id}, needs: needs, request: request.encode()}
}

// Chat is somebody who speaks in the chat of a space, known by the platform's id of them; in no customer, as a token is. The
// platform's signature has been verified, and the worker has written down that they are there. What is for people alone is
// for those who are known to be members.
func Chat(customerID, spaceID uuid.UUID, person string, needs []string, request Request) Scope {
	return Scope{kind: kindChat, subject: person, token: [2]uuid.UUID{customerID, spaceID}, needs: needs, request: request.encode()}
}

// Connect is whoever began a connect session, in its customer, known by the SHA-256 of the state that a platform has
// sent back with their browser.
func Connect(stateHash [32]byte, request Request) Scope {
	return Scope{kind: kindConnect, keyHash: stateHash[:], request: request.encode()}
}

// Worker is the worker at a job of one customer.
func Worker(customerID uuid.UUID, request Request) Scope {
	return Scope{kind: kindWorker, customerID: &customerID, request: request.encode()}
}

// Caller says who the scope is of, as a refusal is recorded: a kind (user, key, agent, chat, worker), and of it the subject,
// the key's hash, or the token's customer and id.
func (s Scope) Caller() (kind, subject string, keyHash []byte, token [2]uuid.UUID) {
	return map[kindOfScope]string{kindUser: "user", kindKey: "key", kindToken: "agent", kindChat: "chat", kindWorker: "worker"}[s.kind], s.subject, s.keyHash, s.token
}

// In is the same caller inside one customer. Entering fails with ErrNotFound if there is no such customer
// for them.
func (s Scope) In(customerID uuid.UUID) Scope {
	s.customerID = &customerID
	return s
}

// Outside is the same person in no customer.
func (s Scope) Outside() Scope {
	s.customerID = nil
	return s
}

// Charging is the same scope that owes a charge: to the customer, or where it is in none, to the caller. It is
// made once, however often and wherever the scope is entered.
func (s Scope) Charging(charge *Charge) Scope {
	s.charge = charge
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

// What enters a tenant. The function checks and answers a role; set_config makes it the role of the rest of the
// transaction. The function is an argument and not in a FROM clause, which would first store its one row.
const (
	enterUser    = `set_config('role', tenancy.enter_user($1, $2, $3), true)`
	enterKey     = `set_config('role', tenancy.enter_key($1, $2, $3, $4), true)`
	enterToken   = `set_config('role', tenancy.enter_token($1, $2, $3, $4, $5), true)` //nolint:gosec // a statement and no credential
	enterChat    = `set_config('role', tenancy.enter_chat($1, $2, $3, $4, $5, $6), true)`
	enterConnect = `set_config('role', tenancy.enter_connect($1, $2), true)`
	// The worker has no other role to go to: it is what it logs in as.
	enterWorker = `tenancy.enter_worker($1, $2)`
)

// entry gives the statement that enters the scope, with its arguments. One that charges answers what is left in
// its second column. The columns are evaluated in their order: strangers fail before they are charged, and a read
// becomes read-only after that.
func (s Scope) entry(charging, readOnly bool) (statement string, arguments []any, err error) {
	switch s.kind {
	case kindUser:
		statement, arguments = enterUser, []any{s.subject, s.customerID, s.request}
	case kindKey:
		statement, arguments = enterKey, []any{s.keyHash, s.customerID, s.needs, s.request}
	case kindToken:
		statement, arguments = enterToken, []any{s.token[0], s.token[1], s.customerID, s.needs, s.request}
	case kindChat:
		statement, arguments = enterChat, []any{s.token[0], s.token[1], s.subject, s.customerID, s.needs, s.request}
	case kindConnect:
		statement, arguments = enterConnect, []any{s.keyHash, s.request}
	case kindWorker:
		statement, arguments = enterWorker, []any{*s.customerID, s.request}
	default:
		return "", nil, errNoScope
	}
	if charging {
		n, limit := len(arguments), s.charge.limit
		arguments = append(arguments, limit.arguments()...)
		if limit.Person {
			statement += fmt.Sprintf(", tenancy.charge_person($%d, $%d, $%d)", n+1, n+2, n+3)
		} else {
			statement += fmt.Sprintf(", tenancy.charge_entered($%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4)
			arguments = append(arguments, limit.Own)
		}
	}
	if readOnly {
		statement += ", set_config('transaction_read_only', 'on', true)"
	}
	return "select " + statement, arguments, nil
}
