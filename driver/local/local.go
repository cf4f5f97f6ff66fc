// Package local is the runtime on this machine: it runs Glue-shaped jobs and
// plain Python jobs as child processes that outlive the command that started
// them. README.md beside this file says what lies on disk.
//
// Start with New. A program that uses the package must also be able to become a
// run's supervisor, see Supervise and Config.Supervisor.
package local

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/sandbox"
)

// Config says where the runtime lives and what it gets from outside.
type Config struct {
	// Root is the environment's folder, absolute. Required.
	Root string
	// Cache is the folder for virtual environments and the awsglue shim,
	// absolute; any number of environments may share it. Required.
	Cache string
	// WorkDir is the folder that runs start in, so that relative paths in
	// arguments and tables mean files of the app. Empty: each run's own folder.
	WorkDir string
	// Supervisor is a command line that ends in Supervise, with the arguments
	// that the driver appends handed to it. Required for Start.
	Supervisor []string
	// Secrets gives the value behind a reference such as "redshift/password".
	// Nil: jobs that refer to secrets cannot run.
	Secrets func(ctx context.Context, ref string) (string, error)
	// Environ is the environment of the processes that are started, as
	// os.Environ gives it. PATH, HOME, PYENV_ROOT and JAVA_HOME in it are where
	// Python and Java are looked for.
	Environ []string
	// SearchDirs are the folders in which Python is looked for after PATH and
	// pyenv's. Nil: /usr/bin, /usr/local/bin, /opt/homebrew/bin and the bin
	// folders two levels below /opt.
	SearchDirs []string
	// Grace is how long a job that is stopped may take to end by itself before
	// it is killed. Zero: 10 seconds.
	Grace time.Duration
	// Sandbox runs what installs packages. Nil: without isolation.
	Sandbox *sandbox.Sandbox
	// Clock is the time of day. Nil is not allowed.
	Clock func() time.Time
	// Log gets what an operator may want to know. Nil: nothing is logged.
	Log *slog.Logger
	// Progress gets a line now and then while a virtual environment is built.
	// Nil: nobody is told.
	Progress func(line string)
}

func (c Config) withDefaults() Config {
	if c.Sandbox == nil {
		c.Sandbox = sandbox.New(sandbox.Config{Environ: c.Environ})
	}
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// A Driver runs jobs on this machine. It has every optional ability.
type Driver struct {
	cfg Config

	mu          sync.Mutex
	supervisors []int // process ids of supervisors that nobody has waited for yet
}

var (
	_ driver.Driver    = (*Driver)(nil)
	_ driver.Runner    = (*Driver)(nil)
	_ driver.Stopper   = (*Driver)(nil)
	_ driver.LogTailer = (*Driver)(nil)
	_ driver.Scheduler = (*Driver)(nil)
	_ driver.Pruner    = (*Driver)(nil)
)

// New returns the runtime over the folders of cfg. It touches nothing.
func New(cfg Config) *Driver { return &Driver{cfg: cfg.withDefaults()} }

var (
	appPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	idPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// jobFolder is the folder of an app's job. A name that could lead out of the
// root is refused.
func (d *Driver) jobFolder(app string) (string, error) {
	if len(app) > 128 || !appPattern.MatchString(app) || strings.Contains(app, "..") {
		return "", slipway.Errorf(slipway.Invalid, "%q cannot be the name of an app", app).
			WithFix("use letters, digits, dots, hyphens and underscores, at most 128, beginning with a letter or digit")
	}
	return filepath.Join(d.cfg.Root, "jobs", app), nil
}

// runFolder is the folder of a run, whether or not it is there.
func (d *Driver) runFolder(app, id string) (string, error) {
	job, err := d.jobFolder(app)
	if err != nil {
		return "", err
	}
	if len(id) > 128 || !idPattern.MatchString(id) {
		return "", slipway.Errorf(slipway.Invalid, "%q cannot be the id of a run", id).
			WithFix("use letters, digits, hyphens and underscores, at most 128")
	}
	return filepath.Join(job, "runs", id), nil
}

// exists reports whether there is anything under name.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
