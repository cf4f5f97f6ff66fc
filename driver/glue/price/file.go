package price

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// A Kind says how work is billed.
type Kind string

// The kinds.
const (
	Spark  Kind = "spark"  // Spark and Spark streaming, by the DPU-hour
	Flex   Kind = "flex"   // Spark on spare capacity
	Memory Kind = "memory" // Spark on workers with more memory, by the M-DPU-hour
	Ray    Kind = "ray"
	Shell  Kind = "shell" // Python shell jobs
)

// unit is what a kind counts.
func (k Kind) unit() string {
	if k == Memory || k == Ray {
		return "M-DPU"
	}
	return "DPU"
}

// A rate is the price of a unit for an hour.
type rate struct {
	perHour  *big.Rat
	minimum  time.Duration // the least that a run is billed for
	currency string
	assumed  string // why it is not certain; empty: it is
	from     slipway.Prices
}

// A rateKey says what a rate is for.
type rateKey struct {
	kind    Kind
	version string // of Glue; empty for Python shell jobs
	region  string
}

// A worker is a type of worker.
type worker struct {
	kind Kind
	size *big.Rat // in units
}

// Type describes a file of prices.
func Type() *schema.Type {
	version := &schema.Type{Kind: schema.String, Pattern: `^[0-9]+\.[0-9]+$`, PatternHelp: `a Glue version in quotes, such as "5.1"`}
	minimum := &schema.Type{Kind: schema.Duration, Min: new(1.0), Max: new(3600.0)}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "prices", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"v1"}}, Help: "The version of this file's format."},
		{Name: "date", Required: true, Type: &schema.Type{Kind: schema.Date}, Help: "The day on which these prices held."},
		{Name: "currency", Required: true, Type: &schema.Type{Kind: schema.String, Pattern: `^[A-Z]{3}$`, PatternHelp: "a currency's code, such as USD"}, Help: "The currency of all rates."},
		{Name: "source", Required: true, Type: &schema.Type{Kind: schema.String, Min: new(1.0)}, Help: "Where they are from."},
		{Name: "minimum", Required: true, Type: minimum, Help: "The least time that a run is billed for."},
		{Name: "minimum_of_version", Type: &schema.Type{Kind: schema.Map, Key: version, Elem: minimum}, Help: "The same for Glue versions where it differs."},
		{Name: "workers", Type: &schema.Type{Kind: schema.Map, Elem: workerType()}, Help: "The types of worker."},
		{Name: "regions", Required: true, Type: &schema.Type{Kind: schema.List, Elem: regionsType(version)}, Help: "The rates, by region."},
	}}
}

func workerType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "kind", Required: true, Type: kindType(Spark, Memory, Ray), Help: "How it is billed."},
		{Name: "size", Required: true, Type: &schema.Type{Kind: schema.Number, Min: new(0.001), Max: new(1000.0)}, Help: "Its size in units."},
	}}
}

func kindType(kinds ...Kind) *schema.Type {
	t := &schema.Type{Kind: schema.String}
	for _, k := range kinds {
		t.Enum = append(t.Enum, string(k))
	}
	return t
}

func regionsType(version *schema.Type) *schema.Type {
	name := &schema.Type{Kind: schema.String, Pattern: `^[a-z0-9-]+$`, PatternHelp: "a region, such as eu-central-1"}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "names", Required: true, Type: &schema.Type{Kind: schema.List, Elem: name, Min: new(1.0)}, Help: "The regions."},
		{Name: "assumed", Type: &schema.Type{Kind: schema.String, Min: new(1.0)}, Help: "Why these rates are not certain."},
		{Name: "rates", Required: true, Type: &schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "kind", Required: true, Type: kindType(Spark, Flex, Memory, Ray, Shell), Help: "How it is billed."},
			{Name: "versions", Type: &schema.Type{Kind: schema.List, Elem: version, Min: new(1.0)}, Help: "The Glue versions; all kinds but shell go by version."},
			{Name: "rate", Required: true, Type: &schema.Type{Kind: schema.Number, Min: new(0.000001), Max: new(1000.0)}, Help: "The price of a unit for an hour."},
		}}}, Help: "Their rates."},
	}}
}

// read reads a file of prices. Its error is of kind Invalid and wraps
// schema.Problems.
func read(file string, data []byte) (*Book, error) {
	doc := schema.Open(file, data)
	tree, problems := doc.Read(Type())
	r := &reader{doc: doc, tree: tree, problems: problems, book: &Book{rates: map[rateKey]rate{}, workers: map[string]worker{}}}
	if len(problems) == 0 {
		r.all()
	}
	if err := r.problems.Err(); err != nil {
		return nil, &slipway.Error{Kind: slipway.Invalid, Message: err.Error(), Err: err}
	}
	return r.book, nil
}

// A reader fills a book.
type reader struct {
	doc      *schema.Doc
	tree     *schema.Value
	problems schema.Problems
	book     *Book
}

func (r *reader) all() {
	r.book.from = slipway.Prices{Source: r.tree.Get("source").Text(), Date: r.tree.Get("date").Text()}
	r.book.currency = r.tree.Get("currency").Text()
	for _, m := range r.tree.Get("workers").Members() {
		r.book.workers[m.Key] = worker{Kind(m.Value.Get("kind").Text()), number(m.Value.Get("size"))}
	}
	for i, region := range r.tree.Get("regions").Items() {
		for j, v := range region.Get("rates").Items() {
			path := fmt.Sprintf("regions[%d].rates[%d]", i, j)
			for _, name := range region.Get("names").Items() {
				r.rate(v, path, name, region.Get("assumed").Text())
			}
		}
	}
}

// rate takes in one rate for one region.
func (r *reader) rate(v *schema.Value, path string, region *schema.Value, assumed string) {
	kind, versions := Kind(v.Get("kind").Text()), v.Get("versions").Texts()
	if (kind == Shell) != (len(versions) == 0) {
		r.wrong(v.Pos, path, "the kind shell has no versions, and every other kind has some")
		return
	}
	if kind == Shell {
		versions = []string{""}
	}
	for _, version := range versions {
		key := rateKey{kind, version, region.Text()}
		if _, twice := r.book.rates[key]; twice {
			r.wrong(v.Pos, path, "there are two rates for "+key.String())
			continue
		}
		r.book.rates[key] = rate{number(v.Get("rate")), r.minimum(version), r.book.currency, assumed, r.book.from}
	}
}

// wrong complains about a place, once.
func (r *reader) wrong(pos schema.Pos, path, message string) {
	p := r.doc.Problem(pos, path, path+": "+message)
	if !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) minimum(version string) time.Duration {
	if v := r.tree.Get("minimum_of_version", version); v.Given() {
		return v.Duration()
	}
	return r.tree.Get("minimum").Duration()
}

// number returns a number exactly as it is written.
func number(v *schema.Value) *big.Rat {
	n, _ := new(big.Rat).SetString(v.Text())
	return n
}
