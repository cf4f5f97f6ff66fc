package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// Who does a job follows from what it is about: an app says in its manifest where it is
// built, the platform file says where an environment is worked in. Whose job it is says
// when it is its turn.

// about is what a job is about, by those fields that the inputs of all kinds have in
// common.
type about struct {
	at
	App         string              `json:"app"`
	Environment string              `json:"environment"`
	Ref         string              `json:"ref"`
	Commit      string              `json:"commit"`
	RunsOn      []string            `json:"runs_on"` // by the manifest at the commit; nil: nobody has looked
	Apps        []checkApp          `json:"apps"`
	Members     []slipway.SetMember `json:"members"`
	Message     struct {
		Team string `json:"team"`
	} `json:"message"`
}

func aboutOf(j store.Job) about {
	var in about
	if err := json.Unmarshal(j.Input, &in); err != nil { // of a kind that has other fields by these names
		return about{}
	}
	return in
}

// apps are the names of the apps that it is about.
func (in about) apps() []string {
	var all []string
	if in.App != "" {
		all = append(all, in.App)
	}
	for _, a := range in.Apps {
		all = append(all, a.Name)
	}
	for _, m := range in.Members {
		all = append(all, m.App)
	}
	return all
}

// builds reports whether a job builds what it is about.
func (in about) builds(kind string) bool {
	switch kind {
	case jobShip, jobRelease, jobCheck:
		return true
	case jobPlan, jobPropose:
		return in.Commit != ""
	}
	return false
}

// enqueue makes a job, unless there is one with its key, and says who does it and whose
// it is.
func (s *Server) enqueue(ctx context.Context, tx *store.Tx, j store.Job) (store.Job, bool, error) {
	var err error
	if j.Placement, err = s.placed(ctx, j, tx.App); err != nil {
		return j, false, err
	}
	return tx.Enqueue(ctx, j)
}

// placed says who does a job, and whose it is: the team's whose app it is about, of
// several apps the first one's; else the repository's.
func (s *Server) placed(ctx context.Context, j store.Job, app func(context.Context, string) (store.App, bool, error)) (store.Placement, error) {
	in, p := aboutOf(j), store.Placement{Pool: s.kinds[j.Kind].pool}
	var first store.App
	envs := []string{in.Environment}
	if names := in.apps(); len(names) > 0 {
		var err error
		if first, _, err = app(ctx, names[0]); err != nil {
			return p, err
		}
	}
	p.Needs = in.RunsOn
	if in.RunsOn == nil && in.App != "" && in.builds(j.Kind) {
		p.Needs = first.RunsOn // as on the default branch
	}
	for _, a := range in.Apps {
		p.Needs, envs = slices.Concat(p.Needs, a.RunsOn), append(envs, a.Push...)
	}
	if p.Pool == poolWork || p.Pool == poolRun {
		p.Needs = slices.Concat(p.Needs, s.runsOn(envs...))
	}
	p.Tenant = cmp.Or(first.Team, in.Message.Team, repositoryOf(first, in.at), j.Subject)
	return p, nil
}

// repositoryOf names the repository of an app, or the one that a job is about.
func repositoryOf(a store.App, in at) string {
	switch {
	case a.Repository != "":
		return at{a.Forge, a.Repository}.String()
	case in.Repository != "":
		return in.String()
	}
	return ""
}

// runsOn are the labels that environments need, by the platform file that holds.
func (s *Server) runsOn(envs ...string) []string {
	p, err := s.platform()
	if err != nil {
		return nil
	}
	var all []string
	for _, name := range envs {
		if e, ok := p.Environment(name); ok {
			all = append(all, e.RunsOn...)
		}
	}
	return all
}

// goesTo are the environments that a push to the default branch of an app goes to.
func (s *Server) goesTo(push []string) []string {
	if len(push) > 0 {
		return push
	}
	p, err := s.platform()
	if err != nil {
		return nil
	}
	return usual(p)
}

// An elsewhere is the error of a job that turns out to need labels that this process does
// not have: it waits for one that has them.
type elsewhere struct {
	needs []string
	input json.RawMessage // of the job, with what was found out
}

func (e elsewhere) Error() string {
	return "it needs " + labelled(e.needs) + ", which this process has not"
}

// mayDo says whether this process may do a job, now that it begins: the platform file
// may have changed since it was made.
func (s *Server) mayDo(ctx context.Context, j store.Job) error {
	if j.Pool != poolWork && j.Pool != poolRun {
		return nil
	}
	p, err := s.placed(ctx, j, s.store.App)
	if err != nil || store.Has(s.Labels, p.Needs) {
		return err
	}
	return elsewhere{p.Needs, j.Input}
}

// mayBuild says whether this process may do a job that builds an app, now that its
// manifest is read.
func (s *Server) mayBuild(j store.Job, m *manifest.Manifest) error {
	in := aboutOf(j)
	if !in.builds(j.Kind) || store.Has(s.Labels, m.Build.RunsOn) {
		return nil
	}
	var input map[string]json.RawMessage
	if err := json.Unmarshal(j.Input, &input); err != nil {
		return err
	}
	input["runs_on"] = toJSON(slices.Concat(in.RunsOn, m.Build.RunsOn))
	return elsewhere{slices.Concat(j.Needs, m.Build.RunsOn), toJSON(input)}
}

// labelled names labels: label gpu, labels gpu and in-vpc.
func labelled(labels []string) string {
	labels = slices.Compact(slices.Sorted(slices.Values(labels)))
	text := "label"
	if len(labels) > 1 {
		text = "labels"
	}
	for i, l := range labels {
		switch {
		case i == 0:
			text += " " + l
		case i == len(labels)-1:
			text += " and " + l
		default:
			text += ", " + l
		}
	}
	return text
}

// waitsFor says what a job waits for that no process can do; empty: one can.
func waitsFor(all []store.Process, pool string, needs []string) string {
	for _, p := range all {
		hands := p.Capacity > 0
		if pool == poolRun {
			hands = p.Role == store.RoleServer || len(needs) > 0
		}
		if hands && p.State == store.ProcessAlive && store.Has(p.Labels, needs) {
			return ""
		}
	}
	if len(needs) == 0 {
		return "waits for a worker; none is running"
	}
	return fmt.Sprintf("waits for a worker with %s; none is running", labelled(needs))
}

// Unserved adds to an explanation the jobs that are to bring the app there, and that
// nobody can do.
func Unserved(x *pipeline.Explanation, jobs []store.Job) {
	for _, j := range jobs {
		if j.Waits == "" || aboutOf(j).Environment != x.Environment {
			continue
		}
		flag := ""
		if len(j.Needs) > 0 {
			flag = " --label " + strings.Join(j.Needs, ",")
		}
		x.Open = false
		x.Gates = append(x.Gates, pipeline.Gate{
			Name: fmt.Sprintf("job %d, %s", j.ID, j.Kind), Why: "it " + j.Waits,
			Fix: "start one: slipway worker" + flag + "; slipway workers lists those there are",
		})
	}
}

// processes are those that live, this one among them.
func (s *Server) processes(ctx context.Context) ([]store.Process, error) {
	if s.store.Shared() {
		return s.store.Processes(ctx)
	}
	return []store.Process{s.self()}, nil
}

// withWaits says of jobs that wait and that nobody can do what they wait for.
func (s *Server) withWaits(ctx context.Context, all []store.Job) error {
	waits := func(j store.Job) bool {
		return j.State == store.JobWaiting && (j.Pool == poolWork || j.Pool == poolRun)
	}
	if !slices.ContainsFunc(all, waits) {
		return nil
	}
	live, err := s.processes(ctx)
	for i, j := range all {
		if waits(j) {
			all[i].Waits = waitsFor(live, j.Pool, j.Needs)
		}
	}
	return err
}
