package bucket_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-cd/slipway/repository/bucket"
)

// A server is the S3 of moto, which nobody here wrote.
type server struct {
	once sync.Once
	url  string
	err  error
	stop func()
}

var moto = server{stop: func() {}}

func TestMain(m *testing.M) {
	code := m.Run()
	moto.stop()
	os.Exit(code)
}

// start starts the server once for all tests. Where it cannot be had the test
// is skipped, but never in CI.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.once.Do(func() { s.err = s.run() })
	if s.err != nil && os.Getenv("CI") != "" {
		t.Fatal(s.err)
	}
	if s.err != nil {
		t.Skip("no S3 to test with: ", s.err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
}

func (s *server) run() error {
	var talk bytes.Buffer
	install := exec.Command("../../scripts/moto.sh")
	install.Stderr = &talk
	program, err := install.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(talk.String()), err)
	}
	// The shell ends the server when its input ends, so it never outlives us.
	cmd := exec.Command("bash", "-c", `"$0" -H 127.0.0.1 -p 0 & cat; kill $!; wait`, strings.TrimSpace(string(program)))
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	output, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stop = func() {
		_ = input.Close()
		_ = cmd.Wait()
	}
	return s.ready(output)
}

// ready waits until the server says where it listens.
func (s *server) ready(output io.Reader) error {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "Running on "); ok {
			s.url = strings.TrimSpace(url)
			go io.Copy(io.Discard, output) //nolint:errcheck // it ends with the server
			return nil
		}
	}
	return errors.New("moto_server ended before it was ready")
}

// address makes a bucket and returns its address.
func (s *server) address(t testing.TB, name string) string {
	t.Helper()
	s.send(t, http.MethodPut, name, "")
	return addressOf(name, s.url)
}

// send does something behind the repository's back.
func (s *server) send(t testing.TB, method, path, data string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+"/"+path, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
}

func addressOf(path, endpoint string) string {
	return "s3://" + path + "?region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
}

func open(t testing.TB, address string) *bucket.Repository {
	t.Helper()
	r, err := bucket.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
