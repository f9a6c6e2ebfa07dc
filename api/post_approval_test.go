package api_test

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// needsAttention lets every platform post of the customer need attention, as the worker does.
func (w *world) needsAttention(t testing.TB, c cast, class string) {
	t.Helper()
	w.exec(t, "update posts set scheduled_at = now() where customer_id = $1 and exists (select from platform_posts pp where pp.post_id = posts.id)", c.customer.ID)
	w.exec(t, "update platform_posts set state = 'scheduled' where customer_id = $1", c.customer.ID)
	w.exec(t, "update platform_posts set state = 'publishing', attempt = 1 where customer_id = $1", c.customer.ID)
	w.exec(t, "update platform_posts set state = 'needs_attention', problem = 'Look.', problem_class = $2 where customer_id = $1", c.customer.ID, class)
}

// approval sets how a customer of the cast's approves.
func (w *world) approval(t testing.TB, c cast, settings m) {
	t.Helper()
	w.call(t, c.owner, "PATCH", c.path(""), settings).want(t, 200)
}

// draft makes a post on two accounts and gives its path.
func (w *world) draft(t testing.TB, c cast) (path string, accounts []dbtest.Integration) {
	t.Helper()
	for range 2 {
		accounts = append(accounts, w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}))
	}
	made := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"title": "Bread", "text": "Fresh bread.",
		"platforms": []m{{"integration_id": accounts[0].ID}, {"integration_id": accounts[1].ID}}}).want(t, 201))
	return c.path("/posts/%s", made.ID), accounts
}

func TestCustomerApproval(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	got := into[api.Customer](t, w.call(t, c.viewer, "GET", c.path(""), nil).want(t, 200))
	if got.ApprovalRequired || got.ApproverRole != "admin" || !got.SelfApproval {
		t.Errorf("begins with %+v", got)
	}
	w.call(t, c.member, "PATCH", c.path(""), m{"approval_required": false}).want(t, 403)
	got = into[api.Customer](t, w.call(t, c.admin, "PATCH", c.path(""), m{"approval_required": true, "approver_role": "owner", "self_approval": false}).want(t, 200))
	if !got.ApprovalRequired || got.ApproverRole != "owner" || got.SelfApproval {
		t.Errorf("is %+v", got)
	}
	if got = into[api.Customer](t, w.call(t, c.admin, "PATCH", c.path(""), m{"name": "Other"}).want(t, 200)); !got.ApprovalRequired {
		t.Error("another change has switched it off")
	}
	// Who may not approve does not let themselves.
	for _, change := range []m{{"approver_role": "admin"}, {"approval_required": false}, {"self_approval": true}} {
		if p := w.call(t, c.admin, "PATCH", c.path(""), change).want(t, 403).problem(t); !strings.Contains(p.Detail, "approver_role") {
			t.Errorf("%v refused with %s", change, p.Detail)
		}
	}
	w.call(t, c.owner, "PATCH", c.path(""), m{"approver_role": "admin"}).want(t, 200)
	w.call(t, c.admin, "PATCH", c.path(""), m{"approver_role": "viewer"}).wantAt(t, "body.approver_role")
	made := into[api.Customer](t, w.call(t, c.outsider, "POST", "/v1/customers", m{"name": "New", "approval_required": true, "self_approval": false}).want(t, 201))
	if !made.ApprovalRequired || made.SelfApproval || made.ApproverRole != "admin" {
		t.Errorf("made %+v", made)
	}
}

// The whole way: nothing goes out that nobody has approved, and what changes afterwards is approved again.
func TestApproval(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true})
	path, accounts := w.draft(t, c)
	at := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)

	for _, operation := range []string{"/publish", "/schedule"} {
		var body any
		if operation == "/schedule" {
			body = m{"scheduled_at": at}
		}
		if p := w.call(t, c.owner, "POST", path+operation, body).want(t, 409).problem(t); !strings.Contains(p.Detail, "Submit the post") {
			t.Errorf("%s: %s", operation, p.Detail)
		}
	}
	submitted := w.call(t, c.member, "POST", path+"/submit", m{"comment": "Please look.", "scheduled_at": at}).want(t, 200)
	post := into[api.Post](t, submitted)
	if post.State != "pending_approval" || !post.ScheduledAt.Equal(at) || post.ApprovedAt != nil {
		t.Errorf("submitted %+v", post)
	}
	if p := w.call(t, c.owner, "POST", path+"/publish", nil).want(t, 409).problem(t); !strings.Contains(p.Detail, "waits for approval") {
		t.Errorf("refused with %s", p.Detail)
	}
	w.call(t, c.member, "POST", path+"/submit", m{}).want(t, 409)

	// Who approves names what they have seen.
	w.call(t, c.admin, "POST", path+"/approve", m{}).want(t, 428)
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", "*").want(t, 428)
	if p := w.call(t, c.member, "POST", path+"/approve", nil, "If-Match", submitted.etag()).want(t, 403).problem(t); !strings.Contains(p.Detail, "approver_role") {
		t.Errorf("a member is refused with %s", p.Detail)
	}
	edited := w.call(t, c.member, "PATCH", path, m{"text": "Fresher bread."}).want(t, 200)
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", submitted.etag()).want(t, 412)
	approved := into[api.Post](t, w.call(t, c.admin, "POST", path+"/approve", m{"comment": "Nice."}, "If-Match", edited.etag()).want(t, 200))
	if approved.State != "scheduled" || approved.ApprovedAt == nil || *approved.ApprovedBy != c.admin.ID || !approved.ScheduledAt.Equal(at) {
		t.Errorf("approved %+v", approved)
	}
	if n, when := w.waiting(t, approved); n != 2 || !when.Equal(at) {
		t.Errorf("%d jobs at %s", n, when)
	}

	// It is moved without approval, and changed with.
	later := at.Add(time.Hour)
	w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": later}).want(t, 202)
	changed := w.call(t, c.member, "PATCH", path, m{"title": "Fresh Bread"}).want(t, 200)
	if p := into[api.Post](t, changed); p.State != "pending_approval" || p.ApprovedAt != nil || p.ApprovedBy != nil || !p.ScheduledAt.Equal(later) {
		t.Errorf("changed %+v", p)
	}
	if n, _ := w.waiting(t, approved); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	again := into[api.Post](t, w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", changed.etag()).want(t, 200))
	if n, when := w.waiting(t, again); again.State != "scheduled" || n != 2 || !when.Equal(later) {
		t.Errorf("approved again: %s, %d jobs at %s", again.State, n, when)
	}

	// Its time passes while it waits: it is approved then, and waits for somebody to publish it.
	w.call(t, c.member, "PATCH", path, m{"text": "The freshest."}).want(t, 200)
	w.exec(t, "update posts set scheduled_at = now() - interval '1 minute' where id = $1", again.ID)
	changed = w.call(t, c.admin, "GET", path, nil).want(t, 200)
	late := w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", changed.etag()).want(t, 200)
	if p := into[api.Post](t, late); p.State != "approved" || p.PlatformPosts[0].State != "approved" {
		t.Errorf("approved late: %+v", p)
	}
	if n, _ := w.waiting(t, again); n != 0 {
		t.Errorf("%d jobs wait", n)
	}
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", late.etag()).want(t, 409)

	// An account that joins is approved with the rest.
	third := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	joined := w.call(t, c.member, "PATCH", path, m{"platforms": []m{{"integration_id": accounts[0].ID}, {"integration_id": accounts[1].ID}, {"integration_id": third.ID}}}).want(t, 200)
	if p := into[api.Post](t, joined); p.State != "pending_approval" || p.PlatformPosts[2].State != "pending_approval" || p.ApprovedAt != nil {
		t.Errorf("joined %+v", p)
	}
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", joined.etag()).want(t, 200)
	if p := into[api.Post](t, w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202)); p.State != "scheduled" {
		t.Errorf("published %+v", p)
	}

	verdicts := []string{}
	for _, r := range into[api.Page[api.PostReview]](t, w.call(t, c.viewer, "GET", path+"/reviews", nil).want(t, 200)).Items {
		verdicts = append(verdicts, r.Verdict+":"+r.Comment)
	}
	if got := strings.Join(verdicts, " "); got != "approved: approved: approved: approved:Nice. submitted:Please look." {
		t.Errorf("the reviews are %s", got)
	}
}

func TestRejectAndWithdraw(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, _ := w.draft(t, c)
	w.call(t, c.member, "POST", path+"/withdraw", nil).want(t, 409)
	w.call(t, c.admin, "POST", path+"/reject", m{"comment": "No."}).want(t, 409)
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	w.call(t, c.admin, "POST", path+"/reject", m{}).wantAt(t, "body")
	w.call(t, c.admin, "POST", path+"/reject", m{"comment": ""}).wantAt(t, "body.comment")
	if p := w.call(t, c.member, "POST", path+"/reject", m{"comment": "No."}).want(t, 403).problem(t); !strings.Contains(p.Detail, "approver_role") {
		t.Errorf("refused with %s", p.Detail)
	}
	if p := into[api.Post](t, w.call(t, c.admin, "POST", path+"/reject", m{"comment": "Too short."}).want(t, 200)); p.State != "draft" {
		t.Errorf("rejected: %s", p.State)
	}
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	if p := into[api.Post](t, w.call(t, c.member, "POST", path+"/withdraw", nil).want(t, 200)); p.State != "draft" {
		t.Errorf("withdrawn: %s", p.State)
	}
	// Approval that nobody asks for holds up nobody.
	submitted := into[api.Post](t, w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200))
	if p := into[api.Post](t, w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202)); p.State != "scheduled" {
		t.Errorf("published: %s", p.State)
	}
	if n, _ := w.waiting(t, submitted); n != 2 {
		t.Errorf("%d jobs wait", n)
	}
	// A cancelled post is submitted too.
	w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	if p := into[api.Post](t, w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)); p.State != "pending_approval" {
		t.Errorf("submitted: %s", p.State)
	}
}

func TestSubmitRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	nowhere := w.Post(t, dbtest.Post{CustomerID: c.customer.ID})
	w.call(t, c.member, "POST", c.path("/posts/%s/submit", nowhere.ID), m{}).want(t, 409)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	broken := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"text": "No title", "platforms": []m{{"integration_id": account.ID, "options": m{"made_with_ai": true}}}}).want(t, 201))
	path := c.path("/posts/%s", broken.ID)
	p := w.call(t, c.member, "POST", path+"/submit", m{}).want(t, 422).problem(t)
	if len(p.Errors) != 2 || p.Errors[0].Rule == "" || *p.Errors[0].PlatformPostID != broken.PlatformPosts[0].ID {
		t.Errorf("refused with %+v", p)
	}
	for _, bad := range []time.Time{time.Now().Add(-time.Hour), time.Now().AddDate(6, 0, 0)} {
		w.call(t, c.member, "POST", path+"/submit", m{"scheduled_at": bad}).wantAt(t, "body.scheduled_at")
	}
	// What breaks rules since it was submitted is not approved.
	w.call(t, c.member, "PATCH", path, m{"title": "T", "platforms": []m{{"integration_id": account.ID}}}).want(t, 200)
	w.call(t, c.member, "POST", path+"/submit", m{}).want(t, 200)
	edited := w.call(t, c.member, "PATCH", path, m{"title": ""}).want(t, 200)
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", edited.etag()).want(t, 422)
}

// Who approves: the role that the customer names, and not their own work where that is switched off; never a key.
func TestApproverRules(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	approve := func(who dbtest.User, by func(path string) answer) answer {
		path, _ := w.draft(t, c)
		if by != nil {
			by(path)
		}
		etag := w.call(t, c.member, "POST", path+"/submit", m{}).want(t, 200).etag()
		return w.call(t, who, "POST", path+"/approve", nil, "If-Match", etag)
	}
	for role, want := range map[string]statuses{
		"member": {200, 200, 200, 403, 200, 200, 403, 404},
		"admin":  {200, 200, 403, 403, 200, 200, 403, 404},
		"owner":  {200, 403, 403, 403, 200, 200, 403, 404},
	} {
		w.approval(t, c, m{"approver_role": role})
		c.roles(t, want, func(_ *testing.T, who dbtest.User) answer { return approve(who, nil) })
	}
	w.approval(t, c, m{"approver_role": "member", "self_approval": false})
	if p := approve(c.member, nil).want(t, 403).problem(t); !strings.Contains(p.Detail, "Somebody else") {
		t.Errorf("refused with %s", p.Detail)
	}
	approve(c.admin, nil).want(t, 200)
	edit := func(who dbtest.User) func(string) answer {
		return func(path string) answer { return w.call(t, who, "PATCH", path, m{"text": "By another."}).want(t, 200) }
	}
	approve(c.admin, edit(c.admin)).want(t, 403)
	approve(c.owner, edit(c.admin)).want(t, 200)

	// A key submits, withdraws and comments; it decides nothing.
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID}).Key
	path, _ := w.draft(t, c)
	etag := w.callWith(t, key, "POST", path+"/submit", m{}).want(t, 200).etag()
	w.callWith(t, key, "POST", path+"/approve", nil, "If-Match", etag).want(t, 403)
	w.callWith(t, key, "POST", path+"/reject", m{"comment": "x"}).want(t, 403)
	w.callWith(t, key, "POST", path+"/reviews", m{"comment": "x"}).want(t, 201)
	w.callWith(t, key, "POST", path+"/withdraw", nil).want(t, 200)
	// What a key changes does not hide who wrote it.
	w.callWith(t, key, "PATCH", path, m{"text": "By a key."}).want(t, 200)
	etag = w.callWith(t, key, "POST", path+"/submit", m{}).want(t, 200).etag()
	w.call(t, c.member, "POST", path+"/approve", nil, "If-Match", etag).want(t, 403)
	w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", etag).want(t, 200)
	// What one's own key or token writes or submits, one has written or submitted.
	key = w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.admin.ID}).Key
	path, _ = w.draft(t, c)
	etag = w.callWith(t, key, "POST", path+"/submit", m{}).want(t, 200).etag()
	if p := w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", etag).want(t, 403).problem(t); !strings.Contains(p.Detail, "key") {
		t.Errorf("refused with %s", p.Detail)
	}
	w.call(t, c.owner, "POST", path+"/approve", nil, "If-Match", etag).want(t, 200)
}

// Approval that is asked for later does not stop what is scheduled, nor does it move.
func TestScheduledBeforeApproval(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, _ := w.draft(t, c)
	w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": "2030-01-02T09:00:00Z"}).want(t, 202)
	w.approval(t, c, m{"approval_required": true})
	for to, body := range map[string]any{"/schedule": m{"scheduled_at": "2030-01-03T09:00:00Z"}, "/publish": nil} {
		if p := w.call(t, c.member, "POST", path+to, body).want(t, 409).problem(t); !strings.Contains(p.Detail, "goes out at its time") {
			t.Errorf("%s refused with %s", to, p.Detail)
		}
	}
	if got := into[api.Post](t, w.call(t, c.member, "GET", path, nil)); got.State != "scheduled" || got.ScheduledAt == nil || got.ScheduledAt.Day() != 2 {
		t.Errorf("is %s at %v", got.State, got.ScheduledAt)
	}
	w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	w.call(t, c.member, "POST", path+"/submit", m{"scheduled_at": "2030-01-03T09:00:00Z"}).want(t, 200)
}

// What a scheduled post says on its accounts can be changed, and to which it goes cannot. It goes out at its time, unless somebody must
// approve it first.
func TestScheduledIsRewritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	accounts := []dbtest.Integration{w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"}), w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})}
	made := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"title": "Bread", "text": "Fresh bread.",
		"platforms": []m{{"integration_id": accounts[0].ID}, {"integration_id": accounts[1].ID}}}).want(t, 201))
	path := c.path("/posts/%s", made.ID)
	other := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": "2030-01-02T09:00:00Z"}).want(t, 202)
	one, two := m{"integration_id": accounts[0].ID, "text": "Rye."}, m{"integration_id": accounts[1].ID}
	for name, platforms := range map[string][]m{"none": {}, "one": {one}, "another": {one, {"integration_id": other.ID}}, "one more": {one, two, {"integration_id": other.ID}}} {
		if p := w.call(t, c.member, "PATCH", path, m{"platforms": platforms}).want(t, 409).problem(t); !strings.Contains(p.Detail, "Cancel it first") {
			t.Errorf("%s: refused with %s", name, p.Detail)
		}
	}
	long := m{"integration_id": accounts[0].ID, "text": strings.Repeat("Rye ", 20_000)}
	if p := w.call(t, c.member, "PATCH", path, m{"platforms": []m{long, two}}).want(t, 422).problem(t); len(p.Errors) == 0 || p.Errors[0].Platform == "" {
		t.Errorf("what breaks rules is refused with %+v", p)
	}
	rewritten := into[api.Post](t, w.call(t, c.member, "PATCH", path, m{"platforms": []m{one, two}}).want(t, 200))
	if n, when := w.waiting(t, rewritten); rewritten.State != "scheduled" || n != 2 || when.Year() != 2030 {
		t.Errorf("is %s, %d jobs at %v", rewritten.State, n, when)
	}
	says := func(p api.Post) (texts []string) {
		for _, pp := range p.PlatformPosts {
			texts = append(texts, pp.Text)
		}
		slices.Sort(texts)
		return texts
	}
	if got := says(rewritten); !slices.Equal(got, []string{"Fresh bread.", "Rye."}) {
		t.Errorf("says %q", got)
	}
	w.approval(t, c, m{"approval_required": true})
	again := into[api.Post](t, w.call(t, c.member, "PATCH", path, m{"platforms": []m{{"integration_id": accounts[0].ID}, two}}).want(t, 200))
	if n, _ := w.waiting(t, again); again.State != "pending_approval" || again.ScheduledAt == nil || n != 0 {
		t.Errorf("with approval: %s at %v, %d jobs", again.State, again.ScheduledAt, n)
	}
}

// Whatever is edited while somebody approves: what is approved is what was seen.
func TestApproveWhileEdited(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true})
	at := time.Now().Add(time.Hour)
	for range 10 {
		path, _ := w.draft(t, c)
		etag := w.call(t, c.member, "POST", path+"/submit", m{"scheduled_at": at}).want(t, 200).etag()
		var wait sync.WaitGroup
		var approved, edited answer
		wait.Go(func() { approved = w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", etag) })
		wait.Go(func() { edited = w.call(t, c.member, "PATCH", path, m{"text": "Something else."}) })
		wait.Wait()
		edited.want(t, 200)
		post := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200))
		if approved.status != http.StatusOK && approved.status != http.StatusPreconditionFailed {
			t.Errorf("approving was answered %d: %s", approved.status, approved.body)
		}
		if n, _ := w.waiting(t, post); post.State != "pending_approval" || post.ApprovedAt != nil || n != 0 || post.Text != "Something else." {
			t.Errorf("after %d it is %s, approved at %v, %d jobs", approved.status, post.State, post.ApprovedAt, n)
		}
	}
}

func TestPostReviewRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, _ := w.draft(t, c)
	c.roles(t, creating, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", path+"/reviews", m{"comment": "Hm."})
	})
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", path+"/reviews", nil) })
	said := into[api.Page[api.PostReview]](t, w.call(t, c.viewer, "GET", path+"/reviews", nil).want(t, 200)).Items[0]
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", path+"/reviews/"+said.ID.String(), nil)
	})
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", path+"/attempts", nil) })
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", path+"/check", nil) })
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/posts/check"), m{"text": "A"})
	})
	ids, pages := w.walk(t, c.viewer, path+"/reviews")
	if len(ids) != 5 || pages != 3 {
		t.Errorf("%d reviews on %d pages", len(ids), pages)
	}
}

// What waits changes with the description of its files as with its text: who approves has seen it, and who described it is
// not who approves.
func TestApprovalOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true, "self_approval": false, "approver_role": "member"})
	file := dbtest.NewID(t)
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'a', 'image/png', 1)", c.customer.ID, file)
	path, _ := w.draft(t, c)
	w.call(t, c.member, "PATCH", path, m{"media_ids": []any{file}}).want(t, 200)
	seen := w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200).etag()
	w.call(t, c.admin, "PATCH", c.path("/media/%s", file), m{"alt_text": "Something else"}).want(t, 200)
	w.call(t, c.owner, "POST", path+"/approve", nil, "If-Match", seen).want(t, 412)
	now := w.call(t, c.owner, "GET", path, nil).want(t, 200).etag()
	if p := w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", now).want(t, 403).problem(t); !strings.Contains(p.Detail, "Somebody else") {
		t.Errorf("refused with %s", p.Detail)
	}
	w.call(t, c.owner, "POST", path+"/approve", nil, "If-Match", now).want(t, 200)
	// Approved without a time, it is submitted again where that changes.
	w.call(t, c.admin, "PATCH", c.path("/media/%s", file), m{"alt_text": "And again"}).want(t, 200)
	if p := into[api.Post](t, w.call(t, c.owner, "GET", path, nil).want(t, 200)); p.State != "pending_approval" || p.ApprovedAt != nil {
		t.Errorf("is %s, approved at %v", p.State, p.ApprovedAt)
	}
}

// What needs attention goes out again only as it was approved, and what may be out is not posted again unasked.
func TestApprovalOfWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true})
	file := dbtest.NewID(t)
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'a', 'image/png', 1)", c.customer.ID, file)
	path, _ := w.draft(t, c)
	w.call(t, c.member, "PATCH", path, m{"media_ids": []any{file}}).want(t, 200)
	approve := func() api.Post {
		etag := w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200).etag()
		return into[api.Post](t, w.call(t, c.admin, "POST", path+"/approve", nil, "If-Match", etag).want(t, 200))
	}
	retry := path + "/platform-posts/" + approve().PlatformPosts[0].ID.String() + "/retry"
	w.needsAttention(t, c, "credential")
	w.call(t, c.member, "PATCH", c.path("/media/%s", file), m{"alt_text": "Something else"}).want(t, 200)
	for _, operation := range []string{path + "/publish", retry} {
		if p := w.call(t, c.owner, "POST", operation, nil).want(t, 409).problem(t); !strings.Contains(p.Detail, "Submit the post") {
			t.Errorf("%s is refused with %s", operation, p.Detail)
		}
	}
	if p := approve(); p.State != "approved" || p.PlatformPosts[0].Problem != nil {
		t.Errorf("approved %+v", p)
	}
	w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202)

	// Nobody knows whether it is there: what it shows stays, and it is not submitted.
	w.needsAttention(t, c, "unknown_outcome")
	if p := w.call(t, c.owner, "PATCH", c.path("/media/%s", file), m{"alt_text": "Other"}).want(t, 409).problem(t); !strings.Contains(p.Detail, "is being published") {
		t.Errorf("refused with %s", p.Detail)
	}
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 409)
	w.exec(t, "update posts set approved_at = null where customer_id = $1", c.customer.ID)
	if p := w.call(t, c.owner, "POST", retry, nil).want(t, 409).problem(t); !strings.Contains(p.Detail, "cannot be submitted") {
		t.Errorf("refused with %s", p.Detail)
	}
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID}).Key
	w.callWith(t, key, "POST", path+"/cancel", nil).want(t, 403)
	w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	w.approval(t, c, m{"approval_required": false})
	for _, operation := range []string{"/submit", "/publish"} {
		w.call(t, c.owner, "POST", path+operation, nil).want(t, 409)
	}
	if p := into[api.Post](t, w.call(t, c.owner, "GET", path, nil).want(t, 200)); p.State != "cancelled" {
		t.Errorf("is %s", p.State)
	}
}

func TestSubmitTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, _ := w.draft(t, c)
	at := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	for _, step := range []struct {
		body m
		want *time.Time
	}{
		{m{"scheduled_at": at}, &at}, {m{}, &at}, {m{"comment": "x"}, &at}, {m{"scheduled_at": nil}, nil}, {m{}, nil},
		{m{"scheduled_at": nil, "local_time": at.Format("2006-01-02T15:04:05")}, &at}, {m{"scheduled_at": nil}, nil},
	} {
		post := into[api.Post](t, w.call(t, c.member, "POST", path+"/submit", step.body).want(t, 200))
		if (post.ScheduledAt == nil) != (step.want == nil) || step.want != nil && !post.ScheduledAt.Equal(*step.want) {
			t.Errorf("submitted with %v: its time is %v, want %v", step.body, post.ScheduledAt, step.want)
		}
		w.call(t, c.member, "POST", path+"/withdraw", nil).want(t, 200)
	}
	w.call(t, c.member, "POST", path+"/submit", m{"scheduled_at": at, "local_time": "2030-01-02T09:00"}).wantAt(t, "body")
	// What it was submitted as is the version that is told of.
	etag := w.call(t, c.member, "GET", path, nil).want(t, 200).etag()
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	last := into[api.Page[api.PostReview]](t, w.call(t, c.viewer, "GET", path+"/reviews", nil).want(t, 200)).Items[0]
	if last.Verdict != "submitted" || strings.Trim(etag, `"v`) != strconv.FormatInt(last.PostVersion, 10) {
		t.Errorf("of %s: %+v", etag, last)
	}
}

// A key that only writes does not change what recurs, and is told why.
func TestWritingKeyAndRecurringPost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, _ := w.draft(t, c)
	id := strings.TrimPrefix(path, c.path("/posts/"))
	w.call(t, c.member, "POST", c.path("/recurring-posts"), m{"post_id": id, "rrule": "FREQ=DAILY", "starts_local": "2027-01-01T02:30"}).want(t, 201)
	writing := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:write"}}).Key
	publishing := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:write", "posts:publish"}}).Key
	for _, body := range []m{{"text": "Other."}, {"platforms": []m{}}} {
		if p := w.callWith(t, writing, "PATCH", path, body).want(t, 403).problem(t); !strings.Contains(p.Detail, "A post that recurs") {
			t.Errorf("%v is refused with %s", body, p.Detail)
		}
	}
	w.callWith(t, publishing, "PATCH", path, m{"text": "Other."}).want(t, 200)
}

// What is decided shows what the post said then: an approver sees what has changed since.
func TestReviewContent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true})
	path, _ := w.draft(t, c)
	at := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	before := into[api.Post](t, w.call(t, c.member, "GET", path, nil).want(t, 200))
	w.call(t, c.member, "POST", path+"/submit", m{"scheduled_at": at}).want(t, 200)
	w.call(t, c.owner, "POST", path+"/reject", m{"comment": "Shorter."}).want(t, 200)
	w.call(t, c.member, "PATCH", path, m{"text": "Short.", "platforms": []m{{"integration_id": before.PlatformPosts[0].IntegrationID, "text": "Its own."}, {"integration_id": before.PlatformPosts[1].IntegrationID}}}).want(t, 200)
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	w.call(t, c.owner, "POST", path+"/reject", m{"comment": "Longer."}).want(t, 200)
	said := into[api.PostReview](t, w.call(t, c.member, "POST", path+"/reviews", m{"comment": "Done."}).want(t, 201))
	list := func() []api.PostReview {
		return into[api.Page[api.PostReview]](t, w.call(t, c.viewer, "GET", path+"/reviews", nil).want(t, 200)).Items
	}
	one := func(review api.PostReview) api.PostReviewDetail {
		got := into[api.PostReviewDetail](t, w.call(t, c.viewer, "GET", path+"/reviews/"+review.ID.String(), nil).want(t, 200))
		if !reflect.DeepEqual(got.PostReview, review) || review.HasContent != (got.Content != nil) {
			t.Errorf("got %+v, listed %+v", got, review)
		}
		return got
	}
	reviews := list()
	if len(reviews) != 5 || !reflect.DeepEqual(said, reviews[0]) || said.HasContent || one(said).Verdict != "comment" {
		t.Errorf("answered %+v, listed %+v", said, reviews)
	}
	for i, want := range []struct {
		verdict, text, own string
		at                 *time.Time
	}{{"rejected", "Short.", "Its own.", &at}, {"rejected", before.Text, before.Text, &at}} {
		got := one(reviews[1+2*i])
		if got.Verdict != want.verdict || got.Content == nil || got.Content.Text != want.text || !reflect.DeepEqual(got.Content.ScheduledAt, want.at) || len(got.Content.PlatformPosts) != 2 {
			t.Errorf("review %d: %+v of %+v, want %+v", i, got, got.Content, want)
			continue
		}
		for j, text := range []string{want.own, want.text} {
			if on := got.Content.PlatformPosts[j]; on.Text != text || on.OwnText != (text != want.text) {
				t.Errorf("review %d, account %d: %+v, want %s", i, j, on, text)
			}
		}
	}
	for _, i := range []int{2, 4} {
		if got := one(reviews[i]); got.Verdict != "submitted" || got.HasContent {
			t.Errorf("review %d: %+v", i, got)
		}
	}
	rejected := one(reviews[1])
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	// What is approved is the version before the approval, and says the same.
	etag := w.call(t, c.owner, "GET", path, nil).want(t, 200).etag()
	w.call(t, c.owner, "POST", path+"/approve", nil, "If-Match", etag).want(t, 200)
	if last := one(list()[0]); last.Verdict != "approved" || !reflect.DeepEqual(last.Content, rejected.Content) {
		t.Errorf("approved %+v, want %+v", last.Content, rejected.Content)
	}
	// It is one of this post, and of no other.
	other, _ := w.draft(t, c)
	for _, nowhere := range []string{other + "/reviews/" + said.ID.String(), path + "/reviews/" + dbtest.NewID(t).String()} {
		w.call(t, c.owner, "GET", nowhere, nil).want(t, 404)
	}
	// From before: nothing was kept.
	w.exec(t, "update post_reviews set content = null where customer_id = $1", c.customer.ID)
	if last := list()[0]; last.HasContent || one(last).Verdict != "approved" {
		t.Errorf("from before: %+v", last)
	}
}

// Whoever sees a post in a space, is told no more of what it said than they see there.
func TestReviewContentInSpace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.approval(t, c, m{"approval_required": true})
	path, _ := w.draft(t, c)
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	shared, everywhere := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes, alt_text, space_id) values ($1, $2, 'a', 'image/png', 1, 'Seen here.', $3)", c.customer.ID, shared, space.ID)
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes, alt_text) values ($1, $2, 'b', 'image/png', 1, 'Not seen here.')", c.customer.ID, everywhere)
	w.call(t, c.member, "PATCH", path, m{"media_ids": []any{shared, everywhere}}).want(t, 200)
	w.exec(t, "update posts set space_id = $2 where customer_id = $1", c.customer.ID, space.ID)
	w.call(t, c.member, "POST", path+"/submit", nil).want(t, 200)
	w.call(t, c.owner, "POST", path+"/reject", m{"comment": "No."}).want(t, 200)
	reviews := into[api.Page[api.PostReview]](t, w.call(t, c.member, "GET", path+"/reviews", nil).want(t, 200)).Items
	one := path + "/reviews/" + reviews[0].ID.String()
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: &space.ID, Permissions: []string{"posts:read"}}).Key
	for who, described := range map[string]struct {
		answer answer
		texts  []string
	}{
		"a key of the space": {w.callWith(t, key, "GET", one, nil), []string{"Seen here."}},
		"a member":           {w.call(t, c.member, "GET", one, nil), []string{"Seen here.", "Not seen here."}},
	} {
		content := into[api.PostReviewDetail](t, described.answer.want(t, 200)).Content
		var texts []string
		for _, file := range content.Media {
			texts = append(texts, file.AltText)
		}
		if slices.Sort(texts); !slices.Equal(texts, slices.Sorted(slices.Values(described.texts))) || len(content.MediaIDs) != 2 {
			t.Errorf("%s is told %q of %d files", who, texts, len(content.MediaIDs))
		}
	}
}

// A page of reviews is small, however long the post is, and what the post says is kept once for all accounts that say the same.
func TestReviewsOfLongPost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	accounts := make([]m, 5)
	for i := range accounts {
		accounts[i] = m{"integration_id": w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}).ID}
	}
	text := strings.Repeat("Fresh bread. ", 85_000/13)
	post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"title": "Bread", "text": text, "platforms": accounts}).want(t, 201))
	path := c.path("/posts/%s", post.ID)
	for range 50 {
		w.call(t, c.member, "POST", path+"/submit", m{"comment": strings.Repeat("x", 5000)}).want(t, 200)
		w.call(t, c.owner, "POST", path+"/reject", m{"comment": strings.Repeat("x", 5000)}).want(t, 200)
	}
	listed := w.call(t, c.viewer, "GET", path+"/reviews?limit=100", nil).want(t, 200)
	reviews := into[api.Page[api.PostReview]](t, listed).Items
	if len(reviews) != 100 || len(listed.body) > 1_000_000 {
		t.Errorf("%d reviews in %d bytes", len(reviews), len(listed.body))
	}
	last := reviews[slices.IndexFunc(reviews, func(r api.PostReview) bool { return r.HasContent })]
	got := into[api.PostReviewDetail](t, w.call(t, c.viewer, "GET", path+"/reviews/"+last.ID.String(), nil).want(t, 200))
	if got.Verdict != "rejected" || got.Content.Text != text || len(got.Content.PlatformPosts) != len(accounts) {
		t.Fatalf("%s with %d characters on %d accounts", got.Verdict, len(got.Content.Text), len(got.Content.PlatformPosts))
	}
	for _, on := range got.Content.PlatformPosts {
		if on.Text != text || on.OwnText {
			t.Errorf("an account has %d characters, its own: %t", len(on.Text), on.OwnText)
		}
	}
	if n := w.count(t, "select max(octet_length(content::text)) from post_reviews where customer_id = $1", c.customer.ID); n > len(text)+5000 {
		t.Errorf("%d bytes are kept of %d characters", n, len(text))
	}
	if n := w.count(t, "select count(*) from post_reviews where customer_id = $1 and (content is not null) <> (verdict = 'rejected')", c.customer.ID); n != 0 {
		t.Errorf("%d reviews keep content as they should not", n)
	}
}
