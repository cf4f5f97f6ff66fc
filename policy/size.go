package policy

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/slipway-cd/slipway/schema"
)

// sizeType is the type of sizes such as 20GB. It is one of its own, so that
// nobody compares bytes with a number of gigabytes.
//
//nolint:gochecknoglobals // an immutable type
var sizeType = types.NewObjectType("bytes_size", traits.ComparerType)

// size is a number of bytes.
type size int64

var (
	_ ref.Val         = size(0)
	_ traits.Comparer = size(0)
)

// sizes is what rails can do with sizes: make, compare and tell them apart.
func sizes() []cel.EnvOption {
	two := []*cel.Type{sizeType, sizeType}
	options := []cel.EnvOption{cel.Function("sizeof", cel.Overload("sizeof_string", []*cel.Type{cel.StringType}, sizeType, cel.UnaryBinding(sizeOf)))}
	for operator, id := range map[string]string{
		operators.Less: "less_size", operators.LessEquals: "less_equals_size",
		operators.Greater: "greater_size", operators.GreaterEquals: "greater_equals_size",
	} {
		options = append(options, cel.Function(operator, cel.Overload(id, two, cel.BoolType)))
	}
	return options
}

//nolint:ireturn // CEL asks for it
func sizeOf(arg ref.Val) ref.Val {
	text, _ := arg.Value().(string)
	n, err := schema.ParseSize(text)
	if err != nil {
		return types.NewErr("%v", err)
	}
	return size(n)
}

// Compare implements traits.Comparer.
//
//nolint:ireturn // CEL asks for it
func (s size) Compare(other ref.Val) ref.Val {
	o, ok := other.(size)
	switch {
	case !ok:
		return types.NewErr("a size does not compare with %v", other.Type())
	case s < o:
		return types.IntNegOne
	case s > o:
		return types.IntOne
	}
	return types.IntZero
}

// Equal implements ref.Val.
//
//nolint:ireturn // CEL asks for it
func (s size) Equal(other ref.Val) ref.Val {
	o, ok := other.(size)
	return types.Bool(ok && s == o)
}

// ConvertToNative implements ref.Val.
func (s size) ConvertToNative(t reflect.Type) (any, error) {
	if t.Kind() == reflect.Int64 {
		return int64(s), nil
	}
	return nil, fmt.Errorf("a size is no %v", t)
}

// ConvertToType implements ref.Val.
//
//nolint:ireturn // CEL asks for it
func (s size) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == types.StringType.TypeName() {
		return types.String(schema.FormatSize(int64(s)))
	}
	return types.NewErr("a size is no %s", t.TypeName())
}

// Type implements ref.Val.
//
//nolint:ireturn // CEL asks for it
func (s size) Type() ref.Type { return sizeType }

// Value implements ref.Val.
func (s size) Value() any { return int64(s) }
