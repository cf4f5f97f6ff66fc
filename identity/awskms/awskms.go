// Package awskms attests with a key that AWS KMS keeps and never gives away. Start
// at Parse and Dial.
package awskms

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// Scheme is what the URL of a key begins with.
const Scheme = "awskms://"

// An Address is where a key is.
type Address struct {
	ID     string // an alias, a key's id, or the ARN of either
	Region string // empty: where AWS's own settings say
}

// Parse reads awskms:///alias/NAME, awskms:///KEY-ID or awskms:///ARN, with
// ?region=REGION behind it where the ARN does not say.
func Parse(address string) (Address, error) {
	wrong := func() (Address, error) {
		return Address{}, slipway.Errorf(slipway.Invalid, "%q is not the address of a key in AWS KMS", address).
			WithFix("write awskms:///alias/NAME?region=eu-central-1, or awskms:///ARN")
	}
	rest, ok := strings.CutPrefix(address, Scheme+"/")
	if !ok {
		return wrong()
	}
	id, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil || id == "" {
		return wrong()
	}
	a := Address{ID: id, Region: values.Get("region")}
	if strings.HasPrefix(id, "arn:") {
		at, err := arn.Parse(id)
		if err != nil || at.Service != "kms" {
			return wrong()
		}
		a.Region = at.Region
	}
	return a, nil
}

// An API is what of KMS is called.
type API interface {
	GetPublicKey(ctx context.Context, in *kms.GetPublicKeyInput, options ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
	Sign(ctx context.Context, in *kms.SignInput, options ...func(*kms.Options)) (*kms.SignOutput, error)
}

var _ API = (*kms.Client)(nil)

// A Signer signs with one key of KMS.
type Signer struct {
	api API
	id  string
	key evidence.Key
}

var _ evidence.Signer = (*Signer)(nil)

// Dial is Open with an account of AWS.
func Dial(ctx context.Context, settings aws.Config, id string) (*Signer, error) {
	return Open(ctx, kms.NewFromConfig(settings), id)
}

// Open asks KMS for the public half of a key, which has to be one for signing, on
// the curve P-256.
func Open(ctx context.Context, api API, id string) (*Signer, error) {
	out, err := api.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &id})
	if err != nil {
		return nil, explain("kms:GetPublicKey", id, err)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("the public key of %s: %w", id, err)
	}
	curve, ok := public.(*ecdsa.PublicKey)
	if !ok || out.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, slipway.Errorf(slipway.Invalid, "the key %s in AWS KMS cannot attest: it is none for signing on the curve P-256", id).
			WithFix("make one for it: aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY")
	}
	key, err := evidence.NewCurveKey(curve)
	return &Signer{api: api, id: id, key: key}, err
}

// Key implements evidence.Signer.
func (s *Signer) Key() evidence.Key { return s.key }

// Sign implements evidence.Signer. What KMS answers is looked at before it is
// believed.
func (s *Signer) Sign(ctx context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	out, err := s.api.Sign(ctx, &kms.SignInput{
		KeyId: &s.id, Message: sum[:], MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	if err != nil {
		return nil, explain("kms:Sign", s.id, err)
	}
	if !s.key.Verifies(data, out.Signature) {
		return nil, slipway.Errorf(slipway.Conflict, "what AWS KMS signed with %s does not fit its public key", s.id)
	}
	return out.Signature, nil
}

// explain says what KMS refused, and the way out.
func explain(action, id string, err error) error {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return slipway.Errorf(slipway.Unavailable, "AWS KMS cannot be asked for the key %s: %w", id, err)
	}
	switch refused.ErrorCode() {
	case "NotFoundException":
		return slipway.Errorf(slipway.NotFound, "there is no key %s in AWS KMS: %s", id, refused.ErrorMessage()).
			WithFix("aws kms list-aliases shows those that are there; the region may be another: ?region=REGION")
	case "AccessDeniedException":
		return slipway.Errorf(slipway.Blocked, "AWS lets nobody here use the key %s: %s", id, refused.ErrorMessage()).
			WithFix("have whoever keeps the key allow %s", action)
	}
	return slipway.Errorf(slipway.Unavailable, "AWS KMS does not do %s with the key %s: %w", action, id, err)
}
