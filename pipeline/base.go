package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/sandbox"
)

// box is what the commands of the team run in.
func (f *Flow) box() *sandbox.Sandbox {
	if f.boxed != nil {
		return f.boxed
	}
	f.boxed = f.Sandbox
	if f.boxed == nil {
		f.boxed = sandbox.New(sandbox.Config{Environ: f.Environ})
	}
	if p := f.Project.Platform; p != nil {
		l := sandbox.Limits{Memory: p.Limits.Memory, Processes: p.Limits.Processes, Output: p.Limits.Output}
		f.boxed = f.boxed.With(sandbox.Isolation(p.Isolation), l)
	}
	return f.boxed
}

// compares reports whether a check asks what a change does.
func compares(c manifest.Check) bool {
	return c.Scan != "" || len(c.Files) > 0 || c.Thresholds.Change != nil || needsBaseline(c)
}

// needsBaseline reports whether a check asks what it found at the base.
func needsBaseline(c manifest.Check) bool { return c.Thresholds.OnlyNew || c.Thresholds.Drop != nil }

// change is what the source changes against the base: the one that the flow was
// given, or else, if a check asks for it, the commit that it has in common with the
// default branch. nil: there is none, or it is the source itself.
func (f *Flow) change(ctx context.Context, src slipway.Source, all []question) (*check.Change, error) {
	base := f.Base
	if base == "" && slices.ContainsFunc(all, func(q question) bool { return compares(q.Check) }) {
		branch, err := f.Project.Git.DefaultBranch(ctx)
		if err != nil {
			return nil, err
		}
		if base, err = f.Project.Git.MergeBase(ctx, src.Commit, branch); err != nil {
			return nil, err
		}
	}
	if base == "" || base == src.Commit && !src.Dirty {
		return nil, nil //nolint:nilnil // nil is an answer: it is compared with nothing
	}
	diff, err := f.Project.Git.Diff(ctx, base, src)
	if err != nil {
		return nil, err
	}
	c, err := check.ParseDiff(base, bytes.NewReader(diff))
	return &c, err
}

// baseline says what a check found at the base. If nobody asked it there yet it is
// asked now: the base's files are built and checked as this source is.
func (f *Flow) baseline(ctx context.Context, src slipway.Source, change *check.Change, q question) (func(string) (check.Baseline, bool), error) {
	if change == nil || !needsBaseline(q.Check) {
		return nil, nil //nolint:nilnil // nil is an answer: nothing has to be known
	}
	at := src
	at.Commit, at.Tree, at.Tag, at.Dirty = change.Base, "", "", false
	b, ok := f.recallBaseline(ctx, at, q.Check)
	if !ok {
		f.emit("check", Progress, "asking "+q.Name+" at "+change.Base[:12]+" too, to compare with", 0)
		if err := f.askAtBase(ctx, at, q); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			f.emit("check", Warned, q.Name+" cannot be asked at "+change.Base[:12]+": "+err.Error(), 0)
		}
		b, ok = f.recallBaseline(ctx, at, q.Check)
	}
	return func(string) (check.Baseline, bool) { return b, ok }, nil
}

// askAtBase builds the base and asks a check there. Its verdict is nobody's; what it
// found is kept.
func (f *Flow) askAtBase(ctx context.Context, at slipway.Source, q question) error {
	b, _, err := f.build(ctx, at)
	if err != nil {
		return err
	}
	work := filepath.Join(f.work, "base")
	defer os.RemoveAll(work)
	copied, err := f.copyFor(ctx, at, work)
	if err != nil {
		return err
	}
	_, err = f.askOne(ctx, at, b, q, check.Input{Root: copied, Reports: filepath.Join(work, "reports")})
	return err
}

// baselineKey names what a check found at a commit.
func baselineKey(src slipway.Source, c manifest.Check) string {
	question, err := json.Marshal(c)
	if err != nil {
		panic(err) // a check of the manifest can always be written
	}
	return "baselines/" + digestOf(string(question), src.Commit, src.Path) + ".json"
}

func (f *Flow) recallBaseline(ctx context.Context, src slipway.Source, c manifest.Check) (check.Baseline, bool) {
	var b check.Baseline
	data, _, err := f.host.cache.Read(ctx, baselineKey(src, c))
	return b, err == nil && json.Unmarshal(data, &b) == nil
}

// keepBaseline keeps what a check found, for later commits to be compared with.
func (f *Flow) keepBaseline(ctx context.Context, src slipway.Source, c manifest.Check, b check.Baseline) error {
	if src.Dirty || b.Findings == nil && b.Coverage == nil {
		return nil
	}
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = f.host.cache.Put(ctx, baselineKey(src, c), bytes.NewReader(data))
	if err != nil && slipway.KindOf(err) != slipway.Conflict {
		return err
	}
	return nil // a Conflict is what it found there before
}
