package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
)

// export is what an answer says of an export.
type export struct {
	ID          uuid.UUID `json:"id"`
	State       string    `json:"state"`
	RequestedBy uuid.UUID `json:"requested_by"`
	SHA256      *string   `json:"sha256"`
}

const archiveText = "what the worker has written"

// ready makes an export that can be downloaded, as the worker would.
func (w *world) ready(t testing.TB, c cast, id uuid.UUID) {
	t.Helper()
	mustDo(t, w.bucket.Write(t.Context(), bucket.Export(c.customer.ID, id), "application/zip", func(out io.Writer) error {
		_, err := io.WriteString(out, archiveText)
		return err
	}))
	w.exec(t, "update exports set state = 'ready', size_bytes = $2, sha256 = repeat('a', 64), expires_at = now() + interval '1 day' where id = $1", id, len(archiveText))
}

// newExport makes one that is ready.
func (w *world) newExport(t testing.TB, c cast) uuid.UUID {
	t.Helper()
	id := dbtest.NewID(t)
	w.exec(t, "insert into exports (customer_id, id, requested_by) values ($1, $2, $3)", c.customer.ID, id, c.owner.ID)
	w.ready(t, c, id)
	return id
}

func (w *world) fileIsThere(t testing.TB, c cast, id uuid.UUID) bool {
	t.Helper()
	file, err := w.bucket.Read(t.Context(), bucket.Export(c.customer.ID, id))
	if errors.Is(err, bucket.ErrNotFound) {
		return false
	}
	mustDo(t, err)
	mustDo(t, file.Close())
	return true
}

func TestExports(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	made := w.call(t, c.owner, "POST", c.path("/exports"), nil).want(t, 202)
	e := into[export](t, made)
	if e.State != "queued" || e.RequestedBy != c.owner.ID || made.etag() == "" {
		t.Errorf("a new export is %s", made.body)
	}
	one := c.path("/exports/%s", e.ID)
	w.call(t, c.admin, "POST", c.path("/exports"), nil).want(t, 409)
	w.call(t, c.owner, "GET", one+"/download", nil).want(t, 409)
	w.exec(t, "update exports set state = 'running'")
	w.call(t, c.owner, "GET", one+"/download", nil).want(t, 409)
	w.call(t, c.admin, "POST", c.path("/exports"), nil).want(t, 409)
	w.ready(t, c, e.ID)

	got := w.call(t, c.admin, "GET", one+"/download", nil).want(t, 200)
	if string(got.body) != archiveText || got.header.Get("Content-Type") != "application/zip" || got.header.Get("Content-Length") != "27" ||
		got.header.Get("Content-Disposition") != `attachment; filename="fanfare-export-`+e.ID.String()+`.zip"` || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("downloaded %q with %v", got.body, got.header)
	}
	part := w.call(t, c.owner, "GET", one+"/download", nil, "Range", "bytes=5-7", "If-Match", `"x"`, "If-None-Match", "*").want(t, 206)
	if string(part.body) != archiveText[5:8] || part.header.Get("Content-Range") != "bytes 5-7/27" {
		t.Errorf("a part is %q, %s", part.body, part.header.Get("Content-Range"))
	}
	for _, wrong := range []string{"bytes=100-200", "bytes=x"} {
		refused := w.call(t, c.owner, "GET", one+"/download", nil, "Range", wrong).want(t, 416)
		if refused.header.Get("Content-Disposition") != "" {
			t.Errorf("a refused range is a file: %v", refused.header)
		}
	}
	head := w.call(t, c.owner, "HEAD", one+"/download", nil).want(t, 200)
	if head.header.Get("Content-Length") != "27" || len(head.body) != 0 {
		t.Errorf("HEAD: %v", head.header)
	}

	second := w.newExport(t, c)
	ids, _ := w.walk(t, c.owner, c.path("/exports"))
	wantIDs(t, ids, []uuid.UUID{e.ID, second})

	w.call(t, c.owner, "DELETE", one, nil, "If-Match", `"v1"`).want(t, 412)
	if !w.fileIsThere(t, c, e.ID) {
		t.Fatal("a refused deletion has deleted the file")
	}
	w.call(t, c.owner, "DELETE", one, nil).want(t, 204)
	w.call(t, c.owner, "GET", one, nil).want(t, 404)
	if w.fileIsThere(t, c, e.ID) || !w.fileIsThere(t, c, second) {
		t.Error("another file was deleted than should have been")
	}
	// One that is being written is ended.
	third := into[export](t, w.call(t, c.owner, "POST", c.path("/exports"), nil).want(t, 202))
	w.call(t, c.owner, "DELETE", c.path("/exports/%s", third.ID), nil).want(t, 204)
	w.newExport(t, c)
}

func TestExportsThatAreGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	id := w.newExport(t, c)
	one := c.path("/exports/%s", id)
	w.exec(t, "update exports set expires_at = now()")
	w.call(t, c.owner, "GET", one+"/download", nil).want(t, 404)
	w.exec(t, "update exports set expires_at = now() + interval '1 hour'")
	w.call(t, c.owner, "GET", one+"/download", nil).want(t, 200)
	mustDo(t, w.bucket.DeleteAll(t.Context(), bucket.Export(c.customer.ID, id)))
	w.call(t, c.owner, "GET", one+"/download", nil).want(t, 404)
	w.call(t, c.owner, "DELETE", one, nil).want(t, 204)
	failed := into[export](t, w.call(t, c.owner, "POST", c.path("/exports"), nil).want(t, 202))
	w.exec(t, "update exports set state = 'failed', problem = 'x' where id = $1", failed.ID)
	w.call(t, c.owner, "GET", c.path("/exports/%s/download", failed.ID), nil).want(t, 409)
}

func TestExportRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.limit(t, c.customer.ID, "create-export", 1000, 60)
	id := w.newExport(t, c)
	for _, archived := range []bool{false, true} {
		if archived {
			w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
		}
		seeing := statuses{200, 200, 403, 403, 200, 403, 403, 404}
		for _, path := range []string{c.path("/exports"), c.path("/exports/%s", id), c.path("/exports/%s/download", id)} {
			c.roles(t, seeing, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", path, nil) })
		}
		c.roles(t, statuses{202, 202, 403, 403, 202, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
			a := w.call(t, who, "POST", c.path("/exports"), nil)
			w.exec(t, "delete from exports where state = 'queued'")
			w.exec(t, "delete from rate_limits") // there are more kinds of people than exports in an hour
			return a
		})
		c.roles(t, statuses{204, 204, 403, 403, 204, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
			fresh := w.newExport(t, c)
			a := w.call(t, who, "DELETE", c.path("/exports/%s", fresh), nil)
			if w.fileIsThere(t, c, fresh) != (a.status != 204) {
				t.Errorf("the file after %d", a.status)
			}
			return a
		})
	}
	before := w.stored(t)
	w.call(t, c.sysadmin, "POST", c.path("/exports"), nil, "X-Admin-Reason", "").want(t, 403)
	w.call(t, c.sysadmin, "DELETE", c.path("/exports/%s", id), nil, "X-Admin-Reason", "").want(t, 403)
	if after := w.stored(t); after != before {
		t.Errorf("without a reason: %s, before %s", after, before)
	}
}

// Without a bucket there are no exports, and that is said.
func TestExportsNotSetUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	id := w.newExport(t, c)
	w.serve(t, options{noBucket: true})
	before := w.stored(t)
	for method, path := range map[string]string{"POST": c.path("/exports"), "GET": c.path("/exports/%s/download", id)} {
		p := w.call(t, c.owner, method, path, nil).want(t, http.StatusServiceUnavailable).problem(t)
		if !strings.Contains(p.Detail, "not set up") || !strings.Contains(p.Detail, "FANFARE_BUCKET") {
			t.Errorf("says %q", p.Detail)
		}
	}
	w.call(t, c.viewer, "POST", c.path("/exports"), nil).want(t, 403)
	w.call(t, c.outsider, "POST", c.path("/exports"), nil).want(t, 404)
	w.call(t, c.owner, "GET", c.path("/exports/%s", id), nil).want(t, 200)
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
}

func TestEraseCustomer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path, right := c.path("/erasure"), m{"name": c.customer.Name}
	before := w.stored(t)
	w.call(t, c.owner, "POST", path, right).want(t, 409)
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
	w.call(t, c.owner, "POST", path, m{"name": "Another"}).wantAt(t, "body.name")
	for _, who := range []dbtest.User{c.admin, c.member, c.viewer, c.manager, c.sysviewer} {
		w.call(t, who, "POST", path, right).want(t, 403)
	}
	w.call(t, c.outsider, "POST", path, right).want(t, 404)
	w.call(t, c.sysadmin, "POST", path, right, "X-Admin-Reason", "").want(t, 403)
	w.call(t, c.owner, "GET", c.path(""), nil).want(t, 200)

	asked := w.call(t, c.owner, "POST", path, right).want(t, 202)
	erasure := into[struct {
		ID    uuid.UUID
		State string
	}](t, asked)
	if erasure.State != "requested" {
		t.Errorf("asked: %s", asked.body)
	}
	// From now on it is not there.
	for _, who := range []dbtest.User{c.owner, c.viewer, c.sysadmin} {
		w.call(t, who, "GET", c.path(""), nil).want(t, 404)
		w.call(t, who, "POST", c.path("/restore"), nil).want(t, 404)
		if list := w.call(t, who, "GET", "/v1/customers?archived=true&limit=100", nil).want(t, 200); bytes.Contains(list.body, []byte(c.customer.ID.String())) {
			t.Errorf("the list of customers shows it: %s", list.body)
		}
	}
	// Asked again by the same person, it is the same erasure; to everybody else there is no such customer.
	for _, who := range []dbtest.User{c.admin, c.viewer, c.sysadmin, c.outsider} {
		w.call(t, who, "POST", path, right).want(t, 404)
	}
	if again := w.call(t, c.owner, "POST", path, right).want(t, 202); string(again.body) != string(asked.body) {
		t.Errorf("asked again: %s, before %s", again.body, asked.body)
	}
	receipt := "/v1/erasures/" + erasure.ID.String()
	w.exec(t, `update erasures set state = 'finished', finished_at = now(), counts = '{"public.posts": 7}', files = 3`)
	for _, who := range []dbtest.User{c.owner, c.sysadmin, c.manager, c.sysviewer} {
		got := w.call(t, who, "GET", receipt, nil).want(t, 200)
		var body struct {
			CustomerID uuid.UUID `json:"customer_id"`
			State      string
			Rows       map[string]int
			Files      int
		}
		mustDo(t, json.Unmarshal(got.body, &body))
		if body.CustomerID != c.customer.ID || body.State != "finished" || body.Rows["public.posts"] != 7 || body.Files != 3 {
			t.Errorf("the receipt: %s", got.body)
		}
	}
	for _, who := range []dbtest.User{c.admin, c.viewer, c.outsider} {
		w.call(t, who, "GET", receipt, nil).want(t, 404)
		if ids, _ := w.walk(t, who, "/v1/erasures"); len(ids) != 0 {
			t.Errorf("somebody else lists %v", ids)
		}
	}
	for _, who := range []dbtest.User{c.owner, c.sysviewer} {
		ids, _ := w.walk(t, who, "/v1/erasures")
		wantIDs(t, ids, []uuid.UUID{erasure.ID})
	}
	w.call(t, c.owner, "GET", "/v1/erasures/"+uuid.NewString(), nil).want(t, 404)
}
