package dossier

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// admitted proves that the release came into the environment as it had to.
func (at place) admitted() {
	a, ok := body[ledger.Admission](at.verifier, at.entry)
	if !ok || a.Version != at.head.Version {
		return
	}
	if at.chain.admits >= 0 {
		at.fault("%s was in %s already", a.Version, at.chain.Environment)
		return
	}
	release, ok := at.record(a)
	if !ok {
		return
	}
	at.chain.admits, at.chain.release, at.chain.record = at.index, release, a.Record
	at.report.Artifacts = release.Artifacts
	switch {
	case at.entry.Kind == ledger.ReleaseCreated && at.road == 0:
		at.made(release, a)
	case at.entry.Kind == ledger.ReleasePromoted && at.road > 0:
		at.promoted(release, a)
	default:
		at.fault("it is %s, where the road has no place for that", at.entry.Kind)
	}
}

// record reads the release's record as the environment has it.
func (at place) record(a ledger.Admission) (r slipway.Release, ok bool) {
	data, ok := at.file(RecordFile, a.Record)
	if !ok {
		return r, false
	}
	if err := json.Unmarshal(data, &r); err != nil {
		at.fault("the release's record cannot be read: %v", err)
		return r, false
	}
	if r.App != at.head.App || r.Version != a.Version || r.Source.Commit != a.Commit {
		at.fault("the release's record is that of %s of %s at %s", r.Version, r.App, r.Source.Commit)
		return r, false
	}
	return r, true
}

// file returns a file of the release, as the environment has it.
func (at place) file(name string, want slipway.Digest) ([]byte, bool) {
	for _, f := range at.files {
		if f.Environment == at.chain.Environment && f.Name == name && f.Digest == want {
			return f.Data, true
		}
	}
	at.fault("%s with %s is missing", name, want)
	return nil, false
}

// made proves from what the release was built, and how its checks answered.
func (at place) made(r slipway.Release, a ledger.Admission) {
	about := evidence.Subjects(r)
	p, by, ok := attested[slipway.Provenance](at, "provenance", about)
	if !ok {
		return
	}
	if why := differs(p, r, a.Record); why != "" {
		at.fault("its provenance: %s", why)
		return
	}
	at.proved(by, "%s was built from %s", r.Version, origin(r.Source))
	if _, _, ok := attested[evidence.BOM](at, "bill of materials", about); !ok {
		return
	}
	t, by, ok := attested[slipway.TestResult](at, "test result", about)
	if !ok {
		return
	}
	if _, ok := at.file(r.Manifest.Name, r.Manifest.Digest); !ok {
		return
	}
	data, ok := at.file(r.Checks.Name, r.Checks.Digest)
	if !ok {
		return
	}
	var checks []slipway.CheckResult
	if err := json.Unmarshal(data, &checks); err != nil {
		at.fault("the check results cannot be read: %v", err)
		return
	}
	want := slipway.ResultOf(checks, []slipway.Resource{resource(r.Manifest), resource(r.Checks)})
	switch {
	case !reflect.DeepEqual(t, want):
		at.fault("its test result is not that of the checks")
	case t.Result == slipway.TestsFailed:
		at.fault("its checks failed: %s", strings.Join(t.FailedTests, ", "))
	default:
		at.proved(by, "its checks: %s", outcome(t))
		at.scanned(slipway.ScansOf(checks, want.Configuration), about)
		at.reviewed(r, about)
	}
}

// scanned proves what the scans among the checks found.
func (at place) scanned(want []slipway.Scan, about []evidence.Subject) {
	found, by, ok := allAttested[slipway.Scan](at, "scan", about)
	if !ok {
		return
	}
	byCheck := func(a, b slipway.Scan) int { return strings.Compare(a.Check, b.Check) }
	slices.SortFunc(found, byCheck)
	slices.SortFunc(want, byCheck)
	if !alike(found, want) {
		at.fault("its scans are not those of the checks")
		return
	}
	for _, s := range found {
		at.proved(by, "its scan %s: %s, %s", s.Check, strings.ToLower(s.Result), findings(s.Report))
	}
}

// reviewed tells who reviewed the change, where that was attested.
func (at place) reviewed(r slipway.Release, about []evidence.Subject) {
	found, by, ok := allAttested[slipway.ChangeReview](at, "review", about)
	for _, review := range found {
		if ok && review.Commit != r.Source.Commit {
			at.fault("its review is of another commit, %s", review.Commit)
			return
		}
		at.proved(by, "its change was reviewed: %v", review)
	}
}

// findings says how much was found.
func findings(r slipway.SARIF) string {
	n := 0
	for _, run := range r.Runs {
		n += len(run.Results)
	}
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

func resource(a slipway.Artifact) slipway.Resource {
	return slipway.Resource{Name: a.Name, Digest: map[string]string{"sha256": a.Digest.Hex()}}
}

// differs says where provenance is not that of a release.
func differs(p slipway.Provenance, r slipway.Release, record slipway.Digest) string {
	asked := p.BuildDefinition.ExternalParameters
	if asked.App != r.App || asked.Version != r.Version || asked.Path != r.Source.Path {
		return fmt.Sprintf("it is that of %s of %s", asked.Version, asked.App)
	}
	key, want := "gitCommit", r.Source.Commit
	if r.Source.Dirty {
		key, want = "slipwayTree", r.Source.Tree
	}
	if from := p.BuildDefinition.ResolvedDependencies; len(from) == 0 || from[0].Digest[key] != want {
		return "it names another source than " + want
	}
	if made := p.RunDetails.Byproducts; len(made) != 1 || made[0].Digest["sha256"] != record.Hex() {
		return "it names another record"
	}
	return ""
}

func origin(s slipway.Source) string {
	if s.Dirty {
		return "uncommitted changes on commit " + s.Commit
	}
	return "commit " + s.Commit
}

func outcome(t slipway.TestResult) string {
	var parts []string
	for _, p := range []struct {
		names []string
		what  string
	}{{t.PassedTests, "passed"}, {t.WarnedTests, "not required, and not passed"}} {
		if len(p.names) > 0 {
			parts = append(parts, strings.Join(p.names, ", ")+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "; ")
}
