package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// preflight holds a target to what its runs will need, before anything changes. What
// would fail is an error; what cannot be seen, or still works, is a warning. A
// rollback is never refused here: what ran before is the best there is.
func (d *Driver) preflight(ctx context.Context, w want, r driver.PlanRequest) ([]string, error) {
	checks := []func(context.Context, want) (string, error){d.checkRole, d.checkVersion}
	if d.cfg.Notes == nil || !strings.HasPrefix(d.cfg.Notes.URL(), "s3://") {
		checks = append(checks, d.checkBucket) // the ledger, which was just read, lies in the repository's
	}
	for _, name := range texts(w.set["Connections.Connections"]) {
		checks = append(checks, func(ctx context.Context, _ want) (string, error) { return d.checkConnection(ctx, name) })
	}
	warnings, errs := make([]string, len(checks)), make([]error, len(checks))
	var wait sync.WaitGroup
	for i, check := range checks {
		wait.Go(func() { warnings[i], errs[i] = check(ctx, w) })
	}
	wait.Wait()
	var lacks []error
	for i, err := range errs {
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case r.Restore.Name == "":
			lacks = append(lacks, err)
		default:
			warnings[i] = err.Error()
		}
	}
	if len(lacks) > 0 {
		return nil, together(lacks)
	}
	return slices.DeleteFunc(warnings, func(text string) bool { return text == "" }), nil
}

// together tells several errors as one, each with its way out.
func together(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var text strings.Builder
	text.WriteString("AWS lacks what the job needs:")
	for _, err := range errs {
		text.WriteString("\n  " + err.Error())
		if fix := slipway.FixOf(err); fix != "" {
			text.WriteString("\n    -> " + fix)
		}
	}
	return slipway.Errorf(slipway.KindOf(errs[0]), "%s", text.String())
}

// checkRole asks whether Glue may assume the role.
func (d *Driver) checkRole(ctx context.Context, w want) (string, error) {
	role, _ := w.set["Role"].(string)
	if role == "" {
		return "", slipway.Errorf(slipway.Invalid, "run has no role, which AWS Glue needs").WithFix("write the IAM role that runs assume: role: AWSGlueServiceRole-Name")
	}
	name := roleName(role)
	out, err := d.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	switch {
	case codeOf(err) == "NoSuchEntity":
		return "", slipway.Errorf(slipway.Unavailable, "run.role: there is no role %s in this account", name).
			WithFix("correct run.role, or make the role: slipway aws bootstrap %s", w.target.Environment)
	case err != nil:
		return fmt.Sprintf("could not check whether AWS Glue may assume the role %s: %v", name, d.explain(err, "iam:GetRole", "role/"+name)), nil
	case !trusts(aws.ToString(out.Role.AssumeRolePolicyDocument)):
		return "", slipway.Errorf(slipway.Invalid, "run.role: the role %s does not let AWS Glue assume it", name).
			WithFix(`add to its trust policy: {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}`)
	}
	return "", nil
}

// oneOrMore is how IAM writes lists.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// trusts reports whether a trust policy lets Glue assume its role. What cannot be
// read may well.
func trusts(document string) bool {
	text, err := url.QueryUnescape(document)
	if err != nil {
		return true
	}
	type statement struct {
		Effect    string
		Principal json.RawMessage
	}
	var policy struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &policy) != nil {
		return true
	}
	var statements []statement
	if json.Unmarshal(policy.Statement, &statements) != nil {
		var one statement
		if json.Unmarshal(policy.Statement, &one) != nil {
			return true
		}
		statements = []statement{one}
	}
	for _, s := range statements {
		var principal struct{ Service, AWS oneOrMore }
		if s.Effect != "Allow" {
			continue
		}
		if string(s.Principal) == `"*"` || json.Unmarshal(s.Principal, &principal) == nil && slices.Contains(principal.Service, "glue.amazonaws.com") {
			return true
		}
	}
	return false
}

// checkConnection asks whether a connection is there.
func (d *Driver) checkConnection(ctx context.Context, name string) (string, error) {
	_, err := d.glue.GetConnection(ctx, &glue.GetConnectionInput{Name: &name, HidePassword: true})
	switch {
	case codeOf(err) == codeNotFound:
		return "", slipway.Errorf(slipway.Unavailable, "run.connections: there is no connection %s in %s", name, d.cfg.AWS.Region).
			WithFix("make it in the console (AWS Glue, Data connections), or correct its name")
	case err != nil:
		return fmt.Sprintf("could not check whether the connection %s is there: %v", name, d.explain(err, "glue:GetConnection", "connection/"+name)), nil
	}
	return "", nil
}

// ended are the Glue versions that are no more, by the day of their end.
//
//nolint:gochecknoglobals // an immutable table
var ended = map[string]time.Time{
	"0.9": time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC),
	"1.0": time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC),
	"2.0": time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC),
}

// soon is how long before a version's end it is warned of.
const soon = 180 * 24 * time.Hour

// checkVersion looks at when the Glue version ends.
func (d *Driver) checkVersion(_ context.Context, w want) (string, error) {
	version, _ := w.set["GlueVersion"].(string)
	end, known := ended[version]
	switch now := d.now(); {
	case !known || now.Before(end.Add(-soon)):
		return "", nil
	case now.Before(end):
		return fmt.Sprintf("run.glue_version: AWS ends Glue %s on %s", version, end.Format(time.DateOnly)), nil
	}
	return "", slipway.Errorf(slipway.Invalid, "run.glue_version: AWS ended Glue %s on %s", version, end.Format(time.DateOnly)).
		WithFix(`write a newer one, such as "5.1"; its Python and Spark are newer too`)
}

// checkBucket asks whether the bucket of the script is there, and where.
func (d *Driver) checkBucket(ctx context.Context, w want) (string, error) {
	where, _ := w.set["Command.ScriptLocation"].(string)
	bucket, _, _ := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
	out, err := d.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	var response *awshttp.ResponseError
	switch {
	case err == nil && aws.ToString(out.BucketRegion) != "" && *out.BucketRegion != d.cfg.AWS.Region:
		return elsewhere(bucket, *out.BucketRegion, d.cfg.AWS.Region), nil
	case err == nil:
		return "", nil
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusMovedPermanently:
		return elsewhere(bucket, response.Response.Header.Get("x-amz-bucket-region"), d.cfg.AWS.Region), nil
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound:
		return "", slipway.Errorf(slipway.Unavailable, "there is no bucket %s, where the script is to lie", bucket).
			WithFix("make it: slipway aws bootstrap %s; or correct the environment's repository in platform.yaml", w.target.Environment)
	}
	return fmt.Sprintf("could not check whether the bucket %s can be reached: %v", bucket, d.explain(err, "s3:ListBucket", bucket)), nil
}

func elsewhere(bucket, region, here string) string {
	return fmt.Sprintf("the bucket %s is in %s, and the job runs in %s: every run fetches its script from there", bucket, region, here)
}
