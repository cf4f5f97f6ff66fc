package awsauth

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/slipway-cd/slipway"
)

// hidden stands where a secret was.
const hidden = "***"

// secrets knows what must not be shown: the values that were learned, and what looks
// like a secret of AWS or of GitHub wherever it comes from.
type secrets struct {
	mu     sync.Mutex
	values []string
}

// shapes are what secrets look like. The first group is kept.
// They are made when they are needed.
//
//nolint:gochecknoglobals // immutable
var shapes = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*`), // a token
		regexp.MustCompile(`(?i)(X-Amz-(?:Security-Token|Signature|Credential)(?:=|%3D|:\s*))[^&\s"'<]+`),
		regexp.MustCompile(`(?i)((?:Secret_?Access_?Key|Session_?Token|WebIdentityToken|Bearer)["']?(?:\s*[=:>]\s*|\s+)["']?)[\w+/=.%-]{16,}`),
		regexp.MustCompile(`(?i)(\bSignature=)[0-9a-f]{16,}`),
	}
})

// learn adds values that must never be shown.
func (s *secrets) learn(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		if len(v) >= 8 && !slices.Contains(s.values, v) { // a shorter one would hide ordinary words
			s.values = append(s.values, v)
		}
	}
}

// text hides the secrets in a text.
func (s *secrets) text(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, hidden)
	}
	for _, shape := range shapes() {
		text = shape.ReplaceAllString(text, "${1}"+hidden)
	}
	return text
}

// mask returns an error that hides the secrets in err's text; err itself if it has
// none.
func (s *secrets) mask(err error) error {
	if err == nil || s.text(err.Error()) == err.Error() {
		return err
	}
	return &masked{err, s}
}

// maskErrors masks the errors of every call of a client.
func (s *secrets) maskErrors(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SlipwayMask",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			return out, metadata, s.mask(err)
		}), middleware.Before)
}

// masked is an error that hides secrets, in its own text and in the texts of what
// callers look for in it: an explanation, and an answer of AWS.
type masked struct {
	err     error
	secrets *secrets
}

func (m *masked) Error() string { return m.secrets.text(m.err.Error()) }

func (m *masked) Unwrap() error { return m.err }

func (m *masked) As(target any) bool {
	switch target := target.(type) {
	case **slipway.Error:
		e, ok := errors.AsType[*slipway.Error](m.err)
		if ok {
			*target = &slipway.Error{Kind: e.Kind, Message: m.secrets.text(e.Message), Fix: m.secrets.text(e.Fix), Err: m.secrets.mask(e.Err)}
		}
		return ok
	case *smithy.APIError:
		answer, ok := errors.AsType[smithy.APIError](m.err)
		if ok {
			*target = &smithy.GenericAPIError{Code: answer.ErrorCode(), Message: m.secrets.text(answer.ErrorMessage()), Fault: answer.ErrorFault()}
		}
		return ok
	}
	return false
}
