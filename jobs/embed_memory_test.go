package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/embedding"
)

// scriptedEmbedder answers as a test decides.
type scriptedEmbedder struct {
	sync.Mutex
	model  string
	answer func(ctx context.Context, text string) ([]float32, error)
	asked  []string
}

func (e *scriptedEmbedder) Model() string { return e.model }

func (e *scriptedEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	e.Lock()
	e.asked = append(e.asked, texts[0])
	answer := e.answer
	e.Unlock()
	vector, err := answer(ctx, texts[0])
	if err != nil {
		return nil, err
	}
	return [][]float32{vector}, nil
}

func (e *scriptedEmbedder) become(answer func(ctx context.Context, text string) ([]float32, error)) {
	e.Lock()
	defer e.Unlock()
	e.answer = answer
}

func (b *bundle) embeddingWorker(e *scriptedEmbedder, config WorkerConfig) *Worker {
	b.t.Helper()
	w, err := NewWorker(Deps{Pool: b.Worker, Vault: b.vault, Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)), Embedder: e}, config)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bundle) remember(text string) uuid.UUID {
	b.t.Helper()
	id := dbtest.NewID(b.t)
	b.exec("insert into memories (customer_id, id, text) values ($1, $2, $3)", b.customer.ID, id, text)
	return id
}

func length(_ context.Context, text string) ([]float32, error) {
	return []float32{float32(len(text)), 1}, nil
}

const embedded = "select coalesce(embedding::text, '-') || ' ' || coalesce(embedding_model, '-') || ' ' || version from memories where id = $1"

// TestEmbedMemory: a memory's meaning is known soon, anew when its text changes or another model is set, and its version stays.
func TestEmbedMemory(t *testing.T) {
	b := setup(t)
	id := b.remember("four")
	e := &scriptedEmbedder{model: "one", answer: length}
	w := b.embeddingWorker(e, WorkerConfig{})
	b.start(w)
	eventually(b, "{4,1} one 1", embedded, id)
	b.exec("update memories set text = 'eleven' where id = $1", id)
	eventually(b, "{6,1} one 2", embedded, id)
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.start(b.embeddingWorker(&scriptedEmbedder{model: "another", answer: length}, WorkerConfig{}))
	eventually(b, "{6,1} another 2", embedded, id)
	if n := scan[int](b, "select sum(count) from (select count, kind from usage_entries union all select count, kind from usage_days) u where kind = 'embed_text'"); n != 3 {
		t.Errorf("usage counts %d texts, want 3", n)
	}
	if n := scan[int](b, "select count(*) from river.river_job where kind = 'embed_memory' and (queue <> 'embeddings' or args::text like '%eleven%' or args::text like '%four%')"); n != 0 {
		t.Error("a job is in another queue, or has the text in its arguments")
	}
	if n := scan[int](b, "select count(*) from audit_log where resource_type = 'memory' and (changes::text like '%eleven%' or changes ? 'embedding' or changes ? 'search')"); n != 0 {
		t.Error("the log has the text or the numbers")
	}
}

// TestEmbedMemoryTrouble: while the server is away the job is tried again; a text that it refuses is left alone; what changes
// meanwhile is not given the numbers of what it was.
func TestEmbedMemoryTrouble(t *testing.T) {
	b := setup(t)
	e := &scriptedEmbedder{model: "one", answer: func(context.Context, string) ([]float32, error) { return nil, errors.New("away") }}
	b.start(b.embeddingWorker(e, WorkerConfig{}))
	id := b.remember("four")
	eventually(b, true, "select exists (select from river.river_job where kind = 'embed_memory' and attempt >= 2 and args ->> 'memory_id' = $1::text)", id.String())
	e.become(length)
	eventually(b, "{4,1} one 1", embedded, id)

	e.become(func(context.Context, string) ([]float32, error) { return nil, embedding.ErrRefused })
	refused := b.remember("refused")
	eventually(b, "- one 1", embedded, refused)

	asked := make(chan struct{})
	var once sync.Once
	goOn := make(chan struct{})
	e.become(func(ctx context.Context, text string) ([]float32, error) {
		if text == "before" {
			once.Do(func() { close(asked) })
			<-goOn
		}
		return length(ctx, text)
	})
	changed := b.remember("before")
	<-asked
	b.exec("update memories set text = 'afterwards' where id = $1", changed)
	close(goOn)
	eventually(b, "{10,1} one 2", embedded, changed)
}
