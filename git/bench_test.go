package git_test

import (
	"testing"

	"github.com/slipway-cd/slipway/git"
)

// BenchmarkSource is what ship pays for git: open, name the source, read its
// files.
func BenchmarkSource(b *testing.B) {
	dir, env := repo(b, app), environ(b)
	for b.Loop() {
		r, err := git.Open(b.Context(), dir, env)
		if err != nil {
			b.Fatal(err)
		}
		src, _, err := r.Source(b.Context(), "traffic", false)
		if err != nil {
			b.Fatal(err)
		}
		tree, err := r.Tree(b.Context(), src)
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range tree.List(".") {
			if _, err := tree.Read(name); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
