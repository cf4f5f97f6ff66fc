package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// docsFolder holds the pages.
const docsFolder = "../../docs"

// TestPages does what the pages of docs/ show. In a page,
//
//   - a code block whose info string says file=NAME is that file: it is written,
//     in the folder where the reader then is;
//   - a block of console is what a reader types, behind "$ ", and sees. It is
//     typed into one shell after the other, which know of folders and variables
//     from each other. A command may fail only where the page shows it: by
//     Slipway's own error, or by echo $? as the next command;
//   - console spark is left out where Spark cannot be had, console notest always.
//
// In what a reader sees, a line "..." stands for any lines, "..." in a line for
// any text, and a line "^C" for the key that interrupts the command. Times,
// versions, digests and identities are the machine's; where the page types one it
// has shown before, the machine's is typed.
//
// Each page begins in an empty folder. UPDATE=1 writes what is seen into the
// pages that show something else.
func TestPages(t *testing.T) {
	for _, file := range docsPages(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			p := readPage(t, file)
			p.follow(t)
			if updating() && p.changed && !t.Failed() {
				p.write(t)
			}
		})
	}
}

func updating() bool { return os.Getenv("UPDATE") != "" }

func docsPages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(docsFolder + "/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", docsFolder, err)
	}
	return files
}

// A page is a file of Markdown, cut at the lines that begin or end code.
type page struct {
	file    string
	pieces  []*piece
	changed bool              // what is seen differs from what is shown
	names   map[string]string // what the page calls a thing, and what it is called here
}

// A piece is text, or the inside of a code block.
type piece struct {
	line  int      // of its first line, from 1
	info  string   // what stands behind the fence; text if it is none
	lines []string // without the fences
}

const pageText = "text"

func readPage(t *testing.T, file string) *page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{file: file, names: map[string]string{}}
	now := &piece{line: 1, info: pageText}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		if !fence {
			now.lines = append(now.lines, line)
			continue
		}
		p.pieces = append(p.pieces, now)
		if now.info != pageText {
			info = pageText
		}
		now = &piece{line: i + 2, info: info}
	}
	if now.info != pageText {
		t.Fatalf("%s:%d: the code block does not end", file, now.line)
	}
	p.pieces = append(p.pieces, now)
	return p
}

func (p *page) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	for i, at := range p.pieces {
		if i > 0 && at.info != pageText {
			b.WriteString("```" + at.info + "\n")
		} else if i > 0 {
			b.WriteString("```\n")
		}
		for _, line := range at.lines {
			b.WriteString(line + "\n")
		}
	}
	if err := os.WriteFile(p.file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// has reports whether the info string has a word.
func (c *piece) has(word string) bool { return slices.Contains(strings.Fields(c.info), word) }

// fileName is the file that the block is; empty if it is none.
func (c *piece) fileName() string {
	for _, word := range strings.Fields(c.info) {
		if name, ok := strings.CutPrefix(word, "file="); ok {
			return name
		}
	}
	return ""
}

// follow does what the page says, in its order.
func (p *page) follow(t *testing.T) {
	r := newReader(t, p)
	for _, at := range p.pieces {
		switch {
		case at.fileName() != "":
			r.save(t, at)
		case !at.has("console") || at.has("notest"):
		case at.has("spark") && !sparkIsHere(t):
			t.Logf("%s:%d: SKIPPED, for Spark cannot be had here", p.file, at.line)
		default:
			r.console(t, at)
		}
	}
}

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
	shell string // file of commands that bring a shell to where the last one was
	code  int    // how the last command ended
}

// homeOnPage is what the pages call the home folder.
const homeOnPage = "/home/mara"

func newReader(t *testing.T, p *page) *reader {
	t.Helper()
	root := t.TempDir()
	r := &reader{page: p, root: root, home: root + homeOnPage, shell: root + "/shell"}
	for _, dir := range []string{r.home + "/work", root + "/tmp", root + "/cache/slipway"} {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as home folders are
			t.Fatal(err)
		}
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
	return append(env, "HOME="+r.home, "XDG_CACHE_HOME="+r.root+"/cache", "TMPDIR="+r.root+"/tmp", "LC_ALL=C.UTF-8", "TZ=UTC",
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
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// matchesPage reports whether what is seen is what the page shows.
func matchesPage(want, got string) bool {
	want, got = alike(want), alike(got)
	if !strings.Contains(want, "...") {
		return want == got
	}
	var pattern strings.Builder
	pattern.WriteString("^")
	for line := range strings.Lines(want) {
		if line == "...\n" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, ".*"))
	}
	return regexp.MustCompile(pattern.String() + "$").MatchString(got)
}

// alike replaces all that differs from run to run and from machine to machine.
func alike(text string) string {
	for _, r := range unstableOnPage {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	return text
}

//nolint:gochecknoglobals // an immutable table
var unstableOnPage = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b0\.0\.0-\d{14}-[0-9a-f]{12}\b`), "VERSION"},
	{regexp.MustCompile(`-dirty\.[0-9a-f]{8}\b`), "-dirty.TREE"},
	{regexp.MustCompile(`\b\d{8}t\d{6}-[0-9a-f]{8}\b`), "RUN"},
	{regexp.MustCompile(`sha256:([0-9a-f]{64}|[0-9a-f]{8})\b`), "sha256:DIGEST"},
	{regexp.MustCompile(`/([0-9a-f]{64}|[0-9a-f]{20}|[0-9a-f]{8})/`), "/DIGEST/"},
	{regexp.MustCompile(`([^0-9a-f])([0-9a-f]{40}|[0-9a-f]{12})\b`), "${1}COMMIT"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "CLOCK"},
	{regexp.MustCompile(`\b(\d+ min \d+ s|\d+\.\d s|\d+ ms)\b`), "TOOK"},
	{regexp.MustCompile(`\bprocess \d+`), "process PID"},
	{regexp.MustCompile(`Python 3\.\d+(\.\d+)?`), "Python 3.X"},
	{regexp.MustCompile(`"(time|took_ns)":("[^"]*"|\d+)`), `"$1":TIME`},
	{regexp.MustCompile(`(?m)  \d+(\.\d+)?(ms|s)$`), "  TOOK"},
	{regexp.MustCompile(`(?m) +$`), ""},
	{regexp.MustCompile(`   +`), "  "},
}

// TestMatchesPage keeps the comparison from letting everything pass.
func TestMatchesPage(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\n", false},
		{"", "a\n", false},
		{"a\n...\nd\n", "a\nb\nc\nd\n", true},
		{"a\n...\nd\n", "a\nb\nc\n", false},
		{"...\nd\n", "d\n", true},
		{"a ... d\n", "a b c d\n", true},
		{"a ... d\n", "a b\nc d\n", false},
		{"done  31 ms\n", "done  1.2 s\n", true},
		{"done  31 ms\n", "stopped  31 ms\n", false},
		{"release 0.0.0-20261122101500-0123456789ab made\n", "release 0.0.0-20270101000000-ba9876543210 made\n", true},
		{"release 0.0.0-20261122101500-0123456789ab made\n", "release v1 made\n", false},
	} {
		if got := matchesPage(c.want, c.got); got != c.same {
			t.Errorf("%q and %q: %v", c.want, c.got, got)
		}
	}
}

var (
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageHeading = regexp.MustCompile(`^#+ (.*)$`)
)

// anchors are what links can lead to in a page, as GitHub names them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, at := range readPage(t, file).pieces {
		for _, line := range at.lines {
			if m := pageHeading.FindStringSubmatch(line); m != nil && at.info == pageText {
				found[anchorOf(m[1])] = true
			}
		}
	}
	return found
}

func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127 && r != '…':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// TestPageLinks follows the links of the pages that lead to files here.
func TestPageLinks(t *testing.T) {
	for _, file := range docsPages(t) {
		for _, at := range readPage(t, file).pieces {
			if at.info != pageText {
				continue
			}
			for _, m := range pageLink.FindAllStringSubmatch(strings.Join(at.lines, "\n"), -1) {
				checkLink(t, file, m[1])
			}
		}
	}
}

func checkLink(t *testing.T, file, link string) {
	t.Helper()
	if strings.Contains(link, "://") {
		return
	}
	name, anchor, _ := strings.Cut(link, "#")
	to := file
	if name != "" {
		to = filepath.Join(filepath.Dir(file), name)
	}
	if _, err := os.Stat(to); err != nil {
		t.Errorf("%s: the link %s leads nowhere", file, link)
		return
	}
	if anchor != "" && !anchors(t, to)[anchor] {
		t.Errorf("%s: there is no heading for the link %s", file, link)
	}
}

// TestPagesAreListed keeps the list of the pages complete.
func TestPagesAreListed(t *testing.T) {
	index, err := os.ReadFile(docsFolder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range docsPages(t) {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}

// TestCommandsAreDescribed looks for each command in the pages.
func TestCommandsAreDescribed(t *testing.T) {
	out, err := exec.Command("slipway", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range docsPages(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z]+)[ \n]`).FindAllStringSubmatch(string(out), -1)
	if len(commands) < 20 {
		t.Fatalf("the help names %d commands:\n%s", len(commands), out)
	}
	for _, m := range commands {
		if !strings.Contains(all.String(), "slipway "+m[1]) {
			t.Errorf("no page says slipway %s", m[1])
		}
	}
}

// TestTroubleshootingQuotes looks for each error that is a heading of
// troubleshooting.md in the code; "…" stands for what differs.
func TestTroubleshootingQuotes(t *testing.T) {
	code := productText(t)
	quoted := regexp.MustCompile("`([^`]+)`")
	n := 0
	for _, at := range readPage(t, docsFolder+"/troubleshooting.md").pieces {
		for i, line := range at.lines {
			if at.info != pageText || !strings.HasPrefix(line, "### ") {
				continue
			}
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				n++
				for _, part := range strings.Split(m[1], "…") {
					if part = strings.TrimSpace(part); !strings.Contains(code, part) {
						t.Errorf("troubleshooting.md:%d: nothing says %q", at.line+i, part)
					}
				}
			}
		}
	}
	if n == 0 {
		t.Error("troubleshooting.md quotes no error")
	}
}

// productText is all code that ships.
func productText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch ext := filepath.Ext(name); {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(name, ".") && len(name) > 2 || name == "testdata" || name == "tests"):
			return fs.SkipDir
		case ext != ".go" && ext != ".py", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(file)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
