package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// mostField is how long GitLab lets a name, a description or a URL of a status be.
const mostField = 255

// errNotThere is GraphQL's way of saying 404.
var errNotThere = &refusal{status: http.StatusNotFound, message: "Not Found"}

// Self asks once who the token's user is.
func (f *Forge) Self(ctx context.Context) (forge.Self, error) {
	f.mu.Lock()
	known := f.self
	f.mu.Unlock()
	if known.Login != "" {
		return known, nil
	}
	var me user
	if err := f.get(ctx, ask{"say who this is", "the token"}, "/user", &me); err != nil {
		return forge.Self{}, err
	}
	if me.Username == "" {
		return forge.Self{}, f.explain(ask{}, errors.New("it does not say whose the token is"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.self = forge.Self{App: "user:" + me.Username, Login: me.Username}
	return f.self, nil
}

// Report posts the commit statuses that are not shown yet as they should be. They have
// no room for annotations.
func (f *Forge) Report(ctx context.Context, repository, commit string, statuses []slipway.Status) error {
	path, err := pathOf(repository)
	if err != nil || len(statuses) == 0 {
		return err
	}
	self, err := f.Self(ctx)
	if err != nil {
		return err
	}
	all, err := f.newest(ctx, ask{"read the commit statuses", repository}, path, url.PathEscape(commit))
	if err != nil {
		return err
	}
	shown := map[string]status{}
	for _, s := range all {
		if s.app() == self.App {
			shown[s.Name] = s
		}
	}
	p := poster{f, ask{"write the commit statuses", repository}, path, commit, ""}
	for _, s := range statuses {
		want := statusOf(s)
		old := shown[want.Name]
		if old.word() == wordOf(want.State) && old.Description == want.Description && old.TargetURL == want.TargetURL && old.ID != 0 {
			continue
		}
		if err := p.replace(ctx, old, want); err != nil {
			return err
		}
	}
	return nil
}

// A newStatus is a commit status to be posted.
type newStatus struct {
	State       string `json:"state"`
	Name        string `json:"name"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url,omitempty"`
	Ref         string `json:"ref,omitempty"`
}

// statusOf puts a status into GitLab's words, which have none for neutral that keeps
// no merge waiting.
func statusOf(s slipway.Status) newStatus {
	state := map[string]string{"pass": "success", "neutral": "success", "fail": "failed", "error": "failed"}[s.State]
	want := newStatus{State: cmp.Or(state, "pending"), Name: forge.Cut(s.Name, mostField), Description: forge.Cut(forge.FirstLine(s.Summary), mostField)}
	if len(s.URL) <= mostField {
		want.TargetURL = s.URL
	}
	return want
}

func wordOf(state string) string { return status{State: state}.word() }

// A poster posts statuses at a commit.
type poster struct {
	*Forge
	ask    ask
	path   string
	commit string
	ref    string // to say with each, once it is known to be needed
}

// replace puts a status in the place of the one that is shown. GitLab changes the text
// of one that is not done only together with its state, and pending goes to running,
// never back: one that runs is ended, so that a new one can begin.
func (p *poster) replace(ctx context.Context, old status, want newStatus) error {
	if want.State == "pending" {
		switch old.State {
		case "pending":
			want.State = "running"
		case "running":
			end := want
			end.State = "canceled"
			if err := p.post(ctx, end); err != nil {
				return err
			}
		}
	}
	return p.post(ctx, want)
}

func (p *poster) post(ctx context.Context, want newStatus) error {
	want.Ref = p.ref
	_, err := p.send(ctx, http.MethodPost, "/api/v4"+p.path+"/statuses/"+url.PathEscape(p.commit), want, nil)
	said, refused := errors.AsType[*refusal](err)
	if !refused || said.status != http.StatusNotFound || !strings.Contains(said.message, "References for commit") || p.ref != "" {
		return p.explain(p.ask, err)
	}
	// It is on no branch: the head of a merge request from a fork.
	if p.ref, err = p.requestRef(ctx); err != nil {
		return err
	}
	return p.post(ctx, want)
}

// requestRef is the ref that GitLab keeps for a merge request with the commit.
func (p *poster) requestRef(ctx context.Context) (string, error) {
	var requests []struct {
		IID int `json:"iid"`
	}
	if err := p.get(ctx, p.ask, requestsPath(p.path, p.commit), &requests); err != nil {
		return "", err
	}
	if len(requests) == 0 {
		return "", p.explain(ask{p.ask.what, "commit " + p.commit + " on a branch of " + p.ask.of}, errNotThere)
	}
	return fmt.Sprintf("refs/merge-requests/%d/head", requests[0].IID), nil
}
