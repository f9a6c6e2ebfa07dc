package api_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanfare/api"
	"fanfare/internal/bucket"
	"fanfare/internal/bucket/buckettest"
)

// A customer's files from the upload to the erasure, in a bucket of S3. Of a large file that is served in part, the part is
// fetched, and not much more.
func TestFilesInS3(t *testing.T) {
	t.Parallel()
	server := buckettest.Start(t)
	proxy := buckettest.NewProxy(t, server, 0)
	w := setup(t)
	w.bucket = must(bucket.Open(t.Context(), proxy.URL, bucket.Options{S3Credentials: buckettest.Credentials()}))
	t.Cleanup(func() { mustDo(t, w.bucket.Close()) })
	w.serve(t, options{})
	w.worker(t)
	c := w.cast(t)

	content := append(mp4File(), box("free", make([]byte, 64<<20))...)
	file := into[api.Media](t, w.upload(t, c.member, c.customer.ID, "?name=film.mp4", bytes.NewReader(content)).want(t, 201))
	if file.ContentType != "video/mp4" || file.Bytes != int64(len(content)) || file.DurationMS == nil || *file.DurationMS != 1500 {
		t.Errorf("uploaded: %+v", file)
	}
	path := c.path("/media/%s/content", file.ID)
	if got := w.call(t, c.viewer, http.MethodGet, path, nil).want(t, 200); !bytes.Equal(got.body, content) {
		t.Errorf("the file has %d bytes", len(got.body))
	}
	before := proxy.Received.Load()
	for asked, want := range map[string][]byte{"bytes=0-99": content[:100], "bytes=1000-1999": content[1000:2000], "bytes=-7": content[len(content)-7:]} {
		if got := w.call(t, c.viewer, http.MethodGet, path, nil, "Range", asked).want(t, 206); !bytes.Equal(got.body, want) {
			t.Errorf("%s: %d bytes, which are others", asked, len(got.body))
		}
	}
	if received := proxy.Received.Load() - before; received > 8<<20 { // of which most is what was on its way when the first ended
		t.Errorf("for three small parts of the file %d bytes were fetched", received)
	}
	w.upload(t, c.member, c.customer.ID, "", strings.NewReader("no picture at all")).want(t, 422)

	made := into[export](t, w.call(t, c.owner, "POST", c.path("/exports"), nil).want(t, 202))
	one := c.path("/exports/%s", made.ID)
	eventually(t, "the export is ready", func() bool { return w.count(t, "select count(*) from exports where state = 'ready'") == 1 })
	archive := w.call(t, c.owner, "GET", one+"/download", nil).want(t, 200).body
	exported := must(must(zip.NewReader(bytes.NewReader(archive), int64(len(archive)))).Open("media/" + file.ID.String()))
	if got := must(io.ReadAll(exported)); !bytes.Equal(got, content) {
		t.Errorf("in the export the file has %d bytes", len(got))
	}

	w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
	w.call(t, c.owner, "POST", c.path("/erasure"), m{"name": c.customer.Name}).want(t, 202)
	eventually(t, "the customer is erased", func() bool {
		return w.count(t, "select count(*) from erasures where state = 'finished' and files = 2") == 1
	})
	mustDo(t, filepath.WalkDir(server.Directory, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("%s is left", path)
		}
		return err
	}))
}
