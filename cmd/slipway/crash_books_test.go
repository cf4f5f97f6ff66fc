//go:build linux && amd64

package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
)

// books are what a clone has of all that must happen once.
type books struct {
	Environments map[string]account
	Lines        []string // that runs wrote
	Files        []string // under final names; empty until they are asked for
}

// An account is what an environment has, versions as v1, v2, ... in the order of
// their commits.
type account struct {
	Releases    []string
	Deployments []string
	Live        string
	Runs        []string // newest first
}

// look reads the books through the command, and returns the histories as they
// are printed beside them.
func (c clone) look(t *testing.T, environments ...string) (books, string) {
	t.Helper()
	b := books{Environments: map[string]account{}}
	var printed strings.Builder
	for _, env := range environments {
		var a account
		text := c.history(t, env)
		printed.WriteString(text)
		versions := c.record(t, text, &a)
		c.observe(t, env, versions, &a)
		b.Environments[env] = a
	}
	if lines := strings.TrimSpace(c.read(t, "out/runs.txt")); lines != "" {
		b.Lines = strings.Split(lines, "\n")
	}
	return b, printed.String()
}

// history is what slipway history prints as JSON; where nothing was shipped yet
// it says that instead.
func (c clone) history(t *testing.T, env string) string {
	t.Helper()
	a := c.ask(t, "history", env, "--json")
	if a.code == 2 && strings.Contains(a.stderr, " was shipped from here yet") {
		return `{}`
	}
	if a.code != 0 {
		t.Fatalf("slipway history %s: exit code %d\n%s", env, a.code, a.stderr)
	}
	return a.stdout
}

// record enters a history into an account.
func (c clone) record(t *testing.T, text string, a *account) *strings.Replacer {
	t.Helper()
	var h struct {
		Deployments []slipway.Deployment
		Admissions  []ledger.Admission
	}
	parse(t, text, &h)
	return c.enter(t, ledger.History{Deployments: h.Deployments, Admissions: h.Admissions}, a)
}

// enter enters what a history tells once and for all.
func (c clone) enter(t *testing.T, h ledger.History, a *account) *strings.Replacer {
	t.Helper()
	commits, err := c.gitCommand("rev-list", "--reverse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, r := range h.Admissions {
		n := slices.Index(strings.Fields(string(commits)), r.Commit)
		pairs = append(pairs, r.Version, fmt.Sprintf("v%d", n+1))
	}
	versions := strings.NewReplacer(pairs...)
	for _, r := range h.Admissions {
		text := versions.Replace(r.Version)
		if r.From != "" {
			text += " from " + r.From
		}
		a.Releases = append(a.Releases, text)
	}
	for _, d := range h.Deployments {
		text := fmt.Sprintf("%d of %s %s", d.Number, versions.Replace(d.Plan.Target.Version), d.State)
		if d.RollbackOf != 0 {
			text += fmt.Sprintf(", back to %d", d.RollbackOf)
		}
		a.Deployments = append(a.Deployments, text)
	}
	return versions
}

// observe enters what the runtime says into an account.
func (c clone) observe(t *testing.T, env string, versions *strings.Replacer, a *account) {
	t.Helper()
	if len(a.Deployments) == 0 {
		return
	}
	var status []operate.Status
	parse(t, c.must(t, "status", env, "--json"), &status)
	a.see(status[0], versions)
}

// see enters what the runtime says.
func (a *account) see(s operate.Status, versions *strings.Replacer) {
	if s.Current == nil {
		return
	}
	a.Live = versions.Replace(s.Job.Target.Version) + " " + string(s.Job.State)
	for _, r := range s.Runs {
		a.Runs = append(a.Runs, fmt.Sprintf("%s of %s %s", r.ID, versions.Replace(r.Version), r.State))
	}
}

// settled looks once all runs have ended, as those may not have that a killed
// command started.
func (c clone) settled(t *testing.T, environments ...string) (books, string) {
	t.Helper()
	b, printed := c.look(t, environments...)
	waited := false
	for env, a := range b.Environments {
		for _, r := range a.Runs {
			if !strings.HasSuffix(r, " succeeded") {
				id, _, _ := strings.Cut(r, " ")
				c.must(t, "logs", "-f", env, id)
				waited = true
			}
		}
	}
	if waited {
		b, printed = c.look(t, environments...)
	}
	b.Files = c.names(t)
	return b, printed
}

func parse(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// Where files may lie that are not whole yet, by their path in the clone:
// temporary folders, and names that begin or end as those of unfinished files do.
var unfinished = regexp.MustCompile(`^tmp/|^cache/slipway/work/|^server/(work|steps|cache/work)/|/\.tmp/|/\.new-|/tmp-|\.new$`)

// Where every file is one that Slipway wrote.
var ours = regexp.MustCompile(`^cache/slipway/|^repository/(\.slipway|staging)/|^server/(cache|state)/|^srv/`)

var (
	artifact = regexp.MustCompile(`/(?:repository|artifacts)/[^/]+/([0-9a-f]{8})/[^/]+$`)
	release  = regexp.MustCompile(`^(.*)/[^/]+/releases/[^/]+$`)
	built    = regexp.MustCompile(`/cache/builds/[0-9a-f]{64}/entry$`)
)

// whole proves that each file under a final name is whole.
func (c clone) whole(t *testing.T) {
	t.Helper()
	c.files(t, func(name string, data []byte) {
		if unfinished.MatchString(name) {
			return
		}
		if err := c.check(name, data); err != nil {
			t.Errorf("%s is not whole: %v, it has %d bytes: %.100q", name, err, len(data), data)
		}
	})
}

// check says what is wrong with a file.
func (c clone) check(name string, data []byte) error {
	sum := sha256.Sum256(data)
	if m := artifact.FindStringSubmatch(name); m != nil && m[1] != hex.EncodeToString(sum[:4]) {
		return fmt.Errorf("its digest is %x", sum)
	}
	if statement.MatchString(name) && filepath.Base(name) != slipway.DigestOf(data).Hex()+".json" {
		return fmt.Errorf("its digest is %x", sum)
	}
	switch {
	case entry.MatchString(name):
		return c.checkEntry(entry.FindStringSubmatch(name)[1], data)
	case release.MatchString(name):
		return c.checkRelease(release.FindStringSubmatch(name)[1], data)
	case filepath.Ext(name) == ".json":
		var v any
		return json.Unmarshal(data, &v)
	case built.MatchString(name):
		digest, text, _ := strings.Cut(string(data), "\n")
		if digest != string(slipway.DigestOf([]byte(text))) {
			return errors.New("the rest does not have the digest that it begins with")
		}
	case strings.HasSuffix(name, "/.gitignore"):
		if string(data) != "*\n" {
			return errors.New("it does not ignore everything")
		}
	case strings.HasSuffix(name, "/holder"):
		if len(strings.TrimSpace(string(data))) != 24 {
			return errors.New("it is no id")
		}
	case filepath.Ext(name) == ".py":
		if len(data) == 0 && filepath.Base(name) != "__init__.py" {
			return errors.New("it is empty")
		}
	}
	return nil
}

// checkEntry proves that the statements are there, below the app's folder, that an
// entry of the ledger names, and that it names some.
func (c clone) checkEntry(root string, data []byte) error {
	var e struct {
		App        string           `json:"app"`
		Kind       string           `json:"kind"`
		Statements []slipway.Digest `json:"statements"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	joins := e.Kind == ledger.ReleaseJoined || e.Kind == ledger.ReleaseLeft // nobody has done anything by that
	if len(e.Statements) == 0 && !joins {
		return fmt.Errorf("%s rests on no statement", e.Kind)
	}
	for _, d := range e.Statements {
		if _, err := os.Stat(filepath.Join(c.dir, filepath.Dir(root), slipway.StatementKey(e.App, d))); err != nil {
			return err
		}
	}
	return nil
}

// checkRelease proves that all is there, in the repository root, that a release
// names.
func (c clone) checkRelease(root string, data []byte) error {
	var r slipway.Release
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	for _, a := range r.Files() {
		bytes, err := os.ReadFile(filepath.Join(c.dir, root, a.Key))
		if err != nil {
			return err
		}
		if d := slipway.DigestOf(bytes); d != a.Digest {
			return fmt.Errorf("%s is %s, not %s", a.Key, d, a.Digest)
		}
	}
	return nil
}

// names are those of all files under final names, without what differs between
// two clones that did the same.
func (c clone) names(t *testing.T) []string {
	t.Helper()
	var names []string
	c.files(t, func(name string, _ []byte) {
		if !unfinished.MatchString(name) && !database.MatchString(name) {
			names = append(names, statement.ReplaceAllString(digest.ReplaceAllString(name, "/DIGEST/"), "/evidence/DIGEST.json"))
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	// digest is that of check results, in which times are, and of the folder.
	digest = regexp.MustCompile(`/[0-9a-f]{8}/`)
	// statement is signed, with times in it; what no entry names is waste.
	statement = regexp.MustCompile(`/evidence/[0-9a-f]{64}\.json$`)
	entry     = regexp.MustCompile(`^(.*)/[^/]+/ledger/[0-9]{10}\.json$`)
	database  = regexp.MustCompile(`/slipway\.db(-wal|-shm|-journal)?$`)
)

// files shows all files that Slipway wrote, by their path in the clone. One may
// go away meanwhile: a run is at work.
func (c clone) files(t *testing.T, show func(name string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(c.dir, func(file string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(c.dir, file)
		if err != nil || d.IsDir() || !ours.MatchString(name) && !unfinished.MatchString(name) {
			return ignoreGone(err)
		}
		if d.Type()&fs.ModeSymlink != 0 { // to a definition
			if file = filepath.Join(file, "definition.json"); !exists(file) {
				t.Errorf("%s leads nowhere", name)
			}
		}
		data, err := os.ReadFile(file)
		if err == nil {
			show(name, data)
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
