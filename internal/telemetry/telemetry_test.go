package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
)

// TestMetrics: what is counted is told with the labels that are meant and no others, whatever is given, and one metric
// that cannot be had takes no other along. Of a process there is one provider, so there is one test.
func TestMetrics(t *testing.T) {
	TokenRenewal(t.Context(), "linkedin", RenewalDone) // before Start: nothing happens
	var log bytes.Buffer
	handler, err := Start(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	scrape := func() string {
		t.Helper()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		if answer.Code != 200 {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	if got := scrape(); strings.Contains(got, "fanfare_old_credentials") {
		t.Errorf("told without having been asked for:\n%s", got)
	}
	OldCredentialUse(t.Context(), "ghost")
	OldCredentialUse(t.Context(), "ghost")
	for _, outcome := range []string{RenewalDone, RenewalRefused, RenewalUnanswered, RenewalFailed, "customer 7", ""} {
		TokenRenewal(t.Context(), "twitter", outcome)
	}
	library, err := otel.Meter("a library").Int64Counter("requests")
	if err != nil {
		t.Fatal(err)
	}
	library.Add(t.Context(), 1)
	ObserveOldCredentials(func(context.Context) (int64, error) { return 3, nil })
	ObserveOldestChatUpdate(func(context.Context) (float64, error) { return 2.5, nil })
	const counters = `# HELP fanfare_old_credential_uses_total Uses of credentials from an earlier installation.
# TYPE fanfare_old_credential_uses_total counter
fanfare_old_credential_uses_total{platform="ghost"} 2
`
	const renewals = `# HELP fanfare_token_renewals_total Renewals of tokens at a platform, by how they ended.
# TYPE fanfare_token_renewals_total counter
fanfare_token_renewals_total{outcome="failed",platform="twitter"} 1
fanfare_token_renewals_total{outcome="other",platform="twitter"} 2
fanfare_token_renewals_total{outcome="refused",platform="twitter"} 1
fanfare_token_renewals_total{outcome="renewed",platform="twitter"} 1
fanfare_token_renewals_total{outcome="unanswered",platform="twitter"} 1
`
	const gauge = `# HELP fanfare_old_credentials Accounts that still live by a credential from an earlier installation.
# TYPE fanfare_old_credentials gauge
fanfare_old_credentials 3
`
	const age = `# HELP fanfare_oldest_chat_update_seconds For how long the oldest thing that happened in a chat has been waiting to be handled; 0 where nothing does.
# TYPE fanfare_oldest_chat_update_seconds gauge
fanfare_oldest_chat_update_seconds 2.5
`
	if got, want := scrape(), counters+gauge+age+renewals; got != want {
		t.Errorf("told is\n%s\nwant\n%s", got, want)
	}

	asked := 0
	ObserveWorkspaces(Cached(time.Hour, func(context.Context) ([]WorkspaceCount, error) {
		if asked++; asked == 1 {
			return nil, errors.New("away")
		}
		return []WorkspaceCount{{State: "active", Workspaces: 3, Bytes: 40}, {State: "archived", Workspaces: 1, Bytes: 7, ArchiveBytes: 5}}, nil
	}))
	ObserveBackups(func(context.Context) (BackupHealth, error) {
		return BackupHealth{Customers: 4, Late: 1, Failing: 2, DrillsLate: 3, NewestGoodAt: time.Unix(1800000000, 0)}, nil
	})
	for i, want := range []string{"", `fanfare_workspaces{state="active"} 3`, `fanfare_workspaces{state="active"} 3`} {
		if got := scrape(); !strings.Contains(got, want) || i == 0 && strings.Contains(got, "fanfare_workspaces") || !strings.Contains(got, "fanfare_backups_late 1\n") {
			t.Errorf("told is\n%s", got)
		}
	}
	if asked != 2 {
		t.Errorf("the database was asked %d times", asked)
	}
	told := scrape()
	for _, want := range []string{
		`fanfare_workspace_bytes{state="active"} 40`, `fanfare_workspaces{state="archived"} 1`, "fanfare_workspace_archive_bytes 5", "fanfare_backup_customers 4", "fanfare_backups_failing 2",
		"fanfare_backup_newest_good_timestamp_seconds 1.8e+09", "fanfare_drills_late 3", "fanfare_drills_failing 0",
	} {
		if !strings.Contains(told, want+"\n") {
			t.Errorf("%s is not told:\n%s", want, told)
		}
	}
	for _, absent := range []string{"fanfare_backup_oldest_good", "fanfare_drill_newest_good"} {
		if strings.Contains(told, absent) {
			t.Errorf("%s is told of what never was:\n%s", absent, told)
		}
	}
	workspaceCounts.Store(nil)
	backupHealth.Store(nil)

	for name, count := range map[string]func(context.Context) (int64, error){
		"a database that is away": func(context.Context) (int64, error) { return 0, errors.New("away") },
		"a database that does not answer": func(ctx context.Context) (int64, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		},
	} {
		log.Reset()
		ObserveOldCredentials(count)
		began := time.Now()
		if got, want := scrape(), counters+age+renewals; got != want {
			t.Errorf("with %s told is\n%s\nwant\n%s", name, got, want)
		}
		if took := time.Since(began); took > 2*askTimeout {
			t.Errorf("with %s a scrape took %s", name, took)
		}
		if !strings.Contains(log.String(), "metrics are not complete") {
			t.Errorf("with %s the log says %q", name, log.String())
		}
	}
}
