package evidence

import (
	"context"
	"encoding/json"

	"github.com/slipway-cd/slipway"
)

// A Claim is what a machine says: the predicate of its statement.
type Claim interface {
	slipway.Provenance | slipway.TestResult | slipway.Scan | slipway.ChangeReview | BOM | slipway.Promotion | slipway.DeploymentReport | slipway.Removal | slipway.RunVerdict | slipway.Seal
}

// BOM is a software bill of materials in the JSON of CycloneDX.
type BOM struct{ json.RawMessage }

// typeOf is the type of a claim's statement.
func typeOf[C Claim](c C) string {
	switch any(c).(type) {
	case slipway.Provenance:
		return ProvenanceType
	case slipway.TestResult:
		return TestResultType
	case slipway.Scan:
		return ScanType
	case slipway.ChangeReview:
		return ReviewType
	case BOM:
		return SBOMType
	case slipway.Promotion:
		return PromotionType
	case slipway.DeploymentReport:
		return DeploymentType
	case slipway.Removal:
		return RemovalType
	case slipway.RunVerdict:
		return RunType
	default:
		return SealType
	}
}

// Attest puts a claim about bytes into an envelope and returns its bytes. The
// same claim signed again with the same key has the same bytes.
func Attest[C Claim](ctx context.Context, by Signer, claim C, about []Subject) ([]byte, error) {
	return seal(ctx, by, Statement[C]{Type: StatementType, Subject: about, PredicateType: typeOf(claim), Predicate: claim})
}

// Read reads what an envelope claims. Another type than asked for, and a claim
// that is not written as Slipway writes it, are errors of kind Invalid.
func Read[C Claim](e Envelope) (C, error) {
	var c C
	return predicate[C](e, typeOf(c))
}

// SubjectOf is a subject that is no artifact, such as a release's record.
func SubjectOf(name string, d slipway.Digest) Subject {
	return Subject{Name: name, Digest: Sums{SHA256: d.Hex()}}
}
