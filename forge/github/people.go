package github

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Permission asks what a login may do with a repository. Triage is reading, and
// maintain is writing, since neither may more with the source.
func (f *Forge) Permission(ctx context.Context, repository, login string) (forge.Permission, error) {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return forge.None, err
	}
	owner, name, err := split(repository)
	if err != nil {
		return forge.None, err
	}
	if !loginName.MatchString(login) {
		return forge.None, slipway.Errorf(slipway.Invalid, "%q is no login of GitHub", login)
	}
	level, _, err := s.rest.Repositories.GetPermissionLevel(ctx, owner, name, login)
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response.StatusCode == http.StatusNotFound && strings.HasSuffix(e.Message, "is not a user") {
		return forge.None, nil
	}
	if err != nil {
		return forge.None, s.explain(ask{"read the permissions", repository}, err)
	}
	switch level.GetPermission() {
	case "admin":
		return forge.Admin, nil
	case "write", "maintain":
		return forge.Write, nil
	case "read", "triage":
		return forge.Read, nil
	}
	return forge.None, nil
}

// Members lists a team, with those of the teams below it.
func (f *Forge) Members(ctx context.Context, team string) ([]string, error) {
	owner, slug, err := split(team)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "%q is no team of GitHub", team).WithFix("write ORGANIZATION/TEAM")
	}
	s, err := f.session(ctx, owner, "")
	if err != nil {
		return nil, err
	}
	var logins []string
	opts := &github.TeamListTeamMembersOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for user, err := range s.rest.Teams.ListTeamMembersBySlugIter(ctx, owner, slug, opts) {
		if err != nil {
			return nil, s.explain(ask{"list the members", "team " + team}, err)
		}
		logins = append(logins, user.GetLogin())
	}
	return logins, nil
}
