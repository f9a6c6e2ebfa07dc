package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// b1: what entering a tenant and its policies cost. The newest 20 posts of a customer, another one each
// time, are read through tenant.Read as the API does, and by the same statement on a bare pool of the
// superuser, with the customer in its WHERE clause and no policy.
type b1 struct {
	Data  dataFlags `embed:""`
	Turns turnFlags `embed:""`
}

// b1Bar is the least part of the bare pool's throughput that is good enough.
const b1Bar = 0.80

// b1Rows is how many posts are read.
const b1Rows = 20

// Run measures and prints.
func (b *b1) Run(ctx context.Context) (err error) {
	if err := b.Turns.check(); err != nil {
		return err
	}
	data, err := b.Data.open(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.close()) }()

	loginPool, err := pool(ctx, data.loginURL, b.Turns.Concurrency)
	if err != nil {
		return err
	}
	defer loginPool.Close()
	superPool, err := pool(ctx, data.superURL, b.Turns.Concurrency)
	if err != nil {
		return err
	}
	defer superPool.Close()

	tenants := tenant.New(loginPool)
	throughTenant := func(ctx context.Context, m member) ([]queries.PostListRow, error) {
		scope := tenant.User(m.subject, tenant.Request{ID: "bench", IP: "127.0.0.1", UserAgent: "bench"}).In(m.customerID)
		return queries.New(tenants.Read(scope)).PostList(ctx, queries.PostListParams{Before: uuid.Max, MaxRows: b1Rows})
	}
	bare := func(ctx context.Context, m member) ([]queries.PostListRow, error) {
		return queries.New(barePostList{superPool, m.customerID}).
			PostList(ctx, queries.PostListParams{Before: uuid.Max, MaxRows: b1Rows})
	}
	if err := sameRows(ctx, data.members, throughTenant, bare); err != nil {
		return err
	}

	r, err := b.Turns.inTurns(ctx, data.side("tenant.Read", throughTenant), data.side("bare pool", bare), b1Bar)
	if err != nil {
		return err
	}
	r.Benchmark = "B1"
	r.What = fmt.Sprintf("newest %d of %d posts, %d customers, %d at a time", b1Rows, b.Data.Posts, b.Data.Customers, b.Turns.Concurrency)
	r.Machine = thisMachine(data.server.Version())
	r.Settings = map[string]any{
		"customers": b.Data.Customers, "posts": b.Data.Posts, "accounts": b.Data.Accounts, "platforms": b.Data.Platforms,
		"shared_buffers": b.Data.SharedBuffers, "concurrency": b.Turns.Concurrency, "seconds": b.Turns.Duration.Seconds(),
	}
	return b.Turns.report(os.Stdout, r)
}

type postList = func(ctx context.Context, m member) ([]queries.PostListRow, error)

// side makes a side of the reading, for a random customer each time.
func (d *dataset) side(name string, list postList) side {
	return side{Name: name, do: func(ctx context.Context, random *rand.Rand) error {
		_, err := list(ctx, d.members[random.IntN(len(d.members))])
		return err
	}}
}

// sameRows makes sure that both sides do the same work.
func sameRows(ctx context.Context, members []member, a, b postList) error {
	for range 20 {
		m := members[rand.IntN(len(members))]
		rowsA, err := a(ctx, m)
		if err != nil {
			return err
		}
		rowsB, err := b(ctx, m)
		if err != nil {
			return err
		}
		if len(rowsA) == 0 || !reflect.DeepEqual(rowsA, rowsB) {
			return fmt.Errorf("both sides must read the same posts of customer %s; they read %d and %d", m.customerID, len(rowsA), len(rowsB))
		}
	}
	return nil
}

// barePostList stands between the generated code of PostList and a pool: the same scanning of the same
// columns, but of a statement that names the customer and needs no policy.
type barePostList struct {
	pool       *pgxpool.Pool
	customerID uuid.UUID
}

// barePostListSQL is PostList with its view written out, since the view does not show the customer.
const barePostListSQL = `
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'text', coalesce(pp.text, p.text),
            'own_text', pp.text is not null,
            'options', pp.options,
            'media_ids', case when pp.own_media then
                (select coalesce(jsonb_agg(m.media_id order by m.position), '[]') from platform_post_media m
                where m.customer_id = pp.customer_id and m.platform_post_id = pp.id) end,
            'state', pp.state,
            'external_url', pp.external_url,
            'published_at', pp.published_at,
            'problem_class', pp.problem_class,
            'problem', pp.problem,
            'problem_since', pp.problem_since,
            'retry_at', pp.retry_at) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts,
    (select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
        from post_media m
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids,
    p.approved_at, p.approved_by, (select c.time_zone from customers c where c.id = $3)::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.space_id
from posts p
where p.customer_id = $3 and p.id < $1
order by p.id desc
limit $2`

// Query runs the bare statement in the place of the one that it is given.
func (b barePostList) Query(ctx context.Context, _ string, args ...any) (pgx.Rows, error) {
	return b.pool.Query(ctx, barePostListSQL, append(args, b.customerID)...)
}

// QueryRow is not part of PostList.
func (b barePostList) QueryRow(context.Context, string, ...any) pgx.Row {
	panic("bench: PostList does not ask for one row")
}

// Exec is not part of PostList.
func (b barePostList) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("bench: PostList changes nothing")
}
