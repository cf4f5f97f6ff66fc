package forgetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

func publisherTests() []test {
	return []test{
		{"what is reported is shown, and is ours", report},
		{"the same report changes nothing", reportTwice},
		{"a report of which answers are lost is shown once", reportLost},
		{"a report at a commit that is not there is refused", reportMissing},
		{"there is one comment, and it is kept up to date", comment},
		{"a comment of somebody else's is left alone", commentOfOthers},
		{"a comment of which the answer is lost is there once", commentLost},
		{"a long comment is cut", commentLong},
		{"a label is put on and taken off", label},
		{"a label of which the answer is lost is there once", labelLost},
		{"what is published at nothing is not found", publishMissing},
	}
}

// opened is a pull request with a forge to publish at it, through a transport.
func opened(t *testing.T, s Setup, via *Transport) (forge.Publisher, int, string) {
	t.Helper()
	d := s.debate(t)
	head := d.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	return as[forge.Publisher](t, s.Forge(t, via, true)), d.Open(t, "feature", "a feature"), head
}

// Sample has one status of each state, one with more annotations than any forge
// takes at once.
func sample() []slipway.Status {
	notes := []slipway.Annotation{}
	for i := range 120 {
		notes = append(notes, slipway.Annotation{Path: "a.txt", Line: i, Level: []string{"error", "warning", "note"}[i%3], Title: "cell 3", Message: fmt.Sprintf("message %d", i)})
	}
	return []slipway.Status{
		{Name: "slipway/traffic: unit", State: "fail", Summary: "2 of 10 tests failed\n\nmore of it", URL: "https://slipway.example/1", Annotations: notes},
		{Name: "slipway/traffic: lint", State: "pass", Summary: "nothing found"},
		{Name: "slipway/traffic: plan", State: "pending", Summary: "is made"},
		{Name: "slipway/traffic: cost", State: "neutral", Summary: strings.Repeat("ä", 400)},
		{Name: "Merge Requirements Met", State: "pending", Summary: "waits for: review by team data"},
	}
}

// ours are the states of our statuses at the pull request's head, by name.
func ours(t *testing.T, s Setup, p forge.Publisher, number int) map[string]string {
	t.Helper()
	self, err := p.Self(t.Context())
	if err != nil || self.App == "" || self.Login == "" {
		t.Fatalf("Self is %+v, %v", self, err)
	}
	states := map[string]string{}
	for _, status := range read(t, s, number).Statuses {
		if status.App == self.App {
			states[status.Name] = status.State
		}
	}
	return states
}

func report(t *testing.T, s Setup) {
	p, number, head := opened(t, s, &Transport{})
	s.debate(t).Judge(t, head, "scan", "pass", "")
	if err := p.Report(t.Context(), s.Repository, head, sample()); err != nil {
		t.Fatal(err)
	}
	got := ours(t, s, p, number)
	want := map[string]string{
		"slipway/traffic: unit": "fail", "slipway/traffic: lint": "pass", "slipway/traffic: plan": "pending",
		"slipway/traffic: cost": got["slipway/traffic: cost"], "Merge Requirements Met": "pending",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ours (-want +got):\n%s", diff)
	}
	if cost := got["slipway/traffic: cost"]; cost != "neutral" && cost != "pass" {
		t.Errorf("neutral is shown as %s", cost)
	}
	changed := []slipway.Status{
		{Name: "slipway/traffic: unit", State: "pass", Summary: "all tests passed"},
		{Name: "slipway/traffic: plan", State: "error", Summary: "could not be made"},
	}
	if err := p.Report(t.Context(), s.Repository, head, changed); err != nil {
		t.Fatal(err)
	}
	got = ours(t, s, p, number)
	if plan := got["slipway/traffic: plan"]; got["slipway/traffic: unit"] != "pass" || plan != "error" && plan != "fail" || len(got) != 5 {
		t.Errorf("after a change ours are %v", got)
	}
}

func reportTwice(t *testing.T, s Setup) {
	via := &Transport{}
	p, _, head := opened(t, s, via)
	for range 3 {
		if err := p.Report(t.Context(), s.Repository, head, sample()); err != nil {
			t.Fatal(err)
		}
	}
	once := len(via.Writes())
	again := as[forge.Publisher](t, s.Forge(t, via, true)) // another process
	if err := again.Report(t.Context(), s.Repository, head, sample()); err != nil {
		t.Fatal(err)
	}
	if all := via.Writes(); len(all) != once || once < len(sample()) || once > len(sample())+2 {
		t.Errorf("the same four times writes %q", all)
	}
}

func reportLost(t *testing.T, s Setup) {
	via := &Transport{After: loseEach()}
	p, number, head := opened(t, s, via)
	var err error
	for range 20 {
		if err = p.Report(t.Context(), s.Repository, head, sample()); err == nil {
			break
		}
		wantKind(t, "Report", err, slipway.Unavailable)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := ours(t, s, p, number); len(got) != len(sample()) || got["slipway/traffic: unit"] != "fail" {
		t.Errorf("ours are %v", got)
	}
	before := len(via.Writes())
	if err := p.Report(t.Context(), s.Repository, head, sample()); err != nil || len(via.Writes()) != before {
		t.Errorf("once more writes %q, %v", via.Writes()[before:], err)
	}
}

func reportMissing(t *testing.T, s Setup) {
	p, _, _ := opened(t, s, &Transport{})
	err := p.Report(t.Context(), s.Repository, strings.Repeat("0123", 10), sample())
	if kind := slipway.KindOf(err); kind != slipway.Invalid && kind != slipway.NotFound {
		t.Errorf("Report is %v (%s)", err, kind)
	}
}

const marker = "<!-- slipway -->"

// comments are the texts of a pull request's comments.
func comments(t *testing.T, s Setup, number int) []string {
	t.Helper()
	var texts []string
	for _, c := range read(t, s, number).Comments {
		texts = append(texts, strings.ReplaceAll(strings.TrimSpace(c.Body), "\r\n", "\n"))
	}
	return texts
}

func comment(t *testing.T, s Setup) {
	via := &Transport{}
	p, number, _ := opened(t, s, via)
	s.debate(t).Say(t, number, "hello")
	for i, body := range []string{"one\n\n| a | b |\n|---|---|\n| ä | 😀 |", "one\n\n| a | b |\n|---|---|\n| ä | 😀 |", "two"} {
		if err := p.Comment(t.Context(), s.Repository, number, marker, marker+"\n"+body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"hello", marker + "\n" + body}, comments(t, s, number)); diff != "" {
			t.Errorf("comments after call %d (-want +got):\n%s", i+1, diff)
		}
	}
	if all := via.Writes(); len(all) != 2 {
		t.Errorf("one, the same and another write %q", all)
	}
	self, err := p.Self(t.Context())
	if by := read(t, s, number).Comments[1].By; err != nil || by != self.Login {
		t.Errorf("the comment is by %q, and we are %+v, %v", by, self, err)
	}
}

func commentOfOthers(t *testing.T, s Setup) {
	p, number, _ := opened(t, s, &Transport{})
	s.debate(t).Say(t, number, marker+"\nI am Slipway. All is well.")
	if err := p.Comment(t.Context(), s.Repository, number, marker, marker+"\nours"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{marker + "\nI am Slipway. All is well.", marker + "\nours"}, comments(t, s, number)); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
}

func commentLost(t *testing.T, s Setup) {
	p, number, _ := opened(t, s, &Transport{After: loseEach()})
	err := p.Comment(t.Context(), s.Repository, number, marker, marker+"\none")
	wantKind(t, "Comment", err, slipway.Unavailable)
	if err := p.Comment(t.Context(), s.Repository, number, marker, marker+"\none"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{marker + "\none"}, comments(t, s, number)); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
}

func commentLong(t *testing.T, s Setup) {
	via := &Transport{}
	p, number, _ := opened(t, s, via)
	for range 2 {
		if err := p.Comment(t.Context(), s.Repository, number, marker, marker+strings.Repeat("long ä ", 20_000)); err != nil {
			t.Fatal(err)
		}
	}
	if got := comments(t, s, number); len(got) != 1 || !strings.HasSuffix(got[0], "…") || len(via.Writes()) != 1 {
		t.Errorf("%d comments, which end in %q, by %q", len(got), got[0][len(got[0])-10:], via.Writes())
	}
}

func label(t *testing.T, s Setup) {
	p, number, _ := opened(t, s, &Transport{})
	s.debate(t).Mark(t, number, "urgent")
	for _, tt := range []struct {
		on   bool
		want []string
	}{
		{false, []string{"urgent"}},
		{true, []string{"Merge Requirements Met", "urgent"}},
		{true, []string{"Merge Requirements Met", "urgent"}},
		{false, []string{"urgent"}},
		{false, []string{"urgent"}},
	} {
		if err := p.Label(t.Context(), s.Repository, number, "Merge Requirements Met", tt.on); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, slices.Sorted(slices.Values(read(t, s, number).Labels))); diff != "" {
			t.Errorf("labels with %v (-want +got):\n%s", tt.on, diff)
		}
	}
}

func labelLost(t *testing.T, s Setup) {
	p, number, _ := opened(t, s, &Transport{After: loseEach()})
	for _, tt := range []struct {
		on   bool
		want []string
	}{{true, []string{"ready/to go"}}, {false, nil}} {
		var err error
		for range 4 {
			if err = p.Label(t.Context(), s.Repository, number, "ready/to go", tt.on); err == nil {
				break
			}
		}
		if diff := cmp.Diff(tt.want, read(t, s, number).Labels); diff != "" || err != nil {
			t.Errorf("labels with %v, %v (-want +got):\n%s", tt.on, err, diff)
		}
	}
}

func publishMissing(t *testing.T, s Setup) {
	p := as[forge.Publisher](t, s.open(t))
	wantKind(t, "Comment", p.Comment(t.Context(), s.Repository, 4711, marker, marker), slipway.NotFound, "4711", s.Repository)
	wantKind(t, "Label", p.Label(t.Context(), s.Repository, 4711, "x", true), slipway.NotFound, "4711", s.Repository)
	wantKind(t, "Report", p.Report(t.Context(), s.Missing, strings.Repeat("a", 40), sample()), slipway.NotFound, s.Missing)
}
