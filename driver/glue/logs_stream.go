package glue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	// CloudWatch allows some 25 reads a second in an account, and others read too.
	callsAtOnce = 10
	breath      = time.Second
	// lookForGroups is in how many rounds log groups are looked for that were not
	// there.
	lookForGroups = 5
	codeNoGroup   = "ResourceNotFoundException"
	codeDenied    = "AccessDeniedException"
)

// A stream is one log stream of a run, read up to a token.
type stream struct {
	group, name string
	who         string // who writes it; empty for the driver
	shared      bool   // by several runs, so that only the time tells which lines are whose
	token       *string
	events      []types.OutputLogEvent // read and not yet written
	drained     bool                   // there is no more for now
}

// time is that of the first event, in milliseconds.
func (s *stream) time() int64 { return aws.ToInt64(s.events[0].Timestamp) }

// discover finds the streams that have come up since the last time. That a group
// may not be read is an error only where no other has anything.
func (t *tail) discover(ctx context.Context) error {
	var denied error
	if t.missing == nil {
		t.missing = map[string]bool{}
	}
	for _, group := range t.place.groups() {
		if t.missing[group] && t.rounds%lookForGroups != 0 && t.ended.IsZero() {
			continue
		}
		found, err := t.discoverIn(ctx, group, t.run)
		if err == nil && !found && t.place.Stream != "" {
			_, err = t.discoverIn(ctx, group, t.place.Stream)
		}
		if codeOf(err) == codeDenied {
			t.missing[group], denied, err = true, cmp.Or(denied, err), nil
		}
		if err != nil {
			return err
		}
	}
	if len(t.streams) == 0 {
		return denied
	}
	return nil
}

// discoverIn finds a run's streams in one group by how their names begin.
func (t *tail) discoverIn(ctx context.Context, group, prefix string) (found bool, err error) {
	in := &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group, LogStreamNamePrefix: &prefix}
	for {
		if err := t.breathe(ctx); err != nil {
			return found, err
		}
		out, err := t.d.logs.DescribeLogStreams(ctx, in)
		t.missing[group] = codeOf(err) == codeNoGroup
		if t.missing[group] {
			return false, nil
		}
		if err != nil {
			return found, t.explainLogs(err, "DescribeLogStreams", group)
		}
		for _, s := range out.LogStreams {
			name := aws.ToString(s.LogStreamName)
			if who, ok := writer(name, t.run, t.place.Stream); ok {
				found = true
				t.add(&stream{group: group, name: name, who: who, shared: !strings.Contains(name, t.run)})
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

func (t *tail) add(s *stream) {
	if !slices.ContainsFunc(t.streams, func(have *stream) bool { return have.group == s.group && have.name == s.name }) {
		t.streams = append(t.streams, s)
	}
}

// fill reads on in a stream until there is an event to write, or no more for now:
// then AWS gives back the token that it was given. A page without an event is no
// end.
func (t *tail) fill(ctx context.Context, s *stream) error {
	for len(s.events) == 0 && !s.drained {
		if err := t.breathe(ctx); err != nil {
			return err
		}
		in := &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: &s.group, LogStreamName: &s.name, StartFromHead: aws.Bool(true), NextToken: s.token,
		}
		if s.shared {
			in.StartTime = aws.Int64(t.since.UnixMilli())
			if !t.ended.IsZero() {
				in.EndTime = aws.Int64(t.ended.Add(time.Minute).UnixMilli())
			}
		}
		out, err := t.d.logs.GetLogEvents(ctx, in)
		if codeOf(err) == codeNoGroup {
			s.drained = true // it was removed
			return nil
		}
		if err != nil {
			return t.explainLogs(err, "GetLogEvents", s.group)
		}
		s.drained = s.token != nil && aws.ToString(s.token) == aws.ToString(out.NextForwardToken)
		s.token, s.events = out.NextForwardToken, out.Events
	}
	return nil
}

// breathe keeps to as many calls as CloudWatch allows.
func (t *tail) breathe(ctx context.Context) error {
	t.calls++
	if t.calls%callsAtOnce == 0 {
		return t.d.cfg.Pause(ctx, breath)
	}
	return nil
}

// A moment is what was written of one millisecond: Glue may write the same line of
// its own log to the continuous log and to the standard error's.
type moment struct {
	time  int64
	lines map[string]string // to the group that it is from
}

// first reports whether the first event of a stream was not written before.
func (m *moment) first(s *stream) bool {
	if strings.HasSuffix(s.group, "/output") {
		return true
	}
	if m.lines == nil || m.time != s.time() {
		m.time, m.lines = s.time(), map[string]string{}
	}
	line := s.who + "\x00" + strings.TrimSuffix(aws.ToString(s.events[0].Message), "\n")
	group, written := m.lines[line]
	if !written {
		m.lines[line] = s.group
	}
	return !written || group == s.group
}
