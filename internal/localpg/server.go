// Package localpg runs a private PostgreSQL server as a child of this process, for development and
// for tests. It finds the server's binaries (or downloads them), makes a cluster, starts it on
// 127.0.0.1 and stops it again; the server does not outlive its process where the operating system
// allows that.
//
// It knows nothing of Fanfare's schema or roles: it hands out a superuser URL and no more. It must
// not be used in production, where the database is somebody's job.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Superuser is the name of the role that owns the cluster.
const Superuser = "postgres"

// How long a server may take for each way of stopping. A fast shutdown writes a checkpoint, which is
// quick for the small clusters of development.
const (
	fastStopWait      = 30 * time.Second
	leastFastStopWait = 3 * time.Second // even when the caller's context has ended
	immediateStopWait = 5 * time.Second
)

// Server is a running PostgreSQL server that belongs to this process. Its methods may be called by
// several goroutines.
type Server struct {
	port     int
	version  string
	password string
	binaries binaries
	process  *process
	lock     *dirLock
	log      *slog.Logger

	stopOnce sync.Once
	stopErr  error
}

// URL returns the superuser's connection URL for a database of this server.
func (s *Server) URL(database string) string {
	return s.RoleURL(Superuser, s.password, database)
}

// RoleURL returns a connection URL for a database of this server as the given role.
func (s *Server) RoleURL(role, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Password returns the superuser's password. It is random and stays the same for a data directory.
func (s *Server) Password() string { return s.password }

// Port returns the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Version returns the server's version, such as "17.5".
func (s *Server) Version() string { return s.version }

// Done is closed when the server process has ended, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Stop ends the server: a fast shutdown first (connections are closed, data is flushed), and an
// immediate one when that takes longer than ctx or 30 seconds allow. The fast one gets 3 seconds even
// when ctx has ended already, as it has after Ctrl-C. It returns an error if the server had to be
// stopped immediately; the data is safe even so, because the next start recovers it.
// Calls after the first return what the first returned.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopErr = s.stop(ctx)
		s.lock.release()
	})
	return s.stopErr
}

func (s *Server) stop(ctx context.Context) error {
	pid := s.process.pid()
	select {
	case <-s.process.done:
		s.log.Warn("postgres had already ended", "pid", pid, "err", s.process.err)
		return nil
	default:
	}
	started := time.Now()
	err := stopServer(ctx, s.binaries, pid, s.process.done)
	if errors.Is(err, errStoppedHard) {
		s.log.Warn("postgres was stopped the hard way", "pid", pid, "err", err)
	} else if err == nil {
		s.log.Info("postgres stopped", "pid", pid, "took", time.Since(started).Round(time.Millisecond))
	}
	return err
}

var errStoppedHard = errors.New("the fast shutdown did not end in time; the next start will recover the data")

// stopServer stops the postmaster with the given pid; gone is closed when it has ended.
func stopServer(ctx context.Context, b binaries, pid int, gone <-chan struct{}) error {
	select {
	case <-gone:
		return nil // and its pid may be somebody else's by now
	default:
	}
	if err := signalServer(b, pid, fastShutdown); err != nil && !ended(gone) {
		return fmt.Errorf("stop postgres (pid %d): %w", pid, err)
	}
	select {
	case <-gone:
		return nil
	case <-time.After(leastFastStopWait):
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	case <-time.After(fastStopWait - leastFastStopWait):
	}
	// The caller's context has nothing more to say: a server left behind would be worse than the wait.
	for _, how := range []shutdown{immediateShutdown, killed} {
		if err := signalServer(b, pid, how); err != nil && !ended(gone) {
			return fmt.Errorf("stop postgres (pid %d): %w", pid, err)
		}
		select {
		case <-gone:
			return fmt.Errorf("stop postgres (pid %d): %w", pid, errStoppedHard)
		case <-time.After(immediateStopWait):
		}
	}
	return fmt.Errorf("stop postgres (pid %d): it is still running", pid)
}

// ended reports whether gone is closed, giving a process that is just ending a moment to do so.
func ended(gone <-chan struct{}) bool {
	select {
	case <-gone:
		return true
	case <-time.After(time.Second):
		return false
	}
}
