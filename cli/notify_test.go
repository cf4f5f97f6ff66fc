package cli

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestASupervisorHearsThatTheServerIsReadyAndWell(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := func() string {
		b := make([]byte, 100)
		if err := l.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	s := supervisorOf(Env{Environ: []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=2000", "WATCHDOG_PID=42"}, Process: 42})
	s.say(t.Context(), "READY=1")
	if got := heard(); got != "READY=1" {
		t.Errorf("it hears %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ill, done := 2, make(chan struct{})
	go func() {
		defer close(done)
		s.watched(ctx, func(context.Context) error {
			if ill--; ill >= 0 {
				return errors.New("the database does not answer")
			}
			return nil
		})
	}()
	if got := heard(); got != "WATCHDOG=1" {
		t.Errorf("it hears %q", got)
	}
	cancel()
	<-done
	if ill > -1 {
		t.Error("it hears that all is well before it is")
	}
}

func TestWithoutASupervisorNothingIsSaid(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		nil,
		{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "gone"), "WATCHDOG_USEC=1000", "WATCHDOG_PID=1"},
		{"NOTIFY_SOCKET=/gone", "WATCHDOG_USEC=soon"},
	} {
		s := supervisorOf(Env{Environ: environ, Process: 42})
		s.say(t.Context(), "READY=1")
		s.watched(t.Context(), func(context.Context) error { panic("nobody asks") }) // it returns at once
	}
}
