package comment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server/comment"
)

func TestRead(t *testing.T) {
	endOfJanuary := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for line, want := range map[string]comment.Command{
		"/slipway":                                                          {Name: comment.Help},
		"/slipway help Ship":                                                {Name: comment.Help, About: "ship"},
		"/slipway explain":                                                  {Name: comment.Explain},
		"/slipway explain prod":                                             {Name: comment.Explain, Environment: "prod"},
		"/slipway\tplan v1  prod --app roads":                               {Name: comment.Plan, Version: "v1", Environment: "prod", App: "roads"},
		"/slipway check":                                                    {Name: comment.Check},
		"/slipway build 0123abcd":                                           {Name: comment.Build, Commit: "0123abcd"},
		"/slipway sign-off v1.4.0 for prod as qa":                           {Name: comment.SignOff, Version: "v1.4.0", Environment: "prod", Role: "qa"},
		"/slipway signoff v1 prod --as qa -m read the report":               {Name: comment.SignOff, Version: "v1", Environment: "prod", Role: "qa", Text: "read the report"},
		"/slipway sign-off v1 for prod as qa it's all good":                 {Name: comment.SignOff, Version: "v1", Environment: "prod", Role: "qa", Text: "it's all good"},
		"/slipway sign-off prod as qa until 2027-01-31 fine":                {Name: comment.SignOff, Environment: "prod", Role: "qa", Until: endOfJanuary, Text: "fine"},
		"/slipway sign-off v1 for prod as qa --no --comment no, it is bad":  {Name: comment.Reject, Version: "v1", Environment: "prod", Role: "qa", Text: "no, it is bad"},
		"/slipway sign-off v1 for prod as qa --comment no problem at all":   {Name: comment.SignOff, Version: "v1", Environment: "prod", Role: "qa", Text: "no problem at all"},
		"/slipway reject v1 for prod as qa it is bad":                       {Name: comment.Reject, Version: "v1", Environment: "prod", Role: "qa", Text: "it is bad"},
		"/slipway withdraw v1 for prod as qa":                               {Name: comment.Withdraw, Version: "v1", Environment: "prod", Role: "qa"},
		"/slipway sign-off v1 for prod as qa --withdraw":                    {Name: comment.Withdraw, Version: "v1", Environment: "prod", Role: "qa"},
		"/slipway grant roads big in prod until 2027-01-31 because we must": {Name: comment.Grant, App: "roads", Rail: "big", Environment: "prod", Until: endOfJanuary, Text: "we must"},
		"/slipway grant big prod --why we must --until 2027-01-31":          {Name: comment.Grant, Rail: "big", Environment: "prod", Until: endOfJanuary, Text: "we must"},
		`/slipway grant big prod where "run.workers <= 20" --until=2027-01-31 because “all of it”`: {Name: comment.Grant, Rail: "big", Environment: "prod", Until: endOfJanuary, Text: "all of it", Limit: "run.workers <= 20"},
		"/slipway revoke big in prod because it is over":                                           {Name: comment.Revoke, Rail: "big", Environment: "prod", Text: "it is over"},
		"/slipway ship staging":             {Name: comment.Ship, Environment: "staging"},
		"/slipway SHIP to staging 0123ABCD": {Name: comment.Ship, Environment: "staging", Commit: "0123abcd"},
		"/slipway promote v1 to prod":       {Name: comment.Promote, Version: "v1", Environment: "prod"},
		"/slipway deploy v1 prod":           {Name: comment.Deploy, Version: "v1", Environment: "prod"},
		"/slipway rollback prod to #7":      {Name: comment.Rollback, Environment: "prod", Deployment: 7},
		"/slipway rollback prod":            {Name: comment.Rollback, Environment: "prod"},
		"/slipway stop prod r-1":            {Name: comment.Stop, Environment: "prod", Run: "r-1"},
		"/slipway stop":                     {Name: comment.Cancel},
		"/slipway cancel 42":                {Name: comment.Cancel, Job: 42},
	} {
		want.Line = strings.TrimSpace(line)
		got := comment.Read("Please:\n  " + line + " \r\nthank you\n")
		if diff := cmp.Diff([]comment.Command{want}, got, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestNotUnderstood(t *testing.T) {
	for line, want := range map[string][2]string{
		"/slipway shpi prod":                                           {`there is no command "shpi"`, "did you mean /slipway ship?"},
		"/slipway frobnicate":                                          {`there is no command "frobnicate"`, "/slipway help lists them"},
		"/slipway " + strings.Repeat("x", 50):                          {`there is no command "` + strings.Repeat("x", 40) + `..."`, "/slipway help lists them"},
		"/slipway ship":                                                {"something is missing", "it is: /slipway ship ENV [COMMIT]"},
		"/slipway check now":                                           {"too many words", "it is: /slipway check"},
		"/slipway stop prod":                                           {"something is missing", "it is: /slipway stop ENV RUN"},
		"/slipway plan v../x prod":                                     {`"v../x" cannot be a version`, "use letters"},
		"/slipway rollback prod to yesterday":                          {`"yesterday" is not the number of a deployment`, ""},
		"/slipway rollback prod to":                                    {"behind to something is missing", "it is: /slipway rollback ENV [to NUMBER]"},
		"/slipway cancel all":                                          {`"all" is not the number of a job`, ""},
		"/slipway ship prod --apps x":                                  {"ship has no --apps", "did you mean --app?"},
		"/slipway ship prod --frobnicate":                              {"ship has no --frobnicate", "it is: /slipway ship ENV [COMMIT]"},
		"/slipway ship prod --app a --app b":                           {"app is there twice", ""},
		`/slipway ship "prod`:                                          {"a quote is not closed", ""},
		"/slipway sign-off v1 for prod":                                {"say in which role you sign", "as qa"},
		"/slipway sign-off v1 for prod as qa no, never":                {"is that a yes?", "/slipway reject says no"},
		"/slipway sign-off v1 for prod as qa --no --withdraw":          {"--no and --withdraw do not go together", ""},
		"/slipway sign-off v1 for prod as qa a --comment b":            {"comment is there twice", ""},
		"/slipway sign-off v1 for prod as qa --comment b --no c":       {"comment is there twice", ""},
		"/slipway sign-off v1 for prod as qa until soon":               {`"soon" is not a day`, "write it as 2027-01-31"},
		"/slipway grant big prod until 2027-01-31":                     {"say why", "because"},
		"/slipway grant big prod because I say so":                     {"say until when", "until 2027-01-31"},
		"/slipway grant a big prod until 2027-01-31 --app b because x": {"is it for b or for a?", ""},
	} {
		got := comment.Read(line)
		if len(got) != 1 || got[0].Err == nil {
			t.Errorf("%s is understood: %+v", line, got)
			continue
		}
		if err := got[0].Err; slipway.KindOf(err) != slipway.Invalid || err.Error() != want[0] && !strings.HasPrefix(err.Error(), want[0]) || !strings.Contains(slipway.FixOf(err), want[1]) {
			t.Errorf("%s: %q -> %q, want %q -> %q", line, err, slipway.FixOf(err), want[0], want[1])
		}
	}
}

// What is quoted, shown as code or hidden asks for nothing.
func TestLinesThatAskForNothing(t *testing.T) {
	body := "see /slipway ship prod\n> /slipway ship prod\n    /slipway ship prod\n\t/slipway ship prod\n```sh\n/slipway ship prod\n```\n~~~\n/slipway ship prod\n```\n/slipway ship prod\n~~~\n" +
		"<!-- /slipway ship prod -->\n<!--\n/slipway ship prod\n-->\n/slipwayship prod\n`/slipway ship prod`\n"
	if got := comment.Read(body); len(got) != 0 {
		t.Errorf("it asks for %+v", got)
	}
	if got := comment.Read(body + "/slipway ship staging\n"); len(got) != 1 || got[0].Environment != "staging" {
		t.Errorf("behind it nothing is heard: %+v", got)
	}
}

func TestMost(t *testing.T) {
	got := comment.Read(strings.Repeat("/slipway check\n", 100))
	if len(got) != comment.Most+1 || got[comment.Most].Err == nil || got[comment.Most].Err.Error() != "a comment may have 5 commands" {
		t.Errorf("there are %d: %+v", len(got), got[len(got)-1])
	}
}

func TestHelp(t *testing.T) {
	all := comment.HelpText("")
	for _, name := range []string{"help", "explain", "plan", "check", "build", "sign-off", "reject", "withdraw", "grant", "revoke", "ship", "promote", "deploy", "rollback", "stop", "cancel"} {
		if !strings.Contains(all, "| `/slipway "+name) {
			t.Errorf("help does not list %s", name)
		}
		one := comment.HelpText(name)
		_, example, _ := strings.Cut(one, "Example: `")
		got := comment.Read(strings.TrimSuffix(strings.TrimSpace(example), "`"))
		if len(got) != 1 || got[0].Err != nil || got[0].Name != name {
			t.Errorf("the example of %s is %q, which is read as %+v", name, example, got)
		}
	}
	if comment.HelpText("nothing") != all {
		t.Error("help about nothing is another help")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("/slipway sign-off v1 for prod as qa \"a b\" --until 2027-01-31\n> /slipway ship")
	f.Add("/slipway grant a b in c because “x” --until=2027-01-31")
	f.Add("<!--\n/slipway\n-->\n```\n")
	f.Fuzz(func(t *testing.T, body string) {
		all := comment.Read(body)
		if len(all) > comment.Most+1 {
			t.Fatalf("there are %d commands", len(all))
		}
		for _, c := range all {
			if !strings.HasPrefix(c.Line, comment.Word) || !strings.Contains(body, c.Line) {
				t.Fatalf("%q is no line of the comment", c.Line)
			}
			if c.Err == nil && c.Name == "" {
				t.Fatalf("%q is neither understood nor refused", c.Line)
			}
			if c.Version != "" && slipway.CheckVersion(c.Version) != nil {
				t.Fatalf("%q names the version %q", c.Line, c.Version)
			}
		}
	})
}
