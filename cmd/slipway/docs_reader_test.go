package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// sparkIsHere reports whether scripts/test.sh has found what Spark needs.
func sparkIsHere(t *testing.T) bool {
	t.Helper()
	here := os.Getenv("SLIPWAY_TEST_PYTHON") != "" && !testing.Short()
	if !here && os.Getenv("CI") != "" {
		t.Fatal("Spark must be testable in CI: run scripts/test.sh, which sets it up")
	}
	return here
}

// A reader follows a page, with a home folder and a shell of its own.
type reader struct {
	page  *page
	root  string // in the place of / on the page
	home  string
	shell string   // file of commands that bring a shell to where the last one was
	code  int      // how the last command ended
	aws   []string // variables of the page's own AWS; nil: it has none
	at    string   // where the page's server listens; empty: it has none yet
	base  string   // the URL of the page's own PostgreSQL; empty: it has none
}

// homeOnPage is what the pages call the home folder, and databaseOnPage the database.
const (
	homeOnPage     = "/home/mara"
	databaseOnPage = "postgres://slipway@db.example.com/slipway"
)

func newReader(t *testing.T, p *page) *reader {
	t.Helper()
	root := t.TempDir()
	r := &reader{page: p, root: root, home: root + homeOnPage, shell: root + "/shell"}
	for _, dir := range []string{r.home + "/work", root + "/tmp", root + "/cache/slipway"} {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as home folders are
			t.Fatal(err)
		}
	}
	if slices.ContainsFunc(p.pieces, func(at *piece) bool { return at.has("aws") }) {
		r.aws = awsOf(t, root)
	}
	if slices.ContainsFunc(p.pieces, func(at *piece) bool { return at.has("postgres") }) {
		r.base = pgtest.New(t)
	}
	writeText(t, root+"/gitconfig", "[user]\n\tname = Mara\n\temail = mara@example.com\n[init]\n\tdefaultBranch = main\n")
	writeText(t, r.shell, "cd '"+r.home+"/work'\n")
	if cache := sharedCache(); cache != "" { // PySpark is 300 MB
		writeText(t, cache+"/venvs/README", "Virtual environments of tests; they may be removed.\n")
		if err := os.Symlink(cache+"/venvs", root+"/cache/slipway/venvs"); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// awsOf starts an AWS for a page, with the real AWS CLI to look at it.
func awsOf(t *testing.T, root string) []string {
	t.Helper()
	bin := root + "/bin"
	if err := os.MkdirAll(bin, 0o755); err != nil { //nolint:gosec // as such folders are
		t.Fatal(err)
	}
	if err := os.Symlink(awstest.CLI(t), bin+"/aws"); err != nil {
		t.Fatal(err)
	}
	return append(awstest.Own(t), "AWS_PAGER=", "PATH="+bin+":"+os.Getenv("PATH"))
}

// sharedCache is what scripts/test.sh keeps between runs of the tests; empty where
// somebody else runs them.
func sharedCache() string { return os.Getenv("SLIPWAY_TEST_CACHE") }

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as people make folders
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // as people make files
		t.Fatal(err)
	}
}

// save writes a file of the page into the folder where the reader is.
func (r *reader) save(t *testing.T, at *piece) {
	t.Helper()
	dir, err := exec.Command("sh", "-c", `. "$0"; pwd`, r.shell).Output() //nolint:gosec // our own file
	if err != nil {
		t.Fatalf("%s:%d: where the reader is: %v", r.page.file, at.line, err)
	}
	writeText(t, filepath.Join(strings.TrimSpace(string(dir)), at.fileName()), strings.Join(at.lines, "\n")+"\n")
}

// An exchange is a command and what it shows.
type exchange struct {
	line          int // of the page
	command, want string
	mayFail       bool
}

// exchanges cuts a console block.
func (at *piece) exchanges() []exchange {
	var all []exchange
	for i, line := range at.lines {
		command, typed := strings.CutPrefix(line, "$ ")
		switch {
		case typed:
			all = append(all, exchange{line: at.line + i, command: command})
		case len(all) == 0:
		case strings.HasPrefix(line, "> ") && all[len(all)-1].want == "":
			all[len(all)-1].command += "\n" + line[2:]
		default:
			all[len(all)-1].want += line + "\n"
		}
	}
	for i := range all {
		asked := i+1 < len(all) && all[i+1].command == "echo $?"
		all[i].mayFail = asked || strings.Contains("\n"+all[i].want, "\nslipway: ")
	}
	return all
}

// console types a block's commands.
func (r *reader) console(t *testing.T, at *piece) {
	t.Helper()
	var lines []string
	for _, e := range at.exchanges() {
		command := r.rename(e.command)
		got := r.enter(t, command, e)
		if r.code != 0 && !e.mayFail && !(updating() && strings.Contains("\n"+got, "\nslipway: ")) {
			t.Fatalf("%s:%d: %s: exit code %d\n%s", r.page.file, e.line, e.command, r.code, got)
		}
		same := matchesPage(e.want, got)
		r.learn(e.want, got)
		switch {
		case same && strings.Contains(e.want, "..."):
			got = r.rename(e.want) // the page leaves something out
		case same:
		case !updating():
			t.Errorf("%s:%d: %s shows\n%s\nnot\n%s\nUPDATE=1 writes it into the page", r.page.file, e.line, e.command, got, e.want)
		default:
			r.page.changed = true
		}
		lines = append(lines, "$ "+strings.ReplaceAll(command, "\n", "\n> "))
		if got != "" {
			lines = append(lines, strings.Split(strings.TrimSuffix(got, "\n"), "\n")...)
		}
	}
	at.lines = lines
}

// rename puts what things are called here in the place of what the page calls
// them.
func (r *reader) rename(text string) string {
	return nameOnPage.ReplaceAllStringFunc(text, func(name string) string {
		if here, ok := r.page.names[name]; ok {
			return here
		}
		return name
	})
}

// learn notes what is called otherwise here.
func (r *reader) learn(want, got string) {
	shown, here := nameOnPage.FindAllString(want, -1), nameOnPage.FindAllString(got, -1)
	if len(shown) != len(here) {
		return
	}
	for i := range shown {
		r.page.names[shown[i]] = here[i]
	}
}

// nameOnPage finds names that each machine makes for itself: versions, runs,
// commits.
var nameOnPage = regexp.MustCompile(`\b(0\.0\.0-\d{14}-[0-9a-f]{12}(-dirty\.[0-9a-f]{8})?|\d{8}t\d{6}-[0-9a-f]{8}|[0-9a-f]{40}|[0-9a-f]{12})\b`)

// enter types a command and returns what is seen, as the page would show it.
func (r *reader) enter(t *testing.T, command string, e exchange) string {
	t.Helper()
	command = r.reached(command)
	const atEnd = `{ export -p | grep -v -e ' PWD' -e ' OLDPWD' -e ' SHLVL' -e ' _='; printf "cd '%s'\n" "$PWD"; } >"$0"; exit $code`
	before, _, interrupted := strings.Cut("\n"+e.want, "\n^C\n")
	before = strings.TrimPrefix(before+"\n", "\n")
	script := fmt.Sprintf(". \"$0\"\n(exit %d)\n%s\ncode=$?\n%s", r.code, command, atEnd)
	if interrupted {
		script = ". \"$0\"\nexec " + command
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	screen, err := os.CreateTemp(r.root, "screen")
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", script, r.shell) //nolint:gosec // what the page says
	cmd.Env, cmd.Stdout, cmd.Stderr = r.environ(), screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupted {
		r.interrupt(ctx, t, cmd, screen.Name(), before, e)
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s:%d: %s: %v", r.page.file, e.line, command, err)
	}
	r.code = cmd.ProcessState.ExitCode()
	got := r.seen(t, screen.Name())
	if interrupted {
		r.code = 0 // it ended because somebody said so
		lines := strings.SplitAfter(got, "\n")
		got = strings.Join(slices.Insert(lines, strings.Count(before, "\n"), "^C\n"), "")
	}
	return got
}

// reached puts where the page's server and database are in the place of where they are
// on the page.
func (r *reader) reached(command string) string {
	if r.at != "" {
		command = strings.ReplaceAll(command, addressOnPage, r.at)
	}
	if r.base != "" {
		command = strings.ReplaceAll(command, databaseOnPage, "'"+r.base+"'")
	}
	return command
}

// interrupt presses Ctrl-C when the command has shown what the page shows until
// then.
func (r *reader) interrupt(ctx context.Context, t *testing.T, cmd *exec.Cmd, screen, before string, e exchange) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !matchesPage(before, r.seen(t, screen)) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s:%d: %s never shows\n%s\nbut\n%s", r.page.file, e.line, e.command, before, r.seen(t, screen))
		}
	}
	if err := syscall.Kill(cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// environ is what a reader's shell begins with.
func (r *reader) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "GIT_") || strings.HasPrefix(name, "SLIPWAY_") || strings.HasPrefix(name, "AWS_") || name == "UPDATE"
	})
	env = append(env, r.aws...)
	return append(env, "SLIPWAY_LISTEN=127.0.0.1:0", "HOME="+r.home, "XDG_CACHE_HOME="+r.root+"/cache", "TMPDIR="+r.root+"/tmp", "LC_ALL=C.UTF-8", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+r.root+"/gitconfig", "GIT_CEILING_DIRECTORIES="+r.root, "PYTHONDONTWRITEBYTECODE=1")
}

// seen is what is on the screen, as the page would show it.
func (r *reader) seen(t *testing.T, screen string) string {
	t.Helper()
	data, err := os.ReadFile(screen)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(r.root+"/tmp", "/tmp", r.root, "", who(), "mara@laptop").Replace(string(data))
	if r.at != "" {
		text = strings.ReplaceAll(text, r.at, addressOnPage)
	}
	if r.base != "" {
		text = strings.ReplaceAll(text, store.NameOf(r.base), store.NameOf(databaseOnPage))
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
