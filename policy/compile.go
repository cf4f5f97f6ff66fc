package policy

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/slipway-cd/slipway/shape"
)

// compiler compiles expressions over the facts of one shape.
type compiler struct {
	env   *cel.Env
	shape *shape.Shape
	kinds map[string]structure
}

// newBase is what the compilers of all shapes have in common. It is made when
// the first rail is loaded, and not when the program starts.
func newBase() (*cel.Env, error) {
	options := append(sizes(),
		cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxDepth),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(maxLoops)),
	)
	return cel.NewEnv(options...)
}

// The limits of an expression. They are far above what a person writes, and low
// enough that no rail takes a noticeable time.
const (
	maxExpression = 4000
	maxDepth      = 60
	maxLoops      = 2
	maxCost       = 1_000_000
)

func newCompiler(base *cel.Env, s *shape.Shape, scope Scope) (*compiler, error) {
	c := &compiler{shape: s, kinds: map[string]structure{}}
	var options []cel.EnvOption
	for _, kind := range structures(s, scope) {
		c.kinds[kind.name] = kind
	}
	options = append(options, cel.CustomTypeProvider(provider{base.CELTypeProvider(), c.kinds}))
	for _, f := range c.kinds[""].fields {
		options = append(options, cel.Variable(f.name, f.typ))
	}
	var err error
	if c.env, err = base.Extend(options...); err != nil {
		return nil, fmt.Errorf("types of shape %s for rails: %w", s.Name, err)
	}
	return c, nil
}

// provider tells CEL which fields structures have.
type provider struct {
	types.Provider
	kinds map[string]structure
}

// FindStructType implements types.Provider.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.kinds[name]; ok && name != "" {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if kind, ok := p.kinds[name]; ok {
		return kind.names(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	kind, ok := p.kinds[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	f := kind.field(field)
	if f == nil {
		return nil, false
	}
	return &types.FieldType{Type: f.typ}, true
}

// compile makes a program of an expression, or says what is wrong with it.
// wants may be nil: any type will do.
//
//nolint:ireturn // CEL has no other type for it
func (c *compiler) compile(text string, wants *cel.Type) (cel.Program, faults) {
	parsed, issues := c.env.Parse(text)
	if issues.Err() != nil {
		return nil, syntaxComplaints(text, issues.Errors())
	}
	checked, issues := c.env.Check(parsed)
	if issues.Err() != nil {
		return nil, c.complaints(text, parsed.NativeRep(), issues.Errors())
	}
	ast := checked.NativeRep()
	if wrong := c.literals(text, ast); len(wrong) > 0 {
		return nil, wrong
	}
	if out := checked.OutputType(); wants != nil && !out.IsExactType(wants) {
		return nil, faults{{
			length: len([]rune(text)), message: "it is " + typeWords(out.String()) + ", and not true or false",
			expected: "a comparison, such as run.timeout > duration(\"4h\")",
		}}
	}
	p, err := c.env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return nil, faults{{length: len([]rune(text)), message: err.Error()}}
	}
	return p, nil
}
