package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// shownChat is a chat on a page, with who can write in it.
type shownChat struct {
	Title, Detail string
	// Action is where its forms are sent to.
	Action   string
	People   []shownPerson
	Messages []shownMessage
}

// shownPerson is somebody who can write in a chat.
type shownPerson struct{ ID, Name string }

// shownMessage is a message on a page.
type shownMessage struct {
	chatMessage
	Name string
}

// routeChatPages adds the pages on which people read and write in the chats. Other sites' pages cannot write here.
func (s *Sandbox) routeChatPages() {
	s.mux.HandleFunc("GET /whatsapp", func(w http.ResponseWriter, _ *http.Request) {
		render(w, http.StatusOK, "chats", map[string]any{"Title": "WhatsApp", "Chats": s.whatsappShown()})
	})
	s.mux.HandleFunc("GET /slack", func(w http.ResponseWriter, _ *http.Request) {
		render(w, http.StatusOK, "chats", map[string]any{"Title": "Slack", "Chats": s.slackShownChats()})
	})
	post := func(pattern, back string, do func(r *http.Request) (delivered, error)) {
		s.mux.Handle("POST "+pattern, http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
			result, err := do(r)
			if err != nil {
				render(w, http.StatusUnprocessableEntity, "untold", map[string]any{"Title": "Not done", "Message": err.Error(), "Back": back})
				return
			}
			for _, d := range result.Deliveries {
				if d.Status/100 != 2 {
					render(w, http.StatusOK, "untold", map[string]any{"Title": "Not taken", "Back": back, "Message": "It is in the chat, but the webhook did not take it: " + d.What + "."})
					return
				}
			}
			http.Redirect(w, r, back, http.StatusSeeOther)
		})))
	}
	post("/whatsapp/{number}/{chat}", "/whatsapp", func(r *http.Request) (delivered, error) {
		number, chat := r.PathValue("number"), r.PathValue("chat")
		if button := r.PostFormValue("button"); button != "" {
			return s.whatsappPress(r.Context(), number, chat, r.PostFormValue("message"), button)
		}
		return s.whatsappSay(r.Context(), number, chat, whatsappSaying{Text: r.PostFormValue("text"), Phone: r.PostFormValue("user")})
	})
	post("/slack/{team}/{channel}", "/slack", func(r *http.Request) (delivered, error) {
		team, channel := r.PathValue("team"), r.PathValue("channel")
		do := slackDoing{User: r.PostFormValue("user"), Text: r.PostFormValue("text"), Mention: r.PostFormValue("mention"), Message: r.PostFormValue("message"), Action: r.PostFormValue("button")}
		if do.Action != "" {
			return s.slackPress(r.Context(), team, channel, do)
		}
		return s.slackSay(r.Context(), team, channel, do)
	})
}

func (s *Sandbox) whatsappShown() []shownChat {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []shownChat{}
	for _, n := range s.state.WhatsApp.Numbers {
		for _, c := range n.Chats {
			one := shownChat{Title: cmp.Or(c.Name, c.id()), Detail: n.Name + " " + n.Display, Action: "/whatsapp/" + n.ID + "/" + c.id()}
			for _, guest := range c.People {
				one.People = append(one.People, shownPerson{guest.Phone, guest.Name})
			}
			for _, m := range c.Messages {
				name := c.Name
				if at := slices.IndexFunc(c.People, func(g whatsappGuest) bool { return g.Phone == m.From }); at >= 0 {
					name = c.People[at].Name
				}
				if m.From == "" {
					name = n.Name
				}
				one.Messages = append(one.Messages, shownMessage{*m, name})
			}
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b shownChat) int { return strings.Compare(a.Action, b.Action) })
	return list
}

func (s *Sandbox) slackShownChats() []shownChat {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []shownChat{}
	for _, t := range s.state.Slack.Teams {
		for _, c := range t.Channels {
			one := shownChat{Title: "#" + c.Name, Detail: t.Name + " · " + c.Type, Action: "/slack/" + t.ID + "/" + c.ID}
			if c.Type == "im" {
				one.Title = "Direct message"
			}
			bot := ""
			for _, p := range t.People {
				switch {
				case p.Bot && slices.Contains(c.Members, p.ID):
					bot = p.Name
				case slices.Contains(c.Members, p.ID):
					one.People = append(one.People, shownPerson{p.ID, p.Name})
				}
			}
			for _, m := range c.Messages {
				name := bot
				if p := t.person(m.From); p != nil {
					name = p.Name
				}
				one.Messages = append(one.Messages, shownMessage{*m, name})
			}
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b shownChat) int { return strings.Compare(a.Action, b.Action) })
	return list
}

// Last gives the newest messages of the chat, the oldest of them first.
func (c shownChat) Last() []shownMessage { return c.Messages[max(0, len(c.Messages)-50):] }

// Time is when the message was said.
func (m shownMessage) Time() time.Time { return m.At }

// chatTemplate is the part of pages for chats.
const chatTemplate = `
{{define "chats"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft"><a href="/">Everything published</a></p>
{{range $chat := .Chats}}<article>
<h2>{{.Title}}</h2>
<p class="soft">{{.Detail}}</p>
{{range $m := .Last}}<p class="text"><strong>{{.Name}}</strong> <time class="soft" datetime="{{stamp .Time}}">{{when .Time}}</time>{{with .Status}} <span class="soft">{{.}}</span>{{end}}{{if .Edited}} <span class="soft">edited</span>{{end}}
{{.Text}}</p>
{{range .Buttons}}{{if .URL}}<p><a href="{{.URL}}" rel="noopener noreferrer">{{.Text}}</a></p>
{{else}}<form method="post" action="{{$chat.Action}}"><input type="hidden" name="message" value="{{$m.ID}}"><input type="hidden" name="button" value="{{.ID}}">
{{with $chat.People}}<input type="hidden" name="user" value="{{(index . 0).ID}}">{{end}}<button>{{.Text}}</button></form>
{{end}}{{end}}{{end}}<form method="post" action="{{.Action}}">
{{with .People}}<label>As <select name="user">{{range .}}<option value="{{.ID}}">{{.Name}}</option>{{end}}</select></label>
{{end}}<label>Say <input name="text" required autocomplete="off"></label>
<p><button class="first">Send</button></p>
</form>
</article>
{{else}}<p>There is no chat yet. The control API makes numbers, workspaces and chats.</p>
{{end}}</main>
{{template "foot"}}{{end}}

{{define "untold"}}{{template "head" .}}
<main><h1>{{.Title}}</h1><p id="error">{{.Message}}</p><p><a href="{{.Back}}">Back</a></p></main>
{{template "foot"}}{{end}}
`
