package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
)

// odds are ways to ask in which an answer could tell of what is there: a condition, a body or a question that is
// judged at the wrong moment.
var odds = []struct {
	name    string
	methods []string // all if empty
	headers map[string]string
	body    string // in place of a good one
	query   string
}{
	{name: "as it should be"},
	{name: "a page", methods: []string{http.MethodGet}, query: "limit=1"},
	{name: "a condition that could hold", headers: map[string]string{"If-Match": `"v1"`}},
	{name: "a condition that does not hold", headers: map[string]string{"If-Match": `"v999"`}},
	{name: "any version", headers: map[string]string{"If-Match": "*"}},
	{name: "a malformed condition", headers: map[string]string{"If-Match": "v1"}},
	{name: "a condition on reading", headers: map[string]string{"If-None-Match": `"v1"`, "If-Modified-Since": "Sat, 21 Nov 2026 00:00:00 GMT"}},
	{name: "a broken body", methods: []string{http.MethodPost, http.MethodPatch}, body: "{"},
	{name: "an unknown field", methods: []string{http.MethodPost, http.MethodPatch}, body: `{"unknown": 1}`},
	{name: "an empty body", methods: []string{http.MethodPost, http.MethodPatch}, body: "{}"},
	{name: "another media type", methods: []string{http.MethodPost, http.MethodPatch}, headers: map[string]string{"Content-Type": "text/plain"}},
	{name: "an unknown question", query: "unknown=1"},
	{name: "a request that may be repeated", methods: []string{http.MethodPost}, headers: map[string]string{"Idempotency-Key": "again"}},
	{name: "a reason", headers: map[string]string{"X-Admin-Reason": "curiosity"}},
	{name: "the head alone", methods: []string{http.MethodHead}},
}

// TestNotYoursLooksLikeNotThere asks for what belongs to another customer, for what nobody has, and for the id that
// nothing can have, by every operation and in many ways: the answers are the same to the byte, headers included. In its short form all callers ask as it should be, and in each of
// the odd ways one of them.
func TestNotYoursLooksLikeNotThere(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	ours := m.newCell(t, "") // of people whom the callers have nothing to do with
	ours.arrange(t, act{})
	before := [2]string{m.s.checksum(t, ours.customer.String()), m.s.checksum(t, m.theirs.customer.String(), leavesTraces...)}
	callers := map[string]map[string]string{
		"somebody": m.bearer(t, m.outsider), "a key": {"x-api-key": m.theirKey}, "an agent token": {"Authorization": "Bearer " + m.theirToken},
		"somebody new": m.bearer(t, m.stranger(t)),
	}
	asked := 0
	all := operations(t, m.s)
	for number, id := range slices.Sorted(maps.Keys(all)) {
		o := all[id]
		if acts[id].success == 0 {
			t.Errorf("acts has no row for %s", id)
			continue
		}
		var good []byte
		if acts[id].body != nil {
			switch body := acts[id].body(ours).(type) {
			case rawBody:
				good = []byte(body)
			default:
				good, _ = json.Marshal(body)
			}
		}
		for i, odd := range odds {
			method := o.method
			if slices.Contains(odd.methods, http.MethodHead) && method == http.MethodGet {
				method = http.MethodHead
			}
			if len(odd.methods) > 0 && !slices.Contains(odd.methods, method) {
				continue
			}
			body := good
			if odd.body != "" && body != nil {
				body = []byte(odd.body)
			}
			for j, name := range slices.Sorted(maps.Keys(callers)) {
				if !whole() && i > 0 && (number+i)%len(callers) != j {
					continue
				}
				credential := callers[name]
				headers := maps.Clone(credential)
				maps.Copy(headers, odd.headers)
				query := strings.TrimPrefix(acts[id].query, "?")
				if odd.query != "" {
					query = strings.Trim(query+"&"+odd.query, "&")
				}
				ask := func(ids map[string]string) string {
					asked++
					sent := body
					if bytes.Equal(body, good) && slices.Contains(namingInBody, id) {
						sent = bytes.ReplaceAll(good, []byte(ours.customer.String()), []byte(fill("{customer_id}", ids)))
					}
					return m.raw(t, method, fill(o.path, ids), query, sent, headers)
				}
				m.alike(t, fmt.Sprintf("%s, %s, as %s", id, odd.name, name), name != "somebody new" && odd.name == "as it should be", ask, ours.ids)
				if name == "somebody new" || strings.Count(o.path, "{") <= 1 || strings.Contains(o.path, "{operation}") || strings.Contains(o.path, "{platform}") { // which belong to nobody
					continue
				}
				// In one's own customer, somebody else's thing.
				own := func(ids map[string]string) string {
					ids = maps.Clone(ids)
					ids["customer_id"] = m.theirs.customer.String()
					return ask(ids)
				}
				m.alike(t, fmt.Sprintf("%s in one's own customer, %s, as %s", id, odd.name, name), false, own, ours.ids)
			}
		}
	}
	if after := [2]string{m.s.checksum(t, ours.customer.String()), m.s.checksum(t, m.theirs.customer.String(), leavesTraces...)}; after != before {
		t.Error("asking has changed something")
	}
	fmt.Printf("%s: %d requests\n", t.Name(), asked)
}

// stranger is somebody whom the database has not seen.
func (m *matrix) stranger(t testing.TB) dbtest.User {
	t.Helper()
	return dbtest.User{Subject: "e2e|" + dbtest.NewID(t).String()}
}

// alike expects one answer to what is there, to what is not, and to the nil id. Where plain is set it is 404.
func (m *matrix) alike(t testing.TB, what string, plain bool, ask func(ids map[string]string) string, there map[string]string) {
	t.Helper()
	none := map[string]string{}
	for name := range there {
		none[name] = uuid.Nil.String()
	}
	theirs, nobodys, never := ask(there), ask(map[string]string{}), ask(none)
	if theirs != nobodys || theirs != never {
		t.Errorf("%s: for what is there\n%s\nfor what is not\n%s\nfor nil\n%s", what, theirs, nobodys, never)
	}
	if plain && !strings.HasPrefix(theirs, "404 ") {
		t.Errorf("%s: %s", what, theirs)
	}
	if status := theirs[:3]; status < "400" || status == "403" && plain || status == "409" || status == "412" || status >= "500" {
		t.Errorf("%s: %s", what, theirs)
	}
}

// resetIn is by when a limit is whole again, which is the clock's to say.
var resetIn = regexp.MustCompile(`t=\d+`)

// raw makes a request whose id is always the same, as the first within its limits, and gives the whole answer but
// for its date and the like.
func (m *matrix) raw(t testing.TB, method, path, query string, body []byte, headers map[string]string) string {
	t.Helper()
	m.forgetLimits(t)
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+m.s.addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.URL.RawQuery = query
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Request-ID", "always-the-same")
	request.Header.Set("X-Forwarded-For", m.sender())
	r, err := m.http.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer r.Body.Close()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Del("Date")
	var head bytes.Buffer
	if err := r.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	text := resetIn.ReplaceAllString(head.String(), "t=#")
	return fmt.Sprintf("%d %d %v\n%s\n%s", r.StatusCode, r.ContentLength, r.TransferEncoding, text, content)
}

// forgetLimits lets everybody begin anew with all rate limits.
func (m *matrix) forgetLimits(t testing.TB) {
	t.Helper()
	if _, err := m.s.super.Exec(t.Context(), "with callers as (delete from caller_rate_limits) delete from rate_limits"); err != nil {
		t.Fatal(err)
	}
}

// samples are the durations of requests of two kinds, made in turns.
type samples struct{ there, notThere []time.Duration }

// A difference counts as real when the medians lie further apart than that, and chance would bring the two samples
// about less often than that. A busy machine slows both kinds alike.
const (
	realDifference = 0.15
	realChance     = 1e-6
	repetitions    = 3
)

// differs tells whether the two kinds take differently long.
func (s samples) differs() (really bool, difference, chance float64) {
	a, b := median(s.there), median(s.notThere)
	difference = math.Abs(float64(a-b)) / float64(min(a, b))
	chance = mannWhitney(s.there, s.notThere)
	return difference > realDifference && chance < realChance, difference, chance
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// mannWhitney is the probability that two samples of one distribution differ in rank as much as these do: the
// two-sided U test in its normal approximation, with the correction for ties. Outliers weigh no more than others.
func mannWhitney(a, b []time.Duration) float64 {
	type ranked struct {
		value time.Duration
		first bool
	}
	var all []ranked
	for _, v := range a {
		all = append(all, ranked{v, true})
	}
	for _, v := range b {
		all = append(all, ranked{v, false})
	}
	slices.SortFunc(all, func(x, y ranked) int { return cmp.Compare(x.value, y.value) })
	var sum, ties float64
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].value == all[i].value {
			j++
		}
		count := float64(j - i)
		ties += count*count*count - count
		for _, r := range all[i:j] {
			if r.first {
				sum += float64(i+j+1) / 2 // the mean of the ranks i+1 to j
			}
		}
		i = j
	}
	n, m := float64(len(a)), float64(len(b))
	u := sum - n*(n+1)/2
	variance := n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1)))
	if variance == 0 {
		return 1
	}
	return math.Erfc(math.Abs(u-n*m/2) / math.Sqrt(2*variance))
}

// TestNotYoursTakesAsLongAsNotThere measures, in turns, requests for what belongs to another customer and for what
// nobody has. It fails only for a difference that is large, that chance does not explain, and that comes again.
func TestNotYoursTakesAsLongAsNotThere(t *testing.T) {
	m := newMatrix(t) // not beside other tests of this package: it measures
	var customers, posts []string
	for range 50 {
		c := m.newCell(t, "")
		customers, posts = append(customers, c.ids["customer_id"]), append(posts, c.ids["post_id"])
	}
	own := "/v1/customers/" + m.theirs.customer.String()
	somebody, key := m.bearer(t, m.outsider), map[string]string{"x-api-key": m.theirKey}
	for _, question := range []struct {
		name, method string
		path         func(id string) string
		body         any
		headers      map[string]string
		ids          []string
	}{
		{"read a customer", http.MethodGet, func(id string) string { return "/v1/customers/" + id }, nil, somebody, customers},
		{"read a customer with a key", http.MethodGet, func(id string) string { return "/v1/customers/" + id }, nil, key, customers},
		{"change a customer", http.MethodPatch, func(id string) string { return "/v1/customers/" + id }, map[string]any{"name": "x"}, somebody, customers},
		{"draft a post", http.MethodPost, func(id string) string { return "/v1/customers/" + id + "/posts" }, map[string]any{"text": "x"}, somebody, customers},
		{"read a post", http.MethodGet, func(id string) string { return own + "/posts/" + id }, nil, somebody, posts},
		{"change a post", http.MethodPatch, func(id string) string { return own + "/posts/" + id }, map[string]any{"text": "x"}, somebody, posts},
		{"publish a post", http.MethodPost, func(id string) string { return own + "/posts/" + id + "/publish" }, nil, somebody, posts},
	} {
		t.Run(question.name, func(t *testing.T) {
			ask := func(id string) time.Duration {
				begin := time.Now()
				r := m.send(t, question.method, question.path(id), question.body, question.headers)
				took := time.Since(begin)
				if r.status != http.StatusNotFound {
					t.Fatalf("%d %s", r.status, r.body)
				}
				return took
			}
			for range 20 { // what is only slow at first
				ask(question.ids[0])
				ask(randomID())
			}
			for repetition := 1; ; repetition++ {
				var s samples
				m.forgetLimits(t)
				for range pick(proving(), 550, 250) {
					if rand.IntN(2) == 0 {
						s.there, s.notThere = append(s.there, ask(question.ids[rand.IntN(len(question.ids))])), append(s.notThere, ask(randomID()))
					} else {
						s.notThere, s.there = append(s.notThere, ask(randomID())), append(s.there, ask(question.ids[rand.IntN(len(question.ids))]))
					}
				}
				really, difference, chance := s.differs()
				t.Logf("there %s, not there %s: %.1f %%, p = %.2g", median(s.there), median(s.notThere), 100*difference, chance)
				if !really {
					return
				}
				if repetition == repetitions {
					t.Fatalf("what is there takes %s and what is not %s, %d times in a row", median(s.there), median(s.notThere), repetitions)
				}
			}
		})
	}
}

// The measure finds a difference that is there and none that is not, with times as a busy machine has them.
func TestTimingIsJudged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	// draw is a time around a millisecond, slowed by a factor; one in twenty is much longer.
	draw := func(factor float64) time.Duration {
		took := factor * math.Exp(0.3*random.NormFloat64())
		if random.IntN(20) == 0 {
			took += 20 * random.Float64()
		}
		return time.Duration(took * float64(time.Millisecond)).Round(time.Microsecond)
	}
	found := func(factor float64, size int) (n int) {
		for range 300 {
			var s samples
			for range size {
				s.there, s.notThere = append(s.there, draw(factor)), append(s.notThere, draw(1))
			}
			if really, _, _ := s.differs(); really {
				n++
			}
		}
		return n
	}
	for factor, want := range map[float64][2]int{1: {0, 0}, 1.05: {0, 0}, 1.4: {290, 300}, 0.6: {290, 300}, 2: {300, 300}} {
		if n := found(factor, 250); n < want[0] || n > want[1] {
			t.Errorf("slowed by %v: found %d times of 300, want %v", factor, n, want)
		}
	}
	one, two := []time.Duration{1, 2, 3, 4, 5}, []time.Duration{6, 7, 8, 9, 10}
	if p := mannWhitney(one, two); math.Abs(p-0.00902) > 0.0001 { // z = 12.5/√22.9167
		t.Errorf("p = %v", p)
	}
	if p := mannWhitney(one, one); p != 1 {
		t.Errorf("of itself: p = %v", p)
	}
	if p := mannWhitney([]time.Duration{3, 3, 3}, []time.Duration{3, 3}); p != 1 {
		t.Errorf("of ties alone: p = %v", p)
	}
}
