package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A Member is one release of a set, with the stage that it comes through.
type Member struct {
	Stage
	Version string
	App     string
	// Judge says what else keeps the release out, such as guard rails; nil: nothing.
	Judge func(ctx context.Context, r slipway.Release, record slipway.Digest) error
}

// SetOutput is what RunSet did.
type SetOutput struct {
	Set     slipway.ReleaseSet `json:"set"`
	Members []Output           `json:"members"` // in the order of the set
}

// A comer is a member on its way.
type comer struct {
	Member
	release   slipway.Release
	admission ledger.Admission
	in        bool
	out       Output
}

// RunSet takes releases of several apps to one environment, all or none. It copies and
// proves all bytes; then each release joins the set, behind the very history by which
// its gate was open; once all have joined, all come in. If a gate is closed, those that
// have joined leave again. The caller sees to it that one set at a time comes to an
// environment.
//
// It may be called again after a crash, whenever that was: the first member's chain
// decides. What came in before the set, by itself, stays and is no part of it.
func RunSet(ctx context.Context, by string, members ...Member) (SetOutput, error) {
	all, err := find(ctx, by, members)
	if err != nil {
		return SetOutput{}, err
	}
	set := setOf(all)
	out := SetOutput{Set: set}
	if err := each(all, func(c *comer) error { return c.judge(ctx, set) }); err != nil {
		return out, errors.Join(err, leave(ctx, by, all, set))
	}
	for _, c := range all {
		if !c.in {
			if c.out.Copied, err = c.copy(ctx, &c.release, &c.admission.Record); err != nil {
				return out, err
			}
		}
	}
	if err := each(all, func(c *comer) error { return c.join(ctx, by, set) }); err != nil {
		return out, errors.Join(err, leave(ctx, by, all, set))
	}
	for _, c := range all {
		if err := c.comeIn(ctx, set); err != nil {
			return out, err
		}
		c.out.Release = c.release
		out.Members = append(out.Members, c.out)
	}
	return out, nil
}

// find reads the members, in the order of the set.
func find(ctx context.Context, by string, members []Member) ([]*comer, error) {
	var all []*comer
	for _, m := range members {
		if slices.ContainsFunc(all, func(c *comer) bool { return c.App == m.App }) {
			return nil, slipway.Errorf(slipway.Invalid, "a set has one release of each app, and there are two of %s", m.App)
		}
		if err := m.order(); err != nil {
			return nil, err
		}
		r, a, err := m.find(ctx, Input{App: m.App, Version: m.Version})
		if err != nil {
			return nil, err
		}
		a.From, a.By, a.Time, a.Set = m.From.Environment.Name, by, m.Clock().UTC(), nil
		all = append(all, &comer{Member: m, release: r, admission: a})
	}
	slices.SortFunc(all, func(a, b *comer) int { return strings.Compare(a.App, b.App) })
	return all, nil
}

func setOf(all []*comer) slipway.ReleaseSet {
	var members []slipway.SetMember
	for _, c := range all {
		members = append(members, slipway.SetMember{App: c.App, Version: c.Version, Record: c.admission.Record})
	}
	return slipway.NewReleaseSet(all[0].From.Environment.Name, all[0].To.Environment.Name, members)
}

// each does something for every member, and tells of all for which it failed.
func each(all []*comer, do func(*comer) error) error {
	var failed []error
	for _, c := range all {
		if err := do(c); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.App, err))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	first := failed[0]
	return &slipway.Error{Kind: slipway.KindOf(first), Message: errors.Join(failed...).Error(), Fix: slipway.FixOf(first), Err: first}
}

// judge asks everything about a member before anything is done.
func (c *comer) judge(ctx context.Context, set slipway.ReleaseSet) error {
	h, err := ledger.ReadHistory(ctx, c.To.Ledger, c.subject(c.App))
	if err != nil {
		return err
	}
	if old, in := h.Admitted(c.Version); in {
		c.in = true
		if old.Record == c.admission.Record {
			return nil
		}
		there, _, err := repository.FindRelease(ctx, c.To.Repository, c.App, c.Version)
		if err != nil || !there.SameBytes(c.release) || there.Source.Commit != c.release.Source.Commit {
			return slipway.Errorf(slipway.Conflict, "release %s is in %s already, with another record: %s is not %s", c.Version, c.To.Environment.Name, old.Record, c.admission.Record).
				WithFix("a release never changes; release these bytes under another version")
		}
		return nil
	}
	waits := h.Joined(c.Version)
	switch {
	case waits != nil && waits.Set.Digest == set.Digest:
		return nil // it was open, and nothing is asked twice
	case waits != nil:
		return waiting(c.App, *waits)
	}
	if _, err := c.opens(ctx, h, c.release, c.admission.Record); err != nil {
		return err
	}
	if c.Judge == nil {
		return nil
	}
	return c.Judge(ctx, c.release, c.admission.Record)
}

// waiting is the error for a release that waits for the others of a set.
func waiting(app string, j ledger.Joining) error {
	return slipway.Errorf(slipway.Conflict, "release %s of %s waits to come to %s with %s", j.Version, app, j.Set.To, j.Set.Others(app)).
		WithFix("go on with that set: slipway promote %s %s", words(j.Set), j.Set.To)
}

// words are the members of a set as the command line takes them.
func words(set slipway.ReleaseSet) string {
	var all []string
	for _, m := range set.Members {
		all = append(all, m.App+"@"+m.Version)
	}
	return strings.Join(all, " ")
}

// write appends an entry about the set behind a history.
func (c *comer) write(ctx context.Context, h ledger.History, by, kind string, j ledger.Joining) error {
	_, err := c.To.Ledger.Append(ctx, ledger.Draft{
		Subject: h.Subject, After: h.Head, ID: fmt.Sprintf("%s/%s/%s/%d", kind, j.Set.Digest.Hex(), c.Version, h.Rounds()),
		Kind: kind, Time: c.Clock().UTC(), By: by, Body: j,
	})
	return err
}

// join says that the gate is open, behind the very history by which it is.
func (c *comer) join(ctx context.Context, by string, set slipway.ReleaseSet) error {
	for {
		h, err := ledger.ReadHistory(ctx, c.To.Ledger, c.subject(c.App))
		if err != nil {
			return err
		}
		if _, in := h.Admitted(c.Version); in || h.Joined(c.Version) != nil {
			return nil
		}
		st, err := c.opens(ctx, h, c.release, c.admission.Record)
		if err != nil {
			return err
		}
		if err := c.write(ctx, h, by, ledger.ReleaseJoined, ledger.Joining{Version: c.Version, Set: set, SignOffs: st.counted()}); slipway.KindOf(err) != slipway.Conflict || err == nil {
			return err
		}
	}
}

// leave takes back that releases have joined, unless one of them came in already: then
// all have joined, and the set is gone on with.
func leave(ctx context.Context, by string, all []*comer, set slipway.ReleaseSet) error {
	for _, c := range all {
		for {
			h, err := ledger.ReadHistory(ctx, c.To.Ledger, c.subject(c.App))
			if err != nil {
				return err
			}
			if a, in := h.Admitted(c.Version); in && a.Set != nil && a.Set.Digest == set.Digest {
				return nil
			}
			waits := h.Joined(c.Version)
			if waits == nil || waits.Set.Digest != set.Digest {
				break
			}
			if err := c.write(ctx, h, by, ledger.ReleaseLeft, ledger.Joining{Version: c.Version, Set: set}); err == nil {
				break
			} else if slipway.KindOf(err) != slipway.Conflict {
				return err
			}
		}
	}
	return nil
}

// comeIn lets a member in that has joined. What is said of it meanwhile comes too late.
func (c *comer) comeIn(ctx context.Context, set slipway.ReleaseSet) error {
	c.admission.Set = &set
	a := attestation{stage: c.Stage, release: c.release, admission: c.admission}
	made, err := ledger.AdmitIf(ctx, c.To.Ledger, c.subject(c.App), ledger.ReleasePromoted, c.admission, func(h ledger.History) ([]slipway.Digest, error) {
		waits := h.Joined(c.Version)
		if waits == nil || waits.Set.Digest != set.Digest {
			return nil, slipway.Errorf(slipway.Conflict, "release %s of %s no longer waits for the others of its set", c.Version, c.App).WithFix("call again")
		}
		return a.of(ctx, waits.SignOffs)
	})
	c.out.Made = made
	return err
}
