// Package platform publishes to the outside platforms. One file per platform, all behind the
// Publisher interface. An adapter speaks HTTP to its platform and nothing else: it does not know the
// database, the tenant or the queue, never retries by itself, and reports every failure as an *Error
// whose Class decides what happens next.
package platform

import (
	"context"
	"encoding/json"
	"time"
)

// Name is a platform's name as it stands in the API, the database and the configuration.
type Name string

// The platforms that a post can name.
const (
	Twitter   Name = "twitter"
	LinkedIn  Name = "linkedin"
	Facebook  Name = "facebook"
	Mailchimp Name = "mailchimp"
	Ghost     Name = "ghost"
)

// Names lists the platforms.
var Names = []Name{Twitter, LinkedIn, Facebook, Mailchimp, Ghost}

// Title is the name that people know a platform by.
func (n Name) Title() string {
	switch n {
	case Twitter:
		return "X"
	case LinkedIn:
		return "LinkedIn"
	case Facebook:
		return "Facebook"
	case Mailchimp:
		return "Mailchimp"
	case Ghost:
		return "Ghost"
	default:
		return string(n)
	}
}

// Account is who a credential belongs to, as the platform itself says.
type Account struct {
	// ExternalID identifies the account on its platform and never changes: two connections of the
	// same account have the same ExternalID.
	ExternalID string
	// Name is what people call the account.
	Name string
	// URL is where people see it. Absolute, or empty where the platform tells none.
	URL string
}

// Published says where a post is.
type Published struct {
	// ExternalID is the post's id on its platform.
	ExternalID string
	// URL is where readers see the post. Absolute, at most 2,000 bytes.
	URL string
	// At is when the platform published it, by the platform's clock if it tells something believable, else ours.
	At time.Time
}

// AccountReader asks a platform who a credential belongs to, which is how one is checked. Credentials are the opened
// (plain) form, as JSON of the platform's own shape; they must not appear in an error.
type AccountReader interface {
	Account(ctx context.Context, credential json.RawMessage) (Account, error)
}

// Publisher is one platform. Credentials are as AccountReader says.
type Publisher interface {
	// Publish makes the post visible. The request that publishes is sent at most once per call.
	// Work before it is resumed from the checkpoint. Errors are *Error.
	//
	// Work that takes long is done in pieces, each of which is kept. Where the platform itself is at work (a video),
	// Publish does not wait for it: the error's class is Waiting. Between pieces it looks at attempt.Stopping.
	Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error)
	// Reconcile finds out what became of an earlier attempt that ended without an answer. It changes
	// nothing at the platform. It returns the post if it is there and nil if it certainly is not; if
	// that cannot be known the error's class is UnknownOutcome. Of a post with several parts it keeps those that it
	// finds, and returns nil if there is more for Publish to do; where it has just found the first one, an error of the class
	// Waiting with Partial.
	Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error)
}

// Metrics are what a platform says of how a post did, since it was published. Nil: it does not say.
type Metrics struct {
	Impressions *int64 `json:"impressions" doc:"How often it was shown; for e-mails, how many were delivered."`
	Reach       *int64 `json:"reach" doc:"How many people saw it; for e-mails, how many opened it."`
	Likes       *int64 `json:"likes" doc:"Reactions of any kind."`
	Comments    *int64 `json:"comments"`
	Shares      *int64 `json:"shares" doc:"Reposts and quotes included."`
	Clicks      *int64 `json:"clicks"`
}

// Measurer is a Publisher whose platform tells how a post did.
type Measurer interface {
	// Measure asks for the numbers of the post with this id at the platform. Its errors are *Error; Invalid says that the
	// post is not there any more, or that the account is of a kind without numbers.
	Measure(ctx context.Context, credential json.RawMessage, externalID string) (Metrics, error)
}
