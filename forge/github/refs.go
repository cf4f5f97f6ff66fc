package github

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Refs asks for branches and for tags, each with the ETag of the answer before.
func (f *Forge) Refs(ctx context.Context, repository, seen string) (forge.Refs, error) {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return forge.Refs{}, err
	}
	heads, tags, _ := strings.Cut(seen, " ")
	branches, err := s.matching(ctx, repository, "heads", heads)
	if err != nil {
		return forge.Refs{}, err
	}
	labels, err := s.matching(ctx, repository, "tags", tags)
	if err != nil {
		return forge.Refs{}, err
	}
	if branches.same && labels.same {
		return forge.Refs{Mark: seen, Unchanged: true}, nil
	}
	// What has not changed was not sent.
	if branches.same {
		branches, err = s.matching(ctx, repository, "heads", "")
	}
	if err == nil && labels.same {
		labels, err = s.matching(ctx, repository, "tags", "")
	}
	if err != nil {
		return forge.Refs{}, err
	}
	refs := forge.Refs{Mark: branches.etag + " " + labels.etag, Branches: map[string]string{}, Tags: map[string]string{}}
	for _, ref := range branches.refs {
		refs.Branches[strings.TrimPrefix(ref.GetRef(), "refs/heads/")] = ref.GetObject().GetSHA()
	}
	return refs, f.peel(ctx, s, repository, labels.refs, refs.Tags)
}

// matched is the answer to a conditional request for refs.
type matched struct {
	etag string
	same bool
	refs []*github.Reference
}

func (s *session) matching(ctx context.Context, repository, kind, etag string) (matched, error) {
	var m matched
	var err error
	m.etag, m.same, err = s.conditional(ctx, ask{"read the branches and tags", repository}, "repos/"+repository+"/git/matching-refs/"+kind+"/", etag, &m.refs)
	return m, err
}

// conditional reads what has changed since the answer with that ETag. One that has
// not is no answer to count.
func (s *session) conditional(ctx context.Context, a ask, path, etag string, into any) (mark string, same bool, err error) {
	req, err := s.rest.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return "", false, err
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	answer, err := s.rest.Do(ctx, req, into)
	if answer != nil && answer.Response != nil && answer.StatusCode == http.StatusNotModified {
		return etag, true, nil
	}
	if err != nil {
		return "", false, s.explain(a, err)
	}
	return answer.Header.Get("ETag"), false, nil
}

// peel fills in the commits that tags stand for. An annotated tag is an object of
// its own; all that are not known yet are asked for together.
func (f *Forge) peel(ctx context.Context, s *session, repository string, refs []*github.Reference, into map[string]string) error {
	var unknown bool
	for _, ref := range refs {
		name, sha := strings.TrimPrefix(ref.GetRef(), "refs/tags/"), ref.GetObject().GetSHA()
		if ref.GetObject().GetType() != "tag" {
			into[name] = sha
		} else if commit, ok := f.commitOf(sha); ok {
			into[name] = commit
		} else {
			unknown = true
		}
	}
	if !unknown {
		return nil
	}
	return f.peelAll(ctx, s, repository, into)
}

func (f *Forge) commitOf(tag string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	commit, ok := f.commits[tag]
	return commit, ok
}

func (f *Forge) learn(tag, commit string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits[tag] = commit
}

const tagsQuery = `query Tags($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    refs(refPrefix: "refs/tags/", first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { name target { oid __typename ... on Tag { target { oid __typename ... on Tag { target { oid } } } } } }
    }
  }
}`

// A gitObject is an object, and what it stands for if it is a tag.
type gitObject struct {
	OID    string     `json:"oid"`
	Target *gitObject `json:"target"`
}

func (o *gitObject) commit() string {
	for o.Target != nil {
		o = o.Target
	}
	return o.OID
}

func (f *Forge) peelAll(ctx context.Context, s *session, repository string, into map[string]string) error {
	owner, name, err := split(repository)
	if err != nil {
		return err
	}
	variables := map[string]any{"owner": owner, "name": name, "after": nil}
	for {
		var answer struct {
			Repository struct {
				Refs struct {
					PageInfo pageInfo
					Nodes    []struct {
						Name   string
						Target gitObject
					}
				}
			}
		}
		if err := s.query(ctx, ask{"read the tags", repository}, tagsQuery, variables, &answer); err != nil {
			return err
		}
		for _, tag := range answer.Repository.Refs.Nodes {
			into[tag.Name] = tag.Target.commit()
			f.learn(tag.Target.OID, tag.Target.commit())
		}
		if !answer.Repository.Refs.PageInfo.HasNextPage {
			return nil
		}
		variables["after"] = answer.Repository.Refs.PageInfo.EndCursor
	}
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

// Remote is the repository's address over HTTPS, with the token in a header. That of
// an installation lasts an hour.
func (f *Forge) Remote(ctx context.Context, repository string) (forge.Remote, error) {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return forge.Remote{}, err
	}
	bearer, err := s.authorization(ctx)
	if err != nil {
		return forge.Remote{}, err
	}
	_, token, _ := strings.Cut(bearer, " ")
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
	return forge.Remote{URL: f.site.pages + "/" + repository + ".git", Header: "Authorization: Basic " + basic}, nil
}

func (f *Forge) sessionOf(ctx context.Context, repository string) (*session, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	return f.session(ctx, owner, name)
}

// Repositories lists those that the configuration names, as far as they can be
// reached; or all that can be.
func (f *Forge) Repositories(ctx context.Context) ([]forge.Repository, error) {
	if f.app != nil {
		return f.ofInstallations(ctx)
	}
	var list []forge.Repository
	opts := &github.RepositoryListByAuthenticatedUserOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for r, err := range f.single.rest.Repositories.ListByAuthenticatedUserIter(ctx, opts) {
		if err != nil {
			return nil, f.single.explain(ask{"list the repositories", "the token"}, err)
		}
		list = f.add(list, r)
	}
	return f.named(ctx, list)
}

// named adds the repositories that are named and that no list of the token's has:
// public ones of others.
func (f *Forge) named(ctx context.Context, list []forge.Repository) ([]forge.Repository, error) {
	have := map[string]bool{}
	for _, r := range list {
		have[strings.ToLower(r.Name)] = true
	}
	for _, name := range f.config.Repositories {
		if have[strings.ToLower(name)] || strings.HasSuffix(name, "/*") {
			continue
		}
		owner, repo, err := split(name)
		if err != nil {
			return nil, err
		}
		r, _, err := f.single.rest.Repositories.Get(ctx, owner, repo)
		if err = f.single.explain(ask{"read the repository", name}, err); slipway.KindOf(err) == slipway.NotFound {
			f.config.Log.WarnContext(ctx, "a repository is not there", "repository", name, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		list = f.add(list, r)
	}
	return list, nil
}

func (f *Forge) add(list []forge.Repository, r *github.Repository) []forge.Repository {
	if !f.wanted(r.GetFullName()) || r.GetArchived() {
		return list
	}
	return append(list, forge.Repository{
		Name: r.GetFullName(), DefaultBranch: r.GetDefaultBranch(), URL: r.GetHTMLURL(), Private: r.GetPrivate(),
	})
}

func (f *Forge) ofInstallations(ctx context.Context) ([]forge.Repository, error) {
	var list []forge.Repository
	for found, err := range f.single.rest.Apps.ListInstallationsIter(ctx, &github.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, f.single.explain(ask{"list where it is installed", "the app"}, err)
		}
		if found.SuspendedAt != nil {
			continue
		}
		s := f.keep(found.GetAccount().GetLogin(), found.GetID())
		opts := &github.ListOptions{PerPage: 100}
		for {
			page, answer, err := s.rest.Apps.ListRepos(ctx, opts)
			if err != nil {
				return nil, s.explain(ask{"list the repositories", found.GetAccount().GetLogin()}, err)
			}
			for _, r := range page.Repositories {
				list = f.add(list, r)
			}
			if answer.NextPage == 0 {
				break
			}
			opts.Page = answer.NextPage
		}
	}
	return list, nil
}
