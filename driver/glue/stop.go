package glue

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/slipway-cd/slipway"
)

const (
	// poll is the pause between two looks at a run.
	poll = 2 * time.Second
	// stopAgain is after how many looks at a run that does not stop it is asked to
	// stop once more.
	stopAgain = 15
	codeOver  = "JobRunInTerminalStateException"
)

// Stop ends a run and waits until it has ended.
func (d *Driver) Stop(ctx context.Context, h slipway.Handle, id string) error {
	s, err := d.sight(ctx, h, id)
	if err != nil {
		return err
	}
	if s.note.GlueRun == "" && s.note.Ended == nil {
		return slipway.Errorf(slipway.Unavailable, "run %s cannot be stopped: %s", id, s.run().Message)
	}
	for look := 0; !s.run().State.Ended(); look++ {
		if s.gone {
			return slipway.Errorf(slipway.Unavailable, "run %s cannot be stopped: %s", id, s.run().Message)
		}
		if look%stopAgain == 0 && s.run().State != slipway.RunStopping {
			if err := d.askToStop(ctx, &s); err != nil {
				return err
			}
		} else if err := d.cfg.Pause(ctx, poll); err != nil {
			return err
		}
		if err := d.refresh(ctx, &s); err != nil {
			return err
		}
	}
	return nil
}

// askToStop asks Glue to stop the latest attempt of a run. That it has ended in the
// meantime is no error. Asking twice is the same as asking once.
func (d *Driver) askToStop(ctx context.Context, s *sighting) error {
	id := s.note.GlueRun
	if s.latest != nil {
		id = aws.ToString(s.latest.Id)
	}
	out, err := d.glue.BatchStopJobRun(ctx, &glue.BatchStopJobRunInput{JobName: &s.job, JobRunIds: []string{id}})
	if err != nil {
		return d.explain(err, "glue:BatchStopJobRun", "job/"+s.job)
	}
	for _, failed := range out.Errors {
		if failed.ErrorDetail == nil {
			continue
		}
		code, message := aws.ToString(failed.ErrorDetail.ErrorCode), aws.ToString(failed.ErrorDetail.ErrorMessage)
		if err := d.refresh(ctx, s); err != nil || s.run().State.Ended() || s.retry {
			return err
		}
		if code == codeOver || code == codeNotFound && s.latest == nil {
			return nil // what Glue shows is late
		}
		return slipway.Errorf(slipway.Unavailable, "AWS Glue does not stop run %s: %s: %s", s.note.ID, code, message).
			WithFix("call again, or stop %s in the console", id)
	}
	return nil
}
