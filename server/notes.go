package server

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/notebook/diff"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// How much of it goes into the comment on a pull request. GitHub takes 65,536
// characters, and nobody reads more.
const (
	mostNote      = 20_000 // characters about one app
	mostNotebooks = 5
	mostLines     = 200 // of a notebook's diff
)

// plans says what merging would deploy, and what guard rails say to it. Nothing is
// asked of a runtime for a stranger's commit.
func (s *Server) plans(ctx context.Context, j store.Job, in checking, dir string) (notes string, facts []merge.PlanFact, err error) {
	p, err := s.platform()
	if err != nil {
		return "", nil, err
	}
	var b strings.Builder
	err = s.inCopyAs(ctx, j, dir, true, func(f *pipeline.Flow) error {
		to := f.Project.Manifest.Deliver.Push
		if len(to) == 0 {
			to = usual(p)
		}
		src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
		if err != nil {
			return err
		}
		for _, env := range to {
			fact := merge.PlanFact{App: f.Project.Manifest.App, Environment: env, Commit: in.Head}
			plan, err := f.PlanSource(ctx, src, env, "")
			switch {
			case passing(err) || ctx.Err() != nil:
				return err
			case err != nil:
				fact.Problem = err.Error()
				fmt.Fprintf(&b, "### `%s` to `%s`\n\nThere is no plan: %s\n\n", fact.App, env, plainText(err.Error()))
			default:
				fact.Rails = plan.Rails
				if err := s.PlanText(&b, plan); err != nil {
					return err
				}
				b.WriteString("\n")
			}
			facts = append(facts, fact)
		}
		return nil
	})
	return cutText(b.String(), mostNote), facts, err
}

// notebooks shows what changes in the notebooks of a pull request, cell by cell.
func (s *Server) notebooks(ctx context.Context, a at, pr slipway.PullRequest, folder string) (string, error) {
	m, err := s.mirror(ctx, a, pr.Head, pr.BaseCommit)
	if err != nil {
		return "", err
	}
	base, err := m.Base(ctx, pr.BaseCommit, pr.Head)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	shown := 0
	for _, f := range pr.Files {
		if path.Ext(f.Path) != ".ipynb" || f.Change == "removed" || !within(f.Path, folder) {
			continue
		}
		if shown++; shown > mostNotebooks {
			b.WriteString("More notebooks change.\n")
			break
		}
		if err := notebookNote(ctx, &b, m, base, pr.Head, f); err != nil {
			return "", err
		}
	}
	return cutText(b.String(), mostNote), nil
}

// notebookNote shows what changes in one notebook. One that cannot be read is said
// to be so; the build says why.
func notebookNote(ctx context.Context, b *strings.Builder, m *git.Mirror, base, head string, f slipway.ChangedFile) error {
	from := f.From
	if from == "" {
		from = f.Path
	}
	before, err := readNotebook(ctx, m, base, from)
	if err != nil {
		return err
	}
	after, err := readNotebook(ctx, m, head, f.Path)
	if err != nil {
		return err
	}
	if before == nil || after == nil {
		fmt.Fprintf(b, "`%s` cannot be compared: it is no notebook.\n\n", plainText(f.Path))
		return nil
	}
	d := diff.Compare(before, after, diff.Options{})
	var text bytes.Buffer
	if err := d.WriteText(&text, diff.TextOptions{From: from, To: f.Path, Context: 3}); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	if len(lines) > mostLines {
		lines = append(lines[:mostLines], "...")
	}
	fence := "```"
	for strings.Contains(text.String(), fence) {
		fence += "`"
	}
	fmt.Fprintf(b, "<details><summary>%s: %s</summary>\n\n%sdiff\n%s\n%s\n\n</details>\n\n", plainText(f.Path), plainText(d.Summary()), fence, strings.Join(lines, "\n"), fence)
	return nil
}

// readNotebook reads a notebook at a commit: an empty one if there is none, nil if
// it cannot be read.
func readNotebook(ctx context.Context, m *git.Mirror, commit, file string) (*diff.Document, error) {
	data, err := m.ReadFile(ctx, commit, file)
	if slipway.KindOf(err) == slipway.NotFound || commit == "" {
		return diff.Empty(), nil
	}
	if err != nil {
		return nil, err
	}
	d, err := diff.Read(data)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // that it cannot be read is the answer
	}
	return d, nil
}

// plainText keeps what comes from files from being marks of HTML or Markdown, and
// from calling people.
func plainText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "@", "@\u200b", "\n", " ").Replace(text)
}

// cutText is as much of a text as there may be, up to the end of a line.
func cutText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := strings.LastIndex(text[:most], "\n")
	if strings.Count(text[:max(end, 0)], "<details>") > strings.Count(text[:max(end, 0)], "</details>") {
		end = strings.LastIndex(text[:max(end, 0)], "<details>")
	}
	return text[:max(end, 0)] + "\nThe rest is left out.\n"
}
