package mcpserver

import "github.com/danielgtaylor/huma/v2"

// Described is a tool as docs/mcp.md tells of it.
type Described struct {
	Name, Title, Operation string
	// Needs are the permissions of which an API key or agent token must have one; none: the tool is for people alone.
	Needs []string
	Hints
}

// Describe gives the tools that the server has over the operations of the document, in the order of a task.
func Describe(document *huma.OpenAPI) []Described {
	var all []Described
	for _, b := range bind(document, true) {
		described := Described{Name: b.Name, Title: b.Title, Operation: b.Operation, Needs: b.needs, Hints: b.Hints}
		if b.People {
			described.Needs = nil
		}
		all = append(all, described)
	}
	return all
}
