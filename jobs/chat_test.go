package jobs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/internal/inprocess"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/queries"
)

// Whoever takes all that they get leaves four times as much for others.
func TestChatSlots(t *testing.T) {
	t.Parallel()
	s := newChatSlots(100)
	fill := func(party string) (n int) {
		for s.take(party) {
			n++
		}
		return n
	}
	if n := fill("a"); n != 20 {
		t.Errorf("alone: %d slots of 100", n)
	}
	if n := fill("b"); n != 16 {
		t.Errorf("beside one: %d slots", n)
	}
	for range 10 {
		s.giveBack("a")
	}
	if n := fill("a"); n != 7 { // 17, with 67 left
		t.Errorf("%d slots more", n)
	}
	for i := range 14 {
		if n := fill(strconv.Itoa(i)); n == 0 {
			t.Fatalf("%d parties leave nothing", i+2)
		}
	}
	for party, n := range map[string]int{"a": s.held["a"], "b": s.held["b"]} {
		for range n {
			s.giveBack(party)
		}
		if _, there := s.held[party]; there {
			t.Errorf("%s is remembered without slots", party)
		}
	}
}

// tell writes down that somebody said something in chats, one update in each.
func (b *bundle) tell(platform, bot, kind, text string, chats ...string) {
	b.t.Helper()
	b.exec(`insert into chat_updates (platform, bot, update_id, team, kind, chat, place, body)
		select $1, $2, 'update ' || c || ' ' || gen_random_uuid(), '', $3, c, 1, jsonb_build_object('ID', '1', 'Event', 'said', 'Text', $4::text, 'Addressed', true,
			'Chat', jsonb_build_object('Platform', $1::text, 'Bot', $2::text, 'Kind', $3::text, 'ID', c), 'Person', jsonb_build_object('ID', '77', 'Name', 'Ada'), 'At', now())
		from unnest($5::text[]) c`, platform, bot, kind, text, chats)
}

func named(what string, n int) []string {
	chats := make([]string, n)
	for i := range chats {
		chats[i] = fmt.Sprintf("%s%04d", what, i)
	}
	return chats
}

// ownBot gives a customer a bot that nobody can open; no job gets as far.
func (b *bundle) ownBot(customer dbtest.Customer, platform, bot string) {
	b.t.Helper()
	b.exec("insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, $3, $4, 'sealed', 1)", customer.ID, dbtest.NewID(b.t), platform, bot)
}

// A party has so many jobs at a time, whatever waits in its chats, and each has its turn.
func TestChatsToDo(t *testing.T) {
	b := setup(t)
	other := b.second()
	q := queries.New(b.Worker)
	todo := func(share, limit int32) (all []string, of map[string]int) {
		t.Helper()
		rows, err := q.ChatListToDo(t.Context(), queries.ChatListToDoParams{Share: share, MaxRows: limit})
		if err != nil {
			t.Fatal(err)
		}
		of = map[string]int{}
		for _, row := range rows {
			of[row.Bot]++
			all = append(all, row.Chat)
		}
		return all, of
	}
	// Two bots of one customer with very many chats, older than everything else.
	for _, bot := range []string{"501", "502"} {
		b.ownBot(b.customer, "whatsapp", bot)
		b.tell("whatsapp", bot, "user", "hello", named(bot+"-", 1500)...)
	}
	b.exec("update chat_updates set received_at = now() - interval '1 hour'")
	space := b.Space(t, dbtest.Space{CustomerID: other.customer.ID, PairedBy: b.Member(t, other.customer.ID, "owner").ID, Bot: "600", Kind: "user", ExternalID: "paired"})
	b.tell("telegram", "600", "user", "hello", "paired")
	b.tell("telegram", "600", "user", "hello", named("nobody's-", 60)...)
	all, of := todo(chatsShare, 1000)
	if of["501"]+of["502"] != chatsShare || of["600"] != chatsShare+1 || !slices.Contains(all[:3], "paired") {
		t.Errorf("%v of each bot, at first %v", of, all[:3])
	}
	if all, _ := todo(chatsShare, 3); !slices.Contains(all, "paired") {
		t.Errorf("the first three are %v", all)
	}
	// Those with a job are left out and count.
	w, err := NewWorker(Deps{Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.DiscardHandler), Chats: &Chats{}}, WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.dispatchChats(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](b, "select count(*) from river.river_job where kind = 'chat'"); n != 2*chatsShare+1 {
		t.Errorf("%d jobs", n)
	}
	if all, _ := todo(chatsShare, 1000); len(all) != 0 {
		t.Errorf("%d chats more than a share", len(all))
	}
	b.exec("update river.river_job set state = 'completed', finalized_at = now() where kind = 'chat' and args ->> 'bot' = '600'")
	b.exec("update chat_updates set handled_at = now(), body = null where bot = '600' and chat <> 'nobody''s-0059'")
	if all, of := todo(chatsShare, 1000); len(all) != 1 || of["600"] != 1 {
		t.Errorf("%d chats are there after that, %v of each bot", len(all), of)
	}
	b.exec("update chat_updates set handled_at = now(), body = null where handled_at is null")
	// Nothing overtakes what must wait to be said.
	for i, in := range []string{"1 minute", "-1 minute"} {
		b.exec("insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body, send_at) values ($1, 'telegram', '600', '', 'user', 'paired', $2, $3, '{}', now() + $4::interval)",
			dbtest.NewID(t), other.customer.ID, space.ID, in)
		if all, _ := todo(chatsShare, 10); len(all) != 0 {
			t.Errorf("after %d messages: %v", i+1, all)
		}
	}
	b.exec("update chat_outbox set send_at = now() - interval '1 second'")
	if all, _ := todo(chatsShare, 10); !slices.Equal(all, []string{"paired"}) {
		t.Errorf("what is due is %v", all)
	}
}

// chattingWith makes a worker whose chats call the given API.
func (p *polling) chattingWith(api http.Handler) *Worker {
	p.t.Helper()
	w, err := NewWorker(Deps{
		Pool: p.Worker, Vault: p.vault, Log: slog.New(slog.NewTextHandler(p.t.Output(), nil)), Chats: &Chats{API: api, Bots: p.registry()},
	}, WorkerConfig{Lease: 2 * time.Second})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

// Slow language models of six customers do not keep the bot from answering a third one, nor who is nobody's yet.
func TestSlowChats(t *testing.T) {
	p := setupPolling(t)
	var held atomic.Int32
	slow, written := map[uuid.UUID]bool{}, make(chan struct{})
	w := p.chattingWith(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if speaker, _ := inprocess.SpeakerOf(r.Context()); !slow[speaker.CustomerID] {
			out.WriteHeader(http.StatusNotFound)
			return
		}
		held.Add(1)
		<-written
		out.WriteHeader(http.StatusNotFound)
	}))
	for i := range 6 {
		customer := p.second().customer
		slow[customer.ID] = true
		owner, chats := p.Member(t, customer.ID, "owner"), named(fmt.Sprintf("slow%d-", i), 50)
		for _, c := range chats {
			p.Space(t, dbtest.Space{CustomerID: customer.ID, PairedBy: owner.ID, Bot: p.id, Kind: "user", ExternalID: c})
		}
		p.tell("telegram", p.id, "user", "write a post about bread", chats...)
		p.tell("telegram", p.id, "user", "write a post about rye", chats...)
	}
	p.start(w)
	write := sync.OnceFunc(func() { close(written) })
	t.Cleanup(write)
	await(t, func() (bool, string) {
		return held.Load() >= 100, fmt.Sprintf("%d chats wait for language models", held.Load())
	})
	p.Space(t, dbtest.Space{
		CustomerID: p.customer.ID, PairedBy: p.Member(t, p.customer.ID, "owner").ID, Bot: p.id, Kind: "user", ExternalID: strconv.FormatInt(p.person.ID, 10),
	})
	said := time.Now()
	p.say("/help")
	p.tell("telegram", p.id, "user", "hello", "a stranger")
	for _, c := range []string{strconv.FormatInt(p.person.ID, 10), "a stranger"} {
		eventually(p.bundle, 1, "select count(*) from chat_updates where chat = $1 and handled_at is not null", c)
	}
	if took := time.Since(said); took > 15*time.Second {
		t.Errorf("they are answered after %s", took)
	}
	if n := held.Load(); n > chatsConcurrency*4/5 {
		t.Errorf("%d of %d slots are held by six", n, chatsConcurrency)
	}
	if n := scan[int](p.bundle, "select count(*) from chat_updates where handled_at is null and chat like 'slow%'"); n != 600 {
		t.Errorf("%d updates of the slow wait, want 600", n)
	}
	// Who found no slot is not forgotten, and in a chat one comes after the other.
	write()
	eventually(p.bundle, 0, "select count(*) from chat_updates where handled_at is null")
	if n := scan[int](p.bundle, "select count(*) from chat_updates a join chat_updates b using (chat) where a.received_at < b.received_at and a.handled_at > b.handled_at"); n != 0 {
		t.Errorf("%d updates have overtaken another", n)
	}
}

// What comes from a bot that nobody has, or whose customer is archived, waits for nobody for ever, and its jobs end.
func TestChatsOfNobodysBot(t *testing.T) {
	p := setupPolling(t)
	archived := p.second().customer
	sealedBot := &polling{bundle: &bundle{DB: p.DB, t: t, vault: p.vault, customer: archived}, box: p.box, url: p.url}
	sealedBot.addBot("701", p.bot.Token)
	p.exec("update customers set archived_at = now() where id = $1", archived.ID)
	p.tell("telegram", "701", "user", "hello", "of the archived")
	p.exec("insert into chat_outbox (id, platform, bot, team, kind, chat, body) values ($1, 'telegram', '701', '', 'user', 'of the archived', '{}')", dbtest.NewID(t))
	p.tell("telegram", "702", "user", "hello", "fresh", "old")
	p.exec("update chat_updates set received_at = now() - interval '61 minutes' where chat = 'old'")
	w := p.chatting()
	// There was something once, and the bot was removed with it.
	if _, err := w.client.Insert(t.Context(), ChatArgs{Platform: "telegram", Bot: "703", ChatKind: "user", Chat: "removed"}, nil); err != nil {
		t.Fatal(err)
	}
	p.start(w)
	const done = "select count(*) from river.river_job where kind = 'chat' and state = 'completed' and args ->> 'chat' = $1"
	for _, c := range []string{"of the archived", "old", "removed"} {
		eventually(p.bundle, true, "select exists ("+done+")", c)
	}
	eventually(p.bundle, "scheduled", "select state::text from river.river_job where kind = 'chat' and args ->> 'chat' = 'fresh'")
	for sql, want := range map[string]int{
		"select count(*) from chat_updates where handled_at is not null and body is null": 2,
		"select count(*) from chat_updates where handled_at is null and chat = 'fresh'":   1,
		"select count(*) from chat_outbox where ended_at is null":                         0,
	} {
		if n := scan[int](p.bundle, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
	// Nor does it wait for days, whoever has it.
	p.exec("update chat_updates set received_at = now() - interval '73 hours' where chat = 'fresh'")
	p.exec("insert into chat_outbox (id, platform, bot, team, kind, chat, body, created_at, send_at) values ($1, 'telegram', '702', '', 'user', 'fresh', '{}', now() - interval '73 hours', now() + interval '1 hour')", dbtest.NewID(t))
	if age, err := queries.New(p.Worker).ChatOldest(t.Context()); err != nil || age < 72*3600 || age > 74*3600 {
		t.Errorf("the oldest has been waiting for %v seconds: %v", age, err)
	}
	if err := w.forgetChats(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](p.bundle, "select (select count(*) from chat_updates where handled_at is null) + (select count(*) from chat_outbox where ended_at is null)"); n != 0 {
		t.Errorf("%d still wait", n)
	}
	if age, err := queries.New(p.Worker).ChatOldest(t.Context()); err != nil || age != 0 {
		t.Errorf("where nothing waits, the oldest has been waiting for %v seconds: %v", age, err)
	}
	if bot, err := p.registry().Bot(t.Context(), chat.Telegram, "701"); err != nil || bot == nil || !bot.Archived {
		t.Errorf("the bot of the archived customer is %+v: %v", bot, err)
	}
}

// What the platform does not take now is said when its time has come, in its place, and what comes meanwhile is handled.
func TestSaidLater(t *testing.T) {
	p := setupPolling(t)
	if err := p.box.AddFault(sandbox.Fault{Step: "telegram.send_message", Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable, Times: 2}); err != nil {
		t.Fatal(err)
	}
	p.start(p.chatting())
	p.say("hello")
	eventually(p.bundle, true, "select exists (select from chat_outbox where ended_at is null and attempts > 0)")
	p.say("and hello")
	eventually(p.bundle, 2, countUpdates+" and handled_at is not null", p.id)
	eventually(p.bundle, 0, "select count(*) from chat_outbox where ended_at is null")
	if answers := p.heard(); len(answers) != 2 {
		t.Errorf("the bot has said %d things, want 2", len(answers))
	}
	if n := scan[int](p.bundle, "select count(*) from chat_outbox where message_id is null"); n != 0 {
		t.Errorf("%d answers were not said", n)
	}
}

// A chat that has another id by now keeps its space and what is to be said there, also when it is told twice. Where it has been paired
// anew under that id, by the same customer or another, the space that it was ends, and nothing of it is said to whoever has it now.
func TestChatMoves(t *testing.T) {
	b := setup(t)
	other := b.second()
	for name, holder := range map[string]*dbtest.Customer{"nobody": nil, "the same": &b.customer, "another": &other.customer} {
		from, to := name+" before", name+" after"
		space := b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: b.Member(t, b.customer.ID, "owner").ID, ExternalID: from})
		if holder != nil {
			b.Space(t, dbtest.Space{CustomerID: holder.ID, PairedBy: b.Member(t, holder.ID, "owner").ID, ExternalID: to})
		}
		b.exec(`insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
			values ($1, $2, $3, '', $4, $5, $6, $7, '{}')`, dbtest.NewID(t), space.Platform, space.Bot, space.Kind, from, b.customer.ID, space.ID)
		w := &chatWork{
			chatWorker: &chatWorker{db: b.TenantWorker(), pool: b.Worker, q: queries.New(b.Worker)}, job: &river.Job[ChatArgs]{JobRow: &rivertype.JobRow{ID: 1}},
			in: chat.Chat{Platform: chat.Platform(space.Platform), Bot: space.Bot, Kind: chat.Kind(space.Kind), ID: from},
		}
		for range 2 {
			if err := w.follow(t.Context(), to); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var got struct {
			chat         string
			ended        bool
			there, still int
		}
		if err := b.Super.QueryRow(t.Context(), `select external_id, coalesce(ended_because = 'gone', false),
				(select count(*) from chat_outbox where chat = $2 and ended_at is null), (select count(*) from chat_outbox where chat = $3 and ended_at is null)
			from spaces where id = $1`, space.ID, to, from).Scan(&got.chat, &got.ended, &got.there, &got.still); err != nil {
			t.Fatal(err)
		}
		want := got
		want.chat, want.ended, want.there, want.still = to, false, 1, 0
		if holder != nil {
			want.chat, want.ended, want.there = from, true, 0
		}
		if got != want {
			t.Errorf("held by %s: %+v, want %+v", name, got, want)
		}
	}
}

// answers has a worker handle everything that waits, and gives what the bot has said to the person by then.
func (p *polling) answers(w *Worker) []sandbox.TelegramMessage {
	p.t.Helper()
	p.start(w)
	eventually(p.bundle, 0, "select (select count(*) from chat_updates where handled_at is null) + (select count(*) from chat_outbox where ended_at is null)")
	return p.heard()
}

// pairedPerson makes the person's chat a space of the bundle's customer.
func (p *polling) pairedPerson() dbtest.Space {
	p.t.Helper()
	return p.Space(p.t, dbtest.Space{
		CustomerID: p.customer.ID, PairedBy: p.Member(p.t, p.customer.ID, "owner").ID, Bot: p.id, Kind: "user", ExternalID: strconv.FormatInt(p.person.ID, 10),
	})
}

// A post that is longer than anybody reads in a chat, and than is stored of what is to be said, is shown as far as that goes.
func TestVeryLongPost(t *testing.T) {
	p := setupPolling(t)
	id, of := dbtest.NewID(t), []map[string]any{}
	for _, name := range platform.Names {
		of = append(of, map[string]any{"id": dbtest.NewID(t), "platform": name, "text": string(name) + strings.Repeat(" ä", 45_000), "state": "draft"})
	}
	w := p.chattingWith(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, id.String()) {
			_, _ = io.WriteString(out, `{"permissions": ["posts:write"]}`)
			return
		}
		out.Header().Set("ETag", `"v1"`)
		if err := json.NewEncoder(out).Encode(map[string]any{"id": id, "text": "Rye", "state": "draft", "time_zone": "UTC", "platform_posts": of}); err != nil {
			t.Error(err)
		}
	}))
	p.pairedPerson()
	chatID := strconv.FormatInt(p.person.ID, 10)
	p.say("hello") // it lets the bot write to the person
	p.exec(`insert into chat_updates (platform, bot, update_id, team, kind, chat, place, body)
		select 'telegram', $1::text, 'a press', '', 'user', $2::text, 1, jsonb_build_object('ID', '1', 'Event', 'pressed', 'Button', $3::text, 'Chat', jsonb_build_object('Platform', 'telegram',
			'Bot', $1::text, 'Kind', 'user', 'ID', $2::text), 'Person', jsonb_build_object('ID', $2::text, 'Name', 'Ada'))`, p.id, chatID, "sh:"+base64.RawURLEncoding.EncodeToString(id[:])+":1")
	said, all := p.answers(w), ""
	for _, m := range said {
		all += m.Text
	}
	if len(said) > 12 || !strings.Contains(all, "The rest is in the dashboard") || strings.Contains(all, "went wrong") {
		t.Errorf("it is shown in %d messages, which end with %q", len(said), said[len(said)-1].Text)
	}
}

// What a space was still to say when it was released, or its customer erased, is said to nobody: the chat may be another customer's, and
// what that one says comes next. A platform that was away for long is not waited for any longer.
func TestSaidOnceAndSoon(t *testing.T) {
	p := setupPolling(t)
	p.say("hello")
	chatID := strconv.FormatInt(p.person.ID, 10)
	released := p.pairedPerson()
	p.exec("update spaces set ended_at = now(), ended_because = 'released' where id = $1", released.ID)
	other := p.second().customer
	taken := p.Space(t, dbtest.Space{CustomerID: other.ID, PairedBy: p.Member(t, other.ID, "owner").ID, Bot: p.id, Kind: "user", ExternalID: chatID})
	for _, of := range []struct {
		what            string
		customer, space uuid.UUID
	}{{"of the one before", p.customer.ID, released.ID}, {"of nobody any more", dbtest.NewID(t), dbtest.NewID(t)}, {"of whose it is", other.ID, taken.ID}} {
		p.exec(`insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body) values ($1, 'telegram', $2, '', 'user', $3, $4, $5,
			jsonb_build_object('message', jsonb_build_object('Text', $6::text)))`, dbtest.NewID(t), p.id, chatID, of.customer, of.space, of.what)
	}
	said := slices.DeleteFunc(p.answers(p.chatting()), func(m sandbox.TelegramMessage) bool { return !strings.HasPrefix(m.Text, "of ") })
	if len(said) != 1 || said[0].Text != "of whose it is" {
		t.Errorf("it says %v", said)
	}
	if err := p.box.AddFault(sandbox.Fault{Step: "telegram.send_message", Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable, Times: 1}); err != nil {
		t.Fatal(err)
	}
	p.exec("insert into chat_outbox (id, platform, bot, team, kind, chat, body, attempts) values ($1, 'telegram', $2, '', 'user', $3, $4, 200)",
		dbtest.NewID(t), p.id, chatID, `{"message": {"Text": "late"}}`)
	eventually(p.bundle, true, "select send_at between now() + interval '4 minutes' and now() + interval '5 minutes' from chat_outbox where attempts = 201")
	total := time.Duration(0)
	for n := range sayAttempts {
		total += backoff(n+1, time.Second, sayPause)
	}
	if total < 23*time.Hour || total > 26*time.Hour {
		t.Errorf("it is given up after %s", total)
	}
}

// A chat that has another id takes its space with it, also where what was to be said was of none.
func TestFollowChat(t *testing.T) {
	b := setup(t)
	space := b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: b.Member(t, b.customer.ID, "owner").ID, Bot: "600", Kind: "group", ExternalID: "-1"})
	b.tell("telegram", "600", "group", "hello", "-1")
	w := &chatWork{
		chatWorker: &chatWorker{db: tenant.New(b.Worker), pool: b.Worker, q: queries.New(b.Worker)}, job: &river.Job[ChatArgs]{JobRow: &rivertype.JobRow{}},
		in: chat.Chat{Platform: chat.Telegram, Bot: "600", Kind: chat.Group, ID: "-1"},
	}
	if err := w.follow(t.Context(), "-1001"); err != nil {
		t.Fatal(err)
	}
	if id := scan[string](b, "select external_id from spaces where id = $1", space.ID); id != "-1001" {
		t.Errorf("the space is that of %s", id)
	}
	if id := scan[string](b, "select chat from chat_updates"); id != "-1001" {
		t.Errorf("what was said waits in %s", id)
	}
}
