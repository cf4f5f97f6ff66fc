//go:build linux && amd64

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/store"
)

// serverBooks are what a site has of all that must happen once.
type serverBooks struct {
	account
	Jobs  []string // the oldest first, with how they ended
	Lines []string // that runs wrote
	Files []string // under final names; empty until they are asked for
	Left  []string // files that are not whole, and other things that nobody needs any more

	Chains map[string][]string // of a talk: the entries behind staging
	Shown  []string            // of a talk: what its forge shows
}

// settled lets the server live undisturbed until its jobs are as so says, and all
// runs have ended. It proves that the ledger is whole, and returns the books.
func (s site) settled(t *testing.T, meanwhile func(context.Context, *life) error, so func([]store.Job) bool) serverBooks {
	t.Helper()
	var b serverBooks
	status := s.live(t, fate{until: func(ctx context.Context, l *life) error {
		if meanwhile != nil {
			if err := meanwhile(ctx, l); err != nil {
				return err
			}
		}
		if err := l.jobs(ctx, so); err != nil {
			return fmt.Errorf("wait for the jobs: %w", err)
		}
		return l.account(ctx, t, &b.account)
	}})
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("told to end, the server ended with %v", status)
	}
	s.verify(t)
	s.proven(t)
	s.record(t, &b)
	if lines := strings.TrimSpace(s.read(t, "../out/runs.txt")); lines != "" {
		b.Lines = strings.Split(lines, "\n")
	}
	b.Files, b.Left = slices.DeleteFunc(s.names(t), headKept.MatchString), s.left(t)
	s.whole(t)
	return b
}

// account asks the API what the environment has, once all runs have ended.
func (l *life) account(ctx context.Context, t *testing.T, a *account) error {
	l.grant(t)
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	h, err := c.History(ctx, "pulse", "staging")
	if err != nil {
		return err
	}
	var status operate.Status
	for again := true; again; {
		if status, err = c.Status(ctx, "pulse", "staging"); err != nil {
			return err
		}
		again = false
		for _, r := range status.Runs {
			if !r.State.Ended() {
				again = true
				if err := c.RunLog(ctx, "pulse", "staging", r.ID, true, io.Discard); err != nil {
					return err
				}
			}
		}
	}
	a.see(status, l.enter(t, h, a))
	return nil
}

// verify proves that the ledger is as it was written.
func (s site) verify(t *testing.T) {
	t.Helper()
	var r tree.Report
	a := s.ask(t, append([]string{"ledger", "verify", "--json"}, s.where()...)...)
	if err := json.Unmarshal([]byte(a.stdout), &r); err != nil || a.code != 0 || len(r.Problems) > 0 {
		t.Errorf("the ledger is not whole: exit code %d, %v\n%s%s", a.code, err, a.stdout, a.stderr)
	}
}

// record enters the jobs that the database has, but for those that look, and, of a
// talk, what came of it.
func (s site) record(t *testing.T, b *serverBooks) {
	t.Helper()
	st, err := s.database(t.Context())
	if err != nil || st == nil {
		t.Fatalf("there is no database: %v", err)
	}
	defer st.Close()
	all, err := s.kept(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range all {
		b.Jobs = append(b.Jobs, j.Kind+" "+string(j.State))
	}
	if s.hub == nil {
		return
	}
	b.Shown = s.hub.shows()
	if b.Chains, err = s.chains(t.Context(), st); err != nil {
		t.Fatal(err)
	}
}

// What killed processes may leave, and nobody may find after: what git did not end to
// write, working copies, folders of steps, and unfinished files beside
// the database and the artifacts. Those in caches and of the runtime (.new-*) are removed
// by whoever comes by a day later: nobody else can tell that they were left. Those in
// .tmp of a repository are removed by who writes there next, which not every life does.
var strayed = regexp.MustCompile(`^server/git/(\.new-|.*/tmp_)|^server/(work|steps|cache/work/[^/]+)/|^server/packages/(.*/)?(slipway-step-|gone-|state-)|` +
	`^server/state/[^/]*(tmp-|\.new)|^srv/.*(/tmp-|\.new$)|^tmp/`)

// headKept is where a server that leads keeps the newest head of the ledger, once there is
// one: the next start holds the ledger against it. A new one takes the place of what was
// half-written.
var headKept = regexp.MustCompile(`(^|/)(ledger\.seen(\.new)?|ledger-head\.json)$`)

// unnamed reports whether a file is one that was about to lose its name when the server
// was killed, and that has nothing in it.
func unnamed(d fs.DirEntry) bool {
	info, err := d.Info()
	return err == nil && info.Size() == 0 && strings.HasPrefix(d.Name(), "slipway-copy-")
}

// left are the files that are not whole, and other things that nobody needs any
// more.
func (s site) left(t *testing.T) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir(s.dir, func(file string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(s.dir, file)
		if name == "repository" || name == "git" {
			return fs.SkipDir
		}
		if err == nil && strayed.MatchString(name) && !unnamed(d) && !headKept.MatchString(name) {
			left = append(left, name)
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	return left
}

// explain tells, of a test that failed, what is known.
func (s site) explain(ctx context.Context, t *testing.T) {
	t.Helper()
	lives, _ := os.ReadDir(s.file("../said"))
	for _, l := range lives {
		t.Logf("life %s said:\n%s", l.Name(), s.read(t, "../said/"+l.Name()))
	}
	st, err := s.database(ctx)
	if err != nil || st == nil {
		t.Logf("there is no database: %v", err)
		return
	}
	defer st.Close()
	all, err := st.Jobs(ctx, store.JobFilter{}, 100)
	t.Logf("the jobs: %v", err)
	for _, j := range all {
		t.Logf("%d %s %s %s, begun %d times, %s %s", j.ID, j.Kind, j.Subject, j.State, j.Attempt, j.Stop, j.Outcome)
	}
}

// killed reports whether a life ended as it does that was killed.
func killed(status syscall.WaitStatus) bool {
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

// compare compares the books.
func (b serverBooks) compare(t *testing.T, got serverBooks) {
	t.Helper()
	if diff := cmp.Diff(b, got, cmp.AllowUnexported(serverBooks{})); diff != "" {
		t.Errorf("it ends otherwise (-want +got):\n%s", diff)
	}
}
