package e2e

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/db/dbtest"
	"fanfare/internal/identity"
	"fanfare/internal/sandbox"
)

const (
	issuer   = "https://issuer.example.test/"
	audience = "fanfare-e2e"
)

// issuerServer is an identity provider: it signs tokens and publishes its keys, which it can replace.
type issuerServer struct {
	url string

	mu     sync.Mutex
	signer *identity.Signer
	keys   []*identity.Signer // published, the newest last

	own jwk.Key // published too: the test signs with it what the others refuse to sign
}

func newIssuer(t testing.TB) *issuerServer {
	t.Helper()
	s := &issuerServer{own: newKey(t)}
	s.rotate(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		set := jwk.NewSet()
		for _, signer := range s.keys {
			key, _ := signer.KeySet().Key(0)
			if err := set.AddKey(key); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		public, err := s.own.PublicKey()
		if err == nil {
			err = set.AddKey(public)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(set) // the client hears of it
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// rotate makes a new key, signs with it from now on, and publishes it beside the one before.
func (s *issuerServer) rotate(t testing.TB) {
	t.Helper()
	signer, err := identity.NewDevelopmentKey()
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signer = signer
	if s.keys = append(s.keys, signer); len(s.keys) > 2 {
		s.keys = s.keys[1:]
	}
}

// token is one of a person with the given name.
func (s *issuerServer) token(t testing.TB, name string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := s.signer.Sign(identity.Claims{
		Issuer: issuer, Audience: audience, Subject: "e2e|" + name, Email: name + "@example.com", EmailVerified: true, Name: name,
	}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// newKey makes a private key that is called own.
func newKey(t testing.TB) jwk.Key {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(key.Set(jwk.KeyIDKey, "own"), key.Set(jwk.AlgorithmKey, jwa.ES256())); err != nil {
		t.Fatal(err)
	}
	return key
}

// signed makes a token of a person in which anything can be wrong.
func signed(t testing.TB, key jwk.Key, subject string, change func(*jwt.Builder)) string {
	t.Helper()
	builder := jwt.NewBuilder().Issuer(issuer).Audience([]string{audience}).Subject(subject).IssuedAt(time.Now().Add(-2 * time.Hour)).Expiration(time.Now().Add(time.Hour))
	change(builder)
	token, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// options say what a system is made of. The zero value is an API and one worker on a fresh database.
type options struct {
	noWorker bool
	// backups: files are backed up.
	backups bool
	// connectors: the installation has an application at each platform of the sandbox.
	connectors bool
	// workerArgs are given to every worker.
	workerArgs []string
	// env are more settings of every process, boxEnv those that name what is in the sandbox.
	env    []string
	boxEnv func(*system) []string
	// superURL, loginURL and workerURL name a database in place of a fresh one.
	superURL, loginURL, workerURL string
}

// system is an installation: an API, any number of workers, the sandbox and an identity provider.
type system struct {
	super  *pgxpool.Pool
	issuer *issuerServer
	box    *sandbox.Sandbox
	boxURL string
	bucket string // its directory
	// workspaces and backups are the directories of the workspaces' files and of the bucket of backups.
	workspaces, backups string
	env                 []string
	keyset              string // the file of the key set
	opts                options
	// landing is a page to which browsers may be sent back, where there are connectors; defaultReturn is where they are
	// sent that nobody can tell of.
	landing, defaultReturn string

	serve   *process
	addr    string // of the API; the same when it is started again
	workers atomic.Int64

	checksums sync.Map // statements of checksum
}

func newSystem(t testing.TB, opts options) *system {
	t.Helper()
	if opts.superURL == "" {
		db := dbtest.New(t)
		opts.superURL, opts.loginURL, opts.workerURL = db.SuperURL, db.LoginURL, db.WorkerURL
	}
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Registered before the processes, so closed after they are gone.
	boxServer := httptest.NewServer(box.Handler())
	t.Cleanup(boxServer.Close)
	s := &system{super: dbtest.OpenPool(t, opts.superURL), issuer: newIssuer(t), box: box, boxURL: boxServer.URL, opts: opts, bucket: t.TempDir(), workspaces: t.TempDir(), backups: t.TempDir()}
	s.keyset = filepath.Join(t.TempDir(), "keyset.json")
	const apiURL = "http://127.0.0.1:1" // to which no browser comes here
	clientID, clientSecret := box.AddOAuthApp("twitter", apiURL+"/v1/oauth/twitter/callback")
	s.env = []string{
		"FANFARE_KEYSET=" + s.keyset,
		"FANFARE_JWT_ISSUER=" + issuer, "FANFARE_JWT_AUDIENCE=" + audience, "FANFARE_JWT_JWKS_URL=" + s.issuer.url,
		"FANFARE_EGRESS_ALLOW=127.0.0.0/8", "FANFARE_BUCKET=file://" + s.bucket, "FANFARE_WORKSPACES=" + s.workspaces,
		"FANFARE_API_URL=" + apiURL, "FANFARE_TWITTER_CLIENT_ID=" + clientID, "FANFARE_TWITTER_CLIENT_SECRET=" + clientSecret,
		"FANFARE_TWITTER_SITE_URL=" + s.boxURL + "/twitter", "FANFARE_TWITTER_API_URL=" + s.boxURL + "/twitter-api",
		"FANFARE_UNSPLASH_ACCESS_KEY=" + box.AddUnsplashApp(), "FANFARE_UNSPLASH_URL=" + s.boxURL + "/unsplash",
		"DATABASE_URL=" + opts.loginURL, "WORKER_DATABASE_URL=" + opts.workerURL,
		"FANFARE_LLM_PROVIDER=openai", "FANFARE_LLM_API_KEY=" + sandbox.LLMKey, "FANFARE_LLM_MODEL=gpt-5.4-mini", "FANFARE_LLM_BASE_URL=" + s.boxURL + "/openai/v1",
		// Small pools: every test has a system of its own on one server.
		"FANFARE_DATABASE_POOL=10",
		// Clients come through a proxy on loopback, each from an address of its own.
		"FANFARE_TRUSTED_PROXIES=127.0.0.0/8",
	}
	if opts.backups {
		s.env = append(s.env, "FANFARE_BACKUP_BUCKET=file://"+s.backups)
	}
	if opts.connectors {
		s.addConnectors(t)
	}
	s.env = append(s.env, opts.env...)
	if opts.boxEnv != nil {
		s.env = append(s.env, opts.boxEnv(s)...)
	}
	command(t, s.env, "keys", "create")
	s.startServe(t)
	if !opts.noWorker {
		s.startWorker(t)
	}
	return s
}

// addConnectors registers the installation at the sandbox's platforms. The redirect addresses hold the API's own, so
// that one is chosen now.
func (s *system) addConnectors(t testing.TB) {
	t.Helper()
	s.addr = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	api := "http://" + s.addr
	s.landing, s.defaultReturn = landing(t), api+"/connect/result"
	s.env = append(s.env, "FANFARE_API_URL="+api, "FANFARE_RETURN_URLS="+s.landing,
		"FANFARE_TWITTER_SITE_URL="+s.boxURL+"/twitter", "FANFARE_TWITTER_API_URL="+s.boxURL+"/twitter-api",
		"FANFARE_LINKEDIN_SITE_URL="+s.boxURL+"/linkedin", "FANFARE_LINKEDIN_API_URL="+s.boxURL+"/linkedin-api", "FANFARE_LINKEDIN_PAGES=true",
		"FANFARE_FACEBOOK_SITE_URL="+s.boxURL+"/facebook", "FANFARE_FACEBOOK_GRAPH_URL="+s.boxURL+"/facebook-graph",
		"FANFARE_MAILCHIMP_LOGIN_URL="+s.boxURL+"/mailchimp-login", "FANFARE_MAILCHIMP_API_URL="+s.boxURL+"/mailchimp-api/{dc}")
	for _, platform := range []string{"twitter", "linkedin", "facebook", "mailchimp"} {
		id, secret := s.box.AddOAuthApp(platform, api+"/v1/oauth/"+platform+"/callback")
		name := "FANFARE_" + strings.ToUpper(platform)
		s.env = append(s.env, name+"_CLIENT_ID="+id, name+"_CLIENT_SECRET="+secret)
	}
}

// startServe starts the API, at the address that it had before if it had one.
func (s *system) startServe(t testing.TB) {
	t.Helper()
	s.serve = start(t, "serve", append([]string{"FANFARE_ADDR=" + cmp.Or(s.addr, "127.0.0.1:0")}, s.env...), "serve")
	s.addr = s.serve.message(t, "listening")["addr"].(string)
}

// startAnotherServe starts an API beside the one that is there, and gives its address.
func (s *system) startAnotherServe(t testing.TB) (addr string) {
	t.Helper()
	p := start(t, "serve "+strconv.FormatInt(names.Add(1), 10), append([]string{"FANFARE_ADDR=127.0.0.1:0"}, s.env...), "serve")
	return p.message(t, "listening")["addr"].(string)
}

// startWorker starts a worker and waits until it works.
func (s *system) startWorker(t testing.TB, args ...string) *process {
	t.Helper()
	p := s.launchWorker(t, args...)
	p.message(t, "worker is working")
	return p
}

// launchWorker starts a worker.
func (s *system) launchWorker(t testing.TB, args ...string) *process {
	t.Helper()
	arguments := append(append([]string{"worker"}, s.opts.workerArgs...), args...)
	return start(t, "worker "+string('0'+rune(s.workers.Add(1)%10)), s.env, arguments...)
}

// site makes a Ghost site in the sandbox and gives its address and key.
func (s *system) site(name string) (siteURL, key string) {
	return s.boxURL + "/ghost-sites/" + name, s.box.AddGhostSite(name, "Site "+name)
}

// times is how often something with the title was published on a site.
func (s *system) times(site, title string) int { return s.box.TimesPublished("ghost", site, title) }

// fault orders a fault for one site.
func (s *system) fault(t testing.TB, site string, f sandbox.Fault) {
	t.Helper()
	f.PathContains = "/ghost-sites/" + site + "/"
	if err := s.box.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

// one reads a single value as a superuser.
func one[T any](t testing.TB, s *system, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := s.super.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// checkSettled expects that nothing is left under way: every attempt has an end and no job runs or waits.
func (s *system) checkSettled(t testing.TB) {
	t.Helper()
	// River notes the end of a job a moment after the job has noted the post's. The end of a pairing's time is yet to come.
	const left = "from river.river_job where state not in ('completed', 'cancelled', 'discarded') and kind <> 'expire_pairing'"
	settled := false
	defer func() {
		if !settled {
			t.Errorf("left: %s", one[string](t, s, "select coalesce(string_agg(jsonb_build_array(id, kind, state, attempt, scheduled_at, attempted_at, attempted_by, metadata)::text, ', '), 'nothing') "+left))
		}
	}()
	eventually(t, 20*time.Second, "no job is left", func() bool { return one[int](t, s, "select count(*) "+left) == 0 })
	settled = true
	if n := one[int](t, s, "select count(*) from publish_attempts where finished_at is null"); n != 0 {
		t.Errorf("%d attempts have no end", n)
	}
	if n := one[int](t, s, "select count(*) from river.river_job where state = 'discarded'"); n != 0 {
		t.Errorf("%d jobs were given up", n)
	}
	if doubles := s.box.Doubles(); len(doubles) != 0 {
		t.Errorf("published more than once: %+v", doubles)
	}
}

// visible tells whether readers find the title at the address.
func visible(t testing.TB, url, title string) bool {
	t.Helper()
	status, body := fetch(t, url)
	return status == http.StatusOK && strings.Contains(body, title)
}
