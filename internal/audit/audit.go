// Package audit verifies the audit log: it recomputes every digest and every seal from the rows themselves, with
// nothing of the database's but its rows, and names what does not agree. It must not change anything.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Head is where a customer's chain of seals ended: the number and the hash of its last seal.
type Head struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"` // hexadecimal
}

// Problem is the first thing that does not agree in a customer's log.
type Problem struct {
	// What is one of changed, missing, removed before sealing, inserted by hand, chain broken, seal missing, cut.
	What string `json:"what"`
	// ID and Time are the row's; Seal is the number of the seal that holds it or is concerned. Zero where there is none.
	ID   uuid.UUID `json:"id,omitzero"`
	Time time.Time `json:"time,omitzero"`
	Seal int64     `json:"seal,omitempty"`
	// Detail is a sentence for people.
	Detail string `json:"detail"`
}

// Customer is what was found in one customer's log.
type Customer struct {
	ID uuid.UUID `json:"customer_id"`
	// Sealed and Waiting count rows that are under a seal and that wait for one; Dropped those that a seal holds and
	// that went with their month.
	Sealed  int64 `json:"sealed"`
	Waiting int64 `json:"waiting"`
	Dropped int64 `json:"dropped"`
	Head    *Head `json:"head"`
	// Problem is nil if all agrees.
	Problem *Problem `json:"problem"`

	hash []byte // of the head
}

// Report is what Verify found.
type Report struct {
	Customers []*Customer
	// Erased are customers with a head in the earlier run whose erasure is finished: they and their logs are gone.
	Erased []uuid.UUID
}

// OK tells whether everything agrees.
func (r *Report) OK() bool {
	for _, c := range r.Customers {
		if c.Problem != nil {
			return false
		}
	}
	return true
}

// Heads are the ends of all chains, for the next run.
func (r *Report) Heads() map[uuid.UUID]Head {
	heads := map[uuid.UUID]Head{}
	for _, c := range r.Customers {
		if c.Head != nil {
			heads[c.ID] = *c.Head
		}
	}
	return heads
}

// canonical is a row of the log as its digest has it: every column, in a form that no setting changes. NULL where
// there is no row.
const canonical = `case when a.id is not null then jsonb_build_array(a.customer_id, a.id, to_char(a.occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
	a.actor_kind, a.actor_id, a.system_role, a.reason, a.action, a.resource_type, a.resource_id, a.changes,
	a.request_id, a.ip, a.user_agent, a.operation, a.job_id, a.database_role)::text end`

// verifier is one run.
type verifier struct {
	tx      pgx.Tx
	only    *uuid.UUID
	earlier map[uuid.UUID]Head
	oldest  time.Time // before this moment there are no months any more
	found   map[uuid.UUID]*Customer
	order   []uuid.UUID
	erased  []uuid.UUID
}

// Verify checks the log of all customers, or of one, on one snapshot, and with memory that does not grow with the
// log. earlier are the heads of an earlier run, if there was one: a chain that was made anew, or cut at its end, only
// shows by them. The connection must be a superuser's, or of a role that may become fanfare_definer, as the one is
// that migrates.
func Verify(ctx context.Context, conn *pgx.Conn, only *uuid.UUID, earlier map[uuid.UUID]Head) (*Report, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	v := &verifier{tx: tx, only: only, earlier: earlier, found: map[uuid.UUID]*Customer{}}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"become a role that reads everything", v.enter},
		{"look for the months of the log", v.months},
		{"check the sealed rows", v.seals},
		{"check the rows that wait", v.queue},
		{"look for rows without a seal", v.strays},
		{"compare with the earlier heads", v.heads},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	report := &Report{}
	for _, id := range v.order {
		report.Customers = append(report.Customers, v.found[id])
	}
	report.Erased = v.erased
	if only != nil && len(report.Customers)+len(report.Erased) == 0 {
		return nil, fmt.Errorf("there is no log of a customer %s", *only)
	}
	return report, nil
}

// enter makes sure that no policy hides a row, and that names mean what they say.
func (v *verifier) enter(ctx context.Context) error {
	var all bool
	if err := v.tx.QueryRow(ctx, "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user").Scan(&all); err != nil {
		return err
	}
	if !all {
		if _, err := v.tx.Exec(ctx, "set local role fanfare_definer"); err != nil {
			return fmt.Errorf("the log is verified as a superuser or as fanfare_owner, as the database is migrated: %w", err)
		}
	}
	_, err := v.tx.Exec(ctx, "set local search_path = pg_catalog; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local timezone = 'UTC'")
	return err
}

// months finds the beginning of the oldest month that is there: rows of earlier ones were dropped with theirs.
func (v *verifier) months(ctx context.Context) error {
	var oldest *time.Time
	err := v.tx.QueryRow(ctx, `select min((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz)
		from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.audit_log'::regclass`).Scan(&oldest)
	if err != nil {
		return err
	}
	if oldest == nil {
		return errors.New("the log has no months at all")
	}
	v.oldest = *oldest
	return nil
}

// customer gives the customer's result.
func (v *verifier) customer(id uuid.UUID) *Customer {
	c := v.found[id]
	if c == nil {
		c = &Customer{ID: id}
		v.found[id] = c
		v.order = append(v.order, id)
	}
	return c
}

// report keeps the first problem of a customer.
func (c *Customer) report(p Problem) {
	if c.Problem == nil {
		if p.ID != uuid.Nil && p.Time.IsZero() {
			p.Time = timeOf(p.ID)
		}
		c.Problem = &p
	}
}

// timeOf is the moment in a UUIDv7, to the millisecond.
func timeOf(id uuid.UUID) time.Time {
	var milliseconds [8]byte
	copy(milliseconds[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(milliseconds[:]))).UTC()
}

// seal is a seal that is being checked, one row after the other.
type seal struct {
	customer             uuid.UUID
	number               int64
	sealedAt             int64
	previous, hash       []byte
	digests              []byte
	content              bytes.Buffer
	lastOrdinal, ordinal int64
}

// seals walks along each customer's chain, and along the rows of each seal.
func (v *verifier) seals(ctx context.Context) error {
	rows, err := v.tx.Query(ctx, `
		select s.customer_id, s.number, (extract(epoch from s.sealed_at) * 1000000)::bigint, s.previous_hash, s.hash,
			case when u.ordinal is null or u.ordinal = 1 then s.digests end, coalesce(u.ordinal, 0), u.id, `+canonical+`, a.occurred_at
		from public.audit_seals s
			left join lateral unnest(s.ids) with ordinality u(id, ordinal) on true
			left join public.audit_log a on a.customer_id = s.customer_id and a.id = u.id
		where $1::uuid is null or s.customer_id = $1::uuid
		order by s.customer_id, s.number, u.ordinal, a.occurred_at`, v.only)
	if err != nil {
		return err
	}
	defer rows.Close()
	var current *seal
	for rows.Next() {
		var s seal
		var id *uuid.UUID
		var text *string
		var at *time.Time
		if err := rows.Scan(&s.customer, &s.number, &s.sealedAt, &s.previous, &s.hash, &s.digests, &s.ordinal, &id, &text, &at); err != nil {
			return err
		}
		if current == nil || current.customer != s.customer || current.number != s.number {
			if current != nil {
				v.endSeal(current)
			}
			current = &s
			v.beginSeal(current)
		}
		if id != nil {
			v.sealed(current, s.ordinal, *id, text, at)
		}
	}
	if current != nil {
		v.endSeal(current)
	}
	return rows.Err()
}

// beginSeal checks that a seal follows the one before.
func (v *verifier) beginSeal(s *seal) {
	c := v.customer(s.customer)
	number, previous := int64(1), sha256.Sum256(s.customer[:])
	want := previous[:]
	if c.Head != nil {
		number, want = c.Head.Number+1, c.hash
	}
	switch {
	case s.number != number:
		c.report(Problem{What: "seal missing", Seal: number, Detail: fmt.Sprintf("Seal %d is missing; the next one is %d.", number, s.number)})
	case !bytes.Equal(s.previous, want):
		c.report(Problem{What: "chain broken", Seal: s.number, Detail: fmt.Sprintf("Seal %d does not follow from the one before.", s.number)})
	}
}

// sealed checks a row that a seal holds. text is nil where the row is not there.
func (v *verifier) sealed(s *seal, ordinal int64, id uuid.UUID, text *string, at *time.Time) {
	c := v.customer(s.customer)
	if ordinal == s.lastOrdinal {
		c.report(Problem{What: "inserted by hand", ID: id, Time: *at, Seal: s.number, Detail: "There are two rows of this id."})
		return
	}
	s.lastOrdinal = ordinal
	end := int(ordinal) * sha256.Size
	if end > len(s.digests) {
		c.report(Problem{What: "chain broken", ID: id, Seal: s.number, Detail: fmt.Sprintf("Seal %d has no digest of this row.", s.number)})
		return
	}
	digest := s.digests[end-sha256.Size : end]
	s.content.Write(id[:])
	s.content.Write(digest)
	switch {
	case text != nil:
		c.Sealed++
		if sum := sha256.Sum256([]byte(*text)); !bytes.Equal(sum[:], digest) {
			c.report(Problem{What: "changed", ID: id, Time: *at, Seal: s.number, Detail: "The row is not what was sealed."})
		}
	case timeOf(id).Before(v.oldest):
		c.Dropped++
	default:
		c.report(Problem{What: "missing", ID: id, Seal: s.number, Detail: "The row was sealed and is not there any more."})
	}
}

// endSeal checks a seal's own hash.
func (v *verifier) endSeal(s *seal) {
	c := v.customer(s.customer)
	sum := sha256.New()
	for _, part := range [][]byte{
		s.previous, binary.BigEndian.AppendUint64(nil, uint64(s.number)), binary.BigEndian.AppendUint64(nil, uint64(s.sealedAt)), s.content.Bytes(),
	} {
		_, _ = sum.Write(part) // a hash never fails to write
	}
	if hash := sum.Sum(nil); !bytes.Equal(hash, s.hash) || len(s.digests) != int(s.lastOrdinal)*sha256.Size {
		c.report(Problem{What: "chain broken", Seal: s.number, Detail: fmt.Sprintf("Seal %d was changed.", s.number)})
	}
	c.Head, c.hash = &Head{Number: s.number, Hash: hex.EncodeToString(s.hash)}, s.hash
	if earlier, known := v.earlier[s.customer]; known && earlier.Number == s.number && earlier.Hash != c.Head.Hash {
		c.report(Problem{What: "chain broken", Seal: s.number, Detail: fmt.Sprintf("Seal %d had another hash in the earlier run: the chain was made anew.", s.number)})
	}
}

// queue checks the rows that wait for a seal.
func (v *verifier) queue(ctx context.Context) error {
	rows, err := v.tx.Query(ctx, `
		select u.customer_id, u.id, u.digest, `+canonical+`, a.occurred_at
		from public.audit_unsealed u left join public.audit_log a on a.customer_id = u.customer_id and a.id = u.id
		where $1::uuid is null or u.customer_id = $1::uuid
		order by u.customer_id, u.id`, v.only)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last uuid.UUID
	for rows.Next() {
		var customer, id uuid.UUID
		var digest []byte
		var text *string
		var at *time.Time
		if err := rows.Scan(&customer, &id, &digest, &text, &at); err != nil {
			return err
		}
		c := v.customer(customer)
		if id == last {
			c.report(Problem{What: "inserted by hand", ID: id, Time: *at, Detail: "There are two rows of this id."})
			continue
		}
		last = id
		switch {
		case text != nil:
			c.Waiting++
			if sum := sha256.Sum256([]byte(*text)); !bytes.Equal(sum[:], digest) {
				c.report(Problem{What: "changed", ID: id, Time: *at, Detail: "The row waits for its seal and is not what was written."})
			}
		case timeOf(id).Before(v.oldest):
			c.Dropped++
		default:
			c.report(Problem{What: "removed before sealing", ID: id, Detail: "The row waits for its seal and is not there any more."})
		}
	}
	return rows.Err()
}

// strays finds rows that are in no seal and do not wait for one.
func (v *verifier) strays(ctx context.Context) error {
	rows, err := v.tx.Query(ctx, `
		with known as (
			select s.customer_id, unnest(s.ids) as id from public.audit_seals s where $1::uuid is null or s.customer_id = $1::uuid
			union all
			select u.customer_id, u.id from public.audit_unsealed u where $1::uuid is null or u.customer_id = $1::uuid
		)
		select distinct on (a.customer_id) a.customer_id, a.id, a.occurred_at,
			a.occurred_at > coalesce((select max(s.sealed_at) from public.audit_seals s where s.customer_id = a.customer_id), '-infinity')
		from public.audit_log a left join known k on k.customer_id = a.customer_id and k.id = a.id
		where k.id is null and ($1::uuid is null or a.customer_id = $1::uuid)
		order by a.customer_id, a.id`, v.only)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var customer, id uuid.UUID
		var at time.Time
		var atEnd bool
		if err := rows.Scan(&customer, &id, &at, &atEnd); err != nil {
			return err
		}
		p := Problem{What: "inserted by hand", ID: id, Time: at, Detail: "The row is in no seal and does not wait for one: it was inserted later."}
		if atEnd {
			p.What, p.Detail = "seal missing", "The row is in no seal and does not wait for one: its seal was removed, or it was inserted by hand."
		}
		v.customer(customer).report(p)
	}
	return rows.Err()
}

// heads finds chains that end before where they ended in the earlier run.
func (v *verifier) heads(ctx context.Context) error {
	for id, earlier := range v.earlier {
		if v.only != nil && *v.only != id {
			continue
		}
		c := v.found[id]
		if c == nil {
			var erased bool
			err := v.tx.QueryRow(ctx, "select exists (select from public.erasures e where e.subject_id = $1 and e.state = 'finished')", id).Scan(&erased)
			if err != nil {
				return err
			}
			if erased {
				v.erased = append(v.erased, id)
				continue
			}
			c = v.customer(id)
		}
		if c.Head == nil || c.Head.Number < earlier.Number {
			c.report(Problem{What: "cut", Seal: earlier.Number, Detail: fmt.Sprintf("The chain reached seal %d in the earlier run and does not any more.", earlier.Number)})
		}
	}
	return nil
}
