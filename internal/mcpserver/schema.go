package mcpserver

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaOf gives a schema of the OpenAPI document (3.1, and so JSON Schema 2020-12) as one that stands for itself: what it refers to is
// written out, since clients hand schemas on to models that know no references.
func schemaOf(document *huma.OpenAPI, schema *huma.Schema) map[string]any {
	return writeOut(document, decoded(schema), 0, nil).(map[string]any) //nolint:forcetypeassert // a map stays one
}

// decoded gives a schema as plain values of its own.
func decoded(schema *huma.Schema) map[string]any {
	encoded, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("mcpserver: encode schema: %v", err)) // at the start, of what the program itself has made
	}
	var plain map[string]any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		panic(fmt.Sprintf("mcpserver: decode schema: %v", err))
	}
	return plain
}

// maxDepth is how deep schemas may refer to each other; only one that refers to itself does more.
const maxDepth = 12

// writeOut leaves out the descriptions of all in brief, which are references.
func writeOut(document *huma.OpenAPI, value any, depth int, brief map[string]bool) any {
	switch v := value.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			target := document.Components.Schemas.SchemaFromRef(ref)
			if target == nil || depth == maxDepth {
				panic("mcpserver: " + ref + " cannot be written out")
			}
			written := decoded(target)
			for name, other := range v { // a description of its own
				if name != "$ref" {
					written[name] = other
				}
			}
			whole := writeOut(document, written, depth+1, brief)
			if brief[ref] {
				leaveOut(whole, "description")
			}
			return whole
		}
		for name, part := range v {
			v[name] = writeOut(document, part, depth, brief)
		}
	case []any:
		for i, part := range v {
			v[i] = writeOut(document, part, depth, brief)
		}
	}
	return value
}

// operationOf finds an operation, its method and path.
func operationOf(document *huma.OpenAPI, id string) (method, path string, operation *huma.Operation) {
	for path, item := range document.Paths {
		for method, o := range map[string]*huma.Operation{"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if o != nil && o.OperationID == id {
				return method, path, o
			}
		}
	}
	return "", "", nil
}

// answerOf gives the schema of what an operation answers where it succeeds, nil where that is nothing, and whether an ETag comes with it.
func answerOf(operation *huma.Operation) (schema *huma.Schema, etag bool) {
	for status, response := range operation.Responses {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if content := response.Content["application/json"]; content != nil {
			_, etag = response.Headers["ETag"]
			return content.Schema, etag
		}
	}
	return nil, false
}

// gottenBy gives, by their references, the schemas of what tools get one of, such as a post, each with the operation that gets it.
func gottenBy(document *huma.OpenAPI) map[string]string {
	gotten := map[string]string{}
	for _, t := range tools {
		if !strings.HasPrefix(t.Operation, "get-") {
			continue
		}
		if _, _, operation := operationOf(document, t.Operation); operation != nil {
			if answer, _ := answerOf(operation); answer != nil && answer.Ref != "" {
				gotten[answer.Ref] = t.Operation
			}
		}
	}
	return gotten
}

// answerSchema gives the schema of an operation's answer as tools have it, which is short, since clients read those of all tools at once:
// what other tools get one of is described there alone.
func answerSchema(document *huma.OpenAPI, operation *huma.Operation, answer *huma.Schema, gotten map[string]string) map[string]any {
	brief := map[string]bool{}
	for ref, by := range gotten {
		brief[ref] = by != operation.OperationID
	}
	schema := writeOut(document, decoded(answer), 0, brief).(map[string]any) //nolint:forcetypeassert // a map stays one
	leaveOut(schema, limits...)
	return schema
}

// limits are words of schemas about what may be sent.
var limits = []string{"examples", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern"}

// leaveOut takes words out of a schema and of all in it. What it still says is as true as before.
func leaveOut(schema any, words ...string) {
	switch v := schema.(type) {
	case map[string]any:
		for _, word := range words {
			delete(v, word)
		}
		for name, part := range v {
			properties, named := part.(map[string]any)
			if name != "properties" || !named {
				leaveOut(part, words...)
				continue
			}
			for _, property := range properties { // whose names may be such words
				leaveOut(property, words...)
			}
		}
	case []any:
		for _, part := range v {
			leaveOut(part, words...)
		}
	}
}
