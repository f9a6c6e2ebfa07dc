package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"fanfare/db"
	"fanfare/internal/localpg"
)

// dataFlags say on which data to measure.
type dataFlags struct {
	DataDir       string `help:"Where the benchmark's own database server lives; its data is used again by the next run." default:".fanfare/bench"`
	Customers     int    `help:"How many customers." default:"100000"`
	Posts         int    `help:"How many posts, spread evenly over the customers." default:"3000000"`
	Accounts      int    `help:"How many connected accounts each customer has." default:"5"`
	Platforms     int    `help:"On how many of them each post is to appear." default:"1"`
	SharedBuffers string `help:"PostgreSQL's shared_buffers." default:"2GB"`
}

// dataset is a running server with the data that was asked for.
type dataset struct {
	server   *localpg.Server
	superURL string
	loginURL string
	members  []member
}

// member is somebody who may enter a customer.
type member struct {
	subject    string
	customerID uuid.UUID
}

const databaseName = "bench"

// open starts the server and makes the data, unless the data directory already has the same.
func (f dataFlags) open(ctx context.Context, log io.Writer) (*dataset, error) {
	if f.Customers < 1 || f.Posts < 1 || f.Platforms < 0 || f.Accounts < f.Platforms {
		return nil, errors.New("there must be customers, posts, and at least as many accounts as a post appears on")
	}
	// The server may run as another user, who must be able to get there; the cluster inside is closed to others.
	if err := os.MkdirAll(f.DataDir, 0o755); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	server, err := localpg.Start(ctx, localpg.Options{
		DataDir: f.DataDir + "/postgres",
		NoSync:  true,
		Settings: map[string]string{
			"shared_buffers":       f.SharedBuffers,
			"maintenance_work_mem": "512MB",
			"max_wal_size":         "8GB",
			"autovacuum":           "off", // nothing may begin in the middle of a turn; the data is vacuumed once
		},
	})
	if err != nil {
		return nil, fmt.Errorf("start database server: %w", err)
	}
	d := &dataset{server: server, superURL: server.URL(databaseName)}
	if err := f.prepare(ctx, d, log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// close stops the server and keeps its data.
func (d *dataset) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return d.server.Stop(ctx)
}

// pool opens a pool of exactly so many connections.
func pool(ctx context.Context, databaseURL string, connections int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", err)
	}
	config.MinConns, config.MaxConns = int32(connections), int32(connections)
	return pgxpool.NewWithConfig(ctx, config)
}

// description is what the data must be for a later run to use it again: its size, and the schema it is in.
func (f dataFlags) description() string {
	return fmt.Sprintf("customers %d, posts %d, accounts %d, platforms %d, schema %s", f.Customers, f.Posts, f.Accounts, f.Platforms, db.Checksum())
}

func (f dataFlags) prepare(ctx context.Context, d *dataset, log io.Writer) error {
	if f.description() != d.description(ctx) {
		if err := f.make(ctx, d, log); err != nil {
			return err
		}
	}
	password := rand.Text()
	if err := db.Migrate(ctx, d.superURL, db.LoginPasswords{Login: password}, io.Discard); err != nil {
		return err
	}
	d.loginURL = d.server.RoleURL("fanfare_login", password, databaseName)

	conn, err := pgx.Connect(ctx, d.superURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select u.subject, m.customer_id from memberships m join users u on u.id = m.user_id")
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	d.members, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m member, err error) {
		err = row.Scan(&m.subject, &m.customerID)
		return m, err
	})
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	return readAhead(ctx, conn)
}

// readAhead brings the data into memory, where the server has the extension for it. Without, the first
// turns of a run on a server just started measure the disk.
func readAhead(ctx context.Context, conn *pgx.Conn) error {
	var available bool
	err := conn.QueryRow(ctx, "select exists (select from pg_available_extensions where name = 'pg_prewarm')").Scan(&available)
	if err != nil || !available {
		return err
	}
	for _, statement := range []string{
		"create extension if not exists pg_prewarm",
		// Indexes last, so that they stay when there is not room for all.
		`select pg_prewarm(c.oid) from (
			select oid from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace order by relkind desc) c`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("read the data ahead: %w", err)
		}
	}
	return nil
}

// description of the data that is there, empty if it is not complete.
func (d *dataset) description(ctx context.Context) string {
	conn, err := pgx.Connect(ctx, d.superURL)
	if err != nil {
		return "" // most likely there is no such database yet; making it tells what else is wrong
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var description string
	if err := conn.QueryRow(ctx, "select description from bench_data").Scan(&description); err != nil {
		return ""
	}
	return description
}

// The data. Ids are shaped as UUIDv7 and grow with n, as the application's do. Posts are laid down in the
// order in which they were written, customer after customer in turn, so that one customer's lie scattered.
const (
	makeID = `create or replace function bench_id(kind text, n bigint) returns uuid language sql immutable parallel safe
		return (lpad(to_hex(1760000000000 + n), 12, '0') || '7' || substr(md5(kind || n), 1, 3) || '8' || substr(md5(kind || n), 4, 15))::uuid`

	makeUsers = `insert into users (id, subject, email, email_verified, name)
		select bench_id('user', n), 'subject-' || n, 'user-' || n || '@example.com', true, 'User ' || n
		from generate_series(1, greatest($1::int / 10, 1)) n`

	// Everybody looks after ten customers.
	makeCustomers = `with made as (
			insert into customers (id, name) select bench_id('customer', n), 'Customer ' || n from generate_series(1, $1::int) n)
		insert into memberships (customer_id, user_id, role)
		select bench_id('customer', n), bench_id('user', 1 + (n - 1) % greatest($1::int / 10, 1)), 'owner'
		from generate_series(1, $1::int) n`

	makeIntegrations = `insert into integrations (customer_id, id, platform, external_id, name, credential, key_id)
		select bench_id('customer', n), bench_id('integration ' || k, n), 'ghost', 'https://blog-' || k || '.example.com', 'Blog ' || k, '\x00', 1
		from generate_series(1, $1::int) n, generate_series(1, $2::int) k`

	makePosts = `insert into posts (customer_id, id, title, text, created_at)
		select bench_id('customer', 1 + (n - 1) % $1::int), bench_id('post', n), 'Title of post ' || n,
			repeat('What there is to say in post ' || n || '. ', 6), '2026-01-01'::timestamptz + n * interval '1 second'
		from generate_series(1, $2::int) n`

	makePlatformPosts = `insert into platform_posts (customer_id, id, post_id, integration_id)
		select bench_id('customer', c), bench_id('platform post ' || k, n), bench_id('post', n), bench_id('integration ' || 1 + (nth + k) % $4::int, c)
		from (select n, 1 + (n - 1) % $1::int as c, (n - 1) / $1::int as nth from generate_series(1, $2::int) n) p, generate_series(1, $3::int) k`
)

// make drops the database and fills a new one.
func (f dataFlags) make(ctx context.Context, d *dataset, log io.Writer) error {
	fmt.Fprintf(log, "making data: %d customers, %d posts\n", f.Customers, f.Posts)
	started := time.Now()
	conn, err := pgx.Connect(ctx, d.server.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, statement := range []string{
		"drop database if exists " + databaseName + " with (force)",
		"create database " + databaseName,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := db.Migrate(ctx, d.superURL, db.LoginPasswords{}, io.Discard); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(d.superURL)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	// No triggers: neither the foreign keys', as the rows are right by construction, nor ours.
	config.ConnConfig.RuntimeParams["session_replication_role"] = "replica"
	filler, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open pool: %w", err)
	}
	defer filler.Close()
	if _, err := filler.Exec(ctx, makeID); err != nil {
		return fmt.Errorf("make data: %w", err)
	}
	tables := []struct {
		statement string
		arguments []any
	}{
		{makeUsers, []any{f.Customers}},
		{makeCustomers, []any{f.Customers}},
		{makeIntegrations, []any{f.Customers, f.Accounts}},
		{makePosts, []any{f.Customers, f.Posts}},
		{makePlatformPosts, []any{f.Customers, f.Posts, f.Platforms, f.Accounts}},
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, table := range tables {
		group.Go(func() error {
			_, err := filler.Exec(groupCtx, table.statement, table.arguments...)
			return wrapData(err)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, statement := range []string{
		"vacuum (freeze, analyze)",
		"checkpoint",
		"create table bench_data (description text not null)",
	} {
		if _, err := filler.Exec(ctx, statement); err != nil {
			return wrapData(err)
		}
	}
	// Last, so that data which was only half made is made again.
	if _, err := filler.Exec(ctx, "insert into bench_data values ($1)", f.description()); err != nil {
		return wrapData(err)
	}
	fmt.Fprintf(log, "made in %s\n", time.Since(started).Round(time.Second))
	return nil
}

func wrapData(err error) error {
	if err == nil {
		return nil
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.TableName != "" {
		return fmt.Errorf("make data in %s: %w", pgErr.TableName, err)
	}
	return fmt.Errorf("make data: %w", err)
}
