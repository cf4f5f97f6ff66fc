package repository

import (
	"cmp"
	"sync"
)

// atOnce is how many objects are read or written side by side.
const atOnce = 8

// Each does fn for all items, some side by side, and returns when all are done.
// The error is that of the first item that has one.
func Each[T any](items []T, fn func(T) error) error {
	errs := make([]error, len(items))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, item := range items {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			errs[i] = fn(item)
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}
