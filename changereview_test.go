package slipway_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

// What counts of each reviewer is the last thing that they said, but for remarks.
func TestReviewOf(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 22, 12, minute, 0, 0, time.UTC) }
	pr := slipway.PullRequest{Repository: "acme/roads", Number: 12, URL: "https://example.com/12", Author: "mara", Head: "c2", Reviews: []slipway.Review{
		{By: "ana", Verdict: "reject", Commit: "c1", Time: at(1)},
		{By: "bo", Verdict: "approve", Commit: "c1", Time: at(2)},
		{By: "ana", Verdict: "approve", Commit: "c2", Time: at(3)},
		{By: "ana", Verdict: "comment", Commit: "c2", Time: at(4)},
		{By: "cy", Verdict: "comment", Commit: "c2", Time: at(5)},
	}}
	got := slipway.ReviewOf(pr, "m1")
	want := slipway.ChangeReview{
		Reviewers: []slipway.Reviewer{
			{Name: "bo", Verdict: "approve", Commit: "c1", Time: at(2)}, {Name: "ana", Verdict: "approve", Commit: "c2", Time: at(3)},
		},
		ReviewLink: "https://example.com/12", ReviewTime: at(3), Repository: "acme/roads", Number: 12, Author: "mara", Head: "c2", Commit: "m1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := got.String(); s != "acme/roads#12 by mara: bo approved an earlier state of it, ana approved it" {
		t.Error(s)
	}
	pr.Reviews = pr.Reviews[:1]
	if s := slipway.ReviewOf(pr, "m1").String(); s != "acme/roads#12 by mara: ana rejected it" {
		t.Error(s)
	}
	pr.Reviews = nil
	if s := slipway.ReviewOf(pr, "m1").String(); s != "acme/roads#12 by mara: nobody approved it" {
		t.Error(s)
	}
}
