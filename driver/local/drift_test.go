package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

func edit(t *testing.T, name string, change func(string) string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, []byte(change(string(data))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestEditedDefinitionIsDrift(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	want := target(b, "app", "print('mine')")
	want.Run["timeout"] = "60m"
	h := mustDeploy(t, d, b, want)
	current := filepath.Join(cfg.Root, "jobs", "app", "current")
	edit(t, filepath.Join(current, "definition.json"), func(s string) string { return strings.Replace(s, `"60m"`, `"90m"`, 1) })
	edit(t, filepath.Join(current, "job.py"), func(s string) string { return s + "# more\n" })

	s, err := d.Observe(t.Context(), h, want)
	if err != nil || s.State != slipway.JobDrifted {
		t.Fatalf("status %+v, error %v", s, err)
	}
	got := map[string]string{}
	for _, c := range s.Drift {
		got[c.Field] = c.Note
	}
	const note = "changed outside Slipway"
	if diff := cmp.Diff(map[string]string{"script": note, "run.timeout": note}, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}

	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"the job was changed outside Slipway; applying this plan puts it right"}, shellWarningLeftOut(p.Warnings)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if _, err := d.Apply(t.Context(), p, b); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Observe(t.Context(), h, want); err != nil || s.State != slipway.JobLive {
		t.Errorf("put right, it is %+v, %v", s, err)
	}
	if run, log := ended(t, d, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded || log != "mine\n" {
		t.Errorf("run %+v, log %q", run, log)
	}
}

// shellWarningLeftOut leaves out what depends on this machine's Python.
func shellWarningLeftOut(warnings []string) (out []string) {
	for _, w := range warnings {
		if !strings.HasPrefix(w, "Glue runs Python shell jobs on") {
			out = append(out, w)
		}
	}
	return out
}

func TestDamagedDefinition(t *testing.T) {
	for name, damage := range map[string]func(string) error{
		"cut short": func(file string) error { return os.Truncate(file, 20) },
		"removed":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			cfg, b := config(t), blobs{}
			d := local.New(cfg)
			want := target(b, "app", "print('mine')")
			h := mustDeploy(t, d, b, want)
			file := filepath.Join(cfg.Root, "jobs", "app", "current", "definition.json")
			if err := damage(file); err != nil {
				t.Fatal(err)
			}
			s, err := d.Observe(t.Context(), h, want)
			if err != nil || s.State != slipway.JobDrifted || len(s.Drift) != 1 || s.Drift[0].Field != "definition.json" {
				t.Errorf("status %+v, error %v", s, err)
			}
			_, err = d.Start(t.Context(), h, driver.RunRequest{ID: "r"})
			if err == nil || slipway.KindOf(err) != slipway.Conflict || slipway.FixOf(err) != "somebody changed it; deploy the app again to put it back" {
				t.Errorf("Start: %v, fix %q", err, slipway.FixOf(err))
			}
			mustDeploy(t, d, b, want)
			if run, log := ended(t, d, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded || log != "mine\n" {
				t.Errorf("run %+v, log %q", run, log)
			}
		})
	}
}
