package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse fills the document's root, or adds the problems that prevent it.
func (d *Doc) parse(text string) {
	defer func() {
		if reason := recover(); reason != nil {
			d.root = nil
			d.complain(Pos{Line: 1, Col: 1}, "", fmt.Sprintf("not valid YAML: %v", reason))
		}
	}()
	tokens := lexer.Tokenize(text)
	if deep := tooDeep(tokens); deep != nil {
		d.complain(position(deep), "", fmt.Sprintf("nested more than %d levels deep", maxDepth))
		return
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	d.root = d.document(file)
}

// maxDepth is far above what a person writes. The parser's memory grows with the
// square of the depth.
const maxDepth = 50

// tooDeep finds the token that nests too deep within one line or one bracket.
// Nesting by indentation costs so many blanks that MaxBytes bounds it.
func tooDeep(tokens token.Tokens) *token.Token {
	depth, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			entries++
		default:
		}
		if depth > maxDepth || entries > maxDepth {
			return t
		}
	}
	return nil
}

// syntax turns the parser's error into a problem in plain words.
func (d *Doc) syntax(err error) {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) || at.GetToken() == nil {
		d.complain(Pos{Line: 1, Col: 1}, "", "not valid YAML: "+err.Error())
		return
	}
	pos := position(at.GetToken())
	message, expected := d.plainWords(at.GetMessage(), pos)
	p := d.Problem(pos, "", message)
	p.Expected = expected
	d.problems = append(d.problems, p)
}

// plainWords says what the parser's message means to the person who wrote the
// line.
func (d *Doc) plainWords(message string, pos Pos) (text, expected string) {
	line := d.line(pos.Line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t") || strings.Contains(message, "tab character"):
		return "a tab indents this line", "spaces: YAML does not allow tabs there"
	case strings.Contains(message, "sequence end token"):
		return "this list is not closed", "a ] after its last item"
	case strings.Contains(message, "mapping end token") || strings.Contains(message, "map end"):
		return "this { is not closed", "a } after its last value"
	case strings.Contains(message, "end character of double-quoted"), strings.Contains(message, "end character of single-quoted"):
		return "this quote is not closed", ""
	case strings.Contains(message, "mapping value is not allowed"):
		return "not valid YAML: a key and its colon cannot stand here", "the value in quotes if it holds a colon, and keys of one level under each other"
	case strings.Contains(message, "value is not allowed"):
		return "not valid YAML: " + message, "keys of one level under each other"
	case strings.Contains(message, "reserved character"):
		return "not valid YAML: " + message, "the value in quotes"
	default:
		return "not valid YAML: " + message, ""
	}
}

// document returns the one document of the file as nodes.
func (d *Doc) document(file *ast.File) *node {
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			d.complain(position(startOf(doc.Body)), "", "a second document starts here; this file is one document")
			break
		}
		root = d.convert(doc.Body)
	}
	return root
}

// startOf is the first token of a node.
func startOf(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return startOf(m.Values[0])
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return m.Key.GetToken()
	}
	return n.GetToken()
}

func position(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{Line: 1, Col: 1}
	}
	written, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	return Pos{Line: t.Position.Line, Col: t.Position.Column, Len: len([]rune(written))}
}

func (d *Doc) convert(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		return d.convertMap(n, n.Values)
	case *ast.MappingValueNode:
		return d.convertMap(n, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out := &node{shape: listNode, pos: d.inside(position(n.GetToken()))}
		for _, v := range n.Values {
			out.items = append(out.items, d.convert(v))
		}
		return out
	case *ast.AnchorNode, *ast.AliasNode:
		return d.refuse(n, "anchors and aliases (& and *) are not read here", "the value itself, written out")
	case *ast.TagNode:
		return d.refuse(n, "tags ("+n.GetToken().Value+") are not read here", "the value without its tag")
	case *ast.LiteralNode:
		return &node{text: n.Value.Value, pos: d.inside(position(n.GetToken()))}
	default:
		return d.convertScalar(n)
	}
}

func (d *Doc) convertScalar(n ast.Node) *node {
	t := n.GetToken()
	out := &node{text: t.Value, plain: true, pos: d.inside(position(t))}
	switch t.Type {
	case token.ImplicitNullType:
		out.text, out.missing = "", true
	case token.SingleQuoteType, token.DoubleQuoteType:
		out.plain = false
	default:
	}
	return out
}

// refuse complains about a part of YAML that these files do without.
func (d *Doc) refuse(n ast.Node, message, expected string) *node {
	pos := position(n.GetToken())
	p := d.Problem(pos, "", message)
	p.Expected = expected
	d.problems = append(d.problems, p)
	return nil
}

func (d *Doc) convertMap(n ast.Node, values []*ast.MappingValueNode) *node {
	out := &node{shape: mapNode, pos: d.inside(position(startOf(n)))}
	seen := map[string]Pos{}
	for _, v := range values {
		key := d.convertKey(v.Key)
		value := d.convert(v.Value)
		if key == nil {
			continue
		}
		if first, ok := seen[key.text]; ok {
			d.complain(key.pos, key.text, fmt.Sprintf("key %q is given twice, first on line %d", key.text, first.Line))
			continue
		}
		seen[key.text] = key.pos
		if value != nil && value.missing {
			value.pos = key.pos
		}
		out.pairs = append(out.pairs, pair{key: key, value: value})
	}
	return out
}

func (d *Doc) convertKey(k ast.MapKeyNode) *node {
	switch k := k.(type) {
	case *ast.MergeKeyNode:
		return d.refuse(k, "merge keys (<<) are not read here", "the values themselves, written out")
	case *ast.MappingKeyNode:
		return d.refuse(k, "keys written with ? are not read here", "a key and a colon")
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return d.convertScalar(k)
	default:
		return d.refuse(k, "this is not a key", "a word and a colon")
	}
}
