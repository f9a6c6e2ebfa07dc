package localpg

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
)

// Options says where a server lives and how it runs. Only DataDir is required.
type Options struct {
	// DataDir is where everything is kept between runs: the cluster, the superuser's password, the
	// last port and the server's log. It is made if missing. Only one server may use it at a time.
	DataDir string

	// Port is the TCP port on 127.0.0.1. With 0 a free one is chosen, and chosen again at the next
	// start if it is still free.
	Port int

	// Settings are further server settings, by name, as in postgresql.conf. They win over the
	// settings of this package; port and data_directory cannot be set here.
	Settings map[string]string

	// NoSync trades safety for speed: the cluster is made and run without flushing to disk. A crash
	// of the machine may lose the data, so it is for tests.
	NoSync bool

	// Log receives the lifecycle (start, stop, recovery). Nil discards it. What the server itself
	// says goes to DataDir/postgres.log.
	Log *slog.Logger

	// BinDir is a directory which holds initdb and postgres. When it is empty they are looked for
	// on the machine, and downloaded if they are not there.
	BinDir string

	// CacheDir is where downloaded binaries are kept. Empty means "fanfare" in the user's cache
	// directory.
	CacheDir string

	// RepositoryURL is the Maven repository which binaries are downloaded from, for machines that
	// only reach a mirror. Empty means DefaultRepositoryURL.
	RepositoryURL string
}

func (o Options) withDefaults() (Options, error) {
	if o.DataDir == "" {
		return o, errors.New("localpg: no data directory given")
	}
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return o, fmt.Errorf("localpg: data directory: %w", err)
	}
	o.DataDir = dir
	if o.Port < 0 || o.Port > 65535 {
		return o, fmt.Errorf("localpg: port %d is not between 0 and 65535", o.Port)
	}
	for name := range o.Settings {
		if name == "" || strings.ContainsAny(name, "= \n") {
			return o, fmt.Errorf("localpg: %q is not the name of a server setting", name)
		}
		if name == "port" || name == "data_directory" {
			return o, fmt.Errorf("localpg: %s is set with an option, not as a server setting", name)
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RepositoryURL == "" {
		o.RepositoryURL = DefaultRepositoryURL
	}
	o.RepositoryURL = strings.TrimSuffix(o.RepositoryURL, "/")
	return o, nil
}
