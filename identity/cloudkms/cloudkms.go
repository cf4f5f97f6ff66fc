// Package cloudkms attests with a key that a service keeps and never gives away:
// Google Cloud KMS, Azure Key Vault, or the transit engine of HashiCorp Vault. Start
// at Google, Azure and Vault. They speak the services' REST APIs over plain HTTP;
// addresses are written as cosign has them.
//
// A key is one on the curve P-256. What a service signs is verified before it is
// believed.
package cloudkms

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

const (
	patience = time.Minute // for one answer
	tries    = 4
	pause    = 500 * time.Millisecond // before the second try
	maxSaid  = 1 << 20                // bytes of an answer
)

// Config is how services are reached.
type Config struct {
	// Token gives what the service knows a caller by.
	Token func(ctx context.Context) (string, error)
	// Transport and Pause are for tests; nil: by the network and the clock.
	Transport http.RoundTripper
	Pause     func(ctx context.Context, d time.Duration) error
}

// A Signer signs with one key of a service.
type Signer struct {
	at   string // the key, as people name it
	key  evidence.Key
	sign func(ctx context.Context, digest []byte) (der []byte, err error)
}

var _ evidence.Signer = (*Signer)(nil)

// Key implements evidence.Signer.
func (s *Signer) Key() evidence.Key { return s.key }

// Sign implements evidence.Signer.
func (s *Signer) Sign(ctx context.Context, data []byte) ([]byte, error) {
	digest := sha256.Sum256(data)
	signature, err := s.sign(ctx, digest[:])
	if err != nil {
		return nil, err
	}
	if !s.key.Verifies(data, signature) {
		return nil, slipway.Errorf(slipway.Conflict, "what was signed with %s does not fit its public key", s.at).
			WithFix("call again; if it stays so, ask those who keep the key")
	}
	return signature, nil
}

// newSigner takes a key on P-256.
func newSigner(at, fix string, public any, sign func(context.Context, []byte) ([]byte, error)) (*Signer, error) {
	curve, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, cannot(at, fix)
	}
	key, err := evidence.NewCurveKey(curve)
	if err != nil {
		return nil, cannot(at, fix)
	}
	return &Signer{at: at, key: key, sign: sign}, nil
}

func cannot(at, fix string) error {
	return slipway.Errorf(slipway.Invalid, "the key %s cannot attest: it is none for signing on the curve P-256", at).
		WithFix("make one for it: %s", fix)
}

// publicKey reads one in PEM.
func publicKey(at, text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the public half of %s cannot be read", at)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the public half of %s cannot be read: %w", at, err)
	}
	return public, nil
}

// A service is asked with JSON, and answers with it.
type service struct {
	config Config
	at     string // the key, as people name it
	// authorize adds a token to a request.
	authorize func(r *http.Request, token string)
	// said reads the service's own words.
	said func(body []byte) string
	// permissions name what a call needs, by its method.
	permissions map[string]string
	signIn      string
}

// ask sends a call, again where it may succeed then: to sign twice does no harm.
func (s *service) ask(ctx context.Context, method, url string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	wait := pause
	for try := 1; ; try++ {
		passing, err := s.try(ctx, method, url, body, out)
		if err == nil || !passing || try == tries || ctx.Err() != nil {
			return err
		}
		if err := s.wait(ctx, wait); err != nil {
			return err
		}
		wait *= 2
	}
}

func (s *service) wait(ctx context.Context, d time.Duration) error {
	if s.config.Pause != nil {
		return s.config.Pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// try says whether what failed may pass.
func (s *service) try(ctx context.Context, method, url string, body []byte, out any) (passing bool, _ error) {
	token, err := s.config.Token(ctx)
	if err != nil {
		return false, err
	}
	if method == http.MethodGet {
		body = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	s.authorize(request, token)
	client := http.Client{Transport: s.config.Transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return true, slipway.Errorf(slipway.Unavailable, "the keeper of the key %s cannot be reached: %w", s.at, err).
			WithFix("see that this machine is connected and that the address is right, then call again")
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxSaid))
	switch {
	case response.StatusCode != http.StatusOK:
		passing = response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= http.StatusInternalServerError
		return passing, s.refused(method, response.StatusCode, said)
	case err == nil:
		err = json.Unmarshal(said, out)
	}
	if err != nil {
		return true, slipway.Errorf(slipway.Unavailable, "what is said of the key %s cannot be read: %w", s.at, err).WithFix("call again")
	}
	return false, nil
}

// refused says what a service refuses, and the way out.
func (s *service) refused(method string, status int, body []byte) error {
	said := s.said(body)
	if said == "" {
		said = http.StatusText(status)
	}
	switch status {
	case http.StatusNotFound:
		return slipway.Errorf(slipway.NotFound, "there is no key %s: %s", s.at, said).WithFix("correct its address, or make it")
	case http.StatusForbidden:
		return slipway.Errorf(slipway.Blocked, "nobody here may use the key %s: %s", s.at, said).
			WithFix("have whoever keeps the key allow %s", s.permissions[method])
	case http.StatusUnauthorized:
		return slipway.Errorf(slipway.Unavailable, "the credentials for the key %s are refused: %s", s.at, said).WithFix("%s", s.signIn)
	}
	return slipway.Errorf(slipway.Unavailable, "the key %s cannot be used: %s", s.at, said).WithFix("call again; if it stays so, ask those who keep the key")
}

func bearer(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+token) }

// messageIn reads {"error": {"message": "..."}}, which Google and Azure say.
func messageIn(body []byte) string {
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // empty where it is something else
	return answer.Error.Message
}

func badAddress(address, kind, form string) error {
	return slipway.Errorf(slipway.Invalid, "%q is not the address of a key in %s", address, kind).WithFix("write %s", form)
}

func damaged(at string) error {
	return slipway.Errorf(slipway.Unavailable, "what the keeper of the key %s signed was damaged on the way", at).WithFix("call again")
}
