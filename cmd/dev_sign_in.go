package cmd

import (
	"encoding/json"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"fanfare/api"
	"fanfare/internal/identity"
)

// devSignIn lets whoever uses this machine be one of the demo people in the dashboard. It is there in development mode alone, and
// answers nobody else: no other machine, and no page of another site that a browser here shows.
type devSignIn struct {
	signer *identity.Signer
	addr   string // of the API
	log    *slog.Logger
}

// devTokenTTL is how long a token of a demo person is valid that the dashboard gets.
const devTokenTTL = 12 * time.Hour

// devPerson is one of the demo people.
type devPerson struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	About string `json:"about"`
}

// pages serves /dev/people and /dev/sign-in, and leaves the rest to next.
func (d *devSignIn) pages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := http.MethodGet
		switch r.URL.Path {
		case "/dev/people":
		case "/dev/sign-in":
			method = http.MethodPost
		default:
			next.ServeHTTP(w, r)
			return
		}
		switch {
		case !d.fromHere(r):
			d.refuse(w, r, http.StatusForbidden, "Only the dashboard in a browser on the machine of `fanfare dev`, at its own address, signs in so. From elsewhere, use a token of `fanfare token`.")
		case r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead):
			w.Header().Set("Allow", method)
			d.refuse(w, r, http.StatusMethodNotAllowed, "This path does not know this method; see the Allow header.")
		case method == http.MethodGet:
			d.answer(w, r, map[string]any{"people": devPeople()})
		default:
			d.signIn(w, r)
		}
	})
}

// fromHere tells whether a request comes from this machine, was made to the API's own address and by no other site. The name in
// Host is compared because a name of somebody else's can lead to this machine, and then their page is of the same origin.
func (d *devSignIn) fromHere(r *http.Request) bool {
	_, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		return false
	}
	sender, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !onThisMachine(sender) {
		return false
	}
	name, asked, err := net.SplitHostPort(r.Host)
	if err != nil { // the port of http is left out
		name, asked = r.Host, "80"
	}
	if asked != port || !onThisMachine(strings.ToLower(strings.Trim(name, "[]"))) {
		return false
	}
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 && !slices.Equal(site, []string{"same-origin"}) {
		return false
	}
	origin := r.Header.Values("Origin")
	return len(origin) == 0 || slices.Equal(origin, []string{"http://" + r.Host})
}

func (d *devSignIn) signIn(w http.ResponseWriter, r *http.Request) {
	// Other sites' pages can send forms without asking, and this is none.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		d.refuse(w, r, http.StatusUnsupportedMediaType, "The body must be application/json.")
		return
	}
	var body struct {
		Person string `json:"person"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body); err != nil {
		d.refuse(w, r, http.StatusBadRequest, `The body must look like {"person": "ada"}.`)
		return
	}
	people := devPeople()
	at := slices.IndexFunc(people, func(p devPerson) bool { return p.ID == body.Person })
	if at < 0 {
		d.refuse(w, r, http.StatusNotFound, "There is no such person; see /dev/people.")
		return
	}
	token, err := devToken(d.signer, people[at].Email, people[at].Name, devTokenTTL)
	if err != nil {
		d.log.ErrorContext(r.Context(), "no token was made", "error", err)
		d.refuse(w, r, http.StatusInternalServerError, "No token could be made; the log says why.")
		return
	}
	d.answer(w, r, map[string]any{"token": token, "expires_in": int(devTokenTTL / time.Second)})
}

func (d *devSignIn) answer(w http.ResponseWriter, r *http.Request, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		d.log.DebugContext(r.Context(), "answer was not written", "error", err)
	}
}

func (d *devSignIn) refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if err := api.Refuse(w, r, status, detail); err != nil {
		d.log.DebugContext(r.Context(), "answer was not written", "error", err)
	}
}

// devPeople are the demo people, and who they are.
func devPeople() []devPerson {
	people := make([]devPerson, 0, len(demoPeople))
	for _, p := range demoPeople {
		id, _, _ := strings.Cut(p.email, "@")
		var about []string
		if p.systemRole != "" {
			about = append(about, "System "+p.systemRole+" of this installation")
		}
		for _, c := range demoCustomers {
			for _, m := range c.members {
				if m.email != p.email {
					continue
				}
				role := m.role + " of " + c.name
				if c.approval {
					role += ", where somebody else approves what one writes"
				}
				about = append(about, strings.ToUpper(role[:1])+role[1:])
			}
		}
		people = append(people, devPerson{ID: id, Name: p.name, Email: p.email, About: strings.Join(about, "; ")})
	}
	return people
}
