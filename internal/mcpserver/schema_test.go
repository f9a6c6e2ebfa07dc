package mcpserver

import (
	"reflect"
	"testing"
)

// TestLeaveOut: words of schemas are taken out at any depth, and properties that are called like them stay.
func TestLeaveOut(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	schema := m{"description": "x", "properties": m{
		"description": m{"type": "string", "description": "x", "maxLength": 3},
		"properties":  m{"type": "object", "properties": m{"a": m{"description": "x", "enum": []any{"description"}}}},
	}, "required": []any{"description"}, "anyOf": []any{m{"description": "x", "type": "null"}}}
	leaveOut(schema, "description", "maxLength")
	if want := (m{"properties": m{
		"description": m{"type": "string"},
		"properties":  m{"type": "object", "properties": m{"a": m{"enum": []any{"description"}}}},
	}, "required": []any{"description"}, "anyOf": []any{m{"type": "null"}}}); !reflect.DeepEqual(schema, want) {
		t.Errorf("left are %v", schema)
	}
}
