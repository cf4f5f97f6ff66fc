package notebook

import "unicode"

// A unicodeVersion is the version of Unicode that a Python knows. Go's own
// tables are of version 15.0; the tables below hold what differs.
type unicodeVersion int

const (
	unicode14 unicodeVersion = iota // Python 3.11
	unicode15                       // Python 3.13 (15.1)
)

//nolint:gochecknoglobals // immutable table: assigned in Unicode 15.0, unknown to 14.0
var newIn15 = rangeTable([][2]rune{
	{0xcf3, 0xcf3},
	{0xece, 0xece},
	{0x10efd, 0x10eff},
	{0x1123f, 0x11241},
	{0x11b00, 0x11b09},
	{0x11f00, 0x11f10},
	{0x11f12, 0x11f3a},
	{0x11f3e, 0x11f59},
	{0x1342f, 0x1342f},
	{0x13440, 0x13455},
	{0x1b132, 0x1b132},
	{0x1b155, 0x1b155},
	{0x1d2c0, 0x1d2d3},
	{0x1df25, 0x1df2a},
	{0x1e030, 0x1e06d},
	{0x1e08f, 0x1e08f},
	{0x1e4d0, 0x1e4f9},
	{0x1f6dc, 0x1f6dc},
	{0x1f774, 0x1f776},
	{0x1f77b, 0x1f77f},
	{0x1f7d9, 0x1f7d9},
	{0x1fa75, 0x1fa77},
	{0x1fa87, 0x1fa88},
	{0x1faad, 0x1faaf},
	{0x1fabb, 0x1fabd},
	{0x1fabf, 0x1fabf},
	{0x1face, 0x1facf},
	{0x1fada, 0x1fadb},
	{0x1fae8, 0x1fae8},
	{0x1faf7, 0x1faf8},
	{0x2b739, 0x2b739},
	{0x31350, 0x323af},
})

//nolint:gochecknoglobals // immutable table: assigned in Unicode 15.1, unknown to 15.0
var newIn151 = rangeTable([][2]rune{{0x2ffc, 0x2fff}, {0x31ef, 0x31ef}, {0x2ebf0, 0x2ee5d}})

//nolint:gochecknoglobals // immutable table: letters that may not start an identifier (not XID_Start)
var notStart = rangeTable([][2]rune{
	{0x37a, 0x37a},
	{0xe33, 0xe33},
	{0xeb3, 0xeb3},
	{0x2e2f, 0x2e2f},
	{0x309b, 0x309c},
	{0xfc5e, 0xfc63},
	{0xfdfa, 0xfdfb},
	{0xfe70, 0xfe70},
	{0xfe72, 0xfe72},
	{0xfe74, 0xfe74},
	{0xfe76, 0xfe76},
	{0xfe78, 0xfe78},
	{0xfe7a, 0xfe7a},
	{0xfe7c, 0xfe7c},
	{0xfe7e, 0xfe7e},
	{0xff9e, 0xff9f},
})

func rangeTable(ranges [][2]rune) *unicode.RangeTable {
	t := new(unicode.RangeTable)
	for _, r := range ranges {
		if r[1] < 0x10000 {
			t.R16 = append(t.R16, unicode.Range16{Lo: uint16(r[0]), Hi: uint16(r[1]), Stride: 1})
		} else {
			t.R32 = append(t.R32, unicode.Range32{Lo: uint32(r[0]), Hi: uint32(r[1]), Stride: 1})
		}
	}
	return t
}

// printable is Python's str.isprintable for one character.
func (v unicodeVersion) printable(r rune) bool {
	switch {
	case r < 0x80:
		return ' ' <= r && r < 0x7f
	case v >= unicode15 && unicode.Is(newIn151, r):
		return true
	case v < unicode15 && unicode.Is(newIn15, r):
		return false
	}
	return unicode.IsPrint(r)
}

// word is the \w of Python's regular expressions.
func (v unicodeVersion) word(r rune) bool {
	switch {
	case r < 0x80:
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
	case v >= unicode15 && 0x2ebf0 <= r && r <= 0x2ee5d:
		return true
	case v < unicode15 && unicode.Is(newIn15, r):
		return false
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// nameStart is Python's str.isidentifier for one character.
func (v unicodeVersion) nameStart(r rune) bool {
	switch {
	case r < 0x80:
		return r == '_' || 'a' <= r|0x20 && r|0x20 <= 'z'
	case !v.word(r), unicode.Is(notStart, r):
		return unicode.Is(unicode.Other_ID_Start, r) && !unicode.Is(notStart, r)
	}
	return !unicode.IsNumber(r) || unicode.Is(unicode.Nl, r)
}
