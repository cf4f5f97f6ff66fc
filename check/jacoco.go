package check

import (
	"encoding/xml"
	"fmt"
	"path"
	"strconv"
)

// parseJaCoCo reads the rest of JaCoCo's <report>: the lines of its source files,
// which are named by their package.
func parseJaCoCo(d *xml.Decoder) (coverReport, error) {
	r, folder, file := coverReport{lines: hitLines{}}, "", ""
	for depth := 1; depth > 0; {
		t, err := d.Token()
		if err != nil {
			return coverReport{}, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			switch t.Name.Local {
			case "package":
				folder = attribute(t, "name")
			case "sourcefile":
				file = path.Join(folder, attribute(t, "name"))
			case "line":
				err = jacocoLine(r.lines, file, t)
			}
		}
		if err != nil {
			return coverReport{}, err
		}
	}
	r.sum = r.lines.coverage()
	return r, finish(d)
}

// jacocoLine notes one <line>: its number, and how many of its instructions ran.
func jacocoLine(lines hitLines, file string, e xml.StartElement) error {
	number, err := strconv.Atoi(attribute(e, "nr"))
	if err != nil {
		return fmt.Errorf("file %s: a line has the number %q", file, attribute(e, "nr"))
	}
	ran, err := strconv.ParseUint(attribute(e, "ci"), 10, 31)
	if err != nil {
		return fmt.Errorf("file %s: line %d has %q covered instructions", file, number, attribute(e, "ci"))
	}
	lines.hit(file, number, ran > 0)
	return nil
}
