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
	return writeOut(document, decoded(schema), 0).(map[string]any) //nolint:forcetypeassert // a map stays one
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

func writeOut(document *huma.OpenAPI, value any, depth int) any {
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
			return writeOut(document, written, depth+1)
		}
		for name, part := range v {
			v[name] = writeOut(document, part, depth)
		}
	case []any:
		for i, part := range v {
			v[i] = writeOut(document, part, depth)
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
func answerOf(document *huma.OpenAPI, operation *huma.Operation) (schema map[string]any, etag bool) {
	for status, response := range operation.Responses {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if content := response.Content["application/json"]; content != nil {
			_, etag = response.Headers["ETag"]
			return schemaOf(document, content.Schema), etag
		}
	}
	return nil, false
}
