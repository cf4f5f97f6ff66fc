package fsck

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// kindOf says of what app an object is, and what: a release's record or a statement.
// It is empty for all others.
func kindOf(key string) (app, what string) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 || !strings.HasSuffix(parts[2], ".json") {
		return "", ""
	}
	switch parts[1] {
	case "releases":
		return parts[0], "release"
	case "evidence":
		return parts[0], "statement"
	}
	return "", ""
}

// unfinished tells of a deployment that has no end.
func (k *checker) unfinished(h ledger.History) {
	d, ok := h.Unfinished()
	if !ok {
		return
	}
	k.find(Finding{
		Kind: DeploymentUnfinished, Text: fmt.Sprintf("deployment %d, of %s, was begun on %s by %s and has no end", d.Number, d.Plan.Target.Version, d.Started.Format("2006-01-02 15:04:05"), d.By),
		Fix: fmt.Sprintf("if nobody is at it now: slipway deploy %s %s goes on where it stopped", d.Plan.Target.Version, k.Environment),
	})
}

// job holds what the runtime has against what the ledger says.
func (k *checker) job(ctx context.Context, h ledger.History) error {
	last, ok := h.Last()
	if _, unfinished := h.Unfinished(); !ok || k.Observe == nil || unfinished { // one that is under way may be anything
		return nil
	}
	k.report.Jobs++
	_, live := h.Current()
	status, err := k.Observe(ctx, last)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		k.find(Finding{Kind: JobUnknown, Text: "nobody can say what runs: " + err.Error(), Fix: "call again once the runtime answers"})
	case !live && status.State != slipway.JobAbsent:
		k.find(Finding{
			Kind: JobLeft, Text: "its job was removed, and is there",
			Fix: "if somebody made it by hand: slipway adopt; else remove it by hand",
		})
	case live && status.State == slipway.JobAbsent:
		k.find(Finding{Kind: JobMissing, Text: fmt.Sprintf("%s is live as of deployment %d, and there is no such job", last.Plan.Target.Version, last.Number), Fix: k.again(last)})
	case live:
		return k.differs(ctx, last, status)
	}
	return nil
}

// differs tells of a job that is not as it was deployed.
func (k *checker) differs(ctx context.Context, d slipway.Deployment, status slipway.JobStatus) error {
	want, _ := d.Plan.Target.Artifact(slipway.KindScript)
	got, _ := status.Target.Artifact(slipway.KindScript)
	switch {
	case got.Digest != "" && got.Digest != want.Digest:
		version, err := k.versionOf(ctx, got.Digest)
		if err != nil {
			return err
		}
		f := Finding{
			Kind: JobDiffers, Text: fmt.Sprintf("it runs another script than that of %s, which is live as of deployment %d", d.Plan.Target.Version, d.Number),
			Fix: k.again(d),
		}
		if version != "" {
			f.Text += ": it is that of release " + version
			f.Fix = fmt.Sprintf("if the ledger is older than the runtime: slipway deploy %s %s writes down what is there; else %s", version, k.Environment, f.Fix)
		}
		k.find(f)
	case status.State == slipway.JobDrifted:
		k.find(Finding{
			Kind: JobDiffers, Text: "somebody changed it by hand: " + slipway.FieldsText(status.Drift),
			Fix: "slipway drift " + k.Environment + " shows it; " + k.again(d),
		})
	}
	return nil
}

// again is how a deployment is made again.
func (k *checker) again(d slipway.Deployment) string {
	return fmt.Sprintf("slipway deploy %s %s --drift overwrite puts it right", d.Plan.Target.Version, k.Environment)
}

// versionOf finds the release of the app that is looked at which has a script; empty:
// none has.
func (k *checker) versionOf(ctx context.Context, script slipway.Digest) (string, error) {
	for key := range k.objects {
		if app, what := kindOf(key); app != k.app || what != "release" {
			continue
		}
		data, _, err := k.Repository.Read(ctx, key)
		if err != nil {
			return "", err
		}
		var r slipway.Release
		if json.Unmarshal(data, &r) != nil {
			continue // which is told elsewhere
		}
		for _, a := range r.Artifacts {
			if a.Kind == slipway.KindScript && a.Digest == script {
				return r.Version, nil
			}
		}
	}
	return "", nil
}
