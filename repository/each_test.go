package repository_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/repository"
)

func TestEach(t *testing.T) {
	items := slices.Collect(func(yield func(int) bool) {
		for i := range 50 {
			if !yield(i) {
				return
			}
		}
	})
	var done, now, most atomic.Int64
	err := repository.Each(items, func(i int) error {
		defer now.Add(-1)
		for n := now.Add(1); n > most.Load(); {
			most.Store(n)
		}
		done.Add(1)
		if i%20 == 7 {
			return fmt.Errorf("item %d", i)
		}
		return nil
	})
	if done.Load() != 50 || most.Load() > 8 {
		t.Errorf("%d were done, %d at once", done.Load(), most.Load())
	}
	if err == nil || err.Error() != "item 7" {
		t.Errorf("the error is %v, want that of item 7", err)
	}
	if err := repository.Each(nil, func(int) error { return errors.New("no") }); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}
