package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// routeSlackControl adds what the control API has for Slack. What is said and done is delivered to the applications that it
// concerns before it answers, with the deliveries and what their first tries were answered.
//
//	POST   /_sandbox/slack/apps                                        {"name"} → 201 {"app_id","signing_secret"}
//	PUT    /_sandbox/slack/apps/{app}/webhook                          {"events","interactivity","retry_seconds"} → 204
//	POST   /_sandbox/slack/apps/{app}/install                          {"team"} → 201 {"team_id","bot_token","bot_user_id","bot_id"}
//	POST   /_sandbox/slack/apps/{app}/uninstall                        {"team"}
//	POST   /_sandbox/slack/teams                                       {"name"} → 201 {"team_id"}
//	POST   /_sandbox/slack/teams/{team}/people                         {"name","handle"} → 201 {"user_id"}
//	POST   /_sandbox/slack/teams/{team}/channels                       {"name","type","members"} → 201 {"channel_id"}
//	GET    /_sandbox/slack/teams/{team}/channels/{channel}             what it shows
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/say         {"user","text","mention","raw","thread"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/edit        {"message","text"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/press       {"user","message","action"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/add         {"user","inviter"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/remove      {"user"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/rename      {"name"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/archive     {"archived"}
//	POST   /_sandbox/slack/teams/{team}/channels/{channel}/new-id      {} → 200 with "message", the new id
func (s *Sandbox) routeSlackControl(handle func(string, http.HandlerFunc)) {
	handle("POST /_sandbox/slack/apps", s.postSlackApp)
	handle("PUT /_sandbox/slack/apps/{app}/webhook", s.putSlackWebhook)
	handle("POST /_sandbox/slack/apps/{app}/install", s.postSlackInstall)
	handle("POST /_sandbox/slack/apps/{app}/uninstall", s.postSlackUninstall)
	handle("POST /_sandbox/slack/teams", s.postSlackTeam)
	handle("POST /_sandbox/slack/teams/{team}/people", s.postSlackPerson)
	handle("POST /_sandbox/slack/teams/{team}/channels", s.postSlackChannel)
	const channel = "/_sandbox/slack/teams/{team}/channels/{channel}"
	handle("GET "+channel, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		_, c, err := s.slackChannel(r.PathValue("team"), r.PathValue("channel"))
		var shown []byte
		if err == nil {
			shown, err = json.Marshal(c)
		}
		s.mu.Unlock()
		if err != nil {
			writeChanged(w, err)
			return
		}
		writeJSON(w, http.StatusOK, json.RawMessage(shown))
	})
	for _, action := range []struct {
		name string
		do   func(context.Context, string, string, slackDoing) (delivered, error)
	}{
		{"say", s.slackSay}, {"edit", s.slackEdit}, {"press", s.slackPress}, {"add", s.slackAdd}, {"remove", s.slackRemove}, {"rename", s.slackRename},
		{"archive", s.slackArchive}, {"new-id", s.slackNewID},
	} {
		handle("POST "+channel+"/"+action.name, func(w http.ResponseWriter, r *http.Request) {
			var body slackDoing
			if readJSON(w, r, &body) {
				result, err := action.do(r.Context(), r.PathValue("team"), r.PathValue("channel"), body)
				writeHappened(w, result, err)
			}
		})
	}
}

// slackDoing is what somebody does in a channel; each action uses what it needs.
type slackDoing struct {
	User string `json:"user"`
	Text string `json:"text"`
	// Mention puts the mention of a bot user before the text.
	Mention string `json:"mention"`
	// Raw takes the text as Slack's markup, not as people type it.
	Raw bool `json:"raw"`
	// Thread is the message in whose thread it is said.
	Thread   string `json:"thread"`
	Message  string `json:"message"`
	Action   string `json:"action"`
	Inviter  string `json:"inviter"`
	Name     string `json:"name"`
	Archived bool   `json:"archived"`
}

// slackID makes an id as Slack's: a letter that tells what it is of, and digits and capital letters.
func slackID(letter string) string { return letter + "0" + strings.ToUpper(randomHex(5)) }

func (s *Sandbox) postSlackApp(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name string `json:"name"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app := &slackApp{ID: slackID("A"), Name: cmp.Or(body.Name, "Fanfare"), Secret: randomHex(16), Installs: map[string]*slackInstall{}}
	s.state.Slack.Apps[app.ID] = app
	s.secrets = append(s.secrets, app.Secret)
	writeMade(w, map[string]string{"app_id": app.ID, "signing_secret": app.Secret}, s.save())
}

// putSlackWebhook asks the address for the challenge, signed as any event, before it is taken
// (https://docs.slack.dev/reference/events/url_verification).
func (s *Sandbox) putSlackWebhook(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Events        string `json:"events"`
		Interactivity string `json:"interactivity"`
		RetrySeconds  []int  `json:"retry_seconds"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	app := s.state.Slack.Apps[r.PathValue("app")]
	s.mu.Unlock()
	if app == nil {
		writeChanged(w, fmt.Errorf("%w: there is no app %q", errInput, r.PathValue("app")))
		return
	}
	if err := s.verifySlackWebhook(r.Context(), app, body.Events); err != nil {
		writeChanged(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app.Events, app.Interactivity, app.RetrySeconds = body.Events, cmp.Or(body.Interactivity, body.Events), body.RetrySeconds
	writeChanged(w, s.save())
}

func (s *Sandbox) verifySlackWebhook(ctx context.Context, app *slackApp, address string) error {
	challenge := randomHex(26)
	body, _ := json.Marshal(map[string]string{"token": "sandbox", "challenge": challenge, "type": "url_verification"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: events is not an address", errInput)
	}
	stamp := strconv.FormatInt(s.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+signature(app.Secret, "v0:"+stamp+":"+string(body)))
	resp, err := webhookClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: the address does not answer", errInput)
	}
	defer func() { _ = resp.Body.Close() }()
	answered, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	var form struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(answered, &form) != nil {
		form.Challenge = strings.TrimPrefix(strings.TrimSpace(string(answered)), "challenge=")
	}
	if resp.StatusCode != http.StatusOK || form.Challenge != challenge {
		return fmt.Errorf("%w: the address answers %d, and not with the challenge", errInput, resp.StatusCode)
	}
	return nil
}

func (s *Sandbox) postSlackInstall(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Team string `json:"team"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app, team := s.state.Slack.Apps[r.PathValue("app")], s.state.Slack.Teams[body.Team]
	if app == nil || team == nil {
		writeChanged(w, fmt.Errorf("%w: there is no such app or team", errInput))
		return
	}
	install := app.Installs[team.ID]
	if install == nil {
		install = &slackInstall{BotUser: slackID("U"), BotID: slackID("B")}
		app.Installs[team.ID] = install
		team.People = append(team.People, slackPerson{ID: install.BotUser, Name: app.Name, Handle: strings.ToLower(app.Name), Bot: true})
	}
	install.Token, install.Removed = "xoxb-"+randomHex(24), false
	s.secrets = append(s.secrets, install.Token)
	writeMade(w, map[string]string{
		"team_id": team.ID, "bot_token": install.Token, "bot_user_id": install.BotUser, "bot_id": install.BotID,
	}, s.save())
}

func (s *Sandbox) postSlackUninstall(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Team string `json:"team"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	result, err := s.happen(r.Context(), func() (string, []*delivery, error) {
		app, team := s.state.Slack.Apps[r.PathValue("app")], s.state.Slack.Teams[body.Team]
		if app == nil || team == nil || app.Installs[team.ID] == nil || app.Installs[team.ID].Removed {
			return "", nil, fmt.Errorf("%w: the app is not installed there", errInput)
		}
		install := app.Installs[team.ID]
		install.Removed = true
		for _, c := range team.Channels {
			c.Members = slices.DeleteFunc(c.Members, func(id string) bool { return id == install.BotUser })
		}
		stamp := slackTime(s.slackNow())
		return "", []*delivery{
			s.slackEvent(app, team, install, map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{install.BotUser}}, "event_ts": stamp}),
			s.slackEvent(app, team, install, map[string]any{"type": "app_uninstalled", "event_ts": stamp}),
		}, nil
	})
	writeHappened(w, result, err)
}

func (s *Sandbox) postSlackTeam(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name string `json:"name"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	team := &slackTeam{ID: slackID("T"), Name: cmp.Or(body.Name, "Northlight")}
	s.state.Slack.Teams[team.ID] = team
	writeMade(w, map[string]string{"team_id": team.ID}, s.save())
}

func (s *Sandbox) postSlackPerson(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name   string `json:"name"`
		Handle string `json:"handle"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	team := s.state.Slack.Teams[r.PathValue("team")]
	if team == nil || body.Name == "" {
		writeChanged(w, fmt.Errorf("%w: a person has a name and a team that is there", errInput))
		return
	}
	person := slackPerson{ID: slackID("U"), Name: body.Name, Handle: cmp.Or(body.Handle, strings.ToLower(body.Name))}
	team.People = append(team.People, person)
	writeMade(w, map[string]string{"user_id": person.ID}, s.save())
}

var slackLetters = map[string]string{"channel": "C", "group": "C", "mpim": "C", "im": "D"}

func (s *Sandbox) postSlackChannel(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name    string   `json:"name"`
		Type    string   `json:"type"`
		Members []string `json:"members"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	team := s.state.Slack.Teams[r.PathValue("team")]
	var problem string
	switch {
	case team == nil:
		problem = "there is no such team"
	case slackLetters[body.Type] == "":
		problem = "type is none of channel, group, mpim, im"
	case body.Type == "im" && len(body.Members) != 2:
		problem = "an im has two members"
	case body.Type != "im" && body.Name == "":
		problem = "a channel has a name"
	case slices.ContainsFunc(body.Members, func(id string) bool { return team.person(id) == nil }):
		problem = "a member is not in the team"
	}
	if problem != "" {
		writeChanged(w, fmt.Errorf("%w: %s", errInput, problem))
		return
	}
	channel := &slackChannel{
		ID: slackID(slackLetters[body.Type]), Name: body.Name, Type: body.Type, Members: slices.Clone(body.Members), Created: s.now().Unix(), Messages: []*chatMessage{},
	}
	team.Channels = append(team.Channels, channel)
	writeMade(w, map[string]string{"channel_id": channel.ID}, s.save())
}

// slackChannel finds a channel. The caller holds s.mu.
func (s *Sandbox) slackChannel(team, channel string) (*slackTeam, *slackChannel, error) {
	t := s.state.Slack.Teams[team]
	if t == nil {
		return nil, nil, fmt.Errorf("%w: there is no team %q", errInput, team)
	}
	c := t.channel(channel)
	if c == nil {
		return nil, nil, fmt.Errorf("%w: there is no channel %q", errInput, channel)
	}
	return t, c, nil
}

// inSlackChannel lets a person do something in a channel.
func (s *Sandbox) inSlackChannel(ctx context.Context, team, channel, user string, f func(*slackTeam, *slackChannel) (string, []*delivery, error)) (delivered, error) {
	return s.happen(ctx, func() (string, []*delivery, error) {
		t, c, err := s.slackChannel(team, channel)
		if err == nil && user != "" && !slices.Contains(c.Members, user) {
			err = fmt.Errorf("%w: %q is not in the channel", errInput, user)
		}
		if err != nil {
			return "", nil, err
		}
		return f(t, c)
	})
}

// installs are the applications in a team, in a fixed order. The caller holds s.mu.
func (s *Sandbox) slackInstalls(team *slackTeam) []*slackApp {
	var list []*slackApp
	for _, app := range s.state.Slack.Apps {
		if install := app.Installs[team.ID]; install != nil && !install.Removed {
			list = append(list, app)
		}
	}
	slices.SortFunc(list, func(a, b *slackApp) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// slackTell tells an event of a channel to the applications in it. The caller holds s.mu.
func (s *Sandbox) slackTell(team *slackTeam, channel *slackChannel, event map[string]any) []*delivery {
	var list []*delivery
	for _, app := range s.slackInstalls(team) {
		if install := app.Installs[team.ID]; slices.Contains(channel.Members, install.BotUser) {
			list = append(list, s.slackEvent(app, team, install, event))
		}
	}
	return list
}

// slackEvent begins the delivery of an event (https://docs.slack.dev/apis/events-api/#callback-field). The caller holds s.mu.
func (s *Sandbox) slackEvent(app *slackApp, team *slackTeam, install *slackInstall, event map[string]any) *delivery {
	body, err := json.Marshal(map[string]any{
		"token": "sandbox", "team_id": team.ID, "api_app_id": app.ID, "event": event, "type": "event_callback", "event_id": slackID("Ev"),
		"event_time": s.now().Unix(), "event_context": randomHex(20), "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": team.ID, "user_id": install.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
	})
	if err != nil {
		panic(err) // maps of plain values only
	}
	what := event["type"].(string)
	if subtype, ok := event["subtype"].(string); ok {
		what += "." + subtype
	}
	return s.post(delivery{Platform: "slack", App: app.ID, URL: app.Events, ContentType: "application/json", Body: string(body), What: what})
}

var slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *Sandbox) slackSay(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, do.User, func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		if do.User == "" || do.Text == "" || c.Archived {
			return "", nil, fmt.Errorf("%w: somebody says something, and not in an archived channel", errInput)
		}
		text := do.Text
		if !do.Raw {
			text = slackEscaper.Replace(text)
		}
		if do.Mention != "" {
			text = "<@" + do.Mention + "> " + text
		}
		at := s.slackNow()
		ts := slackTime(at)
		c.Messages = append(c.Messages, &chatMessage{ID: ts, From: do.User, Text: slackShown(text), At: time.UnixMicro(at)})
		event := map[string]any{
			"type": "message", "client_msg_id": randomHex(16), "user": do.User, "text": text, "ts": ts, "event_ts": ts, "team": t.ID,
			"channel": c.ID, "channel_type": c.Type,
		}
		mention := map[string]any{"type": "app_mention", "user": do.User, "text": text, "ts": ts, "event_ts": ts, "team": t.ID, "channel": c.ID}
		if do.Thread != "" {
			event["thread_ts"], mention["thread_ts"] = do.Thread, do.Thread
			if m := c.message(do.Thread); m != nil && m.From == "" {
				event["parent_user_id"] = s.slackInstalls(t)[0].Installs[t.ID].BotUser
			}
		}
		list := s.slackTell(t, c, event)
		for _, app := range s.slackInstalls(t) {
			if install := app.Installs[t.ID]; c.Type != "im" && strings.Contains(text, "<@"+install.BotUser+">") && slices.Contains(c.Members, install.BotUser) {
				list = append(list, s.slackEvent(app, t, install, mention))
			}
		}
		return ts, list, nil
	})
}

func (s *Sandbox) slackEdit(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, "", func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		m := c.message(do.Message)
		if m == nil || m.From == "" || do.Text == "" {
			return "", nil, fmt.Errorf("%w: nobody said %q there", errInput, do.Message)
		}
		m.Text, m.Edited = do.Text, true
		stamp := slackTime(s.slackNow())
		return "", s.slackTell(t, c, map[string]any{
			"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.ID, "channel_type": c.Type, "ts": stamp, "event_ts": stamp,
			"message": map[string]any{"type": "message", "user": m.From, "text": slackEscaper.Replace(do.Text), "ts": m.ID},
		}), nil
	})
}

// slackPress presses a button of an application's message
// (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload).
func (s *Sandbox) slackPress(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, do.User, func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		m := c.message(do.Message)
		if m == nil || do.User == "" {
			return "", nil, fmt.Errorf("%w: somebody presses a button of a message that is there", errInput)
		}
		at := slices.IndexFunc(m.Buttons, func(b chatButton) bool { return b.ID == do.Action || b.Value == do.Action && b.Value != "" })
		var app *slackApp
		for _, other := range s.slackInstalls(t) {
			if slices.Contains(c.Members, other.Installs[t.ID].BotUser) {
				app = other
			}
		}
		if at < 0 || app == nil {
			return "", nil, fmt.Errorf("%w: the message has no button %q", errInput, do.Action)
		}
		b, person := m.Buttons[at], t.person(do.User)
		name := map[string]string{"im": "directmessage", "group": "privategroup"}[c.Type]
		action := map[string]any{
			"type": "button", "action_id": b.ID, "block_id": b.BlockID, "text": map[string]any{"type": "plain_text", "text": b.Text, "emoji": true},
			"action_ts": slackTime(s.slackNow()),
		}
		if b.Value != "" {
			action["value"] = b.Value
		}
		payload, err := json.Marshal(map[string]any{
			"type": "block_actions", "api_app_id": app.ID, "token": "sandbox", "trigger_id": randomHex(16), "enterprise": nil, "is_enterprise_install": false,
			"user":      map[string]any{"id": person.ID, "username": person.Handle, "name": person.Handle, "team_id": t.ID},
			"team":      map[string]any{"id": t.ID, "domain": strings.ToLower(t.ID)},
			"container": map[string]any{"type": "message", "message_ts": m.ID, "channel_id": c.ID, "is_ephemeral": false},
			"channel":   map[string]any{"id": c.ID, "name": cmp.Or(name, c.Name)},
			"message":   map[string]any{"type": "message", "user": app.Installs[t.ID].BotUser, "bot_id": app.Installs[t.ID].BotID, "ts": m.ID, "text": slackEscaper.Replace(m.Text), "blocks": m.Blocks},
			"actions":   []any{action},
		})
		if err != nil {
			return "", nil, errors.Join(errInput, err)
		}
		return "", []*delivery{s.post(delivery{
			Platform: "slack", App: app.ID, URL: app.Interactivity, ContentType: "application/x-www-form-urlencoded",
			Body: url.Values{"payload": {string(payload)}}.Encode(), What: "block_actions",
		})}, nil
	})
}

// slackMembership are the letters by which these events tell the type of a channel
// (https://docs.slack.dev/reference/events/member_joined_channel).
var slackMembership = map[string]string{"channel": "C", "group": "G", "mpim": "G"}

func (s *Sandbox) slackAdd(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, "", func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		if t.person(do.User) == nil || slices.Contains(c.Members, do.User) || c.Type == "im" {
			return "", nil, fmt.Errorf("%w: user is somebody of the team who is not in the channel yet", errInput)
		}
		c.Members = append(c.Members, do.User)
		event := map[string]any{
			"type": "member_joined_channel", "user": do.User, "channel": c.ID, "channel_type": slackMembership[c.Type], "team": t.ID, "event_ts": slackTime(s.slackNow()),
		}
		if do.Inviter != "" {
			event["inviter"] = do.Inviter
		}
		return "", s.slackTell(t, c, event), nil
	})
}

// slackRemove takes somebody out of a channel. A bot is told by the event that it left, which the others are not.
func (s *Sandbox) slackRemove(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, do.User, func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		stamp := slackTime(s.slackNow())
		c.Members = slices.DeleteFunc(c.Members, func(id string) bool { return id == do.User })
		list := s.slackTell(t, c, map[string]any{
			"type": "member_left_channel", "user": do.User, "channel": c.ID, "channel_type": slackMembership[c.Type], "team": t.ID, "event_ts": stamp,
		})
		for _, app := range s.slackInstalls(t) {
			if install := app.Installs[t.ID]; install.BotUser == do.User {
				kind := map[string]string{"channel": "channel_left", "group": "group_left", "mpim": "group_left"}[c.Type]
				list = append(list, s.slackEvent(app, t, install, map[string]any{"type": kind, "channel": c.ID, "event_ts": stamp}))
			}
		}
		return "", list, nil
	})
}

func (s *Sandbox) slackRename(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, "", func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		if do.Name == "" || c.Type == "im" {
			return "", nil, fmt.Errorf("%w: a channel gets a name", errInput)
		}
		c.Name = do.Name
		return "", s.slackTell(t, c, map[string]any{
			"type": "channel_rename", "channel": map[string]any{"id": c.ID, "name": c.Name, "created": c.Created}, "event_ts": slackTime(s.slackNow()),
		}), nil
	})
}

func (s *Sandbox) slackArchive(ctx context.Context, team, channel string, do slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, "", func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		c.Archived = do.Archived
		kind := map[bool]string{true: "channel_archive", false: "channel_unarchive"}[c.Archived]
		return "", s.slackTell(t, c, map[string]any{"type": kind, "channel": c.ID, "event_ts": slackTime(s.slackNow())}), nil
	})
}

// slackNewID gives a channel another id, as when it is shared with another workspace
// (https://docs.slack.dev/reference/events/channel_id_changed).
func (s *Sandbox) slackNewID(ctx context.Context, team, channel string, _ slackDoing) (delivered, error) {
	return s.inSlackChannel(ctx, team, channel, "", func(t *slackTeam, c *slackChannel) (string, []*delivery, error) {
		old := c.ID
		c.ID = slackID(slackLetters[c.Type])
		return c.ID, s.slackTell(t, c, map[string]any{
			"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": c.ID, "event_ts": slackTime(s.slackNow()),
		}), nil
	})
}
