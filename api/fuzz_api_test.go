package api_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// fuzzer sends requests that are made from the OpenAPI document, and judges the answers.
type fuzzer struct {
	w            *world
	key          jwk.Key
	seed         uint64
	client       *http.Client
	fingerprints func(t testing.TB, customerID uuid.UUID) map[string]string

	mu       sync.Mutex
	findings []string
	done     func(finding string) bool // tells whether that is enough
	stop     atomic.Bool
	statuses map[int]int
	outcomes map[string]map[int]int // by operation and status, 200 for every success
}

// newFuzzer starts an API of its own for the fuzzer. wrap, if there is one, stands before it.
func newFuzzer(t testing.TB, seed uint64, wrap func(w *world, next http.Handler) http.Handler) *fuzzer {
	t.Helper()
	key, verifier := ownKey(t)
	f := &fuzzer{
		key: key, seed: seed, statuses: map[int]int{}, outcomes: map[string]map[int]int{},
		client: &http.Client{
			Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	f.done = func(string) bool { return len(f.findings) >= 10 }
	t.Cleanup(f.client.CloseIdleConnections)
	o := options{verifier: verifier, log: alarm{f}}
	if wrap != nil {
		o.wrap = func(next http.Handler) http.Handler { return wrap(f.w, next) }
	}
	f.w = setupWith(t, options{verifier: verifier})
	f.w.serve(t, o)
	f.w.exec(t, "insert into workers (id, lease_until) values ('w', now() + interval '1 hour')") // /readyz is well
	f.fingerprints = f.w.fingerprints(t)
	return f
}

// alarm takes the API's log. An error in it is a finding.
type alarm struct{ f *fuzzer }

func (a alarm) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"level":"ERROR"`)) || bytes.Contains(line, []byte("panic")) {
		a.f.find("the log says: " + string(line))
	}
	return len(line), nil
}

func (f *fuzzer) find(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.findings = append(f.findings, what)
	if f.done(what) {
		f.stop.Store(true)
	}
}

// recorder keeps what a check reports, where a test would fail.
type recorder struct {
	testing.TB
	errors []string
}

type stopped struct{}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(stopped{})
}

// document holds an answer against the OpenAPI document.
func (r *recorder) document(request *http.Request, a answer) {
	defer func() {
		if v := recover(); v != nil && v != any(stopped{}) {
			panic(v)
		}
	}()
	checkAnswer(r, request, a)
}

// run sends requests for some operations, one after the other. Runs of different numbers do not get into each other's way.
func (f *fuzzer) run(t testing.TB, number, requests int, some []operation) {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(f.seed, uint64(number)))}
	bystander, foreign := f.w.bystander(t)
	untouched := f.fingerprints(t, bystander)
	lookAtBystander := func(i int) {
		if changed := differ(untouched, f.fingerprints(t, bystander)); len(changed) > 0 {
			f.find(fmt.Sprintf("seed %d, run %d, before request %d: something changed in %s of a customer to which no caller belongs", f.seed, number, i, changed))
		}
	}
	var s *season
	var prints map[string]string
	met := map[string]map[int]bool{} // what each operation was answered with
	var lacking []operation          // those that were not answered in every way yet
	for i := range requests {
		if f.stop.Load() {
			return
		}
		if i%500 == 0 {
			lookAtBystander(i)
			s = f.w.season(t, f.key, foreign)
			g.stock = s.stock
			prints = f.fingerprints(t, s.cast.customer.ID)
			lacking = slices.DeleteFunc(slices.Clone(some), func(o operation) bool {
				return !slices.ContainsFunc(o.answers(), func(status int) bool { return !met[o.OperationID][status] })
			})
		}
		among := some
		if len(lacking) > 0 && g.chance(0.6) {
			among = lacking
		}
		o := one(g, among)
		c, whole := g.callerOf(s), !met[o.OperationID][http.StatusOK] && g.chance(0.5)
		if i := slices.IndexFunc(s.callers, func(c fuzzCaller) bool { return c.name == "owner" }); whole && g.chance(0.5) {
			c = s.callers[i] // who may do most
		}
		g.caller = c.name
		r := g.request(o)
		if !whole {
			g.mutate(r)
		}
		if c.standing == everywhere && strings.EqualFold(r.ids["customer_id"], foreign["customer_id"]) {
			r.ids["customer_id"] = s.stock.customer // they could change it
		}
		a, errors := f.send(t, c, r)
		errors = append(errors, f.judge(s, c, r, a)...)
		if good := a.status >= 200 && a.status < 300; r.method != http.MethodGet && r.method != http.MethodHead {
			now := f.fingerprints(t, s.cast.customer.ID)
			if changed := differ(prints, now); len(changed) > 0 && !good {
				errors = append(errors, fmt.Sprintf("it was refused, and yet something changed in %s (unless it was a GET before)", changed))
			} else if len(changed) > 0 {
				s.repair(t)
				now = f.fingerprints(t, s.cast.customer.ID)
			}
			prints = now
		} else if !r.operation.reads() { // which leaves a session
			prints = f.fingerprints(t, s.cast.customer.ID)
		}
		if met[r.operation.OperationID] == nil {
			met[r.operation.OperationID] = map[int]bool{}
		}
		met[r.operation.OperationID][coarse(a.status)] = true
		if a.status == http.StatusOK || a.status == http.StatusCreated {
			s.stock.learn(r.operation, a)
		}
		for _, err := range errors {
			f.find(fmt.Sprintf("%s\nseed %d, run %d, request %d, as %s: %s\n\nanswer %d %s\n%s\n", err, f.seed, number, i, c.name, r, a.status, a.header, short(string(a.body))))
		}
	}
	lookAtBystander(requests)
}

// callerOf takes mostly those whose requests get somewhere.
func (g *generator) callerOf(s *season) fuzzCaller {
	lot, dice := nobody, g.Float64()
	switch {
	case dice > 0.25:
		lot = writer
	case dice > 0.1:
		lot = stranger
	}
	return one(g, slices.DeleteFunc(slices.Clone(s.callers), func(c fuzzCaller) bool {
		of := c.standing
		switch c.standing {
		case spent:
			of = nobody
		case reader, everywhere:
			of = writer
		}
		return of != lot
	}))
}

// send makes the request. That a server hangs up on a body that is too large is no error.
func (f *fuzzer) send(t testing.TB, c fuzzCaller, r *fuzzRequest) (a answer, errors []string) {
	t.Helper()
	var body io.Reader
	text, has := r.content()
	if has {
		body = strings.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), r.method, f.w.url+r.path(), body)
	if err != nil {
		return a, []string{"the request cannot be made: " + err.Error()}
	}
	request.URL.RawQuery = strings.Join(r.query, "&")
	for _, h := range slices.Concat(r.headers, c.headers) {
		request.Header.Add(h[0], h[1])
	}
	n := senders.Add(1) // how much an address may ask is limited
	request.Header.Add("X-Forwarded-For", netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String())
	response, err := f.client.Do(request)
	if err == nil {
		defer response.Body.Close()
		a.status, a.header = response.StatusCode, response.Header
		a.body, err = io.ReadAll(response.Body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statuses[a.status]++
	if err != nil {
		if len(text) > 1<<20 {
			return a, nil
		}
		return a, []string{"no whole answer: " + err.Error()}
	}
	check := &recorder{TB: t}
	check.document(request, a)
	return a, check.errors
}

// readersMay are the operations that change something for whoever may otherwise only read: leaving.
var readersMay = []string{"remove-member"}

// broken are the answers to a request that is not understood.
var broken = []int{
	http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity,
}

// judge says what is wrong with an answer, beyond what the document says.
func (f *fuzzer) judge(s *season, c fuzzCaller, r *fuzzRequest, a answer) (wrong []string) {
	if a.status == 0 {
		return nil // the server has hung up
	}
	expect := func(why string, statuses ...int) {
		if !slices.Contains(statuses, a.status) {
			wrong = append(wrong, fmt.Sprintf("%d is no answer to %s: %v are", a.status, why, statuses))
		}
	}
	// The server that somebody would sign in to is nowhere, and the model of whoever gave a key of their own.
	away := a.status == http.StatusServiceUnavailable && slices.Contains([]string{"connect-mcp-server", "generate-post", "earlier-generate-post"}, r.operation.OperationID)
	full := a.status == http.StatusInsufficientStorage // by a quota that somebody has set; a full disk would be in the log
	if a.status >= http.StatusInternalServerError && !away && !full {
		wrong = append(wrong, "the server is to blame")
	}
	if !c.readsAll && bytes.Contains(a.body, []byte(secretOf)) {
		wrong = append(wrong, "it tells of another customer")
	}
	if !r.routed() {
		return wrong
	}
	foreignCustomer, foreignThing := false, false
	for name, id := range r.ids {
		if strings.EqualFold(id, s.stock.foreign[name]) {
			foreignCustomer = foreignCustomer || name == "customer_id"
			foreignThing = foreignThing || name != "user_id" // a person is no customer's
		}
	}
	customer, inside := r.ids["customer_id"]
	if _, err := uuid.Parse(customer); err != nil {
		inside = false // it names no customer at all, so nobody is a stranger there
	}
	switch {
	case strings.HasSuffix(r.operation.template, "/callback"):
		expect("a browser", http.StatusSeeOther, http.StatusNotFound, http.StatusMethodNotAllowed)
	case r.operation.public():
		if len(r.mutations) == 0 {
			expect("a good request", http.StatusOK)
		}
	case c.standing == nobody:
		expect("nobody", http.StatusUnauthorized)
	case c.standing == spent:
		expect("a key that is not valid", append(broken, http.StatusUnauthorized)...)
	case inside && c.standing == stranger && len(r.mutations) == 0:
		expect("a stranger", http.StatusNotFound, http.StatusUnprocessableEntity)
	case inside && c.standing == stranger:
		expect("a stranger", append(broken, http.StatusNotFound)...)
	case foreignThing && (!foreignCustomer || !c.readsAll):
		expect("somebody else's id", append(broken, http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized, http.StatusTooManyRequests)...)
	case inside && c.standing == reader && r.operation.Method != http.MethodGet && !r.operation.storesNothing() && !slices.Contains(readersMay, r.operation.OperationID):
		expect("somebody who may only read", append(broken, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusConflict, http.StatusPreconditionFailed)...)
	}
	if len(r.mutations) == 0 && slices.Contains(broken[:4], a.status) {
		wrong = append(wrong, "a request that fits the document is not understood")
	}
	f.note(r.operation, a.status)
	return wrong
}

// note counts what has come of an operation's requests.
func (f *fuzzer) note(o operation, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outcomes[o.OperationID] == nil {
		f.outcomes[o.OperationID] = map[int]int{}
	}
	f.outcomes[o.OperationID][coarse(status)]++
}

// coarse is a status, and 200 for every success.
func coarse(status int) int {
	if status >= 200 && status < 300 {
		return http.StatusOK
	}
	return status
}

// seldom are operations for which nobody guesses what they ask for: the customer's name, the one version that waits for
// approval, or the platform post of the post.
var seldom = map[string]bool{
	"erase-customer": true, "approve-post": true, "confirm-platform-post": true, "retry-platform-post": true,
	// what a chat must have used before, and what there is one of
	"confirm-pairing": true, "deny-pairing": true, "reset-llm-budget": true, "delete-mcp-login": true, "create-credential": true, "create-space-credential": true,
	// what somebody else must say yes to: Telegram to a token, an MCP server to a client
	"create-bot": true, "update-bot": true, "connect-mcp-server": true, "set-mcp-client": true,
	// whose fields exclude each other, or are for others
	"generate-post": true, "update-space-credential": true, "update-workspace-policy": true,
}

// fuzzRuns are as many as go on at the same time.
const fuzzRuns = 4

// TestFuzzAPI sends 12,000 valid and broken requests, made from the OpenAPI document, as each kind of caller.
// Nothing may fail on the server's side; every answer is one that the document describes, with the body that it
// describes; who is nobody gets 401, who is a stranger 404; what is refused changes nothing; and nobody reaches a
// customer that is not theirs. FANFARE_PROVE=1 sends 25 times as many from a new seed; FANFARE_FUZZ_SEED repeats
// one.
func TestFuzzAPI(t *testing.T) {
	t.Parallel()
	requests, seed := 12_000, uint64(1)
	if os.Getenv("FANFARE_PROVE") == "1" {
		requests, seed = 300_000, rand.Uint64N(1_000_000_000)
	}
	if given := os.Getenv("FANFARE_FUZZ_SEED"); given != "" {
		seed = must(strconv.ParseUint(given, 10, 64))
	}
	f, start := newFuzzer(t, seed, nil), time.Now()
	t.Run("runs", func(t *testing.T) {
		for number := range fuzzRuns {
			t.Run(strconv.Itoa(number), func(t *testing.T) {
				t.Parallel()
				f.run(t, number, requests/fuzzRuns, operations())
			})
		}
	})
	// Who had no luck tries again.
	for number := fuzzRuns; number < 3*fuzzRuns && len(f.findings) == 0; number++ {
		if lacking := slices.DeleteFunc(slices.Clone(operations()), func(o operation) bool { return len(f.missing(o)) == 0 }); len(lacking) > 0 {
			f.run(t, number, 500, lacking)
		}
	}
	for _, finding := range f.findings {
		t.Error(finding)
	}
	sent := 0
	for _, n := range f.statuses {
		sent += n
	}
	fmt.Printf("%s: seed %d, requests %d, operations %d, answers %v, %s, unexpected %d\n", t.Name(), seed, sent, len(operations()), f.statuses,
		time.Since(start).Round(time.Second), len(f.findings))
	if t.Failed() {
		return
	}
	// Requests that get nowhere would prove nothing.
	for _, o := range operations() {
		for _, status := range f.missing(o) {
			t.Errorf("%s was never answered with %d, only with %v: the generator needs a hint (see hints), or it has become too short", o.OperationID, status, f.outcomes[o.OperationID])
		}
	}
}

// missing are the answers that an operation has not had.
func (f *fuzzer) missing(o operation) []int {
	return slices.DeleteFunc(o.answers(), func(status int) bool { return f.outcomes[o.OperationID][status] > 0 })
}

// answers are the statuses with which a fuzzer that gets somewhere is answered, 200 for every success.
func (o operation) answers() []int {
	all := []int{http.StatusUnprocessableEntity}
	if !seldom[o.OperationID] {
		all = append(all, http.StatusOK)
	}
	if strings.HasSuffix(o.template, "/callback") { // which sends every browser on
		all = []int{http.StatusSeeOther}
	}
	if !o.public() {
		all = append(all, http.StatusUnauthorized)
	}
	if strings.Contains(o.template, "{customer_id}") {
		all = append(all, http.StatusNotFound)
		if o.Method != http.MethodGet && !o.storesNothing() {
			all = append(all, http.StatusForbidden)
		}
	}
	return all
}
