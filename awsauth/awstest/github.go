package awstest

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// bearer is what a run asks for its token with.
const bearer = "bearer-of-this-run-0123456789"

// A Workflow is a run of GitHub Actions, as its id-token describes it.
type Workflow struct {
	Subject     string // such as "repo:octo/app:ref:refs/heads/main"
	Repository  string
	Ref         string
	Environment string
	Event       string

	Audience string        // in place of the one that is asked for
	Lifetime time.Duration // of the token, before now if negative; zero: five minutes
	Forged   bool          // signed with a key that GitHub does not publish
}

// A GitHub gives id-tokens to a run, and publishes the key that signs them.
type GitHub struct {
	url    string
	key    *rsa.PrivateKey
	forged *rsa.PrivateKey
	run    Workflow
	clock  func() time.Time
}

// NewGitHub starts a GitHub for one run.
func NewGitHub(t testing.TB, clock func() time.Time, run Workflow) *GitHub {
	t.Helper()
	g := &GitHub{run: run, clock: clock}
	for _, key := range []**rsa.PrivateKey{&g.key, &g.forged} {
		made, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		*key = made
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", g.token)
	mux.HandleFunc("GET /.well-known/jwks", g.jwks)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// Environ is what the run finds in its environment.
func (g *GitHub) Environ() []string {
	return []string{
		"GITHUB_ACTIONS=true",
		"GITHUB_REPOSITORY=" + g.run.Repository,
		"GITHUB_REF=" + g.run.Ref,
		"GITHUB_EVENT_NAME=" + g.run.Event,
		"GITHUB_RUN_ID=4711",
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + g.url + "/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + bearer,
	}
}

func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+bearer {
		http.Error(w, "who asks?", http.StatusUnauthorized)
		return
	}
	now := g.clock()
	claims := map[string]any{
		"iss": "https://token.actions.githubusercontent.com",
		"aud": cmp.Or(g.run.Audience, r.URL.Query().Get("audience")),
		"sub": g.run.Subject, "repository": g.run.Repository, "ref": g.run.Ref, "event_name": g.run.Event,
		"iat": now.Unix(), "exp": now.Add(cmp.Or(g.run.Lifetime, 5*time.Minute)).Unix(),
	}
	if g.run.Environment != "" {
		claims["environment"] = g.run.Environment
	}
	key := g.key
	if g.run.Forged {
		key = g.forged
	}
	token, err := sign(claims, key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]string{"value": token})
}

// jwks publishes the key, as RFC 7517 has it.
func (g *GitHub) jwks(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "current",
		"n": encode(g.key.N.Bytes()), "e": encode(big.NewInt(int64(g.key.E)).Bytes()),
	}}})
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sign makes a token of claims: RFC 7519, RS256.
func sign(claims map[string]any, key *rsa.PrivateKey) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"current"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signed + "." + encode(signature), err
}

// verify checks a token's signature against a JWKS, and returns its claims.
func verify(token string, jwks []byte) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token has not three parts")
	}
	header, err := section(parts[0])
	if err != nil {
		return nil, err
	}
	key, err := keyOf(jwks, header["kid"])
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if header["alg"] != "RS256" {
		return nil, fmt.Errorf("the algorithm is %v", header["alg"])
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return nil, err
	}
	return section(parts[1])
}

func section(part string) (map[string]any, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, err
	}
	var section map[string]any
	return section, json.Unmarshal(data, &section)
}

func keyOf(jwks []byte, id any) (*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.Kid != id {
			continue
		}
		n, nErr := base64.RawURLEncoding.DecodeString(k.N)
		e, eErr := base64.RawURLEncoding.DecodeString(k.E)
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, errors.Join(nErr, eErr)
	}
	return nil, fmt.Errorf("no key %v is published", id)
}
