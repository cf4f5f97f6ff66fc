package policy_test

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/policy"
)

// FuzzLoad reads any file of rails: it is refused with complaints that lie in the
// file, or it judges.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(someRails))
	f.Add([]byte(rails(2)))
	for when := range mistakes() {
		f.Add([]byte(rail(when)))
	}
	f.Add([]byte("slipway: v1\nrails:\n  - {name: a, when: '\"', effect: block, message: '{'}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		source, err := policy.ReadFile("rails.yaml", data)
		if err == nil {
			var book *policy.Book
			if book, err = policy.Load(scope(t), source); err == nil {
				book.Judge(facts())
				book.Test()
				return
			}
		}
		problems := policy.Problems(err)
		if len(problems) == 0 {
			t.Fatalf("no complaint has a place: %v", err)
		}
		lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Col < 1 || p.Len < 1 || p.Message == "" {
				t.Errorf("%d lines, and a complaint at %d:%d (%d): %s", lines, p.Line, p.Col, p.Len, p.Message)
			}
		}
	})
}
