package cmd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCalmHandler: what repeats itself is said once in a while, two things' warnings are two, and River's routine
// is for debugging.
func TestCalmHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(newCalmHandler(slog.NewTextHandler(&out, nil)))
		for attempt := range 10 {
			log.Error("queue is away", "attempt", attempt)
		}
		log.With("job_id", 1).Warn("handed on")
		log.Warn("handed on", "job_id", 2)
		log.Info("producer: Producer job counts")
		log.Info("said each time")
		log.Info("said each time")
		if got := strings.Count(out.String(), "\n"); got != 5 {
			t.Errorf("%d lines, want 5:\n%s", got, out.String())
		}
		time.Sleep(sayAgainAfter)
		log.Error("queue is away")
		if !strings.Contains(out.String(), "left_out=9") {
			t.Errorf("the number of those left out is not said:\n%s", out.String())
		}
	})
}

// TestLogDurations: a number in the log says in which unit it is.
func TestLogDurations(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logConfig{LogFormat: "json", LogLevel: "info"}.logger(&out).With("took", 2*time.Second).Info("request", "duration", 17135605*time.Nanosecond, "status", 200)
	for _, part := range []string{`"duration_ms":17.135,`, `"took_ms":2000,`, `"status":200`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %s in %s", part, out.String())
		}
	}
}
