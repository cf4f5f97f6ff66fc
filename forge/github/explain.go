package github

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// An ask is what was asked of GitHub, for whoever reads the error.
type ask struct {
	what string // such as "read the pull requests"
	of   string // a repository or an owner
}

// explain turns what GitHub answered into an error with the way out.
func (s *session) explain(a ask, err error) error {
	host := s.site.host
	var limit *forge.LimitError
	var spent *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	var answer *github.ErrorResponse
	switch {
	case err == nil:
		return nil
	case slipway.KindOf(err) != slipway.Internal:
		return errorIn(err)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &limit):
		return s.limitedUntil(limit.Until)
	case errors.As(err, &spent):
		return s.limitedUntil(s.spent(resource(spent.Response.Request)))
	case errors.As(err, &abuse):
		return s.limitedUntil(s.quiet())
	case errors.As(err, &answer) && answer.Response.StatusCode == http.StatusTooManyRequests:
		return s.limitedUntil(s.quiet())
	case errors.As(err, &answer):
		return s.refused(a, answer)
	}
	return slipway.Errorf(slipway.Unavailable, "%s cannot be reached: %w", host, rootOf(err)).
		WithFix("check the network, and the proxy if there is one; what was missed is made up for later")
}

// errorIn drops what the HTTP client put around an error of ours.
func errorIn(err error) error {
	if e, ok := errors.AsType[*slipway.Error](err); ok {
		return e
	}
	return err
}

// rootOf is the innermost error: the others say what the message says already.
func rootOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func (s *session) limitedUntil(until time.Time) error {
	return slipway.Errorf(slipway.Busy, "%s has answered as many requests as it does for now: %w", s.site.host, &forge.LimitError{Until: until}).
		WithFix("nothing has to be done. A GitHub App has a higher limit than a token, and it grows with the repositories and people it serves")
}

// refused explains an answer of GitHub that is an error.
func (s *session) refused(a ask, e *github.ErrorResponse) error {
	host, status := s.site.host, e.Response.StatusCode
	switch {
	case status == http.StatusUnauthorized:
		if s.installation != nil {
			s.installation.forget()
		}
		return slipway.Errorf(slipway.Denied, "%s does not know %s: %s", host, s.who(), e.Message).
			WithFix("%s", s.signInFix())
	case status == http.StatusForbidden && strings.Contains(e.Message, "SAML"):
		return slipway.Errorf(slipway.Denied, "%s does not let %s %s of %s: %s", host, s.who(), a.what, a.of, e.Message).
			WithFix("authorize the token for the organization's single sign-on: Settings, Developer settings, the token, Configure SSO")
	case status == http.StatusForbidden:
		return slipway.Errorf(slipway.Denied, "%s does not let %s %s of %s: %s", host, s.who(), a.what, a.of, e.Message).
			WithFix("%s", s.permissionFix(e.Response.Header))
	case status == http.StatusNotFound || status == http.StatusGone || status == http.StatusMovedPermanently:
		return slipway.Errorf(slipway.NotFound, "cannot %s: %s has no %s, or %s may not see it", a.what, host, a.of, s.who()).
			WithFix("check the name, and that %s", s.reachFix())
	case status >= http.StatusInternalServerError:
		return slipway.Errorf(slipway.Unavailable, "%s is out of order: it answers %d when asked to %s of %s", host, status, a.what, a.of).
			WithFix("see https://www.githubstatus.com; it is tried again")
	}
	return slipway.Errorf(slipway.Invalid, "%s refuses to %s of %s: %s", host, a.what, a.of, messageOf(e))
}

func messageOf(e *github.ErrorResponse) string {
	texts := []string{e.Message}
	for _, detail := range e.Errors {
		if detail.Message != "" {
			texts = append(texts, detail.Message)
		} else if detail.Field != "" {
			texts = append(texts, detail.Field+" is "+strings.ReplaceAll(detail.Code, "_", " "))
		}
	}
	return strings.Join(texts, ": ")
}

func (s *session) isApp() bool {
	return s.installation != nil
}

func (s *session) who() string {
	if s.isApp() {
		return "the app"
	}
	return "the token"
}

func (s *session) signInFix() string {
	if s.isApp() {
		return "nothing if it happens once: a new token is fetched. Otherwise see that the app is still installed, and not suspended"
	}
	return "the token has ended or was revoked, or the app's ID and private key do not belong together: make a new one (docs/forges.md)"
}

func (s *session) reachFix() string {
	if s.isApp() {
		return "the app is installed there: " + s.site.pages + "/settings/installations, or those of the organization"
	}
	return "the token may reach it"
}

// permissionFix says which permission is lacking, as GitHub says in a header.
func (s *session) permissionFix(header http.Header) string {
	if needed := header.Get("X-Accepted-GitHub-Permissions"); needed != "" {
		words := strings.NewReplacer("=", ": ", "_", " ", ";", " or", ",", ", ").Replace(needed)
		if s.isApp() {
			return "give the app the permission " + words + ", and accept it where it is installed"
		}
		return "give the token the permission " + words
	}
	if needed, has := header.Get("X-Accepted-OAuth-Scopes"), header.Get("X-OAuth-Scopes"); needed != "" {
		return "give the token the scope " + needed + "; it has: " + has
	}
	return "give " + s.who() + " the permissions that docs/forges.md lists"
}
