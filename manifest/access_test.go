package manifest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/manifest"
)

const platformAccess = `slipway: v1
environments:
  prod: {runtime: glue, deployers: [data]}
people:
  ana: {email: ana@example.com, login: ana-gh}
teams:
  data: {people: [ana], groups: [eng-data]}
roles:
  qa: {people: [ana]}
access:
  owners: [data]
  sign_in: {issuer: "https://login.example.com", client: slipway, secret: {secret: oidc/client}, groups: groups}
  machines:
    traffic-ci:
      issuer: https://token.actions.githubusercontent.com
      audience: https://slipway.example.com
      claims: {repository: acme/traffic, ref: refs/heads/main}
      as: data
      may: [build, "deploy:traffic@prod"]
  tokens: {longest: 30d, login: 8h}
  sessions: {idle: 1h, longest: 2d}
`

func TestAccess(t *testing.T) {
	want := access.Rules{
		People:    map[string]access.Person{"ana": {Email: "ana@example.com", Login: "ana-gh"}},
		Roles:     map[string][]string{"qa": {"ana"}},
		Teams:     map[string]access.Team{"data": {People: []string{"ana"}, Groups: []string{"eng-data"}}},
		Deployers: map[string][]string{"local": nil, "prod": {"data"}},
		Owners:    []string{"data"},
		SignIn: &access.SignIn{
			Issuer: "https://login.example.com", Client: "slipway", SecretRef: "oidc/client", Claim: "email", Groups: "groups",
			Scopes: []string{"profile", "email"},
		},
		Machines: map[string]access.Machine{"traffic-ci": {
			Name: "traffic-ci", Issuer: "https://token.actions.githubusercontent.com", Audience: "https://slipway.example.com",
			Claims: map[string]string{"repository": "acme/traffic", "ref": "refs/heads/main"}, As: "data",
			Scopes: []access.Scope{{Action: access.Build}, {Action: access.Deploy, App: "traffic", Environment: "prod"}},
		}},
		Limits: access.Limits{Token: 30 * 24 * time.Hour, SignedIn: 8 * time.Hour, Idle: time.Hour, Session: 48 * time.Hour},
	}
	if diff := cmp.Diff(want, loadPlatform(t, platformAccess).Access()); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
}

func TestAccessWithoutAFile(t *testing.T) {
	var none *manifest.Platform
	r := none.Access()
	if len(r.People) != 0 || r.Limits != access.DefaultLimits() {
		t.Errorf("got %+v", r)
	}
	if _, ok := r.Deployers["local"]; !ok {
		t.Error("there is no environment local")
	}
}
