package glue

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// The log groups of Glue, where nobody says otherwise.
const (
	sparkLogs      = "/aws-glue/jobs"
	shellLogs      = "/aws-glue/python-jobs"
	continuousLogs = "/aws-glue/jobs/logs-v2"
)

// A logPlace is what decides where a run's logs are.
type logPlace struct {
	Group      string `json:"group,omitempty"`      // what Glue says: output, error and logs-v2 are below it
	Custom     string `json:"custom,omitempty"`     // --custom-logGroup-prefix, Glue 5.0 and later
	Continuous string `json:"continuous,omitempty"` // --continuous-log-logGroup, Glue 4.0 and earlier
	Stream     string `json:"stream,omitempty"`     // the prefix of streams that is not the run's id
	Security   string `json:"security,omitempty"`   // the security configuration
	Role       string `json:"role,omitempty"`       // the name of the role that the job has
	Shell      bool   `json:"shell,omitempty"`      // a Python shell job
}

// placeOf says where the logs of a run with these arguments are.
func placeOf(job *types.Job, arguments map[string]string) logPlace {
	if job == nil {
		job = &types.Job{}
	}
	find := func(name string) string {
		return cmp.Or(job.NonOverridableArguments[name], arguments[name], job.DefaultArguments[name])
	}
	role := aws.ToString(job.Role)
	p := logPlace{
		Custom:     strings.TrimRight(find("--custom-logGroup-prefix"), "/"),
		Continuous: find("--continuous-log-logGroup"),
		Stream:     cmp.Or(find("--custom-logStream-prefix"), find("--continuous-log-logStreamPrefix")),
		Security:   aws.ToString(job.SecurityConfiguration),
		Role:       role[strings.LastIndex(role, "/")+1:],
	}
	p.Shell = job.Command != nil && aws.ToString(job.Command.Name) == "pythonshell"
	return p
}

// groups are the log groups in which a run may have written, what its script prints
// first. Not all of them need be there.
func (p logPlace) groups() []string {
	bases := []string{strings.TrimRight(cmp.Or(p.Group, sparkLogs), "/")}
	if p.Shell {
		bases = append([]string{shellLogs}, bases...)
	}
	if p.Custom != "" {
		bases = append([]string{p.Custom}, bases...)
	}
	var all []string
	for _, base := range bases {
		all = append(all, base+"/output", base+"/error")
	}
	if p.Security != "" {
		secured := cmp.Or(p.Custom, sparkLogs) + "/" + p.Security + "-role/" + p.Role
		all = append(all, secured+"/output", secured+"/error", cmp.Or(p.Continuous, continuousLogs)+"-"+p.Security)
	}
	if p.Continuous != "" {
		all = append(all, p.Continuous)
	}
	if !p.Shell {
		all = append(all, bases[len(bases)-1]+"/logs-v2", continuousLogs)
	}
	return unique(all)
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// streamTail is what may follow a run's id, or the prefix in its place, in the name
// of a stream: the number of the attempt, and who writes.
var streamTail = regexp.MustCompile(`^(?:_attempt_\d+)?(?:$|-driver$|_g-([0-9a-f]+)$|-(\d+)$|[-_/](.+)$)`)

// writer says who writes to a stream of a run; who is empty for the driver. It
// reports false for what is no log of it: another run's, or the progress bar.
func writer(stream, run, prefix string) (who string, ok bool) {
	tail, ok := strings.CutPrefix(stream, run)
	if !ok && prefix != "" {
		if tail, ok = strings.CutPrefix(stream, prefix); ok {
			_, after, named := strings.Cut(tail, run)
			switch {
			case named:
				tail = after
			case strings.Contains(tail, glueID):
				return "", false
			}
		}
	}
	m := streamTail.FindStringSubmatch(tail)
	switch {
	case !ok || m == nil || strings.HasSuffix(stream, "-progress-bar"):
		return "", false
	case m[1] != "":
		return "executor " + m[1][:min(8, len(m[1]))], true
	case m[2] != "":
		return "executor " + m[2], true
	case m[3] != "":
		return m[3], true
	}
	return "", true
}
