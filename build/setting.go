package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// A Setting is what a magic of the notebook says about the job. Unlike the
// notebook's own it can be stored: its value comes back from JSON as the type it
// was.
type Setting notebook.Setting

type settingJSON struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Cell  int    `json:"cell"`
	ID    string `json:"id,omitempty"`
	Line  int    `json:"line"`
	Magic string `json:"magic"`
}

// MarshalJSON writes a float64 with a point or an exponent, always.
func (s Setting) MarshalJSON() ([]byte, error) {
	value := s.Value
	if f, ok := value.(float64); ok {
		text, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		if !bytes.ContainsAny(text, ".eE") {
			text = append(text, ".0"...)
		}
		value = json.RawMessage(text)
	}
	return json.Marshal(settingJSON{s.Name, value, s.Cell, s.ID, s.Line, s.Magic})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Setting) UnmarshalJSON(data []byte) error {
	var in settingJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return err
	}
	value, err := settingValue(in.Value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", in.Name, err)
	}
	*s = Setting{Name: in.Name, Value: value, Cell: in.Cell, ID: in.ID, Line: in.Line, Magic: in.Magic}
	return nil
}

func settingValue(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", item)
			}
			list[i] = text
		}
		return list, nil
	case map[string]any:
		tags := make(map[string]string, len(v))
		for key, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", item)
			}
			tags[key] = text
		}
		return tags, nil
	}
	return v, nil
}
