package server

import (
	"testing"

	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/store"
)

// A forge is asked first which branch is the default one, and then where it is. What
// is pushed in between, to a repository that was empty, is delivered all the same, and
// once.
func TestPushedBetweenTwoQuestions(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", map[string]string{"slipway.yaml": helloText, "hello.py": "print('hello')\n"})
	s, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, step := range []struct {
		branch string
		pushes int
	}{
		{"", 0},     // it was empty when that was asked
		{"main", 1}, // now it is known
		{"main", 1}, // and nothing new
		{"", 1},     // it could not be asked
		{"main", 1}, // and can be again
		{"gone", 1}, // another one, without commits
		{"main", 2}, // and back: the apps say whether that is anything new
	} {
		d, err := s.lookRefs(t.Context(), store.Job{Subject: "home/hello", Input: toJSON(forge.Repository{Name: "hello", DefaultBranch: step.branch})})
		if err == nil {
			err = s.store.Change(t.Context(), func(tx *store.Tx) error { return d.then(t.Context(), tx) })
		}
		if err != nil {
			t.Fatalf("look %d: %v", i, err)
		}
		jobs, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{jobPush}}, 10)
		if err != nil || len(jobs) != step.pushes {
			t.Errorf("after look %d, with the default branch %q, there are %d pushes, not %d (%v)", i, step.branch, len(jobs), step.pushes, err)
		}
	}
}
