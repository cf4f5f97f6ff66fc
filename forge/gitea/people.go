package gitea

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Permission asks what a login may do with a repository.
func (f *Forge) Permission(ctx context.Context, repository, login string) (forge.Permission, error) {
	path, err := pathOf(repository)
	if err != nil {
		return forge.None, err
	}
	if !loginName.MatchString(login) || strings.Trim(login, ".") == "" {
		return forge.None, slipway.Errorf(slipway.Invalid, "%q is no login of Gitea", login)
	}
	a := ask{"read the permissions", repository}
	var got struct{ Permission string }
	_, err = f.call(ctx, a, http.MethodGet, path+"/collaborators/"+login+"/permission", nil, &got)
	if slipway.KindOf(err) == slipway.NotFound {
		// Either of the two is not there.
		_, err := f.call(ctx, a, http.MethodGet, path, nil, nil)
		return forge.None, err
	}
	if err != nil {
		return forge.None, err
	}
	switch got.Permission {
	case "owner", "admin":
		return forge.Admin, nil
	case "write":
		return forge.Write, nil
	case "read":
		return forge.Read, nil
	}
	return forge.None, nil
}

// Members lists a team of an organization.
func (f *Forge) Members(ctx context.Context, team string) ([]string, error) {
	if _, err := pathOf(team); err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "%q is no team of Gitea", team).WithFix("write ORGANIZATION/TEAM")
	}
	organization, name, _ := strings.Cut(team, "/")
	a := ask{"list the members", "team " + team}
	var found struct {
		Data []struct {
			ID   int64
			Name string
		}
	}
	if _, err := f.call(ctx, a, http.MethodGet, "/orgs/"+organization+"/teams/search?limit=50&q="+url.QueryEscape(name), nil, &found); err != nil {
		return nil, err
	}
	for _, t := range found.Data {
		if !strings.EqualFold(t.Name, name) {
			continue
		}
		users, err := list[user](ctx, f, a, fmt.Sprintf("/teams/%d/members", t.ID))
		var logins []string
		for _, u := range users {
			logins = append(logins, u.Login)
		}
		return logins, err
	}
	return nil, f.explain(a, &refusal{status: http.StatusNotFound})
}
