package glue

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// The arguments that Glue itself reads, and that parameters of the shape set.
const (
	pyFilesArgument  = "--extra-py-files"
	modulesArgument  = "--additional-python-modules"
	jarsArgument     = "--extra-jars"
	filesArgument    = "--extra-files"
	bookmarkArgument = "--job-bookmark-option"
)

// listArguments are the parameters that are lists in one argument.
//
//nolint:gochecknoglobals // an immutable table
var listArguments = map[string]string{
	pyFilesArgument: "extra_py_files",
	modulesArgument: "additional_python_modules",
	jarsArgument:    "extra_jars",
}

// reserved are the arguments that Glue gives a run by itself, or must not be given.
//
//nolint:gochecknoglobals // an immutable table
var reserved = []string{"--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION", "--debug", "--mode"}

// maxArguments is the most that Glue takes, in bytes.
const maxArguments = 260 << 10

// setArguments sets what runs are given.
func (w *want) setArguments() error {
	for _, group := range []struct{ parameter, prefix string }{
		{"arguments", defaultArgument}, {"non_overridable_arguments", fixedArgument},
	} {
		given, _ := w.target.Run[group.parameter].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(given)) {
			field := "run." + group.parameter + "." + name
			if err := checkArgument(field, name, given[name]); err != nil {
				return err
			}
			w.set[group.prefix+longName(name)] = given[name]
		}
	}
	w.set[defaultArgument+versionArgument] = w.target.Version
	w.release[defaultArgument+versionArgument] = true
	return w.setOwnArguments()
}

// checkArgument refuses what must not stand in an argument.
func checkArgument(field, name string, v any) error {
	if m, ok := v.(map[string]any); ok {
		return slipway.Errorf(slipway.Invalid, "%s is the secret %v, and AWS Glue shows arguments in its console and its logs", field, m["secret"]).
			WithFix("pass the secret's name and let the script read it from AWS Secrets Manager, or use a connection")
	}
	text, err := encodeText(v)
	switch {
	case err != nil:
		return slipway.Errorf(slipway.Invalid, "%s: %w", field, err)
	case slices.Contains(reserved, longName(name)), strings.HasPrefix(longName(name), ownArguments):
		return slipway.Errorf(slipway.Invalid, "%s: AWS Glue or Slipway sets this argument itself", field).WithFix("take it out, or take another name")
	case driver.SecretValue(text.(string)):
		return slipway.Errorf(slipway.Invalid, "%s looks like a secret, and AWS Glue shows arguments in its console and its logs", field).
			WithFix("take it out of the manifest and replace it, for it is known now; then pass the name of a secret in AWS Secrets Manager, or use a connection")
	}
	return nil
}

// setOwnArguments sets the arguments that have parameters of their own.
func (w *want) setOwnArguments() error {
	for argument, parameter := range listArguments {
		v := w.target.Run[parameter]
		if v == nil {
			continue
		}
		list, err := encodeTexts(v)
		if err != nil {
			return slipway.Errorf(slipway.Invalid, "run.%s: %w", parameter, err)
		}
		if len(texts(list)) > 0 && w.set[defaultArgument+argument] != nil {
			return twice(argument, parameter)
		}
		for _, item := range texts(list) {
			w.join(argument, item)
		}
	}
	bookmark, _ := w.target.Run["bookmark"].(string)
	if bookmark == "" {
		return nil
	}
	if w.set[defaultArgument+bookmarkArgument] != nil {
		return twice(bookmarkArgument, "bookmark")
	}
	w.set[defaultArgument+bookmarkArgument] = "job-bookmark-" + bookmark
	return nil
}

func twice(argument, parameter string) error {
	name := strings.TrimLeft(argument, "-")
	return slipway.Errorf(slipway.Invalid, "run.arguments.%s and run.%s say the same thing twice", name, parameter).
		WithFix("take run.arguments.%s out", name)
}

// join adds to an argument that is a list.
func (w *want) join(argument, item string) {
	name := defaultArgument + argument
	if have, _ := w.set[name].(string); have != "" {
		item = have + "," + item
	}
	w.set[name] = item
}

// checkArguments holds all arguments to the limit of Glue, and warns of names that
// stand for secrets.
func (w *want) checkArguments() error {
	size := 0
	for name, v := range w.set {
		text, _ := v.(string)
		if !isArgument(name) {
			continue
		}
		_, argument, _ := strings.Cut(name, ".")
		size += len(argument) + len(text)
	}
	for _, name := range slices.Sorted(maps.Keys(w.set)) {
		text, _ := w.set[name].(string)
		if isArgument(name) && suspicious(name, text) {
			w.warnings = append(w.warnings, fieldOf(name)+" sounds like a secret, and AWS Glue shows arguments in its console and its logs: pass a secret's name, or use a connection")
		}
	}
	if size > maxArguments {
		return slipway.Errorf(slipway.Invalid, "the arguments of %s have %d KB, and AWS Glue takes 260 KB", w.name, size>>10).
			WithFix("put what is long into a file in S3, and pass where it lies")
	}
	return nil
}

// suspicious reports whether an argument's name stands for a secret, and its value
// is not where one lies.
func suspicious(name, value string) bool {
	_, name, _ = strings.Cut(name, ".")
	return value != "" && driver.SecretName(name, value) && !pointer.MatchString(name) && !strings.HasPrefix(value, "arn:")
}

// pointer is a name that says where a secret lies.
var pointer = regexp.MustCompile(`(?i)(name|arn|id|path|ref)$`)
