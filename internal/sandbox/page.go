package sandbox

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// routePages adds the pages for people: everything that was published, and each Ghost post in its
// place.
func (s *Sandbox) routePages() {
	s.mux.HandleFunc("GET /{$}", s.showIndex)
	s.mux.HandleFunc("GET /people", s.showPeople)
	s.mux.HandleFunc("GET /blobs/{hash}", s.showBlob)
	s.mux.HandleFunc("GET /unsplash/{$}", s.showUnsplash)
	s.mux.HandleFunc("GET /unsplash/{person}", s.showUnsplash)
	s.routeChatPages()
	s.mux.HandleFunc("GET /ghost-sites/{site}/{$}", s.showGhostSite)
	s.mux.HandleFunc("GET /ghost-sites/{site}/{slug}/{$}", s.showGhostPost)
}

// shownPost is a post on a page. The link is a path, so that it leads to this sandbox even when it
// now runs on another port than when the post was published.
type shownPost struct {
	Post
	Link string
}

func shown(posts []Post) []shownPost {
	list := []shownPost{}
	for _, post := range posts {
		link := ""
		if u, err := url.Parse(post.URL); err == nil {
			link = u.EscapedPath()
		}
		list = append(list, shownPost{Post: post, Link: link})
	}
	return list
}

func (s *Sandbox) showIndex(w http.ResponseWriter, _ *http.Request) {
	posts := s.Published()
	render(w, http.StatusOK, "index", map[string]any{
		"Title": "Sandbox", "Posts": shown(posts), "Doubles": doubles(posts), "Faults": s.Faults(),
	})
}

func (s *Sandbox) showGhostSite(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("site")
	title, ok := s.ghostTitle(name)
	if !ok {
		render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
		return
	}
	posts := slices.DeleteFunc(s.Published(), func(p Post) bool { return p.Platform != "ghost" || p.Account != name })
	render(w, http.StatusOK, "index", map[string]any{"Title": title, "Site": name, "Posts": shown(posts)})
}

// showGhostPost shows a post that is public now. Drafts are not, whoever knows their slug.
func (s *Sandbox) showGhostPost(w http.ResponseWriter, r *http.Request) {
	name, slug := r.PathValue("site"), r.PathValue("slug")
	title, _ := s.ghostTitle(name)
	for _, post := range s.GhostPosts(name) {
		if post.Status != "published" || post.Slug != slug {
			continue
		}
		render(w, http.StatusOK, "post", map[string]any{
			"Title": post.Title, "Site": title, "Home": ghostPath(name) + "/", "At": *post.PublishedAt,
			"Image": post.FeatureImage, "Alt": post.FeatureImageAlt, "Excerpt": post.CustomExcerpt, "Tags": post.Tags,
			// ghostStoredHTML let only harmless elements through.
			"HTML": template.HTML(post.HTML), //nolint:gosec // sanitised when it was stored
		})
		return
	}
	render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
}

func (s *Sandbox) ghostTitle(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.state.Ghost[name]
	if site == nil {
		return "", false
	}
	return site.Title, true
}

func render(w http.ResponseWriter, status int, name string, data any) {
	pageAnswer(status, name, data).write(w)
}

// pageAnswer is a page as an answer. Its policy has no form-action: browsers hold that against the
// redirect after a form, too, and consent pages lead wherever the client is.
func pageAnswer(status int, name string, data any) answer {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		return answer{status: http.StatusInternalServerError, body: []byte("The page cannot be shown.\n")}
	}
	return answer{status: status, body: page.Bytes(), header: http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; media-src 'self'; frame-ancestors 'none'"},
		"Cache-Control":           {"no-store"},
	}}
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"when":       func(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04:05 UTC") },
	"stamp":      func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	"image":      func(file PostFile) bool { return strings.HasPrefix(file.ContentType, "image/") },
	"paragraphs": func(text string) []string { return strings.Split(text, "\n\n") },
}).Parse(`
{{define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --line: #d8d8dc; --soft: #65656d; --mark: #b3261e; --card: #fff; --page: #f6f6f8; --text: #1b1b1f; --link: #2456c9 }
@media (prefers-color-scheme: dark) { :root { --line: #3a3a42; --soft: #a0a0aa; --mark: #ff8a80; --card: #222227; --page: #17171a; --text: #e9e9ee; --link: #8fb2ff } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1rem 4rem; font: 1rem/1.55 system-ui, sans-serif; background: var(--page); color: var(--text) }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 0 }
a { color: var(--link) } p { margin: .6rem 0; overflow-wrap: anywhere }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.2rem; margin: 1rem 0 }
.soft { color: var(--soft); font-size: .9rem } .mark { color: var(--mark); font-weight: 600 }
.text { white-space: pre-line }
img { max-width: 100% } code { overflow-wrap: anywhere }
fieldset { border: 0; padding: 0; margin: 1rem 0 } legend { font-weight: 600 } label { display: block; padding: .35rem 0 }
button { font: inherit; padding: .5rem 1.2rem; border-radius: .4rem; border: 1px solid var(--line); background: var(--card); color: var(--text); cursor: pointer }
button.first { background: var(--link); border-color: var(--link); color: var(--card) }
</style>
</head>
<body>{{end}}

{{define "foot"}}</body>
</html>
{{end}}

{{define "index"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft">{{if .Site}}<a href="/">Everything published</a>{{else}}Stand-ins for the outside services. Nothing here leaves this machine. <a href="/people">People and applications</a> · <a href="/telegram-chats">Telegram</a> · <a href="/whatsapp">WhatsApp</a> · <a href="/slack">Slack</a> · <a href="/unsplash/">Photos</a>{{end}}</p>
{{range .Doubles}}<p class="mark">Published {{.Times}} times on {{.Platform}} / {{.Account}}: {{or .Title .Text}}</p>
{{end}}{{range .Faults}}<p class="soft">Fault waiting: {{.Kind}}{{with .Status}} {{.}}{{end}}{{with .Platform}} on {{.}}{{end}}{{with .Step}} at {{.}}{{end}}{{with .Method}}, {{.}}{{end}}{{with .PathContains}} …{{.}}…{{end}}</p>
{{end}}{{range .Posts}}<article>
<h2>{{if .Link}}<a href="{{.Link}}">{{or .Title "(no title)"}}</a>{{else}}{{.Title}}{{end}}</h2>
<p class="soft">{{.Platform}} / {{.Account}} · <time datetime="{{stamp .PublishedAt}}">{{when .PublishedAt}}</time>{{with .Audience}} · to {{.}}{{end}}{{if gt .TimesPublished 1}} · <span class="mark">published {{.TimesPublished}} times</span>{{end}}</p>
{{range paragraphs .Text}}<p class="text">{{.}}</p>
{{end}}{{with .PostLink}}<p class="soft">Link: {{.}}</p>
{{end}}{{range .Files}}{{if image .}}<figure><img src="{{.Path}}" alt="{{.AltText}}"><figcaption class="soft">{{or .AltText "no alt text"}} · {{.ContentType}}, {{.Bytes}} bytes</figcaption></figure>
{{else}}<p class="soft"><a href="{{.Path}}">{{.ContentType}}, {{.Bytes}} bytes</a>{{with .AltText}} · {{.}}{{end}}</p>
{{end}}{{end}}{{range .Parts}}<p class="text">↳ {{.}}</p>
{{end}}</article>
{{else}}<p>Nothing has been published yet.</p>
{{end}}</main>
{{template "foot"}}{{end}}

{{define "post"}}{{template "head" .}}
<main>
<p class="soft"><a href="{{.Home}}">{{.Site}}</a></p>
<article>
<h1>{{.Title}}</h1>
<p class="soft"><time datetime="{{stamp .At}}">{{when .At}}</time>{{range .Tags}} · {{.}}{{end}}</p>
{{with .Excerpt}}<p>{{.}}</p>
{{end}}{{if .Image}}<img src="{{.Image}}" alt="{{.Alt}}">
{{end}}{{.HTML}}
</article>
</main>
{{template "foot"}}{{end}}

{{define "consent"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft">A stand-in for {{.Platform}}. Nothing here leaves this machine.</p>
<article>
<p><strong>{{.Client}}</strong> (<code>{{.ClientID}}</code>) asks for access to an account.</p>
<form method="post" action="{{.Action}}">
{{range $name, $values := .Hidden}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<fieldset>
<legend>Sign in as</legend>
{{range .People}}<label><input type="radio" name="person" value="{{.ID}}" id="person-{{.ID}}"{{if .Chosen}} checked{{end}} required> {{.Name}}{{with .Handle}} <span class="soft">@{{.}}</span>{{end}}{{range .Pages}}<br><span class="soft">{{.Name}}</span>{{end}}</label>
{{end}}</fieldset>
{{if .Scopes}}<fieldset>
<legend>It will be able to use</legend>
{{$optional := .Optional}}{{range .Scopes}}<label><code>{{.}}</code>{{if $optional}} <span class="soft"><input type="checkbox" name="decline" value="{{.}}"> do not allow</span>{{end}}</label>
{{end}}</fieldset>
{{end}}<p><button class="first" id="allow" name="decision" value="allow">Allow</button> <button id="deny" name="decision" value="deny" formnovalidate>Deny</button></p>
</form>
</article>
</main>
{{template "foot"}}{{end}}

{{define "refused"}}{{template "head" .}}
<main><h1>{{.Title}}: something is wrong with this request</h1><p id="error">{{.Message}}</p>
<p class="soft">The application that sent you here has to mend it. You were not sent back, because {{.Title}} cannot be sure whose request it is.</p></main>
{{template "foot"}}{{end}}

{{define "people"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft"><a href="/">Everything published</a></p>
{{range .Services}}<article>
<h2>{{.Title}}</h2>
{{if .ClientID}}<p>Application <code>{{.ClientID}}</code></p>
<ul>{{range .RedirectURIs}}<li><code>{{.}}</code></li>{{else}}<li class="soft">no redirect address</li>{{end}}</ul>
{{else}}<p class="soft">No application yet.</p>
{{end}}{{range .People}}<p><strong>{{.Name}}</strong>{{with .Handle}} @{{.}}{{end}} <code>{{.ID}}</code> <span class="soft">grants: {{.Grants}}</span></p>
{{if .Pages}}<ul>{{range .Pages}}<li>{{.Name}} <code>{{.ID}}</code>{{if .Lost}} <span class="mark">taken away</span>{{end}}</li>{{end}}</ul>
{{end}}{{end}}</article>
{{end}}{{if .MCP}}<article>
<h2>MCP servers</h2>
<ul>{{range .MCP}}<li>{{.Name}} <code>{{.URL}}</code> {{.Kind}}{{with .Token}} <code>{{.}}</code>{{end}}{{if eq .Kind "oauth"}} <span class="soft">clients: {{.Clients}}, grants: {{.Grants}}</span>{{end}}{{with .Fail}} <span class="mark">fails: {{.}}</span>{{end}}</li>
{{end}}</ul>
{{range .MCPPeople}}<p><strong>{{.Name}}</strong> <code>{{.ID}}</code></p>
{{end}}</article>
{{end}}</main>
{{template "foot"}}{{end}}

{{define "unsplash"}}{{template "head" .}}
<main>
<h1>{{.Title}}</h1>
<p class="soft"><a href="/">Everything published</a> · <a href="/unsplash/">All photos</a></p>
{{range .Photos}}<figure id="{{.ID}}"><img src="/unsplash-images/{{.ID}}?w=400&amp;fit=max&amp;fm=jpg" alt="{{.Alt}}" loading="lazy">
<figcaption class="soft">{{.Alt}} · <a href="/unsplash/@{{.Username}}">{{.By}}</a> · <code>{{.ID}}</code> · used {{.Used}} times</figcaption></figure>
{{end}}</main>
{{template "foot"}}{{end}}

{{define "missing"}}{{template "head" .}}
<main><h1>Not found</h1><p>There is nothing at this address. <a href="/">Everything published</a></p></main>
{{template "foot"}}{{end}}
` + chatTemplate))
