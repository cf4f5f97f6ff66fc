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

// OtherLanguage returns the language that the notebook is written in, and "" for
// Python and for a notebook that does not say. Its kernel and what the kernel said
// of itself may both name one.
func (n *Notebook) OtherLanguage() string {
	for _, name := range []string{n.Kernel.Language, n.Language.Name} {
		if lower := strings.ToLower(name); strings.TrimSpace(name) != "" && !strings.Contains(lower, "py") && lower != "sage" {
			return name
		}
	}
	if n.Kernel.Language != "" || n.Language.Name != "" {
		return ""
	}
	return kernelLanguages[strings.ToLower(n.Kernel.Name)]
}

// kernelLanguages are the languages of kernels, for notebooks that name the kernel
// alone. Those of Jupyter name the language too.
//
//nolint:gochecknoglobals // an immutable table
var kernelLanguages = map[string]string{
	"ir": "R", "xr": "R", "sparkrkernel": "R", "scala": "Scala", "glue_spark": "Scala", "scala_glue_session": "Scala",
	"sparkkernel": "Scala", "spylon-kernel": "Scala", "almond": "Scala", "bash": "Bash", "gophernotes": "Go", "javascript": "JavaScript", "java": "Java",
	".net-csharp": "C#", ".net-fsharp": "F#", "rust": "Rust", "octave": "Octave", "sas": "SAS", "stata": "Stata",
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
