package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
)

// TestWhatCameOfAJobIsKept: a job whose end the database does not take at once comes to
// that end, and one whose end is wrong is no job that runs for ever.
func TestWhatCameOfAJobIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		fails []error // what happens at its end, one after the other
		want  store.JobState
	}{
		"the database is busy": {[]error{slipway.Errorf(slipway.Busy, "others write"), slipway.Errorf(slipway.Unavailable, "it was restarted")}, store.JobDone},
		"it is wrong":          {[]error{slipway.Errorf(slipway.Invalid, "there is no such app")}, store.JobFailed},
		"a fault":              {[]error{errors.New("a fault")}, store.JobWaiting},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, err := New(t.Context(), w.config(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			fails := c.fails
			k := s.kinds[jobNotice]
			k.do = func(context.Context, store.Job) (done, error) {
				return done{then: func(context.Context, *store.Tx) error {
					if len(fails) == 0 {
						return nil
					}
					first := fails[0]
					fails = fails[1:]
					return first
				}}, nil
			}
			s.kinds[jobNotice] = k
			err = s.store.Change(t.Context(), func(tx *store.Tx) error {
				_, _, err := s.enqueue(t.Context(), tx, store.Job{Key: "one", Kind: jobNotice, Subject: "one", Input: toJSON(nil), Made: time.Now(), By: "test"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			j, ok, err := claimOne(t, s, s.light())
			if err != nil || !ok {
				t.Fatalf("there is no job: %v", err)
			}
			s.do(t.Context(), j)
			if j, _, err = s.store.Job(t.Context(), j.ID); err != nil || j.State != c.want {
				t.Errorf("it is %s, %v; want %s", j.State, err, c.want)
			}
		})
	}
}
