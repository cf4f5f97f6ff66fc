package promote

import (
	"context"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// An attestation is the statement of one promotion. It is made again only where
// it would say something else.
type attestation struct {
	stage     Stage
	release   slipway.Release
	admission ledger.Admission // to be
	signOffs  []slipway.Digest
	written   []slipway.Digest
}

// of returns the statements that the promotion rests on, having written them.
func (a *attestation) of(ctx context.Context, signOffs []slipway.Digest) ([]slipway.Digest, error) {
	if a.stage.Attest == nil || a.written != nil && slices.Equal(signOffs, a.signOffs) {
		return a.written, nil
	}
	from := a.stage.From
	h, err := ledger.ReadHistory(ctx, from.Ledger, ledger.Subject{App: a.release.App, Environment: from.Environment.Name})
	if err != nil {
		return nil, err
	}
	origin, ok := h.Point(a.release.Version)
	if !ok {
		return nil, slipway.Errorf(slipway.Conflict, "release %s is no longer in the ledger of %s", a.release.Version, from.Environment.Name)
	}
	a.signOffs = signOffs
	a.written, err = a.stage.Attest(ctx, slipway.Promotion{
		App: a.release.App, Version: a.release.Version, Record: a.admission.Record,
		From: from.Environment.Name, To: a.stage.To.Environment.Name, Origin: origin, SignOffs: signOffs, Set: a.admission.Set,
		By: a.admission.By, Time: a.admission.Time,
	}, a.release)
	return a.written, err
}

// counted are the statements whose yes opened the gate.
func (st Standing) counted() []slipway.Digest {
	var all []slipway.Digest
	for _, s := range st.Said {
		if s.Counts && s.Answer == slipway.Yes {
			all = append(all, s.Statement)
		}
	}
	return all
}
