package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Post is what is to be published on one account.
type Post struct {
	// ID is the platform post's id. An adapter may leave it at the platform as a mark to find the
	// post by after a crash, as long as readers never see it.
	ID uuid.UUID
	// Title is a heading for platforms that have one; others ignore it. Plain text.
	Title string
	// Text is plain text: paragraphs are separated by an empty line, links stand as they are.
	Text string
	// HTML is the text as a template has rendered it, sanitised, for platforms that take HTML. Empty: it is made from Text.
	// It can name the post's images by their places: <img src="media:1"> is the first. Those that it does not name stand
	// around the text.
	HTML string
	// Media are the files that it shows, in order.
	Media []Media
	// Options are what only its platform has.
	Options Options
}

// Media is a file that a post shows: an image or a video.
type Media struct {
	ID uuid.UUID
	// Name is the file's name, without a folder.
	Name string
	// ContentType is what the bytes are, "image/png" for example: it was found in them, not said by somebody.
	ContentType string
	Bytes       int64
	// Width and Height are in pixels, 0 where that is not known.
	Width, Height int
	// Duration is a video's; 0 where that is not known.
	Duration time.Duration
	// Animated tells a GIF that moves from one that does not.
	Animated bool
	// AltText describes the file to those who cannot see it.
	AltText string
	// Open reads length bytes from offset on; a negative length reads to the end. Nil where the file is only judged.
	Open func(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// IsVideo tells a video from an image.
func (m Media) IsVideo() bool { return strings.HasPrefix(m.ContentType, "video/") }

// ThreadPart is a further post of a thread.
type ThreadPart struct {
	Text string `json:"text" minLength:"1" maxLength:"5000"`
	// MediaIDs are files of the post that this part shows; the first part shows those that no other names.
	MediaIDs []uuid.UUID `json:"media_ids,omitempty" maxItems:"4" nullable:"false" doc:"Files of the post that this part shows. The first part shows those that no other part names."`
}

// Options are what only some platforms have. Check refuses those that the post's platform has not.
type Options struct {
	// Thread are the posts that follow the first one. X.
	Thread []ThreadPart `json:"thread,omitempty" maxItems:"24" nullable:"false" doc:"X: the posts of a thread that follow the first one."`
	// MadeWithAI and PaidPartnership are X's labels.
	MadeWithAI      bool `json:"made_with_ai,omitempty" doc:"X: label the post as made with AI."`
	PaidPartnership bool `json:"paid_partnership,omitempty" doc:"X: label the post as a paid partnership."`
	// FirstComment is posted below the post, in its account's name. LinkedIn, Facebook.
	FirstComment string `json:"first_comment,omitempty" maxLength:"8000" doc:"LinkedIn, Facebook: a comment that is posted below it at once."`
	// Link is shown as a card below the text. LinkedIn, Facebook.
	Link string `json:"link,omitempty" maxLength:"2000" format:"uri" doc:"LinkedIn, Facebook: an address that is shown as a card. Not together with files."`
	// LinkTitle is the card's heading. LinkedIn.
	LinkTitle string `json:"link_title,omitempty" maxLength:"400" doc:"LinkedIn: the card's heading; needed with link."`
	// Visibility is who sees a post of a person: "public" or "connections"; empty is public. LinkedIn.
	Visibility string `json:"visibility,omitempty" enum:"public,connections" doc:"LinkedIn: who sees it; connections is for people's own accounts. Public if left out."`
	// Subject, PreviewText, FromName and ReplyTo are an e-mail's. Empty: the title, nothing, and what the audience has. Mailchimp.
	Subject     string `json:"subject,omitempty" maxLength:"150" doc:"Mailchimp: the e-mail's subject; the post's title if left out."`
	PreviewText string `json:"preview_text,omitempty" maxLength:"150" doc:"Mailchimp: the text that inboxes show after the subject."`
	FromName    string `json:"from_name,omitempty" maxLength:"100" doc:"Mailchimp: the sender's name; that of the audience if left out."`
	ReplyTo     string `json:"reply_to,omitempty" maxLength:"254" format:"email" doc:"Mailchimp: the sender's address; that of the audience if left out."`
	// TemplateID and Variables say how the text becomes HTML. Mailchimp, Ghost.
	TemplateID *uuid.UUID        `json:"template_id,omitempty" format:"uuid" doc:"Mailchimp, Ghost: the e-mail template to use."`
	Variables  map[string]string `json:"variables,omitempty" doc:"Mailchimp, Ghost: values of the template's variables, each with at most 10000 characters."`
	// Newsletter is the slug of a newsletter to whose members the post is also sent, EmailSegment which of them. Ghost.
	Newsletter   string `json:"newsletter,omitempty" maxLength:"191" doc:"Ghost: the slug of the newsletter that the post is also sent as."`
	EmailSegment string `json:"email_segment,omitempty" maxLength:"500" doc:"Ghost: which members get the newsletter, such as status:free; all if left out."`
	// Excerpt and Tags are Ghost's.
	Excerpt string   `json:"excerpt,omitempty" maxLength:"300" doc:"Ghost: a short summary."`
	Tags    []string `json:"tags,omitempty" maxItems:"50" nullable:"false" doc:"Ghost: names of tags; those that are not there are made."`
}

// optionFields are the options that each platform has, by their names in JSON.
var optionFields = map[Name][]string{
	Twitter:   {"thread", "made_with_ai", "paid_partnership"},
	LinkedIn:  {"first_comment", "link", "link_title", "visibility"},
	Facebook:  {"first_comment", "link"},
	Mailchimp: {"subject", "preview_text", "from_name", "reply_to", "template_id", "variables"},
	Ghost:     {"newsletter", "email_segment", "excerpt", "tags", "template_id", "variables"},
}

// given names the options that have a value.
func (o Options) given() []string {
	encoded, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("options cannot be encoded: %v", err)) // they hold nothing that cannot
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &fields); err != nil {
		panic(fmt.Sprintf("options are no object: %v", err))
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	return names
}

// Attempt is what earlier work on the same post has left behind, and what the work needs of its surroundings.
type Attempt struct {
	// FirstStarted is when the first attempt at this post began, in this round: since a person last put it on its way.
	FirstStarted time.Time
	// Checkpoint is the value last given to Keep for this post, or nil.
	Checkpoint json.RawMessage
	// Keep stores a checkpoint durably before it returns. An adapter calls it after each piece of
	// work at the platform that must not be repeated (a draft made, a file uploaded), and before the request that
	// publishes, where only that tells whether it may have been sent. When it
	// fails the adapter must stop without publishing: another attempt has taken over, or the
	// database cannot be reached.
	Keep func(ctx context.Context, checkpoint json.RawMessage) error
	// Taken tells whether another post of the same account is known to be the one with this id at the platform. What is
	// looked for by its content may be found twice.
	Taken func(ctx context.Context, externalID string) (bool, error)
	// Observe notes what the platform says of the requests that it still takes. It does not block.
	Observe func(Quota)
	// Decided: a person has put the post on its way again, who may have looked. What was kept and is gone from the platform is
	// then made anew.
	Decided bool
	// Stopping is closed when this process is to end. Work that takes long is then broken off between two pieces, with
	// the error HandedOver, and goes on elsewhere.
	Stopping <-chan struct{}
}

// stopping tells whether the work is to be broken off.
func (a Attempt) stopping() bool {
	select {
	case <-a.Stopping:
		return true
	default:
		return false
	}
}

// keep stores v as the checkpoint. Its error is an *Error.
func (a Attempt) keep(ctx context.Context, v any) error {
	checkpoint, err := json.Marshal(v)
	if err == nil {
		err = a.Keep(ctx, checkpoint)
	}
	if err != nil {
		return &Error{Class: Transient, Message: "What was done at the platform could not be recorded, so it went no further.", Err: err}
	}
	return nil
}

// keepSent is keep for what the platform has answered: it also works where ctx has ended meanwhile.
func (a Attempt) keepSent(ctx context.Context, v any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return a.keep(ctx, v)
}

// canSend tells whether there is time for one more request that publishes, so that it is not cut off by our own deadline.
func canSend(ctx context.Context) bool { return hasTime(ctx, clientTimeout) }

// hasTime tells whether ctx lasts longer than that.
func hasTime(ctx context.Context, needed time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return !limited || time.Until(deadline) > needed
}

// kept reads the checkpoint into v, which it leaves as it is if there is none. Its error is an *Error.
func (a Attempt) kept(v any) error {
	if len(a.Checkpoint) == 0 || string(a.Checkpoint) == "null" {
		return nil
	}
	if err := json.Unmarshal(a.Checkpoint, v); err != nil {
		// Going on without it could publish a second time.
		return &Error{Class: UnknownOutcome, Err: err, Message: "What an earlier attempt left behind cannot be read. Look at the platform whether the post is there."}
	}
	return nil
}

// CodeHandedOver is the code of the error HandedOver.
const CodeHandedOver = "handed_over"

// HandedOver is the error of work that was broken off because the process ends, or its time.
func HandedOver() *Error {
	return &Error{Class: Waiting, Code: CodeHandedOver, Message: "The work goes on at once.", RetryAt: time.Now()}
}

// Quota is what a platform says of the requests that it still takes until a time.
type Quota struct {
	// App says that it is the whole application's, of all accounts together, and not the account's.
	App bool
	// Limit is how many it takes in a window, 0 where it does not say; Remaining how many are left.
	Limit, Remaining int
	// Resets is when the window ends.
	Resets time.Time
}
