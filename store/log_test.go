package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
)

// begun makes a job that a process does.
func begun(t testing.TB, s *store.Store, key, process string, attempt int) (j store.Job) {
	t.Helper()
	err := s.Change(t.Context(), func(tx *store.Tx) (err error) {
		j, _, err = tx.Enqueue(t.Context(), store.Job{Key: key, Kind: "ship", Subject: key, Input: []byte("{}"), Made: at()})
		return err
	})
	if err == nil {
		_, err = s.Execute(t.Context(), "UPDATE job SET state = 'running', process = ?, attempt = ? WHERE id = ?", process, attempt, j.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	j.Process, j.Attempt = process, attempt
	return j
}

// say adds to a job's log, and returns where the next piece begins.
func say(t testing.TB, s *store.Store, j store.Job, where int64, text string) int64 {
	t.Helper()
	p := store.LogPiece{At: where, Said: []byte(text)}
	if err := s.AddLog(t.Context(), j, p); err != nil {
		t.Fatal(err)
	}
	return p.End()
}

// logOf is a whole log; (...) is where something was left out.
func logOf(t testing.TB, s *store.Store, job int64) string {
	t.Helper()
	var b strings.Builder
	for from := int64(-1 << 40); ; {
		p, ok, err := s.Log(t.Context(), job, from)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return b.String()
		}
		if b.Len() > 0 && p.At > from {
			b.WriteString("(...)")
		}
		b.Write(p.Said)
		from = p.End()
	}
}

// TestLog: pieces come behind one another, a piece that is kept again is kept once, and
// a process that was taken for lost adds nothing behind what the next one printed.
func TestLog(t *testing.T) { onBoth(t, testLog) }

func testLog(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	j := begun(t, s, "a", "one", 1)
	if end, line, err := s.LogEnd(t.Context(), j.ID); end != 0 || !line || err != nil {
		t.Errorf("the log of a new job ends at %d, %t, %v", end, line, err)
	}
	next := say(t, s, j, 0, "hello\n")
	next = say(t, s, j, next, "\x00\xff wor")
	say(t, s, j, 0, "hello\n")
	if end, line, err := s.LogEnd(t.Context(), j.ID); end != next || line || err != nil {
		t.Errorf("the log ends at %d, %t, %v; want %d", end, line, err, next)
	}
	second := begun(t, s, "a", "two", 2)
	err := s.AddLog(t.Context(), j, store.LogPiece{At: next, Said: []byte("from the grave")})
	wantError(t, err, slipway.Conflict, "the job a is not done here any more: this process was taken for lost", "")
	say(t, s, second, next, "ld\n")
	if got := logOf(t, s, j.ID); got != "hello\n\x00\xff world\n" {
		t.Errorf("the log is %q", got)
	}
	execute(t, s, "DELETE FROM job")
	if got := logOf(t, s, j.ID); got != "" {
		t.Errorf("the log of a job that is gone is %q", got)
	}
}

// TestLogTidied: a log goes with its job.
func TestLogTidied(t *testing.T) { onBoth(t, testLogTidied) }

func testLogTidied(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	j := begun(t, s, "a", "", 1)
	say(t, s, j, 0, "hello\n")
	change(t, s, func(tx *store.Tx) error { return tx.EndJob(t.Context(), j.ID, store.JobDone, nil, at()) })
	for _, c := range []struct {
		before time.Time
		want   string
	}{{at(), "hello\n"}, {at().Add(time.Hour), ""}} {
		tidied(t, s, store.Keep{Now: c.before})
		if got := logOf(t, s, j.ID); got != c.want {
			t.Errorf("tidied of what ended before %s the log is %q", c.before, got)
		}
	}
}

// TestLongLog: of a log that is too long the begin and the end are kept.
func TestLongLog(t *testing.T) { onBoth(t, testLongLog) }

func testLongLog(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	j := begun(t, s, "a", "", 1)
	piece := bytes.Repeat([]byte("0123456789abcde\n"), store.MostPiece/16)
	var next int64
	for next < 3*store.MostLog/2 {
		next = say(t, s, j, next, string(piece))
	}
	say(t, s, j, next, "the end")
	head, tail, cut := strings.Cut(logOf(t, s, j.ID), "(...)")
	if !cut || len(head) != store.MostLog/2 || len(tail) < store.MostLog/2 || len(tail) > store.MostLog/2+2*store.MostPiece || !strings.HasSuffix(tail, "\nthe end") {
		t.Errorf("of %d bytes there are %d, and then %d", next, len(head), len(tail))
	}
}

// TestTakeLogs: what was in files comes before what is printed now, once, and files of
// jobs that nobody remembers go.
func TestTakeLogs(t *testing.T) { onBoth(t, testTakeLogs) }

func testTakeLogs(t *testing.T) {
	t.Helper()
	s, data := open(t, place(t)), t.TempDir()
	j := begun(t, s, "a", "", 2)
	say(t, s, j, 0, "now\n")
	if err := s.TakeLogs(t.Context(), data); err != nil {
		t.Errorf("without files: %v", err)
	}
	long := bytes.Repeat([]byte("0123456789abcde\n"), store.MostLog/16+1)
	for _, text := range []string{"before\n", "before that\n", "before\n"} { // the last was taken before, and not removed
		writeLog(t, data, j.ID, text)
		if err := s.TakeLogs(t.Context(), data); err != nil {
			t.Fatal(err)
		}
	}
	if got := logOf(t, s, j.ID); got != "before that\nbefore\nnow\n" {
		t.Errorf("the log is %q", got)
	}
	b := begun(t, s, "b", "", 1)
	writeLog(t, data, b.ID, string(long))
	writeLog(t, data, 77, "of a job that is gone")
	if err := os.WriteFile(filepath.Join(store.LogFolder(data), "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.TakeLogs(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	head, tail, cut := strings.Cut(logOf(t, s, b.ID), "(...)")
	if !cut || len(head) != store.MostLog/2 || len(tail) != store.MostLog/2 {
		t.Errorf("of a long file there are %d bytes, and then %d", len(head), len(tail))
	}
	if left, err := filepath.Glob(store.LogFolder(data) + "/*"); len(left) != 1 || err != nil {
		t.Errorf("what is left: %q", left)
	}
}

func writeLog(t *testing.T, data string, job int64, text string) {
	t.Helper()
	if err := os.MkdirAll(store.LogFolder(data), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store.LogFile(data, job), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkAddLog measures how much one job can print, in pieces of the usual length and
// as long as they may be.
func BenchmarkAddLog(b *testing.B) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		for _, size := range []int{32 << 10, store.MostPiece} {
			b.Run(fmt.Sprintf("%s/%dKiB", database, size>>10), func(b *testing.B) {
				s, err := store.Open(b.Context(), place(b), nil)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				j, text := begun(b, s, "a", "", 1), strings.Repeat("0123456789abcde\n", size/16)
				b.SetBytes(int64(size))
				var next int64
				for b.Loop() {
					next = say(b, s, j, next, text)
				}
			})
		}
	}
}
