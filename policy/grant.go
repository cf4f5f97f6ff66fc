package policy

import (
	"encoding/json"

	"cel.dev/cel-go/cel"

	"github.com/slipway-cd/slipway"
)

// Condition is the digest of what a rail asks for: its name, when it is hit, and
// what it does. Who was allowed to cross the rail was so under this condition.
func (r *Rail) Condition() slipway.Digest { return r.condition }

// conditionOf is the digest of a rail as it is written.
func conditionOf(r *Rail) slipway.Digest {
	data, err := json.Marshal([]string{r.Name, r.When, string(r.Effect)})
	if err != nil {
		return "" // texts can always be written
	}
	return slipway.DigestOf(data)
}

// CheckLimit says what is wrong with the limit of a grant for apps of a shape.
func (b *Book) CheckLimit(shape, text string) error {
	_, err := b.limit(shape, text)
	return err
}

// limit compiles a grant's limit. Grants that have one are few, so it is done
// when it is asked for.
//
//nolint:ireturn // CEL has no other type for it
func (b *Book) limit(shape, text string) (cel.Program, error) {
	c := b.compilers[shape]
	if c == nil {
		return nil, slipway.Errorf(slipway.Invalid, "no rail is for the shape %s", shape)
	}
	p, wrong := c.compile(text, cel.BoolType)
	if len(wrong) == 0 {
		return p, nil
	}
	err := slipway.Errorf(slipway.Invalid, "the limit %q: %s", text, wrong[0].message)
	switch {
	case wrong[0].suggestion != "":
		return nil, err.WithFix("did you mean %s?", wrong[0].suggestion)
	case wrong[0].expected != "":
		return nil, err.WithFix("expected %s", wrong[0].expected)
	}
	return nil, err
}
