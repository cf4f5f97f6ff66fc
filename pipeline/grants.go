package pipeline

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/policy"
)

// A Granting is a permission to be: by whose key, and what it says.
type Granting struct {
	Environment string
	Rail        string
	Why         string
	Until       time.Time // the end; not looked at by Revoke
	Limit       string
	Person      string // whose key Key is
	Key         evidence.Signer
	By          string // who calls, for the ledger
}

// Granted is a permission as it is recorded.
type Granted struct {
	slipway.Grant
	Statement slipway.Digest `json:"statement"`
	// Void says why it opens nothing; empty: it is in force.
	Void string `json:"void,omitempty"`
	Made bool   `json:"made"` // false: it was there before
}

// Grant opens a rail of effect exception for the app in an environment. Who granted
// the same before has granted it, so it may be called again after a crash. Who may
// not grant is an error of kind Blocked.
func (f *Flow) Grant(ctx context.Context, g Granting) (Granted, error) {
	r, err := f.railIn(ctx, g.Rail, g.Environment)
	if err != nil {
		return Granted{}, err
	}
	if err := f.mayOpen(r, g); err != nil {
		return Granted{}, err
	}
	if g.Limit != "" {
		if err := f.rails.CheckLimit(f.Project.Manifest.Shape.Name, g.Limit); err != nil {
			return Granted{}, err
		}
	}
	if !f.Clock().Before(g.Until) {
		return Granted{}, slipway.Errorf(slipway.Invalid, "a grant until %s is over already", g.Until.Add(-time.Second).Format(time.DateOnly)).
			WithFix("name today or a later day with --until")
	}
	word := f.grantOf(r, g)
	word.Until, word.Limit = g.Until.UTC(), g.Limit
	return f.sayGrant(ctx, g, word, func(all []Granted) (*Granted, error) {
		for _, had := range all {
			same := had.Rail == word.Rail && had.Person == word.Person && had.Why == word.Why && had.Limit == word.Limit && had.Until.Equal(word.Until)
			if same && had.Void == "" {
				return &had, nil
			}
		}
		return nil, nil
	})
}

// Revoke takes back what opens a rail: all of it. Who took the same back before has
// done so, and it may be called again after a crash. Nothing to take back is an error of
// kind NotFound.
func (f *Flow) Revoke(ctx context.Context, g Granting) ([]Granted, error) {
	r, err := f.railIn(ctx, g.Rail, g.Environment)
	if err != nil {
		return nil, err
	}
	all, err := f.Grants(ctx, g.Environment)
	if err != nil {
		return nil, err
	}
	var out, before []Granted
	for _, had := range all {
		if had.Rail != g.Rail || had.Void != "" {
			continue
		}
		if had.Revokes != "" {
			if had.Person == g.Person && had.Why == g.Why {
				before = append(before, had)
			}
			continue
		}
		if had.Person != g.Person {
			if err := f.mayGrant(r, g.Person); err != nil {
				return nil, err
			}
		}
		word := f.grantOf(r, g)
		word.Until, word.Revokes = had.Until, had.Statement
		said, err := f.sayGrant(ctx, g, word, func(all []Granted) (*Granted, error) {
			for _, other := range all {
				if other.Revokes == word.Revokes && other.Void == "" {
					return &other, nil
				}
			}
			return nil, nil
		})
		if err != nil {
			return out, err
		}
		out = append(out, said)
	}
	if len(out) == 0 {
		out = before
	}
	if len(out) == 0 {
		return nil, slipway.Errorf(slipway.NotFound, "nothing opens rail %s for %s in %s", g.Rail, f.Project.Manifest.App, g.Environment).
			WithFix("slipway grants %s shows what does", g.Environment)
	}
	return out, nil
}

// grantOf is what every grant of a rail has.
func (f *Flow) grantOf(r policy.Rail, g Granting) slipway.Grant {
	return slipway.Grant{
		App: f.Project.Manifest.App, Environment: g.Environment, Rail: r.Name, Condition: r.Condition(),
		Person: g.Person, Why: g.Why, Time: f.Clock().UTC().Truncate(time.Microsecond),
	}
}

// railIn finds a rail that keeps the app from an environment.
func (f *Flow) railIn(ctx context.Context, rail, env string) (policy.Rail, error) {
	if _, err := f.Place(ctx, env); err != nil {
		return policy.Rail{}, err
	}
	book, err := f.Rails(ctx)
	if err != nil {
		return policy.Rail{}, err
	}
	r, err := book.Rail(rail)
	if err != nil {
		return r, err
	}
	if shape := f.Project.Manifest.Shape.Name; !r.IsFor(shape, env) {
		return r, slipway.Errorf(slipway.Invalid, "rail %s is not for a %s in %s, so there is nothing to open", rail, shape, env).
			WithFix("slipway explain %s shows what is closed", env)
	}
	return r, nil
}

// mayOpen says whether a person may open a rail, in words that help.
func (f *Flow) mayOpen(r policy.Rail, g Granting) error {
	switch r.Effect {
	case slipway.RailException:
	case slipway.RailSignOff:
		return slipway.Errorf(slipway.Invalid, "rail %s asks for a sign-off of each release, and not for a grant", r.Name).
			WithFix("slipway sign-off %s --as %s", g.Environment, strings.Join(r.By, " or --as "))
	case slipway.RailInforms:
		return slipway.Errorf(slipway.Invalid, "rail %s informs and keeps nobody out: there is nothing to grant", r.Name)
	case slipway.RailBlocks:
		return slipway.Errorf(slipway.Blocked, "rail %s blocks, and nobody can open it", r.Name).
			WithFix("do what it asks for; or the platform team gives it the effect exception")
	}
	return f.mayGrant(r, g.Person)
}

func (f *Flow) mayGrant(r policy.Rail, person string) error {
	who := f.Project.Platform.WhoeverAt(r.By, f.Clock())
	if slices.Contains(who, person) {
		return nil
	}
	err := slipway.Errorf(slipway.Blocked, "%s may not open rail %s, which is for %s", person, r.Name, strings.Join(r.By, " or "))
	if len(who) == 0 {
		return err.WithFix("nobody is in %s: the platform team keeps roles, people and teams", strings.Join(r.By, " or "))
	}
	return err.WithFix("ask %s", strings.Join(who, " or "))
}

// sayGrant signs and records a grant, or the end of one: the envelope first, then
// the entry that names its digest. had finds what makes it unnecessary.
func (f *Flow) sayGrant(ctx context.Context, g Granting, word slipway.Grant, had func([]Granted) (*Granted, error)) (Granted, error) {
	p, err := f.Place(ctx, word.Environment)
	if err != nil {
		return Granted{}, err
	}
	subject := ledger.Subject{App: word.App, Environment: word.Environment}
	var statement slipway.Digest
	for {
		h, err := ledger.ReadHistory(ctx, p.Ledger, subject)
		if err != nil {
			return Granted{}, err
		}
		all, err := f.granted(ctx, p, h)
		if err != nil {
			return Granted{}, err
		}
		if old, err := had(all); err != nil || old != nil {
			return orNone(old), err
		}
		if statement == "" {
			if statement, err = say(ctx, p, g.Key, word.App, word); err != nil {
				return Granted{}, err
			}
		}
		if slices.ContainsFunc(h.Grants, func(old ledger.Grant) bool { return old.Statement == statement }) {
			word.Time, statement = word.Time.Add(time.Microsecond), "" // the very words were taken back: these are new ones
			continue
		}
		_, err = p.Ledger.Append(ctx, ledger.Draft{
			Subject: subject, After: h.Head, ID: "granted/" + statement.Hex(), Kind: ledger.RailGranted, Time: word.Time, By: g.By,
			Body: ledger.Grant{Grant: word, Statement: statement}, Statements: []slipway.Digest{statement},
		})
		if err == nil {
			return Granted{Grant: word, Statement: statement, Made: true}, nil
		}
		if slipway.KindOf(err) != slipway.Conflict {
			return Granted{}, err
		} // somebody wrote something else meanwhile: look again
	}
}

func orNone(g *Granted) Granted {
	if g == nil {
		return Granted{}
	}
	return *g
}

// say signs a word and writes its envelope.
func say[W evidence.Word](ctx context.Context, p *Place, key evidence.Signer, app string, word W) (slipway.Digest, error) {
	data, err := evidence.Say(ctx, key, word)
	if err != nil {
		return "", err
	}
	digest := slipway.DigestOf(data)
	_, err = p.Repository.Put(ctx, slipway.StatementKey(app, digest), bytes.NewReader(data))
	return digest, err
}

// Grants returns what was granted for the app in an environment, in the order of
// the ledger, and what is in force of it now.
func (f *Flow) Grants(ctx context.Context, env string) ([]Granted, error) {
	return f.GrantsOf(ctx, f.Project.Manifest.App, env)
}

// GrantsOf is Grants of any app.
func (f *Flow) GrantsOf(ctx context.Context, app, env string) ([]Granted, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return nil, err
	}
	h, err := f.History(ctx, app, env)
	if err != nil {
		return nil, err
	}
	return f.granted(ctx, p, h)
}

// granted reads and verifies every grant again. What cannot be verified opens
// nothing. What takes something back counts, whoever it is by now: it was let into the
// ledger, and closes.
func (f *Flow) granted(ctx context.Context, p *Place, h ledger.History) ([]Granted, error) {
	if len(h.Grants) == 0 {
		return nil, nil
	}
	book, err := f.Rails(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Granted, 0, len(h.Grants))
	ended := map[slipway.Digest]string{}
	for _, entry := range h.Grants {
		g := Granted{Grant: entry.Grant, Statement: entry.Statement}
		err := f.heard(ctx, p, book, h.Subject.App, entry)
		if slipway.KindOf(err) == slipway.Unavailable && err != nil {
			return nil, err
		}
		if err != nil {
			g.Void = err.Error()
		}
		if g.Revokes != "" {
			ended[g.Revokes] = entry.Person + " took it back"
		}
		all = append(all, g)
	}
	for i := range all {
		if why, ok := ended[all[i].Statement]; ok && all[i].Void == "" {
			all[i].Void = why
		}
	}
	return all, nil
}

// heard says whether a grant is what its entry says, signed by whom it says, who
// may open the rail.
func (f *Flow) heard(ctx context.Context, p *Place, book *policy.Book, app string, entry ledger.Grant) error {
	word, e, err := hear[slipway.Grant](ctx, p, entry.App, entry.Statement)
	if err != nil {
		return err
	}
	if !sameGrant(word, entry.Grant) || word.App != app || word.Environment != p.Environment.Name {
		return slipway.Errorf(slipway.Conflict, "the ledger has %q, and what was signed is %q", entry.String(), word.String())
	}
	if err := evidence.SaidWord(f.Policy(), e, word); err != nil {
		return err
	}
	r, err := book.Rail(word.Rail)
	if err != nil {
		return slipway.Errorf(slipway.Blocked, "there is no rail %s any more", word.Rail)
	}
	return f.mayGrant(r, word.Person)
}

// sameGrant compares two grants, whose times may be of different zones.
func sameGrant(a, b slipway.Grant) bool {
	if !a.Time.Equal(b.Time) || !a.Until.Equal(b.Until) {
		return false
	}
	a.Time, a.Until = b.Time, b.Until
	return a == b
}

// hear reads a word from the repository.
func hear[W evidence.Word](ctx context.Context, p *Place, app string, statement slipway.Digest) (W, evidence.Envelope, error) {
	var none W
	data, _, err := p.Repository.Read(ctx, slipway.StatementKey(app, statement))
	if err != nil {
		return none, evidence.Envelope{}, err
	}
	if d := slipway.DigestOf(data); d != statement {
		return none, evidence.Envelope{}, slipway.Errorf(slipway.Conflict, "its bytes were changed: they have %s, and the ledger has %s", d, statement)
	}
	e, err := evidence.Unwrap(data)
	if err != nil {
		return none, e, err
	}
	word, err := evidence.Hear[W](e)
	return word, e, err
}

// exceptions are the grants as guard rails see them. With segregation nobody opens
// a rail for a release of their own.
func (f *Flow) exceptions(all []Granted, p *Place, r slipway.Release) []slipway.RailGrant {
	var barred []string
	if p.Environment.Segregate {
		barred = makers(f.Project.Platform.People, r)
	}
	var out []slipway.RailGrant
	for _, g := range all {
		if g.Revokes != "" {
			continue
		}
		grant := slipway.RailGrant{
			Rail: g.Rail, By: g.Person, Why: g.Why, Until: g.Until, Condition: g.Condition, Limit: g.Limit, Statement: g.Statement, Void: g.Void,
		}
		if grant.Void == "" && slices.Contains(barred, g.Person) {
			grant.Void = "it is " + g.Person + "'s own release"
		}
		out = append(out, grant)
	}
	return out
}
