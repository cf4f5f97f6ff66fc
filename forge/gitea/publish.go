package gitea

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// What is shown: the length of texts, and the color of a label.
const (
	mostText        = 65_535
	mostDescription = 255
	labelColor      = "#2da44e"
)

// Self asks once who the token's user is.
func (f *Forge) Self(ctx context.Context) (forge.Self, error) {
	f.mu.Lock()
	known := f.self
	f.mu.Unlock()
	if known.Login != "" {
		return known, nil
	}
	var me user
	if _, err := f.call(ctx, ask{"say who this is", "the token"}, http.MethodGet, "/user", nil, &me); err != nil {
		return forge.Self{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.self = forge.Self{App: "user:" + me.Login, Login: me.Login}
	return f.self, nil
}

// Report posts the commit statuses that are not shown yet as they should be. There is
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
	all, err := f.newest(ctx, ask{"read the commit statuses", repository}, path, commit)
	if err != nil {
		return err
	}
	shown := map[string]status{}
	for _, s := range all {
		if s.app() == self.App {
			shown[s.Context] = s
		}
	}
	for _, s := range statuses {
		want := statusOf(s)
		if old, ok := shown[s.Name]; ok && old.State == want.State && old.Description == want.Description && old.TargetURL == want.TargetURL {
			continue
		}
		if _, err := f.call(ctx, ask{"write the commit statuses", repository}, http.MethodPost, path+"/statuses/"+commit, want, nil); err != nil {
			return err
		}
	}
	return nil
}

// A newStatus is a commit status to be posted.
type newStatus struct {
	State       string `json:"state"`
	Context     string `json:"context"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url"`
}

// statusOf puts a status into Gitea's words. Older servers have none for neutral,
// which keeps no merge waiting.
func statusOf(s slipway.Status) newStatus {
	state := map[string]string{"pass": "success", "neutral": "success", "fail": "failure", "error": "error"}[s.State]
	return newStatus{
		State: cmp.Or(state, "pending"), Context: s.Name, Description: forge.Cut(forge.FirstLine(s.Summary), mostDescription), TargetURL: s.URL,
	}
}

// Comment looks for our comment that begins with the marker, changes it if it says
// something else, and makes it if there is none. Nobody else's is touched.
func (f *Forge) Comment(ctx context.Context, repository string, number int, marker, body string) error {
	path, err := pathOf(repository)
	if err != nil {
		return err
	}
	self, err := f.Self(ctx)
	if err != nil {
		return err
	}
	a := ask{"write the comment on pull request " + strconv.Itoa(number), repository}
	all, err := f.rawComments(ctx, a, path, number)
	if err != nil {
		return err
	}
	want := map[string]string{"body": forge.Cut(body, mostText)}
	for _, c := range all {
		switch {
		case c.User.name() != self.Login || !strings.HasPrefix(c.Body, marker):
		case forge.SameText(c.Body, want["body"]):
			return nil
		default:
			_, err := f.call(ctx, a, http.MethodPatch, fmt.Sprintf("%s/issues/comments/%d", path, c.ID), want, nil)
			return err
		}
	}
	_, err = f.call(ctx, a, http.MethodPost, fmt.Sprintf("%s/issues/%d/comments", path, number), want, nil)
	return err
}

// Label puts a label on a pull request or takes it off. One that neither the
// repository nor its organization has is made.
func (f *Forge) Label(ctx context.Context, repository string, number int, name string, on bool) error {
	path, err := pathOf(repository)
	if err != nil {
		return err
	}
	a := ask{"change the labels of pull request " + strconv.Itoa(number), repository}
	at := fmt.Sprintf("%s/issues/%d/labels", path, number)
	var has []label
	if _, err := f.call(ctx, a, http.MethodGet, at, nil, &has); err != nil {
		return err
	}
	id := idOf(has, name)
	switch {
	case on == (id != 0):
		return nil
	case !on:
		_, err := f.call(ctx, a, http.MethodDelete, fmt.Sprintf("%s/%d", at, id), nil, nil)
		return err
	}
	if id, err = f.labelID(ctx, a, repository, name); err != nil {
		return err
	}
	_, err = f.call(ctx, a, http.MethodPost, at, map[string][]int64{"labels": {id}}, nil)
	return err
}

func idOf(labels []label, name string) int64 {
	for _, l := range labels {
		if l.Name == name {
			return l.ID
		}
	}
	return 0
}

// labelID finds a label among those of the repository and of its owner, or makes it.
func (f *Forge) labelID(ctx context.Context, a ask, repository, name string) (int64, error) {
	ours, err := list[label](ctx, f, a, "/repos/"+repository+"/labels")
	if err != nil {
		return 0, err
	}
	if id := idOf(ours, name); id != 0 {
		return id, nil
	}
	owner, _, _ := strings.Cut(repository, "/")
	theirs, err := list[label](ctx, f, a, "/orgs/"+owner+"/labels")
	if err != nil && slipway.KindOf(err) != slipway.NotFound && slipway.KindOf(err) != slipway.Denied { // a person's, or not for us to see
		return 0, err
	}
	if id := idOf(theirs, name); id != 0 {
		return id, nil
	}
	var made label
	_, err = f.call(ctx, a, http.MethodPost, "/repos/"+repository+"/labels", map[string]string{"name": name, "color": labelColor}, &made)
	return made.ID, err
}
