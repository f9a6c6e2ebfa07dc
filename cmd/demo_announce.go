package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ready is what `fanfare dev --json` prints when everything is up.
type ready struct {
	API            string      `json:"api"`
	Sandbox        string      `json:"sandbox"`
	Database       string      `json:"database"`        // as its owner
	WorkerDatabase string      `json:"worker_database"` // as a worker, for 'fanfare keys'
	Users          []readyUser `json:"users"`
}

type readyUser struct {
	Email     string          `json:"email"`
	Token     string          `json:"token"`
	Customers []readyCustomer `json:"customers"`
}

type readyCustomer struct {
	ID           uuid.UUID          `json:"id"`
	Name         string             `json:"name"`
	Role         string             `json:"role"`
	Integrations []readyIntegration `json:"integrations"`
}

type readyIntegration struct {
	ID       uuid.UUID `json:"id"`
	Platform string    `json:"platform"`
}

// announce tells how to reach what runs.
func (d *demo) announce(w io.Writer, asJSON bool, dataDir string) error {
	info := ready{API: d.apiURL, Sandbox: d.sandboxURL, Database: d.databaseURL, WorkerDatabase: d.workerURL}
	for _, p := range demoPeople {
		token, err := devToken(d.signer, p.email, p.name, 30*24*time.Hour)
		if err != nil {
			return err
		}
		user := readyUser{Email: p.email, Token: token, Customers: []readyCustomer{}}
		for _, c := range demoCustomers {
			for _, m := range c.members {
				if m.email == p.email {
					user.Customers = append(user.Customers, readyCustomer{
						ID: demoID("customer", c.name), Name: c.name, Role: m.role,
						Integrations: []readyIntegration{{ID: demoID("integration", c.name), Platform: "ghost"}},
					})
				}
			}
		}
		info.Users = append(info.Users, user)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(info)
	}
	c := demoCustomers[0]
	program := shellWord(os.Args[0])
	token := func(email string) string {
		command := program + " token --email " + email
		if dataDir != defaultDataDir {
			command += " --data-dir " + shellWord(dataDir)
		}
		return command
	}
	fmt.Fprintf(w, `
Fanfare is ready.

  Dashboard      %s        sign in as one of the demo people
  API            %s        documentation: %s/docs
  MCP            %s/mcp    for AI agents, with a token as below
  Sandbox        %s       shows what was published; the first post is there
  Telegram       %s/telegram-chats       Ada's chat with the bot @fanfare_bot; pair it with the link of POST /v1/customers/%s/pairings
  Database       %s       MIGRATE_DATABASE_URL for %s old-credentials … and audit verify
  as a worker    %s       for %s keys … --keyset %s --worker-database-url …
  Data           %s

  %s's owner is %s, customer %s.
  To call the API as her, in another terminal:

export API=%s
export TOKEN=$(%s)
curl -H "Authorization: Bearer $TOKEN" $API/v1/customers

  Anybody else:  %s
  Demo people:   ada (owner), ann (admin), ben (member) and vera (viewer) at northlight.example; cleo (owner) and dan at kite.example;
                 olga@fanfare.example is system admin

Ctrl-C stops everything; the data stays.
`, d.apiURL, d.apiURL, d.apiURL, d.apiURL, d.sandboxURL, d.sandboxURL, demoID("customer", c.name), shellWord(d.databaseURL), program, shellWord(d.workerURL), program, shellWord(filepath.Join(dataDir, "keyset.json")), dataDir, c.name, info.Users[0].Email, demoID("customer", c.name),
		d.apiURL, token(info.Users[0].Email), token("ben@northlight.example"))
	return nil
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t'\"\\$`&|;<>()*?[]#~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
