package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/embedding"
	"fanfare/queries"
)

// EmbeddingsQueue is the queue of memories whose meaning is to be put into numbers. It is served where there is a server to ask.
const EmbeddingsQueue = "embeddings"

const (
	// embedTimeout bounds one question to the server.
	embedTimeout = 30 * time.Second
	// embeddingsConcurrency is how many questions a worker asks at once.
	embeddingsConcurrency = 8
	// embeddingsEvery is how often a worker looks for memories to embed, embeddingsAtOnce how many of them, over all customers,
	// wait in the queue at most.
	embeddingsEvery, embeddingsAtOnce = time.Second, 500
)

// EmbedMemoryArgs name a memory. Workers enqueue it themselves.
type EmbedMemoryArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	MemoryID   uuid.UUID `json:"memory_id"`
}

// Kind is the job's name in the queue.
func (EmbedMemoryArgs) Kind() string { return "embed_memory" }

// InsertOpts are the job's defaults. There is one at a time for a memory; one that is given up is found again.
func (EmbedMemoryArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: EmbeddingsQueue, MaxAttempts: 10, UniqueOpts: oneAtATime}
}

// dispatchEmbeddings enqueues the memories that the model has not seen: new ones, changed ones, and all after another model was set.
func (w *Worker) dispatchEmbeddings(ctx context.Context) error {
	if w.deps.Embedder == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	due, err := w.q.MemoryListToEmbed(ctx, queries.MemoryListToEmbedParams{Model: w.deps.Embedder.Model(), MaxRows: embeddingsAtOnce})
	if err != nil {
		return fmt.Errorf("look for memories to embed: %w", err)
	}
	var all error
	for _, m := range due {
		all = errors.Join(all, w.enqueue(ctx, m.CustomerID, EmbedMemoryArgs{CustomerID: m.CustomerID, MemoryID: m.ID}, nil))
	}
	return all
}

// embedWorker puts the meaning of a memory into numbers. What it finds is kept if the memory is still as it was read; whoever dies
// before that leaves a memory that is found again.
type embedWorker struct {
	river.WorkerDefaults[EmbedMemoryArgs]
	db       *tenant.DB
	embedder embedding.Embedder
	lease    *lease
	log      *slog.Logger
}

// Timeout bounds the job.
func (*embedWorker) Timeout(*river.Job[EmbedMemoryArgs]) time.Duration {
	return embedTimeout + 2*recordTimeout
}

// Work embeds the job's memory, if that is still to be done.
func (w *embedWorker) Work(ctx context.Context, job *river.Job[EmbedMemoryArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID, Operation: job.Kind})
	model := w.embedder.Model()
	memory, err := queries.New(w.db.Read(scope)).MemoryForEmbedding(ctx, queries.MemoryForEmbeddingParams{ID: job.Args.MemoryID, Model: model})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return nil // it is gone, or done
	case err != nil:
		return fmt.Errorf("read memory: %w", err)
	}
	vector, err := w.embed(ctx, memory.Text)
	switch {
	case errors.Is(err, embedding.ErrRefused):
		w.log.WarnContext(ctx, "a memory is found by its words alone, because the embeddings server refuses it", "customer_id", job.Args.CustomerID, "memory_id", job.Args.MemoryID)
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us
	case err != nil:
		return err
	}
	err = w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queries.New(tx).MemoryEmbed(ctx, queries.MemoryEmbedParams{ID: job.Args.MemoryID, Version: memory.Version, Model: model, Embedding: vector})
		return err
	})
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return fmt.Errorf("keep what a memory means: %w", err)
	}
	return nil
}

func (w *embedWorker) embed(ctx context.Context, text string) ([]float32, error) {
	ctx, cancel := context.WithTimeout(ctx, embedTimeout)
	defer cancel()
	vectors, err := w.embedder.Embed(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}
