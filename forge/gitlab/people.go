package gitlab

import (
	"context"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// The access levels of GitLab, which its description gives as numbers.
const (
	levelReporter   = 20
	levelDeveloper  = 30
	levelMaintainer = 40
)

type member struct {
	Username string `json:"username"`
	State    string `json:"state"`
	Level    int    `json:"access_level"`
}

// Permission is the access level of a member of the project or of a group above it.
// Somebody else may read what is not private.
func (f *Forge) Permission(ctx context.Context, repository, login string) (forge.Permission, error) {
	path, err := pathOf(repository)
	if err != nil {
		return forge.None, err
	}
	if !loginName.MatchString(login) || strings.Trim(login, ".") == "" {
		return forge.None, slipway.Errorf(slipway.Invalid, "%q is no login of GitLab", login)
	}
	a := ask{"read the permissions", repository}
	members, err := list[member](ctx, f, a, path+"/members/all", url.Values{"query": {login}})
	if err != nil {
		return forge.None, err
	}
	level, known := 0, false
	for _, m := range members {
		if strings.EqualFold(m.Username, login) {
			known = true
			if m.State == "active" {
				level = max(level, m.Level)
			}
		}
	}
	switch {
	case level >= levelMaintainer:
		return forge.Admin, nil
	case level >= levelDeveloper:
		return forge.Write, nil
	case level >= levelReporter:
		return forge.Read, nil
	case known && level == 0:
		return forge.None, nil // blocked
	}
	return f.ofAnybody(ctx, a, path, login)
}

// ofAnybody is what a guest, or somebody who is no member, may do.
func (f *Forge) ofAnybody(ctx context.Context, a ask, path, login string) (forge.Permission, error) {
	var p project
	if err := f.get(ctx, a, path, &p); err != nil || p.Visibility != "public" && p.Visibility != "internal" {
		return forge.None, err
	}
	users, err := list[member](ctx, f, a, "/users", url.Values{"username": {login}})
	for _, u := range users {
		if u.State == "active" {
			return forge.Read, err
		}
	}
	return forge.None, err
}

// Members lists the direct members of a group, as GitLab's own approval rules count
// them: those of the groups above it are no team.
func (f *Forge) Members(ctx context.Context, team string) ([]string, error) {
	if !validPath(team) {
		return nil, slipway.Errorf(slipway.Invalid, "%q is no group of GitLab", team).WithFix("write GROUP/SUBGROUP")
	}
	all, err := list[member](ctx, f, ask{"list the members", "group " + team}, "/groups/"+url.PathEscape(team)+"/members", url.Values{})
	var logins []string
	for _, m := range all {
		if m.State == "active" {
			logins = append(logins, m.Username)
		}
	}
	return logins, err
}
