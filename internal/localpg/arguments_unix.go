//go:build unix && !linux

package localpg

import (
	"os/exec"
	"strconv"
	"strings"
)

// arguments returns the command line of a process, and false if it has ended. ps joins the arguments
// with blanks, so a path with blanks comes back in pieces: such a server is not recognised, and
// postgres itself then refuses to start a second one.
func arguments(pid int) ([]string, bool) {
	text, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	args := strings.Fields(string(text))
	return args, err == nil && len(args) > 0
}
