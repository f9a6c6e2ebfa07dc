package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
)

// explain turns any error of a handler into a Problem. It is the only place that does; what it does not
// know becomes an opaque 500 and a line in the log.
func (a *API) explain(ctx context.Context, err error) *Problem {
	p := classify(err)
	p.RequestID = requestID(ctx)
	c, _ := ctx.Value(callerKey{}).(caller)
	switch kind, _, _, _ := c.scope.Caller(); {
	case kind == "chat" && p.Status == http.StatusForbidden:
		p.Detail = inChat(err, p.Detail, c.needed)
	case errors.Is(err, tenant.ErrLacksPermission) && len(c.needed) > 0:
		p.Detail = "This needs the permission " + strings.Join(c.needed, " or ") + ", which the key or agent token does not have."
	}
	if p.Status == http.StatusForbidden || errors.Is(err, tenant.ErrNotFound) || errors.Is(err, tenant.ErrInvalidKey) {
		a.recordRefusal(ctx, p.Status)
	}
	cause := errors.Unwrap(p)
	// That a customer has used up their room is nothing that whoever runs the server must mend; a full disk is.
	var refused *pgconn.PgError
	quota := p.Status == http.StatusInsufficientStorage && errors.As(cause, &refused)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		a.log.DebugContext(ctx, "the caller went away", "error", err, "request_id", p.RequestID)
	case p.Status == http.StatusServiceUnavailable:
		a.log.WarnContext(ctx, "request cannot be served now", "error", err, "request_id", p.RequestID)
	case p.Status >= http.StatusInternalServerError && !quota:
		a.log.ErrorContext(ctx, "request failed", "error", err, "request_id", p.RequestID)
	case cause != nil:
		a.log.DebugContext(ctx, "request refused", "status", p.Status, "error", cause, "request_id", p.RequestID)
	}
	return p
}

// inChat says to somebody in a chat why they may not: they know of no key, token or permission.
func inChat(err error, detail string, needed []string) string {
	switch {
	case strings.Contains(err.Error(), "somebody else must approve"):
		return "You, or somebody in a chat that you paired, wrote or submitted it: somebody else must approve it."
	case strings.Contains(err.Error(), "the role does not allow approving"):
		return "Here, you may not approve posts. Whoever may does that in the dashboard."
	case !errors.Is(err, tenant.ErrLacksPermission) && detail != forbidden().Detail:
		return detail
	case len(needed) == 1 && needed[0] == "posts:publish":
		return "Here, people may not publish or schedule posts, or take them back. Whoever looks after this chat in the dashboard can allow it."
	case len(needed) == 1 && needed[0] == "posts:write":
		return "Here, people may not write or change posts. Whoever looks after this chat in the dashboard can allow it."
	case len(needed) == 1 && needed[0] == "customer:read":
		return "Here, people may not see the customer's settings. Whoever looks after this chat in the dashboard can allow it (customer:read)."
	case len(needed) == 1 && needed[0] == "memories:write":
		return "Here, people may not have anything remembered. Whoever looks after this chat in the dashboard can allow it."
	case errors.Is(err, tenant.ErrLacksPermission) && len(needed) == 0:
		return "Here, only people may do that of whom is known who they are in Fanfare."
	}
	return "Here, people may not do that, or everything is archived. Whoever looks after this chat in the dashboard knows more."
}

func classify(err error) *Problem {
	var p *Problem
	var pgErr *pgconn.PgError
	var platformErr *platform.Error
	var limited *tenant.RateLimitedError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, tenant.ErrNotFound):
		return notFound("customer")
	case errors.Is(err, tenant.ErrInvalidKey):
		return problem(http.StatusUnauthorized, "The key or agent token is not valid: it is unknown, expired or revoked, or whoever made it has left.").cause(err)
	case errors.As(err, &limited):
		return rateLimited(limited)
	case errors.Is(err, tenant.ErrLacksPermission):
		return problem(http.StatusForbidden, "This is for people alone, and not for API keys or agent tokens.").cause(err)
	case errors.Is(err, tenant.ErrRefused):
		return unavailable().cause(err)
	case errors.Is(err, pgx.ErrNoRows):
		return problem(http.StatusNotFound, "There is no such thing here.")
	case errors.As(err, &platformErr):
		return fromPlatform(platformErr)
	case errors.As(err, &pgErr):
		return fromPostgres(pgErr)
	case databaseAway(err):
		return unavailable().cause(err)
	default:
		return internal().cause(err)
	}
}

func unavailable() *Problem {
	// A commit whose answer is lost may have happened, so this does not promise that nothing did.
	p := problem(http.StatusServiceUnavailable, "The service cannot answer at the moment. Try again in a few seconds; after a change, read first what is there.")
	p.retryAfter = 2 * time.Second
	return p
}

// databaseAway tells a failure of the connection from one of the statement.
func databaseAway(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "conn closed") // pgx has no value for it once the connection has died
}

// constraints explains each named constraint that a request can run into. The names are the schema's own.
var constraints = map[string]func() *Problem{
	"campaigns_dates_in_order":  func() *Problem { return invalid("body.ends_on", "must not be before starts_on") },
	"customers_language_form":   func() *Problem { return invalid("body.language", "must be a language tag such as en or de-AT") },
	"customers_time_zone_known": func() *Problem { return invalid("body.time_zone", "must be an IANA time zone such as Europe/Berlin") },
	"invitations_open_key": func() *Problem {
		return conflict("There is an open invitation to this address. Revoke it first to send another.")
	},
	"invitations_over":       func() *Problem { return conflict("The invitation is not open any more. There is nothing to revoke.") },
	"invitations_email_form": func() *Problem { return invalid("body.email", "must be an e-mail address such as kate@example.com") },
	"memberships_pkey":       func() *Problem { return conflict("You are already a member of this customer.") },
	"memberships_keep_an_owner": func() *Problem {
		return conflict("The last owner cannot leave or be demoted. Make somebody else an owner first.")
	},
	"platform_posts_account_key":      func() *Problem { return conflict("Somebody else added the same account at this moment. Try again.") },
	"posts_campaign_fkey":             func() *Problem { return notFound("campaign") },
	"platform_posts_integration_fkey": func() *Problem { return notFound("integration") },
	"integrations_account_key": func() *Problem {
		return conflict("This account is being connected by somebody else at this moment. Try again.")
	},
	"integrations_default_key": func() *Problem {
		return conflict("Somebody else made another account the default at this moment. Try again.")
	},
	"authorizations_login_key": func() *Problem {
		return conflict("The same sign-in is being stored for somebody else at this moment. Try again.")
	},
	"connect_sessions_state_transition": func() *Problem { return conflict("The connect session has ended.") },
	"post_media_media_fkey":             func() *Problem { return notFound("file") },
	"platform_post_media_media_fkey":    func() *Problem { return notFound("file") },
	"media_in_use":                      func() *Problem { return conflict("A post shows the file. Take it off the post first.") },
	"email_templates_name_key":          func() *Problem { return conflict("There is an e-mail template of this name already.") },
	"email_templates_in_use": func() *Problem {
		return conflict("A post uses the template that waits to be approved or published. Take it off the post first.")
	},
	"email_templates_frozen": func() *Problem {
		return conflict("A post that uses the template is being published, or nobody knows yet whether it was. Change the template after that, or make another.")
	},
	"media_alt_text_frozen": func() *Problem {
		return conflict("A post that shows the file is being published, or nobody knows yet whether it was. Change the description after that.")
	},
	"workspaces_there":  func() *Problem { return notFound("workspace") },
	"workspaces_active": func() *Problem { return comesBack("", nil) },
	"workspaces_quota":  noFileRoom,
	"workspaces_archive_asked": func() *Problem {
		p := problem(http.StatusTooManyRequests, "The workspace was archived five times today on request, which is the most there can be. Try again tomorrow, by UTC.")
		p.retryAfter = time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)).Round(time.Second)
		return p
	},
	"workspaces_entries": func() *Problem {
		return problem(http.StatusInsufficientStorage, "The workspace has 100000 files and directories, which is the most there can be. Delete some.")
	},
	"workspaces_legal_hold": func() *Problem {
		return conflict("The customer is under a legal hold: nothing of it is archived or erased until whoever set it lifts it: an owner, or whoever runs Fanfare.")
	},
	"erasures_legal_hold": func() *Problem {
		return conflict("The customer is under a legal hold: nothing of it is archived or erased until whoever set it lifts it: an owner, or whoever runs Fanfare.")
	},
	"workspace_policies_hold_of_installation": func() *Problem {
		return problem(http.StatusForbidden, "The legal hold was set by whoever runs Fanfare. They alone change or lift it.")
	},
	"workspace_policies_customer_there": func() *Problem { return notFound("customer") },
	"backups_a_day": func() *Problem {
		return conflict("10 backups were asked for within a day, which is as many as there can be. One is made each night in any case.")
	},
	"backups_one_at_a_time": func() *Problem { return conflict("A backup is being made at this moment. Wait until it is done.") },
	"restores_one_at_a_time": func() *Problem {
		return conflict("Files are being put back at this moment. Wait until that is done.")
	},
	"restores_one_plan_at_a_time": func() *Problem {
		return conflict("Another restore is being planned at this moment. Wait until its plan is there, or delete it.")
	},
	"restores_of_ready":          func() *Problem { return conflict("The backup is not ready, so nothing can be restored from it.") },
	"restores_backup_fkey":       func() *Problem { return notFound("backup") },
	"restores_workspace_fkey":    func() *Problem { return invalid("body.workspace_id", "is no workspace of this customer") },
	"restores_to_workspace_fkey": func() *Problem { return invalid("body.to.workspace_id", "is no workspace of this customer") },
	"file_changes_at_once":       tooManyFileChanges,
	"file_changes_given_up": func() *Problem {
		return conflict("The change took too long, or the workspace was archived or restored meanwhile. Nothing was changed; try again.")
	},
	"media_quota":   noMediaRoom,
	"media_uploads": tooManyUploads,
	"posts_content_frozen": func() *Problem {
		return conflict("The post is being published or has been published, and cannot be changed any more.")
	},
	"platform_posts_content_frozen": func() *Problem {
		return conflict("The post is being published or has been published, and cannot be changed any more.")
	},
	"posts_state_transition":          func() *Problem { return conflict("The post's state does not allow this.") },
	"platform_posts_state_transition": func() *Problem { return conflict("The post's state does not allow this.") },
	"erasures_of_archived":            func() *Problem { return conflict("Only an archived customer can be erased. Archive it first.") },
	"erasures_name_given":             func() *Problem { return invalid("body.name", "must be the customer's name, exactly") },
	"erasures_subject_key":            func() *Problem { return conflict("The customer is being erased already.") },
	"exports_one_at_a_time":           func() *Problem { return conflict("An export is being written already. Wait for it, or delete it.") },
	"memories_limit": func() *Problem {
		return conflict("There are 5000 memories already, which is as many as a space or a customer can have. Delete some first.")
	},
	"llm_reservations_request_key": func() *Problem {
		p := conflict("The request with this Idempotency-Key is still under way. Send it again when it has ended: it is then answered as the first. One that was broken off by a crash holds its key for 15 minutes.")
		p.retryAfter = 30 * time.Second
		return p
	},
	"memories_space_fkey":           func() *Problem { return notFound("space") },
	"platform_posts_approved_first": func() *Problem { return approveFirst() },
	"posts_time_approved_first":     func() *Problem { return keepsItsTime() },
	"customers_name_frozen": func() *Problem {
		return conflict("The customer's name stands in e-mail templates, and a post that uses one is being published, or nobody knows yet whether it was. Change the name after that.")
	},
	"platform_posts_external_key": func() *Problem {
		return conflict("Another post of this account is the one at this address. Look which of them it really is.")
	},
	"webhook_endpoints_limit": func() *Problem {
		return conflict("The customer has 20 webhooks, which is the most there can be. Delete one first.")
	},
	"bots_bot_key": func() *Problem {
		return conflict("This bot is in use here already, by this customer or another one: a bot belongs to one. Remove it there first.")
	},
	"bots_limit": func() *Problem {
		return conflict("The customer has 20 bots, which is the most there can be. Remove one first.")
	},
	"bots_of_others":                   func() *Problem { return notFound("bot") },
	"webhook_deliveries_endpoint_fkey": func() *Problem { return notFound("webhook") },
	"webhook_secrets_endpoint_fkey":    func() *Problem { return notFound("webhook") },
	"webhook_secrets_current_key": func() *Problem {
		return conflict("Somebody else rotated the secret at this moment. Try again.")
	},
	"posts_slot_key":            func() *Problem { return conflict("Somebody else took the same slot at this moment. Try again.") },
	"queue_slots_time_key":      func() *Problem { return conflict("The queue has this slot already.") },
	"recurring_posts_post_fkey": func() *Problem { return notFound("post") },
	"recurring_posts_rule_key": func() *Problem {
		return conflict("The post recurs by this rule at this time of day already: it would go out twice. Change that recurring post, or give this one another rule.")
	},
	"recurring_posts_limit": func() *Problem {
		return conflict("The customer has 200 recurring posts, which is the most there can be. Delete one first.")
	},
	"recurring_posts_limit_of_post": func() *Problem {
		return conflict("The post recurs by 10 rules, which is the most there can be. Delete one first.")
	},
	"recurring_posts_of_original": func() *Problem {
		return conflict("The post is a copy of one that recurs already, and does not recur itself.")
	},
	"api_keys_space_fkey":     func() *Problem { return notFound("space") },
	"agent_tokens_space_fkey": func() *Problem { return notFound("space") },
	"agent_tokens_person_in_space": func() *Problem {
		return invalid("body.person", "needs space_id: the space in which they speak")
	},
	"spaces_ended": func() *Problem { return conflict("The space has ended. Pair the chat again to have it back.") },
	"pairings_permissions_known": func() *Problem {
		return invalid("body.permissions", "must name at least one, and only what the people of a chat can be allowed")
	},
	"pairings_open_limit": func() *Problem {
		return conflict("Ten pairings wait already, which is the most there can be. Take one back, deny one, or wait until they expire.")
	},
	"pairings_program_limit": func() *Problem {
		return conflict("Five pairings made by keys wait already, which is the most there can be. Wait until they are used or expire.")
	},
	"pairings_ended": func() *Problem { return conflict("The pairing has ended. Nothing can be changed any more.") },
	"pairings_maker": func() *Problem {
		return conflict("Whoever made the pairing, or the key or token that did, may not pair chats any more. Deny it, and make another.")
	},
	"pairings_state_transition": func() *Problem { return conflict("The pairing's state does not allow this.") },
	"posts_names_platform":      func() *Problem { return conflict("The post names no platform to publish on. Add one first.") },
	"credentials_space_fkey": func() *Problem {
		return conflict("The space has ended, or whose it is has left it.")
	},
	"credentials_ended": func() *Problem { return conflict("The credential was deleted at this moment.") },
	"credentials_llm_key": func() *Problem {
		return conflict("There is a key of a language model already. Replace or delete that one.")
	},
	"credentials_mcp_key": func() *Problem {
		return conflict("Somebody else signed in to the server at this moment. Try again.")
	},
	"credentials_server_fkey":      func() *Problem { return notFound("MCP server") },
	"connect_sessions_server_fkey": func() *Problem { return notFound("MCP server") },
	"mcp_servers_space_fkey":       func() *Problem { return conflict("The space has ended.") },
	"mcp_servers_url_key":          func() *Problem { return conflict("The space uses the server at this address already.") },
	"mcp_servers_limit": func() *Problem {
		return conflict("The space has 50 MCP servers, which is the most there can be. Delete one first.")
	},
	"mcp_servers_customer_limit": func() *Problem {
		return conflict("The spaces of the customer have 200 MCP servers together, which is the most there can be. Delete one first.")
	},
}

func fromPostgres(err *pgconn.PgError) *Problem {
	if explain, known := constraints[err.ConstraintName]; known {
		return explain().cause(err)
	}
	switch {
	case err.Code == "FF011":
		return llmBudgetUsedUp(err)
	case err.Code == "FF004":
		return problem(http.StatusForbidden, "You act by your system role here. Say why in the "+reasonHeader+" header; it is kept in the customer's audit log.").cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "the customer is archived"):
		return problem(http.StatusForbidden, "The customer is archived: it can only be read. An owner can take it back into use.").cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "does not allow approving"):
		return mayNotApprove().cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "changing how posts are approved"):
		return problem(http.StatusForbidden, "Only who may approve posts here changes how they are approved; the customer's approver_role says who does. Ask one of them, or an owner.").cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "somebody else must approve"):
		return problem(http.StatusForbidden, "You, a key or agent token of yours, or somebody in a chat that you paired, changed this post last or submitted it. Somebody else must approve it here.").cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "is for a person to say"):
		return problem(http.StatusForbidden, "Nobody knows whether this post is there. A person must look, and confirm it or post it again.").cause(err)
	case err.Code == "42501" && strings.Contains(err.Message, "a post that recurs goes out as it is"):
		return problem(http.StatusForbidden, "A post that recurs goes out as it is. Changing it needs the permission posts:publish.").cause(err)
	case err.Code == "42501": // insufficient_privilege, a policy's refusal included
		return forbidden().cause(err)
	case err.Code == "22021" || err.Code == "22P05": // a character that Postgres does not store
		return problem(http.StatusUnprocessableEntity, "The text holds a character that cannot be stored (NUL, or broken Unicode).").cause(err)
	case err.Code == "23514" && strings.HasSuffix(err.ConstraintName, "_length"):
		return problem(http.StatusUnprocessableEntity, "A text is longer than it may be.").cause(err)
	case strings.HasSuffix(err.ConstraintName, "_name_not_blank"):
		return invalid("body.name", "must be more than white space").cause(err)
	case err.Code == "22008": // datetime_field_overflow
		return problem(http.StatusUnprocessableEntity, "A time lies outside of what can be stored.").cause(err)
	case err.Code == "40001" || err.Code == "40P01" || err.Code == "55P03":
		return conflict("Somebody else changed the same thing at this moment. Try again.").cause(err)
	case strings.HasPrefix(err.Code, "08"), strings.HasPrefix(err.Code, "57P"), strings.HasPrefix(err.Code, "53"), err.Code == "57014", err.Code == "25006":
		return unavailable().cause(err)
	default:
		return internal().cause(err)
	}
}

func forbidden() *Problem {
	return problem(http.StatusForbidden, "Your role here, or your key's permissions, do not allow this, or the customer is archived.")
}

// fromPlatform explains a refusal that a platform gave while the caller waits, as at the check of a credential.
func fromPlatform(err *platform.Error) *Problem {
	switch err.Class {
	case platform.Credential, platform.Invalid, platform.PaymentRequired:
		return problem(http.StatusUnprocessableEntity, err.Message).cause(err)
	default:
		p := problem(http.StatusServiceUnavailable, err.Message+" Nothing was stored. Try again later.").cause(err)
		p.retryAfter = max(time.Until(err.RetryAt), 5*time.Second)
		return p
	}
}

var _ slog.LogValuer = (*Problem)(nil)

// LogValue writes the cause too.
func (p *Problem) LogValue() slog.Value { return slog.StringValue(p.Error()) }

// violates tells whether a statement failed on the named constraint.
func violates(err error, constraint string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.ConstraintName == constraint
}
