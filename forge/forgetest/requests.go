package forgetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

func requestTests() []test {
	return []test{
		{"an open pull request is listed, a closed one is not", listing},
		{"pull requests that have not changed are not read again", listingUnchanged},
		{"a stamp changes with what happens to the pull request", stamps},
		{"many pull requests are listed whole", listingLong},
		{"a pull request is read whole", request},
		{"its lists are read to their ends", requestLong},
		{"a pull request that is not there is not found", requestMissing},
		{"a closed pull request can be read", requestClosed},
		{"a merged pull request is found by the commit that it came as", requestMerged},
	}
}

func list(t *testing.T, f forge.Requests, s Setup, seen string) forge.Listing {
	t.Helper()
	l, err := f.PullRequests(t.Context(), s.Repository, seen)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func listing(t *testing.T, s Setup) {
	d, f := s.debate(t), as[forge.Requests](t, s.open(t))
	none := list(t, f, s, "")
	if len(none.Open) != 0 {
		t.Errorf("before any is opened there are %+v", none)
	}
	if again := list(t, f, s, none.Mark); none.Mark != "" && !again.Unchanged {
		t.Errorf("still none is %+v, after %+v", again, none)
	}
	head := d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	number := d.Open(t, "feature", "a feature")
	one := list(t, f, s, none.Mark)
	if len(one.Open) != 1 || one.Open[0].Number != number || one.Open[0].Head != head || one.Open[0].Stamp == "" {
		t.Fatalf("the listing is %+v, want number %d with head %s", one, number, head)
	}
	d.Close(t, number)
	if closed := list(t, f, s, one.Mark); closed.Unchanged || len(closed.Open) != 0 {
		t.Errorf("after closing it the listing is %+v", closed)
	}
}

func listingUnchanged(t *testing.T, s Setup) {
	d, f := s.debate(t), as[forge.Requests](t, s.open(t))
	d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	d.Open(t, "feature", "a feature")
	l := list(t, f, s, "")
	for _, f := range []forge.Requests{f, as[forge.Requests](t, s.open(t))} {
		again := list(t, f, s, l.Mark)
		if diff := cmp.Diff(forge.Listing{Mark: l.Mark, Unchanged: true}, again); diff != "" {
			t.Errorf("the listing again (-want +got):\n%s", diff)
		}
	}
}

func stamps(t *testing.T, s Setup) {
	d, f := s.debate(t), as[forge.Requests](t, s.open(t))
	head := d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	number := d.Open(t, "feature", "a feature")
	happenings := []struct {
		what string
		do   func()
	}{
		{"a commit", func() { head = d.Push(t, "feature", map[string]string{"a.txt": "b\n"}) }},
		{"a comment", func() { d.Say(t, number, "/slipway check") }},
		{"a review", func() { d.Review(t, number, "approve", "good") }},
		{"a second review", func() { d.Review(t, number, "reject", "no") }},
		{"a label", func() { d.Mark(t, number, "urgent") }},
		{"a status", func() { d.Judge(t, head, "scan", "pending", "") }},
		{"another state of it", func() { d.Judge(t, head, "scan", "pass", "") }},
		{"a second status", func() { d.Judge(t, head, "scan 2", "fail", "") }},
	}
	before := list(t, f, s, "")
	for _, h := range happenings {
		h.do()
		after := list(t, f, s, before.Mark)
		if after.Unchanged || after.Mark == before.Mark || len(after.Open) != 1 || after.Open[0].Stamp == before.Open[0].Stamp {
			t.Errorf("%s is not seen in the listing: %+v, before %+v", h.what, after, before)
			continue
		}
		if after.Open[0].Head != head {
			t.Errorf("after %s the head is %s, want %s", h.what, after.Open[0].Head, head)
		}
		before = after
	}
}

func listingLong(t *testing.T, s Setup) {
	d, f := s.debate(t), as[forge.Requests](t, s.open(t))
	const many = 7
	want := []int{}
	for i := range many {
		branch := fmt.Sprintf("feature-%d", i)
		d.Push(t, branch, map[string]string{"a.txt": branch})
		want = append(want, d.Open(t, branch, branch))
	}
	got := []int{}
	for _, p := range list(t, f, s, "").Open {
		got = append(got, p.Number)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func read(t *testing.T, s Setup, number int) slipway.PullRequest {
	t.Helper()
	p, err := as[forge.Requests](t, s.open(t)).PullRequest(t.Context(), s.Repository, number)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(t *testing.T, s Setup) {
	d := s.debate(t)
	base := d.Push(t, "main", map[string]string{"kept.txt": "kept\n", "old.txt": "a long text that stays the same\nall of it\nto the end\n", "gone.txt": "gone\n", "changed.txt": "one\ntwo\n"})
	first := d.Push(t, "feature", map[string]string{"new.txt": "new\n", "changed.txt": "one\n2\n3\n"})
	number := d.Open(t, "feature", "a feature")
	d.Review(t, number, "reject", "not so")
	head := d.Push(t, "feature", map[string]string{"old.txt": "", "moved/new.txt": "a long text that stays the same\nall of it\nto the end\n", "gone.txt": ""})
	d.Review(t, number, "approve", "well")
	d.Say(t, number, "/slipway check")
	d.Mark(t, number, "urgent")
	d.Judge(t, head, "scan", "pending", "")
	d.Judge(t, head, "scan", "fail", "two problems")
	d.Judge(t, first, "of an older commit", "fail", "")
	p := read(t, s, number)
	if p.Reviews[0].Verdict == "dismissed" {
		p.Reviews[0].Verdict = "reject" // a later one of the same person's may have taken its place
	}
	want := slipway.PullRequest{
		Repository: s.Repository, Number: number, Title: "a feature", Author: s.Author, State: "open",
		Head: head, HeadBranch: "feature", Base: "main", BaseCommit: base, Labels: []string{"urgent"},
		Files: []slipway.ChangedFile{
			{Path: "changed.txt", Change: "modified"},
			{Path: "gone.txt", Change: "removed", Removed: 1},
			{Path: "moved/new.txt", From: "old.txt", Change: "renamed"},
			{Path: "new.txt", Change: "added", Added: 1},
		},
		Commits:  []slipway.Commit{{ID: first, Parents: []string{base}}, {ID: head, Parents: []string{first}}},
		Reviews:  []slipway.Review{{By: s.Reviewer, Verdict: "reject", Commit: first, Body: "not so"}, {By: s.Reviewer, Verdict: "approve", Commit: head, Body: "well"}},
		Comments: []slipway.Comment{{By: s.Reviewer, Body: "/slipway check"}},
		Statuses: []slipway.Status{{Name: "scan", State: "fail", Summary: "two problems"}},
	}
	if s.Wordless {
		want.Reviews[0].Body, want.Reviews[1].Body = "", ""
	}
	loose := []cmp.Option{
		cmpopts.IgnoreTypes(time.Time{}), cmpopts.IgnoreFields(slipway.PullRequest{}, "URL", "Asked"), cmpopts.IgnoreFields(slipway.Review{}, "ID"),
		cmpopts.IgnoreFields(slipway.Comment{}, "ID"), cmpopts.IgnoreFields(slipway.Commit{}, "Message", "Author", "Committer"),
		cmpopts.IgnoreFields(slipway.Status{}, "App", "URL"),
		cmpopts.SortSlices(func(a, b slipway.ChangedFile) bool { return a.Path < b.Path }),
		cmp.Transformer("lines", func(f slipway.ChangedFile) slipway.ChangedFile {
			if f.Change == "modified" { // how many lines a change touches is for the forge to say
				f.Added, f.Removed = 0, 0
			}
			return f
		}),
	}
	if diff := cmp.Diff(want, p, loose...); diff != "" {
		t.Errorf("PullRequest (-want +got):\n%s", diff)
	}
	if p.URL == "" || p.Updated.IsZero() || p.Reviews[0].Time.IsZero() || p.Comments[0].Time.IsZero() || p.Comments[0].ID == "" || p.Reviews[0].ID == p.Reviews[1].ID || p.Statuses[0].Time.IsZero() {
		t.Errorf("a URL, an ID or a time is missing in %+v", p)
	}
	if p.Statuses[0].App == "" || p.Commits[0].Message == "" {
		t.Errorf("who issued a status, or what a commit says, is missing in %+v", p)
	}
}

func requestLong(t *testing.T, s Setup) {
	d := s.debate(t)
	files := map[string]string{}
	for i := range 120 {
		files[fmt.Sprintf("dir/%03d.txt", i)] = fmt.Sprintf("content %d\n", i)
	}
	head := d.Push(t, "feature", files)
	number := d.Open(t, "feature", "a feature")
	for i := range 60 {
		d.Say(t, number, fmt.Sprintf("comment %d", i))
		d.Judge(t, head, fmt.Sprintf("status %d", i), "pass", "")
	}
	p := read(t, s, number)
	if len(p.Files) != 120 || len(p.Comments) != 60 || len(p.Statuses) != 60 {
		t.Fatalf("there are %d files, %d comments, %d statuses, want 120, 60, 60", len(p.Files), len(p.Comments), len(p.Statuses))
	}
	if p.Comments[0].Body != "comment 0" || p.Comments[59].Body != "comment 59" {
		t.Errorf("comments go from %q to %q, want them oldest first", p.Comments[0].Body, p.Comments[59].Body)
	}
}

func requestMissing(t *testing.T, s Setup) {
	f := as[forge.Requests](t, s.open(t))
	_, err := f.PullRequest(t.Context(), s.Repository, 4711)
	wantKind(t, "PullRequest", err, slipway.NotFound, "4711", s.Repository)
	_, err = f.PullRequest(t.Context(), s.Missing, 1)
	wantKind(t, "PullRequest", err, slipway.NotFound, s.Missing)
	_, err = f.PullRequests(t.Context(), s.Missing, "")
	wantKind(t, "PullRequests", err, slipway.NotFound, s.Missing)
}

func requestClosed(t *testing.T, s Setup) {
	d := s.debate(t)
	d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	number := d.Open(t, "feature", "a feature")
	d.Close(t, number)
	if p := read(t, s, number); p.State != "closed" {
		t.Errorf("its state is %q", p.State)
	}
}

func requestMerged(t *testing.T, s Setup) {
	d, f := s.debate(t), as[forge.Requests](t, s.open(t))
	base := d.Push(t, "main", map[string]string{"kept.txt": "kept\n"})
	d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	number := d.Open(t, "feature", "a feature")
	came := d.Merge(t, number)
	for commit, want := range map[string][]int{came: {number}, base: nil, strings.Repeat("a", 40): nil} {
		got, err := f.RequestsOf(t.Context(), s.Repository, commit)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s came by %v, %v; want %v", commit, got, err, want)
		}
	}
	if p := read(t, s, number); p.State != "merged" {
		t.Errorf("its state is %q", p.State)
	}
	_, err := f.RequestsOf(t.Context(), s.Missing, came)
	wantKind(t, "RequestsOf", err, slipway.NotFound, s.Missing)
}
