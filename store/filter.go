package store

import "strings"

// A filter is the WHERE of a query, of the terms that are asked for and no others: a
// term that may be there or not, such as (? = ” OR team = ?), keeps a database from
// looking up in an index.
type filter struct {
	terms []string
	args  []any
}

// and adds a term with its parameters.
func (f *filter) and(term string, args ...any) {
	f.terms, f.args = append(f.terms, term), append(f.args, args...)
}

// is adds that a column has a value, unless that is empty.
func (f *filter) is(column, value string) {
	if value != "" {
		f.and(column+" = ?", value)
	}
}

// where writes the terms.
func (f *filter) where() string {
	if len(f.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.terms, " AND ")
}
