package server

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// TestAllTakeUp: each of those who serve begins a job while the others are busy with
// theirs, whoever of them has found it. What is not for them is not begun.
func TestAllTakeUp(t *testing.T) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, testAllTakeUp)
	}
}

func testAllTakeUp(t *testing.T) {
	t.Helper()
	const hands, rounds, together = 4, 25, "together"
	s, err := New(t.Context(), newWorld(t).config(t))
	if err == nil {
		err = s.join(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	began, goOn := make(chan int64, hands+1), make(chan struct{})
	s.kinds[together] = kind{poolTalk, func(ctx context.Context, j store.Job) (done, error) {
		began <- j.ID
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return done{}, nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	l := newLookout()
	var serving sync.WaitGroup
	defer func() {
		cancel()
		serving.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range hands {
		serving.Go(func() { s.serve(ctx, ctx, l, store.Wanted{Pool: poolTalk, Kinds: []string{together}}) })
	}
	for round := range rounds {
		for i := range hands + 1 {
			subject := fmt.Sprint(round, "/", i)
			err := s.store.Change(ctx, func(tx *store.Tx) error { return s.once(ctx, tx, together, subject, nil, "test") })
			if err != nil {
				t.Fatal(err)
			}
			s.news.Ring()
		}
		for n := range hands {
			select {
			case <-began:
			case <-ctx.Done():
				t.Fatalf("in round %d only %d of %d jobs are done at once", round, n, hands)
			}
		}
		waiting, running, err := s.store.CountJobs(ctx)
		if err != nil || waiting != 1 || running != hands {
			t.Fatalf("in round %d %d jobs wait and %d run, %v; want 1 and %d", round, waiting, running, err, hands)
		}
		for range hands {
			goOn <- struct{}{}
		}
		<-began
		goOn <- struct{}{}
	}
}
