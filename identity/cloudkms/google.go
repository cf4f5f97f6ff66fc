package cloudkms

import (
	"context"
	"hash/crc32"
	"net/http"
	"regexp"
	"strconv"
)

// GoogleScheme is what addresses of keys in Google Cloud KMS begin with.
const GoogleScheme = "gcpkms"

const googleForm = "gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY/cryptoKeyVersions/1"

var googleName = regexp.MustCompile(`^gcpkms://(projects/[^/?#%]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+/cryptoKeyVersions/[0-9]+)$`)

// A checked number is that of a checksum, which Google writes as text.
type checked string

func checksum(data []byte) checked {
	return checked(strconv.FormatUint(uint64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))), 10))
}

// Google returns the signer of a version of a key in Google Cloud KMS, such as
// "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1".
func Google(ctx context.Context, address string, c Config) (*Signer, error) {
	match := googleName.FindStringSubmatch(address)
	if match == nil {
		return nil, badAddress(address, "Google Cloud KMS", googleForm)
	}
	url := "https://cloudkms.googleapis.com/v1/" + match[1]
	s := &service{
		config: c, at: address, authorize: bearer, said: messageIn,
		signIn: "sign in to Google Cloud again (`gcloud auth application-default login`), or correct the credentials",
		permissions: map[string]string{
			http.MethodGet:  "cloudkms.cryptoKeyVersions.viewPublicKey, which is in roles/cloudkms.signerVerifier",
			http.MethodPost: "cloudkms.cryptoKeyVersions.useToSign, which is in roles/cloudkms.signerVerifier",
		},
	}
	var public struct {
		PEM       string `json:"pem"`
		Algorithm string `json:"algorithm"`
	}
	if err := s.ask(ctx, http.MethodGet, url+"/publicKey", nil, &public); err != nil {
		return nil, err
	}
	const fix = "gcloud kms keys create KEY --keyring RING --location LOCATION --purpose asymmetric-signing --default-algorithm ec-sign-p256-sha256"
	if public.Algorithm != "EC_SIGN_P256_SHA256" {
		return nil, cannot(address, fix)
	}
	key, err := publicKey(address, public.PEM)
	if err != nil {
		return nil, err
	}
	return newSigner(address, fix, key, func(ctx context.Context, digest []byte) ([]byte, error) {
		var signed struct {
			Signature []byte  `json:"signature"`
			Sum       checked `json:"signatureCrc32c"`
		}
		in := map[string]any{"digest": map[string]any{"sha256": digest}, "digestCrc32c": checksum(digest)}
		if err := s.ask(ctx, http.MethodPost, url+":asymmetricSign", in, &signed); err != nil {
			return nil, err
		}
		if signed.Sum != checksum(signed.Signature) {
			return nil, damaged(address)
		}
		return signed.Signature, nil
	})
}
