package sandbox

import (
	"io"
	"net/http"
	"strings"
)

// maxUpload bounds a request that carries a file, in bytes.
const maxUpload = 600 << 20

// apiEndpoint is one address of a platform's API, to which posts and files are sent with an access token.
type apiEndpoint struct {
	svc *oauthService
	// step names its requests, without the platform. Where stepOf is there, it gives the name, and steps are all of them.
	step   string
	steps  []string
	stepOf func(*apiRequest) string
	// maxBody bounds the body, in bytes; 0 is 1 MiB.
	maxBody int64
	// judge judges the request and carries it out. It runs with s.mu held, after the faults.
	judge func(*Sandbox, *oauthState, *apiRequest) answer
	// tooLarge answers a body that is larger than maxBody.
	tooLarge func() answer
	// refuse answers a Fault of kind FaultStatus.
	refuse func(Fault) answer
}

// apiRequest is a request to a platform's API.
type apiRequest struct {
	*http.Request
	body []byte
	base string
	// token is the bearer token, or that of the query or form, as the platform takes it.
	token string
	// person is whose the token is, "" where that is not known. Whether it is still good is for the endpoint to judge.
	person string
}

// apiHandler takes requests to the endpoint through faults and hooks like any other.
func (s *Sandbox) apiHandler(e apiEndpoint) http.HandlerFunc {
	if e.stepOf == nil {
		e.steps, e.stepOf = []string{e.step}, func(*apiRequest) string { return e.step }
	}
	for _, step := range e.steps {
		s.addStep(e.svc.platform, step)
	}
	if e.maxBody == 0 {
		e.maxBody = 1 << 20
	}
	return func(w http.ResponseWriter, r *http.Request) {
		req := &apiRequest{Request: r, base: baseURL(r), token: bearer(r, "Bearer", "OAuth")}
		if req.token == "" {
			req.token = r.URL.Query().Get("access_token")
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.maxBody))
		tooLarge := err != nil
		req.body = body
		s.mu.Lock()
		st := s.oauth(e.svc)
		if known := st.Tokens[req.token]; known != nil && st.Grants[known.Grant] != nil {
			req.person = st.Grants[known.Grant].Person
		}
		s.mu.Unlock()
		s.serve(w, r, exchange{
			info: RequestInfo{
				Platform: e.svc.platform, Account: req.person, Method: r.Method, Path: r.URL.Path,
				Step: e.svc.platform + "." + e.stepOf(req),
			},
			apply: func() answer {
				if tooLarge {
					return e.tooLarge()
				}
				return e.judge(s, s.oauth(e.svc), req)
			},
			refuse: e.refuse,
		})
	}
}

// readLimited reads a body of up to 1 MiB.
func readLimited(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
}

// isJSON tells whether the body says that it is JSON.
func (r *apiRequest) isJSON() bool {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}
