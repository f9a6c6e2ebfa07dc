package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The kinds of Fault.
const (
	// FaultSlow waits DelayMS before the request is applied. When the client gives up first, it is not
	// applied.
	FaultSlow = "slow"
	// FaultDropBefore closes the connection without applying the request.
	FaultDropBefore = "drop_before"
	// FaultDropAfter applies the request, waits DelayMS, and closes the connection without an answer.
	FaultDropAfter = "drop_after"
	// FaultStatus answers with Status without applying the request.
	FaultStatus = "status"
	// FaultBody answers 200 with Body without applying the request, as when something else answers in
	// the service's place.
	FaultBody = "body"
)

// maxFaultBody bounds BodyBytes.
const maxFaultBody = 256 << 20

// Fault is an order to fail. It holds for the requests that match all of Platform, Method,
// PathContains and Step; an empty one matches everything.
type Fault struct {
	Platform     string `json:"platform,omitempty"`
	Method       string `json:"method,omitempty"`
	PathContains string `json:"path_contains,omitempty"`
	Step         string `json:"step,omitempty"`
	Kind         string `json:"fault"`
	// Status is the answer's status for FaultStatus, 300 to 599.
	Status int `json:"status,omitempty"`
	// ErrorType replaces the service's usual error type for Status, "HostLimitError" for example.
	ErrorType string `json:"error_type,omitempty"`
	// Body replaces the service's body, as when a proxy answers in its place.
	Body string `json:"body,omitempty"`
	// BodyBytes makes Body that long, with spaces at its end.
	BodyBytes int `json:"body_bytes,omitempty"`
	// ContentType is Body's; empty is text/html.
	ContentType string            `json:"content_type,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	DelayMS     int               `json:"delay_ms,omitempty"`
	// Times is how many requests fail; 0 is once, a negative number until the faults are cleared.
	Times int `json:"times,omitempty"`
}

// AddFault orders a fault. The oldest matching fault that is not used up is taken for a request.
func (s *Sandbox) AddFault(f Fault) error {
	if err := s.checkFaultTarget(f); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{FaultSlow, FaultDropBefore, FaultDropAfter, FaultStatus, FaultBody}, f.Kind):
		return fmt.Errorf("fault %q is none of slow, drop_before, drop_after, status, body", f.Kind)
	case f.Kind == FaultStatus && (f.Status < 300 || f.Status > 599):
		return fmt.Errorf("status %d is not from 300 to 599", f.Status)
	case f.Kind == FaultBody && f.Body == "" && f.BodyBytes == 0:
		return errors.New("body needs body or body_bytes")
	case f.BodyBytes < 0 || f.BodyBytes > maxFaultBody:
		return fmt.Errorf("body_bytes %d is not from 0 to %d", f.BodyBytes, maxFaultBody)
	case f.Kind == FaultSlow && f.DelayMS <= 0:
		return errors.New("slow needs delay_ms")
	case f.DelayMS < 0:
		return errors.New("delay_ms is negative")
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// checkFaultTarget refuses a fault that could never match, for a platform or a step that is not there.
func (s *Sandbox) checkFaultTarget(f Fault) error {
	platform := f.Platform
	if platform == "" {
		platform, _, _ = strings.Cut(f.Step, ".")
	}
	steps := s.steps[platform]
	platforms := strings.Join(slices.Sorted(maps.Keys(s.steps)), ", ")
	switch {
	case platform == "" && f.Step == "":
		return nil
	case steps == nil && f.Platform == "":
		return fmt.Errorf("step %q does not begin with a platform and a dot; the platforms are %s", f.Step, platforms)
	case steps == nil:
		return fmt.Errorf("platform %q is none of %s", f.Platform, platforms)
	case f.Step != "" && !slices.Contains(steps, f.Step):
		return fmt.Errorf("step %q is none of %s", f.Step, strings.Join(steps, ", "))
	}
	return nil
}

// ClearFaults withdraws all faults.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults lists the faults that are not used up.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := []Fault{}
	for _, fault := range s.faults {
		left = append(left, *fault)
	}
	return left
}

// takeFault gives the fault for a request, with an empty Kind if there is none, and counts it.
func (s *Sandbox) takeFault(info RequestInfo) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, fault := range s.faults {
		if !fault.matches(info) {
			continue
		}
		if fault.Times > 0 {
			if fault.Times--; fault.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return *fault
	}
	return Fault{}
}

func (f *Fault) matches(info RequestInfo) bool {
	return (f.Platform == "" || f.Platform == info.Platform) &&
		(f.Method == "" || strings.EqualFold(f.Method, info.Method)) &&
		(f.Step == "" || f.Step == info.Step) &&
		strings.Contains(info.Path, f.PathContains)
}

// wait waits the fault's delay; false means that the client gave up first.
func (f Fault) wait(ctx context.Context) bool {
	if f.DelayMS <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dress puts the fault's headers and body over the service's own.
func (f Fault) dress(a answer) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	if f.Body != "" || f.BodyBytes > 0 {
		a.body = append(make([]byte, 0, max(len(f.Body), f.BodyBytes)), f.Body...)
		for len(a.body) < f.BodyBytes {
			a.body = append(a.body, ' ')
		}
		a.header.Set("Content-Type", cmp.Or(f.ContentType, "text/html; charset=utf-8"))
	}
	for name, value := range f.Headers {
		a.header.Set(name, value)
	}
	return a
}
