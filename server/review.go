package server

import (
	"context"
	"regexp"
	"slices"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/store"
)

// reviewing is reviewOf of one commit, for when it is released.
func (s *Server) reviewing(a at, commit string) func(context.Context) (*slipway.ChangeReview, error) {
	return func(ctx context.Context) (*slipway.ChangeReview, error) { return s.reviewOf(ctx, a, commit) }
}

// reviewOf says what people said of the pull request by which a commit came to its
// branch, as the forge has it now; nil: by none that is known. It is one that the forge
// names, or whose head is the commit or was merged by it, or whose number is in the
// commit's message, where both change the same.
func (s *Server) reviewOf(ctx context.Context, a at, commit string) (*slipway.ChangeReview, error) {
	h, _ := s.forge(a.Forge)
	from, ok := h.Forge.(forge.Requests)
	if !ok {
		return nil, nil
	}
	m, err := s.mirror(ctx, a, commit)
	if err != nil {
		return nil, err
	}
	c, err := m.Commit(ctx, commit)
	if err != nil {
		return nil, err
	}
	numbers, err := s.candidates(ctx, a, from, c)
	if err != nil {
		return nil, err
	}
	for _, number := range numbers {
		pr, err := from.PullRequest(ctx, a.Repository, number)
		if err != nil {
			return nil, err
		}
		if pr.State != "merged" {
			continue
		}
		came, err := s.cameAs(ctx, a, m, pr, c)
		if err != nil {
			return nil, err
		}
		if came {
			r := slipway.ReviewOf(pr, commit)
			return &r, nil
		}
	}
	return nil, nil
}

// namesRequest finds the numbers of pull requests in the message of a commit.
var namesRequest = regexp.MustCompile(`[#!]([0-9]{1,9})\b`)

// candidates are the pull requests by which a commit may have come: those that the
// forge names, also if none was ever seen open; those that have it, or one that it was
// made on, as their head; and those that its message names.
func (s *Server) candidates(ctx context.Context, a at, from forge.Requests, c slipway.Commit) ([]int, error) {
	all, err := from.RequestsOf(ctx, a.Repository, c.ID)
	if err != nil {
		return nil, err
	}
	for _, head := range append([]string{c.ID}, c.Parents...) {
		rows, err := s.store.PullRequests(ctx, store.RequestFilter{Forge: a.Forge, Repository: a.Repository, Head: head}, store.PullRequest{}, maxCandidates)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			all = append(all, row.Number)
		}
	}
	for _, m := range namesRequest.FindAllStringSubmatch(c.Message, maxCandidates) {
		number, err := strconv.Atoi(m[1])
		if err != nil {
			continue // the pattern lets no other through
		}
		_, known, err := s.store.PullRequest(ctx, a.Forge, a.Repository, number)
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, number)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// maxCandidates is how many pull requests are looked at for one commit.
const maxCandidates = 20

// cameAs reports whether a pull request came to its branch as a commit: its head is
// the commit, or was merged by it, or changes the very same as the commit, or as the
// last commits, as many as the pull request has.
func (s *Server) cameAs(ctx context.Context, a at, m *git.Mirror, pr slipway.PullRequest, c slipway.Commit) (bool, error) {
	if pr.Head == c.ID || len(c.Parents) > 1 && slices.Contains(c.Parents[1:], pr.Head) {
		return true, nil
	}
	if len(c.Parents) != 1 {
		return false, nil
	}
	if _, err := s.mirror(ctx, a, pr.Head); err != nil {
		return false, err
	}
	same := func(base string) (bool, error) {
		proposed, err := s.changeOf(ctx, m, base, pr.Head)
		if err != nil || proposed == "" {
			return false, err
		}
		came, err := m.Change(ctx, base, c.ID)
		return came == proposed, err
	}
	if squashed, err := same(c.Parents[0]); err != nil || squashed || len(pr.Commits) < 2 {
		return squashed, err
	}
	base := c
	for range pr.Commits { // rebased
		if len(base.Parents) != 1 {
			return false, nil
		}
		var err error
		if base, err = m.Commit(ctx, base.Parents[0]); err != nil {
			return false, err
		}
	}
	return same(base.ID)
}
