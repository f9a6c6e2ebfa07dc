package sandbox

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// RequestInfo describes one request to a service.
type RequestInfo struct {
	Platform string // the service's name, as "ghost", "twitter", "telegram", "unsplash" or "mcp"
	// Account is the service's own name for who is addressed: a Ghost site's or MCP server's name, the id of the person whom a
	// code or token belongs to, the id of a Telegram bot, a phone number or a Slack workspace; "" where that is not known.
	Account string
	Method  string
	// Path is the request's; Telegram's have the bot's id in place of its token.
	Path string
	// Step names what the request is for: "ghost.site", "ghost.browse", "ghost.find",
	// "ghost.create_draft", "ghost.create_published", "ghost.read", "ghost.publish",
	// "ghost.update", "ghost.delete", "ghost.upload", "ghost.newsletters" or "ghost.other"; and on the platforms with OAuth:
	//
	//	<platform>.authorize    the consent page and its form
	//	<platform>.token        a code for tokens
	//	facebook.extend         a short-lived token for a long-lived one
	//	<platform>.refresh      tokens for new ones: twitter, linkedin, and facebook's long-lived ones
	//	<platform>.revoke       twitter, linkedin, facebook
	//	<platform>.me           who it is; mailchimp: the root of the API
	//	facebook.permissions    what was allowed
	//	mailchimp.metadata      which data centre
	//	<platform>.pages        organizations, pages, lists
	//	<platform>.page         one page or list: facebook, mailchimp
	//	facebook.post           what publishes: text, a link, photos; and a page's posts (feed), one of them (read)
	//	facebook.photo          a photo
	//	facebook.video_start    a video, with video_transfer for its pieces, video_finish, which publishes, and its state (video)
	//	facebook.comment        a comment; those of a post are comments
	//	facebook.insights       how a post did
	//	linkedin.init_image     where an image is to be sent; linkedin.init_video: a video
	//	linkedin.upload_image   an image's bytes; linkedin.upload_part: a part of a video's
	//	linkedin.finalize_video the parts of a video made into one
	//	linkedin.image          how far an image is; linkedin.video: a video
	//	linkedin.post           a post; linkedin.comment: a comment on one
	//	linkedin.statistics     the numbers of an organization's posts
	//	mailchimp.find          the list of campaigns
	//	mailchimp.create, .read, .update, .delete, .content, .checklist, .send, .schedule, .unschedule: one campaign
	//	mailchimp.report        its numbers
	//	mailchimp.upload        a file for the file manager
	//	twitter.publish         a post
	//	twitter.reply           a further post of a thread
	//	twitter.timeline        a person's posts
	//	twitter.metrics         posts by their ids
	//	twitter.upload          an image
	//	twitter.media_start, twitter.media_append, twitter.media_finish, twitter.media_status
	//	                        a GIF or video in segments, and how far its processing is
	//	twitter.media_metadata  an alt text
	//	unsplash.search         a search for photos
	//	unsplash.photo          one photo; unsplash.download: the report that it is used
	//	unsplash.image          a photo's bytes
	//
	// and telegram's methods by their names, such as telegram.send_message for sendMessage; telegram.other is any that the
	// sandbox does not have.
	//
	// and of MCP servers:
	//
	//	mcp.initialize          the beginning of a session; and server/discover of newer clients
	//	mcp.list_tools, mcp.call_tool
	//	mcp.other               any other message, and a session's stream and end
	//	mcp.resource_metadata   whom the server trusts to sign people in; mcp.login_metadata: how that is done
	//	mcp.register            a client
	//	mcp.authorize, mcp.token, mcp.refresh, mcp.revoke: as above
	//
	// and of chats:
	//
	//	whatsapp.send           a message; whatsapp.number: whose number it is
	//	slack.<method>          a method of the Web API, such as slack.chat.postMessage
	//
	// and of language models:
	//
	//	anthropic.messages      a question to a language model; gemini.generate, gemini.stream and openai.chat are the others'
	//	openai.models           the models; openai.embeddings: vectors of texts
	Step string
}

// addStep notes a step that a route serves.
func (s *Sandbox) addStep(platform, name string) {
	if step := platform + "." + name; !slices.Contains(s.steps[platform], step) {
		s.steps[platform] = append(s.steps[platform], step)
	}
}

// Steps lists the steps of each platform, as RequestInfo names them.
func (s *Sandbox) Steps() map[string][]string { return maps.Clone(s.steps) }

type hooks struct {
	request, applied []func(RequestInfo)
}

// OnRequest calls f for every request to a service, before it is judged or applied. Tests use it to
// kill the client at a chosen moment.
func (s *Sandbox) OnRequest(f func(RequestInfo)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.request = append(s.hooks.request, f)
}

// OnApplied calls f for every request that a service accepted, after its effect is stored and before
// its answer is written.
func (s *Sandbox) OnApplied(f func(RequestInfo)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.applied = append(s.hooks.applied, f)
}

// arrived counts a request and gives its hooks.
func (s *Sandbox) arrived(step string) hooks {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[step]++
	return s.hooks
}

// answer is what a service says. changed tells that the state must be saved before it is said.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	changed bool
	// chunks are said one after the other, in place of body, with a pause before each but the first.
	chunks [][]byte
	pause  time.Duration
	// cut closes the connection after the last chunk, as if more were to come.
	cut bool
	// next, if it is there, gives the answer in place of the others, as it likes. It runs without s.mu.
	next http.Handler
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.chunks != nil {
		a.stream(w)
		return
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// stream writes the chunks.
func (a answer) stream(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	control := http.NewResponseController(w)
	for i, chunk := range a.chunks {
		if i > 0 && a.pause > 0 {
			<-time.After(a.pause)
		}
		if _, err := w.Write(chunk); err != nil {
			return // the client has gone
		}
		if err := control.Flush(); err != nil {
			return
		}
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
}

// unheard takes an answer that nobody gets.
type unheard struct{}

// Header gives a header that is dropped.
func (unheard) Header() http.Header { return http.Header{} }

// Write drops the body.
func (unheard) Write(body []byte) (int, error) { return len(body), nil }

// WriteHeader drops the status.
func (unheard) WriteHeader(int) {}

// exchange is one request on its way through the sandbox.
type exchange struct {
	info RequestInfo
	// wait, where it is there, holds the request back before it is applied, as long polling does.
	wait func(*http.Request)
	// apply judges the request and carries it out. It runs with s.mu held.
	apply func() answer
	// refuse makes the service's own kind of answer for a fault of kind FaultStatus.
	refuse func(Fault) answer
}

// serve takes a request through hooks, faults and the service, in the order in which a real network
// and a real service would fail.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, x exchange) {
	began := time.Now()
	hooks := s.arrived(x.info.Step)
	for _, hook := range hooks.request {
		hook(x.info)
	}
	fault := s.takeFault(x.info)
	log := s.log.With("platform", x.info.Platform, "account", x.info.Account, "method", x.info.Method,
		"path", x.info.Path, "step", x.info.Step)
	if fault.Kind != "" {
		log = log.With("fault", fault.Kind)
	}
	if fault.Kind != FaultDropAfter && !fault.wait(r.Context()) {
		log.LogAttrs(r.Context(), slog.LevelInfo, "sandbox request given up by the client")
		panic(http.ErrAbortHandler)
	}
	var result answer
	switch fault.Kind {
	case FaultDropBefore:
		log.LogAttrs(r.Context(), slog.LevelInfo, "sandbox request dropped")
		panic(http.ErrAbortHandler)
	case FaultStatus:
		result = x.refuse(fault)
	case FaultBody:
		result = fault.dress(answer{status: http.StatusOK})
	default:
		if x.wait != nil {
			x.wait(r)
		}
		result = s.apply(x.apply)
		if result.status < http.StatusBadRequest {
			for _, hook := range hooks.applied {
				hook(x.info)
			}
		}
	}
	log.LogAttrs(r.Context(), slog.LevelInfo, "sandbox request",
		slog.Int("status", result.status), slog.Duration("took", time.Since(began)))
	if fault.Kind == FaultDropAfter {
		if result.next != nil {
			result.next.ServeHTTP(unheard{}, r)
		}
		fault.wait(r.Context())
		panic(http.ErrAbortHandler)
	}
	if result.next != nil {
		result.next.ServeHTTP(w, r)
		return
	}
	result.write(w)
}

// apply runs f with the state locked and saves what it changed.
func (s *Sandbox) apply(f func() answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	result := f()
	if result.changed {
		if err := s.save(); err != nil {
			s.log.Error("sandbox state not saved", "err", err)
			return answer{status: http.StatusInternalServerError, body: []byte("sandbox: state not saved\n")}
		}
	}
	return result
}
