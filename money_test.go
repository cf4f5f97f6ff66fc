package slipway_test

import (
	"encoding/json"
	"testing"

	"github.com/slipway-cd/slipway"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "2.2": "2.20", "2.20": "2.20", "0.014667": "0.014667", "35.2": "35.20", "-0.5": "-0.50", "-0.000001": "-0.000001",
		"100": "100.00", "999999999999.999999": "999999999999.999999",
	} {
		d, err := slipway.ParseDecimal(text)
		if err != nil || d.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", ".5", "1.", "1e3", "1.0000001", "1000000000000", "NaN", "1_000", "+1"} {
		_, err := slipway.ParseDecimal(text)
		if want := `"` + text + `" is not a number with at most 6 digits behind the point`; err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMoneyForPeople(t *testing.T) {
	t.Parallel()
	for m, want := range map[slipway.Money]string{
		{Amount: 2_200_000, Currency: "USD"}:  "$2.20",
		{Amount: 14_667, Currency: "USD"}:     "$0.01",
		{Amount: 15_000, Currency: "USD"}:     "$0.02",
		{Amount: 458, Currency: "USD"}:        "$0.00046",
		{Amount: 9_999, Currency: "USD"}:      "$0.0100",
		{Amount: 1, Currency: "USD"}:          "$0.000001",
		{Amount: 0, Currency: "USD"}:          "$0.00",
		{Amount: -2_205_000, Currency: "USD"}: "-$2.21",
		{Amount: 2_204_999, Currency: "EUR"}:  "2.20 EUR",
	} {
		if got := m.String(); got != want {
			t.Errorf("%d %s is %s, want %s", m.Amount, m.Currency, got, want)
		}
	}
}

func TestMoneyInJSON(t *testing.T) {
	t.Parallel()
	m := slipway.Money{Amount: 14_667, Currency: "USD"}
	data, err := json.Marshal(m)
	if err != nil || string(data) != `{"amount":0.014667,"currency":"USD"}` {
		t.Errorf("%s, %v", data, err)
	}
	var back slipway.Money
	if err := json.Unmarshal(data, &back); err != nil || back != m {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"amount":"much"}`), &back); err == nil {
		t.Error("an amount that is no number is read")
	}
}

func TestCostAsASentence(t *testing.T) {
	t.Parallel()
	usd := func(micros slipway.Decimal) *slipway.Money { return &slipway.Money{Amount: micros, Currency: "USD"} }
	for want, c := range map[string]slipway.Cost{
		"at most $2.20 a run": {Worst: usd(2_200_000)},
		"at most $2.20 a run, about $0.31 expected; about $9.40 a month, at most $66.92": {
			Worst: usd(2_200_000), Expected: usd(310_000), Month: &slipway.MonthlyCost{Expected: usd(9_400_000), Worst: usd(66_920_000)},
		},
		"at most $2.20 a run; at most $66.92 a month": {Worst: usd(2_200_000), Month: &slipway.MonthlyCost{Worst: usd(66_920_000)}},
		"without a limit, for a run has no timeout; at most $642.84 a month": {
			Month: &slipway.MonthlyCost{Worst: usd(642_840_000)},
		},
		"unknown: there are no prices for the region moon-1": {Unknown: "there are no prices for the region moon-1"},
	} {
		if got := c.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
