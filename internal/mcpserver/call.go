package mcpserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"fanfare/internal/inprocess"
)

// handler calls the tool's operation. What goes wrong there is the tool's answer, which models read, and no error of the protocol.
func (s *server) handler(b *boundTool) mcp.ToolHandler {
	return func(ctx context.Context, request *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, cancel := context.WithTimeout(ctx, b.timeout)
		defer cancel()
		call, err := s.callOf(ctx, b, request.Params.Arguments)
		if err == nil && b.events {
			call.Events = progress(ctx, request)
		}
		var answer inprocess.Answer
		if err == nil {
			answer, err = s.call(ctx, call)
		}
		if err != nil {
			return s.failed(ctx, b, err)
		}
		structured := done
		if len(answer.Body) > 0 {
			structured = answer.Body
		}
		if b.etag {
			if structured, err = withETag(answer); err != nil {
				return s.failed(ctx, b, err)
			}
		}
		if !json.Valid(structured) { // which the SDK could not send, and so would leave the client waiting
			return s.failed(ctx, b, errNoJSON)
		}
		return &mcp.CallToolResult{StructuredContent: structured, Content: []mcp.Content{&mcp.TextContent{Text: string(structured)}}}, nil
	}
}

func withETag(answer inprocess.Answer) (json.RawMessage, error) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	etag, err := json.Marshal(answer.Header.Get("ETag"))
	if err != nil {
		return nil, fmt.Errorf("encode ETag: %w", err)
	}
	body[etagArgument] = etag
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return encoded, nil
}

// progress tells the client how far an operation is, if it wants to know.
func progress(ctx context.Context, request *mcp.CallToolRequest) func(name string, data []byte) {
	token := request.Params.GetProgressToken()
	if token == nil {
		return nil
	}
	step := 0.0
	return func(name string, data []byte) {
		step++
		var about struct {
			Platform   string `json:"platform"`
			Characters int    `json:"characters"`
		}
		message := name
		if json.Unmarshal(data, &about) == nil && about.Platform != "" {
			unit := "characters"
			if about.Characters == 1 {
				unit = "character"
			}
			message = fmt.Sprintf("%s for %s: %d %s", name, about.Platform, about.Characters, unit)
		}
		// An error means that nobody listens any more.
		_ = request.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: step, Message: message})
	}
}

// mistake is wrong with the arguments of a call, in words for the model that made them.
type mistake string

// Error says what is wrong.
func (m mistake) Error() string { return string(m) }

// callOf makes the call of the operation.
func (s *server) callOf(ctx context.Context, b *boundTool, raw json.RawMessage) (inprocess.Call, error) {
	given := map[string]json.RawMessage{}
	if len(raw) > 0 && json.Unmarshal(raw, &given) != nil {
		return inprocess.Call{}, mistake("The arguments must be a JSON object.")
	}
	maps.DeleteFunc(given, func(name string, value json.RawMessage) bool { // a header, a parameter: null is none. In a body it may mean something.
		a, known := b.arguments[name]
		return known && a.in != "body" && string(value) == "null"
	})
	if err := b.known(given); err != nil {
		return inprocess.Call{}, err
	}
	call := inprocess.Call{Method: b.method, Query: url.Values{}, Header: http.Header{}}
	for name, value := range b.Fixed {
		call.Query.Set(name, value)
	}
	body, path := map[string]json.RawMessage{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		a := b.arguments[name]
		if a.in == "body" {
			body[a.name] = given[name]
			continue
		}
		text, err := plain(name, given[name], a)
		if err != nil {
			return inprocess.Call{}, err
		}
		switch a.in {
		case "path":
			path[a.name] = text
		case "query":
			call.Query.Set(a.name, text)
		case "header":
			call.Header.Set(a.name, text)
		}
	}
	if b.hasBody && (len(body) > 0 || !b.optionalBody) {
		call.Body = body
	}
	var err error
	call.Path, err = s.fill(ctx, b.path, path)
	return call, err
}

// acceptableName is what may be repeated of a name that a caller has made up.
var acceptableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// known refuses arguments that the tool does not have, and names those that it lacks.
func (b *boundTool) known(given map[string]json.RawMessage) error {
	takes := "It takes " + strings.Join(slices.Sorted(maps.Keys(b.arguments)), ", ") + "."
	if len(b.arguments) == 0 {
		takes = "It takes none."
	}
	for name := range given {
		if _, known := b.arguments[name]; known {
			continue
		}
		if name == customerArgument {
			return mistake("Leave customer_id out: your credential is for one customer, and this tool acts there. " + takes)
		}
		if !acceptableName.MatchString(name) {
			return mistake("There is an argument that this tool does not have. " + takes)
		}
		return mistake(fmt.Sprintf("This tool has no argument %q. %s", name, takes))
	}
	var missing []string
	for name, a := range b.arguments {
		if _, there := given[name]; a.required && !there {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return mistake("These arguments are missing: " + strings.Join(missing, ", ") + ". " + takes)
	}
	return nil
}

// plain gives a value as it stands in a path, a query or a header.
func plain(name string, value json.RawMessage, a argument) (string, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		if a.id {
			id, err := uuid.Parse(text)
			if err != nil || len(text) != len(uuid.Nil.String()) {
				return "", mistake(name + " must be a UUID, such as 01a2e0cc-2a5c-7b5e-9d1f-3d9f2a4e6b70. Take it from the answer of a tool.")
			}
			text = id.String()
		}
		if a.in == "header" && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return "", mistake(name + " must be visible ASCII characters.")
		}
		return text, nil
	}
	var number json.Number
	var truth bool
	var list []string
	switch {
	case a.in == "query" && json.Unmarshal(value, &list) == nil:
		return strings.Join(list, ","), nil
	case a.in == "query" && json.Unmarshal(value, &number) == nil:
		return number.String(), nil
	case a.in == "query" && json.Unmarshal(value, &truth) == nil:
		return string(value), nil
	}
	return "", mistake(name + " must be a string.")
}

// fill puts ids into an operation's path. The customer's and the space's are the caller's own where none is given; others are always given.
func (s *server) fill(ctx context.Context, template string, ids map[string]string) (string, error) {
	parts := strings.Split(strings.TrimPrefix(template, "/"), "/")
	for i, part := range parts {
		name, found := strings.CutPrefix(part, "{")
		if !found {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if id, given := ids[name]; given {
			parts[i] = id
			continue
		}
		find := s.customer
		if name == spaceArgument {
			find = s.space
		}
		id, err := find(ctx)
		if err != nil {
			return "", err
		}
		parts[i] = id.String()
	}
	return inprocess.Path(parts...), nil
}

// customer is the one that the caller's credential is for, or the only one of a person.
func (s *server) customer(ctx context.Context) (uuid.UUID, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	if caller.CustomerID != nil {
		return *caller.CustomerID, nil
	}
	answer, err := s.call(ctx, inprocess.Call{Method: http.MethodGet, Path: "/v1/customers", Query: url.Values{"limit": {"2"}}})
	if err != nil {
		return uuid.Nil, err
	}
	var list struct {
		Items []struct {
			ID uuid.UUID `json:"id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer.Body, &list); err != nil {
		return uuid.Nil, fmt.Errorf("decode customers: %w", err)
	}
	switch len(list.Items) {
	case 0:
		return uuid.Nil, mistake("You belong to no customer yet. Somebody must invite you, or you make one in Fanfare.")
	case 1:
		return list.Items[0].ID, nil
	}
	return uuid.Nil, mistake("You belong to several customers: give customer_id, as list_customers gives it.")
}

// space is the one that the caller's credential is of.
func (s *server) space(ctx context.Context) (uuid.UUID, error) {
	caller, err := callerOf(ctx)
	if err == nil && caller.SpaceID == nil {
		err = mistake("Your credential is of no space: give space_id, as list_spaces gives it.")
	}
	if err != nil {
		return uuid.Nil, err
	}
	return *caller.SpaceID, nil
}

// failed tells a model what went wrong and what to do next.
func (s *server) failed(ctx context.Context, b *boundTool, err error) (*mcp.CallToolResult, error) {
	var wrong mistake
	var problem *inprocess.Problem
	var text string
	switch {
	case errors.As(err, &wrong):
		text = string(wrong)
	case errors.As(err, &problem):
		caller, _ := callerOf(ctx)
		text = b.explain(caller, problem)
	case errors.Is(err, context.DeadlineExceeded):
		text = "This took too long and was given up. It may have been done all the same: look at what is there before you try again, or repeat it with the same idempotency_key."
	case errors.Is(err, context.Canceled):
		text = "This was broken off. It may have been done all the same." // to somebody who does not listen any more
	default:
		s.Log.ErrorContext(ctx, "a tool failed", "tool", b.Name, "error", err)
		text = "Something went wrong on our side. Try again later."
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
}

var errNoJSON = errors.New("an operation has answered what is no JSON")

// next is what to do about a problem, by its status.
var next = map[int]string{
	http.StatusBadRequest:          "Correct the arguments and call again.",
	http.StatusUnauthorized:        "The credential does not work any more. Ask your user for another.",
	http.StatusPaymentRequired:     "Nothing was done. Your user can have the budget raised, or wait for the next month.",
	http.StatusNotFound:            "Take ids from the answers of tools such as list_posts; what belongs to others is not there for you.",
	http.StatusConflict:            "Read it again, see in which state it is, and go on from there.",
	http.StatusPreconditionFailed:  "Somebody has changed it since: read it again, and repeat the call with the etag that you get.",
	http.StatusUnprocessableEntity: "Correct what is named, and call again.",

	http.StatusPreconditionRequired: "Pass the etag that get_post gives as the argument etag.",
	http.StatusBadGateway:           "Somebody else's service has failed. Try again in a minute with the same idempotency_key.",
	http.StatusServiceUnavailable:   "Try again later with the same idempotency_key.",
	http.StatusGatewayTimeout:       "Try again in a minute with the same idempotency_key.",
}

// explain says what happened, where, and what to do.
func (b *boundTool) explain(caller Caller, p *inprocess.Problem) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%d): %s", b.Name, p.Status, cmp.Or(p.Detail, p.Title))
	for _, e := range p.Errors {
		at := b.place(e.Location)
		if at != "" {
			at += ": "
		}
		fmt.Fprintf(&text, "\n- %s%s", at, e.Message)
	}
	switch retry := p.Header.Get("Retry-After"); {
	case p.Status == http.StatusForbidden && !caller.person() && len(b.needs) == 0:
		text.WriteString("\nAsk your user to do this themselves.")
	case p.Status == http.StatusForbidden && !caller.person() && !caller.may(b.needs):
		fmt.Fprintf(&text, "\nThe tool needs %s; your credential has %s. Ask your user for one with the permission.", strings.Join(b.needs, " or "), strings.Join(caller.Permissions, ", "))
	case retry != "":
		fmt.Fprintf(&text, "\nWait %s seconds, and call again.", retry)
	case next[p.Status] != "":
		text.WriteString("\n" + next[p.Status])
	}
	if p.Status >= http.StatusInternalServerError && p.RequestID != "" {
		text.WriteString("\nRequest id: " + p.RequestID)
	}
	return text.String()
}

// place is where something is wrong, in the words of the tool.
func (b *boundTool) place(location string) string {
	in, at, _ := strings.Cut(location, ".")
	switch in {
	case "header":
		if name := headerArguments[at]; name != "" {
			return name
		}
		return at
	case "body", "query", "path":
		head, rest := at, ""
		if i := strings.IndexAny(at, ".["); i >= 0 {
			head, rest = at[:i], at[i:]
		}
		for name, a := range b.arguments {
			if a.in == in && a.name == head {
				return name + rest
			}
		}
		return at
	}
	return location
}
