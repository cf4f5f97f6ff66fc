// Command slipway takes code from a laptop to production and keeps it healthy
// there. This file chooses what is linked in; everything else is in the packages.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // so that a manifest means the same on a machine without time zones

	"golang.org/x/term"

	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/cmd/slipway/early"
	"github.com/slipway-cd/slipway/driver/local"
)

// superviseCommand is how this program becomes the supervisor of a run.
const superviseCommand = "supervise-run"

func main() { start(who()) }

// start does what the arguments say for a person, and ends the process.
func start(user string) {
	collectAsUsual(int(early.Percent))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, user)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, user string) int {
	if len(os.Args) > 1 && os.Args[1] == superviseCommand {
		err := local.Supervise(ctx, local.Config{
			Environ: os.Environ(), Secrets: secrets(os.Environ()), Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		}, os.Args[2:])
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n") //nolint:errcheck // it goes to the run's supervisor.log
			return 1
		}
		return 0
	}
	env, err := environment(user)
	if err != nil {
		os.Stderr.WriteString("slipway: " + err.Error() + "\n") //nolint:errcheck // there is nowhere else to say it
		return 70
	}
	return cli.Main(ctx, env)
}

// environment describes this process to the commands.
func environment(user string) (cli.Env, error) {
	dir, err := os.Getwd()
	if err != nil {
		return cli.Env{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return cli.Env{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), "slipway-cache")
	}
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	env := cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: terminal, Color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Width: width, Environ: os.Environ(), Dir: dir, Self: self, Version: version(), User: user, Process: os.Getpid(),
		Cache: filepath.Join(cache, "slipway"), Clock: time.Now, Secrets: secrets(os.Environ()), Log: slog.New(slog.DiscardHandler),
		Passphrase: passphrase,
	}
	env.Parts, env.Account, env.Keepers = parts(env), account(env.Environ), keepers(env.Environ)
	env.Store, env.Shared, env.Forge = databaseOf, sharedState(env), forges(env)
	return env, nil
}

// width is how wide the terminal is now; people make windows wider and narrower.
func width() int {
	columns, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || columns < 1 {
		return 80
	}
	return columns
}

// release is the version that scripts/release.sh builds; empty in other builds.
var release string //nolint:gochecknoglobals // the linker sets it

// version is what the build says of itself.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// who names the person at work, as user@host. On GitHub's runners, which all have
// one user, it is the person who pushed or merged.
func who() string {
	if actor := os.Getenv("GITHUB_ACTOR"); actor != "" && os.Getenv("GITHUB_ACTIONS") == "true" {
		return actor + "@github"
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
