package cli

import (
	"context"
	"net"
	"strconv"
	"time"
)

// A supervisor is who started this process and wants to hear how it does: systemd,
// by sd_notify(3). The zero one hears nothing.
type supervisor struct {
	socket string
	every  time.Duration // within which it wants to hear that all is well; 0: never
}

// supervisorOf reads the variables that systemd sets.
func supervisorOf(e Env) supervisor {
	s := supervisor{socket: e.getenv("NOTIFY_SOCKET")}
	us, err := strconv.ParseInt(e.getenv("WATCHDOG_USEC"), 10, 64)
	if pid := e.getenv("WATCHDOG_PID"); err == nil && us > 0 && (pid == "" || pid == strconv.Itoa(e.Process)) {
		s.every = time.Duration(us) * time.Microsecond
	}
	return s
}

// say tells it the state. That nobody listens is no reason to stop work.
func (s supervisor) say(ctx context.Context, state string) {
	if s.socket == "" {
		return
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unixgram", s.socket)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state)) // as above
}

// watched tells it that all is well, twice within the time it allows, as long as that
// is so, until ctx is done.
func (s supervisor) watched(ctx context.Context, well func(context.Context) error) {
	if s.socket == "" || s.every == 0 {
		return
	}
	t := time.NewTicker(s.every / 2)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if well(ctx) == nil {
			s.say(ctx, "WATCHDOG=1")
		}
	}
}
