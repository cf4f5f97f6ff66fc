package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// A Setting is what a magic of the notebook says about the job. Unlike the
// notebook's own it can be stored: its value comes back from JSON as the type it
// was.
type Setting notebook.Setting

// A Parameter is a parameter of the notebook, which can be stored likewise.
type Parameter notebook.Parameter

// valueJSON is how both are stored.
type valueJSON struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Cell  int    `json:"cell"`
	ID    string `json:"id,omitempty"`
	Line  int    `json:"line"`
	Magic string `json:"magic,omitempty"`
}

// MarshalJSON writes a float64 so that it is told from an int64.
func (s Setting) MarshalJSON() ([]byte, error) {
	return json.Marshal(valueJSON{s.Name, encodeValue(s.Value), s.Cell, s.ID, s.Line, s.Magic})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Setting) UnmarshalJSON(data []byte) error {
	in, err := decodeValue(data)
	if err != nil {
		return err
	}
	value, err := texts(in.Value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", in.Name, err)
	}
	*s = Setting{Name: in.Name, Value: value, Cell: in.Cell, ID: in.ID, Line: in.Line, Magic: in.Magic}
	return nil
}

// MarshalJSON writes a float64 so that it is told from an int64.
func (p Parameter) MarshalJSON() ([]byte, error) {
	return json.Marshal(valueJSON{Name: p.Name, Value: encodeValue(p.Value), Cell: p.Cell, ID: p.ID, Line: p.Line})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Parameter) UnmarshalJSON(data []byte) error {
	in, err := decodeValue(data)
	*p = Parameter{Name: in.Name, Value: in.Value, Cell: in.Cell, ID: in.ID, Line: in.Line}
	return err
}

// encodeValue gives each float64 a point or an exponent. JSON has no infinity;
// Python's name for it stands in.
func encodeValue(v any) any {
	switch v := v.(type) {
	case float64:
		text, err := json.Marshal(v)
		switch {
		case math.IsInf(v, 1):
			return "inf"
		case math.IsInf(v, -1):
			return "-inf"
		case err != nil:
			return "nan"
		case !bytes.ContainsAny(text, ".eE"):
			text = append(text, ".0"...)
		}
		return json.RawMessage(text)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = encodeValue(item)
		}
		return list
	case map[string]any:
		dict := make(map[string]any, len(v))
		for key, item := range v {
			dict[key] = encodeValue(item)
		}
		return dict
	}
	return v
}

func decodeValue(data []byte) (valueJSON, error) {
	var in valueJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(&in)
	if err != nil {
		return valueJSON{}, err
	}
	in.Value, err = numbers(in.Value)
	return in, err
}

// numbers makes int64 and float64 of what stands in JSON.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		for i, item := range v {
			if v[i], err = numbers(item); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key, item := range v {
			if v[key], err = numbers(item); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// texts gives lists and maps the types that settings have.
func texts(v any) (any, error) {
	var ok bool
	switch v := v.(type) {
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			if list[i], ok = item.(string); !ok {
				return nil, fmt.Errorf("%v is not a text", item)
			}
		}
		return list, nil
	case map[string]any:
		dict := make(map[string]string, len(v))
		for key, item := range v {
			if dict[key], ok = item.(string); !ok {
				return nil, fmt.Errorf("%v is not a text", item)
			}
		}
		return dict, nil
	}
	return v, nil
}
