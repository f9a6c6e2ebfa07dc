package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Nullable is a field of a partial update that can be left out (unchanged), null (cleared) or given.
type Nullable[T any] struct {
	Sent  bool
	Value *T
}

// UnmarshalJSON remembers that the field was there.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error {
	n.Sent, n.Value = true, nil
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	n.Value = new(T)
	return json.Unmarshal(data, n.Value)
}

// MarshalJSON writes what was given.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }

// Schema is T's, or null.
func (n Nullable[T]) Schema(r huma.Registry) *huma.Schema {
	schema := *r.Schema(reflect.TypeFor[T](), true, "")
	schema.Nullable = true
	return &schema
}

// Maybe is an object of an answer, or null.
type Maybe[T any] struct{ Value *T }

// MarshalJSON writes it, or null.
func (m Maybe[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.Value) }

// UnmarshalJSON reads it, or null.
func (m *Maybe[T]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &m.Value) }

// Schema is the object's, or null.
func (Maybe[T]) Schema(r huma.Registry) *huma.Schema {
	schema := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	schema.Nullable = true
	return &schema
}
