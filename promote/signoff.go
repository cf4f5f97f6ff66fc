package promote

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// Rules say whose yes a release needs before it comes to an environment.
type Rules struct {
	Policy evidence.Policy
	Needs  []Need
	Barred []string // people whose own release it is; they do not sign for it
	// Now is when it is asked who has signed. Zero: nothing has ended.
	Now time.Time
}

// A Need is a role that has to say yes, and how many people in it.
type Need struct {
	Role  string `json:"role"`
	Count int    `json:"count"`
	// Valid is how long a yes counts. 0: it has no end.
	Valid time.Duration `json:"valid,omitempty"`
}

// A Standing is what people said to a release that is to come to an environment,
// and what that comes to.
type Standing struct {
	App         string         `json:"app"`
	Version     string         `json:"version"`
	Record      slipway.Digest `json:"record"`
	Environment string         `json:"environment"`
	Said        []Said         `json:"said"` // in the order of the ledger
	Roles       []RoleStanding `json:"roles"`
	rules       Rules
}

// Said is one sign-off.
type Said struct {
	slipway.SignOff
	Statement slipway.Digest `json:"statement"`
	Counts    bool           `json:"counts"`
	Why       string         `json:"why,omitempty"` // it does not count
	Replaced  bool           `json:"replaced,omitempty"`
	valid     bool           // signed by whom it says, who may
}

// A RoleStanding is how far one role is.
type RoleStanding struct {
	Need
	Yes   []string `json:"yes"`             // who said it
	Asked []string `json:"asked,omitempty"` // who could still say it
}

// Missing is how many more have to say yes.
func (r RoleStanding) Missing() int { return max(0, r.Count-len(r.Yes)) }

// ReadSigned reads the signed statements about a version, in the order of the
// ledger. One that is not in the repository, or is not what the ledger says, is an
// error of kind Conflict: it may have been a no.
func ReadSigned(ctx context.Context, repo repository.Repository, h ledger.History, version string) ([]evidence.Signed, error) {
	var all []evidence.Signed
	for _, entry := range h.SignedFor(version) {
		s, err := readSigned(ctx, repo, h.Subject.App, entry)
		if err != nil {
			return nil, slipway.Errorf(slipway.Conflict, "the sign-off of %s for %s in %s (entry %d of the ledger) cannot be verified: %w",
				entry.Person, version, h.Subject.Environment, entry.Entry, err).
				WithFix("bring %s back from a backup of %s, or make another release", slipway.StatementKey(h.Subject.App, entry.Statement), repo.URL())
		}
		all = append(all, s)
	}
	return all, nil
}

func readSigned(ctx context.Context, repo repository.Repository, app string, entry ledger.SignOff) (evidence.Signed, error) {
	data, _, err := repo.Read(ctx, slipway.StatementKey(app, entry.Statement))
	if err != nil {
		return evidence.Signed{}, err
	}
	if d := slipway.DigestOf(data); d != entry.Statement {
		return evidence.Signed{}, slipway.Errorf(slipway.Conflict, "its bytes were changed: they have %s, and the ledger has %s", d, entry.Statement)
	}
	s, err := evidence.Open(data)
	if err != nil {
		return evidence.Signed{}, err
	}
	said := s.Statement.Predicate
	if said.Time.Equal(entry.Time) && said.Until.Equal(entry.Until) {
		said.Time, said.Until = entry.Time, entry.Until
	}
	if said != entry.SignOff {
		return evidence.Signed{}, slipway.Errorf(slipway.Conflict, "the ledger has %q, and what was signed is %q", entry.String(), said.String())
	}
	return s, nil
}

// Judge says what signed statements about a release come to.
//
// What one person said is a chain: each statement names the one before it. One
// that does not follow is a copy of an old one, or came too late, and counts for
// nothing. Of the others a yes counts if it is the last and valid; a no closes
// until the person validly said something else.
func Judge(rules Rules, r slipway.Release, record slipway.Digest, environment string, signed []evidence.Signed) Standing {
	st := Standing{App: r.App, Version: r.Version, Record: record, Environment: environment, Said: []Said{}, rules: rules}
	last, valid := map[string]int{}, map[string]int{}
	for i, s := range signed {
		p := s.Statement.Predicate
		said := Said{SignOff: p, Statement: s.Digest}
		if st.previous(last, p.Person) != p.Previous {
			said.Why = "it does not follow what " + p.Person + " said before"
			st.Said = append(st.Said, said)
			continue
		}
		last[p.Person] = i
		if err := rules.believe(s, r, record, environment); err != nil {
			said.Why = err.Error()
		} else {
			said.valid = true
			valid[p.Person] = i
		}
		st.Said = append(st.Said, said)
	}
	for i := range st.Said {
		st.Said[i].settle(i, last, valid)
		if why := rules.over(st.Said[i].SignOff); why != "" && st.Said[i].Counts {
			st.Said[i].Counts, st.Said[i].Why = false, why
		}
	}
	for _, n := range rules.Needs {
		st.Roles = append(st.Roles, st.role(n))
	}
	return st
}

// previous is the digest of the last statement of a person.
func (st Standing) previous(last map[string]int, person string) slipway.Digest {
	if i, ok := last[person]; ok {
		return st.Said[i].Statement
	}
	return ""
}

// believe says whether a statement is about this release, and by somebody whose
// word counts.
func (rules Rules) believe(s evidence.Signed, r slipway.Release, record slipway.Digest, environment string) error {
	if err := evidence.Covers(s.Statement, r, record, environment); err != nil {
		return err
	}
	if err := rules.Policy.Verify(s); err != nil {
		return err
	}
	return rules.bar(s.Statement.Predicate.Person)
}

func (rules Rules) bar(person string) error {
	if !slices.Contains(rules.Barred, person) {
		return nil
	}
	return slipway.Errorf(slipway.Blocked, "it is %s's own release", person).WithFix("somebody else in the role has to sign")
}

// clockSkew is how far people's clocks may be ahead of each other's.
const clockSkew = 10 * time.Minute

// over says why a yes counts no longer; empty: it does. A no has no end.
func (rules Rules) over(s slipway.SignOff) string {
	if s.Answer != slipway.Yes {
		return ""
	}
	if !s.Until.IsZero() && !rules.Now.Before(s.Until) {
		return "it ended on " + s.Until.Add(-time.Second).Format(time.DateOnly)
	}
	i := slices.IndexFunc(rules.Needs, func(n Need) bool { return n.Role == s.Role })
	if i < 0 || rules.Needs[i].Valid == 0 {
		return ""
	}
	switch age := rules.Now.Sub(s.Time); {
	case rules.Now.IsZero():
		return ""
	case age < -clockSkew:
		return "it says that it was made at " + s.Time.Format(time.RFC3339) + ", which is yet to come"
	case age >= rules.Needs[i].Valid:
		return "it is of " + s.Time.Format(time.RFC3339) + ", and a yes as " + s.Role + " is good for " + days(rules.Needs[i].Valid)
	}
	return ""
}

// days writes a time of some days or hours.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// settle says whether the statement, the i-th, counts.
func (s *Said) settle(i int, last, valid map[string]int) {
	if !s.valid {
		return
	}
	at, lastValid := last[s.Person], valid[s.Person]
	switch {
	case i != lastValid:
		s.Replaced, s.Why = true, s.Person+" said something else since"
	case s.Answer == slipway.No, i == at:
		s.Counts = true
	default:
		s.Why = s.Person + " said something since that cannot be verified"
	}
}

// role says how far one role is.
func (st Standing) role(n Need) RoleStanding {
	at := RoleStanding{Need: n, Yes: []string{}}
	var busy []string // who said yes, in whichever role
	for _, s := range st.Said {
		if !s.Counts || s.Answer != slipway.Yes {
			continue
		}
		busy = append(busy, s.Person)
		if s.Role == n.Role {
			at.Yes = append(at.Yes, s.Person)
		}
	}
	if at.Missing() == 0 {
		return at
	}
	for _, person := range st.rules.Policy.Roles[n.Role] {
		if !slices.Contains(busy, person) && st.rules.Policy.CanSign(person, st.Environment) && st.rules.bar(person) == nil {
			at.Asked = append(at.Asked, person)
		}
	}
	return at
}

// Err is nil if the release may come to the environment. Otherwise it is of kind
// Blocked, and names who is asked for what.
func (st Standing) Err() error {
	for _, s := range st.Said {
		if s.Counts && s.Answer == slipway.No {
			return slipway.Errorf(slipway.Blocked, "%s may not come to %s: %s", st.Version, st.Environment, s.SignOff).
				WithFix("make a release that is better; or %s takes it back: slipway sign-off %s %s --as %s --withdraw", s.Person, st.Version, st.Environment, s.Role)
		}
	}
	var missing, fixes []string
	for _, r := range st.Roles {
		if n := r.Missing(); n > 0 {
			missing = append(missing, fmt.Sprintf("%d more of %s", n, r.Role))
			fixes = append(fixes, st.fix(r))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("%s may not come to %s yet, it needs %s", st.Version, st.Environment, strings.Join(missing, ", "))}
	for _, s := range st.Said {
		if s.Answer == slipway.Yes && !s.Counts && !s.Replaced {
			lines = append(lines, fmt.Sprintf("%s's yes as %s does not count: %s", s.Person, s.Role, s.Why))
		}
	}
	return slipway.Errorf(slipway.Blocked, "%s", strings.Join(lines, "\n")).WithFix("%s", strings.Join(fixes, "\n"))
}

func (st Standing) fix(r RoleStanding) string {
	n := r.Missing()
	if len(r.Asked) < n {
		return fmt.Sprintf("%d more of %s: only %d could sign; the platform team keeps roles.%s.people and people.NAME.keys", n, r.Role, len(r.Asked), r.Role)
	}
	who := strings.Join(r.Asked, " or ")
	if n > 1 {
		who = fmt.Sprintf("%d of %s", n, strings.Join(r.Asked, ", "))
	}
	return fmt.Sprintf("%d more of %s: %s: slipway sign-off %s %s --as %s", n, r.Role, who, st.Version, st.Environment, r.Role)
}
