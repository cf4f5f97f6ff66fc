package cli

import (
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway/merge"
)

// explainFacts says where a pull request stands by its facts.
func (s *session) explainFacts(facts merge.Facts) error {
	state := merge.Evaluate(facts)
	if s.globals.JSON {
		return printJSON(s.env.Stdout, state)
	}
	s.printMerge(state)
	return nil
}

// pullRequest reads the name of a pull request, such as acme/traffic#7.
func pullRequest(word string) (repository string, number int, ok bool) {
	repository, text, ok := strings.Cut(word, "#")
	if !ok || repository == "" {
		return "", 0, false
	}
	number, err := strconv.Atoi(text)
	return repository, number, err == nil && number > 0
}

// remoteFacts are the facts of a pull request that a server knows.
func (s *session) remoteFacts(repository string, number int) (merge.Facts, error) {
	c, err := s.needServer()
	if err != nil {
		return merge.Facts{}, err
	}
	r, err := c.PullRequest(s.ctx, "", repository, number)
	return r.Facts, err
}
