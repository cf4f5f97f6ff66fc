//go:build linux && amd64

package main_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// TestBroughtBack brings the PostgreSQL of a server back to a moment, with PostgreSQL's own
// tools: what was shipped since is found and named, no server works until somebody says
// so, and nothing is done again. docs/backup.md says the same to people.
func TestBroughtBack(t *testing.T) {
	pg := pgtest.Start(t)
	t.Parallel()
	f := &fleet{site: newSite(t, ""), url: pg.New(t), servers: []*member{{data: "../server", args: aServer()}}}
	st := f.begun(t)
	if err := f.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	f.shipped(t, st, 1)
	keep, back := typed(t, "backup.md", "## To a moment, with PostgreSQL's own tools")
	for _, command := range keep { // the server goes on meanwhile
		pg.Type(t, command)
	}
	f.next(t, 2)
	f.shipped(t, st, 2)
	noted := f.seen(t, st)
	f.next(t, 3)
	f.shipped(t, st, 3)
	f.seen(t, st)
	f.kill(t, 0)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range back {
		pg.Type(t, strings.ReplaceAll(command, momentOnPage, noted.UTC().Format("2006-01-02 15:04:05.999999+00")))
	}

	serve := []string{"serve", "--platform", "../platform.yaml", "--data", "../server", "--listen", "127.0.0.1:0", "--url", "http://slipway.example", "--database", f.url}
	a := f.ask(t, serve...)
	if a.code != 4 || !strings.Contains(a.stderr, "the ledger went back: a head over ") || !strings.Contains(a.stderr, "slipway ledger accept") {
		t.Errorf("a server over it: exit code %d\n%s", a.code, a.stderr)
	}
	in := []string{"--data", "../server", "--database", f.url}
	a = f.ask(t, append([]string{"fsck", "staging", "--platform", "../platform.yaml"}, in...)...)
	for _, want := range []string{
		"the ledger went back: a head over ", "it runs another script than that of ", "if the ledger is older than the runtime: slipway deploy ",
		"a release that the ledger never let in", "it says https://github.com/slipway-cd/slipway/deployment/v1",
	} {
		if !strings.Contains(a.stdout, want) {
			t.Errorf("fsck does not say %q", want)
		}
	}
	if a.code != 1 || t.Failed() {
		t.Errorf("fsck: exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	if said := f.must(t, append([]string{"ledger", "accept", "--why", "a disk was lost"}, in...)...); !strings.Contains(said, "servers go on from here") {
		t.Errorf("it says:\n%s", said)
	}
	st = f.begun(t)
	err := f.until(t, func(ctx context.Context) (bool, error) { // the version that the ledger lost is known, and not shipped again
		jobs, err := st.Jobs(ctx, store.JobFilter{Kinds: []string{"push"}, States: []store.JobState{store.JobDone}}, 1)
		return len(jobs) > 0 && strings.Contains(string(jobs[0].Input), `"known":true`), err
	})
	if err != nil {
		t.Fatal(err)
	}
	f.next(t, 4)
	f.shipped(t, st, 3)
	if ships, err := st.Jobs(t.Context(), store.JobFilter{Kinds: []string{"ship"}}, 100); err != nil || len(ships) != 3 {
		t.Errorf("%d ships, %v: what was shipped since is shipped again", len(ships), err)
	}
	var r tree.Report
	a = f.ask(t, append([]string{"ledger", "verify", "--json"}, in...)...)
	if err := json.Unmarshal([]byte(a.stdout), &r); err != nil || a.code != 0 || len(r.Problems) > 0 {
		t.Errorf("the ledger: exit code %d, %v\n%s%s", a.code, err, a.stdout, a.stderr)
	}
}

// momentOnPage is the moment to which the page goes back.
const momentOnPage = "2026-11-23 12:00:00+00"

// typed are the commands in the two blocks of a section of a page.
func typed(t *testing.T, page, heading string) (first, second []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page)) //nolint:gosec // our own page
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(section, "```")
	if len(parts) != 5 {
		t.Fatalf("%s has no two blocks in %q", page, heading)
	}
	commands := func(block string) (all []string) {
		_, block, _ = strings.Cut(block, "\n")
		for command := range strings.SplitSeq(strings.TrimPrefix(block, "$ "), "\n$ ") {
			all = append(all, strings.ReplaceAll(strings.TrimSpace(command), "\n> ", "\n"))
		}
		return all
	}
	return commands(parts[1]), commands(parts[3])
}

// begun starts the server, and opens the test's own look at its database.
func (f *fleet) begun(t *testing.T) *store.Store {
	t.Helper()
	f.begin(t, 0)
	st, err := store.OpenReadOnly(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = st.Close()
		f.kill(t, 0)
		if t.Failed() {
			f.explainAll(t)
		}
	})
	return st
}

// next pushes another version.
func (f *fleet) next(t *testing.T, n int) {
	t.Helper()
	text := f.read(t, "pulse.py")
	f.write(t, "pulse.py", text+"# version "+string(rune('0'+n))+"\n")
	f.commit(t, "version "+string(rune('0'+n)))
	if err := f.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
}

// until waits.
func (f *fleet) until(t *testing.T, so func(context.Context) (bool, error)) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	return await(ctx, func() (bool, error) { return so(ctx) })
}

// shipped waits until so many commits were shipped.
func (f *fleet) shipped(t *testing.T, st *store.Store, n int) {
	t.Helper()
	err := f.until(t, func(ctx context.Context) (bool, error) {
		jobs, err := st.Jobs(ctx, store.JobFilter{Kinds: []string{"ship"}, States: []store.JobState{store.JobDone}}, 100)
		return len(jobs) >= n, ignoreCut(err)
	})
	if err != nil {
		t.Fatalf("wait for %d ships: %v", n, err)
	}
}

// seen waits until the server has seen a head over all that is in the ledger, and returns
// a moment after that.
func (f *fleet) seen(t *testing.T, st *store.Store) time.Time {
	t.Helper()
	err := f.until(t, func(ctx context.Context) (bool, error) {
		text, err := os.ReadFile(f.file("../server/state/" + tree.SeenFile))
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		var x tree.Sighting
		if err := json.Unmarshal(text, &x); err != nil {
			return false, err
		}
		var waiting int64
		err = st.Snapshot(ctx, func(s store.Snapshot) error {
			r, err := tree.Verify(ctx, s, tree.Against{Public: f.read(t, filepath.Join("../server/state", tree.PublicFile))})
			waiting = r.Waiting
			return err
		})
		h, headErr := st.SignedHead(ctx)
		return headErr == nil && waiting == 0 && h.Note == x.Head, ignoreCut(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return time.Now()
}

// ignoreCut leaves out that PostgreSQL is restarted just now.
func ignoreCut(err error) error {
	if slipway.KindOf(err) == slipway.Unavailable {
		return nil
	}
	return err
}
