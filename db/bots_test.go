package db_test

import (
	"context"
	"testing"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// A customer's own bot is theirs alone: nobody else pairs or has a chat of it, and it becomes nobody else's while they use it.
func TestBotOfAnother(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	ours, theirs := d.Member(t, a.ID, "owner"), d.Member(t, b.ID, "owner")
	as := func(user dbtest.User, customer dbtest.Customer, sql string, args ...any) error {
		return d.Tenant().Tx(ctx, tenant.User(user.Subject, tenant.Request{}).In(customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql, args...)
			return err
		})
	}
	worker := func(customer dbtest.Customer, sql string, args ...any) error {
		return d.TenantWorker().Tx(ctx, tenant.Worker(customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql, args...)
			return err
		})
	}
	const (
		add   = "insert into bots (id, platform, bot, credential, key_id) values ($1, 'telegram', $2, 'sealed', 1)"
		pair  = "insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own) values ($1, 'telegram', $2, sha256('c'), sha256($3), '{posts:read}', false)"
		space = "insert into spaces (id, platform, bot, kind, external_id, permissions, paired_by) values ($1, 'telegram', $2, 'user', '1', '{posts:read}', $3)"
	)
	if err := as(ours, a, add, newID(t), "1001"); err != nil {
		t.Fatal(err)
	}
	if err := as(ours, a, pair, newID(t), "1001", []byte("a")); err != nil {
		t.Errorf("whose it is cannot pair: %v", err)
	}
	if err := worker(a, space, newID(t), "1001", ours.ID); err != nil {
		t.Errorf("whose it is gets no space: %v", err)
	}
	refuses(t, as(theirs, b, pair, newID(t), "1001", []byte("b")), "bots_of_others")
	refuses(t, worker(b, space, newID(t), "1001", theirs.ID), "bots_of_others")
	refuses(t, as(theirs, b, add, newID(t), "1001"), "bots_bot_key")

	// The installation's bot, in whose chats others are, becomes nobody's own.
	if err := worker(b, space, newID(t), "1002", theirs.ID); err != nil {
		t.Fatal(err)
	}
	refuses(t, as(ours, a, add, newID(t), "1002"), "bots_bot_key")
	// Nor is a pairing completed that was made while it was the installation's.
	open := newID(t)
	if err := as(theirs, b, pair, open, "1003", []byte("c")); err != nil {
		t.Fatal(err)
	}
	refuses(t, as(ours, a, add, newID(t), "1003"), "bots_bot_key")

	// With the bot goes all of it.
	mustExec(t, d, "insert into chat_outbox (id, platform, bot, team, kind, chat, body) values ($1, 'telegram', '1001', '', 'user', '1', '{}')", newID(t))
	mustExec(t, d, "insert into chat_updates (platform, bot, update_id, team, kind, chat, place, body) values ('telegram', '1001', '1', '', 'user', '1', 1, '{}')")
	mustExec(t, d, "insert into chat_polls (platform, bot, lease, lease_until) values ('telegram', '1001', 'ours', now())")
	if err := as(ours, a, "delete from bots where bot = '1001'"); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]int{
		"select count(*) from bots where bot = '1001'":                                                            0,
		"select count(*) from spaces where bot = '1001' and ended_at is null":                                     0,
		"select count(*) from pairings where bot = '1001' and state = 'revoked'":                                  1,
		"select count(*) from chat_outbox where bot = '1001'":                                                     0,
		"select count(*) from chat_updates where bot = '1001'":                                                    0,
		"select count(*) from chat_polls where bot = '1001'":                                                      0,
		"select count(*) from tenancy.bot_credential('telegram', '1001')":                                         0,
		"select count(*) from audit_log where action = 'bot.delete' and (changes::text like '%sealed%') is false": 1,
	} {
		if got := one[int](ctx, t, d.Super, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	if err := as(theirs, b, add, newID(t), "1001"); err != nil {
		t.Errorf("a bot that was removed is not free: %v", err)
	}
}

// refuses checks that a statement failed on a constraint.
func refuses(t testing.TB, err error, constraint string) {
	t.Helper()
	if refused(err).Constraint != constraint {
		t.Errorf("%v, want %s", err, constraint)
	}
}
