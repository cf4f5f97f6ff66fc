package main

import (
	"os"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

// gluePrices are AWS's public prices, and over them those of the platform's own
// file, if it has one.
func gluePrices(file string) (*price.Book, error) {
	book, err := price.Builtin()
	if err != nil || file == "" {
		return book, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read the prices of the platform: %w", err).
			WithFix("prices in platform.yaml names the file; its path starts where platform.yaml is")
	}
	return book.Over(file, data)
}
