package notebook

import (
	"fmt"
	"strconv"
	"strings"
)

// A Setting is what a magic of the notebook says about the job.
type Setting struct {
	// Name is the parameter of the job, as the glue-job shape names it
	// ("glue_version", "workers"), or "argument --x" for an argument.
	Name string
	// Value is a string, an int64, a float64, a []string (connections, modules,
	// files, jars) or a map[string]string (tags). Times are strings as in "60m".
	Value any
	// Cell and Line say where it stands, both counted from 1; ID is the cell's
	// id.
	Cell int
	ID   string
	Line int
	// Magic is how it was written, as in "%worker_type" or "%%configure".
	Magic string
}

// A shaper makes a setting's value of what a magic says; it is false where that
// is not of the kind.
type shaper func(v any) (value any, ok bool)

// A settingRow leads from a magic, which is also a key of %%configure, to the
// parameter of the job.
type settingRow struct {
	key  string
	name string
	what string // what is expected
	make shaper
}

//nolint:gochecknoglobals // immutable table
var settingRows = []settingRow{
	{"glue_version", "glue_version", "a version such as 5.0", asText},
	{"worker_type", "worker_type", "a worker type such as G.1X", asText},
	{"number_of_workers", "workers", "a whole number", asInt},
	{"max_capacity", "max_capacity", "a number", asNumber},
	{"timeout", "timeout", "a number of minutes", asMinutes},
	{"max_retries", "max_retries", "a whole number", asInt},
	{"max_concurrent_runs", "max_concurrent_runs", "a whole number", asInt},
	{"iam_role", "role", "the name or ARN of a role", asText},
	{"security_config", "security_configuration", "a name", asText},
	{"connections", "connections", listOf, asList},
	{"additional_python_modules", "additional_python_modules", listOf, asList},
	{"--additional-python-modules", "additional_python_modules", listOf, asList},
	{"extra_py_files", "extra_py_files", listOf, asList},
	{"--extra-py-files", "extra_py_files", listOf, asList},
	{"extra_jars", "extra_jars", listOf, asList},
	{"--extra-jars", "extra_jars", listOf, asList},
	{"spark_conf", "argument --conf", "Spark settings such as spark.a=b", asText},
	{"execution_class", "execution_class", "STANDARD or FLEX", asText},
	{"session_type", "type", "etl or streaming", asType},
	{"tags", "tags", "a dict of strings", asTags},
}

const listOf = "a list, separated by commas, without blanks"

func settingFor(key string) (settingRow, bool) {
	for _, row := range settingRows {
		if row.key == key {
			return row, true
		}
	}
	return settingRow{}, false
}

func asText(v any) (any, bool) {
	text, ok := scalarText(v)
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	return text, ok && text != ""
}

// scalarText is Python's str of a scalar.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".einE") {
			text += ".0"
		}
		return text, true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	}
	return "", false
}

func asInt(v any) (any, bool) {
	text, ok := asText(v)
	if !ok {
		return nil, false
	}
	n, err := strconv.ParseInt(text.(string), 10, 64)
	return n, err == nil
}

func asNumber(v any) (any, bool) {
	text, ok := asText(v)
	if !ok {
		return nil, false
	}
	n, err := strconv.ParseFloat(text.(string), 64)
	return n, err == nil
}

func asMinutes(v any) (any, bool) {
	n, ok := asInt(v)
	return fmt.Sprintf("%dm", n), ok
}

func asType(v any) (any, bool) {
	text, _ := asText(v)
	switch text {
	case "etl", "glueetl":
		return "glueetl", true
	case "streaming", "gluestreaming":
		return "gluestreaming", true
	}
	return nil, false
}

// asList takes a Python list, or text as in: "a", 'b' or [a,b].
func asList(v any) (any, bool) {
	var items []string
	switch v := v.(type) {
	case string:
		text := strings.TrimSpace(v)
		if inner, ok := strings.CutPrefix(text, "["); ok {
			text = strings.TrimSuffix(inner, "]")
		}
		items = strings.Split(text, ",")
	case []any:
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			items = append(items, text)
		}
	default:
		return nil, false
	}
	for i, item := range items {
		item = strings.Trim(strings.TrimSpace(item), `"'`)
		if item == "" || strings.ContainsAny(item, " \t") && !strings.Contains(item, "--") {
			return nil, false
		}
		items[i] = item
	}
	return items, len(items) > 0
}

func asTags(v any) (any, bool) {
	entries, ok := v.(dict)
	if !ok {
		return nil, false
	}
	tags := make(map[string]string, len(entries))
	for _, e := range entries {
		text, ok := scalarText(e.value)
		if !ok {
			return nil, false
		}
		tags[e.key] = text
	}
	return tags, true
}

// IsSetting reports whether a magic, as in "%worker_type" or "%%sql", becomes a
// setting of the job or a part of its script, so that no [Rule] is about it.
func IsSetting(magic string) bool {
	switch magic {
	case "%etl", "%streaming", "%glue_ray", "%%configure", "%%tags", "%%sql":
		return true
	}
	name, ok := strings.CutPrefix(magic, "%")
	_, known := settingFor(name)
	return ok && known && name != "tags"
}
