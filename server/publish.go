package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// marker begins the one comment of ours on a pull request.
const marker = "<!-- slipway -->"

// A view is what a forge is to show of a pull request.
type view struct {
	Statuses []slipway.Status `json:"statuses"`
	Comment  string           `json:"comment"`
	Label    bool             `json:"label"`
}

// settle works out where a pull request stands, keeps it, and has the forge show it.
func (s *Server) settle(ctx context.Context, tx *store.Tx, row store.PullRequest, f merge.Facts) error {
	before := row.State
	row.Facts = toJSON(f)
	if !row.Open {
		if err := tx.Replace(ctx, "check/"+asked{at{row.Forge, row.Repository}, row.Number}.String(), jobCheck, 0, "the pull request is "+f.PullRequest.State, s.Clock()); err != nil {
			return err
		}
		return tx.PutPullRequest(ctx, row)
	}
	state := merge.Evaluate(f)
	row.State = toJSON(state)
	results, err := tx.CheckResults(ctx, row.Forge, row.Repository, row.Head)
	if err != nil {
		return err
	}
	notes, err := tx.Notes(ctx, row.Forge, row.Repository, row.Head)
	if err != nil {
		return err
	}
	row.View = toJSON(s.viewOf(row, f, state, results, notes))
	row.Wanted = string(slipway.DigestOf(row.View))
	if err := tx.PutPullRequest(ctx, row); err != nil {
		return err
	}
	in := asked{at{row.Forge, row.Repository}, row.Number}
	if !sameJSON(before, row.State) {
		e := store.Event{Time: s.Clock(), Kind: "pull-request.state", Subject: in.String(), Body: toJSON(map[string]any{"met": state.Met, "summary": state.Summary, "head": state.Head})}
		if err := tx.Tell(ctx, e); err != nil {
			return err
		}
	}
	if row.Wanted == row.Shown {
		return nil
	}
	h, _ := s.forge(row.Forge)
	if _, ok := h.Forge.(forge.Publisher); !ok {
		return nil
	}
	return s.once(ctx, tx, jobPublish, "publish/"+in.String(), in, "server")
}

// viewOf is what the forge is to show.
func (s *Server) viewOf(row store.PullRequest, f merge.Facts, state merge.State, results map[string][]slipway.CheckResult, notes map[string]string) view {
	v := view{Label: state.Met, Comment: marker + "\n" + merge.Markdown(state)}
	given := map[string]bool{}
	for _, app := range slices.Sorted(maps.Keys(notes)) {
		if notes[app] != "" {
			v.Comment += "\n" + notes[app]
		}
	}
	for _, app := range slices.Sorted(maps.Keys(results)) {
		for _, r := range results[app] {
			given[checkName(app, r.Name)] = true
			v.Statuses = append(v.Statuses, statusOfCheck(app, folderOf(f.Rules, app), r))
		}
	}
	for _, c := range f.Checks {
		if name := checkName(c.App, c.Name); !given[name] && c.State != "done" {
			v.Statuses = append(v.Statuses, slipway.Status{Name: name, State: "pending", Summary: c.State})
		}
	}
	met := slipway.Status{Name: merge.Label, State: "pending", Summary: state.Summary, URL: s.pageOf(row)}
	if state.Met {
		met.State = "pass"
	}
	v.Statuses = append(v.Statuses, met)
	return v
}

// pageOf is where more of a pull request is to be seen.
func (s *Server) pageOf(row store.PullRequest) string {
	if s.URL == "" {
		return ""
	}
	return fmt.Sprintf("%s%s/pull-requests?forge=%s&repository=%s&number=%d", strings.TrimSuffix(s.URL, "/"), Root, row.Forge, row.Repository, row.Number)
}

// statusOfCheck is a result as the forge shows it.
func statusOfCheck(app, folder string, r slipway.CheckResult) slipway.Status {
	st := slipway.Status{Name: checkName(app, r.Name), Summary: strings.Join(r.Reasons, "\n"), Annotations: r.Annotations(folder)}
	switch r.Verdict {
	case slipway.Pass:
		st.State = "pass"
		if st.Summary == "" {
			st.Summary = "passed"
		}
	case slipway.Fail:
		st.State = "fail"
	default:
		st.State = "error"
	}
	if !r.Required && st.State != "pass" {
		st.State = "neutral"
	}
	return st
}

// publish brings the forge to show what it should. What was to be shown may change
// meanwhile; then it is done again.
func (s *Server) publish(ctx context.Context, j store.Job) (done, error) {
	in, err := input[asked](j)
	if err != nil {
		return done{}, err
	}
	h, _ := s.forge(in.Forge)
	to, ok := h.Forge.(forge.Publisher)
	row, known, err := s.store.PullRequest(ctx, in.Forge, in.Repository, in.Number)
	if err != nil || !ok || !known || !row.Open || row.Wanted == row.Shown {
		return done{}, err
	}
	var v view
	if err := json.Unmarshal(row.View, &v); err != nil {
		return done{}, fmt.Errorf("what the forge is to show of %s: %w", in, err)
	}
	if !v.Label { // at once: nothing is to be merged on it meanwhile
		if err := to.Label(ctx, in.Repository, in.Number, merge.Label, false); err != nil {
			return done{}, err
		}
	}
	if err := to.Report(ctx, in.Repository, row.Head, v.Statuses); err != nil {
		return done{}, err
	}
	if v.Label {
		if err := to.Label(ctx, in.Repository, in.Number, merge.Label, true); err != nil {
			return done{}, err
		}
	}
	if err := to.Comment(ctx, in.Repository, in.Number, marker, v.Comment); err != nil {
		return done{}, err
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		now, known, err := tx.PullRequest(ctx, in.Forge, in.Repository, in.Number)
		if err != nil || !known {
			return err
		}
		now.Shown = row.Wanted
		if err := tx.PutPullRequest(ctx, now); err != nil || now.Wanted == now.Shown {
			return err
		}
		return s.once(ctx, tx, jobPublish, j.Subject, in, "server")
	}}, nil
}

// folderOf is an app's folder in the repository.
func folderOf(r merge.Rules, app string) string {
	for _, a := range r.Apps {
		if a.Name == app {
			return a.Folder
		}
	}
	return "."
}
