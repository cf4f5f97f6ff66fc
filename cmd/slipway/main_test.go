package main

import "testing"

func TestWhoIsAtWorkOnGitHub(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_ACTOR", "octocat")
	if got := who(); got != "octocat@github" {
		t.Errorf("it is %s", got)
	}
	t.Setenv("GITHUB_ACTIONS", "")
	if got := who(); got == "octocat@github" {
		t.Error("a variable alone makes a person")
	}
}
