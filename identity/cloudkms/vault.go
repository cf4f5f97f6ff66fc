package cloudkms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// VaultScheme is what addresses of keys in HashiCorp Vault begin with.
const VaultScheme = "hashivault"

var vaultName = regexp.MustCompile(`^hashivault://([A-Za-z0-9_.-]+)$`)

// A Place is where a Vault is.
type Place struct {
	Server    string // as VAULT_ADDR names it
	Namespace string // as VAULT_NAMESPACE names it; empty: none
	Mount     string // of the transit engine; empty: transit
}

// Vault returns the signer of a key in the transit engine of HashiCorp Vault, or of
// OpenBao, such as "hashivault://ci": of the version that is the newest now.
func Vault(ctx context.Context, address string, p Place, c Config) (*Signer, error) {
	match := vaultName.FindStringSubmatch(address)
	if match == nil {
		return nil, badAddress(address, "HashiCorp Vault", "hashivault://KEY")
	}
	if p.Server == "" {
		return nil, slipway.Errorf(slipway.Unavailable, "nobody says where the Vault of %s is", address).WithFix("set VAULT_ADDR")
	}
	if p.Mount == "" {
		p.Mount = "transit"
	}
	at := strings.TrimSuffix(p.Server, "/") + "/v1/" + strings.Trim(p.Mount, "/")
	s := &service{
		config: c, at: address, said: errorsIn, signIn: "sign in to Vault again (`vault login`), or correct VAULT_TOKEN",
		authorize: func(r *http.Request, token string) {
			r.Header.Set("X-Vault-Token", token)
			r.Header.Set("X-Vault-Request", "true")
			if p.Namespace != "" {
				r.Header.Set("X-Vault-Namespace", p.Namespace)
			}
		},
		permissions: map[string]string{
			http.MethodGet:  "read on " + p.Mount + "/keys/" + match[1],
			http.MethodPost: "update on " + p.Mount + "/sign/" + match[1] + "/sha2-256",
		},
	}
	var found struct {
		Data struct {
			Type   string `json:"type"`
			Latest int    `json:"latest_version"`
			Keys   map[string]struct {
				Public string `json:"public_key"`
			} `json:"keys"`
		} `json:"data"`
	}
	if err := s.ask(ctx, http.MethodGet, at+"/keys/"+match[1], nil, &found); err != nil {
		return nil, err
	}
	fix := "vault write -f " + p.Mount + "/keys/" + match[1] + " type=ecdsa-p256"
	if found.Data.Type != "ecdsa-p256" {
		return nil, cannot(address, fix)
	}
	key, err := publicKey(address, found.Data.Keys[strconv.Itoa(found.Data.Latest)].Public)
	if err != nil {
		return nil, err
	}
	return newSigner(address, fix, key, func(ctx context.Context, digest []byte) ([]byte, error) {
		var signed struct {
			Data struct {
				Signature string `json:"signature"`
			} `json:"data"`
		}
		in := map[string]any{
			"input": digest, "prehashed": true, "marshaling_algorithm": "asn1", "key_version": found.Data.Latest,
		}
		if err := s.ask(ctx, http.MethodPost, at+"/sign/"+match[1]+"/sha2-256", in, &signed); err != nil {
			return nil, err
		}
		text, ok := strings.CutPrefix(signed.Data.Signature, "vault:v"+strconv.Itoa(found.Data.Latest)+":")
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !ok {
			return nil, damaged(address)
		}
		return der, nil
	})
}

// errorsIn reads {"errors": ["..."]}, which Vault says.
func errorsIn(body []byte) string {
	var answer struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // empty where it is something else
	return strings.Join(answer.Errors, "; ")
}
