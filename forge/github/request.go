package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
)

// requestQuery reads a pull request whole. Each of its lists has its own cursor; one
// that is at its end gives an empty page when the others are asked for more.
const requestQuery = `query PullRequest($owner: String!, $name: String!, $number: Int!, $labels: String, $asked: String, $commits: String, $reviews: String, $comments: String, $contexts: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      number title url state isDraft isCrossRepository updatedAt changedFiles
      author { __typename login }
      headRefOid headRefName baseRefName baseRefOid
      baseRef { target { oid } }
      labels(first: 100, after: $labels) { pageInfo { hasNextPage endCursor } nodes { name } }
      reviewRequests(first: 100, after: $asked) { pageInfo { hasNextPage endCursor } nodes { requestedReviewer {
        __typename ... on User { login } ... on Bot { login } ... on Mannequin { login } ... on Team { combinedSlug }
      } } }
      commits(first: 100, after: $commits) { totalCount pageInfo { hasNextPage endCursor } nodes { commit {
        oid message parents(first: 10) { nodes { oid } } author { user { login } } committer { user { login } }
      } } }
      reviews(first: 100, after: $reviews) { pageInfo { hasNextPage endCursor } nodes {
        id state body submittedAt createdAt author { __typename login } commit { oid }
      } }
      comments(first: 100, after: $comments) { pageInfo { hasNextPage endCursor } nodes { id body createdAt lastEditedAt author { __typename login } } }
      tip: commits(last: 1) { nodes { commit { oid statusCheckRollup { contexts(first: 100, after: $contexts) {
        pageInfo { hasNextPage endCursor }
        nodes {
          __typename
          ... on CheckRun { name status conclusion title summary detailsUrl startedAt completedAt checkSuite { createdAt app { slug } } }
          ... on StatusContext { context state description targetUrl createdAt creator { __typename login } }
        }
      } } } } }
    }
  }
}`

// mostCommits and mostFiles are how many GitHub lists of a pull request.
const (
	mostCommits = 250
	mostFiles   = 3000
)

// PullRequest reads the pull request by GraphQL, and its files by REST, which tells
// what they were called before. The head is read first, so that what is judged of it
// may come from a later one, never from an earlier: then it is the later one that
// counts, and that one is judged in its turn.
func (f *Forge) PullRequest(ctx context.Context, repository string, number int) (slipway.PullRequest, error) {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return slipway.PullRequest{}, err
	}
	p, err := s.whole(ctx, repository, number)
	if err != nil {
		return slipway.PullRequest{}, err
	}
	p.Files, err = s.files(ctx, repository, number)
	switch {
	case err != nil:
		return slipway.PullRequest{}, err
	case len(p.Files) >= mostFiles:
		p.Partial = fmt.Sprintf("GitHub lists no more than %d changed files", mostFiles)
	case len(p.Commits) >= mostCommits:
		p.Partial = fmt.Sprintf("GitHub lists no more than %d commits", mostCommits)
	}
	return p, nil
}

// RequestsOf asks for the pull requests of a commit.
func (f *Forge) RequestsOf(ctx context.Context, repository, commit string) ([]int, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for p, err := range s.rest.PullRequests.ListPullRequestsWithCommitIter(ctx, owner, name, commit, &github.ListOptions{PerPage: 100}) {
		if answer, ok := errors.AsType[*github.ErrorResponse](err); ok && answer.Response.StatusCode == http.StatusUnprocessableEntity {
			return nil, nil // no commit found
		}
		if err != nil {
			return nil, s.explain(ask{"list the pull requests of commit " + commit, repository}, err)
		}
		numbers = append(numbers, p.GetNumber())
	}
	return numbers, nil
}

// tries is how often a pull request is read that moves while its pages are turned.
const tries = 3

func (s *session) whole(ctx context.Context, repository string, number int) (slipway.PullRequest, error) {
	a := ask{"read pull request " + strconv.Itoa(number), repository}
	for range tries {
		p, moved, err := s.pages(ctx, a, repository, number)
		if err != nil || !moved {
			return p, err
		}
	}
	return slipway.PullRequest{}, slipway.Errorf(slipway.Busy, "pull request %d of %s changes while it is read", number, repository).
		WithFix("nothing has to be done: it is read again")
}

// pages turns the pages of all lists until each is at its end.
func (s *session) pages(ctx context.Context, a ask, repository string, number int) (p slipway.PullRequest, moved bool, err error) {
	owner, name, err := split(repository)
	if err != nil {
		return p, false, err
	}
	variables := map[string]any{"owner": owner, "name": name, "number": number}
	var seen []graphContext
	for first := true; ; first = false {
		var answer struct {
			Repository struct{ PullRequest graphRequest }
		}
		if err := s.query(ctx, a, requestQuery, variables, &answer); err != nil {
			return p, false, err
		}
		got := answer.Repository.PullRequest
		if first {
			p = got.request(repository)
		}
		if got.HeadRefOid != p.Head || got.tip().OID != "" && got.tip().OID != p.Head {
			return p, true, nil
		}
		got.addTo(&p)
		seen = append(seen, got.contexts().Nodes...)
		if !got.turn(variables) {
			p.Statuses = newest(seen)
			return p, false, nil
		}
	}
}

func (s *session) files(ctx context.Context, repository string, number int) ([]slipway.ChangedFile, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	var files []slipway.ChangedFile
	for file, err := range s.rest.PullRequests.ListFilesIter(ctx, owner, name, number, &github.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, s.explain(ask{fmt.Sprintf("read the files of pull request %d", number), repository}, err)
		}
		files = append(files, slipway.ChangedFile{
			Path: file.GetFilename(), From: file.GetPreviousFilename(), Change: changeOf(file.GetStatus()),
			Added: file.GetAdditions(), Removed: file.GetDeletions(),
		})
	}
	return files, nil
}

func changeOf(status string) string {
	switch status {
	case "added", "removed", "renamed":
		return status
	case "copied":
		return "added"
	}
	return "modified"
}

func (g graphRequest) request(repository string) slipway.PullRequest {
	p := slipway.PullRequest{
		Repository: repository, Number: g.Number, Title: g.Title, URL: g.URL, Author: g.Author.name(),
		State: map[string]string{"OPEN": "open", "CLOSED": "closed", "MERGED": "merged"}[g.State],
		Draft: g.IsDraft, Fork: g.IsCrossRepository, Head: g.HeadRefOid, HeadBranch: g.HeadRefName,
		Base: g.BaseRefName, BaseCommit: g.BaseRefOid, Updated: g.UpdatedAt,
	}
	if g.BaseRef != nil {
		p.BaseCommit = g.BaseRef.Target.OID
	}
	return p
}

// addTo adds a page of each list.
func (g graphRequest) addTo(p *slipway.PullRequest) {
	for _, label := range g.Labels.Nodes {
		p.Labels = append(p.Labels, label.Name)
	}
	for _, n := range g.ReviewRequests.Nodes {
		if who := n.RequestedReviewer; who.CombinedSlug != "" {
			p.Asked = append(p.Asked, who.CombinedSlug)
		} else if who.Login != "" {
			p.Asked = append(p.Asked, who.name())
		}
	}
	for _, n := range g.Commits.Nodes {
		p.Commits = append(p.Commits, n.Commit.commit())
	}
	for _, r := range g.Reviews.Nodes {
		if r.State != "PENDING" { // only its author sees it so far
			p.Reviews = append(p.Reviews, r.review())
		}
	}
	for _, c := range g.Comments.Nodes {
		p.Comments = append(p.Comments, slipway.Comment{ID: c.ID, By: c.Author.name(), Body: c.Body, Time: c.CreatedAt, Edited: c.LastEditedAt != nil})
	}
}

func (r graphReview) review() slipway.Review {
	verdict := map[string]string{"APPROVED": "approve", "CHANGES_REQUESTED": "reject", "DISMISSED": "dismissed"}[r.State]
	if verdict == "" {
		verdict = "comment"
	}
	when := r.CreatedAt
	if r.SubmittedAt != nil {
		when = *r.SubmittedAt
	}
	review := slipway.Review{ID: r.ID, By: r.Author.name(), Verdict: verdict, Body: r.Body, Time: when}
	if r.Commit != nil { // it was not thrown away
		review.Commit = r.Commit.OID
	}
	return review
}

// newest leaves the newest status of each name and app, in the order of their first.
func newest(contexts []graphContext) []slipway.Status {
	at := map[[2]string]int{}
	var began []time.Time
	var list []slipway.Status
	for _, c := range contexts {
		status, start := c.status()
		key := [2]string{status.App, status.Name}
		if i, ok := at[key]; !ok {
			at[key] = len(list)
			list, began = append(list, status), append(began, start)
		} else if !start.Before(began[i]) {
			list[i], began[i] = status, start
		}
	}
	return list
}
