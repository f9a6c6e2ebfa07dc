// Package conversation is what Fanfare and people in a chat say to each other, the same on every platform: somebody asks for a
// post, sees its variants, approves, edits and schedules it, and is told what became of it.
//
// Everything is done through the API's operations, as the person who speaks. The package must not touch the database, nor
// decide who may do what: a refusal of an operation is what the person is told.
package conversation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/chat"
	"fanfare/internal/inprocess"
	"fanfare/internal/platform"
)

// Space is the space that a chat is.
type Space struct {
	CustomerID, ID uuid.UUID
	// Customer is the customer's name.
	Customer string
}

// State is what a person's next words are an answer to. It is kept with the person, per space.
type State struct {
	// Awaiting is text (of one of a post's platforms, or where none is named of all), time (at which a post goes out), topic (of a post for Platforms), memory,
	// or choice (one of Choices alone).
	Awaiting string     `json:"awaiting"`
	PostID   uuid.UUID  `json:"post_id"`
	Platform *uuid.UUID `json:"platform_post_id,omitempty"`
	// Version is that of the post that the person has seen, as an ETag.
	Version string    `json:"version"`
	Until   time.Time `json:"until"`
	// Platforms are those that a post is to be written for; none: all.
	Platforms []platform.Name `json:"platforms,omitempty"`
	// Choices are the data of the buttons of which the person was given the numbers, where the chat shows none.
	Choices []string `json:"choices,omitempty"`
}

const (
	awaitsText   = "text"
	awaitsTime   = "time"
	awaitsTopic  = "topic"
	awaitsMemory = "memory"
	awaitsChoice = "choice"
	// stateLasts is how long an answer is waited for.
	stateLasts = time.Hour
)

// Turn is something that somebody said or pressed in a space.
type Turn struct {
	Update chat.Update
	Space  Space
	// State is what the person was asked; nil: nothing.
	State *State
	Now   time.Time
	// Say sends something before the answer is there, for what takes long.
	Say func(context.Context, chat.Message)
}

// Answer is what is said to it.
type Answer struct {
	Messages []chat.Message
	// State is what the person is asked with it; nil: nothing.
	State *State
}

// Conversation answers people. It is safe for concurrent use.
type Conversation struct {
	// API is the handler of the API's operations.
	API http.Handler
}

// Answer answers a turn. An error says that it could not be answered now and is to be tried again, with the same update:
// what was done by then is not done twice.
func (c *Conversation) Answer(ctx context.Context, turn Turn) (Answer, error) {
	s := &speech{Conversation: c, Turn: turn}
	s.ctx = inprocess.As(ctx, inprocess.Speaker{CustomerID: turn.Space.CustomerID, SpaceID: turn.Space.ID, Person: turn.Update.Person.ID})
	answer, err := s.answer()
	var refused *inprocess.Problem
	if !errors.As(err, &refused) {
		return s.numbered(answer), err
	}
	switch refused.Status {
	case http.StatusInternalServerError, http.StatusRequestTimeout:
		return Answer{}, err // may be otherwise in a moment
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		if !s.told { // nobody but the person waits for a language model
			return Answer{}, err
		}
	case http.StatusUnauthorized:
		return say("I may not do anything here any more: whoever paired this chat or gave this bot its secrets has left or is no admin now, or the chat was released. In the dashboard, pair it again or give the bot new secrets."), nil
	case http.StatusPreconditionFailed:
		answer, err := s.changed()
		return s.numbered(s.inPlace(answer)), err
	case http.StatusConflict: // what a button offered does not go any more
		if s.Update.Event == chat.Pressed && s.post != uuid.Nil {
			answer, err := s.show(s.post, reason(refused))
			return s.numbered(s.inPlace(answer)), err
		}
	}
	return say(reason(refused)), nil
}

// inPlace puts an answer in the place of the message whose button was pressed, so that no button is left there that does nothing.
func (s *speech) inPlace(answer Answer) Answer {
	if s.Update.Event == chat.Pressed && len(answer.Messages) > 0 {
		answer.Messages[0].Replaces = s.Update.MessageID
	}
	return answer
}

// reason is why something was refused, for somebody who knows posts and platforms, and no requests.
func reason(refused *inprocess.Problem) string {
	var broken []string
	for _, e := range refused.Errors {
		if e.Platform != "" {
			broken = append(broken, platform.Name(e.Platform).Title()+": "+e.Message)
		}
	}
	if len(broken) > 0 {
		return "That breaks rules, and cannot go out like this:\n" + strings.Join(broken, "\n")
	}
	if refused.Status == http.StatusPaymentRequired { // how much it is concerns nobody here
		if refused.Header.Get("Retry-After") != "" {
			return "The rest of this month's budget for writing is in use just now. Try again in a minute."
		}
		return "This month's budget for writing is used up, or does not do for this. It is renewed on the first of the month; whoever looks after this chat in the dashboard knows more."
	}
	if refused.Status == http.StatusUnprocessableEntity && len(refused.Errors) > 0 {
		var messages []string
		for _, e := range refused.Errors {
			messages = append(messages, e.Message)
		}
		return "That is not possible: " + strings.Join(messages, "; ") + "."
	}
	return refused.Error()
}

// numbered notes the choices that an answer gives, where there are no buttons to press.
func (s *speech) numbered(answer Answer) Answer {
	if !s.Update.Chat.Numbered() {
		return answer
	}
	var choices []string
	for _, m := range answer.Messages { // the last that has some, as they all begin with 1
		if buttons := m.Choices(); len(buttons) > 0 {
			choices = nil
			for _, b := range buttons {
				choices = append(choices, b.Data)
			}
		}
	}
	if len(choices) == 0 {
		return answer
	}
	state := State{Awaiting: awaitsChoice, Until: s.Now.Add(stateLasts)}
	if answer.State != nil {
		state = *answer.State
	}
	state.Choices = choices
	answer.State = &state
	return answer
}

// chosen gives the data of the button whose number somebody says; "" where it is none.
func (s *speech) chosen(text string) string {
	if s.State == nil || !s.Now.Before(s.State.Until) || len(s.State.Choices) == 0 {
		return ""
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(text, ".")); err == nil && n >= 1 && n <= len(s.State.Choices) {
		return s.State.Choices[n-1]
	}
	return ""
}

// speech is one turn while it is answered.
type speech struct {
	*Conversation
	Turn
	ctx context.Context
	// calls counts those that change something, each of which is repeated under its own key.
	calls int
	// told: what fails from now on is told at once.
	told bool
	// post is the one that the turn is about.
	post uuid.UUID
}

func (s *speech) answer() (Answer, error) {
	if s.Update.Event == chat.Pressed {
		return s.pressed()
	}
	text := strings.TrimSpace(s.Update.Text)
	if data := s.chosen(text); data != "" {
		s.Update.Button, s.Update.MessageID = data, ""
		return s.pressed()
	}
	wish := understand(text)
	if s.State != nil && s.State.Awaiting != awaitsChoice && s.Now.Before(s.State.Until) && (wish.kind == wishUnclear || wish.kind == wishPress || wish.kind == wishPair || wish.kind == wishRemember && !strings.HasPrefix(text, "/")) {
		switch s.State.Awaiting {
		case awaitsTime:
			return s.timeGiven(text)
		case awaitsTopic:
			return s.topicGiven(text)
		case awaitsMemory:
			return s.remember(cmp.Or(wish.about, text))
		}
		return s.textGiven(text)
	}
	switch wish.kind {
	case wishHelp:
		return s.help()
	case wishStatus:
		return s.status()
	case wishWrite:
		return s.write(wish)
	case wishRemember:
		if s.Update.Addressed || s.Update.Chat.Kind != chat.Group || strings.HasPrefix(text, "/") { // else it is said to others
			return s.remember(wish.about)
		}
	case wishCancel:
		return say("All right."), nil
	case wishPair: // digits that are no command: what else they may be, the person knows
		return say("This chat belongs to " + s.Space.Customer + " already. " + s.hint()), nil
	case wishBadLink:
		return say(NotValid), nil
	}
	if s.Update.Chat.Kind == chat.Group && !s.Update.Addressed {
		if s.State != nil && s.State.Awaiting == awaitsChoice { // said to others, who do not take the choice away
			return Answer{State: s.State}, nil
		}
		return Answer{}, nil
	}
	if text == "" {
		return say("I read text only. " + s.hint()), nil
	}
	if wish.kind == wishPress {
		return say("That is done with the buttons below a post. For those of an earlier one, say " + slash(s.Update.Chat.Platform) + "status and press Show."), nil
	}
	return say("I did not understand that. " + s.hint()), nil
}

func (s *speech) hint() string {
	return "Try “write a post about our new opening hours”, or " + slash(s.Update.Chat.Platform) + "help."
}

// slash begins a command. Slack keeps what begins with one to itself (https://docs.slack.dev/interactivity/implementing-slash-commands).
func slash(on chat.Platform) string {
	if on == chat.Slack {
		return ""
	}
	return "/"
}

// Commands are what a menu can offer in every chat.
var Commands = []chat.Command{
	{Name: "write", Does: "Write a post: /write our new opening hours"},
	{Name: "remember", Does: "Keep something in mind: /remember we close at six"},
	{Name: "status", Does: "What became of the posts of this chat"},
	{Name: "cancel", Does: "Forget what I have just asked"},
	{Name: "help", Does: "What I can do"},
}

// help says what goes here, by what people here may do.
func (s *speech) help() (Answer, error) {
	may, err := s.rules()
	if err != nil {
		return Answer{}, err
	}
	command := slash(s.Update.Chat.Platform)
	does, below := "write", "Below a draft there is a button to edit it. It cannot be published from this chat: the team finds it among the drafts in the dashboard."
	switch {
	case may.publishes && !may.approvalRequired:
		does, below = "write and publish", "Below a draft there are buttons to publish, edit and schedule it."
	case may.publishes:
		does, below = "write and publish", "Below a draft there are buttons to have it approved, edit and schedule it."
	case may.approvalRequired:
		below = "Below a draft there are buttons to edit it and to submit it for approval."
	}
	if !may.writes {
		return say("I tell what becomes of the posts of " + s.Space.Customer + " that belong to this chat: " + command + "status\n\n" +
			"Nobody can write posts from here. Whoever looks after this chat in the dashboard can allow it."), nil
	}
	return say("I " + does + " posts for " + s.Space.Customer + ".\n\n" +
		"• write a post about …: I draft it for every connected platform\n" +
		"• write a post for LinkedIn about …: only for that platform\n" +
		"• remember that …: I keep it in mind for this chat\n" +
		"• " + command + "status: what became of the posts of this chat\n" +
		"• " + command + "cancel: forget what I have just asked\n\n" +
		below + " Only this chat sees what is drafted here, besides the team in the dashboard."), nil
}

// remember keeps something in mind for the space; "" asks for it.
func (s *speech) remember(what string) (Answer, error) {
	if what == "" {
		return s.ask("What shall I keep in mind for this chat?", State{Awaiting: awaitsMemory}), nil
	}
	if _, err := s.call(http.MethodPost, []string{"memories"}, "", map[string]any{"text": what}, nil); err != nil {
		return Answer{}, err
	}
	return say("I keep that in mind for this chat."), nil
}

// orCancel ends a question.
func (s *speech) orCancel() string { return "or " + slash(s.Update.Chat.Platform) + "cancel." }

// ask asks for what the state awaits.
func (s *speech) ask(question string, state State) Answer {
	state.Until = s.Now.Add(stateLasts)
	return Answer{Messages: []chat.Message{{Text: question + " Write it to me, " + s.orCancel()}}, State: &state}
}

func say(text string) Answer { return Answer{Messages: []chat.Message{{Text: text}}} }

// get asks for something that nobody changes, with a query.
func (s *speech) get(path []string, query map[string][]string, out any) error {
	_, err := inprocess.Do(s.ctx, s.API, inprocess.Call{
		Method: http.MethodGet, Path: inprocess.Path(append([]string{"v1", "customers", s.Space.CustomerID.String()}, path...)...), Query: query,
	}, out)
	return err
}

// call asks an operation inside the space's customer. What changes something carries a key that is the same when the
// update is handled again.
func (s *speech) call(method string, path []string, match string, body, out any) (http.Header, error) {
	header := http.Header{"User-Agent": {"Fanfare chat (" + string(s.Update.Chat.Platform) + ")"}}
	if match != "" {
		header.Set("If-Match", match)
	}
	if method == http.MethodPost {
		s.calls++
		header.Set("Idempotency-Key", fmt.Sprintf("chat:%s:%s:%s:%d", s.Update.Chat.Platform, s.Update.Chat.Bot, printable(s.Update.ID), s.calls))
	}
	answer, err := inprocess.Do(s.ctx, s.API, inprocess.Call{
		Method: method, Path: inprocess.Path(append([]string{"v1", "customers", s.Space.CustomerID.String()}, path...)...), Header: header, Body: body,
	}, out)
	return answer.Header, err
}

// printable makes an id of a platform fit for a header.
func printable(id string) string {
	quoted := strconv.QuoteToASCII(id)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], " ", "_")
}

// changed shows a post that is not any more as the person has seen it.
func (s *speech) changed() (Answer, error) {
	if s.post == uuid.Nil {
		return say("It has been changed meanwhile. Nothing was done."), nil
	}
	p, err := s.read(s.post)
	if err != nil {
		return Answer{}, err
	}
	if said := frozen(p, s.Now); said != "" {
		return s.show(p.ID, said+" I did nothing. This is how it is now:")
	}
	return s.show(p.ID, "It has been changed meanwhile, so I did nothing. This is how it is now:")
}

// NotValid is said of a code or link that pairs nothing, whyever: nobody learns which were good before.
const NotValid = "That code or link is not valid, or not any more: they work once, and for 15 minutes. There are new ones under Spaces in the dashboard."

// Unpaired answers somebody in a chat that is nobody's, whose words are no code and no link. waits: the chat has used a code, and
// somebody is still to confirm it.
func Unpaired(update chat.Update, waits bool) Answer {
	if update.Chat.Kind == chat.Group && !update.Addressed && update.Event == chat.Said {
		return Answer{}
	}
	if understand(strings.TrimSpace(update.Text)).kind == wishBadLink {
		return say(NotValid)
	}
	if waits {
		return say("I cannot do anything here yet: this chat waits to be confirmed, by whoever gave you the code, under Spaces in the dashboard.")
	}
	if update.Chat.Kind == chat.Group && update.Chat.Platform == chat.Slack {
		return say("Hello! I write and publish posts for a team. To pair this channel, open Spaces in the dashboard, and mention me here with: pair and the code of six digits.")
	}
	if update.Chat.Kind == chat.Group {
		return say("Hello! I write and publish posts for a team. To pair this group, open Spaces in the dashboard, and write here: /pair and the code of six digits.")
	}
	return say("Hello! I write and publish posts for a team. To pair this chat, open Spaces in the dashboard, and send me the code of six digits or follow the link.")
}

// MarshalState is the state as it is kept; nil for none.
func MarshalState(state *State) (json.RawMessage, error) {
	if state == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode state of conversation: %w", err)
	}
	return encoded, nil
}

// ParseState reads what MarshalState has made. What cannot be read is none: the person is asked anew.
func ParseState(encoded []byte) *State {
	state := new(State)
	if len(encoded) == 0 || json.Unmarshal(encoded, state) != nil {
		return nil
	}
	return state
}
