package access

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Where GitHub Actions gets its tokens, and for whom they are.
const (
	GitHubHost = "token.actions.githubusercontent.com"
	Audience   = "sts.amazonaws.com"
)

// The formats of a token's subject. Repositories made, renamed or handed over
// since July 2026 have identities in it, which nobody else gets when a name
// becomes free.
const (
	SubjectNames = "names" // repo:owner/name:...
	SubjectIDs   = "ids"   // repo:owner@1/name@2:...
	SubjectBoth  = "both"
)

// GitHub is the workflow that may become the deployer. Environments or Branch is
// set; a job that names an environment shows that and no branch.
type GitHub struct {
	Repository   string // owner/name, in the letters that GitHub shows
	OwnerID      int64  // the number of the owner; 0: not known
	RepositoryID int64
	Environments []string // of GitHub, which have rules of their own
	Branch       string
	Format       string // of the subject; empty: both if the numbers are known, else names
}

// Subjects returns what the tokens of the workflow say of themselves, exactly.
func (g GitHub) Subjects() (List, error) {
	owner, name, ok := strings.Cut(g.Repository, "/")
	if err := g.exact(); err != nil {
		return nil, err
	}
	if !ok || !gitHubName.MatchString(owner) || !gitHubName.MatchString(name) {
		return nil, slipway.Errorf(slipway.Invalid, "%q is no repository on GitHub", g.Repository).
			WithFix("name it as owner/name, in capital and small letters as GitHub shows it, with --github")
	}
	places, err := g.places()
	if err != nil {
		return nil, err
	}
	known := g.OwnerID > 0 && g.RepositoryID > 0
	format := cmp.Or(g.Format, map[bool]string{true: SubjectBoth, false: SubjectNames}[known])
	if format != SubjectNames && !known {
		return nil, slipway.Errorf(slipway.Invalid, "the numbers of %s and of its owner are not known, and subjects of the format %s have them", g.Repository, format).
			WithFix("gh api repos/%s --jq '.owner.id, .id' shows them; give them by --github-owner-id and --github-repository-id", g.Repository)
	}
	var subjects List
	for _, place := range places {
		if format != SubjectIDs {
			subjects = append(subjects, "repo:"+owner+"/"+name+":"+place)
		}
		if format != SubjectNames {
			subjects = append(subjects, fmt.Sprintf("repo:%s@%d/%s@%d:%s", owner, g.OwnerID, name, g.RepositoryID, place))
		}
	}
	return subjects, nil
}

// exact refuses names that would be taken for patterns.
func (g GitHub) exact() error {
	err := errors.Join(exact("the repository", g.Repository), exact("the branch", g.Branch))
	for _, e := range g.Environments {
		err = errors.Join(err, exact("the environment on GitHub", e))
	}
	return err
}

// places are the ends of subjects, which say where the workflow runs.
func (g GitHub) places() (List, error) {
	var places List
	for _, e := range g.Environments {
		// GitHub writes a colon so, since a colon parts the subject.
		places = append(places, "environment:"+strings.ReplaceAll(e, ":", "%3A"))
	}
	switch {
	case len(places) > 0 && g.Branch != "":
		return nil, slipway.Errorf(slipway.Invalid, "a subject of GitHub names an environment or a branch, not both").
			WithFix("take the environment, and let its rules on GitHub say which branches deploy to it")
	case g.Branch != "":
		return List{"ref:refs/heads/" + strings.TrimPrefix(g.Branch, "refs/heads/")}, nil
	case len(places) == 0:
		return nil, slipway.Errorf(slipway.Invalid, "a role that any workflow of %s could take is too open", g.Repository).
			WithFix("name an environment of GitHub (--github-environment) or a branch (--github-branch)")
	}
	return places, nil
}

var gitHubName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// GitHubRepository finds owner/name in a git remote on github.com; empty for any
// other.
func GitHubRepository(remote string) string {
	rest, scp := strings.CutPrefix(remote, "git@github.com:")
	if !scp {
		u, err := url.Parse(remote)
		if err != nil || !slices.Contains([]string{"github.com", "www.github.com", "ssh.github.com"}, u.Hostname()) {
			return ""
		}
		rest = u.Path
	}
	rest = strings.TrimSuffix(strings.Trim(rest, "/"), ".git")
	if owner, name, ok := strings.Cut(rest, "/"); !ok || !gitHubName.MatchString(owner) || !gitHubName.MatchString(name) {
		return ""
	}
	return rest
}

// DeployerTrust says who becomes the deployer: the workflow, if it has a
// repository, and people or roles by their ARNs.
func DeployerTrust(p Place, g GitHub, people []string) (Document, error) {
	return trust{
		place: p, role: p.Deployer, does: "deploys", workflows: []GitHub{g}, people: people,
		why:       "lets the workflow become the deployer for as long as it runs, by a token that GitHub signs; there is no key to steal",
		whyPeople: "lets these people and roles deploy from where they are signed in",
	}.document()
}

// A trust is who becomes a role, and why.
type trust struct {
	place          Place
	role, does     string
	workflows      []GitHub // of one repository; all are without one if there is none
	people         []string
	why, whyPeople string
}

func (t trust) document() (Document, error) {
	d := Document{Version: version}
	var subjects List
	for _, g := range t.workflows {
		if g.Repository == "" {
			continue
		}
		of, err := g.Subjects()
		if err != nil {
			return d, err
		}
		subjects = subjects.and(of)
	}
	if len(subjects) > 0 {
		d.Statement = append(d.Statement, Statement{
			Sid: "GitHub", Effect: "Allow", Principal: Principal{"Federated": {t.place.Provider()}}, Action: List{"sts:AssumeRoleWithWebIdentity"},
			Condition: map[string]map[string]List{"StringEquals": {GitHubHost + ":aud": {Audience}, GitHubHost + ":sub": subjects}},
			Why:       t.why,
		})
	}
	for _, arn := range t.people {
		if !person.MatchString(arn) {
			return d, slipway.Errorf(slipway.Invalid, "%q is not the ARN of a user or a role", arn).
				WithFix("write it in full, such as arn:aws:iam::%s:role/platform; `aws iam get-role --role-name NAME` shows it, and wildcards are not taken", t.place.Account)
		}
	}
	if len(t.people) > 0 {
		d.Statement = append(d.Statement, Statement{Sid: "People", Effect: "Allow", Principal: Principal{"AWS": t.people}, Action: List{"sts:AssumeRole"}, Why: t.whyPeople})
	}
	if len(d.Statement) == 0 {
		return d, slipway.Errorf(slipway.Invalid, "nobody could become %s, which %s: there is no repository on GitHub, and nobody is named", t.role, t.does).
			WithFix("name the repository with --github OWNER/NAME, or people and roles by --trust ARN")
	}
	return d, nil
}

var person = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/[A-Za-z0-9+=,.@_/-]+$`)
