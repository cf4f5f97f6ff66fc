package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway/forge"
)

// A repository without open pull requests costs nothing to look at: whether it has
// one now is a conditional request. One that has some costs a point of GraphQL for
// about twenty of them, of which GitHub gives 5,000 an hour: 500 open pull requests
// looked at every minute take less than a third.

const openQuery = `query Open($owner: String!, $name: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        number headRefOid isDraft updatedAt title baseRefName
        baseRef { target { oid } }
        labels(first: 20) { totalCount nodes { name } }
        reviewRequests { totalCount }
        reviews(last: 5) { totalCount nodes { updatedAt state } }
        comments(last: 1) { totalCount nodes { updatedAt } }
        commits(last: 1) { nodes { commit { statusCheckRollup { state contexts {
          totalCount
          checkRunCountsByState { state count }
          statusContextCountsByState { state count }
        } } } } }
      }
    }
  }
}`

// PullRequests reads the open pull requests, newest first, a hundred at a time. What
// is not seen is a status replaced by another of the same state.
func (f *Forge) PullRequests(ctx context.Context, repository, seen string) (forge.Listing, error) {
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return forge.Listing{}, err
	}
	if etag, none := strings.CutPrefix(seen, "none "); none {
		_, _, same, err := s.newestOpen(ctx, repository, etag)
		if err != nil || same {
			return forge.Listing{Mark: seen, Unchanged: same}, err
		}
	}
	count, digest, _ := strings.Cut(seen, " ")
	last, _ := strconv.Atoi(count)
	open, err := s.open(ctx, repository, last)
	if err != nil {
		return forge.Listing{}, err
	}
	if len(open) == 0 {
		mark, err := s.noneMark(ctx, repository)
		return forge.Listing{Mark: mark}, err
	}
	listing := forge.Listing{Mark: strconv.Itoa(len(open)) + " " + digestOf(open), Open: open}
	if strings.HasSuffix(listing.Mark, " "+digest) {
		return forge.Listing{Mark: listing.Mark, Unchanged: true}, nil
	}
	return listing, nil
}

// newestOpen asks for the newest open pull request, if that is another than before.
func (s *session) newestOpen(ctx context.Context, repository, etag string) (open int, mark string, same bool, err error) {
	var list []struct{}
	mark, same, err = s.conditional(ctx, ask{"list the pull requests", repository}, "repos/"+repository+"/pulls?state=open&sort=created&direction=desc&per_page=1", etag, &list)
	return len(list), mark, same, err
}

// noneMark is the mark of a repository without open pull requests.
func (s *session) noneMark(ctx context.Context, repository string) (string, error) {
	open, etag, _, err := s.newestOpen(ctx, repository, "")
	if err != nil || open > 0 || etag == "" {
		return "", err // one was opened in between: the next look sees it
	}
	return "none " + etag, nil
}

// An openNode is one of the answer to openQuery. Its other fields are in raw, of
// which the stamp is made.
type openNode struct {
	Number     int
	HeadRefOid string
	raw        json.RawMessage
}

// UnmarshalJSON keeps what it reads.
func (n *openNode) UnmarshalJSON(data []byte) error {
	type plain openNode
	n.raw = slices.Clone(data)
	return json.Unmarshal(data, (*plain)(n))
}

// open lists them all. last is how many there were: GitHub counts the requests by
// how many are asked for, not by how many there are.
func (s *session) open(ctx context.Context, repository string, last int) ([]forge.Summary, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	variables := map[string]any{"owner": owner, "name": name, "first": min(last+5, 100), "after": nil}
	var open []forge.Summary
	for {
		var answer struct {
			Repository struct {
				PullRequests struct {
					PageInfo pageInfo
					Nodes    []openNode
				}
			}
		}
		if err := s.query(ctx, ask{"list the pull requests", repository}, openQuery, variables, &answer); err != nil {
			return nil, err
		}
		page := answer.Repository.PullRequests
		for _, node := range page.Nodes {
			sum := sha256.Sum256(node.raw)
			open = append(open, forge.Summary{Number: node.Number, Head: node.HeadRefOid, Stamp: hex.EncodeToString(sum[:16])})
		}
		if !page.PageInfo.HasNextPage {
			return open, nil
		}
		variables["first"], variables["after"] = 100, page.PageInfo.EndCursor
	}
}

func digestOf(open []forge.Summary) string {
	h := sha256.New()
	for _, p := range open {
		h.Write([]byte(strconv.Itoa(p.Number) + " " + p.Head + " " + p.Stamp + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
