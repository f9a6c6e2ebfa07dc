package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"fanfare/internal/bucket"
	"fanfare/internal/bucket/buckettest"
)

// stall is how long a bucket may hang in these tests, and soon by when that must have been noticed.
const (
	stall = 2 * time.Second
	soon  = 20 * time.Second
)

// uploadHalf begins a file at the server and leaves it, as a killed process would. The function it gives lists such files.
func uploadHalf(t *testing.T, server *buckettest.Server, key string) (incomplete func() []string) {
	t.Helper()
	client := s3.New(s3.Options{BaseEndpoint: &server.Endpoint, Region: "us-east-1", UsePathStyle: true, Credentials: buckettest.Credentials()})
	name := aws.String(buckettest.Name)
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: name, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: name, Key: &key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, 5<<20)),
	}); err != nil {
		t.Fatal(err)
	}
	return func() (keys []string) {
		t.Helper()
		list, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, upload := range list.Uploads {
			keys = append(keys, *upload.Key)
		}
		return keys
	}
}

// What a killed process has sent of a file is not seen, and goes with the rest.
func TestIncompleteUploadsAreDeleted(t *testing.T) {
	t.Parallel()
	b, server := buckettest.S3(t)
	uploadHalf(t, server, "customers/a/half")
	incomplete := uploadHalf(t, server, "customers/b/half")
	if _, err := b.Read(t.Context(), "customers/a/half"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("half of a file: %v", err)
	}
	if got := incomplete(); !slices.Equal(got, []string{"customers/a/half", "customers/b/half"}) {
		t.Fatalf("incomplete uploads: %q", got)
	}
	if err := b.DeleteAll(t.Context(), "customers/a/"); err != nil {
		t.Fatal(err)
	}
	if got := incomplete(); !slices.Equal(got, []string{"customers/b/half"}) {
		t.Errorf("incomplete uploads: %q", got)
	}
}

// in is the time that fn takes.
func in(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

// A server that is gone, or hangs, breaks off what is under way, soon. No half file comes of it, and what was there is there.
func TestServerInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct{ begin, end func(*buckettest.Server) }{
		"killed": {(*buckettest.Server).Kill, (*buckettest.Server).Restart},
		"hangs":  {(*buckettest.Server).Hang, (*buckettest.Server).Continue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := buckettest.Start(t)
			b := open(t, server.URL, bucket.Options{Stall: stall})
			long := strings.Repeat("0123456789abcdef", 4<<20) // 64 MiB, more than kernels keep for a connection
			put(t, b, "customers/a/old", long)
			reading, err := b.Read(t.Context(), "customers/a/old")
			if err != nil {
				t.Fatal(err)
			}
			defer reading.Close()
			if _, err := io.CopyN(io.Discard, reading, 1<<20); err != nil {
				t.Fatal(err)
			}
			began := false
			writeErr := b.Write(t.Context(), "customers/a/new", "text/plain", func(w io.Writer) error {
				if _, err := io.WriteString(w, long[:20<<20]); err != nil {
					return err
				}
				trouble.begin(server)
				began = true
				_, err := io.WriteString(w, long)
				return err
			})
			if !began {
				t.Fatal(writeErr)
			}
			errs := map[string]error{"write": writeErr}
			for action, do := range map[string]func() error{
				"read on": func() error {
					n, err := io.Copy(io.Discard, reading)
					if err == nil {
						t.Errorf("read on: %d bytes, and no error", n)
					}
					return err
				},
				"read":       func() error { _, err := b.Read(t.Context(), "customers/a/old"); return err },
				"list":       func() error { _, err := b.Count(t.Context(), "customers/a/"); return err },
				"delete":     func() error { return b.DeleteAll(t.Context(), "customers/b/") },
				"write anew": func() error { return write(t.Context(), b, "customers/a/anew", "x") },
			} {
				if took := in(func() { errs[action] = do() }); took > soon {
					t.Errorf("%s took %v", action, took)
				}
			}
			for action, err := range errs {
				if err == nil || errors.Is(err, bucket.ErrNotFound) || errors.Is(err, context.Canceled) || name == "hangs" && !errors.Is(err, bucket.ErrStalled) {
					t.Errorf("%s: %v", action, err)
				}
			}
			trouble.end(server)
			if _, err := b.Read(t.Context(), "customers/a/new"); !errors.Is(err, bucket.ErrNotFound) {
				t.Errorf("the new file is there: %v", err)
			}
			if got := get(t, b, "customers/a/old"); got != long {
				t.Errorf("the old file has %d bytes", len(got))
			}
			// A server that has hung may still do what it was asked then; as a whole, or not at all.
			within, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			for len(names(t, server.Directory)) > 0 {
				if err := b.DeleteAll(within, "customers/a/"); err != nil {
					t.Fatalf("left in the bucket: %q, %v", names(t, server.Directory), err)
				}
			}
		})
	}
}

// A server that hangs when the program starts does not keep it.
func TestOpenAtServerThatHangs(t *testing.T) {
	t.Parallel()
	server := buckettest.Start(t)
	server.Hang()
	took := in(func() {
		if _, err := bucket.Open(t.Context(), server.URL, bucket.Options{S3Credentials: buckettest.Credentials(), Stall: stall}); !errors.Is(err, bucket.ErrStalled) {
			t.Errorf("error %v", err)
		}
	})
	if took > soon {
		t.Errorf("it took %v", took)
	}
}

// What is slow but moves is waited for, longer than what hangs; and readers that are slow themselves take nothing from that.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	server := buckettest.Start(t)
	proxy := buckettest.NewProxy(t, server, 40*time.Millisecond) // 1.6 MB in a second
	b := open(t, proxy.URL, bucket.Options{Stall: 2 * stall})
	content := strings.Repeat("0123456789abcdef", 3<<18)
	if took := in(func() { put(t, b, "slow", content) }); took < 2*stall {
		t.Errorf("writing took %v: the server is not slow", took)
	}
	if took := in(func() {
		if get(t, b, "slow") != content {
			t.Error("it is not what was written")
		}
	}); took < 2*stall {
		t.Errorf("reading took %v: the server is not slow", took)
	}
	fast := open(t, server.URL, bucket.Options{Stall: stall})
	file, err := fast.Read(t.Context(), "slow")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.CopyN(io.Discard, file, 100); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * stall) // the reader is what is tested here
	if n, err := io.Copy(io.Discard, file); err != nil || n != int64(len(content)-100) {
		t.Errorf("a slow reader got %d bytes: %v", n, err)
	}
}

// Bytes that are not what was written are noticed.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	b, server := buckettest.S3(t)
	put(t, b, "customers/a/x", strings.Repeat("x", 100_000))
	path := filepath.Join(server.Directory, "customers/a/x")
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("y"), 50_000); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	damaged, err := b.Read(t.Context(), "customers/a/x")
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	if _, err := io.Copy(io.Discard, damaged); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("reading it: %v", err)
	}
}
