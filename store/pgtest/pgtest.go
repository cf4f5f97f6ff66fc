// Package pgtest gives tests a PostgreSQL of their own, which ends with them. Start at
// New.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL in a temporary folder, behind a socket there.
type Server struct {
	dir     string // the folder: data is in its folder data
	bin     string
	setting string
	as      *syscall.SysProcAttr
	alive   io.Closer // the server ends when it is closed, as it is when this process dies
	end     *exec.Cmd
	made    atomic.Int64
}

// shared is the server of all tests of a program.
//
//nolint:gochecknoglobals // it is made once, and ends with the process
var shared = sync.OnceValues(func() (*Server, error) { return open("fsync=off") })

// New makes an empty database in the server that the tests of a program share, and
// returns its URL. Where there is no PostgreSQL the test is skipped, but never in CI.
func New(t testing.TB) string {
	t.Helper()
	s, err := shared()
	demand(t, err)
	return s.New(t)
}

// Need skips a test where there is no PostgreSQL, but never in CI.
func Need(t testing.TB) {
	t.Helper()
	_, err := shared()
	demand(t, err)
}

// Start starts a server that a test has for itself, to end or kill it. Unlike the
// shared one it waits for the disk.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := open("fsync=on")
	demand(t, err)
	t.Cleanup(s.Stop)
	return s
}

// demand ends a test that cannot have its server.
func demand(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errNone) && os.Getenv("CI") == "": //nolint:forbidigo // whether a test may be skipped
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// New makes an empty database, which is dropped when the test ends.
func (s *Server) New(t testing.TB) string {
	t.Helper()
	return s.create(t, "")
}

// create makes a database; how says of what.
func (s *Server) create(t testing.TB, how string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	s.execute(t, "CREATE DATABASE "+name+how)
	t.Cleanup(func() {
		if s.alive != nil {
			s.execute(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
	})
	return s.url(name)
}

// Copy makes a database in the shared server of what another one there has, to which
// nobody is connected, and returns its URL.
func Copy(t testing.TB, url string) string {
	t.Helper()
	s, err := shared()
	demand(t, err)
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return s.create(t, " TEMPLATE "+c.Database)
}

func (s *Server) url(name string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s", name, s.dir)
}

// Execute runs statements on a database behind everybody's back.
func Execute(t testing.TB, url, statements string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, statements); err != nil {
		t.Fatal(err)
	}
}

// Count asks a database for a number behind everybody's back.
func Count(t testing.TB, url, query string) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if err := c.QueryRow(ctx, query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *Server) execute(t testing.TB, statement string) {
	t.Helper()
	Execute(t, s.url("postgres"), statement)
}

// errNone says that this machine has no PostgreSQL.
var errNone = errors.New("this needs PostgreSQL's programs: apt-get install postgresql")

// programs finds the folder of PostgreSQL's programs, the newest first.
func programs() (string, error) {
	if file, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(file), nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb"} {
		found, _ := filepath.Glob(pattern) // the pattern is good
		if len(found) > 0 {
			return filepath.Dir(slices.Max(found)), nil
		}
	}
	return "", errNone
}

// open makes a server's folder, and starts the server.
func open(setting string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "slipway-pg-*")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, setting: setting, as: &syscall.SysProcAttr{Setpgid: true}}
	if err := s.unprivileged(); err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = s.as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.Run()
}

// unprivileged has the server run as somebody else than root, as it demands.
func (s *Server) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return err
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return err
		}
		s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // they are ids
		return os.Chown(s.dir, uid, gid)
	}
	return errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// guard runs the server for as long as its own input is open, and then ends it and
// removes the folder. So nothing is left of a test that is killed.
const guard = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 -c unix_socket_permissions=0777 -c "$3" >>"$2/log" 2>&1 &
server=$!
echo $server
read word
case $word in [Kk][Ii][Ll][Ll]) others=$(pgrep -P $server) ;; esac
kill -${word:-INT} $server 2>/dev/null
wait $server
for other in $others; do # they would end by themselves, and keep the next one from beginning until then
	n=0
	while kill -KILL $other 2>/dev/null && [ $n -lt 50 ]; do n=$((n + 1)); sleep 0.02; done
done
if [ -z "$word" ]; then rm -rf "$2"; fi
`

// Run starts the server again after Halt.
func (s *Server) Run() error {
	cmd := exec.Command("sh", "-c", guard, "sh", s.bin, s.dir, s.setting)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.alive, s.end = in, cmd
	return s.ready()
}

// ready waits until the server takes connections, and changes.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		err := s.takes(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL does not come up: %w\n%s", err, log)
		case <-time.After(20 * time.Millisecond): //nolint:forbidigo // somebody else's process
		}
	}
}

// takes says what keeps the server from taking changes, such as that it is still brought
// back to a moment.
func (s *Server) takes(ctx context.Context) error {
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	var recovering bool
	err = c.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovering)
	if err == nil && recovering {
		err = errors.New("it only reads")
	}
	return errors.Join(err, c.Close(ctx))
}

// Halt ends the server with a signal, QUIT or KILL as in a crash, and INT in good
// order. Run starts it again.
func (s *Server) Halt(signal string) {
	_, _ = io.WriteString(s.alive.(io.Writer), signal+"\n") //nolint:forcetypeassert // it is a pipe
	_ = s.end.Wait()                                        // as it was told
	if strings.EqualFold(signal, "KILL") {
		_ = os.Remove(filepath.Join(s.dir, "data", "postmaster.pid"))
	}
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	_ = s.alive.Close()
	_ = s.end.Wait() // as it was told
	s.alive = nil
}
