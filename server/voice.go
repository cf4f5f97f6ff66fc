package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

// speaking is the input of a job that says something for a person: to a release, or
// about a guard rail.
type speaking struct {
	Who         access.Identity `json:"who"`
	App         string          `json:"app"`
	Environment string          `json:"environment"`
	Version     string          `json:"version,omitempty"`
	Role        string          `json:"role,omitempty"`
	Answer      slipway.Answer  `json:"answer,omitempty"`
	Rail        string          `json:"rail,omitempty"`
	Revoke      bool            `json:"revoke,omitempty"`
	Limit       string          `json:"limit,omitempty"`
	Text        string          `json:"text,omitempty"` // the comment, or why
	Until       time.Time       `json:"until,omitzero"`
}

// Spoken is what came of a job that said something for a person.
type Spoken struct {
	Text    string             `json:"text"`             // what was said and what it comes to, as Markdown
	Signed  *promote.Signed    `json:"signed,omitempty"` // of a sign-off
	Granted []pipeline.Granted `json:"granted,omitempty"`
}

// spokenBy is who says it, as the ledger has it: with the job, so that a job that
// begins again finds what it has said.
func spokenBy(who access.Identity, j store.Job) string {
	return fmt.Sprintf("%s (job %d)", who, j.ID)
}

// voice is the key with which the server signs what a caller says in an environment,
// and who that is. It takes a person: nobody else has a word.
func (s *Server) voice(ctx context.Context, f *pipeline.Flow, env string) (person string, key evidence.Signer, err error) { //nolint:ireturn // it may be in a file or elsewhere
	who := caller(ctx)
	if who.Machine != "" || who.Person == "" {
		return "", nil, slipway.Errorf(slipway.Denied, "%s is nobody who could sign", who)
	}
	if s.Signer == nil {
		return "", nil, slipway.Errorf(slipway.Blocked, "this server has no key to sign with")
	}
	if key, err = s.Signer(ctx); err != nil {
		return "", nil, err
	}
	if err := f.Policy().Speaks(key.Key().ID(), env, s.Clock()); err != nil {
		return "", nil, slipway.Errorf(slipway.Blocked, "this server does not sign for people in %s: %w", env, err).
			WithFix("the platform team adds its key under signers.NAME.keys, with speaks_for_people: true: %s; or sign with a key of your own on the command line", key.Key())
	}
	return who.Person, key, nil
}

// mayBy asks whether the caller may do what is for some people, roles and teams. Who
// stands in for one of them, by delegations of the platform file, may as well.
func (s *Server) mayBy(ctx context.Context, f *pipeline.Flow, names []string, do access.Action, on access.Object) error {
	who := caller(ctx)
	if who.Whole() && who.Person != "" && slices.Contains(f.Project.Platform.WhoeverAt(names, s.Clock()), who.Person) {
		return nil
	}
	return s.door.May(ctx, who, do, on)
}

// saidBefore is the first entry that a job wrote, before it was cut short or at its
// end; nil: it wrote none.
func (s *Server) saidBefore(ctx context.Context, in speaking, kind, by string) (*ledger.Entry, error) {
	h, err := s.history(ctx, in.App, in.Environment)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(h.Entries, func(e ledger.Entry) bool { return e.Kind == kind && e.By == by })
	if i < 0 {
		return nil, nil
	}
	return &h.Entries[i], nil
}

// speak does a job that says something for a person. It is said once: what is in the
// ledger already is not said again, whatever was said since.
func (s *Server) speak(ctx context.Context, j store.Job) (done, error) {
	in, err := input[speaking](j)
	if err != nil {
		return done{}, err
	}
	ctx = context.WithValue(ctx, callerKey{}, in.Who)
	a, err := s.app(ctx, in.App, access.Read, in.Environment)
	if err != nil {
		return done{}, err
	}
	kind, say := ledger.ReleaseSigned, s.sayTo
	if j.Kind == jobGrant {
		kind, say = ledger.RailGranted, s.sayOf
	}
	by := spokenBy(in.Who, j)
	var out Spoken
	d, err := s.ofApp(ctx, j, a.Name, func(f *pipeline.Flow) (any, error) {
		before, err := s.saidBefore(ctx, in, kind, by)
		if err != nil {
			return nil, err
		}
		out, err = say(ctx, f, a, in, by, before)
		return out, err
	})
	if err != nil {
		return d, err
	}
	d.then = func(ctx context.Context, tx *store.Tx) error {
		e, err := s.saidBefore(ctx, in, kind, by)
		if err != nil || e == nil {
			return err
		}
		return s.unblocked(ctx, tx, in.App, in.Environment, *e)
	}
	return d, nil
}

// sayTo signs for a release.
func (s *Server) sayTo(ctx context.Context, f *pipeline.Flow, a store.App, in speaking, by string, before *ledger.Entry) (Spoken, error) {
	on := access.Object{App: a.Name, Team: a.Team, Environment: in.Environment, Role: in.Role}
	if err := s.mayBy(ctx, f, []string{in.Role}, access.SignOff, on); err != nil {
		return Spoken{}, err
	}
	r, err := f.Review(ctx, a.Name, in.Version, in.Environment)
	if err != nil {
		return Spoken{}, err
	}
	in.Version = r.Release.Version
	signed, err := s.signFor(ctx, f, in, by, before)
	if err != nil {
		return Spoken{}, err
	}
	text := plainText(signed.SignOff.String()) + "."
	if !signed.Made {
		text += " That was so before."
	}
	if r, err = f.Review(ctx, a.Name, r.Release.Version, in.Environment); err != nil {
		return Spoken{}, err
	}
	return Spoken{Text: text + "\n\n" + standingText(r.Standing), Signed: &signed}, nil
}

// signFor signs, or finds what the job has signed already.
func (s *Server) signFor(ctx context.Context, f *pipeline.Flow, in speaking, by string, before *ledger.Entry) (promote.Signed, error) {
	if before != nil {
		var had ledger.SignOff
		err := json.Unmarshal(before.Body, &had)
		return promote.Signed{SignOff: had.SignOff, Statement: had.Statement, Made: true}, err
	}
	person, key, err := s.voice(ctx, f, in.Environment)
	if err != nil {
		return promote.Signed{}, err
	}
	return f.SignOff(ctx, promote.Signing{
		Input: promote.Input{App: in.App, Version: in.Version, By: by},
		Role:  in.Role, Person: person, Key: key, Answer: in.Answer, Comment: in.Text, Until: in.Until,
	}, in.Environment)
}

// standingText says whom a release waits for.
func standingText(st promote.Standing) string {
	if err := st.Err(); err != nil {
		text := plainText(err.Error())
		if fix := slipway.FixOf(err); fix != "" {
			text += "\n→ " + plainText(fix)
		}
		return text
	}
	return fmt.Sprintf("All who are asked have signed for `%s` in `%s`.", plainText(st.Version), plainText(st.Environment))
}

// sayOf opens a guard rail, or closes one that was opened.
func (s *Server) sayOf(ctx context.Context, f *pipeline.Flow, a store.App, in speaking, by string, before *ledger.Entry) (Spoken, error) {
	book, err := f.Rails(ctx)
	if err != nil {
		return Spoken{}, err
	}
	rail, err := book.Rail(in.Rail)
	if err != nil {
		return Spoken{}, err
	}
	on := access.Object{App: a.Name, Team: a.Team, Environment: in.Environment, Rail: in.Rail, By: rail.By}
	if err := s.mayBy(ctx, f, rail.By, access.Grant, on); err != nil {
		return Spoken{}, err
	}
	if before != nil && !in.Revoke {
		var had ledger.Grant
		err := json.Unmarshal(before.Body, &had)
		return Spoken{Text: plainText(had.String()) + ".", Granted: []pipeline.Granted{{Grant: had.Grant, Statement: had.Statement, Made: true}}}, err
	}
	person, key, err := s.voice(ctx, f, in.Environment)
	if err != nil {
		return Spoken{}, err
	}
	g := pipeline.Granting{
		Environment: in.Environment, Rail: in.Rail, Why: in.Text, Until: in.Until, Limit: in.Limit, Person: person, Key: key, By: by,
	}
	var all []pipeline.Granted
	if in.Revoke {
		all, err = f.Revoke(ctx, g)
		if before != nil && slipway.KindOf(err) == slipway.NotFound { // nothing was left
			return Spoken{Text: "Nothing opens it any more."}, nil
		}
	} else {
		var one pipeline.Granted
		one, err = f.Grant(ctx, g)
		all = []pipeline.Granted{one}
	}
	if err != nil {
		return Spoken{}, err
	}
	var lines []string
	for _, g := range all {
		lines = append(lines, plainText(g.String())+".")
	}
	return Spoken{Text: strings.Join(lines, "\n"), Granted: all}, nil
}
