package evidence_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func provenance() slipway.Provenance {
	return slipway.Provenance{
		BuildDefinition: slipway.BuildDefinition{
			BuildType: "https://github.com/slipway-cd/slipway/build/v1",
			ExternalParameters: slipway.BuildParameters{
				App: "roads", Version: "v1.4.0", Path: ".", Build: json.RawMessage(`{"notebook":"roads.ipynb"}`),
			},
			ResolvedDependencies: []slipway.Resource{{URI: "git+https://example.com/roads", Digest: map[string]string{"gitCommit": "e1", "gitTree": "e2"}}},
		},
		RunDetails: slipway.BuildRun{
			Builder:  slipway.Builder{ID: "https://github.com/slipway-cd/slipway"},
			Metadata: slipway.BuildMetadata{InvocationID: "roads/v1.4.0", FinishedOn: noon()},
		},
	}
}

func attest[C evidence.Claim](t testing.TB, by evidence.Signer, claim C) []byte {
	t.Helper()
	data, err := evidence.Attest(t.Context(), by, claim, evidence.Subjects(release()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readBack attests a claim, and reads it.
func readBack[C evidence.Claim](t *testing.T, claim C, kind string) {
	t.Helper()
	data := attest(t, newPair("ci"), claim)
	e, err := evidence.Unwrap(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := evidence.Read[C](e)
	if diff := cmp.Diff(claim, got); diff != "" || err != nil || e.PredicateType != kind || e.Digest != slipway.DigestOf(data) {
		t.Errorf("%s, %v (-attested +read):\n%s", e.PredicateType, err, diff)
	}
	if diff := cmp.Diff(evidence.Subjects(release()), e.Subject); diff != "" {
		t.Errorf("it is about (-want +got):\n%s", diff)
	}
	if !e.SignedBy(newPair("ci").Key()) || e.SignedBy(newPair("ana").Key()) {
		t.Error("its signature is not that of the one who signed")
	}
	if again := attest(t, newPair("ci"), claim); !bytes.Equal(again, data) {
		t.Error("attested again, it has other bytes")
	}
}

func TestAttested(t *testing.T) {
	exit := 1
	point := slipway.ChainPoint{Environment: "dev", Number: 3, Hash: record}
	readBack(t, provenance(), "https://slsa.dev/provenance/v1")
	readBack(t, slipway.TestResult{Result: slipway.TestsPassed, Configuration: []slipway.Resource{{Name: "checks.json"}}, PassedTests: []string{"unit <1>"}}, "https://in-toto.io/attestation/test-result/v0.1")
	readBack(t, evidence.BOM{RawMessage: json.RawMessage(`{"bomFormat":"CycloneDX"}`)}, "https://cyclonedx.org/bom")
	readBack(t, slipway.Promotion{App: "roads", Record: record, Origin: point, SignOffs: []slipway.Digest{record}, Time: noon()}, "https://github.com/slipway-cd/slipway/promotion/v1")
	readBack(t, slipway.DeploymentReport{App: "roads", State: slipway.Deployed, Record: record, Time: noon()}, "https://github.com/slipway-cd/slipway/deployment/v1")
	readBack(t, slipway.RunVerdict{App: "roads", Run: "r-1", State: slipway.RunFailed, ExitCode: &exit, Time: noon()}, "https://github.com/slipway-cd/slipway/run/v1")
	readBack(t, slipway.Seal{App: "roads", Lines: []slipway.SealedLine{{Name: "the header", Digest: record}}, Heads: []slipway.ChainPoint{point}, Time: noon()}, "https://github.com/slipway-cd/slipway/dossier/v1")
}

// The statement of a build is what SLSA says it is.
func TestProvenanceIsSLSA(t *testing.T) {
	var e dsse.Envelope
	if err := json.Unmarshal(attest(t, newPair("ci"), provenance()), &e); err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(body), `"predicateType"`)
	want := `:"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"buildType":"https://github.com/slipway-cd/slipway/build/v1",` +
		`"externalParameters":{"app":"roads","version":"v1.4.0","path":".","build":{"notebook":"roads.ipynb"}},` +
		`"resolvedDependencies":[{"uri":"git+https://example.com/roads","digest":{"gitCommit":"e1","gitTree":"e2"}}]},` +
		`"runDetails":{"builder":{"id":"https://github.com/slipway-cd/slipway"},"metadata":{"invocationId":"roads/v1.4.0","finishedOn":"2026-11-22T12:00:00Z"}}}}`
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("the statement (-want +got):\n%s", diff)
	}
}

func TestNotTheClaimThatWasAskedFor(t *testing.T) {
	e, err := evidence.Unwrap(attest(t, newPair("ci"), provenance()))
	if err != nil {
		t.Fatal(err)
	}
	want := `not a signed statement: its predicate is of the type "https://slsa.dev/provenance/v1", and "https://github.com/slipway-cd/slipway/promotion/v1" was expected`
	if _, err := evidence.Read[slipway.Promotion](e); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := evidence.Open(attest(t, newPair("ci"), provenance())); err == nil || slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("provenance is read as a sign-off: %v", err)
	}
	e.Predicate = json.RawMessage(`{"app":"roads","colour":"red"}`)
	e.PredicateType = evidence.PromotionType
	want = `not a signed statement: the statement: json: unknown field "colour"`
	if _, err := evidence.Read[slipway.Promotion](e); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := evidence.Attest(t.Context(), newPair("ci"), provenance(), nil); err == nil || err.Error() != "not a signed statement: it is about nothing" {
		t.Errorf("got %v", err)
	}
}

func machines() evidence.Policy {
	p := policy()
	ci, old := newPair("ci").Key(), newPair("old").Key()
	p.Signers = map[string]evidence.Machine{
		"runner": {
			Keys:         []evidence.DatedKey{{Key: old, Until: noon()}, {Key: ci, From: noon()}},
			May:          []evidence.Act{evidence.ActRelease, evidence.ActPromote},
			Environments: []string{"dev"},
		},
		"server": {Keys: []evidence.DatedKey{{Key: newPair("server").Key()}}},
	}
	return p
}

// Keys are replaced by others; what the old one signed while it did stays signed.
func TestWhoMayAttest(t *testing.T) {
	before, after := noon().Add(-time.Second), noon().Add(time.Second)
	old, ci := newPair("old").Key().ID(), newPair("ci").Key().ID()
	for name, c := range map[string]struct {
		env  string
		at   time.Time
		data []byte
		want string
	}{
		"the old key then":      {env: "dev", at: before, data: attest(t, newPair("old"), provenance())},
		"the new key now":       {env: "dev", at: noon(), data: attest(t, newPair("ci"), provenance())},
		"the old key now":       {env: "dev", at: noon(), data: attest(t, newPair("old"), provenance()), want: "the key " + old + " signed only before 2026-11-22 12:00 UTC, and this is of 2026-11-22 12:00 UTC"},
		"the new key too early": {env: "dev", at: before, data: attest(t, newPair("ci"), provenance()), want: "the key " + ci + " signs only from 2026-11-22 12:00 UTC, and this is of 2026-11-22 11:59 UTC"},
		"a server":              {env: "prod", at: after, data: attest(t, newPair("server"), slipway.Seal{})},
		"another act":           {env: "dev", at: after, data: attest(t, newPair("ci"), slipway.Seal{}), want: "runner may not attest dossier, only release, promote"},
		"another environment":   {env: "prod", at: after, data: attest(t, newPair("ci"), slipway.Promotion{}), want: "runner may attest nothing in prod, only in dev"},
		"a person":              {env: "dev", at: after, data: attest(t, newPair("ana"), provenance()), want: "the key " + newPair("ana").Key().ID() + " is none of the platform's signers"},
		"a sign-off":            {env: "dev", at: after, data: sign(t, newPair("ci"), yes()), want: "it is of the type https://github.com/slipway-cd/slipway/sign-off/v1, which no machine attests"},
		"other words than were signed": {
			env: "dev", at: after, want: "its signature is not one by server's key " + newPair("server").Key().ID() + " over these bytes",
			data: bytes.Replace(attest(t, newPair("ci"), provenance()), []byte(ci), []byte(newPair("server").Key().ID()), 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := evidence.Unwrap(c.data)
			if err != nil {
				t.Fatal(err)
			}
			_, err = machines().Attested(e, c.env, c.at)
			if c.want == "" && err == nil {
				return
			}
			if err == nil || err.Error() != c.want || slipway.KindOf(err) != slipway.Blocked {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// What is read of an envelope is what was signed: nothing that reads is believed
// unless it is, byte for byte, what a key of the policy signed.
func FuzzUnwrap(f *testing.F) {
	whole := attest(f, newPair("server"), provenance())
	f.Add(whole)
	f.Add(attest(f, newPair("server"), slipway.Seal{Lines: []slipway.SealedLine{{Digest: record}}}))
	f.Add(bytes.Replace(whole, []byte(`"sig"`), []byte(`"Sig"`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := evidence.Unwrap(data)
		if err != nil {
			if slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("the error is of kind %s: %v", slipway.KindOf(err), err)
			}
			return
		}
		for _, err := range []error{
			readable[slipway.Provenance](e), readable[slipway.TestResult](e), readable[evidence.BOM](e), readable[slipway.Promotion](e),
			readable[slipway.DeploymentReport](e), readable[slipway.RunVerdict](e), readable[slipway.Seal](e),
		} {
			if err != nil && slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("the error is of kind %s: %v", slipway.KindOf(err), err)
			}
		}
		if _, err := machines().Attested(e, "dev", noon()); err == nil && e.PredicateType == evidence.ProvenanceType && !bytes.Equal(data, whole) {
			t.Errorf("this is believed to be the server's: %s", data)
		}
	})
}

func readable[C evidence.Claim](e evidence.Envelope) error {
	_, err := evidence.Read[C](e)
	return err
}

// A key on P-256 attests as one of ed25519 does; people do not sign with it.
func TestCurveKey(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := evidence.NewCurveKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	by := curve{k, private}
	e, err := evidence.Unwrap(attest(t, by, provenance()))
	if err != nil {
		t.Fatal(err)
	}
	if !e.SignedBy(k) || e.SignedBy(newPair("ci").Key()) {
		t.Error("its signature is not that of the one who signed")
	}
	again, err := evidence.ParseMachineKey(k.String() + " ci")
	if err != nil || !again.Equal(k) || again.ID() != k.ID() || k.Equal(newPair("ci").Key()) || newPair("ci").Key().Equal(k) {
		t.Errorf("read again it is %s, %v", again, err)
	}
	if _, err := evidence.ParseKey(k.String()); err == nil || !strings.Contains(err.Error(), "only ssh-ed25519 signs") {
		t.Errorf("for a person: %v", err)
	}
	if text, err := k.PEM(); err != nil || !strings.HasPrefix(text, "-----BEGIN PUBLIC KEY-----\n") {
		t.Errorf("for others: %s, %v", text, err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.NewCurveKey(&other.PublicKey); err == nil || err.Error() != "it is a key on the curve P-384, and P-256 was expected" {
		t.Errorf("another curve: %v", err)
	}
}

type curve struct {
	key     evidence.Key
	private *ecdsa.PrivateKey
}

func (c curve) Key() evidence.Key { return c.key }

func (c curve) Sign(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return ecdsa.SignASN1(rand.Reader, c.private, sum[:])
}
