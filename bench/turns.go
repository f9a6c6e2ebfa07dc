package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// turnFlags say how long and how hard to measure.
type turnFlags struct {
	Turns       int           `help:"How often both sides take their turn." default:"7"`
	Duration    time.Duration `help:"How long one turn of one side takes." default:"5s"`
	WarmUp      time.Duration `help:"How long each side runs before the first turn." default:"10s"`
	Concurrency int           `help:"How many goroutines work at once, and the connections of each pool." default:"4"`
	JSON        string        `help:"Write the result to this file too." name:"json" placeholder:"FILE"`
	CPUProfile  string        `help:"Write a CPU profile of this process to this file; its samples are labelled with the side." name:"cpu-profile" placeholder:"FILE"`
}

func (f turnFlags) check() error {
	if f.Turns < 1 || f.Concurrency < 1 || f.Duration <= 0 {
		return errors.New("turns, duration and concurrency must be positive")
	}
	return nil
}

// side is one of two things that are compared.
type side struct {
	Name string
	// do does it once. Every goroutine has a source of randomness of its own.
	do func(ctx context.Context, random *rand.Rand) error
}

// measured is a side with its throughput in each turn, in operations per second.
type measured struct {
	Name      string    `json:"name"`
	Median    float64   `json:"median_per_second"`
	PerSecond []float64 `json:"per_second"`
}

// result is what a benchmark prints and writes.
type result struct {
	Benchmark string         `json:"benchmark"`
	What      string         `json:"what"`
	Machine   machine        `json:"machine"`
	Settings  map[string]any `json:"settings"`
	Measured  measured       `json:"measured"`
	Against   measured       `json:"against"`
	// Ratios are Measured to Against, turn by turn.
	Ratios []float64 `json:"ratios"`
	Ratio  float64   `json:"median_ratio"`
	Bar    float64   `json:"bar"`
	Met    bool      `json:"met"`
}

// inTurns lets both sides warm up and then take turns: A B A B …
func (f turnFlags) inTurns(ctx context.Context, a, b side, bar float64) (result, error) {
	r := result{Measured: measured{Name: a.Name}, Against: measured{Name: b.Name}, Bar: bar}
	for _, s := range []side{a, b} {
		if _, err := f.throughput(ctx, s, f.WarmUp); err != nil {
			return r, err
		}
	}
	stopProfile, err := f.startProfile()
	if err != nil {
		return r, err
	}
	defer stopProfile()
	for range f.Turns {
		perSecondA, err := f.throughput(ctx, a, f.Duration)
		if err != nil {
			return r, err
		}
		perSecondB, err := f.throughput(ctx, b, f.Duration)
		if err != nil {
			return r, err
		}
		r.Measured.PerSecond = append(r.Measured.PerSecond, perSecondA)
		r.Against.PerSecond = append(r.Against.PerSecond, perSecondB)
		r.Ratios = append(r.Ratios, perSecondA/perSecondB)
	}
	r.Measured.Median = median(r.Measured.PerSecond)
	r.Against.Median = median(r.Against.PerSecond)
	r.Ratio = median(r.Ratios)
	r.Met = r.Ratio >= bar
	return r, nil
}

func (f turnFlags) startProfile() (stop func(), err error) {
	if f.CPUProfile == "" {
		return func() {}, nil
	}
	file, err := os.Create(f.CPUProfile)
	if err != nil {
		return nil, fmt.Errorf("make profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("start profile: %w", err), file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: write profile:", err)
		}
	}, nil
}

// throughput runs one side for a while and tells how many times a second it was done.
func (f turnFlags) throughput(ctx context.Context, s side, while time.Duration) (float64, error) {
	var (
		done     atomic.Int64
		over     atomic.Bool
		failure  error
		failOnce sync.Once
		workers  sync.WaitGroup
	)
	started := time.Now()
	timer := time.AfterFunc(while, func() { over.Store(true) })
	defer timer.Stop()
	for range f.Concurrency {
		workers.Go(func() {
			pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("side", s.Name)))
			random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for !over.Load() {
				if err := s.do(ctx, random); err != nil {
					failOnce.Do(func() { failure = fmt.Errorf("%s: %w", s.Name, err) })
					over.Store(true)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	return float64(done.Load()) / time.Since(started).Seconds(), failure
}

// median of values, which must not be empty.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// report prints the table and writes the JSON.
func (f turnFlags) report(out io.Writer, r result) error {
	fmt.Fprintf(out, "%s: %s\n%s\n\n", r.Benchmark, r.What, r.Machine)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "turn\t%s/s\t%s/s\tratio\t\n", r.Measured.Name, r.Against.Name)
	for i := range r.Ratios {
		fmt.Fprintf(table, "%d\t%.0f\t%.0f\t%.3f\t\n", i+1, r.Measured.PerSecond[i], r.Against.PerSecond[i], r.Ratios[i])
	}
	fmt.Fprintf(table, "median\t%.0f\t%.0f\t%.3f\t\n", r.Measured.Median, r.Against.Median, r.Ratio)
	if err := table.Flush(); err != nil {
		return err
	}
	verdict := "met"
	if !r.Met {
		verdict = "not met"
	}
	fmt.Fprintf(out, "\nbar: %.2f, %s\n", r.Bar, verdict)
	if f.JSON != "" {
		encoded, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return fmt.Errorf("encode result: %w", err)
		}
		if err := os.WriteFile(f.JSON, append(encoded, '\n'), 0o644); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if !r.Met {
		return errBelowBar
	}
	return nil
}
