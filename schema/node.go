package schema

import (
	"errors"
	"strconv"
	"strings"
)

// node is a piece of a document before anything is known of its type. YAML and
// JSON both become nodes.
type node struct {
	shape nodeShape
	text  string
	// plain is true for a scalar without quotes, whose meaning depends on its
	// letters.
	plain bool
	// missing is true for a key after which nothing is written.
	missing bool
	pos     Pos
	pairs   []pair
	items   []*node
}

type nodeShape int

const (
	scalarNode nodeShape = iota
	mapNode
	listNode
)

type pair struct {
	key   *node
	value *node
}

// meaning is what the letters of a scalar without quotes stand for.
type meaning int

const (
	isText meaning = iota
	isNull
	isBool
	isInt
	isFloat
)

func (n *node) meaning() meaning {
	if !n.plain {
		return isText
	}
	return resolve(n.text)
}

func (n *node) isNull() bool { return n.shape == scalarNode && n.meaning() == isNull }

// resolve says what a scalar without quotes stands for, after YAML 1.2. What
// older readers take for a number is a number here too, so that all readers of
// a file agree.
func resolve(text string) meaning {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return isNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return isBool
	case ".nan", ".NaN", ".NAN":
		return isFloat
	}
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" {
		return isText
	}
	switch {
	case isWholeNumber(digits):
		return isInt
	case digits == ".inf" || digits == ".Inf" || digits == ".INF" || isDecimal(digits):
		return isFloat
	default:
		return isText
	}
}

func isWholeNumber(digits string) bool {
	if len(digits) > 2 && digits[0] == '0' && strings.ContainsAny(digits[1:2], "xXoObB") {
		_, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), 0, 64)
		return err == nil
	}
	return digits[0] >= '0' && digits[0] <= '9' && strings.Trim(digits, "0123456789_") == ""
}

func isDecimal(digits string) bool {
	if strings.Trim(digits, "0123456789.eE+-_") != "" || strings.Trim(digits[:1], "0123456789.") != "" {
		return false
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(digits, "_", ""), 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// plainKind is the kind that a node has by itself.
func (n *node) plainKind() Kind {
	switch n.shape {
	case mapNode:
		return Map
	case listNode:
		return List
	case scalarNode:
	}
	switch n.meaning() {
	case isBool:
		return Bool
	case isInt, isFloat:
		return Number
	default:
		return String
	}
}

// what describes the node for a complaint.
func (n *node) what() string {
	switch {
	case n.shape == mapNode:
		return "keys and values"
	case n.shape == listNode:
		return "a list"
	case n.missing:
		return "empty"
	}
	switch n.meaning() {
	case isNull:
		return "null"
	case isBool:
		return strings.ToLower(n.text)
	case isInt, isFloat:
		return "the number " + n.text
	default:
		return "the text " + strconv.Quote(shorten(n.text))
	}
}

func shorten(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}
