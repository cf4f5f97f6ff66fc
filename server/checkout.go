package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/telemetry"
)

// mirror returns the mirror of a repository, with the commits in it.
func (s *Server) mirror(ctx context.Context, a at, commits ...string) (*git.Mirror, error) {
	h, ok := s.forge(a.Forge)
	if !ok {
		return nil, slipway.Errorf(slipway.NotFound, "there is no forge %s in %s any more", a.Forge, s.Platform)
	}
	dir := filepath.Join(s.Folder, "git", fileName(a.String()))
	lock := s.mirrorLock(dir)
	lock.Lock()
	defer lock.Unlock()
	m, err := git.OpenMirror(ctx, dir, s.Environ)
	if err != nil {
		return nil, err
	}
	if err := s.touch(dir); err != nil {
		return nil, err
	}
	var missing []string
	for _, c := range commits {
		if _, was := s.fetched.Get(a.String() + "@" + c); was {
			continue
		}
		if !m.Has(ctx, c) {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		remote, err := h.Remote(ctx, a.Repository)
		if err != nil {
			return nil, err
		}
		fetching, span := telemetry.Start(ctx, "git fetch", slog.String("repository", a.String()))
		err = m.Fetch(fetching, remote.URL, remote.Header, missing...)
		span.End(err)
		if err != nil {
			return nil, err
		}
	}
	for _, c := range commits {
		s.fetched.Add(a.String()+"@"+c, true)
	}
	return m, nil
}

// mirrorLock is held by the one who fetches into the mirror in a folder, or removes it.
func (s *Server) mirrorLock(dir string) *sync.Mutex {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.mirrors[dir]
	if !ok {
		l = &sync.Mutex{}
		s.mirrors[dir] = l
	}
	return l
}

// checkedOut makes a working copy of a commit for fn, and clears it away after.
func (s *Server) checkedOut(ctx context.Context, a at, commit string, fn func(dir string) error) error {
	m, err := s.mirror(ctx, a, commit)
	if err != nil {
		return err
	}
	work := filepath.Join(s.Folder, "work")
	if err := os.MkdirAll(work, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(work, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, filepath.Base(fileName(a.Repository)))
	if err := m.Checkout(ctx, commit, tree); err != nil {
		return err
	}
	return fn(tree)
}

// fileName is a name as a file's: readable, and no other name's.
func fileName(name string) string {
	sum := sha256.Sum256([]byte(name))
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
	return plain[:min(len(plain), 60)] + "-" + hex.EncodeToString(sum[:6])
}
