package awssetup

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// A part is one thing that is set up: how to see it, what it is to be, how to make
// it so. Making it again does no harm.
type part struct {
	id, thing string
	// look returns what is there; empty: nothing.
	look func(ctx context.Context) (string, error)
	// want returns what is to be where have is; have itself, if it will do.
	want func(have string) (string, error)
	make func(ctx context.Context, s Step) error
}

// step compares a part with what is there.
func (p part) step(ctx context.Context) (Step, error) {
	s := Step{ID: p.id, Thing: p.thing}
	var err error
	if s.Have, err = p.look(ctx); err != nil {
		return s, err
	}
	if s.Want, err = p.want(s.Have); err != nil {
		return s, err
	}
	switch s.Have {
	case s.Want:
	case "":
		s.Action = slipway.Add
	default:
		s.Action = slipway.Update
	}
	return s, nil
}

// exactly is the want of a part that is the same in every case.
func exactly(want string) func(string) (string, error) {
	return func(string) (string, error) { return want, nil }
}

// document is the want of a part that is a policy: what is there, with ours.
func document(ours access.Document, exact bool) func(string) (string, error) {
	return func(have string) (string, error) {
		if have == "" {
			return string(ours.JSON()), nil
		}
		there, err := access.Parse([]byte(have))
		if err != nil {
			return "", err
		}
		want := ours
		if !exact {
			want = there.With(ours)
		}
		if there.Same(want) {
			return have, nil
		}
		return string(want.JSON()), nil
	}
}

// readable is a policy as AWS returns it, in the form that people read.
func readable(text string) (string, error) {
	d, err := access.Parse([]byte(text))
	if err != nil {
		return "", err
	}
	return string(d.JSON()), nil
}

// compact is a policy as it is sent.
func compact(text string) (*string, error) {
	d, err := access.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return new(d.Compact()), nil
}

// parts are all things to set up, in the order in which they need each other.
func (a *Account) parts(s Setup) ([]part, error) {
	documents, err := access.Documents(s.Wanted)
	if err == nil && s.Nobody() {
		_, err = access.DeployerTrust(s.Place, s.GitHub, s.People)
	}
	if err != nil {
		return nil, err
	}
	of := map[string]access.Document{}
	for _, d := range documents {
		of[d.Name] = d.Document
	}
	parts := a.bucketParts(s, of[access.NameBucket])
	if s.GitHub.Repository != "" {
		parts = append(parts, a.provider(s.Place))
	}
	job := access.RoleName(s.Job.Role)
	parts = append(parts,
		a.role(s, "job-role", job, "Slipway: with it the job "+s.Job.Name+" runs", of[access.NameJobTrust]),
		a.rolePolicy(s, "job-policy", job, "slipway", of[access.NameJob]))
	if s.Data && len(of[access.NameData].Statement) > 0 {
		parts = append(parts, a.rolePolicy(s, "job-data", job, "slipway-data", of[access.NameData]))
	}
	parts = append(parts,
		a.role(s, "deployer-role", s.Place.Deployer, "Slipway: deploys to the environment "+s.Place.Environment, of[access.NameDeployerTrust]),
		a.rolePolicy(s, "deployer-policy", s.Place.Deployer, "slipway", of[access.NameDeployer]))
	if s.Plans() {
		parts = append(parts,
			a.role(s, "planner-role", s.Place.Planner, "Slipway: plans for the environment "+s.Place.Environment+", and reads alone", of[access.NamePlannerTrust]),
			a.rolePolicy(s, "planner-policy", s.Place.Planner, "slipway", of[access.NamePlanner]))
	}
	return parts, nil
}
