package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// approver is a customer that asks for approval, with somebody of every kind and a post with files.
type approver struct {
	*machine
	t        *testing.T
	scopes   map[string]tenant.Scope // member, admin, owner, s-manager, key, writing key, publishing key
	ids      map[string]uuid.UUID    // of the people
	post     dbtest.Post
	files    []uuid.UUID // the first is the post's, the second the platform post's, the third nobody's
	platform uuid.UUID   // the platform post with files of its own
}

func newApprover(t *testing.T) *approver {
	t.Helper()
	a := &approver{machine: newMachine(t), t: t, scopes: map[string]tenant.Scope{}, ids: map[string]uuid.UUID{}}
	for _, role := range []string{"viewer", "member", "admin", "owner"} {
		who := a.d.Member(t, a.customer, role)
		a.scopes[role], a.ids[role] = who.Scope().In(a.customer), who.ID
	}
	manager := a.d.User(t, dbtest.User{SystemRole: "manager"})
	a.scopes["s-manager"], a.ids["s-manager"] = manager.Scope().In(a.customer), manager.ID
	for name, permissions := range map[string][]string{"key": nil, "writing key": {"posts:write"}, "publishing key": {"posts:publish"}} {
		a.scopes[name] = a.d.APIKey(t, dbtest.APIKey{CustomerID: a.customer, CreatedBy: a.ids["owner"], Permissions: permissions}).Scope().In(a.customer)
	}
	mustExec(t, a.d, "update customers set approval_required = true where id = $1", a.customer)
	return a
}

// fresh makes a post in a state, approved as it is, with two platform posts, of which the second has a file of its own.
func (a *approver) fresh(state string) {
	a.t.Helper()
	a.post = a.d.Post(a.t, dbtest.Post{CustomerID: a.customer, Integrations: a.accounts[:2]})
	a.platform, a.files = a.post.PlatformPosts[1], nil
	for i := range 3 {
		a.files = append(a.files, newID(a.t))
		mustExec(a.t, a.d, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/png', 1)", a.customer, a.files[i], a.files[i].String())
	}
	mustExec(a.t, a.d, "insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 0)", a.customer, a.post.ID, a.files[0])
	mustExec(a.t, a.d, "update platform_posts set own_media = true where id = $1", a.platform)
	mustExec(a.t, a.d, "insert into platform_post_media (customer_id, platform_post_id, media_id, position) values ($1, $2, $3, 0)", a.customer, a.platform, a.files[1])
	mustExec(a.t, a.d, "update posts set scheduled_at = now() + interval '1 day', edited_by = null where id = $1", a.post.ID)
	if state == "draft" {
		return
	}
	mustExec(a.t, a.d, "update platform_posts set state = 'pending_approval' where post_id = $1", a.post.ID)
	if state == "pending_approval" {
		return
	}
	mustExec(a.t, a.d, "update posts set approved_at = now(), approved_by = $2 where id = $1", a.post.ID, a.ids["owner"])
	for _, step := range []string{"approved", "scheduled"} {
		mustExec(a.t, a.d, "update platform_posts set state = $2 where post_id = $1", a.post.ID, step)
		if state == step {
			break
		}
	}
	if state == "scheduled" {
		mustExec(a.t, a.d, `insert into river.river_job (customer_id, args, kind, max_attempts, state, scheduled_at)
			select $1, jsonb_build_object('customer_id', $1::uuid::text, 'post_id', $2::uuid::text, 'platform_post_id', id::text), 'publish', 1, 'scheduled', now() + interval '1 day'
			from platform_posts where post_id = $2`, a.customer, a.post.ID)
	}
}

func (a *approver) do(who, sql string, args ...any) (rows int64, err error) {
	err = a.d.Tenant().Tx(context.Background(), a.scopes[who], func(ctx context.Context, tx *tenant.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// changes are all ways to change what the post says, in SQL.
func (a *approver) changes() map[string]string {
	return map[string]string{
		"title":                 fmt.Sprintf("update posts set title = title || 'x' where id = '%s'", a.post.ID),
		"text":                  fmt.Sprintf("update posts set text = text || 'x' where id = '%s'", a.post.ID),
		"text and approval":     fmt.Sprintf("update posts set text = text || 'x', approved_at = now() where id = '%s'", a.post.ID),
		"platform text":         fmt.Sprintf("update platform_posts set text = 'x' where id = '%s'", a.platform),
		"options":               fmt.Sprintf(`update platform_posts set options = '{"excerpt": "x"}' where id = '%s'`, a.platform),
		"own files":             fmt.Sprintf("update platform_posts set own_media = false where id = '%s'", a.platform),
		"a file more":           fmt.Sprintf("insert into post_media (post_id, media_id, position) values ('%s', '%s', 1)", a.post.ID, a.files[2]),
		"a file less":           fmt.Sprintf("delete from post_media where post_id = '%s'", a.post.ID),
		"a file of its own":     fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ('%s', '%s', 1)", a.platform, a.files[2]),
		"none of its own":       fmt.Sprintf("delete from platform_post_media where platform_post_id = '%s'", a.platform),
		"a description":         fmt.Sprintf("update media set alt_text = alt_text || 'x' where id = '%s'", a.files[0]),
		"a description of its":  fmt.Sprintf("update media set alt_text = alt_text || 'x' where id = '%s'", a.files[1]),
		"an account":            fmt.Sprintf("insert into platform_posts (id, post_id, integration_id) values (gen_random_uuid(), '%s', '%s')", a.post.ID, a.accounts[2].ID),
		"all descriptions":      "update media set alt_text = alt_text || 'x'",
		"an account, said more": fmt.Sprintf("insert into platform_posts (id, post_id, integration_id, text) values (gen_random_uuid(), '%s', '%s', 'x')", a.post.ID, a.accounts[2].ID),
	}
}

// TestEveryChangeIsApprovedAgain: whatever changes what a post says, and whoever does it, takes approval back, and with it
// what was planned.
func TestEveryChangeIsApprovedAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	a.fresh("draft")
	for _, state := range []string{"approved", "scheduled"} {
		for _, who := range []string{"member", "owner", "s-manager", "key", "writing key", "publishing key"} {
			for what := range a.changes() {
				if what == "text and approval" && who != "owner" {
					continue // refused: see TestApprovalIsGuarded
				}
				a.fresh(state)
				rows, err := a.do(who, a.changes()[what])
				approved := one[bool](ctx, t, a.d.Super, "select approved_at is not null from posts where id = $1", a.post.ID)
				forward := one[int](ctx, t, a.d.Super, "select count(*) from platform_posts where post_id = $1 and state in ('approved', 'scheduled')", a.post.ID)
				jobs := one[int](ctx, t, a.d.Super, "select count(*) from river.river_job where args ->> 'post_id' = $1 and state = 'scheduled'", a.post.ID.String())
				if who == "writing key" || who == "publishing key" {
					// It may not change what is approved: refused, or passed over, and then nothing is lost either.
					if (err == nil && rows > 0) || !approved || forward != 2 {
						t.Errorf("%s of a post that is %s as %s: %d rows, %v; approved %v, %d forward", what, state, who, rows, err, approved, forward)
					}
					continue
				}
				if err != nil || rows == 0 {
					t.Errorf("%s of a post that is %s as %s: %d rows, %v", what, state, who, rows, err)
					continue
				}
				at := one[bool](ctx, t, a.d.Super, "select scheduled_at > now() from posts where id = $1", a.post.ID)
				if approved || forward != 0 || jobs != 0 || !at {
					t.Errorf("%s of a post that was %s as %s: approved %v, %d forward, %d jobs, its time stays %v", what, state, who, approved, forward, jobs, at)
				}
				by := one[*uuid.UUID](ctx, t, a.d.Super, "select edited_by from posts where id = $1", a.post.ID)
				if person, is := a.ids[who]; is && (by == nil || *by != person) || !is && by != nil {
					t.Errorf("%s as %s: edited by %v", what, who, by)
				}
			}
		}
	}
	// What does not change what it says changes nothing of this.
	a.fresh("scheduled")
	for _, sql := range []string{"update posts set scheduled_at = now() + interval '2 days' where id = $1", "update posts set title = title, text = text where id = $1",
		"update platform_posts set options = options where post_id = $1", "update platform_posts set retry_at = now() where post_id = $1"} {
		if _, err := a.do("member", sql, a.post.ID); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		if n := one[int](ctx, t, a.d.Super, "select count(*) from platform_posts pp join posts p on p.id = pp.post_id where p.id = $1 and p.approved_at is not null and pp.state = 'scheduled'", a.post.ID); n != 2 {
			t.Errorf("%s: %d are left on their way", sql, n)
		}
	}
	// Where nobody asks for approval, what is on its way goes on.
	mustExec(t, a.d, "update customers set approval_required = false where id = $1", a.customer)
	a.fresh("scheduled")
	if _, err := a.do("member", "update posts set text = 'Other' where id = $1", a.post.ID); err != nil {
		t.Error(err)
	}
	if n := one[int](ctx, t, a.d.Super, "select count(*) from platform_posts pp join posts p on p.id = pp.post_id where p.id = $1 and p.approved_at is null and pp.state = 'scheduled'", a.post.ID); n != 2 {
		t.Errorf("%d are left on their way", n)
	}
}

// TestApprovalIsGuarded: nobody gets around approval with SQL.
func TestApprovalIsGuarded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	first := refusal{badCheck, "platform_posts_approved_first"}
	for _, state := range []string{"draft", "pending_approval"} {
		for _, who := range []string{"member", "admin", "owner", "s-manager", "key"} {
			a.fresh(state)
			for _, to := range []string{"approved", "scheduled"} {
				if state == "pending_approval" && to == "scheduled" {
					continue // no such way
				}
				if _, err := a.do(who, "update platform_posts set state = $2 where id = $1", a.platform, to); refused(err) != first {
					t.Errorf("%s to %s as %s: %v", state, to, who, err)
				}
			}
		}
	}
	approve := "update posts set approved_at = now() where id = $1"
	for role, mayApprove := range map[string][]string{
		"member": {"member", "admin", "owner", "s-manager"}, "admin": {"admin", "owner", "s-manager"}, "owner": {"owner", "s-manager"},
	} {
		mustExec(t, a.d, "update customers set approver_role = $2 where id = $1", a.customer, role)
		for who := range a.scopes {
			a.fresh("pending_approval")
			rows, err := a.do(who, approve, a.post.ID)
			by := one[*uuid.UUID](ctx, t, a.d.Super, "select approved_by from posts where id = $1", a.post.ID)
			if may := slices.Contains(mayApprove, who); may != (err == nil && rows == 1) || may != (by != nil) || by != nil && *by != a.ids[who] {
				t.Errorf("approver_role %s, as %s: %d rows, %v, by %v", role, who, rows, err, by)
			}
			if err != nil && refused(err).Code != denied {
				t.Errorf("as %s: %v", who, err)
			}
		}
	}
	// In nobody else's name, and at no other time.
	a.fresh("pending_approval")
	for _, sql := range []string{
		"update posts set approved_at = now(), approved_by = '" + a.ids["member"].String() + "' where id = $1",
		"update posts set approved_by = null where id = $1",
		"insert into posts (id, text, approved_at) values (gen_random_uuid(), 'x' || $1::uuid, now())",
		"insert into posts (id, text, edited_by) values (gen_random_uuid(), 'x' || $1::uuid, null)",
	} {
		_, err := a.do("owner", sql, a.post.ID)
		expectRefused(t, sql, err, denied)
	}
	if _, err := a.do("owner", "update posts set approved_at = '2001-01-01' where id = $1", a.post.ID); err != nil {
		t.Fatal(err)
	}
	if !one[bool](ctx, t, a.d.Super, "select approved_at > now() - interval '1 minute' from posts where id = $1", a.post.ID) {
		t.Error("approved in another year")
	}
	for _, column := range []string{"edited_by", "submitted_by"} {
		if _, err := a.do("admin", fmt.Sprintf("update posts set %s = '%s' where id = $1", column, a.ids["owner"]), a.post.ID); err != nil {
			t.Fatal(err)
		}
		if by := one[*uuid.UUID](ctx, t, a.d.Super, "select "+column+" from posts where id = $1", a.post.ID); by == nil || *by != a.ids["admin"] {
			t.Errorf("%s is %v", column, by)
		}
	}
	// Not one's own where that is off; a key hides nobody.
	mustExec(t, a.d, "update customers set self_approval = false, approver_role = 'member' where id = $1", a.customer)
	for _, own := range []string{"update posts set text = text || 'x' where id = $1", "update posts set submitted_by = tenancy.user_id() where id = $1"} {
		for _, then := range []string{"", "update posts set text = text || 'by a key' where id = $1", "update posts set submitted_by = tenancy.user_id() where id = $1"} {
			a.fresh("pending_approval")
			if _, err := a.do("member", own, a.post.ID); err != nil {
				t.Fatal(err)
			}
			if then != "" {
				if _, err := a.do("key", then, a.post.ID); err != nil {
					t.Fatal(err)
				}
			}
			_, err := a.do("member", approve, a.post.ID)
			expectRefused(t, own+", "+then, err, denied)
			if _, err := a.do("admin", approve, a.post.ID); err != nil {
				t.Errorf("somebody else: %v", err)
			}
		}
	}
	// Verdicts: as one may approve, and never changed.
	mustExec(t, a.d, "update customers set approver_role = 'admin' where id = $1", a.customer)
	for who, may := range map[string]string{"viewer": "", "member": "submitted withdrawn comment", "admin": "submitted rejected withdrawn comment",
		"key": "submitted withdrawn comment", "publishing key": ""} {
		for _, verdict := range []string{"submitted", "approved", "rejected", "withdrawn", "comment"} {
			_, err := a.do(who, "insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 1, $2, 'x')", a.post.ID, verdict)
			if allowed := slices.Contains(strings.Fields(may), verdict); allowed != (err == nil) || err != nil && refused(err).Code != denied {
				t.Errorf("%s by %s: %v", verdict, who, err)
			}
		}
	}
	for _, sql := range []string{"update post_reviews set comment = 'y'", "delete from post_reviews", "insert into post_reviews (id, post_id, post_version, verdict, comment, created_by) values (gen_random_uuid(), gen_random_uuid(), 1, 'comment', 'x', null)"} {
		_, err := a.do("owner", sql)
		expectRefused(t, sql, err, denied)
	}
	// Who may change the customer sets how it approves, and nobody else.
	for who, may := range map[string]bool{"member": false, "admin": true, "owner": true, "key": false} {
		rows, err := a.do(who, "update customers set self_approval = true")
		if may != (err == nil && rows == 1) {
			t.Errorf("settings by %s: %d rows, %v", who, rows, err)
		}
	}
}

// TestDecisionsOfPeople: what became of a post that needs attention is for a person to say, and nothing is said of any other.
func TestDecisionsOfPeople(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	confirm := "update platform_posts set state = 'published', external_id = id, external_url = 'https://x.example', published_at = now(), problem = null where id = $1"
	retry := "update platform_posts set state = 'scheduled' where id = $1"
	for _, test := range []struct {
		who, sql, class string
		out, may        bool
	}{
		{"member", confirm, "unknown_outcome", false, true},
		{"s-manager", confirm, "unknown_outcome", false, true},
		{"viewer", confirm, "unknown_outcome", false, false},
		{"key", confirm, "unknown_outcome", false, false},
		{"key", confirm, "credential", false, false},
		{"member", retry, "unknown_outcome", false, true},
		{"member", retry, "credential", true, true},
		{"key", retry, "unknown_outcome", false, false},
		{"key", retry, "transient", true, false},
		{"key", retry, "credential", true, false}, // part of it is there
		{"key", retry, "credential", false, true}, // nothing was sent
		{"publishing key", retry, "credential", false, true},
		{"writing key", retry, "credential", false, false},
	} {
		a.attention(test.class, test.out)
		rows, err := a.do(test.who, test.sql, a.post.PlatformPosts[0])
		if test.may != (err == nil && rows == 1) || err != nil && refused(err).Code != denied {
			t.Errorf("%s as %s, %s, partly out %v: %d rows, %v", test.sql[:50], test.who, test.class, test.out, rows, err)
		}
		if test.may && test.sql == retry {
			if n := one[int](ctx, t, a.d.Super, "select first_attempt from platform_posts where id = $1", a.post.PlatformPosts[0]); n != 4 {
				t.Errorf("the new round begins with attempt %d", n)
			}
		}
	}
	for _, state := range []string{"draft", "pending_approval", "approved", "scheduled"} {
		a.fresh(state)
		for _, sql := range []string{"update platform_posts set external_id = 'x' where id = $1", "update platform_posts set external_url = 'https://x.example' where id = $1",
			"update platform_posts set published_at = now() where id = $1", "update platform_posts set first_attempt = 9 where id = $1", "update platform_posts set attempt = 9 where id = $1"} {
			_, err := a.do("owner", sql, a.platform)
			expectRefused(t, state+": "+sql, err, denied)
		}
	}
}

// TestApprovalWhileEdited: whoever puts a post on its way holds it as it was approved. An edit at the same moment comes
// before, and then nothing goes out, or after, and takes it back.
func TestApprovalWhileEdited(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	a.fresh("approved")
	mustExec(t, a.d, "update platform_posts set state = 'draft' where post_id = $1", a.post.ID)
	edited, waiting := make(chan struct{}), make(chan struct{})
	var editing, moving error
	var wait sync.WaitGroup
	wait.Go(func() {
		editing = a.d.Tenant().Tx(ctx, a.scopes["member"], func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, "update posts set text = 'Other' where id = $1", a.post.ID)
			close(edited)
			<-waiting
			return err
		})
	})
	wait.Go(func() {
		<-edited
		moving = a.d.Tenant().Tx(ctx, a.scopes["owner"], func(ctx context.Context, tx *tenant.Tx) error {
			pid := one[int32](ctx, t, tx, "select pg_backend_pid()")
			go func() {
				defer close(waiting)
				awaitLock(ctx, t, a.d, pid)
			}()
			_, err := tx.Exec(ctx, "update platform_posts set state = 'scheduled' where id = $1", a.platform)
			return err
		})
	})
	wait.Wait()
	if editing != nil {
		t.Errorf("the edit: %v", editing)
	}
	if got, want := refused(moving), (refusal{badCheck, "platform_posts_approved_first"}); got != want {
		t.Errorf("putting it on its way: %v (%v), want %v", got, moving, want)
	}
}

// TestWhatWaitsIsWhatIsSeen: a file's description, or a template, that changes is a new version of every post that shows it,
// by whoever changed it, so that nobody approves what they have not seen.
func TestWhatWaitsIsWhatIsSeen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	for _, required := range []bool{true, false} {
		mustExec(t, a.d, "update customers set approval_required = $2 where id = $1", a.customer, required)
		for _, state := range []string{"draft", "pending_approval", "approved"} {
			for _, what := range []string{"media 0", "media 1", "template"} {
				a.fresh(state)
				template := newID(t)
				mustExec(t, a.d, "insert into email_templates (customer_id, id, name, html) values ($1, $2, $3, 'x')", a.customer, template, template.String())
				mustExec(t, a.d, "update platform_posts set options = jsonb_build_object('template_id', $2::text) where id = $1", a.platform, template.String())
				mustExec(t, a.d, "update posts set edited_by = $2 where id = $1", a.post.ID, a.ids["owner"])
				before := one[int64](ctx, t, a.d.Super, "select version from posts where id = $1", a.post.ID)
				var err error
				switch what {
				case "template":
					_, err = a.do("member", "update email_templates set html = 'y' where id = $1", template)
				case "media 0":
					_, err = a.do("member", "update media set alt_text = 'y' where id = $1", a.files[0])
				default:
					_, err = a.do("member", "update media set alt_text = 'y' where id = $1", a.files[1])
				}
				if err != nil {
					t.Errorf("%s of a post that is %s: %v", what, state, err)
				}
				after := one[int64](ctx, t, a.d.Super, "select version from posts where id = $1", a.post.ID)
				by := one[*uuid.UUID](ctx, t, a.d.Super, "select edited_by from posts where id = $1", a.post.ID)
				left := one[int](ctx, t, a.d.Super, "select count(*) from platform_posts pp join posts p on p.id = pp.post_id where p.id = $1 and (p.approved_at is not null or pp.state = 'approved')", a.post.ID)
				if after <= before || by == nil || *by != a.ids["member"] || left != 0 {
					t.Errorf("%s of a post that was %s, approval required %v: version %d, then %d; edited by %v; %d still approved", what, state, required, before, after, by, left)
				}
			}
		}
	}
	// What a key may not change stays as it was approved, even where the post has other accounts that are drafts again.
	mustExec(t, a.d, "update customers set approval_required = true where id = $1", a.customer)
	a.fresh("approved")
	mustExec(t, a.d, "update platform_posts set state = 'pending_approval' where id = $1", a.platform)
	for what, sql := range a.changes() {
		if what == "text and approval" {
			continue
		}
		if _, err := a.do("writing key", sql); refused(err).Code != denied {
			t.Errorf("%s as a writing key: %v", what, err)
		}
		if n := one[int](ctx, t, a.d.Super, "select count(*) from platform_posts pp join posts p on p.id = pp.post_id where p.id = $1 and p.approved_at is not null and pp.state = 'approved'", a.post.ID); n != 1 {
			t.Errorf("%s as a writing key: %d are approved", what, n)
		}
	}
}

// TestApprovedMeansApproved: what became approved where nobody asked for it is approved when somebody does.
func TestApprovedMeansApproved(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	a.fresh("approved")
	mustExec(t, a.d, "update posts set approved_at = null where id = $1", a.post.ID)
	_, err := a.do("owner", "update platform_posts set state = 'scheduled' where id = $1", a.platform)
	if got, want := refused(err), (refusal{badCheck, "platform_posts_approved_first"}); got != want {
		t.Errorf("approved by nobody, to scheduled: %v (%v)", got, err)
	}
}

// attention lets the post, with one account, need attention, approved as it is.
func (a *approver) attention(class string, out bool) {
	a.t.Helper()
	a.fresh("scheduled")
	mustExec(a.t, a.d, "delete from platform_posts where id = $1", a.platform)
	mustExec(a.t, a.d, "update posts set approved_at = now(), approved_by = $2 where id = $1", a.post.ID, a.ids["owner"])
	mustExec(a.t, a.d, "update platform_posts set state = 'publishing', attempt = 3 where post_id = $1", a.post.ID)
	mustExec(a.t, a.d, "update platform_posts set state = 'needs_attention', problem = 'Look.', problem_class = $2, external_id = case when $3 then id::text end where post_id = $1", a.post.ID, class, out)
}

// pastTriggers runs a statement that the triggers would refuse.
func (a *approver) pastTriggers(sql string, args ...any) {
	a.t.Helper()
	ctx := context.Background()
	tx, err := a.d.Super.Begin(ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "set local session_replication_role = replica"); err != nil {
		a.t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		a.t.Fatal(err)
	}
}

// TestWhatMayBeOut: what may be out is neither changed, nor posted again unasked, nor without approval.
func TestWhatMayBeOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	one0 := func() uuid.UUID { return a.post.PlatformPosts[0] }
	transition := refusal{badCheck, "platform_posts_state_transition"}
	for _, test := range []struct {
		class string
		out   bool
	}{{"credential", false}, {"credential", true}, {"unknown_outcome", false}, {"transient", true}} {
		unsent := test.class == "credential" && !test.out
		what := fmt.Sprintf("%s, partly out %v", test.class, test.out)
		expect := func(step string, err error, want refusal) {
			t.Helper()
			if unsent {
				want = refusal{}
			}
			if got := refused(err); got != want || (err != nil && got == refusal{}) {
				t.Errorf("%s, %s: %v (%v), want %v", what, step, got, err, want)
			}
		}
		a.attention(test.class, test.out)
		_, err := a.do("owner", "update media set alt_text = alt_text || 'x' where id = $1", a.files[0])
		expect("a description", err, refusal{badCheck, "media_alt_text_frozen"})

		a.attention(test.class, test.out)
		template := newID(t)
		mustExec(t, a.d, "insert into email_templates (customer_id, id, name, html) values ($1, $2, $3, 'x')", a.customer, template, template.String())
		a.pastTriggers("update platform_posts set options = jsonb_build_object('template_id', $2::text) where id = $1", one0(), template.String())
		_, err = a.do("owner", "update email_templates set subject = 'x' where id = $1", template)
		expect("a template", err, refusal{"23503", "email_templates_frozen"})

		a.attention(test.class, test.out)
		_, err = a.do("member", "update platform_posts set state = 'pending_approval' where id = $1", one0())
		expect("submitted", err, transition)

		a.attention(test.class, test.out)
		_, err = a.do("key", "update platform_posts set state = 'cancelled' where id = $1", one0())
		expect("cancelled by a key", err, refusal{Code: denied})

		for _, sql := range []string{"update platform_posts set problem_class = 'credential' where id = $1", "update platform_posts set problem_class = null, state = 'cancelled' where id = $1"} {
			a.attention(test.class, test.out)
			if _, err = a.do("owner", sql, one0()); refused(err).Code != denied && (test.class != "credential" || strings.Contains(sql, "null")) {
				t.Errorf("%s: %s: %v", what, sql, err)
			}
		}

		// Cancelled by a person, it comes back only where nothing was sent.
		a.attention(test.class, test.out)
		if _, err := a.do("member", "update platform_posts set state = 'cancelled' where id = $1", one0()); err != nil {
			t.Errorf("%s: cancelled: %v", what, err)
		}
		if class := one[*string](ctx, t, a.d.Super, "select problem_class from platform_posts where id = $1", one0()); class == nil || *class != test.class {
			t.Errorf("%s: its problem is %v", what, class)
		}
		if test.class != "credential" {
			_, err = a.do("owner", "update platform_posts set problem_class = null where id = $1", one0())
			expect("its problem is hidden", err, refusal{Code: denied})
		}
		for _, who := range []string{"owner", "s-manager", "key"} {
			if who != "key" && unsent {
				continue
			}
			_, err = a.do(who, "update platform_posts set state = 'draft' where id = $1", one0())
			expect("reopened by "+who, err, transition)
		}

		// Posted again only as it was approved.
		a.attention(test.class, test.out)
		mustExec(t, a.d, "update posts set approved_at = null where id = $1", a.post.ID)
		_, err = a.do("owner", "update platform_posts set state = 'scheduled' where id = $1", one0())
		if got, want := refused(err), (refusal{badCheck, "platform_posts_approved_first"}); got != want {
			t.Errorf("%s, posted again without approval: %v (%v)", what, got, err)
		}
	}
	// Nor while it is being published.
	a.fresh("scheduled")
	mustExec(t, a.d, "update platform_posts set state = 'publishing', attempt = 1 where id = $1", a.platform)
	for i, want := range []refusal{{}, {badCheck, "media_alt_text_frozen"}} {
		_, err := a.do("owner", "update media set alt_text = 'x' where id = $1", a.files[i])
		if got := refused(err); got != want || (err != nil && got == refusal{}) {
			t.Errorf("the description of file %d: %v (%v), want %v", i, got, err, want)
		}
	}
}

// TestReviewsAreMade: a review says what was decided, of the post as it was.
func TestReviewsAreMade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	a.fresh("pending_approval")
	write := "insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 999, $2, 'x')"
	for who, verdicts := range map[string][]string{"owner": {"approved"}, "s-manager": {"approved"}, "member": {"approved", "rejected"}, "key": {"approved", "rejected"}} {
		for _, verdict := range verdicts {
			_, err := a.do(who, write, a.post.ID, verdict)
			expectRefused(t, verdict+" by "+who, err, denied)
		}
	}
	for who, verdict := range map[string]string{"owner": "rejected", "s-manager": "rejected", "member": "submitted", "key": "comment"} {
		if _, err := a.do(who, write, a.post.ID, verdict); err != nil {
			t.Errorf("%s by %s: %v", verdict, who, err)
		}
	}
	// Approved a while ago, or by somebody else, is not approved now.
	mustExec(t, a.d, "update posts set approved_at = now() - interval '1 hour', approved_by = $2 where id = $1", a.post.ID, a.ids["owner"])
	_, err := a.do("owner", write, a.post.ID, "approved")
	expectRefused(t, "approved earlier", err, denied)
	mustExec(t, a.d, "update posts set approved_at = null where id = $1", a.post.ID)
	version := one[int64](ctx, t, a.d.Super, "select version from posts where id = $1", a.post.ID)
	if err := a.d.Tenant().Tx(ctx, a.scopes["owner"], func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "update posts set approved_at = now() where id = $1", a.post.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, write, a.post.ID, "approved")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := one[int64](ctx, t, a.d.Super, "select post_version from post_reviews where post_id = $1 and verdict = 'approved'", a.post.ID); got != version {
		t.Errorf("approved is version %d, want %d", got, version)
	}
	if n := one[int](ctx, t, a.d.Super, "select count(*) from post_reviews where post_version = 999"); n != 0 {
		t.Errorf("%d reviews are about a version that never was", n)
	}
}

// forward tells whether the post is approved, how many of its platform posts are approved or scheduled, and how many jobs wait.
func (a *approver) forward() (approved bool, forward, jobs int) {
	a.t.Helper()
	ctx := context.Background()
	return one[bool](ctx, a.t, a.d.Super, "select approved_at is not null from posts where id = $1", a.post.ID),
		one[int](ctx, a.t, a.d.Super, "select count(*) from platform_posts where post_id = $1 and state in ('approved', 'scheduled')", a.post.ID),
		one[int](ctx, a.t, a.d.Super, "select count(*) from river.river_job where args ->> 'post_id' = $1 and state = 'scheduled'", a.post.ID.String())
}

// TestAnAccountLessIsApprovedAgain: what goes out elsewhere than was approved is to be approved again.
func TestAnAccountLessIsApprovedAgain(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	for _, state := range []string{"approved", "scheduled"} {
		for _, who := range []string{"member", "owner", "s-manager", "key", "writing key"} {
			a.fresh(state)
			if state == "scheduled" {
				mustExec(t, a.d, "update platform_posts set state = 'draft' where id = $1", a.platform)
			}
			rows, err := a.do(who, "delete from platform_posts where id = $1", a.platform)
			approved, forward, jobs := a.forward()
			if who == "writing key" || who == "key" && state == "approved" { // beyond what it may change
				if (err == nil && rows > 0) || !approved || forward == 0 {
					t.Errorf("off a post that is %s as %s: %d rows, %v; approved %v, %d forward", state, who, rows, err, approved, forward)
				}
				continue
			}
			if err != nil || rows != 1 || approved || forward != 0 || jobs != 0 {
				t.Errorf("off a post that was %s as %s: %d rows, %v; approved %v, %d forward, %d jobs", state, who, rows, err, approved, forward, jobs)
			}
		}
	}
}

// TestCustomerNameIsApprovedAgain: the customer's name stands in e-mails, and is what they say as much as their template is.
func TestCustomerNameIsApprovedAgain(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	a.scopes["s-admin"] = a.admin
	template := newID(t)
	mustExec(t, a.d, "insert into email_templates (customer_id, id, name, html) values ($1, $2, 'x', '{{customer}}')", a.customer, template)
	use := func() {
		t.Helper()
		a.pastTriggers("update platform_posts set options = jsonb_build_object('template_id', $2::text) where id = $1", a.platform, template.String())
	}
	rename := "update customers set name = name || 'x'"
	for _, state := range []string{"approved", "scheduled"} {
		for _, who := range []string{"admin", "owner", "s-admin"} {
			a.fresh(state)
			if _, err := a.do(who, rename); err != nil {
				t.Errorf("as %s: %v", who, err)
			}
			if approved, forward, _ := a.forward(); !approved || forward != 2 {
				t.Errorf("a post that is %s and has no template: approved %v, %d forward", state, approved, forward)
			}
			use()
			if _, err := a.do(who, "update customers set name = name, description = description || 'x'"); err != nil {
				t.Errorf("as %s: %v", who, err)
			}
			if approved, forward, _ := a.forward(); !approved || forward != 2 {
				t.Errorf("the same name, a post that is %s: approved %v, %d forward", state, approved, forward)
			}
			if _, err := a.do(who, rename); err != nil {
				t.Errorf("as %s: %v", who, err)
			}
			if approved, forward, jobs := a.forward(); approved || forward != 0 || jobs != 0 {
				t.Errorf("as %s, a post that was %s: approved %v, %d forward, %d jobs", who, state, approved, forward, jobs)
			}
		}
	}
	for _, test := range []struct {
		class string
		out   bool
		want  refusal
	}{
		{"credential", false, refusal{}}, {"credential", true, refusal{badCheck, "customers_name_frozen"}}, {"unknown_outcome", false, refusal{badCheck, "customers_name_frozen"}},
	} {
		a.attention(test.class, test.out)
		a.platform = a.post.PlatformPosts[0]
		use()
		if _, err := a.do("owner", rename); refused(err) != test.want || (err != nil && test.want == refusal{}) {
			t.Errorf("%s, partly out %v: %v, want %v", test.class, test.out, err, test.want)
		}
		a.pastTriggers("update platform_posts set options = '{}' where id = $1", a.platform)
	}
	// What is archived keeps its name, also together with the end of that.
	mustExec(t, a.d, "update customers set archived_at = now() where id = $1", a.customer)
	_, err := a.do("owner", "update customers set archived_at = null, name = 'Other'")
	expectRefused(t, "another name", err, denied)
	if _, err := a.do("owner", "update customers set archived_at = null"); err != nil {
		t.Error(err)
	}
}

// TestWhoSaysHowIsApproved: how posts are approved is for those to change who may approve as it is.
func TestWhoSaysHowIsApproved(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	a.scopes["s-admin"] = a.admin
	for role, may := range map[string][]string{"member": {"admin", "owner", "s-admin"}, "admin": {"admin", "owner", "s-admin"}, "owner": {"owner", "s-admin"}} {
		for _, sql := range []string{
			"update customers set approval_required = not approval_required",
			"update customers set self_approval = not self_approval",
			"update customers set approver_role = case approver_role when 'member' then 'admin' else 'member' end",
		} {
			for _, who := range []string{"member", "admin", "owner", "s-admin", "s-manager", "key"} {
				mustExec(t, a.d, "update customers set approver_role = $2 where id = $1", a.customer, role)
				rows, err := a.do(who, sql)
				if slices.Contains(may, who) != (err == nil && rows == 1) || err != nil && refused(err).Code != denied {
					t.Errorf("%s where %s approves, as %s: %d rows, %v", sql, role, who, rows, err)
				}
			}
		}
	}
	mustExec(t, a.d, "update customers set approver_role = 'owner' where id = $1", a.customer)
	if rows, err := a.do("admin", "update customers set description = 'x', approver_role = approver_role"); err != nil || rows != 1 {
		t.Errorf("something else: %d rows, %v", rows, err)
	}
}

// TestOnesKeyIsOneself: where nobody approves what they wrote, nor do they what a key or token of theirs wrote or submitted.
func TestOnesKeyIsOneself(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	mustExec(t, a.d, "update customers set self_approval = false where id = $1", a.customer)
	admin := a.ids["admin"]
	key := a.d.APIKey(t, dbtest.APIKey{CustomerID: a.customer, CreatedBy: admin})
	a.scopes["own key"] = key.Scope().In(a.customer)
	a.scopes["own token"] = a.d.AgentToken(t, dbtest.AgentToken{CustomerID: a.customer, CreatedBy: &admin}).Scope().In(a.customer)
	a.scopes["own key's token"] = a.d.AgentToken(t, dbtest.AgentToken{CustomerID: a.customer, KeyID: &key.ID}).Scope().In(a.customer)
	approve := "update posts set approved_at = now() where id = $1"
	for _, own := range []string{"own key", "own token", "own key's token"} {
		for what, sql := range map[string]string{
			"text": "update posts set text = text || 'x' where id = $1", "platform text": "update platform_posts set text = 'x' where post_id = $1",
			"a file less": "delete from post_media where post_id = $1", "submitted": "update posts set approved_at = null, submitted_by = tenancy.user_id(), submitted_for = tenancy.acts_for() where id = $1",
			"somebody else's": "update posts set submitted_by = $2, edited_by = $2, submitted_for = $2, edited_for = $2 where id = $1",
		} {
			for _, hidden := range []bool{false, true} {
				a.fresh("pending_approval")
				mustExec(t, a.d, "update posts set edited_by = $2 where id = $1", a.post.ID, a.ids["member"])
				args := []any{a.post.ID, a.ids["viewer"]}
				if !strings.Contains(sql, "$2") {
					args = args[:1]
				}
				if _, err := a.do(own, sql, args...); err != nil {
					t.Fatalf("%s by %s: %v", what, own, err)
				}
				if hidden { // a person's change is theirs alone; what was submitted stays so
					if _, err := a.do("member", "update posts set text = text || 'y' where id = $1", a.post.ID); err != nil {
						t.Fatal(err)
					}
				}
				_, err := a.do("admin", approve, a.post.ID)
				if may := hidden && what != "submitted" && what != "somebody else's"; may != (err == nil) || err != nil && refused(err).Code != denied {
					t.Errorf("%s by %s, changed by a member then %v: %v", what, own, hidden, err)
				}
				if _, err := a.do("owner", approve, a.post.ID); err != nil {
					t.Errorf("%s by %s, approved by somebody else: %v", what, own, err)
				}
			}
		}
		// From the beginning.
		a.fresh("draft")
		if _, err := a.do(own, "insert into posts (id, text) values ($1, 'x')", a.platform); err != nil {
			t.Fatal(err)
		}
		_, err := a.do("admin", approve, a.platform)
		expectRefused(t, "made by "+own, err, denied)
		if by := one[*uuid.UUID](ctx, t, a.d.Super, "select edited_by from posts where id = $1", a.platform); by != nil {
			t.Errorf("made by %s, and edited by %v", own, by)
		}
	}
}

// TestUnapprovedKeepsItsTime: what was on its way before approval was asked for goes out, and at no other time.
func TestUnapprovedKeepsItsTime(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	move := "update posts set scheduled_at = now() + interval '2 days' where id = $1"
	for _, who := range []string{"member", "owner", "s-manager", "key", "publishing key"} {
		a.fresh("scheduled")
		a.pastTriggers("update posts set approved_at = null, approved_by = null where id = $1", a.post.ID)
		_, err := a.do(who, move, a.post.ID)
		if got, want := refused(err), (refusal{badCheck, "posts_time_approved_first"}); got != want {
			t.Errorf("as %s: %v (%v), want %v", who, got, err, want)
		}
		if _, err := a.do("member", "update posts set campaign_id = null, scheduled_at = scheduled_at where id = $1", a.post.ID); err != nil {
			t.Errorf("something else: %v", err)
		}
		mustExec(t, a.d, "update platform_posts set state = 'cancelled' where post_id = $1", a.post.ID)
		if _, err := a.do(who, move, a.post.ID); err != nil {
			t.Errorf("as %s, once it is cancelled: %v", who, err)
		}
	}
	mustExec(t, a.d, "update customers set approval_required = false where id = $1", a.customer)
	a.fresh("scheduled")
	a.pastTriggers("update posts set approved_at = null, approved_by = null where id = $1", a.post.ID)
	if _, err := a.do("member", move, a.post.ID); err != nil {
		t.Errorf("where nobody asks for approval: %v", err)
	}
}

// TestWritingKeysPublishNothingThatRecurs: what recurs goes out by itself; a key that only writes does not change it.
func TestWritingKeysPublishNothingThatRecurs(t *testing.T) {
	t.Parallel()
	a := newApprover(t)
	mustExec(t, a.d, "update customers set approval_required = false where id = $1", a.customer)
	for _, state := range []string{"paused", "active"} {
		a.fresh("draft")
		template := newID(t)
		mustExec(t, a.d, "insert into email_templates (customer_id, id, name, html) values ($1, $2, $3, 'x')", a.customer, template, template.String())
		mustExec(t, a.d, "update platform_posts set options = jsonb_build_object('template_id', $2::text) where id = $1", a.platform, template.String())
		mustExec(t, a.d, "update recurring_posts set state = $2 where id = $1", a.d.RecurringPost(t, a.customer, a.post.ID), state)
		changes := a.changes()
		delete(changes, "text and approval")
		changes["an account less"] = fmt.Sprintf("delete from platform_posts where id = '%s'", a.post.PlatformPosts[0])
		changes["an account cancelled"] = fmt.Sprintf("update platform_posts set state = 'cancelled' where id = '%s'", a.post.PlatformPosts[0])
		changes["template"] = fmt.Sprintf("update email_templates set html = 'y' where id = '%s'", template)
		for what, sql := range changes {
			for _, who := range []string{"writing key", "key", "member"} {
				err := a.d.Tenant().Tx(context.Background(), a.scopes[who], func(ctx context.Context, tx *tenant.Tx) error {
					if _, err := tx.Exec(ctx, sql); err != nil {
						return err
					}
					return errUndone
				})
				if mayNot := state == "active" && who == "writing key"; mayNot != (refused(err).Code == denied) || !mayNot && !errors.Is(err, errUndone) {
					t.Errorf("%s of a post whose recurrence is %s as %s: %v", what, state, who, err)
				}
			}
		}
	}
}

// TestReviewsKeepContent: a review that decides says what the post said, whoever writes it, and nobody else says so.
func TestReviewsKeepContent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	a.fresh("pending_approval")
	template := newID(t)
	mustExec(t, a.d, "insert into email_templates (customer_id, id, name, subject, html) values ($1, $2, 'x', 'News', '<p>x</p>')", a.customer, template)
	mustExec(t, a.d, "update media set alt_text = 'A cup.' where id = $1", a.files[1])
	mustExec(t, a.d, "update platform_posts set text = 'Its own.', options = jsonb_build_object('template_id', $2::text) where id = $1", a.platform, template.String())
	const write = "insert into post_reviews (id, post_id, post_version, verdict, comment) values (gen_random_uuid(), $1, 1, $2, 'x')"
	want := one[string](ctx, t, a.d.Super, `select jsonb_build_object('title', p.title, 'text', p.text, 'scheduled_at', p.scheduled_at, 'media_ids', jsonb_build_array($2::uuid),
			'media', jsonb_build_array(jsonb_build_object('id', $2::uuid, 'alt_text', ''), jsonb_build_object('id', $3::uuid, 'alt_text', 'A cup.')),
			'templates', jsonb_build_array(jsonb_build_object('id', $4::uuid, 'subject', 'News', 'preview_text', '', 'customer_name', c.name, 'html_sha256', encode(sha256('<p>x</p>'), 'hex'))),
			'platform_posts', (select jsonb_agg(jsonb_build_object('integration_id', pp.integration_id, 'platform', i.platform, 'text', case when pp.id = $5 then 'Its own.' end,
				'options', pp.options, 'media_ids', case when pp.id = $5 then jsonb_build_array($3::uuid) end) order by pp.id)
				from platform_posts pp join integrations i on i.id = pp.integration_id where pp.post_id = p.id))::text
		from posts p join customers c on c.id = p.customer_id where p.id = $1`, a.post.ID, a.files[0], a.files[1], template, a.platform)
	for who, decides := range map[string]bool{"owner": true, "member": false, "key": false, "s-manager": true} {
		if decides {
			if _, err := a.do(who, write, a.post.ID, "rejected"); err != nil {
				t.Fatalf("rejected by %s: %v", who, err)
			}
			if got := one[string](ctx, t, a.d.Super, "select coalesce(content::text, '') from post_reviews order by created_at desc limit 1"); got != want {
				t.Errorf("rejected by %s kept %s, want %s", who, got, want)
			}
		}
		for _, verdict := range []string{"comment", "submitted", "withdrawn"} {
			if _, err := a.do(who, write, a.post.ID, verdict); err != nil {
				t.Fatalf("%s by %s: %v", verdict, who, err)
			}
		}
		for _, verdict := range []string{"comment", "rejected"} {
			_, err := a.do(who, "insert into post_reviews (id, post_id, post_version, verdict, comment, content) values (gen_random_uuid(), $1, 1, $2, 'x', '{}')", a.post.ID, verdict)
			expectRefused(t, verdict+" with content by "+who, err, denied)
		}
	}
	if got := one[string](ctx, t, a.d.Super, "select string_agg(distinct verdict, ' ' order by verdict) from post_reviews where content is null"); got != "comment submitted withdrawn" {
		t.Errorf("without content are %s", got)
	}
	mustExec(t, a.d, "update posts set text = 'Another.' where id = $1", a.post.ID)
	if err := a.d.Tenant().Tx(ctx, a.scopes["owner"], func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "update posts set approved_at = now() where id = $1", a.post.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, write, a.post.ID, "approved")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := one[string](ctx, t, a.d.Super, "select content ->> 'text' from post_reviews where verdict = 'approved'"); got != "Another." {
		t.Errorf("approved is %s", got)
	}
	if n := one[int](ctx, t, a.d.Super, "select count(*) from post_reviews where verdict <> 'approved' and content::text <> $1", want); n != 0 {
		t.Errorf("%d reviews say something else after a change", n)
	}
	if n := one[int](ctx, t, a.d.Super, "select count(*) from audit_log where resource_type = 'post_review' and changes::text like '%Its own.%'"); n != 0 {
		t.Errorf("%d entries of the audit log repeat it", n)
	}
}
