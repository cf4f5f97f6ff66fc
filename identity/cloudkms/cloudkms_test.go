package cloudkms_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity/cloudkms"
)

// A keeper is one of the three services, which looks at all that it is asked.
type keeper struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	asked   []string
	answers []answer // before it does what it is there for
	other   bool     // signs something else
	change  func(string) string
}

type answer struct {
	status int
	body   string
	err    error
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &keeper{t: t, key: key, change: func(s string) string { return s }}
}

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	k.asked = append(k.asked, r.Method+" "+r.URL.String())
	a := answer{status: http.StatusOK}
	if len(k.answers) > 0 {
		a, k.answers = k.answers[0], k.answers[1:]
	} else {
		a.body = k.change(k.answer(r))
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func (k *keeper) answer(r *http.Request) string {
	var in map[string]any
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			k.t.Error(err)
		}
	}
	who := r.Header.Get("Authorization")
	switch r.URL.Host {
	case "cloudkms.googleapis.com":
		k.is("Bearer token", who)
		if in == nil {
			return fmt.Sprintf(`{"pem":%q,"algorithm":"EC_SIGN_P256_SHA256"}`, k.public())
		}
		digest := k.bytes(base64.StdEncoding, in["digest"].(map[string]any)["sha256"])
		k.is(crc(digest), in["digestCrc32c"])
		der := k.sign(digest)
		return fmt.Sprintf(`{"name":"k","signature":%q,"signatureCrc32c":%q,"verifiedDigestCrc32c":true}`, base64.StdEncoding.EncodeToString(der), crc(der))
	case "team.vault.azure.net":
		k.is("Bearer token", who)
		if in == nil {
			point := k.point()
			return fmt.Sprintf(`{"key":{"kid":"https://team.vault.azure.net/keys/ci/0a1b","kty":"EC","crv":"P-256","x":%q,"y":%q,"key_ops":["sign","verify"]}}`,
				base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
		}
		k.is("ES256", in["alg"])
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(k.sign(k.bytes(base64.RawURLEncoding, in["value"])), &pair); err != nil {
			k.t.Error(err)
		}
		raw := append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...)
		return fmt.Sprintf(`{"kid":"https://team.vault.azure.net/keys/ci/0a1b","value":%q}`, base64.RawURLEncoding.EncodeToString(raw))
	}
	k.is("token", r.Header.Get("X-Vault-Token"))
	k.is("platform", r.Header.Get("X-Vault-Namespace"))
	if in == nil {
		return fmt.Sprintf(`{"data":{"type":"ecdsa-p256","latest_version":3,"keys":{"2":{"public_key":"old"},"3":{"public_key":%q}}}}`, k.public())
	}
	k.is(true, in["prehashed"])
	k.is("asn1", in["marshaling_algorithm"])
	k.is(3.0, in["key_version"])
	return fmt.Sprintf(`{"data":{"signature":"vault:v3:%s"}}`, base64.StdEncoding.EncodeToString(k.sign(k.bytes(base64.StdEncoding, in["input"]))))
}

func (k *keeper) is(want, got any) {
	k.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		k.t.Errorf("asked otherwise (-want +got):\n%s", diff)
	}
}

func (k *keeper) bytes(e *base64.Encoding, text any) []byte {
	s, _ := text.(string)
	data, err := e.DecodeString(s)
	if err != nil || len(data) != 32 {
		k.t.Errorf("%v is no digest: %v", text, err)
	}
	return data
}

func (k *keeper) point() []byte {
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	return point
}

func (k *keeper) public() string {
	der, err := x509.MarshalPKIXPublicKey(&k.key.PublicKey)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (k *keeper) sign(digest []byte) []byte {
	if k.other {
		digest = bytes.Repeat([]byte{1}, len(digest))
	}
	der, err := ecdsa.SignASN1(rand.Reader, k.key, digest)
	if err != nil {
		k.t.Fatal(err)
	}
	return der
}

func crc(data []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))), 10)
}

const (
	googleKey = "gcpkms://projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
	azureKey  = "azurekms://team.vault.azure.net/ci"
	vaultKey  = "hashivault://ci"
)

// open opens a key at a keeper.
func open(t *testing.T, k *keeper, address string) (*cloudkms.Signer, error) {
	t.Helper()
	c := cloudkms.Config{
		Transport: k, Token: func(context.Context) (string, error) { return "token", nil },
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	switch scheme, _, _ := strings.Cut(address, "://"); scheme {
	case cloudkms.GoogleScheme:
		return cloudkms.Google(t.Context(), address, c)
	case cloudkms.AzureScheme:
		return cloudkms.Azure(t.Context(), address, c)
	}
	return cloudkms.Vault(t.Context(), address, cloudkms.Place{Server: "https://vault.example.com/", Namespace: "platform"}, c)
}

// What is signed is verified with the public half, and by whom the policy names; and
// each service is asked just for that.
func TestSigns(t *testing.T) {
	for address, want := range map[string][]string{
		googleKey: {
			"GET https://cloudkms.googleapis.com/v1/projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/publicKey",
			"POST https://cloudkms.googleapis.com/v1/projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1:asymmetricSign",
		},
		azureKey: {
			"GET https://team.vault.azure.net/keys/ci?api-version=7.4",
			"POST https://team.vault.azure.net/keys/ci/0a1b/sign?api-version=7.4",
		},
		azureKey + "/0a1b": {
			"GET https://team.vault.azure.net/keys/ci/0a1b?api-version=7.4",
			"POST https://team.vault.azure.net/keys/ci/0a1b/sign?api-version=7.4",
		},
		vaultKey: {
			"GET https://vault.example.com/v1/transit/keys/ci",
			"POST https://vault.example.com/v1/transit/sign/ci/sha2-256",
		},
	} {
		k := newKeeper(t)
		s, err := open(t, k, address)
		if err != nil {
			t.Fatal(err)
		}
		data, err := evidence.Attest(t.Context(), s, slipway.Promotion{App: "roads"}, []evidence.Subject{evidence.SubjectOf("roads.py", slipway.DigestOf([]byte("x")))})
		if err != nil {
			t.Fatal(err)
		}
		e, err := evidence.Unwrap(data)
		if err != nil {
			t.Fatal(err)
		}
		p := evidence.Policy{Signers: map[string]evidence.Machine{"ci": {Keys: []evidence.DatedKey{{Key: s.Key()}}}}}
		if who, err := p.Attested(e, "prod", time.Now()); err != nil || who != "ci" {
			t.Errorf("%s: got %s, %v", address, who, err)
		}
		if diff := cmp.Diff(want, k.asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

func wantError(t *testing.T, err error, kind slipway.Kind, want, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.HasPrefix(err.Error(), want) || !strings.HasPrefix(slipway.FixOf(err), fix) {
		t.Errorf("got  %v (%s), fix %q\nwant %s, fix %q", err, slipway.KindOf(err), slipway.FixOf(err), want, fix)
	}
}

func TestKeysThatCannotAttest(t *testing.T) {
	for address, c := range map[string]struct{ from, to, fix string }{
		googleKey: {"EC_SIGN_P256_SHA256", "RSA_SIGN_PSS_2048_SHA256", "make one for it: gcloud kms keys create"},
		azureKey:  {"P-256", "P-384", "make one for it: az keyvault key create"},
		vaultKey:  {"ecdsa-p256", "ed25519", "make one for it: vault write -f transit/keys/ci type=ecdsa-p256"},
	} {
		k := newKeeper(t)
		k.change = func(s string) string { return strings.Replace(s, c.from, c.to, 1) }
		_, err := open(t, k, address)
		wantError(t, err, slipway.Invalid, "the key "+address+" cannot attest: it is none for signing on the curve P-256", c.fix)
	}
	k := newKeeper(t)
	k.change = func(s string) string { return strings.Replace(s, `"sign",`, "", 1) }
	_, err := open(t, k, azureKey)
	wantError(t, err, slipway.Invalid, "the key "+azureKey+" cannot attest", "make one")
	k.change = func(s string) string { return strings.Replace(s, "BEGIN", "END", 1) }
	_, err = open(t, k, vaultKey)
	wantError(t, err, slipway.Unavailable, "the public half of "+vaultKey+" cannot be read", "")
	k.change = func(s string) string { return strings.Replace(s, `"x":"`, `"x":"A`, 1) }
	_, err = open(t, k, azureKey)
	wantError(t, err, slipway.Invalid, "the key "+azureKey+" cannot attest", "make one")
}

func TestSignaturesThatAreNone(t *testing.T) {
	for _, address := range []string{googleKey, azureKey, vaultKey} {
		k := newKeeper(t)
		s, err := open(t, k, address)
		if err != nil {
			t.Fatal(err)
		}
		k.other = true
		_, err = s.Sign(t.Context(), []byte("hello"))
		wantError(t, err, slipway.Conflict, "what was signed with "+address+" does not fit its public key", "call again; if it stays so")
		k.other = false
		k.change = func(s string) string {
			return strings.NewReplacer(`"signature":"`, `"signature":"AAAA`, `"value":"`, `"value":"AAAA`).Replace(s)
		}
		_, err = s.Sign(t.Context(), []byte("hello"))
		wantError(t, err, slipway.Unavailable, "what the keeper of the key "+address+" signed was damaged on the way", "call again")
	}
}

func TestWhatIsRefused(t *testing.T) {
	said := map[string]string{googleKey: `{"error":{"code":0,"message":"as it says"}}`, azureKey: `{"error":{"message":"as it says"}}`, vaultKey: `{"errors":["as","it says"]}`}
	grants := map[string]string{
		googleKey: "have whoever keeps the key allow cloudkms.cryptoKeyVersions.useToSign, which is in roles/cloudkms.signerVerifier",
		azureKey:  "have whoever keeps the key allow Microsoft.KeyVault/vaults/keys/sign/action, which is in the role Key Vault Crypto User",
		vaultKey:  "have whoever keeps the key allow update on transit/sign/ci/sha2-256",
	}
	signIns := map[string]string{googleKey: "sign in to Google Cloud again", azureKey: "sign in to Azure again", vaultKey: "sign in to Vault again"}
	for address, body := range said {
		words := "as it says"
		if address == vaultKey {
			words = "as; it says"
		}
		k := newKeeper(t)
		s, err := open(t, k, address)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			answer    answer
			tries     int
			kind      slipway.Kind
			want, fix string
		}{
			{answer{status: 404, body: body}, 1, slipway.NotFound, "there is no key " + address + ": " + words, "correct its address, or make it"},
			{answer{status: 403, body: body}, 1, slipway.Blocked, "nobody here may use the key " + address + ": " + words, grants[address]},
			{answer{status: 401, body: body}, 1, slipway.Unavailable, "the credentials for the key " + address + " are refused: " + words, signIns[address]},
			{answer{status: 400, body: "<html>"}, 1, slipway.Unavailable, "the key " + address + " cannot be used: Bad Request", "call again; if it stays so"},
			{answer{status: 307, body: body}, 1, slipway.Unavailable, "the key " + address + " cannot be used: " + words, "call again; if it stays so"},
			{answer{status: 503, body: body}, 4, slipway.Unavailable, "the key " + address + " cannot be used: " + words, "call again; if it stays so"},
			{answer{status: 429, body: body}, 4, slipway.Unavailable, "the key " + address + " cannot be used: " + words, "call again; if it stays so"},
			{answer{status: 200, body: "<html>"}, 4, slipway.Unavailable, "what is said of the key " + address + " cannot be read: ", "call again"},
			{answer{err: errors.New("no route")}, 4, slipway.Unavailable, "the keeper of the key " + address + " cannot be reached: ", "see that this machine is connected"},
		} {
			k.asked, k.answers = nil, []answer{c.answer, c.answer, c.answer, c.answer}
			_, err := s.Sign(t.Context(), []byte("hello"))
			wantError(t, err, c.kind, c.want, c.fix)
			if len(k.asked) != c.tries {
				t.Errorf("%s: asked %d times, want %d", c.want, len(k.asked), c.tries)
			}
		}
		k.answers = []answer{{status: 503}, {err: errors.New("reset")}}
		if _, err := s.Sign(t.Context(), []byte("hello")); err != nil {
			t.Errorf("what passes: %v", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, c := range map[string][2]string{
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k": {"Google Cloud KMS", "write gcpkms://projects/PROJECT/"},
		googleKey + "/x":                        {"Google Cloud KMS", "write gcpkms://projects/PROJECT/"},
		"azurekms://team.vault.example.com/ci":  {"Azure Key Vault", "write azurekms://VAULT.vault.azure.net/KEY"},
		"azurekms://team.vault.azure.net":       {"Azure Key Vault", "write azurekms://VAULT.vault.azure.net/KEY"},
		"azurekms://x.com/a.vault.azure.net/ci": {"Azure Key Vault", "write azurekms://VAULT.vault.azure.net/KEY"},
		"hashivault://":                         {"HashiCorp Vault", "write hashivault://KEY"},
		"hashivault://a/b":                      {"HashiCorp Vault", "write hashivault://KEY"},
	} {
		k := newKeeper(t)
		_, err := open(t, k, address)
		wantError(t, err, slipway.Invalid, fmt.Sprintf("%q is not the address of a key in %s", address, c[0]), c[1])
		if len(k.asked) != 0 {
			t.Errorf("%s: asked %s", address, k.asked)
		}
	}
	_, err := cloudkms.Vault(t.Context(), vaultKey, cloudkms.Place{}, cloudkms.Config{})
	wantError(t, err, slipway.Unavailable, "nobody says where the Vault of hashivault://ci is", "set VAULT_ADDR")
}

func TestNoCredentials(t *testing.T) {
	none := slipway.Errorf(slipway.Unavailable, "there are no credentials")
	_, err := cloudkms.Google(t.Context(), googleKey, cloudkms.Config{Token: func(context.Context) (string, error) { return "", none }})
	wantError(t, err, slipway.Unavailable, "there are no credentials", "")
}
