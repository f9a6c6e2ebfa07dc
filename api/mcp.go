package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fanfare/internal/inprocess"
	"fanfare/internal/mcpserver"
)

// mcpPath is where agents reach Fanfare with the Model Context Protocol.
const mcpPath = "/mcp"

// resourceMetadata is where an OAuth client learns who signs people in (RFC 9728): in front of the path of what it wants to reach.
const resourceMetadata = "/.well-known/oauth-protected-resource"

// mcpServer is the way to the MCP server, besides everything else: whoever calls is known before anything is read, and what they
// send is of one form and of one length at most. next answers the other paths.
func (a *API) mcpServer(all func() http.Handler, next http.Handler) http.Handler {
	document := a.huma.OpenAPI()
	longest := mcpserver.LongestTool(document)
	// The operations are called through the whole of the handler, which this one is a part of.
	operations := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { all().ServeHTTP(w, r) })
	server := mcpserver.New(mcpserver.Config{API: operations, Document: document, Version: Version, Log: a.log})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case mcpPath:
		case resourceMetadata, resourceMetadata + mcpPath:
			a.describeResource(w, r)
			return
		default:
			next.ServeHTTP(w, r)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !a.ownOrigin(origin) {
			a.write(w, r, problem(http.StatusForbidden, "Pages of other sites cannot use this. Connect from a program."))
			return
		}
		caller, answered := a.mcpCaller(w, r, operations)
		if answered {
			return
		}
		body, p := mcpBody(w, r)
		if p != nil {
			if p.Status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", http.MethodPost)
			}
			a.write(w, r, p)
			return
		}
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(longest + time.Minute)) // where it cannot be set, the server's own holds
		r = r.WithContext(mcpserver.With(r.Context(), caller))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		server.ServeHTTP(w, r)
	})
}

// mcpForwarded are the headers of a request to the MCP server that the operations see which it calls.
var mcpForwarded = []string{"Authorization", keyHeader, forwardedFor, reasonHeader}

// mcpCaller finds out who sends a request, by asking the operation that says so: a credential that is not good, or one too many, is
// refused and counted there as everywhere.
func (a *API) mcpCaller(w http.ResponseWriter, r *http.Request, operations http.Handler) (caller mcpserver.Caller, answered bool) {
	header := http.Header{"X-Request-Id": {requestID(r.Context())}, "User-Agent": {strings.TrimSpace("fanfare-mcp " + r.UserAgent())}}
	for _, name := range mcpForwarded {
		if values := r.Header.Values(name); len(values) > 0 {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	answer, err := inprocess.Do(r.Context(), operations,
		inprocess.Call{Method: http.MethodGet, Path: "/v1/access", Header: header, RemoteAddr: r.RemoteAddr}, &caller)
	caller.Header, caller.RemoteAddr = header, r.RemoteAddr
	var refused *inprocess.Problem
	switch {
	case err == nil:
		return caller, false
	case errors.As(err, &refused):
		maps.Copy(w.Header(), answer.Header)
		if answer.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", a.whoSignsIn(header.Get("Authorization") != "" || header.Get(keyHeader) != ""))
		}
		w.WriteHeader(answer.Status)
		if _, err := w.Write(answer.Body); err != nil {
			a.log.DebugContext(r.Context(), "answer was not written", "error", err)
		}
	default:
		a.write(w, r, a.explain(r.Context(), err))
	}
	return caller, true
}

// whoSignsIn tells whoever has no good credential how to get one.
func (a *API) whoSignsIn(sent bool) string {
	if a.APIURL == "" {
		return `Bearer realm="fanfare"`
	}
	challenge := `Bearer resource_metadata="` + a.APIURL + resourceMetadata + mcpPath + `"`
	if sent {
		challenge += `, error="invalid_token"`
	}
	return challenge
}

// ownOrigin tells whether a page is one of Fanfare's own. Any other has no business here, also where its name has been made to lead to
// this address (DNS rebinding).
func (a *API) ownOrigin(origin string) bool {
	for _, address := range []string{a.APIURL, a.PublicURL} {
		if own, err := url.Parse(address); err == nil && own.Host != "" && strings.EqualFold(origin, own.Scheme+"://"+own.Host) {
			return true
		}
	}
	return false
}

// mcpBody reads the message, which is one.
func mcpBody(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if r.Method != http.MethodPost {
		return nil, problem(http.StatusMethodNotAllowed, "Messages are sent by POST. There are no sessions here, so there is nothing to listen to and nothing to end.")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, problem(http.StatusUnsupportedMediaType, "The request body must be application/json.")
	}
	tooLarge := problem(http.StatusRequestEntityTooLarge, "The message is too large: it may have 1 MB. Files are uploaded to the API itself.")
	if r.ContentLength > mcpserver.MaxBody {
		return nil, tooLarge
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(requestTimeout)) // where it cannot be set, nothing is slow either
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mcpserver.MaxBody))
	_ = control.SetReadDeadline(time.Time{}) // else the connection seems to break when it is over
	var large *http.MaxBytesError
	var network interface{ Timeout() bool }
	switch {
	case errors.As(err, &large):
		return nil, tooLarge
	case errors.As(err, &network) && network.Timeout():
		return nil, problem(http.StatusRequestTimeout, "The request body did not arrive in time.")
	case err != nil:
		return nil, problem(http.StatusBadRequest, "The request body could not be read to its end.")
	case bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")):
		return nil, problem(http.StatusBadRequest, "Send one message at a time: batches are not part of the protocol any more.")
	}
	return body, nil
}

// protectedResource is the metadata of RFC 9728.
type protectedResource struct {
	Resource               string   `json:"resource"`
	ResourceName           string   `json:"resource_name"`
	ResourceDocumentation  string   `json:"resource_documentation"`
	AuthorizationServers   []string `json:"authorization_servers,omitempty"`
	ScopesSupported        []string `json:"scopes_supported"`
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
}

// describeResource tells OAuth clients where people sign in.
func (a *API) describeResource(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		a.write(w, r, problem(http.StatusMethodNotAllowed, "This path does not know this method; see the Allow header."))
		return
	}
	if a.APIURL == "" {
		a.write(w, r, problem(http.StatusNotFound, "The public address of this API is not configured (FANFARE_API_URL), so it cannot describe itself."))
		return
	}
	document := protectedResource{
		Resource: a.APIURL + strings.TrimPrefix(r.URL.Path, resourceMetadata), ResourceName: "Fanfare", ResourceDocumentation: a.APIURL + "/docs",
		// What people may do is their role, and not what a token says; their address is how they are recognised.
		ScopesSupported: []string{"openid", "email"}, BearerMethodsSupported: []string{"header"},
	}
	if issuer, err := url.Parse(a.Issuer); err == nil && (issuer.Scheme == "https" || issuer.Scheme == "http") && issuer.Host != "" {
		document.AuthorizationServers = []string{a.Issuer}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Access-Control-Allow-Origin", "*") // it is public
	if err := json.NewEncoder(w).Encode(document); err != nil {
		a.log.DebugContext(r.Context(), "answer was not written", "error", err)
	}
}
