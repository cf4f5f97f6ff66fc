// Package fsck holds the three places against each other that say what happened in an
// environment: the ledger, the artifact repository and the runtime. It explains every
// disagreement, and mends what can be mended without a doubt. Start at Check.
//
// They are changed one after the other, so a killed process, a lost disk or a backup
// that was brought back leaves them apart. What is in the ledger counts.
package fsck

import (
	"cmp"
	"context"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A Kind is the name of a disagreement.
type Kind string

// The kinds. A note is what is explained and wrong nowhere; all others are wrong.
const (
	ChainBroken          Kind = "chain-broken"          // an entry of the ledger was changed or is missing
	StatementMissing     Kind = "statement-missing"     // an entry rests on a signed statement that is not there
	StatementChanged     Kind = "statement-changed"     // it is there with other bytes
	RecordMissing        Kind = "record-missing"        // a release was let in, and its record is not there
	RecordChanged        Kind = "record-changed"        // its record is not the one that was let in
	ArtifactMissing      Kind = "artifact-missing"      // a release has an artifact that is not there
	ArtifactChanged      Kind = "artifact-changed"      // it is there with other bytes
	JobMissing           Kind = "job-missing"           // the ledger has it as live, and the runtime has no such job
	JobDiffers           Kind = "job-differs"           // the runtime runs something else
	JobLeft              Kind = "job-left"              // the ledger has it as removed, and the runtime still has it
	JobUnknown           Kind = "job-unknown"           // the runtime does not answer
	DeploymentUnfinished Kind = "deployment-unfinished" // it was begun and has no end
	LedgerBack           Kind = "ledger-back"           // a head was signed from which the ledger does not go on
	ReleaseUnrecorded    Kind = "release-unrecorded"    // note: a record that no entry of the ledger let in
	StatementUnnamed     Kind = "statement-unnamed"     // note: a statement that no entry of the ledger rests on
)

// Note reports whether a disagreement is explained and wrong nowhere.
func (k Kind) Note() bool { return k == ReleaseUnrecorded || k == StatementUnnamed }

// A Finding is one disagreement.
type Finding struct {
	Kind        Kind   `json:"kind"`
	Environment string `json:"environment"`
	App         string `json:"app"`
	Key         string `json:"key,omitempty"`   // of the object in the repository
	Entry       int64  `json:"entry,omitempty"` // the number of the ledger's entry
	Text        string `json:"text"`
	Fix         string `json:"fix,omitempty"`
	Mendable    bool   `json:"mendable,omitempty"` // Mend can put it right
	Mended      bool   `json:"mended,omitempty"`
}

// A Report is what Check found in one environment, and how much it looked at.
type Report struct {
	Environment string    `json:"environment"`
	Findings    []Finding `json:"findings"`
	Apps        int       `json:"apps"`
	Entries     int64     `json:"entries"`
	Objects     int64     `json:"objects"` // in the repository
	Read        int64     `json:"read"`    // bytes of them that were read and whose digests were found
	Jobs        int       `json:"jobs"`    // that the runtime was asked about
}

// Wrong is how many findings are neither notes nor mended.
func (r Report) Wrong() int {
	n := 0
	for _, f := range r.Findings {
		if !f.Kind.Note() && !f.Mended {
			n++
		}
	}
	return n
}

// Config says what is held against what.
type Config struct {
	Environment string
	Ledger      ledger.Ledger
	Repository  repository.Repository
	// Others are the repositories of other environments, in which the same bytes may
	// lie: a release is the same wherever it was promoted to.
	Others []repository.Repository
	// Observe asks the runtime what is there of a deployment; nil: it is not asked.
	Observe func(context.Context, slipway.Deployment) (slipway.JobStatus, error)
	// Back says that the ledger does not go on from a head of it that was signed; nil: it
	// does, as far as anybody knows.
	Back error
	// Quick compares the sizes of artifacts and reads none of them.
	Quick bool
	// Mend puts right what can be: it fetches bytes that are missing from where they
	// are too, under the same digest. Nothing is ever removed or written over.
	Mend bool
	// Progress is told which app is looked at; nil: nobody is.
	Progress func(app string)
}

// Check looks at all apps of an environment. Its error is of what kept it from looking;
// what it found is in the report.
func Check(ctx context.Context, c Config) (Report, error) {
	k := checker{Config: c, report: Report{Environment: c.Environment, Findings: []Finding{}}}
	if c.Back != nil {
		k.find(Finding{Kind: LedgerBack, Text: c.Back.Error(), Fix: "what was done since is named below as far as anything knows of it; then slipway ledger accept has servers go on from here"})
	}
	if err := k.list(ctx); err != nil {
		return k.report, err
	}
	subjects, err := c.Ledger.Subjects(ctx)
	if err != nil {
		return k.report, err
	}
	for _, s := range subjects {
		if s.Environment != c.Environment {
			continue
		}
		if c.Progress != nil {
			c.Progress(s.App)
		}
		if err := k.subject(ctx, s); err != nil {
			return k.report, err
		}
	}
	if err := k.unnamed(ctx); err != nil {
		return k.report, err
	}
	slices.SortStableFunc(k.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Key, b.Key))
	})
	return k.report, nil
}

// checker is one look at an environment.
type checker struct {
	Config
	report  Report
	objects map[string]repository.Object // all of the repository, by key
	named   map[string]bool              // keys of records and statements that the ledger names
	broken  map[string]bool              // apps whose chain says nothing any more
	app     string                       // that is looked at
}

// list takes in what the repository has.
func (k *checker) list(ctx context.Context) error {
	k.objects, k.named, k.broken = map[string]repository.Object{}, map[string]bool{}, map[string]bool{}
	for o, err := range k.Repository.List(ctx, "", "") {
		if err != nil {
			return err
		}
		k.objects[o.Key] = o
	}
	k.report.Objects = int64(len(k.objects))
	return nil
}

// find adds a finding about the app that is looked at.
func (k *checker) find(f Finding) {
	f.Environment, f.App = k.Environment, k.app
	k.report.Findings = append(k.report.Findings, f)
}

// subject looks at one app.
func (k *checker) subject(ctx context.Context, s ledger.Subject) error {
	k.app = s.App
	if s.IsApp() {
		k.report.Apps++
	}
	h, err := ledger.ReadHistory(ctx, k.Ledger, s)
	if err != nil && slipway.KindOf(err) == slipway.Conflict {
		k.broken[s.App] = true
		k.find(Finding{Kind: ChainBroken, Text: err.Error(), Fix: "bring the ledger back from a backup, and find out who could write there"})
		return nil
	}
	if err != nil {
		return err
	}
	k.report.Entries += int64(len(h.Entries))
	for _, e := range h.Entries {
		if err := k.statements(ctx, e); err != nil {
			return err
		}
	}
	for _, a := range h.Admissions {
		if err := k.release(ctx, s, a); err != nil {
			return err
		}
	}
	k.unfinished(h)
	return k.job(ctx, h)
}
