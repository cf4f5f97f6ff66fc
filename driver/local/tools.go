package local

import (
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
)

// tools are what this machine has for a job.
type tools struct {
	python       python
	javaHome     string   // empty unless the job needs Spark
	requirements []string // of the virtual environment; none: there is no need for one
}

// toolsFor finds what a job needs, or says what is missing and what to do. What
// is not exactly as in Glue, and may be so, is a warning.
func (d *Driver) toolsFor(j job) (tools, []string, error) {
	m := d.machine()
	switch {
	case j.spark():
		t, err := m.spark(j)
		return t, nil, err
	case j.pythonVersion != "" && j.pythonVersion != "3":
		p, err := m.exactPython(j)
		return tools{python: p, requirements: j.modules}, nil, err
	}
	p, ok := m.anyPython(len(j.modules) > 0)
	if !ok {
		return tools{}, nil, slipway.Errorf(slipway.Unavailable, "this machine has no Python 3.6 or newer").
			WithFix("install it (Debian and Ubuntu: apt-get install python3 python3-venv), or put it on PATH")
	}
	var warnings []string
	if j.kind == typeShell && p.version != shellPython {
		warnings = []string{fmt.Sprintf("Glue runs Python shell jobs on Python %s; here this one runs on Python %s (set run.python_version to insist)",
			shellPython, p.version)}
	}
	return tools{python: p, requirements: j.modules}, warnings, m.checkVenv(p, j.modules)
}

func (d *Driver) machine() machine {
	return machine{env: environ(d.cfg.Environ), dirs: d.cfg.SearchDirs}
}

// spark finds the Python and the Java that a Glue version stands for.
func (m machine) spark(j job) (tools, error) {
	g, ok := findGlue(j.glueVersion)
	if !ok {
		return tools{}, slipway.Errorf(slipway.Invalid, "run.glue_version: Glue %s does not run on this machine", j.glueVersion).
			WithFix("the versions that do, given their Python and Java: %s", names(glueVersions))
	}
	t := tools{requirements: append([]string{"pyspark==" + g.spark}, j.modules...)}
	var err error
	if t.python, ok = m.findPython(g.python, true); !ok {
		return t, m.noPython("Glue "+g.name, g.python, m.otherGlue())
	}
	if err = m.checkVenv(t.python, t.requirements); err != nil {
		return t, err
	}
	t.javaHome, err = m.java(g)
	return t, err
}

// exactPython finds the Python that a job without Spark insists on.
func (m machine) exactPython(j job) (python, error) {
	p, ok := m.findPython(j.pythonVersion, len(j.modules) > 0)
	if !ok {
		way := ""
		if any, ok := m.anyPython(false); ok {
			way = fmt.Sprintf("; without run.python_version it runs on Python %s here, and the plan says so", any.version)
		}
		return p, m.noPython(j.name, j.pythonVersion, way)
	}
	return p, m.checkVenv(p, j.modules)
}

// noPython is the error for a Python that is not there; way is another way out.
func (m machine) noPython(who, version, way string) error {
	has := "it has none"
	if found := m.versions(); len(found) > 0 {
		has = "it has " + strings.Join(found, ", ")
	}
	return slipway.Errorf(slipway.Unavailable, "%s needs Python %s, which this machine does not have (%s)", who, version, has).
		WithFix("install it (Debian and Ubuntu: apt-get install python%[1]s python%[1]s-venv; elsewhere: pyenv install %[1]s)%[2]s", version, way)
}

// checkVenv refuses a Python that cannot make the virtual environment needed.
func (m machine) checkVenv(p python, requirements []string) error {
	if len(requirements) == 0 || p.makesVenvs() {
		return nil
	}
	return slipway.Errorf(slipway.Unavailable, "%s cannot make virtual environments: its module ensurepip is missing", p.path).
		WithFix("install it (Debian and Ubuntu: apt-get install python%s-venv)", p.version)
}

// otherGlue names the Glue versions that would run here.
func (m machine) otherGlue() string {
	var able []glueVersion
	for _, g := range glueVersions {
		p, ok := m.findPython(g.python, true)
		if _, err := m.java(g); ok && p.makesVenvs() && err == nil {
			able = append(able, g)
		}
	}
	if len(able) == 0 {
		return ""
	}
	return "; Glue " + names(able) + " would run here as this machine is (run.glue_version)"
}

func names(list []glueVersion) string {
	var out []string
	for _, g := range list {
		out = append(out, g.name)
	}
	return strings.Join(out, ", ")
}

// environ makes a map of an environment; of a name that comes twice the last
// one counts.
func environ(list []string) map[string]string {
	env := map[string]string{}
	for _, kv := range list {
		if name, v, ok := strings.Cut(kv, "="); ok {
			env[name] = v
		}
	}
	return env
}
