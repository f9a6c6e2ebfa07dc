package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// noInvitation is what tenancy.accept_invitation answers, whatever is wrong.
const noInvitation = "FF007"

// invitation is an open invitation of a house's address, by one of its people.
func invitation(t testing.TB, d *dbtest.DB, customerID, invitedBy uuid.UUID, email, role string) (id uuid.UUID, hash []byte) {
	t.Helper()
	id = newID(t)
	hash = tokenHash(id.String())
	if _, err := d.Super.Exec(context.Background(), `insert into invitations (customer_id, id, email, role, token_hash, sealed_token, key_id, invited_by, invited_as_system)
		values ($1, $2, $3, $4, $5, 'sealed', 1, $6, exists (select from system_roles s where s.user_id = $6))`, customerID, id, email, role, hash, invitedBy); err != nil {
		t.Fatal(err)
	}
	return id, hash
}

// accept accepts an invitation as a person who has entered no customer.
func accept(ctx context.Context, d *dbtest.DB, who dbtest.User, hash []byte) error {
	return d.Tenant().Tx(ctx, who.Scope(), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, "select tenancy.accept_invitation($1)", hash)
		return err
	})
}

// TestInvitationAccepted: it makes its person a member once, in whatever case the address is written.
func TestInvitationAccepted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	system := d.User(t, dbtest.User{SystemRole: "admin"})
	for _, test := range []struct {
		name, role string
		inviter    uuid.UUID
		guest      dbtest.User
		email      string
	}{
		{"by an owner", "owner", a.people["owner"].ID, dbtest.User{Email: "one@example.com"}, "one@example.com"},
		{"by an admin", "admin", a.people["admin"].ID, dbtest.User{Email: "TWO@Example.com"}, "two@eXample.com"},
		{"by a system admin", "owner", system.ID, dbtest.User{Email: "three@example.com"}, "three@example.com"},
		{"of a system role", "viewer", a.people["owner"].ID, dbtest.User{Email: "four@example.com", SystemRole: "viewer"}, "four@example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			guest := d.User(t, test.guest)
			id, hash := invitation(t, d, a.id, test.inviter, test.email, test.role)
			err := d.Tenant().Tx(ctx, guest.Scope(), func(ctx context.Context, tx *tenant.Tx) error {
				if got := one[uuid.UUID](ctx, t, tx, "select tenancy.accept_invitation($1)", hash); got != a.id {
					t.Errorf("led to %s", got)
				}
				// The rest of the transaction is inside the customer.
				if got := one[string](ctx, t, tx, "select tenancy.customer_id() || ' ' || tenancy.member_role()"); got != a.id.String()+" "+test.role {
					t.Errorf("entered %s", got)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := one[string](ctx, t, d.Super, "select role from memberships where customer_id = $1 and user_id = $2", a.id, guest.ID); got != test.role {
				t.Errorf("is %s", got)
			}
			if !one[bool](ctx, t, d.Super, "select accepted_by = $2 and accepted_at is not null and sealed_token is null from invitations where id = $1", id, guest.ID) {
				t.Error("the invitation does not say by whom it was accepted, or still holds its token")
			}
			if _, err := d.Super.Exec(ctx, "delete from memberships where user_id = $1", guest.ID); err != nil {
				t.Fatal(err)
			}
			expectRefused(t, "a second time", accept(ctx, d, guest, hash), noInvitation)
		})
	}
}

// TestInvitationRefused: whatever is wrong with an invitation, the answer is the same and nothing changes.
func TestInvitationRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	for name, test := range map[string]struct {
		role    string
		guest   string // the guest's address; the invitation is for kate@example.com
		spoil   string // $1 the invitation, $2 the customer, $3 the inviter, $4 the guest
		inviter string
	}{
		"expired":                        {spoil: "update invitations set expires_at = now() where id = $1"},
		"revoked":                        {spoil: "update invitations set revoked_at = now() where id = $1"},
		"the customer is archived":       {spoil: "update customers set archived_at = now() where id = $2"},
		"the inviter has left":           {spoil: "delete from memberships where user_id = $3"},
		"the inviter is a member by now": {spoil: "update memberships set role = 'member' where user_id = $3"},
		"the inviter was a system admin": {inviter: "system", spoil: "delete from system_roles where user_id = $3"},
		"the inviter is a manager":       {inviter: "system", spoil: "update system_roles set role = 'manager' where user_id = $3"},
		"an owner's by an admin":         {role: "owner", spoil: "update memberships set role = 'admin' where user_id = $3"},
		"the address is not verified":    {spoil: "update users set email_verified = false where id = $4"},
		"there is no address":            {spoil: "update users set email = null where id = $4"},
		"another's":                      {guest: "mallory@example.com"},
		"a Kelvin sign for a K":          {guest: "\u212aate@example.com"},
		"a pattern":                      {guest: "%@example.com"},
		"another token":                  {spoil: "update invitations set token_hash = sha256('other') where id = $1"},
	} {
		t.Run(name, func(t *testing.T) {
			inviter := d.Member(t, a.id, "owner")
			if test.inviter == "system" {
				inviter = d.User(t, dbtest.User{SystemRole: "admin"})
			}
			address := "kate@example.com"
			if test.guest != "" {
				address = test.guest
			}
			guest := d.User(t, dbtest.User{Email: address})
			role := "viewer"
			if test.role != "" {
				role = test.role
			}
			id, hash := invitation(t, d, a.id, inviter.ID, "kate@example.com", role)
			if test.spoil != "" {
				if _, err := d.Super.Exec(ctx, "with ids as (select $1::uuid, $2::uuid, $3::uuid, $4::uuid) "+test.spoil, id, a.id, inviter.ID, guest.ID); err != nil {
					t.Fatal(err)
				}
			}
			before := checksum(ctx, t, d, a.id)
			expectRefused(t, name, accept(ctx, d, guest, hash), noInvitation)
			if checksum(ctx, t, d, a.id) != before {
				t.Error("something has changed")
			}
			if _, err := d.Super.Exec(ctx, "delete from invitations where id = $1", id); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Super.Exec(ctx, "update customers set archived_at = null where id = $1", a.id); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("already a member", func(t *testing.T) {
		member := a.people["member"]
		_, hash := invitation(t, d, a.id, a.people["owner"].ID, member.Email, "owner")
		before := checksum(ctx, t, d, a.id)
		if got, want := refused(accept(ctx, d, member, hash)), (refusal{"23505", "memberships_pkey"}); got != want {
			t.Errorf("%v, want %v", got, want)
		}
		if checksum(ctx, t, d, a.id) != before {
			t.Error("something has changed")
		}
	})
}

// TestInvitationRace: what happens at the same moment comes before or after the acceptance, never half.
func TestInvitationRace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	for name, test := range map[string]struct {
		sql  string // by the first owner, before the guest asks; $1 is the inviter
		args func(inviter uuid.UUID) []any
	}{
		"the inviter is removed":  {"delete from memberships where user_id = $1", func(id uuid.UUID) []any { return []any{id} }},
		"the inviter is demoted":  {"update memberships set role = 'viewer' where user_id = $1", func(id uuid.UUID) []any { return []any{id} }},
		"the customer's archived": {"update customers set archived_at = now()", func(uuid.UUID) []any { return nil }},
		"it is revoked":           {"update invitations set revoked_at = now()", func(uuid.UUID) []any { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			c := d.Customer(t, dbtest.Customer{})
			owner, inviter := d.Member(t, c.ID, "owner"), d.Member(t, c.ID, "admin")
			guest := d.User(t, dbtest.User{})
			_, hash := invitation(t, d, c.ID, inviter.ID, guest.Email, "member")
			done, waiting := make(chan struct{}), make(chan struct{})
			var wait sync.WaitGroup
			var ownerErr, guestErr error
			wait.Go(func() {
				ownerErr = d.Tenant().Tx(ctx, owner.Scope().In(c.ID), func(ctx context.Context, tx *tenant.Tx) error {
					tag, err := tx.Exec(ctx, test.sql, test.args(inviter.ID)...)
					if err == nil && tag.RowsAffected() != 1 {
						err = errors.New("nothing has changed")
					}
					close(done)
					<-waiting // the guest has asked, and can only be waiting
					return err
				})
			})
			wait.Go(func() {
				<-done
				guestErr = d.Tenant().Tx(ctx, guest.Scope(), func(ctx context.Context, tx *tenant.Tx) error {
					pid := one[int32](ctx, t, tx, "select pg_backend_pid()")
					go func() {
						defer close(waiting)
						awaitLock(ctx, t, d, pid)
					}()
					_, err := tx.Exec(ctx, "select tenancy.accept_invitation($1)", hash)
					return err
				})
			})
			wait.Wait()
			if ownerErr != nil {
				t.Fatal(ownerErr)
			}
			expectRefused(t, "the guest", guestErr, noInvitation)
			if n := one[int64](ctx, t, d.Super, "select count(*) from memberships where user_id = $1", guest.ID); n != 0 {
				t.Error("the guest is a member all the same")
			}
		})
	}
	t.Run("two sign-ins of one person", func(t *testing.T) {
		for range 10 {
			c := d.Customer(t, dbtest.Customer{})
			owner := d.Member(t, c.ID, "owner")
			email := newID(t).String() + "@example.com"
			guests := [2]dbtest.User{d.User(t, dbtest.User{Email: email}), d.User(t, dbtest.User{Email: email})}
			_, hash := invitation(t, d, c.ID, owner.ID, email, "member")
			var wait sync.WaitGroup
			var errs [4]error
			for i := range errs {
				wait.Go(func() { errs[i] = accept(ctx, d, guests[i%2], hash) })
			}
			wait.Wait()
			accepted := 0
			for _, err := range errs {
				if err == nil {
					accepted++
				} else {
					expectRefused(t, "the others", err, noInvitation)
				}
			}
			if members := one[int64](ctx, t, d.Super, "select count(*) from memberships where customer_id = $1", c.ID); accepted != 1 || members != 2 {
				t.Errorf("%d were told that they are in, and there are %d members", accepted, members)
			}
		}
	})
}
