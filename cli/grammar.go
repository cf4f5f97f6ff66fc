package cli

import (
	"cmp"
	"reflect"
	"strings"
)

// A grammar is what the parser is told of.
type grammar struct {
	commands any // a pointer to a struct with the globals and commands
	globals  *Globals
}

// allCommands is the whole command line.
func allCommands() grammar {
	var c commands
	return grammar{&c, &c.Globals}
}

// grammarOf is the command that the arguments begin with, and no other: to describe
// all of them to the parser takes a tenth of the time of a short command. It is the
// whole command line where they begin with none.
func grammarOf(args []string) grammar {
	all := reflect.TypeFor[commands]()
	for field := range all.Fields() {
		if _, isCommand := field.Tag.Lookup("cmd"); !isCommand || len(args) == 0 ||
			cmp.Or(field.Tag.Get("name"), strings.ToLower(field.Name)) != args[0] {
			continue
		}
		one := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "Globals", Type: reflect.TypeFor[Globals](), Tag: `embed:""`}, field,
		}))
		globals, _ := reflect.TypeAssert[*Globals](one.Elem().Field(0).Addr())
		return grammar{one.Interface(), globals}
	}
	return allCommands()
}
