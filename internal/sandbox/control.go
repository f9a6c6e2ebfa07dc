package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// maxControlBody bounds a body of the control API, in bytes.
const maxControlBody = 1 << 20

// routeControl adds the API by which people and other processes steer the sandbox. Browsers may use
// it from the sandbox's own pages only, so that no page on the internet steers it through them.
//
//	GET    /_sandbox/published     {"posts":[…],"doubles":[…]}
//	POST   /_sandbox/ghost-sites   {"name","title"} → 201 {"site_url","admin_api_key"}
//	GET    /_sandbox/faults        {"faults":[…]}
//	POST   /_sandbox/faults        a Fault → 204
//	DELETE /_sandbox/faults        → 204
//	GET    /_sandbox/counts        {"counts":{"<step>":<requests>,…}}
//	GET    /_sandbox/secrets       {"secrets":[…]}
//	POST   /_sandbox/oauth-apps    {"platform","redirect_uris"} → 201 {"client_id","client_secret"}
//	PUT    /_sandbox/oauth/{platform}                 OAuthSettings → 204
//	POST   /_sandbox/oauth/{platform}/withdraw        {"person"} → 204
//	POST   /_sandbox/oauth/{platform}/remove-page     {"page"} → 204
//	POST   /_sandbox/oauth/{platform}/restore-page    {"page"} → 204
//	PUT    /_sandbox/llm           LLMSettings → 204
//	GET    /_sandbox/llm           {"calls","input_tokens","output_tokens","requests":[…]}
//	DELETE /_sandbox/llm           → 204
//	GET    /_sandbox/mcp-servers   {"servers":[{"name","kind","url","token"},…]}
//	POST   /_sandbox/mcp-servers   {"name","kind"} → 201 {"name","kind","url","token"}
//	PUT    /_sandbox/mcp-servers/{name}               MCPSettings → 204
//	POST   /_sandbox/mcp-servers/{name}/expire        → 204
//	POST   /_sandbox/mcp-servers/{name}/revoke        → 204
//	POST   /_sandbox/mcp-servers/{name}/clients       {"redirect_uris"} → 201 {"client_id","client_secret"}
//	POST   /_sandbox/unsplash-apps                    → 201 {"access_key"}
//	GET    /_sandbox/unsplash                         {"downloads":{"<photo>":<times>,…}}
//	PUT    /_sandbox/unsplash                         {"hourly_requests"} → 204
//	GET    /_sandbox/deliveries                       {"deliveries":[…]}, what was told to webhooks
//	POST   /_sandbox/deliveries/{id}/again            {"forged","late_seconds"} → {"status"}
//	       /_sandbox/whatsapp/…                       chats: routeWhatsAppControl; /_sandbox/slack/…: routeSlackControl
//
// What people do in Telegram is in telegram_control.go.
func (s *Sandbox) routeControl() {
	control, requests := http.NewServeMux(), []string{}
	handle := func(pattern string, handler http.HandlerFunc) {
		control.HandleFunc(pattern, handler)
		requests = append(requests, pattern)
	}
	s.mux.Handle("/_sandbox/", http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := control.Handler(r); pattern != "" {
			control.ServeHTTP(w, r)
			return
		}
		status := http.StatusNotFound
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := control.Handler(other); pattern != "" {
				status = http.StatusMethodNotAllowed
				w.Header().Add("Allow", method)
			}
		}
		writeJSON(w, status, map[string]any{"error": "there is no " + r.Method + " " + r.URL.Path, "requests": requests})
	})))
	handle("GET /_sandbox/published", s.getPublished)
	handle("POST /_sandbox/ghost-sites", s.postGhostSite)
	handle("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"faults": s.Faults()})
	})
	handle("POST /_sandbox/faults", s.postFault)
	handle("DELETE /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	handle("GET /_sandbox/counts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"counts": s.Counts()})
	})
	handle("GET /_sandbox/secrets", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"secrets": s.Secrets()})
	})
	handle("PUT /_sandbox/llm", func(w http.ResponseWriter, r *http.Request) {
		var settings LLMSettings
		if readJSON(w, r, &settings) {
			writeChanged(w, s.SetLLM(settings))
		}
	})
	handle("GET /_sandbox/llm", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.LLM()) })
	handle("DELETE /_sandbox/llm", func(w http.ResponseWriter, _ *http.Request) {
		s.ForgetLLM()
		w.WriteHeader(http.StatusNoContent)
	})
	s.routeWebhooks(handle)
	s.routeWhatsAppControl(handle)
	s.routeSlackControl(handle)
	handle("POST /_sandbox/oauth-apps", s.postOAuthApp)
	handle("PUT /_sandbox/oauth/{platform}", func(w http.ResponseWriter, r *http.Request) {
		var settings OAuthSettings
		if readJSON(w, r, &settings) {
			writeChanged(w, s.setOAuthSettings(r.PathValue("platform"), settings))
		}
	})
	handle("POST /_sandbox/oauth/{platform}/withdraw", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Person string `json:"person"`
		}
		if readJSON(w, r, &body) {
			writeChanged(w, s.withdraw(r.PathValue("platform"), body.Person))
		}
	})
	handle("POST /_sandbox/unsplash-apps", func(w http.ResponseWriter, _ *http.Request) {
		key, err := s.addUnsplashApp()
		writeMade(w, map[string]string{"access_key": key}, err)
	})
	handle("GET /_sandbox/unsplash", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"downloads": s.UnsplashDownloads()})
	})
	handle("PUT /_sandbox/unsplash", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			HourlyRequests int `json:"hourly_requests"`
		}
		if readJSON(w, r, &body) {
			writeChanged(w, s.SetUnsplashHourly(body.HourlyRequests))
		}
	})
	s.handleTelegram(handle)
	for _, path := range []string{"remove-page", "restore-page"} {
		handle("POST /_sandbox/oauth/{platform}/"+path, func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Page string `json:"page"`
			}
			if readJSON(w, r, &body) {
				writeChanged(w, s.setPage(r.PathValue("platform"), body.Page, path == "remove-page"))
			}
		})
	}
	handle("GET /_sandbox/mcp-servers", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"servers": s.mcpServers(baseURL(r))})
	})
	handle("POST /_sandbox/mcp-servers", s.postMCPServer)
	handle("PUT /_sandbox/mcp-servers/{name}", func(w http.ResponseWriter, r *http.Request) {
		var settings MCPSettings
		if readJSON(w, r, &settings) {
			writeChanged(w, s.setMCPSettings(r.PathValue("name"), settings))
		}
	})
	handle("POST /_sandbox/mcp-servers/{name}/expire", func(w http.ResponseWriter, r *http.Request) {
		writeChanged(w, s.changeMCP(r.PathValue("name"), s.expireMCP))
	})
	handle("POST /_sandbox/mcp-servers/{name}/revoke", func(w http.ResponseWriter, r *http.Request) {
		writeChanged(w, s.changeMCP(r.PathValue("name"), s.revokeMCP))
	})
	handle("POST /_sandbox/mcp-servers/{name}/clients", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			RedirectURIs []string `json:"redirect_uris"`
		}
		if !readJSON(w, r, &body) {
			return
		}
		client, err := s.addMCPClient(r.PathValue("name"), body.RedirectURIs)
		if err != nil {
			writeChanged(w, err)
			return
		}
		writeJSON(w, http.StatusCreated, map[string]string{"client_id": client.id, "client_secret": client.Secret})
	})
}

func (s *Sandbox) postMCPServer(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	token, err := s.addMCPServer(body.Name, body.Kind)
	writeMade(w, shownMCPServer{Name: body.Name, Kind: body.Kind, URL: baseURL(r) + "/mcp/" + body.Name, Token: token}, err)
}

func (s *Sandbox) postOAuthApp(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Platform     string   `json:"platform"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	app, err := s.addOAuthApp(body.Platform, body.RedirectURIs)
	if err != nil {
		writeChanged(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"client_id": app.ID, "client_secret": app.Secret})
}

// writeMade answers 201 with what was made, or says why it was not.
func writeMade(w http.ResponseWriter, made any, err error) {
	if err != nil {
		writeChanged(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, made)
}

// writeChanged answers 204, or says why a change was not made.
func writeChanged(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := http.StatusInternalServerError
	for _, known := range []error{errPlatform, errPerson, errPage, errRedirect, errInput, errMCPName, errMCPKind, errMCPServer} {
		if errors.Is(err, known) {
			status = http.StatusUnprocessableEntity
		}
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func (s *Sandbox) getPublished(w http.ResponseWriter, _ *http.Request) {
	posts := s.Published()
	writeJSON(w, http.StatusOK, map[string]any{"posts": posts, "doubles": doubles(posts)})
}

func (s *Sandbox) postGhostSite(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	key, err := s.addGhostSite(body.Name, body.Title)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, errSiteName) {
			status = http.StatusUnprocessableEntity
		}
		writeJSON(w, status, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{
		"site_url": baseURL(r) + ghostPath(body.Name), "admin_api_key": key,
	})
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	if !readJSON(w, r, &fault) {
		return
	}
	if err := s.AddFault(fault); err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// readJSON decodes a body, or answers 400 and gives false. A misspelt field is an error: a fault that
// silently matches everything would be a long search.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": explainJSON(err, into)})
		return false
	}
	return true
}

// explainJSON says what is wrong with a body that was to be decoded into a struct.
func explainJSON(err error, into any) string {
	var kind *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	fields, names := map[string]reflect.Type{}, []string{}
	for field := range reflect.TypeOf(into).Elem().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name], names = field.Type, append(names, name)
	}
	switch field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case unknown:
		return "there is no field " + field + "; the fields are " + strings.Join(names, ", ")
	case errors.As(err, &kind) && kind.Field != "":
		name, _, _ := strings.Cut(kind.Field, ".")
		return name + " must be " + kindName(fields[name])
	case errors.As(err, &kind):
		return "the body must be a JSON object"
	case errors.As(err, &tooLarge):
		return fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, io.EOF):
		return "the body is empty; it must be a JSON object"
	default:
		return "the body is not valid JSON"
	}
}

// kindName says what a field of a type must be.
func kindName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Pointer:
		return kindName(of.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		switch of.Elem().Kind() {
		case reflect.Int, reflect.Int64:
			return "a list of whole numbers"
		case reflect.Struct:
			return "a list of objects"
		}
		return "a list of strings"
	case reflect.Map:
		return "an object of strings"
	default:
		return "a string"
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// baseURL is the sandbox's address as the client of r sees it.
func baseURL(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host
}
