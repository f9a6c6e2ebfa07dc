package api_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"fanfare/db/dbtest"
)

// TestNamesAreNotBlank: no operation takes a name that nobody sees, be it one that the document refuses or, like a space that does not break, one that the database does.
// Erasing alone takes any name, since it is compared with the customer's, which can be an old one.
func TestNamesAreNotBlank(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	ids := w.everything(t, c)
	ids.giveKey(t, w, c.owner.ID)
	tried := 0
	for _, o := range operations() {
		if o.RequestBody == nil || o.RequestBody.Content["application/json"] == nil {
			continue
		}
		schema := o.RequestBody.Content["application/json"].Schema
		for schema.Ref != "" {
			schema = document().Components.Schemas.SchemaFromRef(schema.Ref)
		}
		name := schema.Properties["name"]
		if name == nil || name.MinLength == nil || *name.MinLength == 0 || o.OperationID == "erase-customer" {
			continue
		}
		tried++
		if name.Pattern != `\S` {
			t.Errorf("%s: the document tells of a name by the pattern %q", o.OperationID, name.Pattern)
		}
		for _, blank := range []string{"  ", "\t", "\n \r", "\u00a0", "\u3000"} {
			body := maps.Clone(o.body(t).(m))
			body["name"] = blank
			a := w.call(t, c.owner, o.Method, ids.fill(t, o.template), body).wantAt(t, "body.name")
			if p := a.problem(t); !slices.Contains([]string{"expected string to be more than white space", "must be more than white space"}, p.Errors[0].Message) {
				t.Errorf("%s: %q is refused with %q", o.OperationID, blank, p.Errors[0].Message)
			}
		}
	}
	if tried < 14 {
		t.Errorf("only %d operations take a name", tried)
	}

	// What has such a name from before can be changed otherwise.
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
	w.exec(t, "alter table campaigns disable trigger campaigns_name_not_blank")
	w.exec(t, "update campaigns set name = ' ' where id = $1", campaign.ID)
	w.exec(t, "alter table campaigns enable trigger campaigns_name_not_blank")
	w.call(t, c.owner, http.MethodPatch, c.path("/campaigns/%s", campaign.ID), m{"goal": "More readers"}).want(t, 200)
}
