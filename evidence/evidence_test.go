package evidence_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// A pair is a key of a test, the same each time.
type pair struct{ private ed25519.PrivateKey }

func newPair(name string) pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), ed25519.SeedSize))}
}

func (p pair) Key() evidence.Key {
	return evidence.NewKey(p.private.Public().(ed25519.PublicKey))
}

func (p pair) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(p.private, data), nil
}

func release() slipway.Release {
	a := func(name string) slipway.Artifact {
		return slipway.Artifact{Name: name, Digest: slipway.DigestOf([]byte(name))}
	}
	return slipway.Release{App: "roads", Version: "v1.4.0", Artifacts: []slipway.Artifact{a("roads.py")}, Manifest: a("manifest.json"), Checks: a("checks.json")}
}

var record = slipway.DigestOf([]byte("record"))

func yes() slipway.SignOff {
	return slipway.SignOff{
		App: "roads", Version: "v1.4.0", Record: record, Environment: "prod", Role: "qa", Person: "ana", Answer: slipway.Yes,
		Comment: "read all of it", Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
}

func policy() evidence.Policy {
	return evidence.Policy{
		Keys:  map[string][]evidence.Key{"ana": {newPair("spare").Key(), newPair("ana").Key()}, "bo": {newPair("bo").Key()}},
		Roles: map[string][]string{"qa": {"ana", "bo", "cy"}, "security": {"bo"}},
	}
}

func sign(t testing.TB, by evidence.Signer, s slipway.SignOff) []byte {
	t.Helper()
	data, err := evidence.Sign(t.Context(), by, s, release())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSignedIsVerified(t *testing.T) {
	data := sign(t, newPair("ana"), yes())
	got, err := evidence.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(yes(), got.Statement.Predicate); diff != "" {
		t.Errorf("the sign-off (-signed +read):\n%s", diff)
	}
	if got.Digest != slipway.DigestOf(data) {
		t.Errorf("its digest is %s", got.Digest)
	}
	if err := policy().Verify(got); err != nil {
		t.Error(err)
	}
	if err := evidence.Covers(got.Statement, release(), record, "prod"); err != nil {
		t.Error(err)
	}
	if again := sign(t, newPair("ana"), yes()); !bytes.Equal(again, data) {
		t.Error("signed again, it has other bytes")
	}
}

// The statement is what in-toto says it is.
func TestStatementIsInToto(t *testing.T) {
	var e dsse.Envelope
	if err := json.Unmarshal(sign(t, newPair("ana"), yes()), &e); err != nil {
		t.Fatal(err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	hex := func(text string) string { return slipway.DigestOf([]byte(text)).Hex() }
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[` +
		`{"name":"roads.py","digest":{"sha256":"` + hex("roads.py") + `"}},` +
		`{"name":"manifest.json","digest":{"sha256":"` + hex("manifest.json") + `"}},` +
		`{"name":"checks.json","digest":{"sha256":"` + hex("checks.json") + `"}}],` +
		`"predicateType":"https://github.com/slipway-cd/slipway/sign-off/v1",` +
		`"predicate":{"app":"roads","version":"v1.4.0","record":"` + string(record) + `","environment":"prod","role":"qa","person":"ana",` +
		`"answer":"yes","comment":"read all of it","time":"2026-11-22T12:00:00Z"}}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Errorf("the statement (-want +got):\n%s", diff)
	}
	if e.PayloadType != "application/vnd.in-toto+json" {
		t.Errorf("its type is %s", e.PayloadType)
	}
}

// verifier is a key as the library has it, which knows nothing of ours.
type verifier struct{ key ed25519.PublicKey }

func (v verifier) KeyID() (string, error)   { return dsse.SHA256KeyID(v.key) }
func (v verifier) Public() crypto.PublicKey { return v.key }

func (v verifier) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(v.key, data, sig) {
		return errors.New("no")
	}
	return nil
}

func TestOthersVerifyTheEnvelope(t *testing.T) {
	var e dsse.Envelope
	if err := json.Unmarshal(sign(t, newPair("ana"), yes()), &e); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ana": true, "bo": false} {
		public, _ := newPair(name).private.Public().(ed25519.PublicKey)
		v, err := dsse.NewEnvelopeVerifier(verifier{public})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), &e); (err == nil) != want {
			t.Errorf("with %s's key: %v", name, err)
		}
	}
}

// envelope makes one of parts, as somebody else might.
func envelope(t *testing.T, change func(s map[string]any, e *dsse.Envelope)) []byte {
	t.Helper()
	var e dsse.Envelope
	if err := json.Unmarshal(sign(t, newPair("ana"), yes()), &e); err != nil {
		t.Fatal(err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	s, err := evidence.Open(sign(t, newPair("ana"), yes()))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]any{"statement": &s.Statement, "body": string(body)}
	change(parts, &e)
	if text := parts["body"].(string); text != string(body) {
		e.Payload = base64.StdEncoding.EncodeToString([]byte(text))
	} else {
		changed, err := json.Marshal(parts["statement"])
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = base64.StdEncoding.EncodeToString(changed)
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestNotASignedStatement(t *testing.T) {
	statement := func(change func(*evidence.Statement[slipway.SignOff])) []byte {
		return envelope(t, func(p map[string]any, _ *dsse.Envelope) {
			change(p["statement"].(*evidence.Statement[slipway.SignOff]))
		})
	}
	body := func(change func(string) string) []byte {
		return envelope(t, func(p map[string]any, _ *dsse.Envelope) { p["body"] = change(p["body"].(string)) })
	}
	outer := func(change func(*dsse.Envelope)) []byte {
		return envelope(t, func(_ map[string]any, e *dsse.Envelope) { change(e) })
	}
	whole := sign(t, newPair("ana"), yes())
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":             {nil, "the envelope: EOF"},
		"no envelope":         {[]byte(`{"kind":"note"}`), `the envelope: json: unknown field "kind"`},
		"something behind it": {append(bytes.Clone(whole), "{}"...), "the envelope: something stands behind it"},
		"a blank behind it":   {append(bytes.Clone(whole), ' '), "the envelope is not written as Slipway writes it"},
		"a payload of another type": {
			outer(func(e *dsse.Envelope) { e.PayloadType = "text/plain" }),
			`its payload is of the type "text/plain", and "application/vnd.in-toto+json" was expected`,
		},
		"no signature":    {outer(func(e *dsse.Envelope) { e.Signatures = []dsse.Signature{} }), "it has 0 signatures, and one was expected"},
		"two signatures":  {outer(func(e *dsse.Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }), "it has 2 signatures, and one was expected"},
		"not in base64":   {outer(func(e *dsse.Envelope) { e.Signatures[0].Sig = "*" }), "its signature: illegal base64 data at input byte 0"},
		"short signature": {outer(func(e *dsse.Envelope) { e.Signatures[0].Sig = "QUJD" }), "its signature has 3 bytes, and one by an ed25519 key has 64"},
		"another statement": {
			statement(func(s *evidence.Statement[slipway.SignOff]) { s.Type = "https://in-toto.io/Statement/v0.1" }),
			`it is of the type "https://in-toto.io/Statement/v0.1", and "https://in-toto.io/Statement/v1" was expected`,
		},
		"another predicate": {
			statement(func(s *evidence.Statement[slipway.SignOff]) { s.PredicateType = "https://slsa.dev/provenance/v1" }),
			`its predicate is of the type "https://slsa.dev/provenance/v1", and "https://github.com/slipway-cd/slipway/sign-off/v1" was expected`,
		},
		"nobody": {
			statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Person = "" }),
			`it needs an app, a version, an environment, a role and a person, not "roads", "v1.4.0", "prod", "qa" and ""`,
		},
		"two lines":      {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Comment = "no\rja" }), "it holds a character that is not for reading"},
		"perhaps":        {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Answer = "perhaps" }), `its answer is "perhaps", and yes, no or withdrawn was expected`},
		"a short record": {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Record = "sha256:12" }), `"sha256:12" is not the digest of a release's record`},
		"a bad previous": {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Previous = "v1" }), `"v1" is not the digest of a statement`},
		"no time":        {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Predicate.Time = time.Time{} }), "it has no time"},
		"about nothing":  {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Subject = nil }), "it is about nothing"},
		"a weak digest":  {statement(func(s *evidence.Statement[slipway.SignOff]) { s.Subject[0].Digest.SHA256 = "12" }), `its subject "roads.py" has no sha256 digest`},
		"an unknown field": {
			body(func(s string) string { return strings.Replace(s, `"role"`, `"rule":"","role"`, 1) }),
			`the statement: json: unknown field "rule"`,
		},
		"a field twice": {
			body(func(s string) string { return strings.Replace(s, `"role"`, `"role":"cto","role"`, 1) }),
			"the statement is not written as Slipway writes it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := evidence.Open(c.data)
			if want := "not a signed statement: " + c.want; err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestNotBelieved(t *testing.T) {
	ana, bo, eve := newPair("ana"), newPair("bo"), newPair("eve")
	with := func(change func(*slipway.SignOff)) slipway.SignOff {
		s := yes()
		change(&s)
		return s
	}
	forged := envelope(t, func(p map[string]any, _ *dsse.Envelope) {
		p["statement"].(*evidence.Statement[slipway.SignOff]).Predicate.Comment = "read none of it"
	})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"other words than were signed": {forged, "its signature is not one by ana's key " + ana.Key().ID() + " over these bytes"},
		"a key of nobody":              {sign(t, eve, yes()), "it was signed with the key " + eve.Key().ID() + ", which is none of ana's"},
		"another person's key":         {sign(t, bo, yes()), "it was signed with the key " + bo.Key().ID() + ", which is none of ana's"},
		"a swapped key id": {
			envelope(t, func(_ map[string]any, e *dsse.Envelope) { e.Signatures[0].KeyID = newPair("spare").Key().ID() }),
			"its signature is not one by ana's key " + newPair("spare").Key().ID() + " over these bytes",
		},
		"a person without a key": {sign(t, ana, with(func(s *slipway.SignOff) { s.Person = "cy" })), "no key is registered for cy"},
		"not in the role":        {sign(t, ana, with(func(s *slipway.SignOff) { s.Role = "security" })), "ana is not in the role security"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := evidence.Open(c.data)
			if err != nil {
				t.Fatal(err)
			}
			if err := policy().Verify(s); err == nil || err.Error() != c.want || slipway.KindOf(err) != slipway.Blocked {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	other := slipway.DigestOf([]byte("another record"))
	moved := release()
	moved.Artifacts[0].Digest = slipway.DigestOf([]byte("other bytes"))
	s, err := evidence.Open(sign(t, newPair("ana"), yes()))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"another environment": {evidence.Covers(s.Statement, release(), record, "staging"), "it is about v1.4.0 of roads in prod, and not about v1.4.0 of roads in staging"},
		"another record":      {evidence.Covers(s.Statement, release(), other, "prod"), "it is about another record of v1.4.0: " + string(record) + " is not " + string(other)},
		"other bytes":         {evidence.Covers(s.Statement, moved, record, "prod"), "it is about other bytes than v1.4.0 has"},
	} {
		if c.err == nil || c.err.Error() != c.want || slipway.KindOf(c.err) != slipway.Blocked {
			t.Errorf("%s: got %v\nwant %s", name, c.err, c.want)
		}
	}
}

func TestSignRefusesWhatCannotBeRead(t *testing.T) {
	s := yes()
	s.Answer = "perhaps"
	if _, err := evidence.Sign(t.Context(), newPair("ana"), s, release()); slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestParseKey(t *testing.T) {
	key := newPair("ana").Key()
	for name, c := range map[string]struct{ text, want, fix string }{
		"with a comment":  {key.String() + " ana@laptop", "", ""},
		"without":         {key.String(), "", ""},
		"no key":          {"ssh-ed25519 AAAA", "it is no public key", "ssh-keygen -t ed25519 makes a pair; the line in its .pub file is the public key"},
		"nothing":         {"", "it is no public key", "ssh-keygen"},
		"two keys":        {key.String() + "\n" + key.String(), "it is no public key", "ssh-keygen"},
		"with options":    {"cert-authority " + key.String(), "it is no public key", "ssh-keygen"},
		"of another type": {ecdsaKey, "it is a key of the type ecdsa-sha2-nistp256, and only ssh-ed25519 signs", "ssh-keygen -t ed25519 makes a pair"},
	} {
		got, err := evidence.ParseKey(c.text)
		if c.want == "" {
			if err != nil || !got.Equal(key) || got.String() != key.String() {
				t.Errorf("%s: got %s, %v", name, got, err)
			}
			continue
		}
		if err == nil || err.Error() != c.want || !strings.Contains(slipway.FixOf(err), c.fix) {
			t.Errorf("%s: got %v (%s)", name, err, slipway.FixOf(err))
		}
	}
}

// The fingerprint is the one that ssh-keygen -l prints.
func TestKeyID(t *testing.T) {
	public, err := ssh.NewPublicKey(newPair("ana").private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := newPair("ana").Key().ID(), ssh.FingerprintSHA256(public); got != want || !strings.HasPrefix(got, "SHA256:") {
		t.Errorf("got %s, want %s", got, want)
	}
}

const ecdsaKey = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="

// Whatever is read is written again as the same bytes, and who signed it is not
// changed by it.
func FuzzOpen(f *testing.F) {
	whole := sign(f, newPair("ana"), yes())
	f.Add(whole)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}`))
	f.Add(bytes.Replace(whole, []byte(`"keyid"`), []byte(`"KeyID"`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := evidence.Open(data)
		if err != nil {
			if slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("the error is of kind %s: %v", slipway.KindOf(err), err)
			}
			return
		}
		if policy().Verify(s) == nil && !bytes.Equal(data, whole) {
			t.Errorf("this is believed to be ana's: %s", data)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(newPair("ana").Key().String())
	f.Add(ecdsaKey)
	f.Fuzz(func(t *testing.T, text string) {
		k, err := evidence.ParseKey(text)
		if err != nil {
			return
		}
		if again, err := evidence.ParseKey(k.String()); err != nil || !again.Equal(k) {
			t.Errorf("%q is read as %s, and that as %s, %v", text, k, again, err)
		}
	})
}
