package github

import (
	"cmp"
	"time"

	"github.com/slipway-cd/slipway"
)

// A graphRequest is a page of the answer to requestQuery.
type graphRequest struct {
	Number            int
	Title             string
	URL               string
	State             string
	IsDraft           bool
	IsCrossRepository bool
	UpdatedAt         time.Time
	Author            *actor
	HeadRefOid        string
	HeadRefName       string
	BaseRefName       string
	BaseRefOid        string
	BaseRef           *struct{ Target gitObject }
	Labels            list[struct{ Name string }]
	ReviewRequests    list[struct{ RequestedReviewer reviewer }]
	Commits           list[struct{ Commit graphCommit }]
	Reviews           list[graphReview]
	Comments          list[graphComment]
	Tip               list[struct{ Commit graphTip }]
}

// A list is a page of a list.
type list[T any] struct {
	PageInfo pageInfo
	Nodes    []T
}

// turn sets the cursors to the next page, and says whether any list has one.
func (g graphRequest) turn(variables map[string]any) bool {
	more := false
	for name, page := range map[string]pageInfo{
		"labels": g.Labels.PageInfo, "asked": g.ReviewRequests.PageInfo, "commits": g.Commits.PageInfo,
		"reviews": g.Reviews.PageInfo, "comments": g.Comments.PageInfo, "contexts": g.contexts().PageInfo,
	} {
		if page.EndCursor != "" {
			variables[name] = page.EndCursor
		}
		more = more || page.HasNextPage
	}
	return more
}

func (g graphRequest) tip() graphTip {
	if len(g.Tip.Nodes) == 0 {
		return graphTip{}
	}
	return g.Tip.Nodes[0].Commit
}

func (g graphRequest) contexts() list[graphContext] {
	if rollup := g.tip().StatusCheckRollup; rollup != nil {
		return rollup.Contexts
	}
	return list[graphContext]{}
}

// An actor is who did something. GraphQL leaves the [bot] out that the login of an
// app has, and that nobody else's can have.
type actor struct {
	Typename string `json:"__typename"`
	Login    string
}

// name is the login, as REST gives it. An account that is gone is called ghost.
func (a *actor) name() string {
	switch {
	case a == nil:
		return "ghost"
	case a.Typename == "Bot":
		return a.Login + "[bot]"
	}
	return a.Login
}

// app names an actor as who issues statuses.
func (a *actor) app() string {
	if a != nil && a.Typename == "Bot" {
		return a.Login
	}
	return "user:" + a.name()
}

type reviewer struct {
	actor
	CombinedSlug string // of a team
}

type graphCommit struct {
	OID       string
	Message   string
	Parents   list[struct{ OID string }]
	Author    *gitActor
	Committer *gitActor
}

// A gitActor is who is named in a commit, with the account that the e-mail address
// belongs to.
type gitActor struct {
	User *struct{ Login string }
}

func (a *gitActor) name() string {
	if a == nil || a.User == nil {
		return ""
	}
	return a.User.Login
}

func (c graphCommit) commit() slipway.Commit {
	commit := slipway.Commit{ID: c.OID, Message: c.Message, Author: c.Author.name(), Committer: c.Committer.name()}
	for _, parent := range c.Parents.Nodes {
		commit.Parents = append(commit.Parents, parent.OID)
	}
	return commit
}

type graphReview struct {
	ID          string
	State       string
	Body        string
	SubmittedAt *time.Time
	CreatedAt   time.Time
	Author      *actor
	Commit      *struct{ OID string }
}

type graphComment struct {
	ID           string
	Body         string
	CreatedAt    time.Time
	LastEditedAt *time.Time
	Author       *actor
}

type graphTip struct {
	OID               string
	StatusCheckRollup *struct{ Contexts list[graphContext] }
}

// A graphContext is a check run or a commit status.
type graphContext struct {
	Typename string `json:"__typename"`

	Name        string
	Status      string
	Conclusion  string
	Title       string
	Summary     string
	DetailsURL  string
	StartedAt   *time.Time
	CompletedAt *time.Time
	CheckSuite  struct {
		CreatedAt time.Time
		App       *struct{ Slug string }
	}

	Context     string
	State       string
	Description string
	TargetURL   string
	CreatedAt   time.Time
	Creator     *actor
}

// status says it in our words, and when it began.
func (c graphContext) status() (slipway.Status, time.Time) {
	if c.Typename == "StatusContext" {
		state := map[string]string{"SUCCESS": "pass", "FAILURE": "fail", "ERROR": "error"}[c.State]
		return slipway.Status{
			Name: c.Context, App: c.Creator.app(), State: cmp.Or(state, "pending"),
			Summary: c.Description, URL: c.TargetURL, Time: c.CreatedAt,
		}, c.CreatedAt
	}
	began := c.CheckSuite.CreatedAt
	if c.StartedAt != nil {
		began = *c.StartedAt
	}
	s := slipway.Status{Name: c.Name, State: "pending", Summary: cmp.Or(c.Title, c.Summary), URL: c.DetailsURL, Time: began}
	if c.CheckSuite.App != nil {
		s.App = c.CheckSuite.App.Slug
	}
	if c.CompletedAt != nil {
		s.Time = *c.CompletedAt
	}
	if c.Status == "COMPLETED" {
		s.State = verdictOf(c.Conclusion)
	}
	return s, began
}

// verdictOf reads the conclusion of a check run. One that was given up says nothing
// of the commit, and is no failure of it.
func verdictOf(conclusion string) string {
	switch conclusion {
	case "SUCCESS":
		return "pass"
	case "NEUTRAL", "SKIPPED":
		return "neutral"
	case "FAILURE", "ACTION_REQUIRED":
		return "fail"
	}
	return "error"
}
