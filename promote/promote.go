// Package promote moves a release from one environment's artifact repository to
// the next one's: the same bytes, proved equal after the copy, in the order that
// the environments follow each other. Start at Stage.Run.
package promote

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A Place is an environment's side of a promotion.
type Place struct {
	Environment slipway.Environment
	Repository  repository.Repository
	Ledger      ledger.Ledger
}

// A Stage promotes from one environment to the one that follows it.
type Stage struct {
	From, To Place
	Rules    func(slipway.Release) Rules // whose yes a release needs; nil: nobody's
	// Rails are the roles that guard rails of To ask to sign. They may do so also
	// once the release is there, and From is then the same place.
	Rails []string
	// Hold is asked with what both environments' ledgers say; its error keeps the
	// release out. nil: nothing is asked.
	Hold  func(ctx context.Context, from, to ledger.History, r slipway.Release) error
	Clock func() time.Time
	// Attest writes the signed statement that a release is promoted, and returns its
	// digest. nil: there is none.
	Attest func(context.Context, slipway.Promotion, slipway.Release) ([]slipway.Digest, error)
}

// Input names the release to promote.
type Input struct {
	App     string
	Version string
	By      string
}

// Output is a release that is in the next environment.
type Output struct {
	Release slipway.Release `json:"release"`
	Made    bool            `json:"made"`   // false: it was there already
	Copied  int             `json:"copied"` // objects, those that were there already included
}

// Run promotes a release. A release that the first environment does not have is
// an error of kind NotFound; bytes that differ from what was released, on either
// side, are one of kind Conflict, and the release is then not let in. Those that
// differ at the first environment have the cause repository.ErrAltered. Run may be
// called again after a crash.
func (s Stage) Run(ctx context.Context, in Input) (Output, error) {
	if err := s.order(); err != nil {
		return Output{}, err
	}
	r, admission, err := s.find(ctx, in)
	if err != nil {
		return Output{}, err
	}
	if err := s.open(ctx, r, admission.Record); err != nil {
		return Output{}, err // before anything is copied
	}
	copied, err := s.copy(ctx, &r, &admission.Record)
	if err != nil {
		return Output{}, err
	}
	admission.From, admission.By, admission.Time = s.From.Environment.Name, in.By, s.Clock().UTC()
	a := attestation{stage: s, release: r, admission: admission}
	made, err := ledger.AdmitIf(ctx, s.To.Ledger, s.subject(in.App), ledger.ReleasePromoted, admission, func(h ledger.History) ([]slipway.Digest, error) {
		if waits := h.Joined(in.Version); waits != nil {
			return nil, waiting(in.App, *waits)
		}
		st, err := s.opens(ctx, h, r, admission.Record)
		if err != nil {
			return nil, err
		}
		return a.of(ctx, st.counted())
	})
	return Output{Release: r, Made: made, Copied: copied}, err
}

// subject is what the next environment's ledger has the release under.
func (s Stage) subject(app string) ledger.Subject {
	return ledger.Subject{App: app, Environment: s.To.Environment.Name}
}

// find returns the release as the first environment has it.
func (s Stage) find(ctx context.Context, in Input) (slipway.Release, ledger.Admission, error) {
	admission, err := s.admitted(ctx, in)
	if err != nil {
		return slipway.Release{}, admission, err
	}
	r, record, err := repository.FindRelease(ctx, s.From.Repository, in.App, in.Version)
	if err != nil {
		return r, admission, err
	}
	if record != admission.Record {
		return r, admission, s.changed(in, record, admission)
	}
	return r, admission, nil
}

// open asks the gate of the next environment as it is now.
func (s Stage) open(ctx context.Context, r slipway.Release, record slipway.Digest) error {
	if s.Rules == nil && s.Hold == nil {
		return nil
	}
	h, err := ledger.ReadHistory(ctx, s.To.Ledger, s.subject(r.App))
	if err != nil {
		return err
	}
	if _, ok := h.Admitted(r.Version); ok {
		return nil // what is in is in
	}
	_, err = s.opens(ctx, h, r, record)
	return err
}

// opens asks the gate with a history of the next environment, and says what opened
// it.
func (s Stage) opens(ctx context.Context, h ledger.History, r slipway.Release, record slipway.Digest) (Standing, error) {
	if s.Hold != nil {
		from, err := ledger.RecallHistory(ctx, s.From.Ledger, ledger.Subject{App: r.App, Environment: s.From.Environment.Name})
		if err != nil {
			return Standing{}, err
		}
		if err := s.Hold(ctx, from, h, r); err != nil {
			return Standing{}, err
		}
	}
	if s.Rules == nil {
		return Standing{}, nil
	}
	st, err := s.standing(ctx, h, r, record)
	if err != nil {
		return st, err
	}
	return st, st.Err()
}

func (s Stage) standing(ctx context.Context, h ledger.History, r slipway.Release, record slipway.Digest) (Standing, error) {
	signed, err := ReadSigned(ctx, s.To.Repository, h, r.Version)
	if err != nil {
		return Standing{}, err
	}
	return Judge(s.rules(r), r, record, s.To.Environment.Name, signed), nil
}

// rules are those for a release as it is now.
func (s Stage) rules(r slipway.Release) Rules {
	rules := s.Rules(r)
	rules.Now = s.Clock()
	return rules
}

// order refuses a promotion that leaves an environment out.
func (s Stage) order() error {
	if s.To.Environment.Follows == s.From.Environment.Name {
		return nil
	}
	if s.To.Environment.Follows == "" {
		return slipway.Errorf(slipway.Blocked, "%s follows no environment: releases are made there, not promoted to it", s.To.Environment.Name).
			WithFix("slipway release makes one")
	}
	return slipway.Errorf(slipway.Blocked, "%s follows %s, so a release cannot come to it from %s",
		s.To.Environment.Name, s.To.Environment.Follows, s.From.Environment.Name).
		WithFix("promote it to %s first", s.To.Environment.Follows)
}

func (s Stage) admitted(ctx context.Context, in Input) (ledger.Admission, error) {
	h, err := ledger.ReadHistory(ctx, s.From.Ledger, ledger.Subject{App: in.App, Environment: s.From.Environment.Name})
	if err != nil {
		return ledger.Admission{}, err
	}
	a, ok := h.Admitted(in.Version)
	if !ok {
		return a, slipway.Errorf(slipway.NotFound, "there is no release %s of %s in %s", in.Version, in.App, s.From.Environment.Name).
			WithFix("slipway releases %s lists those that are there", s.From.Environment.Name)
	}
	return a, nil
}

// changed says that the release's record is not the one that was admitted.
func (s Stage) changed(in Input, record slipway.Digest, a ledger.Admission) error {
	return repository.Altered(slipway.Errorf(slipway.Conflict, "the record of release %s in %s was changed: it is %s, the ledger has %s",
		in.Version, s.From.Environment.Name, record, a.Record).
		WithFix("somebody wrote to %s by hand; restore %s", s.From.Repository.URL(), slipway.ReleaseKey(in.App, in.Version)))
}

// copy copies the bytes, and the record that names them last. Where the next
// environment has another record of the same bytes, that one stands.
func (s Stage) copy(ctx context.Context, r *slipway.Release, record *slipway.Digest) (int, error) {
	objects := append([]slipway.Artifact{}, r.Artifacts...)
	objects = append(objects, r.Manifest, r.Checks)
	err := repository.Each(objects, func(o slipway.Artifact) error { return s.copyOne(ctx, o) })
	if err != nil {
		return 0, err
	}
	err = s.copyOne(ctx, slipway.Artifact{Name: "the release's record", Key: slipway.ReleaseKey(r.App, r.Version), Digest: *record})
	if slipway.KindOf(err) == slipway.Conflict {
		err = s.adopt(ctx, r, record, err)
	}
	return len(objects) + 1, err
}

func (s Stage) copyOne(ctx context.Context, a slipway.Artifact) error {
	if _, err := repository.Copy(ctx, s.From.Repository, s.To.Repository, a.Key, a.Digest); err != nil {
		return fmt.Errorf("promote %s to %s: %w", a.Name, s.To.Environment.Name, err)
	}
	return nil
}

// adopt takes the release that the next environment has under the version
// already, if it is of the same commit and has the same bytes, which were just
// proved there: somebody else built it, and only times and check results differ.
// Otherwise conflict stands.
func (s Stage) adopt(ctx context.Context, r *slipway.Release, record *slipway.Digest, conflict error) error {
	there, digest, err := repository.FindRelease(ctx, s.To.Repository, r.App, r.Version)
	if err != nil || digest == *record || !there.SameBytes(*r) || there.Source.Commit != r.Source.Commit {
		return conflict
	}
	*r, *record = there, digest
	return nil
}
