package glue

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"
)

// members are the exported fields of a structure of the SDK.
func members(v any) []string {
	var out []string
	for f := range reflect.TypeOf(v).Fields() {
		if f.IsExported() && f.Name != "ResultMetadata" {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return out
}

// tabled are the members of the table below a prefix, but for some classes.
func tabled(prefix string, but ...class) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(model)) {
		rest, ok := cutMember(name, prefix)
		if ok && !slices.Contains(but, model[name].class) {
			out = append(out, rest)
		}
	}
	return out
}

func cutMember(name, prefix string) (string, bool) {
	if prefix == "" {
		return name, !slices.Contains([]byte(name), '.')
	}
	if len(name) <= len(prefix) || name[:len(prefix)] != prefix {
		return "", false
	}
	return name[len(prefix):], true
}

// TestModelIsTheSDKs fails when an update of the SDK knows more of a job, or less,
// than the table: whoever updates decides which class the member has.
func TestModelIsTheSDKs(t *testing.T) {
	for name, c := range map[string]struct {
		prefix string
		but    []class
		sdk    any
		extra  []string
	}{
		"Job":                  {sdk: types.Job{}},
		"JobUpdate":            {sdk: types.JobUpdate{}, but: []class{readOnly}, extra: []string{"AllocatedCapacity"}},
		"CreateJobInput":       {sdk: glue.CreateJobInput{}, but: []class{readOnly}, extra: []string{"AllocatedCapacity", "Name", "Tags"}},
		"JobCommand":           {sdk: types.JobCommand{}, prefix: "Command."},
		"ConnectionsList":      {sdk: types.ConnectionsList{}, prefix: "Connections."},
		"ExecutionProperty":    {sdk: types.ExecutionProperty{}, prefix: "ExecutionProperty."},
		"NotificationProperty": {sdk: types.NotificationProperty{}, prefix: "NotificationProperty."},
	} {
		want := append(tabled(c.prefix, c.but...), c.extra...)
		slices.Sort(want)
		if diff := cmp.Diff(members(c.sdk), want); diff != "" {
			t.Errorf("%s (-SDK +table):\n%s", name, diff)
		}
	}
}

func TestModelIsWhole(t *testing.T) {
	for name, m := range model {
		if m.class == 0 || m.field != "" && m.code.encode == nil || m.class == readOnly && m.field != "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func FuzzCellsAreTheDefinition(f *testing.F) {
	f.Add(`{"job":{"Role":"r","Command":{"Name":"glueetl","New":1.50},"DefaultArguments":{"--a.b":"c"},"NewerThanAll":{"x":[1,{"y":null}]}},"trigger":{"Schedule":"cron(0 3 * * ? *)"},"tags":{"a":"b"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var d definition
		if decode([]byte(text), &d) != nil {
			return
		}
		again := d.cells().definition().cells()
		if diff := cmp.Diff(d.cells(), again); diff != "" {
			t.Errorf("cells (-once +again):\n%s", diff)
		}
		if d.cells().fingerprint() != again.fingerprint() {
			t.Error("the fingerprint differs")
		}
	})
}
