package dbbackup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// customerMagic begins a customer's file, inside of compression and encryption. After it come the header, a line of
// JSON after its SHA-256, and what pg_dump wrote, in its custom format.
const customerMagic = "fanfare-customer-backup 1\n"

// Header says what is in a customer's file.
type Header struct {
	CustomerID uuid.UUID `json:"customer_id"`
	Name       string    `json:"name"`
	// Time is the moment as of which the rows are.
	Time time.Time `json:"time"`
	// Schema is the newest migration that the database had.
	Schema string `json:"schema"`
	// Rows counts the rows of each table, by its name in the schema public; parts of divided tables count themselves.
	Rows map[string]int64 `json:"rows"`
}

// BackUpCustomer writes all rows of a customer to a new file at path, which appears when it is whole. databaseURL must be
// of the role fanfare_backup: what the file holds is what the policies let that role see.
func BackUpCustomer(ctx context.Context, databaseURL string, customerID uuid.UUID, path string, recipients []age.Recipient) (header *Header, err error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already; nothing was done", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("make the file: %w", err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	defer file.Close()
	sealed, err := seal(file, recipients)
	if err != nil {
		return nil, err
	}
	header, err = dumpCustomer(ctx, databaseURL, customerID, sealed)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(sealed.Close(), file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	// Unlike a rename, a link takes nobody's place.
	if err := os.Link(file.Name(), path); err != nil {
		return nil, fmt.Errorf("finish the file: %w", err)
	}
	return header, syncDirectory(filepath.Dir(path))
}

// dumpCustomer writes what BackUpCustomer has in its file.
func dumpCustomer(ctx context.Context, databaseURL string, customerID uuid.UUID, out io.Writer) (*Header, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var right bool
	if err := conn.QueryRow(ctx, `select session_user = 'fanfare_backup' and current_user = 'fanfare_backup' and not rolsuper and not rolbypassrls
		from pg_catalog.pg_roles where rolname = session_user`).Scan(&right); err != nil {
		return nil, fmt.Errorf("check database role: %w", err)
	}
	if !right {
		return nil, errors.New("a customer is backed up as fanfare_backup, which sees one customer's rows only; log in as that role")
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	header, snapshot, err := describeCustomer(ctx, tx, customerID)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--format=custom", "--compress=0", "--data-only", "--enable-row-security", "--no-owner", "--no-privileges",
		"--lock-wait-timeout=60s", "--snapshot=" + snapshot,
	}
	for table := range header.Rows {
		args = append(args, `--table=public."`+table+`"`)
	}
	cmd, err := program(ctx, "pg_dump", databaseURL, "-c fanfare.customer_id="+customerID.String(), args...)
	if err != nil {
		return nil, err
	}
	line, err := checked(header)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	if _, err := io.WriteString(out, customerMagic+string(line)); err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run pg_dump: %w", err)
	}
	return header, finish(cmd)
}

// describeCustomer enters the customer and counts its rows, on a snapshot that it names for pg_dump.
func describeCustomer(ctx context.Context, tx pgx.Tx, customerID uuid.UUID) (header *Header, snapshot string, err error) {
	if _, err := tx.Exec(ctx, "select pg_catalog.set_config('fanfare.customer_id', $1, true), pg_catalog.set_config('search_path', '', true)", customerID.String()); err != nil {
		return nil, "", fmt.Errorf("enter the customer: %w", err)
	}
	header = &Header{CustomerID: customerID, Rows: map[string]int64{}}
	err = tx.QueryRow(ctx, "select name, pg_catalog.now() from public.customers").Scan(&header.Name, &header.Time)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", fmt.Errorf("there is no customer %s", customerID)
	}
	if err != nil {
		return nil, "", fmt.Errorf("look for the customer: %w", err)
	}
	header.Time = header.Time.UTC()
	rows, err := tx.Query(ctx, `select c.relname::text from pg_catalog.pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and pg_catalog.has_table_privilege(c.oid, 'select') order by 1`)
	if err != nil {
		return nil, "", fmt.Errorf("list tables: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, "", fmt.Errorf("list tables: %w", err)
	}
	for _, table := range tables {
		var count int64
		if err := tx.QueryRow(ctx, "select count(*) from public."+pgx.Identifier{table}.Sanitize()).Scan(&count); err != nil {
			return nil, "", fmt.Errorf("count rows of %s: %w", table, err)
		}
		header.Rows[table] = count
	}
	if err := tx.QueryRow(ctx, "select r.schema_version, pg_catalog.pg_export_snapshot() from tenancy.readiness() r").Scan(&header.Schema, &snapshot); err != nil {
		return nil, "", fmt.Errorf("export the snapshot: %w", err)
	}
	return header, snapshot, nil
}

// customerFile is a customer's file that is being read.
type customerFile struct {
	Header *Header
	// dump is what pg_dump wrote. Its end is an error where the file is not what was written.
	dump  io.Reader
	close func()
}

// openCustomer opens a customer's file.
func openCustomer(path string, identities []age.Identity) (*customerFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	plain, err := unseal(file, identities)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := bufio.NewReaderSize(plain, 64<<10)
	f := &customerFile{Header: &Header{}, dump: r, close: func() { _ = plain.Close(); _ = file.Close() }}
	magic := make([]byte, len(customerMagic))
	_, err = io.ReadFull(r, magic)
	if err == nil && string(magic) != customerMagic {
		err = errors.New("it is no backup of a customer")
	}
	if err == nil {
		err = readChecked(r, f.Header)
	}
	if err != nil {
		f.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// CheckCustomer reads a customer's file to its end, and says what is in it. An error that is ErrDamaged says that the
// file is not what was written.
func CheckCustomer(path string, identities []age.Identity) (*Header, error) {
	f, err := openCustomer(path, identities)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if _, err := io.Copy(io.Discard, f.dump); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f.Header, nil
}

// syncDirectory has the names in a directory reach the disk.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
