package gitea_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server is a real Gitea, run by the tests, with SQLite in a folder of its own. It
// has the users ada, bob, eve and robot, an administrator, whose password is password;
// and the organization acme with the team data, of ada and bob.
type server struct {
	url   string
	token string // of robot

	mu    sync.Mutex
	repos int
}

const password = "a-password-of-tests"

var shared = sync.OnceValues(start)

// giteaOf starts the Gitea that all tests of this package share. Where it is not
// built they are skipped; in CI only where it could not be.
func giteaOf(t testing.TB) *server {
	t.Helper()
	folder, tried := os.LookupEnv("SLIPWAY_TEST_GITEA")
	if folder == "" && !tried {
		out, err := exec.Command("../../scripts/gitea.sh", "--built").Output()
		folder = strings.TrimSpace(string(out))
		if err != nil && os.Getenv("CI") != "" {
			t.Fatal("CI runs all tests, and Gitea is not built: scripts/gitea.sh")
		}
	}
	if folder == "" {
		t.Skip("SKIPPED: no Gitea to test with: scripts/gitea.sh builds one")
	}
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start() (*server, error) {
	folder := os.Getenv("SLIPWAY_TEST_GITEA")
	if folder == "" {
		out, err := exec.Command("../../scripts/gitea.sh", "--built").Output()
		if err != nil {
			return nil, err
		}
		folder = strings.TrimSpace(string(out))
	}
	work, err := os.MkdirTemp("", "slipway-gitea-")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return nil, err
	}
	s := &server{url: "http://" + address.String()}
	settings := filepath.Join(work, "app.ini")
	if err := os.WriteFile(settings, []byte(fmt.Sprintf(appINI, work, address.Port, s.url, folder)), 0o600); err != nil {
		return nil, err
	}
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(folder, "gitea"), append([]string{"--config", settings}, args...)...)
		cmd.Env = append(os.Environ(), "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true", "HOME="+work, "USER="+os.Getenv("USER"))
		return cmd
	}
	if out, err := run("migrate").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gitea migrate: %w: %s", err, out)
	}
	if out, err := run("admin", "user", "create", "--admin", "--username", "robot", "--password", password, "--email", "robot@example.com", "--must-change-password=false").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gitea admin user create: %w: %s", err, out)
	}
	cmd := run("web")
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(work)
	}
	if err := s.wait(); err != nil {
		return nil, err
	}
	return s, s.fill()
}

// stop ends the server with the tests.
var stop = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stop()
	os.Exit(code)
}

const appINI = `APP_NAME = tests
RUN_MODE = prod
WORK_PATH = %s
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %d
ROOT_URL = %s/
STATIC_ROOT_PATH = %s
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
SECRET_KEY = tests
PASSWORD_HASH_ALGO = pbkdf2$1000$8
PASSWORD_COMPLEXITY = off
[log]
MODE = console
LEVEL = error
[webhook]
ALLOWED_HOST_LIST = *
[repository]
DEFAULT_BRANCH = main
[cron]
ENABLED = false
[actions]
ENABLED = false
`

// wait waits until it answers, or ends.
func (s *server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/healthz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gitea does not answer: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *server) fill() error {
	for _, name := range []string{"ada", "bob", "eve"} {
		if err := s.do("robot", "POST", "/admin/users", map[string]any{
			"username": name, "email": name + "@example.com", "password": password, "must_change_password": false,
		}, nil); err != nil {
			return err
		}
	}
	var token struct{ SHA1 string }
	if err := s.do("robot", "POST", "/users/robot/tokens", map[string]any{
		"name": "tests", "scopes": []string{"read:organization", "read:user", "write:issue", "write:repository"},
	}, &token); err != nil {
		return err
	}
	s.token = token.SHA1
	if err := s.do("robot", "POST", "/orgs", map[string]any{"username": "acme", "visibility": "private"}, nil); err != nil {
		return err
	}
	var team struct{ ID int }
	if err := s.do("robot", "POST", "/orgs/acme/teams", map[string]any{"name": "data", "permission": "read", "units": []string{"repo.code"}}, &team); err != nil {
		return err
	}
	for _, name := range []string{"ada", "bob"} {
		if err := s.do("robot", "PUT", fmt.Sprintf("/teams/%d/members/%s", team.ID, name), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// do calls the API as somebody.
func (s *server) do(who, method, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, s.url+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.SetBasicAuth(who, password)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err = io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s as %s: %s: %s", method, path, who, answer.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// repository makes one with a commit, and a clone of it.
func (s *server) repository(t testing.TB) world {
	t.Helper()
	s.mu.Lock()
	s.repos++
	name := fmt.Sprintf("acme/r%d", s.repos)
	s.mu.Unlock()
	w := world{t: t, s: s, name: name, clone: t.TempDir()}
	w.do("robot", "POST", "/orgs/acme/repos", map[string]any{"name": strings.TrimPrefix(name, "acme/"), "auto_init": true, "default_branch": "main", "private": true}, nil)
	for login, permission := range map[string]string{"ada": "admin", "bob": "write", "eve": "read"} {
		w.do("robot", "PUT", "/repos/"+name+"/collaborators/"+login, map[string]any{"permission": permission}, nil)
	}
	w.git("clone", "--quiet", strings.Replace(s.url, "://", "://bob:"+password+"@", 1)+"/"+name+".git", ".")
	return w
}

// A world is what people do at a repository of a real Gitea.
type world struct {
	t     testing.TB
	s     *server
	name  string
	clone string
}

func (w world) do(who, method, path string, in, out any) {
	w.t.Helper()
	if err := w.s.do(who, method, path, in, out); err != nil {
		w.t.Fatal(err)
	}
}

// git runs git in the clone.
func (w world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-c", "user.name=Bob", "-c", "user.email=bob@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = w.clone
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w world) Push(_ testing.TB, branch string, files map[string]string) string {
	if w.git("branch", "--list", branch) == "" {
		w.git("checkout", "--quiet", "-b", branch, "main")
	} else {
		w.git("checkout", "--quiet", branch)
	}
	for path, content := range files {
		file := filepath.Join(w.clone, path)
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil && content == "" {
			err = os.Remove(file)
		} else if err == nil {
			err = os.WriteFile(file, []byte(content), 0o644)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "--all")
	w.git("commit", "--quiet", "--allow-empty", "-m", "change "+branch)
	w.git("push", "--quiet", "origin", branch)
	return w.git("rev-parse", "HEAD")
}

func (w world) Drop(_ testing.TB, branch string) { w.git("push", "--quiet", "origin", ":"+branch) }

func (w world) Tag(_ testing.TB, name, commit string, annotated bool) {
	if annotated {
		w.git("tag", "-a", "-m", name, name, commit)
	} else {
		w.git("tag", name, commit)
	}
	w.git("push", "--quiet", "origin", "refs/tags/"+name)
}

func (w world) Open(_ testing.TB, branch, title string) int {
	var made struct{ Number int }
	w.do("bob", "POST", "/repos/"+w.name+"/pulls", map[string]any{"head": branch, "base": "main", "title": title}, &made)
	return made.Number
}

func (w world) Close(_ testing.TB, number int) {
	w.do("ada", "PATCH", w.at("pulls", number, ""), map[string]any{"state": "closed"}, nil)
}

// Merge merges when Gitea has found out that it can, which takes it a while.
func (w world) Merge(_ testing.TB, number int) string {
	w.t.Helper()
	var err error
	for late := time.Now().Add(5 * time.Minute); time.Now().Before(late); {
		if err = w.s.do("ada", "POST", w.at("pulls", number, "/merge"), map[string]any{"Do": "squash"}, nil); err == nil {
			break
		}
		select {
		case <-w.t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.git("fetch", "--quiet", "origin", "main")
	return w.git("rev-parse", "FETCH_HEAD")
}

func (w world) Review(_ testing.TB, number int, verdict, body string) {
	event := map[string]string{"approve": "APPROVED", "reject": "REQUEST_CHANGES", "comment": "COMMENT"}[verdict]
	w.do("ada", "POST", w.at("pulls", number, "/reviews"), map[string]any{"event": event, "body": body}, nil)
}

func (w world) Say(_ testing.TB, number int, body string) {
	w.do("ada", "POST", w.at("issues", number, "/comments"), map[string]any{"body": body}, nil)
}

func (w world) Ask(_ testing.TB, number int) {
	w.do("bob", "POST", w.at("pulls", number, "/requested_reviewers"), map[string]any{"reviewers": []string{"ada"}}, nil)
}

func (w world) Mark(_ testing.TB, number int, label string) {
	var made struct{ ID int }
	w.do("ada", "POST", "/repos/"+w.name+"/labels", map[string]any{"name": label, "color": "#00aabb"}, &made)
	w.do("ada", "POST", w.at("issues", number, "/labels"), map[string]any{"labels": []int{made.ID}}, nil)
}

func (w world) Judge(_ testing.TB, commit, name, state, summary string) {
	word := map[string]string{"pass": "success", "fail": "failure", "error": "error", "pending": "pending"}[state]
	w.do("ada", "POST", "/repos/"+w.name+"/statuses/"+commit, map[string]any{"context": name, "state": word, "description": summary}, nil)
}

func (w world) at(kind string, number int, rest string) string {
	return fmt.Sprintf("/repos/%s/%s/%d%s", w.name, kind, number, rest)
}
