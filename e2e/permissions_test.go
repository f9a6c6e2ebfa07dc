package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"fanfare/db/dbtest"
)

// permission is an operation's row in docs/tenancy.md.
type permission struct {
	operation string
	inside    bool            // of a customer
	may       map[string]bool // by the title of the column
	keys      keyRule
}

// keyRule says which API keys may do something.
type keyRule struct {
	any         bool     // every key, and no key too
	permissions []string // none: no key
	all         bool     // all of the permissions are needed, where otherwise one is enough
	person      bool     // only a token of somebody in a space: no key is anybody there
}

// asPerson follows the permissions of what only a token of somebody in a space may do.
const asPerson = " as somebody in a space"

// Titles of the tables' columns.
var (
	insideColumns  = []string{"viewer", "member", "admin", "owner", "system viewer", "system manager", "system admin"}
	outsideColumns = []string{"nobody", "signed in", "system viewer", "system manager", "system admin"}
)

// permissions reads the tables of docs/tenancy.md.
func permissions(t testing.TB) map[string]permission {
	t.Helper()
	text, err := os.ReadFile("../docs/tenancy.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parsePermissions(string(text))
	if err != nil {
		t.Fatalf("docs/tenancy.md: %v", err)
	}
	return all
}

func parsePermissions(text string) (map[string]permission, error) {
	all := map[string]permission{}
	var columns []string // of the table that is being read
	for i, line := range strings.Split(text, "\n") {
		cells, isRow := strings.CutPrefix(line, "|")
		if !isRow {
			columns = nil
			continue
		}
		row := strings.Split(strings.TrimSuffix(strings.TrimSpace(cells), "|"), "|")
		for n := range row {
			row[n] = strings.TrimSpace(row[n])
		}
		switch {
		case columns == nil:
			columns = row
			if title := slices.Concat([]string{"operation"}, insideColumns, []string{"key permission"}); slices.Equal(columns, title) {
				continue
			}
			if title := slices.Concat([]string{"operation"}, outsideColumns, []string{"key permission"}); slices.Equal(columns, title) {
				continue
			}
			return nil, fmt.Errorf("line %d: a table with the columns %q", i+1, columns)
		case strings.HasPrefix(row[0], "---"):
			continue
		case len(row) != len(columns):
			return nil, fmt.Errorf("line %d: %d cells under %d columns", i+1, len(row), len(columns))
		}
		p := permission{operation: row[0], inside: slices.Contains(columns, "viewer"), may: map[string]bool{}}
		if _, twice := all[p.operation]; twice || p.operation == "" {
			return nil, fmt.Errorf("line %d: %q has a row already", i+1, p.operation)
		}
		for n, column := range columns[1 : len(columns)-1] {
			switch row[n+1] {
			case "●":
				p.may[column] = true
			case "–":
				p.may[column] = false
			default:
				return nil, fmt.Errorf("line %d: %q is neither ● nor –", i+1, row[n+1])
			}
		}
		var err error
		if p.keys, err = parseKeyRule(row[len(row)-1]); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		all[p.operation] = p
	}
	return all, nil
}

func parseKeyRule(cell string) (keyRule, error) {
	switch cell {
	case "–":
		return keyRule{}, nil
	case "●":
		return keyRule{any: true}, nil
	}
	cell, person := strings.CutSuffix(cell, asPerson)
	rule := keyRule{all: strings.Contains(cell, " and "), person: person}
	for _, permission := range strings.Split(strings.ReplaceAll(cell, " and ", " or "), " or ") {
		if !slices.Contains(dbtest.AllPermissions, permission) || rule.all && strings.Contains(cell, " or ") {
			return keyRule{}, fmt.Errorf("%q is no rule for keys", cell)
		}
		rule.permissions = append(rule.permissions, permission)
	}
	return rule, nil
}

// grants are the least sets of permissions that are enough.
func (r keyRule) grants() [][]string {
	if r.all {
		return [][]string{r.permissions}
	}
	var sets [][]string
	for _, permission := range r.permissions {
		sets = append(sets, []string{permission})
	}
	return sets
}

// lacks are the largest set of permissions that is not enough.
func (r keyRule) lacks() []string {
	return slices.DeleteFunc(slices.Clone(dbtest.AllPermissions), func(p string) bool { return slices.Contains(r.permissions, p) })
}

func TestPermissionsAreRead(t *testing.T) {
	t.Parallel()
	const head = "| operation | viewer | member | admin | owner | system viewer | system manager | system admin | key permission |\n| --- | --- |\n"
	good, err := parsePermissions("# Words\n\n" + head + "| a-b | – | ● | ● | ● | – | – | ● | posts:read or posts:write |\n" +
		"| e-f | – | ● | ● | ● | – | – | ● | credentials:write as somebody in a space |\n\n" +
		"| operation | nobody | signed in | system viewer | system manager | system admin | key permission |\n|---|\n| c-d | – | ● | ● | ● | ● | – |\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(good)); !slices.Equal(got, []string{"a-b", "c-d", "e-f"}) || !good["a-b"].inside || good["c-d"].inside ||
		good["a-b"].may["viewer"] || !good["a-b"].may["member"] || len(good["a-b"].keys.grants()) != 2 || slices.Contains(good["a-b"].keys.lacks(), "posts:read") ||
		good["a-b"].keys.person || !good["e-f"].keys.person || !slices.Equal(good["e-f"].keys.permissions, []string{"credentials:write"}) {
		t.Errorf("read %+v", good)
	}
	for _, bad := range []string{
		"| operation | reader |\n", head + "| a | ● |\n", head + "| a | ● | ● | ● | yes | ● | ● | ● | – |\n", head + "| a | ● | ● | ● | ● | ● | ● | ● | posts:all |\n",
		head + "| a | ● | ● | ● | ● | ● | ● | ● | – as somebody in a space |\n",
		head + strings.Repeat("| a | ● | ● | ● | ● | ● | ● | ● | – |\n", 2), head + "| a | ● | ● | ● | ● | ● | ● | ● | jobs:read and posts:read or posts:write |\n",
	} {
		if got, err := parsePermissions(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}
