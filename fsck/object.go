package fsck

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// statements looks for the signed statements that an entry rests on.
func (k *checker) statements(ctx context.Context, e ledger.Entry) error {
	for _, d := range e.Statements {
		want := wanted{
			key: slipway.StatementKey(e.App, d), digest: d, size: -1, entry: e.Number,
			what: fmt.Sprintf("a signed statement on which entry %d (%s) rests", e.Number, e.Kind), missing: StatementMissing, changed: StatementChanged,
		}
		if err := k.object(ctx, want); err != nil {
			return err
		}
	}
	return nil
}

// release looks for the record and the artifacts of a release that was let in.
func (k *checker) release(ctx context.Context, s ledger.Subject, a ledger.Admission) error {
	key := slipway.ReleaseKey(s.App, a.Version)
	if k.named[key] {
		return nil // it was let in before
	}
	record := wanted{key: key, digest: a.Record, size: -1, what: "the record of release " + a.Version, missing: RecordMissing, changed: RecordChanged}
	if err := k.object(ctx, record); err != nil {
		return err
	}
	var r slipway.Release
	data, _, err := k.Repository.Read(ctx, key)
	switch {
	case err != nil && slipway.KindOf(err) == slipway.NotFound:
		return nil // which was said
	case err != nil:
		return err
	case slipway.DigestOf(data) != a.Record:
		return nil // as well
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("read release %s of %s: %w", a.Version, s.App, err)
	}
	for _, part := range r.Files() {
		want := wanted{
			key: part.Key, digest: part.Digest, size: part.Size, what: fmt.Sprintf("%s of release %s", part.Name, a.Version),
			missing: ArtifactMissing, changed: ArtifactChanged, large: true,
		}
		if err := k.object(ctx, want); err != nil {
			return err
		}
	}
	return nil
}

// wanted is an object that has to be there.
type wanted struct {
	key     string
	digest  slipway.Digest
	size    int64 // bytes; -1: nobody said
	entry   int64
	what    string
	missing Kind
	changed Kind
	large   bool // it is not read where it is to be quick
}

// object looks whether an object is there, and is what it has to be.
func (k *checker) object(ctx context.Context, w wanted) error {
	if k.named[w.key] {
		return nil // several releases may have it
	}
	k.named[w.key] = true
	there, ok := k.objects[w.key]
	if !ok {
		return k.missing(ctx, w)
	}
	same := w.size < 0 || there.Size == w.size
	if same && (!w.large || !k.Quick) {
		d, err := repository.Digest(ctx, k.Repository, w.key)
		if err != nil {
			return err
		}
		k.report.Read += there.Size
		same = d == w.digest
	}
	if !same {
		k.find(Finding{
			Kind: w.changed, Key: w.key, Entry: w.entry, Text: w.what + " is not what it was: its bytes have not " + string(w.digest),
			Fix: "find out who can write to " + k.Repository.URL() + "; remove the object by hand, and call again with --mend: where another repository has the right bytes, they are fetched",
		})
	}
	return nil
}

// missing tells of an object that is not there, and brings it back if it can.
func (k *checker) missing(ctx context.Context, w wanted) error {
	f := Finding{Kind: w.missing, Key: w.key, Entry: w.entry, Text: w.what + " is not there"}
	from, err := k.elsewhere(ctx, w)
	switch {
	case err != nil:
		return err
	case from == nil:
		f.Fix = "no other repository has it: bring it back from a backup of " + k.Repository.URL()
	case !k.Mend:
		f.Mendable, f.Fix = true, from.URL()+" has it: call again with --mend"
	default:
		o, err := repository.Copy(ctx, from, k.Repository, w.key, w.digest)
		if err != nil {
			return err
		}
		k.objects[w.key] = o
		f.Mendable, f.Mended, f.Text = true, true, f.Text+": fetched from "+from.URL()
	}
	k.find(f)
	return nil
}

// elsewhere finds another repository that has the same bytes; nil: there is none.
func (k *checker) elsewhere(ctx context.Context, w wanted) (repository.Repository, error) {
	for _, r := range k.Others {
		if r.URL() == k.Repository.URL() {
			continue
		}
		d, err := repository.Digest(ctx, r, w.key)
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err == nil && d == w.digest { // one that cannot be reached has nothing for us
			return r, nil
		}
	}
	return nil, nil
}

// unnamed notes the records and statements that no entry of the ledger names.
func (k *checker) unnamed(ctx context.Context) error {
	for key := range k.objects {
		app, what := kindOf(key)
		if what == "" || k.named[key] || k.broken[app] {
			continue
		}
		k.app = app
		if what == "release" {
			k.find(Finding{
				Kind: ReleaseUnrecorded, Key: key, Text: "a release that the ledger never let in: it was cut short, or the ledger is older than the repository",
				Fix: "release or promote it again; nothing is done twice",
			})
			continue
		}
		f := Finding{
			Kind: StatementUnnamed, Key: key, Text: "a signed statement that no entry rests on: its act was cut short, or the ledger is older than the repository",
		}
		data, _, err := k.Repository.Read(ctx, key)
		if err != nil {
			return err
		}
		if e, err := evidence.Unwrap(data); err == nil {
			f.Text += "; it says " + e.PredicateType
		}
		k.find(f)
	}
	return nil
}
