package localpg

import (
	"os"
	"strconv"
	"strings"
)

// arguments returns the command line of a process, and false if there is none: it has ended, even if
// its parent has not yet asked how.
func arguments(pid int) ([]string, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(text) == 0 {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), true
}
