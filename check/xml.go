package check

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// deepest is how many elements of a report may lie in each other.
const deepest = 200

// unmarked turns data with a byte order mark (UTF-8 or UTF-16, as PowerShell
// writes it) into UTF-8 without one, and leaves other data alone.
func unmarked(data []byte) io.Reader {
	return transform.NewReader(bytes.NewReader(data), unicode.BOMOverride(encoding.Nop.NewDecoder()))
}

// newXML decodes an XML report: any charset that a declaration names, bounded in
// depth. Entities of a document type are not expanded, so none can grow.
func newXML(data []byte) *xml.Decoder {
	inner := xml.NewDecoder(unmarked(data))
	inner.CharsetReader = charset
	return xml.NewTokenDecoder(&shallow{inner: inner})
}

// charset reads text in the named charset as UTF-8. Text that says UTF-16 got
// its declaration read, so it is not: either it had a mark, and is UTF-8 by now,
// or the tool declared what it did not write.
func charset(label string, r io.Reader) (io.Reader, error) {
	if strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return r, nil
	}
	e, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("the charset %q is not known; have the tool write UTF-8", label)
	}
	return e.NewDecoder().Reader(r), nil
}

// A shallow reader of tokens refuses a document that is nested too deeply, and
// gives errors their line.
type shallow struct {
	inner *xml.Decoder
	depth int
}

// Token returns the next token.
func (s *shallow) Token() (xml.Token, error) {
	t, err := s.inner.Token()
	if err != nil {
		return t, s.explain(err)
	}
	switch t.(type) {
	case xml.StartElement:
		s.depth++
	case xml.EndElement:
		s.depth--
	}
	if s.depth > deepest {
		line, _ := s.inner.InputPos()
		return nil, fmt.Errorf("line %d: more than %d elements lie in each other", line, deepest)
	}
	return t, nil
}

// explain turns an error of the decoder into words with a line.
func (s *shallow) explain(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	wrong, ok := errors.AsType[*xml.SyntaxError](err)
	switch {
	case !ok:
		return err
	case wrong.Msg == "unexpected EOF":
		return fmt.Errorf("line %d: it ends in the middle", wrong.Line)
	}
	return fmt.Errorf("line %d: %s", wrong.Line, wrong.Msg)
}

// root returns the document's first element, which is one of those wanted.
func root(d *xml.Decoder, wanted ...string) (xml.StartElement, error) {
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return xml.StartElement{}, errors.New("it holds no element")
		}
		if err != nil {
			return xml.StartElement{}, err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if slices.Contains(wanted, start.Name.Local) {
			return start, nil
		}
		return start, fmt.Errorf("its root element is <%s> and not <%s>", start.Name.Local, strings.Join(wanted, "> or <"))
	}
}

// finish reads what follows the root element, where no second one may be.
func finish(d *xml.Decoder) error {
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := t.(xml.StartElement); ok {
			return fmt.Errorf("a second document, <%s>, follows the first: write each to a file of its own", start.Name.Local)
		}
	}
}

// attribute returns the value of an element's attribute, or "".
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
