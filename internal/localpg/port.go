package localpg

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const portFile = "port"

// choosePort returns the port to start with: the given one, or the one of the last start, or a free
// one. Another program may take it before the server does.
func choosePort(o Options) (int, error) {
	if o.Port != 0 {
		if !portIsFree(o.Port) {
			return 0, fmt.Errorf("port %d is in use by another program: choose another one", o.Port)
		}
		return o.Port, nil
	}
	if text, err := os.ReadFile(filepath.Join(o.DataDir, portFile)); err == nil {
		if port, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && port > 0 && port < 65536 && portIsFree(port) {
			return port, nil
		}
	}
	return freePort()
}

func portIsFree(port int) bool {
	//nolint:noctx // listening on loopback does not wait
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // listening on loopback does not wait
	if err != nil {
		return 0, fmt.Errorf("choose a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func rememberPort(dataDir string, port int) error {
	return writeFile(filepath.Join(dataDir, portFile), strconv.Itoa(port)+"\n")
}

// forgetPort makes the next choice a new one.
func forgetPort(dataDir string) { _ = os.Remove(filepath.Join(dataDir, portFile)) }
