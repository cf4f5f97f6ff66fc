package local

import "slices"

// defaultGlueVersion is what Glue gives a new job that names none.
const defaultGlueVersion = "5.1"

// shellPython is the Python of Glue's Python shell jobs.
const shellPython = "3.9"

// A glueVersion is what a version of Glue stands for.
type glueVersion struct {
	name   string
	spark  string
	python string
	javas  []int // that this Spark supports
}

// glueVersions are the versions that can run here, by Spark's own metadata.
//
//nolint:gochecknoglobals // an immutable table
var glueVersions = []glueVersion{
	{"3.0", "3.1.1", "3.7", []int{8, 11}},
	{"4.0", "3.3.0", "3.10", []int{8, 11, 17}},
	{"5.0", "3.5.4", "3.11", []int{8, 11, 17}},
	{"5.1", "3.5.6", "3.11", []int{8, 11, 17}},
	{"6.0", "4.1.1", "3.13", []int{17, 21}},
}

func findGlue(name string) (glueVersion, bool) {
	i := slices.IndexFunc(glueVersions, func(g glueVersion) bool { return g.name == name })
	if i < 0 {
		return glueVersion{}, false
	}
	return glueVersions[i], true
}
