package gitea

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

type user struct {
	Login string `json:"login"`
}

// ghost is what Gitea calls an account that is gone.
func (u *user) name() string {
	if u == nil || u.Login == "" {
		return "ghost"
	}
	return u.Login
}

type label struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type branch struct {
	Ref    string `json:"ref"`
	SHA    string `json:"sha"`
	RepoID int64  `json:"repo_id"`
}

type pull struct {
	Number             int       `json:"number"`
	Title              string    `json:"title"`
	HTMLURL            string    `json:"html_url"`
	State              string    `json:"state"`
	Draft              bool      `json:"draft"`
	Merged             bool      `json:"merged"`
	User               *user     `json:"user"`
	Labels             []label   `json:"labels"`
	RequestedReviewers []user    `json:"requested_reviewers"`
	Comments           int       `json:"comments"`
	ReviewComments     int       `json:"review_comments"`
	Head               branch    `json:"head"`
	Base               branch    `json:"base"`
	Updated            time.Time `json:"updated_at"`
}

// PullRequests reads the open pull requests and, of each, the newest status and
// review: a list of Gitea's tells of neither, and it counts no requests.
func (f *Forge) PullRequests(ctx context.Context, repository, seen string) (forge.Listing, error) {
	path, err := pathOf(repository)
	if err != nil {
		return forge.Listing{}, err
	}
	a := ask{"list the pull requests", repository}
	pulls, err := list[pull](ctx, f, a, path+"/pulls?state=open&sort=oldest")
	if err != nil {
		return forge.Listing{}, err
	}
	var open []forge.Summary
	for _, p := range pulls {
		said, err := f.lastOf(ctx, a, fmt.Sprintf("%s/commits/%s/statuses?sort=recentupdate", path, p.Head.SHA))
		if err != nil {
			return forge.Listing{}, err
		}
		reviews, err := f.lastOf(ctx, a, fmt.Sprintf("%s/pulls/%d/reviews?", path, p.Number))
		if err != nil {
			return forge.Listing{}, err
		}
		open = append(open, forge.Summary{Number: p.Number, Head: p.Head.SHA, Stamp: digestOf([]any{p, said, reviews})})
	}
	listing := forge.Listing{Mark: digestOf(open), Open: open}
	if listing.Mark == seen {
		return forge.Listing{Mark: seen, Unchanged: true}, nil
	}
	return listing, nil
}

// lastOf is the first of a list, and how long the list is.
func (f *Forge) lastOf(ctx context.Context, a ask, path string) (any, error) {
	var first []struct {
		ID      int64     `json:"id"`
		Updated time.Time `json:"updated_at"`
	}
	header, err := f.call(ctx, a, http.MethodGet, path+"&limit=1&page=1", nil, &first)
	return []any{first, header.Get("X-Total-Count")}, err
}

// PullRequest reads the head first, so that what is judged of it may come from a
// later one, never from an earlier.
func (f *Forge) PullRequest(ctx context.Context, repository string, number int) (slipway.PullRequest, error) {
	path, err := pathOf(repository)
	if err != nil {
		return slipway.PullRequest{}, err
	}
	a := ask{"read pull request " + strconv.Itoa(number), repository}
	var got pull
	if _, err := f.call(ctx, a, http.MethodGet, fmt.Sprintf("%s/pulls/%d", path, number), nil, &got); err != nil {
		return slipway.PullRequest{}, err
	}
	p := got.request(repository)
	at := fmt.Sprintf("%s/pulls/%d", path, number)
	if p.Files, err = f.files(ctx, a, at); err != nil {
		return p, err
	}
	if p.Commits, err = f.commitsOf(ctx, a, at); err != nil {
		return p, err
	}
	if p.Reviews, p.Asked, err = f.reviews(ctx, a, at); err != nil {
		return p, err
	}
	if p.Comments, err = f.comments(ctx, a, path, number); err != nil {
		return p, err
	}
	p.Statuses, err = f.statuses(ctx, a, path, p.Head)
	return p, err
}

// RequestsOf asks for the pull request that was merged as the commit. Gitea knows no
// others, and answers 404 where there is none.
func (f *Forge) RequestsOf(ctx context.Context, repository, commit string) ([]int, error) {
	path, err := pathOf(repository)
	if err != nil {
		return nil, err
	}
	a := ask{"find the pull request of commit " + commit, repository}
	var got pull
	_, err = f.send(ctx, http.MethodGet, fmt.Sprintf("%s/commits/%s/pull", path, url.PathEscape(commit)), nil, &got)
	if said, ok := errors.AsType[*refusal](err); ok && said.status == http.StatusNotFound {
		_, err := f.call(ctx, a, http.MethodGet, path, nil, nil)
		return nil, err
	}
	if err != nil {
		return nil, f.explain(a, err)
	}
	return []int{got.Number}, nil
}

func (g pull) request(repository string) slipway.PullRequest {
	p := slipway.PullRequest{
		Repository: repository, Number: g.Number, Title: g.Title, URL: g.HTMLURL, Author: g.User.name(), State: g.State,
		Draft: g.Draft, Fork: g.Head.RepoID != g.Base.RepoID, Head: g.Head.SHA, HeadBranch: g.Head.Ref,
		Base: g.Base.Ref, BaseCommit: g.Base.SHA, Updated: g.Updated,
	}
	if g.Merged {
		p.State = "merged"
	}
	for _, l := range g.Labels {
		p.Labels = append(p.Labels, l.Name)
	}
	return p
}

func (f *Forge) files(ctx context.Context, a ask, at string) ([]slipway.ChangedFile, error) {
	list, err := list[struct {
		Filename         string `json:"filename"`
		PreviousFilename string `json:"previous_filename"`
		Status           string `json:"status"`
		Additions        int    `json:"additions"`
		Deletions        int    `json:"deletions"`
	}](ctx, f, a, at+"/files")
	var files []slipway.ChangedFile
	for _, file := range list {
		change := map[string]string{"added": "added", "copied": "added", "deleted": "removed", "removed": "removed", "renamed": "renamed"}[file.Status]
		files = append(files, slipway.ChangedFile{
			Path: file.Filename, From: file.PreviousFilename, Change: cmp.Or(change, "modified"), Added: file.Additions, Removed: file.Deletions,
		})
	}
	return files, err
}

// commitsOf reads the commits, which Gitea gives newest first.
func (f *Forge) commitsOf(ctx context.Context, a ask, at string) ([]slipway.Commit, error) {
	list, err := list[struct {
		SHA       string
		Author    *user
		Committer *user
		Commit    struct{ Message string }
		Parents   []struct{ SHA string }
	}](ctx, f, a, at+"/commits?verification=false&files=false")
	var commits []slipway.Commit
	for _, c := range list {
		commit := slipway.Commit{ID: c.SHA, Message: c.Commit.Message}
		if c.Author != nil {
			commit.Author = c.Author.Login
		}
		if c.Committer != nil {
			commit.Committer = c.Committer.Login
		}
		for _, parent := range c.Parents {
			commit.Parents = append(commit.Parents, parent.SHA)
		}
		commits = append(commits, commit)
	}
	slices.Reverse(commits)
	return commits, err
}

// reviews reads what was said, and who was asked and has not answered.
func (f *Forge) reviews(ctx context.Context, a ask, at string) (reviews []slipway.Review, asked []string, err error) {
	list, err := list[struct {
		ID        int64                  `json:"id"`
		User      *user                  `json:"user"`
		Team      *struct{ Name string } `json:"team"`
		State     string                 `json:"state"`
		Body      string                 `json:"body"`
		CommitID  string                 `json:"commit_id"`
		Dismissed bool                   `json:"dismissed"`
		Submitted time.Time              `json:"submitted_at"`
	}](ctx, f, a, at+"/reviews")
	for _, r := range list {
		verdict := map[string]string{"APPROVED": "approve", "REQUEST_CHANGES": "reject", "COMMENT": "comment"}[r.State]
		switch {
		case r.State == "REQUEST_REVIEW" && r.User != nil:
			asked = append(asked, r.User.Login)
			continue
		case verdict == "": // one that only its author sees, or a team that was asked
			continue
		case r.Dismissed:
			verdict = "dismissed"
		}
		reviews = append(reviews, slipway.Review{
			ID: strconv.FormatInt(r.ID, 10), By: r.User.name(), Verdict: verdict, Commit: r.CommitID, Body: r.Body, Time: r.Submitted,
		})
	}
	return reviews, asked, err
}

type comment struct {
	ID      int64     `json:"id"`
	User    *user     `json:"user"`
	Body    string    `json:"body"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// rawComments are all of them: Gitea cuts this list into no pages.
func (f *Forge) rawComments(ctx context.Context, a ask, path string, number int) ([]comment, error) {
	var all []comment
	at := fmt.Sprintf("%s/issues/%d", path, number)
	_, err := f.send(ctx, http.MethodGet, at+"/comments", nil, &all)
	if said, ok := errors.AsType[*refusal](err); ok && said.status == http.StatusInternalServerError {
		// Gitea answers so where there is no such pull request.
		if _, err := f.call(ctx, a, http.MethodGet, at, nil, nil); err != nil {
			return nil, err
		}
	}
	return all, f.explain(a, err)
}

func (f *Forge) comments(ctx context.Context, a ask, path string, number int) ([]slipway.Comment, error) {
	all, err := f.rawComments(ctx, a, path, number)
	var comments []slipway.Comment
	for _, c := range all {
		comments = append(comments, slipway.Comment{ID: strconv.FormatInt(c.ID, 10), By: c.User.name(), Body: c.Body, Time: c.Created, Edited: c.Updated.After(c.Created)})
	}
	return comments, err
}

type status struct {
	ID          int64     `json:"id"`
	State       string    `json:"status"`
	TargetURL   string    `json:"target_url"`
	Description string    `json:"description"`
	Context     string    `json:"context"`
	Creator     *user     `json:"creator"`
	Created     time.Time `json:"created_at"`
}

func (s status) app() string { return "user:" + s.Creator.name() }

// newest are the newest status of each context and poster, by the order of their IDs.
func (f *Forge) newest(ctx context.Context, a ask, path, commit string) ([]status, error) {
	all, err := list[status](ctx, f, a, fmt.Sprintf("%s/commits/%s/statuses", path, commit))
	slices.SortFunc(all, func(a, b status) int { return cmp.Compare(b.ID, a.ID) })
	seen := map[[2]string]bool{}
	all = slices.DeleteFunc(all, func(s status) bool {
		key := [2]string{s.app(), s.Context}
		old := seen[key]
		seen[key] = true
		return old
	})
	return all, err
}

func (f *Forge) statuses(ctx context.Context, a ask, path, commit string) ([]slipway.Status, error) {
	all, err := f.newest(ctx, a, path, commit)
	var statuses []slipway.Status
	for _, s := range slices.Backward(all) {
		state := map[string]string{"success": "pass", "failure": "fail", "error": "error", "warning": "neutral", "skipped": "neutral"}[s.State]
		statuses = append(statuses, slipway.Status{
			Name: s.Context, App: s.app(), State: cmp.Or(state, "pending"), Summary: s.Description, URL: s.TargetURL, Time: s.Created,
		})
	}
	return statuses, err
}
