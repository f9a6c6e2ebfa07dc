package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/internal/telegram"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// Bot is a customer's own bot, in whose chats nobody else's spaces are.
type Bot struct {
	ID         uuid.UUID `json:"id" format:"uuid"`
	Platform   string    `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot        string    `json:"bot" doc:"The platform's id of it: of Telegram's bot, WhatsApp's phone number, Slack's application."`
	Team       string    `json:"team" doc:"Slack's id of the workspace; empty elsewhere."`
	Name       string    `json:"name"`
	Username   string    `json:"username" doc:"Telegram's, without @, or WhatsApp's phone number."`
	State      string    `json:"state" enum:"active,refused" doc:"refused: the platform does not accept the token any more; give it a new one."`
	Problem    *string   `json:"problem" doc:"What is wrong. Also of an active bot: while whoever gave its secrets is no owner or admin any more, nobody may do anything in its chats."`
	WebhookURL *string   `json:"webhook_url" doc:"To be entered at WhatsApp or Slack (there for events), to which they deliver messages. null: nothing is to be entered, or this server has no public address."`
	ActionsURL *string   `json:"actions_url" doc:"To be entered at Slack, for interactivity. null elsewhere."`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// NewBot is a bot that has just been added.
type NewBot struct {
	Bot
	VerifyToken *string `json:"verify_token" doc:"To be entered at WhatsApp with webhook_url. It is shown this once."`
}

// SharedBot is a bot of the installation, in whose chats every customer's spaces can be.
type SharedBot struct {
	Platform string `json:"platform" enum:"telegram,whatsapp,slack"`
	Bot      string `json:"bot" doc:"The platform's id of it."`
	Name     string `json:"name" doc:"By which people find it there, such as @fanfare_bot."`
}

// BotList are the bots with which a customer can pair chats.
type BotList struct {
	Shared []SharedBot `json:"shared" nullable:"false" doc:"Those of the installation."`
	Items  []Bot       `json:"items" nullable:"false" doc:"The customer's own, at most 20."`
}

// BotCreate adds a customer's own bot.
type BotCreate struct {
	Platform      string `json:"platform" enum:"telegram,whatsapp,slack"`
	Token         string `json:"token" minLength:"1" maxLength:"1000" doc:"What Telegram's BotFather gave, an access token of Meta's, or a bot token of Slack's (xoxb-…, with the scopes chat:write, users:read, app_mentions:read, and im, mpim, channels and groups each with :history and :read)."`
	PhoneNumberID string `json:"phone_number_id,omitempty" maxLength:"100" doc:"For WhatsApp: Meta's id of the phone number."`
	AppSecret     string `json:"app_secret,omitempty" maxLength:"500" doc:"For WhatsApp: the secret of the application at Meta, with which it signs what it delivers."`
	SigningSecret string `json:"signing_secret,omitempty" maxLength:"500" doc:"For Slack: with which it signs what it delivers."`
}

// BotUpdate gives a bot other secrets; those that are left out stay.
type BotUpdate struct {
	Token         *string `json:"token,omitempty" minLength:"1" maxLength:"1000" doc:"Of the same bot."`
	AppSecret     *string `json:"app_secret,omitempty" minLength:"1" maxLength:"500"`
	SigningSecret *string `json:"signing_secret,omitempty" minLength:"1" maxLength:"500"`
}

type botListOutput struct{ Body BotList }

type botOutput struct {
	ETag string `header:"ETag"`
	Body Bot
}

type newBotOutput struct {
	ETag string `header:"ETag"`
	Body NewBot
}

// BotPath is the path of a bot.
type BotPath struct {
	CustomerPath
	BotID uuid.UUID `path:"bot_id" format:"uuid" doc:"The bot."`
}

// saidNotHeld is what is wrong with a bot whose secrets somebody may know who should not any more.
const saidNotHeld = "Whoever gave the bot its secrets is no owner or admin of the customer any more, and could speak in its chats as anybody. Nobody may do anything there until an owner or admin gives it new ones."

// botTimeout is how long the operations may take that ask a platform.
const botTimeout = 30 * time.Second

func (a *API) registerBots() {
	tags := []string{"Spaces"}
	const list, one = "/v1/customers/{customer_id}/bots", "/v1/customers/{customer_id}/bots/{bot_id}"
	register(a, huma.Operation{
		OperationID: "list-bots", Metadata: needs("spaces:read"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List bots",
		Description: "The installation's, and the customer's own.",
	}, a.listBots)
	register(a, huma.Operation{
		OperationID: "create-bot", Metadata: map[string]any{timeoutKey: botTimeout}, Method: http.MethodPost, Path: list, Tags: tags, Summary: "Add a bot",
		Description: "The platform is asked whose the token is. Telegram is told where to deliver messages; at WhatsApp and Slack, enter webhook_url and actions_url. " +
			"A bot belongs to one customer. Owners and admins only.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusBadGateway},
	}, a.createBot)
	register(a, huma.Operation{
		OperationID: "get-bot", Metadata: needs("spaces:read"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a bot",
	}, a.getBot)
	register(a, huma.Operation{
		OperationID: "update-bot", Metadata: map[string]any{timeoutKey: botTimeout}, Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Give a bot a new token",
		Description: "Of the same bot. Telegram is told again where to deliver messages. Owners and admins only. " +
			"Once whoever gave its secrets is no owner or admin any more, new ones are needed: at Telegram the token, at WhatsApp the app_secret, at Slack the signing_secret.",
		Errors: []int{http.StatusPreconditionFailed, http.StatusBadGateway},
	}, a.updateBot)
	register(a, huma.Operation{
		OperationID: "delete-bot", Metadata: map[string]any{timeoutKey: botTimeout}, Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Remove a bot",
		Description:   "Its token is erased and its spaces end; what was said in them stays. What its chats still waited for is not said. Owners and admins only.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteBot)
}

func (a *API) listBots(ctx context.Context, in *CustomerPath) (*botListOutput, error) {
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.BotListRow, error) { return q.BotList(ctx) })
	if err != nil {
		return nil, err
	}
	body := BotList{Shared: []SharedBot{}, Items: []Bot{}}
	for _, row := range rows {
		body.Items = append(body.Items, a.botFrom(queries.BotGetRow(row)))
	}
	if a.ChatBots != nil {
		for _, b := range a.ChatBots.Offered(ctx, nil) {
			body.Shared = append(body.Shared, SharedBot{Platform: string(b.Platform), Bot: b.ID, Name: b.Name})
		}
	}
	return &botListOutput{Body: body}, nil
}

// bot reads a customer's own bot.
func (a *API) bot(ctx context.Context, in BotPath) (queries.BotGetRow, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.BotGetRow, error) { return q.BotGet(ctx, in.BotID) })
	return row, noRows(err, "bot")
}

func (a *API) getBot(ctx context.Context, in *BotPath) (*botOutput, error) {
	row, err := a.bot(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &botOutput{ETag: etag(row.Version), Body: a.botFrom(row)}, nil
}

// mayChangeBots asks the database whether the caller may. Who may not does not get to make this server ask platforms either.
func (a *API) mayChangeBots(ctx context.Context, customerID uuid.UUID) error {
	allowed, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) (bool, error) { return q.BotMayChange(ctx) })
	if err == nil && !allowed {
		err = forbidden()
	}
	return err
}

var phoneNumberIDPattern = regexp.MustCompile(`^[0-9]{1,50}$`)

// secretsOf checks what belongs to which platform.
func secretsOf(in BotCreate) (bots.Secrets, error) {
	for _, field := range []struct{ name, value, of string }{
		{"phone_number_id", in.PhoneNumberID, "whatsapp"}, {"app_secret", in.AppSecret, "whatsapp"}, {"signing_secret", in.SigningSecret, "slack"},
	} {
		switch {
		case in.Platform == field.of && field.value == "":
			return bots.Secrets{}, invalid("body."+field.name, "is needed for this platform")
		case in.Platform != field.of && field.value != "":
			return bots.Secrets{}, invalid("body."+field.name, "is not for this platform")
		}
	}
	if in.PhoneNumberID != "" && !phoneNumberIDPattern.MatchString(in.PhoneNumberID) {
		return bots.Secrets{}, invalid("body.phone_number_id", "must be the id that Meta shows, in digits")
	}
	secrets := bots.Secrets{Token: in.Token, AppSecret: in.AppSecret, SigningSecret: in.SigningSecret}
	switch in.Platform {
	case "telegram":
		secrets.WebhookSecret = bots.NewSecret()
	case "whatsapp":
		secrets.VerifyToken = bots.NewSecret()
	}
	return secrets, checkSecret("body.token", in.Token)
}

func (a *API) createBot(ctx context.Context, in *struct {
	CustomerPath
	Body BotCreate
}) (*newBotOutput, error) {
	secrets, err := secretsOf(in.Body)
	if err != nil {
		return nil, err
	}
	if before, err := answered[newBotOutput](ctx, a, scope(ctx).In(in.CustomerID)); before != nil || err != nil {
		return before, err
	}
	if err := a.mayChangeBots(ctx, in.CustomerID); err != nil {
		return nil, err
	}
	of := chat.Platform(in.Body.Platform)
	if a.ChatBots == nil {
		return nil, noChats()
	}
	if of == chat.Telegram && !a.ChatBots.Fetches(of) && a.ChatBots.HookURL(of, "") == "" {
		return nil, noAddress()
	}
	bot, who, err := a.ChatBots.Check(ctx, of, in.Body.PhoneNumberID, secrets)
	if err != nil {
		return nil, refusedBot(err)
	}
	if a.ChatBots.Shared(of, bot.ID) {
		return nil, conflict("This is the installation's own bot, with which every customer can pair chats already.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	secrets.UserID = who.UserID
	sealed, keyID, err := a.seal(secrets, vault.BotCredential(in.CustomerID, id, in.Body.Platform))
	if err != nil {
		return nil, err
	}
	out, err := change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*newBotOutput, error) {
		if err := q.BotCreate(ctx, queries.BotCreateParams{
			ID: id, Platform: in.Body.Platform, Bot: bot.ID, Team: who.Team, Name: clip(who.Name, maxBotName), Username: clip(who.Username, maxBotName),
			Credential: sealed, KeyID: keyID,
		}); err != nil {
			return nil, err
		}
		row, err := q.BotGet(ctx, id)
		if err != nil {
			return nil, err
		}
		out := &newBotOutput{ETag: etag(row.Version), Body: NewBot{Bot: a.botFrom(row)}}
		if secrets.VerifyToken != "" {
			out.Body.VerifyToken = &secrets.VerifyToken
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	return out, a.connectBot(ctx, of, bot.ID)
}

// updateBot gives a bot other secrets. Those that stay are written again with them, so that the version must be the one that they
// were read from: else what another change has brought meanwhile would be lost.
func (a *API) updateBot(ctx context.Context, in *struct {
	BotPath
	Condition
	Body BotUpdate
}) (*botOutput, error) {
	if in.Body.Token == nil && in.Body.AppSecret == nil && in.Body.SigningSecret == nil {
		return nil, nothingToChange()
	}
	row, err := a.bot(ctx, in.BotPath)
	if err != nil {
		return nil, err
	}
	if err := a.mayChangeBots(ctx, in.CustomerID); err != nil {
		return nil, err
	}
	if err := in.check(row.Version); err != nil {
		return nil, err
	}
	seen := Condition{IfMatch: etag(row.Version)}
	of := chat.Platform(row.Platform)
	if a.ChatBots == nil {
		return nil, noChats()
	}
	a.ChatBots.Forget(of, row.Bot)
	bot, err := a.ChatBots.Bot(ctx, of, row.Bot)
	if errors.Is(err, vault.ErrUnseal) {
		return nil, conflict("What is stored of the bot cannot be opened any more. Remove the bot, and add it again.").cause(err)
	}
	if err != nil {
		return nil, err
	}
	if bot == nil || bot.Owner == nil || *bot.Owner != in.CustomerID {
		return nil, notFound("bot")
	}
	secrets, before := bot.Secrets(), bot.Secrets()
	for _, field := range []struct {
		name  string
		given *string
		keeps *string
		of    chat.Platform
	}{
		{"token", in.Body.Token, &secrets.Token, of}, {"app_secret", in.Body.AppSecret, &secrets.AppSecret, chat.WhatsApp},
		{"signing_secret", in.Body.SigningSecret, &secrets.SigningSecret, chat.Slack},
	} {
		switch {
		case field.given == nil:
		case field.of != of:
			return nil, invalid("body."+field.name, "is not for this platform")
		default:
			*field.keeps = *field.given
		}
	}
	if err := checkSecret("body.token", secrets.Token); err != nil {
		return nil, err
	}
	if !row.Held { // whoever gave the one before could still speak with it as anybody
		const message = "must be a new one, as whoever gave the one before is no owner or admin any more"
		switch {
		case of == chat.Telegram && secrets.Token == before.Token:
			return nil, invalid("body.token", message)
		case of == chat.WhatsApp && secrets.AppSecret == before.AppSecret:
			return nil, invalid("body.app_secret", message)
		case of == chat.Slack && secrets.SigningSecret == before.SigningSecret:
			return nil, invalid("body.signing_secret", message)
		}
	}
	now, who, err := a.ChatBots.Check(ctx, of, row.Bot, secrets)
	if err != nil {
		return nil, refusedBot(err)
	}
	if now.ID != row.Bot || who.Team != row.Team {
		return nil, invalid("body.token", "is another bot's")
	}
	secrets.UserID = who.UserID
	sealed, keyID, err := a.seal(secrets, vault.BotCredential(in.CustomerID, in.BotID, row.Platform))
	if err != nil {
		return nil, err
	}
	out, err := change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (out *botOutput, err error) {
		get := func() (err error) {
			row, err = q.BotGet(ctx, in.BotID)
			return noRows(err, "bot")
		}
		if err := seen.change(func(version *int64) (int64, error) {
			return q.BotUpdate(ctx, queries.BotUpdateParams{
				ID: in.BotID, Version: version, Name: clip(who.Name, maxBotName), Username: clip(who.Username, maxBotName), Credential: sealed, KeyID: keyID,
			})
		}, get); err != nil {
			return nil, err
		}
		if err := get(); err != nil {
			return nil, err
		}
		return &botOutput{ETag: etag(row.Version), Body: a.botFrom(row)}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, a.connectBot(ctx, of, row.Bot)
}

func (a *API) deleteBot(ctx context.Context, in *struct {
	BotPath
	Condition
}) (*struct{}, error) {
	row, err := a.bot(ctx, in.BotPath)
	if err != nil {
		return nil, err
	}
	of := chat.Platform(row.Platform)
	var bot *bots.Bot
	if a.ChatBots != nil {
		if bot, err = a.ChatBots.Bot(ctx, of, row.Bot); err != nil { // of an archived customer, or sealed with a lost key
			a.log.WarnContext(ctx, "a bot that is removed cannot be opened", "bot", row.Bot, "error", err, "request_id", requestID(ctx))
			bot = nil
		}
	}
	err = a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.BotDelete(ctx, queries.BotDeleteParams{ID: in.BotID, Version: version})
		}, func() error {
			_, err := q.BotGet(ctx, in.BotID)
			return noRows(err, "bot")
		})
	})
	if err != nil {
		return nil, err
	}
	if bot == nil {
		return nil, nil //nolint:nilnil // 204
	}
	a.ChatBots.Forget(of, row.Bot)
	if bot.Owner != nil && *bot.Owner == in.CustomerID {
		// What it still delivers is refused as of an unknown bot.
		if err := a.ChatBots.Disconnect(ctx, bot); err != nil {
			a.log.InfoContext(ctx, "a platform goes on delivering to a removed bot", "platform", of, "bot", row.Bot, "error", err, "request_id", requestID(ctx))
		}
	}
	return nil, nil //nolint:nilnil // 204
}

// connectBot has Telegram deliver what happens in a bot's chats, with the secret that is stored now.
func (a *API) connectBot(ctx context.Context, of chat.Platform, id string) error {
	a.ChatBots.Forget(of, id)
	bot, err := a.ChatBots.Bot(ctx, of, id)
	if err != nil || bot == nil {
		return err
	}
	err = a.ChatBots.Connect(ctx, bot)
	switch {
	case errors.Is(err, bots.ErrNoAddress):
		return noAddress()
	case err != nil:
		return problem(http.StatusBadGateway, "The bot is stored, but the platform could not be told where to deliver its messages. Give the bot its token again with update-bot.").cause(err)
	}
	return nil
}

// refusedBot explains why a platform did not say whose a token is.
func refusedBot(err error) error {
	var refused *chat.Error
	switch {
	case errors.Is(err, telegram.ErrToken):
		return invalid("body.token", "must be a token as BotFather gives it: digits, a colon, letters and digits")
	case !errors.As(err, &refused):
		return err
	case refused.Class == chat.Credential || refused.Class == chat.Invalid || refused.Class == chat.Gone:
		return problem(http.StatusUnprocessableEntity, "The platform does not accept the token.", ProblemDetail{Message: "is refused by the platform", Location: "body.token"}).cause(err)
	}
	p := problem(http.StatusServiceUnavailable, "The platform cannot be asked at the moment whose the token is. Nothing was stored. Try again later.").cause(err)
	p.retryAfter = max(time.Until(refused.RetryAt), 5*time.Second)
	return p
}

func noChats() *Problem {
	return problem(http.StatusServiceUnavailable, "Chats are not set up on this server.")
}

func noAddress() *Problem {
	return conflict("This server has no public address to which Telegram could deliver messages. Whoever runs it sets FANFARE_API_URL, or FANFARE_TELEGRAM_POLL.")
}

// maxBotName is how much is kept of what a bot is called, in characters.
const maxBotName = 300

func (a *API) botFrom(row queries.BotGetRow) Bot {
	bot := Bot{
		ID: row.ID, Platform: row.Platform, Bot: row.Bot, Team: row.Team, Name: row.Name, Username: row.Username, State: row.State, Problem: row.Problem,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if said := saidNotHeld; !row.Held && bot.Problem == nil {
		bot.Problem = &said
	}
	if of := chat.Platform(row.Platform); a.ChatBots != nil && of != chat.Telegram {
		if address := a.ChatBots.HookURL(of, row.Bot); address != "" {
			bot.WebhookURL = &address
			if of == chat.Slack {
				events, actions := address+"/events", address+"/actions"
				bot.WebhookURL, bot.ActionsURL = &events, &actions
			}
		}
	}
	return bot
}
