package policy

import (
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/shape"
)

// Judge returns the rails that the facts hit, in the order in which they are
// written. A rail that cannot be judged is among them, with an error. A rollback
// is not asked for sign-offs and exceptions, which its target had when it was
// deployed, and blocked only by rails that say so.
func (b *Book) Judge(f Facts) []slipway.RailHit {
	var hits []slipway.RailHit
	j := b.Judging(f)
	for _, r := range b.rails {
		if hit := j.ask(r); hit != nil {
			hits = append(hits, *hit)
		}
	}
	return hits
}

// A Judge asks rails about the same facts.
type Judge struct {
	book  *Book
	facts Facts
	shape *shape.Shape // nil: it is not on the menu any more
	sees  map[string]any
}

// Ask returns the hit of the rail with a name, or nil.
func (j *Judge) Ask(rail string) *slipway.RailHit {
	for _, r := range j.book.rails {
		if r.Name == rail {
			return j.ask(r)
		}
	}
	return nil
}

// Judging prepares facts for questions to single rails.
func (b *Book) Judging(f Facts) *Judge {
	j := &Judge{book: b, facts: f, shape: b.scope.Shapes.Lookup(f.Plan.Target.Shape)}
	if j.shape != nil && len(b.rails) > 0 {
		j.sees = f.activation(j.shape)
	}
	return j
}

func (j *Judge) ask(r *Rail) *slipway.RailHit {
	name := j.facts.Plan.Target.Shape
	if !r.IsFor(name, j.facts.Environment.Name) || j.facts.Rollback && r.passesRollback() {
		return nil
	}
	hit := &slipway.RailHit{Rail: r.Name, Effect: r.Effect, By: r.By}
	c, ok := r.compiled[name]
	if !ok {
		hit.Error = fmt.Sprintf("the shape %s is not on the menu", name)
		if j.shape != nil {
			hit.Error = "no environment that it is for can run the shape " + name
		}
		hit.Message, hit.Fix = r.Message, r.Fix
		return j.granted(r, hit)
	}
	out, _, err := c.when.Eval(j.sees)
	switch {
	case err != nil:
		hit.Error = plainError(err)
	case out == types.False:
		return nil
	case out != types.True:
		hit.Error = "it is neither true nor false"
	}
	hit.Message, hit.Fix = c.message.fill(j.sees), c.fix.fill(j.sees)
	return j.granted(r, hit)
}

// granted looks for what opens the rail. A limit that cannot be judged is not met.
func (j *Judge) granted(r *Rail, hit *slipway.RailHit) *slipway.RailHit {
	if hit.Effect != slipway.RailSignOff && hit.Effect != slipway.RailException {
		return hit
	}
	for _, g := range j.facts.Grants {
		if g.Rail != hit.Rail {
			continue
		}
		why := g.Fails(r.Condition(), j.facts.Time)
		if why == "" {
			why = j.exceeds(g.Limit)
		}
		if why == "" {
			hit.Grant, hit.Void = &g, nil
			break
		}
		hit.Void = append(hit.Void, fmt.Sprintf("%s's grant does not open it: %s", g.By, why))
	}
	return hit
}

// exceeds says why the facts are not within a grant's limit; empty: they are.
func (j *Judge) exceeds(limit string) string {
	if limit == "" {
		return ""
	}
	p, err := j.book.limit(j.facts.Plan.Target.Shape, limit)
	if err != nil {
		return "its limit cannot be judged: " + err.Error()
	}
	out, _, err := p.Eval(j.sees)
	switch {
	case err != nil:
		return fmt.Sprintf("its limit %s cannot be judged: %s", limit, plainError(err))
	case out != types.True:
		return "it is for where " + limit
	}
	return ""
}

func (r *Rail) passesRollback() bool {
	return r.Effect != slipway.RailInforms && !(r.Effect == slipway.RailBlocks && r.Rollback)
}

// plainError says in plain words why an expression has no value.
func plainError(err error) string {
	if key, ok := strings.CutPrefix(err.Error(), "no such key: "); ok {
		return strconv.Quote(key) + " is not known here; has() asks whether a fact is"
	}
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return "it takes too long"
	}
	return err.Error()
}
