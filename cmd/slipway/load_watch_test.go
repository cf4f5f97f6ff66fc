//go:build linux && amd64

package main_test

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// A watch sees in the database's rows whether the work goes on.
type watch struct {
	load *load
	open atomic.Int64 // jobs that are to be done, but for those that look

	mu        sync.Mutex
	halted    bool          // there is no database
	seen      int64         // the newest event; only the one who looks uses it
	gap       time.Duration // since something went on, while something was to be done
	gaps      []time.Duration
	hard      time.Duration // of the gap what the machine could have used
	hardest   time.Duration // of any gap
	left      []left
	takeovers map[string][]time.Duration // by what happened
	done      chan struct{}
}

// left is a job that a process had that is gone.
type left struct {
	job store.Job
	how string
	at  time.Time
}

func newWatch(l *load) *watch {
	return &watch{load: l, takeovers: map[string][]time.Duration{}, done: make(chan struct{})}
}

// looks reports whether a job only looks.
func looks(j store.Job) bool { return strings.HasPrefix(j.Kind, "look-") }

// often is how often the watch looks.
const often = 50 * time.Millisecond

// look looks until ctx is done.
func (w *watch) look(ctx context.Context) {
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-w.done:
			return
		case <-time.After(often):
		}
		slow := busy(ctx)
		now := time.Now()
		w.lookOnce(ctx, now.Sub(last), slow)
		last = now
	}
}

// enough is how long a machine takes at the most to begin and end a process while it has
// time for what the servers do.
const enough = 10 * time.Millisecond

// busy is how many times as long the machine takes for that now: of ten seconds in which it
// does the work of one, the servers had one.
func busy(ctx context.Context) float64 {
	began := time.Now()
	_ = exec.CommandContext(ctx, "true").Run() // a process, as those of builds are
	return max(1, float64(time.Since(began))/float64(enough))
}

func (w *watch) lookOnce(ctx context.Context, past time.Duration, slow float64) {
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	open, err := w.load.st.Jobs(short, store.JobFilter{States: []store.JobState{store.JobWaiting, store.JobRunning}}, 1000)
	var events []store.Event
	if err == nil {
		events, err = w.load.st.Events(short, store.EventFilter{After: w.seen}, 1000)
	}
	now := time.Now()
	due, all := 0, 0
	for _, j := range open {
		if looks(j) {
			continue
		}
		all++
		if isWork(j) && (j.State == store.JobRunning || j.Due.Before(now)) {
			due++
		}
	}
	up := slices.ContainsFunc(w.load.hands, (*hand).isUp)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		if !w.halted && up { // whoever could work could reach the database
			w.wait(past, slow)
		}
		return
	case slices.ContainsFunc(events, goesOn):
		if w.gap > 0 {
			w.gaps, w.hardest = append(w.gaps, w.gap), max(w.hardest, w.hard)
		}
		w.gap, w.hard = 0, 0
	case due == 0:
		w.gap, w.hard = 0, 0
	case up && !w.halted:
		w.wait(past, slow)
	}
	if len(events) > 0 {
		w.seen = events[len(events)-1].ID
	}
	w.open.Store(int64(all))
	w.takeover(open)
}

// wait notes that nothing went on for a while.
func (w *watch) wait(past time.Duration, slow float64) {
	w.gap += past
	w.hard += time.Duration(float64(past) / slow)
}

// isWork reports whether a job builds and deploys, or decides of it.
func isWork(j store.Job) bool { return j.Kind == "ship" || j.Kind == "push" }

// goesOn reports whether an event tells that such a job has begun, has come a stage
// further or has ended.
func goesOn(e store.Event) bool {
	return e.Kind == "job.began" || strings.HasPrefix(e.Kind, "stage.") || strings.HasPrefix(e.Kind, "job.") && strings.HasPrefix(e.Subject, "push/")
}

// gone notes that a process is gone, and how.
func (w *watch) gone(h *hand, how string) {
	id := w.load.servers[h.i].id
	open, err := w.load.st.Jobs(h.t.Context(), store.JobFilter{States: []store.JobState{store.JobRunning}}, 1000)
	if err != nil {
		return // it is not counted
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range open {
		if j.Process == id && !looks(j) {
			w.left = append(w.left, left{j, how, time.Now()})
		}
	}
}

// takeover notes when what a process had that is gone was gone on with.
func (w *watch) takeover(open []store.Job) {
	w.left = slices.DeleteFunc(w.left, func(l left) bool {
		i := slices.IndexFunc(open, func(j store.Job) bool { return j.ID == l.job.ID })
		switch {
		case i < 0: // it had come to its end
			return true
		case open[i].Attempt == l.job.Attempt || open[i].State == store.JobWaiting:
			return false
		}
		w.takeovers[l.how] = append(w.takeovers[l.how], open[i].Began.Sub(l.at))
		return true
	})
}

// without does something meanwhile there is no database.
func (w *watch) without(do func()) {
	w.set(true)
	do()
	w.set(false)
}

func (w *watch) set(halted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halted = halted
}

// restart returns what was seen, and begins anew.
func (w *watch) restart() string {
	text := w.String()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gaps, w.gap, w.hard, w.hardest = nil, 0, 0, 0
	return text
}

func (w *watch) end() { close(w.done) }

// longest is the longest gap, of the time in which the machine could have done something.
func (w *watch) longest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.hard, w.hardest)
}

// String are the figures.
func (w *watch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := []string{fmt.Sprintf("gaps: %s, and %s of what the machine could use", quantiles(w.gaps), max(w.hard, w.hardest).Round(10*time.Millisecond))}
	for _, how := range slices.Sorted(maps.Keys(w.takeovers)) {
		text = append(text, "gone on with what one had that was "+how+": "+quantiles(w.takeovers[how]))
	}
	return strings.Join(text, "; ")
}

// quantiles are how durations are spread.
func quantiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	all = slices.Sorted(slices.Values(all))
	at := func(p int) time.Duration { return all[min(len(all)-1, len(all)*p/100)].Round(10 * time.Millisecond) }
	return fmt.Sprintf("%d, p50 %s, p99 %s, longest %s", len(all), at(50), at(99), at(100))
}
