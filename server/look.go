package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/store"
)

// at names a repository of a forge.
type at struct {
	Forge      string `json:"forge"`
	Repository string `json:"repository"`
}

func (a at) String() string { return a.Forge + "/" + a.Repository }

// sweep looks, again and again, at everything that a webhook may not have told.
func (s *Server) sweep(ctx context.Context) error {
	due := map[string]time.Time{}
	for {
		now := s.Clock()
		next := now.Add(time.Minute)
		leads := s.leads(ctx)
		if !leads {
			next = now.Add(s.Poll)
		}
		for name, h := range s.settings.Load().forges {
			if leads && !now.Before(due[name]) {
				err := s.store.Change(ctx, func(tx *store.Tx) error { return s.once(ctx, tx, jobLookForge, name, nil, bySweep) })
				if err != nil && ctx.Err() == nil {
					s.Log.ErrorContext(ctx, "have a forge looked at", "forge", name, "error", err)
				}
				s.news.Ring()
				due[name] = now.Add(h.set.Every)
			}
			if leads && due[name].Before(next) {
				next = due[name]
			}
		}
		if !pause(ctx, max(next.Sub(s.Clock()), 10*time.Millisecond)) {
			return nil
		}
	}
}

// bySweep is who asks for what the sweep has looked at.
const bySweep = "sweep"

// sweeping looks for the sweep in the background: a part of the forge's budget is kept for
// what people wait for. Where it has come to that, nothing is looked at: the next sweep
// asks again, and what a webhook tells of is not to wait for it.
func sweeping(ctx context.Context, j store.Job, look func(context.Context, store.Job) (done, error)) (done, error) {
	if j.By != bySweep {
		return look(ctx, j)
	}
	out, err := look(forge.InBackground(ctx), j)
	if _, limited := forge.LimitedUntil(err); limited {
		return done{idle: true}, nil
	}
	return out, err
}

// lookForge looks at which repositories a forge has.
func (s *Server) lookForge(ctx context.Context, j store.Job) (done, error) {
	return sweeping(ctx, j, s.readForge)
}

// lookRefs looks at the branches and tags of a repository.
func (s *Server) lookRefs(ctx context.Context, j store.Job) (done, error) {
	return sweeping(ctx, j, s.readRefs)
}

// readForge asks which repositories a forge has, and has each of them looked at.
func (s *Server) readForge(ctx context.Context, j store.Job) (done, error) {
	name := j.Subject
	h, ok := s.forge(name)
	if !ok {
		return done{}, slipway.Errorf(slipway.NotFound, "there is no forge %s in %s any more", name, s.Platform)
	}
	all, err := h.Repositories(ctx)
	if err != nil {
		return done{}, err
	}
	known, err := s.store.Repositories(ctx, name)
	if err != nil {
		return done{}, err
	}
	there := make(map[string]bool, len(all))
	for page := range slices.Chunk(all, lookPage) {
		for _, r := range page {
			there[r.Name] = true
		}
		if err := s.lookEach(ctx, name, page); err != nil {
			return done{}, err
		}
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		for _, r := range known {
			if !there[r.Name] {
				if err := tx.DropRepository(ctx, name, r.Name); err != nil {
					return err
				}
			}
		}
		return nil
	}}, nil
}

// lookPage is how many repositories are to be looked at by one transaction: a forge may
// have very many, and others have something to write meanwhile.
const lookPage = 500

// lookEach has repositories looked at. A power cut may undo that; then the next sweep
// has them looked at.
func (s *Server) lookEach(ctx context.Context, name string, page []forge.Repository) error {
	subjects := make([]string, len(page))
	for i, r := range page {
		subjects[i] = at{name, r.Name}.String()
	}
	err := s.store.ChangeSoon(ctx, func(tx *store.Tx) error {
		waiting, err := tx.AllWaiting(ctx, jobLookRefs, subjects)
		if err != nil {
			return err
		}
		for i, r := range page {
			if waiting[subjects[i]] {
				continue
			}
			if err := s.always(ctx, tx, jobLookRefs, subjects[i], r, bySweep, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	s.news.Ring()
	return err
}

// readRefs reads the branches and tags of a repository. A branch or tag that moved is
// kept, with what is to be done about it, in one transaction.
func (s *Server) readRefs(ctx context.Context, j store.Job) (done, error) {
	r, err := input[forge.Repository](j)
	if err != nil {
		return done{}, err
	}
	name, _, _ := strings.Cut(j.Subject, "/")
	h, ok := s.forge(name)
	if !ok {
		return done{}, slipway.Errorf(slipway.NotFound, "there is no forge %s in %s any more", name, s.Platform)
	}
	known, _, err := s.store.Repository(ctx, name, r.Name)
	if err != nil {
		return done{}, err
	}
	if r.DefaultBranch == "" { // it is empty, or could not be asked
		r.DefaultBranch = known.DefaultBranch
	}
	seen, other := known.RefsMark, known.DefaultBranch != r.DefaultBranch
	if other { // its head was no push to the default branch when it was seen
		seen = ""
	}
	refs, err := h.Refs(ctx, r.Name, seen)
	if err != nil {
		return done{}, s.unread(ctx, at{name, r.Name}, r, known, err)
	}
	listing := forge.Listing{Unchanged: true}
	from, hasRequests := h.Forge.(forge.Requests)
	if hasRequests {
		if listing, err = from.PullRequests(ctx, r.Name, known.RequestsMark); err != nil {
			return done{}, s.unread(ctx, at{name, r.Name}, r, known, err)
		}
	}
	return done{idle: refs.Unchanged && listing.Unchanged, then: func(ctx context.Context, tx *store.Tx) error {
		known.Forge, known.Name, known.DefaultBranch, known.URL = name, r.Name, r.DefaultBranch, r.URL
		known.Problem = ""
		if !refs.Unchanged {
			known.RefsMark = refs.Mark
			if err := s.moved(ctx, tx, at{name, r.Name}, branch{r.DefaultBranch, other}, refs, s.eraOf(known)); err != nil {
				return err
			}
		}
		known.Looked = s.Clock()
		if !listing.Unchanged {
			known.RequestsMark = listing.Mark
			if err := s.lookRequests(ctx, tx, at{name, r.Name}, listing); err != nil {
				return err
			}
		}
		return tx.PutRepository(ctx, known)
	}}, nil
}

// unread keeps that a repository could not be read, and why.
func (s *Server) unread(ctx context.Context, a at, r forge.Repository, known store.Repository, problem error) error {
	known.Forge, known.Name, known.URL = a.Forge, a.Repository, r.URL // not its branch: that is kept with its head
	known.Problem = problem.Error()
	if err := s.store.Change(ctx, func(tx *store.Tx) error { return tx.PutRepository(ctx, known) }); err != nil {
		return err
	}
	return problem
}

// branch is the default branch of a repository. Whichever it is that becomes that, such
// as the first one of a repository that was empty, counts as pushed.
type branch struct {
	name string
	new  bool
}

// era is what a server knows of a repository when it looks there.
type era int

const (
	eraKnown era = iota // what is new there was pushed since it looked
	eraNew              // it never looked
	eraLost             // what is new there may have been delivered by what the ledger lost
)

// eraOf says what is known of a repository.
func (s *Server) eraOf(known store.Repository) era {
	switch {
	case known.Looked.IsZero():
		return eraNew
	case known.Looked.Before(s.accepted):
		return eraLost
	}
	return eraKnown
}

// moved keeps where branches and tags are, and has work done for those that are
// new there: the default branch, and tags.
func (s *Server) moved(ctx context.Context, tx *store.Tx, a at, b branch, refs forge.Refs, when era) error {
	had, err := tx.Refs(ctx, a.Forge, a.Repository)
	if err != nil {
		return err
	}
	now := map[string]string{}
	for name, commit := range refs.Branches {
		now["heads/"+name] = commit
	}
	for name, commit := range refs.Tags {
		now["tags/"+name] = commit
	}
	for name := range had {
		if _, still := now[name]; !still {
			if err := tx.PutRef(ctx, a.Forge, a.Repository, name, ""); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		isDefault := name == "heads/"+b.name
		if had[name] == now[name] && !(isDefault && b.new) {
			continue
		}
		if err := tx.PutRef(ctx, a.Forge, a.Repository, name, now[name]); err != nil {
			return err
		}
		tag := strings.HasPrefix(name, "tags/") && when == eraKnown // old tags of a repository that is new here are history
		if !isDefault && !tag {
			continue
		}
		push := pushed{at: a, Ref: name, Commit: now[name], Known: when == eraLost}
		if _, _, err := s.enqueue(ctx, tx, store.Job{
			Key: "push/" + a.String() + "/" + name + "/" + newID(), Kind: jobPush, Subject: "push/" + a.String(), Input: toJSON(push), Made: s.Clock(), By: a.Forge,
		}); err != nil {
			return err
		}
		if err := tx.Tell(ctx, store.Event{Time: s.Clock(), Kind: "ref.moved", Subject: a.String(), Body: toJSON(push)}); err != nil {
			return err
		}
	}
	return nil
}
