package live_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/live"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const patience = 20 * time.Second

// log is what a hub has logged.
type log struct {
	sync.Mutex
	bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) { l.Lock(); defer l.Unlock(); return l.Buffer.Write(p) }

func (l *log) count(message string) int {
	l.Lock()
	defer l.Unlock()
	return strings.Count(l.String(), message)
}

const cannot, again = "changes cannot be heard of", "changes are heard of again"

// run makes a hub that listens until stop is called, which waits for its end.
func run(t *testing.T, databaseURL string) (hub *live.Hub, logged *log, stop func()) {
	t.Helper()
	logged = &log{}
	hub, err := live.New(databaseURL, slog.New(slog.NewTextHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return hub, logged, stop
}

func subscribe(t *testing.T, hub *live.Hub, topic, caller string) *live.Subscription {
	t.Helper()
	s, err := hub.Subscribe(topic, caller, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// awaitListener waits for a connection that listens, other than the one before, and gives its process id.
func awaitListener(t *testing.T, d *dbtest.DB, before int) (pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := d.Super.QueryRow(t.Context(), `select coalesce(max(pid), 0) from pg_stat_activity
			where datname = current_database() and application_name = 'fanfare live' and state = 'idle' and query = 'listen fanfare_change' and pid <> $1`, before).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		if pid != 0 {
			return pid
		}
	}
	t.Fatal("nobody listens")
	return 0
}

func notify(t *testing.T, d *dbtest.DB, payload string) {
	t.Helper()
	if _, err := d.Super.Exec(t.Context(), "select pg_notify('fanfare_change', $1)", payload); err != nil {
		t.Fatal(err)
	}
}

func wantWoken(t *testing.T, s *live.Subscription, what string) {
	t.Helper()
	select {
	case _, open := <-s.Woken:
		if !open {
			t.Fatalf("%s: it was ended", what)
		}
	case <-time.After(patience):
		t.Fatalf("%s: not woken", what)
	}
}

// drain takes the token of a listener who has just come.
func drain(s *live.Subscription) {
	select {
	case <-s.Woken:
	default:
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	hub, _, _ := run(t, d.LoginURL)
	awaitListener(t, d, 0)
	mine, also, other := subscribe(t, hub, "mine", "me"), subscribe(t, hub, "mine", "me"), subscribe(t, hub, "other", "me")
	for _, s := range []*live.Subscription{mine, also, other} {
		drain(s)
	}
	for range 3 {
		notify(t, d, "nobody's")
		notify(t, d, "mine")
		wantWoken(t, mine, "a change")
		wantWoken(t, also, "a change, of two who look")
	}
	also.Close()
	also.Close()
	notify(t, d, "mine")
	wantWoken(t, mine, "a change after another one has gone")
	for _, s := range []*live.Subscription{also, other} {
		select {
		case <-s.Woken:
			t.Error("woken by what it does not look at")
		default: // one connection brings notifications in their order
		}
	}
}

func TestConnectionLost(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	hub, logged, _ := run(t, d.LoginURL)
	pid := awaitListener(t, d, 0)
	s, other := subscribe(t, hub, "mine", "me"), subscribe(t, hub, "other", "me")
	drain(s)
	drain(other)
	for range 2 {
		var killed bool
		if err := d.Super.QueryRow(t.Context(), "select pg_terminate_backend($1)", pid).Scan(&killed); err != nil || !killed {
			t.Fatal(killed, err)
		}
		// Whatever has changed meanwhile, everybody is told.
		wantWoken(t, s, "the connection was lost")
		wantWoken(t, other, "the connection was lost")
		pid = awaitListener(t, d, pid)
		for deadline := time.Now().Add(patience); logged.count(again) < logged.count(cannot); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it is not said that it goes on")
			}
		}
		notify(t, d, "other") // after the last of wakeAll
		wantWoken(t, other, "a change")
		drain(s)
		notify(t, d, "mine")
		wantWoken(t, s, "a change after the connection is there again")
	}
	if n, m := logged.count(cannot), logged.count(again); n != 2 || m != 2 {
		t.Errorf("said %d times that it cannot, and %d times that it can", n, m)
	}
}

// Where nobody can be listened to, everybody looks now and then, and the log says so once.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	hub, logged, stop := run(t, "postgres://fanfare_login@127.0.0.1:1/none?sslmode=disable")
	s := subscribe(t, hub, "mine", "me")
	wantWoken(t, s, "the database is away")
	wantWoken(t, s, "the database is away still")
	if n := logged.count(cannot); n != 1 {
		t.Errorf("said %d times", n)
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the end took %s", took)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	hub, _, stop := run(t, d.LoginURL)
	awaitListener(t, d, 0)
	s := subscribe(t, hub, "mine", "me")
	drain(s)
	stop()
	if _, open := <-s.Woken; open {
		t.Error("woken, not ended")
	}
	s.Close()
	if _, err := hub.Subscribe("mine", "me", false); !errors.Is(err, live.ErrFull) {
		t.Errorf("after the end: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	hub, err := live.New("postgres://fanfare_login@127.0.0.1:1/none", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var all []*live.Subscription
	for n := range 10 {
		for caller := range 500 {
			all = append(all, subscribe(t, hub, string(rune('a'+n)), strconv.Itoa(n/5*1000+caller)))
		}
		if _, err := hub.Subscribe(string(rune('a'+n)), "more", false); !errors.Is(err, live.ErrFull) {
			t.Fatalf("one more of a topic: %v", err)
		}
	}
	if _, err := hub.Subscribe("another", "more", false); !errors.Is(err, live.ErrFull) {
		t.Fatalf("one more: %v", err)
	}
	for _, s := range all[:30] {
		s.Close()
		s.Close()
	}
	for range 30 {
		all = append(all, subscribe(t, hub, "mine", "one"))
	}
	all[30].Close()
	if _, err := hub.Subscribe("mine", "one", false); !errors.Is(err, live.ErrTooMany) {
		t.Errorf("one more of a caller: %v", err)
	}
	subscribe(t, hub, "another", "more")
	if _, err := hub.Subscribe("yet another", "more", false); !errors.Is(err, live.ErrFull) {
		t.Errorf("one more after one has gone: %v", err)
	}
	if got := all[len(all)-1].Audience(); got != 30 {
		t.Errorf("%d are told of a topic with 30", got)
	}
	if _, err := live.New("postgres://fanfare_login:s3cret@h:x/", nil); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a URL that is none: %v", err)
	}
}

// Programs take no room from people.
func TestLimitsOfPrograms(t *testing.T) {
	t.Parallel()
	hub, err := live.New("postgres://fanfare_login@127.0.0.1:1/none", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	program := func(topic, caller int) (*live.Subscription, error) {
		return hub.Subscribe(strconv.Itoa(topic), "program "+strconv.Itoa(topic)+" "+strconv.Itoa(caller), true)
	}
	var last *live.Subscription
	for topic := range 25 {
		for caller := range 100 {
			if last, err = program(topic, caller); err != nil {
				t.Fatalf("program %d of topic %d: %v", caller, topic, err)
			}
		}
		if _, err := program(topic, 100); !errors.Is(err, live.ErrFull) {
			t.Fatalf("one more program of topic %d: %v", topic, err)
		}
		subscribe(t, hub, strconv.Itoa(topic), "person")
	}
	if _, err := program(25, 0); !errors.Is(err, live.ErrFull) {
		t.Fatalf("one more program: %v", err)
	}
	subscribe(t, hub, "25", "another person")
	last.Close()
	if _, err := program(25, 0); err != nil {
		t.Errorf("one more program after one has gone: %v", err)
	}
}
