package schema_test

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/schema"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"60m": time.Hour, "90s": 90 * time.Second, "2h30m": 150 * time.Minute, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "0s": 0,
	} {
		if got, err := schema.ParseDuration(in); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "60", "m", "1m2h", "1h1h", "-1h", "1.5h", "1 h", "1w", "h1", "99999999s", "9999d"} {
		if got, err := schema.ParseDuration(in); err == nil {
			t.Errorf("%s is taken for %s", in, got)
		}
	}
}

func TestFormatDurationReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(9*365*24*time.Hour/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		got, err := schema.ParseDuration(schema.FormatDuration(d))
		if err != nil || got != d {
			t.Fatalf("%s becomes %s, %v", d, got, err)
		}
	})
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{"20GB": 20e9, "512MiB": 512 << 20, "1.5kB": 1500, "1KB": 1000, "0B": 0, "3TiB": 3 << 40} {
		if got, err := schema.ParseSize(in); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "GB", "20", "20gb", "1..5GB", "-1GB", "99999999999TB"} {
		if got, err := schema.ParseSize(in); err == nil {
			t.Errorf("%s is taken for %d", in, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<50).Draw(t, "bytes")
		if got, err := schema.ParseSize(schema.FormatSize(n)); err != nil || got != n {
			t.Fatalf("%d becomes %s, then %d, %v", n, schema.FormatSize(n), got, err)
		}
	})
}

func TestNearest(t *testing.T) {
	choices := []string{"worker_type", "workers", "timeout", "G.1X", "glueetl", "role"}
	for word, want := range map[string]string{
		"worker_tpye": "worker_type", "WorkerType": "worker_type", "worker": "workers", "tiemout": "timeout", "time-out": "timeout",
		"g1x": "G.1X", "glue-etl": "glueetl", "rol": "role", "banana": "", "": "", "x": "", "schedule": "",
	} {
		if got := schema.Nearest(word, choices); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// What QuoteYAML writes is the same text again, for our reader and for another.
func FuzzQuoteYAML(f *testing.F) {
	for _, text := range []string{"", "a", "5.0", "yes", "null", "a: b", "a #b", "- a", "s3://x/y", "\n", "é\u2028\u0085", "=x", "[", "0x1", "1_0", "@", "a:", "\u00a0", "..", "12:30:45", "1e3", "+1", "<<", "---"} {
		f.Add(text)
	}
	text := &schema.Type{Kind: schema.Object, Fields: []schema.Field{{Name: "v", Type: &schema.Type{Kind: schema.String}}}}
	f.Fuzz(func(t *testing.T, in string) {
		in = string([]rune(in)) // YAML is Unicode
		written := "v: " + schema.QuoteYAML(in) + "\n"
		v, problems := schema.Open("", []byte(written)).Read(text)
		if err := problems.Err(); err != nil {
			t.Fatalf("%q is written as %s: %v", in, written, err)
		}
		if got := v.Get("v").Text(); got != in {
			t.Fatalf("%q is written as %s and read as %q", in, written, got)
		}
		var other struct{ V any }
		if err := yaml.Unmarshal([]byte(written), &other); err != nil || other.V != in {
			t.Fatalf("%q is written as %s and read elsewhere as %q, %v", in, written, other.V, err)
		}
	})
}

// The readers of text do not fall over, and cron expressions have five fields.
func FuzzScalars(f *testing.F) {
	for _, text := range []string{"1h", "20GB", "0 3 * * *", "@daily", "*/0 * * * *", "1-0 * * * *", "L L L L L", "a/b", "2027-01-31"} {
		f.Add(text)
	}
	types := everything()
	f.Fuzz(func(t *testing.T, in string) {
		in = string([]rune(in))
		for _, fd := range types.Fields {
			_, problems := schema.Open("", []byte(fd.Name+": "+schema.QuoteYAML(in)+"\n")).Read(types)
			for _, p := range problems {
				if p.Message == "" || p.Expected == "" && p.Suggestion == "" {
					t.Fatalf("%s: %q: a complaint without help: %s", fd.Name, in, p)
				}
			}
		}
	})
}
