package awskms_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity/awskms"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]awskms.Address{
		"awskms:///alias/ci":                                         {ID: "alias/ci"},
		"awskms:///alias/ci?region=eu-central-1":                     {ID: "alias/ci", Region: "eu-central-1"},
		"awskms:///arn:aws:kms:eu-west-1:123456789012:key/1234-abcd": {ID: "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd", Region: "eu-west-1"},
		"awskms:///": {}, "awskms://alias/ci": {}, "gcpkms:///x": {}, "awskms:///arn:aws:s3:::b": {}, "awskms:///x?%zz": {},
	} {
		got, err := awskms.Parse(text)
		if got != want || (err == nil) != (want.ID != "") {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if said := `"` + text + `" is not the address of a key in AWS KMS`; err != nil && err.Error() != said {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func client(t *testing.T) *kms.Client {
	t.Helper()
	awstest.Moto(t)
	settings, err := awsauth.Open(t.Context(), awsauth.Options{Environment: "ci", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return kms.NewFromConfig(settings)
}

func makeKey(t *testing.T, api *kms.Client, spec types.KeySpec) string {
	t.Helper()
	out, err := api.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.KeyId
}

// What KMS signs is verified with the public half, and by whom the policy names.
func TestSigns(t *testing.T) {
	s, err := awskms.Open(t.Context(), newFake(t, nil), "alias/ci")
	if err != nil {
		t.Fatal(err)
	}
	about := []evidence.Subject{evidence.SubjectOf("roads.py", slipway.DigestOf([]byte("x")))}
	data, err := evidence.Attest(t.Context(), s, slipway.Promotion{App: "roads"}, about)
	if err != nil {
		t.Fatal(err)
	}
	e, err := evidence.Unwrap(data)
	if err != nil {
		t.Fatal(err)
	}
	p := evidence.Policy{Signers: map[string]evidence.Machine{"ci": {Keys: []evidence.DatedKey{{Key: s.Key()}}}}}
	if who, err := p.Attested(e, "prod", time.Now()); err != nil || who != "ci" {
		t.Errorf("got %s, %v", who, err)
	}
}

func wantError(t *testing.T, err error, kind slipway.Kind, want string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || err.Error() != want {
		t.Errorf("got  %v (%s)\nwant %s", err, slipway.KindOf(err), want)
	}
}

// The emulator knows keys, but takes a digest that it is to sign for a message, so
// that it is the fake that signs.
func TestKeysThatCannotAttest(t *testing.T) {
	api := client(t)
	rsa := makeKey(t, api, types.KeySpecRsa2048)
	_, err := awskms.Open(t.Context(), api, rsa)
	wantError(t, err, slipway.Invalid, "the key "+rsa+" in AWS KMS cannot attest: it is none for signing on the curve P-256")
	if _, err = awskms.Open(t.Context(), api, "alias/none"); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("a key that is not there: %v", err)
	}
	if s, err := awskms.Open(t.Context(), api, makeKey(t, api, types.KeySpecEccNistP256)); err != nil || s.Key().ID() == "no key" {
		t.Errorf("a key that can: %v", err)
	}
	_, err = awskms.Open(t.Context(), api, makeKey(t, api, types.KeySpecEccNistP384))
	wantError(t, err, slipway.Invalid, "it is a key on the curve P-384, and P-256 was expected")
}

// A fake is a KMS with one key, which may refuse to sign, or sign something else.
type fake struct {
	key   *ecdsa.PrivateKey
	err   error
	other bool
}

func newFake(t *testing.T, err error) *fake {
	t.Helper()
	key, kerr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if kerr != nil {
		t.Fatal(kerr)
	}
	return &fake{key: key, err: err}
}

func (f *fake) GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error) {
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	return &kms.GetPublicKeyOutput{PublicKey: der, KeyUsage: types.KeyUsageTypeSignVerify}, err
}

func (f *fake) Sign(_ context.Context, in *kms.SignInput, _ ...func(*kms.Options)) (*kms.SignOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	if in.MessageType != types.MessageTypeDigest || in.SigningAlgorithm != types.SigningAlgorithmSpecEcdsaSha256 || len(in.Message) != 32 {
		return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "not a digest"}
	}
	if f.other {
		in.Message[0]++
	}
	signature, err := ecdsa.SignASN1(rand.Reader, f.key, in.Message)
	return &kms.SignOutput{Signature: signature}, err
}

func TestKMSThatDoesNot(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind slipway.Kind
		want string
	}{
		{&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}, slipway.Blocked, "AWS lets nobody here use the key alias/ci: no"},
		{&smithy.GenericAPIError{Code: "KMSInternalException", Message: "boom"}, slipway.Unavailable, "AWS KMS does not do kms:Sign with the key alias/ci: api error KMSInternalException: boom"},
		{context.DeadlineExceeded, slipway.Unavailable, "AWS KMS cannot be asked for the key alias/ci: context deadline exceeded"},
		{nil, slipway.Conflict, "what AWS KMS signed with alias/ci does not fit its public key"},
	} {
		api := newFake(t, c.err)
		api.other = true
		s, err := awskms.Open(t.Context(), api, "alias/ci")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Sign(t.Context(), []byte("hello"))
		wantError(t, err, c.kind, c.want)
	}
}
