package slipway

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A ChangeReview is what people at a forge said of the pull request by which a
// release's commit came to its branch, as the forge had it when the release was
// made. Its fields are called as in in-toto's proposal of a statement about reviews.
type ChangeReview struct {
	Reviewers  []Reviewer `json:"reviewers"` // who said something, each their last word
	ReviewLink string     `json:"reviewLink,omitempty"`
	ReviewTime time.Time  `json:"reviewTime,omitzero"` // of the last word
	Repository string     `json:"repository"`
	Number     int        `json:"number"` // of the pull request
	Author     string     `json:"author"` // login of who opened it
	Head       string     `json:"head"`   // the commit that was proposed last
	Commit     string     `json:"commit"` // the one that it came to the branch as
}

// A Reviewer is who said what of a change.
type Reviewer struct {
	Name    string    `json:"name"`    // login
	Verdict string    `json:"verdict"` // approve, reject or dismissed
	Commit  string    `json:"commit"`  // what they had seen
	Time    time.Time `json:"time"`
}

// ReviewOf is what was said of a pull request that came to its branch as a commit.
func ReviewOf(pr PullRequest, commit string) ChangeReview {
	r := ChangeReview{
		Reviewers: []Reviewer{}, ReviewLink: pr.URL, Repository: pr.Repository, Number: pr.Number, Author: pr.Author, Head: pr.Head, Commit: commit,
	}
	for _, said := range pr.Reviews {
		if said.Verdict == "comment" {
			continue
		}
		word := Reviewer{Name: said.By, Verdict: said.Verdict, Commit: said.Commit, Time: said.Time.UTC()}
		r.Reviewers = append(slices.DeleteFunc(r.Reviewers, func(old Reviewer) bool { return old.Name == said.By }), word)
		if word.Time.After(r.ReviewTime) {
			r.ReviewTime = word.Time
		}
	}
	return r
}

// String says in words who approved the change.
func (r ChangeReview) String() string {
	text := fmt.Sprintf("%s#%d by %s", r.Repository, r.Number, r.Author)
	var all []string
	for _, who := range r.Reviewers {
		switch {
		case who.Verdict == "approve" && who.Commit == r.Head:
			all = append(all, who.Name+" approved it")
		case who.Verdict == "approve":
			all = append(all, who.Name+" approved an earlier state of it")
		case who.Verdict == "reject":
			all = append(all, who.Name+" rejected it")
		}
	}
	if len(all) == 0 {
		all = []string{"nobody approved it"}
	}
	return text + ": " + strings.Join(all, ", ")
}
