package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox/mask"
)

// attempts executes the script until it succeeds or the retries are used up. A
// run that exceeded its time or was stopped is not tried again, as in Glue.
func (s *supervisor) attempts(ctx context.Context) state {
	plan, err := s.prepare(ctx)
	if err != nil {
		return s.cut(ctx, err)
	}
	defer os.RemoveAll(plan.work) // what is left of a run's temporary files is harmless
	log, err := openLog(s.file(logFile), plan.secrets)
	if err != nil {
		return s.cut(ctx, err)
	}
	defer log.close()
	for n := 0; ; n++ {
		st := s.attempt(ctx, n, plan, log)
		s.state.Attempts = append(s.state.Attempts, attempt{st.State, st.Started, s.d.now(), st.ExitCode, st.Message})
		if st.State != slipway.RunFailed || n >= s.job.retries {
			st.Message = log.note(st.Message)
			return st
		}
		log.say(fmt.Sprintf("slipway: attempt %d of %d failed: %s", n+1, s.job.retries+1, st.Message))
	}
}

// attempt executes the script once.
func (s *supervisor) attempt(ctx context.Context, n int, plan launch, log *runLog) state {
	if err := s.beginAttempt(n); err != nil {
		return s.cut(ctx, err)
	}
	if err := os.Remove(filepath.Join(s.file(workFolder), resultFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return s.cut(ctx, err)
	}
	limited, cancel := s.limit(ctx)
	defer cancel()
	end, err := execute(limited, plan, s.d.cfg.Grace, log, func() error {
		running := s.state
		running.State = slipway.RunRunning
		return s.record(running)
	})
	switch {
	case err != nil:
		return s.cut(ctx, err)
	case end.cut && errors.Is(context.Cause(limited), errTimeLimit):
		st := s.state
		st.State, st.Message = slipway.RunTimeout, "exceeded its time limit of "+slipway.DurationText(s.job.timeout)
		return st
	case end.cut:
		return s.cut(ctx, context.Cause(ctx))
	}
	return s.judge(end.status, plan.secrets)
}

// beginAttempt records that the script is about to be started; the first time it
// is on record already, unless the run had to wait.
func (s *supervisor) beginAttempt(n int) error {
	if n == 0 && s.state.State == slipway.RunStarting {
		return nil
	}
	return s.record(state{State: slipway.RunStarting, Attempt: n, Started: s.d.now()})
}

// errTimeLimit is why the context of an attempt ends that takes too long.
var errTimeLimit = errors.New("time limit")

func (s *supervisor) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.job.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, s.job.timeout, errTimeLimit)
}

// judge says what a script's end means.
func (s *supervisor) judge(status syscall.WaitStatus, secrets mask.Masker) state {
	st := s.state
	st.State = slipway.RunSucceeded
	if status.Signaled() {
		st.State, st.Message = slipway.RunFailed, killedBy(status.Signal())
		return st
	}
	code := status.ExitStatus()
	st.ExitCode = &code
	if code != 0 {
		st.State, st.Message = slipway.RunFailed, secrets.Text(s.lastWord(code))
	}
	return st
}

// lastWord is what the launcher says of a script that failed.
func (s *supervisor) lastWord(code int) string {
	var result struct {
		Error string `json:"error"`
	}
	data, err := os.ReadFile(filepath.Join(s.file(workFolder), resultFile))
	if err == nil && json.Unmarshal(data, &result) == nil && result.Error != "" {
		return result.Error
	}
	return fmt.Sprintf("exit code %d", code)
}

func killedBy(sig syscall.Signal) string {
	text := fmt.Sprintf("killed by signal %d (%s)", int(sig), sig)
	if sig == syscall.SIGKILL {
		text += "; the machine may have run out of memory"
	}
	return text
}

// workDir is the folder that the script starts in.
func (s *supervisor) workDir() string {
	if s.d.cfg.WorkDir != "" {
		return s.d.cfg.WorkDir
	}
	return filepath.Clean(s.folder)
}
