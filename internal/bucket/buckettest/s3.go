// Package buckettest gives tests a real S3 server: Versity's S3 gateway, on a directory.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"fanfare/internal/bucket"
)

// AccessKey and SecretKey are the keys of every server. It checks the signature of each request.
const (
	AccessKey = "fanfare-test"
	SecretKey = "a secret key of tests: 7f3c"
)

// Name is the name of the bucket that a server has.
const Name = "files"

// startTime is how long a server may take to start, beside its building.
const startTime = 30 * time.Second

// Server is a running S3 server with one bucket. It ends with the test.
type Server struct {
	// URL is the bucket's, without credentials.
	URL string
	// Endpoint is the server's own address, such as http://127.0.0.1:7070.
	Endpoint string
	// Directory holds the bucket's files below their keys.
	Directory string

	t       testing.TB
	program string
	flags   []string
	root    string // of Directory, where everything of the server is
	output  *bytes.Buffer
	process *exec.Cmd
}

// Start starts a server, with flags of versitygw's own besides those that it needs.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	program, err := versitygw()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, program: program, flags: flags, root: t.TempDir()}
	s.Directory = filepath.Join(s.root, Name)
	if err := os.Mkdir(s.Directory, 0o750); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Endpoint = "http://" + address
	s.URL = "s3://" + Name + "?" + url.Values{"endpoint": {s.Endpoint}, "region": {"us-east-1"}, "use_path_style": {"true"}}.Encode()
	s.Restart()
	return s
}

// Env is what a program needs in its environment to use the bucket.
func Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey}
}

// Credentials are what bucket.Options take of it.
func Credentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, "")
}

// S3 opens the bucket of a server of its own, which ends with the test.
func S3(t testing.TB) (*bucket.Bucket, *Server) {
	t.Helper()
	s := Start(t)
	b, err := bucket.Open(t.Context(), s.URL, bucket.Options{S3Credentials: Credentials()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, s
}

// Restart starts the server again where it was, after Kill.
func (s *Server) Restart() {
	s.t.Helper()
	s.output = &bytes.Buffer{}
	flags := append([]string{"--port", strings.TrimPrefix(s.Endpoint, "http://"), "--health", "/-/health", "--quiet"}, s.flags...)
	s.process = exec.CommandContext(context.Background(), s.program, append(flags, "posix", s.root)...)
	s.process.Env = []string{"ROOT_ACCESS_KEY_ID=" + AccessKey, "ROOT_SECRET_ACCESS_KEY=" + SecretKey}
	s.process.Stdout, s.process.Stderr = s.output, s.output
	s.process.SysProcAttr = dieWithParent()
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start versitygw: %v", err)
	}
	if err := s.healthy(); err != nil {
		s.Kill()
		s.t.Fatalf("versitygw does not answer: %v\n%s", err, s.output)
	}
}

// healthy waits until the server answers.
func (s *Server) healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/-/health", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(response.Status)
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// Kill ends the server at once (SIGKILL).
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Hang stops the server in its tracks until Continue: connections stay open, and nothing is answered.
func (s *Server) Hang() { s.signal(syscall.SIGSTOP) }

// Continue ends what Hang began.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// freeAddress is one on this machine on which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// versitygw builds the server where it is not built yet, which takes two minutes, and gives the path of its program. Go's build
// cache keeps it.
var versitygw = sync.OnceValues(func() (string, error) {
	module, err := output("env", "GOMOD")
	if err != nil {
		return "", err
	}
	return output("tool", "-modfile="+filepath.Join(filepath.Dir(module), "tools", "versitygw", "go.mod"), "-n", "versitygw")
})

// output is what the go command prints.
func output(args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), "go", args...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0") // as in the Makefile, so that it is built once
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, complaints.String())
	}
	return strings.TrimSpace(string(out)), nil
}
