package git_test

import "testing"

func TestDefaultBranch(t *testing.T) {
	for name, c := range map[string]struct {
		setup [][]string
		want  string
	}{
		"what origin says": {[][]string{
			{"update-ref", "refs/remotes/origin/trunk", "HEAD"},
			{"symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"},
			{"checkout", "-q", "-b", "feature"},
		}, "trunk"},
		"main, from another branch": {[][]string{{"checkout", "-q", "-b", "feature"}}, "main"},
		"master, from another branch": {[][]string{
			{"branch", "-m", "master"}, {"checkout", "-q", "-b", "feature"},
		}, "master"},
		"the one that is checked out": {[][]string{{"branch", "-m", "team/trunk"}}, "team/trunk"},
		"none":                        {[][]string{{"checkout", "-q", "--detach"}, {"branch", "-D", "main"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repo(t, app)
			for _, args := range c.setup {
				run(t, dir, args...)
			}
			got, err := open(t, dir).DefaultBranch(t.Context())
			if err != nil || got != c.want {
				t.Errorf("%q, %v, not %q", got, err, c.want)
			}
		})
	}
}

func TestDefaultBranchBeforeTheFirstCommit(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "trunk")
	got, err := open(t, dir).DefaultBranch(t.Context())
	if err != nil || got != "trunk" {
		t.Errorf("%q, %v", got, err)
	}
}
