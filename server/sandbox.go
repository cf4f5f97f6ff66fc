package server

import (
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/sandbox"
	"github.com/slipway-cd/slipway/store"
)

// mostPackages is how much of what package managers fetched is kept, in bytes.
const mostPackages = 20e9

// What a command of a team may use where the platform file says nothing else.
//
//nolint:gochecknoglobals // immutable table
var commandLimits = sandbox.Limits{Memory: 16e9, Processes: 8192, Output: 100e6}

// openSandbox makes what the commands of teams run in: isolated where this machine
// can, and never seeing what the server keeps.
func (s *Server) openSandbox() error {
	steps := filepath.Join(s.Folder, "steps")
	if err := os.MkdirAll(steps, 0o700); err != nil {
		return err
	}
	folder := s.Folder
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	s.box = sandbox.New(sandbox.Config{
		Isolation: sandbox.Preferred, Log: s.Log, Environ: s.Environ, Temp: steps, Hide: []string{folder}, Limits: commandLimits,
		Owner: fileName(folder),
	})
	packages := filepath.Join(s.Folder, "packages")
	s.packages = sandbox.NewCaches(packages, mostPackages, s.Clock)
	return os.MkdirAll(packages, 0o700)
}

// inSandbox has a flow's commands run in the sandbox. What is proposed and not
// merged may read the packages that others fetched, and leaves none for them.
func (s *Server) inSandbox(c *pipeline.Config, j store.Job) (end func() error, err error) {
	merged := j.Kind != jobCheck
	c.Sandbox, c.Event, c.Unmerged = s.box, eventOf(j), !merged
	if c.Packages, err = s.packages.Open(c.Project.Manifest.App, merged); err != nil {
		return nil, err
	}
	return c.Packages.Close, nil
}

// eventOf is what the checks of a job are asked for.
func eventOf(j store.Job) string {
	if j.Kind == jobCheck {
		return manifest.OnPullRequest
	}
	if in, err := input[delivery](j); err == nil && in.Tag != "" { // others than a delivery have no tag
		return manifest.OnTag
	}
	return manifest.OnPush
}
