package server

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// What nobody has to have for ever is deleted: of the database by the server that leads,
// in small steps; of a machine's disk by the process that works there. The ledger,
// artifacts and statements are never.

const (
	// tidyOften is how often it is looked for what can be deleted.
	tidyOften = time.Hour
	// tidyFirst is how long after its begin a process looks at its disk for the first time.
	tidyFirst = 5 * time.Minute
	// keptEvents is how many events are kept, for those who watch and were cut off.
	keptEvents = 100_000
	// keptWanted is how many commits on no branch, such as heads of pull requests from
	// elsewhere, stay in a mirror.
	keptWanted = 1000
)

// errNotLeading ends a step of tidying that another server goes on with.
var errNotLeading = errors.New("another server leads")

// kept is how long things are kept, by the platform file that holds.
func (s *Server) kept() manifest.Keep {
	if now := s.settings.Load(); now != nil {
		return now.platform.Server.Keep
	}
	return manifest.DefaultKeep()
}

// tidy deletes, now and then, what nobody asks for any more in the database.
func (s *Server) tidy(ctx context.Context) error {
	for {
		if !s.leads(ctx) {
			if !pause(ctx, s.Tick) {
				return nil
			}
			continue
		}
		if err := s.tidyDatabase(ctx); err != nil && !errors.Is(err, errNotLeading) {
			s.failed(ctx, "tidy the database", err)
		}
		s.failed(ctx, "remove what was measured", s.dropOldProbes(ctx))
		s.failed(ctx, "tidy the workflows", s.host.Prune())
		if !pause(ctx, tidyOften) {
			return nil
		}
	}
}

// tidyDatabase deletes once. Between two steps it rests for as long as a step takes, so
// that others have half of the database at least.
func (s *Server) tidyDatabase(ctx context.Context) error {
	rules, err := s.accessRules()
	if err != nil {
		return err
	}
	k, last := s.kept(), s.Clock()
	gone, err := s.store.Tidy(ctx, store.Keep{
		Now: s.Clock(), Jobs: k.Jobs, Logs: k.Logs, Closed: k.Closed, Events: keptEvents, Sessions: rules.Limits,
	}, func(ctx context.Context) error {
		if !pause(ctx, max(s.Clock().Sub(last), time.Millisecond)) {
			return ctx.Err()
		}
		if !s.leads(ctx) {
			return errNotLeading
		}
		last = s.Clock()
		return nil
	})
	var rows int64
	for table, n := range gone {
		rows += n
		if n > 0 {
			s.Log.DebugContext(ctx, "deleted what is not kept any more", "table", table, "rows", n)
		}
	}
	s.figures.Tidied.Add(rows)
	if err == nil {
		s.figures.TidiedAt.Store(s.Clock().Unix())
	}
	return err
}

// tidyDisk deletes, now and then, what nobody uses any more on this machine.
func (s *Server) tidyDisk(ctx context.Context) error {
	for wait := tidyFirst; pause(ctx, wait); wait = tidyOften {
		s.tidyDiskOnce(ctx)
	}
	return nil
}

func (s *Server) tidyDiskOnce(ctx context.Context) {
	before := s.Clock().Add(-s.kept().Caches)
	s.failed(ctx, "tidy the caches", pipeline.TidyCaches(s.stateFolder(), before))
	s.failed(ctx, "tidy the mirrors", s.tidyMirrors(ctx, before))
}

// tidyMirrors removes the mirrors that nobody used since a time, and has git pack the
// others.
func (s *Server) tidyMirrors(ctx context.Context, before time.Time) error {
	root := filepath.Join(s.Folder, "git")
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e.IsDir() && e.Name()[0] != '.' {
			err = errors.Join(err, s.tidyMirror(ctx, filepath.Join(root, e.Name()), before))
		}
	}
	return err
}

func (s *Server) tidyMirror(ctx context.Context, dir string, before time.Time) error {
	lock := s.mirrorLock(dir)
	lock.Lock()
	defer lock.Unlock()
	used, err := os.Stat(filepath.Join(dir, mirrorUsed))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is being made
	}
	if err != nil {
		return err
	}
	if used.ModTime().Before(before) {
		return os.RemoveAll(dir)
	}
	m, err := git.OpenMirror(ctx, dir, s.Environ)
	if err != nil {
		return err
	}
	return m.Tidy(ctx, keptWanted)
}

// mirrorUsed is a file in a mirror that nobody writes to: its time is when the mirror was
// used last.
const mirrorUsed = "config"

// touch keeps that a mirror is used.
func (s *Server) touch(dir string) error {
	return os.Chtimes(filepath.Join(dir, mirrorUsed), s.Clock(), s.Clock())
}
