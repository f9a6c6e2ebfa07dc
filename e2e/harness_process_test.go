package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// keptLines is how much of a process's log a failed test shows.
const keptLines = 200

// wholeLogs in a process's environment keeps all of its log, for tests that search it.
const wholeLogs = "E2E_WHOLE_LOGS=1"

// process is one run of the program.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu      sync.Mutex
	log     []string
	seen    map[string]map[string]any // the first log entry of each message
	changed chan struct{}             // closed at the next line
	out     []string
	whole   bool
}

// start runs the program with nothing of this process's environment but what any program needs. It is killed
// at the end of the test if it still runs.
func start(t testing.TB, name string, env []string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(binary, args...), done: make(chan struct{}), seen: map[string]map[string]any{}, changed: make(chan struct{}), whole: slices.Contains(env, wholeLogs)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, env...)
	p.cmd.SysProcAttr = dieWithUs()
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { p.read(stderr, p.noteLog) })
	readers.Go(func() { p.read(stdout, p.noteOut) })
	go func() {
		readers.Wait()
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		p.mu.Lock()
		defer p.mu.Unlock()
		if entry, found := p.seen["panic in a request"]; found {
			t.Errorf("%s: a request panicked: %v", name, entry)
		}
		if t.Failed() || os.Getenv("FANFARE_E2E_LOGS") == "1" {
			t.Logf("the last lines of %s (pid %d):\n%s", name, p.cmd.Process.Pid, strings.Join(p.log[max(0, len(p.log)-keptLines):], "\n"))
		}
	})
	return p
}

func (p *process) read(r io.Reader, note func(string)) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		note(scanner.Text())
	}
	_, _ = io.Copy(io.Discard, r) // a line too long: the process must not block on it
}

func (p *process) noteLog(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log = append(p.log, line); len(p.log) > keptLines && !p.whole {
		p.log = p.log[1:]
	}
	var entry map[string]any
	if json.Unmarshal([]byte(line), &entry) == nil {
		if message, _ := entry["msg"].(string); p.seen[message] == nil {
			p.seen[message] = entry
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *process) noteOut(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, line)
	close(p.changed)
	p.changed = make(chan struct{})
}

// waitFor waits until the condition holds for what the process has written. It is called with p.mu held.
func (p *process) waitFor(t testing.TB, patience time.Duration, what string, condition func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		holds, changed := condition(), p.changed
		p.mu.Unlock()
		if holds {
			return
		}
		select {
		case <-changed:
		case <-p.done:
			p.mu.Lock()
			holds := condition()
			p.mu.Unlock()
			if holds {
				return
			}
			t.Fatalf("%s ended (%s) before: %s", p.name, p.cmd.ProcessState, what)
		case <-timeout:
			t.Fatalf("%s: waited %s in vain: %s", p.name, patience, what)
		}
	}
}

// message waits for a line of the log and gives it.
func (p *process) message(t testing.TB, message string) map[string]any {
	t.Helper()
	p.waitFor(t, 30*time.Second, "log says "+strconv.Quote(message), func() bool { return p.seen[message] != nil })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[message]
}

// written is all that the process has logged and printed.
func (p *process) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n") + "\n" + strings.Join(p.out, "\n")
}

// output waits until the process has ended and gives its standard output.
func (p *process) output(t testing.TB) string {
	t.Helper()
	p.wait(t, time.Minute)
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.out, "\n")
}

// kill ends the process as kill -9 does, and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// signal sends a signal to a process that runs.
func (p *process) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("send %s to %s: %v", s, p.name, err)
	}
}

// wait waits for the end and gives the exit status.
func (p *process) wait(t testing.TB, patience time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s has not ended within %s", p.name, patience)
		return -1
	}
}

// stop asks the process to end and expects that it does so in good order.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if status := p.wait(t, 40*time.Second); status != 0 {
		t.Errorf("%s ended with status %d after SIGTERM", p.name, status)
	}
}

// runs tells whether the process has not ended.
func (p *process) runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// command runs the program to its end, which must be a good one, and gives what it printed.
func command(t testing.TB, env []string, args ...string) string {
	t.Helper()
	p := start(t, "fanfare "+args[0], env, args...)
	output := p.output(t)
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		t.Fatalf("fanfare %s ended with status %d", strings.Join(args, " "), status)
	}
	return output
}

// freePort is a TCP port of this machine that nobody has at the moment.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
