package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// TestMain is also the parent of a step that is killed, in a process of its own.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SANDBOX_TEST_PARENT"); dir != "" {
		box := sandbox.New(sandbox.Config{Isolation: sandbox.Isolation(os.Getenv("SANDBOX_TEST_ISOLATION")), Environ: os.Environ()})
		text := forked
		if os.Getenv("SANDBOX_TEST_ISOLATION") == "" {
			text = strings.Replace(text, "setsid", "", 1) // without a namespace who leaves the session is beyond reach
		}
		_, err := box.Run(context.Background(), sandbox.Step{Argv: sh(text), Dir: dir, Env: path, Writable: []string{dir}, Output: os.Stdout})
		fmt.Println(err)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

var path = []string{"PATH=/usr/bin:/bin"}

func sh(text string) []string { return []string{"sh", "-c", text} }

// each runs a test without isolation, and with it where this machine can.
func each(t *testing.T, test func(t *testing.T, c sandbox.Config)) {
	t.Helper()
	t.Run("unisolated", func(t *testing.T) { test(t, sandbox.Config{Grace: time.Minute}) })
	t.Run("isolated", func(t *testing.T) { test(t, isolated(t)) })
}

// isolated is a configuration that isolates. A machine that cannot is passed over,
// but never in CI.
func isolated(t *testing.T) sandbox.Config {
	t.Helper()
	c := sandbox.Config{Isolation: sandbox.Required, Environ: os.Environ(), Temp: t.TempDir(), Grace: time.Minute}
	if err := sandbox.New(c).Ready(t.Context()); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return c
}

func run(t *testing.T, c sandbox.Config, s sandbox.Step) (sandbox.Result, string) {
	t.Helper()
	var out bytes.Buffer
	s.Output = &out
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	s.Env = append(s.Env, path...)
	if s.Dir != "/" {
		s.Writable = append(s.Writable, s.Dir)
	}
	r, err := sandbox.New(c).Run(t.Context(), s)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return r, out.String()
}

func TestHowAStepEnds(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		iso := c.Isolation == sandbox.Required
		killed := sandbox.Result{Code: -1, Signal: syscall.SIGKILL}
		if iso {
			killed = sandbox.Result{Code: 137}
		}
		cases := map[string]struct {
			text string
			want sandbox.Result
			out  string
		}{
			"well":        {"echo hello; echo there >&2", sandbox.Result{}, "hello\nthere\n"},
			"with a code": {"exit 7", sandbox.Result{Code: 7}, ""},
			"killed":      {"kill -9 $$", killed, ""},
		}
		for name, tt := range cases {
			t.Run(name, func(t *testing.T) {
				got, out := run(t, c, sandbox.Step{Argv: sh(tt.text)})
				tt.want.Isolated = iso
				if diff := cmp.Diff(tt.want, got); diff != "" || out != tt.out {
					t.Errorf("(-want +got)\n%s\nprinted %q", diff, out)
				}
			})
		}
	})
}

func TestTheEnvironmentIsTheGivenOne(t *testing.T) {
	t.Setenv("OF_THE_SERVER", "secret")
	each(t, func(t *testing.T, c sandbox.Config) {
		_, out := run(t, c, sandbox.Step{Argv: sh(`echo "$A-$OF_THE_SERVER"; pwd; cat`), Env: []string{"A=b"}, Dir: "/", Stdin: strings.NewReader("in")})
		if out != "b-\n/\nin" {
			t.Errorf("printed %q", out)
		}
	})
}

// held is a named pipe of a step's whole tree: its end tells that all are gone.
func held(t *testing.T, dir string) <-chan error {
	t.Helper()
	name := filepath.Join(dir, "held")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		f, err := os.Open(name) // waits for the first writer
		if err == nil {
			_, err = io.Copy(io.Discard, f) // waits until no writer is left
		}
		gone <- err
	}()
	return gone
}

// forked starts children that do not want to end, one of them in a session of its
// own, and goes on.
const forked = `exec 3>held; trap "" TERM; sh -c 'trap "" TERM; sleep 100000' & setsid sh -c 'sleep 100000; :' & echo ready; wait; sleep 100000`

// A ready writer closes said once "ready" was written to it.
type ready struct {
	once sync.Once
	said chan struct{}
}

func newReady() *ready { return &ready{said: make(chan struct{})} }

func (r *ready) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("ready")) {
		r.once.Do(func() { close(r.said) })
	}
	return len(p), nil
}

func TestACancelEndsTheWholeTree(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		c.Grace = time.Millisecond
		dir, out := t.TempDir(), newReady()
		gone := held(t, dir)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stopped by ana")
		go func() { <-out.said; cancel(stop) }()
		_, err := sandbox.New(c).Run(ctx, sandbox.Step{Argv: sh(forked), Dir: dir, Env: path, Writable: []string{dir}, Output: out})
		if !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
		if err := <-gone; err != nil {
			t.Error(err)
		}
	})
}

func TestACancelLetsAStepCleanUp(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		dir, out := t.TempDir(), newReady()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-out.said; cancel() }()
		text := `trap 'echo clean > done; exit 0' TERM; sleep 100000 >/dev/null 2>&1 & echo ready; wait`
		_, err := sandbox.New(c).Run(ctx, sandbox.Step{Argv: sh(text), Dir: dir, Env: path, Writable: []string{dir}, Output: out})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "done")); err != nil || string(data) != "clean\n" {
			t.Errorf("it left %q, %v", data, err)
		}
	})
}

func TestNothingIsLeftBehind(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		dir := t.TempDir()
		gone := held(t, dir)
		// The child leaves the session, the output and its parent.
		text := `exec 3>held; (setsid sh -c 'sleep 100000; :' </dev/null >/dev/null 2>&1 &); sh -c 'exit 0' & echo done`
		if r, out := run(t, c, sandbox.Step{Argv: sh(text), Dir: dir}); r.Code != 0 || out != "done\n" {
			t.Errorf("got %+v %q", r, out)
		}
		if err := <-gone; err != nil {
			t.Error(err)
		}
	})
}

func TestTheEndOfTheParentEndsTheWholeTree(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		dir, out := t.TempDir(), newReady()
		gone := held(t, dir)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_PARENT="+dir, "SANDBOX_TEST_ISOLATION="+string(c.Isolation))
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-out.said
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-gone; err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
}

func TestLimits(t *testing.T) {
	hog := `import sys
data = bytearray(300 << 20)
print("ready", flush=True)
sys.stdin.read()`
	shm := `dd if=/dev/zero of=/dev/shm/x bs=1M count=300 2>/dev/null; sleep 100000`
	each(t, func(t *testing.T, c sandbox.Config) {
		cases := map[string]struct {
			argv   []string
			limits sandbox.Limits
			want   sandbox.Limit
			reason string
		}{
			"time":      {sh("sleep 100000"), sandbox.Limits{Time: 50 * time.Millisecond}, sandbox.Time, "exceeded its time limit of 50ms"},
			"memory":    {[]string{"python3", "-c", hog}, sandbox.Limits{Memory: 100e6}, sandbox.Memory, "of memory, of 100 MB allowed"},
			"processes": {sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100000 & done; wait"), sandbox.Limits{Processes: 8}, sandbox.Processes, "processes and threads, of 8 allowed"},
			"bomb":      {sh("i=0; while [ $i -lt 150 ]; do sleep 1000 & i=$((i+1)); done; wait"), sandbox.Limits{Processes: 40}, sandbox.Processes, "processes and threads, of 40 allowed"},
			"output":    {sh("yes"), sandbox.Limits{Output: 1000}, sandbox.Output, "printed more than 1 kB"},
		}
		if c.Isolation == sandbox.Required {
			cases["memory in files"] = struct {
				argv   []string
				limits sandbox.Limits
				want   sandbox.Limit
				reason string
			}{sh(shm), sandbox.Limits{Memory: 100e6}, sandbox.Memory, "of memory, of 100 MB allowed"}
		}
		for name, tt := range cases {
			t.Run(name, func(t *testing.T) {
				r, w := io.Pipe() // nothing ever comes
				defer w.Close()
				got, out := run(t, c, sandbox.Step{Argv: tt.argv, Limits: tt.limits, Stdin: r})
				if got.Limit != tt.want || !strings.HasSuffix(got.Reason, tt.reason) {
					t.Errorf("got %+v", got)
				}
				if tt.want == sandbox.Output && out != strings.Repeat("y\n", 500)+"\nslipway: more than 1 kB were printed; the rest is left out, and the step is ended\n" {
					t.Errorf("printed %q", out)
				}
			})
		}
	})
}

func TestTheLimitsOfTheSandboxHoldWhereAStepHasNone(t *testing.T) {
	c := sandbox.Config{Limits: sandbox.Limits{Output: 10, Time: time.Hour}}
	if got, _ := run(t, c, sandbox.Step{Argv: sh("yes")}); got.Limit != sandbox.Output {
		t.Errorf("got %+v", got)
	}
	if got, _ := run(t, c, sandbox.Step{Argv: sh("echo 12345678901234567890"), Limits: sandbox.Limits{Output: 100}}); got.Limit != "" {
		t.Errorf("got %+v", got)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	each(t, func(t *testing.T, c sandbox.Config) {
		_, out := run(t, c, sandbox.Step{Argv: sh(`printf hun; printf ter22; printf %s "$KEY" | base64`), Env: []string{"KEY=hunter22"}, Mask: []string{"hunter22"}})
		if out != "***=\n" {
			t.Errorf("printed %q", out)
		}
	})
}

func TestAnIsolatedStepHasNoNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	try := []string{"python3", "-c", "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}
	if got, out := run(t, isolated(t), sandbox.Step{Argv: try}); got.Code != 1 || !strings.Contains(out, "Connection refused") {
		t.Errorf("got %+v\n%s", got, out)
	}
	if got, out := run(t, isolated(t), sandbox.Step{Argv: try, Network: true}); got.Code != 0 {
		t.Errorf("with a network: got %+v\n%s", got, out)
	}
}

// besideTmp is a folder that is not in /tmp, of which every step has its own.
func besideTmp(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(here, ".test-") //nolint:usetesting // t.TempDir is in /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestAnIsolatedStepWritesToItsFoldersAlone(t *testing.T) {
	c := isolated(t)
	dir, tools, outside, data := t.TempDir(), t.TempDir(), t.TempDir(), besideTmp(t)
	inData := filepath.Join(data, "copy")
	for _, file := range []string{filepath.Join(tools, "tool"), filepath.Join(outside, "other"), filepath.Join(data, "secret"), filepath.Join(inData, "file")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.Hide = []string{data}
	cases := map[string]struct {
		text string
		ok   bool
	}{
		"its folder":                     {"echo > made", true},
		"/tmp, which is its own":         {"echo > /tmp/made && cmp /tmp/made /var/tmp/made && echo > $HOME/x", true},
		"what others have in /tmp":       {"cat " + outside + "/other", false},
		"a folder that it may read":      {"cat " + tools + "/tool", true},
		"a write there":                  {"echo > " + tools + "/made", false},
		"a write to the machine":         {"echo > /usr/made", false},
		"a write to the kernel":          {"echo core > /proc/sys/kernel/core_pattern", false},
		"a home":                         {"[ -z \"$(ls -A /home /root 2>/dev/null | grep -v :)\" ]", true},
		"a write to a home":              {"echo > /root/made", false},
		"the data of the server":         {"cat " + data + "/secret", false},
		"its folder within that":         {"echo y > " + inData + "/file", true},
		"the processes of others":        {"[ $(ls /proc | grep -c '^[0-9]') -lt 8 ]", true},
		"sockets of the machine":         {"ls -A /run | grep .", false},
		"a device":                       {"ls /dev/sda /dev/vda /dev/kmsg /dev/mem", false},
		"more rights":                    {"mount -t tmpfs none /mnt", false},
		"the output without a stop":      {"echo hello > /dev/null", true},
		"a folder read-only within its ": {"echo > locked/x", false},
	}
	if err := os.Mkdir(filepath.Join(dir, "locked"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			got, out := run(t, c, sandbox.Step{Argv: sh(tt.text), Dir: dir, Writable: []string{inData}, ReadOnly: []string{tools, filepath.Join(dir, "locked")}})
			if (got.Code == 0) != tt.ok || !got.Isolated {
				t.Errorf("got %+v\n%s", got, out)
			}
		})
	}
	if data, err := os.ReadFile(filepath.Join(inData, "file")); err != nil || string(data) != "y\n" {
		t.Errorf("what it wrote is %q, %v", data, err)
	}
	if left, err := os.ReadDir(c.Temp); err != nil || len(left) != 0 {
		t.Errorf("left in the folder for /tmp: %v %v", left, err)
	}
}

func TestToolsInHiddenFoldersAreSeen(t *testing.T) {
	c := isolated(t)
	home := besideTmp(t)
	c.Hide = []string{home}
	for name, text := range map[string]string{"venv/bin/python9": "#!/bin/sh\ncat $(dirname $0)/../lib/mod", "venv/lib/mod": "a module\n", "secret": "no"} {
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	r, err := sandbox.New(c).Run(t.Context(), sandbox.Step{
		Argv: sh("python9; ls " + home), Dir: "/", Env: []string{"PATH=" + home + "/venv/bin:/usr/bin:/bin"}, Output: &out,
	})
	if err != nil || r.Code != 0 || out.String() != "a module\nvenv\n" {
		t.Errorf("got %+v, %v\n%s", r, err, out.String())
	}
}

func TestWithoutBubblewrap(t *testing.T) {
	var log bytes.Buffer
	c := sandbox.Config{Isolation: sandbox.Preferred, Environ: []string{"PATH=/nowhere"}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	box := sandbox.New(c)
	const why = "bubblewrap is not installed (no bwrap on the PATH)"
	for range 2 {
		got, err := box.Run(t.Context(), sandbox.Step{Argv: sh("true"), Dir: "/", Env: path})
		if want := (sandbox.Result{Note: "runs without isolation: " + why}); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if n := strings.Count(log.String(), "steps run without isolation"); n != 1 {
		t.Errorf("it is said %d times in the log:\n%s", n, log.String())
	}
	c.Isolation = sandbox.Required
	_, err := sandbox.New(c).Run(t.Context(), sandbox.Step{Argv: sh("true"), Dir: "/", Env: path})
	const way = "install it (Debian, Ubuntu: apt-get install bubblewrap), or set isolation: preferred"
	if err == nil || err.Error() != "steps have to be isolated and cannot be here: "+why || slipway.KindOf(err) != slipway.Unavailable || slipway.FixOf(err) != way {
		t.Errorf("got %v (%s), fix %q", err, slipway.KindOf(err), slipway.FixOf(err))
	}
}

func TestWithoutNamespaces(t *testing.T) {
	dir := t.TempDir()
	fake := "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2; exit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "bwrap"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	err := sandbox.New(sandbox.Config{Isolation: sandbox.Required, Environ: []string{"PATH=" + dir}}).Ready(t.Context())
	const want = "steps have to be isolated and cannot be here: bubblewrap cannot make namespaces here: No permissions to create a new namespace"
	if err == nil || err.Error() != want || !strings.HasPrefix(slipway.FixOf(err), "allow unprivileged user namespaces") {
		t.Errorf("got %v, fix %q", err, slipway.FixOf(err))
	}
}

func TestAStepThatCannotBeIsolated(t *testing.T) {
	dir := t.TempDir()
	fake := "#!/bin/sh\ncase $* in *status-fd*) echo 'bwrap: Creating new namespace failed: too many' >&2; exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "bwrap"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	box := sandbox.New(sandbox.Config{Isolation: sandbox.Required, Environ: []string{"PATH=" + dir}})
	_, err := box.Run(t.Context(), sandbox.Step{Argv: sh("true"), Dir: "/", Env: path})
	const want = "the step could not be isolated: bwrap: Creating new namespace failed: too many"
	const way = "see that the folders that it needs are there, and that bubblewrap works: bwrap --unshare-all --ro-bind / / true"
	if err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Unavailable || slipway.FixOf(err) != way {
		t.Errorf("got %v, fix %q", err, slipway.FixOf(err))
	}
}

func TestCommandsThatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"plain": "x", "binary": "\x00\x01", "lost": "#!/of/nobody\n"} {
		mode := os.FileMode(0o755)
		if name == "plain" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		argv      []string
		kind      slipway.Kind
		want, fix string
	}{
		"not on the PATH": {[]string{"nobody"}, slipway.Unavailable, "the command nobody was not found in PATH (/usr/bin:/bin)", "install it, or correct the command"},
		"no file":         {[]string{"./nobody"}, slipway.Unavailable, "the command ./nobody was not found", "add it to the repository, or correct the command"},
		"a folder":        {[]string{"/usr"}, slipway.Invalid, "the command /usr is not a file", "correct the command"},
		"not executable":  {[]string{"./plain"}, slipway.Invalid, "the command ./plain is not executable", "run git update-index --chmod=+x on it, and commit"},
		"no program":      {[]string{"./binary"}, slipway.Invalid, "the command ./binary is no program for this machine", "a script needs a first line such as #!/bin/sh"},
		"no interpreter":  {[]string{"./lost"}, slipway.Unavailable, "the command ./lost names an interpreter in its first line that was not found", "install it, or correct that line"},
		"too long":        {[]string{"sh", strings.Repeat("x", 4<<20)}, slipway.Invalid, "the command sh has too many or too long arguments", "write them to a file, and have the command read it"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := sandbox.New(sandbox.Config{}).Run(t.Context(), sandbox.Step{Argv: tt.argv, Dir: dir, Env: path})
			if err == nil || err.Error() != tt.want || slipway.KindOf(err) != tt.kind || slipway.FixOf(err) != tt.fix {
				t.Errorf("got %v (%s), fix %q", err, slipway.KindOf(err), slipway.FixOf(err))
			}
		})
	}
}

func TestEnviron(t *testing.T) {
	environ := []string{
		"PATH=/bin", "LC_ALL=C", "AWS_SECRET_ACCESS_KEY=x", "GITHUB_TOKEN=x", "HTTPS_PROXY=http://proxy:3128",
		"PIP_INDEX_URL=https://ana:pass@host/simple", "GOPROXY=https://goproxy.example,https://u:p@other.example,direct", "SSH_AUTH_SOCK=/run/x",
	}
	if got := sandbox.New(sandbox.Config{}).Environ(environ); !cmp.Equal(got, environ) {
		t.Errorf("without isolation: %q", got)
	}
	want := []string{"PATH=/bin", "LC_ALL=C", "HTTPS_PROXY=http://proxy:3128"}
	if diff := cmp.Diff(want, sandbox.New(sandbox.Config{Isolation: sandbox.Preferred}).Environ(environ)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFoldersOfKilledProcessesAreRemoved(t *testing.T) {
	c := isolated(t)
	left := filepath.Join(c.Temp, "slipway-step-left", "locked")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, c, sandbox.Step{Argv: sh("true")})
	if _, err := os.Stat(filepath.Dir(left)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

func BenchmarkStep(b *testing.B) {
	for _, mode := range []sandbox.Isolation{sandbox.None, sandbox.Preferred} {
		b.Run(string(mode), func(b *testing.B) {
			box := sandbox.New(sandbox.Config{Isolation: mode, Environ: os.Environ(), Temp: b.TempDir()})
			for b.Loop() {
				if _, err := box.Run(b.Context(), sandbox.Step{Argv: sh(":"), Dir: "/", Env: path}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestWithKeepsWhatIsRequired(t *testing.T) {
	nowhere := []string{"PATH=/nowhere"}
	for _, tt := range []struct{ first, then, want sandbox.Isolation }{
		{sandbox.None, sandbox.Required, sandbox.Required},
		{sandbox.Required, sandbox.None, sandbox.Required},
		{sandbox.Required, "", sandbox.Required},
		{sandbox.Preferred, sandbox.None, sandbox.None},
	} {
		box := sandbox.New(sandbox.Config{Isolation: tt.first, Environ: nowhere}).With(tt.then, sandbox.Limits{Output: 10})
		r, err := box.Run(t.Context(), sandbox.Step{Argv: sh("yes"), Dir: "/", Env: path})
		if refused := err != nil; refused != (tt.want == sandbox.Required) || !refused && (r.Limit != sandbox.Output || r.Note != "") {
			t.Errorf("%s with %s: %+v, %v", tt.first, tt.then, r, err)
		}
	}
}
