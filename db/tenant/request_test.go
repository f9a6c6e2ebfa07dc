package tenant_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanfare/db/tenant"
)

// asKept is what becomes of a text on its way through JSON and Postgres.
func asKept(s string) string {
	return strings.ReplaceAll(string([]rune(s)), "\x00", "\ufffd")
}

// keepsRequest enters with a request and reads it back as the audit triggers do, through jsonb.
func keepsRequest(ctx context.Context, t interface {
	Fatalf(format string, args ...any)
}, d bundle, request tenant.Request,
) {
	scope := tenant.User(d.a.owner.Subject, request).In(d.a.customer.ID)
	var kept, role string
	err := d.Tenant().Read(scope).QueryRow(ctx, "select current_setting('fanfare.request')::jsonb::text, current_user::text").Scan(&kept, &role)
	if err != nil {
		t.Fatalf("enter with %+v: %v", request, err)
	}
	var got tenant.Request
	if err := json.Unmarshal([]byte(kept), &got); err != nil {
		t.Fatalf("the request %+v is kept as %q: %v", request, kept, err)
	}
	want := tenant.Request{ID: asKept(request.ID), IP: asKept(request.IP), UserAgent: asKept(request.UserAgent), Job: request.Job,
		Operation: asKept(request.Operation), Reason: asKept(request.Reason)}
	if got != want || role != "fanfare_user" {
		t.Fatalf("the request %+v is kept as %+v, as %s", want, got, role)
	}
	err = d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, "select current_setting('fanfare.request')::jsonb::text").Scan(&kept)
	})
	if err != nil {
		t.Fatalf("enter a transaction with %+v: %v", request, err)
	}
}

// Nothing that a caller sends in a header may keep it from entering, or enter anything else.
func TestRequest(t *testing.T) {
	t.Parallel()

	t.Run("awkward", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, text := range []string{
			"", "'", `"`, `\`, `';--`, "$$", "{}", "\x00", "a\x00b", `\u0000`, "\xff\xfe", "a\xffb", "\u2028", "😀",
			"\r\n", "', true); select 1; --", strings.Repeat("long", 2500), strings.Repeat("'\x00", 5000),
		} {
			keepsRequest(t.Context(), t, d, tenant.Request{ID: text, IP: text, UserAgent: text, Job: 1, Operation: text, Reason: text})
		}
	})

	t.Run("any", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		text := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOfN(rapid.SampledFrom([]rune("'\"\\\x00{}$;-")), 0, 50, -1))
		rapid.Check(t, func(r *rapid.T) {
			keepsRequest(t.Context(), r, d, tenant.Request{
				ID: text.Draw(r, "id"), IP: text.Draw(r, "ip"), UserAgent: text.Draw(r, "user agent"), Job: rapid.Int64().Draw(r, "job"),
				Operation: text.Draw(r, "operation"), Reason: text.Draw(r, "reason"),
			})
		})
	})

	t.Run("any subject is nobody", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		rapid.Check(t, func(r *rapid.T) {
			subject := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }).Draw(r, "subject")
			_, err := who(t.Context(), d.Tenant().Read(tenant.User(subject, tenant.Request{}).In(d.a.customer.ID)))
			if !errors.Is(err, tenant.ErrUnknownUser) {
				r.Fatalf("subject %q: %v", subject, err)
			}
		})
	})
}
