package mcpserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// boundTool is a tool with the operation that it calls.
type boundTool struct {
	tool
	method, path string
	// arguments are the tool's, by name.
	arguments map[string]argument
	// hasBody: the operation wants a body, which is {} where no argument is for it; optionalBody: it can do without.
	hasBody, optionalBody bool
	// needs are the permissions of which a program must have one; none: it is for people.
	needs []string
	// etag: the answer is told with its ETag. events: the operation tells how far it is.
	etag, events bool
	timeout      time.Duration
	described    *mcp.Tool
}

// argument is where an argument goes.
type argument struct {
	// in is path, query, header or body.
	in string
	// name is its name there.
	name string
	id   bool // it is a UUID
	// required says so; of a body the operation itself does.
	required bool
	schema   map[string]any
}

// The arguments that stand for a header, and the customer.
const (
	etagArgument        = "etag"
	idempotencyArgument = "idempotency_key"
	customerArgument    = "customer_id"
	spaceArgument       = "space_id"
)

// headers are those that a tool passes on.
var headers = map[string]argument{
	"If-Match": {in: "header", name: "If-Match", schema: map[string]any{
		"type": "string", "minLength": 1, "maxLength": 255,
		"description": "The etag that came with what you have read, quotation marks included. If it has changed since, nothing is done and you are told.",
	}},
	"Idempotency-Key": {in: "header", name: "Idempotency-Key", schema: map[string]any{
		"type": "string", "minLength": 1, "maxLength": 255, "pattern": `^[\x21-\x7E]{1,255}$`,
		"description": "A UUID of your own. The same call with the same key does nothing twice, and is answered as the first.",
	}},
}

var headerArguments = map[string]string{"If-Match": etagArgument, "Idempotency-Key": idempotencyArgument}

// bind finds the operations of the tools. A tool whose operation the document does not have is left out.
func bind(document *huma.OpenAPI, people bool) []*boundTool {
	var bound []*boundTool
	gotten := gottenBy(document)
	for _, t := range tools {
		method, path, operation := operationOf(document, t.Operation)
		if operation == nil || t.People && !people {
			continue
		}
		bound = append(bound, newBoundTool(document, t, method, path, operation, people, gotten))
	}
	return bound
}

func newBoundTool(document *huma.OpenAPI, t tool, method, path string, operation *huma.Operation, people bool, gotten map[string]string) *boundTool {
	b := &boundTool{tool: t, method: method, path: path, arguments: map[string]argument{}, timeout: timeoutOf(operation)}
	b.needs, _ = operation.Metadata["permissions"].([]string)
	for _, p := range operation.Parameters {
		b.addParameter(document, p, people)
	}
	if operation.RequestBody != nil {
		b.addBody(document, operation.RequestBody)
	}
	for _, response := range operation.Responses {
		b.events = b.events || response.Content["text/event-stream"] != nil
	}
	var output map[string]any
	var answer *huma.Schema
	if answer, b.etag = answerOf(operation); answer != nil {
		output = answerSchema(document, operation, answer, gotten)
	}
	b.described = &mcp.Tool{
		Name: t.Name, Title: t.Title, Description: t.Description + b.access(), InputSchema: b.inputSchema(), OutputSchema: b.outputSchema(output),
		Annotations: &mcp.ToolAnnotations{
			Title: t.Title, ReadOnlyHint: t.ReadOnly, IdempotentHint: t.Repeatable, DestructiveHint: new(t.Destructive), OpenWorldHint: new(t.Outside),
		},
	}
	return b
}

// access says who may call the tool.
func (b *boundTool) access() string {
	if len(b.needs) == 0 {
		return " Only for people: API keys and agent tokens are refused."
	}
	return " API keys and agent tokens need " + strings.Join(b.needs, " or ") + "."
}

func (b *boundTool) addParameter(document *huma.OpenAPI, p *huma.Param, people bool) {
	a := argument{in: p.In, name: p.Name, required: p.Required}
	name := p.Name
	switch p.In {
	case "header":
		header, passed := headers[p.Name]
		if !passed {
			return
		}
		header.required = p.Required
		b.arguments[headerArguments[p.Name]] = header
		return
	case "path":
		if p.Name == customerArgument && !people {
			return
		}
		a.required = p.Name != customerArgument && p.Name != spaceArgument // which may be known; see fill
	case "query":
		if _, fixed := b.Fixed[p.Name]; fixed || p.Name == b.Hidden {
			return
		}
		if p.Name == b.Search {
			name, a.required = "query", true
		}
	default:
		return
	}
	a.schema = schemaOf(document, p.Schema)
	a.id = a.schema["format"] == "uuid"
	if p.Description != "" {
		a.schema["description"] = p.Description
	}
	if p.Name == customerArgument {
		a.schema["description"] = "The customer, as list_customers gives it. Needed if you belong to several."
	}
	if p.Name == spaceArgument && p.In == "path" {
		a.schema["description"] = "The space, as list_spaces gives it. Needed unless your credential is of one."
	}
	b.add(name, a)
}

func (b *boundTool) addBody(document *huma.OpenAPI, body *huma.RequestBody) {
	b.hasBody, b.optionalBody = true, !body.Required
	content := body.Content["application/json"]
	if content == nil {
		panic("mcpserver: " + b.Name + " wants a body that is no JSON")
	}
	schema := schemaOf(document, content.Schema)
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		described, _ := property.(map[string]any)
		b.add(name, argument{in: "body", name: name, required: slices.Contains(required, any(name)), schema: described})
	}
}

func (b *boundTool) add(name string, a argument) {
	if _, taken := b.arguments[name]; taken {
		panic("mcpserver: " + b.Name + " has two arguments " + name)
	}
	b.arguments[name] = a
}

func (b *boundTool) inputSchema() json.RawMessage {
	properties, required := map[string]any{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(b.arguments)) {
		properties[name] = b.arguments[name].schema
		if b.arguments[name].required {
			required = append(required, name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return checked(b.Name, schema)
}

// done is what is answered where the operation has nothing to say.
var done = json.RawMessage(`{"done":true}`)

func (b *boundTool) outputSchema(schema map[string]any) json.RawMessage {
	if schema == nil {
		schema = map[string]any{"type": "object", "properties": map[string]any{"done": map[string]any{"type": "boolean", "const": true}}, "required": []string{"done"}}
	}
	if b.etag {
		properties, _ := schema["properties"].(map[string]any)
		properties[etagArgument] = map[string]any{"type": "string", "description": "Names this version. Give it back when you change what you have read here."}
		required, _ := schema["required"].([]any)
		schema["required"] = append(required, etagArgument)
	}
	return checked(b.Name, schema)
}

// checked encodes a schema that clients will take for one.
func checked(name string, schema map[string]any) json.RawMessage {
	encoded, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("mcpserver: encode schema of %s: %v", name, err))
	}
	var parsed jsonschema.Schema
	if err := json.Unmarshal(encoded, &parsed); err != nil {
		panic(fmt.Sprintf("mcpserver: schema of %s: %v", name, err))
	}
	if _, err := parsed.Resolve(nil); err != nil {
		panic(fmt.Sprintf("mcpserver: schema of %s: %v", name, err))
	}
	return encoded
}

// operationTimeout is of operations that name none, and margin what a call takes besides.
const (
	operationTimeout = 30 * time.Second
	margin           = 10 * time.Second
)

func timeoutOf(operation *huma.Operation) time.Duration {
	own, _ := operation.Metadata["timeout"].(time.Duration)
	return max(own, operationTimeout) + margin
}

// LongestTool is how long a call of a tool may take.
func LongestTool(document *huma.OpenAPI) time.Duration {
	longest := operationTimeout + margin
	for _, t := range tools {
		if _, _, operation := operationOf(document, t.Operation); operation != nil {
			longest = max(longest, timeoutOf(operation))
		}
	}
	return longest
}
