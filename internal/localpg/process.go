package localpg

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// process is a child process which is waited for from its first moment.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; read only after done is closed
}

// launch starts the command and waits for it in the background.
//
// Linux delivers the parent-death signal when the thread that started the child ends, not when the
// process does. So the child is started from a goroutine that keeps its thread to itself until the
// child has ended: such a thread only dies with the process.
func launch(cmd *exec.Cmd, as account) (*process, error) {
	cmd.SysProcAttr = childAttributes(as)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the command and waits until it has ended.
func run(cmd *exec.Cmd, as account) error {
	p, err := launch(cmd, as)
	if err != nil {
		return err
	}
	<-p.done
	return p.err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// passedOn are the variables which a child of ours may see. Everything else stays here: PG* would
// change what the server does, LC_* the language of messages that are looked at, and the rest may be
// secret and would be readable with SQL's COPY FROM PROGRAM.
var passedOn = []string{
	"PATH", "TMPDIR", "TMP", "TEMP", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCPATH",
	"SystemRoot", "SYSTEMROOT", "windir", "COMSPEC",
}

// childEnvironment is the environment of initdb and postgres.
func childEnvironment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range passedOn {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastLines returns the last n lines of a text, indented, for the end of an error message.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "  " + strings.Join(lines, "\n  ")
}
