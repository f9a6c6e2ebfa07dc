package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/dbtest"
	"fanfare/internal/chat"
	"fanfare/queries"
)

// aChat is a chat of one person with the bot of the fixtures.
func aChat(id string) chat.Chat {
	return chat.Chat{Platform: chat.Telegram, Bot: "7000001", Kind: chat.User, ID: id, Title: "Kate"}
}

func aGroup(id string) chat.Chat {
	return chat.Chat{Platform: chat.Telegram, Bot: "7000001", Kind: chat.Group, ID: id, Title: "Marketing"}
}

var kate = chat.Person{ID: "5", Name: "Kate"}

// claim uses a code or link, as the job of a chat does.
func (b *bundle) claim(in chat.Chat, person chat.Person, word pairingWord) claimAnswer {
	b.t.Helper()
	answer, err := claimPairing(b.t.Context(), b.TenantWorker(), queries.New(b.Worker), in, person, word, nil)
	if err != nil {
		b.t.Fatalf("claim: %v", err)
	}
	return answer
}

// told is what the chat has been told, in its order.
func (b *bundle) told(in chat.Chat) []string {
	b.t.Helper()
	rows, err := b.Super.Query(b.t.Context(), "select body #>> '{message,Text}' from chat_outbox where chat = $1 and kind = $2 order by id", in.ID, string(in.Kind))
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

const (
	saidConfirm = "Thank you. Somebody must confirm in Fanfare now that this is the right chat, within an hour."
	saidInUse   = "This chat is in use already. It can be paired again once whoever uses it has released it, within a day."
	saidDenied  = "The pairing was not confirmed."
	saidExpired = "The time for pairing this chat is over. Ask for a new code."
)

func saidPaired(customer dbtest.Customer) string {
	return "This chat is paired with " + customer.Name + "."
}

func (b *bundle) wantTold(in chat.Chat, want ...string) {
	b.t.Helper()
	if got := b.told(in); !slices.Equal(got, want) {
		b.t.Errorf("the chat was told %q, want %q", got, want)
	}
}

// pairer makes a pairing of the bundle's customer, by an owner of it.
func (b *bundle) pairer(p dbtest.Pairing) (dbtest.Pairing, dbtest.User) {
	b.t.Helper()
	owner := b.Member(b.t, b.customer.ID, "owner")
	p.CustomerID, p.CreatedBy = b.customer.ID, owner.ID
	return b.Pairing(b.t, p), owner
}

func (b *bundle) complete(w *Worker) {
	b.t.Helper()
	if err := w.completePairings(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// expire runs the job that ends a pairing, and gives for how long it puts itself off.
func (b *bundle) expire(w *Worker, id uuid.UUID) time.Duration {
	b.t.Helper()
	job := &river.Job[ExpirePairingArgs]{JobRow: &rivertype.JobRow{ID: 1, Kind: "expire_pairing"}, Args: ExpirePairingArgs{CustomerID: b.customer.ID, PairingID: id}}
	err := (&expirePairingWorker{db: w.db, q: w.q, lease: w.lease}).Work(b.t.Context(), job)
	var snooze *river.JobSnoozeError
	if errors.As(err, &snooze) {
		return snooze.Duration
	}
	if err != nil {
		b.t.Fatalf("expire: %v", err)
	}
	return 0
}

// A link pairs the chat in which it is followed at once, and once.
func TestPairingByLink(t *testing.T) {
	b := setup(t)
	p, owner := b.pairer(dbtest.Pairing{Own: true})
	in, word := aChat("100"), pairingWord{link: p.Link}
	for _, want := range []claimAnswer{claimPaired, claimPairedBefore, claimPairedBefore} { // whoever died after it does it again
		if got := b.claim(in, kate, word); got != want {
			t.Fatalf("answered %s", got)
		}
	}
	b.wantTold(in, saidPaired(b.customer))
	if got := scan[string](b, `select concat_ws('|', s.kind, s.external_id, s.title, s.paired_by = $1, s.permissions = $2::text[], p.external_id, p.name, i.bot, i.user_id = $1, a.state, a.space_id = s.id)
		from spaces s join space_people p on p.space_id = s.id join chat_identities i on i.external_id = p.external_id join pairings a on a.space_id = s.id`,
		owner.ID, p.Permissions); got != "user|100|Kate|t|t|5|Kate|7000001|t|done|t" {
		t.Errorf("paired as %s", got)
	}
	for name, used := range map[string]struct {
		in     chat.Chat
		person chat.Person
		word   pairingWord
	}{
		"another chat": {aChat("101"), kate, word}, "another person": {in, chat.Person{ID: "6"}, word}, "its code": {in, kate, pairingWord{code: p.Code}},
		"another bot": {chat.Chat{Platform: chat.Telegram, Bot: "1", Kind: chat.User, ID: "100"}, kate, word}, "another platform": {chat.Chat{Platform: chat.Slack, Bot: "7000001", Kind: chat.User, ID: "100"}, kate, word},
		"no link": {in, kate, pairingWord{link: "x"}},
	} {
		if got := b.claim(used.in, used.person, used.word); got != claimInvalid {
			t.Errorf("%s: answered %s", name, got)
		}
	}
	again, _ := b.pairer(dbtest.Pairing{})
	if got := b.claim(in, kate, pairingWord{link: again.Link}); got != claimAlreadyYours {
		t.Errorf("a chat that is the customer's already: %s", got)
	}
	if got := scan[string](b, "select state from pairings where id = $1", again.ID); got != "open" {
		t.Errorf("the pairing is %s then", got)
	}
	// One's own chat that somebody else has paired tells whose it is.
	mine, colleague := b.pairer(dbtest.Pairing{Own: true})
	if got := b.claim(in, kate, pairingWord{link: mine.Link}); got != claimPaired {
		t.Errorf("one's own chat: %s", got)
	}
	if got := scan[uuid.UUID](b, "select user_id from chat_identities"); got != colleague.ID {
		t.Error("it is not known whose it is")
	}
	if n := scan[int](b, "select count(*)::int from spaces"); n != 1 {
		t.Errorf("%d spaces", n)
	}
	// In a group whoever followed the link is nobody in particular.
	group, _ := b.pairer(dbtest.Pairing{Own: true})
	if got := b.claim(aGroup("-7"), chat.Person{ID: "8"}, pairingWord{link: group.Link}); got != claimPaired {
		t.Errorf("a group: %s", got)
	}
	if n := scan[int](b, "select count(*)::int from chat_identities"); n != 1 {
		t.Errorf("%d identities", n)
	}
	// Neither what it says nor what was used stands in the log.
	for _, secret := range []string{p.Link, group.Link} {
		if n := scan[int](b, "select count(*)::int from audit_log a where a::text like '%' || $1 || '%'", secret); n != 0 {
			t.Error("the log holds a link")
		}
	}
}

// What a code has brought waits for somebody who confirms it; without that there is no space.
func TestPairingByCode(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	p, owner := b.pairer(dbtest.Pairing{Own: true})
	in, word := aChat("100"), pairingWord{code: p.Code}
	for range 3 {
		if got := b.claim(in, kate, word); got != claimWaitingConfirmation {
			t.Fatalf("answered %s", got)
		}
	}
	b.wantTold(in, saidConfirm)
	if got := scan[string](b, "select concat_ws('|', state, claimed_by, external_id, title, person_name, round(extract(epoch from expires_at - now()) / 60)) from pairings"); got != "claimed|code|100|Kate|Kate|60" {
		t.Errorf("claimed as %s", got)
	}
	if got := b.claim(aChat("101"), kate, word); got != claimInvalid {
		t.Errorf("in another chat: %s", got)
	}
	b.complete(w)
	if wait := b.expire(w, p.ID); wait < 59*time.Minute || wait > time.Hour+time.Second {
		t.Errorf("its end is put off by %s", wait)
	}
	if n := scan[int](b, "select count(*)::int from spaces"); n != 0 {
		t.Fatal("a space is made of what nobody has confirmed")
	}
	b.exec("update pairings set confirmed_at = now(), confirmed_by = $1", owner.ID)
	// However many workers complete it, and whoever dies on the way.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := w.completePairings(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.wantTold(in, saidConfirm, saidPaired(b.customer))
	if got := b.claim(in, kate, word); got != claimPairedBefore {
		t.Errorf("used again: %s", got)
	}
	if got := scan[string](b, "select concat_ws('|', (select count(*) from spaces), (select count(*) from space_people), (select count(*) from chat_identities))"); got != "1|1|1" {
		t.Errorf("spaces, people, identities: %s", got)
	}
	if wait := b.expire(w, p.ID); wait != 0 {
		t.Errorf("what is done is put off by %s", wait)
	}
	b.wantTold(in, saidConfirm, saidPaired(b.customer))
}

// What is over is over: the chat is told once, and nothing becomes of it any more.
func TestPairingEnds(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	unused, _ := b.pairer(dbtest.Pairing{Code: "000001"})
	if wait := b.expire(w, unused.ID); wait < 14*time.Minute || wait > 15*time.Minute+time.Second {
		t.Errorf("put off by %s", wait)
	}
	b.exec("update pairings set expires_at = now() - interval '1 second'")
	for _, word := range []pairingWord{{code: unused.Code}, {link: unused.Link}} {
		if got := b.claim(aChat("1"), kate, word); got != claimInvalid {
			t.Errorf("after its time: %s", got)
		}
	}
	b.expire(w, unused.ID)
	used, _ := b.pairer(dbtest.Pairing{Code: "000002"})
	in := aChat("2")
	b.claim(in, kate, pairingWord{code: used.Code})
	b.exec("update pairings set expires_at = now() - interval '1 second', confirmed_at = now() where id = $1", used.ID)
	b.complete(w)
	b.expire(w, used.ID)
	b.expire(w, used.ID)
	b.wantTold(in, saidConfirm, saidExpired)
	if got := b.claim(in, kate, pairingWord{code: used.Code}); got != claimInvalid {
		t.Errorf("after its time: %s", got)
	}
	// Whoever made it may not pair chats any more.
	for name, sql := range map[string]string{"left": "delete from memberships where user_id = $1", "demoted": "update memberships set role = 'member' where user_id = $1"} {
		b.Member(t, b.customer.ID, "owner")
		link, maker := b.pairer(dbtest.Pairing{Code: "000003"})
		code, coder := b.pairer(dbtest.Pairing{Code: "000004"})
		in := aChat(name)
		b.claim(in, kate, pairingWord{code: code.Code})
		b.exec("update pairings set confirmed_at = now() where id = $1", code.ID)
		b.exec(sql, maker.ID)
		b.exec(sql, coder.ID)
		b.complete(w)
		b.wantTold(in, saidConfirm, saidDenied)
		if got := b.claim(aChat(name+" link"), kate, pairingWord{link: link.Link}); got != claimDenied {
			t.Errorf("%s: answered %s", name, got)
		}
	}
	// In an archived customer nothing is paired.
	open, _ := b.pairer(dbtest.Pairing{Code: "000005"})
	b.exec("update customers set archived_at = now()")
	for _, word := range []pairingWord{{code: open.Code}, {link: open.Link}} {
		if got := b.claim(aChat("3"), kate, word); got != claimInvalid {
			t.Errorf("archived: %s", got)
		}
	}
	if got := scan[string](b, "select string_agg(state, ' ' order by id) from pairings"); got != "expired expired denied denied denied denied open" {
		t.Errorf("the pairings are %s", got)
	}
	if n := scan[int](b, "select count(*)::int from spaces"); n != 0 {
		t.Errorf("%d spaces", n)
	}
}

// A chat of another customer changes hands once both want it: who is in the chat, by a link or a confirmed code, and whoever
// has it, by releasing it.
func TestPairingMovesChat(t *testing.T) {
	b := setup(t)
	other := b.second()
	w := b.worker(WorkerConfig{})
	in := aGroup("-7")
	held, _ := other.pairer(dbtest.Pairing{})
	other.claim(in, kate, pairingWord{link: held.Link})
	requested := func() bool {
		return scan[bool](b, "select move_requested_at is not null from spaces where customer_id = $1", other.customer.ID)
	}
	release := func() {
		b.exec("update spaces set ended_at = now(), ended_because = 'released' where ended_at is null")
	}

	// Nobody releases it: after a day the chat is told so, and what was asked of its customer is taken back.
	late, _ := b.pairer(dbtest.Pairing{})
	for range 2 {
		if got := b.claim(in, kate, pairingWord{link: late.Link}); got != claimWaitingRelease || !requested() {
			t.Fatalf("answered %s, requested %v", got, requested())
		}
	}
	b.complete(w)
	if wait := b.expire(w, late.ID); wait < 24*time.Hour-time.Minute || wait > 24*time.Hour+time.Second {
		t.Errorf("put off by %s", wait)
	}
	b.exec("update pairings set expires_at = now() where id = $1", late.ID)
	b.expire(w, late.ID)
	if requested() {
		t.Error("what was asked is not taken back")
	}

	// A code needs both: confirmed alone, and released alone, it brings nothing.
	p, owner := b.pairer(dbtest.Pairing{})
	if got := b.claim(in, kate, pairingWord{code: p.Code}); got != claimWaitingRelease || !requested() {
		t.Fatalf("answered %s", got)
	}
	b.complete(w)
	release()
	b.complete(w)
	if n := scan[int](b, "select count(*)::int from spaces where ended_at is null"); n != 0 {
		t.Fatal("the chat is somebody's although nobody has confirmed it")
	}
	b.exec("update pairings set confirmed_at = now(), confirmed_by = $2 where id = $1", p.ID, owner.ID)
	b.complete(w)
	if got := scan[uuid.UUID](b, "select customer_id from spaces where ended_at is null"); got != b.customer.ID {
		t.Error("the chat is not the second customer's")
	}
	// What the first customer's space had still to say ended with it.
	b.wantTold(in, saidInUse, saidExpired, saidInUse, saidPaired(b.customer))

	// Somebody else is faster between the claim and its completion.
	fast, maker := other.pairer(dbtest.Pairing{Code: "271828"})
	release()
	if got := other.claim(in, kate, pairingWord{code: fast.Code}); got != claimWaitingConfirmation {
		t.Fatalf("answered %s", got)
	}
	third := b.second()
	b.Space(t, dbtest.Space{CustomerID: third.customer.ID, ExternalID: in.ID, Kind: "group", PairedBy: b.Member(t, third.customer.ID, "owner").ID})
	b.exec("update pairings set confirmed_at = now(), confirmed_by = $2 where id = $1", fast.ID, maker.ID)
	if err := w.completePairing(t.Context(), other.customer.ID, fast.ID); err != nil {
		t.Fatal(err)
	}
	if got := scan[string](b, `select concat_ws('|', p.state, p.held_elsewhere, s.move_requested_at is not null) from pairings p, spaces s where p.id = $1 and s.customer_id = $2`,
		fast.ID, third.customer.ID); got != "claimed|t|t" {
		t.Errorf("state, held, requested: %s", got)
	}
}

// A worker does it all by itself, in a second or two.
func TestPairingIsWorked(t *testing.T) {
	b := setup(t)
	p, owner := b.pairer(dbtest.Pairing{})
	over, _ := b.pairer(dbtest.Pairing{Code: "271828"})
	b.exec("update pairings set expires_at = now() where id = $1", over.ID)
	b.exec(`insert into river.river_job (customer_id, args, kind, max_attempts, queue) values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'pairing_id', $2::uuid::text),
		'expire_pairing', 100, 'pairings')`, b.customer.ID, over.ID)
	b.claim(aChat("1"), kate, pairingWord{code: p.Code})
	b.exec("update pairings set confirmed_at = now(), confirmed_by = $2 where id = $1", p.ID, owner.ID)
	b.start(b.worker(WorkerConfig{}))
	eventually(b, "done expired", "select string_agg(state, ' ' order by id) from pairings")
}

// TestPairingGuesses: 10,000 codes guessed from 1,000 chats in an hour, while 20 pairings of several customers wait all the
// time. The clock is simulated: between guesses, all instants that count are moved back instead. With FANFARE_PROVE=1 all of
// it, else a tenth: 1,000 guesses from 100 chats in six minutes.
func TestPairingGuesses(t *testing.T) {
	b := setup(t)
	guesses, chats, whole := 1_000, 100, 6*time.Minute
	if os.Getenv("FANFARE_PROVE") == "1" {
		guesses, chats, whole = 10_000, 1_000, time.Hour
	}
	step := whole / time.Duration(guesses)
	const customers, each = 4, 5
	owners := make([]uuid.UUID, customers)
	ids := make([]uuid.UUID, customers)
	for i := range customers {
		ids[i] = b.Customer(t, dbtest.Customer{}).ID
		owners[i] = b.Member(t, ids[i], "owner").ID
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same in each run
	code := func() string { return fmt.Sprintf("%06d", random.IntN(1_000_000)) }
	// As many wait at any time as can be expected of an installation that is busy with nothing else.
	refill := func() {
		for i := range customers {
			for n := scan[int](b, "select count(*)::int from pairings where customer_id = $1 and state = 'open' and expires_at > now()", ids[i]); n < each; n++ {
				b.Pairing(t, dbtest.Pairing{CustomerID: ids[i], CreatedBy: owners[i], Code: code()})
			}
		}
	}
	answers := map[claimAnswer]int{}
	began, moved := time.Now(), time.Duration(0)
	for i := range guesses {
		if i%100 == 0 {
			refill()
		}
		in := aGroup(fmt.Sprint(-1 - random.IntN(chats)))
		answers[b.claim(in, chat.Person{ID: in.ID}, pairingWord{code: code()})]++
		// What has passed by itself counts too.
		if by := time.Duration(i+1)*step - time.Since(began) - moved; by > 0 {
			moved += by
			b.exec("update caller_rate_limits set tat = tat - $1::interval", by)
			b.exec("update pairings set expires_at = expires_at - $1::interval, claimed_at = claimed_at - $1::interval where state in ('open', 'claimed')", by)
		}
		if i%100 == 99 {
			if err := b.worker(WorkerConfig{}).completePairings(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	claims := scan[int](b, "select count(*)::int from pairings where claimed_at is not null")
	spaces := scan[int](b, "select count(*)::int from spaces")
	looked := answers[claimInvalid] + answers[claimWaitingConfirmation]
	// 60 at once, and one more every 15 seconds (900 s / 60).
	most := 60 + int(whole/(15*time.Second)) + 1
	t.Logf("%d guesses from %d chats in %s: %d were looked at (at most %d), %d were refused unseen; %d pairings were claimed, %d chats were paired",
		guesses, chats, whole, looked, most, answers[claimThrottled], claims, spaces)
	if looked > most || looked < most/2 || looked+answers[claimThrottled] != guesses {
		t.Errorf("answers are %v", answers)
	}
	if claims != answers[claimWaitingConfirmation] {
		t.Errorf("%d pairings were claimed, %d chats were told so", claims, answers[claimWaitingConfirmation])
	}
	if spaces != 0 {
		t.Errorf("%d chats were paired without anybody's confirmation", spaces)
	}

	// A right code, too, is only looked at as often: neither the chat nor the bot is spared.
	b.exec("delete from caller_rate_limits")
	refill()
	in := aGroup("-5000000")
	for range 5 {
		b.claim(in, kate, pairingWord{code: "999999"})
	}
	known := b.Pairing(t, dbtest.Pairing{CustomerID: b.customer.ID, CreatedBy: b.Member(t, b.customer.ID, "owner").ID, Code: "123321"})
	if got := b.claim(in, kate, pairingWord{code: known.Code}); got != claimThrottled {
		t.Errorf("the sixth code of a chat is answered %s", got)
	}
	if got := b.claim(aGroup("-5000001"), kate, pairingWord{code: known.Code}); got != claimWaitingConfirmation {
		t.Errorf("another chat is answered %s", got)
	}
	for i := range 60 {
		b.claim(aGroup(fmt.Sprint(-6_000_000-i)), kate, pairingWord{code: "999999"})
	}
	if got := b.claim(aGroup("-7000000"), kate, pairingWord{code: "999999"}); got != claimThrottled {
		t.Errorf("after 60 codes of the bot a chat is answered %s", got)
	}
	// A link is not guessed, and works all the same.
	link := b.Pairing(t, dbtest.Pairing{CustomerID: b.customer.ID, CreatedBy: known.CreatedBy})
	if got := b.claim(aGroup("-8000000"), kate, pairingWord{link: link.Link}); got != claimPaired {
		t.Errorf("a link is answered %s", got)
	}
}

// Codes that are right are counted for their customer: ten in an hour.
func TestPairingsOfCustomerAreThrottled(t *testing.T) {
	b := setup(t)
	owner := b.Member(t, b.customer.ID, "owner")
	for i := range 11 {
		p := b.Pairing(t, dbtest.Pairing{CustomerID: b.customer.ID, CreatedBy: owner.ID, Code: fmt.Sprintf("10000%x", i)})
		want := claimWaitingConfirmation
		if i == 10 {
			want = claimThrottled
		}
		if got := b.claim(aGroup(fmt.Sprint(-i-1)), kate, pairingWord{code: p.Code}); got != want {
			t.Errorf("the code number %d is answered %s", i+1, got)
		}
		b.exec("update pairings set state = 'denied' where state = 'claimed'")
	}
}

// What chats and people are called is kept as far as it can be.
func TestPairingNames(t *testing.T) {
	b := setup(t)
	p, _ := b.pairer(dbtest.Pairing{})
	in := aChat("1")
	in.Title = strings.Repeat("ü", 400)
	if got := b.claim(in, chat.Person{ID: "1", Name: "a\x00b\xff"}, pairingWord{link: p.Link}); got != claimPaired {
		t.Fatalf("answered %s", got)
	}
	if got := scan[string](b, "select char_length(s.title) || p.name from spaces s, space_people p"); got != "300a\ufffdb\ufffd" {
		t.Errorf("kept as %q", got)
	}
	if _, err := claimPairing(context.Background(), b.TenantWorker(), queries.New(b.Worker), aChat(""), kate, pairingWord{link: p.Link}, nil); err != nil {
		t.Errorf("a chat without an id: %v", err)
	}
}

// chatted makes one row of everything about chats, once the customer has a member.
func (b *bundle) chatted() {
	b.t.Helper()
	maker := scan[uuid.UUID](b, "select id from users limit 1")
	b.exec("insert into memberships (customer_id, user_id, role) values ($1, $2, 'owner') on conflict do nothing", b.customer.ID, maker)
	space := b.Space(b.t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: maker})
	b.Speaks(b.t, space, "1")
	b.Identify(b.t, space, "1", maker)
	b.Pairing(b.t, dbtest.Pairing{CustomerID: b.customer.ID, CreatedBy: maker})
	b.exec("insert into messages (customer_id, id, space_id, direction, text) values ($1, gen_random_uuid(), $2, 'out', 'x')", b.customer.ID, space.ID)
}
