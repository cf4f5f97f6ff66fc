package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

var _ driver.Workbench = (*Driver)(nil)

// Environ implements driver.Workbench. The packages of requirements lie in a
// virtual environment of their own over the job's, so that the job's need not be
// built again for them.
func (d *Driver) Environ(ctx context.Context, t slipway.Target, requirements []string) ([]string, error) {
	j, err := parseJob(t)
	if err != nil {
		return nil, err
	}
	tools, _, err := d.toolsFor(j)
	if err != nil {
		return nil, err
	}
	shim, err := d.installShim()
	if err != nil {
		return nil, err
	}
	interpreter, err := d.interpreter(ctx, tools, d.cfg.Progress)
	if err != nil {
		return nil, err
	}
	if len(requirements) > 0 {
		if interpreter, err = d.overlay(ctx, tools, interpreter, requirements); err != nil {
			return nil, err
		}
	}
	path := filepath.Dir(interpreter) + string(os.PathListSeparator) + environ(d.cfg.Environ)["PATH"]
	tables, err := json.Marshal(j.tables)
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=" + path, "PYTHONPATH=" + shim, "PYTHONNOUSERSITE=1", "PYTHONDONTWRITEBYTECODE=1", "SLIPWAY_JOB_TYPE=" + j.kind}
	if j.tables != nil {
		env = append(env, "SLIPWAY_TABLES="+string(tables))
	}
	if !j.spark() {
		return env, nil
	}
	if err := d.quicken(ctx, shim, tools); err != nil {
		return nil, err
	}
	return append(env, sparkEnviron(newVenv(d.cfg.Cache, tools).dir, tools)...), nil
}

// sparkEnviron lets Spark start as quickly in tests as it does in jobs.
func sparkEnviron(venv string, t tools) []string {
	options := "-XX:TieredStopAtLevel=1 -XX:-UsePerfData -Duser.timezone=UTC"
	if archive := filepath.Join(venv, archiveFile); exists(archive) {
		options += " -XX:SharedArchiveFile=" + archive + " -Xshare:auto -Xlog:cds*=off"
	}
	return []string{
		"JAVA_HOME=" + t.javaHome, "TZ=UTC", "SPARK_LOCAL_IP=127.0.0.1", "SPARK_SUBMIT_OPTS=" + options,
		// A folder that is not there: one with files in it keeps the JVM from using
		// a class archive.
		"SPARK_CONF_DIR=" + filepath.Join(venv, "no-conf"),
	}
}

// overlay returns the Python of a virtual environment with the requirements,
// which sees the packages of the one below it too.
func (d *Driver) overlay(ctx context.Context, t tools, below string, requirements []string) (string, error) {
	over := tools{python: t.python, requirements: append(slices.Clone(t.requirements), requirements...)}
	if err := d.machine().checkVenv(t.python, requirements); err != nil {
		return "", err
	}
	base := ""
	if len(t.requirements) > 0 {
		base = filepath.Dir(filepath.Dir(below))
		over.requirements = append(over.requirements, "over "+filepath.Base(base))
	}
	v := newVenv(d.cfg.Cache, over)
	v.below = base
	v.requirements, v.named = slices.Sorted(slices.Values(requirements)), "the check's requirements"
	return d.ready(ctx, v, d.cfg.Progress)
}

// seeBelow lets an environment see the packages of the one below it.
func (v venv) seeBelow() error {
	if v.below == "" {
		return nil
	}
	packages, err := filepath.Glob(filepath.Join(v.below, "lib", "python*", "site-packages"))
	if err != nil || len(packages) == 0 {
		return slipway.Errorf(slipway.Unavailable, "there are no packages in the virtual environment %s", v.below).
			WithFix("remove that folder; it is made again")
	}
	own, err := filepath.Glob(filepath.Join(v.dir, "lib", "python*", "site-packages"))
	if err != nil || len(own) == 0 {
		return fmt.Errorf("no packages in %s", v.dir)
	}
	// Both lie in the cache: a relative path holds wherever people see the cache.
	path, err := filepath.Rel(own[0], packages[0])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(own[0], "below.pth"), []byte(path+"\n"), 0o644)
}
