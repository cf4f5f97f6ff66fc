package build_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/build"
)

func TestSettingsComeBackFromJSON(t *testing.T) {
	want := []build.Setting{
		{Name: "glue_version", Value: "5.0", Cell: 1, ID: "a1", Line: 2, Magic: "%glue_version"},
		{Name: "workers", Value: int64(5), Cell: 1, Line: 3, Magic: "%number_of_workers"},
		{Name: "max_capacity", Value: 2.0},
		{Name: "big", Value: 1e30},
		{Name: "small", Value: 0.25},
		{Name: "connections", Value: []string{"a", "b"}},
		{Name: "tags", Value: map[string]string{"team": "data"}},
	}
	var got []build.Setting
	roundTrip(t, want, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParametersComeBackFromJSON(t *testing.T) {
	want := []build.Parameter{
		{Name: "s", Value: "text", Cell: 2, ID: "b", Line: 1},
		{Name: "i", Value: int64(math.MaxInt64)},
		{Name: "f", Value: 1.0},
		{Name: "b", Value: true},
		{Name: "n", Value: nil},
		{Name: "l", Value: []any{"a", int64(1), 2.0, nil}},
		{Name: "d", Value: map[string]any{"x": []any{3.0}, "y": false}},
	}
	var got []build.Parameter
	roundTrip(t, want, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var inf []build.Parameter
	roundTrip(t, []build.Parameter{{Name: "x", Value: math.Inf(1)}, {Name: "y", Value: []any{math.Inf(-1)}}, {Name: "z", Value: math.NaN()}}, &inf)
	if inf[0].Value != "inf" || inf[1].Value.([]any)[0] != "-inf" || inf[2].Value != "nan" {
		t.Errorf("infinity became %v", inf)
	}
}

func roundTrip(t *testing.T, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

func FuzzSetting(f *testing.F) {
	f.Add([]byte(`{"name":"x","value":[1,"a",{"b":2.5e3}],"cell":1,"line":2}`))
	f.Add([]byte(`{"value":99999999999999999999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, again build.Parameter
		if json.Unmarshal(data, &p) != nil {
			return
		}
		roundTrip(t, p, &again)
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("%s", diff)
		}
		var s build.Setting
		_ = json.Unmarshal(data, &s)
	})
}
