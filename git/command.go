package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A command runs git in one folder with a clean environment.
type command struct {
	bin string
	dir string
	env []string
}

func newCommand(dir string, environ []string) (command, error) {
	bin, err := find("git", environ)
	if err != nil {
		return command{}, err
	}
	return command{bin: bin, dir: dir, env: cleanEnv(environ)}, nil
}

// find looks for a program on the PATH of environ, not on this process's own.
func find(name string, environ []string) (string, error) {
	for _, dir := range filepath.SplitList(lookup(environ, "PATH")) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && filepath.IsAbs(file) {
			return file, nil
		}
	}
	return "", slipway.Errorf(slipway.Unavailable, "git is not installed: there is no %s on the PATH", name).
		WithFix("install git (Debian, Ubuntu: apt-get install git; macOS: xcode-select --install) and try again")
}

func lookup(environ []string, key string) string {
	for _, kv := range slices.Backward(environ) {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v
		}
	}
	return ""
}

// cleanEnv drops the variables that would point git at another repository or
// make it answer in another language. How to reach a remote stays.
func cleanEnv(environ []string) []string {
	env := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return key == "LC_ALL" || key == "LANGUAGE" || strings.HasPrefix(key, "GIT_") && !keep(key)
	})
	return append(env,
		"LC_ALL=C",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=file:https:ssh",
	)
}

func keep(key string) bool {
	switch key {
	case "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_EXEC_PATH",
		"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_CEILING_DIRECTORIES":
		return true
	}
	return strings.HasPrefix(key, "GIT_CONFIG_") // safe.directory in containers
}

// settings hold whatever the user's configuration says.
//
//nolint:gochecknoglobals // immutable table
var settings = []string{
	"-c", "core.fsmonitor=false", // no hook runs
	"-c", "core.quotePath=false",
	"-c", "core.autocrlf=false", // the committed bytes, on every machine
	"-c", "core.sparseCheckout=false",
	"-c", "status.relativePaths=false",
	"-c", "protocol.version=2",
	"--literal-pathspecs",
}

// cmd makes the process; the caller starts it.
func (c command) cmd(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.bin, append(slices.Clone(settings), args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(slices.Clone(c.env), env...)
	cmd.WaitDelay = 2 * time.Second // a helper such as ssh may hold the pipes
	return cmd
}

// run returns what git prints.
func (c command) run(ctx context.Context, args ...string) ([]byte, error) {
	return c.runEnv(ctx, nil, args...)
}

func (c command) runEnv(ctx context.Context, env []string, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := c.cmd(ctx, env, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("git %s: %w", args[0], context.Cause(ctx))
	case errors.Is(err, fs.ErrNotExist):
		return nil, slipway.Errorf(slipway.NotFound, "there is no folder %s", c.dir)
	}
	return out, c.explain(args[0], stderr.String(), err)
}

// explain turns what git complains of into an error with the way out.
func (c command) explain(verb, stderr string, cause error) error {
	said := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(stderr), "fatal: "))
	switch {
	case strings.Contains(said, "dubious ownership"):
		return slipway.Errorf(slipway.Invalid, "git does not trust the repository in %s: another user owns it", c.dir).
			WithFix("%s", ownershipFix(said, c.dir))
	case strings.Contains(said, "not a git repository"):
		return slipway.Errorf(slipway.Invalid, "%s is not in a git repository", c.dir).
			WithFix("Slipway ships commits. Make it a repository: git init && git add . && git commit -m \"first version\"")
	case strings.Contains(said, "must be run in a work tree"):
		return slipway.Errorf(slipway.Invalid, "%s is in a bare git repository, which has no files to build", c.dir).
			WithFix("clone it and work in the clone: git clone %s", c.dir)
	case strings.Contains(said, "No space left on device"):
		return slipway.Errorf(slipway.Unavailable, "git %s: the disk is full", verb).
			WithFix("make room and try again")
	case said == "":
		return fmt.Errorf("git %s: %w", verb, cause)
	}
	return fmt.Errorf("git %s: %s", verb, said)
}

// ownershipFix returns git's own remedy, a command to copy.
func ownershipFix(said, dir string) string {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "git config ") {
			return "if you trust it: " + line
		}
	}
	return "if you trust it: git config --global --add safe.directory " + dir
}
