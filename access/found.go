package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Claims are what an identity provider says in a token whose signature, issuer,
// audience and time were verified.
type Claims map[string]any

// text returns a claim that is text.
func (c Claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Find returns the person whom an identity provider speaks of. An e-mail address
// counts only where the provider says that it was verified. Errors are of kind
// Denied.
func (r Rules) Find(c Claims) (Identity, error) {
	if r.SignIn == nil {
		return Identity{}, slipway.Errorf(slipway.Denied, "nobody can sign in here").WithFix("the platform team keeps access.sign_in in platform.yaml")
	}
	claim := r.SignIn.Claim
	value := c.text(claim)
	if value == "" {
		return Identity{}, slipway.Errorf(slipway.Denied, "the identity provider does not say your %s", claim).
			WithFix("the platform team adds a scope that carries it to access.sign_in.scopes, or names another claim")
	}
	if verified, _ := c["email_verified"].(bool); claim == emailClaim && !verified {
		return Identity{}, slipway.Errorf(slipway.Denied, "the e-mail address %s is not verified by the identity provider", value).
			WithFix("verify it there, and sign in again")
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(r.People)) {
		if r.People[name].is(claim, name, value) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return Identity{}, slipway.Errorf(slipway.Denied, "the platform file has nobody with the %s %s", claim, value).
			WithFix("the platform team adds you to people in platform.yaml")
	case 1:
		return Identity{Person: found[0], Teams: r.teamsOf(c)}, nil
	}
	return Identity{}, slipway.Errorf(slipway.Denied, "the platform file has several people with the %s %s: %s", claim, value, strings.Join(found, ", ")).
		WithFix("the platform team leaves one of them")
}

const emailClaim = "email"

// is reports whether a claim's value is this person's.
func (p Person) is(claim, name, value string) bool {
	if claim == emailClaim {
		return strings.EqualFold(p.Email, value)
	}
	return strings.EqualFold(p.Login, value) || p.Login == "" && name == value
}

// teamsOf are the teams that a person is in by the provider's groups.
func (r Rules) teamsOf(c Claims) []string {
	if r.SignIn.Groups == "" {
		return nil
	}
	var groups []string
	if list, ok := c[r.SignIn.Groups].([]any); ok {
		for _, g := range list {
			if s, ok := g.(string); ok {
				groups = append(groups, s)
			}
		}
	}
	var teams []string
	for _, team := range slices.Sorted(maps.Keys(r.Teams)) {
		if slices.ContainsFunc(r.Teams[team].Groups, func(g string) bool { return slices.Contains(groups, g) }) {
			teams = append(teams, team)
		}
	}
	return teams
}

// FindMachine returns the machine that a token of an issuer speaks of. Each claim
// that the platform names has to be there. Errors are of kind Denied and name the
// claim that differs.
func (r Rules) FindMachine(issuer string, audience []string, c Claims) (Identity, error) {
	var found []string
	why := "the platform file has no machine with the issuer " + issuer
	for _, name := range slices.Sorted(maps.Keys(r.Machines)) {
		m := r.Machines[name]
		switch missing := m.differs(audience, c); {
		case m.Issuer != issuer:
		case missing != "":
			why = fmt.Sprintf("the token is not that of machine %s: %s", name, missing)
		default:
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return Identity{}, slipway.Errorf(slipway.Denied, "%s", why).WithFix("the platform team keeps access.machines in platform.yaml")
	case 1:
		return Identity{Machine: found[0], Scopes: r.Machines[found[0]].Scopes}, nil
	}
	return Identity{}, slipway.Errorf(slipway.Denied, "the token is that of several machines: %s", strings.Join(found, ", ")).
		WithFix("the platform team makes their claims in access.machines differ")
}

// differs says what a token lacks to be this machine's; empty if it is.
func (m Machine) differs(audience []string, c Claims) string {
	if !slices.Contains(audience, m.Audience) {
		return fmt.Sprintf("its audience is %s, not %s", strings.Join(audience, ", "), m.Audience)
	}
	if len(m.Claims) == 0 {
		return "the platform file names no claims of it"
	}
	for _, name := range slices.Sorted(maps.Keys(m.Claims)) {
		if got := c.text(name); got == "" || !like(m.Claims[name], got) {
			return fmt.Sprintf("%s is %q, not %q", name, got, m.Claims[name])
		}
	}
	return ""
}

// like reports whether a text is like a pattern, in which * stands for any text.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
