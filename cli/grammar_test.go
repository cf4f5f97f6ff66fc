package cli

import (
	"reflect"
	"slices"
	"testing"
)

// commandsOf names the fields of a grammar.
func commandsOf(g grammar) []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(g.commands).Elem()) {
		if _, ok := field.Tag.Lookup("cmd"); ok {
			names = append(names, field.Name)
		}
	}
	return names
}

func TestTheParserIsToldOfOneCommand(t *testing.T) {
	all := commandsOf(allCommands())
	if len(all) < 30 {
		t.Fatalf("there are only the commands %v", all)
	}
	tests := []struct {
		args []string
		want []string
	}{
		{nil, all},
		{[]string{"--help"}, all},
		{[]string{"--app", "convert", "ship"}, all},
		{[]string{"conver"}, all},
		{[]string{"Convert"}, all},
		{[]string{"globals"}, all},
		{[]string{"convert", "diff"}, []string{"Convert"}},
		{[]string{"sign-off"}, []string{"SignOff"}},
		{[]string{"signoff"}, all},
		{[]string{"aws", "bootstrap"}, []string{"AWS"}},
	}
	for _, test := range tests {
		if got := commandsOf(grammarOf(test.args)); !slices.Equal(got, test.want) {
			t.Errorf("%q: it knows %v, not %v", test.args, got, test.want)
		}
	}
}
