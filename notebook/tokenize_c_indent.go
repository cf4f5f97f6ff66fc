package notebook

// indentation measures the line's indentation.
func (x *cLexer) indentation() stop {
	col, alt, cont := 0, 0, 0
	var c int
measure:
	for {
		switch c = x.nextc(); c {
		case ' ':
			col, alt = col+1, alt+1
		case '\t':
			col, alt = (col/8+1)*8, alt+1
		case '\f':
			col, alt = 0, 0
		case '\\':
			if cont == 0 {
				cont = col
			}
			if s := x.continuation(); s != goOn {
				return s
			}
		default:
			break measure
		}
	}
	x.backup(c)
	x.blank = c == '#' || c == '\n' || c == '\r'
	if x.blank || x.brackets > 0 {
		return goOn
	}
	if cont > 0 {
		col, alt = cont, cont
	}
	s := x.indent(col, alt)
	if x.fault != "" && x.pending != 0 {
		// Python itself breaks where a null byte meets a dedent.
		return raised
	}
	return s
}

func (x *cLexer) indent(col, alt int) stop {
	top := len(x.indents) - 1
	switch {
	case col == x.indents[top]:
	case col > x.indents[top]:
		if top+1 >= maxIndents {
			return x.raise("too many levels of indentation")
		}
		if alt <= x.alts[top] {
			return x.raise(inconsistentTabs)
		}
		x.pending++
		x.indents, x.alts = append(x.indents, col), append(x.alts, alt)
		return goOn
	default:
		for top > 0 && col < x.indents[top] {
			x.pending--
			top--
		}
		x.indents, x.alts = x.indents[:top+1], x.alts[:top+1]
		if col != x.indents[top] {
			return x.raise("unindent does not match any outer indentation level")
		}
	}
	if alt != x.alts[top] {
		return x.raise(inconsistentTabs)
	}
	return goOn
}

const inconsistentTabs = "inconsistent use of tabs and spaces in indentation"

func (x *cLexer) indentToken() stop {
	t := token{kind: tokenIndent, line: x.row, end: x.pos}
	if x.pending < 0 {
		t.kind, t.col = tokenDedent, x.pos
		x.pending++
	} else {
		x.pending--
	}
	x.sink.token(t)
	return goOn
}

// continuation reads the line end behind a backslash.
func (x *cLexer) continuation() stop {
	c := x.nextc()
	if c == '\r' {
		c = x.nextc()
	}
	if c != '\n' {
		return x.fail("unexpected character after line continuation character")
	}
	if c = x.nextc(); c == eof && x.fault != "" {
		return x.end()
	} else if c == eof {
		return x.fail("unexpected EOF in multi-line statement")
	}
	x.backup(c)
	return goOn
}
