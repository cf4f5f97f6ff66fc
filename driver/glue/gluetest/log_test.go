package gluetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

func TestLogsAreReadFromWhereOneWas(t *testing.T) {
	f := newWorld(t)
	run := f.Runs("etl")[0]
	l := cloudwatchlogs.NewFromConfig(f.Config())
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/aws-glue/jobs/output"), LogStreamName: &run, StartFromHead: aws.Bool(true)}
	var lines []string
	for _, print := range []string{"", "two", "", "three"} {
		if print != "" {
			f.Print(run, gluetest.Output, print)
		}
		out, err := l.GetLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Events) == 0 && *out.NextForwardToken != *in.NextToken {
			t.Error("at the end the token stays the same")
		}
		for _, e := range out.Events {
			lines = append(lines, *e.Message)
		}
		in.NextToken = out.NextForwardToken
	}
	if diff := cmp.Diff([]string{"hello", "two", "three"}, lines); diff != "" {
		t.Error(diff)
	}
	if f.Print("jr_none", gluetest.Output, "x") {
		t.Error("a run that is not there printed")
	}
	in.NextToken = aws.String("x")
	wantError(t, call(l.GetLogEvents, in)(t.Context()), "InvalidParameterException", "The specified nextToken is invalid.")
	in.LogStreamName = aws.String("none")
	wantError(t, call(l.GetLogEvents, in)(t.Context()), "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestStreamsAreFoundAndFiltered(t *testing.T) {
	f := newWorld(t)
	run := f.Runs("etl")[0]
	l := cloudwatchlogs.NewFromConfig(f.Config())
	f.Print(run, gluetest.Driver, "INFO driver one")
	f.Advance(time.Second)
	f.Print(run, gluetest.Executor(1), "ERROR executor")
	f.Print(run, gluetest.ProgressBar, "50%")
	f.Print(run, gluetest.Driver, "ERROR driver two")
	group := aws.String("/aws-glue/jobs/logs-v2")
	streams, err := l.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group, LogStreamNamePrefix: &run})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range streams.LogStreams {
		names = append(names, strings.TrimPrefix(*s.LogStreamName, run))
	}
	if diff := cmp.Diff([]string{"-1", "-driver", "-progress-bar"}, names); diff != "" {
		t.Error(diff)
	}
	f.PageMost(1)
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(l, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("ERROR")})
	var lines []string
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			lines = append(lines, *e.Message)
		}
	}
	if diff := cmp.Diff([]string{"ERROR executor", "ERROR driver two"}, lines); diff != "" {
		t.Error(diff)
	}
	_, err = l.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = l.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("{ $.x = 1 }")})
	wantError(t, err, "InvalidParameterException", "plain words only")
}

func TestARunWithASecurityConfigurationHasLogsOfItsOwn(t *testing.T) {
	f := newWorld(t)
	run := start(t, f, glue.StartJobRunInput{SecurityConfiguration: aws.String("kms")})
	f.Print(run, gluetest.Stderr, "oh")
	f.Log("/aws-glue/python-jobs/output", run, "hm")
	out, err := cloudwatchlogs.NewFromConfig(f.Config()).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range out.LogGroups {
		names = append(names, *g.LogGroupName)
	}
	if diff := cmp.Diff([]string{"/aws-glue/jobs-role-kms/error", "/aws-glue/jobs/output", "/aws-glue/python-jobs/output"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestOldLinesAreGone(t *testing.T) {
	f := newWorld(t)
	l := cloudwatchlogs.NewFromConfig(f.Config())
	group, run := "/aws-glue/jobs/output", f.Runs("etl")[0]
	f.Retain(group, 7)
	f.Advance(5 * 24 * time.Hour)
	f.Print(run, gluetest.Output, "later")
	f.Advance(5 * 24 * time.Hour)
	out, err := l.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &run})
	if err != nil || len(out.Events) != 1 || *out.Events[0].Message != "later" {
		t.Errorf("%v, %v", out, err)
	}
	f.Advance(5 * 24 * time.Hour)
	streams, err := l.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group})
	if err != nil || len(streams.LogStreams) != 0 {
		t.Errorf("%v, %v", streams, err)
	}
	groups, err := l.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
	if err != nil || *groups.LogGroups[0].RetentionInDays != 7 {
		t.Errorf("%v, %v", groups, err)
	}
}
