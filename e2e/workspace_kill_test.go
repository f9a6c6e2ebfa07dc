package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An API that is killed in the middle of an upload, or after a file has got its name and before it is counted, leaves each file whole, as it was or as it was
// to be; once a worker has looked, nothing half is there, no room is held, and the counts are right.
func TestUploadIsKilled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b := s.newBrand(t)
	work := call[struct{ Items []struct{ ID string } }](t, b.owner, http.MethodGet, b.path+"/workspaces", nil).Items[0].ID
	path := b.path + "/workspaces/" + work + "/files/content?path="
	dir := filepath.Join(s.workspaces, b.id, "shared")
	send := func(ctx context.Context, name string, body io.Reader) (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, b.owner.base()+path+name, body)
		if err != nil {
			return 0, err
		}
		request.Header.Set("Authorization", "Bearer "+b.owner.token)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		return answer.StatusCode, nil
	}
	for _, name := range []string{"whole", "replaced"} {
		if status, err := send(t.Context(), name, strings.NewReader("before")); err != nil || status != http.StatusOK {
			t.Fatalf("%d, %v", status, err)
		}
	}
	// killed starts a change, has the API killed once it is somewhere, and has a worker look two minutes later.
	killed := func(name string, body io.Reader, release func(), there func() bool) {
		t.Helper()
		failed := make(chan error, 1)
		go func() {
			_, err := send(t.Context(), name, body)
			failed <- err
		}()
		eventually(t, 20*time.Second, "the change is where the API is to be killed", there)
		s.serve.kill()
		release()
		if err := <-failed; err == nil {
			t.Error("the request was answered")
		}
		s.startServe(t)
		if n := one[int](t, s, "select count(*) from file_changes"); n != 1 {
			t.Errorf("%d changes were broken off", n)
		}
		if _, err := s.super.Exec(t.Context(), "update file_changes set touched_at = now() - interval '3 minutes'"); err != nil {
			t.Fatal(err)
		}
		eventually(t, 60*time.Second, "a worker has looked", func() bool { return one[int](t, s, "select count(*) from file_changes") == 0 })
	}
	reader, writer := io.Pipe()
	defer writer.Close()
	go func() {
		_, _ = writer.Write(make([]byte, 1<<20)) // it ends with the request
	}()
	killed("whole", reader, func() { writer.Close() }, func() bool {
		staged, err := os.ReadDir(filepath.Join(dir, ".fanfare"))
		if err != nil || len(staged) != 1 {
			return false
		}
		info, err := staged[0].Info()
		return err == nil && info.Size() >= 1<<19
	})

	// The end of the change waits here, which comes after the file has got its name.
	if _, err := s.super.Exec(t.Context(), `create function wait_here() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(4711); return null; end';
		create trigger wait_here after delete on file_changes for each row execute function wait_here()`); err != nil {
		t.Fatal(err)
	}
	tx, err := s.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	letGo := func() { _ = tx.Rollback(context.Background()) } // it only ever held a lock
	defer letGo()
	if _, err := tx.Exec(t.Context(), "select pg_advisory_xact_lock(4711)"); err != nil {
		t.Fatal(err)
	}
	killed("replaced", strings.NewReader("afterwards"), letGo, func() bool {
		content, err := os.ReadFile(filepath.Join(dir, "replaced"))
		return err == nil && string(content) == "afterwards"
	})
	for name, want := range map[string]string{"whole": "before", "replaced": "afterwards"} {
		if got := b.owner.expect(t, http.StatusOK, http.MethodGet, path+name, nil); string(got.body) != want {
			t.Errorf("%s: %q, want %q", name, got.body, want)
		}
	}
	eventually(t, 60*time.Second, "the counts are right, and nothing half is left", func() bool {
		staged, err := os.ReadDir(filepath.Join(dir, ".fanfare"))
		counts := one[string](t, s, "select bytes || ' ' || entries from workspaces where id = $1", work)
		return (err != nil || len(staged) == 0) && counts == fmt.Sprintf("%d 2", len("before")+len("afterwards"))
	})
}
