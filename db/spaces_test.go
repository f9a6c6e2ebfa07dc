package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// twoSpaces are two spaces of one customer: ours, and theirs with one of everything that belongs to a space. What is in no
// space is the house's.
type twoSpaces struct {
	*dbtest.DB
	house        *house
	ours, theirs dbtest.Space
	// in ours
	post, file, platform uuid.UUID
	// in theirs
	theirPost, theirFile, theirPlatform uuid.UUID
	theirJob                            int64
}

func newTwoSpaces(t *testing.T) *twoSpaces {
	t.Helper()
	d := dbtest.New(t)
	h := newHouse(t, d, "house")
	w := &twoSpaces{DB: d, house: h, ours: h.space}
	owner := h.people["owner"].ID
	w.theirs = d.Space(t, dbtest.Space{CustomerID: h.id, PairedBy: owner, Title: "theirs"})
	d.Speaks(t, w.theirs, "somebody else")
	d.Speaks(t, w.ours, "guest")
	account := d.Integration(t, dbtest.Integration{CustomerID: h.id})
	make := func(space dbtest.Space, mark string) (post, file, platform uuid.UUID) {
		made := d.Post(t, dbtest.Post{CustomerID: h.id, SpaceID: &space.ID, Text: mark, Integrations: []dbtest.Integration{account}})
		post, platform, file = made.ID, made.PlatformPosts[0], newID(t)
		mustExec(t, d, "insert into media (customer_id, id, path, content_type, bytes, state, space_id) values ($1, $2, $3, 'image/png', 1, 'ready', $4)", h.id, file, mark+"/file", space.ID)
		return post, file, platform
	}
	w.post, w.file, w.platform = make(w.ours, "ours")
	w.theirPost, w.theirFile, w.theirPlatform = make(w.theirs, "theirs")
	for _, row := range []struct {
		sql  string
		args []any
	}{
		{"insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 0)", []any{h.id, w.theirPost, w.theirFile}},
		{"insert into platform_post_media (customer_id, platform_post_id, media_id, position) values ($1, $2, $3, 0)", []any{h.id, w.theirPlatform, w.theirFile}},
		{"insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment) values ($1, gen_random_uuid(), $2, 1, 'comment', 'theirs')", []any{h.id, w.theirPost}},
		{"insert into publish_attempts (customer_id, platform_post_id, number, job_id) values ($1, $2, 1, 1)", []any{h.id, w.theirPlatform}},
		{"insert into post_metrics (customer_id, platform_post_id, day) values ($1, $2, '2030-01-01')", []any{h.id, w.theirPlatform}},
		{`insert into recurring_posts (customer_id, id, post_id, rrule, starts_local, time_zone) values ($1, gen_random_uuid(), $2, 'FREQ=WEEKLY;BYDAY=MO', '2026-01-05 09:30', 'UTC')`,
			[]any{h.id, w.theirPost}},
		{"insert into messages (customer_id, id, space_id, direction, text) values ($1, gen_random_uuid(), $2, 'in', 'theirs')", []any{h.id, w.theirs.ID}},
	} {
		mustExec(t, d, row.sql, row.args...)
	}
	w.theirJob = one[int64](context.Background(), t, d.Super, `insert into river.river_job (customer_id, args, kind, max_attempts)
		values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'post_id', $2::uuid::text, 'platform_post_id', $3::uuid::text), 'publish', 1) returning id`, h.id, w.theirPost, w.theirPlatform)
	return w
}

// inside are those who act in our space, with everything that can be allowed there.
func (w *twoSpaces) inside(t testing.TB) map[string]tenant.Scope {
	t.Helper()
	h := w.house
	owner, speaker := h.people["owner"].ID, h.speaker
	key := w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: owner, SpaceID: &w.ours.ID})
	return map[string]tenant.Scope{
		"key":             key.Scope().In(h.id),
		"token of a key":  w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &key.ID, SpaceID: &w.ours.ID}).Scope().In(h.id),
		"token of a user": w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, CreatedBy: &owner, SpaceID: &w.ours.ID}).Scope().In(h.id),
		// a key of a space makes tokens of that space whatever stands in their rows
		"token that claims more":       w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &key.ID, SpaceID: &w.theirs.ID}).Scope().In(h.id),
		"token of a person":            w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, CreatedBy: &owner, SpaceID: &w.ours.ID, Person: &speaker}).Scope().In(h.id),
		"guest in the chat":            w.ours.Scope("guest").In(h.id),
		"owner in the chat, linked so": w.ours.Scope(speaker).In(h.id),
	}
}

// ofSpaces are the tables with rows that belong to a space, and what finds those of theirs and those of no space. "" where a
// row of no space is nobody's in particular.
func (w *twoSpaces) ofSpaces() map[string][2]string {
	theirs, none := w.theirPost.String(), w.house.posts[0].String()
	post := [2]string{"post_id = '" + theirs + "'", "post_id = '" + none + "'"}
	platform := [2]string{"platform_post_id = '" + w.theirPlatform.String() + "'", "platform_post_id = '" + w.house.platform.String() + "'"}
	space := [2]string{"space_id = '" + w.theirs.ID.String() + "'", ""}
	return map[string][2]string{
		"posts": {"id = '" + theirs + "'", "id = '" + none + "'"}, "media": {"id = '" + w.theirFile.String() + "'", "id = '" + w.house.file.String() + "'"},
		"platform_posts": post, "post_media": post, "post_reviews": post, "recurring_posts": {post[0], "post_id = '" + w.house.posts[1].String() + "'"},
		"platform_post_media": platform, "publish_attempts": platform, "post_metrics": platform,
		"river.river_job": {"args ->> 'post_id' = '" + theirs + "'", "args ->> 'post_id' = '" + none + "'"},
		"spaces":          {"id = '" + w.theirs.ID.String() + "'", ""}, "space_people": space, "messages": space,
		"posts_with_platforms": {"id = '" + theirs + "'", "id = '" + none + "'"},
	}
}

// TestSpacesApart aims at what belongs to another space of the same customer, and to none, with wider grants than the real
// ones: the policies must hold.
func TestSpacesApart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	mustExec(t, w.DB, `grant select, insert, update, delete on all tables in schema public to fanfare_agent`)
	mustExec(t, w.DB, `grant select, insert, update, delete on river.river_job to fanfare_agent`)
	for name, scope := range w.inside(t) {
		if _, err := runAs(ctx, w.Tenant(), scope, "select 1"); err != nil { // from now on a key counts as used
			t.Fatalf("%s: %v", name, err)
		}
		before := checksum(ctx, t, w.DB, w.house.id)
		for table, where := range w.ofSpaces() {
			for _, condition := range where {
				if condition == "" {
					continue
				}
				if rows := one[int64](ctx, t, w.Super, "select count(*) from "+table+" where "+condition); rows == 0 {
					t.Fatalf("there is no row of %s where %s", table, condition)
				}
				for _, sql := range []string{
					fmt.Sprintf("select 1 from %s where %s", table, condition),
					fmt.Sprintf("select 1 from %s where %s for update", table, condition),
					fmt.Sprintf("update %s set customer_id = customer_id where %s", table, condition),
					fmt.Sprintf("delete from %s where %s", table, condition),
				} {
					if table == "posts_with_platforms" && !strings.HasSuffix(sql, condition) || table == "posts_with_platforms" && !strings.HasPrefix(sql, "select") {
						continue
					}
					rows, err := runAs(ctx, w.Tenant(), scope, sql)
					if err != nil && refused(err).Code != denied || err == nil && rows != 0 {
						t.Errorf("%s: %s: %d rows, %v", name, sql, rows, err)
					}
				}
			}
		}
		for _, sql := range []string{
			fmt.Sprintf("insert into posts (id, text, space_id) values (gen_random_uuid(), 'x', '%s')", w.theirs.ID),
			"insert into posts (id, text, space_id) values (gen_random_uuid(), 'x', null)",
			fmt.Sprintf("update posts set space_id = '%s' where id = '%s'", w.theirs.ID, w.post),
			fmt.Sprintf("update posts set space_id = null where id = '%s'", w.post),
			fmt.Sprintf("insert into media (id, path, content_type, bytes, space_id) values (gen_random_uuid(), 'x', 'image/png', 1, '%s')", w.theirs.ID),
			fmt.Sprintf("update media set space_id = null where id = '%s'", w.file),
			fmt.Sprintf("insert into messages (id, space_id, direction, text) values (gen_random_uuid(), '%s', 'out', 'x')", w.theirs.ID),
			fmt.Sprintf("insert into space_people (id, space_id, external_id) values (gen_random_uuid(), '%s', 'x')", w.theirs.ID),
			fmt.Sprintf("insert into chat_identities (id, platform, bot, external_id, user_id) values (gen_random_uuid(), 'telegram', '1', 'guest', '%s')", w.house.people["owner"].ID),
			fmt.Sprintf("insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), '%s', 1, 'comment', 'x')", w.theirPost),
			// what is the whole customer's
			"insert into campaigns (id, name) values (gen_random_uuid(), 'x')",
			"insert into email_templates (id, name, html) values (gen_random_uuid(), 'x', 'x')",
			"insert into queue_slots (id, weekday, local_time) values (gen_random_uuid(), 2, '10:00')",
			"insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own) values (gen_random_uuid(), 'telegram', '1', sha256('x'), sha256('x'), '{posts:read}', false)",
			fmt.Sprintf(`insert into river.river_job (args, kind, max_attempts, state) values ('{"customer_id": "%s"}', 'expire_pairing', 1, 'available')`, w.house.id),
			fmt.Sprintf(`insert into river.river_job (args, kind, max_attempts, state) values ('{"customer_id": "%s", "post_id": "%s", "platform_post_id": "%s"}', 'publish', 1, 'available')`,
				w.house.id, w.theirPost, w.theirPlatform),
			// ours, and with it what is theirs
			fmt.Sprintf(`insert into river.river_job (args, kind, max_attempts, state) values ('{"customer_id": "%s", "post_id": "%s", "platform_post_id": "%s"}', 'publish', 1, 'available')`,
				w.house.id, w.post, w.theirPlatform),
			"select 1 from audit_log",
		} {
			_, err := runAs(ctx, w.Tenant(), scope, sql)
			expectRefused(t, name+": "+sql, err, denied)
		}
		for _, sql := range []string{
			"update campaigns set name = 'x'", "delete from campaigns", "update email_templates set name = 'x'", "delete from email_templates", "delete from queue_slots",
			"update customers set name = 'x'", "update spaces set title = 'x'", "update pairings set state = 'denied'", "delete from chat_identities",
			"select 1 from pairings", "select 1 from chat_identities", "update integrations set name = 'x'",
		} {
			if rows, err := runAs(ctx, w.Tenant(), scope, sql); err != nil && refused(err).Code != denied || err == nil && rows != 0 {
				t.Errorf("%s: %s: %d rows, %v", name, sql, rows, err)
			}
		}
		if after := checksum(ctx, t, w.DB, w.house.id); after != before {
			t.Fatalf("%s has changed something", name)
		}
	}
}

// TestSpaceReachesNothingByIDs: whose id a space knows without seeing the row it cannot show, change, stop or tell from nothing.
func TestSpaceReachesNothingByIDs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	errUndo := errors.New("undo")
	attempt := func(scope tenant.Scope, sql string, args ...any) error {
		_, err := runAs(ctx, w.Tenant(), scope, sql, args...)
		return err
	}
	said := func(err error, id uuid.UUID) string {
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			return fmt.Sprint(err)
		}
		plain := *pgErr
		plain.Detail = strings.ReplaceAll(plain.Detail, id.String(), "<id>")
		return fmt.Sprintf("%+v", plain)
	}
	for name, scope := range w.inside(t) {
		for _, reference := range []struct {
			sql    string
			theirs uuid.UUID
		}{
			{fmt.Sprintf("insert into post_media (post_id, media_id, position) values ('%s', $1, 3)", w.post), w.theirFile},
			{fmt.Sprintf("insert into post_media (post_id, media_id, position) values ('%s', $1, 3)", w.post), w.house.file},
			{fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ('%s', $1, 3)", w.platform), w.theirFile},
			{fmt.Sprintf("insert into post_media (post_id, media_id, position) values ($1, '%s', 3)", w.file), w.theirPost},
			{fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ($1, '%s', 3)", w.file), w.theirPlatform},
			{"insert into platform_posts (id, post_id, integration_id) select gen_random_uuid(), $1, id from integrations limit 1", w.theirPost},
			{"insert into recurring_posts (id, post_id, rrule, starts_local) values (gen_random_uuid(), $1, 'FREQ=DAILY', '2026-01-01')", w.theirPost},
			{"insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 1, 'comment', 'x')", w.theirPost},
			{"insert into agent_tokens (id, name, permissions, expires_at, space_id) values (gen_random_uuid(), 'x', '{posts:read}', now(), $1)", w.theirs.ID},
			{"insert into api_keys (id, name, prefix, key_hash, permissions, space_id) values (gen_random_uuid(), 'x', 'ffk_ABCDEF', sha256('x'), '{posts:read}', $1)", w.theirs.ID},
		} {
			missing := newID(t)
			toNothing, toTheirs := attempt(scope, reference.sql, missing), attempt(scope, reference.sql, reference.theirs)
			if toTheirs == nil {
				t.Errorf("%s: %s reaches another space", name, reference.sql)
			} else if diff := cmp.Diff(said(toNothing, missing), said(toTheirs, reference.theirs)); diff != "" {
				t.Errorf("%s: %s: the two refusals differ (-not there +not ours):\n%s", name, reference.sql, diff)
			}
		}
		// Functions that look past the policies.
		err := w.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			if stopped := one[int64](ctx, t, tx, "select tenancy.cancel_jobs(null)") + one[int64](ctx, t, tx, "select tenancy.cancel_jobs($1)", w.theirPost); stopped != 0 {
				t.Errorf("%s stops %d jobs", name, stopped)
			}
			for _, file := range []uuid.UUID{w.theirFile, w.house.file, w.file} {
				if one[bool](ctx, t, tx, "select tenancy.media_shown_elsewhere($1)", file) {
					t.Errorf("%s is told of a file", name)
				}
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if state := one[string](ctx, t, w.Super, "select state::text from river.river_job where id = $1", w.theirJob); state != "available" {
		t.Errorf("their job is %s", state)
	}
}

// TestFilesOfSpacesShownElsewhere: a post of the customer's that shows a file of a space keeps it as it is, which the space is
// not told of further than that.
func TestFilesOfSpacesShownElsewhere(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	scope := w.ours.Scope("guest").In(w.house.id)
	change := []string{"update media set alt_text = 'x' where id = $1", "update media set state = 'deleting' where id = $1"}
	errUndo := errors.New("undo")
	for _, sql := range change {
		err := w.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			if tag, err := tx.Exec(ctx, sql, w.file); err != nil || tag.RowsAffected() != 1 {
				t.Errorf("%s: %v, %v", sql, tag, err)
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			t.Error(err)
		}
	}
	mustExec(t, w.DB, "insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 7)", w.house.id, w.house.posts[1], w.file)
	for i, want := range []refusal{{Code: denied}, {badReference, "media_in_use"}} {
		_, err := runAs(ctx, w.Tenant(), scope, change[i], w.file)
		if got := refused(err); got != want {
			t.Errorf("%s: %v (%v), want %v", change[i], got, err, want)
		}
	}
	// Whoever sees the post changes the file as before.
	if _, err := runAs(ctx, w.Tenant(), w.house.people["member"].Scope().In(w.house.id), change[0], w.file); err != nil {
		t.Error(err)
	}
}

// TestQueueOfSpaces: that a time is taken is told, and by what only where the caller sees it.
func TestQueueOfSpaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	mustExec(t, w.DB, "update posts set scheduled_at = now() + interval '1 day' where id = any ($1)", []uuid.UUID{w.post, w.theirPost})
	mustExec(t, w.DB, "update platform_posts set state = 'scheduled' where post_id = any ($1)", []uuid.UUID{w.post, w.theirPost})
	got := column[string](ctx, t, w.Tenant().Read(w.ours.Scope("guest").In(w.house.id)), "select coalesce(q.id::text, '-') from tenancy.queue_taken(10) q order by 1")
	if diff := cmp.Diff([]string{"-", w.post.String()}, got); diff != "" {
		t.Errorf("the queue (-want +got):\n%s", diff)
	}
}

// TestAnswersOfSpaces: what somebody was answered in one space is not repeated to them in another.
func TestAnswersOfSpaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	w.Speaks(t, w.theirs, w.house.speaker)
	claim := func(scope tenant.Scope) error {
		_, err := runAs(ctx, w.Tenant(), scope, "select * from tenancy.claim_idempotency_key('create-post', 'key', sha256('x'))")
		return err
	}
	if err := claim(w.ours.Scope(w.house.speaker).In(w.house.id)); err != nil {
		t.Fatal(err)
	}
	if err := claim(w.ours.Scope(w.house.speaker).In(w.house.id)); err != nil {
		t.Errorf("again in the same space: %v", err)
	}
	expectRefused(t, "in another space", claim(w.theirs.Scope(w.house.speaker).In(w.house.id)), denied)
	expectRefused(t, "as themselves", claim(w.house.people["owner"].Scope().In(w.house.id)), denied)
}

// TestApprovalInChats: whoever may approve may do so in a chat that is known to be theirs, and nobody else there; what somebody
// wrote in the chat as a guest counts as written by whoever paired it.
func TestApprovalInChats(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	people := map[string]tenant.Scope{"guest": w.ours.Scope("guest").In(h.id)}
	for _, role := range []string{"viewer", "member", "admin", "owner"} {
		w.Speaks(t, w.ours, role+" chat")
		w.Identify(t, w.ours, role+" chat", h.people[role].ID)
		people[role] = w.ours.Scope(role + " chat").In(h.id)
	}
	speaker := h.speaker
	for name, token := range map[string]dbtest.AgentToken{
		"token of the owner as a person": {CustomerID: h.id, CreatedBy: &h.space.PairedBy, SpaceID: &w.ours.ID, Person: &speaker},
		"token in the space":             {CustomerID: h.id, CreatedBy: &h.space.PairedBy, SpaceID: &w.ours.ID},
	} {
		people[name] = w.AgentToken(t, token).Scope().In(h.id)
	}
	fresh := func() {
		mustExec(t, w.DB, "update posts set approved_at = null, approved_by = null, edited_by = null, edited_for = null, submitted_by = null, submitted_for = null where id = $1", w.post)
	}
	approve := func(scope tenant.Scope) error {
		return w.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			tag, err := tx.Exec(ctx, "update posts set approved_at = now() where id = $1", w.post)
			if err == nil && tag.RowsAffected() == 0 {
				return &pgconn.PgError{Code: denied}
			}
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 1, 'approved', 'x')", w.post)
			return err
		})
	}
	mustExec(t, w.DB, "update platform_posts set state = 'pending_approval' where post_id = $1", w.post)
	for _, test := range []struct {
		approver string
		may      []string
	}{{"member", []string{"member", "admin", "owner"}}, {"admin", []string{"admin", "owner"}}, {"owner", []string{"owner"}}} {
		mustExec(t, w.DB, "update customers set approval_required = true, self_approval = true, approver_role = $2 where id = $1", h.id, test.approver)
		for name, scope := range people {
			fresh()
			err := approve(scope)
			allowed := strings.Contains(" "+strings.Join(test.may, " ")+" ", " "+name+" ")
			if allowed && err != nil {
				t.Errorf("%s, where %ss approve: %v", name, test.approver, err)
			} else if !allowed {
				expectRefused(t, name+", where "+test.approver+"s approve", err, denied)
			}
			if by := one[*uuid.UUID](ctx, t, w.Super, "select approved_by from posts where id = $1", w.post); allowed != (by != nil) || by != nil && *by != h.people[name].ID {
				t.Errorf("%s: approved by %v", name, by)
			}
		}
	}
	// Nobody approves what they wrote, here or there.
	mustExec(t, w.DB, "update customers set self_approval = false, approver_role = 'member' where id = $1", h.id)
	write := func(scope tenant.Scope) {
		fresh()
		if _, err := runAs(ctx, w.Tenant(), scope, "update posts set text = text || '.' where id = $1", w.post); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ writer, approver string }{{"member", "member"}, {"admin", "admin"}, {"guest", "owner"}} {
		write(people[test.writer])
		expectRefused(t, test.approver+" approves what the "+test.writer+" wrote", approve(people[test.approver]), denied)
		expectRefused(t, "the same by the API", approve(h.people[test.approver].Scope().In(h.id)), denied)
	}
	write(h.people["admin"].Scope().In(h.id))
	expectRefused(t, "in a chat what was written by the API", approve(people["admin"]), denied)
	for _, test := range []struct{ writer, approver string }{{"member", "admin"}, {"guest", "member"}} {
		write(people[test.writer])
		if err := approve(people[test.approver]); err != nil {
			t.Errorf("the %s approves what the %s wrote: %v", test.approver, test.writer, err)
		}
	}
}

// TestApprovalByOwnBots: in the chats of a customer's own bot nobody approves or rejects but where that gains its admins, who can
// speak there as anybody, nothing; and what is written there counts as written by whoever gave the bot, too.
func TestApprovalByOwnBots(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	owner, admin, member := h.people["owner"], h.people["admin"], h.people["member"]
	as := func(scope tenant.Scope, sql string, args ...any) error {
		rows, err := runAs(ctx, w.Tenant(), scope, sql, args...)
		if err == nil && rows == 0 {
			err = &pgconn.PgError{Code: denied}
		}
		return err
	}
	own := func(platform string) dbtest.Space {
		bot := "own-" + platform
		if err := as(admin.Scope().In(h.id), "insert into bots (id, platform, bot, credential, key_id) values ($1, $2, $3, 'sealed', 1)", newID(t), platform, bot); err != nil {
			t.Fatal(err)
		}
		s := w.Space(t, dbtest.Space{CustomerID: h.id, PairedBy: owner.ID, Platform: platform, Bot: bot})
		for person, id := range map[string]uuid.UUID{"cleo": owner.ID, "ben": member.ID} {
			w.Speaks(t, s, person)
			w.Identify(t, s, person, id)
		}
		w.Speaks(t, s, "guest")
		return s
	}
	w.Speaks(t, w.ours, "cleo")
	w.Identify(t, w.ours, "cleo", owner.ID)
	chats := map[string]dbtest.Space{"telegram": own("telegram"), "whatsapp": own("whatsapp"), "slack": own("slack"), "the installation's": w.ours}
	post := func(s dbtest.Space) uuid.UUID {
		return w.Post(t, dbtest.Post{CustomerID: h.id, SpaceID: &s.ID}).ID
	}
	const approve = "update posts set approved_at = now() where id = $1"
	const reject = "insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 1, 'rejected', 'x')"
	for name, s := range chats {
		cleo := s.Scope("cleo").In(h.id)
		for _, rules := range []struct {
			approver string
			self     bool
			may      bool
		}{{"admin", true, true}, {"member", true, true}, {"admin", false, false}, {"member", false, false}, {"owner", true, false}, {"owner", false, false}} {
			mustExec(t, w.DB, "update customers set approval_required = true, approver_role = $2, self_approval = $3 where id = $1", h.id, rules.approver, rules.self)
			for what, sql := range map[string]string{"approves": approve, "rejects": reject} {
				id := post(s)
				err := as(cleo, sql, id)
				if rules.may || s.ID == w.ours.ID {
					if err != nil {
						t.Errorf("%s, %+v: cleo %s: %v", name, rules, what, err)
					}
				} else {
					expectRefused(t, fmt.Sprintf("%s, %+v: cleo %s", name, rules, what), err, denied)
				}
				if err := as(owner.Scope().In(h.id), sql, post(s)); err != nil {
					t.Errorf("%s, %+v: in the dashboard, cleo %s: %v", name, rules, what, err)
				}
			}
		}
	}
	// Said through which chat.
	id := post(w.ours)
	if err := as(w.ours.Scope("cleo").In(h.id), reject, id); err != nil {
		t.Fatal(err)
	}
	if space := one[*uuid.UUID](ctx, t, w.Super, "select space_id from post_reviews where post_id = $1", id); space == nil || *space != w.ours.ID {
		t.Errorf("it was rejected in %v", space)
	}

	// Dan, who gave the bot, approves nothing that he may have said there himself, in whosever name.
	mustExec(t, w.DB, "update customers set approver_role = 'admin', self_approval = false where id = $1", h.id)
	s := chats["whatsapp"]
	for _, writer := range []string{"ben", "guest"} {
		id := post(s)
		if err := as(s.Scope(writer).In(h.id), "update posts set text = 'x' where id = $1", id); err != nil {
			t.Fatal(err)
		}
		expectRefused(t, "the admin approves what "+writer+" wrote", as(admin.Scope().In(h.id), approve, id), denied)
		if err := as(owner.Scope().In(h.id), approve, id); err != nil {
			t.Errorf("the owner approves what %s wrote: %v", writer, err)
		}
	}
	// Whoever gives it other secrets is who can speak there from then on.
	if err := as(owner.Scope().In(h.id), "update bots set credential = 'others' where bot = $1", s.Bot); err != nil {
		t.Fatal(err)
	}
	id = post(s)
	if err := as(s.Scope("ben").In(h.id), "update posts set text = 'x' where id = $1", id); err != nil {
		t.Fatal(err)
	}
	expectRefused(t, "the owner approves what ben wrote", as(owner.Scope().In(h.id), approve, id), denied)
	if err := as(admin.Scope().In(h.id), approve, id); err != nil {
		t.Errorf("the admin approves what ben wrote: %v", err)
	}
	// With the bot, who was known there is forgotten.
	if err := as(admin.Scope().In(h.id), "delete from bots where bot = $1", s.Bot); err != nil {
		t.Fatal(err)
	}
	if n := one[int](ctx, t, w.Super, "select count(*) from chat_identities where bot = $1", s.Bot); n != 0 {
		t.Errorf("%d people are known there", n)
	}
}

// TestHoldingSpaces: whether a space and somebody in it are there, is told to whoever may give something there, for them.
func TestHoldingSpaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	w.Speaks(t, w.ours, "ada")
	w.Identify(t, w.ours, "ada", h.people["member"].ID)
	hold := func(scope tenant.Scope, space dbtest.Space, person *string) (held bool, err error) {
		err = w.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.hold_space($1, $2)", space.ID, person).Scan(&held)
		})
		return held, err
	}
	ada, guest, agents, missing := "ada", "guest", "agent:ada", dbtest.Space{ID: newID(t)}
	owner := h.people["owner"].ID
	agent := w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, CreatedBy: &owner, SpaceID: &w.ours.ID, Person: &ada})
	readers := w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, CreatedBy: &owner, SpaceID: &w.ours.ID, Person: &ada, Permissions: []string{"spaces:read"}})
	for name, test := range map[string]struct {
		scope  tenant.Scope
		space  dbtest.Space
		person *string
		want   bool
	}{
		"ada, in the chat":                {w.ours.Scope("ada").In(h.id), w.ours, &ada, true},
		"ada, for another":                {w.ours.Scope("ada").In(h.id), w.ours, &guest, false},
		"ada, elsewhere":                  {w.ours.Scope("ada").In(h.id), w.theirs, &ada, false},
		"ada, where nothing is":           {w.ours.Scope("ada").In(h.id), missing, &ada, false},
		"ada, in the dashboard":           {h.people["member"].Scope().In(h.id), w.ours, &ada, true},
		"ada, for another by the API":     {h.people["member"].Scope().In(h.id), w.ours, &guest, false},
		"ada, for the space":              {h.people["member"].Scope().In(h.id), w.ours, nil, false},
		"an admin, for the space":         {h.people["admin"].Scope().In(h.id), w.ours, nil, true},
		"an admin, for ada":               {h.people["admin"].Scope().In(h.id), w.ours, &ada, false},
		"a program":                       {agent.Scope().In(h.id), w.ours, &agents, true},
		"a program, for ada":              {agent.Scope().In(h.id), w.ours, &ada, false},
		"a program that may give nothing": {readers.Scope().In(h.id), w.ours, &agents, false},
		"a key of the space":              {w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: owner, SpaceID: &w.ours.ID}).Scope().In(h.id), w.ours, &ada, false},
		"a key":                           {h.key.Scope().In(h.id), w.ours, nil, false},
	} {
		held, err := hold(test.scope, test.space, test.person)
		if test.want && (err != nil || !held) {
			t.Errorf("%s: %v, %v", name, held, err)
		} else if !test.want {
			expectRefused(t, name, err, denied)
		}
	}
}

// TestPairingsOfPrograms: keys leave people room to pair.
func TestPairingsOfPrograms(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	mustExec(t, d, "delete from pairings")
	pair := func(scope tenant.Scope) error {
		id := newID(t)
		_, err := runAs(ctx, d.Tenant(), scope, `insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own)
			values ($1, 'telegram', '1', sha256('x'), sha256(uuid_send($1)), '{posts:read}', false)`, id)
		return err
	}
	for n := range 12 {
		err, want := pair(a.key.Scope().In(a.id)), refusal{}
		if n >= 5 {
			want = refusal{badCheck, "pairings_program_limit"}
		}
		if got := refused(err); got != want {
			t.Errorf("a key's pairing %d: %v, want %v", n+1, err, want)
		}
	}
	for n := range 6 {
		err, want := pair(a.people["admin"].Scope().In(a.id)), refusal{}
		if n >= 5 {
			want = refusal{badCheck, "pairings_open_limit"}
		}
		if got := refused(err); got != want {
			t.Errorf("a person's pairing %d beside a key's: %v, want %v", n+1, err, want)
		}
	}
}

// TestChatOfAnother: a chat has one customer, and only the worker finds out that it has one.
func TestChatOfAnother(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	insert := "insert into spaces (id, platform, bot, kind, external_id, permissions, paired_by) values ($1, $2, $3, $4, $5, '{posts:read}', $6)"
	s := b.space
	args := []any{newID(t), s.Platform, s.Bot, s.Kind, s.ExternalID, a.people["owner"].ID}
	worker := tenant.Worker(a.id, tenant.Request{})
	_, err := runAs(ctx, d.TenantWorker(), worker, insert, args...)
	if got, want := refused(err), (refusal{"23505", "spaces_by_chat"}); got != want {
		t.Fatalf("a second time: %v (%v), want %v", got, err, want)
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr); strings.Contains(pgErr.Detail, b.id.String()) {
		t.Errorf("the refusal tells whose it is: %s", pgErr.Detail)
	}
	rows, err := runAs(ctx, d.TenantWorker(), worker, insert+" on conflict (platform, bot, team, kind, external_id) where ended_at is null do nothing", args...)
	if err != nil || rows != 0 {
		t.Errorf("it makes %d rows: %v", rows, err)
	}
	if rows, err := runAs(ctx, d.TenantWorker(), worker, "update spaces set external_id = $1", s.ExternalID); err == nil || rows != 0 || refused(err).Constraint != "spaces_by_chat" {
		t.Errorf("a chat that moves onto it: %d rows, %v", rows, err)
	}
	for _, sql := range []string{
		"select * from tenancy.chat_holder($1, $2, '', $3, $4)", "select * from tenancy.find_pairing_by_code($1, $2, '', $3, $4, 'x', '000000')",
		"select * from tenancy.find_pairing_by_link($1, $2, '', $3, $4, 'x', '')", "select tenancy.chat_waits($1, $2, '', $3, $4)",
	} {
		for name, scope := range map[string]tenant.Scope{"owner": a.people["owner"].Scope().In(a.id), "key": a.key.Scope().In(a.id), "chat": a.space.Scope(a.speaker).In(a.id)} {
			_, err := runAs(ctx, d.Tenant(), scope, sql, s.Platform, s.Bot, s.Kind, s.ExternalID)
			expectRefused(t, name+": "+sql, err, denied)
		}
		_, err := d.Login.Exec(ctx, sql, s.Platform, s.Bot, s.Kind, s.ExternalID)
		expectRefused(t, "login: "+sql, err, denied)
	}
	mustExec(t, d, "update spaces set ended_at = now(), ended_because = 'released' where id = $1", s.ID)
	if _, err := runAs(ctx, d.TenantWorker(), worker, insert, args...); err != nil {
		t.Errorf("once it is released: %v", err)
	}
	_, err = runAs(ctx, d.TenantWorker(), tenant.Worker(b.id, tenant.Request{}), "update spaces set ended_at = null, ended_because = null where id = $1", s.ID)
	if got, want := refused(err), (refusal{badCheck, "spaces_ended"}); got != want {
		t.Errorf("what has ended begins again: %v", err)
	}
}

// TestPairingsAreGuarded: people confirm what a code has brought, and nothing else becomes of a pairing by them.
func TestPairingsAreGuarded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	mustExec(t, d, "delete from pairings")
	owner := a.people["owner"]
	p := d.Pairing(t, dbtest.Pairing{CustomerID: a.id, CreatedBy: owner.ID})
	asOwner := func(sql string) error {
		_, err := runAs(ctx, d.Tenant(), owner.Scope().In(a.id), sql)
		return err
	}
	asWorker := func(sql string) error {
		_, err := runAs(ctx, d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), sql)
		return err
	}
	transition := refusal{badCheck, "pairings_state_transition"}
	if got := refused(asOwner("update pairings set confirmed_at = now()")); got != transition {
		t.Errorf("what nobody has used is confirmed: %v", got)
	}
	expectRefused(t, "an owner claims", asOwner("update pairings set state = 'claimed'"), denied)
	expectRefused(t, "an owner prolongs", asOwner("update pairings set expires_at = now() + interval '1 year'"), denied)
	expectRefused(t, "an owner says who made it", asOwner(fmt.Sprintf(`insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own, created_by)
		values (gen_random_uuid(), 'telegram', '1', sha256('x'), sha256('x'), '{posts:read}', true, '%s')`, a.people["admin"].ID)), denied)
	expectRefused(t, "the hash is read", asOwner("select code_hash from pairings"), denied)
	claim := "update pairings set state = 'claimed', claimed_by = '%s', claimed_at = now(), team = '', kind = 'group', external_id = 'x', person_id = 'x' where id = '" + p.ID.String() + "'"
	done := fmt.Sprintf("update pairings set state = 'done', space_id = '%s'", a.space.ID)
	if err := asWorker(fmt.Sprintf(claim, "code")); err != nil {
		t.Fatal(err)
	}
	expectRefused(t, "an owner completes", asOwner("update pairings set state = 'done'"), denied)
	expectRefused(t, "the worker completes what nobody has confirmed", asWorker(done), denied)
	expectRefused(t, "the worker confirms", asWorker("update pairings set confirmed_at = now()"), denied)
	for _, role := range []string{"member", "viewer"} {
		if rows, err := runAs(ctx, d.Tenant(), a.people[role].Scope().In(a.id), "update pairings set confirmed_at = now()"); rows != 0 && err == nil {
			t.Errorf("a %s confirms", role)
		}
	}
	_, err := runAs(ctx, d.Tenant(), d.User(t, dbtest.User{SystemRole: "admin"}).Scope().In(a.id), "update pairings set confirmed_at = now()")
	expectRefused(t, "a system admin confirms", err, denied)
	_, err = runAs(ctx, d.Tenant(), a.key.Scope().In(a.id), "update pairings set confirmed_at = now()")
	expectRefused(t, "a key confirms", err, denied)
	if err := asOwner("update pairings set confirmed_at = '2000-01-01'"); err != nil {
		t.Fatal(err)
	}
	if by := one[bool](ctx, t, d.Super, "select confirmed_by = $1 and confirmed_at > now() - interval '1 minute' from pairings", owner.ID); !by {
		t.Error("it is not confirmed by the owner, now")
	}
	if err := asWorker(done); err != nil {
		t.Errorf("what is confirmed: %v", err)
	}
	if got, want := refused(asOwner("update pairings set state = 'denied'")), (refusal{badCheck, "pairings_ended"}); got != want {
		t.Errorf("what is done is denied: %v", got)
	}
	// What a link has brought needs nobody, and is not confirmed.
	mustExec(t, d, "delete from pairings")
	d.Pairing(t, dbtest.Pairing{CustomerID: a.id, CreatedBy: owner.ID, ID: p.ID})
	if err := asWorker(fmt.Sprintf(claim, "link")); err != nil {
		t.Fatal(err)
	}
	if got := refused(asOwner("update pairings set confirmed_at = now()")); got != transition {
		t.Errorf("what a link has brought is confirmed: %v", got)
	}
	if err := asWorker(done); err != nil {
		t.Errorf("what a link has brought: %v", err)
	}
	// A chat that is to be somebody's own is confirmed by them alone: whoever is in it would speak as they.
	mustExec(t, d, "delete from pairings")
	d.Pairing(t, dbtest.Pairing{CustomerID: a.id, CreatedBy: owner.ID, ID: p.ID, Own: true})
	if err := asWorker(strings.Replace(fmt.Sprintf(claim, "code"), "'group'", "'user'", 1)); err != nil {
		t.Fatal(err)
	}
	_, err = runAs(ctx, d.Tenant(), a.people["admin"].Scope().In(a.id), "update pairings set confirmed_at = now()")
	expectRefused(t, "another admin confirms", err, denied)
	if err := asOwner("update pairings set confirmed_at = now()"); err != nil {
		t.Errorf("whose chat it is confirms: %v", err)
	}
}
