package mcpserver_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"fanfare/api"
	"fanfare/internal/mcpserver"
)

// The documentation lists the tools that there are.
func TestMCPDocumentation(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	for _, tool := range mcpserver.Describe(api.OpenAPI()) {
		needs, does := strings.Join(tool.Needs, " or "), "something"
		if needs == "" {
			needs = "– (people only)"
		}
		switch {
		case tool.ReadOnly:
			does = "nothing"
		case tool.Destructive && tool.Outside:
			does = "what goes out"
		case tool.Destructive:
			does = "loses something"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", tool.Name, tool.Operation, needs, does)
	}
	text, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	const head = "| tool | operation | API keys and agent tokens need | changes |\n| --- | --- | --- | --- |\n"
	_, after, found := strings.Cut(string(text), head)
	if listed, _, _ := strings.Cut(after, "\n\n"); !found || listed+"\n" != table.String() {
		t.Errorf("docs/mcp.md must have this table:\n%s%s", head, table.String())
	}
}
