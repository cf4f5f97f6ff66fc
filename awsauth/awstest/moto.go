// Package awstest is an AWS for tests. Start at Moto, which is an emulator that
// nobody here wrote; Run runs the real AWS CLI, to confirm with what Slipway did.
package awstest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-cd/slipway/scripts"
)

// Account is the account of the credentials that Moto sets.
const Account = "123456789012"

// Region is the region that Moto sets.
const Region = "us-east-1"

// Moto returns the URL of a moto server, with the Glue calls added that moto
// lacks, and sets the variables with which the SDK, the CLI and child processes
// find it: AWS_ENDPOINT_URL, credentials, a region, and nothing of this machine's
// own settings. The server is started once for all tests of a package, which share
// what it holds, and ends with the test process. Where it cannot be had the test
// is skipped, but never in CI.
func Moto(t testing.TB) string {
	t.Helper()
	server := shared(t)
	for name, value := range variables(server) {
		t.Setenv(name, value)
	}
	isolate(t)
	return server.url
}

// Shared returns the URL of the server that Moto returns, and the variables with which
// child processes find it: for tests that run beside others in this process.
func Shared(t testing.TB) (url string, environ []string) {
	t.Helper()
	server := shared(t)
	return server.url, environOf(server)
}

// Own starts a moto server for this test alone, and returns the variables with
// which child processes find it: for tests whose AWS has to be empty.
func Own(t testing.TB) []string {
	t.Helper()
	return Start(t).Environ
}

func shared(t testing.TB) *server {
	t.Helper()
	_, err := installed()
	need(t, "no AWS to test with", err)
	server, err := started()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func environOf(s *server) []string {
	environ := []string{"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true"}
	for name, value := range variables(s) {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// variables lead the SDK and the CLI to a server.
func variables(s *server) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":      s.url,
		"AWS_ACCESS_KEY_ID":     "test",
		"AWS_SECRET_ACCESS_KEY": "test",
		"AWS_REGION":            Region,
		"AWS_DEFAULT_REGION":    Region,
	}
}

// isolate keeps the settings of this machine away from a test.
func isolate(t testing.TB) {
	t.Helper()
	for _, name := range []string{"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// CLI returns the path of the real AWS CLI, at a pinned version. It is skipped as
// Moto is.
func CLI(t testing.TB) string {
	t.Helper()
	path, err := cli()
	need(t, "no AWS CLI to test with", err)
	return path
}

// Run runs the real AWS CLI and returns what it prints; a failure ends the test.
func Run(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), CLI(t), args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws %s: %v: %s", strings.Join(args, " "), err, talk.String())
	}
	return string(out)
}

// need skips a test of something that cannot be had, and fails it in CI.
func need(t testing.TB, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") != "": //nolint:forbidigo // a helper of tests, which CI tells this way
		t.Fatalf("%s: %v", what, err)
	default:
		t.Skipf("SKIPPED: %s: %v", what, err)
	}
}

//nolint:gochecknoglobals // once for all tests of a package
var (
	installed = sync.OnceValues(func() (string, error) { return scripts.Run("moto.sh") })
	started   = sync.OnceValues(start)
	cli       = sync.OnceValues(func() (string, error) { return scripts.Run("awscli.sh") })
)

// A server is a moto server. It ends when its input does, with this process at the
// latest, so that nobody has to stop it.
type server struct {
	url    string
	input  io.WriteCloser
	output *bufio.Scanner
}

func start() (*server, error) {
	program, err := installed()
	if err != nil {
		return nil, err
	}
	root, err := scripts.Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(program), "python"), filepath.Join(root, "awsauth/awstest/testdata/server.py"))
	cmd.Stderr = os.Stderr // the traceback of a call that it does not know
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		return nil, errors.New("moto ended before it was ready")
	}
	return &server{lines.Text(), input, lines}, nil
}
