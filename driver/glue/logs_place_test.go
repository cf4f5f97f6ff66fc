package glue

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhoWritesToAStream(t *testing.T) {
	tests := []struct {
		stream, prefix string
		who            string
		ok             bool
	}{
		{"jr_1", "", "", true},
		{"jr_1-driver", "", "", true},
		{"jr_1-7", "", "executor 7", true},
		{"jr_1_g-0123456789abcdef", "", "executor 01234567", true},
		{"jr_1_attempt_2", "", "", true},
		{"jr_1_attempt_2_g-0123456789abcdef", "", "executor 01234567", true},
		{"jr_1_attempt_2-driver", "", "", true},
		{"jr_1-progress-bar", "", "", false},
		{"jr_1_attempt_2-progress-bar", "", "", false},
		{"jr_12", "", "", false},
		{"jr_12-driver", "", "", false},
		{"jr_1-ray-worker", "", "ray-worker", true},
		{"etl-driver", "etl", "", true},
		{"etl-3", "etl", "executor 3", true},
		{"etl/jr_1-driver", "etl/", "", true},
		{"etl/jr_12-driver", "etl/", "", false},
		{"etl/jr_2-driver", "etl", "", false},
		{"etl-progress-bar", "etl", "", false},
		{"other-driver", "etl", "", false},
	}
	for _, tt := range tests {
		if who, ok := writer(tt.stream, "jr_1", tt.prefix); who != tt.who || ok != tt.ok {
			t.Errorf("writer(%q, prefix %q) = %q, %v; want %q, %v", tt.stream, tt.prefix, who, ok, tt.who, tt.ok)
		}
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("jr_1-driver", "jr_1", "")
	f.Add("etl/jr_1_g-ab", "jr_1", "etl/")
	f.Fuzz(func(t *testing.T, stream, run, prefix string) {
		who, ok := writer(stream, run, prefix)
		if !ok && who != "" {
			t.Errorf("%q writes to a stream that is none of the run's", who)
		}
		if ok && !strings.HasPrefix(stream, run) && !strings.HasPrefix(stream, prefix) {
			t.Errorf("the stream %q is taken for one of %q", stream, run)
		}
	})
}

func FuzzShorten(f *testing.F) {
	f.Add("Error Category: QUERY_ERROR; Failed Line Number: 28; AnalysisException: x")
	f.Add("a\n\tat b\nc\x00\xff")
	f.Fuzz(func(t *testing.T, said string) {
		text := shorten(said)
		if len(text) > maxMessage+len(said) || len(text) > maxMessage+60 && !strings.Contains(text, "of the script)") {
			t.Errorf("%d bytes became %d", len(said), len(text))
		}
		if utf8.ValidString(said) && !utf8.ValidString(text) {
			t.Errorf("%q became %q", said, text)
		}
	})
}
