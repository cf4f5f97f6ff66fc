package cloudkms

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// AzureScheme is what addresses of keys in Azure Key Vault begin with.
const AzureScheme = "azurekms"

const (
	azureForm    = "azurekms://VAULT.vault.azure.net/KEY, or azurekms://VAULT.vault.azure.net/KEY/VERSION"
	azureVersion = "?api-version=7.4"
	half         = 32 // bytes of each number of a signature on P-256
)

var azureName = regexp.MustCompile(`^azurekms://([a-zA-Z0-9-]+\.vault\.azure\.net)/([a-zA-Z0-9-]+)(/[0-9a-f]+)?$`)

// Azure returns the signer of a key in Azure Key Vault, such as
// "azurekms://team.vault.azure.net/ci"; of its newest version, if none is named.
func Azure(ctx context.Context, address string, c Config) (*Signer, error) {
	match := azureName.FindStringSubmatch(address)
	if match == nil {
		return nil, badAddress(address, "Azure Key Vault", azureForm)
	}
	s := &service{
		config: c, at: address, authorize: bearer, said: messageIn,
		signIn: "sign in to Azure again (`az login`), or correct the credentials",
		permissions: map[string]string{
			http.MethodGet:  "Microsoft.KeyVault/vaults/keys/read, which is in the role Key Vault Crypto User",
			http.MethodPost: "Microsoft.KeyVault/vaults/keys/sign/action, which is in the role Key Vault Crypto User",
		},
	}
	var found struct {
		Key struct {
			ID    string   `json:"kid"`
			Curve string   `json:"crv"`
			X     string   `json:"x"`
			Y     string   `json:"y"`
			May   []string `json:"key_ops"`
		} `json:"key"`
	}
	vault := "https://" + match[1]
	if err := s.ask(ctx, http.MethodGet, vault+"/keys/"+match[2]+match[3]+azureVersion, nil, &found); err != nil {
		return nil, err
	}
	const fix = "az keyvault key create --vault-name VAULT --name KEY --kty EC --curve P-256 --ops sign verify"
	key := pointOf(found.Key.X, found.Key.Y)
	if found.Key.Curve != "P-256" || !slices.Contains(found.Key.May, "sign") || key == nil {
		return nil, cannot(address, fix)
	}
	at, err := url.Parse(found.Key.ID) // with its version, which it keeps to
	if err != nil || !strings.HasPrefix(at.Path, "/keys/"+match[2]+"/") {
		return nil, cannot(address, fix)
	}
	return newSigner(address, fix, key, func(ctx context.Context, digest []byte) ([]byte, error) {
		var signed struct {
			Value string `json:"value"`
		}
		in := map[string]string{"alg": "ES256", "value": base64.RawURLEncoding.EncodeToString(digest)}
		if err := s.ask(ctx, http.MethodPost, vault+at.Path+"/sign"+azureVersion, in, &signed); err != nil {
			return nil, err
		}
		raw, err := base64.RawURLEncoding.DecodeString(signed.Value)
		if err != nil || len(raw) != 2*half {
			return nil, damaged(address)
		}
		return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
	})
}

// pointOf is a public key; nil if the numbers are none.
func pointOf(x, y string) *ecdsa.PublicKey {
	point := []byte{4} // uncompressed
	for _, text := range []string{x, y} {
		number, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(number) != half {
			return nil
		}
		point = append(point, number...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil
	}
	return key
}
