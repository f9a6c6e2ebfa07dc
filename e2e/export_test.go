package e2e

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the tests read of exports and erasures.
type (
	exportAnswer struct {
		ID, State, SHA256 string
		SizeBytes         int64 `json:"size_bytes"`
	}
	erasureAnswer struct {
		ID, State string
		Rows      map[string]int64
		Files     int64
	}
)

// export asks for an export and waits until it is ready.
func (b *brand) export(t testing.TB) exportAnswer {
	t.Helper()
	e := call[exportAnswer](t, b.owner, http.MethodPost, b.path+"/exports", nil)
	eventually(t, 5*time.Minute, "the export is ready", func() bool {
		e = call[exportAnswer](t, b.owner, http.MethodGet, b.path+"/exports/"+e.ID, nil)
		if e.State == "failed" {
			t.Fatalf("the export has failed")
		}
		return e.State == "ready"
	})
	return e
}

// awaitErasure waits until the receipt says that nothing is left.
func (b *brand) awaitErasure(t testing.TB, id string) (e erasureAnswer) {
	t.Helper()
	eventually(t, 2*time.Minute, "the customer is erased", func() bool {
		e = call[erasureAnswer](t, b.owner, http.MethodGet, "/v1/erasures/"+id, nil)
		return e.State == "finished"
	})
	return e
}

// download fetches an export to a file, as a program would that keeps none of it in memory.
func (b *brand) download(t testing.TB, e exportAnswer) (path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.owner.base()+b.path+"/exports/"+e.ID+"/download", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+b.owner.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ContentLength != e.SizeBytes {
		t.Fatalf("download: %s, %d bytes of %d", answer.Status, answer.ContentLength, e.SizeBytes)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "export.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, sum), answer.Body); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != e.SHA256 {
		t.Errorf("the download's checksum is %s, not %s", got, e.SHA256)
	}
	return file.Name()
}

// lineCounts are the numbers of rows in an archive, by table.
func lineCounts(t testing.TB, path string) map[string]int {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	counts := map[string]int{}
	for _, f := range archive.File {
		open, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(open)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			counts[strings.TrimSuffix(strings.TrimPrefix(f.Name, "data/"), ".ndjson")]++
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// fillPosts gives the brand posts that are out, each with a platform post and an attempt, behind the API's back.
func (b *brand) fillPosts(t testing.TB, n int, text string) {
	t.Helper()
	conn, err := b.s.super.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range []string{
		"set session_replication_role = replica",
		fmt.Sprintf(`insert into posts (customer_id, id, title, text, state) select '%s', gen_random_uuid(), 'Filled ' || n, '%s ' || n || repeat(md5(n::text), 60), 'published'
			from generate_series(1, %d) n`, b.id, text, n),
		fmt.Sprintf(`insert into platform_posts (customer_id, id, post_id, integration_id, state, external_id, published_at)
			select customer_id, gen_random_uuid(), id, '%s', 'published', 'x' || id, now() from posts where customer_id = '%s' and title like 'Filled %%'`, b.integration, b.id),
		fmt.Sprintf(`insert into publish_attempts (customer_id, platform_post_id, number, job_id, finished_at, outcome)
			select customer_id, id, 9, 1, now(), 'published' from platform_posts where customer_id = '%s' and external_id like 'x%%'`, b.id),
		"reset session_replication_role",
		"analyze",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// peakMemory is the most that the process had in memory at any time, in bytes.
func (p *process) peakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kilobytes), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the system does not tell a process's memory")
	return 0
}

// A large customer is exported, and fetched, in a memory that does not grow with it.
func TestExportMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a process's peak memory is read from /proc")
	}
	const limit = 200 << 20
	posts := pick(whole(), 100_000, 10_000)
	s := newSystem(t, options{noWorker: true})
	b := s.newBrand(t)
	b.fillPosts(t, posts, "Text")
	worker := s.startWorker(t)
	began := time.Now()
	e := b.export(t)
	took := time.Since(began)
	workerPeak := worker.peakMemory(t)
	path := b.download(t, e)
	servePeak := s.serve.peakMemory(t)
	counts := lineCounts(t, path)
	for _, table := range []string{"posts", "platform_posts", "publish_attempts"} {
		if counts[table] != posts {
			t.Errorf("%s: %d rows in the archive, want %d", table, counts[table], posts)
		}
	}
	if workerPeak > limit || servePeak > limit {
		t.Errorf("peak memory: worker %d MB, API %d MB, limit %d MB", workerPeak>>20, servePeak>>20, limit>>20)
	}
	fmt.Printf("%s: %d posts in %s, archive of %d MB, peak memory of the worker %d MB, of the API %d MB\n",
		t.Name(), posts, took.Round(100*time.Millisecond), e.SizeBytes>>20, workerPeak>>20, servePeak>>20)
}

// Publishing is not delayed by an export.
func TestPublishWhileExporting(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b := s.newBrand(t)
	b.fillPosts(t, pick(whole(), 20_000, 5_000), "Text")
	e := call[exportAnswer](t, b.owner, http.MethodPost, b.path+"/exports", nil)
	eventually(t, 20*time.Second, "the export is being written", func() bool {
		return one[int](t, s, "select count(*) from exports where state <> 'queued'") == 1
	})
	began := time.Now()
	post := b.draft(t, draft{})
	b.publish(t, post.ID)
	b.checkPublished(t, b.await(t, post.ID, "published"))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("publishing took %s beside an export", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil && call[exportAnswer](t, b.owner, http.MethodGet, b.path+"/exports/"+e.ID, nil).State != "ready" {
		time.Sleep(50 * time.Millisecond)
	}
	s.checkSettled(t)
}
