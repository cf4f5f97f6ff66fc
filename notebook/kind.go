package notebook

import "strings"

// LooksLikeGlue reports whether the notebook was written for AWS Glue: by its
// kernel, its magics, or what it imports.
func (n *Notebook) LooksLikeGlue() bool {
	for _, text := range []string{n.Kernel.Name, n.Kernel.DisplayName, n.Language.Name} {
		if strings.Contains(strings.ToLower(text), "glue") {
			return true
		}
	}
	for i := range n.Cells {
		c := &n.Cells[i]
		if c.Type == Code && (strings.Contains(c.Source, "awsglue") || hasGlueMagic(c.Source)) {
			return true
		}
	}
	return false
}

// hasGlueMagic reports whether a magic at the top of a cell is one of Glue's
// alone.
func hasGlueMagic(source string) bool {
	for line := range strings.Lines(source) {
		switch name, _ := cutMagic(strings.TrimLeft(line, "%")); {
		case !strings.HasPrefix(line, "%"):
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
				return false
			}
		case strings.HasPrefix(line, "%%"):
			return name == "configure" || name == "assume_role" || name == "tags"
		case name == "etl" || name == "streaming" || name == "idle_timeout" || name == "session_id_prefix":
			return true
		default:
			if _, ok := settingFor(name); ok {
				return true
			}
		}
	}
	return false
}
