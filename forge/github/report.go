package github

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// What GitHub takes: annotations in one call, and the length of texts.
const (
	mostAnnotations = 50
	mostText        = 65_535
	mostTitle       = 255
	mostDescription = 140
)

// Report shows check runs where we are an app that may write them, and commit
// statuses otherwise. Those have no room for annotations.
func (f *Forge) Report(ctx context.Context, repository, commit string, statuses []slipway.Status) error {
	if len(statuses) == 0 {
		return nil
	}
	s, err := f.sessionOf(ctx, repository)
	if err != nil {
		return err
	}
	self, err := f.Self(ctx)
	if err != nil {
		return err
	}
	if s.isApp() {
		if _, err := s.authorization(ctx); err != nil {
			return err
		}
		if s.installation.mayCheck() {
			return s.checkRuns(ctx, self.App, repository, commit, statuses)
		}
	}
	return s.statuses(ctx, self.Login, repository, commit, statuses)
}

func (i *installation) mayCheck() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.checks
}

// checkRuns brings our check runs at a commit to what they should say.
func (s *session) checkRuns(ctx context.Context, slug, repository, commit string, statuses []slipway.Status) error {
	owner, name, err := split(repository)
	if err != nil {
		return err
	}
	shown := map[string]*github.CheckRun{}
	opts := &github.ListCheckRunsOptions{Filter: new("latest"), ListOptions: github.ListOptions{PerPage: 100}}
	for {
		page, answer, err := s.rest.Checks.ListCheckRunsForRef(ctx, owner, name, commit, opts)
		if err != nil {
			return s.explain(ask{"read the check runs", repository}, err)
		}
		for _, run := range page.CheckRuns {
			if old := shown[run.GetName()]; run.GetApp().GetSlug() == slug && (old == nil || old.GetID() < run.GetID()) {
				shown[run.GetName()] = run
			}
		}
		if answer.NextPage == 0 {
			break
		}
		opts.Page = answer.NextPage
	}
	for _, status := range statuses {
		if err := s.checkRun(ctx, owner, name, commit, shown[status.Name], status); err != nil {
			return s.explain(ask{"write the check runs", repository}, err)
		}
	}
	return nil
}

// checkRun makes one or brings it up to date. Its external ID is the digest of what
// it says and how many of the annotations it has: one that was cut short is gone on
// with. Annotations can only be added to a run, so one that has others is followed by a
// new one, and GitHub shows that.
func (s *session) checkRun(ctx context.Context, owner, name, commit string, shown *github.CheckRun, status slipway.Status) error {
	digest, notes := digestOfStatus(status), annotationsOf(status.Annotations)
	state, conclusion := runState(status.State)
	id, sent := shown.GetID(), sentOf(shown.GetExternalID(), digest)
	if sent < 0 {
		sent = min(len(notes), mostAnnotations)
		output, external := outputOf(status, notes[:sent]), externalID(digest, sent)
		var err error
		if shown == nil || shown.GetOutput().GetAnnotationsCount() > 0 {
			shown, _, err = s.rest.Checks.CreateCheckRun(ctx, owner, name, github.CreateCheckRunOptions{
				Name: status.Name, HeadSHA: commit, DetailsURL: optional(status.URL), ExternalID: external,
				Status: &state, Conclusion: conclusion, Output: output,
			})
		} else {
			shown, _, err = s.rest.Checks.UpdateCheckRun(ctx, owner, name, id, github.UpdateCheckRunOptions{
				Name: status.Name, DetailsURL: optional(status.URL), ExternalID: external,
				Status: &state, Conclusion: conclusion, Output: output,
			})
		}
		if err != nil {
			return err
		}
		id = shown.GetID()
	}
	for sent < len(notes) {
		until := min(sent+mostAnnotations, len(notes))
		_, _, err := s.rest.Checks.UpdateCheckRun(ctx, owner, name, id, github.UpdateCheckRunOptions{
			Name: status.Name, ExternalID: externalID(digest, until), Output: outputOf(status, notes[sent:until]),
		})
		if err != nil {
			return err
		}
		sent = until
	}
	return nil
}

func externalID(digest string, sent int) *string {
	return new(digest + "/" + strconv.Itoa(sent))
}

// sentOf is how many annotations a check run has, or -1 if it says something else.
func sentOf(external, digest string) int {
	count, same := strings.CutPrefix(external, digest+"/")
	sent, err := strconv.Atoi(count)
	if !same || err != nil {
		return -1
	}
	return sent
}

func digestOfStatus(status slipway.Status) string {
	data, _ := json.Marshal([]any{status.Name, status.State, status.Summary, status.URL, status.Annotations}) // plain values
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// runState is what a check run has for a state of ours. It has no word for a check
// that could not be judged; a failure keeps a merge waiting as well.
func runState(state string) (status string, conclusion *string) {
	switch state {
	case "pass":
		return "completed", new("success")
	case "neutral":
		return "completed", new("neutral")
	case "fail", "error":
		return "completed", new("failure")
	}
	return "in_progress", nil
}

// outputOf splits a summary into its first line, which GitHub shows in the list, and
// the rest.
func outputOf(status slipway.Status, notes []*github.CheckRunAnnotation) *github.CheckRunOutput {
	title := cmp.Or(forge.FirstLine(status.Summary), status.Name)
	return &github.CheckRunOutput{
		Title: new(forge.Cut(title, mostTitle)), Summary: new(forge.Cut(status.Summary, mostText)), Annotations: notes,
	}
}

func annotationsOf(annotations []slipway.Annotation) []*github.CheckRunAnnotation {
	list := make([]*github.CheckRunAnnotation, 0, len(annotations))
	for _, a := range annotations {
		level := map[string]string{"error": "failure", "warning": "warning"}[a.Level]
		if level == "" {
			level = "notice"
		}
		line := max(a.Line, 1)
		list = append(list, &github.CheckRunAnnotation{
			Path: new(a.Path), StartLine: &line, EndLine: &line, AnnotationLevel: &level,
			Title: optional(forge.Cut(a.Title, mostTitle)), Message: new(forge.Cut(a.Message, mostText)),
		})
	}
	return list
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// statuses posts the commit statuses that are not shown yet as they should be.
func (s *session) statuses(ctx context.Context, login, repository, commit string, statuses []slipway.Status) error {
	owner, name, err := split(repository)
	if err != nil {
		return err
	}
	shown := map[string]*github.RepoStatus{} // the newest of each context, by whomever
	for status, err := range s.rest.Repositories.ListStatusesIter(ctx, owner, name, commit, &github.ListOptions{PerPage: 100}) {
		if err != nil {
			return s.explain(ask{"read the commit statuses", repository}, err)
		}
		if shown[status.GetContext()] == nil {
			shown[status.GetContext()] = status
		}
	}
	for _, status := range statuses {
		want := statusOf(status)
		if old := shown[status.Name]; old != nil && strings.EqualFold(old.GetCreator().GetLogin(), login) && old.GetState() == want.GetState() &&
			old.GetDescription() == want.GetDescription() && old.GetTargetURL() == want.GetTargetURL() {
			continue
		}
		if _, _, err := s.rest.Repositories.CreateStatus(ctx, owner, name, commit, want); err != nil {
			return s.explain(ask{"write the commit statuses", repository}, err)
		}
	}
	return nil
}

// statusOf puts a status into the words of commit statuses. They have none for
// neutral, which keeps no merge waiting.
func statusOf(status slipway.Status) github.RepoStatus {
	state := map[string]string{"pass": "success", "neutral": "success", "fail": "failure", "error": "error"}[status.State]
	if state == "" {
		state = "pending"
	}
	line := forge.FirstLine(status.Summary)
	return github.RepoStatus{
		State: &state, Context: &status.Name, Description: optional(forge.Cut(line, mostDescription)), TargetURL: optional(status.URL),
	}
}
