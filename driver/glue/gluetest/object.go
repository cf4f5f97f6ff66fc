package gluetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// An object is a JSON object as it came over the wire. Members that no SDK knows
// are kept like the others.
type object = map[string]any

// clone copies a JSON value, all the way down.
func clone[T any](value T) T {
	copied, _ := deep(value).(T)
	return copied
}

func deep(value any) any {
	switch v := value.(type) {
	case object:
		if v == nil {
			return v
		}
		out := make(object, len(v))
		for key, member := range v {
			out[key] = deep(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = deep(item)
		}
		return out
	default:
		return v
	}
}

// without copies an object but for some members, and for those that are null,
// which JSON protocols of AWS take for absent. It is never nil itself.
func without(o object, names ...string) object {
	out := clone(o)
	if out == nil {
		return object{}
	}
	maps.DeleteFunc(out, func(key string, value any) bool {
		return value == nil || slices.Contains(names, key)
	})
	return out
}

func str(o object, key string) string {
	s, _ := o[key].(string)
	return s
}

func flag(o object, key string) bool {
	b, _ := o[key].(bool)
	return b
}

func sub(o object, key string) object {
	inner, _ := o[key].(object)
	return inner
}

func list(o object, key string) []any {
	items, _ := o[key].([]any)
	return items
}

func has(o object, key string) bool { return o[key] != nil }

// number reads a number that was decoded, or that the fake itself put there; zero
// where there is none.
func number(o object, key string) float64 {
	switch n := o[key].(type) {
	case json.Number:
		f, _ := n.Float64()
		return f
	case float64:
		return n
	case int:
		return float64(n)
	case int64:
		return float64(n)
	}
	return 0
}

// fill sets a member that is absent.
func fill(o object, key string, value any) {
	if !has(o, key) {
		o[key] = value
	}
}

// seconds is a time as AWS JSON says it.
func seconds(t time.Time) json.Number {
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64))
}

// same says whether two values are the same JSON.
func same(a, b any) bool {
	x, _ := json.Marshal(a) //nolint:errchkjson // decoded from JSON
	y, _ := json.Marshal(b) //nolint:errchkjson // decoded from JSON
	return string(x) == string(y)
}
