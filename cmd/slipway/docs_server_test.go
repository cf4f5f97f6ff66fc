package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// addressOnPage is where the pages' server listens.
const addressOnPage = "127.0.0.1:8420"

// listensAt finds where a server says that it listens.
var listensAt = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// background starts a block's command, a server, and goes on once it shows what the
// page shows and is ready. At the end of the page it has to end well when it is told
// to.
func (r *reader) background(t *testing.T, at *piece) {
	t.Helper()
	all := at.exchanges()
	if len(all) != 1 {
		t.Fatalf("%s:%d: a block of console background is one command", r.page.file, at.line)
	}
	e := all[0]
	screen, err := os.CreateTemp(r.root, "screen")
	if err != nil {
		t.Fatal(err)
	}
	worker, begin := strings.Contains(e.command, "slipway worker"), "\nexec "
	if worker {
		begin = "\nunset SLIPWAY_LISTEN" + begin
	}
	cmd := exec.Command("sh", "-c", ". \"$0\""+begin+r.reached(r.rename(e.command)), r.shell) //nolint:gosec,noctx // what the page says; it is ended below
	cmd.Env, cmd.Stdout, cmd.Stderr = r.environ(), screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // one that has ended is found by Wait
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s:%d: %s ended: %v\n%s", r.page.file, e.line, e.command, err, r.seen(t, screen.Name()))
		}
		_ = screen.Close() // it was only written to by the command
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !worker && !r.ready(ctx, t, screen.Name()) || !matchesPage(e.want, r.seen(t, screen.Name())) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s:%d: %s never shows\n%s\nbut\n%s", r.page.file, e.line, e.command, e.want, r.seen(t, screen.Name()))
		}
	}
}

// ready reports whether the server that writes to the screen has said where it
// listens, and does its work there.
func (r *reader) ready(ctx context.Context, t *testing.T, screen string) bool {
	t.Helper()
	text, err := os.ReadFile(screen) //nolint:gosec // our own file
	if err != nil {
		t.Fatal(err)
	}
	m := listensAt.FindSubmatch(text)
	if m == nil {
		return false
	}
	r.at = string(m[1])
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.at+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
