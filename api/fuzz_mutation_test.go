package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// mutation breaks one thing in a request, or makes it odd.
type mutation struct {
	name  string
	fits  func(r *fuzzRequest) bool
	apply func(g *generator, r *fuzzRequest)
}

func anywhere(*fuzzRequest) bool      { return true }
func hasTree(r *fuzzRequest) bool     { return r.body != nil && r.raw == nil }
func hasContent(r *fuzzRequest) bool  { return r.body != nil || r.raw != nil }
func hasIDs(r *fuzzRequest) bool      { return len(r.ids) > 0 }
func hasHeaders(r *fuzzRequest) bool  { return len(r.headers) > 0 }
func takesQuery(r *fuzzRequest) bool  { return len(queryNames(r)) > 0 }
func takesHeader(r *fuzzRequest) bool { return len(headerNames(r)) > 0 }

func namesOf(r *fuzzRequest, in string) (names []string) {
	for _, p := range r.operation.Parameters {
		if p.In == in {
			names = append(names, p.Name)
		}
	}
	return names
}
func queryNames(r *fuzzRequest) []string  { return namesOf(r, "query") }
func headerNames(r *fuzzRequest) []string { return namesOf(r, "header") }

// oddLeaves are values that hardly any place wants.
var oddLeaves = []leaf{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `1e2`, `1e400`, `-1e400`, `1e-400`, `2147483648`, `-2147483649`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `123456789012345678901234567890`, `0.1e1`,
	`""`, `" "`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\udc00\ud800"`, `"\ufeff"`, `"\uffff"`, `"null"`, `"NaN"`, `"0"`, `"-1"`, `"1e400"`,
	`"'; drop table posts; --"`, `"../../etc/passwd"`, `"%00"`, `"%s%n%x"`, `"{{7*7}}"`, `"<script>alert(1)</script>"`, `"\\"`,
	`"2026-02-30"`, `"0000-00-00"`, `"0001-01-01"`, `"9999-12-31"`, `"10000-01-01"`, `"-0001-01-01"`, `"infinity"`, `"now"`, `"epoch"`,
	`"0000-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999999Z"`, `"2030-01-01T00:00:60Z"`, `"2030-01-01T00:00:00+23:59"`, `"2030-01-01T00:00:00"`,
	`"294277-01-01T00:00:00Z"`, `"00000000-0000-0000-0000-000000000000"`, `"ffffffff-ffff-ffff-ffff-ffffffffffff"`, `"urn:uuid:01900000-0000-7000-8000-000000000000"`,
	`"{01900000-0000-7000-8000-000000000000}"`, `"01900000000070008000000000000000"`, `"a@b"`, `"a@\u0000"`, `"http://169.254.169.254/"`, `"file:///etc/passwd"`,
	`[]`, `{}`, `[null]`, `[[]]`, `[{}]`, `{"":null}`, `{"a":{"b":[{}]}}`, `{"id":"x"}`, `{"__proto__":{}}`,
}

// oddTexts are the same for parameters and headers, as they are sent.
var oddTexts = []string{
	"", "x", "0", "-1", "1", "101", "2147483648", "99999999999999999999", "1.5", "1e3", "true", "TRUE", "null", "\"\"", "*", "W/\"v1\"", "\"v1\"", "\"v1\", \"v2\"",
	"\"v99999999999999999999\"", "\"v-1\"", "ü", "\xff", "a,b", ";", "AA", "////", "AQ==", "%25", "'; select 1; --",
	"00000000-0000-0000-0000-000000000000", strings.Repeat("a", 101), strings.Repeat("a", 201), strings.Repeat("9", 400),
}

var oddIDs = []string{
	"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "x", "1", "-1", "null", "*", "%20", "%00", "%ff", "..%2f..", "a%2Fb", ".", "..", "", "'",
	"urn:uuid:01900000-0000-7000-8000-000000000000", "%7B01900000-0000-7000-8000-000000000000%7D", "01900000000070008000000000000000",
	"01900000-0000-7000-8000-00000000000", "01900000-0000-7000-8000-0000000000000", "g1900000-0000-7000-8000-000000000000", strings.Repeat("a", 3000),
}

// change replaces something somewhere in the body.
func change(g *generator, r *fuzzRequest, with func(old any) any) {
	at := one(g, slots(&r.body))
	*at = with(*at)
}

// inObject changes some object of the body that has fields.
func inObject(g *generator, r *fuzzRequest, fn func(o *object)) {
	var all []*object
	for _, at := range slots(&r.body) {
		if o, ok := (*at).(*object); ok && len(o.fields) > 0 {
			all = append(all, o)
		}
	}
	if len(all) > 0 {
		fn(one(g, all))
	}
}

func setRaw(r *fuzzRequest, text string) { r.raw = &text }

func setHeader(r *fuzzRequest, name, value string) {
	r.headers = append(slices.DeleteFunc(r.headers, func(h [2]string) bool { return h[0] == name }), [2]string{name, value})
}

var mutations = []mutation{
	{"body: an odd value", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(any) any { return one(g, oddLeaves) }) }},
	{"body: another odd value", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(any) any { return one(g, oddLeaves) }) }},
	{"body: null", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(any) any { return leaf("null") }) }},
	{"body: a list around it", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(old any) any { return &array{[]any{old}} }) }},
	{"body: twice in a list", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(old any) any { return &array{[]any{old, old}} }) }},
	{"body: an object around it", hasTree, func(g *generator, r *fuzzRequest) {
		change(g, r, func(old any) any { return &object{[]field{{"value", old}}} })
	}},
	{"body: a long text", hasTree, func(g *generator, r *fuzzRequest) {
		change(g, r, func(any) any {
			return quoted(strings.Repeat(one(g, []string{"a", "ü", "😀"}), one(g, []int{36, 65, 101, 201, 256, 501, 1001, 2001, 10001})))
		})
	}},
	{"body: a list item more", hasTree, func(g *generator, r *fuzzRequest) {
		for _, at := range slots(&r.body) {
			if a, ok := (*at).(*array); ok && len(a.items) > 0 {
				n := one(g, []int{1, 50, 101, 1001})
				for range n {
					a.items = append(a.items, a.items[0])
				}
			}
		}
	}},
	{"body: an id of somebody else's", hasTree, func(g *generator, r *fuzzRequest) {
		for _, at := range slots(&r.body) {
			if o, ok := (*at).(*object); ok {
				for i := range o.fields {
					if id, found := g.stock.foreign[o.fields[i].name]; found {
						o.fields[i].value = quoted(id)
					}
				}
			}
		}
	}},
	{"body: an id of nobody's", hasTree, func(g *generator, r *fuzzRequest) { change(g, r, func(any) any { return quoted(g.id()) }) }},
	{"body: without a field", hasTree, func(g *generator, r *fuzzRequest) {
		inObject(g, r, func(o *object) { i := g.IntN(len(o.fields)); o.fields = slices.Delete(o.fields, i, i+1) })
	}},
	{"body: a field twice", hasTree, func(g *generator, r *fuzzRequest) {
		inObject(g, r, func(o *object) { o.fields = append(o.fields, one(g, o.fields)) })
	}},
	{"body: an unknown field", hasTree, func(g *generator, r *fuzzRequest) {
		inObject(g, r, func(o *object) {
			name := one(g, []string{"", "id", "customer_id", "role", "state", "version", "archived_at", "$schema", "__proto__", "\x00", "a.b", "ü", strings.Repeat("n", 300)})
			o.fields = append(o.fields, field{name, one(g, oddLeaves)})
		})
	}},
	{"body: another spelling of a name", hasTree, func(g *generator, r *fuzzRequest) {
		inObject(g, r, func(o *object) {
			i := g.IntN(len(o.fields))
			o.fields[i].name = one(g, []string{strings.ToUpper(o.fields[i].name), " " + o.fields[i].name, o.fields[i].name + "\u200b", strings.ReplaceAll(o.fields[i].name, "s", "ſ")})
		})
	}},
	{"body: deeply nested", hasContent, func(g *generator, r *fuzzRequest) {
		n := one(g, []int{10, 100, 5000, 9999, 10001, 60000})
		if g.chance(0.5) {
			setRaw(r, strings.Repeat("[", n)+strings.Repeat("]", n))
			return
		}
		setRaw(r, strings.Repeat(`{"a":`, n)+"1"+strings.Repeat("}", n))
	}},
	{"body: cut off", hasContent, func(g *generator, r *fuzzRequest) {
		text, _ := r.content()
		setRaw(r, text[:g.IntN(len(text)+1)])
	}},
	{"body: a byte changed", hasContent, func(g *generator, r *fuzzRequest) {
		text, _ := r.content()
		if text != "" {
			at := g.IntN(len(text))
			setRaw(r, text[:at]+string([]byte{byte(g.UintN(256))})+text[at+1:])
		}
	}},
	{"body: something else", anywhere, func(g *generator, r *fuzzRequest) {
		setRaw(r, one(g, []string{"", " ", "null", "[]", "{}", "0", `""`, "\xef\xbb\xbf{}", "{", "}", "{} {}", "{},", "\x00", "a=b", "<a/>", "\xff\xfe", "{\"a\":1}", "nul", "---\na: 1"}))
	}},
	{"body: something behind it", hasContent, func(g *generator, r *fuzzRequest) {
		text, _ := r.content()
		setRaw(r, text+one(g, []string{" ", "\n", ",", "}", "{}", "null", "\x00", text}))
	}},
	{"body: too large", func(r *fuzzRequest) bool { return hasContent(r) }, func(g *generator, r *fuzzRequest) {
		if g.chance(0.1) { // it is slow
			text, _ := r.content()
			setRaw(r, text+strings.Repeat(" ", 1<<20))
		}
	}},
	{"path: another id", hasIDs, func(g *generator, r *fuzzRequest) { r.ids[one(g, idNames(r))] = one(g, oddIDs) }},
	{"path: an id of nobody's", hasIDs, func(g *generator, r *fuzzRequest) { r.ids[one(g, idNames(r))] = g.id() }},
	{"path: an id of somebody else's", hasIDs, func(g *generator, r *fuzzRequest) {
		name := one(g, idNames(r))
		if id, found := g.stock.foreign[name]; found {
			r.ids[name] = id
		}
	}},
	{"path: capitals", hasIDs, func(g *generator, r *fuzzRequest) {
		name := one(g, idNames(r))
		r.ids[name] = strings.ToUpper(r.ids[name])
	}},
	{"path: another shape", anywhere, func(g *generator, r *fuzzRequest) {
		r.reshape = one(g, []func(string) string{
			func(p string) string { return p + "/" }, func(p string) string { return "/" + p }, strings.ToUpper, func(p string) string { return p + "/.." },
			func(p string) string { return strings.Replace(p, "/", "/./", 1) }, func(p string) string { return p + "%00" }, func(p string) string { return p + ".json" },
			func(p string) string { return p + ";a=b" }, func(p string) string { return "/%2e%2e" + p },
		})
	}},
	{"method", anywhere, func(g *generator, r *fuzzRequest) {
		r.method = one(g, []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodHead, "BREW", "get"})
	}},
	{"query: unknown", anywhere, func(g *generator, r *fuzzRequest) {
		r.query = append(r.query, one(g, []string{"a=1", "a", "=", "customer_id=x", "%00=%00", "%zz=1", "a=%zz", "limit=%", "a;b", "&&", "$schema=1", "LIMIT=1", "é=é", strings.Repeat("q", 5000)}))
	}},
	{"query: an odd value", takesQuery, func(g *generator, r *fuzzRequest) {
		r.query = append(r.query, one(g, queryNames(r))+"="+url.QueryEscape(one(g, oddTexts)))
	}},
	{"query: twice", takesQuery, func(g *generator, r *fuzzRequest) {
		name := one(g, queryNames(r))
		r.query = append(r.query, name+"="+url.QueryEscape(one(g, oddTexts)), name+"="+url.QueryEscape(one(g, oddTexts)))
	}},
	{"query: another list's cursor", func(r *fuzzRequest) bool { return slices.Contains(queryNames(r), "cursor") }, func(g *generator, r *fuzzRequest) {
		var all []string
		for _, o := range operations() {
			all = append(all, g.stock.cursors[o.OperationID]...)
		}
		if len(all) > 0 {
			r.query = append(r.query, "cursor="+url.QueryEscape(one(g, all)))
		}
	}},
	{"query: a filter by somebody else's id", takesQuery, func(g *generator, r *fuzzRequest) {
		name := one(g, queryNames(r))
		if id, found := g.stock.foreign[name]; found {
			r.query = append(r.query, name+"="+id)
		}
	}},
	{"header: an odd value", takesHeader, func(g *generator, r *fuzzRequest) { setHeader(r, one(g, headerNames(r)), one(g, oddTexts)) }},
	{"header: twice", hasHeaders, func(g *generator, r *fuzzRequest) {
		h := one(g, r.headers)
		r.headers = append(r.headers, [2]string{h[0], one(g, oddTexts)})
	}},
	{"header: without one", hasHeaders, func(g *generator, r *fuzzRequest) {
		i := g.IntN(len(r.headers))
		r.headers = slices.Delete(r.headers, i, i+1)
	}},
	{"header: media type", anywhere, func(g *generator, r *fuzzRequest) {
		setHeader(r, "Content-Type", one(g, []string{
			"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "application/cbor", ";", "*/*", "a/b+json",
			"application/merge-patch+json", "application/json; charset=utf-16", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;;", "", "\xff", "text/json",
		}))
	}},
	{"header: odd", anywhere, func(g *generator, r *fuzzRequest) {
		h := one(g, [][2]string{
			{"Accept", "text/html"}, {"Accept", ";,;q="}, {"Accept-Encoding", "gzip;q=x"}, {"Accept-Language", "\xff"}, {"Content-Encoding", "gzip"}, {"X-Request-ID", strings.Repeat("x", 200)},
			{"X-Request-ID", "\xff\xfe"}, {"X-Request-ID", "a b"}, {"User-Agent", strings.Repeat("ü\xff", 400)}, {"User-Agent", ""}, {"X-HTTP-Method-Override", "DELETE"}, {"X-Forwarded-For", "1.2.3.4, x"},
			{"X-Customer-ID", g.stock.foreign["customer_id"]}, {"X-Admin-Reason", strings.Repeat("r", 3000)}, {"X-Admin-Reason", "\xff"}, {"X-Admin-Reason", ""}, {"Idempotency-Key", g.id()},
			{"Idempotency-Key", strings.Repeat("k", 300)}, {"Idempotency-Key", "\xff"}, {"Idempotency-Key", ""}, {"Origin", "https://evil.example"}, {"Range", "bytes=0-1"}, {"If-None-Match", "*"},
			{"If-Modified-Since", "x"}, {"Prefer", "return=minimal"}, {"Cookie", strings.Repeat("a=b; ", 500)}, {"X-Odd", strings.Repeat("z", 60_000)}, {"Traceparent", "00-" + strings.Repeat("0", 32)},
		})
		r.headers = append(r.headers, h)
	}},
}

func idNames(r *fuzzRequest) (names []string) {
	for _, p := range r.operation.Parameters {
		if p.In == "path" {
			names = append(names, p.Name)
		}
	}
	return names
}

// mutate changes nothing, one thing or several.
func (g *generator) mutate(r *fuzzRequest) {
	count := 0
	switch dice := g.Float64(); {
	case dice > 0.75:
		count = 2 + g.IntN(3)
	case dice > 0.3:
		count = 1
	}
	for range count {
		m := one(g, mutations)
		for !m.fits(r) {
			m = one(g, mutations)
		}
		m.apply(g, r)
		r.mutations = append(r.mutations, m.name)
	}
}
