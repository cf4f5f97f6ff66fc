// Package price says what AWS Glue jobs cost. The prices are a dated file,
// prices.yaml, and a platform lays a file of its own over it. Start at Builtin
// and Book.
//
// Amounts are computed with fractions and rounded once, at the end, to a
// millionth of the currency's unit, a half upwards. What has no price is an
// error, never 0.
//
// The package is pure: bytes in, values out.
package price
