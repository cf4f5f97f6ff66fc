package gitea

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

type gitRef struct {
	Ref    string `json:"ref"`
	Object struct {
		SHA  string `json:"sha"`
		Type string `json:"type"`
	} `json:"object"`
}

// Refs reads all refs; whether they have changed is found by their digest.
func (f *Forge) Refs(ctx context.Context, repository, seen string) (forge.Refs, error) {
	path, err := pathOf(repository)
	if err != nil {
		return forge.Refs{}, err
	}
	var all []gitRef
	_, err = f.send(ctx, http.MethodGet, path+"/git/refs", nil, &all)
	if said, ok := errors.AsType[*refusal](err); ok && said.status == http.StatusConflict {
		err = nil // it is empty
	}
	if err != nil {
		return forge.Refs{}, f.explain(ask{"read the branches and tags", repository}, err)
	}
	refs := forge.Refs{Mark: digestOf(all), Branches: map[string]string{}, Tags: map[string]string{}}
	if refs.Mark == seen {
		return forge.Refs{Mark: seen, Unchanged: true}, nil
	}
	for _, ref := range all {
		if branch, ok := strings.CutPrefix(ref.Ref, "refs/heads/"); ok {
			refs.Branches[branch] = ref.Object.SHA
		} else if tag, ok := strings.CutPrefix(ref.Ref, "refs/tags/"); ok {
			refs.Tags[tag] = ref.Object.SHA
		}
	}
	return refs, f.peel(ctx, path, repository, all, refs.Tags)
}

func digestOf(value any) string {
	data, _ := json.Marshal(value) // plain values
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// peel puts in the commits that annotated tags stand for. If one is not known yet,
// all are asked for, many at once.
func (f *Forge) peel(ctx context.Context, path, repository string, all []gitRef, tags map[string]string) error {
	known := true
	for _, ref := range all {
		if tag, ok := strings.CutPrefix(ref.Ref, "refs/tags/"); ok && ref.Object.Type == "tag" {
			commit, found := f.commitOf(ref.Object.SHA)
			tags[tag], known = commit, known && found
		}
	}
	if known {
		return nil
	}
	named, err := list[struct {
		Name   string
		ID     string
		Commit struct{ SHA string }
	}](ctx, f, ask{"read the tags", repository}, path+"/tags")
	if err != nil {
		return err
	}
	for _, tag := range named {
		if _, ok := tags[tag.Name]; ok {
			tags[tag.Name] = tag.Commit.SHA
			f.learn(tag.ID, tag.Commit.SHA)
		}
	}
	return nil
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

// Remote is the repository's address over HTTP, with the token in a header.
func (f *Forge) Remote(_ context.Context, repository string) (forge.Remote, error) {
	if _, err := pathOf(repository); err != nil {
		return forge.Remote{}, err
	}
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + f.config.Token))
	return forge.Remote{URL: f.base + "/" + repository + ".git", Header: "Authorization: Basic " + basic}, nil
}

type repositoryInfo struct {
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	HTMLURL       string `json:"html_url"`
	Private       bool   `json:"private"`
	Archived      bool   `json:"archived"`
	Empty         bool   `json:"empty"`
}

// Repositories lists those that the configuration names, as far as they can be
// reached; or all that the user can reach by being given access.
func (f *Forge) Repositories(ctx context.Context) ([]forge.Repository, error) {
	all, err := list[repositoryInfo](ctx, f, ask{"list the repositories", "its user"}, "/user/repos")
	if err != nil {
		return nil, err
	}
	for _, name := range f.config.Repositories {
		if strings.HasSuffix(name, "/*") || has(all, name) {
			continue
		}
		path, err := pathOf(name)
		if err != nil {
			return nil, err
		}
		var one repositoryInfo
		_, err = f.call(ctx, ask{"read the repository", name}, http.MethodGet, path, nil, &one)
		if slipway.KindOf(err) == slipway.NotFound {
			f.config.Log.WarnContext(ctx, "a repository is not there", "repository", name, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	var repositories []forge.Repository
	for _, r := range all {
		if f.wanted(r.FullName) && !r.Archived {
			repositories = append(repositories, forge.Repository{Name: r.FullName, DefaultBranch: r.DefaultBranch, URL: r.HTMLURL, Private: r.Private})
		}
	}
	return repositories, nil
}

func has(all []repositoryInfo, name string) bool {
	for _, r := range all {
		if strings.EqualFold(r.FullName, name) {
			return true
		}
	}
	return false
}
