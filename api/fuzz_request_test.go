package api_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// generator makes requests from the OpenAPI document alone, from one seed always the same ones, apart from the
// ids that the database's rows happen to have.
type generator struct {
	*rand.Rand
	stock  *stock
	caller string // who will send the next request
}

// stock is what a caller could know: ids, cursors and ETags, in part from answers.
type stock struct {
	customer string
	own      map[string][]string // ids by the names that they have in paths and bodies
	foreign  map[string]string   // the same of a customer that no caller belongs to
	cursors  map[string][]string // by operation
	etags    []string
	invited  map[string]string // tokens of invitations, by caller
	site     string            // of the Ghost site that can be connected
	siteKey  string
	picture  string // a file that can be uploaded
	photo    string // at Unsplash
}

// keep adds what an answer has shown, and forgets the oldest.
func keep(list []string, value string) []string {
	if value == "" || slices.Contains(list, value) {
		return list
	}
	list = append(list, value)
	return list[max(0, len(list)-20):]
}

// learn takes ids, cursors and ETags out of a good answer: things that an operation lists or makes are known by
// the parameter that follows its own path in another operation's.
func (s *stock) learn(o operation, a answer) {
	s.etags = keep(s.etags, a.etag())
	var body struct {
		Items      []map[string]any `json:"items"`
		NextCursor string           `json:"next_cursor"`
	}
	var thing map[string]any
	if json.Unmarshal(a.body, &body) != nil || json.Unmarshal(a.body, &thing) != nil {
		return
	}
	if body.NextCursor != "" {
		s.cursors[o.OperationID] = keep(s.cursors[o.OperationID], body.NextCursor)
	}
	name := childParameters()[o.template]
	if name == "" || name == "customer_id" {
		return
	}
	for _, thing := range append(body.Items, thing) {
		id, _ := thing[name].(string)
		if id == "" {
			id, _ = thing["id"].(string)
		}
		s.own[name] = keep(s.own[name], id)
	}
}

// childParameters gives for a path such as …/posts the parameter of the things in it, post_id.
func childParameters() map[string]string {
	children := map[string]string{}
	for _, o := range operations() {
		for at := 0; ; {
			begin := strings.Index(o.template[at:], "/{")
			if begin < 0 {
				break
			}
			begin += at
			end := begin + strings.Index(o.template[begin:], "}")
			children[o.template[:begin]] = o.template[begin+2 : end]
			at = end
		}
	}
	return children
}

// fuzzRequest is a request in the making. Nothing in it is escaped any more.
type fuzzRequest struct {
	operation operation
	method    string
	ids       map[string]string // of the path
	reshape   func(path string) string
	query     []string
	headers   [][2]string
	body      any
	raw       *string // in place of body
	mutations []string
}

// routed tells whether the request still is one of its operation.
func (r *fuzzRequest) routed() bool {
	same := r.method == r.operation.Method || r.method == http.MethodHead && r.operation.Method == http.MethodGet
	for _, id := range r.ids {
		same = same && id != "" && !strings.Contains(id, "/") && strings.Trim(id, ".") != ""
	}
	return same && r.reshape == nil
}

func (r *fuzzRequest) path() string {
	path := parameter.ReplaceAllStringFunc(r.operation.template, func(name string) string { return r.ids[strings.Trim(name, "{}")] })
	if r.reshape != nil {
		path = r.reshape(path)
	}
	return path
}

func (r *fuzzRequest) target() string {
	if len(r.query) == 0 {
		return r.path()
	}
	return r.path() + "?" + strings.Join(r.query, "&")
}

// content is the body as it is sent; ok tells whether there is one.
func (r *fuzzRequest) content() (text string, ok bool) {
	switch {
	case r.raw != nil:
		return *r.raw, true
	case r.body == nil:
		return "", false
	}
	var b strings.Builder
	write(&b, r.body)
	return b.String(), true
}

// A body is a tree of these, so that a name can stand twice in an object and a number can be any text.
type (
	object struct{ fields []field }
	field  struct {
		name  string
		value any
	}
	array struct{ items []any }
	leaf  string // JSON as it is written
)

func write(b *strings.Builder, value any) {
	switch value := value.(type) {
	case leaf:
		b.WriteString(string(value))
	case *array:
		b.WriteByte('[')
		for i, item := range value.items {
			b.WriteString(map[bool]string{true: ","}[i > 0])
			write(b, item)
		}
		b.WriteByte(']')
	case *object:
		b.WriteByte('{')
		for i, f := range value.fields {
			b.WriteString(map[bool]string{true: ","}[i > 0])
			b.WriteString(string(quoted(f.name)) + ":")
			write(b, f.value)
		}
		b.WriteByte('}')
	}
}

func quoted(text string) leaf { return leaf(must(json.Marshal(text))) }

// slots are the places in a body at which something stands.
func slots(at *any) []*any {
	all := []*any{at}
	switch value := (*at).(type) {
	case *array:
		for i := range value.items {
			all = append(all, slots(&value.items[i])...)
		}
	case *object:
		for i := range value.fields {
			all = append(all, slots(&value.fields[i].value)...)
		}
	}
	return all
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

func one[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// id makes one that nothing has.
func (g *generator) id() string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(g.UintN(256))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// reference is an id of the kind that has the name.
func (g *generator) reference(name string) string {
	if name == "customer_id" {
		return g.stock.customer
	}
	if own := g.stock.own[name]; len(own) > 0 {
		return one(g, own)
	}
	return g.id()
}

// fuzzedFile is a file of a workspace that has a day for a name, as properties of its name have elsewhere.
const fuzzedFile = "2026-11-01"

// hints are good values where the schema says less than the database or a platform asks for, by property. A
// request that should be good and hardly ever succeeds needs one.
var hints = map[string]func(g *generator) string{
	"time_zone":    func(g *generator) string { return one(g, []string{"UTC", "Europe/Berlin", "America/New_York"}) },
	"language":     func(g *generator) string { return one(g, []string{"en", "de-AT", "ar"}) },
	"scheduled_at": func(g *generator) string { return g.moment(time.Hour) },
	"expires_at":   func(g *generator) string { return g.moment(time.Minute) },
	"published_at": func(g *generator) string {
		return time.Now().Add(-time.Duration(1+g.IntN(1000)) * time.Minute).UTC().Format(time.RFC3339)
	},
	"client_id":     func(g *generator) string { return g.stock.customer },
	"bot":           func(*generator) string { return sharedBot },
	"image_id":      func(g *generator) string { return g.stock.photo },
	"rrule":         func(g *generator) string { return one(g, []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO"}) },
	"starts_local":  func(*generator) string { return "2026-01-05T09:00" },
	"local_time":    func(*generator) string { return "17:45" },
	"url":           func(*generator) string { return "https://example.com/hooks" },
	"base_url":      func(*generator) string { return "https://llm.example.com/v1" },
	"model":         func(g *generator) string { return one(g, []string{"claude-sonnet-5-5", "gpt-6", "gemini-3-pro"}) },
	"key":           func(g *generator) string { return "sk-" + g.id() },
	"starts_on":     func(*generator) string { return "2026-12-01" },
	"ends_on":       func(*generator) string { return "2026-12-24" },
	"site_url":      func(g *generator) string { return g.stock.site },
	"admin_api_key": func(g *generator) string { return g.stock.siteKey },
	"email":         func(g *generator) string { return "person-" + strconv.Itoa(g.IntN(1000)) + "@example.com" },
	"token":         func(g *generator) string { return cmp.Or(g.stock.invited[g.caller], "a-token-of-nothing") },
	"return_to":     func(g *generator) string { return one(g, []string{"https://evil.example/", "nonsense"}) },
	"external_id":   func(g *generator) string { return one(g, []string{sessionAccount, "another"}) },
	"from":          func(*generator) string { return "2026-11-01" },
	"to":            func(*generator) string { return "2026-11-30" },
	"month":         func(*generator) string { return "2026-11" },
	"path": func(g *generator) string {
		return one(g, []string{"notes/there.md", "picture.gif", fuzzedFile, "new/" + strconv.Itoa(g.IntN(100))})
	},
	"If-None-Match":   func(*generator) string { return "*" },
	"cursor":          func(g *generator) string { return "" },
	"If-Match":        func(g *generator) string { return one(g, append([]string{`"v1"`, "*"}, g.stock.etags...)) },
	"X-Admin-Reason":  func(*generator) string { return "A ticket asks for it" },
	"Idempotency-Key": func(g *generator) string { return one(g, []string{g.id(), "the same again"}) },
}

func (g *generator) moment(atLeast time.Duration) string {
	return time.Now().Add(atLeast + time.Duration(g.IntN(1000))*time.Minute).UTC().Format(time.RFC3339)
}

// request makes one that fits the document.
func (g *generator) request(o operation) *fuzzRequest {
	r := &fuzzRequest{operation: o, method: o.Method, ids: map[string]string{}}
	if o.Method == http.MethodGet && g.chance(0.03) {
		r.method = http.MethodHead
	}
	for _, p := range o.Parameters {
		switch p.In {
		case "path":
			r.ids[p.Name] = g.reference(p.Name)
		case "query":
			value := ""
			if cursors := g.stock.cursors[o.OperationID]; p.Name == "cursor" && len(cursors) > 0 {
				value = one(g, cursors)
			} else if p.Name != "cursor" {
				value = plain(g.value(p.Name, p.Schema))
			}
			if value != "" && (p.Required || g.chance(0.3)) {
				r.query = append(r.query, p.Name+"="+url.QueryEscape(value))
			}
		case "header":
			if p.Required || g.chance(map[bool]float64{true: 0.95, false: 0.25}[p.Name == "X-Admin-Reason"]) {
				r.headers = append(r.headers, [2]string{p.Name, strings.Map(sendable, plain(g.value(p.Name, p.Schema)))})
			}
		}
	}
	if o.RequestBody != nil {
		kind := slices.Min(slices.Collect(maps.Keys(o.RequestBody.Content)))
		if schema := o.RequestBody.Content[kind].Schema; schema.Format == "binary" {
			r.raw = &g.stock.picture
		} else {
			r.body = g.value("", schema)
		}
		r.headers = append(r.headers, [2]string{"Content-Type", kind})
	}
	return r
}

// sendable drops what HTTP forbids in a header.
func sendable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// plain is a value as a parameter has it.
func plain(value any) string {
	var b strings.Builder
	write(&b, value)
	var text string
	if json.Unmarshal([]byte(b.String()), &text) == nil {
		return text
	}
	return b.String()
}

// value makes one that fits the schema. The name is the property's.
func (g *generator) value(name string, s *huma.Schema) any {
	for s.Ref != "" {
		s = document().Components.Schemas.SchemaFromRef(s.Ref)
	}
	if choices := slices.Concat(s.OneOf, s.AnyOf); len(choices) > 0 {
		return g.value(name, one(g, choices))
	}
	if s.Nullable && g.chance(0.1) {
		return leaf("null")
	}
	if len(s.Enum) > 0 {
		return leaf(must(json.Marshal(one(g, slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool { return v == nil })))))
	}
	switch s.Type {
	case "object", "":
		o := &object{}
		for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
			if !s.Properties[property].ReadOnly && (slices.Contains(s.Required, property) || g.chance(0.5)) {
				o.fields = append(o.fields, field{property, g.value(property, s.Properties[property])})
			}
		}
		if more, open := s.AdditionalProperties.(*huma.Schema); open {
			for i := range g.IntN(3) {
				o.fields = append(o.fields, field{"key" + strconv.Itoa(i), g.value(name, more)})
			}
		}
		return o
	case "array":
		a := &array{}
		least, most := value(s.MinItems, 0), min(value(s.MaxItems, 3), 3)
		for range least + g.IntN(max(most-least, 0)+1) {
			item := g.value(strings.TrimSuffix(name, "s"), s.Items)
			if s.UniqueItems && slices.ContainsFunc(a.items, func(other any) bool { return plain(other) == plain(item) }) {
				continue
			}
			a.items = append(a.items, item)
		}
		return a
	case "integer", "number":
		least, most := value(s.Minimum, 0), value(s.Maximum, 1000)
		return leaf(strconv.FormatInt(int64(one(g, []float64{least, most, least + float64(int64(g.Float64()*(most-least)))})), 10))
	case "boolean":
		return leaf(strconv.FormatBool(g.chance(0.5)))
	default:
		return quoted(g.text(name, s))
	}
}

func value[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// alphabets are what texts are made of.
var alphabets = [][]rune{
	[]rune("abcdefghijklmnopqrstuvwxyz ABCDEF 0123456789"), []rune("äöüß éèê ñ"), []rune("😀👩\u200d👧🏽"), []rune("مرحبا\u202e\u200f"),
	[]rune("\t\n\r\u0001\u001f\u007f\u2028\ufeff\ufffd"), []rune(`'"\;--/*%_$<>&{}[]`), []rune("\U0010ffff\ue000 𝔘"),
}

func (g *generator) text(name string, s *huma.Schema) string {
	if hint, found := hints[name]; found {
		value := hint(g)
		if s.Format == "date-time" && len(value) == len(time.DateOnly) {
			value += "T00:00:00Z" // from, to
		}
		return value
	}
	switch s.Format {
	case "uuid":
		return g.reference(name)
	case "date":
		return time.Now().AddDate(0, 0, g.IntN(400)).Format(time.DateOnly)
	case "date-time":
		return g.moment(time.Hour)
	case "email", "idn-email":
		return "person-" + strconv.Itoa(g.IntN(1000)) + "@example.com"
	case "uri":
		return "https://example.com/" + strconv.Itoa(g.IntN(1000))
	}
	least, most := value(s.MinLength, 0), value(s.MaxLength, 40)
	length := least + g.IntN(min(most-least, 40)+1)
	if most <= 1000 && g.chance(0.05) || g.chance(0.003) {
		length = most
	}
	alphabet := alphabets[0]
	if g.chance(0.3) {
		alphabet = one(g, alphabets)
	}
	runes := make([]rune, length)
	for i := range runes {
		runes[i] = one(g, alphabet)
	}
	if s.Pattern == `\S` {
		runes[g.IntN(length)] = one(g, []rune("aZ7é漢😀/"))
	}
	return string(runes)
}

func (r *fuzzRequest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, changed by %q\n%s %s\n", r.operation.OperationID, r.mutations, r.method, short(r.target()))
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s: %s\n", h[0], short(strconv.QuoteToGraphic(h[1])))
	}
	if text, ok := r.content(); ok {
		fmt.Fprintf(&b, "\n%s", short(text))
	}
	return b.String()
}

// short leaves out the middle of a text that nobody would read.
func short(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s … (%d bytes in all) … %s", text[:most/2], len(text), text[len(text)-200:])
}
