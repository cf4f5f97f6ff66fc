package ledger_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"the example of RFC 8785, 3.2.2", `{
			"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
			"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
			"literals": [null, true, false]
		}`, `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		{"the names of RFC 8785, 3.2.3", `{
			"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
			"\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
		}`, "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{"what HTML would escape stays", `"<a href=\"?x&y\">\u2028"`, "\"<a href=\\\"?x&y\\\">\u2028\""},
		{"every short escape", `"\b\t\n\f\r\"\\\u0001\u007f"`, "\"\\b\\t\\n\\f\\r\\\"\\\\\\u0001\u007f\""},
		{"minus zero is zero", `[-0, -0.0, 0e5]`, `[0,0,0]`},
		{"whole numbers keep all digits", `[9007199254740993, -9223372036854775808, 18446744073709551615]`, `[9007199254740993,-9223372036854775808,18446744073709551615]`},
		{"empty things", `{"b": {}, "a": [], "": ""}`, `{"":"","a":[],"b":{}}`},
		{"one value", ` "x" `, `"x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ledger.Canonical(json.RawMessage(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The numbers are those of RFC 8785, appendix B.
func TestCanonicalNumbers(t *testing.T) {
	tests := []struct {
		bits uint64
		want string
	}{
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	}
	for _, tt := range tests {
		got, err := ledger.Canonical(math.Float64frombits(tt.bits))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("%016x: got %s, want %s", tt.bits, got, tt.want)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a name twice", `{"a": 1, "b": {"c": 1, "c": 2}}`, `canonical JSON: the name "c" is there twice`},
		{"a name twice, written differently", `{"a": 1, "\u0061": 2}`, `canonical JSON: the name "a" is there twice`},
		{"no double", `1e400`, "canonical JSON: 1e400 is no double"},
		{"not UTF-8", "\"\xff\"", "canonical JSON: the text is not UTF-8"},
		{"too deep", strings.Repeat("[", 300) + strings.Repeat("]", 300), "canonical JSON: more than 200 levels deep"},
	}
	for _, tt := range tests {
		_, err := ledger.Canonical(json.RawMessage(tt.in))
		if err == nil || err.Error() != tt.want || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
