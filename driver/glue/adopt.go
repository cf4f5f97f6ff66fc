package glue

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

var _ driver.Adopter = (*Driver)(nil)

// Find describes a job that was made by other means.
func (d *Driver) Find(ctx context.Context, name string) (driver.Found, error) {
	now, err := d.read(ctx, name)
	if err != nil {
		return driver.Found{}, err
	}
	if !now.present() {
		return driver.Found{}, slipway.Errorf(slipway.NotFound, "there is no job %q in %s", name, d.cfg.AWS.Region).
			WithFix("names are as in the console, AWS Glue, ETL jobs; `aws glue list-jobs` shows them")
	}
	f := driver.Found{Name: name, Shape: shapeName, Run: map[string]any{}, Owner: now.owner()}
	there := now.cells()
	if kind := there["Command.Name"]; kind != typeSpark && kind != typeStreaming && kind != typeShell {
		return f, slipway.Errorf(slipway.Invalid, "the job %s is of type %v, which Slipway does not deploy", name, kind)
	}
	if name != "" {
		f.Run["name"] = name
	}
	for _, cell := range union(there) {
		if kept := describe(f.Run, cell, there); kept != "" {
			f.Kept = append(f.Kept, kept)
		}
	}
	f.Kept = append(f.Kept, sizeInWorkers(f.Run, there)...)
	f.Kept = append(f.Kept, d.otherTriggers(ctx, name)...)
	f.Script, _ = there["Command.ScriptLocation"].(string)
	f.Data, err = d.fetch(ctx, f.Script)
	return f, err
}

// describe says a cell in the manifest's words, or returns a sentence about what they
// cannot say.
func describe(run map[string]any, name string, there cells) string {
	v := there[name]
	text, _ := v.(string)
	field := fieldOf(name)
	_, key, _ := strings.Cut(name, ".")
	argument := strings.TrimPrefix(key, "--")
	switch {
	case strings.HasPrefix(name, ownTags), name == "Command.ScriptLocation", name == "MaxCapacity" && there["Command.Name"] != typeShell,
		strings.HasPrefix(name, triggerCells), strings.HasPrefix(key, ownArguments), filled(name, v, there) && name != "GlueVersion" && name != "Timeout":
	case name == "Command.PythonVersion":
		if text != "3" && text != "3.9" {
			return "Python " + text + " becomes 3 with the first ship"
		}
	case strings.HasPrefix(name, tagCells):
		return "the tag " + key
	case name == "GlueVersion" && there["Command.Name"] == typeShell:
		return "the Glue version " + text
	case isArgument(name) && (isWithheld(text) || suspicious(name, text) || driver.SecretValue(text)):
		return fmt.Sprintf("the argument %s, which looks like a secret; anybody who may see the job sees it", argument)
	case name == defaultArgument+bookmarkArgument:
		run["bookmark"] = strings.TrimPrefix(text, "job-bookmark-")
	case strings.HasPrefix(name, defaultArgument) && listArguments[key] != "":
		list, _ := encodeTexts(split(v))
		run[listArguments[key]] = list
	case strings.HasPrefix(name, defaultArgument):
		inner(run, "arguments", argument, v)
	case strings.HasPrefix(name, fixedArgument):
		inner(run, "non_overridable_arguments", argument, v)
	case strings.HasPrefix(field, "run."):
		put(run, strings.TrimPrefix(field, "run."), spell(name, v))
	default:
		return fmt.Sprintf("%s, which no parameter says: %s", strings.TrimPrefix(field, "job."), show(name, v))
	}
	return ""
}

// sizeInWorkers says a capacity in DPUs as workers of one DPU each.
func sizeInWorkers(run map[string]any, there cells) []string {
	if there["WorkerType"] != nil || there["Command.Name"] == typeShell {
		return nil
	}
	dpus, ok := decodeNumber(there["MaxCapacity"]).(float64)
	if !ok {
		return nil
	}
	run["worker_type"], run["workers"] = "G.1X", max(dpus, 2)
	return []string{fmt.Sprintf("its size, %v DPUs, becomes workers of type G.1X with the first ship", dpus)}
}

// fetch reads a script from S3.
func (d *Driver) fetch(ctx context.Context, where string) ([]byte, error) {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
	if !ok || !strings.HasPrefix(where, "s3://") {
		return nil, slipway.Errorf(slipway.Invalid, "the job's script lies at %q, which is no address in S3", where)
	}
	out, err := d.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if slices.Contains([]string{"NoSuchKey", "NoSuchBucket", "NotFound"}, codeOf(err)) {
		return nil, slipway.Errorf(slipway.NotFound, "the job's script is not at %s", where).WithFix("bring it back, or correct the job's script path in the console")
	}
	if err != nil {
		return nil, d.explain(err, "s3:GetObject", bucket+"/"+key)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	return data, d.explain(err, "s3:GetObject", bucket+"/"+key)
}

// Claim marks the job as the app's.
func (d *Driver) Claim(ctx context.Context, h slipway.Handle) error {
	now, err := d.read(ctx, h.Name)
	if err != nil {
		return err
	}
	switch owner := now.owner(); {
	case !now.present():
		return slipway.Errorf(slipway.NotFound, "there is no job %q in %s", h.Name, d.cfg.AWS.Region)
	case owner == h.App+" in "+h.Environment:
		return nil
	case owner != "":
		return slipway.Errorf(slipway.Conflict, "the job %s belongs to %s", h.Name, owner).
			WithFix("slipway remove it there first, or take it from there by hand: its tags %s and %s say whose it is", tagApp, tagEnvironment)
	}
	arn, err := d.resource(ctx, "job", h.Name)
	if err != nil {
		return err
	}
	_, err = d.glue.TagResource(ctx, &glue.TagResourceInput{ResourceArn: &arn, TagsToAdd: map[string]string{tagApp: h.App, tagEnvironment: h.Environment}})
	return d.explain(err, "glue:TagResource", "job/"+h.Name)
}
