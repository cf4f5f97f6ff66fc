package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// java finds the home of a Java that the Glue version's Spark supports: that of
// JAVA_HOME, or else the one on PATH.
func (m machine) java(g glueVersion) (string, error) {
	bin, ok := m.javaFile()
	if !ok {
		return "", slipway.Errorf(slipway.Unavailable, "Glue %s is Spark %s, which needs Java %s, and there is no Java on this machine",
			g.name, g.spark, javas(g)).WithFix("install it (Debian and Ubuntu: apt-get install openjdk-%d-jre-headless), or set JAVA_HOME", bestJava(g))
	}
	home, version := describeJava(bin)
	if slices.Contains(g.javas, version) {
		return home, nil
	}
	return "", slipway.Errorf(slipway.Unavailable, "Glue %s is Spark %s, which needs Java %s; %s is Java %d", g.name, g.spark, javas(g), bin, version).
		WithFix("install Java %d (Debian and Ubuntu: apt-get install openjdk-%[1]d-jre-headless) and set JAVA_HOME to it%s", bestJava(g), m.glueForJava(version))
}

// javaFile is the java that would be started.
func (m machine) javaFile() (string, bool) {
	var names []string
	if home := m.env["JAVA_HOME"]; home != "" {
		names = append(names, filepath.Join(home, "bin", "java"))
	}
	for _, dir := range filepath.SplitList(m.env["PATH"]) {
		if filepath.IsAbs(dir) {
			names = append(names, filepath.Join(dir, "java"))
		}
	}
	i := slices.IndexFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
	})
	if i < 0 {
		return "", false
	}
	return names[i], true
}

var javaRelease = regexp.MustCompile(`(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)`)

// describeJava tells a Java's home and major version, 0 if it does not say. The
// file "release" in its home answers without starting it.
func describeJava(bin string) (home string, version int) {
	if target, err := filepath.EvalSymlinks(bin); err == nil {
		bin = target
	}
	home = filepath.Dir(filepath.Dir(bin))
	for _, dir := range []string{home, filepath.Dir(home)} {
		if data, err := os.ReadFile(filepath.Join(dir, "release")); err == nil {
			if version = majorJava(string(data)); version > 0 {
				return home, version
			}
		}
	}
	out, _ := exec.Command(bin, "-version").CombinedOutput() // no version in it says as much
	return home, majorJava(string(out))
}

func majorJava(text string) int {
	m := javaRelease.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// javas names the Javas that a version's Spark supports.
func javas(g glueVersion) string {
	var out []string
	for _, n := range g.javas {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, " or ")
}

// bestJava is the one to install: 17 where it will do, as in Glue itself.
func bestJava(g glueVersion) int {
	if slices.Contains(g.javas, 17) {
		return 17
	}
	return g.javas[len(g.javas)-1]
}

// glueForJava names the Glue versions that would run with this Java and the
// Pythons that are here.
func (m machine) glueForJava(version int) string {
	var able []glueVersion
	for _, g := range glueVersions {
		if _, ok := m.findPython(g.python, true); ok && slices.Contains(g.javas, version) {
			able = append(able, g)
		}
	}
	if len(able) == 0 {
		return ""
	}
	return "; Glue " + names(able) + " would run here as this machine is (run.glue_version)"
}
