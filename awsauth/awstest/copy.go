package awstest

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An AWS is a moto server of one test.
type AWS struct {
	URL     string
	Environ []string // the variables with which child processes find it

	mu     *sync.Mutex
	server *server
}

// Start starts a moto server that is empty and ends with the test. It is skipped as
// Moto is.
func Start(t testing.TB) *AWS {
	t.Helper()
	_, err := installed()
	need(t, "no AWS to test with", err)
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.input.Close() })
	return &AWS{s.url, environOf(s), &sync.Mutex{}, s}
}

// Settings leads the SDK to this AWS within the test, which may have others beside it.
func (a *AWS) Settings(context.Context, string, string) (aws.Config, error) {
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(a.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, nil
}

// Copy returns another AWS with all that this one holds, which goes its own way from
// there, and ends with this one. It takes no time, as starting and filling one does.
// Nobody may call this one meanwhile, and a copy cannot be copied.
func (a *AWS) Copy(t testing.TB) *AWS {
	t.Helper()
	if a.server.input == nil {
		t.Fatal("a copy cannot be copied")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.server.input.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if !a.server.output.Scan() {
		t.Fatal("moto ended before it was copied")
	}
	s := &server{url: a.server.output.Text()}
	return &AWS{s.url, environOf(s), nil, s}
}
