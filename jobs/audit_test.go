package jobs

import (
	"context"
	"testing"
	"time"

	"fanfare/internal/platform"
)

// Every attempt records one use of the credential, with the job that made it.
func TestCredentialUsesAreRecorded(t *testing.T) {
	b := setup(t)
	attempts := 0
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		if attempts++; attempts < 3 {
			return &platform.Error{Class: platform.Transient, Message: "Later.", RetryAt: time.Now()}
		}
		return nil
	}
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	const uses = "select count(*)::integer from audit_log where action = 'integration.credential_use' and actor_kind = 'worker'"
	if made, used := scan[int](b, "select count(*)::integer from publish_attempts"), scan[int](b, uses); made != 3 || used != made {
		t.Errorf("%d attempts, %d uses", made, used)
	}
	if n := scan[int](b, uses+" and resource_id = $1 and customer_id = $2 and job_id = (select id from river.river_job) and operation = 'publish' and changes = '{\"purpose\": \"publish\"}'",
		b.integration.ID.String(), b.customer.ID); n != 3 {
		t.Errorf("%d uses say of what and by which job", n)
	}
	// An account that is not connected has nothing to use.
	b.exec("update integrations set state = 'needs_reauth'")
	other := b.scheduled(time.Now())
	eventually(b, "failed", stateOf, other.PlatformPosts[0])
	if used := scan[int](b, uses); used != 3 {
		t.Errorf("%d uses", used)
	}
	if n := scan[int](b, "select count(*)::integer from audit_log a where a::text like '%s3cret%' or a::text like '%' || encode($1::bytea, 'hex') || '%'", b.integration.Credential); n > 0 {
		t.Errorf("%d entries hold the credential", n)
	}
}

// A worker seals what was written, and looks after the months.
func TestWorkerSeals(t *testing.T) {
	b := setup(t)
	b.exec("drop table " + scan[string](b, "select max(inhrelid::regclass::text) from pg_inherits where inhparent = 'audit_log'::regclass"))
	b.start(b.worker(WorkerConfig{AuditMonths: 1}))
	eventually(b, 0, "select count(*)::integer from audit_unsealed")
	b.exec("update customers set name = 'Another'")
	eventually(b, 1, "select count(*)::integer from audit_log l join audit_seals s on l.id = any (s.ids) where l.action = 'customer.update'")
	eventually(b, 14, "select count(*)::integer from pg_inherits where inhparent = 'audit_log'::regclass")
}
