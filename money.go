package slipway

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Decimal is a number with at most six digits behind the point, exact: it
// counts millionths. In JSON it is a number.
type Decimal int64

// decimalDigits is how many digits a Decimal has behind the point.
const decimalDigits = 6

var decimalPattern = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]{1,6})?$`)

// ParseDecimal reads a number such as 2.20.
func ParseDecimal(text string) (Decimal, error) {
	if !decimalPattern.MatchString(text) {
		return 0, fmt.Errorf("%q is not a number with at most %d digits behind the point", text, decimalDigits)
	}
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimalDigits-len(part)), 10, 64)
	return Decimal(n), err
}

// String writes all digits, and at least two behind the point.
func (d Decimal) String() string {
	text := d.fixed(decimalDigits)
	for strings.HasSuffix(text, "0") && len(text)-strings.Index(text, ".") > 3 {
		text = text[:len(text)-1]
	}
	return text
}

// fixed writes the number with so many digits behind the point, a half rounded
// away from zero.
func (d Decimal) fixed(digits int) string {
	sign, n := "", uint64(d)
	if d < 0 {
		sign, n = "-", -uint64(d)
	}
	cut := uint64(math.Pow10(decimalDigits - digits))
	n = (n + cut/2) / cut
	text := fmt.Sprintf("%0*d", digits+1, n)
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// MarshalJSON implements json.Marshaler.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	n, err := ParseDecimal(string(data))
	if err != nil {
		return err
	}
	*d = n
	return nil
}

// Money is an amount in a currency.
type Money struct {
	Amount   Decimal `json:"amount"`
	Currency string  `json:"currency"` // by its ISO 4217 code: USD
}

// String writes the amount for people: in hundredths, or with two digits that
// are not zero if it is less than one.
func (m Money) String() string {
	digits := 2
	if size := max(m.Amount, -m.Amount); size > 0 && size < 10_000 {
		for digits < decimalDigits && size < Decimal(math.Pow10(decimalDigits+1-digits)) {
			digits++
		}
	}
	text := m.Amount.fixed(digits)
	if m.Currency != "USD" {
		return text + " " + m.Currency
	}
	if positive, negative := strings.CutPrefix(text, "-"); negative {
		return "-$" + positive
	}
	return "$" + text
}
