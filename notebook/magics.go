package notebook

import (
	"sort"
	"strings"
)

// magics reads the magics at the top of a cell. It returns the index of the
// first line below them, and whether that is SQL; it is false where the cell
// cannot be used.
func (g *glueBuilder) magics(lines []string) (first int, sql, ok bool) {
	ok = true
	for n, line := range lines {
		switch {
		case strings.HasPrefix(line, "%%"):
			name, args := cutMagic(line[2:])
			switch name {
			case "sql":
				return n + 1, true, g.sql(lines[n+1:], args, n) && ok
			case "configure", "tags", "assume_role":
				return len(lines), false, g.cellSettings(name, lines[n+1:], n) && ok
			}
			ok = g.apply("%%"+name, "%%", n) && ok
		case strings.HasPrefix(line, "%"):
			ok = g.lineMagic(line, n) && ok
		case strings.HasPrefix(line, "!"):
			ok = g.apply(line, "!", n) && ok
		case strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
			continue
		default:
			return first, false, ok
		}
		first = n + 1
	}
	return first, false, ok
}

// cutMagic splits the text of a magic into its name and the rest.
func cutMagic(text string) (name, args string) {
	text = strings.TrimSpace(text)
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], strings.TrimSpace(text[i:])
	}
	return text, ""
}

// apply does what the rule for a magic says; it is false where that is an
// error.
func (g *glueBuilder) apply(magic, fallback string, n int) bool {
	rule := g.options.rule(magic, fallback)
	switch rule.Action {
	case Remove:
		return true
	case Warn:
		g.warn(n+1, "%s %s", magic, rule.Reason)
		return true
	default:
		g.fail(n+1, "%s %s", magic, rule.Reason)
		return false
	}
}

func (g *glueBuilder) sql(lines []string, args string, n int) bool {
	if args != "" {
		g.warn(n+1, "%%%%sql takes its text from the lines below; %q is left out", args)
	}
	if rest, _ := trimBlank(lines, 0); len(rest) == 0 {
		g.fail(n+1, "%%%%sql holds no SQL")
		return false
	}
	return true
}

// lineMagic reads a line magic: a setting, or what has a rule.
func (g *glueBuilder) lineMagic(line string, n int) bool {
	name, args := cutMagic(line[1:])
	if strings.HasSuffix(args, `\`) {
		g.fail(n+1, "%%%s goes on on the next line, which the Glue kernel does not read; put it on one line", name)
		return false
	}
	switch name {
	case "etl", "streaming":
		g.set(Setting{Name: "type", Value: "glue" + name, Magic: "%" + name}, n)
		return true
	case "glue_ray":
		g.fail(n+1, "%%glue_ray starts a Ray session, and a job's type is glueetl or gluestreaming")
		return false
	}
	row, ok := settingFor(name)
	if !ok || name == "tags" || strings.HasPrefix(name, "--") {
		return g.apply("%"+name, "%", n)
	}
	return g.shape(row, "%"+name, "%"+name, args, n)
}

func (g *glueBuilder) set(s Setting, n int) {
	s.Cell, s.ID, s.Line = g.number, g.cell.ID, n+1
	g.result.Settings = append(g.result.Settings, s)
}

// shape sets what a row names; said is how the user wrote it.
func (g *glueBuilder) shape(row settingRow, magic, said string, v any, n int) bool {
	value, ok := row.make(v)
	if !ok {
		if text, known := scalarText(v); known {
			g.fail(n+1, "%s: expected %s, not %q", said, row.what, text)
		} else {
			g.fail(n+1, "%s: expected %s", said, row.what)
		}
		return false
	}
	g.set(Setting{Name: row.name, Value: value, Magic: magic}, n)
	return true
}

// cellSettings reads the body of %%configure or %%tags, which is a dict as
// Python writes it.
func (g *glueBuilder) cellSettings(name string, body []string, n int) bool {
	if name == "assume_role" {
		return g.apply("%%assume_role", "%%", n)
	}
	if rest, _ := trimBlank(body, 0); len(rest) == 0 {
		g.fail(n+1, "%%%%%s holds no dict", name)
		return false
	}
	v, fault := parseLiteral(strings.Join(body, "\n"))
	if fault != nil {
		g.fail(n+1+fault.Line, "%%%%%s: %s", name, fault.Msg)
		return false
	}
	entries, ok := v.(dict)
	if !ok {
		g.fail(n+2, "%%%%%s: expected a dict, as in {\"key\": \"value\"}", name)
		return false
	}
	if name == "tags" {
		row, _ := settingFor("tags")
		return g.shape(row, "%%tags", "%%tags", entries, n)
	}
	for _, e := range entries {
		ok = g.configure(e, n+e.line) && ok
	}
	return ok
}

// configure reads one key of %%configure.
func (g *glueBuilder) configure(e entry, n int) bool {
	const magic = "%%configure"
	said := magic + ": " + e.key
	switch e.key {
	case "idle_timeout", "session_id_prefix", "session_id":
		return true
	case "region", "profile", "endpoint":
		return g.apply("%"+e.key, "%", n)
	case "script_location":
		g.warn(n+1, "%s: the script's place comes from the build; it is left out", said)
		return true
	}
	if row, ok := settingFor(e.key); ok {
		return g.shape(row, magic, said, e.value, n)
	}
	name := "argument --" + strings.TrimPrefix(e.key, "--")
	return g.shape(settingRow{name: name, what: "a text or a number", make: asArgument}, magic, said, e.value, n)
}

func asArgument(v any) (any, bool) {
	text, ok := scalarText(v)
	return text, ok
}

// Last returns the settings that count: of each name the last, ordered by name.
func Last(settings []Setting) []Setting {
	last := make(map[string]Setting, len(settings))
	for _, s := range settings {
		last[s.Name] = s
	}
	out := make([]Setting, 0, len(last))
	for _, s := range last {
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
