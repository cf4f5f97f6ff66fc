package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Refs reads all branches and tags, a hundred at a time; whether they have changed is
// found by their digest. GitLab charges a conditional request as any other.
func (f *Forge) Refs(ctx context.Context, repository, seen string) (forge.Refs, error) {
	path, err := pathOf(repository)
	if err != nil {
		return forge.Refs{}, err
	}
	type ref struct {
		Name   string `json:"name"`
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	a := ask{"read the branches and tags", repository}
	branches, err := list[ref](ctx, f, a, path+"/repository/branches", url.Values{})
	if err != nil {
		return forge.Refs{}, err
	}
	tags, err := list[ref](ctx, f, a, path+"/repository/tags", url.Values{})
	if err != nil {
		return forge.Refs{}, err
	}
	refs := forge.Refs{Branches: map[string]string{}, Tags: map[string]string{}}
	for _, b := range branches {
		refs.Branches[b.Name] = b.Commit.ID
	}
	for _, t := range tags {
		if t.Commit.ID != "" { // one of something else than a commit
			refs.Tags[t.Name] = t.Commit.ID
		}
	}
	refs.Mark = digestOf(refs)
	if refs.Mark == seen {
		return forge.Refs{Mark: seen, Unchanged: true}, nil
	}
	return refs, nil
}

func digestOf(value any) string {
	data, _ := json.Marshal(value) // plain values
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Remote is the project's address over HTTP, with the token in a header.
func (f *Forge) Remote(_ context.Context, repository string) (forge.Remote, error) {
	if _, err := pathOf(repository); err != nil {
		return forge.Remote{}, err
	}
	basic := base64.StdEncoding.EncodeToString([]byte("oauth2:" + f.config.Token))
	return forge.Remote{URL: f.base + "/" + repository + ".git", Header: "Authorization: Basic " + basic}, nil
}

type project struct {
	Path          string `json:"path_with_namespace"`
	DefaultBranch string `json:"default_branch"`
	WebURL        string `json:"web_url"`
	Visibility    string `json:"visibility"`
	Archived      bool   `json:"archived"`
}

// Repositories lists those that the configuration names, as far as they can be
// reached; or all of which the token's user is a member.
func (f *Forge) Repositories(ctx context.Context) ([]forge.Repository, error) {
	all, err := f.projects(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var repositories []forge.Repository
	for _, p := range all {
		if p.Archived || seen[p.Path] {
			continue
		}
		seen[p.Path] = true
		repositories = append(repositories, forge.Repository{Name: p.Path, DefaultBranch: p.DefaultBranch, URL: p.WebURL, Private: p.Visibility != "public"})
	}
	return repositories, nil
}

func (f *Forge) projects(ctx context.Context) ([]project, error) {
	if len(f.config.Repositories) == 0 {
		// By keyset, as GitLab asks for of long lists.
		q := url.Values{"membership": {"true"}, "archived": {"false"}, "pagination": {"keyset"}, "order_by": {"id"}, "sort": {"asc"}}
		return list[project](ctx, f, ask{"list the projects", "its user"}, "/projects", q)
	}
	var all []project
	for _, pattern := range f.config.Repositories {
		some, err := f.matching(ctx, pattern)
		if slipway.KindOf(err) == slipway.NotFound {
			f.config.Log.WarnContext(ctx, "a project or group is not there", "name", pattern, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (f *Forge) matching(ctx context.Context, pattern string) ([]project, error) {
	if group, all := strings.CutSuffix(pattern, "/*"); all {
		q := url.Values{"include_subgroups": {"true"}, "archived": {"false"}, "with_shared": {"false"}}
		some, err := list[project](ctx, f, ask{"list the projects", "group " + group}, "/groups/"+url.PathEscape(group)+"/projects", q)
		if slipway.KindOf(err) != slipway.NotFound || strings.Contains(group, "/") {
			return some, err
		}
		// A person's projects lie below the name alike.
		return list[project](ctx, f, ask{"list the projects", "group or user " + group}, "/users/"+url.PathEscape(group)+"/projects", url.Values{"archived": {"false"}})
	}
	path, err := pathOf(pattern)
	if err != nil {
		return nil, err
	}
	var one project
	if err := f.get(ctx, ask{"read the project", pattern}, path, &one); err != nil {
		return nil, err
	}
	return []project{one}, nil
}
