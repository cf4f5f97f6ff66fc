package awssetup_test

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// The trust policy lets the workflow in that it is for, and no other, by an STS that
// checks signatures.
func TestWhoBecomesTheDeployer(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	s := setup(t)
	s.GitHub.OwnerID, s.GitHub.RepositoryID = 11, 22
	trust, err := access.DeployerTrust(s.Place, s.GitHub, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		run awstest.Workflow
		ok  bool
	}{
		"its environment":               {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod"}, true},
		"its environment, with numbers": {awstest.Workflow{Subject: "repo:Acme@11/etl@22:environment:prod"}, true},
		"a name that somebody took":     {awstest.Workflow{Subject: "repo:Acme@99/etl@98:environment:prod"}, false},
		"another environment":           {awstest.Workflow{Subject: "repo:Acme/etl:environment:staging"}, false},
		"a branch":                      {awstest.Workflow{Subject: "repo:Acme/etl:ref:refs/heads/main"}, false},
		"a pull request":                {awstest.Workflow{Subject: "repo:Acme/etl:pull_request"}, false},
		"a fork":                        {awstest.Workflow{Subject: "repo:eve/etl:environment:prod"}, false},
		"other letters":                 {awstest.Workflow{Subject: "repo:acme/etl:environment:prod"}, false},
		"another audience":              {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Audience: "eve"}, false},
		"an old token":                  {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Lifetime: -time.Hour}, false},
		"a token that GitHub never saw": {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Forged: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.run.Repository, tt.run.Ref, tt.run.Event = "Acme/etl", "refs/heads/main", "push"
			gitHub := awstest.NewGitHub(t, now, tt.run)
			awstest.NewSTS(t, awstest.STSConfig{Clock: now, GitHub: gitHub, Trust: map[string]string{s.Place.DeployerARN: trust.Compact()}})
			settings, err := awsauth.Open(t.Context(), awsauth.Options{
				Account: awstest.Account, Region: awstest.Region, Role: s.Place.DeployerARN, Environ: gitHub.Environ(), Clock: now,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := awsauth.Check(t.Context(), settings); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
