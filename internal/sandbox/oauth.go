package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxOAuthBody bounds the body of a request to an OAuth server, in bytes.
	maxOAuthBody = 1 << 20
	// forgetAfter is how long codes and tokens are remembered after their end, so that their use can be refused by name.
	forgetAfter = time.Hour
	// forgetGrantAfter is the same for grants that were ended.
	forgetGrantAfter = 24 * time.Hour
	// maxRetired bounds the replaced refresh tokens that are remembered of a grant.
	maxRetired = 64
)

// oauthService is what makes one platform's OAuth server differ from the others'.
type oauthService struct {
	platform string
	title    string // as people know it
	people   []oauthPerson
	// scopes are those that the platform knows; nil means that it has none.
	scopes []string
	// optionalScopes lets people decline some of what is asked for.
	optionalScopes                    bool
	codeLife, accessLife, refreshLife time.Duration // accessLife 0 is for ever
	codePrefix                        string
	accessPrefix, refreshPrefix       string
	// checkAuthorize judges a request whose client and redirect are right.
	checkAuthorize func(authorizeRequest) *authorizeError
	// denied is the query with which the browser returns after Deny.
	denied func(person string) url.Values
	// fragment is appended to every redirect.
	fragment string
}

// oauthPerson is somebody with an account at a platform.
type oauthPerson struct {
	ID, Name string
	Handle   string // user name, without @
	DC       string // mailchimp: the data centre
	Pages    []oauthPage
}

// oauthPage is what a person administers: a Facebook page, a LinkedIn organization, a Mailchimp list.
type oauthPage struct {
	ID, Name, Handle string
}

// oauthServices are the platforms with OAuth.
var oauthServices = []*oauthService{twitterService, linkedinService, facebookService, mailchimpService}

func oauthServiceOf(platform string) *oauthService {
	for _, service := range oauthServices {
		if service.platform == platform {
			return service
		}
	}
	return nil
}

func (svc *oauthService) person(id string) *oauthPerson {
	for i := range svc.people {
		if svc.people[i].ID == id {
			return &svc.people[i]
		}
	}
	return nil
}

// oauthState is what a platform's OAuth server remembers. Codes and tokens are the keys of their maps.
type oauthState struct {
	App      *oauthApp              `json:"app,omitempty"`
	Settings OAuthSettings          `json:"settings,omitzero"`
	Grants   map[string]*oauthGrant `json:"grants,omitempty"`
	Codes    map[string]*oauthCode  `json:"codes,omitempty"`
	Tokens   map[string]*oauthToken `json:"tokens,omitempty"`
	// Lost are the pages that were taken away from their people.
	Lost []string `json:"lost,omitempty"`
}

type oauthApp struct {
	ID           string   `json:"id"`
	Secret       string   `json:"secret"`
	RedirectURIs []string `json:"redirect_uris"`
}

// oauthGrant is what one person allowed at one time.
type oauthGrant struct {
	Person string    `json:"person"`
	Client string    `json:"client,omitempty"` // mcp: the client that it was given to
	Scopes []string  `json:"scopes,omitempty"`
	Denied []string  `json:"denied,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
	// Access and Refresh are the newest tokens.
	Access  string `json:"access,omitempty"`
	Refresh string `json:"refresh,omitempty"`
	// Previous is the refresh token that the newest were made from, for as long as they are unused.
	Previous string `json:"previous,omitempty"`
	// Retired are refresh tokens that were replaced, the oldest first.
	Retired []string `json:"retired,omitempty"`
}

type oauthCode struct {
	Person    string    `json:"person"`
	Client    string    `json:"client,omitempty"` // mcp: the client that it was given to
	Scopes    []string  `json:"scopes,omitempty"`
	Denied    []string  `json:"denied,omitempty"`
	Redirect  string    `json:"redirect"`
	Challenge string    `json:"challenge,omitempty"`
	Ends      time.Time `json:"ends"`
	Grant     string    `json:"grant,omitempty"` // "" until it is used
}

// The kinds of oauthToken.
const (
	accessToken  = "access"
	refreshToken = "refresh"
	pageToken    = "page"
)

type oauthToken struct {
	Kind  string    `json:"kind"`
	Grant string    `json:"grant"`
	Ends  time.Time `json:"ends,omitzero"` // zero: never
	Page  string    `json:"page,omitempty"`
	Long  bool      `json:"long,omitempty"` // facebook: long-lived
}

func (g *oauthGrant) allows(scope string) bool { return slices.Contains(g.Scopes, scope) }

// oauth gives the state of a platform. The caller holds s.mu.
func (s *Sandbox) oauth(svc *oauthService) *oauthState {
	state := s.state.OAuth[svc.platform]
	if state == nil {
		state = &oauthState{}
		s.state.OAuth[svc.platform] = state
	}
	state.fill()
	return state
}

// fill makes the maps that are missing.
func (st *oauthState) fill() {
	if st.Grants == nil {
		st.Grants = map[string]*oauthGrant{}
	}
	if st.Codes == nil {
		st.Codes = map[string]*oauthCode{}
	}
	if st.Tokens == nil {
		st.Tokens = map[string]*oauthToken{}
	}
}

// issue makes a code or token. The caller holds s.mu.
func (s *Sandbox) issue(prefix string) string { return s.noteSecret(prefix + randomHex(20)) }

// issueHex makes a secret of that many bytes. The caller holds s.mu.
func (s *Sandbox) issueHex(bytes int) string { return s.noteSecret(randomHex(bytes)) }

// noteSecret keeps a secret for Secrets.
func (s *Sandbox) noteSecret(secret string) string {
	s.secrets = append(s.secrets, secret)
	return secret
}

// oauthRequest is a request to an OAuth server or to the API behind it.
type oauthRequest struct {
	*http.Request
	svc    *oauthService
	form   oauthForm // the body's
	query  oauthForm
	base   string
	person string // whom the token, code or form is about, if that is known
}

// oauthForm has the parameters of a query or a form, each once.
type oauthForm map[string]string

var errRepeated = errors.New("is given more than once")

// parseForm reads parameters. RFC 6749 forbids to repeat one, except those named.
func parseForm(encoded string, repeatable ...string) (oauthForm, error) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, errors.New("the parameters are not form-encoded")
	}
	form := oauthForm{}
	for name, all := range values {
		if len(all) > 1 && !slices.Contains(repeatable, name) {
			return nil, fmt.Errorf("%q %w", name, errRepeated)
		}
		form[name] = strings.Join(all, " ")
	}
	return form, nil
}

// oauthEndpoint is one address of an OAuth server or of the API behind it.
type oauthEndpoint struct {
	svc  *oauthService
	step oauthStep
	// judge judges the request and carries it out. It runs with s.mu held.
	judge func(*Sandbox, *oauthState, *oauthRequest) answer
	// invalid answers parameters that cannot be read.
	invalid func(message string) answer
	// refuse answers a Fault of kind FaultStatus.
	refuse func(Fault) answer
}

// oauthStep names requests, before anything is judged, without the platform.
type oauthStep struct {
	// names are all that of can give.
	names []string
	// of runs with s.mu held.
	of func(*oauthState, *oauthRequest) string
}

func always(step string) oauthStep {
	return oauthStep{names: []string{step}, of: func(*oauthState, *oauthRequest) string { return step }}
}

// formType is the media type of a form.
const formType = "application/x-www-form-urlencoded"

// handler takes requests to the endpoint through faults and hooks like any other.
func (s *Sandbox) oauthHandler(e oauthEndpoint) http.HandlerFunc {
	for _, name := range e.step.names {
		s.addStep(e.svc.platform, name)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		req := &oauthRequest{Request: r, svc: e.svc, base: baseURL(r)}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOAuthBody))
		if err != nil {
			e.invalid("The body is too large.").write(w)
			return
		}
		var invalid string
		if req.query, err = parseForm(r.URL.RawQuery); err != nil {
			invalid = err.Error()
		}
		mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if len(body) > 0 && !strings.EqualFold(strings.TrimSpace(mediaType), formType) {
			invalid = "The body must be " + formType + "."
		} else if req.form, err = parseForm(string(body), "decline"); err != nil {
			invalid = err.Error()
		}
		s.mu.Lock()
		step := e.svc.platform + "." + e.step.of(s.oauth(e.svc), req)
		req.person = s.oauth(e.svc).about(req)
		s.mu.Unlock()
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: e.svc.platform, Account: req.person, Method: r.Method, Path: r.URL.Path, Step: step},
			apply: func() answer {
				if invalid != "" {
					return e.invalid(invalid)
				}
				st := s.oauth(e.svc)
				st.forget(s.now())
				return e.judge(s, st, req)
			},
			refuse: e.refuse,
		})
	}
}

// about finds whom a request is about.
func (st *oauthState) about(r *oauthRequest) string {
	for _, token := range []string{
		bearer(r.Request, "Bearer", "OAuth"), r.query["access_token"], r.form["access_token"],
		r.form["refresh_token"], r.form["token"], r.form["fb_exchange_token"], r.query["fb_exchange_token"],
	} {
		if known := st.Tokens[token]; known != nil && st.Grants[known.Grant] != nil {
			return st.Grants[known.Grant].Person
		}
	}
	for _, code := range []string{r.form["code"], r.query["code"]} {
		if known := st.Codes[code]; known != nil {
			return known.Person
		}
	}
	return r.form["person"]
}

// bearer gives the token of the Authorization header if it has one of the schemes.
func bearer(r *http.Request, schemes ...string) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if slices.ContainsFunc(schemes, func(known string) bool { return strings.EqualFold(known, scheme) }) {
		return strings.TrimSpace(token)
	}
	return ""
}

// client says whether an id and a secret are the application's.
func (st *oauthState) client(id, secret string) bool {
	return st.App != nil && id == st.App.ID && subtle.ConstantTimeCompare([]byte(secret), []byte(st.App.Secret)) == 1
}

// codeProblem says why a code is not redeemed.
type codeProblem int

const (
	codeGood codeProblem = iota
	codeUnknown
	codeUsed
	codeExpired
	codeRedirect
	codeVerifier
)

// redeem makes a grant of a code. A code whose redirect or verifier is wrong is not consumed; one that is used again
// ends the grant that was made of it.
func (s *Sandbox) redeem(st *oauthState, code, redirect, verifier string) (grantID string, problem codeProblem) {
	now := s.now()
	known := st.Codes[code]
	switch {
	case known == nil:
		return "", codeUnknown
	case known.Grant != "":
		st.end(known.Grant, now)
		return "", codeUsed
	case !now.Before(known.Ends):
		return "", codeExpired
	case known.Redirect != redirect:
		return "", codeRedirect
	case known.Challenge != "" && !verifies(known.Challenge, verifier):
		return "", codeVerifier
	}
	known.Grant = randomHex(6)
	st.Grants[known.Grant] = &oauthGrant{Person: known.Person, Client: known.Client, Scopes: known.Scopes, Denied: known.Denied}
	return known.Grant, codeGood
}

// verifies checks a PKCE verifier (RFC 7636, S256).
func verifies(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// seconds is a life: the setting's, or else the platform's own.
func seconds(setting int, own time.Duration) time.Duration {
	if setting > 0 {
		return time.Duration(setting) * time.Second
	}
	return own
}

// addToken issues a token of a grant that lives so long; 0 is for ever.
func (s *Sandbox) addToken(st *oauthState, prefix, grantID string, life time.Duration, token oauthToken) string {
	token.Grant = grantID
	if life > 0 {
		token.Ends = s.now().Add(life)
	}
	secret := s.issue(prefix)
	st.Tokens[secret] = &token
	return secret
}

// tokenProblem says why a token is not accepted.
type tokenProblem int

const (
	tokenGood tokenProblem = iota
	tokenUnknown
	tokenRevoked
	tokenExpired
)

// token finds a token of one of the kinds, with its grant.
func (s *Sandbox) token(st *oauthState, secret string, kinds ...string) (*oauthToken, *oauthGrant, tokenProblem) {
	token := st.Tokens[secret]
	if token == nil || !slices.Contains(kinds, token.Kind) {
		return nil, nil, tokenUnknown
	}
	grant := st.Grants[token.Grant]
	switch {
	case grant == nil:
		return nil, nil, tokenUnknown
	case !grant.Ended.IsZero():
		return nil, nil, tokenRevoked
	case !token.Ends.IsZero() && !s.now().Before(token.Ends):
		return nil, nil, tokenExpired
	}
	return token, grant, tokenGood
}

// end ends a grant with all its tokens.
func (st *oauthState) end(grantID string, now time.Time) {
	if grant := st.Grants[grantID]; grant != nil && grant.Ended.IsZero() {
		grant.Ended = now
	}
}

// endPerson ends every grant of a person, and the codes that could still become one.
func (st *oauthState) endPerson(person string, now time.Time) {
	for id, grant := range st.Grants {
		if grant.Person == person {
			st.end(id, now)
		}
	}
	maps.DeleteFunc(st.Codes, func(_ string, code *oauthCode) bool { return code.Person == person && code.Grant == "" })
}

// forget drops what has ended long ago.
func (st *oauthState) forget(now time.Time) {
	long := func(ends time.Time) bool { return !ends.IsZero() && now.After(ends.Add(forgetAfter)) }
	maps.DeleteFunc(st.Codes, func(_ string, code *oauthCode) bool { return long(code.Ends) })
	maps.DeleteFunc(st.Grants, func(_ string, grant *oauthGrant) bool {
		return !grant.Ended.IsZero() && now.After(grant.Ended.Add(forgetGrantAfter))
	})
	alive := map[string]bool{}
	maps.DeleteFunc(st.Tokens, func(_ string, token *oauthToken) bool {
		if st.Grants[token.Grant] == nil || long(token.Ends) {
			return true
		}
		alive[token.Grant] = true
		return false
	})
	maps.DeleteFunc(st.Grants, func(id string, _ *oauthGrant) bool { return !alive[id] })
}

// pages are the pages that a person administers now.
func (st *oauthState) pages(person *oauthPerson) []oauthPage {
	pages := []oauthPage{}
	for _, page := range person.Pages {
		if !slices.Contains(st.Lost, page.ID) {
			pages = append(pages, page)
		}
	}
	return pages
}

// jsonAnswer is an answer of the given media type that nobody may keep.
func jsonAnswer(status int, mediaType string, body any) answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps of plain values only
	}
	return answer{status: status, body: encoded, header: http.Header{
		"Content-Type": {mediaType}, "Cache-Control": {"no-store"},
	}}
}

// tokenError is an error of a token endpoint as RFC 6749 has it.
func tokenError(status int, code, description string) answer {
	return jsonAnswer(status, "application/json; charset=utf-8", map[string]string{"error": code, "error_description": description})
}

// tokenFault answers a Fault of kind FaultStatus the way token endpoints fail with that status.
func tokenFault(f Fault) answer {
	code := f.ErrorType
	switch {
	case code != "":
	case f.Status == http.StatusUnauthorized:
		code = "invalid_client"
	case f.Status == http.StatusTooManyRequests, f.Status == http.StatusServiceUnavailable:
		code = "temporarily_unavailable"
	case f.Status >= http.StatusInternalServerError:
		code = "server_error"
	default:
		code = "invalid_request"
	}
	return f.dress(tokenError(f.Status, code, "Ordered by a sandbox fault."))
}

// words splits a list of scopes.
func words(list, separators string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(separators, r) })
}
