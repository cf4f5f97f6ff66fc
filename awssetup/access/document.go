// Package access says who may do what in AWS, as data: the IAM documents that an
// environment on AWS needs, with the reason for each statement, and what an answer
// of AWS means that says no. It asks nobody and writes nothing.
//
// Start at Documents for what there is to set up, and at Denied for an error.
package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// version is the version of the policy language.
const version = "2012-10-17"

// A Document is an IAM policy: of a role, of a bucket, or the trust policy that
// says who becomes a role.
type Document struct {
	Version   string     `json:"Version"`
	ID        string     `json:"Id,omitempty"`
	Statement Statements `json:"Statement"`
}

// A Statement allows or denies actions. What Slipway does not write itself, such
// as NotAction, is kept as somebody else wrote it.
type Statement struct {
	Sid          string                     `json:"Sid,omitempty"`
	Effect       string                     `json:"Effect"`
	Principal    Principal                  `json:"Principal,omitempty"`
	NotPrincipal Principal                  `json:"NotPrincipal,omitempty"`
	Action       List                       `json:"Action,omitempty"`
	NotAction    List                       `json:"NotAction,omitempty"`
	Resource     List                       `json:"Resource,omitempty"`
	NotResource  List                       `json:"NotResource,omitempty"`
	Condition    map[string]map[string]List `json:"Condition,omitempty"`

	// Why says what the statement is for. It is no part of the document: IAM
	// knows no comments.
	Why string `json:"-"`
}

// Statements are a document's statements; a single one may be written without a
// list around it.
type Statements []Statement

// UnmarshalJSON implements json.Unmarshaler.
func (s *Statements) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	return json.Unmarshal(data, (*[]Statement)(s))
}

// A List is one text or several, as IAM writes them.
type List []string

// MarshalJSON writes a single text without a list around it.
func (l List) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// UnmarshalJSON takes one text or several; IAM takes truth values and numbers for
// texts.
func (l *List) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return err
	}
	*l = nil
	for _, item := range items {
		text := string(item)
		if bytes.HasPrefix(item, []byte(`"`)) {
			if err := json.Unmarshal(item, &text); err != nil {
				return err
			}
		} else if strings.ContainsAny(text[:1], "[{n") {
			return fmt.Errorf("%s stands where a text should", text)
		}
		*l = append(*l, text)
	}
	return nil
}

// A Principal is who a statement is about, by kind: AWS, Service, Federated.
type Principal map[string]List

// UnmarshalJSON takes "*" for everybody.
func (p *Principal) UnmarshalJSON(data []byte) error {
	var everybody string
	if json.Unmarshal(data, &everybody) == nil && everybody != "" {
		*p = Principal{"AWS": {everybody}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]List)(p))
}

// Parse reads a document.
func Parse(data []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return Document{}, slipway.Errorf(slipway.Invalid, "this is no IAM policy: %w", err)
	}
	return d, nil
}

// JSON returns the document as people read it, with an end of line.
func (d Document) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		panic(err) // texts and lists of texts can always be written
	}
	return b.Bytes()
}

// Compact returns the document as it is sent to AWS, which counts its bytes.
func (d Document) Compact() string {
	var b bytes.Buffer
	if err := json.Compact(&b, d.JSON()); err != nil {
		panic(err) // it was written just now
	}
	return b.String()
}

// Same reports whether two documents mean the same: lists are sets, and the order
// of statements does not matter.
func (d Document) Same(other Document) bool {
	return bytes.Equal(d.sorted().JSON(), other.sorted().JSON())
}

// sorted is the document in an order of its own.
func (d Document) sorted() Document {
	c := Document{Version: d.Version}
	for _, s := range d.Statement {
		s.Action, s.NotAction, s.Resource, s.NotResource = s.Action.sorted(), s.NotAction.sorted(), s.Resource.sorted(), s.NotResource.sorted()
		s.Principal, s.NotPrincipal = s.Principal.sorted(), s.NotPrincipal.sorted()
		condition := map[string]map[string]List{}
		for operator, keys := range s.Condition {
			condition[operator] = map[string]List{}
			for key, values := range keys {
				condition[operator][key] = values.sorted()
			}
		}
		s.Condition = condition
		c.Statement = append(c.Statement, s)
	}
	slices.SortStableFunc(c.Statement, func(a, b Statement) int {
		return strings.Compare(a.text(), b.text())
	})
	return c
}

func (s Statement) text() string {
	return string(Document{Statement: Statements{s}}.JSON())
}

func (l List) sorted() List {
	l = slices.Clone(l)
	slices.Sort(l)
	return slices.Compact(l)
}

func (p Principal) sorted() Principal {
	c := Principal{}
	for kind, who := range p {
		c[kind] = who.sorted()
	}
	return c
}

// With returns d with what want needs besides: a statement that has the Sid of
// one of want's gets its words, and keeps the resources, principals and subjects
// that it has for others. What another statement allows already is not added. All
// other statements stay as they are.
func (d Document) With(want Document) Document {
	out := Document{Version: want.Version, ID: d.ID, Statement: slices.Clone(d.Statement)}
	for _, s := range want.Statement {
		if slices.ContainsFunc(d.Statement, func(have Statement) bool { return have.covers(s) }) {
			continue
		}
		at := slices.IndexFunc(out.Statement, func(have Statement) bool { return have.Sid == s.Sid })
		if at < 0 {
			out.Statement = append(out.Statement, s)
			continue
		}
		out.Statement[at] = s.with(out.Statement[at])
	}
	return out
}

// covers reports whether a statement allows, without a condition, all that
// another allows.
func (s Statement) covers(other Statement) bool {
	plain := s.Effect == "Allow" && len(s.Condition)+len(s.NotPrincipal)+len(s.NotAction)+len(s.NotResource) == 0
	if !plain || other.Effect != "Allow" || !s.Action.has(other.Action) || !s.Resource.has(other.Resource) {
		return false
	}
	for kind, who := range other.Principal {
		if !s.Principal[kind].has(who) {
			return false
		}
	}
	return true
}

// has reports whether all of others are in l.
func (l List) has(others List) bool {
	return !slices.ContainsFunc(others, func(item string) bool { return !slices.Contains(l, item) })
}

// with adds what an older statement grants to others.
func (s Statement) with(have Statement) Statement {
	s.Resource = have.Resource.and(s.Resource)
	principal := Principal{}
	maps.Copy(principal, have.Principal)
	for kind, who := range s.Principal {
		principal[kind] = principal[kind].and(who)
	}
	s.Principal = principal
	condition := map[string]map[string]List{}
	for operator, keys := range s.Condition {
		condition[operator] = map[string]List{}
		for key, values := range keys {
			if strings.HasSuffix(key, ":sub") {
				values = have.Condition[operator][key].and(values)
			}
			condition[operator][key] = values
		}
	}
	s.Condition = condition
	return s
}

// and returns both, in the order of l, each once.
func (l List) and(more List) List {
	out := slices.Clone(l)
	for _, item := range more {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}
