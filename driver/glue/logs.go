package glue

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

const (
	// lateRounds is how often the log of a run that has ended is read once more:
	// what it printed last arrives late.
	lateRounds = 15
	// quietRounds is how many of them in a row without a line are its end, once there
	// was one, or where nothing ever was to be read.
	quietRounds = 3
	// longOver is how long ago a run must have ended for nothing to be late.
	longOver = 10 * time.Minute
	// unknownRounds is how long a run in a state that nobody knows is followed
	// without a line.
	unknownRounds = 300
	// failedRounds is how many times in a row reading the log may fail on the way.
	failedRounds = 5
)

// Logs writes what a run printed to w: the lines of all its streams, in the order
// of their times. Those of executors begin with who wrote them.
func (d *Driver) Logs(ctx context.Context, h slipway.Handle, id string, follow bool, w io.Writer) error {
	s, err := d.sight(ctx, h, id)
	if err != nil {
		return err
	}
	if s.note.GlueRun == "" {
		return nil // nobody can say whether it was started
	}
	place, hide, err := d.logPlace(ctx, s)
	if err != nil {
		return err
	}
	t := &tail{d: d, run: s.note.GlueRun, place: place, hide: hide, to: bufio.NewWriter(w)}
	if s.latest != nil {
		t.since = timeOf(s.latest.StartedOn)
	}
	if follow {
		err = t.follow(ctx, &s)
	} else {
		t.ended = s.run().Ended
		_, err = t.drain(ctx)
	}
	if err == nil && t.lines == 0 && s.run().State.Ended() {
		return t.expired(ctx, s.run())
	}
	return err
}

// logPlace says where a run's logs are, and what hides secrets in them.
func (d *Driver) logPlace(ctx context.Context, s sighting) (logPlace, *strings.Replacer, error) {
	place, arguments := s.note.Logs, s.note.Arguments
	if s.latest != nil {
		arguments = s.latest.Arguments
	}
	out, err := d.glue.GetJob(ctx, &glue.GetJobInput{JobName: &s.job})
	if err != nil && codeOf(err) != codeNotFound {
		return place, nil, d.explain(err, "glue:GetJob", "job/"+s.job)
	}
	hidden := []map[string]string{arguments}
	if err == nil {
		hidden = append(hidden, out.Job.DefaultArguments, out.Job.NonOverridableArguments)
		if s.version == "" {
			place = placeOf(out.Job, arguments)
		}
	} else if s.version == "" {
		place = placeOf(nil, arguments)
	}
	if s.latest != nil {
		place.Group = cmp.Or(aws.ToString(s.latest.LogGroupName), place.Group)
		place.Security = cmp.Or(aws.ToString(s.latest.SecurityConfiguration), place.Security)
	}
	return place, hider(hidden), nil
}

// hider hides the values of arguments that may be secrets.
func hider(arguments []map[string]string) *strings.Replacer {
	var pairs []string
	for _, all := range arguments {
		for name, value := range all {
			if len(value) >= 4 && driver.SecretName(name, value) {
				pairs = append(pairs, value, driver.Masked)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// A tail reads the logs of a run.
type tail struct {
	d     *Driver
	run   string // Glue's id of its first attempt
	place logPlace
	hide  *strings.Replacer
	to    *bufio.Writer
	since time.Time // when it began
	ended time.Time // when it ended; zero: not yet

	streams []*stream
	missing map[string]bool // groups that are not there
	calls   int
	rounds  int
	lines   int
	moment  moment
}

// follow reads until the run has ended and its log is quiet.
func (t *tail) follow(ctx context.Context, s *sighting) error {
	quiet, late, failed := 0, 0, 0
	for {
		run := s.run()
		t.ended = run.Ended
		lines, err := t.drain(ctx)
		switch {
		case err == nil || lines > 0:
			failed = 0
		case ctx.Err() != nil || !passing(err) || failed == failedRounds:
			return err
		default:
			failed++
		}
		quiet++
		if lines > 0 || err != nil {
			quiet = 0
		}
		switch {
		case run.State.Ended():
			late++
			if late >= lateRounds || quiet >= quietRounds && (t.lines > 0 || len(t.streams) == 0) || err == nil && t.d.now().Sub(run.Ended) > longOver {
				return err
			}
		case run.State == slipway.RunUnknown && quiet > unknownRounds:
			return err
		}
		if err := t.d.cfg.Pause(ctx, poll); err != nil {
			return err
		}
		if err := t.d.refresh(ctx, s); err != nil && !passing(err) {
			return err
		}
	}
}

// passing reports whether an error may be gone the next time.
func passing(err error) bool {
	return throttled(err) || codeOf(err) == "" || statusOf(err) >= http.StatusInternalServerError
}

// drain writes all lines that are there, and says how many they were. What was
// read before an error is written; nothing is written twice.
func (t *tail) drain(ctx context.Context) (lines int, err error) {
	err = t.discover(ctx)
	t.rounds++
	for _, s := range t.streams {
		s.drained = false
	}
	for err == nil {
		var first *stream
		for _, s := range t.streams {
			if err = t.fill(ctx, s); err != nil {
				break
			}
			if len(s.events) > 0 && (first == nil || s.time() < first.time()) {
				first = s
			}
		}
		if err != nil || first == nil {
			break
		}
		if t.moment.first(first) {
			err = t.write(first)
			lines++
		}
		first.events = first.events[1:]
	}
	t.lines += lines
	if flushed := t.to.Flush(); err == nil {
		err = flushed
	}
	return lines, err
}

// write writes the first event of a stream, which may be several lines.
func (t *tail) write(s *stream) error {
	text := strings.TrimSuffix(aws.ToString(s.events[0].Message), "\n")
	for line := range strings.SplitSeq(text, "\n") {
		if s.who != "" {
			line = "[" + s.who + "] " + line
		}
		if _, err := t.to.WriteString(t.hide.Replace(strings.TrimSuffix(line, "\r")) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// expired says that a run's log is gone, if its log groups do not keep it so long.
func (t *tail) expired(ctx context.Context, run slipway.Run) error {
	for _, group := range t.place.groups()[:2] {
		out, err := t.d.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
		if err != nil {
			t.d.cfg.Log.DebugContext(ctx, "how long a log is kept is not known", "group", group, "error", err)
			continue
		}
		for _, g := range out.LogGroups {
			days := int(aws.ToInt32(g.RetentionInDays))
			if aws.ToString(g.LogGroupName) == group && days > 0 && run.Ended.AddDate(0, 0, days).Before(t.d.now()) {
				return slipway.Errorf(slipway.Unavailable, "the log of run %s is gone: the log group %s keeps lines for %d days", run.ID, group, days).
					WithFix("to keep later ones longer: aws logs put-retention-policy --log-group-name %s --retention-in-days %d", group, longer(days))
			}
		}
	}
	return nil
}

// longer is a time that CloudWatch can keep lines for, beyond days.
func longer(days int) int {
	for _, n := range []int{30, 90, 365, 731} {
		if n > days {
			return n
		}
	}
	return 3653
}

// explainLogs is explain for a log group.
func (t *tail) explainLogs(err error, action, group string) error {
	return t.d.explain(err, "logs:"+action, fmt.Sprintf("log-group:%s:*", group))
}
