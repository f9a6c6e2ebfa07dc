package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/internal/identity"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// demo makes the data that development mode shows, and tells how to reach it.
type demo struct {
	adminURL, apiURL, sandboxURL, databaseURL, workerURL string

	box    *sandbox.Sandbox
	vault  *vault.Vault
	signer *identity.Signer

	// first is the first customer's first post, as long as it is there.
	first *uuid.UUID
}

// prepare makes what is missing of the demo data, and publishes the first post if that has not happened yet.
func (d *demo) prepare(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.adminURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return d.seed(ctx, tx) })
	if err != nil {
		return err
	}
	return d.publishFirst(ctx)
}

// seed makes people, customers, accounts, campaigns and posts. Their ids follow from their names, so that
// seeding again adds nothing; accounts are brought to the sandbox's present address and keys.
func (d *demo) seed(ctx context.Context, tx pgx.Tx) error {
	for _, p := range demoPeople {
		if _, err := tx.Exec(ctx, `insert into users (id, subject, email, email_verified, name) values ($1, $2, $3, true, $4)
			on conflict (subject) do nothing`, demoID("user", p.email), devSubject(p.email), p.email, p.name); err != nil {
			return fmt.Errorf("make demo user: %w", err)
		}
		if p.systemRole != "" {
			if _, err := tx.Exec(ctx, `insert into system_roles (user_id, role) select id, $2 from users where subject = $1
				on conflict do nothing`, devSubject(p.email), p.systemRole); err != nil {
				return fmt.Errorf("give demo user a system role: %w", err)
			}
		}
	}
	for _, c := range demoCustomers {
		if err := d.seedCustomer(ctx, tx, c); err != nil {
			return err
		}
	}
	first := demoCustomers[0]
	if err := tx.QueryRow(ctx, `select (select id from posts where customer_id = $1 and title = $2 order by id limit 1)`,
		demoID("customer", first.name), first.posts[0].title).Scan(&d.first); err != nil {
		return fmt.Errorf("find the first post: %w", err)
	}
	return nil
}

func (d *demo) seedCustomer(ctx context.Context, tx pgx.Tx, c demoCustomer) error {
	id := demoID("customer", c.name)
	tag, err := tx.Exec(ctx, `insert into customers (id, name, description, brand_voice, audience, language, time_zone, approval_required, self_approval)
		values ($1, $2, $3, $4, $5, $6, $7, $8, not $8) on conflict (id) do nothing`, id, c.name, c.description, c.brandVoice, c.audience, c.language, c.timeZone, c.approval)
	if err != nil {
		return fmt.Errorf("make demo customer: %w", err)
	}
	fresh := tag.RowsAffected() == 1
	if err := d.seedAccount(ctx, tx, c); err != nil {
		return err
	}
	if !fresh {
		return nil // whatever people have made of it since stays
	}
	for _, m := range c.members {
		if _, err := tx.Exec(ctx, `insert into memberships (customer_id, user_id, role) select $1, id, $3 from users where subject = $2`,
			id, devSubject(m.email), m.role); err != nil {
			return fmt.Errorf("make demo member: %w", err)
		}
	}
	campaign := demoID("campaign", c.name)
	if _, err := tx.Exec(ctx, `insert into campaigns (customer_id, id, name, goal, starts_on, ends_on)
		values ($1, $2, $3, $4, current_date, current_date + 60)`, id, campaign, c.campaign, c.goal); err != nil {
		return fmt.Errorf("make demo campaign: %w", err)
	}
	for _, p := range c.posts {
		post, err := uuid.NewV7() // lists show the newest first, by their ids
		if err != nil {
			return fmt.Errorf("make id: %w", err)
		}
		if _, err := tx.Exec(ctx, `insert into posts (customer_id, id, campaign_id, title, text) values ($1, $2, $3, $4, $5)`,
			id, post, campaign, p.title, p.text); err != nil {
			return fmt.Errorf("make demo post: %w", err)
		}
		if _, err := tx.Exec(ctx, `insert into platform_posts (customer_id, id, post_id, integration_id) values ($1, $2, $3, $4)`,
			id, demoID("platform_post", c.name+p.title), post, demoID("integration", c.name)); err != nil {
			return fmt.Errorf("make demo platform post: %w", err)
		}
	}
	return nil
}

// seedAccount connects the customer's Ghost site in the sandbox.
func (d *demo) seedAccount(ctx context.Context, tx pgx.Tx, c demoCustomer) error {
	customerID, id := demoID("customer", c.name), demoID("integration", c.name)
	siteURL := d.sandboxURL + "/ghost-sites/" + c.site
	credential, err := platform.ParseGhostCredential(siteURL, d.box.AddGhostSite(c.site, c.name))
	if err != nil {
		return fmt.Errorf("make demo credential: %w", err)
	}
	plain, err := json.Marshal(credential)
	if err != nil {
		return fmt.Errorf("encode demo credential: %w", err)
	}
	sealed, keyID, err := d.vault.SealWithID(plain, vault.Credential(customerID, id, string(platform.Ghost)))
	if err != nil {
		return fmt.Errorf("seal demo credential: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into integrations (customer_id, id, platform, external_id, name, url, credential, key_id)
		values ($1, $2, 'ghost', $3, $4, $3, $5, $6)
		on conflict (customer_id, id) do update
			set external_id = excluded.external_id, url = excluded.url, credential = excluded.credential, key_id = excluded.key_id
			where integrations.state = 'active'`,
		customerID, id, siteURL, c.name, sealed, keyID)
	if err != nil {
		return fmt.Errorf("make demo account: %w", err)
	}
	return nil
}

// publishFirst publishes the first customer's first post as its owner would, over HTTP, and waits for it.
func (d *demo) publishFirst(ctx context.Context) error {
	if d.first == nil {
		return nil
	}
	c := demoCustomers[0]
	token, err := devToken(d.signer, c.members[0].email, "", time.Hour)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/v1/customers/%s/posts/%s", demoID("customer", c.name), d.first)
	var post struct{ State string }
	if err := d.call(ctx, token, http.MethodGet, path, &post); err != nil {
		return err
	}
	if post.State == "draft" {
		if err := d.call(ctx, token, http.MethodPost, path+"/publish", &post); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for post.State == "scheduled" || post.State == "publishing" {
		select {
		case <-ctx.Done():
			return errors.New("the first post was not published within a minute; it is " + post.State)
		case <-time.After(50 * time.Millisecond):
		}
		if err := d.call(ctx, token, http.MethodGet, path, &post); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) call(ctx context.Context, token, method, path string, result any) error {
	request, err := http.NewRequestWithContext(ctx, method, d.apiURL+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(body))
	}
	if err := json.Unmarshal(body, result); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// demoID is the id of a piece of demo data, the same in every run.
func demoID(kind, name string) uuid.UUID {
	return uuid.NewSHA1(uuid.MustParse("8f0c6c1e-6d0a-5f0e-9d0b-0f5a1c7e2b11"), []byte(kind+"\x00"+name))
}
