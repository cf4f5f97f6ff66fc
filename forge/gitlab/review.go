package gitlab

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway"
)

// GitLab keeps who approves now, and who asks for changes now; that is what counts. At
// what time somebody said so is in the notes that GitLab itself writes, and which
// commit was the head then in the versions of the merge request.
type note struct {
	ID      int64     `json:"id"`
	Body    string    `json:"body"`
	Author  *user     `json:"author"`
	System  bool      `json:"system"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// What GitLab writes, in English in every language of its pages.
const (
	noteApproved   = "approved this merge request"
	noteUnapproved = "unapproved this merge request"
	noteRejected   = "requested changes"
	noteReviewed   = "left review comments"
)

// said reads comments, reviews, and who was asked for one.
func (r reader) said(ctx context.Context, p *slipway.PullRequest) error {
	notes, err := r.notes(ctx)
	if err != nil {
		return err
	}
	h := history{pr: p}
	if h.versions, err = r.versions(ctx); err != nil {
		return err
	}
	for _, n := range notes {
		if !n.System {
			p.Comments = append(p.Comments, slipway.Comment{ID: strconv.FormatInt(n.ID, 10), By: n.Author.name(), Body: n.Body, Time: n.Created, Edited: n.Updated.After(n.Created)})
			continue
		}
		h.happened(n)
	}
	approvals, err := r.approvals(ctx)
	if err != nil {
		return err
	}
	reviewers, err := r.reviewers(ctx)
	if err != nil {
		return err
	}
	h.settleApprovals(approvals)
	h.settleReviewers(reviewers)
	slices.SortStableFunc(h.reviews, func(a, b slipway.Review) int { return a.Time.Compare(b.Time) })
	p.Reviews = h.reviews
	return nil
}

func (r reader) notes(ctx context.Context) ([]note, error) {
	return list[note](ctx, r.Forge, r.ask, r.at+"/notes", url.Values{"sort": {"asc"}, "order_by": {"created_at"}})
}

type version struct {
	Head    string    `json:"head_commit_sha"`
	Created time.Time `json:"created_at"`
}

func (r reader) versions(ctx context.Context) ([]version, error) {
	all, err := list[version](ctx, r.Forge, r.ask, r.at+"/versions", url.Values{})
	slices.SortStableFunc(all, func(a, b version) int { return a.Created.Compare(b.Created) })
	return all, err
}

// An approval is one that holds now. Older servers do not tell since when.
type approval struct {
	User *user     `json:"user"`
	At   time.Time `json:"approved_at"`
}

func (r reader) approvals(ctx context.Context) ([]approval, error) {
	var got struct {
		ApprovedBy []approval `json:"approved_by"`
	}
	err := r.get(ctx, r.ask, r.at+"/approvals", &got)
	return got.ApprovedBy, err
}

type reviewer struct {
	User  *user  `json:"user"`
	State string `json:"state"`
}

func (r reader) reviewers(ctx context.Context) ([]reviewer, error) {
	return list[reviewer](ctx, r.Forge, r.ask, r.at+"/reviewers", url.Values{})
}

// history puts reviews together.
type history struct {
	pr       *slipway.PullRequest
	versions []version // oldest first
	reviews  []slipway.Review
}

// headAt is the commit that was the head at a time. An approval before the first
// version is for no commit.
func (h *history) headAt(t time.Time) string {
	head := ""
	for _, v := range h.versions {
		if v.Created.After(t) {
			break
		}
		head = v.Head
	}
	return head
}

func (h *history) add(id, by, verdict string, at time.Time) {
	h.reviews = append(h.reviews, slipway.Review{ID: id, By: by, Verdict: verdict, Commit: h.headAt(at), Time: at})
}

// dismiss takes back all that somebody said with a verdict.
func (h *history) dismiss(by, verdict string) {
	for i := range h.reviews {
		if h.reviews[i].By == by && h.reviews[i].Verdict == verdict {
			h.reviews[i].Verdict = "dismissed"
		}
	}
}

// happened takes up a note that GitLab wrote.
func (h *history) happened(n note) {
	by, id := n.Author.name(), "note-"+strconv.FormatInt(n.ID, 10)
	switch n.Body {
	case noteApproved:
		h.dismiss(by, "reject")
		h.add(id, by, "approve", n.Created)
	case noteUnapproved:
		h.dismiss(by, "approve")
	case noteRejected:
		h.dismiss(by, "approve")
		h.add(id, by, "reject", n.Created)
	case noteReviewed:
		h.add(id, by, "comment", n.Created)
	}
}

// settleApprovals dismisses approvals that do not hold any more, and adds those that
// no note tells of.
func (h *history) settleApprovals(now []approval) {
	holds := map[string]approval{}
	for _, a := range now {
		holds[a.User.name()] = a
	}
	told := map[string]bool{}
	for i, r := range h.reviews {
		if _, ok := holds[r.By]; !ok && r.Verdict == "approve" {
			h.reviews[i].Verdict = "dismissed"
		}
		told[r.By] = told[r.By] || r.Verdict == "approve"
	}
	for by, a := range holds {
		if !told[by] {
			h.add("approval-"+by, by, "approve", a.At)
		}
	}
}

// settleReviewers dismisses requests for changes that do not hold any more, adds those
// that no note tells of, and says who is still to answer.
func (h *history) settleReviewers(now []reviewer) {
	wants := map[string]bool{}
	for _, r := range now {
		switch r.State {
		case "requested_changes":
			wants[r.User.name()] = true
		case "unreviewed", "review_started":
			h.pr.Asked = append(h.pr.Asked, r.User.name())
		}
	}
	told := map[string]bool{}
	for i, r := range h.reviews {
		if r.Verdict == "reject" && !wants[r.By] {
			h.reviews[i].Verdict = "dismissed"
		}
		told[r.By] = told[r.By] || r.Verdict == "reject"
	}
	for by := range wants {
		if !told[by] {
			h.reviews = append(h.reviews, slipway.Review{ID: "reviewer-" + by, By: by, Verdict: "reject", Commit: h.pr.Head, Time: h.pr.Updated})
		}
	}
}

type status struct {
	ID           int64      `json:"id"`
	State        string     `json:"status"`
	Name         string     `json:"name"`
	Description  string     `json:"description"`
	TargetURL    string     `json:"target_url"`
	AllowFailure bool       `json:"allow_failure"`
	Author       *user      `json:"author"`
	Created      time.Time  `json:"created_at"`
	Started      *time.Time `json:"started_at"`
	Finished     *time.Time `json:"finished_at"`
}

func (s status) app() string { return "user:" + s.Author.name() }

func (s status) time() time.Time {
	return *cmp.Or(s.Finished, s.Started, &s.Created)
}

// newest are the newest status of each name and poster, by the order of their IDs.
// GitLab gives the newest of each pipeline, and a commit may have several.
func (f *Forge) newest(ctx context.Context, a ask, path, commit string) ([]status, error) {
	all, err := list[status](ctx, f, a, path+"/repository/commits/"+commit+"/statuses", url.Values{})
	slices.SortFunc(all, func(a, b status) int { return cmp.Compare(b.ID, a.ID) })
	seen := map[[2]string]bool{}
	all = slices.DeleteFunc(all, func(s status) bool {
		key := [2]string{s.app(), s.Name}
		old := seen[key]
		seen[key] = true
		return old
	})
	slices.Reverse(all)
	return all, err
}

// statuses are commit statuses and jobs of GitLab's own pipelines alike.
func (r reader) statuses(ctx context.Context, commit string) ([]slipway.Status, error) {
	if commit == "" {
		return nil, nil
	}
	all, err := r.newest(ctx, r.ask, r.path, commit)
	var statuses []slipway.Status
	for _, s := range all {
		statuses = append(statuses, slipway.Status{Name: s.Name, App: s.app(), State: s.word(), Summary: s.Description, URL: s.TargetURL, Time: s.time()})
	}
	return statuses, err
}

// word is the state in words of the contract. A job that may fail keeps nothing
// waiting, whatever it says.
func (s status) word() string {
	switch s.State {
	case "success":
		return "pass"
	case "skipped":
		return "neutral"
	case "failed", "canceled", "manual":
		if s.AllowFailure {
			return "neutral"
		}
		return map[string]string{"failed": "fail", "canceled": "error", "manual": "pending"}[s.State]
	}
	return "pending"
}
