package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// A database that was restored to an earlier moment does not tell so. So each server
// keeps the newest signed head of the ledger in its data folder, and the one that leads
// in the repositories of the environments as well. Where the ledger does not go on from
// them, no server and no worker works: it would do again what was done since, and sign another history.

// publishOften is how often a new head is written to repositories at most.
const publishOften = time.Minute

// outside is what a server knows of the ledger besides the database.
type outside struct {
	public    string // the key of the heads; empty: none was signed yet
	head      tree.Head
	note      string
	published string    // the note that repositories have
	told      time.Time // when they got it
}

// recall holds the ledger against the heads that were seen of it, here and in the
// repositories of the environments.
func (s *Server) recall(ctx context.Context) (err error) {
	if s.accepted, err = s.store.Accepted(ctx); err != nil {
		return err
	}
	if s.outside.public, err = s.store.PublicKey(ctx, s.stateFolder()); err != nil {
		return err
	}
	mine, err := tree.ReadSighting(s.stateFolder())
	if err != nil {
		return err
	}
	if s.outside.head, err = s.store.Recall(ctx, mine, s.outside.public); err != nil {
		return err
	}
	if s.outside.head.Size > 0 { // else it was given up
		s.outside.note = mine.Head
	}
	return s.platformFlow(func(f *pipeline.Flow) error {
		for _, env := range announcedIn(s.settings.Load().platform) {
			h, err := f.PublishedHead(ctx, env)
			if err == nil && h.ID == s.id {
				_, err = s.store.Recall(ctx, tree.Sighting{Head: h.Head, Time: h.Time}, s.outside.public)
			}
			if err != nil {
				return fmt.Errorf("the head of the ledger in the repository of %s: %w", env, err)
			}
		}
		return nil
	})
}

// announcedIn are the environments in whose repositories a server makes heads known: those
// in which it has the last word.
func announcedIn(p *manifest.Platform) []string {
	var all []string
	for _, name := range p.EnvironmentNames() {
		if e, _ := p.Environment(name); !e.IsLocal() && e.Repository != "" && !e.LedgerInRepository {
			all = append(all, name)
		}
	}
	return all
}

// see keeps the newest head of the ledger, if the ledger goes on from the one before. If
// it does not, the error is [store.ErrBack].
func (s *Server) see(ctx context.Context) error {
	now, err := s.store.SignedHead(ctx)
	if err != nil || now.Note == s.outside.note {
		return err
	}
	if s.outside.public, err = s.store.PublicKey(ctx, s.stateFolder()); err != nil { // it may have been handed over
		return err
	}
	h, err := s.store.Recall(ctx, tree.Sighting{Head: now.Note, Time: s.Clock()}, s.outside.public)
	if err == nil && s.outside.note != "" {
		_, err = s.store.Recall(ctx, tree.Sighting{Head: s.outside.note, Time: s.Clock()}, s.outside.public)
	}
	if err != nil {
		return err
	}
	if err := (tree.Sighting{Head: now.Note, Time: s.Clock().UTC()}).Keep(s.stateFolder()); err != nil {
		return err
	}
	s.outside.head, s.outside.note = h, now.Note
	return nil
}

// announce makes the newest head known in the repositories.
func (s *Server) announce(ctx context.Context) error {
	if s.outside.note == "" || s.outside.note == s.outside.published {
		return nil
	}
	s.outside.told = s.Clock()
	err := s.platformFlow(func(f *pipeline.Flow) error {
		for _, env := range announcedIn(s.settings.Load().platform) {
			h := pipeline.PublishedHead{ID: s.id, Head: s.outside.note, Time: s.Clock().UTC()}
			if err := f.PublishHead(ctx, env, h); err != nil && slipway.KindOf(err) != slipway.Conflict { // another server was faster
				return fmt.Errorf("make the head known in the repository of %s: %w", env, err)
			}
		}
		return nil
	})
	if err == nil {
		s.outside.published = s.outside.note
	}
	return err
}

// seal keeps refusals in the ledger, puts what is new there into its Merkle tree, signs
// the head, and has it seen. It ends where the ledger went back.
func (s *Server) seal(ctx context.Context) error {
	led := false
	for pause(ctx, s.Tick) {
		err := s.see(ctx)
		led = err == nil && s.leads(ctx)
		if err == nil {
			err = s.rekey(ctx, led)
		}
		if led && err == nil {
			_, err = tree.Sequencer{Keeper: s.store, Signer: s.seals, After: s.outside.head}.All(ctx)
		}
		if led && err == nil {
			err = s.see(ctx)
		}
		if errors.Is(err, store.ErrBack) {
			return err
		}
		s.failed(ctx, "sign the head of the ledger", err)
		if !led {
			continue
		}
		s.failed(ctx, "keep the refusals in the ledger", s.store.ChainRefusals(ctx, s.Clock()))
		if s.Clock().Sub(s.outside.told) >= publishOften {
			s.failed(ctx, "make the head of the ledger known", s.announce(ctx))
		}
	}
	if !led {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestGoodbye)
	defer cancel()
	s.failed(ctx, "make the head of the ledger known", s.announce(ctx))
	return nil
}

// heed has a worker end where the ledger went back.
func (s *Server) heed(ctx context.Context) error {
	for pause(ctx, s.Tick) {
		err := s.see(ctx)
		if errors.Is(err, store.ErrBack) {
			return err
		}
		s.failed(ctx, "look at the head of the ledger", err)
	}
	return nil
}

// longestGoodbye is how long a server that ends takes to make the last head known.
const longestGoodbye = 5 * time.Second

// failed tells the log of what could not be done, and is tried again.
func (s *Server) failed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, what, "error", err) //nolint:sloglint // each caller has one
	}
}
