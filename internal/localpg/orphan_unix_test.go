//go:build unix

package localpg

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperDir names the data directory for the test binary when it is run as another `fanfare dev`.
const helperDir = "LOCALPG_TEST_HELPER_DIR"

type helperServer struct {
	URL string
	PID int
}

// TestHelperProcess is the program of TestKilledOwner, not a test of its own: it starts a server,
// tells about it and waits to be killed.
func TestHelperProcess(t *testing.T) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		return // a run of the tests and not of the program
	}
	signal.Ignore(os.Interrupt)
	s := start(t, Options{DataDir: dir, NoSync: true})
	if err := json.NewEncoder(os.Stdout).Encode(helperServer{URL: s.URL("postgres"), PID: s.process.pid()}); err != nil {
		t.Fatal(err)
	}
	// Threads come and go in a Go program; none of that may stop the server.
	for range 20 {
		go func() {
			runtime.LockOSThread() // without an unlock the thread ends with its goroutine
			time.Sleep(time.Millisecond)
		}()
	}
	time.Sleep(time.Minute)
}

func TestKilledOwner(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	helper := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$")
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	helper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = helper.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the helper said %q: %v", line, err)
	}
	var server helperServer
	if err := json.Unmarshal([]byte(line), &server); err != nil {
		t.Fatalf("the helper said %q: %v", line, err)
	}
	_, err = Start(t.Context(), testOptions(t, dir))
	if !errors.Is(err, ErrAlreadyRunning) || !strings.Contains(err.Error(), "pid "+strconv.Itoa(helper.Process.Pid)+":") {
		t.Errorf("while the helper runs: %v", err)
	}

	// Ctrl-C goes to the whole group of the helper, which ignores it. The server must not hear it.
	if err := syscall.Kill(-helper.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	query(t, server.URL, "CREATE TABLE kept AS SELECT 'yes' AS answer")

	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait() // says that it was killed
	if runtime.GOOS == "linux" {
		waitGone(t, server.PID)
	}
	s := start(t, testOptions(t, dir))
	if got := query(t, s.URL("postgres"), "SELECT answer FROM kept"); got != "yes" {
		t.Errorf("the table holds %q", got)
	}

	// Where the system has no parent-death signal the server is left behind. Giving the lock back
	// without stopping leaves one behind here.
	s.lock.release()
	next := start(t, testOptions(t, dir))
	select {
	case <-s.Done():
	default:
		t.Error("the server that was left behind still runs")
	}
	query(t, next.URL("postgres"), "SELECT answer FROM kept")
	stop(t, next)

	serverStartedByHand(t, dir, next)
}

// serverStartedByHand checks that a server which is not ours is left alone, and that what it leaves
// behind when it is killed is no obstacle.
func serverStartedByHand(t *testing.T, dir string, previous *Server) {
	t.Helper()
	cluster := filepath.Join(dir, "pg")
	as, err := serverAccount(cluster)
	if err != nil {
		t.Fatal(err)
	}
	byHand := exec.Command(previous.binaries.path("postgres"), "-D", cluster, "-p", strconv.Itoa(previous.Port()),
		"-c", "unix_socket_directories=", "-c", "fsync=off")
	byHand.Dir, byHand.Env = previous.binaries.dir, childEnvironment()
	p, err := launch(byHand, as)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = byHand.Process.Kill() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, ok := runningServer(cluster); ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server started by hand does not come up")
		}
	}
	_, err = Start(t.Context(), testOptions(t, dir))
	if !errors.Is(err, ErrAlreadyRunning) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d, which was not started by", p.pid())) {
		t.Errorf("a server was started by hand: %v", err)
	}
	if err := byHand.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if _, ok := readPidFile(cluster); !ok {
		t.Error("the killed server has removed its postmaster.pid")
	}
	s := start(t, testOptions(t, dir))
	query(t, s.URL("postgres"), "SELECT answer FROM kept")
	stop(t, s)
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
	}
	t.Errorf("the server (pid %d) still runs", pid)
}
