package gitlab

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A hundred open merge requests, with who approved them and what is said of their
// heads, are one request by GraphQL, of the 2,000 a minute that gitlab.com answers a
// user. By REST it would be two for each. GitLab counts how complex a query is, and
// refuses one above 250; this is 104.
const openQuery = `query Open($path: ID!, $after: String) {
  project(fullPath: $path) {
    mergeRequests(state: opened, first: 100, after: $after, sort: CREATED_ASC) {
      pageInfo { hasNextPage endCursor }
      nodes {
        iid diffHeadSha updatedAt title draft targetBranch userNotesCount
        labels(first: 50) { nodes { title } }
        approvedBy(first: 20) { nodes { username } }
        reviewers(first: 20) { nodes { username mergeRequestInteraction { reviewState } } }
        headPipeline { id status jobs(first: 100, retried: false) { nodes { id name status } } }
      }
    }
  }
}`

// PullRequests reads the open merge requests. What is not seen is a change of a check
// beyond the first hundred of a merge request; its webhook tells of it.
func (f *Forge) PullRequests(ctx context.Context, repository, seen string) (forge.Listing, error) {
	if _, err := pathOf(repository); err != nil {
		return forge.Listing{}, err
	}
	nodes, err := f.open(ctx, repository)
	if err != nil {
		return forge.Listing{}, err
	}
	tips := map[string]string{} // of the branches that they are to be merged into
	var open []forge.Summary
	for _, n := range nodes {
		if _, known := tips[n.TargetBranch]; !known {
			if tips[n.TargetBranch], err = f.tip(ctx, repository, n.TargetBranch); err != nil {
				return forge.Listing{}, err
			}
		}
		number, _ := strconv.Atoi(n.IID)
		open = append(open, forge.Summary{Number: number, Head: n.Head, Stamp: digestOf([]any{n.raw, tips[n.TargetBranch]})})
	}
	listing := forge.Listing{Mark: digestOf(open), Open: open}
	if listing.Mark == seen {
		return forge.Listing{Mark: seen, Unchanged: true}, nil
	}
	return listing, nil
}

// An openNode is one of the answer to openQuery. Its other fields are in raw, of
// which the stamp is made.
type openNode struct {
	IID          string
	Head         string `json:"diffHeadSha"`
	TargetBranch string
	raw          json.RawMessage
}

// UnmarshalJSON keeps what it reads.
func (n *openNode) UnmarshalJSON(data []byte) error {
	type plain openNode
	if err := json.Unmarshal(data, (*plain)(n)); err != nil {
		return err
	}
	n.raw = slices.Clone(data)
	return nil
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

func (f *Forge) open(ctx context.Context, repository string) ([]openNode, error) {
	a := ask{"list the merge requests", repository}
	var all []openNode
	variables := map[string]any{"path": repository, "after": nil}
	for {
		var answer struct {
			Project *struct {
				MergeRequests struct {
					PageInfo pageInfo
					Nodes    []openNode
				}
			}
		}
		if err := f.query(ctx, a, openQuery, variables, &answer); err != nil {
			return nil, err
		}
		if answer.Project == nil {
			return nil, f.explain(a, errNotThere)
		}
		page := answer.Project.MergeRequests
		all = append(all, page.Nodes...)
		if !page.PageInfo.HasNextPage {
			return all, nil
		}
		variables["after"] = page.PageInfo.EndCursor
	}
}

// tip is the commit of a branch; empty: it is not there.
func (f *Forge) tip(ctx context.Context, repository, branch string) (string, error) {
	path, err := pathOf(repository)
	if err != nil {
		return "", err
	}
	var got struct {
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	err = f.get(ctx, ask{"read the branch " + branch, repository}, path+"/repository/branches/"+url.PathEscape(branch), &got)
	if slipway.KindOf(err) == slipway.NotFound {
		return "", nil
	}
	return got.Commit.ID, err
}
