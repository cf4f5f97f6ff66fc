package promote_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// A pair is a key of a test, the same each time.
type pair struct{ private ed25519.PrivateKey }

func pairOf(name string) pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), ed25519.SeedSize))}
}

func (p pair) Key() evidence.Key {
	return evidence.NewKey(p.private.Public().(ed25519.PublicKey))
}

func (p pair) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(p.private, data), nil
}

// usual asks for one yes of qa and one of security.
func usual() promote.Rules {
	keys := map[string][]evidence.Key{}
	for _, name := range []string{"ana", "bo", "cy"} {
		keys[name] = []evidence.Key{pairOf(name).Key()}
	}
	return promote.Rules{
		Policy: evidence.Policy{Keys: keys, Roles: map[string][]string{"qa": {"ana", "cy", "nokey"}, "security": {"ana", "bo"}, "legal": {"ana"}}},
		Needs:  []promote.Need{{Role: "qa", Count: 1}, {Role: "security", Count: 1}},
	}
}

// A desk is where people sign for a release on its way from dev to prod.
type desk struct {
	dev, prod place
	rules     promote.Rules
	now       time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{dev: newPlace(t, "dev", ""), prod: newPlace(t, "prod", "dev"), rules: usual(), now: noon()}
	d.dev.release(t, "[]")
	return d
}

// clock goes on by a second each time it is asked.
func (d *desk) clock() time.Time { d.now = d.now.Add(time.Second); return d.now }

func (d *desk) stage() promote.Stage {
	return promote.Stage{From: d.dev.Place, To: d.prod.Place, Clock: d.clock, Rules: func(slipway.Release) promote.Rules { return d.rules }}
}

func (d *desk) input() promote.Input {
	return promote.Input{App: "traffic", Version: "v1", By: "ann@laptop"}
}

func (d *desk) signing(person, role string, answer slipway.Answer) promote.Signing {
	return promote.Signing{Input: d.input(), Role: role, Person: person, Key: pairOf(person), Answer: answer}
}

func (d *desk) sign(person, role string, answer slipway.Answer) (promote.Signed, error) {
	return d.stage().Sign(context.Background(), d.signing(person, role, answer))
}

func (d *desk) mustSign(t *testing.T, person, role string, answer slipway.Answer) promote.Signed {
	t.Helper()
	out, err := d.sign(person, role, answer)
	if err != nil {
		t.Fatalf("%s signs as %s: %v", person, role, err)
	}
	return out
}

func (d *desk) standing(t *testing.T) promote.Standing {
	t.Helper()
	st, _, err := d.stage().Look(t.Context(), d.input())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (d *desk) envelope(t *testing.T, statement slipway.Digest) []byte {
	t.Helper()
	data, _, err := d.prod.Repository.Read(t.Context(), slipway.StatementKey("traffic", statement))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// smuggle writes an envelope and its entry as somebody does who may write to the
// repository, and has no key of the people's.
func (d *desk) smuggle(t *testing.T, id string, data []byte, said slipway.SignOff) {
	t.Helper()
	statement := slipway.DigestOf(data)
	if _, err := d.prod.Repository.Put(t.Context(), slipway.StatementKey("traffic", statement), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	h, err := ledger.ReadHistory(t.Context(), d.prod.Ledger, d.prod.subject())
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.prod.Ledger.Append(t.Context(), ledger.Draft{
		Subject: d.prod.subject(), After: h.Head, ID: id, Kind: ledger.ReleaseSigned, Time: noon(), By: "mallory", Body: ledger.SignOff{SignOff: said, Statement: statement},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAllHaveSigned(t *testing.T) {
	d := newDesk(t)
	if _, err := d.stage().Run(t.Context(), d.input()); slipway.KindOf(err) != slipway.Blocked {
		t.Fatalf("nobody has signed, and Run gives %v", err)
	}
	if _, _, err := repository.FindRelease(t.Context(), d.prod.Repository, "traffic", "v1"); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("a closed gate lets bytes through: %v", err)
	}
	first := d.mustSign(t, "cy", "qa", slipway.Yes)
	again := d.mustSign(t, "cy", "qa", slipway.Yes)
	if !first.Made || again.Made || again.Statement != first.Statement {
		t.Errorf("the first call made %+v, the second %+v", first, again)
	}
	d.mustSign(t, "bo", "security", slipway.Yes)
	out, err := d.stage().Run(t.Context(), d.input())
	if err != nil || !out.Made {
		t.Fatalf("all have signed, and Run gives %+v, %v", out, err)
	}
	_, err = d.sign("ana", "qa", slipway.No)
	wantError(t, err, slipway.Invalid, "v1 is in prod already: there is nothing left to sign for", "slipway rollback prod")
	d.rules.Needs[0].Count = 5 // what is in is in
	if out, err := d.stage().Run(t.Context(), d.input()); err != nil || out.Made {
		t.Errorf("promoted again, Run gives %+v, %v", out, err)
	}
}

func TestGateTells(t *testing.T) {
	for name, c := range map[string]struct {
		do        func(t *testing.T, d *desk)
		want, fix string // empty: the gate is open
	}{
		"nobody yet": {
			func(*testing.T, *desk) {}, "v1 may not come to prod yet, it needs 1 more of qa, 1 more of security",
			"1 more of qa: ana or cy: slipway sign-off v1 prod --as qa\n1 more of security: ana or bo: slipway sign-off v1 prod --as security",
		},
		"one role": {
			func(t *testing.T, d *desk) { d.mustSign(t, "ana", "qa", slipway.Yes) }, "v1 may not come to prod yet, it needs 1 more of security",
			"1 more of security: bo: slipway sign-off v1 prod --as security",
		},
		"two of one role": {
			func(_ *testing.T, d *desk) { d.rules.Needs = []promote.Need{{Role: "qa", Count: 2}} },
			"v1 may not come to prod yet, it needs 2 more of qa", "2 more of qa: 2 of ana, cy: slipway sign-off v1 prod --as qa",
		},
		"more than there are": {
			func(_ *testing.T, d *desk) { d.rules.Needs = []promote.Need{{Role: "qa", Count: 3}} },
			"v1 may not come to prod yet, it needs 3 more of qa", "3 more of qa: only 2 could sign; the platform team keeps roles.qa.people and people.NAME.keys",
		},
		"a no": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				no := d.signing("bo", "security", slipway.No)
				no.Comment = "it leaks"
				if _, err := d.stage().Sign(t.Context(), no); err != nil {
					t.Fatal(err)
				}
			}, "v1 may not come to prod: bo says no to release v1 as security: it leaks",
			"make a release that is better; or bo takes it back: slipway sign-off v1 prod --as security --withdraw",
		},
		"a no beside enough of yes": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.mustSign(t, "cy", "qa", slipway.No)
			}, "v1 may not come to prod: cy says no to release v1 as qa", "cy takes it back",
		},
		"a no that is taken back": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "bo", "security", slipway.No)
				d.mustSign(t, "bo", "security", slipway.Withdrawn)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.mustSign(t, "ana", "qa", slipway.Yes)
			}, "", "",
		},
		"a yes that is withdrawn": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.mustSign(t, "ana", "qa", slipway.Withdrawn)
			}, "v1 may not come to prod yet, it needs 1 more of qa", "1 more of qa: ana or cy:",
		},
		"from one role to another": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				d.mustSign(t, "ana", "qa", slipway.Withdrawn)
				d.mustSign(t, "ana", "security", slipway.Yes)
			}, "v1 may not come to prod yet, it needs 1 more of qa", "1 more of qa: cy:",
		},
		"who left the role": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "cy", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.rules.Policy.Roles["security"] = []string{"ana"}
			}, "v1 may not come to prod yet, it needs 1 more of security\nbo's yes as security does not count: bo is not in the role security", "ana: slipway",
		},
		"whose key was taken away": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "cy", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.rules.Policy.Keys["bo"] = []evidence.Key{pairOf("new").Key()}
			}, "bo's yes as security does not count: it was signed with the key " + pairOf("bo").Key().ID() + ", which is none of bo's", "",
		},
		"whose own release it is": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "cy", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.rules.Barred = []string{"bo"}
			}, "bo's yes as security does not count: it is bo's own release", "ana: slipway",
		},
		"a stranger's signature in ana's name": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.forge(t, "ana", "qa", slipway.Yes, "eve")
			}, "ana's yes as qa does not count: it was signed with the key " + pairOf("eve").Key().ID() + ", which is none of ana's", "ana or cy",
		},
		"a stranger's withdrawal of a no": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.No)
				d.forge(t, "bo", "security", slipway.Withdrawn, "eve")
			}, "v1 may not come to prod: bo says no to release v1 as security", "",
		},
		"a stranger's words behind a yes": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Yes)
				d.forge(t, "bo", "security", slipway.Withdrawn, "eve")
			}, "bo's yes as security does not count: bo said something since that cannot be verified", "",
		},
		"an old yes, entered again": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				old := d.mustSign(t, "bo", "security", slipway.Yes)
				d.mustSign(t, "bo", "security", slipway.Withdrawn)
				d.smuggle(t, "again", d.envelope(t, old.Statement), old.SignOff)
			}, "bo's yes as security does not count: it does not follow what bo said before", "1 more of security: bo:",
		},
		"another record": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				said := d.signed(t, "bo", "security", slipway.Yes)
				said.Record = slipway.DigestOf([]byte("other"))
				d.smuggle(t, "other", d.seal(t, said, "bo", d.released(t)), said)
			}, "bo's yes as security does not count: it is about another record of v1: " + string(slipway.DigestOf([]byte("other"))) + " is not sha256:", "",
		},
		"other bytes": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				said := d.signed(t, "bo", "security", slipway.Yes)
				r := d.released(t)
				r.Artifacts = slices.Clone(r.Artifacts)
				r.Artifacts[0].Digest = slipway.DigestOf([]byte("evil"))
				d.smuggle(t, "other", d.seal(t, said, "bo", r), said)
			}, "bo's yes as security does not count: it is about other bytes than v1 has", "",
		},
		"another environment": {
			func(t *testing.T, d *desk) {
				d.mustSign(t, "ana", "qa", slipway.Yes)
				said := d.signed(t, "bo", "security", slipway.Yes)
				said.Environment = "staging"
				d.smuggle(t, "other", d.seal(t, said, "bo", d.released(t)), said)
			}, "bo's yes as security does not count: it is about v1 of traffic in staging, and not about v1 of traffic in prod", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c.do(t, d)
			_, err := d.stage().Run(t.Context(), d.input())
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, slipway.Blocked, c.want, c.fix)
		})
	}
}

// released is the release as dev has it.
func (d *desk) released(t *testing.T) slipway.Release {
	t.Helper()
	_, r, err := d.stage().Look(t.Context(), d.input())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signed is what somebody would say now.
func (d *desk) signed(t *testing.T, person, role string, answer slipway.Answer) slipway.SignOff {
	t.Helper()
	st := d.standing(t)
	said := slipway.SignOff{
		App: "traffic", Version: "v1", Record: st.Record, Environment: "prod", Role: role, Person: person, Answer: answer, Time: d.clock().Truncate(time.Microsecond),
	}
	for _, s := range st.Said {
		if s.Person == person {
			said.Previous = s.Statement
		}
	}
	return said
}

func (d *desk) seal(t *testing.T, said slipway.SignOff, by string, r slipway.Release) []byte {
	t.Helper()
	data, err := evidence.Sign(t.Context(), pairOf(by), said, r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// forge enters what somebody says in another person's name.
func (d *desk) forge(t *testing.T, person, role string, answer slipway.Answer, by string) {
	t.Helper()
	said := d.signed(t, person, role, answer)
	data := d.seal(t, said, by, d.released(t))
	d.smuggle(t, string(slipway.DigestOf(data)), data, said)
}

func TestMayNotSign(t *testing.T) {
	cy := pairOf("cy")
	for name, c := range map[string]struct {
		do        func(t *testing.T, d *desk) (promote.Signed, error)
		kind      slipway.Kind
		want, fix string
	}{
		"two roles": {func(t *testing.T, d *desk) (promote.Signed, error) {
			d.mustSign(t, "ana", "qa", slipway.Yes)
			return d.sign("ana", "security", slipway.Yes)
		}, slipway.Blocked, "ana has signed for v1 in prod as qa already, and nobody fills two roles", "slipway sign-off v1 prod --as qa --withdraw"},
		"a yes and a no in two roles": {func(t *testing.T, d *desk) (promote.Signed, error) {
			d.mustSign(t, "ana", "qa", slipway.No)
			return d.sign("ana", "security", slipway.Yes)
		}, slipway.Blocked, "nobody fills two roles", "have somebody else of security sign"},
		"not in the role": {
			func(_ *testing.T, d *desk) (promote.Signed, error) { return d.sign("bo", "qa", slipway.Yes) },
			slipway.Blocked, "bo is not in the role qa", "the platform team keeps roles.qa.people",
		},
		"a role nobody asks for": {
			func(_ *testing.T, d *desk) (promote.Signed, error) { return d.sign("ana", "legal", slipway.Yes) },
			slipway.Invalid, "prod asks for no sign-off of legal", "it asks for: qa, security",
		},
		"their own release": {func(_ *testing.T, d *desk) (promote.Signed, error) {
			d.rules.Barred = []string{"ana"}
			return d.sign("ana", "qa", slipway.Yes)
		}, slipway.Blocked, "it is ana's own release", "somebody else in the role has to sign"},
		"nothing to withdraw": {
			func(_ *testing.T, d *desk) (promote.Signed, error) { return d.sign("ana", "qa", slipway.Withdrawn) },
			slipway.Invalid, "ana has said nothing to v1 in prod that could be withdrawn", "",
		},
		"another's key": {func(_ *testing.T, d *desk) (promote.Signed, error) {
			in := d.signing("ana", "qa", slipway.Yes)
			in.Key = cy
			return d.stage().Sign(context.Background(), in)
		}, slipway.Blocked, "it was signed with the key " + cy.Key().ID() + ", which is none of ana's", ""},
		"nobody is asked": {func(_ *testing.T, d *desk) (promote.Signed, error) {
			stage := d.stage()
			stage.Rules = nil
			return stage.Sign(context.Background(), d.signing("ana", "qa", slipway.Yes))
		}, slipway.Invalid, "prod asks for no sign-offs", "the platform team names roles under environments.prod.sign_offs"},
		"no such release": {func(_ *testing.T, d *desk) (promote.Signed, error) {
			in := d.signing("ana", "qa", slipway.Yes)
			in.Version = "v2"
			return d.stage().Sign(context.Background(), in)
		}, slipway.NotFound, "there is no release v2 of traffic in dev", "slipway releases dev"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			_, err := c.do(t, d)
			wantError(t, err, c.kind, c.want, c.fix)
		})
	}
}

// What was signed and cannot be read any more may have been a no.
func TestDamagedSignOffClosesTheGate(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, d *desk, file string)
		want string
	}{
		"a flipped byte": {func(t *testing.T, _ *desk, file string) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			write(t, file, data)
		}, "its bytes were changed: they have sha256:"},
		"another envelope in its place": {func(t *testing.T, d *desk, file string) {
			said := d.signed(t, "bo", "security", slipway.Yes)
			write(t, file, d.seal(t, said, "bo", d.released(t)))
		}, "its bytes were changed: they have sha256:"},
		"gone": {func(t *testing.T, _ *desk, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, "there is no "},
		"an entry that says something else": {func(t *testing.T, d *desk, _ string) {
			said := d.signed(t, "bo", "security", slipway.Withdrawn)
			data := d.seal(t, said, "bo", d.released(t))
			said.Answer = slipway.Yes
			d.smuggle(t, "lie", data, said)
		}, `the ledger has "bo says yes to release v1 as security", and what was signed is "bo withdraws the sign-off of release v1 as security"`},
		"an entry of something else": {func(t *testing.T, d *desk, _ string) {
			d.smuggle(t, "note", []byte(`{"kind":"note"}`), d.signed(t, "bo", "security", slipway.Yes))
		}, "not a signed statement: the envelope"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.mustSign(t, "cy", "qa", slipway.Yes)
			no := d.mustSign(t, "bo", "security", slipway.No)
			file := filepath.Join(d.prod.dir, filepath.FromSlash(slipway.StatementKey("traffic", no.Statement)))
			c.do(t, d, file)
			_, err := d.stage().Run(t.Context(), d.input())
			wantError(t, err, slipway.Conflict, "the sign-off of bo for v1 in prod (entry ", "or make another release")
			wantError(t, err, slipway.Conflict, c.want, "from a backup of file://")
		})
	}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A no that comes while the bytes are copied is in time.
func TestNoDuringTheCopy(t *testing.T) {
	d := newDesk(t)
	d.mustSign(t, "cy", "qa", slipway.Yes)
	d.mustSign(t, "bo", "security", slipway.Yes)
	stage := d.stage()
	stage.To.Ledger = &interposed{Ledger: d.prod.Ledger, before: func() { d.mustSign(t, "ana", "qa", slipway.No) }}
	_, err := stage.Run(t.Context(), d.input())
	wantError(t, err, slipway.Blocked, "v1 may not come to prod: ana says no to release v1 as qa", "ana takes it back")
	if a := d.prod.admissions(t); len(a) != 0 {
		t.Errorf("it was let in: %+v", a)
	}
}

// interposed is a ledger in which something happens just before an entry is
// appended, once.
type interposed struct {
	ledger.Ledger
	before func()
}

func (l *interposed) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	if before := l.before; before != nil {
		l.before = nil
		before()
	}
	return l.Ledger.Append(ctx, d)
}

// Somebody else signs between the look and the entry: both count, and nobody is
// asked to sign twice.
func TestSignersAtOnce(t *testing.T) {
	d := newDesk(t)
	stage := d.stage()
	stage.To.Ledger = &interposed{Ledger: d.prod.Ledger, before: func() { d.mustSign(t, "bo", "security", slipway.Yes) }}
	counted := &counting{pair: pairOf("cy")}
	in := d.signing("cy", "qa", slipway.Yes)
	in.Key = counted
	if _, err := stage.Sign(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := d.standing(t).Err(); err != nil || counted.times != 1 {
		t.Errorf("%v; cy signed %d times", err, counted.times)
	}
}

type counting struct {
	pair
	times int
}

func (c *counting) Sign(ctx context.Context, data []byte) ([]byte, error) {
	c.times++
	return c.pair.Sign(ctx, data)
}

// The same person at two desks: the one who comes second follows the first.
func TestOnePersonAtTwoDesks(t *testing.T) {
	d := newDesk(t)
	stage := d.stage()
	stage.To.Ledger = &interposed{Ledger: d.prod.Ledger, before: func() { d.mustSign(t, "ana", "security", slipway.Yes) }}
	_, err := stage.Sign(t.Context(), d.signing("ana", "qa", slipway.Yes))
	wantError(t, err, slipway.Blocked, "ana has signed for v1 in prod as security already, and nobody fills two roles", "")
	var yes []string
	for _, r := range d.standing(t).Roles {
		yes = append(yes, r.Yes...)
	}
	if diff := cmp.Diff([]string{"ana"}, yes); diff != "" {
		t.Error(diff)
	}
}

func TestManySignAtOnce(t *testing.T) {
	d := newDesk(t)
	d.rules.Needs = []promote.Need{{Role: "qa", Count: 12}}
	var names []string
	for i := range 12 {
		name := string(rune('a'+i)) + "-person"
		names = append(names, name)
		d.rules.Policy.Keys[name] = []evidence.Key{pairOf(name).Key()}
	}
	d.rules.Policy.Roles["qa"] = names
	var all sync.WaitGroup
	errs := make([]error, len(names))
	for i, name := range names {
		stage := d.stage()
		stage.Clock = noon
		stage.To.Ledger = object.New(d.prod.Repository, noon) // a machine of its own
		in := d.signing(name, "qa", slipway.Yes)
		all.Go(func() { _, errs[i] = stage.Sign(t.Context(), in) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	st := d.standing(t)
	slices.Sort(st.Roles[0].Yes)
	if diff := cmp.Diff(names, st.Roles[0].Yes); diff != "" || st.Err() != nil {
		t.Errorf("%v\n%s", st.Err(), diff)
	}
}

// Sign is cut short before and after each write, and called again.
func TestSigningCutShort(t *testing.T) {
	fault := errors.New("no network")
	for n := int64(1); n <= 2; n++ {
		for _, before := range []bool{true, false} {
			name := fmt.Sprintf("write %d, before %v", n, before)
			d := newDesk(t)
			d.mustSign(t, "cy", "qa", slipway.Yes)
			faulty := &repositorytest.Faulty{Repository: d.prod.Repository}
			if before {
				faulty.Before = repositorytest.Once("Put", n, fault)
			} else {
				faulty.After = repositorytest.Once("Put", n, fault)
			}
			stage := d.stage()
			stage.To.Repository, stage.To.Ledger = faulty, object.New(faulty, noon)
			if _, err := stage.Sign(t.Context(), d.signing("bo", "security", slipway.Yes)); !errors.Is(err, fault) {
				t.Fatalf("%s: Sign gives %v", name, err)
			}
			recorded := n == 2 && !before
			if (d.standing(t).Err() == nil) != recorded {
				t.Errorf("%s: %v", name, d.standing(t).Err())
			}
			again := d.mustSign(t, "bo", "security", slipway.Yes)
			if again.Made == recorded || d.standing(t).Err() != nil || len(d.standing(t).Said) != 2 {
				t.Errorf("%s: called again, %+v, %v", name, again, d.standing(t).Err())
			}
		}
	}
}

func TestHistoryTellsWhoSigned(t *testing.T) {
	d := newDesk(t)
	d.mustSign(t, "cy", "qa", slipway.No)
	d.mustSign(t, "cy", "qa", slipway.Withdrawn)
	h, err := ledger.ReadHistory(t.Context(), d.prod.Ledger, d.prod.subject())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range h.Entries {
		told = append(told, h.Describe(e))
	}
	if diff := cmp.Diff([]string{"cy says no to release v1 as qa", "cy withdraws the sign-off of release v1 as qa"}, told); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprint(told), "release.signed") {
		t.Error("it names the kind")
	}
}
