package price

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

//go:embed prices.yaml
var builtin []byte

// A Book knows prices. It does not change.
type Book struct {
	currency string
	from     slipway.Prices
	rates    map[rateKey]rate
	workers  map[string]worker
}

// Builtin returns AWS's public prices.
func Builtin() (*Book, error) { return read("prices.yaml", builtin) }

// Over returns the prices of a file, and beneath them those of b for what the
// file does not have. If the file is in another currency, its rates stand alone.
// Its error is of kind Invalid and wraps schema.Problems.
func (b *Book) Over(file string, data []byte) (*Book, error) {
	over, err := read(file, data)
	if err != nil {
		return nil, err
	}
	over.workers = laid(over.workers, b.workers)
	if over.currency == b.currency {
		over.rates = laid(over.rates, b.rates)
	}
	return over, nil
}

// laid lays one map over another.
func laid[K comparable, V any](over, base map[K]V) map[K]V {
	all := maps.Clone(base)
	maps.Copy(all, over)
	return all
}

// String says what a rate is for.
func (k rateKey) String() string {
	words := map[Kind]string{Spark: "Spark", Flex: "FLEX", Memory: "R workers", Ray: "Ray", Shell: "Python shell jobs"}
	if k.kind == Shell {
		return words[k.kind] + " in " + k.region
	}
	return words[k.kind] + " on Glue " + k.version + " in " + k.region
}

// rate returns a rate; that there is none is an error of kind NotFound.
func (b *Book) rate(key rateKey) (rate, error) {
	r, ok := b.rates[key]
	if ok {
		return r, nil
	}
	regions := map[string]bool{}
	for k := range b.rates {
		regions[k.region] = true
	}
	what := "there is no price for " + key.String()
	switch {
	case key.region == "":
		what = "the environment names no region, and prices go by region"
	case !regions[key.region]:
		what = "there are no prices for the region " + key.region
		if near := schema.Nearest(key.region, slices.Sorted(maps.Keys(regions))); near != "" {
			what += ", only for others such as " + near
		}
	case key.kind != Shell && key.version == "":
		what = "the job names no Glue version, and prices go by version"
	}
	return r, b.lacking(what)
}

// worker returns a type of worker; that there is none is an error of kind
// NotFound.
func (b *Book) worker(name string) (worker, error) {
	if w, ok := b.workers[name]; ok {
		return w, nil
	}
	return worker{}, b.lacking("there is no price for workers of type " + name)
}

// lacking is the error about a price that is not there.
func (b *Book) lacking(what string) error {
	return slipway.Errorf(slipway.NotFound, "%s (prices of %s: %s)", what, b.from.Date, strings.TrimSuffix(b.from.Source, ".")).
		WithFix("write it into a file, and name that as prices in platform.yaml")
}
