package api_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// desk is a customer's own workspace, and who works there.
type desk struct {
	*world
	cast
	id  uuid.UUID
	dir string // its directory
}

func newDesk(t testing.TB, o options) *desk {
	t.Helper()
	w := setupWith(t, o)
	c := w.cast(t)
	return &desk{w, c, w.Workspace(t, c.customer.ID, nil), filepath.Join(w.workDir, c.customer.ID.String(), "shared")}
}

// at is the address of an operation in the workspace, with the query.
func (d *desk) at(operation string, query ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	return d.path("/workspaces/%s%s?%s", d.id, operation, values.Encode())
}

func (d *desk) write(t testing.TB, path, content string, headers ...string) answer {
	t.Helper()
	return d.call(t, d.member, http.MethodPut, d.at("/files/content", "path", path), content, append([]string{"Content-Type", "application/octet-stream"}, headers...)...)
}

func (d *desk) read(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	return d.call(t, d.viewer, http.MethodGet, d.at("/files/content", "path", path), nil, headers...)
}

// list gives the paths of a directory or of what is found, read page by page.
func (d *desk) list(t testing.TB, query ...string) (paths []string) {
	t.Helper()
	for cursor := ""; ; {
		page := into[api.Page[api.File]](t, d.call(t, d.viewer, http.MethodGet, d.at("/files", append([]string{"cursor", cursor}, query...)...), nil).want(t, 200))
		for _, file := range page.Items {
			paths = append(paths, file.Path)
		}
		if page.NextCursor == nil {
			return paths
		}
		cursor = *page.NextCursor
	}
}

// counted is what the database counts of the workspace: bytes, entries, changes under way.
func (d *desk) counted(t testing.TB) string {
	t.Helper()
	var counts string
	if err := d.Super.QueryRow(t.Context(), "select format('%s bytes, %s entries, %s changes', bytes, entries, (select count(*) from file_changes)) from workspaces where id = $1", d.id).Scan(&counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

func (d *desk) wantCounted(t testing.TB, want string) {
	t.Helper()
	if got := d.counted(t); got != want {
		t.Errorf("counted are %s, want %s", got, want)
	}
}

// nothingStaged fails the test if a broken off change has left something.
func (d *desk) nothingStaged(t testing.TB) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(d.dir, ".fanfare"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// The first use makes the directory; a file is written, read as a whole and in parts, and changed under conditions.
func TestFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.read(t, "notes/a.md").want(t, 404)
	if n := d.count(t, "select count(*) from workspaces where id = $1 and state = 'active'", d.id); n != 1 {
		t.Error("its use has not made the workspace")
	}
	content := "Hello, wörld.\n" + strings.Repeat("0123456789", 1000)
	made := d.write(t, "notes/ä/a.md", content).want(t, 200)
	file := into[api.File](t, made)
	if file.Path != "notes/ä/a.md" || file.Name != "a.md" || file.Kind != "file" || file.Bytes != int64(len(content)) || file.ETag == "" || made.etag() != file.ETag {
		t.Errorf("written: %+v, ETag %s", file, made.etag())
	}
	d.wantCounted(t, fmt.Sprintf("%d bytes, 3 entries, 0 changes", len(content)))
	got := d.read(t, "notes/ä/a.md").want(t, 200)
	if string(got.body) != content || got.etag() != file.ETag || got.header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("read: %d bytes, %v", len(got.body), got.header)
	}
	for asked, want := range map[string]string{"bytes=0-4": content[:5], "bytes=-3": content[len(content)-3:], "bytes=10000-": content[10000:]} {
		part := d.read(t, "notes/ä/a.md", "Range", asked).want(t, 206)
		if string(part.body) != want || part.header.Get("Content-Range") == "" {
			t.Errorf("%s: %q, %s", asked, part.body, part.header.Get("Content-Range"))
		}
	}
	d.read(t, "notes/ä/a.md", "Range", "bytes=99999999-").want(t, 416)
	if same := d.read(t, "notes/ä/a.md", "If-None-Match", file.ETag).want(t, 304); len(same.body) > 0 {
		t.Errorf("304 with %q", same.body)
	}
	d.read(t, "notes/ä/a.md", "If-None-Match", `"another"`).want(t, 200)
	d.read(t, "notes/ä/a.md", "If-Match", `"another"`).want(t, 412)
	if part := d.read(t, "notes/ä/a.md", "Range", "bytes=0-4", "If-Range", `"another"`).want(t, 200); string(part.body) != content {
		t.Error("a part of another version was asked for, and given")
	}
	entry := into[api.File](t, d.call(t, d.viewer, http.MethodGet, d.at("/files/entry", "path", "notes"), nil).want(t, 200))
	if entry.Kind != "directory" || entry.Bytes != 0 {
		t.Errorf("a directory: %+v", entry)
	}

	if there := d.write(t, "notes/ä/a.md", "x", "If-None-Match", "*").want(t, 412); !strings.Contains(there.problem(t).Detail, "already") {
		t.Errorf("%s", there.body)
	}
	d.write(t, "notes/ä/a.md", "x", "If-Match", `"another"`).want(t, 412)
	d.write(t, "notes/new.md", "x", "If-Match", "*").want(t, 412)
	d.write(t, "notes/new.md", "x", "If-None-Match", `"another"`).wantAt(t, "header.If-None-Match")
	d.nothingStaged(t)
	changed := d.write(t, "notes/ä/a.md", "short", "If-Match", file.ETag).want(t, 200)
	if changed.etag() == file.ETag {
		t.Error("a change keeps the ETag")
	}
	d.write(t, "notes/ä/a.md", "late", "If-Match", file.ETag).want(t, 412)
	d.write(t, "notes/once.md", "", "If-None-Match", "*").want(t, 200)
	d.wantCounted(t, "5 bytes, 4 entries, 0 changes")

	// A person's log tells what was done.
	var told []string
	rows, err := d.Super.Query(t.Context(), "select action || ' ' || (changes ->> 'path') || ' ' || (changes ->> 'bytes') from audit_log where action like 'file.%' order by id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		told = append(told, line)
	}
	want := []string{fmt.Sprintf("file.write notes/ä/a.md %d", len(content)), fmt.Sprintf("file.write notes/ä/a.md %d", 5-len(content)), "file.write notes/once.md 0"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the log (-want +told):\n%s", diff)
	}
}

// Whoever reads while a file is replaced has one or the other, whole.
func TestFileIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	const size = 300_000
	d.write(t, "file", strings.Repeat("0", size)).want(t, 200)
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		defer close(done)
		for round := range 12 {
			d.write(t, "file", strings.Repeat(string(rune('a'+round)), size+round)).want(t, 200)
		}
	})
	reads := 0
	for over := false; !over; reads++ {
		select {
		case <-done:
			over = true
		default:
		}
		got := d.read(t, "file").want(t, 200).body
		if len(got) < size || len(bytes.Trim(got, string(got[:1]))) > 0 {
			t.Fatalf("a mixture of %d bytes", len(got))
		}
	}
	all.Wait()
	if reads < 5 {
		t.Errorf("only %d reads", reads)
	}
	d.wantCounted(t, fmt.Sprintf("%d bytes, 1 entries, 0 changes", size+11))
}

// Directories are made and listed in pages, files found by name, moved and deleted.
func TestFileTree(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	post := func(path string, body m) answer {
		t.Helper()
		return d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s%s", d.id, path), body)
	}
	remove := func(query ...string) answer {
		t.Helper()
		return d.call(t, d.member, http.MethodDelete, d.at("/files", query...), nil)
	}
	if made := into[api.File](t, post("/directories", m{"path": "a/b/c"}).want(t, 200)); made.Kind != "directory" || made.Path != "a/b/c" {
		t.Errorf("made: %+v", made)
	}
	post("/directories", m{"path": "a/b"}).want(t, 200)
	var want []string
	for i := range 25 {
		path := fmt.Sprintf("a/File %02d.TXT", i)
		want = append(want, path)
		d.write(t, path, "x").want(t, 200)
	}
	d.write(t, "z/photo.png", "x").want(t, 200)
	d.write(t, "photo.jpg", "x").want(t, 200)
	if diff := cmp.Diff(append(want, "a/b"), d.list(t, "path", "a", "limit", "7")); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "photo.jpg", "z"}, d.list(t)); diff != "" {
		t.Errorf("the top, in which nothing of ours is seen (-want +got):\n%s", diff)
	}
	for _, search := range []struct {
		under, name string
		want        []string
	}{{"", "PHOTO", []string{"photo.jpg", "z/photo.png"}}, {"", "*.png", []string{"z/photo.png"}}, {"z", "photo", []string{"z/photo.png"}}, {"", "file ?0.txt", []string{"a/File 00.TXT", "a/File 10.TXT", "a/File 20.TXT"}},
		{"", "[", nil}, {"", `\`, nil}, {"", ".fanfare", nil}} {
		if diff := cmp.Diff(search.want, d.list(t, "path", search.under, "name", search.name, "limit", "1")); diff != "" {
			t.Errorf("search for %q below %q (-want +got):\n%s", search.name, search.under, diff)
		}
	}
	d.call(t, d.viewer, http.MethodGet, d.at("/files", "path", "photo.jpg"), nil).want(t, 409)
	d.call(t, d.viewer, http.MethodGet, d.at("/files", "path", "nothing"), nil).want(t, 404)
	d.call(t, d.viewer, http.MethodGet, d.at("/files", "cursor", "nonsense"), nil).wantAt(t, "query.cursor")

	if moved := into[api.File](t, post("/files/move", m{"from": "photo.jpg", "to": "new/place/photo.jpg"}).want(t, 200)); moved.Path != "new/place/photo.jpg" {
		t.Errorf("moved: %+v", moved)
	}
	d.read(t, "photo.jpg").want(t, 404)
	d.read(t, "new/place/photo.jpg").want(t, 200)
	post("/files/move", m{"from": "new/place/photo.jpg", "to": "z/photo.png"}).want(t, 409)
	post("/files/move", m{"from": "new/place/photo.jpg", "to": "z/photo.png", "replace": true}).want(t, 200)
	post("/files/move", m{"from": "nothing", "to": "x"}).want(t, 404)
	post("/files/move", m{"from": "a", "to": "a/b/inside"}).want(t, 422)
	post("/files/move", m{"from": "a", "to": "moved"}).want(t, 200)
	d.read(t, "moved/File 07.TXT").want(t, 200)
	post("/directories", m{"path": "z/photo.png"}).want(t, 409)
	d.write(t, "z/photo.png/below", "x").want(t, 409)
	d.write(t, "moved", "x").want(t, 409)

	remove("path", "moved").want(t, 409)
	remove("path", "z/photo.png").want(t, 204)
	remove("path", "z/photo.png").want(t, 404)
	remove("path", "moved", "recursive", "true").want(t, 204)
	for _, dir := range []string{"new/place", "new", "z"} {
		remove("path", dir).want(t, 204)
	}
	if left := d.list(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	d.wantCounted(t, "0 bytes, 0 entries, 0 changes")
	d.nothingStaged(t)
}

// Text is read in parts that end between characters, what is no text comes in base64, and both are written.
func TestFileText(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	put := func(body m) answer {
		t.Helper()
		return d.call(t, d.member, http.MethodPut, d.path("/workspaces/%s/files/text", d.id), body)
	}
	read := func(path string, offset int64) api.FileText {
		t.Helper()
		return into[api.FileText](t, d.call(t, d.viewer, http.MethodGet, d.at("/files/text", "path", path, "offset", fmt.Sprint(offset)), nil).want(t, 200))
	}
	whole := func(path string) (content []byte, parts int) {
		t.Helper()
		for offset := int64(0); ; parts++ {
			part := read(path, offset)
			if part.Encoding == "base64" {
				content = append(content, must(base64.StdEncoding.DecodeString(part.Content))...)
			} else {
				content = append(content, part.Content...)
			}
			if part.Next == nil {
				return content, parts + 1
			}
			offset = *part.Next
		}
	}
	binary := make([]byte, 250_000)
	for i := range binary {
		binary[i] = byte(rand.UintN(256))
	}
	for name, content := range map[string]string{
		"empty": "", "one": "x", "umlauts": "x" + strings.Repeat("ü", 120_000), "emoji": strings.Repeat("🎉", 60_001), "three": "ab" + strings.Repeat("漢", 70_000),
		"exact": strings.Repeat("x", 100_000), "binary": string(binary), "late": strings.Repeat("x", 150_000) + "\xff\xfe",
	} {
		d.write(t, name, content).want(t, 200)
		if got, parts := whole(name); string(got) != content || parts != max(1, (len(content)+99_999)/100_000) && parts != len(content)/100_000+1 {
			t.Errorf("%s: %d bytes of %d in %d parts", name, len(got), len(content), parts)
		}
	}
	if part := read("umlauts", 0); part.Encoding != "utf-8" || part.Offset != 0 || len(part.Content) != 99_999 {
		t.Errorf("a part that ends in a character: %s, %d bytes", part.Encoding, len(part.Content))
	}
	if part := read("binary", 0); part.Encoding != "base64" {
		t.Errorf("no text is answered as %s", part.Encoding)
	}
	d.call(t, d.viewer, http.MethodGet, d.at("/files/text", "path", "one", "offset", "2"), nil).wantAt(t, "query.offset")
	d.call(t, d.viewer, http.MethodGet, d.at("/files/text", "path", "one", "offset", "-1"), nil).wantAt(t, "query.offset")

	put(m{"path": "said.md", "content": "Sagt’s 🎉"}).want(t, 200)
	put(m{"path": "bytes", "content": base64.StdEncoding.EncodeToString(binary[:100]), "encoding": "base64"}).want(t, 200)
	for path, want := range map[string]string{"said.md": "Sagt’s 🎉", "bytes": string(binary[:100])} {
		if got := d.read(t, path).want(t, 200); string(got.body) != want {
			t.Errorf("%s: %q", path, got.body)
		}
	}
	put(m{"path": "bytes", "content": "no base64", "encoding": "base64"}).wantAt(t, "body.content")
	put(m{"path": "../x", "content": "x"}).wantAt(t, "body.path")
}

// No path leads out of the workspace or to what is Fanfare's own, and the answer says which part of the request is wrong.
func TestBadPaths(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "there", "x").want(t, 200)
	d.exec(t, "update workspaces set measured_at = now()")
	post := func(at string, body m) answer {
		t.Helper()
		return d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s%s", d.id, at), body)
	}
	type asking struct {
		location string
		answer   answer
	}
	for name, path := range map[string]string{
		"parent": "..", "parent's file": "../shared/there", "inside": "a/../there", "current": "./there", "absolute": "/etc/passwd", "empty component": "a//b", "slash at the end": "there/",
		"NUL": "a\x00b", "escape": "a\x1bb", "newline": "a\nb", "backslash": `a\..\b`, "no UTF-8": "a\xff", "long name": strings.Repeat("n", 256), "long path": strings.Repeat("abcdefg/", 200) + "x",
		"10,000 bytes": strings.Repeat("n", 10_000), "deep": strings.Repeat("a/", 40) + "x", "reserved": ".fanfare/x", "reserved itself": ".fanfare", "reserved in capitals": ".FanFare/x",
		"right to left": "a\u202eb",
	} {
		asked := []asking{
			{"query.path", d.read(t, path)}, {"query.path", d.write(t, path, "x")},
			{"query.path", d.call(t, d.viewer, http.MethodGet, d.at("/files", "path", path), nil)},
			{"query.path", d.call(t, d.viewer, http.MethodGet, d.at("/files/entry", "path", path), nil)},
			{"query.path", d.call(t, d.viewer, http.MethodGet, d.at("/files/text", "path", path), nil)},
			{"query.path", d.call(t, d.member, http.MethodDelete, d.at("/files", "path", path, "recursive", "true"), nil)},
		}
		if utf8.ValidString(path) { // JSON says nothing else
			asked = append(asked, []asking{
				{"body.from", post("/files/move", m{"from": path, "to": "x"})}, {"body.to", post("/files/move", m{"from": "there", "to": path})},
				{"body.path", post("/directories", m{"path": path})}, {"body.path", post("/files/media", m{"path": path})},
			}...)
		}
		for i, a := range asked {
			if a.answer.status != 422 {
				t.Errorf("%s (%d): %d %s", name, i, a.answer.status, a.answer.body)
				continue
			}
			if p := a.answer.problem(t); len(p.Errors) != 1 || p.Errors[0].Location != a.location {
				t.Errorf("%s (%d): points at %+v, want %s", name, i, p.Errors, a.location)
			}
		}
	}
	if paths := d.list(t); !slices.Equal(paths, []string{"there"}) {
		t.Errorf("there are %q", paths)
	}
	d.wantCounted(t, "1 bytes, 1 entries, 0 changes")
}

// What a program has put into a workspace that is no plain file is seen, can be deleted, and is never read or written.
func TestWhatProgramsPutThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "plain", "mine").want(t, 200)
	secret := filepath.Join(t.TempDir(), "secret")
	mustDo(t, os.WriteFile(secret, []byte("s3cret"), 0o600))
	mustDo(t, os.Symlink(secret, filepath.Join(d.dir, "link")))
	mustDo(t, os.Symlink(filepath.Dir(secret), filepath.Join(d.dir, "linked")))
	mustDo(t, os.Symlink("plain", filepath.Join(d.dir, "inside")))
	mustDo(t, os.Symlink("nowhere", filepath.Join(d.dir, "dangling")))
	mustDo(t, syscall.Mkfifo(filepath.Join(d.dir, "fifo"), 0o600))
	names := []string{"link", "linked/secret", "inside", "dangling", "fifo"}
	if err := os.Link(secret, filepath.Join(d.dir, "hard")); err == nil {
		names = append(names, "hard")
	}
	for _, name := range names {
		for what, a := range map[string]answer{
			"read": d.read(t, name), "text": d.call(t, d.viewer, http.MethodGet, d.at("/files/text", "path", name), nil), "write": d.write(t, name, "overwritten"),
			"use":  d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s/files/media", d.id), m{"path": name}),
			"list": d.call(t, d.viewer, http.MethodGet, d.at("/files", "path", name), nil),
		} {
			if a.status != 409 || bytes.Contains(a.body, []byte("s3cret")) {
				t.Errorf("%s %s: %d %s", what, name, a.status, a.body)
			}
		}
	}
	for _, name := range names {
		if name == "linked/secret" {
			name = "linked"
		}
		if file := into[api.File](t, d.call(t, d.viewer, http.MethodGet, d.at("/files/entry", "path", name), nil).want(t, 200)); file.Kind != "other" {
			t.Errorf("%s is shown as a %s", name, file.Kind)
		}
		d.call(t, d.member, http.MethodDelete, d.at("/files", "path", name, "recursive", "true"), nil).want(t, 204)
	}
	if content, err := os.ReadFile(secret); string(content) != "s3cret" || err != nil {
		t.Errorf("outside: %q, %v", content, err)
	}
	if paths := d.list(t); !slices.Equal(paths, []string{"plain"}) {
		t.Errorf("there are %q", paths)
	}
}

// What would take more room than there is, is refused before it is kept, whether its length is known or not.
func TestFileQuota(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{rules: api.WorkspaceRules{Quota: 100_000}})
	unknown := func(path string, size int) answer { // without Content-Length
		t.Helper()
		request := d.request(t, http.MethodPut, d.at("/files/content", "path", path), io.MultiReader(strings.NewReader(strings.Repeat("x", size))))
		request.Header.Set("Authorization", "Bearer "+d.token(t, d.member))
		if request.ContentLength > 0 {
			t.Fatal("the length is known")
		}
		return d.do(t, request)
	}
	d.write(t, "a", strings.Repeat("x", 60_000)).want(t, 200)
	// One of unknown length has half of what is left, and is told how to have all of it.
	for _, size := range []int{20_001, 40_000, 3_000_000} {
		if a := unknown("c", size); a.status != http.StatusInsufficientStorage || !strings.Contains(a.problem(t).Detail, "Send Content-Length") {
			t.Errorf("unknown: %d %s", a.status, a.body)
		}
	}
	for name, a := range map[string]answer{
		"known": d.write(t, "b", strings.Repeat("x", 40_001)),
		"text":  d.call(t, d.member, http.MethodPut, d.path("/workspaces/%s/files/text", d.id), m{"path": "d", "content": strings.Repeat("x", 40_001)}),
	} {
		if a.status != http.StatusInsufficientStorage || !strings.Contains(a.problem(t).Detail, "room") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	d.wantCounted(t, "60000 bytes, 1 entries, 0 changes")
	d.nothingStaged(t)
	unknown("c", 20_000).want(t, 200)
	d.call(t, d.member, http.MethodDelete, d.at("/files", "path", "c"), nil).want(t, 204)
	d.write(t, "c", strings.Repeat("x", 40_000)).want(t, 200)
	d.wantCounted(t, "100000 bytes, 2 entries, 0 changes")
	if full := unknown("d", 1); full.status != http.StatusInsufficientStorage {
		t.Errorf("full: %d %s", full.status, full.body)
	}
	// What makes room, or takes none, goes on.
	d.write(t, "empty", "").want(t, 200)
	d.call(t, d.member, http.MethodDelete, d.at("/files", "path", "a"), nil).want(t, 204)
	d.wantCounted(t, "40000 bytes, 2 entries, 0 changes")
	policy := into[api.WorkspacePolicy](t, d.call(t, d.owner, http.MethodGet, d.path("/workspace-policy"), nil).want(t, 200))
	if policy.Quota != 100_000 || policy.Bytes != 40_000 || policy.Own {
		t.Errorf("the policy: %+v", policy)
	}
	// A file that is larger than any may be, is refused at once.
	request := d.request(t, http.MethodPut, d.at("/files/content", "path", "huge"), strings.NewReader("x"))
	request.Header.Set("Authorization", "Bearer "+d.token(t, d.member))
	request.ContentLength = 6 << 30
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a huge file: %d", response.StatusCode)
		}
	}
	d.wantCounted(t, "40000 bytes, 2 entries, 0 changes")
}

// An upload that comes slowly is taken, one that stalls is ended, and one that is cut leaves nothing and holds no room.
func TestFileUploadEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{requestTimeout: time.Second, uploadStall: 2 * time.Second})
	d.write(t, "file", "before").want(t, 200)
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	left := strings.Repeat("x", 12*17<<10)
	slow := readerFunc(func(p []byte) (int, error) {
		if left == "" {
			return 0, io.EOF
		}
		<-ticker.C
		n := copy(p, left[:min(len(left), 17<<10)])
		left = left[n:]
		return n, nil
	})
	began := time.Now()
	d.call(t, d.member, http.MethodPut, d.at("/files/content", "path", "slow"), slow, "Content-Type", "text/plain").want(t, 200)
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it took %s", took)
	}
	dial := func(sent string) net.Conn {
		connection := must(net.Dial("tcp", strings.TrimPrefix(d.url, "http://")))
		_, _ = fmt.Fprintf(connection, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Forwarded-For: 10.9.9.9\r\nContent-Length: 100000\r\n\r\n%s",
			d.at("/files/content", "path", "file"), d.token(t, d.member), sent)
		return connection
	}
	for name, sent := range map[string]string{"nothing": "", "a beginning": strings.Repeat("y", 5000)} {
		connection := dial(sent)
		mustDo(t, connection.SetReadDeadline(time.Now().Add(20*time.Second)))
		answer, err := io.ReadAll(connection)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
			t.Errorf("%s: %v: %.300s", name, err, answer)
		}
		_ = connection.Close()
	}
	cut := dial(strings.Repeat("y", 5000))
	d.await(t, "the upload is under way", func() bool { return d.count(t, "select count(*) from file_changes") == 1 })
	mustDo(t, cut.Close())
	d.await(t, "the upload is given up", func() bool { return d.count(t, "select count(*) from file_changes") == 0 })
	if got := d.read(t, "file").want(t, 200); string(got.body) != "before" {
		t.Errorf("the file is %q", got.body)
	}
	d.await(t, "nothing is left of it", func() bool {
		entries, err := os.ReadDir(filepath.Join(d.dir, ".fanfare"))
		return err == nil && len(entries) == 0
	})
	d.wantCounted(t, "208902 bytes, 2 entries, 0 changes")
	// A form, or what is compressed, is no file.
	d.call(t, d.member, http.MethodPut, d.at("/files/content", "path", "form"), "x", "Content-Type", "multipart/form-data; boundary=x").want(t, 415)
	for _, kind := range []string{"application/octet-stream", ""} {
		d.call(t, d.member, http.MethodPut, d.at("/files/content", "path", "form"), "x", "Content-Encoding", "gzip", "Content-Type", kind).want(t, 415)
	}
}

// await waits until something is so.
func (d *desk) await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// The same request with the same key does nothing twice, and a file of a workspace becomes one that posts show.
func TestFileIdempotencyAndUse(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "a.md", "x").want(t, 200)
	d.write(t, "pictures/Blue Bottle.gif", onePixel).want(t, 200)
	again := func(at string, body m) [2]answer {
		var answers [2]answer
		for i := range answers {
			answers[i] = d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s%s", d.id, at), body, "Idempotency-Key", "one")
		}
		return answers
	}
	for at, body := range map[string]m{"/files/move": {"from": "a.md", "to": "b.md"}, "/directories": {"path": "made"}, "/files/media": {"path": "pictures/Blue Bottle.gif", "alt_text": "A bottle"}} {
		answers := again(at, body)
		if answers[0].status >= 300 || answers[1].status != answers[0].status || !bytes.Equal(answers[0].body, answers[1].body) {
			t.Errorf("%s: %d %s, and %d %s", at, answers[0].status, answers[0].body, answers[1].status, answers[1].body)
		}
	}
	media := into[api.Page[api.Media]](t, d.call(t, d.viewer, http.MethodGet, d.path("/media"), nil).want(t, 200))
	if len(media.Items) != 1 || media.Items[0].ContentType != "image/gif" || media.Items[0].AltText != "A bottle" {
		t.Errorf("files of posts: %+v", media.Items)
	}
	d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s/files/media", d.id), m{"path": "b.md"}).want(t, 422)
	d.call(t, d.member, http.MethodPost, d.path("/workspaces/%s/files/media", d.id), m{"path": "nothing.gif"}).want(t, 404)
	// A key needs both permissions.
	for want, permissions := range map[int][]string{201: {"posts:write", "files:read"}, 403: {"files:read", "files:write"}, 404: {"posts:write"}} {
		key := d.newKey(t, d.cast, permissions...).Key
		d.callWith(t, key, http.MethodPost, d.path("/workspaces/%s/files/media", d.id), m{"path": "pictures/Blue Bottle.gif"}).want(t, want)
	}
}

// A directory that is gone, as with a disk that is not mounted, is told as such and never made anew.
func TestWorkspaceIsMissing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "file", "x").want(t, 200)
	mustDo(t, os.Rename(d.dir, d.dir+".away"))
	for _, a := range []answer{d.read(t, "file"), d.write(t, "file", "y")} {
		if a.want(t, 503).header.Get("Retry-After") == "" || strings.Contains(string(a.body), d.workDir) {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
	if _, err := os.Lstat(d.dir); err == nil {
		t.Error("it was made anew")
	}
	mustDo(t, os.Rename(d.dir+".away", d.dir))
	d.read(t, "file").want(t, 200)

	d.serve(t, options{noWorkspaces: true, noBackups: true})
	for _, a := range []answer{d.read(t, "file"), d.write(t, "file", "y")} {
		if a.want(t, 503); !strings.Contains(a.problem(t).Detail, "FANFARE_WORKSPACES") {
			t.Errorf("%s", a.body)
		}
	}
	d.call(t, d.viewer, http.MethodGet, d.path("/workspaces"), nil).want(t, 200)
	d.call(t, d.owner, http.MethodPost, d.path("/backups"), m{}).want(t, 503)
	d.call(t, d.viewer, http.MethodPost, d.path("/backups"), m{}).want(t, 403)
}

// A key or token of a space has the workspace of its space alone, and one that only reads does no more.
func TestFilesOfSpaces(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "shared.md", "of all").want(t, 200)
	spaces := [2]dbtest.Space{}
	for i := range spaces {
		spaces[i] = d.Space(t, dbtest.Space{CustomerID: d.customer.ID, PairedBy: d.owner.ID})
	}
	work := d.Workspace(t, d.customer.ID, &spaces[0].ID)
	key := d.APIKey(t, dbtest.APIKey{CustomerID: d.customer.ID, CreatedBy: d.owner.ID, SpaceID: &spaces[0].ID}).Key
	other := d.APIKey(t, dbtest.APIKey{CustomerID: d.customer.ID, CreatedBy: d.owner.ID, SpaceID: &spaces[1].ID}).Key
	reads := d.APIKey(t, dbtest.APIKey{CustomerID: d.customer.ID, CreatedBy: d.owner.ID, SpaceID: &spaces[0].ID, Permissions: []string{"files:read"}}).Key
	foreign := d.APIKey(t, dbtest.APIKey{CustomerID: d.elsewhere.ID, CreatedBy: d.outsider.ID}).Key
	path := d.path("/workspaces/%s/files/content?path=note.md", work)
	d.callWith(t, key, http.MethodPut, path, "of the space", "Content-Type", "text/markdown").want(t, 200)
	if got := d.callWith(t, reads, http.MethodGet, path, nil).want(t, 200); string(got.body) != "of the space" {
		t.Errorf("read: %q", got.body)
	}
	d.callWith(t, reads, http.MethodPut, path, "x", "Content-Type", "text/markdown").want(t, 403)
	d.callWith(t, key, http.MethodGet, d.at("/files/content", "path", "shared.md"), nil).want(t, 404)
	d.callWith(t, other, http.MethodGet, path, nil).want(t, 404)
	d.callWith(t, foreign, http.MethodGet, path, nil).want(t, 404)
	d.call(t, d.outsider, http.MethodGet, path, nil).want(t, 404)
	for who, want := range map[string]int{d.member.Subject: 404, d.viewer.Subject: 404, d.admin.Subject: 200, d.owner.Subject: 200} {
		d.call(t, dbtest.User{Subject: who}, http.MethodGet, path, nil).want(t, want)
	}
	for credential, want := range map[string]int{key: 1, other: 1, d.newKey(t, d.cast, "files:read").Key: 1, d.newKey(t, d.cast, "files:read", "conversations:read").Key: 3} {
		if page := into[page](t, d.callWith(t, credential, http.MethodGet, d.path("/workspaces"), nil).want(t, 200)); len(page.Items) != want {
			t.Errorf("%d workspaces are listed, want %d", len(page.Items), want)
		}
	}
	if _, err := os.Stat(filepath.Join(d.workDir, d.customer.ID.String(), "spaces", spaces[0].ID.String(), "note.md")); err != nil {
		t.Error(err)
	}
}

// An agent works with the files of its space by tools alone.
func TestMCPFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	token := d.newToken(t, d.cast, "", "files:read", "files:write", "posts:read", "posts:write")
	agent := d.agent(t, token.Token, nil)
	type files struct{ Items []struct{ Path, ID string } }
	work := use[files](t, agent, "list_workspaces", m{}).Items[0].ID
	made := use[struct{ ETag string }](t, agent, "write_workspace_file", m{"workspace_id": work, "path": "notes/a.md", "content": "# Ideas"})
	use[struct{ ETag string }](t, agent, "write_workspace_file", m{"workspace_id": work, "path": "notes/a.md", "content": "# Ideas, in June", "etag": made.ETag})
	use[struct{ ETag string }](t, agent, "write_workspace_file",
		m{"workspace_id": work, "path": "picture.gif", "content": base64.StdEncoding.EncodeToString([]byte(onePixel)), "encoding": "base64"})
	if text := use[struct{ Content string }](t, agent, "read_workspace_file", m{"workspace_id": work, "path": "notes/a.md"}); text.Content != "# Ideas, in June" {
		t.Errorf("read: %+v", text)
	}
	if list := use[files](t, agent, "list_workspace_files", m{"workspace_id": work}); len(list.Items) != 2 {
		t.Errorf("listed: %+v", list)
	}
	if found := use[files](t, agent, "find_workspace_files", m{"workspace_id": work, "query": "*.MD"}); len(found.Items) != 1 || found.Items[0].Path != "notes/a.md" {
		t.Errorf("found: %+v", found)
	}
	use[struct{ Path string }](t, agent, "move_workspace_file", m{"workspace_id": work, "from": "notes/a.md", "to": "b.md"})
	shown := use[struct{ ID string }](t, agent, "use_workspace_file", m{"workspace_id": work, "path": "picture.gif", "alt_text": "A dot"})
	if n := d.count(t, "select count(*) from media where id = $1 and state = 'ready'", shown.ID); n != 1 {
		t.Errorf("%d files of posts", n)
	}
	use[any](t, agent, "delete_workspace_file", m{"workspace_id": work, "path": "notes", "recursive": true})
	if paths := d.list(t); !slices.Equal(paths, []string{"b.md", "picture.gif"}) {
		t.Errorf("there are %q", paths)
	}
}
