package leak_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/leak"
)

// Keys that are taken apart here, so that no scanner takes this file for a leak.
const (
	pat    = "ghp_" + "1A2b3C4d5E6f7G8h9I0jK1l2M3n4O5p6Q7r8"
	access = "AKIA" + "QYLPMN5HFZ4TK7XC"
)

func TestFind(t *testing.T) {
	finder, err := leak.New()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		text string
		want []string
	}{
		"a token":                   {"token = '" + pat + "'\n", []string{"github-pat ghp_..."}},
		"two of different kinds":    {pat + "\nkey: " + access + "\n", []string{"github-pat ghp_...", "aws-access-token AKIA..."}},
		"one that is allowed":       {"token = '" + pat + "'  # gitleaks:allow\n", nil},
		"a placeholder":             {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n", nil},
		"a reference":               {"password: {secret: redshift/password}\n", nil},
		"a key of no special kind":  {`api_key = "8f3kQ9zLw2PxV7mTb4Rj"`, []string{"generic-api-key 8f3k..."}},
		"nothing":                   {"", nil},
		"the words alone":           {"secret token api_key password\n", nil},
		"one behind a lot of words": {strings.Repeat("token ", 5000) + pat, []string{"github-pat ghp_..."}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range finder.Find(c.text) {
				got = append(got, s.Rule+" "+s.Masked())
				if !strings.Contains(c.text[s.Start:s.End], s.Text) || s.What == "" {
					t.Errorf("%+v is not at its place", s)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzFind(f *testing.F) {
	finder, err := leak.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("token = " + pat)
	f.Add("\xff\x00key=\n\n" + access)
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, s := range finder.Find(text) {
			if s.Start < end || s.End > len(text) || s.End < s.Start {
				t.Fatalf("%+v overlaps or leaves the text", s)
			}
			end = s.End
		}
	})
}
