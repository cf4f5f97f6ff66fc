package access

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// The kinds of ledger entry about access, and what their bodies are.
const (
	Delegated = "access.delegated" // Delegation
	Revoked   = "access.revoked"   // Revocation
	Refused   = "access.refused"   // []Refusal: those of one minute
	TokenMade = "access.token"     // TokenNote
	TokenEnd  = "access.untoken"   // TokenNote
)

// The chain of the ledger in which they stand: no app and no environment can have
// such names.
const (
	ChainApp         = "@server"
	ChainEnvironment = "@access"
)

// A Delegation hands a right over. It is worth, at each moment, what its giver may do
// at that moment within its scopes, and nothing after its end. So whoever loses a
// right has lost it for all whom they handed it to, and those for theirs.
type Delegation struct {
	ID     string    `json:"id"`
	From   string    `json:"from"` // the person or team whose right it is
	By     string    `json:"by"`   // the person who handed it over
	To     string    `json:"to"`   // a person or a team
	Scopes []Scope   `json:"scopes"`
	Until  time.Time `json:"until"`
	Why    string    `json:"why"`
	Made   time.Time `json:"made"`
	// Ended is when it was revoked; zero: it was not.
	Ended   time.Time `json:"ended,omitzero"`
	EndedBy string    `json:"ended_by,omitempty"`
}

// A Handed is a delegation, and whether it holds.
type Handed struct {
	Delegation
	Holds  bool   `json:"holds"`
	WhyNot string `json:"why_not,omitempty"`
}

// A Revocation takes a delegation back.
type Revocation struct {
	ID   string    `json:"id"`
	By   string    `json:"by"`
	Time time.Time `json:"time"`
}

// NewID returns a name that nothing else has.
func NewID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:12]) }

// holds reports whether the delegation is good at a time.
func (d Delegation) holds(now time.Time) bool {
	return now.Before(d.Until) && (d.Ended.IsZero() || now.Before(d.Ended)) && !now.Before(d.Made)
}

// delegable reports whether an action can be handed over. Reading everybody may. A
// sign-off is worth the signature of the one in the role, and who administers stands
// in the platform file.
func delegable(do Action) bool { return do != Read && do != SignOff && do != Admin }

// Delegate checks a delegation that somebody wants to make, and returns it with its
// maker and its time. It is refused where the giver has nothing of what it is to hand
// over, as far as teams lets that be seen: teams are those that own apps, by app.
func (p Policy) Delegate(who Identity, d Delegation, teams map[string]string) (Delegation, error) {
	d.By, d.Made, d.Ended, d.EndedBy = who.Person, p.Now, time.Time{}, ""
	if d.From == "" {
		d.From = who.Person
	}
	if err := p.wellFormed(d); err != nil {
		return d, err
	}
	switch {
	case who.Person == "" || who.Machine != "":
		return d, slipway.Errorf(slipway.Denied, "%s may not hand rights over: only people do", who)
	case !p.party(who).has(d.From):
		return d, slipway.Errorf(slipway.Denied, "%s may not hand over what %s may do", who, d.From).WithFix("who may: %s", p.Rules.named(d.From))
	case who.Scopes != nil && !within(d.Scopes, who.Scopes):
		return d, slipway.Errorf(slipway.Denied, "%s cannot hand over more than %s", who, JoinScopes(who.Scopes)).WithFix("sign in, or use a token with the scope all")
	}
	for _, s := range d.Scopes {
		if err := p.gives(d, s, teams); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (p Policy) wellFormed(d Delegation) error {
	bad := func(format string, args ...any) *slipway.Error {
		return slipway.Errorf(slipway.Invalid, format, args...)
	}
	person, team := p.Rules.People, p.Rules.Teams
	_, toPerson := person[d.To]
	_, toTeam := team[d.To]
	_, fromPerson := person[d.From]
	_, fromTeam := team[d.From]
	switch {
	case d.ID == "":
		return bad("a delegation needs an id")
	case !fromPerson && !fromTeam:
		return bad("the platform file has no person and no team %q", d.From)
	case !toPerson && !toTeam:
		return bad("the platform file has no person and no team %q", d.To)
	case d.To == d.From:
		return bad("%s has it already", d.To)
	case len(d.Scopes) == 0:
		return bad("say what is handed over, such as deploy:traffic@prod")
	case !d.Until.After(p.Now):
		return bad("a delegation needs an end that is still to come, not %s", day(d.Until))
	case d.Why == "":
		return bad("say why, for those who read it later")
	}
	for _, s := range d.Scopes {
		if s.Action != "" && !delegable(s.Action) {
			return bad("%s cannot be handed over", s.Action).
				WithFix("the platform team says in platform.yaml who signs and who administers; reading everybody may")
		}
	}
	return nil
}

// gives refuses a scope of which the giver has nothing.
func (p Policy) gives(d Delegation, s Scope, teams map[string]string) error {
	var last Decision
	for _, do := range Actions() {
		if s.Action != "" && s.Action != do || !delegable(do) {
			continue
		}
		for _, on := range p.objects(s, do, teams) {
			why, ok := p.may(p.Rules.of(d.From), do, on, map[string]bool{})
			if ok {
				return nil
			}
			last = Decision{Why: why, Who: p.Rules.could(do, on)}
		}
	}
	return slipway.Errorf(slipway.Denied, "%s has nothing of %s to hand over: %s", d.From, s, last.Why).WithFix("who may: %s", last.Who)
}

// objects are examples of what a scope reaches.
func (p Policy) objects(s Scope, do Action, teams map[string]string) []Object {
	environments := []string{s.Environment}
	if s.Environment == "" && do.inEnvironment() {
		environments = environments[:0]
		for name := range p.Rules.Deployers {
			environments = append(environments, name)
		}
		slices.Sort(environments)
	}
	var apps []Object
	for app, team := range teams {
		if s.App == "" || s.App == app {
			apps = append(apps, Object{App: app, Team: team})
		}
	}
	slices.SortFunc(apps, func(a, b Object) int { return strings.Compare(a.App, b.App) })
	if len(apps) == 0 {
		apps = []Object{{App: s.App}}
	}
	var all []Object
	for _, on := range apps {
		for _, on.Environment = range environments {
			all = append(all, on)
		}
	}
	return all
}

// MayRevoke says whether somebody may take a delegation back: whoever it is from, any
// member of that team, and the owners of the platform.
func (p Policy) MayRevoke(who Identity, d Delegation) Decision {
	if _, ok := p.bounded(who, Admin, Object{}); ok {
		if why, ok := p.Rules.own(p.party(who), Admin, Object{}); ok {
			return Decision{Allowed: true, Why: why}
		}
	}
	if who.Whole() && who.Person != "" && p.party(who).has(d.From) {
		return Decision{Allowed: true, Why: "it is a right of " + d.From}
	}
	return Decision{Why: "it is a right of " + d.From, Who: strings.Trim(p.Rules.named(d.From)+", "+p.Rules.could(Admin, Object{}), ", ")}
}

// Holds says whether a delegation is good for anything now, and if not, why.
func (p Policy) Holds(d Delegation) (string, bool) {
	switch {
	case !d.Ended.IsZero():
		return fmt.Sprintf("%s took it back on %s", d.EndedBy, day(d.Ended)), false
	case !p.Now.Before(d.Until):
		return "it ended on " + day(d.Until), false
	case p.Rules.of(d.From).nobody():
		return "the platform file has no " + d.From + " any more", false
	case p.Rules.of(d.To).nobody():
		return "the platform file has no " + d.To + " any more", false
	}
	return "", true
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
