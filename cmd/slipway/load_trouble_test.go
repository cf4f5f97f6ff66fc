//go:build linux && amd64

package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A hand is a process at work, over all its lives.
type hand struct {
	load *load
	t    *testing.T
	i    int // of the member

	mu     sync.Mutex
	life   *life
	ended  chan struct{} // closed when the process has ended
	meant  bool          // to end
	frozen bool
	deaf   bool // it does not reach the database
}

func newHands(t *testing.T, l *load) []*hand {
	t.Helper()
	all := make([]*hand, len(l.servers))
	for i, m := range l.servers {
		all[i] = &hand{load: l, t: t, i: i, life: m.life, ended: make(chan struct{})}
		all[i].follow(m.cmd)
	}
	t.Cleanup(func() {
		l.coming.wait(context.WithoutCancel(t.Context()))
		for _, h := range all {
			h.end(syscall.SIGKILL, true)
			l.servers[h.i].cmd = nil
		}
	})
	return all
}

// follow waits for the end of a process. One that ends because nobody told it to is
// begun again, as by systemd, if all it says is that something cannot be reached.
func (h *hand) follow(cmd *exec.Cmd) {
	ended := h.ended
	go func() {
		_ = cmd.Wait()
		meant := h.isMeant()
		close(ended)
		if meant {
			return
		}
		const busy, unavailable = 4, 5
		if code := cmd.ProcessState.ExitCode(); code != busy && code != unavailable {
			said, _ := os.ReadFile(h.now().said)
			h.t.Errorf("server %d ended by itself: %v\n%s", h.i+1, cmd.ProcessState, said[max(0, len(said)-2000):])
			return
		}
		h.load.later(200*time.Millisecond, func() {
			if !h.isMeant() {
				h.start()
			}
		})
	}()
}

// start begins another life.
func (h *hand) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.t.Context().Err() != nil {
		return
	}
	m := h.load.servers[h.i]
	if err := h.load.launch(h.i); err != nil {
		h.t.Error(err)
		return
	}
	h.life, h.ended, h.meant, h.frozen = m.life, make(chan struct{}), false, false
	h.follow(m.cmd)
}

// now is the process's life.
func (h *hand) now() *life {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.life
}

// isMeant reports whether the process was told to end.
func (h *hand) isMeant() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.meant
}

// signal tells the process something. All that it started is told, too, if group.
func (h *hand) signal(s syscall.Signal, group bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	pid := h.load.servers[h.i].cmd.Process.Pid
	if group {
		pid = -pid
	}
	_ = syscall.Kill(pid, s) // it may have ended
}

// end ends the process with a signal, and waits for that.
func (h *hand) end(s syscall.Signal, group bool) {
	h.mu.Lock()
	h.meant = true
	ended := h.ended
	h.mu.Unlock()
	h.signal(s, group)
	<-ended
}

// isUp reports whether the process could work.
func (h *hand) isUp() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.meant || h.frozen || h.deaf {
		return false
	}
	said, err := os.ReadFile(h.life.said)
	return err == nil && listens.Match(said)
}

func (h *hand) set(what *bool, to bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*what = to
}

// A trouble is what may happen. It returns when it is over, but for what a process
// does to come back.
type trouble struct {
	name string
	do   func(*load, *hand)
}

// troubles are all that happen, each as often as it stands here.
func troubles() []trouble {
	kill := trouble{"kill", func(l *load, h *hand) {
		l.watch.gone(h, "killed and begun again")
		h.end(syscall.SIGKILL, rand.N(2) == 0)
		l.later(rand.N(time.Second), h.start)
	}}
	lose := trouble{"kill for long", func(l *load, h *hand) {
		l.watch.gone(h, "killed for long")
		h.end(syscall.SIGKILL, true)
		l.later(2*l.lost, h.start)
	}}
	freeze := trouble{"freeze", func(l *load, h *hand) {
		h.set(&h.frozen, true)
		l.watch.gone(h, "standing still")
		h.signal(syscall.SIGSTOP, true)
		l.later(l.lost/2+rand.N(2*l.lost), func() {
			h.signal(syscall.SIGCONT, true)
			h.set(&h.frozen, false)
		})
	}}
	end := trouble{"tell to end", func(l *load, h *hand) {
		l.later(0, func() {
			h.end(syscall.SIGTERM, false)
			h.start()
		})
	}}
	return []trouble{
		kill, lose,
		{"cut", func(l *load, _ *hand) { l.way.Cut() }},
		freeze, kill,
		{"restart the database", func(l *load, _ *hand) { l.restart("INT") }},
		lose,
		{"cut a commit", func(l *load, _ *hand) { l.way.CutAt("commit", true, nil) }},
		end,
		kill,
		{"swallow", func(l *load, _ *hand) { l.swallow(l.lost + 4*time.Second) }},
		lose,
		{"kill the database", func(l *load, _ *hand) { l.restart("QUIT") }},
		freeze, kill,
		{"delay", func(l *load, _ *hand) {
			l.way.Delay(100 * time.Millisecond)
			l.later(4*time.Second, l.way.Heal)
		}},
		kill,
		{"lose a commit", func(l *load, _ *hand) { l.way.CutAt("commit", false, nil) }},
	}
}

// restart ends the database as a signal does, and begins it again.
func (l *load) restart(signal string) {
	l.watch.without(func() {
		l.database.Halt(signal)
		if err := l.database.Run(); err != nil {
			l.hands[0].t.Error(err)
		}
	})
}

// swallow lets nothing through to the database for a while.
func (l *load) swallow(d time.Duration) {
	var deaf []*hand
	for i, h := range l.hands {
		if l.servers[i].url != "" {
			h.set(&h.deaf, true)
			deaf = append(deaf, h)
		}
	}
	l.way.Swallow()
	l.later(d, func() {
		l.way.Heal()
		for _, h := range deaf {
			h.set(&h.deaf, false)
		}
	})
}

// later does something later, before heal ends.
func (l *load) later(d time.Duration, do func()) {
	l.coming.add(1)
	go func() {
		defer l.coming.add(-1)
		select {
		case <-l.hands[0].t.Context().Done():
		case <-time.After(d):
			do()
		}
	}()
}

// coming counts what is to happen. More may be added while somebody waits.
type coming struct {
	mu sync.Mutex
	n  int
}

func (c *coming) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
}

// wait waits until all of it has happened.
func (c *coming) wait(ctx context.Context) {
	pauseUntil(ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.n == 0
	})
}

// trouble makes trouble every few seconds, never to the last process that could work.
func (l *load) trouble(t *testing.T, until time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest+time.Until(until))
	defer cancel()
	count := map[string]int{}
	all := troubles()
	for n := 0; time.Now().Before(until) && !t.Failed(); n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(1500*time.Millisecond + rand.N(2*time.Second)):
		}
		var h *hand
		if !pauseUntil(ctx, func() bool { h = l.victim(); return h != nil }) {
			t.Error("no two processes come up")
			return
		}
		what := all[n%len(all)]
		count[what.name]++
		what.do(l, h)
	}
	t.Logf("what happened: %s", strings.TrimPrefix(fmt.Sprint(count), "map"))
}

// victim is a process that could work, if another one could too.
func (l *load) victim() *hand {
	var up []*hand
	for _, h := range l.hands {
		if h.isUp() {
			up = append(up, h)
		}
	}
	if len(up) < 2 {
		return nil
	}
	return up[rand.N(len(up))]
}

// heal waits until all processes are well.
func (l *load) heal(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	l.coming.wait(ctx)
	l.way.CutAt("", false, nil)
	if !pauseUntil(ctx, func() bool { return !slices.ContainsFunc(l.hands, func(h *hand) bool { return !h.isUp() }) }) {
		t.Fatal("not all processes come up again")
	}
	err := await(ctx, func() (bool, error) {
		all, err := l.st.Processes(ctx)
		return len(all) == len(l.hands), err
	})
	if err != nil {
		t.Errorf("not all processes join again: %v", err)
	}
}
