package notebook

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

var (
	anyMarker  = regexp.MustCompile(`^# --- (cell \d+|arguments)(?: .*)?---$`)
	cellMarker = regexp.MustCompile(`^# --- cell (\d+)(?: \[[A-Za-z0-9_-]+\])?(?: from line (\d+))? ---$`)
	plainID    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// argumentsMarker stands before the lines that read a job's arguments, which
// belong to no cell.
const argumentsMarker = "# --- arguments ---"

// marker is the line that stands before a cell's code.
func marker(cell int, id string, line int) string {
	text := fmt.Sprintf("# --- cell %d ", cell)
	if len(id) <= 64 && plainID.MatchString(id) {
		text += "[" + id + "] "
	}
	if line > 1 {
		text += fmt.Sprintf("from line %d ", line)
	}
	return text + "---"
}

func isMarker(line string) bool { return anyMarker.MatchString(line) }

// Locate leads from a line of a script that [Notebook.Glue] has made to the
// notebook: the number of the cell and the line in it, all counted from 1. It
// is false for lines that belong to no cell.
func Locate(script []byte, line int) (cell, cellLine int, ok bool) {
	lines := bytes.Split(script, []byte("\n"))
	if line < 1 || line > len(lines) {
		return 0, 0, false
	}
	for i := line - 1; i >= 0; i-- {
		if !anyMarker.Match(lines[i]) {
			continue
		}
		m := cellMarker.FindSubmatch(lines[i])
		if m == nil || i == line-1 {
			return 0, 0, false
		}
		cell, _ = strconv.Atoi(string(m[1]))
		first := 1
		if len(m[2]) > 0 {
			first, _ = strconv.Atoi(string(m[2]))
		}
		return cell, first + line - 2 - i, true
	}
	return 0, 0, false
}
