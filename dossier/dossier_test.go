package dossier_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

func proofs(r dossier.Report) []string {
	var all []string
	for _, p := range r.Proofs {
		all = append(all, p.By+": "+p.What+" ("+p.At+")")
	}
	return all
}

func TestWholeStoryIsProved(t *testing.T) {
	data := whole(t).write()
	r := dossier.Verify(data, policy())
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"runner: v1 was built from commit " + commit + " (entry 1 of roads in dev)",
		"runner: its checks: unit, secrets passed; style <&> not required, and not passed (entry 1 of roads in dev)",
		"runner: its scan secrets: passed, 0 findings (entry 1 of roads in dev)",
		"runner: its scan style <&>: warned, 2 findings (entry 1 of roads in dev)",
		"runner: its change was reviewed: acme/roads#7 by mara: ana approved it (entry 1 of roads in dev)",
		"runner: deployment 1 of it was begun in dev (entry 2 of roads in dev)",
		"runner: deployment 1 of it in dev: deployed (entry 3 of roads in dev)",
		"bo: bo puts release v1 into quarantine: it loses rows (entry 1 of roads in prod)",
		"ana: ana lifts the quarantine of release v1: it loses rows (entry 2 of roads in prod)",
		"ana: ana says yes to release v1 as qa: <read> & understood (entry 3 of roads in prod)",
		"runner: v1 came from dev to prod, the same bytes (entry 4 of roads in prod)",
		"ana: rail big-jobs was open for deployment 1 in prod: ana until 2026-11-22: month-end (entry 5 of roads in prod)",
		"runner: deployment 1 of it was begun in prod (entry 6 of roads in prod)",
		"runner: deployment 1 of it in prod: deployed (entry 7 of roads in prod)",
		"runner: run r1 in prod: succeeded (entry 8 of roads in prod)",
		"runner: the job of deployment 1 was taken away from prod (entry 9 of roads in prod)",
	}
	if diff := cmp.Diff(want, proofs(r)); diff != "" {
		t.Errorf("proofs (-want +got):\n%s", diff)
	}
	if r.SealedBy != "desk" || r.App != "roads" || r.Version != "v1" || len(r.Artifacts) != 1 || len(r.Statements) != 17 {
		t.Errorf("the report is %+v", r)
	}
	if again := whole(t).write(); !bytes.Equal(again, data) {
		t.Error("written again it has other bytes")
	}
}

// What is not sealed yet is proved the same way.
func TestProve(t *testing.T) {
	s := whole(t)
	if r := dossier.Prove(s.content, policy()); r.Err() != nil || len(r.Proofs) != 16 {
		t.Errorf("got %q, %v", proofs(r), r.Err())
	}
	s.content.Statements = s.content.Statements[1:]
	if err := dossier.Prove(s.content, policy()).Err(); err == nil || !strings.Contains(err.Error(), "entry 1 of roads in dev: the statement sha256:") {
		t.Errorf("got %v", err)
	}
}

// Whatever byte is changed, verification fails and names what stands there.
func TestAnyByteChanged(t *testing.T) {
	data := whole(t).write()
	names := lineNames(t, data)
	step := 7 // prime, so that in time each kind of place comes up
	if testing.Short() {
		step = 53
	}
	line, begin := 0, 0
	for i := range data {
		at, far := line, i-begin > 40
		if data[i] == '\n' {
			line, begin = line+1, i+1
		}
		if i%step != 0 && far { // how each line begins is looked at whole
			continue
		}
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		err := dossier.Verify(changed, policy()).Err()
		if err == nil || slipway.KindOf(err) != slipway.Failed {
			t.Fatalf("byte %d of %s changed: %v", i, names[at], err)
		}
		if ends := data[i] == '\n'; !strings.Contains(err.Error(), names[at]) && !(ends && strings.Contains(err.Error(), "the seal")) {
			t.Fatalf("byte %d of %s changed: it names something else: %v", i, names[at], err)
		}
	}
}

// lineNames is what stands in each line, by the seal.
func lineNames(t testing.TB, data []byte) []string {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	envelope := bytes.TrimSuffix(bytes.TrimPrefix(lines[len(lines)-1], []byte(`{"kind":"seal","seal":`)), []byte("}"))
	e, err := evidence.Unwrap(envelope)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := evidence.Read[slipway.Seal](e)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range seal.Lines {
		names = append(names, l.Name)
	}
	return append(names, "the seal")
}

// Whatever lines are dropped, doubled or moved, verification fails and names one of
// them.
func TestLinesDroppedDoubledMoved(t *testing.T) {
	data := whole(t).write()
	names := lineNames(t, data)
	all := strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
	all[len(all)-1] += "\n"
	rapid.Check(t, func(t *rapid.T) {
		lines := slices.Clone(all)
		i := rapid.IntRange(0, len(all)-1).Draw(t, "line")
		what := rapid.SampledFrom([]string{"drop", "double", "move"}).Draw(t, "what")
		touched := []string{names[i]}
		switch what {
		case "drop":
			lines = slices.Delete(lines, i, i+1)
		case "double":
			lines = slices.Insert(lines, i, lines[i])
		case "move":
			j := rapid.IntRange(0, len(all)-1).Filter(func(j int) bool { return j != i }).Draw(t, "to")
			lines[i], lines[j] = lines[j], lines[i]
			touched = append(touched, names[j])
		}
		err := dossier.Verify([]byte(strings.Join(lines, "")), policy()).Err()
		if err == nil {
			t.Fatalf("%s of %s: nothing is wrong", what, touched)
		}
		if what != "double" && !slices.ContainsFunc(append(touched, "the seal"), func(n string) bool { return strings.Contains(err.Error(), n) }) {
			t.Fatalf("%s of %s: %v", what, touched, err)
		}
	})
}

// Somebody who may seal, and lies: each thing that is left out or put in another's
// place is found all the same, since others signed it.
func TestSealedLies(t *testing.T) {
	drop := func(kind string) func(*story) {
		return func(s *story) {
			s.content.Statements = slices.DeleteFunc(s.content.Statements, func(data []byte) bool {
				e, err := evidence.Unwrap(data)
				return err == nil && e.PredicateType == kind
			})
		}
	}
	for name, c := range map[string]struct {
		lie  func(*story)
		want string
	}{
		"an entry left out":          {func(s *story) { s.content.Chains[1] = slices.Delete(s.content.Chains[1], 0, 1) }, "entry 2 of roads in prod: the ledger of roads in prod is broken at entry 1: it is missing"},
		"entries in another order":   {func(s *story) { c := s.content.Chains[1]; c[0], c[1] = c[1], c[0] }, "entry 2 of roads in prod: the ledger of roads in prod is broken at entry 1"},
		"a chain left out":           {func(s *story) { s.content.Chains[0] = nil }, "the header: the ledger of roads in dev never had v1"},
		"an environment left out":    {func(s *story) { s.content.Environments = []string{"prod"}; s.content.Chains = s.content.Chains[1:] }, "the header: the release was made in prod, and by the policy releases come there from dev"},
		"environments that are none": {func(s *story) { s.content.Environments = []string{"dev", "test"} }, "the header: the policy has no environment test"},
		"no provenance":              {drop(evidence.ProvenanceType), "entry 1 of roads in dev: the statement sha256:"},
		"no test result":             {drop(evidence.TestResultType), "entry 1 of roads in dev: the statement sha256:"},
		"no scan":                    {drop(evidence.ScanType), "entry 1 of roads in dev: the statement sha256:"},
		"no review":                  {drop(evidence.ReviewType), "entry 1 of roads in dev: the statement sha256:"},
		"no bill of materials":       {drop(evidence.SBOMType), "entry 1 of roads in dev: the statement sha256:"},
		"no sign-off":                {drop(evidence.SignOffType), "entry 3 of roads in prod: the statement sha256:"},
		"no promotion":               {drop(evidence.PromotionType), "entry 4 of roads in prod: the statement sha256:"},
		"no grant":                   {drop(evidence.GrantType), "entry 5 of roads in prod: the statement sha256:"},
		"no quarantine":              {drop(evidence.QuarantineType), "entry 1 of roads in prod: the statement sha256:"},
		"no removal":                 {drop(evidence.RemovalType), "entry 9 of roads in prod: the statement sha256:"},
		"no deployment":              {drop(evidence.DeploymentType), "entry 2 of roads in dev: the statement sha256:"},
		"no run":                     {drop(evidence.RunType), "entry 8 of roads in prod: the statement sha256:"},
		"no files":                   {func(s *story) { s.content.Files = nil }, "entry 1 of roads in dev: release.json with sha256:"},
		"another file":               {func(s *story) { s.content.Files[0].Data = []byte("{}") }, "release.json in dev: its bytes have sha256:"},
		"a swapped key":              {func(s *story) { s.content.Keys[0].Key = keyOf("bo").Key().String() }, "the key of ana: its PEM is another key"},
		"keys of each other": {func(s *story) {
			k := s.content.Keys
			k[0].Key, k[0].PEM = k[1].Key, k[1].PEM
		}, "the key of ana: by the policy it is bo's"},
	} {
		t.Run(name, func(t *testing.T) {
			s := whole(t)
			c.lie(s)
			if err := dossier.Verify(s.write(), policy()).Err(); err == nil || !strings.HasPrefix(err.Error(), "the dossier proves nothing: "+c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// What machines and people did wrong is found, though all of it is signed and
// sealed.
func TestWhatIsNotAsItHadToBe(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*story)
		want string
	}{
		"nobody signed":               {func(s *story) { s.made(0); s.promoted() }, "entry 1 of roads in prod: it was not open: v1 may not come to prod yet, it needs 1 more of qa"},
		"somebody signed who may not": {func(s *story) { s.made(0); s.promoted(s.signOff("bo", slipway.Yes, "")) }, "entry 2 of roads in prod: it was not open: v1 may not come to prod yet"},
		"signed too late":             {func(s *story) { s.made(0); s.promoted(); s.signOff("ana", slipway.Yes, "") }, "entry 1 of roads in prod: it was not open"},
		"taken back": {func(s *story) {
			s.made(0)
			d := s.signOff("ana", slipway.Yes, "")
			s.signOff("ana", slipway.Withdrawn, d)
			s.promoted(d)
		}, "entry 3 of roads in prod: it was not open"},
		"it rests on more than counts": {func(s *story) {
			s.made(0)
			d, other := s.signOff("ana", slipway.Yes, ""), s.signOff("bo", slipway.Yes, "")
			s.promoted(d, other)
		}, "entry 3 of roads in prod: it rests on the sign-off sha256:"},
		"made in prod":            {func(s *story) { s.made(0); s.made(1) }, "entry 1 of roads in prod: it is release.created, where the road has no place for that"},
		"never promoted":          {func(s *story) { s.made(0) }, "the header: the ledger of roads in prod never had v1"},
		"deployed before it came": {func(s *story) { s.made(0); s.deployed(1) }, "entry 1 of roads in prod: v1 was deployed before it was let in"},
		"a machine nobody knows":  {func(s *story) { s.machine = keyOf("eve"); s.made(0) }, "entry 1 of roads in dev: its provenance: the key SHA256:"},
		"a machine that may not":  {func(s *story) { s.machine = keyOf("desk"); s.made(0) }, "entry 1 of roads in dev: its provenance: desk may not attest release, only dossier"},
		"checks that failed": {func(s *story) {
			s.checks[0].Verdict = slipway.Fail
			s.made(0)
		}, "entry 1 of roads in dev: its test result is not that of the checks"},
		"another commit": {func(s *story) {
			p := s.provenance()
			p.BuildDefinition.ResolvedDependencies[0].Digest["gitCommit"] = "ff"
			s.add(0, ledger.ReleaseCreated, s.admission(""), attest(s, p, s.subjects()))
		}, "entry 1 of roads in dev: its provenance: it names another source than " + commit},
		"a review of another commit": {func(s *story) {
			other := s.review()
			other.Commit = "ff"
			s.add(0, ledger.ReleaseCreated, s.admission(""), append(s.scans(), s.bom(), attest(s, s.provenance(), s.subjects()),
				attest(s, slipway.ResultOf(s.checks, s.configuration()), s.subjects()), attest(s, other, s.subjects()))...)
		}, "entry 1 of roads in dev: its review is of another commit, ff"},
		"a scan left out": {func(s *story) {
			s.checks[2].Scan = ""
			s.made(0)
		}, "entry 1 of roads in dev: its scans are not those of the checks"},
		"a scan that found less": {func(s *story) {
			s.checks[1].Findings = s.checks[1].Findings[:1]
			s.made(0)
		}, "entry 1 of roads in dev: its scans are not those of the checks"},
		"another record": {func(s *story) {
			p := s.provenance()
			p.RunDetails.Byproducts[0].Digest["sha256"] = "ff"
			s.add(0, ledger.ReleaseCreated, s.admission(""), attest(s, p, s.subjects()))
		}, "entry 1 of roads in dev: its provenance: it names another record"},
		"other bytes": {func(s *story) {
			s.add(0, ledger.ReleaseCreated, s.admission(""), attest(s, s.provenance(), s.subjects()[:1]))
		}, "entry 1 of roads in dev: its provenance is about other bytes"},
		"no statements at all": {func(s *story) { s.add(0, ledger.ReleaseCreated, s.admission("")) }, "entry 1 of roads in dev: it rests on 0 statements of the kind provenance, and one was expected"},
		"an end that was another": {func(s *story) {
			s.made(0)
			s.deployed(0)
			s.add(0, ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 1, State: slipway.DeployFail, Error: "boom"}, attest(s, s.report(0, slipway.Deployed), s.deployedSubjects()))
		}, "entry 4 of roads in dev: its deployment is another one than the ledger has"},
		"another job taken away": {func(s *story) {
			s.made(0)
			s.promoted(s.signOff("ana", slipway.Yes, ""))
			s.deployed(1)
			gone := slipway.Removal{App: "roads", Environment: "prod", Number: 1, Version: "v1", Record: s.record, Job: "others", By: "ci@host", Time: s.now}
			s.add(1, ledger.JobRemoved, ledger.Removal{Number: 1}, attest(s, gone, s.deployedSubjects()))
		}, "entry 5 of roads in prod: its removal is another one than the ledger has"},
		"taken away without a statement": {func(s *story) {
			s.made(0)
			s.promoted(s.signOff("ana", slipway.Yes, ""))
			s.deployed(1)
			s.add(1, ledger.JobRemoved, ledger.Removal{Number: 1})
		}, "entry 5 of roads in prod: it rests on 0 statements of the kind removal"},
		"another plan": {func(s *story) {
			s.made(0)
			s.deployed(0)
			s.deployment.Number = 1
			r := s.report(0, slipway.Deploying)
			s.deployment.Plan.Target.Run["workers"] = 99
			s.add(0, ledger.DeploymentStarted, s.deployment, attest(s, r, s.deployedSubjects()))
		}, "entry 4 of roads in dev: its deployment is another one than the ledger has"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			if err := dossier.Verify(s.write(), policy()).Err(); err == nil || !strings.HasPrefix(err.Error(), "the dossier proves nothing: "+c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestWhoSealed(t *testing.T) {
	if err := dossier.Verify(whole(t).sealedBy("runner"), policy()).Err(); err == nil || !strings.Contains(err.Error(), "the seal: runner may not attest dossier") {
		t.Errorf("got %v", err)
	}
	if err := dossier.Verify(whole(t).sealedBy("eve"), policy()).Err(); err == nil || !strings.Contains(err.Error(), "the seal: the key "+keyOf("eve").Key().ID()+" is none of the platform's signers") {
		t.Errorf("got %v", err)
	}
}

// A key that was replaced signs no more, also not where a clock was set back: what
// is in the chain before tells how late it is.
func TestKeysAreReplaced(t *testing.T) {
	until := func(at time.Time) dossier.Policy {
		p := policy()
		m := p.Signers["runner"]
		m.Keys = []evidence.DatedKey{{Key: keyOf("runner").Key(), Until: at}, {Key: keyOf("new").Key(), From: at}}
		p.Signers["runner"] = m
		return p
	}
	if err := dossier.Verify(whole(t).write(), until(noon().Add(time.Minute))).Err(); err != nil {
		t.Errorf("what was signed before: %v", err)
	}
	s := newStory(t)
	s.made(0)
	s.now = noon().Add(time.Hour)
	s.machine = keyOf("new")
	d := s.signOff("ana", slipway.Yes, "")
	s.machine, s.now = keyOf("runner"), noon().Add(30*time.Second) // the old key, and a clock that was set back
	s.promoted(d)
	err := dossier.Verify(s.write(), until(noon().Add(time.Minute))).Err()
	if err == nil || !strings.Contains(err.Error(), "entry 2 of roads in prod: its promotion: the key "+keyOf("runner").Key().ID()+" signed only before") {
		t.Errorf("got %v", err)
	}
}

// Whose key it was is for the policy to say: with another's in its place, what was
// signed with it is named.
func TestSwappedKeys(t *testing.T) {
	s := whole(t)
	s.content.Keys = nil // the policy's are looked at, not these
	data := s.write()
	for name, c := range map[string]struct {
		swap func(dossier.Policy)
		want string
	}{
		"of a person": {func(p dossier.Policy) { p.Keys["ana"] = []evidence.Key{keyOf("new").Key()} }, "entry 4 of roads in prod: v1 was in quarantine: bo puts"},
		"of people":   {func(p dossier.Policy) { p.Keys["ana"], p.Keys["bo"] = p.Keys["bo"], p.Keys["ana"] }, "entry 4 of roads in prod: v1 was in quarantine: bo puts"},
		"of machines": {func(p dossier.Policy) {
			runner, desk := p.Signers["runner"], p.Signers["desk"]
			runner.Keys, desk.Keys = desk.Keys, runner.Keys
			p.Signers["runner"], p.Signers["desk"] = runner, desk
		}, "the seal: runner may not attest dossier"},
		"of a machine": {func(p dossier.Policy) {
			m := p.Signers["runner"]
			m.Keys = []evidence.DatedKey{{Key: keyOf("new").Key()}}
			p.Signers["runner"] = m
		}, "entry 1 of roads in dev: its provenance: the key SHA256:"},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy()
			c.swap(p)
			wantFault(t, dossier.Verify(data, p).Err(), c.want)
		})
	}
}

// Whatever opened a rail has to have been said, by whom it says, and still to have
// held; what nothing relied on proves nothing and harms nothing.
func TestWhatOpenedRails(t *testing.T) {
	exception := func(person string, statement slipway.Digest) []slipway.RailHit {
		return []slipway.RailHit{hit(slipway.RailException, person, statement)}
	}
	const rail = "rail big-jobs: 9 workers; what opened it does not: "
	for name, c := range map[string]struct {
		tell func(*story)
		want string
	}{
		"granted":              {func(s *story) { s.rails = exception("ana", s.granted("ana", s.grant())) }, ""},
		"not relied on":        {func(s *story) { s.granted("bo", s.grant()) }, ""},
		"nobody granted it":    {func(s *story) { s.rails = exception("ana", slipway.DigestOf(nil)) }, "entry 3 of roads in prod: " + rail + "nobody granted it before"},
		"open without a grant": {func(s *story) { s.rails = exception("ana", ""); s.rails[0].Grant = nil }, "entry 3 of roads in prod: rail big-jobs: 9 workers, and nothing opened it"},
		"one that nobody can open": {func(s *story) {
			s.rails = []slipway.RailHit{{Rail: "never", Effect: slipway.RailBlocks, Message: "never"}}
		}, "entry 3 of roads in prod: rail never: never, and nothing opened it"},
		"signed by somebody else":    {func(s *story) { s.rails = exception("ana", s.granted("bo", s.grant())) }, "entry 4 of roads in prod: " + rail + "entry 3 of roads in prod: what ana said: it was signed with the key "},
		"by one who may not":         {func(s *story) { g := s.grant(); g.Person = "bo"; s.rails = exception("bo", s.granted("bo", g)) }, "entry 4 of roads in prod: " + rail + "bo may not open it"},
		"it was over":                {func(s *story) { g := s.grant(); g.Until = noon(); s.rails = exception("ana", s.granted("ana", g)) }, "entry 4 of roads in prod: " + rail + "it ended on 2026-11-22"},
		"another rail":               {func(s *story) { g := s.grant(); g.Rail = "other"; s.rails = exception("ana", s.granted("ana", g)) }, "entry 4 of roads in prod: " + rail + "entry 3 of roads in prod is about something else: ana opens rail other"},
		"another environment":        {func(s *story) { g := s.grant(); g.Environment = "dev"; s.rails = exception("ana", s.granted("ana", g)) }, "entry 4 of roads in prod: " + rail + "entry 3 of roads in prod is about something else"},
		"within a limit that it hid": {func(s *story) { g := s.grant(); g.Limit = "false"; s.rails = exception("ana", s.granted("ana", g)) }, "entry 4 of roads in prod: " + rail + "entry 3 of roads in prod is about something else"},
		"taken back": {func(s *story) {
			d, end := s.granted("ana", s.grant()), s.grant()
			end.Revokes = d
			s.granted("ana", end)
			s.rails = exception("ana", d)
		}, "entry 5 of roads in prod: " + rail + "ana had taken it back"},
		"signed for": {func(s *story) {
			s.rails = []slipway.RailHit{hit(slipway.RailSignOff, "ana", s.content.Chains[1][0].Statements[0])}
		}, ""},
		"signed for by nobody": {
			func(s *story) { s.rails = []slipway.RailHit{hit(slipway.RailSignOff, "ana", slipway.DigestOf(nil))} },
			"entry 3 of roads in prod: " + rail + "nobody had signed",
		},
		"signed for by one who may not": {
			func(s *story) {
				s.rails = []slipway.RailHit{hit(slipway.RailSignOff, "bo", s.signOff("bo", slipway.Yes, ""))}
			},
			"entry 4 of roads in prod: " + rail + "bo is not in the role qa",
		},
		"signed for, and taken back": {func(s *story) {
			d := s.content.Chains[1][0].Statements[0]
			s.rails = []slipway.RailHit{hit(slipway.RailSignOff, "ana", d)}
			s.signOff("ana", slipway.Withdrawn, d)
		}, "entry 4 of roads in prod: " + rail + "ana said something else since"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.made(0)
			s.promoted(s.signOff("ana", slipway.Yes, ""))
			c.tell(s)
			s.deployed(1)
			wantFault(t, dossier.Verify(s.write(), policy()).Err(), c.want)
		})
	}
}

func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "the dossier proves nothing: "+want)) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Nothing is done with a release in quarantine until somebody who may has lifted it.
func TestNothingInQuarantine(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*story)
		want string
	}{
		"promoted":                             {func(s *story) { s.held("bo", ""); s.promoted(s.signOff("ana", slipway.Yes, "")) }, "entry 3 of roads in prod: v1 was in quarantine: bo puts release v1 into quarantine: it loses rows"},
		"deployed":                             {func(s *story) { s.promoted(s.signOff("ana", slipway.Yes, "")); s.held("bo", ""); s.deployed(1) }, "entry 4 of roads in prod: v1 was in quarantine"},
		"after it was lifted":                  {func(s *story) { s.held("ana", s.held("bo", "")); s.promoted(s.signOff("ana", slipway.Yes, "")) }, ""},
		"lifted by one who may not":            {func(s *story) { s.held("bo", s.held("bo", "")); s.promoted(s.signOff("ana", slipway.Yes, "")) }, "entry 4 of roads in prod: v1 was in quarantine"},
		"by the machine that found it altered": {func(s *story) { s.held("ana", s.held("runner", "")); s.promoted(s.signOff("ana", slipway.Yes, "")) }, ""},
		"by a machine, and not lifted":         {func(s *story) { s.held("runner", s.held("runner", "")); s.promoted(s.signOff("ana", slipway.Yes, "")) }, "entry 4 of roads in prod: v1 was in quarantine: runner puts release v1"},
		"put there once it runs":               {func(s *story) { s.promoted(s.signOff("ana", slipway.Yes, "")); s.deployed(1); s.held("bo", "") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.made(0)
			c.tell(s)
			wantFault(t, dossier.Verify(s.write(), policy()).Err(), c.want)
		})
	}
}

// Nothing that is not the dossier, byte for byte, is taken for one.
func FuzzVerify(f *testing.F) {
	data := whole(f).write()
	f.Add(data)
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"kind":"seal","seal":{}}` + "\n"))
	f.Fuzz(func(t *testing.T, other []byte) {
		if err := dossier.Verify(other, policy()).Err(); err == nil && !bytes.Equal(other, data) {
			t.Errorf("this is taken for a dossier: %s", other)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	data := whole(b).write()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := dossier.Verify(data, policy()).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHeaderOf(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "it is not a dossier: EOF",
		`{"kind":"seal","seal":{}}` + "\n": "it is not a dossier: it does not begin with a header",
	} {
		if _, err := dossier.HeaderOf([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
