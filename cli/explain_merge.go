package cli

import "github.com/slipway-cd/slipway/merge"

// explainFacts says where a pull request stands by a file of its facts.
func (s *session) explainFacts(file string) error {
	facts, err := s.readFacts(file)
	if err != nil {
		return err
	}
	state := merge.Evaluate(facts)
	if s.globals.JSON {
		return printJSON(s.env.Stdout, state)
	}
	s.printMerge(state)
	return nil
}
