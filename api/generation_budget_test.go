package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fanfare/internal/sandbox"
)

// TestGeneratePostsInParallel: 200 people ask at once for what the budget pays only some of. It is never exceeded, whatever is asked,
// answered, broken off or refused meanwhile, and in the end it says what the model took.
func TestGeneratePostsInParallel(t *testing.T) {
	const budget, asked = 1_000_000, 200
	g := setupGenerating(t, options{})
	g.limit(t, g.customer.ID, "generate-post", 1000, 3600)
	g.exec(t, "insert into llm_budgets (customer_id, monthly_tokens) values ($1, $2)", g.customer.ID, budget)
	// A few answers break off, some are too long, so that they are repaired, and some are slow.
	broken := []sandbox.LLMAnswer{{End: "cut", Text: `{"posts`}, {End: "error", Text: `{"posts`}, {End: "cut"}}
	g.script(t, sandbox.LLMSettings{Answers: broken, TooLong: 10, PauseMS: 2})

	done := make(chan struct{})
	var watching, asking sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			var exceeded bool
			err := g.Super.QueryRow(t.Context(), "select exists (select from llm_months where customer_id = $1 and tokens + reserved_tokens + lost_tokens > $2)", g.customer.ID, budget).Scan(&exceeded)
			if err != nil || exceeded {
				t.Errorf("the budget is exceeded: %t, %v", exceeded, err)
				return
			}
		}
	})
	var mu sync.Mutex
	answers := map[int]int{}
	begin := make(chan struct{})
	for i := range asked {
		request := g.request(t, "POST", g.path("/posts/generate"), m{"prompt": "Soup number " + strconv.Itoa(i), "platforms": []string{"twitter", "ghost"}})
		request.Header.Set("Authorization", "Bearer "+g.token(t, g.member))
		asking.Go(func() {
			<-begin
			resp, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			answers[resp.StatusCode]++
		})
	}
	close(begin)
	asking.Wait()
	close(done)
	watching.Wait()

	posts, reserved, used, entries := g.kept(t)
	if answers[http.StatusCreated] < 5 || answers[http.StatusPaymentRequired] < 5 || answers[http.StatusCreated]+answers[http.StatusPaymentRequired]+answers[http.StatusServiceUnavailable] != asked {
		t.Errorf("answered %v", answers)
	}
	if posts != answers[http.StatusCreated] || entries < posts {
		t.Errorf("%d posts and %d entries of use, answered %v", posts, entries, answers)
	}
	record := g.box.LLM()
	if reserved != 0 || used > budget || used > record.InputTokens+record.OutputTokens {
		t.Errorf("%d of %d tokens used, %d still reserved; the model took %d", used, budget, reserved, record.InputTokens+record.OutputTokens)
	}
	fmt.Printf("%s: %s, %d of %d tokens used, never over\n", t.Name(), strings.TrimPrefix(fmt.Sprint(answers), "map"), used, budget)
}
