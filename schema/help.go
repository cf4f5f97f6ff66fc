package schema

import (
	"fmt"
	"io"
	"strings"
)

// Help writes what the keys of an Object mean, one paragraph a key.
func Help(w io.Writer, t *Type) error {
	var b strings.Builder
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(f.Name)
		if f.Required {
			b.WriteString(" (required)")
		}
		b.WriteString("\n")
		for _, line := range f.describe() {
			b.WriteString("    " + line + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write help: %w", err)
	}
	return nil
}

func (f Field) describe() []string {
	var lines []string
	if f.Help != "" {
		lines = append(lines, strings.Split(strings.TrimSpace(f.Help), "\n")...)
	}
	lines = append(lines, "Takes "+f.Type.Expects()+".")
	if f.Default != "" {
		lines = append(lines, "Default: "+f.Default)
	}
	if f.Example != "" {
		lines = append(lines, "Example: "+f.Example)
	}
	return lines
}
