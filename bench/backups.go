package main

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db"
	"fanfare/internal/localpg"
)

// backups: what a night's backups of many customers cost. A worker, which is a process of its own, backs up everything in the first night and what has changed
// in the second. Most of the bytes are holes of sparse files: they are read like all others, and take no room on the disk that they are measured on.
type backups struct {
	Dir       string        `help:"Where the database server, the workspaces and the bucket are; all of it is made anew and removed." default:".fanfare/bench-backups"`
	Customers int           `help:"How many customers." default:"1000"`
	Files     int           `help:"How many files each has." default:"20"`
	Bytes     int64         `help:"How many bytes they have together." default:"50000000000"`
	Changed   float64       `help:"Which part of the files changes from one night to the next." default:"0.01"`
	Patience  time.Duration `help:"How long a night may take." default:"2h"`
	Idle      time.Duration `help:"For how long the worker is watched before each night, while it has nothing to do." default:"20s"`
	JSON      string        `help:"Write the result to this file too." name:"json" placeholder:"FILE"`
}

const (
	// sparseFiles of each customer's are sparse and share what the others, of smallFile bytes at most, leave.
	sparseFiles = 5
	smallFile   = 64 << 10
)

// night is what a night has cost.
type night struct {
	Name          string  `json:"name"`
	Seconds       float64 `json:"seconds"`
	Backups       int64   `json:"backups"`
	Files         int64   `json:"files"`
	Bytes         int64   `json:"bytes"`
	StoredBytes   int64   `json:"stored_bytes"`
	BucketBytes   int64   `json:"bucket_bytes"`
	BucketObjects int64   `json:"bucket_objects"`
	PeakMemory    int64   `json:"peak_memory"`
	CPUSeconds    float64 `json:"cpu_seconds"`
	load
	Idle load `json:"idle"`
}

// load is the database's.
type load struct {
	Watched      float64 `json:"watched_seconds"`
	Statements   int64   `json:"statements"`
	Transactions int64   `json:"transactions"`
	RowsRead     int64   `json:"rows_read"`
	RowsWritten  int64   `json:"rows_written"`
	// Active is how long statements have run, in seconds.
	Active float64 `json:"active_seconds"`
}

// backupsRun is a run.
type backupsRun struct {
	*backups
	dir, binary string
	conn        *pgx.Conn
	env         []string
	statements  bool
}

// Run measures and prints.
func (b *backups) Run(ctx context.Context) (err error) {
	if b.Customers < 1 || b.Files <= sparseFiles || b.Bytes/int64(b.Customers) < int64(b.Files)*smallFile || b.Changed < 0 || b.Changed > 1 || b.Idle <= 0 {
		return fmt.Errorf("there must be customers with more than %d files each, of %d bytes on average at least, and some time to watch", sparseFiles, smallFile)
	}
	dir, err := filepath.Abs(b.Dir)
	if err != nil {
		return fmt.Errorf("find directory: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove what an earlier run has left: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &backupsRun{backups: b, dir: dir, binary: filepath.Join(dir, "fanfare")}
	for _, name := range []string{"workspaces", "bucket", "files"} {
		// The server may run as another user, who must be able to get there; the cluster inside is closed to others.
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", r.binary, "fanfare").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, output)
	}
	server, err := r.startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if err := r.prepare(ctx, server); err != nil {
		return err
	}
	defer func() { _ = r.conn.Close(context.WithoutCancel(ctx)) }()
	var nights []night
	for _, name := range []string{"first, everything", "second, what has changed"} {
		n, err := r.night(ctx, name)
		if err != nil {
			return err
		}
		nights = append(nights, n)
		if err := r.change(); err != nil {
			return err
		}
	}
	return r.report(thisMachine(server.Version()), nights)
}

// startServer starts a server that counts statements, if it can.
func (r *backupsRun) startServer(ctx context.Context) (*localpg.Server, error) {
	options := localpg.Options{DataDir: filepath.Join(r.dir, "postgres"), Settings: map[string]string{"shared_buffers": "128MB", "shared_preload_libraries": "pg_stat_statements"}}
	server, err := localpg.Start(ctx, options)
	if err == nil {
		r.statements = true
		return server, nil
	}
	delete(options.Settings, "shared_preload_libraries")
	if server, err = localpg.Start(ctx, options); err != nil {
		return nil, fmt.Errorf("start database server: %w", err)
	}
	return server, nil
}

// prepare makes the customers and their files.
func (r *backupsRun) prepare(ctx context.Context, server *localpg.Server) error {
	admin, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	_, err = admin.Exec(ctx, "create database "+databaseName)
	if err = errors.Join(err, admin.Close(ctx)); err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	password := cryptorand.Text()
	if err := db.Migrate(ctx, server.URL(databaseName), db.LoginPasswords{Worker: password}, io.Discard); err != nil {
		return err
	}
	if r.conn, err = pgx.Connect(ctx, server.URL(databaseName)); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if r.statements {
		if _, err := r.conn.Exec(ctx, "create extension pg_stat_statements"); err != nil {
			return fmt.Errorf("count statements: %w", err)
		}
	}
	r.env = append(os.Environ(), "WORKER_DATABASE_URL="+server.RoleURL("fanfare_worker", password, databaseName), "DATABASE_URL=",
		"FANFARE_KEYSET="+filepath.Join(r.dir, "keyset.json"), "FANFARE_BUCKET=file://"+filepath.Join(r.dir, "files"),
		"FANFARE_WORKSPACES="+filepath.Join(r.dir, "workspaces"), "FANFARE_BACKUP_BUCKET=file://"+filepath.Join(r.dir, "bucket"), "FANFARE_METRICS_ADDR=")
	keys := exec.CommandContext(ctx, r.binary, "keys", "create")
	keys.Env = r.env
	if output, err := keys.CombinedOutput(); err != nil {
		return fmt.Errorf("make keys: %w: %s", err, output)
	}
	started := time.Now()
	random := rand.New(rand.NewPCG(1, 2))
	for n := range r.Customers {
		id := uuid.Must(uuid.NewV7())
		bytes, err := r.fill(random, filepath.Join(r.dir, "workspaces", id.String(), "shared"))
		if err != nil {
			return fmt.Errorf("make files: %w", err)
		}
		if _, err := r.conn.Exec(ctx, "insert into customers (id, name) values ($1, $2)", id, "Customer "+strconv.Itoa(n)); err != nil {
			return fmt.Errorf("make customer: %w", err)
		}
		if _, err := r.conn.Exec(ctx, "update workspaces set state = 'active', bytes = $2, entries = $3 where customer_id = $1", id, bytes, r.Files+1); err != nil {
			return fmt.Errorf("make workspace: %w", err)
		}
	}
	// No night, and no drill, until it is said so.
	if _, err = r.conn.Exec(ctx, "insert into backup_status (customer_id, night, drilled_at) select id, '2999-01-01', 'infinity' from customers"); err != nil {
		return fmt.Errorf("hold the night back: %w", err)
	}
	// As in a database that has been there for a day.
	_, err = r.conn.Exec(ctx, "vacuum (analyze)")
	fmt.Fprintf(os.Stderr, "made %d customers in %s\n", r.Customers, time.Since(started).Round(time.Second))
	return err
}

// fill makes a customer's files: small ones that hardly compress, and sparse ones of mixed sizes.
func (r *backupsRun) fill(random *rand.Rand, dir string) (bytes int64, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o770); err != nil {
		return 0, err
	}
	for n := range r.Files - sparseFiles {
		content := make([]byte, 1+random.IntN(smallFile))
		for i := range content {
			content[i] = byte(random.IntN(256))
		}
		if err := os.WriteFile(filepath.Join(dir, "files", strconv.Itoa(n)), content, 0o660); err != nil {
			return 0, err
		}
		bytes += int64(len(content))
	}
	left := r.Bytes/int64(r.Customers) - bytes
	for n := range sparseFiles {
		// Each has half of what is left, and the last two the same.
		size := left
		if n < sparseFiles-1 {
			size = left / 2
		}
		file, err := os.Create(filepath.Join(dir, "files", "sparse-"+strconv.Itoa(n)))
		if err != nil {
			return 0, err
		}
		if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
			return 0, err
		}
		left -= size
		bytes += size
	}
	return bytes, nil
}

// change changes some of the files, each in one place.
func (r *backupsRun) change() error {
	random := rand.New(rand.NewPCG(3, 4))
	return filepath.WalkDir(filepath.Join(r.dir, "workspaces"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Base(filepath.Dir(path)) != "files" || random.Float64() >= r.Changed {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		content := make([]byte, min(4096, info.Size()))
		for i := range content {
			content[i] = byte(random.IntN(256))
		}
		_, err = file.WriteAt(content, random.Int64N(info.Size()-int64(len(content))+1))
		return errors.Join(err, file.Close())
	})
}

// night has a worker do a night's work.
func (r *backupsRun) night(ctx context.Context, name string) (n night, err error) {
	n.Name = name
	worker := exec.CommandContext(ctx, r.binary, "worker")
	log, err := os.OpenFile(filepath.Join(r.dir, "worker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return n, fmt.Errorf("make log: %w", err)
	}
	defer log.Close()
	worker.Env, worker.Stdout, worker.Stderr = r.env, log, log
	if err := worker.Start(); err != nil {
		return n, fmt.Errorf("start worker: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- worker.Wait() }()
	defer func() {
		_ = worker.Process.Kill() // it has ended, unless something went wrong
	}()
	if err := r.until(ctx, ended, "select exists (select from workers where lease_until > now())"); err != nil {
		return n, err
	}
	time.Sleep(r.Idle / 4) // what it does once at its start is no load of the night
	idle, err := r.load(ctx)
	if err != nil {
		return n, err
	}
	time.Sleep(r.Idle)
	before, err := r.load(ctx)
	if err != nil {
		return n, err
	}
	n.Idle = before.since(idle)
	// It is night, and a day since everything was measured.
	if _, err := r.conn.Exec(ctx, "update workspaces set measured_at = now() - interval '25 hours'"); err != nil {
		return n, fmt.Errorf("begin night: %w", err)
	}
	if _, err := r.conn.Exec(ctx, "update backup_status set night = '-infinity'"); err != nil {
		return n, fmt.Errorf("begin night: %w", err)
	}
	const fresh = "night = (select max(night) from backups) and created_at > now() - interval '1 day'"
	if err := r.until(ctx, ended, `select count(*) = (select count(*) from customers) from backup_status where night > '-infinity'`); err != nil {
		return n, err
	}
	if err := r.until(ctx, ended, `select not exists (select from backups where state in ('queued', 'running'))
		and not exists (select from workspaces where measured_at < now() - interval '24 hours')`); err != nil {
		return n, err
	}
	after, err := r.load(ctx)
	if err != nil {
		return n, err
	}
	n.load = after.since(before)
	if err := r.conn.QueryRow(ctx, `select count(*) filter (where state = 'ready'), coalesce(sum(files), 0)::bigint, coalesce(sum(bytes), 0)::bigint, coalesce(sum(stored_bytes), 0)::bigint,
		extract(epoch from max(finished_at) - min(created_at))::float8 from backups where `+fresh).Scan(&n.Backups, &n.Files, &n.Bytes, &n.StoredBytes, &n.Seconds); err != nil {
		return n, fmt.Errorf("see what the night has made: %w", err)
	}
	if n.Backups != int64(r.Customers) {
		return n, fmt.Errorf("there are %d backups of %d customers", n.Backups, r.Customers)
	}
	n.PeakMemory = peakMemory(worker.Process.Pid)
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		return n, fmt.Errorf("stop worker: %w", err)
	}
	if err := <-ended; err != nil {
		return n, fmt.Errorf("worker: %w", err)
	}
	n.CPUSeconds = (worker.ProcessState.UserTime() + worker.ProcessState.SystemTime()).Seconds()
	n.BucketObjects, n.BucketBytes, err = sizeOf(filepath.Join(r.dir, "bucket"))
	// The next night is another one.
	_, updateErr := r.conn.Exec(ctx, "update backups set night = night - 1, created_at = created_at - interval '1 day', finished_at = finished_at - interval '1 day'")
	fmt.Fprintf(os.Stderr, "%s: %.1f s\n", n.Name, n.Seconds)
	return n, errors.Join(err, updateErr)
}

// until waits until the database says so.
func (r *backupsRun) until(ctx context.Context, ended chan error, question string) error {
	for deadline := time.Now().Add(r.Patience); time.Now().Before(deadline); {
		var so bool
		if err := r.conn.QueryRow(ctx, question).Scan(&so); err != nil || so {
			return err
		}
		select {
		case err := <-ended:
			log, _ := os.ReadFile(filepath.Join(r.dir, "worker.log"))
			return fmt.Errorf("worker has ended: %w: %s", err, log)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("waited %s in vain: %s", r.Patience, question)
}

// load is what the database has done so far for others than this process.
func (r *backupsRun) load(ctx context.Context) (l load, err error) {
	time.Sleep(1500 * time.Millisecond) // servers tell of what they have done a second later
	if err := r.conn.QueryRow(ctx, `select extract(epoch from clock_timestamp())::float8, xact_commit + xact_rollback, tup_fetched, tup_inserted + tup_updated + tup_deleted, active_time / 1000
		from pg_stat_database where datname = current_database()`).Scan(&l.Watched, &l.Transactions, &l.RowsRead, &l.RowsWritten, &l.Active); err != nil {
		return l, fmt.Errorf("read the database's statistics: %w", err)
	}
	if r.statements {
		if err := r.conn.QueryRow(ctx, "select coalesce(sum(calls), 0)::bigint from pg_stat_statements s join pg_roles u on u.oid = s.userid where u.rolname like 'fanfare%'").Scan(&l.Statements); err != nil {
			return l, fmt.Errorf("read the database's statistics: %w", err)
		}
	}
	return l, nil
}

func (l load) since(before load) load {
	return load{
		Watched: l.Watched - before.Watched, Statements: l.Statements - before.Statements, Transactions: l.Transactions - before.Transactions,
		RowsRead: l.RowsRead - before.RowsRead, RowsWritten: l.RowsWritten - before.RowsWritten, Active: l.Active - before.Active,
	}
}

// peakMemory is the most that a process had in memory, as Linux tells it; 0 elsewhere.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kilobytes), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// sizeOf counts the files below a directory, and their bytes.
func sizeOf(dir string) (files, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}

// report prints the table and writes the JSON.
func (r *backupsRun) report(m machine, nights []night) error {
	fmt.Printf("backups: %d customers, %d files each, %.1f GB in all, %g of the files changed\n%s\n\n", r.Customers, r.Files, float64(r.Bytes)/1e9, r.Changed, m)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, value func(n night) string) {
		fmt.Fprintf(out, "%s\t", name)
		for _, n := range nights {
			fmt.Fprintf(out, "%s\t", value(n))
		}
		fmt.Fprintln(out)
	}
	perSecond := func(count func(l load) float64) func(n night) string {
		return func(n night) string {
			return fmt.Sprintf("%.0f = %.1f/s (idle %.1f/s)", count(n.load), count(n.load)/n.Watched, count(n.Idle)/n.Idle.Watched)
		}
	}
	row("night", func(n night) string { return n.Name })
	row("wall time", func(n night) string { return fmt.Sprintf("%.1f s", n.Seconds) })
	row("rate", func(n night) string { return fmt.Sprintf("%.0f MB/s", float64(n.Bytes)/1e6/n.Seconds) })
	row("worker's peak memory", func(n night) string { return fmt.Sprintf("%.0f MB", float64(n.PeakMemory)/1e6) })
	row("worker's CPU time", func(n night) string { return fmt.Sprintf("%.1f s", n.CPUSeconds) })
	if r.statements {
		row("statements", perSecond(func(l load) float64 { return float64(l.Statements) }))
	}
	row("transactions", perSecond(func(l load) float64 { return float64(l.Transactions) }))
	row("rows read", perSecond(func(l load) float64 { return float64(l.RowsRead) }))
	row("rows written", perSecond(func(l load) float64 { return float64(l.RowsWritten) }))
	row("active connections on average", func(n night) string {
		return fmt.Sprintf("%.2f (idle %.2f)", n.Active/n.Watched, n.Idle.Active/n.Idle.Watched)
	})
	row("stored that night", func(n night) string { return fmt.Sprintf("%.1f MB", float64(n.StoredBytes)/1e6) })
	row("bucket then", func(n night) string {
		return fmt.Sprintf("%.1f MB in %d objects", float64(n.BucketBytes)/1e6, n.BucketObjects)
	})
	if err := out.Flush(); err != nil {
		return err
	}
	if r.JSON == "" {
		return nil
	}
	encoded, err := json.MarshalIndent(map[string]any{"machine": m, "customers": r.Customers, "files": r.Files, "bytes": r.Bytes, "changed": r.Changed, "nights": nights}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	return os.WriteFile(r.JSON, append(encoded, '\n'), 0o644)
}
