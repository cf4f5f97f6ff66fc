package server

import (
	"context"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// againWord is the comment by which somebody who may write to the repository has
// the checks of the head asked once more.
const againWord = "/slipway check"

// words does what comments ask for. Each is heard once, under the comment's id,
// whatever is pushed after. That a stranger's commit may be built, by /slipway build,
// is a matter of the merge requirements.
func (s *Server) words(ctx context.Context, tx *store.Tx, in asked, f *merge.Facts) error {
	for _, c := range f.PullRequest.Comments {
		if !asksAgain(c) || !mayWrite(f.Permissions[c.By]) || merge.MayBuild(*f).Missing() {
			continue
		}
		check := s.checkingOf(in, *f)
		if len(check.Apps) == 0 {
			continue
		}
		check.Again = true
		subject := "check/" + in.String()
		j, made, err := tx.Enqueue(ctx, store.Job{
			Key: subject + "/comment/" + c.ID, Kind: jobCheck, Subject: subject, Input: toJSON(check), Made: s.Clock(), By: c.By,
		})
		if err != nil {
			return err
		}
		if made {
			if err := tx.Replace(ctx, subject, jobCheck, j.ID, c.By+" asked again", s.Clock()); err != nil {
				return err
			}
			f.Checks = queued(f.Rules, check, s.Clock())
		}
	}
	return nil
}

func asksAgain(c slipway.Comment) bool {
	for line := range strings.Lines(c.Body) {
		if strings.TrimSpace(line) == againWord {
			return true
		}
	}
	return false
}

func mayWrite(permission string) bool {
	return permission == string(forge.Write) || permission == string(forge.Admin)
}
