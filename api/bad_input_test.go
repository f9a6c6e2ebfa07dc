package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// marker stands in everything that is refused. It must come back nowhere.
const marker = "zq7marker"

func TestBadBodies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	posts, one := c.path("/posts"), c.path("/posts/%s", post.ID)
	campaigns, customer, invitations := c.path("/campaigns"), c.path(""), c.path("/invitations")
	member := c.path("/members/%s", c.viewer.ID)
	id := account.ID.String()
	cases := []struct {
		name, method, path, body string
		status                   int
		location                 string
	}{
		{"no body", "POST", posts, "", 400, ""},
		{"not JSON", "POST", posts, marker, 400, ""},
		{"half JSON", "POST", posts, `{"text": "` + marker, 400, ""},
		{"more than JSON", "POST", posts, `{"text": "a"} ` + marker, 400, ""},
		{"a comment", "POST", posts, `{"text": "a" /* ` + marker + ` */}`, 400, ""},
		{"a trailing comma", "POST", posts, `{"text": "` + marker + `",}`, 400, ""},
		{"not UTF-8", "POST", posts, "{\"text\": \"" + marker + "\xff\xfe\"}", 400, ""},
		{"UTF-16", "POST", posts, "\xff\xfe{\x00}\x00", 400, ""},
		{"a byte order mark", "POST", posts, "\ufeff{\"text\": \"a\"}", 400, ""},
		{"half a surrogate pair", "POST", posts, `{"text": "` + marker + `\ud83d"}`, 400, ""},
		{"the other half", "POST", posts, `{"text": "` + marker + `\ude00 x"}`, 400, ""},
		{"the halves in the wrong order", "POST", posts, `{"text": "\ude00\ud83d"}`, 400, ""},
		{"half of a pair in a name", "POST", posts, `{"text": "a", "\ud83d": 1}`, 400, ""},
		{"too deep", "POST", posts, strings.Repeat("[", 20000) + strings.Repeat("]", 20000), 400, ""},
		{"a number too large", "PATCH", one, `{"title": 1e999}`, 400, ""},
		{"a list", "POST", posts, `[]`, 422, "body"},
		{"null", "POST", posts, `null`, 422, "body"},
		{"a string", "POST", posts, `"` + marker + `"`, 422, "body"},
		{"nothing in it", "POST", posts, `{}`, 422, "body"},
		{"a number for text", "POST", posts, `{"text": 77123}`, 422, "body.text"},
		{"null for text", "POST", posts, `{"text": null}`, 422, "body.text"},
		{"empty text", "POST", posts, `{"text": ""}`, 422, "body.text"},
		{"text too long", "POST", posts, `{"text": "` + strings.Repeat("a", 100001) + `"}`, 422, "body.text"},
		{"title too long", "POST", posts, `{"text": "a", "title": "` + strings.Repeat("ü", 256) + `"}`, 422, "body.title"},
		{"NUL", "POST", posts, `{"text": "` + marker + `\u0000"}`, 422, ""},
		{"NUL in a title", "PATCH", one, `{"title": "` + marker + `\u0000"}`, 422, ""},
		{"NUL in a name", "POST", campaigns, `{"name": "\u0000` + marker + `"}`, 422, ""},
		{"an unknown field", "POST", posts, `{"text": "a", "state": "` + marker + `"}`, 422, "body.state"},
		{"an unknown field with an odd name", "POST", posts, `{"text": "a", "<` + marker + `>": 1}`, 422, "body"},
		{"another spelling of a field", "POST", posts, `{"Text": "` + marker + `"}`, 422, "body"},
		{"two spellings of a field", "POST", posts, `{"text": "a", "TEXT": "` + strings.Repeat("a", 100001) + `"}`, 422, "body.TEXT"},
		{"a bad id", "POST", posts, `{"text": "a", "campaign_id": "` + marker + `"}`, 422, "body.campaign_id"},
		{"an id that begins oddly", "POST", posts, `{"text": "a", "campaign_id": "` + marker + strings.Repeat("0", 36) + `"}`, 422, "body.campaign_id"},
		{"platforms that are no list", "POST", posts, `{"text": "a", "platforms": {"` + marker + `": 1}}`, 422, "body.platforms"},
		{"a platform that is no object", "POST", posts, `{"text": "a", "platforms": ["` + marker + `"]}`, 422, "body.platforms[0]"},
		{"a platform without an account", "POST", posts, `{"text": "a", "platforms": [{}]}`, 422, "body.platforms[0]"},
		{"a platform that is null", "POST", posts, `{"text": "a", "platforms": [null]}`, 422, "body.platforms[0]"},
		{"51 platforms", "POST", posts, `{"text": "a", "platforms": [` + strings.TrimSuffix(strings.Repeat(`{"integration_id": "`+id+`"},`, 51), ",") + `]}`, 422, "body.platforms"},
		{"a platform's text too long", "POST", posts, `{"text": "a", "platforms": [{"integration_id": "` + id + `", "text": "` + strings.Repeat("a", 100001) + `"}]}`, 422, "body.platforms[0].text"},
		{"no change", "PATCH", one, `{}`, 422, "body"},
		{"no change to a customer", "PATCH", customer, `{"name": null}`, 422, "body"},
		{"no change but null", "PATCH", one, `{"title": null, "platforms": null}`, 422, "body"},
		{"a date that is none", "POST", campaigns, `{"name": "a", "starts_on": "` + marker + `"}`, 422, "body.starts_on"},
		{"a date with a time", "POST", campaigns, `{"name": "a", "starts_on": "2026-12-01T00:00:00Z"}`, 422, "body.starts_on"},
		{"an unknown role", "PATCH", member, `{"role": "` + marker + `"}`, 422, "body.role"},
		{"a role in another case", "PATCH", member, `{"role": "Owner"}`, 422, "body.role"},
		{"an empty name", "PATCH", customer, `{"name": ""}`, 422, "body.name"},
		{"a time zone that is none", "PATCH", customer, `{"time_zone": "` + marker + `"}`, 422, "body.time_zone"},
		{"a time zone that is a path", "PATCH", customer, `{"time_zone": "../../etc/passwd"}`, 422, "body.time_zone"},
		{"SQL for a time zone", "PATCH", customer, `{"time_zone": "'; drop table posts; --"}`, 422, "body.time_zone"},
		{"another platform", "POST", c.path("/integrations"), `{"platform": "twitter", "site_url": "https://x.example", "admin_api_key": "` + marker + `"}`, 422, "body.platform"},
		{"an invitation of nobody", "POST", invitations, `{"role": "viewer"}`, 422, "body"},
		{"an invitation to no role", "POST", invitations, `{"role": "` + marker + `", "email": "a@example.com"}`, 422, "body.role"},
		{"an address that is none", "POST", invitations, `{"role": "viewer", "email": "` + marker + `"}`, 422, "body.email"},
		{"an address with a name", "POST", invitations, `{"role": "viewer", "email": "A <` + marker + `@example.com>"}`, 422, "body.email"},
		{"two addresses", "POST", invitations, `{"role": "viewer", "email": "a@example.com, ` + marker + `@example.com"}`, 422, "body.email"},
		{"an address with a line", "POST", invitations, `{"role": "viewer", "email": "` + marker + `@example.com\r\nBcc: eve@example.com"}`, 422, "body.email"},
		{"an address with a last line", "POST", invitations, `{"role": "viewer", "email": "` + marker + `@example.com\n"}`, 422, "body.email"},
		{"an address with a space", "POST", invitations, `{"role": "viewer", "email": " ` + marker + `@example.com"}`, 422, "body.email"},
		{"an address with a comment", "POST", invitations, `{"role": "viewer", "email": "` + marker + `(x)@example.com"}`, 422, "body.email"},
		{"an address in quotes", "POST", invitations, `{"role": "viewer", "email": "\"` + marker + `\"@example.com"}`, 422, "body.email"},
		{"an address of a machine", "POST", invitations, `{"role": "viewer", "email": "` + marker + `@[127.0.0.1]"}`, 422, "body.email"},
		{"an address that hides something", "POST", invitations, `{"role": "viewer", "email": "` + marker + `\u202e@example.com"}`, 422, "body.email"},
		{"an address with NUL", "POST", invitations, `{"role": "viewer", "email": "` + marker + `\u0000@example.com"}`, 422, "body.email"},
		{"an address too long", "POST", invitations, `{"role": "viewer", "email": "` + strings.Repeat("a", 321) + `@example.com"}`, 422, "body.email"},
		{"an address of too many bytes", "POST", invitations, `{"role": "viewer", "email": "` + strings.Repeat("ä", 200) + `@example.com"}`, 422, "body.email"},
	}
	before := w.stored(t)
	for _, test := range cases {
		a := w.call(t, c.owner, test.method, test.path, test.body)
		if a.status != test.status {
			t.Errorf("%s: got %d, want %d: %.300s", test.name, a.status, test.status, a.body)
			continue
		}
		p := a.problem(t)
		if test.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != test.location) {
			t.Errorf("%s: points at %v, want %s", test.name, p.Errors, test.location)
		}
		if strings.Contains(string(a.body), marker) || strings.Contains(string(a.body), "aaaaa") || strings.Contains(string(a.body), "77123") || len(a.body) > 2000 {
			t.Errorf("%s: the answer repeats what was refused: %.500s", test.name, a.body)
		}
		if strings.Contains(strings.ToLower(string(a.body)), "sqlstate") || strings.Contains(string(a.body), "constraint") {
			t.Errorf("%s: the answer speaks of the database: %s", test.name, a.body)
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	if logs := w.logs.String(); strings.Contains(logs, marker) || strings.Contains(logs, w.token(t, c.owner)[:40]) {
		t.Error("the log holds what was refused, or a token")
	}
}

// Text is stored as it came: emoji, pairs written as escapes, and everything else that is Unicode.
func TestGoodText(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for body, want := range map[string]string{
		`{"text": "\ud83d\ude00"}`:                        "😀",
		`{"text": "\\ud83d"}`:                             `\ud83d`,
		`{"text": "\\\ud83d\ude00\\"}`:                    `\😀\`,
		`{"text": "a\u00e9\n\t\"<b>&amp;\u2028"}`:         "aé\n\t\"<b>&amp;\u2028",
		"{\"text\": \"👩\u200d👩\u200d👧 مرحبا 𝔘\"}":         "👩\u200d👩\u200d👧 مرحبا 𝔘",
		`{"text": "\ufffd"}`:                              "\ufffd",
		`{"text": "` + strings.Repeat("😀", 100000) + `"}`: strings.Repeat("😀", 100000),
	} {
		if got := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), body).want(t, 201)); got.Text != want {
			t.Errorf("%.40s is stored as %.40q", body, got.Text)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	before := w.stored(t)
	for kind, status := range map[string]int{
		"text/plain": 415, "application/xml": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/cbor": 415,
		marker: 415, ";": 415, "application/json;;;=": 415, "*/*": 415,
	} {
		a := w.call(t, c.owner, "POST", c.path("/campaigns"), `{"name": "a"}`, "Content-Type", kind).want(t, status)
		if strings.Contains(string(a.body), marker) {
			t.Errorf("the answer repeats the type: %s", a.body)
		}
	}
	// A malformed condition is a malformed request; one that is well formed but not ours is a version that is gone.
	for etag, status := range map[string]int{
		`v1`: 422, `"v1`: 422, `"v1", "v2"`: 422, `1`: 422, marker: 422, strings.Repeat("x", 201): 422,
		`"` + marker + `"`: 412, `W/"v1"`: 412, `"v01"`: 412, `"v+1"`: 412, `"v-1"`: 412, `"v0"`: 412, `""`: 412, `"v99999999999999999999"`: 412, `"1"`: 412,
	} {
		a := w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Never"}, "If-Match", etag)
		if a.status != status {
			t.Errorf("If-Match %s: got %d, want %d", etag, a.status, status)
		}
		if status == 422 && len(etag) <= 200 && !strings.Contains(string(a.body), "ETag") {
			t.Errorf("If-Match %s: the answer does not say what to send: %s", etag, a.body)
		}
		if strings.Contains(string(a.body), marker) {
			t.Errorf("the answer repeats the ETag: %s", a.body)
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	for _, kind := range []string{"application/json", "Application/JSON; charset=UTF-8", "application/json;charset=utf-8", "application/merge-patch+json"} {
		w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Good"}, "Content-Type", kind).want(t, 200)
	}
	etag := w.call(t, c.owner, "GET", c.path(""), nil).etag()
	w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Good"}, "If-Match", " "+etag+"\t").want(t, 200)
	for _, accept := range []string{"text/html", "a;,b", ";", ",", ";q=", "application/json;q=0", "*/*;q=x,", "ü;,", "application/cbor"} {
		if a := w.call(t, c.owner, "GET", c.path(""), nil, "Accept", accept).want(t, 200); a.header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept %s: got %s", accept, a.header.Get("Content-Type"))
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for given, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "": false, "a b": false, "<script>": false,
		"a\tb": false, `"quoted"`: false, "ü": false, "a,b": false,
	} {
		a := w.call(t, c.owner, "GET", c.path("/posts/%s", c.owner.ID), nil, "X-Request-ID", given).want(t, 404)
		if got := a.header.Get("X-Request-ID"); (got == given) != kept || a.problem(t).RequestID != got {
			t.Errorf("%q came back as %q, and %q in the body", given, got, a.problem(t).RequestID)
		}
		if kept && !strings.Contains(w.logs.String(), given) {
			t.Errorf("%q is not in the log", given)
		}
	}
	// Lines smuggled in by hand do not get further than net/http.
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mustDo(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\rSet-Cookie: evil=1\r\nConnection: close\r\n\r\n")
	mustDo(t, err)
	if got, _ := io.ReadAll(conn); strings.Contains(string(got), "evil") {
		t.Errorf("the answer holds what was smuggled in: %s", got)
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for _, path := range []string{
		"/v1", "/v1/", "/v2/me", "/v1/me/", "/v1/customers/", "//v1/me", "/v1//me", "/v1/./me", "/v1/x/../me", "/docs/../v1/me", "/v1/me%2f", "/V1/me",
		c.path("/"), c.path("/posts/"), "/schemas/Post.json", "/" + marker, "/.env", "/docs/nothing", "/openapi.yml", "/%00", "/v1/%ff",
	} {
		a := w.call(t, c.owner, "GET", path, nil).want(t, 404)
		if strings.Contains(string(a.body), marker) {
			t.Errorf("the answer repeats the path: %s", a.body)
		}
	}
	for path, allow := range map[string]string{"/v1/me": "GET, HEAD", c.path(""): "GET, HEAD, PATCH", c.path("/archive"): "POST", "/health": "GET, HEAD", "/docs": "GET, HEAD"} {
		for _, method := range []string{"PUT", "OPTIONS", "TRACE", "BREW"} {
			if a := w.call(t, c.owner, method, path, nil).want(t, 405); a.header.Get("Allow") != allow {
				t.Errorf("%s %s: allows %q, want %q", method, path, a.header.Get("Allow"), allow)
			}
		}
	}
	for path, status := range map[string]int{"/v1/me": 200, c.path("/posts"): 200, c.path("/posts/%s", c.owner.ID): 404, "/livez": 200, "/nothing": 404} {
		if a := w.call(t, c.owner, "HEAD", path, nil).want(t, status); len(a.body) > 0 {
			t.Errorf("HEAD %s has a body", path)
		}
	}
	for _, id := range []string{"x", "1", strings.Repeat("0", 35), strings.Repeat("g", 36), "%20", "'%20or%201=1", marker + strings.Repeat("0", 36)} {
		a := w.call(t, c.owner, "GET", "/v1/customers/"+id, nil).wantAt(t, "path.customer_id")
		if strings.Contains(string(a.body), marker) {
			t.Errorf("the answer repeats the id: %s", a.body)
		}
	}
	w.call(t, c.owner, "GET", "/v1/customers/"+strings.ToUpper(c.customer.ID.String()), nil).want(t, 200)
	for path, location := range map[string]string{
		"/v1/me?" + marker + "=1": "query." + marker, "/v1/me?%3C" + marker + "%3E=1": "query", "/v1/customers?archived=" + marker: "query.archived",
		c.path("/posts?state=%s", marker): "query.state[0]", c.path("/posts?campaign_id=%s", marker): "query.campaign_id", "/livez?a=1": "query.a",
	} {
		w.call(t, c.owner, "GET", path, nil).wantAt(t, location)
	}
}

// endless gives as many bytes as anybody wants, and counts them.
type endless struct {
	given atomic.Int64
	limit int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.limit-e.given.Load())
	if n == 0 {
		return 0, io.EOF
	}
	copy(p[:n], bytes.Repeat([]byte("a"), int(n)))
	e.given.Add(n)
	return int(n), nil
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	const fifty = 50 << 20
	before := w.stored(t)
	for _, length := range []int64{fifty, -1} { // -1: in chunks, of a length that is not known
		for path, status := range map[string]int{
			c.path("/posts"):   http.StatusRequestEntityTooLarge,
			c.path("/archive"): http.StatusForbidden, // has no body to read
		} {
			body := &endless{limit: fifty}
			request := w.request(t, http.MethodPost, path, body)
			request.ContentLength = length
			id := fmt.Sprintf("large-%d-%d", length, status)
			request.Header.Set("X-Request-ID", id)
			request.Header.Set("Authorization", "Bearer "+w.token(t, c.viewer))
			response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
			if err == nil { // else the server had closed before the client listened
				a := answer{status: response.StatusCode, header: response.Header, body: must(io.ReadAll(response.Body))}
				mustDo(t, response.Body.Close())
				checkAnswer(t, request, a)
				a.want(t, status)
			}
			if given := body.given.Load(); given > fifty/2 {
				t.Errorf("%s: %d bytes were read", path, given)
			}
			answered := false
			for line := range strings.Lines(w.logs.String()) {
				answered = answered || strings.Contains(line, id) && strings.Contains(line, fmt.Sprintf(`"status":%d`, status))
			}
			if !answered {
				t.Errorf("%s, length %d: the log has no answer with %d (%v)", path, length, status, err)
			}
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	// Just under the limit is read to its end, and judged.
	w.call(t, c.owner, "POST", c.path("/posts"), `{"text": "a"`+strings.Repeat(" ", 1<<20-20)+`}`).want(t, 201)
	w.call(t, c.owner, "POST", c.path("/posts"), `{"text": "a"`+strings.Repeat(" ", 1<<20)+`}`).want(t, 413)
}

// Very many things that are wrong make an answer that can still be read.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	var body strings.Builder
	body.WriteString(`{"text": "a"`)
	for i := range 20_000 {
		body.WriteString(`, "f` + strconv.Itoa(i) + `": 1`)
	}
	a := w.call(t, c.owner, "POST", c.path("/posts"), body.String()+"}").want(t, 422)
	if n := len(a.problem(t).Errors); n != 50 {
		t.Errorf("%d mistakes are named", n)
	}
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{requestTimeout: 300 * time.Millisecond})
	c := w.cast(t)
	before := w.stored(t)
	reader, writer := io.Pipe()
	defer writer.Close()
	go func() { _, _ = io.WriteString(writer, `{"text": "`) }() // and nothing more
	request := w.request(t, http.MethodPost, c.path("/posts"), reader)
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
	w.do(t, request).want(t, 408)

	// A body that breaks off, or whose framing is wrong, is the caller's mistake.
	for _, body := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		mustDo(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, "POST "+c.path("/posts")+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.token(t, c.owner)+"\r\n"+body)
		mustDo(t, err)
		mustDo(t, conn.(*net.TCPConn).CloseWrite())
		got, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "application/problem+json") {
			t.Errorf("got %s", got)
		}
		mustDo(t, conn.Close())
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
}
