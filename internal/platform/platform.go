// Package platform publishes to the outside platforms. One file per platform, all behind the
// Publisher interface. An adapter speaks HTTP to its platform and nothing else: it does not know the
// database, the tenant or the queue, never retries by itself, and reports every failure as an *Error
// whose Class decides what happens next.
package platform

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
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

// Post is what is to be published on one account.
type Post struct {
	// ID is the platform post's id. An adapter may leave it at the platform as a mark to find the
	// post by after a crash, as long as readers never see it.
	ID uuid.UUID
	// Title is a heading for platforms that have one; others ignore it. Plain text.
	Title string
	// Text is plain text: paragraphs are separated by an empty line, links stand as they are.
	Text string
}

// Attempt is what earlier work on the same post has left behind.
type Attempt struct {
	// FirstStarted is when the first attempt at this post began.
	FirstStarted time.Time
	// Checkpoint is the value last given to Keep for this post, or nil.
	Checkpoint json.RawMessage
	// Keep stores a checkpoint durably before it returns. An adapter calls it after each piece of
	// work at the platform that must not be repeated (a draft made, a file uploaded). When it
	// fails the adapter must stop without publishing: another attempt has taken over, or the
	// database cannot be reached.
	Keep func(ctx context.Context, checkpoint json.RawMessage) error
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

// Publisher is one platform. Credentials are the opened (plain) form of what Account accepted, as JSON
// of the platform's own shape; they must not appear in an error.
type Publisher interface {
	// Account asks the platform who the credential belongs to. It is how a credential is checked
	// before it is stored.
	Account(ctx context.Context, credential json.RawMessage) (Account, error)
	// Publish makes the post visible. The request that publishes is sent at most once per call.
	// Work before it is resumed from the checkpoint. Errors are *Error.
	Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error)
	// Reconcile finds out what became of an earlier attempt that ended without an answer. It changes
	// nothing at the platform. It returns the post if it is there and nil if it certainly is not; if
	// that cannot be known the error's class is UnknownOutcome.
	Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error)
}
