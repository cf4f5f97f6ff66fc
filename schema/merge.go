package schema

// Merge lays one value over another and returns the result; neither is changed.
// Maps and objects merge key by key. Anything else in over replaces what base
// says, and a null in over removes it. A value that over does not mention stays.
// Every part of the result keeps its place.
//
// The nulls of over stay in the result, so that further layers can be laid
// below it (Merge(defaults, Merge(base, over))); [Value.Given], [Value.Plain] and
// [Clean] leave them out.
func Merge(base, over *Value) *Value {
	switch {
	case over == nil:
		return base
	case base == nil || base.null || over.null || !base.keyed() || !over.keyed():
		return over
	}
	out := *base
	out.members = nil
	for _, m := range base.members {
		m.Value = Merge(m.Value, over.member(m.Key))
		if over.member(m.Key) != nil {
			m.Pos = over.KeyPos(m.Key)
		}
		out.members = append(out.members, m)
	}
	for _, m := range over.members {
		if base.member(m.Key) == nil {
			out.members = append(out.members, m)
		}
	}
	return &out
}

func (v *Value) keyed() bool { return v.Kind == Map || v.Kind == Object }

// Clean returns the value without the nulls in it.
func Clean(v *Value) *Value {
	if !v.Given() {
		return nil
	}
	if !v.keyed() {
		return v
	}
	out := *v
	out.members = nil
	for _, m := range v.members {
		if m.Value = Clean(m.Value); m.Value != nil {
			out.members = append(out.members, m)
		}
	}
	return &out
}

// NewObject makes an object of members, such as a layer of defaults.
func NewObject(from string, members []Member) *Value {
	return &Value{Kind: Object, From: from, members: members}
}

// WithOrigin returns the value and all its parts as coming from somewhere that
// is no place in a file the reader knows.
func WithOrigin(v *Value, from string) *Value {
	if v == nil {
		return nil
	}
	out := *v
	out.From, out.Pos = from, Pos{}
	out.items, out.members = nil, nil
	for _, item := range v.items {
		out.items = append(out.items, WithOrigin(item, from))
	}
	for _, m := range v.members {
		out.members = append(out.members, Member{Key: m.Key, Value: WithOrigin(m.Value, from)})
	}
	return &out
}
