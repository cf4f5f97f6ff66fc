package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageHeading = regexp.MustCompile(`^#+ (.*)$`)
)

// anchors are what links can lead to in a page, as GitHub names them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, at := range readPage(t, file).pieces {
		for _, line := range at.lines {
			if m := pageHeading.FindStringSubmatch(line); m != nil && at.info == pageText {
				found[anchorOf(m[1])] = true
			}
		}
	}
	return found
}

func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127 && r != '…':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// TestPageLinks follows the links of the pages that lead to files here.
func TestPageLinks(t *testing.T) {
	for _, file := range docsPages(t) {
		for _, at := range readPage(t, file).pieces {
			if at.info != pageText {
				continue
			}
			for _, m := range pageLink.FindAllStringSubmatch(strings.Join(at.lines, "\n"), -1) {
				checkLink(t, file, m[1])
			}
		}
	}
}

func checkLink(t *testing.T, file, link string) {
	t.Helper()
	if strings.Contains(link, "://") {
		return
	}
	name, anchor, _ := strings.Cut(link, "#")
	to := file
	if name != "" {
		to = filepath.Join(filepath.Dir(file), name)
	}
	if _, err := os.Stat(to); err != nil {
		t.Errorf("%s: the link %s leads nowhere", file, link)
		return
	}
	if anchor != "" && !anchors(t, to)[anchor] {
		t.Errorf("%s: there is no heading for the link %s", file, link)
	}
}

// TestPagesAreListed keeps the list of the pages complete.
func TestPagesAreListed(t *testing.T) {
	index, err := os.ReadFile(docsFolder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range docsPages(t) {
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}

// TestCommandsAreDescribed looks for each command in the pages.
func TestCommandsAreDescribed(t *testing.T) {
	out, err := exec.Command("slipway", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range docsPages(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z]+)[ \n]`).FindAllStringSubmatch(string(out), -1)
	if len(commands) < 20 {
		t.Fatalf("the help names %d commands:\n%s", len(commands), out)
	}
	for _, m := range commands {
		if !strings.Contains(all.String(), "slipway "+m[1]) {
			t.Errorf("no page says slipway %s", m[1])
		}
	}
}

// TestTroubleshootingQuotes looks for each error that is a heading of
// troubleshooting.md in the code; "…" stands for what differs.
func TestTroubleshootingQuotes(t *testing.T) {
	code := productText(t)
	quoted := regexp.MustCompile("`([^`]+)`")
	n := 0
	for _, at := range readPage(t, docsFolder+"/troubleshooting.md").pieces {
		for i, line := range at.lines {
			if at.info != pageText || !strings.HasPrefix(line, "### ") {
				continue
			}
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				n++
				for part := range strings.SplitSeq(m[1], "…") {
					if part = strings.TrimSpace(part); !strings.Contains(code, part) {
						t.Errorf("troubleshooting.md:%d: nothing says %q", at.line+i, part)
					}
				}
			}
		}
	}
	if n == 0 {
		t.Error("troubleshooting.md quotes no error")
	}
}

// productText is all code that ships.
func productText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch ext := filepath.Ext(name); {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(name, ".") && len(name) > 2 || name == "testdata" || name == "tests"):
			return fs.SkipDir
		case ext != ".go" && ext != ".py", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(file)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
