package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"fanfare/api"
)

var update = flag.Bool("update", false, "write openapi.yaml")

var document = sync.OnceValue(api.OpenAPI)

// operation is one of the document's.
type operation struct {
	*huma.Operation
	template string
}

// operations are all of the document's, in a stable order.
var operations = sync.OnceValue(func() []operation {
	var all []operation
	for template, item := range document().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete, item.Head, item.Options, item.Trace} {
			if o != nil {
				all = append(all, operation{o, template})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.OperationID, b.OperationID) })
	return all
})

// operationOf finds the operation that a request is for.
func operationOf(method, path string) (operation, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, o := range operations() {
		if o.Method == method && matches(o.template, path) {
			return o, true
		}
	}
	return operation{}, false
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	return len(want) == len(got) &&
		slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

// checkAnswer holds an answer against the document: every test's every answer goes through here.
func checkAnswer(t testing.TB, request *http.Request, a answer) {
	t.Helper()
	where := request.Method + " " + request.URL.Path
	id := a.header.Get("X-Request-ID")
	if id == "" {
		t.Errorf("%s: no X-Request-ID", where)
	}
	if a.status >= 400 && request.Method != http.MethodHead && !strings.Contains(string(a.body), `"checks"`) {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: %d is %s: %s", where, a.status, got, a.body)
			return
		}
		p := a.problem(t)
		if p.RequestID != id || p.Status != a.status || p.Title != http.StatusText(a.status) || p.Detail == "" || !strings.HasPrefix(p.Type, "urn:fanfare:problem:") {
			t.Errorf("%s: not a whole problem (X-Request-ID %s): %s", where, id, a.body)
		}
		mustFit(t, where, document().Components.Schemas.SchemaFromRef("#/components/schemas/Problem"), a.body)
	}
	o, found := operationOf(request.Method, request.URL.Path)
	if !found {
		return
	}
	documented := o.Responses[strconv.Itoa(a.status)]
	if documented == nil {
		t.Errorf("%s: %s does not document %d: %s", where, o.OperationID, a.status, a.body)
		return
	}
	if len(documented.Content) == 0 {
		if len(a.body) > 0 {
			t.Errorf("%s: has a body, which is not documented: %s", where, a.body)
		}
		return
	}
	if request.Method == http.MethodHead {
		return
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || documented.Content[kind] == nil {
		t.Errorf("%s: %d is %q, which is not documented", where, a.status, a.header.Get("Content-Type"))
		return
	}
	if strings.HasSuffix(kind, "/json") || strings.HasSuffix(kind, "+json") {
		mustFit(t, where, documented.Content[kind].Schema, a.body)
	}
	for name := range documented.Headers {
		if a.header.Get(name) == "" {
			t.Errorf("%s: no header %s, which is documented", where, name)
		}
	}
}

// mustFit validates JSON against a schema of the document.
func mustFit(t testing.TB, where string, schema *huma.Schema, body []byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Errorf("%s: not JSON: %s", where, body)
		return
	}
	result := &huma.ValidateResult{}
	huma.Validate(document().Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, result)
	for _, err := range result.Errors {
		t.Errorf("%s: does not fit its schema: %v: %s", where, err, body)
	}
}

func TestOpenAPIIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := document().YAML()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.yaml", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("openapi.yaml is not what the code says; run `go run . openapi > api/openapi.yaml`")
	}
}

// nullableLists are lists of which null says something else than an empty one.
var nullableLists = map[string]bool{
	"/components/schemas/PlatformPost/properties/media_ids":       true, // it shows the post's files
	"/components/schemas/PostReviewPlatform/properties/media_ids": true, // as PlatformPost's
}

func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	text, err := document().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var tree m
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if version, _ := tree["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("version %q", version)
	}
	checkTree(t, tree, tree, "")

	ids := map[string]bool{}
	for _, o := range operations() {
		if ids[o.OperationID] || o.OperationID == "" {
			t.Errorf("%s %s: operationId %q is missing or taken", o.Method, o.template, o.OperationID)
		}
		ids[o.OperationID] = true
		named := map[string]bool{}
		for _, p := range o.Parameters {
			if named[p.In+p.Name] {
				t.Errorf("%s: %s parameter %s twice", o.OperationID, p.In, p.Name)
			}
			named[p.In+p.Name] = true
			if p.In == "path" && !strings.Contains(o.template, "{"+p.Name+"}") {
				t.Errorf("%s: path parameter %s is not in %s", o.OperationID, p.Name, o.template)
			}
		}
		for _, part := range strings.Split(o.template, "/") {
			if name, isParameter := strings.CutPrefix(part, "{"); isParameter && !named["path"+strings.TrimSuffix(name, "}")] {
				t.Errorf("%s: path parameter %s is not declared, so its handler would not get it", o.OperationID, part)
			}
		}
	}
}

// checkTree looks at every part of the document: references lead somewhere, and what may be null may be null.
func checkTree(t *testing.T, root m, node any, at string) {
	t.Helper()
	switch node := node.(type) {
	case m:
		if ref, ok := node["$ref"].(string); ok {
			var target any = root
			for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
				target = target.(m)[step]
				if target == nil {
					t.Errorf("%s: %s leads nowhere", at, ref)
					break
				}
			}
		}
		if node["uniqueItems"] == true {
			t.Errorf("%s: uniqueItems, on which Huma's validator panics if an item is a list or an object", at)
		}
		if _, found := node["patternDescription"]; found {
			t.Errorf("%s: patternDescription is no keyword of JSON Schema", at)
		}
		types, _ := node["type"].([]any)
		if enum, ok := node["enum"].([]any); ok && slices.Contains(types, any("null")) != slices.Contains(enum, nil) {
			t.Errorf("%s: type and enum disagree about null", at)
		}
		if slices.Contains(types, any("array")) && !nullableLists[at] {
			t.Errorf("%s: a list that may be null", at)
		}
		for name, child := range node {
			checkTree(t, root, child, at+"/"+name)
		}
	case []any:
		for i, child := range node {
			checkTree(t, root, child, fmt.Sprintf("%s/%d", at, i))
		}
	}
}

func TestOpenAPI30(t *testing.T) {
	t.Parallel()
	text, err := document().Downgrade()
	if err != nil {
		t.Fatal(err)
	}
	var tree struct {
		OpenAPI    string `json:"openapi"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type     any    `json:"type"`
					Format   string `json:"format"`
					Nullable bool   `json:"nullable"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(tree.OpenAPI, "3.0.") {
		t.Errorf("version %q", tree.OpenAPI)
	}
	for schema, properties := range map[string][]string{
		"PostUpdate": {"campaign_id"}, "CampaignUpdate": {"starts_on", "ends_on"}, "Customer": {"role", "archived_at"}, "Post": {"scheduled_at"},
	} {
		for _, name := range properties {
			property := tree.Components.Schemas[schema].Properties[name]
			if property.Type != "string" || !property.Nullable {
				t.Errorf("%s.%s is %+v, want a nullable string", schema, name, property)
			}
		}
	}
	if got := tree.Components.Schemas["PostUpdate"].Properties["campaign_id"].Format; got != "uuid" {
		t.Errorf("campaign_id has format %q", got)
	}
}

func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for path, begin := range map[string]string{
		"/openapi.json": `{"components"`, "/openapi.yaml": "components:", "/openapi-3.0.json": `{"components"`, "/openapi-3.0.yaml": "components:",
		"/docs": "<!DOCTYPE html>", "/docs/": "<!DOCTYPE html>",
	} {
		a := w.do(t, w.request(t, http.MethodGet, path, nil)).want(t, 200)
		if !strings.HasPrefix(strings.TrimSpace(string(a.body)), begin) {
			t.Errorf("%s begins with %.40q, want %s", path, a.body, begin)
		}
		if a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s has no policy", path)
		}
	}
	page := string(w.do(t, w.request(t, http.MethodGet, "/docs", nil)).body)
	for _, foreign := range []string{"//cdn", "unpkg", "jsdelivr", "googleapis"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page loads something from %s", foreign)
		}
	}
	w.do(t, w.request(t, http.MethodGet, "/docs/swagger-ui.css", nil)).want(t, 200)
	w.do(t, w.request(t, http.MethodGet, "/docs/nothing.js", nil)).want(t, 404)
	w.do(t, w.request(t, http.MethodPost, "/openapi.json", nil)).want(t, 405)
}
