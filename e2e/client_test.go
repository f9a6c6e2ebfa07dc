package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// node runs Node.js with what the web parts have installed.
func node(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("Node.js is not installed: run tools/ensure-node: %v", err)
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	return out.String()
}

// TestClientOfScripts runs the script of the TypeScript client's README against a running Fanfare.
func TestClientOfScripts(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../web/client/README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?s)```js\n(.*?)```").FindSubmatch(readme)
	if script == nil {
		t.Fatal("the README has no script")
	}
	if lines := bytes.Count(script[1], []byte("\n")); lines > 20 {
		t.Errorf("the script has %d lines, more than 20", lines)
	}
	modules, err := filepath.Abs("../web/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "script.mjs"), script[1], 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSystem(t, options{noWorker: true})
	brand := s.newBrand(t)
	for range 60 { // more than a page
		brand.draft(t, draft{title: "Earlier", text: "Written before."})
	}
	key := call[struct{ Key string }](t, brand.owner, http.MethodPost, brand.path+"/api-keys", map[string]any{"name": "Script", "permissions": []string{"posts:read", "posts:write"}}).Key
	out := node(t, dir, []string{"FANFARE_URL=http://" + s.addr, "FANFARE_API_KEY=" + key, "FANFARE_CUSTOMER=" + brand.id}, "script.mjs")
	if strings.Count(out, "draft Earlier\n") != 60 || !regexp.MustCompile(`created [0-9a-f-]{36} draft Hello\n$`).MatchString(out) {
		t.Errorf("the script prints:\n%s", out)
	}
}

// TestClientPackage runs the client's own tests.
func TestClientPackage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../web/client/test/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests: %v", err)
	}
	args := []string{"--test"}
	for _, file := range files {
		args = append(args, "test/"+filepath.Base(file))
	}
	t.Logf("%s", node(t, "../web/client", nil, args...))
}
