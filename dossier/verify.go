package dossier

import (
	"bytes"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// A Policy says what a dossier has to prove, and whose word counts for it.
type Policy struct {
	evidence.Policy
	Environments map[string]Environment
	// Who are the people that roles, people and teams stood for at a time.
	Who func(names []string, at time.Time) []string
}

// An Environment is what a policy says of one.
type Environment struct {
	Follows string // where releases come from; empty: they are made here
	// Rules say whose yes a release needed at a time, and whose counted; nil: nobody's.
	Rules func(r slipway.Release, at time.Time) promote.Rules
}

// Verify reads a dossier and says what it proves. It looks at nothing else than
// the file and the policy. First the seal: each line is the one that was sealed, and
// where it was. Where that does not hold, nothing else is looked at.
func Verify(data []byte, p Policy) Report {
	v := &verifier{policy: p, report: &Report{Proofs: []Proof{}, Faults: []Fault{}, Artifacts: []slipway.Artifact{}}, statements: map[slipway.Digest]envelope{}}
	for _, step := range []func(){
		func() { v.split(data) }, v.header, v.sealed, v.read, v.known, v.chained,
	} {
		if step(); len(v.report.Faults) > 0 {
			return *v.report
		}
	}
	for i := range v.chains {
		v.walk(i)
	}
	return *v.report
}

// Prove says what content proves that is not written and sealed yet.
func Prove(c Content, p Policy) Report {
	v := &verifier{policy: p, head: c.Header, files: c.Files, open: true, statements: map[slipway.Digest]envelope{}}
	v.report = &Report{App: c.App, Version: c.Version, Environments: c.Environments, Proofs: []Proof{}, Faults: []Fault{}, Artifacts: []slipway.Artifact{}}
	for _, chain := range c.Chains {
		v.entries = append(v.entries, chain...)
	}
	for _, data := range c.Statements {
		v.take(line{Statement: data})
	}
	v.known()
	v.chained()
	for i := 0; i < len(v.chains) && len(v.report.Faults) == 0; i++ {
		v.walk(i)
	}
	return *v.report
}

// A verifier is one dossier being verified.
type verifier struct {
	open       bool // it is not sealed yet
	policy     Policy
	report     *Report
	raw        [][]byte // lines, the seal last
	lines      []line
	head       Header
	seal       slipway.Seal
	files      []File
	entries    []ledger.Entry
	chains     []chain // by environment, in the order of the road
	statements map[slipway.Digest]envelope
}

// An envelope is a statement with its bytes.
type envelope struct {
	evidence.Envelope
	data []byte
}

// split finds the lines.
func (v *verifier) split(data []byte) {
	body, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok || len(body) == 0 {
		v.report.fault("the seal", "the file does not end with one")
		return
	}
	v.raw = bytes.Split(body, []byte("\n"))
	v.lines = make([]line, len(v.raw))
	for i, raw := range v.raw {
		v.lines[i], _ = decode(raw) // the seal says what is wrong with it
	}
}

// header reads what the dossier is about.
func (v *verifier) header() {
	if h := v.lines[0].Header; h != nil {
		v.head = *h
	}
	v.report.App, v.report.Version, v.report.Environments, v.report.Written = v.head.App, v.head.Version, v.head.Environments, v.head.Time
}

// sealed proves that each line is the one that was sealed, in its place.
func (v *verifier) sealed() {
	last, wrong := decode(v.raw[len(v.raw)-1])
	if last.Seal == nil {
		v.report.fault("the seal", "the last line is none")
		return
	}
	e, err := evidence.Unwrap(last.Seal)
	if err == nil {
		err = wrong // nothing else says whether the line around it was changed
	}
	if err == nil {
		v.seal, err = evidence.Read[slipway.Seal](e)
	}
	if err == nil {
		v.report.SealedBy, err = v.policy.Attested(e, "", v.seal.Time)
	}
	if err != nil {
		v.report.fault("the seal", "%v", err)
		return
	}
	v.compare()
	whole := slipway.DigestOf(append(bytes.Join(v.raw[:len(v.raw)-1], []byte("\n")), '\n'))
	if len(v.report.Faults) == 0 && !slices.Equal(e.Subject, []evidence.Subject{evidence.SubjectOf("dossier", whole)}) {
		v.report.fault("the seal", "it is about other bytes than these")
	}
	if v.seal.App != v.head.App || v.seal.Version != v.head.Version {
		v.report.fault("the header", "it is about %s of %s, and the seal about %s of %s", v.head.Version, v.head.App, v.seal.Version, v.seal.App)
	}
}

// compare holds the lines against the seal.
func (v *verifier) compare() {
	var got []slipway.Digest
	for _, raw := range v.raw[:len(v.raw)-1] {
		got = append(got, slipway.DigestOf(raw))
	}
	for i, want := range v.seal.Lines {
		at := slices.Index(got, want.Digest)
		switch {
		case i < len(got) && got[i] == want.Digest:
		case at >= 0:
			v.report.fault(want.Name, "it stands in line %d, and was sealed in line %d", at+1, i+1)
		case i < len(got) && len(got) == len(v.seal.Lines):
			v.report.fault(want.Name, "line %d was changed: it has %s, and %s was sealed", i+1, got[i], want.Digest)
		default:
			v.report.fault(want.Name, "it was sealed in line %d, and is missing", i+1)
		}
	}
	for i, d := range got {
		if !slices.ContainsFunc(v.seal.Lines, func(l slipway.SealedLine) bool { return l.Digest == d }) && len(got) > len(v.seal.Lines) {
			v.report.fault(v.lines[i].name(), "it stands in line %d, and was never sealed", i+1)
		}
	}
	if len(got) != len(v.seal.Lines) && len(v.report.Faults) == 0 {
		v.report.fault("the seal", "it is for %d lines, and there are %d", len(v.seal.Lines), len(got))
	}
}

// read takes the lines apart.
func (v *verifier) read() {
	order := []string{headerLine, keyLine, fileLine, entryLine, statementLine}
	at := 0
	for i, l := range v.lines[:len(v.lines)-1] {
		if l.Kind == "" {
			_, err := decode(v.raw[i])
			v.report.fault(v.seal.Lines[i].Name, "line %d cannot be read: %v", i+1, err)
			continue
		}
		place := slices.Index(order, l.Kind)
		if place < at || (i == 0) != (place == 0) {
			v.report.fault(l.name(), "it stands in line %d, where it has no place", i+1)
			continue
		}
		at = place
		v.take(l)
	}
	if v.head.Format != Format {
		v.report.fault("the header", "the format is %q, and %q was expected", v.head.Format, Format)
	}
}

// take keeps what a line has.
func (v *verifier) take(l line) {
	switch {
	case l.Key != nil:
		v.report.Keys = append(v.report.Keys, *l.Key)
		v.key(*l.Key)
	case l.File != nil:
		if d := slipway.DigestOf(l.File.Data); d != l.File.Digest {
			v.report.fault(l.name(), "its bytes have %s, and not %s", d, l.File.Digest)
		}
		v.files = append(v.files, *l.File)
	case l.Entry != nil:
		e, err := ledger.Decode(l.Entry)
		if err != nil {
			v.report.fault(l.name(), "%v", err)
			return
		}
		v.entries = append(v.entries, e)
	case l.Statement != nil:
		e, err := evidence.Unwrap(l.Statement)
		if err != nil {
			v.report.fault(l.name(), "%v", err)
			return
		}
		v.statements[e.Digest] = envelope{e, l.Statement}
	}
}

// key says whether the policy knows a key by the name that the dossier has for it.
// One that the policy does not know at all proves nothing, and is no fault.
func (v *verifier) key(k Key) {
	public, err := evidence.ParseMachineKey(k.Key)
	if err != nil {
		v.report.fault("the key of "+k.name(), "%v", err)
		return
	}
	if pem, err := public.PEM(); err != nil || pem != k.PEM {
		v.report.fault("the key of "+k.name(), "its PEM is another key")
	}
	if owner, ok := v.policy.Owner(public); ok && k.Person != "" && owner != k.Person {
		v.report.fault("the key of "+k.name(), "by the policy it is %s's", owner)
	}
	if machine, _, ok := v.policy.Machine(public.ID()); ok && k.Signer != "" && machine != k.Signer {
		v.report.fault("the key of "+k.name(), "by the policy it is %s's", machine)
	}
}

// known says whether the policy has the road, and the dossier all of it.
func (v *verifier) known() {
	before := ""
	for _, name := range v.head.Environments {
		e, ok := v.policy.Environments[name]
		switch {
		case !ok:
			v.report.fault("the header", "the policy has no environment %s", name)
		case e.Follows != before && before == "":
			v.report.fault("the header", "the release was made in %s, and by the policy releases come there from %s", name, e.Follows)
		case e.Follows != before:
			v.report.fault("the header", "%s comes after %s, and by the policy it follows %s", name, before, either(e.Follows, "nothing"))
		}
		before = name
	}
	if before == "" {
		v.report.fault("the header", "it names no environment")
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
