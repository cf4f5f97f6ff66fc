package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/store"
)

// An answer is what came of one command in a comment.
type answer struct {
	Line string `json:"line"`          // the command, as it was written
	Text string `json:"text"`          // Markdown
	Job  int64  `json:"job,omitempty"` // that does it; 0: it is done
}

// refusal is the answer to what is not done.
func refusal(line string, why error) answer {
	text := plainText(why.Error())
	if fix := slipway.FixOf(why); fix != "" {
		text += "\n→ " + plainText(fix)
	}
	return answer{Line: line, Text: text}
}

// keyOf is the name under which a comment asks for a job: sent again it is the same.
func keyOf(t remark, i int) string {
	data := toJSON([]any{t.Forge, t.Repository, t.Number, t.ID, i})
	return keyOfComment + base64.RawURLEncoding.EncodeToString(data)
}

const keyOfComment = "comment:"

// askedBy finds the comment that asked for a job, and which of its commands did.
func askedBy(key string) (t remark, i int, ok bool) {
	_, rest, ok := strings.Cut(key, "/"+keyOfComment)
	if !ok {
		return t, 0, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	data, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return t, 0, false
	}
	err = json.Unmarshal(data, &[]any{&t.Forge, &t.Repository, &t.Number, &t.ID, &i})
	return t, i, err == nil
}

// toldEnd has the answer to a comment brought up to date, if it was one that asked
// for the job that has ended.
func (s *Server) toldEnd(ctx context.Context, tx *store.Tx, j store.Job) error {
	t, i, ok := askedBy(j.Key)
	if !ok {
		return nil
	}
	row, known, err := tx.Comment(ctx, t.Forge, t.Repository, t.ID)
	if err != nil || !known {
		return err
	}
	all, err := answersOf(row)
	if err != nil {
		return err
	}
	if i < len(all) && all[i].Job != j.ID { // another one in its place, once a gate had opened
		all[i].Job = j.ID
		row.Answers = toJSON(all)
		if err := tx.PutAnswers(ctx, row); err != nil {
			return err
		}
	}
	return s.once(ctx, tx, jobAnswer, t.subject(), t, "server")
}

// reply brings the forge to show what came of a comment.
func (s *Server) reply(ctx context.Context, j store.Job) (done, error) {
	t, err := input[remark](j)
	if err != nil {
		return done{}, err
	}
	h, _ := s.forge(t.Forge)
	to, ok := h.Forge.(forge.Publisher)
	row, known, err := s.store.Comment(ctx, t.Forge, t.Repository, t.ID)
	if err != nil || !ok || !known {
		return done{}, err
	}
	text, err := s.replyText(ctx, row)
	if err != nil {
		return done{}, err
	}
	digest := string(slipway.DigestOf([]byte(text)))
	if digest == row.Shown {
		return done{}, nil
	}
	if err := to.Comment(ctx, t.Repository, t.Number, answerMarker(t.ID), text); err != nil {
		return done{}, err
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		now, known, err := tx.Comment(ctx, t.Forge, t.Repository, t.ID)
		if err != nil || !known {
			return err
		}
		now.Shown = digest
		return tx.PutAnswers(ctx, now)
	}}, nil
}

// replyText is the answer to a comment.
func (s *Server) replyText(ctx context.Context, row store.Comment) (string, error) {
	all, err := answersOf(row)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(answerMarker(row.ID) + "\n")
	for _, a := range all {
		text := a.Text
		if a.Job != 0 {
			if text, err = s.jobText(ctx, a); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(&b, "> `%s`\n\n%s\n\n", plainText(a.Line), strings.TrimSpace(text))
	}
	return cutText(b.String(), 2*mostNote), nil
}

// jobText says how far a job is that a comment asked for, and what came of it.
func (s *Server) jobText(ctx context.Context, a answer) (string, error) {
	j, ok, err := s.store.Job(ctx, a.Job)
	if err != nil {
		return "", err
	}
	if !ok { // so long ago that nobody asks any more
		return a.Text, nil
	}
	name := fmt.Sprintf("Job %d", j.ID)
	if s.URL != "" {
		name = fmt.Sprintf("[%s](%s%s/jobs/%d)", name, strings.TrimSuffix(s.URL, "/"), Root, j.ID)
	}
	switch j.State {
	case store.JobWaiting, store.JobRunning:
		return name + ": under way.", nil
	case store.JobDone:
		return cameOf(name, j), nil
	case store.JobFailed:
		var o Outcome
		if err := json.Unmarshal(j.Outcome, &o); err != nil {
			return name + ": failed.", nil //nolint:nilerr // it says at least that
		}
		text := name + ": " + plainText(o.Message)
		if o.Fix != "" {
			text += "\n→ " + plainText(o.Fix)
		}
		return text, nil
	default:
		return fmt.Sprintf("%s: %s: %s.", name, j.State, plainText(j.Stop)), nil
	}
}

// cameOf says in a few words what a job did.
func cameOf(name string, j store.Job) string {
	var out struct {
		Text       string             `json:"text"` // what is to be said, as Markdown
		Deployment slipway.Deployment `json:"deployment"`
		Made       bool               `json:"made"`    // of a deployment
		Changed    bool               `json:"changed"` // of a ship
		Run        string             `json:"id"`
		State      string             `json:"state"`
	}
	if json.Unmarshal(j.Outcome, &out) != nil {
		return name + ": done."
	}
	d := out.Deployment
	switch {
	case out.Text != "":
		return out.Text
	case d.Number == 0 && out.State != "":
		return fmt.Sprintf("%s: run `%s` %s.", name, plainText(out.Run), plainText(out.State))
	case d.Number == 0:
		return name + ": done."
	case !out.Made && !out.Changed && j.Attempt < 2: // one that was begun before may have done it itself
		return fmt.Sprintf("%s: `%s` has `%s` already (deployment %d).", name, plainText(d.Plan.Target.Environment), plainText(d.Plan.Target.Version), d.Number)
	}
	return fmt.Sprintf("%s: `%s` is live in `%s` (deployment %d).", name, plainText(d.Plan.Target.Version), plainText(d.Plan.Target.Environment), d.Number)
}
