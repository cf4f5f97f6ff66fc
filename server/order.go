package server

import (
	"context"
	"fmt"

	"github.com/slipway-cd/slipway/store"
)

// A job that has to be tried again, or that waits for somebody with the labels it needs,
// does not keep those that were made after it. What was asked for last is to stand at
// the end, and so it is not done any more once one of them has come to a good end.

// overtaken is the cause that ends a job because a newer one came first.
type overtaken struct{ why string }

func (o overtaken) Error() string { return "overtaken: " + o.why }

// overtakers are the kinds of jobs after which one of a kind is not done any more.
func overtakers(kind string) []string {
	switch kind {
	case jobPush:
		return []string{jobPush}
	case jobShip, jobDeploy, jobRollback, jobRemove:
		return []string{jobShip, jobDeploy, jobRollback, jobRemove}
	}
	return nil
}

// inTurn is an error if a newer job was done before j: of a push one of the same branch or
// tag, of what changes an environment one that changed it. None of them is under way, for
// they are on the subject of j.
func (s *Server) inTurn(ctx context.Context, j store.Job) error {
	kinds := overtakers(j.Kind)
	if kinds == nil {
		return nil
	}
	const most = 1000
	newer, err := s.store.Jobs(ctx, store.JobFilter{Subject: j.Subject, Kinds: kinds, States: []store.JobState{store.JobDone}, After: j.ID}, most)
	if err != nil {
		return err
	}
	in := aboutOf(j)
	for _, n := range newer {
		other := aboutOf(n)
		switch {
		case other.Ref != in.Ref || other.Environment != in.Environment:
		case j.Kind == jobPush:
			return overtaken{fmt.Sprintf("a newer push to %s, %.12s, was looked at first", in.Ref, other.Commit)}
		default:
			return overtaken{fmt.Sprintf("job %d, %s, was made after it and has changed %s since; ask again if this one is still wanted", n.ID, n.Kind, in.Environment)}
		}
	}
	return nil
}
