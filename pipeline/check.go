package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/manifest"
)

// check asks the manifest's checks and the notebook's own about what was built.
// One that has passed for the same commit, artifacts and question is not asked
// again, unless again says so. The error names the required checks that did not
// pass.
func (f *Flow) check(ctx context.Context, src slipway.Source, b Built, again bool) ([]slipway.CheckResult, said, error) {
	questions, err := f.questions(b)
	if err != nil {
		return nil, said{}, err
	}
	change, err := f.change(ctx, src, questions)
	if err != nil {
		return nil, said{}, err
	}
	results, open := f.remembered(ctx, src, b, change, questions, again)
	if len(open) > 0 {
		answers, err := f.ask(ctx, src, b, change, open, len(questions) > 1)
		if err != nil {
			return nil, said{}, err
		}
		results = append(results, answers...)
	}
	ordered := inOrder(results, questions)
	return ordered, said{text: verdicts(ordered), reused: len(open) == 0 && len(ordered) > 0}, check.Err(ordered)
}

// remembered splits the checks into answers that were given before, and open
// questions.
func (f *Flow) remembered(ctx context.Context, src slipway.Source, b Built, change *check.Change, all []question, again bool) (answers []slipway.CheckResult, open []question) {
	for _, q := range all {
		r, ok := f.recall(ctx, src, b, change, q.Check)
		if again || !ok {
			open = append(open, q)
			continue
		}
		r.Reused, r.Scan = true, q.spec.Kind()
		answers = append(answers, r)
	}
	return answers, open
}

func inOrder(results []slipway.CheckResult, all []question) []slipway.CheckResult {
	ordered := []slipway.CheckResult{}
	for _, q := range all {
		for _, r := range results {
			if r.Name == q.Name {
				ordered = append(ordered, r)
			}
		}
	}
	return ordered
}

// ask runs checks in a clean copy of the source, and tells how each ended; where
// they are some of several, of a pass too.
func (f *Flow) ask(ctx context.Context, src slipway.Source, b Built, change *check.Change, open []question, several bool) ([]slipway.CheckResult, error) {
	defer os.RemoveAll(f.work)
	var all []slipway.CheckResult
	copied := ""
	for _, q := range open {
		base, err := f.baseline(ctx, src, change, q)
		if err != nil {
			return nil, err
		}
		if copied == "" {
			if copied, err = f.copyFor(ctx, src, f.work); err != nil {
				return nil, err
			}
		}
		results, err := f.askOne(ctx, src, b, q, check.Input{Change: change, Base: base, Event: f.event(src), Root: copied, Reports: filepath.Join(f.work, "reports")})
		if err != nil {
			return nil, err
		}
		f.report(results, several)
		all = append(all, results...)
		if err := f.remember(ctx, src, b, change, q.Check, results[0]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// event is what checks are asked for; a push of a tagged commit is one of its tag.
func (f *Flow) event(src slipway.Source) string {
	if f.Event == manifest.OnPush && src.Tag != "" {
		return manifest.OnTag
	}
	return f.Event
}

// copyFor makes a clean copy of a source in a folder, and returns where.
func (f *Flow) copyFor(ctx context.Context, src slipway.Source, work string) (string, error) {
	clean := filepath.Join(work, "tree")
	if err := os.MkdirAll(clean, 0o755); err != nil {
		return "", unwritable(work, err)
	}
	return clean, f.checkout(ctx, src, "check", clean)
}

// askOne runs a check in the copy that in.Root is. What it found is kept for later
// commits to be compared with.
func (f *Flow) askOne(ctx context.Context, src slipway.Source, b Built, q question, in check.Input) ([]slipway.CheckResult, error) {
	in.Dir = filepath.Join(in.Root, filepath.FromSlash(src.Path))
	var err error
	if in.Env, err = f.bench(ctx, b, q.Check, in.Dir); err != nil {
		return nil, err
	}
	in.Specs, in.Now, in.Sandbox, in.Cache, in.Tools = []check.Spec{q.spec}, f.Clock, f.box(), f.Packages, []string{f.Cache}
	in.Artifacts = check.Artifacts{Folder: b.Dir, Script: b.file(slipway.KindScript), Modules: b.file(slipway.KindModules)}
	in.Log = func(string) io.Writer { return f.Log }
	var found check.Baseline
	in.Found = func(_ string, b check.Baseline) { found = b }
	results, err := check.Run(ctx, in)
	if err != nil || len(results) == 0 || results[0].NotNeeded != "" {
		return results, err
	}
	return results, f.keepBaseline(ctx, src, q.Check, found)
}

// report tells how checks ended, with what failed by name; of a pass only where
// there are several.
func (f *Flow) report(results []slipway.CheckResult, several bool) {
	for _, r := range results {
		if r.Verdict == slipway.Pass && len(r.Reviews) == 0 {
			switch {
			case r.NotNeeded != "":
				f.emit("check", Progress, r.Name+" is not needed: "+r.NotNeeded, 0)
			case several:
				f.emit("check", Progress, r.Name+" passed", r.Duration)
			}
			continue
		}
		var text bytes.Buffer
		if err := check.Explain(&text, []slipway.CheckResult{r}); err == nil {
			f.emit("check", Warned, strings.TrimRight(text.String(), "\n"), 0)
		}
	}
}

// bench returns the environment variables for a check's command: the process's
// own, with the tools of the runtime on this machine before them.
func (f *Flow) bench(ctx context.Context, b Built, c manifest.Check, dir string) ([]string, error) {
	p, err := f.live(ctx, slipway.LocalEnvironment)
	if err != nil {
		return nil, err
	}
	w, ok := p.Driver.(driver.Workbench)
	if !ok {
		return f.box().Environ(f.Environ), nil
	}
	r, err := f.Project.Manifest.ResolveOver(b.found(), slipway.LocalEnvironment, f.Project.Platform)
	if err != nil {
		return nil, err
	}
	requirements, err := c.ReadRequirements(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	tools, err := w.Environ(ctx, slipway.Target{
		App: f.Project.Manifest.App, Environment: slipway.LocalEnvironment, Shape: f.Project.Manifest.Shape.Name,
		Run: r.RunMap(), Artifacts: b.Artifacts,
	}, requirements)
	return append(f.box().Environ(f.Environ), tools...), err
}

func spec(c manifest.Check) check.Spec {
	s := check.Spec{
		Name: c.Name, Run: check.Command{Shell: c.Run.Shell, Args: c.Run.Args}, Timeout: c.Timeout, Required: c.Required, Env: c.Env,
		JUnit: c.JUnit, Coverage: c.Coverage, AllowEmpty: c.AllowEmpty, SARIF: c.SARIF,
		Scan: c.Scan, On: c.On, Files: c.Files, Network: c.Network, Memory: c.Memory,
	}
	if c.Thresholds.Coverage != nil {
		s.Thresholds.Coverage = *c.Thresholds.Coverage
	}
	if c.Thresholds.Change != nil {
		s.Thresholds.Change = *c.Thresholds.Change
	}
	s.Thresholds.Findings, s.Thresholds.OnlyNew, s.Thresholds.Drop = c.Thresholds.Findings, c.Thresholds.OnlyNew, c.Thresholds.Drop
	return s
}

// verdicts says how checks ended in a few words.
func verdicts(results []slipway.CheckResult) string {
	if len(results) == 0 {
		return "no checks in the manifest"
	}
	var all []string
	for _, r := range results {
		text := r.Name + " " + string(r.Verdict)
		if r.NotNeeded != "" {
			text = r.Name + " not needed"
		}
		if r.Tests != nil {
			text += fmt.Sprintf(" (%d tests)", r.Tests.Passed+r.Tests.Failed)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// answerKey names a question: the check as it is asked, of the whole repository
// at one commit and of the bytes that were built, and what it is compared with.
func answerKey(src slipway.Source, b Built, change *check.Change, c manifest.Check) string {
	question, err := json.Marshal(c)
	if err != nil {
		panic(err) // a check of the manifest can always be written
	}
	parts := []string{string(question), src.Commit, src.Tree, src.Path}
	if change != nil {
		parts = append(parts, "against", change.Base)
	}
	for _, a := range b.Artifacts {
		parts = append(parts, a.Name, string(a.Digest))
	}
	return "checks/" + digestOf(parts...) + ".json"
}

// memorable reports whether a source's name stands for all that a check can see.
// That of a dirty folder says nothing of changes beside it.
func memorable(src slipway.Source) bool { return !src.Dirty || src.Path == "." }

// recall finds the answer that was given to the same question, if it was a pass.
func (f *Flow) recall(ctx context.Context, src slipway.Source, b Built, change *check.Change, c manifest.Check) (slipway.CheckResult, bool) {
	var r slipway.CheckResult
	if !memorable(src) {
		return r, false
	}
	data, _, err := f.host.cache.Read(ctx, answerKey(src, b, change, c))
	if err != nil || json.Unmarshal(data, &r) != nil {
		return r, false
	}
	return r, r.Verdict == slipway.Pass
}

// remember keeps a pass.
func (f *Flow) remember(ctx context.Context, src slipway.Source, b Built, change *check.Change, c manifest.Check, r slipway.CheckResult) error {
	if r.Verdict != slipway.Pass || r.NotNeeded != "" || !memorable(src) {
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = f.host.cache.Put(ctx, answerKey(src, b, change, c), bytes.NewReader(data))
	if err != nil && slipway.KindOf(err) != slipway.Conflict {
		return err
	}
	return nil // a Conflict is an earlier pass that is there already
}
