package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/httprc/v3/errsink"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/sync/singleflight"
)

const (
	// fetchTimeout and maxJWKSBytes bound one fetch of the JWKS.
	fetchTimeout = 5 * time.Second
	maxJWKSBytes = 1 << 20
	// startWait is how long New waits for the first keys. Fetching goes on afterwards.
	startWait = 500 * time.Millisecond
)

// pace says how often the JWKS is fetched. Tests have a faster one.
type pace struct {
	// shortest and longest bound what Cache-Control or Expires ask for. An issuer that sends neither,
	// as several do, is asked at the shortest; longest is how long a dropped key may go on working.
	shortest, longest time.Duration
	// miss is the least time between two fetches on account of tokens with unknown keys, from the
	// end of one to the start of the next. Forged key ids cannot make more.
	miss time.Duration
}

var defaultPace = pace{shortest: time.Minute, longest: 10 * time.Minute, miss: 5 * time.Second}

// issuerKeys are the keys at a JWKS URL. jwk.Cache fetches them regularly in the background and keeps
// the last good ones while the issuer cannot be reached.
type issuerKeys struct {
	url      string
	pace     pace
	allowed  []jwa.SignatureAlgorithm
	cache    *jwk.Cache
	resource *httprc.ResourceBase[jwk.Set]

	building sync.Mutex
	built    atomic.Pointer[builtKeys]

	refetching singleflight.Group
	// Written inside refetching only.
	lastMiss time.Time
	lastErr  error
}

// builtKeys is a fetched JWKS and what was made from it.
type builtKeys struct {
	source jwk.Set
	set    *keySet
}

// newIssuerKeys starts fetching, until ctx ends. An issuer that cannot be reached is not an error.
func newIssuerKeys(ctx context.Context, config Config, pace pace) (*issuerKeys, error) {
	sink := errsink.NewFunc(func(ctx context.Context, err error) {
		config.Logger.LogAttrs(ctx, slog.LevelWarn, "fetching the issuer's signing keys failed",
			slog.String("url", config.JWKSURL), slog.Any("error", err))
	})
	cache, err := jwk.NewCache(ctx, httprc.NewClient(httprc.WithWorkers(2), httprc.WithErrorSink(sink)))
	if err != nil {
		return nil, fmt.Errorf("start the JWKS cache: %w", err)
	}
	err = cache.Register(ctx, config.JWKSURL,
		jwk.WithHTTPClient(boundedClient(config.HTTPClient)),
		jwk.WithMaxFetchBodySize(maxJWKSBytes),
		jwk.WithIgnoreParseError(true),
		jwk.WithHttprcResourceOption(httprc.WithMinInterval(pace.shortest)),
		jwk.WithHttprcResourceOption(httprc.WithMaxInterval(pace.longest)),
		jwk.WithWaitReady(false))
	if err != nil {
		return nil, fmt.Errorf("register the JWKS URL: %w", err)
	}
	resource, err := cache.LookupResource(ctx, config.JWKSURL)
	if err != nil {
		return nil, fmt.Errorf("look up the JWKS URL: %w", err)
	}
	wait, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	_ = resource.Ready(wait) // Verify tries again and says so if there are still none
	return &issuerKeys{url: config.JWKSURL, pace: pace, allowed: config.Algorithms, cache: cache, resource: resource}, nil
}

// boundedClient is a copy of the client with the package's limits.
func boundedClient(client *http.Client) *http.Client {
	bounded := jwk.WrapHTTPClientDefaults(client)
	if client.Timeout <= 0 || client.Timeout > fetchTimeout {
		bounded.Timeout = fetchTimeout
	}
	return bounded
}

// current gives the keys fetched last, nil before the first success. It never waits for the network.
func (k *issuerKeys) current() *keySet {
	source := k.resource.Resource()
	if source == nil {
		return nil
	}
	if last := k.built.Load(); last != nil && last.source == source {
		return last.set
	}
	k.building.Lock()
	defer k.building.Unlock()
	last := k.built.Load()
	if last != nil && last.source == source {
		return last.set
	}
	set := newKeySet(source, k.allowed)
	if last != nil && set.equal(last.set) {
		set = last.set // and with it the verified tokens, which forged key ids could else make us forget
	}
	k.built.Store(&builtKeys{source, set})
	return set
}

// refetch fetches the keys now, unless that was done a moment ago. Callers at the same time share one
// fetch, which goes on when a caller gives up. The error matters only when there are no keys at all.
func (k *issuerKeys) refetch(ctx context.Context) (*keySet, error) {
	done := k.refetching.DoChan("", func() (any, error) {
		if time.Since(k.lastMiss) < k.pace.miss {
			return nil, k.lastErr
		}
		fetch, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout+time.Second)
		defer cancel()
		_, k.lastErr = k.cache.Refresh(fetch, k.url)
		k.lastMiss = time.Now()
		return nil, k.lastErr
	})
	var err error
	select {
	case result := <-done:
		err = result.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	set := k.current()
	if set == nil && err == nil {
		err = errors.New("no keys yet")
	}
	return set, err
}
