package github

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/slipway-cd/slipway"
)

// query asks by GraphQL. An answer that is whole but for an error is an error.
func (s *session) query(ctx context.Context, a ask, text string, variables map[string]any, into any) error {
	req, err := s.rest.NewRequest(http.MethodPost, s.site.graphql, map[string]any{"query": text, "variables": variables})
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}
	if _, err := s.rest.Do(ctx, req, &answer); err != nil {
		return s.explain(a, err)
	}
	if len(answer.Errors) > 0 {
		return s.explainGraph(a, answer.Errors[0])
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return slipway.Errorf(slipway.Unavailable, "%s answers with something else than documented when asked to %s of %s: %w", s.site.host, a.what, a.of, err)
	}
	return nil
}

// A graphError is one of an answer that has the status 200 all the same.
type graphError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

func (s *session) explainGraph(a ask, e graphError) error {
	host := s.site.host
	switch {
	case e.Type == "NOT_FOUND":
		return slipway.Errorf(slipway.NotFound, "cannot %s: %s has no %s, or %s may not see it", a.what, host, a.of, s.who()).
			WithFix("check the name, and that %s", s.reachFix())
	case e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT":
		return s.limitedUntil(s.spent("graphql"))
	case e.Type == "FORBIDDEN" || e.Type == "INSUFFICIENT_SCOPES" || strings.HasPrefix(e.Message, "Resource not accessible"):
		return slipway.Errorf(slipway.Denied, "%s does not let %s %s of %s: %s", host, s.who(), a.what, a.of, e.Message).
			WithFix("give %s the permissions that docs/forges.md lists; checks of others can be read by a GitHub App only", s.who())
	}
	return slipway.Errorf(slipway.Unavailable, "%s cannot %s of %s now: %s", host, a.what, a.of, e.Message).
		WithFix("it is tried again")
}
