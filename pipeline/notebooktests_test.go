package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/shape"
)

func TestNotebookTestsHaveTheArgumentsOfTheJob(t *testing.T) {
	secret := map[string]any{"secret": "redshift/password"}
	for name, tt := range map[string]struct {
		shape string
		run   map[string]any
		want  []string
	}{
		"of a Python job": {
			"python-job",
			map[string]any{"arguments": map[string]any{"source": "data", "--least": 5, "password": secret}},
			[]string{"--least", "5", "--source", "data"},
		},
		"of a Glue job": {
			"glue-job",
			map[string]any{"arguments": map[string]any{"source": "data", "all": true}, "non_overridable_arguments": map[string]any{"source": "fixed"}},
			[]string{"--JOB_NAME", "roads", "--JOB_RUN_ID", "notebook-tests", "--all", "true", "--source", "fixed"},
		},
		"of a Glue job with a name": {
			"glue-job",
			map[string]any{"name": "Roads ETL"},
			[]string{"--JOB_NAME", "Roads ETL", "--JOB_RUN_ID", "notebook-tests"},
		},
		"none": {"python-job", nil, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Flow{}
			f.Project = &Project{Manifest: &manifest.Manifest{App: "roads", Shape: &shape.Shape{Name: tt.shape}}}
			if diff := cmp.Diff(tt.want, f.localArguments(tt.run)); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}
