package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// One account that its platform takes nothing from for a quarter of an hour, with hundreds of posts due, delays nobody else: the
// posts of a hundred other customers go out as they do without it. Both are measured in turns in one run.
func TestLimitedAccountDelaysNobody(t *testing.T) {
	customers, rounds, flood := pick(whole(), 100, 20), pick(whole(), 6, 2), pick(whole(), 200, 60)
	s := newSystem(t, options{connectors: true, noWorker: true})
	limited := s.newBrand(t)
	newVisitor(t, nil).connect(t, limited, "twitter", "2244994945")
	account := one[string](t, s, "select id::text from integrations where platform = 'twitter'")
	others := make([]*brand, customers)
	var making sync.WaitGroup
	for i := range others {
		making.Go(func() { others[i] = s.newBrand(t) })
		if i%8 == 7 {
			making.Wait()
		}
	}
	making.Wait()
	s.startWorker(t)
	s.startWorker(t)
	err := s.box.AddFault(sandbox.Fault{Step: "twitter.publish", Kind: sandbox.FaultStatus, Status: http.StatusTooManyRequests, Times: -1, Headers: map[string]string{
		"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": strconv.FormatInt(time.Now().Add(15*time.Minute).Unix(), 10),
	}})
	if err != nil {
		t.Fatal(err)
	}
	// round publishes a post of each of the others in the course of some seconds, beside the limited account's if that is
	// wanted, and gives how late each was.
	window := pick(whole(), 10*time.Second, 3*time.Second)
	round := func(withLimited bool) []time.Duration {
		t.Helper()
		drafts := make([]string, customers)
		for i, b := range others {
			drafts[i] = b.draft(t, draft{}).ID
		}
		var floods []string
		if withLimited {
			for range flood {
				floods = append(floods, limited.draft(t, draft{text: uniqueName("Flood"), integrations: []string{account}}).ID)
			}
		}
		at := time.Now().Add(time.Duration(customers+len(floods))*40*time.Millisecond + 3*time.Second)
		for i, id := range floods {
			limited.schedule(t, id, at.Add(window*time.Duration(i)/time.Duration(flood)))
		}
		for i, b := range others {
			b.schedule(t, drafts[i], at.Add(window*time.Duration(i)/time.Duration(customers)))
		}
		if time.Until(at) < 0 {
			t.Fatal("this machine is too slow to schedule the posts in time")
		}
		eventually(t, 2*time.Minute, "every post of the others is out", func() bool {
			return one[int](t, s, "select count(*) from platform_posts where state = 'published' and post_id = any($1::uuid[])", drafts) == customers
		})
		late := make([]time.Duration, 0, customers)
		for _, seconds := range one[[]float64](t, s, `select array_agg(extract(epoch from a.finished_at - p.scheduled_at)::float8)
			from publish_attempts a join platform_posts pp on pp.id = a.platform_post_id join posts p on p.id = pp.post_id
			where a.outcome = 'published' and p.id = any($1::uuid[])`, drafts) {
			late = append(late, time.Duration(seconds*float64(time.Second)))
		}
		return late
	}
	round(false) // warms up
	var alone, beside []time.Duration
	for range rounds {
		alone = append(alone, round(false)...)
		beside = append(beside, round(true)...)
	}
	p99 := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		return all[len(all)*99/100]
	}
	a, b := p99(alone), p99(beside)
	asked, waiting := s.box.Count("twitter.publish"), 0
	eventually(t, time.Minute, "every post of the limited account waits", func() bool {
		waiting = one[int](t, s, "select count(*) from platform_posts where integration_id = $1 and state = 'scheduled' and problem_class = 'rate_limited' and retry_at > now() + interval '5 minutes'", account)
		return waiting == rounds*flood
	})
	fmt.Printf("%s: %d customers, %d posts each way; due-to-sent p99 %s alone, %s beside an account with %d posts that wait 15 min (p50 %s and %s); the platform was asked %d times for it\n",
		t.Name(), customers, len(alone), a.Round(time.Millisecond), b.Round(time.Millisecond), waiting, alone[len(alone)/2].Round(time.Millisecond), beside[len(beside)/2].Round(time.Millisecond), asked)
	// A few may be on their way before the first refusal is known.
	if asked > 8 {
		t.Errorf("the limited platform was asked %d times", asked)
	}
	if whole() && b > a*3/2+200*time.Millisecond { // a few posts have no 99th percentile
		t.Errorf("the others' p99 is %s beside the limited account, %s without it", b, a)
	}
}
