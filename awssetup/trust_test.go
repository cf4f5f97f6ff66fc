package awssetup_test

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// The trust policies let the workflow in that they are for, and no other, by an STS
// that checks signatures.
func TestWhoBecomesWhat(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	s := setup(t)
	s.GitHub.OwnerID, s.GitHub.RepositoryID = 11, 22
	trust := map[string]string{}
	for role, of := range map[string]func(access.Place, access.GitHub, []string) (access.Document, error){
		s.Place.DeployerARN: access.DeployerTrust, s.Place.PlannerARN: access.PlannerTrust,
	} {
		d, err := of(s.Place, s.GitHub, nil)
		if err != nil {
			t.Fatal(err)
		}
		trust[role] = d.Compact()
	}
	for name, tt := range map[string]struct {
		run            awstest.Workflow
		deploys, plans bool
	}{
		"its environment":                      {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod"}, true, true},
		"its environment, with numbers":        {awstest.Workflow{Subject: "repo:Acme@11/etl@22:environment:prod"}, true, true},
		"where it plans":                       {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod-plan"}, false, true},
		"where it plans, with numbers":         {awstest.Workflow{Subject: "repo:Acme@11/etl@22:environment:prod-plan"}, false, true},
		"where somebody plans who took a name": {awstest.Workflow{Subject: "repo:Acme@99/etl@98:environment:prod-plan"}, false, false},
		"where a fork plans":                   {awstest.Workflow{Subject: "repo:eve/etl:environment:prod-plan"}, false, false},
		"where another is planned":             {awstest.Workflow{Subject: "repo:Acme/etl:environment:staging-plan"}, false, false},
		"a name that somebody took":            {awstest.Workflow{Subject: "repo:Acme@99/etl@98:environment:prod"}, false, false},
		"another environment":                  {awstest.Workflow{Subject: "repo:Acme/etl:environment:staging"}, false, false},
		"a branch":                             {awstest.Workflow{Subject: "repo:Acme/etl:ref:refs/heads/main"}, false, false},
		"a pull request":                       {awstest.Workflow{Subject: "repo:Acme/etl:pull_request"}, false, false},
		"a fork":                               {awstest.Workflow{Subject: "repo:eve/etl:environment:prod"}, false, false},
		"other letters":                        {awstest.Workflow{Subject: "repo:acme/etl:environment:prod"}, false, false},
		"another audience":                     {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Audience: "eve"}, false, false},
		"an old token":                         {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Lifetime: -time.Hour}, false, false},
		"a token that GitHub never saw":        {awstest.Workflow{Subject: "repo:Acme/etl:environment:prod", Forged: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.run.Repository, tt.run.Ref, tt.run.Event = "Acme/etl", "refs/heads/main", "push"
			gitHub := awstest.NewGitHub(t, now, tt.run)
			awstest.NewSTS(t, awstest.STSConfig{Clock: now, GitHub: gitHub, Trust: trust})
			for role, ok := range map[string]bool{s.Place.DeployerARN: tt.deploys, s.Place.PlannerARN: tt.plans} {
				settings, err := awsauth.Open(t.Context(), awsauth.Options{
					Account: awstest.Account, Region: awstest.Region, Role: role, Environ: gitHub.Environ(), Clock: now,
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := awsauth.Check(t.Context(), settings); (err == nil) != ok {
					t.Errorf("%s: %v", role, err)
				}
			}
		})
	}
}
