package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// What git is told: a filter, and which files go through it.
const (
	cleanFilter    = "filter.slipway-clean"
	cleanAttribute = "*.ipynb filter=slipway-clean"
)

// install lets git run `slipway clean --filter` on what is added.
func (c *cleanCommand) install(s *session) error {
	file, err := c.attributes(s)
	if err != nil {
		return err
	}
	for _, kv := range [][2]string{{"clean", c.command()}, {"smudge", "cat"}, {"required", "true"}} {
		if _, err := c.config(s, cleanFilter+"."+kv[0], kv[1]); err != nil {
			return err
		}
	}
	if err := addLine(file, cleanAttribute); err != nil {
		return err
	}
	fmt.Fprintf(s.env.Stdout, "git cleans notebooks that are added: %s in %s\n", cleanAttribute, file)
	return nil
}

// uninstall undoes install; undoing what was not done is no error.
func (c *cleanCommand) uninstall(s *session) error {
	file, err := c.attributes(s)
	if err != nil {
		return err
	}
	if err := dropLine(file, cleanAttribute); err != nil {
		return err
	}
	if _, err := c.config(s, "--get", cleanFilter+".clean"); err == nil {
		if _, err := c.config(s, "--remove-section", cleanFilter); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.env.Stdout, "git leaves notebooks as they are")
	return nil
}

// command is the filter's command, with the options that were given.
func (c *cleanCommand) command() string {
	words := []string{"slipway", "clean", "--filter"}
	for _, f := range []struct {
		flag string
		set  bool
	}{{"--keep-outputs", c.KeepOutputs}, {"--keep-counts", c.KeepCounts}, {"--drop-empty", c.DropEmpty}} {
		if f.set {
			words = append(words, f.flag)
		}
	}
	for _, f := range []struct {
		flag   string
		values []string
	}{{"--drop-tag", c.DropTag}, {"--metadata", c.Metadata}, {"--keep-metadata", c.KeepMetadata}} {
		for _, value := range f.values {
			words = append(words, "'"+f.flag+"="+strings.ReplaceAll(value, "'", `'\''`)+"'")
		}
	}
	return strings.Join(words, " ")
}

// config runs git config, for the repository or for the person.
func (c *cleanCommand) config(s *session, args ...string) (string, error) {
	scope := "--local"
	if c.Global {
		scope = "--global"
	}
	return s.git(slices.Concat([]string{"config", scope}, args)...)
}

// attributes returns the file in which git looks for the attributes of files.
func (c *cleanCommand) attributes(s *session) (string, error) {
	if !c.Global {
		file, err := s.git("rev-parse", "--git-path", "info/attributes")
		if err != nil {
			return "", slipway.Errorf(slipway.Invalid, "%s is not in a git repository", s.env.Dir).
				WithFix("go to one, or let git do it in all of yours: slipway clean --install --global")
		}
		return s.path(file), nil
	}
	if file, err := c.config(s, "--type=path", "--get", "core.attributesFile"); err == nil && file != "" {
		return file, nil
	}
	if dir := s.env.getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "git", "attributes"), nil
	}
	home := s.env.getenv("HOME")
	if home == "" {
		return "", slipway.Errorf(slipway.Invalid, "there is no HOME to keep git's attributes in").WithFix("set core.attributesFile in git's global settings")
	}
	return filepath.Join(home, ".config", "git", "attributes"), nil
}

// git runs git where the person stands, and returns what it prints.
func (s *session) git(args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(s.ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.env.Dir, s.env.Environ, &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", slipway.Errorf(slipway.Unavailable, "git is not installed")
	case err != nil:
		return "", slipway.Errorf(slipway.Unavailable, "git %s: %s", args[0], strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

func addLine(file, line string) error {
	data, err := readIfThere(file)
	if err != nil || slices.Contains(strings.Split(string(data), "\n"), line) {
		return err
	}
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n')
	}
	return writeFile(file, append(data, line+"\n"...))
}

func dropLine(file, line string) error {
	data, err := readIfThere(file)
	lines := strings.SplitAfter(string(data), "\n")
	kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.TrimRight(l, "\r\n") == line })
	if err != nil || len(kept) == len(lines) {
		return err
	}
	return writeFile(file, []byte(strings.Join(kept, "")))
}

func readIfThere(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
