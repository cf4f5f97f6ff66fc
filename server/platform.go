package server

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// The platform file is read again when it has changed, and holds once all of it does:
// it is valid, its forges could be opened, and its environments taken over. Until then
// the one before holds, and the server says so.

// settings are a platform file that holds, with the forges that it names. They are never
// changed, but replaced.
type settings struct {
	text     []byte
	platform *manifest.Platform
	forges   map[string]home
}

// retrySettings is the wait before a changed platform file that could not be taken is
// tried again as it stands: what it lacked may be there.
const retrySettings = 30 * time.Second

// platform is the platform file that holds.
func (s *Server) platform() (*manifest.Platform, error) {
	now := s.settings.Load()
	if now == nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the platform file is not read yet")
	}
	return now.platform, nil
}

// accessRules are those of access in the platform file that holds.
func (s *Server) accessRules() (access.Rules, error) {
	p, err := s.platform()
	if err != nil {
		return access.Rules{}, err
	}
	return p.Access(), nil
}

// forge is a forge of the platform file that holds.
func (s *Server) forge(name string) (home, bool) {
	now := s.settings.Load()
	if now == nil {
		return home{}, false
	}
	h, ok := now.forges[name]
	return h, ok
}

// readSettings reads the platform file and opens its forges, but those that are open
// already as it wants them.
func (s *Server) readSettings(ctx context.Context, text []byte) (*settings, error) {
	p, err := manifest.LoadPlatform(s.Platform, text)
	if err != nil {
		return nil, err
	}
	if _, err := pipeline.LoadRails(ctx, s.whereBy(filepath.Dir(s.Platform), text)); err != nil {
		return nil, err
	}
	next := &settings{text: text, platform: p, forges: map[string]home{}}
	for _, f := range p.Server.Forges {
		if f.Kind == "git" && !strings.Contains(f.URL, ":") && !filepath.IsAbs(f.URL) { // a folder beside the platform file
			f.URL = filepath.Join(filepath.Dir(s.Platform), f.URL)
		}
		if had, ok := s.forge(f.Name); ok && reflect.DeepEqual(had.set, f) {
			next.forges[f.Name] = had
			continue
		}
		opened, err := s.Forge(ctx, f, s.budgets)
		if err != nil {
			return nil, fmt.Errorf("open the forge %s: %w", f.Name, err)
		}
		next.forges[f.Name] = home{Forge: opened, set: f}
	}
	return next, nil
}

// platformText is what is in the platform file.
func (s *Server) platformText() ([]byte, error) {
	if s.Platform == "" {
		return nil, slipway.Errorf(slipway.Invalid, "a server needs a platform file")
	}
	text, err := os.ReadFile(s.Platform)
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read the platform file: %w", err).WithFix("name it with --platform")
	}
	return text, nil
}

// follow takes the platform file whenever it has changed, until ctx is done.
func (s *Server) follow(ctx context.Context) error {
	var refused string // what was said of it last
	var tried []byte   // what could not be taken
	var again time.Time
	for pause(ctx, s.Poll) {
		text, err := s.platformText()
		switch {
		case err == nil && bytes.Equal(text, s.settings.Load().text):
			refused, tried = "", nil
			s.figures.Refused.Store(0)
			continue
		case err == nil && bytes.Equal(text, tried) && s.Clock().Before(again):
			continue
		case err == nil:
			tried, again = text, s.Clock().Add(retrySettings)
			err = s.adopt(ctx, text)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.figures.Refused.Store(1)
		if err.Error() != refused {
			refused = err.Error()
			s.Log.ErrorContext(ctx, "the platform file has changed and cannot be used; the one before holds", "file", s.Platform, "error", err, "fix", slipway.FixOf(err))
			s.tell(ctx, store.Job{Subject: "platform"}, "platform.refused", outcomeOf(err))
		}
	}
	return nil
}

// adopt takes a changed platform file, wholly or not at all.
func (s *Server) adopt(ctx context.Context, text []byte) error {
	before := s.settings.Load()
	next, err := s.readSettings(ctx, text)
	if err != nil {
		return err
	}
	if s.Role == store.RoleServer {
		if err := s.takeOver(ctx, next, before.platform); err != nil {
			return err
		}
	}
	s.settings.Store(next)
	s.figures.Refused.Store(0)
	s.Log.InfoContext(ctx, "the platform file has changed, and holds", "file", s.Platform)
	if was, is := before.platform.Server, next.platform.Server; was.URL != is.URL || was.Database != is.Database {
		s.Log.WarnContext(ctx, "server.url and server.database of the platform file hold from the next start on", "file", s.Platform)
	}
	if s.Role == store.RoleWorker {
		return nil // the servers tell it
	}
	s.tell(ctx, store.Job{Subject: "platform"}, "platform.changed", map[string]any{"digest": slipway.DigestOf(text)})
	return s.store.Change(ctx, func(tx *store.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(next.forges)) {
			if had, ok := before.forges[name]; ok && had.Forge == next.forges[name].Forge {
				continue
			}
			if err := s.once(ctx, tx, jobLookForge, name, nil, "platform"); err != nil {
				return err
			}
		}
		return nil
	})
}
