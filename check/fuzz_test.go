package check

import (
	"testing"
	"unicode/utf8"
)

// seeds gives real reports and pieces of them.
func seeds(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		data := file(f, name)
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte(utf16le("<testsuite/>")))
}

func FuzzJUnit(f *testing.F) {
	seeds(f, "pytest.xml", "surefire.xml", "gotestsum.xml", "node.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseJUnit(data)
		if r.counts.Failed < len(r.failures) || r.counts.Passed < 0 || r.counts.Skipped < 0 {
			t.Errorf("%+v with %d failures", r.counts, len(r.failures))
		}
		if err == nil && r.counts.Failed > 0 && len(r.failures) == 0 {
			t.Error("failures without a name")
		}
		for _, failed := range r.failures {
			if failed.Name == "" || failed.Message == "" || failed.Line < 0 || !utf8.ValidString(failed.Name+failed.Message+failed.File) {
				t.Errorf("%+v", failed)
			}
		}
	})
}

func FuzzCoverage(f *testing.F) {
	seeds(f, "coverage.py.xml", "coverage.py.info", "node.info", "cover.out")
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _ := parseCoverage(data)
		if c := r.sum; c.Covered < 0 || c.Total < c.Covered {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzSARIF(f *testing.F) {
	seeds(f, "ruff.sarif", "gitleaks.sarif")
	f.Add([]byte(`{"version": "2.1.0", "runs": [{` + sarifTools + `, "results": [{"ruleId": "one/2", "message": {"id": "m", "arguments": ["{1}"]}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseSARIF(data, "/w")
		if err != nil && len(r.findings) > 0 {
			t.Error("findings of a report that cannot be read")
		}
		for _, found := range r.findings {
			if found.Message == "" || found.Line < 0 || !utf8.ValidString(found.Rule+found.Message+found.File) {
				t.Errorf("%+v", found)
			}
		}
	})
}

func FuzzTail(f *testing.F) {
	f.Add([]byte("a\nb\n"), 70000)
	f.Add([]byte("one line"), 20000)
	f.Fuzz(func(t *testing.T, data []byte, times int) {
		var kept tail
		for range min(max(times, 0), 200000/max(1, len(data))) {
			if _, err := kept.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		if got := kept.String(); len(got) > 3*keptOutput || !utf8.ValidString(got) {
			t.Errorf("%d bytes kept", len(got))
		}
	})
}

func FuzzReviews(f *testing.F) {
	f.Add([]byte("security: a new dependency\n# no\n\ndata: x"))
	f.Add([]byte("a:\x00b\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		asked, _ := parseReviews(data)
		for _, r := range asked {
			if r.Role == "" || r.Reason == "" || !utf8.ValidString(r.Role+r.Reason) {
				t.Errorf("%+v", r)
			}
		}
	})
}
