package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCallsArePassedOnAndTold sends calls through, and reads what is told of them.
func TestCallsArePassedOnAndTold(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(append([]byte(r.Method+" "), body...))
	}))
	defer service.Close()
	file := filepath.Join(t.TempDir(), "calls")
	in, end := io.Pipe()
	address, told := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run([]string{"-to", service.URL, "-log", file, "-delay", "1ms"}, in, told) }()
	at, err := bufio.NewReader(address).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	at = strings.TrimSpace(at)
	for _, c := range []struct{ method, path, header, value, body string }{
		{"POST", "/", "X-Amz-Target", "AWSGlue.GetJob", "{}"},
		{"POST", "/", "Content-Type", "application/x-www-form-urlencoded", "Action=GetRole&RoleName=etl"},
		{"GET", "/bucket?list-type=2&prefix=a/&start-after=a/1", "", "", ""},
		{"PUT", "/bucket/a/2", "If-None-Match", "*", "two"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, at+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(c.header, c.value)
		if c.header == "" {
			r.Header = http.Header{}
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if string(got) != c.method+" "+c.body || answer.StatusCode != http.StatusTeapot {
			t.Errorf("%s %s answers %d %q", c.method, c.path, answer.StatusCode, got)
		}
	}
	_ = end.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^ *[0-9.]+ +[0-9.]+ `).ReplaceAllString(string(lines), "")
	want := "418 AWSGlue.GetJob\n418 GetRole\n418 LIST /bucket a/ after a/1\n418 PUT /bucket/a/2 if *\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
