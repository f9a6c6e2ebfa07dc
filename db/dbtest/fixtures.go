package dbtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/tenant"
)

// NewID makes a fresh UUIDv7, as the application does.
func NewID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (d *DB) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := d.Super.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("fixture: %v", err)
	}
}

// User is a person. Empty fields are filled.
type User struct {
	ID         uuid.UUID
	Subject    string
	Email      string
	SystemRole string // empty: none
}

// Scope is the person's, in no customer, with a reason for what a system role does.
func (u User) Scope() tenant.Scope {
	return tenant.User(u.Subject, tenant.Request{ID: "test", Reason: "a test"})
}

// User makes a person.
func (d *DB) User(t testing.TB, u User) User {
	t.Helper()
	if u.ID == uuid.Nil {
		u.ID = NewID(t)
	}
	u.Subject = cmp.Or(u.Subject, "sub-"+u.ID.String())
	u.Email = cmp.Or(u.Email, u.ID.String()+"@example.com")
	d.exec(t, "insert into users (id, subject, email, email_verified, name) values ($1, $2, $3, true, $3)", u.ID, u.Subject, u.Email)
	if u.SystemRole != "" {
		d.exec(t, "insert into system_roles (user_id, role) values ($1, $2)", u.ID, u.SystemRole)
	}
	return u
}

// Customer is a tenant. Empty fields are filled.
type Customer struct {
	ID   uuid.UUID
	Name string
}

// Customer makes a tenant.
func (d *DB) Customer(t testing.TB, c Customer) Customer {
	t.Helper()
	if c.ID == uuid.Nil {
		c.ID = NewID(t)
	}
	c.Name = cmp.Or(c.Name, "Customer "+c.ID.String())
	d.exec(t, "insert into customers (id, name) values ($1, $2)", c.ID, c.Name)
	return c
}

// Member makes a new person with a role in a customer.
func (d *DB) Member(t testing.TB, customerID uuid.UUID, role string) User {
	t.Helper()
	u := d.User(t, User{})
	d.Join(t, customerID, u.ID, role)
	return u
}

// Join gives a person a role in a customer.
func (d *DB) Join(t testing.TB, customerID, userID uuid.UUID, role string) {
	t.Helper()
	d.exec(t, "insert into memberships (customer_id, user_id, role) values ($1, $2, $3)", customerID, userID, role)
}

// Integration is a connected account. Empty fields are filled.
type Integration struct {
	CustomerID uuid.UUID
	ID         uuid.UUID
	Platform   string
	ExternalID string
	Credential []byte
	KeyID      int64
}

// Integration makes a connected account.
func (d *DB) Integration(t testing.TB, i Integration) Integration {
	t.Helper()
	if i.ID == uuid.Nil {
		i.ID = NewID(t)
	}
	i.Platform = cmp.Or(i.Platform, "ghost")
	i.ExternalID = cmp.Or(i.ExternalID, fmt.Sprintf("https://%s.example.com", i.ID))
	if i.Credential == nil {
		i.Credential = []byte("sealed")
	}
	d.exec(t, `insert into integrations (customer_id, id, platform, external_id, name, credential, key_id)
		values ($1, $2, $3, $4, $4, $5, $6)`, i.CustomerID, i.ID, i.Platform, i.ExternalID, i.Credential, i.KeyID)
	return i
}

// AllPermissions are those that an API key can have.
var AllPermissions = []string{"customer:read", "campaigns:read", "campaigns:write", "posts:read", "posts:write", "posts:publish",
	"jobs:read", "audit:read", "spaces:read", "spaces:pair", "conversations:read", "memories:read", "memories:write", "credentials:write",
	"files:read", "files:write", "tokens:mint"}

// APIKey is a key of a customer. Empty fields are filled.
type APIKey struct {
	CustomerID  uuid.UUID
	ID          uuid.UUID
	CreatedBy   uuid.UUID // required: a key is worth what its maker is
	Permissions []string  // all of them if empty
	SpaceID     *uuid.UUID
	// Key is what a program sends.
	Key string
}

// Scope is the key's, in no customer, for something that any permission serves for.
func (k APIKey) Scope() tenant.Scope {
	return tenant.Key(sha256.Sum256([]byte(k.Key)), AllPermissions, tenant.Request{ID: "test"})
}

// APIKey makes a key.
func (d *DB) APIKey(t testing.TB, k APIKey) APIKey {
	t.Helper()
	if k.ID == uuid.Nil {
		k.ID = NewID(t)
	}
	if k.Permissions == nil {
		k.Permissions = AllPermissions
	}
	k.Key = cmp.Or(k.Key, "ffk_"+rand.Text()+rand.Text())
	hash := sha256.Sum256([]byte(k.Key))
	d.exec(t, `insert into api_keys (customer_id, id, name, prefix, key_hash, permissions, created_by, space_id) values ($1, $2, 'Key', $3, $4, $5, $6, $7)`,
		k.CustomerID, k.ID, k.Key[:10], hash[:], k.Permissions, k.CreatedBy, k.SpaceID)
	return k
}

// AgentToken is the row of an agent token, made by a person or from a key. Empty fields are filled.
type AgentToken struct {
	CustomerID  uuid.UUID
	ID          uuid.UUID
	CreatedBy   *uuid.UUID // this or KeyID is required
	KeyID       *uuid.UUID
	Permissions []string // all that a token can have if empty
	SpaceID     *uuid.UUID
	Person      *string
}

// Scope is the token's, in no customer, for something that any permission serves for.
func (a AgentToken) Scope() tenant.Scope {
	return tenant.Token(a.CustomerID, a.ID, AllPermissions, tenant.Request{ID: "test"})
}

// AgentToken makes the row of a token that expires in an hour.
func (d *DB) AgentToken(t testing.TB, a AgentToken) AgentToken {
	t.Helper()
	if a.ID == uuid.Nil {
		a.ID = NewID(t)
	}
	if a.Permissions == nil {
		a.Permissions = AllPermissions[:len(AllPermissions)-1] // tokens make no tokens
	}
	d.exec(t, `insert into agent_tokens (customer_id, id, name, permissions, api_key_id, created_by, space_id, person, expires_at)
		values ($1, $2, 'Agent', $3, $4, $5, $6, $7, now() + interval '1 hour')`,
		a.CustomerID, a.ID, a.Permissions, a.KeyID, a.CreatedBy, a.SpaceID, a.Person)
	return a
}

// Space is a chat of a customer. Empty fields are filled.
type Space struct {
	CustomerID  uuid.UUID
	ID          uuid.UUID
	Platform    string // telegram
	Bot         string
	Team        string
	Kind        string // group
	ExternalID  string
	Title       string
	Permissions []string  // all that a chat can have
	PairedBy    uuid.UUID // required: its people act in their name
}

// ChatPermissions are those that the people of a chat can have.
var ChatPermissions = []string{"customer:read", "campaigns:read", "posts:read", "posts:write", "posts:publish", "spaces:read", "memories:read", "memories:write", "credentials:write"}

// Scope is that of somebody who speaks there, in no customer, for something that any permission serves for.
func (s Space) Scope(person string) tenant.Scope {
	return tenant.Chat(s.CustomerID, s.ID, person, AllPermissions, tenant.Request{ID: "test"})
}

// Space binds a chat to a customer.
func (d *DB) Space(t testing.TB, s Space) Space {
	t.Helper()
	if s.ID == uuid.Nil {
		s.ID = NewID(t)
	}
	s.Platform, s.Kind, s.Bot = cmp.Or(s.Platform, "telegram"), cmp.Or(s.Kind, "group"), cmp.Or(s.Bot, "7000001")
	s.ExternalID = cmp.Or(s.ExternalID, "chat "+s.ID.String())
	s.Title = cmp.Or(s.Title, "A chat")
	if s.Permissions == nil {
		s.Permissions = ChatPermissions
	}
	d.exec(t, `insert into spaces (customer_id, id, platform, bot, team, kind, external_id, title, permissions, paired_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.CustomerID, s.ID, s.Platform, s.Bot, s.Team, s.Kind, s.ExternalID, s.Title, s.Permissions, s.PairedBy)
	return s
}

// Workspace is the id of a customer's own workspace, or of a space's, which is there with what it is of.
func (d *DB) Workspace(t testing.TB, customerID uuid.UUID, spaceID *uuid.UUID) (id uuid.UUID) {
	t.Helper()
	err := d.Super.QueryRow(context.Background(), "select id from workspaces where customer_id = $1 and space_id is not distinct from $2", customerID, spaceID).Scan(&id)
	if err != nil {
		t.Fatalf("fixture: %v", err)
	}
	return id
}

// Speaks puts a person into a space's chat.
func (d *DB) Speaks(t testing.TB, s Space, person string) uuid.UUID {
	t.Helper()
	id := NewID(t)
	d.exec(t, "insert into space_people (customer_id, id, space_id, external_id, name, username) values ($1, $2, $3, $4, $4, $4)", s.CustomerID, id, s.ID, person)
	return id
}

// Identify says which member a person in the customer's chats on the space's platform is.
func (d *DB) Identify(t testing.TB, s Space, person string, userID uuid.UUID) uuid.UUID {
	t.Helper()
	id := NewID(t)
	d.exec(t, "insert into chat_identities (customer_id, id, platform, bot, team, external_id, user_id) values ($1, $2, $3, $4, $5, $6, $7)",
		s.CustomerID, id, s.Platform, s.Bot, s.Team, person, userID)
	return id
}

// Pairing is one that waits for a chat. Empty fields are filled.
type Pairing struct {
	CustomerID  uuid.UUID
	ID          uuid.UUID
	Platform    string // telegram
	Bot         string
	Code        string   // six digits
	Link        string   // the token in the link
	Permissions []string // all that a chat can have
	Own         bool
	CreatedBy   uuid.UUID // required
}

// Pairing makes one as the API does, for a quarter of an hour.
func (d *DB) Pairing(t testing.TB, p Pairing) Pairing {
	t.Helper()
	if p.ID == uuid.Nil {
		p.ID = NewID(t)
	}
	p.Platform, p.Bot = cmp.Or(p.Platform, "telegram"), cmp.Or(p.Bot, "7000001")
	p.Code, p.Link = cmp.Or(p.Code, "314159"), cmp.Or(p.Link, rand.Text()+rand.Text())
	if p.Permissions == nil {
		p.Permissions = ChatPermissions
	}
	d.exec(t, `insert into pairings (customer_id, id, platform, bot, code_hash, link_hash, permissions, own, created_by)
		values ($1, $2, $3, $4, sha256(uuid_send($2) || convert_to($5, 'UTF8')), sha256(convert_to($6, 'UTF8')), $7, $8, $9)`,
		p.CustomerID, p.ID, p.Platform, p.Bot, p.Code, p.Link, p.Permissions, p.Own, p.CreatedBy)
	return p
}

// Campaign is a group of posts. Empty fields are filled.
type Campaign struct {
	CustomerID uuid.UUID
	ID         uuid.UUID
	Name       string
}

// Campaign makes a group of posts.
func (d *DB) Campaign(t testing.TB, c Campaign) Campaign {
	t.Helper()
	if c.ID == uuid.Nil {
		c.ID = NewID(t)
	}
	c.Name = cmp.Or(c.Name, "Campaign")
	d.exec(t, "insert into campaigns (customer_id, id, name) values ($1, $2, $3)", c.CustomerID, c.ID, c.Name)
	return c
}

// Post is a draft. Empty fields are filled.
type Post struct {
	CustomerID   uuid.UUID
	ID           uuid.UUID
	Title, Text  string
	SpaceID      *uuid.UUID
	Integrations []Integration
	// PlatformPosts are the ids made for Integrations, in their order.
	PlatformPosts []uuid.UUID
}

// Post makes a draft with a platform post for each integration.
func (d *DB) Post(t testing.TB, p Post) Post {
	t.Helper()
	if p.ID == uuid.Nil {
		p.ID = NewID(t)
	}
	p.Title = cmp.Or(p.Title, "A title")
	p.Text = cmp.Or(p.Text, "A text")
	d.exec(t, "insert into posts (customer_id, id, title, text, space_id) values ($1, $2, $3, $4, $5)", p.CustomerID, p.ID, p.Title, p.Text, p.SpaceID)
	for _, i := range p.Integrations {
		id := NewID(t)
		d.exec(t, "insert into platform_posts (customer_id, id, post_id, integration_id) values ($1, $2, $3, $4)",
			p.CustomerID, id, p.ID, i.ID)
		p.PlatformPosts = append(p.PlatformPosts, id)
	}
	return p
}

// QueueSlot makes a slot of a customer's queue, on Mondays at 09:30.
func (d *DB) QueueSlot(t testing.TB, customerID uuid.UUID) uuid.UUID {
	t.Helper()
	id := NewID(t)
	minute := slots.Add(1)
	d.exec(t, "insert into queue_slots (customer_id, id, weekday, local_time) values ($1, $2, $3, $4)",
		customerID, id, minute/1440%7, fmt.Sprintf("%02d:%02d", minute/60%24, minute%60))
	return id
}

// slots counts what QueueSlot has made: each is at another time.
var slots atomic.Int64

// RecurringPost lets a post recur, on Mondays at 09:30 UTC.
func (d *DB) RecurringPost(t testing.TB, customerID, postID uuid.UUID) uuid.UUID {
	t.Helper()
	id := NewID(t)
	d.exec(t, `insert into recurring_posts (customer_id, id, post_id, rrule, starts_local, time_zone)
		values ($1, $2, $3, 'FREQ=WEEKLY;BYDAY=MO', '2026-01-05 09:30', 'UTC')`, customerID, id, postID)
	return id
}
