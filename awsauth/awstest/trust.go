package awstest

import (
	"encoding/json"
	"slices"
	"strings"
)

// A request is what a trust policy is asked about.
type request struct {
	action    string
	principal string // kind: AWS or Federated
	name      string // of the principal
	claims    map[string]any
}

// many is one text or a list of them.
type many []string

// UnmarshalJSON implements json.Unmarshaler.
func (m *many) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*m = many{one}
		return nil
	}
	var all []string
	err := json.Unmarshal(data, &all)
	*m = all
	return err
}

type statement struct {
	Effect    string
	Principal map[string]many
	Action    many
	Condition map[string]map[string]many
}

// trusts reports whether a trust policy allows a request. It knows what such a
// policy needs, exact names and StringEquals; what it does not know allows nothing.
func trusts(policy string, r request) bool {
	var document struct{ Statement []statement }
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	return slices.ContainsFunc(document.Statement, r.allowedBy)
}

func (r request) allowedBy(s statement) bool {
	root := strings.SplitAfterN(r.name, ":", 6) // every principal of an account is in its root
	account := strings.Join(root[:len(root)-1], "") + "root"
	return s.Effect == "Allow" &&
		slices.Contains(s.Action, r.action) &&
		(slices.Contains(s.Principal[r.principal], r.name) || r.principal == "AWS" && slices.Contains(s.Principal["AWS"], account)) &&
		r.meets(s.Condition)
}

func (r request) meets(condition map[string]map[string]many) bool {
	for operator, wanted := range condition {
		for key, values := range wanted {
			claim, ok := strings.CutPrefix(key, "token.actions.githubusercontent.com:")
			said, isText := r.claims[claim].(string)
			if operator != "StringEquals" || !ok || !isText || !slices.Contains(values, said) {
				return false
			}
		}
	}
	return true
}
