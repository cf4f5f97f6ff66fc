package local

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox/mask"
)

// bootstrap starts the launcher with the script and the job's arguments, which
// it takes from standard input: a command line can be read by everybody on the
// machine.
const bootstrap = `import json, sys
sys.path[0] = sys.argv[1]
import slipway_run
sys.exit(slipway_run.main(["slipway_run.py", *json.load(sys.stdin)]))`

// A launch is all it takes to start a run's script.
type launch struct {
	python  string
	args    []string
	env     []string
	dir     string
	input   []byte // the script and its arguments
	work    string // temporary files, removed after the run
	secrets mask.Masker
}

// shortestSecret is how long an argument with the name of a secret must be to be hidden
// in what the script prints: a shorter one is part of too many words.
const shortestSecret = 4

// prepare finds and makes what the script needs.
func (s *supervisor) prepare(ctx context.Context) (launch, error) {
	arguments, secrets, err := s.arguments(ctx)
	if err != nil {
		return launch{}, err
	}
	shim, err := s.d.installShim()
	if err != nil {
		return launch{}, err
	}
	tools, _, err := s.d.toolsFor(s.job)
	if err != nil {
		return launch{}, err
	}
	interpreter, err := s.d.interpreter(ctx, tools, s.sayProgress)
	if err != nil {
		return launch{}, err
	}
	env, hidden, err := s.environment(ctx, tools)
	if err != nil {
		return launch{}, err
	}
	input, err := json.Marshal(append([]string{s.script()}, arguments...))
	if err != nil {
		return launch{}, err
	}
	l := launch{
		python: interpreter, args: []string{"-c", bootstrap, shim}, env: env, dir: s.workDir(),
		input: input, work: s.file(workFolder), secrets: mask.New(append(secrets, hidden...)),
	}
	return l, os.MkdirAll(l.work, 0o700)
}

// sayProgress tells those who follow the log that an environment is built. It
// seldom is: Apply has done it, unless the cache was emptied since.
func (s *supervisor) sayProgress(line string) {
	log, err := openLog(s.file(logFile), mask.Masker{})
	if err != nil {
		return // the run itself will meet the same
	}
	log.say("slipway: " + line)
	log.close()
}

func (s *supervisor) script() string {
	return filepath.Join(s.home, s.req.Definition, s.job.script)
}

// arguments are those of the script, with dashes, and the secrets among them.
// What may not be overridden goes before what the run asks for, and that before
// what the job has.
func (s *supervisor) arguments(ctx context.Context) (list, secrets []string, err error) {
	merged := s.glueArguments()
	maps.Copy(merged, s.job.arguments)
	for name, text := range s.req.Arguments {
		merged[strings.TrimLeft(name, "-")] = value{text: text}
	}
	for name, text := range s.given {
		merged[strings.TrimLeft(name, "-")] = value{text: text}
		if len(text) >= shortestSecret {
			secrets = append(secrets, text)
		}
	}
	maps.Copy(merged, s.job.nonOverridable)
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		text, err := s.resolve(ctx, "argument "+name, merged[name])
		if err != nil {
			return nil, nil, err
		}
		if merged[name].secret != "" {
			secrets = append(secrets, text)
		}
		list = append(list, "--"+name, text)
	}
	return list, secrets, nil
}

// glueArguments are those that Glue itself adds.
func (s *supervisor) glueArguments() map[string]value {
	if s.job.kind == typePython {
		return map[string]value{}
	}
	args := map[string]value{"JOB_NAME": {text: s.job.name}, "JOB_RUN_ID": {text: s.req.ID}}
	if len(s.job.jars) > 0 {
		args["extra-jars"] = value{text: strings.Join(s.job.jars, ",")}
	}
	if s.job.bookmark != "" {
		args["job-bookmark-option"] = value{text: "job-bookmark-" + s.job.bookmark}
	}
	return args
}

// resolve gives the text of a value.
func (s *supervisor) resolve(ctx context.Context, what string, v value) (string, error) {
	if v.secret == "" {
		return v.text, nil
	}
	if s.d.cfg.Secrets == nil {
		return "", slipway.Errorf(slipway.Unavailable, "%s: the secret %s cannot be looked up here", what, v.secret)
	}
	text, err := s.d.cfg.Secrets(ctx, v.secret)
	if err != nil {
		return "", fmt.Errorf("%s: secret %s: %w", what, v.secret, err)
	}
	return text, nil
}

// environment is that of the script, and the secrets in it. README.md says what
// the launcher reads.
func (s *supervisor) environment(ctx context.Context, t tools) (env, secrets []string, err error) {
	tables, err := json.Marshal(s.job.tables)
	if err != nil {
		return nil, nil, err
	}
	path, err := s.modulePath()
	if err != nil {
		return nil, nil, err
	}
	env = append(cleanEnv(s.d.cfg.Environ),
		"PYTHONUNBUFFERED=1", "PYTHONNOUSERSITE=1", "PYTHONPATH="+path,
		"SLIPWAY_RESULT="+filepath.Join(s.file(workFolder), resultFile),
		"SLIPWAY_JOB_TYPE="+s.job.kind,
		"SLIPWAY_WORK="+s.file(workFolder),
		"SLIPWAY_BOOKMARKS="+filepath.Join(s.home, "bookmarks.json"))
	if s.job.tables != nil {
		env = append(env, "SLIPWAY_TABLES="+string(tables))
	}
	if s.job.spark() {
		env = append(env, "JAVA_HOME="+t.javaHome)
	}
	for _, name := range slices.Sorted(maps.Keys(s.job.environment)) {
		text, err := s.resolve(ctx, "environment "+name, s.job.environment[name])
		if err != nil {
			return nil, nil, err
		}
		if s.job.environment[name].secret != "" {
			secrets = append(secrets, text)
		}
		env = append(env, name+"="+text)
	}
	return env, secrets, nil
}

// modulePath is where the script's helper modules are imported from: archives as
// they are, a module by its folder.
func (s *supervisor) modulePath() (string, error) {
	var path []string
	for _, name := range s.job.archives {
		path = append(path, filepath.Join(s.home, s.req.Definition, name))
	}
	for _, name := range s.job.pyFiles {
		file := strings.TrimPrefix(name, "file://")
		if !filepath.IsAbs(file) {
			file = filepath.Join(s.workDir(), file)
		}
		if !exists(file) {
			return "", slipway.Errorf(slipway.Invalid, "run.extra_py_files: there is no file %s", file)
		}
		if filepath.Ext(file) == ".py" {
			file = filepath.Dir(file)
		}
		path = append(path, file)
	}
	return strings.Join(path, string(os.PathListSeparator)), nil
}
