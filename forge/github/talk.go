package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway/forge"
)

// Self asks GitHub once who we are.
func (f *Forge) Self(ctx context.Context) (forge.Self, error) {
	f.mu.Lock()
	known := f.names
	f.mu.Unlock()
	if known.Login != "" {
		return known, nil
	}
	self, err := f.whoAmI(ctx)
	if err != nil {
		return forge.Self{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = self
	return self, nil
}

// whoAmI asks as the app, or by GraphQL, which answers every kind of token.
func (f *Forge) whoAmI(ctx context.Context) (forge.Self, error) {
	a := ask{"say who this is", "the token"}
	if f.app != nil {
		app, _, err := f.single.rest.Apps.Get(ctx, "")
		return forge.Self{App: app.GetSlug(), Login: app.GetSlug() + "[bot]"}, f.single.explain(a, err)
	}
	var answer struct{ Viewer struct{ Login string } }
	if err := f.single.query(ctx, a, `query Self { viewer { login } }`, nil, &answer); err != nil {
		return forge.Self{}, err
	}
	login := answer.Viewer.Login
	if slug, bot := strings.CutSuffix(login, "[bot]"); bot {
		return forge.Self{App: slug, Login: login}, nil
	}
	return forge.Self{App: "user:" + login, Login: login}, nil
}

// Comment looks for our comment that begins with the marker, changes it if it says
// something else, and makes it if there is none. Nobody else's is touched.
func (f *Forge) Comment(ctx context.Context, repository string, number int, marker, body string) error {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return err
	}
	self, err := f.Self(ctx)
	if err != nil {
		return err
	}
	owner, name, err := split(repository)
	if err != nil {
		return err
	}
	a := ask{"write the comment on pull request " + strconv.Itoa(number), repository}
	want := &github.IssueComment{Body: new(forge.Cut(body, mostText))}
	opts := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for c, err := range s.rest.Issues.ListCommentsIter(ctx, owner, name, number, opts) {
		switch {
		case err != nil:
			return s.explain(a, err)
		case !strings.EqualFold(c.GetUser().GetLogin(), self.Login) || !strings.HasPrefix(c.GetBody(), marker):
		case forge.SameText(c.GetBody(), want.GetBody()):
			return nil
		default:
			_, _, err := s.rest.Issues.EditComment(ctx, owner, name, c.GetID(), want)
			return s.explain(a, err)
		}
	}
	_, _, err = s.rest.Issues.CreateComment(ctx, owner, name, number, want)
	return s.explain(a, err)
}

// Label puts a label on a pull request or takes it off. GitHub makes one that the
// repository does not have.
func (f *Forge) Label(ctx context.Context, repository string, number int, label string, on bool) error {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return err
	}
	a := ask{"change the labels of pull request " + strconv.Itoa(number), repository}
	path := fmt.Sprintf("repos/%s/issues/%d/labels", repository, number)
	if on {
		return s.explain(a, s.send(ctx, http.MethodPost, path, map[string][]string{"labels": {label}}))
	}
	err = s.send(ctx, http.MethodDelete, path+"/"+url.PathEscape(label), nil)
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response.StatusCode == http.StatusNotFound && strings.HasPrefix(e.Message, "Label does not exist") {
		return nil
	}
	return s.explain(a, err)
}

// send changes labels; the answer is the list of them.
func (s *session) send(ctx context.Context, method, path string, body any) error {
	req, err := s.rest.NewRequest(method, path, body)
	if err != nil {
		return err
	}
	var labels []github.Label
	_, err = s.rest.Do(ctx, req, &labels)
	return err
}
