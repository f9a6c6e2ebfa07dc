package sandbox

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// routeTelegramPages adds the pages on which a developer is somebody in Telegram: the chats, one of them, and the links
// that t.me has: <base>/telegram-me/<bot>?start=<token> and ?startgroup=<token>
// (https://core.telegram.org/api/links#bot-links). Forms are taken from these pages only.
func (s *Sandbox) routeTelegramPages() {
	s.mux.HandleFunc("GET /telegram-chats", s.showTelegramChats)
	s.mux.HandleFunc("GET /telegram-chats/{bot}/{chat}", s.showTelegramChat)
	s.mux.HandleFunc("GET /telegram-me/{username}", s.showTelegramStart)
	own := http.NewCrossOriginProtection()
	for path, act := range map[string]func(*http.Request) (string, error){
		"bots": s.formTelegramBot, "people": s.formTelegramPerson, "groups": s.formTelegramGroup, "say": s.formTelegramSay, "press": s.formTelegramPress,
		"members": s.formTelegramMember, "start": s.formTelegramStart,
	} {
		s.mux.Handle("POST /telegram-chats/"+path, own.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
			to, err := act(r)
			if err != nil {
				render(w, http.StatusUnprocessableEntity, "telegramRefused", map[string]any{"Title": "Not possible", "Message": err.Error()})
				return
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		})))
	}
}

// TelegramCommands is the menu of a bot, as it set it; empty: it has none.
func (s *Sandbox) TelegramCommands(botID int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	bot := s.telegram().Bots[botID]
	if bot == nil {
		return ""
	}
	return string(bot.Commands)
}

// TelegramBots gives all bots, the oldest first.
func (s *Sandbox) TelegramBots() []TelegramBot {
	s.mu.Lock()
	defer s.mu.Unlock()
	bots := []TelegramBot{}
	for _, bot := range s.telegram().Bots {
		bots = append(bots, bot.TelegramBot)
	}
	slices.SortFunc(bots, func(a, b TelegramBot) int { return cmp.Compare(a.ID, b.ID) })
	return bots
}

// TelegramPeople gives everybody, the oldest first.
func (s *Sandbox) TelegramPeople() []TelegramPerson {
	s.mu.Lock()
	defer s.mu.Unlock()
	people := []TelegramPerson{}
	for _, person := range s.telegram().People {
		people = append(people, *person)
	}
	slices.SortFunc(people, func(a, b TelegramPerson) int { return cmp.Compare(a.ID, b.ID) })
	return people
}

func telegramChatPath(bot, chat int64) string { return fmt.Sprintf("/telegram-chats/%d/%d", bot, chat) }

func (s *Sandbox) showTelegramChats(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		Path, Name, Last string
	}
	bots, rows := s.TelegramBots(), []row{}
	for _, view := range slices.Backward(s.TelegramChats()) {
		one := row{Path: telegramChatPath(view.Bot, view.Chat), Name: view.Title + " (" + view.Type + ")"}
		for _, bot := range bots {
			if bot.ID == view.Bot {
				one.Name = view.Title + " with @" + bot.Username
			}
		}
		if n := len(view.Messages); n > 0 {
			one.Last = view.Messages[n-1].Text
		}
		rows = append(rows, one)
	}
	render(w, http.StatusOK, "telegramChats", map[string]any{
		"Title": "Telegram", "Chats": rows, "Bots": bots, "People": s.TelegramPeople(),
	})
}

func (s *Sandbox) showTelegramChat(w http.ResponseWriter, r *http.Request) {
	botID, _ := strconv.ParseInt(r.PathValue("bot"), 10, 64)
	chatID, _ := strconv.ParseInt(r.PathValue("chat"), 10, 64)
	view, ok := s.TelegramChat(botID, chatID)
	people, bots := s.TelegramPeople(), s.TelegramBots()
	if !ok { // a chat that has not begun
		known := slices.ContainsFunc(bots, func(b TelegramBot) bool { return b.ID == botID })
		at := slices.IndexFunc(people, func(p TelegramPerson) bool { return p.ID == chatID })
		if !known || at < 0 {
			render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
			return
		}
		view = TelegramView{Chat: chatID, Type: "private", Bot: botID, Title: people[at].FirstName}
	}
	names := map[int64]string{}
	for _, person := range people {
		names[person.ID] = strings.TrimSpace(person.FirstName + " " + person.LastName)
	}
	for _, bot := range bots {
		names[bot.ID] = bot.Name
	}
	type shownMessage struct {
		TelegramMessage
		Who  string
		What []string
	}
	messages := []shownMessage{}
	for _, m := range view.Messages {
		one := shownMessage{TelegramMessage: m, Who: cmp.Or(names[m.From], view.Title)}
		for what := range m.Service {
			one.What = append(one.What, strings.ReplaceAll(what, "_", " "))
		}
		if m.Kind == "sticker" || m.Kind == "photo" {
			one.What = append(one.What, m.Kind)
		}
		messages = append(messages, one)
	}
	if view.Type == "private" {
		people = slices.DeleteFunc(people, func(p TelegramPerson) bool { return p.ID != chatID })
	}
	group := view.Chat
	if view.Type == "private" {
		group = 0
	}
	render(w, http.StatusOK, "telegramChat", map[string]any{
		"Title": view.Title, "View": view, "Messages": messages, "People": people, "Bots": bots, "Names": names, "Group": group,
		"Here": telegramChatPath(view.Bot, view.Chat), "Me": r.URL.Query().Get("as"),
	})
}

var telegramStart = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)

// showTelegramStart is what a deep link opens: somebody's chat with the bot and its button Start.
func (s *Sandbox) showTelegramStart(w http.ResponseWriter, r *http.Request) {
	for _, bot := range s.TelegramBots() {
		query := r.URL.Query()
		if !strings.EqualFold(bot.Username, r.PathValue("username")) || !telegramStart.MatchString(query.Get("start")+query.Get("startgroup")) {
			continue
		}
		groups := slices.DeleteFunc(s.TelegramChats(), func(v TelegramView) bool { return v.Type == "private" || v.Type == "channel" || v.MovedTo != 0 })
		render(w, http.StatusOK, "telegramStart", map[string]any{
			"Title": bot.Name, "Bot": bot, "People": s.TelegramPeople(), "Payload": query.Get("start") + query.Get("startgroup"),
			"ForGroup": query.Has("startgroup"), "Groups": groups,
		})
		return
	}
	render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
}

func formNumber(r *http.Request, name string) int64 {
	n, _ := strconv.ParseInt(r.PostFormValue(name), 10, 64)
	return n
}

func (s *Sandbox) formTelegramBot(r *http.Request) (string, error) {
	_, err := s.AddTelegramBot(TelegramBot{Username: r.PostFormValue("username"), Name: r.PostFormValue("name")})
	return "/telegram-chats", err
}

func (s *Sandbox) formTelegramPerson(r *http.Request) (string, error) {
	_, err := s.AddTelegramPerson(TelegramPerson{FirstName: r.PostFormValue("first_name"), Username: r.PostFormValue("username")})
	return "/telegram-chats", err
}

func (s *Sandbox) formTelegramGroup(r *http.Request) (string, error) {
	group := TelegramGroup{Title: r.PostFormValue("title"), Type: r.PostFormValue("type")}
	for _, person := range r.PostForm["person"] {
		id, _ := strconv.ParseInt(person, 10, 64)
		group.People = append(group.People, id)
	}
	id, err := s.AddTelegramGroup(group)
	return telegramChatPath(0, id), err
}

// formBack is the page of the chat that a form was about.
func formBack(r *http.Request) string {
	if chat := formNumber(r, "chat"); chat != 0 {
		return telegramChatPath(0, chat) + "?as=" + url.QueryEscape(r.PostFormValue("person")) + "#end"
	}
	return telegramChatPath(formNumber(r, "bot"), formNumber(r, "person")) + "#end"
}

func (s *Sandbox) formTelegramSay(r *http.Request) (string, error) {
	_, err := s.TelegramSay(TelegramSaying{
		Chat: formNumber(r, "chat"), Bot: formNumber(r, "bot"), Person: formNumber(r, "person"), Text: r.PostFormValue("text"),
		ReplyTo: int(formNumber(r, "reply_to")), Kind: r.PostFormValue("kind"),
	})
	return formBack(r), err
}

func (s *Sandbox) formTelegramPress(r *http.Request) (string, error) {
	_, err := s.TelegramPress(TelegramPress{
		Chat: formNumber(r, "chat"), Bot: formNumber(r, "bot"), Person: formNumber(r, "person"),
		MessageID: int(formNumber(r, "message_id")), Data: r.PostFormValue("data"),
	})
	return formBack(r), err
}

// formTelegramMember adds a bot to a group or removes it, or blocks it.
func (s *Sandbox) formTelegramMember(r *http.Request) (string, error) {
	in := TelegramMembership{Chat: formNumber(r, "chat"), Bot: formNumber(r, "bot"), Status: r.PostFormValue("status")}
	if in.Chat == 0 {
		in.Person = formNumber(r, "person")
	} else {
		in.By = formNumber(r, "person")
	}
	return formBack(r), s.TelegramMember(in)
}

// formTelegramStart is the button Start: it says /start with the link's token. In a group the bot is added first.
func (s *Sandbox) formTelegramStart(r *http.Request) (string, error) {
	in := TelegramSaying{Chat: formNumber(r, "chat"), Bot: formNumber(r, "bot"), Person: formNumber(r, "person"), Text: "/start"}
	if in.Chat != 0 {
		for _, bot := range s.TelegramBots() {
			if bot.ID == in.Bot {
				in.Text += "@" + bot.Username
			}
		}
		s.mu.Lock()
		chat := s.telegram().Chats[telegramKey(0, in.Chat)]
		inside := chat != nil && telegramIn(chat.Bots[in.Bot])
		s.mu.Unlock()
		if !inside {
			if err := s.TelegramMember(TelegramMembership{Chat: in.Chat, By: in.Person, Bot: in.Bot, Status: "member"}); err != nil {
				return "", err
			}
		}
	}
	if payload := r.PostFormValue("payload"); payload != "" {
		in.Text += " " + payload
	}
	_, err := s.TelegramSay(in)
	return formBack(r), err
}

var _ = template.Must(pages.Parse(`
{{define "telegramChats"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft">A stand-in for Telegram. <a href="/">Everything published</a></p>
{{range .Chats}}<article><h2><a href="{{.Path}}">{{.Name}}</a></h2>{{with .Last}}<p class="soft">{{.}}</p>{{end}}</article>
{{else}}<p>No chat has begun yet.</p>
{{end}}{{$people := .People}}{{range .Bots}}<article><h2>{{.Name}} <span class="soft">@{{.Username}}</span></h2>
<p class="soft">Token <code>{{.Token}}</code></p>
{{$bot := .ID}}{{range $people}}<p><a href="/telegram-chats/{{$bot}}/{{.ID}}">Write to it as {{.FirstName}} {{.LastName}}</a></p>{{end}}</article>
{{end}}<article><form method="post" action="/telegram-chats/bots"><h2>A new bot</h2>
<p><label>Username, ending in bot <input name="username" required></label><label>Name <input name="name"></label></p><button>Make</button></form></article>
<article><form method="post" action="/telegram-chats/people"><h2>A new person</h2>
<p><label>First name <input name="first_name" required></label><label>Username <input name="username"></label></p><button>Add</button></form></article>
{{if .People}}<article><form method="post" action="/telegram-chats/groups"><h2>A new group</h2>
<p><label>Title <input name="title" required></label></p><fieldset><legend>With</legend>
{{range .People}}<label><input type="checkbox" name="person" value="{{.ID}}" checked> {{.FirstName}} {{.LastName}}</label>{{end}}</fieldset><button>Make</button></form></article>{{end}}
</main>{{template "foot"}}{{end}}

{{define "telegramAs"}}{{$me := .Me}}{{if eq (len .People) 1}}{{range .People}}<input type="hidden" name="person" value="{{.ID}}">{{end}}{{else}}<label>as <select name="person">{{range .People}}<option value="{{.ID}}"{{if eq $me (print .ID)}} selected{{end}}>{{.FirstName}} {{.LastName}}</option>{{end}}</select></label>{{end}}{{end}}

{{define "telegramChat"}}{{template "head" .}}
{{$page := .}}<main>
<p class="soft"><a href="/telegram-chats">All chats</a></p>
<h1>{{.Title}}</h1>
<p class="soft">{{.View.Type}} <code>{{.View.Chat}}</code>{{if .View.Blocked}} · <span class="mark">the bot is blocked</span>{{end}}{{with .View.MovedTo}} · <a href="/telegram-chats/0/{{.}}">moved to {{.}}</a>{{end}}</p>
{{range .Messages}}<article id="m{{.ID}}"><p class="soft"><strong>{{.Who}}</strong> · {{.ID}} · <time datetime="{{stamp .At}}">{{when .At}}</time>{{if .Edits}} · edited{{end}}{{with .ReplyTo}} · answers <a href="#m{{.}}">{{.}}</a>{{end}}</p>
{{range .What}}<p class="soft">[{{.}}]</p>{{end}}{{with .Text}}<p class="text">{{.}}</p>{{end}}
{{if .Buttons}}<form method="post" action="/telegram-chats/press"><input type="hidden" name="chat" value="{{$page.Group}}"><input type="hidden" name="bot" value="{{$page.View.Bot}}"><input type="hidden" name="message_id" value="{{.ID}}">
{{template "telegramAs" $page}}{{range .Buttons}}<p>{{range .}}{{if .URL}}<a href="{{.URL}}" rel="noreferrer">{{.Text}}</a> {{else}}<button name="data" value="{{.Data}}">{{.Text}}</button> {{end}}{{end}}</p>{{end}}</form>{{end}}</article>
{{else}}<p>Nothing has been said yet.</p>
{{end}}{{range .View.Pressed}}{{if not .Answered}}<p class="mark">The press of “{{.Data}}” waits for the bot.</p>{{else if .Text}}<p class="soft">“{{.Data}}”: {{.Text}}</p>{{end}}{{end}}
<article id="end"><form method="post" action="/telegram-chats/say"><input type="hidden" name="chat" value="{{.Group}}"><input type="hidden" name="bot" value="{{.View.Bot}}">
<p><textarea name="text" rows="3" cols="50" required autofocus aria-label="Message"></textarea></p>
<p>{{template "telegramAs" .}} <label>answering message <input name="reply_to" size="4" inputmode="numeric"></label></p>
<button class="first">Send</button> <a href="{{.Here}}#end">Refresh</a></form></article>
{{if .Group}}{{range .Bots}}<article><form method="post" action="/telegram-chats/members"><input type="hidden" name="chat" value="{{$page.Group}}"><input type="hidden" name="bot" value="{{.ID}}">@{{.Username}} {{template "telegramAs" $page}}
<button name="status" value="member">Add</button> <button name="status" value="administrator">Make administrator</button> <button name="status" value="kicked">Remove</button></form></article>{{end}}
{{else}}<article><form method="post" action="/telegram-chats/members"><input type="hidden" name="chat" value="0"><input type="hidden" name="bot" value="{{.View.Bot}}">{{template "telegramAs" .}}
{{if .View.Blocked}}<button name="status" value="member">Let the bot in again</button>{{else}}<button name="status" value="kicked">Block the bot</button>{{end}}</form></article>{{end}}
</main>{{template "foot"}}{{end}}

{{define "telegramStart"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft">@{{.Bot.Username}}, opened by a link. A stand-in for Telegram.</p>
<article><form method="post" action="/telegram-chats/start"><input type="hidden" name="bot" value="{{.Bot.ID}}"><input type="hidden" name="payload" value="{{.Payload}}">
<fieldset><legend>As</legend>{{range $i, $one := .People}}<label><input type="radio" name="person" value="{{.ID}}" required{{if eq $i 0}} checked{{end}}> {{.FirstName}} {{.LastName}}</label>{{end}}</fieldset>
{{if .ForGroup}}<fieldset><legend>In</legend>{{range .Groups}}<label><input type="radio" name="chat" value="{{.Chat}}" required> {{.Title}}</label>{{else}}<p>There is no group yet. <a href="/telegram-chats">Make one</a></p>{{end}}</fieldset>{{end}}
<button class="first" id="start">Start</button></form></article>
</main>{{template "foot"}}{{end}}

{{define "telegramRefused"}}{{template "head" .}}
<main><h1>{{.Title}}</h1><p id="error">{{.Message}}</p><p><a href="/telegram-chats">All chats</a></p></main>
{{template "foot"}}{{end}}
`))
