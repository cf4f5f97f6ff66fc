package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

type user struct {
	Username string `json:"username"`
}

// name is ghost-user for an account that is gone, as GitLab calls it.
func (u *user) name() string {
	if u == nil || u.Username == "" {
		return "ghost-user"
	}
	return u.Username
}

type mergeRequest struct {
	IID           int       `json:"iid"`
	Title         string    `json:"title"`
	WebURL        string    `json:"web_url"`
	State         string    `json:"state"`
	Draft         bool      `json:"draft"`
	Author        *user     `json:"author"`
	SHA           string    `json:"sha"`
	SourceBranch  string    `json:"source_branch"`
	TargetBranch  string    `json:"target_branch"`
	SourceProject int64     `json:"source_project_id"` // null, so 0: the fork is gone
	TargetProject int64     `json:"target_project_id"`
	Labels        []string  `json:"labels"`
	Updated       time.Time `json:"updated_at"`
	ChangesCount  string    `json:"changes_count"` // such as 3, or 1000+
	DiffRefs      *struct {
		StartSHA string `json:"start_sha"` // tip of the target branch when the head was pushed
	} `json:"diff_refs"`
}

// PullRequest reads the head first, so that what is judged of it may come from a
// later one, never from an earlier.
func (f *Forge) PullRequest(ctx context.Context, repository string, number int) (slipway.PullRequest, error) {
	path, err := pathOf(repository)
	if err != nil {
		return slipway.PullRequest{}, err
	}
	r := reader{f, ask{"read merge request " + strconv.Itoa(number), repository}, fmt.Sprintf("%s/merge_requests/%d", path, number), path}
	var got mergeRequest
	if err := f.get(ctx, r.ask, r.at, &got); err != nil {
		return slipway.PullRequest{}, err
	}
	p := got.request(repository)
	if p.BaseCommit, err = f.tip(ctx, repository, p.Base); err != nil {
		return p, err
	}
	if p.Files, err = r.files(ctx); err != nil {
		return p, err
	}
	p.Partial = got.partial(len(p.Files))
	if p.Commits, err = r.commits(ctx, got, p); err != nil {
		return p, err
	}
	if err := r.said(ctx, &p); err != nil {
		return p, err
	}
	p.Statuses, err = r.statuses(ctx, p.Head)
	return p, err
}

// requestsPath is where GitLab lists the merge requests that brought a commit.
func requestsPath(project, commit string) string {
	return project + "/repository/commits/" + url.PathEscape(commit) + "/merge_requests"
}

// RequestsOf asks for the merge requests that have the commit, or that came as it.
func (f *Forge) RequestsOf(ctx context.Context, repository, commit string) ([]int, error) {
	path, err := pathOf(repository)
	if err != nil {
		return nil, err
	}
	var all []mergeRequest
	_, err = f.send(ctx, http.MethodGet, "/api/v4"+requestsPath(path, commit), nil, &all)
	if said, ok := errors.AsType[*refusal](err); ok && said.status == http.StatusNotFound && strings.Contains(said.message, "Commit") {
		return nil, nil
	}
	var numbers []int
	for _, m := range all {
		numbers = append(numbers, m.IID)
	}
	return numbers, f.explain(ask{"list the merge requests of commit " + commit, repository}, err)
}

// A reader reads what belongs to one merge request.
type reader struct {
	*Forge
	ask  ask
	at   string // of the merge request, in the API
	path string // of its project
}

func (g mergeRequest) request(repository string) slipway.PullRequest {
	state := map[string]string{"closed": "closed", "merged": "merged"}[g.State]
	return slipway.PullRequest{
		Repository: repository, Number: g.IID, Title: g.Title, URL: g.WebURL, Author: g.Author.name(),
		State: cmp.Or(state, "open"), // also while it is locked, which is while GitLab merges it
		Draft: g.Draft, Fork: g.SourceProject != g.TargetProject, Head: g.SHA, HeadBranch: g.SourceBranch,
		Base: g.TargetBranch, Labels: append([]string(nil), g.Labels...), Updated: g.Updated,
	}
}

// partial says what is lacking: GitLab lists so many files and no more, and works the
// changes out a while after a push.
func (g mergeRequest) partial(files int) string {
	count, err := strconv.Atoi(g.ChangesCount)
	switch {
	case g.DiffRefs == nil || g.SHA == "":
		return "GitLab has not worked out its changes yet"
	case err != nil && g.ChangesCount != "" || count > files:
		return fmt.Sprintf("GitLab lists %d of its %s changed files", files, g.ChangesCount)
	}
	return ""
}

func (r reader) files(ctx context.Context) ([]slipway.ChangedFile, error) {
	all, err := list[struct {
		OldPath string `json:"old_path"`
		NewPath string `json:"new_path"`
		Diff    string `json:"diff"`
		New     bool   `json:"new_file"`
		Renamed bool   `json:"renamed_file"`
		Deleted bool   `json:"deleted_file"`
	}](ctx, r.Forge, r.ask, r.at+"/diffs", url.Values{})
	var files []slipway.ChangedFile
	for _, d := range all {
		file := slipway.ChangedFile{Path: d.NewPath, Change: "modified"}
		switch {
		case d.New:
			file.Change = "added"
		case d.Deleted:
			file.Change = "removed"
		case d.Renamed:
			file.Change, file.From = "renamed", d.OldPath
		}
		file.Added, file.Removed = lines(d.Diff)
		files = append(files, file)
	}
	return files, err
}

// lines counts those that a diff adds and removes. It has no header, and it is empty
// where it is too large to be shown.
func lines(diff string) (added, removed int) {
	for line := range strings.Lines(diff) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}

// commits reads those that the head has and the base has not. GitLab's list of a merge
// request's own commits does not tell of their parents.
func (r reader) commits(ctx context.Context, got mergeRequest, p slipway.PullRequest) ([]slipway.Commit, error) {
	base := p.BaseCommit
	if got.DiffRefs != nil && (p.State == "merged" || base == "") {
		base = got.DiffRefs.StartSHA
	}
	if base == "" || p.Head == "" {
		return nil, nil
	}
	all, err := list[struct {
		ID             string   `json:"id"`
		Parents        []string `json:"parent_ids"`
		Message        string   `json:"message"`
		CommitterEmail string   `json:"committer_email"`
		AuthorEmail    string   `json:"author_email"`
	}](ctx, r.Forge, r.ask, r.path+"/repository/commits", url.Values{"ref_name": {base + ".." + p.Head}})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	who, err := r.people(ctx, p.Number)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	for _, c := range all {
		who.learn(c.ID, c.AuthorEmail)
	}
	var commits []slipway.Commit
	for _, c := range all {
		commits = append(commits, slipway.Commit{ID: c.ID, Parents: c.Parents, Message: c.Message, Author: who.authors[c.ID], Committer: who.committer(c.CommitterEmail)})
	}
	return commits, nil
}

const peopleQuery = `query People($path: ID!, $iid: String!, $after: String) {
  project(fullPath: $path) {
    mergeRequest(iid: $iid) {
      committers(first: 100) { nodes { username } }
      commits(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { sha author { username } }
      }
    }
  }
}`

// authorship is who wrote and committed what. GitLab tells the author of each commit
// whose address it knows, and of the committers who they are all together.
type authorship struct {
	authors    map[string]string // by commit
	byEmail    map[string]string
	committers []string // those who are known as no author
}

func (w *authorship) learn(commit, email string) {
	login := w.authors[commit]
	if login == "" {
		return
	}
	w.byEmail[strings.ToLower(email)] = login
	w.committers = slices.DeleteFunc(w.committers, func(c string) bool { return c == login })
}

// committer is who has an address. One that is no author's is given to the next of the
// committers that is no author: who they are all together is right then, and that is
// what rules ask.
func (w *authorship) committer(email string) string {
	email = strings.ToLower(email)
	if login, known := w.byEmail[email]; known {
		return login
	}
	if len(w.committers) == 0 {
		return ""
	}
	w.byEmail[email], w.committers = w.committers[0], w.committers[1:]
	return w.byEmail[email]
}

func (r reader) people(ctx context.Context, number int) (*authorship, error) {
	who := &authorship{authors: map[string]string{}, byEmail: map[string]string{}}
	variables := map[string]any{"path": r.ask.of, "iid": strconv.Itoa(number), "after": nil}
	for {
		var answer struct {
			Project *struct {
				MergeRequest *struct {
					Committers struct{ Nodes []user }
					Commits    struct {
						PageInfo pageInfo
						Nodes    []struct {
							SHA    string
							Author *user
						}
					}
				}
			}
		}
		if err := r.query(ctx, r.ask, peopleQuery, variables, &answer); err != nil {
			return nil, err
		}
		if answer.Project == nil || answer.Project.MergeRequest == nil {
			return nil, r.explain(r.ask, errNotThere)
		}
		got := answer.Project.MergeRequest
		who.committers = nil
		for _, u := range got.Committers.Nodes {
			who.committers = append(who.committers, u.Username)
		}
		for _, c := range got.Commits.Nodes {
			if c.Author != nil {
				who.authors[c.SHA] = c.Author.Username
			}
		}
		if !got.Commits.PageInfo.HasNextPage {
			return who, nil
		}
		variables["after"] = got.Commits.PageInfo.EndCursor
	}
}
