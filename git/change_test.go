package git_test

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
)

func TestMergeBaseAndDiff(t *testing.T) {
	dir := repo(t, map[string]string{"apps/a/job.py": "1\n2\n3\n", "apps/a/old.py": "x\ny\nz\n", "other.txt": "x\n"})
	base := commitOf(t, dir)
	run(t, dir, "checkout", "-q", "-b", "feature")
	run(t, dir, "mv", "apps/a/old.py", "apps/a/new.py")
	write(t, dir, map[string]string{"apps/a/job.py": "1\n2\nthree\n4\n", "other.txt": "y\n"})
	head := commit(t, dir)
	r := open(t, dir)
	got, err := r.MergeBase(t.Context(), head, "main")
	if err != nil || got != base {
		t.Fatalf("merge base %s, %v, want %s", got, err, base)
	}
	if got, err := r.MergeBase(t.Context(), head, "nobody"); got != "" || err != nil {
		t.Errorf("with a branch that is not there: %q, %v", got, err)
	}
	src := slipway.Source{Path: "apps/a", Commit: head}
	diff, err := r.Diff(t.Context(), base, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"+++ b/job.py\n@@ -3 +3,2 @@", "rename from old.py\nrename to new.py\n"} {
		if !strings.Contains(string(diff), want) {
			t.Errorf("%q is not in\n%s", want, diff)
		}
	}
	if strings.Contains(string(diff), "other.txt") {
		t.Errorf("a file of elsewhere is in\n%s", diff)
	}
	write(t, dir, map[string]string{"apps/a/job.py": "1\n2\nthree\n4\nfive\n"})
	src.Dirty = true
	if diff, err := r.Diff(t.Context(), base, src); err != nil || !strings.Contains(string(diff), "+five") {
		t.Errorf("of the working tree: %v\n%s", err, diff)
	}
	if _, err := r.Diff(t.Context(), "main; rm", src); err == nil || err.Error() != `"main; rm" is not a commit` {
		t.Errorf("got %v", err)
	}
}

func commitOf(t *testing.T, dir string) string {
	t.Helper()
	return strings.TrimSpace(run(t, dir, "rev-parse", "HEAD"))
}
