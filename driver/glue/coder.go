package glue

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/schema"
)

// A coder translates a parameter's value into Glue's and back.
type coder struct {
	encode func(any) (any, error)
	decode func(any) any
}

// number is how numbers are kept: as they were written.
type number = json.Number

//nolint:gochecknoglobals // immutable
var (
	asText    = coder{encodeText, same}
	asFlag    = coder{encodeFlag, same}
	asWhole   = coder{encodeWhole, decodeNumber}
	asNumber  = coder{encodeNumber, decodeNumber}
	asMinutes = coder{encodeMinutes, decodeMinutes}
	asTexts   = coder{encodeTexts, same}
)

func same(v any) any { return v }

func encodeText(v any) (any, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return nil, fmt.Errorf("%v is no text", v)
}

func encodeFlag(v any) (any, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return nil, fmt.Errorf("%v is neither true nor false", v)
}

func encodeNumber(v any) (any, error) {
	switch n := v.(type) {
	case float64:
		return number(strconv.FormatFloat(n, 'f', -1, 64)), nil
	case int:
		return number(strconv.Itoa(n)), nil
	case json.Number:
		return n, nil
	}
	return nil, fmt.Errorf("%v is no number", v)
}

func encodeWhole(v any) (any, error) {
	n, err := encodeNumber(v)
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseInt(string(n.(number)), 10, 64); err != nil {
		return nil, fmt.Errorf("%v is no whole number", v)
	}
	return n, nil
}

// decodeNumber gives what JSON decoding gives.
func decodeNumber(v any) any {
	if n, ok := v.(number); ok {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

// encodeMinutes rounds up, for Glue counts whole minutes and nobody wants to be cut
// short.
func encodeMinutes(v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%v is no duration", v)
	}
	d, err := schema.ParseDuration(text)
	if err != nil {
		return nil, err
	}
	return number(strconv.FormatInt(int64(math.Ceil(float64(d)/float64(time.Minute))), 10)), nil
}

func decodeMinutes(v any) any {
	n, ok := v.(number)
	if !ok {
		return v
	}
	return string(n) + "m"
}

func encodeTexts(v any) (any, error) {
	switch list := v.(type) {
	case []string:
		out := make([]any, len(list))
		for i, s := range list {
			out[i] = s
		}
		return out, nil
	case []any:
		for _, item := range list {
			if _, err := encodeText(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("%v is no list", v)
}

// texts gives a list's items.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// split gives the parts of a list as arguments have it.
func split(v any) []string {
	var out []string
	text, _ := v.(string)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
