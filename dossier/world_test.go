package dossier_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// A pair is a key of a test, the same each time.
type pair struct{ private ed25519.PrivateKey }

func keyOf(name string) pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), ed25519.SeedSize))}
}

func (p pair) Key() evidence.Key { return evidence.NewKey(p.private.Public().(ed25519.PublicKey)) }

func (p pair) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(p.private, data), nil
}

// policy wants a yes of qa before production, and has one runner of CI that may
// do all but seal, and an auditor's desk that seals.
func policy() dossier.Policy {
	p := evidence.Policy{
		Keys:  map[string][]evidence.Key{"ana": {keyOf("ana").Key()}, "bo": {keyOf("bo").Key()}},
		Roles: map[string][]string{"qa": {"ana"}},
		Signers: map[string]evidence.Machine{
			"runner": {
				Keys: []evidence.DatedKey{{Key: keyOf("runner").Key()}},
				May:  []evidence.Act{evidence.ActRelease, evidence.ActPromote, evidence.ActDeploy, evidence.ActRun},
			},
			"desk": {Keys: []evidence.DatedKey{{Key: keyOf("desk").Key()}}, May: []evidence.Act{evidence.ActDossier}},
		},
	}
	return dossier.Policy{Policy: p, Environments: map[string]dossier.Environment{
		"dev": {},
		"prod": {Follows: "dev", Rules: func(_ slipway.Release, at time.Time) promote.Rules {
			return promote.Rules{Policy: p, Needs: []promote.Need{{Role: "qa", Count: 1}}, Now: at}
		}},
	}, Who: func(names []string, _ time.Time) []string {
		var all []string
		for _, name := range names {
			all = append(all, p.Roles[name]...)
		}
		return all
	}}
}

// A story is a release on its way, as ledgers and statements have it.
type story struct {
	t          testing.TB
	now        time.Time
	content    dossier.Content
	release    slipway.Release
	record     slipway.Digest
	checks     []slipway.CheckResult
	machine    pair
	deployment slipway.Deployment
	rails      []slipway.RailHit // that deployments run into
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func newStory(t testing.TB) *story {
	s := &story{t: t, now: noon(), machine: keyOf("runner"), checks: []slipway.CheckResult{
		{Name: "unit", Required: true, Verdict: slipway.Pass},
		{Name: "style <&>", Verdict: slipway.Fail, Scan: "sarif", Findings: []slipway.Finding{
			{Rule: "B101", Level: "warning", Message: "use of <assert>", File: "a b.py", Line: 3, Fingerprint: "f1"},
			{Rule: "B102", Level: "note", Message: "exec", Known: true},
		}},
		{Name: "secrets", Required: true, Verdict: slipway.Pass, Scan: "secrets"},
	}}
	checks, err := json.Marshal(s.checks)
	s.must(err)
	artifact := func(name string, data []byte) slipway.Artifact {
		return slipway.Artifact{Name: name, Kind: slipway.KindScript, Digest: slipway.DigestOf(data), Size: int64(len(data))}
	}
	s.release = slipway.Release{
		App: "roads", Version: "v1", Source: slipway.Source{Path: ".", Commit: commit, Tree: "t", Author: "mara@example.com"},
		Artifacts: []slipway.Artifact{artifact("roads.py", []byte("print(1)\n"))},
		Manifest:  artifact("manifest.json", []byte("{}")), Checks: artifact("checks.json", checks), Created: noon(), By: "mara@laptop",
	}
	record, err := json.Marshal(s.release)
	s.must(err)
	s.record = slipway.DigestOf(record)
	s.content.Header = dossier.Header{App: "roads", Version: "v1", Environments: []string{"dev", "prod"}, By: "desk@audit", Time: noon().Add(time.Hour)}
	s.content.Chains = make([][]ledger.Entry, 2)
	for _, env := range s.content.Environments {
		s.content.Files = append(s.content.Files,
			dossier.File{Environment: env, Name: dossier.RecordFile, Digest: s.record, Data: record},
			dossier.File{Environment: env, Name: "manifest.json", Digest: s.release.Manifest.Digest, Data: []byte("{}")},
			dossier.File{Environment: env, Name: "checks.json", Digest: s.release.Checks.Digest, Data: checks})
	}
	s.content.Keys, err = dossier.KeysOf(policy().Policy)
	s.must(err)
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// add appends an entry to the i-th chain.
func (s *story) add(i int, kind string, body any, statements ...slipway.Digest) {
	s.t.Helper()
	var prev ledger.Entry
	if n := len(s.content.Chains[i]); n > 0 {
		prev = s.content.Chains[i][n-1]
	}
	e, err := ledger.Seal(prev, ledger.Draft{
		Subject: ledger.Subject{App: "roads", Environment: s.content.Environments[i]}, After: prev.Number,
		ID: fmt.Sprintf("%s/%d", kind, prev.Number), Kind: kind, Time: s.now, By: "ci@host", Body: body, Statements: statements,
	})
	s.must(err)
	s.content.Chains[i] = append(s.content.Chains[i], e)
	s.now = s.now.Add(time.Second)
}

func (s *story) keep(data []byte, err error) slipway.Digest {
	s.t.Helper()
	s.must(err)
	s.content.Statements = append(s.content.Statements, data)
	return slipway.DigestOf(data)
}

func attest[C evidence.Claim](s *story, claim C, about []evidence.Subject) slipway.Digest {
	s.t.Helper()
	return s.keep(evidence.Attest(s.t.Context(), s.machine, claim, about))
}

func (s *story) subjects() []evidence.Subject { return evidence.Subjects(s.release) }

func (s *story) deployedSubjects() []evidence.Subject {
	return []evidence.Subject{evidence.SubjectOf("roads.py", s.release.Artifacts[0].Digest), evidence.SubjectOf("release", s.record)}
}

func sums(a slipway.Artifact) slipway.Resource {
	return slipway.Resource{Name: a.Name, Digest: map[string]string{"sha256": a.Digest.Hex()}}
}

func (s *story) provenance() slipway.Provenance {
	return slipway.Provenance{
		BuildDefinition: slipway.BuildDefinition{
			ExternalParameters:   slipway.BuildParameters{App: "roads", Version: "v1", Path: ".", Build: json.RawMessage(`{"script":"roads.py"}`)},
			ResolvedDependencies: []slipway.Resource{{Name: "source", Digest: map[string]string{"gitCommit": commit}}},
		},
		RunDetails: slipway.BuildRun{Byproducts: []slipway.Resource{{Name: "release", Digest: map[string]string{"sha256": s.record.Hex()}}}},
	}
}

func (s *story) admission(from string) ledger.Admission {
	return ledger.Admission{Version: "v1", Commit: commit, Record: s.record, From: from}
}

func (s *story) made(i int) {
	s.add(i, ledger.ReleaseCreated, s.admission(""),
		append(s.scans(), attest(s, s.review(), s.subjects()), attest(s, s.provenance(), s.subjects()),
			attest(s, slipway.ResultOf(s.checks, s.configuration()), s.subjects()), s.bom())...)
}

func (s *story) bom() slipway.Digest {
	bom, err := evidence.SBOM(s.release, s.record, []string{"pyarrow==17.0.0"})
	s.must(err)
	return attest(s, bom, s.subjects())
}

func (s *story) configuration() []slipway.Resource {
	return []slipway.Resource{sums(s.release.Manifest), sums(s.release.Checks)}
}

func (s *story) review() slipway.ChangeReview {
	return slipway.ReviewOf(slipway.PullRequest{Repository: "acme/roads", Number: 7, Author: "mara", Head: commit, Reviews: []slipway.Review{
		{By: "ana", Verdict: "approve", Commit: commit, Time: noon()},
	}}, commit)
}

func (s *story) scans() (all []slipway.Digest) {
	for _, scan := range slipway.ScansOf(s.checks, s.configuration()) {
		all = append(all, attest(s, scan, s.subjects()))
	}
	return all
}

func (s *story) signOff(person string, answer slipway.Answer, previous slipway.Digest) slipway.Digest {
	said := slipway.SignOff{
		App: "roads", Version: "v1", Record: s.record, Environment: "prod", Role: "qa", Person: person, Answer: answer,
		Comment: "<read> & understood", Previous: previous, Time: s.now,
	}
	d := s.keep(evidence.Sign(s.t.Context(), keyOf(person), said, s.release))
	s.add(1, ledger.ReleaseSigned, ledger.SignOff{SignOff: said, Statement: d}, d)
	return d
}

func (s *story) promoted(signOffs ...slipway.Digest) {
	s.add(1, ledger.ReleasePromoted, s.admission("dev"), attest(s, slipway.Promotion{
		App: "roads", Version: "v1", Record: s.record, From: "dev", To: "prod", Origin: s.content.Chains[0][0].Point(),
		SignOffs: signOffs, By: "ci@host", Time: s.now,
	}, s.subjects()))
}

func (s *story) report(i int, state slipway.DeploymentState) slipway.DeploymentReport {
	plan, err := ledger.Canonical(s.deployment.Plan)
	s.must(err)
	r := slipway.DeploymentReport{
		App: "roads", Environment: s.content.Environments[i], ID: s.deployment.ID, Number: 1, State: state, Version: "v1", Commit: commit, Record: s.record,
		Plan: slipway.DigestOf(plan), By: "ci@host", Time: s.now,
	}
	if state == slipway.Deployed {
		r.Job = "roads"
	}
	return r
}

func (s *story) deployed(i int) {
	env := s.content.Environments[i]
	s.deployment = slipway.Deployment{ID: "d1", Number: 1, State: slipway.Deploying, Plan: slipway.Plan{Target: slipway.Target{
		App: "roads", Environment: env, Version: "v1", Commit: commit, Run: map[string]any{"workers": 2, "size": 9007199254740993}, Artifacts: s.release.Artifacts,
	}, Rails: s.rails}}
	s.add(i, ledger.DeploymentStarted, s.deployment, attest(s, s.report(i, slipway.Deploying), s.deployedSubjects()))
	s.add(i, ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 1, State: slipway.Deployed, Handle: slipway.Handle{Name: "roads"}},
		attest(s, s.report(i, slipway.Deployed), s.deployedSubjects()))
}

func (s *story) ran() {
	v := slipway.RunVerdict{App: "roads", Environment: "prod", Version: "v1", Deployment: 1, Run: "r1", State: slipway.RunSucceeded, By: "ci@host", Time: s.now}
	s.add(1, ledger.RunEnded, v, attest(s, v, s.deployedSubjects()))
}

func (s *story) removed() {
	gone := slipway.Removal{App: "roads", Environment: "prod", Number: 1, Version: "v1", Record: s.record, Job: "roads", By: "ci@host", Time: s.now}
	s.add(1, ledger.JobRemoved, ledger.Removal{Number: 1}, attest(s, gone, s.deployedSubjects()))
}

// grant is what ana says to open the rail big-jobs in prod for an hour.
func (s *story) grant() slipway.Grant {
	return slipway.Grant{
		App: "roads", Environment: "prod", Rail: "big-jobs", Condition: slipway.DigestOf([]byte("big-jobs")), Person: "ana", Why: "month-end",
		Until: noon().Add(time.Hour), Time: s.now,
	}
}

func (s *story) granted(by string, g slipway.Grant) slipway.Digest {
	d := s.keep(evidence.Say(s.t.Context(), keyOf(by), g))
	s.add(1, ledger.RailGranted, ledger.Grant{Grant: g, Statement: d}, d)
	return d
}

// hit is the rail big-jobs, opened by a statement of a person.
func hit(effect slipway.RailEffect, person string, statement slipway.Digest) slipway.RailHit {
	h := slipway.RailHit{Rail: "big-jobs", Effect: effect, Message: "9 workers", By: []string{"qa"}, Grant: &slipway.RailGrant{
		Rail: "big-jobs", By: person, Why: "month-end", Until: noon().Add(time.Hour), Condition: slipway.DigestOf([]byte("big-jobs")), Statement: statement,
	}}
	if effect == slipway.RailSignOff {
		h.Grant.As, h.Grant.Until = "qa", time.Time{}
	}
	return h
}

// held says that v1 goes nowhere; with lifts, that it may go on.
func (s *story) held(person string, lifts slipway.Digest) slipway.Digest {
	q := slipway.Quarantine{
		App: "roads", Environment: "prod", Version: "v1", Bytes: s.release.Bytes(), Person: person, Why: "it loses rows", Lifts: lifts, Time: s.now,
	}
	d := s.keep(evidence.Say(s.t.Context(), keyOf(person), q))
	s.add(1, ledger.ReleaseHeld, ledger.Quarantine{Quarantine: q, Statement: d}, d)
	return d
}

// whole is a story that ends well.
func whole(t testing.TB) *story {
	s := newStory(t)
	s.made(0)
	s.deployed(0)
	s.held("ana", s.held("bo", ""))
	s.promoted(s.signOff("ana", slipway.Yes, ""))
	s.rails = []slipway.RailHit{{Rail: "by-hand", Effect: slipway.RailInforms}, hit(slipway.RailException, "ana", s.granted("ana", s.grant()))}
	s.deployed(1)
	s.ran()
	s.removed()
	return s
}

func (s *story) write() []byte { return s.sealedBy("desk") }

func (s *story) sealedBy(name string) []byte {
	s.t.Helper()
	var out bytes.Buffer
	s.must(dossier.Write(s.t.Context(), &out, s.content, keyOf(name)))
	return out.Bytes()
}
