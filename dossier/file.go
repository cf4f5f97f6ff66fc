package dossier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// Format is what the first line of a dossier says of it.
const Format = "slipway.dossier/v1"

// The kinds of line, in the order in which they stand.
const (
	headerLine    = "header"
	keyLine       = "key"
	fileLine      = "file"
	entryLine     = "entry"
	statementLine = "statement"
	sealLine      = "seal"
)

// A line is one line of a dossier. Kind says which of the others it has.
type line struct {
	Kind      string          `json:"kind"`
	Header    *Header         `json:"header,omitempty"`
	Key       *Key            `json:"key,omitempty"`
	File      *File           `json:"file,omitempty"`
	Entry     json.RawMessage `json:"entry,omitempty"`     // a ledger's entry, in canonical JSON
	Statement json.RawMessage `json:"statement,omitempty"` // an envelope, byte for byte
	Seal      json.RawMessage `json:"seal,omitempty"`      // the envelope of the seal
}

// A Header says what the dossier is about.
type Header struct {
	Format       string    `json:"format"`
	App          string    `json:"app"`
	Version      string    `json:"version"`
	Environments []string  `json:"environments"` // the road: the first made the release
	By           string    `json:"by"`
	Time         time.Time `json:"time"`
}

// A Key is a public key by the name that the platform file had for it when the
// dossier was written. Whether that is so is for the policy to say.
type Key struct {
	Person string `json:"person,omitempty"`
	Signer string `json:"signer,omitempty"` // a machine; one of both is set
	Key    string `json:"key"`              // as OpenSSH writes it
	PEM    string `json:"pem"`              // the same for other tools
}

func (k Key) name() string { return k.Person + k.Signer }

// A File is bytes of the release that are needed to read the rest.
type File struct {
	Environment string         `json:"environment"`
	Name        string         `json:"name"` // release.json, manifest.json, checks.json
	Digest      slipway.Digest `json:"digest"`
	Data        []byte         `json:"data"` // in base64
}

// RecordFile is the name of a release's record in a dossier.
const RecordFile = "release.json"

// Content is what goes into a dossier.
type Content struct {
	Header
	Keys       []Key
	Files      []File
	Chains     [][]ledger.Entry // of each environment, whole
	Statements [][]byte         // envelopes, each once
}

// KeysOf are the keys that a policy knows, people's first.
func KeysOf(p evidence.Policy) ([]Key, error) {
	var all []Key
	add := func(k Key, public evidence.Key) (err error) {
		k.Key = public.String()
		if k.PEM, err = public.PEM(); err == nil {
			all = append(all, k)
		}
		return err
	}
	for _, person := range sorted(p.Keys) {
		for _, k := range p.Keys[person] {
			if err := add(Key{Person: person}, k); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range sorted(p.Signers) {
		for _, k := range p.Signers[name].Keys {
			if err := add(Key{Signer: name}, k.Key); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// lines are the lines of a dossier without its seal.
func (c Content) lines() ([]line, error) {
	c.Format = Format
	all := []line{{Kind: headerLine, Header: &c.Header}}
	for _, k := range c.Keys {
		all = append(all, line{Kind: keyLine, Key: &k})
	}
	for _, f := range c.Files {
		all = append(all, line{Kind: fileLine, File: &f})
	}
	for _, chain := range c.Chains {
		for _, e := range chain {
			data, err := ledger.Encode(e)
			if err != nil {
				return nil, err
			}
			all = append(all, line{Kind: entryLine, Entry: data})
		}
	}
	for _, s := range c.Statements {
		all = append(all, line{Kind: statementLine, Statement: s})
	}
	return all, nil
}

// heads are where the chains end.
func (c Content) heads() []slipway.ChainPoint {
	all := []slipway.ChainPoint{}
	for _, chain := range c.Chains {
		if n := len(chain); n > 0 {
			all = append(all, chain[n-1].Point())
		}
	}
	return all
}

// encode writes a line without its end. What is in it stays as it is, byte for
// byte: no character is escaped that was not.
func (l line) encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(l)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// decode reads a line that encode wrote, and nothing else.
func decode(data []byte) (line, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("something stands behind it")
	}
	has := map[string]bool{
		headerLine: l.Header != nil, keyLine: l.Key != nil, fileLine: l.File != nil,
		entryLine: l.Entry != nil, statementLine: l.Statement != nil, sealLine: l.Seal != nil,
	}
	if !has[l.Kind] {
		return l, fmt.Errorf("it is a line of the kind %q without one", l.Kind)
	}
	if again, err := l.encode(); err != nil || !bytes.Equal(again, data) {
		return l, errors.New("it is not written as Slipway writes it")
	}
	return l, nil
}

// name says what stands in a line, for people.
func (l line) name() string {
	switch {
	case l.Header != nil:
		return "the header"
	case l.Key != nil:
		return "the key of " + l.Key.name()
	case l.File != nil:
		return fmt.Sprintf("%s in %s", l.File.Name, l.File.Environment)
	case l.Entry != nil:
		if e, err := ledger.Decode(l.Entry); err == nil {
			return entryName(e)
		}
		return "an entry"
	case l.Statement != nil:
		return statementName(l.Statement)
	}
	return "the seal"
}

func entryName(e ledger.Entry) string { return fmt.Sprintf("entry %d of %s", e.Number, e.Subject) }

// HeaderOf reads what a dossier says that it is about. Nothing of it is verified.
func HeaderOf(data []byte) (Header, error) {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	l, err := decode(first)
	if err == nil && l.Kind != headerLine {
		err = errors.New("it does not begin with a header")
	}
	if err != nil {
		return Header{}, slipway.Errorf(slipway.Invalid, "it is not a dossier: %w", err)
	}
	return *l.Header, nil
}

// statementName names a statement by what it is, and its digest.
func statementName(data []byte) string {
	kind := "statement"
	if e, err := evidence.Unwrap(data); err == nil {
		kind = kindOf(e.PredicateType)
	}
	return fmt.Sprintf("the %s %s", kind, slipway.DigestOf(data).Short())
}

// kindOf is the word for a type of statement: the part of its address that says so.
func kindOf(predicateType string) string {
	switch predicateType {
	case evidence.ProvenanceType:
		return "provenance"
	case evidence.TestResultType:
		return "test result"
	case evidence.SBOMType:
		return "bill of materials"
	}
	parts := strings.Split(predicateType, "/")
	if len(parts) > 1 {
		return parts[len(parts)-2]
	}
	return "statement"
}
