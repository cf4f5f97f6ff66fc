package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

// machine recognizes a token of a provider that the platform file names for a
// machine, such as the one that GitHub gives to a workflow.
func (d *Door) machine(ctx context.Context, raw string) (access.Identity, error) {
	rules, err := d.Rules()
	if err != nil {
		return access.Identity{}, err
	}
	issuer, err := claimedIssuer(raw)
	if err != nil {
		return access.Identity{}, err
	}
	if !known(rules, issuer) { // nobody makes us ask a server that the file does not name
		return rules.FindMachine(issuer, nil, nil)
	}
	p, err := d.provider(ctx, issuer)
	if err != nil {
		return access.Identity{}, err
	}
	// For whom it has to be differs by machine, and FindMachine looks at it.
	v := p.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: d.Clock})
	t, err := v.Verify(d.outside(ctx), raw)
	if err != nil {
		return access.Identity{}, disbelieved("the token", err)
	}
	var claims access.Claims
	if err := t.Claims(&claims); err != nil {
		return access.Identity{}, disbelieved("the token", err)
	}
	return rules.FindMachine(t.Issuer, t.Audience, claims)
}

func known(rules access.Rules, issuer string) bool {
	for _, m := range rules.Machines {
		if m.Issuer == issuer {
			return true
		}
	}
	return false
}

// claimedIssuer reads who is said to have signed a token. Nothing is believed of it
// yet.
func claimedIssuer(raw string) (string, error) {
	bad := slipway.Errorf(slipway.Denied, "that is not a token of Slipway, nor one of an identity provider")
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", bad
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(data, &claims) != nil {
		return "", bad
	}
	return claims.Issuer, nil
}
