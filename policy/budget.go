package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// A Budget is what all apps of a team, or in an environment, may cost in an average
// month. It is a guard rail like any other.
type Budget struct {
	Environment string // empty: it is a team's
	Team        string
	Amount      slipway.Money
	Effect      slipway.RailEffect
	By          []string
}

// Name is what people call the budget's rail.
func (b Budget) Name() string {
	if b.Environment != "" {
		return "budget-" + b.Environment
	}
	return "budget-team-" + b.Team
}

// BudgetType describes a budget in a platform.yaml.
func BudgetType() *schema.Type {
	amount := &schema.Type{Kind: schema.String, Pattern: budgetPattern, PatternHelp: "an amount a month, such as 500 USD/month"}
	effects := []string{string(slipway.RailInforms), string(slipway.RailException), string(slipway.RailBlocks)}
	return &schema.Type{Kind: schema.Union, What: "an amount such as 500 USD/month, or {amount: 500 USD/month, effect: exception, by: [finance]}", Of: []*schema.Type{
		amount,
		{Kind: schema.Object, Fields: []schema.Field{
			{Name: "amount", Required: true, Type: amount, Help: "What it may cost.", Example: "500 USD/month"},
			{Name: "effect", Type: &schema.Type{Kind: schema.String, Enum: effects}, Default: string(slipway.RailBlocks), Help: "What happens where a plan would cost more."},
			{Name: "by", Type: listOf(nameType("a role's, person's or team's name")), Help: "Who grants the exception."},
		}},
	}}
}

const budgetPattern = `^[0-9]{1,9}(\.[0-9]{1,2})? [A-Z]{3}/month$`

// ReadBudget reads what BudgetType describes.
func ReadBudget(v *schema.Value) (Budget, bool) {
	b := Budget{Effect: slipway.RailBlocks}
	text := v.Text()
	if v.Kind == schema.Object {
		text = v.Get("amount").Text()
		b.By = v.Get("by").Texts()
		if effect := v.Get("effect"); effect.Given() {
			b.Effect = slipway.RailEffect(effect.Text())
		}
	}
	if !regexp.MustCompile(budgetPattern).MatchString(text) {
		return b, false
	}
	amount, rest, _ := strings.Cut(text, " ")
	n, err := slipway.ParseDecimal(amount)
	b.Amount = slipway.Money{Amount: n, Currency: strings.TrimSuffix(rest, "/month")}
	return b, err == nil
}

// OfBudgets are the rails that budgets are. An app whose own cost in a month nobody
// knows is over every budget.
func OfBudgets(file string, budgets []Budget) (Source, error) {
	if len(budgets) == 0 {
		return Source{}, nil
	}
	var text strings.Builder
	text.WriteString("slipway: v1\nrails:\n")
	for _, b := range budgets {
		b.write(&text)
	}
	return ReadFile(file, []byte(text.String()))
}

func (b Budget) write(text *strings.Builder) {
	others, of := "others.environment", "in {environment.name}"
	if b.Team != "" {
		others, of = "others.team", "of the team "+b.Team
	}
	known := "has(cost.month) && has(cost.month.planned)"
	when := fmt.Sprintf("!(%s) || cost.currency != %q || cost.month.planned + %s.month > %s", known, b.Amount.Currency, others, b.Amount.Amount)
	if b.Team != "" {
		when = fmt.Sprintf("team == %q && (%s)", b.Team, when)
	}
	message := fmt.Sprintf("a month of {app} costs {%s ? string(cost.month.planned) + \" \" + cost.currency : \"nobody knows how much\"}, the other apps %s {%s.month}%s, "+
		"and the budget is %s", known, of, others, fmt.Sprintf("{size(%s.unknown) == 0 ? \"\" : \" without what nobody knows of \"}{%s.unknown}", others, others), b.Amount)
	fmt.Fprintf(text, "  - name: %s\n    when: %s\n    effect: %s\n    message: %s\n    fix: %s\n", b.Name(), strconv.Quote(when), b.Effect, strconv.Quote(message),
		strconv.Quote("make it smaller, run it less often, or give it a schedule so that its cost is known"))
	if b.Environment != "" {
		fmt.Fprintf(text, "    environments: [%s]\n", b.Environment)
	}
	if len(b.By) > 0 {
		fmt.Fprintf(text, "    by: [%s]\n", strings.Join(b.By, ", "))
	}
}
