package git

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func FuzzParseStatus(f *testing.F) {
	f.Add("# branch.oid abc\x00# branch.head main\x001 .M N... 100644 100644 100644 a b file name\x00? x y\x00")
	f.Add("u UU N... 1 2 3 4 a b c file\x00? .slipway/x\x00# branch.oid (initial)\x00# branch.head (detached)\x00")
	f.Fuzz(func(t *testing.T, out string) {
		s := parseStatus(out)
		if n := strings.Count(out, "\x00") + 1; len(s.changed)+len(s.untracked) > n {
			t.Errorf("%d files from %d records", len(s.changed)+len(s.untracked), n)
		}
		for _, c := range s.changed {
			if !strings.Contains(out, c.path) || c.what == "" {
				t.Errorf("made up %+v", c)
			}
		}
	})
}

func FuzzParseTree(f *testing.F) {
	f.Add("100644 blob abc\ta b\x00120000 blob def\tlink\x00160000 commit 0\tmodule\x00")
	f.Add("x\x00")
	f.Fuzz(func(t *testing.T, out string) {
		entries, err := parseTree(out)
		for i, e := range entries {
			if err == nil && i > 0 && entries[i-1].path > e.path {
				t.Errorf("not in order: %q, %q", entries[i-1].path, e.path)
			}
		}
	})
}

func FuzzCommitTime(f *testing.F) {
	f.Add([]byte("tree a\nauthor A <a@b> 1 +0000\ncommitter A B <a@b> 1767315845 +0200\n\nmessage\n"))
	f.Add([]byte("committer x\n\ncommitter A <a> 1 +0000\n"))
	f.Fuzz(func(t *testing.T, commit []byte) {
		got, err := commitTime(commit)
		if err == nil && !bytes.Contains(commit, []byte("committer")) {
			t.Errorf("made up %s", got)
		}
		if author := commitAuthor(commit); !bytes.Contains(commit, []byte(author)) && utf8.Valid(commit) {
			t.Errorf("made up %q", author)
		}
	})
}

func FuzzReadObject(f *testing.F) {
	f.Add([]byte("abc blob 3\nxyz\n"))
	f.Add([]byte("HEAD missing\n"))
	f.Add([]byte("abc blob -1\n"))
	f.Add([]byte("abc blob 99999999999\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		o := &objects{in: nopCloser{}, out: bufio.NewReader(bytes.NewReader(out))}
		obj, err := o.read("HEAD")
		if err == nil && !bytes.Contains(out, obj.data) {
			t.Errorf("made up %q", obj.data)
		}
	})
}

type nopCloser struct{}

func (nopCloser) Write(p []byte) (int, error) { return len(p), nil }
func (nopCloser) Close() error                { return nil }

func TestWithoutCredentials(t *testing.T) {
	got := map[string]string{}
	for _, url := range []string{
		"https://user:secret@example.com/a.git", "https://token@example.com/a.git?private_token=x", "https://us%er:p@ss@example.com/a",
		"ssh://git:secret@example.com/a", "git@example.com:a/b.git", "/srv/git/a", "file:///srv/a",
	} {
		got[url] = withoutCredentials(url)
	}
	want := map[string]string{
		"https://user:secret@example.com/a.git":           "https://example.com/a.git",
		"https://token@example.com/a.git?private_token=x": "https://example.com/a.git",
		"https://us%er:p@ss@example.com/a":                "https://example.com/a",
		"ssh://git:secret@example.com/a":                  "ssh://git@example.com/a",
		"git@example.com:a/b.git":                         "git@example.com:a/b.git",
		"/srv/git/a":                                      "/srv/git/a",
		"file:///srv/a":                                   "file:///srv/a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.com/a", "git@host:path", "ext::sh -c id", "file:///x", "ssh://-o/x", "-x", "a:-b"} {
		f.Add(s)
	}
	helper := regexp.MustCompile(`^[A-Za-z0-9+.-]*::`) // git would run git-remote-<what stands before>
	f.Fuzz(func(t *testing.T, remote string) {
		if checkURL(remote) == nil && (strings.HasPrefix(remote, "-") || helper.MatchString(remote)) {
			t.Errorf("%q is let through", remote)
		}
	})
}
