package slipway_test

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
)

func TestArtifactKey(t *testing.T) {
	t.Parallel()
	digest := slipway.DigestOf([]byte("print(1)\n"))
	for name, want := range map[string]string{
		"traffic.py":                     "traffic_c0ffee.py",
		"a.b-c_d+e=f@g.tar.gz":           "a.b-c_d+e=f@g.tar_c0ffee.gz",
		"My Notebook (1).py":             "My-Notebook-1-_c0ffee.py",
		"Überfahrt.py":                   "-berfahrt_c0ffee.py",
		"лето.py":                        "-_c0ffee.py",
		".hidden.py":                     "hidden_c0ffee.py",
		".env":                           "_c0ffee.env",
		"plain":                          "plain_c0ffee",
		"a.p y":                          "a_c0ffee.p-y",
		strings.Repeat("x", 250) + ".py": strings.Repeat("x", 100) + "_c0ffee.py",
	} {
		if got := slipway.ArtifactKey("app", name, digest, "c0ffee"); got != "app/"+digest.Short()+"/"+want {
			t.Errorf("the key of %q is %s, want %s", name, got, want)
		}
	}
}
