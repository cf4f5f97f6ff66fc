package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/server/comment"
	"github.com/slipway-cd/slipway/store"
)

// ours begins every comment of ours. What we say is no word of anybody.
const ours = "<!-- slipway"

// answerMarker begins the one answer to a comment.
func answerMarker(id string) string { return ours + " answer " + id + " -->" }

// mostAge is how old a comment may be to be acted on when it is first seen. An older
// one may have been acted on by a server whose data are gone.
const mostAge = 24 * time.Hour

// A remark names a comment on a pull request.
type remark struct {
	asked
	ID string `json:"id"`
}

func (t remark) subject() string { return "answer/" + t.String() + "/" + t.ID }

// asking are the comments of a pull request that ask for something and that nobody
// has answered. What we say ourselves is left out of the others.
func (s *Server) asking(ctx context.Context, in asked, pr *slipway.PullRequest) ([]slipway.Comment, error) {
	var all []slipway.Comment
	for _, c := range pr.Comments {
		if !strings.HasPrefix(c.Body, ours) && len(comment.Read(c.Body)) > 0 {
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		done, err := s.answered(ctx, in, pr.Comments)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(c slipway.Comment) bool { return done[c.ID] })
	}
	pr.Comments = slices.DeleteFunc(pr.Comments, func(c slipway.Comment) bool { return strings.HasPrefix(c.Body, ours) })
	return all, nil
}

// answered are the ids of comments that have an answer of ours at the forge.
func (s *Server) answered(ctx context.Context, in asked, comments []slipway.Comment) (map[string]bool, error) {
	done := map[string]bool{}
	h, _ := s.forge(in.Forge)
	to, ok := h.Forge.(forge.Publisher)
	if !ok || !slices.ContainsFunc(comments, func(c slipway.Comment) bool { return strings.HasPrefix(c.Body, ours+" answer ") }) {
		return done, nil
	}
	self, err := to.Self(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range comments {
		rest, ok := strings.CutPrefix(c.Body, ours+" answer ")
		if id, _, closed := strings.Cut(rest, " -->"); ok && closed && strings.EqualFold(c.By, self.Login) {
			done[id] = true
		}
	}
	return done, nil
}

// hear keeps what is asked for in comments, and has it done. Each is heard once, under
// the forge's id, whatever it says by now.
func (s *Server) hear(ctx context.Context, tx *store.Tx, in asked, f merge.Facts, comments []slipway.Comment) error {
	for _, c := range comments {
		t := remark{in, c.ID}
		now := s.Clock()
		row := store.Comment{
			Forge: in.Forge, Repository: in.Repository, ID: c.ID, Number: in.Number, Login: c.By, Body: c.Body,
			Head: headAt(f.Pushes, c.Time), Made: c.Time, Heard: now, Answers: toJSON([]answer{}),
		}
		why := unheard(c, now)
		if why != nil {
			row.Answers = toJSON([]answer{refusal(comment.Read(c.Body)[0].Line, why)})
		}
		isNew, err := tx.HearComment(ctx, row)
		if err != nil {
			return err
		}
		if !isNew {
			continue
		}
		if why != nil {
			if err := s.once(ctx, tx, jobAnswer, t.subject(), t, "server"); err != nil {
				return err
			}
			continue
		}
		j := store.Job{
			Key: fmt.Sprintf("comment/%s/%s", in, c.ID), Kind: jobComment, Subject: "comment/" + in.String(), Input: toJSON(t), Made: now, By: c.By,
		}
		if _, _, err := s.enqueue(ctx, tx, j); err != nil {
			return err
		}
	}
	return nil
}

// unheard says why a comment is not acted on, whatever it asks for.
func unheard(c slipway.Comment, now time.Time) error {
	switch {
	case c.Edited:
		return slipway.Errorf(slipway.Invalid, "this comment was changed after it was written, perhaps by somebody else, so nothing is done").WithFix("write a new one")
	case now.Sub(c.Time) > mostAge:
		return slipway.Errorf(slipway.Invalid, "this comment is of %s, and nothing is done that is asked for so late", c.Time.UTC().Format("2006-01-02 15:04 UTC")).WithFix("write a new one")
	}
	return nil
}

// headAt is the head that a pull request had at a time; empty if that is not known.
func headAt(pushes []merge.Push, at time.Time) string {
	head := ""
	for _, p := range pushes {
		if !p.Time.IsZero() && !p.Time.After(at) {
			head = p.Head
		}
	}
	return head
}

// answersOf reads what came of a comment so far.
func answersOf(row store.Comment) ([]answer, error) {
	var all []answer
	if err := json.Unmarshal(row.Answers, &all); err != nil {
		return nil, fmt.Errorf("the answers to comment %s on %s#%d: %w", row.ID, row.Repository, row.Number, err)
	}
	return all, nil
}
