package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
	"github.com/slipway-cd/slipway/pipeline"
)

type awsCommand struct {
	Policy    awsPolicyCommand    `cmd:"" help:"Print the IAM policies that an environment on AWS needs, with the reason for each statement."`
	Bootstrap awsBootstrapCommand `cmd:"" help:"Make the bucket, the roles and the sign-in of GitHub Actions that an environment on AWS needs."`
}

// Help implements kong.HelpProvider.
func (awsCommand) Help() string {
	return "docs/aws.md says what accounts, roles and policies there are.\n\nExample: slipway aws policy prod\n\n" + exitHelp
}

// awsWho says who deploys: what platform.yaml and the git remote do not say.
type awsWho struct {
	GitHub        string   `name:"github" placeholder:"OWNER/NAME" help:"The repository on GitHub whose workflows deploy, or none. Default: the git remote's."`
	Environments  []string `name:"github-environment" placeholder:"NAME" help:"The environments of GitHub that its jobs run in. Default: named as this one."`
	Branch        string   `name:"github-branch" placeholder:"NAME" help:"The branch that deploys, for jobs that name no environment of GitHub."`
	OwnerID       int64    `name:"github-owner-id" placeholder:"N" help:"The number of the repository's owner, which newer repositories have in their tokens."`
	RepositoryID  int64    `name:"github-repository-id" placeholder:"N" help:"The number of the repository."`
	SubjectFormat string   `name:"github-subject-format" enum:",names,ids,both" default:"" placeholder:"FORMAT" help:"What tokens name: names, ids or both. Default: both if the numbers are given, else names."`
	Trust         []string `placeholder:"ARN" help:"Users and roles who deploy besides, from where they are signed in."`
}

// wanted gathers all that the documents are made of.
func (c awsWho) wanted(s *session, name string) (access.Wanted, slipway.Environment, error) {
	p, err := s.project("")
	if err != nil {
		return access.Wanted{}, slipway.Environment{}, err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	r, err := p.Manifest.Resolve(name, p.Platform)
	if err != nil {
		return access.Wanted{}, slipway.Environment{}, err
	}
	e := r.Environment.Environment
	if e.Runtime != "glue" {
		return access.Wanted{}, e, slipway.Errorf(slipway.Invalid, "environment %s runs on %s, and needs nothing of AWS", name, e.Runtime).
			WithFix("name an environment with runtime: glue")
	}
	w := access.Wanted{Job: awsJob(r.App, r.RunMap()), People: c.Trust}
	if w.Place, err = access.Locate(e); err != nil {
		return w, e, err
	}
	w.GitHub = c.gitHub(s, p, name)
	return w, e, nil
}

// gitHub finds the repository, and what its tokens say.
func (c awsWho) gitHub(s *session, p *pipeline.Project, environment string) access.GitHub {
	g := access.GitHub{
		Repository: c.GitHub, OwnerID: c.OwnerID, RepositoryID: c.RepositoryID,
		Environments: c.Environments, Branch: c.Branch, Format: c.SubjectFormat,
	}
	switch g.Repository {
	case "none":
		return access.GitHub{}
	case "":
		if src, _, err := p.Git.Source(s.ctx, p.Folder, true); err == nil {
			g.Repository = access.GitHubRepository(src.Remote)
		}
	}
	if len(g.Environments) == 0 && g.Branch == "" {
		g.Environments = []string{environment}
	}
	return g
}

// awsJob is what the policies need to know of a job.
func awsJob(app string, run map[string]any) access.Job {
	text := func(name string) string { v, _ := run[name].(string); return v }
	j := access.Job{
		App: app, Name: text("name"), Role: text("role"), Python: text("type") == "pythonshell",
		Connections: texts(run["connections"]), SecurityConfiguration: text("security_configuration"), Arguments: map[string]string{},
	}
	if j.Name == "" {
		j.Name = app
	}
	j.Bookmarks = text("bookmark") == "enable" || text("bookmark") == "pause"
	for _, list := range []string{"extra_py_files", "extra_jars"} {
		j.Arguments[list] = strings.Join(texts(run[list]), ",")
	}
	for _, given := range []string{"arguments", "non_overridable_arguments"} {
		arguments, _ := run[given].(map[string]any)
		for name, value := range arguments {
			if v, ok := value.(string); ok { // and no reference to a secret
				j.Arguments[name] = v
			}
		}
	}
	for _, name := range []string{"enable-metrics", "enable-observability-metrics"} {
		value, there := j.Arguments[name]
		j.Metrics = j.Metrics || there && value != "false"
	}
	return j
}

// texts are the texts of a list.
func texts(list any) []string {
	items, _ := list.([]any)
	var out []string
	for _, item := range items {
		if v, ok := item.(string); ok {
			out = append(out, v)
		}
	}
	return out
}

type awsPolicyCommand struct {
	Environment string `arg:"" name:"env" help:"The environment."`
	Document    string `arg:"" optional:"" help:"One document alone, as JSON: deployer, deployer-trust, planner, planner-trust, job, job-trust, data or bucket."`
	awsWho
}

// Help implements kong.HelpProvider.
func (awsPolicyCommand) Help() string {
	return `It asks nobody and needs no credentials. deployer is what the role may do that deploys, planner what the role may do with
which plans are made, job what the role may do with which the job runs; deployer-trust, planner-trust and job-trust say who may become
them. data guesses from the job's arguments what it reads and writes. With
the name of a document, its JSON alone goes to stdout, and the reasons to stderr.

Example: slipway aws policy prod deployer > deployer.json

` + exitHelp
}

// Run implements the command.
func (c *awsPolicyCommand) Run(s *session) error {
	w, _, err := c.wanted(s, c.Environment)
	if err != nil {
		return err
	}
	if c.Document != "" && !slices.Contains(access.Names(), c.Document) {
		return slipway.Errorf(slipway.Invalid, "there is no document %s", c.Document).WithFix("the documents are: %s", strings.Join(access.Names(), ", "))
	}
	documents, err := access.Documents(w)
	if err == nil && c.Document == access.NameDeployerTrust {
		_, err = access.DeployerTrust(w.Place, w.GitHub, w.People)
	}
	if err == nil && c.Document == access.NamePlannerTrust {
		_, err = access.PlannerTrust(w.Place, w.GitHub, w.People)
	}
	if err != nil {
		return err
	}
	documents = slices.DeleteFunc(documents, func(d access.Named) bool {
		return len(d.Document.Statement) == 0 || c.Document != "" && c.Document != d.Name
	})
	switch {
	case len(documents) == 0:
		return slipway.Errorf(slipway.NotFound, "no argument of %s in %s names anything in S3", w.Job.App, c.Environment).
			WithFix("write a policy for what the job reads and writes by hand")
	case c.Document != "":
		for _, statement := range documents[0].Document.Statement {
			s.talk.say("%s: %s", statement.Sid, statement.Why)
		}
		_, err := s.env.Stdout.Write(documents[0].Document.JSON())
		return err
	case s.globals.JSON:
		all := map[string]access.Document{}
		for _, d := range documents {
			all[d.Name] = d.Document
		}
		return printJSON(s.env.Stdout, all)
	}
	for _, d := range documents {
		fmt.Fprintf(s.env.Stdout, "# %s: %s\n", d.Name, d.Title)
		for _, statement := range d.Document.Statement {
			fmt.Fprintf(s.env.Stdout, "#   %s: %s\n", statement.Sid, statement.Why)
		}
		fmt.Fprintf(s.env.Stdout, "%s\n", d.Document.JSON())
	}
	return nil
}
